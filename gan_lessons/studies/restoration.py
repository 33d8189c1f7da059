"""Least squares against an adversary: the same U-Net, the same computing, four kinds of damage.

The adversary's discriminator is told which digit it was; a third arm is the same without that.

``python -m gan_lessons.studies.restoration`` trains every run of the table that is not yet in its
file, on two cores; interrupted, it goes on where it stopped. First each way to learn has the same
six `TRIES`: three rates, and two ways to keep pixels between black and white. Of the latter, least
squares chooses for all, so that they are one network. Tries learn from the first 3,000 of the
bundled digits and are measured on the next 1,000. The chosen ones learn from those 4,000 and are
measured on the last 1,000, which have decided nothing, and on the 10,000 of MNIST's test set: the
fewer digits, the more a Fréchet distance is too large (lesson 11), and a ratio of two too near
to 1. Those 10,000 come by ``gan-lessons data download``.

That a batch has 16 digits was found before, with the 3,000 and 1,000 that choose: with 32 the
adversary's distances are larger, those of least squares about the same. A step of least squares
costs less, so it gets more of them. A run is decided by its seed; on another processor, or with
another number of threads, it is as if the seed were another one.

With ``--ship FOLDER`` it trains the two networks that ship with the course: those of seed 0.
"""

import math
import sys
import time
import zlib
from argparse import Namespace
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple

import torch
from torch import Tensor

from gan_lessons import classifier, metrics, pretrained
from gan_lessons.commandline import Parser, file_path, run_command
from gan_lessons.data import Digits, load_digits
from gan_lessons.data.degradations import KINDS, Spoiled, classic, spoil
from gan_lessons.errors import UserError
from gan_lessons.methods import RECIPES
from gan_lessons.methods.restoration import as_inputs
from gan_lessons.studies.tables import FOLDER, read_rows, write_rows
from gan_lessons.tensors import expect_tensor
from gan_lessons.training import Trainer, build_networks

STORED = FOLDER / "restoration.json"
SEEDS = 3
THREADS = 2
STEPS = 3500  # against an adversary without labels: about a minute and a half on two idle cores
HELD_OUT = 1000  # of the bundled digits: nothing learns from them, and nothing is chosen by them
TUNING_SEED = 100
DAMAGE = 7  # seed of the damage that all are measured on
EARLY = 10  # after so few steps rounding has not yet grown: every processor agrees


@dataclass(frozen=True)
class Arm:
    """One way to learn.

    Attributes: ``cost`` of a step, divided by that of ``restore`` without labels; ``settings``
    beside the recipe's; ``seeds``; ``choosing``: whether it is a try, which learns from fewer
    digits and is measured on those that choose.
    """

    recipe: str
    cost: float = 1.0
    settings: Mapping[str, Any] = field(default_factory=dict)
    seeds: Sequence[int] = tuple(range(SEEDS))
    choosing: bool = False

    @property
    def steps(self) -> int:
        return round(STEPS / self.cost)


ALONE, LABEL = 0.70, 1.03  # cost of a step of least squares, and with a label, by `measure_costs`
UNTOLD: dict[str, Any] = {"discriminator_classes": 0, "lr_restorer": 4e-3}
ARMS: dict[str, Arm] = {
    "adversarial": Arm("restore", LABEL),
    # What it would be if D were not told which digit it was, which the restorer never is.
    "adversarial, no label": Arm("restore", settings=UNTOLD),
    "regression": Arm("restore_regression", ALONE),
    # As good by PSNR, within about 0.1 dB, and with another bound the distances are others.
    "regression, leaky": Arm("restore_regression", ALONE, {"bounds": "leaky", "lr_restorer": 2e-3}),
}
TRIES: dict[str, Arm] = {
    f"{name}, {bounds}, rate {rate:g}": Arm(
        ARMS[name].recipe,
        cost,  # the label's is left out: an adversary is compared with its own tries here
        {**ARMS[name].settings, "bounds": bounds, "lr_restorer": rate},
        seeds=(TUNING_SEED,),
        choosing=True,
    )
    for name, cost in (("adversarial", 1), ("adversarial, no label", 1), ("regression", ALONE))
    for bounds in ("tanh", "leaky")
    for rate in (2e-3, 3e-3, 4e-3)
}


