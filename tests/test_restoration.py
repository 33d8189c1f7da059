"""Spoiled pictures, their classic remedies, and the method that learns to mend them."""

import statistics
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from gan_lessons import losses
from gan_lessons.data import degradations, load_digits
from gan_lessons.data.degradations import KINDS, Spoiled
from gan_lessons.errors import UserError
from gan_lessons.methods import RECIPES, RestorationSettings, restoration
from gan_lessons.networks import OpenTanh, UNet, count_parameters
from gan_lessons.networks.unet import LEAK
from gan_lessons.training import Trainer, build_networks

BUNDLED = load_digits(source="bundled", announce=False)
DIGITS = BUNDLED.images[:40]


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


# Damage


@pytest.mark.parametrize("kind", KINDS)
def test_damage_is_decided_by_its_seed_and_stays_inside_the_mask(kind: str) -> None:
    before = DIGITS.clone()
    pictures, mask = degradations.spoil(kind, DIGITS, rng())
    assert pictures.shape == mask.shape == DIGITS.shape
    assert set(mask.unique().tolist()) <= {0, 1}
    assert torch.equal(DIGITS, before)
    assert torch.equal(pictures[mask == 0], DIGITS[mask == 0])
    assert torch.equal(pictures, degradations.spoil(kind, DIGITS, rng()).pictures)
    if kind in ("brush", "noise"):
        assert not torch.equal(pictures, degradations.spoil(kind, DIGITS, rng(1)).pictures)


def test_nothing_of_the_digit_is_left_under_a_mask() -> None:
    for kind in ("brush", "centre"):
        pictures, mask = degradations.spoil(kind, DIGITS, rng())
        other = degradations.spoil(kind, -DIGITS, rng())
        assert torch.equal(pictures[mask == 1], other.pictures[mask == 1])
        assert 0.05 < mask.mean() < 0.5
        assert mask.mean(dim=(1, 2, 3)).min() > 0.02


def test_the_hole_is_in_the_middle() -> None:
    mask = degradations.centre_masks(DIGITS)[0, 0]
    assert mask.sum() == degradations.HOLE**2
    assert torch.equal(mask, mask.flip(0, 1))


def test_noise_has_its_spread_and_small_pictures_have_the_means_of_blocks() -> None:
    noisy = degradations.spoil("noise", DIGITS, rng()).pictures - DIGITS
    assert noisy.std().item() == pytest.approx(degradations.NOISE, rel=0.02)
    blocks = degradations.spoil("small", DIGITS, rng()).pictures
    assert torch.allclose(blocks[3, 0, 8:12, 4:8], DIGITS[3, 0, 8:12, 4:8].mean(), atol=1e-6)


def test_what_cannot_be_spoiled_gets_a_sentence() -> None:
    with pytest.raises(UserError, match="kind is 'blur'; choose one of brush, centre, noise"):
        degradations.spoil("blur", DIGITS, rng())
    with pytest.raises(UserError, match="kind is 'blur'"):
        degradations.classic("blur", Spoiled(DIGITS, DIGITS))
    with pytest.raises(UserError, match=r"Pictures of 30 × 28 pixels .* multiples of 4"):
        degradations.spoil("small", torch.zeros(2, 1, 30, 28), rng())


def test_pictures_with_nothing_to_restore_get_a_sentence() -> None:
    picture, mask = DIGITS[0], torch.zeros(1, 28, 28)
    with pytest.raises(UserError, match="The mask is empty"):
        degradations.refuse_unfit(picture, mask)
    mask[:, 5:9] = 1
    degradations.refuse_unfit(picture, mask)
    with pytest.raises(UserError, match=r"of one grey .1.00 on a scale"):
        degradations.refuse_unfit(torch.ones(1, 28, 28), mask)
    with pytest.raises(UserError, match="hides the whole picture"):
        degradations.refuse_unfit(*degradations.hide(picture, torch.ones(1, 28, 28)))
    with pytest.raises(UserError, match="mask has 7 × 28 pixels, the picture 28 × 28"):
        degradations.refuse_unfit(picture, mask[:, :7])


