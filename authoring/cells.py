"""Cells of a built notebook as HTML: formulas are MathML, pictures are in it."""

import base64
import re
import struct
from html import escape
from typing import Any

from latex2mathml.converter import convert
from nbconvert.filters.ansi import ansi2html
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from pygments import highlight
from pygments.lexers import PythonLexer

from authoring import live
from authoring.source import COVERED, tags
from authoring.webpage import CODE
from gan_lessons.widgets.still import without_note


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
    html = html.replace("<th></th>", "<td></td>")  # the corner of a table heads nothing
    return re.sub(r'href="(\d\d_\w+|glossary|checklist)\.ipynb', r'href="\1.html', html)


def output(output: Any) -> str:
    """HTML of one output: a still before text, for a panel with what its controls say."""
    if output.output_type == "stream":
        return f"<pre>{ansi2html(output.text)}</pre>"
    plain = output.data.get("text/plain", "")
    if "image/png" in output.data:
        alt = output.metadata.get("image/png", {}).get("alt") or "Described by the text below."
        shown = image(base64.b64decode(output.data["image/png"]), alt)
        is_panel = not plain.startswith("<")
        words = f"A panel, to be moved in the notebook. Here: {escape(plain)}"
        return shown + (f'\n<p class="panel">{words}</p>' if is_panel else "")
    html = output.data.get("text/html")
    return without_note(html) if html else f"<pre>{ansi2html(plain)}</pre>"


def image(png: bytes, alt: str) -> str:
    """HTML of a picture, with its size, so that nothing jumps when it comes."""
    width, height = struct.unpack(">II", png[16:24])
    data = base64.b64encode(png).decode("ascii")
    size = f'width="{width}" height="{height}"'
    return f'<img alt="{escape(alt)}" {size} src="data:image/png;base64,{data}">'


def cell(cell: Any, panel: live.Panel | None = None) -> str:
    """HTML of one cell of a notebook, with the panel that takes the place of its output, if any."""
    if cell.cell_type == "markdown":
        return markdown(cell.source)
    code = highlight(cell.source, PythonLexer(), CODE)
    shown = "\n".join(map(output, cell.outputs))
    if panel:
        shown = live.place(panel, shown)
    if shown and COVERED in tags(cell):
        shown = f"<details><summary>Show the output</summary>\n{shown}\n</details>"
    return f"{code}\n{shown}"
