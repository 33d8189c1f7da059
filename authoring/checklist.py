"""The checklist for a GAN that does not train, as a notebook without code that fits on a page.

``checklist.toml`` has its lines.
"""

import tomllib
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from authoring import page
from authoring.build import write as write_notebook
from authoring.source import SOURCES, Notebook, sources

LINES = Path(__file__).with_name("checklist.toml")
NOTEBOOK = SOURCES.parent / "checklist.ipynb"
TITLE = "Checklist: a GAN that does not train"
OPENING = f"""# {TITLE}

From top to bottom, the cheap and certain questions first. Each line says only what the lessons that
it names have shown. There is nothing to run on this page: print it."""
HEAD = "| | what you see | look at | likely cause | cure | lesson |\n|---|---|---|---|---|---|"


@dataclass(frozen=True)
class Line:
    """A symptom, where to look, what is likely behind it, and what mends it."""

    part: str
    see: str
    look: str
    cause: str
    cure: str
    lessons: tuple[int, ...]  # that show it


def lines() -> list[Line]:
    """All lines, in the order of the file."""
    rows = tomllib.loads(LINES.read_text(encoding="utf-8"))["line"]
    return [Line(**row | {"lessons": tuple(row["lessons"])}) for row in rows]


def notebook() -> Notebook:
    """The page as a notebook of Markdown cells, a table for each part.

    Raises:
        KeyError: a lesson does not exist.
    """
    course = {int(path.name[:2]): f"{path.stem}.ipynb" for path in sources()}
    texts = [OPENING]
    for part, some in groupby(lines(), key=lambda line: line.part):
        rows = [HEAD]
        for line in some:
            links = ", ".join(f"[{number:02d}]({course[number]})" for number in line.lessons)
            rows.append(f"| ☐ | {line.see} | {line.look} | {line.cause} | {line.cure} | {links} |")
        texts.append("\n".join([f"## {part}", "", *rows]))
    return page.notebook("checklist", TITLE, texts)


def write() -> list[Path]:
    """Write the notebook; return where."""
    write_notebook(notebook(), NOTEBOOK)
    return [NOTEBOOK]


def problems() -> list[str]:
    """What is wrong with the checklist, in sentences."""
    known = {int(path.name[:2]) for path in sources()}
    found = [
        f"Checklist, `{line.see}`: there is no lesson {number:02d}."
        for line in lines()
        for number in line.lessons
        if number not in known
    ]
    found += [
        f"Checklist, `{line.see}`: no lesson shows it." for line in lines() if not line.lessons
    ]
    if found:
        return found
    return page.out_of_step(notebook(), NOTEBOOK)
