"""Two kinds of pictures to translate between: plain and striped, handwritten and printed, dots.

All are digits (N, 1, 28, 28) in [−1, 1]. Whoever translates without pairs never sees two pictures
of the same digit; labels are there to measure with.
"""

from functools import cache
from pathlib import Path

import matplotlib
import numpy as np
import torch
import torch.nn.functional as F
from matplotlib.ft2font import FT2Font
from torch import Tensor

from gan_lessons.errors import UserError
from gan_lessons.tensors import expect_rng

STRIPE = 4  # pixels from one dark line to the next
THICKEST = 16  # pixels of a stroke that becomes a line
KEPT = 0.5  # share of a skeleton's pixels that are left as dots
SLANT = 0.25  # at most, to either side: how far the top moves, over the height
FONTS = (  # that come with matplotlib
    "DejaVuSans",
    "DejaVuSans-Bold",
    "DejaVuSans-Oblique",
    "DejaVuSansMono",
    "DejaVuSerif",
    "DejaVuSerif-Bold",
    "STIXGeneral",
    "STIXGeneralBol",
    "cmr10",
    "cmss10",
)
SIDE, BOX, FINE = 28, 20, 4  # MNIST's picture and the box of its digits; pixels are cut in FINE²


def stripes(images: Tensor, rng: torch.Generator) -> Tensor:
    """Images with dark diagonal lines, one pixel of `STRIPE`; where they begin is drawn by chance.

    So there are `STRIPE` striped pictures of one digit, and nothing in the plain one says which.
    """
    expect_rng(rng)
    phase = torch.randint(STRIPE, (len(images),), generator=rng)
    return striped(images, phase)


def striped(images: Tensor, phase: Tensor) -> Tensor:
    """Images (N, C, H, W) with their dark lines moved by phase (N,), 0 to `STRIPE` − 1."""
    row, column = (torch.arange(side, device=images.device) for side in images.shape[-2:])
    along = row[:, None] + column + phase.to(images.device)[:, None, None]
    return torch.where((along % STRIPE == 0)[:, None], torch.tensor(-1.0).to(images), images)


def phase_of(images: Tensor) -> Tensor:
    """Where the dark lines of images (N, 1, H, W) are, (N,): the phase with least ink on them."""
    inks = [(images - striped(images, torch.full((len(images),), p))) for p in range(STRIPE)]
    on_lines = torch.stack([ink.sum(dim=(1, 2, 3)) for ink in inks], dim=1)
    return on_lines.argmin(dim=1)


def printed(labels: Tensor, rng: torch.Generator) -> Tensor:
    """Printed digits (N, 1, 28, 28) of labels (N,), font and slant drawn by chance.

    They are put in place as MNIST's are: in a box of 20 × 20 pixels, around the centre of mass.

    Raises:
        UserError: a label is no digit.
    """
    expect_rng(rng)
    if not len(labels):
        return torch.empty(0, 1, SIDE, SIDE)
    if not 0 <= labels.min() <= labels.max() <= 9:
        raise UserError(f"There are labels from {labels.min()} to {labels.max()}; digits are 0-9.")
    font = torch.randint(len(FONTS), (len(labels),), generator=rng)
    slant = SLANT * (2 * torch.rand(len(labels), generator=rng) - 1)
    zero, one = torch.zeros_like(slant), torch.ones_like(slant)
    affine = torch.stack([one, slant, zero, zero, one, zero], dim=1).view(-1, 2, 3)
    glyphs = _glyphs()[font, labels.cpu()][:, None]
    grid = F.affine_grid(affine, list(glyphs.shape), align_corners=False)
    ink = F.grid_sample(glyphs, grid, align_corners=False)
    return 2 * F.avg_pool2d(ink, FINE) - 1


@cache
def _glyphs() -> Tensor:
    """The digits of each font (fonts, 10, 112, 112), ink 1, larger than they will be shown."""
    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    return torch.stack(
        [torch.stack([_glyph(folder / f"{name}.ttf", d) for d in range(10)]) for name in FONTS]
    )


def _glyph(path: Path, digit: int) -> Tensor:
    font = FT2Font(str(path))
    font.set_size(100, 72)
    font.set_text(str(digit))
    font.draw_glyphs_to_bitmap()
    ink = torch.from_numpy(np.array(font.get_image(), dtype=np.float32)) / 255
    ink = ink[ink.amax(dim=1) > 0][:, ink.amax(dim=0) > 0]  # its box
    scale = BOX * FINE / max(ink.shape)
    height, width = (max(1, round(scale * side)) for side in ink.shape)
    ink = F.interpolate(ink[None, None], (height, width), mode="bilinear", antialias=True)[0, 0]
    middle_row = (ink.sum(dim=1) * torch.arange(height)).sum() / ink.sum()
    middle_column = (ink.sum(dim=0) * torch.arange(width)).sum() / ink.sum()
    top, left = (round(SIDE * FINE / 2 - m.item() - 0.5) for m in (middle_row, middle_column))
    right, bottom = SIDE * FINE - left - width, SIDE * FINE - top - height
    return F.pad(ink, (left, right, top, bottom))


def dots(images: Tensor, rng: torch.Generator) -> Tensor:
    """A few single pixels of each digit's `skeleton`, drawn by chance: a game for children."""
    kept = torch.rand(images.shape, generator=rng) < KEPT
    return torch.where(kept.to(images.device), skeleton(images), torch.tensor(-1.0).to(images))


def skeleton(images: Tensor) -> Tensor:
    """Lines of one pixel, 1 on −1, along the middles of strokes (N, 1, H, W).

    Ink, what is above 0, is taken away from the outside as long as nothing breaks (Zhang and Suen
    1984); strokes may be `THICKEST` pixels thick.
    """
    ink = images > 0
    tables = [peeled.to(images.device) for peeled in _peeled()]
    for _ in range(THICKEST // 2):
        for peeled in tables:
            around = _neighbours(ink).to(torch.uint8)
            code = torch.stack([around[i] << i for i in range(8)]).sum(dim=0)
            ink = ink & ~peeled[code]
    return 2 * ink.to(images) - 1


@cache
def _peeled() -> tuple[Tensor, Tensor]:
    """For each of 256 neighbourhoods, bit i the i-th of `_neighbours`: whether a pixel goes.

    One table for the sides at the right and below, one for the others.
    """
    around = (torch.arange(256)[:, None] >> torch.arange(8)) % 2 > 0
    count = around.sum(dim=1)
    begins = (~around & around.roll(-1, dims=1)).sum(dim=1)
    outside = (count >= 2) & (count <= 6) & (begins == 1)

    def without(*three: int) -> Tensor:
        return ~around[:, list(three)].all(dim=1)

    return (
        outside & without(0, 2, 4) & without(2, 4, 6),
        outside & without(0, 2, 6) & without(0, 4, 6),
    )


def _neighbours(ink: Tensor) -> Tensor:
    """Whether each pixel's eight neighbours have ink, (8, N, 1, H, W), clockwise from above."""
    height, width = ink.shape[-2:]
    padded = F.pad(ink, (1, 1, 1, 1))
    places = ((0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (1, 0), (0, 0))
    return torch.stack([padded[..., r : r + height, c : c + width] for r, c in places])
