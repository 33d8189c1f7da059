"""Ways to tell a GAN the class, side by side: which one is obeyed, and what does it cost?

``python -m gan_lessons.studies.conditioning`` trains every run of the table that is not yet in its
file, on one thread, with the 5,000 digits that come with the course; interrupted, it goes on where
it stopped. All ways get as much computing: where a step costs more, there are fewer. A run is
decided by its seed; on another processor it is as if the seed were another one (see `remedies`).
"""

import sys
import time
import zlib
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from gan_lessons import classifier, metrics
from gan_lessons.data import load_digits
from gan_lessons.methods.conditional import CONDITIONINGS, ConditionalSettings
from gan_lessons.studies.statistics import interval
from gan_lessons.studies.tables import FOLDER, read_rows, study_command, train_missing
from gan_lessons.training import Trainer

STORED = FOLDER / "conditioning.json"
SEEDS = 5
STEPS = 1200
COSTS = {"label_planes": 1.16}  # of a step, by `measure_costs`; 1 for all others
SAMPLES = 3000  # that are measured at the end, 300 of each class
EARLY = 2  # after more steps rounding has grown, and each processor goes its own way


class Run(NamedTuple):
    """One run's result, measured on `SAMPLES` samples of the averaged generator."""

    conditioning: str
    seed: int
    plan: int  # checksum of what decides the run: a file never mixes runs of different ones
    early: float  # mean size of the fakes' pixels after `EARLY` steps, raw generator
    agreement: float  # share that is read as asked, each class counting alike
    least: float  # that of the worst class
    purity: float  # share of a class's commonest digit, mean over the classes
    found: int  # different digits among those commonest ones
    variety: float  # mean distance of two of a class, divided by that of real digits
    distance: float  # Fréchet, in the classifier's features
    seconds: float  # on the machine that trained it


def settings_of(conditioning: str, seed: int) -> ConditionalSettings:
    """The settings of a run."""
    steps = round(STEPS / COSTS.get(conditioning, 1.0))
    return ConditionalSettings(conditioning=conditioning, seed=seed, steps=steps)


def start(conditioning: str, seed: int) -> Trainer:
    """A run that is ready to be trained."""
    digits = load_digits(source="bundled", announce=False)
    return Trainer(digits.images, settings_of(conditioning, seed), labels=digits.labels)


def train(conditioning: str, seed: int) -> Run:
    """Train one run to its end, and measure it."""
    began = time.perf_counter()
    trainer = start(conditioning, seed)
    inputs = trainer.method.inputs(SAMPLES, torch.Generator().manual_seed(1))
    early = float("nan")
    for event in trainer.run():
        if event.step == EARLY:
            early = trainer.sample(inputs[:200], ema=False).abs().mean().item()
    images, asked = trainer.sample(inputs), torch.arange(SAMPLES) % 10
    found = metrics.class_report(images, asked)
    read = counts(images, asked)
    beside = found.variety_beside(real_report())
    return Run(
        conditioning=conditioning,
        seed=seed,
        plan=checksum(conditioning),
        early=round(early, 6),
        agreement=round(found.mean_agreement(), 4),
        least=round(min(found.agreement), 4),
        purity=round((read.amax(dim=1) / read.sum(dim=1)).mean().item(), 4),
        found=len(read.argmax(dim=1).unique()),
        variety=round(sum(beside) / len(beside), 4),
        distance=round(metrics.report(images).frechet, 4),
        seconds=round(time.perf_counter() - began, 2),
    )


def counts(images: Tensor, asked: Tensor) -> Tensor:
    """How often what was asked for (row) is read as which digit (column): (10, 10)."""
    read = classifier.load().predict(images)[1].argmax(dim=1)
    return torch.bincount(10 * asked + read, minlength=100).view(10, 10).float()


@cache
def real_report() -> metrics.ClassReport:
    """What is measured of the 5,000 real digits."""
    digits = load_digits(source="bundled", announce=False)
    return metrics.class_report(digits.images, digits.labels)


def checksum(conditioning: str) -> int:
    """A number that changes with the settings or the layers of a run."""
    trainer = start(conditioning, 0)
    players = [str(player.network) for player in trainer.players.values()]
    return zlib.crc32(repr([trainer.settings, players, SAMPLES]).encode())


def load(path: Path = STORED) -> list[Run]:
    """The runs in a file, in its order.

    Raises:
        UserError: no such file, or not one of ours.
    """
    return read_rows(path, Run, "runs")


def train_all(path: Path, seeds: int = SEEDS) -> Iterator[Run]:
    """Train what ``path`` lacks, write it after each run, and yield each as it is done."""
    wanted = [(name, seed) for seed in range(seeds) for name in CONDITIONINGS]
    keys = ("conditioning", "seed")
    yield from train_missing(path, Run, keys, wanted, train, lambda name, _: checksum(name))


def table(runs: Iterable[Run]) -> str:
    """Ways with labels in rows, with means and 95 % intervals; the last row has real digits."""
    found = list(runs)
    lines = [f"{'':20}  {'read as asked':20}  worst  {'variety':17}  distance"]
    for name in CONDITIONINGS:
        rows = [run for run in found if run.conditioning == name]
        if name != "infogan" and rows:
            mean, low, high = interval([run.agreement for run in rows])
            obeyed = f"{mean:6.1%} [{low:.1%}, {high:.1%}]"
            mean, low, high = interval([run.variety for run in rows])
            varied = f"{mean:.2f} [{low:.2f}, {high:.2f}]"
            least = sum(run.least for run in rows) / len(rows)
            distance = sum(run.distance for run in rows) / len(rows)
            lines.append(f"{name:20}  {obeyed:20}  {least:5.1%}  {varied:17}  {distance:8.1f}")
    real = real_report()
    obeyed = f"{real.mean_agreement():6.1%}"
    distance = metrics.report(load_digits(source="bundled", announce=False).images).frechet
    lines.append(
        f"{'real digits':20}  {obeyed:20}  {min(real.agreement):5.1%}  {1:<17.2f}  {distance:8.1f}"
    )
    return "\n".join(lines)


def told(path: Path) -> Iterator[str]:
    """Train what a file lacks; what is to be said of each run, and at last of all."""
    for run in train_all(path):
        yield f"{run.conditioning}, seed {run.seed}: {run.agreement:.1%} as asked"
    yield table(load(path))


def main(arguments: Sequence[str] | None = None) -> int:
    """Train what a file of runs lacks; return the exit code."""
    return study_command("conditioning", __doc__, STORED, told, arguments)


if __name__ == "__main__":
    sys.exit(main())
