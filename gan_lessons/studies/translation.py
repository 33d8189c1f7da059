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
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from gan_lessons import classifier, metrics, pretrained
from gan_lessons.data import Digits, pairs
from gan_lessons.errors import UserError, expect, expect_one_of
from gan_lessons.methods import RECIPES
from gan_lessons.methods.cycle import PAIRS
from gan_lessons.methods.pix2pix import HEAD_START, given
from gan_lessons.studies.restoration import held_out, learned
from gan_lessons.studies.tables import FOLDER, read_rows, study_command, train_missing
from gan_lessons.training import Trainer, build_networks

STORED = FOLDER / "translation.json"
SEEDS = 3
WAYS = ("to_b", "to_a")
NOISE = 0.2  # standard deviation, on the plain picture on its way back to stripes
DRAWN = 7  # seed of the stripes, prints and dots that all are measured on
NOTHING = "nothing, "
PICTURES = (pairs.STRIPE, pairs.SLANT, pairs.FONTS)  # what decides those of the domains
EARLY = 10  # after so few steps rounding has not yet grown: every processor agrees


@dataclass(frozen=True)
class Arm:
    """One way to learn; ``steps`` are what its computing was found to allow."""

    recipe: str
    steps: int
    settings: Mapping[str, Any] = field(default_factory=dict)
    seeds: int = SEEDS

    @property
    def ways(self) -> tuple[str, ...]:
        return WAYS if self.recipe.startswith("cycle") else WAYS[:1]


ARMS: dict[str, Arm] = {
    "stripes": Arm("cycle_stripes", 400),
    "printed, patches": Arm("cycle_printed", 300),
    "printed, whole": Arm("cycle_printed", 300, {"judged": "whole"}),
    "printed, whole, λ ÷ 5": Arm(
        "cycle_printed", 300, {"judged": "whole", "cycle_weight": 2.0, "identity_weight": 1.0}
    ),
    "printed, whole, longer": Arm("cycle_printed", 1000, {"judged": "whole"}, seeds=1),
    "pairs, alone": Arm("pix2pix_regression", 800),
    "pairs": Arm("pix2pix", 600),
}
SHIPPED = (
    "stripes",
    "printed, whole",
    "pairs",
    "pairs, alone",
)  # arms whose networks of seed 0 ship


class Measured(NamedTuple):
    """What was made of pictures in one of `WAYS`; see `Row`."""

    read: float
    distance: float
    error: float

    def rounded(self) -> "Measured":
        return Measured(*(round(value, 4) for value in self))


class Hidden(NamedTuple):
    """What G_A leaves in plain pictures of where stripes were: see `measure_hidden`."""

    same: float  # share of pictures whose stripes come back in the same place; by chance 0.25
    made: float  # share whose stripes stay where they are put if `NOISE` is added, G_A's pictures
    genuine: float  # the same of genuine plain pictures


class Row(NamedTuple):
    """What one run makes of the held-out pictures in one of `WAYS`.

    ``arm`` is one of `ARMS`, or `NOTHING` and one of `PAIRS`: the pictures left alone.
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
    hidden: list[float]  # of the way striped → plain, as in `Hidden`; else empty
    seconds: float  # of computing, on the machine that trained it


# Pictures


@cache
def domain(name: str) -> Digits:
    """Held-out pictures of "plain", or of one of `PAIRS`, with labels to measure with.

    Printed digits are as many as the others, and new ones.

    Raises:
        UserError: there is no such domain.
    """
    expect_one_of(name, "domain", ("plain", *PAIRS))
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
    """Share of pictures (N, 1, 28, 28) read as labels (N,), and Fréchet distance to a domain.

    Raises:
        UserError: not one label for each picture, or there is no such domain.
    """
    expect(labels, Tensor, "labels have to be a tensor, one for each picture")
    if labels.shape != pictures.shape[:1]:
        raise UserError(f"There are {len(pictures):,} pictures and labels {tuple(labels.shape)}.")
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


class _Trained(NamedTuple):
    """A finished run, how it began (see `Row`), and the seconds of its computing."""

    trainer: Trainer
    early: float
    seconds: float


@lru_cache(maxsize=1)  # both ways are measured on one run
def _trained(name: str, seed: int) -> _Trained:
    began = time.process_time()
    trainer = start(name, seed)
    early = math.nan
    for event in trainer.run():
        if event.step == EARLY:
            early = early_number(trainer)
    return _Trained(trainer, round(early, 6), round(time.process_time() - began, 2))


def train(name: str, seed: int, way: str) -> Row:
    """Train one run to its end, and measure it in one of its ways.

    Raises:
        UserError: an unknown name.
    """
    if name.startswith(NOTHING):
        about = (name, seed, way, 0, checksum(name), 0.0)
        return Row(*about, *measure_nothing(name.removeprefix(NOTHING), way), [], 0.0)
    trainer, early, seconds = _trained(name, seed)
    about = (name, seed, way, trainer.settings.steps, checksum(name), early)
    found: list[float] = []
    if (ARMS[name].recipe, way) == ("cycle_stripes", "to_a"):
        generators = trainer.method.network("generators", ema=True)
        found = [round(share, 4) for share in measure_hidden(generators)]
    return Row(*about, *measure(trainer, way), found, seconds)


def early_number(trainer: Trainer) -> float:
    """What tells one run from another after `EARLY` steps."""
    return trainer.sample(trainer.inputs(40), ema=False).abs().mean().item()


def measure(trainer: Trainer, way: str) -> Measured:
    """What a run's averaged networks make of the held-out pictures."""
    if "restorer" in trainer.players:
        digits = held_out()
        made = trainer.sample(dots(trainer.settings.given))
        error = (made - digits.images).abs().mean().item()
        return Measured(*score(made, digits.labels, "plain"), error).rounded()
    generators: Any = trainer.method.network("generators", ema=True)
    there, back = WAYS if way == WAYS[0] else WAYS[::-1]
    first, target = ends(trainer.settings.pair, way)
    begin = domain(first)
    made = apply(generators[there], begin.images)
    error = (apply(generators[back], made) - begin.images).abs().mean().item()
    return Measured(*score(made, begin.labels, target), error).rounded()