# Classic remedies


def test_filling_takes_the_mean_of_four_neighbours_again_and_again() -> None:
    images = torch.rand(3, 1, 5, 7, generator=rng(0)) * 2 - 1
    mask = (torch.rand(images.shape, generator=rng(1)) > 0.4).float()
    cross = torch.tensor([[[[0.0, 1, 0], [1, 0, 1], [0, 1, 0]]]]) / 4
    expected = images
    for _ in range(3):
        wide = nn.functional.pad(expected, (1, 1, 1, 1), mode="replicate")
        expected = torch.where(mask > 0, nn.functional.conv2d(wide, cross), images)
    torch.testing.assert_close(degradations.fill(images, mask, rounds=3), expected)


def test_a_hole_in_a_slope_is_filled_exactly() -> None:
    slope = torch.linspace(-1, 1, 28).expand(1, 1, 28, 28)
    mask = degradations.centre_masks(slope)
    filled = degradations.fill(degradations.hide(slope, mask).pictures, mask, rounds=600)
    assert (filled - slope).abs().max() < 1e-3


def test_a_median_takes_single_specks_away_and_leaves_an_edge() -> None:
    edge = torch.where(torch.arange(28) < 14, -1.0, 1.0).expand(1, 1, 28, 28).clone()
    specks = edge.clone()
    specks[0, 0, 5, 5], specks[0, 0, 20, 20] = 1, -1
    assert torch.equal(degradations.median(specks), edge)


@pytest.mark.parametrize("kind", KINDS)
def test_every_classic_remedy_comes_nearer(kind: str) -> None:
    spoiled = degradations.spoil(kind, DIGITS, rng())
    mended = degradations.classic(kind, spoiled)
    assert mended.abs().max() <= 1
    assert (mended - DIGITS).square().mean() < (spoiled.pictures - DIGITS).square().mean()
    assert torch.equal(mended[spoiled.mask == 0], DIGITS[spoiled.mask == 0])


# Network and method


def test_the_unet_keeps_the_size_and_has_about_a_hundred_thousand_numbers() -> None:
    assert 90_000 < count_parameters(UNet()) < 100_000
    for size, channels in ((28, 1), (32, 3)):
        made = UNet(5, 4, channels=channels, size=size)(torch.randn(2, 5, size, size))
        assert made.shape == (2, channels, size, size)
        assert made.abs().max() <= 1
    with pytest.raises(UserError, match="size is 30; choose a multiple of 4"):
        UNet(size=30)


