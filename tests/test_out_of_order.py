"""A cell that is run too early: which one is to be run first."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nbformat
import pytest
from IPython.core.interactiveshell import InteractiveShell

from gan_lessons.out_of_order import advice, load_ipython_extension, made

CELLS = [
    "%matplotlib inline\nimport torch as t\nfrom math import log",
    "\n# data\nx, y = 1, 2\n\ndef f(hidden):\n    inside = hidden",
    "x = 3\nfor i in range(3):\n    last = i",
    "print(x + f(1))",
    "late = x",
]


def test_what_a_cell_makes() -> None:
    assert made(CELLS[0]) == {"t", "log"}
    assert made(CELLS[1]) == {"x", "y", "f"}
    assert made(CELLS[2]) == {"x", "i", "last"}
    assert made("this is no Python") == set()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("x", "x is not there yet. The cell above that begins “x = 3” makes it: run that one"),
        ("f", "The cell above that begins “# data” makes it"),
        ("log", "The cell above that begins “%matplotlib inline” makes it"),
        ("late", "The cell below that begins “late = x” makes it"),
        ("typo", ""),
        ("inside", ""),
    ],
)
def test_the_nearest_cell_above_that_makes_a_name_is_named(name: str, said: str) -> None:
    got = advice(name, CELLS, running=3)
    assert said in got
    assert bool(said) == bool(got)


def test_a_notebooks_kernel_says_it_before_the_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code) for code in CELLS])
    nbformat.write(notebook, tmp_path / "a.ipynb")
    monkeypatch.setenv("JPY_SESSION_NAME", str(tmp_path / "a.ipynb"))
    shell: Any = InteractiveShell()
    running = {"metadata": {"cellId": notebook.cells[3].id}}
    shell.kernel = SimpleNamespace(get_parent=lambda channel: running)
    load_ipython_extension(shell)
    result = shell.run_cell(CELLS[3])
    assert isinstance(result.error_in_exec, NameError)
    said = capsys.readouterr().out
    assert said.index("The cell above that begins “x = 3” makes it") < said.index("Traceback")

    shell.run_cell("1 / 0\nnothing")
    said = capsys.readouterr().out
    assert "ZeroDivisionError" in said
    assert "begins" not in said
    monkeypatch.setenv("JPY_SESSION_NAME", str(tmp_path / "gone.ipynb"))
    shell.run_cell(CELLS[3])
    assert "name 'x' is not defined" in capsys.readouterr().out
