"""One backward pass gives both players what two give; workers and precision change little."""

import copy
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from gan_lessons import losses, networks
from gan_lessons.errors import UserError
from gan_lessons.methods import RECIPES, OnePassGAN, one_pass
from gan_lessons.training import Trainer
from gan_lessons.training.workers import Workers

SMALL = replace(
    RECIPES["fast"], latent_dim=8, generator_width=8, discriminator_width=8, batch_size=8, steps=20
)


@pytest.fixture
def digits() -> Tensor:
    return torch.rand(64, 1, 28, 28, generator=torch.Generator().manual_seed(0)) * 2 - 1


def pair_of_networks() -> tuple[nn.Sequential, nn.Sequential]:
    torch.manual_seed(1)
    return networks.ConvGenerator(8, 8), networks.ConvDiscriminator(8)


def gradients(*players: nn.Module) -> list[Tensor]:
    found = [p.grad for player in players for p in player.parameters()]
    return [gradient.clone() for gradient in found if gradient is not None]


@pytest.mark.parametrize("objective", ["non_saturating", "minimax", "wasserstein"])
# What D's logits are shifted by; at −300 the slope of D's loss on a fake is 0 in float32.
@pytest.mark.parametrize("certain", [0.0, 12.0, -12.0, 300.0, -300.0])
@pytest.mark.parametrize("r1", [0.0, 4.0])
def test_gradients_are_those_of_two_passes(
    digits: Tensor, objective: str, certain: float, r1: float
) -> None:
    generator, discriminator = pair_of_networks()
    with torch.no_grad():
        [*discriminator.parameters()][-1].add_(certain)  # the bias of the last layer
    real, z = digits[:8], torch.randn(8, 8)
    pair = losses.OBJECTIVES[objective]
    smoothing = 0.1 if objective != "wasserstein" else 0.0
    one_pass.backward(generator, discriminator, pair, real, z, smoothing=smoothing, r1=r1)
    once = gradients(discriminator, generator)

    generator.zero_grad()
    discriminator.zero_grad()
    fake = generator(z)
    loss = pair.discriminator_loss(discriminator(real), discriminator(fake.detach()), smoothing)
    (loss + r1 * losses.r1(discriminator, real)).backward()
    twice = gradients(discriminator)
    pair.generator_loss(discriminator(fake)).backward(inputs=list(generator.parameters()))
    twice += gradients(generator)
    for one, two in zip(once, twice, strict=True):
        assert (one - two).norm() <= 1e-5 * two.norm() + 1e-12


@pytest.mark.parametrize("objective", ["non_saturating", "minimax"])
def test_real_samples_under_wrong_classes_are_refused_too(digits: Tensor, objective: str) -> None:
    """Reed et al. 2016, algorithm 1, with all wrong classes in the place of one."""
    torch.manual_seed(1)
    generator, discriminator = networks.ConvGenerator(8, 8), networks.ConvDiscriminator(8, 4)
    pair, labels = losses.OBJECTIVES[objective], torch.arange(8) % 4
    real, z = digits[:8], torch.randn(8, 8)
    one_pass.backward(generator, discriminator, pair, real, z, labels, mismatch=0.25)
    once = gradients(discriminator, generator)

    generator.zero_grad()
    discriminator.zero_grad()
    fake, own = generator(z), torch.eye(4, dtype=torch.bool)[labels]
    answers = discriminator(real)
    right, wrong = answers[own], answers[~own]
    refused = [
        pair.discriminator_loss(right, other)
        for other in (discriminator(fake.detach())[own], wrong)
    ]
    (0.75 * refused[0] + 0.25 * refused[1]).backward()
    twice = gradients(discriminator)
    pair.generator_loss(discriminator(fake)[own]).backward(inputs=list(generator.parameters()))
    twice += gradients(generator)
    whole = torch.cat([gradient.flatten() for gradient in twice]).norm()
    for one, two in zip(once, twice, strict=True):
        assert (one - two).norm() <= 1e-6 * whole


def test_wrong_classes_need_classes() -> None:
    with pytest.raises(UserError, match=r"mismatch is 0.25 and classes 0; .* choose 0"):
        replace(SMALL, mismatch=0.25)


def test_answers_are_losses_and_mean_probabilities(digits: Tensor) -> None:
    generator, discriminator = pair_of_networks()
    pair = losses.OBJECTIVES["non_saturating"]
    z = torch.randn(8, 8)
    with torch.no_grad():
        real_logits = discriminator(digits[:8])
        fake_logits = discriminator(copy.deepcopy(generator)(z))
    told = one_pass.backward(generator, discriminator, pair, digits[:8], z)
    wanted = (
        pair.discriminator_loss(real_logits, fake_logits),
        pair.generator_loss(fake_logits),
        real_logits.sigmoid().mean(),
        fake_logits.sigmoid().mean(),
    )
    assert told == pytest.approx([value.item() for value in wanted], rel=1e-5)


