"""The house carries any method: one player or four, in one class, with nothing added elsewhere."""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gan_lessons import methods, pretrained
from gan_lessons.cli import main
from gan_lessons.methods import GANSettings, OnePassSettings, RestorationSettings
from gan_lessons.methods.cycle import CycleSettings as ShippedCycleSettings
from gan_lessons.methods.pix2pix import Pix2PixSettings
from gan_lessons.training import (
    METHODS,
    Batch,
    Method,
    Trainer,
    Values,
    describe,
    draw,
    number,
    read_checkpoint,
)
from gan_lessons.widgets import TrainingPanel
from gan_lessons.widgets.panel_words import charts_of


@dataclass(frozen=True, kw_only=True)
class AutoencoderSettings(GANSettings):
    latent_dim: int = number(4, 1, 64, label="numbers of the code", fixed=True)
    lr: float = number(1e-3, 0, 0.1, label="rate", group="Rates", slider=(1e-6, 0.1), log=True)
    beta: float = number(0.01, 0, 10, label="β, weight of the KL term", group="Loss")
    batch_size: int = 8


class Autoencoder(nn.Module):
    """A variational one (Kingma and Welling 2014)."""

    def __init__(self, shape: tuple[int, ...], latent_dim: int) -> None:
        super().__init__()
        pixels = torch.Size(shape).numel()
        self.encoder = nn.Sequential(nn.Flatten(), nn.Linear(pixels, 2 * latent_dim))
        self.decoder = nn.Sequential(
            nn.Linear(latent_dim, pixels), nn.BatchNorm1d(pixels), nn.Tanh(), nn.Unflatten(1, shape)
        )


class VAE(Method[AutoencoderSettings]):
    """One player."""

    name = "test-vae"
    settings_class = AutoencoderSettings
    recipes = {"test-vae": AutoencoderSettings()}  # noqa: RUF012
    averaged = ("autoencoder",)

    @classmethod
    def build(cls, settings: Any, shape: tuple[int, ...]) -> dict[str, nn.Module]:
        return {"autoencoder": Autoencoder(shape, settings.latent_dim)}

    def step(self, run: Trainer) -> Values:
        samples = run.next_batch()["samples"]
        network: Any = self.network("autoencoder")
        mean, spread = network.encoder(samples).chunk(2, dim=1)
        code = mean + spread.exp() * run.normal(*mean.shape)
        error = F.mse_loss(network.decoder(code), samples)
        divergence = (mean.square() + (2 * spread).exp() - 2 * spread - 1).mean() / 2
        run.update("autoencoder", error + self.settings.beta * divergence)
        return {"error": error.item(), "divergence": divergence.item()}

    def inputs(self, n: int, rng: torch.Generator) -> Tensor:
        return torch.randn(n, self.settings.latent_dim, generator=rng)

    def draw(self, inputs: Tensor, ema: bool = True) -> Tensor:
        network: Any = self.network("autoencoder", ema)
        made: Tensor = network.decoder(inputs)
        return made


@dataclass(frozen=True, kw_only=True)
class CycleSettings(GANSettings):
    lr: float = number(1e-3, 0, 0.1, label="rate", group="Rates")
    cycle: float = number(10.0, 0, 100, label="weight of the way back", group="Loss")
    batch_size: int = 8


