"""``gan-lessons evaluate``: measure digits."""

from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from gan_lessons.cli.draw import draw
from gan_lessons.commandline import Commands, file_path, whole_number
from gan_lessons.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor

    from gan_lessons.metrics import Memorisation
    from gan_lessons.training import Settings


def add(commands: Commands) -> None:
    text = (
        "Measure digits: Fréchet distance, confidence, share of each digit; of a conditional "
        "generator also whether it draws the digits that it was asked for."
    )
    parser = commands.add_parser("evaluate", help=text, description=text)
    parser.add_argument(
        "--from",
        dest="origin",
        type=file_path,
        metavar="SOURCE",
        help="a run's folder, a shipped name, a .safetensors or an .npy of digits",
    )
    parser.add_argument(
        "source", nargs="?", type=file_path, metavar="SOURCE", help="the same as --from SOURCE"
    )
    parser.add_argument(
        "-n", type=whole_number(65, 100_000), default=5000, help="digits to draw (default: 5000)"
    )
    parser.add_argument("--seed", type=whole_number(0, 2**31 - 1), default=0, help="default: 0")
    parser.add_argument(
        "--copies",
        action="store_true",
        help="also look for copies: are they nearer to training digits than to unseen ones?",
    )
    parser.set_defaults(run=run)


def run(arguments: Namespace) -> int:
    import torch

    from gan_lessons import metrics, pretrained
    from gan_lessons.networks import IMAGE_SHAPE

    if (arguments.source is None) == (arguments.origin is None):
        raise UserError("Name one SOURCE: a run's folder, a shipped name, or an .npy of digits.")
    source: Path = arguments.source or arguments.origin
    told = False
    if source.suffix == ".npy":
        images = _load_array(source)
    else:
        method = pretrained.load_method(source)
        if method.shape != IMAGE_SHAPE:
            raise UserError(
                f"{source} draws pictures of shape {method.shape}. They cannot be measured here: "
                f"the classifier that measures knows digits, {IMAGE_SHAPE}. Look at them by "
                f"gan-lessons sample --from {source} --out pictures.png, and at what D says of "
                "pictures that it has not seen."
            )
        images = torch.cat(list(draw(source, arguments.n, arguments.seed)))
        told = _is_told_the_digit(method.settings)
    print(metrics.report(images))
    if told:
        print(_obedience(images))
    if arguments.copies:
        print(f"pixels: {_copies(images)}")
    return 0


def _load_array(file: Path) -> "Tensor":
    import numpy as np

    from gan_lessons import data

    try:
        with file.open("rb") as opened:
            array = np.lib.format.read_array(opened, allow_pickle=False)
    except FileNotFoundError:
        raise UserError(f"There is no file {file}.") from None
    except Exception as error:  # a damaged header fails in many ways
        raise UserError(f"{file} cannot be read as a whole .npy file of numbers.") from error
    return data.from_uint8(array, (1, 28, 28))


def _is_told_the_digit(settings: "Settings") -> bool:
    from gan_lessons.metrics.classes import CLASSES

    told = getattr(settings, "classes", 0) == CLASSES
    return told and getattr(settings, "conditioning", "") != "infogan"  # its classes are its own


def _obedience(images: "Tensor") -> str:
    """What is said of images that were asked for as 0, 1, …, 9 in turn (see `Method.inputs`)."""
    import torch

    from gan_lessons.data import load_digits
    from gan_lessons.metrics.classes import CLASSES, class_report

    found = class_report(images, torch.arange(len(images)) % CLASSES)
    digits = load_digits(source="bundled", announce=False)
    beside = found.variety_beside(class_report(digits.images, digits.labels))
    worst = min(range(CLASSES), key=lambda digit: found.agreement[digit])
    return (
        f"asked for a digit: read as it {found.mean_agreement():.1%}, "
        f"least the {worst} with {found.agreement[worst]:.1%}; "
        f"variety within a digit, real ones 1: {sum(beside) / len(beside):.2f}"
    )


def _copies(images: "Tensor") -> "Memorisation":
    """As many training digits as there are test digits, both against the images, pixel by pixel."""
    import torch

    from gan_lessons import metrics
    from gan_lessons.data import load_digits

    unseen = load_digits("test", announce=False).images
    training = load_digits("train").images
    chosen = torch.randperm(len(training), generator=torch.Generator().manual_seed(0))
    pixels = (x.flatten(1) for x in (images, training[chosen[: len(unseen)]], unseen))
    return metrics.memorisation(*pixels)
