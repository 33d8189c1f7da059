"""Digits of which few have labels, and the small classifier that is to learn from them.

A seed decides which digits are held out and which are labelled, and the classifier's weights and
order. Every classifier makes as many updates.
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gan_lessons import metrics
from gan_lessons.classifier import jitter
from gan_lessons.data import load_digits
from gan_lessons.errors import UserError, expect, expect_whole, is_whole

POOL, HELD_OUT = 400, 100  # digits of each class: to learn from, and to be examined with
RARE_LABELS = 5  # of the rare digit, where the others have more
UPDATES, BATCH, RATE = 400, 64, 3e-3  # of every classifier
STRENGTH = 1.5  # of the shifts; rate and strength were chosen on other digits of MNIST


class Pictures(NamedTuple):
    """Images (N, 1, 28, 28) in [−1, 1] and their labels (N,), right or not."""

    images: Tensor
    labels: Tensor


class Split(NamedTuple):
    """Three sets with no digit in common; labels of ``unlabelled`` are for measuring alone."""

    labelled: Pictures
    unlabelled: Pictures
    held_out: Pictures


@lru_cache(maxsize=1)
def _digits() -> Pictures:
    digits = load_digits(source="bundled", announce=False)
    return Pictures(digits.images, digits.labels)


def split(labels: int, seed: int, rare: int | None = None) -> Split:
    """The 5,000 digits that come with the install, dealt by the seed.

    Args:
        labels: labelled digits of each class; with more labels the fewer ones are among them.
        seed: decides which.
        rare: a digit that has only `RARE_LABELS` labels.

    Raises:
        UserError: fewer labels than 1, or more than there are digits in the pool; no seed, or no
            digit.
    """
    if not is_whole(labels, 1, POOL):
        raise UserError(f"labels is {labels!r}; choose from 1 to {POOL} of each class.")
    expect_whole(seed, "seed")
    if rare is not None:
        expect_whole(rare, "rare", 0, 9)
    images, classes = _digits()
    rng = torch.Generator().manual_seed(seed)
    parts: list[list[Tensor]] = [[], [], []]
    for digit in range(10):
        (which,) = torch.where(classes == digit)
        which = which[torch.randperm(len(which), generator=rng)]
        n = min(labels, RARE_LABELS) if digit == rare else labels
        sizes = [n, POOL - n, HELD_OUT]
        for part, chosen in zip(parts, which[: sum(sizes)].split(sizes), strict=True):
            part.append(chosen)
    chosen = [torch.cat(part) for part in parts]
    return Split(*(Pictures(images[c], classes[c]) for c in chosen))


def network() -> nn.Sequential:
    """The small classifier that is to be helped: images (N, 1, 28, 28) → logits (N, 10)."""
    return nn.Sequential(
        nn.Conv2d(1, 16, 5, stride=2, padding=2),
        nn.ReLU(),
        nn.Conv2d(16, 32, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(32 * 7 * 7, 10),
    )


def learn(
    labelled: Pictures,
    extra: Pictures | None = None,
    *,
    shifts: float = 0.0,
    balanced: bool = True,
    seed: int = 0,
    updates: int = UPDATES,
) -> Iterator[nn.Sequential]:
    """Train a small classifier, which is yielded after each update. Rates fall along a cosine.

    Args:
        labelled: what it learns from.
        extra: more pictures; half of each batch is theirs.
        shifts: their strength; 0 for none. See `jitter`.
        balanced: whether each digit is seen equally often, however many labels it has.
        seed: decides weights and order.
        updates: how many.

    Raises:
        UserError: there are not as many labels as pictures.
    """
    for pictures in (labelled, extra) if extra else (labelled,):
        expect(pictures, Pictures, "pictures come with their labels: Pictures(images, labels)")
        if len(pictures.images) != len(pictures.labels):
            raise UserError(
                f"There are {len(pictures.images)} pictures and {len(pictures.labels)} labels."
            )
    rng = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        classifier = network()
    optimizer = torch.optim.Adam(classifier.parameters(), RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, updates)
    counts = torch.bincount(labelled.labels, minlength=10)
    weights = 1 / counts[labelled.labels] if balanced else torch.ones(len(labelled.labels))
    share = BATCH if extra is None else BATCH // 2
    for _ in range(updates):
        chosen = torch.multinomial(weights, share, replacement=True, generator=rng)
        images, labels = labelled.images[chosen], labelled.labels[chosen]
        if extra is not None:
            more = torch.randint(len(extra.labels), (BATCH - share,), generator=rng)
            images = torch.cat([images, extra.images[more]])
            labels = torch.cat([labels, extra.labels[more]])
        loss = F.cross_entropy(
            classifier(jitter(images, rng, shifts) if shifts else images), labels
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        yield classifier


@torch.no_grad()
def examine(classifier: nn.Module, pictures: Pictures) -> metrics.Scores:
    """Accuracy and F1 of a classifier on labelled pictures."""
    return metrics.classification_scores(classifier(pictures.images).argmax(dim=1), pictures.labels)


def last(classifiers: Iterable[nn.Sequential]) -> nn.Sequential:
    """The classifier after its last update."""
    *_, classifier = classifiers
    return classifier


def guessed(images: Tensor, teacher: nn.Module) -> Pictures:
    """Images with the labels that a classifier gives them."""
    with torch.no_grad():
        return Pictures(images, teacher(images).argmax(dim=1))
