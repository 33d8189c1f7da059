"""Checks of lesson 17: a divergence, a flow's sampler, and which family for which job."""

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor

from gan_lessons.exercises import (
    Answer,
    Wrong,
    as_number,
    call,
    close,
    exercise,
    expect_close,
    expect_shape,
)
from gan_lessons.methods.vae import divergence_from_normal
from gan_lessons.studies import families


@exercise("17.1")
def divergence(answer: Answer) -> str:
    """KL(N(mean, spread²) ‖ N(0, 1)), summed over the numbers of a code."""
    rng = torch.Generator().manual_seed(171)
    for n, numbers in ((5, 3), (1, 8), (4, 1)):
        mean = torch.randn(n, numbers, generator=rng)
        spread = torch.rand(n, numbers, generator=rng) * 1.5 + 0.2
        got = call(answer, mean, spread)
        want = divergence_from_normal(mean, spread.log())
        _refuse_other_sums(got, want, n, numbers)
        _refuse_other_divergences(got, mean, spread)
        expect_close(got, want, "For each number it is (mean² + spread² − 1)/2 − log spread.")
    zero = call(answer, torch.zeros(2, 3), torch.ones(2, 3))
    expect_close(zero, torch.zeros(2), "A code that is N(0, 1) already costs nothing")
    return "0 for N(0, 1) itself, and more for every step away from it: far, narrow or wide."


def _refuse_other_sums(got: object, want: Tensor, n: int, numbers: int) -> None:
    if isinstance(got, Tensor) and got.shape == (n, numbers):
        raise Wrong(
            "that is one for each number of a code; the numbers are independent, so their "
            "divergences add up: .sum(dim=1)."
        )
    if isinstance(got, Tensor) and got.shape == () and n > 1:
        raise Wrong("that is one number for the whole batch; one for each picture is wanted: (N,).")
    expect_shape(got, (n,))
    if numbers > 1 and close(got, want / numbers):
        raise Wrong(
            "that is the mean over the numbers of a code; the divergence of the whole code is "
            "their sum. With a mean, β would be that many times too small."
        )


def _refuse_other_divergences(got: Tensor, mean: Tensor, spread: Tensor) -> None:
    squares, wide, log = mean.square(), spread.square(), spread.log()
    others = (
        (squares + wide - 1 - 2 * log, "that is twice the divergence: the ½ is missing."),
        (-(squares + wide - 1 - 2 * log) / 2, "the sign is turned: a divergence is never below 0."),
        (
            ((squares + 1) / wide - 1 + 2 * log) / 2,
            "that is KL(N(0, 1) ‖ q), the other way round. The encoder's q stands first: the mean "
            "is taken over its codes.",
        ),
        (
            (squares + wide - 1 - log) / 2,
            "log spread² is 2 log spread: half of it stays when all is divided by 2.",
        ),
        (
            (squares + (2 * spread).exp() - 1 - 2 * spread) / 2,
            "there the spread is taken for its logarithm; this function gets the spread itself.",
        ),
        (
            (squares + spread - 1 - log) / 2,
            "there the spread is taken for a variance; the variance is its square.",
        ),
        ((squares + wide - 2 * log) / 2, "the −1 is missing: N(0, 1) itself would not get 0."),
        ((squares + wide - 1) / 2, "the logarithm is missing: a narrow code would be for nothing."),
        (
            (squares + wide - 1) / 2 + log,
            "the logarithm has to be taken away: a narrow code is dear, not cheap.",
        ),
        (squares / 2, "only the means count there, and the spread is free: it would go to 0."),
        ((wide - 1 - 2 * log) / 2, "the means are missing: codes could lie anywhere."),
    )
    for other, why in others:
        if close(got, other.sum(dim=1)):
            raise Wrong(why)


class _Field:
    """A speed that depends on place and time, and remembers when it was asked."""

    def __init__(self) -> None:
        self.times: list[float] = []
        self.places: list[Tensor] = []

    def __call__(self, x: Tensor, t: Any) -> Tensor:
        time = torch.as_tensor(t, dtype=torch.float32)
        if time.numel() != 1:
            raise ValueError("speed takes one time t for all pictures")
        self.times.append(float(time))
        self.places.append(x.detach().clone())
        return 0.8 * x + 2 * time.reshape(()) ** 2 - x.flip(-1) / 3


@exercise("17.2")
def follow(answer: Answer) -> str:
    """Euler's method from t = 0 to 1."""
    rng = torch.Generator().manual_seed(172)
    for n, side, steps in ((3, 6, 4), (2, 5, 1), (1, 4, 10)):
        noise = torch.randn(n, 1, side, side, generator=rng)
        field = _Field()
        got = call(answer, field, noise, steps)
        if isinstance(got, list | tuple):
            raise Wrong(
                f"that is a {type(got).__name__}; only the last place, the picture, is wanted."
            )
        expect_shape(got, tuple(noise.shape))
        _refuse_other_calls(field, noise, steps)
        want = noise
        for i in range(steps):
            want = want + _Field()(want, i / steps) / steps
        _refuse_other_ends(got, want, field, steps)
        expect_close(got, want, "Each step adds speed(x, t) / steps to x, with t = i / steps")
    return "as many calls as steps; that is the price of a picture."


