"""Scores of several kinds, one below the other."""

from collections.abc import Mapping

import torch
from matplotlib.figure import Figure
from torch import Tensor

from gan_lessons.errors import UserError
from gan_lessons.plotting.style import DISCRIMINATOR, FAKE, REAL, new_axes

LOOKS = ((REAL, "o", "-"), (FAKE, "s", "--"), ("#009e73", "^", "-."), ("#cc79a7", "D", ":"))


def scores(
    named: Mapping[str, Tensor], xlabel: str, line: float, limits: tuple[float, float]
) -> Figure:
    """Scores as marks, each kind in a row of its own, and a line across them all.

    Args:
        named: name → scores (n,), up to four kinds, from top to bottom.
        xlabel: what the scores are.
        line: where it stands, such as a threshold.
        limits: ends of the axis; what lies beyond is drawn at them.

    Raises:
        UserError: there are more of them.
    """
    if len(named) > len(LOOKS):
        raise UserError(f"There are {len(named)} kinds; {len(LOOKS)} are the most here.")
    figure, axes = new_axes(6.4, 0.9 + 0.4 * len(named))
    places = range(len(named) - 1, -1, -1)
    for place, values, (colour, marker, _) in zip(places, named.values(), LOOKS, strict=False):
        height = place + 0.4 * (torch.arange(len(values)) % 7 / 6 - 0.5)  # so that each is seen
        axes.plot(values.clamp(*limits), height, marker, color=colour, alpha=0.4, ms=4)
    axes.axvline(line, color=DISCRIMINATOR, linewidth=1.2)
    axes.set(xlabel=xlabel, xlim=limits, ylim=(-0.5, len(named) - 0.5))
    axes.set_yticks(places, list(named))
    return figure
