"""Objectives as pairs of pure functions of logits, and gradient penalties.

A logit is D's raw answer: sigmoid(logit) is its probability that the sample is real (for the
hinge and Wasserstein objectives it is a score, no probability). Every loss is to be minimised,
takes logits of any shape and returns their mean loss, a scalar tensor. All are written so that
value and gradient stay finite for logits of ±1000 in float32. A batch without samples has no mean
and is refused with a `UserError`.

Every pair is called the same way, ``discriminator_loss(real_logits, fake_logits)`` and
``generator_loss(fake_logits, real_logits)``; only the relativistic generator reads the latter's
``real_logits``, the others ignore it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from gan_lessons.errors import ByName, UserError

Discriminator = Callable[[Tensor], Tensor]


class DiscriminatorLoss(Protocol):
    """D's loss. ``smoothing`` in [0, ½): the real target becomes 1 − smoothing."""

    def __call__(
        self, real_logits: Tensor, fake_logits: Tensor, smoothing: float = 0.0
    ) -> Tensor: ...


class GeneratorLoss(Protocol):
    """G's loss; ``real_logits`` matters to the relativistic objective only."""

    def __call__(self, fake_logits: Tensor, real_logits: Tensor | None = None) -> Tensor: ...


@dataclass(frozen=True)
class Objective:
    """What the two players minimise."""

    name: str
    discriminator_loss: DiscriminatorLoss
    generator_loss: GeneratorLoss


# In all that follows softplus(t) = log(1 + exp(t)), so that with D = sigmoid(logit)
# −log D = softplus(−logit) and −log(1 − D) = softplus(logit), with no logarithm of 0.


def cross_entropy_discriminator_loss(
    real_logits: Tensor, fake_logits: Tensor, smoothing: float = 0.0
) -> Tensor:
    """−E log D(x) − E log(1 − D(G(z))): −V of Goodfellow et al. 2014, equation 1.

    ``smoothing`` is one-sided (Salimans et al. 2016, section 3.4): the target of real samples
    becomes 1 − smoothing, that of fakes stays 0.

    Raises:
        UserError: ``smoothing`` is outside [0, ½).
    """
    if not 0 <= smoothing < 0.5:
        raise UserError(f"smoothing is {smoothing}; choose at least 0 and less than 0.5.")
    # −(1 − s) log D − s log(1 − D) = softplus(−logit) + s · logit
    real = _mean(F.softplus(-real_logits)) + smoothing * _mean(real_logits)
    return real + _mean(F.softplus(fake_logits))


def minimax_generator_loss(fake_logits: Tensor, real_logits: Tensor | None = None) -> Tensor:
    """E log(1 − D(G(z))) (Goodfellow et al. 2014, equation 1); saturates where D(G(z)) ≈ 0."""
    return -_mean(F.softplus(fake_logits))


def non_saturating_generator_loss(fake_logits: Tensor, real_logits: Tensor | None = None) -> Tensor:
    """−E log D(G(z)) (Goodfellow et al. 2014, end of section 3)."""
    return _mean(F.softplus(-fake_logits))


def least_squares_discriminator_loss(
    real_logits: Tensor, fake_logits: Tensor, smoothing: float = 0.0
) -> Tensor:
    """½ E (D(x) − 1)² + ½ E D(G(z))² (Mao et al. 2017, equation 9), where D is the raw output."""
    _refuse_smoothing("least_squares", smoothing)
    return (_mean((real_logits - 1).square()) + _mean(fake_logits.square())) / 2


def least_squares_generator_loss(fake_logits: Tensor, real_logits: Tensor | None = None) -> Tensor:
    """½ E (D(G(z)) − 1)² (Mao et al. 2017, equation 9)."""
    return _mean((fake_logits - 1).square()) / 2


def hinge_discriminator_loss(
    real_logits: Tensor, fake_logits: Tensor, smoothing: float = 0.0
) -> Tensor:
    """E max(0, 1 − D(x)) + E max(0, 1 + D(G(z))) (Lim and Ye 2017; Miyato et al. 2018)."""
    _refuse_smoothing("hinge", smoothing)
    return _mean(F.relu(1 - real_logits)) + _mean(F.relu(1 + fake_logits))


def wasserstein_discriminator_loss(
    real_logits: Tensor, fake_logits: Tensor, smoothing: float = 0.0
) -> Tensor:
    """E D(G(z)) − E D(x) (Arjovsky et al. 2017); only sensible for a critic kept Lipschitz."""
    _refuse_smoothing("wasserstein", smoothing)
    return _mean(fake_logits) - _mean(real_logits)


def raise_score_generator_loss(fake_logits: Tensor, real_logits: Tensor | None = None) -> Tensor:
    """−E D(G(z)): the generator's side of the hinge and of the Wasserstein objective."""
    return -_mean(fake_logits)


