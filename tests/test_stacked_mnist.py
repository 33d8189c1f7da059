"""Stacked MNIST: the stacks, the count of modes, training that goes on, the command."""

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from scipy import stats

from gan_lessons.data import load_digits
from gan_lessons.errors import UserError
from gan_lessons.methods import RECIPES
from gan_lessons.studies import stacked_mnist

TINY = {"generator_width": 4, "discriminator_width": 2, "batch_size": 4, "latent_dim": 4}


def test_stacks_are_three_digits_of_the_data() -> None:
    digits = load_digits().images[:50]
    made = stacked_mnist.stacks(digits, 20, torch.Generator().manual_seed(0))
    assert made.shape == (20, 3, 28, 28)
    known = {digit.numpy().tobytes() for digit in digits}
    assert {channel.numpy().tobytes() for stack in made for channel in stack} <= known
    assert len({stack.numpy().tobytes() for stack in made}) == 20


def test_a_stack_is_classified_channel_by_channel() -> None:
    data = load_digits()
    rng = torch.Generator().manual_seed(0)
    chosen = torch.randint(len(data.images), (200, 3), generator=rng)
    found = stacked_mnist.read_stacks(data.images[chosen, 0])
    wanted = data.labels[chosen] @ torch.tensor([100, 10, 1])
    assert (found == wanted).double().mean() > 0.95
    assert wanted.max() > 900 > 99 > wanted.min()


def test_modes_are_counted() -> None:
    modes, kl = stacked_mnist.count_modes(torch.arange(1000))
    assert modes == 1000
    assert kl == pytest.approx(0, abs=1e-9)
    modes, kl = stacked_mnist.count_modes(torch.zeros(50, dtype=torch.long))
    assert modes == 1
    assert kl == pytest.approx(math.log(1000))
    numbers = torch.tensor([7, 7, 7, 999])
    share = [0.0] * 1000
    share[7], share[999] = 0.75, 0.25
    modes, kl = stacked_mnist.count_modes(numbers)
    assert modes == 2
    assert kl == pytest.approx(stats.entropy(share, [1e-3] * 1000))


@pytest.mark.parametrize("remedy", stacked_mnist.STACKED)
def test_stacked_networks_fit(remedy: str) -> None:
    m = stacked_mnist.STACKED[remedy][1]
    players = stacked_mnist.stacked_players(RECIPES["dcgan"], m)
    generator, discriminator = players["generator"], players["discriminator"]
    images = generator(torch.randn(4, 64))
    assert images.shape == (4, 3, 28, 28)
    assert images.abs().max() <= 1
    assert discriminator(images).shape == (4 // m,)


def test_stacked_training_goes_on_from_its_checkpoint(tmp_path: Path) -> None:
    tiny = replace(RECIPES["dcgan"], **TINY)
    path = tmp_path / "stacked.pt"
    first = stacked_mnist.train_stacked("packs of 2", 0.2, path, tiny)
    assert first.step > 0
    more = stacked_mnist.train_stacked("packs of 2", first.elapsed + 0.2, path, tiny)
    assert more.step > first.step
    assert more.history[: first.step] == list(first.history)
    with pytest.raises(UserError, match="other settings"):
        stacked_mnist.train_stacked("R1", 1, path, tiny)
    with pytest.raises(UserError, match="choose one of plain"):
        stacked_mnist.train_stacked("R3", 1, path, tiny)


def test_the_stacked_command_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--remedy", "R1", "--seconds", "0.5", "--samples", "100"]
    stacked_mnist.main([*arguments, "--out", str(tmp_path)])
    *_, real, fake = capsys.readouterr().out.splitlines()  # before them, maybe: which data
    assert real.startswith("real stacks")
    assert "of 1000 modes" in fake
    assert (tmp_path / "stacked-R1.pt").exists()
    counts = stacked_mnist.load_counts(tmp_path / "stacked.json")
    assert [count.name for count in counts] == ["real stacks", "R1"]
    assert counts[1].steps > 0
    assert f"{counts[1].modes} of 1000" in fake


def test_the_shipped_counts_are_of_every_stacked_remedy() -> None:
    real, *counts = stacked_mnist.load_counts()
    assert [count.name for count in counts] == list(stacked_mnist.STACKED)
    assert real.modes >= 999
    assert real.kl < 0.1
    assert all(count.samples == real.samples for count in counts)
    with pytest.raises(UserError, match="has no counts"):
        stacked_mnist.load_counts(Path("nowhere.json"))
