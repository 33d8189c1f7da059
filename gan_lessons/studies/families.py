"""Families of generative models side by side: equal data, equal networks that draw, equal seconds.

``python -m gan_lessons.studies.families`` trains every run of its two tables that is not yet in
their files, on one thread; interrupted, it goes on where it stopped. First each family is tuned:
`TRIES` of it, as many for each, of 15 seconds. They learn from the first 3,000 of the bundled
digits, and the next 1,000 choose. The chosen ones then learn from those 4,000, three seeds for each
budget, and are measured on the last 1,000, which have decided nothing.

Seconds are seconds of computing on one thread: the cost of a step was measured once (``--costs``),
and a budget is so many steps. A run is decided by its seed; on another processor it is as if the
seed were another one.
"""

import itertools
import math
import sys
import time
import zlib
from argparse import Namespace
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import replace
from functools import cache
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple

import torch
from torch import Tensor

from gan_lessons import classifier, metrics, pretrained
from gan_lessons.commandline import Parser, file_path, run_command
from gan_lessons.data import load_digits
from gan_lessons.errors import UserError, expect_one_of
from gan_lessons.methods import RECIPES
from gan_lessons.methods.vae import VAE, binarised
from gan_lessons.studies.tables import FOLDER, Key, read_rows, train_missing, write_rows
from gan_lessons.training import Method, Settings, Trainer, draw

STORED, TUNED = FOLDER / "families.json", FOLDER / "families_tuned.json"
SEEDS = 3
TUNING_SEED = 100
TUNING_SECONDS = 15
BUDGETS = (15, 30, 60)  # seconds
HELD_OUT = 1000  # of the bundled digits: nothing learns from them, and nothing is chosen by them
SAMPLES = 1000  # that are measured
CODES = 16  # for each digit, in the bounds of its likelihood
EARLY = 10  # after so few steps rounding has not yet grown: every processor agrees


class Try(NamedTuple):
    """Settings beside a family's recipe, and milliseconds of computing that a step costs."""

    settings: Mapping[str, Any]
    step: float


# What draws has about 190,000 numbers in every one of them.
TRIES: dict[str, tuple[Try, ...]] = {
    "gan": tuple(
        Try({"lr_generator": rate, "lr_discriminator": rate, "penalty_weight": weight}, step)
        for rate, weight, step in (
            (3e-3, 1.0, 38.6), (1.5e-3, 1.0, 38.6), (3e-3, 0.1, 38.6), (1.5e-3, 0.1, 38.6),
        )
    ),
    "vae": tuple(
        Try({"lr_autoencoder": rate, "latent_dim": codes, "decoder_width": width}, step)
        for rate, codes, width, step in (
            (2e-3, 64, 48, 21.9), (4e-3, 64, 48, 21.9), (2e-3, 16, 85, 31.0), (4e-3, 16, 85, 31.0),
        )
    ),
    "flow": tuple(
        Try({"lr_ending": rate, "batch_size": batch}, step)
        for rate, batch, step in (
            (2e-3, 32, 33.1), (4e-3, 32, 33.1), (2e-3, 16, 19.8), (4e-3, 16, 19.8),
        )
    ),
}  # fmt: skip
RECIPE = {"gan": "dcgan", "vae": "vae", "flow": "flow"}
# The networks that ship: file names.
SHIPPED = {"gan": "family_gan", "vae": "vae", "flow": "flow"}
# How the families' pictures are drawn, by name: settings.
DRAWINGS: dict[str, dict[str, Mapping[str, Any]]] = {
    "vae": {"sampled": {"pixels": "sampled"}, "means": {"pixels": "means"}},
    "flow": {f"{steps} steps": {"sampler_steps": steps} for steps in (4, 16)},
}
USUAL = {"vae": "sampled", "flow": "16 steps"}


class Tried(NamedTuple):
    """How one of the `TRIES` did."""

    family: str
    which: int  # of `TRIES`
    plan: int  # checksum of what decides the run: a file never mixes runs of different ones
    steps: int
    distance: float  # Fréchet, to the 1,000 digits that choose
    spent: float  # seconds of computing


class Row(NamedTuple):
    """What one run draws in one of its ways; of "real" digits, what can be said of them."""

    family: str
    seconds: int
    seed: int
    drawing: str
    plan: int  # checksum of what decides the run
    steps: int
    early: float  # mean size of the pixels drawn after `EARLY` steps, by the networks as they are
    distance: float  # Fréchet, to the held-out digits, in the classifier's features
    precision: float  # share of what is drawn that lies among the held-out digits
    recall: float  # share of the held-out digits that lies among what is drawn
    midway: float | None  # precision of pictures half-way between two inputs, drawn as usual
    calls: int  # of the network for a picture
    drawing_ms: float  # milliseconds of computing for a picture
    elbo: float | None  # bounds of −log₂ p of held-out digits, binarised, in bits: from the ELBO,
    bits: float | None  # and from several codes each, which is nearer; most families have none
    spent: float  # seconds of computing of the training


