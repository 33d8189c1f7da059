"""What a run has measured: one event a step, with values by name, in little memory."""

import math
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np
import torch
from torch import Tensor

from gan_lessons.errors import UserError

LIMIT = 65_536  # events that are kept: when there are more, every second one goes


@dataclass(frozen=True)
class Event:
    """What one training step tells its listeners.

    ``step`` counts from 1, ``epoch`` is passes over the data so far, ``elapsed`` seconds of
    training. ``values`` are the method's own, such as ``loss_generator``; each is an attribute,
    too. What a step did not measure is NaN.
    """

    step: int
    epoch: float
    elapsed: float
    values: Mapping[str, float]

    def __getattr__(self, name: str) -> float:
        values = self.__dict__.get("values", {})
        if name not in values:
            raise AttributeError(f"This event has no {name!r}; it has {', '.join(values)}.")
        value: float = values[name]
        return value


class History(Sequence[Event]):
    """The events of a run, one number for each value of each.

    After `LIMIT` events every second one is dropped, so that a long run's past gets coarser
    and its latest steps are all there.
    """

    def __init__(self) -> None:
        self._steps, self._epochs, self._elapsed = array("q"), array("d"), array("d")
        self._values: dict[str, array[float]] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """What has been measured."""
        return tuple(self._values)

    def column(self, name: str) -> Sequence[float]:
        """All values of one name ("step" is one, too), the oldest first."""
        if name == "step":
            return self._steps
        return self._values.get(name, array("d", [math.nan]) * len(self))

    def append(self, event: Event) -> None:
        """Add the event of a new step."""
        for name in event.values:
            if name not in self._values:  # not measured until now
                self._values[name] = array("d", [math.nan]) * len(self)
        self._steps.append(event.step)
        self._epochs.append(event.epoch)
        self._elapsed.append(event.elapsed)
        for name, column in self._values.items():
            column.append(event.values.get(name, math.nan))
        if len(self) > LIMIT:
            self._thin()

    def _thin(self) -> None:
        self._steps = self._steps[::2]
        self._epochs, self._elapsed = self._epochs[::2], self._elapsed[::2]
        self._values = {name: column[::2] for name, column in self._values.items()}

    def __len__(self) -> int:
        return len(self._steps)

    @overload
    def __getitem__(self, index: int) -> Event: ...
    @overload
    def __getitem__(self, index: slice) -> list[Event]: ...
    def __getitem__(self, index: int | slice) -> Event | list[Event]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        values = {name: column[index] for name, column in self._values.items()}
        return Event(self._steps[index], self._epochs[index], self._elapsed[index], values)

    def __iter__(self) -> Iterator[Event]:
        return (self[i] for i in range(len(self)))

    def state(self) -> dict[str, Any]:
        """Names, and rows (events, 3 + names): step, epoch, elapsed, then the values."""
        columns = (self._steps, self._epochs, self._elapsed, *self._values.values())
        rows = np.stack([np.array(column, dtype=np.float64) for column in columns], axis=1)
        return {"names": list(self.names), "rows": torch.from_numpy(rows)}

    @classmethod
    def restored(cls, state: Mapping[str, Any]) -> "History":
        """The history of which `state` was taken.

        Raises:
            UserError: names and rows do not fit together.
        """
        names, rows = state["names"], state["rows"]
        if not isinstance(rows, Tensor) or not rows.is_contiguous() or rows.dim() != 2:
            raise UserError("Its history is no table of numbers.")
        if not all(isinstance(name, str) for name in names) or rows.shape[1] != 3 + len(names):
            raise UserError("Names and columns of its history do not fit together.")
        history = cls()
        columns = rows.double().T
        history._steps = array("q", map(int, columns[0].tolist()))
        history._epochs = array("d", columns[1].tolist())
        history._elapsed = array("d", columns[2].tolist())
        history._values = {
            name: array("d", column.tolist())
            for name, column in zip(names, columns[3:], strict=True)
        }
        return history
