"""Typed numbers reach the kernel as they are, and are refused there in words."""

from typing import Any

import ipywidgets
import pytest

from gan_lessons.errors import UserError
from gan_lessons.widgets.controls import typed

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
    control, refused = make(), []
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
    assert str(error).startswith(f"{name} = {bad} is out of range.")
    assert right in str(error)
    control.value = control.value  # unchanged
    assert len(refused) == 1


def test_the_field_follows_its_slider_in_short_numbers() -> None:
    slider = ipywidgets.FloatSlider(0, min=0, max=1)
    field = typed(slider, lambda error: pytest.fail(str(error))).children[1]
    slider.value = 0.1 + 0.2
    assert field.value == 0.3
    assert slider.value == 0.1 + 0.2  # the short number does not come back


def test_other_controls_are_left_alone() -> None:
    choice = ipywidgets.Dropdown(options=["a", "b"])
    assert typed(choice, lambda error: None) is choice
