"""Figures of detectors: how far they can be trusted, and what their alarms are."""

from collections.abc import Mapping

from matplotlib.figure import Figure
from torch import Tensor

from gan_lessons.errors import UserError
from gan_lessons.plotting.style import DISCRIMINATOR, FAKE, REAL, new_axes

LOOKS = ((REAL, "o", "-"), (FAKE, "s", "--"), ("#009e73", "^", "-."), ("#cc79a7", "D", ":"))


def reliability(diagrams: Mapping[str, tuple[Tensor, Tensor, Tensor]]) -> Figure:
    """What was said beside what happened; the larger a mark, the more answers it stands for.

    Args:
        diagrams: name → said (n,), happened (n,), counts (n,), of up to four detectors.

    Raises:
        UserError: there are more of them.
    """
    if len(diagrams) > len(LOOKS):
        raise UserError(f"There are {len(diagrams)} detectors; {len(LOOKS)} are the most here.")
    figure, axes = new_axes(4.6, 4.2)
    axes.plot([0, 1], [0, 1], color=DISCRIMINATOR, linestyle=":", label="as often as it is said")
    for (name, (said, happened, counts)), (colour, marker, style) in zip(
        diagrams.items(), LOOKS, strict=False
    ):
        axes.plot(said, happened, style, color=colour, label=name)
        sizes = 15 + 200 * counts / counts.sum()
        axes.scatter(said, happened, s=sizes, c=colour, marker=marker, alpha=0.7)
    axes.set(xlabel="chance of “fake” that was said", ylabel="share that was fake")
    axes.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03))
    axes.legend(fontsize=8)
    return figure


def counts(named: Mapping[str, float], xlabel: str, highest: float) -> Figure:
    """Numbers of things as bars with their names, on an axis that does not move."""
    figure, axes = new_axes(6.4, 0.9 + 0.4 * len(named))
    places = range(len(named) - 1, -1, -1)
    colours = [colour for colour, _, _ in LOOKS[1:] + LOOKS[:1]]
    axes.barh(places, list(named.values()), color=colours[: len(named)])
    for place, number in zip(places, named.values(), strict=True):
        axes.text(number, place, f" {number:,.0f}", va="center", fontsize=9)
    axes.set(xlabel=xlabel, xlim=(0, highest))
    axes.set_yticks(places, list(named))
    return figure