class Measured(NamedTuple):
    """What is measured of drawn pictures."""

    distance: float
    precision: float
    recall: float


# Digits


@cache
def digits() -> Tensor:
    """The 5,000 of the install (N, 1, 28, 28)."""
    return load_digits(source="bundled", announce=False).images


def learned() -> Tensor:
    """The 4,000 digits to learn from."""
    return digits()[:-HELD_OUT]


@cache
def features_of(part: str) -> Tensor:
    """Features (1000, 64) of the digits that "choose" among tries, or are "held out"."""
    there = {"choose": slice(-2 * HELD_OUT, -HELD_OUT), "held out": slice(-HELD_OUT, None)}[part]
    return classifier.load().predict(digits()[there])[0]


def measure(pictures: Tensor, part: str = "held out") -> Measured:
    """How like real digits pictures (N, 1, 28, 28) are, and how many of these they reach."""
    real, drawn = features_of(part), classifier.load().predict(pictures)[0]
    distance = metrics.frechet_distance(metrics.statistics(drawn), metrics.statistics(real))
    share = metrics.precision_recall(real, drawn)
    return Measured(round(distance, 4), round(share.precision, 4), round(share.recall, 4))


def computing(trainer: Trainer, steps: int | None = None) -> float:
    """Train, to the end or for so many steps; return the seconds of computing that it took."""
    began = time.process_time()
    for _ in trainer.run(steps):
        pass
    return time.process_time() - began


# Tuning


def settings_of_try(family: str, which: int, seconds: float, seed: int) -> Settings:
    """The settings of one of the `TRIES`, for seconds of computing."""
    settings, step = TRIES[family][which]
    steps = max(round(1000 * seconds / step), 1)
    tried: Settings = replace(RECIPES[RECIPE[family]], seed=seed, steps=steps, **settings)
    return tried


def start_try(family: str, which: int) -> Trainer:
    """A try, ready to be trained."""
    settings = settings_of_try(family, which, TUNING_SECONDS, TUNING_SEED)
    return Trainer(digits()[: -2 * HELD_OUT], settings)


def tune(family: str, which: int) -> Tried:
    """Train a try to its end, and measure what it draws in the family's usual way."""
    trainer = start_try(family, which)
    spent = computing(trainer)
    found = measure(trainer.sample(trainer.inputs(SAMPLES, seed=1)), "choose")
    plan, steps = checksum(trainer), trainer.settings.steps
    return Tried(family, which, plan, steps, found.distance, round(spent, 2))


def tune_all(path: Path) -> Iterator[Tried]:
    """Train the tries that ``path`` lacks, write it after each, and yield each as it is done."""
    wanted: list[Key] = [(name, i) for name, tries in TRIES.items() for i in range(len(tries))]

    def plan(family: str, which: int) -> int:
        return checksum(start_try(family, which))

    yield from train_missing(path, Tried, ("family", "which"), wanted, tune, plan)


def load_tried(path: Path = TUNED) -> list[Tried]:
    """The tries in a file, in its order.

    Raises:
        UserError: no such file, or not one of ours.
    """
    return read_rows(path, Tried, "tries")


@cache
def chosen(family: str, path: Path = TUNED) -> int:
    """Which of a family's tries came nearest to the digits that choose."""
    tries = [row for row in load_tried(path) if row.family == family]
    return min(tries, key=lambda row: row.distance).which


# Runs


def start(family: str, seconds: float, seed: int) -> Trainer:
    """A run that is ready to be trained.

    Raises:
        UserError: there is no such family.
    """
    if family not in TRIES:
        raise UserError(f"There is no family {family!r}; choose one of {', '.join(TRIES)}.")
    settings = settings_of_try(family, chosen(family), seconds, seed)
    return Trainer(learned(), settings)


