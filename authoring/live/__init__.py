"""Pages that live without a kernel: which cell becomes which panel, and what a page needs for it.

The scripts beside this file are classic ones and are written into the pages, as nothing can be
fetched by a page that is opened from disk. ``shell.js`` says what panels are made of. The views of
the notebook's widgets, which are modules, are wrapped to be the same views in a page.
"""

import base64
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import torch

import gan_lessons

FOLDER = Path(__file__).parent
PACKAGE = Path(gan_lessons.__file__).parent
VIEWS = {
    name: PACKAGE / folder / f"{name}.js"
    for name, folder in {
        "canvas": "widgets",
        "slider": "widgets",
        "playground": "widgets",
        "sketchpad": "widgets",
        "quiz": "exercises",
    }.items()
}
SHELL = ("shell", "canvas", "slider")  # what every page with a panel begins with


@dataclass(frozen=True)
class Panel:
    """A panel in the page, in the place of a cell's still.

    Args:
        lesson: two digits, such as "08".
        call: what stands in the source of that cell and of no other.
        name: that the script has given to ``GanLessons.panel``.
        options: of the panel, as JSON has them; computed by the package, nothing is typed twice.
        scripts: that it needs, by the names of their files, in order.
        networks: that it needs, as `networks.exported` names them.
    """

    lesson: str
    call: str
    name: str
    options: Callable[[], dict[str, Any]]
    scripts: tuple[str, ...]
    networks: tuple[str, ...] = ()


def script(name: str) -> str:
    """A script's text as a page takes it, by the name of its file.

    It holds no ``</``, which would end the page's script.
    """
    text = VIEWS.get(name, FOLDER / f"{name}.js").read_text(encoding="utf-8")
    if name in VIEWS:
        body = re.sub(r"^export (default|function)", _plain, text, flags=re.MULTILINE)
        text = f"GanLessons.views.{name} = (function () {{\n{body}\n}})();\n"
    return text.replace("</", r"<\/")


def _plain(export: re.Match[str]) -> str:
    """What a module gives away, as a function's own: only its default is returned."""
    return "return" if export[1] == "default" else "function"


def place(panel: Panel, still: str) -> str:
    """HTML of a panel: its still, and the options for the script that puts itself in its place."""
    data = json.dumps(panel.options(), separators=(",", ":")).replace("</", r"<\/")
    return (
        f'<div class="living" data-panel="{escape(panel.name)}">'
        f'<div class="still">{still}</div>'
        f'<script type="application/json">{data}</script></div>'
    )


def numbers(values: Any, kind: str = "float32") -> str:
    """An array's numbers, little-endian, in base64: what ``GanLessons.numbers`` reads.

    Args:
        values: a tensor or an array.
        kind: "float32", "float16" or "uint8".
    """
    array = values.detach().cpu().numpy() if isinstance(values, torch.Tensor) else values
    little = np.ascontiguousarray(array, np.dtype(kind).newbyteorder("<"))
    return base64.b64encode(little.tobytes()).decode("ascii")


def scripts(panels: Iterable[Panel]) -> list[str]:
    """The names of the scripts that these panels need, each once, in order."""
    return list(dict.fromkeys(name for panel in panels for name in panel.scripts))
