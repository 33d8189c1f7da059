"""Trainers in any order of events: the path decides the state, to the last bit.

Hypothesis draws orders in which a run is trained, halved, rewound, saved, branched and changed.
Files and settings are tried for every method there is, so that a new one is covered by itself.
"""

import copy
import itertools
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import hypothesis
import pytest
import torch
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from torch import Tensor

from gan_lessons.data import sums
from gan_lessons.errors import UserError
from gan_lessons.methods import GANSettings, OnePassGAN, OnePassSettings
from gan_lessons.plane import OPTIMIZERS, ModeCoverage, Plan, PlaneTrainer, data_distribution
from gan_lessons.plane import trainer as plane_trainer
from gan_lessons.studies.stacked_mnist import STACKED, StackedTrainer, stacked_players
from gan_lessons.training import METHODS, Settings, Trainer, describe
from gan_lessons.training.method import method_of

IMAGES = torch.rand(40, 1, 8, 8, generator=torch.Generator().manual_seed(0)) * 2 - 1
LABELS = torch.arange(40) % 3
# What is not learned from images, by the method's name.
OTHERS = {"text": sums.encode(sums.sentences()[:40]), "clips": IMAGES.expand(-1, 8, -1, -1)}
TINY: dict[str, Any] = {
    "latent_dim": 3,
    "generator_width": 4,
    "discriminator_width": 2,
    "batch_size": 8,
    "steps": 40,
    "lr_decay": "cosine",
}
COVERAGE = ModeCoverage(data_distribution(Plan()))  # of the ring
SHIPPED = {n: m for n, m in METHODS.items() if m.__module__.startswith("gan_lessons.")}


def tiny(settings: type[Settings] | Settings, **changes: Any) -> Any:
    """Settings with small networks, as far as they have such settings."""
    made = settings() if isinstance(settings, type) else settings
    return replace(made, **{n: v for n, v in TINY.items() if n in describe(type(made))} | changes)


def start(settings: Any) -> Trainer:
    if isinstance(settings, Plan):
        return PlaneTrainer(settings, coverage=COVERAGE if settings.data == "ring" else None)
    samples = OTHERS.get(method_of(settings).name, IMAGES)
    return Trainer(samples, settings, labels=LABELS % (getattr(settings, "classes", 0) or 10))


def load(trainer: Trainer, path: Path) -> Trainer:
    """What goes on from the file that a trainer has saved."""
    if isinstance(trainer, PlaneTrainer):
        return PlaneTrainer.load(path)
    return type(trainer).load(path, trainer.samples, labels=trainer.data.get("labels"))


def without_seconds(state: Mapping[str, Any]) -> dict[str, Any]:
    """A state but for the time that it took, which is never the same twice."""
    history = {**state["history"], "rows": state["history"]["rows"].clone()}
    history["rows"][:, 2] = 0
    return {**state, "elapsed": 0.0, "history": history}


def same(a: Any, b: Any) -> bool:
    """Whether two states are the same to the last bit; NaN is NaN."""
    if isinstance(a, Tensor):
        return (
            a.shape == b.shape
            and a.dtype == b.dtype
            and torch.equal(a.nan_to_num(-7e7), b.nan_to_num(-7e7))
        )
    if isinstance(a, Mapping):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    return bool(a == b)


