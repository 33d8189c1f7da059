"""What every live panel shares: play, pause, step, snapshots, rewind, branch, marks, faults.

A `Live` drives one run, or two side by side, and knows no picture: it calls ``show`` now and then.
Playing is one asyncio task of short slices on the kernel's main loop. JupyterLab delivers what
widgets say on another thread; so a callback never touches a run, it asks `Live.post` to.
"""

import asyncio
import signal
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from types import FrameType
from typing import Any, Generic, Protocol, Self, TypeVar

import anywidget
import ipywidgets
import torch

from gan_lessons.errors import UserError
from gan_lessons.training import Diverged, undivided
from gan_lessons.widgets.controls import complaint, status

SLICE = 0.02  # seconds of training before the kernel may look at its messages
TURNS = 4  # turns of the loop that the kernel needs to take one message in
TELL = 1.5  # seconds between two sentences while playing: a screen reader reads each of them
PATIENCE = 3.0  # seconds in which a view has to answer that it is there


class Run(Protocol):
    """What a `Live` drives: `training.Trainer`, or anything that has these."""

    step: int
    settings: Any

    @property
    def progress(self) -> float: ...
    def train_step(self) -> Any: ...
    def half_step(self, player: str) -> None: ...
    def change(self, **settings: Any) -> dict[str, tuple[Any, Any]]: ...
    def state(self) -> dict[str, Any]: ...
    def restore(self, state: dict[str, Any]) -> None: ...
    def branch(self) -> Self: ...


R = TypeVar("R", bound=Run)


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
    """Everything at one step: the state of each run, the marks so far, and a portrait, if any."""

    step: int
    states: list[dict[str, Any]]
    marks: list[Mark]
    portrait: Any = None

    @cached_property
    def megabytes(self) -> float:
        """Memory of its tensors."""
        return sum(tensor.nbytes for tensor in _tensors(self.states)) / 1e6


class Film:
    """Snapshots in the order of their steps, in bounded memory.

    When they are too many, every second one is dropped and the distance between them doubles: what
    stays is spread evenly over the whole run. The first and the latest are always kept.

    Args:
        limit: megabytes for all of them.
        most: how many at most.
        every: steps between two of them, at first.
    """

    def __init__(self, limit: float, most: int = 40, every: int = 25) -> None:
        self.limit, self.most, self.every = limit, most, every
        self.snapshots: list[Snapshot] = []

    @property
    def steps(self) -> list[int]:
        """The steps to which one can go back."""
        return [snapshot.step for snapshot in self.snapshots]

    @property
    def megabytes(self) -> float:
        """Memory now in use."""
        return sum(snapshot.megabytes for snapshot in self.snapshots)

    def due(self, step: int) -> bool:
        """Whether it is time for another one."""
        return not self.snapshots or step >= self.snapshots[-1].step + self.every

    def cut(self, step: int) -> None:
        """Forget what comes after a step: training takes another way from there."""
        while self.snapshots and self.snapshots[-1].step > step:
            self.snapshots.pop()

    def add(self, snapshot: Snapshot) -> None:
        """Keep a snapshot, in the place of one of the same step."""
        self.snapshots = [each for each in self.snapshots if each.step != snapshot.step]
        self.snapshots.append(snapshot)
        self.snapshots.sort(key=lambda each: each.step)
        while len(self.snapshots) > 2 and (
            len(self.snapshots) > self.most or self.megabytes > self.limit
        ):
            latest = self.snapshots[-1]
            self.snapshots = [*self.snapshots[:-1:2], latest]
            self.every *= 2

    def at(self, step: int) -> Snapshot:
        """The snapshot of a step.

        Raises:
            UserError: there is none; the sentence says which there are.
        """
        for snapshot in self.snapshots:
            if snapshot.step == step:
                return snapshot
        kept = ", ".join(map(str, self.steps))
        raise UserError(f"There is no snapshot of step {step!r}. Choose one of {kept}.")