class Score(NamedTuple):
    """How good restored pictures are."""

    psnr: float  # peak signal-to-noise ratio, dB: 10 log10(4 / mean squared error)
    distance: float  # Fréchet, to the 60,000 real digits, in the classifier's features
    read: float  # share that the classifier reads as the digit that was spoiled


class Row(NamedTuple):
    """What one run makes of one kind of damage; nothing is trained for the arm "classic"."""

    arm: str
    seed: int
    kind: str
    steps: int
    plan: int  # checksum of what decides the run: a file never mixes runs of different ones
    early: float  # mean size of what it restores after `EARLY` steps
    psnr: float
    distance: float
    read: float
    variety: float  # how far apart two restorations of one picture are: root mean square
    seconds: float  # on two cores of the machine that trained it
    test_psnr: float = 0.0  # of MNIST's 10,000 test digits; 0 for a try, which never sees them
    test_distance: float = 0.0


# Digits


@cache
def learned(choosing: bool = False) -> Tensor:
    """The 4,000 digits to learn from (N, 1, 28, 28); where a rate is chosen, 3,000 of them."""
    images = load_digits(source="bundled", announce=False).images
    return images[: -2 * HELD_OUT if choosing else -HELD_OUT]


@cache
def held_out(choosing: bool = False) -> Digits:
    """The 1,000 digits to measure with; where a rate is chosen, 1,000 others."""
    digits = load_digits(source="bundled", announce=False)
    part = slice(-2 * HELD_OUT, -HELD_OUT) if choosing else slice(-HELD_OUT, None)
    return Digits(digits.images[part], digits.labels[part], digits.source)


@cache
def mnist_test() -> Digits:
    """MNIST's own 10,000 test digits.

    Raises:
        UserError: they are not on this machine.
    """
    return load_digits("test", announce=False)


def spoiled(kind: str, digits: Digits | None = None) -> Spoiled:
    """Digits, else the held-out ones, spoiled in the way that everybody has to mend."""
    images = (digits or held_out()).images
    return spoil(kind, images, torch.Generator().manual_seed(DAMAGE))


def psnr(pictures: Tensor, truth: Tensor) -> float:
    """Peak signal-to-noise ratio of pictures (N, …) in [−1, 1], in decibels, over all pixels.

    3 dB more is half the mean squared error.

    Raises:
        UserError: they are not as many, or of other shapes.
    """
    expect_tensor(pictures, "pictures", "(N, 1, 28, 28)")
    if pictures.shape != truth.shape:
        raise UserError(
            f"pictures has the shape {tuple(pictures.shape)}, the truth {tuple(truth.shape)}: "
            "there has to be one for each."
        )
    error = (pictures - truth).double().square().mean().item()
    return 10 * math.log10(4 / error) if error else math.inf


def score(pictures: Tensor, digits: Digits | None = None) -> Score:
    """Measure what was made of digits, else of the held-out ones (N, 1, 28, 28), in their order."""
    digits = digits or held_out()
    decibels = psnr(pictures, digits.images)
    _, probabilities = classifier.load().predict(pictures)
    right = (probabilities.argmax(dim=1) == digits.labels).double().mean().item()
    distance = metrics.report(pictures).frechet
    return Score(decibels, distance, right)


# Runs


def start(name: str, seed: int, steps: int | None = None) -> Trainer:
    """A run that is ready to be trained.

    Args:
        name: of `ARMS` or `TRIES`.
        seed: decides weights, damage and the order of the data.
        steps: instead of those that the budget gives.

    Raises:
        UserError: an unknown name.
    """
    arm = _arm(name)
    settings = replace(RECIPES[arm.recipe], seed=seed, steps=steps or arm.steps, **arm.settings)
    images = learned(arm.choosing)
    labels = load_digits(source="bundled", announce=False).labels[: len(images)]
    return Trainer(images, settings, labels=labels)


def _arm(name: str) -> Arm:
    arms = ARMS | TRIES
    if name not in arms:
        raise UserError(f"There is no {name!r}; choose one of {', '.join(arms)}.")
    return arms[name]


