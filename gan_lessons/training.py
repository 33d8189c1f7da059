"""Training: settings, one step, the loop that yields events, EMA, snapshots, checkpoints.

The trainer draws nothing and prints nothing. Whoever wants to see something iterates::

    for event in trainer.run():
        print(event.step, event.loss_generator)

Everything that decides what happens next (weights, optimizers, EMA, random numbers, position in
the data, history) is in :meth:`Trainer.state`, so that a run can be rewound or resumed exactly.
"""

import copy
import io
import math
import signal
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields, replace
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from gan_lessons import losses, models, onepass
from gan_lessons.errors import UserError
from gan_lessons.files import written_aside
from gan_lessons.recording import Recording

NETWORKS: dict[str, tuple[Callable[..., nn.Module], Callable[..., nn.Module]]] = {
    "dense": (models.DenseGenerator, models.DenseDiscriminator),
    "conv": (models.ConvGenerator, models.ConvDiscriminator),
    "fine": (models.FineGenerator, models.FineDiscriminator),
}
PENALTIES = ("none", "gradient_penalty", "r1", "r2", "r1_and_r2")
# What a run is built with: to change it is to start another run.
FIXED = (
    *("network", "latent_dim", "generator_width", "discriminator_width", "batch_size", "seed"),
    *("update", "precision", "workers", "device", "cuda_graphs", "classes"),
)
UPDATES = ("in_turn", "one_pass")
DEVICES = ("cpu", "cuda", "mps")
COOLDOWN = 0.3  # share of the run
TOGETHER = 16  # steps that a GPU is given before their losses are read


def _number(default: float, low: float, high: float) -> Any:
    return field(default=default, metadata={"range": (low, high)})


