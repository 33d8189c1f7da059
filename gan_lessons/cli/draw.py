"""Drawing from a trained generator a piece at a time, whose memory does not grow with the count."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from gan_lessons.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor

PIECE = 2000


def draw(source: Path, n: int, seed: int, digit: int | None = None) -> Iterator["Tensor"]:
    """n images in pieces (≤ 2000, C, H, W), the same as are decided by the seed at once.

    Raises:
        UserError: nothing of that name, or, when its piece is drawn, an image that holds NaN.
    """
    import torch

    from gan_lessons import data, pretrained, training

    rng = torch.Generator().manual_seed(seed)
    method = pretrained.load_method(source)
    if method.inputs_from_data:
        method = pretrained.load_method(source, data.load_digits().images)
    # Noise drawn in pieces is the noise drawn at once where each has a multiple of 16 numbers, and
    # classes go on in turn where it has a multiple of theirs.
    unit = math.lcm(16, getattr(method.settings, "classes", 0) or 1)
    pieces = [len(piece) for piece in torch.arange(n).split(max(PIECE // unit, 1) * unit)]
    if digit is None:
        drawn = (training.draw(method, method.inputs(count, rng)) for count in pieces)
    else:
        generator, settings = pretrained.load_generator(source, digit)
        scale, dim = settings.noise_scale, settings.latent_dim
        noise = (torch.randn(count, dim, generator=rng) * scale for count in pieces)
        drawn = (training.sample(generator, z) for z in noise)
    return (_finite(images, source) for images in drawn)


def _finite(images: "Tensor", source: Path) -> "Tensor":
    if not images.isfinite().all():
        raise UserError(
            f"The generator {str(source)!r} draws NaN: its training diverged, or its weights "
            "are damaged. Train it again."
        )
    return images
