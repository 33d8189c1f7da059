"""Training: settings refuse nonsense, steps move the right player, state is whole."""

import copy
import math
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from gan_lessons import losses
from gan_lessons.errors import UserError
from gan_lessons.training import (
    RECIPES,
    Diverged,
    Settings,
    Trainer,
    build,
    check_setting,
    read_checkpoint,
    update_average,
)

SMALL = Settings(
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


# Settings


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
        ("seconds", -1, "from 0.1"),
        ("seed", "seven", "whole number"),
        ("ema_decay", 1, "ema_decay is 1"),
    ],
)
def test_an_impossible_setting_is_refused_with_its_range(name, value, fragment) -> None:
    with pytest.raises(UserError, match=fragment):
        Settings(**{name: value})


def test_settings_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(UserError, match="drop one"):
        Settings(steps=5, seconds=5)
    with pytest.raises(UserError, match="no labels to smooth"):
        Settings(objective="hinge", label_smoothing=0.1)
    with pytest.raises(UserError, match="There is no setting 'lr'"):
        check_setting("lr", 0.1)


def test_every_setting_has_a_range_or_options() -> None:
    for name, setting in Settings.__dataclass_fields__.items():
        assert {"range", "options"} & set(setting.metadata), name


def test_too_few_samples_for_a_batch() -> None:
    with pytest.raises(UserError, match="3 samples for batches of 8"):
        Trainer(torch.zeros(3, 1, 28, 28), SMALL)


# One step


def test_each_step_moves_its_own_player_and_leaves_the_other_no_gradient(samples) -> None:
    trainer = Trainer(samples, SMALL)
    before = weights(trainer.generator)[0], weights(trainer.discriminator)[0]
    trainer.discriminator_step()
    assert torch.equal(before[0], weights(trainer.generator)[0])
    assert not torch.equal(before[1], weights(trainer.discriminator)[0])
    assert all(p.grad is None for p in trainer.generator.parameters())
    trainer.optimizer_discriminator.zero_grad()
    middle = weights(trainer.discriminator)
    trainer.generator_step()
    assert not torch.equal(before[0], weights(trainer.generator)[0])
    assert all(map(torch.equal, middle, weights(trainer.discriminator)))
    assert all(p.grad is None for p in trainer.discriminator.parameters())


def plain_loop(samples: Tensor, settings: Settings, steps: int) -> tuple[nn.Module, nn.Module]:
    """The training loop as lesson 07 writes it, with none of the trainer's machinery."""
    generator, discriminator = build(settings)
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
        update_average(average, generator, min(settings.ema_decay, step / (step + 10)))
    return average, discriminator


def test_the_trainer_does_what_the_plain_loop_does(samples) -> None:
    settings = replace(SMALL, lr_decay="none")
    average, discriminator = plain_loop(samples, settings, 6)
    trainer = finish(Trainer(samples, settings), 6)
    assert same(trainer.discriminator, discriminator)
    assert same(trainer.average, average)


@pytest.mark.parametrize("objective", losses.OBJECTIVES)
@pytest.mark.parametrize("penalty", ["none", "gradient_penalty", "r1", "r2", "r1_and_r2"])
def test_every_objective_trains_with_every_penalty(samples, objective, penalty) -> None:
    settings = replace(SMALL, objective=objective, penalty=penalty, instance_noise=0.1, steps=2)
    event = finish(Trainer(samples, settings)).history[-1]
    assert event.step == 2
    assert torch.tensor(event).isfinite().all()


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
        torch.cat([trainer.next_batch()[:, 0, 0, 0] for _ in range(5)]).tolist() for _ in range(2)
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
        update_average(ours, model, 0.9)
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
    # Two half steps and their listener take 3/16 s, and the first time as much again.
    assert (trainer.step, trainer.elapsed) == (3, 12 / 16)
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
    for part in ("generator", "discriminator", "average"):
        assert same(getattr(whole, part), getattr(resumed, part)), part
    assert [e.loss_generator for e in whole.history] == [e.loss_generator for e in resumed.history]
    assert [e.step for e in resumed.history] == list(range(1, 13))


def test_two_half_steps_are_a_step(samples) -> None:
    whole, halves = (Trainer(samples, SMALL) for _ in range(2))
    finish(whole, 3)
    for _ in range(3):
        halves.half_step("discriminator")
        assert halves.judged is not None
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
    original = Trainer.generator_step

    def interrupted(self: Trainer) -> float:
        os.kill(os.getpid(), signal.SIGINT)
        return original(self)

    monkeypatch.setattr(Trainer, "generator_step", interrupted)
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
    raw = trainer.sample(torch.zeros(2, 8), average=False)
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
    for part in ("generator", "discriminator", "average"):
        for x, y in zip(a[part].values(), b[part].values(), strict=True):
            assert torch.equal(x, y)


def test_recipes_are_settings_that_build(samples) -> None:
    for recipe in RECIPES.values():
        more = samples.repeat(3, 1, 1, 1)
        labels = torch.arange(len(more)) % 10  # for a conditional one
        event = next(Trainer(more, recipe, labels=labels).run(1))
        assert 0 < event.d_real < 1
