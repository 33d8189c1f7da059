"""What a method of learning is: settings, named players, and one step.

A new method is one file in `gan_lessons.methods`: a settings class and a subclass of `Method` with
``build`` (its networks), ``step`` (how they learn from a batch) and ``inputs`` (what its pictures
are drawn from). The `Trainer` does the rest: order of the data, rates, moving averages, snapshots,
checkpoints, resuming, rewinding, branches; and so do the live panel and the command line.
"""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

import torch
from torch import Tensor, nn

from gan_lessons.errors import UserError, expect, expect_number
from gan_lessons.training.ranks import ALONE, Ranks, share_statistics
from gan_lessons.training.settings import Settings

if TYPE_CHECKING:
    from gan_lessons.training.trainer import Trainer

S = TypeVar("S", bound=Settings)
Batch = Mapping[str, Tensor]  # "samples" (n, …), and what else the run was given
Values = Mapping[str, "float | Tensor"]  # tensors of one number are read by the trainer
MEASURED = "a step has to return what it measured, a dictionary, name → number"


def expect_values(values: Values) -> Values:
    """What a step or a turn of it has measured, if it can be kept.

    Raises:
        UserError: it is no dictionary of numbers and tensors without dimensions.
    """
    expect(values, Mapping, MEASURED)
    for name, value in values.items():
        if isinstance(value, Tensor):
            if value.dim():
                raise UserError(f"{MEASURED}; {name!r} has the shape {tuple(value.shape)}.")
        elif not isinstance(value, Real):
            raise UserError(f"{MEASURED}; {name!r} is a {type(value).__name__}.")
    return values


@dataclass
class Player:
    """A network that learns: its optimizer, and the moving average of its weights, if it has one.

    ``keep_gradients``: gradients are set to 0 in place rather than dropped. ``ranks``: the
    processes that all have this player, and move it alike.
    """

    network: nn.Module
    optimizer: Any  # of torch.optim, or one with param_groups, step and state_dict
    ema: nn.Module | None = None
    keep_gradients: bool = False
    ranks: Ranks = ALONE

    def descend(self, loss: Tensor) -> None:
        """One step of the optimizer down the loss; only this player's parameters get gradients."""
        self.optimizer.zero_grad(set_to_none=not self.keep_gradients)
        learns = [p for p in self.network.parameters() if p.requires_grad]  # some may be frozen
        loss.backward(inputs=learns)
        self.move()

    def move(self) -> None:
        """One step of the optimizer against the gradients, of which all ranks take the mean."""
        gradients = (parameter.grad for parameter in self.network.parameters())
        self.ranks.average(gradient for gradient in gradients if gradient is not None)
        self.optimizer.step()

    def share(self, ranks: Ranks) -> None:
        """Move alike in several processes from now on; BatchNorm sees all their shares."""
        self.ranks = ranks
        share_statistics(self.network, ranks)


@dataclass(frozen=True)
class Chart:
    """Which measured values share a picture: name → label in its legend."""

    title: str
    lines: Mapping[str, str]
    limits: tuple[float, float] | None = None  # of its vertical axis
    level: float | None = None  # a horizontal line: what one hopes for


