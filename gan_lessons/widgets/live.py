"""Drives training runs for a panel: step, snapshots, rewind, branch, marks.

A `Live` drives one run, or two side by side, and knows no picture: it calls ``show`` now and then.
"""

from collections.abc import Callable, Mapping
from dataclasses import astuple, replace
from typing import Any, Generic, Protocol, Self, TypeVar

from gan_lessons.errors import UserError, is_whole
from gan_lessons.interrupts import defer_interrupts
from gan_lessons.training import Diverged
from gan_lessons.widgets.controls import complaint
from gan_lessons.widgets.loop import Loop
from gan_lessons.widgets.snapshots import Mark, Snapshot, Snapshots, finite


class Run(Protocol):
    """What a `Live` drives: `training.Trainer`, or anything that has these."""

    step: int
    turn: str  # the latest of a step that is not complete

    @property
    def method(self) -> Any: ...  # with ``turns``
    @property
    def settings(self) -> Any: ...
    @property
    def progress(self) -> float: ...
    def train_step(self) -> Any: ...
    def half_step(self, turn: str) -> None: ...
    def change(self, **settings: Any) -> dict[str, tuple[Any, Any]]: ...
    def state(self) -> dict[str, Any]: ...
    def restore(self, state: dict[str, Any]) -> None: ...
    def branch(self) -> Self: ...


R = TypeVar("R", bound=Run)
SPEEDS: dict[str, Any] = {  # what a person reads: what `Live.go` takes
    "slow motion": "slow",
    "1 step a second": 1,
    "10 steps a second": 10,
    "50 steps a second": 50,
    "200 steps a second": 200,
    "as fast as it goes": 0,
}
SLOW_MOTION = 3.0  # seconds from one half-step to the next: time to read what is said of it


