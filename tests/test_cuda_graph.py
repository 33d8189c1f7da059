"""Recorded steps of a CUDA GPU, on a CPU: a stand-in repeats operations on the same memory."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from gan_lessons.methods import RECIPES, OnePassGAN, OnePassSettings
from gan_lessons.training import Diverged, Trainer, autotune, trainer
from gan_lessons.training.cuda_graph import PLAIN_CALLS, GraphedCall

SMALL: dict[str, Any] = {"latent_dim": 8, "generator_width": 8, "discriminator_width": 8}
DIGITS = torch.rand(64, 1, 28, 28, generator=torch.Generator().manual_seed(0)) * 2 - 1
LABELS = torch.arange(64) % 10


def tensors(things: Any) -> list[Tensor]:
    return [each for each in tree_leaves(things) if isinstance(each, Tensor)]


class Graph(TorchDispatchMode):
    """As a CUDA graph: recording changes no memory, and a replay writes to the recorded places."""

    def __init__(self) -> None:
        super().__init__()
        self.operations: list[tuple[Any, Any, Any, list[Tensor]]] = []
        self.seen: dict[int, tuple[Tensor, Tensor | None]] = {}  # with what it was before

    def __torch_dispatch__(
        self, operation: Any, types: Any, inputs: Any = (), how: Any = None
    ) -> Any:
        how = how or {}
        for given in tensors((inputs, how)):
            self.seen.setdefault(id(given), (given, given.detach().clone()))
        found = operation(*inputs, **how)
        for own in tensors(found):
            self.seen.setdefault(id(own), (own, None))
        if not operation.is_view:
            self.operations.append((operation, inputs, how, tensors(found)))
        return found

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)
        for given, was in self.seen.values():
            if was is not None:
                given.data.copy_(was)

    @torch.no_grad()
    def replay(self) -> None:
        for operation, inputs, how, written in self.operations:
            for place, new in zip(written, tensors(operation(*inputs, **how)), strict=True):
                if place is not new:
                    place.data.copy_(new)


class Stream:
    def wait_stream(self, other: "Stream") -> None:
        pass


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """A GPU that is this CPU, but where nothing may wait for a number."""
    monkeypatch.setattr(trainer, "resolve_device", lambda _: torch.device("cpu"))
    monkeypatch.setattr(autotune, "resolve_device", lambda _: torch.device("cpu"))
    monkeypatch.setattr(torch.cuda, "CUDAGraph", Graph)
    monkeypatch.setattr(torch.cuda, "graph", lambda graph: graph)
    monkeypatch.setattr(torch.cuda, "Stream", Stream)
    monkeypatch.setattr(torch.cuda, "current_stream", Stream)
    monkeypatch.setattr(torch.cuda, "stream", lambda _: nullcontext())
    monkeypatch.setattr(Tensor, "record_stream", lambda *_: None)
    monkeypatch.setattr(Tensor, "pin_memory", lambda tensor: tensor)


@contextmanager
def counted_reads() -> Iterator[list[int]]:
    """How many numbers were read each time; a single `item` is refused."""
    reads: list[int] = []
    usual = Tensor.tolist

    def tolist(tensor: Tensor) -> Any:
        reads.append(tensor.numel())
        return usual(tensor)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Tensor, "item", lambda _: pytest.fail("a step waits for a number"))
        patch.setattr(Tensor, "tolist", tolist)
        yield reads


def settings(recipe: str = "fast", **how: Any) -> Any:
    return replace(RECIPES[recipe], batch_size=8, device="cuda", **SMALL, **how)


def test_a_replay_does_the_work_without_calling_it(gpu: None) -> None:
    calls, total = [], torch.zeros(2)

    def work(x: Tensor, y: Tensor) -> Tensor:
        calls.append(x)
        total.add_(x)
        return (x * y).sum()

    recording = GraphedCall(work)
    answers = [recording(torch.full((2,), float(i)), torch.ones(2)) for i in range(8)]
    assert [float(each) for each in answers] == [2 * i for i in range(8)]
    assert total.tolist() == [sum(range(8))] * 2
    assert len(calls) == PLAIN_CALLS + 1


@pytest.mark.parametrize("recipe", ["fast", "best", "conditional"])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_recorded_steps_are_the_plain_ones(gpu: None, recipe: str, precision: str) -> None:
    runs = []
    for cuda_graphs in (False, True):
        how = settings(recipe, precision=precision, cuda_graphs=cuda_graphs, steps=40)
        runs.append(Trainer(DIGITS, how, labels=LABELS))
        for _ in runs[-1].run():
            pass
    plain, recorded = runs
    assert isinstance(recorded.method, OnePassGAN)
    assert len(recorded.method._graphs) == 2  # steps with R1, steps without
    assert all(each.graph for each in recorded.method._graphs.values())
    assert [e.values for e in plain.history] == [e.values for e in recorded.history]
    for part in ("generator", "discriminator", "generator_ema"):
        ones, others = (getattr(run, part).state_dict() for run in runs)
        for name in ones:
            assert torch.equal(ones[name], others[name]), (part, name)


def test_a_change_and_a_return_are_followed_by_what_is_recorded(gpu: None) -> None:
    runs = [Trainer(DIGITS, settings(cuda_graphs=each)) for each in (False, True)]
    for run in runs:
        for _ in run.run(30):
            pass
        state = run.state()
        run.change(penalty_weight=0.1, label_smoothing=0.1)
        for _ in run.run(20):
            pass
        run.restore(state)
        for _ in run.run(10):
            pass
    plain, recorded = (run.history.state()["rows"][:, 3:] for run in runs)
    assert len(plain) == 40
    assert torch.equal(plain, recorded)


@pytest.mark.parametrize("cuda_graphs", [False, True])
def test_losses_of_many_steps_are_read_at_once(gpu: None, cuda_graphs: bool) -> None:
    run = Trainer(DIGITS, settings("conditional", cuda_graphs=cuda_graphs), labels=LABELS)
    with counted_reads() as reads:
        events = list(run.run(40))
    assert [event.step for event in events] == [16, 32, 40]
    assert reads == [4 * 16, 4 * 16, 4 * 8]
    assert [event.step for event in run.history] == list(range(1, 41))


def test_a_run_ends_at_its_last_step_and_is_that_of_the_cpu(gpu: None) -> None:
    there = Trainer(DIGITS, settings(steps=20))
    here = Trainer(DIGITS, replace(there.settings, device="cpu"))
    assert [len(list(run.run())) for run in (there, here)] == [2, 20]
    assert [(e.epoch, e.values) for e in there.history] == [
        (e.epoch, e.values) for e in here.history
    ]


def test_divergence_is_noticed_late_but_at_its_step(gpu: None) -> None:
    run = Trainer(DIGITS, settings())
    run.train_step(5)
    run.discriminator[-2].bias.data.fill_(torch.nan)
    with pytest.raises(Diverged, match="discriminator's loss became nan at step 5"):
        run.train_step(16)


def test_half_steps_go_between_recorded_ones(gpu: None) -> None:
    """Gradients that a half step dropped were once never seen by a replay again."""
    runs = [Trainer(DIGITS, settings(cuda_graphs=each)) for each in (False, True)]
    for run in runs:
        run.train_step(10)
        for player in ("discriminator", "generator"):
            run.half_step(player)
        run.train_step(10)
    plain, recorded = (run.history.state()["rows"][:, 3:] for run in runs)
    assert len(plain) == 21
    assert torch.equal(plain, recorded)


def test_candidates_that_the_gpu_lacks_are_left_out(
    gpu: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(graph: Graph) -> None:
        raise RuntimeError("no graphs here")

    monkeypatch.setattr(torch.cuda, "graph", refuse)
    usual = OnePassSettings(device="cuda", **SMALL)
    tried = OnePassGAN.candidates(usual)
    assert {each["cuda_graphs"] for each in tried} == {False, True}
    measured = [changes for changes, _ in autotune.measure(usual, tried)]
    assert measured == [each for each in tried if not each["cuda_graphs"]]
    with pytest.raises(RuntimeError, match="no graphs here"):  # nothing is left
        autotune.measure(usual, tried[1:2])
