"""Figures: every pixel of a mosaic, every point of a curve, and no pyplot."""

import io
import math
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import matplotlib.colors
import matplotlib.image
import numpy as np
import pytest
import torch
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Rectangle, StepPatch

from gan_lessons import plotting
from gan_lessons.errors import UserError
from gan_lessons.game import Estimate
from gan_lessons.plotting.style import Picture, new_grid
from gan_lessons.studies.statistics import interval
from gan_lessons.training import Event

PNG = b"\x89PNG\r\n\x1a\n"
X = torch.linspace(-1, 1, 50)
NAMES = ("loss_discriminator", "loss_generator", "d_real", "d_fake")


def history(n: int = 60) -> list[Event]:
    numbers = torch.rand(n, 4, generator=torch.Generator().manual_seed(0)).tolist()
    values = [dict(zip(NAMES, row, strict=True)) for row in numbers]
    return [Event(i + 1, i / 10, i / 5, each) for i, each in enumerate(values)]


def colour(name: str) -> tuple[float, ...]:
    return matplotlib.colors.to_rgba(name)


def pixels(png: bytes) -> np.ndarray:
    return matplotlib.image.imread(io.BytesIO(png))


def legend(axes: Axes) -> list[str]:
    found = axes.get_legend()
    assert found is not None
    return [text.get_text() for text in found.get_texts()]


# Digits


