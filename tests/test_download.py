"""Downloading: mirrors that fail in every way, and nothing half-written.

All servers are on this machine; the files are small and their checksums stand in for MNIST's.
"""

import gzip
import hashlib
import http.server
import io
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from http.client import HTTPMessage
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
    return idx.header(array.shape) + array.tobytes()


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
    monkeypatch.setattr(idx, "MNIST_LARGEST", 300 * 28 * 28)
    for variable in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(variable, raising=False)
    return found


class Server(http.server.ThreadingHTTPServer):
    """A mirror; ``asked`` tells what for, ``hung_up`` that nobody listens any more."""

    def __init__(self, handler, files):
        super().__init__(("127.0.0.1", 0), handler)
        self.files: dict[str, bytes] = files
        self.asked: list[str] = []
        self.released, self.hung_up = threading.Event(), threading.Event()
        self.url = f"http://127.0.0.1:{self.server_port}/mnist/"


class Plain(http.server.BaseHTTPRequestHandler):
    """An honest mirror; others send something else."""

    server: Server

    def do_GET(self):
        self.server.asked.append(self.path)
        try:
            self.answer(self.server.files.get(self.path.rsplit("/", 1)[1]))
        except OSError:
            self.server.hung_up.set()

    def answer(self, data):
        if data is None:
            return self.send_error(404)
        self.begin(200, ("Content-Length", str(len(data))))
        self.body(data)

    def begin(self, code, *headers):
        self.send_response(code)
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()

    def body(self, data):
        self.wfile.write(data)

    def trickle(self, pieces):
        """Send pieces, one in a hundredth of a second, until the test ends."""
        for piece in pieces:
            self.wfile.write(piece)
            if self.server.released.wait(0.01):
                return

    def log_message(self, *args):
        pass


class Cut(Plain):
    """Promises everything, sends 50,000 bytes at most."""

    def body(self, data):
        super().body(data[:50_000])


class Html(Plain):
    def answer(self, data):
        super().answer(b"<!DOCTYPE html><title>Log in to this network</title>")


class Partial(Plain):
    """Answers 206 to a request without a range."""

    def answer(self, data):
        self.begin(206, ("Content-Range", "bytes 5-9/100"), ("Content-Length", "5"))
        self.body(data[5:10])


class NegativeChunk(Plain):
    def answer(self, data):
        self.begin(200, ("Transfer-Encoding", "chunked"))
        self.body(b"-5\r\n" + data[:1000])


class Endless(Plain):
    """Sends and sends: 20 MB at most."""

    def answer(self, data):
        self.begin(200)
        for _ in range(20):
            self.body(bytes(1 << 20))


class EndlessRedirectBody(Plain):
    """Redirects to where nothing is, with a body of 20 MB."""

    def answer(self, data):
        if data is None:
            return self.send_error(404)
        self.begin(302, ("Location", "/elsewhere"))
        for _ in range(20):
            self.body(bytes(1 << 20))


class Circle(Plain):
    def answer(self, data):
        self.begin(302, ("Location", self.path), ("Content-Length", "0"))


class Spiral(Plain):
    """Redirects to another address every time, 100 times at most."""

    def answer(self, data):
        if len(self.server.asked) > 100:
            return self.send_error(404)
        self.begin(307, ("Location", f"{self.path}x"), ("Content-Length", "0"))


class ToFile(Plain):
    def answer(self, data):
        self.begin(302, ("Location", "file:///etc/hostname"), ("Content-Length", "0"))


class OddStatus(Plain):
    """Puts control characters and a long text into its status line."""

    def answer(self, data):
        self.wfile.write(b"HTTP/1.1 503 gone\x0bfor\x1bgood" + b" or" * 9999 + b"\r\n\r\n")


class Silent(Plain):
    """Sends half a file, then nothing more."""

    def body(self, data):
        super().body(data[:40_000])
        self.wfile.flush()
        self.server.released.wait(10)


class SlowBody(Plain):
    """A byte now and then, 1,000 at most."""

    def body(self, data):
        self.trickle(data[i : i + 1] for i in range(1000))


class SlowHeaders(Plain):
    def answer(self, data):
        self.wfile.write(b"HTTP/1.1 200 OK\r\n")
        self.trickle([b"X"] * 1000)


