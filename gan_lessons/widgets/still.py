"""What every panel shares: a still that outlives its kernel; all that it is made of is freed.

A panel is displayed as three outputs: its picture, a note that says how to make it move, and the
live view. While the live view is there, the note's style hides picture and note; once the model is
gone (a notebook opened again, a kernel restarted) it hides the view instead. This is the way that
needs neither an extension nor a setting nor a script: JupyterLab renders only the richest form of
one output, so a picture in the view's own bundle cannot come out when the view fails; widget state
is saved only where a person has set it so; and whoever does not know the style (GitHub, a page
that is not trusted) shows the picture.
"""

import base64
import re
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

import anywidget
import ipywidgets
import traitlets
from IPython.display import display

from gan_lessons.widgets.cells import CELLS

VIEW = "application/vnd.jupyter.widget-view+json"
_ALIVE = ".gan-live:not(.jupyter-widgets-disconnected)"
_CHILD = ".jp-OutputArea-child"
_VIEW = ".lm-Panel.jp-OutputArea-output:not([data-mime-type])"  # of a widget, also of a lost one
_STYLE = (
    "<style>\n"
    f"{_CHILD}:has(.gan-note):has(+ * {_ALIVE}),\n"
    f"{_CHILD}:has(+ * .gan-note):has(+ * + * {_ALIVE}),\n"
    f"{_CHILD}:has(.gan-note) + :has(> {_VIEW}):not(:has({_ALIVE}))\n"
    "{ display: none }\n"
    # A plate rather than a glaring slab in the dark theme; the box of a prediction can be seen
    '[data-jp-theme-light="false"] :is(.jp-RenderedImage img, .gan-live img.widget-image)\n'
    "{ background: #fff; border-radius: 6px; padding: 6px; filter: brightness(0.85) }\n"
    ".jp-RenderedMarkdown blockquote { border-left: 5px solid var(--jp-brand-color1) }\n"
    "</style>\n"
)
CHOICES = (ipywidgets.SelectionSlider, ipywidgets.SelectionRangeSlider)
CLOSED = "This panel is closed: run the cell that makes it again."


def note(description: str, how: str = "A still picture: run this cell to make it move.") -> str:
    """The HTML that stands below a still: what it shows, and what makes it move."""
    return f'{_STYLE}<p class="gan-note">{f"{description} <em>{how}</em>".strip()}</p>'


def without_note(html: str) -> str:
    """An output's HTML as it reads where nothing can be run."""
    return re.sub(r'<style>[^<]*</style>\n<p class="gan-note">.*?</p>', "", html, flags=re.DOTALL)


class Hand(anywidget.AnyWidget):
    """An invisible part of a panel: names, rounded values and alt texts that ipywidgets lacks.

    ``room`` is how many pixels wide the panel is, in twenties; 0 while nobody sees it.
    """

    _esm = (Path(__file__).parent / "hand.js").read_text(encoding="utf-8")
    _css = (Path(__file__).parent / "hand.css").read_text(encoding="utf-8")
    bases = traitlets.Dict().tag(sync=True)  # of logarithmic sliders, by name
    worded: Any = traitlets.List().tag(sync=True)  # sliders whose stops are choices, by name
    room = traitlets.Int(0).tag(sync=True)


class Panel(ipywidgets.VBox):  # type: ignore[misc]
    """A box of widgets that leaves a picture and words in the saved notebook; see the module.

    A panel defines `png` and `_alt_text`, and `_plain_text` where other words are to stand for it.
    """

    def __init__(self, children: Any = (), **kwargs: Any) -> None:
        parts = list(_parts(list(children), set()))
        logarithmic = [part for part in parts if isinstance(part, ipywidgets.FloatLogSlider)]
        self.hand = Hand(
            bases={part.description: part.base for part in logarithmic},
            worded=[part.description for part in parts if isinstance(part, CHOICES)],
            layout={"display": "none"},
        )
        super().__init__([*children, self.hand], **kwargs)
        self.add_class("gan-live")

    @property
    def png(self) -> bytes:
        """The picture as it is now, for the saved notebook."""
        raise NotImplementedError

    def _alt_text(self) -> str:
        """What the picture shows, for those who cannot see it."""
        raise NotImplementedError

    def _plain_text(self) -> str:
        """What stands for the panel where there are no pictures."""
        return self._alt_text()

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        bundle: dict[str, Any] = dict(super()._repr_mimebundle_(**kwargs) or {})
        bundle["text/plain"] = self._plain_text()
        bundle["image/png"] = base64.b64encode(self.png).decode("ascii")
        return bundle, {"image/png": {"alt": self._alt_text()}}

    def _stills(self, data: dict[str, Any]) -> list[dict[str, Any]]:
        """The outputs that stand for the panel while it is not alive; the last holds the note."""
        return [data, {"text/html": note(escape(self._alt_text()))}]

    def _ipython_display_(self, **kwargs: Any) -> None:
        if self.comm is None:
            print(CLOSED)
            return
        data, about = self._repr_mimebundle_()
        live = {kind: data.pop(kind) for kind in ("text/plain", VIEW)}
        for still in self._stills(data):
            named = {kind: words for kind, words in about.items() if kind in still}
            display(still, raw=True, metadata=named)
        display(live, raw=True)
        CELLS.show(self)

    def close(self) -> None:
        """Close it and every widget that it is made of, so that their memory is free."""
        for widget in list(_parts(list(vars(self).values()), {id(self)})):
            widget.close()
        super().close()


def _parts(value: Any, seen: set[int]) -> Iterator[Any]:
    """The widgets in a value, and those that they hold, each once."""
    if isinstance(value, ipywidgets.Widget):
        if id(value) not in seen:
            seen.add(id(value))
            yield value
            yield from _parts(list(vars(value).values()), seen)
    elif isinstance(value, dict | list | tuple):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _parts(each, seen)
