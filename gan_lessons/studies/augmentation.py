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
from argparse import Namespace
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple, cast

import torch
import torch.nn.functional as F
from scipy import stats
from torch import Tensor, nn

from gan_lessons import metrics
from gan_lessons.classifier import jitter
from gan_lessons.classifier import load as load_judge
from gan_lessons.commandline import Parser, file_path, run_command, whole_number
from gan_lessons.data import load_digits, to_uint8
from gan_lessons.errors import UserError
from gan_lessons.methods import RECIPES
from gan_lessons.methods.one_pass import OnePassSettings
from gan_lessons.studies.statistics import interval
from gan_lessons.studies.tables import FOLDER, Key, read_rows, train_missing
from gan_lessons.training import Trainer

STORED = FOLDER / "augmentation.json"
LABELS = (5, 10, 20, 50)  # labelled digits of each class
SEEDS = 5
POOL, HELD_OUT = 400, 100  # digits of each class: to learn from, and to be examined with
UPDATES, BATCH, RATE = 400, 64, 3e-3  # of every classifier
STRENGTH = 1.5  # of the shifts; rate and strength were chosen on other digits of MNIST
EVERY = 40  # updates from one examination to the next
EARLY = 20  # after so few steps rounding has not yet grown: every processor agrees
FAKES = 2000  # that a GAN draws for the classifier
RARE_LABELS = 5  # of the rare digit, where the others have the most
RARE_DIGITS = (8, 3, 5, 9, 2)  # by seed
RECIPE = cast(OnePassSettings, RECIPES["fast"])
# Of the labelled digits alone, small enough to be trained in a lesson; and of the whole pool
# without labels, trained until its Fréchet distance is about 3.
OWN_GAN = replace(
    RECIPE, classes=10, generator_width=32, discriminator_width=16, lr_decay="cosine", steps=800
)
POOL_GAN = replace(RECIPE, lr_decay="cooldown", steps=4500)


# The digits


class Pictures(NamedTuple):
    """Images (N, 1, 28, 28) in [−1, 1] and their labels (N,), right or not."""

    images: Tensor
    labels: Tensor


class Split(NamedTuple):
    """Three sets with no digit in common; labels of ``unlabelled`` are for the judge alone."""

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
        UserError: fewer labels than 1, or more than there are digits in the pool.
    """
    if not 1 <= labels <= POOL:
        raise UserError(f"labels is {labels}; choose from 1 to {POOL} of each class.")
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
    """
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
    images, judge = gan.sample(gan.inputs(FAKES, seed=1)), load_judge()
    features, probabilities = judge.predict(images)
    real = judge.real_mean, judge.real_covariance
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


def guessed(images: Tensor, teacher: nn.Module) -> Pictures:
    """Images with the labels that a classifier gives them."""
    with torch.no_grad():
        return Pictures(images, teacher(images).argmax(dim=1))


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
    predict = load_judge().predict
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
    done: dict[Key, Run] = {}
    for run in load(path) if path.exists() else []:
        key = (run.arm, run.labels, run.seed, run.rare)
        if run.plan == checksum(*key):
            done[key] = run
    yield from train_missing(path, done, wanted(seeds), train)


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


class Paired(NamedTuple):
    """The mean of paired differences, its 95 % interval, and the test's p."""

    mean: float
    low: float
    high: float
    p: float

    @property
    def verdict(self) -> str:
        """Whether the interval lies above 0, below, or holds it."""
        return "helps" if self.low > 0 else "harms" if self.high < 0 else "cannot tell"

    def __str__(self) -> str:
        numbers = f"{100 * self.mean:+.1f} [{100 * self.low:+.1f}, {100 * self.high:+.1f}]"
        return f"{numbers} points, p = {self.p:.2g}: {self.verdict}"


def paired(ours: Sequence[float], plain: Sequence[float]) -> Paired:
    """Student's test of ours − plain, pair by pair (Student 1908).

    Raises:
        UserError: not as many of one as of the other, or fewer than 2.
    """
    if len(ours) != len(plain) or len(ours) < 2:
        raise UserError(
            f"Give as many results of one as of the other, at least 2, in the same order of seeds; "
            f"these are {len(ours)} and {len(plain)}."
        )
    gaps = [a - b for a, b in zip(ours, plain, strict=True)]
    if max(gaps) - min(gaps) < 1e-12:  # no spread: SciPy would warn
        return Paired(gaps[0], gaps[0], gaps[0], 1.0 if abs(gaps[0]) < 1e-12 else 0.0)
    test = stats.ttest_rel(ours, plain)
    low, high = test.confidence_interval(0.95)
    return Paired(sum(gaps) / len(gaps), float(low), float(high), float(test.pvalue))


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


def main(arguments: Sequence[str] | None = None) -> int:
    """Train what a file of runs lacks; return the exit code."""
    parser = Parser(prog="python -m gan_lessons.studies.augmentation", description=__doc__)
    parser.add_argument("--out", type=file_path, default=STORED, help="file of the table's runs")
    parser.add_argument("--seeds", type=whole_number(2, SEEDS), default=SEEDS, help="how many")
    parser.set_defaults(run=_train_and_tell)
    return run_command(parser, arguments)


def _train_and_tell(options: Namespace) -> None:
    torch.set_num_threads(1)
    for run in train_all(options.out, range(options.seeds)):
        rare = "" if run.rare is None else f", {run.rare} rare"
        print(f"{run.arm}, {run.labels} labels{rare}, seed {run.seed}: {run.macro_f1:.1%}")
    print(table(load(options.out)))


if __name__ == "__main__":
    sys.exit(main())
