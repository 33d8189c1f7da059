"""Fetching the full MNIST: several mirrors, resumable, checked before it counts."""

import hashlib
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import Final
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from filelock import FileLock, Timeout
from tqdm import tqdm

from gan_lessons.data import idx
from gan_lessons.data.digits import data_folder
from gan_lessons.errors import UserError

MIRRORS: Final = (
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://systemds.apache.org/assets/datasets/mnist/",
)
TIMEOUT = 20.0  # seconds without a byte
ATTEMPTS: Final = 10  # at one mirror, while each one changes what has arrived
PIECE: Final = 1 << 14  # bytes between writes: what a kill can cost


class MirrorError(Exception):
    """Why one mirror did not deliver, as the end of a sentence about it."""


def download(
    folder: str | Path | None = None, mirrors: Sequence[str] = MIRRORS, progress: bool = True
) -> Path:
    """Fetch the four MNIST files (12 MB) that are not there yet; return their folder.

    A file gets its name only after the SHA-256 of its uncompressed bytes was found right. Until
    then it grows as ``NAME.gz.MIRROR.part``, from which the next call continues, after Ctrl-C, a
    kill or a lost connection. A second process waits for the first.

    Args:
        folder: where the files go; None means ``data_folder()``.
        mirrors: http(s) addresses that hold the .gz files, tried in order.
        progress: draw a progress bar on stderr.

    Raises:
        UserError: no mirror delivers, the folder cannot be written, the disk is full, a mirror is
            no http(s) address, or valid data other than MNIST would be overwritten.
    """
    folder = data_folder() if folder is None else Path(folder).expanduser()
    bases = [_address(mirror) for mirror in mirrors]
    if not bases:
        raise UserError("There is no mirror to download from. Name at least one http(s) address.")
    if all(_is_there(folder, name) for name in idx.SHA256):
        return folder
    with _disk(folder), _alone(folder):
        for name in idx.SHA256:
            if not _is_there(folder, name):
                _fetch(folder, name, bases, progress)
    return folder


def _address(mirror: str) -> str:
    try:
        parts = urlsplit(mirror)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        usable = False
    if not usable:
        raise UserError(f"A mirror is an address that begins with http:// or https://: {mirror!r}.")
    return mirror.rstrip("/") + "/"


def _is_there(folder: Path, name: str) -> bool:
    """Whether nothing is left to do for a file; a damaged one counts as absent."""
    try:
        if idx.verify(folder, name):
            return True
    except idx.DamagedFile:
        return False
    other = idx.find(folder, name)
    if other is None:
        return False
    raise UserError(
        f"{other} holds valid data that are not MNIST's. They are not overwritten: move them away, "
        "or download into another folder."
    )


@contextmanager
def _disk(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UserError(
            f"Cannot write into {folder}: {error.strerror or error}. "
            "Choose a folder that you may write to, on a disk with free space."
        ) from error


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the folder's lock, which the system releases however the process ends."""
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / ".download.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        print(f"Waiting for another download into {folder} to finish.", file=sys.stderr)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _fetch(folder: Path, name: str, bases: list[str], progress: bool) -> None:
    damaged = idx.find(folder, name)
    target = folder / f"{name}.gz"
    reasons = []
    for base in bases:
        try:
            part = _from_mirror(base + target.name, target, name, progress)
            break
        except MirrorError as error:
            reasons.append(f"{base} {error}")
    else:
        raise UserError(
            f"Could not download {target.name}: {'; '.join(reasons)}. Try again later (what has "
            "arrived is kept), or copy the four MNIST files into a folder and set "
            "GAN_LESSONS_DATA to it."
        )
    part.replace(target)
    if damaged is not None and damaged != target:
        damaged.unlink()  # it would be read instead
    for leftover in folder.glob(f"{target.name}.*.part"):
        leftover.unlink()


def _from_mirror(url: str, target: Path, name: str, progress: bool) -> Path:
    """Return a complete and verified part file; tries again while that changes what is there."""
    # One part per address: mirrors compress differently, so one cannot continue another's part.
    mark = hashlib.sha256(url.encode()).hexdigest()[:8]
    part = target.with_name(f"{target.name}.{mark}.part")
    failure = MirrorError("was not tried")
    for _ in range(ATTEMPTS):
        before = _size(part)
        try:
            _transfer(url, part, progress)
            _check(part, name)
            return part
        except MirrorError as error:
            failure = error
        if _size(part) == before:
            break
    raise failure


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _transfer(url: str, part: Path, progress: bool) -> None:
    """Continue or begin a part file. Leaves it alone if the answer cannot be the file."""
    have = _size(part)
    response = _open(url, have)
    if response is None:
        return  # nothing after what we have: the checksum decides
    with response:
        if response.status != 206:
            have = 0
        elif not response.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
            part.unlink()
            raise MirrorError("sent another range than it was asked for")
        total = None if response.length is None else have + response.length
        piece = _read(response)
        if have == 0:
            _check_beginning(piece)
        with (
            part.open("ab" if have else "wb") as file,
            tqdm(
                desc=url.rsplit("/", 1)[1],
                total=total,
                initial=have,
                unit="B",
                unit_scale=True,
                disable=not progress,
            ) as bar,
        ):
            while piece:
                file.write(piece)
                file.flush()
                bar.update(len(piece))
                piece = _read(response)
            os.fsync(file.fileno())
    if total is not None and _size(part) < total:
        raise MirrorError(f"closed the connection after {_size(part):,} of {total:,} bytes")


def _open(url: str, have: int) -> HTTPResponse | None:
    """Ask for a file from byte ``have`` on; None if the server says that it ends there."""
    headers = {"User-Agent": "gan-lessons", "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    try:
        response: HTTPResponse = urlopen(Request(url, headers=headers), timeout=TIMEOUT)
    except HTTPError as error:
        error.close()
        if error.code == 416 and have:
            return None
        raise MirrorError(f"answered {error.code} {error.reason}") from error
    except (OSError, HTTPException, ValueError) as error:
        raise _network(error) from error
    return response


def _read(response: HTTPResponse) -> bytes:
    try:
        return response.read(PIECE)
    except (OSError, HTTPException) as error:
        raise _network(error) from error


def _network(error: Exception) -> MirrorError:
    cause = error.reason if isinstance(error, URLError) else error
    if isinstance(cause, TimeoutError):
        return MirrorError(f"was silent for {TIMEOUT:g} seconds")
    return MirrorError(f"cannot be reached ({getattr(cause, 'strerror', None) or cause})")


def _check_beginning(piece: bytes) -> None:
    """Refuse a login page and the like before it overwrites what has arrived earlier."""
    if not piece:
        raise MirrorError("sent nothing")
    if idx.looks_like_html(piece):
        raise MirrorError("sent a web page instead of data (does this network ask you to log in?)")
    if not piece.startswith((idx.GZIP_MAGIC, idx.IDX_MAGIC)):
        raise MirrorError("sent something that is neither gzip nor IDX data")


def _check(part: Path, name: str) -> None:
    """Delete a part whose content is not the MNIST file ``name``."""
    try:
        official = idx.is_official(name, idx.read_bytes(part))
        reason = "sent other data than MNIST's (the SHA-256 differs)"
    except idx.DamagedFile as error:
        official = False
        reason = f"sent a file that cannot be used: {error.reason}"
    if not official:
        part.unlink()
        raise MirrorError(reason)
