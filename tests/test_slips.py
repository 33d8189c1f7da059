"""Slips in a cell: a sentence says what would be right, whatever was called."""

import copy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch
from torch import nn

from gan_lessons import (
    classifier,
    game,
    latent,
    losses,
    metrics,
    networks,
    plotting,
    pretrained,
    widgets,
)
from gan_lessons.data import (
    degradations,
    flights,
    load_digits,
    melodies,
    pairs,
    sums,
    to_uint8,
    toys,
)
from gan_lessons.data.pictures import load_pictures
from gan_lessons.errors import ByName, UserError
from gan_lessons.exercises import grade
from gan_lessons.methods import RECIPES, find_recipe, flow
from gan_lessons.methods.restoration import as_inputs, restore
from gan_lessons.plane import Plan, PlaneTrainer
from gan_lessons.studies import (
    clinic,
    fakes,
    families,
    few_labels,
    restoration,
    statistics,
    style,
    translation,
)
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
            r"z of shape \(16, 32\).* makes the network stop",
        ),
        (lambda: sample(GENERATOR, Z.double()), "torch.float64 makes the network stop"),
        (lambda: degradations.spoil("brush", IMAGES[0, 0], RNG), r"shape \(28, 28\); give \(N, C"),
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
        with pytest.raises(UserError, match=f"n is {count!r}; choose a whole number from 0"):
            call(count)
    with pytest.raises(UserError, match=f"columns is {count!r}; choose a whole number from 1"):
        plotting.digit_grid(IMAGES, columns=count)
    if count not in (-1, None):  # nothing to do, and to the end of the run
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
LABELS: Any = DIGITS.labels[:64]
LIST: Any = [0] * 64


def returning(value: Any) -> Any:
    """What a learner gives to `explore`: a function of one control that returns this."""
    return lambda x: value


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: Trainer(IMAGES, RUN.settings, LABELS), "labels are given as labels=.*, not Tens"),
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
        (lambda: widgets.Translator({}), "there is none of them in it"),
        (lambda: widgets.Translator({"stripes": GENERATOR}), "'stripes' has not both"),
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


