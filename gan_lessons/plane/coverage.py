"""How good fakes in the plane are: parts of the data that they reach, and their divergence."""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from gan_lessons import game
from gan_lessons.data import toys
from gan_lessons.plane.plan import EDGE


class Score(NamedTuple):
    """How a run stands; all shares are from 0 to 1."""

    step: int
    covered: int  # parts of the data that G reaches
    parts: int
    good: float  # share of fakes within 3 standard deviations of a centre
    jsd: float  # Jensen-Shannon divergence in nats, from samples; 0 … log 2


class ModeCoverage:
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
        fine = cell_centres(128)
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


def cell_centres(n: int) -> Tensor:
    """Centres of n × n cells of the plane, (n², 2); rows from the lowest y up."""
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
