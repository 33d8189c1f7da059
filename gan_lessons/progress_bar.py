"""A progress bar on stderr that suits a terminal, a pipe or a log, and never stops the work."""

import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Final, Self

from tqdm import tqdm

REDRAW: Final = 0.1  # seconds between two states of the bar on a terminal
LINE: Final = 10.0  # seconds between two lines in a pipe or a log


class ProgressBar:
    """What is done of ``total``: one line that changes on a terminal, else a line now and then.

    Use it in a ``with`` statement; the last state is written at its end. A stderr that is closed,
    or whose disk is full, ends the bar and not the work.

    Args:
        total: what there is to do; None if that is not known.
        show: False for a bar that writes nothing.
        style: how it looks, in the words of ``tqdm.format_meter``: prefix, unit, unit_scale,
            bar_format, initial.
    """

    def __init__(self, total: float | None, show: bool = True, **style: Any) -> None:
        self.total = total
        self._style = style
        self._stream = sys.stderr if show else None
        self._in_place = False
        with self._harmless():
            self._in_place = self._stream is not None and self._stream.isatty()
        self._start = time.monotonic()
        self._due = self._start + (0 if self._in_place else LINE)  # when to write next
        self._state = self._written = (float(style.get("initial", 0)), "")
        self._width = 0

    def update(self, done: float, note: str = "") -> None:
        """Say how much is done in all, with a note about the present state."""
        self._state = (done, note)
        if time.monotonic() >= self._due:
            self._write()

    def _write(self) -> None:
        self._due = time.monotonic() + (REDRAW if self._in_place else LINE)
        self._written = self._state
        with self._harmless():
            if self._stream is None:
                return
            text = self._text()
            if self._in_place:
                self._stream.write(f"\r{text:{self._width}}")  # over what was longer
                self._width = len(text)
            else:
                self._stream.write(f"{text}\n")
            self._stream.flush()

    @contextmanager
    def _harmless(self) -> Iterator[None]:
        """Let the bar end where it cannot be written, and the work go on."""
        try:
            yield
        except (OSError, ValueError):  # a full disk, a pipe without a reader; a closed file
            self._stream = None

    def _text(self) -> str:
        encoding = getattr(self._stream, "encoding", None) or "ascii"
        text: str = tqdm.format_meter(
            self._state[0],
            self.total,
            time.monotonic() - self._start,
            ncols=shutil.get_terminal_size().columns - 1 if self._in_place else None,
            ascii=not encoding.lower().startswith("utf"),
            postfix=self._state[1],
            **self._style,
        )
        return text

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._in_place or self._state != self._written:
            self._write()
        with self._harmless():
            if self._in_place and self._stream is not None:
                self._stream.write("\n")
                self._stream.flush()
