"""The bug clinic: a small trainer with often published bugs behind switches, and its records.

``run("noise once", seed=1)`` trains a small pair of networks with one mistake in the code and
returns what can be observed of it. Nothing is staged: wherever `Patient` and the losses below ask
for ``bug``, one line of an ordinary step is exchanged for the wrong one; the rest comes of that.
"""

import hashlib
import math
import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gan_lessons import losses, models, plane
from gan_lessons.data import load_digits, toys
from gan_lessons.errors import UserError


@dataclass(frozen=True)
class Ward:
    """What the patients of a ward have in common, bug or no bug."""

    about: str
    rate_g: float
    rate_d: float
    betas: tuple[float, float] = (0.5, 0.99)
    batch: int = 64
    latent_dim: int = 2
    steps: int = 500
    discriminator_steps: int = 1  # for each step of G
    critic: bool = False  # Wasserstein losses and the gradient penalty of Gulrajani et al. 2017
    digits: bool = False  # else points of `toys.ring`


WARDS = {
    "ring": Ward("eight Gaussians on a ring", 2e-3, 4e-3, latent_dim=4),
    "resumed": Ward("the ring, interrupted half-way", 1e-3, 4e-3, betas=(0.9, 0.999), batch=16),
    "critic": Ward(
        "the ring, with a Wasserstein critic and a gradient penalty",
        *(2e-3, 4e-3, (0.0, 0.9)),
        steps=150,
        discriminator_steps=4,
        critic=True,
    ),
    "digits": Ward("28 × 28 digits", 2e-3, 2e-3, latent_dim=16, steps=150, digits=True),
    "hasty": Ward(
        "digits, and a D that learns 20 times as fast as G",
        *(2e-3, 4e-2),
        latent_dim=16,
        steps=150,
        digits=True,
    ),
}

Range = tuple[float, float]
ZERO, SOME = (0.0, 0.0), (1e-6, math.inf)


class Bug(NamedTuple):
    """A mistake in the code, and what of it can be seen from outside."""

    ward: str
    wrong: str  # the line, as it is often published
    right: str  # as it should be
    signs: Mapping[str, Range]  # vital signs that all lie in these ranges, both ends included


BUGS: dict[str, Bug] = {
    # In the losses
    "absent generator": Bug(
        "ring",
        "loss_g = -log(D(real)).mean()",
        "loss_g = -log(D(G(z))).mean()",
        {"G's gradient": ZERO, "lowest L_D": (0, math.inf)},
    ),
    "wrong sign": Bug(
        "ring",
        "loss_g = -log(1 - D(G(z))).mean()",
        "loss_g = -log(D(G(z))).mean()",
        {"L_G": (0, 0.1), "D(G(z))": (0, 0.1), "G's gradient": SOME},
    ),
    "fakes rewarded": Bug(
        "ring",
        "loss_d = -log(D(real)).mean() + log(1 - D(G(z))).mean()",
        "loss_d = -log(D(real)).mean() - log(1 - D(G(z))).mean()",
        {"lowest L_D": (-math.inf, -1), "L_G": (0, 0.1), "D(G(z))": (0.9, 1)},
    ),
    "targets above one": Bug(
        "hasty",
        "target_real = 1 + 0.2",
        "target_real = 1 - 0.2  # or 1",
        {"lowest L_D": (-math.inf, -1), "L_G": (0.5, math.inf)},
    ),
    "double sigmoid": Bug(
        "ring",
        "binary_cross_entropy_with_logits(sigmoid(logit), target)",
        "binary_cross_entropy_with_logits(logit, target)",
        {"L_D": (1, 2.1), "L_G + log D(G(z))": (-math.inf, -0.5)},
    ),
    "log of sigmoid": Bug(
        "hasty",
        "-torch.log(1 - sigmoid(logit))",
        "softplus(logit)",
        {"share of steps done": (0, 0.5)},
    ),
    # In the steps
    "never applied": Bug(
        "ring",
        "loss_g.backward()",
        "loss_g.backward(); optimizer_g.step()",
        {"G's gradient": SOME, "G moves in G's step": ZERO},
    ),
    "never cleared": Bug(
        "ring",
        "loss_d.backward(); optimizer_d.step()",
        "optimizer_d.zero_grad(); loss_d.backward(); optimizer_d.step()",
        {"left in D": SOME},
    ),
    "missing detach": Bug(
        "ring",
        "optimizer_d.zero_grad(); optimizer_g.zero_grad(); fake = G(z)",
        "optimizer_d.zero_grad(); fake = G(z).detach()  # and G's zero_grad() in G's own step",
        {"left in G": SOME},
    ),
    "both in one": Bug(
        "ring",
        "optimizer_g = Adam([*G.parameters(), *D.parameters()])",
        "optimizer_g = Adam(G.parameters())",
        {"D moves in G's step": SOME},
    ),
    "noise once": Bug(
        "ring",
        "z = torch.randn(n, 4)  # before the loop",
        "z = torch.randn(n, 4)  # in every step",
        {"good, old z − new z": (0.3, 1)},
    ),
    "fresh optimizers": Bug(
        "resumed",
        "G.load_state_dict(…); D.load_state_dict(…)",
        "… and the same for optimizer_g, optimizer_d",
        {"jump": (1.7, math.inf)},
    ),
    # In the data and the networks
    "data range": Bug(
        "digits",
        "real = (pixels - 0.1307) / 0.3081",
        "real = 2 * pixels - 1",
        {"real beyond 1": (0.5, math.inf)},
    ),
    "swapped eps": Bug(
        "digits",
        "nn.BatchNorm1d(n, 0.8)",
        "nn.BatchNorm1d(n, momentum=0.8)",
        {"spread": (0, 0.6), "scale γ": (0.5, 2)},
    ),
    "tiny gamma": Bug(
        "digits",
        "nn.init.normal_(norm.weight, 0.0, 0.02)",
        "nn.init.normal_(norm.weight, 1.0, 0.02)",
        {"spread": (0, 0.6), "scale γ": (0, 0.5)},
    ),
    "batch penalty": Bug(
        "critic",
        "gradient.norm()",
        "gradient.norm(dim=1)",
        {"slope": (0, 0.4)},
    ),
}

