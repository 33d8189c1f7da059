"""Checks of lesson 05. Each answers in words and names the misconception that it saw."""

import math
from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from gan_lessons.exercises import (
    Answer,
    Wrong,
    call,
    close,
    exercise,
    expect_choice,
    expect_close,
    expect_shape,
)


@exercise("5.1")
def generator_loss(answer: Answer) -> str:
    """−E log D(G(z)) from logits (Goodfellow et al. 2014, end of section 3)."""
    logits = torch.tensor([-6.0, -2.0, -0.5, 0.25, 1.5, 3.0])
    got = call(answer, logits)
    want = F.softplus(-logits).mean()
    _refuse_probabilities(got)
    if close(got, F.softplus(-logits)):
        raise Wrong("that is one loss per fake; a loss is one number: take the mean.")
    expect_shape(got, ())
    _refuse_other_losses(got, logits)
    expect_close(got, want, "The loss is the mean of −log D(G(z)), where D = sigmoid(logit)")
    if not close(few := call(answer, logits[:2]), F.softplus(-logits[:2]).mean()):
        expect_shape(few, ())
        raise Wrong(
            f"right for six fakes; but for the two logits −6 and −2 it is {float(few):.4g}, where "
            "4.065 is wanted. A mean divides by the size of the batch, whatever it is."
        )
    _refuse_unsafe(answer)
    return (
        "softplus(−logit) is −log D, finite for every logit. It pulls hardest where D is surest "
        "that the fake is a fake, which is where G has most to learn."
    )


def _refuse_probabilities(got: Answer) -> None:
    if isinstance(got, Tensor) and got.isnan().any():
        raise Wrong(
            "the result is NaN. Is there a logarithm of the logit itself? A logit can be negative, "
            "and is not yet a probability; D = sigmoid(logit) is."
        )


def _refuse_other_losses(got: Answer, logits: Tensor) -> None:
    log_d, log_not_d = -F.softplus(-logits), -F.softplus(logits)
    others = (
        (-log_d.sum(), "that is the sum; with the mean a batch of any size pulls equally hard."),
        (log_d.mean(), "the sign is turned round: minimising log D(G(z)) makes D(G(z)) fall."),
        (
            log_not_d.mean(),
            "that is log(1 − D(G(z))), the minimax loss. It has the right direction, but is flat "
            "where D(G(z)) ≈ 0: a bad generator would learn least. Take −log D(G(z)).",
        ),
        (
            -log_not_d.mean(),
            "that is −log(1 − D(G(z))), D's loss on the fakes: minimising it, G would help D.",
        ),
        (
            F.softplus(-logits.sigmoid()).mean(),
            "sigmoid is applied twice: softplus(−t) and binary_cross_entropy_with_logits expect "
            "the logit itself.",
        ),
        (-logits.mean(), "that is −E[logit], with no logarithm in it: another game's loss."),
        (-logits.sigmoid().mean(), "that is −E[D(G(z))]; the logarithm is missing."),
        (
            -logits.sigmoid().mean().log(),
            "that is −log of the mean D(G(z)); take the logarithm for each fake, then the mean.",
        ),
        (
            F.softplus(-logits.mean()),
            "that is the loss of the mean logit; take the loss of each fake, then the mean.",
        ),
        (
            F.softplus(-logits).mean() / math.log(2),
            "that is a logarithm to base 2; this course, and torch.log, take natural ones.",
        ),
        ((logits - 1).square().mean(), "that is the least-squares loss: another game's."),
        (F.relu(1 - logits).mean(), "that is a hinge loss: another game's."),
    )
    for other, why in others:
        if close(got, other):
            raise Wrong(why)