def train(family: str, seconds: int, seed: int) -> tuple[Trainer, list[Row]]:
    """Train one run to its end, and measure each way to draw; return both."""
    trainer = start(family, seconds, seed)
    plan = checksum(trainer)
    spent = computing(trainer, EARLY)
    early = early_number(trainer)
    spent += computing(trainer)
    rows = []
    for drawing, settings in DRAWINGS.get(family, {"": {}}).items():
        trainer.change(**settings)
        began = time.process_time()
        pictures = trainer.sample(trainer.inputs(SAMPLES, seed=1))
        ms = 1000 * (time.process_time() - began) / SAMPLES
        usual = drawing == USUAL.get(family, "")
        elbo, bits = likelihood(trainer) if usual and family == "vae" else (None, None)
        row = Row(
            family=family,
            seconds=seconds,
            seed=seed,
            drawing=drawing,
            plan=plan,
            steps=trainer.settings.steps,
            early=round(early, 6),
            **measure(pictures)._asdict(),
            midway=precision_midway(trainer) if usual else None,
            calls=getattr(trainer.settings, "sampler_steps", 1),
            drawing_ms=round(ms, 4),
            elbo=elbo,
            bits=bits,
            spent=round(spent, 2),
        )
        rows.append(row)
    trainer.change(**DRAWINGS.get(family, {}).get(USUAL.get(family, ""), {}))  # as it ships
    return trainer, rows


def early_number(trainer: Trainer) -> float:
    """What tells one run from another after `EARLY` steps."""
    return trainer.sample(trainer.inputs(40), ema=False).abs().mean().item()


def draw_as(method: Method[Any], inputs: Tensor, **settings: Any) -> Tensor:
    """What a method draws with other settings, such as pixels="means"; it stays as it is."""
    other = copy(method)
    other.settings = replace(method.settings, **settings)
    return draw(other, inputs)


def midway(method: Method[Any], inputs: Tensor) -> Tensor:
    """Inputs (N, …) half-way between 2 N inputs, and as far from 0 as they are: N(0, 1) again."""
    one, other = inputs.chunk(2)
    half = (one + other) / math.sqrt(2)
    if isinstance(method, VAE):  # the pixels' chances are no code
        half[:, method.settings.latent_dim :] = one[:, method.settings.latent_dim :]
    return half


def precision_midway(trainer: Trainer) -> float:
    """Share of the pictures half-way between two that lies among the held-out digits."""
    inputs = midway(trainer.method, trainer.inputs(SAMPLES, seed=2))
    return measure(trainer.sample(inputs)).precision


def likelihood(trainer: Trainer) -> tuple[float, float]:
    """Bits that a held-out digit, binarised, costs a VAE at most: the ELBO, the nearer bound."""
    method: Any = trainer.method
    rng = torch.Generator().manual_seed(3)
    held_out = binarised(digits()[-HELD_OUT:], rng)
    weights = torch.cat([method.log_weights(p, CODES, rng) for p in held_out.split(500)], dim=1)
    bounds = weights.mean(dim=0), weights.logsumexp(dim=0) - math.log(CODES)
    elbo, nearer = (round(-bound.mean().item() / math.log(2), 2) for bound in bounds)
    return elbo, nearer


def measure_real() -> list[Row]:
    """What whoever drew other real digits would reach, as they are, or binarised as a VAE's are."""
    real = learned()[:SAMPLES]
    rows = []
    for drawing, pictures in {
        "as they are": real,
        "binarised": binarised(real, torch.Generator().manual_seed(0)),
    }.items():
        found = measure(pictures)
        rows.append(Row("real", 0, 0, drawing, 0, 0, 0.0, *found, None, 0, 0.0, None, None, 0.0))
    return rows


def checksum(trainer: Trainer) -> int:
    """A number that changes with the settings or the layers of a run, not with its seed."""
    settings = replace(trainer.settings, seed=0)
    players = [str(player.network) for player in trainer.players.values()]
    return zlib.crc32(repr([settings, players, SAMPLES, len(trainer.samples)]).encode())


def load(path: Path = STORED) -> list[Row]:
    """The rows in a file, in its order.

    Raises:
        UserError: no such file, or not one of ours.
    """
    return read_rows(path, Row, "families")


def train_all(path: Path, folder: Path | None = None) -> Iterator[list[Row]]:
    """Train what a file lacks, write it after each run, and yield each as it is done.

    Args:
        path: the file.
        folder: where to write the networks of seed 0 and the largest budget.
    """
    wanted = list(itertools.product(BUDGETS, range(SEEDS), TRIES))
    done: dict[tuple[int, int, str], list[Row]] = {}
    for row in load(path) if path.exists() else []:
        done.setdefault((row.seconds, row.seed, row.family), []).append(row)
    for key in wanted:
        seconds, seed, family = key
        plan = checksum(start(family, seconds, seed))
        if key in done and done[key][0].plan == plan:
            continue
        trainer, done[key] = train(family, seconds, seed)
        if folder and seed == 0:  # a larger budget's come later, in the same file
            pretrained.save_networks(trainer, folder / f"{SHIPPED[family]}.safetensors")
        rows = [row for each in wanted for row in done.get(each, [])]
        write_rows([*measure_real(), *rows], path)
        yield done[key]


