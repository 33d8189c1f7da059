"""What the stops beside a slider's own need, made before a key is pressed.

An arrow key is pressed again and again, or held. Between two presses the kernel has nothing to do:
it makes what the next one will ask for. What was made for the stop before is kept for the way back.
"""

import asyncio
import math
import threading
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
FRESH = 5.0  # seconds; a file, say, may change without a word
DIGITS = 7  # of a step, that count; browsers round a slider's stops, too

Made = TypeVar("Made")
Values = dict[str, Any]


class Ready(NamedTuple, Generic[Made]):
    """What was made, and when."""

    values: Values
    made: Made
    moment: int  # up to which nothing but its own slider had moved
    at: float  # seconds on the clock, when it was ready
    took: float  # seconds


class Ahead(Generic[Made]):
    """Calls ``make`` with the values of controls; if a slider goes stop by stop, ahead of time.

    What was made counts for `FRESH` seconds, until a cell begins or ends, a panel plays, or a hand
    moves anything but the slider.

    Args:
        make: of values by name. It changes nothing that is seen, and may be called in vain.
        controls: by name.

    Attributes: ``took`` (seconds that it took to make what was asked for last), ``turn`` (a lock:
    whoever shows or says something has it, as JupyterLab delivers what widgets say on two threads).
    """

    def __init__(self, make: Callable[[Values], Made], controls: Mapping[str, Any]) -> None:
        self.took = 0.0
        self.turn = threading.RLock()
        self._make = make
        self._controls = controls
        self._last: Ready[Made] | None = None
        self._beside: list[Ready[Made]] = []
        self._later: asyncio.TimerHandle | None = None

    def made(self) -> Made:
        """What ``make`` makes of the values now."""
        moment, busy = CELLS.moment, _busy()
        values = {name: control.value for name, control in self._controls.items()}
        following, last = self._following(values), self._last
        known = [each for each in self._beside if _counts(each) and not self._moved(values, each)]
        self.forget()
        ready = known[0]._replace(values=values) if known else self._ready_of(values)
        self._last = None if busy else ready._replace(moment=moment)
        self._beside = [last._replace(moment=moment)] if last and _counts(last) else []
        self.took = ready.took
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
        moved = self._moved(values, self._last) if self._last else []
        if len(moved) != 1 or not self._last or _busy():
            return None
        (name,) = moved
        control = self._controls[name]
        if not _is_slider(control):
            return None
        low, step = control.min, control.step or 1
        stops = [(each[name] - low) / step for each in (values, self._last.values)]
        if not all(map(math.isfinite, stops)):
            return None
        stop, before = map(round, stops)
        there = low + (2 * stop - before) * step
        if isinstance(there, float):
            there = round(there, DIGITS + max(0, -math.floor(math.log10(abs(step)))))
        if abs(stop - before) != 1 or not low <= there <= control.max:
            return None
        return {**values, name: there}

    def _moved(self, values: Values, ready: Ready[Made]) -> list[str]:
        """The controls that have other values than when something was made."""
        return [
            name
            for name, control in self._controls.items()
            if not _same(control, values[name], ready.values[name])
        ]

    def _look(self, values: Values) -> None:
        if _busy():
            return
        with self.turn, freed(), suppress(Exception):  # whoever goes there will be told
            self._beside.append(self._ready_of(values))

    def _ready_of(self, values: Values) -> Ready[Made]:
        moment, began = CELLS.moment, time.perf_counter()
        made = self._make(values)
        now = time.perf_counter()
        return Ready(values, made, moment, now, now - began)


def _counts(ready: Ready[Any]) -> bool:
    """Whether all is as it was then, but for the one message that asks now."""
    age = time.perf_counter() - ready.at
    return not _busy() and CELLS.moment <= ready.moment + 1 and age < FRESH


def _busy() -> bool:
    """Whether something runs that may change what is shown."""
    return bool(PLAYING) or CELLS.running


def _is_slider(control: Any) -> bool:
    return isinstance(control, ipywidgets.FloatSlider | ipywidgets.IntSlider)


def _same(control: Any, value: Any, other: Any) -> bool:
    """Whether a control's value is the same, but for the last digits of a slider's number.

    What else a control holds may not be comparable: as long as it is not moved it stays the same.
    """
    if _is_slider(control):
        return bool(abs(value - other) <= 10**-DIGITS * abs(control.step or 1))
    return value is other


def _soon(act: Callable[..., None], *args: Any) -> asyncio.TimerHandle | None:
    """Call ``act`` once the kernel has nothing else to do; never where there is no kernel."""
    try:
        return asyncio.get_running_loop().call_later(SOON, act, *args)
    except RuntimeError:
        return None
