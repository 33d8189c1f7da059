"""Checks of lesson 06. Each answers in words and names the misconception that it saw."""

import itertools
import math
import operator
from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional as F

from gan_lessons.exercises import Answer, Wrong, call, close, exercise
from gan_lessons.exercises.network_table import (
    N,
    Step,
    expect_after,
    expect_even,
    expect_maps,
    expect_only,
    expect_parameters,
    expect_plain_weights,
    of_kind,
    shape_text,
    walk,
    with_effect,
)

GENERATOR_PARAMETERS = 100_352 + 128 + 32_768 + 64 + 513
DISCRIMINATOR_PARAMETERS = 544 + 32_832 + 3_137
# How often each kind of layer may occur.
GENERATOR_LAYERS: dict[type[nn.Module], int] = {
    nn.Linear: 1,
    nn.Unflatten: 2,
    nn.Flatten: 1,
    nn.BatchNorm2d: 2,
    nn.ReLU: 2,
    nn.ConvTranspose2d: 2,
    nn.Tanh: 1,
}
DISCRIMINATOR_LAYERS: dict[type[nn.Module], int] = {
    nn.Conv2d: 2,
    nn.LeakyReLU: 2,
    nn.Flatten: 3,
    nn.Unflatten: 2,
    nn.Linear: 1,
}


@exercise("6.1")
def transposed_size(answer: Answer) -> str:
    """Dumoulin and Visin 2016, relationship 14, with output padding; torch is the oracle."""
    cases = [
        (n, k, s, p, extra)
        for n, k, s, p in itertools.product((2, 7, 1), (3, 4, 5, 1), (1, 2, 3), (0, 1, 2))
        for extra in range(s)
        if (n - 1) * s + k > 2 * p  # something is left
    ]
    got = [_whole(call(answer, *case), case) for case in cases]
    for rule, sentence in _SIZE_MISCONCEPTIONS:
        if close(got, [rule(*case) for case in cases]):
            raise Wrong(sentence)
    for case, size in zip(cases, got, strict=True):
        if size != (wanted := _size(*case)):
            raise Wrong(
                f"for {_words(case)} the result is {size}, where torch gives {wanted}. The last "
                "stamp begins at (size − 1) · stride and is one kernel long."
            )
    for short in ((2, 3, 2), (2, 3, 2, 1)):
        if (size := _whole(call(answer, *short), short)) != (wanted := _size(*short)):
            raise Wrong(
                f"for {_words(short)} and no more the result is {size}, where {wanted} is wanted: "
                "what is left out is 0."
            )
    return (
        "the last stamp begins at (size − 1) · stride and ends a kernel later; "
        "padding is cut off on both sides, output padding added on one."
    )


_SIZE_MISCONCEPTIONS = [
    (
        lambda n, k, s, p, extra: (n + 2 * p - k) // s + 1,
        "that is the size after an ordinary convolution, the way down. Here pixels are stamped.",
    ),
    (
        lambda n, k, s, p, extra: n * s,
        "size · stride is right for kernel 4, stride 2, padding 1, but not for every kernel.",
    ),
    (
        lambda n, k, s, p, extra: n * s + k - 2 * p + extra,
        "there are size stamps, but only size − 1 steps from the first stamp to the last.",
    ),
    (
        lambda n, k, s, p, extra: (n - 1) * s + k + 2 * p + extra,
        "in a transposed convolution padding makes the result smaller: it is cut off.",
    ),
    (
        lambda n, k, s, p, extra: (n - 1) * s + k - p + extra,
        "padding is cut off on both sides, so twice along one line.",
    ),
    (
        lambda n, k, s, p, extra: (n - 1) * s + k - 2 * p,
        "right without output_padding, which is left out: it adds pixels on one side.",
    ),
    (
        lambda n, k, s, p, extra: (n - 1) * s + k - 2 * p + 2 * extra,
        "output_padding adds pixels on one side only, not on both.",
    ),
    (
        lambda n, k, s, p, extra: (n - 1) * s - 2 * p + extra,
        "that is where the last stamp begins; it is one kernel long.",
    ),
    (
        lambda n, k, s, p, extra: (n - 1) * s + k - 1 - 2 * p + extra,
        "one pixel short: a stamp that begins at b uses pixels b to b + kernel − 1, and b + kernel "
        "pixels are then used, because counting begins at 0.",
    ),
    (
        lambda n, k, s, p, extra: (n - 1) * s + k,
        "padding and output_padding are left out: one is cut off on both sides, one added on one.",
    ),
]


