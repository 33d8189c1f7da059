"""Training: settings refuse nonsense, steps move the right player, state is whole."""

import copy
import errno
import math
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from gan_lessons import losses
from gan_lessons.errors import UserError
from gan_lessons.methods import GAN, RECIPES, GANSettings
from gan_lessons.plane import Plan
from gan_lessons.training import (
    METHODS,
    Diverged,
    Event,
    History,
    Method,
    Settings,
    Trainer,
    Values,
    build_networks,
    check_setting,
    describe,
    find_method,
    read_checkpoint,
    update_ema,
)
from gan_lessons.training.history import LIMIT

SMALL = GANSettings(
    latent_dim=8,
    generator_width=6,
    discriminator_width=4,
    batch_size=8,
    steps=12,
    lr_generator=1e-3,
)


@pytest.fixture
def samples() -> Tensor:
    return torch.rand(50, 1, 28, 28, generator=torch.Generator().manual_seed(0)) * 2 - 1


def weights(module: nn.Module) -> list[Tensor]:
    return [tensor.clone() for tensor in module.state_dict().values()]


def same(a: nn.Module, b: nn.Module) -> bool:
    pairs = zip(a.state_dict().values(), b.state_dict().values(), strict=True)
    return all(torch.equal(x, y) for x, y in pairs)


def finish(trainer: Trainer, steps: int | None = None) -> Trainer:
    for _ in trainer.run(steps):
        pass
    return trainer


# GANSettings


@pytest.mark.parametrize(
    ("name", "value", "fragment"),
    [
        ("lr_generator", 10, "from 0 to 0.1"),
        ("lr_discriminator", float("nan"), "lr_discriminator is nan"),
        ("latent_dim", 0, "from 1 to 1,024"),
        ("latent_dim", 2.5, "a whole number"),
        ("batch_size", 1, "from 2 to"),
        ("batch_size", True, "whole number"),
        ("beta1", 1.0, "from 0 to 0.999"),
        ("objective", "minmax", "choose one of minimax"),
        ("penalty", None, "choose one of none"),
        ("steps", 0, "from 1"),
        ("discriminator_steps", 1.0, "whole number"),
        ("seconds", -1, "from 0.1"),
        ("seed", "seven", "whole number"),
        ("ema_decay", 1, "ema_decay is 1"),
    ],
)
def test_an_impossible_setting_is_refused_with_its_range(name, value, fragment) -> None:
    with pytest.raises(UserError, match=fragment):
        GANSettings(**{name: value})


@pytest.mark.parametrize("method", METHODS.values(), ids=list(METHODS))
@pytest.mark.parametrize("value", [True, False])
def test_no_number_of_any_method_is_true_or_false(method: type[Method[Any]], value: bool) -> None:
    for name, setting in describe(method.settings_class).items():
        if setting.kind in (int, float):
            given: dict[str, Any] = {name: value}
            with pytest.raises(UserError, match=f"{name} is {value}; choose a "):
                method.settings_class(**given)


def test_settings_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(UserError, match="drop one"):
        GANSettings(steps=5, seconds=5)
    with pytest.raises(UserError, match="no labels to smooth"):
        GANSettings(objective="hinge", label_smoothing=0.1)
    with pytest.raises(UserError, match="There is no setting 'lr'"):
        check_setting(GANSettings, "lr", 0.1)


@pytest.mark.parametrize("method", METHODS.values(), ids=list(METHODS))
def test_every_setting_says_all_that_there_is_to_know_of_it(method: type[Method[Any]]) -> None:
    for name, setting in describe(method.settings_class).items():
        if setting.kind is tuple:  # has a check of its own
            continue
        assert setting.label, name
        assert setting.options or setting.kind is bool or setting.range[0] < setting.range[1], name
        low, high = setting.slider
        assert setting.range[0] <= low <= high <= setting.range[1], name
        setting.check(setting.default)
        assert setting.parse(str(setting.default)) == setting.default or setting.default is None
        assert str(setting).startswith(f"{name} = {setting.default}")


def test_a_new_default_keeps_the_description_of_the_class_above() -> None:
    above, below = (describe(each)["lr_generator"] for each in (GANSettings, Plan))
    assert (above.default, below.default) == (3e-3, 2e-3)
    assert replace(above, default=0) == replace(below, default=0)


