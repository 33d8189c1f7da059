"""Notebooks for a class, made of the built ones: without solutions, or with all answers.

`authoring.nbgrader` makes those that nbgrader hands out and grades.
"""

import contextlib
import io
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import nbformat

from authoring import build
from authoring.source import SOURCES, Cell, Notebook, definitions, number, quiz_of
from gan_lessons import exercises
from gan_lessons.errors import UserError
from gan_lessons.exercises import words
from gan_lessons.exercises.questions import LETTERS, load

NOTEBOOKS = SOURCES.parent
PAGES = ("glossary.ipynb", "checklist.ipynb")  # that lessons link to
SOLUTION = re.compile(
    r"<details><summary>Solution (\S+)</summary>\n\n```python\n(.*)\n```\n\n</details>", re.DOTALL
)
FOLDED = re.compile(r"<details>.*?</details>", re.DOTALL)
LINK = re.compile(r"\]\((\w+)\.ipynb")
MARK = "gan_lessons_edition"  # in a notebook's metadata: the checksum of what was written


def write(
    out: Path, names: Sequence[str] = (), *, answers: bool, folder: Path = NOTEBOOKS
) -> Iterator[Path]:
    """Write an edition of some lessons, or of all; yield each file once it is written.

    Args:
        out: where to; made if it is not there.
        names: lessons by their two digits; none means all.
        answers: whether to write ``NN_name_answers.ipynb`` with the exercises solved and the
            quiz answered, or ``NN_name.ipynb`` without any of that.
        folder: where the built notebooks are.

    Raises:
        UserError: there are no notebooks, no such lesson, ``out`` cannot be written; or,
            at the end, that notebooks which are there have been edited: they stay.
    """
    yield from put(_made(chosen(out, names, folder), out, answers, folder))


def _made(
    paths: Sequence[Path], out: Path, answers: bool, folder: Path
) -> Iterator[tuple[Path, Notebook]]:
    """Where each notebook of an edition is written to, and what."""
    for path in paths:
        notebook = nbformat.read(path, as_version=4)
        made = solved(notebook) if answers else without_solutions(notebook)
        if answers:
            relink(made, _answers)
        yield out / (f"{_answers(path.stem)}.ipynb" if answers else path.name), made
    for name in PAGES:
        if (page := folder / name).is_file():
            made = nbformat.read(page, as_version=4)
            if answers:
                relink(made, _answers)
            yield out / name, made


def chosen(out: Path, names: Sequence[str], folder: Path) -> list[Path]:
    """The built notebooks of an edition; all where ``names`` is empty.

    Raises:
        UserError: there are no notebooks, no such lesson, or ``out`` is no folder for an edition.
    """
    every = sorted(folder.glob("[0-9][0-9]_*.ipynb"))
    if not every:
        raise UserError(f"There are no notebooks in {folder}. `make notebooks` writes them.")
    have = [path.name[:2] for path in every]
    for name in names:
        if name not in have:
            raise UserError(f"There is no lesson {name!r}. There are: {', '.join(have)}.")
    if out.exists() and not out.is_dir():
        raise UserError(f"{out} is a file; --out needs a folder.")
    if out.resolve() == folder.resolve():
        raise UserError(f"{out} holds the lessons themselves; choose another folder for --out.")
    return [path for path in every if not names or path.name[:2] in names]


def put(notebooks: Iterable[tuple[Path, Notebook]]) -> Iterator[Path]:
    """Write notebooks of an edition, but for those that somebody has edited; yield each file.

    Raises:
        UserError: a file cannot be written; or, at the end, there were such.
    """
    edited = []
    for path, notebook in notebooks:
        if path.exists() and not _as_written(path):
            edited.append(str(path))
            continue
        notebook.metadata[MARK] = _checksum(notebook)
        build.write(notebook, path)
        yield path
    if edited:
        raise UserError(
            f"Edited since they were written, or from elsewhere, and left as they are: "
            f"{', '.join(edited)}. To have them anew, move them away, or choose another --out."
        )


