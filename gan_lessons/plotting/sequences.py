"""Sequences: what a temperature trades for what, and melodies as a piano roll."""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from gan_lessons.plotting.style import DISCRIMINATOR, FAKE, Picture, new_axes, tidy

QUIET = "#666666"  # grey that can be read on white, and on the plate of the dark theme
LOOKS = (
    ("#0072b2", "o-"), ("#d55e00", "s-"), ("#cc79a7", "^-"), ("#e69f00", "s:"), ("#009e73", "^:"),
)  # fmt: skip


def sweeps(
    ways: Mapping[str, Sequence[tuple[float, float]]],
    temperatures: Sequence[float],
    xlabel: str,
    ylabel: str,
) -> Figure:
    """Quality against diversity, a line of temperatures for each way to learn.

    Args:
        ways: legend label → (quality, diversity) at each temperature.
        temperatures: written beside the points of the first way.
        xlabel: what quality is.
        ylabel: what diversity is.
    """
    figure, axes = new_axes(6.4, 4.8)
    for i, (label, points) in enumerate(ways.items()):
        colour, look = LOOKS[i % len(LOOKS)]
        axes.plot(*zip(*points, strict=True), look, color=colour, ms=5, lw=1.2, label=label)
        if i == 0:
            for temperature, point in zip(temperatures, points, strict=True):
                axes.annotate(
                    f"{temperature:g}", point, (6, 3), textcoords="offset points", fontsize=8
                )
    axes.plot(1, 1, "*", color=DISCRIMINATOR, ms=12, label="the language itself")
    axes.set(xlabel=xlabel, ylabel=ylabel, xlim=(-0.03, 1.08), ylim=(-0.03, 1.1))
    axes.legend(fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.12), ncols=2)
    return figure


def sentences(texts: Sequence[str], marks: Sequence[str], columns: int = 4) -> Figure:
    """Sentences in a grid, each with its mark; all but those marked "✓" stand in grey.

    Args:
        texts: at least one.
        marks: a sign for each.
        columns: sentences in a row.
    """
    rows = -(-len(texts) // columns)
    figure = Picture(figsize=(1.75 * columns, 0.27 * rows + 0.1))
    for i, (text, mark) in enumerate(zip(texts, marks, strict=True)):
        row, column = divmod(i, columns)
        figure.text(
            (column + 0.04) / columns, 1 - (row + 0.5) / rows, f"{mark} {text}",
            family="monospace", fontsize=11, va="center",
            color=DISCRIMINATOR if mark == "✓" else QUIET,
        )  # fmt: skip
    return figure


def piano_roll(
    melodies: Mapping[str, Sequence[tuple[int, int, int]]], bars: int = 4, steps: int = 16
) -> Figure:
    """Notes as bars over time, one row for each melody; the C's have a line.

    Args:
        melodies: title → notes (start, length, MIDI pitch), times in sixteenths.
        bars: to be drawn.
        steps: sixteenths in a bar.
    """
    figure = Picture(figsize=(7.2, 1.75 * len(melodies)), layout="constrained")
    for axes, (title, notes) in zip(
        figure.subplots(len(melodies), 1, squeeze=False, sharex=True)[:, 0],
        melodies.items(),
        strict=True,
    ):
        for start, length, pitch in notes:
            axes.barh(pitch, length - 0.25, 1.1, left=start, color=FAKE)
        tidy(axes)
        axes.set(ylim=(58.5, 80.5), yticks=[60, 64, 67, 72, 76, 79], xlim=(0, bars * steps))
        axes.set_yticklabels(["C", "E", "G", "C", "E", "G"], fontsize=8)
        axes.set_title(title, fontsize=9, loc="left")
        axes.set_xticks(range(0, bars * steps + 1, steps))
        axes.set_xticks(range(0, bars * steps, 4), minor=True)
    axes.set_xlabel("sixteenths; a line for each bar")
    return figure
