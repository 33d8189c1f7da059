"""The lesson machine: Markdown that people edit becomes notebooks that learners open.

``python -m gan_lessons.lessons build [07 …]`` executes ``notebooks/source/NN_name.md`` in a fresh
kernel and writes ``notebooks/NN_name.ipynb``; ``… refresh [07 …]`` renews words and tags and keeps
outputs, where no code has changed; ``… check [07 …]`` says, without running anything, what in a
committed notebook is not as its source or the course's rules want it.
"""

import argparse
import ast
import base64
import hashlib
import io
import os
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from PIL import Image

from gan_lessons.errors import UserError
from gan_lessons.files import written_aside

SOURCES = Path(__file__).parents[1] / "notebooks" / "source"
LONGEST_CELL = 20  # lines
FEWEST_COMPARED = 5  # cells of a notebook whose outputs nbval really compares
FEWEST_EXERCISES = 2
FEWEST_SLIDES = 8  # the first cell, which always is one, among them
IGNORE = "nbval-ignore-output"
SLIDE = "slide"  # on Markdown: a new slide; on code: its source and output on the slide
SLIDE_OUTPUT = "slide-output"  # on code: only its output on the slide
VIEW = "application/vnd.jupyter.widget-view+json"
NOT_COMPARED = {VIEW, "image/png", "image/jpeg"}  # by nbval
MACHINE_PATH = re.compile(r"(?<![\w.:/])/(?:home|root|tmp|work|Users)/[\w.]")
ADDRESS = re.compile(r"\bat 0x[0-9a-f]{6,}")
CAPTION = re.compile(r"\A(\*[^*\s].*?[^*]\*|_[^_\s].*?_)\s*(?:\n\s*\n|\Z)", re.DOTALL)
REQUIRED = {
    "**After this lesson you can**": "the objectives",
    "**You need**": "what a learner needs",
    "> **Predict.**": "a box that asks for a prediction",
    "## Quiz": "the heading of the quiz",
    "## Recap": "the recap",
    "**Going on**": "where to go on",
    "**Read**": "what to read",
}
NOTES = ("Timing", "What learners get wrong", "What to ask", "If time is short")
YOUR_CODE = "...  # your code here"
ONE_LINE = re.compile(
    r"^(?P<head>\s*(?:return |[\w., \[\]\"']+(?:: [^=]+)? = |[\"'][^\"']*[\"']: |\w+=))"
    r".+?(?P<comma>,?)  # solution$"
)

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
    front = notebook.metadata
    missing = [
        key for key in ("title", "lesson", "minutes", "seconds", "needs") if key not in front
    ]
    if missing:
        raise UserError(f"{path.name}: the front matter lacks {', '.join(missing)}.")
    if path.name[:2] != f"{front.lesson:02d}":
        raise UserError(f"{path.name}: the front matter says lesson {front.lesson}.")
    cells = tuple(cell for cell in notebook.cells if cell.source.strip())
    return Lesson(
        path, front.title, front.lesson, front.minutes, front.seconds, tuple(front.needs), cells
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
    """The imports, functions and classes of a cell: what an exercise may use of it."""
    for node in ast.parse(code).body:
        if isinstance(node, ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef):
            yield ast.unparse(node)


def _answers(which: str, code: str) -> str:
    match = re.fullmatch(rf"check\(\s*['\"]{re.escape(which)}['\"],(.*)\)", code.strip(), re.DOTALL)
    if match is None:
        raise UserError(f'Exercise {which} is not followed by a cell check("{which}", answer).')
    return f"({match[1].strip().removesuffix(',')},)"


# Building


def learner_cells(lesson: Lesson) -> list[Cell]:
    """The notebook's cells: solutions cut out of the exercises and folded below their checks."""
    known = {exercise.number: exercise for exercise in exercises(lesson)}
    cells: list[Cell] = []
    folded = ""
    for cell in lesson.cells:
        which = number(cell)
        source = known[which].stub if which else cell.source
        made = _cell(cell.cell_type, source, tags(cell))
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


def _folded(exercise: Exercise) -> str:
    return (
        f"<details><summary>Solution {exercise.number}</summary>\n\n"
        f"```python\n{exercise.solution}\n```\n\n</details>"
    )


def unexecuted(lesson: Lesson) -> Notebook:
    """The notebook as its source gives it, without outputs."""
    metadata = {
        "kernelspec": {
            "display_name": "Python 3 (ipykernel)",
            "language": "python",
            "name": "python3",
        },
        "language_info": {"name": "python"},
        "title": lesson.title,
    }
    return nbformat.v4.new_notebook(cells=learner_cells(lesson), metadata=metadata)


def build(path: Path) -> float:
    """Execute a source in a fresh kernel and write its notebook; return the seconds it took.

    The digits are those that come with the install, so that results do not depend on what this
    machine has downloaded.

    Raises:
        UserError: a cell fails, warns, or takes too long.
    """
    lesson = read(path)
    notebook = unexecuted(lesson)
    client = NotebookClient(
        notebook,
        timeout=max(60, 5 * lesson.seconds),
        kernel_name="python3",
        resources={"metadata": {"path": str(lesson.notebook.parent)}},
        record_timing=False,
        store_widget_state=False,
        coalesce_streams=True,
        extra_arguments=["--log-level=ERROR"],
    )
    began = time.perf_counter()
    try:
        client.execute(
            env=os.environ | {"GAN_LESSONS_DATA": "bundled", "GAN_LESSONS_PROGRESS": "off"}
        )
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        raise UserError(f"{path.name} did not run to its end: {error}") from error
    seconds = time.perf_counter() - began
    notebook.metadata = unexecuted(lesson).metadata  # the kernel wrote its Python version there
    for cell in notebook.cells:
        if cell.cell_type == "code":
            _normalise(cell)
    if complaints := [c for cell in notebook.cells for c in _output_problems(cell)]:
        raise UserError(f"{path.name} is not fit to be saved:\n  " + "\n  ".join(complaints))
    write(notebook, lesson.notebook)
    return seconds


def refresh(path: Path) -> None:
    """Bring the words and tags of a built notebook in step with its source; run nothing.

    Raises:
        UserError: it is not built yet, or its code is no longer the source's.
    """
    lesson = read(path)
    again = f"run `make notebooks LESSON={lesson.name}`"
    if not lesson.notebook.is_file():
        raise UserError(f"{path.stem} is not built yet: {again}.")
    notebook = unexecuted(lesson)
    old, new = (
        [cell for cell in book.cells if cell.cell_type == "code"]
        for book in (nbformat.read(lesson.notebook, as_version=4), notebook)
    )
    if [cell.source for cell in old] != [cell.source for cell in new]:
        raise UserError(f"{path.stem}: its code has changed, so its outputs cannot stay: {again}.")
    for cell, executed in zip(new, old, strict=True):
        cell.outputs, cell.execution_count = executed.outputs, executed.execution_count
    write(notebook, lesson.notebook)


def write(notebook: Notebook, path: Path) -> None:
    """Write a notebook, whole or not at all."""
    nbformat.validate(notebook)
    with written_aside(path) as aside:
        aside.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8", newline="\n")


def light(picture: str) -> str:
    """A PNG in base64, in 256 colours: whoever clones the course fetches half as much."""
    image = Image.open(io.BytesIO(base64.b64decode(picture)))
    if image.mode == "P":
        return picture
    few = image.convert("RGB").quantize(256, kmeans=2, dither=Image.Dither.NONE)
    buffer = io.BytesIO()
    few.save(buffer, "png", optimize=True)
    return base64.b64encode(buffer.getvalue()).decode("ascii")


def _normalise(cell: Cell) -> None:
    """Make pictures light, and drop live views, which nothing answers in a saved notebook.

    A still takes the view's place. Only a cell whose outputs are not compared may show a live
    view that leaves none, such as the panel of a training that has ended.
    """
    kept = []
    for output in cell.outputs:
        data = output.get("data", {})
        if "image/png" in data:
            data["image/png"] = light(data["image/png"])
        if VIEW in data and {"image/png", "text/html"} & set(data):
            del data[VIEW]
        if VIEW not in data or IGNORE not in tags(cell):
            kept.append(output)
    cell.outputs = kept


# Checking


def problems(path: Path) -> list[str]:
    """What is wrong with a lesson, in sentences; nothing is executed."""
    try:
        lesson = read(path)
        wanted = unexecuted(lesson)
    except UserError as error:
        return [str(error)]
    if not lesson.notebook.is_file():
        return [f"It is not built yet: run `make notebooks LESSON={lesson.name}`."]
    notebook = nbformat.read(lesson.notebook, as_version=4)
    found = _drift(notebook, wanted, lesson.name)
    found += _parts(lesson)
    found += _notes_problems(lesson)
    for cell, following in zip(notebook.cells, [*notebook.cells[1:], None], strict=True):
        found += _cell_problems(cell, lesson.number)
        found += _output_problems(cell)
        if has_picture(cell) and not (following is not None and CAPTION.match(following.source)):
            found.append(f"{_where(cell)} shows a picture, but no caption *in italics* follows.")
    return found + _compared_problems(notebook)


def _drift(notebook: Notebook, wanted: Notebook, name: str) -> list[str]:
    rebuild = f"run `make notebooks LESSON={name}`"
    if notebook.metadata != wanted.metadata:
        return [f"The notebook's metadata is not what the build writes: {rebuild}."]
    if len(notebook.cells) != len(wanted.cells):
        counts = f"{len(notebook.cells)} cells, the source gives {len(wanted.cells)}"
        return [f"The notebook has {counts}: {rebuild}."]
    for cell, want in zip(notebook.cells, wanted.cells, strict=True):
        for part in ("cell_type", "source", "metadata", "id"):
            if cell[part] != want[part]:
                return [f"{_where(cell)} differs from the source in its {part}: {rebuild}."]
    return [
        f"{_where(cell)} was not executed: {rebuild}."
        for cell in notebook.cells
        if cell.cell_type == "code" and cell.execution_count is None
    ]


def _parts(lesson: Lesson) -> list[str]:
    """Rules about the whole lesson, as its source shows it."""
    text = "\n\n".join(cell.source for cell in lesson.cells if cell.cell_type == "markdown")
    code = [cell.source.strip() for cell in lesson.cells if cell.cell_type == "code"]
    found = [f"It lacks {what}: `{mark}`." for mark, what in REQUIRED.items() if mark not in text]
    heading = f"# {lesson.name} · {lesson.title}"
    if not lesson.cells[0].source.startswith(heading + "\n"):
        found.append(f"It does not begin with `{heading}`.")
    if f'quiz("{lesson.name}")' not in code:
        found.append(f'It has no cell `quiz("{lesson.name}")`.')
    asked = exercises(lesson)
    for exercise in asked:
        if f"## Exercise {exercise.number} · " not in text:
            found.append(f"It has no heading `## Exercise {exercise.number} · …`.")
    if len(asked) < FEWEST_EXERCISES:
        found.append(f"It has {len(asked)} exercises; {FEWEST_EXERCISES} is least.")
    slides = 1 + sum(SLIDE in tags(cell) for cell in lesson.cells[1:] if cell.cell_type != "code")
    if slides < FEWEST_SLIDES:
        found.append(f"It marks {slides} slides; {FEWEST_SLIDES} is least.")
    return found


def _notes_problems(lesson: Lesson) -> Iterator[str]:
    """Rules about the page for the instructor."""
    name = f"{lesson.notes.parent.name}/{lesson.notes.name}"
    if not lesson.notes.is_file():
        yield f"Its page of notes for the instructor, {name}, is missing."
        return
    text = lesson.notes.read_text(encoding="utf-8")
    heading = f"# Notes for lesson {lesson.name} · {lesson.title}"
    if not text.startswith(heading + "\n"):
        yield f"{name} does not begin with `{heading}`."
    if tuple(re.findall("^## (.+)$", text, re.MULTILINE)) != NOTES:
        yield f"The sections of {name} are not: {', '.join(NOTES)}."
    timing = text.partition(f"## {NOTES[0]}")[2].partition(f"## {NOTES[1]}")[0]
    minutes = sum(map(int, re.findall(r"^\|.+\| *(\d+) *\|$", timing, re.MULTILINE)))
    if minutes != lesson.minutes:
        yield f"The timing in {name} adds up to {minutes} minutes, the lesson has {lesson.minutes}."


def _cell_problems(cell: Cell, lesson: int) -> Iterator[str]:
    where = _where(cell)
    if MACHINE_PATH.search(cell.source):
        yield f"{where} names a path of one machine."
    which = number(cell)
    known = {SLIDE} if cell.cell_type == "markdown" else {IGNORE, SLIDE, SLIDE_OUTPUT}
    for tag in tags(cell):
        if tag not in known | ({"exercise", which} if which else set()):
            yield f"{where} has the unknown tag {tag!r}."
    if {SLIDE, SLIDE_OUTPUT} <= set(tags(cell)):
        yield f"{where} is tagged {SLIDE} and {SLIDE_OUTPUT}: choose one."
    if cell.cell_type != "code":
        return
    lines = len(cell.source.splitlines())
    if lines > LONGEST_CELL:
        yield f"{where} has {lines} lines; {LONGEST_CELL} are the most."
    if which and which.partition(".")[0] != str(lesson):
        yield f"{where} numbers an exercise {which} in lesson {lesson}."
    if IGNORE in tags(cell) and "assert" not in cell.source:
        yield f"{where} is tagged {IGNORE}, but has no assert that says what must hold."
    if re.search(r"#\s*NBVAL", cell.source) or "clear_output" in cell.source:
        yield f"{where} evades the comparison of outputs (# NBVAL… or clear_output)."


def _output_problems(cell: Cell) -> Iterator[str]:
    if cell.cell_type != "code":
        return
    where = _where(cell)
    for output in cell.outputs:
        text = _text(output)
        if output.output_type == "error":
            yield f"{where} ends in an error: {output.ename}."
        if output.get("name") == "stderr":
            yield f"{where} writes warnings: {output.text.strip()[:300]}"
        if MACHINE_PATH.search(text) or str(SOURCES.parents[1]) in text:
            yield f"{where} shows a path of one machine: {text[:200]}"
        if ADDRESS.search(text):
            yield f"{where} shows a memory address, which changes: {text[:200]}"
        if VIEW in output.get("data", {}):
            yield f"{where} shows a widget that leaves no still picture or text."
        if text.startswith("<Figure") and "image/png" not in output.data:
            yield f"{where} shows a figure as text: it needs a PNG form."


def _compared_problems(notebook: Notebook) -> list[str]:
    compared = sum(is_compared(cell) for cell in notebook.cells)
    shown = [cell for cell in notebook.cells if cell.cell_type == "code" and shows_text(cell)]
    found = []
    if compared < FEWEST_COMPARED:
        found.append(f"Outputs of only {compared} cells are compared; {FEWEST_COMPARED} is least.")
    if 2 * sum(map(is_compared, shown)) < len(shown):
        found.append(f"Less than half of the {len(shown)} cells that show text are compared.")
    return found


def has_picture(cell: Cell) -> bool:
    """Whether a cell's output holds a picture."""
    return any("image/png" in output.get("data", {}) for output in cell.get("outputs", []))


def shows_text(cell: Cell) -> bool:
    """Whether nbval would find anything but pictures in a code cell's outputs.

    A figure's ``<Figure size …>`` is text that says nothing, so it does not count.
    """
    return any(
        not _text(output).startswith("<Figure")
        and ("text" in output or set(output.get("data", {})) - NOT_COMPARED)
        for output in cell.outputs
    )


def is_compared(cell: Cell) -> bool:
    """Whether nbval really compares a cell's outputs, and they say something."""
    if cell.cell_type != "code" or cell.execution_count is None or IGNORE in tags(cell):
        return False
    return shows_text(cell)


def _text(output: Any) -> str:
    data = output.get("data", {})
    texts = [str(data[kind]) for kind in data if kind.startswith("text/")]
    return "\n".join([output.get("text", ""), *texts]).strip()


def _where(cell: Cell) -> str:
    first = next((line for line in cell.source.splitlines() if line.strip()), "")
    return f"The {cell.cell_type} cell `{first.strip()[:60]}`"


def strays(folder: Path = SOURCES) -> list[str]:
    """Notebooks that no source gives."""
    given = {path.stem for path in folder.glob("*.md")}
    found = sorted(path.name for path in folder.parent.glob("*.ipynb") if path.stem not in given)
    return [f"{name} has no source in {folder.name}/." for name in found]


# The command


def main(arguments: Sequence[str] | None = None, folder: Path = SOURCES) -> int:
    """Run a command; return the exit code: 0 fine, 1 problems, 2 bad input."""
    parser = argparse.ArgumentParser(prog="python -m gan_lessons.lessons", description=__doc__)
    parser.add_argument("command", choices=("build", "refresh", "check"))
    parser.add_argument("lessons", nargs="*", metavar="NN", help="two digits; default: all")
    options = parser.parse_args(arguments)
    try:
        paths = sources(options.lessons, folder)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    found = [] if options.lessons else strays(folder)
    for path in paths:
        if options.command == "build":
            found += _build_and_tell(path)
        if options.command == "refresh":
            found += _refresh_and_tell(path)
        found += [f"{path.stem}: {problem}" for problem in problems(path)]
    for problem in found:
        print(problem, file=sys.stderr)
    if not found:
        print(f"In step with its source: {', '.join(path.stem for path in paths)}.")
    return 1 if found else 0


def _build_and_tell(path: Path) -> list[str]:
    try:
        seconds = build(path)
    except UserError as error:
        return [str(error)]
    allowed = read(path).seconds
    late = "" if seconds <= allowed else ", which is too long"
    print(f"{path.stem}: {seconds:.1f} s of {allowed} s{late}", flush=True)
    return []


def _refresh_and_tell(path: Path) -> list[str]:
    try:
        refresh(path)
    except UserError as error:
        return [str(error)]
    return []


if __name__ == "__main__":
    sys.exit(main())
