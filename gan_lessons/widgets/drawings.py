"""Data of one's own for the playground: points that are typed, and drawings to load."""

import re
from collections.abc import Callable

import torch

from gan_lessons.errors import UserError
from gan_lessons.plane import Point


def parsed_points(text: str) -> list[Point]:
    """Points typed as ``x, y; x, y``.

    Raises:
        UserError: a pair cannot be read.
    """
    pairs = [pair.strip() for pair in text.split(";") if pair.strip()]
    points = []
    for pair in pairs:
        numbers = re.split(r"[\s,]+", pair.strip("() "))
        try:
            x, y = (float(number.replace("−", "-")) for number in numbers)
        except ValueError:
            raise UserError(f"{pair!r} is no point; type x, y; x, y: 0, 0; 1, -0.5") from None
        points.append((x, y))
    return points


def _heart() -> list[Point]:
    t = torch.linspace(0, 2 * torch.pi, 61)[:-1]
    x = 16 * t.sin() ** 3
    y = 13 * t.cos() - 5 * (2 * t).cos() - 2 * (3 * t).cos() - (4 * t).cos()
    return list(zip((x / 10).tolist(), ((y + 2) / 10).tolist(), strict=True))


def _line(a: Point, b: Point, n: int) -> list[Point]:
    return [
        (a[0] + (b[0] - a[0]) * i / (n - 1), a[1] + (b[1] - a[1]) * i / (n - 1)) for i in range(n)
    ]


DRAWINGS: dict[str, Callable[[], list[Point]]] = {
    "heart": _heart,
    "letter N": lambda: [
        *_line((-1, -1.5), (-1, 1.5), 15),
        *_line((-0.85, 1.3), (0.85, -1.3), 15),
        *_line((1, -1.5), (1, 1.5), 15),
    ],
    "five dots": lambda: [(0, 0), (-1.4, -1.4), (-1.4, 1.4), (1.4, -1.4), (1.4, 1.4)],
}
