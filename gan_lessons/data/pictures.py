"""A learner's own pictures: any folder of them, made into squares of one size.

Folders come from cameras, from the web and from bad disks. What cannot be read is left out, and
said with its reason; nothing in a folder can stop the others from being read.
"""

import os
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from gan_lessons.data.digits import from_uint8
from gan_lessons.errors import UserError, expect_whole
from gan_lessons.files import user_path
from gan_lessons.progress_bar import ProgressBar

SIZE = 32  # pixels of a side, where nothing else is said
# Pillow would start another program for some of the formats that it knows.
FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
READABLE = frozenset(
    (".bmp", ".gif", ".jfif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
)
OTHERS = frozenset((".avif", ".cr2", ".dng", ".heic", ".heif", ".jp2", ".nef", ".psd", ".svg"))
MOST_PIXELS = 50_000_000  # of a picture: 200 MB once it is unpacked
MOST_NUMBERS = 200_000_000  # of all pictures: 0.8 GB
NAMED = 5  # files in a sentence


@dataclass(frozen=True)
class Pictures:
    """Pictures of a folder.

    images: float32 (N, C, size, size) in [−1, 1]; C is 1 if all of them are grey, else 3.
    left_out: file, as seen from the folder → why it is not among them. source: what was read, in
    sentences.
    """

    images: Tensor
    left_out: dict[str, str]
    source: str


def load_pictures(folder: str | Path, size: int = SIZE, show: bool = True) -> Pictures:
    """Read all pictures in a folder and in its subfolders, in the order of their names.

    Each is turned upright as its camera says, cut to the square in its middle and scaled. Of a
    moving picture the first frame is taken; what is transparent becomes white; 16 bits become 8.
    Hidden files, and folders that are links (which may lead back to where they stand), are passed
    over.

    Args:
        folder: where they are.
        size: pixels of a side.
        show: whether a progress bar is drawn.

    Raises:
        UserError: no such size or folder, no picture in it that can be read, or more than fit in
            memory.
    """
    expect_whole(size, "size", 1, 4096)
    folder = user_path(folder, "The folder of pictures")
    if not folder.is_dir():
        kind = "is a file; give a folder of pictures" if folder.exists() else "does not exist"
        raise UserError(f"The folder {folder} {kind}.")
    left_out: dict[str, str] = {}
    files = _find(folder, left_out)
    most = MOST_NUMBERS // (3 * size * size)
    if len(files) > most:
        raise UserError(
            f"The folder {folder} holds {len(files):,} pictures; of {size} × {size} pixels "
            f"{most:,} are the most that are kept in memory. Take fewer, or a smaller size."
        )
    squares, enlarged = [], 0
    with ProgressBar(len(files), show, unit=" pictures") as bar:
        for done, file in enumerate(files, 1):
            try:
                square, small = _read(file, size)
                squares.append(square)
                enlarged += small
            except UserError as error:
                left_out[str(file.relative_to(folder))] = str(error)
            bar.update(done)
    left_out = dict(sorted(left_out.items()))
    if not squares:
        raise UserError(f"In the folder {folder} there is no picture to be read.{_told(left_out)}")
    array = np.stack(squares)
    grey = bool((array == array[..., :1]).all())
    text = (
        f"Data: {len(array):,} {'grey' if grey else 'coloured'} pictures from the folder {folder}, "
        f"as squares of {size} × {size} pixels"
    )
    text += f" ({enlarged:,} were smaller, and enlarged)." if enlarged else "."
    images = from_uint8(array[..., :1] if grey else array)
    return Pictures(images, left_out, text + _told(left_out))


def _find(folder: Path, left_out: dict[str, str]) -> list[Path]:
    def unreadable(error: OSError) -> None:
        left_out[os.path.relpath(error.filename, folder)] = f"{error.strerror}"

    found = []
    for parent, _, names in os.walk(folder, onerror=unreadable):
        for file in (Path(parent, name) for name in names if not name.startswith(".")):
            if file.suffix.lower() in OTHERS:
                left_out[str(file.relative_to(folder))] = "save it as JPEG or PNG"
            elif file.suffix.lower() in READABLE:
                found.append(file)
    return sorted(found)


def _told(left_out: dict[str, str]) -> str:
    """The sentence about what was left out, with a space before it."""
    if not left_out:
        return ""
    named = "; ".join(f"{file} ({why})" for file, why in list(left_out.items())[:NAMED])
    more = f"; and {len(left_out) - NAMED:,} more" if len(left_out) > NAMED else ""
    return f" Left out: {named}{more}."


def _read(file: Path, size: int) -> tuple[NDArray[np.uint8], bool]:
    """A picture as a square (size, size, 3), and whether it was smaller than that.

    Raises:
        UserError: it cannot be read; the words say why.
    """
    try:
        if not file.is_file():  # opening a pipe would wait for ever
            raise UserError("no regular file")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what is odd in it
            with Image.open(file, formats=FORMATS) as picture:
                width, height = picture.size
                if width * height > MOST_PIXELS:
                    raise UserError(f"{width:,} × {height:,} pixels are too many")
                picture.draft("RGB", (2 * size, 2 * size))  # JPEG unpacks no more than is needed
                upright = ImageOps.exif_transpose(picture)
                square = ImageOps.fit(_rgb(upright), (size, size))
        return np.asarray(square), min(width, height) < size
    except UserError:
        raise
    except Image.DecompressionBombError:
        raise UserError("too many pixels") from None
    except UnidentifiedImageError:
        raise UserError("no picture, whatever its name says") from None
    except Exception as error:  # damaged files fail in many ways
        reason = error.strerror if isinstance(error, OSError) else None
        raise UserError(reason or "damaged") from error


def _rgb(picture: Image.Image) -> Image.Image:
    if picture.mode == "F":
        raise UserError("its numbers are no brightness")
    if picture.mode.startswith("I"):  # grey, of 16 bits: Pillow would cut off what is above 255
        values = np.asarray(picture).astype(np.int64)
        if values.min() < 0 or values.max() > 65_535:
            raise UserError("more than 16 bits")
        picture = Image.fromarray((values / 257).round().astype(np.uint8))
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)
    return picture.convert("RGB")
