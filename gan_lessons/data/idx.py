"""Reading and checking the IDX files in which MNIST is published."""

import gzip
import hashlib
import math
import zlib
from pathlib import Path
from typing import Final

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


class DamagedFile(UserError):
    """A file whose bytes are not what its name promises; ``reason`` completes "because …"."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(
            f"{path} is not a usable MNIST file: {reason}. "
            "Copy it again, or delete it and run: gan-lessons data download"
        )
        self.reason = reason


def read_idx(path: str | Path) -> NDArray[np.uint8]:
    """Return the array of an IDX file of unsigned bytes, gzip or not.

    The format: two zero bytes, the type (8 = unsigned byte), the number of dimensions, each
    dimension as a big-endian 32-bit integer, then the values in row-major order.

    Raises:
        DamagedFile: the content is cut off, corrupt, too long, a web page, or no IDX file.
        UserError: the file is missing or cannot be read.
    """
    return parse_idx(read_bytes(path), path)


def read_bytes(path: str | Path) -> bytes:
    """Return a file's content, uncompressed if it begins like gzip, whatever its name says.

    Raises:
        DamagedFile: the file is empty, a web page, or its gzip data are cut off or corrupt.
        UserError: the file is missing or cannot be read.
    """
    path = Path(path)
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise UserError(
            f"{path} does not exist. Check the name, or run: gan-lessons data download"
        ) from None
    except OSError as error:
        raise UserError(
            f"Cannot read {path}: {error.strerror or error}. It has to be a file that you may read."
        ) from error
    if not content:
        raise DamagedFile(path, "it is empty")
    if content.startswith(GZIP_MAGIC):
        try:
            content = gzip.decompress(content)
        except EOFError:
            raise DamagedFile(path, "its gzip data stop too early") from None
        except (zlib.error, gzip.BadGzipFile):
            raise DamagedFile(path, "its gzip data are corrupt") from None
    if looks_like_html(content):
        raise DamagedFile(path, "it is a web page instead of data")
    return content


def looks_like_html(content: bytes) -> bool:
    """Whether bytes begin like a web page (or the XML in which some servers report errors)."""
    return content[:256].removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<")


def parse_idx(content: bytes, path: str | Path) -> NDArray[np.uint8]:
    """Return the array in the uncompressed bytes of an IDX file; ``path`` names it in errors.

    Raises:
        DamagedFile: the bytes do not begin like IDX, or their number does not fit the header.
    """
    path = Path(path)
    if not content.startswith(IDX_MAGIC):
        begins = content[:4].hex(" ") or "nothing"
        raise DamagedFile(path, f"it begins with {begins}, but IDX data begin with 00 00 08")
    dimensions = content[3] if len(content) > 3 else 0
    header = 4 + 4 * dimensions
    if dimensions == 0 or len(content) < header:
        raise DamagedFile(path, "it stops inside its header")
    shape = [int.from_bytes(content[i : i + 4], "big") for i in range(4, header, 4)]
    expected, found = math.prod(shape), len(content) - header
    if found != expected:
        fault = "it is cut off" if found < expected else "it is too long"
        size = " × ".join(map(str, shape))
        raise DamagedFile(
            path, f"{fault}: its header says {size} = {expected:,} bytes, and {found:,} follow"
        )
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape).copy()


def is_official(name: str, content: bytes) -> bool:
    """Whether uncompressed bytes are those of the MNIST file ``name`` (a key of ``SHA256``)."""
    return hashlib.sha256(content).hexdigest() == SHA256[name]


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
    if path is None:
        return False
    content = read_bytes(path)
    parse_idx(content, path)
    return is_official(name, content)
