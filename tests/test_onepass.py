"""One backward pass gives both players what two give; workers and precision change little."""

import copy
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from gan_lessons import losses, models, onepass
from gan_lessons.errors import UserError
from gan_lessons.training import RECIPES, Trainer

SMALL = replace(
    RECIPES["fast"], latent_dim=8, generator_width=8, discriminator_width=8, batch_size=8, steps=20
)


@pytest.fixture
def digits() -> Tensor:
    return torch.rand(64, 1, 28, 28, generator=torch.Generator().manual_seed(0)) * 2 - 1


def networks() -> tuple[nn.Module, nn.Module]:
    torch.manual_seed(1)
    return models.ConvGenerator(8, 8), models.ConvDiscriminator(8)


def gradients(*players: nn.Module) -> list[Tensor]:
    return [p.grad.clone() for player in players for p in player.parameters()]


@pytest.mark.parametrize("objective", ["non_saturating", "minimax", "wasserstein"])
# What D's logits are shifted by; at −300 the slope of D's loss on a fake is 0 in float32.
@pytest.mark.parametrize("certain", [0.0, 12.0, -12.0, 300.0, -300.0])
@pytest.mark.parametrize("r1", [0.0, 4.0])
def test_gradients_are_those_of_two_passes(
    digits: Tensor, objective: str, certain: float, r1: float
) -> None:
    generator, discriminator = networks()
    discriminator[-2].bias.data += certain
    real, z = digits[:8], torch.randn(8, 8)
    pair = losses.OBJECTIVES[objective]
    smoothing = 0.1 if objective != "wasserstein" else 0.0
    onepass.backward(generator, discriminator, pair, real, z, smoothing=smoothing, r1=r1)
    once = gradients(discriminator, generator)

    generator.zero_grad(), discriminator.zero_grad()
    fake = generator(z)
    loss = pair.discriminator_loss(discriminator(real), discriminator(fake.detach()), smoothing)
    (loss + r1 * losses.r1(discriminator, real)).backward()
    twice = gradients(discriminator)
    pair.generator_loss(discriminator(fake)).backward(inputs=list(generator.parameters()))
    twice += gradients(generator)
    for one, two in zip(once, twice, strict=True):
        assert (one - two).norm() <= 1e-5 * two.norm() + 1e-12


def test_answers_are_losses_and_mean_probabilities(digits: Tensor) -> None:
    generator, discriminator = networks()
    pair = losses.OBJECTIVES["non_saturating"]
    z = torch.randn(8, 8)
    with torch.no_grad():
        real_logits = discriminator(digits[:8])
        fake_logits = discriminator(copy.deepcopy(generator)(z))
    told = onepass.backward(generator, discriminator, pair, digits[:8], z)
    wanted = (
        pair.discriminator_loss(real_logits, fake_logits),
        pair.generator_loss(fake_logits),
        real_logits.sigmoid().mean(),
        fake_logits.sigmoid().mean(),
    )
    assert told == pytest.approx([value.item() for value in wanted], rel=1e-5)


def test_two_workers_average_the_gradients_of_their_halves(digits: Tensor) -> None:
    generator, discriminator = networks()
    pair, z = losses.OBJECTIVES["non_saturating"], torch.randn(8, 8)
    workers = onepass.Workers(generator, discriminator, 2)
    halves = []
    for part in range(2):
        half = copy.deepcopy((generator, discriminator))
        rows = slice(4 * part, 4 * part + 4)
        onepass.backward(*half, pair, digits[rows], z[rows], r1=4.0)
        halves.append(gradients(*half))
        halves[-1] += [b for b in half[0].buffers() if b.is_floating_point()]
    workers.backward(pair, digits[:8], z, r1=4.0)
    got = gradients(generator, discriminator)
    got += [b for b in generator.buffers() if b.is_floating_point()]
    for mean, one, two in zip(got, *halves, strict=True):
        torch.testing.assert_close(mean, (one + two) / 2)
    workers.share()
    for first, second in zip(
        generator.state_dict().values(), workers.pairs[1][0].state_dict().values(), strict=True
    ):
        assert torch.equal(first, second)


@pytest.mark.parametrize(
    "how", [{}, {"workers": 2}, {"precision": "bfloat16", "workers": 2}], ids=str
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
    for part in ("generator", "discriminator", "average"):
        ones, others = (getattr(run, part).state_dict() for run in (straight, resumed))
        for name in ones:
            assert torch.equal(ones[name], others[name]), (part, name)
    assert [event[:2] for event in straight.history] == [event[:2] for event in resumed.history]
    assert all(value == value for value in straight.history[-1])


def test_precision_changes_gradients_by_roundings_only(digits: Tensor) -> None:
    pair, z = losses.OBJECTIVES["non_saturating"], torch.randn(8, 8)
    found = []
    for precision in onepass.PRECISIONS:
        players = networks()
        onepass.backward(*players, pair, digits[:8], z, r1=1.0, precision=precision)
        found.append(torch.cat([g.flatten() for g in gradients(*players)]))
    error = (found[0] - found[1]).norm() / found[0].norm()
    assert 0 < error < 0.05


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"objective": "hinge"}, "objective is 'hinge'; with update 'one_pass' on 'cpu' choose"),
        ({"penalty": "r2"}, "penalty is 'r2'"),
        ({"discriminator_steps": 2}, "discriminator_steps is 2"),
        ({"instance_noise": 0.1}, "instance_noise is 0.1"),
        (
            {"batch_size": 9, "workers": 2},
            "batch_size is 9; with .* choose 4, 6, 8",
        ),
        (
            {"update": "in_turn", "workers": 2},
            "workers is 2; with update 'in_turn' on 'cpu' choose 1",
        ),
        ({"precision": "float16"}, "precision is 'float16'; choose one of float32, bfloat16"),
    ],
)
def test_what_one_pass_cannot_do_is_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said):
        replace(RECIPES["fast"], **wrong)
