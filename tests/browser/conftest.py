"""One JupyterLab and one browser for all tests of this folder; notebooks opened for one test."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import expect

from browser.harness import PATIENCE, Jupyter, Lesson

expect.set_options(timeout=PATIENCE * 1000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whole lessons first: what is short fills the gaps that they leave between workers."""
    items.sort(key=lambda item: not item.name.startswith("test_a_lesson_is_run"))


@pytest.fixture(scope="package")
def jupyter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jupyter]:
    """The server and the browser. Gone after this folder: Playwright occupies the event loop."""
    with Jupyter(tmp_path_factory.mktemp("jupyter")) as running:
        yield running


@pytest.fixture
def open_lesson(jupyter: Jupyter) -> Iterator[Callable[[str], Lesson]]:
    """``open_lesson("07")``; closing it after the test raises whatever went wrong."""
    with ExitStack() as stack:
        yield lambda number: stack.enter_context(jupyter.lesson(number))


@pytest.fixture
def open_cells(jupyter: Jupyter) -> Iterator[Callable[..., Lesson]]:
    """``open_cells("x = 1", "x")``: a notebook made of these code cells."""
    with ExitStack() as stack:
        yield lambda *sources: stack.enter_context(jupyter.cells(*sources))
