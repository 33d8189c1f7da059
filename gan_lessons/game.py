"""The theory of the minimax game, on grids and on samples (Goodfellow et al. 2014, section 4).

Throughout: ``p`` is the density of the real data, ``q`` that of the generator, ``d`` the answers
D(x) of a discriminator, probabilities in [0, 1]. Logarithms are natural: values are in nats.

On a grid, an integral is the sum of the values times ``dx``, the volume of one cell (a length in
1-D, an area in 2-D). On an even grid whose ends carry no density this equals the trapezoid
rule. Prefer float64: far in a tail float32 rounds a density to 0, where KL is infinite.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from gan_lessons.errors import UserError
from gan_lessons.tensors import expect_tensor

LogDensity = Callable[[Tensor], Tensor]


class Estimate(NamedTuple):
    """A Monte Carlo mean and its standard error; the truth is within 4 errors almost surely."""

    mean: float
    standard_error: float


def value(p: Tensor, q: Tensor, d: Tensor | float, dx: float) -> Tensor:
    """V(D, G) = ∫ p log D + q log(1 − D) dx on a grid (equation 1 of the paper).

    Args:
        p: density of the real data on the grid, non-negative.
        q: density of the generator on the same grid.
        d: D(x) on the same grid, or one number for all of it, in [0, 1].
        dx: volume of a grid cell.

    Returns:
        A scalar tensor, at most 0. A density of 0 contributes 0, whatever D says there. Where D
        is certain and wrong the true V is −∞; here it is finite and very low, because answers
        that round to 0 or 1 count as a hair away from them (D* rounds to 1 in far tails).

    Raises:
        UserError: not on one grid, or D(x) is no probability.
    """
    _refuse_other_grids(dx, p=p, q=q)
    d = torch.as_tensor(d, dtype=p.dtype, device=p.device)
    if d.dim():
        _refuse_other_grids(dx, p=p, d=d)
    if not ((d > -1e-6) & (d < 1 + 1e-6)).all():
        raise UserError(
            f"d holds values from {d.min():.3g} to {d.max():.3g}, but D(x) is a probability in "
            "[0, 1]: logits become one by sigmoid()."
        )
    smallest = torch.finfo(p.dtype).tiny
    log_d, log_not_d = d.clamp(min=smallest).log(), (1 - d).clamp(min=smallest).log()
    return (p * log_d + q * log_not_d).sum() * dx


def value_from_samples(d_real: Tensor, d_fake: Tensor) -> Estimate:
    """V(D, G) from D's probabilities on real and on fake samples (any shapes, two or more each).

    Raises:
        UserError: an answer is outside [0, 1], or there are fewer than two of a kind.
    """
    for name, answers in (("d_real", d_real), ("d_fake", d_fake)):
        expect_tensor(answers, name, "of D's answers")
        if not ((answers >= 0) & (answers <= 1)).all():
            raise UserError(
                f"{name} holds values from {answers.min():.3g} to {answers.max():.3g}, but D(x) is "
                "a probability in [0, 1]. For logits use value_from_logits."
            )
    return _sum_of_means(d_real.log(), (-d_fake).log1p())


def value_from_logits(real_logits: Tensor, fake_logits: Tensor) -> Estimate:
    """V(D, G) from D's logits; finite even where D is so sure that its probability rounds to 0."""
    expect_tensor(real_logits, "real_logits", "of any shape")
    expect_tensor(fake_logits, "fake_logits", "of any shape")
    return _sum_of_means(F.logsigmoid(real_logits), F.logsigmoid(-fake_logits))


def optimal_discriminator(p: Tensor, q: Tensor) -> Tensor:
    """D*(x) = p(x) / (p(x) + q(x)), the D that maximises V for a fixed generator (Proposition 1).

    Where both densities are 0, D(x) has no influence on V, so that any answer is optimal; ½ is
    the one that favours neither side.

    Raises:
        UserError: not on one grid.
    """
    _refuse_other_grids(1.0, p=p, q=q)
    total = p + q
    seen = total > 0
    # The division is made safe before the choice, or its NaN would reach the gradient.
    return torch.where(seen, p / torch.where(seen, total, 1), 0.5)


