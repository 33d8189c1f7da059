"""The live panel of any method: settings move while it trains, and any step can be undone."""

import time
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import partial
from html import escape
from pathlib import Path
from typing import Any

import ipywidgets
import torch
from torch import Tensor

from gan_lessons import plotting
from gan_lessons.errors import UserError
from gan_lessons.methods import RECIPES
from gan_lessons.training import (
    Settings,
    Trainer,
    check_setting,
    checkpoint,
    describe,
    method_of,
    read_checkpoint,
)
from gan_lessons.widgets.canvas import Canvas
from gan_lessons.widgets.controls import (
    WHOLE,
    WriteGuard,
    button,
    make_control,
    refuse_outside,
    row,
)
from gan_lessons.widgets.live import SPEEDS, Live
from gan_lessons.widgets.panel_curves import Curves, RunCurves
from gan_lessons.widgets.panel_words import (
    charts_of,
    columns_of,
    difference,
    mark_text,
    run_sentence,
)
from gan_lessons.widgets.snapshots import Mark
from gan_lessons.widgets.still import Panel

DIGITS, COLUMNS = 24, 8
THUMBNAIL = 3  # digits of a filmstrip's frame
CURVES = 1.0  # seconds between two drawings of the curves, at least
ENDLESS: dict[str, Any] = {"steps": None, "seconds": None, "lr_decay": "none"}
MAIN = ("lr_discriminator", "lr_generator", "objective", "discriminator_steps")
AT_HAND = 4  # settings beside the picture; all others are folded
TITLES = ("as it is now", "its average (EMA)")
SHORT = {"discriminator": "D", "generator": "G"}  # names of turns on buttons


