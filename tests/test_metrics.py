"""Metrics against independent oracles: SciPy's matrix square root, NumPy loops, torchmetrics,
and closed forms."""

import subprocess
import sys
import warnings
from itertools import combinations
from math import prod
from typing import Any

import numpy as np
import pytest
import scipy.linalg
import torch
from torch import Tensor

from gan_lessons import classifier
from gan_lessons.data import load_digits
from gan_lessons.errors import UserError
from gan_lessons.metrics import (
    classification_scores,
    density_coverage,
    frechet_distance,
    kernel_distance,
    memorisation,
    nearest,
    neighbour_radii,
    precision_recall,
    report,
    statistics,
)
from gan_lessons.metrics import features as features_module

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


def test_one_feature_is_the_difference_of_means_and_of_widths() -> None:
    a, b = (torch.randn(50, 1, generator=torch.Generator().manual_seed(i)) for i in (0, 1))
    wanted = (a.mean() - b.mean()) ** 2 + (a.std() - b.std()) ** 2
    assert frechet_distance(statistics(a), statistics(b)) == pytest.approx(wanted.item(), rel=1e-4)


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


def features(n: int, d: int = 3, seed: int = 0, shift: float = 0.0) -> Tensor:
    rng = torch.Generator().manual_seed(seed)
    return torch.randn(n, d, generator=rng, dtype=torch.float64) + shift


def test_importing_metrics_does_not_import_torchmetrics() -> None:
    program = "import sys, gan_lessons.metrics; sys.exit('torchmetrics' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_frechet_is_the_librarys() -> None:
    from torchmetrics.image.fid import FrechetInceptionDistance

    a, b = features(80, 5), features(60, 5, seed=1, shift=0.5) * 2
    shape: Any = (5,)  # of an image, it thinks
    library = FrechetInceptionDistance(torch.nn.Identity(), normalize=True, input_img_size=shape)
    library.update(a, real=True)
    library.update(b, real=False)
    distance = frechet_distance(statistics(a), statistics(b))
    assert distance == pytest.approx(library.compute().item(), rel=1e-9)


# Kernel distance


def kernel_by_loops(a: Tensor, b: Tensor) -> float:
    """The unbiased estimate, pair by pair."""

    def k(x: Tensor, y: Tensor) -> float:
        return float((x @ y / len(x) + 1) ** 3)

    n, m = len(a), len(b)
    within_a = sum(k(a[i], a[j]) for i in range(n) for j in range(n) if i != j) / (n * (n - 1))
    within_b = sum(k(b[i], b[j]) for i in range(m) for j in range(m) if i != j) / (m * (m - 1))
    return within_a + within_b - 2 * sum(k(x, y) for x in a for y in b) / (n * m)


def test_kernel_distance_pair_by_pair_and_symmetric() -> None:
    a, b = features(7), features(11, seed=1, shift=0.3)
    distance = kernel_distance(a, b)
    assert distance == pytest.approx(kernel_by_loops(a, b), rel=1e-9)
    assert distance == pytest.approx(kernel_distance(b, a), rel=1e-9)
    assert distance == pytest.approx(kernel_distance(a.float(), b.float()), rel=1e-4)
    # One set against itself: still no sample is paired with itself within, but each is across.
    assert kernel_distance(a, a) == pytest.approx(kernel_by_loops(a, a), rel=1e-9)
    assert kernel_distance(a, a) < 0


