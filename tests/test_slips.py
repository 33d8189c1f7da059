"""Slips in a cell: a sentence says what would be right, whatever was called."""

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

import pytest
import torch
from torch import nn

from gan_lessons import classifier, latent, losses, metrics, plotting, pretrained, widgets
from gan_lessons.data import degradations, load_digits, to_uint8, toys
from gan_lessons.errors import ByName, UserError
from gan_lessons.methods import RECIPES, find_recipe
from gan_lessons.plane import PlaneTrainer
from gan_lessons.tensors import expect_tensor
from gan_lessons.training import Trainer, build_networks, draw, sample, update_ema

DIGITS = load_digits(source="bundled", announce=False)
IMAGES = DIGITS.images[:64]
GENERATOR, SETTINGS = pretrained.load_generator("dcgan")
Z = pretrained.noise(16, SETTINGS)
RUN = Trainer(IMAGES, replace(RECIPES["fast"], steps=5))
RNG = torch.Generator()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (3, "not int."),
        (None, "not NoneType."),
        (Z.numpy(), "not ndarray: torch.from_numpy(…).float() makes one of an array."),
        (to_uint8(IMAGES), "not ndarray: gan_lessons.data.from_uint8 makes pictures in [−1, 1]"),
        ([IMAGES[0], IMAGES[1]], "not list: torch.stack(…) makes one of a list."),
        ([[0.0, 1.0]], "not list: torch.tensor(…) makes one of a list."),
        (DIGITS, "not Digits: take its .images."),
        (torch.arange(6), "not torch.int64 (6,): .float() turns its numbers into floats."),
    ],
)
@pytest.mark.parametrize(
    ("call", "what"),
    [
        (lambda given: expect_tensor(given, "x", "(N,)"), "x has to be a tensor of floats (N,), "),
        (lambda given: sample(GENERATOR, given), "z has to be a tensor of floats (N, latent_dim)"),
        (lambda given: draw(RUN.method, given), "inputs has to be a tensor of floats (N, …)"),
        (lambda given: RUN.sample(given), "inputs has to be a tensor of floats (N, …)"),
        (lambda given: Trainer(given, RUN.settings), "samples has to be a tensor of floats (N, …)"),
        (lambda given: plotting.digit_grid(given), "images has to be a tensor of floats (N, 1, h"),
        (lambda given: metrics.report(given), "images has to be a tensor of floats (N, 1, 28, 28)"),
        (lambda given: classifier.load().predict(given), "images has to be a tensor of floats"),
        (lambda given: degradations.spoil("noise", given, RNG), "images has to be a tensor of"),
        (lambda given: latent.lerp(Z[0], Z[1], given), "t has to be a tensor of floats (T,)"),
        (lambda given: latent.slerp(Z[0], Z[1], given), "t has to be a tensor of floats (T,)"),
    ],
)
def test_what_is_no_tensor_is_told_how_to_become_one(
    call: Callable[[Any], Any], what: str, given: Any, said: str
) -> None:
    with pytest.raises(UserError) as found:
        call(given)
    assert str(found.value).startswith(what)
    assert said in str(found.value)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: sample(GENERATOR, Z[0]), r"z has the shape \(64,\).* z\[None\]"),
        (
            lambda: sample(GENERATOR, Z[:, :32]),
            r"z of shape \(16, 32\).* makes this generator stop",
        ),
        (lambda: sample(GENERATOR, Z.double()), "torch.float64 makes this generator stop"),
        (lambda: degradations.spoil("brush", IMAGES[0, 0], RNG), r"shape \(28, 28\); give \(N, 1"),
        (lambda: latent.slerp(Z, Z, torch.rand(3)), r"not from \(16, 64\) to .* z\[0\]"),
        (lambda: latent.slerp(Z[0], Z[1, :3], torch.rand(3)), r"not from \(64,\) to \(3,\)"),
    ],
)
def test_another_shape_or_type_is_told_the_right_one(call: Callable[[], Any], said: str) -> None:
    with pytest.raises(UserError, match=said):
        call()


@pytest.mark.parametrize("count", [-1, 2.0, "3", None, True])
def test_counts_are_whole_numbers(count: Any) -> None:
    for call in (lambda n: pretrained.noise(n, SETTINGS), RUN.inputs):
        with pytest.raises(UserError, match=f"n is {count!r}; choose a whole number of"):
            call(count)
    with pytest.raises(UserError, match=f"columns is {count!r}; choose a whole number from 1"):
        plotting.digit_grid(IMAGES, columns=count)
    if count is not None:  # to the end of the run
        with pytest.raises(UserError, match=f"steps is {count!r}; choose a whole number"):
            next(RUN.run(count))
    assert RUN.step == 0


@pytest.mark.parametrize(
    ("things", "said"),
    [
        (RECIPES, "There is no recipe 'nonesuch'; choose one of dcgan, dense, fast, "),
        (losses.OBJECTIVES, "There is no objective 'nonesuch'; choose one of minimax, "),
        (toys.TOYS_2D, "There is no toy 'nonesuch'; choose one of ring, lattice, "),
    ],
)
def test_an_unknown_name_is_told_the_known_ones(things: ByName[Any], said: str) -> None:
    for some in (things, copy.deepcopy(things)):
        with pytest.raises(UserError, match=said):
            some["nonesuch"]
        assert some.get("nonesuch") is None
        assert "nonesuch" not in some


