"""The live panel of a DCGAN: every setting can be moved while it trains, and any step be undone."""

import base64
import struct
import threading
import time
import zlib
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import partial
from html import escape
from pathlib import Path
from typing import Any

import ipywidgets
import numpy as np
import torch
from matplotlib.axes import Axes
from torch import Tensor

from gan_lessons import losses, plotting
from gan_lessons.training import PENALTIES, RECIPES, Settings, Trainer, check_setting
from gan_lessons.widgets.controls import button, refuse_outside, row, typed
from gan_lessons.widgets.live import Live, Mark

DIGITS, COLUMNS = 24, 8
PORTRAIT = 3  # digits of a filmstrip's frame
CURVES = 1.0  # seconds between two drawings of the curves, at least
ENDLESS: dict[str, Any] = {"steps": None, "seconds": None, "lr_decay": "none"}
NAMES = {
    "lr_discriminator": "D's rate",
    "lr_generator": "G's rate",
    "beta1": "β1 of Adam",
    "ema_decay": "EMA decay",
    "objective": "objective",
    "penalty": "penalty",
    "penalty_weight": "penalty strength",
    "noise_scale": "noise scale",
    "label_smoothing": "label smoothing",
    "instance_noise": "instance noise",
    "discriminator_steps": "k_D, D's steps",
    "generator_steps": "k_G, G's steps",
}


def _controls() -> dict[str, Any]:
    log, linear, whole = ipywidgets.FloatLogSlider, ipywidgets.FloatSlider, ipywidgets.IntSlider
    rate: dict[str, Any] = {"base": 10, "min": -6, "max": -1, "step": 0.1, "readout_format": ".1e"}
    controls: dict[str, Any] = {
        "lr_discriminator": log(**rate),
        "lr_generator": log(**rate),
        "beta1": linear(min=0, max=0.99, step=0.01),
        "ema_decay": linear(min=0, max=0.999, step=0.001, readout_format=".3f"),
        "objective": ipywidgets.Dropdown(options=list(losses.OBJECTIVES)),
        "penalty": ipywidgets.Dropdown(options=list(PENALTIES)),
        "penalty_weight": log(base=10, min=-2, max=2, step=0.1),
        "noise_scale": linear(min=0.1, max=3, step=0.1),
        "label_smoothing": linear(min=0, max=0.45, step=0.05),
        "instance_noise": linear(min=0, max=2, step=0.05),
        "discriminator_steps": whole(min=1, max=5),
        "generator_steps": whole(min=1, max=5),
    }
    for name, control in controls.items():
        control.description = NAMES[name]
        control.style.description_width = "9em"
        control.layout.width = "97%"
        if control.has_trait("continuous_update"):
            control.continuous_update = False  # one mark for a move, made when it is let go
    return controls