def test_kernel_distance_is_the_librarys() -> None:
    from torchmetrics.image.kid import KernelInceptionDistance

    a, b = features(50, 6), features(50, 6, seed=1, shift=0.5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that it keeps all features
        library = KernelInceptionDistance(torch.nn.Identity(), subsets=1, subset_size=50)
    library.update(a, real=True)
    library.update(b, real=False)
    assert kernel_distance(a, b) == pytest.approx(library.compute()[0].item(), rel=1e-9)


def test_kernel_distance_is_unbiased_where_frechet_is_not() -> None:
    pairs = [(features(20, seed=2 * i), features(20, seed=2 * i + 1)) for i in range(300)]
    kernel = torch.tensor([kernel_distance(a, b) for a, b in pairs])
    error = (kernel.std() / 300**0.5).item()
    assert abs(kernel.mean().item()) < 4 * error
    frechet = torch.tensor([frechet_distance(statistics(a), statistics(b)) for a, b in pairs])
    assert frechet.mean() > 10 * frechet.std() / 300**0.5
    # Shifted by 1 in each of d = 3 features. The cumulants of a product of two normal numbers give
    # E (x·y/d + 1)³ = 1 + 3/d, 8 + 18/d + 6/d² and 1 + 6/d: of reals, of fakes and across.
    apart = torch.tensor([kernel_distance(a, b + 1) for a, b in pairs])
    wanted = 7 + 9 / 3 + 6 / 3**2
    assert abs(apart.mean().item() - wanted) < 4 * (apart.std() / 300**0.5).item()
    assert apart.std() / 300**0.5 < 0.5


# Neighbours


def table(a: Tensor, b: Tensor) -> np.ndarray:
    """All distances (N, M), by NumPy."""
    distances: np.ndarray = np.linalg.norm(a.numpy()[:, None] - b.numpy()[None], axis=2)
    return distances


def radii_by_sorting(points: Tensor, k: int) -> np.ndarray:
    return np.sort(table(points, points), axis=1)[:, k]  # at 0 stands the point itself


@pytest.mark.parametrize("k", [1, 3, 5])
def test_neighbour_metrics_by_sorting(k: int) -> None:
    real, fake = features(40), features(30, seed=1, shift=0.7)
    assert np.allclose(neighbour_radii(real, k).numpy(), radii_by_sorting(real, k), rtol=1e-6)
    inside = table(fake, real) <= radii_by_sorting(real, k)  # (M, N)
    reached = table(real, fake) <= radii_by_sorting(fake, k)
    precision, recall = precision_recall(real, fake, k)
    assert precision == pytest.approx(inside.any(axis=1).mean())
    assert recall == pytest.approx(reached.any(axis=1).mean())
    assert 0 < precision < 1
    assert precision_recall(fake, real, k) == pytest.approx((recall, precision))
    density, coverage = density_coverage(real, fake, k)
    assert density == pytest.approx(inside.sum() / (k * len(fake)))
    assert coverage == pytest.approx(inside.any(axis=0).mean())


def test_precision_and_recall_in_plain_cases() -> None:
    real = features(60)
    assert precision_recall(real, real) == (1, 1)
    assert precision_recall(real, real + 100) == (0, 0)
    assert density_coverage(real, real + 100) == (0, 0)
    half = real[real[:, 0] > 0]  # perfect, but one-sided
    found = precision_recall(real, half)
    assert found.precision == 1
    assert 0.4 < found.recall < 0.9
    assert density_coverage(real, half).coverage < 0.9
    # On a line: balls of the reals 0, 1, 2, 10 with k = 1 reach 1, 1, 1 and 8 far.
    line = torch.tensor([[0.0], [1.0], [2.0], [10.0]])
    fakes = torch.tensor([[1.5], [5.0], [-1.5], [-5.0]])
    assert precision_recall(line, fakes, k=1).precision == 0.5  # 1.5 and 5, in the far one's ball
    assert density_coverage(line, fakes, k=1) == (3 / 4, 3 / 4)


@pytest.mark.parametrize("spread", [1.0, 3.0])  # normal; or cubed, with far outliers
def test_coverage_of_a_perfect_generator_is_naeems_lemma_2(spread: float) -> None:
    n, m, k = 30, 20, 3
    found = torch.tensor(
        [
            density_coverage(
                features(n, 2, 2 * i) ** spread, features(m, 2, 2 * i + 1) ** spread, k
            )
            for i in range(400)
        ]
    )
    wanted = 1 - prod((n - j) / (m + n - j) for j in range(1, k + 1))
    errors = found.std(dim=0) / 400**0.5
    assert abs(found[:, 0].mean() - 1) < 4 * errors[0]
    assert abs(found[:, 1].mean() - wanted) < 4 * errors[1]


def test_nearest_by_sorting() -> None:
    queries, points = features(12), features(9, seed=1)
    distances, indices = nearest(queries, points)
    assert np.allclose(distances.numpy(), table(queries, points).min(axis=1), rtol=1e-6)
    assert (indices.numpy() == table(queries, points).argmin(axis=1)).all()
    copies, which = nearest(points[[4, 2]] + 1e-3, points)
    assert which.tolist() == [4, 2]
    assert copies.tolist() == pytest.approx([1e-3 * 3**0.5] * 2, rel=1e-3)


def test_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    real, fake, other = features(40), features(33, seed=1), features(40, seed=2)

    def everything() -> list[float]:
        found = memorisation(fake, real, other)
        return [
            kernel_distance(real, fake),
            *precision_recall(real, fake),
            *density_coverage(real, fake),
            *nearest(fake, real)[1].tolist(),
            found.share,
            found.error,
        ]

    whole = everything()
    monkeypatch.setattr(features_module, "ROWS", 7)
    assert everything() == pytest.approx(whole, rel=1e-12)


# Memorisation


def test_memorisation_by_hand() -> None:
    training, held_out = torch.tensor([[0.0], [10.0]]), torch.tensor([[4.0], [6.0]])
    fakes = torch.tensor([[1.0], [1.5], [5.5], [9.0], [2.0]])  # the last is as near to 0 as to 4
    found = memorisation(fakes, training, held_out)
    assert found.share == pytest.approx((3 + 0.5) / 5)
    assert memorisation(fakes, held_out, training).share == pytest.approx(1 - found.share)
    assert "70.0% nearer to training data" in str(found)


def test_memorisations_error_is_exact_over_all_ways_to_choose_the_training_data() -> None:
    everything, fakes = features(6, 2), features(15, 2, seed=1)
    shares = []
    for chosen in combinations(range(6), 3):
        others = [i for i in range(6) if i not in chosen]
        found = memorisation(fakes, everything[[*chosen]], everything[others])
        shares.append(found.share)
    assert np.mean(shares) == pytest.approx(0.5)
    assert found.error == pytest.approx(np.std(shares))
    assert found.surprise == pytest.approx((found.share - 0.5) / np.std(shares))
    even = torch.tensor([[0.0], [1.0]])
    assert memorisation(even, even[:1], even[1:]).surprise == 0  # each is nearest once


def test_memorisation_acquits_the_honest_and_catches_copies() -> None:
    training, held_out = features(400, 8), features(400, 8, seed=1)
    honest, narrow = features(400, 8, seed=2), features(400, 8, seed=3) / 4
    copies = training + 0.3 * features(400, 8, seed=4)
    some = torch.cat([copies[:200], honest[:200]])
    for innocent in (honest, narrow):
        assert abs(memorisation(innocent, training, held_out).surprise) < 3
    assert memorisation(copies, training, held_out).share > 0.95
    assert memorisation(some, training, held_out).surprise > 4
    # The Fréchet distance to the held-out data is pleased with copies.
    yardstick = statistics(held_out)
    by_copies, by_honest = (
        frechet_distance(yardstick, statistics(fakes)) for fakes in (copies, narrow)
    )
    assert by_copies < by_honest / 3


def test_memorisation_convicts_the_guilty_suspect_of_lesson_11_and_no_other() -> None:
    from gan_lessons import pretrained
    from gan_lessons.exercises.puzzles.lesson_11 import suspects

    images = load_digits(source="bundled", announce=False).images
    generator, settings = pretrained.load_generator("dcgan")
    groups = suspects(images[:2500], generator, pretrained.noise(2500, settings, seed=1))
    predict = classifier.load().predict
    halves = predict(images[:2500])[0], predict(images[2500:])[0]
    for name, suspect in groups.items():
        assert suspect.shape == (600, 1, 28, 28)
        surprise = memorisation(predict(suspect)[0], *halves).surprise
        assert surprise > 4 if name == "B" else abs(surprise) < 3, name


# Classification


def test_scores_by_hand_and_by_the_library() -> None:
    from torchmetrics.functional.classification import multiclass_accuracy, multiclass_f1_score

    labels = torch.tensor([0, 0, 0, 1, 1, 2])
    predicted = torch.tensor([0, 0, 1, 1, 1, 0])
    found = classification_scores(predicted, labels, classes=3)
    assert found.accuracy == pytest.approx(4 / 6)
    assert found.f1 == pytest.approx((4 / 6, 4 / 5, 0))
    assert found.macro_f1 == pytest.approx((4 / 6 + 4 / 5) / 3)
    rng = torch.Generator().manual_seed(0)
    labels, predicted = torch.randint(0, 9, (2, 500), generator=rng)  # class 9 never occurs
    predicted = torch.where(torch.rand(500, generator=rng) < 0.6, labels, predicted)
    found = classification_scores(predicted, labels)
    accuracy = multiclass_accuracy(predicted, labels, 10, average="micro")
    macro = multiclass_f1_score(predicted, labels, 10, average="macro")
    assert found.accuracy == pytest.approx(accuracy.item(), rel=1e-6)
    assert found.macro_f1 == pytest.approx(macro.item(), rel=1e-6)
    assert np.isnan(found.f1[9])


# What cannot be measured is refused in words


@pytest.mark.parametrize(
    ("measure", "message"),
    [
        (lambda: kernel_distance(features(5, 3), features(5, 4)), r"\(5, 3\) and \(5, 4\)"),
        (lambda: kernel_distance(torch.zeros(5, 1, 28, 28), features(5)), "flatten"),
        (lambda: kernel_distance(features(1), features(5)), "1 samples are too few; give at le"),
        (lambda: precision_recall(features(9), features(3)), "3 samples are too few; .* 4 of"),
        (lambda: density_coverage(features(5), features(9)), "5 samples are too few; .* 6 of"),
        (lambda: density_coverage(features(9), features(9), k=0), "k is 0; choose from 1 to 8"),
        (lambda: neighbour_radii(features(4), 4), "k is 4; choose from 1 to 3"),
        (lambda: nearest(features(5), features(0)), "0 samples are too few"),
        (lambda: memorisation(features(5), features(6), features(7)), "6 training and 7 held-out"),
        (lambda: memorisation(features(5, 2), features(6), features(6)), "from one extractor"),
        (lambda: classification_scores(torch.zeros(3), torch.zeros(4)), "as many predicted"),
        (lambda: classification_scores(torch.zeros(0), torch.zeros(0)), "at least one"),
        (
            lambda: classification_scores(torch.tensor([0, 3]), torch.tensor([0, 1]), classes=3),
            "from 0 to 3; choose from 0 to 2",
        ),
    ],
)
def test_refusals(measure, message) -> None:
    with pytest.raises(UserError, match=message):
        measure()


@pytest.mark.parametrize("broken", [float("nan"), float("inf")])
def test_features_that_are_not_finite_are_refused(broken: float) -> None:
    good, bad = features(9), features(9)
    bad[4, 1] = broken
    mean, covariance = statistics(good)
    for measure in (
        lambda: statistics(bad),
        lambda: frechet_distance((mean, covariance), (mean, covariance * broken)),
        lambda: frechet_distance((mean * broken, covariance), (mean, covariance)),
        lambda: kernel_distance(good, bad),
        lambda: precision_recall(bad, good),
        lambda: density_coverage(good, bad),
        lambda: neighbour_radii(bad, 2),
        lambda: nearest(good, bad),
        lambda: memorisation(good, good, bad),
        lambda: report(torch.full((100, 1, 28, 28), broken)),
    ):
        with pytest.raises(UserError, match="features that are NaN or infinite"):
            measure()
