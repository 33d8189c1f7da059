"""Checks of lesson 10. Each answers in words and names the misconception that it saw."""

import itertools
from numbers import Real

import numpy as np
import torch
from torch import Tensor, nn

from gan_lessons.exercises import Answer, Wrong, call, close, exercise, expect_close, expect_shape
from gan_lessons.studies.statistics import permutation_test


class _Witness(nn.Module):
    """D(x) = ½ Σ w x² + Σ b x, whose gradient w·x + b is known; keeps what it was shown."""

    def __init__(self, shape: torch.Size, scale: float) -> None:
        super().__init__()
        self.w = nn.Parameter(scale * torch.linspace(0.2, 1.0, shape.numel()).view(shape))
        self.b = nn.Parameter(scale * torch.linspace(-0.6, 0.4, shape.numel()).view(shape))
        self.seen: list[Tensor] = []

    def forward(self, x: Tensor) -> Tensor:
        self.seen.append(torch.func.debug_unwrap(x))  # vmap wraps it
        return (self.w * x.square() / 2 + self.b * x).flatten(1).sum(dim=1)


@exercise("10.1")
def gradient_penalty(answer: Answer) -> str:
    """E (‖∇D(x̂)‖ − 1)² (Gulrajani et al. 2017, equation 3, without λ)."""
    real = torch.rand(256, 2, 3, 3)
    fake = real + 0.5 + torch.rand(256, 2, 3, 3)  # never near its real: the weights can be read
    witness = _Witness(real.shape[1:], 0.4)  # slopes below and above 1
    got = call(answer, witness, real, fake)
    if isinstance(got, Tensor) and got.isnan().any():
        raise Wrong("the result is NaN.")
    points = _points(witness, real, fake)
    gradients = (witness.w * points + witness.b).flatten(1)  # (256, 18), differentiable in w, b
    want = (gradients.norm(dim=1) - 1).square().mean()
    _refuse_other_values(got, gradients.detach(), points.shape)
    expect_shape(got, (), "A penalty is one number: the mean over the batch.")
    expect_close(got, want, "Each sample's ‖∇D‖, minus 1, squared, and then the mean")
    if not isinstance(got, Tensor) or not got.requires_grad:
        raise Wrong(
            "the value is right, but it carries no gradient to D's parameters, and so changes "
            "nothing: tell autograd.grad create_graph=True, and use no detach or item."
        )
    _refuse_traces(witness)
    ours = torch.autograd.grad(got, [witness.w, witness.b], allow_unused=True)
    theirs = torch.autograd.grad(want, [witness.w, witness.b])
    for found, expected in zip(ours, theirs, strict=True):
        if found is None or not close(found, expected, 1e-3):
            raise Wrong("the value is right, but its gradient to D's parameters is not.")
    _refuse_nan(answer, real, fake)
    _refuse_one_shape(answer, witness)
    return (
        "one weight from U(0, 1) for each pair, one norm for each sample, pulled to 1 from both "
        "sides, and a graph through which D can learn it."
    )


def _refuse_traces(witness: _Witness) -> None:
    """D has to be as it was: it can learn, and has no gradients yet."""
    if not all(p.requires_grad for p in witness.parameters()):
        raise Wrong("D is left frozen (requires_grad is off), and could not learn from it.")
    if any(p.grad is not None for p in witness.parameters()):
        raise Wrong(
            "the value is right, but backward() leaves gradients in D that are none of the "
            "penalty's: D would follow the sum of its answers, too. torch.autograd.grad only "
            "returns the gradient that is asked for."
        )


def _points(witness: _Witness, real: Tensor, fake: Tensor) -> Tensor:
    """Where D's gradient can have been taken, in one call or in one for each sample."""
    if not witness.seen:
        raise Wrong("D was never asked: its gradient is wanted, at points between real and fake.")
    seen = [x.detach() for x in witness.seen if x.requires_grad] or [witness.seen[-1].detach()]
    alone = len(seen) == len(real) and all(x.shape == real[:1].shape for x in seen)
    points = torch.cat(seen) if alone else seen[-1]
    if points.shape == (len(real), 1, *real.shape[1:]):  # by vmap, each sample is a batch of 1
        points = points.flatten(0, 1)
    _refuse_wrong_points(points, real, fake)
    return points


