"""What the playground in a page takes from the package and from its lesson's cell."""

import re
from collections.abc import Callable, Iterable
from dataclasses import asdict, fields
from typing import Any

import torch

from authoring.live import Panel, numbers
from authoring.live.theory import Options, cell_with
from gan_lessons.data import toys
from gan_lessons.plane import Plan
from gan_lessons.plane.plan import DRAWN_STD, MOST_POINTS
from gan_lessons.widgets.drawings import DRAWINGS
from gan_lessons.widgets.live import SLOW_MOTION, SPEEDS
from gan_lessons.widgets.plane_canvas import FIELDS, VIEWS
from gan_lessons.widgets.playground_controls import FOLDS, MAIN, SETTINGS, UNTIL, plan_control
from gan_lessons.widgets.playground_layout import BUTTONS, make_views
from gan_lessons.widgets.playground_stories import MINUTE, STORIES

# A seed gives other numbers in a browser than in the notebook. With these the captions that stand
# below the panels are true of the pages' runs, too (of eight seeds: of 7 for the pair).
SEEDS = {"clinic": 2, "pair": 1}


class Recorded:
    """Takes a playground's place in a lesson's cell, and notes what the lesson does with it."""

    def __init__(self, **settings: Any) -> None:
        self.settings, self.steps = settings, 0
        self.second: Options | None = None  # settings in which run 2 differs

    def step(self, n: int) -> None:
        self.steps += n

    def branch(self, **settings: Any) -> None:
        self.second = settings

    def draw(self, points: Iterable[Any]) -> None:
        self.settings |= {"data": "drawn", "points": _rounded(points)}


def playground(lesson: str, name: str) -> Callable[[], Options]:
    """Options of a playground in a page; an address names it by the lesson's ``name`` for it."""
    plan_names = {field.name for field in fields(Plan)}

    def options() -> Options:
        known: Options = {"playground": Recorded, "torch": torch}
        cell = cell_with(lesson, f"{name} = playground(")
        exec(re.sub(r"^assert .*$", "", cell, flags=re.MULTILINE), known)  # there is no run
        said: Recorded = known[name]
        plan = {key: value for key, value in said.settings.items() if key in plan_names}
        return {
            "name": name,
            "steps": said.steps,
            "defaults": asdict(Plan()),
            "start": asdict(Plan(**{"seed": SEEDS.get(name, 0)} | plan)),
            "branch": said.second,
            "seen": {key: value for key, value in said.settings.items() if key not in plan},
            "settings": {each: _control(each) for each in SETTINGS},
            "main": MAIN,
            "folds": FOLDS,
            "data": {each: _mixture(made()) for each, made in toys.TOYS_2D.items()},
            "drawn_std": DRAWN_STD,
            "most_points": MOST_POINTS,
            "drawings": {each: _rounded(made()) for each, made in DRAWINGS.items()},
            "views": VIEWS,
            "usual": {each: box.value for each, box in make_views().items()}
            | {"field": "D", "speed": 50, "until": "paused"},
            "choices": {"field": FIELDS, "speed": SPEEDS, "until": UNTIL},
            "slow_motion": SLOW_MOTION,
            "buttons": BUTTONS,
            "minute": MINUTE,
            "stories": {each: story.settings for each, story in STORIES.items()},
        }

    return options


def _control(name: str) -> Options:
    """A setting's control, as the notebook has it."""
    setting = SETTINGS[name]
    made = plan_control(setting)
    shown: Options = {"label": made.description, "help": made.tooltip, "fixed": setting.fixed}
    shown["group"] = setting.group
    if setting.options:
        return shown | {"options": [(value, text) for text, value in made.options]}
    traits = ("min", "max", "step", "log", "whole")
    return shown | {trait: getattr(made, trait) for trait in traits}


def _mixture(mixture: toys.GaussianMixture) -> Options:
    return {"centres": numbers(mixture.centres), "std": float(mixture.std[0])}


def _rounded(points: Iterable[Any]) -> list[list[float]]:
    return [[round(x, 3), round(y, 3)] for x, y in points]


SCRIPTS = ("mlp", "plane", "plane_view", "live", "playground", "game")
PANELS = tuple(
    Panel("04", f"{name} = playground(", "playground", playground("04", name), SCRIPTS)
    for name in ("panel", "clinic", "pair", "drawing")
)
