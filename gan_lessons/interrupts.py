"""Ctrl-C: one line and exit code 130, however early and often; and never in half a step.

This imports little, so that a command can call `end_at_once` before it imports anything else.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

INTERRUPTED = 130  # the exit code


def end_at_once(program: str) -> None:
    """Let Ctrl-C end the process, with a line on stderr that begins with the program's name."""
    _handle(lambda *_: _end(program))


def raise_once(program: str) -> None:
    """Make the first Ctrl-C a KeyboardInterrupt that the work can act on; a second ends at once.

    An import that is interrupted may abort the process, or swallow the interrupt, and there is
    nothing to save yet: there, the first ends at once too.
    """

    def interrupt(*_: object) -> None:
        end_at_once(program)
        if _importing(sys._getframe(1)):
            _end(program)
        raise KeyboardInterrupt

    _handle(interrupt)


def ignore() -> None:
    """From now on Ctrl-C does nothing: the work is done, and what remains takes no time."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def defer_interrupts() -> Iterator[None]:
    """Hold a keyboard interrupt back until the block is done, so that a step is never half done."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    waiting: list[tuple[int, FrameType | None]] = []
    usual = signal.signal(signal.SIGINT, lambda number, frame: waiting.append((number, frame)))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, usual)
    if waiting and callable(usual):
        usual(*waiting[0])


@contextmanager
def noted() -> Iterator[Callable[[], bool]]:
    """While the block runs, Ctrl-C and termination only raise a flag; yield what asks for it."""
    raised: list[int] = []
    usual = {
        number: signal.signal(number, lambda number, _: raised.append(number))
        for number in (signal.SIGINT, signal.SIGTERM)
        if signal.getsignal(number) != signal.SIG_IGN
    }
    try:
        yield lambda: bool(raised)
    finally:
        for number, handler in usual.items():
            signal.signal(number, handler)


def _handle(handler: Callable[[int, FrameType | None], None]) -> None:
    # A shell switches Ctrl-C off for what it starts in the background; there it stays off.
    if signal.getsignal(signal.SIGINT) != signal.SIG_IGN:
        signal.signal(signal.SIGINT, handler)


def _end(program: str) -> None:
    try:
        os.write(2, f"{program}: interrupted.\n".encode())
    finally:
        os._exit(INTERRUPTED)


def _importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False
