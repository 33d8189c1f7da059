"""What a few games say about all that could be played: intervals, and tests of groups and pairs."""

import math
from collections.abc import Sequence
from statistics import fmean, stdev
from typing import Any, NamedTuple

import numpy as np
from scipy import stats

from gan_lessons.errors import UserError

MOST_DEALS = 1_000_000  # half a gigabyte, and some seconds


class Interval(NamedTuple):
    """A mean over seeds, and where the mean over arbitrarily many would be found."""

    mean: float
    low: float
    high: float


def interval(values: Sequence[float], highest: float = math.inf) -> Interval:
    """Mean and 95 % interval, mean ± t·s/√n, cut at 0 and ``highest`` (Student 1908).

    Raises:
        UserError: fewer than 2 values.
    """
    _refuse_fewer_than_two(values)
    n, mean = len(values), fmean(values)
    half = float(stats.t.ppf(0.975, n - 1)) * stdev(values) / math.sqrt(n)
    return Interval(mean, max(mean - half, 0.0), min(mean + half, highest))


def expected_again(values: Sequence[float], games: int, grain: float) -> Interval:
    """Where the mean of that many *new* games falls 99 times in 100: mean ± t·s·√(1/n + 1/m).

    Both sets of games have their luck, so this is wider than `interval`. ``grain`` is the least
    spread to reckon with, for n games that happened to be all alike.

    Raises:
        UserError: fewer than 2 values.
    """
    _refuse_fewer_than_two(values)
    n, mean = len(values), fmean(values)
    quantile = float(stats.t.ppf(0.995, n - 1))
    half = quantile * max(stdev(values), grain) * math.sqrt(1 / n + 1 / games)
    return Interval(mean, mean - half, mean + half)


def permutation_test(one: Sequence[float], other: Sequence[float]) -> float:
    """How often luck alone sets the means of two groups this far apart: the exact test.

    Of all ways to deal the values into two groups of these sizes, the share whose means differ at
    least as much, in either direction (Fisher 1935). Two groups of five: 252 ways, so never less
    than 2/252. All ways are tried: two groups of ten have 184,756.

    Raises:
        UserError: fewer than 2 values in a group, or more than `MOST_DEALS` ways.
    """
    _refuse_fewer_than_two(one)
    _refuse_fewer_than_two(other)

    deals = math.comb(len(one) + len(other), len(one))
    if deals > MOST_DEALS:
        raise UserError(
            f"There are {deals:,} ways to deal these games, and the exact test tries each: give so "
            f"few that there are at most {MOST_DEALS:,}, such as 11 of each kind."
        )

    def apart(a: Any, b: Any, axis: int) -> Any:
        # Equal but for rounding is as far apart.
        return np.round(np.abs(a.mean(axis=axis) - b.mean(axis=axis)), 9)

    # By default SciPy's two-sided test doubles the smaller tail; for groups of unequal sizes that
    # is another number than the share of differences that are as large.
    found = stats.permutation_test((one, other), apart, alternative="greater", n_resamples=math.inf)
    return float(found.pvalue)


class Paired(NamedTuple):
    """The mean of paired differences, its 95 % interval, and the test's p."""

    mean: float
    low: float
    high: float
    p: float

    @property
    def verdict(self) -> str:
        """Whether the interval lies above 0, below, or holds it."""
        return "helps" if self.low > 0 else "harms" if self.high < 0 else "cannot tell"

    def __str__(self) -> str:
        numbers = f"{100 * self.mean:+.1f} [{100 * self.low:+.1f}, {100 * self.high:+.1f}]"
        return f"{numbers} points, p = {self.p:.2g}: {self.verdict}"


def paired(ours: Sequence[float], plain: Sequence[float]) -> Paired:
    """Student's test of ours − plain, pair by pair (Student 1908).

    Raises:
        UserError: not as many of one as of the other, fewer than 2, or NaN among them.
    """
    if len(ours) != len(plain) or len(ours) < 2:
        raise UserError(
            f"Give as many results of one as of the other, at least 2, in the same order of seeds; "
            f"these are {len(ours)} and {len(plain)}."
        )
    _refuse_nan(*ours, *plain)
    gaps = [a - b for a, b in zip(ours, plain, strict=True)]
    if max(gaps) - min(gaps) < 1e-12:  # no spread: SciPy would warn
        return Paired(gaps[0], gaps[0], gaps[0], 1.0 if abs(gaps[0]) < 1e-12 else 0.0)
    test = stats.ttest_rel(ours, plain)
    low, high = test.confidence_interval(0.95)
    return Paired(sum(gaps) / len(gaps), float(low), float(high), float(test.pvalue))


def _refuse_nan(*values: float) -> None:
    if any(math.isnan(value) for value in values):
        raise UserError("There is NaN among the results: of that no mean can be told.")


def _refuse_fewer_than_two(values: Sequence[float]) -> None:
    _refuse_nan(*values)
    if len(values) < 2:
        raise UserError(f"What luck does is seen in at least 2 games, not in {len(values)}.")
