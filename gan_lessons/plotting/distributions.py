"""How numbers are spread: densities, histograms, marks in rows, results beside an interval."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter
from torch import Tensor

from gan_lessons.errors import expect, expect_whole
from gan_lessons.plotting.style import DISCRIMINATOR, FAKE, REAL, new_axes, new_grid


def densities(
    x: Tensor,
    real: Tensor,
    fake: Tensor,
    discriminators: Mapping[str, Tensor] | None = None,
) -> Figure:
    """Two densities over x, and below them what one or more discriminators answer.

    Args:
        x: grid (n,).
        real: the data's density on the grid (n,).
        fake: the generator's, likewise.
        discriminators: legend label → probabilities (n,).

    Raises:
        UserError: the discriminators have no names.
    """
    if discriminators is not None:
        expect(discriminators, Mapping, "discriminators has to be a dictionary, label → answers")
    height, rows = (4.2, 2) if discriminators else (2.6, 1)
    figure, grid = new_grid(6.4, height, rows, sharex=True)
    panels = grid[:, 0]
    panels[0].plot(x, real, color=REAL, label="p, real")
    panels[0].plot(x, fake, color=FAKE, linestyle="--", label="q, generator")
    panels[0].set_ylabel("density")
    styles = ["-", "--", ":", "-."]
    for i, (label, answers) in enumerate((discriminators or {}).items()):
        panels[1].plot(x, answers, color=DISCRIMINATOR, linestyle=styles[i % 4], label=label)
        panels[1].set(ylim=(-0.02, 1.02), ylabel="D(x)")
    if discriminators:
        panels[1].axhline(0.5, color=DISCRIMINATOR, linewidth=0.6, linestyle=":")
    panels[-1].set_xlabel("x")
    for axes in panels:
        axes.legend(fontsize=8, loc="upper right")
    return figure


def histograms(
    values: Mapping[str, Tensor], xlabel: str, bins: int = 40, log: bool = False
) -> Figure:
    """How numbers are spread: one outline per set, in shares, so that their counts may differ.

    Args:
        values: legend label → numbers of any shape; the first is drawn as real, the second as
            fake, a third in black.
        xlabel: what the numbers are.
        bins: bars from the lowest to the highest of all the numbers.
        log: whether the shares stand on a logarithmic axis, which shows small ones, too.

    Raises:
        UserError: the values have no names, or they are more than three sets.
    """
    expect(values, Mapping, "values has to be a dictionary, label → numbers")
    expect_whole(len(values), "The number of sets", 1, 3)
    expect_whole(bins, "bins", 1, 1000)
    figure, axes = new_axes()
    flat = {label: numbers.detach().flatten().numpy() for label, numbers in values.items()}
    edges = np.histogram_bin_edges(np.concatenate([*flat.values()]), bins)
    looks = ((REAL, "-"), (FAKE, "--"), (DISCRIMINATOR, ":"))
    for (label, numbers), (colour, style) in zip(flat.items(), looks, strict=False):
        shares = np.histogram(numbers, edges)[0] / len(numbers)
        axes.stairs(shares, edges, color=colour, linestyle=style, linewidth=1.4, label=label)
    axes.set(xlabel=xlabel, ylabel="share", yscale="log" if log else "linear")
    axes.legend(fontsize=8)
    return figure


def strips(
    values: Mapping[str, Tensor], xlabel: str, limits: tuple[float, float] | None = None
) -> Figure:
    """Numbers above 0 of each kind in a row of its own, on a logarithmic axis.

    Args:
        values: name → numbers (n,), from top to bottom, up to four of them.
        xlabel: what the numbers are.
        limits: ends of the axis; None: where the numbers end.

    Raises:
        UserError: the values have no names, or they are more than four kinds.
    """
    expect(values, Mapping, "values has to be a dictionary, name → numbers")
    expect_whole(len(values), "The number of kinds", 1, 4)
    figure, axes = new_axes(6.4, 0.8 + 0.4 * len(values))
    looks = (("o", REAL), ("s", "#009e73"), ("^", FAKE), ("x", DISCRIMINATOR))
    places = range(len(values) - 1, -1, -1)
    for place, numbers, (marker, colour) in zip(places, values.values(), looks, strict=False):
        axes.plot(numbers, [place] * len(numbers), marker, color=colour, alpha=0.7)
    axes.set(xscale="log", xlabel=xlabel, xlim=limits, ylim=(-0.5, len(values) - 0.5))
    axes.set_yticks(places, list(values))
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter(NullFormatter())
    return figure


def groups(
    values: Mapping[str, Sequence[float]],
    intervals: Mapping[str, Sequence[float]],
    ylabel: str,
    highest: float,
) -> Figure:
    """Single results as dots, and beside each group its mean with an interval.

    Args:
        values: name → results, one for each seed.
        intervals: the same names → (mean, low, high).
        ylabel: what the results are.
        highest: the best possible result.
    """
    figure, axes = new_axes(2.2 + 1.3 * len(values), 3.2)
    for place, (name, numbers) in enumerate(values.items()):
        mean, low, high = intervals[name]
        dots = np.linspace(place - 0.25, place - 0.1, len(numbers))
        axes.plot(dots, numbers, "x", color=FAKE, ms=6, label="one game" if not place else None)
        axes.errorbar(
            [place + 0.1],
            [mean],
            [[mean - low], [high - mean]],
            color=DISCRIMINATOR,
            fmt="o",
            capsize=4,
            label="mean, 95 % interval" if not place else None,
        )
    axes.set(ylabel=ylabel, ylim=(-0.04 * highest, 1.08 * highest))
    axes.set_xlim(-0.6, len(values) - 0.4)
    axes.set_xticks(range(len(values)), list(values), fontsize=8)
    axes.legend(fontsize=7, loc="best")
    return figure


def pairs(
    before: Sequence[float], after: Sequence[float], names: tuple[str, str], ylabel: str
) -> Figure:
    """Results that come in pairs, each pair joined by a line, and both means.

    Args:
        before: results, one for each seed.
        after: results of the same seeds in the same order.
        names: of the two.
        ylabel: what the results are.
    """
    figure, axes = new_axes(4.6, 3.2)
    for one, other in zip(before, after, strict=True):
        axes.plot([0, 1], [one, other], "x-", color=DISCRIMINATOR, ms=6, linewidth=0.9)
    means = [sum(values) / len(values) for values in (before, after)]
    axes.plot([-0.12, 1.12], means, "o", color=FAKE, label="mean")
    axes.set(ylabel=ylabel, xlim=(-0.5, 1.5))
    axes.set_xticks([0, 1], list(names), fontsize=8)
    axes.legend(fontsize=7, loc="best")
    return figure
