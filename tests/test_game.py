"""The theory of the game: identities, bounds, closed forms, and samples against grids."""

import math

import pytest
import torch
from scipy.integrate import quad
from scipy.stats import norm

from gan_lessons import game
from gan_lessons.errors import UserError

DX = 0.005
GRID = torch.arange(-30, 30, DX, dtype=torch.float64)


def normal(mean: float, std: float) -> torch.distributions.Normal:
    return torch.distributions.Normal(
        torch.tensor(mean, dtype=torch.float64), torch.tensor(std, dtype=torch.float64)
    )


def density(mean: float, std: float) -> torch.Tensor:
    found: torch.Tensor = normal(mean, std).log_prob(GRID).exp()
    return found


def mixture() -> torch.Tensor:
    return 0.3 * density(-3, 0.5) + 0.7 * density(2, 1.5)


def uniform(lo: float, hi: float) -> torch.Tensor:
    """Density 1/(hi − lo), exactly zero elsewhere; ends fall between grid points."""
    return ((lo + DX / 2 < GRID) & (hi + DX / 2 > GRID)).double() / (hi - lo)


Pair = tuple[torch.Tensor, torch.Tensor]
PAIRS: list[Pair] = [
    (density(0, 1), density(1, 1.5)),
    (density(0, 1), density(8, 0.3)),
    (density(0, 0.5), density(2, 0.5)),  # tails that round to the least positive numbers, and to 0
    (mixture(), density(0, 2)),
    (uniform(0, 1), uniform(0.5, 2.5)),
    (uniform(0, 1), uniform(3, 4)),
]


def test_value_agrees_with_quadrature_for_a_logistic_discriminator() -> None:
    def integrand(x: float) -> float:
        d = 1 / (1 + math.exp(x - 0.3))
        return float(norm.pdf(x, 0, 1) * math.log(d) + norm.pdf(x, 1, 1.5) * math.log(1 - d))

    d = torch.sigmoid(0.3 - GRID)
    expected = quad(integrand, -15, 15)[0]
    assert game.value(*PAIRS[0], d, DX).item() == pytest.approx(expected, abs=1e-8)


def test_value_of_one_half_everywhere_is_minus_log_4() -> None:
    for p, q in PAIRS:
        assert game.value(p, q, 0.5, DX).item() == pytest.approx(-math.log(4), abs=1e-9)


def test_value_ignores_d_where_there_is_no_density_and_punishes_certainty_that_is_wrong() -> None:
    p, q = PAIRS[5]
    certain = (p > 0).double()
    assert game.value(p, q, certain, DX).item() == 0
    assert -math.inf < game.value(p, q, 1 - certain, DX).item() < -1000


@pytest.mark.parametrize("pair", PAIRS)
def test_optimal_discriminator_beats_every_perturbation(pair: Pair) -> None:
    best = game.optimal_discriminator(*pair)
    top = game.value(*pair, best, DX)
    rng = torch.Generator().manual_seed(0)
    for size in (0.01, 0.1, 0.5):
        for _ in range(20):
            push = torch.randn(GRID.shape, generator=rng, dtype=torch.float64)
            other = (best + size * push).clamp(1e-6, 1 - 1e-6)
            assert game.value(*pair, other, DX) < top


@pytest.mark.parametrize("pair", PAIRS)
def test_value_at_the_optimum_is_minus_log_4_plus_twice_the_jsd(pair: Pair) -> None:
    at_best = game.value(*pair, game.optimal_discriminator(*pair), DX).item()
    assert at_best == pytest.approx(-math.log(4) + 2 * game.jsd(*pair, DX).item(), abs=1e-9)


@pytest.mark.parametrize("pair", PAIRS)
def test_divergences_keep_their_bounds_and_vanish_only_for_equal_densities(pair: Pair) -> None:
    p, q = pair
    jsd, tv = game.jsd(p, q, DX).item(), game.total_variation(p, q, DX).item()
    assert 0.01 < jsd <= math.log(2) + 1e-9
    assert 0.01 < tv <= 1 + 1e-9
    # Pinsker's inequality for each half of the JSD, and Lin's upper bound by total variation.
    assert tv**2 / 2 <= jsd + 1e-9
    assert jsd <= tv * math.log(2) + 1e-9
    assert game.jsd(q, p, DX).item() == pytest.approx(jsd, abs=1e-12)
    for divergence in (game.kl, game.jsd, game.total_variation):
        assert divergence(p, p, DX).item() == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("pair", PAIRS)
def test_jsd_is_the_mean_kl_to_the_mixture(pair: Pair) -> None:
    p, q = pair
    near = (p + q) > 1e-300
    m = (p + q) / 2
    half_sum = (game.kl(p[near], m[near], DX) + game.kl(q[near], m[near], DX)) / 2
    assert game.jsd(p, q, DX).item() == pytest.approx(half_sum.item(), abs=1e-12)


