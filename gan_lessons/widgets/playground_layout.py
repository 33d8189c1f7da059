"""How the playground is laid out: its buttons, lists and folds, and where each of them stands."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import ipywidgets

from gan_lessons.widgets.controls import button, row
from gan_lessons.widgets.drawings import DRAWINGS
from gan_lessons.widgets.plane_canvas import VIEWS
from gan_lessons.widgets.playground_controls import FOLDS, LABEL, folded_groups
from gan_lessons.widgets.playground_stories import STORIES

VIEW_TIPS = {
    "real": "Points of the data. Lesson 04.",
    "fake": "What G makes of noise. Lesson 04.",
    "arrows": "Where G's loss pulls each of 64 fakes. Lesson 04.",
    "grid": "A grid of the noise, as G warps it: a small cell is a dense one. Lesson 04.",
    "curves": "The charts: losses, D's answers, and how good the fakes are. Lesson 04.",
}
BUTTONS = {  # name: what stands on it, and what it is for
    "play": ("Play", "Train until Pause, or what stands at play until."),
    "step": ("Step", "One step: D's half, then G's. Lesson 03."),
    "step_d": ("Step D", "D's half of a step: D moves, G waits. Lesson 04."),
    "step_g": ("Step G", "G's half of a step: G moves, D waits. Lesson 04."),
    "reset": ("Reset", "Start again from the seed."),
    "branch": (
        "Branch",
        "A second run from here, beside the first; controls then move run 2.",
    ),
    "guide": ("A guided minute", "What is to be seen, in six sentences."),
    **{name: (name.capitalize(), story.words) for name, story in STORIES.items()},
    "run1": ("Controls move run 1", "Which of the two runs the controls move."),
    "run2": ("Controls move run 2", "Which of the two runs the controls move."),
    "keep1": ("Keep run 1", "Go on with run 1 alone."),
    "keep2": ("Keep run 2", "Go on with run 2 alone."),
}


def make_buttons(act: Callable[[str], object]) -> dict[str, Any]:
    """The `BUTTONS`; ``act`` is called with the name of one that is pressed."""

    def made(name: str) -> Any:
        text, tip = BUTTONS[name]
        return button(text, lambda: act(name), tip)

    return {name: made(name) for name in BUTTONS}


def make_views() -> dict[str, Any]:
    """A box to tick for each of the `VIEWS`."""
    return {
        name: ipywidgets.Checkbox(
            name not in ("arrows", "grid"), description=text, indent=False, tooltip=VIEW_TIPS[name]
        )
        for name, text in VIEWS.items()
    }


def choices(label: str, options: Mapping[str, Any], value: Any, tip: str) -> Any:
    """A list of choices; ``options``: what a person reads → value."""
    return ipywidgets.Dropdown(
        options=list(options.items()), value=value, description=label, tooltip=tip,
        style={"description_width": LABEL}, layout={"width": "auto"},
    )  # fmt: skip


def rewind_slider() -> Any:
    """A slider over the steps that are kept."""
    return ipywidgets.SelectionSlider(
        options=[0], description="rewind to step", style={"description_width": LABEL},
        layout={"width": "auto"}, continuous_update=False,
        tooltip="Back to a kept moment, with the settings of then. Lesson 04.",
    )  # fmt: skip


def own_data() -> tuple[Any, Any, Any]:
    """Three ways to data of one's own: a pen, typed points, drawings to load."""
    wide = {"description_width": "initial"}
    pen = ipywidgets.ToggleButton(description="Draw your own data", layout={"width": "auto"})
    typed = ipywidgets.Text(
        placeholder="0, 0; 1, 0.5; -1, 1", description="or type points x, y;", style=wide,
        continuous_update=False,
    )  # fmt: skip
    preset = ipywidgets.Dropdown(
        options=["–", *DRAWINGS], description="or load a drawing", style=wide
    )
    return pen, typed, preset


def tips(controls: Sequence[Any]) -> dict[str, str]:
    """What each control is for, by its label."""
    return {control.description: control.tooltip or "" for control in controls}


def main_part(
    beside: Sequence[Any], told: Any, pictures: Sequence[Any], below: Sequence[Any]
) -> Any:
    """Controls, what is told of them, the pictures, and what moves the run; see playground.css.

    On a wide page the pictures are beside the rest. On a narrow one all are below one another in
    this order: what is told of a control is then on the screen with it.
    """
    box = ipywidgets.VBox
    main = ipywidgets.Box([box(beside), told, box(pictures), box(below)])
    main.add_class("gan-main")
    return main


def folded(
    views: Sequence[Any], stories: Sequence[Any], own_data: Any, controls: Mapping[str, Any]
) -> tuple[dict[str, Any], list[Any]]:
    """A row of headings; a click unfolds what belongs to one.

    Returns:
        The heading's buttons by their titles, and the parts to lay out below one another.
    """
    parts: dict[str, tuple[str, Sequence[Any]]] = {
        "What is shown": ("Layers of the picture.", views),
        "Stories": ("Four ways that such a game can go; each starts a new run.", stories),
        "Own data": ("Every point becomes the middle of a small Gaussian.", [own_data]),
    }
    for title, settings in folded_groups().items():
        parts[title] = (FOLDS[title], [controls[each.name] for each in settings])
    folds, bodies = {}, []
    for title, (purpose, inside) in parts.items():
        body = ipywidgets.VBox(
            [ipywidgets.HTML(f"<em>{purpose}</em>"), *inside],
            layout={"display": "none", "width": "22rem", "max_width": "100%"},
        )
        if title in ("Stories", "Own data"):
            body.layout.width = "100%"
        folds[title] = _fold(title, purpose, body)
        bodies.append(body)
    opened = ipywidgets.Box(bodies, layout={"flex_flow": "row wrap", "align_items": "flex-start"})
    return folds, [row(*folds.values()), opened]


def _fold(title: str, purpose: str, body: Any) -> Any:
    """A button that shows and hides what belongs to a heading."""
    fold = ipywidgets.ToggleButton(
        description=f"▸ {title}", tooltip=purpose, layout={"width": "auto"}
    )

    def turned(change: Any) -> None:
        fold.description = f"{'▾' if change.new else '▸'} {title}"
        body.layout.display = "flex" if change.new else "none"

    fold.observe(turned, names="value")
    return fold