def _choice(default: str, options: tuple[str, ...]) -> Any:
    return field(default=default, metadata={"options": options})


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything that decides a run, with the range or the options of each.

    ``lr_*`` are Adam's rates, ``beta1`` and ``beta2`` its averages (Kingma and Ba 2015).
    ``penalty_weight`` is λ of the gradient penalty or γ of R1 and R2; it is applied every
    ``penalty_every`` steps, that many times as strongly (lazy regularisation, Karras et al. 2020).
    ``label_smoothing`` is one-sided, ``instance_noise`` the standard deviation of Gaussian noise
    on all that D sees, ``noise_scale`` that of z. ``ema_decay`` is the generator average's memory
    (0: no average). With ``steps`` or ``seconds`` the run has an end, and both rates fall to 0
    towards it: along a cosine, or (``lr_decay="cooldown"``) in a line over the last 30 % only. With
    "none" they stay.

    With ``update="one_pass"`` both players move at once (see `onepass`), ``workers`` (1 or 2)
    share each batch, and ``precision`` is that of the networks' arithmetic.

    With ``classes`` the GAN is conditional: G gets a class beside its noise, as one number 1 among
    ``classes`` numbers, and D answers for each class (Mirza and Osindero 2014; one linear output
    for each class as in Miyato and Koyama 2018). 0: it is not.

    ``device`` is where the networks and the data live: "cpu", "cuda" (an NVIDIA or AMD GPU) or
    "mps" (Apple's). Noise and the order of the data are the same on all; sums round differently.
    With ``cuda_graphs="on"`` a CUDA GPU replays a recorded step of ``update="one_pass"``
    (see `recording`).

    Raises:
        UserError: a value is outside its range; the sentence names it.
    """

    network: str = _choice("conv", tuple(NETWORKS))
    latent_dim: int = _number(64, 1, 1024)
    generator_width: int = _number(48, 1, 1024)
    discriminator_width: int = _number(24, 1, 1024)
    objective: str = _choice("non_saturating", tuple(losses.OBJECTIVES))
    penalty: str = _choice("r1", PENALTIES)
    penalty_weight: float = _number(1.0, 0, 1000)
    penalty_every: int = _number(4, 1, 64)
    batch_size: int = _number(32, 2, 4096)
    lr_generator: float = _number(3e-3, 0, 0.1)
    lr_discriminator: float = _number(3e-3, 0, 0.1)
    beta1: float = _number(0.0, 0, 0.999)
    beta2: float = _number(0.99, 0, 0.9999)
    discriminator_steps: int = _number(1, 1, 100)
    generator_steps: int = _number(1, 1, 100)
    label_smoothing: float = _number(0.0, 0, 0.49)
    instance_noise: float = _number(0.0, 0, 10)
    noise_scale: float = _number(1.0, 0.01, 10)
    ema_decay: float = _number(0.998, 0, 0.99999)
    lr_decay: str = _choice("cosine", ("none", "cosine", "cooldown"))
    steps: int | None = field(default=None, metadata={"range": (1, 10_000_000)})
    seconds: float | None = field(default=None, metadata={"range": (0.1, 1_000_000)})
    seed: int = _number(0, 0, 2**31 - 1)
    update: str = _choice("in_turn", UPDATES)
    precision: str = _choice("float32", tuple(onepass.PRECISIONS))
    workers: int = _number(1, 1, 2)
    device: str = _choice("cpu", DEVICES)
    cuda_graphs: str = _choice("off", ("off", "on"))
    classes: int = _number(0, 0, 1000)

    def __post_init__(self) -> None:
        for setting in fields(self):
            check_setting(setting.name, getattr(self, setting.name))
        if self.steps is not None and self.seconds is not None:
            raise UserError("Both steps and seconds are set; a run ends by one of them: drop one.")
        if self.label_smoothing and self.objective not in ("minimax", "non_saturating"):
            raise UserError(
                f"label_smoothing is {self.label_smoothing}, but the objective {self.objective!r} "
                "has no labels to smooth; set it to 0, or choose minimax or non_saturating."
            )
        self._refuse_for_update()
        if self.classes and self.network == "dense":
            raise UserError(f"classes is {self.classes}; the network 'dense' knows no classes.")

    def _refuse_for_update(self) -> None:
        in_turn: dict[str, tuple[Any, ...]] = {
            "precision": ("float32",),
            "workers": (1,),
            "cuda_graphs": ("off",),
            "classes": (0,),
        }
        one_pass: dict[str, tuple[Any, ...]] = {
            "objective": ("non_saturating", "minimax", "wasserstein"),
            "penalty": ("none", "r1"),
            "discriminator_steps": (1,),
            "generator_steps": (1,),
            "instance_noise": (0,),
            "batch_size": tuple(range(self.workers * 2, 4097, self.workers)),
            "workers": (1, 2) if self.device == "cpu" else (1,),
            "cuda_graphs": ("off", "on") if self.device == "cuda" else ("off",),
        }
        for name, values in (one_pass if self.update == "one_pass" else in_turn).items():
            value = getattr(self, name)
            if value not in values:
                raise UserError(
                    f"{name} is {value!r}; with update {self.update!r} on {self.device!r} choose "
                    f"{', '.join(map(str, values[:3]))}{' …' if len(values) > 3 else ''}."
                )


def check_setting(name: str, value: Any) -> None:
    """Refuse a value that `Settings` could not use.

    Raises:
        UserError: unknown name, wrong kind, or out of range; the sentence says what is right.
    """
    setting = {f.name: f for f in fields(Settings)}.get(name)
    if setting is None:
        known = ", ".join(f.name for f in fields(Settings))
        raise UserError(f"There is no setting {name!r}; the settings are {known}.")
    if "options" in setting.metadata:
        options = setting.metadata["options"]
        if value not in options:
            raise UserError(f"{name} is {value!r}; choose one of {', '.join(options)}.")
        return
    if value is None and setting.default is None:
        return
    whole = setting.type in (int, int | None)
    kinds = int if whole else (int, float)
    low, high = setting.metadata["range"]
    if isinstance(value, bool) or not isinstance(value, kinds) or not low <= value <= high:
        kind = "a whole number" if whole else "a number"
        raise UserError(f"{name} is {value!r}; choose {kind} from {low:,} to {high:,}.")


# As `dcgan`, with more steps in the same time, rates that do not fall (the average is enough to
# settle), and a slower discriminator, whose answers else exploded in one run of twelve. One-pass
# recipes take `machine.levers` where the command trains them.
FAST = Settings(update="one_pass", lr_discriminator=2e-3, lr_decay="none")
# For long runs: networks that draw and see at full resolution, larger batches, a weaker penalty, a
# longer average, and rates that fall late.
BEST = replace(
    FAST,
    network="fine",
    generator_width=64,
    discriminator_width=32,
    batch_size=128,
    penalty_weight=0.3,
    ema_decay=0.999,
    lr_decay="cooldown",
)
RECIPES: dict[str, Settings] = {
    "dcgan": Settings(),
    "fast": FAST,
    "best": BEST,
    "conditional": replace(BEST, classes=10),
    "dense": Settings(
        network="dense",
        generator_width=128,
        discriminator_width=128,
        batch_size=64,
        lr_generator=2e-3,
        lr_discriminator=2e-3,
        penalty="none",
        ema_decay=0.0,
        lr_decay="none",
    ),
}


class Event(NamedTuple):
    """What one training step tells its listeners; the losses are means over the step's batch.

    After a generator's half step alone, what only D's half measures is NaN.
    """

    step: int
    epoch: float
    elapsed: float  # seconds of training so far
    loss_discriminator: float
    loss_generator: float
    d_real: float  # mean D(x) as a probability, before D's update
    d_fake: float  # mean D(G(z)), likewise


class Diverged(UserError):
    """A loss became NaN or infinite."""


def place(name: str) -> torch.device:
    """The device of that name.

    Raises:
        UserError: this machine has no such device, or PyTorch was built without it.
    """
    missing = {
        "cuda": not torch.cuda.is_available(),
        "mps": not torch.backends.mps.is_available(),
    }
    if missing.get(name):
        raise UserError(
            f"device is {name!r}, but PyTorch {torch.__version__} finds no such GPU here; "
            "choose 'cpu', or install the PyTorch that fits your GPU (see pytorch.org)."
        )
    return torch.device(name)


def build(settings: Settings) -> tuple[nn.Module, nn.Module]:
    """Generator and discriminator as the settings say, with weights that their seed decides."""
    generator, discriminator = NETWORKS[settings.network]
    classes = {"classes": settings.classes} if settings.classes else {}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        return (
            generator(settings.latent_dim + settings.classes, settings.generator_width),
            discriminator(settings.discriminator_width, **classes),
        )


@torch.no_grad()
def update_average(average: nn.Module, model: nn.Module, decay: float) -> None:
    """average ← decay · average + (1 − decay) · model, for weights and BatchNorm statistics.

    The exponential moving average (EMA) of a generator smooths out its circling around the
    equilibrium (Yazici et al. 2019).
    """
    for slow, fast in zip(
        [*average.parameters(), *average.buffers()],
        [*model.parameters(), *model.buffers()],
        strict=True,
    ):
        if slow.is_floating_point():
            slow.lerp_(fast, 1 - decay)
        else:
            slow.copy_(fast)  # BatchNorm's counter of batches


class Trainer:
    """Trains a generator against a discriminator.

    Args:
        samples: real samples (N, …); for the networks of `models`, images (N, 1, 28, 28) in
            [−1, 1].
        settings: what to do; `RECIPES` has good ones.
        networks: your own (generator, discriminator) instead of those the settings name.
        labels: the samples' classes (N,), from 0, for a conditional GAN.
    """

    def __init__(
        self,
        samples: Tensor,
        settings: Settings,
        networks: tuple[nn.Module, nn.Module] | None = None,
        labels: Tensor | None = None,
    ) -> None:
        if len(samples) < settings.batch_size:
            raise UserError(
                f"There are {len(samples)} samples for batches of {settings.batch_size}; "
                "choose a smaller batch_size or bring more samples."
            )
        if settings.classes and (labels is None or len(labels) != len(samples)):
            raise UserError(
                f"classes is {settings.classes}: a conditional GAN needs labels, one for each of "
                f"the {len(samples):,} samples."
            )
        self.settings = settings
        self.device = place(settings.device)
        self.labels = labels.to(self.device) if settings.classes and labels is not None else None
        self.samples = samples.to(self.device)
        self.generator, self.discriminator = networks or build(settings)
        self.generator.to(self.device), self.discriminator.to(self.device)
        fused = settings.update == "one_pass"
        if fused:  # convolutions of few channels are faster so
            for network in (self.generator, self.discriminator):
                network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.workers = onepass.Workers(self.generator, self.discriminator, settings.workers)
        self._recordings: dict[tuple[Any, ...], Recording] = {}
        self.average = copy.deepcopy(self.generator).eval().requires_grad_(False)
        betas = (settings.beta1, settings.beta2)
        self.optimizer_generator = torch.optim.Adam(
            self.generator.parameters(), settings.lr_generator, betas, fused=fused
        )
        self.optimizer_discriminator = torch.optim.Adam(
            self.discriminator.parameters(), settings.lr_discriminator, betas, fused=fused
        )
        self.rng = torch.Generator().manual_seed(settings.seed)
        self.step = 0
        self.batches = 0
        self.elapsed = 0.0
        self.history: list[Event] = []
        self.judged: tuple[float, float, float] | None = None  # D's half, while G's is to come
        self._order = (-1, torch.empty(0))

    # One step

    def noise(self, n: int) -> Tensor:
        """n fresh noise vectors (n, latent_dim), the same on every device."""
        z = torch.randn(n, self.settings.latent_dim, generator=self.rng)
        return self._send(z) * self.settings.noise_scale

    def _send(self, tensor: Tensor) -> Tensor:
        """To the device. A CUDA GPU fetches it from pinned memory, and nothing waits."""
        if self.settings.device == "cuda":
            return tensor.pin_memory().to(self.device, non_blocking=True)
        return tensor.to(self.device)

    def next_batch(self) -> Tensor:
        """The next batch of real samples: every epoch has its own order, set by seed and epoch."""
        return self.samples[self._next_indices()]

    def _next_indices(self) -> Tensor:
        size = self.settings.batch_size
        epoch, position = divmod(self.batches, len(self.samples) // size)
        if self._order[0] != epoch:
            rng = torch.Generator().manual_seed(1_000_003 * self.settings.seed + epoch)
            order = torch.randperm(len(self.samples), generator=rng)
            self._order = (epoch, self._send(order))
        self.batches += 1
        return self._order[1][position * size : (position + 1) * size]

    def discriminator_step(self) -> tuple[float, float, float]:
        """Update D once; return its loss, mean D(x) and mean D(G(z)) from before the update."""
        s = self.settings
        real = self.next_batch()
        with torch.no_grad():  # D's step is not G's business
            fake = self.generator(self.noise(len(real)))
        real, fake = self._blur(real), self._blur(fake)
        real_logits, fake_logits = self.discriminator(real), self.discriminator(fake)
        objective = losses.OBJECTIVES[s.objective]
        loss = objective.discriminator_loss(real_logits, fake_logits, s.label_smoothing)
        total = loss
        if self.step % s.penalty_every == 0:
            total = loss + s.penalty_every * s.penalty_weight * self._penalty(real, fake)
        self._update(self.discriminator, self.optimizer_discriminator, total, "discriminator")
        return loss.item(), real_logits.sigmoid().mean().item(), fake_logits.sigmoid().mean().item()

    def generator_step(self) -> float:
        """Update G once; return its loss from before the update."""
        s = self.settings
        fake_logits = self.discriminator(self._blur(self.generator(self.noise(s.batch_size))))
        real_logits = None
        if s.objective == "relativistic":
            with torch.no_grad():
                real_logits = self.discriminator(self._blur(self.next_batch()))
        loss = losses.OBJECTIVES[s.objective].generator_loss(fake_logits, real_logits)
        self._update(self.generator, self.optimizer_generator, loss, "generator")
        self._remember()
        return loss.item()

    def _remember(self) -> None:
        """Let the average of G take this step in, and forget the first, random weights."""
        decay = min(self.settings.ema_decay, self.step / (self.step + 10))
        update_average(self.average, self.generator, decay)

    def _blur(self, samples: Tensor) -> Tensor:
        if self.settings.instance_noise == 0:
            return samples
        noise = torch.randn(samples.shape, generator=self.rng)
        return samples + self.settings.instance_noise * self._send(noise)

    def _penalty(self, real: Tensor, fake: Tensor) -> Tensor | float:
        match self.settings.penalty:
            case "gradient_penalty":
                return losses.gradient_penalty(self.discriminator, real, fake, self.rng)
            case "r1":
                return losses.r1(self.discriminator, real)
            case "r2":
                return losses.r2(self.discriminator, fake)
            case "r1_and_r2":
                return losses.r1(self.discriminator, real) + losses.r2(self.discriminator, fake)
            case _:
                return 0.0

    def _update(
        self, player: nn.Module, optimizer: torch.optim.Optimizer, loss: Tensor, name: str
    ) -> None:
        self._refuse_infinite(loss.item(), name, self.step)
        optimizer.zero_grad()
        # Only this player's parameters receive gradients, whatever the loss passed through.
        loss.backward(inputs=list(player.parameters()))
        optimizer.step()

    def _refuse_infinite(self, loss: float, name: str, step: int) -> None:
        if not math.isfinite(loss):
            raise Diverged(
                f"The {name}'s loss became {loss} at step {step}: training diverged. "
                f"Go back to an earlier snapshot and lower lr_{name}, or add a penalty."
            )

    def train_step(self, together: int = 1) -> Event:
        """One whole step: D's updates, then G's; a step that D's half has begun is completed.

        A keyboard interrupt waits until it is done.

        Args:
            together: so many steps instead, where both players move at once. A GPU gets them all
                before their losses are read, because reading waits for it. So a loss that is not
                finite is noticed late; on the CPU, one by one, before it spoils a weight.
        """
        with undivided():
            if self.settings.update == "one_pass" and self.judged is None:
                self._both_players(together)
            else:
                if self.judged is None:
                    self.half_step("discriminator")
                self.half_step("generator")
        return self.history[-1]

    def _both_players(self, together: int) -> None:
        """Steps of both at once, each from one backward pass (see `onepass`)."""
        moments, answers = [], []
        for left in reversed(range(together)):
            started = time.monotonic()
            self._set_rates()
            answers.append(self._gradients())
            if not left:
                read = self._read(answers)
            self.optimizer_discriminator.step()
            self.optimizer_generator.step()
            self.workers.share()
            self._remember()
            self.step += 1
            self.elapsed += time.monotonic() - started
            moments.append((self.step, self.epoch, self.elapsed))
        self.history += [Event(*when, *what) for when, what in zip(moments, read, strict=True)]

    def _gradients(self) -> Tensor:
        """Those of the next step; see `onepass.backward` for what it returns."""
        s = self.settings
        chosen = self._next_indices()
        inputs = [
            self.samples[chosen].contiguous(memory_format=torch.channels_last),
            self.noise(len(chosen)),
        ]
        if self.labels is not None:  # the fakes are of the real samples' classes
            inputs.append(self.labels[chosen])
            inputs[1] = models.with_class(inputs[1], inputs[2], s.classes)
        lazily = s.penalty == "r1" and self.step % s.penalty_every == 0
        work = partial(
            self.workers.backward,
            losses.OBJECTIVES[s.objective],
            smoothing=s.label_smoothing,
            r1=s.penalty_every * s.penalty_weight if lazily else 0.0,
            precision=s.precision,
        )
        if s.cuda_graphs == "off":
            return work(*inputs)
        same = (s.objective, *work.keywords.values())  # what a recording cannot change
        return self._recordings.setdefault(same, Recording(work))(*inputs)

    def _read(self, answers: list[Tensor]) -> list[list[float]]:
        """The numbers in the answers of the last steps; waits for them."""
        read: list[list[float]] = torch.stack(answers).tolist()
        for step, (loss_discriminator, loss_generator, *_) in enumerate(
            read, self.step + 1 - len(read)
        ):
            self._refuse_infinite(loss_discriminator, "discriminator", step)
            self._refuse_infinite(loss_generator, "generator", step)
        return read

    def half_step(self, player: str) -> None:
        """One player's updates alone. The step ends, and is counted, when G has moved.

        After D's half ``judged`` holds D's loss, mean D(x) and mean D(G(z)).

        Args:
            player: "discriminator" or "generator".
        """
        s = self.settings
        with undivided():
            started = time.monotonic()
            self._set_rates()
            if player == "discriminator":
                for _ in range(s.discriminator_steps):
                    self.judged = self.discriminator_step()
                self.elapsed += time.monotonic() - started
                return
            for _ in range(s.generator_steps):
                loss_generator = self.generator_step()
            self.step += 1
            self.elapsed += time.monotonic() - started
            loss_discriminator, *answers = self.judged or (math.nan,) * 3
            self._tell(loss_discriminator, loss_generator, *answers)
            self.judged = None

    def _tell(self, *answers: float) -> None:
        self.history.append(Event(self.step, self.epoch, self.elapsed, *answers))

    def change(self, **settings: Any) -> dict[str, tuple[Any, Any]]:
        """Change settings in the middle of a run; the next step goes by them.

        Returns:
            Name → (old, new) of each setting that is now another one.

        Raises:
            UserError: no such setting, out of range, or fixed when the run began; nothing changed.
        """
        for name, value in settings.items():
            check_setting(name, value)
        was = asdict(self.settings)
        changed = {name: (was[name], new) for name, new in settings.items() if new != was[name]}
        for name in changed:
            if name in FIXED:
                raise UserError(
                    f"{name} is fixed when a run begins (here to {was[name]!r}): start a new one."
                )
        self.settings = replace(self.settings, **settings)
        betas = (self.settings.beta1, self.settings.beta2)
        for optimizer in (self.optimizer_generator, self.optimizer_discriminator):
            optimizer.param_groups[0]["betas"] = betas  # the rates are set anew at every step
        return changed

    def _set_rates(self) -> None:
        s = self.settings
        factor = 1.0
        if s.lr_decay == "cosine":
            factor = 0.5 + 0.5 * math.cos(math.pi * self.progress)
        elif s.lr_decay == "cooldown":
            factor = min(1.0, (1 - self.progress) / COOLDOWN)
        self.optimizer_generator.param_groups[0]["lr"] = s.lr_generator * factor
        self.optimizer_discriminator.param_groups[0]["lr"] = s.lr_discriminator * factor

    # The loop

    @property
    def together(self) -> int:
        """How many steps are asked for at once: see `train_step`."""
        return 1 if self.settings.device == "cpu" else TOGETHER

    @property
    def epoch(self) -> float:
        """Passes over the data so far."""
        return self.batches * self.settings.batch_size / len(self.samples)

    @property
    def progress(self) -> float:
        """Share of the run that is done, from 0 to 1; always 0 for a run without an end."""
        if self.settings.steps is not None:
            return min(self.step / self.settings.steps, 1.0)
        if self.settings.seconds is not None:
            return min(self.elapsed / self.settings.seconds, 1.0)
        return 0.0

    def run(self, steps: int | None = None) -> Iterator[Event]:
        """Train to the end of the run, or for that many steps more; yield an event after each.

        On a GPU, where both players move at once, an event follows every `TOGETHER` steps; their
        history is complete. Time spent by the caller between events counts towards ``seconds``.
        Stop iterating at any event, or interrupt: the trainer is whole, and another ``run`` goes
        on from there.

        Raises:
            UserError: the run has no end and ``steps`` is not given.
            Diverged: a loss became NaN or infinite.
        """
        if steps is None and self.settings.steps is None and self.settings.seconds is None:
            raise UserError(
                "This run has no end: give run(steps=…), or set steps or seconds in the settings."
            )
        last = min(
            math.inf if steps is None else self.step + steps,
            math.inf if self.settings.steps is None else self.settings.steps,
        )
        while self.step < last and self.progress < 1:
            event = self.train_step(int(min(self.together, last - self.step)))
            handed_over = time.monotonic()
            yield event
            self.elapsed += time.monotonic() - handed_over

    @torch.no_grad()
    def sample(self, z: Tensor, average: bool = True) -> Tensor:
        """Images for noise z (N, latent_dim), by the averaged generator or the raw one."""
        z = z.to(self.device)
        if average:
            return sample(self.average, z).cpu()
        was_training = self.generator.training
        samples = sample(self.generator.eval(), z).cpu()
        self.generator.train(was_training)
        return samples

    # Going back, and going on

    def state(self) -> dict[str, Any]:
        """All that decides what happens next: a snapshot, independent of further training."""
        return copy.deepcopy(
            {
                "settings": asdict(self.settings),
                "generator": self.generator.state_dict(),
                "discriminator": self.discriminator.state_dict(),
                "average": self.average.state_dict(),
                "optimizer_generator": self.optimizer_generator.state_dict(),
                "optimizer_discriminator": self.optimizer_discriminator.state_dict(),
                "rng": self.rng.get_state(),
                "step": self.step,
                "batches": self.batches,
                "elapsed": self.elapsed,
                "judged": self.judged,
                "history": torch.tensor(self.history, dtype=torch.float64),
            }
        )

    def restore(self, state: Mapping[str, Any]) -> None:
        """Return to a state: training goes on from there as if nothing had happened since."""
        state = copy.deepcopy(dict(state))  # optimizers keep what they are given
        self.settings = Settings(**state["settings"])
        for part in ("generator", "discriminator", "average"):
            getattr(self, part).load_state_dict(state[part])
        self.optimizer_generator.load_state_dict(state["optimizer_generator"])
        self.optimizer_discriminator.load_state_dict(state["optimizer_discriminator"])
        self.workers.share()
        self.rng.set_state(state["rng"])
        self.step, self.batches = state["step"], state["batches"]
        self.elapsed = state["elapsed"]
        self.judged = state.get("judged")  # absent in a state that was packed by hand
        self.history = [Event(int(step), *rest) for step, *rest in state["history"].tolist()]

    def branch(self) -> "Trainer":
        """A second run at this very state: the same weights, noise and data order from here on."""
        networks = copy.deepcopy((self.generator, self.discriminator))
        twin = type(self)(self.samples, self.settings, networks, self.labels)
        twin.restore(self.state())
        return twin

    def save(self, path: str | Path) -> None:
        """Write a checkpoint, whole or not at all.

        Raises:
            UserError: the file cannot be written.
        """
        state = self.state() | {"samples": _fingerprint(self.samples)}
        buffer = io.BytesIO()  # torch.save into a file hides what the system says of a full disk
        torch.save(state, buffer)
        with written_aside(path) as aside:
            aside.write_bytes(buffer.getbuffer())

    @classmethod
    def load(
        cls,
        path: str | Path,
        samples: Tensor,
        networks: tuple[nn.Module, nn.Module] | None = None,
        labels: Tensor | None = None,
    ) -> "Trainer":
        """A trainer that goes on from a checkpoint, bit for bit on the same CPU.

        Args:
            path: what :meth:`save` wrote.
            samples: the same real samples as before.
            networks: as before, if you had brought your own.
            labels: as before, for a conditional GAN.

        Raises:
            UserError: no such file, not a checkpoint, or the samples are others.
        """
        state = read_checkpoint(path)
        if _fingerprint(samples) != state["samples"]:
            raise UserError(
                f"{path} belongs to a run on other data ({state['samples'][0]:,} samples; these "
                f"are {len(samples):,}). Load the data that it was started with."
            )
        trainer = cls(samples, Settings(**state["settings"]), networks, labels)
        trainer.restore(state)
        return trainer


def sample(generator: nn.Module, z: Tensor, batch_size: int = 500) -> Tensor:
    """Images for noise z (N, latent_dim) of any number N, without gradients, batch by batch."""
    with torch.no_grad():
        return torch.cat([generator(part) for part in z.split(batch_size)])


def _fingerprint(samples: Tensor) -> tuple[int, int]:
    return len(samples), zlib.crc32(samples.cpu().contiguous().numpy().data)


def read_checkpoint(path: str | Path) -> dict[str, Any]:
    """The state in a checkpoint file; loads without running code.

    Raises:
        UserError: no such file, or not a checkpoint.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"There is no checkpoint {path}.")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        Settings(**state["settings"])
        for part in ("generator", "average", "rng", "step", "samples"):
            state[part]
    except Exception as error:  # torch.load fails in many ways on a file that is not its own
        raise UserError(
            f"{path} is not a checkpoint of this course, or is damaged ({type(error).__name__})."
        ) from error
    return dict(state)


@contextmanager
def undivided() -> Iterator[None]:
    """Hold a keyboard interrupt back until the block is done, so that a step is never half done."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    waiting: list[tuple[int, FrameType | None]] = []
    usual = signal.signal(signal.SIGINT, lambda number, frame: waiting.append((number, frame)))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, usual)
    if waiting and callable(usual):
        usual(*waiting[0])