def _refuse_unsafe(answer: Answer) -> None:
    for logit in (-1000.0, 1000.0, -40.0, -1.0, 2.0):
        sure = torch.tensor([logit, logit], requires_grad=True)
        want, slope = F.softplus(-sure[0]).item(), -torch.sigmoid(-sure[0]).item()
        got = call(answer, sure)
        at = f"at t = {logit:g}".replace("-", "−")
        gradient = None
        if isinstance(got, Tensor) and got.requires_grad:
            (gradient,) = torch.autograd.grad(got, sure, allow_unused=True)
        if gradient is None:
            raise Wrong(
                "no gradient can flow back to the logits: stay in PyTorch, without item, detach, "
                "NumPy or a new tensor on the way."
            )
        if not close(got, torch.tensor(want), 1e-3):
            raise Wrong(
                f"{at} the loss is {got.item():.4g}, where {want:g} is wanted: a sigmoid, an exp "
                "or a bound on the way has lost it. Stay with logits: "
                "−log sigmoid(t) = softplus(−t)."
            )
        if not close(gradient, torch.full((2,), slope / 2)):
            raise Wrong(
                f"{at} the loss is right, but its slope is {gradient.sum().item():.4g}, where "
                f"{slope:.4g} is wanted: an overflow, a rounding or a detach on the way has spoilt "
                "the gradient. Stay with logits: −log sigmoid(t) = softplus(−t)."
            )


@exercise("5.2")
def standoff(answer: Answer) -> str:
    """L_D = log 4 and L_G = log 2 where D = ½ (Goodfellow et al. 2014, theorem 1)."""
    if not isinstance(answer, Mapping):
        raise Wrong("a dict with the keys 'discriminator' and 'generator' is wanted.")
    missing = {"discriminator", "generator"} - set(answer)
    if missing:
        raise Wrong(f"the dict lacks {' and '.join(sorted(missing))}.")
    loss_d, loss_g = answer["discriminator"], answer["generator"]
    if close(loss_d, math.log(2), 5e-3) and close(loss_g, math.log(4), 5e-3):
        raise Wrong("the two are exchanged: D is asked about reals and about fakes, G only once.")
    _refuse_wrong_base(loss_d, loss_g)
    _refuse_wrong_discriminator(loss_d)
    if close(loss_g, -math.log(2), 5e-3):
        raise Wrong("G's loss is −log D, and log ½ is negative: −log ½ = +log 2.")
    if close(loss_g, 0):
        raise Wrong("0 would mean D(G(z)) = 1, a D that is fooled for certain. Here it is ½.")
    if close(loss_g, math.log(4), 5e-3):
        raise Wrong("log 4 is D's loss, with two terms; G's has one: it is about the fakes only.")
    if close(loss_g, 0.5):
        raise Wrong("½ is the probability D(G(z)) itself; the loss is −log of it.")
    expect_close(loss_g, math.log(2), "G's loss is −log D(G(z)) at D(G(z)) = ½", 5e-3)
    return (
        "log 4 ≈ 1.386 = −log ½ − log ½, one term for reals and one for fakes, and log 2 ≈ 0.693 "
        "= −log ½. Losses near these say that D cannot tell, for whatever reason."
    )


def _refuse_wrong_base(loss_d: Answer, loss_g: Answer) -> None:
    if close(loss_d, math.log10(4), 2e-3) or close(loss_g, math.log10(2), 2e-3):
        raise Wrong("those are logarithms to base 10; this course, and torch.log, take natural.")
    if close(loss_d, 2) and close(loss_g, 1):
        raise Wrong("those are logarithms to base 2; this course, and torch.log, take natural.")


def _refuse_wrong_discriminator(loss_d: Answer) -> None:
    if close(loss_d, -math.log(4), 5e-3):
        raise Wrong("−log 4 is the value V that D earns; its loss is what it minimises, −V.")
    if close(loss_d, math.log(2), 5e-3):
        raise Wrong("log 2 is one of D's two terms; D pays for the reals and for the fakes.")
    if close(loss_d, 0.5) or close(loss_d, 1):
        raise Wrong("½ is a probability, 1 the sum of two; D's loss adds −log ½ and −log ½.")
    if close(loss_d, 0):
        raise Wrong("0 for D would mean that it is certain, and right, about every sample.")
    expect_close(loss_d, math.log(4), "D's loss is −log D(x) − log(1 − D(G(z))) at ½ and ½", 5e-3)


FINDINGS = {"A": "out of reach", "B": "same range", "C": "room to stray"}
PIXELS = torch.arange(256, dtype=torch.uint8).view(1, 16, 16)


