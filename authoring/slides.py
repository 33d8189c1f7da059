"""Slides for the classroom, from the built lessons.

Each deck is one file that needs no network: reveal.js, pictures and formulas are in it. A Markdown
cell tagged ``slide`` opens a slide, a code cell tagged ``slide`` or ``slide-output`` goes on it.
"""

import base64
import re
import struct
from collections.abc import Sequence
from html import escape
from itertools import starmap
from pathlib import Path
from typing import Any

import nbformat
from pygments import highlight
from pygments.lexers import PythonLexer

from authoring import cells
from authoring.source import (
    COVERED,
    SLIDE,
    SLIDE_OUTPUT,
    SOURCES,
    Lesson,
    quiz_of,
    read,
    sources,
    tags,
)
from authoring.webpage import CODE
from gan_lessons.errors import UserError
from gan_lessons.exercises import words
from gan_lessons.exercises.questions import LETTERS, Question, load
from gan_lessons.files import atomic_write

REVEAL = Path(__file__).parent / "reveal"  # reveal.js 6.0.2, its MIT licence beside it
SIDE_BY_SIDE = 50  # characters: longer lines stand above their picture, not beside it
STYLE = """
body { background: #fff; color: #222 }
.reveal { font: 32px/1.35 system-ui, sans-serif }
.reveal .slides { text-align: left }
.reveal .slide-number { font-size: 16px; color: #555; background: none;
  bottom: 4px; padding: 0 5px }
.reveal .controls { font-size: 6px; bottom: -4px; right: 90px } /* under the slide */
.reveal .slides > section { padding: 0 }
.fit { width: 1280px; --pic: 520px; box-sizing: border-box }
.fit :is(h1, h2, h3) { font-size: 1.35em; line-height: 1.15; margin: 0 0 .5em; color: #00507d }
.fit h1 { font-size: 1.6em }
.fit :is(p, ul, ol, blockquote, table, pre, .answer) { margin: 0 0 .5em }
.fit :is(ul, ol) { padding-left: 1.3em }
.fit a { color: #06c }
.fit a.anchor-link { display: none }
.fit code, .fit pre { font: .8em/1.35 ui-monospace, monospace }
.fit pre code { font-size: 1em }
.fit .highlight { background: #f5f5f5; border-left: 4px solid #ccc }
.fit pre { padding: .5em .7em; white-space: pre }
.fit .highlight pre { margin: 0; font-size: .68em }
.fit .cell { margin-bottom: .5em }
.fit .side { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: 1em;
  align-items: center }
.fit img { display: block; margin: 0 auto .2em; max-width: 100%; object-fit: contain;
  height: auto; max-height: var(--pic) }
.fit .panel { color: #555; font-size: .62em; margin: 0 }
.fit blockquote { padding: .3em .8em; border-left: 6px solid #0072b2; background: #eef5fa }
.fit blockquote p { margin: 0 }
.fit :is(th, td) { padding: .15em .7em; border-bottom: 1px solid #ddd; text-align: left;
  font-size: .8em }
.fit math[display=block] { margin: .4em 0; font-size: 1.2em }
.fit .options { list-style: none; padding: 0 }
.stage * { transition: none !important } /* else letters change size slowly, while measured */
aside.notes table { border-collapse: collapse }
"""
# Letters are as large as fit beside a picture of 400 pixels' height, or else of 240.
FIT = """
const stage = document.createElement("div");
stage.className = "reveal stage";
stage.style = "position: absolute; left: 0; top: 0; width: 1280px; visibility: hidden";
stage.style.height = "auto";
document.body.append(stage);
const fits = slide => {
  const box = slide.getBoundingClientRect();
  return box.height <= 720 && [...slide.querySelectorAll("*")].every(
    part => part.getBoundingClientRect().right <= box.right + 1) &&
    [...slide.querySelectorAll("pre")].every(pre => pre.scrollWidth <= pre.clientWidth + 1);
};
for (const slide of document.querySelectorAll(".fit")) {
  const home = slide.parentElement;
  stage.append(slide);
  const fit = (largest, smallest, picture) => {
    for (let size = largest; size >= smallest; size -= 1)
      for (let height = 540; height >= picture; height -= 20) {
        slide.style.fontSize = `${size}px`;
        slide.style.setProperty("--pic", `${height}px`);
        if (fits(slide)) return true;
      }
    return false;
  };
  fit(38, 28, 400) || fit(36, 10, 240);
  home.prepend(slide);
}
stage.remove();
const notes = document.querySelector("template");
for (const section of document.querySelectorAll("section"))
  section.append(notes.content.cloneNode(true));
Reveal.initialize({
  width: 1280, height: 720, margin: 0.08, center: false, transition: "none",
  hash: true, slideNumber: "c/t", pdfSeparateFragments: false, plugins: [RevealNotes],
});
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
<div class="reveal"><div class="slides">
{slides}
</div></div>
<template><aside class="notes">{notes}</aside></template>
<script>{reveal}</script>
<script>{plugin}</script>
<script>{fit}</script>
</body>
</html>
"""