def differences(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[str]:
    """Names of the parts in which two states differ, but for the time."""
    one, two = without_seconds(a), without_seconds(b)
    return [key for key in one.keys() | two.keys() if not same(one.get(key), two.get(key))]


# Any order of events

Command = tuple[str, Any]
CHANGES: list[dict[str, Any]] = [
    {"lr_generator": 1e-3, "lr_discriminator": 5e-3},
    {"beta2": 0.5},
    {"penalty": "none"},
    {"penalty": "r1", "penalty_every": 2},
    {"objective": "wasserstein"},
    {"objective": "minimax", "label_smoothing": 0.1},
    {"noise_scale": 0.5},
    {"lr_decay": "none"},
    # Some, or all, refuse these:
    {"ema_decay": 0.5},
    {"instance_noise": 0.2},
    {"discriminator_steps": 2},
    {"label_smoothing": 0.1},
    {"seed": 1},
    {"noise_scale": 0.7, "batch_size": 4},
    {"lr_generator": 7},
    {"nonsense": 1},
]


def apply(trainer: Trainer, command: Command) -> None:
    name, value = command
    if name == "train":
        trainer.train_step(value)
    elif name == "half":
        trainer.half_step(value)
    else:
        trainer.change(**value)


@dataclass(frozen=True)
class Model:
    """What is to be known of a run without its numbers."""

    settings: Any
    path: tuple[Command, ...] = ()  # that led here from a fresh trainer
    turn: str = ""
    steps: int = 0

    def after(self, command: Command) -> "Model":
        name, value = command
        settings, turn, steps = self.settings, "", self.steps
        if name == "train":
            steps += value
        elif name == "half" and value == "generator":
            steps += 1
        elif name == "half":
            turn = value
        else:
            settings, turn = replace(settings, **value), self.turn
        # Several steps at once have to do what so many single ones do.
        singly = [("train", 1)] * value if name == "train" else [command]
        return Model(settings, (*self.path, *singly), turn, steps)


class Interleavings(RuleBasedStateMachine):
    """A trainer, and beside it a `Model` of what it should be."""

    first: Any  # the settings that a run begins with

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()

    @initialize()
    def begin(self) -> None:
        self.trainer = start(self.first)
        self.model = Model(self.first)
        self.snapshots: list[tuple[Model, dict[str, Any], dict[str, Any]]] = []

    def do(self, *command: Any) -> None:
        apply(self.trainer, command)
        self.model = self.model.after(command)

    def refuse(self, action: Callable[[], Any]) -> None:
        before = self.trainer.state()
        with pytest.raises(UserError):
            action()
        assert differences(before, self.trainer.state()) == []

    @rule(steps=st.integers(1, 4))
    def train(self, steps: int) -> None:
        self.do("train", steps)

    @rule(turn=st.sampled_from(["discriminator", "generator"]))
    def half_step(self, turn: str) -> None:
        self.do("half", turn)

    @rule(change=st.sampled_from(CHANGES))
    def change(self, change: dict[str, Any]) -> None:
        known = describe(type(self.first))
        allowed = all(name in known and not known[name].fixed for name in change)
        try:
            allowed = allowed and bool(replace(self.model.settings, **change))
        except UserError:
            allowed = False
        if allowed:
            self.do("change", change)
        else:
            self.refuse(lambda: self.trainer.change(**change))

    @rule(ema=st.booleans(), turn=st.sampled_from(["", "d", "Generator"]))
    def what_moves_nothing(self, ema: bool, turn: str) -> None:
        before = self.trainer.state()
        assert len(self.trainer.sample(self.trainer.inputs(5, seed=5), ema)) == 5
        assert differences(before, self.trainer.state()) == []
        self.refuse(lambda: self.trainer.half_step(turn))

    @rule()
    def snapshot(self) -> None:
        state = self.trainer.state()
        self.snapshots.append((self.model, state, copy.deepcopy(state)))

    @precondition(lambda self: self.snapshots)
    @rule(data=st.data())
    def restore(self, data: st.DataObject) -> None:
        self.model, state, copied = data.draw(st.sampled_from(self.snapshots))
        self.trainer.restore(state)
        assert differences(state, copied) == []  # nothing has reached into it
        assert differences(self.trainer.state(), copied) == []

    @rule()
    def save_and_load(self) -> None:
        path = Path(self.folder.name) / "checkpoint.pt"
        self.trainer.save(path)
        before, self.trainer = self.trainer, load(self.trainer, path)
        assert differences(before.state(), self.trainer.state()) == []

    @rule()
    def branch(self) -> None:
        before, self.trainer = self.trainer, self.trainer.branch()
        state = before.state()
        assert differences(state, self.trainer.state()) == []
        before.train_step()  # moves nothing of the twin
        assert differences(state, self.trainer.state()) == []

    @invariant()
    def is_where_the_model_is(self) -> None:
        assert self.trainer.settings == self.model.settings
        assert self.trainer.step == self.model.steps
        assert list(self.trainer.history.column("step")) == list(range(1, self.model.steps + 1))
        assert self.trainer.turn == self.model.turn
        assert bool(self.trainer.partial) == bool(self.model.turn)

    @invariant()
    def weights_are_finite_and_every_workers(self) -> None:
        for player in self.trainer.players.values():
            for tensor in (*player.network.parameters(), *player.network.buffers()):
                assert tensor.isfinite().all()
        if isinstance(self.trainer.method, OnePassGAN):
            first, *others = self.trainer.method.workers.networks
            for name, network in first.items():
                for other in others:
                    assert same(network.state_dict(), other[name].state_dict())

    def teardown(self) -> None:
        self.folder.cleanup()
        again = start(self.first)
        for command in self.model.path:
            apply(again, command)
        assert differences(self.trainer.state(), again.state()) == []


KINDS = {
    "gan": tiny(GANSettings, ema_decay=0.9),
    "one pass": tiny(OnePassSettings),
    "2 workers": tiny(OnePassSettings, workers=2),
    "4 workers": tiny(OnePassSettings, workers=4, ema_decay=0.0),
    "conditional": tiny(OnePassSettings, workers=2, classes=3),
    "plane": tiny(Plan, optimizer_generator="sgd", ema_decay=0.9, beta1_generator=0.5),
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_path_decides_the_state(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plane_trainer, "EVERY", 3)
    machine = type(kind, (Interleavings,), {"first": KINDS[kind]})
    run_state_machine_as_test(
        hypothesis.seed([*KINDS].index(kind))(machine),  # each kind has its own orders
        settings=hypothesis.settings(
            max_examples=5,
            stateful_step_count=20,
            phases=[hypothesis.Phase.generate],  # orders are short enough as they are
            deadline=None,
            database=None,
        ),
    )


@pytest.mark.parametrize("kind", KINDS)
def test_an_order_with_every_event(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Orders that are drawn each do without some events."""
    monkeypatch.setattr(plane_trainer, "EVERY", 3)
    machine = type(kind, (Interleavings,), {"first": KINDS[kind]})()
    first: Any = SimpleNamespace(draw=lambda choices: machine.snapshots[0])
    machine.begin()
    for event in (
        partial(machine.train, 2),
        machine.snapshot,
        partial(machine.half_step, "discriminator"),
        machine.save_and_load,
        partial(machine.half_step, "generator"),
        *(partial(machine.change, change) for change in CHANGES),
        machine.branch,
        partial(machine.half_step, "discriminator"),
        partial(machine.half_step, "generator"),
        partial(machine.half_step, "discriminator"),
        partial(machine.restore, first),
        partial(machine.half_step, "discriminator"),
        partial(machine.half_step, "generator"),
        partial(machine.train, 1),
        partial(machine.what_moves_nothing, True, ""),
    ):
        event()
        machine.is_where_the_model_is()
        machine.weights_are_finite_and_every_workers()
    machine.teardown()


# Files


def begin(kind: type[Settings] | Settings, **changes: Any) -> Trainer:
    return start(tiny(kind, **changes))


def begin_stacked(pack: int, **changes: Any) -> Trainer:
    digits = torch.rand(40, 1, 28, 28, generator=torch.Generator().manual_seed(0)) * 2 - 1
    settings = tiny(GANSettings, **changes)
    return StackedTrainer(digits, settings, stacked_players(settings, pack))


RUNS: dict[str, Callable[[], Trainer]] = {
    "plane, drawn": partial(begin, Plan, data="drawn", points=((0.0, 0.5), (1, -1)))
}
for shipped in SHIPPED.values():
    RUNS[shipped.name] = partial(begin, shipped.settings_class)
    for recipe, settings in shipped.recipes.items():
        RUNS[f"recipe {recipe}"] = partial(begin, settings)
for optimizer, decay in itertools.product(OPTIMIZERS, (0.0, 0.9)):
    RUNS[f"plane {optimizer}, EMA {decay}"] = partial(
        begin,
        Plan,
        optimizer_discriminator=optimizer,
        optimizer_generator=optimizer,
        ema_decay=decay,
    )
for remedy, (changes, pack) in STACKED.items():
    RUNS[f"stacked {remedy}"] = partial(begin_stacked, pack, **changes)


@pytest.mark.parametrize("between_turns", [False, True], ids=["whole", "between turns"])
@pytest.mark.parametrize("name", RUNS)
def test_a_file_holds_all_that_decides_what_comes(
    name: str, between_turns: bool, tmp_path: Path
) -> None:
    run = RUNS[name]()
    run.train_step(3)
    if between_turns and run.method.turns:
        run.half_step(run.method.turns[0])
        assert run.turn
    run.save(tmp_path / "checkpoint.pt")
    if isinstance(run, StackedTrainer):
        made = {n: copy.deepcopy(player.network) for n, player in RUNS[name]().players.items()}
        loaded: Trainer = StackedTrainer.load(tmp_path / "checkpoint.pt", run.digits, made)
    else:
        loaded = load(run, tmp_path / "checkpoint.pt")
    assert type(loaded) is type(run)
    assert differences(run.state(), loaded.state()) == []
    inputs = run.inputs(4)
    assert same(run.sample(inputs), loaded.sample(inputs))
    for trainer in (run, loaded):
        trainer.train_step()
        trainer.train_step(2)
    assert differences(run.state(), loaded.state()) == []
    assert run.step == 6


# Settings

# What a setting needs of others before it means anything, or a value that shows it.
PARTNERS: dict[str, dict[str, Any]] = {
    "penalty_weight": {"penalty": "r1"},
    "penalty_every": {"penalty": "r1"},
    "class_weight": {"conditioning": "auxiliary_classifier"},
    "data": {"points": ((0.0, 0.0),)},  # for "drawn"
    "points": {"data": "drawn", "points": ((0.0, 0.0),)},
    "seconds": {"steps": None, "lr_decay": "none"},
}
VALUES: dict[str, tuple[Any, ...]] = {
    "steps": (3,),
    "seconds": (1.0,),
    "ema_decay": (0.1,),  # at first the average forgets so fast that less makes no difference
    "workers": (2, 4),
    "points": (((1.0, 1.0),),),
    "classes": (3,),
    "discriminator_classes": (3,),
    "told": (2,),
    "content_dim": (5,),
    "content_width": (5,),
}


def others(settings: Any, name: str) -> tuple[Any, ...]:
    """Values of a setting that are allowed, other than the one it has."""
    setting, has = describe(type(settings))[name], getattr(settings, name)
    if name in VALUES:
        return VALUES[name]
    if setting.options:
        return tuple(option for option in setting.options if option != has)
    if setting.kind is bool:
        return (not has,)
    if setting.kind is int:
        return (has + 1,)
    low, high = setting.slider
    return tuple(value for value in (low, high) if value != has)


def outcome(settings: Any) -> dict[str, Any]:
    """All that a short run shows of its settings."""
    run = start(settings)
    for _ in run.run(5):
        pass
    state = without_seconds(run.state())
    weights = [state[n] for n in state if n not in ("settings", "elapsed")]
    rates = [player.optimizer.param_groups[0]["lr"] for player in run.players.values()]
    samples = run.sample(run.inputs(4))
    return {"all": [weights, rates, samples, run.next_batch(), run.data, str(run.device)]}


usual_outcome = cache(outcome)  # most settings of a method are compared with the same


@pytest.mark.parametrize(
    ("method", "name"),
    [(m, name) for m, method in SHIPPED.items() for name in describe(method.settings_class)],
)
def test_no_setting_is_ignored(method: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(10**9))
    ticking = SimpleNamespace(monotonic=lambda: next(clock) / 8)
    monkeypatch.setattr("gan_lessons.training.trainer.time", ticking)
    settings = SHIPPED[method].settings_class
    partners = {n: v for n, v in PARTNERS.get(name, {}).items() if n in describe(settings)}
    usual = tiny(settings, **partners)
    base = usual_outcome(usual)
    tried = others(usual, name)
    assert tried or len(describe(type(usual))[name].options) == 1  # there is but one device
    for value in tried:
        try:
            changed = outcome(replace(usual, **{name: value}))
        except UserError as refusal:
            changed = {"refused": name in str(refusal)}
        assert not same(base, changed), value
        assert changed.get("refused", True), value
