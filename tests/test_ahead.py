"""A slider that goes stop by stop finds its next picture made, and never a wrong one."""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from typing import Any

import ipywidgets
import numpy as np
import pytest
import traitlets
from IPython.core.interactiveshell import InteractiveShell
from ipywidgets.widgets.widget_description import DescriptionWidget

from gan_lessons.widgets import ahead, explore
from gan_lessons.widgets.cells import CELLS
from gan_lessons.widgets.loop import PLAYING

Act = Callable[[Any, list[Any]], Awaitable[None]]


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "SOON", 0.0)
    monkeypatch.setattr(CELLS, "running", False)


async def idle() -> None:
    """The kernel has nothing to do for a moment."""
    for _ in range(5):
        await asyncio.sleep(0.001)


def played(act: Act, **controls: Any) -> tuple[Any, list[Any]]:
    """A panel that the act moved, and the values that were drawn one after another."""
    drawn: list[Any] = []

    def draw(**values: Any) -> tuple[bytes, str]:
        drawn.append(tuple(values.values()) if len(values) > 1 else next(iter(values.values())))
        if drawn[-1] == 13:
            raise ValueError("thirteen")
        return f"picture of {values}".encode(), f"{values} are shown"

    panel = explore(draw, **(controls or {"x": (0, 20)}), start=dict.fromkeys(controls or "x", 0))

    async def act_on_it() -> None:
        drawn.clear()
        await act(panel, drawn)

    asyncio.run(act_on_it())
    return panel, drawn


async def go(panel: Any, *values: Any, name: str = "x") -> None:
    """A hand goes to these values, with time between."""
    for value in values:
        CELLS.moment += 1  # the message of a key
        panel.controls[name].value = value
        await idle()


def test_while_a_slider_goes_stop_by_stop_the_next_one_is_made_ahead() -> None:
    async def act(panel: Any, drawn: list[Any]) -> None:
        await go(panel, 1)
        assert drawn == [1, 2]
        await go(panel, 2)
        assert drawn == [1, 2, 3]
        panel.controls["x"].value = 3
        assert drawn == [1, 2, 3]
        assert panel.png == b"picture of {'x': 3}"
        assert panel.sentence == "{'x': 3} are shown"

    played(act)


def test_the_way_back_is_known() -> None:
    async def act(panel: Any, drawn: list[Any]) -> None:
        await go(panel, 5, 6, 5, 6, 7)
        assert drawn == [5, 6, 7, 4, 7, 8]  # 5 and 6 once each
        assert panel.sentence == "{'x': 7} are shown"

    played(act)


def test_with_the_numbers_that_browsers_send_it_is_made_once() -> None:
    async def act(panel: Any, drawn: list[Any]) -> None:
        await go(panel, *(-4.0 + stop * 0.05 for stop in range(81, 91)))  # 0.04999999999999982, …
        assert drawn[2:] == [round(0.05 * stop, 7) for stop in range(3, 12)]

    played(act, x=(-4.0, 4.0, 0.05))


def test_nothing_is_made_ahead_for_jumps_ends_or_two_controls() -> None:
    async def act(panel: Any, drawn: list[Any]) -> None:
        await go(panel, 2, 5, 3, 19, 20)
        assert drawn == [(2, 0), (5, 0), (3, 0), (19, 0), (20, 0)]
        drawn.clear()
        with panel._guard.writing():  # two controls at once
            panel.controls["x"].value = 19
        await go(panel, 1, name="y")
        assert drawn == [(19, 1)]

    played(act, x=(0, 20), y=(0, 20))


def test_a_choice_is_not_made_ahead() -> None:
    async def act(panel: Any, drawn: list[Any]) -> None:
        await go(panel, 1, 2)
        assert drawn == [1, 2]

    played(act, x=ipywidgets.Dropdown(options=range(9)))


def test_a_hand_that_is_quick_waits_for_nothing() -> None:
    async def act(panel: Any, drawn: list[Any]) -> None:
        for value in range(1, 7):
            panel.controls["x"].value = value
        assert drawn == [1, 2, 3, 4, 5, 6]

    played(act)


@pytest.mark.parametrize("to", [1, 3])  # where it was, and where it will be
@pytest.mark.parametrize(
    "what", ["a cell runs", "another hand moves", "a panel plays", "time passes", "set", "room"]
)
def test_what_was_made_ahead_does_not_outlive_what_it_may_depend_on(
    monkeypatch: pytest.MonkeyPatch, what: str, to: int
) -> None:
    class Game:
        """Something that plays."""

    game: Any = Game()
    clock = time.perf_counter

    async def act(panel: Any, drawn: list[Any]) -> None:
        await go(panel, 1, 2)
        hand = 1  # the message of a key
        if what == "a cell runs":
            hand = 3
        elif what == "another hand moves":
            hand = 2
        elif what == "a panel plays":
            PLAYING.add(game)
        elif what == "time passes":
            monkeypatch.setattr(time, "perf_counter", lambda: clock() + ahead.FRESH)
        elif what == "set":
            panel.set(x=2)
        else:
            panel.hand.room = 400
        before = drawn.count(to)
        monkeypatch.setattr(CELLS, "moment", CELLS.moment + hand)
        panel.controls["x"].value = to
        assert drawn.count(to) == before + 1

    played(act)
    PLAYING.discard(game)


def test_the_way_back_does_not_outlive_the_cell_that_made_the_panel() -> None:
    gain = [1]
    shell = InteractiveShell()
    CELLS.watch(shell)

    def draw(x: int) -> bytes:
        return f"{x} times {gain[0]}".encode()

    shell.user_ns.update(explore=explore, draw=draw, gain=gain)
    shell.run_cell("panel = explore(draw, x=(0, 20)); gain[0] = 2")
    panel = shell.user_ns["panel"]
    asyncio.run(go(panel, 11, 10))
    assert panel.png == b"10 times 2"


