"""What can be observed of a run without a look at its code, and how it is read."""

import math
import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from gan_lessons import plane
from gan_lessons.data import toys
from gan_lessons.errors import ByName
from gan_lessons.studies.clinic.bugs import BUGS, SETUPS


class Row(NamedTuple):
    """What can be observed of one step. What a setup does not have is NaN."""

    step: int
    loss_discriminator: float
    loss_generator: float
    d_real: float  # mean D(x) before D's update; a critic's score
    d_fake: float
    gradient_d: float  # norm of what D's optimizer is handed
    gradient_g: float
    left_d: float  # norm of what lies in D's gradients before backward() in D's own step
    left_g: float
    d_in_d: float  # |change of D's weights| / |D's weights| in D's step
    g_in_d: float  # the same of G in D's step
    d_in_g: float
    g_in_g: float
    spread: float = math.nan  # standard deviation of what G's first BatchNorm puts out
    slope: float = math.nan  # a critic's mean gradient norm between real and fake


@dataclass(frozen=True)
class Record:
    """What can be observed of a run without a look at its code."""

    setup: str
    rows: tuple[Row, ...]
    real: Tensor  # a batch of real samples as D was shown them
    seen: Tensor  # fakes from the noise of the last step
    fresh: Tensor  # fakes from noise that was never trained with
    scale: float  # mean |γ| of G's first BatchNorm, or NaN

    @property
    def critic(self) -> bool:
        """Whether D's answers are scores rather than probabilities."""
        return SETUPS[self.setup].critic

    def late(self, name: str) -> float:
        """Median of a column of `Row` over the second half of the run."""
        column = [getattr(row, name) for row in self.rows[len(self.rows) // 2 :]]
        return float(statistics.median(column))


def good(points: Tensor) -> float:
    """Share of points (N, 2) within 3 standard deviations of a centre of the ring."""
    ring = toys.ring()
    distance = torch.cdist(points, ring.centres).min(dim=1).values
    return float((distance <= 3 * ring.std[0]).float().mean())


def modes(points: Tensor) -> int:
    """How many of the ring's 8 modes the points (N, 2) cover, as `plane.ModeCoverage` counts."""
    return plane.ModeCoverage(toys.ring()).score(0, points).covered


def _lowest(record: Record) -> float:
    if record.critic:  # its loss has no end
        return math.nan
    return min(row.loss_discriminator for row in record.rows)


def _seen_against_fresh(record: Record) -> float:
    if SETUPS[record.setup].digits or len(record.seen) < 64:  # too few say nothing
        return math.nan
    return good(record.seen) - good(record.fresh)


def _out_of_reach(record: Record) -> float:
    return (record.real.max() - 1).item() if SETUPS[record.setup].digits else math.nan


def _jensen(record: Record) -> float:
    if record.critic:
        return math.nan
    rows = record.rows[len(record.rows) // 2 :]
    return statistics.median(row.loss_generator + math.log(max(row.d_fake, 1e-30)) for row in rows)


def _jump(record: Record) -> float:
    if record.setup != "resumed":
        return math.nan
    moves = [row.d_in_d for row in record.rows]
    middle = len(moves) // 2
    return moves[middle] / statistics.median(moves[middle - 5 : middle])


# What stands on a card: one number each. NaN where a setup does not have it.
MEASURES: ByName[Callable[[Record], float]] = ByName(
    "measure",
    {
        "share of steps done": lambda record: len(record.rows) / SETUPS[record.setup].steps,
        "L_D": lambda record: record.late("loss_discriminator"),
        "lowest L_D": _lowest,
        "L_G": lambda record: record.late("loss_generator"),
        "D(x)": lambda record: record.late("d_real"),
        "D(G(z))": lambda record: record.late("d_fake"),
        "L_G + log D(G(z))": _jensen,  # never below 0 if L_G = −E log D(G(z)) (Jensen's inequality)
        "D's gradient": lambda record: record.late("gradient_d"),
        "G's gradient": lambda record: record.late("gradient_g"),
        "left in D": lambda record: record.late("left_d"),
        "left in G": lambda record: record.late("left_g"),
        "D moves in D's step": lambda record: record.late("d_in_d"),
        "G moves in D's step": lambda record: record.late("g_in_d"),
        "D moves in G's step": lambda record: record.late("d_in_g"),
        "G moves in G's step": lambda record: record.late("g_in_g"),
        "good, old z − new z": _seen_against_fresh,  # shares of good points
        "real beyond 1": _out_of_reach,  # how far real pixels lie beyond tanh's end
        "spread": lambda record: record.late("spread"),
        "scale γ": lambda record: record.scale,
        "slope": lambda record: record.late("slope"),
        "jump": _jump,  # D's move on resuming, as a multiple of the median of 5 steps before
    },
)


def card(records: Mapping[str, Record]) -> str:
    """A table of `MEASURES`, a column for each record (by its title), without empty rows."""
    lines = [" " * 21 + "".join(f"{title:>18}" for title in records)]
    for name, measure in MEASURES.items():
        values = [measure(record) for record in records.values()]
        if not all(math.isnan(value) for value in values):
            cells = ("–" if math.isnan(value) else f"{value:.3g}" for value in values)
            lines.append(f"{name:<21}" + "".join(f"{cell:>18}" for cell in cells))
    return "\n".join(lines)


def shows(record: Record, bug: str) -> bool:
    """Whether all of a bug's signs are on the record's card."""
    found = {name: MEASURES[name](record) for name in BUGS[bug].signs}
    return all(low <= found[name] <= high for name, (low, high) in BUGS[bug].signs.items())
