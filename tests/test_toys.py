"""Toy distributions: exact densities, samples that agree with them, refusals in sentences."""

import math
from typing import Any

import pytest
import torch
from scipy import integrate, stats

from gan_lessons.data import toys
from gan_lessons.errors import UserError

untyped: Any = toys  # for what its types forbid


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("name", toys.TOYS_2D)
def test_2d_density_integrates_to_one_inside_the_square(name):
    axis = toys.grid(-2, 2, 201, torch.float64)
    mesh = torch.cartesian_prod(axis, axis)
    density = toys.TOYS_2D[name]().density(mesh).reshape(201, 201).numpy()
    volume = integrate.simpson(integrate.simpson(density, x=axis), x=axis)
    assert volume == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("name", toys.TOYS_2D)
def test_2d_samples_follow_the_density(name):
    toy = toys.TOYS_2D[name]()
    samples = toy.sample(20_000, rng())
    assert samples.shape == (20_000, 2)
    assert samples.dtype == torch.float32
    edges = torch.linspace(-2, 2, 9)
    counts = torch.histogramdd(samples, [edges, edges]).hist
    fine = ((torch.arange(160) + 0.5) / 40 - 2).double()  # 20 midpoints in each of the 8 bins
    mass = toy.density(torch.cartesian_prod(fine, fine)).reshape(8, 20, 8, 20).sum((1, 3)) / 1600
    assert 0.5 * (counts / 20_000 - mass).abs().sum() < 0.03


def test_samples_have_the_mixture_s_mean_and_covariance():
    centres = torch.tensor([[0.0, 0, 1], [2, -1, 0], [1, 1, 1]], dtype=torch.float64)
    std, weights = torch.tensor([0.5, 1.0, 0.2]), torch.tensor([1.0, 2.0, 5.0])
    samples = toys.GaussianMixture(centres, std, weights).sample(100_000, rng())
    w = (weights / 8).double()
    mean = w @ centres
    off = centres - mean
    covariance = off.T @ (w[:, None] * off) + (w * std.double() ** 2).sum() * torch.eye(3)
    assert samples.dtype == torch.float64
    torch.testing.assert_close(samples.mean(0), mean, atol=0.01, rtol=0)
    torch.testing.assert_close(samples.T.cov(), covariance, atol=0.02, rtol=0)


def test_density_equals_scipy_and_is_finite_far_away():
    mixture = toys.GaussianMixture(
        torch.tensor([[0.0, 1.0], [2.0, -1.0]]).double(), [0.3, 0.7], [1, 3]
    )
    points = torch.randn(5, 4, 2, generator=rng(), dtype=torch.float64)
    expected = 0.25 * stats.multivariate_normal([0, 1], 0.09).pdf(points) + (
        0.75 * stats.multivariate_normal([2, -1], 0.49).pdf(points)
    )
    torch.testing.assert_close(mixture.density(points), torch.from_numpy(expected))
    far = torch.full((1, 2), 1e4, requires_grad=True)
    mixture.log_density(far).sum().backward()
    assert mixture.log_density(far).isfinite().all()
    assert far.grad is not None
    assert far.grad.isfinite().all()


def test_a_centre_without_weight_is_never_drawn():
    mixture = toys.GaussianMixture([[0.0], [100.0]], 1.0, [1.0, 0.0])
    assert mixture.sample(1000, rng()).max() < 50
    assert mixture.density(torch.tensor([[100.0]])).item() == 0


def test_seeds_decide_samples():
    toy = toys.ring()
    assert torch.equal(toy.sample(50, rng(1)), toy.sample(50, rng(1)))
    assert not torch.equal(toy.sample(50, rng(1)), toy.sample(50, rng(2)))


def test_shapes_of_ring_and_lattice():
    ring = toys.ring(modes=6, radius=2.0).centres
    torch.testing.assert_close(ring.norm(dim=1), torch.full((6,), 2.0))
    torch.testing.assert_close((ring - ring.roll(1, 0)).norm(dim=1), torch.full((6,), 2.0))
    lattice = toys.lattice(side=3, spacing=0.5).centres
    assert lattice.shape == (9, 2)
    torch.testing.assert_close(lattice.mean(0), torch.zeros(2))
    assert sorted(set(lattice[:, 0].tolist())) == [-0.5, 0.0, 0.5]


