"""Checks of lesson 06. Each answers in words and names the misconception that it saw."""

import itertools
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import parametrize

from gan_lessons.exercises import Answer, Wrong, call, close, exercise
from gan_lessons.networks import count_parameters

WEIGHTED = (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)
N = 5  # images in the check's batch: no other size in the tables, so that it is recognised
GENERATOR_PARAMETERS = 100_352 + 128 + 32_768 + 64 + 513
DISCRIMINATOR_PARAMETERS = 544 + 32_832 + 3_137


@exercise("6.1")
def transposed_size(answer: Answer) -> str:
    """Dumoulin and Visin 2016, relationship 14, with output padding; torch is the oracle."""
    cases = [
        (n, k, s, p, extra)
        for n, k, s, p in itertools.product((2, 5, 7), (3, 4, 5), (1, 2, 3), (0, 1))
        for extra in range(min(s, 2))
    ]
    got = [call(answer, *case) for case in cases]
    for case, size in zip(cases, got, strict=True):
        if isinstance(size, bool) or not isinstance(size, int):
            text = type(size).__name__ if not isinstance(size, float) else f"the float {size:g}"
            raise Wrong(f"for {_words(case)} the result is {text}; pixels are whole numbers (int).")
    for rule, sentence in _SIZE_MISCONCEPTIONS:
        if close(got, [rule(*case) for case in cases]):
            raise Wrong(sentence)
    for case, size in zip(cases, got, strict=True):
        if size != (wanted := _size(*case)):
            raise Wrong(
                f"for {_words(case)} the result is {size}, where torch gives {wanted}. The last "
                "stamp begins at (size − 1) · stride and is one kernel long."
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


def _size(n: int, kernel: int, stride: int, padding: int, extra: int) -> int:
    x, weight = torch.zeros(1, 1, n, n), torch.zeros(1, 1, kernel, kernel)
    return F.conv_transpose2d(x, weight, None, stride, padding, extra).shape[-1]


def _words(case: tuple[int, ...]) -> str:
    names = ("size", "kernel", "stride", "padding", "output_padding")
    return ", ".join(f"{name} {value}" for name, value in zip(names, case, strict=True))


@exercise("6.2")
def build_generator(answer: Answer) -> str:
    """The lesson's table for a small DCGAN generator."""
    network = _network(answer)
    z = torch.randn(N, 32)
    steps, trouble = _walk(network, z)
    if _of(steps, nn.Upsample):
        raise Wrong(
            "repeating pixels before a convolution is an even way up, but this table has two "
            "transposed convolutions."
        )
    maps = _of(steps, nn.ConvTranspose2d)
    if maps and maps[0].given != (N, 64, 7, 7):
        raise Wrong(
            f"the first transposed convolution receives {_shape(maps[0].given)}, where the table "
            "has (N, 64, 7, 7): 3136 numbers unflattened into 64 maps."
        )
    for step, wanted in zip(maps, [(N, 32, 14, 14), (N, 1, 28, 28)], strict=False):
        _expect_maps(step, wanted)
    if trouble:
        raise Wrong(trouble)
    if len(maps) != 2:
        raise Wrong(f"it has {len(maps)} transposed convolutions; the table has two.")
    if steps[-1].shape != (N, 1, 28, 28):
        raise Wrong(
            f"the result has shape {_shape(steps[-1].shape)}; images are (N, 1, 28, 28), one "
            "channel included."
        )
    _expect_tanh(network, z)
    _expect_norms(steps)
    _expect_even(maps)
    _expect_only(network, GENERATOR_LAYERS)
    _expect_activations(steps, nn.ReLU, "ReLU", 2, "after each BatchNorm", nn.BatchNorm2d)
    _expect_parameters(network, GENERATOR_PARAMETERS)
    return (
        "7 → 14 → 28 with an even overlap; BatchNorm in all layers but the last, and tanh, so that "
        "images lie in [−1, 1] like the digits."
    )


@exercise("6.3")
def build_discriminator(answer: Answer) -> str:
    """The lesson's table for a small DCGAN discriminator."""
    network = _network(answer)
    images = torch.rand(N, 1, 28, 28) * 2 - 1
    steps, trouble = _walk(network, images)
    if _of(steps, nn.modules.batchnorm._BatchNorm):
        raise Wrong(
            "there is BatchNorm in this discriminator: the images of a batch would see one "
            "another, and a penalty at one image would not be about that image alone."
        )
    if _of(steps, nn.modules.pooling._MaxPoolNd, nn.modules.pooling._AvgPoolNd):
        raise Wrong("it pools. In a DCGAN the convolutions themselves halve the maps: stride 2.")
    convolutions = _of(steps, nn.Conv2d)
    for step, wanted in zip(convolutions, [(N, 32, 14, 14), (N, 64, 7, 7)], strict=False):
        _expect_maps(step, wanted)
    if trouble:
        raise Wrong(trouble)
    if len(convolutions) != 2:
        raise Wrong(f"it has {len(convolutions)} convolutions; the table has two.")
    if steps[-1].shape == (N, 1):
        raise Wrong(
            "the result has shape (N, 1). The losses take logits (N,): end with Flatten(0)."
        )
    if steps[-1].shape != (N,):
        raise Wrong(f"the result has shape {_shape(steps[-1].shape)}; one logit per image is (N,).")
    _expect_logits(network, images)
    _expect_even(convolutions)
    _expect_only(network, DISCRIMINATOR_LAYERS)
    _expect_activations(steps, nn.LeakyReLU, "LeakyReLU", 2, "after each convolution", nn.Conv2d)
    slopes = {m.negative_slope for m in _layers(network) if isinstance(m, nn.LeakyReLU)}
    if slopes != {0.2}:
        found = " and ".join(f"{slope:g}" for slope in sorted(slopes))
        raise Wrong(f"LeakyReLU has slope {found}; the table has 0.2, and torch's default is 0.01.")
    _expect_parameters(network, DISCRIMINATOR_PARAMETERS)
    return (
        "28 → 14 → 7 → one logit per image: strides instead of pooling, LeakyReLU so that "
        "gradients reach G, no BatchNorm, no sigmoid."
    )


# What the two checks of networks share


class _Step(NamedTuple):
    """One layer, the shape that it was given and the shape that it returned."""

    layer: nn.Module
    given: tuple[int, ...]
    shape: tuple[int, ...]


def _network(answer: Answer) -> nn.Sequential:
    network = call(answer)
    if not isinstance(network, nn.Sequential):
        kind = network.__name__ if isinstance(network, type) else f"a {type(network).__name__}"
        raise Wrong(f"the function returns {kind}; an nn.Sequential is wanted.")
    return network


def _layers(network: nn.Sequential) -> list[nn.Module]:
    """The layers in order, those of inner Sequentials included."""
    found: list[nn.Module] = []
    for layer in network:
        found += _layers(layer) if isinstance(layer, nn.Sequential) else [layer]
    return found


@torch.no_grad()
def _walk(network: nn.Sequential, x: Tensor) -> tuple[list[_Step], str]:
    """The layers with their shapes, as far as they go, and a sentence on the one that fails.

    Raises:
        Wrong: space is folded into the batch, or channels come last: nothing later would help.
    """
    steps: list[_Step] = []
    for place, layer in enumerate(_layers(network), 1):
        given = tuple(x.shape)
        where = f"layer {place}, {type(layer).__name__},"
        try:
            x = layer(x)
        except Exception as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            return steps, f"{where} cannot take {_shape(given)}: {reason}."
        shape = tuple(x.shape)
        if not shape or (shape[0] != N and x.numel() != N):
            rows = f"{shape[0]} rows of {N} images" if shape else "a single number"
            raise Wrong(
                f"{where} makes {rows}: it folds space into the batch. The first dimension must "
                "stay N; Flatten() and Unflatten(1, …) leave it alone."
            )
        if _channels_last(shape):
            raise Wrong(
                f"{where} returns {_shape(shape)}, with the channels last. PyTorch's order is "
                "(N, channels, height, width)."
            )
        steps.append(_Step(layer, given, shape))
    return steps, "" if steps else "this nn.Sequential has no layers."


def _channels_last(shape: tuple[int, ...]) -> bool:
    return len(shape) == 4 and shape[1] == shape[2] != shape[3]


def _of(steps: Sequence[_Step], *kinds: type[nn.Module]) -> list[_Step]:
    return [step for step in steps if isinstance(step.layer, kinds)]


def _shape(shape: tuple[int, ...]) -> str:
    """A shape as the tables write it, N for the batch."""
    first = "N" if shape and shape[0] == N else str(shape[0]) if shape else ""
    return f"({', '.join([first, *map(str, shape[1:])])}{',' if len(shape) == 1 else ''})"


def _expect_maps(step: _Step, wanted: tuple[int, ...]) -> None:
    """Wrong, with the size formula and its numbers, unless a convolution returns these maps."""
    if step.shape == wanted:
        return
    layer = step.layer
    assert isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)
    k, s, p = (int(value[0]) for value in (layer.kernel_size, layer.stride, layer.padding))
    size, out = step.given[-1], step.shape[-1]
    if out == wanted[-1]:
        raise Wrong(
            f"{type(layer).__name__} returns {step.shape[1]} maps; the table has {wanted[1]}."
        )
    sum_ = f"⌊({size} + 2 · {p} − {k}) / {s}⌋ + 1"
    if isinstance(layer, nn.ConvTranspose2d):
        sum_ = f"({size} − 1) · {s} + {k} − 2 · {p}"
        if layer.output_padding[0]:
            sum_ += f" + {int(layer.output_padding[0])}"
    raise Wrong(
        f"kernel {k}, stride {s}, padding {p} turn {size} × {size} into {out} × {out} "
        f"({sum_} = {out}), where {wanted[-1]} × {wanted[-1]} is wanted."
    )


