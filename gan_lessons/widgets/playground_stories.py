"""What the playground can tell by itself: four games at a click, and a guided first minute."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import ipywidgets

from gan_lessons.widgets.controls import button, row


@dataclass(frozen=True)
class Story:
    """Settings that differ from the defaults, and what is to be seen with them."""

    settings: dict[str, Any]
    words: str

    @property
    def python(self) -> str:
        """The line that makes a panel of it."""
        return f"playground({', '.join(f'{name}={v!r}' for name, v in self.settings.items())})"


STORIES = {
    "healthy": Story({}, "Within some 500 steps the crosses find all eight modes, and stay."),
    "collapse": Story(
        {"generator_steps": 10, "lr_generator": 1e-3, "lr_discriminator": 1e-3},
        "G moves ten times for each move of D: all crosses end in one heap, at or near one mode, "
        "until D has painted it orange; then the heap moves on.",
    ),
    "vanishing gradient": Story(
        {
            "objective": "minimax",
            "discriminator_steps": 10,
            "lr_generator": 1e-4,
            "arrows": True,
        },
        "D sees through every fake, D(G(z)) is nearly 0, and there the minimax loss is flat: the "
        "arrows vanish and the crosses stand still.",
    ),
    "circling": Story(
        {
            "lr_generator": 4e-3,
            "lr_discriminator": 1e-3,
            "beta1_generator": 0.5,
            "beta1_discriminator": 0.5,
        },
        "The crowd runs round the ring, D's colours run after it, and neither settles.",
    ),
}

# What a guide says, and the part that it points at.
MINUTE = (
    ("Blue dots are real points. Orange crosses are fakes: the generator, G, makes them of "
     "noise, and never sees a dot.", "plane"),
    ("The colours are answers of the discriminator, D: blue where it says real, orange where it "
     "says fake, none where it cannot tell.", "plane"),
    ("Press Play and watch the crosses. At each step D paints anew; then G moves its crosses to "
     "where D says real.", "play"),
    ("The lowest chart counts the modes that the crosses have found. In a healthy game they find "
     "all eight of the ring within some 500 steps, ten seconds.", "curves"),
    ("Move the rate of D while it plays. The charts get a mark, a, and you see what this one "
     "change does.", "lr_discriminator"),
    ("Pause. Step D and Step G take a step apart, and say what moved. Under Stories are four ways "
     "that such a game can go.", "stories"),
)  # fmt: skip


class Guide(ipywidgets.VBox):  # type: ignore[misc]
    """Sentences one after the other, each pointing at a part; it can be left at any moment.

    Args:
        point: called with the name of the part that is meant, "" for none.
    """

    def __init__(self, point: Callable[[str], object]) -> None:
        self._point = point
        self.at = -1
        self.words = ipywidgets.HTML()
        self.next = button("Next", self.go_on)
        self.leave = button("Leave the guide", self.stop)
        super().__init__([self.words, row(self.next, self.leave)], layout={"display": "none"})
        self.add_class("gan-guide")

    def go_on(self) -> None:
        """The first sentence, or the next; after the last it is left."""
        if self.at + 1 == len(MINUTE):
            self.stop()
            return
        self.at += 1
        words, part = MINUTE[self.at]
        self.words.value = f'<div aria-live="polite">{self.at + 1} of {len(MINUTE)}: {words}</div>'
        self.next.description = "Done" if self.at + 1 == len(MINUTE) else "Next"
        self.layout.display = "flex"
        self._point(part)

    def stop(self) -> None:
        """No sentence, and nothing is pointed at."""
        self.at = -1
        self.layout.display = "none"
        self._point("")
