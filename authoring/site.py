"""The lessons, the glossary and the checklist as web pages that read without a network.

Pictures are in the pages, formulas are MathML, and there is no script. Panels show their stills.
"""

import re
from base64 import b64encode
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

import nbformat
from latex2mathml.converter import convert
from nbconvert.filters.ansi import ansi2html
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from authoring import checklist, glossary
from authoring.course import rows
from authoring.source import COVERED, SOURCES, Lesson, read, sources, tags
from gan_lessons.errors import UserError
from gan_lessons.files import atomic_write
from gan_lessons.plotting import course_map, png
from gan_lessons.widgets.still import without_note

HOME = ("index.html", "All lessons")
GLOSSARY = ("glossary.html", glossary.TITLE)
CHECKLIST = ("checklist.html", "Checklist")
MAP = "each lesson with its minutes and arrows from what it needs; the list below says the same."
CODE = HtmlFormatter(style="friendly")
STYLE = """
body { max-width: 54rem; margin: 0 auto; padding: 1rem; color: #222; background: #fff;
  font: 1.05rem/1.55 system-ui, sans-serif }
h1, h2, h3 { line-height: 1.25; margin: 2rem 0 .6rem }
nav { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 0.3rem 1rem }
a { color: #06c }
a.anchor-link { visibility: hidden; text-decoration: none }
:is(h1, h2, h3):hover > a.anchor-link { visibility: visible }
pre, code { font: .85rem/1.45 ui-monospace, monospace }
:not(pre) > code { overflow-wrap: anywhere }
.highlight { background: #f5f5f5; border-left: 4px solid #ccc; margin-top: 1rem }
pre { margin: 0; padding: .6rem .8rem; overflow-x: auto }
details .highlight { margin: .5rem 0 }
img { display: block; max-width: 100%; margin: .6rem 0 }
.panel { margin: .2rem 0 1rem; color: #555; font-size: .9rem }
blockquote { margin: 1rem 0; padding: .1rem 1rem; border-left: 4px solid #0072b2;
  background: #eef5fa }
table { border-collapse: collapse; display: block; overflow-x: auto }
th, td { padding: .3rem .8rem; border-bottom: 1px solid #ddd; text-align: left }
math[display=block] { margin: .6rem 0; overflow-x: auto }
summary { cursor: pointer }
@media print {
  body { max-width: none; padding: 0; font-size: .8rem; line-height: 1.25 }
  h1, h2, h3 { margin: .6rem 0 .2rem }
  nav { display: none }
  table { display: table; font-size: .62rem }
  td code { font-size: 1em }
  th, td { padding: .1rem .4rem }
}
"""
PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
{nav}
<main>
{body}
</main>
{nav}
</body>
</html>
"""


class _Renderer(IPythonRenderer):
    """Jupyter's Markdown, but formulas become MathML: browsers show it without a script."""

    def block_math(self, body: str) -> str:
        return _formula(body, "block")

    def inline_math(self, body: str) -> str:
        return _formula(body, "inline")


def _formula(tex: str, display: str) -> str:
    """MathML, with the thin space between a function's name and its argument: log D, not logD."""
    mathml = str(convert(tex.strip(), display=display))
    return re.sub(
        r"(<mi>(?:log|tanh|min|max)</mi>)(?=<m[isn])", r'\1<mspace width="0.17em"/>', mathml
    )


def markdown(source: str) -> str:
    """HTML of a Markdown cell; links to notebooks lead to their pages."""
    html = str(MarkdownWithMath(renderer=_Renderer(escape=False)).render(source))
    return re.sub(r'href="(\d\d_\w+|glossary|checklist)\.ipynb', r'href="\1.html', html)


def output(output: Any) -> str:
    """HTML of one output: a still before text, for a panel with what its controls say."""
    if output.output_type == "stream":
        return f"<pre>{ansi2html(output.text)}</pre>"
    plain = output.data.get("text/plain", "")
    if "image/png" in output.data:
        alt = output.metadata.get("image/png", {}).get("alt") or "Described by the text below."
        data = output.data["image/png"].replace("\n", "")
        image = _image(data, alt)
        is_panel = not plain.startswith("<")
        shown = f"A panel, to be moved in the notebook. Here: {escape(plain)}"
        return image + (f'\n<p class="panel">{shown}</p>' if is_panel else "")
    html = output.data.get("text/html")
    return without_note(html) if html else f"<pre>{ansi2html(plain)}</pre>"