class TrainingPanel(ipywidgets.VBox):  # type: ignore[misc]
    """Train a generator of digits, and move every setting while it trains.

    Without a browser `step`, `set`, `rewind`, `branch` do what a learner's hand would do.

    Args:
        samples: real digits (N, 1, 28, 28) in [−1, 1].
        settings: how to begin. The run has no end and its rates stay what you set, whatever the
            settings say of steps, seconds and lr_decay.
        megabytes: memory for snapshots; the filmstrip gets sparser rather than exceed it.

    Attributes: ``live`` (the `Live` that drives it), ``controls`` (by setting), ``sentence``.
    """

    def __init__(
        self,
        samples: Tensor,
        settings: Settings = RECIPES["dcgan"],
        *,
        megabytes: float = 100.0,
    ) -> None:
        self.samples = samples
        self._writing = 0  # the thread that now writes to controls: what it changes is no wish
        self.controls = _controls()
        trainer = Trainer(samples, replace(settings, **ENDLESS))
        self._aim(trainer)
        self.live: Live[Trainer] = Live(
            trainer, self._show, megabytes=megabytes, frames=5, share=0.15, portray=self._portray
        )
        self._curves, self._curves_at, self._curves_cost = _Curves(), -10.0, 0.0
        self._strip_steps: list[int] = []
        super().__init__(self._build())
        for name, control in self.controls.items():
            self._on(control, partial(self._moved, name))
        self.live.refresh()

    # Without a browser

    @property
    def trainer(self) -> Trainer:
        """The run that controls move."""
        return self.live.run

    @property
    def sentence(self) -> str:
        """What the picture shows."""
        return self.live.sentence

    def step(self, n: int = 1) -> None:
        """Train n steps now.

        Raises:
            UserError: n is no number of steps, or the run diverged.
        """
        self.live.step(n)

    def set(self, **settings: Any) -> None:
        """Change settings of the run that controls move; the next step goes by them.

        Raises:
            UserError: no such setting, or a value that its control cannot take; nothing changed.
        """
        for name, value in settings.items():
            check_setting(name, value)
            if name in self.controls:
                refuse_outside(name, self.controls[name], value)
        self.live.set(**settings)

    def rewind(self, step: int) -> None:
        """Go back to the snapshot of a step (``panel.live.film.steps`` has them all).

        Raises:
            UserError: there is no snapshot of that step.
        """
        self.live.rewind(step)

    def branch(self, **settings: Any) -> None:
        """A second run beside this one, from here, with the same noise and data order.

        Raises:
            UserError: there are two already, or a setting is refused.
        """
        self.live.branch(**settings)

    def save(self, path: str | Path) -> None:
        """Write the run that controls move into a checkpoint.

        Raises:
            UserError: the file cannot be written.
        """
        self.trainer.save(path)
        self.live.message = f"Saved step {self.trainer.step:,} as {path}."
        self.live.refresh()

    def resume(self, path: str | Path) -> None:
        """Go on from a checkpoint, also one that another kernel wrote.

        Raises:
            UserError: no such file, not a checkpoint, or of other data.
        """
        trainer = Trainer.load(path, self.samples)
        trainer.change(**ENDLESS)
        self._aim(trainer)
        self.live.reset(trainer)
        self.live.message = f"Resumed at step {trainer.step:,} from {path}."
        self.live.refresh()

    def close(self) -> None:
        """Stop for good; no task stays behind."""
        self.live.close()
        super().close()

    # The picture

    def _aim(self, trainer: Trainer) -> None:
        rng = torch.Generator().manual_seed(1)
        self._z = torch.randn(DIGITS, trainer.settings.latent_dim, generator=rng)

    def _draw(self, run: Trainer, average: bool, n: int = DIGITS) -> Tensor:
        return run.sample(self._z[:n] * run.settings.noise_scale, average)

    def _portray(self, run: Trainer) -> Tensor:
        return self._draw(run, average=True, n=PORTRAIT)

    def _show(self) -> str:
        """Digits at every call; curves, which cost more, more seldom while playing."""
        live, two = self.live, len(self.live.runs) > 1
        self._writing = threading.get_ident()
        try:
            self._follow()
        finally:
            self._writing = 0
        for i, digits in enumerate(self._rows):
            digits.layout.display = None if i < len(live.runs) else "none"
        for run, digits in zip(live.runs, self._rows, strict=False):
            for average, cell in enumerate(digits.children):
                cell.children[1].value = _pixels(self._draw(run, bool(average)))
        began = time.perf_counter()
        wait = max(CURVES, self._curves_cost / 0.05)
        if not live.playing or began - self._curves_at >= wait:
            self._curves_image.value = self._curves.draw(live.runs, live.marks)
            self._curves_at = time.perf_counter()
            self._curves_cost = self._curves_at - began
            self._list_marks()
        said = [_sentence(run) for run in live.runs]
        if two:
            said = [f"Run {i + 1}: {text}" for i, text in enumerate(said)]
            said.append(_difference(*live.runs))
        return " ".join(said)

    def _follow(self) -> None:
        """Let controls, buttons and filmstrip say what is so."""
        live, two = self.live, len(self.live.runs) > 1
        settings = asdict(self.trainer.settings)
        for name, control in self.controls.items():
            if control.value != settings[name]:
                control.value = settings[name]
        self._play.description = "Pause" if live.playing else "Play"
        self._branch_button.disabled = two
        for widget in (self._which, *self._keep_buttons):
            widget.layout.display = None if two else "none"
        self._which.value = live.active
        steps = live.film.steps
        if steps != self._strip_steps:
            self._strip_steps = steps
            self._strip.options = [(f"step {step:,}", step) for step in steps]
            frames = [snapshot.portrait for snapshot in live.film.snapshots]
            by_digit = torch.stack(frames, dim=1).flatten(0, 1)  # a row for each digit
            self._strip_image.value = _pixels(by_digit, columns=len(frames), zoom=1)
            self._strip_image.layout.width = f"{min(46, 4 * len(frames))}em"
            self._memory.value = (
                f"Filmstrip: {PORTRAIT} digits of the average at each of {len(steps)} snapshots, "
                f"the oldest on the left ({live.film.megabytes:.3g} MB of at most "
                f"{live.film.limit:.3g} MB). Rewind goes to the latest one before this step; the "
                "slider, while paused, goes to any."
            )
        here = max((step for step in steps if step <= live.step_now), default=steps[0])
        if self._strip.value != here:
            self._strip.value = here
        self._strip.disabled = live.playing

    def _list_marks(self) -> None:
        items = "".join(f"<li>{escape(_read(mark))}</li>" for mark in self.live.marks[-8:])
        self._marks.value = f"<ul style='list-style: none; margin: 0'>{items}</ul>" if items else ""

    # Widgets

    def _build(self) -> list[Any]:
        does = self._button
        self._play = does("Play", self._toggle)
        self._branch_button = does("Branch", self.live.branch)
        self._keep_buttons = [
            does(f"Keep run {i + 1}", partial(self.live.keep, i)) for i in range(2)
        ]
        self._which = ipywidgets.Dropdown(
            options=[("run 1", 0), ("run 2", 1)], description="controls move"
        )
        self._which.style.description_width = "initial"
        self._which.layout.width = "14em"
        self._on(self._which, self._choose)
        steps = [
            does("Step", self.live.step),
            does("Step D", self.live.step_d),
            does("Step G", self.live.step_g),
        ]
        top = row(self._play, *steps, self._branch_button)
        branch = row(self._which, *self._keep_buttons)
        grid = ipywidgets.GridBox(
            [typed(control, self.live.refuse) for control in self.controls.values()],
            layout={"grid_template_columns": "repeat(auto-fill, minmax(22em, 1fr))"},
        )
        self._rows = [_digits(i) for i in range(2)]
        self._curves_image = _image("46em")
        self._marks = ipywidgets.HTML()
        self._strip = ipywidgets.SelectionSlider(
            options=[0], description="go back to", continuous_update=False
        )
        self._strip.style.description_width = "initial"
        self._strip.layout.width = "min(100%, 34em)"
        self._on(self._strip, self._scrub)
        self._strip_image, self._memory = _image("46em"), ipywidgets.HTML()
        self._file = ipywidgets.Text(value="runs/panel.pt", description="file")
        file = row(
            self._file,
            does("Save", lambda: self.save(self._file.value)),
            does("Resume", lambda: self.resume(self._file.value)),
        )
        back = row(self._strip, does("Rewind", self._back))
        film = [back, self._strip_image, self._memory]
        picture = [self.live.line, *self._rows, self._curves_image, self._marks]
        return [top, branch, grid, *picture, *film, file, self.live.presence]

    def _button(self, text: str, work: Callable[[], Any]) -> Any:
        return button(text, lambda: self.live.post(work))

    def _on(self, control: Any, work: Callable[[Any], None]) -> None:
        def heard(change: Any) -> None:
            if self._writing != threading.get_ident():  # a person moved it, not `_follow`
                self.live.post(work, change.new)

        control.observe(heard, names="value")

    def _toggle(self) -> None:
        self.live.pause() if self.live.playing else self.live.play()

    def _moved(self, name: str, value: Any) -> None:
        if value != getattr(self.trainer.settings, name):
            self.live.set(**{name: value})

    def _choose(self, run: int) -> None:
        self.live.active = run
        self.live.refresh()

    def _scrub(self, step: int) -> None:
        if step != self.live.step_now:
            self.live.rewind(step)

    def _back(self) -> None:
        """To the latest snapshot before this step, again and again to the first."""
        steps = self.live.film.steps
        before = [step for step in steps if step < self.live.step_now]
        self.live.rewind(before[-1] if before else steps[0])

    # The still

    @property
    def png(self) -> bytes:
        """Digits and curves as one picture, which stays in the saved notebook."""
        runs = self.live.runs
        figure = plotting.Picture(figsize=(8.4, 3.6 * len(runs)), layout="constrained")
        grid = figure.add_gridspec(2 * len(runs), 2, height_ratios=[1.0, 1.2] * len(runs))
        for i, run in enumerate(runs):
            which = f"Run {i + 1}: " if len(runs) > 1 else ""
            for average, title in enumerate(_TITLES):
                axes = figure.add_subplot(grid[2 * i, average])
                axes.set_title(which + title, fontsize=9)
                plotting.show_digits(axes, self._draw(run, bool(average)), COLUMNS)
            pair = [figure.add_subplot(grid[2 * i + 1, column]) for column in range(2)]
            _fill(_prepare(pair), run, [m for m in self.live.marks if m.run in (None, i)])
        return plotting.png(figure)

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        bundle: dict[str, Any] = dict(super()._repr_mimebundle_(**kwargs) or {})
        still = base64.b64encode(self.png).decode("ascii")
        marks = " ".join(f"{_read(mark)}." for mark in self.live.marks)
        text = f"{self.sentence} {marks}".strip()
        return bundle | {"text/plain": text, "image/png": still}, {"image/png": {"alt": text}}


