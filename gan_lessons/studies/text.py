"""Three ways to learn to write sums, over a range of temperatures: who wins, and where?

``python -m gan_lessons.studies.text`` trains every run of the table that is not yet in its file, on
one thread; interrupted, it goes on where it stopped. A run is decided by its seed; on another
processor it is as if the seed were another one (see `remedies`).
"""

import sys
import time
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

import torch
from torch import Tensor

from gan_lessons.data import sums
from gan_lessons.methods.text import TextSettings
from gan_lessons.studies.tables import FOLDER, read_rows, study_command, train_missing
from gan_lessons.training import Trainer, build_networks

STORED = FOLDER / "text.json"
SEEDS = 3
TEMPERATURES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0, 1.2, 1.5)
SAMPLES = 2500  # that are scored at each temperature
EARLY = 20  # after so few steps rounding has not yet grown: every processor agrees
LIKELIHOOD = TextSettings(gradient="likelihood", lr_generator=4e-3, steps=2500)
ARMS = {  # a game of so many steps costs about twice as much as that
    "likelihood": LIKELIHOOD,
    "straight_through": TextSettings(steps=1500),
    "reinforce": TextSettings(gradient="reinforce", steps=1500),
    "likelihood, then straight_through": TextSettings(steps=750),
    "likelihood, then reinforce": TextSettings(gradient="reinforce", steps=750),
}


class Run(NamedTuple):
    """One run's result."""

    arm: str
    seed: int
    plan: int  # checksum of what decides the run: a file never mixes runs of different ones
    early: float  # mean logit of letters of real sentences after `EARLY` steps, raw generator
    scores: list[list[float]]  # a `sums.Score` for each of `TEMPERATURES`
    seconds: float  # of computing, on the machine that trained it


@cache
def learned() -> Tensor:
    """The sentences that every run learns from, four in five of the language, one-hot."""
    return sums.encode(sums.held_back()[0])


def start(arm: str, seed: int) -> Trainer:
    """A run that is ready to be trained; where its name begins so, by likelihood first."""
    settings = replace(ARMS[arm], seed=seed)
    if not arm.startswith("likelihood, then"):
        return Trainer(learned(), settings)
    networks = build_networks(settings, tuple(learned().shape[1:]))
    trained = finish(Trainer(learned(), replace(LIKELIHOOD, seed=seed)))
    networks["generator"].load_state_dict(trained.generator_ema.state_dict())
    return Trainer(learned(), settings, networks)


def finish(trainer: Trainer) -> Trainer:
    """Trained to its end."""
    for _ in trainer.run():
        pass
    return trainer


def train(arm: str, seed: int) -> Run:
    """Train one run to its end, and score what it writes at each temperature."""
    began = time.process_time()
    trainer = start(arm, seed)
    for _ in trainer.run(EARLY):
        pass
    early = early_number(trainer)
    finish(trainer)
    seconds = time.process_time() - began
    noise = trainer.inputs(SAMPLES, seed=1)
    scores = [sums.score(write(trainer, noise, t)) for t in TEMPERATURES]
    rounded = [[round(number, 4) for number in each] for each in scores]
    return Run(arm, seed, checksum(arm), round(early, 6), rounded, round(seconds, 2))


def write(trainer: Trainer, noise: Tensor, temperature: float = 1.0) -> list[str]:
    """What the averaged generator writes for Gumbel noise (N, T, letters) at a temperature."""
    return sums.decode(trainer.sample(temperature * noise))


def early_number(trainer: Trainer) -> float:
    """What tells one run from another after `EARLY` steps."""
    with torch.no_grad():
        mean: float = trainer.generator.logits(learned()[:200]).abs().mean().item()
    return mean


def checksum(arm: str) -> int:
    """A number that changes with the settings, the layers or the language of an arm."""
    networks = [str(each) for each in build_networks(ARMS[arm], (sums.LENGTH, 13)).values()]
    first = LIKELIHOOD if arm.startswith("likelihood, then") else ""
    return zlib.crc32(repr([ARMS[arm], first, networks, TEMPERATURES, SAMPLES]).encode())


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


def mean_scores(runs: Iterable[Run], arm: str) -> list[sums.Score]:
    """The mean score over seeds, for each of `TEMPERATURES`."""
    found = [run.scores for run in runs if run.arm == arm]
    return [
        sums.Score(*(fmean(numbers) for numbers in zip(*at, strict=True)))
        for at in zip(*found, strict=True)
    ]


def table(runs: Iterable[Run], temperature: float = 1.0) -> str:
    """Ways to learn in rows, mean scores at one of `TEMPERATURES` in columns."""
    found, place = list(runs), TEMPERATURES.index(temperature)
    lines = [f"{'T = ' + str(temperature):34}" + "".join(f"{n:>11}" for n in sums.Score._fields)]
    for arm in ARMS:
        score = mean_scores(found, arm)[place]
        lines.append(f"{arm:34}" + "".join(f"{number:11.2f}" for number in score))
    return "\n".join(lines)


def told(path: Path) -> Iterator[str]:
    """Train what a file lacks; what is to be said of each run, and at last of all."""
    for run in train_all(path):
        at_one = sums.Score(*run.scores[TEMPERATURES.index(1.0)])
        yield f"{run.arm}, seed {run.seed}: {at_one.valid:.1%} valid"
    yield table(load(path))


def main(arguments: Sequence[str] | None = None) -> int:
    """Train what a file of runs lacks; return the exit code."""
    return study_command("text", __doc__, STORED, told, arguments)


if __name__ == "__main__":
    sys.exit(main())
