"""The course's look: colours that colour-blind people can tell apart, axes without a box, PNG."""

import io
import pickle
from collections.abc import Hashable
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

REAL = "#0072b2"  # blue, orange and black of Okabe and Ito's colour-blind-safe palette
FAKE = "#d55e00"
DISCRIMINATOR = "#222222"


class Picture(Figure):
    """A figure that a notebook shows by itself, with or without pyplot."""

    def _repr_png_(self) -> bytes:
        return png(self)

    def __repr__(self) -> str:  # the same in saved notebooks for every kind of picture
        return super().__repr__().replace(type(self).__name__, Picture.__name__, 1)


_blanks: dict[Hashable, tuple[Any, bytes]] = {}  # kind → matplotlib's settings, pickled figure


def new_grid(
    width: float,
    height: float,
    rows: int,
    columns: int = 1,
    layout: Any = "constrained",
    **how: Any,
) -> tuple[Figure, NDArray[Any]]:
    """A new figure of so many inches, and its tidy axes (rows, columns).

    To make axes takes longer than to fill them, which a slider's user sees. So one figure of each
    kind is made, and those that are given out are copies of it.

    Args:
        width: of the figure.
        height: likewise.
        rows: of axes, below one another.
        columns: of axes, side by side.
        layout: as in `matplotlib.figure.Figure`.
        **how: as in its ``subplots``, such as ``sharex=True``.
    """
    kind = (width, height, rows, columns, layout, *sorted(how.items()))
    settings: Any = dict(dict.items(matplotlib.rcParams))  # the backend's getter imports pyplot
    if kind not in _blanks or _blanks[kind][0] != settings:
        made = Picture(figsize=(width, height), layout=layout)
        for axes in made.subplots(rows, columns, squeeze=False, **how).flat:
            tidy(axes)
        _blanks[kind] = settings, pickle.dumps(made)
    figure: Figure = pickle.loads(_blanks[kind][1])
    return figure, np.array(figure.axes).reshape(rows, columns)


def new_axes(width: float = 6.0, height: float = 3.2) -> tuple[Figure, Axes]:
    """A new figure of so many inches, and its only axes."""
    figure, axes = new_grid(width, height, 1)
    return figure, axes.item()


def tidy(axes: Axes) -> None:
    """Give axes the course's look: no box, a faint grid."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25)


def png(figure: Figure, dpi: int = 100, compression: int = 6) -> bytes:
    """The figure as PNG bytes; ``compression`` from 0 to 9, of which 1 is quick."""
    buffer = io.BytesIO()
    canvas, usual = figure.canvas, figure.dpi
    figure.dpi = dpi
    try:  # `savefig` would draw twice, the first time for the layout alone
        pillow = {"compress_level": compression}
        FigureCanvasAgg(figure).print_png(buffer, pil_kwargs=pillow)
    finally:
        figure.dpi = usual
        figure.set_canvas(canvas)
    return buffer.getvalue()