def measure_nothing(pair: str, way: str) -> Measured:
    """What becomes of the pictures if nobody touches them: the error is 0, the label stays."""
    first, target = ends(pair, way)
    begin = domain(first)
    return Measured(*score(begin.images, begin.labels, target), 0.0).rounded()


def measure_hidden(generators: Any, sigma: float = NOISE) -> Hidden:
    """Whether stripes that were taken away come back, and what noise does to that.

    Args:
        generators: of the pair "stripes".
        sigma: standard deviation of the noise on the plain pictures.
    """
    striped, plain = domain("stripes").images, domain("plain").images
    noise = sigma * torch.randn(plain.shape, generator=torch.Generator().manual_seed(DRAWN))

    def placed(pictures: Tensor) -> Tensor:
        return pairs.phase_of(apply(generators["to_b"], pictures))

    made = apply(generators["to_a"], striped)
    before = placed(made), placed(plain)
    after = placed(made + noise), placed(plain + noise)
    agree = (
        (before[0], pairs.phase_of(striped)), (after[0], before[0]), (after[1], before[1])
    )  # fmt: skip
    return Hidden(*((a == b).double().mean().item() for a, b in agree))


def dots(kind: str = "dots") -> Tensor:
    """What is given of the held-out digits, as the network takes it."""
    return given(kind, held_out().images, torch.Generator().manual_seed(DRAWN))


def ends(pair: str, way: str) -> tuple[str, str]:
    """Names of the domains where a way starts and ends."""
    return ("plain", pair) if way == "to_b" else (pair, "plain")


def checksum(name: str) -> int:
    """A number that changes with whatever decides an arm: settings, layers, steps, pictures."""
    drawn: list[Any] = [
        DRAWN,
        *((pairs.KEPT, HEAD_START) if name.startswith("pairs") else PICTURES),
    ]
    if name.startswith(NOTHING):
        return zlib.crc32(repr([name, drawn]).encode())
    settings = start(name, 0).settings
    networks = [str(network) for network in build_networks(settings).values()]
    return zlib.crc32(repr([settings, networks, drawn]).encode())


def wanted() -> list[tuple[str, int, str]]:
    """The rows of the table: arm, seed, way."""
    keys = [(NOTHING + pair, 0, way) for pair in PAIRS for way in WAYS]
    return keys + [
        (name, seed, way)
        for seed in range(SEEDS)
        for name, arm in ARMS.items()
        if seed < arm.seeds
        for way in arm.ways
    ]


def load(path: Path = STORED) -> list[Row]:
    """The rows in a file, in its order.

    Raises:
        UserError: no such file, or not one of ours.
    """
    return read_rows(path, Row, "translations")


def train_all(path: Path) -> Iterator[Row]:
    """Train what ``path`` lacks, write it after each row, and yield each as it is done."""
    yield from train_missing(
        path, Row, ("arm", "seed", "way"), wanted(), train, lambda name, seed, way: checksum(name)
    )


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


def hidden(rows: Iterable[Row]) -> list[Hidden]:
    """What the runs of stripes hide, one for each seed."""
    return [Hidden(*row.hidden) for row in of(rows, "stripes", "to_a")]


def table(rows: Sequence[Row], arms: Sequence[str]) -> str:
    """For each arm and way: label read and Fréchet distance of each seed, and the mean error."""
    lines = [f"{'':24}{'':13}{'label read':23}{'Fréchet distance':22}{'error':>6}"]
    for arm in arms:
        for way in WAYS if any((row.arm, row.way) == (arm, "to_a") for row in rows) else WAYS[:1]:
            found = of(rows, arm, way)
            read = " ".join(f"{row.read:6.1%}" for row in found)
            distance = " ".join(f"{row.distance:6.2f}" for row in found)
            error = fmean(row.error for row in found)
            ahead = arm if way == "to_b" else ""
            lines.append(f"{ahead:24}{_said(arm, way):13}{read:23}{distance:22}{error:6.3f}")
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


def told(path: Path) -> Iterator[str]:
    """Train what a file lacks; what is to be said of each row, and at last of all."""
    for row in train_all(path):
        yield f"{row.arm}, seed {row.seed}, {row.way}: {row.read:.1%} / {row.distance:.2f}"
    rows = load(path)
    yield table(rows, [*dict.fromkeys(row.arm for row in rows)])


def main(arguments: Sequence[str] | None = None) -> int:
    """Train what a file of runs lacks, or the networks that ship; return the exit code."""
    return study_command("translation", __doc__, STORED, told, arguments, ship)


if __name__ == "__main__":
    sys.exit(main())
