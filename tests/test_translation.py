"""Pairs of domains, the methods that translate between them, and style as statistics."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from gan_lessons import classifier, pretrained
from gan_lessons.data import load_digits, pairs
from gan_lessons.errors import UserError
from gan_lessons.exercises.puzzles import lesson_14 as puzzles
from gan_lessons.methods import RECIPES, cycle, pix2pix
from gan_lessons.methods.cycle import CycleSettings
from gan_lessons.methods.pix2pix import Pix2PixSettings
from gan_lessons.networks import PatchDiscriminator, ResidualUNet
from gan_lessons.studies import style
from gan_lessons.training import Trainer

DIGITS = load_digits(source="bundled", announce=False)
IMAGES = DIGITS.images[:40]
SMALL: dict[str, Any] = {"width": 4, "discriminator_width": 4, "batch_size": 8}


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


# Domains


def test_stripes_are_one_of_four_and_can_be_found() -> None:
    phase = torch.arange(40) % pairs.STRIPE
    made = pairs.striped(IMAGES, phase)
    assert torch.equal(pairs.phase_of(made), phase)
    changed = made != IMAGES
    assert (made[changed] == -1).all()
    row, column = torch.arange(28)[:, None], torch.arange(28)
    for i in (0, 3):
        assert ((row + column + i)[changed[i, 0]] % 4 == 0).all()
    lines = [
        int((pairs.striped(torch.ones(1, 1, 28, 28), torch.tensor([p])) < 0).sum()) for p in (0, 3)
    ]
    assert lines == [28 * 28 // 4] * 2
    drawn = pairs.stripes(IMAGES, rng())
    assert torch.equal(drawn, pairs.stripes(IMAGES, rng()))
    assert len(pairs.phase_of(drawn).unique()) == pairs.STRIPE


def test_printed_digits_are_digits_and_lie_as_mnists_do() -> None:
    labels = torch.arange(400) % 10
    made = pairs.printed(labels, rng())
    assert made.shape == (400, 1, 28, 28)
    assert made.min() >= -1
    assert made.max() <= 1
    read = classifier.load().predict(made)[1].argmax(dim=1)
    assert (read == labels).double().mean() > 0.98
    ink = (made + 1).sum(dim=(1, 3))
    middle = (ink * torch.arange(28)).sum(dim=1) / ink.sum(dim=1)
    assert (middle - 13.5).abs().max() < 0.5
    assert len({picture.numpy().tobytes() for picture in made[labels == 3]}) == 40  # all differ
    assert pairs.printed(labels[:0], rng()).shape == (0, 1, 28, 28)
    with pytest.raises(UserError, match="labels from 3 to 10; digits are 0-9"):
        pairs.printed(torch.tensor([3, 10]), rng())


def test_a_skeleton_is_thin_inside_and_in_one_piece() -> None:
    bar = torch.full((1, 1, 28, 28), -1.0)
    bar[..., 6:22, 10:17] = 1
    thin = pairs.skeleton(bar) > 0
    assert (thin.sum(dim=3) <= 1).all()
    assert thin[0, 0, 10:18, 13].all()
    ring = pairs.skeleton(DIGITS.images[DIGITS.labels == 0][:20]) > 0
    assert not (ring & ~(DIGITS.images[DIGITS.labels == 0][:20] > 0)).any()
    squares = ring[..., 1:, 1:] & ring[..., :-1, 1:] & ring[..., 1:, :-1] & ring[..., :-1, :-1]
    assert squares.double().mean() < 1e-3  # hardly a block of four
    closed = [_pieces(~ring[i, 0]) for i in range(20)]
    assert sum(pieces == 2 for pieces in closed) >= 18  # inside and outside stay apart


def _pieces(free: Tensor) -> int:
    """Connected areas, over edges."""
    free, found = free.clone(), 0
    while free.any():
        row, column = free.nonzero()[0].tolist()
        todo, found = [(row, column)], found + 1
        while todo:
            r, c = todo.pop()
            if 0 <= r < 28 and 0 <= c < 28 and free[r, c]:
                free[r, c] = False
                todo += [(r + 1, c), (r - 1, c), (r, c + 1), (r, c - 1)]
    return found


def test_dots_are_a_share_of_the_skeleton() -> None:
    dots, lines = pairs.dots(IMAGES, rng()) > 0, pairs.skeleton(IMAGES) > 0
    assert not (dots & ~lines).any()
    assert (dots.sum() / lines.sum()).item() == pytest.approx(pairs.KEPT, abs=0.05)


# Networks


def test_a_residual_generator_begins_by_leaving_alone() -> None:
    network = ResidualUNet(4)
    assert torch.allclose(network(IMAGES), (2 * IMAGES).tanh(), atol=1e-6)
    network(IMAGES).sum().backward()
    *_, last = network.last.parameters()
    assert last.grad is not None
    assert last.grad.abs().sum() > 0


def test_a_patchs_answer_depends_on_its_surroundings_only() -> None:
    network = PatchDiscriminator(4)
    picture = IMAGES[:1].clone().requires_grad_()
    answers = network(picture)
    assert answers.shape == (1, 49)
    (slope,) = torch.autograd.grad(answers[0, 24], picture)
    rows = slope[0, 0].abs().sum(dim=1).nonzero()
    assert int(rows.max() - rows.min()) + 1 == 18


# Methods


def test_the_domains_share_no_digit() -> None:
    run = Trainer(IMAGES, CycleSettings(**SMALL))
    method: Any = run.method
    assert torch.equal(method.domain_a, IMAGES[:20])
    phases = pairs.phase_of(method.domain_b)
    assert torch.equal(method.domain_b, pairs.striped(IMAGES[20:], phases))
    prints: Any = Trainer(IMAGES, CycleSettings(**SMALL, pair="printed")).method
    assert prints.domain_b.shape == (20, 1, 28, 28)


def test_small_and_coloured_pictures_can_be_translated() -> None:
    for pair in cycle.PAIRS:
        run = Trainer(torch.rand(24, 3, 16, 16) * 2 - 1, CycleSettings(**SMALL, pair=pair))
        run.train_step(2)
        assert run.sample(run.inputs(5)).shape == (5, 3, 16, 16)


def test_generators_descend_on_the_sum_that_the_lesson_writes() -> None:
    """The first step's loss against one that is written out here."""
    run = Trainer(IMAGES, CycleSettings(**SMALL, penalty_weight=0, lr_discriminators=0))
    method: Any = run.method
    chosen = torch.Generator().manual_seed(0)
    a = method.domain_a[torch.randint(20, (8,), generator=chosen)]
    b = method.domain_b[torch.randint(20, (8,), generator=chosen)]
    g, d = method.network("generators"), method.network("discriminators")
    with torch.no_grad():
        made_b, made_a = g["to_b"](a), g["to_a"](b)
        around = (g["to_a"](made_b) - a).abs().mean() + (g["to_b"](made_a) - b).abs().mean()
        alone = (g["to_b"](b) - b).abs().mean() + (g["to_a"](a) - a).abs().mean()
        fooled = [
            torch.nn.functional.softplus(-d[n](x)).mean()
            for n, x in (("of_b", made_b), ("of_a", made_a))
        ]
        wanted = 10 * around + 5 * alone + sum(fooled)
    event = run.train_step()
    assert event.values["loss_generators"] == pytest.approx(wanted.item(), rel=1e-4)
    assert event.values["cycle"] == pytest.approx(around.item() / 2, rel=1e-4)