@exercise("5.3")
def range_bug(diagnosis: Answer, answer: Answer) -> str:
    """Which patient's data lie where, and the mapping of 0 … 255 to tanh's range [−1, 1]."""
    if not isinstance(diagnosis, Mapping) or set(diagnosis) != set(FINDINGS):
        raise Wrong("the diagnosis is a dict with the keys 'A', 'B' and 'C'.")
    for patient, right in FINDINGS.items():
        why_not = {finding: why for finding, why in _WHY_NOT[patient].items() if finding != right}
        expect_choice(diagnosis[patient], right, why_not)
    got = call(answer, PIXELS)
    expect_shape(got, tuple(PIXELS.shape), "Every pixel is mapped by itself; the shape stays.")
    _refuse_wrong_ranges(got)
    expect_close(got, PIXELS.float() / 127.5 - 1, "0 should become −1, and 255 exactly +1", 1e-5)
    if got.dtype != torch.float32:
        raise Wrong(f"the result is {got.dtype}; the networks want torch.float32.")
    part = PIXELS[0, 4:12] // 2
    for pixels in (torch.tensor([0, 51, 255], dtype=torch.uint8), part.view(2, 4, 4, 4), part):
        got = call(answer, pixels)
        expect_shape(got, tuple(pixels.shape), "It has to work for pixels of any shape.")
        if not close(got, pixels.float() / 127.5 - 1, 1e-5):
            raise Wrong(
                "the same grey level becomes another number in another batch: the mapping depends "
                "on its other pixels, the brightest perhaps. Use 0 and 255."
            )
    return (
        "A's ink lies beyond what tanh can reach, C's paper lies in the middle of it, and yours "
        "fills it exactly: 0 → −1, 255 → +1, whatever the batch."
    )


_WHY_NOT = {
    "A": {
        "same range": "patient A: compare the highest real pixel with the highest fake one.",
        "room to stray": "patient A: its real pixels go higher than any fake pixel can.",
    },
    "B": {
        "out of reach": "patient B: every real pixel lies between the lowest and highest fake.",
        "room to stray": "patient B: its real pixels go down to −1, and nothing lies below that.",
    },
    "C": {
        "same range": "patient C: its fakes have negative pixels, and the real ones have none.",
        "out of reach": "patient C: 0 and 1 both lie within tanh's range; G could get there.",
    },
}


def _refuse_wrong_ranges(got: Tensor) -> None:
    ramp, levels = got.detach().flatten().double(), torch.arange(256).double()
    if close(ramp, 1 - levels / 127.5):
        raise Wrong("dark and bright are exchanged: 0 is paper and should become −1.")
    if (ramp.diff() < 0).any():
        raise Wrong(
            "brighter pixels come out darker somewhere. Whole numbers do that when they wrap "
            "round, for a uint8 holds 0 to 255: then turn the pixels into floats first."
        )
    if close(ramp, levels.tanh(), 1e-3):
        raise Wrong(
            "that is tanh of 0 to 255, which is 1 for nearly all of them. Tanh is the generator's "
            "last step, not the data's; the data are stretched and moved, evenly."
        )
    if (left := len(ramp.unique())) < 200 and ramp.isfinite().all():
        raise Wrong(
            f"only {left} of the 256 grey levels stay apart. The mapping is even; and a division "
            "has to be one of floats, with / and not //."
        )
    low, high = ramp[0].item(), ramp[-1].item()
    if close([low, high], [0.0, 1.0], 5e-3):
        raise Wrong(
            "that is [0, 1], patient C's range: the paper would lie at 0, in the middle of tanh. "
            "Stretch it by 2, then take away 1."
        )
    if close([low, high], [0.0, 2.0], 2e-2):
        raise Wrong("that is [0, 2]: stretched, but not moved down by 1.")
    if close(low, -1.0) and 0.98 < high < 0.9999:
        raise Wrong(
            f"255 becomes {high:.4f}: there are 256 levels, but 255 steps between 0 and 255. "
            "Divide by 255, or by 127.5."
        )
    if close([low, high], [-0.5, 0.5], 1e-2):
        raise Wrong("that is [−½, ½]: centred, but half as wide as tanh's range.")
    if close(ramp, levels):
        raise Wrong("those are the pixels of the file, 0 to 255; they have to reach from −1 to 1.")
    if high > 1.001 or low < -1.001:
        ill = "patient A's illness: " if low < -0.2 and high > 1.3 else ""
        raise Wrong(
            f"it reaches from {low:.3g} to {high:.3g}, {ill}no tanh gets beyond −1 and 1. "
            "Divide by 127.5, then take away 1."
        )
