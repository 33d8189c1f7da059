"""Writing files so that nothing is ever half-written, and by one process at a time."""

import math
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from gan_lessons.errors import UserError


@contextmanager
def atomic_write(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path in the same folder; rename it to ``path`` when the block succeeds.

    Whoever reads ``path`` sees the old file or the new one, whole, even after a power cut. If
    the block fails, the temporary file is removed and ``path`` is left as it was. What a killed
    process left of an earlier write of ``path`` is removed.

    Raises:
        UserError: the folder cannot be made or written, or the disk is full.
    """
    path = Path(path)
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_leftovers(path)
        # With the id of its process, a later write can tell a leftover from a write going on.
        handle, name = tempfile.mkstemp(
            prefix=f".{path.name}.{os.getpid()}.", suffix=path.suffix, dir=path.parent
        )
        os.close(handle)
        temporary = Path(name)
        yield temporary
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        temporary.replace(path)
    except OSError as error:
        raise _cannot_write(path, error) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def remove_leftovers(path: str | Path) -> None:
    """Delete what killed processes left beside ``path`` while they wrote it."""
    path = Path(path)
    ours = re.compile(rf"\.{re.escape(path.name)}\.(\d+)\.\w+{re.escape(path.suffix)}")
    with suppress(OSError):  # leftovers are no reason not to write
        for other in path.parent.iterdir():
            process = ours.fullmatch(other.name)
            if process and not _is_running(int(process[1])):
                other.unlink(missing_ok=True)


def _is_running(process: int) -> bool:
    if sys.platform == "win32":  # there, os.kill would end it
        return True
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


@contextmanager
def locked(path: str | Path, held: str, wait: float = 0.0) -> Iterator[None]:
    """Hold the lock file ``path`` while the block runs: no other process or thread can, too.

    The system releases the lock however the process ends; the empty file stays.

    Args:
        path: the lock file; its folder is made where there is none.
        held: the sentence for when another one holds the lock.
        wait: seconds to wait for it; after the first of them, ``held`` is printed on stderr.

    Raises:
        UserError: ``held``, when the time is up; or the file cannot be made.
    """
    path = Path(path)
    lock = FileLock(path, thread_local=False)  # a generator may end in another thread
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=min(wait, 1.0))
        except Timeout:
            if wait <= 1:
                raise
            print(held, file=sys.stderr)
            lock.acquire(timeout=-1 if math.isinf(wait) else wait - 1)
    except Timeout:
        raise UserError(held) from None
    except OSError as error:
        raise _cannot_write(path, error) from error
    try:
        yield
    finally:
        lock.release()


def user_path(text: str | Path, what: str) -> Path:
    """Return the path that a person wrote, with ~ and ~name expanded; ``what`` names its source.

    Raises:
        UserError: there is no such user, or the text is not what a name can be written in.
    """
    try:
        os.fspath(text).encode("utf-8")
    except UnicodeEncodeError:  # bytes of the command line or environment that were no text
        raise UserError(f"{what} is {text!r}, which is not text in UTF-8.") from None
    try:
        return Path(text).expanduser()
    except RuntimeError:
        raise UserError(
            f"{what} is {str(text)!r}, but there is no home folder of that name. "
            "Write the path without ~."
        ) from None


def _cannot_write(path: Path, error: OSError) -> UserError:
    return UserError(
        f"Cannot write {path}: {error.strerror or error}. "
        "Choose a folder that you may write to, on a disk with free space."
    )
