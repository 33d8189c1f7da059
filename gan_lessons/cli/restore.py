"""``gan-lessons restore``: mend a picture of a digit."""

from argparse import ArgumentTypeError, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from gan_lessons.commandline import Commands, file_path, real_number, whole_number
from gan_lessons.errors import UserError

if TYPE_CHECKING:
    from torch import Generator, Tensor

    from gan_lessons.data.degradations import Spoiled

SIDE = 28


def add(commands: Commands) -> None:
    text = "Mend a picture of a digit: fill a hole, take noise away, or enlarge it."
    more = "Pictures are grey, 28 × 28 pixels, ink bright on black, as MNIST's."
    parser = commands.add_parser("restore", help=text, description=f"{text} {more}")
    parser.add_argument("file", type=file_path, metavar="FILE", help="the picture, a .png")
    damage = parser.add_mutually_exclusive_group(required=True)
    damage.add_argument(
        "--mask",
        type=_mask,
        metavar="MASK",
        help="what is lost: a .png of the same size, bright where it is; or TOP,LEFT,HEIGHT,WIDTH",
    )
    damage.add_argument(
        "--noise",
        type=real_number(0, 2),
        metavar="σ",
        help="take noise away, after adding as much (0: the picture has noise of its own; the "
        "shipped networks know σ = 0.5, where black is −1 and white 1)",
    )
    damage.add_argument(
        "--shrink",
        action="store_true",
        help="enlarge: a picture of 7 × 7 pixels, or one of 28 × 28 that is shrunk first",
    )
    parser.add_argument(
        "--from",
        dest="source",
        type=file_path,
        default=Path("restore"),
        metavar="SOURCE",
        help="restore (default), restore_regression, a run's folder, or a .safetensors file",
    )
    parser.add_argument("--seed", type=whole_number(0, 2**31 - 1), default=0, help="default: 0")
    parser.add_argument(
        "--out", type=file_path, required=True, metavar="FILE", help="the mended picture, a .png"
    )
    parser.add_argument(
        "--compare",
        type=file_path,
        metavar="FILE",
        help="also write the spoiled, the classically mended and this one side by side, a .png",
    )
    parser.set_defaults(run=run)


def run(arguments: Namespace) -> int:
    import torch

    from gan_lessons import classifier, plotting, pretrained
    from gan_lessons.data import degradations
    from gan_lessons.files import atomic_write
    from gan_lessons.methods.restoration import as_inputs, restore

    for path in filter(None, (arguments.out, arguments.compare)):
        if path.suffix != ".png":
            raise UserError(f"{path} will not do; choose a file name that ends in .png.")
    if arguments.compare and arguments.compare.resolve() == arguments.out.resolve():
        raise UserError(f"--out and --compare are both {arguments.out}; choose two files.")
    rng = torch.Generator().manual_seed(arguments.seed)
    kind, spoiled = _spoiled(arguments, rng)
    degradations.refuse_unfit(spoiled.pictures[0], spoiled.mask[0])
    if (spoiled.pictures > 0).float().mean() > 0.5:
        raise UserError(
            f"{arguments.file} is bright in most places, as ink on paper is; the networks know "
            "bright ink on black. Invert it before."
        )
    if pretrained.load_method(arguments.source).name == "pix2pix":
        raise UserError(
            f"{arguments.source} translates pictures, and restores nothing; choose restore or "
            "restore_regression, or a run of such a recipe."
        )
    network = pretrained.load_restorer(arguments.source)
    try:
        with torch.no_grad():
            restored = restore(network, as_inputs(spoiled, rng)).clamp(-1, 1)
    except RuntimeError as error:
        raise UserError(f"{arguments.source} restores pictures of another kind: {error}") from error
    with atomic_write(arguments.out) as temporary:
        _write(restored[0, 0], temporary)
    if arguments.compare:
        three = [spoiled.pictures, degradations.classic(kind, spoiled), restored]
        with atomic_write(arguments.compare) as temporary:
            temporary.write_bytes(plotting.png(plotting.digit_grid(torch.cat(three), columns=3)))
    _, chances = classifier.load().predict(restored)
    print(
        f"{arguments.out}: the classifier reads a {int(chances.argmax())} ({chances.max():.0%} "
        "sure). What was lost is made up, not found again: do not take it for evidence."
    )
    return 0


