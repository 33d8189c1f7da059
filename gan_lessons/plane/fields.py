"""What there is to see of a run in the plane, as tensors: D's field, G's gradient, warped noise."""

import math

import torch
from torch import Tensor

from gan_lessons import game, losses
from gan_lessons.data import toys
from gan_lessons.plane.coverage import cell_centres, histogram
from gan_lessons.plane.plan import EDGE, Plan
from gan_lessons.plane.trainer import PlaneTrainer


def discriminator_shade(trainer: PlaneTrainer, points: Tensor) -> Tensor:
    """D's answer to points (N, 2) as a shade from 0, fake, to 1, real; (N,).

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


def generator_gradient(trainer: PlaneTrainer, fakes: Tensor) -> Tensor:
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


class OptimalDiscriminator:
    """D* = p / (p + q) on n × n cells: p exact, q from samples of G, both blurred alike.

    A blur of ``width`` (at least one cell) makes a density of samples. Blurring p by as much keeps
    D* = ½ everywhere for a perfect generator. Where neither is, D* is drawn towards ½.
    """

    def __init__(self, mixture: toys.GaussianMixture, n: int = 40, width: float = 0.1) -> None:
        cell = 2 * EDGE / n
        self.n, self.cell, self.width = n, cell, width
        spread = (mixture.std.square() + width**2 + cell**2 / 12).sqrt()
        wide = toys.GaussianMixture(mixture.centres, spread, mixture.weights)
        self.real = wide.density(cell_centres(n)).view(n, n)
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
