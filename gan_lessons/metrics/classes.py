"""Does a conditional generator do as it is told, and how many ways does it know to do it?"""

from dataclasses import dataclass

import torch
from torch import Tensor

from gan_lessons import classifier
from gan_lessons.errors import UserError, expect

CLASSES = 10


@dataclass(frozen=True)
class ClassReport:
    """What the classifier of digits says of images that were asked for by class."""

    count: int
    agreement: tuple[float, ...]  # of each class: share of its images that are read as it, 0 … 1
    variety: tuple[float, ...]  # of each class: mean distance of two of its images, in features

    def mean_agreement(self) -> float:
        """Share of images that are read as asked, each class counting alike."""
        return sum(self.agreement) / len(self.agreement)

    def variety_beside(self, real: "ClassReport") -> tuple[float, ...]:
        """Each class's variety, divided by that of real digits."""
        return tuple(own / theirs for own, theirs in zip(self.variety, real.variety, strict=True))


def class_report(images: Tensor, labels: Tensor) -> ClassReport:
    """Measure images (N, 1, 28, 28) in [−1, 1] against the classes (N,) that they should show.

    Distances are Euclidean, in the classifier's 64 features, over all pairs of a class.

    Raises:
        UserError: labels that are no digits, not one for each image, or a class with fewer than
            two images.
    """
    expect(labels, Tensor, "labels have to be a tensor, one whole number for each image")
    if labels.shape != (len(images),) or labels.is_floating_point():
        raise UserError(
            f"Give one whole number for each of the {len(images):,} images, not {labels.dtype} "
            f"{tuple(labels.shape)}."
        )
    if len(labels) and not 0 <= int(labels.min()) <= int(labels.max()) < CLASSES:
        raise UserError(
            f"Labels go from {int(labels.min())} to {int(labels.max())}; digits from 0 to 9."
        )
    counts = torch.bincount(labels, minlength=CLASSES)
    if counts.min() < 2:
        raise UserError(
            f"Digit {int(counts.argmin())} has {int(counts.min())} images; variety needs at least "
            "two of each digit."
        )
    features, probabilities = classifier.load().predict(images)
    right = probabilities.argmax(dim=1) == labels
    return ClassReport(
        len(images),
        tuple(right[labels == c].double().mean().item() for c in range(CLASSES)),
        tuple(torch.pdist(features[labels == c]).mean().item() for c in range(CLASSES)),
    )
