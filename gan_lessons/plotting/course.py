"""The map of the course: which lesson needs which, and the two ways through."""

import json
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gan_lessons.plotting.boxes import arrow, box
from gan_lessons.plotting.style import DISCRIMINATOR, REAL, Picture

COURSE = Path(__file__).parents[1] / "tables" / "course.json"  # made from the lessons' sources
WIDTH, HEIGHT = 2.05, 0.72  # of a box; columns are 2.6 apart, rows 1
PALE = "#dceaf5"


def course_map(lessons: Sequence[Mapping[str, Any]] | None = None) -> Figure:
    """A box for each lesson, in a column for each part, with an arrow from what it needs.

    Args:
        lessons: in order, each with "lesson", "title", "part", "minutes", "needs" (numbers) and
            "digits_first"; by default those of this course.
    """
    lessons = lessons or json.loads(COURSE.read_text(encoding="utf-8"))
    parts = list(dict.fromkeys(lesson["part"] for lesson in lessons))
    rows = {part: [each for each in lessons if each["part"] == part] for part in parts}
    tallest = max(map(len, rows.values()))
    figure = Picture(figsize=(1.95 * len(parts), 1.0 * tallest + 1.0))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set(xlim=(-1.2, 2.6 * len(parts) - 1.4), ylim=(-tallest - 0.2, 1.1))
    places: dict[int, tuple[float, float]] = {}
    for column, part in enumerate(parts):
        axes.text(2.6 * column, 0.75, part, ha="center", weight="bold", fontsize=11)
        for row, lesson in enumerate(rows[part]):
            places[lesson["lesson"]] = (2.6 * column, -row)
            _box(axes, lesson, 2.6 * column, -row)
    for lesson in lessons:
        for need in filter(places.get, lesson["needs"]):
            _arrow(axes, places[need], places[lesson["lesson"]])
    first = [lesson for lesson in lessons if lesson["digits_first"]]
    names = " → ".join(f"{lesson['lesson']:02d}" for lesson in first)
    words = (
        f"digits first (blue, thick): {names}, {_hours(first)}\n"
        f"the whole theory: all in order, {_hours(lessons)}.  Arrows: what a lesson needs."
    )
    axes.text(-1.1, -tallest + 0.2, words, va="top", fontsize=11)
    return figure


def _hours(lessons: Sequence[Mapping[str, Any]]) -> str:
    return f"{sum(lesson['minutes'] for lesson in lessons) / 60:.0f} hours"


def _box(axes: Axes, lesson: Mapping[str, Any], x: float, y: float) -> None:
    on_route = lesson["digits_first"]
    title = textwrap.fill(f"{lesson['lesson']:02d} {lesson['title']}", 17)
    box(
        axes,
        (x, y),
        (WIDTH, HEIGHT),
        f"{title}\n{lesson['minutes']} minutes",
        face=PALE if on_route else "white",
        edge=REAL if on_route else DISCRIMINATOR,
        linewidth=2.2 if on_route else 0.8,
        fontsize=10,
    )


def _arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    """From a box to a box: down within a column, round it past others, or to the next column."""
    (x, y), (to_x, to_y) = start, end
    edge = WIDTH / 2 + 0.07
    bend = 0.0
    if x != to_x:
        start, end = (x + edge, y), (to_x - edge, to_y)
    elif y - to_y > 1:
        start, end, bend = (x - edge, y), (to_x - edge, to_y), 0.35
    else:
        start, end = (x, y - HEIGHT / 2 - 0.05), (to_x, to_y + HEIGHT / 2 + 0.05)
    arrow(axes, start, end, path=f"arc3,rad={bend}")
