"""GANs in the plane and the playground, with no browser: maths, measures, commands, the loop."""

import asyncio
import base64
import gc
import json
import math
import weakref
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from gan_lessons import losses, plane, plotting
from gan_lessons.data import toys
from gan_lessons.errors import UserError
from gan_lessons.methods import GAN
from gan_lessons.plane import ModeCoverage, Network, OptimalDiscriminator, Plan, PlaneTrainer
from gan_lessons.training import Diverged, Player, describe
from gan_lessons.widgets import plane_canvas
from gan_lessons.widgets.drawings import DRAWINGS, parsed_points
from gan_lessons.widgets.playground import Playground, playground
from gan_lessons.widgets.playground_stories import MINUTE, STORIES

torch.set_num_threads(1)
SMALL: dict[str, Any] = {
    "layers": 1,
    "generator_width": 4,
    "discriminator_width": 4,
    "batch_size": 8,
}


def weights(run: PlaneTrainer) -> torch.Tensor:
    players = (run.generator, run.discriminator)
    return torch.cat([p.detach().flatten() for player in players for p in player.parameters()])


# Settings


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"data": "rings"}, r"data is 'rings'; choose one of ring, lattice"),
        ({"latent_dim": 17}, r"latent_dim is 17; choose a whole number from 1 to 16"),
        ({"layers": 2.5}, r"layers is 2.5; choose a whole number"),
        ({"noise": "cauchy"}, r"noise is 'cauchy'; choose one of normal, uniform"),
        ({"beta1_generator": 1.0}, r"beta1_generator is 1.0; choose a number from 0 to 0.999"),
        ({"lr_generator": 1.0}, r"lr_generator is 1.0; choose a number"),
        ({"data": "drawn"}, r"There are 0 points; draw 1 to 400"),
        ({"data": "drawn", "points": ((0, 3),)}, r"\(0, 3\) is outside the plane"),
        ({"data": "drawn", "points": ("a",)}, r"pairs of numbers"),
        ({"label_smoothing": 0.1, "objective": "hinge"}, r"no labels to smooth"),
    ],
)
def test_a_setting_out_of_range_is_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said):
        Plan(**wrong)


# Networks and training


def test_a_network_is_the_same_as_one_of_modules() -> None:
    network = Network(3, 2, layers=2, width=5)
    plain: list[torch.nn.Module] = []
    for layer in network.layers:
        plain += [layer, torch.nn.LeakyReLU(0.2)]
    oracle = torch.nn.Sequential(*plain[:-1])
    x = torch.randn(7, 3)
    assert torch.equal(network(x), oracle(x))
    assert Network(2, 1, 1, 3)(torch.randn(4, 2)).shape == (4,)


@pytest.mark.parametrize("penalty", ["gradient_penalty", "r1", "r2", "r1_and_r2"])
@pytest.mark.parametrize("objective", list(losses.OBJECTIVES))
def test_every_objective_and_penalty_trains(objective: str, penalty: str) -> None:
    run = PlaneTrainer(Plan(objective=objective, penalty=penalty, **SMALL))
    before = weights(run)
    for _ in range(3):
        run.train_step()
    assert weights(run).isfinite().all()
    assert not torch.equal(weights(run), before)
    assert plane.discriminator_shade(run, plane.cell_centres(5)).clamp(0, 1).shape == (25,)


