"""The game and the theory in the exported pages: the package's numbers, and panels that move."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from authoring import live
from browser.harness import Jupyter
from gan_lessons import losses, plane
from gan_lessons.plane import Plan, PlaneTrainer

SCRIPTS = ("shell", "mlp", "plane", "plane_view", "live")
Ask = Callable[..., Any]


@pytest.fixture(scope="module")
def ask(jupyter: Jupyter, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ask]:
    """``ask("losses", …)``: a function of game.js, in a page with the game's scripts."""
    texts = [live.script(name) for name in SCRIPTS]
    texts.append(Path(__file__).with_name("game.js").read_text(encoding="utf-8"))
    path = tmp_path_factory.mktemp("scripts") / "page.html"
    body = "".join(f"<script>{text}</script>" for text in texts)
    path.write_text(f"<!DOCTYPE html><meta charset=utf-8><title>Scripts</title>{body}")
    page = jupyter.browser.new_page()
    page.goto(path.as_uri())
    yield lambda name, *given: page.evaluate("([n, all]) => game[n](...all)", [name, [*given]])
    page.close()


def flat(network: Any) -> list[float]:
    """Weights of a network as one list, in the order of its parameters."""
    found: list[float] = torch.cat([p.detach().flatten() for p in network.parameters()]).tolist()
    return found


def drawn(rng: torch.Generator, *networks: Any) -> None:
    """Weights large enough that every unit answers."""
    for network in networks:
        for parameter in network.parameters():
            torch.nn.init.normal_(parameter, generator=rng)


def close(found: Any, right: Tensor, tolerance: float = 1e-9) -> None:
    """A list from the page is the package's tensor."""
    there = torch.tensor(found, dtype=torch.float64).flatten()
    here = right.detach().double().flatten()
    torch.testing.assert_close(there, here, rtol=tolerance, atol=tolerance)


def gradient(loss: Tensor, network: Any) -> Tensor:
    """The slope of a loss in all weights of a network, 0 for those that it does not know."""
    weights = [*network.parameters()]
    found = torch.autograd.grad(loss, weights, materialize_grads=True)
    return torch.cat([part.flatten() for part in found])


@pytest.mark.parametrize("objective", losses.OBJECTIVES)
def test_losses_and_gradients_are_torchs(ask: Ask, objective: str) -> None:
    rng = torch.Generator().manual_seed(0)
    g, d = plane.Network(3, 2, 2, 7).double(), plane.Network(2, 1, 3, 6).double()
    drawn(rng, g, d)
    z = torch.randn(5, 3, generator=rng, dtype=torch.float64)
    real = torch.randn(5, 2, generator=rng, dtype=torch.float64)
    smoothing = 0.1 if objective in ("minimax", "non_saturating") else 0.0
    sizes = [[3, 7, 7, 2], [2, 6, 6, 6, 1]]
    found = ask("losses", objective, smoothing, sizes, flat(g), flat(d), z.tolist(), real.tolist())
    pair, fake = losses.OBJECTIVES[objective], g(z)
    loss_d = pair.discriminator_loss(d(real), d(fake.detach()), smoothing)
    loss_g = pair.generator_loss(d(fake), d(real).detach())
    rights = (loss_d, gradient(loss_d, d), loss_g, gradient(loss_g, g))
    for value, right in zip(found, rights, strict=True):
        close(value, right)


@pytest.mark.parametrize("kind", ["steep", "one"])
def test_a_penaltys_gradient_is_torchs_and_that_of_finite_differences(ask: Ask, kind: str) -> None:
    rng = torch.Generator().manual_seed(1)
    d = plane.Network(2, 1, 3, 6).double()
    drawn(rng, d)
    points = torch.randn(7, 2, generator=rng, dtype=torch.float64)
    penalty, found, differences = ask(
        "penalty", kind, 0.7, [2, 6, 6, 6, 1], flat(d), points.tolist()
    )
    if kind == "steep":
        right = losses.r1(d, points)
    else:  # as losses.gradient_penalty, where both ends are the same points
        right = losses.gradient_penalty(d, points, points, rng)
    close(penalty, right)
    close(found, 0.7 * gradient(right, d))
    close(differences, torch.tensor(found), 1e-6)


@pytest.mark.parametrize("rule", plane.OPTIMIZERS)
def test_optimizers_move_as_the_packages(ask: Ask, rule: str) -> None:
    rng = torch.Generator().manual_seed(2)
    weights = torch.nn.Parameter(torch.randn(9, generator=rng, dtype=torch.float64))
    slopes = torch.randn(6, 9, generator=rng, dtype=torch.float64)
    found = ask("optimizer", rule, weights.tolist(), slopes.tolist())
    optimizer = plane.FlatOptimizer([weights], rule)
    optimizer.param_groups[0].update(lr=0.02, betas=(0.5, 0.9))
    for slope in slopes:
        optimizer.step([slope])
    close(found, weights)


