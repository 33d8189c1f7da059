"""Draw a digit: what does the discriminator say, and which noise gives the nearest digit?"""

from collections.abc import Mapping
from typing import Any

import ipywidgets
import numpy as np
import torch
from torch import Tensor, nn

from gan_lessons import classifier, latent, pretrained
from gan_lessons.data import Digits
from gan_lessons.errors import UserError, expect
from gan_lessons.methods import GANSettings
from gan_lessons.training import sample
from gan_lessons.widgets.canvas import Canvas, signed, tiles
from gan_lessons.widgets.controls import row
from gan_lessons.widgets.loop import Loop
from gan_lessons.widgets.sheet import BESIDE, SIDE, Sheet, SheetPanel, column

MOST = 200  # steps of a search; then it ends by itself
PAUSE = 0.03  # seconds between two steps, so that the eye can follow
EMPTY = "Nothing is drawn yet: draw a digit on the black sheet, or load an example."


class Sketchpad(SheetPanel):
    """A sheet to draw on, beside D's opinion of the drawing and the digit nearest to it.

    `draw`, `load`, `centre`, `clear` and `search` do without a browser what a learner's hand does.

    Args:
        generator: in evaluation mode, with noise (N, settings.latent_dim).
        discriminator: images (N, 1, 28, 28) → logits (N,).
        settings: those that both were trained with.
        digits: real ones, for examples, and to compare D's logit with.

    Attributes: ``image`` (1, 28, 28) as drawn, ``logit`` and ``saliency`` (None while the sheet is
    empty), ``found`` (the `latent.Search`, or None), ``loop`` (the `Loop` that plays it).
    """

    png_size = (6.3, 2.3)

    def __init__(
        self, generator: nn.Module, discriminator: nn.Module, settings: GANSettings, digits: Digits
    ) -> None:
        pretrained.refuse_classes(settings)
        expect(generator, nn.Module, "generator has to be a network")
        expect(discriminator, nn.Module, "discriminator has to be a network")
        expect(digits, Digits, "digits have to be real ones, as load_digits() gives them")
        self.generator = generator
        self.discriminator = discriminator
        self.settings = settings
        self.digits = digits
        fakes = sample(generator, pretrained.noise(500, settings, seed=1))
        self._real_logits = sample(discriminator, digits.images[:500])
        self._fake_logits = sample(discriminator, fakes)
        self.logit: float | None = None
        self.saliency: Tensor | None = None
        self.found: latent.Search | None = None
        self._seen = b""  # the drawing that D has looked at
        self.loop = Loop(
            self._search,
            self._show,
            lambda: "Interrupted; Find goes on from here.",
            slow=PAUSE,
            instead="search(steps)",
        )
        self.sheet = Sheet()
        self.saliency_view = Canvas(zoom=7, label="What D wishes")
        self.nearest_view = Canvas(zoom=7)
        self.candidates_view = Canvas(zoom=0.8)
        super().__init__(self._layout())
        self.sheet.observe(self._drawn, names="drawing")
        self._look()

    # What a hand can do

    def draw(self, image: Tensor) -> None:
        """Put a picture on the sheet; see `Sheet.draw`."""
        super().draw(image)
        self._look()  # at once: the cell that draws may ask for the sentence next

    def centre(self) -> None:
        """Shift the ink's centre of mass to the middle, where that of every MNIST digit is."""
        self._refuse_empty()
        ink = (self.image[0] + 1) / 2
        places = torch.arange(SIDE, dtype=torch.float32)
        down, right = (
            round(SIDE / 2 - 0.5 - (ink.sum(dim=1 - axis) @ places / ink.sum()).item())
            for axis in (0, 1)
        )
        self.draw(self.image.roll((down, right), (1, 2)))

    def search(self, steps: int = 50) -> float:
        """Go so many steps towards the nearest digit, now; return its distance.

        Raises:
            UserError: the sheet is empty.
        """
        self._begin()
        assert self.found is not None
        self.found.step(steps)
        self._redraw()
        return self.found.distance

    def play(self) -> None:
        """Search step by step while you watch; it ends by itself.

        Raises:
            UserError: the sheet is empty, or there is no kernel to do it in.
        """
        self._begin()
        self.loop.play()

    def pause(self) -> None:
        """Stop searching; `play` and `search` go on from here."""
        if self.playing:
            self.loop.pause()

    @property
    def playing(self) -> bool:
        """Whether a search is moving."""
        return self.loop.playing

    # The search

    def _refuse_empty(self) -> None:
        if not any(self.sheet.drawing):
            raise UserError(EMPTY)

    def _begin(self) -> None:
        self._refuse_empty()
        if self.found is None or self.found.steps >= MOST:
            self.found = latent.Search(self.generator, self.image, self.settings)
            self._start = self.found.distance

    def _search(self) -> None:
        """One step, while it plays."""
        if self.found is None:  # the drawing has changed
            self._begin()
        assert self.found is not None
        self.found.step()
        if self.found.steps >= MOST:
            self.loop.pause()

    # What is shown

    def _drawn(self, change: Any) -> None:
        self.loop.post(self._look)

    def _look(self) -> None:
        """If the drawing is another one, D looks at it, and a search that plays starts anew."""
        if self.sheet.drawing == self._seen:
            return
        self._seen = self.sheet.drawing
        self.loop.playing = self.loop.playing and any(self.sheet.drawing)
        self.found = None
        self.logit = None
        self.saliency = None
        if any(self.sheet.drawing):
            self.logit, self.saliency = latent.saliency(self.discriminator, self.image)
        self._redraw("The drawing has changed: the search starts anew." if self.playing else "")

    def _redraw(self, message: str = "") -> None:
        """What was asked for is done: show it, and nothing that was said before."""
        self.loop.error = None
        self.loop.message = message
        self.loop.refresh()

    def _show(self) -> str:
        blank = np.full((SIDE, SIDE), 255, np.uint8)
        gradient = self.saliency
        # Neither button is disabled: that would take the focus from who presses it by a key.
        self.find.description = "Searching …" if self.playing else "Find"
        self.saliency_view.show(blank if gradient is None else signed(gradient[0]))
        if self.found is None:
            self.nearest_view.show(np.zeros_like(blank), "No search yet")
            self.candidates_view.show(np.zeros((30, 240), np.uint8), "No candidates yet")
        else:
            grey = tiles(self.found.image[None], 1)[1:-1, 1:-1]
            self.nearest_view.show(grey, "The nearest digit so far")
            self.candidates_view.show(tiles(self.found.images, 8), "All eight candidates")
        return " ".join(filter(None, [self._opinion(), self._way()]))

    def _opinion(self) -> str:
        if self.logit is None or self.saliency is None:
            return EMPTY
        real, fake = (
            (them < self.logit).double().mean().item()
            for them in (self._real_logits, self._fake_logits)
        )
        _, (probabilities,) = classifier.load().predict(self.image[None])
        more, less = (
            divmod(int(place), SIDE) for place in (self.saliency.argmax(), self.saliency.argmin())
        )
        return (
            f"The classifier reads a {probabilities.argmax().item()} "
            f"({probabilities.max().item():.0%} sure). D's logit is {self.logit:+.2f}: above "
            f"{real:.0%} of real digits and {fake:.0%} of the generator's. It would rise most with "
            f"more ink at row {more[0] + 1}, column {more[1] + 1} (blue), and with less at row "
            f"{less[0] + 1}, column {less[1] + 1} (orange)."
        )

    def _way(self) -> str:
        if self.found is None:
            return ""
        return (
            f"Search, step {self.found.steps}: the nearest digit is {self.found.distance:.3f} away "
            f"({self._start:.3f} at the start), its noise {self.found.z.norm():.1f} long."
        )

    def _layout(self) -> list[Any]:
        self.find, pause = self._does("Find", self.play), self._does("Pause", self.pause)
        clear, centre = self._does("Clear", self.clear), self._does("Centre", self.centre)
        columns = [
            column(
                "Your drawing",
                row(self._rubber(self.sheet), clear, centre),
                self.sheet,
                row(*self._example()),
            ),
            column("More ink (blue), less (orange)", self.saliency_view),
            column(
                "The nearest digit",
                row(self.find, pause, self._does("One step", lambda: self.search(1))),
                self.nearest_view,
                self.candidates_view,
            ),
        ]
        return [ipywidgets.HBox(columns, layout=BESIDE), self.loop.line, self.loop.presence]

    def _real(self) -> Digits:
        return self.digits

    def _pictures(self) -> Mapping[str, np.ndarray[Any, Any]]:
        return {
            "more ink (blue), less (orange)": self.saliency_view.picture,
            "nearest digit": self.nearest_view.picture,
        }