@pytest.mark.parametrize(("n", "columns"), [(1, 8), (5, 3), (8, 8), (9, 8), (6, 1), (3, 3)])
def test_mosaic_places_every_pixel(n, columns) -> None:
    images = torch.rand(n, 1, 4, 3, generator=torch.Generator().manual_seed(n)) * 2 - 1
    picture = plotting.mosaic(images, columns)
    columns = min(columns, n)
    rows = -(-n // columns)
    expected = torch.full((rows * 6, columns * 5), 1.0)  # empty places are white
    for i in range(n):
        top, left = i // columns * 6, i % columns * 5
        expected[top : top + 6, left : left + 5] = -0.4  # the line around an image
        expected[top + 1 : top + 5, left + 1 : left + 4] = images[i, 0]
    assert torch.equal(picture, expected)


@pytest.mark.parametrize("n", [1, 5, 8])
def test_a_mosaic_of_colours_is_one_of_each_channel(n) -> None:
    images = torch.rand(n, 3, 4, 6, generator=torch.Generator().manual_seed(n)) * 2 - 1
    channels = [plotting.mosaic(images[:, i : i + 1], columns=3) for i in range(3)]
    assert torch.equal(plotting.mosaic(images, columns=3), torch.stack(channels, dim=2))


@pytest.mark.parametrize(
    "shape", [(28, 28), (4, 28, 28), (4, 2, 28, 28), (0, 1, 28, 28), (4, 3, 0, 28)]
)
def test_other_shapes_are_refused(shape) -> None:
    with pytest.raises(UserError, match=r"\(N, 1, h, w\) or \(N, 3, h, w\), not \("):
        plotting.digit_grid(torch.zeros(shape))


@pytest.mark.parametrize("n", [1, 7, 8, 19])
def test_digit_grid_shows_the_mosaic_with_ink_bright(n) -> None:
    images = torch.rand(n, 1, 28, 28) * 2 - 1
    figure = plotting.digit_grid(images.requires_grad_(), title="Digits")
    (axes,) = figure.axes
    (shown,) = axes.images
    assert np.array_equal(np.asarray(shown.get_array()), plotting.mosaic(images))
    assert shown.cmap(float(np.asarray(shown.norm(np.array(1.0)))))[:3] == (1, 1, 1)
    assert shown.cmap(float(np.asarray(shown.norm(np.array(-1.0)))))[:3] == (0, 0, 0)
    assert axes.get_title() == "Digits"
    assert plotting.png(figure).startswith(PNG)


def test_digit_grid_shows_colours_as_they_are() -> None:
    images = torch.rand(3, 3, 8, 8) * 4 - 2  # some of it beyond what can be shown
    (axes,) = plotting.digit_grid(images, columns=2).axes
    shown = np.asarray(axes.images[0].get_array())
    assert shown.shape == (20, 20, 3)
    assert np.allclose(shown[1:9, 1:9], (images[0].clamp(-1, 1) / 2 + 0.5).permute(1, 2, 0))


@pytest.mark.parametrize(
    "shape", [(1, 28, 28), (3, 16, 16), (3, 64, 64), (1, 8, 20), (1, 256, 256)]
)
def test_a_grid_is_as_wide_as_asked_and_no_pixel_is_lost(shape) -> None:
    images, (_, h, w) = torch.zeros(5, *shape), shape
    width, height = plotting.digit_grid(images, columns=3, inches=2).get_size_inches()
    assert (width, height) == pytest.approx((6, 2 * 2 * (h + 2) / (w + 2)))
    width, height = plotting.digit_grid(images, columns=3).get_size_inches()
    assert width == pytest.approx(3 * max(0.65, (w + 2) / 100))
    assert plotting.png(plotting.digit_grid(images)).startswith(PNG)


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 12, 40)])
def test_titles_stand_on_their_images(shape) -> None:
    titles = [str(i) for i in range(5)]
    (axes,) = plotting.digit_grid(torch.zeros(5, *shape), columns=3, titles=titles).axes
    cells = {text.get_text(): text.get_position() for text in axes.texts}
    assert list(cells) == titles
    for i, (x, y) in enumerate(cells.values()):
        assert (y // (shape[1] + 2), x // (shape[2] + 2)) == divmod(i, 3)


# Curves


@pytest.mark.parametrize("window", [1, 4, 100])
def test_smooth_is_the_mean_of_the_latest_values(window) -> None:
    values = torch.randn(20, generator=torch.Generator().manual_seed(0)).tolist()
    means = [np.mean(values[max(0, i + 1 - window) : i + 1]) for i in range(20)]
    assert np.allclose(plotting.smooth(values, window), means, atol=1e-12)
    assert len(plotting.smooth([], window)) == 0


def test_smooth_leaves_out_what_was_not_measured() -> None:
    values = plotting.smooth([math.nan, 1.0, math.nan, 3.0, math.nan, math.nan], 2)
    assert np.allclose(values, [math.nan, 1, 1, 3, 3, math.nan], equal_nan=True)


def test_curves_draw_the_running_means_of_a_run() -> None:
    events = history()
    left, right = plotting.curves(events, window=10).axes
    lines = {line.get_label(): line for axes in (left, right) for line in axes.lines}
    for label, name, look in (
        ("discriminator's loss", "loss_discriminator", plotting.REAL),
        ("generator's loss", "loss_generator", plotting.FAKE),
        ("D(x), real", "d_real", plotting.REAL),
        ("D(G(z)), fake", "d_fake", plotting.FAKE),
    ):
        values = [getattr(event, name) for event in events]
        assert np.array_equal(lines[label].get_xdata(), range(1, 61))
        assert np.allclose(lines[label].get_ydata(), plotting.smooth(values, 10))
        assert lines[label].get_color() == look
    assert right.get_ylim() == (0, 1)
    assert plotting.png(plotting.curves([])).startswith(PNG)  # before the first step


def test_curves_draw_levels_among_the_losses() -> None:
    plain = plotting.curves(history()).axes[0]
    left, right = plotting.curves(history(), levels={"log 4": 1.386, "log 2": 0.693}).axes
    drawn = [
        float(np.mean(np.asarray(line.get_ydata(), dtype=float)))
        for line in left.lines[len(plain.lines) :]
    ]
    assert drawn == pytest.approx([1.386, 0.693])
    assert [text.get_text() for text in left.texts] == ["log 4", "log 2"]
    assert not right.texts


def test_densities_and_what_discriminators_answer() -> None:
    real, fake, answers = X.exp(), (-X).exp(), X.sigmoid()
    (single,) = plotting.densities(X, real, fake).axes
    assert [line.get_label() for line in single.lines] == ["p, real", "q, generator"]
    above, below = plotting.densities(X, real, fake, {"D*": answers, "D": 1 - answers}).axes
    for line, values, look, style in zip(
        above.lines, (real, fake), (plotting.REAL, plotting.FAKE), ("-", "--"), strict=True
    ):
        assert np.array_equal(line.get_ydata(), values)
        assert (line.get_color(), line.get_linestyle()) == (look, style)
    labelled = {line.get_label(): line.get_ydata() for line in below.lines}
    assert np.array_equal(labelled["D*"], answers)
    assert np.array_equal(labelled["D"], 1 - answers)


# The other kinds


def test_bars_are_as_high_as_the_shares() -> None:
    shares = [0.05 + 0.01 * i for i in range(10)]
    (axes,) = plotting.bars(shares).axes
    assert [bar.get_height() for bar in axes.patches if isinstance(bar, Rectangle)] == shares
    assert axes.lines[0].get_ydata() == pytest.approx([0.1, 0.1])


def test_estimates_have_bars_of_two_standard_errors() -> None:
    found = [Estimate(0.5, 0.1), Estimate(0.7, 0.02)]
    (axes,) = plotting.estimates([10, 1000], found, truth=0.69).axes
    drawn = axes.containers[0]
    assert isinstance(drawn, ErrorbarContainer)
    (ends,) = drawn.lines[2]
    assert np.allclose(ends.get_segments(), [[(10, 0.3), (10, 0.7)], [(1000, 0.66), (1000, 0.74)]])
    assert any(line.get_ydata() == [0.69, 0.69] for line in axes.lines[-1:])


def test_matrices_share_one_scale() -> None:
    named = {"a": torch.tensor([[0.0, 1.0]]), "b": torch.tensor([[2.0], [4.0]])}
    figure = plotting.matrices(named)
    assert [axes.get_title() for axes in figure.axes] == ["a", "b"]
    for axes, values in zip(figure.axes, named.values(), strict=True):
        assert np.array_equal(np.asarray(axes.images[0].get_array()), values)
        assert axes.images[0].get_clim() == (0, 4)
    assert [text.get_text() for text in figure.axes[1].texts] == ["2", "4"]
    assert not plotting.matrices(named, numbers=False).axes[0].texts


def test_histograms_show_shares_whatever_the_counts() -> None:
    sets = {"real": torch.randn(100), "fake": torch.randn(9, 9), "other": torch.randn(7)}
    (axes,) = plotting.histograms(sets, "x").axes
    assert [steps.get_label() for steps in axes.patches] == list(sets)
    for steps, numbers in zip(axes.patches, sets.values(), strict=True):
        assert isinstance(steps, StepPatch)
        shares, edges, _ = steps.get_data()
        assert shares.sum() == pytest.approx(1)
        inside = (numbers >= edges[0]) & (numbers <= edges[-1])
        assert inside.all()
    assert axes.patches[0].get_edgecolor() == colour(plotting.REAL)
    assert axes.patches[1].get_edgecolor() == colour(plotting.FAKE)


def test_lines_avoid_the_colours_of_real_and_fake() -> None:
    curves = {f"curve {i}": X * i for i in range(4)}
    (axes,) = plotting.lines(X, curves, "x", "y", level=("limit", 0.5)).axes
    colours = [line.get_color() for line in axes.lines[:4]]
    assert len(set(colours)) == 4
    assert not {plotting.REAL, plotting.FAKE} & set(colours)
    assert legend(axes) == [*curves, "limit"]


def test_sidestep_stands_at_a_right_angle_and_leaves_the_circle() -> None:
    figure = plotting.sidestep((0.8, 0.6), 0.5, "g", "d")
    (axes,) = figure.axes
    radius, reached = (np.asarray(line.get_xydata(), float) for line in axes.lines[:2])
    arrow = reached[1] - radius[1]
    assert arrow @ radius[1] == pytest.approx(0)
    assert np.linalg.norm(arrow) == pytest.approx(0.5)
    (circle,) = (patch for patch in axes.patches if isinstance(patch, Circle))
    assert circle.radius == pytest.approx(1)
    assert np.linalg.norm(reached[1]) > 1
    assert axes.get_aspect() == 1


def test_contours_show_a_walk_on_the_surface() -> None:
    walk = torch.tensor([[0.0, 0.1], [0.2, 0.3], [0.4, 0.1]])
    figure = plotting.contours(X, X, torch.outer(X, X), "x", "y", walk=walk)
    assert np.allclose(figure.axes[0].lines[-1].get_xydata(), walk)


def test_paths_begin_with_a_ring_and_end_with_a_square() -> None:
    walk = torch.tensor([[1.0, 0.0], [0.0, 2.0], [-3.0, 1.0]])
    figure = plotting.paths({"a": walk, "b": -walk}, "x", "y", mark=("truth", (0, 0)), edge=2)
    (axes,) = figure.axes
    for (line, ring, square), points in zip(
        (axes.lines[:3], axes.lines[3:6]), (walk, -walk), strict=True
    ):
        assert np.array_equal(line.get_xydata(), points)
        assert (ring.get_marker(), square.get_marker()) == ("o", "s")
        assert np.array_equal(ring.get_xydata(), points[:1])
        assert np.array_equal(square.get_xydata(), points[-1:])
    assert axes.lines[0].get_linestyle() != axes.lines[3].get_linestyle()
    assert (axes.get_xlim(), axes.get_ylim()) == ((-2, 2), (-2, 2))
    assert legend(axes) == ["a", "b", "truth"]
    (wide,) = plotting.paths({"a": walk}, "x", "y").axes
    assert wide.get_xlim()[0] <= -3


def test_pushes_share_their_axes_and_differ_by_more_than_colour() -> None:
    curves = {"G's loss": X, "push on a real": X, "push on a fake": -X}
    figure = plotting.pushes(X, dict.fromkeys("abcd", curves), "score", (-2, 2))
    assert [axes.get_title() for axes in figure.axes[:4]] == list("abcd")
    assert all(axes.get_ylim() == (-2, 2) for axes in figure.axes[:4])
    assert [axes.axison for axes in figure.axes] == [True] * 4 + [False] * 2
    loss, on_real, on_fake, _zero = figure.axes[3].lines
    assert len({line.get_linestyle() for line in (loss, on_real, on_fake)}) == 3
    assert (on_real.get_color(), on_fake.get_color()) == (plotting.REAL, plotting.FAKE)
    assert np.array_equal(on_fake.get_ydata(), -X)
    assert legend(figure.axes[0]) == list(curves)


def test_pushed_batch_puts_its_dots_where_the_fakes_are() -> None:
    x = torch.linspace(-12, 12, 121)
    fake = torch.linspace(-5, -3, 101)
    figure = plotting.pushed_batch(-fake, fake, x, x.square(), -2 * x)
    top, middle, bottom = figure.axes
    assert legend(top) == ["real", "fake"]
    shares = [patch.get_data()[0] for patch in top.patches if isinstance(patch, StepPatch)]
    assert [np.sum(values) for values in shares] == pytest.approx([1, 1])
    assert np.array_equal(middle.lines[0].get_ydata(), x.square())
    curve, dots = (np.asarray(line.get_xydata(), float) for line in bottom.lines)
    assert np.allclose(curve[:, 1], -2 * x)
    assert np.allclose(dots[:, 0], np.arange(-4.8, -3.1, 0.2), atol=1e-5)
    assert np.allclose(dots[:, 1], -2 * dots[:, 0], atol=0.21)
    assert bottom.get_ylim()[1] > dots[:, 1].max()


def every_figure() -> list[Figure]:
    return [
        plotting.digit_grid(torch.zeros(3, 1, 28, 28)),
        plotting.curves(history(3)),
        plotting.densities(X, X.exp(), X.exp()),
        plotting.bars([0.1] * 10),
        plotting.lines(X, {"a": X}, "x", "y"),
        plotting.estimates([10], [SimpleNamespace(mean=0.0, standard_error=1.0)], 0.0),
        plotting.contours(X, X[:9], torch.outer(X[:9], X), "x", "y", "height", mark=(0.5, 0)),
        plotting.matrices({"a": torch.eye(2)}),
        plotting.histograms({"a": X}, "x"),
        plotting.paths({"a": torch.zeros(3, 2)}, "x", "y"),
        plotting.digit_rows({"a": torch.zeros(3, 1, 28, 28)}, columns=3),
        plotting.balls(torch.zeros(2, 2), torch.ones(2), torch.zeros(1, 2), torch.tensor([True])),
        plotting.strips({"a": X.exp()}, "x"),
    ]


def test_every_figure_is_new_and_shows_itself_in_a_notebook() -> None:
    for first, second in zip(every_figure(), every_figure(), strict=True):
        assert first is not second
        assert isinstance(first, Picture)
        assert isinstance(second, Picture)
        image = first._repr_png_()
        assert image.startswith(PNG)
        assert image == second._repr_png_()


def test_the_two_colours_differ_in_lightness_as_well() -> None:
    def lightness(name: str) -> float:
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour(name)]
        return float(np.dot(linear[:3], [0.2126, 0.7152, 0.0722]))

    assert colour(plotting.REAL) != colour(plotting.FAKE)
    assert lightness(plotting.FAKE) > 1.3 * lightness(plotting.REAL)


