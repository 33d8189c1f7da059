"""What everything that plays in a notebook shares: play, pause, interrupts, posts, faults.

Playing is one asyncio task of short slices on the kernel's main loop. JupyterLab delivers what
widgets say on another thread; so a callback never does the work itself, it asks `Loop.post` to.
"""

import asyncio
import signal
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable
from types import FrameType
from typing import Any

import anywidget
import ipywidgets

from gan_lessons.errors import UserError
from gan_lessons.widgets.controls import complaint, status

SLICE = 0.02  # seconds of work before the kernel may look at its messages
TURNS = 4  # turns of the loop that the kernel needs to take one message in
TELL = 1.5  # seconds between two sentences while playing: a screen reader reads each of them
PATIENCE = 3.0  # seconds in which a view has to answer that it is there
CATCH_UP = 0.1  # seconds of work, at most, that are made up for after a pause of the machine
PACED = 0.5  # of the time may go into pictures while a speed is set
NAP = 0.05  # seconds after which a change of speed is noticed


class Presence(anywidget.AnyWidget):
    """An invisible part of a panel that notices when the last view of it is gone or hidden.

    Hidden is a view in a tab that is not in front, of the browser or of JupyterLab. A page that
    is reloaded says nothing, and in a second tab there is another view: so, when a view goes, the
    kernel asks whether anybody is there.
    """

    _esm = """
    function render({ model, el }) {
      el.style.display = "none";
      let seen = true;
      const tell = () => model.send(seen ? { here: true } : { gone: true });
      const look = () => {
        const tab = el.closest(".jp-NotebookPanel");
        const now = !document.hidden && (!tab || tab.getClientRects().length > 0);
        if (now !== seen) { seen = now; tell(); }
      };
      const answer = (message) => { if (message.ask && seen) tell(); };
      const timer = setInterval(look, 1000);
      document.addEventListener("visibilitychange", look);
      model.on("msg:custom", answer);
      tell();
      return () => {
        clearInterval(timer);
        document.removeEventListener("visibilitychange", look);
        model.off("msg:custom", answer);
        model.send({ gone: true });
      };
    }
    export default { render };
    """


