"""Lessons as people write them: Markdown with solutions, and the notebook that it gives a learner.

``notebooks/source/NN_name.md`` is MyST Markdown with a front matter; an exercise stands in it
once, solved, and the learner's stub is made from the solution.
"""

import ast
import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat

from gan_lessons.errors import UserError

SOURCES = Path(__file__).parents[1] / "notebooks" / "source"
IGNORE = "nbval-ignore-output"
SLIDE = "slide"  # on Markdown: a new slide; on code: its source and output on the slide
SLIDE_OUTPUT = "slide-output"  # on code: only its output on the slide
COVERED = "covered"  # on code: its output answers a prediction, and is hidden until it is run
FOLDED = "<details><summary>What it shows</summary>\n\n"
OPEN_AGAIN = re.compile(r"^(?:#{1,4} |> \*\*Predict\.\*\*)", re.MULTILINE)  # ends what is folded
YOUR_CODE = "...  # your code here"
ONE_LINE = re.compile(
    r"^(?P<head>\s*(?:return |[\w., \[\]\"']+(?:: [^=]+)? = |[\"'][^\"']*[\"']: |\w+=))"
    r".+?(?P<comma>,?)  # solution$"
)

FRONT = {  # what a front matter has to say, of which kind, and that in words
    "title": (str, "a text"),
    "lesson": (int, "a whole number"),
    "minutes": (int, "a whole number"),
    "seconds": (int, "a whole number"),
    "needs": (list, "a list of lessons, such as [1, 4],"),
}

METADATA = {  # of every notebook
    "kernelspec": {
        "display_name": "Python 3 (ipykernel)",
        "language": "python",
        "name": "python3",
    },
    "language_info": {"name": "python"},
}

Notebook = Any  # nbformat is not typed
Cell = Any


@dataclass(frozen=True)
class Lesson:
    """One source file, with its front matter."""

    path: Path
    title: str
    number: int
    minutes: int
    seconds: int
    needs: tuple[int, ...]
    part: str  # of the course, such as "II · Digits"
    digits_first: bool  # whether it lies on the short way to digits of one's own
    cells: tuple[Cell, ...]  # as the author wrote them, solutions included

    @property
    def name(self) -> str:
        """Two digits, such as "07"."""
        return f"{self.number:02d}"

    @property
    def notebook(self) -> Path:
        """Where the built notebook lies."""
        return self.path.parents[1] / f"{self.path.stem}.ipynb"

    @property
    def notes(self) -> Path:
        """Where the page for its instructor lies."""
        return self.path.parents[1] / "notes" / self.path.name


@dataclass(frozen=True)
class Exercise:
    """One exercise, as its tests need it."""

    number: str
    setup: str  # imports and functions of earlier cells, earlier exercises solved
    solution: str
    stub: str
    answers: str  # Python for the tuple of what the check cell hands in

    def run(self, code: str) -> tuple[Any, ...]:
        """Execute the setup, then ``code`` in the place of the exercise; return its answers."""
        scope: dict[str, Any] = {"__name__": "lesson"}
        exec(compile(self.setup, f"<before {self.number}>", "exec"), scope)
        exec(compile(code, f"<exercise {self.number}>", "exec"), scope)
        return tuple(eval(self.answers, scope))


# Reading a source


def sources(names: Sequence[str] = (), folder: Path = SOURCES) -> list[Path]:
    """Source files in order, all or those whose names begin with the given numbers.

    Raises:
        UserError: there is none, or not exactly one for a given number.
    """
    every = sorted(folder.glob("[0-9][0-9]_*.md"))
    if not every:
        raise UserError(f"There is no lesson in {folder}. Its files are named NN_name.md.")
    numbers = Counter(path.name[:2] for path in every)
    twice = [number for number in numbers if numbers[number] > 1]
    unknown = [name for name in names if name not in numbers]
    if twice or unknown:
        have = ", ".join(numbers)
        reason = f"more than one lesson {twice[0]}" if twice else f"no lesson {unknown[0]}"
        raise UserError(f"There is {reason} in {folder.name}. There are: {have}.")
    return [path for path in every if not names or path.name[:2] in names]


