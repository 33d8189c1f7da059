"""Both players' gradients from one backward pass: the GAN of the recipes ``fast`` and ``best``.

The usual step asks D about the fakes twice: once to teach D, once to teach G. But both losses
reach a fake's pixels through the same derivative of D's answer to that fake; they differ by a
number for each fake only. So one backward pass is enough, as long as D treats samples one by one
(no BatchNorm): "Training GANs in One Stage", Shen et al. 2021. Both players move at the same time.
"""

import itertools
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from gan_lessons import losses
from gan_lessons.errors import UserError
from gan_lessons.methods.gan import Adversarial, AdversarialSettings, image_size, refuse_labels
from gan_lessons.networks import NETWORKS, append_one_hot
from gan_lessons.training import (
    Batch,
    Player,
    Ranks,
    Settings,
    Trainer,
    Values,
    choice,
    flag,
    number,
)
from gan_lessons.training.autotune import cores
from gan_lessons.training.cuda_graph import GraphedCall
from gan_lessons.training.workers import Workers

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}
LEAST_SLOPE = 1e-12  # of D's loss in a fake's logit


@dataclass(frozen=True, kw_only=True)
class OnePassSettings(AdversarialSettings):
    """The settings of `OnePassGAN`.

    With ``classes`` the GAN is conditional: G gets a class beside its noise, as one number 1 among
    ``classes`` numbers, and D answers for each class (Mirza and Osindero 2014; one linear output
    for each class as in Miyato and Koyama 2018). With ``mismatch`` D is also to refuse real samples
    under the classes that are not theirs (Reed et al. 2016, section 4.1).
    """

    network: str = choice("conv", tuple(NETWORKS), label="networks", fixed=True)
    lr_decay: str = "none"  # the moving average is enough to settle
    # A slower discriminator: else its answers exploded in one run of twelve.
    lr_discriminator: float = 2e-3
    beta1: float = number(
        0.0, 0, 0.999, label="β1 of Adam", group="Optimizers", slider=(0, 0.99), step=0.01
    )
    objective: str = choice(
        "non_saturating",
        ("non_saturating", "minimax", "wasserstein"),
        label="objective",
        group="Networks and game",
        help="One in which D's loss rises with the logit of every fake.",
    )
    penalty: str = choice("r1", ("none", "r1"), label="penalty on D", group="Remedies")
    precision: str = choice(
        "float32", tuple(PRECISIONS), label="arithmetic of the networks", fixed=True
    )
    workers: int = number(
        1, 1, 256, label="workers", help="Threads that share each batch.", fixed=True
    )
    cuda_graphs: bool = flag(
        False, label="CUDA graphs", help="Replay a recorded step on a CUDA GPU.", fixed=True
    )
    classes: int = number(
        0, 0, 1000, label="classes", help="That G is told, and D answers for; 0: none.", fixed=True
    )
    mismatch: float = number(
        0.0, 0, 0.9, label="share of wrong classes", fixed=True,
        help="Of what a conditional D is to refuse: real samples under the other classes.",
    )  # fmt: skip

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.batch_size % self.workers or self.batch_size < 2 * self.workers:
            raise UserError(
                f"workers is {self.workers} and batch_size {self.batch_size}; choose a batch_size "
                f"that is a multiple of the workers and at least {2 * self.workers}."
            )
        if self.workers > 1 and self.device != "cpu":
            raise UserError(f"workers is {self.workers}; on {self.device!r} choose 1.")
        if self.cuda_graphs and self.device != "cuda":
            raise UserError(f"cuda_graphs is True; on {self.device!r} choose False.")
        if self.classes and self.network == "dense":
            raise UserError(f"classes is {self.classes}; the network 'dense' knows no classes.")
        if self.mismatch and self.classes < 2:
            raise UserError(
                f"mismatch is {self.mismatch:g} and classes {self.classes}; without other classes "
                "choose 0."
            )


