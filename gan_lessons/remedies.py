"""Remedies against failing GANs, tried on sick games in the plane, several seeds each.

``python -m gan_lessons.remedies`` plays every game of the tables of lesson 10 that is not yet in
its file, on one thread; interrupted, it goes on where it stopped. A game is decided by its seed.
Another processor rounds otherwise, and after some hundred steps it is as if the seed were another
one: compare means over seeds and their intervals, never single games.

``python -m gan_lessons.remedies stacked`` counts modes on Stacked MNIST: three digits as the three
channels of one image, 10 × 10 × 10 = 1,000 modes.
"""

import argparse
import copy
import itertools
import json
import math
import re
import time
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from gan_lessons import judge, models
from gan_lessons.data import load_digits
from gan_lessons.errors import UserError
from gan_lessons.files import written_aside
from gan_lessons.plane import EVERY, Network, Plan, PlaneTrainer, Ruler, distribution, networks
from gan_lessons.training import (
    RECIPES,
    Diverged,
    Settings,
    Trainer,
    read_checkpoint,
    update_average,
)

STORED = Path(__file__).parent / "tables" / "remedies.json"
COUNTS = STORED.with_name("stacked.json")
DATA = {"ring": 8, "lattice": 25}  # name in the plane → modes
SEEDS = 5
STEPS = {"ring": 1000, "lattice": 1000}
WIDTH = 64  # of both players' layers
LAST = 300  # the steps at a game's end over which its measurements are averaged
EARLY = 20  # after so few steps rounding has not yet grown: every processor agrees
DECAY = 0.99  # of the generator's average (EMA)
AVERAGED = "EMA of G"  # no game of its own: the averaged generator of the plain games


# Networks that remedies ask for


