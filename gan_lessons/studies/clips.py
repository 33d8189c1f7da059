"""Thrown digits under one discriminator or two: who teaches gravity?

``python -m gan_lessons.studies.clips`` trains every run of the table that is not yet in its file,
on one thread; interrupted, it goes on where it stopped. A run is decided by its seed; on another
processor it is as if the seed were another one (see `remedies`).
"""

import sys
import time
import zlib
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

import torch
from torch import Tensor

from gan_lessons import pretrained
from gan_lessons.data import flights, load_digits
from gan_lessons.methods.clips import DISCRIMINATORS, ClipSettings, players
from gan_lessons.studies.tables import FOLDER, read_rows, study_command, train_missing
from gan_lessons.training import Trainer

STORED = FOLDER / "clips.json"
SEEDS = 3
STEPS = 600
SAMPLES = 1000  # clips that are measured at the end
EARLY = 2  # after more steps rounding has grown, and each processor goes its own way
ARMS = ("both", *DISCRIMINATORS)


class Run(NamedTuple):
    """One run's result, measured on `SAMPLES` clips of the averaged generator."""

    arm: str
    seed: int
    plan: int  # checksum of what decides the run: a file never mixes runs of different ones
    early: float  # mean size of the poses after `EARLY` steps, raw generator
    sideways: float  # mean acceleration to the right, pixels / frame²
    down: float  # and down
    law_error: float  # see `flights.law_error`
    spread: float  # of the digits' places over clips and frames, beside that of real clips
    seconds: float  # of computing, on the machine that trained it


@cache
def real_clips() -> Tensor:
    """The 5,000 digits of the install, each thrown once: (5000, FRAMES, 28, 28)."""
    digits = load_digits(source="bundled", announce=False)
    return flights.throw(digits.images, torch.Generator().manual_seed(0))


def start(arm: str, seed: int, steps: int = STEPS) -> Trainer:
    """A run that is ready to be trained, around the shipped generator `dcgan`."""
    settings = ClipSettings(discriminators=arm, seed=seed, steps=steps)
    content, _ = pretrained.load_generator("dcgan")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Trainer(real_clips(), settings, players(settings, content))


def train(arm: str, seed: int) -> Run:
    """Train one run to its end, and measure it."""
    began = time.process_time()
    trainer = start(arm, seed)
    for _ in trainer.run(EARLY):
        pass
    early = early_number(trainer)
    for _ in trainer.run():
        pass
    seconds = round(time.process_time() - began, 2)
    found = measure(trainer.sample(trainer.inputs(SAMPLES, seed=1)))
    right, down, error, spread = (round(number, 4) for number in found)
    about = (checksum(arm), round(early, 6))
    return Run(arm, seed, *about, right, down, error, spread, seconds)


def measure(clips: Tensor) -> tuple[float, float, float, float]:
    """Mean acceleration to the right and down, error of the law, spread of places beside real."""
    right, down = flights.accelerations(clips).mean(dim=(0, 1)).tolist()
    spreads = [
        flights.centres(each).std(dim=(0, 1)).mean().item() for each in (clips, real_clips())
    ]
    return right, down, flights.law_error(clips), spreads[0] / spreads[1]


def early_number(trainer: Trainer) -> float:
    """What tells one run from another after `EARLY` steps."""
    with torch.no_grad():
        mean: float = trainer.generator.poses(trainer.inputs(100, seed=2)).abs().mean().item()
    return mean


def checksum(arm: str) -> int:
    """A number that changes with the settings, the layers or the law of an arm."""
    trainer = start(arm, 0)
    networks = [str(player.network) for player in trainer.players.values()]
    law = [flights.FRAMES, flights.GRAVITY, flights.SIZE]
    return zlib.crc32(repr([trainer.settings, networks, law, SAMPLES]).encode())


def load(path: Path = STORED) -> list[Run]:
    """The runs in a file, in its order.

    Raises:
        UserError: no such file, or not one of ours.
    """
    return read_rows(path, Run, "runs")


def train_all(path: Path, seeds: int = SEEDS) -> Iterator[Run]:
    """Train what ``path`` lacks, write it after each run, and yield each as it is done."""
    wanted = [(name, seed) for seed in range(seeds) for name in ARMS]
    keys = ("arm", "seed")
    yield from train_missing(path, Run, keys, wanted, train, lambda name, _: checksum(name))


def table(runs: Iterable[Run]) -> str:
    """Discriminators in rows, means over seeds in columns; last real and shuffled clips."""
    found = list(runs)
    clips = real_clips()[:SAMPLES]
    mixed = flights.shuffle(clips, torch.Generator().manual_seed(0))
    rows = {
        f"D: {name}": [
            fmean(getattr(run, what) for run in found if run.arm == name)
            for what in ("sideways", "down", "law_error", "spread")
        ]
        for name in ARMS
    }
    rows |= {"real clips": list(measure(clips)), "real, shuffled": list(measure(mixed))}
    lines = [f"{'':16}{'sideways':>10}{'down':>8}{'law error':>11}{'spread':>8}"]
    for name, (sideways, down, error, spread) in rows.items():
        lines.append(f"{name:16}{sideways:10.2f}{down:8.2f}{error:11.2f}{spread:8.2f}")
    return "\n".join(lines)


def told(path: Path) -> Iterator[str]:
    """Train what a file lacks; what is to be said of each run, and at last of all."""
    for run in train_all(path):
        yield f"{run.arm}, seed {run.seed}: {run.down:.2f} pixels / frame² down"
    yield table(load(path))


def main(arguments: Sequence[str] | None = None) -> int:
    """Train what a file of runs lacks; return the exit code."""
    return study_command("clips", __doc__, STORED, told, arguments)


if __name__ == "__main__":
    sys.exit(main())
