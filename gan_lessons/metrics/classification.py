"""How well classes are recognised."""

from dataclasses import dataclass

import torch
from torch import Tensor

from gan_lessons.errors import UserError


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
