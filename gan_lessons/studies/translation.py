"""Translation with and without pairs: is the label kept, and does it look like the other domain?

``python -m gan_lessons.studies.translation`` trains every run of the table that is not yet in its
file, on one thread; interrupted, it goes on where it stopped. All learn from the first 4,000 of the
bundled digits, without labels, and are measured on the other 1,000. A run is decided by its seed;
on another processor it is as if the seed were another one.

With ``--ship FOLDER`` it trains the networks that ship with the course: those of seed 0.
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
from torch import Tensor, nn

from gan_lessons import classifier, metrics, pretrained
from gan_lessons.commandline import Parser, file_path, run_command
from gan_lessons.data import Digits, pairs
from gan_lessons.errors import UserError
from gan_lessons.methods import RECIPES
from gan_lessons.methods.cycle import PAIRS
from gan_lessons.methods.pix2pix import given
from gan_lessons.studies.restoration import held_out, learned
from gan_lessons.studies.tables import FOLDER, read_rows, write_rows
from gan_lessons.training import Trainer, build_networks

STORED = FOLDER / "translation.json"
SEEDS = 3
WAYS = ("to_b", "to_a")
DRAWN = 7  # seed of the stripes, prints and dots that all are measured on
EARLY = 10  # after so few steps rounding has not yet grown: every processor agrees


@dataclass(frozen=True)
class Arm:
    """One way to learn; ``steps`` are what its computing was found to allow."""

    recipe: str
    steps: int
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def ways(self) -> tuple[str, ...]:
        return WAYS if self.recipe.startswith("cycle") else WAYS[:1]


ARMS: dict[str, Arm] = {
    "stripes": Arm("cycle_stripes", 400),
    "printed": Arm("cycle_printed", 300),
    "printed, whole": Arm("cycle_printed", 300, {"judged": "whole"}),
    "pairs, alone": Arm("pix2pix_regression", 420),
    "pairs": Arm("pix2pix", 300),
}
SHIPPED = ("stripes", "printed", "pairs")  # arms whose networks of seed 0 ship


class Row(NamedTuple):
    """What one run makes of the held-out pictures in one of `WAYS`.

    ``arm`` is one of `ARMS`, or "nothing, " and one of `PAIRS`: the pictures left alone.
    """

    arm: str
    seed: int
    way: str
    steps: int
    plan: int  # checksum of what decides the run: a file never mixes runs of different ones
    early: float  # mean size of what it draws after `EARLY` steps
    read: float  # share that the classifier reads as the digit that was to be translated
    distance: float  # Fréchet, to real pictures of the target, in the classifier's features
    error: float  # mean absolute error: of the way there and back; with pairs, of the digit itself
    seconds: float  # of computing, on the machine that trained it


# Pictures


@cache
def domain(name: str) -> Digits:
    """Held-out pictures of "plain", or of one of `PAIRS`, with labels to measure with.

    Printed digits are as many as the others, and new ones.
    """
    digits = held_out()
    rng = torch.Generator().manual_seed(DRAWN)
    if name == "stripes":
        return Digits(pairs.stripes(digits.images, rng), digits.labels, digits.source)
    if name == "printed":
        labels = torch.arange(len(digits.labels)) % 10
        return Digits(pairs.printed(labels, rng), labels, digits.source)
    return digits


@cache
def reference(name: str) -> tuple[Tensor, Tensor]:
    """Mean and covariance of a domain's features: what Fréchet distances compare with."""
    reader = classifier.load()
    if name == "plain":
        return reader.real_mean, reader.real_covariance
    rng = torch.Generator().manual_seed(DRAWN + 1)
    images = learned()
    labels = torch.arange(len(images)) % 10
    made = pairs.stripes(images, rng) if name == "stripes" else pairs.printed(labels, rng)
    return metrics.statistics(reader.predict(made)[0])


def score(pictures: Tensor, labels: Tensor, target: str) -> tuple[float, float]:
    """Share of pictures (N, 1, 28, 28) read as labels (N,), and Fréchet distance to a domain."""
    features, chances = classifier.load().predict(pictures)
    read = (chances.argmax(dim=1) == labels).double().mean().item()
    return read, metrics.frechet_distance(metrics.statistics(features), reference(target))


@torch.no_grad()
def apply(network: nn.Module, pictures: Tensor) -> Tensor:
    """A network's answer to pictures (N, …), some at a time."""
    return torch.cat([network(some) for some in pictures.split(250)])


# Runs


def start(name: str, seed: int) -> Trainer:
    """A run that is ready to be trained.

    Raises:
        UserError: an unknown name.
    """
    if name not in ARMS:
        raise UserError(f"There is no {name!r}; choose one of {', '.join(ARMS)}.")
    arm = ARMS[name]
    settings = replace(RECIPES[arm.recipe], seed=seed, steps=arm.steps, **arm.settings)
    return Trainer(learned(), settings)


def train(name: str, seed: int) -> list[Row]:
    """Train one run to its end, and measure it in each of its ways."""
    began = time.process_time()
    trainer = start(name, seed)
    early = math.nan
    for event in trainer.run():
        if event.step == EARLY:
            early = early_number(trainer)
    about = (trainer.settings.steps, checksum(name), round(early, 6))
    seconds = round(time.process_time() - began, 2)
    return [
        Row(name, seed, way, *about, round(read, 4), round(distance, 4), round(error, 4), seconds)
        for way, (read, distance, error) in measure(trainer).items()
    ]


def early_number(trainer: Trainer) -> float:
    """What tells one run from another after `EARLY` steps."""
    return trainer.sample(trainer.inputs(40), ema=False).abs().mean().item()


