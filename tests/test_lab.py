"""`make lab` serves: what it opens is lesson 00, and it is there."""

import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from jupyter_server.serverapp import ServerApp
from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection
from jupyter_server.services.kernels.websocket import KernelWebsocketHandler
from traitlets.config import Config

ROOT = Path(__file__).parents[1]


@pytest.fixture
def address() -> Iterator[str]:
    """The address that the server prints, with its token."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = ["make", "lab", "BROWSER=none", f"PORT={port}"]
    server = subprocess.Popen(
        command,
        cwd=ROOT,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        env=os.environ | {"JUPYTER_PLATFORM_DIRS": "1"},
        start_new_session=True,
    )
    try:
        assert server.stderr is not None
        printed = (re.search(r"http://127\.\S+", line) for line in server.stderr)
        yield next(match for match in printed if match)[0]
    finally:
        if sys.platform == "win32":
            server.terminate()
        else:
            os.killpg(server.pid, 15)
        server.communicate(timeout=60)


def get(url: str) -> bytes:
    """The page; the server prints its address a moment before it answers."""
    for _ in range(60):
        try:
            with urllib.request.urlopen(url, timeout=30) as answer:
                return bytes(answer.read())
        except urllib.error.URLError as error:
            if not isinstance(error.reason, ConnectionRefusedError):
                raise
            time.sleep(0.5)
    raise AssertionError(f"nobody answers at {url}")


def test_make_lab_opens_lesson_00(address: str) -> None:
    page, token = address.split("?")
    path = page.partition("/lab/tree/")[2]
    assert path == "00_start_here.ipynb"
    assert b"JupyterLab" in get(address)
    contents = page.replace("/lab/tree/", "/api/contents/")
    notebook = json.loads(get(f"{contents}?{token}"))
    assert "Start here" in notebook["content"]["cells"][0]["source"]


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("PORT=8888; touch {file}", "PORT is a number such as 8888, not 8888; touch {file}"),
        ('PORT="$$(touch {file})', 'PORT is a number such as 8888, not "$(touch {file})'),
        ("PORT=8888 8889", "PORT is a number such as 8888, not 8888 8889"),
        ("PORT=", "PORT is a number such as 8888, not "),
        ("PORT=99999", "PORT is at most 65535, not 99999"),
        ("BROWSER=none; touch {file}", "BROWSER can only be none, not none; touch {file}"),
        ("BROWSER=firefox", "BROWSER can only be none, not firefox"),
    ],
)
def test_make_lab_refuses_what_is_no_port_or_browser(
    option: str, said: str, tmp_path: Path
) -> None:
    file = tmp_path / "run"
    command = ["make", "--no-print-directory", "lab", option.format(file=file)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=os.environ)
    assert done.returncode != 0
    assert done.stdout.rstrip("\n") == said.format(file=file)
    assert not file.exists()


@pytest.mark.parametrize("option", ["PORT=9000", "BROWSER=none", "BROWSER="])
def test_make_lab_takes_a_port_and_no_browser(option: str) -> None:
    command = ["make", "--no-print-directory", "options", option]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, env=os.environ | {"BROWSER": "firefox"}
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_without_make_too_the_lessons_come_first_in_the_file_list() -> None:
    (hidden,) = re.findall(r"^HIDDEN := (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    lines = re.findall(r"^    jupyter lab .+$", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert len(lines) == 2  # with conda and with pip
    for name in set(hidden.split()) - {"__pycache__"}:
        assert all(f"--ContentsManager.hide_globs={name}" in line for line in lines)


def test_the_server_hands_on_at_once_what_a_kernel_sends(monkeypatch: pytest.MonkeyPatch) -> None:
    config = json.loads((ROOT / "gan_lessons" / "jupyter_server_config.json").read_text())
    app = ServerApp(config=Config(config))
    kind = app.kernel_websocket_connection_class
    assert issubclass(kind, ZMQChannelsWebsocketConnection)
    connected: list[object] = []
    usual = ZMQChannelsWebsocketConnection
    monkeypatch.setattr(usual, "connect", lambda itself: connected.append(itself))
    connection: Any = kind.__new__(kind)
    connection.websocket_handler = mock.Mock(spec=KernelWebsocketHandler)
    connection.connect()
    connection.websocket_handler.set_nodelay.assert_called_once_with(True)
    assert connected == [connection]


def test_a_new_environment_has_the_settings_of_server_and_kernel() -> None:
    made = Path(sys.prefix) / "etc"
    for name, folder in (("ipython_kernel", "ipython"), ("jupyter_server", "jupyter")):
        file = f"{name}_config.json"
        assert (made / folder / file).read_text() == (ROOT / "gan_lessons" / file).read_text()