class Cycle(Method[CycleSettings]):
    """Four players, as in CycleGAN (Zhu et al. 2017): from dark to bright pictures, and back."""

    name = "test-cycle"
    settings_class = CycleSettings
    recipes = {"test-cycle": CycleSettings()}  # noqa: RUF012
    averaged = ("brighten", "darken")
    turns = ("discriminators", "generators")
    inputs_from_data = True

    def __init__(
        self, settings: Any, data: Batch, networks: Mapping[str, nn.Module] | None = None
    ) -> None:
        super().__init__(settings, data, networks)
        self.examples = data["samples"][:64].cpu()

    @classmethod
    def build(cls, settings: Any, shape: tuple[int, ...]) -> dict[str, nn.Module]:
        pixels = torch.Size(shape).numel()
        made: dict[str, nn.Module] = {
            name: nn.Sequential(nn.Conv2d(shape[0], shape[0], 3, padding=1), nn.Tanh())
            for name in ("brighten", "darken")
        }
        for name in ("is_bright", "is_dark"):
            made[name] = nn.Sequential(nn.Flatten(), nn.Linear(pixels, 1), nn.Flatten(0))
        return made

    def pictures(self, run: Trainer) -> tuple[Tensor, Tensor]:
        dark, bright = (run.next_batch()["samples"] for _ in range(2))
        return dark, (bright + 0.5).clamp(max=1)

    def turn(self, name: str, run: Trainer) -> Values:
        dark, bright = self.pictures(run)
        brighten, darken = self.network("brighten"), self.network("darken")
        if name == "discriminators":
            found = {}
            for judged, real, fake in (
                ("is_bright", bright, brighten(dark).detach()),
                ("is_dark", dark, darken(bright).detach()),
            ):
                network = self.network(judged)
                loss = F.softplus(-network(real)).mean() + F.softplus(network(fake)).mean()
                run.update(judged, loss)
                found[f"loss_{judged}"] = loss.item()
            return found
        losses = {}
        for moved, there, back, judged, start in (
            ("brighten", brighten, darken, "is_bright", dark),
            ("darken", darken, brighten, "is_dark", bright),
        ):
            made = there(start)
            way_back = (back(made) - start).abs().mean()
            loss = F.softplus(-self.network(judged)(made)).mean() + self.settings.cycle * way_back
            run.update(moved, loss)
            losses[f"loss_{moved}"] = loss.item()
        return losses

    def inputs(self, n: int, rng: torch.Generator) -> Tensor:
        chosen = torch.randint(len(self.examples), (n,), generator=rng)
        return self.examples[chosen]


@pytest.fixture(autouse=True, scope="module")
def forget() -> Iterator[None]:
    yield
    for method in (VAE, Cycle):
        METHODS.pop(method.name)


EVERY = pytest.mark.parametrize(
    "settings",
    [
        VAE.recipes["test-vae"],
        Cycle.recipes["test-cycle"],
        replace(methods.RECIPES["dcgan"], latent_dim=4, generator_width=4, discriminator_width=4),
        replace(methods.RECIPES["fast"], latent_dim=4, generator_width=4, discriminator_width=4),
        RestorationSettings(width=4, discriminator_width=4, batch_size=8),
        RestorationSettings(width=4, adversary=False, batch_size=8),
        replace(methods.RECIPES["vae"], latent_dim=4, decoder_width=4, encoder_width=4),
        replace(methods.RECIPES["vae_gan"], latent_dim=4, decoder_width=4, encoder_width=4),
        replace(methods.RECIPES["flow"], width=4),
        Pix2PixSettings(width=4, discriminator_width=4, batch_size=8),
        ShippedCycleSettings(width=4, discriminator_width=4, batch_size=8),
    ],
    ids=[
        *("vae", "cycle", "gan", "one_pass", "restoration", "regression"),
        *("shipped_vae", "vae_gan", "flow", "pix2pix", "cycle_gan"),
    ],
)


@pytest.fixture
def samples() -> Tensor:
    # Of another seed than the networks': else their first weights would be the first sample.
    return torch.rand(64, 1, 28, 28, generator=torch.Generator().manual_seed(7)) * 2 - 1


def finish(run: Trainer, steps: int) -> Trainer:
    for _ in run.run(steps):
        pass
    return run


def same(one: Trainer, other: Trainer) -> bool:
    """Whether weights, averages, optimizers, random numbers and history agree to the last bit."""
    states = [run.state() for run in (one, other)]
    for state in states:
        state["elapsed"] = 0.0
        state["history"]["rows"][:, 2] = 0.0  # seconds
    return _equal(*states)


