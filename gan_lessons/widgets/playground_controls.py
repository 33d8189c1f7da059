"""Which settings and views the playground has, where, the lesson of each, and what they refuse."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from gan_lessons.errors import UserError
from gan_lessons.plane import Plan, PlaneTrainer
from gan_lessons.training import Setting, describe
from gan_lessons.widgets.controls import make_control
from gan_lessons.widgets.live import SPEEDS
from gan_lessons.widgets.plane_canvas import FIELDS, SHOWN, VIEWS, covers

# What one needs next to the plane; all else is folded.
MAIN = ("data", "objective", "lr_discriminator", "lr_generator", "discriminator_steps")
LESSON = {  # in which to read more
    "data": 4,
    "seed": 5,
    "batch_size": 5,
    "latent_dim": 4,
    "noise": 4,
    "noise_scale": 4,
    "layers": 5,
    "generator_width": 5,
    "discriminator_width": 5,
    "objective": 2,
    "discriminator_steps": 10,
    "generator_steps": 10,
    "penalty": 10,
    "penalty_weight": 10,
    "instance_noise": 10,
    "label_smoothing": 10,
    "optimizer_discriminator": 3,
    "lr_discriminator": 4,
    "beta1_discriminator": 7,
    "optimizer_generator": 3,
    "lr_generator": 4,
    "beta1_generator": 7,
}
LABEL = "7.6rem"
SETTINGS = {name: describe(Plan)[name] for name in LESSON}
FOLDS = {  # heading: what it is for
    "Data and noise": "What is learned, and what G starts from. All but the scale start a new run.",
    "Networks and game": "How much the players can express, and who moves how often.",
    "Remedies": "What calms a game that does not settle.",
    "Optimizers": "How a gradient becomes a move.",
}
UNTIL = {
    "I press Pause": "paused",
    "all modes covered": "covered",
    "G has collapsed": "collapsed",
    "500 steps later": "500 more",
}
# Views with a list of choices, beside `SETTINGS` and the flags of `VIEWS`.
CHOICES: dict[str, dict[str, Any]] = {"field": FIELDS, "speed": SPEEDS, "until": UNTIL}


def plan_control(setting: Setting) -> Any:
    """The control of a setting; its tooltip is a sentence and the lesson to read."""
    control = make_control(setting, label_width=LABEL)
    control.tooltip = f"{setting.help} Lesson {LESSON[setting.name]:02}."
    return control


def folded_groups() -> dict[str, list[Setting]]:
    """The settings that are not next to the plane, under their headings."""
    return {
        group: [s for s in SETTINGS.values() if s.group == group and s.name not in MAIN]
        for group in FOLDS
    }


def refuse_off_slider(name: str, value: Any) -> None:
    """Refuse what is off a control's range; `plane.Plan` allows some such values.

    Raises:
        UserError: the number is outside its slider's range.
    """
    setting = SETTINGS.get(name)
    if setting is None or setting.kind not in (int, float):
        return
    low, high = setting.slider
    if not isinstance(value, int | float) or not low <= value <= high:
        raise UserError(f"{name} is {value!r}; choose from {low:g} to {high:g}.")


def check_views(values: Mapping[str, Any]) -> None:
    """Refuse what is no view, or a value that it cannot take.

    Raises:
        UserError: no such view, or none of its choices.
    """
    for name, value in values.items():
        if name in CHOICES:
            choices = list(CHOICES[name].values())
            if isinstance(value, bool) or value not in choices:
                known = ", ".join(map(str, choices))
                raise UserError(f"{name} is {value!r}; choose one of {known}.")
        elif name not in VIEWS:
            known = ", ".join([field.name for field in fields(Plan)] + [*VIEWS, *CHOICES])
            raise UserError(f"There is no setting {name!r}; the settings are {known}.")
        elif not isinstance(value, bool):
            raise UserError(f"{name} is {value!r}; choose True or False.")


def reason_to_pause(wish: str, run: PlaneTrainer, played_from: int) -> str:
    """Why playing ends now, "" if it goes on; measured every 50 steps.

    Args:
        wish: one of `UNTIL`.
        run: what is played.
        played_from: the step at which Play was pressed.
    """
    latest = run.scores[-1]
    if wish == "500 more":
        return "500 steps are done." if run.step >= played_from + 500 else ""
    if wish == "paused" or latest.step != run.step:
        return ""
    what = f"{latest.covered} of {latest.parts} {covers(run).split()[0]}"
    if wish == "covered":
        return f"{what} are covered." if latest.covered == latest.parts else ""
    spread, real = (points.std(dim=0).mean() for points in (run.fakes(SHOWN), run.samples))
    if 4 * latest.covered <= latest.parts and latest.covered and 3 * spread < real:
        return f"all fakes crowd together, and {what} are covered."
    return ""