def _image(data: str, alt: str) -> str:
    return f'<img alt="{escape(alt)}" src="data:image/png;base64,{data}">'


def cell(cell: Any) -> str:
    """HTML of one cell of a notebook."""
    if cell.cell_type == "markdown":
        return markdown(cell.source)
    code = highlight(cell.source, PythonLexer(), CODE)
    shown = "\n".join(map(output, cell.outputs))
    if shown and COVERED in tags(cell):
        shown = f"<details><summary>Show the output</summary>\n{shown}\n</details>"
    return f"{code}\n{shown}"


def page(title: str, body: str, links: Sequence[tuple[str, str]]) -> str:
    """A whole page. Links are pairs of address and text."""
    anchors = " ".join(f'<a href="{address}">{escape(text)}</a>' for address, text in links)
    style = STYLE + CODE.get_style_defs(".highlight")
    nav = f"<nav>{anchors}</nav>" if links else ""
    return PAGE.format(title=escape(title), style=style, nav=nav, body=body)


def index(course: Sequence[Lesson]) -> str:
    """The first page: every lesson with what one can do after it."""
    parts = [
        "<h1>GAN Lessons</h1>",
        "<p>A course on generative adversarial networks, from the minimax game to a DCGAN that "
        "draws handwritten digits. These pages are for reading: every picture and number came out "
        "of the code above it. To run, move and solve, open the notebooks with "
        "<code>make lab</code>.</p>",
        _image(b64encode(png(course_map(rows(course)))).decode(), "The map: " + MAP),
    ]
    for lesson in course:
        heading = f'<a href="{_address(lesson)}">{lesson.name} · {escape(lesson.title)}</a>'
        first = lesson.cells[0].source
        objectives = first.partition("**After this lesson you can**")[2].partition("\n\n")[0]
        parts.append(f"<h2>{heading}</h2>\n<p>{lesson.minutes} minutes</p>\n{markdown(objectives)}")
    return page("GAN Lessons", "\n".join(parts), [GLOSSARY, CHECKLIST])


def build(out: Path, folder: Path = SOURCES) -> list[Path]:
    """Write ``index.html``, a page for every lesson, glossary and checklist; return the paths.

    Args:
        out: where to; made if it is not there.
        folder: where the sources are.

    Raises:
        UserError: there is no lesson, or a page has not been built.
    """
    course = [read(path) for path in sources(folder=folder)]
    pages = {"index.html": index(course)}
    for place, lesson in enumerate(course):
        if not lesson.notebook.is_file():
            raise UserError(
                f"{lesson.notebook.name} is missing. Make it: make notebooks LESSON={lesson.name}"
            )
        notebook = nbformat.read(lesson.notebook, as_version=4)
        links = [HOME]
        for other in (*course[max(place - 1, 0) : place], *course[place + 1 : place + 2]):
            links.append((_address(other), f"{other.name} · {other.title}"))
        pages[_address(lesson)] = _whole(lesson.title, notebook, [*links, GLOSSARY, CHECKLIST])
    for (address, _), title, neighbour in (
        (GLOSSARY, glossary.TITLE, CHECKLIST),
        (CHECKLIST, checklist.TITLE, GLOSSARY),
    ):
        made = (folder.parent / address).with_suffix(".ipynb")
        if not made.is_file():
            raise UserError(f"{made.name} is missing. Make it: python -m authoring {made.stem}")
        pages[address] = _whole(title, nbformat.read(made, as_version=4), [HOME, neighbour])
    for name, text in pages.items():
        with atomic_write(out / name) as aside:
            aside.write_text(text, encoding="utf-8")
    return [out / name for name in pages]


def _whole(title: str, notebook: Any, links: Sequence[tuple[str, str]]) -> str:
    return page(title, "\n".join(map(cell, notebook.cells)), links)


def _address(lesson: Lesson) -> str:
    return f"{lesson.path.stem}.html"
