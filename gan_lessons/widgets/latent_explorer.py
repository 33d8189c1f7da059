"""Travel through a generator's noise: directions, paths, arithmetic, truncation."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import ipywidgets
import torch
from torch import Tensor, nn

from gan_lessons import classifier, latent, plotting, pretrained
from gan_lessons.errors import UserError, expect
from gan_lessons.methods import GANSettings
from gan_lessons.training import sample
from gan_lessons.widgets.ahead import Ahead
from gan_lessons.widgets.canvas import Canvas
from gan_lessons.widgets.controls import (
    WriteGuard,
    assign,
    button,
    complaint,
    row,
    status,
    typed,
)
from gan_lessons.widgets.still import Panel

DIGITS, COLUMNS = 64, 8
LETTERS = "ABCDEFGH"  # the places of the tray
OF_THE_TRAY = ("begin", "end", "first", "minus", "plus")  # controls of path and sum
STEPS = 11  # of a path, both ends included
LAYOUT = {"width": "100%"}
TAKEN = {"truncation", "seed", "begin", "end", "first", "minus", "plus", "chosen"}
STYLE = {"description_width": "8em"}


class LatentExplorer(Panel):
    """Sliders along directions of the noise, and what 64 digits make of them; a tray for eight.

    Between two digits of the tray it shows the straight path and the arc; of three, a sum. `set`,
    `keep` and `keep_sum` do without a browser what a learner's hand does.

    Args:
        generator: in evaluation mode, with noise (N, settings.latent_dim).
        settings: those it was trained with.
        directions: name → unit vector (latent_dim,); without it the six directions in which the
            generator changes most on average (`latent.principal_directions`).
        tray: whether tray, paths and sums are shown.

    Attributes: ``controls`` (by name), ``z`` (64, d) and ``images`` (64, 1, 28, 28) as shown,
    ``chosen`` (0 to 63), ``tray`` (8, d), ``sentence``, ``error`` (of the last redraw, or None).
    """

    def __init__(
        self,
        generator: nn.Module,
        settings: GANSettings,
        directions: Mapping[str, Tensor] | None = None,
        tray: bool = True,
    ) -> None:
        pretrained.refuse_classes(settings)
        expect(generator, nn.Module, "generator has to be a network")
        self.generator, self.settings = generator, settings
        self.directions = dict(directions) if directions else _principal(generator, settings)
        for name, vector in self.directions.items():
            if vector.shape != (settings.latent_dim,) or not vector.isfinite().all():
                raise UserError(
                    f"The direction {name!r} must be {settings.latent_dim} finite numbers, one "
                    f"for each dimension of the noise; it has the shape {tuple(vector.shape)}."
                )
        self.error: Exception | None = None
        self._guard = WriteGuard()
        self.tray = pretrained.noise(len(LETTERS), settings)
        self.grid = Canvas(chosen=0, label="64 digits in 8 columns; arrow keys choose one")
        self.tray_view = Canvas(chosen=0, labels=list(LETTERS))
        self.path_view = Canvas()
        self.sum_view = Canvas()
        self.views = {"64 digits": self.grid}
        if tray:
            self.views |= {
                "tray, A to H": self.tray_view,
                "path: straight above, arc below": self.path_view,
                "sum: three digits, the sum, and the sum on the shell": self.sum_view,
            }
        self.controls = self._make_controls()
        of_the_grid = {n: each for n, each in self.controls.items() if n not in OF_THE_TRAY}
        self._ahead = Ahead(self._digits, of_the_grid)
        self._line = ipywidgets.HTML()
        self._sentences = [""]
        for name, control in self.controls.items():  # before the fields: digits first
            self._guard.observe(control, partial(self._moved, name))
        for canvas in (self.grid, self.tray_view):
            self._guard.observe(canvas, partial(self._moved, "chosen"), "chosen")
        super().__init__(self._layout(tray))
        self._redraw()

    # What is shown

    @property
    def chosen(self) -> int:
        """Which of the 64 digits is chosen, counted from 0 at the top left."""
        return int(self.grid.chosen)

    @property
    def path(self) -> tuple[Tensor, Tensor]:
        """Noise (11, d) of the straight path and of the arc between the two chosen tray places."""
        t = torch.linspace(0, 1, STEPS)
        a, b = self._kept("begin"), self._kept("end")
        straight = latent.lerp(a, b, t)
        return straight, straight if torch.equal(a, b) else latent.slerp(a, b, t)

    @property
    def sum(self) -> Tensor:
        """Noise (2, d): first − minus + plus, as it is and on the shell of length √d."""
        z = self._kept("first") - self._kept("minus") + self._kept("plus")
        return torch.stack([z, latent.on_shell(z) * self.settings.noise_scale])

    @property
    def sentence(self) -> str:
        """What the picture shows, in words."""
        return " ".join(self._sentences)

    def _kept(self, control: str) -> Tensor:
        return self.tray[LETTERS.index(self.controls[control].value)]

    # What a hand can do

    def set(self, chosen: int | None = None, **values: Any) -> None:
        """Move controls, or choose a digit (0 to 63), and redraw once.

        Names are those of ``controls``, such as direction_1, truncation, seed, begin, end, first,
        minus, plus.

        Raises:
            UserError: no such control, or a value that it cannot take.
        """
        if chosen is not None and chosen not in range(DIGITS):
            raise UserError(f"chosen = {chosen!r} is out of range. Choose from 0 to {DIGITS - 1}.")
        with self._guard.writing():
            assign(self.controls, values)
            if chosen is not None:
                self.grid.chosen = chosen
        self._ahead.forget()
        self._attempt(self._redraw)
        if self.error is not None:
            raise self.error

    def keep(self, place: str | None = None) -> None:
        """Put the chosen digit into the tray, at a place A to H (without one, the framed place)."""
        self._put(self.z[self.chosen], place)

    def keep_sum(self, place: str | None = None) -> None:
        """Put the sum, on the shell, into the tray."""
        self._put(self.sum[1], place)

    def _put(self, z: Tensor, place: str | None) -> None:
        if place is not None and (len(place) != 1 or place not in LETTERS):
            raise UserError(f"The tray has no place {place!r}. Choose one of {', '.join(LETTERS)}.")
        index = self.tray_view.chosen if place is None else LETTERS.index(place)
        self.tray = self.tray.clone()
        self.tray[index] = z
        self._redraw()

    def reset(self) -> None:
        """All directions back to 0, truncation to 1."""
        sliders: dict[str, Any] = dict.fromkeys(map(_key, self.directions), 0.0)
        self.set(truncation=1.0, **sliders)

    # Drawing

    def _moved(self, name: str, value: Any) -> None:
        self._attempt(self._draw_tray if name in OF_THE_TRAY else self._draw_grid)

    def _attempt(self, action: Callable[[], None]) -> None:
        """Do something; if it fails, say so in the panel, where the learner looks."""
        with self._ahead.turn:
            try:
                action()
                self.error = None
            except Exception as error:
                self._fail(error)

    def _fail(self, error: Exception) -> None:
        with self._ahead.turn:
            self.error = error
            self._line.value = complaint(error)

    def _redraw(self) -> None:
        self._draw_grid()
        if len(self.views) > 1:
            self._draw_tray()

    def _digits(self, values: dict[str, Any]) -> tuple[Tensor, Tensor, str]:
        """Noise (64, d), what the generator makes of it, and what the chosen digit looks like."""
        noise = pretrained.noise(DIGITS, self.settings, values["seed"])
        shift = sum(values[_key(name)] * vector for name, vector in self.directions.items())
        z = values["truncation"] * (noise + shift)
        images = sample(self.generator, z)
        return z, images, _opinion(images[self.chosen])

    def _draw_grid(self) -> None:
        amounts = {name: self.controls[_key(name)].value for name in self.directions}
        seed, truncation = self.controls["seed"].value, self.controls["truncation"].value
        self.z, self.images, opinion = self._ahead.made()
        self.grid.show_tiles(self.images, COLUMNS)
        moved = [f"{name} {amount:+.1f}" for name, amount in amounts.items() if amount]
        row, column = divmod(self.chosen, COLUMNS)
        self._say(
            f"64 digits of seed {seed}, {', '.join(moved) or 'not moved'}, truncation "
            f"{truncation:.2f}; noise {self.z.norm(dim=1).mean():.1f} long on average "
            f"(√{self.z.shape[1]} = {self.z.shape[1] ** 0.5:.1f}). The framed one, row {row + 1}, "
            f"column {column + 1}, looks like {opinion}.",
            *self._sentences[1:],
        )

    def _draw_tray(self) -> None:
        self.tray_view.show_tiles(
            sample(self.generator, self.tray),
            len(LETTERS),
            "The tray: eight digits, A to H; arrow keys choose the place to fill",
        )
        straight, arc = self.path
        value = {name: self.controls[name].value for name in OF_THE_TRAY}
        names = f"{value['begin']} to {value['end']}"
        self.path_view.show_tiles(
            sample(self.generator, torch.cat([straight, arc])),
            STEPS,
            f"From {names} in {STEPS} steps: above straight, below along the arc",
        )
        terms = torch.stack([*map(self._kept, ("first", "minus", "plus")), *self.sum])
        images = sample(self.generator, terms)
        self.sum_view.labels = [
            value["first"],
            f"− {value['minus']}",
            f"+ {value['plus']}",
            "=",
            "",
        ]
        formula = f"{value['first']} − {value['minus']} + {value['plus']}"
        self.sum_view.show_tiles(images, len(terms), f"The digits of {formula}, and the sum")
        half = STEPS // 2
        plain = self.sum[0]
        self._say(
            self._sentences[0],
            f"Half way from {names} the straight path is {straight[half].norm():.1f} from the "
            f"centre, the arc {arc[half].norm():.1f}. {formula} lies {plain.norm():.1f} from it; "
            f"brought back to {self.sum[1].norm():.1f} it looks like {_opinion(images[-1])}.",
        )

    def _say(self, *sentences: str) -> None:
        self._sentences = list(sentences)
        self._line.value = status(self.sentence)

    # Making

    def _make_controls(self) -> dict[str, Any]:
        def slider(name: str, value: float, low: float, high: float, step: float) -> Any:
            return ipywidgets.FloatSlider(
                value, min=low, max=high, step=step, description=name, style=STYLE, layout=LAYOUT
            )

        def place(name: str, letter: str) -> Any:
            layout = {"width": "9em"}
            return ipywidgets.Dropdown(
                options=list(LETTERS),
                value=letter,
                description=name,
                layout=layout,
                style={"description_width": "initial"},
            )

        sliders = {_key(name): slider(name, 0, -4, 4, 0.1) for name in self.directions}
        for name in sliders:
            if name in TAKEN:
                raise UserError(f"{name!r} is another control's name; give the direction its own.")
        seed = ipywidgets.BoundedIntText(
            0, min=0, max=999_999, description="seed", style=STYLE, layout={"width": "15em"}
        )
        return {
            **sliders,
            "truncation": slider("truncation", 1, 0, 1.5, 0.05),
            "seed": seed,
            "begin": place("from", "A"),
            "end": place("to", "B"),
            "first": place("of", "A"),
            "minus": place("−", "B"),
            "plus": place("+", "C"),
        }

    def _layout(self, tray: bool) -> list[Any]:
        def does(text: str, action: Callable[[], None]) -> Any:
            return button(text, lambda: self._attempt(action))

        c = self.controls
        numbers = [*(c[_key(name)] for name in self.directions), c["truncation"], c["seed"]]
        buttons = [does("All sliders back", self.reset)]
        if tray:
            buttons.append(does("Keep in tray", self.keep))
        side = ipywidgets.VBox(
            [*(typed(number, self._fail) for number in numbers), row(*buttons)],
            layout={"flex": "1 1 20em"},
        )
        top = [row(self.grid, side), self._line]
        if not tray:
            return top
        return [
            *top,
            ipywidgets.HTML("<b>Tray</b>"),
            self.tray_view,
            row(ipywidgets.HTML("<b>Path</b>"), c["begin"], c["end"]),
            self.path_view,
            row(
                ipywidgets.HTML("<b>Sum</b>"),
                c["first"],
                c["minus"],
                c["plus"],
                does("Keep the sum in the tray", self.keep_sum),
            ),
            self.sum_view,
        ]

    @property
    def png(self) -> bytes:
        """All that is shown, as one PNG."""
        heights = [view.height for view in self.views.values()]
        figure = plotting.Picture(figsize=(5.4, sum(heights) / 50), layout="constrained")
        rows = figure.subplots(len(heights), 1, height_ratios=heights, squeeze=False)[:, 0]
        for axes, (title, view) in zip(rows, self.views.items(), strict=True):
            axes.imshow(view.picture, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
            axes.set_title(title, fontsize=8)
            axes.set_axis_off()
        return plotting.png(figure)

    def _alt_text(self) -> str:
        return self.sentence


def _principal(generator: nn.Module, settings: GANSettings) -> dict[str, Tensor]:
    found = latent.principal_directions(generator, pretrained.noise(2000, settings, seed=1))
    return {f"direction {number}": vector for number, vector in enumerate(found, 1)}


def _key(name: str) -> str:
    return name.replace(" ", "_")


def _opinion(image: Tensor) -> str:
    """What the classifier sees in an image (1, 28, 28)."""
    _, (probabilities,) = classifier.load().predict(image[None])
    sure, digit = probabilities.max(dim=0)
    return f"a {digit.item()} ({sure.item():.0%} sure)"
