"""``gan-lessons sample``: draw digits from a trained generator."""

import itertools
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from gan_lessons.cli.draw import draw
from gan_lessons.commandline import Commands, file_path, whole_number
from gan_lessons.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor

PICTURE_LIMIT = 1024


def add(commands: Commands) -> None:
    text = "Draw digits, or what else it has learned, from a trained generator."
    parser = commands.add_parser("sample", help=text, description=text)
    parser.add_argument(
        "--from",
        dest="source",
        type=file_path,
        default=Path("dcgan"),
        metavar="SOURCE",
        help="a run's folder, a shipped name, or a .safetensors file (default: dcgan)",
    )
    parser.add_argument(
        "--digit", type=whole_number(0, 9), help="draw this digit only (conditional generators)"
    )
    parser.add_argument(
        "-n", type=whole_number(1, 1_000_000), default=64, help="how many (default: 64)"
    )
    parser.add_argument("--seed", type=whole_number(0, 2**31 - 1), default=0, help="default: 0")
    parser.add_argument(
        "--out",
        type=file_path,
        required=True,
        metavar="FILE",
        help=".npy: uint8, digits (N, 28, 28), ink bright, coloured pictures (N, side, side, 3); "
        "or .png: a picture of them all",
    )
    parser.set_defaults(run=run)


def run(arguments: Namespace) -> int:
    from gan_lessons.files import atomic_write

    out, n = arguments.out, arguments.n
    if out.suffix not in (".npy", ".png"):
        raise UserError(f"--out is {str(out)!r}; choose a file name that ends in .npy or .png.")
    if out.suffix == ".png" and n > PICTURE_LIMIT:
        raise UserError(
            f"A picture of {n:,} samples is too large; take up to {PICTURE_LIMIT}, or an .npy."
        )
    pieces = draw(arguments.source, n, arguments.seed, arguments.digit)
    with atomic_write(out) as temporary:
        if out.suffix == ".npy":
            _write_array(temporary, n, pieces)
        else:
            _write_picture(temporary, n, pieces)
    print(f"{n:,} pictures are in {out}." if n > 1 else f"One picture is in {out}.")
    if arguments.digit is not None and _has_classes_of_its_own(arguments.source):
        print(f"It never saw a label: its class {arguments.digit} is whatever it has made of it.")
    return 0


def _has_classes_of_its_own(source: Path) -> bool:
    from gan_lessons import pretrained

    return getattr(pretrained.load_method(source).settings, "conditioning", "") == "infogan"


def _write_array(file: Path, n: int, pieces: Iterator["Tensor"]) -> None:
    """An .npy of all the pieces, none of which is kept in memory.

    Not a memory map, because on a full disk that ends the process without a word.
    """
    import numpy as np

    from gan_lessons import data

    arrays = map(data.to_uint8, pieces)
    first = next(arrays)
    with file.open("wb") as npy:
        header = {"descr": "|u1", "fortran_order": False, "shape": (n, *first.shape[1:])}
        np.lib.format.write_array_header_1_0(npy, header)
        for array in itertools.chain([first], arrays):
            npy.write(array.tobytes())


def _write_picture(file: Path, n: int, pieces: Iterator["Tensor"]) -> None:
    import torch

    from gan_lessons import plotting

    figure = plotting.digit_grid(torch.cat(list(pieces)), columns=max(8, round(n**0.5)))
    file.write_bytes(plotting.png(figure))