def train(name: str, seed: int, steps: int | None = None) -> list[Row]:
    """Train one run to its end, and measure it on each kind of damage."""
    began = time.perf_counter()
    trainer = start(name, seed, steps)
    early = math.nan
    for event in trainer.run():
        if event.step == EARLY:
            early = early_number(trainer)
    about = (round(early, 6), round(time.perf_counter() - began, 2))
    return [_row(trainer, name, kind, *about) for kind in KINDS]


def early_number(trainer: Trainer) -> float:
    """What tells one run from another after `EARLY` steps."""
    return trainer.sample(trainer.inputs(40), ema=False).abs().mean().item()


def _row(trainer: Trainer, name: str, kind: str, early: float, seconds: float) -> Row:
    choosing = _arm(name).choosing
    digits = held_out(choosing)
    one, other = (_restored(trainer, kind, digits, seed) for seed in (0, 1))
    row = Row(
        arm=name,
        seed=trainer.settings.seed,
        kind=kind,
        steps=trainer.settings.steps,
        plan=checksum(name),
        early=early,
        **_rounded(score(one, digits)),
        variety=round((one - other).square().mean().sqrt().item(), 4),
        seconds=seconds,
    )
    return row if choosing else _tested(row, _restored(trainer, kind, mnist_test()))


def _restored(trainer: Trainer, kind: str, digits: Digits, seed: int = 0) -> Tensor:
    inputs = as_inputs(spoiled(kind, digits), torch.Generator().manual_seed(seed))
    return torch.cat([trainer.sample(part) for part in inputs.split(500)])


def _tested(row: Row, made: Tensor) -> Row:
    """The same row with what was made of MNIST's test digits."""
    found = _rounded(score(made, mnist_test()))
    return row._replace(test_psnr=found["psnr"], test_distance=found["distance"])


def _rounded(found: Score) -> dict[str, float]:
    return {name: round(value, 4) for name, value in found._asdict().items()}


def measure_classic() -> list[Row]:
    """What the classic remedies make of each kind of damage."""
    rows = []
    for kind in KINDS:
        found = _rounded(score(classic(kind, spoiled(kind))))
        row = Row("classic", 0, kind, 0, 0, 0.0, **found, variety=0.0, seconds=0.0)
        rows.append(_tested(row, classic(kind, spoiled(kind, mnist_test()))))
    return rows


def checksum(name: str) -> int:
    """A number that changes with the settings, the layers or the steps of an arm."""
    settings = start(name, 0).settings
    networks = [str(network) for network in build_networks(settings).values()]
    return zlib.crc32(repr([settings, networks, HELD_OUT, DAMAGE]).encode())


def load(path: Path = STORED) -> list[Row]:
    """The rows in a file, in its order.

    Raises:
        UserError: no such file, or not one of ours.
    """
    return read_rows(path, Row, "restorations")


def train_all(path: Path) -> Iterator[list[Row]]:
    """Train what ``path`` lacks, write it after each run, and yield each as it is done."""
    arms = TRIES | ARMS
    plans = {name: checksum(name) for name in arms}
    done: dict[tuple[str, int], list[Row]] = {}
    for row in load(path) if path.exists() else []:
        if row.plan == plans.get(row.arm):
            done.setdefault((row.arm, row.seed), []).append(row)
    first = measure_classic()
    wanted = [(name, seed) for name, arm in arms.items() for seed in arm.seeds]
    for key in wanted:
        if key not in done:
            done[key] = train(*key)
            runs = [row for each in wanted for row in done.get(each, [])]
            write_rows([*first, *runs], path)
            yield done[key]


# What the runs say


def mean(rows: Iterable[Row], arm: str, kind: str, what: str) -> float:
    """The mean over seeds of a measured value, such as "psnr".

    Raises:
        UserError: there are no such rows.
    """
    found = [getattr(row, what) for row in rows if (row.arm, row.kind) == (arm, kind)]
    if not found:
        raise UserError(f"There are no rows of {arm!r} with {kind!r}.")
    return fmean(found)


def tries_of(arm: str) -> list[str]:
    """The names of an arm's `TRIES`."""
    return [name for name in TRIES if name.rsplit(", ", 2)[0] == arm]


