"""GANs in the plane: small networks on 2-D data whose density is known, and how good they are.

The plane is the square from −EDGE to EDGE. Points have the shape (N, 2). Everything that the
playground shows is computed here, as tensors; what it looks like is the widget's business.
"""

import copy
import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gan_lessons import game, losses
from gan_lessons.data import toys
from gan_lessons.errors import UserError
from gan_lessons.training import Settings, Trainer, check_setting

EDGE = 2.4
DATA = (*toys.TOYS_2D, "drawn")
NOISES = ("normal", "uniform")
OPTIMIZERS = ("adam", "sgd", "rmsprop")
SAMPLES = 10_000  # real points to train on
EVERY = 50  # steps between two measurements
MOST_POINTS = 400
DRAWN_STD = 0.08  # a drawn point is the middle of a small round Gaussian

Point = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Plan(Settings):
    """The settings of a run in the plane: those of `Settings`, with other defaults, and more.

    ``data`` is a name of `DATA`; "drawn" needs ``points``, pairs (x, y) inside the plane.
    ``noise`` is "normal", N(0, 1), or "uniform" on [−1, 1], both times ``noise_scale``.
    ``layers`` counts the hidden layers of each player. ``beta1_*`` take the place of ``beta1``:
    Adam's average, SGD's momentum; RMSprop has none.

    Raises:
        UserError: a value is outside its range; the sentence names it.
    """

    data: str = "ring"
    points: tuple[Point, ...] = ()
    noise: str = "normal"
    latent_dim: int = 2
    layers: int = 2
    generator_width: int = 32
    discriminator_width: int = 32
    optimizer_generator: str = "adam"
    optimizer_discriminator: str = "adam"
    beta1_generator: float = 0.0
    beta1_discriminator: float = 0.0
    beta2: float = 0.9
    lr_generator: float = 2e-3
    lr_discriminator: float = 2e-3
    penalty: str = "none"
    penalty_weight: float = 0.1
    penalty_every: int = 1
    batch_size: int = 64
    ema_decay: float = 0.0
    lr_decay: str = "none"

    def __post_init__(self) -> None:
        _refuse_other("data", self.data, DATA)
        _refuse_other("noise", self.noise, NOISES)
        _refuse_other("update", self.update, ("in_turn",))
        _refuse_other("optimizer_generator", self.optimizer_generator, OPTIMIZERS)
        _refuse_other("optimizer_discriminator", self.optimizer_discriminator, OPTIMIZERS)
        _refuse_outside("latent_dim", self.latent_dim, 1, 16)
        _refuse_outside("layers", self.layers, 1, 5)
        _refuse_outside("generator_width", self.generator_width, 2, 128)
        _refuse_outside("discriminator_width", self.discriminator_width, 2, 128)
        _refuse_outside("batch_size", self.batch_size, 2, 512)
        for name in ("beta1_generator", "beta1_discriminator"):
            _refuse_outside(name, getattr(self, name), 0.0, 0.999)
        if self.data == "drawn" or self.points:
            object.__setattr__(self, "points", checked_points(self.points))
        for setting in fields(Settings):
            check_setting(setting.name, getattr(self, setting.name))
        Settings(objective=self.objective, label_smoothing=self.label_smoothing)


# What a run in the plane is built with: to change it is to start another one.
FIXED = (
    "data",
    "points",
    "noise",
    "latent_dim",
    "layers",
    "generator_width",
    "discriminator_width",
    "optimizer_generator",
    "optimizer_discriminator",
    "batch_size",
    "seed",
)


def check_plan(name: str) -> None:
    """Refuse a name that `Plan` has not."""
    known = [setting.name for setting in fields(Plan)]
    if name not in known:
        raise UserError(f"There is no setting {name!r}; the settings are {', '.join(known)}.")


def _refuse_other(name: str, value: Any, options: tuple[str, ...]) -> None:
    if value not in options:
        raise UserError(f"{name} is {value!r}; choose one of {', '.join(options)}.")