def kl(p: Tensor, q: Tensor, dx: float) -> Tensor:
    """KL(p ‖ q) = ∫ p log(p / q) dx on a grid; in [0, ∞], infinite if q is 0 where p is not."""
    _refuse_other_grids(dx, p=p, q=q)
    return (torch.xlogy(p, p) - torch.xlogy(p, q)).sum() * dx


def jsd(p: Tensor, q: Tensor, dx: float) -> Tensor:
    """Jensen-Shannon divergence, ½ KL(p ‖ m) + ½ KL(q ‖ m) with m = (p + q)/2; in [0, log 2].

    V(D*, G) = −log 4 + 2 JSD(p, q) (Theorem 1 of the paper).
    """
    _refuse_other_grids(dx, p=p, q=q)
    # p log(p/m) + q log(q/m) with 2m = p + q, which does not round to 0 before p and q do.
    total = p + q
    terms = torch.xlogy(p, 2 * p) + torch.xlogy(q, 2 * q) - torch.xlogy(total, total)
    return (terms.sum() * dx / 2).clamp(min=0)  # rounding could make it −1e-17


def total_variation(p: Tensor, q: Tensor, dx: float) -> Tensor:
    """Total variation distance, ½ ∫ |p − q| dx on a grid; in [0, 1].

    The best accuracy that any discriminator can reach is (1 + total variation) / 2.
    """
    _refuse_other_grids(dx, p=p, q=q)
    return (p - q).abs().sum() * dx / 2


def kl_monte_carlo(samples_p: Tensor, log_p: LogDensity, log_q: LogDensity) -> Estimate:
    """KL(p ‖ q) as the mean of log p − log q over samples of p.

    Args:
        samples_p: two or more samples of p, of the shape that the log densities take.
        log_p: function from samples to their log densities under p, one number for each.
        log_q: the same under q.
    """
    return _sum_of_means(log_p(samples_p) - log_q(samples_p))


def jsd_monte_carlo(
    samples_p: Tensor, samples_q: Tensor, log_p: LogDensity, log_q: LogDensity
) -> Estimate:
    """JSD(p, q) from samples of both: (log 4 + V(D*, G)) / 2, where D*'s logit is log p − log q."""
    estimate = value_from_logits(
        log_p(samples_p) - log_q(samples_p), log_p(samples_q) - log_q(samples_q)
    )
    return Estimate((math.log(4) + estimate.mean) / 2, estimate.standard_error / 2)


def total_variation_monte_carlo(
    samples_p: Tensor, log_p: LogDensity, log_q: LogDensity
) -> Estimate:
    """Total variation as the mean of max(0, 1 − q/p) over samples of p."""
    ratio = (log_q(samples_p) - log_p(samples_p)).exp()
    return _sum_of_means((1 - ratio).clamp(min=0))


def _refuse_other_grids(dx: float, **on_grid: Tensor) -> None:
    for name, values in on_grid.items():
        expect_tensor(values, name, "on a grid")
    shapes = {name: tuple(values.shape) for name, values in on_grid.items()}
    if len({*shapes.values()}) > 1:
        said = " and ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise UserError(f"All have to lie on one grid; these have the shapes {said}.")
    if not dx > 0:
        raise UserError(f"dx is {dx!r}; a cell of the grid has a volume above 0.")


def _sum_of_means(*terms: Tensor) -> Estimate:
    """The sum of the means of independent samples, with its standard error."""
    fewest = min(term.numel() for term in terms)
    if fewest < 2:
        raise UserError(f"A standard error needs at least 2 samples of each kind; got {fewest}.")
    terms = tuple(term.detach().double() for term in terms)
    variance = sum(float(term.var()) / term.numel() for term in terms)
    return Estimate(sum(float(term.mean()) for term in terms), math.sqrt(variance))
