"""The stored table of detectors: whole, of this code, replayed, and what the lesson says of it."""

from pathlib import Path

import pytest
import torch

from gan_lessons.errors import UserError
from gan_lessons.studies import detectors as study
from gan_lessons.studies import fakes, families
from gan_lessons.studies.detectors import GENERATORS, mean, select

torch.set_num_threads(1)
RUNS = study.load()


def test_the_stored_detectors_are_all_there_and_those_of_this_code() -> None:
    wanted = [(learned, seed) for learned in study.LEARNED for seed in range(study.SEEDS)]
    assert [(run.learned, run.seed) for run in RUNS] == wanted
    assert study.SEEDS >= 3
    for run in RUNS:
        assert run.plan == study.checksum(run.learned), "settings changed: train again"
        names = ("best",) if run.learned == study.PLANTED else GENERATORS
        assert [(t.of, t.quality) for t in run.tests] == [
            (name, quality) for quality in study.QUALITIES for name in names
        ]


def test_pictures_are_in_256_greys_new_and_stored_alike() -> None:
    for name in ("real", "family_gan"):
        whole = (study.shown(name) + 1) * 127.5
        assert torch.allclose(whole, whole.round(), atol=1e-3)
        assert study.shown(name, 50).shape == study.shown(name).shape
    shown = {each.numpy().tobytes() for each in study.learned_fakes("family_gan")}
    assert not shown & {each.numpy().tobytes() for each in study.shown("family_gan")}
    assert len(families.learned()) + len(study.shown("real")) == 5000


def test_five_families_give_as_many_fakes_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    one = {name: torch.full((study.FAKES, 1), float(i)) for i, name in enumerate(GENERATORS)}
    monkeypatch.setattr(fakes, "pictures_of", lambda name, n, seed=0: one[name][:n])
    study.learned_fakes.cache_clear()
    values, counts = study.learned_fakes("all but best").unique(return_counts=True)
    study.learned_fakes.cache_clear()
    assert values.tolist() == [i for i, name in enumerate(GENERATORS) if name != "best"]
    assert counts.tolist() == [study.FAKES // 5] * 5


def test_patient_detectors_learn_from_the_same_for_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fakes, "pictures_of", lambda name, n, seed=0: torch.zeros(n, 1))
    study.learned_fakes.cache_clear()
    for learned in study.PATIENT:
        short = learned.removesuffix(study.LONGER)
        assert study.learned_fakes(learned) is study.learned_fakes(short)
        assert study.steps_of(learned) == 4 * study.steps_of(short)
    study.learned_fakes.cache_clear()


def test_a_detector_begins_as_its_stored_one_on_any_processor() -> None:
    for run in RUNS:
        if (run.learned, run.seed) in (("family_gan", 1), ("best as JPEG", 0)):
            early = study.early_number(run.learned, run.seed)
            assert early == pytest.approx(run.early, abs=0.02)


def test_a_detector_of_the_table_comes_out_as_it_did() -> None:
    """Elsewhere rounding leads to another detector, that is as good."""
    detector = study.start("family_gan", 0)
    for test in study.examine(detector, ("family_gan", "best")):
        stored = select(RUNS, "family_gan", test.of)
        assert test.separation == pytest.approx(mean(stored), abs=0.08)


def test_rows_that_are_not_there_get_a_sentence() -> None:
    with pytest.raises(UserError, match="no fakes of 'diffusion'; choose one of family_gan"):
        study.learned_fakes("diffusion")
    with pytest.raises(UserError, match="learned 'vae' was tested on 'best', 33"):
        select(RUNS, "vae", "best", 33)


def test_an_interrupted_table_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stored = {(run.learned, run.seed): run for run in RUNS}
    monkeypatch.setattr(study, "LEARNED", ("vae", "flow"))
    monkeypatch.setattr(study, "train", lambda *key: stored[key])
    path = tmp_path / "detectors.json"
    assert next(study.train_all(path)).startswith("vae, seed 0: family_gan ")
    assert study.load(path) == [stored["vae", 0]]
    assert len(list(study.train_all(path))) == 2 * study.SEEDS - 1
    assert list(study.train_all(path)) == []


def shares(learned: str, of: str, what: str = "separation", quality: int = 100) -> list[float]:
    return [getattr(test, what) for test in select(RUNS, learned, of, quality)]


def test_what_the_lesson_says_of_generators_that_were_not_seen() -> None:
    assert min(shares("family_gan", "family_gan")) > 0.96
    assert all(
        0.45 < share < 0.6 for n in ("best", "conditional") for share in shares("family_gan", n)
    )
    for learned in GENERATORS:
        assert mean(select(RUNS, learned, "vae")) > 0.95
        assert mean(select(RUNS, learned, "flow")) > 0.72
        assert max(mean(select(RUNS, learned, name)) for name in ("best", "conditional")) < 0.63
    for learned in ("conditional", "vae", "flow"):
        assert max(shares(learned, "family_gan")) < 0.5
    for new, teacher in (("family_gan", "dcgan"), ("dcgan", "family_gan")):
        assert min(shares(teacher, new)) > max(shares(f"all but {new}", new)) + 0.15
    for new in ("best", "conditional"):
        assert max(shares(f"all but {new}", new)) < 0.65
    alone, without_gan, without_best = study.PATIENT
    assert min(shares(alone, "family_gan")) > 0.99 > 0.94 > max(shares(without_gan, "family_gan"))
    assert min(shares(without_gan, "family_gan")) > max(shares("all but family_gan", "family_gan"))
    for learned in (alone, without_best):  # level
        assert all(0.67 < share < 0.76 for share in shares(learned, "best"))


def test_what_the_lesson_says_of_compression_and_calibration() -> None:
    assert max(shares("family_gan", "family_gan", "alarms")) < 0.13
    assert min(shares("family_gan", "family_gan", "alarms", 75)) > 0.8
    assert min(shares("family_gan", "family_gan", quality=75)) > 0.9
    assert max(shares("family_gan", "flow", quality=75)) < 0.5
    assert max(shares("family_gan", "family_gan", "error")) < 0.05
    assert min(shares("family_gan", "best", "error")) > 0.3
    assert all(t.found == t.alarms == 0 for t in select(RUNS, study.PLANTED, "best"))
    for test in select(RUNS, study.PLANTED, "best", study.PLANTED_QUALITY):
        assert min(test.found, test.alarms) > 0.99
