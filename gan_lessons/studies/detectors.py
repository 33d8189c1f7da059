"""Whom does a detector find? Detectors trained on one generator's fakes, or on all but one's.

``python -m gan_lessons.studies.detectors`` trains every detector that is not yet in the table, on
one thread; interrupted, it goes on where it stopped. Each learns from 4,000 digits and as many
fakes, and is tested on 1,000 digits that neither it nor any generator of lesson 17 has seen, and
500 fakes of every generator; all of them in 256 greys, and again after they were JPEG files.
"""

import sys
import zlib
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

import torch
from torch import Tensor, nn

from gan_lessons.errors import UserError
from gan_lessons.studies import fakes, families
from gan_lessons.studies.tables import FOLDER, Key, read_rows, study_command, train_missing

STORED = FOLDER / "detectors.json"
SEEDS = 3
GENERATORS = ("family_gan", "dcgan", "best", "conditional", "vae", "flow")
ALL_BUT = "all but "
PLANTED = "best as JPEG"  # and its real digits never were
PLANTED_QUALITY = 75
LONGER = ", 4 × as long"
PATIENT = tuple(name + LONGER for name in ("dcgan", "all but family_gan", "all but best"))
LEARNED = (*GENERATORS, *(ALL_BUT + name for name in GENERATORS), PLANTED, *PATIENT)
QUALITIES = (100, 75, 50, 10)  # of JPEG; 100: never compressed
FAKES, TESTED = 4000, 500
EARLY = 5  # after so few steps rounding has not yet grown: every processor agrees


class Examined(NamedTuple):
    """What a detector makes of 500 fakes of one generator, and of 1,000 digits, stored alike."""

    of: str
    quality: int
    separation: float  # area under the ROC curve
    found: float  # share of the fakes with a logit above 0
    alarms: float  # share of the real digits with a logit above 0
    error: float  # expected calibration error, of 500 fakes and 500 digits


class Run(NamedTuple):
    """One detector and its tests."""

    learned: str  # one of LEARNED
    seed: int
    plan: int  # checksum of what decides the run
    early: float  # mean logit of the first digits after `EARLY` steps
    tests: list[Examined]


# Pictures