def test_too_few_samples_for_a_batch() -> None:
    with pytest.raises(UserError, match="3 samples for batches of 8"):
        Trainer(torch.zeros(3, 1, 28, 28), SMALL)


# One step


def test_each_step_moves_its_own_player_and_leaves_the_other_no_gradient(samples) -> None:
    trainer = Trainer(samples, SMALL)
    before = weights(trainer.generator)[0], weights(trainer.discriminator)[0]
    trainer.half_step("discriminator")
    assert torch.equal(before[0], weights(trainer.generator)[0])
    assert not torch.equal(before[1], weights(trainer.discriminator)[0])
    assert all(p.grad is None for p in trainer.generator.parameters())
    trainer.optimizer_discriminator.zero_grad()
    middle = weights(trainer.discriminator)
    trainer.half_step("generator")
    assert not torch.equal(before[0], weights(trainer.generator)[0])
    assert all(map(torch.equal, middle, weights(trainer.discriminator)))
    assert all(p.grad is None for p in trainer.discriminator.parameters())


def plain_loop(samples: Tensor, settings: GANSettings, steps: int) -> tuple[nn.Module, nn.Module]:
    """The training loop as lesson 07 writes it, with none of the trainer's machinery."""
    generator, discriminator = build_networks(settings).values()
    average = copy.deepcopy(generator)
    betas = (settings.beta1, settings.beta2)
    optimizer_g = torch.optim.Adam(generator.parameters(), settings.lr_generator, betas)
    optimizer_d = torch.optim.Adam(discriminator.parameters(), settings.lr_discriminator, betas)
    rng = torch.Generator().manual_seed(settings.seed)
    order = torch.randperm(len(samples), generator=torch.Generator().manual_seed(settings.seed))
    for step, chosen in enumerate(order.split(settings.batch_size)[:steps]):
        real = samples[chosen]
        fake = generator(torch.randn(len(real), settings.latent_dim, generator=rng)).detach()
        loss = F.softplus(-discriminator(real)).mean() + F.softplus(discriminator(fake)).mean()
        if step % settings.penalty_every == 0:
            loss = loss + settings.penalty_every * losses.r1(discriminator, real)
        optimizer_d.zero_grad()
        loss.backward()
        optimizer_d.step()
        fake = generator(torch.randn(len(real), settings.latent_dim, generator=rng))
        loss = F.softplus(-discriminator(fake)).mean()
        optimizer_g.zero_grad()
        loss.backward()
        optimizer_g.step()
        update_ema(average, generator, min(settings.ema_decay, step / (step + 10)))
    return average, discriminator


def test_the_trainer_does_what_the_plain_loop_does(samples) -> None:
    settings = replace(SMALL, lr_decay="none")
    average, discriminator = plain_loop(samples, settings, 6)
    trainer = finish(Trainer(samples, settings), 6)
    assert same(trainer.discriminator, discriminator)
    assert same(trainer.generator_ema, average)


@pytest.mark.parametrize("objective", losses.OBJECTIVES)
@pytest.mark.parametrize("penalty", ["none", "gradient_penalty", "r1", "r2", "r1_and_r2"])
def test_every_objective_trains_with_every_penalty(samples, objective, penalty) -> None:
    settings = replace(SMALL, objective=objective, penalty=penalty, instance_noise=0.1, steps=2)
    event = finish(Trainer(samples, settings)).history[-1]
    assert event.step == 2
    assert all(map(math.isfinite, event.values.values()))


def test_a_penalty_changes_what_d_learns(samples) -> None:
    learned = {
        penalty: weights(finish(Trainer(samples, replace(SMALL, penalty=penalty))).discriminator)[0]
        for penalty in ("none", "gradient_penalty", "r1", "r2", "r1_and_r2")
    }
    names = list(learned)
    for i, first in enumerate(names):
        for second in names[i + 1 :]:
            assert not torch.equal(learned[first], learned[second]), (first, second)


def test_numbers_of_steps_per_player(samples) -> None:
    trainer = finish(Trainer(samples, replace(SMALL, discriminator_steps=3, steps=2)))
    assert trainer.batches == 6
    counts = [
        next(iter(optimizer.state.values()))["step"].item()
        for optimizer in (trainer.optimizer_discriminator, trainer.optimizer_generator)
    ]
    assert counts == [6, 2]


