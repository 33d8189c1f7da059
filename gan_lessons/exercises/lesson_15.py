"""Checks of lesson 15: which design leaks, and what a table of pairs allows one to say."""

import math
from collections.abc import Sequence
from functools import cache
from numbers import Real
from statistics import fmean, stdev, variance

import numpy as np
import torch
from scipy import stats
from torch import Tensor

from gan_lessons.data import load_digits
from gan_lessons.exercises import Answer, Wrong, call, exercise
from gan_lessons.exercises.puzzles.lesson_15 import DESIGNS
from gan_lessons.studies import augmentation
from gan_lessons.studies.statistics import paired

# 15.1

SOUND, PICKED, COPIES, SEEN = (
    "sound",
    "the best of many examinations counts",
    "copies on both sides of the cut",
    "the generator saw the examined digits",
)
CHOICES = (SOUND, PICKED, COPIES, SEEN)
LEAKS = {"A": PICKED, "B": COPIES, "C": SOUND, "D": SEEN}
WHY = {
    "A": "twenty numbers of fakes are tried on the examined digits, and only the luckiest mark is "
    "reported",
    "B": "each digit is doubled by a shifted copy, and then the cut is made: of six examined rows "
    "five have their twin among the training rows",
    "C": "the number of fakes is chosen with digits that were set aside from the training ones; "
    "the examined ones are used once, at the end",
    "D": "the imitation is made from all digits, before the cut: near an examined digit there may "
    "be a fake of it that carries its label",
}
NOT_THAT = {
    PICKED: "it is no best of many: the examined digits are used once",
    COPIES: "no digit is copied before the cut",
    SEEN: "the imitation is made after the cut, of training rows alone",
}

# Where what is said has a grain of truth.
OTHER = {
    ("D", COPIES): "its copies are the generator's, which saw the examined digits, and none of "
    "them is ever examined",
    ("B", SEEN): "its generator sees training rows alone; their twins were on the other side "
    "before it began",
}


@cache
def with_dice(name: str, times: int = 10) -> float:
    """A design's mean mark when every label is thrown with a die of ten sides."""
    images = load_digits(source="bundled", announce=False).images[:450].flatten(1)
    marks = []
    for seed in range(times):
        rng = torch.Generator().manual_seed(seed)
        labels = torch.randint(10, (len(images),), generator=rng)
        marks.append(DESIGNS[name]((images, labels), rng))
    return fmean(marks)


@exercise("15.1")
def leaks(answer: Answer) -> str:
    """Labels that say nothing can be guessed in one case of ten; a design that finds more leaks."""
    if not isinstance(answer, dict) or set(answer) != set(LEAKS):
        raise Wrong('the answer is a dictionary with the keys "A", "B", "C" and "D".')
    for said in answer.values():
        if not isinstance(said, str) or said not in CHOICES:
            raise Wrong(f"{said!r} is none of the choices: {', '.join(map(repr, CHOICES))}.")
    for name, right in LEAKS.items():
        said = answer[name]
        if said == right:
            continue
        found = (
            f"with labels from dice, which nobody can learn, {name} reports {with_dice(name):.0%}"
        )
        if said == SOUND:
            raise Wrong(f"{found}, where 10% is honest. Where does it know the labels from?")
        if right == SOUND:
            raise Wrong(f"{found}, about what guessing gives: {NOT_THAT[said]} in {name}.")
        raise Wrong(
            f"{name} does leak ({found}), but not so: {OTHER.get((name, said), NOT_THAT[said])}."
        )
    return "; ".join(f"{name}: {why}" for name, why in WHY.items()) + "."


# 15.2

HELPS, HARMS, OPEN = "helps", "harms", "cannot tell"
LABELS = 10
QUESTIONS = {
    "A": (augmentation.SHIFTS, augmentation.NOTHING),
    "B": (augmentation.GAN, augmentation.NOTHING),
    "C": (augmentation.BOTH, augmentation.SHIFTS),
}


@exercise("15.2")
def decision(answer: Answer, verdicts: Answer) -> str:
    """mean ± t·s/√n of the differences, pair by pair (Student 1908); and what follows from it."""
    cases = (
        ([71.0, 64.5, 78.2, 69.1, 73.3], [69.2, 63.9, 75.1, 68.8, 70.2]),
        ([55.0, 41.5, 62.5], [57.5, 40.0, 63.0]),
        (
            [81.0, 83.5, 79.0, 88.0, 84.5, 82.0, 90.5, 77.0],
            [80.0, 84.5, 78.5, 85.0, 84.0] + [79.5] * 3,
        ),
        ([12.0, 15.5], [11.0, 13.0]),
        ([70.0 + 7 * i % 11 for i in range(30)], [69.0 + 5 * i % 13 for i in range(30)]),
    )
    for ours, plain in cases:
        got = _two(call(answer, ours, plain))
        want = paired(ours, plain)
        if not _same(got, (want.low, want.high)):
            if _rounded(got, (want.low, want.high)):
                raise Wrong("the ends are right but rounded; return them as they are.")
            _refuse_other_intervals(got, ours, plain)
            raise Wrong(
                f"for {len(ours)} pairs the result is {got[0]:.4g} to {got[1]:.4g}, where "
                f"{want.low:.4g} to {want.high:.4g} is wanted: the mean of the differences, minus "
                "and plus t·s/√n."
            )
    _refuse_other_verdicts(verdicts)
    return (
        "each seed is its own control: what a lucky choice of labelled digits does to both arms "
        "falls out of the difference. An interval that holds 0 does not say that there is no "
        "effect, it says that these seeds cannot tell."
    )