GRID = toys.grid(-6, 6, 101)
P, Q = toys.normal(GRID, 0, 1), toys.normal(GRID, 1, 1)
GIVEN = degradations.spoil("centre", IMAGES, RNG)
FEW = few_labels.split(5, 0)
CASES: dict[str, list[tuple[Callable[[], Any], str]]] = {
    "pictures": [
        (lambda: plotting.digit_rows({"a": IMAGES[:5], "b": IMAGES}, 14), "row 'a' has 5 images"),
        (lambda: plotting.digit_rows({"a": cast(Any, DIGITS)}, 14), "row 'a' has .* its .images"),
        (lambda: plotting.digit_grid(IMAGES, inches=50), "inches is 50; choose a number from 0.05"),
        (lambda: plotting.scores(dict.fromkeys("abcde", Q), "x", 0, (0, 1)), "There are 5 kinds"),
        (lambda: plotting.reliability(dict.fromkeys("abcde", (Q, Q, Q))), "There are 5 detectors"),
        (lambda: plotting.histograms(dict.fromkeys("abcd", Q), "x"), "number of sets is 4"),
        (lambda: plotting.histograms({"a": Q}, "x", bins=10**7), "bins is 10000000; choose"),
        (lambda: plotting.strips(dict.fromkeys("abcde", Q), "x"), "number of kinds is 5"),
        (lambda: plotting.strips(NOISE, "x"), "values has to be a dictionary"),
        (lambda: plotting.matrices(NOISE), "named has to be a dictionary"),
        (lambda: plotting.densities(GRID, P, Q, NOISE), "discriminators has to be a dictionary"),
        (lambda: plotting.lines(GRID, {"p": P}, "x", "y", level=NAME), "level has to be a label"),
        (
            lambda: plotting.lines(GRID, {"p": P}, "x", "y", ("a", NAME)),
            "height of level is 'dcgan'",
        ),
    ],
    "the game": [
        (lambda: game.value(P, Q, 2.0, 0.1), "d holds values from 2 to 2"),
        (lambda: game.value(P, Q, GRID, 0.1), "logits become one by sigmoid"),
        (lambda: game.value(P, Q, P[:, None], 0.1), r"p \(101,\) and d \(101, 1\)"),
        (lambda: game.jsd(P, Q[:, None], 0.1), r"p \(101,\) and q \(101, 1\)"),
        (lambda: game.kl(P, Q, 0.0), "dx is 0.0; a cell of the grid"),
        (lambda: game.total_variation(P, Q, -1), "dx is -1; a cell of the grid"),
        (lambda: game.optimal_discriminator(P, Q[1:]), r"p \(101,\) and q \(100,\)"),
        (lambda: game.optimal_discriminator(P, cast(Any, 0.5)), "q has to be a tensor of floats"),
    ],
    "seeds and counts": [
        (lambda: pretrained.noise(3, SETTINGS, cast(Any, 1.5)), "seed is 1.5; choose a whole"),
        (lambda: RUN.inputs(3, NAME), "seed is 'dcgan'; choose a whole"),
        (lambda: clinic.run(None, cast(Any, "ring")), "seed is 'ring'; choose a whole"),
        (lambda: latent.principal_directions(GENERATOR, Z, 100), "count is 100; choose a whole"),
        (lambda: flow.follow(GENERATOR, IMAGES, cast(Any, 2.5)), "steps is 2.5; choose a whole"),
        (lambda: PlaneTrainer(Plan()).fakes(5000), "n is 5000; choose a whole .* to 2,000"),
        (lambda: metrics.neighbour_radii(Q[:, None], cast(Any, 3.0)), "k is 3.0; choose from 1"),
        (lambda: statistics.permutation_test([0.0] * 14, [1.0] * 14), "40,116,600 ways"),
        (lambda: few_labels.split(cast(Any, "10"), 0), "labels is '10'; choose from 1"),
        (lambda: few_labels.split(5, 0, rare=12), "rare is 12; choose a whole number from 0 to 9"),
        (lambda: load_pictures("/", size=cast(Any, 32.0)), "size is 32.0; choose a whole number"),
    ],
    "chance, answers and features": [
        (lambda: networks.gumbel_noise(4, 3, rng=cast(Any, 5)), "rng, the source of chance, has"),
        (lambda: degradations.brush_masks(1, 28, cast(Any, 5)), "rng, the source of chance, has"),
        (lambda: classifier.jitter(IMAGES, cast(Any, 5)), "rng, the source of chance, has"),
        (lambda: style.colour_waves(2, (1, 0, 0), (0, 0, 1), cast(Any, 5)), "rng, the source of"),
        (lambda: game.value_from_samples(LIST, Q), "d_real has to be a tensor of floats"),
        (lambda: game.value_from_logits(P, LIST), "fake_logits has to be a tensor of floats"),
        (
            lambda: metrics.frechet_distance(
                metrics.statistics(torch.rand(9, 2)), metrics.statistics(torch.rand(9, 3))
            ),
            "One has 2 features, the other 3",
        ),
    ],
    "names": [
        (lambda: clinic.generator_loss(P, LIST), r"bug is \[0, 0"),
        (lambda: clinic.generator_loss(P, {}), r"bug is {}; choose one of"),  # type: ignore[arg-type]
        (lambda: clinic.generator_loss(P, "wrong sgin"), "bug is 'wrong sgin'; choose one of"),
        (lambda: clinic.discriminator_loss(P, Q, "no bug"), "bug is 'no bug'; choose one of"),
        (lambda: clinic.BUGS["wrong sgin"], "There is no bug 'wrong sgin'; choose one of"),
        (lambda: clinic.MEASURES["pulse"], "There is no measure 'pulse'"),
        (lambda: translation.domain("stripe"), "domain is 'stripe'; choose one of plain, stri"),
        (lambda: families.table([], 45), "seconds is 45; choose one of"),
        (lambda: fakes.encoded(IMAGES[0], "JPG"), "kind is 'JPG'; choose one of PNG, JPEG"),
        (lambda: fakes.encoded(IMAGES[0], "JPEG", 0), "quality is 0; choose .* from 1 to 95"),
        (lambda: pretrained.load_restorer("regression"), "restore_regression, cycle_stripes"),
    ],
    "what belongs together": [
        (lambda: translation.score(IMAGES, DIGITS.labels, "plain"), "64 pictures and labels"),
        (lambda: restoration.psnr(IMAGES[:1], IMAGES), r"shape \(1, 1, 28, 28\), the truth \(64"),
        (lambda: restoration.score(IMAGES), "the truth .1000"),
        (lambda: statistics.paired([1.0, float("nan")], [1.0, 2.0]), "NaN among the results"),
        (lambda: statistics.interval([1.0, float("nan")]), "NaN among the results"),
        (
            lambda: next(few_labels.learn(few_labels.Pictures(IMAGES, LABELS[:5]))),
            "64 pictures and 5",
        ),
        (lambda: next(few_labels.learn(cast(Any, FEW))), r"Pictures\(images, labels\), not Split"),
        (lambda: networks.append_one_hot(Z, LIST, 10), "labels has to be a tensor"),
        (lambda: networks.append_one_hot(Z, LABELS, 10), "labels has to be 16 whole numbers"),
        (lambda: networks.append_label_planes(IMAGES, LABELS.float(), 10), "not torch.float32"),
        (lambda: sums.score(cast(Any, "1+1=2")), r"in a list, such as \['1\+1=2'\]"),
        (lambda: sums.encode(cast(Any, "1+1=2")), r"in a list, such as \['1\+1=2'\]"),
        (lambda: melodies.score(torch.zeros(64)), r"not \(64,\); view\(-1, 4, 16\)"),
        (lambda: latent.slerp(Z[0], Z[1], torch.tensor(0.5)), r"t has to be \(T,\)"),
        (lambda: latent.lerp(Z[0], Z[1], torch.tensor(0.5)), r"t has to be \(T,\)"),
        (lambda: metrics.statistics(IMAGES), r"give \(N, d\)\. Images become features by"),
        (lambda: metrics.report(IMAGES.double()), r"64 bits; \.float\(\) makes them float32"),
        (lambda: Trainer(IMAGES.double(), RUN.settings), "samples has numbers of 64 bits"),
        (lambda: latent.saliency(lambda x: torch.ones(1, 10), IMAGES[0]), "gives 10 logits"),  # type: ignore[arg-type]
    ],
    "things of another kind": [
        (lambda: sample(NAME, Z), "generator has to be a network, not a str"),
        (lambda: draw(RUN.method, Z[:, :3]), r"inputs of shape \(16, 3\) .* run.inputs\(N\)"),
        (
            lambda: degradations.spoil("brush", IMAGES, cast(Any, 3)),
            r"torch.Generator\(\).manual_se",
        ),
        (lambda: flights.shuffle(IMAGES, cast(Any, 3)), "rng, the source of chance, has to be a"),
        (lambda: pairs.stripes(IMAGES, cast(Any, 3)), "rng, the source of chance, has to be a"),
        (lambda: pairs.printed(LABELS, cast(Any, 3)), "rng, the source of chance, has to be a"),
        (lambda: as_inputs(GIVEN, cast(Any, 3)), "rng, the source of chance, has to be a"),
        (lambda: as_inputs(NOISE, RNG), "spoiled has to be pictures and their mask"),
        (lambda: restore(GENERATOR, cast(Any, GIVEN)), "inputs has to be a tensor of floats"),
        (
            lambda: networks.summary(cast(Any, GENERATOR), cast(Any, 64)),
            "example has to be a tensor",
        ),
        (
            lambda: networks.summary(cast(Any, networks.ConvGenerator), Z),
            "layers in a row, not type",
        ),
        (lambda: fakes.decoded(b"nothing"), "There is no picture in these 7 bytes"),
        (lambda: fakes.decoded(NAME), "file has to be the bytes of a picture"),
        (lambda: fakes.signature(b"file", NAME), "key has to be bytes"),
        (
            lambda: fakes.true_alarms(95, 0.95, 0.1),
            "sensitivity is 95; choose a number from 0 to 1",
        ),
        (lambda: fakes.true_alarms(0, 1, 0.5), "Nothing is called fake here"),
        (lambda: style.coloured(IMAGES, NAME, (1, 1, 1)), "A colour is three numbers"),
        (lambda: style.coloured(IMAGES, (255, 0, 0), (1, 1, 1)), "A colour is three numbers"),
        (lambda: widgets.LatentExplorer(GENERATOR, SETTINGS, {"seed": Z[0]}), "'seed' is another"),
        (lambda: widgets.explore(returning(GRID), x=[]), "'x' has nothing to choose from"),
        (
            lambda: widgets.explore(returning(GRID), x=(0, 1), labels={"y": "why"}),
            "no such control",
        ),
        (lambda: widgets.explore(returning(GRID), x=(0, 1), labels=NAME), "labels has to be a dic"),
        (lambda: widgets.explore(returning((b"", 3)), x=(0, 1)), "has to be a sentence, not int"),
    ],
}


