"""Checks of lesson 02. Each answers in words and names the misconception that it saw."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
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

HUGE = torch.tensor([-1000.0, -100.0, -25.0, -6.0, 6.0, 25.0, 100.0, 1000.0])


@exercise("2.1")
def discriminator_loss(answer: Answer) -> str:
    """−E log D(x) − E log(1 − D(G(z))) from logits (Goodfellow et al. 2014, equation 1)."""
    real, fake = torch.tensor([-1.0, 0.5, 2.0]), torch.tensor([-2.5, -0.5, 0.25, 1.0, 2.5])
    got = _call(answer, real, fake)
    if isinstance(got, Tensor) and got.isnan().any():
        raise Wrong(
            "the result is NaN, for logits between −2.5 and 2.5. A logit is not yet a probability: "
            "it can be negative, and then its logarithm is NaN. D is sigmoid(logit)."
        )
    expect_shape(got, (), "A loss is one number: the mean over reals plus the mean over fakes.")
    _refuse_other_losses(got, real, fake)
    _refuse_smoothing(answer)
    right = F.softplus(-real).mean() + F.softplus(fake).mean()
    expect_close(got, right, "The mean of −log D(x), plus the mean of −log(1 − D(G(z)))")
    expect_close(
        call(answer, real[:2], fake[:3]),
        F.softplus(-real[:2]).mean() + F.softplus(fake[:3]).mean(),
        "Right for 3 reals and 5 fakes, but for 2 and 3 it is not: a mean divides by the size of "
        "its batch, whatever it is",
    )
    _refuse_unsafe(answer)
    return (
        "softplus(−t) for a real and softplus(t) for a fake: finite for every logit, with the "
        "strongest gradient, ±1, exactly where D errs most."
    )


def _call(answer: Answer, real: Tensor, fake: Tensor) -> Answer:
    try:
        return call(answer, real, fake)
    except Wrong as error:
        if "between 0 and 1" not in str(error):
            raise
        raise Wrong(
            "binary_cross_entropy wants probabilities, and a logit can be any number. Its sibling "
            "binary_cross_entropy_with_logits takes logits, as softplus does."
        ) from None


def _refuse_other_losses(got: Answer, real: Tensor, fake: Tensor) -> None:
    on_real, on_fake = F.softplus(-real), F.softplus(fake)
    right = on_real.mean() + on_fake.mean()
    squeezed_real, squeezed_fake = real.sigmoid(), fake.sigmoid()
    others = (
        (
            F.softplus(real).mean() + F.softplus(-fake).mean(),
            "the two kinds are exchanged: that D is paid for calling reals fake and fakes real. "
            "−log D(x) = softplus(−t) belongs to the reals.",
        ),
        (-right, "the sign is turned: that is V, what D earns. A loss is what it minimises, −V."),
        (
            on_real.mean() - on_fake.mean(),
            "with a minus between the terms D is rewarded for calling fakes real: a step would "
            "raise the fakes' logits.",
        ),
        (
            on_real.mean() + F.softplus(-fake).mean(),
            "that takes −log D for the fakes, too: it asks D to call everything real.",
        ),
        (
            F.softplus(-squeezed_real).mean() + F.softplus(squeezed_fake).mean(),
            "sigmoid is applied twice: softplus and binary_cross_entropy_with_logits expect the "
            "logit itself, and contain the sigmoid.",
        ),
        (
            torch.cat([on_real, on_fake]).mean(),
            "one mean over all samples together lets the larger pile count for more, and is about "
            "half of L_D. Each kind has its own mean.",
        ),
        (right / 2, "that is half of L_D: it is the sum of the two means, not their mean."),
        (on_real.sum() + on_fake.sum(), "sums grow with the size of the batch; take means."),
        (
            F.softplus(-real.mean()) + F.softplus(fake.mean()),
            "that is the loss of the mean logit; the loss comes first, then the mean.",
        ),
        (
            on_real.mean() - (1 - F.logsigmoid(fake)).mean(),
            "log(1 − D) is not 1 − log D: on a fake D pays −log(1 − D) = softplus(t).",
        ),
        (on_real.mean(), "the fakes are missing: this D may call everything real."),
        (on_fake.mean(), "the reals are missing: this D may call everything fake."),
        (
            fake.mean() - real.mean(),
            "that is the Wasserstein loss; here the logarithms of probabilities are wanted.",
        ),
    )
    for other, why in others:
        if close(got, other):
            raise Wrong(why)


def _refuse_smoothing(answer: Answer) -> None:
    """Raise Wrong if the targets are not 1 and 0: each is the slope of the loss in the logits."""
    batches = [torch.tensor(values) for values in ([-1.0, 0.5, 2.0], [-0.5, 1.5], [0.7])]
    calm = torch.zeros(2)

    def excess(real: Tensor, fake: Tensor) -> float:
        """What is paid beyond D's loss; target s for a logit t instead of 1 costs (1 − s) t."""
        got = as_number(call(answer, real, fake))
        right = (F.softplus(-real).mean() + F.softplus(fake).mean()).item()
        return math.nan if got is None else got - right

    missing = [excess(t, calm) / t.mean().item() for t in batches]
    extra = [-excess(calm, t) / t.mean().item() for t in batches]
    if not all(max(shares) - min(shares) < 1e-4 for shares in (missing, extra)):
        return
    target_real, target_fake = (round(target, 3) + 0.0 for target in (1 - missing[0], extra[0]))
    if (target_real, target_fake) != (1, 0):
        raise Wrong(
            f"the reals have the target {target_real:g} and the fakes {target_fake:g}: that is "
            "label smoothing. Here the targets are 1 and 0."
        )


