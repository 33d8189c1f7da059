"""MNIST digits from one of three sources: bundled with the install, downloaded, or a folder."""

import hashlib
import io
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import platformdirs
import torch
from numpy.typing import NDArray
from torch import Tensor

from gan_lessons.data import idx
from gan_lessons.errors import UserError
from gan_lessons.files import user_path

VARIABLE: Final = "GAN_LESSONS_DATA"
DOWNLOAD: Final = "run: gan-lessons data download"
BUNDLED: Final = Path(__file__).with_name("mnist5000.npz")  # by authoring/bundle_digits.py
BUNDLED_SHA256: Final = "ee4693157b8e74761dbc0d03e4262085ef84187ee222f4e5478791b612c0af48"
CHANNELS: Final = (1, 3)  # grey, RGB
TOLERANCE: Final = 1e-3  # how far outside [−1, 1] a pixel may be; far below half a grey, 1/255

Arrays = tuple[NDArray[np.uint8], NDArray[np.uint8]]


@dataclass(frozen=True)
class Digits:
    """Digits and where they came from.

    images: float32, (N, 1, 28, 28), in [−1, 1], ink bright; labels: int64, (N,), 0 to 9;
    source: the sentence that says which data these are and why.
    """

    images: Tensor
    labels: Tensor
    source: str


@dataclass(frozen=True)
class Source:
    """A choice of data: ``folder`` is None for "bundled"; ``why`` ends the sentence about it."""

    name: str  # bundled, full or folder
    folder: Path | None
    why: str


@dataclass(frozen=True)
class Status:
    """What ``gan-lessons data status`` says about one source.

    present: all its files are there; verified: their checksums are right; text: the state in words.
    """

    name: str
    where: str
    present: bool
    verified: bool
    in_use: bool
    text: str


def load_digits(
    split: str = "train", source: str | Path | None = None, announce: bool = True
) -> Digits:
    """Return MNIST digits, offline, from the first of these that is there.

    The source is what ``source`` says ("bundled", "full", or a folder of IDX files, gzip or not);
    else what the environment variable GAN_LESSONS_DATA says, in the same words; else the full set
    if ``gan-lessons data download`` fetched it; else the 5,000 digits (500 per class, in an order
    shuffled once and for all) that come with the install. Those are all "train".

    Args:
        split: "train" or "test".
        source: see above; None leaves the choice to the machine.
        announce: print which source is used, once per process and source.

    Raises:
        UserError: an impossible split or source, or a file that is missing, damaged or no MNIST.
    """
    if split not in idx.FILES:
        raise UserError(f'split has to be "train" or "test", not {split!r}.')
    chosen = choose(source)
    if chosen.folder is not None:
        images, labels, official = _from_folder(chosen.folder, split)
        if chosen.name == "full" and not official:
            raise UserError(
                f"The downloaded {split} files in {chosen.folder} do not have MNIST's checksums. "
                f"Delete them and {DOWNLOAD}"
            )
    elif split == "train":
        images, labels = _bundled()
        official = True
    else:
        raise UserError(
            "The 5,000 digits that come with the install are all for training: they have no test "
            f'split. To get it, {DOWNLOAD} (then source="full" loads it), or set {VARIABLE} to a '
            "folder with the MNIST files."
        )
    sentence = _sentence(chosen, split, len(images), official)
    if announce and chosen not in _announced:
        print(sentence)
        _announced.add(chosen)
    return Digits(from_uint8(images), torch.from_numpy(labels.astype(np.int64)), sentence)


_announced: set[Source] = set()


def choose(source: str | Path | None = None) -> Source:
    """Return the source that ``load_digits(source=source)`` reads, without reading it."""
    wanted, by = source, "which was asked for"
    if not source:
        wanted, by = os.environ.get(VARIABLE), f"which {VARIABLE} names"
    if not wanted:
        ready = all(idx.find(data_folder(), name) for name in idx.SHA256)
        wanted = "full" if ready else "bundled"
    if wanted == "bundled":
        return Source("bundled", None, "that come with the install")
    if wanted == "full":
        return Source("full", data_folder(), "that were downloaded to this machine")
    if not isinstance(wanted, str | Path):
        raise UserError(f'source has to be "bundled", "full" or a folder, not {wanted!r}.')
    folder = user_path(wanted, "The folder of the data" if source else VARIABLE)
    return Source("folder", folder, f"from the folder {folder}, {by}")


