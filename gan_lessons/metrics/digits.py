"""What the classifier says of images of digits."""

from dataclasses import dataclass

import torch
from torch import Tensor

from gan_lessons import classifier
from gan_lessons.metrics.distribution import frechet_distance, statistics


@dataclass(frozen=True)
class Report:
    """What the classifier says of a set of images."""

    count: int
    frechet: float  # distance to the 60,000 real digits; lower is better
    confidence: float  # mean probability of the likeliest digit, from 0.1 to 1
    shares: tuple[float, ...]  # share of the images classified as 0, 1, … 9

    def __str__(self) -> str:
        shares = "  ".join(f"{digit}: {share:.1%}" for digit, share in enumerate(self.shares))
        return (
            f"Fréchet distance {self.frechet:.1f} ({self.count:,} images; lower is better)\n"
            f"mean confidence  {self.confidence:.3f}\n"
            f"share per digit  {shares}"
        )


def report(images: Tensor) -> Report:
    """Measure images (N, 1, 28, 28) in [−1, 1], N > 64, with the classifier of digits.

    Raises:
        UserError: too few images, of another shape, or not finite.
    """
    model = classifier.load()
    features, probabilities = model.predict(images)
    distance = frechet_distance(statistics(features), (model.real_mean, model.real_covariance))
    best, seen = probabilities.max(dim=1)
    shares = torch.bincount(seen, minlength=10) / len(seen)
    return Report(len(images), distance, best.mean().item(), tuple(shares.tolist()))
