"""Curves of one or two runs, drawn again and again: any columns, in any number of charts."""

from collections.abc import Mapping, Sequence
from itertools import cycle

from matplotlib.artist import Artist
from matplotlib.axes import Axes

from gan_lessons import plotting
from gan_lessons.training import Chart
from gan_lessons.widgets.snapshots import Mark

POINTS = 500  # of a curve, about
NEAR = 0.05  # of a chart's width: marks that are as near share their letters' place
WINDOW = 25  # steps of the running mean
STYLES = ((plotting.REAL, "-"), (plotting.FAKE, "--"), (plotting.DISCRIMINATOR, "-."))

Columns = Mapping[str, Sequence[float]]  # by name, of equal length; "step" is one of them


class RunCurves:
    """The charts of one run; its lines are moved, not drawn anew, which is much faster."""

    def __init__(self, charts: Sequence[Chart], axes: Sequence[Axes]) -> None:
        self._axes = axes
        self._marks: list[Artist] = []
        self._lines = {}
        for chart, place in zip(charts, axes, strict=True):
            for (column, label), (colour, style) in zip(
                chart.lines.items(), cycle(STYLES), strict=False
            ):
                (line,) = place.plot([], [], color=colour, linestyle=style, label=label)
                self._lines[column] = line
            if chart.lines:
                place.legend(fontsize=8, loc="upper left")
            plotting.tidy(place)
            place.set_xlabel("step", fontsize=9)
            place.set_ylabel(chart.title, fontsize=9)
            if chart.level is not None:
                place.axhline(
                    chart.level, color=plotting.DISCRIMINATOR, linewidth=0.8, linestyle=":"
                )
            if chart.limits is not None:
                place.set_ylim(*chart.limits)

    def update(self, columns: Columns, step: int, marks: Sequence[Mark]) -> None:
        """Move the lines to the columns, up to ``step``, and the marks to where they are."""
        every = max(len(columns["step"]) // POINTS, 1)
        for name, line in self._lines.items():
            values = plotting.smooth(columns[name], WINDOW)
            line.set_data(columns["step"][::every], values[::every])
        for artist in self._marks:
            artist.remove()
        self._marks = []
        for axes in self._axes:
            axes.relim()
            axes.autoscale_view(scalex=False)  # where limits are set they stay
            axes.set_xlim(0, max(step, 1))
            for at in {mark.step for mark in marks}:
                line = axes.axvline(at, color=plotting.DISCRIMINATOR, linewidth=1, linestyle="-.")
                self._marks.append(line)
            for middle, letters in _words(marks, NEAR * max(step, 1)):
                above = axes.get_xaxis_transform()
                self._marks.append(
                    axes.text(middle, 1, letters, transform=above, ha="center", va="bottom")
                )


def _words(marks: Sequence[Mark], near: float) -> list[tuple[float, str]]:
    """Letters and where they stand; those that are nearer than that stand in one word."""
    groups: list[list[Mark]] = []
    for mark in sorted(marks, key=lambda mark: mark.step):
        if groups and mark.step - groups[-1][0].step < near:
            groups[-1].append(mark)
        else:
            groups.append([mark])
    return [
        (
            (group[0].step + group[-1].step) / 2,
            ",".join(mark.letter for mark in group)
            if len(group) < 4
            else f"{group[0].letter}–{group[-1].letter}",
        )
        for group in groups
    ]


class Curves:
    """One row of charts for each of one or two runs, as a PNG."""

    def __init__(self) -> None:
        self._drawn: tuple[tuple[Chart, ...], int] = ((), 0)
        self._rows: list[RunCurves] = []

    def draw(
        self, charts: tuple[Chart, ...], runs: Sequence[tuple[Columns, int, Sequence[Mark]]]
    ) -> bytes:
        """The PNG of some runs; of each its columns, its step and its marks."""
        if (charts, len(runs)) != self._drawn:
            self._begin(charts, len(runs))
        for row, (columns, step, marks) in zip(self._rows, runs, strict=True):
            row.update(columns, step, marks)
        return plotting.png(self._figure)

    def _begin(self, charts: tuple[Chart, ...], runs: int) -> None:
        self._drawn = (charts, runs)
        height = 2.5 * runs
        self._figure = plotting.Picture(figsize=(8.4, height))
        grid = self._figure.subplots(runs, len(charts), squeeze=False)
        self._figure.subplots_adjust(0.08, 0.5 / height, 0.99, 0.94, 0.19, 0.3)
        self._rows = [RunCurves(charts, list(axes)) for axes in grid]
