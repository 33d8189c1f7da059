"""Misconceptions of lesson 15, each with a piece of the sentence that must answer it."""

import math
from statistics import NormalDist, fmean, pstdev, stdev, variance

import numpy as np
import torch
from scipy import stats

from gan_lessons.exercises.lesson_15 import CHOICES, COPIES, LEAKS, PICKED, QUESTIONS, SEEN, SOUND
from gan_lessons.studies import augmentation as study
from gan_lessons.studies.statistics import paired


def gaps(ours, plain):
    return [a - b for a, b in zip(ours, plain, strict=True)]


def t(n, share=0.975):
    return stats.t.ppf(share, n - 1)


def around(half, middle=fmean):
    """An interval from half of its width, a function of the differences and their number."""

    def interval(ours, plain):
        found = gaps(ours, plain)
        width = half(found, len(found))
        return middle(found) - width, middle(found) + width

    return interval


right = around(lambda d, n: t(n) * stdev(d) / n**0.5)


def unpaired(ours, plain):
    """The pooled interval of two groups."""
    n = len(ours)
    half = stats.t.ppf(0.975, 2 * n - 2) * ((variance(ours) + variance(plain)) / n) ** 0.5
    return fmean(ours) - fmean(plain) - half, fmean(ours) - fmean(plain) + half


def own_spreads(ours, plain):
    n = len(ours)
    half = t(n) * ((variance(ours) + variance(plain)) / n) ** 0.5
    return fmean(ours) - fmean(plain) - half, fmean(ours) - fmean(plain) + half


def welch(ours, plain):
    return stats.ttest_ind(ours, plain, equal_var=False).confidence_interval(0.95)


def unpaired_by_z(ours, plain):
    n = len(ours)
    half = 1.96 * ((variance(ours) + variance(plain)) / n) ** 0.5
    return fmean(ours) - fmean(plain) - half, fmean(ours) - fmean(plain) + half


def z_for_many(ours, plain):
    if len(ours) < 30:
        return right(ours, plain)
    return around(lambda d, n: 1.96 * stdev(d) / n**0.5)(ours, plain)


def mean_and_half(ours, plain):
    low, high = right(ours, plain)
    return (low + high) / 2, (high - low) / 2


def extremes(ours, plain):
    return min(gaps(ours, plain)), max(gaps(ours, plain))


def sorted_first(ours, plain):
    return right(sorted(ours), sorted(plain))


def sorts_in_place(ours, plain):
    ours.sort()
    return right(ours, plain)


def best_first(ours, plain):
    return right(ours, [max(plain)] * len(plain))


def by_scipy(ours, plain):
    return stats.ttest_rel(ours, plain).confidence_interval(0.95)


def by_numpy(ours, plain):
    d = np.array(ours) - np.array(plain)
    return d.mean() + np.array([-1, 1]) * t(len(d)) * d.std(ddof=1) / np.sqrt(len(d))


def by_torch(ours, plain):
    d = torch.tensor(ours, dtype=torch.float64) - torch.tensor(plain, dtype=torch.float64)
    half = t(len(d)) * d.std() / len(d) ** 0.5
    return torch.stack([d.mean() - half, d.mean() + half])


def of_scalars(ours, plain):
    low, high = right(ours, plain)
    return [torch.tensor(low), np.float64(high)]


VERDICTS = {
    key: paired(*(study.results(study.load(), name, 10) for name in pair)).verdict
    for key, pair in QUESTIONS.items()
}


def but(key, verdict):
    return VERDICTS | {key: verdict}


def other(key):
    """A verdict that the table does not support."""
    return "harms" if VERDICTS[key] != "harms" else "helps"