def read(path: Path) -> Lesson:
    """Read a source file.

    Raises:
        UserError: it cannot be parsed, or its front matter is incomplete or another lesson's.
    """
    import jupytext  # only where sources are read: editions are made of notebooks

    try:
        notebook = jupytext.reads(path.read_text(encoding="utf-8"), fmt="md:myst")
    except (ValueError, nbformat.ValidationError) as error:
        reason = str(error).partition("\n")[0]
        raise UserError(f"{path.name}: {reason}. (Numbers in tags are quoted.)") from error
    except Exception as error:  # YAML's own errors, and of jupytext where nothing follows a colon
        reason = " ".join(str(error).split())
        raise UserError(
            f"{path.name}: the front matter cannot be read: {reason} (Each key has its value, and "
            "a text with a colon stands in quotes.)"
        ) from error
    front = notebook.metadata
    missing = [key for key in FRONT if key not in front]
    if missing:
        raise UserError(f"{path.name}: the front matter lacks {', '.join(missing)}.")
    for key, (kind, right) in FRONT.items():
        if not isinstance(front[key], kind):
            raise UserError(
                f"{path.name}: the front matter says {key}: {front[key]!r}; {right} is wanted."
            )
    if path.name[:2] != f"{front.lesson:02d}":
        raise UserError(f"{path.name}: the front matter says lesson {front.lesson}.")
    cells = tuple(cell for cell in notebook.cells if cell.source.strip())
    return Lesson(
        path,
        front.title,
        front.lesson,
        front.minutes,
        front.seconds,
        tuple(front.needs),
        front.get("part", ""),
        front.get("digits_first", False),
        cells,
    )


def tags(cell: Cell) -> list[str]:
    """A cell's tags."""
    return list(cell.metadata.get("tags", []))


def number(cell: Cell) -> str | None:
    """The number of the exercise that a cell holds, or None.

    Raises:
        UserError: the cell is tagged as an exercise but not numbered like "7.1".
    """
    if "exercise" not in tags(cell):
        return None
    found = [tag for tag in tags(cell) if re.fullmatch(r"\d+\.\d+", tag)]
    if len(found) != 1:
        raise UserError(f'An exercise has the tags {tags(cell)}; write [exercise, "7.1"].')
    return found[0]


def quiz_of(cell: Cell) -> str:
    """The lesson whose quiz a cell shows, such as "07"; an empty text for any other cell."""
    found = re.fullmatch(r'quiz\("(\d\d)"\)', cell.source.strip())
    return found[1] if found else ""


def solved(code: str) -> str:
    """An exercise's code with its solution, without the marks."""
    lines = [line.removesuffix("  # solution") for line in code.splitlines()]
    kept = [line for line in lines if line.strip() not in ("# solution", "# end of solution")]
    return "\n".join(kept)


def stub(code: str) -> str:
    """An exercise's code as the learner gets it: ``...  # your code here`` for the solution.

    Raises:
        UserError: no solution is marked, or a mark stands where it cannot be used.
    """
    lines, kept = code.splitlines(), []
    while lines:
        line = lines.pop(0)
        one_line = ONE_LINE.match(line)
        if line.strip() == "# solution":
            kept.append(_replace_block(lines, _indent(line)))
        elif one_line:
            kept.append(f"{one_line['head']}...{one_line['comma']}  # your code here")
        else:
            kept.append(line)
    left = "\n".join(kept)
    if "# solution" in left or "# end of solution" in left:
        raise UserError(f"A solution is marked where it cannot be cut out:\n{left}")
    if "# your code here" not in left:
        raise UserError(f"No line is marked `# solution` in:\n{code}")
    return left


def _replace_block(lines: list[str], indent: int) -> str:
    """Take the marked block off the front of ``lines``; return the line that replaces it."""
    block: list[str] = []
    while lines and (not lines[0].strip() or _indent(lines[0]) >= indent):
        line = lines.pop(0)
        if line.strip() == "# end of solution":
            break
        block.append(line)
    while block and not block[-1].strip():
        lines.insert(0, block.pop())
    returns = any(re.match(rf" {{{indent}}}return\b", line) for line in block)
    return " " * indent + ("return " if returns else "") + YOUR_CODE


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def exercises(lesson: Lesson) -> list[Exercise]:
    """The exercises of a lesson, in order.

    Raises:
        UserError: an exercise is not followed by the cell that checks it.
    """
    found: list[Exercise] = []
    setup: list[str] = []
    for cell, following in zip(lesson.cells, [*lesson.cells[1:], None], strict=True):
        if cell.cell_type != "code":
            continue
        which = number(cell)
        if which is None:
            setup += definitions(cell.source)
            continue
        answers = _answers(which, following.source if following is not None else "")
        code = solved(cell.source)
        found.append(Exercise(which, "\n".join(setup), code, stub(cell.source), answers))
        setup.append(code)
    return found


