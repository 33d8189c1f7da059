"""Controls, a picture and a sentence that follow each other: ``interact`` that leaves a still.

The picture is pushed as bytes into one ``Image``, or digits into one `Canvas`, which is faster than
new output and works the same in every front end; the saved notebook keeps the first picture beside
the live view.
"""

from collections.abc import Callable, Mapping
from math import inf
from typing import Any, NamedTuple

import ipywidgets
from matplotlib.figure import Figure

from gan_lessons import plotting
from gan_lessons.errors import UserError, expect, is_number
from gan_lessons.widgets.ahead import Ahead
from gan_lessons.widgets.canvas import Canvas
from gan_lessons.widgets.controls import WHOLE, WriteGuard, assign, complaint, plain, status, typed
from gan_lessons.widgets.steady import Steady, freed, narrow
from gan_lessons.widgets.still import Panel

SLOW = 0.25  # seconds; a slower picture follows a slider only when it is let go

NO_PICTURE = (
    "What draw returns has to be a picture (a Figure, such as plotting.digit_grid(images), or PNG "
    "bytes), or a picture and a sentence"
)

Picture = Figure | bytes
Draw = Callable[..., Picture | tuple[Picture, str]]


class Drawn(NamedTuple):
    """What ``draw`` returned, ready to be shown."""

    picture: bytes | plotting.DigitGrid
    sentence: str
    width: float  # of the figure in pixels, if it may be drawn narrower, else 0


def explore(
    draw: Draw,
    *,
    start: Mapping[str, Any] | None = None,
    labels: Mapping[str, str] | None = None,
    alt: str = "",
    **controls: Any,
) -> "Explore":
    """Show controls and the picture that ``draw`` makes of their values.

    Args:
        draw: called with every control's value by name; returns a Figure or PNG bytes, or a pair
            of either and a sentence that says what is seen. While a slider goes stop by stop it is
            called one stop ahead, so it has to depend on the values alone, and change nothing.
        start: first values, by control; without it the control's own (a slider's middle).
        labels: names to show beside the controls, by control.
        alt: what the picture shows, for those who cannot see it, where there is no sentence.
        **controls: ``ipywidgets.interact``'s abbreviations, such as (0.0, 1.0, 0.1), or widgets.
            A pair of floats at most 1 apart gets a hundred stops.

    Raises:
        UserError: ``draw`` is no function, or returns no picture; a control cannot be made, or a
            first value is outside its range.
    """
    if not callable(draw):
        raise UserError(f"draw has to be a function, which makes a picture, not {draw!r}.")
    for words, what in ((labels, "labels"), (start, "start")):
        expect(words or {}, Mapping, f"{what} has to be a dictionary, by the controls' names")
    for name in labels or {}:
        if name not in controls:
            raise UserError(f"labels has {name!r}; there is no such control.")
    made = {name: _control(name, spec, (labels or {}).get(name)) for name, spec in controls.items()}
    return Explore(draw, made, start or {}, alt)


