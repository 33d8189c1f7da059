"""Reading and checking the IDX files in which MNIST is published."""

import gzip
import hashlib
import math
import zlib
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from gan_lessons.errors import UserError

# Of the uncompressed bytes: mirrors compress the same data differently.
SHA256: Final = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
# split → (images, labels)
FILES: Final = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}
GZIP_MAGIC: Final = b"\x1f\x8b"
IDX_MAGIC: Final = b"\x00\x00\x08"  # two zeros, then the code for unsigned bytes
MNIST_LARGEST: Final = 60_000 * 28 * 28  # values in the largest of these files
LARGEST: Final = 1_000_000_000  # values; the largest set of this family, EMNIST, has 550 million


class DamagedFile(UserError):
    """A file whose bytes are not what its name promises; ``reason`` completes "because …"."""

    def __init__(self, path: str | Path, reason: str) -> None:
        super().__init__(
            f"{path} is not a usable MNIST file: {reason}. "
            "Copy it again, or delete it and run: gan-lessons data download"
        )
        self.reason = reason


def read_idx(path: str | Path) -> NDArray[np.uint8]:
    """Return the array of an IDX file of unsigned bytes, gzip or not, whatever its name says.

    Raises:
        DamagedFile: the content is cut off, corrupt, too long or large, a web page, or not IDX.
        UserError: the file is missing or cannot be read.
    """
    try:
        with Path(path).open("rb") as file:
            return parse_idx(file, path)
    except OSError as error:
        raise UserError(
            f"Cannot read {path}: {error.strerror or error}. It has to be a file that you may read."
        ) from error


def parse_idx(file: BinaryIO, path: str | Path, largest: int = LARGEST) -> NDArray[np.uint8]:
    """Return the array in an open IDX file, gzip or not; ``path`` names it in errors.

    The format: two zero bytes, the type (8 = unsigned byte), the number of dimensions, each
    dimension as a big-endian 32-bit integer, then the values in row-major order. No more is read
    or unpacked than the header announces, and nothing if that is more than ``largest`` bytes.

    Raises:
        DamagedFile: as `read_idx`.
    """
    start = file.read(len(GZIP_MAGIC))
    if not start:
        raise DamagedFile(path, "it is empty")
    file.seek(0)
    if start != GZIP_MAGIC:
        return _parse(file, path, largest)
    try:
        with gzip.GzipFile(fileobj=file) as unpacked:
            return _parse(unpacked, path, largest)
    except EOFError:
        raise DamagedFile(path, "its gzip data stop too early") from None
    except (zlib.error, gzip.BadGzipFile):
        raise DamagedFile(path, "its gzip data are corrupt") from None


def _parse(file: BinaryIO | gzip.GzipFile, path: str | Path, largest: int) -> NDArray[np.uint8]:
    start = file.read(256)
    if start.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<"):  # HTML, or XML of an error
        raise DamagedFile(path, "it is a web page instead of data (perhaps one to log in)")
    if not start.startswith(IDX_MAGIC):
        begins = start[:4].hex(" ") or "nothing"
        raise DamagedFile(path, f"it begins with {begins}, but IDX data begin with 00 00 08")
    dimensions = start[3] if len(start) > 3 else 0
    header = 4 + 4 * dimensions
    if dimensions > 4:
        raise DamagedFile(path, f"its header says {dimensions} dimensions; digits have 3, labels 1")
    if dimensions == 0 or len(start) < header:
        raise DamagedFile(path, "it stops inside its header")
    shape = [int.from_bytes(start[i : i + 4], "big") for i in range(4, header, 4)]
    expected = math.prod(shape)
    says = f"its header says {' × '.join(map(str, shape))} = {expected:,} bytes"
    if math.prod(max(size, 1) for size in shape) > largest:  # 0 × 2³² is no array either
        raise DamagedFile(path, f"it is too large: {says}, and at most {largest:,} make sense")
    values = bytearray(start[header:])
    values += file.read(max(0, expected + 1 - len(values)))
    if len(values) < expected:
        raise DamagedFile(path, f"it is cut off: {says}, and {len(values):,} follow")
    if len(values) > expected:
        raise DamagedFile(path, f"it is too long: {says}, and more follow")
    return np.frombuffer(values, np.uint8).reshape(shape)


def header(shape: tuple[int, ...]) -> bytes:
    """Return the bytes with which the IDX file of a uint8 array of this shape begins."""
    return IDX_MAGIC + bytes([len(shape)]) + b"".join(size.to_bytes(4, "big") for size in shape)


def is_official(name: str, array: NDArray[np.uint8]) -> bool:
    """Whether an array is that of the MNIST file ``name`` (a key of ``SHA256``)."""
    return hashlib.sha256(header(array.shape) + array.tobytes()).hexdigest() == SHA256[name]


def find(folder: Path, name: str) -> Path | None:
    """Return the path of the MNIST file ``name`` in a folder, plain or .gz; None if absent."""
    for path in (folder / name, folder / f"{name}.gz"):
        if path.exists():
            return path
    return None


def verify(folder: str | Path, name: str) -> bool:
    """Whether a folder holds the official MNIST file ``name``, plain or .gz.

    False if it is absent or holds other valid IDX data.

    Raises:
        DamagedFile: it is there, and its bytes are no IDX data.
        UserError: it is there and cannot be read.
    """
    path = find(Path(folder), name)
    return path is not None and is_official(name, read_idx(path))
