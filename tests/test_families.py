"""Autoencoders, VAE-GAN and flow: their mathematics and their steps."""

import itertools
import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from gan_lessons.data import load_digits
from gan_lessons.errors import UserError
from gan_lessons.methods import RECIPES, flow, vae
from gan_lessons.networks import HalfUNet, count_parameters
from gan_lessons.training import Trainer, build_networks

DIGITS = load_digits(source="bundled", announce=False).images[:400]
SMALL: dict[str, dict[str, Any]] = {
    "vae": {"latent_dim": 4, "decoder_width": 16, "encoder_width": 8},
    "vae_gan": {
        "latent_dim": 4, "decoder_width": 16, "encoder_width": 8, "discriminator_width": 8
    },
    "flow": {"width": 16},
}  # fmt: skip


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def run_of(name: str, **changes: Any) -> Trainer:
    return Trainer(DIGITS, replace(RECIPES[name], **SMALL[name], **changes))


# The VAE's mathematics


def test_all_pictures_together_have_the_probability_one() -> None:
    logits = torch.randn(1, 1, 2, 2, generator=rng())
    every = torch.tensor(list(itertools.product((-1.0, 1.0), repeat=4))).view(16, 1, 2, 2)
    found = vae.log_likelihood(every, logits.expand(16, -1, -1, -1)).exp()
    assert found.sum().item() == pytest.approx(1, abs=1e-5)
    assert (
        found.argmax() == vae.log_likelihood(logits.sign(), logits).exp().sub(found).abs().argmin()
    )


def test_greys_have_the_mean_over_all_ways_to_binarise_them() -> None:
    grey, logits = DIGITS[:1], torch.randn(1, 1, 28, 28, generator=rng())
    many = vae.binarised(grey.expand(2000, -1, -1, -1), rng())
    assert set(many.unique().tolist()) == {-1, 1}
    assert many.mean(dim=0).sub(grey[0]).abs().max() < 0.12
    drawn = vae.log_likelihood(many, logits.expand(2000, -1, -1, -1)).mean()
    assert vae.log_likelihood(grey, logits).item() == pytest.approx(drawn.item(), rel=0.01)


def test_divergence_from_a_normal_is_torchs() -> None:
    mean, spread = torch.randn(5, 3), torch.randn(5, 3)
    one = torch.distributions.Normal(mean, spread.exp())
    want = torch.distributions.kl_divergence(one, torch.distributions.Normal(0, 1)).sum(dim=1)
    assert torch.allclose(vae.divergence_from_normal(mean, spread), want, atol=1e-5)


def test_the_mean_log_weight_is_the_loss_and_the_other_bound_is_nearer() -> None:
    run = run_of("vae", steps=60, lr_decay="none")
    for _ in run.run():
        pass
    method: Any = run.method
    pictures = vae.binarised(DIGITS[:50], rng(9))
    weights = method.log_weights(pictures, 200, rng())
    assert weights.shape == (200, 50)
    elbo = weights.mean(dim=0)
    nearer = weights.logsumexp(dim=0) - math.log(200)
    assert (nearer > elbo).all()
    mean, spread = method.encode(pictures, ema=True)
    divergence = vae.divergence_from_normal(mean, spread)
    fits = []
    for i in range(200):
        z = mean + spread.exp() * torch.randn(mean.shape, generator=rng(i))
        fits.append(vae.log_likelihood(pictures, method.decode(z, ema=True)))
    analytic = (torch.stack(fits).mean(dim=0) - divergence).mean()
    assert elbo.mean().item() == pytest.approx(analytic.item(), rel=0.02)


# Flow