def pack(samples: Tensor, m: int) -> Tensor:
    """Samples (n, c, …) → packs of m neighbours (n/m, m·c, …) (Lin et al. 2018, section 2).

    Raises:
        UserError: n is no multiple of m.
    """
    n, channels, *rest = samples.shape
    if m < 1 or n % m:
        raise UserError(f"{n} samples cannot be dealt into packs of {m}.")
    return samples.reshape(n // m, m * channels, *rest)


class Packed(nn.Module):
    """A discriminator that answers once for m samples; (n, c, …) → logits (n/m,).

    Args:
        discriminator: takes m·c numbers or channels instead of c.
        m: samples in a pack.
    """

    def __init__(self, discriminator: nn.Module, m: int) -> None:
        super().__init__()
        self.discriminator, self.m = discriminator, m

    def forward(self, samples: Tensor) -> Tensor:
        logits: Tensor = self.discriminator(pack(samples, self.m))
        return logits


def normalised(network: Network) -> nn.Sequential:
    """The same layers, each weight matrix divided by its largest singular value.

    Miyato et al. 2018: one step of power iteration at every call in training mode. With
    LeakyReLU(0.2) between them the whole network is then 1-Lipschitz.
    """
    parts: list[nn.Module] = []
    for layer in network.layers:
        parts += [spectral_norm(layer), nn.LeakyReLU(0.2)]
    return nn.Sequential(*parts[:-1], nn.Flatten(0))


# Diseases and remedies


@dataclass(frozen=True)
class Remedy:
    """What is changed in a sick game: settings of `Plan`, or D's network."""

    settings: Mapping[str, Any] = field(default_factory=dict)
    network: str = "plain"  # of D: "plain", "spectral" or "packed"


DISEASES: dict[str, dict[str, Any]] = {
    # G learns twenty times as fast as D and hunts from mode to mode (lesson 04's patient).
    "slow D": {
        "lr_generator": 4e-3,
        "lr_discriminator": 2e-4,
        "beta1_generator": 0.5,
        "beta1_discriminator": 0.5,
    },
    # torch.optim.Adam as it comes: a long memory for a game whose gradients keep turning.
    "Adam's defaults": {
        "lr_generator": 1e-3,
        "lr_discriminator": 1e-3,
        "beta1_generator": 0.9,
        "beta1_discriminator": 0.9,
        "beta2": 0.999,
    },
    # Five steps of D for one of G, whose loss is flat where D is sure. (Adam would hide it: it
    # divides small gradients by their size. So this G has plain gradient descent.)
    "starved G": {
        "objective": "minimax",
        "optimizer_generator": "sgd",
        "lr_generator": 1e-2,
        "lr_discriminator": 4e-3,
        "discriminator_steps": 5,
    },
}
# Which diseases the tables have.
TABLES = {"ring": tuple(DISEASES), "lattice": ("slow D", "Adam's defaults")}

REMEDIES: dict[str, Remedy] = {
    "plain": Remedy(),
    "non-saturating loss": Remedy({"objective": "non_saturating"}),
    "gradient penalty": Remedy({"penalty": "gradient_penalty", "penalty_weight": 0.1}),
    "Wasserstein and penalty": Remedy(
        {"objective": "wasserstein", "penalty": "gradient_penalty", "penalty_weight": 0.1}
    ),
    "R1": Remedy({"penalty": "r1", "penalty_weight": 0.1}),
    "R1 and R2": Remedy({"penalty": "r1_and_r2", "penalty_weight": 0.1}),
    "spectral norm": Remedy(network="spectral"),
    "relativistic": Remedy({"objective": "relativistic"}),
    "relativistic, R1, R2": Remedy(
        {"objective": "relativistic", "penalty": "r1_and_r2", "penalty_weight": 0.1}
    ),
    "a faster D": Remedy({"lr_discriminator": 8e-3}),
    "5 steps of D": Remedy({"discriminator_steps": 5}),
    "instance noise": Remedy({"instance_noise": 0.3}),  # falls to 0 by the end
    "one-sided smoothing": Remedy({"label_smoothing": 0.1}),
    "packs of 2": Remedy(network="packed"),
}


def plan_for(disease: str, data: str, remedy: str, seed: int, steps: int | None = None) -> Plan:
    """The settings of one game: the disease's, and over them the remedy's.

    Raises:
        UserError: an unknown name.
    """
    for name, known in ((disease, DISEASES), (data, DATA), (remedy, REMEDIES)):
        if name not in known:
            raise UserError(f"There is no {name!r}; choose one of {', '.join(known)}.")
    widths = {"generator_width": WIDTH, "discriminator_width": WIDTH}
    chosen = widths | DISEASES[disease] | dict(REMEDIES[remedy].settings)
    return Plan(data=data, seed=seed, steps=steps or STEPS[data], **chosen)


def players(plan: Plan, network: str = "plain") -> tuple[nn.Module, nn.Module]:
    """Generator and discriminator, the latter as a remedy asks; the seed decides the weights."""
    generator, discriminator = networks(plan)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(plan.seed)
        match network:
            case "spectral":
                return generator, normalised(discriminator)
            case "packed":
                twice = Network(4, 1, plan.layers, plan.discriminator_width)
                return generator, Packed(twice, 2)
            case _:
                return generator, discriminator


# One game


class Run(NamedTuple):
    """One game's result; modes and shares are means over its last `LAST` steps."""

    disease: str
    data: str
    remedy: str
    seed: int
    steps: int
    plan: int  # checksum of all settings: a file never mixes games of different ones
    early: float  # mean |coordinate| of the fakes after `EARLY` steps
    modes: float
    good: float  # share of good fakes, 0 … 1
    averaged_modes: float  # the same two of the averaged generator
    averaged_good: float
    seconds: float  # on the machine that played it


@cache
def ruler(data: str) -> Ruler:
    """The measure of a data set; made once."""
    return Ruler(distribution(Plan(data=data)))


def start(
    disease: str, data: str, remedy: str = "plain", seed: int = 0, steps: int | None = None
) -> PlaneTrainer:
    """A game that is ready to be played; arguments and errors as for `play`."""
    plan = plan_for(disease, data, remedy, seed, steps)
    return PlaneTrainer(plan, players(plan, REMEDIES[remedy].network), ruler(data))


def play(disease: str, data: str, remedy: str, seed: int, steps: int | None = None) -> Run:
    """Play one game to its end. A game that diverges has lost: 0 modes, 0 good.

    Args:
        disease: a name of `DISEASES`.
        data: a name of `DATA`.
        remedy: a name of `REMEDIES`.
        seed: decides weights, noise and the order of the data.
        steps: instead of `STEPS`.

    Raises:
        UserError: an unknown name.
    """
    began = time.perf_counter()
    trainer = start(disease, data, remedy, seed, steps)
    plan = trainer.settings
    assert plan.steps is not None
    early, averaged = math.nan, []
    average = copy.deepcopy(trainer.generator)
    z = torch.randn(2000, plan.latent_dim, generator=torch.Generator().manual_seed(1))
    from_step = max(plan.steps - LAST, 0)
    try:
        for _ in trainer.run():
            update_average(average, trainer.generator, DECAY)
            if plan.instance_noise:
                trainer.change(instance_noise=plan.instance_noise * (1 - trainer.progress))
            if trainer.step == EARLY:
                early = trainer.fakes(2000).abs().mean().item()
            if trainer.step % EVERY == 0 and trainer.step > from_step:
                with torch.no_grad():
                    averaged.append(ruler(data).score(trainer.step, average(z)))
        raw = [score for score in trainer.scores if score.step > from_step]
    except Diverged:
        raw = averaged = []
    modes, good, averaged_modes, averaged_good = (
        round(sum(getattr(score, name) for score in scores) / max(len(scores), 1), 4)
        for scores in (raw, averaged)
        for name in ("covered", "good")
    )
    return Run(
        disease=disease,
        data=data,
        remedy=remedy,
        seed=seed,
        steps=plan.steps,
        plan=checksum(plan, REMEDIES[remedy].network),
        early=round(early, 6),
        modes=modes,
        good=good,
        averaged_modes=averaged_modes,
        averaged_good=averaged_good,
        seconds=round(time.perf_counter() - began, 2),
    )


def checksum(plan: Plan, network: str) -> int:
    """A number that changes with any setting of a game that is not `Plan`'s default."""
    usual = asdict(Plan())
    chosen = {name: value for name, value in asdict(plan).items() if value != usual[name]}
    return zlib.crc32(json.dumps([chosen, network, LAST, DECAY], sort_keys=True).encode())


# Many games


class Cell(NamedTuple):
    """What decides a game, but for its seed."""

    data: str
    disease: str
    remedy: str


def cells() -> list[Cell]:
    """Every kind of game in the tables; a remedy that changes nothing is left out."""
    return [
        Cell(data, disease, remedy)
        for data, diseases in TABLES.items()
        for disease in diseases
        for remedy in REMEDIES
        if remedy == "plain" or not _is_plain(disease, data, remedy)
    ]


def _is_plain(disease: str, data: str, remedy: str) -> bool:
    same = plan_for(disease, data, remedy, 0) == plan_for(disease, data, "plain", 0)
    return same and REMEDIES[remedy].network == "plain"


def load(path: Path = STORED) -> list[Run]:
    """The games in a file, in its order.

    Raises:
        UserError: no such file, or not one of ours.
    """
    try:
        return [Run(**run) for run in json.loads(path.read_text(encoding="utf-8"))]
    except (OSError, ValueError, TypeError) as error:
        raise UserError(f"{path} has no games that could be read: {error}.") from error


def save(runs: Iterable[Run], path: Path) -> None:
    """Write games, one a line."""
    lines = ",\n".join(json.dumps(run._asdict()) for run in runs)
    with written_aside(path) as aside:
        aside.write_text(f"[\n{lines}\n]\n", encoding="utf-8")


def play_all(
    path: Path, seeds: int = SEEDS, only: Sequence[Cell] | None = None, steps: int | None = None
) -> Iterator[Run]:
    """Play what ``path`` lacks, write it after each game, and yield each as it is done.

    Games in the file that were played with other settings are played again.
    """
    wanted = [(cell, seed) for seed in range(seeds) for cell in (only or cells())]
    done: dict[tuple[Cell, int], Run] = {}
    for run in load(path) if path.exists() else []:
        cell = Cell(run.data, run.disease, run.remedy)
        if (cell, run.seed) in wanted and run.plan == checksum(
            plan_for(run.disease, run.data, run.remedy, run.seed, steps),
            REMEDIES[run.remedy].network,
        ):
            done[cell, run.seed] = run
    for cell, seed in wanted:
        if (cell, seed) in done:
            continue
        run = play(cell.disease, cell.data, cell.remedy, seed, steps)
        done[cell, seed] = run
        save((done[key] for key in wanted if key in done), path)
        yield run


# What the games say

# Student's t: the 97.5 % and the 99.5 % quantile for 1, 2, … 9 degrees of freedom.
T95 = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262)
T99 = (63.657, 9.925, 5.841, 4.604, 4.032, 3.707, 3.499, 3.355, 3.250)
MEASURES = {"modes": "modes covered", "good": "share of good samples"}