@pytest.mark.parametrize(
    ("call", "said"),
    [pytest.param(*each, id=f"{k} {i}") for k, v in CASES.items() for i, each in enumerate(v)],
)
def test_what_would_have_been_wrong_in_silence_or_a_traceback(
    call: Callable[[], Any], said: str
) -> None:
    with pytest.raises(UserError, match=said):
        call()


def test_colours_may_be_whole_numbers() -> None:
    assert torch.equal(
        style.coloured(IMAGES, (1, 0, 0), (0, 0, 1)),
        style.coloured(IMAGES, (1.0, 0, 0), (0, 0, 1.0)),
    )


def test_a_stored_table_is_read_by_the_name_of_its_file(tmp_path: Path) -> None:
    assert statistics.interval([1.0, 2.0]).mean == 1.5
    with pytest.raises(UserError, match="has no restorations that could be read"):
        restoration.load(cast(Any, str(tmp_path / "none.json")))


def test_a_panel_moves_all_or_nothing() -> None:
    panel = widgets.explore(lambda x, y: plotting.digit_grid(IMAGES[:x]), x=(1, 10), y="name")
    before = panel.values
    with pytest.raises(UserError, match=r"y = \[3\] will not do"):
        panel.set(x=7, y=[3])
    assert panel.values == before
    with pytest.raises(UserError, match=r"x = 2\.7 is no whole number\. Choose from 1 to 10"):
        panel.set(x=2.7)
    for seven in (np.int64(7), torch.tensor(7), 7.0):
        panel.set(x=2)
        panel.set(x=seven)
        assert panel.values["x"] == 7


