"""Does a GAN help a classifier that has few labels? Ways to get more out of them, compared.

``python -m gan_lessons.studies.augmentation`` trains every run of the table that is not yet in its
file, on one thread; interrupted, it goes on where it stopped. A seed decides which digits are held
out, which are labelled, and everything else, so that runs of one seed are pairs. Every classifier
makes as many updates. On another processor a run is as if its seed were another one (see
`remedies`).
"""

import sys
import time
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn

from gan_lessons import metrics
from gan_lessons.classifier import load as load_classifier
from gan_lessons.data import to_uint8
from gan_lessons.errors import UserError
from gan_lessons.methods import RECIPES
from gan_lessons.methods.one_pass import OnePassSettings
from gan_lessons.studies.few_labels import (
    BATCH,
    HELD_OUT,
    POOL,
    RARE_LABELS,
    RATE,
    STRENGTH,
    UPDATES,
    Pictures,
    Split,
    examine,
    guessed,
    learn,
    network,
    split,
)
from gan_lessons.studies.statistics import interval
from gan_lessons.studies.tables import FOLDER, Key, read_rows, study_command, train_missing
from gan_lessons.training import Trainer

STORED = FOLDER / "augmentation.json"
LABELS = (5, 10, 20, 50)  # labelled digits of each class
SEEDS = 5
EVERY = 40  # updates from one examination to the next
EARLY = 2  # after more steps rounding has grown, and each processor goes its own way
FAKES = 2000  # that a GAN draws for the classifier
RARE_DIGITS = (8, 3, 5, 9, 2)  # by seed
RECIPE = cast(OnePassSettings, RECIPES["fast"])
# Of the labelled digits alone, small enough to be trained in a lesson; and of the whole pool
# without labels, trained until its Fréchet distance is about 3.
OWN_GAN = replace(
    RECIPE, classes=10, generator_width=32, discriminator_width=16, lr_decay="cosine", steps=800
)
POOL_GAN = replace(RECIPE, lr_decay="cooldown", steps=4500)


# The arms


@dataclass(frozen=True)
class Arm:
    """What a classifier learns from besides its labelled digits.

    ``shifts``: whatever it sees is shifted, turned, scaled and sheared a little, anew each time.
    ``extra``: half of each batch is of "own GAN" (conditional, of the labelled digits alone), "pool
    GAN" (of the whole pool without labels), or "pool" (the unlabelled digits themselves); the
    labels of the last two are guessed by a classifier that was trained on the labelled ones, with
    shifts. ``balanced``: each digit is seen equally often, however many labels it has.
    """

    shifts: bool = False
    extra: str = ""
    balanced: bool = True

    @property
    def strength(self) -> float:
        """Of the shifts; 0 without."""
        return STRENGTH if self.shifts else 0.0


NOTHING, SHIFTS, GAN, BOTH = "nothing", "shifts", "GAN", "GAN + shifts"
POOL_BY_GAN, POOL_ITSELF = "unlabelled, by GAN", "unlabelled, as they are"
ARMS = {
    NOTHING: Arm(),
    SHIFTS: Arm(shifts=True),
    GAN: Arm(extra="own GAN"),
    BOTH: Arm(shifts=True, extra="own GAN"),
    # More data than the others have.
    POOL_BY_GAN: Arm(shifts=True, extra="pool GAN"),
    POOL_ITSELF: Arm(shifts=True, extra="pool"),
}
AS_THEY_COME = "as they come"
# One digit is rare.
RARE_ARMS = {AS_THEY_COME: Arm(balanced=False)} | {
    name: ARMS[name] for name in (NOTHING, SHIFTS, GAN, BOTH)
}


def start_gan(labels: int, seed: int, rare: int | None = None) -> Trainer:
    """A conditional GAN of the labelled digits alone, ready to be trained."""
    labelled = split(labels, seed, rare).labelled
    batch = min(OWN_GAN.batch_size, len(labelled.labels))
    settings = replace(OWN_GAN, seed=seed, batch_size=batch)
    return Trainer(labelled.images, settings, labels=labelled.labels)


def start_pool_gan(seed: int) -> Trainer:
    """A GAN of the whole pool, which it sees without labels."""
    parts = split(1, seed)
    images = torch.cat([parts.labelled.images, parts.unlabelled.images])
    return Trainer(images, replace(POOL_GAN, seed=seed))


class Drawn(NamedTuple):
    """What a trained GAN drew, and what the course's classifier says of it.

    images (N, 1, 28, 28); features (N, 64); read (N,), the digit seen in each; frechet, the
    distance to 60,000 real digits; early, how its run began: see `begin`.
    """

    images: Tensor
    features: Tensor
    read: Tensor
    frechet: float
    early: float


