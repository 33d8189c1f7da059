"""Checks of lesson 01. Each answers in words and names the misconception that it saw."""

import math
import sys
from types import FrameType

import torch
import torch.nn.functional as F
from torch import Tensor

from gan_lessons import game
from gan_lessons.data import toys
from gan_lessons.exercises import Answer, Wrong, call, close, exercise, expect_close, expect_shape


@exercise("1.1")
def optimal_discriminator(answer: Answer) -> str:
    """D*(x) = p / (p + q) (Goodfellow et al. 2014, proposition 1), ½ where both are 0."""
    rng = torch.Generator().manual_seed(11)
    p, q = torch.rand(2, 7, generator=rng) + 0.1
    got = call(answer, p, q)
    expect_shape(got, p.shape)
    misconceptions = [
        (p - q, "p − q is a difference of densities: it can be negative. D(x) is a probability."),
        (p / q, "p / q can exceed 1. How many of p + q samples that fall at x are real?"),
        (q / (p + q), "that is the share of the fakes. D(x) is the probability that x is real."),
        (p, "that is the density of real samples alone; how common fakes are at x matters too."),
        (
            (p > q).to(p),
            "0 or 1 is a verdict, and one that costs −∞ when it is wrong. Which degree of belief "
            "maximises p log d + q log(1 − d)?",
        ),
    ]
    for wrong, sentence in misconceptions:
        if close(got, wrong):
            raise Wrong(sentence)
    why = "At each x, set the derivative of p log d + q log(1 − d) with respect to d to zero"
    expect_close(got, p / (p + q), why, 1e-5)
    p, q = torch.tensor([0.0, 2.0, 0.0]), torch.tensor([0.0, 0.0, 2.0])
    got = call(answer, p, q)
    expect_shape(got, p.shape)
    if not got.isfinite().all():
        raise Wrong(
            "right wherever samples fall. Where p and q are both 0, 0/0 gives NaN; return ½ there."
        )
    expect_close(
        got, torch.tensor([0.5, 1.0, 0.0]), "Where both are 0 it is ½, elsewhere p / (p + q)"
    )
    p, q = torch.tensor([1e-12, 3e-4, 2e-2]), torch.tensor([3e-12, 1e-4, 1e-2])
    why = "Where both are small, but not 0, it is still p / (p + q)"
    expect_close(call(answer, p, q), p / (p + q), why, 1e-3)
    return "p / (p + q) is the share of the samples at x that are real, and ½ where p = q."


@exercise("1.2")
def value_estimate(answer: Answer) -> str:
    """mean log D(x) + mean log(1 − D(G(z))), Monte Carlo for Goodfellow et al. 2014, equation 1."""
    rng = torch.Generator().manual_seed(12)
    real = 0.3 + 0.6 * torch.rand(5, generator=rng)
    fake = 0.1 + 0.6 * torch.rand(8, generator=rng)
    log_real, log_not_fake = real.log(), (1 - fake).log()
    right = log_real.mean() + log_not_fake.mean()
    got = call(answer, real, fake)
    expect_shape(got, (), "V is one number: the mean over real samples plus the mean over fakes.")
    together = torch.cat([log_real, log_not_fake]).mean()
    misconceptions = [
        (
            -right,
            "the sign is turned: that is −V, a loss that D could minimise. V is never above 0.",
        ),
        (
            log_real.mean() + fake.log().mean(),
            "for a fake D is paid log(1 − D), not log D: it should answer low there.",
        ),
        (
            log_real.mean() - log_not_fake.mean(),
            "with a minus between the terms D would be paid for calling fakes real.",
        ),
        (
            real.mean().log() + (1 - fake.mean()).log(),
            "that is the logarithm of the mean; V is the mean of the logarithms, which is lower.",
        ),
        (log_real.sum() + log_not_fake.sum(), "sums grow with the number of samples; take means."),
        (
            together,
            "one mean over all samples together halves V, and lets the larger pile count for more. "
            "Each pile has its own mean.",
        ),
        (right / 2, "V is the sum of the two means, not half of it."),
        (right / math.log(2), "that is with logarithms to base 2; here they are natural: log."),
        (right / math.log(10), "that is with logarithms to base 10; here they are natural: log."),
        (
            F.logsigmoid(real).mean() + F.logsigmoid(-fake).mean(),
            "D's answers are probabilities already; a sigmoid belongs on logits.",
        ),
        (
            log_real.mean(),
            "the second term is missing, the only one that the generator can change.",
        ),
    ]
    for wrong, sentence in misconceptions:
        if close(got, wrong):
            raise Wrong(sentence)
    expect_close(got, right, "Mean of log D(x) over real, plus mean of log(1 − D) over fakes")
    few = call(answer, real[:2], fake[:3])
    expect_close(
        few,
        log_real[:2].mean() + log_not_fake[:3].mean(),
        "Right for 5 reals and 8 fakes, but for 2 and 3 it is not: a mean divides by the size of "
        "its pile, whatever it is",
    )
    _refuse_cut_off(answer)
    return "two means of logarithms, each over its own pile, so that unequal piles are no problem."