# What the runs say


def select(rows: Iterable[Row], family: str, seconds: int, drawing: str | None = None) -> list[Row]:
    """The seeds' rows of a family and a budget, drawn in its usual way or the one that is named.

    Raises:
        UserError: there are none.
    """
    how = USUAL.get(family, "") if drawing is None else drawing
    found = [r for r in rows if (r.family, r.seconds, r.drawing) == (family, seconds, how)]
    if not found:
        raise UserError(f"There are no rows of {family!r} with {seconds} seconds, drawn {how!r}.")
    return found


def mean(rows: Iterable[Row], what: str) -> float:
    """The mean over rows of a measured value, such as "distance"."""
    return fmean(getattr(row, what) for row in rows)


def table(rows: Sequence[Row], seconds: int = BUDGETS[-1]) -> str:
    """Families and ways to draw in rows: means over seeds, and their range in brackets.

    Raises:
        UserError: nothing was trained for so many seconds.
    """
    expect_one_of(seconds, "seconds", BUDGETS)
    line = "{:17}{:20}{:17}{:17}{:>5}{:>6}{:>6}"
    lines = [line.format("", "distance", "precision", "recall", "calls", "ms", "bits")]
    keys = dict.fromkeys((r.family, r.drawing) for r in rows if r.seconds == seconds)
    for family, drawing in keys:
        each = select(rows, family, seconds, drawing)
        shares = (_spread(each, what, 2) for what in ("precision", "recall"))
        bits = f"{mean(each, 'bits'):.0f}" if each[0].bits is not None else "–"
        costs = f"{each[0].calls}", f"{mean(each, 'drawing_ms'):.1f}", bits
        lines.append(
            line.format(f"{family} {drawing}", _spread(each, "distance", 1), *shares, *costs)
        )
    for real in (row for row in rows if row.family == "real"):
        shares = (f"{share:.2f}" for share in (real.precision, real.recall))
        name = f"real {real.drawing}"
        lines.append(line.format(name, f"{real.distance:.1f}", *shares, "", "", "").rstrip())
    return "\n".join(lines)


def _spread(rows: Iterable[Row], what: str, digits: int) -> str:
    """Mean and range of a measured value."""
    values = [getattr(row, what) for row in rows]
    mid, low, high = (f"{f(values):.{digits}f}" for f in (fmean, min, max))
    return f"{mid} ({low}–{high})"


def measure_costs(rounds: int = 5) -> dict[tuple[str, int], float]:
    """Milliseconds of computing of a step of each try: medians of rounds in which all take turns.

    8 steps a round: two of them with a penalty, where there is one.
    """
    trainers = {
        (name, i): start_try(name, i) for name, tries in TRIES.items() for i in range(len(tries))
    }
    times: dict[tuple[str, int], list[float]] = {key: [] for key in trainers}
    for _ in range(rounds + 1):  # the first warms up
        for key, trainer in trainers.items():
            times[key].append(1000 * computing(trainer, 8) / 8)
    return {key: sorted(found[1:])[rounds // 2] for key, found in times.items()}


def main(arguments: Sequence[str] | None = None) -> int:
    """Train what the files of tries and runs lack; return the exit code."""
    parser = Parser(prog="python -m gan_lessons.studies.families", description=__doc__)
    parser.add_argument("--out", type=file_path, default=STORED, help="file of the table's runs")
    parser.add_argument("--costs", action="store_true", help="only measure the cost of a step")
    parser.add_argument(
        "--ship", type=file_path, metavar="FOLDER", help="write the networks that ship into FOLDER"
    )
    parser.set_defaults(run=_train_and_tell)
    return run_command(parser, arguments)


def _train_and_tell(options: Namespace) -> None:
    torch.set_num_threads(1)
    if options.costs:
        for (name, which), cost in measure_costs().items():
            print(f"{name:8} {which}: {cost:.1f} ms")
        return
    for tried in tune_all(TUNED):
        print(f"{tried.family}, try {tried.which}: {tried.distance:.2f}", flush=True)
    for rows in train_all(options.out, options.ship):
        told = ", ".join(f"{row.drawing} {row.distance:.2f}" for row in rows)
        about = f"{rows[0].family}, {rows[0].seconds} s, seed {rows[0].seed}"
        print(f"{about}: {told} ({rows[0].spent:.0f} s)", flush=True)
    print(table(load(options.out)))


if __name__ == "__main__":
    sys.exit(main())