def best_try(rows: Sequence[Row], arm: str) -> str:
    """Which of an arm's `TRIES` serves it best, over all kinds of damage.

    For least squares that with the highest PSNR, which is what it aims at. Against an adversary, of
    those with the bounds that least squares has, as both are to be the same network, that with the
    smallest Fréchet distances (their geometric mean).
    """
    tries = tries_of(arm)
    if arm == "regression":
        return max(tries, key=lambda name: fmean(mean(rows, name, kind, "psnr") for kind in KINDS))
    bounds = TRIES[best_try(rows, "regression")].settings["bounds"]

    def distance(name: str) -> float:
        return fmean(math.log(mean(rows, name, kind, "distance")) for kind in KINDS)

    alike = [name for name in tries if TRIES[name].settings["bounds"] == bounds]
    return min(alike, key=distance)


def table(rows: Sequence[Row]) -> str:
    """For each kind of damage and arm what was measured on the 1,000 held-out digits, and the
    Fréchet distance of the 10,000 test digits beside it."""
    lines = [
        f"{'':30} {'PSNR':>6} {'Fréchet distance':>17} {'read':>7} {'variety':>8}",
        f"{'':30} {'':6} {'of 1,000':>8} {'10,000':>8}",
    ]
    whats = ("psnr", "distance", "test_distance", "read", "variety")
    for kind in KINDS:
        for arm in ("classic", *reversed(ARMS)):
            db, few, many, read, variety = (mean(rows, arm, kind, what) for what in whats)
            label = kind if arm == "classic" else ""
            line = f"{label:8}{arm:22} {db:6.2f} {few:8.2f} {many:8.2f} {read:7.1%} {variety:8.3f}"
            lines.append(line)
    return "\n".join(lines)


def measure_costs(rounds: int = 12) -> dict[str, float]:
    """The computing of a step of each way to learn, divided by that of "adversarial, no label".

    They take turns, 8 steps (one of D's with a penalty) a round; the medians are compared.
    """
    trainers = {name: start(name, 0) for name in ARMS}
    times: dict[str, list[float]] = {name: [] for name in trainers}
    for _ in range(rounds + 1):  # the first warms up
        for name, trainer in trainers.items():
            began = time.perf_counter()
            for _ in trainer.run(8):
                pass
            times[name].append(time.perf_counter() - began)
    medians = {name: sorted(found[1:])[rounds // 2] for name, found in times.items()}
    return {name: median / medians["adversarial, no label"] for name, median in medians.items()}


def ship(folder: Path) -> Iterator[Path]:
    """Train the networks that ship, and write each into a folder as it is done."""
    for name in ("adversarial", "regression"):
        trainer = start(name, 0)
        for _ in trainer.run():
            pass
        path = folder / f"{ARMS[name].recipe}.safetensors"
        pretrained.save_networks(trainer, path)
        yield path


def main(arguments: Sequence[str] | None = None) -> int:
    """Train what a file of runs lacks, or one of the options; return the exit code."""
    parser = Parser(prog="python -m gan_lessons.studies.restoration", description=__doc__)
    parser.add_argument("--out", type=file_path, default=STORED, help="file of the table's runs")
    parser.add_argument("--costs", action="store_true", help="only measure the cost of a step")
    parser.add_argument(
        "--ship", type=file_path, metavar="FOLDER", help="train the networks that ship into FOLDER"
    )
    parser.set_defaults(run=_train_and_tell)
    return run_command(parser, arguments)


def _train_and_tell(options: Namespace) -> None:
    torch.set_num_threads(THREADS)
    if options.costs:
        for name, cost in measure_costs().items():
            print(f"{name:20} {cost:.2f}")
        return
    if options.ship:
        for path in ship(options.ship):
            print(path, flush=True)
        return
    for rows in train_all(options.out):
        told = ", ".join(f"{row.kind} {row.psnr:.2f} dB / {row.distance:.2f}" for row in rows)
        print(f"{rows[0].arm}, seed {rows[0].seed}: {told}", flush=True)
    print(table(load(options.out)))


if __name__ == "__main__":
    sys.exit(main())
