"""Advice that is passed on everywhere, tried on digits: one change of lesson 07's recipe at a time.

``python -m gan_lessons.studies.advice`` trains every run of the table that is not yet in its file,
on one thread; interrupted, it goes on where it stopped. Every piece of advice gets as much
computing as the recipe: where its step costs more, it makes fewer steps. A run is decided by its
seed; on another processor it is as if the seed were another one (see `remedies`).
"""

import sys
import time
import zlib
from argparse import Namespace
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor, nn

from gan_lessons import metrics, pretrained
from gan_lessons.commandline import Parser, file_path, run_command
from gan_lessons.data import load_digits
from gan_lessons.errors import UserError
from gan_lessons.methods import RECIPES, GANSettings
from gan_lessons.networks import DenseDiscriminator, DenseGenerator
from gan_lessons.studies.statistics import interval, permutation_test
from gan_lessons.studies.tables import FOLDER, read_rows, train_missing
from gan_lessons.training import Diverged, Player, Trainer, build_networks

STORED = FOLDER / "advice.json"
RECIPE = cast(GANSettings, RECIPES["dcgan"])
SEEDS = 5
STEPS = 1200  # of the recipe, as in lesson 07
SAMPLES = 2000  # that are measured at the end
EARLY = 2  # after more steps rounding has grown, and each processor goes its own way
DENSE = 128  # width of dense networks, as in lesson 05
Networks = dict[str, nn.Module]


# What people advise


def swap(network: nn.Module, old: type[nn.Module], new: Callable[[], nn.Module]) -> nn.Module:
    """A chain of layers with each layer of one kind exchanged for a new one."""
    layers = cast(nn.Sequential, network)
    return nn.Sequential(*(new() if isinstance(layer, old) else layer for layer in layers))


def after(network: nn.Module, kind: type[nn.Module], add: Callable[[int], list[nn.Module]]) -> Any:
    """A chain with layers added behind each inner activation; ``add`` is told the channels."""
    layers: list[nn.Module] = []
    channels = 0
    for layer in cast(nn.Sequential, network):
        layers.append(layer)
        channels = getattr(layer, "out_channels", channels)
        if isinstance(layer, kind) and channels:
            layers += add(channels)
    return nn.Sequential(*layers)


def deeper(networks: Networks) -> Networks:
    """One more 3 × 3 convolution after each convolution, in both players."""

    def in_g(n: int) -> list[nn.Module]:
        return [nn.Conv2d(n, n, 3, padding=1, bias=False), nn.BatchNorm2d(n), nn.ReLU()]

    def in_d(n: int) -> list[nn.Module]:
        return [nn.Conv2d(n, n, 3, padding=1), nn.LeakyReLU(0.2)]

    return {
        "generator": after(networks["generator"], nn.ReLU, in_g),
        "discriminator": after(networks["discriminator"], nn.LeakyReLU, in_d),
    }


def batchnorm_in_d(networks: Networks) -> Networks:
    """BatchNorm before each activation of D but the first, as in the DCGAN paper."""
    layers: list[nn.Module] = []
    for layer in cast(nn.Sequential, networks["discriminator"]):
        layers.append(layer)
        if isinstance(layer, nn.Conv2d) and layer.in_channels > 1:
            layers.append(nn.BatchNorm2d(layer.out_channels))
    return networks | {"discriminator": nn.Sequential(*layers)}


def relu_in_d(networks: Networks) -> Networks:
    return networks | {"discriminator": swap(networks["discriminator"], nn.LeakyReLU, nn.ReLU)}


def leaky_relu_in_g(networks: Networks) -> Networks:
    leaky = swap(networks["generator"], nn.ReLU, lambda: nn.LeakyReLU(0.2))
    return networks | {"generator": leaky}


def no_batchnorm_in_g(networks: Networks) -> Networks:
    return networks | {"generator": swap(networks["generator"], nn.BatchNorm2d, nn.Identity)}


def dense_g(networks: Networks) -> Networks:
    return networks | {"generator": DenseGenerator(RECIPE.latent_dim, DENSE)}


def dense_d(networks: Networks) -> Networks:
    return networks | {"discriminator": DenseDiscriminator(DENSE)}


def both_dense(networks: Networks) -> Networks:
    return dense_g(dense_d(networks))


def rmsprop(player: Player) -> None:
    """RMSprop in the place of Adam, at the same rate and with the same memory of squares."""
    rate = player.optimizer.param_groups[0]["lr"]
    player.optimizer = torch.optim.RMSprop(player.network.parameters(), rate, alpha=RECIPE.beta2)