def _refuse_wrong_points(points: Tensor, real: Tensor, fake: Tensor) -> None:
    if points.shape != real.shape:
        raise Wrong(
            f"D was asked about {tuple(points.shape)}, where {tuple(real.shape)} is wanted: one "
            "point for each pair of a real and a fake."
        )
    weights = ((points - real) / (fake - real)).flatten(1)  # of the fake, pixel by pixel
    own = weights.mean(dim=1)
    if (weights - own[:, None]).abs().max() > 1e-3:
        _refuse_other_pairs(points[0], real, fake)
        raise Wrong(
            "each pixel got a weight of its own: such a point lies somewhere in a box, not on the "
            "line between its real and its fake. Draw one weight per sample, shape (n, 1, …, 1)."
        )
    if own.abs().max() < 1e-3:
        raise Wrong(
            "D was asked at the real points only. R1 does that (and pulls the norm to 0); this "
            "penalty is about the space between real and fake, where the fakes have to pass."
        )
    if (own - 1).abs().max() < 1e-3:
        raise Wrong("D was asked at the fake points only; go part of the way from each real.")
    if own.std() < 1e-3:
        raise Wrong(
            f"all {len(own)} pairs share the weight {own[0]:.2f}: draw one for each pair, or D is "
            "told about one slice only at each step."
        )
    if own.max() < 1e-3:
        raise Wrong(
            "D was asked about points on the far side of the reals, away from the fakes: the way "
            "from x to y is y − x."
        )
    if own.min() > 1 - 1e-3:
        raise Wrong(
            "D was asked about points on the far side of the fakes, away from the reals: u times "
            "y − x is to be added to x."
        )
    if own.min() < 0 or own.max() > 1:
        raise Wrong(
            f"some weights lie outside [0, 1] (one is {own[own.sub(0.5).abs().argmax()]:.2f}): "
            "such points lie beyond the real or the fake. torch.randn is normal; uniform is "
            "torch.rand."
        )
    if abs(own.mean().item() - 0.5) > 0.1 or abs(own.std().item() - 0.289) > 0.04:
        raise Wrong("the weights lie in [0, 1], but are not uniform: torch.rand makes U(0, 1).")


def _refuse_other_pairs(point: Tensor, real: Tensor, fake: Tensor) -> None:
    """The point lies between a real and a fake, but of different places in their batches."""
    start, way = real[:, None], fake[None] - real[:, None]  # every real to every fake
    weights = ((point - start) / way).flatten(2)
    off = (weights - weights.mean(dim=2, keepdim=True)).abs().amax(dim=2)
    if off.numel() and off.min() < 1e-3 and way.flatten(2).shape[2] > 2:
        raise Wrong(
            "the batches were shuffled: D was asked between reals and fakes of other places. Pair "
            "the first real with the first fake, and so on."
        )


def _refuse_one_shape(answer: Answer, before: "_Witness") -> None:
    """The penalty is for 200 points of the plane, too; its weights are new in each call."""
    real = torch.rand(200, 2)
    witness = _Witness(real.shape[1:], 0.4)
    fake = real + 0.5 + torch.rand(200, 2)
    try:
        got = call(answer, witness, real, fake)
        points = _points(witness, real, fake)
    except Wrong as error:
        raise Wrong(f"for points of the plane, shape (200, 2): {error}") from None
    norms = (witness.w * points + witness.b).norm(dim=1)
    expect_close(got, (norms - 1).square().mean(), "That is for points of the plane, (200, 2)")
    again = _Witness(real.shape[1:], 0.4)
    call(answer, again, real, fake)
    if torch.equal(_points(again, real, fake), points):
        raise Wrong(
            "two calls use the same weights. Draw them anew in each call: no seed set inside, and "
            "nothing kept from the call before."
        )