class Loop:
    """Does a piece of work again and again while it plays; see the module.

    Args:
        work: one piece of it, at most some milliseconds long; it calls `pause` at its end.
        show: draws everything anew, and returns a sentence that says what is seen.
        interrupted: what is said after an interrupt of the kernel.
        share: how much of the time while playing goes into ``show``, at most.
        frames: how often in a second ``show`` is called while playing, at most.
        slow: seconds between two pieces, each of which is then shown; 0: as ``speed`` says.
        instead: the call that does the work where no kernel is.

    Attributes: ``playing``, ``slow``, ``speed`` (pieces a second, at most; 0: as fast as it goes,
    which it is at first), ``message`` (what was done), ``sentence`` (what is seen),
    ``error`` (the latest exception, or None), ``drawn`` (pictures so far); ``line`` (message and
    sentence, or the fault) and ``presence`` are widgets for the panel to hold.
    """

    def __init__(
        self,
        work: Callable[[], None],
        show: Callable[[], str],
        interrupted: Callable[[], str],
        *,
        share: float = 0.15,
        frames: float = 20.0,
        slow: float = 0.0,
        instead: str = "step(n)",
    ) -> None:
        self._work = work
        self._show = show
        self._after_interrupt = interrupted
        self._share = share
        self._between_frames = 1 / frames
        self._instead = instead
        self.line = ipywidgets.HTML()
        self.presence = Presence(layout={"display": "none"})
        self.presence.on_msg(lambda _, content, buffers: self._on_loop(self._heard, content))
        self.playing = False
        self.slow = slow
        self.speed = 0.0
        self._worked_at = self._due = 0.0  # the latest piece, and when the next may come
        self.message = ""
        self.sentence = ""
        self.error: Exception | None = None
        self.drawn = 0
        self._task: asyncio.Task[None] | None = None
        self._closed = False
        self._drawn_at = self._said_at = -10.0
        self._heard_at = 0.0
        self._costs = deque([0.0], maxlen=5)
        try:
            self._loop: asyncio.AbstractEventLoop | None = asyncio.get_running_loop()
        except RuntimeError:
            self._loop = None  # no kernel: everything is called directly

    def refuse_closed(self) -> None:
        """Raise the sentence for whoever goes on with a panel that is closed."""
        if self._closed:
            raise UserError("This panel is closed. Run its cell again for a new one.")

    # Commands: on the main loop, or with no kernel at all

    def play(self, message: str = "") -> None:
        """Work until `pause`.

        Raises:
            UserError: no event loop is running here (a script, a test), or the panel is closed.
        """
        self.refuse_closed()
        try:
            self._loop = asyncio.get_running_loop()
        except RuntimeError as error:
            raise UserError(
                f"Playing needs a notebook's kernel; use {self._instead} here."
            ) from error
        self.playing = True
        self.error = None
        self.message = message
        self._said_at = -10.0
        PLAYING.add(self)
        if self._task is None or self._task.done():
            self._task = self._loop.create_task(self._play())
        self.refresh()

    def pause(self, message: str = "") -> None:
        """Stop playing, with everything kept."""
        self.playing = False
        self.message = message
        self.refresh()

    def close(self) -> None:
        """Stop for good; no task stays behind."""
        self._closed = True
        self.playing = False
        if self._task is not None:
            self._task.cancel()
        for widget in (self.line, self.presence):
            widget.close()

    def interrupt(self) -> None:
        """What an interrupt of the kernel does; called in a signal handler, so it does little."""
        self.playing = False
        self.message = self._after_interrupt()

    # What callbacks may call, from any thread

    def post(self, function: Callable[..., object], *args: Any) -> None:
        """Run a function on the main loop; what it raises is shown, and kept in ``error``.

        Where it succeeds, an error from before it goes.
        """

        def attempt() -> None:
            before = self.error
            try:
                function(*args)
            except Exception as error:
                self.record(error)
                self.refresh()
            else:
                if before is not None and self.error is before:
                    self.error, self.message = None, ""
                    self.refresh()

        self._on_loop(attempt)

    def _on_loop(self, function: Callable[..., object], *args: Any) -> None:
        def attempt() -> None:
            if not self._closed:
                function(*args)

        here = threading.current_thread() is threading.main_thread()
        if here or self._loop is None or self._loop.is_closed():
            attempt()
        else:
            self._loop.call_soon_threadsafe(attempt)

    # The task

    async def _play(self) -> None:
        try:
            while self.playing:
                hear_interrupts()
                self._slice()
                for _ in range(TURNS):
                    await asyncio.sleep(0)
                while self.playing and (left := self._next() - time.perf_counter()) > 0:
                    await asyncio.sleep(min(left, NAP))
        finally:
            PLAYING.discard(self)
        if not self._closed:
            self.refresh()  # the latest picture, and an interrupt's message

    def _between(self) -> float:
        """Seconds from one piece to the next."""
        return self.slow or (1 / self.speed if self.speed else 0.0)

    def _next(self) -> float:
        """When the next piece may come; a speed that has just been raised counts at once."""
        return min(self._due, self._worked_at + self._between())

    def _slice(self) -> None:
        until = time.perf_counter() + SLICE
        try:
            while self.playing:
                self._work()
                now = self._worked_at = time.perf_counter()
                self._due = max(self._due, now - CATCH_UP) + self._between()
                if self.slow or now >= until or self._next() > now:
                    break
        except KeyboardInterrupt:  # an interrupt that found Python's own handler in place
            self.interrupt()
        except Exception as error:
            self.playing = False
            self.record(error)
            self.refresh()
        # What `show` adds only now and then has its own clock: the cheapest of some counts.
        # A speed leaves time to show more.
        share = max(self._share, PACED) if self.speed else self._share
        wait = max(self._between_frames, min(self._costs) / share)
        if self.playing and (self.slow or time.perf_counter() - self._drawn_at >= wait):
            self.refresh()

    # What is seen

    def refresh(self) -> None:
        """Draw now, and say what is seen."""
        # From the beginning, so that what it costs does not delay the next beyond its time.
        self._drawn_at = time.perf_counter()
        try:
            self.sentence = self._show()
        except Exception as error:
            self.record(error)
        self.drawn += 1
        now = time.perf_counter()
        self._costs.append(now - self._drawn_at)
        if not self.playing or self.error is not None or now - self._said_at >= TELL:
            self._said_at = now
            self.line.value = self._status()

    def record(self, error: Exception) -> None:
        """Keep a fault. A refused value lets the loop go on; anything else stops it."""
        if not isinstance(error, UserError):
            self.playing = False
        self.error = error
        self.message = str(error)

    def _status(self) -> str:
        """What the line says, as HTML."""
        if self.error is not None:
            return complaint(self.error)
        return status(f"{self.message} {self.sentence}".strip())

    def refuse(self, error: UserError) -> None:
        """Say why a number that was typed is not taken; playing goes on."""
        self.record(error)
        self.refresh()

    # Is anybody looking?

    def _heard(self, content: dict[str, Any]) -> None:
        if not content.get("gone"):
            self._heard_at = time.monotonic()
        elif self._loop is not None:
            asked_at = time.monotonic()
            self.presence.send({"ask": True})
            self._loop.call_later(PATIENCE, self._pause_if_alone, asked_at)

    def _pause_if_alone(self, asked_at: float) -> None:
        if self._heard_at < asked_at and self.playing and not self._closed:
            self.pause("Paused, because no view of this panel was in sight.")


PLAYING: weakref.WeakSet[Loop] = weakref.WeakSet()


def _interrupt_all(number: int, frame: FrameType | None) -> None:
    for loop in list(PLAYING):
        loop.interrupt()


def hear_interrupts() -> None:
    """An idle kernel ignores interrupts; while something plays they mean: pause.

    ipykernel puts its own handler back around each cell, and ours again after it.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, _interrupt_all)