@pytest.mark.parametrize("objective", list(losses.OBJECTIVES))
def test_steps_with_fewer_calls_are_the_usual_steps(
    objective: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    names: dict[str, Any] = {"optimizer_generator": "sgd", "optimizer_discriminator": "sgd"}
    plan = Plan(objective=objective, penalty="r1", instance_noise=0.1, **names, **SMALL)
    quick, plain = PlaneTrainer(plan), PlaneTrainer(plan)
    monkeypatch.setattr(plain.method, "answers", partial(GAN.answers, plain.method))
    for name, player in plain.players.items():
        network = player.network
        plain.players[name] = Player(network, torch.optim.SGD(network.parameters(), momentum=0.0))
    for _ in range(5):
        found, usual = quick.train_step(), plain.train_step()
        assert found.values == pytest.approx(usual.values, abs=1e-5)
    assert torch.allclose(weights(quick), weights(plain), atol=1e-5)
    assert not torch.equal(weights(quick), weights(PlaneTrainer(plan)))


@pytest.mark.parametrize("rule", plane.OPTIMIZERS)
def test_optimizers_are_those_of_torch(rule: str) -> None:
    ours, theirs = Network(3, 2, 2, 4), Network(3, 2, 2, 4)
    theirs.load_state_dict(ours.state_dict())
    optimizer = plane.FlatOptimizer(ours.parameters(), rule)
    optimizer.param_groups[0].update(lr=0.01, betas=(0.5, 0.9))
    oracle: torch.optim.Optimizer = {
        "adam": torch.optim.Adam(theirs.parameters(), 0.01, (0.5, 0.9)),
        "sgd": torch.optim.SGD(theirs.parameters(), 0.01, momentum=0.5),
        "rmsprop": torch.optim.RMSprop(theirs.parameters(), 0.01),
    }[rule]
    x = torch.randn(16, 3)
    for _ in range(6):
        loss = (ours(x) - 1).square().mean()
        optimizer.step(torch.autograd.grad(loss, list(ours.parameters())))
        oracle.zero_grad()
        (theirs(x) - 1).square().mean().backward()
        oracle.step()
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.allclose(a, b, atol=1e-5)
    assert ours.state_dict().keys() == theirs.state_dict().keys()


@pytest.mark.parametrize("optimizer", plane.OPTIMIZERS)
def test_every_optimizer_follows_its_controls(optimizer: str) -> None:
    names: dict[str, Any] = {
        "optimizer_generator": optimizer,
        "optimizer_discriminator": optimizer,
    }
    run = PlaneTrainer(Plan(**names, **SMALL))
    run.change(lr_generator=0.0, beta1_discriminator=0.5)
    before = weights(run)
    run.train_step()
    count = sum(p.numel() for p in run.generator.parameters())
    assert torch.equal(weights(run)[:count], before[:count])  # a rate of 0
    assert not torch.equal(weights(run)[count:], before[count:])
    assert run.optimizer_discriminator.param_groups[0]["betas"] == (0.5, 0.9)


@pytest.mark.parametrize("noise", plane.NOISES)
def test_noise_has_its_distribution(noise: str) -> None:
    run = PlaneTrainer(Plan(noise=noise, noise_scale=2.0, latent_dim=3, **SMALL))
    z = run.method.noise(20_000, run)
    assert z.shape == (20_000, 3)
    std = 2.0 if noise == "normal" else 2 / math.sqrt(3)
    assert z.std().item() == pytest.approx(std, rel=0.02)
    assert noise == "normal" or z.abs().max() <= 2


def test_a_state_brings_everything_back() -> None:
    run = PlaneTrainer(Plan(seed=3, **SMALL))
    for _ in range(60):
        run.train_step()
    state, twin = run.state(), run.branch()
    for _ in range(60):
        run.train_step()
    after, scores = weights(run), run.scores
    run.restore(state)
    for each in (run, twin):
        for _ in range(60):
            each.train_step()
        assert torch.equal(weights(each), after)
        assert each.scores == scores
    assert [score.step for score in scores] == [0, 50, 100]


def test_what_a_run_is_built_with_cannot_change_in_it() -> None:
    run = PlaneTrainer(Plan(**SMALL))
    with pytest.raises(UserError, match="latent_dim is fixed when a run begins"):
        run.change(latent_dim=3, lr_generator=0.01)
    assert run.settings.lr_generator == 2e-3
    assert run.change(latent_dim=2, lr_generator=0.01) == {"lr_generator": (2e-3, 0.01)}


# Measures


def test_real_samples_measure_as_good_as_can_be() -> None:
    for name in toys.TOYS_2D:
        coverage = ModeCoverage(toys.TOYS_2D[name]())
        real = coverage.mixture.sample(2000, torch.Generator().manual_seed(5))
        score = coverage.score(7, real)
        assert (score.step, score.covered) == (7, coverage.parts)
        assert score.good > 0.97  # a round Gaussian has 1.1 % beyond 3 standard deviations
        mean, std = coverage.floor
        assert abs(score.jsd - mean) < 6 * std + 1e-3
        assert 0 < mean < 0.04


def test_a_collapsed_generator_is_seen() -> None:
    coverage = ModeCoverage(toys.ring())
    one = coverage.mixture.centres[:1] + 0.05 * torch.randn(2000, 2)
    score = coverage.score(0, one)
    assert (score.covered, score.parts) == (1, 8)
    assert score.good > 0.99
    # One of eight modes: m = (p + q)/2; JSD = ½ KL(p‖m) + ½ KL(q‖m) for q on one eighth of p.
    p, q = torch.full((8,), 1 / 8), torch.eye(8)[0]
    m = (p + q) / 2
    exact = 0.5 * (p * (p / m).log()).sum() + 0.5 * torch.log(q[0] / m[0])
    assert score.jsd == pytest.approx(exact.item(), abs=0.08)
    far = coverage.score(0, torch.full((100, 2), math.nan))
    assert (far.covered, far.good) == (0, 0.0)
    assert far.jsd == pytest.approx(math.log(2), abs=1e-3)


def test_cells_and_histogram_agree_on_their_places() -> None:
    counts = plane.histogram(torch.cat([plane.cell_centres(6), torch.tensor([[9.0, 0.0]])]), 6)
    assert torch.equal(counts, torch.ones(6, 6, dtype=torch.long))
    lower_right = plane.histogram(torch.tensor([[2.3, -2.3]]), 4)
    assert lower_right[0, 3] == 1


def test_the_optimal_discriminator_is_half_for_a_perfect_generator_and_right_for_any() -> None:
    real = toys.two_gaussians()
    optimal = OptimalDiscriminator(real)
    inside = optimal.real > 0.05
    rng = torch.Generator().manual_seed(0)
    perfect = optimal(real.sample(200_000, rng))
    assert (perfect[inside] - 0.5).abs().max() < 0.06
    other = toys.GaussianMixture([[0.3, 0.2]], 0.5)
    wide = toys.GaussianMixture([[0.3, 0.2]], math.sqrt(0.5**2 + optimal.width**2))
    q = wide.density(plane.cell_centres(optimal.n)).view(optimal.n, optimal.n)
    exact = optimal.real / (optimal.real + q)
    found = optimal(other.sample(200_000, rng))
    assert (found - exact)[inside].abs().max() < 0.08


@pytest.mark.parametrize("objective", list(losses.OBJECTIVES))
def test_arrows_are_minus_the_gradient_of_the_chosen_loss(objective: str) -> None:
    run = PlaneTrainer(Plan(objective=objective, **SMALL))
    run.discriminator.double()
    run.data["samples"] = run.samples.double()
    fakes = run.fakes(6).double()
    arrows = plane.generator_gradient(run, fakes)

    def loss(points: torch.Tensor) -> float:
        with torch.no_grad():
            real = run.discriminator(run.samples[:6])
            made = losses.OBJECTIVES[objective].generator_loss(run.discriminator(points), real)
        return float(made) * 6

    for i in range(6):
        for axis in range(2):
            step = torch.zeros(6, 2, dtype=torch.float64)
            step[i, axis] = 1e-5
            slope = (loss(fakes + step) - loss(fakes - step)) / 2e-5
            assert arrows[i, axis].item() == pytest.approx(-slope, abs=1e-6)


def test_arrows_follow_the_loss_and_not_only_d() -> None:
    run = PlaneTrainer(Plan(**SMALL))
    fakes = run.fakes(50)
    opinion = plane.discriminator_shade(run, fakes)[:, None]
    pulls = {}
    for name in ("minimax", "non_saturating"):
        run.change(objective=name)
        pulls[name] = plane.generator_gradient(run, fakes)
    # −log(1 − D) against −log D: the same direction, lengths as D to 1 − D
    assert torch.allclose(pulls["minimax"] * (1 - opinion), pulls["non_saturating"] * opinion)


def test_cells_of_the_noise_grid_hold_equally_much() -> None:
    for noise in plane.NOISES:
        run = PlaneTrainer(Plan(noise=noise, noise_scale=1.5, **SMALL))
        corners = plane.noise_grid(run.settings, 9)
        ticks = corners[:9, 1]
        z = run.method.noise(100_000, run)[:, 0]
        inside = torch.histogram(z, ticks).hist / len(z)
        assert inside.numpy() == pytest.approx([0.98 / 8] * 8, abs=0.005)
    assert plane.noise_grid(Plan(latent_dim=1), 9).shape == (72, 1)
    five = plane.noise_grid(Plan(latent_dim=5), 9)
    assert five.shape == (81, 5)
    assert not five[:, 2:].any()


# The panel


def test_commands_do_without_a_browser() -> None:
    panel = playground(**SMALL)
    panel.step(30)
    assert panel.trainer.step == 30
    assert panel.sentence.startswith("Step 30: G covers ")
    before = weights(panel.trainer)
    panel.step_d()
    assert "D's half-step" in panel.canvases[0].told
    count = sum(p.numel() for p in panel.trainer.generator.parameters())
    now = weights(panel.trainer)
    assert torch.equal(now[:count], before[:count])
    assert not torch.equal(now[count:], before[count:])
    panel.step_g()
    assert "G's half-step" in panel.canvases[0].told
    assert "the non-saturating loss" in panel.canvases[0].told
    assert torch.equal(weights(panel.trainer)[count:], now[count:])
    assert panel.trainer.step == 31
    panel.set(lr_generator=0.01, arrows=True)
    assert panel.controls["lr_generator"].value == 0.01
    assert panel.canvases[0].arrows
    assert [mark.name for mark in panel.live.marks] == ["lr_generator"]
    panel.rewind(0)
    assert panel.settings.lr_generator == 2e-3
    assert panel.controls["lr_generator"].value == 2e-3
    panel.set(latent_dim=1)
    assert (panel.trainer.step, panel.settings.latent_dim) == (0, 1)
    with pytest.raises(UserError, match="Playing needs a notebook's kernel"):
        panel.play()


def test_a_slider_moves_a_run_and_an_impossible_choice_goes_back() -> None:
    panel = playground(**SMALL)
    panel.controls["noise_scale"].value = 2.0
    assert panel.settings.noise_scale == 2.0
    panel.controls["label_smoothing"].value = 0.1
    panel.controls["objective"].value = "hinge"
    assert "no labels to smooth" in panel.live.line.value
    assert 'role="alert"' in panel.live.line.value
    assert panel.controls["objective"].value == panel.settings.objective == "non_saturating"
    panel.controls["data"].value = "drawn"
    assert "Nothing is drawn yet" in panel.live.line.value
    assert panel.controls["data"].value == "ring"
    panel.controls["data"].value = "spiral"
    assert panel.settings.data == "spiral"
    assert "stretches" in panel.sentence


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"rate": 1}, "There is no setting 'rate'"),
        ({"lr_generator": 1e-9}, "lr_generator is 1e-09; choose from 1e-06 to 0.1"),
        ({"latent_dim": 0}, "latent_dim is 0"),
        ({"arrows": 1}, "arrows is 1; choose True or False"),
        ({"field": "E"}, "field is 'E'; choose one of D, best, nothing"),
    ],
)
def test_bad_input_is_refused_and_changes_nothing(wrong: dict[str, Any], said: str) -> None:
    panel = playground(**SMALL)
    settings = panel.settings
    with pytest.raises(UserError, match=said):
        panel.set(seed=5, **wrong)
    assert panel.settings is settings
    with pytest.raises(UserError, match=said):
        playground(**wrong)


