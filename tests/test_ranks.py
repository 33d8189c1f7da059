"""Ranks: several processes make the step that one would have made alone."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.multiprocessing.spawn import spawn

from gan_lessons.errors import UserError
from gan_lessons.methods import RECIPES, GANSettings, OnePassSettings, RestorationSettings
from gan_lessons.training import Ranks, Settings, Trainer, build_networks, describe, ranks

pytestmark = pytest.mark.xdist_group("ranks")  # one process: it keeps what the ranks have found
ALONE = {"workers": "one pass"}  # with what a single process is to be compared
STEPS = 6  # over the end of an epoch (3 batches), with R1 at the first and the fifth
SMALL: dict[str, Any] = {
    "latent_dim": 8,
    "generator_width": 8,
    "discriminator_width": 8,
    "batch_size": 12,
}
R3GAN = GANSettings(objective="relativistic", penalty="r1_and_r2", penalty_every=1)
SETTINGS: dict[str, Settings] = {
    "in turn": RECIPES["dcgan"],
    "one pass": RECIPES["fast"],
    "workers": OnePassSettings(workers=2),  # whose place the ranks take
    "conditional": RECIPES["conditional"],
    "auxiliary classifier": RECIPES["acgan"],
    "InfoGAN": RECIPES["infogan"],
    "R3GAN": R3GAN,
    "instance noise": GANSettings(instance_noise=0.1, discriminator_steps=2),
}


def start(settings: Settings, group: Ranks, checkpoint: str = "") -> Trainer:
    """A small run in double precision, in which rounding is no excuse; or one that goes on."""
    small = {name: v for name, v in SMALL.items() if name in describe(type(settings))}
    settings = replace(settings, **small, steps=10)
    networks = {name: network.double() for name, network in build_networks(settings).items()}
    rng = torch.Generator().manual_seed(5)
    samples = torch.rand(40, 1, 28, 28, generator=rng, dtype=torch.float64) * 2 - 1
    labels = torch.arange(40) % 10
    if checkpoint:
        return Trainer.load(checkpoint, samples, networks, labels, group)
    return Trainer(samples, settings, networks, labels, group)


def gradients(trainer: Trainer) -> dict[str, Tensor]:
    return {
        f"{name}.{key}": parameter.grad.clone()
        for name, player in trainer.players.items()
        for key, parameter in player.network.named_parameters()
        if parameter.grad is not None
    }


def train(rank: int, size: int, folder: str) -> None:
    """What each process does: some steps of every kind; what it found is left in a file."""
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(1)
    found: dict[str, Any] = {}
    with ranks.joined(f"file://{folder}/store{size}", rank, size) as group:
        for name, settings in SETTINGS.items():
            trainer = start(settings, group)
            trainer.train_step()
            found[name] = {"gradients": gradients(trainer)}
            for _ in range(STEPS - 1):
                trainer.train_step()
            found[name] |= {"state": trainer.state(), "noise": trainer.normal(2, 3)}
        found |= resume(group, f"{folder}/checkpoint.pt")
        trainer = start(SETTINGS["in turn"], group)
        trainer.samples[:] = torch.arange(40).view(40, 1, 1, 1)
        batches = [trainer.next_batch()["samples"][:, 0, 0, 0] for _ in range(3)]
        found["seen"] = torch.cat(batches)
        found["clock"] = group.first(100.0 + rank)
        found["flag"] = group.any(rank == size - 1)
        found["nothing"] = len(group.broadcast(b"" if rank == 0 else b"not this"))
        found["bytes"] = group.broadcast(b"from the first" if rank == 0 else b"not this")
    torch.save(found, f"{folder}/{size}.{rank}")


def resume(group: Ranks, checkpoint: str) -> dict[str, Any]:
    """Two processes begin a run, three go on with it."""
    if group.size == 1:
        return {}
    trainer = start(SETTINGS["conditional"], group, checkpoint if group.size == 3 else "")
    for _ in range(STEPS // 2):
        trainer.train_step()
    if group == Ranks(0, 2):
        trainer.save(checkpoint)
    return {"resumed": trainer.state()}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Mapping[tuple[int, int], Any]:
    """What one, two and three processes have found, by (how many, which)."""
    folder = tmp_path_factory.mktemp("ranks")
    for size in (1, 2, 3):
        spawn(train, (size, str(folder)), nprocs=size)
    return {
        (size, rank): torch.load(folder / f"{size}.{rank}", weights_only=True)
        for size in (1, 2, 3)
        for rank in range(size)
    }


def largest_difference(a: Mapping[str, Tensor], b: Mapping[str, Tensor]) -> float:
    assert a.keys() == b.keys()
    assert a
    return max(float((a[key] - b[key]).abs().max()) for key in a)


SEVERAL = [(2, 0), (2, 1), (3, 0), (3, 2)]


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("who", SEVERAL)
def test_gradients_are_those_of_the_whole_batch(found: Any, who: Any, name: str) -> None:
    theirs = found[1, 0][ALONE.get(name, name)]["gradients"]
    ours = found[who][name]["gradients"]
    assert max(float(gradient.abs().max()) for gradient in theirs.values()) > 1e-3
    assert largest_difference(theirs, ours) < 1e-6


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("who", SEVERAL)
def test_runs_stay_together(found: Any, who: Any, name: str) -> None:
    """Weights, BatchNorm's statistics, averages, random numbers, history: after some steps."""
    theirs, ours = found[1, 0][ALONE.get(name, name)]["state"], found[who][name]["state"]
    for part in ("generator", "discriminator", "generator_ema"):
        assert largest_difference(theirs[part], ours[part]) < 1e-6
    assert torch.equal(theirs["rng"], ours["rng"])
    assert (theirs["step"], theirs["batches"]) == (ours["step"], ours["batches"])
    a, b = (state["history"]["rows"][:, [0, 1, *range(3, 7)]] for state in (theirs, ours))
    assert torch.allclose(a, b, atol=1e-6)  # all but the clock


