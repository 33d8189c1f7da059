"""The playground: a GAN in the plane that trains before your eyes, with everything to be moved.

A `Playground` works the same without a browser: ``panel.step(100)``, ``panel.set(noise_scale=2)``.
"""

import base64
import re
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from functools import partial
from typing import Any

import ipywidgets
import torch

from gan_lessons import losses, plane, plotting
from gan_lessons.errors import UserError
from gan_lessons.plane import FIXED, Plan, PlaneTrainer, Score
from gan_lessons.training import PENALTIES
from gan_lessons.widgets.controls import button, row, typed
from gan_lessons.widgets.live import Live, Snapshot
from gan_lessons.widgets.stage import (
    FIELDS,
    LINES,
    SHOWN,
    VIEWS,
    Stage,
    View,
    array_bytes,
    covers,
    curve_data,
    packed,
    still,
)

# To compare two runs, these have to be the same in both.
SHARED = ("data", "points", "batch_size", "seed")
LABELS = {
    "data": "real data",
    "seed": "seed",
    "batch_size": "batch size",
    "latent_dim": "numbers of noise",
    "noise": "distribution",
    "noise_scale": "scale of the noise",
    "layers": "hidden layers",
    "generator_width": "width of G",
    "discriminator_width": "width of D",
    "objective": "objective",
    "penalty": "penalty on D",
    "penalty_weight": "its strength",
    "instance_noise": "instance noise",
    "label_smoothing": "label smoothing",
    "discriminator_steps": "updates of D (k_D)",
    "generator_steps": "updates of G (k_G)",
    "optimizer_discriminator": "optimizer of D",
    "lr_discriminator": "rate of D",
    "beta1_discriminator": "β1 of D",
    "optimizer_generator": "optimizer of G",
    "lr_generator": "rate of G",
    "beta1_generator": "β1 of G",
}
GROUPS = {
    "Data and noise": ("data", "seed", "batch_size", "latent_dim", "noise", "noise_scale"),
    "Networks and game": (
        *("layers", "generator_width", "discriminator_width", "objective"),
        *("discriminator_steps", "generator_steps"),
    ),
    "Remedies": ("penalty", "penalty_weight", "instance_noise", "label_smoothing"),
    "Optimizers": (
        *("optimizer_discriminator", "lr_discriminator", "beta1_discriminator"),
        *("optimizer_generator", "lr_generator", "beta1_generator"),
    ),
}
CHOICES: dict[str, tuple[str, ...]] = {
    "data": plane.DATA,
    "noise": plane.NOISES,
    "objective": tuple(losses.OBJECTIVES),
    "penalty": PENALTIES,
    "optimizer_discriminator": plane.OPTIMIZERS,
    "optimizer_generator": plane.OPTIMIZERS,
}
RANGES: dict[str, tuple[float, float, float]] = {  # lowest, highest, step; whole or not
    "seed": (0, 99, 1),
    "batch_size": (2, 512, 1),
    "latent_dim": (1, 16, 1),
    "noise_scale": (0.1, 5.0, 0.1),
    "layers": (1, 5, 1),
    "generator_width": (2, 128, 1),
    "discriminator_width": (2, 128, 1),
    "discriminator_steps": (1, 10, 1),
    "generator_steps": (1, 10, 1),
    "instance_noise": (0.0, 1.0, 0.05),
    "label_smoothing": (0.0, 0.45, 0.05),
    "beta1_discriminator": (0.0, 0.99, 0.01),
    "beta1_generator": (0.0, 0.99, 0.01),
}
POWERS = {  # the sliders go in powers of ten
    "lr_discriminator": (-5, -1),
    "lr_generator": (-5, -1),
    "penalty_weight": (-3, 2),
}


def _heart() -> list[tuple[float, float]]:
    t = torch.linspace(0, 2 * torch.pi, 61)[:-1]
    x = 16 * t.sin() ** 3
    y = 13 * t.cos() - 5 * (2 * t).cos() - 2 * (3 * t).cos() - (4 * t).cos()
    return list(zip((x / 10).tolist(), ((y + 2) / 10).tolist(), strict=True))


def _line(a: tuple[float, float], b: tuple[float, float], n: int) -> list[tuple[float, float]]:
    return [
        (a[0] + (b[0] - a[0]) * i / (n - 1), a[1] + (b[1] - a[1]) * i / (n - 1)) for i in range(n)
    ]


DRAWINGS: dict[str, Callable[[], list[tuple[float, float]]]] = {
    "heart": _heart,
    "letter N": lambda: [
        *_line((-1, -1.5), (-1, 1.5), 15),
        *_line((-0.85, 1.3), (0.85, -1.3), 15),
        *_line((1, -1.5), (1, 1.5), 15),
    ],
    "five dots": lambda: [(0, 0), (-1.4, -1.4), (-1.4, 1.4), (1.4, -1.4), (1.4, 1.4)],
}


