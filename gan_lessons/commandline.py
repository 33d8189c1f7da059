"""What every command line of the course shares: its parser, and how a command ends.

A program makes a `Parser`, sets ``run`` to the function that does its work, and ends with
`run_command`::

    parser = Parser(prog="gan-lessons", description="…")
    parser.add_argument("--steps", type=whole_number(1, 100))
    parser.set_defaults(run=work)  # work(parsed: argparse.Namespace) -> int | None
    sys.exit(run_command(parser))

Whatever goes wrong is one sentence on stderr and exit code 2; Ctrl-C is one line and 130.
"""

import argparse
import io
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TextIO, TypeAlias, TypeVar, cast

from gan_lessons import interrupts
from gan_lessons.errors import UserError

if TYPE_CHECKING:
    from _typeshed import SupportsWrite

WRONG = 2  # the exit code of a user's mistake
Number = TypeVar("Number", int, float)


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence, without the usage before it."""

    def error(self, message: str) -> NoReturn:
        self.exit(WRONG, f"{self.prog}: {_one_line(message)}; see {self.prog} --help.\n")

    def parse_known_args(self, *args: Any, **kwargs: Any) -> Any:
        """What a command does not know it refuses itself: the sentence names the command's help."""
        parsed, unknown = super().parse_known_args(*args, **kwargs)
        if unknown:
            self.error(f"there is no argument {' '.join(unknown)}")
        return parsed, unknown

    def _print_message(self, message: str, file: "SupportsWrite[str] | None" = None) -> None:
        (file or sys.stderr).write(message)  # argparse would say nothing of a full disk


Commands: TypeAlias = "argparse._SubParsersAction[Parser]"  # what `add_subparsers` returns


def whole_number(low: int, high: int) -> Callable[[str], int]:
    """An argument type: a whole number in a range, refused in words."""
    return _number(int, low, high, "a whole number")


def real_number(low: float, high: float) -> Callable[[str], float]:
    """An argument type: a number in a range, refused in words."""
    return _number(float, low, high, "a number")


def _number(kind: type[Number], low: Number, high: Number, words: str) -> Callable[[str], Number]:
    def parse(text: str) -> Number:
        with suppress(ValueError):
            value = kind(text)
            if low <= value <= high:
                return value
        raise argparse.ArgumentTypeError(
            f"{text!r} will not do; choose {words} from {low:,} to {high:,}"
        )

    return parse


def file_path(text: str) -> Path:
    """An argument type: a path that is not empty, with a home folder in the place of its ``~``."""
    if not text:
        raise argparse.ArgumentTypeError("'' will not do; give a name or a path")
    try:
        return Path(text).expanduser()
    except RuntimeError:
        raise argparse.ArgumentTypeError(
            f"{text!r} will not do, there is no such user; write the folder's path in full"
        ) from None


def run_command(parser: Parser, arguments: Sequence[str] | None = None) -> int:
    """Parse the arguments, call ``parsed.run(parsed)`` and return the exit code.

    Args:
        parser: its defaults hold ``run``, which returns an exit code or None for 0.
        arguments: None for those of this process, whose standard streams and Ctrl-C are then
            taken over until it ends; a list leaves both alone, for tests and notebooks.
    """
    own_process = arguments is None
    if own_process:
        interrupts.end_at_once(parser.prog)
        _mend_streams()
        os.environ.pop("MPLBACKEND", None)  # pictures go into files: no window system is needed
    code, sentence = _work(parser, arguments, own_process)
    if own_process:
        interrupts.ignore()
    try:
        sys.stdout.flush()
    except OSError as error:
        # Python flushes once more at its end, and would complain in its own way.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code, sentence = WRONG, sentence or f"The output cannot be written: {error.strerror}."
    if sentence:
        print(f"{parser.prog}: {_one_line(sentence)}", file=sys.stderr)
    return code


def _work(parser: Parser, arguments: Sequence[str] | None, own_process: bool) -> tuple[int, str]:
    """The exit code, and what is to be said on stderr."""
    try:
        if own_process:
            interrupts.raise_once(parser.prog)
        parsed = parser.parse_args(arguments)
        return int(parsed.run(parsed) or 0), ""
    except SystemExit as end:  # argparse has said what there is to say
        return cast(int, end.code or 0), ""
    except UserError as error:
        return WRONG, str(error)
    except UnicodeError as error:  # an argument whose bytes are no text in this locale
        return WRONG, f"There are characters here that this system cannot read or write: {error}."
    except OSError as error:  # a file that may not be read, a name that is too long, …
        return WRONG, f"The system refuses: {error}."
    except KeyboardInterrupt as stop:
        return interrupts.INTERRUPTED, str(stop) or "interrupted."


def _one_line(text: str) -> str:
    return " ".join(text.split())


# The process's own streams


class _Unread:
    """A stream whose reader may be gone: what cannot be written is dropped, and work goes on."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        with suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._stream.flush()


def _mend_streams() -> None:
    """Let no terminal, closed descriptor or full disk cost a result that took a minute."""
    for name in ("stdin", "stdout", "stderr"):  # in this order, each gets its own descriptor back
        if getattr(sys, name) is None:  # closed by the shell, as in 2>&-
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # an é on a terminal that knows ASCII only
    sys.stderr = cast(TextIO, _Unread(sys.stderr))
