"""The house carries any method: one player or four, in one class, with nothing added elsewhere."""

import itertools
import re
from collections import deque
from collections.abc import Callable, Iterator, Mapping
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
from gan_lessons.errors import UserError
from gan_lessons.methods import GANSettings, OnePassSettings, RestorationSettings
from gan_lessons.methods.cycle import CycleSettings as ShippedCycleSettings
from gan_lessons.methods.pix2pix import Pix2PixSettings
from gan_lessons.training import (
    METHODS,
    Batch,
    Chart,
    Method,
    Player,
    Settings,
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


@dataclass(frozen=True, kw_only=True)
class BalancedSettings(Settings):
    latent_dim: int = number(4, 1, 64, label="dimension of the noise", fixed=True)
    lr: float = number(1e-3, 0, 0.1, label="rate", group="Rates")
    batch_size: int = 8


class Balanced(Method[BalancedSettings]):
    """Two players and a number between them, as in BEGAN (Berthelot et al. 2017)."""

    name = "test-balanced"
    settings_class = BalancedSettings
    recipes = {"test-balanced": BalancedSettings()}  # noqa: RUF012
    turns = ("discriminator", "generator")

    def __init__(
        self, settings: Any, data: Batch, networks: Mapping[str, nn.Module] | None = None
    ) -> None:
        super().__init__(settings, data, networks)
        self.memory["k"] = 0.5

    @classmethod
    def build(cls, settings: Any, shape: tuple[int, ...]) -> dict[str, nn.Module]:
        pixels = torch.Size(shape).numel()
        drawn = (nn.Linear(settings.latent_dim, pixels), nn.Tanh(), nn.Unflatten(1, shape))
        copied = (nn.Flatten(), nn.Linear(pixels, 4), nn.Linear(4, pixels), nn.Unflatten(1, shape))
        return {"generator": nn.Sequential(*drawn), "discriminator": nn.Sequential(*copied)}

    def turn(self, name: str, run: Trainer) -> Values:
        fake = self.network("generator")(run.normal(run.batch_size, self.settings.latent_dim))
        if name == "generator":
            loss = self.error(fake)
        else:
            real = self.error(run.next_batch()["samples"])
            fooled = self.error(fake.detach())
            loss = real - self.memory["k"] * fooled
            self.memory["k"] += 0.1 * (0.5 * real - fooled).item()
        run.update(name, loss)
        return {f"loss_{name}": loss.item()}

    def error(self, pictures: Tensor) -> Tensor:
        return F.l1_loss(self.network("discriminator")(pictures), pictures)

    def inputs(self, n: int, rng: torch.Generator) -> Tensor:
        return torch.randn(n, self.settings.latent_dim, generator=rng)


@pytest.fixture(autouse=True, scope="module")
def forget() -> Iterator[None]:
    yield
    for method in (VAE, Cycle, Balanced):
        METHODS.pop(method.name)


SMALL: dict[str, Any] = {
    "vae": VAE.recipes["test-vae"],
    "cycle": Cycle.recipes["test-cycle"],
    "balanced": Balanced.recipes["test-balanced"],
    "gan": replace(
        methods.RECIPES["dcgan"], latent_dim=4, generator_width=4, discriminator_width=4
    ),
    "one_pass": replace(
        methods.RECIPES["fast"], latent_dim=4, generator_width=4, discriminator_width=4
    ),
    "restoration": RestorationSettings(width=4, discriminator_width=4, batch_size=8),
    "regression": RestorationSettings(width=4, adversary=False, batch_size=8),
    "shipped_vae": replace(methods.RECIPES["vae"], latent_dim=4, decoder_width=4, encoder_width=4),
    "vae_gan": replace(methods.RECIPES["vae_gan"], latent_dim=4, decoder_width=4, encoder_width=4),
    "flow": replace(methods.RECIPES["flow"], width=4),
    "pix2pix": Pix2PixSettings(width=4, discriminator_width=4, batch_size=8),
    "cycle_gan": ShippedCycleSettings(width=4, discriminator_width=4, batch_size=8),
}
# They learn from labels, clips and sentences, and have tests of their own.
OF_OTHER_DATA = {"conditional_gan", "clips", "text", "plane"}
# A method that is new in the package is tried, too, by its first recipe.
NEW: dict[str, Any] = {
    name: next(iter(method.recipes.values()))
    for name, method in METHODS.items()
    if name not in OF_OTHER_DATA
    and method.settings_class not in {type(settings) for settings in SMALL.values()}
}
EVERY = pytest.mark.parametrize("settings", [*SMALL.values(), *NEW.values()], ids=[*SMALL, *NEW])


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


@EVERY
def test_pictures_may_be_coloured_and_of_another_size(settings: GANSettings) -> None:
    pictures = torch.rand(40, 3, 20, 20, generator=torch.Generator().manual_seed(7)) * 2 - 1
    run = finish(Trainer(pictures, settings), 2)
    assert run.sample(run.inputs(5)).shape == (5, 3, 20, 20)


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


def test_a_chart_may_have_a_value_that_not_every_step_measures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    chart = Chart("errors", {"penalty": "penalty", "error": "error of a pixel"})
    monkeypatch.setattr(VAE, "charts", (chart,))
    monkeypatch.setenv("GAN_LESSONS_PROGRESS", "on")
    assert main(["train", "--recipe", "test-vae", "--steps", "2", "--out", str(tmp_path)]) == 0
    said = capsys.readouterr().err
    assert re.search(r"step 2  error of a pixel \d", said)
    assert "penalty" not in said


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


def test_what_a_method_remembers_goes_with_the_run(samples: Tensor, tmp_path: Path) -> None:
    run = finish(Trainer(samples, BalancedSettings()), 3)
    k = run.method.memory["k"]
    assert k != 0.5
    run.save(tmp_path / "run.pt")
    kept, twin = run.state(), run.branch()
    finish(run, 2)
    assert run.method.memory["k"] != k
    assert kept["memory"] == twin.method.memory == {"k": k}
    run.restore(kept)
    assert run.method.memory == {"k": k}
    run.method.memory["k"] = 7.0  # a state is independent of what comes after
    assert kept["memory"] == {"k": k}
    assert Trainer.load(tmp_path / "run.pt", samples).method.memory == {"k": k}


def remembering(keep: Callable[[Any, Trainer], Any]) -> Any:
    """A method of which each step leaves something for the next."""

    def step(self: Any, run: Trainer) -> Values:
        loss = self.error(run.next_batch()["samples"])
        run.update("discriminator", loss)
        self.memory["kept"] = keep(self, run)
        return {"loss_discriminator": loss.item()}

    return of_its_own(__init__=Method.__init__, turns=(), step=step)


def test_a_run_goes_back_to_where_its_method_remembered_nothing(samples: Tensor) -> None:
    method = remembering(lambda self, run: [*self.memory.get("kept", []), run.step])
    try:
        run = Trainer(samples, method.settings_class())
        first = run.state()
        finish(run, 2).restore(first)
        assert finish(run, 2).method.memory["kept"] == [0, 1]
    finally:
        METHODS.pop("own")


def test_a_file_from_before_methods_had_a_memory_is_resumed(
    samples: Tensor, tmp_path: Path
) -> None:
    path, run = tmp_path / "run.pt", finish(Trainer(samples, SMALL["gan"]), 2)
    run.save(path)
    state = torch.load(path, weights_only=True)
    assert state.pop("memory") == {}
    torch.save(state, path)
    assert same(finish(Trainer.load(path, samples), 2), finish(run, 2))


@pytest.mark.parametrize(
    ("keep", "kind"),
    [
        (lambda self, run: np.float64(run.step), "float64"),
        (lambda self, run: [{"steps": deque([run.step])}], "list"),
        (lambda self, run: self.error(run.samples[:4]), "Tensor"),
    ],
    ids=["a number of NumPy", "a queue", "a tensor with gradients"],
)
def test_what_no_file_could_hold_is_not_remembered(
    samples: Tensor, keep: Callable[[Any, Trainer], Any], kind: str
) -> None:
    method = remembering(keep)
    try:
        run = finish(Trainer(samples, method.settings_class()), 1)
        with pytest.raises(UserError, match=rf"memory\['kept'\] is a {kind} that no file can hold"):
            run.state()
    finally:
        METHODS.pop("own")


def test_the_panel_tells_a_game_that_measures_losses_only(samples: Tensor) -> None:
    panel = TrainingPanel(samples, BalancedSettings())
    panel.live.half_step("discriminator")
    assert "discriminator have moved alone: loss_discriminator" in panel.sentence
    panel.live.half_step("generator")
    assert re.search(
        r"Step 1, .*: loss_discriminator [\d.-]+, loss_generator [\d.]+", panel.sentence
    )
    assert panel.live.error is None
    panel.close()


def of_its_own(**changes: Any) -> Any:
    """A method like `Balanced`, made of what a beginner might write."""
    plain: Any = type("OwnSettings", (BalancedSettings,), {})
    settings = dataclass(frozen=True, kw_only=True)(plain)
    own = {"name": "own", "settings_class": settings, "recipes": {"own": settings()}}
    return type("Own", (Balanced,), {k: v for k, v in (own | changes).items() if v is not None})


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"settings_class": BalancedSettings}, "are the settings of 'test-balanced'.* 'own'"),
        ({"name": "gan"}, "gan_lessons.methods.gan has a method 'gan' already"),
        ({"recipes": {"dcgan": BalancedSettings()}}, "'gan' has a recipe 'dcgan' already"),
    ],
)
def test_a_name_that_is_taken_is_refused(changes: dict[str, Any], said: str) -> None:
    before = dict(METHODS)
    with pytest.raises(UserError, match=said):
        of_its_own(**changes)
    assert before == METHODS
    with pytest.raises(UserError, match="Bare has to say settings_class"):
        type("Bare", (Method,), {"name": "bare"})