def test_every_epoch_has_each_sample_at_most_once_and_its_own_order(samples) -> None:
    settings = replace(SMALL, batch_size=10)
    trainer = Trainer(torch.arange(50).float().view(50, 1, 1, 1).expand(50, 1, 28, 28), settings)
    epochs = [
        torch.cat([trainer.next_batch()["samples"][:, 0, 0, 0] for _ in range(5)]).tolist()
        for _ in range(2)
    ]
    assert sorted(epochs[0]) == sorted(epochs[1]) == list(range(50))
    assert epochs[0] != epochs[1]


def test_the_average_agrees_with_pytorchs(samples) -> None:
    model = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    ours = copy.deepcopy(model)
    theirs = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.9), use_buffers=True)
    theirs.update_parameters(model)  # its first call copies
    for _ in range(3):
        with torch.no_grad():
            model(torch.randn(5, 3))
            for parameter in model.parameters():
                parameter.add_(1)
        theirs.update_parameters(model)
        update_ema(ours, model, 0.9)
    for name, tensor in theirs.module.state_dict().items():
        if tensor.is_floating_point():  # PyTorch's also averages BatchNorm's counter of batches
            assert torch.allclose(ours.state_dict()[name], tensor, atol=1e-6), name


def test_divergence_names_the_player_and_the_step(samples) -> None:
    trainer = finish(Trainer(samples, SMALL), 2)
    with torch.no_grad():
        next(trainer.generator.parameters()).fill_(float("nan"))
    with pytest.raises(Diverged, match=r"discriminator's loss became nan at step 2"):
        finish(trainer)


# The loop


def test_cosine_decay_follows_the_run_and_none_stays(samples) -> None:
    trainer = Trainer(samples, replace(SMALL, lr_decay="cosine"))
    rates = [trainer.optimizer_generator.param_groups[0]["lr"] for _ in trainer.run()]
    assert rates[0] == pytest.approx(1e-3)
    assert rates[6] == pytest.approx(0.5e-3)
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] < 0.1e-3
    trainer = finish(Trainer(samples, replace(SMALL, lr_decay="none")))
    assert trainer.optimizer_generator.param_groups[0]["lr"] == 1e-3


def test_a_cooldown_is_a_line_over_the_last_part_of_the_run(samples) -> None:
    trainer = Trainer(samples, replace(SMALL, lr_decay="cooldown", steps=20))
    rates = [trainer.optimizer_generator.param_groups[0]["lr"] for _ in trainer.run()]
    assert rates[:15] == pytest.approx([1e-3] * 15)
    assert rates[15:] == pytest.approx([1e-3 * (20 - step) / 6 for step in range(15, 20)])


def test_seconds_end_a_run_and_count_the_callers_time(samples, monkeypatch) -> None:
    clock = 0.0

    def monotonic() -> float:
        nonlocal clock
        clock += 1 / 16
        return clock

    monkeypatch.setattr("time.monotonic", monotonic)
    trainer = Trainer(samples, replace(SMALL, steps=None, seconds=12 / 16))
    for event in trainer.run():
        clock += 3 / 16 if event.step == 1 else 0
    # A step and its listener take 2/16 s, and the first time 3/16 more.
    assert (trainer.step, trainer.elapsed) == (5, 13 / 16)
    assert trainer.progress == 1


def test_a_run_without_an_end_needs_a_number_of_steps(samples) -> None:
    trainer = Trainer(samples, replace(SMALL, steps=None))
    with pytest.raises(UserError, match="no end"):
        next(trainer.run())
    assert finish(trainer, 2).step == 2


# State


def test_one_seed_decides_a_run(samples) -> None:
    first, second = (finish(Trainer(samples, SMALL)) for _ in range(2))
    other = finish(Trainer(samples, replace(SMALL, seed=1)))
    assert same(first.generator, second.generator)
    assert not same(first.generator, other.generator)


@pytest.mark.parametrize("penalty", ["r1", "gradient_penalty"])
def test_resuming_equals_never_having_stopped(samples, tmp_path, penalty) -> None:
    settings = replace(SMALL, penalty=penalty, instance_noise=0.1)
    whole = finish(Trainer(samples, settings))
    half = finish(Trainer(samples, settings), 7)  # in the middle of an epoch
    half.save(tmp_path / "checkpoint.pt")
    finish(half)  # training on does not reach into the file
    resumed = finish(Trainer.load(tmp_path / "checkpoint.pt", samples))
    for part in ("generator", "discriminator", "generator_ema"):
        assert same(getattr(whole, part), getattr(resumed, part)), part
    assert [e.loss_generator for e in whole.history] == [e.loss_generator for e in resumed.history]
    assert [e.step for e in resumed.history] == list(range(1, 13))


