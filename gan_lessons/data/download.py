"""Fetching the full MNIST: several mirrors, none of them trusted, every file checked."""

import io
import math
import re
import time
from collections.abc import Sequence
from http.client import HTTPException, HTTPMessage
from pathlib import Path
from threading import Thread
from typing import IO, Final
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from gan_lessons.data import idx
from gan_lessons.data.digits import data_folder
from gan_lessons.errors import UserError
from gan_lessons.files import atomic_write, locked, user_path
from gan_lessons.progress_bar import ProgressBar

MIRRORS: Final = (
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://systemds.apache.org/assets/datasets/mnist/",
)
SILENCE = 20.0  # seconds that a mirror may send nothing
DEADLINE = 600.0  # seconds for one file from one mirror
PIECE: Final = 1 << 16


class MirrorError(Exception):
    """Why one mirror did not deliver, as the end of a sentence about it."""


def download(
    folder: str | Path | None = None, mirrors: Sequence[str] = MIRRORS, progress: bool = True
) -> Path:
    """Fetch the four MNIST files (12 MB) that are not there yet; return their folder.

    A file is written, whole, only after the SHA-256 of its uncompressed bytes was found right:
    Ctrl-C or a kill costs the file in flight. A second process waits for the first.

    Args:
        folder: where the files go; None means ``data_folder()``.
        mirrors: http(s) addresses that hold the .gz files, tried in order.
        progress: show a progress bar on stderr.

    Raises:
        UserError: no mirror delivers, the folder cannot be written, the disk is full, a mirror is
            no http(s) address, or valid data other than MNIST would be overwritten.
    """
    folder = data_folder() if folder is None else user_path(folder, "The folder for the download")
    if not mirrors:
        raise UserError("There is no mirror to download from. Name at least one http(s) address.")
    for mirror in mirrors:
        if not re.match("https?://[^/]", mirror):
            raise UserError(f"A mirror's address begins with http:// or https://, not {mirror!r}.")
    if all(_is_there(folder, name) for name in idx.SHA256):
        return folder
    waiting = f"Waiting for another download into {folder} to finish."
    with locked(folder / ".download.lock", waiting, wait=math.inf):
        for name in idx.SHA256:
            if not _is_there(folder, name):
                _fetch(folder, name, mirrors, progress)
    return folder


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


def _fetch(folder: Path, name: str, mirrors: Sequence[str], progress: bool) -> None:
    damaged = idx.find(folder, name)
    target = folder / f"{name}.gz"
    reasons = []
    for mirror in mirrors:
        try:
            content = _transfer(f"{mirror.rstrip('/')}/{target.name}", name, progress)
            break
        except MirrorError as error:
            reasons.append(f"{mirror} {error}")
    else:
        raise UserError(
            f"Could not download {target.name}: {'; '.join(reasons)}. Try again later (whole files "
            "that have arrived are kept), or copy the four MNIST files into a folder and set "
            "GAN_LESSONS_DATA to it."
        )
    with atomic_write(target) as temporary:
        temporary.write_bytes(content)
        if damaged is not None and damaged != target:
            damaged.unlink()  # it would be read instead


def _transfer(url: str, name: str, progress: bool) -> bytes:
    """Return the MNIST file ``name`` as a mirror sends it, checked."""
    transfer = _Transfer(url, limit=idx.MNIST_LARGEST + 1000)
    with ProgressBar(None, progress, prefix=f"{name}.gz", unit="B", unit_scale=True) as bar:
        deadline = time.monotonic() + DEADLINE
        transfer.start()
        try:
            while transfer.is_alive():
                transfer.join(0.1)
                bar.total = transfer.total
                bar.update(len(transfer.content))
                if time.monotonic() > deadline:
                    raise MirrorError(
                        f"sent {len(transfer.content):,} bytes in {DEADLINE:g} seconds, too slowly"
                    )
        finally:
            transfer.abandoned = True
    if transfer.failure:
        raise MirrorError(transfer.failure)
    content = bytes(transfer.content)
    _check(content, name)
    return content


def _check(content: bytes, name: str) -> None:
    if not content:
        raise MirrorError("sent nothing")
    try:
        array = idx.parse_idx(io.BytesIO(content), name, idx.MNIST_LARGEST)
    except idx.DamagedFile as error:
        raise MirrorError(f"sent a file that cannot be used: {error.reason}") from None
    if not idx.is_official(name, array):
        raise MirrorError("sent other data than MNIST's (the SHA-256 differs)")


class _Transfer(Thread):
    """Receives one file into memory.

    A mirror that sends a byte now and then, be it of the headers, never exceeds a socket's time
    limit. A thread can be abandoned at any time.
    """

    def __init__(self, url: str, limit: int) -> None:
        super().__init__(daemon=True)
        self.url, self.limit = url, limit
        self.content = bytearray()
        self.total: int | None = None
        self.failure = ""
        self.abandoned = False

    def run(self) -> None:
        try:
            self._receive()
        except (MirrorError, OSError, HTTPException, ValueError) as error:
            said = "".join(c if c.isprintable() else " " for c in _reason(error))
            self.failure = " ".join(said.split())[:200]  # one short line, whatever a mirror says

    def _receive(self) -> None:
        headers = {"User-Agent": "gan-lessons", "Accept-Encoding": "identity"}
        request = Request(self.url, headers=headers)
        with build_opener(_SafeRedirects).open(request, timeout=SILENCE) as response:
            if response.status != 200:
                raise MirrorError(f"answered {response.status} to a request for a whole file")
            self.total = response.length
            while not self.abandoned and (piece := response.read1(PIECE)):
                self.content += piece
                if len(self.content) > self.limit:
                    raise MirrorError(f"sent more than the {self.limit:,} bytes that can be right")
        if self.total is not None and len(self.content) < self.total:
            raise MirrorError(
                f"closed the connection after {len(self.content):,} of {self.total:,} bytes"
            )


class _SafeRedirects(HTTPRedirectHandler):
    """Follows a redirect that is no worse than what was asked for, and reads nothing of it."""

    inf_msg = "and redirects without an end: "

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> Request | None:
        fp.close()  # else all that it sends would be read
        allowed = ("https",) if req.type == "https" else ("http", "https")
        if urlsplit(newurl).scheme not in allowed:
            raise MirrorError(f"redirects to {newurl}, which is not {' or '.join(allowed)}")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _reason(error: Exception) -> str:
    if isinstance(error, MirrorError):
        return str(error)
    if isinstance(error, HTTPError):
        error.close()
        return f"answered {error.code} {error.reason}"
    if isinstance(error, HTTPException):
        return f"sent no proper answer ({error})"
    cause = error.reason if isinstance(error, URLError) else error
    if isinstance(cause, TimeoutError):
        return f"was silent for {SILENCE:g} seconds"
    return f"cannot be reached ({getattr(cause, 'strerror', None) or cause})"
