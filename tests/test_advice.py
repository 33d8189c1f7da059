"""Advice tried on digits: what each piece changes, and the stored runs."""

from pathlib import Path

import pytest
import torch
from torch import nn

from gan_lessons import pretrained
from gan_lessons.errors import UserError
from gan_lessons.studies import advice
from gan_lessons.studies.advice import ADVICE
from gan_lessons.training import Player

torch.set_num_threads(1)
STORED = advice.load()
SMALL_DATA = [name for name, tip in ADVICE.items() if not tip.all_digits]


def kinds(network: nn.Module, kind: type[nn.Module]) -> int:
    return sum(isinstance(layer, kind) for layer in network.modules())


def test_each_change_of_the_networks_changes_only_what_it_says() -> None:
    plain = advice.start("the recipe", 0)
    g, d = plain.generator, plain.discriminator
    found = {name: advice.start(name, 0) for name in SMALL_DATA if ADVICE[name].networks}
    assert kinds(found["ReLU in D"].discriminator, nn.LeakyReLU) == 0
    assert kinds(found["ReLU in D"].discriminator, nn.ReLU) == kinds(d, nn.LeakyReLU) == 3
    assert kinds(found["LeakyReLU in G"].generator, nn.LeakyReLU) == kinds(g, nn.ReLU) == 3
    assert kinds(found["LeakyReLU in G"].generator, nn.ReLU) == 0
    assert kinds(found["no BatchNorm in G"].generator, nn.BatchNorm2d) == 0
    assert kinds(found["BatchNorm in D"].discriminator, nn.BatchNorm2d) == 2  # not in the first
    assert kinds(found["deeper"].discriminator, nn.Conv2d) == 2 * kinds(d, nn.Conv2d)
    more = kinds(found["deeper"].generator, nn.Conv2d) - kinds(g, nn.Conv2d)
    assert more == kinds(found["deeper"].generator, nn.ReLU) - kinds(g, nn.ReLU) == 2
    for name, dense in {"dense G": "g", "dense D": "d", "both dense": "gd"}.items():
        assert (kinds(found[name].generator, nn.ConvTranspose2d) == 0) == ("g" in dense)
        assert (kinds(found[name].discriminator, nn.Conv2d) == 0) == ("d" in dense)


@pytest.mark.parametrize("name", ["ReLU in D", "LeakyReLU in G", "no BatchNorm in G"])
def test_exchanged_activations_leave_the_first_weights_as_they_were(name: str) -> None:
    plain, changed = advice.start("the recipe", 3), advice.start(name, 3)
    for player in ("generator", "discriminator"):
        weights = dict(plain.players[player].network.named_parameters())
        for key, weight in changed.players[player].network.named_parameters():
            assert torch.equal(weight, weights[key])


def player(weight: list[float]) -> Player:
    network = nn.Linear(len(weight), 1, bias=False)
    network.weight.data = torch.tensor([weight])
    return Player(network, torch.optim.SGD(network.parameters(), lr=1.0))


@pytest.mark.parametrize(
    ("change", "slopes"), [(advice.l2, [2e-4, -3e-4]), (advice.l1, [1e-5, -1e-5])]
)
def test_weights_are_pulled_to_zero_by_the_slope_of_the_penalty(change, slopes) -> None:
    pulled = player([2.0, -3.0])
    change(pulled)
    pulled.descend(pulled.network(torch.zeros(1, 2)).sum())  # a loss with the slope 0
    (weight,) = pulled.network.parameters()
    moved = torch.tensor([[2.0, -3.0]]) - weight.detach()  # rate 1
    assert moved.flatten().tolist() == pytest.approx(slopes, rel=0.02)


def test_rmsprop_has_the_rate_and_the_memory_of_the_recipe() -> None:
    run = advice.start("RMSprop", 0)
    for _ in run.run(2):
        pass
    for chosen in run.players.values():
        assert isinstance(chosen.optimizer, torch.optim.RMSprop)
        (group,) = chosen.optimizer.param_groups
        assert group["alpha"] == advice.RECIPE.beta2
        assert 0.99 < group["lr"] / advice.RECIPE.lr_generator <= 1  # it follows the cosine


def test_all_get_the_same_computing() -> None:
    for tip in ADVICE.values():
        assert tip.steps * tip.cost == pytest.approx(advice.STEPS, rel=0.01)


def test_what_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match="There is no 'more luck'; choose one of the recipe, "):
        advice.start("more luck", 0)
    monkeypatch.setenv("GAN_LESSONS_DATA", "bundled")
    advice._images.cache_clear()
    with pytest.raises(UserError, match="needs all 60,000 digits: `gan-lessons data download`"):
        advice.start("12 × the data", 0)


def test_runs_are_stored_as_they_end_and_gone_on_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(advice, "STEPS", advice.EARLY)
    monkeypatch.setattr(advice, "SAMPLES", 100)
    monkeypatch.setattr(
        advice, "ADVICE", {name: ADVICE[name] for name in ("the recipe", "RMSprop")}
    )
    path = tmp_path / "advice.json"
    first = next(advice.train_all(path, seeds=1))
    assert [run.advice for run in advice.load(path)] == ["the recipe"]
    (second,) = advice.train_all(path, seeds=1)
    assert advice.load(path) == [first, second]
    again = advice.train("RMSprop", 0)
    assert again._replace(seconds=0) == second._replace(seconds=0)  # the seed decides a run


# The stored runs


def test_the_stored_runs_are_all_there_and_those_of_this_code() -> None:
    wanted = {(name, seed) for name in ADVICE for seed in range(advice.SEEDS)}
    assert {(run.advice, run.seed) for run in STORED} == wanted
    assert len(STORED) == len(wanted)
    assert advice.SEEDS >= 5
    plans = {name: advice.checksum(name) for name in SMALL_DATA}
    for run in STORED:
        assert run.steps == ADVICE[run.advice].steps
        assert run.plan == plans.get(run.advice, run.plan), "settings changed: train again"


@pytest.mark.parametrize("name", SMALL_DATA[::2])
def test_a_run_begins_as_its_stored_one_on_any_processor(name: str) -> None:
    """After `EARLY` steps rounding is still small; a changed rate, loss or network is not."""
    stored = next(run for run in STORED if run.advice == name)
    run = advice.start(name, stored.seed)
    for _ in run.run(advice.EARLY):
        pass
    z = pretrained.noise(advice.SAMPLES, run.settings, seed=1)[:200]
    assert run.sample(z, ema=False).abs().mean().item() == pytest.approx(stored.early, rel=0.02)


def test_signs_and_table_are_those_of_the_runs() -> None:
    assert advice.verdict(STORED, "the recipe") == "·"
    recipe = advice.distances(STORED, "the recipe")
    worse = [
        run._replace(distance=run.distance + 1000) for run in STORED if run.advice == "RMSprop"
    ]
    others = [run for run in STORED if run.advice != "RMSprop"]
    assert advice.verdict(others + worse, "RMSprop") == "−"
    text = advice.table(STORED)
    assert f"{sum(recipe) / len(recipe):.1f}" in text.splitlines()[1]
    assert len(text.splitlines()) == len(ADVICE) + 1
    with pytest.raises(UserError, match="no runs of 'more luck'"):
        advice.distances(STORED, "more luck")
