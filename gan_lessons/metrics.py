"""How good are these digits? Measured with the judge's features and opinions.

The numbers mean something only beside others from the same judge and the same number of samples.
`report` judges images; all other functions take features (N, d) of whatever extractor you like,
one row for each sample. Distances are Euclidean, and computed some rows at a time, so that memory
stays small however many samples there are.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from gan_lessons import judge
from gan_lessons.errors import UserError

ROWS = 500  # of a table of distances or kernels, held at one time


def statistics(features: Tensor) -> tuple[Tensor, Tensor]:
    """Mean (d,) and covariance (d, d) of features (N, d), in float64.

    Raises:
        UserError: there are no more samples than features, so that the covariance would be
            singular and the distance meaningless.
    """
    n, d = features.shape
    if n <= d:
        raise UserError(
            f"{n} samples are too few for {d} features: their covariance would be singular. "
            f"Take more than {d}; from 2,000 on the distance is steady."
        )
    features = features.double()
    return features.mean(dim=0), features.T.cov().view(d, d)  # a matrix, even for one feature


def frechet_distance(a: tuple[Tensor, Tensor], b: tuple[Tensor, Tensor]) -> float:
    """Squared Fréchet distance of two Gaussians given by their (mean, covariance).

    ‖μ_a − μ_b‖² + tr(Σ_a + Σ_b − 2 (Σ_a Σ_b)^½) (Dowson and Landau 1982, equation 4; Heusel et al.
    2017, equation 6). The trace of the root is the sum of the roots of the eigenvalues of
    Σ_a^½ Σ_b Σ_a^½, which is symmetric.
    """
    (mean_a, covariance_a), (mean_b, covariance_b) = a, b
    values, vectors = torch.linalg.eigh(covariance_a)
    root_a = vectors * values.clamp(min=0).sqrt() @ vectors.T
    shared = torch.linalg.eigvalsh(root_a @ covariance_b @ root_a).clamp(min=0).sqrt().sum()
    distance = (mean_a - mean_b).square().sum() + covariance_a.trace() + covariance_b.trace()
    return float((distance - 2 * shared).clamp(min=0))


def kernel_distance(a: Tensor, b: Tensor) -> float:
    """Kernel distance (KID) of features (N, d) and (M, d): 0 on average if they are alike.

    The unbiased estimate of the squared maximum mean discrepancy, E k(x, x′) + E k(y, y′) −
    2 E k(x, y), with the cubic kernel k(x, y) = (x·y/d + 1)³ (Bińkowski et al. 2018, section 4).
    Its mean does not depend on N and M, and so it can be a little below 0.

    Raises:
        UserError: different widths, or fewer than 2 samples of a kind.
    """
    _check(a, b, least=2)
    a, b = a.double(), b.double()
    across = _kernel_sum(a, b) / (len(a) * len(b))
    return _mean_within(a) + _mean_within(b) - 2 * across


def _kernel_sum(a: Tensor, b: Tensor) -> float:
    """Sum of k(x, y) over all pairs of rows."""
    return sum(float((rows @ b.T / a.shape[1] + 1).pow(3).sum()) for rows in a.split(ROWS))


def _mean_within(a: Tensor) -> float:
    """Mean of k(x, x′) over all pairs of different rows: no sample is paired with itself."""
    n, d = a.shape
    own = float((a.square().sum(dim=1) / d + 1).pow(3).sum())
    return (_kernel_sum(a, a) - own) / (n * (n - 1))


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
        UserError: different widths, or no more than k samples of a kind.
    """
    _check(real, fake, least=k + 1)
    return PrecisionRecall(_share_inside(fake, real, k), _share_inside(real, fake, k))


