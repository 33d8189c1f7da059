"""A slider that goes stop by stop finds its next picture made, and never a wrong one."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import ipywidgets
import pytest

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
@pytest.mark.parametrize("what", ["a cell runs", "a panel plays", "time passes", "set", "room"])
def test_what_was_made_ahead_does_not_outlive_what_it_may_depend_on(
    monkeypatch: pytest.MonkeyPatch, what: str, to: int
) -> None:
    class Game:
        """Something that plays."""

    game: Any = Game()
    clock = time.perf_counter

    async def act(panel: Any, drawn: list[Any]) -> None:
        await go(panel, 1, 2)
        if what == "a cell runs":
            monkeypatch.setattr(CELLS, "begun", CELLS.begun + 1)
        elif what == "a panel plays":
            PLAYING.add(game)
        elif what == "time passes":
            monkeypatch.setattr(time, "perf_counter", lambda: clock() + ahead.FRESH)
        elif what == "set":
            panel.set(x=2)
        else:
            panel.hand.room = 400
        before = drawn.count(to)
        panel.controls["x"].value = to
        assert drawn.count(to) == before + 1

    played(act)
    PLAYING.discard(game)


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
