"""JupyterLab on a copy of the notebooks, a browser, and lessons opened in it.

`Jupyter` is the server and the browser, `Lesson` one opened notebook. Whatever goes wrong in the
browser, in the kernel or in the server is collected as a fault, and closing a lesson raises it.
"""

import io
import json
import os
import random
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import nbformat
import numpy as np
from PIL import Image
from playwright.sync_api import (
    ConsoleMessage,
    Locator,
    Page,
    ViewportSize,
    WebSocket,
    sync_playwright,
)

from browser import get_browser

ROOT = Path(__file__).parents[2]
SHOTS = ROOT / "build" / "browser"
AXE = Path(__file__).parent / "axe" / "axe.min.js"
PATIENCE = 60  # seconds for what a person sees at once: a busy machine is no fault
VIEW: ViewportSize = {"width": 1200, "height": 1000}
BETWEEN = 100  # milliseconds from one look at the screen to the next: each costs as much
# All cells are in the page, wherever it is scrolled to; nothing asks about news; and a test saves
# by itself: while JupyterLab does so every two minutes, it would ask which version is to stay.
SETTINGS = {
    "docmanager-extension/plugin": {"autosave": False},
    "notebook-extension/tracker": {"windowingMode": "none"},
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
}
# What the server says when a page is closed while its kernel still talks (voila's issue 237).
TALKED_TO_A_CLOSED_PAGE = re.compile(
    r"Task exception was never retrieved\nfuture: .*exception=WebSocketClosedError\(\)>\n"
    r"Traceback (?s:.)*?\ntornado\.websocket\.WebSocketClosedError\n"
)
# What every page offers to `Lesson`: the opened notebook, and commands that finish later.
SCRIPT = """
window.notebook = () => [...(window.jupyterapp?.shell.widgets("main") ?? [])]
    .find(widget => widget.content?.activeCellIndex !== undefined);
window.find = text => {
    const cells = window.notebook().content.widgets;
    const index = cells.findIndex(
        cell => cell.model.type === "code" && cell.model.sharedModel.source.includes(text));
    if (index < 0) throw new Error(`No code cell contains: ${text}`);
    return index;
};
window.start = (command, index) => {
    const content = window.notebook().content;
    if (index >= 0) { content.deselectAll(); content.activeCellIndex = index; }
    window.finished = false;
    window.jupyterapp.commands.execute(command).finally(() => { window.finished = true; });
};
window.ask = async expression => {
    const kernel = window.notebook().sessionContext.session.kernel;
    const asked = kernel.requestExecute(
        {code: "", silent: true, user_expressions: {value: expression}});
    const late = new Promise((_, no) => setTimeout(() => no(new Error("kernel is busy")), 60000));
    const reply = (await Promise.race([asked.done, late])).content;
    const value = reply.user_expressions?.value;
    if (value?.status !== "ok") throw new Error(JSON.stringify(value ?? reply));
    return value.data["text/plain"];
};
"""


def free_port() -> int:
    """A port to listen on soon, below those that systems hand out: no kernel can take it first."""
    while True:
        port = random.randrange(20_000, 30_000)
        with socket.socket() as trial, suppress(OSError):
            trial.bind(("127.0.0.1", port))
            return port


def pixels(locator: Locator) -> np.ndarray:
    """What an element shows on the screen: uint8 (h, w, 3)."""
    return np.asarray(Image.open(io.BytesIO(locator.screenshot())).convert("RGB"))


def settled(locator: Locator, timeout: float = PATIENCE) -> np.ndarray:
    """The pixels of an element once they stay: what is loading or moving has come to rest."""
    end, before = time.monotonic() + timeout, pixels(locator)
    while not np.array_equal(now := pixels(locator), before):
        assert time.monotonic() < end, f"still changing after {timeout:g} s"
        before = now
        locator.page.wait_for_timeout(BETWEEN)
    return now


def changed(locator: Locator, before: np.ndarray, timeout: float = PATIENCE) -> np.ndarray:
    """Wait until an element's pixels are no longer ``before``; return the new ones."""
    end = time.monotonic() + timeout
    while np.array_equal(now := pixels(locator), before):
        assert time.monotonic() < end, f"no pixel changed in {timeout:g} s"
        locator.page.wait_for_timeout(BETWEEN)
    return now


