"""Networks as the pages' scripts read them: layers, with weights in half precision.

A shipped network's weights are in half precision already, so nothing is lost. BatchNorm becomes a
factor and a summand for each channel, in single precision. ``network.js`` computes with them.
"""

from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

from authoring.live import numbers
from gan_lessons import classifier, pretrained
from gan_lessons.errors import UserError

Layer = dict[str, Any]
Shape = tuple[int, ...]  # channels, height, width


def network(name: str) -> tuple[nn.Module, Shape]:
    """A network by its name, and its input's shape (channels, height, width).

    Args:
        name: of a shipped generator, such as "dcgan"; "dcgan.discriminator"; or "classifier".
    """
    if name == "classifier":
        return classifier.load(), classifier.IMAGE_SHAPE
    source, _, player = name.partition(".")
    method = pretrained.load_method(source)
    if player:
        return method.network(player), method.shape
    return method.network("generator"), (method.inputs(1, torch.Generator()).shape[1], 1, 1)


def exported(name: str) -> dict[str, Any]:
    """A network as JSON: the shape of its input, and its layers."""
    loaded, shape = network(name)
    return {"input": shape, "layers": list(layers(loaded, shape))}


def layers(network: nn.Module, shape: Shape) -> Iterator[Layer]:
    """Its layers for inputs of this shape (channels, height, width), one for each that has weights.

    A linear layer is a convolution that sees the whole picture, or, where pictures begin, a
    transposed one that draws it.

    Raises:
        UserError: there is a layer that the pages do not know.
    """
    parts = list(_parts(network))
    layer: Layer = {}
    for place, part in enumerate(parts):
        match part:
            case nn.Linear() | nn.Conv2d() | nn.ConvTranspose2d():
                if layer:
                    yield layer
                after = parts[place + 1] if place + 1 < len(parts) else None
                drawn = after.unflattened_size if isinstance(after, nn.Unflatten) else None
                layer, shape = _weighted(part, shape, drawn)
            case nn.BatchNorm2d():
                mean, variance = (part.get_buffer(f"running_{name}") for name in ("mean", "var"))
                factor = part.weight.double() / (variance.double() + part.eps).sqrt()
                layer["scale"] = numbers(factor)
                layer["bias"] = numbers(part.bias - mean * factor)
            case nn.ReLU():
                layer["slope"] = 0
            case nn.LeakyReLU():
                layer["slope"] = part.negative_slope
            case nn.Tanh():
                layer["tanh"] = True
            case nn.AdaptiveAvgPool2d():
                yield layer
                layer, shape = {"kind": "mean"}, (shape[0], 1, 1)
            case nn.Flatten() | nn.Unflatten() | nn.Identity():
                pass
            case _:
                raise UserError(f"The pages know no layer {type(part).__name__}.")
    yield layer


def _parts(network: nn.Module) -> Iterator[nn.Module]:
    """Layers in order; the classifier has a ReLU of its own before its head."""
    if isinstance(network, classifier.Classifier):
        yield from _parts(network.body)
        yield from (nn.ReLU(), network.head)
    elif isinstance(network, nn.Sequential):
        for part in network:
            yield from _parts(part)
    else:
        yield network


def _weighted(
    part: nn.Linear | nn.Conv2d | nn.ConvTranspose2d,
    shape: Shape,
    drawn: Any,  # the shape (channels, side, side) that a linear layer's numbers are given next
) -> tuple[Layer, Shape]:
    """A layer with weights, and the shape of what it puts out."""
    channels, height, _ = shape
    weight, stride, padding = part.weight, 1, 0
    kind = "convolution"
    if isinstance(part, nn.Linear):
        kernel = drawn[1] if drawn else height
        if drawn:
            kind = "transposed"
            weight = weight.T
        outputs, side = (drawn[0], kernel) if drawn else (part.out_features, 1)
    else:
        kernel, stride, padding = part.kernel_size[0], part.stride[0], int(part.padding[0])
        outputs = part.out_channels
        side = (height + 2 * padding - kernel) // stride + 1
        if isinstance(part, nn.ConvTranspose2d):
            kind, side = "transposed", (height - 1) * stride + kernel - 2 * padding
    layer: Layer = {
        "kind": kind,
        "inputs": channels,
        "outputs": outputs,
        "kernel": kernel,
        "stride": stride,
        "padding": padding,
        "weights": numbers(weight, "float16"),
    }
    if part.bias is not None:
        layer["bias"] = numbers(part.bias)
    return layer, (outputs, side, side)