def _two_groups(network: Any) -> torch.optim.Optimizer:
    return torch.optim.Adam([{"params": layer.parameters()} for layer in network])


def _frozen(network: nn.Module) -> torch.optim.Optimizer:
    next(network.parameters()).requires_grad_(False)
    return torch.optim.Adam(network.parameters())


def _one_unused(network: nn.Module) -> torch.optim.Optimizer:
    network.register_parameter("unused", nn.Parameter(torch.zeros(3)))
    return torch.optim.Adam(network.parameters())


@pytest.mark.parametrize(
    "optimizer",
    [
        _two_groups,
        _frozen,
        _one_unused,
        lambda network: torch.optim.Adam(network.parameters(), amsgrad=True),
        lambda network: torch.optim.SGD(network.parameters(), momentum=0.9),
    ],
    ids=["two groups", "a frozen weight", "an unused weight", "AMSGrad", "SGD"],
)
def test_a_method_may_move_its_players_by_any_optimizer(
    samples: Tensor, tmp_path: Path, optimizer: Callable[[nn.Module], torch.optim.Optimizer]
) -> None:
    def player(self: Any, name: str, network: nn.Module) -> Player:
        return Player(network, optimizer(network))

    method = of_its_own(player=player)
    try:
        run = finish(Trainer(samples, method.settings_class()), 3)
        run.save(tmp_path / "run.pt")
        snapshot = run.state()
        after = finish(run.branch(), 2)
        finish(run, 2).restore(snapshot)
        for again in (run, Trainer.load(tmp_path / "run.pt", samples)):
            assert same(finish(again, 2), after)
    finally:
        METHODS.pop("own")