def test_disjoint_densities_are_as_far_apart_as_can_be() -> None:
    p, q = PAIRS[5]
    assert game.jsd(p, q, DX).item() == pytest.approx(math.log(2), abs=1e-9)
    assert game.total_variation(p, q, DX).item() == pytest.approx(1, abs=1e-9)
    assert game.kl(p, q, DX).item() == math.inf


@pytest.mark.parametrize(("mean", "std"), [(1.0, 1.5), (-2.0, 0.8), (0.0, 3.0)])
def test_kl_of_gaussians_has_its_closed_form(mean: float, std: float) -> None:
    closed = math.log(std) + (1 + mean**2) / (2 * std**2) - 0.5
    near = GRID.abs() < 15  # beyond, the narrow density rounds to 0
    result = game.kl(density(0, 1)[near], density(mean, std)[near], DX).item()
    assert result == pytest.approx(closed, abs=1e-8)


@pytest.mark.parametrize(("shift", "std"), [(0.5, 1.0), (-2.0, 0.7), (3.0, 2.0)])
def test_total_variation_of_shifted_gaussians_has_its_closed_form(shift: float, std: float) -> None:
    closed = 2 * norm.cdf(abs(shift) / (2 * std)) - 1
    result = game.total_variation(density(0, std), density(shift, std), DX).item()
    assert result == pytest.approx(closed, abs=1e-5)


def test_optimal_discriminator_is_one_half_where_nothing_ever_falls_and_has_no_nan_gradient() -> (
    None
):
    p = torch.tensor([0.0, 1.0, 0.0, 3.0], requires_grad=True)
    d = game.optimal_discriminator(p, torch.tensor([0.0, 0.0, 2.0, 1.0]))
    assert d.tolist() == [0.5, 1.0, 0.0, 0.75]
    d.sum().backward()
    assert p.grad is not None
    assert p.grad.tolist() == [0.0, 0.0, 0.5, 0.0625]


def within_four_errors(estimate: game.Estimate, truth: float) -> bool:
    return 0 < estimate.standard_error < 0.02 and (
        abs(estimate.mean - truth) < 4 * estimate.standard_error
    )


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_monte_carlo_agrees_with_the_grid(seed: int) -> None:
    p, q = PAIRS[0]
    real, fake = normal(0, 1), normal(1, 1.5)
    rng = torch.Generator().manual_seed(seed)
    x = torch.randn(20_000, generator=rng, dtype=torch.float64)
    y = 1 + 1.5 * torch.randn(30_000, generator=rng, dtype=torch.float64)
    logits = 0.3 - x, 0.3 - y
    truth = game.value(p, q, torch.sigmoid(0.3 - GRID), DX).item()
    from_samples = game.value_from_samples(logits[0].sigmoid(), logits[1].sigmoid())
    assert within_four_errors(from_samples, truth)
    assert game.value_from_logits(*logits) == pytest.approx(from_samples)
    log_p, log_q = real.log_prob, fake.log_prob
    assert within_four_errors(game.kl_monte_carlo(x, log_p, log_q), game.kl(p, q, DX).item())
    assert within_four_errors(game.jsd_monte_carlo(x, y, log_p, log_q), game.jsd(p, q, DX).item())
    assert within_four_errors(
        game.total_variation_monte_carlo(x, log_p, log_q), game.total_variation(p, q, DX).item()
    )


def test_standard_error_is_the_spread_of_repeated_estimates() -> None:
    rng = torch.Generator().manual_seed(3)
    draws = [
        game.value_from_samples(
            torch.rand(400, generator=rng) / 2 + 0.3, torch.rand(100, generator=rng) / 2
        )
        for _ in range(500)
    ]
    spread = torch.tensor([draw.mean for draw in draws]).std().item()
    claimed = sum(draw.standard_error for draw in draws) / len(draws)
    assert claimed == pytest.approx(spread, rel=0.12)


def test_estimates_survive_certainty_and_disjoint_supports() -> None:
    logits = torch.tensor([1000.0, -1000.0])
    assert game.value_from_logits(logits, logits).mean == pytest.approx(-1000)

    def log_of_uniform(lo: float):
        return lambda x: torch.where((x >= lo) & (x < lo + 1), 0.0, -math.inf)

    x, y = torch.rand(50), 3 + torch.rand(50)
    apart = log_of_uniform(0), log_of_uniform(3)
    assert game.jsd_monte_carlo(x, y, *apart) == pytest.approx((math.log(2), 0))
    assert game.total_variation_monte_carlo(x, *apart) == (1, 0)


def test_logits_given_as_probabilities_and_single_samples_are_refused() -> None:
    half = torch.full((2,), 0.5)
    with pytest.raises(UserError, match=r"d_fake holds values from -1 to 3.*value_from_logits"):
        game.value_from_samples(half, torch.tensor([-1.0, 3.0]))
    with pytest.raises(UserError, match="d_real"):
        game.value_from_samples(torch.tensor([0.5, math.nan]), half)
    with pytest.raises(UserError, match="at least 2 samples of each kind; got 1"):
        game.value_from_samples(half, half[:1])
