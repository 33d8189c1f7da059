"""The panels of digits: what a generator draws while its noise is moved, and what is drawn by hand.

What a panel begins with is what the notebook's cell begins with, computed as the cell does it.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

import torch
from torch import Tensor

from authoring.live import Panel, numbers
from gan_lessons import classifier, latent, plotting, pretrained
from gan_lessons.data import load_digits
from gan_lessons.training import sample
from gan_lessons.widgets.latent_explorer import COLUMNS, DIGITS, LETTERS, STEPS

Options = dict[str, Any]
QUANTILES = 101  # of the logits of real digits and of fakes
PEOPLE = 60  # real digits that a page brings along


@cache
def _dcgan() -> tuple[Any, Any]:
    return pretrained.load_generator("dcgan")


def _explorer(directions: Mapping[str, Tensor], tray: bool, **start: Any) -> Options:
    """An explorer of ``dcgan``; ``start`` has first values of its sliders, by name."""
    _, settings = _dcgan()
    return {
        "network": "dcgan",
        "columns": COLUMNS,
        "letters": LETTERS,
        "steps": STEPS,
        "tray": tray,
        "noise": numbers(pretrained.noise(DIGITS, settings), "float16"),
        "directions": {name: numbers(vector, "float16") for name, vector in directions.items()},
        "start": start,
    }


@cache
def _principal() -> dict[str, Tensor]:
    """As the notebook's explorer finds them."""
    generator, settings = _dcgan()
    found = latent.principal_directions(generator, pretrained.noise(2000, settings, seed=1))
    return {f"direction {number}": vector for number, vector in enumerate(found, 1)}


def _thickness() -> dict[str, Tensor]:
    """As lesson 08 finds them: more ink, and what of it does not change the digit."""
    generator, settings = _dcgan()
    z = pretrained.noise(2000, settings, seed=1)
    images = sample(generator, z)
    thicker = latent.direction(z, images.mean(dim=(1, 2, 3)))
    digit = classifier.load().predict(images)[1].argmax(dim=1)
    towards_digits = latent.slope(z, torch.eye(10)[digit]).T
    return {"thicker": thicker, "pure": latent.orthogonalise(thicker, towards_digits[:9])}


def _line_up(network: str, images: Tensor, real: list[int], columns: int) -> Options:
    """Images of which those at the places ``real`` are real, and what others are made of."""
    people = load_digits(source="bundled").images[100 : 100 + PEOPLE]
    return {
        "network": network,
        "latent": pretrained.load_generator(network)[1].latent_dim,
        "pixels": _grey(images),
        "people": _grey(people),
        "real": real,
        "columns": columns,
    }


def _first_line_up() -> Options:
    """Lesson 00's sixteen digits."""
    generator, settings = _dcgan()
    chance = torch.Generator().manual_seed(2)
    real = torch.randperm(16, generator=chance)[:8].tolist()
    lineup = sample(generator, pretrained.noise(16, settings, seed=2))
    lineup[real] = load_digits(source="bundled").images[100:108]
    return _line_up("dcgan", lineup, real, COLUMNS)


def _best_line_up() -> Options:
    """Lesson 07's twenty digits, ten of them drawn by ``best``."""
    generator, settings = pretrained.load_generator("best")
    fakes = sample(generator, pretrained.noise(10, settings))
    order = torch.randperm(20, generator=torch.Generator().manual_seed(1))
    images = load_digits(source="bundled").images[:10]
    real = [place for place, which in enumerate(order.tolist()) if which >= 10]
    return _line_up("best", torch.cat([fakes, images])[order], real, 10)


def _grey(images: Tensor) -> str:
    return numbers((images.clamp(-1, 1) + 1).mul(127.5).round(), "uint8")


def _two_ways() -> Options:
    """Lesson 00's two directions."""
    east, north = pretrained.noise(2, _dcgan()[1], seed=5)
    start = {"x": 1.0, "y": 0.0}
    return {
        "network": "dcgan",
        "east": numbers(east),
        "north": numbers(north),
        "start": start,
        "reach": 1.5,
    }


def _sketchpad() -> Options:
    """A real 5 on the sheet, and how D's logits spread over real digits and fakes."""
    generator, settings = _dcgan()
    discriminator = pretrained.load_discriminator("dcgan")
    digits = load_digits(source="bundled")
    fakes = sample(generator, pretrained.noise(500, settings, seed=1))
    at = torch.linspace(0, 1, QUANTILES)
    examples = torch.stack([digits.images[digits.labels == digit][0] for digit in range(10)])
    return {
        "discriminator": "dcgan.discriminator",
        "classifier": "classifier",
        "real": sample(discriminator, digits.images[:500]).quantile(at).tolist(),
        "fake": sample(discriminator, fakes).quantile(at).tolist(),
        "examples": _grey(examples),
        "first": 5,
    }


def _conditional(count: int) -> Options:
    """The conditional generator's classes and noise."""
    _, settings = pretrained.load_generator("conditional")
    return {
        "network": "conditional",
        "latent": settings.latent_dim,
        "classes": settings.classes,
        "scale": settings.noise_scale,
        "count": count,
    }


def _mixer() -> Options:
    """Lesson 12's mixture of two classes, as the cell begins it."""
    start = {"digit": 4, "other": 9, "share": 0.5, "noise": 1}
    return _conditional(24) | {"columns": 12, "start": start, "training": "forty passes"}


def head_still() -> bytes:
    """What stands at the head of the first page while nothing moves, as PNG."""
    generator, settings = pretrained.load_generator("conditional")
    return plotting.png(plotting.digit_grid(sample(generator, pretrained.noise(16, settings))))


DRAWING = ("network", "latent")
EXPLORER = (*DRAWING, "explorer"), ("dcgan", "classifier")  # its scripts and networks
LINE_UP = (*DRAWING, "line_up")
HEAD = Panel("", "", "parade", lambda: _conditional(16), (*DRAWING, "parade"), ("conditional",))
PANELS = (
    Panel("00", "explore(line_up,", "line-up", _first_line_up, LINE_UP, ("dcgan",)),
    Panel("00", "east, north =", "two-ways", _two_ways, (*DRAWING, "two_ways"), ("dcgan",)),
    Panel(
        "00",
        "LatentExplorer(generator, settings, tray=False)",
        "explorer",
        lambda: _explorer(_principal(), tray=False, **{"direction 1": 1.5}),
        *EXPLORER,
    ),
    Panel("07", "titles=[", "line-up", _best_line_up, LINE_UP, ("best",)),
    Panel(
        "08",
        "LatentExplorer(generator, settings)",
        "explorer",
        lambda: _explorer(_principal(), tray=True, begin="C", end="D", **{"direction 1": 1.5}),
        *EXPLORER,
    ),
    Panel(
        "08",
        'LatentExplorer(generator, settings, {"thicker"',
        "explorer",
        lambda: _explorer(_thickness(), tray=False, pure=2.0),
        *EXPLORER,
    ),
    Panel(
        "08",
        "Sketchpad(generator, discriminator, settings, digits)",
        "sketchpad",
        _sketchpad,
        (*DRAWING, "sketchpad", "sketch"),
        ("dcgan.discriminator", "classifier"),
    ),
    Panel(
        "12",
        "mixer = explore(",
        "mixer",
        _mixer,
        (*DRAWING, "mixer"),
        ("conditional", "classifier"),
    ),
)