class Interval(NamedTuple):
    """A mean over seeds, and where the mean over endlessly many would be found."""

    mean: float
    low: float
    high: float


def _moments(values: Sequence[float]) -> tuple[int, float, float]:
    if not 2 <= len(values) <= 10:
        raise UserError(f"An interval needs 2 to 10 games, not {len(values)}.")
    n, mean = len(values), sum(values) / len(values)
    return n, mean, math.sqrt(sum((value - mean) ** 2 for value in values) / (n - 1))


def interval(values: Sequence[float], highest: float = math.inf) -> Interval:
    """Mean and 95 % interval, mean ± t·s/√n, cut at 0 and ``highest`` (Student 1908).

    Raises:
        UserError: fewer than 2 or more than 10 values.
    """
    n, mean, spread = _moments(values)
    half = T95[n - 2] * spread / math.sqrt(n)
    return Interval(mean, max(mean - half, 0.0), min(mean + half, highest))


def expected_again(values: Sequence[float], games: int, grain: float) -> Interval:
    """Where the mean of that many *new* games falls 99 times in 100: mean ± t·s·√(1/n + 1/m).

    Both sets of games have their luck, so this is wider than `interval`. ``grain`` is the least
    spread to reckon with, for n games that happened to be all alike.

    Raises:
        UserError: fewer than 2 or more than 10 values.
    """
    n, mean, spread = _moments(values)
    half = T99[n - 2] * max(spread, grain) * math.sqrt(1 / n + 1 / games)
    return Interval(mean, mean - half, mean + half)


