"""README's moving picture: the two things that this course trains, while they learn.

``python -m authoring film`` trains both again, about a minute, and writes docs/film.gif.
"""

import io
from pathlib import Path

import numpy as np
import torch
from matplotlib.axes import Axes
from PIL import Image
from torch import Tensor

from authoring.source import SOURCES
from gan_lessons import pretrained
from gan_lessons.data import load_digits
from gan_lessons.files import atomic_write
from gan_lessons.methods import RECIPES
from gan_lessons.plane import Plan, PlaneTrainer, discriminator_shade
from gan_lessons.plotting import FAKE, REAL, Picture, mosaic
from gan_lessons.training import Trainer

FILM = SOURCES.parents[1] / "docs" / "film.gif"
FRAMES = 32
POINT_STEPS, DIGIT_STEPS = 25, 30  # from one frame to the next
EDGE = 2.4  # of the plane that is shown
PACE = 120  # milliseconds a frame
LAST = 3000  # milliseconds of the last one
COLOURS = 32


def write(frames: int = FRAMES, path: Path = FILM) -> list[Path]:
    """Train, draw a frame now and then, and write them as one GIF that goes round."""
    points = PlaneTrainer(Plan(data="ring"))
    recipe = RECIPES["dcgan"]
    digits = Trainer(load_digits(source="bundled", announce=False).images, recipe)
    pictures = []
    for frame in range(frames):
        if frame:
            for trainer, steps in ((points, POINT_STEPS), (digits, DIGIT_STEPS)):
                for _ in trainer.run(steps):
                    pass
        pictures.append(_draw(points, digits, pretrained.noise(36, recipe, seed=1)))
    palette = _side_by_side(pictures[:: frames // 4 or 1]).quantize(COLOURS)
    shown = [picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in pictures]
    times = [PACE] * (frames - 1) + [LAST]
    with atomic_write(path) as aside:
        shown[0].save(aside, "GIF", save_all=True, append_images=shown[1:], duration=times, loop=0)
    return [path]


def _side_by_side(pictures: list[Image.Image]) -> Image.Image:
    return Image.fromarray(np.concatenate([np.asarray(picture) for picture in pictures], axis=1))


def _draw(points: PlaneTrainer, digits: Trainer, z: Tensor) -> Image.Image:
    figure = Picture(figsize=(5.6, 3.05), layout="constrained")
    plane, grid = figure.subplots(1, 2)
    _draw_plane(plane, points)
    plane.set_title(f"points, step {points.step:,}", fontsize=11)
    grid.imshow(mosaic(digits.sample(z), columns=6).numpy(), cmap="gray", vmin=-1, vmax=1)
    grid.set_title(f"digits, step {digits.step:,}", fontsize=11)
    for axes in (plane, grid):
        axes.set(xticks=[], yticks=[])
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=100)
    return Image.open(buffer).convert("RGB")


def _draw_plane(axes: Axes, trainer: PlaneTrainer, n: int = 400, cells: int = 24) -> None:
    """D's shade, real points and fakes."""
    side = torch.linspace(-EDGE, EDGE, cells)
    shade = discriminator_shade(trainer, torch.cartesian_prod(side, side))
    extent = (-EDGE, EDGE, -EDGE, EDGE)
    axes.imshow(
        shade.view(cells, cells).T.numpy(),
        cmap="RdBu",
        origin="lower",
        extent=extent,
        vmin=0,
        vmax=1,
        alpha=0.35,
    )
    axes.plot(*trainer.samples[:n].T, ".", color=REAL, ms=4, label="real")
    axes.plot(*trainer.fakes(n).T, "x", color=FAKE, ms=4.5, label="fake")
    axes.set(xlim=extent[:2], ylim=extent[:2])
    axes.legend(fontsize=8, loc="upper right")
