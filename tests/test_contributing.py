"""The example of CONTRIBUTING.md is a method: it trains, resumes, rewinds, branches, and plays."""

import copy
import importlib.util
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from gan_lessons import pretrained
from gan_lessons.cli import main
from gan_lessons.data import load_digits
from gan_lessons.training import METHODS, Trainer, read_checkpoint
from gan_lessons.widgets import TrainingPanel

TEXT = (Path(__file__).parents[1] / "CONTRIBUTING.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    (code,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    file = tmp_path_factory.mktemp("method") / "autoencoder_example.py"
    file.write_text(code, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[file.stem] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    yield module
    del sys.modules[file.stem], METHODS["autoencoder"]


@pytest.fixture
def game(example: Any) -> Iterator[Any]:
    """The guide's turns of a game, in a method around them."""
    (turns,) = re.findall(r"^    turns = .*?^        return .*?$", TEXT, re.DOTALL | re.MULTILINE)
    lines = f"""
@dataclass(frozen=True, kw_only=True)
class GameSettings(Settings):
    latent_dim: int = number(8, 1, 64, label="dimension of the noise", fixed=True)
    lr: float = number(1e-3, 0, 0.1, label="rate")

class Game(Method[GameSettings]):
    name = "game"
    settings_class = GameSettings
{turns}

    @classmethod
    def build(cls, settings, shape):
        drawn = nn.Linear(settings.latent_dim, 784), nn.Tanh(), nn.Unflatten(1, shape)
        seen = nn.Flatten(), nn.Linear(784, 1)
        return {{"generator": nn.Sequential(*drawn), "discriminator": nn.Sequential(*seen)}}

    def inputs(self, n, rng):
        return torch.randn(n, self.settings.latent_dim, generator=rng)
"""
    exec(lines, vars(example))
    yield example.GameSettings
    del METHODS["game"]


def test_the_turns_of_the_guide_are_a_game(game: Any) -> None:
    run = train(Trainer(load_digits(announce=False).images, game()), 1)
    assert run.history[0].values.keys() == {"loss_discriminator", "loss_generator"}
    before = {name: copy.deepcopy(player.network) for name, player in run.players.items()}
    run.half_step("discriminator")
    for name, moved in (("discriminator", True), ("generator", False)):
        old, new = (next(net.parameters()) for net in (before[name], run.players[name].network))
        assert torch.equal(old, new) is not moved


def train(run: Trainer, steps: int) -> Trainer:
    for _ in run.run(steps):
        pass
    return run


def test_it_trains_and_goes_on_to_the_last_bit(example: Any, tmp_path: Path) -> None:
    digits = load_digits(announce=False).images
    settings = example.AutoencoderSettings(steps=20)
    whole = train(Trainer(digits, settings), 20)
    assert whole.history[-1].loss_autoencoder < 0.7 * whole.history[0].loss_autoencoder
    wanted = whole.sample(whole.inputs(4))
    assert wanted.shape == (4, 1, 28, 28)
    half = train(Trainer(digits, settings), 8)
    half.save(tmp_path / "run.pt")
    snapshot, branch = half.state(), half.branch()
    train(half, 12)
    half.restore(snapshot)
    for run in (half, branch, Trainer.load(tmp_path / "run.pt", digits)):
        assert run.step == 8
        assert torch.equal(train(run, 12).sample(run.inputs(4)), wanted)


def test_the_panel_and_the_command_line_have_it(
    example: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    panel = TrainingPanel(load_digits(announce=False).images, example.AutoencoderSettings())
    assert {"lr", "noise", "ema_decay"} == set(panel.controls)
    panel.step(2)
    assert panel.trainer.step == 2
    panel.close()
    assert main(["train", "--recipe", "autoencoder", "--settings"]) == 0
    assert "noise on its input" in capsys.readouterr().out
    out = str(tmp_path / "run")
    line = ["train", "--recipe", "autoencoder", "--set", "noise=0.5", "--steps", "3", "--out", out]
    assert main(line) == 0
    state = read_checkpoint(tmp_path / "run" / pretrained.CHECKPOINT)
    assert (state["method"], state["settings"]["noise"]) == ("autoencoder", 0.5)
    assert main(["sample", "--from", out, "-n", "4", "--out", str(tmp_path / "four.png")]) == 0
