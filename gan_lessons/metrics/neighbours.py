"""Nearest neighbours among features, and whether fakes are copies of the training data."""

from dataclasses import dataclass

import torch
from torch import Tensor

from gan_lessons.errors import UserError, is_whole
from gan_lessons.metrics.features import check_finite, check_pair, distances


def neighbour_radii(points: Tensor, k: int) -> Tensor:
    """Distance (N,), in float64, from each of the points (N, d) to its k-th nearest other point.

    Raises:
        UserError: there are not k others, k is below 1, or a point is not finite.
    """
    if not is_whole(k, 1, len(points) - 1):
        raise UserError(f"k is {k!r}; choose from 1 to {len(points) - 1}, one below the count.")
    check_finite(points)
    # The nearest of all is the point itself.
    return torch.cat([rows.kthvalue(k + 1, dim=1).values for rows in distances(points, points)])


def nearest(queries: Tensor, points: Tensor) -> tuple[Tensor, Tensor]:
    """Distance (M,) from each query (M, d) to the nearest of the points (N, d), and its index (M,).

    Raises:
        UserError: different widths, no samples, or features that are not finite.
    """
    check_pair(queries, points, least=1)
    found = [rows.min(dim=1) for rows in distances(queries, points)]
    return torch.cat([one.values for one in found]), torch.cat([one.indices for one in found])


@dataclass(frozen=True)
class Memorisation:
    """How many fakes are nearer to the training data than to as many held-out data.

    share: ½ for a generator that knows its training data no better than others like them, 1 for
    one that copies. error: standard deviation of the share if chance alone had decided which of
    the real samples were for training.
    """

    share: float
    error: float

    @property
    def surprise(self) -> float:
        """By how many of these standard deviations the share lies above ½; 4 is no accident."""
        # Where the error is 0, every real sample was nearest equally often, and the share is ½.
        return (self.share - 0.5) / self.error if self.error else 0.0

    def __str__(self) -> str:
        return (
            f"{self.share:.1%} nearer to training data "
            f"(by chance 50% ± {self.error:.1%}: {self.surprise:+.1f} standard deviations)"
        )


def memorisation(fake: Tensor, training: Tensor, held_out: Tensor) -> Memorisation:
    """Whether fakes (M, d) are suspiciously near to the training data (N, d).

    For each fake: is the nearest of all the real samples one of the training data, or one of as
    many held-out data from the same source? (Compare Meehan et al. 2020, who compare distances.)
    The error is exact for N training samples drawn at random from the 2N real ones, and so takes
    into account that several fakes may share a neighbour.

    Raises:
        UserError: different widths, not as many held-out as training samples, or not finite.
    """
    if len(training) != len(held_out):
        raise UserError(
            f"There are {len(training)} training and {len(held_out)} held-out samples: the larger "
            "set would have the nearest neighbour more often. Give equally many."
        )
    near, which = nearest(fake, training)
    near_other, which_other = nearest(fake, held_out)
    share = (near < near_other).double().mean() + (near == near_other).double().mean() / 2
    n = len(training)
    chosen = torch.where(near <= near_other, which, which_other + n)
    # Drawing n of 2n numbers without replacement, their sum has the variance n s² / 2.
    variance = n * torch.bincount(chosen, minlength=2 * n).double().var() / 2
    return Memorisation(share.item(), variance.sqrt().item() / len(fake))