def test_pix2pix_is_told_the_dots_and_pays_for_absolute_errors() -> None:
    run = Trainer(IMAGES, Pix2PixSettings(**SMALL, given="skeleton"))
    inputs = run.inputs(6)
    assert inputs.shape == (6, 3, 28, 28)
    assert (inputs[:, 1] == 1).all()  # all of it is to be drawn
    assert set(inputs[:, 0].unique().tolist()) == {-1.0, 1.0}
    method: Any = run.method
    for step, wanted in ((pix2pix.HEAD_START - 1, 0.25), (pix2pix.HEAD_START, 0.5)):
        assert method.distortion(IMAGES + 0.5, IMAGES, step).item() == pytest.approx(wanted)
    assert not method.listens(pix2pix.HEAD_START - 1)
    assert method.listens(pix2pix.HEAD_START)
    alone = Trainer(IMAGES, replace(RECIPES["pix2pix_regression"], **SMALL))
    assert list(alone.players) == ["restorer"]


def test_leaky_bounds_let_a_gradient_out_of_black_and_pictures_are_cut_off() -> None:
    run = Trainer(IMAGES, Pix2PixSettings(**SMALL, adversary=False))
    method: Any = run.method
    black, network = torch.full_like(IMAGES, -1.0), method.network("restorer")
    last = network.last[-2]
    with torch.no_grad():
        last.weight.zero_()
        last.bias.fill_(-30.0)  # where a tanh has no slope left
    inputs = run.inputs(40)
    assert torch.equal(method.draw(inputs, ema=False), black)
    method.distortion(network(inputs), IMAGES, pix2pix.HEAD_START).backward()
    assert last.bias.grad.abs().item() == pytest.approx(0.01, rel=1e-3)
    with torch.no_grad():
        last.bias.fill_(7.0)
    assert torch.equal(method.draw(inputs, ema=False), -black)


