"""What an objective asks of a sample: its loss and its push against D's raw answer."""

from collections.abc import Mapping
from typing import Any

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from gan_lessons.plotting.style import DISCRIMINATOR, FAKE, REAL, new_grid

LOOKS: Mapping[str, Mapping[str, Any]] = {
    "G's loss": {"color": DISCRIMINATOR, "linestyle": ":", "linewidth": 1},
    "push on a real": {"color": REAL, "linestyle": "-"},
    "push on a fake": {"color": FAKE, "linestyle": "--"},
}


def pushes(
    x: Tensor,
    panels: Mapping[str, Mapping[str, Tensor]],
    xlabel: str,
    ylim: tuple[float, float],
) -> Figure:
    """A small panel for each objective, three in a row, all with the same axes.

    Args:
        x: D's raw answers, (n,).
        panels: name → curves; a curve is named as in `LOOKS`, and has the shape (n,).
        xlabel: what x is.
        ylim: the lowest and the highest value that is shown.
    """
    rows = -(-len(panels) // 3)
    figure, grid = new_grid(8.4, 2.4 * rows, rows, 3, sharex=True, sharey=True)
    for axes, (name, curves) in zip(grid.flat, panels.items(), strict=False):
        for label, values in curves.items():
            axes.plot(x, values.detach(), label=label, **LOOKS[label])
        axes.axhline(0, color="black", linewidth=0.6)
        axes.set_title(name.replace("_", "-"), fontsize=10)
        axes.set_ylim(*ylim)
    for unused in grid.flat[len(panels) :]:
        unused.set_axis_off()
    grid[0, 0].legend(fontsize=8)
    figure.supxlabel(xlabel, fontsize=10)
    return figure


def pushed_batch(real: Tensor, fake: Tensor, x: Tensor, loss: Tensor, push: Tensor) -> Figure:
    """A batch of answers, and below it what G pays for a fake and how that pushes it.

    Dots on the push stand at 10 %, 20 %, … 90 % of the fakes.

    Args:
        real: D's raw answers to real samples, (n,).
        fake: those to fakes, (m,).
        x: raw answers, evenly spaced, at which loss and push are known, (k,).
        loss: G's loss for one fake, (k,).
        push: minus its slope, (k,).
    """
    figure, grid = new_grid(6.4, 5.0, 3, layout="none", sharex=True)
    top, middle, bottom = grid[:, 0]
    figure.subplots_adjust(left=0.12, right=0.98, top=0.98, bottom=0.1, hspace=0.15)
    edges = torch.linspace(x[0].item(), x[-1].item(), 49)
    _shares(top, real, edges, "real", LOOKS["push on a real"])
    _shares(top, fake, edges, "fake", LOOKS["push on a fake"])
    top.legend(fontsize=8)
    middle.plot(x, loss, **LOOKS["G's loss"])
    bottom.plot(x, push, **LOOKS["push on a fake"])
    tenths = fake.quantile(torch.arange(0.1, 0.95, 0.1)).clamp(x[0], x[-1])
    heights = torch.stack([push[(x - at).abs().argmin()] for at in tenths])
    bottom.plot(tenths, heights, "o", color=DISCRIMINATOR, markersize=4)
    lowest, highest = 1.2 * heights.min().item(), 1.2 * heights.max().item()
    bottom.set_ylim(min(-0.2, lowest), max(1.2, highest))
    for axes, label in (
        (top, "share"),
        (middle, "G's loss for a fake"),
        (bottom, "push on a fake"),
    ):
        axes.set_ylabel(label)
    bottom.set_xlabel("D's raw answer: logit or score")
    return figure


def _shares(axes: Axes, values: Tensor, edges: Tensor, label: str, look: Mapping[str, Any]) -> None:
    shares = values.histogram(edges)[0] / len(values)
    axes.stairs(shares, edges, label=label, **look)
