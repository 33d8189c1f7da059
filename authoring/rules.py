"""What a lesson has to be, and sentences about what it is not; nothing is executed."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat

from authoring.minutes import minutes
from authoring.source import (
    COVERED,
    FOLDED,
    IGNORE,
    SLIDE,
    SLIDE_OUTPUT,
    SOURCES,
    Cell,
    Lesson,
    Notebook,
    exercises,
    number,
    quiz_of,
    read,
    tags,
    unexecuted,
)
from gan_lessons.errors import UserError
from gan_lessons.exercises import questions

LONGEST_CELL = 20  # lines
FEWEST_COMPARED = 5  # cells of a notebook whose outputs are really compared
FEWEST_EXERCISES = 2
WITHOUT_SOURCE = {"glossary", "checklist"}  # made of other files
FEWEST_SLIDES = 8  # the first cell, which always is one, among them
VIEW = "application/vnd.jupyter.widget-view+json"
NOT_COMPARED = {VIEW, "image/png", "image/jpeg"}  # by nbval
MACHINE_PATH = re.compile(r"(?<![\w.:/])/(?:home|root|tmp|work|Users)/[\w.]")
ANSWERS = re.compile(r"^\s*(?:from|import) gan_lessons\.exercises\.(lesson_\d\d)", re.MULTILINE)
ADDRESS = re.compile(r"\bat 0x[0-9a-f]{6,}")
CAPTION = re.compile(r"\A(\*[^*\s].*?[^*]\*|_[^_\s].*?_)\s*(?:\n\s*\n|\Z)", re.DOTALL)
PREDICT = "> **Predict.**"
TOLD = re.compile(r"\s*[^#\s].*?^#{2,4} ", re.DOTALL | re.MULTILINE)  # text, then a heading
REQUIRED = {
    "**After this lesson you can**": "the objectives",
    "**You need**": "what a learner needs",
    "**On the way**": "where one stands, and what can be skipped",
    PREDICT: "a box that asks for a prediction",
    "## Quiz": "the heading of the quiz",
    "## Recap": "the recap",
    "**Going on**": "where to go on",
    "**Read**": "what to read",
}
NOTES = ("Timing", "What learners get wrong", "What to ask", "If time is short")


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
    found = _differences(notebook, wanted, lesson.name)
    found += _parts(lesson)
    found += _uncovered(lesson)
    found += _time_problems(lesson)
    found += _notes_problems(lesson)
    found += _quiz_problems(notebook)
    for cell, following in zip(notebook.cells, [*notebook.cells[1:], None], strict=True):
        found += _cell_problems(cell, lesson.number)
        found += output_problems(cell)
        text = following.source.removeprefix(FOLDED) if following is not None else ""
        if has_picture(cell) and not CAPTION.match(text):
            found.append(f"{_where(cell)} shows a picture, but no caption *in italics* follows.")
    return found + _compared_problems(notebook)


def _differences(notebook: Notebook, wanted: Notebook, name: str) -> list[str]:
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


def _uncovered(lesson: Lesson) -> Iterator[str]:
    """Predictions whose answer is not hidden: neither folded nor in a covered output."""
    waiting: Cell | None = None
    below = ""  # the waiting one
    for cell in lesson.cells:
        if waiting is not None and TOLD.match(below):  # its section ends: that was the answer
            yield _open_prediction(waiting)
            waiting = None
        if cell.cell_type == "code":
            waiting = None if COVERED in tags(cell) else waiting
            below = "# code\n"  # after which text may go on before the answer comes
            continue
        before, *predictions = cell.source.split(PREDICT)
        below += f"{before}\n\n"
        if "<details>" in before:
            waiting = None
        for text in predictions:
            if waiting is not None:
                yield _open_prediction(waiting)
            waiting = None if "<details>" in text else cell
            below = text.partition("\n\n")[2] + "\n\n"
    if waiting is not None:
        yield _open_prediction(waiting)


def _open_prediction(cell: Cell) -> str:
    text = " ".join(cell.source.partition(PREDICT)[2].split())[:60]
    return f"The prediction `{text}…` has no answer that is covered: tag a cell {COVERED}, or fold."


def _time_problems(lesson: Lesson) -> Iterator[str]:
    """Minutes that are hopes: more than five from what is counted, or not those of the text."""
    counted = minutes(lesson)
    if abs(lesson.minutes - counted) > 5:
        yield f"The front matter says {lesson.minutes} minutes; counted are {counted}."
    if f" {lesson.minutes} minutes" not in lesson.cells[0].source.replace("\n", " "):
        yield f"Its first cell does not say that it takes {lesson.minutes} minutes."


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
    total = sum(map(int, re.findall(r"^\|.+\| *(\d+) *\|$", timing, re.MULTILINE)))
    if total != lesson.minutes:
        yield f"The timing in {name} adds up to {total} minutes, the lesson has {lesson.minutes}."


def _quiz_problems(notebook: Notebook) -> Iterator[str]:
    """A saved quiz that asks something else than its file."""
    for cell in notebook.cells:
        name = quiz_of(cell)
        if not name or not (questions.FOLDER / f"{name}.toml").is_file():
            continue
        saved = "".join(output.get("data", {}).get("text/html", "") for output in cell.outputs)
        try:
            if questions.saved_html(questions.load(name, questions.FOLDER)) not in saved:
                yield f"Its quiz is not that of {name}.toml: run `make notebooks LESSON={name}`."
        except UserError as error:
            yield str(error)


def _cell_problems(cell: Cell, lesson: int) -> Iterator[str]:
    where = _where(cell)
    if MACHINE_PATH.search(cell.source):
        yield f"{where} names a path of one machine."
    which = number(cell)
    known = {SLIDE} if cell.cell_type == "markdown" else {IGNORE, COVERED, SLIDE, SLIDE_OUTPUT}
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
    if found := ANSWERS.search(cell.source):
        yield f"{where} imports from {found[1]}.py, where answers stand: use exercises/puzzles/."
    if IGNORE in tags(cell) and "assert" not in cell.source:
        yield f"{where} is tagged {IGNORE}, but has no assert that says what must hold."
    if re.search(r"#\s*NBVAL", cell.source) or "clear_output" in cell.source:
        yield f"{where} evades the comparison of outputs (# NBVAL… or clear_output)."


def output_problems(cell: Cell) -> Iterator[str]:
    """Rules about what a cell shows, before it is saved and after."""
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


def orphans(folder: Path = SOURCES) -> list[str]:
    """Notebooks that no source gives, in sentences."""
    given = {path.stem for path in folder.glob("*.md")} | WITHOUT_SOURCE
    found = sorted(path.name for path in folder.parent.glob("*.ipynb") if path.stem not in given)
    return [f"{name} has no source in {folder.name}/." for name in found]