def measure(trainer: Trainer) -> dict[str, tuple[float, float, float]]:
    """Way → read, distance and error, as in `Row`, of a run's averaged networks."""
    if "restorer" in trainer.players:
        digits = held_out()
        inputs = dots(trainer.settings.given)
        made = trainer.sample(inputs)
        error = (made - digits.images).abs().mean().item()
        return {"to_b": (*score(made, digits.labels, "plain"), error)}
    generators: Any = trainer.method.network("generators", ema=True)
    found = {}
    for way, back in (WAYS, WAYS[::-1]):
        start, target = ends(trainer.settings.pair, way)
        begin = domain(start)
        made = apply(generators[way], begin.images)
        error = (apply(generators[back], made) - begin.images).abs().mean().item()
        found[way] = (*score(made, begin.labels, target), error)
    return found


def dots(kind: str = "dots") -> Tensor:
    """What is given of the held-out digits, as the network takes it."""
    return given(kind, held_out().images, torch.Generator().manual_seed(DRAWN))


def ends(pair: str, way: str) -> tuple[str, str]:
    """Names of the domains where a way starts and ends."""
    return ("plain", pair) if way == "to_b" else (pair, "plain")


def measure_nothing() -> list[Row]:
    """What becomes of the pictures if nobody touches them: the error is 0, the label stays."""
    rows = []
    for pair in PAIRS:
        for way in WAYS:
            start, target = ends(pair, way)
            begin = domain(start)
            read, distance = (round(n, 4) for n in score(begin.images, begin.labels, target))
            rows.append(Row(f"nothing, {pair}", 0, way, 0, 0, 0.0, read, distance, 0.0, 0.0))
    return rows


def checksum(name: str) -> int:
    """A number that changes with the settings, the layers or the steps of an arm."""
    settings = start(name, 0).settings
    networks = [str(network) for network in build_networks(settings).values()]
    drawn = (pairs.STRIPE, pairs.KEPT, pairs.SLANT, pairs.FONTS, DRAWN)
    return zlib.crc32(repr([settings, networks, drawn]).encode())


def load(path: Path = STORED) -> list[Row]:
    """The rows in a file, in its order.

    Raises:
        UserError: no such file, or not one of ours.
    """
    return read_rows(path, Row, "translations")


def train_all(path: Path) -> Iterator[list[Row]]:
    """Train what ``path`` lacks, write it after each run, and yield each as it is done."""
    plans = {name: checksum(name) for name in ARMS}
    done: dict[tuple[str, int], list[Row]] = {}
    for row in load(path) if path.exists() else []:
        if row.plan == plans.get(row.arm):
            done.setdefault((row.arm, row.seed), []).append(row)
    first = measure_nothing()
    wanted = [(name, seed) for seed in range(SEEDS) for name in ARMS]
    for key in wanted:
        if key not in done:
            done[key] = train(*key)
            runs = [row for each in wanted for row in done.get(each, [])]
            write_rows([*first, *runs], path)
            yield done[key]


# What the runs say


def of(rows: Iterable[Row], arm: str, way: str = "to_b") -> list[Row]:
    """The rows of an arm and a way, one for each seed.

    Raises:
        UserError: there are none.
    """
    found = [row for row in rows if (row.arm, row.way) == (arm, way)]
    if not found:
        raise UserError(f"There are no rows of {arm!r} in the way {way!r}.")
    return found


def table(rows: Sequence[Row], arms: Sequence[str]) -> str:
    """For each arm and way: label read and Fréchet distance of each seed, and the mean error."""
    lines = [f"{'':17}{'':13}{'label read':23}{'Fréchet distance':22}{'error':>6}"]
    for arm in arms:
        for way in WAYS if any((row.arm, row.way) == (arm, "to_a") for row in rows) else WAYS[:1]:
            found = of(rows, arm, way)
            read = " ".join(f"{row.read:6.1%}" for row in found)
            distance = " ".join(f"{row.distance:6.2f}" for row in found)
            error = fmean(row.error for row in found)
            ahead = arm if way == "to_b" else ""
            lines.append(f"{ahead:17}{_said(arm, way):13}{read:23}{distance:22}{error:6.3f}")
    return "\n".join(lines)


def _said(arm: str, way: str) -> str:
    if arm.startswith("pairs"):
        return "dots → digit"
    kind = "striped" if "stripes" in arm else "printed"
    return f"→ {kind}" if way == "to_b" else f"{kind} →"


def ship(folder: Path) -> Iterator[Path]:
    """Train the networks that ship, and write each into a folder as it is done."""
    for name in SHIPPED:
        trainer = start(name, 0)
        for _ in trainer.run():
            pass
        path = folder / f"{ARMS[name].recipe}.safetensors"
        pretrained.save_networks(trainer, path)
        yield path


def main(arguments: Sequence[str] | None = None) -> int:
    """Train what a file of runs lacks, or the networks that ship; return the exit code."""
    parser = Parser(prog="python -m gan_lessons.studies.translation", description=__doc__)
    parser.add_argument("--out", type=file_path, default=STORED, help="file of the table's runs")
    parser.add_argument(
        "--ship", type=file_path, metavar="FOLDER", help="train the networks that ship into FOLDER"
    )
    parser.set_defaults(run=_train_and_tell)
    return run_command(parser, arguments)


def _train_and_tell(options: Namespace) -> None:
    torch.set_num_threads(1)
    if options.ship:
        for path in ship(options.ship):
            print(path, flush=True)
        return
    for rows in train_all(options.out):
        told = ", ".join(f"{row.way} {row.read:.1%} / {row.distance:.2f}" for row in rows)
        print(f"{rows[0].arm}, seed {rows[0].seed}: {told}", flush=True)
    print(table(load(options.out), [*dict.fromkeys(row.arm for row in load(options.out))]))


if __name__ == "__main__":
    sys.exit(main())