def chance(one: Sequence[float], other: Sequence[float]) -> float:
    """How often luck alone sets the means of two groups this far apart: a permutation test.

    Of all ways to deal the values into two groups of these sizes, the share whose means differ at
    least as much, in either direction (Fisher 1935). Two groups of five: 252 ways, so never less
    than 2/252.
    """
    values = [*one, *other]
    total, m, n = sum(values), len(one), len(other)

    def apart(first: Iterable[float]) -> float:
        part = sum(first)
        return abs(part / m - (total - part) / n)

    found = apart(one) - 1e-9  # equal but for rounding is as far apart
    deals = [apart(first) >= found for first in itertools.combinations(values, m)]
    return sum(deals) / len(deals)


def results(runs: Iterable[Run], cell: Cell, measure: str) -> list[float]:
    """A cell's games: modes covered, or share of good samples, by seed.

    The remedy `AVERAGED` is the averaged generator of the plain games; a remedy that changes
    nothing has the plain games themselves.

    Raises:
        UserError: there is none.
    """
    remedy, name = cell.remedy, measure
    if remedy == AVERAGED:
        remedy, name = "plain", f"averaged_{measure}"
    elif _is_plain(cell.disease, cell.data, remedy):
        remedy = "plain"
    wanted = (cell.data, cell.disease, remedy)
    found = [run for run in runs if (run.data, run.disease, run.remedy) == wanted]
    if not found:
        raise UserError(f"There are no games for {cell}.")
    return [float(getattr(run, name)) for run in sorted(found, key=lambda run: run.seed)]


def verdict(runs: Sequence[Run], cell: Cell, measure: str) -> str:
    """ "+" for better than the plain game, "−" for worse, "·" where luck would do (p > 5 %)."""
    ours = results(runs, cell, measure)
    plain = results(runs, cell._replace(remedy="plain"), measure)
    if chance(ours, plain) > 0.05:
        return "·"
    return "+" if sum(ours) / len(ours) > sum(plain) / len(plain) else "−"


