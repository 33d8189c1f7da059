"""Does a GAN help a classifier? How its digits are dealt, its arms, its test, its stored runs."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from scipy import stats

from gan_lessons import classifier
from gan_lessons.classifier import jitter
from gan_lessons.errors import UserError
from gan_lessons.studies import augmentation as study
from gan_lessons.studies import few_labels
from gan_lessons.studies.augmentation import ARMS, LABELS, RARE_ARMS, RARE_DIGITS
from gan_lessons.studies.few_labels import RARE_LABELS
from gan_lessons.studies.statistics import Paired, paired
from gan_lessons.training import Trainer

torch.set_num_threads(1)
STORED = study.load()


def rows(images: torch.Tensor) -> set[bytes]:
    return {image.numpy().tobytes() for image in images}


def test_no_digit_is_in_two_sets_and_fewer_labels_are_among_more() -> None:
    for seed in (0, 3):
        few, many = few_labels.split(5, seed), few_labels.split(50, seed)
        sets = [rows(part.images) for part in many]
        assert sum(map(len, sets)) == len(set().union(*sets)) == 5000
        assert torch.bincount(many.labelled.labels).tolist() == [50] * 10
        assert torch.bincount(many.held_out.labels).tolist() == [few_labels.HELD_OUT] * 10
        assert rows(few.labelled.images) < rows(many.labelled.images)
        assert rows(few.held_out.images) == rows(many.held_out.images)
    assert rows(few_labels.split(5, 0).held_out.images) != rows(
        few_labels.split(5, 1).held_out.images
    )


def test_a_rare_digit_has_few_labels_and_takes_none_of_the_held_out_ones() -> None:
    parts, plain = few_labels.split(50, 1, rare=3), few_labels.split(50, 1)
    assert torch.bincount(parts.labelled.labels).tolist() == [50] * 3 + [RARE_LABELS] + [50] * 6
    assert rows(parts.held_out.images) == rows(plain.held_out.images)
    assert len(RARE_DIGITS) >= study.SEEDS


@pytest.mark.parametrize("labels", [0, 401])
def test_impossible_labels_are_refused(labels: int) -> None:
    with pytest.raises(UserError, match=f"labels is {labels}; choose from 1 to 400"):
        few_labels.split(labels, 0)


def test_a_gan_is_shown_what_it_may_see_and_no_more() -> None:
    parts = few_labels.split(10, 2)
    own = study.start_gan(10, 2)
    assert rows(own.samples) == rows(parts.labelled.images)
    assert torch.equal(own.data["labels"], parts.labelled.labels)
    pool = study.start_pool_gan(2)
    assert rows(pool.samples) == rows(parts.labelled.images) | rows(parts.unlabelled.images)
    assert "labels" not in pool.data
    assert not rows(pool.samples) & rows(parts.held_out.images)


def test_shifts_keep_range_and_depend_on_strength_and_seed() -> None:
    images = few_labels.split(5, 0).labelled.images

    def moved(strength: float, seed: int = 0) -> torch.Tensor:
        return jitter(images, torch.Generator().manual_seed(seed), strength)

    assert torch.allclose(moved(0), images, atol=1e-5)
    assert moved(1).abs().max() <= 1 + 1e-5
    assert not torch.equal(moved(1), moved(1, seed=1))
    changes = [(moved(strength) - images).abs().mean() for strength in (0.5, 1, 1.5)]
    assert changes == sorted(changes)


def test_classifiers_see_shifts_as_strong_as_is_said() -> None:
    labelled = few_labels.split(5, 0).labelled
    trained = [
        few_labels.last(few_labels.learn(labelled, shifts=strength, updates=3))
        for strength in (0.0, 1.0, 3.0)
    ]
    first = [next(iter(classifier.parameters())) for classifier in trained]
    assert not torch.equal(first[0], first[1])
    assert not torch.equal(first[1], first[2])


def seen(
    monkeypatch: pytest.MonkeyPatch, extra: few_labels.Pictures | None, **how: bool
) -> list[int]:
    """Labels of all that a classifier was shown in 20 updates."""
    shown: list[int] = []
    loss = F.cross_entropy

    def listen(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        shown.extend(labels.tolist())
        return loss(logits, labels)

    monkeypatch.setattr(F, "cross_entropy", listen)
    labelled = few_labels.split(50, 0, rare=3).labelled
    few_labels.last(few_labels.learn(labelled, extra, updates=20, **how))
    monkeypatch.undo()
    return shown


def test_batches_are_as_large_with_extra_pictures_and_half_of_them(monkeypatch) -> None:
    extra = few_labels.Pictures(torch.zeros(7, 1, 28, 28), torch.full((7,), 3))
    alone = seen(monkeypatch, None, balanced=False)
    both = seen(monkeypatch, extra, balanced=False)
    assert len(alone) == len(both) == 20 * few_labels.BATCH
    assert alone.count(3) / len(alone) < 0.03  # 5 of 455
    assert both.count(3) / len(both) == pytest.approx(0.5 + alone.count(3) / len(alone), abs=0.02)
    equal = seen(monkeypatch, None, balanced=True)
    assert equal.count(3) / len(equal) == pytest.approx(0.1, abs=0.03)


def test_guessed_labels_are_the_teachers_whatever_the_truth() -> None:
    always_nine = torch.nn.Linear(784, 10)
    always_nine.weight.data.zero_()
    always_nine.bias.data = torch.arange(10.0)
    teacher = torch.nn.Sequential(torch.nn.Flatten(), always_nine)
    parts = few_labels.split(5, 0)
    assert few_labels.guessed(parts.unlabelled.images, teacher).labels.unique().tolist() == [9]


def test_copies_are_found_among_a_thief_s_fakes_and_not_among_honest_ones() -> None:
    parts = few_labels.split(20, 0)
    predict = classifier.load().predict
    thief, honest = parts.labelled.images, parts.held_out.images
    assert study.copies(predict(thief)[0], parts).share == 1
    assert 0.4 < study.copies(predict(honest)[0], parts).share < 0.6


@pytest.mark.parametrize(
    ("ours", "plain"),
    [([0.9, 0.8, 0.7], [0.8, 0.75, 0.5]), ([0.1, 0.2, 0.3, 0.9, 0.4], [0.2, 0.1, 0.3, 0.8, 0.9])],
)
def test_the_paired_test_is_that_of_the_textbook(ours: list[float], plain: list[float]) -> None:
    gaps = torch.tensor(ours, dtype=torch.float64) - torch.tensor(plain, dtype=torch.float64)
    found = paired(ours, plain)
    half = stats.t.ppf(0.975, len(ours) - 1) * gaps.std().item() / len(ours) ** 0.5
    assert found.mean == pytest.approx(gaps.mean().item())
    assert (found.low, found.high) == pytest.approx((found.mean - half, found.mean + half))
    assert (found.p < 0.05) == (found.low > 0 or found.high < 0)
    back = paired(plain, ours)
    assert (back.low, back.high) == pytest.approx((-found.high, -found.low))


def test_verdicts_follow_the_interval() -> None:
    plain = [0.5, 0.6, 0.7]
    assert paired([0.6, 0.71, 0.8], plain).verdict == "helps"
    assert paired([0.4, 0.49, 0.6], plain).verdict == "harms"
    assert paired([0.6, 0.5, 0.75], plain).verdict == "cannot tell"
    assert paired(plain, plain).verdict == "cannot tell"
    assert "+10.0 [+10.0, +10.0] points, p = 0: helps" in str(paired([0.6, 0.7], [0.5, 0.6]))
    for one, other in (([0.5], [0.4]), ([0.5, 0.6], [0.4]), ([], [])):
        with pytest.raises(UserError, match="as many results of one as of the other"):
            paired(one, other)


def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """So small a study that it takes seconds."""
    tiny: dict[str, Any] = {"generator_width": 8, "discriminator_width": 8, "steps": study.EARLY}
    monkeypatch.setattr(study, "OWN_GAN", replace(study.OWN_GAN, **tiny))
    monkeypatch.setattr(study, "POOL_GAN", replace(study.POOL_GAN, **tiny))
    monkeypatch.setattr(study, "FAKES", 200)
    monkeypatch.setattr(study, "UPDATES", 40)
    monkeypatch.setattr(study, "LABELS", (5,))
    for cached in (study._own, study._pool, study._taught):
        cached.cache_clear()


def test_runs_are_stored_as_they_end_and_gone_on_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small(monkeypatch)
    monkeypatch.setattr(study, "learn", partial(few_labels.learn, updates=40))
    monkeypatch.setattr(study, "RARE_ARMS", {})
    path = tmp_path / "augmentation.json"
    first = next(study.train_all(path, [0]))
    assert [run.arm for run in study.load(path)] == [study.NOTHING]
    others = list(study.train_all(path, [0]))
    stored = study.load(path)
    assert stored == [first, *others]
    assert [run.arm for run in stored] == list(ARMS)
    for run in stored:
        assert len(run.curve) == 1
        assert len(run.f1) == 10
        assert (run.right is None) == (not ARMS[run.arm].extra)
        assert (run.frechet is None) == ("GAN" not in ARMS[run.arm].extra)
        assert (run.copied is None) == (ARMS[run.arm].extra != "own GAN")
    for cached in (study._own, study._pool, study._taught):
        cached.cache_clear()
    again = study.train(study.BOTH, 5, 0)  # the seed decides a run
    assert again._replace(seconds=0) == stored[3]._replace(seconds=0)
    for cached in (study._own, study._pool, study._taught):
        cached.cache_clear()


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="There is no arm 'more luck'; choose one of nothing, "):
        study.train("more luck", 5, 0)
    with pytest.raises(UserError, match="There is no arm 'unlabelled, by GAN'"):
        study.train(study.POOL_BY_GAN, 50, 0, rare=8)
    with pytest.raises(UserError, match="There are no runs of 'more luck' with 5 labels"):
        study.results(STORED, "more luck", 5)
    with pytest.raises(UserError, match="has no runs that could be read"):
        study.load(tmp_path / "none.json")


# The stored runs


def test_the_stored_runs_are_all_there_and_those_of_this_code() -> None:
    keys = [(run.arm, run.labels, run.seed, run.rare) for run in STORED]
    assert keys == study.wanted()
    assert study.SEEDS >= 5
    for run in STORED:
        again = study.checksum(run.arm, run.labels, run.seed, run.rare)
        assert run.plan == again, "what decides a run has changed: train again"
        assert len(run.curve) == few_labels.UPDATES // study.EVERY
        assert run.macro_f1 == pytest.approx(sum(run.f1) / 10, abs=1e-4)


def started(run: study.Run) -> float:
    """`begin`, of a GAN without training it to its end."""
    kind = (ARMS if run.rare is None else RARE_ARMS)[run.arm].extra
    if "GAN" not in kind:
        return study.begin(run.arm, run.labels, run.seed, run.rare)
    gan: Trainer = (
        study.start_gan(run.labels, run.seed, run.rare)
        if kind == "own GAN"
        else study.start_pool_gan(run.seed)
    )
    for _ in gan.run(study.EARLY):
        pass
    return study._size(gan)


@pytest.mark.parametrize("run", STORED[::7], ids=lambda run: f"{run.arm}-{run.labels}-{run.seed}")
def test_a_run_begins_as_its_stored_one_on_any_processor(run: study.Run) -> None:
    """After `EARLY` steps rounding is still small; a changed rate, loss or network is not."""
    assert started(run) == pytest.approx(run.early, rel=0.02)


def test_the_table_is_that_of_the_runs() -> None:
    text = study.table(STORED).splitlines()
    assert len(text) == len(ARMS) + 1
    for line, name in zip(text[1:], ARMS, strict=True):
        assert line.startswith(name)
        for labels in LABELS:
            found = study.results(STORED, name, labels)
            assert len(found) == study.SEEDS
            assert f"{100 * sum(found) / len(found):.1f} [" in line
    assert len(study.rare_results(STORED, study.GAN)) == study.SEEDS


def test_the_runs_say_what_the_lesson_says() -> None:
    """The numbers of its *honest answer*, and what it says of the rare digit."""

    def against(ours: str, plain: str) -> list[Paired]:
        pairs = [[study.results(STORED, name, n) for name in (ours, plain)] for n in LABELS]
        return [paired(*pair) for pair in pairs]

    shifts = against(study.SHIFTS, study.NOTHING)
    assert {found.verdict for found in shifts} == {"helps"}
    assert (round(100 * shifts[-1].mean), round(100 * shifts[0].mean)) == (6, 16)
    alone = against(study.GAN, study.NOTHING)
    assert [found.verdict for found in alone] == ["cannot tell"] * 3 + ["helps"]
    assert round(100 * alone[-1].mean, 1) == 0.6
    both = against(study.BOTH, study.SHIFTS)
    assert {found.verdict for found in both} == {"cannot tell"}
    ends = min(found.low for found in both), max(found.high for found in both)
    assert [round(100 * end, 1) for end in ends] == [-2.1, 1.2]
    pool = [found.verdict for found in against(study.POOL_BY_GAN, study.SHIFTS)]
    assert sorted(pool) == ["cannot tell", "cannot tell", "harms", "helps"]
    itself = against(study.POOL_ITSELF, study.POOL_BY_GAN)
    assert {found.verdict for found in itself} == {"helps"}

    rare = {name: study.rare_results(STORED, name) for name in RARE_ARMS}
    plain = rare[study.NOTHING]
    assert paired(rare[study.SHIFTS], plain).verdict == "helps"
    for name in (study.AS_THEY_COME, study.GAN):
        assert paired(rare[name], plain).verdict == "cannot tell"
    assert paired(rare[study.BOTH], rare[study.SHIFTS]).verdict == "cannot tell"
    swings = [
        round(100 * (ours - theirs)) for ours, theirs in zip(rare[study.GAN], plain, strict=True)
    ]
    assert (min(swings), max(swings)) == (-1, 34)