def _refuse_outside(name: str, value: Any, low: float, high: float) -> None:
    kinds = (int, float) if isinstance(low, float) else int
    if isinstance(value, bool) or not isinstance(value, kinds) or not low <= value <= high:
        kind = "a number" if isinstance(low, float) else "a whole number"
        raise UserError(f"{name} is {value!r}; choose {kind} from {low:g} to {high:g}.")


def checked_points(points: Any) -> tuple[Point, ...]:
    """Points that somebody drew or typed, as pairs of floats.

    Raises:
        UserError: none, too many, not pairs of numbers, or outside the plane.
    """
    inside = EDGE - 0.2
    try:
        pairs = tuple((float(x), float(y)) for x, y in points)
    except (TypeError, ValueError):
        raise UserError("points have to be pairs of numbers: [(0, 0), (1, 0.5)].") from None
    if not 1 <= len(pairs) <= MOST_POINTS:
        raise UserError(f"There are {len(pairs)} points; draw 1 to {MOST_POINTS}.")
    for x, y in pairs:
        if not (abs(x) <= inside and abs(y) <= inside):
            raise UserError(
                f"The point ({x:g}, {y:g}) is outside the plane; "
                f"choose both numbers from {-inside:g} to {inside:g}."
            )
    return pairs


def distribution(plan: Plan) -> toys.GaussianMixture:
    """The real data's distribution, with its exact density."""
    if plan.data == "drawn":
        return toys.GaussianMixture(plan.points, DRAWN_STD)
    return toys.TOYS_2D[plan.data]()


class Network(nn.Module):
    """Fully connected layers with LeakyReLU(0.2) between them; (N, inputs) → (N, outputs).

    With one output the result has the shape (N,). Written with functions rather than a module
    for each layer: for layers this small the calls cost more than the numbers.
    """

    def __init__(self, inputs: int, outputs: int, layers: int, width: int) -> None:
        super().__init__()
        self._shape = (inputs, outputs, layers, width)
        sizes = [inputs, *[width] * layers, outputs]
        made = [nn.Linear(a, b) for a, b in itertools.pairwise(sizes)]
        self.layers = nn.ModuleList(made)
        self._hidden = [(layer.weight, layer.bias) for layer in made[:-1]]
        self._last = (made[-1].weight, made[-1].bias)

    def forward(self, x: Tensor) -> Tensor:
        for weight, bias in self._hidden:
            x = F.leaky_relu_(F.linear(x, weight, bias), 0.2)
        x = F.linear(x, *self._last)
        return x.squeeze(1) if x.shape[1] == 1 else x

    def __deepcopy__(self, memo: dict[int, Any]) -> "Network":
        # The layers' parameters, kept outside the modules for speed, have to stay the same ones.
        twin = Network(*self._shape)
        twin.load_state_dict(self.state_dict())
        return twin.train(self.training)