def data_folder() -> Path:
    """Return the folder where downloads land: ``data`` of the checkout, else the user's cache."""
    checkout = Path(__file__).resolve().parents[2]
    if (checkout / "pyproject.toml").is_file() and (checkout / "data" / "README.md").is_file():
        return checkout / "data"
    return platformdirs.user_cache_path("gan-lessons", appauthor=False)


def _sentence(chosen: Source, split: str, count: int, official: bool) -> str:
    if chosen.name == "bundled":
        return f"Data: {count:,} MNIST digits {chosen.why}."
    kind = "training" if split == "train" else "test"
    what = f"{count:,} MNIST {kind} digits" if official else f"{count:,} {kind} images"
    doubt = "" if official else " (not the official MNIST files)"
    return f"Data: {what} {chosen.why}{doubt}."


def _from_folder(folder: Path, split: str) -> tuple[NDArray[np.uint8], NDArray[np.uint8], bool]:
    """Return images, labels and whether both files are the official ones."""
    if not folder.is_dir():
        raise UserError(
            f"The data folder {folder} does not exist or is no folder. Name a folder with the "
            f"MNIST files, or {DOWNLOAD}"
        )
    names = idx.FILES[split]
    found = [idx.find(folder, name) for name in names]
    missing = [name for name, path in zip(names, found, strict=True) if path is None]
    if missing:
        raise UserError(
            f"The folder {folder} lacks {' and '.join(missing)} (with or without .gz). "
            f"Copy what is missing there, or {DOWNLOAD}"
        )
    image_path, label_path = (path for path in found if path is not None)
    images, labels = idx.read_idx(image_path), idx.read_idx(label_path)
    _check_pair(images, labels, image_path, label_path)
    official = idx.is_official(names[0], images) and idx.is_official(names[1], labels)
    return images, labels, official


def _check_pair(
    images: NDArray[np.uint8], labels: NDArray[np.uint8], image_path: Path, label_path: Path
) -> None:
    if images.ndim != 3 or images.shape[1:] != (28, 28) or len(images) == 0:
        raise UserError(
            f"{image_path} holds an array of shape {images.shape}; "
            "images of digits have the shape (N, 28, 28), with N at least 1."
        )
    if labels.ndim != 1:
        raise UserError(
            f"{label_path} holds an array of shape {labels.shape}; labels have the shape (N,)."
        )
    if len(images) != len(labels):
        raise UserError(
            f"{image_path} holds {len(images):,} images, but {label_path} holds {len(labels):,} "
            "labels. Copy both files again from one source."
        )
    if labels.max() > 9:
        raise UserError(
            f"{label_path} holds the label {labels.max()}; labels of digits go from 0 to 9."
        )


def _bundled() -> Arrays:
    """Return the digits that come with the install: MNIST's first 500 of each class, shuffled."""
    try:
        content = BUNDLED.read_bytes()
    except OSError as error:
        raise UserError(
            f"Cannot read {BUNDLED}: {error.strerror or error}. Reinstall the course."
        ) from error
    if hashlib.sha256(content).hexdigest() != BUNDLED_SHA256:
        raise UserError(
            f"{BUNDLED} is damaged: its SHA-256 is not that of the course. Reinstall the course."
        )
    with np.load(io.BytesIO(content)) as arrays:
        return arrays["images"], arrays["labels"]


