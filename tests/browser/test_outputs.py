"""An output that is not the committed one is seen, where nbval would see it."""

from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from browser.outputs import differences


def saved(path: Path, text: str, tags: list[str], count: int | None = 1) -> Path:
    """A notebook of one cell that printed this text."""
    printed = new_output("stream", name="stdout", text=text)
    cell = new_code_cell("print(x)", outputs=[printed], execution_count=count)
    cell.metadata["tags"] = tags
    nbformat.write(new_notebook(cells=[cell]), path)
    return path


@pytest.mark.parametrize(
    ("text", "tags", "count", "said"),
    [
        ("one\n", [], 7, ""),
        ("two\n", [], 7, "mismatch 'stdout'"),
        ("two\n", ["nbval-ignore-output"], 7, ""),
        ("one\n", ["nbval-ignore-output"], None, "It was not run"),
    ],
)
def test_a_changed_output_is_seen(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    text: str,
    tags: list[str],
    count: int | None,
    said: str,
) -> None:
    committed = saved(tmp_path / "committed.ipynb", "one\n", tags)
    run = saved(tmp_path / "run.ipynb", text, tags, count)
    found = differences(request.session, committed, run)
    assert len(found) == bool(said)
    assert said in "".join(found)


def test_an_output_that_is_missing_or_new_is_seen(
    request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    printed = saved(tmp_path / "printed.ipynb", "one\n", [])
    silent = tmp_path / "silent.ipynb"
    nbformat.write(new_notebook(cells=[new_code_cell("print(x)", execution_count=1)]), silent)
    for pair, said in (((printed, silent), "Missing output"), ((silent, printed), "Unexpected")):
        (found,) = differences(request.session, *pair)
        assert said in found
