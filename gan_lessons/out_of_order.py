"""A cell that is run before those it needs: a sentence says which cell to run first.

A notebook's kernel loads this as an IPython extension (by ``ipython_kernel_config.json``, which
`make lab` puts into the environment), and importing the package in a notebook does the same.
"""

import json
import os
import symtable
from html import escape
from pathlib import Path
from types import TracebackType
from typing import Any


def load_ipython_extension(shell: Any) -> None:
    """Say the sentence before the traceback of each NameError of this IPython shell."""
    shell.set_custom_exc((NameError,), _show)


def _show(
    shell: Any,
    kind: type[BaseException],
    error: NameError,
    trace: TracebackType,
    tb_offset: int | None = None,
) -> None:
    try:
        sentence = advice(error.name or "", *_notebook(shell)) if kind is NameError else ""
    except Exception:  # no notebook, or none that can be read: the traceback says what is known
        sentence = ""
    if sentence:
        from IPython.display import display

        shown = f'<p style="max-width: 60em" role="status"><b>{escape(sentence)}</b></p>'
        display({"text/plain": sentence, "text/html": shown}, raw=True)
    shell.showtraceback((kind, error, trace), tb_offset=tb_offset)


def _notebook(shell: Any) -> tuple[list[str], int]:
    """The code cells of the notebook that is running, as it was saved last, and which one runs."""
    running = shell.kernel.get_parent("shell")["metadata"]["cellId"]
    path = Path(os.environ["JPY_SESSION_NAME"])
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    place = [cell.get("id") for cell in code].index(running)
    return ["".join(cell["source"]) for cell in code], place


def advice(name: str, cells: list[str], running: int) -> str:
    """Which cell to run first, in a sentence; an empty text if no other cell makes the name.

    Args:
        name: what is missing.
        cells: the sources of a notebook's code cells, in order.
        running: the index of the one that failed.
    """
    makers = [place for place, code in enumerate(cells) if place != running and name in made(code)]
    if not makers:
        return ""
    before = [place for place in makers if place < running]
    first = next(line for line in cells[before[-1] if before else makers[0]].splitlines() if line)
    where = "above" if before else "below"
    return (
        f"{name} is not there yet. The cell {where} that begins “{first.strip()}” makes it: run "
        "that one first, then this one again. Run → Run All Above Selected Cell does it for all."
    )


def made(code: str) -> set[str]:
    """The names that a cell makes: assigned, defined or imported outside of its functions."""
    lines = ["" if line.lstrip().startswith(("%", "!")) else line for line in code.splitlines()]
    try:
        symbols = symtable.symtable("\n".join(lines), "<cell>", "exec").get_symbols()
    except SyntaxError:
        return set()
    return {each.get_name() for each in symbols if each.is_assigned() or each.is_imported()}
