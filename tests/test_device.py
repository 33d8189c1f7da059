"""A run on another device: nothing of a step stays on the CPU; a missing GPU is said in words."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from gan_lessons.cli import main
from gan_lessons.data import pairs
from gan_lessons.errors import UserError
from gan_lessons.methods import RECIPES, GANSettings
from gan_lessons.methods.gan import PENALTIES
from gan_lessons.training import Trainer, describe, trainer

SMALL: dict[str, Any] = {
    "latent_dim": 8,
    "generator_width": 8,
    "discriminator_width": 8,
    "batch_size": 8,
}


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """The device "meta" computes shapes only, and refuses, as a GPU does, a tensor of the CPU."""
    pairs.printed(torch.tensor([0]), torch.Generator())  # drawn once, with numbers that are true
    adam = torch.optim.Adam
    monkeypatch.setattr(trainer, "resolve_device", lambda _: torch.device("meta"))
    monkeypatch.setattr(torch.Tensor, "item", lambda _: 0.5)
    monkeypatch.setattr(torch.Tensor, "tolist", lambda tensor: np.full(tensor.shape, 0.5).tolist())
    monkeypatch.setattr(torch.Tensor, "pin_memory", lambda tensor: tensor)
    # GPUs have a fused Adam, this device has not.
    monkeypatch.setattr(torch.optim, "Adam", lambda *how, fused=False: adam(*how))


@pytest.mark.usefixtures("elsewhere")
@pytest.mark.parametrize("recipe", RECIPES)
def test_a_step_leaves_nothing_on_the_cpu(recipe: str) -> None:
    small = {n: v for n, v in SMALL.items() if n in describe(type(RECIPES[recipe]))}
    settings = replace(RECIPES[recipe], **small, device="cuda", steps=10)
    run = Trainer(torch.zeros(64, 1, 28, 28), settings, labels=torch.arange(64) % 10)
    for _ in range(5):
        run.train_step()
    assert run.step == 5
    networks = [n for player in run.players.values() for n in (player.network, player.ema) if n]
    parameters = [p for network in networks for p in network.parameters()]
    for tensor in (*parameters, *run.next_batch().values(), run.normal(2, 3)):
        assert tensor.device.type == "meta"


@pytest.mark.usefixtures("elsewhere")
@pytest.mark.parametrize("penalty", PENALTIES)
def test_penalties_and_instance_noise_leave_nothing_there(penalty: str) -> None:
    settings = GANSettings(**SMALL, device="cuda", penalty=penalty, instance_noise=0.1)
    run = Trainer(torch.zeros(64, 1, 28, 28), settings)
    run.train_step()
    assert run.step == 1


@pytest.mark.parametrize("device", ["cuda", "mps"])
def test_a_missing_gpu_is_said_in_words(
    device: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for backend in (torch.cuda, torch.backends.mps):
        monkeypatch.setattr(backend, "is_available", lambda: False)
    with pytest.raises(UserError, match=f"device is '{device}', but PyTorch .* finds no such GPU"):
        Trainer(torch.zeros(64, 1, 28, 28), GANSettings(device=device))
    for recipe in RECIPES:
        line = ["train", "--recipe", recipe, "--device", device, "--out", str(tmp_path / "run")]
        assert main(line) == 2
        assert "choose 'cpu'" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_an_unknown_device_is_refused() -> None:
    with pytest.raises(UserError, match="choose one of cpu, cuda, mps"):
        GANSettings(device="tpu")
