"""Diagrams: the words and arrows that carry the idea are there, and nothing covers anything."""

import itertools
import subprocess
import sys

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from matplotlib.path import Path
from matplotlib.text import Text
from matplotlib.transforms import BboxBase

from gan_lessons import plotting
from gan_lessons.plotting.style import Picture

DIAGRAMS = [plotting.players_diagram, plotting.steps_diagram, plotting.one_pass_diagram]
each_diagram = pytest.mark.parametrize("draw", DIAGRAMS, ids=lambda draw: draw.__name__)


def words(figure: Figure) -> list[str]:
    return [text.get_text() for text in texts(figure)]


def texts(figure: Figure) -> list[Text]:
    return list(figure.axes[0].texts)


def boxes(figure: Figure) -> list[FancyBboxPatch]:
    return [each for each in figure.axes[0].patches if isinstance(each, FancyBboxPatch)]


def arrows(figure: Figure, dashed: bool) -> list[FancyArrowPatch]:
    found = [each for each in figure.axes[0].patches if isinstance(each, FancyArrowPatch)]
    return [each for each in found if (each.get_linestyle() == "--") == dashed]


def thick(figure: Figure) -> list[str]:
    """The words in boxes with a thick border."""
    marked = [each.get_window_extent() for each in boxes(figure) if each.get_linewidth() > 2]
    places = {text.get_text(): text.get_window_extent() for text in texts(figure)}
    return [name for box in marked for name, place in places.items() if inside(place, box)]


def inside(small: BboxBase, large: BboxBase) -> bool:
    return all(large.contains(x, y) for x, y in small.frozen().corners())


def rendered(figure: Figure) -> Figure:
    figure.set_dpi(100)
    FigureCanvasAgg(figure).draw()
    return figure


@each_diagram
def test_a_new_picture_each_time_of_a_notebook_cell(draw) -> None:
    first, second = draw(), draw()
    assert first is not second
    assert isinstance(first, Picture)
    assert plotting.png(first) == plotting.png(second)
    width, height = first.get_size_inches()
    assert 8 <= width <= 9
    assert 3 <= height <= 3.5


@each_diagram
def test_texts_are_legible_and_lie_in_the_figure(draw) -> None:
    figure = rendered(draw())
    for text in texts(figure):
        assert float(text.get_fontsize()) >= 9
        assert inside(text.get_window_extent(), figure.bbox), text.get_text()


@each_diagram
def test_nothing_covers_anything(draw) -> None:
    figure = rendered(draw())
    frames = [box.get_window_extent() for box in boxes(figure)]
    for one, other in itertools.combinations(frames, 2):
        assert not one.overlaps(other)
    found = [(text.get_text(), text.get_window_extent()) for text in texts(figure)]
    for (name, one), (other_name, other) in itertools.combinations(found, 2):
        assert not one.overlaps(other), (name, other_name)
    for name, place in found:
        for frame in frames:
            assert inside(place, frame) or not place.overlaps(frame), name
    for arrow in arrows(figure, dashed=True) + arrows(figure, dashed=False):
        path = arrow.get_transform().transform_path(arrow.get_path())
        strokes = [Path(stroke) for stroke in path.to_polygons(closed_only=False)]
        for name, place in found:
            assert not any(stroke.intersects_bbox(place, filled=False) for stroke in strokes), name


def test_players_say_what_goes_in_and_what_comes_out() -> None:
    figure = plotting.players_diagram()
    shown = words(figure)
    for needed in ("z: 64 numbers\n(noise)", "G\ngenerator", "D\ndiscriminator"):
        assert needed in shown
    for needed in ("G(z), a fake:\nimage 28 × 28", "x, real:\nimage 28 × 28", "logit:\n1 number"):
        assert needed in shown
    assert sum("loss" in each for each in shown) == 2
    assert shown.count("in") == 3
    assert shown.count("out") == 2
    assert not arrows(figure, dashed=True)
    assert len(arrows(figure, dashed=False)) == 7


def test_each_step_updates_one_player() -> None:
    figure = rendered(plotting.steps_diagram())
    shown = words(figure)
    for needed in ("D's step", "G's step", "detach()", "no gradient\ngoes to G"):
        assert shown.count(needed) == 1
    assert {"G\nstays", "D\nupdated", "G\nupdated", "D\nstays"} <= set(shown)
    assert thick(figure) == ["D\nupdated", "G\nupdated"]
    assert shown.count("gradient") == len(arrows(figure, dashed=True)) == 1 + 3
    middle = figure.bbox.width / 2
    left = [each.get_window_extent().x1 < middle for each in arrows(figure, dashed=True)]
    assert left == [True, False, False, False]
    assert len(arrows(figure, dashed=False)) == 5 + 4


def test_one_pass_updates_both_players() -> None:
    figure = rendered(plotting.one_pass_diagram())
    shown = words(figure)
    for needed in (
        "slope σ(t)",
        "slope −σ(−t), without a pass through D",
        "× −σ(−t) / σ(t)\nfor each fake",
        "gradient of D's loss\nat the pixels",
        "gradient of\nG's loss",
    ):
        assert needed in shown
    assert thick(figure) == ["G\nupdated", "D\nupdated"]
    assert len(arrows(figure, dashed=True)) == 5
    assert len(arrows(figure, dashed=False)) == 7


def test_diagrams_leave_pyplot_alone() -> None:
    code = (
        "import sys; from gan_lessons import plotting as p; "
        "p.players_diagram(); p.steps_diagram(); p.one_pass_diagram(); "
        "sys.exit('matplotlib.pyplot' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