def _expect_even(steps: Sequence[_Step]) -> None:
    for layer in (step.layer for step in steps):
        assert isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)
        k, s, p = layer.kernel_size[0], layer.stride[0], layer.padding[0]
        if k % s:
            raise Wrong(
                f"the sizes are right, but kernel {k} is no multiple of stride {s}: stamps overlap "
                "unevenly, a checkerboard. The table has kernel 4, stride 2, padding 1."
            )
        if (k, s, p) != (4, 2, 1):
            raise Wrong(
                f"kernel {k}, stride {s}, padding {p} give the right sizes, but the table has "
                "kernel 4, stride 2, padding 1."
            )


# How often each kind of layer may occur.
GENERATOR_LAYERS: dict[type[nn.Module], tuple[int, int]] = {
    nn.Linear: (1, 1),
    nn.Unflatten: (1, 2),
    nn.Flatten: (0, 1),
    nn.BatchNorm2d: (2, 2),
    nn.ReLU: (2, 2),
    nn.ConvTranspose2d: (2, 2),
    nn.Tanh: (1, 1),
}
DISCRIMINATOR_LAYERS: dict[type[nn.Module], tuple[int, int]] = {
    nn.Conv2d: (2, 2),
    nn.LeakyReLU: (2, 2),
    nn.Flatten: (1, 3),
    nn.Unflatten: (0, 2),
    nn.Linear: (1, 1),
}