def test_two_half_steps_are_a_step(samples) -> None:
    whole, halves = (Trainer(samples, SMALL) for _ in range(2))
    finish(whole, 3)
    for _ in range(3):
        halves.half_step("discriminator")
        assert halves.partial.keys() == {"loss_discriminator", "d_real", "d_fake"}
        halves.half_step("generator")
    assert same(whole.generator, halves.generator)
    assert same(whole.discriminator, halves.discriminator)
    assert [e.d_fake for e in whole.history] == [e.d_fake for e in halves.history]


def test_a_half_step_moves_one_player(samples) -> None:
    trainer = Trainer(samples, SMALL)
    generator, discriminator = (
        copy.deepcopy(p) for p in (trainer.generator, trainer.discriminator)
    )
    trainer.half_step("discriminator")
    assert all(map(torch.equal, generator.parameters(), trainer.generator.parameters()))
    assert not same(discriminator, trainer.discriminator)
    assert trainer.step == 0
    discriminator = copy.deepcopy(trainer.discriminator)
    trainer.half_step("generator")
    assert same(discriminator, trainer.discriminator)
    assert trainer.step == 1
    trainer.half_step("generator")  # alone: what D's half measures is not known
    assert math.isnan(trainer.history[-1].d_real)
    assert math.isfinite(trainer.history[-1].loss_generator)


def test_a_step_that_is_half_done_is_completed_also_after_a_snapshot(samples, tmp_path) -> None:
    trainer = finish(Trainer(samples, SMALL), 2)
    trainer.half_step("discriminator")
    trainer.save(tmp_path / "checkpoint.pt")
    resumed = Trainer.load(tmp_path / "checkpoint.pt", samples)
    assert same(finish(resumed).generator, finish(Trainer(samples, SMALL)).generator)


def test_changing_settings_in_the_middle_of_a_run(samples) -> None:
    trainer = finish(Trainer(samples, replace(SMALL, lr_decay="none")), 2)
    changed = trainer.change(lr_generator=5e-4, beta1=0.5, objective="hinge", penalty="r1")
    assert changed == {
        "lr_generator": (1e-3, 5e-4),
        "beta1": (0.0, 0.5),
        "objective": ("non_saturating", "hinge"),
    }
    finish(trainer, 1)
    for optimizer in (trainer.optimizer_generator, trainer.optimizer_discriminator):
        assert optimizer.param_groups[0]["betas"] == (0.5, 0.99)
    assert trainer.optimizer_generator.param_groups[0]["lr"] == 5e-4


@pytest.mark.parametrize(
    ("settings", "fragment"),
    [
        ({"lr_generator": 1e-4, "seed": 1}, "seed is fixed when a run begins"),
        ({"lr_generator": 1e-4, "beta1": 7}, "beta1 is 7"),
        ({"lr_generator": 1e-4, "rate": 1}, "no setting 'rate'"),
        ({"label_smoothing": 0.1, "objective": "hinge"}, "no labels to smooth"),
    ],
)
def test_a_refused_change_changes_nothing(samples, settings, fragment) -> None:
    trainer = Trainer(samples, SMALL)
    with pytest.raises(UserError, match=fragment):
        trainer.change(**settings)
    assert trainer.settings == SMALL
    assert trainer.change(seed=SMALL.seed) == {}


def test_a_branch_goes_the_same_way_until_something_differs(samples) -> None:
    trainer = finish(Trainer(samples, replace(SMALL, instance_noise=0.1)), 3)
    twin = trainer.branch()
    finish(trainer)
    assert twin.step == 3
    assert same(finish(twin).generator, trainer.generator)
    assert [e.d_real for e in twin.history] == [e.d_real for e in trainer.history]


def test_rewinding_to_a_snapshot_and_branching(samples) -> None:
    trainer = finish(Trainer(samples, SMALL), 3)
    snapshot = trainer.state()
    first = weights(finish(trainer).generator)
    trainer.restore(snapshot)
    assert trainer.step == len(trainer.history) == 3
    second = weights(finish(trainer).generator)
    assert all(map(torch.equal, first, second))
    trainer.restore(snapshot)  # the snapshot itself has not moved
    assert trainer.step == 3


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"PK\x03\x04 cut off"])
def test_a_damaged_checkpoint_is_named(samples, tmp_path, content) -> None:
    path = tmp_path / "checkpoint.pt"
    path.write_bytes(content)
    with pytest.raises(UserError, match="is not a checkpoint"):
        Trainer.load(path, samples)