def _refuse_unsafe(answer: Answer) -> None:
    """The value and the gradient at very sure logits, of reals and of fakes."""
    calm = torch.tensor([0.0])
    for kind, sign in (("real", -1), ("fake", 1)):
        for logit in HUGE:
            t = logit[None].clone().requires_grad_()
            got = call(answer, *((t, calm) if kind == "real" else (calm, t)))
            if not isinstance(got, Tensor) or not got.requires_grad:
                raise Wrong(
                    f"right in value, but no gradient flows back to the {kind} logits: item, "
                    "detach and NumPy cut it off."
                )
            where = f"a {kind} sample with logit {logit:.0f}".replace("-", "−")
            (slope,) = torch.autograd.grad(got, t, allow_unused=True)
            if slope is None:
                raise Wrong(
                    f"right in value, but no gradient flows back to the {kind} logits: a tensor "
                    "that is made anew, by torch.tensor or detach, does not know where it is from."
                )
            want = math.log(2) + F.softplus(sign * logit).item()
            push = sign * torch.sigmoid(sign * logit)
            if not close(got, want) or not close(slope[0], push):
                found, its_slope = got.item(), slope.item() + 0.0  # −0 is printed as 0
                raise Wrong(
                    f"for {where} the loss is {found:.5g} and its slope {its_slope:.3g}, where "
                    f"{want:.5g} and {push:.3g} are right. Somewhere on the way a number is "
                    "rounded or cut off, and with it the gradient. softplus takes logits and keeps "
                    "both: −log D = softplus(−t)."
                )


class Claim(NamedTuple):
    """What is true of one published formula or sentence, and how to answer who errs."""

    verdict: str
    number: float  # the proof
    believed: str  # said to the other verdict, given with the right number
    numbers: Sequence[tuple[float, str]]  # wrong number → what it is instead


