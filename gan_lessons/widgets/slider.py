"""A slider for one number: named, with a field to type into, and a notation that shows 1e-5."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from gan_lessons.errors import UserError


class Slider(anywidget.AnyWidget):
    """A number from ``min`` to ``max``, on a logarithmic scale if ``log``; whole if ``whole``.

    It reports when it is let go, one change for a move. ``step`` is the distance of two stops; on
    a logarithmic scale in powers of ten. A number that is typed outside the range goes to
    ``refuse``, and the one before comes back. The kernel may write any number. ``look``: whether a
    guide points at it.
    """

    _esm = (Path(__file__).parent / "slider.js").read_text(encoding="utf-8")
    _css = (Path(__file__).parent / "slider.css").read_text(encoding="utf-8")
    value: Any = traitlets.Float(0.0).tag(sync=True)
    min = traitlets.Float(0.0).tag(sync=True)
    max = traitlets.Float(1.0).tag(sync=True)
    step = traitlets.Float(0.1).tag(sync=True)
    log = traitlets.Bool(False).tag(sync=True)
    whole = traitlets.Bool(False).tag(sync=True)
    description = traitlets.Unicode().tag(sync=True)
    tooltip = traitlets.Unicode(None, allow_none=True).tag(sync=True)
    label_width = traitlets.Unicode("8em").tag(sync=True)
    look = traitlets.Bool(False).tag(sync=True)

    def __init__(self, value: float, **kwargs: Any) -> None:
        super().__init__(value=value, **kwargs)
        self.refuse: Callable[[UserError], object] = lambda error: None
        self.on_msg(lambda _, content, buffers: self.typed(str(content.get("typed", ""))))

    @traitlets.validate("value")
    def _valid(self, proposal: Any) -> float:
        return round(proposal.value) if self.whole else float(proposal.value)

    def typed(self, text: str) -> None:
        """Take a number that was typed, or refuse it."""
        try:
            self.value = self._read(text)
        except UserError as error:
            self.refuse(error)
        self.send({"show": True})  # also what was there before

    def _read(self, text: str) -> float:
        low, high = (f"{end:.6g}" for end in (self.min, self.max))
        try:
            number = float(text.strip().replace("−", "-"))
        except ValueError:
            raise UserError(f"{self.description} = {text!r} is no number.") from None
        if not (math.isfinite(number) and self.min <= number <= self.max):
            raise UserError(
                f"{self.description} = {number:g} is out of range. Choose from {low} to {high}."
            )
        if self.whole and number != round(number):
            raise UserError(f"{self.description} = {number:g} is no whole number.")
        return number