def parsed_points(text: str) -> list[tuple[float, float]]:
    """Points typed as ``x, y; x, y``.

    Raises:
        UserError: a pair cannot be read.
    """
    pairs = [pair.strip() for pair in text.split(";") if pair.strip()]
    points = []
    for pair in pairs:
        numbers = re.split(r"[\s,]+", pair.strip("() "))
        try:
            x, y = (float(number.replace("−", "-")) for number in numbers)
        except ValueError:
            raise UserError(f"{pair!r} is no point; type x, y; x, y: 0, 0; 1, -0.5") from None
        points.append((x, y))
    return points


def playground(**settings: Any) -> "Playground":
    """A GAN in the plane, to be trained and changed by hand.

    Args:
        **settings: first values, of `plane.Plan` and of the views (``arrows=True``, ``field=…``).

    Raises:
        UserError: no such setting, or a value that it cannot take.
    """
    return Playground(**settings)


class Playground(ipywidgets.VBox):  # type: ignore[misc]
    """What `playground` returns. Every button is a method as well.

    Attributes: ``live`` (the loop; `gan_lessons.widgets.live`), ``controls`` and ``views`` (by
    name), ``sentence``, ``scores`` (of the run that the controls move).
    """

    def __init__(self, **settings: Any) -> None:
        plan_names = {field.name for field in fields(Plan)}
        first = Plan(**{name: settings[name] for name in settings if name in plan_names})
        self.controls = {name: _control(name, first) for name in LABELS}
        self.views = {
            name: ipywidgets.Checkbox(
                name not in ("arrows", "grid"), description=text, indent=False
            )
            for name, text in VIEWS.items()
        }
        self.field = ipywidgets.Dropdown(options=list(FIELDS.items()), description="background")
        self._told: list[Any] = [None, None]  # settings that the controls show; views of the runs
        self._before: list[tuple[torch.Tensor, torch.Tensor]] = []
        self._moment: tuple[Any, ...] = ()
        self._ink: list[plane.Point] = []
        self._writing = False
        self.stages = [Stage(), Stage()]
        self._make_buttons()
        self.words = ipywidgets.HTML()
        for name in settings:
            if name in plan_names:
                self._refuse_outside(name, settings[name])
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
        return self.trainer.settings

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
        self.live.step_d()

    def step_g(self) -> None:
        """G's half of a step."""
        self.live.step_g()

    def play(self) -> None:
        """Train until `pause`."""
        self.live.play()

    def pause(self) -> None:
        """Stop, with everything kept."""
        self.live.pause()

    def rewind(self, step: int) -> None:
        """Go back to a kept snapshot; ``panel.live.film.steps`` lists them."""
        self.live.rewind(step)

    def keep(self, run: int) -> None:
        """Go on with run 1 or 2 alone."""
        if run not in (1, 2):
            raise UserError(f"run is {run!r}; choose 1 or 2.")
        self.live.keep(run - 1)

    def set(self, **values: Any) -> None:
        """Change settings and views, as a learner's hand would.

        What a run is built with (`plane.FIXED`: data, noise, networks, seed …) starts a new run;
        with two runs side by side both start again from the seed.

        Raises:
            UserError: no such setting, or a value that it cannot take; nothing is changed.
        """
        views = {name: value for name, value in values.items() if name in (*VIEWS, "field")}
        rest = {name: value for name, value in values.items() if name not in views}
        for name, value in rest.items():
            plane.check_plan(name)
            self._refuse_outside(name, value)
        replace(self.settings, **rest)  # refuse before anything is changed
        self._set_views(views)
        if any(
            name in FIXED and value != getattr(self.settings, name) for name, value in rest.items()
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
            plane.check_plan(name)
            self._refuse_outside(name, value)
        if len(self.runs) == 1 and any(name in FIXED for name in settings):
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
        return plotting.png(still(self.runs, self._views(), self.field.value, self._titles()))

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        bundle: dict[str, Any] = dict(super()._repr_mimebundle_(**kwargs) or {})
        default = Plan()
        special = [
            f"{f.name} = {value}"
            for f in fields(Plan)
            if f.name != "points"
            and (value := getattr(self.settings, f.name)) != getattr(default, f.name)
        ]
        plain = f"playground, step {self.trainer.step}: {', '.join(special) or 'the defaults'}"
        picture = base64.b64encode(self.png).decode("ascii")
        return bundle | {"text/plain": plain, "image/png": picture}, {
            "image/png": {"alt": self.sentence}
        }

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
        self.film = ipywidgets.SelectionSlider(
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
                    *(typed(self.controls[name], self.live.refuse) for name in names),
                ]
            )
            for title, names in GROUPS.items()
        ]
        seen = ipywidgets.VBox(
            [ipywidgets.HTML("<b>What is shown</b>"), self.field, *self.views.values()]
        )
        self._stages = row(self.stages[0])
        return [
            row(*(b[name] for name in ("play", "step", "step_d", "step_g", "reset", "branch"))),
            row(self.slow, self.film),
            self._two,
            self._stages,
            self.live.line,
            self.words,
            row(self.pen, self.typed, self.preset),
            ipywidgets.Box(
                [*groups, seen], layout={"flex_flow": "row wrap", "align_items": "flex-start"}
            ),
            self.live.presence,
        ]

    def _listen(self) -> None:
        for name, control in self.controls.items():
            self._on(control, partial(self._moved, name))
        for control in (*self.views.values(), self.field):
            self._on(control, lambda value: self.live.refresh())
        self._on(self.film, self._go_back)
        self._on(self.slow, lambda value: setattr(self.live, "slow", value))
        self._on(self.pen, self._take_pen)
        self._on(self.typed, lambda text: self.draw(parsed_points(text)) if text else None)
        self._on(
            self.preset, lambda name: self.draw(DRAWINGS[name]()) if name in DRAWINGS else None
        )
        for stage in self.stages:
            stage.on_msg(lambda _, content, buffers: self.live.post(self._stroke, content))

    def _on(self, control: Any, act: Callable[[Any], Any]) -> None:
        def changed(change: Any) -> None:
            if not self._writing:
                self.live.post(act, change.new)

        control.observe(changed, names="value")

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
            self._told[0] = None  # the control goes back to what holds
            raise

    def _go_back(self, step: int) -> None:
        if step != self.live.step_now:
            self.rewind(step)

    def _take_pen(self, taken: bool) -> None:
        if taken:
            self.live.pause()
            self.live.message = "Draw on the plane; a new run starts with every stroke."
        self._ink = []
        self.live.refresh()

    def _stroke(self, content: Mapping[str, Any]) -> None:
        stroke = plane.checked_points(content.get("stroke", []))
        self._ink = [*self._ink, *stroke]
        self.draw(self._ink)

    def _refuse_outside(self, name: str, value: Any) -> None:
        """Sliders clamp in silence; and `Plan` allows some values that no slider shows."""
        low, high = RANGES.get(name, (-1, -1, 0))[:2]
        if name in POWERS:
            low, high = (10.0**power for power in POWERS[name])
        if name not in RANGES and name not in POWERS:
            return
        if not isinstance(value, int | float) or not low <= value <= high:
            raise UserError(f"{name} is {value!r}; choose from {low:g} to {high:g}.")

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
        self._writing = True
        try:
            for control, value in values.items():
                if control.value != value:
                    control.value = value
        finally:
            self._writing = False

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
        self.live.film.snapshots = [Snapshot(0, states, [])]
        self.live.message = "Two runs from the seed: controls now move run 2."
        self.live.refresh()

    # What is seen

    def _show(self) -> str:
        runs, views = self.runs, self._views()
        if [view.trainer for view in self._told[1] or []] != runs:
            self._told[1] = [View(run) for run in runs]
            self._moment = ()
            self._before = []
        # While playing the latest measurement will do: one for each picture would slow it down.
        scores = [run.scores[-1] if self.live.playing else run.score() for run in runs]
        sentences = [_sentence(run, score) for run, score in zip(runs, scores, strict=True)]
        for i, view in enumerate(self._told[1]):
            self._draw(i, view, views, scores[i])
            if not self.live.playing:  # a screen reader is not interrupted all the time
                self.stages[i].label = sentences[i]
        self._stages.children = self.stages[: len(runs)]
        self._tell_settings()
        self._tell_buttons()
        self.words.value = self._in_words()
        if len(runs) == 1:
            return sentences[0]
        return " ".join(f"Run {i}: {sentence}" for i, sentence in enumerate(sentences, 1))

    def _draw(self, index: int, view: View, views: dict[str, bool], score: Score) -> None:
        stage, trainer = self.stages[index], view.trainer
        arrays = array_bytes(view.arrays(views, self.field.value))
        marks = [[m.letter, m.step] for m in self.live.marks if m.run in (None, index)]
        with stage.hold_sync():
            for name, value in arrays.items():
                setattr(stage, name, value)
            if views["curves"]:
                stage.curves = packed(*curve_data(trainer, score))
            stage.charts, stage.marks = views["curves"], marks
            stage.lines = 0 if trainer.settings.latent_dim == 1 else LINES
            stage.dense = trainer.settings.latent_dim == 2
            stage.floor, stage.covers = trainer.ruler.floor[0], covers(trainer)
            stage.title, stage.narrow = self._titles()[index], len(self.runs) > 1
            stage.drawing = self.pen.value

    def _titles(self) -> list[str]:
        if len(self.runs) == 1:
            return [f"Step {self.trainer.step:,}"]
        first, second = (run.settings for run in self.runs)
        names = [f.name for f in fields(Plan) if getattr(first, f.name) != getattr(second, f.name)]
        return [
            f"Run {i + 1}, step {run.step:,}: "
            + (", ".join(f"{n} = {getattr(run.settings, n)}" for n in names) or "no difference yet")
            for i, run in enumerate(self.runs)
        ]

    def _tell_settings(self) -> None:
        settings = self.settings
        if settings is not self._told[0]:
            self._write({self.controls[name]: getattr(settings, name) for name in LABELS})
            self._told[0] = settings
        if self.live.slow != self.slow.value:
            self._write({self.slow: self.live.slow})

    def _tell_buttons(self) -> None:
        live, b = self.live, self.buttons
        b["play"].description = "Pause" if live.playing else "Play"
        b["branch"].disabled = len(live.runs) > 1
        self._two.layout.display = "flex" if len(live.runs) > 1 else "none"
        for i, run in enumerate(("run1", "run2")):
            b[run].button_style = "info" if live.active == i else ""
        steps = live.film.steps
        if live.playing and steps[-1] < self.film.options[-1] + 500:
            return  # while playing the slider follows from time to time
        near = max((step for step in steps if step <= live.step_now), default=steps[0])
        self._writing = True
        try:
            if tuple(self.film.options) != tuple(steps):
                self.film.options = steps
            self.film.value = near
        finally:
            self._writing = False

    def _in_words(self) -> str:
        """What the latest half-step did; measured on fakes from noise that stays the same."""
        run = self.trainer
        moment = (run, run.step, run.judged, self.live.last)
        if moment == self._moment:
            return str(self.words.value)
        self._moment = moment
        fakes = run.fakes(SHOWN)
        opinion = plane.answers(run, fakes)
        before, self._before = self._before, [(fakes, opinion)]
        if not before or self.live.last not in ("discriminator", "generator"):
            return ""
        old_fakes, old = before[0]
        rose = f"{old.mean():.3f} → {opinion.mean():.3f}"
        if self.live.last == "discriminator":
            _, d_real, d_fake = run.judged or (0.0, float("nan"), float("nan"))
            return (
                f"<b>D's half-step.</b> D looked at {run.settings.batch_size} reals (mean D(x) "
                f"{d_real:.3f}) and as many fakes (mean D(G(z)) {d_fake:.3f}), then moved its "
                "weights: blue should grow where reals lie, orange where fakes lie. G stood still. "
                f"On the fakes shown, D's mean answer went {rose}."
            )
        moved = (fakes - old_fakes).norm(dim=1).mean()
        pull = plane.pull(run, old_fakes[:SHOWN]).norm(dim=1).mean()
        return (
            "<b>G's half-step.</b> D stood still. G moved its weights so that its fakes follow the "
            f"arrows, the gradient of the {run.settings.objective} loss (mean length {pull:.3f}). "
            f"The fakes shown moved by {moved:.3f} on average; D's mean answer on them went {rose}."
        )