def _whole(size: Answer, case: tuple[int, ...]) -> int:
    """The size as an int; NumPy's and torch's whole numbers are good, too."""
    try:
        if not isinstance(size, bool):
            return operator.index(size)
    except TypeError:
        pass
    text = f"the float {size:g}" if isinstance(size, float) else type(size).__name__
    raise Wrong(f"for {_words(case)} the result is {text}; pixels are whole numbers (int).")


def _size(n: int, kernel: int, stride: int, padding: int = 0, extra: int = 0) -> int:
    x, weight = torch.zeros(1, 1, n, n), torch.zeros(1, 1, kernel, kernel)
    return F.conv_transpose2d(x, weight, None, stride, padding, extra).shape[-1]


def _words(case: tuple[int, ...]) -> str:
    names = ("size", "kernel", "stride", "padding", "output_padding")
    return ", ".join(f"{name} {value}" for name, value in zip(names, case, strict=False))


@exercise("6.2")
def build_generator(answer: Answer) -> str:
    """The lesson's table for a small DCGAN generator."""
    steps, trouble = walk(answer, torch.randn(N, 32))
    if of_kind(steps, nn.Upsample):
        raise Wrong(
            "repeating pixels before a convolution is an even way up, but this table has two "
            "transposed convolutions."
        )
    maps = of_kind(steps, nn.ConvTranspose2d)
    if maps and maps[0].given != (N, 64, 7, 7):
        raise Wrong(
            f"the first transposed convolution receives {shape_text(maps[0].given)}, where the "
            "table has (N, 64, 7, 7): 3136 numbers unflattened into 64 maps."
        )
    for step, wanted in zip(maps, [(N, 32, 14, 14), (N, 1, 28, 28)], strict=False):
        expect_maps(step, wanted)
    if trouble:
        raise Wrong(trouble)
    if len(maps) != 2:
        raise Wrong(f"it has {len(maps)} transposed convolutions; the table has two.")
    if steps[-1].shape != (N, 1, 28, 28):
        raise Wrong(
            f"the result has shape {shape_text(steps[-1].shape)}; images are (N, 1, 28, 28), one "
            "channel included."
        )
    expect_plain_weights(steps)
    _expect_tanh(steps)
    _expect_norms(steps)
    expect_even(maps)
    expect_only(steps, GENERATOR_LAYERS)
    expect_after(steps, nn.ReLU, 2, "after each BatchNorm", nn.BatchNorm2d)
    expect_parameters(steps, GENERATOR_PARAMETERS)
    return (
        "7 → 14 → 28 with an even overlap; BatchNorm in all layers but the last, and tanh, so that "
        "images lie in [−1, 1] like the digits."
    )