def table(runs: Sequence[Run], data: str, measure: str) -> str:
    """Remedies × diseases: mean over the seeds, its 95 % interval, and the `verdict`.

    Args:
        runs: games, as `load` returns them.
        data: a name of `TABLES`.
        measure: a name of `MEASURES`.
    """
    most, percent = (DATA[data], 1) if measure == "modes" else (1, 100)
    digits = 1 if measure == "modes" else 0
    title = f"{data}: {MEASURES[measure]}" + (f" of {most}" if percent == 1 else ", in percent")
    head = f"{'':24}" + "".join(f"{disease:20}" for disease in TABLES[data])
    lines = [title, head.rstrip()]
    for remedy in (*REMEDIES, AVERAGED):
        line = f"{remedy:24}"
        for disease in TABLES[data]:
            cell = Cell(data, disease, remedy)
            if remedy not in ("plain", AVERAGED) and _is_plain(disease, data, remedy):
                line += f"{'(no change)':20}"
                continue
            found = interval(results(runs, cell, measure), most)
            mean, low, high = (f"{percent * number:.{digits}f}" for number in found)
            sign = " " if remedy == "plain" else verdict(runs, cell, measure)
            line += f"{sign} {mean:>3} [{low}, {high}]".ljust(20)
        lines.append(line.rstrip())
    return "\n".join(lines)


# Stacked MNIST

STACKED: dict[str, tuple[dict[str, Any], int]] = {  # remedy → settings, samples in a pack
    "plain": ({"penalty": "none"}, 1),
    "packs of 2": ({"penalty": "none"}, 2),
    "R1": ({}, 1),
    "relativistic, R1, R2": ({"objective": "relativistic", "penalty": "r1_and_r2"}, 1),
}


class StackedTrainer(Trainer):
    """A `Trainer` whose real samples are stacks: three digits (N, 1, 28, 28) drawn at random."""

    def next_batch(self) -> Tensor:
        """The next stacks (n, 3, 28, 28): never the same again."""
        self.batches += 1
        return stacks(self.samples, self.settings.batch_size, self.rng)


def stacks(digits: Tensor, n: int, rng: torch.Generator) -> Tensor:
    """n stacks (n, 3, 28, 28) of three digits each, out of digits (N, 1, 28, 28)."""
    return digits[torch.randint(len(digits), (n, 3), generator=rng), 0]