def fault_in(frame: bytes | str) -> str | None:
    """The error or the stderr text in a message from the kernel; None in any other message.

    Frames are v1.kernel.websocket.jupyter.org: a count, offsets (uint64), then channel, header,
    parent header, metadata, content.
    """
    if isinstance(frame, str) or len(frame) < 64:
        return None
    ends = np.frombuffer(frame, "<u8", int.from_bytes(frame[:8], "little"), offset=8)
    header, content = (frame[ends[part] : ends[part + 1]] for part in (1, 4))
    kind = json.loads(header)["msg_type"]
    if kind == "error":
        return "kernel: " + "\n".join(json.loads(content)["traceback"])
    if kind == "stream" and json.loads(content)["name"] == "stderr":
        return f"kernel's stderr: {json.loads(content)['text']}"
    return None


class Tab:
    """A page with JupyterLab, in which one notebook is opened after another; and its faults."""

    def __init__(self, jupyter: "Jupyter") -> None:
        self.faults: list[str] = []
        self.page: Page = jupyter.browser.new_page()
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self._fault(f"page: {error}"))
        self.page.on("dialog", lambda dialog: dialog.accept())
        self.page.on("websocket", self._listen)
        self.page.add_init_script(SCRIPT)
        workspace = uuid.uuid4().hex  # else a second tab would close what the first has open
        self.page.goto(f"{jupyter.url}/lab/workspaces/{workspace}?token={jupyter.token}")
        self.page.wait_for_function("window.jupyterapp", polling=BETWEEN)
        self.page.evaluate("() => jupyterapp.restored")

    def open(self, name: str) -> None:
        """Open a notebook, as if none had been open before.

        An empty JupyterLab gets its launcher a while later: once that is there, seen or behind
        something else, it cannot come to lie over the notebook.
        """
        self.page.locator(".jp-Launcher").first.wait_for(state="attached")
        self.page.set_viewport_size(VIEW)
        opening = "async path => void await jupyterapp.commands.execute('docmanager:open', {path})"
        self.page.evaluate(opening, name)

    def close(self) -> None:
        """Shut the kernel down and close the notebook, without saving it.

        The page does it itself: else what it still has of the kernel would try to connect again.
        """
        closing = """async () => {
            const open = notebook();
            await open.sessionContext.shutdown();
            open.dispose();
        }"""
        self.page.evaluate(closing)

    def _fault(self, text: str) -> None:
        self.faults.append(re.sub(r"\x1b\[[\d;]*m", "", text))

    def _said(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self._fault(f"console: {message.text}")

    def _listen(self, socket: WebSocket) -> None:
        socket.on("framereceived", self._received)

    def _received(self, frame: bytes | str) -> None:
        if fault := fault_in(frame):
            self._fault(fault)


class Lesson:
    """A notebook opened in a tab. A context: leaving it raises faults."""

    def __init__(self, jupyter: "Jupyter", tab: Tab, name: str) -> None:
        self.jupyter, self.name = jupyter, name
        # Said by a kernel that has not yet imported ipywidgets when JupyterLab asks for widgets.
        self.allowed = ["No such comm"]
        self.page, self.faults = tab.page, tab.faults
        tab.open(name)
        self._opened()

    def __enter__(self) -> "Lesson":
        return self

    def __exit__(self, *exception: object) -> None:
        self.screenshot(f"{Path(self.name).stem}_end")
        self.collect()
        self.check()

    def _opened(self) -> None:
        self.page.wait_for_function(
            "window.notebook()?.sessionContext.session?.kernel?.status === 'idle'", polling=100
        )
        self.page.locator(".jp-Notebook .jp-Cell").first.wait_for()

    # What a person does.

    def start(self, text: str | None = None, command: str = "notebook:run-cell") -> None:
        """Run the one cell with this text, or do another command, without waiting for its end."""
        index = self._find(text) if text else -1
        self.page.evaluate("([command, index]) => start(command, index)", [command, index])

    def wait_idle(self, timeout: float = PATIENCE) -> None:
        """Wait until what was started has ended, and raise any fault so far."""
        self.page.wait_for_function("window.finished", polling=200, timeout=timeout * 1000)
        self.check()

    def run(self, text: str, timeout: float = PATIENCE) -> None:
        """Run the one code cell whose source contains this text."""
        self.start(text)
        self.wait_idle(timeout)

    def run_all(self, timeout: float = 120) -> None:
        """Run every cell, as *Run → Run All Cells* does."""
        self.start(command="notebook:run-all-cells")
        self.wait_idle(timeout)

    def interrupt(self) -> None:
        """Interrupt the kernel."""
        self.page.evaluate("() => jupyterapp.commands.execute('notebook:interrupt-kernel')")

    def delete(self, text: str) -> None:
        """Delete the code cell whose source contains this text."""
        index = self._find(text)
        self.page.evaluate("index => start('notebook:delete-cell', index)", index)
        self.wait_idle()

    def save(self) -> None:
        """Save the notebook."""
        self.page.evaluate("() => jupyterapp.commands.execute('docmanager:save')")

    def restart(self) -> None:
        """Restart the kernel; outputs stay."""
        self.page.evaluate("() => notebook().sessionContext.session.kernel.restart()")
        self._opened()

    def reload(self) -> None:
        """Save, and load the page again; kernel and widgets live on."""
        self.save()
        self.page.reload()
        self._opened()

    @contextmanager
    def again(self) -> Iterator["Lesson"]:
        """The same notebook and kernel in a second tab."""
        tab = Tab(self.jupyter)
        try:
            with Lesson(self.jupyter, tab, self.name) as second:
                yield second
        finally:
            tab.page.close()

    def tab_to(self, target: Locator, limit: int = 80) -> None:
        """Press Tab, from the output that ``target`` is in, until it has the focus."""
        target.evaluate(
            """element => {
                const output = element.closest(".jp-Cell-outputWrapper");
                output.tabIndex = -1;  // a place to start from, itself not reached by Tab
                output.focus();
            }"""
        )
        for _ in range(limit):
            self.page.keyboard.press("Tab")
            if target.evaluate("element => element === document.activeElement"):
                return
        raise AssertionError(f"not reached by pressing Tab {limit} times: {target}")

    # What a person sees.

    def _find(self, text: str) -> int:
        return int(self.page.evaluate("text => find(text)", text))

    def cell(self, text: str) -> Locator:
        """The code cell whose source contains this text."""
        return self.page.locator(f'.jp-Cell[data-windowed-list-index="{self._find(text)}"]')

    def hidden(self) -> int:
        """How many cells hide their outputs."""
        count = "() => notebook().content.widgets.filter(cell => cell.outputHidden).length"
        return int(self.page.evaluate(count))

    def output(self, text: str) -> Locator:
        """The output of the code cell whose source contains this text."""
        return self.cell(text).locator(".jp-Cell-outputArea")

    def slider(self, label: str, within: Locator | None = None) -> Locator:
        """The handle of the slider with this label: it takes arrow keys."""
        sliders = (within or self.page.locator(".jp-Notebook")).locator(
            ".widget-slider, .gan-slider"
        )
        named = self.page.get_by_text(label, exact=True)
        return sliders.filter(has=named).get_by_role("slider")

    def finger(self, canvas: Locator, stops: Sequence[tuple[float, float]]) -> None:
        """Draw by touch; stops are shares of the canvas's width and height."""
        canvas.scroll_into_view_if_needed()
        box = canvas.bounding_box()
        assert box is not None
        device = self.page.context.new_cdp_session(self.page)
        for i, (u, v) in enumerate(stops):
            place = {"x": box["x"] + u * box["width"], "y": box["y"] + v * box["height"]}
            event = {"type": "touchMove" if i else "touchStart", "touchPoints": [place]}
            device.send("Input.dispatchTouchEvent", event)
        device.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        device.detach()

    def screenshot(self, name: str, locator: Locator | None = None) -> None:
        """Keep what is on the screen as build/browser/name.png."""
        (locator or self.page).screenshot(path=SHOTS / f"{name}.png")

    # What the kernel and the tests know.

    def python(self, expression: str) -> str:
        """The repr of a Python expression, evaluated in the kernel once it is idle."""
        return str(self.page.evaluate("expression => ask(expression)", expression))

    def until(self, expression: str, timeout: float = PATIENCE) -> None:
        """Wait for a Python expression to hold in the kernel."""
        end = time.monotonic() + timeout
        while self.python(f"bool({expression})") != "True":
            assert time.monotonic() < end, f"still false after {timeout:g} s: {expression}"
            self.page.wait_for_timeout(50)

    def inaccessible(self) -> list[str]:
        """What axe finds serious or critical in outputs: its rule and the element.

        A figure outside of panels is left out: JupyterLab gives its picture no alt text.
        """
        self.page.evaluate(AXE.read_text(encoding="utf-8"))
        found = self.page.evaluate(
            """() => axe.run(
                {include: [".jp-Cell-outputArea"], exclude: [".jp-RenderedImage"]},
                {resultTypes: ["violations"]})"""
        )
        return [
            f"{rule['id']}: {node['html'][:300]}"
            for rule in found["violations"]
            if rule["impact"] in ("serious", "critical")
            for node in rule["nodes"]
        ]

    def slider_texts(self) -> dict[str, str]:
        """What a screen reader says of each slider: name and value."""
        read = "all => all.map(each => [each.ariaLabel, each.ariaValueText])"
        pairs = self.page.locator(".jp-Cell-outputArea .noUi-handle").evaluate_all(read)
        return {str(name): str(value) for name, value in pairs}

    def collect(self) -> None:
        """Have exceptions reported that ended a task which nobody awaited: garbage until then."""
        self.python("__import__('gc').collect()")

    def allow(self, text: str) -> None:
        """Faults that contain this text are meant."""
        self.allowed.append(text)

    def check(self) -> None:
        """Raise what went wrong so far: in the browser, the kernel, a widget or the server."""
        shown = self.page.locator(".jp-Cell-outputArea").get_by_text(
            re.compile("Error (displaying|creating) widget|Failed to (load|create) (model|view)")
        )
        alerts = self.page.locator(".jp-Cell-outputArea [role=alert]")
        found = [
            *self.faults,
            *shown.all_inner_texts(),
            *filter(str.strip, alerts.all_inner_texts()),
        ]
        found += self.jupyter.tracebacks()
        faults = [fault for fault in found if not any(text in fault for text in self.allowed)]
        self.faults.clear()
        assert not faults, f"{self.name}:\n" + "\n".join(faults)


class Jupyter:
    """A JupyterLab server on a temporary copy of the notebooks, and a browser. A context."""

    def __init__(self, folder: Path) -> None:
        self.playwright = sync_playwright().start()
        try:
            chromium = get_browser.launch(self.playwright)
            self.browser = chromium.new_context(viewport=VIEW)
            self.browser.set_default_timeout(PATIENCE * 1000)
            self.tabs: list[Tab] = []  # in which no notebook is open: to load one takes seconds
            self.folder = folder / "notebooks"
            shutil.copytree(
                ROOT / "notebooks", self.folder, ignore=shutil.ignore_patterns("source", "runs")
            )
            SHOTS.mkdir(parents=True, exist_ok=True)
            self._serve(folder)
        except BaseException:
            self.playwright.stop()
            raise

    def _serve(self, folder: Path) -> None:
        settings = folder / "settings" / "@jupyterlab"
        for name, values in SETTINGS.items():
            file = settings / f"{name}.jupyterlab-settings"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(values), encoding="utf-8")
        profile = folder / "ipythondir" / "profile_default"
        profile.mkdir(parents=True, exist_ok=True)  # what `make lab` puts into the environment
        shutil.copy(ROOT / "gan_lessons" / "ipython_kernel_config.json", profile)
        port = free_port()
        self.token = uuid.uuid4().hex
        self.url = f"http://127.0.0.1:{port}"
        worker = os.environ.get("PYTEST_XDIST_WORKER", "alone")
        self.log = SHOTS / f"server_{worker}.log"
        self._read = 0
        self.log.write_text("", encoding="utf-8")
        with self.log.open("a", encoding="utf-8") as log:
            self.server = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "jupyterlab",
                    "--no-browser",
                    "--allow-root",
                    "--ip=127.0.0.1",
                    f"--port={port}",
                    "--ServerApp.port_retries=0",
                    "--expose-app-in-browser",
                    f"--IdentityProvider.token={self.token}",
                    f"--ServerApp.root_dir={self.folder}",
                ],
                stdout=log,
                stderr=log,
                env=os.environ
                | {"GAN_LESSONS_DATA": "bundled", "OMP_NUM_THREADS": "1"}
                | {"GAN_LESSONS_PROGRESS": "off", "PYDEVD_DISABLE_FILE_VALIDATION": "1"}
                | {"JUPYTERLAB_SETTINGS_DIR": str(settings.parent), "JUPYTER_PLATFORM_DIRS": "1"}
                | {
                    name: str(folder / name.lower())
                    for name in (
                        "JUPYTER_CONFIG_DIR",
                        "JUPYTER_DATA_DIR",
                        "JUPYTER_RUNTIME_DIR",
                        "JUPYTERLAB_WORKSPACES_DIR",
                        "IPYTHONDIR",
                    )
                },
            )
        end = time.monotonic() + PATIENCE
        while True:
            try:
                self.api("status")
                return
            except OSError as error:
                if self.server.poll() is not None or time.monotonic() > end:
                    self.server.kill()
                    said = self.log.read_text(encoding="utf-8")
                    raise RuntimeError(f"JupyterLab did not start:\n{said}") from error
                time.sleep(0.2)

    def __enter__(self) -> "Jupyter":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        try:
            self.browser.close()
            self._end()
        finally:
            self.server.kill()
            self.playwright.stop()

    def _end(self) -> None:
        self.api("shutdown", "POST")
        self.server.wait(30)

    def begin_again(self) -> None:
        """End the server with all its kernels, and start it anew: what was saved is there."""
        while self.tabs:
            self.tabs.pop().page.close()
        self._end()
        self._serve(self.folder.parent)

    def api(self, path: str, method: str = "GET") -> Any:
        """The server's answer to a REST request."""
        request = urllib.request.Request(
            f"{self.url}/api/{path}",
            method=method,
            headers={"Authorization": f"token {self.token}"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    @contextmanager
    def saved(self, name: str) -> Iterator[Lesson]:
        """Open a notebook as it was saved."""
        yield from self._opened(name)

    def tracebacks(self) -> list[str]:
        """What the server has logged since it was last asked, if there is a traceback in it."""
        said = self.log.read_text(encoding="utf-8", errors="replace")[self._read :]
        self._read += len(said)
        said = TALKED_TO_A_CLOSED_PAGE.sub("", said)
        return [f"server: {said}"] if "Traceback" in said else []

    @contextmanager
    def lesson(self, number: str) -> Iterator[Lesson]:
        """Open ``notebooks/NN_*.ipynb`` as it is shipped, whatever JupyterLab has saved before."""
        (path,) = (ROOT / "notebooks").glob(f"{number}_*.ipynb")
        shutil.copy(path, self.folder)
        yield from self._opened(path.name)

    @contextmanager
    def cells(self, *sources: str) -> Iterator[Lesson]:
        """Open a notebook made of these code cells."""
        notebook = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(source) for source in sources],
            metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
        )
        name = f"cells_{uuid.uuid4().hex[:8]}.ipynb"
        nbformat.write(notebook, self.folder / name)
        yield from self._opened(name)

    @contextmanager
    def _tab(self) -> Iterator[Tab]:
        """One in which a notebook was open, or a new one; after a fault it is not used again."""
        tab = self.tabs.pop() if self.tabs else Tab(self)
        try:
            yield tab
            tab.close()
            tab.faults.clear()
        except BaseException:
            tab.page.close()
            raise
        self.tabs.append(tab)

    def _opened(self, name: str) -> Iterator[Lesson]:
        try:
            with self._tab() as tab, Lesson(self, tab, name) as lesson:
                yield lesson
        finally:
            for session in self.api("sessions"):
                self.api(f"sessions/{session['id']}", "DELETE")
