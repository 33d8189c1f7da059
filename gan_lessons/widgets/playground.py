"""The playground: a GAN in the plane that trains before your eyes, with everything to be moved.

A `Playground` works the same without a browser: ``panel.step(100)``, ``panel.set(noise_scale=2)``.
"""

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from functools import partial
from typing import Any

import ipywidgets

from gan_lessons import plane, plotting
from gan_lessons.errors import UserError
from gan_lessons.plane import Plan, PlaneTrainer, Score
from gan_lessons.training import check_setting, describe
from gan_lessons.widgets.controls import WriteGuard, button, make_control, row, typed
from gan_lessons.widgets.drawings import DRAWINGS, parsed_points
from gan_lessons.widgets.live import Live
from gan_lessons.widgets.plane_canvas import (
    FIELDS,
    LINES,
    VIEWS,
    PlaneCanvas,
    View,
    array_bytes,
    covers,
    curve_data,
    packed,
    still,
)
from gan_lessons.widgets.playground_controls import SETTINGS, refuse_off_slider, setting_groups
from gan_lessons.widgets.playground_words import LatestMove, run_sentence, run_titles
from gan_lessons.widgets.snapshots import Snapshot
from gan_lessons.widgets.still import Panel

# To compare two runs, these have to be the same in both.
SHARED = ("data", "points", "batch_size", "seed")


def playground(**settings: Any) -> "Playground":
    """A GAN in the plane, to be trained and changed by hand.

    Args:
        **settings: first values, of `plane.Plan` and of the views (``arrows=True``, ``field=…``).

    Raises:
        UserError: no such setting, or a value that it cannot take.
    """
    return Playground(**settings)


