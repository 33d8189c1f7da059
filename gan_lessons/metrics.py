"""How good are these digits? Measured with the judge's features and opinions.

The numbers mean something only beside others from the same judge and the same number of samples.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from gan_lessons import judge
from gan_lessons.errors import UserError


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
    return features.mean(dim=0), features.T.cov()


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