class Live(Loop, Generic[R]):
    """A `Loop` of training steps; see the module.

    Args:
        run: the trainer.
        show: draws everything anew, and returns a sentence that says what is seen.
        megabytes: memory for snapshots.
        share: how much of the time while playing goes into ``show``, at most.
        frames: how often in a second ``show`` is called while playing, at most.
        thumbnail: makes something small of run 1, which each snapshot keeps for a filmstrip.

    Attributes, beside those of `Loop`: ``runs`` (one or two), ``active`` (index of the run whose
    settings `set` changes), ``slow`` (seconds between half steps while playing; 0: whole steps),
    ``speed`` (steps a second), ``until`` (asked after every whole step that playing makes: a
    reason to pause, or ""),
    ``last`` (the turn that was taken last, "" after a whole step), ``marks``, ``snapshots``.
    """

    def __init__(
        self,
        run: R,
        show: Callable[[], str],
        *,
        megabytes: float = 64.0,
        share: float = 0.15,
        frames: float = 20.0,
        thumbnail: Callable[[R], Any] | None = None,
    ) -> None:
        super().__init__(self._train, show, self._interrupted, share=share, frames=frames)
        self._megabytes = megabytes
        self._thumbnail = thumbnail
        self.until: Callable[[], str] = lambda: ""
        self._begin(run)

    def _begin(self, *runs: R) -> None:
        self.runs: list[R] = [*runs]
        self.active = len(runs) - 1
        self.marks: list[Mark] = []
        self.last = ""
        self.snapshots = Snapshots(self._megabytes)
        self.message = "Ready."
        self._keep_snapshot()

    @property
    def run(self) -> R:
        """The run whose settings `set` changes."""
        self.refuse_closed()
        return self.runs[self.active]

    @property
    def step_now(self) -> int:
        """Steps done; two runs go in step."""
        return self.runs[0].step

    # Commands: on the main loop, or with no kernel at all

    def play(self, message: str = "Training.") -> None:
        """Train until `pause`.

        Raises:
            UserError: no event loop is running here (a script, a test): use `step`.
        """
        super().play(message)

    def go(self, speed: Any) -> None:
        """Play at so many steps a second, 0: as many as there can be; "slow": half-steps."""
        slow = speed == "slow"
        self.slow = SLOW_MOTION if slow else 0.0
        self.speed = 0.0 if slow else float(speed)

    def pause(self, message: str = "") -> None:
        """Stop playing, with everything kept."""
        super().pause(message or f"Paused at step {self.step_now:,}.")

    def step(self, n: int = 1) -> None:
        """Train n whole steps at once, with no loop.

        Raises:
            UserError: n is no number of steps, or a loss became NaN or infinite (`Diverged`).
        """
        if not is_whole(n, 1, 1_000_000):
            raise UserError(f"n is {n!r}; choose a whole number of steps from 1 to 1,000,000.")

        def steps() -> None:
            for _ in range(n):
                self._advance()

        self._command(steps)

    def half_step(self, turn: str) -> None:
        """One turn of a step; see `training.Trainer.half_step`."""
        self._command(lambda: self._advance(turn))

    def _command(self, work: Callable[[], None]) -> None:
        self.refuse_closed()
        self.playing = False
        try:
            work()
            self.error = None
            self.message = f"Paused at step {self.step_now:,}."
        except Exception as error:
            self.record(error)
            raise
        finally:  # also after an interrupt
            self.refresh()

    def set(self, **settings: Any) -> None:
        """Change settings of the active run; the next step goes by them. It leaves marks.

        Raises:
            UserError: no such setting, out of range, or fixed; nothing changed.
        """
        self._keep_snapshot(again=False)
        run = self.active if len(self.runs) > 1 else None
        self._mark(run, self.run.change(**settings))
        self.error = None
        self.refresh()

    def _mark(self, run: int | None, changed: dict[str, tuple[Any, Any]]) -> None:
        step = self.step_now
        for name, (old, new) in changed.items():
            for mark in self.marks:
                if (mark.step, mark.run, mark.name) == (step, run, name):
                    self.marks.remove(mark)  # one move, made in several pushes
                    old = mark.old
                    break
            if old != new:
                letter = _letter_after(self.marks[-1].letter if self.marks else "")
                self.marks.append(Mark(letter, step, run, name, old, new))

    def rewind(self, step: int) -> None:
        """Go back to a kept snapshot, settings and marks included.

        Later snapshots stay, to go forth to, until training takes another way from here.

        Raises:
            UserError: there is no snapshot of that step.
        """
        self.refuse_closed()
        snapshot = self.snapshots.at(step)
        self.playing = False
        while len(self.runs) < len(snapshot.states):
            self.runs.append(self.runs[0].branch())
        del self.runs[len(snapshot.states) :]
        for run, state in zip(self.runs, snapshot.states, strict=True):
            run.restore(state)
        self.marks = list(snapshot.marks)
        self.active = min(self.active, len(self.runs) - 1)
        self.last = ""
        self.error = None
        self.message = f"Back at step {step:,}."
        self.refresh()

    def branch(self, **settings: Any) -> None:
        """A second run from here: same weights, noise and data order; only ``settings`` differ.

        Raises:
            UserError: there are two already, or a setting is refused; nothing changed.
        """
        if len(self.runs) > 1:
            raise UserError("There are two runs already. Keep one of them, then branch again.")
        twin = self.run.branch()
        changed = twin.change(**settings)
        self.snapshots.cut(self.step_now)
        self.runs.append(twin)
        self.active = 1
        self._mark(1, changed)
        self._keep_snapshot()
        self.error = None
        self.message = f"Two runs from step {self.step_now:,}: controls now move run 2."
        self.refresh()

    def keep(self, run: int) -> None:
        """Go on with one of two runs (0 or 1), and drop the other.

        Raises:
            UserError: there is no such run.
        """
        self.refuse_closed()
        if not is_whole(run, 0, len(self.runs) - 1):
            raise UserError(f"run is {run!r}; choose from 0 to {len(self.runs) - 1}.")

        self.marks = _alone(self.marks, run)
        self.snapshots.kept = self._film(run)
        self.runs = [self.runs[run]]
        self.active = 0
        self.error = None
        self.message = f"Run {run + 1} goes on alone."
        self.refresh()

    def _film(self, run: int) -> list[Snapshot]:
        """The snapshots of one of two runs (0 or 1)."""
        return [
            replace(
                old,
                states=old.states if len(old.states) == 1 else [old.states[run]],
                marks=_alone(old.marks, run),
            )
            for old in self.snapshots.kept
        ]

    def album(self) -> dict[str, Any]:
        """Marks and snapshots of the active run as plain values, to be saved beside it."""
        film = [
            {
                "step": each.step,
                "states": each.states,
                "marks": list(map(astuple, each.marks)),
                "thumbnail": each.thumbnail,
            }
            for each in self._film(self.active)
        ]
        return {"marks": list(map(astuple, _alone(self.marks, self.active))), "film": film}

    def reopen(self, run: R, album: Mapping[str, Any]) -> None:
        """Start over with a run, and its `album` where there is one."""
        self.reset(run)
        for each in album.get("film", ()):
            marks = [Mark(*mark) for mark in each["marks"]]
            self.snapshots.add(Snapshot(each["step"], each["states"], marks, each["thumbnail"]))
        self.marks = [Mark(*mark) for mark in album.get("marks", ())]
        self._keep_snapshot()

    def reset(self, *runs: R) -> None:
        """Start over with another run, or two; snapshots and marks are dropped."""
        self.playing = False
        self.error = None
        self._begin(*runs)
        self.refresh()

    def close(self) -> None:
        """Stop for good, and let go of the runs and all that was kept of them."""
        super().close()
        self.snapshots.kept.clear()
        self.runs = []

    # Training

    def _train(self) -> None:
        """A step; in slow motion the next of its turns."""
        turns, latest = self.run.method.turns, self.run.turn
        if self.slow and turns:
            self._advance(turns[turns.index(latest) + 1] if latest else turns[0])
        else:
            self._advance()
        if any(run.progress >= 1 for run in self.runs):
            self.pause(f"The run is done at step {self.step_now:,}.")
        elif not self.run.turn and (reason := self.until()):
            self.pause(f"Paused at step {self.step_now:,}: {reason}")

    def _advance(self, turn: str = "") -> None:
        """A step, or a turn of one, of every run; all of it or none, if it is interrupted."""
        self.snapshots.cut(self.step_now)
        with defer_interrupts():
            for i, run in enumerate(self.runs):
                try:
                    if turn:
                        run.half_step(turn)
                    else:
                        run.train_step()
                except Diverged as error:
                    if len(self.runs) == 1:
                        raise
                    raise Diverged(f"Run {i + 1}: {error}") from error
        self.last = turn
        if not self.runs[0].turn and self.snapshots.due(self.step_now):
            self._keep_snapshot()

    def _keep_snapshot(self, again: bool = True) -> None:
        """Remember this moment, unless it has been, or its weights are not numbers any more."""
        step = self.step_now
        if not again and step in self.snapshots.steps:
            return
        states = [run.state() for run in self.runs]
        if all(finite(state) for state in states):
            thumbnail = self._thumbnail(self.runs[0]) if self._thumbnail else None
            self.snapshots.add(Snapshot(step, states, list(self.marks), thumbnail))

    # What is said

    def record(self, error: Exception) -> None:
        """Keep a fault; a run that has diverged stops, too, and is told the way back."""
        super().record(error)
        if isinstance(error, Diverged):
            self.playing = False
            if self.snapshots.steps:
                self.message += f" You can rewind to step {self.snapshots.steps[-1]:,}."

    def _status(self) -> str:
        if self.error is None:
            return super()._status()
        way_back = self.message.removeprefix(str(self.error))
        return complaint(self.error, f"{way_back} {self.sentence}".strip())

    def _interrupted(self) -> str:
        return f"Interrupted at step {self.step_now:,}: everything is kept."


def _alone(marks: list[Mark], run: int) -> list[Mark]:
    """The marks of one of two runs (0 or 1), as those of an only one."""
    return [replace(mark, run=None) for mark in marks if mark.run in (None, run)]


def _letter_after(letters: str) -> str:
    """a, b, …, z, then za, zb, …"""
    if not letters:
        return "a"
    if letters[-1] < "z":
        return letters[:-1] + chr(ord(letters[-1]) + 1)
    return letters + "a"
