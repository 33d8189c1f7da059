"""The lessons, the glossary and the checklist as web pages that read and live without a network.

Pictures and scripts are in the pages, and formulas are MathML. Without scripts, and in print,
panels show their stills.
"""

from pathlib import Path

import nbformat

from authoring import checklist, front_page, glossary, search_page
from authoring.cells import cell
from authoring.live import panels
from authoring.source import SOURCES, read, sources
from authoring.webpage import CHECKLIST, GLOSSARY, SEARCH, address, page
from gan_lessons.errors import UserError
from gan_lessons.files import atomic_write


def build(out: Path, folder: Path = SOURCES) -> list[Path]:
    """Write the pages: the first, each lesson, glossary, checklist and search; return the paths.

    Args:
        out: where to; made if it is not there.
        folder: where the sources are.

    Raises:
        UserError: there is no lesson, or a page has not been built.
    """
    course = [read(path) for path in sources(folder=folder)]
    pages = {"index.html": front_page.front_page(course)}
    documents: list[search_page.Document] = []
    for place, lesson in enumerate(course):
        if not lesson.notebook.is_file():
            raise UserError(
                f"{lesson.notebook.name} is missing. Make it: make notebooks LESSON={lesson.name}"
            )
        notebook = nbformat.read(lesson.notebook, as_version=4)
        cells = [each for each in notebook.cells if each.id != "neighbours"]  # the page has its own
        living = [panels.of_cell(lesson.name, each) for each in cells]
        body = "\n".join(map(cell, cells, living))
        before, after = course[max(place - 1, 0) : place], course[place + 1 : place + 2]
        title = f"{lesson.name} · {lesson.title}"
        pages[address(lesson)] = page(
            address(lesson),
            lesson.title,
            body,
            before=[(address(other), f"{other.name} · {other.title}") for other in before],
            after=[(address(other), f"{other.name} · {other.title}") for other in after],
            living=[panel for panel in living if panel],
        )
        documents += search_page.documents(address(lesson), title, body)
    for name, title in ((GLOSSARY[0], glossary.TITLE), (CHECKLIST[0], checklist.TITLE)):
        made = (folder.parent / name).with_suffix(".ipynb")
        if not made.is_file():
            raise UserError(f"{made.name} is missing. Make it: python -m authoring {made.stem}")
        body = "\n".join(map(cell, nbformat.read(made, as_version=4).cells))
        pages[name] = page(name, title, body)
        documents += search_page.documents(name, title, body)
    pages[SEARCH[0]] = search_page.search_page(documents)
    for name, text in pages.items():
        with atomic_write(out / name) as aside:
            aside.write_text(text, encoding="utf-8")
    return [out / name for name in pages]
