"""A GAN is told its disease: each made on purpose from a healthy one, with one thing wrong."""

from collections.abc import Callable
from functools import cache
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d

from gan_lessons import pretrained
from gan_lessons.data import load_digits
from gan_lessons.errors import UserError
from gan_lessons.exercises import lesson_07
from gan_lessons.studies.examination import (
    Examination,
    chance,
    draw,
    examine,
    finest_pattern,
    resembling,
)

Change = Callable[[Tensor], Tensor]
BOARD = ((torch.arange(28)[:, None] + torch.arange(28)) % 2 * 2 - 1).float()


@cache
def shipped() -> tuple[nn.Module, nn.Module, int]:
    generator, settings = pretrained.load_generator("dcgan")
    return generator, pretrained.load_discriminator("dcgan"), settings.latent_dim


@cache
def real() -> Tensor:
    return load_digits(source="bundled").images


def examined(
    noise: Change = lambda z: z, pixels: Change = lambda x: x, d: Change | None = None
) -> Examination:
    generator, discriminator, latent_dim = shipped()
    torch.manual_seed(0)
    return examine(lambda z: pixels(generator(noise(z))), d or discriminator, latent_dim, real())


def test_a_healthy_one_is_healthy() -> None:
    found = examined()
    assert found.disease == ""
    assert found.report.frechet < 5
    assert found.order is not None
    assert 0 < found.order < 1
    assert str(found).startswith("Fréchet distance ")


def test_images_may_be_rows_of_pixels() -> None:
    found = examined(pixels=lambda x: x.flatten(1), d=lambda x: x.view(-1, 784).mean(dim=1))
    assert found.disease == ""


@pytest.mark.parametrize(
    ("noise", "pixels", "d", "said"),
    [
        (lambda z: 0 * z, lambda x: x, None, "hardly depend on z: a pixel varies by 0.000"),
        (lambda z: z[:1] + 0.3 * z, lambda x: x, None, "collapse: pairs of your pictures are"),
        (lambda z: z, lambda x: torch.rand_like(x) * 2 - 1, None, "that have learned nothing"),
        (lambda z: z, lambda x: (x + 0.15 * BOARD).clamp(-1, 1), None, "a checkerboard: the fin"),
        (
            lambda z: z,
            lambda x: avg_pool2d(x, 7, 1, 3, count_include_pad=False),
            lambda x: x.diff(dim=-1).abs().amax(dim=(1, 2, 3)),
            "D is ahead: it puts the real digit first in 100.00%",
        ),
    ],
)
def test_each_disease_is_named_with_its_measurement(
    noise: Change, pixels: Change, d: Change | None, said: str
) -> None:
    found = examined(noise, pixels, d)
    assert said in found.disease, (found.disease, str(found), found.order)


@pytest.mark.parametrize(
    ("pixels", "said"),
    [
        (lambda x: (x + 1) / 2, "your darkest pixel is 0"),
        (lambda x: 3 * x, "from -3 to 3"),
        (lambda x: x * float("nan"), "100% of the generator's pixels are NaN"),
        (lambda x: x[:, :, ::2], "(1000, 1, 14, 28); (1000, 1, 28, 28) or"),
    ],
)
def test_what_cannot_be_measured_is_a_sentence(pixels: Change, said: str) -> None:
    with pytest.raises(UserError) as error:
        examined(pixels=pixels)
    assert said in str(error.value)


def test_a_discriminator_that_cannot_be_asked_is_left_out() -> None:
    def refuses(_: Tensor) -> Tensor:
        raise ValueError

    assert examined(d=refuses).order is None


def test_equal_answers_count_half_and_no_number_is_no_answer() -> None:
    assert examined(d=lambda x: torch.zeros(len(x))).order == 0.5
    assert examined(d=lambda x: torch.full((len(x),), torch.nan)).order is None


def test_copies_are_found_under_noise_and_the_honest_are_not_taken_for_them() -> None:
    """Real digits that are not among the known ones, and digits of generators that learned."""
    known, chosen = real(), torch.Generator().manual_seed(1)
    assert resembling(known[4000:4200], known[:4000]).float().mean() < 0.03
    for name in ("dcgan", "best"):
        generator, settings = pretrained.load_generator(name)
        torch.manual_seed(0)
        fakes = draw(generator, settings.latent_dim, 200)
        assert resembling(fakes, known).float().mean() < 0.03
    copies = known[torch.randint(len(known), (200,), generator=chosen)]
    noise = torch.randn(copies.shape, generator=chosen)
    for scale, least in ((0.0, 1.0), (0.15, 0.98), (0.3, 0.85)):
        noisy = (copies.roll((1, -2), (2, 3)) + scale * noise).clamp(-1, 1)
        assert resembling(noisy, known).float().mean() >= least


def test_chance_is_told_from_noise() -> None:
    generator, _, latent_dim = shipped()
    again, moved, other = chance(generator, latent_dim)
    assert again == 0
    assert 0.001 < moved < 0.05
    assert 0.8 < other < 1.2
    again, moved, other = chance(lambda z: generator(torch.randn_like(z)), latent_dim)
    assert min(again, moved, other) > 0.8


def test_the_finest_pattern_of_a_checkerboard_is_all_there_is() -> None:
    """One frequency holds all: one of 15 in its row of the spectrum, of 28 in its column."""
    assert finest_pattern(BOARD.expand(4, 1, 28, 28)) == pytest.approx(1 / 15 + 1 / 28)
    flat = torch.linspace(-1, 1, 28).expand(4, 1, 28, 28)
    assert finest_pattern(flat) < 0.001


def test_a_busy_machine_does_not_count_against_a_learner(monkeypatch: pytest.MonkeyPatch) -> None:
    def told(clock: float, computing: float) -> float:
        clocks, used = iter((0.0, clock)), iter((0.0, computing))
        watches = SimpleNamespace(monotonic=lambda: next(clocks), process_time=lambda: next(used))
        monkeypatch.setattr(lesson_07, "time", watches)
        got, seconds = lesson_07.timed(lambda images: images.sum(), torch.ones(3))
        assert got == 3
        return seconds

    assert told(1000.0, 50.0) == 50  # others had the processor
    assert told(5.0, 1000.0) == 5  # many processors at once