def _expect_only(
    network: nn.Sequential, allowed: Mapping[type[nn.Module], tuple[int, int]]
) -> None:
    """Wrong if a layer stands there that the table has not, or one too many."""
    layers = [layer for layer in _layers(network) if not isinstance(layer, nn.Identity)]
    for layer in layers:
        kinds = [kind for kind in allowed if isinstance(layer, kind)]
        if kinds and (parametrize.is_parametrized(layer) or layer._forward_pre_hooks):
            raise Wrong(f"a {kinds[0].__name__} has its weights normalised; the table's are plain.")
        activations = (nn.ReLU, nn.LeakyReLU, nn.modules.dropout._DropoutNd)  # looked at below
        if not kinds and not isinstance(layer, activations):
            raise Wrong(f"there is {type(layer).__name__}, and none in the table.")
    for kind, (_, most) in allowed.items():
        found = sum(isinstance(layer, kind) for layer in layers)
        if found > most and kind not in (nn.ReLU, nn.LeakyReLU):
            raise Wrong(f"there are {found} {kind.__name__} layers; the table has {most}.")


def _expect_norms(steps: Sequence[_Step]) -> None:
    if not _of(steps, nn.modules.batchnorm._BatchNorm):
        raise Wrong("there is no BatchNorm in this generator; the table has it in two places.")
    if _of(steps, nn.BatchNorm1d):
        raise Wrong(
            "BatchNorm1d before Unflatten treats 3136 numbers apart, each pixel of each map. "
            "BatchNorm2d after it takes whole maps."
        )
    norms = _of(steps, nn.BatchNorm2d)
    for layer in (step.layer for step in norms):
        assert isinstance(layer, nn.BatchNorm2d)
        if layer.eps > 1e-2:
            raise Wrong(
                f"in BatchNorm2d({layer.num_features}, {layer.eps:g}) the second number is eps, "
                "not momentum: weak signals are not normalised. Name it: momentum=0.2 is what "
                "Keras calls 0.8"
            )
    found = [step.shape for step in norms]
    if (N, 1, 28, 28) in found:
        raise Wrong(
            "BatchNorm before tanh forces mean 0 and one contrast on all images of a batch. DCGAN "
            "leaves it out of the generator's last layer."
        )
    if found != [(N, 64, 7, 7), (N, 32, 14, 14)]:
        listed = ", ".join(map(_shape, found))
        raise Wrong(f"BatchNorm2d acts on {listed}; the table has (N, 64, 7, 7), (N, 32, 14, 14).")


