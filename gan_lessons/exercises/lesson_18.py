"""Checks of lesson 18: a detector broken, alarms that are right, and a watermark read."""

import torch
from torch import Tensor

from gan_lessons.exercises import Answer, Wrong, as_number, call, close, exercise, expect_shape
from gan_lessons.exercises.puzzles import lesson_18 as puzzle
from gan_lessons.studies import fakes

NEAR = 0.05  # mean difference of a pixel that nobody notices, of pictures from −1 to 1


@exercise("18.1")
def disguise(answer: Answer) -> str:
    """Another file of the same picture, about which the detector says the opposite."""
    files, is_fake = puzzle.files(6, seed=3)
    missed = {False: 0, True: 0}
    for file, fake in zip(files, is_fake, strict=True):
        got = call(answer, file)
        if not isinstance(got, bytes):
            raise Wrong(f"bytes are wanted, a whole file, and this is a {type(got).__name__}.")
        try:
            picture = fakes.decoded(got)
        except Exception:
            raise Wrong("what comes back is a file that Pillow cannot open any more.") from None
        if tuple(picture.shape) != (1, 28, 28):
            raise Wrong(f"the picture has {tuple(picture.shape)[1:]} pixels now, not 28 × 28.")
        apart = (picture - fakes.decoded(file)).abs().mean().item()
        if apart > NEAR:
            raise Wrong(
                f"the picture has changed too much: pixels differ by {apart:.2f} on average, where "
                f"{NEAR} is the most. The picture has to stay; what else is there in a file?"
            )
        if puzzle.detector(got) == fake:
            missed[fake] += 1
    if missed[True] and missed[False]:
        still = sum(missed.values())
        of = "every file" if still == len(files) else f"{still} of {len(files)} files"
        raise Wrong(
            f"the detector still says what it said, of {of}. It is right about good fakes and bad "
            "ones: look at what all real files have in common, such as `file[:4]`."
        )
    if missed[True] or missed[False]:
        kind = "fakes" if missed[True] else "real digits"
        some = "" if missed[bool(missed[True])] == len(files) // 2 else "some of "
        raise Wrong(f"only one way works: {some}the {kind} are still called what they are.")
    return (
        "it never looked at a picture: the real files are PNG, the fakes JPEG, and the first byte "
        "says which. Detectors in published papers have learned such things."
    )


@exercise("18.2")
def true_alarms(answer: Answer) -> str:
    """Bayes: of what is called fake, the share that is."""
    for case in ((0.8, 0.7, 0.1), (0.95, 0.95, 0.01), (0.8, 0.99, 0.5)):
        number = as_number(call(answer, *case))
        if number is None:
            raise Wrong("a finite number is wanted, not text or a list: a share from 0 to 1.")
        _refuse_other_shares(number, *case)
    return (
        "95 % and 95 % sound alike and good; where one picture in a hundred is a fake, five of six "
        "alarms are false."
    )


def _refuse_other_shares(
    got: float, sensitivity: float, specificity: float, prevalence: float
) -> None:
    right = fakes.true_alarms(sensitivity, specificity, prevalence)
    if close(got, right):
        return
    told = f"for {sensitivity:g}, {specificity:g} and {prevalence:g} it gives {got:.4g}:"
    hits, misses = sensitivity * prevalence, (1 - sensitivity) * prevalence
    false, passed = (1 - specificity) * (1 - prevalence), specificity * (1 - prevalence)
    swapped = fakes.true_alarms(specificity, sensitivity, prevalence)
    turned = fakes.true_alarms(sensitivity, specificity, 1 - prevalence)
    others = (
        (sensitivity, "that is the share of fakes that are found. Asked is the other direction: of "
         "what is called fake, how much is."),
        (hits, "that is the share of found fakes in everything; divide by all alarms."),
        (1 - right, "that is the share of alarms that are false."),
        (hits / (hits + (1 - specificity)), "false alarms come from the real ones only, which are "
         "1 − prevalence of all: (1 − specificity) (1 − prevalence)."),
        (hits / (hits + passed), "specificity is the share of reals that are rightly left alone; "
         "the false alarms are 1 minus it."),
        (sensitivity / (sensitivity + 1 - specificity), "the prevalence is missing: that is the "
         "answer where half of all pictures are fakes."),
        (hits + false, "that is the share of alarms in everything; the right ones are part of it."),
        (hits + passed, "that is the accuracy: all right answers, alarms or not."),
        (hits / false, "those are the odds, true alarms for each false one; the share is true ones "
         "of all alarms."),
        (false, "that is the share of false alarms in everything."),
        (swapped, "sensitivity and specificity have changed places."),
        (turned, "prevalence is the share of fakes, and is taken for that of the real ones."),
        (sensitivity * specificity, "of this product nothing is the share: count alarms."),
        (100 * right, "that is in per cent; a share from 0 to 1 is wanted."),
        (passed / (passed + misses), "that is the share of right answers among those called real."),
    )  # fmt: skip
    for other, why in others:
        if close(got, other):
            raise Wrong(f"{told} {why}")
    if abs(got - right) < 0.006:
        raise Wrong(f"{told} nearly right; leave it unrounded.")
    raise Wrong(
        f"{told} of 10,000 pictures count the fakes, those found, the reals, and those called fake "
        "for nothing; then divide."
    )


