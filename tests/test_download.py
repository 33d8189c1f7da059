"""Downloading: mirrors that fail in every way, resuming, and nothing half-written.

All servers are on this machine; the files are small and their checksums stand in for MNIST's.
"""

import gzip
import hashlib
import http.server
import json
import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from gan_lessons.data import download as module
from gan_lessons.data import idx
from gan_lessons.data.download import download
from gan_lessons.errors import UserError

FIRST = "train-images-idx3-ubyte"
LOCK = ".download.lock"


def idx_bytes(array):
    sizes = b"".join(n.to_bytes(4, "big") for n in array.shape)
    return bytes([0, 0, 8, array.ndim]) + sizes + array.tobytes()


@pytest.fixture(scope="session")
def contents():
    """name → uncompressed bytes; noise, so that gzip cannot shrink them."""
    rng = np.random.default_rng(0)
    return {
        name: idx_bytes(rng.integers(0, 256, (300, 28, 28), np.uint8))
        if "idx3" in name
        else idx_bytes(rng.integers(0, 10, 300, np.uint8))
        for name in idx.SHA256
    }


@pytest.fixture
def files(contents):
    """What an honest mirror holds: file name → gzip bytes."""
    return {f"{name}.gz": gzip.compress(data, mtime=0) for name, data in contents.items()}


@pytest.fixture(autouse=True)
def checksums(contents, monkeypatch):
    found = {name: hashlib.sha256(data).hexdigest() for name, data in contents.items()}
    for name, checksum in found.items():
        monkeypatch.setitem(idx.SHA256, name, checksum)
    for variable in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(variable, raising=False)
    return found


class Plain(http.server.BaseHTTPRequestHandler):
    """A mirror without Range: every answer is the whole file."""

    ranges = False

    def do_GET(self):
        self.server.asked.append((self.path, self.headers.get("Range")))
        self.server.answering += 1
        try:
            self.answer(self.server.files.get(self.path.rsplit("/", 1)[1]))
        finally:
            self.server.answering -= 1

    def answer(self, data):
        if data is None:
            return self.send_error(404)
        start = 0
        if self.ranges and "Range" in self.headers:
            start = int(self.headers["Range"].removeprefix("bytes=").removesuffix("-"))
            if start >= len(data):
                return self.send_error(416)
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        self.body(data[start:])

    def body(self, data):
        self.wfile.write(data)
        self.server.sent += len(data)

    def log_message(self, *args):
        pass


class Ranges(Plain):
    ranges = True


class CutPlain(Plain):
    """Promises everything, sends 50,000 bytes at most."""

    def body(self, data):
        super().body(data[:50_000])


class CutRanges(CutPlain):
    ranges = True


class WrongRange(Plain):
    """Answers 206 with a range that nobody asked for."""

    def answer(self, data):
        if "Range" not in self.headers:
            return super().answer(data)
        self.send_response(206)
        self.send_header("Content-Range", f"bytes 5-9/{len(data)}")
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.body(data[5:10])


class Html(Plain):
    def answer(self, data):
        super().answer(b"<!DOCTYPE html><title>Log in to this network</title>")


class Silent(Plain):
    """Sends half a file, then nothing more."""

    ranges = True

    def body(self, data):
        super().body(data[:40_000])
        self.wfile.flush()
        self.server.released.wait(10)


class Drip(Ranges):
    """Sends slowly enough to be killed in between."""

    def body(self, data):
        for start in range(0, len(data), 8192):
            try:
                super().body(data[start : start + 8192])
            except OSError:
                return
            time.sleep(0.02)


