"""Refusing what is no tensor, in a sentence that says how to make one."""

from typing import Any

import numpy as np
import torch
from torch import Generator, Tensor

from gan_lessons.errors import UserError, expect


def expect_tensor(value: Any, what: str, shape: str) -> None:
    """Refuse what is no tensor of floats.

    Args:
        value: what was given.
        what: its name in the sentence, such as "images".
        shape: as it should be, such as "(N, 1, h, w)".

    Raises:
        UserError: the sentence says how to make a tensor of it, where there is a way.
    """
    if isinstance(value, Tensor) and value.is_floating_point():
        return
    if isinstance(value, Tensor):
        found, way = f"{value.dtype} {tuple(value.shape)}", ".float() turns its numbers into floats"
    else:
        found, way = type(value).__name__, _way(value)
    raise UserError(
        f"{what} has to be a tensor of floats {shape}, not {found}{way and f': {way}'}."
    )


def expect_single(value: Tensor, what: str) -> None:
    """Refuse numbers of 64 bits where a network of 32 bits would stop at them.

    Raises:
        UserError: the sentence says how to make them shorter.
    """
    if value.dtype == torch.float64:
        raise UserError(f"{what} has numbers of 64 bits; .float() makes them float32.")


def expect_rng(rng: Any) -> None:
    """Refuse what is no `torch.Generator`.

    Raises:
        UserError: the sentence says how to make one.
    """
    way = "such as torch.Generator().manual_seed(3)"
    expect(rng, Generator, f"rng, the source of chance, has to be a torch.Generator, {way}")


def _way(value: Any) -> str:
    if isinstance(value, np.ndarray):
        if value.dtype == np.uint8:
            return "gan_lessons.data.from_uint8 makes pictures in [−1, 1] of bytes"
        return "torch.from_numpy(…).float() makes one of an array"
    if isinstance(value, list | tuple):
        tensors = all(isinstance(each, Tensor) for each in value)
        return f"torch.{'stack' if tensors else 'tensor'}(…) makes one of a list"
    images = isinstance(getattr(value, "images", None), Tensor)
    return "take its .images" if images else ""