_TITLES = ("generator as it is now", "its average (EMA)")


def _digits(i: int) -> Any:
    cells = []
    for title in _TITLES:
        caption = ipywidgets.HTML(f"run {i + 1}: {title}")
        cells.append(ipywidgets.VBox([caption, _image("22.5em")]))
    return ipywidgets.HBox(cells, layout={"flex_flow": "row wrap"})


def _image(width: str) -> Any:
    layout = {"max_width": "100%", "width": width, "align_self": "flex-start"}
    return ipywidgets.Image(format="png", layout=layout)


def _pixels(images: Tensor, columns: int = COLUMNS, zoom: int = 2) -> bytes:
    """A mosaic as PNG, by hand: a twentieth of a figure's time, and there are many a second."""
    grey = (
        plotting.mosaic(images.nan_to_num(), columns).clamp(-1, 1).numpy() * 127.5 + 127.5
    ).astype(np.uint8)
    grey = grey.repeat(zoom, axis=0).repeat(zoom, axis=1)
    height, width = grey.shape
    rows = np.pad(grey, ((0, 0), (1, 0)))  # each row begins with its filter: none

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)  # 8 bits, grey
    body = chunk(b"IDAT", zlib.compress(rows.tobytes(), 1))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + body + chunk(b"IEND", b"")