class TrainingPanel(Panel):
    """Train what draws pictures, and move every setting while it trains.

    Without a browser `step`, `set`, `rewind`, `branch` do what a learner's hand would do.

    Args:
        samples: real images in [−1, 1], grey (N, 1, h, w) or coloured (N, 3, h, w).
        settings: how to begin, of any method. The run has no end and its rates stay what you set,
            whatever the settings say of steps, seconds and lr_decay.
        labels: the samples' classes (N,), for a method that is told them.
        megabytes: memory for snapshots; the filmstrip gets sparser rather than exceed it.

    Attributes: ``live`` (the `Live` that drives it), ``controls`` (by setting), ``sentence``.

    Raises:
        UserError: samples that are no pictures, or that the method cannot take.
    """

    def __init__(
        self,
        samples: Tensor,
        settings: Settings = RECIPES["dcgan"],
        *,
        labels: Tensor | None = None,
        megabytes: float = 100.0,
    ) -> None:
        _refuse_no_pictures(samples)
        method_of(settings)
        self.samples = samples
        self.labels = labels
        trainer = Trainer(samples, replace(settings, **ENDLESS), labels=labels)
        self.controls = _controls(type(settings))
        self._guard = WriteGuard()
        self.live: Live[Trainer] = Live(
            trainer,
            self._show,
            megabytes=megabytes,
            frames=5,
            share=0.15,
            thumbnail=self._thumbnail,
        )
        self._curves = Curves()
        self._curves_at = -10.0
        self._curves_cost = 0.0
        self._strip_steps: list[int] = []
        super().__init__(self._build())
        for name, moved in self.controls.items():
            self._on(moved, partial(self._moved, name))
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
            check_setting(type(self.trainer.settings), name, value)
            if name in self.controls:
                refuse_outside(name, self.controls[name], value)
        self.live.set(**settings)

    def rewind(self, step: int) -> None:
        """Go back to the snapshot of a step (``panel.live.snapshots.steps`` has them all).

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
        there = Path(path).resolve()
        made = "" if there.parent.exists() else f" The folder {there.parent} is new."
        self.trainer.save(path, panel=self.live.album())
        size = there.stat().st_size / 1e6
        self.live.error = None
        self.live.message = (
            f"Saved step {self.trainer.step:,}, its marks and its filmstrip as {path}, that is "
            f"{there} ({size:.3g} MB).{made}"
        )
        self.live.refresh()

    def resume(self, path: str | Path) -> None:
        """Go on from a checkpoint, also one that another kernel wrote.

        Raises:
            UserError: no such file, not a checkpoint, of another method or of other data.
        """
        saved = read_checkpoint(path)
        method, own = saved["method"], self.trainer.method.name
        if method != own:
            raise UserError(f"{path} is a run of the method {method!r}; this panel moves {own!r}.")
        trainer = Trainer.load(path, self.samples, labels=self.labels)
        trainer.change(**ENDLESS)
        with checkpoint.blaming(path):
            self.live.reopen(trainer, saved.get("panel", {}))
        self.live.message = f"Resumed at step {trainer.step:,} from {path}."
        self.live.refresh()

    def close(self) -> None:
        """Stop for good; no task stays behind."""
        if hasattr(self, "live"):  # else its samples were refused, and it never began
            self.live.close()
        super().close()

    # The picture

    def _draw(self, run: Trainer, ema: bool, n: int = DIGITS) -> Tensor:
        return run.sample(run.inputs(n, seed=1), ema)

    def _thumbnail(self, run: Trainer) -> Tensor:
        return self._draw(run, ema=True, n=THUMBNAIL)

    def _show(self) -> str:
        """Digits at every call; curves, which cost more, more seldom while playing."""
        live = self.live
        with self._guard.writing():
            self._follow()
        for i, shown in enumerate(self._rows):
            shown.layout.display = None if i < len(live.runs) else "none"
        for run, canvases in zip(live.runs, self._digits, strict=False):
            for ema, canvas in enumerate(canvases):
                canvas.show_tiles(self._draw(run, bool(ema)), COLUMNS)
        began = time.perf_counter()
        wait = max(CURVES, self._curves_cost / 0.05)
        if not live.playing or began - self._curves_at >= wait:
            drawn = [(columns_of(r), r.step, self._marks_of(i)) for i, r in enumerate(live.runs)]
            self._curves_image.value = self._curves.draw(charts_of(live.runs[0]), drawn)
            self._curves_at = time.perf_counter()
            self._curves_cost = self._curves_at - began
            self._list_marks()
        said = [run_sentence(run) for run in live.runs]
        if len(live.runs) > 1:
            said = [f"Run {i + 1}: {text}" for i, text in enumerate(said)]
            said.append(difference(*live.runs))
        return " ".join(said)

    def _marks_of(self, run: int) -> list[Mark]:
        return [mark for mark in self.live.marks if mark.run in (None, run)]

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
        self._follow_snapshots()

    def _follow_snapshots(self) -> None:
        live, kept = self.live, self.live.snapshots
        steps = kept.steps
        if steps != self._strip_steps:
            self._strip_steps = steps
            self._strip.options = [(f"step {step:,}", step) for step in steps]
            frames = [snapshot.thumbnail for snapshot in kept.kept]
            by_digit = torch.stack(frames, dim=1).flatten(0, 1)  # a row for each digit
            self._strip_canvas.layout.width = f"{min(46, 4 * len(frames))}em"
            self._strip_canvas.show_tiles(by_digit, len(frames), "filmstrip")
            self._memory.value = (
                f"Filmstrip: {THUMBNAIL} digits of the average at each of {len(steps)} snapshots, "
                f"the oldest on the left ({kept.megabytes:.3g} MB of at most "
                f"{kept.limit:.3g} MB). Rewind goes to the latest one before this step; the "
                "slider, while paused, goes to any."
            )
        here = max((step for step in steps if step <= live.step_now), default=steps[0])
        if self._strip.value != here:
            self._strip.value = here
        self._strip.disabled = live.playing

    def _list_marks(self) -> None:
        items = "".join(
            f"<li>{escape(mark_text(mark, type(self.trainer.settings)))}</li>"
            for mark in self.live.marks[-8:]
        )
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
        steps = [does("Step", self.live.step)]
        for turn in self.trainer.method.turns:
            short = SHORT.get(turn, turn)
            steps.append(does(f"Step {short}", partial(self.live.half_step, turn)))
        self.speed = ipywidgets.Dropdown(
            options=list(SPEEDS.items()), value=0, description="speed", tooltip="How fast Play goes"
        )
        self.speed.style.description_width = "initial"
        self.speed.layout.width = "15em"
        self._on(self.speed, self.live.go)
        branch = row(self._which, *self._keep_buttons)
        main, more = self._grids()
        fold = ipywidgets.ToggleButton(
            description="More settings", tooltip="Whatever else can change", icon="caret-right"
        )
        self._on(fold, lambda seen: setattr(more.layout, "display", "grid" if seen else "none"))
        self._digits = [
            [_canvas("22.5em", f"run {i + 1}: {title}") for title in TITLES] for i in range(2)
        ]
        self._rows = [_captioned(canvases) for canvases in self._digits]
        self._curves_image = ipywidgets.Image(format="png", layout=_layout("46em"))
        self._marks = ipywidgets.HTML()
        self._strip = ipywidgets.SelectionSlider(
            options=[0], description="go back to", continuous_update=False
        )
        self._strip.style.description_width = "initial"
        self._strip.layout.width = "min(100%, 34em)"
        self._on(self._strip, self._scrub)
        self._strip_canvas = _canvas("46em", "filmstrip")
        self._memory = ipywidgets.HTML()
        self._file = ipywidgets.Text(value="runs/panel.pt", description="file")
        file = row(
            self._file,
            does("Save", lambda: self.save(self._file.value)),
            does("Resume", lambda: self.resume(self._file.value)),
        )
        back = row(self._strip, does("Rewind", self._back))
        strip = [back, self._strip_canvas, self._memory]
        picture = [self.live.line, *self._rows, self._curves_image, self._marks]
        top = row(self._play, self.speed)
        moves = row(*steps, self._branch_button, fold)
        parts = [top, main, moves, more, branch, *picture, *strip, file, self.live.presence]
        return parts

    def _grids(self) -> tuple[Any, Any]:
        """What one needs at hand, and all else."""
        for control in self.controls.values():
            if hasattr(control, "refuse"):
                control.refuse = self.live.refuse
        names = sorted(self.controls, key=lambda name: name not in MAIN)[:AT_HAND]
        columns = {"grid_template_columns": "repeat(auto-fill, minmax(min(100%, 20em), 1fr))"}
        main = [self.controls[name] for name in names]
        more = [control for name, control in self.controls.items() if name not in names]
        return (
            ipywidgets.GridBox(main, layout=columns),
            ipywidgets.GridBox(more, layout=columns | {"display": "none"}),
        )

    def _button(self, text: str, work: Callable[[], Any]) -> Any:
        return button(text, lambda: self.live.post(work))

    def _on(self, control: Any, act: Callable[[Any], None]) -> None:
        self._guard.observe(control, lambda value: self.live.post(act, value))

    def _toggle(self) -> None:
        if self.live.playing:
            self.live.pause()
        else:
            self.live.play()

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
        steps = self.live.snapshots.steps
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
            for ema, title in enumerate(TITLES):
                axes = figure.add_subplot(grid[2 * i, ema])
                axes.set_title(which + title, fontsize=9)
                plotting.show_digits(axes, self._draw(run, bool(ema)), COLUMNS)
            charts = charts_of(run)
            below = grid[2 * i + 1, :].subgridspec(1, len(charts))
            places = [figure.add_subplot(below[j]) for j in range(len(charts))]
            RunCurves(charts, places).update(columns_of(run), run.step, self._marks_of(i))
        return plotting.png(figure)

    def _alt_text(self) -> str:
        marks = " ".join(
            f"{mark_text(mark, type(self.trainer.settings))}." for mark in self.live.marks
        )
        return f"{self.sentence} {marks}".strip()


def _refuse_no_pictures(samples: Any) -> None:
    if not isinstance(samples, Tensor) or samples.dim() != 4 or samples.shape[1] not in (1, 3):
        given = tuple(samples.shape) if isinstance(samples, Tensor) else type(samples).__name__
        raise UserError(
            "The panel shows pictures: give images of shape (N, 1, h, w) or (N, 3, h, w), "
            f"not {given}."
        )


def _captioned(canvases: list[Canvas]) -> Any:
    cells = [ipywidgets.VBox([ipywidgets.HTML(each.label), each]) for each in canvases]
    return ipywidgets.HBox(cells, layout={"flex_flow": "row wrap"})


def _canvas(width: str, label: str) -> Canvas:
    return Canvas(zoom=2, label=label, layout=_layout(width))


def _layout(width: str) -> dict[str, str]:
    return {"max_width": WHOLE, "width": width, "align_self": "flex-start", "margin": "2px"}


def _controls(settings: type[Settings]) -> dict[str, Any]:
    """Those of the settings that have a group and can change, the method's own first."""
    shown = [s for s in describe(settings).values() if s.group and not s.fixed]
    shown.sort(key=lambda setting: setting.name in describe(Settings))
    return {s.name: make_control(s, label_width="9em", width="97%") for s in shown}