@pytest.mark.parametrize("name", ["two_moons", "spiral", "line"])
def test_curves_have_no_gaps(name):
    toy = toys.TOYS_2D[name]()
    distances = torch.cdist(toy.centres, toy.centres).fill_diagonal_(math.inf).min(0).values
    assert distances.max() < 1.5 * toy.std[0]


def test_the_spiral_is_about_equally_dense_along_its_length():
    steps = toys.spiral().centres.diff(dim=0).norm(dim=1)
    assert steps.max() < 2.5 * steps.min()


def test_grid_normal_and_mixture_in_1d():
    x = toys.grid(-8, 8, 1601, torch.float64)
    assert x[0] == -8
    assert x[-1] == 8
    assert toys.grid(0, 1, 3).dtype == torch.float32
    expected = torch.from_numpy(stats.norm(0.1, 1.5).pdf(x))
    torch.testing.assert_close(toys.normal(x, 0.1, 1.5), expected, atol=1e-14, rtol=1e-12)
    both = toys.mixture(x, [-2, 2], [0.5, 1.0], [3, 1])
    torch.testing.assert_close(both, 0.75 * toys.normal(x, -2, 0.5) + 0.25 * toys.normal(x, 2, 1.0))
    assert torch.trapezoid(both, x).item() == pytest.approx(1, abs=1e-8)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: untyped.GaussianMixture([0.0, 1.0], 1.0), r"shape \(K, d\), not \(2,\)"),
        (lambda: untyped.GaussianMixture(torch.zeros(0, 2), 1.0), r"not \(0, 2\)"),
        (lambda: untyped.GaussianMixture([[math.nan]], 1.0), "centres must not hold NaN"),
        (lambda: untyped.GaussianMixture([["a"]], 1.0), "centres has to be made of numbers"),
        (lambda: untyped.GaussianMixture([[0.0]], 0.0), "std has to be greater than 0, not 0"),
        (lambda: untyped.GaussianMixture([[0.0]], -1.0), "not -1"),
        (lambda: untyped.GaussianMixture([[0.0]], [1.0, 2.0]), r"one per centre, \(1,\)"),
        (lambda: untyped.GaussianMixture([[0.0]], 1.0, [-1.0]), "the smallest is -1"),
        (lambda: untyped.GaussianMixture([[0.0]], 1.0, [0.0]), "not all 0"),
        (lambda: untyped.ring().sample(0, rng()), "n has to be a whole number, 1 or more, not 0"),
        (lambda: untyped.ring().sample(2.5, rng()), "not 2.5"),
        (lambda: untyped.ring().sample(2, 0), "rng has to be a torch.Generator, not int"),
        (lambda: untyped.ring().density(torch.zeros(4, 3)), r"shape \(…, 2\), not \(4, 3\)"),
        (lambda: untyped.ring().density([0.0, 0.0]), "not list"),
        (lambda: untyped.ring(modes=0), "modes has to be a whole number"),
        (lambda: untyped.lattice(side=True), "side has to be a whole number"),
        (lambda: untyped.spiral(turns=0), "turns has to be greater than 0"),
        (lambda: untyped.grid(1, 1, 5), "lo < hi, not lo = 1, hi = 1"),
        (lambda: untyped.grid(0, math.inf, 5), "finite"),
        (lambda: untyped.grid(0, 1, 1), "n has to be a whole number, 2 or more, not 1"),
        (lambda: untyped.normal(toys.grid(0, 1, 3), 0, 0), "std has to be greater than 0"),
        (lambda: untyped.normal(torch.arange(3), 0, 1), "float tensor"),
    ],
)
def test_bad_arguments_are_refused_in_a_sentence(call, words):
    with pytest.raises(UserError, match=words):
        call()