def deck(lesson: Lesson) -> str:
    """A lesson's slides as one page, with its instructor's notes in the speaker's window (S).

    Raises:
        UserError: the lesson has not been built, or has no page of notes.
    """
    for path in (lesson.notebook, lesson.notes):
        if not path.is_file():
            raise UserError(f"{path.name} is missing in {path.parent.name}/.")
    notebook = nbformat.read(lesson.notebook, as_version=4)
    sections = (f'<section><div class="fit">{body}</div></section>' for body in slides(notebook))
    files = ("reveal.css", "reveal.js", "notes.js")
    css, reveal, plugin = ((REVEAL / name).read_text(encoding="utf-8") for name in files)
    return PAGE.format(
        title=escape(f"{lesson.name} · {lesson.title}"),
        style=css + CODE.get_style_defs(".highlight") + STYLE,
        slides="\n".join(sections),
        notes=_notes(lesson.notes.read_text(encoding="utf-8")),
        reveal=reveal,
        plugin=plugin,
        fit=FIT,
    )


def _notes(text: str) -> str:
    """HTML for the speaker's small window: without the title, and with small headings."""
    html = cells.markdown(text.partition("\n")[2].replace("\n## ", "\n#### "))
    return re.sub('<a class="anchor-link".*?</a>', "", html)


def slides(notebook: Any) -> list[str]:
    """HTML of each slide: title and objectives, then what is tagged.

    A slide without a heading of its own repeats its section's. What follows a question on its
    slide, folded or run, appears with the next key press.
    """
    made: list[str] = []
    section = ""
    for cell in notebook.cells:
        tagged = set(tags(cell)) & {SLIDE, SLIDE_OUTPUT}
        if cell.cell_type == "markdown":
            headings = re.findall(r"^##? (?!Exercise)(.+)$", cell.source, re.MULTILINE)
            if tagged or not made:
                again = "" if re.match("#{1,3} ", cell.source) else f"## {section}\n\n"
                text = cell.source if made else cell.source.partition("**You need**")[0]
                made.append(_on_demand(cells.markdown(again + text)))
            section = headings[-1] if headings else section
        elif tagged and (quiz := quiz_of(cell)):
            made += starmap(_question, enumerate(load(quiz), 1))
        elif tagged:
            asked = COVERED in tags(cell) or "<strong>Predict.</strong>" in made[-1]
            shown = _code(cell, with_source=SLIDE in tagged)
            made[-1] += f'<div class="fragment">{shown}</div>' if asked else shown
    return made


def _on_demand(html: str) -> str:
    """Open what is folded in the notebook, to appear with the next key press.

    Hints, and links to pages of the site, are left out.
    """
    html = re.sub(r"<details>\s*<summary>Hint.*?</details>", "", html, flags=re.DOTALL)
    html = re.sub(r'<a href="\w+\.html(?:#[^"]*)?">(.*?)</a>', r"\1", html)  # not beside a deck
    opened = re.sub(
        r"<details>\s*<summary>(.*?)</summary>",
        r'<div class="fragment answer"><b>\1.</b>',
        html,
        flags=re.DOTALL,
    )
    return opened.replace("</details>", "</div>")


def _question(number: int, question: Question) -> str:
    """One question of the quiz; its answer appears with the next key press."""
    options = "".join(
        f"<li>{letter}. {words.html(option.text)}</li>"
        for letter, option in zip(LETTERS, question.options, strict=False)
    )
    right = question.options[question.right]
    answer = f"<b>{LETTERS[question.right]}.</b> {words.html(right.why)}"
    return (
        f"<h2>Question {number}</h2><p>{words.html(question.text)}</p>"
        f'<ul class="options">{options}</ul><div class="fragment answer">{answer}</div>'
    )


def _code(cell: Any, with_source: bool) -> str:
    """A code cell on a slide: its source, unless only its output is wanted, and what it shows."""
    left = highlight(cell.source, PythonLexer(), CODE) if with_source else ""
    right, broad, lines = "", False, cell.source.splitlines() if with_source else []
    for output in cell.outputs:
        html = cells.output(output)
        if "image/png" not in output.get("data", {}):
            left += html
            lines += output.get("text", "").splitlines()
            continue
        width, height = struct.unpack(">II", base64.b64decode(output.data["image/png"])[16:24])
        twice = f'style="width: {2 * width}px"'  # at most
        right += html.replace(" src=", f" {twice} src=", 1)
        broad = broad or width > 2 * height
    narrow = max(map(len, lines), default=0) <= SIDE_BY_SIDE
    if left and right and narrow and not broad:
        return f'<div class="cell side"><div>{left}</div><div>{right}</div></div>'
    return f'<div class="cell">{left}{right}</div>'


def build(out: Path, names: Sequence[str] = (), folder: Path = SOURCES) -> list[Path]:
    """Write a deck for each lesson, or for those named; return what was written.

    Args:
        out: where to; made if it is not there.
        names: lessons by their two digits; none means all.
        folder: where the sources are.

    Raises:
        UserError: there is no such lesson, one has not been built, or it has no notes.
    """
    course = [read(path) for path in sources(names, folder)]
    decks = {f"{lesson.path.stem}.html": deck(lesson) for lesson in course}
    for name, text in decks.items():
        with atomic_write(out / name) as aside:
            aside.write_text(text, encoding="utf-8")
    return [out / name for name in decks]