def _refuse_other_values(got: Answer, gradients: Tensor, shape: torch.Size) -> None:
    norms = gradients.norm(dim=1)
    channels = gradients.view(shape).norm(dim=1)
    others = (
        (
            (gradients.norm() - 1).square(),
            "that is the norm over the whole batch: it grows with the batch, and one steep sample "
            "hides behind many flat ones. Each sample has its own norm: flatten(1), then dim=1.",
        ),
        (
            norms.square().mean(),
            "the −1 is missing: this pulls every slope to 0, as R1 does. Here it is pulled to 1.",
        ),
        (norms.mean(), "that is the mean norm. How far is each from 1? Square that."),
        (
            (norms.square() - 1).square().mean(),
            "that compares the squared norm with 1: the root is missing.",
        ),
        (
            (norms - 1).mean(),
            "without the square a slope of ½ and one of 1½ cancel, and D earns by being flat.",
        ),
        (
            (norms.mean() - 1).square(),
            "that is the mean norm's distance from 1: slopes of 0 and 2 would count as perfect. "
            "Square first, then take the mean.",
        ),
        ((norms - 1).square().sum(), "that is the sum; take the mean over the batch."),
        ((norms - 1).square(), "that is one number for each sample; take their mean."),
        (
            (channels - 1).square().mean(),
            "the norm was taken over the channels of each pixel: flatten each sample first.",
        ),
        (
            (gradients.view(shape).flatten(2).norm(dim=2) - 1).square().mean(),
            "the norm was taken for each channel by itself: flatten each sample first.",
        ),
        (
            (norms / len(norms) - 1).square().mean(),
            "those gradients are too small by the batch size: you took the gradient of the mean. "
            "Take that of the sum, in which each sample has its own full slope.",
        ),
        (
            10 * (norms - 1).square().mean(),
            "that is ten times the penalty: the weight λ is left out here.",
        ),
        (
            (norms - 1).abs().mean(),
            "the distance from 1 is to be squared before the mean.",
        ),
        (
            (gradients.abs().sum(dim=1) - 1).square().mean(),
            "that norm adds up absolute values; here it is the length, the root of the squares.",
        ),
        (
            (norms - 1).clamp(min=0).square().mean(),
            "that punishes only slopes above 1, a one-sided variant; here both sides count.",
        ),
    )
    for other, why in others:
        if close(got, other):
            raise Wrong(why)


def _refuse_nan(answer: Answer, real: Tensor, fake: Tensor) -> None:
    flat = _Witness(real.shape[1:], 0.0)
    got = call(answer, flat, real, fake)
    found = torch.autograd.grad(got, [flat.w, flat.b], allow_unused=True)
    if any(part is not None and not part.isfinite().all() for part in found):
        raise Wrong(
            "where D is flat the gradient of the penalty is NaN, and one step later all of D is: "
            "√ has no slope at 0. Add 1e-12 under the root."
        )


