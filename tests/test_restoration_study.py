"""The stored table of restorations: whole, of this code, and replayed in its first steps."""

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from gan_lessons import pretrained
from gan_lessons.data import Digits
from gan_lessons.data.degradations import KINDS, classic
from gan_lessons.errors import UserError
from gan_lessons.methods import RECIPES, RestorationSettings
from gan_lessons.methods.restoration import as_inputs, restore
from gan_lessons.studies import restoration as study
from gan_lessons.studies.restoration import ARMS, TRIES

torch.set_num_threads(1)
STORED = study.load()
BOTH = ARMS | TRIES


def finish(trainer, steps: int):
    for _ in trainer.run(steps):
        pass
    return trainer


def test_psnr_by_hand() -> None:
    truth = torch.zeros(2, 1, 2, 2)
    assert study.psnr(truth + 0.2, truth) == pytest.approx(20)  # 4 / 0.04 = 100
    half = study.psnr(truth + 0.2 / math.sqrt(2), truth)
    assert half == pytest.approx(20 + 10 * math.log10(2))
    assert study.psnr(truth, truth) == math.inf


def test_nothing_learns_from_what_is_held_out() -> None:
    held, learned = study.held_out(), study.learned()
    assert (len(held.images), len(held.labels), len(learned)) == (1000, 1000, 4000)
    seen = {digit.numpy().tobytes() for digit in learned}
    assert not [digit for digit in held.images if digit.numpy().tobytes() in seen]
    assert study.start("adversarial", 0).samples.shape == learned.shape


def test_a_run_without_a_name_gets_a_sentence() -> None:
    with pytest.raises(UserError, match="There is no 'more luck'; choose one of adversarial"):
        study.start("more luck", 0)
    with pytest.raises(UserError, match="no rows of 'more luck' with 'brush'"):
        study.mean(STORED, "more luck", "brush", "psnr")


def test_runs_are_stored_as_they_end_and_gone_on_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arms = {
        "adversarial": study.Arm("restore", seeds=(0,)),
        "regression": study.Arm("restore", 2.0, seeds=(0, 1)),
    }
    monkeypatch.setattr(study, "ARMS", arms)
    tries = {"a try": study.Arm("restore", seeds=(5,), choosing=True)}
    monkeypatch.setattr(study, "TRIES", tries)
    monkeypatch.setattr(study, "STEPS", 10)
    small = RestorationSettings(width=4, discriminator_width=4, batch_size=8)
    monkeypatch.setitem(RECIPES, "restore", small)

    few = study.held_out()
    few = replace(few, images=few.images[:8], labels=few.labels[:8])
    monkeypatch.setattr(study, "mnist_test", lambda: few)

    def score(made: torch.Tensor, digits: Digits | None = None) -> study.Score:
        return study.Score(study.psnr(made, (digits or study.held_out()).images), 1.0, 0.5)

    monkeypatch.setattr(study, "score", score)
    path = tmp_path / "restoration.json"
    first = next(study.train_all(path))
    assert [row.arm for row in study.load(path)] == ["classic"] * 4 + ["a try"] * 4
    others = list(study.train_all(path))
    assert [(rows[0].arm[0], rows[0].seed) for rows in others] == [("a", 0), ("r", 0), ("r", 1)]
    assert [rows[0].steps for rows in others] == [10, 5, 5]
    tested = {row.arm: row.test_psnr for row in study.load(path)}
    assert tested["a try"] == 0
    assert 0 not in (tested["classic"], tested["adversarial"])
    assert {row.test_psnr == row.psnr for row in study.load(path)} == {False}  # of other digits
    again = study.train("a try", 5)
    assert [row._replace(seconds=0) for row in again] == [r._replace(seconds=0) for r in first]


def test_without_the_test_digits_a_sentence_comes_before_any_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study.mnist_test.cache_clear()
    monkeypatch.setenv("GAN_LESSONS_DATA", "bundled")
    monkeypatch.setattr(study, "train", lambda name, seed: pytest.fail("it trained"))
    with pytest.raises(UserError, match="they have no test split"):
        next(study.train_all(tmp_path / "restoration.json"))


# The stored runs


def test_the_stored_runs_are_all_there_and_those_of_this_code() -> None:
    wanted = {(name, seed) for name, arm in BOTH.items() for seed in arm.seeds}
    wanted.add(("classic", 0))
    found = [(row.arm, row.seed, row.kind) for row in STORED]
    assert sorted(found) == sorted((*key, kind) for key in wanted for kind in KINDS)
    assert all(len(arm.seeds) >= 3 for arm in ARMS.values())
    for row in STORED:
        if row.arm != "classic":
            assert row.steps == BOTH[row.arm].steps
            assert row.plan == study.checksum(row.arm), "settings changed: train again"
        assert (row.test_distance == 0) == (row.test_psnr == 0) == (row.arm in TRIES)