def networks(plan: Plan) -> tuple[Network, Network]:
    """Generator and discriminator, with weights that the plan's seed decides."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(plan.seed)
        return (
            Network(plan.latent_dim, 2, plan.layers, plan.generator_width),
            Network(2, 1, plan.layers, plan.discriminator_width),
        )


# How good is it?


class Score(NamedTuple):
    """How a run stands; all shares are from 0 to 1."""

    step: int
    covered: int  # parts of the data that G reaches
    parts: int
    good: float  # share of fakes within 3 standard deviations of a centre
    jsd: float  # Jensen-Shannon divergence in nats, from samples; 0 … log 2


class Ruler:
    """Measures fakes against a mixture.

    Parts are the mixture's Gaussians (``modes``) if they lie apart; if they make up a curve, ten
    stretches of it. A part is covered if it gets at least a quarter of its share of good fakes.

    The divergence compares a histogram of fakes, 32 × 32 cells and one for all outside, with the
    exact probabilities of the cells. It is not 0 even for real samples: ``floor`` is what as many
    real samples get, mean and standard deviation of 8 draws.
    """

    def __init__(self, mixture: toys.GaussianMixture, samples: int = 2000) -> None:
        self.mixture, self.samples = mixture, samples
        count = len(mixture.centres)
        self.modes = count <= 30 and _apart(mixture)
        self.parts = count if self.modes else min(count, 10)
        self._part = torch.arange(count) * self.parts // count
        self._share = torch.zeros(self.parts).index_add_(0, self._part, mixture.weights)
        fine = middles(128)
        masses = mixture.density(fine).view(32, 4, 32, 4).mean(dim=(1, 3)) * (2 * EDGE / 32) ** 2
        self._cells = self._with_outside(masses.flatten().double())
        rng = torch.Generator().manual_seed(0)
        draws = torch.tensor([self.jsd(mixture.sample(samples, rng)) for _ in range(8)])
        self.floor = (draws.mean().item(), draws.std().item())

    @staticmethod
    def _with_outside(masses: Tensor) -> Tensor:
        return torch.cat([masses, (1 - masses.sum()).clamp(min=0)[None]])

    def jsd(self, points: Tensor) -> float:
        """Jensen-Shannon divergence of the points' histogram and the data, in nats."""
        found = histogram(points, 32).flatten().double() / len(points)
        return float(game.jsd(self._cells, self._with_outside(found), 1.0))

    def score(self, step: int, points: Tensor) -> Score:
        """Measure fakes (N, 2)."""
        distance, nearest = torch.cdist(points, self.mixture.centres).min(dim=1)
        good = distance <= 3 * self.mixture.std[nearest]
        hits = torch.bincount(self._part[nearest[good]], minlength=self.parts) / len(points)
        covered = int((hits >= self._share / 4).sum())
        return Score(step, covered, self.parts, good.float().mean().item(), self.jsd(points))


def _apart(mixture: toys.GaussianMixture) -> bool:
    """Whether each two Gaussians of a mixture are 4 standard deviations or more from each other."""
    distances = torch.cdist(mixture.centres, mixture.centres).fill_diagonal_(math.inf)
    return bool((distances >= 4 * mixture.std).all())


def middles(n: int) -> Tensor:
    """Middles of n × n cells of the plane, (n², 2); rows from the lowest y up."""
    ticks = (torch.arange(n) + 0.5) / n * 2 * EDGE - EDGE
    y, x = torch.meshgrid(ticks, ticks, indexing="ij")
    return torch.stack([x.flatten(), y.flatten()], dim=1)


def histogram(points: Tensor, n: int) -> Tensor:
    """Points in each of n × n cells, (n, n), rows from the lowest y up; those outside do not count.

    A point that is not finite counts as outside.
    """
    place = ((points + EDGE) / (2 * EDGE / n)).floor()
    inside = ((place >= 0) & (place < n)).all(dim=1)
    column, row = place[inside].long().unbind(dim=1)
    return torch.bincount(row * n + column, minlength=n * n).view(n, n)


# Training