def finish(gan: Trainer) -> Drawn:
    """Train a GAN to its end, and let its averaged generator draw `FAKES` pictures."""
    early = float("nan")
    for event in gan.run():
        if event.step == EARLY:
            early = _size(gan)
    images, classifier = gan.sample(gan.inputs(FAKES, seed=1)), load_classifier()
    features, probabilities = classifier.predict(images)
    real = classifier.real_mean, classifier.real_covariance
    distance = metrics.frechet_distance(metrics.statistics(features), real)
    return Drawn(images, features, probabilities.argmax(dim=1), distance, early)


def _size(gan: Trainer) -> float:
    """Mean size of 200 fakes' pixels, raw generator."""
    return gan.sample(gan.inputs(200, seed=1), ema=False).abs().mean().item()


@lru_cache(maxsize=1)
def _own(labels: int, seed: int, rare: int | None) -> Drawn:
    return finish(start_gan(labels, seed, rare))


@lru_cache(maxsize=1)
def _pool(seed: int) -> Drawn:
    return finish(start_pool_gan(seed))


# Runs


class Run(NamedTuple):
    """One classifier's result."""

    arm: str
    labels: int  # labelled digits of each class
    rare: int | None  # the digit that has only `RARE_LABELS`
    seed: int
    plan: int  # checksum of what decides the run: a file never mixes runs of different ones
    early: float  # of what is trained first, after `EARLY` steps: see `begin`
    f1: list[float]  # of each digit, after the last update
    curve: list[float]  # macro-F1 every `EVERY` updates, the last one last
    frechet: float | None  # of a GAN's pictures, in the features of the course's classifier
    right: float | None  # share of the extra pictures that are what their labels say
    copied: float | None  # share of own fakes nearer to the labelled digits than to as many others
    seconds: float  # of computing, on the machine that trained it

    @property
    def macro_f1(self) -> float:
        """The result: macro-F1 on the held-out digits after the last update."""
        return self.curve[-1]


class _Taught(NamedTuple):
    classifier: nn.Sequential
    scores: list[metrics.Scores]


@lru_cache(maxsize=4)
def _taught(name: str, labels: int, seed: int, rare: int | None) -> _Taught:
    arm = _arm(name, rare)
    parts = split(labels, seed, rare)
    course = learn(
        parts.labelled,
        extra_pictures(name, labels, seed, rare),
        shifts=arm.strength,
        balanced=arm.balanced,
        seed=seed,
    )
    scores = []
    for update, classifier in enumerate(course, 1):
        if update % EVERY == 0:
            scores.append(examine(classifier, parts.held_out))
    return _Taught(classifier, scores)


def extra_pictures(name: str, labels: int, seed: int, rare: int | None = None) -> Pictures | None:
    """What an arm's classifier is given besides the labelled digits; errors: `train`'s."""
    match _arm(name, rare).extra:
        case "own GAN":
            images = _own(labels, seed, rare).images
            return Pictures(images, torch.arange(len(images)) % 10)
        case "pool GAN":
            return guessed(_pool(seed).images, _taught(SHIFTS, labels, seed, None).classifier)
        case "pool":
            images = split(labels, seed).unlabelled.images
            return guessed(images, _taught(SHIFTS, labels, seed, None).classifier)
    return None


def _arm(name: str, rare: int | None = None) -> Arm:
    arms = ARMS if rare is None else RARE_ARMS
    if name not in arms:
        raise UserError(f"There is no arm {name!r}; choose one of {', '.join(arms)}.")
    return arms[name]


def train(name: str, labels: int, seed: int, rare: int | None = None) -> Run:
    """Train whatever an arm needs, and its classifier.

    Args:
        name: of `ARMS`, with a rare digit of `RARE_ARMS`.
        labels: labelled digits of each class.
        seed: decides the run.
        rare: the digit that has only `RARE_LABELS`.

    Raises:
        UserError: an unknown name, or impossible labels.
    """
    began = time.process_time()
    _, scores = _taught(name, labels, seed, rare)
    frechet = right = copied = None
    if extra := extra_pictures(name, labels, seed, rare):
        parts, kind = split(labels, seed, rare), _arm(name, rare).extra
        truth = parts.unlabelled.labels
        if kind != "pool":
            drawn = _own(labels, seed, rare) if kind == "own GAN" else _pool(seed)
            truth, frechet = drawn.read, _rounded(drawn.frechet)
            if kind == "own GAN":
                copied = _rounded(copies(drawn.features, parts).share)
        right = _rounded((extra.labels == truth).double().mean().item())
    return Run(
        arm=name,
        labels=labels,
        rare=rare,
        seed=seed,
        plan=checksum(name, labels, seed, rare),
        early=round(begin(name, labels, seed, rare), 6),
        f1=[_rounded(each) for each in scores[-1].f1],
        curve=[_rounded(each.macro_f1) for each in scores],
        frechet=frechet,
        right=right,
        copied=copied,
        seconds=round(time.process_time() - began, 2),
    )


def _rounded(value: float) -> float:
    return round(value, 4)