def l2(player: Player) -> None:
    """5e-5 times the sum of squared weights added to the loss."""
    player.optimizer.param_groups[0]["weight_decay"] = 1e-4


def l1(player: Player) -> None:
    """1e-5 times the sum of the weights' sizes added to the loss."""

    def add_slope(optimizer: torch.optim.Optimizer, *_: object) -> None:
        for group in optimizer.param_groups:
            for weight in group["params"]:
                weight.grad += 1e-5 * weight.detach().sign()

    player.optimizer.register_step_pre_hook(add_slope)


@dataclass(frozen=True)
class Advice:
    """One change of the recipe.

    ``cost`` is the time of a step divided by that of the recipe, one thread, as `measure_costs`
    finds it; it decides how many steps there are.
    """

    cost: float = 1.0
    settings: Mapping[str, Any] = field(default_factory=dict)
    networks: Callable[[Networks], Networks] | None = None
    player: Callable[[Player], None] | None = None  # done to each of the two
    all_digits: bool = False  # the 60,000 instead of the 5,000

    @property
    def steps(self) -> int:
        return round(STEPS / self.cost)


ADVICE: dict[str, Advice] = {
    "the recipe": Advice(),
    "rates ÷ 10": Advice(settings={"lr_generator": 3e-4, "lr_discriminator": 3e-4}),
    "rates × 7": Advice(settings={"lr_generator": 0.02, "lr_discriminator": 0.02}),
    "β₁ = 0.9": Advice(settings={"beta1": 0.9}),
    "RMSprop": Advice(player=rmsprop),
    "batch × 4": Advice(cost=3.35, settings={"batch_size": 128}),
    "12 × the data": Advice(all_digits=True),
    "deeper": Advice(cost=1.95, networks=deeper),
    "twice as wide": Advice(cost=2.23, settings={"generator_width": 96, "discriminator_width": 48}),
    "ReLU in D": Advice(networks=relu_in_d),
    "LeakyReLU in G": Advice(networks=leaky_relu_in_g),
    "BatchNorm in D": Advice(cost=1.08, networks=batchnorm_in_d),
    "no BatchNorm in G": Advice(cost=0.93, networks=no_batchnorm_in_g),
    "noise on D's input": Advice(settings={"instance_noise": 0.1}),
    "L2 on the weights": Advice(player=l2),
    "L1 on the weights": Advice(player=l1),
    "dense G": Advice(cost=0.66, networks=dense_g),
    "dense D": Advice(cost=0.51, networks=dense_d),
    "both dense": Advice(cost=0.17, networks=both_dense),
}


def start(name: str, seed: int, steps: int | None = None) -> Trainer:
    """A run that is ready to be trained.

    Args:
        name: of `ADVICE`.
        seed: decides weights, noise and the order of the data.
        steps: instead of those that the budget gives.

    Raises:
        UserError: an unknown name, or the 60,000 digits are wanted and not there.
    """
    if name not in ADVICE:
        raise UserError(f"There is no {name!r}; choose one of {', '.join(ADVICE)}.")
    advice = ADVICE[name]
    settings = replace(RECIPE, seed=seed, steps=steps or advice.steps, **advice.settings)
    networks = None
    if advice.networks:
        built = build_networks(settings, (1, 28, 28))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            networks = advice.networks(built)
    trainer = Trainer(_images(advice.all_digits), settings, networks)
    if advice.player:
        for player in trainer.players.values():
            advice.player(player)
    return trainer


@cache
def _images(all_digits: bool) -> Tensor:
    digits = load_digits(source=None if all_digits else "bundled", announce=False)
    if all_digits and len(digits.images) < 60_000:
        raise UserError(
            "This advice needs all 60,000 digits: `gan-lessons data download` fetches them."
        )
    return digits.images


# Runs


class Run(NamedTuple):
    """One run's result, measured on `SAMPLES` samples of the averaged generator."""

    advice: str
    seed: int
    steps: int
    plan: int  # checksum of what decides the run: a file never mixes runs of different ones
    early: float  # mean size of the fakes' pixels after `EARLY` steps, raw generator
    distance: float  # Fréchet, in the classifier's features
    confidence: float  # the classifier's, 0 … 1
    least: float  # share of the digit that is drawn least often
    seconds: float  # on the machine that trained it


