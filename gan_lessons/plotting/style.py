"""The course's look: colours that colour-blind people can tell apart, axes without a box, PNG."""

import io

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

REAL = "#0072b2"  # blue, orange and black of Okabe and Ito's colour-blind-safe palette
FAKE = "#d55e00"
DISCRIMINATOR = "#222222"


class Picture(Figure):
    """A figure that a notebook shows by itself, with or without pyplot."""

    def _repr_png_(self) -> bytes:
        return png(self)

    def __repr__(self) -> str:  # the same in saved notebooks for every kind of picture
        return super().__repr__().replace(type(self).__name__, Picture.__name__, 1)


def new_axes(width: float = 6.0, height: float = 3.2) -> tuple[Figure, Axes]:
    """A new figure of so many inches, and its only axes."""
    figure = Picture(figsize=(width, height), layout="constrained")
    axes = figure.add_subplot()
    tidy(axes)
    return figure, axes


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