def copies(features: Tensor, parts: Split) -> metrics.Memorisation:
    """Whether fakes are nearer to the labelled digits than to as many that were never shown.

    Args:
        features: of the fakes (M, 64), by the course's classifier.
        parts: of the data; the digits never shown are the first of each class that have no labels.
    """
    shown, other = parts.labelled, parts.unlabelled
    never = torch.cat(
        [
            other.images[other.labels == digit][: int((shown.labels == digit).sum())]
            for digit in range(10)
        ]
    )
    predict = load_classifier().predict
    return metrics.memorisation(features, predict(shown.images)[0], predict(never)[0])


def begin(name: str, labels: int, seed: int, rare: int | None = None) -> float:
    """A number of what an arm trains first, after `EARLY` steps.

    Of a GAN the mean size of its fakes' pixels, of a classifier that of its logits for the held-out
    digits. A GAN that was just trained is not begun again.
    """
    arm = _arm(name, rare)
    if arm.extra == "own GAN":
        return _own(labels, seed, rare).early
    if arm.extra == "pool GAN":
        return _pool(seed).early
    parts = split(labels, seed, rare)
    taught = learn(parts.labelled, shifts=arm.strength, balanced=arm.balanced, seed=seed)
    for _ in range(EARLY):
        classifier = next(taught)
    with torch.no_grad():
        logits: Tensor = classifier(parts.held_out.images)
    return logits.abs().mean().item()


def checksum(name: str, labels: int, seed: int, rare: int | None = None) -> int:
    """A number that changes with whatever decides a run: settings, layers, digits."""
    arm = _arm(name, rare)
    gan = {"own GAN": OWN_GAN, "pool GAN": POOL_GAN}.get(arm.extra)
    own = [arm, gan, FAKES if gan else 0, str(network())]
    shared = [UPDATES, BATCH, RATE, STRENGTH, POOL, HELD_OUT, RARE_LABELS]
    # As whole numbers: a sum of floats changes with the number of threads.
    digits = [int(to_uint8(part.images).sum()) for part in split(labels, seed, rare)]
    return zlib.crc32(repr([own, shared, digits]).encode())


def wanted(seeds: Iterable[int] = range(SEEDS)) -> list[Key]:
    """The runs of the table: arm, labels, seed, rare digit."""
    found: list[Key] = []
    for seed in seeds:
        found += [(name, labels, seed, None) for labels in LABELS for name in ARMS]
        found += [(name, LABELS[-1], seed, RARE_DIGITS[seed]) for name in RARE_ARMS]
    return found


def load(path: Path = STORED) -> list[Run]:
    """The runs in a file, in its order.

    Raises:
        UserError: no such file, or not one of ours.
    """
    return read_rows(path, Run, "runs")


def train_all(path: Path, seeds: Iterable[int] = range(SEEDS)) -> Iterator[Run]:
    """Train what ``path`` lacks, write it after each run, and yield each as it is done."""
    keys = ("arm", "labels", "seed", "rare")
    yield from train_missing(path, Run, keys, wanted(seeds), train, checksum)


# What the runs say


def results(runs: Iterable[Run], name: str, labels: int) -> list[float]:
    """An arm's macro-F1 by seed, where no digit is rare.

    Raises:
        UserError: there are none.
    """
    return [run.macro_f1 for run in _found(runs, name, labels, rare=False)]


def rare_results(runs: Iterable[Run], name: str) -> list[float]:
    """The rare digit's F1 by seed. Errors: `results`'."""
    return [run.f1[run.rare or 0] for run in _found(runs, name, LABELS[-1], rare=True)]


def _found(runs: Iterable[Run], name: str, labels: int, rare: bool) -> list[Run]:
    found = [
        run for run in runs if (run.arm, run.labels, run.rare is not None) == (name, labels, rare)
    ]
    if not found:
        raise UserError(f"There are no runs of {name!r} with {labels} labels.")
    return sorted(found, key=lambda run: run.seed)


def table(runs: Sequence[Run]) -> str:
    """Arms in rows, labels in columns: mean macro-F1 in %, with its 95 % interval."""
    lines = [f"{'labels of each digit':23}" + "".join(f"{labels:^19}" for labels in LABELS)]
    for name in ARMS:
        cells = []
        for labels in LABELS:
            found = interval([100 * f1 for f1 in results(runs, name, labels)], highest=100)
            cells.append(f"{found.mean:5.1f} [{found.low:.1f}, {found.high:.1f}]".center(19))
        lines.append(f"{name:23}" + "".join(cells))
    return "\n".join(line.rstrip() for line in lines)


def told(path: Path) -> Iterator[str]:
    """Train what a file lacks; what is to be said of each run, and at last of all."""
    for run in train_all(path):
        rare = "" if run.rare is None else f", {run.rare} rare"
        yield f"{run.arm}, {run.labels} labels{rare}, seed {run.seed}: {run.macro_f1:.1%}"
    yield table(load(path))


def main(arguments: Sequence[str] | None = None) -> int:
    """Train what a file of runs lacks; return the exit code."""
    return study_command("augmentation", __doc__, STORED, told, arguments)


if __name__ == "__main__":
    sys.exit(main())
