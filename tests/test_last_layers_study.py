"""Last layers and what they leave in spectra: the stored runs, the filters, the claims."""

import math
from pathlib import Path

import pytest
import torch
from torch import nn

from gan_lessons.errors import UserError
from gan_lessons.studies import families
from gan_lessons.studies import last_layers as study

torch.set_num_threads(1)
RUNS = study.load()


def test_the_stored_runs_are_all_there_and_those_of_this_code() -> None:
    wanted = [(last, seed) for last in study.LAST_LAYERS for seed in range(study.SEEDS)]
    assert [(run.last, run.seed) for run in RUNS] == wanted
    assert study.SEEDS >= 3
    for run in RUNS:
        assert run.plan == study.checksum(run.last, run.seed), "settings changed: train again"
        assert [len(spectrum) for spectrum in run.spectra] == [15] * len(study.STEPS)


@pytest.mark.parametrize("last", study.LAST_LAYERS)
def test_a_run_begins_as_its_stored_one_on_any_processor(last: str) -> None:
    stored = next(run for run in RUNS if (run.last, run.seed) == (last, 1))
    trainer = study.start(last, 1)
    assert study.spectrum_of(trainer).tolist() == pytest.approx(stored.spectra[0], abs=0.05)
    families.computing(trainer, study.EARLY)
    assert families.early_number(trainer) == pytest.approx(stored.early, rel=0.03)


def test_runs_differ_in_their_last_layer_only() -> None:
    bodies = [list(study.start(last, 2).generator)[:-2] for last in study.LAST_LAYERS]
    for body in bodies[1:]:
        for ours, theirs in zip(bodies[0], body, strict=True):
            assert str(ours) == str(theirs)
            assert all(
                torch.equal(one, other)
                for one, other in zip(ours.parameters(), theirs.parameters(), strict=True)
            )
    settings = {str(study.start(last, 2).settings) for last in study.LAST_LAYERS}
    assert len(settings) == 1


@pytest.mark.parametrize(("mode", "power"), [("nearest", 1), ("bilinear", 3)])
def test_doubling_weakens_waves_by_a_cosine(mode: str, power: int) -> None:
    """Zeros between the pixels repeat the spectrum; what is left is the filter."""
    small = torch.randn(1, 1, 14, 14, generator=torch.Generator().manual_seed(0))
    zeros = torch.zeros(1, 1, 28, 28)
    zeros[..., ::2, ::2] = small
    wrapped = nn.functional.pad(small, (2, 2, 2, 2), mode="circular")
    doubled = nn.Upsample(scale_factor=2, mode=mode)(wrapped)[..., 4:-4, 4:-4]
    for k in range(15):
        across = (torch.fft.fft2(doubled)[0, 0, 0, k], torch.fft.fft2(zeros)[0, 0, 0, k])
        gain = (across[0].abs() / across[1].abs()).item()
        slow = 2  # along the other axis, where the wave is constant
        expected = slow * 2 * abs(math.cos(math.pi * k / 28)) ** power
        assert gain == pytest.approx(expected, abs=1e-3)


def test_a_layer_of_ones_own_is_trained_as_it_is() -> None:
    first = nn.Conv2d(study.MAPS, 4, 1)
    before = first.weight.detach().clone()
    spectrum = study.retrained(nn.Sequential(first, nn.PixelShuffle(2)), steps=2)
    assert spectrum.shape == (15,)
    assert not torch.equal(first.weight, before)
    with pytest.raises(UserError, match="no last layer 'cubic'; choose one of transposed, nearest"):
        study.start("cubic")
    with pytest.raises(UserError, match=r"These networks cannot|generator makes samples of shape"):
        study.start(nn.Conv2d(study.MAPS, 1, 1))


def test_an_interrupted_table_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stored = {(run.last, run.seed): run for run in RUNS}
    monkeypatch.setattr(study, "LAST_LAYERS", {"nearest": study.LAST_LAYERS["nearest"]})
    monkeypatch.setattr(study, "train", lambda *key: stored[key])
    path = tmp_path / "last_layers.json"
    assert next(study.train_all(path)).startswith("nearest, seed 0: at 14 waves ")
    assert study.load(path) == [stored["nearest", 0]]
    assert len(list(study.train_all(path))) == study.SEEDS - 1
    assert list(study.train_all(path)) == []
    with pytest.raises(UserError, match="no runs of 'nearest' with 3 steps"):
        study.select(RUNS, "nearest", 3)


def test_what_the_lesson_says_of_last_layers() -> None:
    """Untrained they are far apart at the fastest waves; after 800 steps none is."""
    first, last = (
        {name: study.select(RUNS, name, steps) for name in study.LAST_LAYERS}
        for steps in (study.STEPS[0], study.STEPS[-1])
    )
    assert first["transposed"][:, 14].min() > -0.62
    assert max(first[name][:, 14].max() for name in ("nearest", "bilinear")) < -2.5
    for name, spectra in first.items():
        rises = spectra[:, 14] > spectra[:, 10]
        assert rises.all() if name.startswith("transposed") else not rises.any()
    early = study.select(RUNS, "transposed", 200)[:, 14]
    assert 0.3 < early.min() < early.max() < 0.48
    for spectra in last.values():
        assert spectra.abs().max() < 0.2
        assert 0.11 < spectra[:, 14].mean() < 0.165
    highest_low = max(spectra[:, 14].min() for spectra in last.values())
    assert highest_low < min(spectra[:, 14].max() for spectra in last.values())