def _refuse_other_calls(field: _Field, noise: Tensor, steps: int) -> None:
    times, wanted = field.times, [i / steps for i in range(steps)]
    if not times:
        raise Wrong("the speed that was handed in was never asked for.")
    if not close(field.places[0], noise):
        raise Wrong("the way has to begin at the noise that was given, unchanged.")
    if len(times) == 2 * steps and steps > 1:
        _refuse_two_a_step(field, steps)
    if len(times) != steps:
        times_each = "step asks once" if steps == 1 else f"steps ask {steps} times"
        raise Wrong(f"the speed was asked for {len(times)} times; {steps} {times_each}.")
    if close(times, wanted):
        return
    if close(times, [(i + 1) / steps for i in range(steps)]):
        raise Wrong(
            "the times are those of the ends of the steps; Euler's method asks where it stands, "
            "at the beginning: t = i / steps, from 0."
        )
    if close(times, list(range(steps))):
        raise Wrong("the speed was given the number of the step; t goes from 0 to 1: i / steps.")
    if close(times, [1 - t for t in wanted]):
        raise Wrong(
            "time runs backwards there, from 1 to 0, as many write diffusion. Here noise is at "
            "t = 0 and the digit at 1."
        )
    if steps > 1 and close(times, torch.linspace(0, 1, steps)):
        raise Wrong(
            "linspace(0, 1, steps) has 1 in it, and steps − 1 gaps; the steps begin at i / steps."
        )
    told = ", ".join(f"{t:.3g}" for t in times[:4])
    raise Wrong(f"the speed was asked for at t = {told} …; i / steps is wanted, from 0.")


def _refuse_two_a_step(field: _Field, steps: int) -> None:
    times, places = field.times, field.places
    told = f"the speed was asked for {2 * steps} times in {steps} steps"
    if close(times[::2], times[1::2]) and all(map(close, places[::2], places[1::2])):
        raise Wrong(f"{told}, twice at each place: ask once, and keep what it says.")
    if close(times, [i / (2 * steps) for i in range(2 * steps)]) and not close(
        places[2], places[0] + _Field()(places[1], times[1]) / steps
    ):
        raise Wrong(f"{told}: those are steps of half the length that is wanted.")
    raise Wrong(
        f"{told}: two calls a step are another method (such as Heun's, or the midpoint's), at "
        "twice the price. Euler's asks once."
    )


def _refuse_other_ends(got: Tensor, want: Tensor, field: _Field, steps: int) -> None:
    if close(got, want):
        return
    first, last = field.places[0], field.places[-1]
    if steps > 1 and all(close(place, first) for place in field.places):
        raise Wrong("the place never moves between the calls: x has to be the last step's result.")
    speed = _Field()(last, field.times[-1])
    if close(got, last):
        raise Wrong("the last step is missing: that is where it begins.")
    if close(got, speed):
        raise Wrong("that is a speed; the place is what is wanted.")
    if steps > 1 and close(field.places[1], first + _Field()(first, 0.0)):
        raise Wrong(
            "each step goes as far as the whole way: the speed is for a unit of time, and a step "
            "has 1 / steps of it."
        )
    if steps > 1 and close(field.places[1], first - _Field()(first, 0.0) / steps):
        raise Wrong("the steps go backwards: the speed points from noise to digit, so add it.")
    if close(got, want.clamp(-1, 1)):
        raise Wrong("that is clamped; return the place as it is.")


class Job(NamedTuple):
    """What one of the jobs asks for."""

    measure: str
    lowest: bool
    why: str  # this measure
    seconds: int  # of training, at most
    drawing_ms: float  # for a picture, at most


JOBS = {
    "game": Job(
        "distance", True,
        "a crowd has to be like real digits in looks and in variety at once", 60, 1.0,
    ),
    "store": Job("bits", True, "it has to know what the code of a given digit costs", 60, math.inf),
    "stamp": Job(
        "precision", False,
        "one picture has to lie among real digits; nothing else matters", 15, math.inf,
    ),
}  # fmt: skip
MEASURES = ("distance", "precision", "recall", "calls", "drawing_ms", "bits", "elbo")
NOT_THAT = {
    "distance": "that falls with variety, too, which this job does not ask for",
    "precision": "that says nothing of variety",
    "recall": "that says what is reached, not whether all that is drawn looks real",
    "calls": "that is a price",
    "drawing_ms": "that is a price",
    "bits": "that is no property of the pictures that are drawn",
    "elbo": "that is no property of the pictures that are drawn",
}


