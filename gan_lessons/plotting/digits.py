"""Images side by side or in named rows, small matrices, and the share of each digit."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from torch import Tensor

from gan_lessons.errors import UserError, expect, expect_number, expect_whole
from gan_lessons.plotting.style import DISCRIMINATOR, FAKE, Picture, new_axes
from gan_lessons.tensors import expect_tensor


def mosaic(images: Tensor, columns: int = 8) -> Tensor:
    """Images in [−1, 1] laid side by side: one picture, a grey line between them.

    Args:
        images: grey (N, 1, h, w) or coloured (N, 3, h, w).
        columns: images in a row.

    Returns:
        (H, W) if the images are grey, (H, W, 3) if they are coloured.

    Raises:
        UserError: the shape is another one.
    """
    expect_tensor(images, "images", "(N, 1, h, w) or (N, 3, h, w)")
    expect_whole(columns, "columns", 1)
    if images.dim() != 4 or images.shape[1] not in (1, 3) or images.numel() == 0:
        raise UserError(
            f"Give images of shape (N, 1, h, w) or (N, 3, h, w), not {tuple(images.shape)}."
        )
    columns = min(columns, len(images))
    missing = -len(images) % columns
    tiles = F.pad(images.detach().float().cpu(), (1, 1, 1, 1), value=-0.4)
    tiles = F.pad(tiles, (0, 0, 0, 0, 0, 0, 0, missing), value=1.0)  # empty places are white
    _, channels, height, width = tiles.shape
    rows = tiles.view(-1, columns, channels, height, width).permute(0, 3, 1, 4, 2)
    picture = rows.reshape(-1, columns * width, channels)
    return picture.squeeze(2) if channels == 1 else picture


def show_digits(axes: Axes, images: Tensor, columns: int = 8) -> AxesImage:
    """Draw a `mosaic` into axes; of grey images −1 is black, 1 white."""
    axes.set_axis_off()
    picture = mosaic(images, columns)
    if picture.dim() == 3:
        picture = (picture.clamp(-1, 1) + 1) / 2  # as matplotlib takes colours
    return axes.imshow(picture.numpy(), cmap="gray", vmin=-1, vmax=1, interpolation="nearest")


class DigitGrid(Picture):
    """What `digit_grid` returns: a figure that knows its images, so that a live view shows them
    without drawing it.

    Attributes: ``tiles`` (the images), ``columns``, ``titles`` and ``title`` as in `digit_grid`;
    ``zoom``, dots for each of their pixels, at 100 dots an inch.
    """

    def __init__(
        self,
        images: Tensor,
        columns: int,
        titles: Sequence[str],
        title: str,
        inches: float | None,
    ) -> None:
        width, height, scale = _size(images, columns, inches)
        super().__init__(figsize=(width, height + (0.3 if title else 0)))
        self.tiles, self.columns = images, columns
        self.titles, self.title = list(titles), title
        self.zoom = 100 * scale
        self._filled = False

    _filled = True  # while a figure is made

    @property  # type: ignore[misc]
    def axes(self) -> list[Axes]:  # type: ignore[override]
        """Made when they are asked for: a live view shows the images in less time than it takes."""
        self._fill()
        return super().axes

    def draw(self, renderer: Any) -> None:
        """Draw the images, too."""
        self._fill()
        super().draw(renderer)

    def _fill(self) -> None:
        """Axes that fill the figure: matplotlib's automatic layout would take half of the time."""
        if self._filled:
            return
        self._filled = True
        height = self.zoom / 100 * mosaic(self.tiles, self.columns).shape[0]
        axes = self.add_axes((0, 0, 1, height / self.get_figheight()), title=self.title)
        show_digits(axes, self.tiles, self.columns)
        tile_height, tile_width = self.tiles.shape[2] + 2, self.tiles.shape[3] + 2
        for i, text in enumerate(self.titles):
            row, column = divmod(i, self.columns)
            x, y = column * tile_width + 2, row * tile_height + 2
            axes.text(x, y, text, color="white", fontsize=8, va="top")


