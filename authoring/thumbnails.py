"""README's picture of each lesson, taken from its notebook."""

import base64
import io
from pathlib import Path

import nbformat
from PIL import Image

from authoring.source import SOURCES
from gan_lessons.errors import UserError
from gan_lessons.files import atomic_write

FOLDER = SOURCES.parents[1] / "docs" / "lessons"
SIZE = (320, 200)  # pixels, at most
COLOURS = 64
# Lesson → a piece of the code of the cell whose picture is taken.
CELLS = {
    "00": "plotting.digit_grid(images)",
    "01": "D*, the best discriminator",
    "02": "shifts = torch.linspace",
    "03": "turns = walk(alternating",
    "04": "panel = playground(arrows=True)",
    "05": "plotting.digit_grid(late[:64]",
    "06": "plotting.matrices(sizes",
    "07": "finished = watch(trainer)",
    "08": "plotting.digit_grid(torch.cat(results), columns=8)",
    "09": 'names = ("absent generator"',
    "10": "patients = {name: remedies.start",
    "11": 'start = {"generator": "one clump"',
    "12": "number = torch.tensor",
    "13": 'plotting.digit_rows({"as it was": truth} | {kind',
    "14": 'plotting.digit_rows(shown | {"B": striped.images',
    "15": "plotting.digit_grid(drawn[:40]",
    "16": "plotting.animation(torch.cat",
    "17": 'rows, error, distance, spread = {"real"',
    "18": "panel = explore(\n    at_threshold",
    "19": "plotting.digit_grid(many.sample",
}


def write(notebooks: Path = SOURCES.parent, folder: Path = FOLDER) -> list[Path]:
    """Write a small picture for each lesson.

    Raises:
        UserError: a lesson has no cell with that piece of code, or its output no picture.
    """
    written = []
    for number, piece in CELLS.items():
        (notebook,) = notebooks.glob(f"{number}_*.ipynb")
        with atomic_write(folder / f"{number}.png") as aside:
            _small(_picture(notebook, piece)).save(aside, "PNG", optimize=True)
        written.append(folder / f"{number}.png")
    return written


def _picture(notebook: Path, piece: str) -> bytes:
    for cell in nbformat.read(notebook, nbformat.NO_CONVERT).cells:
        if cell.cell_type == "code" and piece in cell.source:
            for output in cell.outputs:
                if "image/png" in output.get("data", {}):
                    return base64.b64decode(output["data"]["image/png"])
    raise UserError(f"{notebook.name} has no cell with {piece!r} that shows a picture.")


def _small(picture: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    image.thumbnail(SIZE, Image.Resampling.LANCZOS)
    return image.quantize(COLOURS)
