"""What the panels' controls share: their making, typed numbers, own writes, sentences."""

import math
import re
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from html import escape
from typing import Any

import ipywidgets
import traitlets
from traitlets import TraitError

from gan_lessons.errors import UserError, is_number
from gan_lessons.training import Setting
from gan_lessons.widgets.slider import Slider

WHOLE = "calc(100% - 4px)"  # of a panel's width: widgets have a margin of 2 px on either side
WORDS = {
    "adam": "Adam",
    "non_saturating": "non-saturating",
    "r1": "R1",
    "r1_and_r2": "R1 and R2",
    "r2": "R2",
    "rmsprop": "RMSprop",
    "sgd": "SGD",
    "wasserstein": "Wasserstein",
}


def button(text: str, action: Callable[[], Any], tip: str = "") -> Any:
    """A button as wide as its text; ``action`` is called without arguments."""
    made = ipywidgets.Button(description=text, tooltip=tip or None, layout={"width": "auto"})
    made.on_click(lambda _: action())
    return made


def row(*children: Any) -> Any:
    """Side by side where there is room, else below one another."""
    return ipywidgets.HBox(children, layout={"flex_flow": "row wrap", "align_items": "center"})


class WriteGuard(threading.local):
    """Tells what a person moves from what the panel itself writes into its controls.

    Each thread has its own answer: while the kernel's main loop writes, what a front end delivers
    on another thread is a person's wish all the same.
    """

    _writing = False

    @contextmanager
    def writing(self) -> Iterator[None]:
        """In this block, changes made by this thread are the panel's own."""
        before = self._writing
        self._writing = True
        try:
            yield
        finally:
            self._writing = before

    def observe(self, control: Any, act: Callable[[Any], object], trait: str = "value") -> None:
        """Call ``act`` with the new value whenever a person changes it."""

        def changed(change: Any) -> None:
            if not self._writing:
                act(change.new)

        control.observe(changed, names=trait)


def make_control(setting: Setting, *, label_width: str, width: str = "auto") -> Any:
    """The control of a setting, with its own first value: write the run's into it.

    A slider reports when it is let go: one change for a move.
    """
    common: dict[str, Any] = {"description": setting.label, "tooltip": setting.help or None}
    layout = {"width": width}
    if setting.kind in (int, float) and not setting.options:
        low, high = setting.slider
        whole = setting.kind is int
        stop = 0.1 if setting.log else 1 if whole else (high - low) / 100
        return Slider(
            low,
            min=low,
            max=high,
            step=setting.step or stop,
            log=setting.log,
            whole=whole,
            label_width=label_width,
            layout=layout,
            **common,
        )
    common |= {"style": {"description_width": label_width}, "layout": layout}
    if setting.options:
        options = [(in_words(option), option) for option in setting.options]
        return ipywidgets.Dropdown(options=options, **common)
    return ipywidgets.Checkbox(indent=False, **common)


def in_words(value: Any) -> str:
    """A choice as people write it, a number as a slider shows it: 1e-5, not 1e-05."""
    if isinstance(value, float):
        return re.sub(r"e([+-])0*", r"e\1", f"{value:.3g}").replace("e+", "e")
    text = str(value)
    return WORDS.get(text, text.replace("_", " "))


# Numbers


def refuse_outside(name: str, control: Any, value: Any) -> None:
    """Refuse what a control cannot show.

    Bounded controls clamp in silence, and a notebook would show what nobody asked for.

    Raises:
        UserError: ``value`` is outside the control's range, or not one of its choices.
    """
    limits = _limits(control)
    if limits is not None:
        low, high = limits
        for end in value if isinstance(value, tuple | list) else (value,):
            where = f"Choose from {plain(low)} to {plain(high)}."
            if not is_number(end, -math.inf, math.inf):
                raise UserError(f"{name} = {end!r} is no number. {where}")
            if not low <= end <= high:
                raise UserError(f"{name} = {end!r} is out of range. {where}")
            if _whole(control) and end != round(end):
                raise UserError(f"{name} = {end!r} is no whole number. {where}")
    choices = getattr(control, "_options_values", None)
    if choices is not None and not isinstance(value, tuple) and value not in choices:
        raise UserError(
            f"{name} = {value!r} is no choice. Choose one of: {', '.join(map(repr, choices))}."
        )