def _as_written(path: Path) -> bool:
    """Whether a file is a notebook as `put` wrote it; it may have been run."""
    try:
        there = nbformat.read(path, as_version=4)
    except Exception:  # nbformat fails in many ways on what is no notebook
        return False
    return bool(there.metadata.get(MARK) == _checksum(there))


def _checksum(notebook: Notebook) -> int:
    """A number that changes with what is written in the cells, not with outputs."""
    return zlib.crc32(repr([(cell.cell_type, cell.source) for cell in notebook.cells]).encode())


def _answers(name: str) -> str:
    """The name among the answer sheets of a notebook of the course."""
    return name if f"{name}.ipynb" in PAGES else f"{name}_answers"


def relink(notebook: Notebook, target: Callable[[str], str]) -> None:
    """Turn links between the course's notebooks; ``target`` says where that of a name lies."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = LINK.sub(lambda found: f"]({target(found[1])}.ipynb", cell.source)


def solutions(notebook: Notebook) -> dict[str, str]:
    """The folded solutions of a notebook, by the number of the exercise."""
    found = (SOLUTION.fullmatch(cell.source) for cell in notebook.cells)
    return {match[1]: match[2] for match in found if match}


def without_solutions(notebook: Notebook) -> Notebook:
    """A notebook without the folded solutions, and without the answers below its saved quiz."""
    notebook.cells = [cell for cell in notebook.cells if not SOLUTION.fullmatch(cell.source)]
    for cell in notebook.cells:
        if quiz_of(cell):
            for output in cell.outputs:
                output.data["text/html"] = FOLDED.sub("", output.data["text/html"])
    return notebook


def solved(notebook: Notebook) -> Notebook:
    """A notebook with its exercises solved and checked, and the quiz answered with reasons."""
    known = solutions(notebook)
    cells: list[Cell] = []
    scope: dict[str, Any] = {"__name__": "lesson"}
    for cell in notebook.cells:
        if SOLUTION.fullmatch(cell.source):
            continue
        cells.append(cell)
        if cell.cell_type != "code":
            continue
        if which := number(cell):
            cell.source = known[which]
            exec(compile(cell.source, f"<exercise {which}>", "exec"), scope)
        elif cell.source.startswith("check("):
            shown = _verdict(cell.source, scope).bundle()
            cell.outputs = [nbformat.v4.new_output("display_data", data=shown)]
        elif name := quiz_of(cell):
            cells.append(nbformat.v4.new_markdown_cell(quiz_answers(name), id=f"answers-{name}"))
        else:
            for definition in definitions(cell.source):
                exec(compile(definition, "<lesson>", "exec"), scope)
    notebook.cells = cells
    return notebook


def _verdict(code: str, scope: dict[str, Any]) -> exercises.Verdict:
    """What a check cell finds. It is graded, not checked: this is not the learner's progress."""
    found = []

    def grade(*given: Any) -> None:
        found.append(exercises.grade(*given))

    with contextlib.redirect_stdout(io.StringIO()):
        exec(compile(code, "<check>", "exec"), scope | {"check": grade})
    return found[0]


def quiz_answers(lesson: str) -> str:
    """Markdown: for each question the right answer, then why each of the others is not."""
    lines = ["## Answers to the quiz"]
    for place, question in enumerate(load(lesson), 1):
        lines.append(f"\n**{place}. {plain(question.text)}**\n")
        for letter, option in zip(LETTERS, question.options, strict=False):
            text, why = plain(option.text), plain(option.why)
            answer = f"✓ {letter}. **{text}**" if option.right else f"✗ {letter}. {text}"
            lines.append(f"- {answer}: {why}")
    return "\n".join(lines)


def plain(text: str) -> str:
    """Text of a quiz in Markdown: its code and stressed words, all else as it is."""
    return re.sub(r"([*_`\\])", r"\\\1", words.html(text))
