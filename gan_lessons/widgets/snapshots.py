"""Snapshots of runs: everything at one step, kept in bounded memory, spread over the whole run."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch

from gan_lessons.errors import UserError


@dataclass(frozen=True)
class Mark:
    """Where a setting was changed: in one of two runs (0 or 1), or in the only one (None)."""

    letter: str
    step: int
    run: int | None
    name: str
    old: Any
    new: Any

    def __str__(self) -> str:
        where = "" if self.run is None else f", run {self.run + 1}"
        return f"{self.letter}: step {self.step:,}{where}: {self.name} {self.old} → {self.new}"


@dataclass(frozen=True)
class Snapshot:
    """Everything at one step: the state of each run, the marks so far, and a thumbnail, if any."""

    step: int
    states: list[dict[str, Any]]
    marks: list[Mark]
    thumbnail: Any = None

    @cached_property
    def megabytes(self) -> float:
        """Memory of its tensors."""
        return sum(tensor.nbytes for tensor in _tensors(self.states)) / 1e6


class Snapshots:
    """Snapshots in the order of their steps, in bounded memory.

    When they are too many, every second one is dropped and the distance between them doubles: what
    stays is spread evenly over the whole run. The first and the latest are always kept.

    Args:
        limit: megabytes for all of them.
        most: how many at most.
        every: steps between two of them, at first.
    """

    def __init__(self, limit: float, most: int = 40, every: int = 25) -> None:
        self.limit = limit
        self.most = most
        self.every = every
        self.kept: list[Snapshot] = []

    @property
    def steps(self) -> list[int]:
        """The steps to which one can go back."""
        return [snapshot.step for snapshot in self.kept]

    @property
    def megabytes(self) -> float:
        """Memory now in use."""
        return sum(snapshot.megabytes for snapshot in self.kept)

    def due(self, step: int) -> bool:
        """Whether it is time for another one."""
        return not self.kept or step >= self.kept[-1].step + self.every

    def cut(self, step: int) -> None:
        """Forget what comes after a step: training takes another way from there."""
        while self.kept and self.kept[-1].step > step:
            self.kept.pop()

    def add(self, snapshot: Snapshot) -> None:
        """Keep a snapshot, in the place of one of the same step."""
        self.kept = [each for each in self.kept if each.step != snapshot.step]
        self.kept.append(snapshot)
        self.kept.sort(key=lambda each: each.step)
        while len(self.kept) > 2 and (len(self.kept) > self.most or self.megabytes > self.limit):
            latest = self.kept[-1]
            self.kept = [*self.kept[:-1:2], latest]
            self.every *= 2

    def at(self, step: int) -> Snapshot:
        """The snapshot of a step.

        Raises:
            UserError: there is none; the sentence says which there are.
        """
        for snapshot in self.kept:
            if snapshot.step == step:
                return snapshot
        kept = ", ".join(map(str, self.steps))
        raise UserError(f"There is no snapshot of step {step!r}. Choose one of {kept}.")


def finite(state: dict[str, Any]) -> bool:
    """Whether all weights in a run's state are numbers."""
    weights = _tensors([state[name] for name in state["players"]])
    return all(bool(tensor.isfinite().all()) for tensor in weights)


def _tensors(value: Any) -> Iterator[torch.Tensor]:
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, dict):
        yield from _tensors(list(value.values()))
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _tensors(each)