def _refuse_cut_off(answer: Answer) -> None:
    """Raise Wrong unless a D that is nearly certain, and wrong, pays in full."""
    calm, low, high = torch.full((2,), 0.5), torch.full((2,), 1e-10), torch.full((2,), 0.999999)
    for d_real, d_fake in ((low, calm), (calm, high)):
        want = (d_real.log().mean() + (1 - d_fake).log().mean()).item()
        got = call(answer, d_real, d_fake)
        if not close(got, want, 1e-3):
            where = "D(x) = 1e-10" if d_fake is calm else "D(G(z)) = 0.999999"
            expect_close(
                got,
                want,
                f"So far all was right, but at {where} the pay is not the logarithm itself. All "
                "answers lie strictly between 0 and 1: nothing has to be added or cut off",
                1e-3,
            )


@exercise("1.3")
def jsd_from_value(answer: Answer) -> str:
    """JSD = (V(D*, G) + log 4) / 2 (Goodfellow et al. 2014, theorem 1)."""
    dx = 0.01
    x = torch.arange(-8, 8, dx, dtype=torch.float64)
    p, q = toys.normal(x, -0.5, 1.0), toys.normal(x, 1.0, 0.8)
    right = game.jsd(p, q, dx)
    value = game.value(p, q, game.optimal_discriminator(p, q), dx)
    got = call(answer, p, q, dx)
    expect_shape(got, ())
    misconceptions = [
        (value, "that is V(D*, G) itself: for p = q it is −log 4, where a distance must be 0."),
        (value + math.log(4), "that is twice the JSD: at most log 4, where the JSD ends at log 2."),
        (
            (value - math.log(4)) / 2,
            "the sign of log 4: −log 4 moves to the other side as + log 4.",
        ),
        (value + math.log(4) / 2, "that halves log 4 alone; halve the sum, V(D*, G) + log 4."),
        ((-math.log(4) - value) / 2, "the sign is turned: a distance is never negative."),
        ((value + math.log(2)) / 2, "log 2 is too little: the shrug earns log ½ twice, −log 4."),
        (
            right / math.log(2),
            "right in bits; here logarithms are natural, so the unit is the nat.",
        ),
        (
            (game.value(p, q, 0.5, dx) + math.log(4)) / 2,
            "a D that answers ½ to everything sees no distance at all. Use the best discriminator.",
        ),
        (game.kl(p, q, dx), "that is KL(p ‖ q): it is not symmetric, and has no upper bound."),
    ]
    for wrong, sentence in misconceptions:
        if close(got, wrong):
            raise Wrong(sentence)
    expect_close(got, right, "Solve V(D*, G) = −log 4 + 2 JSD for the JSD")
    for dx in (0.02, 0.005):
        x = torch.arange(-8, 8, dx, dtype=torch.float64)
        p, q = toys.normal(x, 0.0, 0.5), toys.normal(x, 0.6, 0.7)
        got, used = _watched(answer, p, q, dx)
        expect_close(got, game.jsd(p, q, dx), f"This time the grid's step is {dx}")
        if used:
            raise Wrong(
                f"the number is right, but it comes from game.{used}, which knows both densities. "
                "Get it as a GAN can: from the value of the best discriminator, game.value."
            )
    left, right = ((x < 0).double() / 8, (x >= 0).double() / 8)  # boxes side by side
    why = "Where one density is 0 and the other is not, nothing overlaps: the JSD is log 2"
    expect_close(call(answer, left, right, dx), math.log(2), why, 1e-3)
    return "(V(D*, G) + log 4) / 2 is 0 if the best D can only shrug, log 2 if nothing overlaps."


def _watched(answer: Answer, p: Tensor, q: Tensor, dx: float) -> tuple[Answer, str]:
    """The answer's result, and which of the package's divergences it called, if any."""
    codes, used = {game.jsd.__code__: "jsd", game.kl.__code__: "kl"}, []

    def look(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code in codes:
            used.append(codes[frame.f_code])

    before = sys.getprofile()
    sys.setprofile(look)
    try:
        got = call(answer, p, q, dx)
    finally:
        sys.setprofile(before)
    return got, used[0] if used else ""
