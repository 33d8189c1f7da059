"""A sheet to draw a digit on, and what panels around one share."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import anywidget
import ipywidgets
import numpy as np
import torch
import traitlets
from torch import Tensor

from gan_lessons import plotting
from gan_lessons.data import Digits
from gan_lessons.errors import UserError
from gan_lessons.tensors import expect_tensor
from gan_lessons.widgets.canvas import Canvas
from gan_lessons.widgets.controls import assign, button
from gan_lessons.widgets.loop import Loop
from gan_lessons.widgets.slider import Slider
from gan_lessons.widgets.still import Panel

SIDE = 28
BESIDE = {"flex_flow": "row wrap", "align_items": "flex-start"}  # the layout of columns


class Sheet(anywidget.AnyWidget):
    """Where one draws: 28 × 28 grey values, one byte each, ink bright."""

    _esm = (Path(__file__).parent / "sketchpad.js").read_text(encoding="utf-8")
    drawing = traitlets.CBytes(bytes(SIDE * SIDE)).tag(sync=True)  # a browser sends memoryviews
    erase = traitlets.Bool(False).tag(sync=True)
    name = traitlets.Unicode("Sheet").tag(sync=True)  # for those who cannot see which one it is

    @property
    def image(self) -> Tensor:
        """What is drawn, (1, 28, 28) in [−1, 1]."""
        grey = np.frombuffer(self.drawing, np.uint8).reshape(1, SIDE, SIDE)
        return torch.from_numpy(grey.astype(np.float32)) / 127.5 - 1

    def draw(self, image: Tensor) -> None:
        """Put a picture, (28, 28) or (1, 28, 28) in [−1, 1], on the sheet.

        Raises:
            UserError: another shape or range.
        """
        expect_tensor(image, "image", "(28, 28) or (1, 28, 28)")
        if image.numel() != SIDE * SIDE or not (image.abs() <= 1.001).all():
            raise UserError(
                f"The sheet takes 28 × 28 values from −1 to 1; this has the shape "
                f"{tuple(image.shape)}, values from {image.min():.3g} to {image.max():.3g}."
            )
        self.drawing = (image.clamp(-1, 1) + 1).mul(127.5).round().byte().numpy().tobytes()


def example_of(digits: Digits, digit: int, number: int) -> Tensor:
    """Real example ``number`` of a digit, (1, 28, 28); after the last comes the first again.

    Raises:
        UserError: there is none of that digit.
    """
    examples = digits.images[digits.labels == digit]
    if not len(examples):
        raise UserError(f"There is no example of {digit!r}. Choose a digit from 0 to 9.")
    example: Tensor = examples[number % len(examples)]
    return example


class SheetPanel(Panel):
    """A panel around a ``sheet``, which a ``loop`` serves; both are made before its layout.

    `draw`, `load` and `clear` do without a browser what a learner's hand does.
    """

    loop: Loop
    sheet: Sheet
    png_size = (7.2, 1.6)  # inches
    _examples = 0

    @property
    def sentence(self) -> str:
        """What is seen, in words."""
        return self.loop.sentence

    @property
    def error(self) -> Exception | None:
        """What went wrong last, if anything."""
        return self.loop.error

    @property
    def image(self) -> Tensor:
        """The drawing (1, 28, 28) in [−1, 1]."""
        return self.sheet.image

    def draw(self, image: Tensor) -> None:
        """Put a picture on the sheet; see `Sheet.draw`."""
        self.sheet.draw(image)

    def load(self, digit: int) -> None:
        """Put the next real example of a digit (0 to 9) on the sheet."""
        self.draw(example_of(self._real(), digit, self._examples))
        self._examples += 1

    def clear(self) -> None:
        """An empty sheet."""
        self.draw(torch.full((SIDE, SIDE), -1.0))

    def _real(self) -> Digits:
        """Where examples are taken from."""
        raise NotImplementedError

    def _pictures(self) -> Mapping[str, np.ndarray[Any, Any]]:
        """What is shown beside the sheet: title → grey or coloured pixels, one byte each."""
        raise NotImplementedError

    # Parts of a layout

    def _does(self, text: str, action: Callable[[], Any]) -> Any:
        return button(text, lambda: self.loop.post(action))

    def _rubber(self, sheet: Sheet) -> Any:
        toggle = ipywidgets.ToggleButton(description="Rubber", layout={"width": "auto"})
        sheet.rubber = ipywidgets.jslink((toggle, "value"), (sheet, "erase"))
        return toggle

    def _example(self) -> tuple[Any, Any]:
        """A choice of digits, and the button that loads one."""
        digit = ipywidgets.Dropdown(
            options=range(10),
            description="digit",
            layout={"width": "7em"},
            style={"description_width": "initial"},
        )
        return digit, self._does("Load an example", lambda: self.load(digit.value))

    @property
    def png(self) -> bytes:
        """All that is shown, as one PNG."""
        figure = plotting.Picture(figsize=self.png_size, layout="constrained")
        sheet = np.frombuffer(self.sheet.drawing, np.uint8).reshape(SIDE, SIDE)
        parts = {"drawing": sheet, **self._pictures()}
        places = figure.subplots(1, len(parts))
        for axes, (title, picture) in zip(places, parts.items(), strict=True):
            axes.imshow(picture, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
            axes.set_title(title, fontsize=9)
            axes.set(xticks=[], yticks=[])
        return plotting.png(figure)

    def _alt_text(self) -> str:
        return self.sentence


class ViewsPanel(SheetPanel):
    """A `SheetPanel` whose ``views`` follow its sheets and ``controls``, with noise from a seed.

    A subclass says in `_show` what is to be seen; ``pictures`` (name → (1, 28, 28)) are empty
    while there is nothing.
    """

    controls: Mapping[str, Any]
    pictures: dict[str, Tensor]
    views: Mapping[str, Canvas]
    _seed = 0

    def again(self) -> None:
        """Another draw of the noise."""
        self._seed += 1
        self._redraw()

    def set(self, **values: Any) -> None:
        """Move ``controls``.

        Raises:
            UserError: no such control, or a value that it cannot take.
        """
        assign(self.controls, values)

    def _follow(self, *sheets: Sheet) -> None:
        """Draw now, and whenever a sheet or a control changes."""
        for part, trait in [(s, "drawing") for s in sheets] + [
            (control, "value") for control in self.controls.values()
        ]:
            part.observe(lambda change: self.loop.post(self._redraw), names=trait)
            if isinstance(part, Slider):
                part.refuse = lambda error: self.loop.post(self.loop.refuse, error)
        self._redraw()

    def _redraw(self) -> None:
        self.loop.error, self.loop.message = None, ""
        self.loop.refresh()

    def _show_views(self) -> None:
        for name, view in self.views.items():
            picture = self.pictures.get(name, torch.full((1, SIDE, SIDE), -1.0))
            grey = ((picture[0].clamp(-1, 1) + 1) * 127.5).round().byte().numpy()
            view.show(grey, name if self.pictures else f"{name}: nothing yet")

    def _pictures(self) -> Mapping[str, np.ndarray[Any, Any]]:
        return {name: view.picture for name, view in self.views.items()}

    def _beneath(self, columns: list[Any]) -> list[Any]:
        """Columns with controls, below them the views, and the sentence."""
        views = [column(name, view) for name, view in self.views.items()]
        rows = [ipywidgets.HBox(each, layout=BESIDE) for each in (columns, views)]
        return [*rows, self.loop.line, self.loop.presence]


def column(title: str, *children: Any) -> Any:
    """A column of widgets under its title."""
    box = {"margin": "0 16px 8px 0", "align_items": "flex-start"}
    return ipywidgets.VBox([ipywidgets.HTML(f"<b>{title}</b>"), *children], layout=box)
