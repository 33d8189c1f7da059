"""Compares a network, an ``nn.Sequential``, with a table of layers and shapes, in words."""

import itertools
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from gan_lessons.exercises import Answer, Wrong, call

WEIGHTED = (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)
RESHAPING = (nn.Flatten, nn.Unflatten, nn.Identity)
N = 5  # images in a check's batch: no other size in the tables, so that it is recognised

Convolution = nn.Conv2d | nn.ConvTranspose2d


class Step(NamedTuple):
    """One layer, the shape that it was given, the shape that it returned."""

    layer: nn.Module
    given: tuple[int, ...]
    shape: tuple[int, ...]
    reshapes: bool  # it is there to return the same numbers in another shape


def walk(answer: Answer, x: Tensor) -> tuple[list[Step], str]:
    """The layers of the network that ``answer`` builds, with their shapes, as far as they go.

    Returns:
        The steps, and a sentence on the layer that fails, or "".

    Raises:
        Wrong: there is no network, or one where nothing later would help: space is folded into
            the batch, channels come last, or there is more in it than layers of torch.nn.
    """
    network = _network(answer)
    layers = _layers(network)
    if not layers:
        raise Wrong("this nn.Sequential has no layers.")
    steps: list[Step] = []
    y = x
    for place, layer in enumerate(layers, 1):
        given, where = y, f"layer {place}, {type(layer).__name__},"
        try:
            with torch.no_grad():
                y = layer(given)
        except Exception as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            return steps, f"{where} cannot take {shape_text(given.shape)}: {reason}."
        _expect_rows(where, given, y)
        same = torch.equal(given.reshape(-1), y.reshape(-1))
        if _own(layer) and not same:
            raise Wrong(f"{where} is a module of your own; the table has layers of torch.nn only.")
        if layer._forward_hooks or (layer._forward_pre_hooks and not isinstance(layer, WEIGHTED)):
            raise Wrong(f"{where} has a hook; the table has plain layers.")
        reshapes = same and (_own(layer) or isinstance(layer, RESHAPING))
        steps.append(Step(layer, tuple(given.shape), tuple(y.shape), reshapes))
    _expect_nothing_else(network, layers, x)
    return steps, ""


def of_kind(steps: Sequence[Step], *kinds: type[nn.Module]) -> list[Step]:
    """The steps whose layer is of one of these kinds."""
    return [step for step in steps if isinstance(step.layer, kinds)]


def with_effect(steps: Sequence[Step]) -> list[Step]:
    """The steps that do more than reshape."""
    return [step for step in steps if not step.reshapes]


def shape_text(shape: Sequence[int]) -> str:
    """A shape as the tables write it, N for the batch."""
    first = "N" if shape and shape[0] == N else str(shape[0]) if shape else ""
    return f"({', '.join([first, *map(str, shape[1:])])}{',' if len(shape) == 1 else ''})"


def expect_maps(step: Step, wanted: tuple[int, ...]) -> None:
    """Wrong, with the size formula and its numbers, unless a convolution returns these maps."""
    layer = step.layer
    assert isinstance(layer, Convolution)
    _expect_plain(layer)
    if step.shape == wanted:
        return
    k, s, p = layer.kernel_size[0], layer.stride[0], int(layer.padding[0])
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


def expect_even(steps: Sequence[Step]) -> None:
    """Wrong unless each convolution has kernel 4, stride 2, padding 1."""
    for layer in (step.layer for step in steps):
        assert isinstance(layer, Convolution)
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


def expect_plain_weights(steps: Sequence[Step]) -> None:
    """Wrong if a layer's weights are normalised, or cannot be trained."""
    for layer in (step.layer for step in of_kind(steps, *WEIGHTED)):
        if parametrize.is_parametrized(layer) or layer._forward_pre_hooks:
            kind = next(kind for kind in WEIGHTED if isinstance(layer, kind))
            raise Wrong(
                f"a {kind.__name__} has its weights normalised, or another hook; the table's are "
                "plain."
            )
    for layer in (step.layer for step in steps):
        for name, parameter in layer.named_parameters():
            if not parameter.requires_grad:
                raise Wrong(
                    f"the {name} of a {type(layer).__name__} is frozen (requires_grad is off): it "
                    "could not be trained."
                )
    y = torch.randn(steps[0].given)
    for layer in (step.layer for step in steps):
        y = layer(y)
    for layer in (step.layer for step in steps):
        parameters = list(layer.parameters())
        if parameters and not all(_reached(y, parameters)):
            raise Wrong(
                f"no gradient reaches the parameters of a {type(layer).__name__}: something after "
                "it cuts the graph, as detach does. It could not be trained."
            )


def expect_only(steps: Sequence[Step], allowed: Mapping[type[nn.Module], int]) -> None:
    """Wrong if a layer stands there that the table has not, or one kind more often than given."""
    for step in with_effect(steps):
        activation = isinstance(step.layer, nn.ReLU | nn.LeakyReLU)  # `expect_after` looks at them
        if not isinstance(step.layer, tuple(allowed)) and not activation:
            raise Wrong(f"there is {type(step.layer).__name__}, and none in the table.")
    for kind, most in allowed.items():
        found = len(of_kind(steps, kind))
        if found > most and not issubclass(kind, nn.ReLU | nn.LeakyReLU):
            raise Wrong(f"there are {found} {kind.__name__} layers; the table has {most}.")


