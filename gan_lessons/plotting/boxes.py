"""Boxes with words in them, and arrows between them."""

from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from gan_lessons.plotting.style import DISCRIMINATOR, Picture

PAD = 0.05  # between a box's size and its border, in units of the axes
INK = "#222222"

Point = tuple[float, float]


def sheet(width: float, height: float) -> tuple[Picture, Axes]:
    """A new figure of so many inches, and axes that fill it, unseen, with the inch as unit."""
    figure = Picture(figsize=(width, height))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set(xlim=(0, width), ylim=(0, height))
    return figure, axes


def box(
    axes: Axes,
    centre: Point,
    size: tuple[float, float],
    text: str,
    *,
    face: str = "white",
    edge: str = DISCRIMINATOR,
    linewidth: float = 0.8,
    corners: str = "round",
    fontsize: float = 9,
    weight: str = "normal",
) -> None:
    """A box of a size (without its `PAD`), with "round" or "square" corners, round a text."""
    (x, y), (width, height) = centre, size
    axes.add_patch(
        FancyBboxPatch(
            (x - width / 2, y - height / 2),
            width,
            height,
            boxstyle=f"{corners},pad={PAD}",
            facecolor=face,
            edgecolor=edge,
            linewidth=linewidth,
        )
    )
    words = axes.text(x, y, text, ha="center", va="center", fontsize=fontsize, color=INK)
    words.set_fontweight(weight)


def arrow(
    axes: Axes,
    start: Point,
    end: Point,
    *,
    colour: str = "#777777",
    path: str = "arc3,rad=0",
    dashed: bool = False,
    linewidth: float = 1.0,
) -> None:
    """An arrow, below the boxes that it touches; its path is a connection style of matplotlib."""
    axes.add_patch(
        FancyArrowPatch(
            start,
            end,
            arrowstyle="-|>",
            mutation_scale=9,
            color=colour,
            connectionstyle=path,
            linestyle="--" if dashed else "-",
            linewidth=linewidth,
            zorder=0.5,
        )
    )
