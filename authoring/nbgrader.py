"""The lessons as a course of nbgrader: it hands them out without solutions, and grades them.

Each lesson is an assignment, ``source/NN_name/NN_name.ipynb``. In an exercise's cell the stub comes
first, and below it the solution between the marks at which nbgrader cuts it out. The cell that
checks is locked: before grading, nbgrader puts its own copy in the place of the learner's.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import nbformat

from authoring import edition
from authoring.source import Cell, Notebook, number, tags
from gan_lessons.errors import UserError
from gan_lessons.files import atomic_write

SOURCE = "source"  # nbgrader's name for the folder of what instructors write
PAGES = "pages"  # the assignment, without points, of the pages that lessons link to
HEADING = re.compile(r"^#+ Exercise (\d+\.\d+) .*\((●+)○*,", re.MULTILINE)
CONFIG = '''\
"""Settings of nbgrader for this course."""

import os

c = get_config()  # noqa: F821
c.CourseDirectory.course_id = "gan-lessons"
c.ClearSolutions.code_stub = {"python": ""}  # the course's own stub stands above the solution
c.OverwriteCells.add_missing_cells = True  # a check that a learner deleted counts
c.Execute.timeout = 600  # seconds for a cell: exercise 7.3 trains a GAN
os.environ["GAN_LESSONS_PROGRESS"] = "off"  # what is graded is not the instructor's progress
'''


def write(out: Path, names: Sequence[str] = (), folder: Path = edition.NOTEBOOKS) -> Iterator[Path]:
    """Write some lessons, or all, into nbgrader's course folder; yield each file once written.

    A ``nbgrader_config.py`` that is there already stays as it is.

    Args:
        out: the course folder; made if it is not there.
        names: lessons by their two digits; none means all.
        folder: where the built notebooks are.

    Raises:
        UserError: there are no notebooks, no such lesson, ``out`` cannot be written; or,
            at the end, that notebooks which are there have been edited: they stay.
    """
    paths = edition.chosen(out, names, folder)
    config = out / "nbgrader_config.py"
    if not config.exists():
        with atomic_write(config) as aside:
            aside.write_text(CONFIG, encoding="utf-8")
        yield config
    yield from edition.put(_made(paths, out / SOURCE, folder))


def _made(paths: Sequence[Path], source: Path, folder: Path) -> Iterator[tuple[Path, Notebook]]:
    """Where each notebook of a course is written to, and what."""
    for path in paths:
        made = assignment(nbformat.read(path, as_version=4))
        yield source / path.stem / path.name, made
    for name in edition.PAGES:
        if (page := folder / name).is_file():
            notebook = nbformat.read(page, as_version=4)
            edition.relink(notebook, _place)
            yield source / PAGES / name, notebook


def assignment(notebook: Notebook) -> Notebook:
    """A lesson as nbgrader's instructor keeps it, with ids, points and solutions to cut out.

    An exercise is worth a point for each ● of its heading.

    Raises:
        UserError: an exercise has no heading that says how hard it is.
    """
    known = edition.solutions(notebook)
    notebook = edition.without_solutions(notebook)
    points = {
        found[1]: len(found[2])
        for cell in notebook.cells
        for found in HEADING.finditer(cell.source)
    }
    for cell in notebook.cells:
        if which := number(cell):
            _ask(cell, which, known[which])
        elif cell.cell_type == "code" and (found := re.match(r'check\("(.+?)"', cell.source)):
            if found[1] not in points:
                raise UserError(f"No heading says how hard exercise {found[1]} is: (●○○○○, …).")
            _grade(cell, found[1], points[found[1]])
    edition.relink(notebook, _place)
    return notebook


def _ask(cell: Cell, which: str, solution: str) -> None:
    """Mark the cell in which the learner answers."""
    cell.source = f"{cell.source}\n\n### BEGIN SOLUTION\n{solution}\n### END SOLUTION"
    cell.outputs = []
    _mark(cell, f"exercise-{which}", solution=True)


def _grade(cell: Cell, which: str, points: int) -> None:
    """Mark the cell that checks: it raises for nbgrader, and *Run all* goes on after it.

    It imports what it calls, as the learner may have given that name to something else.
    """
    required = cell.source.replace("check(", "require(", 1)
    cell.source = f"from gan_lessons.exercises import require\n\n{required}"
    cell.outputs = []
    cell.metadata["tags"] = [*tags(cell), "raises-exception"]
    _mark(cell, f"check-{which}", grade=True, locked=True, points=points)


def _mark(cell: Cell, name: str, **said: bool | int) -> None:
    """Give a cell nbgrader's metadata, of its schema 3."""
    roles = {"grade": False, "solution": False, "locked": False, "task": False}
    name = name.replace(".", "-")  # ids are letters, digits, - and _
    cell.metadata["nbgrader"] = {"schema_version": 3, "grade_id": name, **roles, **said}


def _place(name: str) -> str:
    """Where the notebook of that name lies, seen from an assignment's folder."""
    return f"../{PAGES if f'{name}.ipynb' in edition.PAGES else name}/{name}"
