"""A line of help: the tooltip of the control that is pointed at, where everybody can read it."""

from pathlib import Path

import anywidget
import traitlets


class Help(anywidget.AnyWidget):
    """Says what the control is for that is pointed at or has the focus: its tooltip, to be read.

    ``tips``: the sentence of each control of the playground around it, by its label.
    """

    _esm = (Path(__file__).parent / "help.js").read_text(encoding="utf-8")
    tips = traitlets.Dict().tag(sync=True)
