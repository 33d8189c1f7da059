"""The harness sees what goes wrong: else every other test here would pass on a broken widget."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from browser import harness
from browser.harness import Jupyter, Lesson

BUTTONS = """
import asyncio, ipywidgets
async def later():
    raise ValueError("from a task")
def press(_):
    raise ValueError("from a callback")
def begin(_):
    asyncio.get_event_loop().create_task(later())
buttons = [ipywidgets.Button(description=name) for name in ("press", "begin")]
for button, do in zip(buttons, (press, begin)):
    button.on_click(do)
ipywidgets.HBox(buttons)
"""
CLOSED = """Task exception was never retrieved
future: <Task finished name='Task-665' coro=<write_message()> exception=WebSocketClosedError()>
Traceback (most recent call last):
  File "tornado/websocket.py", line 1140, in wrapper
    await fut
tornado.iostream.StreamClosedError: Stream is closed

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "tornado/websocket.py", line 1142, in wrapper
    raise WebSocketClosedError()
tornado.websocket.WebSocketClosedError
"""
ALERT = 'ipywidgets.HTML("<div role=alert>from a panel</div>")'


@pytest.fixture
def lesson(jupyter: Jupyter) -> Iterator[Lesson]:
    with jupyter.cells(BUTTONS, "1 / 0", ALERT) as opened:
        yield opened


def do(lesson: Lesson, cause: Callable[[], object]) -> None:
    """Do it, and watch for two seconds."""
    cause()
    lesson.collect()
    for _ in range(20):
        lesson.page.wait_for_timeout(100)
        lesson.check()


def log(lesson: Lesson, text: str) -> None:
    with lesson.jupyter.log.open("a", encoding="utf-8") as file:
        file.write(text)


def test_faults_of_browser_kernel_and_callbacks_are_seen(lesson: Lesson) -> None:
    page = lesson.page
    lesson.run("ipywidgets.Button")
    button = lesson.output("ipywidgets.Button").get_by_role("button")
    throw = "setTimeout(() => { throw new Error('from the page') })"
    causes = {
        "from the console": lambda: page.evaluate("console.error('from the console')"),
        "from the page": lambda: page.evaluate(throw),
        "from a callback": button.first.click,
        "from a task": button.last.click,
        "from the server's log": lambda: log(lesson, CLOSED + "Traceback from the server's log"),
        "ZeroDivisionError": lambda: lesson.run("1 / 0"),
        "from a panel": lambda: lesson.run(ALERT),
    }
    for text, cause in causes.items():
        with pytest.raises(AssertionError, match=text):
            do(lesson, cause)
    lesson.allow("from a panel")
    do(lesson, lambda: lesson.run(ALERT))
    do(lesson, lambda: log(lesson, CLOSED))  # of the page before, which is gone: no fault


def test_a_missing_browser_is_a_failure_with_a_remedy(tmp_path: Path) -> None:
    environment = {k: v for k, v in os.environ.items() if k != "GAN_LESSONS_BROWSER"}
    done = subprocess.run(
        [sys.executable, harness.__file__],
        env={**environment, "PATH": str(tmp_path), "PLAYWRIGHT_BROWSERS_PATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "playwright install" in done.stderr
    assert "GAN_LESSONS_BROWSER" in done.stderr