def expect_after(
    steps: Sequence[Step], kind: type[nn.Module], count: int, where: str, before: type[nn.Module]
) -> None:
    """Wrong unless this activation follows each layer of the kind ``before``, and no other.

    Args:
        steps: what `walk` returns.
        kind: the activation.
        count: how often it stands in the table.
        where: that, in words.
        before: what stands before it.
    """
    name, found = kind.__name__, len(of_kind(steps, kind))
    if found == count:
        for (layer, *_), (after, *_) in itertools.pairwise(with_effect(steps)):
            if isinstance(layer, before) and not isinstance(after, kind):
                raise Wrong(
                    f"no {name} follows a {type(layer).__name__}, {type(after).__name__} is next; "
                    f"the table has {name} {where}, and nowhere else."
                )
        return
    other = {type(step.layer).__name__ for step in steps} & {"ReLU", "LeakyReLU"} - {name}
    if other:
        raise Wrong(f"there is {other.pop()}, where the table has {name} {where}.")
    places = f"{name} stands in {found} places; the table has it {where}"
    if found > count:
        raise Wrong(f"{places}, and nowhere else.")
    raise Wrong(f"{places}. Without it, two layers in a row are one linear map.")


def expect_parameters(steps: Sequence[Step], wanted: int) -> None:
    """Wrong unless the layers have this many parameters in all."""
    got = sum(p.numel() for p in nn.ModuleList(step.layer for step in steps).parameters())
    if got == wanted:
        return
    layers = [step.layer for step in with_effect(steps)]
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


def _network(answer: Answer) -> nn.Sequential:
    if isinstance(answer, nn.Module):
        raise Wrong(
            "the function is wanted that builds the network, and this is a network already: hand "
            "in the function's name, without brackets after it."
        )
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


def _reached(y: Tensor, parameters: Sequence[Tensor]) -> list[bool]:
    """Which of the parameters the output ``y`` depends on, as autograd sees it."""
    if not y.requires_grad:
        return [False]
    found = torch.autograd.grad(y.sum(), parameters, retain_graph=True, allow_unused=True)
    return [gradient is not None for gradient in found]


def _own(layer: nn.Module) -> bool:
    """Whether somebody wrote what this layer does, rather than took it from torch."""
    return not layer.forward.__module__.startswith("torch.")


def _expect_rows(where: str, given: Tensor, returned: Tensor) -> None:
    """Wrong if a layer does not return one row for each image, channels first."""
    shape = tuple(returned.shape)
    if given.ndim == 2 and shape[:1] == (given.numel(),) and len(given) == N != given.numel():
        raise Wrong(
            f"{where} puts the {given.shape[1]} numbers of each image, {shape_text(given.shape)}, "
            "into one row with those of the others. It is for one logit per image, (N, 1)."
        )
    if not shape or (shape[0] != N and returned.numel() != N):
        rows = f"{shape[0]} rows of {N} images" if shape else "a single number"
        raise Wrong(
            f"{where} makes {rows}: it folds space into the batch. The first dimension must "
            "stay N; Flatten() and Unflatten(1, …) leave it alone."
        )
    if len(shape) == 4 and shape[1] == shape[2] != shape[3]:
        raise Wrong(
            f"{where} returns {shape_text(shape)}, with the channels last. PyTorch's order is "
            "(N, channels, height, width)."
        )


@torch.no_grad()
def _expect_nothing_else(network: nn.Sequential, layers: Sequence[nn.Module], x: Tensor) -> None:
    """Wrong if the network does not do what its layers do, one after the other."""
    training = [layer.training for layer in layers]
    for layer in layers:
        layer.eval()  # without chance
    y = x
    for layer in layers:
        y = layer(y)
    whole = network(x)
    for layer, mode in zip(layers, training, strict=True):
        layer.train(mode)
    if not isinstance(whole, Tensor) or whole.shape != y.shape or not torch.allclose(whole, y):
        raise Wrong(
            "the network returns something else than its layers do, one after the other: it has a "
            "forward of its own, or a hook. The table has layers only."
        )


def _expect_plain(layer: Convolution) -> None:
    """Wrong if a convolution has more to it than kernel, stride and padding, alike both ways."""
    name, table = type(layer).__name__, "the table has kernel 4, stride 2, padding 1 and no more."
    if isinstance(layer.padding, str):
        raise Wrong(f"{name} has padding {layer.padding!r}; {table}")
    for what in ("kernel_size", "stride", "padding", "dilation"):
        value = getattr(layer, what)
        if len(set(value)) > 1 or (what == "dilation" and set(value) != {1}):
            raise Wrong(f"{name} has {what} {value}; {table}")
    if layer.groups != 1 or layer.padding_mode != "zeros":
        what = f"{layer.groups} groups" if layer.groups != 1 else f"padding {layer.padding_mode!r}"
        raise Wrong(f"{name} has {what}; {table}")