class PlaneTrainer(Trainer):
    """A `Trainer` in the plane. ``scores`` has one measurement every `EVERY` steps.

    It keeps no average of the generator: ``average`` is the generator itself.
    """

    settings: Plan

    def __init__(
        self,
        plan: Plan,
        networks_: tuple[nn.Module, nn.Module] | None = None,
        ruler: Ruler | None = None,
    ) -> None:
        mixture = ruler.mixture if ruler else distribution(plan)
        samples = mixture.sample(SAMPLES, torch.Generator().manual_seed(0))
        super().__init__(samples, plan, networks_ or networks(plan))
        self.average = self.generator
        chosen: tuple[Any, Any] = (
            Optimizer(self.generator.parameters(), plan.optimizer_generator),
            Optimizer(self.discriminator.parameters(), plan.optimizer_discriminator),
        )
        self.optimizer_generator, self.optimizer_discriminator = chosen
        self.ruler = ruler or Ruler(mixture)
        self._probe = self._draw(self.ruler.samples, torch.Generator().manual_seed(1))
        self._set_betas()
        self.scores = [self.score()]

    def _draw(self, n: int, rng: torch.Generator) -> Tensor:
        shape = (n, self.settings.latent_dim)
        if self.settings.noise == "uniform":
            return 2 * torch.rand(shape, generator=rng) - 1
        return torch.randn(shape, generator=rng)

    def noise(self, n: int) -> Tensor:
        """n fresh noise vectors (n, latent_dim)."""
        return self._draw(n, self.rng) * self.settings.noise_scale

    @torch.no_grad()
    def fakes(self, n: int) -> Tensor:
        """The first n fakes (n, 2) from noise that stays the same all through the run."""
        made: Tensor = self.generator(self._probe[:n] * self.settings.noise_scale)
        return made

    def score(self) -> Score:
        """Measure the generator as it is now."""
        return self.ruler.score(self.step, self.fakes(self.ruler.samples))

    # The next three do what `Trainer`'s do, with fewer calls: in networks as small as these the
    # calls cost more than the numbers. (No BatchNorm mixes samples; there is no EMA to update.)

    def discriminator_step(self) -> tuple[float, float, float]:
        """As `Trainer.discriminator_step`, with one call of D for reals and fakes."""
        s = self.settings
        real = self.next_batch()
        with torch.no_grad():
            fake = self.generator(self.noise(len(real)))
        real, fake = self._blur(real), self._blur(fake)
        logits = self.discriminator(torch.cat([real, fake]))
        real_logits, fake_logits = logits.chunk(2)  # halves, also where D answers for packs
        objective = losses.OBJECTIVES[s.objective]
        loss = objective.discriminator_loss(real_logits, fake_logits, s.label_smoothing)
        total = loss
        if s.penalty != "none" and self.step % s.penalty_every == 0:
            total = loss + s.penalty_every * s.penalty_weight * self._penalty(real, fake)
        self._update(self.discriminator, self.optimizer_discriminator, total, "discriminator")
        d_real, d_fake = logits.detach().sigmoid().view(2, -1).mean(dim=1).tolist()
        return loss.item(), d_real, d_fake

    def generator_step(self) -> float:
        """As `Trainer.generator_step`, without an average of G."""
        s = self.settings
        fake_logits = self.discriminator(self._blur(self.generator(self.noise(s.batch_size))))
        real_logits = None
        if s.objective == "relativistic":
            with torch.no_grad():
                real_logits = self.discriminator(self._blur(self.next_batch()))
        loss = losses.OBJECTIVES[s.objective].generator_loss(fake_logits, real_logits)
        self._update(self.generator, self.optimizer_generator, loss, "generator")
        return loss.item()

    def _update(self, player: nn.Module, optimizer: Any, loss: Tensor, name: str) -> None:
        self._refuse_infinite(loss.item(), name, self.step)
        optimizer.step(torch.autograd.grad(loss, optimizer.param_groups[0]["params"]))

    def half_step(self, player: str) -> None:
        """As `Trainer.half_step`; every `EVERY` steps the generator is measured."""
        super().half_step(player)
        if player == "generator" and self.step % EVERY == 0:
            self.scores.append(self.score())

    def change(self, **settings: Any) -> dict[str, tuple[Any, Any]]:
        """As `Trainer.change`, with the settings of `Plan`."""
        for name in settings:
            check_plan(name)
        new = replace(self.settings, **settings)
        was = {name: getattr(self.settings, name) for name in settings}
        changed = {
            name: (old, settings[name]) for name, old in was.items() if settings[name] != old
        }
        for name in changed:
            if name in FIXED:
                raise UserError(
                    f"{name} is fixed when a run begins (here to {was[name]!r}): start a new one."
                )
        self.settings = new
        self._set_betas()
        return changed

    def _set_betas(self) -> None:
        s = self.settings
        self.optimizer_generator.param_groups[0]["betas"] = (s.beta1_generator, s.beta2)
        self.optimizer_discriminator.param_groups[0]["betas"] = (s.beta1_discriminator, s.beta2)

    def state(self) -> dict[str, Any]:
        """As `Trainer.state`."""
        return super().state() | {"scores": list(self.scores)}

    def restore(self, state: Mapping[str, Any]) -> None:
        """As `Trainer.restore`."""
        plan = Plan(**state["settings"])
        general = {setting.name for setting in fields(Settings)}
        kept = {name: value for name, value in state["settings"].items() if name in general}
        super().restore({**state, "settings": kept})
        self.settings = plan
        self.scores = list(state["scores"])

    def branch(self) -> "PlaneTrainer":
        """As `Trainer.branch`."""
        players = copy.deepcopy((self.generator, self.discriminator))
        twin = PlaneTrainer(self.settings, players, self.ruler)
        twin.restore(self.state())
        return twin


