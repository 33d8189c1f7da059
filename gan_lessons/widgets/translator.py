"""Draw a digit, translate it there and back with noise on the way, and give it another style."""

from collections.abc import Mapping
from typing import Any

import ipywidgets
import torch
from torch import Tensor, nn

from gan_lessons import classifier
from gan_lessons.data import Digits
from gan_lessons.errors import UserError, expect
from gan_lessons.studies.style import stylise
from gan_lessons.studies.translation import domain, ends
from gan_lessons.widgets.canvas import Canvas
from gan_lessons.widgets.controls import row
from gan_lessons.widgets.loop import Loop
from gan_lessons.widgets.sheet import Sheet, ViewsPanel, column
from gan_lessons.widgets.slider import Slider

EMPTY = "Nothing is drawn yet: draw a digit on the sheet, or load an example."
TRANSLATIONS = {  # what a person chooses → the pair, and the way
    "plain to striped": ("stripes", "to_b"),
    "striped to plain": ("stripes", "to_a"),
    "handwritten to printed": ("printed", "to_b"),
    "printed to handwritten": ("printed", "to_a"),
}
GENERATORS = "generators has to be a dictionary, “stripes” or “printed” → its two generators"
VIEWS = ("translated", "with noise", "back again", "style")
EXAMPLES = 50  # pictures whose style is taken
STYLE_STEPS = 25  # so few that the slider answers at once


class Translator(ViewsPanel):
    """A digit, its translation, the way back through noise, and the digit in the target's style.

    `draw`, `load`, `clear`, `again` and `set` do without a browser what a learner's hand does.

    Args:
        generators: pair ("stripes", "printed") → its two generators, "to_b" and "to_a".

    Raises:
        UserError: there is no such pair.

    Attributes: ``image`` (1, 28, 28) as drawn, ``pictures`` (name → (1, 28, 28); empty while
    nothing is drawn), ``controls``.
    """

    def __init__(self, generators: Mapping[str, Any]) -> None:
        expect(generators, Mapping, GENERATORS)
        known = [name for name, (pair, _) in TRANSLATIONS.items() if pair in generators]
        for pair, both in generators.items():
            if not hasattr(both, "keys") or not {"to_a", "to_b"} <= {*both.keys()}:
                raise UserError(f"{GENERATORS}, to_a and to_b; {pair!r} has not both.")
        if not known:
            raise UserError(f"{GENERATORS}; there is none of them in it.")
        self.generators = generators
        self.pictures: dict[str, Tensor] = {}
        self._styled: tuple[Any, Tensor] | None = None  # what it depends on, and the latest
        self.loop = Loop(lambda: None, self._show, lambda: "", instead="set(…)")
        self.sheet = Sheet(name="Digit")
        self.views = {name: Canvas(zoom=5.0, label=name) for name in VIEWS}
        self.controls = {
            "translation": ipywidgets.Dropdown(
                options=known,
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
        self._follow(self.sheet)

    # What is shown

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
        found["style"] = self._in_style()
        return {name: pictures[0] for name, pictures in found.items()}

    def _in_style(self) -> Tensor:
        """The drawing (1, 1, 28, 28) in the style of the target: noise does not change it."""
        strength = self.controls["strength"].value
        depends = self.sheet.drawing, self._ends(), strength
        if self._styled is None or self._styled[0] != depends:
            examples = domain(self._ends()[1]).images[:EXAMPLES]
            self._styled = depends, stylise(self.image[None], examples, strength, STYLE_STEPS)
        return self._styled[1]

    def _show(self) -> str:
        self.pictures = self._translated() if any(self.sheet.drawing) else {}
        self._show_views()
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
        clear, again = self._does("Clear", self.clear), self._does("Draw noise again", self.again)
        rubber, example = self._rubber(self.sheet), self._example()
        return self._beneath(
            [
                column("Your digit", row(rubber, clear), self.sheet, row(*example)),
                column("Translation", *self.controls.values(), again),
            ]
        )

    def _real(self) -> Digits:
        return domain(self._ends()[0])
