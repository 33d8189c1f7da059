"""Intervals against Student's printed table; the permutation test against plain counting."""

import math
from itertools import combinations

import pytest
import torch
from scipy import stats

from gan_lessons.errors import UserError
from gan_lessons.studies import remedies
from gan_lessons.studies.statistics import expected_again, interval, permutation_test

# The 97.5 % and the 99.5 % quantile for 1, 2, … 9 degrees of freedom.
T95 = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262)
T99 = (63.657, 9.925, 5.841, 4.604, 4.032, 3.707, 3.499, 3.355, 3.250)


@pytest.mark.parametrize("n", range(2, 11))
def test_intervals_are_students(n: int) -> None:
    values = torch.rand(n, generator=torch.Generator().manual_seed(n)).double().add(50).tolist()
    error = stats.sem(values)
    found = interval(values)
    assert found.mean == pytest.approx(sum(values) / n)
    assert found.high - found.mean == pytest.approx(T95[n - 2] * error, rel=2e-4)
    assert found.mean - found.low == pytest.approx(T95[n - 2] * error, rel=2e-4)
    again = expected_again(values, 3, 0.0)
    half = T99[n - 2] * error * math.sqrt(n) * math.sqrt(1 / n + 1 / 3)
    assert again.high - again.mean == pytest.approx(half, rel=2e-4)
    assert again.mean - again.low == pytest.approx(half, rel=2e-4)


def test_an_interval_is_cut_at_what_is_possible() -> None:
    assert interval([8.0, 8.0, 7.0], 8) == pytest.approx((23 / 3, 6.232, 8.0), abs=1e-3)
    assert interval([0.0, 0.0, 1.0]).low == 0
    assert expected_again([8.0, 8.0, 8.0], 3, 0.25).low < 8


def test_one_game_says_nothing_of_luck() -> None:
    for ask in (
        lambda: interval([1.0]),
        lambda: expected_again([1.0], 3, 0.1),
        lambda: permutation_test([1.0, 2.0], [1.0]),
        lambda: permutation_test([1.0], [1.0, 2.0]),
    ):
        with pytest.raises(UserError, match="at least 2 games, not in 1"):
            ask()


def by_counting(one: list[float], other: list[float]) -> float:
    """The share of all deals whose means lie at least as far apart."""
    values, m, n = [*one, *other], len(one), len(other)

    def apart(part: float) -> float:
        return abs(part / m - (sum(values) - part) / n)

    deals = [apart(sum(deal)) >= apart(sum(one)) - 1e-9 for deal in combinations(values, m)]
    return sum(deals) / len(deals)


@pytest.mark.parametrize(("m", "n"), [(5, 5), (3, 4), (2, 6), (6, 2)])
def test_the_permutation_test_counts_all_deals(m: int, n: int) -> None:
    rng = torch.Generator().manual_seed(m)
    for _ in range(5):
        one = torch.rand(m, generator=rng).tolist()
        other = (torch.rand(n, generator=rng) + 0.3).tolist()
        assert permutation_test(one, other) == pytest.approx(by_counting(one, other), abs=1e-12)


def test_deals_that_differ_by_rounding_only_are_equally_far_apart() -> None:
    assert permutation_test([1, 2, 3, 4, 5], [6, 7, 8, 9, 10]) == pytest.approx(2 / 252)
    assert permutation_test([4.0] * 5, [4.0] * 5) == 1
    one, other = [0.5, 0.6, 0.8], [0.5, 0.1, 0.2]
    assert permutation_test(one, other) == pytest.approx(by_counting(one, other), abs=1e-12)


def test_the_permutation_test_of_all_stored_games_is_the_count() -> None:
    runs = remedies.load()
    for cell in remedies.cells():
        for measure in remedies.MEASURES:
            found = remedies.results(runs, cell, measure)
            plain = remedies.results(runs, cell._replace(remedy="plain"), measure)
            counted = by_counting(found, plain)
            assert permutation_test(found, plain) == pytest.approx(counted, abs=1e-12)
