"""Which levers are pulled, and that the answer is remembered."""

import json
from pathlib import Path
from typing import Any

import pytest

from gan_lessons import machine
from gan_lessons.training import RECIPES

PLAIN = {"precision": "float32", "workers": 1, "cuda_graphs": "off"}
TWO = {"precision": "float32", "workers": 2, "cuda_graphs": "off"}
LOW = {"precision": "bfloat16", "workers": 2, "cuda_graphs": "off"}


@pytest.mark.parametrize(
    ("rates", "best"),
    [((30, 29, 31), PLAIN), ((30, 40, 41), TWO), ((30, 40, 60), LOW), ((30, 20, 60), LOW)],
)
def test_a_lever_has_to_be_worth_it(rates: tuple[float, ...], best: dict[str, Any]) -> None:
    assert machine.fastest(zip((PLAIN, TWO, LOW), rates, strict=True)) == best


def test_every_candidate_is_measured_and_plain_is_the_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(machine, "cores", lambda: 2)
    assert len(machine.candidates()) == 4
    assert machine.candidates()[0] == PLAIN
    monkeypatch.setattr(machine, "cores", lambda: 1)
    assert {each["workers"] for each in machine.candidates()} == {1}
    monkeypatch.setattr(machine, "STEPS", 1)
    measured = machine.measure(machine.candidates())
    assert [levers for levers, _ in measured] == machine.candidates()
    assert all(rate > 0 for _, rate in measured)


def test_a_measurement_is_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    memory = tmp_path / "folder" / "levers.json"
    monkeypatch.setattr(machine, "measure", lambda *_: [(PLAIN, 1.0), (LOW, 2.0)])
    assert machine.levers(memory=memory) == LOW
    monkeypatch.setattr(machine, "measure", lambda *_: pytest.fail("measured again"))
    assert machine.levers(memory=memory) == LOW


@pytest.mark.parametrize("text", ["", "[]", "{", '{"machine": "another"}', None])
def test_what_is_damaged_or_of_another_machine_is_measured_again(
    text: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = tmp_path / "levers.json"
    monkeypatch.setattr(machine, "measure", lambda *_: [(PLAIN, 1.0), (TWO, 2.0)])
    machine.levers(memory=memory)
    if text is None:
        text = memory.read_text(encoding="utf-8").replace("float32", "float7")
    memory.write_text(text, encoding="utf-8")
    assert machine.levers(memory=memory) == TWO
    assert json.loads(memory.read_text(encoding="utf-8"))["levers"] == TWO


def test_a_memory_that_cannot_be_written_costs_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "measure", lambda *_: [(PLAIN, 1.0)])
    (tmp_path / "file").write_text("")
    assert machine.levers(memory=tmp_path / "file" / "levers.json") == PLAIN


def test_the_fast_recipe_takes_what_is_found() -> None:
    from dataclasses import replace

    for levers in machine.candidates():
        assert replace(RECIPES["fast"], **levers).workers == levers["workers"]