def relativistic_discriminator_loss(
    real_logits: Tensor, fake_logits: Tensor, smoothing: float = 0.0
) -> Tensor:
    """E softplus(−(D(x) − D(G(z)))): a real should score above the fake it is paired with.

    Jolicoeur-Martineau 2018; used with R1 and R2 by Huang et al. 2024 (R3GAN).

    Raises:
        UserError: the logits do not come in pairs.
    """
    _refuse_smoothing("relativistic", smoothing)
    _check_pairs(real_logits, fake_logits)
    return _mean(F.softplus(fake_logits - real_logits))


def relativistic_generator_loss(fake_logits: Tensor, real_logits: Tensor | None = None) -> Tensor:
    """E softplus(−(D(G(z)) − D(x))): the fake should score above its real.

    Raises:
        UserError: ``real_logits`` is missing, or the logits do not come in pairs.
    """
    if real_logits is None:
        raise UserError(
            "The relativistic generator loss compares with real samples: give real_logits too."
        )
    _check_pairs(real_logits, fake_logits)
    return _mean(F.softplus(real_logits - fake_logits))


OBJECTIVES = ByName(
    "objective",
    {
        objective.name: objective
        for objective in (
            Objective("minimax", cross_entropy_discriminator_loss, minimax_generator_loss),
            Objective(
                "non_saturating", cross_entropy_discriminator_loss, non_saturating_generator_loss
            ),
            Objective(
                "least_squares", least_squares_discriminator_loss, least_squares_generator_loss
            ),
            Objective("hinge", hinge_discriminator_loss, raise_score_generator_loss),
            Objective("wasserstein", wasserstein_discriminator_loss, raise_score_generator_loss),
            Objective("relativistic", relativistic_discriminator_loss, relativistic_generator_loss),
        )
    },
)


def gradient_penalty(
    discriminator: Discriminator, real: Tensor, fake: Tensor, rng: torch.Generator
) -> Tensor:
    """E (‖∇D(x̂)‖ − 1)² at x̂ between real and fake (Gulrajani et al. 2017, equation 3, without λ).

    Each pair has its own weight from U(0, 1), and each sample its own norm. D must treat samples
    one by one (no BatchNorm). Multiply by λ (10 in the paper) and add to D's loss; the result
    carries gradients to D's parameters and none to the generator.

    Args:
        discriminator: maps (N, …) to logits whose first axis is N.
        real: samples of the data, shape (N, …).
        fake: samples of the generator, same shape.
        rng: draws the N weights.

    Raises:
        UserError: the shapes differ.
    """
    _check_pairs(real, fake)
    weights = torch.rand(len(real), generator=rng, device=rng.device).to(real)
    between = torch.lerp(real, fake, weights.view(-1, *[1] * (real.dim() - 1)))
    # At a zero gradient the square root has no derivative: without 1e-12 it would be NaN.
    norm = (_squared_gradient_norm(discriminator, between) + 1e-12).sqrt()
    return (norm - 1).square().mean()


def r1(discriminator: Discriminator, real: Tensor) -> Tensor:
    """½ E ‖∇D(x)‖² at real samples (N, …) (Mescheder et al. 2018, equation 9, without γ).

    The ½ is in here: add ``gamma * r1(...)`` to D's loss for the paper's γ/2 E ‖∇D‖².
    """
    return _squared_gradient_norm(discriminator, real).mean() / 2


def r2(discriminator: Discriminator, fake: Tensor) -> Tensor:
    """½ E ‖∇D(G(z))‖², the same at fake samples; carries no gradient to the generator."""
    return r1(discriminator, fake)


def _squared_gradient_norm(discriminator: Discriminator, samples: Tensor) -> Tensor:
    """‖∇D(x)‖² of every sample, shape (N,), differentiable in D's parameters."""
    _refuse_empty(samples)
    samples = samples.detach().requires_grad_()
    # One sum over the batch: sample i's gradient is that of its own answer alone.
    (gradient,) = torch.autograd.grad(discriminator(samples).sum(), samples, create_graph=True)
    return gradient.reshape(len(samples), -1).square().sum(1)


def _mean(values: Tensor) -> Tensor:
    _refuse_empty(values)
    return values.mean()


def _refuse_empty(values: Tensor) -> None:
    """Reads the shape only, so that nothing waits for a GPU."""
    if values.numel() == 0:
        raise UserError(
            f"The batch is empty: its shape is {tuple(values.shape)}. Give at least one sample."
        )


def _check_pairs(real: Tensor, fake: Tensor) -> None:
    if real.shape != fake.shape:
        raise UserError(
            f"real has shape {tuple(real.shape)} and fake {tuple(fake.shape)}; each real needs "
            "one fake as its partner, so both need the same shape."
        )


def _refuse_smoothing(name: str, smoothing: float) -> None:
    if smoothing != 0:
        raise UserError(
            f"smoothing is {smoothing}, but the {name} objective has no probabilities to smooth; "
            "leave it at 0, or choose minimax or non_saturating."
        )