class Presence(anywidget.AnyWidget):
    """An invisible part of a panel that notices when the last view of it is gone.

    A page that is reloaded says nothing, and in a second tab there is another view: so, when a
    view goes, the kernel asks whether anybody is there.
    """

    _esm = """
    function render({ model, el }) {
      el.style.display = "none";
      const answer = (message) => { if (message.ask) model.send({ here: true }); };
      model.on("msg:custom", answer);
      model.send({ here: true });
      return () => { model.off("msg:custom", answer); model.send({ gone: true }); };
    }
    export default { render };
    """


class Live(Generic[R]):
    """Drives a run, or two side by side; see the module.

    Args:
        run: the trainer.
        show: draws everything anew, and returns a sentence that says what is seen.
        megabytes: memory for snapshots.
        share: how much of the time while playing goes into ``show``, at most.
        frames: how often in a second ``show`` is called while playing, at most.
        portray: makes something small of run 1, which each snapshot keeps for a filmstrip.

    Attributes: ``runs`` (one or two), ``active`` (index of the run whose settings `set` changes),
    ``playing``, ``slow`` (seconds between half steps while playing; 0: full speed), ``last``
    ("discriminator", "generator", "both": who moved last), ``marks``, ``film``, ``message``,
    ``sentence``, ``error`` (the latest exception, or None), ``drawn`` (pictures so far); ``line``
    and ``presence`` are widgets for the panel to hold.
    """

    def __init__(
        self,
        run: R,
        show: Callable[[], str],
        *,
        megabytes: float = 64.0,
        share: float = 0.15,
        frames: float = 20.0,
        portray: Callable[[R], Any] | None = None,
    ) -> None:
        self._show, self._share, self._pause = show, share, 1 / frames
        self._limit, self._portray = megabytes, portray
        self.line = ipywidgets.HTML()
        self.presence = Presence(layout={"display": "none"})
        self.presence.on_msg(lambda widget, content, buffers: self.post(self._heard, content))
        self.playing, self.slow, self.sentence, self.drawn = False, 0.0, "", 0
        self.error: Exception | None = None
        self._task: asyncio.Task[None] | None = None
        self._drawn_at = self._told_at = -10.0
        self._heard_at, self._closed = 0.0, False
        self._costs = deque([0.0], maxlen=5)
        try:
            self._loop: asyncio.AbstractEventLoop | None = asyncio.get_running_loop()
        except RuntimeError:
            self._loop = None  # no kernel: everything is called directly
        self._begin(run)

    def _begin(self, run: R) -> None:
        self.runs: list[R] = [run]
        self.active = 0
        self.marks: list[Mark] = []
        self.last = ""
        self.film = Film(self._limit)
        self.message = "Ready."
        self._keep_snapshot()

    @property
    def run(self) -> R:
        """The run whose settings `set` changes."""
        return self.runs[self.active]

    @property
    def step_now(self) -> int:
        """Steps done; two runs go in step."""
        return self.runs[0].step

    # Commands: on the main loop, or with no kernel at all

    def play(self) -> None:
        """Train until `pause`.

        Raises:
            UserError: no event loop is running here (a script, a test): use `step`.
        """
        if self._closed:
            raise UserError("This panel is closed. Run its cell again for a new one.")
        try:
            self._loop = asyncio.get_running_loop()
        except RuntimeError as error:
            raise UserError("Playing needs a notebook's kernel; use step(n) here.") from error
        self.playing, self.error, self.message = True, None, "Training."
        PLAYING.add(self)
        if self._task is None or self._task.done():
            self._task = self._loop.create_task(self._train())
        self.refresh()

    def pause(self, why: str = "Paused") -> None:
        """Stop playing, with everything kept."""
        self.playing = False
        self.message = f"{why} at step {self.step_now:,}."
        self.refresh()

    def step(self, n: int = 1) -> None:
        """Train n whole steps at once, with no loop.

        Raises:
            UserError: n is no number of steps, or a loss became NaN or infinite (`Diverged`).
        """
        if isinstance(n, bool) or not isinstance(n, int) or not 1 <= n <= 1_000_000:
            raise UserError(f"n is {n!r}; choose a whole number of steps from 1 to 1,000,000.")

        def steps() -> None:
            for _ in range(n):
                self._advance()

        self._command(steps)

    def step_d(self) -> None:
        """The discriminator's half of a step."""
        self._command(lambda: self._advance("discriminator"))

    def step_g(self) -> None:
        """The generator's half of a step; the step is counted."""
        self._command(lambda: self._advance("generator"))

    def _command(self, work: Callable[[], None]) -> None:
        self.playing = False
        try:
            work()
            self.error, self.message = None, f"Paused at step {self.step_now:,}."
        except Exception as error:
            self._record(error)
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
        snapshot = self.film.at(step)
        self.playing = False
        while len(self.runs) < len(snapshot.states):
            self.runs.append(self.runs[0].branch())
        del self.runs[len(snapshot.states) :]
        for run, state in zip(self.runs, snapshot.states, strict=True):
            run.restore(state)
        self.marks = list(snapshot.marks)
        self.active = min(self.active, len(self.runs) - 1)
        self.last, self.error, self.message = "", None, f"Back at step {step:,}."
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
        self.playing = False
        self.film.cut(self.step_now)
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
        if isinstance(run, bool) or run not in range(len(self.runs)):
            raise UserError(f"run is {run!r}; choose from 0 to {len(self.runs) - 1}.")

        def kept(marks: list[Mark]) -> list[Mark]:
            return [replace(mark, run=None) for mark in marks if mark.run in (None, run)]

        self.runs, self.active = [self.runs[run]], 0
        self.marks = kept(self.marks)
        for i, old in enumerate(self.film.snapshots):
            states = old.states if len(old.states) == 1 else [old.states[run]]
            self.film.snapshots[i] = replace(old, states=states, marks=kept(old.marks))
        self.error, self.message = None, f"Run {run + 1} goes on alone."
        self.refresh()

    def reset(self, run: R) -> None:
        """Start over with another run; snapshots and marks are dropped."""
        self.playing = False
        self.error = None
        self._begin(run)
        self.refresh()

    def close(self) -> None:
        """Stop for good; no task stays behind."""
        self._closed = True
        self.playing = False
        if self._task is not None:
            self._task.cancel()
        for widget in (self.line, self.presence):
            widget.close()

    # What callbacks may call, from any thread

    def post(self, function: Callable[..., object], *args: Any) -> None:
        """Run a function on the main loop; what it raises is shown, and kept in ``error``."""

        def work() -> None:
            if self._closed:
                return
            try:
                function(*args)
            except Exception as error:
                self._record(error)
                self.refresh()

        if self._loop is None or threading.current_thread() is threading.main_thread():
            work()
        else:
            self._loop.call_soon_threadsafe(work)

    # The task

    async def _train(self) -> None:
        try:
            while self.playing:
                hear_interrupts()
                self._slice()
                for _ in range(TURNS):
                    await asyncio.sleep(0)
                if self.slow:
                    await asyncio.sleep(self.slow)
        finally:
            PLAYING.discard(self)
        if not self._closed:
            self.refresh()  # the latest step, and an interrupt's message

    def _slice(self) -> None:
        until = time.perf_counter() + SLICE
        try:
            while self.playing:
                if self.slow:
                    moved = self.last == "discriminator"
                    self._advance("generator" if moved else "discriminator")
                else:
                    self._advance()
                if any(run.progress >= 1 for run in self.runs):
                    self.pause("The run is done")
                if self.slow or time.perf_counter() >= until:
                    break
        except KeyboardInterrupt:  # an interrupt that found Python's own handler in place
            self.pause("Interrupted")
        except Exception as error:
            self._record(error)
            self.refresh()
        # What `show` adds only now and then has its own clock: the cheapest of some counts.
        wait = max(self._pause, min(self._costs) / self._share)
        if self.playing and (self.slow or time.perf_counter() - self._drawn_at >= wait):
            self.refresh()

    def _advance(self, player: str = "both") -> None:
        """A step, or half of one, of every run; all of it or none, if it is interrupted."""
        self.film.cut(self.step_now)
        with undivided():
            for i, run in enumerate(self.runs):
                try:
                    run.train_step() if player == "both" else run.half_step(player)
                except Diverged as error:
                    if len(self.runs) == 1:
                        raise
                    raise Diverged(f"Run {i + 1}: {error}") from error
        self.last = player
        if player != "discriminator" and self.film.due(self.step_now):
            self._keep_snapshot()

    def _keep_snapshot(self, again: bool = True) -> None:
        """Remember this moment, unless it has been, or its weights are not numbers any more."""
        step = self.step_now
        if not again and step in self.film.steps:
            return
        states = [run.state() for run in self.runs]
        if all(_finite(state) for state in states):
            portrait = self._portray(self.runs[0]) if self._portray else None
            self.film.add(Snapshot(step, states, list(self.marks), portrait))

    # What is seen

    def refresh(self) -> None:
        """Draw now, and say what is seen."""
        began = time.perf_counter()
        try:
            self.sentence = self._show()
        except Exception as error:
            self._record(error)
        self.drawn += 1
        self._drawn_at = time.perf_counter()
        self._costs.append(self._drawn_at - began)
        if not self.playing or self.error is not None or self._drawn_at - self._told_at >= TELL:
            self._told_at = self._drawn_at
            self.line.value = self._told()

    def _record(self, error: Exception) -> None:
        """Keep a fault. A refused value lets a run go on; anything else stops it."""
        if isinstance(error, Diverged) or not isinstance(error, UserError):
            self.playing = False
        self.error = error
        self.message = str(error)
        if isinstance(error, Diverged) and self.film.steps:
            self.message += f" You can rewind to step {self.film.steps[-1]:,}."

    def _told(self) -> str:
        if self.error is None:
            return status(f"{self.message} {self.sentence}")
        way_back = self.message.removeprefix(str(self.error))
        return complaint(self.error, f"{way_back} {self.sentence}".strip())

    def interrupted(self) -> None:
        """What an interrupt of the kernel does: the run pauses."""
        self.playing = False
        self.message = f"Interrupted at step {self.step_now:,}: everything is kept."

    def refuse(self, error: UserError) -> None:
        """Say why a number that was typed is not taken; the run goes on."""
        self._record(error)
        self.refresh()

    # Is anybody looking?

    def _heard(self, content: dict[str, Any]) -> None:
        if not content.get("gone"):
            self._heard_at = time.monotonic()
        elif self._loop is not None:
            asked_at = time.monotonic()
            self.presence.send({"ask": True})
            self._loop.call_later(PATIENCE, self._still_alone, asked_at)

    def _still_alone(self, asked_at: float) -> None:
        if self._heard_at < asked_at and self.playing and not self._closed:
            self.pause("Paused, because no view of this panel was left,")


class Interruptible(Protocol):
    """Something that plays on the kernel's main loop."""

    def interrupted(self) -> None:
        """Stop soon, with everything kept; called in a signal handler, so do next to nothing."""


PLAYING: weakref.WeakSet[Interruptible] = weakref.WeakSet()


def _interrupt(number: int, frame: FrameType | None) -> None:
    for playing in list(PLAYING):
        playing.interrupted()


def hear_interrupts() -> None:
    """An idle kernel ignores interrupts; while something plays they mean: pause.

    ipykernel puts its own handler back around each cell, and ours again after it.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, _interrupt)


def _tensors(value: Any) -> Iterator[torch.Tensor]:
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, dict):
        yield from _tensors(list(value.values()))
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _tensors(each)


def _finite(state: dict[str, Any]) -> bool:
    weights = _tensors([state.get("generator"), state.get("discriminator")])
    return all(bool(tensor.isfinite().all()) for tensor in weights)


def _letter_after(letters: str) -> str:
    """a, b, …, z, then za, zb, …"""
    if not letters:
        return "a"
    if letters[-1] < "z":
        return letters[:-1] + chr(ord(letters[-1]) + 1)
    return letters + "a"