def test_what_has_no_way_back_says_so() -> None:
    with pytest.raises(UserError, match="was trained by 'restoration', which goes no way back"):
        pretrained.load_generators("restore")


def test_a_shuffle_goes_through_the_digits_and_back() -> None:
    labels = torch.arange(40) % 10
    pictures = IMAGES
    there, back = puzzles.shuffles(pictures, labels)
    assert torch.equal(back(there(pictures)), pictures)
    moved = there.places
    assert (labels[moved] == labels).double().mean().item() == pytest.approx(0.1)
    assert sorted(moved.tolist()) == list(range(40))
    assert torch.equal(labels[moved][1:10], torch.tensor([2, 3, 4, 5, 6, 7, 8, 9, 1]))


# Style


def test_a_gram_matrix_by_hand_and_blind_to_places() -> None:
    answers = torch.rand(2, 3, 4, 5, generator=rng())
    by_hand = torch.einsum("nihw,njhw->nij", answers, answers) / 20
    assert torch.allclose(style.gram(answers), by_hand, atol=1e-6)
    shuffled = answers.flatten(2)[..., torch.randperm(20, generator=rng())].view_as(answers)
    assert torch.allclose(style.gram(shuffled), by_hand, atol=1e-6)


def test_strength_goes_from_content_to_style() -> None:
    content, examples = IMAGES[:3], pairs.stripes(IMAGES[3:], rng())
    wanted = style.style_of(style.features(examples))
    apart = []
    for strength in (0.0, 0.5, 1.0):
        made = style.stylise(content, examples, strength, steps=20)
        assert made.abs().max() <= 1
        apart.append(style.style_distance(style.features(made), wanted).mean().item())
    assert apart[0] > 1.5 * apart[1] > 1.5 * apart[2]
    assert (style.stylise(content, examples, 0.0, steps=20) - content).abs().mean() < 0.02
    with pytest.raises(UserError, match=r"strength is 1\.5; choose a number from 0 to 1"):
        style.stylise(content, examples, 1.5)
    with pytest.raises(UserError, match="content has 1 channels, the style 3"):
        style.stylise(content, examples.expand(-1, 3, -1, -1), 0.5)


def test_colours_reach_from_one_to_the_other() -> None:
    yellow, blue = (0.9, 0.6, -0.6), (-0.9, -0.2, 0.3)
    waves = style.colour_waves(4, yellow, blue, rng())
    assert waves.shape == (4, 3, 28, 28)
    assert waves[:, 0].max().item() == pytest.approx(0.9, abs=0.05)
    assert waves[:, 0].min().item() == pytest.approx(-0.9, abs=0.05)
    flat = style.coloured(torch.tensor([1.0, -1.0]).view(2, 1, 1, 1), yellow, blue)
    assert torch.allclose(flat.flatten(1), torch.tensor([yellow, blue]))