# Slopes are derivatives with respect to a fake's logit f, at r = 2 and f = 0.
FORMULAS = {
    "1": Claim(
        "wrong",
        0.5,
        "your slope is +½, so a step of G would lower f: G would learn to look more fake. That is "
        "D's loss, printed as G's.",
        (
            (
                -0.5,
                "−½ is the slope of −log D(G(z)). Printed is −log(1 − D(G(z))) = softplus(f), "
                "which rises with f.",
            ),
            (0.0, "the first term has no f in it, but the second one has."),
        ),
    ),
    "2": Claim(
        "wrong",
        -0.5,
        "your slope is −½, so a step of D would raise f: this D is rewarded for calling fakes "
        "real.",
        (
            (
                0.5,
                "+½ is the slope of the loss with a minus before the last term. Printed is a plus: "
                "+log(1 − D(G(z))) = −softplus(f).",
            ),
            (0.0, "f occurs in the second term."),
        ),
    ),
    "3": Claim(
        "wrong",
        0.0,
        "your slope is 0: there is no fake in this formula, x is a real sample. G would never "
        "learn anything.",
        (
            (
                -0.5,
                "−½ is the slope of −log D(G(z)), the formula that is meant. Printed is D(x), and "
                "x is a real sample: f does not occur.",
            ),
            (
                -torch.sigmoid(torch.tensor(-2.0)).item(),
                "that is the slope with respect to the real's logit r. G does not make x; look "
                "for f.",
            ),
        ),
    ),
    "4": Claim(
        "right",
        1.0,
        "your slope is +1, so a step of D lowers the fake, as it should. That a real with score 2 "
        "gives no slope is no misprint: beyond its margin this D rests. It is the hinge loss.",
        (
            (
                0.0,
                "0 holds for a fake below −1, or for the real at r = 2, which are past their "
                "margins. At f = 0 the term max(0, 1 + f) is on.",
            ),
            (-1.0, "the sign: max(0, 1 + f) rises with f, so its slope is positive."),
            (0.5, "½ is the slope of softplus(f). There is no sigmoid in this formula."),
        ),
    ),
}

SENTENCES = {
    "5": Claim(
        "wrong",
        -math.log(0.95) - math.log(0.55),
        "you computed 0.649, and printed is 0.14: believe your own number.",
        (
            (0.14, "0.14 is the number as printed. Compute it: −log 0.55 alone is already 0.598."),
            (
                -math.log10(0.95) - math.log10(0.55),
                "that is with logarithms to base 10; losses use natural ones, `math.log`.",
            ),
            (math.log(0.95) + math.log(0.55), "the minus before the bracket is missing."),
            (
                -math.log(0.95) - math.log(0.45),
                "for a fake D pays −log(1 − D(G(z))), and 1 − 0.45 = 0.55.",
            ),
            (-math.log(0.95), "that is the first term alone."),
            (
                (-math.log(0.95) - math.log(0.55)) / 2,
                "that is half: L_D is the sum of two means.",
            ),
        ),
    ),
    "6": Claim(
        "right",
        3.0,
        "your slope is +3, so a step of G lowers the score. Least squares aims at 1 and not at "
        "“more”; what overshoots is pulled back.",
        (
            (-3.0, "the sign: ½(f − 1)² has the slope f − 1. A push is minus the slope."),
            (4.5, "4.5 is the value of the loss at f = 4; its slope is asked for."),
            (-1.0, "−1 is the slope at f = 0. The sentence is about f = 4."),
            (6.0, "6 is the slope without the ½; in this course's least squares there is one."),
            (4.0, "4 is the slope of ½f², D's term for fakes: its target is 0, G's is 1."),
        ),
    ),
    "7": Claim(
        "wrong",
        -0.99,
        "your slope is −0.99, almost the largest there is. It vanishes at the other end, where "
        "D(G(z)) ≈ 0 and G is hopeless.",
        (
            (
                -0.01,
                "−0.01 is the slope of −log D(G(z)) at 0.99, or of log(1 − D(G(z))) at 0.01. For "
                "log(1 − D) = −softplus(f) the slope is −D.",
            ),
            (
                -0.5,
                "−½ is the slope at f = 0, where D(G(z)) = ½. The logit of 0.99 is log 99 ≈ 4.6.",
            ),
            (
                0.99,
                "the sign: log(1 − D) falls as f rises. (Which is why G can minimise it.)",
            ),
            (
                -100.0,
                "that is the derivative with respect to the probability D. With respect to the "
                "logit it is multiplied by D(1 − D).",
            ),
            (
                -torch.sigmoid(torch.tensor(0.99)).item(),
                "0.99 is the probability; the logit that belongs to it is log(0.99 / 0.01) ≈ 4.6.",
            ),
            (math.log(0.01), "that is the value of log(1 − D) at 0.99; its slope is asked for."),
            (0.0, "0 is what the sentence claims. Compute the slope at f = log 99."),
        ),
    ),
    "8": Claim(
        "right",
        math.log(4),
        "−log ½ − log ½ is 1.386, as the sentence says, and −log ½ is 0.693. (It does not say that "
        "G is perfect: a D without any idea gives the same numbers.)",
        (
            (math.log(2), "log 2 is one term, or L_G. L_D has a term for reals and one for fakes."),
            (-math.log(4), "−log 4 is V, what D earns; its loss is −V."),
            (math.log10(4), "that is with logarithms to base 10; `math.log` is the natural one."),
            (1.0, "that adds the probabilities; the loss adds their logarithms."),
            (3 * math.log(2), "that is L_D and L_G together; L_D alone is asked for."),
        ),
    ),
}