def test_a_truncated_checkpoint_is_named(samples, tmp_path) -> None:
    path = tmp_path / "checkpoint.pt"
    Trainer(samples, SMALL).save(path)
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(UserError, match="is not a checkpoint"):
        read_checkpoint(path)


def test_a_missing_checkpoint_and_other_data_are_refused(samples, tmp_path) -> None:
    with pytest.raises(UserError, match="There is no checkpoint"):
        Trainer.load(tmp_path / "none.pt", samples)
    Trainer(samples, SMALL).save(tmp_path / "checkpoint.pt")
    with pytest.raises(UserError, match=r"other data \(50 samples; these are 49\)"):
        Trainer.load(tmp_path / "checkpoint.pt", samples[:49])
    with pytest.raises(UserError, match="other data"):
        Trainer.load(tmp_path / "checkpoint.pt", -samples)


@pytest.fixture
def interruptible() -> Iterator[None]:
    """A job started in the background ignores interrupts; a notebook's kernel never does."""
    usual = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, usual)


@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_waits_for_the_end_of_the_step(samples, monkeypatch) -> None:
    trainer = finish(Trainer(samples, SMALL), 2)
    original = GAN.generator_step

    def interrupted(self: GAN, run: Trainer) -> Values:
        os.kill(os.getpid(), signal.SIGINT)
        return original(self, run)

    monkeypatch.setattr(GAN, "generator_step", interrupted)
    with pytest.raises(KeyboardInterrupt):
        trainer.train_step()
    monkeypatch.undo()
    assert trainer.step == len(trainer.history) == 3
    assert same(finish(trainer).generator, finish(Trainer(samples, SMALL)).generator)


def test_training_works_off_the_main_thread(samples) -> None:
    trainer = Trainer(samples, SMALL)
    thread = threading.Thread(target=finish, args=(trainer, 1))
    thread.start()
    thread.join()
    assert trainer.step == 1


def test_sampling_the_raw_generator_leaves_it_as_it_was(samples) -> None:
    trainer = finish(Trainer(samples, SMALL), 2)
    before = weights(trainer.generator)
    raw = trainer.sample(torch.zeros(2, 8), ema=False)
    assert trainer.generator.training
    assert all(map(torch.equal, before, weights(trainer.generator)))
    assert not torch.equal(raw, trainer.sample(torch.zeros(2, 8)))


def test_two_processes_with_one_seed_agree(tmp_path: Path) -> None:
    for name in ("a", "b"):
        subprocess.run(
            [sys.executable, "-m", "gan_lessons.cli", "train", "--steps", "5", "--out", name],
            cwd=tmp_path,
            check=True,
            capture_output=True,
            env=os.environ | {"GAN_LESSONS_DATA": "bundled"},
        )
    a, b = (read_checkpoint(tmp_path / name / "checkpoint.pt") for name in ("a", "b"))
    for part in ("generator", "discriminator", "generator_ema"):
        for x, y in zip(a[part].values(), b[part].values(), strict=True):
            assert torch.equal(x, y)


def test_recipes_are_settings_that_build(samples) -> None:
    for recipe in RECIPES.values():
        more = samples.repeat(3, 1, 1, 1)
        labels = torch.arange(len(more)) % 10  # for a conditional one
        event = next(Trainer(more, recipe, labels=labels).run(1))
        assert all(map(math.isfinite, event.values.values()))
        if "d_real" in event.values:
            assert 0 < event.d_real < 1
            assert event.d_real == event.values["d_real"]
        with pytest.raises(AttributeError, match=f"no 'd_reel'; it has {', '.join(event.values)}"):
            _ = event.d_reel


# What is wrong with what one gives


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ([1.0, 2.0], "tensor of floats .*, not list"),
        (torch.zeros(50, 1, 28, 28, dtype=torch.uint8), "not torch.uint8"),
        (torch.zeros(50), r"has the shape \(50,\)"),
        (torch.full((50, 1, 28, 28), math.nan), "hold NaN"),
        (torch.zeros(50, 1, 28, 20), "no square images"),
        (torch.zeros(50, 2), "no square images"),
    ],
    ids=["list", "uint8", "vector", "nan", "oblong", "points"],
)
def test_samples_that_cannot_be_learned_are_refused(wrong: Any, said: str) -> None:
    with pytest.raises(UserError, match=said):
        Trainer(wrong, SMALL)