class Held(Plain):
    """Sends the second half of each file only when the test says so."""

    def body(self, data):
        super().body(data[: len(data) // 2])
        self.wfile.flush()
        self.server.released.wait(60)
        super().body(data[len(data) // 2 :])


class HeldTests(Held):
    """Sends the training files at once."""

    def body(self, data):
        if "train" in self.path:
            Plain.body(self, data)
        else:
            super().body(data)


@pytest.fixture
def mirror():
    """Start servers by handler class; ``.asked`` tells what for."""
    servers = []

    def start(handler, files):
        server = Server(handler, files)
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
        array = idx.read_idx(folder / f"{name}.gz")
        assert idx.header(array.shape) + array.tobytes() == data


def test_files_arrive_once(folder, mirror, files, contents):
    server = mirror(Plain, files)
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
    assert [path.rsplit("/", 1)[1] for path in server.asked] == [f"{n}.gz" for n in names[:3]]
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


GOOD_BUT_OTHER = idx_bytes(np.zeros((2, 28, 28), np.uint8))
HUGE = idx.header((1000, 1000, 1000)) + bytes(1000)  # its gzip data could go on


def same(files):
    return files


FAULTS = [
    (
        Html,
        same,
        r"sent a file that cannot be used: it is a web page instead of data .*to log in",
    ),
    (Plain, lambda files: {}, "answered 404 Not Found"),
    (Plain, lambda files: dict.fromkeys(files, b""), "sent nothing"),
    (
        Plain,
        lambda files: dict.fromkeys(files, b"PK no gzip"),
        "sent .* it begins with 50 4b 20 6e",
    ),
    (Cut, same, "closed the connection after 50,000 of 2"),
    (
        Plain,
        lambda files: {name: data[:-30] for name, data in files.items()},
        "sent a file that cannot be used: its gzip data stop too early",
    ),
    (
        Plain,
        lambda files: {n: d[:1000] + bytes(99) + d[1099:] for n, d in files.items()},
        "sent a file that cannot be used: its gzip data are corrupt",
    ),
    (
        Plain,
        lambda files: dict.fromkeys(files, gzip.compress(GOOD_BUT_OTHER, mtime=0)),
        r"sent other data than MNIST's \(the SHA-256 differs\)",
    ),
    (
        Plain,
        lambda files: dict.fromkeys(files, gzip.compress(HUGE, mtime=0)),
        "sent a file that cannot be used: it is too large: .* at most 235,200 make sense",
    ),
    (Partial, same, "answered 206 to a request for a whole file"),
    (NegativeChunk, same, "sent no proper answer "),
    (Endless, same, "sent more than the 236,200 bytes that can be right"),
    (EndlessRedirectBody, same, "answered 404 Not Found"),
    (Circle, same, "answered 302 and redirects without an end: Found"),
    (Spiral, same, "answered 307 and redirects without an end: Temporary Redirect"),
    (ToFile, same, "answered 302 .*file:///etc/hostname.* is not allowed"),
    (OddStatus, same, "answered 503 gone for good or or or "),
]
FAULT_NAMES = [f"{n}-{handler.__name__}" for n, (handler, _, _) in enumerate(FAULTS)]


@pytest.mark.parametrize(("handler", "spoil", "words"), FAULTS, ids=FAULT_NAMES)
def test_a_bad_mirror_is_named_with_its_reason(folder, mirror, files, handler, spoil, words):
    server = mirror(handler, spoil(files))
    with pytest.raises(UserError) as caught:
        get(folder, server)
    said = str(caught.value)
    assert re.match(f"Could not download {FIRST}.gz: {server.url} {words}", said)
    assert said.isprintable()  # no line breaks either
    assert len(said) < 600
    assert listing(folder) == set()
    assert len(server.asked) <= 12


@pytest.mark.parametrize(("handler", "spoil", "words"), FAULTS, ids=FAULT_NAMES)
def test_after_a_bad_mirror_the_next_one_serves(
    folder, mirror, files, contents, handler, spoil, words
):
    # The second one compresses differently.
    other = {name: gzip.compress(gzip.decompress(data), 0, mtime=0) for name, data in files.items()}
    get(folder, mirror(handler, spoil(files)), mirror(Plain, other))
    assert_complete(folder, contents)


def test_every_mirror_is_listed_with_its_reason(folder, mirror, files):
    gone, partial = mirror(Plain, {}), mirror(Partial, files)
    with pytest.raises(UserError, match=rf"{gone.url} answered 404.*; {partial.url} answered 206"):
        get(folder, gone, partial)


def test_an_endless_stream_is_left(folder, mirror, files):
    endless = mirror(Endless, files)
    with pytest.raises(UserError, match="sent more than"):
        get(folder, endless)
    assert endless.hung_up.wait(60)


def test_a_silent_mirror_is_given_up(folder, mirror, files, contents, monkeypatch):
    monkeypatch.setattr(module, "SILENCE", 0.2)
    silent = mirror(Silent, {f"{FIRST}.gz": files[f"{FIRST}.gz"]})
    with pytest.raises(UserError, match=r"was silent for 0\.2 seconds"):
        get(folder, silent)
    get(folder, silent, mirror(Plain, files))
    assert_complete(folder, contents)


@pytest.mark.parametrize("handler", [SlowBody, SlowHeaders])
def test_a_byte_now_and_then_is_not_enough(folder, mirror, files, contents, monkeypatch, handler):
    monkeypatch.setattr(module, "DEADLINE", 0.3)
    slow = mirror(handler, {f"{FIRST}.gz": files[f"{FIRST}.gz"]})
    with pytest.raises(UserError, match=r"sent \d+ bytes in 0\.3 seconds, too slowly"):
        get(folder, slow)
    monkeypatch.setattr(module, "DEADLINE", 60)
    get(folder, mirror(Plain, files))
    assert_complete(folder, contents)


@pytest.mark.parametrize(
    ("asked", "to", "followed"),
    [
        ("https://host/a", "https://other/a", True),
        ("http://host/a", "https://host/a", True),
        ("http://host/a", "http://other/a", True),
        ("https://host/a", "http://host/a", False),
        ("https://host/a", "ftp://host/a", False),
        ("http://host/a", "ftp://host/a", False),
    ],
)
def test_no_redirect_leads_from_https_to_less(asked, to, followed):
    request = urllib.request.Request(asked)
    answer = io.BytesIO(b"a body that nobody reads")
    redirect = module._SafeRedirects()

    def follow():
        return redirect.redirect_request(request, answer, 302, "Found", HTTPMessage(), to)

    if followed:
        assert follow().full_url == to
    else:
        with pytest.raises(module.MirrorError, match=f"redirects to {to}, which is not http"):
            follow()
    assert answer.closed


def test_without_a_network_every_mirror_is_listed_with_what_to_do(folder):
    addresses = ["http://127.0.0.1:1/a/", "http://name.invalid/b/", "http://h:x/", "http://["]
    with pytest.raises(UserError) as caught:
        get(folder, *addresses)
    said = str(caught.value)
    for address in addresses[:2]:
        assert f"{address} cannot be reached (" in said
    assert all(f"{address} " in said for address in addresses)
    assert "Try again later" in said
    assert "set GAN_LESSONS_DATA" in said
    assert listing(folder) == set()


@pytest.mark.parametrize(
    "address", ["", "mnist", "ftp://host/", "file:///etc/", "http://", "https:///", "C:\\x"]
)
def test_only_http_addresses_are_mirrors(folder, address):
    with pytest.raises(UserError, match=r"begins with http:// or https://, not "):
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
            UserError, match=rf"Cannot write {re.escape(str(place))}/\.dow.* you may write to"
        ):
            get(place, mirror(Plain, files))
    assert file.read_text() == "mine"

    def read_only(*args, **kwargs):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(os, "open", read_only)
    with pytest.raises(UserError, match="Read-only file system"):
        get(tmp_path, mirror(Plain, files))


def test_a_full_disk_is_named_and_whole_files_stay(folder, mirror, files, contents, monkeypatch):
    server = mirror(Plain, files)
    write_bytes = Path.write_bytes

    def write_on_small_disk(path, data):
        if "t10k-images" in path.name:
            write_bytes(path, data[:1000])
            raise OSError(28, "No space left on device")
        return write_bytes(path, data)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", write_on_small_disk)
        with pytest.raises(UserError, match=r"No space left on device.*disk with free space"):
            get(folder, server)
    assert listing(folder) == {f"{name}.gz" for name in contents if name.startswith("train")}
    server.asked.clear()
    get(folder, server)
    assert_complete(folder, contents)
    assert len(server.asked) == 2


def test_ctrl_c_costs_the_file_in_flight(folder, mirror, files, contents, monkeypatch):
    server = mirror(Plain, files)
    check = module._check

    def interrupted(content, name):
        if name.startswith("t10k-images"):
            raise KeyboardInterrupt
        check(content, name)

    with monkeypatch.context() as patch:
        patch.setattr(module, "_check", interrupted)
        with pytest.raises(KeyboardInterrupt):
            get(folder, server)
    assert listing(folder) == {f"{name}.gz" for name in contents if name.startswith("train")}
    server.asked.clear()
    get(folder, server)
    assert_complete(folder, contents)
    assert len(server.asked) == 2


def start_process(folder, url, checksums):
    code = (
        "import json, sys\n"
        "from gan_lessons.data import idx\n"
        "from gan_lessons.data.download import download\n"
        "idx.SHA256.update(json.loads(sys.argv[3]))\n"
        "idx.MNIST_LARGEST = 300 * 28 * 28\n"
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


@pytest.mark.parametrize("end", ["kill", "interrupt"])
def test_stopped_midway_it_goes_on_with_what_is_missing(
    folder, mirror, files, contents, checksums, end
):
    server = mirror(HeldTests, files)
    with start_process(folder, server.url, checksums) as process:
        wait_for(lambda: len(server.asked) == 3)
        if end == "kill":
            process.kill()
        else:
            process.send_signal(signal.SIGINT)
        process.communicate()
    assert process.returncode != 0
    assert listing(folder) == {f"{name}.gz" for name in contents if name.startswith("train")}
    server.released.set()
    server.asked.clear()
    get(folder, server)
    assert_complete(folder, contents)
    assert len(server.asked) == 2


def test_two_processes_at_once_share_one_download(folder, mirror, files, contents, checksums):
    server = mirror(Held, files)
    with start_process(folder, server.url, checksums) as one:
        wait_for(lambda: server.asked)
        with start_process(folder, server.url, checksums) as two:
            assert two.stderr.readline().startswith("Waiting for another download into ")
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
