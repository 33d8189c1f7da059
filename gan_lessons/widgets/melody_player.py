"""Melodies of a generator: their piano roll, and their sound at a tempo and a temperature."""

from typing import Any

import ipywidgets
from torch import Tensor, nn

from gan_lessons import plotting
from gan_lessons.data import melodies
from gan_lessons.studies.melodies import play
from gan_lessons.widgets.controls import WHOLE
from gan_lessons.widgets.explore import Explore

WRITTEN = "written, too"  # the first bar, where no tune's is taken


class MelodyPlayer(Explore):
    """Shows and plays what a generator writes. `set` moves it without a browser.

    Args:
        generator: of bars, as `studies.melodies.start` has it.

    Attributes, besides those of `Explore`: ``sound`` (the widget that plays).
    """

    def __init__(self, generator: nn.Module) -> None:
        self.generator = generator
        layout = {"max_width": WHOLE}
        self.sound = ipywidgets.Audio(format="wav", autoplay=False, loop=False, layout=layout)
        controls: dict[str, Any] = {
            "opening": ipywidgets.Dropdown(
                options=[WRITTEN, *melodies.TUNES], description="first bar"
            ),
            "temperature": ipywidgets.FloatSlider(
                1.0, min=0, max=2, step=0.1, description="temperature T"
            ),
            "melody": ipywidgets.IntSlider(1, min=1, max=50, description="melody"),
            "tempo": ipywidgets.IntSlider(
                140, min=60, max=300, step=10, description="quarters a minute"
            ),
        }
        super().__init__(self._melody, controls, {}, "")
        self.children: Any = (*self.children, self.sound)

    def _view(self) -> Any:
        view = super()._view()
        values = self.values
        tempo = values.pop("tempo")
        # Not where the picture is drawn, which may be that of the next stop.
        self.sound.value = melodies.wav(melodies.render(self._signs(**values), tempo))
        return view

    def _signs(self, opening: str, temperature: float, melody: int) -> Tensor:
        first = None
        if opening != WRITTEN:
            first = melodies.encode(melodies.TUNES[opening])[: melodies.STEPS]
        return play(self.generator, 1, temperature, melody, first)[0]

    def _melody(self, opening: str, temperature: float, melody: int, tempo: int) -> Any:
        signs = self._signs(opening, temperature, melody)
        played = melodies.notes(signs)
        found = melodies.score(signs[None])
        ends = "ends" if found.cadence else "does not end"
        text = (
            f"{len(played)} notes; {found.scale:.0%} of them in C major, {found.metre:.0%} in "
            f"metre. It {ends} on a C of half a bar."
        )
        return plotting.piano_roll({"": played}), text