def test_a_narrow_range_has_stops_in_it() -> None:
    panel = widgets.explore(lambda lr: plotting.digit_grid(IMAGES[:1]), lr=(1e-4, 1e-2))
    control = panel.controls["lr"]
    assert 0 < control.step <= (control.max - control.min) / 50


def test_a_closed_panel_says_so() -> None:
    panel = widgets.playground(seed=1)
    panel.close()
    for call in (
        panel.step,
        panel.step_d,
        panel.reset,
        lambda: panel.rewind(0),
        lambda: panel.keep(1),
    ):
        with pytest.raises(UserError, match="This panel is closed"):
            call()


def test_nothing_is_left_to_do_for_no_steps() -> None:
    run = Trainer(IMAGES, replace(RECIPES["fast"], steps=5))
    for steps in (0, -700):
        assert list(run.run(steps)) == []
    assert run.step == 0


def test_a_large_matrix_is_drawn_without_its_numbers() -> None:
    (small,) = plotting.matrices({"a": torch.zeros(30, 30)}).axes
    (large,) = plotting.matrices({"a": torch.zeros(40, 40)}, cell=0.1).axes
    assert (len(small.texts), len(large.texts)) == (900, 0)


def test_a_forgotten_answer_is_not_the_learners_mistake() -> None:
    for answers in ((), (1, 2, 3)):
        verdict = grade("18.1", *answers)
        assert verdict.status == "wrong"
        assert f"it takes 1 answer, and {len(answers)} came" in verdict.message
