"""A small trainer with the bugs of `BUGS` behind switches, and its runs.

Nothing is staged: wherever `SmallTrainer` and the losses below ask for ``bug``, one line of an
ordinary step is exchanged for the wrong one; the rest comes of that.
"""

import hashlib
import math
from functools import cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gan_lessons import losses, networks, plane
from gan_lessons.data import load_digits, toys
from gan_lessons.errors import UserError, expect_one_of, expect_whole
from gan_lessons.studies.clinic.bugs import BUGS, SETUPS, Setup
from gan_lessons.studies.clinic.records import Record, Row

# Five bugs without a label: the first five in an order that nobody can read from here.
UNLABELLED = sorted(BUGS, key=lambda bug: hashlib.sha256(f"95828 {bug}".encode()).digest())[:5]


class SmallTrainer:
    """Two networks, their optimizers, data and noise.

    Args:
        setup: one of `SETUPS`, or one with other settings.
        bug: a key of `BUGS`, or None for the right lines.
        seed: decides weights, order of data and noise.
    """

    def __init__(self, setup: Setup, bug: str | None = None, seed: int = 0) -> None:
        self.setup, self.bug = setup, bug
        self.rng = torch.Generator().manual_seed(seed)
        self.data = _data(self.setup.digits)
        self.generator: Any
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.generator, self.discriminator = _networks(self.setup, bug)
        self.optimizer_g, self.optimizer_d = self.fresh_optimizers()
        self.once = self.z = self.fresh_noise(self.setup.batch)

    def fresh_optimizers(self) -> tuple[torch.optim.Adam, torch.optim.Adam]:
        """Adam for G and for D, with no memory of past gradients."""
        trained_by_g = [*self.generator.parameters()]
        if self.bug == "both in one":
            trained_by_g += self.discriminator.parameters()
        return (
            torch.optim.Adam(trained_by_g, self.setup.rate_g, self.setup.betas),
            torch.optim.Adam(self.discriminator.parameters(), self.setup.rate_d, self.setup.betas),
        )

    def fresh_noise(self, n: int) -> Tensor:
        """n new noise vectors (n, latent_dim)."""
        return torch.randn(n, self.setup.latent_dim, generator=self.rng)

    def noise(self) -> Tensor:
        """The noise of one step."""
        self.z = self.once if self.bug == "noise once" else self.fresh_noise(self.setup.batch)
        return self.z

    def batch(self, n: int | None = None) -> Tensor:
        """The real samples of one step, or n of them."""
        chosen = torch.randint(len(self.data), (n or self.setup.batch,), generator=self.rng)
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
        if self.setup.critic:
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
        if self.setup.critic:
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
        for _ in range(self.setup.discriminator_steps):
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
        if self.setup.digits:
            found["spread"] = spread(self.generator, self.z)
        if self.setup.critic:
            with torch.no_grad():
                fake = self.generator(self.z)
            found["slope"] = slope(self.discriminator, self.batch(), fake)
        return Row(step=number, **found, **moves)


# Losses, from logits of any shape


def _refuse_unknown(bug: str | None) -> None:
    if bug is not None:
        expect_one_of(bug, "bug", BUGS)


def discriminator_loss(real: Tensor, fake: Tensor, bug: str | None = None) -> Tensor:
    """−log D(x) − log(1 − D(G(z))), or what a bug makes of it.

    Raises:
        UserError: no such bug.
    """
    _refuse_unknown(bug)
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
    """−log D(G(z)), or what a bug makes of it.

    Raises:
        UserError: no such bug.
    """
    _refuse_unknown(bug)
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
def run(bug: str | None = None, seed: int = 0, setup: str = "") -> Record:
    """Train with a bug in a setup, by default the bug's own, and return the record.

    A run ends early when a loss is NaN or infinite.

    Raises:
        UserError: no such bug or setup, or the seed is no whole number.
    """
    expect_whole(seed, "seed")
    setup = setup or (BUGS[bug].setup if bug is not None else "ring")
    subject = SmallTrainer(SETUPS[setup], bug, seed)
    rows: list[Row] = []
    while len(rows) < subject.setup.steps:
        if bug == "fresh optimizers" and len(rows) == subject.setup.steps // 2:
            subject.optimizer_g, subject.optimizer_d = subject.fresh_optimizers()
        rows.append(subject.step(len(rows) + 1))
        if not math.isfinite(rows[-1].loss_discriminator + rows[-1].loss_generator):
            break
    z = torch.randn(500, subject.setup.latent_dim, generator=torch.Generator().manual_seed(1))
    generator = subject.generator.eval()
    with torch.no_grad():
        seen, fresh = generator(subject.z), generator(z)
    scale = generator[1].weight.detach().abs().mean().item() if subject.setup.digits else math.nan
    return Record(setup, tuple(rows), subject.batch(500), seen, fresh, scale)


def unlabelled_run(number: int, seed: int = 7) -> Record:
    """The record of run 1 … 5, the lesson's patients: which bug it has is for you to find out.

    Raises:
        UserError: no such run.
    """
    if number not in range(1, 6):
        raise UserError(f"There is no patient {number!r}; they are numbered from 1 to 5.")
    return run(UNLABELLED[number - 1], seed)


@cache
def _data(digits: bool) -> Tensor:
    if digits:
        return load_digits(announce=False).images
    return toys.ring().sample(10_000, torch.Generator().manual_seed(0))


def _networks(setup: Setup, bug: str | None) -> tuple[nn.Module, nn.Module]:
    if not setup.digits:
        return plane.Network(setup.latent_dim, 2, 2, 32), plane.Network(2, 1, 2, 32)
    eps = 0.8 if bug == "swapped eps" else 1e-5  # the second number of BatchNorm1d(64, 0.8)
    generator = nn.Sequential(
        nn.Linear(setup.latent_dim, 64, bias=False),
        nn.BatchNorm1d(64, eps),
        nn.ReLU(),
        nn.Linear(64, 128, bias=False),
        nn.BatchNorm1d(128, eps),
        nn.ReLU(),
        nn.Linear(128, 28 * 28),
        nn.Tanh(),
        nn.Unflatten(1, networks.IMAGE_SHAPE),
    )
    for layer in generator:  # the DCGAN's initial weights (Radford et al. 2016, section 4)
        if isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight, 0.0, 0.02)
        if isinstance(layer, nn.BatchNorm1d):
            nn.init.normal_(layer.weight, 0.0 if bug == "tiny gamma" else 1.0, 0.02)
    return generator, networks.DenseDiscriminator(64)
