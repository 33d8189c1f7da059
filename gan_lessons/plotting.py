"""Matplotlib figures from arrays: one look, colours that colour-blind people can tell apart.

Every function returns a new `matplotlib.figure.Figure` and touches no pyplot state; a notebook
shows a figure that ends a cell. Real is always blue and solid, fake always orange and dashed.
"""

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch.nn.functional as F
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from torch import Tensor

from gan_lessons.errors import UserError

if TYPE_CHECKING:
    from gan_lessons.clinic import Record

REAL = "#0072b2"  # blue, orange and black of Okabe and Ito's colour-blind-safe palette
FAKE = "#d55e00"
JUDGE = "#222222"


class Picture(Figure):
    """A figure that a notebook shows by itself, with or without pyplot."""

    def _repr_png_(self) -> bytes:
        return png(self)


def _axes(width: float = 6.0, height: float = 3.2) -> tuple[Figure, Axes]:
    figure = Picture(figsize=(width, height), layout="constrained")
    axes = figure.add_subplot()
    tidy(axes)
    return figure, axes


def tidy(axes: Axes) -> None:
    """Give axes the course's look: no box, a faint grid."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25)


def png(figure: Figure, dpi: int = 100) -> bytes:
    """The figure as PNG bytes."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi)
    return buffer.getvalue()


def mosaic(images: Tensor, columns: int = 8) -> Tensor:
    """Images (N, 1, h, w) in [−1, 1] laid side by side: one picture, a grey line between them.

    Raises:
        UserError: the shape is another one.
    """
    if images.dim() != 4 or images.shape[1] != 1 or len(images) == 0:
        raise UserError(f"Give images of shape (N, 1, 28, 28), not {tuple(images.shape)}.")
    columns = min(columns, len(images))
    missing = -len(images) % columns
    tiles = F.pad(images.detach().float().cpu(), (1, 1, 1, 1), value=-0.4)
    tiles = F.pad(tiles, (0, 0, 0, 0, 0, 0, 0, missing), value=1.0)  # empty places are white
    _, _, height, width = tiles.shape
    rows = tiles.view(-1, columns, height, width).transpose(1, 2)
    return rows.reshape(-1, columns * width)


def show_digits(axes: Axes, images: Tensor, columns: int = 8) -> AxesImage:
    """Draw a `mosaic` into axes, white ink on black."""
    axes.set_axis_off()
    picture = mosaic(images, columns)
    return axes.imshow(picture.numpy(), cmap="gray", vmin=-1, vmax=1, interpolation="nearest")


def digit_grid(
    images: Tensor,
    columns: int = 8,
    titles: Sequence[str] = (),
    title: str = "",
    inches: float = 0.65,
) -> Figure:
    """Digits side by side.

    Args:
        images: (N, 1, 28, 28) in [−1, 1], N ≥ 1.
        columns: digits in a row.
        titles: a short text on each digit, if any.
        title: a text above all of them.
        inches: side of one digit.
    """
    rows, columns_used = (side / 30 for side in mosaic(images, columns).shape)
    height = inches * rows
    # The digits fill the figure: matplotlib's automatic layout would take half of the time.
    figure = Picture(figsize=(inches * columns_used, height + (0.3 if title else 0)))
    axes = figure.add_axes((0, 0, 1, height / figure.get_figheight()), title=title)
    show_digits(axes, images, columns)
    for i, text in enumerate(titles):
        row, column = divmod(i, columns)
        axes.text(column * 30 + 2, row * 30 + 2, text, color="white", fontsize=8, va="top")
    return figure


