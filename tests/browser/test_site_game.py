"""The game and the theory in the exported pages: the package's numbers, and panels that move."""

import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from playwright.sync_api import Locator, Page, expect
from torch import Tensor

from authoring import live, webpage
from authoring.live import plane as plane_panels
from authoring.live import theory
from browser.harness import AXE, SHOTS, Jupyter, changed, settled
from gan_lessons import game, losses, plane
from gan_lessons.data import toys
from gan_lessons.errors import UserError
from gan_lessons.plane import Plan, PlaneTrainer
from gan_lessons.plotting import stamps

SCRIPTS = ("shell", "mlp", "plane", "plane_view", "live", "chart", "theory")
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


def lesson_says(lesson: str, *calls: str) -> Callable[..., str]:
    """A lesson's ``picture``, without its pictures: what it says of its controls' values."""
    undrawn = SimpleNamespace(densities=id, pushed_batch=id, paths=id)
    for name in vars(undrawn):
        setattr(undrawn, name, lambda *given, **more: None)
    known: dict[str, Any] = {"torch": torch, "math": math, "toys": toys, "game": game}
    known |= {"losses": losses, "plotting": undrawn, "names": ("g", "d"), "mark": None}
    for call in (*calls, "def picture("):
        exec(theory.cell_with(lesson, call), known)
    return lambda **values: str(known["picture"](**values)[1])


def test_panels_of_theory_say_what_the_lessons_say(ask: Ask) -> None:
    says = lesson_says("01", "grid = toys.grid(")
    for mean, width, gap in ((1.0, 1.0, 0.0), (0.0, 0.6, 3.0), (3.5, 0.2, 0.0), (-2.0, 3.0, 6.0)):
        values: dict[str, Any] = {"mean": mean, "width": width, "gap": gap}
        assert ask("sentence", "minimax", values) == says(**values)

    says = lesson_says("02", "def value_and_slope(", "def push(", "spread_real, spread_fake")
    spread = torch.randn(2, 400, generator=torch.Generator().manual_seed(3))
    shown = theory.logits()
    for name, numbers in zip(("real", "fake"), spread, strict=True):
        assert shown[name] == live.numbers(numbers)  # the page has the lesson's noise
    noise = dict(zip(("real", "fake"), spread.tolist(), strict=True))
    for objective in losses.OBJECTIVES:
        values = {"objective": objective, "fake_mean": -5.0, "fake_width": 1.5}
        values |= {"real_mean": 4.0, "real_width": 1.5}
        for fake_mean in (-5.0, 4.0):
            values["fake_mean"] = fake_mean
            assert ask("sentence", "logits", values, noise) == says(**values)

    says = lesson_says("03", "def step(g, d, g_before", "def factor(")
    for order, rate, k, damping in (
        ("alternating", 0.2, 1, 0.0),
        ("alternating", 0.9, 5, 0.0),
        ("simultaneous", 0.4, 1, 0.45),
        ("optimistic", 0.5, 1, 0.0),
        ("optimistic", 0.2, 3, 0.5),
    ):
        values = {"order": order, "rate": rate, "k": k, "damping": damping}
        assert ask("sentence", "circle", values) == says(**values)

    for size, kernel, stride, padding in ((7, 3, 2, 1), (7, 4, 2, 1), (7, 2, 3, 0), (1, 3, 2, 2)):
        values = {"size": size, "kernel": kernel, "stride": stride, "padding": padding}
        try:
            right = stamps.overlap(**values)[1]
        except UserError as error:
            right = str(error)
        assert ask("sentence", "overlap", values) == right


