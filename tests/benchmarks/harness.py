"""Rows of the table that `make bench` prints."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One comparison: repeats of ours and of the usual way, taken in turns in one run."""

    what: str
    ours: Sequence[float]
    theirs: Sequence[float] = ()
    unit: str = "ms"
    target: str = ""

    def cells(self) -> list[str]:
        """What, ours, the usual way, the ratio of medians, the target."""
        ratio = statistics.median(self.theirs) / statistics.median(self.ours) if self.theirs else 0
        return [
            self.what,
            self._spread(self.ours),
            self._spread(self.theirs),
            f"{ratio:.2f}" if ratio else "",
            self.target,
        ]

    def _spread(self, repeats: Sequence[float]) -> str:
        if not repeats:
            return ""
        low, middle, high = min(repeats), statistics.median(repeats), max(repeats)
        return f"{middle:.3g} {self.unit} ({low:.3g}–{high:.3g}, n={len(repeats)})"


HEADINGS = ["what", "ours: median (range)", "usual way: median (range)", "usual / ours", "target"]


def table(rows: Sequence[Row]) -> str:
    """The rows as a table in Markdown, which also reads as text."""
    lines = [HEADINGS, *(row.cells() for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    lines.insert(1, ["-" * width for width in widths])
    padded = [
        [text.ljust(width) for text, width in zip(line, widths, strict=True)] for line in lines
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in padded)