class Method(Generic[S]):
    """What is learned, and how one step goes. Subclasses set:

    - ``name``, a word, and ``settings_class``;
    - ``recipes``: settings by name, offered by the command line;
    - ``averaged``: names of the players of whose weights a moving average is kept;
    - ``turns``: names of the parts of a step that can be taken one by one, in their order;
    - ``charts``: how to draw what steps measure (by default all values in one picture);
    - ``reads_later``: whether ``step`` returns tensors and never waits for a GPU;
    - ``inputs_from_data``: whether ``inputs`` are taken from the samples, not drawn.

    ``memory`` is what a method remembers from step to step beside its players' weights: numbers and
    tensors by name. They are saved, restored and branched with the run; other attributes are not.

    Args:
        settings: of ``settings_class``.
        data: tensors (N, …) by name, of which "samples" are what is to be learned.
        networks: your own instead of those that ``build`` makes, by the players' names.
    """

    name: ClassVar[str]
    settings_class: ClassVar[type[Settings]]
    recipes: ClassVar[Mapping[str, Settings]] = {}
    averaged: ClassVar[tuple[str, ...]] = ()
    turns: ClassVar[tuple[str, ...]] = ()
    charts: ClassVar[tuple[Chart, ...]] = ()
    reads_later: ClassVar[bool] = False
    inputs_from_data: ClassVar[bool] = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "name" in cls.__dict__:  # not what several methods share
            _refuse_taken(cls)
            METHODS[cls.name] = cls

    def __init__(
        self, settings: S, data: Batch, networks: Mapping[str, nn.Module] | None = None
    ) -> None:
        self.settings = settings
        self.memory: dict[str, Any] = {}
        self.shape = tuple(data["samples"].shape[1:])  # of one sample
        device = data["samples"].device
        made = networks or build_networks(settings, self.shape)
        expect(made, Mapping, "build has to return networks by name, a dictionary")
        for name in made:
            if name in RESERVED:
                raise UserError(f"{name!r} is no name for a player: a run's state has its own.")
        for name in self.averaged:
            if name not in made:
                raise UserError(f"averaged has {name!r}; the players are {', '.join(made)}.")
        self.players = {
            name: self.player(name, network.to(device)) for name, network in made.items()
        }
        if networks:
            self.check(data)
        self.apply_settings()

    # What a subclass writes

    @classmethod
    def build(cls, settings: S, shape: tuple[int, ...]) -> dict[str, nn.Module]:
        """The networks by the players' names, for samples of a shape.

        PyTorch's global random numbers are seeded when it is called.
        """
        raise NotImplementedError(f"{cls.__name__} has to have build, which makes its networks.")

    def step(self, run: "Trainer") -> Values:
        """Let every player learn once; return what was measured, by name.

        ``run.next_batch()`` gives data, ``run.normal(n, d)`` noise, ``run.drawn`` and ``run.rng``
        other random numbers, ``run.step`` the steps so far; ``run.update(player, loss)`` moves a
        player. All chance comes from these: Dropout, like any draw without a generator, makes two
        runs of one seed differ. What a step leaves for the next, beside weights, goes into
        ``memory``.
        """
        if not self.turns:
            raise NotImplementedError(f"{type(self).__name__} has to have step, or turns and turn.")
        values: dict[str, float | Tensor] = {}
        for turn in self.turns:
            values |= self.turn(turn, run)
        return values

    def turn(self, name: str, run: "Trainer") -> Values:
        """One of ``turns`` alone; return what it measured. See `step`."""
        raise NotImplementedError(f"{type(self).__name__} has turns, and no method turn.")

    def inputs(self, n: int, rng: torch.Generator) -> Tensor:
        """What n samples are drawn from, (n, …), such as noise: all their chance is in it."""
        raise NotImplementedError(f"{type(self).__name__} has to have inputs: see its docstring.")

    def draw(self, inputs: Tensor, ema: bool = True) -> Tensor:
        """Samples (n, …) from `inputs`: by default those that the first player makes of them.

        The same inputs have to give the same samples.

        Args:
            inputs: (n, …), on the players' device.
            ema: whether moving averages of weights are taken, where there are any.
        """
        samples: Tensor = self.network(next(iter(self.players)), ema)(inputs)
        return samples

    @classmethod
    def check_data(cls, settings: S, data: Batch) -> None:
        """Refuse data that the method cannot learn from.

        Raises:
            UserError: the sentence says what is right.
        """

    def check(self, data: Batch) -> None:
        """Refuse networks that were brought and do not fit the data, before anything is trained.

        Raises:
            UserError: the sentence says what is right.
        """

    def share(self, ranks: Ranks) -> None:
        """Train together with other processes; called before the first step.

        A method that can do so calls `Player.share` of its players. What its step draws by
        chance then has to come from `run.normal` or `run.drawn`, else all ranks draw the same.

        Raises:
            UserError: the method cannot, or not with these settings.
        """
        raise UserError(
            f"The method {self.name!r} trains in one process only: start it without torchrun."
        )

    def player(self, name: str, network: nn.Module) -> Player:
        """A player with Adam; subclasses choose other optimizers here."""
        optimizer = torch.optim.Adam(network.parameters())
        return Player(network, optimizer, self.average_of(name, network))

    def apply_settings(self) -> None:
        """Give optimizers what the settings say; called whenever these have changed."""

    def after_restoring(self) -> None:
        """Called when the players have got other weights from outside."""

    @classmethod
    def candidates(cls, settings: S) -> list[dict[str, Any]]:
        """Settings that change only the speed of a step, the plainest first; see `autotune`."""
        return []

    # What it gets

    def network(self, name: str, ema: bool = False) -> nn.Module:
        """A player's network, or its moving average where that is asked for and there is one."""
        player = self.players[name]
        return player.ema if ema and player.ema is not None else player.network

    def rate(self, name: str) -> float:
        """A player's learning rate: the setting lr_NAME, or lr where players share one.

        Raises:
            UserError: there is neither.
        """
        for setting in (f"lr_{name}", "lr"):
            if hasattr(self.settings, setting):
                rate: float = getattr(self.settings, setting)
                return rate
        raise UserError(
            f"The player {name!r} has no rate: {type(self.settings).__name__} has neither "
            f"lr_{name} nor lr."
        )

    def average_of(self, name: str, network: nn.Module) -> nn.Module | None:
        """A copy of a network to hold its moving average, for the names in ``averaged``."""
        if name not in self.averaged:
            return None
        return copy.deepcopy(network).eval().requires_grad_(False)