@pytest.mark.parametrize("arm", ["adversarial", "adversarial, no label", "regression"])
def test_the_table_has_the_try_that_served_each_way_to_learn_best(arm: str) -> None:
    assert len(study.tries_of(arm)) == 6
    chosen, ours = study.start(study.best_try(STORED, arm), 0), study.start(arm, 0)
    assert replace(chosen.settings, steps=None) == replace(ours.settings, steps=None)
    digits = [study.held_out(choosing).images for choosing in (False, True)]
    seen = [{digit.numpy().tobytes() for digit in part} for part in (*digits, chosen.samples)]
    assert len(chosen.samples) == 3000
    assert len(set.union(*seen)) == sum(map(len, seen))  # no digit is in two of the parts


@pytest.mark.parametrize("name", BOTH)
def test_a_run_begins_as_its_stored_one_on_any_processor(name: str) -> None:
    """After `EARLY` steps differences of rounding are still small; changed code is not."""
    stored = max((row for row in STORED if row.arm == name), key=lambda row: row.seed)
    trainer = finish(study.start(name, stored.seed), study.EARLY)
    assert study.early_number(trainer) == pytest.approx(stored.early, rel=0.02)


@pytest.mark.parametrize("kind", KINDS)
def test_the_classic_rows_are_what_the_classic_remedies_do(kind: str) -> None:
    (row,) = (row for row in STORED if (row.arm, row.kind) == ("classic", kind))
    found = study.score(classic(kind, study.spoiled(kind)))
    assert found.psnr == pytest.approx(row.psnr, abs=0.01)
    assert found.distance == pytest.approx(row.distance, rel=0.01)
    assert found.read == pytest.approx(row.read, abs=0.003)


@pytest.mark.parametrize("arm", ["adversarial", "regression"])
def test_the_shipped_networks_are_those_of_seed_0(arm: str) -> None:
    name = ARMS[arm].recipe
    network = pretrained.load_restorer(name)
    assert (pretrained.FOLDER / f"{name}.safetensors").stat().st_size < 320_000
    for kind in ("centre", "noise"):
        (row,) = (r for r in STORED if (r.arm, r.seed, r.kind) == (arm, 0, kind))
        inputs = as_inputs(study.spoiled(kind), torch.Generator().manual_seed(0))
        with torch.no_grad():
            found = study.score(restore(network, inputs))
        assert found.psnr == pytest.approx(row.psnr, abs=0.02)
        assert found.distance == pytest.approx(row.distance, abs=0.05)


@pytest.mark.parametrize("kind", KINDS)
def test_what_the_lesson_says_of_the_table(kind: str) -> None:
    many = []
    rows = {(row.arm, row.seed): row for row in STORED if row.kind == kind}
    floor = study.score(study.held_out().images).distance  # of as many real digits
    for seed in ARMS["adversarial"].seeds:
        adversarial, regression = rows["adversarial", seed], rows["regression", seed]
        many.append(adversarial.test_distance / regression.test_distance)
        assert rows["regression, leaky", seed].distance < regression.distance
        assert 0.55 < regression.test_psnr - adversarial.test_psnr < 1.15
        untold = rows["adversarial, no label", seed]
        told = adversarial.test_distance / untold.test_distance
        low, high = {"brush": (0.95, 1.02), "noise": (1.1, 1.7)}.get(kind, (0.7, 0.87))
        assert low < told < high
        assert kind != "small" or untold.test_distance > 0.5 * regression.test_distance
        assert adversarial.test_psnr > untold.test_psnr - 0.17
        assert (regression.distance < 1.4 * floor) == (kind == "noise")
    lowest, highest = {"brush": (0.4, 0.5), "centre": (0.1, 0.2), "small": (0.35, 0.5)}.get(
        kind, (0.6, 0.9)
    )
    assert all(lowest < ratio < highest for ratio in many)
    leaky, plain, against, classical = (
        {
            what: study.mean(STORED, arm, kind, what)
            for what in ("psnr", "distance", "test_psnr", "test_distance")
        }
        for arm in ("regression, leaky", "regression", "adversarial", "classic")
    )
    assert abs(plain["psnr"] - leaky["psnr"]) < 0.11
    assert leaky["test_distance"] < 0.9 * plain["test_distance"]
    further = leaky["test_distance"] - against["test_distance"]
    assert (further < 0.02) == (kind == "noise")
    assert against["psnr"] > classical["psnr"]
    assert f"{plain['distance']:.2f}" in study.table(STORED)


def test_all_ways_to_learn_had_about_the_same_computing() -> None:
    seconds = {arm: study.mean(STORED, arm, KINDS[0], "seconds") for arm in ARMS}
    assert all(found == pytest.approx(seconds["regression"], rel=0.1) for found in seconds.values())
    assert seconds["adversarial"] < 90