def test_new_axes_are_as_good_as_made_anew_and_nobody_elses() -> None:
    def fill(figure: Figure, grid: Any) -> bytes:
        for i, axes in enumerate(np.ravel(grid)):
            axes.plot([0, 1, 3], [i, 2, 1], label=f"line {i}")
            axes.set(title="a title", xlabel="x")
        return plotting.png(figure)

    anew = plotting.Picture(figsize=(3, 4), layout="constrained")
    grid = anew.subplots(2, 1, sharex=True)
    for axes in grid:
        plotting.tidy(axes)
    expected = pixels(fill(anew, grid))
    for _ in range(3):
        assert np.array_equal(pixels(fill(*new_grid(3, 4, 2, sharex=True))), expected)
    with matplotlib.rc_context({"axes.facecolor": "black"}):
        assert pixels(fill(*new_grid(3, 4, 2, sharex=True))).mean() < 0.6 * expected.mean()
    assert np.array_equal(pixels(fill(*new_grid(3, 4, 2, sharex=True))), expected)


@pytest.mark.parametrize("layout", [None, "constrained"])
def test_png_is_what_savefig_draws_and_draws_once(layout, monkeypatch) -> None:
    def figure() -> Figure:
        made = plotting.Picture(figsize=(3, 2), layout=layout)
        made.add_subplot(title="a title", ylabel="a label").plot([1, 3, 2])
        return made

    oracle, ours, draw = io.BytesIO(), figure(), Figure.draw
    drawn: list[Figure] = []
    figure().savefig(oracle, dpi=120)
    canvas = ours.canvas

    def count(figure: Figure, renderer: Any) -> None:
        drawn.append(figure)
        draw(figure, renderer)

    monkeypatch.setattr(Figure, "draw", count)
    assert np.array_equal(pixels(plotting.png(ours, 120)), pixels(oracle.getvalue()))
    assert drawn == [ours]
    quick = plotting.png(figure(), 120, compression=1)
    assert np.array_equal(pixels(quick), pixels(oracle.getvalue()))
    assert (ours.canvas, ours.dpi) == (canvas, 100)


