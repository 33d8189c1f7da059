"""What does a generator's last layer leave in its pictures' spectrum? Four last layers, trained.

``python -m gan_lessons.studies.last_layers`` trains every run that is not yet in the table, on one
thread; interrupted, it goes on where it stopped. All have the body of lesson 07's generator (two
layers up to 24 maps of 14 × 14), lesson 17's settings of a GAN, its 4,000 digits, and equally many
steps; what makes 28 × 28 pixels of those maps is exchanged.
"""

import sys
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from gan_lessons.errors import UserError
from gan_lessons.networks import ConvGenerator
from gan_lessons.studies import fakes, families
from gan_lessons.studies.tables import FOLDER, Key, read_rows, study_command, train_missing
from gan_lessons.training import Trainer
from gan_lessons.training.method import build_networks

STORED = FOLDER / "last_layers.json"
SEEDS = 3
STEPS = (0, 50, 200, 800)  # after which the spectrum is taken
PICTURES = 1000
EARLY = 5  # after so few steps rounding has not yet grown: every processor agrees

MAPS = 24  # of 14 × 14, from which the last layer draws


def _smoothed(mode: str) -> nn.Module:
    return nn.Sequential(nn.Upsample(scale_factor=2, mode=mode), nn.Conv2d(MAPS, 1, 5, padding=2))


def _at_full_resolution() -> nn.Module:
    return nn.Sequential(
        nn.ConvTranspose2d(MAPS, MAPS // 2, 4, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(MAPS // 2),
        nn.ReLU(),
        nn.Conv2d(MAPS // 2, 1, 3, padding=1),
    )


# Maps (N, 24, 14, 14) → pictures (N, 1, 28, 28), before the tanh.
LAST_LAYERS: dict[str, Callable[[], nn.Module]] = {
    "transposed": lambda: nn.ConvTranspose2d(MAPS, 1, 4, stride=2, padding=1),
    "nearest": lambda: _smoothed("nearest"),
    "bilinear": lambda: _smoothed("bilinear"),
    "transposed + convolution": _at_full_resolution,
}


class Run(NamedTuple):
    """The spectra of one run."""

    last: str  # one of LAST_LAYERS
    seed: int
    plan: int  # checksum of what decides the run
    early: float  # mean size of the pixels drawn after `EARLY` steps
    distance: float  # Fréchet, to the held-out digits, at the end
    spectra: list[list[float]]  # log₁₀ power beside held-out digits', 0 to 14 waves, at each STEPS


def start(last: str | nn.Module, seed: int = 0, steps: int = STEPS[-1]) -> Trainer:
    """A run that is ready to be trained.

    Args:
        last: a name of `LAST_LAYERS`, or a layer: maps (N, 24, 14, 14) → (N, 1, 28, 28).
        seed: of all its chance.
        steps: that it will have.

    Raises:
        UserError: there is no such name, or the layer does not fit.
    """
    if isinstance(last, str) and last not in LAST_LAYERS:
        raise UserError(f"There is no last layer {last!r}; choose one of {', '.join(LAST_LAYERS)}.")
    settings = families.settings_of_try("gan", families.chosen("gan"), 1, seed)
    settings = replace(settings, steps=steps)
    networks = build_networks(settings)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        ending = LAST_LAYERS[last]() if isinstance(last, str) else last
    networks["generator"] = with_last(networks["generator"], ending)
    return Trainer(families.learned(), settings, networks)


def with_last(generator: nn.Module, last: nn.Module) -> nn.Sequential:
    """A `ConvGenerator` that ends in another layer, and its tanh."""
    assert isinstance(generator, ConvGenerator)
    return nn.Sequential(*list(generator)[:-2], last, nn.Tanh())


def spectrum_of(trainer: Trainer) -> Tensor:
    """log₁₀ power of what is drawn, beside that of the held-out digits, 0 to 14 waves (15,).

    Drawn by the generator as it is, and after a long training by the average of its weights.
    """
    drawn = trainer.sample(trainer.inputs(PICTURES, seed=1), ema=trainer.step > STEPS[2])
    real = families.digits()[-families.HELD_OUT :]
    return fakes.spectrum(fakes.in_greys(drawn)) - fakes.spectrum(real)


def retrained(last: str | nn.Module, steps: int = 100, seed: int = 0) -> Tensor:
    """The spectrum (15,), beside real digits', of a generator with that last layer after steps."""
    trainer = start(last, seed, max(steps, 1))
    families.computing(trainer, steps)
    return spectrum_of(trainer)


def train(last: str, seed: int) -> Run:
    """Train one run to its end, and take its spectra on the way."""
    trainer = start(last, seed)
    plan, early, spectra = checksum(last, seed), early_number(last, seed), []
    for steps in STEPS:
        families.computing(trainer, steps - trainer.step)
        spectra.append([round(power, 4) for power in spectrum_of(trainer).tolist()])
    found = families.measure(trainer.sample(trainer.inputs(families.SAMPLES, seed=1)))
    return Run(last, seed, plan, early, found.distance, spectra)


def early_number(last: str, seed: int) -> float:
    """What tells one run from another after `EARLY` steps."""
    trainer = start(last, seed)
    families.computing(trainer, EARLY)
    return round(families.early_number(trainer), 6)


def checksum(last: str, seed: int = 0) -> int:
    """A number that changes with the settings or the layers of a run, not with its seed."""
    return zlib.crc32(repr([families.checksum(start(last, seed)), STEPS, PICTURES]).encode())


def train_all(path: Path) -> Iterator[str]:
    """Train what a file lacks, write it after each, and say how each did."""
    wanted: list[Key] = [(last, seed) for last in LAST_LAYERS for seed in range(SEEDS)]
    for run in train_missing(path, Run, ("last", "seed"), wanted, train, checksum):
        ends = ", ".join(f"{spectrum[-1]:+.2f}" for spectrum in run.spectra)
        yield f"{run.last}, seed {run.seed}: at 14 waves {ends}; distance {run.distance:.1f}"


def load(path: Path = STORED) -> list[Run]:
    """The runs in a file, in its order.

    Raises:
        UserError: no such file, or not one of ours.
    """
    return read_rows(path, Run, "last layers")


def select(runs: Iterable[Run], last: str, steps: int) -> Tensor:
    """The spectra (seeds, 15) of a last layer's runs after so many steps.

    Raises:
        UserError: there are none.
    """
    found = [run.spectra[STEPS.index(steps)] for run in runs if run.last == last if steps in STEPS]
    if not found:
        raise UserError(f"There are no runs of {last!r} with {steps} steps.")
    return torch.tensor(found)


def main(arguments: Sequence[str] | None = None) -> int:
    """Train what the table lacks; return the exit code."""
    return study_command("last_layers", __doc__, STORED, train_all, arguments)


if __name__ == "__main__":
    sys.exit(main())
