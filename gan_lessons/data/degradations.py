"""Ways to spoil pictures: scratches, a hole, noise, fewer pixels; and the classic remedy of each.

A spoiled picture comes with a mask (N, 1, H, W) of what is to be restored: 1 where a pixel is lost
or not to be trusted, 0 where it is to stay as it is.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from gan_lessons.errors import UserError, expect_one_of
from gan_lessons.tensors import expect_rng, expect_tensor

NOISE = 0.5  # standard deviation; pixels go from −1 to 1
FACTOR = 4  # each block of so many pixels, squared, becomes one
HOLE = 12  # side of the hole, in pixels
STROKES = 2  # scratches in a picture
LOST = 0.0  # the grey that stands where a pixel is lost: half way from black to ink


class Spoiled(NamedTuple):
    """Pictures (N, C, H, W) as they come in, and where they are to be restored, (N, 1, H, W)."""

    pictures: Tensor
    mask: Tensor


def spoil(kind: str, images: Tensor, rng: torch.Generator) -> Spoiled:
    """Spoil images (N, C, H, W) in [−1, 1] in one of the ways in `KINDS`.

    Noise is added as it is: what leaves [−1, 1] is not cut off.

    Raises:
        UserError: no such way, no such images, or a size that cannot be divided by `FACTOR`.
    """
    expect_one_of(kind, "kind", KINDS)
    expect_tensor(images, "images", "(N, C, H, W)")
    expect_rng(rng)
    if images.dim() != 4:
        raise UserError(f"images has the shape {tuple(images.shape)}; give (N, C, H, W).")
    everywhere = torch.ones_like(images[:, :1])
    if kind == "brush":
        return hide(images, brush_masks(len(images), images.shape[-1], rng))
    if kind == "centre":
        return hide(images, centre_masks(images))
    if kind == "noise":
        noise = torch.randn(images.shape, generator=rng).to(images.device)
        return Spoiled(images + NOISE * noise, everywhere)
    return Spoiled(enlarge(shrink(images), "nearest"), everywhere)


KINDS = ("brush", "centre", "noise", "small")


def hide(images: Tensor, mask: Tensor) -> Spoiled:
    """Images without what is under a mask (N or 1, 1, H, W)."""
    mask = mask.to(images).expand(len(images), 1, *images.shape[-2:])
    return Spoiled(images * (1 - mask) + LOST * mask, mask)


def brush_masks(n: int, size: int, rng: torch.Generator) -> Tensor:
    """n masks (n, 1, size, size) of `STROKES` bent brush strokes each, 3 to 6 pixels wide."""
    expect_rng(rng)
    ends = size * (0.15 + 0.7 * torch.rand(n, STROKES, 3, 2, generator=rng))
    radius = 1.5 + 1.5 * torch.rand(n, STROKES, 1, generator=rng)
    t = torch.linspace(0, 1, 16)[:, None]
    # Quadratic Bézier curves: n × strokes × 16 points × 2.
    first, bend, last = (ends[:, :, i, None] for i in range(3))
    curve = (1 - t) ** 2 * first + 2 * t * (1 - t) * bend + t**2 * last
    centres = torch.arange(size) + 0.5
    pixels = torch.cartesian_prod(centres, centres)
    nearest = torch.cdist(curve, pixels).amin(dim=2)
    masks: Tensor = (nearest < radius).any(dim=1).view(n, 1, size, size).float()
    return masks


def centre_masks(images: Tensor) -> Tensor:
    """A square hole of side `HOLE` in the middle of each: (N, 1, H, W)."""
    mask = torch.zeros_like(images[:, :1])
    top, left = ((side - HOLE) // 2 for side in images.shape[-2:])
    mask[..., top : top + HOLE, left : left + HOLE] = 1
    return mask


def shrink(images: Tensor) -> Tensor:
    """Images (N, C, H, W) → (N, C, H / `FACTOR`, W / `FACTOR`): the mean of each block.

    Raises:
        UserError: a side cannot be divided.
    """
    if any(side % FACTOR for side in images.shape[-2:]):
        height, width = images.shape[-2:]
        raise UserError(
            f"Pictures of {height} × {width} pixels cannot be made {FACTOR} times smaller: "
            f"both sides have to be multiples of {FACTOR}."
        )
    return F.avg_pool2d(images, FACTOR)


def enlarge(small: Tensor, how: str = "bicubic") -> Tensor:
    """Small images made `FACTOR` times larger, "nearest" (blocks) or "bicubic" (smooth)."""
    if how == "nearest":
        return F.interpolate(small, scale_factor=FACTOR)
    return F.interpolate(small, scale_factor=FACTOR, mode=how).clamp(-1, 1)


def classic(kind: str, spoiled: Spoiled) -> Tensor:
    """What was done before networks: (N, C, H, W) in [−1, 1].

    Holes are filled with the smoothest surface between their borders, noise goes through a median
    of 3 × 3 pixels, small pictures are enlarged by bicubic interpolation.

    Raises:
        UserError: no such kind.
    """
    expect_one_of(kind, "kind", KINDS)
    pictures, mask = spoiled
    if kind == "noise":
        return median(pictures).clamp(-1, 1)
    if kind == "small":
        return enlarge(shrink(pictures))
    return fill(pictures, mask)


def median(images: Tensor) -> Tensor:
    """The median of each pixel and its eight neighbours; the border is repeated outwards."""
    around = F.pad(images, (1, 1, 1, 1), mode="replicate").unfold(2, 3, 1).unfold(3, 3, 1)
    return around.flatten(-2).median(dim=-1).values


def fill(images: Tensor, mask: Tensor, rounds: int = 200) -> Tensor:
    """Images with each pixel under the mask at the mean of its four neighbours, by repetition.

    Heat that spreads from the border of a hole (Bertalmio et al. 2000 call it diffusion).
    """
    above, beside = (_neighbours(n).to(images) for n in images.shape[-2:])
    hole, filled = mask > 0, images
    for _ in range(rounds):
        filled = torch.where(hole, above @ filled + filled @ beside, images)
    return filled


def _neighbours(n: int) -> Tensor:
    """A matrix (n, n) that takes a quarter of both neighbours' sum; the ends are repeated."""
    places = torch.arange(n)
    near = (places[:, None] - places).abs() == 1
    near[0, 0] = near[-1, -1] = True
    return near / 4


def refuse_unfit(picture: Tensor, mask: Tensor) -> None:
    """Refuse a picture and a mask (1, H, W), or more of them, that leave nothing to restore.

    Raises:
        UserError: nothing is masked, nothing but the mask is there, or the picture is of one grey.
    """
    if picture.shape != mask.shape:
        raise UserError(
            f"The mask has {mask.shape[-2]} × {mask.shape[-1]} pixels, the picture "
            f"{picture.shape[-2]} × {picture.shape[-1]}: they have to be of one size."
        )
    if not mask.any():
        raise UserError("The mask is empty: mark at least one pixel that is to be restored.")
    if mask.all() and (picture == LOST).all():
        raise UserError("The mask hides the whole picture: leave some of it to start from.")
    if picture.max() - picture.min() < 0.02:
        raise UserError(
            f"The picture is of one grey ({picture.mean():.2f} on a scale from −1 to 1): there is "
            "no digit in it to restore."
        )
