"""The harness sees what goes wrong: else every other test here would pass on a broken widget."""

import time
from collections.abc import Callable, Iterator

import nbformat
import pytest
from playwright.sync_api import Page, expect

from browser.harness import PATIENCE, Jupyter, Lesson

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


def do(lesson: Lesson, cause: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Do it, and watch for so long, or until there is a fault."""
    cause()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        lesson.collect()
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
    do(lesson, lambda: lesson.run(ALERT), seconds=2)
    # Of the page before, which is gone: no fault
    do(lesson, lambda: log(lesson, CLOSED), seconds=2)


def test_a_lesson_opens_as_it_is_shipped_whatever_was_saved(jupyter: Jupyter) -> None:
    """JupyterLab saves every two minutes: the next test must not find what this kernel showed."""
    empty = nbformat.v4.new_notebook()
    nbformat.write(empty, jupyter.folder / "00_start_here.ipynb")
    with jupyter.lesson("00") as lesson:
        expect(lesson.cell("explore(line_up")).to_be_visible()


def divide(jupyter: Jupyter) -> Page:
    """Open a notebook, see that none was open before, and let it fail."""
    with jupyter.cells("1 / 0") as lesson:
        assert lesson.python("'x' in globals()") == "False"
        expect(lesson.page.locator(".jp-NotebookPanel")).to_have_count(1)
        lesson.allow("ZeroDivisionError")
        lesson.run("1 / 0")
        return lesson.page


def test_notebooks_share_a_page_and_nothing_else(jupyter: Jupyter) -> None:
    with jupyter.cells("x = 1") as lesson:
        assert lesson.page.locator(".jp-Launcher").count() == 1  # it comes before, or it may hide x
        lesson.run("x = 1")
    assert divide(jupyter) is lesson.page
    assert jupyter.api("sessions") == []
    with pytest.raises(RuntimeError), jupyter.cells("2"):
        raise RuntimeError
    assert divide(jupyter) is not lesson.page
