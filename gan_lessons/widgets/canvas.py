"""A canvas that is fed raw pixels: no PNG is made, so 64 digits cost next to nothing."""

from pathlib import Path

import anywidget
import numpy as np
import torch
import traitlets
from matplotlib.colors import to_rgb
from numpy.typing import NDArray
from torch import Tensor

from gan_lessons import plotting

LINE = 2  # pixels between two images of a mosaic
TILE = 28 + LINE  # pixels from one digit of a mosaic to the next


class Canvas(anywidget.AnyWidget):
    """Grey (h, w) or coloured (h, w, 3) pixels, uint8, each drawn ``zoom`` screen pixels wide.

    With ``chosen`` ≥ 0 the picture is made of tiles, and a click or the arrow keys choose one.
    """

    _esm = (Path(__file__).parent / "canvas.js").read_text(encoding="utf-8")
    pixels = traitlets.Bytes().tag(sync=True)
    width = traitlets.Int().tag(sync=True)
    height = traitlets.Int().tag(sync=True)
    zoom = traitlets.Float(2.0).tag(sync=True)
    tile = traitlets.Int(TILE).tag(sync=True)
    chosen = traitlets.Int(-1).tag(sync=True)
    labels = traitlets.List(traitlets.Unicode()).tag(sync=True)  # one in the corner of each tile
    label = traitlets.Unicode().tag(sync=True)  # what is shown, for those who cannot see it

    def show(self, picture: NDArray[np.uint8], label: str = "") -> None:
        """Send a picture to the screen, and what it shows in words."""
        with self.hold_sync():
            self.height, self.width = picture.shape[:2]
            self.pixels = picture.tobytes()
            if label:
                self.label = label

    def show_tiles(self, images: Tensor, columns: int, label: str = "") -> None:
        """Send images as `tiles`, each of which can be chosen; square ones, if that is wanted.

        Args:
            images: grey (N, 1, h, w) or coloured (N, 3, h, w), in [−1, 1].
            columns: images in a row.
            label: what they show, in words.

        Raises:
            UserError: the shape is another one; what was shown stays.
        """
        picture = tiles(images, columns)
        with self.hold_sync():
            self.tile = images.shape[-1] + LINE
            self.show(picture, label)

    @property
    def picture(self) -> NDArray[np.uint8]:
        """What is shown."""
        values = np.frombuffer(self.pixels, np.uint8).reshape(self.height, self.width, -1)
        return values[..., 0] if values.shape[2] == 1 else values


def tiles(images: Tensor, columns: int) -> NDArray[np.uint8]:
    """Images (N, 1, h, w) or (N, 3, h, w) as one picture of tiles, as `Canvas.show` takes it.

    Values below −1 are black, above 1 white; what is not a number is grey.
    """
    picture = plotting.mosaic(images.nan_to_num(), columns).clamp(-1, 1)
    pixels: NDArray[np.uint8] = (picture + 1).mul(127.5).byte().numpy()
    return pixels


def signed(values: Tensor) -> NDArray[np.uint8]:
    """Values (h, w) as colours (h, w, 3): blue above 0, orange below, white at 0.

    The palest is 0, the strongest is the largest absolute value; real's and fake's colours.
    """
    strength = (values / values.abs().max().clamp(min=1e-12))[..., None]
    blue, orange = (255 * torch.tensor(to_rgb(colour)) for colour in (plotting.REAL, plotting.FAKE))
    ink = torch.where(strength > 0, blue, orange)
    rgb: NDArray[np.uint8] = (255 + strength.abs() * (ink - 255)).byte().numpy()
    return rgb
