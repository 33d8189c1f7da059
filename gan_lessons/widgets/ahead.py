"""What the stops beside a slider's own need, made before a key is pressed.

An arrow key is pressed again and again, or held. Between two presses the kernel has nothing to do:
it makes what the next one will ask for. What was made for the stop before is kept for the way back.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Generic, NamedTuple, TypeVar

import ipywidgets

from gan_lessons.widgets.cells import CELLS
from gan_lessons.widgets.loop import PLAYING
from gan_lessons.widgets.steady import freed

SOON = 0.005  # seconds in which what is shown now leaves the kernel
QUICK = 0.1  # seconds; what takes longer would keep other keys waiting
FRESH = 5.0  # seconds; a hand on another panel may change what else it depends on
DIGITS = 7  # behind the point; browsers round a slider's stops, too

Made = TypeVar("Made")
Values = dict[str, Any]


class Ready(NamedTuple, Generic[Made]):
    """What was made, and when."""

    values: Values
    made: Made
    cells: int  # that had begun before
    at: float  # seconds on the clock, when it was ready
    took: float  # seconds


class Ahead(Generic[Made]):
    """Calls ``make`` with the values of controls; if a slider goes stop by stop, ahead of time.

    What was made counts for `FRESH` seconds, until a cell runs or a panel plays.

    Args:
        make: of values by name. It changes nothing that is seen, and may be called in vain.
        controls: by name.
    """

    def __init__(self, make: Callable[[Values], Made], controls: Mapping[str, Any]) -> None:
        self._make = make
        self._controls = controls
        self._last: Ready[Made] | None = None
        self._beside: list[Ready[Made]] = []
        self._later: asyncio.TimerHandle | None = None

    def made(self) -> Made:
        """What ``make`` makes of the values now."""
        values = {name: control.value for name, control in self._controls.items()}
        following, last = self._following(values), self._last
        known = [each for each in self._beside if _counts(each) and _alike(values, each.values)]
        self.forget()
        ready = known[0]._replace(values=values) if known else self._ready_of(values)
        self._last, self._beside = ready, [last] if last else []
        if following and ready.took < QUICK:
            self._later = _soon(self._look, following)
        return ready.made

    def forget(self) -> None:
        """Something else has changed: make the next anew."""
        if self._later is not None:
            self._later.cancel()
        self._last = self._later = None
        self._beside = []

    def _following(self, values: Values) -> Values | None:
        """The values after these, if they are one stop of one slider away from those before."""
        last = self._last.values if self._last else values
        moved = [name for name, value in values.items() if last[name] != value]
        if len(moved) != 1 or _busy():
            return None
        (name,) = moved
        control = self._controls[name]
        if not isinstance(control, ipywidgets.FloatSlider | ipywidgets.IntSlider):
            return None
        low, step = control.min, control.step or 1
        stop, before = (round((each[name] - low) / step) for each in (values, last))
        there = round(low + (2 * stop - before) * step, DIGITS)
        if abs(stop - before) != 1 or not low <= there <= control.max:
            return None
        return {**values, name: there}

    def _look(self, values: Values) -> None:
        with freed(), suppress(Exception):  # whoever goes there will be told
            self._beside.append(self._ready_of(values))

    def _ready_of(self, values: Values) -> Ready[Made]:
        cells, began = CELLS.begun, time.perf_counter()
        made = self._make(values)
        now = time.perf_counter()
        return Ready(values, made, cells, now, now - began)


def _counts(ready: Ready[Any]) -> bool:
    age = time.perf_counter() - ready.at
    return not _busy() and CELLS.begun == ready.cells and age < FRESH


def _busy() -> bool:
    """Whether something runs that may change what is shown."""
    return bool(PLAYING) or CELLS.running


def _alike(values: Values, others: Values) -> bool:
    """Whether all values are equal, but for the last digits of numbers."""
    return all(
        value == others[name] or (isinstance(value, float) and round(value, DIGITS) == others[name])
        for name, value in values.items()
    )


def _soon(act: Callable[..., None], *args: Any) -> asyncio.TimerHandle | None:
    """Call ``act`` once the kernel has nothing else to do; never where there is no kernel."""
    try:
        return asyncio.get_running_loop().call_later(SOON, act, *args)
    except RuntimeError:
        return None
