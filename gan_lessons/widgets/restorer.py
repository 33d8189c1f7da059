"""Draw a digit, spoil it, and see four remedies at once, with a blend of the two learned ones."""

from collections.abc import Callable, Mapping
from typing import Any

import ipywidgets
import numpy as np
import torch
from torch import Tensor, nn

from gan_lessons import classifier, plotting
from gan_lessons.data import Digits
from gan_lessons.data.degradations import (
    NOISE,
    Spoiled,
    classic,
    enlarge,
    hide,
    refuse_unfit,
    shrink,
)
from gan_lessons.errors import UserError
from gan_lessons.methods.restoration import as_inputs, restore
from gan_lessons.studies.restoration import psnr
from gan_lessons.widgets.canvas import Canvas
from gan_lessons.widgets.controls import button, refuse_outside, row
from gan_lessons.widgets.loop import Loop
from gan_lessons.widgets.sketchpad import SIDE, Sheet, example_of
from gan_lessons.widgets.slider import Slider
from gan_lessons.widgets.still import Panel

EMPTY = "Nothing is drawn yet: draw a digit on the first sheet, or load an example."
UNSCRATCHED = "Nothing is scratched yet: paint on the second sheet what is to be lost."
DAMAGES = {"scratches": "brush", "noise": "noise", "4 × smaller": "small"}
VIEWS = ("spoiled", "classic", "regression", "adversarial", "blend")


