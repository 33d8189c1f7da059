"""Remedies against failing GANs, tried on sick games in the plane, several seeds each.

``python -m gan_lessons.studies.remedies`` plays every game of the tables of lesson 10 that is not
yet in its file, on one thread; interrupted, it goes on where it stopped. A game is decided by its
seed. Another processor rounds otherwise, and after some hundred steps it is as if the seed were
another one: compare means over seeds and their intervals, never single games.
"""

import copy
import json
import math
import sys
import time
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import nn

from gan_lessons.errors import UserError
from gan_lessons.networks import Packed, spectrally_normalised
from gan_lessons.plane import (
    EVERY,
    ModeCoverage,
    Network,
    Plan,
    PlaneTrainer,
    Score,
    data_distribution,
)
from gan_lessons.studies.statistics import interval, permutation_test
from gan_lessons.studies.tables import FOLDER, read_rows, study_command, write_rows
from gan_lessons.training import Diverged, build_networks, update_ema

STORED = FOLDER / "remedies.json"
DATA = {"ring": 8, "lattice": 25}  # name in the plane → modes
SEEDS = 5
STEPS = {"ring": 1000, "lattice": 1000}
WIDTH = 64  # of both players' layers
LAST = 300  # the steps at a game's end over which its measurements are averaged
EARLY = 20  # after so few steps rounding has not yet grown: every processor agrees
EMA_DECAY = 0.99
AVERAGED = "EMA of G"  # no game of its own: the averaged generator of the plain games
MEASURES = {"modes": "modes covered", "good": "share of good samples"}


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


def players(plan: Plan, network: str = "plain") -> dict[str, nn.Module]:
    """Generator and discriminator, the latter as a remedy asks; the seed decides the weights."""
    networks = build_networks(plan, (2,))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(plan.seed)
        if network == "spectral":
            discriminator = networks["discriminator"]
            assert isinstance(discriminator, Network)
            networks["discriminator"] = spectrally_normalised(discriminator.layers)
        if network == "packed":
            twice = Network(4, 1, plan.layers, plan.discriminator_width)
            networks["discriminator"] = Packed(twice, 2)
    return networks


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
def mode_coverage(data: str) -> ModeCoverage:
    """What measures fakes against a data set; made once."""
    return ModeCoverage(data_distribution(Plan(data=data)))


def start(
    disease: str, data: str, remedy: str = "plain", seed: int = 0, steps: int | None = None
) -> PlaneTrainer:
    """A game that is ready to be played; arguments and errors as for `play`."""
    plan = plan_for(disease, data, remedy, seed, steps)
    return PlaneTrainer(plan, players(plan, REMEDIES[remedy].network), mode_coverage(data))


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
    early = math.nan
    averaged: list[Score] = []
    ema = copy.deepcopy(trainer.generator)
    z = torch.randn(2000, plan.latent_dim, generator=torch.Generator().manual_seed(1))
    from_step = max(plan.steps - LAST, 0)
    try:
        for _ in trainer.run():
            update_ema(ema, trainer.generator, EMA_DECAY)
            if plan.instance_noise:
                trainer.change(instance_noise=plan.instance_noise * (1 - trainer.progress))
            if trainer.step == EARLY:
                early = trainer.fakes(2000).abs().mean().item()
            if trainer.step % EVERY == 0 and trainer.step > from_step:
                with torch.no_grad():
                    averaged.append(mode_coverage(data).score(trainer.step, ema(z)))
        raw = [score for score in trainer.scores if score.step > from_step]
    except Diverged:
        raw = averaged = []
    return Run(
        disease=disease,
        data=data,
        remedy=remedy,
        seed=seed,
        steps=plan.steps,
        plan=checksum(plan, REMEDIES[remedy].network),
        early=round(early, 6),
        modes=_mean([score.covered for score in raw]),
        good=_mean([score.good for score in raw]),
        averaged_modes=_mean([score.covered for score in averaged]),
        averaged_good=_mean([score.good for score in averaged]),
        seconds=round(time.perf_counter() - began, 2),
    )


def _mean(values: Sequence[float]) -> float:
    return round(sum(values) / max(len(values), 1), 4)


def checksum(plan: Plan, network: str) -> int:
    """A number that changes with any setting of a game that is not `Plan`'s default."""
    usual = asdict(Plan())
    chosen = {name: value for name, value in asdict(plan).items() if value != usual[name]}
    return zlib.crc32(json.dumps([chosen, network, LAST, EMA_DECAY], sort_keys=True).encode())


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
    return read_rows(path, Run, "games")


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
        write_rows((done[key] for key in wanted if key in done), path)
        yield run


# What the games say


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
    """ "+" for better than the plain game, "−" for worse, "·" where luck would do (p > 5 %).

    "=" for a remedy that changes nothing in this game.
    """
    if cell.remedy not in ("plain", AVERAGED) and _is_plain(cell.disease, cell.data, cell.remedy):
        return "="
    ours = results(runs, cell, measure)
    plain = results(runs, cell._replace(remedy="plain"), measure)
    if permutation_test(ours, plain) > 0.05:
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


def told(path: Path) -> Iterator[str]:
    """Play what a file lacks; what is to be said of each game, and at last of all."""
    for count, played in enumerate(play_all(path), start=1):
        what = f"{played.data}, {played.disease}, {played.remedy}, seed {played.seed}"
        yield f"{count}: {what}: {played.modes:.1f} modes, {played.good:.0%} good"
    yield f"{path} is complete: {len(cells()) * SEEDS} games."


def main(arguments: Sequence[str] | None = None) -> int:
    """Play what a file of games lacks; return the exit code."""
    return study_command("remedies", __doc__, STORED, told, arguments)


if __name__ == "__main__":
    sys.exit(main())