def from_uint8(array: NDArray[np.uint8], shape: tuple[int, int, int] | None = None) -> Tensor:
    """Turn uint8 images, (N, H, W) or (N, H, W, C), into float32 in [−1, 1], (N, C, H, W).

    C is 1 (grey, also where it is left out) or 3 (RGB).

    Args:
        array: the images, 0 to 255.
        shape: the (C, H, W) that they have to have, such as (1, 28, 28); None for any.

    Raises:
        UserError: another type or shape.
    """
    if not isinstance(array, np.ndarray) or array.dtype != np.uint8:
        kind = array.dtype if isinstance(array, np.ndarray) else type(array).__name__
        raise UserError(f"Images have to be a NumPy array of uint8 (0 to 255), not {kind}.")
    wanted = "(N, H, W) or (N, H, W, C), with C = 1 (grey) or 3 (RGB)"
    images = array[..., None] if array.ndim == 3 else array
    fits = images.ndim == 4 and images.shape[3] in CHANNELS and 0 not in images.shape[1:]
    if shape is not None:
        channels, height, width = shape
        wanted = f"(N, {height}, {width})" if channels == 1 else f"(N, {height}, {width}, 3)"
        fits = fits and images.shape[1:] == (height, width, channels)
    if not fits:
        raise UserError(f"uint8 images have to have the shape {wanted}, not {array.shape}.")
    planes = np.ascontiguousarray(images.transpose(0, 3, 1, 2))
    return torch.tensor(planes, dtype=torch.float32) / 127.5 - 1


def to_uint8(images: Tensor) -> NDArray[np.uint8]:
    """Turn float images in [−1, 1], (N, C, H, W), into uint8 by rounding.

    Grey images, C = 1, become (N, H, W), colour images, C = 3, (N, H, W, 3).
    ``to_uint8(from_uint8(array))`` gives ``array`` back exactly, but for an axis C = 1.

    Raises:
        UserError: another type or shape, NaN, or a pixel outside [−1, 1] by more than 0.001.
    """
    if not isinstance(images, Tensor) or not images.is_floating_point():
        kind = images.dtype if isinstance(images, Tensor) else type(images).__name__
        raise UserError(f"Images have to be a float tensor in [−1, 1], not {kind}.")
    if images.ndim != 4 or images.shape[1] not in CHANNELS or 0 in images.shape[2:]:
        raise UserError(
            "Images have to have the shape (N, C, H, W), with C = 1 (grey) or 3 (RGB), "
            f"not {tuple(images.shape)}."
        )
    pixels = images.detach().to("cpu", torch.float32)
    if pixels.isnan().any():
        raise UserError("Images hold NaN, which is no brightness. They have to lie in [−1, 1].")
    if len(pixels) and pixels.abs().max() > 1 + TOLERANCE:
        low, high = pixels.min().item(), pixels.max().item()
        raise UserError(f"Images reach from {low:.4g} to {high:.4g}. They have to lie in [−1, 1].")
    planes = ((pixels + 1) * 127.5).round().to(torch.uint8).numpy()
    array: NDArray[np.uint8] = np.ascontiguousarray(planes.transpose(0, 2, 3, 1))
    return array[..., 0] if array.shape[3] == 1 else array


def status() -> list[Status]:
    """Return one record per source: is it there, where, is it MNIST, and is it the one in use.

    Reads and checks whatever files there are (under a second for the full set). Never raises for
    damaged or missing files: the record's text says so.
    """
    chosen = choose()
    rows = [_bundled_status(chosen.name == "bundled")]
    rows.append(_folder_status("full", data_folder(), chosen.name == "full"))
    if chosen.name == "folder" and chosen.folder is not None:
        rows.append(_folder_status("folder", chosen.folder, True))
    return rows


def _bundled_status(in_use: bool) -> Status:
    text, verified = "5,000 training digits that come with the install", True
    try:
        _bundled()
    except UserError as error:
        text, verified = str(error), False
    return Status("bundled", str(BUNDLED), BUNDLED.is_file(), verified, in_use, text)


def _folder_status(name: str, folder: Path, in_use: bool) -> Status:
    missing, other, damaged = [], [], []
    for file in idx.SHA256:
        if idx.find(folder, file) is None:
            missing.append(file)
            continue
        try:
            if not idx.verify(folder, file):
                other.append(file)
        except UserError as error:
            damaged.append(str(error))
    notes = damaged
    if other:
        notes.append(f"Not the official MNIST files: {', '.join(other)}.")
    if missing:
        notes.append(f"Missing: {', '.join(missing)}. To get the full set, {DOWNLOAD}")
    verified = not (missing or other or damaged)
    text = " ".join(notes) or "60,000 training and 10,000 test digits, checksums right"
    return Status(name, str(folder), not missing, verified, in_use, text)