@exercise("18.3")
def watermark_score(answer: Answer) -> str:
    """Agreement with a secret pattern, in standard deviations of chance."""
    rng = torch.Generator().manual_seed(183)
    for n, side, key in ((4, 28, 7), (1, 12, 1807)):
        pictures = torch.rand(n, 1, side, side, generator=rng).pow(3) * 2 - 1
        secret = fakes.pattern(key, pictures)
        marked = (pictures + 0.3 * secret).clamp(-1, 1)
        for seen in (marked, pictures):
            _refuse_other_scores(call(answer, seen, secret), seen, secret)
    return (
        "with a pattern drawn by chance it is mostly from −2 to 2, whatever the picture. Whoever "
        "has the pattern can compute it, and could also take the pattern off."
    )


def _refuse_other_scores(got: object, pictures: Tensor, secret: Tensor) -> None:
    n = len(pictures)
    if isinstance(got, Tensor) and got.shape == () and n > 1:
        raise Wrong("that is one number for all pictures together; one for each is wanted: (N,).")
    expect_shape(got, (n,))
    assert isinstance(got, Tensor)
    if not got.is_floating_point():
        raise Wrong(f"scores are numbers with decimals, and these are {got.dtype}.")
    if not got.isfinite().all():
        raise Wrong("the scores contain NaN or infinity.")
    raw = pictures.flatten(1)
    flat = raw - raw.mean(dim=1, keepdim=True)
    flat_secret = secret.flatten()
    want = flat @ flat_secret / flat.norm(dim=1)
    if close(got, want):
        return
    of_all, across = raw - raw.mean(), raw - raw.mean(dim=0)
    others = (
        (raw @ flat_secret / raw.norm(dim=1), "the mean of the picture is still in it: a dark "
         "picture agrees a little with any pattern that has not as many 1 as −1."),
        (flat @ flat_secret / raw.norm(dim=1), "the length is still that of the picture with its "
         "mean; subtract it there, too."),
        (raw @ flat_secret / flat.norm(dim=1), "the length is right, but above it the mean of the "
         "picture is still in the sum."),
        (flat @ flat_secret, "divide by the length of the picture, flat.norm(dim=1): else a "
         "picture with much contrast has large scores by chance."),
        (want / flat_secret.norm(), "that is a correlation, from −1 to 1. A pattern of −1 and 1 "
         "drawn by chance gives sums with the standard deviation ‖picture‖: divide by that only."),
        (want / (flat_secret - flat_secret.mean()).norm(), "that is a correlation, from −1 to 1; "
         "divide by the length of the picture only."),
        (-want, "the sign is turned."),
        (want.abs(), "the sign tells a pattern from its negative: leave it."),
        (flat @ flat_secret / flat.square().sum(dim=1), "divide by the length of the picture, "
         "not by its square."),
        (of_all @ flat_secret / of_all.norm(dim=1), "that takes one mean of all pictures together; "
         "each picture has its own."),
        (across @ flat_secret / across.norm(dim=1), "that takes the mean of each pixel over the "
         "pictures; wanted is the mean of each picture over its pixels: dim=1 once it is flat."),
        (flat @ flat_secret / flat.norm(), "that is the length of all pictures together; each "
         "picture has its own: flat.norm(dim=1)."),
        (flat @ flat_secret / flat.std(dim=1), "that divides by the standard deviation of one "
         "pixel; the length ‖ ‖ is the root of the *sum* of squares."),
        (want * (1 - 1 / flat.shape[1]) ** 0.5, "nearly: std divides by one less than the number "
         "of pixels. Take flat.norm(dim=1)."),
        (flat @ flat_secret / flat.abs().sum(dim=1), "‖ ‖ is the root of the sum of squares, not "
         "the sum of sizes."),
        (flat @ flat_secret / flat_secret.norm(), "that is the length of the pattern; divide by "
         "that of the picture without its mean."),
        (flat @ flat_secret / flat.shape[1], "that is a mean; divide by the picture's length, so "
         "that chance has the standard deviation 1."),
    )  # fmt: skip
    for other, why in others:
        if close(got, other):
            raise Wrong(why)
    if close(got, want, 6e-3):
        raise Wrong("nearly right; leave it unrounded, in float32.")
    raise Wrong(
        "that is not Σ (x − mean of x) · pattern / ‖x − mean of x‖, with sums over a picture's "
        "pixels."
    )