def assign(controls: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    """Write values into controls by name: all of them, or none.

    Raises:
        UserError: no such control, or a value that it cannot take.
    """
    values = {name: _plain_number(value) for name, value in values.items()}
    for name, value in values.items():
        if name not in controls:
            raise UserError(f"There is no control {name!r}. There are: {', '.join(controls)}.")
        refuse_outside(name, controls[name], value)
    before = {name: controls[name].value for name in values}
    for name, value in values.items():
        try:
            controls[name].value = value
        except TraitError as error:
            for changed, was in before.items():
                controls[changed].value = was
            raise UserError(f"{name} = {value!r} will not do: {error}") from error


def _plain_number(value: Any) -> Any:
    """A number of NumPy or torch as Python's; anything else as it is."""
    single = hasattr(value, "item") and getattr(value, "ndim", None) == 0
    return value.item() if single else value


def _whole(control: Any) -> bool:
    return isinstance(control.traits()["value"], traitlets.Int) or getattr(control, "whole", False)


def _limits(control: Any) -> tuple[float, float] | None:
    if not (control.has_trait("min") and control.has_trait("max")):
        return None
    if control.has_trait("base"):  # a logarithmic slider
        return control.base**control.min, control.base**control.max
    return control.min, control.max


def typed(control: Any, refuse: Callable[[UserError], None]) -> Any:
    """A slider with a field to type its number into; other controls come back as they are.

    A slider's own number can be typed over, too, but the browser would clamp it in silence: here
    the kernel gets what was typed, refuses it with a sentence and puts back the number before.
    """
    whole = isinstance(control, ipywidgets.IntSlider | ipywidgets.BoundedIntText)
    if not whole and not isinstance(control, ipywidgets.FloatSlider | ipywidgets.FloatLogSlider):
        return control

    def shown() -> Any:
        return control.value if whole else float(plain(control.value))

    name = control.description
    low, high = _limits(control) or (0, 0)
    field = ipywidgets.FloatText(  # an IntText leaves out the point: 1.7 would be 17
        shown(),
        step=None if control.has_trait("base") else control.step,  # of its arrows
        description=f"{name}, a number from {plain(low)} to {plain(high)}",
        style={"description_width": "0"},  # heard, not seen: the slider's label is beside it
        layout={"width": "5.5em", "flex": "none"},
    )

    guard = WriteGuard()

    def show() -> None:
        with guard.writing():
            field.value = shown()

    def entered(value: float) -> None:
        short = value.is_integer() and abs(value) < 1e9  # 99 is not said as 99.0
        try:
            refuse_outside(name, control, int(value) if short else value)
            control.value = value
        except UserError as error:
            show()
            refuse(error)

    guard.observe(field, entered)
    control.observe(lambda change: show(), names="value")
    if isinstance(control, ipywidgets.BoundedIntText):
        field.description = name
        field.style = control.style
        field.layout.width = control.layout.width
        return field
    control.readout = False
    control.add_class("gan-typed")
    width = control.layout.width
    control.layout.width = "auto"
    control.layout.flex = "1 1 auto"
    return ipywidgets.HBox([control, field], layout={"width": width})


def plain(value: Any) -> str:
    """A short, stable text: 0.30000000000000004 is 0.3."""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


# Sentences


def status(sentence: str) -> str:
    """A sentence that screen readers say when it changes."""
    return f'<div role="status" aria-live="polite">{escape(sentence)}</div>'


def complaint(error: Exception, sentence: str = "") -> str:
    """A fault in words, after it what else is to be said; its trace is folded, unless refused."""
    if isinstance(error, UserError):
        return f'<div role="alert">⚠ {escape(f"{error} {sentence}".strip())}</div>'
    trace = escape("".join(traceback.format_exception(error)))
    said = escape(f"This failed: {type(error).__name__}: {error} {sentence}".strip())
    return (
        f'<div role="alert">⚠ {said}<details><summary>Details</summary><pre>{trace}</pre>'
        "</details></div>"
    )