def test_two_runs_differ_in_one_setting_only() -> None:
    panel = playground(seed=2, **SMALL)
    panel.step(10)
    panel.branch(objective="minimax")
    panel.step(10)
    first, second = panel.runs
    assert (first.step, second.step) == (20, 20)
    assert not torch.equal(weights(first), weights(second))
    assert torch.equal(first.next_batch()["samples"], second.next_batch()["samples"])
    assert "Run 1: Step 20" in panel.sentence
    assert panel.canvases[1].title == "Run 2, step 20: objective = minimax"
    panel.set(objective="non_saturating", lr_discriminator=1e-5)
    assert panel.canvases[1].title == "Run 2, step 20: rate of D, η_D = 1e-5"
    panel.keep(1)
    assert len(panel.runs) == 1
    with pytest.raises(UserError, match="choose 1 or 2"):
        panel.keep(3)
    panel.branch()
    panel.step(5)
    assert torch.equal(weights(panel.runs[0]), weights(panel.runs[1]))


def test_two_runs_from_one_seed_may_differ_in_what_they_are_built_with() -> None:
    panel = playground(seed=2, **SMALL)
    panel.step(10)
    panel.branch(latent_dim=1)
    first, second = panel.runs
    assert (first.step, second.step) == (0, 0)
    assert (first.settings.latent_dim, second.settings.latent_dim) == (2, 1)
    assert torch.equal(first.next_batch()["samples"], second.next_batch()["samples"])
    panel.step(30)
    panel.set(data="line")  # data are the same for both
    assert [run.settings.data for run in panel.runs] == ["line", "line"]
    panel.step(30)
    panel.rewind(25)
    assert [run.step for run in panel.runs] == [25, 25]
    assert [run.settings.latent_dim for run in panel.runs] == [2, 1]


