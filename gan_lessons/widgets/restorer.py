"""Draw a digit, spoil it, and see four remedies at once, with a blend of the two learned ones."""

from collections.abc import Mapping
from typing import Any

import ipywidgets
import torch
from torch import Tensor, nn

from gan_lessons import classifier
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
from gan_lessons.errors import UserError, expect
from gan_lessons.methods.restoration import as_inputs, restore
from gan_lessons.studies.restoration import psnr
from gan_lessons.widgets.canvas import Canvas
from gan_lessons.widgets.controls import row
from gan_lessons.widgets.loop import Loop
from gan_lessons.widgets.sheet import SIDE, Sheet, ViewsPanel, column
from gan_lessons.widgets.slider import Slider

EMPTY = "Nothing is drawn yet: draw a digit on the first sheet, or load an example."
UNSCRATCHED = "Nothing is scratched yet: paint on the second sheet what is to be lost."
DAMAGES = {"scratches": "brush", "noise": "noise", "4 × smaller": "small"}
VIEWS = ("spoiled", "classic", "regression", "adversarial", "blend")


class Restorer(ViewsPanel):
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
        for network in (regression, adversarial):
            expect(network, nn.Module, "a restorer has to be a network: pretrained.load_restorer()")
        expect(digits, Digits, "digits have to be real ones, as load_digits() gives them")
        self.networks: Mapping[str, nn.Module] = {
            "regression": regression,
            "adversarial": adversarial,
        }
        self.digits = digits
        self.pictures: dict[str, Tensor] = {}
        self.loop = Loop(lambda: None, self._show, lambda: "", instead="set(…)")
        self.sheet = Sheet(name="Digit")
        self.scratches = Sheet(name="Scratches")
        self.views = {name: Canvas(zoom=4.5, label=name) for name in VIEWS}
        self.controls = {
            "damage": ipywidgets.Dropdown(
                options=list(DAMAGES),
                description="damage",
                layout={"width": "15em"},
                style={"description_width": "initial"},
            ),
            "noise": Slider(
                NOISE, min=0.1, max=1.0, step=0.05, description="noise σ", label_width="5em"
            ),
            "blend": Slider(
                0.5, min=0.0, max=1.0, step=0.05, description="blend α", label_width="5em"
            ),
        }
        super().__init__(self._layout())
        self._follow(self.sheet, self.scratches)

    # What a hand can do

    @property
    def mask(self) -> Tensor:
        """What is scratched (1, 28, 28): 1 where a pixel is lost, else 0."""
        return (self.scratches.image > -0.21).float()  # darker is the edge of a stroke

    def scratch(self, mask: Tensor) -> None:
        """Lose the pixels where a mask, (28, 28) or (1, 28, 28), is above ½.

        Raises:
            UserError: another shape.
        """
        if mask.numel() != SIDE * SIDE:
            raise UserError(f"A mask has 28 × 28 values; this has the shape {tuple(mask.shape)}.")
        self.scratches.draw(2.0 * (mask > 0.5) - 1)

    def mend(self) -> None:
        """No scratches."""
        self.scratch(torch.zeros(SIDE, SIDE))

    # What is shown

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
        self._show_views()
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
        clear, no_scratches = self._does("Clear", self.clear), self._does("No scratches", self.mend)
        self._own = column(
            "Scratches: white is lost",
            row(self._rubber(self.scratches), no_scratches),
            self.scratches,
        )
        return self._beneath(
            [
                column(
                    "Your digit", row(self._rubber(self.sheet), clear, *self._example()), self.sheet
                ),
                self._own,
                column(
                    "Damage",
                    *self.controls.values(),
                    self._does("Draw noise again", self.again),
                ),
            ]
        )

    def _real(self) -> Digits:
        return self.digits
