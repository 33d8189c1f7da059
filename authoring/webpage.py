"""The frame of every web page of the course: head, contents, neighbours, and scripts at the end."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from html.parser import HTMLParser

from pygments.formatters import HtmlFormatter

from authoring import live
from authoring.live import networks
from authoring.source import Lesson
from gan_lessons.plotting.style import FAKE, REAL

Link = tuple[str, str]  # address and text
HOME = ("index.html", "GAN Lessons")
GLOSSARY = ("glossary.html", "Glossary")
CHECKLIST = ("checklist.html", "Checklist")
SEARCH = ("search.html", "Search")
CODE = HtmlFormatter(style="xcode")
PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{style}</style>
<script>{colours}</script>
</head>
<body>
<a class="skip" href="#main">Skip to the text</a>
<header class="top">
<a class="home" href="index.html">GAN Lessons</a>
{search}
<nav aria-label="Beside the lessons">{beside}</nav>
<button type="button" id="theme" hidden></button>
</header>
<div class="columns">
{contents}
<main id="main" data-page="{name}">
{body}
</main>
</div>
{neighbours}
{scripts}
</body>
</html>
"""
FORM = """<form role="search" action="search.html">
<label class="heard" for="search">Search all lessons</label>
<input type="search" id="search" name="q" placeholder="Search all lessons">
</form>"""
# Before the first paint: what the reader chose, or else what the system has.
COLOURS = """(function () {
  let theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  try { theme = JSON.parse(localStorage.getItem("gan-lessons")).theme || theme; } catch {}
  document.documentElement.dataset.theme = theme;
})();"""


def address(lesson: Lesson) -> str:
    """The file of a lesson's page."""
    return f"{lesson.path.stem}.html"


def page(
    name: str,
    title: str,
    body: str,
    before: Sequence[Link] = (),
    after: Sequence[Link] = (),
    living: Sequence[live.Panel] = (),
    last: Sequence[str] = (),
) -> str:
    """A whole page.

    Args:
        name: its file.
        title: for the browser's tab.
        body: HTML of what is to be read.
        before: links to what comes before it, if anything does.
        after: … and after it.
        living: panels in the body.
        last: names of scripts that run when all panels live.
    """
    beside = [link for link in (GLOSSARY, CHECKLIST) if link[0] != name]
    links = [*(_link(to, f"← {text}") for to, text in before)]
    links += [*(_link(to, f"{text} →") for to, text in after)]
    near = f'<nav class="neighbours" aria-label="Neighbours">{" ".join(links)}</nav>'
    scripts = [*map(live.script, live.SHELL if living else live.SHELL[:1])]
    wanted = dict.fromkeys(network for panel in living for network in panel.networks)
    for network in wanted:
        data = json.dumps(networks.exported(network), separators=(",", ":"))
        scripts.append(f"GanLessons.networks[{json.dumps(network)}] = {data};")
    scripts += map(live.script, [*live.scripts(living), "page", *last])
    return PAGE.format(
        name=name.removesuffix(".html"),
        title=escape(title),
        style=_style(),
        colours=COLOURS,
        search="" if name == SEARCH[0] else FORM,
        beside=" ".join(_link(*link) for link in beside),
        contents=_contents(body),
        body=body,
        neighbours=near if links else "",
        scripts="\n".join(f"<script>{script}</script>" for script in scripts),
    )


def _link(to: str, text: str) -> str:
    return f'<a href="{to}">{escape(text)}</a>'


def _style() -> str:
    dark = HtmlFormatter(style="monokai").get_style_defs(":root[data-theme=dark] .highlight")
    code = f"{_own(CODE.get_style_defs('.highlight'))}\n@media screen {{\n{_own(dark)}\n}}"
    colours = f":root {{ --real: {REAL}; --fake: {FAKE} }}"
    sheets = [live.FOLDER / "page.css", live.PACKAGE / "exercises" / "quiz.css"]
    sheets += [live.PACKAGE / "widgets" / f"{name}.css" for name in ("slider", "playground")]
    return "\n".join([colours, *(path.read_text(encoding="utf-8") for path in sheets), code])


def _own(defs: str) -> str:
    """A style of code without its backgrounds, as the page has its own."""
    lines = [line for line in defs.splitlines() if ".highlight" in line]
    return re.sub(r"background(-color)?: [^;}]+;?", "", "\n".join(lines))


@dataclass
class Section:
    """A heading of a page, and what stands below it, as text."""

    level: int
    anchor: str
    heading: str = ""
    text: str = ""


class Sections(HTMLParser):
    """The sections of a page's body. Text leaves out formulas, and what is folded away."""

    SILENT = frozenset({"script", "style", "math", "details"})

    def __init__(self, body: str) -> None:
        super().__init__()
        self.found: list[Section] = []
        self._silent = 0
        self._in_heading = self._in_anchor = False
        self.feed(body)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        known = dict(attributes)
        self._silent += tag in self.SILENT
        if re.fullmatch("h[1-3]", tag) and not self._silent:
            self.found.append(Section(int(tag[1]), known.get("id") or ""))
            self._in_heading = True
        self._in_anchor = tag == "a" and known.get("class") == "anchor-link"

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in self.SILENT
        if re.fullmatch("h[1-3]", tag):
            self._in_heading = False
        self._in_anchor = False

    def handle_data(self, data: str) -> None:
        if self._silent or self._in_anchor or not self.found:
            return
        if self._in_heading:
            self.found[-1].heading += data
        else:
            self.found[-1].text += data


def _contents(body: str) -> str:
    """Links to the headings of a page, where there are several."""
    sections = [section for section in Sections(body).found if section.level > 1 and section.anchor]
    if len(sections) < 2:
        return "<div></div>"
    items = "\n".join(map(_item, sections))
    return (
        '<nav class="contents" aria-label="On this page"><details open>'
        f"<summary>On this page</summary><ol>\n{items}\n</ol></details></nav>"
    )


def _item(section: Section) -> str:
    deeper = " class=deeper" * (section.level == 3)
    heading = section.heading.partition("(●")[0].strip()  # without an exercise's minutes
    return f'<li{deeper}><a href="#{escape(section.anchor)}">{escape(heading)}</a></li>'