def definitions(code: str) -> Iterator[str]:
    """The imports, functions and classes of a cell: what an exercise may use of it.

    Raises:
        UserError: the cell is no Python.
    """
    try:
        parsed = ast.parse(code)
    except SyntaxError as error:
        raise UserError(
            f"This is no Python (line {error.lineno}: {error.msg}; a lesson has no %magics and no "
            f"!commands, and ``` ends a cell):\n{code}"
        ) from error
    for node in parsed.body:
        if isinstance(node, ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef):
            yield ast.unparse(node)


def _answers(which: str, code: str) -> str:
    match = re.fullmatch(rf"check\(\s*['\"]{re.escape(which)}['\"],(.*)\)", code.strip(), re.DOTALL)
    if match is None:
        raise UserError(f'Exercise {which} is not followed by a cell check("{which}", answer).')
    return f"({match[1].strip().removesuffix(',')},)"


# The learner's notebook


def learner_cells(lesson: Lesson) -> list[Cell]:
    """The notebook's cells, with nothing in sight that tells an answer before it is asked for.

    Solutions are cut out of the exercises and folded below their checks; an output that answers a
    prediction is hidden until the cell is run, and what the text says of it is folded.
    """
    known = {exercise.number: exercise for exercise in exercises(lesson)}
    cells: list[Cell] = []
    folded = ""
    covered = False
    for cell in lesson.cells:
        which = number(cell)
        source = known[which].stub if which else cell.source
        if covered and cell.cell_type == "markdown" and SLIDE not in tags(cell):
            source = fold(source)
        made = _cell(cell.cell_type, source, tags(cell))
        covered = cell.cell_type == "code" and COVERED in tags(cell)
        if covered:
            made.metadata["jupyter"] = {"outputs_hidden": True}  # running the cell shows it again
        cells.append(made)
        if folded:
            cells.append(_cell("markdown", folded))
        folded = _folded(known[which]) if which else ""
    seen: Counter[str] = Counter()
    for cell in cells:
        digest = hashlib.sha256(cell.source.encode()).hexdigest()[:8]
        cell.id = f"{digest}-{seen[digest]}"
        seen[digest] += 1
    return cells


def _cell(kind: str, source: str, tagged: Sequence[str] = ()) -> Cell:
    make = nbformat.v4.new_code_cell if kind == "code" else nbformat.v4.new_markdown_cell
    return make(source, metadata={"tags": list(tagged)} if tagged else {})


def fold(text: str) -> str:
    """Fold what a text says of a covered output: up to a heading or the next prediction."""
    end = OPEN_AGAIN.search(text)
    answer, rest = (text[: end.start()], text[end.start() :]) if end else (text, "")
    if not answer.strip() or answer.startswith("<details>"):
        return text
    return f"{FOLDED}{answer.strip()}\n\n</details>\n\n{rest}".strip()


def _folded(exercise: Exercise) -> str:
    return (
        f"<details><summary>Solution {exercise.number}</summary>\n\n"
        f"```python\n{exercise.solution}\n```\n\n</details>"
    )


def unexecuted(lesson: Lesson) -> Notebook:
    """The notebook as its source gives it, without outputs."""
    metadata = METADATA | {"title": lesson.title}
    cells = learner_cells(lesson)
    if links := neighbours(lesson):
        cells.append(_cell("markdown", links))
        cells[-1].id = "neighbours"
    return nbformat.v4.new_notebook(cells=cells, metadata=metadata)


def neighbours(lesson: Lesson) -> str:
    """Markdown: links to the lesson before and to the one after, where there are such."""
    every = sources(folder=lesson.path.parent)
    place = every.index(lesson.path)
    links = [f"[← {_title(path)}]({path.stem}.ipynb)" for path in every[max(place - 1, 0) : place]]
    links += [f"[{_title(path)} →]({path.stem}.ipynb)" for path in every[place + 1 : place + 2]]
    return " · ".join(links)


def _title(path: Path) -> str:
    """The title in a source's front matter, without reading the rest of it."""
    found = re.search(r"^title: [\"']?(.+?)[\"']?$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return f"{path.name[:2]} {found[1]}" if found else path.name[:2]