def test_own_data() -> None:
    panel = playground(**SMALL)
    panel.draw([(0, 0), (1, 1)])
    assert "of 2 modes" in panel.sentence
    panel._stroke({"stroke": [[-1, 0.5], [-1, 0.6]]})
    assert panel.settings.points == ((-1, 0.5), (-1, 0.6))
    for name in DRAWINGS:
        panel.preset.value = name
        assert panel.settings.points == tuple(DRAWINGS[name]())
    panel.typed.value = "0, 0; (1 1) ;-0.5,−1"
    assert panel.settings.points == ((0, 0), (1, 1), (-0.5, -1))
    panel.typed.value = "0, 0; one"
    assert "&#x27;one&#x27; is no point" in panel.live.line.value
    panel.typed.value = "9, 9"
    assert "outside the plane" in panel.live.line.value
    assert parsed_points("") == []


def test_a_run_that_diverges_stops_and_says_who() -> None:
    panel = playground(**SMALL)
    panel.step(30)
    with torch.no_grad():
        next(iter(panel.trainer.discriminator.parameters())).fill_(math.inf)
    with pytest.raises(Diverged, match="discriminator's loss became nan at step 30"):
        panel.step(1)
    assert "You can rewind to step 25" in panel.live.line.value
    panel.rewind(25)
    panel.step(1)
    assert weights(panel.trainer).isfinite().all()


