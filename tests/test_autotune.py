"""Which candidate is the fastest, and that the answer is remembered."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gan_lessons.methods import RECIPES, OnePassGAN, OnePassSettings, one_pass
from gan_lessons.training import autotune

SETTINGS = OnePassSettings()
PLAIN: dict[str, Any] = {"precision": "float32", "workers": 1, "cuda_graphs": False}
TWO: dict[str, Any] = {"precision": "float32", "workers": 2, "cuda_graphs": False}
LOW: dict[str, Any] = {"precision": "bfloat16", "workers": 2, "cuda_graphs": False}


@pytest.fixture(autouse=True)
def two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(one_pass, "cores", lambda: 2)


@pytest.mark.parametrize(
    ("rates", "best"),
    [((30, 29, 31), PLAIN), ((30, 40, 41), TWO), ((30, 40, 60), LOW), ((30, 20, 60), LOW)],
)
def test_a_candidate_has_to_be_worth_it(rates: tuple[float, ...], best: dict[str, Any]) -> None:
    assert autotune.fastest(zip((PLAIN, TWO, LOW), rates, strict=True)) == best


@pytest.mark.parametrize(
    ("cores", "batch_size", "workers"),
    [
        (1, 32, {1}),
        (2, 32, {1, 2}),
        (16, 32, {1, 2, 4, 8, 16}),
        (6, 48, {1, 2, 3, 4, 6}),
        (64, 8, {1, 2, 4}),
    ],
)
def test_as_many_workers_are_tried_as_cores_and_batch_allow(
    cores: int, batch_size: int, workers: set[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(one_pass, "cores", lambda: cores)
    settings = OnePassSettings(batch_size=batch_size)
    tried = OnePassGAN.candidates(settings)
    assert tried[0] == PLAIN
    assert {each["workers"] for each in tried} == workers
    for each in tried:
        replace(settings, **each)
    assert {e["workers"] for e in OnePassGAN.candidates(OnePassSettings(device="cuda"))} == {1}


def test_every_candidate_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(autotune, "STEPS", 1)
    tried = OnePassGAN.candidates(SETTINGS)
    measured = autotune.measure(SETTINGS, tried)
    assert [changes for changes, _ in measured] == tried
    assert all(rate > 0 for _, rate in measured)


def test_a_measurement_is_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = tmp_path / "folder" / "autotune.json"
    monkeypatch.setattr(autotune, "measure", lambda *_: [(PLAIN, 1.0), (LOW, 2.0)])
    assert autotune.autotune(SETTINGS, cache) == replace(SETTINGS, **LOW)
    monkeypatch.setattr(autotune, "measure", lambda *_: pytest.fail("measured again"))
    assert autotune.autotune(RECIPES["best"], cache) == replace(RECIPES["best"], **LOW)


def test_a_method_without_candidates_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(autotune, "measure", lambda *_: pytest.fail("measured"))
    assert autotune.autotune(RECIPES["dcgan"]) == RECIPES["dcgan"]


@pytest.mark.parametrize("text", ["", "[]", "{", "[" * 200_000, '{"machine": "another"}', None])
def test_what_is_damaged_or_of_another_machine_is_measured_again(
    text: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "autotune.json"
    monkeypatch.setattr(autotune, "measure", lambda *_: [(PLAIN, 1.0), (TWO, 2.0)])
    autotune.autotune(SETTINGS, cache)
    if text is None:
        text = cache.read_text(encoding="utf-8").replace("float32", "float7")
    cache.write_text(text, encoding="utf-8")
    assert autotune.autotune(SETTINGS, cache) == replace(SETTINGS, **TWO)
    assert json.loads(cache.read_text(encoding="utf-8"))["fastest"] == TWO


def test_a_cache_that_cannot_be_written_costs_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(autotune, "measure", lambda *_: [(PLAIN, 1.0)])
    (tmp_path / "file").write_text("")
    assert autotune.autotune(SETTINGS, tmp_path / "file" / "autotune.json") == SETTINGS