def _size(images: Tensor, columns: int, inches: float | None) -> tuple[float, float, float]:
    """Width and height of a mosaic in inches, and inches for each of its pixels."""
    if inches is not None:
        expect_number(inches, "inches", 0.05, 10)
    height, width = mosaic(images, columns).shape[:2]
    tile_width = images.shape[3] + 2
    scale = (inches or max(0.65, tile_width / 100)) / tile_width
    return width * scale, height * scale, scale


def digit_grid(
    images: Tensor,
    columns: int = 8,
    titles: Sequence[str] = (),
    title: str = "",
    inches: float | None = None,
) -> DigitGrid:
    """Images side by side.

    Args:
        images: (N, 1, h, w) or (N, 3, h, w) in [−1, 1], N ≥ 1.
        columns: images in a row.
        titles: a short text on each image, if any.
        title: a text above all of them.
        inches: width of one image; None: 0.65, or more where that would be less than a dot for
            each of its pixels.

    Raises:
        UserError: the shape is another one.
    """
    return DigitGrid(images, columns, titles, title, inches)


def digit_rows(
    rows: Mapping[str, Tensor], columns: int = 14, inches: float | None = None
) -> Figure:
    """Named rows of images, one below the other.

    Args:
        rows: name, written to the left → images (N, 1, h, w) in [−1, 1], N ≥ columns; the first
            ``columns`` are shown.
        columns: images in a row.
        inches: width of one image; None: as in `digit_grid`.

    Raises:
        UserError: the rows have no names, or one has fewer images than columns.
    """
    expect(rows, Mapping, "rows has to be a dictionary, name → images")
    for name, row in rows.items():
        expect_tensor(row, f"The row {name!r}", "(N, 1, h, w)")
        if len(row) < columns:
            raise UserError(f"The row {name!r} has {len(row)} images; columns is {columns}.")
    names = 1.25  # inches
    images = torch.cat([images[:columns] for images in rows.values()])
    width, height, _ = _size(images, columns, inches)
    figure = Picture(figsize=(width + names, height))
    axes = figure.add_axes((names / (width + names), 0, width / (width + names), 1))
    show_digits(axes, images, columns)
    for i, name in enumerate(rows):
        place = 1 - (i + 0.5) / len(rows)
        axes.text(-0.01, place, name, transform=axes.transAxes, ha="right", va="center", fontsize=9)
    return figure


def bars(shares: Sequence[float]) -> Figure:
    """Share of each digit 0 … 9; a dotted line where each would have its tenth."""
    figure, axes = new_axes(5.4, 2.4)
    axes.bar(range(len(shares)), shares, color=FAKE)
    axes.axhline(1 / len(shares), color=DISCRIMINATOR, linestyle=":", label="equal shares")
    axes.set(xticks=range(len(shares)), xlabel="digit the classifier sees", ylabel="share")
    axes.legend(fontsize=8)
    return figure


def matrices(named: Mapping[str, Tensor], numbers: bool = True, cell: float = 0.4) -> Figure:
    """Small matrices side by side in one scale of greys; the highest value is the darkest.

    Args:
        named: title → matrix (h, w); sizes may differ, and cells are drawn equally large.
        numbers: whether to write the values in; of more than 1,000 cells none is written.
        cell: side of a cell in inches.
    """
    expect(named, Mapping, "named has to be a dictionary, title → matrix")
    panels = [matrix.detach() for matrix in named.values()]
    heights, widths = zip(*(panel.shape for panel in panels), strict=True)
    size = (cell * sum(widths) + 0.3 * len(panels), cell * max(heights) + 0.5)
    figure = Picture(figsize=size, layout="constrained")
    row = figure.subplots(1, len(panels), width_ratios=widths, squeeze=False)[0]
    low = min(panel.min().item() for panel in panels)
    high = max(panel.max().item() for panel in panels)
    for axes, title, values in zip(row, named, panels, strict=True):
        axes.imshow(values.numpy(), cmap="Greys", vmin=low, vmax=high, interpolation="nearest")
        axes.set_title(title, fontsize=9)
        axes.set(xticks=[], yticks=[])
        if not numbers or values.numel() > 1000:
            continue
        for (y, x), value in np.ndenumerate(values.numpy()):
            ink = "white" if value > (low + high) / 2 else "black"
            axes.text(x, y, f"{value:g}", ha="center", va="center", color=ink, fontsize=23 * cell)
    return figure