def test_a_run_goes_on_with_another_number_of_processes(found: Any) -> None:
    theirs, ours = found[1, 0]["conditional"]["state"], found[3, 1]["resumed"]
    assert ours["step"] == theirs["step"] == STEPS
    for part in ("generator", "discriminator", "generator_ema"):
        assert largest_difference(theirs[part], ours[part]) < 1e-6
    assert torch.equal(theirs["rng"], ours["rng"])
    assert len(ours["history"]["rows"]) == STEPS


@pytest.mark.parametrize("size", [2, 3])
def test_ranks_are_alike_to_the_last_bit(found: Any, size: int) -> None:
    for name in SETTINGS:
        states = [found[size, rank][name]["state"] for rank in range(size)]
        for part in ("generator", "discriminator", "generator_ema"):
            for other in states[1:]:
                assert largest_difference(states[0][part], other[part]) == 0
        assert len({state["elapsed"] for state in states}) == 1  # one clock


@pytest.mark.parametrize("size", [1, 2, 3])
def test_an_epoch_shows_every_sample_once_to_all_ranks_together(found: Any, size: int) -> None:
    seen = torch.cat([found[size, rank]["seen"] for rank in range(size)])
    assert len(seen) == 36  # whole batches of 12
    assert len(set(seen.tolist())) == 36
    assert set(seen.tolist()) == set(found[1, 0]["seen"].tolist())


@pytest.mark.parametrize("size", [2, 3])
def test_each_rank_has_noise_of_its_own(found: Any, size: int) -> None:
    noise = torch.cat([found[size, rank]["in turn"]["noise"] for rank in range(size)])
    assert len(set(noise.flatten().tolist())) == size * 2 * 3


@pytest.mark.parametrize("who", SEVERAL)
def test_ranks_agree(found: Any, who: tuple[int, int]) -> None:
    assert found[who]["clock"] == pytest.approx(100.0)
    assert found[who]["flag"] is True
    assert found[who]["bytes"] == b"from the first"
    assert found[who]["nothing"] == 0


def test_without_torchrun_a_process_is_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with ranks.joined() as group:
        assert group == ranks.ALONE
        assert group.broadcast(b"x") == b"x"
        assert not group.any(False)


# What several processes cannot share is refused before anything is sent.


@pytest.mark.parametrize(
    ("settings", "size", "sentence"),
    [
        (GANSettings(), 3, "batch_size is 32, which 3 processes cannot share; choose a multiple"),
        (GANSettings(penalty="gradient_penalty"), 2, "penalty is 'gradient_penalty', whose points"),
        (RestorationSettings(), 2, "The method 'restoration' trains in one process only"),
    ],
)
def test_what_cannot_be_shared_is_said(settings: Settings, size: int, sentence: str) -> None:
    with pytest.raises(UserError, match="^" + sentence):
        Trainer(torch.zeros(64, 1, 28, 28), settings, ranks=Ranks(0, size))


@pytest.mark.parametrize(
    ("device", "sentence"),
    [
        ("mps", "device is 'mps', which several processes cannot share"),
        ("cuda", "32 processes on this machine need a GPU each, and there are"),
    ],
)
def test_gpus_that_cannot_be_shared(device: str, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        ranks.refuse_unfit(GANSettings(device=device), Ranks(0, 32))


class Elsewhere(nn.Module):
    """A BatchNorm that is not at the top."""

    def __init__(self) -> None:
        super().__init__()
        self.inside = nn.Sequential(nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2))


def test_batchnorm_is_replaced_wherever_it_stands_and_keeps_its_weights() -> None:
    network = Elsewhere()
    names, parameters = list(network.state_dict()), list(network.parameters())
    ranks.share_statistics(network, Ranks(0, 2))
    assert type(network.inside[1]) is not nn.BatchNorm2d
    assert list(network.state_dict()) == names
    assert all(a is b for a, b in zip(network.parameters(), parameters, strict=True))


def test_a_rank_that_is_alone_too_early_says_so(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(ranks, "PATIENCE", 0.1)
    with (
        pytest.raises(ranks.LostContact, match=r"^Contact .* or did not answer for 0.1 seconds"),
        ranks.joined(f"file://{tmp_path}/store", 0, 2),
    ):
        pass