def test_playing_is_a_task_that_changes_reach() -> None:
    async def scene() -> Playground:
        panel = playground(**SMALL)
        panel.buttons["play"].click()
        assert panel.buttons["play"].description == "Pause"
        while panel.trainer.step < 10:
            await asyncio.sleep(0)
        panel.controls["lr_generator"].value = 0.01
        panel.controls["generator_width"].value = 6  # a new run, which plays on
        assert panel.live.playing
        while panel.trainer.step < 10:
            await asyncio.sleep(0)
        panel.buttons["play"].click()
        stopped = panel.trainer.step
        for _ in range(5):
            await asyncio.sleep(0.01)
        assert panel.trainer.step == stopped
        assert panel.live.error is None
        return panel

    panel = asyncio.run(scene())
    assert panel.settings.generator_width == 6
    assert panel.settings.lr_generator == 0.01
    assert panel.buttons["play"].description == "Play"


def test_playing_ends_when_it_is_asked_to() -> None:
    panel = playground(until="500 more", **SMALL)
    panel.step(20)
    panel._count_from_here()
    panel.step(499)
    assert panel._reason_to_pause() == ""
    panel.step(1)
    assert panel._reason_to_pause() == "500 steps are done."
    panel.set(until="covered")
    run = panel.trainer
    run.scores.append(run.score()._replace(covered=7, parts=8))
    assert panel._reason_to_pause() == ""
    run.scores[-1] = run.scores[-1]._replace(covered=8)
    assert panel._reason_to_pause() == "8 of 8 modes are covered."
    panel.set(until="collapsed")
    assert panel._reason_to_pause() == ""
    run.scores[-1] = run.scores[-1]._replace(covered=1)
    with torch.no_grad():
        for parameter in run.generator.parameters():
            parameter.mul_(1e-3)
    assert "all fakes crowd together, and 1 of 8 modes" in panel._reason_to_pause()