def test_pyplot_is_never_imported() -> None:
    code = (
        "import sys, torch\n"
        "from gan_lessons import plotting\n"
        "import gan_lessons.widgets.watch\n"
        "plotting.png(plotting.digit_grid(torch.zeros(3, 1, 28, 28)))\n"
        "plotting.png(plotting.bars([0.5, 0.5]))\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_races_draw_a_line_for_each_run_and_name_each_recipe_once() -> None:
    runs = {"fast": [[(1, 9.0), (4, 2.0)], [(1, 8.0), (4, 3.0)]], "slow": [[(2, 50.0), (4, 40.0)]]}
    (axes,) = plotting.races(runs).axes
    drawn = [[(x, y) for x, y in np.asarray(line.get_xydata())] for line in axes.lines]
    assert drawn == [run for curves in runs.values() for run in curves]
    assert legend(axes) == ["fast", "slow"]
    fast, again, slow = ((line.get_color(), line.get_marker()) for line in axes.lines)
    assert fast == again
    assert fast[0] != slow[0]
    assert fast[1] != slow[1]


def test_clouds_draw_reals_and_fakes_in_every_panel() -> None:
    real, fakes = torch.randn(30, 2), {"a": torch.randn(7, 2), "b": torch.randn(9, 2)}
    figure = plotting.clouds(fakes, real)
    for axes, (title, points) in zip(figure.axes, fakes.items(), strict=True):
        assert axes.get_title() == title
        drawn = [torch.tensor(line.get_xydata()).float() for line in axes.lines]
        assert torch.equal(drawn[0], real)
        assert torch.equal(drawn[1], points)
    assert plotting.png(figure).startswith(PNG)


def test_pairs_join_each_seed_s_results_and_show_both_means() -> None:
    (axes,) = plotting.pairs([1.0, 2.0], [3.0, 5.0], ("plain", "ours"), "macro-F1").axes
    *joined, means = axes.get_lines()
    assert [list(map(float, np.asarray(line.get_ydata()))) for line in joined] == [[1, 3], [2, 5]]
    assert list(map(float, np.asarray(means.get_ydata()))) == [1.5, 4.0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["plain", "ours"]
    assert axes.get_ylabel() == "macro-F1"


def test_groups_draw_every_game_and_its_interval() -> None:
    values = {"plain": [1.0, 2.0, 4.0], "R1": [5.0, 6.0, 7.0]}
    intervals = {name: interval(found, 8) for name, found in values.items()}
    (axes,) = plotting.groups(values, intervals, "modes covered", 8).axes
    heights = [np.asarray(line.get_ydata()).tolist() for line in axes.lines]
    assert [found for found in heights if len(found) == 3] == list(values.values())
    drawn = [each for each in axes.collections if isinstance(each, LineCollection)]
    bars = [each.get_segments()[0][:, 1].tolist() for each in drawn]
    assert bars == [pytest.approx([low, high]) for _, low, high in intervals.values()]
    assert [label.get_text() for label in axes.get_xticklabels()] == list(values)


def test_digit_rows_show_the_grid_with_its_names() -> None:
    rows = {"real": torch.rand(5, 1, 28, 28) * 2 - 1, "fake": torch.rand(4, 1, 28, 28) * 2 - 1}
    figure = plotting.digit_rows(rows, columns=3, inches=0.5)
    (axes,) = figure.axes
    want = plotting.mosaic(torch.cat([rows["real"][:3], rows["fake"][:3]]), columns=3)
    assert torch.equal(torch.tensor(np.asarray(axes.images[0].get_array())), want)
    assert [text.get_text() for text in axes.texts] == ["real", "fake"]
    assert axes.texts[0].get_position()[1] > axes.texts[1].get_position()[1]  # real is above
    left, _, width, _ = axes.get_position().bounds
    assert left + width == pytest.approx(1)
    assert width * figure.get_figwidth() == pytest.approx(3 * 0.5)


def test_balls_are_round_the_reals_and_tell_the_fakes_apart() -> None:
    real, radii = torch.tensor([[0.0, 0.0], [1.0, 1.0]]), torch.tensor([0.5, 0.25])
    fake = torch.tensor([[0.1, 0.0], [2.0, 2.0], [1.0, 1.1]])
    inside = (torch.cdist(fake, real) <= radii).any(dim=1)
    (axes,) = plotting.balls(real, radii, fake, inside).axes
    circles = [patch for patch in axes.patches if isinstance(patch, Circle)]
    drawn = [(*circle.center, circle.radius) for circle in circles]
    assert drawn == [(0, 0, 0.5), (1, 1, 0.25)]
    points = [torch.tensor(line.get_xydata()).float() for line in axes.lines]
    assert [len(some) for some in points] == [2, 2, 1]
    assert torch.equal(points[1], fake[inside])
    assert torch.equal(points[2], fake[~inside])
    assert len({line.get_marker() for line in axes.lines}) == 3  # not by colour alone


def test_strips_draw_every_number_in_its_row() -> None:
    values = {"a": torch.tensor([1.0, 2.0]), "b": torch.tensor([30.0]), "c": torch.tensor([7.0])}
    (axes,) = plotting.strips(values, "distance", limits=(0.5, 50)).axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a", "b", "c"]
    heights = list(axes.get_yticks())
    assert heights == sorted(heights, reverse=True)  # the first is on top
    for line, numbers, height in zip(axes.lines, values.values(), heights, strict=True):
        assert np.asarray(line.get_xdata()).tolist() == numbers.tolist()
        assert set(np.asarray(line.get_ydata()).tolist()) == {height}
    assert axes.get_xscale() == "log"
    assert axes.get_xlim() == (0.5, 50)


def test_the_map_has_a_box_for_each_lesson_and_an_arrow_for_each_need() -> None:
    common = {"part": "I", "minutes": 45}
    lessons = [
        common | {"lesson": 0, "title": "Start", "needs": [], "digits_first": True},
        common | {"lesson": 1, "title": "Aside", "needs": [0], "digits_first": False},
        common | {"lesson": 2, "title": "End", "part": "II", "needs": [0, 1], "digits_first": True},
    ]
    (axes,) = plotting.course_map(lessons).axes
    words = [text.get_text() for text in axes.texts]
    for lesson in lessons:
        assert f"{lesson['lesson']:02d} {lesson['title']}\n45 minutes" in words
    assert "digits first (blue, thick): 00 → 02, 2 hours\n" in words[-1]
    assert len(axes.patches) == 3 + 3
    widths = [patch.get_linewidth() for patch in axes.patches[:3]]
    assert widths[0] == widths[2] > widths[1]


def test_scores_stand_in_rows_within_the_limits() -> None:
    named = {"one": torch.tensor([-1.0, -20]), "other": torch.tensor([2.0])}
    (axes,) = plotting.scores(named, "score", 0.5, (-5, 5)).axes
    across, along = (
        [np.asarray(data).tolist() for data in each]
        for each in zip(*((line.get_xdata(), line.get_ydata()) for line in axes.lines), strict=True)
    )
    assert across == [[-1, -5], [2], [0.5, 0.5]]
    assert min(along[0]) > max(along[1])  # the first is on top
    assert axes.get_xlim() == (-5, 5)
