"""Melodies bar by bar, each told the one before: how a GAN and likelihood keep to the rules.

``python -m gan_lessons.studies.melodies`` trains every run of the table that is not yet in its
file, on one thread; interrupted, it goes on where it stopped. A run is decided by its seed; on
another processor it is as if the seed were another one (see `remedies`).
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
from torch import Tensor, nn

from gan_lessons.data import melodies
from gan_lessons.methods.text import TextSettings
from gan_lessons.networks import gumbel_noise
from gan_lessons.studies.tables import FOLDER, read_rows, study_command, train_missing
from gan_lessons.studies.text import finish
from gan_lessons.training import Trainer, build_networks

STORED = FOLDER / "melodies.json"
SEEDS = 3
TEMPERATURES = (0.0, 0.5, 1.0, 1.5)
PLAYED = 300  # melodies that are scored at each temperature
EARLY = 20  # after so few steps rounding has not yet grown: every processor agrees
LEARNED = 2000  # melodies by the rules
SETTINGS = TextSettings(told=melodies.TOLD, steps=1000)
ARMS = {  # as many steps; at the game's rate likelihood would need more of them
    "game": SETTINGS,
    "likelihood": replace(SETTINGS, gradient="likelihood", lr_generator=4e-3),
}


class Run(NamedTuple):
    """One run's result, for `PLAYED` melodies of the averaged generator at each temperature."""

    arm: str
    seed: int
    plan: int  # checksum of what decides the run: a file never mixes runs of different ones
    early: float  # mean logit of signs of real bars after `EARLY` steps, raw generator
    scores: list[list[float]]  # a `melodies.Score` for each of `TEMPERATURES`
    bars: list[int]  # different bars, of `PLAYED` times four
    seconds: float  # of computing, on the machine that trained it


@cache
def learned() -> Tensor:
    """The melodies that a run learns from, as signs: (LEARNED, BARS, STEPS)."""
    return melodies.compose(LEARNED, torch.Generator().manual_seed(0))


def start(settings: TextSettings = SETTINGS) -> Trainer:
    """A run that is ready to be trained."""
    return Trainer(melodies.as_sentences(learned()), settings)


@torch.no_grad()
def play(
    generator: nn.Module,
    n: int,
    temperature: float = 1.0,
    seed: int = 0,
    opening: Tensor | None = None,
) -> Tensor:
    """Melodies bar by bar, each bar told the one before: signs (n, BARS, STEPS).

    Args:
        generator: of a run of `start`.
        n: melodies.
        temperature: 0: always the likeliest sign; 1: as learned.
        seed: decides the noise.
        opening: the first bar (STEPS,) of all, if it is not to be written.
    """  # fmt: skip
    rng = torch.Generator().manual_seed(seed)
    written = torch.full((n, melodies.BARS, melodies.STEPS), melodies.REST)
    first = 0
    if opening is not None:
        written[:, 0], first = opening, 1
    for bar in range(first, melodies.BARS):
        told = melodies.as_sentences(written).unflatten(0, (n, melodies.BARS))[:, bar]
        noise = gumbel_noise(n, melodies.STEPS, melodies.SIGNS, rng=rng)
        inputs = torch.cat([temperature * noise, told[..., melodies.SIGNS :]], dim=2)
        written[:, bar] = melodies.as_signs(generator(inputs))
    return written


def different_bars(signs: Tensor) -> int:
    """How many different bars there are in melodies (N, BARS, STEPS)."""
    return len(signs.flatten(0, 1).unique(dim=0))


def train(arm: str, seed: int) -> Run:
    """Train one run to its end, and score what it plays at each temperature."""
    began = time.process_time()
    trainer = start(replace(ARMS[arm], seed=seed))
    for _ in trainer.run(EARLY):
        pass
    early = early_number(trainer)
    finish(trainer)
    seconds = time.process_time() - began
    played = [play(trainer.generator_ema, PLAYED, t, seed=1) for t in TEMPERATURES]
    scores = [[round(share, 4) for share in melodies.score(signs)] for signs in played]
    bars = [different_bars(signs) for signs in played]
    return Run(arm, seed, checksum(arm), round(early, 6), scores, bars, round(seconds, 2))


def early_number(trainer: Trainer) -> float:
    """What tells one run from another after `EARLY` steps."""
    with torch.no_grad():
        logits: Tensor = trainer.generator.logits(trainer.samples[:200])
    return logits.abs().mean().item()


def checksum(arm: str) -> int:
    """A number that changes with the settings, the layers or the rules of an arm."""
    shape = (melodies.STEPS, melodies.SIGNS + melodies.TOLD)
    networks = [str(each) for each in build_networks(ARMS[arm], shape).values()]
    rules = [melodies.LADDER, melodies.LENGTHS, melodies.LEAP, LEARNED]
    decided = [ARMS[arm], networks, rules, TEMPERATURES, PLAYED]
    return zlib.crc32(repr(decided).encode())


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
    """Ways to learn and temperatures in rows: means over seeds, and how far leaps differ."""
    found = list(runs)
    heads = "".join(f"{name:>9}" for name in melodies.Score._fields)
    lines = [f"{'':20}{heads}  leaps by seed{'bars':>8}"]
    for arm in ARMS:
        each = [run for run in found if run.arm == arm]
        for place, temperature in enumerate(TEMPERATURES):
            scores = [melodies.Score(*run.scores[place]) for run in each]
            means = "".join(f"{fmean(shares):9.2f}" for shares in zip(*scores, strict=True))
            leaps = [score.leaps for score in scores]
            spread = f"{min(leaps):.2f} to {max(leaps):.2f}"
            bars = fmean(run.bars[place] for run in each)
            lines.append(f"{arm}, T = {temperature}".ljust(20) + f"{means}{spread:>15}{bars:8.0f}")
    return "\n".join(lines)


def told(path: Path) -> Iterator[str]:
    """Train what a file lacks; what is to be said of each run, and at last of all."""
    for run in train_all(path):
        at_one = melodies.Score(*run.scores[TEMPERATURES.index(1.0)])
        yield f"{run.arm}, seed {run.seed}: {at_one.leaps:.1%} of leaps"
    yield table(load(path))


def main(arguments: Sequence[str] | None = None) -> int:
    """Train what a file of runs lacks; return the exit code."""
    return study_command("melodies", __doc__, STORED, told, arguments)


if __name__ == "__main__":
    sys.exit(main())
