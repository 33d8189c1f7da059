"""Metrics against independent oracles: SciPy's matrix square root, NumPy, and closed forms."""

import numpy as np
import pytest
import scipy.linalg
import torch
from torch import Tensor

from gan_lessons.data import load_digits
from gan_lessons.errors import UserError
from gan_lessons.metrics import frechet_distance, report, statistics

Gaussian = tuple[Tensor, Tensor]


def gaussian(seed: int, d: int = 6, rank: int | None = None) -> Gaussian:
    """A random mean (d,) and covariance (d, d) of that rank."""
    rng = torch.Generator().manual_seed(seed)
    root = torch.randn(d, rank or d, generator=rng, dtype=torch.float64)
    return torch.randn(d, generator=rng, dtype=torch.float64), root @ root.T


def formula(a: Gaussian, b: Gaussian) -> float:
    """Heusel et al. 2017, equation 6, word for word."""
    (mean_a, cov_a), (mean_b, cov_b) = [(m.numpy(), c.numpy()) for m, c in (a, b)]
    root = scipy.linalg.sqrtm(cov_a @ cov_b).real
    return float(((mean_a - mean_b) ** 2).sum() + np.trace(cov_a + cov_b - 2 * root))


@pytest.mark.parametrize("seed", range(5))
def test_frechet_is_the_formula_and_symmetric(seed) -> None:
    a, b = gaussian(2 * seed), gaussian(2 * seed + 1)
    distance = frechet_distance(a, b)
    assert distance == pytest.approx(formula(a, b), rel=1e-9)
    assert distance == pytest.approx(frechet_distance(b, a), rel=1e-9)
    assert distance > 0


def test_frechet_in_closed_form() -> None:
    mean, covariance = gaussian(0)
    assert frechet_distance((mean, covariance), (mean, covariance)) == pytest.approx(0, abs=1e-6)
    shift = torch.arange(6.0, dtype=torch.float64)
    moved = frechet_distance((mean, covariance), (mean + shift, covariance))
    assert moved == pytest.approx(shift.square().sum().item(), rel=1e-6)
    s, t = (torch.rand(6, dtype=torch.float64) + 0.1 for _ in range(2))
    apart = frechet_distance((mean, s.square().diag()), (mean, t.square().diag()))
    assert apart == pytest.approx((s - t).square().sum().item(), rel=1e-9)  # Σ (σ − τ)²
    # Where one covariance is 0, the distance is the other's trace: no NaN from a singular root.
    point = frechet_distance((mean, torch.zeros_like(covariance)), (mean, covariance))
    assert point == pytest.approx(covariance.trace().item(), rel=1e-9)


def test_frechet_does_not_care_where_the_origin_is_nor_how_axes_lie() -> None:
    a, b = gaussian(0, rank=3), gaussian(1)  # the first is singular, as dead features make it
    distance = frechet_distance(a, b)
    shift = torch.full((6,), 3.0, dtype=torch.float64)
    q, _ = torch.linalg.qr(gaussian(2)[1])
    moved = [(q @ (mean + shift), q @ covariance @ q.T) for mean, covariance in (a, b)]
    assert frechet_distance(*moved) == pytest.approx(distance, rel=1e-6)


def test_statistics_are_numpys_in_float64() -> None:
    features = torch.randn(50, 4, generator=torch.Generator().manual_seed(0)) + 100
    mean, covariance = statistics(features)
    assert mean.dtype == covariance.dtype == torch.float64
    array = features.numpy().astype(np.float64)
    assert np.allclose(mean, array.mean(axis=0), rtol=1e-12)
    assert np.allclose(covariance, np.cov(array, rowvar=False), rtol=1e-10)


def test_too_few_samples_are_refused() -> None:
    statistics(torch.randn(5, 4))
    with pytest.raises(UserError, match="4 samples are too few for 4 features"):
        statistics(torch.randn(4, 4))
    for n in (0, 64):
        with pytest.raises(UserError, match=f"^{n} samples are too few for 64 features"):
            report(torch.zeros(n, 1, 28, 28))


@pytest.fixture(scope="module")
def digits() -> Tensor:
    return load_digits("train", source="bundled", announce=False).images[:1000]


def test_the_report_of_real_digits(digits) -> None:
    found = report(digits)
    labels = load_digits("train", source="bundled", announce=False).labels[:1000]
    assert found.count == 1000
    assert found.shares == pytest.approx((labels.bincount() / 1000).tolist(), abs=0.005)
    assert sum(found.shares) == pytest.approx(1)
    assert found.confidence > 0.98
    text = str(found)
    assert text.startswith(f"Fréchet distance {found.frechet:.1f} (1,000 images")
    assert f"{found.confidence:.3f}" in text
    assert f"7: {found.shares[7]:.1%}" in text


def test_the_report_gets_worse_as_images_do(digits) -> None:
    noise = torch.randn(digits.shape, generator=torch.Generator().manual_seed(0))
    found = [report((digits + sigma * noise).clamp(-1, 1)) for sigma in (0, 0.3, 1.0)]
    distances = [one.frechet for one in found]
    assert distances[0] < distances[1] / 2 < distances[2] / 4
    assert found[0].confidence > found[2].confidence
    collapsed = report(digits[:1].repeat(200, 1, 1, 1))  # one digit, over and over
    assert max(collapsed.shares) == 1
    assert collapsed.frechet > 10 * distances[0]