@torch.no_grad()
def _loud(network: nn.Sequential, x: Tensor) -> Tensor:
    """The network's results when the weights of its last layer are a thousand times larger."""
    last = [m for m in _layers(network) if isinstance(m, WEIGHTED)]
    before = last[-1].weight.detach().clone()
    last[-1].weight.mul_(1000)
    result: Tensor = network(x)
    last[-1].weight.copy_(before)
    return result


def _expect_tanh(network: nn.Sequential, z: Tensor) -> None:
    images = _loud(network, z)
    tanh_last = isinstance(_layers(network)[-1], nn.Tanh)
    if tanh_last and images.min() >= 0:
        raise Wrong(
            "no image has a negative number, although tanh is at the end: what goes into it is "
            "never negative. Nothing stands between the last transposed convolution and tanh."
        )
    if images.min() >= 0 and images.max() <= 1:
        raise Wrong(
            "the images lie in [0, 1], and the digits in [−1, 1]: D would tell them apart by their "
            "range alone. End with tanh, not with sigmoid."
        )
    if images.abs().max() > 1:
        raise Wrong("the images are not kept in [−1, 1], where the digits lie: tanh is missing.")
    if not tanh_last:
        raise Wrong("the images lie in [−1, 1], but the table ends with tanh, which has a slope.")


def _expect_logits(network: nn.Sequential, images: Tensor) -> None:
    logits = _loud(network, torch.cat([images, -images]))
    if logits.abs().max() <= 1:
        last = [m for m in _layers(network) if not isinstance(m, nn.Flatten | nn.Unflatten)][-1]
        raise Wrong(
            f"the results lie in [−1, 1]: there is {type(last).__name__} at the end, and nothing "
            "may follow D's linear layer. The losses take logits; log(sigmoid) of a confident D "
            "rounds to log 0."
        )
    linear_last = [m for m in _layers(network) if not isinstance(m, nn.Flatten | nn.Unflatten)][-1]
    if not isinstance(linear_last, nn.Linear):
        name = type(linear_last).__name__
        raise Wrong(f"the last layer with an effect is {name}; logits come from nn.Linear.")


def _expect_activations(
    steps: Sequence[_Step],
    kind: type[nn.Module],
    name: str,
    count: int,
    where: str,
    before: type[nn.Module],
) -> None:
    if dropout := _of(steps, nn.modules.dropout._DropoutNd):
        raise Wrong(f"there is {type(dropout[0].layer).__name__}, and none in the table.")
    found = len(_of(steps, kind))
    if found == count:
        for step, after in itertools.pairwise(steps):
            if isinstance(step.layer, before) and not isinstance(after.layer, kind):
                raise Wrong(
                    f"{type(step.layer).__name__} is followed by {type(after.layer).__name__}; "
                    f"the table has {name} {where}, and nowhere else."
                )
        return
    other = {type(step.layer).__name__ for step in steps} & {"ReLU", "LeakyReLU"} - {name}
    if other:
        raise Wrong(f"there is {other.pop()}, where the table has {name} {where}.")
    raise Wrong(
        f"{name} stands in {found} places; the table has it {where}. Without it, two layers "
        "in a row are one linear map."
    )


def _expect_parameters(network: nn.Sequential, wanted: int) -> None:
    got = count_parameters(network)
    if got == wanted:
        return
    layers = [m for m in _layers(network) if not isinstance(m, nn.Unflatten)]
    normed = [m for m, after in itertools.pairwise(layers) if isinstance(after, nn.BatchNorm2d)]
    biases = sum(m.bias.numel() for m in normed if isinstance(m, WEIGHTED) and m.bias is not None)
    if biases and got == wanted + biases:
        raise Wrong(
            f"{biases:,} parameters do nothing: biases in front of BatchNorm, which subtracts the "
            "mean anyway. Set bias=False there."
        )
    without = [m for m in layers if isinstance(m, WEIGHTED) and m.bias is None]
    hint = ""
    if got < wanted and len(without) > len(normed):
        hint = " A layer that no BatchNorm follows needs its bias."
    raise Wrong(f"the network has {got:,} parameters; the table has {wanted:,} in all.{hint}")