@exercise("10.2")
def pack(answer: Answer) -> str:
    """Packs of m whole, different samples (Lin et al. 2018, section 2)."""
    points = torch.arange(24.0).view(12, 2) + 0.5
    for m in (2, 3, 4):
        _refuse_wrong_packs(call(answer, points, m), points, m)
    images = torch.arange(6 * 3 * 4.0).view(6, 3, 2, 2) + 0.5
    for m in (2, 3):
        got = call(answer, images, m)
        expect_shape(got, (6 // m, 3 * m, 2, 2), "Images are packed along their channels.")
        _refuse_wrong_packs(got.flatten(1), images.flatten(1), m)
    for samples in (points, images):
        _refuse_lost_gradients(answer, samples)
    return (
        "every pack holds m whole samples, and each sample is in one pack. Now D can see that two "
        "fakes are too much alike, which no look at one of them can tell."
    )


def _refuse_lost_gradients(answer: Answer, samples: Tensor) -> None:
    samples = samples.clone().requires_grad_()
    packs = call(answer, samples, 2)
    found = torch.zeros(())
    if packs.requires_grad:
        (found,) = torch.autograd.grad(packs.sum(), samples)
    if not found.any():
        raise Wrong(
            "the packs are right, but cut off from the samples: no gradient comes back through "
            "them, and G would learn nothing. Leave out detach, no_grad, tolist and the like."
        )
    if not (found == 1).all():
        raise Wrong(
            "the packs are right, but gradients do not come back through them as they are: each "
            "sample should get those of its own numbers in the pack, all and unchanged."
        )


def _refuse_wrong_packs(got: Answer, samples: Tensor, m: int) -> None:
    n, c = samples.shape
    if isinstance(got, Tensor) and tuple(got.shape) == (n // m, m, c):
        raise Wrong(
            f"the shape is {tuple(got.shape)}: a pack's samples lie in an axis of their own, "
            f"and D would look at each alone. Lay them side by side: {(n // m, m * c)}."
        )
    if isinstance(got, Tensor) and tuple(got.shape) == (n // m, c):
        raise Wrong(
            "a pack has become one sample: averaged, or all but one dropped. D has to see all m."
        )
    if isinstance(got, Tensor) and tuple(got.shape) == (n, m * c):
        raise Wrong(
            f"there are as many packs as samples, {n}: a sample beside itself, or used again and "
            f"again. Each belongs to one pack: {n // m} packs."
        )
    expect_shape(got, (n // m, m * c))
    # Each sample is a row of consecutive numbers: read which sample stands where.
    parts = got.reshape(n // m, m, c) if c else got
    whole = {tuple(row.tolist()) for row in samples}
    found = [tuple(part.tolist()) for pack_ in parts for part in pack_]
    if extra := {number for part in found for number in part} - set(samples.flatten().tolist()):
        raise Wrong(
            f"the packs hold numbers that are in no sample, such as {min(extra):g}: the samples "
            "are to stay as they are."
        )
    if any(part not in whole for part in found):
        raise Wrong(
            "the samples are torn apart: the numbers of one sample do not lie side by side. A "
            "transposition or a view over the wrong axis mixes x of one point with y of another."
        )
    if len(set(found)) < len(found):
        raise Wrong("some samples occur twice, and others not at all.")


@exercise("10.3")
def chance(answer: Answer) -> str:
    """The exact two-sided permutation test of two means (Fisher 1935)."""
    cases = (
        # Different sizes, and equal numbers: every misunderstanding gives another result.
        ([7.0, 3.5, 5.5], [1.0, 4.0, 1.5, 4.0, 7.0]),
        ([1.0, 2.0, 4.0, 3.5, 2.5], [5.0, 4.5, 7.0, 3.0, 6.5]),
        ([8.0, 8.0, 8.0, 7.0], [8.0, 6.0, 8.0, 5.0]),
    )
    for one, other in cases:
        got = _number(call(answer, one, other))
        _refuse_other_tests(got, one, other)
        expect_close(
            got,
            permutation_test(one, other),
            f"Of all ways to choose {len(one)} of {len(one) + len(other)} games, the share whose "
            "means lie at least as far apart",
        )
    small = ([5e-5, 6e-5, 8e-5], [5e-5, 1e-5, 2e-5], "0.000007")
    for one, other, less in (([0.5, 0.6, 0.8], [0.5, 0.1, 0.2], "0.07"), small):
        got, right = _number(call(answer, one, other)), permutation_test(one, other)
        expect_shape(got, ())
        if not close(got, right):
            raise Wrong(
                f"for {one} and {other} the result is {float(got):.2f}, where {right:.2f} is "
                "wanted. There several deals lie equally far apart but for rounding, and the next "
                f"ones {less} less. Count what lies up to 1e-9 less far apart, and no more."
            )
    return (
        "the deal that really happened counts too, in both directions: a difference that luck "
        "makes in every second deal proves nothing, however large it looks."
    )


def _number(got: Answer) -> Answer:
    """A fraction, or NumPy's number, as a plain one."""
    if isinstance(got, bool | np.bool_):
        raise Wrong("yes or no throws away how sure we are: return the share, from 0 to 1.")
    return float(got) if isinstance(got, Real) else got


def _refuse_other_tests(got: Answer, one: list[float], other: list[float]) -> None:
    values, m, n = one + other, len(one), len(other)

    def mean(numbers: list[float]) -> float:
        return sum(numbers) / len(numbers)

    signed, sums, distinct = [], [], []
    for chosen in itertools.combinations(range(m + n), m):
        first = [values[i] for i in chosen]
        second = [values[i] for i in range(m + n) if i not in chosen]
        signed.append(mean(first) - mean(second))
        sums.append(sum(first) - sum(second))
        distinct.append((tuple(sorted(first)), signed[-1]))
    truth, edge = mean(one) - mean(other), 1e-9
    right = permutation_test(one, other)
    others = (
        (
            mean([float(abs(d) > abs(truth) + edge) for d in signed]),
            "you count only deals that are *further* apart. The one that happened is as far apart "
            "as itself: ≥, or a share of 0 would be possible.",
        ),
        (
            mean([float(d >= truth - edge) for d in signed]),
            "you count one direction only. Before the experiment it could have gone either way: "
            "compare absolute differences.",
        ),
        (
            mean([float(d <= truth + edge) for d in signed]),
            "you count one direction only, downwards. Before the experiment it could have gone "
            "either way: compare absolute differences.",
        ),
        (1 - right, "that is the share of deals that lie *closer* together: turn it round."),
        (abs(truth), "that is the difference of the means. How often does luck make such a one?"),
        (
            mean([float(abs(d) >= abs(sum(one) - sum(other)) - edge) for d in sums]),
            "you compare sums: in groups of different sizes only means can be compared.",
        ),
        (
            mean([float(abs(d) >= abs(truth) - edge) for _, d in set(distinct)]),
            "equal numbers were thrown together, as in a set. They belong to different games: "
            "deal games, not numbers.",
        ),
        (
            float(sum(abs(d) >= abs(truth) - edge for d in signed)),
            "that is how many deals; divide by the number of all deals.",
        ),
    )
    if close(got, right):
        return
    for value, why in others:
        if close(got, value):
            raise Wrong(why)
