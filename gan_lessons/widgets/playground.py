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
from gan_lessons.widgets.controls import WriteGuard, row
from gan_lessons.widgets.drawings import DRAWINGS, parsed_points
from gan_lessons.widgets.help import Help
from gan_lessons.widgets.live import SPEEDS, Live
from gan_lessons.widgets.plane_canvas import (
    FIELDS,
    VIEWS,
    PlaneCanvas,
    View,
    still,
)
from gan_lessons.widgets.playground_controls import (
    CHOICES,
    MAIN,
    SETTINGS,
    UNTIL,
    check_views,
    plan_control,
    reason_to_pause,
    refuse_off_slider,
)
from gan_lessons.widgets.playground_layout import (
    choices,
    folded,
    main_part,
    make_buttons,
    make_views,
    own_data,
    rewind_slider,
    tips,
)
from gan_lessons.widgets.playground_stories import STORIES, Guide
from gan_lessons.widgets.playground_words import LatestMove, plan_words, run_sentence, run_titles
from gan_lessons.widgets.still import Panel

# To compare two runs, these have to be the same in both.
SHARED = ("data", "points", "batch_size", "seed")
MOVING = "The run goes on; the sentence beside it says what is seen."


def playground(**settings: Any) -> "Playground":
    """A GAN in the plane, to be trained and changed by hand.

    Args:
        **settings: first values, of `plane.Plan` and of the views (``arrows=True``, ``field=…``),
            ``speed`` (steps a second: 1, 10, 50, 200, 0: as fast as it goes, "slow": half-steps,
            told in words) and ``until``, when playing ends ("paused": you say, "covered":
            all modes are, "collapsed", "500 more").

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
        self.controls = {name: plan_control(setting) for name, setting in SETTINGS.items()}
        self.views = make_views()
        self.field = choices("background", FIELDS, "D", "What the plane is coloured by. Lesson 04.")
        self.speed = choices("speed", SPEEDS, 50, "How fast Play goes. Lesson 04.")
        self.until = choices("play until", UNTIL, "paused", "When Play ends by itself. Lesson 04.")
        self.rewinder = rewind_slider()
        self.pen, self.typed, self.preset = own_data()
        self._story = ipywidgets.HTML()
        self._settings_shown: Plan | None = None  # by the controls
        self._drawn_runs: list[View] = []
        self._latest_move = LatestMove()
        self._strokes: list[plane.Point] = []
        self._played_from = 0
        self._guard = WriteGuard()
        room = {"flex": "1 1 0", "min_width": "min(100%, 15rem)", "width": "auto"}
        self.canvases = [PlaneCanvas(layout=room), PlaneCanvas(layout=room)]
        self.guide = Guide(self._point_at)
        actions = self._actions()
        self.buttons = make_buttons(lambda name: self.live.post(actions[name]))
        for name in settings:
            if name in plan_names:
                refuse_off_slider(name, settings[name])
        self._set_views({name: settings[name] for name in settings if name not in plan_names})
        self.live = Live(PlaneTrainer(first), self._show, share=0.15, frames=60)
        self.live.until = self._reason_to_pause
        self.live.go(self.speed.value)
        super().__init__(self._laid_out())
        self.add_class("gan-playground")
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
        """Train until `pause`, or what ``until`` says."""
        self._played_from = self.trainer.step
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
        views = {name: value for name, value in values.items() if name in (*VIEWS, *CHOICES)}
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
            playing = self.live.playing
            self._start_two(self.settings, replace(self.settings, **settings))
            if playing:
                self.play()
        else:
            self.live.branch(**settings)

    def reset(self) -> None:
        """Start the run, or both, again from the seed."""
        self._restart({})

    def story(self, name: str) -> None:
        """Begin one of the `STORIES` with a new run.

        Raises:
            UserError: there is no such story.
        """
        if name not in STORIES:
            raise UserError(f"There is no story {name!r}; choose one of {', '.join(STORIES)}.")
        own = STORIES[name].settings
        self._set_views({"arrows": bool(own.get("arrows"))})
        self.live.reset(PlaneTrainer(Plan(**{n: v for n, v in own.items() if n not in VIEWS})))
        self.live.message = f"The story is {name}."
        self._story.value = (
            f"<b>{name}</b>: {STORIES[name].words} In Python: "
            f"<code style='user-select: all'>{STORIES[name].python}</code>"
        )
        self.live.refresh()

    def close(self) -> None:
        """Stop for good, and let go of the runs."""
        if hasattr(self, "live"):  # else a setting was refused, and it never began
            self.live.close()
            self._drawn_runs, self._latest_move = [], LatestMove()
        super().close()

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
        return f"playground, step {self.trainer.step}: {plan_words(self.settings)}"

    # Controls

    def _actions(self) -> dict[str, Callable[[], Any]]:
        """What each button does."""
        actions: dict[str, Callable[[], Any]] = {
            "play": self._play_or_pause,
            "step": self.step,
            "step_d": self.step_d,
            "step_g": self.step_g,
            "reset": self.reset,
            "branch": self.branch,
            "guide": self._guided,
        }
        actions |= {name: partial(self._begin_story, name) for name in STORIES}
        for run in (1, 2):
            actions[f"run{run}"] = partial(self._move_run, run)
            actions[f"keep{run}"] = partial(self.keep, run)
        return actions

    def _laid_out(self) -> list[Any]:
        b = self.buttons
        self._two = row(b["run1"], b["run2"], b["keep1"], b["keep2"])
        wrap = {"width": "100%", "flex_flow": "row wrap"}
        self._canvas_row = ipywidgets.HBox(self.canvases[:1], layout=wrap)
        told = [*self.controls.values(), *b.values(), *self.views.values(), self.field]
        told += [self.speed, self.until, self.rewinder]
        moves = row(*(b[name] for name in ("step", "step_d", "step_g", "reset", "branch")))
        main = main_part(
            [
                row(b["play"], b["guide"]),
                self.speed,
                self.until,
                *(self.controls[name] for name in MAIN),
            ],
            Help(tips=tips(told)),
            [self._two, self._canvas_row],
            [moves, self.rewinder, self.live.line],
        )
        self.folds, folds = folded(
            [self.field, *self.views.values()],
            [row(*(b[name] for name in STORIES)), self._story],
            row(self.pen, self.typed, self.preset),
            self.controls,
        )
        return [self.guide, main, *folds, self.live.presence]

    def _listen(self) -> None:
        for name, moved in self.controls.items():
            self._on(moved, partial(self._moved, name))
            if hasattr(moved, "refuse"):
                moved.refuse = self.live.refuse
        for view in (*self.views.values(), self.field):
            self._on(view, lambda value: self.live.refresh())
        self._on(self.rewinder, self._go_back)
        self._on(self.speed, self.live.go)
        self._on(self.until, lambda value: self._count_from_here())
        self._on(self.pen, self._take_pen)
        self._on(self.typed, lambda text: self.draw(parsed_points(text)) if text else None)
        self._on(
            self.preset, lambda name: self.draw(DRAWINGS[name]()) if name in DRAWINGS else None
        )
        for canvas in self.canvases:
            canvas.on_msg(lambda _, content, buffers: self.live.post(self._stroke, content))
            self._guard.observe(
                canvas, lambda index: self.live.post(self.live.refresh), trait="chosen"
            )

    def _on(self, control: Any, act: Callable[[Any], Any]) -> None:
        self._guard.observe(control, lambda value: self.live.post(act, value))

    def _play_or_pause(self) -> None:
        if self.live.playing:
            self.pause()
        else:
            self.play()

    def _count_from_here(self) -> None:
        self._played_from = self.trainer.step

    def _reason_to_pause(self) -> str:
        return reason_to_pause(self.until.value, self.trainer, self._played_from)

    def _begin_story(self, name: str) -> None:
        self.story(name)
        self.play()

    def _guided(self) -> None:
        self.guide.stop()
        self.guide.go_on()

    def _point_at(self, part: str) -> None:
        """Outline the part that the guide speaks of."""
        buttons = {"play": self.buttons["play"], "stories": self.folds["Stories"]}
        for name, button in buttons.items():
            (button.add_class if name == part else button.remove_class)("gan-look")
        rate = self.controls["lr_discriminator"]  # the view of an anywidget takes no class
        rate.look = part == "lr_discriminator"
        for canvas in self.canvases:
            canvas.look = part if part in ("plane", "curves") else ""

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
        check_views(values)
        lists = {"field": self.field, "speed": self.speed, "until": self.until}
        self._write({(lists | self.views)[name]: value for name, value in values.items()})
        if hasattr(self, "live"):
            self.live.go(self.speed.value)

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
        self.live.refuse_closed()
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
            self.play()
        else:
            self.live.refresh()

    def _start_two(self, first: Plan, second: Plan) -> None:
        self.live.reset(PlaneTrainer(first), PlaneTrainer(second))
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
        sentences = [
            run_sentence(run, score, self.live.playing)
            for run, score in zip(runs, scores, strict=True)
        ]
        titles = run_titles(runs)
        for i, view in enumerate(self._drawn_runs):
            marks = [[m.letter, m.step] for m in self.live.marks if m.run in (None, i)]
            with self.canvases[i].hold_sync():
                self.canvases[i].show(view, views, self.field.value, scores[i], marks)
                self.canvases[i].title = titles[i]
                self.canvases[i].narrow = len(runs) > 1
                self.canvases[i].drawing = self.pen.value
            if self.live.playing:  # a screen reader is not interrupted all the time
                self.canvases[i].label = self.canvases[i].curves_label = MOVING
            else:
                self.canvases[i].label = sentences[i]
                self.canvases[i].curves_label = (
                    f"Curves up to step {runs[i].step:,}: losses, D's answers, modes covered, "
                    "good samples, JSD"
                )
        self._canvas_row.children = self.canvases[: len(runs)]
        self._show_settings()
        self._show_buttons()
        for run, canvas in zip(runs, self.canvases, strict=False):
            moved = run is self.trainer
            canvas.told = self._latest_move.words(run, self.live.last) if moved else ""
        if len(runs) == 1:
            return sentences[0]
        return " ".join(f"Run {i}: {sentence}" for i, sentence in enumerate(sentences, 1))

    def _show_settings(self) -> None:
        settings = self.settings
        if settings is not self._settings_shown:
            self._write({self.controls[name]: getattr(settings, name) for name in self.controls})
            self._settings_shown = settings

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