class Playground(Panel):
    """What `playground` returns. Every button is a method as well.

    Attributes: ``live`` (the loop; `gan_lessons.widgets.live`), ``controls`` and ``views`` (by
    name), ``sentence``, ``scores`` (of the run that the controls move).
    """

    def __init__(self, **settings: Any) -> None:
        plan_names = {field.name for field in fields(Plan)}
        first = Plan(**{name: settings[name] for name in settings if name in plan_names})
        self.controls = {
            name: make_control(setting, label_width="11em", width="27em")
            for name, setting in SETTINGS.items()
        }
        self.views = {
            name: ipywidgets.Checkbox(
                name not in ("arrows", "grid"), description=text, indent=False
            )
            for name, text in VIEWS.items()
        }
        self.field = ipywidgets.Dropdown(options=list(FIELDS.items()), description="background")
        self._settings_shown: Plan | None = None  # by the controls
        self._drawn_runs: list[View] = []
        self._latest_move = LatestMove()
        self._strokes: list[plane.Point] = []
        self._guard = WriteGuard()
        self.canvases = [PlaneCanvas(), PlaneCanvas()]
        self._make_buttons()
        self.words = ipywidgets.HTML()
        for name in settings:
            if name in plan_names:
                refuse_off_slider(name, settings[name])
        self._set_views({name: settings[name] for name in settings if name not in plan_names})
        self.live = Live(PlaneTrainer(first), self._show, share=0.15, frames=24)
        super().__init__(self._laid_out())
        self._listen()
        self.live.refresh()

    # Without a browser

    @property
    def trainer(self) -> PlaneTrainer:
        """The run that the controls move."""
        return self.live.run

    @property
    def runs(self) -> list[PlaneTrainer]:
        """One run, or two side by side."""
        return self.live.runs

    @property
    def settings(self) -> Plan:
        """The settings of the run that the controls move."""
        plan: Plan = self.trainer.settings
        return plan

    @property
    def scores(self) -> list[Score]:
        """Measurements of the run that the controls move, and one of now."""
        now = self.trainer.score()
        return [score for score in self.trainer.scores if score.step != now.step] + [now]

    @property
    def sentence(self) -> str:
        """What the picture shows, in words."""
        return self.live.sentence

    def step(self, n: int = 1) -> None:
        """Train n whole steps; see `Live.step`."""
        self.live.step(n)

    def step_d(self) -> None:
        """D's half of a step."""
        self.live.half_step("discriminator")

    def step_g(self) -> None:
        """G's half of a step."""
        self.live.half_step("generator")

    def play(self) -> None:
        """Train until `pause`."""
        self.live.play()

    def pause(self) -> None:
        """Stop, with everything kept."""
        self.live.pause()

    def rewind(self, step: int) -> None:
        """Go back to a kept snapshot; ``panel.live.snapshots.steps`` lists them."""
        self.live.rewind(step)

    def keep(self, run: int) -> None:
        """Go on with run 1 or 2 alone."""
        if run not in (1, 2):
            raise UserError(f"run is {run!r}; choose 1 or 2.")
        self.live.keep(run - 1)

    def set(self, **values: Any) -> None:
        """Change settings and views, as a learner's hand would.

        What a run is built with (data, noise, networks, seed …) starts a new run;
        with two runs side by side both start again from the seed.

        Raises:
            UserError: no such setting, or a value that it cannot take; nothing is changed.
        """
        views = {name: value for name, value in values.items() if name in (*VIEWS, "field")}
        rest = {name: value for name, value in values.items() if name not in views}
        for name, value in rest.items():
            check_setting(Plan, name, value)
            refuse_off_slider(name, value)
        replace(self.settings, **rest)  # refuse before anything is changed
        self._set_views(views)
        if any(
            describe(Plan)[name].fixed and value != getattr(self.settings, name)
            for name, value in rest.items()
        ):
            self._restart(rest)
        elif rest:
            self.live.set(**rest)
        else:
            self.live.refresh()

    def branch(self, **settings: Any) -> None:
        """A second run beside the first, from here; it differs in these settings only.

        If one of them is what a run is built with, both start from the seed instead.

        Raises:
            UserError: there are two already, or a setting is refused.
        """
        for name, value in settings.items():
            check_setting(Plan, name, value)
            refuse_off_slider(name, value)
        if len(self.runs) == 1 and any(describe(Plan)[name].fixed for name in settings):
            self._start_two(self.settings, replace(self.settings, **settings))
        else:
            self.live.branch(**settings)

    def reset(self) -> None:
        """Start the run, or both, again from the seed."""
        self._restart({})

    def draw(self, points: Any) -> None:
        """Train on your own data: points (x, y) in the plane.

        Raises:
            UserError: no points, too many, or outside the plane.
        """
        self.set(data="drawn", points=plane.checked_points(points))

    @property
    def png(self) -> bytes:
        """The picture as it is now, for the saved notebook."""
        return plotting.png(
            still(self.runs, self._views(), self.field.value, run_titles(self.runs))
        )

    def _alt_text(self) -> str:
        return self.sentence

    def _plain_text(self) -> str:
        default = Plan()
        special = [
            f"{f.name} = {value}"
            for f in fields(Plan)
            if f.name != "points"
            and (value := getattr(self.settings, f.name)) != getattr(default, f.name)
        ]
        return f"playground, step {self.trainer.step}: {', '.join(special) or 'the defaults'}"

    # Controls

    def _make_buttons(self) -> None:
        def does(text: str, tip: str, action: Callable[..., Any], *args: Any) -> Any:
            return button(text, lambda: self.live.post(action, *args), tip)

        self.buttons = {
            "play": does("Play", "train until Pause", self._play_or_pause),
            "step": does("Step", "one step: D's half, then G's", self.step),
            "step_d": does("Step D", "the discriminator's half of a step", self.step_d),
            "step_g": does("Step G", "the generator's half of a step", self.step_g),
            "reset": does("Reset", "start again from the seed", self.reset),
            "branch": does("Branch", "a second run; controls then move run 2", self.branch),
        }
        for run in (1, 2):
            self.buttons |= {
                f"run{run}": does(
                    f"Controls move run {run}", "which run they move", self._move_run, run
                ),
                f"keep{run}": does(
                    f"Keep run {run}", f"go on with run {run} alone", self.keep, run
                ),
            }
        wide = {"description_width": "initial"}
        self.slow = ipywidgets.FloatSlider(
            0, min=0, max=5, step=0.5, description="slow motion: s per half-step (0: off)",
            style=wide, layout={"width": "30em"}, continuous_update=False,
        )  # fmt: skip
        self.rewinder = ipywidgets.SelectionSlider(
            options=[0], description="rewind to step", style=wide,
            layout={"width": "24em"}, continuous_update=False,
        )  # fmt: skip
        self.pen = ipywidgets.ToggleButton(
            description="Draw your own data", layout={"width": "auto"}
        )
        self.typed = ipywidgets.Text(
            placeholder="0, 0; 1, 0.5; -1, 1", description="or type points x, y;", style=wide,
            continuous_update=False,
        )  # fmt: skip
        self.preset = ipywidgets.Dropdown(
            options=["–", *DRAWINGS], description="or load a drawing", style=wide
        )

    def _laid_out(self) -> list[Any]:
        b = self.buttons
        self._two = row(b["run1"], b["run2"], b["keep1"], b["keep2"])
        groups = [
            ipywidgets.VBox(
                [
                    ipywidgets.HTML(f"<b>{title}</b>"),
                    *(typed(self.controls[each.name], self.live.refuse) for each in settings),
                ]
            )
            for title, settings in setting_groups().items()
        ]
        seen = ipywidgets.VBox(
            [ipywidgets.HTML("<b>What is shown</b>"), self.field, *self.views.values()]
        )
        self._canvas_row = row(self.canvases[0])
        return [
            row(*(b[name] for name in ("play", "step", "step_d", "step_g", "reset", "branch"))),
            row(self.slow, self.rewinder),
            self._two,
            self._canvas_row,
            self.live.line,
            self.words,
            row(self.pen, self.typed, self.preset),
            ipywidgets.Box(
                [*groups, seen], layout={"flex_flow": "row wrap", "align_items": "flex-start"}
            ),
            self.live.presence,
        ]

    def _listen(self) -> None:
        for name, moved in self.controls.items():
            self._on(moved, partial(self._moved, name))
        for view in (*self.views.values(), self.field):
            self._on(view, lambda value: self.live.refresh())
        self._on(self.rewinder, self._go_back)
        self._on(self.slow, lambda value: setattr(self.live, "slow", value))
        self._on(self.pen, self._take_pen)
        self._on(self.typed, lambda text: self.draw(parsed_points(text)) if text else None)
        self._on(
            self.preset, lambda name: self.draw(DRAWINGS[name]()) if name in DRAWINGS else None
        )
        for canvas in self.canvases:
            canvas.on_msg(lambda _, content, buffers: self.live.post(self._stroke, content))

    def _on(self, control: Any, act: Callable[[Any], Any]) -> None:
        self._guard.observe(control, lambda value: self.live.post(act, value))

    def _play_or_pause(self) -> None:
        if self.live.playing:
            self.pause()
        else:
            self.play()

    def _move_run(self, run: int) -> None:
        self.live.active = run - 1
        self.live.refresh()

    def _moved(self, name: str, value: Any) -> None:
        try:
            if name == "data" and value == "drawn" and not self.settings.points:
                raise UserError("Nothing is drawn yet: draw, type points or load a drawing.")
            self.set(**{name: value})
        except UserError:
            self._settings_shown = None  # the control goes back to what holds
            raise

    def _go_back(self, step: int) -> None:
        if step != self.live.step_now:
            self.rewind(step)

    def _take_pen(self, taken: bool) -> None:
        if taken:
            self.live.pause()
            self.live.message = "Draw on the plane; a new run starts with every stroke."
        self._strokes = []
        self.live.refresh()

    def _stroke(self, content: Mapping[str, Any]) -> None:
        stroke = plane.checked_points(content.get("stroke", []))
        self._strokes = [*self._strokes, *stroke]
        self.draw(self._strokes)

    def _set_views(self, values: Mapping[str, Any]) -> None:
        for name, value in values.items():
            if name == "field":
                if value not in FIELDS.values():
                    raise UserError(f"field is {value!r}; choose one of D, best, nothing.")
            elif name not in VIEWS:
                known = ", ".join([field.name for field in fields(Plan)] + [*VIEWS, "field"])
                raise UserError(f"There is no setting {name!r}; the settings are {known}.")
            elif not isinstance(value, bool):
                raise UserError(f"{name} is {value!r}; choose True or False.")
        self._write({self.field if n == "field" else self.views[n]: v for n, v in values.items()})

    def _views(self) -> dict[str, bool]:
        return {name: control.value for name, control in self.views.items()}

    def _write(self, values: Mapping[Any, Any]) -> None:
        """Move controls without taking it for the learner's hand."""
        with self._guard.writing():
            for control, value in values.items():
                if control.value != value:
                    control.value = value

    # Starting over

    def _restart(self, changes: Mapping[str, Any]) -> None:
        playing, active = self.live.playing, self.live.active
        plans = [
            replace(
                run.settings, **{n: v for n, v in changes.items() if n in SHARED or i == active}
            )
            for i, run in enumerate(self.runs)
        ]
        if len(plans) == 1:
            self.live.reset(PlaneTrainer(plans[0]))
        else:
            self._start_two(*plans)
            self.live.active = active
        self.live.message = "A new run."
        if playing:
            self.live.play()
        else:
            self.live.refresh()

    def _start_two(self, first: Plan, second: Plan) -> None:
        self.live.reset(PlaneTrainer(first))
        self.live.branch()
        self.live.runs[1] = PlaneTrainer(second)  # the same seed, other networks or noise
        states = [run.state() for run in self.live.runs]
        self.live.snapshots.kept = [Snapshot(0, states, [])]
        self.live.message = "Two runs from the seed: controls now move run 2."
        self.live.refresh()

    # What is seen

    def _show(self) -> str:
        runs = self.runs
        views = self._views()
        if [view.trainer for view in self._drawn_runs] != runs:
            self._drawn_runs = [View(run) for run in runs]
            self._latest_move = LatestMove()
        # While playing the latest measurement will do: one for each picture would slow it down.
        scores = [run.scores[-1] if self.live.playing else run.score() for run in runs]
        sentences = [run_sentence(run, score) for run, score in zip(runs, scores, strict=True)]
        for i, view in enumerate(self._drawn_runs):
            self._draw(i, view, views, scores[i])
            if not self.live.playing:  # a screen reader is not interrupted all the time
                self.canvases[i].label = sentences[i]
        self._canvas_row.children = self.canvases[: len(runs)]
        self._show_settings()
        self._show_buttons()
        self.words.value = self._latest_move.words(self.trainer, self.live.last)
        if len(runs) == 1:
            return sentences[0]
        return " ".join(f"Run {i}: {sentence}" for i, sentence in enumerate(sentences, 1))

    def _draw(self, index: int, view: View, views: dict[str, bool], score: Score) -> None:
        canvas = self.canvases[index]
        trainer = view.trainer
        arrays = array_bytes(view.arrays(views, self.field.value))
        marks = [[m.letter, m.step] for m in self.live.marks if m.run in (None, index)]
        with canvas.hold_sync():
            for name, value in arrays.items():
                setattr(canvas, name, value)
            if views["curves"]:
                canvas.curves = packed(*curve_data(trainer, score))
            canvas.charts = views["curves"]
            canvas.marks = marks
            canvas.lines = 0 if trainer.settings.latent_dim == 1 else LINES
            canvas.dense = trainer.settings.latent_dim == 2
            canvas.floor = trainer.coverage.floor[0]
            canvas.covers = covers(trainer)
            canvas.title = run_titles(self.runs)[index]
            canvas.narrow = len(self.runs) > 1
            canvas.drawing = self.pen.value

    def _show_settings(self) -> None:
        settings = self.settings
        if settings is not self._settings_shown:
            self._write({self.controls[name]: getattr(settings, name) for name in self.controls})
            self._settings_shown = settings
        if self.live.slow != self.slow.value:
            self._write({self.slow: self.live.slow})

    def _show_buttons(self) -> None:
        live, b = self.live, self.buttons
        b["play"].description = "Pause" if live.playing else "Play"
        b["branch"].disabled = len(live.runs) > 1
        self._two.layout.display = "flex" if len(live.runs) > 1 else "none"
        for i, run in enumerate(("run1", "run2")):
            b[run].button_style = "info" if live.active == i else ""
        steps = live.snapshots.steps
        if live.playing and steps[-1] < self.rewinder.options[-1] + 500:
            return  # while playing the slider follows from time to time
        near = max((step for step in steps if step <= live.step_now), default=steps[0])
        with self._guard.writing():
            if tuple(self.rewinder.options) != tuple(steps):
                self.rewinder.options = steps
            self.rewinder.value = near
