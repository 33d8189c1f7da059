"""The stored table of translations: whole, of this code, and replayed in its first steps."""

from collections.abc import Iterator
from pathlib import Path
from statistics import fmean as mean
from typing import Any

import pytest
import torch

from gan_lessons import pretrained
from gan_lessons.errors import UserError
from gan_lessons.methods import RECIPES
from gan_lessons.methods.cycle import PAIRS, CycleSettings
from gan_lessons.methods.pix2pix import Pix2PixSettings, connect
from gan_lessons.studies import restoration
from gan_lessons.studies import translation as study
from gan_lessons.studies.restoration import held_out
from gan_lessons.studies.translation import ARMS, SHIPPED

torch.set_num_threads(1)
STORED = study.load()


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Two arms of two seeds, trained in a second."""
    less: dict[str, Any] = {"width": 4, "discriminator_width": 4, "batch_size": 8}
    monkeypatch.setitem(RECIPES, "cycle_stripes", CycleSettings(**less))
    monkeypatch.setitem(RECIPES, "pix2pix", Pix2PixSettings(**less))
    arms = {"stripes": study.Arm("cycle_stripes", 12), "pairs": study.Arm("pix2pix", 12)}
    monkeypatch.setattr(study, "ARMS", arms)
    monkeypatch.setattr(study, "SHIPPED", ("stripes", "pairs"))
    monkeypatch.setattr(study, "SEEDS", 2)
    monkeypatch.setattr(study, "score", lambda made, labels, target: (0.5, 1.0))
    study._trained.cache_clear()
    yield
    study._trained.cache_clear()


@pytest.mark.usefixtures("small")
def test_runs_are_stored_as_they_end_and_gone_on_with(tmp_path: Path) -> None:
    path = tmp_path / "translation.json"
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


@pytest.mark.usefixtures("small")
def test_the_command_trains_what_lacks_and_ships(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "translation.json"
    assert study.main(["--out", str(path)]) == 0
    told = capsys.readouterr().out
    assert "stripes, seed 1, to_a: 50.0% / 1.00\n" in told
    assert "label read" in told
    assert study.main(["--ship", str(tmp_path)]) == 0
    names = [f"{name}.safetensors" for name in ("cycle_stripes", "pix2pix")]
    assert capsys.readouterr().out.splitlines() == [str(tmp_path / name) for name in names]
    assert set(pretrained.load_generators(tmp_path / names[0])) == set(study.WAYS)
    assert pretrained.load_restorer(tmp_path / names[1])


def test_a_run_without_a_name_gets_a_sentence() -> None:
    with pytest.raises(UserError, match="There is no 'more luck'; choose one of stripes"):
        study.start("more luck", 0)
    with pytest.raises(UserError, match="no rows of 'pairs' in the way 'to_a'"):
        study.of(STORED, "pairs", "to_a")


def test_the_stored_runs_are_all_there_and_those_of_this_code() -> None:
    assert [(row.arm, row.seed, row.way) for row in STORED] == study.wanted()
    assert len({row.seed for row in STORED if row.arm == "stripes"}) == study.SEEDS == 3
    plans = {arm: study.checksum(arm) for arm in {row.arm for row in STORED}}
    for row in STORED:
        assert row.steps == (ARMS[row.arm].steps if row.arm in ARMS else 0)
        assert row.plan == plans[row.arm], "settings changed: train again"


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
    if arm.startswith("pairs"):
        network, inputs = pretrained.load_restorer(source), study.dots()
        other = torch.cat([inputs[:, :2], -inputs[:, 2:]], dim=1)  # another plane of noise
        with torch.no_grad():
            made, again = connect(network, inputs), connect(network, other)
        assert (made - again).square().mean().sqrt() < 0.1  # it hardly looks at it
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
    alone, against = (study.of(STORED, arm) for arm in ("pairs, alone", "pairs"))
    together = list(zip(alone, against, strict=True))
    assert all(one.error < other.error for one, other in together)
    assert [one.distance < other.distance for one, other in together] == [True, False, True]
    assert [one.read > other.read - 0.01 for one, other in together] == [True] * 3
    assert [min(r.distance for r in alone), max(r.distance for r in alone)] == pytest.approx(
        [2.6, 28.5], abs=0.05
    )
    steps = [ARMS["pairs"].steps, ARMS["pairs, alone"].steps]
    pictures = [RECIPES["pix2pix"].batch_size * steps[0]]
    pictures.append(RECIPES["restore"].batch_size * restoration.STEPS)
    assert pictures == [19_200, 56_000]  # lesson 13 trained longer
    costs = [mean(row.seconds for row in rows) for rows in (against, alone)]
    assert costs[0] == pytest.approx(costs[1], rel=0.1)
    (nothing,) = study.of(STORED, "nothing, printed", "to_a")
    patches, whole, free, longer = (
        study.of(STORED, f"printed, {arm}", "to_a")
        for arm in ("patches", "whole", "whole, λ ÷ 5", "whole, longer")
    )
    for row in patches:
        assert row.read > 0.99
        assert row.distance / nothing.distance == pytest.approx(0.8, abs=0.05)
    for row in whole:
        assert 0.94 <= row.read <= 0.975
        assert row.distance < 0.68 * nothing.distance
    for row in (*free, *longer):
        assert row.read < min(row.read for row in whole)
        assert row.distance > max(row.distance for row in whole)
    there = [row for row in STORED if row.way == "to_b" and row.arm.startswith("printed")]
    (nothing,) = study.of(STORED, "nothing, printed")
    assert min(row.distance for row in there) == pytest.approx(17.2, abs=0.05)
    assert nothing.distance == pytest.approx(17.9, abs=0.05)
    for found in study.hidden(STORED):
        assert found.same > 0.99
        assert found.made > 0.95 > 0.8 > found.genuine