@pytest.fixture
def opened(jupyter: Jupyter, tmp_path: Path) -> Iterator[Callable[..., Page]]:
    """``opened(panels, hash)``: a page of panels, from disk; whatever goes wrong in it fails."""
    wrong: list[str] = []

    def open_page(panels: Sequence[live.Panel], address: str = "") -> Page:
        body = "\n".join(live.place(panel, "<p>Still</p>") for panel in panels)
        path = tmp_path / "page.html"
        path.write_text(webpage.page(path.name, "Panels", body, living=panels), encoding="utf-8")
        page = jupyter.browser.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda said: wrong.append(said.text))
        page.on("request", lambda asked: requests.append(asked.url))
        page.goto(path.as_uri() + address)
        made.append(page)
        return page

    made: list[Page] = []
    requests: list[str] = []
    yield open_page
    for page in made:
        page.close()
    assert wrong == []
    assert {url.partition("#")[0] for url in requests} <= {(tmp_path / "page.html").as_uri()}


def violations(page: Page) -> list[str]:
    """What axe finds in a page's panels."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    run = "axe.run('.live', {resultTypes: ['violations']})"
    found = page.evaluate(f"async () => (await {run}).violations")
    return [f"{each['id']}: {node['html'][:200]}" for each in found for node in each["nodes"]]


# Canvases are told of their new room after the next frame.
FITS = "document.documentElement.scrollWidth <= 400"
MOVED = {"minimax": 0, "logits": 0, "circle": -1, "overlap": -1}  # a slider that changes the words


def test_panels_of_theory_follow_their_controls(opened: Callable[..., Page]) -> None:
    page = opened(theory.PANELS)
    for number, panel in enumerate(theory.PANELS):
        root = page.locator(".live").nth(number)
        picture, line = root.locator("canvas"), root.get_by_role("status")
        before, said = settled(picture), line.inner_text()
        root.get_by_role("slider").nth(MOVED[panel.name]).press("End")
        changed(picture, before)
        expect(line).not_to_have_text(said)
        root.screenshot(path=SHOTS / f"site_game_{panel.name}.png")
    size = root.get_by_label("input size, a number")
    size.fill("1")
    size.press("Enter")
    expect(line).to_contain_text("⚠ The stamps cover 3 × 3 pixels, and padding 4 cuts 8 off")
    before = settled(picture)
    page.evaluate("document.querySelector('#theme').click()")  # dark: drawn anew
    changed(picture, before)
    assert violations(page) == []
    page.set_viewport_size({"width": 400, "height": 800})
    page.wait_for_function(FITS, timeout=10_000)


def test_the_playground_is_played_in_the_page(opened: Callable[..., Page]) -> None:
    page = opened(plane_panels.PANELS[:1])
    root, keyboard = page.locator(".live"), page.keyboard
    line, title = root.locator("> [role=status]"), root.locator("[data-part=title]").first
    picture = root.locator("canvas[data-part=plane]").first

    def button(name: str) -> Locator:
        return root.get_by_role("button", name=name, exact=True)

    expect(line).to_contain_text("120 steps are done, with the browser's own random numbers.")

    # Guided, in six sentences
    button("A guided minute").click()
    for number in range(1, 7):
        expect(root).to_contain_text(f"{number} of 6: ")
        keyboard.press("Enter")  # Next has the focus
    expect(button("Leave the guide")).to_have_count(0)

    # Play, move a rate while it trains, pause: by keyboard
    before = settled(picture)
    button("Play").focus()
    keyboard.press("Enter")
    before = changed(picture, before)
    expect(picture).to_have_attribute("aria-label", re.compile("^The run goes on"))
    rate = root.get_by_role("slider", name="rate of D, η_D")
    rate.focus()
    expect(root).to_contain_text("How far D's weights move at a step. Lesson 04.")
    keyboard.press("ArrowRight")
    expect(rate).not_to_have_attribute("aria-valuetext", "0.002")
    button("Pause").focus()
    keyboard.press("Enter")
    paused = re.compile(r"Paused at step ([\d,]+)")
    expect(line).to_have_text(paused)
    found = paused.search(line.inner_text())
    assert found is not None
    step = int(found[1].replace(",", ""))
    expect(title).to_have_text(f"Step {step:,}")  # its picture may come a moment later
    assert step > 120

    # Halves of a step, in words; a point that is read
    button("Step D").click()
    note = root.locator("[data-part=note]").first  # next to the plane
    expect(note).to_contain_text("D's half-step. D looked at 64 reals")
    button("Step G").click()
    expect(note).to_contain_text("G's half-step. D stood still.")
    expect(title).to_have_text(f"Step {step + 1:,}")
    button("Step").click()
    expect(title).to_have_text(f"Step {step + 2:,}")
    picture.focus()
    keyboard.press("ArrowRight")
    expect(note).to_contain_text("G(z) = (")

    # What is shown
    root.get_by_text("What is shown").click()
    before = settled(picture)
    root.get_by_label("warped noise grid").check()
    before = changed(picture, before)
    root.get_by_label("background").select_option("best discriminator D*")
    changed(picture, before)
    root.screenshot(path=SHOTS / "site_game_playground.png")
    assert violations(page) == []

    # Two runs, one again, back to the start
    button("Branch").click()
    root.get_by_label("objective").select_option("minimax")
    expect(root).to_contain_text(f"Run 2, step {step + 2}: objective = minimax")
    root.get_by_label("rate of D, η_D, a number").fill("0.00001")
    keyboard.press("Enter")
    differ = f"Run 2, step {step + 2}: rate of D, η_D = 1e-5, objective = minimax"
    expect(root).to_contain_text(differ)
    button("Keep run 1").click()
    expect(root.get_by_label("objective")).to_have_value("non_saturating")
    root.get_by_label("rewind to step").focus()
    keyboard.press("Home")
    expect(line).to_contain_text("Back at step 0.")
    expect(rate).to_have_attribute("aria-valuetext", "0.002")

    # One's own data
    root.get_by_text("Own data", exact=True).click()
    typed = root.get_by_label("or type points x, y;")
    typed.fill("0, 0; 9, 9")
    typed.press("Enter")
    expect(line).to_contain_text("⚠ The point (9, 9) is outside the plane")
    typed.fill("0, 0; 1, 1")
    typed.press("Enter")
    expect(root.get_by_label("real data")).to_have_value("drawn")
    root.get_by_label("Draw your own data").check()
    picture.scroll_into_view_if_needed()
    box = picture.bounding_box()
    assert box is not None
    before = settled(picture)
    page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.3 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.7 * box["width"], box["y"] + 0.5 * box["height"], steps=8)
    page.mouse.up()
    changed(picture, before)
    page.set_viewport_size({"width": 400, "height": 800})
    page.wait_for_function(FITS, timeout=10_000)
    root.screenshot(path=SHOTS / "site_game_playground_400.png")


def test_an_address_hands_out_a_run(opened: Callable[..., Page]) -> None:
    panels = plane_panels.PANELS[:1]

    def after_500_steps(page: Page) -> str:
        page.get_by_label("play until").select_option("500 steps later")
        page.get_by_label("speed").select_option("as fast as it goes")
        page.get_by_role("button", name="Play", exact=True).click()
        line = page.locator(".live").get_by_role("status")
        expect(line).to_contain_text("Paused at step 500: 500 steps are done. Step 500: G covers")
        return line.inner_text()

    address = "#panel?seed=7&objective=hinge&lr_discriminator=0.004&batch_size=16&grid=true"
    page = opened(panels, address)
    root = page.locator(".live")
    expect(root.get_by_role("status")).to_contain_text("A new run, as the address says. Step 0:")
    expect(root.get_by_label("objective")).to_have_value("hinge")
    root.get_by_role("button", name="Link to this run").click()
    handed = page.evaluate("location.hash")
    assert handed.startswith("#panel?")
    assert set(handed[7:].split("&")) == {*address[7:].split("&")}
    first = after_500_steps(page)
    assert after_500_steps(opened(panels, handed)) == first
    other = opened(panels, handed.replace("seed=7", "seed=8"))
    assert after_500_steps(other) != first
    other.evaluate("location.hash = '#panel?batch_size=1000'")
    said = other.locator(".live").get_by_role("status")
    expect(said).to_contain_text("⚠ In the address: batch_size is 1000; choose a whole number")