def _sentence(run: Trainer) -> str:
    if run.judged is not None:
        loss, real, fake = run.judged
        return (
            f"Step {run.step:,}, D has moved and G has not: D(x) = {real:.2f}, "
            f"D(G(z)) = {fake:.2f}, D's loss {loss:.2f}."
        )
    if not run.history:
        return "Step 0: nothing is learned yet."
    event = run.history[-1]
    begin = f"Step {event.step:,}, epoch {event.epoch:.1f}, {event.elapsed:.0f} s"
    if event.d_real != event.d_real:  # NaN: G moved alone
        return f"{begin}: G has moved alone, G's loss {event.loss_generator:.2f}."
    return f"{begin}: D(x) = {event.d_real:.2f}, D(G(z)) = {event.d_fake:.2f}."


def _difference(first: Trainer, second: Trainer) -> str:
    one, two = asdict(first.settings), asdict(second.settings)
    parts = [
        f"{NAMES.get(name, name)} {_plain(one[name])} in run 1, {_plain(two[name])} in run 2"
        for name in one
        if one[name] != two[name]
    ]
    return f"They differ in {'; '.join(parts)}." if parts else "They do not differ in any setting."


def _plain(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _read(mark: Mark) -> str:
    named = replace(
        mark,
        name=NAMES.get(mark.name, mark.name),
        old=_plain(mark.old),
        new=_plain(mark.new),
    )
    return str(named)


class _Curves:
    """Curves of one or two runs; lines are moved, not drawn anew, which is much faster."""

    def __init__(self) -> None:
        self._runs = 0

    def draw(self, runs: list[Trainer], marks: list[Mark]) -> bytes:
        if len(runs) != self._runs:
            self._runs = len(runs)
            self._figure = plotting.Picture(figsize=(8.4, 2.5 * len(runs)))
            panels = self._figure.subplots(len(runs), 2, squeeze=False, sharey="col")
            self._figure.subplots_adjust(0.07, 0.5 / (2.5 * len(runs)), 0.99, 0.94, 0.16, 0.3)
            self._lines = [_prepare(list(pair)) for pair in panels]
        for i, (run, lines) in enumerate(zip(runs, self._lines, strict=True)):
            _fill(lines, run, [mark for mark in marks if mark.run in (None, i)])
        return plotting.png(self._figure)


def _prepare(pair: list[Axes]) -> dict[str, Any]:
    """Empty lines by the event's field, and what `_fill` needs."""
    lines: dict[str, Any] = {"pair": pair, "marks": []}
    for axes, real, fake, labels in (
        (pair[0], "d_real", "d_fake", ("D(x), real", "D(G(z)), fake")),
        (pair[1], "loss_discriminator", "loss_generator", ("D's loss", "G's loss")),
    ):
        (lines[real],) = axes.plot([], [], color=plotting.REAL, label=labels[0])
        (lines[fake],) = axes.plot([], [], color=plotting.FAKE, linestyle="--", label=labels[1])
        axes.legend(fontsize=8, loc="upper left")
        plotting.tidy(axes)
        axes.set_xlabel("step", fontsize=9)
    pair[0].axhline(0.5, color=plotting.JUDGE, linewidth=0.8, linestyle=":")
    pair[0].set_ylim(0, 1)
    return lines


def _fill(lines: dict[str, Any], run: Trainer, marks: list[Mark]) -> None:
    every = max(len(run.history) // 500, 1)
    history = run.history
    steps = [event.step for event in history][::every]
    for name in ("d_real", "d_fake", "loss_discriminator", "loss_generator"):
        values = plotting.smooth([getattr(event, name) for event in history], 25)
        lines[name].set_data(steps, values[::every])
    for artist in lines["marks"]:
        artist.remove()
    lines["marks"] = []
    probability, loss = lines["pair"]
    loss.relim()
    loss.autoscale_view(scalex=False)
    for axes in (probability, loss):
        axes.set_xlim(0, max(run.step, 1))
        for step in {mark.step for mark in marks}:
            letters = ",".join(mark.letter for mark in marks if mark.step == step)
            line = axes.axvline(step, color=plotting.JUDGE, linewidth=1, linestyle="-.")
            text = axes.text(
                step, 1, letters, transform=axes.get_xaxis_transform(), ha="center", va="bottom"
            )
            lines["marks"] += [line, text]