def test_networks_that_do_not_fit_the_samples_are_refused(samples: Tensor) -> None:
    networks = build_networks(SMALL)
    odd = nn.Sequential(nn.Flatten(), nn.Linear(7, 1), nn.Flatten(0))
    with pytest.raises(UserError, match="cannot take samples of shape"):
        Trainer(samples, SMALL, networks | {"discriminator": odd})
    low = nn.Sequential(networks["generator"], nn.AvgPool2d(2))
    with pytest.raises(UserError, match=r"makes samples of shape \(1, 14, 14\); the real ones"):
        Trainer(samples, SMALL, networks | {"generator": low})


def test_a_method_that_is_not_there_is_named(samples: Tensor) -> None:
    with pytest.raises(UserError, match="no method's settings; take those of one of gan, one_pass"):
        Trainer(samples, Settings())
    with pytest.raises(UserError, match="no method 'vee' here; there are gan"):
        find_method("vee")


def test_the_state_of_a_run_with_another_seed_is_refused(samples: Tensor) -> None:
    other = Trainer(samples, replace(SMALL, seed=1)).state()
    trainer = Trainer(samples, SMALL)
    with pytest.raises(UserError, match=r"seed is fixed when a run begins \(here to 0\)"):
        trainer.restore(other)


def test_steps_before_one_that_diverges_are_in_the_history(samples: Tensor) -> None:
    trainer = Trainer(samples, SMALL)
    step = GAN.generator_step

    def spoil(self: GAN, run: Trainer) -> Values:
        values = step(self, run)
        if run.step == 2:
            next(run.discriminator.parameters()).data.fill_(math.nan)
        return values

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(GAN, "generator_step", spoil)
        with pytest.raises(Diverged, match="at step 3"):
            trainer.train_step(10)
    assert [event.step for event in trainer.history] == [1, 2, 3]
    assert trainer.step == 3


# Half steps


def test_an_unknown_turn_moves_nothing(samples: Tensor) -> None:
    trainer = Trainer(samples, SMALL)
    before = weights(trainer.generator)
    with pytest.raises(UserError, match="no turn 'nonsense': it has discriminator, generator"):
        trainer.half_step("nonsense")
    assert all(map(torch.equal, before, weights(trainer.generator)))
    assert (trainer.step, trainer.batches) == (0, 0)


# History


def event(step: int, **values: float) -> Event:
    return Event(step, step / 10, step / 100, values)


def test_a_history_gives_back_what_was_measured() -> None:
    history = History()
    history.append(event(1, a=1.0))
    history.append(event(2, a=2.0, b=3.0))
    history.append(event(3, b=4.0))
    assert [each.step for each in history] == [1, 2, 3]
    assert history[1] == event(2, a=2.0, b=3.0)
    assert list(history.column("a")[:2]) == [1.0, 2.0]
    assert math.isnan(history.column("a")[2])
    assert math.isnan(history[0].b)
    assert all(map(math.isnan, history.column("unknown")))
    assert [each.step for each in history[-2:]] == [2, 3]
    assert history[-1].b == 4.0
    again = History.restored(history.state())
    assert [str(each) for each in again] == [str(each) for each in history]


def test_a_long_history_gets_coarser_and_keeps_its_ends() -> None:
    history = History()
    for step in range(1, 3 * LIMIT):
        history.append(event(step, a=float(step)))
    assert len(history) <= LIMIT
    steps = [each.step for each in history]
    assert steps == sorted(steps)
    assert (steps[0], steps[-1]) == (1, 3 * LIMIT - 1)
    assert list(history.column("a")) == steps
    assert steps[-100:] == list(range(3 * LIMIT - 100, 3 * LIMIT))


# Checkpoints that do not fit together


def _without(key: str) -> Any:
    return lambda state: state.pop(key)


def _weights(state: dict[str, Any], name: str = "generator") -> dict[str, Tensor]:
    found: dict[str, Tensor] = state[name]
    return found


def _rename(state: dict[str, Any], part: str) -> None:
    first = next(iter(state[part]))
    state[part][f"other.{first}"] = state[part].pop(first)