def _equal(a: Any, b: Any) -> bool:
    if isinstance(a, Tensor):
        return torch.equal(a.nan_to_num(), b.nan_to_num())
    if isinstance(a, Mapping):
        return a.keys() == b.keys() and all(_equal(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(itertools.starmap(_equal, zip(a, b, strict=True)))
    return bool(a == b)


@EVERY
def test_a_run_resumes_rewinds_and_branches_to_the_last_bit(
    samples: Tensor, tmp_path: Path, settings: GANSettings
) -> None:
    settings = replace(settings, steps=12)
    whole = finish(Trainer(samples, settings), 12)
    half = finish(Trainer(samples, settings), 5)
    snapshot = half.state()
    half.save(tmp_path / "run.pt")
    branch = half.branch()
    finish(half, 7)
    assert same(half, whole)
    half.restore(snapshot)
    assert half.step == 5
    assert not same(half, whole)
    for run in (half, branch, Trainer.load(tmp_path / "run.pt", samples)):
        assert same(finish(run, 7), whole)


@EVERY
def test_each_turn_can_be_taken_alone_and_together_they_are_a_step(
    samples: Tensor, settings: GANSettings
) -> None:
    run = Trainer(samples, settings)
    for turn in run.method.turns:
        assert run.step == 0
        run.half_step(turn)
    if run.method.turns:
        assert run.step == 1
        assert len(run.history) == 1
    if run.method.turns and not isinstance(settings, OnePassSettings):  # both players at once
        assert same(run, finish(Trainer(samples, settings), 1))


def test_all_four_players_move_and_two_have_averages(samples: Tensor) -> None:
    run = Trainer(samples, CycleSettings())
    before = {name: next(p.network.parameters()).clone() for name, p in run.players.items()}
    finish(run, 2)
    for name, player in run.players.items():
        assert not torch.equal(before[name], next(player.network.parameters())), name
    averaged = [name for name, player in run.players.items() if player.ema is not None]
    assert averaged == ["brighten", "darken"]
    assert run.history[-1].values.keys() == {f"loss_{name}" for name in run.players}


@pytest.mark.parametrize("settings", [AutoencoderSettings(), CycleSettings()], ids=["vae", "cycle"])
def test_what_it_learned_is_drawn_from_its_file(
    samples: Tensor, tmp_path: Path, settings: GANSettings
) -> None:
    run = finish(Trainer(samples, settings), 3)
    wanted = run.sample(run.inputs(4))
    assert wanted.shape == (4, 1, 28, 28)
    run.save(tmp_path / pretrained.CHECKPOINT)
    method = pretrained.load_method(tmp_path)
    assert torch.equal(draw(method, run.inputs(4)), wanted)
    pretrained.save_networks(run, tmp_path / "g.safetensors")
    method = pretrained.load_method(tmp_path / "g.safetensors")
    torch.testing.assert_close(draw(method, run.inputs(4)), wanted, atol=0.02, rtol=0)


@EVERY
def test_it_plays_in_the_panel(samples: Tensor, tmp_path: Path, settings: GANSettings) -> None:
    panel = TrainingPanel(samples, settings)
    described = describe(type(settings))
    assert set(panel.controls) == {n for n, s in described.items() if s.group and not s.fixed}
    panel.step(3)
    measured = panel.trainer.history[-1].values
    lines = [name for chart in charts_of(panel.trainer) for name in chart.lines]
    assert set(lines) == set(measured)
    for turn in panel.trainer.method.turns:
        panel.live.half_step(turn)
        assert panel.live.last == turn
    assert panel.trainer.step == 3 + bool(panel.trainer.method.turns)
    changed = next(n for n in panel.controls if n.startswith("lr"))
    panel.controls[changed].value = 1e-4  # as the browser does
    assert getattr(panel.trainer.settings, changed) == pytest.approx(1e-4)
    assert f"{described[changed].label} 0.00" in panel._marks.value
    panel.step(1)
    ahead = panel.live.step_now
    panel.branch(**{changed: 2e-3})
    panel.step(2)
    one, two = panel.live.runs
    assert one.step == two.step == ahead + 2
    assert not same(one, two)
    assert f"They differ in {described[changed].label} 0.0001 in run 1" in panel.sentence
    panel.live.keep(0)
    panel.rewind(0)
    assert panel.sentence == "Step 0: nothing is learned yet."
    panel.step(2)
    assert same(panel.trainer, finish(Trainer(samples, panel.trainer.settings), 2))
    assert panel.png.startswith(b"\x89PNG")
    assert panel.live.error is None
    panel.save(tmp_path / "run.pt")
    panel.step(3)
    panel.resume(tmp_path / "run.pt")
    assert panel.trainer.step == 2
    panel.close()


@pytest.mark.parametrize("name", ["test-vae", "test-cycle"])
def test_the_command_line_has_it(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "run")
    line = ["train", "--recipe", name, "--steps", "4", "--set", "lr=0.002", "--out", out]
    assert main(line) == 0
    state = read_checkpoint(tmp_path / "run" / pretrained.CHECKPOINT)
    assert (state["method"], state["step"], state["settings"]["lr"]) == (name, 4, 0.002)
    assert main([*line, "--resume"]) == 0
    assert main(["sample", "--from", out, "-n", "5", "--out", str(tmp_path / "a.npy")]) == 0
    assert main(["train", "--recipe", name, "--set", "lr=7", "--out", out + "2"]) == 2
    assert "lr is 7" in capsys.readouterr().err
    assert np.load(tmp_path / "a.npy").shape == (5, 28, 28)