class Held(Plain):
    """Sends the second half of each file only when the test says so."""

    def body(self, data):
        super().body(data[: len(data) // 2])
        self.wfile.flush()
        self.server.released.wait(60)
        super().body(data[len(data) // 2 :])


@pytest.fixture
def mirror():
    """Start servers by handler class; ``.asked`` and ``.sent`` tell what they saw."""
    servers = []

    def start(handler, files):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        server.files, server.asked, server.sent, server.answering = files, [], 0, 0
        server.released = threading.Event()
        server.url = f"http://127.0.0.1:{server.server_port}/mnist/"
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.released.set()
        server.shutdown()
        server.server_close()


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "data"


def listing(folder):
    return {path.name for path in folder.iterdir()} - {LOCK}


def get(folder, *mirrors):
    return download(folder, [m if isinstance(m, str) else m.url for m in mirrors], progress=False)


def assert_complete(folder, contents):
    assert listing(folder) == {f"{name}.gz" for name in contents}
    for name, data in contents.items():
        assert idx.read_bytes(folder / f"{name}.gz") == data


def part_of(folder, server, name=FIRST):
    mark = hashlib.sha256(f"{server.url}{name}.gz".encode()).hexdigest()[:8]
    return folder / f"{name}.gz.{mark}.part"


@pytest.mark.parametrize("handler", [Plain, Ranges])
def test_files_arrive_once(folder, mirror, files, contents, handler):
    server = mirror(handler, files)
    assert get(folder, server) == folder
    assert_complete(folder, contents)
    assert len(server.asked) == 4
    get(folder, server)
    assert len(server.asked) == 4


def test_only_what_is_missing_or_damaged_is_fetched(folder, mirror, files, contents):
    server = mirror(Plain, files)
    get(folder, server)
    names = list(contents)
    (folder / f"{names[0]}.gz").unlink()
    (folder / f"{names[1]}.gz").write_bytes(files[f"{names[1]}.gz"][:-20])
    (folder / f"{names[2]}.gz").unlink()
    (folder / names[2]).write_bytes(b"<html>")  # uncompressed names are read first
    (folder / f"{names[3]}.gz").unlink()
    (folder / names[3]).write_bytes(contents[names[3]])
    server.asked.clear()
    get(folder, server)
    assert [path.rsplit("/", 1)[1] for path, _ in server.asked] == [f"{n}.gz" for n in names[:3]]
    assert listing(folder) == {f"{n}.gz" for n in names[:3]} | {names[3]}
    assert all(idx.verify(folder, name) for name in names)


def test_other_valid_data_are_never_overwritten(folder, mirror, files):
    folder.mkdir()
    mine = folder / FIRST
    mine.write_bytes(idx_bytes(np.zeros((2, 28, 28), np.uint8)))
    before = mine.read_bytes()
    with pytest.raises(UserError, match="holds valid data that are not MNIST's"):
        get(folder, mirror(Plain, files))
    assert mine.read_bytes() == before
    assert listing(folder) == {FIRST}


def test_a_connection_that_breaks_off_is_continued(folder, mirror, files, contents):
    server = mirror(CutRanges, files)
    get(folder, server)
    assert_complete(folder, contents)
    assert server.sent == sum(map(len, files.values()))
    assert [r for path, r in server.asked if FIRST in path] == [
        None, "bytes=50000-", "bytes=100000-", "bytes=150000-", "bytes=200000-",
    ]  # fmt: skip


def test_without_ranges_the_next_mirror_starts_afresh(folder, mirror, files, contents):
    # The second mirror compresses differently: continuing the first one's part would fail.
    other = {name: gzip.compress(gzip.decompress(data), 0, mtime=0) for name, data in files.items()}
    cut, good = mirror(CutPlain, files), mirror(Ranges, other)
    get(folder, cut, good)
    assert_complete(folder, contents)
    assert [r for path, r in good.asked if FIRST in path] == [None]


def test_a_part_is_continued_only_from_its_own_mirror(folder, mirror, files, contents):
    other = {name: gzip.compress(gzip.decompress(data), 0, mtime=0) for name, data in files.items()}
    gone, first, second = mirror(Plain, {}), mirror(Ranges, files), mirror(Ranges, other)
    folder.mkdir()
    part_of(folder, first).write_bytes(files[f"{FIRST}.gz"][:70_000])
    part_of(folder, second).write_bytes(b"the part of another mirror")
    get(folder, gone, first, second)
    assert_complete(folder, contents)
    assert first.asked[0] == (f"/mnist/{FIRST}.gz", "bytes=70000-")
    assert second.asked == []


@pytest.mark.parametrize("handler", [Plain, Ranges, WrongRange])
@pytest.mark.parametrize("kind", ["other bytes", "too long", "complete"])
def test_a_useless_or_complete_part_ends_well(folder, mirror, files, contents, handler, kind):
    server = mirror(handler, files)
    whole = files[f"{FIRST}.gz"]
    folder.mkdir()
    part_of(folder, server).write_bytes(
        {"other bytes": bytes(1000), "too long": whole + b"more", "complete": whole}[kind]
    )
    get(folder, server)
    assert_complete(folder, contents)


FAULTS = [
    (Html, lambda files: files, "sent a web page instead of data"),
    (Plain, lambda files: {}, "answered 404 Not Found"),
    (Plain, lambda files: dict.fromkeys(files, b""), "sent nothing"),
    (Plain, lambda files: dict.fromkeys(files, b"PK not gzip"), "neither gzip nor IDX data"),
    (CutPlain, lambda files: files, "closed the connection after 50,000 of 2"),
    (
        Plain,
        lambda files: {name: data[:-30] for name, data in files.items()},
        "cannot be used: its gzip data stop too early",
    ),
    (
        Plain,
        lambda files: {n: d[:1000] + bytes(99) + d[1099:] for n, d in files.items()},
        "cannot be used: its gzip data are corrupt",
    ),
    (
        Ranges,
        lambda files: dict.fromkeys(files, gzip.compress(GOOD_BUT_OTHER, mtime=0)),
        r"other data than MNIST's \(the SHA-256 differs\)",
    ),
    (
        Plain,
        lambda files: dict.fromkeys(files, gzip.compress(b"<html>", mtime=0)),
        "cannot be used: it is a web page",
    ),
]
GOOD_BUT_OTHER = idx_bytes(np.zeros((2, 28, 28), np.uint8))


@pytest.mark.parametrize(("handler", "spoil", "words"), FAULTS)
def test_a_bad_mirror_is_named_with_its_reason(folder, mirror, files, handler, spoil, words):
    server = mirror(handler, spoil(files))
    with pytest.raises(UserError, match=f"Could not download {FIRST}.gz: {server.url} .*{words}"):
        get(folder, server)
    # Only what can be continued is kept, and never under the name of a finished file.
    kept = {part_of(folder, server).name} if handler is CutPlain else set()
    assert listing(folder) == kept
    assert len(server.asked) <= 2


@pytest.mark.parametrize(("handler", "spoil", "words"), FAULTS)
def test_after_a_bad_mirror_the_next_one_serves(
    folder, mirror, files, contents, handler, spoil, words
):
    get(folder, mirror(handler, spoil(files)), mirror(Plain, files))
    assert_complete(folder, contents)


def test_a_login_page_does_not_cost_what_has_arrived(folder, mirror, files):
    server = mirror(Html, files)
    folder.mkdir()
    part_of(folder, server).write_bytes(files[f"{FIRST}.gz"][:70_000])
    with pytest.raises(UserError, match="web page"):
        get(folder, server)
    assert part_of(folder, server).stat().st_size == 70_000


def test_a_silent_mirror_is_given_up(folder, mirror, files, contents, monkeypatch):
    monkeypatch.setattr(module, "TIMEOUT", 0.2)
    silent = mirror(Silent, files)
    silent.files = {name: data for name, data in files.items() if name == f"{FIRST}.gz"}
    monkeypatch.setattr(module, "ATTEMPTS", 2)
    with pytest.raises(UserError, match=r"was silent for 0\.2 seconds"):
        get(folder, silent)
    get(folder, silent, mirror(Plain, files))
    assert_complete(folder, contents)


def test_without_a_network_every_mirror_is_listed_with_what_to_do(folder):
    with pytest.raises(UserError) as caught:
        get(folder, "http://127.0.0.1:1/a", "http://name.invalid/b/", "http://127.0.0.1:x/")
    said = str(caught.value)
    for start in ("http://127.0.0.1:1/a/ cannot", "http://name.invalid/b/ cannot", ":x/ cannot"):
        assert start in said
    assert "Try again later" in said
    assert "set GAN_LESSONS_DATA" in said
    assert listing(folder) == set()


@pytest.mark.parametrize(
    "address",
    ["", "mnist", "ftp://host/", "file:///etc/", "http://", "https:///x", "http://[", "C:\\x"],
)
def test_only_http_addresses_are_mirrors(folder, address):
    with pytest.raises(UserError, match=r"begins with http:// or https://: "):
        download(folder, ["http://127.0.0.1:1/", address])
    assert not folder.exists()


def test_no_mirror_at_all_is_refused(folder):
    with pytest.raises(UserError, match="no mirror to download from"):
        download(folder, [])


def test_a_folder_that_cannot_be_written_is_named(tmp_path, mirror, files, monkeypatch):
    file = tmp_path / "file"
    file.write_text("mine")
    for place in (file, file / "below"):
        with pytest.raises(
            UserError, match=rf"Cannot write into {re.escape(str(place))}: .* you may write to"
        ):
            get(place, mirror(Plain, files))
    assert file.read_text() == "mine"

    def read_only(*args, **kwargs):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(os, "open", read_only)
    with pytest.raises(UserError, match="Read-only file system"):
        get(tmp_path, mirror(Plain, files))


def test_a_full_disk_is_named_and_what_has_arrived_stays(
    folder, mirror, files, contents, monkeypatch
):
    server = mirror(Ranges, files)
    room = 100_000
    real_open = Path.open

    def open_on_small_disk(path, mode="r", *args, **kwargs):
        file = real_open(path, mode, *args, **kwargs)
        if path.suffix == ".part" and mode != "rb":
            write = file.write

            class Small:
                def __getattr__(self, name):
                    return getattr(file, name)

                def __enter__(self):
                    return self

                def __exit__(self, *exception):
                    file.close()

                def write(self, data):
                    if file.tell() + len(data) > room:
                        raise OSError(28, "No space left on device")
                    return write(data)

            return Small()
        return file

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", open_on_small_disk)
        with pytest.raises(UserError, match=r"No space left on device.*disk with free space"):
            get(folder, server)
    assert listing(folder) == {part_of(folder, server).name}
    kept = part_of(folder, server).stat().st_size
    assert 0 < kept <= room
    get(folder, server)
    assert_complete(folder, contents)
    assert (f"/mnist/{FIRST}.gz", f"bytes={kept}-") in server.asked


def test_ctrl_c_leaves_a_part_that_is_continued(folder, mirror, files, contents, monkeypatch):
    server = mirror(Ranges, files)
    pieces = []

    def interrupted(response):
        pieces.append(1)
        if len(pieces) == 5:
            raise KeyboardInterrupt
        return response.read(module.PIECE)

    with monkeypatch.context() as patch:
        patch.setattr(module, "_read", interrupted)
        with pytest.raises(KeyboardInterrupt):
            get(folder, server)
    assert listing(folder) == {part_of(folder, server).name}
    assert part_of(folder, server).stat().st_size == 4 * module.PIECE
    get(folder, server)
    assert_complete(folder, contents)
    assert server.asked[1] == (f"/mnist/{FIRST}.gz", f"bytes={4 * module.PIECE}-")


def start_process(folder, url, checksums):
    code = (
        "import json, sys\n"
        "from gan_lessons.data import idx\n"
        "from gan_lessons.data.download import download\n"
        "idx.SHA256.update(json.loads(sys.argv[3]))\n"
        "print('ready', flush=True)\n"
        "download(sys.argv[1], [sys.argv[2]])\n"
    )
    return subprocess.Popen(
        [sys.executable, "-c", code, str(folder), url, json.dumps(checksums)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_killed_midway_it_continues_and_fetches_less(folder, mirror, files, contents, checksums):
    server = mirror(Drip, files)
    part = part_of(folder, server)
    with start_process(folder, server.url, checksums) as process:
        wait_for(lambda: part.exists() and part.stat().st_size >= 2 * module.PIECE)
        process.kill()
        process.communicate()
    assert process.returncode != 0
    assert listing(folder) == {part.name}
    kept = part.stat().st_size
    wait_for(lambda: server.answering == 0)
    server.sent = 0
    get(folder, server)
    assert_complete(folder, contents)
    assert server.sent == sum(map(len, files.values())) - kept


def test_two_processes_at_once_share_one_download(folder, mirror, files, contents, checksums):
    server = mirror(Held, files)
    with start_process(folder, server.url, checksums) as one:
        wait_for(lambda: server.asked)
        with start_process(folder, server.url, checksums) as two:
            assert "Waiting for another download" in two.stderr.readline()
            server.released.set()
            errors = [process.communicate(timeout=60)[1] for process in (one, two)]
    assert (one.returncode, two.returncode) == (0, 0)
    assert_complete(folder, contents)
    assert len(server.asked) == 4
    assert f"{FIRST}.gz" in errors[0]  # the progress bar
    assert errors[1] == ""


def test_the_default_folder_and_mirrors(folder, monkeypatch, mirror, files, contents):
    monkeypatch.setattr(module, "data_folder", lambda: folder)
    assert download(mirrors=[mirror(Plain, files).url.rstrip("/")], progress=False) == folder
    assert_complete(folder, contents)
    assert len(module.MIRRORS) >= 2
    assert all(address.startswith("https://") for address in module.MIRRORS)