def test_speeds_and_stories() -> None:
    panel = playground(**SMALL)
    assert (panel.live.speed, panel.live.slow) == (50.0, 0.0)
    panel.set(speed="slow")
    assert (panel.live.speed, panel.live.slow) == (0.0, 3.0)
    with pytest.raises(UserError, match="speed is 30; choose one of slow, 1, 10, 50, 200, 0"):
        panel.set(speed=30)
    for name, story in STORIES.items():
        panel.buttons[name].click()  # no kernel here: it begins, and playing is refused
        assert panel.trainer.step == 0
        assert story.python in panel._story.value
        same = eval(story.python, {"playground": playground})
        assert same.settings == panel.settings
        assert same.views["arrows"].value == panel.views["arrows"].value
    with pytest.raises(UserError, match="There is no story 'sad'; choose one of healthy"):
        panel.story("sad")


def test_a_guide_points_and_can_be_left() -> None:
    panel = playground(**SMALL)
    panel.buttons["guide"].click()
    assert panel.guide.layout.display == "flex"
    assert panel.canvases[0].look == "plane"
    for words, part in MINUTE[1:]:
        panel.guide.next.click()
        assert words in panel.guide.words.value
        assert panel.canvases[0].look == (part if part in ("plane", "curves") else "")
        assert ("gan-look" in panel.buttons["play"]._dom_classes) == (part == "play")
    panel.guide.next.click()
    assert panel.guide.layout.display == "none"
    panel.buttons["guide"].click()
    panel.guide.leave.click()
    assert (panel.guide.layout.display, panel.canvases[0].look) == ("none", "")


def test_a_point_that_is_looked_at_is_told() -> None:
    panel = playground(**SMALL)
    panel.step(30)
    canvas, run = panel.canvases[0], panel.trainer
    canvas.chosen = 3  # as the browser does
    z, x = run.noise(4)[3], run.fakes(4)[3]
    logit = run.discriminator(x[None])[0].item()
    assert f"z = ({z[0]:.2f}, {z[1]:.2f}) → G(z) = ({x[0]:.2f}, {x[1]:.2f})".replace("-", "−") in (
        canvas.note
    )
    assert f"D = {1 / (1 + math.exp(-logit)):.2g}." in canvas.note
    arrow = np.frombuffer(canvas.arrow, np.float32)
    assert arrow[:2] == pytest.approx(x.numpy())
    canvas.chosen = 256
    assert canvas.note.startswith("Real point (")
    assert canvas.arrow == b""
    panel.set(objective="hinge")
    assert "D's score" in canvas.note
    canvas.chosen = -1
    assert canvas.note == ""