def test_the_name_of_a_recipe_is_no_settings() -> None:
    name: Any = "fast"
    for call in (build_networks, lambda settings: Trainer(IMAGES, settings)):
        with pytest.raises(UserError, match=r"A str is no method's .*RECIPES\['dcgan'\]"):
            call(name)
    with pytest.raises(UserError, match="There is no recipe 'fats'"):
        find_recipe("fats")


@pytest.mark.parametrize("decay", [2, -0.1, "0.9", float("nan")])
def test_a_memory_beyond_one_would_grow_for_ever(decay: Any) -> None:
    one, other = nn.Linear(2, 2), nn.Linear(2, 2)
    before = one.weight.clone()
    with pytest.raises(UserError, match=f"decay is {decay!r}; choose a number from 0"):
        update_ema(one, other, decay)
    assert torch.equal(one.weight, before)


D = pretrained.load_discriminator("dcgan")
NAME: Any = "dcgan"
NOISE: Any = Z
LIST: Any = [0] * 64


def returning(value: Any) -> Any:
    """What a learner gives to `explore`: a function of one control that returns this."""
    return lambda x: value


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: pretrained.noise(3, NAME), "settings have to be a GAN's.*, not str"),
        (lambda: widgets.LatentExplorer(NAME, SETTINGS), "generator has to be a network, not str"),
        (lambda: widgets.LatentExplorer(GENERATOR, NAME), "settings have to be a GAN's.*, not str"),
        (lambda: widgets.Sketchpad(NAME, D, SETTINGS, DIGITS), "generator has to be a network"),
        (lambda: widgets.Sketchpad(GENERATOR, NAME, SETTINGS, DIGITS), "discriminator has to be a"),
        (
            lambda: widgets.Sketchpad(GENERATOR, D, SETTINGS, NOISE),
            r"load_digits\(\).*, not Tensor",
        ),
        (lambda: widgets.Restorer(NAME, D, DIGITS), r"load_restorer\(\), not str"),
        (lambda: widgets.Restorer(D, D, NOISE), r"load_digits\(\) gives them, not Tensor"),
        (lambda: widgets.Translator(NAME), "generators has to be a dictionary.*, not str"),
        (lambda: widgets.Translator({"cats": None}), "there is none of them in it"),
        (lambda: widgets.TrainingPanel(IMAGES, NAME), "A str is no method's settings"),
        (lambda: widgets.watch(NAME), r"trainer has to be a Trainer\(images, settings\), not str"),
        (
            lambda: widgets.watch(Trainer(IMAGES, RECIPES["vae"]), 1),
            "settings have to be a GAN's.*, not VAESettings",
        ),
        (lambda: PlaneTrainer(NAME), r"plan has to be a Plan, such as Plan\(.*, not str"),
        (
            lambda: plotting.digit_rows(NOISE),
            "rows has to be a dictionary, name → images, not Tensor",
        ),
        (
            lambda: plotting.clouds(NOISE, Z),
            "fakes has to be a dictionary, title → points, not Tensor",
        ),
        (lambda: plotting.histograms(NOISE, "x"), "values has to be a dictionary, label → numbers"),
        (
            lambda: plotting.lines(Z[0], NOISE, "x", "y"),
            "curves has to be a dictionary, label → val",
        ),
        (
            lambda: plotting.curves(cast(Any, RUN)),
            "history has to be events, such as run.history, not Tr",
        ),
        (lambda: metrics.frechet_distance(NOISE, NOISE), r"Give \(mean, covariance\) of each"),
        (lambda: metrics.class_report(IMAGES, LIST), "labels have to be a tensor.*, not list"),
        (lambda: latent.saliency(D, IMAGES), r"shape \(64, 1, 28, 28\); give one, \(c, h, w\)"),
        (lambda: widgets.explore(NAME, x=(0, 1)), "draw has to be a function, .*, not 'dcgan'"),
        (lambda: widgets.explore(returning(None), x=(0, 1)), "What draw returns .*, not NoneType"),
        (lambda: widgets.explore(returning(IMAGES), x=(0, 1)), "What draw returns .*, not Tensor"),
        (lambda: widgets.explore(returning(([], "text")), x=(0, 1)), "What draw .*, not list"),
    ],
)
def test_another_kind_of_thing_is_told_the_right_one(call: Callable[[], Any], said: str) -> None:
    with pytest.raises(UserError, match=said):
        call()


def test_a_picture_that_is_none_any_more_is_told_in_the_panel() -> None:
    made: list[Any] = [plotting.digit_grid(IMAGES[:4])] * 3 + [3]
    panel = widgets.explore(lambda x: made[x], x=(0, 3))
    with pytest.raises(UserError, match=r"What draw returns .*, not int"):
        panel.set(x=3)
    assert "not int" in panel.line.value
    panel.set(x=2)
    assert panel.error is None