@exercise("6.3")
def build_discriminator(answer: Answer) -> str:
    """The lesson's table for a small DCGAN discriminator."""
    steps, trouble = walk(answer, torch.rand(N, 1, 28, 28) * 2 - 1)
    if of_kind(steps, nn.modules.batchnorm._BatchNorm):
        raise Wrong(
            "there is BatchNorm in this discriminator: the images of a batch would see one "
            "another, and a penalty at one image would not be about that image alone."
        )
    if of_kind(steps, nn.modules.pooling._MaxPoolNd, nn.modules.pooling._AvgPoolNd):
        raise Wrong("it pools. In a DCGAN the convolutions themselves halve the maps: stride 2.")
    convolutions = of_kind(steps, nn.Conv2d)
    for step, wanted in zip(convolutions, [(N, 32, 14, 14), (N, 64, 7, 7)], strict=False):
        expect_maps(step, wanted)
    if trouble:
        raise Wrong(trouble)
    if len(convolutions) != 2:
        raise Wrong(f"it has {len(convolutions)} convolutions; the table has two.")
    if steps[-1].shape == (N, 1):
        raise Wrong(
            "the result has shape (N, 1). The losses take logits (N,): end with Flatten(0)."
        )
    if steps[-1].shape != (N,):
        raise Wrong(
            f"the result has shape {shape_text(steps[-1].shape)}; one logit per image is (N,)."
        )
    expect_plain_weights(steps)
    last = with_effect(steps)[-1].layer
    if not isinstance(last, nn.Linear):
        raise Wrong(
            f"there is {type(last).__name__} at the end, and nothing may follow D's linear layer: "
            "the losses take logits, any numbers, and contain the sigmoid."
        )
    expect_even(convolutions)
    expect_only(steps, DISCRIMINATOR_LAYERS)
    expect_after(steps, nn.LeakyReLU, 2, "after each convolution", nn.Conv2d)
    leaky = [step.layer for step in steps if isinstance(step.layer, nn.LeakyReLU)]
    slopes = {float(layer.negative_slope) for layer in leaky}
    if not all(math.isclose(slope, 0.2, rel_tol=1e-5) for slope in slopes):
        found = " and ".join(f"{slope:g}" for slope in sorted(slopes))
        raise Wrong(f"LeakyReLU has slope {found}; the table has 0.2, and torch's default is 0.01.")
    expect_parameters(steps, DISCRIMINATOR_PARAMETERS)
    return (
        "28 → 14 → 7 → one logit per image: strides instead of pooling, LeakyReLU so that "
        "gradients reach G, no BatchNorm, no sigmoid."
    )


def _expect_tanh(steps: Sequence[Step]) -> None:
    *_, before, last = (step.layer for step in with_effect(steps))
    if isinstance(last, nn.Sigmoid):
        raise Wrong(
            "the images lie in [0, 1], and the digits in [−1, 1]: D would tell them apart by their "
            "range alone. End with tanh, not with sigmoid."
        )
    if isinstance(last, nn.ConvTranspose2d):
        raise Wrong("the images are not kept in [−1, 1], where the digits lie: tanh is missing.")
    if not isinstance(last, nn.Tanh):
        raise Wrong(f"there is {type(last).__name__} at the end, where the table has tanh.")
    if not isinstance(before, nn.ConvTranspose2d | nn.BatchNorm2d | nn.Tanh):  # looked at below
        raise Wrong(
            f"{type(before).__name__} stands before tanh. Nothing may stand between the last "
            "transposed convolution and tanh."
        )


def _expect_norms(steps: Sequence[Step]) -> None:
    if not of_kind(steps, nn.modules.batchnorm._BatchNorm):
        raise Wrong("there is no BatchNorm in this generator; the table has it in two places.")
    if of_kind(steps, nn.BatchNorm1d):
        raise Wrong(
            "BatchNorm1d before Unflatten treats 3136 numbers apart, each pixel of each map. "
            "BatchNorm2d after it takes whole maps."
        )
    norms = of_kind(steps, nn.BatchNorm2d)
    for layer in (step.layer for step in norms):
        assert isinstance(layer, nn.BatchNorm2d)
        if layer.eps > 1e-2:
            raise Wrong(
                f"a BatchNorm2d has eps {layer.eps:g}, so that weak signals are not normalised. "
                f"In BatchNorm2d({layer.num_features}, 0.8) the second number is eps, not "
                "momentum. Name it: momentum=0.2 is what Keras calls 0.8."
            )
        if not layer.affine:
            raise Wrong("a BatchNorm2d has affine=False: the table counts its γ and β.")
    found = [step.shape for step in norms]
    if (N, 1, 28, 28) in found:
        raise Wrong(
            "BatchNorm before tanh gives every batch of images the same mean and the same contrast "
            "there. DCGAN leaves it out of the generator's last layer."
        )
    if found != [(N, 64, 7, 7), (N, 32, 14, 14)]:
        listed = ", ".join(map(shape_text, found))
        raise Wrong(f"BatchNorm2d acts on {listed}; the table has (N, 64, 7, 7), (N, 32, 14, 14).")