@pytest.mark.parametrize("count", [2, 4])
def test_workers_average_the_gradients_of_their_shares(digits: Tensor, count: int) -> None:
    generator, discriminator = pair_of_networks()
    pair, z = losses.OBJECTIVES["non_saturating"], torch.randn(8, 8)
    workers = Workers({"generator": generator, "discriminator": discriminator}, count)
    shares, size = [], 8 // count
    for part in range(count):
        share = copy.deepcopy((generator, discriminator))
        rows = slice(size * part, size * (part + 1))
        one_pass.backward(*share, pair, digits[rows], z[rows], r1=4.0)
        shares.append(gradients(*share))
        shares[-1] += [b for b in share[0].buffers() if b.is_floating_point()]

    def work(networks: Mapping[str, nn.Module], real: Tensor, noise: Tensor) -> Tensor:
        first, second = networks.values()
        return one_pass.backward(first, second, pair, real, noise, r1=4.0)

    workers.backward(work, digits[:8], z)
    got = gradients(generator, discriminator)
    got += [b for b in generator.buffers() if b.is_floating_point()]
    for mean, *parts in zip(got, *shares, strict=True):
        torch.testing.assert_close(mean, torch.stack(parts).mean(dim=0))
    workers.broadcast_weights()
    for other in workers.networks[1:]:
        for first, second in zip(
            generator.state_dict().values(), other["generator"].state_dict().values(), strict=True
        ):
            assert torch.equal(first, second)


@pytest.mark.parametrize(
    "how", [{}, {"workers": 4}, {"precision": "bfloat16", "workers": 2}], ids=str
)
def test_a_run_is_decided_by_its_seed_and_resumes_to_the_last_bit(
    digits: Tensor, how: dict[str, Any], tmp_path: Any
) -> None:
    settings = replace(SMALL, **how)
    straight, stopped = Trainer(digits, settings), Trainer(digits, settings)
    for _ in straight.run():
        pass
    for _ in stopped.run(7):
        pass
    stopped.save(tmp_path / "run.pt")
    resumed = Trainer.load(tmp_path / "run.pt", digits)
    for _ in resumed.run():
        pass
    for part in ("generator", "discriminator", "generator_ema"):
        ones, others = (getattr(run, part).state_dict() for run in (straight, resumed))
        for name in ones:
            assert torch.equal(ones[name], others[name]), (part, name)
    assert [event.epoch for event in straight.history] == [event.epoch for event in resumed.history]
    assert all(value == value for value in straight.history[-1].values.values())


def test_precision_changes_gradients_by_roundings_only(digits: Tensor) -> None:
    pair = losses.OBJECTIVES["non_saturating"]
    z = torch.randn(64, 8, generator=torch.Generator().manual_seed(0))
    found = []
    for precision in one_pass.PRECISIONS:
        players = pair_of_networks()
        one_pass.backward(*players, pair, digits, z, r1=1.0, precision=precision)
        found.append(torch.cat([g.flatten() for g in gradients(*players)]))
    error = (found[0] - found[1]).norm() / found[0].norm()
    assert 0 < error < 0.04


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"objective": "hinge"}, "objective is 'hinge'; choose one of non_saturating, minimax"),
        ({"penalty": "r2"}, "penalty is 'r2'; choose one of none, r1"),
        ({"batch_size": 9, "workers": 2}, "workers is 2 and batch_size 9; choose a batch_size"),
        ({"batch_size": 8, "workers": 8}, "a multiple of the workers and at least 16"),
        ({"precision": "float16"}, "precision is 'float16'; choose one of float32, bfloat16"),
        ({"cuda_graphs": True}, "cuda_graphs is True; on 'cpu' choose False"),
        ({"cuda_graphs": "on"}, "cuda_graphs is 'on'; choose True or False"),
        ({"device": "cuda", "workers": 2}, "workers is 2; on 'cuda' choose 1"),
    ],
)
def test_what_one_pass_cannot_do_is_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said):
        replace(RECIPES["fast"], **wrong)


@pytest.mark.parametrize("name", ["discriminator_steps", "instance_noise", "update"])
def test_a_setting_that_one_pass_would_ignore_is_none_of_it(name: str) -> None:
    with pytest.raises(UserError, match=f"There is no setting '{name}'"):
        Trainer(torch.zeros(64, 1, 28, 28), SMALL).change(**{name: 1})


# One player alone


@pytest.mark.parametrize("workers", [1, 2])
def test_half_steps_reach_every_worker(digits: Tensor, workers: int) -> None:
    """The second worker once went on with old weights."""
    run = Trainer(digits, replace(SMALL, workers=workers))
    run.train_step()
    run.half_step("discriminator")
    run.half_step("generator")
    assert isinstance(run.method, OnePassGAN)
    first, *others = run.method.workers.networks
    for other in others:
        for name, network in first.items():
            pairs = zip(
                network.state_dict().values(), other[name].state_dict().values(), strict=True
            )
            assert all(torch.equal(one, two) for one, two in pairs), name


def test_half_steps_move_one_player_each_by_its_own_gradient(digits: Tensor) -> None:
    run = Trainer(digits, replace(SMALL, penalty="none"))
    before = [copy.deepcopy(player.network) for player in run.players.values()]
    run.half_step("discriminator")
    assert run.partial.keys() == {"loss_discriminator", "d_real", "d_fake"}
    moved = [
        not all(map(torch.equal, was.parameters(), player.network.parameters()))
        for was, player in zip(before, run.players.values(), strict=True)
    ]
    assert moved == [False, True]
    discriminator = copy.deepcopy(run.discriminator)
    run.half_step("generator")
    assert all(map(torch.equal, discriminator.parameters(), run.discriminator.parameters()))
    assert run.step == 1
    assert run.history[-1].values.keys() == {
        "loss_discriminator",
        "loss_generator",
        "d_real",
        "d_fake",
    }
    with pytest.raises(UserError, match="no turn 'nonsense'"):
        run.half_step("nonsense")