@dataclass(frozen=True, kw_only=True)
class WithoutRate(Settings):
    latent_dim: int = number(4, 1, 64, label="dimension of the noise", fixed=True)
    lr_gen: float = number(1e-3, 0, 0.1, label="rate")
    batch_size: int = 8


@dataclass(frozen=True, kw_only=True)
class WithoutRange(BalancedSettings):
    beta: float = 0.5


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"averaged": ("generators",)}, "averaged has 'generators'; the players are generator, "),
        ({"settings_class": WithoutRate, "recipes": {}}, "'generator' has no rate: WithoutRate"),
        ({"settings_class": WithoutRange, "recipes": {}}, r"WithoutRange\.beta has no range; give"),
        ({"build": lambda settings, shape: nn.Linear(2, 2)}, "by name, a dictionary, not Linear"),
        ({"build": lambda settings, shape: {"data": nn.Linear(2, 2)}}, "'data' is no name for a"),
        ({"turns": ()}, "Own has to have step, or turns and turn"),
        ({"turn": Method.turn}, "Own has turns, and no method turn"),
        ({"step": lambda self, run: None}, "step has to return what it measured"),
        ({"step": lambda self, run: {"loss": torch.ones(3)}}, r"'loss' has the shape \(3,\)"),
        ({"step": lambda self, run: {"loss": "small"}}, "number; 'loss' is a str"),
    ],
)
def test_what_a_beginner_writes_is_told_what_is_missing(
    samples: Tensor, changes: dict[str, Any], said: str
) -> None:
    if "build" in changes:
        changes["build"] = staticmethod(changes["build"])
    method = of_its_own(**changes)
    try:
        with pytest.raises((UserError, NotImplementedError), match=said):
            finish(Trainer(samples, method.settings_class()), 1)
    finally:
        METHODS.pop("own")


def test_settings_from_before_their_class_was_defined_again(samples: Tensor) -> None:
    old = of_its_own().settings_class()
    new = of_its_own().settings_class()  # the cell is run again
    try:
        Trainer(samples, new)
        with pytest.raises(UserError, match="OwnSettings were made before their class was defined"):
            Trainer(samples, old)
    finally:
        METHODS.pop("own")


def test_a_run_from_before_a_setting_was_renamed(samples: Tensor, tmp_path: Path) -> None:
    run = finish(Trainer(samples, BalancedSettings()), 1)
    run.save(tmp_path / pretrained.CHECKPOINT)
    state = torch.load(tmp_path / pretrained.CHECKPOINT, weights_only=True)
    state["settings"]["rate"] = state["settings"].pop("lr")
    torch.save(state, tmp_path / pretrained.CHECKPOINT)
    said = "BalancedSettings has no rate"
    with pytest.raises(UserError, match=said):
        Trainer.load(tmp_path / pretrained.CHECKPOINT, samples)
    with pytest.raises(UserError, match=said):
        pretrained.load_method(tmp_path)


def test_a_run_of_a_method_that_is_not_imported(samples: Tensor, tmp_path: Path) -> None:
    finish(Trainer(samples, BalancedSettings()), 1).save(tmp_path / pretrained.CHECKPOINT)
    known = METHODS.pop("test-balanced")
    try:
        with pytest.raises(UserError, match="One of your own is found when its file has been imp"):
            pretrained.load_method(tmp_path)
    finally:
        METHODS["test-balanced"] = known
