"""Curves over steps, seconds, samples or anything else."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from gan_lessons.errors import expect, expect_number
from gan_lessons.plotting.digits import show_digits
from gan_lessons.plotting.style import DISCRIMINATOR, FAKE, REAL, Picture, new_axes, new_grid, tidy

if TYPE_CHECKING:
    from gan_lessons.studies.clinic import Record


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


def curves(
    history: Sequence[Any], window: int = 25, levels: Mapping[str, float] | None = None
) -> Figure:
    """Losses (left) and D(x), D(G(z)) (right) of a run, as running means.

    Args:
        history: the trainer's events, or anything with the same fields.
        window: steps in a running mean.
        levels: name → height of a dotted line among the losses; the name stands on it.

    Raises:
        UserError: these are no events.
    """
    expect(history, Iterable, "history has to be events, such as run.history")
    figure, grid = new_grid(8.4, 3.0, 1, 2)
    left, right = grid[0]
    steps = [event.step for event in history]

    def line(axes: Axes, name: str, label: str, colour: str, style: str) -> None:
        values = smooth([getattr(event, name) for event in history], window)
        axes.plot(steps, values, color=colour, linestyle=style, label=label)

    line(left, "loss_discriminator", "discriminator's loss", REAL, "-")
    line(left, "loss_generator", "generator's loss", FAKE, "--")
    line(right, "d_real", "D(x), real", REAL, "-")
    line(right, "d_fake", "D(G(z)), fake", FAKE, "--")
    for name, height in (levels or {}).items():
        left.axhline(height, color=DISCRIMINATOR, linewidth=0.8, linestyle=":")
        across = left.get_yaxis_transform()
        left.text(0.99, height, name, fontsize=8, ha="right", va="bottom", transform=across)
    right.axhline(0.5, color=DISCRIMINATOR, linewidth=0.8, linestyle=":", label="½: D cannot tell")
    right.set_ylim(0, 1)
    for axes, label in ((left, "loss"), (right, "probability of “real”")):
        axes.set(xlabel="step", ylabel=label)
        axes.legend(fontsize=8)
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
        samples.plot(*record.seen.unbind(1), "o", color=DISCRIMINATOR, mfc="none", ms=4, mew=0.7)
        samples.plot([], [], "o", color=DISCRIMINATOR, mfc="none", ms=4, label="fake, trained-on z")
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

    Raises:
        UserError: the curves have no names.
    """
    expect(curves, Mapping, "curves has to be a dictionary, label → values")
    figure, axes = new_axes()
    looks = [("#009e73", "-"), ("#cc79a7", "--"), ("#56b4e9", "-."), (DISCRIMINATOR, "-")]
    for i, (label, values) in enumerate(curves.items()):
        colour, style = looks[i % len(looks)]  # not the two colours of real and fake
        axes.plot(x, values, color=colour, linestyle=style, label=label)
    if level:
        expect(level, tuple, 'level has to be a label and a height, such as ("real", 0.5)')
        expect_number(level[1], "The height of level", -math.inf, math.inf)
        axes.axhline(level[1], color=DISCRIMINATOR, linewidth=0.9, linestyle=":", label=level[0])
    axes.set(xlabel=xlabel, ylabel=ylabel)
    axes.legend(fontsize=8)
    return figure


def marks(groups: Mapping[str, Sequence[tuple[float, float]]], xlabel: str, ylabel: str) -> Figure:
    """Results of two measures as marks, of one kind for each group.

    Args:
        groups: legend label → (x, y) of each run.
        xlabel: what x is.
        ylabel: what y is.
    """
    figure, axes = new_axes()
    looks = (
        ("o", "#009e73"),
        ("s", "#cc79a7"),
        ("x", DISCRIMINATOR),
        ("^", "#56b4e9"),
        ("D", "#555555"),
    )
    for i, (label, points) in enumerate(groups.items()):
        marker, colour = looks[i % len(looks)]  # not the two colours of real and fake
        axes.plot(*zip(*points, strict=True), marker, color=colour, ms=7, label=label)
    axes.set(xlabel=xlabel, ylabel=ylabel)
    axes.legend(fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def races(runs: Mapping[str, Sequence[Sequence[Sequence[float]]]]) -> Figure:
    """Quality over time of several recipes, one line for each seed.

    Args:
        runs: recipe → its runs; each run is a list of (seconds of training, Fréchet distance).
    """
    figure, axes = new_axes(7.0, 3.8)
    looks = ("o-", "s--", "^-.", "v:", "x--", "d-")
    colours = ("#0072b2", "#56b4e9", "#d55e00", "#e69f00", "#cc79a7", "#009e73")
    for i, (recipe, curves) in enumerate(runs.items()):
        for curve in curves:
            label = recipe if curve is curves[0] else None
            seconds, distances = zip(*curve, strict=True)
            axes.plot(seconds, distances, looks[i % 6], color=colours[i % 6], ms=4, label=label)
    axes.set(xscale="log", yscale="log", xlabel="seconds of training")
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
    figure, axes = new_axes()
    bars = [2 * estimate.standard_error for estimate in found]
    means = [estimate.mean for estimate in found]
    axes.errorbar(counts, means, bars, color=FAKE, fmt="o", capsize=3, label="from samples")
    axes.axhline(truth, color=DISCRIMINATOR, linewidth=0.9, label="on the grid")
    axes.set(xscale="log", xlabel="samples of each kind", ylabel=ylabel)
    axes.legend(fontsize=8)
    return figure