def _spoiled(arguments: Namespace, rng: "Generator") -> "tuple[str, Spoiled]":
    """The kind of damage, and the picture (1, 1, 28, 28) with its mask."""
    import torch

    from gan_lessons.data.degradations import Spoiled, enlarge, hide, shrink

    picture = _read(arguments.file)
    small = picture.shape[-1] == SIDE // 4 and arguments.shrink
    if not small and tuple(picture.shape) != (SIDE, SIDE):
        also = " (or 7 × 7)" if arguments.shrink else ""
        raise UserError(
            f"{arguments.file} has {picture.shape[0]} × {picture.shape[1]} pixels; "
            f"28 × 28{also} are wanted. Scale it before."
        )
    images = picture[None, None]
    if arguments.shrink:
        little = images if small else shrink(images)
        large = enlarge(little, "nearest")
        return "small", Spoiled(large, torch.ones_like(large))
    if arguments.noise is not None:
        noise = torch.randn(images.shape, generator=rng)
        return "noise", Spoiled(images + arguments.noise * noise, torch.ones_like(images))
    return "brush", hide(images, _lost(arguments.mask, picture)[None, None])


def _mask(text: str) -> "Path | tuple[int, ...]":
    """An argument type: a file, or four numbers."""
    if not text.lower().endswith(".png"):
        try:
            top, left, height, width = map(int, text.split(","))
        except ValueError:
            raise ArgumentTypeError(
                f"{text!r} will not do; give a .png or TOP,LEFT,HEIGHT,WIDTH such as 8,8,12,12"
            ) from None
        return top, left, height, width
    return file_path(text)


def _lost(mask: "Path | tuple[int, ...]", picture: "Tensor") -> "Tensor":
    """1 where a pixel is lost, in the shape of the picture."""
    import torch

    if isinstance(mask, Path):
        found = (_read(mask) > 0).float()
        if found.shape != picture.shape:
            raise UserError(
                f"{mask} has {found.shape[0]} × {found.shape[1]} pixels; "
                "a mask has as many as its picture, 28 × 28."
            )
        return found
    top, left, height, width = mask
    if min(top, left) < 0 or min(height, width) < 1 or max(top + height, left + width) > SIDE:
        raise UserError(
            f"The mask {top},{left},{height},{width} does not lie in a picture of 28 × 28 pixels: "
            "its first two numbers are the top left corner, counted from 0, the others its size."
        )
    lost = torch.zeros_like(picture)
    lost[top : top + height, left : left + width] = 1
    return lost


def _read(file: Path) -> "Tensor":
    """A picture's brightness (H, W) in [−1, 1]; colours are averaged, what is clear is black."""
    import numpy as np
    import torch
    from matplotlib.image import imread

    if not file.is_file():
        raise UserError(f"There is no file {file}.")
    try:
        with file.open("rb") as opened:
            pixels = np.asarray(imread(opened, format="png"), dtype=np.float32)
    except Exception as error:  # a damaged picture fails in many ways
        raise UserError(f"{file} cannot be read as a PNG.") from error
    if pixels.ndim == 3:
        clear = pixels[..., -1:] if pixels.shape[2] in (2, 4) else 1.0
        pixels = (pixels[..., : 1 if pixels.shape[2] == 2 else 3] * clear).mean(axis=2)
    return torch.from_numpy(pixels) * 2 - 1


def _write(picture: "Tensor", file: Path) -> None:
    from matplotlib.image import imsave

    grey = ((picture + 1) * 127.5).round().byte().numpy()
    imsave(file, grey, cmap="gray", vmin=0, vmax=255, format="png")