METHODS: dict[str, type[Method[Any]]] = {}  # by name: every subclass that has been imported
# What a run's state holds beside its players: no names for these.
RESERVED = {"method", "settings", "players", "shape", "rng", "step", "batches", "elapsed", "turn"}
RESERVED |= {"partial", "history", "data", "memory"}


def _refuse_taken(cls: type[Method[Any]]) -> None:
    """Refuse names and settings that another method has; a cell that is run again has its own."""
    if not hasattr(cls, "settings_class"):
        raise UserError(f"{cls.__name__} has to say settings_class, its own subclass of Settings.")
    for name, other in METHODS.items():
        if name == cls.name and other.__module__ != cls.__module__:
            raise UserError(
                f"{other.__module__} has a method {name!r} already: choose another name."
            )
        if name != cls.name and other.settings_class is cls.settings_class:
            raise UserError(
                f"{cls.settings_class.__name__} are the settings of {name!r}, and it is found by "
                f"them; make a subclass of them for {cls.name!r}."
            )
        if name != cls.name and (taken := {*other.recipes} & {*cls.recipes}):
            raise UserError(f"{name!r} has a recipe {min(taken)!r} already: choose another name.")


def method_of(settings: Settings) -> type[Method[Any]]:
    """The method that settings belong to.

    Raises:
        UserError: there is none; the sentence says which there are.
    """
    for method in METHODS.values():
        if method.settings_class is type(settings):
            return method
    if any(m.settings_class.__qualname__ == type(settings).__qualname__ for m in METHODS.values()):
        raise UserError(
            f"These {type(settings).__name__} were made before their class was defined again: make "
            "them once more."
        )
    raise UserError(
        f"A {type(settings).__name__} is no method's settings; take those of one of "
        f"{', '.join(METHODS)}, or a recipe, such as gan_lessons.methods.RECIPES['dcgan']."
    )


def find_method(name: str) -> type[Method[Any]]:
    """The method of a name.

    Raises:
        UserError: there is none; the sentence says which there are.
    """
    if name not in METHODS:
        raise UserError(
            f"There is no method {name!r} here; there are {', '.join(METHODS)}. One of your own "
            "is found when its file has been imported."
        )
    return METHODS[name]


def build_networks(
    settings: Settings, shape: tuple[int, ...] = (1, 28, 28)
) -> dict[str, nn.Module]:
    """The networks of a run, by the players' names, with weights that its seed decides."""
    method = method_of(settings)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        return method.build(settings, shape)


@torch.no_grad()
def update_ema(ema: nn.Module, network: nn.Module, decay: float) -> None:
    """ema ← decay · ema + (1 − decay) · network, for weights and BatchNorm statistics.

    The exponential moving average (EMA) of a generator smooths out its circling around the
    equilibrium (Yazici et al. 2019).

    Raises:
        UserError: ``decay`` is no number from 0 to 1.
    """
    expect_number(decay, "decay", 0, 1)
    for slow, fast in zip(
        [*ema.parameters(), *ema.buffers()],
        [*network.parameters(), *network.buffers()],
        strict=True,
    ):
        if slow.is_floating_point():
            slow.lerp_(fast, 1 - decay)
        else:
            slow.copy_(fast)  # BatchNorm's counter of batches
