"""Lesson 18's tools: detectors, what an alarm is worth, files, spectra, signatures and marks."""

import pytest
import torch

from gan_lessons import plotting
from gan_lessons.data import load_digits
from gan_lessons.exercises.puzzles import lesson_18 as puzzle
from gan_lessons.studies import fakes

DIGITS = load_digits(source="bundled", announce=False).images[:200]


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_a_detector_learns_what_is_easy_and_is_decided_by_its_seed() -> None:
    noisy = (DIGITS + 0.5 * torch.randn(DIGITS.shape, generator=rng())).clamp(-1, 1)
    one, same, other = (
        fakes.train_detector(DIGITS[:150], noisy[:150], steps=60, seed=s) for s in (0, 0, 1)
    )
    answers = [fakes.logits(detector, DIGITS[150:]) for detector in (one, same, other)]
    assert torch.equal(answers[0], answers[1])
    assert not torch.equal(answers[0], answers[2])
    assert fakes.separation(answers[0], fakes.logits(one, noisy[150:])) > 0.95
    assert not one.training


def test_separation_is_the_share_of_pairs() -> None:
    real, fake = torch.tensor([0.0, 1.0]), torch.tensor([0.5, 1.0, 2.0])
    assert fakes.separation(real, fake) == pytest.approx((1 + 1.5 + 2) / 6)
    assert fakes.separation(real, real) == pytest.approx(0.5)
    assert fakes.separation(real, -fake) < 0.5


def test_reliability_of_answers_that_are_as_often_right_as_they_say() -> None:
    said = torch.rand(20_000, generator=rng())
    happened = (torch.rand(20_000, generator=rng(1)) < said).float()
    diagram = fakes.reliability(said, happened)
    assert len(diagram.counts) == 10
    assert diagram.counts.sum() == 20_000
    assert torch.allclose(diagram.said, diagram.happened, atol=0.04)
    assert diagram.error() < 0.02
    sure = fakes.reliability(torch.ones(4), torch.tensor([1.0, 1, 0, 0]))
    assert (sure.said.tolist(), sure.happened.tolist(), sure.error()) == ([1.0], [0.5], 0.5)


def test_true_alarms_by_counting() -> None:
    assert fakes.true_alarms(0.95, 0.95, 0.01) == pytest.approx(95 / (95 + 495))
    assert fakes.true_alarms(0.9, 0.9, 0.5) == pytest.approx(0.9)
    assert fakes.true_alarms(0.5, 1.0, 0.001) == 1


def test_files_give_pictures_back_as_well_as_their_format_can() -> None:
    assert torch.allclose(fakes.decoded(fakes.encoded(DIGITS[0])), DIGITS[0], atol=1e-3)
    errors = [
        (fakes.recompressed(DIGITS[:20], quality) - DIGITS[:20]).abs().mean().item()
        for quality in (95, 50, 10)
    ]
    assert 0 < errors[0] < errors[1] < errors[2] < 0.4


def test_a_wave_is_found_in_the_spectrum_at_its_frequency() -> None:
    x = torch.arange(28) / 28
    for waves in (3, 9, 14):
        picture = torch.cos(2 * torch.pi * waves * x).expand(1, 1, 28, 28)
        assert fakes.spectrum(picture).shape == (15,)
        assert int(fakes.spectrum(picture).argmax()) == waves


def test_a_signature_is_broken_by_one_bit_and_by_another_key() -> None:
    file = fakes.encoded(DIGITS[0])
    signed = fakes.signature(file, b"key")
    assert fakes.is_signed(file, b"key", signed)
    assert not fakes.is_signed(file[:-1] + bytes([file[-1] ^ 1]), b"key", signed)
    assert not fakes.is_signed(file, b"another", signed)
    # RFC 4231, test case 2
    known = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert fakes.signature(b"what do ya want for nothing?", b"Jefe") == known


def test_a_mark_is_read_with_its_key_only() -> None:
    marked = fakes.watermarked(DIGITS, key=5, strength=0.3)
    assert marked.abs().max() <= 1
    assert fakes.watermark_score(marked, 5).min() > 3
    for seen, key in ((marked, 6), (DIGITS, 5)):
        score = fakes.watermark_score(seen, key)
        assert abs(score.mean().item()) < 3  # of one pattern; digits are alike
    many = torch.stack([fakes.watermark_score(DIGITS, key) for key in range(200)])
    assert many.mean().item() == pytest.approx(0, abs=0.15)
    assert many.std().item() == pytest.approx(1, abs=0.15)


def test_the_planted_detector_is_always_right_and_never_looks() -> None:
    files, is_fake = puzzle.files(5)
    assert [puzzle.detector(file) for file in files] == is_fake
    blank = -torch.ones(1, 28, 28)
    assert puzzle.detector(fakes.encoded(blank, "JPEG"))
    assert not puzzle.detector(fakes.encoded(blank))


def test_figures_of_detectors_show_their_numbers() -> None:
    diagram = fakes.reliability(torch.tensor([0.1, 0.9]), torch.tensor([0.0, 1.0]))
    (axes,) = plotting.reliability({"mine": diagram}).axes
    assert axes.lines[1].get_xdata().tolist() == pytest.approx([0.1, 0.9])  # type: ignore[union-attr]
    (axes,) = plotting.counts({"found": 95.0, "missed": 5}, "pictures", 200).axes
    assert [bar.get_width() for bar in axes.patches] == [95, 5]  # type: ignore[attr-defined]
    assert axes.get_xlim() == (0, 200)
