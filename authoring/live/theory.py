"""What the panels of lessons 01, 02, 03 and 06 begin with, as their cells in the lessons say."""

from collections.abc import Callable
from typing import Any

import torch

from authoring.live import Panel, numbers
from authoring.source import read, sources
from gan_lessons import losses

Options = dict[str, Any]


def cell_with(lesson: str, call: str) -> str:
    """The source of a lesson's only code cell with this in it."""
    (path,) = sources([lesson])
    cells = (cell for cell in read(path).cells if cell.cell_type == "code")
    (source,) = (cell.source for cell in cells if call in cell.source)
    return str(source)


def explored(lesson: str) -> Callable[[], Options]:
    """Options of a panel: the controls and the alt text of the lesson's ``explore(…)``."""

    def explore(
        draw: object, start: Options, labels: Options, alt: str = "", **controls: Any
    ) -> Options:
        made = []
        for name, spec in controls.items():
            control = _control(spec) | {"name": name, "label": labels.get(name, name)}
            made.append(control | {"value": start.get(name, control.get("options", [None])[0])})
        return {"controls": made, "alt": alt}

    def options() -> Options:
        known = {"explore": explore, "picture": None, "overlap": None, "losses": losses}
        found: Options = eval(cell_with(lesson, "explore(\n"), known)
        return found

    return options


def _control(spec: Any) -> Options:
    """A list of choices or a range, as ``explore`` takes them, as the shell's controls do."""
    if isinstance(spec, list):
        return {"options": spec}
    low, high, *step = spec
    return {"min": low, "max": high, "step": step[0] if step else 1, "whole": not step}


def logits() -> Options:
    """Options of lesson 02's panel: with the noise of which its logits are made."""
    real, fake = torch.randn(2, 400, generator=torch.Generator().manual_seed(3))  # as there
    return explored("02")() | {"real": numbers(real), "fake": numbers(fake)}


SCRIPTS = ("mlp", "plane", "chart", "theory")
PANELS = (
    Panel("01", "explore(\n", "minimax", explored("01"), SCRIPTS),
    Panel("02", "explore(\n", "logits", logits, SCRIPTS),
    Panel("03", "explore(\n", "circle", explored("03"), SCRIPTS),
    Panel("06", "explore(\n", "overlap", explored("06"), SCRIPTS),
)