class Optimizer:
    """Adam, SGD or RMSprop, as in `torch.optim`, over all parameters as one flat vector.

    Six small tensors cost six times as many calls as one; here that is most of the time. SGD has
    the momentum ``betas[0]``; RMSprop has none, and forgets at the rate of 0.99.
    """

    def __init__(self, parameters: Iterable[nn.Parameter], rule: str) -> None:
        owners = list(parameters)
        self.rule = rule
        self.weights = torch.cat([owner.detach().flatten() for owner in owners])
        parts = self.weights.split([owner.numel() for owner in owners])
        for owner, part in zip(owners, parts, strict=True):
            owner.data = part.view_as(owner)  # from now on each is a piece of the vector
        self.mean, self.square = torch.zeros_like(self.weights), torch.zeros_like(self.weights)
        self.steps = 0
        self.param_groups: list[dict[str, Any]] = [
            {"params": owners, "lr": 1e-3, "betas": (0.0, 0.9)}
        ]

    def step(self, gradients: Sequence[Tensor]) -> None:
        """Move the weights against the gradients, one for each parameter."""
        gradient = torch.cat([part.reshape(-1) for part in gradients])
        rate, (beta1, beta2) = self.param_groups[0]["lr"], self.param_groups[0]["betas"]
        self.steps += 1
        match self.rule:
            case "sgd":
                self.mean.mul_(beta1).add_(gradient)
                self.weights.sub_(self.mean, alpha=rate)
            case "rmsprop":
                self.square.mul_(0.99).addcmul_(gradient, gradient, value=0.01)
                self.weights.addcdiv_(gradient, self.square.sqrt().add_(1e-8), value=-rate)
            case _:  # Kingma and Ba 2015, algorithm 1
                self.mean.lerp_(gradient, 1 - beta1)
                self.square.mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
                spread = self.square.sqrt().div_(math.sqrt(1 - beta2**self.steps)).add_(1e-8)
                rate /= 1 - beta1**self.steps
                self.weights.addcdiv_(self.mean, spread, value=-rate)

    def state_dict(self) -> dict[str, Any]:
        """All but the weights, which are the network's."""
        group = {name: self.param_groups[0][name] for name in ("lr", "betas")}
        return group | {"mean": self.mean, "square": self.square, "steps": self.steps}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state_dict`."""
        self.param_groups[0].update(lr=state["lr"], betas=state["betas"])
        self.mean, self.square = state["mean"].clone(), state["square"].clone()
        self.steps = state["steps"]


# What there is to see


def answers(trainer: PlaneTrainer, points: Tensor) -> Tensor:
    """D's opinion of points (N, 2) as a shade from 0, fake, to 1, real; (N,).

    A probability where the objective has one. Least squares aims at 0 and 1, the hinge at −1 and
    1; of a Wasserstein or relativistic score only differences count, so it is centred between
    the means of reals and fakes, and Wasserstein's is scaled by its distance, too.
    """
    with torch.no_grad():
        logits: Tensor = trainer.discriminator(points)
        match trainer.settings.objective:
            case "least_squares":
                return logits.clamp(0, 1)
            case "hinge":
                return ((logits + 1) / 2).clamp(0, 1)
            case "wasserstein" | "relativistic" as objective:
                real = float(trainer.discriminator(trainer.samples[:256]).mean())
                fake = float(trainer.discriminator(trainer.fakes(256)).mean())
                apart = max(abs(real - fake), 1e-6) / 4
                scale = apart if objective == "wasserstein" else 1.0
                return ((logits - (real + fake) / 2) / scale).sigmoid()
            case _:
                return logits.sigmoid()


def pull(trainer: PlaneTrainer, fakes: Tensor) -> Tensor:
    """Where G's chosen loss wants each of the fakes (N, 2) to move: −∂(loss of that fake)/∂fake.

    The loss is that of the objective, so that −log D and log(1 − D) pull differently although D
    is the same. (G cannot move its fakes one by one: its weights move all of them at once.)
    """
    fakes = fakes.detach().requires_grad_(True)
    with torch.enable_grad():
        logits = trainer.discriminator(fakes)
        with torch.no_grad():
            real_logits = trainer.discriminator(trainer.samples[: len(fakes)])
        objective = losses.OBJECTIVES[trainer.settings.objective]
        loss = objective.generator_loss(logits, real_logits)
        (gradient,) = torch.autograd.grad(loss, fakes)
    return -gradient * len(fakes)


def noise_grid(plan: Plan, lines: int = 17) -> Tensor:
    """Corners of a grid of noise, (lines², latent_dim); cells hold equally much probability.

    The first two numbers of the noise vary, the others are 0. With only one, (8·lines, 1).
    """
    count = 8 * lines if plan.latent_dim == 1 else lines
    part = torch.linspace(0.01, 0.99, count)
    ticks = 2 * part - 1
    if plan.noise == "normal":
        ticks = math.sqrt(2) * torch.erfinv(ticks)
    ticks = ticks * plan.noise_scale
    if plan.latent_dim == 1:
        return ticks[:, None]
    z = torch.zeros(count * count, plan.latent_dim)
    z[:, :2] = torch.cartesian_prod(ticks, ticks)
    return z


@torch.no_grad()
def warped_grid(trainer: PlaneTrainer, lines: int = 17) -> Tensor:
    """Where G puts the corners of `noise_grid`, (corners, 2)."""
    made: Tensor = trainer.generator(noise_grid(trainer.settings, lines))
    return made


class BestJudge:
    """D* = p / (p + q) on n × n cells: p exact, q from samples of G, both blurred alike.

    A blur of ``width`` (at least one cell) makes a density of samples. Blurring p by as much keeps
    D* = ½ everywhere for a perfect generator. Where neither is, D* is drawn towards ½.
    """

    def __init__(self, mixture: toys.GaussianMixture, n: int = 40, width: float = 0.1) -> None:
        cell = 2 * EDGE / n
        self.n, self.cell, self.width = n, cell, width
        spread = (mixture.std.square() + width**2 + cell**2 / 12).sqrt()
        wide = toys.GaussianMixture(mixture.centres, spread, mixture.weights)
        self.real = wide.density(middles(n)).view(n, n)
        apart = (torch.arange(n)[:, None] - torch.arange(n)) * cell
        self._blur = (
            cell * torch.exp(-((apart / width) ** 2) / 2) / (width * math.sqrt(2 * math.pi))
        )

    def fake(self, points: Tensor) -> Tensor:
        """Blurred density of points (N, 2) on the cells, (n, n)."""
        density = histogram(points, self.n).float() / (len(points) * self.cell**2)
        return self._blur @ density @ self._blur.T

    def __call__(self, points: Tensor, least: float = 2e-3) -> Tensor:
        """D* for a generator that makes these points, (n, n), rows from the lowest y up."""
        return game.optimal_discriminator(self.real + least, self.fake(points) + least)