def _widen(state: dict[str, Any], part: str) -> None:
    first = next(iter(state[part]))
    state[part][first] = torch.cat([state[part][first]] * 2)


def _adam(state: dict[str, Any], change: Any) -> None:
    change(state["optimizer_generator"]["state"][0])


DAMAGES: dict[str, Any] = {
    **{
        f"without {key}": _without(key)
        for key in (
            "generator",
            "discriminator",
            "generator_ema",
            "optimizer_generator",
            "optimizer_discriminator",
            "rng",
            "step",
            "batches",
            "elapsed",
            "history",
            "partial",
            "turn",
            "shape",
            "data",
            "method",
            "settings",
            "players",
        )
    },
    **{f"renamed in {p}": lambda s, p=p: _rename(s, p) for p in ("generator", "generator_ema")},
    **{f"wider in {p}": lambda s, p=p: _widen(s, p) for p in ("discriminator", "generator_ema")},
    "other settings": lambda s: s["settings"].update(generator_width=12),
    "no such setting": lambda s: s["settings"].update(depth=12),
    "settings out of range": lambda s: s["settings"].update(lr_generator=12),
    "no such method": lambda s: s.update(method="other"),
    "another method": lambda s: s.update(method="one_pass"),
    "rng cut": lambda s: s.update(rng=s["rng"][:-1]),
    "rng of floats": lambda s: s.update(rng=s["rng"].float()),
    "rng is a list": lambda s: s.update(rng=[1, 2]),
    "step below 0": lambda s: s.update(step=-1),
    "step is a text": lambda s: s.update(step="7"),
    "batches is NaN": lambda s: s.update(batches=math.nan),
    "Adam's average is missing": lambda s: _adam(s, lambda entry: entry.pop("exp_avg")),
    "Adam's average has another shape": lambda s: _adam(
        s, lambda entry: entry.update(exp_avg=torch.zeros(3))
    ),
    "Adam knows more weights": lambda s: s["optimizer_generator"]["state"].update({99: {}}),
    "Adam is a list": lambda s: s.update(optimizer_generator=[]),
    "Adam without groups": lambda s: s["optimizer_generator"].update(param_groups=[]),
    "history of other columns": lambda s: s["history"]["names"].append("more"),
    "history of endless rows": lambda s: s["history"].update(
        rows=torch.zeros(1, 1).expand(10**9, 3 + len(s["history"]["names"]))
    ),
    "history is a text": lambda s: s["history"].update(rows="many"),
    "generator is a list": lambda s: s.update(generator=[1]),
    "a weight is a text": lambda s: s["generator"].update({next(iter(s["generator"])): "w"}),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_checkpoint_that_does_not_fit_together_is_refused(
    samples: Tensor, tmp_path: Path, damage: str
) -> None:
    path = tmp_path / "checkpoint.pt"
    trainer = finish(Trainer(samples, SMALL), 2)
    trainer.save(path)
    state = read_checkpoint(path)
    DAMAGES[damage](state)
    torch.save(state, path)
    with pytest.raises(UserError, match=r"checkpoint\.pt"):
        Trainer.load(path, samples)


@pytest.mark.parametrize("content", [torch.zeros(3), {"a": 1}, [1, 2]], ids=str)
def test_other_files_of_torch_are_refused_without_a_warning(
    samples: Tensor, tmp_path: Path, content: Any
) -> None:
    torch.save(content, tmp_path / "checkpoint.pt")
    with pytest.raises(UserError, match="not a checkpoint of this course"):
        Trainer.load(tmp_path / "checkpoint.pt", samples)


def test_a_file_that_may_not_be_read_is_not_called_damaged(
    samples: Tensor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: Any, **__: Any) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    path = tmp_path / "checkpoint.pt"
    Trainer(samples, SMALL).save(path)
    monkeypatch.setattr(torch, "load", refused)
    with pytest.raises(UserError, match=r"checkpoint\.pt cannot be read: Permission denied\.$"):
        Trainer.load(path, samples)


def test_a_state_that_is_refused_changes_nothing(samples: Tensor) -> None:
    trainer = finish(Trainer(samples, SMALL), 2)
    state = trainer.state()
    _widen(state, "generator_ema")
    before = weights(trainer.generator)
    with pytest.raises(UserError, match="'generator_ema' holds other weights"):
        trainer.restore(state)
    assert all(map(torch.equal, before, weights(trainer.generator)))
    assert trainer.step == 2