# Each objective, each penalty but one that is drawn by chance, and more than one move of each.
PLANS = [
    Plan(),
    Plan(objective="relativistic", penalty="r1_and_r2", penalty_weight=0.3, noise="uniform"),
    Plan(objective="hinge", penalty="r2", discriminator_steps=2, beta1_discriminator=0.5),
    Plan(objective="wasserstein", penalty="r1", optimizer_discriminator="rmsprop", latent_dim=1),
    Plan(objective="least_squares", generator_steps=2, optimizer_generator="sgd", layers=3),
    Plan(objective="minimax", label_smoothing=0.2, noise_scale=2.0, latent_dim=4),
]


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.objective)
def test_whole_steps_are_the_packages(ask: Ask, plan: Plan) -> None:
    plan = replace(plan, batch_size=8, generator_width=9, discriminator_width=10)
    run, rng = PlaneTrainer(plan), torch.Generator().manual_seed(3)
    draws = 3 * (plan.discriminator_steps + plan.generator_steps)
    batches = torch.randn(draws, 8, 2, generator=rng)
    noise = torch.randn(draws, 8, plan.latent_dim, generator=rng)
    mixture, start = run.coverage.mixture, {n: flat(p.network) for n, p in run.players.items()}
    given = (mixture.centres.tolist(), mixture.std[0].item(), start, batches, noise)
    weights, shade, pull, grid, d_real = ask(
        "steps", asdict(plan), *given[:3], batches.tolist(), noise.tolist()
    )
    real, latent = iter(batches), iter(noise)
    run.next_batch = lambda: {"samples": next(real)}  # type: ignore[method-assign]
    run.method.standard_noise = lambda n, rng: next(latent)  # type: ignore[method-assign]
    for _ in range(3):
        run.train_step()
    for found, name in zip(weights, ("generator", "discriminator"), strict=True):
        close(found, torch.tensor(flat(run.players[name].network)), 2e-4)
    points = plane.cell_centres(6)
    run.data["samples"] = points
    run.fakes = lambda n: points[:n]  # type: ignore[method-assign]
    close(shade, plane.discriminator_shade(run, points), 1e-3)
    close(pull, plane.generator_gradient(run, points), 1e-3)
    close(grid, plane.warped_grid(run), 1e-3)
    assert d_real == pytest.approx(run.history[-1].d_real, abs=1e-4)


@pytest.mark.parametrize("data", ["ring", "two_moons"])
def test_measures_and_exact_curves_are_the_packages(ask: Ask, data: str) -> None:
    coverage = plane.ModeCoverage(plane.data_distribution(Plan(data=data)))
    mixture = coverage.mixture
    fakes = mixture.sample(2000, torch.Generator().manual_seed(4)) * torch.tensor([1.0, 0.4])
    given = (mixture.centres.tolist(), mixture.std[0].item(), fakes.tolist())
    score, cells, best, floor = ask("measures", *given)
    right = coverage.score(0, fakes)
    assert (score["covered"], score["parts"]) == (right.covered, right.parts)
    assert 0 < right.covered < right.parts
    assert score["good"] == pytest.approx(right.good, abs=1e-6)
    assert score["jsd"] == pytest.approx(right.jsd, abs=1e-6)
    close(cells, coverage._cells, 1e-6)
    close(best, plane.OptimalDiscriminator(mixture)(fakes), 1e-5)
    mean, deviation = coverage.floor
    assert abs(floor - mean) < 4 * deviation  # of other samples, so not the same


@pytest.mark.parametrize("noise", plane.NOISES)
@pytest.mark.parametrize("latent_dim", [1, 3])
def test_the_grid_of_noise_is_the_packages(ask: Ask, noise: str, latent_dim: int) -> None:
    plan = Plan(noise=noise, latent_dim=latent_dim, noise_scale=1.5)
    close(ask("noiseGrid", asdict(plan)), plane.noise_grid(plan), 1e-5)


def test_one_seed_is_one_run_and_a_rewound_one_takes_the_same_way(ask: Ask) -> None:
    plan = asdict(Plan(noise="uniform", instance_noise=0.1, penalty="gradient_penalty"))
    first, second, again, other = ask("again", plan, [[1.0, 0.0], [-1.0, 0.0]], 0.1)
    assert first == second == again
    assert first != other


def test_memory_is_bounded_and_spread_over_the_whole_run(ask: Ask) -> None:
    steps, history, scores, kept = ask("memory", asdict(Plan(layers=1)), [[1.0, 0.0]], 0.1, 20_000)
    assert steps == 40_000  # each of the two halves is counted
    assert history < 800
    assert scores < 400
    assert len(kept) <= 40
    assert kept[0] == 0
    assert kept[-1] > 0.9 * steps