WRONG = {
    "15.1": [
        (LEAKS | {"A": SOUND}, "A reports 14%"),
        (LEAKS | {"B": SOUND}, "Where does it know the labels from?"),
        (LEAKS | {"D": SOUND}, "where 10% is honest"),
        (LEAKS | {"C": PICKED}, "about what guessing gives"),
        (LEAKS | {"C": SEEN}, "made after the cut, of training rows alone"),
        (LEAKS | {"C": COPIES}, "no digit is copied before the cut"),
        (LEAKS | {"A": SEEN}, "A does leak"),
        (LEAKS | {"A": COPIES}, "A does leak"),
        (LEAKS | {"B": SEEN}, "their twins were on the other side"),
        (LEAKS | {"B": PICKED}, "it is no best of many"),
        (LEAKS | {"D": PICKED}, "it is no best of many"),
        (LEAKS | {"D": COPIES}, "its copies are the generator's"),
        (LEAKS | {"D": "leaks"}, "none of the choices"),
        (LEAKS | {"D": []}, "none of the choices"),
        (LEAKS | {"E": SOUND}, 'the keys "A", "B", "C" and "D"'),
        ({"A": PICKED}, 'the keys "A", "B", "C" and "D"'),
        (list(LEAKS.values()), "a dictionary"),
        (None, "a dictionary"),
    ],
    "15.2": [
        (unpaired, VERDICTS, "two unrelated groups"),
        (welch, VERDICTS, "Welch's interval of two unrelated groups"),
        (unpaired_by_z, VERDICTS, "an interval of two unrelated groups"),
        (z_for_many, VERDICTS, "1.96 is for very many"),
        (lambda ours, plain: tuple(round(x, 2) for x in right(ours, plain)), VERDICTS, "rounded"),
        (own_spreads, VERDICTS, "take the difference of each pair first"),
        (around(lambda d, n: 1.96 * stdev(d) / n**0.5), VERDICTS, "1.96 is for very many"),
        (
            around(lambda d, n: NormalDist().inv_cdf(0.975) * stdev(d) / n**0.5),
            VERDICTS,
            "n − 1 degrees",
        ),
        (around(lambda d, n: 2 * stdev(d) / n**0.5), VERDICTS, "rule of thumb"),
        (around(lambda d, n: 2.776 * stdev(d) / n**0.5), VERDICTS, "t for five pairs; here"),
        (around(lambda d, n: t(n + 1) * stdev(d) / n**0.5), VERDICTS, "one less than there are"),
        (around(lambda d, n: t(n, 0.95) * stdev(d) / n**0.5), VERDICTS, "take 0.975"),
        (around(lambda d, n: t(n) * stdev(d)), VERDICTS, "the root is missing"),
        (around(lambda d, n: t(n) * stdev(d) / n), VERDICTS, "s is divided by n"),
        (around(lambda d, n: stdev(d) / n**0.5), VERDICTS, "t is missing"),
        (around(lambda d, n: t(n) * pstdev(d) / n**0.5), VERDICTS, "n below the line"),
        (around(lambda d, n: t(n) * variance(d) / n**0.5), VERDICTS, "take its root, s"),
        (lambda ours, plain: right(plain, ours), VERDICTS, "sign is turned round"),
        (lambda ours, plain: right(ours, plain)[::-1], VERDICTS, "ends are exchanged"),
        (mean_and_half, VERDICTS, "half the width"),
        (extremes, VERDICTS, "where single pairs lie"),
        (sorted_first, VERDICTS, "is wanted: the mean of the differences"),
        (best_first, VERDICTS, "is wanted: the mean of the differences"),
        (lambda ours, plain: fmean(gaps(ours, plain)), VERDICTS, "not a pair of numbers"),
        (lambda ours, plain: "low, high", VERDICTS, "not a pair of numbers"),
        (lambda ours, plain: {"low": 0, "high": 1}, VERDICTS, "not a pair of numbers"),
        (lambda ours, plain: gaps(ours, plain), VERDICTS, "return two numbers"),
        (lambda ours, plain: (None, 1.0), VERDICTS, "not both numbers"),
        (lambda ours, plain: (True, False), VERDICTS, "not both numbers"),
        (lambda ours, plain: (1j, 2j), VERDICTS, "not both numbers"),
        (lambda ours, plain: (math.nan, math.inf), VERDICTS, "both have to be finite"),
        (lambda ours, plain: (torch.ones(2), torch.ones(2)), VERDICTS, "not both numbers"),
        (sorts_in_place, VERDICTS, "overwrote its input"),
        (3, VERDICTS, "a function is wanted"),
        *[(right, but(key, other(key)), f"{key}, “") for key in QUESTIONS],
        (right, but("A", "maybe"), "none of the choices"),
        (right, but("B", 1), "none of the choices"),
        (right, {"A": "helps"}, 'the keys "A", "B" and "C"'),
        (right, "helps", "a dictionary"),
    ],
}

RIGHT = {
    "15.1": [
        (dict(reversed(LEAKS.items())),),
        ({name: CHOICES[CHOICES.index(leak)] for name, leak in LEAKS.items()},),
        ({name: str(leak) for name, leak in LEAKS.items()},),
    ],
    "15.2": [
        (by_scipy, VERDICTS),
        (by_numpy, VERDICTS),
        (by_torch, VERDICTS),
        (of_scalars, VERDICTS),
        (lambda ours, plain: list(right(ours, plain)), dict(reversed(VERDICTS.items()))),
    ],
}