def stacked_players(settings: Settings, m: int = 1) -> tuple[nn.Module, nn.Module]:
    """The DCGAN's two networks with three channels; D sees packs of m."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        generator = models.ConvGenerator(settings.latent_dim, settings.generator_width)
        discriminator = models.ConvDiscriminator(settings.discriminator_width)
        half = max(settings.generator_width // 2, 1)
        generator[-2] = nn.ConvTranspose2d(half, 3, 4, stride=2, padding=1)
        discriminator[0] = nn.Conv2d(3 * m, settings.discriminator_width, 4, stride=2, padding=1)
    return generator, discriminator if m == 1 else Packed(discriminator, m)


def read_stacks(images: Tensor) -> Tensor:
    """The number 0 … 999 that the judge reads in each of the images (N, 3, 28, 28); (N,)."""
    _, probabilities = judge.load().look(images.reshape(-1, 1, *images.shape[2:]))
    digits = probabilities.argmax(dim=1).view(-1, 3)
    return digits @ torch.tensor([100, 10, 1])


def count_modes(numbers: Tensor) -> tuple[int, float]:
    """Modes met among numbers 0 … 999 (N,), and KL(numbers ‖ all equally often) in nats.

    Metz et al. 2017, section 3.3.1. Both depend on N: give as many as you compare with.
    """
    share = torch.bincount(numbers, minlength=1000).double() / len(numbers)
    met = share[share > 0]
    return len(met), float((met * (met * 1000).log()).sum())


def train_stacked(
    remedy: str, seconds: float, path: Path, settings: Settings | None = None
) -> StackedTrainer:
    """Train on stacked digits for so many seconds in all; a checkpoint is gone on from.

    Raises:
        UserError: an unknown remedy, or the checkpoint is of another run.
    """
    if remedy not in STACKED:
        raise UserError(f"There is no {remedy!r}; choose one of {', '.join(STACKED)}.")
    changes, m = STACKED[remedy]
    base = replace(settings or RECIPES["dcgan"], **changes, seconds=seconds, lr_decay="none")
    digits = load_digits().images
    trainer = StackedTrainer(digits, base, stacked_players(base, m))
    if path.exists():
        if replace(Settings(**read_checkpoint(path)["settings"]), seconds=seconds) != base:
            raise UserError(f"{path} was trained with other settings; choose another --out.")
        trainer = StackedTrainer.load(path, digits, stacked_players(base, m))  # type: ignore[assignment]
        trainer.change(seconds=seconds)
    saved = time.monotonic()
    for event in trainer.run():
        if time.monotonic() - saved > 30:
            trainer.save(path)
            saved = time.monotonic()
            print(f"step {event.step:,}, {event.elapsed:.0f} of {seconds:.0f} s", flush=True)
    trainer.save(path)
    return trainer


class Count(NamedTuple):
    """How many of the 1,000 modes a run on Stacked MNIST reaches."""

    name: str  # of the remedy, or "real stacks"
    seconds: float  # of training, on the machine that trained it
    steps: int
    samples: int
    modes: int
    kl: float


def load_counts(path: Path = COUNTS) -> list[Count]:
    """What ``remedies stacked`` wrote.

    Raises:
        UserError: no such file, or not one of ours.
    """
    try:
        return [Count(**count) for count in json.loads(path.read_text(encoding="utf-8"))]
    except (OSError, ValueError, TypeError) as error:
        raise UserError(f"{path} has no counts that could be read: {error}.") from error


def count_stacked(names: Sequence[str], seconds: float, samples: int, out: Path) -> Iterator[Count]:
    """Count the modes of real stacks, then train each remedy and count its; yield as it goes."""
    rng = torch.Generator().manual_seed(0)
    real = stacks(load_digits().images, samples, rng)
    modes, kl = count_modes(read_stacks(real))
    counts = [Count("real stacks", 0, 0, samples, modes, round(kl, 4))]
    yield counts[0]
    for name in names:
        trainer = train_stacked(name, seconds, out / f"stacked-{re.sub(r'[, ]+', '-', name)}.pt")
        z = torch.randn(samples, trainer.settings.latent_dim, generator=rng)
        numbers = torch.cat([read_stacks(trainer.sample(part)) for part in z.split(500)])
        modes, kl = count_modes(numbers)
        counts.append(Count(name, seconds, trainer.step, samples, modes, round(kl, 4)))
        with written_aside(out / COUNTS.name) as aside:
            lines = ",\n".join(json.dumps(count._asdict()) for count in counts)
            aside.write_text(f"[\n{lines}\n]\n", encoding="utf-8")
        yield counts[-1]


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m gan_lessons.remedies", description=__doc__)
    commands = parser.add_subparsers(dest="command")
    parser.add_argument("--out", type=Path, default=STORED, help="file of the tables' games")
    stacked = commands.add_parser("stacked", help="train on Stacked MNIST and count modes")
    stacked.add_argument("--remedy", default="all", choices=["all", *STACKED])
    stacked.add_argument("--seconds", type=float, default=300, help="training time of each")
    stacked.add_argument("--samples", type=int, default=26_000, help="samples to count modes in")
    stacked.add_argument("--out", type=Path, default=Path("runs"), help="folder of checkpoints")
    arguments = parser.parse_args(argv)
    torch.set_num_threads(1)
    try:
        if arguments.command == "stacked":
            names = list(STACKED) if arguments.remedy == "all" else [arguments.remedy]
            budget = (arguments.seconds, arguments.samples)
            for count in count_stacked(names, *budget, arguments.out):
                print(f"{count.name:24} {count.modes:4} of 1000 modes, KL {count.kl:.3f}")
            return
        total = len(cells()) * SEEDS
        have = total
        for have, run in enumerate(play_all(arguments.out), start=1):
            what = f"{run.data}, {run.disease}, {run.remedy}, seed {run.seed}"
            print(f"{have}: {what}: {run.modes:.1f} modes, {run.good:.0%} good", flush=True)
    except UserError as error:
        parser.error(str(error))
    print(f"{arguments.out} is complete: {total} games.")


if __name__ == "__main__":
    main()