def train(name: str, seed: int, steps: int | None = None) -> Run:
    """Train one run to its end; one that diverges has a distance of infinity. Errors: `start`'s."""
    began = time.perf_counter()
    trainer = start(name, seed, steps)
    z = pretrained.noise(SAMPLES, trainer.settings, seed=1)
    early = float("nan")
    distance, confidence, least = float("inf"), 0.0, 0.0
    try:
        for event in trainer.run():
            if event.step == EARLY:
                early = trainer.sample(z[:200], ema=False).abs().mean().item()
        found = metrics.report(trainer.sample(z))
        distance, confidence, least = found.frechet, found.confidence, min(found.shares)
    except Diverged:
        pass
    return Run(
        advice=name,
        seed=seed,
        steps=trainer.settings.steps,
        plan=checksum(name),
        early=round(early, 6),
        distance=round(distance, 4),
        confidence=round(confidence, 4),
        least=round(least, 4),
        seconds=round(time.perf_counter() - began, 2),
    )


def checksum(name: str) -> int:
    """A number that changes with the settings, the layers or the steps of a piece of advice."""
    trainer = start(name, 0)
    players = [f"{player.network} {player.optimizer}" for player in trainer.players.values()]
    return zlib.crc32(repr([trainer.settings, players, SAMPLES]).encode())


def load(path: Path = STORED) -> list[Run]:
    """The runs in a file, in its order.

    Raises:
        UserError: no such file, or not one of ours.
    """
    return read_rows(path, Run, "runs")


def train_all(path: Path, seeds: int = SEEDS) -> Iterator[Run]:
    """Train what ``path`` lacks, write it after each run, and yield each as it is done."""
    wanted = [(name, seed) for seed in range(seeds) for name in ADVICE]
    keys = ("advice", "seed")
    yield from train_missing(path, Run, keys, wanted, train, lambda name, _: checksum(name))


def distances(runs: Iterable[Run], name: str) -> list[float]:
    """A piece of advice's distances, by seed.

    Raises:
        UserError: there are none.
    """
    found = sorted((run for run in runs if run.advice == name), key=lambda run: run.seed)
    if not found:
        raise UserError(f"There are no runs of {name!r}.")
    return [run.distance for run in found]


def verdict(runs: Sequence[Run], name: str) -> str:
    """ "+" for nearer to real digits than the recipe, "−" for farther, "·" where luck would do."""
    ours, plain = distances(runs, name), distances(runs, "the recipe")
    if permutation_test(ours, plain) > 0.05:
        return "·"
    return "+" if sum(ours) < sum(plain) else "−"


def table(runs: Sequence[Run]) -> str:
    """Advice in rows: steps, mean distance with its 95 % interval, rarest digit, `verdict`."""
    lines = [f"{'':20} {'steps':>6}   {'Fréchet distance':20}  rarest digit"]
    for name in ADVICE:
        mean, low, high = interval(distances(runs, name))
        least = [run.least for run in runs if run.advice == name]
        sign = " " if name == "the recipe" else verdict(runs, name)
        number = f"{mean:6.1f} [{low:.1f}, {high:.1f}]"
        steps = ADVICE[name].steps
        lines.append(f"{name:20} {steps:6,} {sign} {number:20}  {sum(least) / len(least):.1%}")
    return "\n".join(lines)


def measure_costs(rounds: int = 8) -> dict[str, float]:
    """The time of a step of each piece of advice, divided by that of the recipe.

    All take turns, 8 steps (two of them with a penalty) a round; the medians are compared.
    """
    trainers = {name: start(name, 0) for name in ADVICE}
    times: dict[str, list[float]] = {name: [] for name in ADVICE}
    for _ in range(rounds + 1):  # the first warms up
        for name, trainer in trainers.items():
            began = time.perf_counter()
            for _ in trainer.run(8):
                pass
            times[name].append(time.perf_counter() - began)
    medians = {name: sorted(found[1:])[rounds // 2] for name, found in times.items()}
    return {name: median / medians["the recipe"] for name, median in medians.items()}


def main(arguments: Sequence[str] | None = None) -> int:
    """Train what a file of runs lacks, or measure what a step costs; return the exit code."""
    parser = Parser(prog="python -m gan_lessons.studies.advice", description=__doc__)
    parser.add_argument("--out", type=file_path, default=STORED, help="file of the table's runs")
    parser.add_argument("--costs", action="store_true", help="only measure the time of a step")
    parser.set_defaults(run=_train_and_tell)
    return run_command(parser, arguments)


def _train_and_tell(options: Namespace) -> None:
    torch.set_num_threads(1)
    if options.costs:
        for name, cost in measure_costs().items():
            print(f"{name:20} {cost:.2f}")
        return
    for run in train_all(options.out):
        print(f"{run.advice}, seed {run.seed}: distance {run.distance:.1f}", flush=True)
    print(table(load(options.out)))


if __name__ == "__main__":
    sys.exit(main())
