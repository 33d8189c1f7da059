"""Controls: typed numbers are refused in words, own writes no wishes, settings become sliders."""

import threading
from dataclasses import dataclass
from typing import Any

import ipywidgets
import pytest

from gan_lessons.errors import UserError
from gan_lessons.training import Settings, choice, describe, flag, number
from gan_lessons.widgets.controls import WriteGuard, make_control, typed

SLIDERS: dict[str, tuple[Any, float, float, str]] = {  # control, good, bad, what is right
    "linear": (lambda: ipywidgets.FloatSlider(1, min=0, max=2), 0.25, 2.5, "from 0 to 2"),
    "whole": (lambda: ipywidgets.IntSlider(1, min=1, max=5), 3, 0, "from 1 to 5"),
    "rate": (
        lambda: ipywidgets.FloatLogSlider(0.01, base=10, min=-4, max=-1),
        0.05,
        10.0,
        "from 0.0001 to 0.1",
    ),
    "seed": (lambda: ipywidgets.BoundedIntText(7, min=0, max=99), 12, 100, "from 0 to 99"),
}


@pytest.mark.parametrize("name", SLIDERS)
def test_a_typed_number_moves_its_control_or_is_refused(name: str) -> None:
    make, good, bad, right = SLIDERS[name]
    control = make()
    refused: list[UserError] = []
    control.description = name
    shown = typed(control, refused.append)
    field = shown if name == "seed" else shown.children[1]
    assert field.description.startswith(name)
    field.value = good  # what a browser sends
    assert control.value == pytest.approx(good)
    field.value = bad
    assert control.value == pytest.approx(good)
    assert field.value == good
    (error,) = refused
    assert isinstance(error, UserError)
    assert str(error).startswith(f"{name} = {bad:g} is out of range.")
    assert right in str(error)
    control.value = control.value  # unchanged
    assert len(refused) == 1


@pytest.mark.parametrize(
    ("slider", "step"),
    [
        (ipywidgets.FloatSlider(0.5, min=0, max=1, step=0.05), 0.05),
        (ipywidgets.IntSlider(5, min=0, max=50, step=5), 5),
        (ipywidgets.FloatLogSlider(0.01, base=10, min=-4, max=-1), None),
    ],
)
def test_arrows_of_a_field_go_from_stop_to_stop(slider: Any, step: float | None) -> None:
    assert typed(slider, lambda error: None).children[1].step == step


def test_a_whole_number_is_not_made_of_another() -> None:
    slider = ipywidgets.IntSlider(5, min=0, max=50, description="noise")
    refused: list[UserError] = []
    field = typed(slider, refused.append).children[1]
    field.value = 1.7
    assert (slider.value, field.value) == (5, 5)
    assert str(refused[0]) == "noise = 1.7 is no whole number. Choose from 0 to 50."
    field.value = 99
    assert str(refused[1]) == "noise = 99 is out of range. Choose from 0 to 50."


def test_the_field_follows_its_slider_in_short_numbers() -> None:
    slider = ipywidgets.FloatSlider(0, min=0, max=1)
    field = typed(slider, lambda error: pytest.fail(str(error))).children[1]
    slider.value = 0.1 + 0.2
    assert field.value == 0.3
    assert slider.value == 0.1 + 0.2  # the short number does not come back


def test_other_controls_are_left_alone() -> None:
    choice = ipywidgets.Dropdown(options=["a", "b"])
    assert typed(choice, lambda error: None) is choice


def test_own_writes_are_not_heard_and_a_persons_are_whatever_the_panel_writes_meanwhile() -> None:
    guard = WriteGuard()
    heard: list[int] = []
    mine, theirs = ipywidgets.IntSlider(), ipywidgets.IntSlider()
    for slider in (mine, theirs):
        guard.observe(slider, heard.append)

    def person() -> None:
        theirs.value = 7

    with guard.writing():
        mine.value = 1
        with guard.writing():
            mine.value = 2
        mine.value = 3  # still the panel's own, after a block within
        thread = threading.Thread(target=person)  # as a front end's subshell does
        thread.start()
        thread.join()
    assert heard == [7]
    mine.value = 4
    assert heard == [7, 4]
    with pytest.raises(ZeroDivisionError), guard.writing():
        raise ZeroDivisionError
    mine.value = 5
    assert heard == [7, 4, 5]


@dataclass(frozen=True, kw_only=True)
class Described(Settings):
    """Settings of every kind."""

    b: float = number(0.0, 0, 0.999, label="β1", slider=(0, 0.9), step=0.01)
    plain: float = number(0.0, 0, 3, label="no step")
    k: int = number(1, 1, 100, label="steps", slider=(1, 5))
    lr: float = number(1e-3, 0, 0.1, label="rate", slider=(1e-6, 0.1), log=True)
    noise: str = choice("normal", ("normal", "uniform"), label="noise", help="Of z.")
    fast: bool = flag(False, label="quick", help="Twice as fast.")


def control_of(name: str) -> Any:
    return make_control(describe(Described)[name], label_width="9em", width="50%")


@pytest.mark.parametrize(
    ("name", "step", "low", "high"),
    [("b", 0.01, 0, 0.9), ("plain", 0.03, 0, 3), ("k", 1, 1, 5), ("lr", 0.1, 1e-6, 0.1)],
)
def test_a_setting_that_is_a_number_is_a_slider_with_its_range(
    name: str, step: float, low: float, high: float
) -> None:
    slider = control_of(name)
    assert (slider.description, slider.step) == (describe(Described)[name].label, step)
    assert (slider.min, slider.max, slider.log) == (low, high, name == "lr")
    refused: list[UserError] = []
    slider.refuse = refused.append
    slider.typed(f"{high:g}")
    assert slider.value == high
    assert isinstance(slider.value, int) == (name == "k")
    for text in (f"{10 * high:g}", "nan", "much", *(["2.5"] if name == "k" else [])):
        slider.typed(text)
        assert slider.value == high
        assert slider.description in str(refused[-1])
    assert len(refused) == (4 if name == "k" else 3)


def test_a_setting_with_words_to_choose_from_is_a_list() -> None:
    choice = control_of("noise")
    assert isinstance(choice, ipywidgets.Dropdown)
    assert choice.options == (("normal", "normal"), ("uniform", "uniform"))
    assert (choice.description, choice.tooltip) == ("noise", "Of z.")


def test_a_flag_is_a_box_to_tick() -> None:
    box = control_of("fast")
    assert isinstance(box, ipywidgets.Checkbox)
    assert (box.description, box.tooltip) == ("quick", "Twice as fast.")
