"""Draw a digit, translate it there and back with noise on the way, and give it another style."""

from collections.abc import Callable, Mapping
from typing import Any

import ipywidgets
import numpy as np
import torch
from torch import Tensor, nn

from gan_lessons import classifier, plotting
from gan_lessons.errors import UserError
from gan_lessons.studies.style import stylise
from gan_lessons.studies.translation import domain, ends
from gan_lessons.widgets.canvas import Canvas
from gan_lessons.widgets.controls import button, refuse_outside, row
from gan_lessons.widgets.loop import Loop
from gan_lessons.widgets.sketchpad import SIDE, Sheet, example_of
from gan_lessons.widgets.slider import Slider
from gan_lessons.widgets.still import Panel

EMPTY = "Nothing is drawn yet: draw a digit on the sheet, or load an example."
TRANSLATIONS = {  # what a person chooses → the pair, and the way
    "plain to striped": ("stripes", "to_b"),
    "striped to plain": ("stripes", "to_a"),
    "handwritten to printed": ("printed", "to_b"),
    "printed to handwritten": ("printed", "to_a"),
}
VIEWS = ("translated", "with noise", "back again", "style")
EXAMPLES = 50  # pictures whose style is taken
STYLE_STEPS = 25  # so few that the slider answers at once


class Translator(Panel):
    """A digit, its translation, the way back through noise, and the digit in the target's style.

    `draw`, `load`, `clear`, `again` and `set` do without a browser what a learner's hand does.

    Args:
        generators: pair ("stripes", "printed") → its two generators, "to_b" and "to_a".

    Attributes: ``image`` (1, 28, 28) as drawn, ``pictures`` (name → (1, 28, 28); empty while
    nothing is drawn), ``controls``.
    """

    def __init__(self, generators: Mapping[str, Any]) -> None:
        self.generators = generators
        self.pictures: dict[str, Tensor] = {}
        self._examples = self._seed = 0
        self.loop = Loop(lambda: None, self._show, lambda: "", instead="set(…)")
        self.sheet = Sheet(name="Digit")
        self.views = {name: Canvas(zoom=5.0, label=name) for name in VIEWS}
        self.controls = {
            "translation": ipywidgets.Dropdown(
                options=[n for n, (pair, _) in TRANSLATIONS.items() if pair in generators],
                description="from",
                layout={"width": "18em"},
                style={"description_width": "initial"},
            ),
            "noise": Slider(
                0.0, min=0.0, max=0.5, step=0.02, description="noise σ", label_width="5em"
            ),
            "strength": Slider(
                0.5, min=0.0, max=1.0, step=0.05, description="style", label_width="5em"
            ),
        }
        super().__init__(self._layout())
        self.sheet.observe(lambda change: self.loop.post(self._redraw), names="drawing")
        for control in self.controls.values():
            control.observe(lambda change: self.loop.post(self._redraw), names="value")
            if isinstance(control, Slider):
                control.refuse = lambda error: self.loop.post(self.loop.refuse, error)
        self._redraw()

    @property
    def sentence(self) -> str:
        """What is seen, in words."""
        return self.loop.sentence

    @property
    def error(self) -> Exception | None:
        """What went wrong last, if anything."""
        return self.loop.error

    # What a hand can do

    @property
    def image(self) -> Tensor:
        """The drawing (1, 28, 28) in [−1, 1]."""
        return self.sheet.image

    def draw(self, image: Tensor) -> None:
        """Put a picture on the sheet; see `Sheet.draw`."""
        self.sheet.draw(image)

    def load(self, digit: int) -> None:
        """Put the next example of a digit (0 to 9) on the sheet, of the kind translated from."""
        self.draw(example_of(domain(self._ends()[0]), digit, self._examples))
        self._examples += 1

    def clear(self) -> None:
        """An empty sheet."""
        self.draw(torch.full((SIDE, SIDE), -1.0))

    def again(self) -> None:
        """Another draw of the noise."""
        self._seed += 1
        self._redraw()

    def set(self, **values: Any) -> None:
        """Move controls: translation (one of `TRANSLATIONS`), noise, strength.

        Raises:
            UserError: no such control, or a value that it cannot take.
        """
        for name, value in values.items():
            if name not in self.controls:
                raise UserError(
                    f"There is no control {name!r}. There are: {', '.join(self.controls)}."
                )
            refuse_outside(name, self.controls[name], value)
        for name, value in values.items():
            self.controls[name].value = value

    # What is shown

    def _redraw(self) -> None:
        self.loop.error, self.loop.message = None, ""
        self.loop.refresh()

    def _ends(self) -> tuple[str, str]:
        return ends(*TRANSLATIONS[self.controls["translation"].value])

    def _networks(self) -> tuple[nn.Module, nn.Module]:
        """The generators there, and back."""
        pair, way = TRANSLATIONS[self.controls["translation"].value]
        made = self.generators[pair]
        back = "to_a" if way == "to_b" else "to_b"
        return made[way], made[back]

    def _translated(self) -> dict[str, Tensor]:
        image = self.image[None]
        there, back = self._networks()
        with torch.no_grad():
            made = there(image)
            rng = torch.Generator().manual_seed(self._seed)
            noisy = made + self.controls["noise"].value * torch.randn(made.shape, generator=rng)
            found = {"translated": made, "with noise": noisy, "back again": back(noisy)}
        examples = domain(self._ends()[1]).images[:EXAMPLES]
        found["style"] = stylise(image, examples, self.controls["strength"].value, STYLE_STEPS)
        return {name: pictures[0] for name, pictures in found.items()}

    def _show(self) -> str:
        self.pictures = self._translated() if any(self.sheet.drawing) else {}
        for name, view in self.views.items():
            picture = self.pictures.get(name, torch.full((1, SIDE, SIDE), -1.0))
            grey = ((picture[0].clamp(-1, 1) + 1) * 127.5).round().byte().numpy()
            view.show(grey, name if self.pictures else f"{name}: nothing yet")
        return self._opinion() if self.pictures else EMPTY

    def _opinion(self) -> str:
        names = ("translated", "back again", "style")
        shown = [self.image, *(self.pictures[name] for name in names)]
        best, read = classifier.load().predict(torch.stack(shown))[1].max(dim=1)
        says = [f"{digit} ({sure:.0%} sure)" for digit, sure in zip(read, best, strict=True)]
        error = (self.pictures["back again"] - self.image).abs().mean()
        return (
            f"Your drawing is read as {says[0]}, translated as {says[1]}, back again as {says[2]}, "
            f"in another style as {says[3]}. There and back: mean absolute error {error:.3f}."
        )

    def _layout(self) -> list[Any]:
        def does(text: str, action: Callable[[], Any]) -> Any:
            return button(text, lambda: self.loop.post(action))

        def column(title: str, *children: Any) -> Any:
            box = {"margin": "0 16px 8px 0", "align_items": "flex-start"}
            return ipywidgets.VBox([ipywidgets.HTML(f"<b>{title}</b>"), *children], layout=box)

        erase = ipywidgets.ToggleButton(description="Rubber", layout={"width": "auto"})
        self._link = ipywidgets.jslink((erase, "value"), (self.sheet, "erase"))
        digit = ipywidgets.Dropdown(
            options=range(10),
            description="digit",
            layout={"width": "7em"},
            style={"description_width": "initial"},
        )
        wide = {"flex_flow": "row wrap", "align_items": "flex-start"}
        sheets = [
            column(
                "Your digit",
                row(erase, does("Clear", self.clear)),
                self.sheet,
                row(digit, does("Load an example", lambda: self.load(digit.value))),
            ),
            column("Translation", *self.controls.values(), does("Draw noise again", self.again)),
        ]
        views = [column(name, view) for name, view in self.views.items()]
        return [
            ipywidgets.HBox(sheets, layout=wide),
            ipywidgets.HBox(views, layout=wide),
            self.loop.line,
            self.loop.presence,
        ]

    @property
    def png(self) -> bytes:
        """All that is shown, as one PNG."""
        figure = plotting.Picture(figsize=(7.2, 1.7), layout="constrained")
        sheet = np.frombuffer(self.sheet.drawing, np.uint8).reshape(SIDE, SIDE)
        parts = {"drawing": sheet} | {name: view.picture for name, view in self.views.items()}
        for axes, (title, picture) in zip(
            figure.subplots(1, len(parts)), parts.items(), strict=True
        ):
            axes.imshow(picture, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
            axes.set_title(title, fontsize=9)
            axes.set(xticks=[], yticks=[])
        return plotting.png(figure)

    def _alt_text(self) -> str:
        return self.sentence