def _share_inside(queries: Tensor, points: Tensor, k: int) -> float:
    radii = neighbour_radii(points, k)
    inside = [(rows <= radii).any(dim=1) for rows in _distances(queries, points)]
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
        UserError: different widths, or no more than k samples of a kind.
    """
    _check(real, fake, least=k + 1)
    radii = neighbour_radii(real, k)
    hits, covered = 0, torch.zeros(len(real), dtype=torch.bool)
    for rows in _distances(fake, real):
        inside = rows <= radii
        hits += int(inside.sum())
        covered |= inside.any(dim=0)
    return DensityCoverage(hits / (k * len(fake)), covered.double().mean().item())


def neighbour_radii(points: Tensor, k: int) -> Tensor:
    """Distance (N,), in float64, from each of the points (N, d) to its k-th nearest other point.

    Raises:
        UserError: there are not k others, or k is below 1.
    """
    if not 1 <= k < len(points):
        raise UserError(f"k is {k}; choose from 1 to {len(points) - 1}, one below the count.")
    # The nearest of all is the point itself.
    return torch.cat([rows.kthvalue(k + 1, dim=1).values for rows in _distances(points, points)])


def nearest(queries: Tensor, points: Tensor) -> tuple[Tensor, Tensor]:
    """Distance (M,) from each query (M, d) to the nearest of the points (N, d), and its index (M,).

    Raises:
        UserError: different widths, or no samples.
    """
    _check(queries, points, least=1)
    found = [rows.min(dim=1) for rows in _distances(queries, points)]
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
        UserError: different widths, or not as many held-out as training samples.
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


@dataclass(frozen=True)
class Scores:
    """How well classes were recognised; all are shares from 0 to 1."""

    accuracy: float
    macro_f1: float  # mean of f1 over the classes that occur
    f1: tuple[float, ...]  # of each class: 2·hits / (times it was answered + times it was right)


def classification_scores(predicted: Tensor, labels: Tensor, classes: int = 10) -> Scores:
    """Accuracy and F1 of predicted classes (N,) against labels (N,), whole numbers from 0.

    A class that occurs neither as answer nor as label has an F1 of NaN and is left out of the mean.

    Raises:
        UserError: shapes differ, there is nothing to score, or a class is out of range.
    """
    if predicted.shape != labels.shape or predicted.dim() != 1 or len(labels) == 0:
        raise UserError(
            "Give as many predicted classes as labels, at least one, in tensors of shape (N,); "
            f"these have shapes {tuple(predicted.shape)} and {tuple(labels.shape)}."
        )
    low, high = (int(f(torch.cat([predicted, labels]))) for f in (torch.min, torch.max))
    if low < 0 or high >= classes:
        raise UserError(f"Classes reach from {low} to {high}; choose from 0 to {classes - 1}.")
    hits = torch.bincount(labels[predicted == labels], minlength=classes).double()
    answered = torch.bincount(predicted, minlength=classes)
    right = torch.bincount(labels, minlength=classes)
    f1 = 2 * hits / (answered + right)
    accuracy = hits.sum().item() / len(labels)
    return Scores(accuracy, f1.nanmean().item(), tuple(f1.tolist()))


def _check(a: Tensor, b: Tensor, least: int) -> None:
    """Refuse what are not two sets of features of one width, with enough samples in each."""
    if a.dim() != 2 or b.dim() != 2 or a.shape[1] != b.shape[1]:
        raise UserError(
            f"Features have shapes {tuple(a.shape)} and {tuple(b.shape)}; give (N, d) and (M, d), "
            "both from one extractor. Images become features by the judge, or by flatten(1)."
        )
    fewest = min(len(a), len(b))
    if fewest < least:
        raise UserError(f"{fewest} samples are too few; give at least {least} of each kind.")


def _distances(queries: Tensor, points: Tensor) -> Iterator[Tensor]:
    """Distances from all queries to all points, in float64, `ROWS` queries at a time."""
    points = points.double()
    for rows in queries.split(ROWS):
        yield torch.cdist(rows.double(), points)


@dataclass(frozen=True)
class Report:
    """What the judge says of a set of images."""

    count: int
    frechet: float  # distance to the 60,000 real digits; lower is better
    confidence: float  # mean probability of the digit that the judge sees, from 0.1 to 1
    shares: tuple[float, ...]  # share of the images that the judge reads as 0, 1, … 9

    def __str__(self) -> str:
        shares = "  ".join(f"{digit}: {share:.1%}" for digit, share in enumerate(self.shares))
        return (
            f"Fréchet distance {self.frechet:.1f} ({self.count:,} images; lower is better)\n"
            f"mean confidence  {self.confidence:.3f}\n"
            f"share per digit  {shares}"
        )


def report(images: Tensor) -> Report:
    """Judge images (N, 1, 28, 28) in [−1, 1], N > 64.

    Raises:
        UserError: too few images.
    """
    critic = judge.load()
    features, probabilities = critic.look(images)
    distance = frechet_distance(statistics(features), (critic.real_mean, critic.real_covariance))
    best, seen = probabilities.max(dim=1)
    shares = torch.bincount(seen, minlength=10) / len(seen)
    return Report(len(images), distance, best.mean().item(), tuple(shares.tolist()))
