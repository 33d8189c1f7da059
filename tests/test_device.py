"""A run on another device: nothing of a step stays on the CPU; a missing GPU is said in words."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from gan_lessons import machine, training
from gan_lessons.cli import main
from gan_lessons.errors import UserError
from gan_lessons.training import RECIPES, Settings, Trainer

SMALL = {"latent_dim": 8, "generator_width": 8, "discriminator_width": 8, "batch_size": 8}


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """The device "meta" computes shapes only, and refuses, as a GPU does, a tensor of the CPU."""
    adam = torch.optim.Adam
    monkeypatch.setattr(training, "place", lambda _: torch.device("meta"))
    monkeypatch.setattr(torch.Tensor, "item", lambda _: 0.5)
    monkeypatch.setattr(torch.Tensor, "tolist", lambda tensor: np.full(tensor.shape, 0.5).tolist())
    monkeypatch.setattr(torch.Tensor, "pin_memory", lambda tensor: tensor)
    # GPUs have a fused Adam, this device has not.
    monkeypatch.setattr(torch.optim, "Adam", lambda *how, fused: adam(*how))


@pytest.mark.usefixtures("elsewhere")
@pytest.mark.parametrize("recipe", RECIPES)
def test_a_step_leaves_nothing_on_the_cpu(recipe: str) -> None:
    settings = replace(RECIPES[recipe], **SMALL, device="cuda", steps=10)
    trainer = Trainer(torch.zeros(64, 1, 28, 28), settings, labels=torch.arange(64) % 10)
    for _ in range(5):
        trainer.train_step()
    assert trainer.step == 5
    players = (trainer.generator, trainer.discriminator, trainer.average)
    for tensor in (*(p for player in players for p in player.parameters()), trainer.next_batch()):
        assert tensor.device.type == "meta"
    assert trainer.noise(2).device.type == "meta"


@pytest.mark.usefixtures("elsewhere")
@pytest.mark.parametrize("penalty", training.PENALTIES)
def test_penalties_and_instance_noise_leave_nothing_there(penalty: str) -> None:
    settings = Settings(**SMALL, device="cuda", penalty=penalty, instance_noise=0.1)
    trainer = Trainer(torch.zeros(64, 1, 28, 28), settings)
    trainer.train_step()
    assert trainer.step == 1


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
        Trainer(torch.zeros(64, 1, 28, 28), Settings(device=device))
    for recipe in RECIPES:
        line = ["train", "--recipe", recipe, "--device", device, "--out", str(tmp_path / "run")]
        assert main(line) == 2
        assert "choose 'cpu'" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_an_unknown_device_is_refused() -> None:
    with pytest.raises(UserError, match="choose one of cpu, cuda, mps"):
        Settings(device="tpu")


def test_only_a_cpu_has_workers_to_choose_from() -> None:
    assert {levers["workers"] for levers in machine.candidates("cuda")} == {1}
    with pytest.raises(UserError, match="on 'cuda' choose 1"):
        replace(RECIPES["fast"], device="cuda", workers=2)
