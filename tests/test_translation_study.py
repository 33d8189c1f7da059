"""The stored table of translations: whole, of this code, and replayed in its first steps."""

from pathlib import Path
from typing import Any

import pytest
import torch

from gan_lessons import pretrained
from gan_lessons.errors import UserError
from gan_lessons.methods import RECIPES, CycleSettings, Pix2PixSettings
from gan_lessons.methods.cycle import PAIRS
from gan_lessons.methods.restoration import restore
from gan_lessons.studies import translation as study
from gan_lessons.studies.restoration import held_out
from gan_lessons.studies.translation import ARMS, SHIPPED

torch.set_num_threads(1)
STORED = study.load()


def test_runs_are_stored_as_they_end_and_gone_on_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small: dict[str, Any] = {"width": 4, "discriminator_width": 4, "batch_size": 8}
    monkeypatch.setitem(RECIPES, "cycle_stripes", CycleSettings(**small))
    monkeypatch.setitem(RECIPES, "pix2pix", Pix2PixSettings(**small))
    arms = {"stripes": study.Arm("cycle_stripes", 12), "pairs": study.Arm("pix2pix", 12)}
    monkeypatch.setattr(study, "ARMS", arms)
    monkeypatch.setattr(study, "SEEDS", 2)
    monkeypatch.setattr(study, "score", lambda made, labels, target: (0.5, 1.0))
    path = tmp_path / "translation.json"
    study._trained.cache_clear()
    rows = study.train_all(path)
    first = [next(rows) for _ in range(6)]
    assert [(row.arm, row.way) for row in first[:4]] == [
        (f"nothing, {pair}", way) for pair in PAIRS for way in study.WAYS
    ]
    assert [(row.arm, row.way) for row in first[4:]] == [("stripes", way) for way in study.WAYS]
    rest = list(study.train_all(path))
    assert [(row.arm, row.seed, row.way) for row in rest] == [
        ("pairs", 0, "to_b"), ("stripes", 1, "to_b"), ("stripes", 1, "to_a"), ("pairs", 1, "to_b"),
    ]  # fmt: skip
    study._trained.cache_clear()
    again = [study.train("stripes", 0, way) for way in study.WAYS]
    assert [row._replace(seconds=0) for row in again] == [r._replace(seconds=0) for r in first[4:]]
    assert study.load(path) == first + rest
    study._trained.cache_clear()


def test_a_run_without_a_name_gets_a_sentence() -> None:
    with pytest.raises(UserError, match="There is no 'more luck'; choose one of stripes"):
        study.start("more luck", 0)
    with pytest.raises(UserError, match="no rows of 'pairs' in the way 'to_a'"):
        study.of(STORED, "pairs", "to_a")


def test_the_stored_runs_are_all_there_and_those_of_this_code() -> None:
    wanted = {(n, seed, way) for n, arm in ARMS.items() for seed in range(3) for way in arm.ways}
    wanted |= {(f"nothing, {pair}", 0, way) for pair in PAIRS for way in study.WAYS}
    found = [(row.arm, row.seed, row.way) for row in STORED]
    assert sorted(found) == sorted(wanted)
    for row in STORED:
        assert row.steps == (ARMS[row.arm].steps if row.arm in ARMS else 0)
        assert row.plan == study.checksum(row.arm), "settings changed: train again"


@pytest.mark.parametrize("name", ARMS)
def test_a_run_begins_as_its_stored_one_on_any_processor(name: str) -> None:
    """After `EARLY` steps differences of rounding are still small; changed code is not."""
    stored = max(study.of(STORED, name), key=lambda row: row.seed)
    trainer = study.start(name, stored.seed)
    for _ in trainer.run(study.EARLY):
        pass
    assert study.early_number(trainer) == pytest.approx(stored.early, rel=0.02)


def test_the_rows_of_doing_nothing_are_measured_anew() -> None:
    stored = [row for row in STORED if row.arm.startswith("nothing")]
    assert len(stored) == 2 * len(PAIRS)
    for row in stored:
        found = study.train(row.arm, 0, row.way)
        assert found.read == pytest.approx(row.read, abs=0.003)
        assert found.distance == pytest.approx(row.distance, rel=0.01)


@pytest.mark.parametrize("arm", SHIPPED)
def test_the_shipped_networks_are_those_of_seed_0(arm: str) -> None:
    source = ARMS[arm].recipe
    assert (pretrained.FOLDER / f"{source}.safetensors").stat().st_size < 300_000
    if arm == "pairs":
        with torch.no_grad():
            made = restore(pretrained.load_restorer(source), study.dots())
        labels, target = held_out().labels, "plain"
    else:
        digits, labels = held_out(), held_out().labels
        made = study.apply(pretrained.load_generators(source)["to_b"], digits.images)
        target = RECIPES[source].pair
    read, distance = study.score(made, labels, target)
    row = study.of(STORED, arm)[0]
    assert read == pytest.approx(row.read, abs=0.004)
    assert distance == pytest.approx(row.distance, rel=0.02)


def test_what_the_lesson_says_of_the_table() -> None:
    for way in study.WAYS:
        (nothing,) = study.of(STORED, "nothing, stripes", way)
        for row in study.of(STORED, "stripes", way):
            assert row.read >= 0.9
            assert row.distance <= nothing.distance / 5
    for alone, against in zip(
        study.of(STORED, "pairs, alone"), study.of(STORED, "pairs"), strict=True
    ):
        assert alone.error < against.error
        assert against.distance < alone.distance
    (nothing,) = study.of(STORED, "nothing, printed")
    for row in (*study.of(STORED, "printed"), *study.of(STORED, "printed, whole")):
        assert row.read < nothing.read
        assert row.distance < nothing.distance
    assert f"{nothing.distance:.2f}" in study.table(STORED, ["nothing, printed"])
