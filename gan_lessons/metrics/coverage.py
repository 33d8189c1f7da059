"""Do fakes look real, and do they reach all that is real? Two answers each, from neighbours."""

from typing import NamedTuple

import torch
from torch import Tensor

from gan_lessons.metrics.features import check_pair, distances
from gan_lessons.metrics.neighbours import neighbour_radii


class PrecisionRecall(NamedTuple):
    """Shares from 0 to 1: of fakes that look real, of reals that the fakes reach."""

    precision: float
    recall: float


def precision_recall(real: Tensor, fake: Tensor, k: int = 3) -> PrecisionRecall:
    """Precision and recall of fake features (M, d) against real ones (N, d).

    Round each sample lies a ball that reaches to its k-th nearest neighbour of its own kind.
    Precision is the share of fakes within the ball of some real, recall the share of reals within
    the ball of some fake (Kynkäänniemi et al. 2019, equations 1 and 2).

    Raises:
        UserError: different widths, no more than k samples of a kind, or features not finite.
    """
    check_pair(real, fake, least=k + 1)
    return PrecisionRecall(_share_inside(fake, real, k), _share_inside(real, fake, k))


def _share_inside(queries: Tensor, points: Tensor, k: int) -> float:
    radii = neighbour_radii(points, k)
    inside = [(rows <= radii).any(dim=1) for rows in distances(queries, points)]
    return torch.cat(inside).double().mean().item()


class DensityCoverage(NamedTuple):
    """Density, 1 on average for a perfect generator, and coverage, a share from 0 to 1."""

    density: float
    coverage: float


def density_coverage(real: Tensor, fake: Tensor, k: int = 5) -> DensityCoverage:
    """Density and coverage of fake features (M, d) against real ones (N, d).

    Only the balls round the reals count. Density is the number of balls that a fake lies in,
    divided by k, on average; coverage the share of balls with a fake in it (Naeem et al. 2020,
    section 3). Of a perfect generator the mean coverage is known, whatever the data:
    1 − [(N − 1) ⋯ (N − k)] / [(M + N − 1) ⋯ (M + N − k)] (their lemma 2).

    Raises:
        UserError: different widths, no more than k samples of a kind, or features not finite.
    """
    check_pair(real, fake, least=k + 1)
    radii = neighbour_radii(real, k)
    hits, covered = 0, torch.zeros(len(real), dtype=torch.bool)
    for rows in distances(fake, real):
        inside = rows <= radii
        hits += int(inside.sum())
        covered |= inside.any(dim=0)
    return DensityCoverage(hits / (k * len(fake)), covered.double().mean().item())