class Restorer(Panel):
    """A digit, what spoils it, and what each remedy makes of it.

    `draw`, `load`, `scratch`, `clear`, `mend` and `set` do without a browser what a learner's hand
    does.

    Args:
        regression: a restorer that was trained by least squares alone, in evaluation mode.
        adversarial: one that was trained against a discriminator.
        digits: real ones, for examples.

    Attributes: ``image`` (1, 28, 28) as drawn, ``mask`` (1, 28, 28) of what is scratched,
    ``pictures`` (name → (1, 28, 28); empty while there is nothing to restore), ``controls``.
    """

    def __init__(self, regression: nn.Module, adversarial: nn.Module, digits: Digits) -> None:
        self.networks: Mapping[str, nn.Module] = {
            "regression": regression,
            "adversarial": adversarial,
        }
        self.digits = digits
        self.pictures: dict[str, Tensor] = {}
        self._examples = self._seed = 0
        self.loop = Loop(lambda: None, self._show, lambda: "", instead="set(…)")
        self.sheet = Sheet(name="Digit")
        self.scratches = Sheet(name="Scratches")
        self.views = {name: Canvas(zoom=4.5, label=name) for name in VIEWS}
        self.controls = {
            "damage": ipywidgets.Dropdown(
                options=list(DAMAGES), description="damage", layout={"width": "13em"}
            ),
            "noise": Slider(
                NOISE, min=0.1, max=1.0, step=0.05, description="noise σ", label_width="5em"
            ),
            "blend": Slider(
                0.5, min=0.0, max=1.0, step=0.05, description="blend α", label_width="5em"
            ),
        }
        super().__init__(self._layout())
        for sheet in (self.sheet, self.scratches):
            sheet.observe(lambda change: self.loop.post(self._redraw), names="drawing")
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

    @property
    def mask(self) -> Tensor:
        """What is scratched (1, 28, 28): 1 where a pixel is lost, else 0."""
        return (self.scratches.image > -0.21).float()  # darker is the edge of a stroke

    def draw(self, image: Tensor) -> None:
        """Put a picture on the sheet; see `Sheet.draw`."""
        self.sheet.draw(image)

    def load(self, digit: int) -> None:
        """Put the next real example of a digit (0 to 9) on the sheet."""
        self.draw(example_of(self.digits, digit, self._examples))
        self._examples += 1

    def scratch(self, mask: Tensor) -> None:
        """Lose the pixels where a mask, (28, 28) or (1, 28, 28), is above ½.

        Raises:
            UserError: another shape.
        """
        if mask.numel() != SIDE * SIDE:
            raise UserError(f"A mask has 28 × 28 values; this has the shape {tuple(mask.shape)}.")
        self.scratches.draw(2.0 * (mask > 0.5) - 1)

    def clear(self) -> None:
        """An empty sheet."""
        self.draw(torch.full((SIDE, SIDE), -1.0))

    def mend(self) -> None:
        """No scratches."""
        self.scratch(torch.zeros(SIDE, SIDE))

    def set(self, **values: Any) -> None:
        """Move controls: damage (one of `DAMAGES`), noise, blend.

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

    def again(self) -> None:
        """Another draw of the noise, z's among it."""
        self._seed += 1
        self._redraw()

    # What is shown

    def _redraw(self) -> None:
        self.loop.error, self.loop.message = None, ""
        self.loop.refresh()

    def _spoiled(self) -> Spoiled:
        image = self.image[None]
        kind = DAMAGES[self.controls["damage"].value]
        if kind == "brush":
            return hide(image, self.mask[None])
        everywhere = torch.ones_like(image)
        if kind == "small":
            return Spoiled(enlarge(shrink(image), "nearest"), everywhere)
        rng = torch.Generator().manual_seed(self._seed)
        noise = torch.randn(image.shape, generator=rng)
        return Spoiled(image + self.controls["noise"].value * noise, everywhere)

    @torch.no_grad()
    def _restored(self) -> dict[str, Tensor]:
        spoiled = self._spoiled()
        kind = DAMAGES[self.controls["damage"].value]
        inputs = as_inputs(spoiled, torch.Generator().manual_seed(self._seed))
        found = {"spoiled": spoiled.pictures, "classic": classic(kind, spoiled)}
        found |= {name: restore(network, inputs) for name, network in self.networks.items()}
        share = self.controls["blend"].value
        found["blend"] = (1 - share) * found["regression"] + share * found["adversarial"]
        return {name: pictures[0] for name, pictures in found.items()}

    def _show(self) -> str:
        scratches = self.controls["damage"].value == "scratches"
        self._own.layout.display = "" if scratches else "none"
        self.controls["noise"].layout.display = (
            "" if self.controls["damage"].value == "noise" else "none"
        )
        self.pictures = {}
        why = self._nothing()
        if not why:
            self.pictures = self._restored()
        for name, view in self.views.items():
            picture = self.pictures.get(name, torch.full((1, SIDE, SIDE), -1.0))
            grey = ((picture[0].clamp(-1, 1) + 1) * 127.5).round().byte().numpy()
            view.show(grey, name if self.pictures else f"{name}: nothing yet")
        return why or self._opinion()

    def _nothing(self) -> str:
        """Why there is nothing to restore, or ""."""
        if not any(self.sheet.drawing):
            return EMPTY
        scratches = self.controls["damage"].value == "scratches"
        if scratches and not self.mask.any():
            return UNSCRATCHED
        try:
            mask = self.mask if scratches else torch.ones_like(self.image)
            given = hide(self.image[None], mask[None]).pictures[0] if scratches else self.image
            refuse_unfit(given, mask)
        except UserError as error:
            return str(error)
        return ""

    def _opinion(self) -> str:
        names = list(self.pictures)
        shown = torch.stack([self.pictures[name].clamp(-1, 1) for name in names])
        _, chances = classifier.load().predict(torch.cat([self.image[None], shown]))
        read, sure = chances.argmax(dim=1).tolist(), chances.amax(dim=1).tolist()
        parts = [
            f"{name} {psnr(shown[i], self.image):.1f} dB, read as {read[i + 1]} "
            f"({sure[i + 1]:.0%} sure)"
            for i, name in enumerate(names)
        ]
        return f"Your drawing is read as {read[0]}. {'; '.join(parts)}."

    def _layout(self) -> list[Any]:
        def does(text: str, action: Callable[[], Any]) -> Any:
            return button(text, lambda: self.loop.post(action))

        def column(title: str, *children: Any) -> Any:
            box = {"margin": "0 16px 8px 0", "align_items": "flex-start"}
            return ipywidgets.VBox([ipywidgets.HTML(f"<b>{title}</b>"), *children], layout=box)

        def rubber(sheet: Sheet) -> Any:
            toggle = ipywidgets.ToggleButton(description="Rubber", layout={"width": "auto"})
            self._links.append(ipywidgets.jslink((toggle, "value"), (sheet, "erase")))
            return toggle

        self._links: list[Any] = []
        digit = ipywidgets.Dropdown(
            options=range(10),
            description="digit",
            layout={"width": "7em"},
            style={"description_width": "initial"},
        )
        example = does("Load an example", lambda: self.load(digit.value))
        self._own = column(
            "Scratches: white is lost",
            row(rubber(self.scratches), does("No scratches", self.mend)),
            self.scratches,
        )
        wide = {"flex_flow": "row wrap", "align_items": "flex-start"}
        sheets = [
            column(
                "Your digit",
                row(rubber(self.sheet), does("Clear", self.clear), digit, example),
                self.sheet,
            ),
            self._own,
            column(
                "Damage",
                self.controls["damage"],
                self.controls["noise"],
                self.controls["blend"],
                does("Draw noise again", self.again),
            ),
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
        figure = plotting.Picture(figsize=(7.2, 1.6), layout="constrained")
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
