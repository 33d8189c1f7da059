"""Objectives against independent float64 formulas; penalties against closed forms."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from gan_lessons.errors import UserError
from gan_lessons.losses import OBJECTIVES, gradient_penalty, r1, r2

Formula = Callable[[Tensor, Tensor], Tensor]


def prob(logit: Tensor) -> Tensor:
    return 1 / (1 + torch.exp(-logit))


# The papers' formulas, written with probabilities and logarithms, in float64.
FORMULAS: dict[str, tuple[Formula, Formula]] = {
    "minimax": (
        lambda r, f: -prob(r).log().mean() - (1 - prob(f)).log().mean(),
        lambda r, f: (1 - prob(f)).log().mean(),
    ),
    "non_saturating": (
        lambda r, f: -prob(r).log().mean() - (1 - prob(f)).log().mean(),
        lambda r, f: -prob(f).log().mean(),
    ),
    "least_squares": (
        lambda r, f: 0.5 * ((r - 1) ** 2).mean() + 0.5 * (f**2).mean(),
        lambda r, f: 0.5 * ((f - 1) ** 2).mean(),
    ),
    "hinge": (
        lambda r, f: -(r - 1).clamp(max=0).mean() - (-f - 1).clamp(max=0).mean(),
        lambda r, f: -f.mean(),
    ),
    "wasserstein": (lambda r, f: f.mean() - r.mean(), lambda r, f: -f.mean()),
    "relativistic": (
        lambda r, f: -prob(r - f).log().mean(),
        lambda r, f: -prob(f - r).log().mean(),
    ),
}


def random_logits(shape: tuple[int, ...] = (7, 3)) -> tuple[Tensor, Tensor]:
    rng = torch.Generator().manual_seed(0)
    real, fake = 4 * torch.randn(2, *shape, generator=rng)
    return real.requires_grad_(), fake.requires_grad_()


def as_float64(*tensors: Tensor) -> list[Tensor]:
    return [tensor.detach().double().requires_grad_() for tensor in tensors]


def gradients(loss: Tensor, *inputs: Tensor) -> list[Tensor]:
    found = torch.autograd.grad(loss, inputs, allow_unused=True)
    return [torch.zeros_like(x) if g is None else g for g, x in zip(found, inputs, strict=True)]


def test_every_objective_has_a_formula_here() -> None:
    assert set(OBJECTIVES) == set(FORMULAS)
    assert all(name == objective.name for name, objective in OBJECTIVES.items())


@pytest.mark.parametrize("shape", [(9,), (7, 3), (2, 1, 4, 4)])
@pytest.mark.parametrize("name", FORMULAS)
def test_value_and_gradient_agree_with_the_paper(name: str, shape: tuple[int, ...]) -> None:
    real, fake = random_logits(shape)
    real64, fake64 = as_float64(real, fake)
    objective = OBJECTIVES[name]
    ours = objective.discriminator_loss(real, fake), objective.generator_loss(fake, real)
    for loss, formula in zip(ours, FORMULAS[name], strict=True):
        expected = formula(real64, fake64)
        assert loss.shape == ()
        assert loss.item() == pytest.approx(expected.item(), rel=1e-5, abs=1e-6)
        for ours_g, theirs in zip(
            gradients(loss, real, fake), gradients(expected, real64, fake64), strict=True
        ):
            torch.testing.assert_close(ours_g.double(), theirs, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("name", [n for n in FORMULAS if n != "relativistic"])
def test_only_the_relativistic_generator_needs_real_logits(name: str) -> None:
    real, fake = random_logits()
    loss = OBJECTIVES[name].generator_loss
    assert loss(fake).item() == loss(fake, real).item()


@pytest.mark.parametrize("name", FORMULAS)
@pytest.mark.parametrize("sign", [(1, 1), (1, -1), (-1, 1), (-1, -1)])
def test_logits_of_a_thousand_stay_finite(name: str, sign: tuple[int, int]) -> None:
    real, fake = (torch.full((4,), 1000.0 * s, requires_grad=True) for s in sign)
    objective = OBJECTIVES[name]
    for loss in (objective.discriminator_loss(real, fake), objective.generator_loss(fake, real)):
        assert loss.isfinite()
        assert all(g.isfinite().all() for g in gradients(loss, real, fake))


def test_a_confident_discriminator_starves_the_minimax_generator_only() -> None:
    fake = torch.full((1,), -30.0, requires_grad=True)
    (saturated,) = gradients(OBJECTIVES["minimax"].generator_loss(fake), fake)
    (strong,) = gradients(OBJECTIVES["non_saturating"].generator_loss(fake), fake)
    assert -1e-12 < saturated.item() < 0
    assert strong.item() == pytest.approx(-1, abs=1e-6)


@pytest.mark.parametrize("name", FORMULAS)
def test_descent_separates_for_the_discriminator_and_raises_fakes_for_the_generator(
    name: str,
) -> None:
    # At logit 0, where every objective's gradient is on.
    real, fake = torch.zeros(5, requires_grad=True), torch.zeros(5, requires_grad=True)
    objective = OBJECTIVES[name]
    on_real, on_fake = gradients(objective.discriminator_loss(real, fake), real, fake)
    assert (on_real < 0).all()
    assert (on_fake >= 0).all()  # least squares aims fakes at 0 and is there
    assert (gradients(objective.generator_loss(fake, real), fake)[0] < 0).all()


@pytest.mark.parametrize("name", ["minimax", "non_saturating"])
def test_smoothing_is_one_sided_cross_entropy_with_a_lower_real_target(name: str) -> None:
    real, fake = random_logits()
    bce = nn.functional.binary_cross_entropy_with_logits
    expected = bce(real, torch.full_like(real, 0.9)) + bce(fake, torch.zeros_like(fake))
    loss = OBJECTIVES[name].discriminator_loss(real, fake, smoothing=0.1)
    assert loss.item() == pytest.approx(expected.item(), rel=1e-5)
    # The optimum of the real term moves from infinity to log(0.9/0.1).
    best = torch.full((3,), math.log(9.0), requires_grad=True)
    (at_best,) = gradients(OBJECTIVES[name].discriminator_loss(best, fake, smoothing=0.1), best)
    assert at_best.abs().max().item() < 1e-6


@pytest.mark.parametrize("name", ["least_squares", "hinge", "wasserstein", "relativistic"])
def test_smoothing_is_refused_where_there_is_no_probability(name: str) -> None:
    with pytest.raises(UserError, match=rf"smoothing is 0.1, but the {name} objective"):
        OBJECTIVES[name].discriminator_loss(*random_logits(), smoothing=0.1)


@pytest.mark.parametrize("smoothing", [-0.1, 0.5, 1.0, math.nan])
def test_smoothing_out_of_range_is_refused(smoothing: float) -> None:
    with pytest.raises(UserError, match=r"at least 0 and less than 0\.5"):
        OBJECTIVES["minimax"].discriminator_loss(*random_logits(), smoothing=smoothing)


def test_pairs_that_do_not_pair_are_refused() -> None:
    objective = OBJECTIVES["relativistic"]
    last_batch, full = torch.zeros(96, 1), torch.zeros(256, 1)
    with pytest.raises(UserError, match=r"real has shape \(96, 1\) and fake \(256, 1\)"):
        objective.discriminator_loss(last_batch, full)
    with pytest.raises(UserError, match="same shape"):  # would broadcast to (256, 256)
        objective.generator_loss(full, full[:, 0])
    with pytest.raises(UserError, match="give real_logits too"):
        objective.generator_loss(full)
    with pytest.raises(UserError, match="same shape"):
        gradient_penalty(lambda x: x.sum(1), last_batch, full, torch.Generator())


@pytest.mark.parametrize("name", [n for n in FORMULAS if n != "relativistic"])
def test_unequal_counts_are_weighed_as_means(name: str) -> None:
    real, fake = random_logits((8,))
    doubled = OBJECTIVES[name].discriminator_loss(real, torch.cat([fake, fake]))
    single = OBJECTIVES[name].discriminator_loss(real, fake)
    assert doubled.item() == pytest.approx(single.item(), rel=1e-6)


# --- penalties ---------------------------------------------------------------------------------


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def curved_critic() -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        return nn.Sequential(nn.Flatten(), nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 1)).double()


def batches(n: int = 6) -> tuple[Tensor, Tensor]:
    real, fake = torch.randn(2, n, 2, 2, 2, generator=seeded(5), dtype=torch.float64)
    return real, fake


def finite_difference_squared_norm(critic: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """‖∇D‖² of each sample by central differences, one sample and one coordinate at a time."""
    step, flat = 1e-5, x.reshape(len(x), -1)
    slopes = torch.zeros_like(flat)
    with torch.no_grad():
        for i in range(flat.shape[1]):
            push = torch.zeros_like(flat)
            push[:, i] = step
            up, down = (flat + push).view_as(x), (flat - push).view_as(x)
            slopes[:, i] = (critic(up) - critic(down)).reshape(-1) / (2 * step)
    return slopes.square().sum(1)


def test_penalties_of_a_linear_critic_are_known() -> None:
    slope = torch.tensor([3.0, -4.0], requires_grad=True)  # norm 5
    real, fake = torch.randn(2, 10, 2, generator=seeded())

    def critic(x: Tensor) -> Tensor:
        return x @ slope + 7

    assert gradient_penalty(critic, real, fake, seeded()).item() == pytest.approx(16, rel=1e-5)
    assert r1(critic, real).item() == pytest.approx(12.5, rel=1e-5)
    assert r2(critic, fake).item() == pytest.approx(12.5, rel=1e-5)
    # d/dw ½‖w‖² = w and d/dw (‖w‖ − 1)² = 2 (1 − 1/‖w‖) w.
    assert torch.allclose(gradients(r1(critic, real), slope)[0], slope)
    penalty = gradient_penalty(critic, real, fake, seeded())
    assert torch.allclose(gradients(penalty, slope)[0], 1.6 * slope, rtol=1e-5)


def test_penalties_agree_with_finite_differences() -> None:
    critic, (real, fake) = curved_critic(), batches()
    squared = finite_difference_squared_norm(critic, real)
    assert r1(critic, real).item() == pytest.approx(squared.mean().item() / 2, rel=1e-6)
    squared = finite_difference_squared_norm(critic, fake)
    assert r2(critic, fake).item() == pytest.approx(squared.mean().item() / 2, rel=1e-6)
    # real = fake leaves nothing to chance about where the penalty looks.
    expected = (squared.sqrt() - 1).square().mean().item()
    assert gradient_penalty(critic, fake, fake, seeded()).item() == pytest.approx(
        expected, rel=1e-6
    )


def test_penalties_are_means_over_samples_whatever_the_batch() -> None:
    critic, (real, fake) = curved_critic(), batches()
    assert r1(critic, real.repeat(3, 1, 1, 1)).item() == pytest.approx(r1(critic, real).item())
    alone = [gradient_penalty(critic, x[None], x[None], seeded()).item() for x in fake]
    together = gradient_penalty(critic, fake, fake, seeded()).item()
    assert together == pytest.approx(sum(alone) / len(alone))


def test_penalty_looks_at_one_uniform_point_between_each_pair() -> None:
    seen: list[Tensor] = []

    def critic(x: Tensor) -> Tensor:
        seen.append(x.detach())
        return x.flatten(1).sum(1)

    real, fake = torch.zeros(4000, 1, 2, 2), torch.ones(4000, 1, 2, 2)
    gradient_penalty(critic, real, fake, seeded())
    weights = seen[0][:, 0, 0, 0]
    assert torch.equal(seen[0], weights.view(-1, 1, 1, 1).expand_as(real))  # one per sample
    assert 0 <= weights.min() < 0.01
    assert 0.99 < weights.max() < 1
    assert torch.histc(weights, 4, 0, 1).sub(1000).abs().max() < 120  # about 4 sigma
    gradient_penalty(critic, real, fake, seeded())
    assert torch.equal(seen[0], seen[1])


def test_a_flat_critic_is_penalised_without_nan() -> None:
    slope = torch.zeros(2, requires_grad=True)
    real, fake = torch.randn(2, 5, 2, generator=seeded())
    penalty = gradient_penalty(lambda x: x @ slope, real, fake, seeded())
    assert penalty.item() == pytest.approx(1, abs=1e-5)
    assert gradients(penalty, slope)[0].isfinite().all()


def test_penalties_reach_the_critic_and_not_the_generator() -> None:
    critic = curved_critic()
    real, fake = (x.requires_grad_() for x in batches())
    for penalty in (gradient_penalty(critic, real, fake, seeded()), r2(critic, fake)):
        penalty.backward()
    assert fake.grad is None
    assert real.grad is None
    weight = next(critic.parameters())
    assert weight.grad is not None
    assert weight.grad.abs().sum() > 0


def test_penalties_take_samples_of_one_number() -> None:
    assert r1(lambda x: 3 * x, torch.randn(5)).item() == pytest.approx(4.5)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_an_empty_batch_is_refused(name: str) -> None:
    objective, empty, full = OBJECTIVES[name], torch.zeros(0), torch.zeros(3)
    other = empty if name == "relativistic" else full  # which needs pairs
    for loss in (
        lambda: objective.discriminator_loss(empty, other),
        lambda: objective.discriminator_loss(other, empty),
        lambda: objective.generator_loss(empty, empty),
    ):
        with pytest.raises(UserError, match=r"batch is empty: its shape is \(0,\)"):
            loss()


def test_penalties_of_an_empty_batch_are_refused() -> None:
    critic, empty = curved_critic(), batches()[0][:0]
    for penalty in (
        lambda: r1(critic, empty),
        lambda: gradient_penalty(critic, empty, empty, seeded()),
    ):
        with pytest.raises(UserError, match=r"batch is empty: its shape is \(0, "):
            penalty()


@pytest.mark.parametrize("name", OBJECTIVES)
def test_losses_are_traced_in_one_piece(name: str) -> None:
    """What refuses an empty batch reads no number, so that a compiler or a GPU need not wait."""
    objective = OBJECTIVES[name]

    def both(real: Tensor, fake: Tensor) -> Tensor:
        return objective.discriminator_loss(real, fake) + objective.generator_loss(fake, real)

    real, fake = torch.randn(2, 5, generator=seeded())
    traced = torch.compile(both, fullgraph=True, backend="eager")
    assert torch.equal(traced(real, fake), both(real, fake))
