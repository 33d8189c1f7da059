"""Clips that play by themselves: an animated PNG, which every browser shows without a kernel."""

import io

import torch
from PIL import Image
from torch import Tensor

from gan_lessons.errors import UserError
from gan_lessons.plotting.digits import mosaic

PAUSE = 3  # how many times as long the last frame stays


class Animation:
    """What `animation` returns; a notebook shows it by itself.

    Attributes: ``png``, the bytes of the animated PNG.
    """

    def __init__(self, png: bytes) -> None:
        self.png = png

    def _repr_png_(self) -> bytes:
        return self.png

    def __repr__(self) -> str:
        return "<Animation>"


def animation(clips: Tensor, columns: int = 8, seconds: float = 0.15, zoom: int = 3) -> Animation:
    """Clips side by side, over and over again.

    Args:
        clips: (N, frames, h, w) in [−1, 1], N ≥ 1.
        columns: clips in a row.
        seconds: that a frame stays; the last stays `PAUSE` times as long.
        zoom: dots for each pixel.

    Raises:
        UserError: the shape is another one.
    """
    if clips.dim() != 4 or len(clips) == 0:
        raise UserError(f"Clips have to be (N, frames, h, w), N ≥ 1, not {tuple(clips.shape)}.")
    frames = []
    for frame in clips.unbind(dim=1):
        grey = ((mosaic(frame[:, None], columns).clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
        large = grey.repeat_interleave(zoom, dim=0).repeat_interleave(zoom, dim=1)
        frames.append(Image.fromarray(large.numpy()).convert("P"))  # as all saved pictures are
    durations = [round(1000 * seconds)] * (len(frames) - 1) + [round(1000 * seconds * PAUSE)]
    buffer = io.BytesIO()
    frames[0].save(
        buffer, format="PNG", save_all=True, append_images=frames[1:], duration=durations, loop=0
    )
    return Animation(buffer.getvalue())
