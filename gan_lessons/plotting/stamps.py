"""How the stamps of a transposed convolution overlap."""

from collections.abc import Callable

import torch
from matplotlib.figure import Figure
from torch import Tensor
from torch.nn import functional as F

from gan_lessons.errors import UserError
from gan_lessons.plotting.digits import matrices


def count_stamps(size: int, kernel: int, stride: int, padding: int) -> Tensor:
    """How many stamps reach each pixel of the output (out, out) of an input (size, size).

    Raises:
        UserError: the padding cuts everything off.
    """
    out = (size - 1) * stride + kernel - 2 * padding
    if out < 1:
        span = out + 2 * padding
        raise UserError(
            f"The stamps cover {span} × {span} pixels, and padding {padding} cuts {2 * padding} "
            f"off each way: nothing is left. Choose a padding of at most {(span - 1) // 2}."
        )
    ones, ones_kernel = torch.ones(1, 1, size, size), torch.ones(1, 1, kernel, kernel)
    return F.conv_transpose2d(ones, ones_kernel, stride=stride, padding=padding)[0, 0]


def overlap(size: int, kernel: int, stride: int, padding: int) -> tuple[Figure, str]:
    """The picture of `count_stamps`, and a sentence: even, a checkerboard, or with gaps.

    Raises:
        UserError: the padding cuts everything off.
    """
    counts = count_stamps(size, kernel, stride, padding)
    out, first = len(counts), max(kernel - 1 - padding, 0)
    last = min(out, (size - 1) * stride + 1 - padding)
    inside = counts[first:last, first:last]  # what no missing stamp beyond the border would reach
    sentence = f"{size} × {size} becomes {out} × {out}. "
    if len(inside) < stride:
        sentence += "The input is too small: every output pixel is near a border."
    elif inside.min() == inside.max():
        sentence += f"Away from the border the count is {inside.max():g} everywhere: even."
    else:
        sentence += f"Away from the border the count is {inside.min():g} to {inside.max():g}: "
        sentence += "gaps." if inside.min() == 0 else "uneven, a checkerboard."
    small_enough = out <= 16
    cell = 0.3 if small_enough else 5 / out
    return matrices({"stamps per pixel": counts}, small_enough, cell), sentence


def stamped(x: Tensor, weight: Tensor) -> Tensor:
    """Twice the size by a transposed convolution with stride 2 and padding 1.

    Args:
        x: (N, channels, h, w).
        weight: (maps, channels, k, k) with k = 3 or 4.

    Returns:
        (N, maps, 2h, 2w).
    """
    k = weight.shape[-1]
    return F.conv_transpose2d(x, weight.transpose(0, 1), stride=2, padding=1, output_padding=4 - k)


def upsampled(x: Tensor, weight: Tensor) -> Tensor:
    """Twice the size by repeating every pixel and a convolution after it; shapes as `stamped`."""
    return F.conv2d(F.interpolate(x, scale_factor=2), weight, padding=1)


def typical_size(enlarge: Callable[[Tensor, Tensor], Tensor], kernel: int) -> Tensor:
    """RMS of each output pixel (14, 14), over 64 random inputs 7 × 7 and 400 random kernels.

    Args:
        enlarge: `stamped` or `upsampled`.
        kernel: side of the kernels.
    """
    channels = 8
    rng = torch.Generator().manual_seed(0)
    x = torch.randn(64, channels, 7, 7, generator=rng)
    weight = torch.randn(400, channels, kernel, kernel, generator=rng)
    return enlarge(x, weight / (channels * kernel**2) ** 0.5).square().mean(dim=(0, 1)).sqrt()