class Explore(Panel):
    """What `explore` returns. `set` moves it without a browser.

    Attributes: ``png`` (bytes of the picture), ``sentence``, ``values`` (by control), ``error``
    (the exception of the last draw, or None), ``line`` (the widget that shows the sentence).
    """

    def __init__(
        self, draw: Draw, controls: dict[str, Any], start: Mapping[str, Any], alt: str
    ) -> None:
        self.controls = controls
        self.sentence = ""
        self.error: Exception | None = None
        self._draw = draw
        self._alt = alt
        self._still: bytes | plotting.DigitGrid = b""
        self._guard = WriteGuard()
        self._room = 0  # for the picture, in pixels, once a browser has said it
        self._width = 0.0  # `Drawn.width` of what is shown
        assign(controls, start)
        layout = {"max_width": WHOLE, "align_self": "flex-start"}  # else a box stretches it
        self._image = ipywidgets.Image(format="png", layout=layout)
        self._canvas = Canvas(layout=layout)
        self._steady = Steady()
        self._ahead = Ahead(self._drawn, controls)
        self._seen = ipywidgets.VBox([self._view()])
        self.line = ipywidgets.HTML()
        _align(list(controls.values()))
        for control in controls.values():  # first: the picture goes before the number beside it
            self._guard.observe(control, lambda value: self._redraw())
        shown = [typed(control, self._refuse) for control in controls.values()]
        super().__init__([ipywidgets.VBox(shown), self._seen, self.line])
        self.hand.observe(self._fit, "room")
        self._tell()

    @property
    def png(self) -> bytes:
        """The picture now shown."""
        return self._still if isinstance(self._still, bytes) else plotting.png(self._still)

    @property
    def values(self) -> dict[str, Any]:
        """The value of every control."""
        return {name: control.value for name, control in self.controls.items()}

    def set(self, **values: Any) -> None:
        """Move controls and redraw once, as a learner's hand would.

        Raises:
            UserError: no such control, or a value that it cannot take.
            Exception: whatever ``draw`` raised; the panel shows it, too.
        """
        with self._guard.writing():
            assign(self.controls, values)
        self._ahead.forget()
        self._redraw()
        if self.error is not None:
            raise self.error

    def _view(self) -> Any:
        """Draw, and return the widget that shows it now.

        A picture that takes long follows its sliders only when they are let go.
        """
        self._still, self.sentence, self._width = self._ahead.made()
        view = self._show(self._still)
        quick = self._ahead.took < SLOW
        for control in self.controls.values():
            if control.has_trait("continuous_update"):
                control.continuous_update = quick
        return view

    def _drawn(self, values: dict[str, Any]) -> Drawn:
        drawn = self._draw(**values)
        picture, sentence = drawn if isinstance(drawn, tuple) and len(drawn) == 2 else (drawn, "")
        expect(picture, (Figure, bytes), NO_PICTURE)
        expect(sentence, str, "What draw returns beside the picture has to be a sentence")
        if isinstance(picture, bytes):
            return Drawn(picture, sentence, 0.0)
        if isinstance(picture, plotting.DigitGrid) and not picture.title:
            return Drawn(picture, sentence, 0.0)  # a PNG of it is made when it is asked for
        width = narrow(picture, self._room)
        return Drawn(self._steady.png(picture), sentence, width)

    def _fit(self, change: Mapping[str, int]) -> None:
        """Draw anew if the room for the picture has changed, and it was or is too small."""
        self._ahead.forget()
        self._room = change["new"]
        if min(change["old"] or inf, self._room) < self._width:
            self._redraw()

    def _show(self, picture: bytes | plotting.DigitGrid) -> Any:
        if isinstance(picture, plotting.DigitGrid):
            with self._canvas.hold_sync():
                self._canvas.zoom, self._canvas.labels = picture.zoom, picture.titles
                words = self.sentence or self._alt_text()
                self._canvas.show_tiles(picture.tiles, picture.columns, words)
            return self._canvas
        self._image.value = picture
        return self._image

    def _redraw(self) -> None:
        with self._ahead.turn, freed():
            try:
                view = self._view()
                if self._seen.children != (view,):
                    self._seen.children = [view]
                self.error = None
            except Exception as error:
                self.error = error
            self._tell()

    def _refuse(self, error: UserError) -> None:
        with self._ahead.turn:  # else a picture that is being made would take the complaint away
            self.error = error
            self._tell()

    def _tell(self) -> None:
        # Not as the image's tooltip: ipywidgets 8.1's browser side fails on an Image that has one.
        seen = self.sentence or self._alt
        text = status(seen) if seen else f'<div class="gan-heard">{status(self._state())}</div>'
        self.line.value = text if self.error is None else complaint(self.error)

    def _state(self) -> str:
        return ", ".join(f"{name} = {plain(value)}" for name, value in self.values.items())

    def _alt_text(self) -> str:
        return self._alt or self.sentence or self._state()

    def _plain_text(self) -> str:
        return f"{self._state()}: {self.sentence}" if self.sentence else self._state()


def _control(name: str, spec: Any, label: str | None) -> Any:
    if (
        isinstance(spec, tuple)
        and len(spec) == 2
        and all(is_number(end, -inf, inf) for end in spec)
    ):
        width = spec[1] - spec[0]
        if isinstance(width, float) and 0 < width <= 1:  # a step of 0.1 would be coarse
            spec = (*spec, width / 100)
    try:
        control = ipywidgets.interactive.widget_from_abbrev(spec)
    except (TypeError, ValueError) as error:
        raise UserError(f"The control {name!r} cannot be made of {spec!r}: {error}.") from error
    if isinstance(spec, list | dict) and not spec:
        raise UserError(f"The control {name!r} has nothing to choose from: {spec!r}.")
    if not isinstance(control, ipywidgets.ValueWidget):
        raise UserError(
            f"The control {name!r} cannot be made of {spec!r}. Give a range such as "
            "(0.0, 1.0, 0.1), a list of choices, a bool, a text or an ipywidgets control."
        )
    if control.has_trait("description") and (label or not control.description):
        control.description = label or name.replace("_", " ")
    return control


def _align(controls: list[Any]) -> None:
    """Labels as wide as the longest of them, and the same room for each slider beside them."""
    controls = [control for control in controls if control.has_trait("description")]
    label = max((len(control.description) for control in controls), default=0)
    for control in controls:
        control.style.description_width = f"{0.56 * label + 1.5:.1f}em"
        control.layout.width = control.layout.width or f"min({WHOLE}, {0.56 * label + 25:.1f}em)"
