"""Outputs of a notebook that was run, beside those of the committed one, as nbval compares them."""

from pathlib import Path

import nbformat
import pytest
from nbval.plugin import IPyNbFile, coalesce_streams


def differences(session: pytest.Session, committed: Path, run: Path) -> list[str]:
    """The cells whose outputs are not the committed ones, and where they differ.

    What nbval leaves out is left out here: pictures, ids of widgets, cells that are tagged
    ``nbval-ignore-output``.
    """
    now = [cell for cell in nbformat.read(run, as_version=4).cells if cell.cell_type == "code"]
    found = []
    cells = IPyNbFile.from_parent(session, path=committed).collect()
    for test, cell in zip(cells, now, strict=True):
        assert cell.source == test.cell.source
        where = f"{test.name}: {cell.source}\n"
        if cell.execution_count is None or test.cell.execution_count is None:
            found.append(f"{where}It was not run.")
        elif test.options["check"] and not test.compare_outputs(
            coalesce_streams(cell.outputs), coalesce_streams(test.cell.outputs)
        ):
            found.append(where + "\n".join(test.comparison_traceback))
    return found