@exercise("2.2")
def formulas(answer: Answer) -> str:
    """Formulas 1 to 4: the sign, or the absence, of the slope at a fake's logit."""
    _settle(answer, FORMULAS, "slope")
    return (
        "formula 1 makes G look more fake, 2 pays D for being fooled, in 3 G does not occur, and "
        "4 is the hinge loss. One derivative each refutes the first three, no staring at minus "
        "signs."
    )


@exercise("2.3")
def sentences(answer: Answer) -> str:
    """Sentences 5 to 8: a worked number or a slope decides each."""
    _settle(answer, SENTENCES, "number")
    return (
        "in 5 nobody computed, 6 sounds wrong and holds, 7 puts saturation at the wrong end, and 8 "
        "is the pair of levels to remember: log 4 and log 2."
    )


COMPUTE = {
    "slope": "Compute the slope of the formula as it is printed",
    "number": "Compute what the table's last column asks for",
}


def _settle(answer: Answer, claims: Mapping[str, Claim], what: str) -> None:
    """Raise Wrong about the first claim that is not settled, and say how many are."""
    if not isinstance(answer, Mapping) or set(answer) != set(claims):
        raise Wrong(f"a dict with the keys {', '.join(map(repr, claims))} is wanted.")
    complaints = []
    for name, claim in claims.items():
        try:
            _check_claim(answer[name], claim, what)
        except Wrong as error:
            complaints.append(f"Number {name}: {error}")
    if complaints:
        settled = len(claims) - len(complaints)
        raise Wrong(f"{settled} of {len(claims)} are settled. {complaints[0]}")


def _check_claim(given: Answer, claim: Claim, what: str) -> None:
    if not isinstance(given, tuple | list) or len(given) != 2:
        raise Wrong(f'a pair is wanted, ("right" or "wrong", {what}).')
    verdict, number = given[0], as_number(given[1])
    if number is None:
        raise Wrong(f"the {what} is {given[1]!r}, where a finite number is wanted.")
    if not isinstance(verdict, str) or verdict not in ("right", "wrong"):
        raise Wrong(f'the verdict is {verdict!r}; write "right" or "wrong".')
    if not close(number, claim.number, 5e-3):
        for other, why in claim.numbers:
            if close(number, other, 5e-3):
                raise Wrong(why)
        expect_close(number, claim.number, COMPUTE[what])
    if verdict != claim.verdict:
        raise Wrong(claim.believed)
