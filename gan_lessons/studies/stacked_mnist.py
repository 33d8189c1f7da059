"""Stacked MNIST: three digits as the three channels of one image, 10 × 10 × 10 = 1,000 modes.

``python -m gan_lessons.studies.stacked_mnist`` trains a few remedies for some minutes each and
counts how many of the modes they reach (Metz et al. 2017, section 3.3.1).
"""

import re
import sys
import time
from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple, Self, cast

import torch
from torch import Tensor, nn

from gan_lessons import classifier
from gan_lessons.commandline import Parser, file_path, real_number, run_command, whole_number
from gan_lessons.data import load_digits
from gan_lessons.errors import UserError
from gan_lessons.methods import RECIPES, GANSettings
from gan_lessons.networks import ConvDiscriminator, Packed
from gan_lessons.studies.tables import FOLDER, read_rows, write_rows
from gan_lessons.training import Ranks, Settings, Trainer, build_networks, read_checkpoint
from gan_lessons.training.ranks import ALONE

COUNTS = FOLDER / "stacked.json"
STACKED: dict[str, tuple[dict[str, Any], int]] = {  # remedy → settings, samples in a pack
    "plain": ({"penalty": "none"}, 1),
    "packs of 2": ({"penalty": "none"}, 2),
    "R1": ({}, 1),
    "relativistic, R1, R2": ({"objective": "relativistic", "penalty": "r1_and_r2"}, 1),
}


class StackedTrainer(Trainer):
    """A `Trainer` whose real samples are stacks of three digits drawn at random.

    Args:
        digits: (N, 1, 28, 28) in [−1, 1].
        settings: as for a `Trainer`.
        networks: as for a `Trainer`, for images with three channels.
        labels: not used.
    """

    def __init__(
        self,
        digits: Tensor,
        settings: Settings,
        networks: Mapping[str, nn.Module] | None = None,
        labels: Tensor | None = None,
        ranks: Ranks = ALONE,
    ) -> None:
        self.digits = digits
        examples = stacks(digits, len(digits), torch.Generator().manual_seed(0))
        super().__init__(examples, settings, networks, ranks=ranks)

    def next_batch(self) -> dict[str, Tensor]:
        """The next stacks (n, 3, 28, 28): never the same again."""
        self.batches += 1
        return {"samples": stacks(self.digits, self.settings.batch_size, self.rng)}

    def _twin(self, networks: Mapping[str, nn.Module]) -> Self:
        return type(self)(self.digits, self.settings, networks)


def stacks(digits: Tensor, n: int, rng: torch.Generator) -> Tensor:
    """n stacks (n, 3, 28, 28) of three digits each, out of digits (N, 1, 28, 28)."""
    return digits[torch.randint(len(digits), (n, 3), generator=rng), 0]


def stacked_players(settings: GANSettings, m: int = 1) -> dict[str, nn.Module]:
    """The DCGAN's two networks with three channels; D sees packs of m."""
    networks = build_networks(settings, (3, 28, 28))
    if m > 1:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(settings.seed)
            several = ConvDiscriminator(settings.discriminator_width, channels=3 * m)
        networks["discriminator"] = Packed(several, m)
    return networks


def read_stacks(images: Tensor) -> Tensor:
    """The number 0 … 999 that is classified in each of the images (N, 3, 28, 28); (N,)."""
    _, probabilities = classifier.load().predict(images.reshape(-1, 1, *images.shape[2:]))
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
    remedy: str, seconds: float, path: Path, settings: GANSettings | None = None
) -> StackedTrainer:
    """Train on stacked digits for so many seconds in all; a checkpoint is gone on from.

    Raises:
        UserError: an unknown remedy, or the checkpoint is of another run.
    """
    if remedy not in STACKED:
        raise UserError(f"There is no {remedy!r}; choose one of {', '.join(STACKED)}.")
    changes, m = STACKED[remedy]
    base = replace(
        settings or cast(GANSettings, RECIPES["dcgan"]), **changes, seconds=seconds, lr_decay="none"
    )
    digits = load_digits().images
    trainer = StackedTrainer(digits, base, stacked_players(base, m))
    if path.exists():
        if replace(GANSettings(**read_checkpoint(path)["settings"]), seconds=seconds) != base:
            raise UserError(f"{path} was trained with other settings; choose another --out.")
        trainer = StackedTrainer.load(path, digits, stacked_players(base, m))
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
    """The counts in a file, in its order.

    Raises:
        UserError: no such file, or not one of ours.
    """
    return read_rows(path, Count, "counts")


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
        write_rows(counts, out / COUNTS.name)
        yield counts[-1]


def main(arguments: Sequence[str] | None = None) -> int:
    """Train remedies on Stacked MNIST and count their modes; return the exit code."""
    parser = Parser(prog="python -m gan_lessons.studies.stacked_mnist", description=__doc__)
    parser.add_argument("--remedy", default="all", choices=["all", *STACKED])
    seconds = real_number(0.1, 1_000_000)
    parser.add_argument("--seconds", type=seconds, default=300, help="training time of each")
    samples = whole_number(1, 1_000_000)
    parser.add_argument("--samples", type=samples, default=26_000, help="to count modes in")
    parser.add_argument("--out", type=file_path, default=Path("runs"), help="folder of checkpoints")
    parser.set_defaults(run=_count_and_tell)
    return run_command(parser, arguments)


def _count_and_tell(options: Namespace) -> None:
    torch.set_num_threads(1)
    names = list(STACKED) if options.remedy == "all" else [options.remedy]
    for count in count_stacked(names, options.seconds, options.samples, options.out):
        print(f"{count.name:24} {count.modes:4} of 1000 modes, KL {count.kl:.3f}")


if __name__ == "__main__":
    sys.exit(main())