@pytest.mark.parametrize("what", ["a cell runs", "a panel plays"])
def test_what_was_made_meanwhile_does_not_outlive_it(
    monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    class Game:
        """Something that plays, and ends by itself."""

    game: Any = Game()

    async def act(panel: Any, drawn: list[Any]) -> None:
        if what == "a cell runs":  # the hand has a thread of its own
            monkeypatch.setattr(CELLS, "running", True)
        else:
            PLAYING.add(game)
        await go(panel, 3)
        monkeypatch.setattr(CELLS, "running", False)
        PLAYING.discard(game)
        await go(panel, 4, 3)
        assert drawn == [3, 4, 3, 2]

    played(act)


class Held(DescriptionWidget, ipywidgets.ValueWidget):  # type: ignore[misc]
    """A control that holds anything."""

    value = traitlets.Any()


@pytest.mark.parametrize("held", [np.arange(3), [1, 2], {"a": 1}, None, math.nan])
def test_beside_values_that_cannot_be_compared_pictures_are_made_ahead(held: Any) -> None:
    async def act(panel: Any, drawn: list[Any]) -> None:
        panel.controls["y"].value = held
        drawn.clear()
        await go(panel, 1, 2, 3)
        assert [x for x, _ in drawn] == [1, 2, 3, 4]
        assert panel.error is None

    played(act, x=(0, 20), y=Held())


def test_a_control_needs_no_label() -> None:
    class Bare(ipywidgets.DOMWidget, ipywidgets.ValueWidget):  # type: ignore[misc]
        """As most widgets are that somebody else has made."""

        value = traitlets.Any()

    async def act(panel: Any, drawn: list[Any]) -> None:
        await go(panel, 1)
        await go(panel, {"a": 2}, name="y")
        assert drawn == [(1, 0), (2, 0), (1, {"a": 2})]

    played(act, x=(0, 20), y=Bare())


@pytest.mark.parametrize("step", [1e-9, 1e-8, 0.3, -0.1, 1000.0])
def test_a_step_may_be_of_any_size(step: float) -> None:
    stops = [stop * abs(step) for stop in (1, 2, 3, 4, 3, 4, 5)]

    async def act(panel: Any, drawn: list[Any]) -> None:
        await go(panel, *stops[:2])
        for stop in stops[2:]:
            drawn.clear()
            panel.controls["x"].value = stop
            assert drawn == []
            shown = float(panel.sentence.split()[1].rstrip("}"))
            assert shown == pytest.approx(stop, rel=1e-6, abs=0)
            await idle()

    played(act, x=ipywidgets.FloatSlider(0.0, min=0.0, max=8 * abs(step), step=step))


def test_small_numbers_that_are_typed_are_not_taken_for_others() -> None:
    async def act(panel: Any, drawn: list[Any]) -> None:
        await go(panel, 0.0, 1e-9, 2e-9)
        assert drawn == [1e-9, 2e-9]

    played(act, x=ipywidgets.FloatText(0.0))


def test_a_slider_without_ends_or_number_is_drawn_as_ever() -> None:
    async def act(panel: Any, drawn: list[Any]) -> None:
        await go(panel, 0.1, 0.2, math.nan)
        assert drawn[:2] == [0.1, 0.2]
        assert math.isnan(drawn[2])
        assert panel.error is None

    played(act, x=ipywidgets.FloatSlider(0.0, min=-math.inf, max=1.0, step=0.1))


def test_a_slow_picture_that_is_known_makes_no_slider_quick(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ahead, "QUICK", 0.01)

    def draw(x: int) -> bytes:
        time.sleep(0.3)
        return b"slow"

    panel = explore(draw, x=(0, 20))
    asyncio.run(go(panel, 11, 12, 11))
    assert panel.controls["x"].continuous_update is False


def test_nothing_is_made_ahead_while_a_panel_plays_a_cell_runs_or_by_code(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Game:
        """Something that plays."""

    game: Any = Game()

    async def act(panel: Any, drawn: list[Any]) -> None:
        PLAYING.add(game)
        await go(panel, 1, 2)
        PLAYING.discard(game)
        monkeypatch.setattr(CELLS, "running", True)
        await go(panel, 3, 4)
        monkeypatch.setattr(CELLS, "running", False)
        for value in (5, 6, 7):
            panel.set(x=value)
            await idle()
        assert drawn == [1, 2, 3, 4, 5, 6, 7]

    played(act)


def test_pictures_that_become_slow_are_not_made_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    async def act(panel: Any, drawn: list[Any]) -> None:
        await go(panel, 1)
        assert drawn == [1, 2]
        monkeypatch.setattr(ahead, "QUICK", 0.0)  # what was quick enough is so no more
        await go(panel, 2, 3, 4)
        assert drawn == [1, 2, 3, 4]

    played(act)


def test_a_failure_ahead_of_time_is_told_by_who_gets_there() -> None:
    async def act(panel: Any, drawn: list[Any]) -> None:
        await go(panel, 11, 12)
        assert drawn[-1] == 13
        assert panel.error is None
        await go(panel, 13)
        assert "thirteen" in panel.line.value
        await go(panel, 14)
        assert panel.error is None
        assert panel.png == b"picture of {'x': 14}"

    played(act)


def test_where_no_kernel_is_nothing_is_made_ahead() -> None:
    async def nothing(panel: Any, drawn: list[Any]) -> None:
        pass

    panel, drawn = played(nothing)
    for value in (1, 2, 3):
        panel.controls["x"].value = value
    assert drawn == [1, 2, 3]