def _two(got: Answer) -> tuple[float, float]:
    """Both ends of an interval."""
    if isinstance(got, Tensor | np.ndarray):
        got = got.tolist()
    if isinstance(got, Real) or not isinstance(got, Sequence) or isinstance(got, str | bytes):
        raise Wrong("the result is not a pair of numbers: return (low, high).")
    if len(got) != 2:
        raise Wrong(f"the result has {len(got)} parts; return two numbers, (low, high).")
    ends = []
    for end in got:
        if isinstance(end, Tensor | np.ndarray):
            end = end.item() if math.prod(end.shape) == 1 else end
        if isinstance(end, bool | np.bool_) or not isinstance(end, Real):
            raise Wrong("the two ends of the interval are not both numbers.")
        if not math.isfinite(end):
            raise Wrong(f"an end of the interval is {float(end)}; both have to be finite.")
        ends.append(float(end))
    return ends[0], ends[1]


def _same(got: tuple[float, float], want: tuple[float, float]) -> bool:
    return all(abs(a - b) <= 1e-3 for a, b in zip(got, want, strict=True))


def _refuse_other_intervals(
    got: tuple[float, float], ours: list[float], plain: list[float]
) -> None:
    gaps = [a - b for a, b in zip(ours, plain, strict=True)]
    n, mean, spread = len(gaps), fmean(gaps), stdev(gaps)
    root = math.sqrt(n)
    t = float(stats.t.ppf(0.975, n - 1))
    half = t * spread / root

    def around(width: float, middle: float = mean) -> tuple[float, float]:
        return middle - width, middle + width

    apart = math.sqrt((variance(ours) + variance(plain)) / n)
    others = (
        (around(half)[::-1], "the ends are exchanged: low first, then high."),
        (
            around(half, -mean),
            "the sign is turned round: it is plain − ours. Above 0 should mean that ours is "
            "better.",
        ),
        ((mean, half), "that is the mean and half the width; return the two ends."),
        (
            around(float(stats.t.ppf(0.975, 2 * n - 2)) * apart),
            "that is the interval of two unrelated groups. The results come in pairs: take the "
            "difference of each pair first, and then the spread of the differences.",
        ),
        (
            around(t * apart),
            "the spread is that of two unrelated groups: take the difference of each pair first.",
        ),
        (
            _welch(ours, plain),
            "that is Welch's interval of two unrelated groups: take the difference of each pair "
            "first.",
        ),
        (
            around(1.96 * apart),
            "that is an interval of two unrelated groups: take the difference of each pair first.",
        ),
        (
            around(1.96 * spread / root),
            f"1.96 is for very many pairs. With {n} the spread itself is uncertain: take t with "
            f"n − 1 degrees of freedom, here {t:.3f}.",
        ),
        (around(float(stats.norm.ppf(0.975)) * spread / root), "that is the normal's quantile."),
        (
            around(2 * spread / root),
            f"2 is a rule of thumb for many pairs; with {n} it is {t:.3f}.",
        ),
        (
            around(float(stats.t.ppf(0.975, n)) * spread / root),
            "t has n − 1 degrees of freedom, one less than there are pairs.",
        ),
        (
            around(float(stats.t.ppf(0.95, n - 1)) * spread / root),
            "the 0.95 quantile leaves 5% on each side; for 95% in the middle take 0.975.",
        ),
        (
            around(t * spread),
            "the root is missing: the mean of n differences scatters by s/√n, one alone by s.",
        ),
        (around(t * spread / n), "s is divided by n; the mean scatters by s/√n."),
        (around(spread / root), "t is missing: mean ± s/√n holds the truth far too seldom."),
        (
            around(half * math.sqrt((n - 1) / n)),
            "the spread s was taken with n below the line; from so few pairs it has to be n − 1.",
        ),
        (around(t * variance(gaps) / root), "that has the variance, s²; take its root, s."),
        (
            (min(gaps), max(gaps)),
            "the least and the largest difference say where single pairs lie, not where the mean "
            "would be found with more of them.",
        ),
        (
            around(2.776 * spread / root),
            f"2.776 is t for five pairs; here there are {n}, and it is {t:.3f}.",
        ),
    )
    for other, why in others:
        if _same(got, other):
            raise Wrong(why)


def _welch(ours: list[float], plain: list[float]) -> tuple[float, float]:
    low, high = stats.ttest_ind(ours, plain, equal_var=False).confidence_interval(0.95)
    return float(low), float(high)


def _rounded(got: tuple[float, float], want: tuple[float, float]) -> bool:
    return any(got == tuple(round(end, digits) for end in want) for digits in (0, 1, 2))


def _refuse_other_verdicts(verdicts: Answer) -> None:
    if not isinstance(verdicts, dict) or set(verdicts) != set(QUESTIONS):
        raise Wrong('the verdicts are a dictionary with the keys "A", "B" and "C".')
    runs = augmentation.load()
    for key, (ours, plain) in QUESTIONS.items():
        said = verdicts[key]
        if not isinstance(said, str) or said not in (HELPS, HARMS, OPEN):
            raise Wrong(f"{said!r} is none of the choices: '{HELPS}', '{HARMS}', '{OPEN}'.")
        found = paired(*(augmentation.results(runs, name, LABELS) for name in (ours, plain)))
        if said == found.verdict:
            continue
        ends = f"from {100 * found.low:+.1f} to {100 * found.high:+.1f} points"
        why = {
            HELPS: "it lies above 0",
            HARMS: "it lies below 0",
            OPEN: "it holds 0, so that five seeds cannot tell",
        }[found.verdict]
        raise Wrong(f"{key}, “{ours}” against “{plain}”: the interval goes {ends}, {why}.")
