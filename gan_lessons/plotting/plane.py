"""The plane: walks in it, points and balls in it, and heights over it."""

import math
from collections.abc import Mapping

from matplotlib.figure import Figure
from matplotlib.patches import Circle
from torch import Tensor

from gan_lessons.errors import expect
from gan_lessons.plotting.style import DISCRIMINATOR, FAKE, REAL, Picture, new_axes


def paths(
    walks: Mapping[str, Tensor],
    xlabel: str,
    ylabel: str,
    mark: tuple[str, tuple[float, float]] | None = None,
    edge: float | None = None,
) -> Figure:
    """Walks in a plane: one dot a step, a ring where a walk begins, a square where it ends.

    Args:
        walks: legend label → points (n, 2), in the order of the steps.
        xlabel: what the first coordinate is.
        ylabel: what the second one is.
        mark: label and place of a cross, if any.
        edge: show the square from −edge to edge, and no more; None: all that is walked.
    """
    figure, axes = new_axes(5.4, 4.2)
    looks = [("#009e73", "-"), ("#cc79a7", "--"), ("#56b4e9", "-."), (DISCRIMINATOR, ":")]
    for i, (label, walk) in enumerate(walks.items()):
        colour, style = looks[i % 4]
        x, y = walk.detach().unbind(1)
        axes.plot(x, y, color=colour, linestyle=style, linewidth=1.2, marker=".", ms=3, label=label)
        axes.plot(x[:1], y[:1], "o", color=colour, markerfacecolor="white", ms=8)
        axes.plot(x[-1:], y[-1:], "s", color=colour, ms=7)
    if mark:
        axes.plot(*mark[1], "x", color=DISCRIMINATOR, ms=9, mew=2, linestyle="none", label=mark[0])
    if edge is not None:
        axes.set(xlim=(-edge, edge), ylim=(-edge, edge), aspect="equal")
    axes.set(xlabel=xlabel, ylabel=ylabel)
    axes.legend(fontsize=8)
    return figure


def sidestep(place: tuple[float, float], rate: float, xlabel: str, ylabel: str) -> Figure:
    """One step of simultaneous play, at a right angle to the line from the equilibrium.

    Args:
        place: (g, d), where the step begins.
        rate: η; the step is (−η d, η g).
        xlabel: what g is.
        ylabel: what d is.
    """
    figure, axes = new_axes(4.2, 3.8)
    g, d = place
    tip = (g - rate * d, d + rate * g)
    radius, edge = math.hypot(g, d), 1.3 * math.hypot(*tip)
    axes.add_patch(Circle((0, 0), radius, fill=False, linestyle=":", edgecolor=DISCRIMINATOR))
    axes.plot([0, g], [0, d], color=DISCRIMINATOR)
    axes.plot([0, tip[0]], [0, tip[1]], color=DISCRIMINATOR, linestyle="--", linewidth=1)
    axes.annotate("", tip, place, arrowprops={"arrowstyle": "->", "color": FAKE, "linewidth": 2})
    axes.plot(0, 0, "o", color=DISCRIMINATOR)
    axes.set(xlabel=xlabel, ylabel=ylabel, xlim=(-edge, edge), ylim=(-edge, edge), aspect="equal")
    return figure


def clouds(fakes: Mapping[str, Tensor], real: Tensor, edge: float = 2.4) -> Figure:
    """Fakes in the plane over real points, one panel each.

    Args:
        fakes: title → points (n, 2); those outside the panel are not drawn.
        real: (m, 2), the same in each panel.
        edge: panels show the square from −edge to edge.

    Raises:
        UserError: the fakes have no names.
    """
    expect(fakes, Mapping, "fakes has to be a dictionary, title → points")
    figure = Picture(figsize=(2.7 * len(fakes), 2.9), layout="constrained")
    for axes, (title, points) in zip(
        figure.subplots(1, len(fakes), squeeze=False)[0], fakes.items(), strict=True
    ):
        axes.plot(*real.unbind(1), ".", color=REAL, ms=2, alpha=0.5, label="real")
        axes.plot(*points.detach().unbind(1), "x", color=FAKE, ms=3, mew=0.7, label="fake")
        axes.set(xlim=(-edge, edge), ylim=(-edge, edge), aspect="equal", xticks=[], yticks=[])
        axes.set_title(title, fontsize=9)
    figure.axes[0].legend(fontsize=7, loc="upper right", markerscale=2)
    return figure


def balls(centres: Tensor, radii: Tensor, points: Tensor, inside: Tensor) -> Figure:
    """Reals in the plane, each with a ball round it, and fakes in a ball or in none.

    Args:
        centres: reals (n, 2).
        radii: of their balls (n,).
        points: fakes (m, 2).
        inside: (m,), whether each fake lies in a ball.
    """
    figure = Picture(figsize=(5.6, 3.9), layout="constrained")
    axes = figure.add_subplot(aspect="equal", xlim=(-3.3, 3.3), ylim=(-2.4, 2.9))
    for centre, radius in zip(centres.tolist(), radii.tolist(), strict=True):
        axes.add_patch(Circle(centre, radius, color=REAL, alpha=0.08))
    axes.plot(*centres.unbind(1), ".", color=REAL, label="real, with its ball")
    axes.plot(*points[inside].unbind(1), "^", color=FAKE, label="fake in a ball")
    axes.plot(*points[~inside].unbind(1), "x", color=FAKE, label="fake in none")
    figure.legend(fontsize=8, ncols=3, loc="outside upper center")
    return figure


def contours(
    x: Tensor,
    y: Tensor,
    heights: Tensor,
    xlabel: str,
    ylabel: str,
    label: str = "",
    mark: tuple[float, float] | None = None,
    walk: Tensor | None = None,
) -> Figure:
    """A surface as contour lines over shades.

    Args:
        x: (m,), the horizontal axis.
        y: (n,), the vertical axis.
        heights: (n, m).
        xlabel: what x is.
        ylabel: what y is.
        label: what the height is.
        mark: where to put a dot, if anywhere.
        walk: points (n, 2) of a walk on the surface, drawn as small white dots.
    """
    figure, axes = new_axes(5.4, 3.8)
    shades = axes.contourf(x, y, heights, levels=16, cmap="cividis")
    axes.contour(x, y, heights, levels=16, colors="white", linewidths=0.4)
    figure.colorbar(shades, ax=axes, label=label)
    if mark:
        axes.plot(*mark, "o", color="white", markeredgecolor=DISCRIMINATOR)
    if walk is not None:
        axes.plot(*walk.detach().T, ".-", color="white")
    axes.set(xlabel=xlabel, ylabel=ylabel)
    return figure