# For long runs: networks that draw and see at full resolution, larger batches, a weaker penalty, a
# longer average, and rates that fall late.
BEST = OnePassSettings(
    network="fine",
    generator_width=64,
    discriminator_width=32,
    batch_size=128,
    penalty_weight=0.3,
    ema_decay=0.999,
    lr_decay="cooldown",
)


class OnePassGAN(Adversarial[Any]):
    """Both players move at once, by gradients from one backward pass."""

    name = "one_pass"
    settings_class: ClassVar[type[Settings]] = OnePassSettings
    recipes: ClassVar[Mapping[str, Settings]] = {
        "fast": OnePassSettings(),
        "best": BEST,
        "conditional": replace(BEST, classes=10),
        # A larger share of wrong classes obeys better and varies less.
        "fast_conditional": OnePassSettings(classes=10, mismatch=0.08, lr_decay="cooldown"),
    }
    reads_later = True

    @classmethod
    def check_data(cls, settings: Any, data: Batch) -> None:
        if settings.classes:
            refuse_labels(data.get("labels"), len(data["samples"]), settings.classes)

    def __init__(
        self, settings: Any, data: Batch, networks: Mapping[str, nn.Module] | None = None
    ) -> None:
        super().__init__(settings, data, networks)
        trained = {name: player.network for name, player in self.players.items()}
        self.workers = Workers(trained, settings.workers)
        self._graphed = settings.cuda_graphs
        self._graphs: dict[tuple[Any, ...], GraphedCall] = {}

    @classmethod
    def build(cls, settings: Any, shape: tuple[int, ...]) -> dict[str, nn.Module]:
        generator, discriminator = NETWORKS[settings.network]
        size: dict[str, int] = image_size(shape)
        classes = {"classes": settings.classes} if settings.classes else {}
        inputs = settings.latent_dim + settings.classes
        return {
            "generator": generator(inputs, settings.generator_width, **size),
            "discriminator": discriminator(settings.discriminator_width, **size, **classes),
        }

    def player(self, name: str, network: nn.Module) -> Player:
        # Convolutions of few channels are faster channels-last.
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        optimizer = torch.optim.Adam(network.parameters(), self.rate(name), self.betas, fused=True)
        return Player(network, optimizer, self.average_of(name, network), keep_gradients=True)

    @classmethod
    def candidates(cls, settings: Any) -> list[dict[str, Any]]:
        """Precisions; on a CPU numbers of workers, on CUDA its graphs."""
        counts: tuple[int, ...] = (1,)
        if settings.device == "cpu":
            most = min(cores(), settings.batch_size // 2)
            counts = tuple(n for n in range(1, most + 1) if settings.batch_size % n == 0)
        graphs = (False, True) if settings.device == "cuda" else (False,)
        return [
            {"precision": precision, "workers": workers, "cuda_graphs": graphed}
            for precision, workers, graphed in itertools.product(PRECISIONS, counts, graphs)
        ]

    def share(self, ranks: Ranks) -> None:
        super().share(ranks)
        # Workers would talk to other ranks in no fixed order, and a recording not at all.
        self.workers = Workers({name: p.network for name, p in self.players.items()}, 1)
        self._graphed = False

    def inputs(self, n: int, rng: torch.Generator) -> Tensor:
        """n noise vectors (n, latent_dim), for a conditional GAN with the classes 0, 1, … in turn:
        (n, latent_dim + classes).
        """
        z = super().inputs(n, rng)
        classes = self.settings.classes
        return append_one_hot(z, torch.arange(n) % classes, classes) if classes else z

    def step(self, run: Trainer) -> Values:
        values = run.read(self.gradients(run))
        for player in self.players.values():
            player.move()
        self.workers.broadcast_weights()
        return values

    def gradients(self, run: Trainer) -> Values:
        """Put the next step's gradients of both players into their parameters."""
        s = self.settings
        lazily = s.penalty == "r1" and run.step % s.penalty_every == 0
        how = {
            "smoothing": s.label_smoothing,
            "r1": s.penalty_every * s.penalty_weight if lazily else 0.0,
            "mismatch": s.mismatch,
            "precision": s.precision,
        }
        work: Callable[..., Tensor] = partial(
            self.workers.backward, partial(_backward, self.objective, how)
        )
        if self._graphed:  # one recording for each set of what it cannot change
            work = self._graphs.setdefault((s.objective, *how.values()), GraphedCall(work))
        names = ("loss_discriminator", "loss_generator", "d_real", "d_fake")
        return dict(zip(names, work(*self.batch(run)), strict=True))

    def batch(self, run: Trainer) -> list[Tensor]:
        """Real samples, G's inputs and, if there are classes, those of both."""
        batch = run.next_batch()
        real = batch["samples"]
        if real.dim() == 4:
            real = real.contiguous(memory_format=torch.channels_last)
        z = run.drawn(len(real), partial(Adversarial.inputs, self, rng=run.rng))
        if not self.settings.classes:
            return [real, z]
        # The fakes are of the real samples' classes.
        return [real, append_one_hot(z, batch["labels"], self.settings.classes), batch["labels"]]

    def turn(self, name: str, run: Trainer) -> Values:
        """One player alone, by a pass of its own."""
        s = self.settings
        real, z, *labels = self.batch(run)
        answer = partial(_answer, self.network("discriminator"), *labels)
        if name == "generator":
            loss = self.objective.generator_loss(answer(self.network("generator")(z)))
            values = {"loss_generator": loss.detach()}
        else:
            with torch.no_grad():
                fake = self.network("generator")(z)
            real_logits, fake_logits = answer(real), answer(fake)
            wrong_logits = None
            if s.mismatch:
                wrong_logits = _under_other_classes(self.network("discriminator")(real), *labels)
            loss = _discriminator_loss(
                self.objective,
                real_logits,
                fake_logits,
                wrong_logits,
                smoothing=s.label_smoothing,
                mismatch=s.mismatch,
            )
            values = {
                "loss_discriminator": loss.detach(),
                "d_real": real_logits.sigmoid().mean(),
                "d_fake": fake_logits.sigmoid().mean(),
            }
            if s.penalty == "r1" and run.step % s.penalty_every == 0:
                loss = loss + s.penalty_every * s.penalty_weight * losses.r1(answer, real)
        run.update(name, loss)
        self.workers.broadcast_weights()
        return values

    def after_restoring(self) -> None:
        self.workers.broadcast_weights()


def backward(
    generator: nn.Module,
    discriminator: nn.Module,
    objective: losses.Objective,
    real: Tensor,
    z: Tensor,
    labels: Tensor | None = None,
    *,
    smoothing: float = 0.0,
    r1: float = 0.0,
    mismatch: float = 0.0,
    precision: str = "float32",
) -> Tensor:
    """Add the gradients of both losses to the parameters' ``grad``; D runs once, and back once.

    Reads no value of a tensor, so nothing waits for a GPU.

    Args:
        generator: z → fakes like ``real``.
        discriminator: samples (N, …) → logits (N,), each sample by itself: no BatchNorm.
        objective: of `losses`, with a D whose loss rises with the logit of every fake.
        real: (N, …).
        z: noise (N, latent_dim).
        labels: classes (N,) of the real samples and of the fakes, for a D that answers with
            logits (N, classes); one of each sample's counts.
        smoothing: one-sided, of the real label.
        r1: weight of the R1 penalty; 0 leaves it out.
        mismatch: share of wrong classes in what D is to refuse.
        precision: a name of `PRECISIONS`, of the networks' arithmetic; losses are float32.

    Returns:
        (4,): D's and G's loss, and mean D(x) and D(G(z)) as probabilities.
    """
    asked = () if labels is None else (labels,)
    low = _arithmetic(real.device, precision)
    with low:
        fake = generator(z)
        seen = fake.detach().to(real.dtype).requires_grad_()
        answers = discriminator(torch.cat([real, seen])).float()
    logits = _asked(answers, *asked)
    real_logits, fake_logits = logits.chunk(2)
    wrong_logits = _under_other_classes(answers[: len(real)], *asked) if mismatch else None
    loss = _discriminator_loss(
        objective, real_logits, fake_logits, wrong_logits, smoothing=smoothing, mismatch=mismatch
    )
    total = loss
    if r1:
        with low:
            total = loss + r1 * losses.r1(partial(_answer, discriminator, *asked), real)
    own, theirs, loss_generator = _slopes(objective, loss, fake_logits)
    # Where D is certain of a fake the slope is 0 in float32, and no number leads from it to G's. It
    # is lifted so little that D does not notice.
    lifted = own.clamp(min=LEAST_SLOPE)
    (total + ((lifted - own) * fake_logits).sum()).backward()
    assert seen.grad is not None
    # What D's loss wrote on each fake, rescaled, is what G's loss would have written.
    ratio = (theirs / lifted).view(-1, *[1] * (fake.dim() - 1))
    fake.backward((seen.grad * ratio).to(fake.dtype))
    d_real, d_fake = logits.sigmoid().view(2, -1).mean(dim=1)
    return torch.stack([loss, loss_generator, d_real, d_fake]).detach()


def _backward(
    objective: losses.Objective,
    how: Mapping[str, Any],
    networks: Mapping[str, nn.Module],
    *tensors: Tensor,
) -> Tensor:
    """`backward`, as `Workers` calls it."""
    return backward(networks["generator"], networks["discriminator"], objective, *tensors, **how)


def _answer(discriminator: nn.Module, *labels_and_samples: Tensor) -> Tensor:
    """D's logits (N,) for samples; with labels those for the classes asked."""
    *labels, samples = labels_and_samples
    return _asked(discriminator(samples).float(), *labels)


def _asked(answers: Tensor, *labels: Tensor) -> Tensor:
    """Of answers (N, classes) those (N,) for the labels, which are repeated; without labels all."""
    if not labels:
        return answers
    asked = labels[0].repeat(len(answers) // len(labels[0]))
    return answers.gather(1, asked.view(-1, 1)).flatten()


def _under_other_classes(answers: Tensor, labels: Tensor) -> Tensor:
    """Of answers (N, classes) those (N, classes − 1) for all classes but the labels."""
    classes = answers.shape[1]
    others = torch.arange(1, classes, device=labels.device)
    return answers.gather(1, (labels[:, None] + others) % classes)


def _discriminator_loss(
    objective: losses.Objective,
    real_logits: Tensor,
    fake_logits: Tensor,
    wrong_logits: Tensor | None,
    *,
    smoothing: float,
    mismatch: float,
) -> Tensor:
    """D's loss; of what it is to refuse a share are real samples under wrong classes."""
    loss = objective.discriminator_loss(real_logits, fake_logits, smoothing)
    if wrong_logits is None:
        return loss
    wrong = objective.discriminator_loss(real_logits, wrong_logits, smoothing)
    return (1 - mismatch) * loss + mismatch * wrong


def _arithmetic(device: torch.device, precision: str) -> AbstractContextManager[object]:
    if precision == "float32":
        return nullcontext()
    return torch.autocast(device.type, PRECISIONS[precision])


def _slopes(
    objective: losses.Objective, loss: Tensor, fake_logits: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Derivatives of D's and of G's loss with respect to each fake's logit, and G's loss."""
    (own,) = torch.autograd.grad(loss, fake_logits, retain_graph=True)
    alone = fake_logits.detach().requires_grad_()
    loss_generator = objective.generator_loss(alone)
    (theirs,) = torch.autograd.grad(loss_generator, alone)
    return own, theirs, loss_generator