@cache
def learned_fakes(learned: str) -> Tensor:
    """The fakes (4000, 1, 28, 28) that a detector learns from.

    Raises:
        UserError: not one of `LEARNED`.
    """
    if learned == PLANTED:
        return fakes.recompressed(learned_fakes("best"), PLANTED_QUALITY)
    if learned in PATIENT:
        return learned_fakes(learned.removesuffix(LONGER))
    if learned in GENERATORS:
        return fakes.pictures_of(learned, FAKES)
    left_out = learned.removeprefix(ALL_BUT)
    if learned not in LEARNED:
        raise UserError(f"There are no fakes of {learned!r}; choose one of {', '.join(LEARNED)}.")
    others = [name for name in GENERATORS if name != left_out]
    return torch.cat([learned_fakes(name)[: FAKES // len(others)] for name in others])


@cache
def shown(name: str, quality: int = 100) -> Tensor:
    """New fakes (500, 1, 28, 28) of a generator, or the held-out digits ("real"), as stored.

    Raises:
        UserError: no such generator, or no quality from 1 to 95; at 100 nothing is lost.
    """
    if quality != 100:
        return fakes.recompressed(shown(name), quality)
    if name == "real":
        return families.digits()[-families.HELD_OUT :]
    return fakes.pictures_of(name, TESTED, seed=1)


# Runs


def steps_of(learned: str) -> int:
    """How long a detector learns."""
    return 4 * fakes.STEPS if learned in PATIENT else fakes.STEPS


def start(learned: str, seed: int, steps: int | None = None) -> nn.Module:
    """A detector of the table, trained to its end or for ``steps``: 4 or 16 s of computing."""
    steps = steps_of(learned) if steps is None else steps
    return fakes.train_detector(families.learned(), learned_fakes(learned), steps, seed)


def examine(detector: nn.Module, names: Sequence[str], quality: int = 100) -> list[Examined]:
    """What a detector makes of generators' pictures, and of real digits stored alike."""
    of_real = fakes.logits(detector, shown("real", quality))
    return [compare(n, quality, of_real, fakes.logits(detector, shown(n, quality))) for n in names]


def compare(name: str, quality: int, of_real: Tensor, of_fake: Tensor) -> Examined:
    """A test of its logits."""
    answers = torch.cat([of_real[:TESTED], of_fake]).sigmoid()
    truth = (torch.arange(2 * TESTED) >= TESTED).double()
    measured = (
        fakes.separation(of_real, of_fake),
        (of_fake > 0).double().mean().item(),
        (of_real > 0).double().mean().item(),
        fakes.reliability(answers, truth).error(),
    )
    return Examined(name, quality, *(round(value, 4) for value in measured))


def early_number(learned: str, seed: int) -> float:
    """What tells one run from another after `EARLY` steps."""
    network = start(learned, seed, EARLY)
    return round(fakes.logits(network, families.learned()[:40]).mean().item(), 6)


def train(learned: str, seed: int) -> Run:
    """Train one detector, and test it on everything."""
    detector = start(learned, seed)
    names = ("best",) if learned == PLANTED else GENERATORS
    found = [test for quality in QUALITIES for test in examine(detector, names, quality)]
    return Run(learned, seed, checksum(learned), early_number(learned, seed), found)


def checksum(learned: str, seed: int = 0) -> int:
    """A number that changes with what decides a detector, not with its seed."""
    plan = [
        learned,
        steps_of(learned),
        fakes.RATE,
        fakes.BATCH,
        str(fakes.Detector()),
        FAKES,
        TESTED,
    ]
    return zlib.crc32(repr([*plan, QUALITIES, PLANTED_QUALITY, families.HELD_OUT]).encode())


def train_all(path: Path) -> Iterator[str]:
    """Train what a file lacks, write it after each, and say how each did."""
    wanted: list[Key] = [(learned, seed) for learned in LEARNED for seed in range(SEEDS)]
    for run in train_missing(path, Run, ("learned", "seed"), wanted, train, checksum):
        told = ", ".join(f"{t.of} {t.separation:.2f}" for t in run.tests if t.quality == 100)
        yield f"{run.learned}, seed {run.seed}: {told}"


def load(path: Path = STORED) -> list[Run]:
    """The runs in a file, in its order.

    Raises:
        UserError: no such file, or not one of ours.
    """
    runs = read_rows(path, Run, "detectors")
    return [run._replace(tests=[Examined(*each) for each in run.tests]) for run in runs]


# What they say


def select(runs: Iterable[Run], learned: str, of: str, quality: int = 100) -> list[Examined]:
    """The tests of a detector's seeds on one generator.

    Raises:
        UserError: there are none.
    """
    found = [
        test
        for run in runs
        if run.learned == learned
        for test in run.tests
        if (test.of, test.quality) == (of, quality)
    ]
    if not found:
        raise UserError(f"No detector that learned {learned!r} was tested on {of!r}, {quality}.")
    return found


def mean(tests: Iterable[Examined], what: str = "separation") -> float:
    """The mean over seeds of a measured value."""
    return fmean(getattr(test, what) for test in tests)


def spread(tests: Sequence[Examined], what: str = "separation") -> str:
    """Least and largest of a measured share over the seeds, in per cent."""
    values = [round(100 * getattr(test, what)) for test in tests]
    return f"{min(values)}–{max(values)} %"


def table(runs: Sequence[Run], learned: Sequence[str] = GENERATORS, quality: int = 100) -> str:
    """AUC in per cent, mean over seeds: a row for each detector, a column for each generator."""
    lines = [f"{'learned':18}" + "".join(f"{name:>12}" for name in GENERATORS)]
    for which in learned:
        means = [mean(select(runs, which, of, quality)) for of in GENERATORS]
        lines.append(f"{which:18}" + "".join(f"{share:12.0%}" for share in means))
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Train what the table lacks; return the exit code."""
    return study_command("detectors", __doc__, STORED, train_all, arguments)


if __name__ == "__main__":
    sys.exit(main())