def test_closing_lets_go_of_the_run() -> None:
    panel = playground(**SMALL)
    run = weakref.ref(panel.trainer)
    panel.close()
    gc.collect()
    assert run() is None


# Pictures


def test_arrays_are_what_the_canvas_expects() -> None:
    panel = playground(arrows=True, grid=True, **SMALL)
    panel.step(60)
    sent = panel.canvases[0]

    def floats(data: bytes, columns: int) -> Any:
        return np.frombuffer(data, dtype=np.float32).reshape(-1, columns)

    run = panel.trainer
    assert floats(sent.real, 2) == pytest.approx(run.samples[:256].numpy())
    assert floats(sent.fake, 2) == pytest.approx(run.fakes(256).numpy())
    arrows = floats(sent.arrows, 4)
    assert arrows[:, :2] == pytest.approx(run.fakes(64).numpy())
    pull = plane.generator_gradient(run, run.fakes(64)).numpy()
    cross = arrows[:, 2] * pull[:, 1] - arrows[:, 3] * pull[:, 0]
    assert cross == pytest.approx(np.zeros(64), abs=1e-5)  # parallel
    assert len(floats(sent.grid, 2)) == sent.lines**2
    field = np.frombuffer(sent.field, dtype=np.uint8)
    answers = plane.discriminator_shade(run, plane.cell_centres(40)).numpy()
    assert field == pytest.approx(255 * answers, abs=0.6)
    counts = np.frombuffer(sent.curves, dtype=np.float32)[:2].astype(int)
    assert len(sent.curves) == 4 * (2 + 5 * counts[0] + 4 * counts[1])
    assert tuple(counts) == (60, 3)  # 60 steps; measured at 0, 50 and now
    size = sum(len(getattr(sent, n)) for n in ("real", "fake", "arrows", "grid", "field", "curves"))
    assert size < 20_000
    panel.set(real=False, fake=False, arrows=False, grid=False, field="nothing")
    assert not any((sent.real, sent.fake, sent.arrows, sent.grid, sent.field))


def test_long_curves_are_thinned_and_end_now() -> None:
    panel = playground(**SMALL)
    panel.step(1030)
    run = panel.trainer
    events, scores = plane_canvas.curve_data(run, run.score())
    assert len(events) <= plane_canvas.BINS
    assert scores[-1, 0] == 1030
    names = ("loss_discriminator", "loss_generator", "d_real", "d_fake")
    last = np.array([[event.values[n] for n in names] for event in run.history[-5:]]).mean(axis=0)
    assert events[-1, 1:] == pytest.approx(last, rel=1e-4)
    assert (np.diff(events[:, 0]) > 0).all()


def test_a_still_is_saved_beside_the_view() -> None:
    for settings in ({}, {"latent_dim": 1, "grid": True, "field": "best", "arrows": True}):
        panel = playground(**{**SMALL, **settings})
        data, about = panel._repr_mimebundle_()
        assert base64.b64decode(data["image/png"]).startswith(b"\x89PNG")
        assert "application/vnd.jupyter.widget-view+json" in data
        assert data["text/plain"].startswith("playground, step 0: ")
        assert about["image/png"]["alt"].startswith("Step 0: G covers")
    json.dumps(about)


def test_every_setting_that_may_move_has_a_labelled_control() -> None:
    panel = playground(**SMALL)
    assert set(panel.controls) == {n for n, s in describe(Plan).items() if s.group}
    for control in (
        *panel.controls.values(),
        *panel.views.values(),
        panel.field,
        panel.speed,
        panel.until,
    ):
        assert control.description


def test_script_uses_the_colours_of_the_course_and_no_network() -> None:
    script = (Path(plane_canvas.__file__).parent / "playground.js").read_text(encoding="utf-8")
    assert plotting.REAL in script
    assert plotting.FAKE in script
    assert "http" not in script
    assert "import " not in script