class Straight(nn.Module):
    """Knows the ending: the same picture for all."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.full_like(x[:, :1], 0.5)


def test_a_flow_that_knows_the_ending_gets_there_in_any_number_of_steps() -> None:
    noise = torch.randn(3, 1, 8, 8, generator=rng())
    for steps in (1, 4, 20):
        places = flow.follow(Straight(), noise, steps)
        assert len(places) == steps + 1
        assert torch.equal(places[0], noise)
        assert torch.allclose(places[-1], torch.full_like(noise, 0.5), atol=1e-5)
        half = places[steps // 2]
        want = noise + steps // 2 / steps * (0.5 - noise)  # the way is straight
        assert torch.allclose(half, want, atol=1e-5)


def test_the_flow_learns_the_speed_towards_its_data() -> None:
    """Where the data are one picture, the speed is known: it leads there from everywhere."""
    one = DIGITS[:1].expand(64, -1, -1, -1)
    run = Trainer(one, replace(RECIPES["flow"], width=32, batch_size=16, lr_ending=5e-3, steps=300))
    for _ in run.run():
        pass
    found = run.sample(run.inputs(4))
    black = (DIGITS[:1] + 1).square().mean()
    assert (found - DIGITS[:1]).square().mean() < 0.25 * black


def test_more_steps_of_the_sampler_are_more_calls() -> None:
    run = run_of("flow", sampler_steps=3)
    calls = []
    run.ending_ema.register_forward_hook(lambda *_: calls.append(1))
    run.sample(run.inputs(2))
    assert len(calls) == 3
    run.change(sampler_steps=7)
    run.sample(run.inputs(2))
    assert len(calls) == 3 + 7


# All


def test_what_draws_is_of_one_size() -> None:
    built = {name: build_networks(RECIPES[name]) for name in ("dcgan", *SMALL)}
    sizes = [
        count_parameters(built["dcgan"]["generator"]),
        *(count_parameters(built[name]["autoencoder"].decoder) for name in ("vae", "vae_gan")),  # type: ignore[arg-type]
        count_parameters(built["flow"]["ending"]),
    ]
    assert max(sizes) / min(sizes) < 1.01
    with pytest.raises(UserError, match="size is 30; choose a multiple of 4"):
        HalfUNet(size=30)


@pytest.mark.parametrize(("name", "value"), [("vae", "loss_autoencoder"), ("flow", "loss_ending")])
def test_a_loss_falls(name: str, value: str) -> None:
    run = run_of(name, steps=60, lr_decay="none")
    losses = [event.values[value] for event in run.run()]
    assert sum(losses[-10:]) < 0.7 * sum(losses[:10])


@pytest.mark.parametrize("name", SMALL)
def test_pictures_are_pictures_and_values_have_charts(name: str) -> None:
    run = run_of(name, steps=6)
    for _ in run.run():
        pass
    drawn = run.sample(run.inputs(5))
    assert drawn.shape == (5, 1, 28, 28)
    assert drawn.abs().max() <= 1
    assert set(run.history[-1].values) == {n for c in run.method.charts for n in c.lines}


def test_sampled_pixels_are_black_or_white_and_on_average_the_means() -> None:
    run = run_of("vae", steps=20)
    for _ in run.run():
        pass
    inputs = run.inputs(2000)
    inputs[:, :4] = inputs[:1, :4]  # one code, and many chances
    sampled = run.sample(inputs)
    assert set(sampled.unique().tolist()) == {-1, 1}
    run.change(pixels="means")
    assert (run.sample(inputs[:1]) - sampled.mean(dim=0)).abs().max() < 0.12


def test_without_beta_codes_are_not_held_together() -> None:
    found = {}
    for beta in (0.0, 4.0):
        run = run_of("vae", steps=150, beta=beta, lr_decay="none")
        for _ in run.run():
            pass
        found[beta] = run.history[-1].values["divergence"]
    assert found[0.0] > 3 * found[4.0]


def test_the_encoder_is_no_business_of_the_adversary() -> None:
    run = run_of("vae_gan", likeness_weight=0.0, beta=0.0)
    before = [p.clone() for p in run.autoencoder.encoder.parameters()]
    decoder = [p.clone() for p in run.autoencoder.decoder.parameters()]
    run.train_step()
    assert all(map(torch.equal, before, run.autoencoder.encoder.parameters()))
    assert not all(map(torch.equal, decoder, run.autoencoder.decoder.parameters()))