def smooth(values: Sequence[float], window: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Running mean over up to ``window`` latest values, without those that are NaN; same length."""
    numbers = np.asarray(values, dtype=np.float64)
    total = np.concatenate([[0.0], np.nancumsum(numbers)])
    count = np.concatenate([[0], np.cumsum(~np.isnan(numbers))])
    end = np.arange(1, len(total))
    start = np.maximum(end - window, 0)
    measured = (count[end] - count[start]).astype(np.float64)
    measured[measured == 0] = np.nan
    means: np.ndarray[Any, np.dtype[np.float64]] = (total[end] - total[start]) / measured
    return means


def curves(history: Sequence[Any], window: int = 25) -> Figure:
    """Losses (left) and D(x), D(G(z)) (right) of a run, as running means.

    Args:
        history: the trainer's events, or anything with the same fields.
        window: steps in a running mean.
    """
    figure = Picture(figsize=(8.4, 3.0), layout="constrained")
    left, right = figure.subplots(1, 2)
    steps = [event.step for event in history]

    def line(axes: Axes, name: str, label: str, colour: str, style: str) -> None:
        values = smooth([getattr(event, name) for event in history], window)
        axes.plot(steps, values, color=colour, linestyle=style, label=label)

    line(left, "loss_discriminator", "discriminator's loss", REAL, "-")
    line(left, "loss_generator", "generator's loss", FAKE, "--")
    line(right, "d_real", "D(x), real", REAL, "-")
    line(right, "d_fake", "D(G(z)), fake", FAKE, "--")
    right.axhline(0.5, color=JUDGE, linewidth=0.8, linestyle=":", label="½: D cannot tell")
    right.set_ylim(0, 1)
    for axes, label in ((left, "loss"), (right, "probability of “real”")):
        axes.set(xlabel="step", ylabel=label)
        axes.legend(fontsize=8)
        tidy(axes)
    return figure


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
    """
    figure = Picture(figsize=(6.4, 4.2 if discriminators else 2.6), layout="constrained")
    rows = 2 if discriminators else 1
    panels = np.ravel(figure.subplots(rows, 1, sharex=True, squeeze=False))
    panels[0].plot(x, real, color=REAL, label="p, real")
    panels[0].plot(x, fake, color=FAKE, linestyle="--", label="q, generator")
    panels[0].set_ylabel("density")
    styles = ["-", "--", ":", "-."]
    for i, (label, answers) in enumerate((discriminators or {}).items()):
        panels[1].plot(x, answers, color=JUDGE, linestyle=styles[i % 4], label=label)
        panels[1].set(ylim=(-0.02, 1.02), ylabel="D(x)")
    if discriminators:
        panels[1].axhline(0.5, color=JUDGE, linewidth=0.6, linestyle=":")
    panels[-1].set_xlabel("x")
    for axes in panels:
        tidy(axes)
        axes.legend(fontsize=8, loc="upper right")
    return figure


def bars(shares: Sequence[float]) -> Figure:
    """Share of each digit 0 … 9; a dotted line where each would have its tenth."""
    figure, axes = _axes(5.4, 2.4)
    axes.bar(range(len(shares)), shares, color=FAKE)
    axes.axhline(1 / len(shares), color=JUDGE, linestyle=":", label="equal shares")
    axes.set(xticks=range(len(shares)), xlabel="digit the judge sees", ylabel="share")
    axes.legend(fontsize=8)
    return figure


def lines(
    x: Tensor,
    curves: Mapping[str, Tensor],
    xlabel: str,
    ylabel: str,
    level: tuple[str, float] | None = None,
) -> Figure:
    """Several curves over one axis.

    Args:
        x: (n,), any order that a line should follow.
        curves: legend label → values (n,).
        xlabel: what x is.
        ylabel: what the values are.
        level: label and height of a dotted horizontal line, if any.
    """
    figure, axes = _axes()
    looks = [("#009e73", "-"), ("#cc79a7", "--"), ("#56b4e9", "-."), (JUDGE, "-")]
    for i, (label, values) in enumerate(curves.items()):
        colour, style = looks[i % 4]  # not the two colours of real and fake
        axes.plot(x, values, color=colour, linestyle=style, label=label)
    if level:
        axes.axhline(level[1], color=JUDGE, linewidth=0.9, linestyle=":", label=level[0])
    axes.set(xlabel=xlabel, ylabel=ylabel)
    axes.legend(fontsize=8)
    return figure


def races(runs: Mapping[str, Sequence[Sequence[Sequence[float]]]]) -> Figure:
    """Quality over time of several recipes, one line for each seed.

    Args:
        runs: recipe → its runs; each run is a list of (seconds of training, Fréchet distance).
    """
    figure, axes = _axes(7.0, 3.8)
    looks = ("o-", "s--", "^-.", "v:", "x--", "d-")
    colours = ("#0072b2", "#56b4e9", "#d55e00", "#e69f00", "#cc79a7", "#009e73")
    for i, (recipe, curves) in enumerate(runs.items()):
        for curve in curves:
            label = recipe if curve is curves[0] else None
            seconds, distances = zip(*curve, strict=True)
            axes.plot(seconds, distances, looks[i % 6], color=colours[i % 6], ms=4, label=label)
    axes.set(xscale="log", yscale="log", xlabel="seconds of training (two cores)")
    axes.set_ylabel("Fréchet distance (lower is better)")
    axes.legend(fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def estimates(
    counts: Sequence[int], found: Sequence[Any], truth: float, ylabel: str = "estimate"
) -> Figure:
    """Monte Carlo estimates, with bars of two standard errors, against the true value.

    Args:
        counts: samples behind each estimate, drawn on a logarithmic axis.
        found: ``game.Estimate``, one for each count.
        truth: height of the line.
        ylabel: what is estimated.
    """
    figure, axes = _axes()
    bars = [2 * estimate.standard_error for estimate in found]
    means = [estimate.mean for estimate in found]
    axes.errorbar(counts, means, bars, color=FAKE, fmt="o", capsize=3, label="from samples")
    axes.axhline(truth, color=JUDGE, linewidth=0.9, label="on the grid")
    axes.set(xscale="log", xlabel="samples of each kind", ylabel=ylabel)
    axes.legend(fontsize=8)
    return figure


def contours(
    x: Tensor,
    y: Tensor,
    heights: Tensor,
    xlabel: str,
    ylabel: str,
    label: str = "",
    mark: tuple[float, float] | None = None,
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
    """
    figure, axes = _axes(5.4, 3.8)
    shades = axes.contourf(x, y, heights, levels=16, cmap="cividis")
    axes.contour(x, y, heights, levels=16, colors="white", linewidths=0.4)
    figure.colorbar(shades, ax=axes, label=label)
    if mark:
        axes.plot(*mark, "o", color="white", markeredgecolor=JUDGE)
    axes.set(xlabel=xlabel, ylabel=ylabel)
    return figure


def matrices(named: Mapping[str, Tensor], numbers: bool = True, cell: float = 0.4) -> Figure:
    """Small matrices side by side in one scale of greys; the highest value is the darkest.

    Args:
        named: title → matrix (h, w); sizes may differ, and cells are drawn equally large.
        numbers: whether to write the values in.
        cell: side of a cell in inches.
    """
    panels = [matrix.detach() for matrix in named.values()]
    heights, widths = zip(*(panel.shape for panel in panels), strict=True)
    size = (cell * sum(widths) + 0.3 * len(panels), cell * max(heights) + 0.5)
    figure = Picture(figsize=size, layout="constrained")
    row = figure.subplots(1, len(panels), width_ratios=widths, squeeze=False)[0]
    low = min(panel.min().item() for panel in panels)
    high = max(panel.max().item() for panel in panels)
    for axes, title, values in zip(row, named, panels, strict=True):
        axes.imshow(values.numpy(), cmap="Greys", vmin=low, vmax=high, interpolation="nearest")
        axes.set_title(title, fontsize=9)
        axes.set(xticks=[], yticks=[])
        if not numbers:
            continue
        for (y, x), value in np.ndenumerate(values.numpy()):
            ink = "white" if value > (low + high) / 2 else "black"
            axes.text(x, y, f"{value:g}", ha="center", va="center", color=ink, fontsize=23 * cell)
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
    """
    figure, axes = _axes()
    flat = {label: numbers.detach().flatten().numpy() for label, numbers in values.items()}
    edges = np.histogram_bin_edges(np.concatenate([*flat.values()]), bins)
    looks = ((REAL, "-"), (FAKE, "--"), (JUDGE, ":"))
    for (label, numbers), (colour, style) in zip(flat.items(), looks, strict=False):
        shares = np.histogram(numbers, edges)[0] / len(numbers)
        axes.stairs(shares, edges, color=colour, linestyle=style, linewidth=1.4, label=label)
    axes.set(xlabel=xlabel, ylabel="share", yscale="log" if log else "linear")
    axes.legend(fontsize=8)
    return figure


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
    figure, axes = _axes(5.4, 4.2)
    looks = [("#009e73", "-"), ("#cc79a7", "--"), ("#56b4e9", "-."), (JUDGE, ":")]
    for i, (label, walk) in enumerate(walks.items()):
        colour, style = looks[i % 4]
        x, y = walk.detach().unbind(1)
        axes.plot(x, y, color=colour, linestyle=style, linewidth=1.2, marker=".", ms=3, label=label)
        axes.plot(x[:1], y[:1], "o", color=colour, markerfacecolor="white", ms=8)
        axes.plot(x[-1:], y[-1:], "s", color=colour, ms=7)
    if mark:
        axes.plot(*mark[1], "x", color=JUDGE, ms=9, mew=2, linestyle="none", label=mark[0])
    if edge is not None:
        axes.set(xlim=(-edge, edge), ylim=(-edge, edge), aspect="equal")
    axes.set(xlabel=xlabel, ylabel=ylabel)
    axes.legend(fontsize=8)
    return figure


def clouds(fakes: Mapping[str, Tensor], real: Tensor, edge: float = 2.4) -> Figure:
    """Fakes in the plane over real points, one panel each.

    Args:
        fakes: title → points (n, 2); those outside the panel are not drawn.
        real: (m, 2), the same in each panel.
        edge: panels show the square from −edge to edge.
    """
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
    figure, axes = _axes(2.2 + 1.3 * len(values), 3.2)
    for place, (name, numbers) in enumerate(values.items()):
        mean, low, high = intervals[name]
        dots = np.linspace(place - 0.25, place - 0.1, len(numbers))
        axes.plot(dots, numbers, "x", color=FAKE, ms=6, label="one game" if not place else None)
        axes.errorbar(
            [place + 0.1],
            [mean],
            [[mean - low], [high - mean]],
            color=JUDGE,
            fmt="o",
            capsize=4,
            label="mean, 95 % interval" if not place else None,
        )
    axes.set(ylabel=ylabel, ylim=(-0.04 * highest, 1.08 * highest))
    axes.set_xlim(-0.6, len(values) - 0.4)
    axes.set_xticks(range(len(values)), list(values), fontsize=8)
    axes.legend(fontsize=7, loc="best")
    return figure


def chart(record: "Record", title: str = "") -> Figure:
    """A run of `clinic` at a glance: samples, losses, D's answers, and both players' gradients.

    Args:
        record: what `clinic.run` returns.
        title: a text above all of it.
    """
    figure = Picture(figsize=(8.4, 4.6), layout="constrained")
    (samples, loss), (answers, gradients) = figure.subplots(2, 2)
    if record.real.dim() == 4:
        show_digits(samples, record.fresh[:24].clamp(-1, 1))
    else:
        samples.plot(*record.real.unbind(1), ".", color=REAL, ms=2, alpha=0.5, label="real")
        samples.plot(*record.fresh.unbind(1), "x", color=FAKE, ms=3, mew=0.6, label="fake, new z")
        samples.plot(*record.seen.unbind(1), "o", color=JUDGE, mfc="none", ms=4, mew=0.7)
        samples.plot([], [], "o", color=JUDGE, mfc="none", ms=4, label="fake, trained-on z")
        samples.set(xlim=(-2.4, 2.4), ylim=(-2.4, 2.4), aspect="equal", xticks=[], yticks=[])
        samples.legend(fontsize=7, loc="center left", bbox_to_anchor=(1, 0.5))
    steps = [row.step for row in record.rows]

    def line(axes: Axes, name: str, label: str, colour: str, style: str) -> None:
        values = smooth([getattr(row, name) for row in record.rows], 10)
        axes.plot(steps, values, color=colour, linestyle=style, label=label)

    line(loss, "loss_discriminator", "L_D", REAL, "-")
    line(loss, "loss_generator", "L_G", FAKE, "--")
    line(answers, "d_real", "D(x)", REAL, "-")
    line(answers, "d_fake", "D(G(z))", FAKE, "--")
    line(gradients, "gradient_d", "D's", REAL, "-")
    line(gradients, "gradient_g", "G's", FAKE, "--")
    loss.set(ylabel="loss")
    answers.set(ylabel="D's mean answer")
    if not record.critic:
        answers.set_ylim(-0.03, 1.03)
    gradients.set_yscale("symlog", linthresh=1e-4)
    gradients.set(ylabel="norm of the gradient", ylim=(0, 2 * gradients.get_ylim()[1]))
    for axes in (loss, answers, gradients):
        axes.set_xlabel("step")
        axes.legend(fontsize=8)
        tidy(axes)
    if title:
        figure.suptitle(title, fontsize=10)
    return figure