# Five bugs without a label: the first five in an order that nobody can read from here.
PATIENTS = sorted(BUGS, key=lambda bug: hashlib.sha256(f"95828 {bug}".encode()).digest())[:5]


class Row(NamedTuple):
    """What can be observed of one step. What a ward does not have is NaN."""

    step: int
    loss_discriminator: float
    loss_generator: float
    d_real: float  # mean D(x) before D's update; a critic's score
    d_fake: float
    gradient_d: float  # norm of what D's optimizer is handed
    gradient_g: float
    left_d: float  # norm of what lies in D's gradients before backward() in D's own step
    left_g: float
    d_in_d: float  # |change of D's weights| / |D's weights| in D's step
    g_in_d: float  # the same of G in D's step
    d_in_g: float
    g_in_g: float
    spread: float = math.nan  # standard deviation of what G's first BatchNorm puts out
    slope: float = math.nan  # a critic's mean gradient norm between real and fake


@dataclass(frozen=True)
class Record:
    """What can be observed of a run without a look at its code."""

    ward: str
    rows: tuple[Row, ...]
    real: Tensor  # a batch of real samples as D was shown them
    seen: Tensor  # fakes from the noise of the last step
    fresh: Tensor  # fakes from noise that was never trained with
    scale: float  # mean |γ| of G's first BatchNorm, or NaN

    @property
    def critic(self) -> bool:
        """Whether D's answers are scores rather than probabilities."""
        return WARDS[self.ward].critic

    def late(self, name: str) -> float:
        """Median of a column of `Row` over the second half of the run."""
        column = [getattr(row, name) for row in self.rows[len(self.rows) // 2 :]]
        return float(statistics.median(column))


def good(points: Tensor) -> float:
    """Share of points (N, 2) within 3 standard deviations of a centre of the ring."""
    ring = toys.ring()
    distance = torch.cdist(points, ring.centres).min(dim=1).values
    return float((distance <= 3 * ring.std[0]).float().mean())


def modes(points: Tensor) -> int:
    """How many of the ring's 8 modes the points (N, 2) cover, as `plane.Ruler` counts."""
    return plane.Ruler(toys.ring()).score(0, points).covered


def _lowest(record: Record) -> float:
    if record.critic:  # its loss has no end
        return math.nan
    return min(row.loss_discriminator for row in record.rows)


def _seen_against_fresh(record: Record) -> float:
    if WARDS[record.ward].digits or len(record.seen) < 64:  # too few say nothing
        return math.nan
    return good(record.seen) - good(record.fresh)


def _out_of_reach(record: Record) -> float:
    return (record.real.max() - 1).item() if WARDS[record.ward].digits else math.nan


def _jensen(record: Record) -> float:
    if record.critic:
        return math.nan
    rows = record.rows[len(record.rows) // 2 :]
    return statistics.median(row.loss_generator + math.log(max(row.d_fake, 1e-30)) for row in rows)


def _jump(record: Record) -> float:
    if record.ward != "resumed":
        return math.nan
    moves = [row.d_in_d for row in record.rows]
    middle = len(moves) // 2
    return moves[middle] / statistics.median(moves[middle - 5 : middle])


# The vital signs on a card: one number each. NaN where a ward does not have it.
VITALS: dict[str, Callable[[Record], float]] = {
    "share of steps done": lambda record: len(record.rows) / WARDS[record.ward].steps,
    "L_D": lambda record: record.late("loss_discriminator"),
    "lowest L_D": _lowest,
    "L_G": lambda record: record.late("loss_generator"),
    "D(x)": lambda record: record.late("d_real"),
    "D(G(z))": lambda record: record.late("d_fake"),
    "L_G + log D(G(z))": _jensen,  # never below 0 if L_G = −E log D(G(z)) (Jensen's inequality)
    "D's gradient": lambda record: record.late("gradient_d"),
    "G's gradient": lambda record: record.late("gradient_g"),
    "left in D": lambda record: record.late("left_d"),
    "left in G": lambda record: record.late("left_g"),
    "D moves in D's step": lambda record: record.late("d_in_d"),
    "G moves in D's step": lambda record: record.late("g_in_d"),
    "D moves in G's step": lambda record: record.late("d_in_g"),
    "G moves in G's step": lambda record: record.late("g_in_g"),
    "good, old z − new z": _seen_against_fresh,  # shares of good points
    "real beyond 1": _out_of_reach,  # how far real pixels lie beyond tanh's end
    "spread": lambda record: record.late("spread"),
    "scale γ": lambda record: record.scale,
    "slope": lambda record: record.late("slope"),
    "jump": _jump,  # D's move on resuming, as a multiple of the median of 5 steps before
}


def card(records: Mapping[str, Record]) -> str:
    """A table of vital signs, a column for each record (by its title), without empty rows."""
    lines = [" " * 21 + "".join(f"{title:>18}" for title in records)]
    for name, measure in VITALS.items():
        values = [measure(record) for record in records.values()]
        if not all(math.isnan(value) for value in values):
            cells = ("–" if math.isnan(value) else f"{value:.3g}" for value in values)
            lines.append(f"{name:<21}" + "".join(f"{cell:>18}" for cell in cells))
    return "\n".join(lines)


def shows(record: Record, bug: str) -> bool:
    """Whether all of a bug's signs are on the record's card."""
    found = {name: VITALS[name](record) for name in BUGS[bug].signs}
    return all(low <= found[name] <= high for name, (low, high) in BUGS[bug].signs.items())


class Patient:
    """Two networks, their optimizers, data and noise.

    Args:
        ward: one of `WARDS`, or one with other settings.
        bug: a key of `BUGS`, or None for the right lines.
        seed: decides weights, order of data and noise.
    """

    def __init__(self, ward: Ward, bug: str | None = None, seed: int = 0) -> None:
        self.ward, self.bug = ward, bug
        self.rng = torch.Generator().manual_seed(seed)
        self.data = _data(self.ward.digits)
        self.generator: Any
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.generator, self.discriminator = _networks(self.ward, bug)
        self.optimizer_g, self.optimizer_d = self.fresh_optimizers()
        self.once = self.z = self.fresh_noise(self.ward.batch)

    def fresh_optimizers(self) -> tuple[torch.optim.Adam, torch.optim.Adam]:
        """Adam for G and for D, with no memory of past gradients."""
        trained_by_g = [*self.generator.parameters()]
        if self.bug == "both in one":
            trained_by_g += self.discriminator.parameters()
        return (
            torch.optim.Adam(trained_by_g, self.ward.rate_g, self.ward.betas),
            torch.optim.Adam(self.discriminator.parameters(), self.ward.rate_d, self.ward.betas),
        )

    def fresh_noise(self, n: int) -> Tensor:
        """n new noise vectors (n, latent_dim)."""
        return torch.randn(n, self.ward.latent_dim, generator=self.rng)

    def noise(self) -> Tensor:
        """The noise of one step."""
        self.z = self.once if self.bug == "noise once" else self.fresh_noise(self.ward.batch)
        return self.z

    def batch(self, n: int | None = None) -> Tensor:
        """The real samples of one step, or n of them."""
        chosen = torch.randint(len(self.data), (n or self.ward.batch,), generator=self.rng)
        real = self.data[chosen]
        if self.bug == "data range":
            real = ((real + 1) / 2 - 0.1307) / 0.3081  # mean 0, standard deviation 1
        return real

    def discriminator_step(self) -> dict[str, float]:
        """Update D once."""
        bug, real, fake = self.bug, self.batch(), self.generator(self.noise())
        if bug != "missing detach":
            fake = fake.detach()
        d_real, d_fake = self.discriminator(real), self.discriminator(fake)
        if self.ward.critic:
            penalty = batch_penalty if bug == "batch penalty" else losses.gradient_penalty
            loss = d_fake.mean() - d_real.mean()
            loss = loss + penalty(self.discriminator, real, fake, self.rng)
        else:
            loss = discriminator_loss(d_real, d_fake, bug)
            d_real, d_fake = d_real.sigmoid(), d_fake.sigmoid()
        if bug != "never cleared":
            self.optimizer_d.zero_grad()
        if bug == "missing detach":
            self.optimizer_g.zero_grad()
        left = gradient_norm(self.discriminator)
        loss.backward()
        used = gradient_norm(self.discriminator)
        self.optimizer_d.step()
        seen = {"loss_discriminator": loss, "d_real": d_real.mean(), "d_fake": d_fake.mean()}
        return {name: value.item() for name, value in seen.items()} | {
            "gradient_d": used,
            "left_d": left,
        }

    def generator_step(self) -> dict[str, float]:
        """Update G once."""
        bug, logits = self.bug, self.discriminator(self.generator(self.noise()))
        if self.ward.critic:
            loss = -logits.mean()
        elif bug == "absent generator":
            loss = F.softplus(-self.discriminator(self.batch())).mean()  # −log D(x)
        else:
            loss = generator_loss(logits, bug)
        if bug != "missing detach":
            self.optimizer_g.zero_grad()
        left = gradient_norm(self.generator)
        loss.backward()
        used = gradient_norm(self.generator)
        if bug != "never applied":
            self.optimizer_g.step()
        return {"loss_generator": loss.item(), "gradient_g": used, "left_g": left}

    def step(self, number: int) -> Row:
        """D's step or steps, then G's; what there is to observe of the last of each."""
        for _ in range(self.ward.discriminator_steps):
            before = flat(self.discriminator), flat(self.generator)
            found = self.discriminator_step()
        between = flat(self.discriminator), flat(self.generator)
        found |= self.generator_step()
        after = flat(self.discriminator), flat(self.generator)
        moves = {
            "d_in_d": moved(before[0], between[0]),
            "g_in_d": moved(before[1], between[1]),
            "d_in_g": moved(between[0], after[0]),
            "g_in_g": moved(between[1], after[1]),
        }
        if self.ward.digits:
            found["spread"] = spread(self.generator, self.z)
        if self.ward.critic:
            with torch.no_grad():
                fake = self.generator(self.z)
            found["slope"] = slope(self.discriminator, self.batch(), fake)
        return Row(step=number, **found, **moves)


# Losses, from logits of any shape


def discriminator_loss(real: Tensor, fake: Tensor, bug: str | None = None) -> Tensor:
    """−log D(x) − log(1 − D(G(z))), or what a bug makes of it."""
    cross_entropy = F.binary_cross_entropy_with_logits
    one, zero = torch.ones_like(real), torch.zeros_like(fake)
    match bug:
        case "fakes rewarded":
            return cross_entropy(real, one) - cross_entropy(fake, zero)
        case "targets above one":
            return cross_entropy(real, 1.2 * one) + cross_entropy(fake, zero)
        case "double sigmoid":
            return cross_entropy(real.sigmoid(), one) + cross_entropy(fake.sigmoid(), zero)
        case "log of sigmoid":
            return -torch.log(real.sigmoid()).mean() - torch.log(1 - fake.sigmoid()).mean()
        case _:
            return cross_entropy(real, one) + cross_entropy(fake, zero)


def generator_loss(fake: Tensor, bug: str | None = None) -> Tensor:
    """−log D(G(z)), or what a bug makes of it."""
    match bug:
        case "wrong sign":
            return F.softplus(fake).mean()  # −log(1 − D(G(z)))
        case "double sigmoid":
            return F.softplus(-fake.sigmoid()).mean()
        case "log of sigmoid":
            return -torch.log(fake.sigmoid()).mean()
        case _:
            return F.softplus(-fake).mean()


def batch_penalty(
    discriminator: losses.Discriminator, real: Tensor, fake: Tensor, rng: torch.Generator
) -> Tensor:
    """(‖∇‖ − 1)² with one norm for a whole batch: the bug. `losses.gradient_penalty` is right."""
    between = torch.lerp(real, fake, torch.rand(len(real), 1, generator=rng)).requires_grad_()
    (gradient,) = torch.autograd.grad(discriminator(between).sum(), between, create_graph=True)
    penalty: Tensor = (gradient.norm() - 1).square()
    return penalty


# What is measured in every step


def flat(network: nn.Module) -> Tensor:
    """All weights of a network in one vector, as they are now."""
    return torch.cat([weight.detach().flatten() for weight in network.parameters()])


def moved(before: Tensor, after: Tensor) -> float:
    """|after − before| / |before| of two flat vectors."""
    return float((after - before).norm() / before.norm())


def gradient_norm(network: nn.Module) -> float:
    """Norm of all that lies in a network's gradients now; 0 if nothing does."""
    parts = [w.grad.flatten() for w in network.parameters() if w.grad is not None]
    return float(torch.cat(parts).norm()) if parts else 0.0


@torch.no_grad()
def spread(generator: Any, z: Tensor) -> float:
    """Standard deviation of what G's first BatchNorm puts out for a batch of noise."""
    linear, norm = generator[0], generator[1]
    made = F.batch_norm(linear(z), None, None, norm.weight, norm.bias, training=True, eps=norm.eps)
    return float(made.std())


def slope(critic: nn.Module, real: Tensor, fake: Tensor) -> float:
    """Mean norm of a critic's gradient half-way between reals and fakes (N, d)."""
    between = torch.lerp(real, fake, 0.5).requires_grad_()
    (gradient,) = torch.autograd.grad(critic(between).sum(), between)
    return float(gradient.norm(dim=1).mean())


# Runs


@cache
def run(bug: str | None = None, seed: int = 0, ward: str = "") -> Record:
    """Train a patient in a ward, by default the bug's own, and return the record.

    A run ends early when a loss is NaN or infinite.

    Raises:
        UserError: no such bug or ward.
    """
    if bug is not None and bug not in BUGS:
        raise UserError(f"There is no bug {bug!r}. There are: {', '.join(BUGS)}.")
    ward = ward or (BUGS[bug].ward if bug else "ring")
    if ward not in WARDS:
        raise UserError(f"There is no ward {ward!r}. There are: {', '.join(WARDS)}.")
    subject = Patient(WARDS[ward], bug, seed)
    rows: list[Row] = []
    while len(rows) < subject.ward.steps:
        if bug == "fresh optimizers" and len(rows) == subject.ward.steps // 2:
            subject.optimizer_g, subject.optimizer_d = subject.fresh_optimizers()
        rows.append(subject.step(len(rows) + 1))
        if not math.isfinite(rows[-1].loss_discriminator + rows[-1].loss_generator):
            break
    z = torch.randn(500, subject.ward.latent_dim, generator=torch.Generator().manual_seed(1))
    generator = subject.generator.eval()
    with torch.no_grad():
        seen, fresh = generator(subject.z), generator(z)
    scale = generator[1].weight.detach().abs().mean().item() if subject.ward.digits else math.nan
    return Record(ward, tuple(rows), subject.batch(500), seen, fresh, scale)


def patient(number: int, seed: int = 7) -> Record:
    """The record of patient 1 … 5: which bug it has is for you to find out.

    Raises:
        UserError: no such patient.
    """
    if number not in range(1, 6):
        raise UserError(f"There is no patient {number!r}; they are numbered from 1 to 5.")
    return run(PATIENTS[number - 1], seed)


@cache
def _data(digits: bool) -> Tensor:
    if digits:
        return load_digits(announce=False).images
    return toys.ring().sample(10_000, torch.Generator().manual_seed(0))


def _networks(ward: Ward, bug: str | None) -> tuple[nn.Module, nn.Module]:
    if not ward.digits:
        return plane.Network(ward.latent_dim, 2, 2, 32), plane.Network(2, 1, 2, 32)
    eps = 0.8 if bug == "swapped eps" else 1e-5  # the second number of BatchNorm1d(64, 0.8)
    generator = nn.Sequential(
        nn.Linear(ward.latent_dim, 64, bias=False),
        nn.BatchNorm1d(64, eps),
        nn.ReLU(),
        nn.Linear(64, 128, bias=False),
        nn.BatchNorm1d(128, eps),
        nn.ReLU(),
        nn.Linear(128, 28 * 28),
        nn.Tanh(),
        nn.Unflatten(1, models.IMAGE_SHAPE),
    )
    for layer in generator:  # the DCGAN's initial weights (Radford et al. 2016, section 4)
        if isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight, 0.0, 0.02)
        if isinstance(layer, nn.BatchNorm1d):
            nn.init.normal_(layer.weight, 0.0 if bug == "tiny gamma" else 1.0, 0.02)
    return generator, models.DenseDiscriminator(64)