def test_only_what_is_masked_is_restored() -> None:
    class Black(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.full_like(x[:, :1], -1.0)

    spoiled = degradations.spoil("brush", DIGITS, rng())
    restored = restoration.restore(Black(), restoration.as_inputs(spoiled, rng()))
    assert torch.equal(restored[spoiled.mask == 0], DIGITS[spoiled.mask == 0])
    assert (restored[spoiled.mask == 1] == -1).all()


def test_both_restorers_are_of_one_size_and_begin_alike() -> None:
    both = [build_networks(RECIPES[name]) for name in ("restore", "restore_regression")]
    one, other = (networks["restorer"].state_dict() for networks in both)
    assert one.keys() == other.keys()
    assert all(torch.equal(one[key], other[key]) for key in one)
    assert [list(networks) for networks in both] == [["restorer", "discriminator"], ["restorer"]]


def test_d_sees_the_whole_picture_and_the_condition_but_not_z() -> None:
    run = Trainer(DIGITS, RestorationSettings(width=4, discriminator_width=4))
    method: Any = run.method
    inputs = method.inputs(8, rng()).requires_grad_()
    pictures = DIGITS[:8].clone().requires_grad_()
    method.logits(pictures, inputs).sum().backward()
    assert pictures.grad is not None
    assert inputs.grad is not None
    assert pictures.grad.ne(0).float().mean() > 0.9
    assert [inputs.grad[:, i].ne(0).any().item() for i in range(3)] == [True, True, False]


def test_d_adds_a_number_for_the_class_to_one_for_all_and_the_restorer_is_not_told() -> None:
    small = RestorationSettings(width=4, discriminator_width=4, discriminator_classes=3)
    run = Trainer(DIGITS, small, labels=torch.arange(40) % 3)
    method: Any = run.method
    inputs, labels = method.inputs(8, rng()), torch.tensor([0, 1, 2, 0, 1, 2, 0, 1])
    answers = run.players["discriminator"].network(torch.cat([DIGITS[:8], inputs[:, :2]], dim=1))
    assert answers.shape == (8, 4)
    expected = [answers[i, 0] + answers[i, 1 + label] for i, label in enumerate(labels.tolist())]
    torch.testing.assert_close(method.logits(DIGITS[:8], inputs, labels), torch.stack(expected))
    assert inputs.shape == (8, 3, 28, 28)
    with pytest.raises(UserError, match=r"This D is told what each picture shows: give it labels"):
        method.logits(DIGITS[:8], inputs)


def test_d_is_told_the_classes_of_the_batch_and_of_its_restorations(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    small = RestorationSettings(width=4, discriminator_width=4, discriminator_classes=10)
    run = Trainer(DIGITS, small, labels=BUNDLED.labels[:40])
    method: Any = run.method
    of_picture = {
        digit.numpy().tobytes(): label for digit, label in zip(DIGITS, BUNDLED.labels, strict=False)
    }
    told, logits = [], method.logits

    def listen(pictures: Tensor, inputs: Tensor, labels: Tensor) -> Tensor:
        told.append((pictures.detach().clone(), labels.clone()))
        answers: Tensor = logits(pictures, inputs, labels)
        return answers

    monkeypatch.setattr(method, "logits", listen)
    for _ in run.run(1):
        pass
    (both, of_both), (real, of_real), (_, of_restored) = told  # D's loss, R1, the restorer's
    half = len(real)
    assert torch.equal(both[:half], real)
    assert [of_picture[picture.numpy().tobytes()] for picture in real] == of_real.tolist()
    for labels in (of_both[:half], of_both[half:], of_restored):
        assert torch.equal(labels, of_real)


def test_the_penalty_comes_every_so_many_steps_and_so_many_times_as_strongly(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def started(every: int, weight: float) -> Trainer:
        small = RestorationSettings(width=4, discriminator_width=4)
        return Trainer(DIGITS, replace(small, penalty_every=every, penalty_weight=weight))

    def first_weight(run: Trainer) -> Tensor:
        run.train_step()
        return next(run.players["discriminator"].network.parameters())

    lazily = started(3, 1.0)
    moved = first_weight(lazily).clone()
    assert torch.equal(moved, first_weight(started(1, 3.0)))
    assert not torch.equal(moved, first_weight(started(1, 1.0)))
    r1, at = losses.r1, [0]

    def noted(*told: Any) -> Tensor:
        at.append(lazily.step)
        return r1(*told)

    monkeypatch.setattr(losses, "r1", noted)
    for _ in range(6):
        lazily.train_step()
    assert at == [0, 3, 6]


def test_a_d_that_is_told_wants_labels() -> None:
    with pytest.raises(UserError, match=r"labels are needed.* without labels set it to 0"):
        Trainer(DIGITS, RECIPES["restore"])
    with pytest.raises(
        UserError, match="discriminator_classes is 10, so they have to lie from 0 to 9"
    ):
        Trainer(DIGITS, RECIPES["restore"], labels=torch.arange(40))
    Trainer(DIGITS, replace(RECIPES["restore"], discriminator_classes=0))
    Trainer(DIGITS, replace(RECIPES["restore"], adversary=False))  # nobody is told anything


def test_every_batch_has_every_damage_and_inputs_are_made_of_the_samples() -> None:
    run = Trainer(DIGITS, RestorationSettings(width=4, discriminator_width=4))
    inputs = run.inputs(8)
    assert inputs.shape == (8, 3, 28, 28)
    share = inputs[:, 1].mean(dim=(1, 2))
    assert (share[[2, 3, 6, 7]] == 1).all()  # noise, small
    assert share[[1, 5]].tolist() == pytest.approx([144 / 784] * 2)
    known = inputs[1, 0][inputs[1, 1] == 0]
    assert any(torch.equal(known, digit[0][inputs[1, 1] == 0]) for digit in DIGITS)
    method: Any = run.method
    few = method.spoiled(DIGITS[:2], rng())  # fewer than there are kinds
    assert few.shape == (2, 3, 28, 28)


@pytest.mark.parametrize("bounds", restoration.BOUNDS)
def test_a_restorer_begins_with_what_it_is_given(bounds: str) -> None:
    settings = RestorationSettings(width=4, bounds=bounds)
    inputs = torch.randn(3, 3, 28, 28, generator=rng())
    with torch.no_grad():
        pictures = build_networks(settings)["restorer"](inputs)
    given = inputs[:, :1]
    expected = (2 * given).tanh() if bounds == "tanh" else given.clamp(-1, 1)
    assert torch.allclose(pictures, expected, atol=0.05)


def test_an_open_tanh_is_tanh_whose_slope_never_ends() -> None:
    x = torch.linspace(-30, 30, 601, requires_grad=True)
    pictures = OpenTanh()(x)
    assert torch.equal(pictures, x.tanh())
    (slope,) = torch.autograd.grad(pictures.sum(), x)
    (plain,) = torch.autograd.grad(x.tanh().sum(), x)
    assert plain[x.abs() > 9.1].eq(0).all()
    torch.testing.assert_close(slope, plain + LEAK)


@pytest.mark.parametrize(("plain", "learns"), [(False, True), (True, False)])
def test_a_restorer_that_draws_all_black_still_learns_as_none_with_a_plain_tanh(
    plain: bool, learns: bool
) -> None:
    restorer: nn.Module = build_networks(RestorationSettings(width=4))["restorer"]
    if plain:
        restorer.bounds = nn.Tanh()
    (darkness,) = (value for name, value in restorer.named_parameters() if name == "last.2.bias")
    nn.init.constant_(darkness, -20)  # where tanh has no slope in float32
    inputs = restoration.as_inputs(degradations.spoil("centre", DIGITS, rng()), rng())
    (restorer(inputs) - DIGITS).square().mean().backward()
    assert darkness.grad is not None
    assert (darkness.grad < -1e-4).item() == learns  # a step makes pixels brighter
    moved = [value.grad is not None and value.grad.any() for value in restorer.parameters()]
    assert any(moved) == learns


@pytest.mark.parametrize("name", ["restore", "restore_regression"])
def test_a_few_steps_come_nearer_to_the_digits(name: str) -> None:
    settings = replace(RECIPES[name], width=8, discriminator_width=8, steps=60, lr_decay="none")
    run = Trainer(BUNDLED.images[:800], settings, labels=BUNDLED.labels[:800])
    errors = [event.values["error"] for event in run.run()]
    assert statistics.median(errors[-20:]) < 0.85 * errors[0]  # which is that of what is given
    values = run.history[-1].values
    assert set(values) == {name for chart in run.method.charts for name in chart.lines}


def test_regression_has_no_discriminator_to_move() -> None:
    run = Trainer(DIGITS, replace(RECIPES["restore_regression"], width=4, steps=2))
    for _ in run.run():
        pass
    event = run.history[-1].values
    assert event["loss_restorer"] == pytest.approx(10 * event["error"])