def _sentence(run: PlaneTrainer, score: Score) -> str:
    floor = run.ruler.floor[0]
    what = covers(run).split()[0]
    text = (
        f"Step {score.step:,}: G covers {score.covered} of {score.parts} {what}; "
        f"{score.good:.0%} of its samples are good; JSD {score.jsd:.2f} nats "
        f"(as many real samples: {floor:.2f})."
    )
    known = [event for event in run.history[-1:] if event.d_real == event.d_real]
    if known:
        text += f" D(x) {known[0].d_real:.2f}, D(G(z)) {known[0].d_fake:.2f}."
    return text


def _control(name: str, plan: Plan) -> Any:
    common: dict[str, Any] = {
        "description": LABELS[name],
        "style": {"description_width": "11em"},
        "layout": {"width": "27em"},
    }
    value = getattr(plan, name)
    if name in CHOICES:
        return ipywidgets.Dropdown(options=CHOICES[name], value=value, **common)
    common["continuous_update"] = False
    if name in POWERS:
        power, highest = POWERS[name]
        return ipywidgets.FloatLogSlider(
            value, min=power, max=highest, step=0.05, readout_format=".2g", **common
        )
    low, high, step = RANGES[name]
    kind = ipywidgets.FloatSlider if isinstance(step, float) else ipywidgets.IntSlider
    return kind(value, min=low, max=high, step=step, **common)