@exercise("17.3")
def choose(answer: Answer) -> str:
    """A row of the table for each job, and the measure that supports it."""
    rows = [row for row in families.load() if row.family != "real"]
    if not isinstance(answer, dict):
        raise Wrong("a dictionary is wanted: job → (family, drawing, seconds, measure).")
    for name, job in JOBS.items():
        if name not in answer:
            raise Wrong(f"there is no choice for {name!r}.")
        _check_choice(name, job, answer[name], rows)
    return (
        "three jobs, three rows, three columns. Whoever says that one family has won has not said "
        "at what, after how many seconds of training, or at what price for a picture."
    )


def _check_choice(name: str, job: Job, choice: Answer, rows: list[families.Row]) -> None:
    if not isinstance(choice, tuple | list) or len(choice) != 4:
        raise Wrong(
            f"{name}: give (family, drawing, seconds, measure), such as "
            "('vae', 'means', 30, 'recall')."
        )
    family, drawing, seconds, measure = choice
    if not (isinstance(family, str) and isinstance(drawing, str) and isinstance(measure, str)):
        raise Wrong(f"{name}: family, drawing and measure are words in quotes.")
    if as_number(seconds) is None:
        raise Wrong(f"{name}: the seconds are a number without quotes: 15, 30 or 60.")
    if family == "real":
        raise Wrong(f"{name}: real digits are what could be reached; no network draws them.")
    seconds = as_number(seconds)
    found = [r for r in rows if (r.family, r.drawing, r.seconds) == (family, drawing, seconds)]
    if not found:
        raise Wrong(_no_row(name, family, drawing, seconds, rows))
    if measure not in MEASURES:
        known = ", ".join(m for m in MEASURES if m != "elbo")
        raise Wrong(f"{name}: {measure!r} is none of the measures' names: {known}.")
    if measure not in {job.measure} | ({"elbo"} if job.measure == "bits" else set()):
        decides = f"{measure!r} does not decide this one: {NOT_THAT[measure]}"
        if job.measure == "bits":
            decides = f"{measure!r} does not decide this one"
        raise Wrong(f"{name}: {decides}; {job.why}.")
    _refuse_limits(name, job, found)
    if found[0].bits is None and job.measure == "bits" and family == "vae":
        raise Wrong(
            f"{name}: bits are a property of the model, not of its means; the table has them in "
            "the row of its samples, which are what the model says."
        )
    if found[0].bits is None and job.measure == "bits":
        raise Wrong(
            f"{name}: {family} {drawing}".rstrip() + " has no bits in the table: who draws cannot "
            "always say how probable a given picture is."
        )
    _refuse_worse(name, job, found, rows)


def _no_row(name: str, family: str, drawing: str, seconds: Any, rows: list[families.Row]) -> str:
    drawings = dict.fromkeys(row.drawing for row in rows if row.family == family)
    if not drawings:
        known = ", ".join(dict.fromkeys(row.family for row in rows))
        return f"{name}: the table has no family {family!r}; there are {known}."
    if drawing not in drawings:
        told = " or ".join(map(repr, drawings))
        return f"{name}: the table has no row of {family!r} drawn {drawing!r}, but {told}."
    return f"{name}: nothing was trained for {seconds:g} seconds, but for 15, 30 and 60."


def _refuse_limits(name: str, job: Job, found: list[families.Row]) -> None:
    if found[0].seconds > job.seconds:
        raise Wrong(
            f"{name}: that row learned for {found[0].seconds} seconds, and {job.seconds} are all "
            "that there is."
        )
    if not job.drawing_ms >= families.mean(found, "drawing_ms"):
        cost = families.mean(found, "drawing_ms")
        raise Wrong(
            f"{name}: a picture of that row costs {cost:.1f} ms, and {job.drawing_ms:g} ms is all "
            "that there is."
        )


def _refuse_worse(name: str, job: Job, found: list[families.Row], rows: list[families.Row]) -> None:
    best = _best(job, rows)
    own, theirs = ([getattr(row, job.measure) for row in each] for each in (found, best))
    behind = min(own) > max(theirs) if job.lowest else max(own) < min(theirs)
    if behind:
        told = " against ".join(f"{families.mean(r, job.measure):.2f}" for r in (best, found))
        raise Wrong(
            f"{name}: another row that is allowed is better by its {job.measure}, whichever seeds "
            f"are compared: {told} on average."
        )


def _best(job: Job, rows: list[families.Row]) -> list[families.Row]:
    """The rows of one way to train and draw with the best mean, of those that are allowed."""
    groups: dict[tuple[str, str, int], list[families.Row]] = {}
    for row in rows:
        if row.seconds <= job.seconds and getattr(row, job.measure) is not None:
            groups.setdefault((row.family, row.drawing, row.seconds), []).append(row)
    allowed = [g for g in groups.values() if families.mean(g, "drawing_ms") <= job.drawing_ms]
    sign = 1 if job.lowest else -1
    return min(allowed, key=lambda each: sign * families.mean(each, job.measure))
