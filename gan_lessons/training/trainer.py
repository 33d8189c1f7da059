"""The trainer: the loop around any method's step. It knows nothing of what is learned.

It keeps the order of the data, the clock, rates, moving averages, snapshots and checkpoints, and
draws and prints nothing. Whoever wants to see something iterates::

    for event in trainer.run():
        print(event.step, event.loss_generator)

Everything that decides what happens next (weights, optimizers, averages, random numbers, position
in the data, history) is in :meth:`Trainer.state`, so that a run can be rewound or resumed exactly.
"""

import copy
import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor, nn

from gan_lessons.errors import UserError, expect, expect_whole
from gan_lessons.interrupts import defer_interrupts
from gan_lessons.tensors import expect_single, expect_tensor
from gan_lessons.training import checkpoint
from gan_lessons.training.data import refuse_unfit_data
from gan_lessons.training.device import resolve_device
from gan_lessons.training.history import Event, History
from gan_lessons.training.method import Method, Values, expect_values, method_of, update_ema
from gan_lessons.training.ranks import ALONE, Ranks, refuse_unfit
from gan_lessons.training.sampling import draw
from gan_lessons.training.settings import Settings, check_setting, describe

COOLDOWN = 0.3  # share of the run
STEPS_PER_SYNC = 16  # steps that a GPU is given before their losses are read


class Diverged(UserError):
    """A loss became NaN or infinite."""


NETWORKS = "networks has to be a dictionary, by players' names (labels are given as labels=…)"


class Trainer:
    """Trains a method's players.

    A player's network, optimizer and moving average are attributes by its name, such as
    ``trainer.generator``, ``trainer.optimizer_generator`` and ``trainer.generator_ema``.

    Args:
        samples: what is to be learned, float (N, …), such as images (N, C, H, W) in [−1, 1].
        settings: of a method; `gan_lessons.methods.RECIPES` has good ones.
        networks: your own instead of those that the settings name, by the players' names.
        labels: the samples' classes (N,), from 0, for a method that is told them.
        ranks: the processes that train this run together; each makes such a trainer.

    Raises:
        UserError: samples or labels that the method cannot take, a device that is not there, or
            what several processes cannot share.
    """

    def __init__(
        self,
        samples: Tensor,
        settings: Settings,
        networks: Mapping[str, nn.Module] | None = None,
        labels: Tensor | None = None,
        ranks: Ranks = ALONE,
    ) -> None:
        kind = method_of(settings)
        expect(networks, (Mapping, type(None)), NETWORKS)
        refuse_unfit_data(samples, labels, settings.batch_size)
        if networks is None:  # those that are built have 32 bits
            expect_single(samples, "samples")
        given = {"samples": samples} | ({} if labels is None else {"labels": labels})
        kind.check_data(settings, given)
        self.device = resolve_device(settings.device)
        self.data = {name: tensor.to(self.device) for name, tensor in given.items()}
        self.method: Method[Any] = kind(settings, self.data, networks)
        self.players = self.method.players
        self.ranks = ranks
        if ranks.size > 1:
            refuse_unfit(settings, ranks)
            self.method.share(ranks)
        self.rng = torch.Generator().manual_seed(settings.seed)
        self.step = 0
        self.batches = 0
        self.elapsed = 0.0
        self.history = History()
        self.turn = ""  # the latest turn of a step that is not complete
        self.partial: dict[str, float] = {}  # what its turns have measured
        self._order = (-1, torch.empty(0))
        self._left = 0  # steps to come before losses are read
        self._unread: list[Values] = []

    def __getattr__(self, name: str) -> Any:
        players = self.__dict__.get("players", {})
        if name in players:
            return players[name].network
        if name.removeprefix("optimizer_") in players:
            return players[name.removeprefix("optimizer_")].optimizer
        if name.removesuffix("_ema") in players:
            return players[name.removesuffix("_ema")].ema
        raise AttributeError(f"A {type(self).__name__} has no {name!r}.")

    @property
    def samples(self) -> Tensor:
        """The real samples (N, …)."""
        return self.data["samples"]

    @property
    def settings(self) -> Any:
        """The method's settings as they are now; `change` changes them."""
        return self.method.settings

    # What a method's step asks for

    def next_batch(self) -> dict[str, Tensor]:
        """The next batch, by name: every epoch has its own order, set by seed and epoch.

        Of several processes each gets its own share of it.
        """
        size = self.settings.batch_size
        epoch, position = divmod(self.batches, len(self.data["samples"]) // size)
        if self._order[0] != epoch:
            rng = torch.Generator().manual_seed(1_000_003 * self.settings.seed + epoch)
            order = torch.randperm(len(self.data["samples"]), generator=rng)
            self._order = (epoch, self.send(order))
        self.batches += 1
        chosen = self.ranks.share(self._order[1][position * size : (position + 1) * size])
        return {name: tensor[chosen] for name, tensor in self.data.items()}

    @property
    def batch_size(self) -> int:
        """Samples of each batch that this process gets: all, but for those of other ranks."""
        return int(self.settings.batch_size // self.ranks.size)

    def normal(self, n: int, *shape: int) -> Tensor:
        """Fresh numbers (n, …) from N(0, 1), the same on every device; each rank has its own."""
        return self.drawn(n, lambda rows: torch.randn(rows, *shape, generator=self.rng))

    def drawn(self, n: int, draw: Callable[[int], Tensor]) -> Tensor:
        """n rows, on the device, of what is drawn by chance; each rank has its own.

        Args:
            n: rows for this process.
            draw: makes as many rows as it is told, by `rng`. It is asked for those of all ranks,
                so that they go on alike, and as a single process would.
        """
        return self.send(self.ranks.share(draw(n * self.ranks.size)))

    def send(self, tensor: Tensor) -> Tensor:
        """To the device. A CUDA GPU fetches it from pinned memory, and nothing waits."""
        if self.settings.device == "cuda":
            return tensor.pin_memory().to(self.device, non_blocking=True)
        return tensor.to(self.device)

    def update(self, player: str, loss: Tensor) -> None:
        """Move one player a step down its loss.

        Raises:
            Diverged: the loss is not finite; nothing has moved.
        """
        (mean,) = self.ranks.mean([loss.item()])
        self._refuse_infinite(player, mean, self.step)
        self.players[player].descend(loss)

    def read(self, values: Values) -> Values:
        """Numbers out of tensors, before a step spoils a weight; a method with ``reads_later``
        calls it. A GPU's are read, together, at the last of the steps asked for at once.

        Raises:
            Diverged: a value named ``loss_PLAYER`` is not finite.
        """
        if self._left:
            return values
        numbers = self._numbers([*self._unread, values])
        for step, each in enumerate(numbers, self.step + 1 - len(numbers)):
            for name, value in each.items():
                if name.startswith("loss_"):
                    self._refuse_infinite(name.removeprefix("loss_"), value, step)
        self._unread[:] = numbers[:-1]
        return numbers[-1]

    def _refuse_infinite(self, player: str, loss: float, step: int) -> None:
        if not math.isfinite(loss):
            rate = f"lr_{player}" if hasattr(self.settings, f"lr_{player}") else "lr"
            more = ", or add a penalty" if hasattr(self.settings, "penalty") else ""
            raise Diverged(
                f"The {player}'s loss became {loss} at step {step}: training diverged. "
                f"Go back to an earlier snapshot and lower {rate}{more}."
            )

    def _numbers(self, values: list[Values]) -> list[dict[str, float]]:
        """Every tensor's number, fetched from the device at once; over all ranks their mean."""
        tensors = [v.detach() for each in values for v in each.values() if isinstance(v, Tensor)]
        found = iter(torch.stack(tensors).tolist() if tensors else [])
        numbers = [
            next(found) if isinstance(v, Tensor) else v for each in values for v in each.values()
        ]
        means = iter(self.ranks.mean(numbers))
        return [{name: next(means) for name in each} for each in values]

    # One step

    def train_step(self, steps: int = 1) -> Event:
        """One whole step; one that a turn has begun is completed.

        A keyboard interrupt waits until it is done.

        Args:
            steps: so many instead. A GPU gets them all before their losses are read, because
                reading waits for it. So a loss that is not finite is noticed late; on the CPU
                before it spoils a weight.
        """
        moments: list[tuple[int, float, float]] = []
        self._unread = []
        with defer_interrupts():
            try:
                for self._left in reversed(range(steps)):
                    began = time.monotonic()
                    self._set_rates()
                    values = self._other_turns() if self.turn else self.method.step(self)
                    expect_values(values)
                    moments.append(self._count(began))
                    self._unread.append(values)
            finally:  # also those before a step that diverged
                for moment, numbers in zip(moments, self._numbers(self._unread), strict=True):
                    self.record(Event(*moment, numbers))
        return self.history[-1]

    def record(self, event: Event) -> None:
        """Keep what a step has measured."""
        self.history.append(event)

    def _other_turns(self) -> Values:
        turns = self.method.turns
        values: dict[str, float | Tensor] = {**self.partial}
        for turn in turns[turns.index(self.turn) + 1 :]:
            values |= self.method.turn(turn, self)
        return values

    def _count(self, began: float) -> tuple[int, float, float]:
        """The step is done: averages take it in, and it is counted."""
        # So short a memory at first that the random first weights are forgotten.
        decay = min(self.settings.ema_decay, self.step / (self.step + 10))
        for player in self.players.values():
            if player.ema is not None:
                update_ema(player.ema, player.network, decay)
        self.step += 1
        self._spend(time.monotonic() - began)
        self.turn, self.partial = "", {}
        return self.step, self.epoch, self.elapsed

    def half_step(self, turn: str) -> None:
        """One of the method's turns alone. The step ends, and is counted, with the last of them.

        Until then ``partial`` holds what its turns have measured.

        Raises:
            UserError: the method's steps have no such turn.
        """
        turns = self.method.turns
        if turn not in turns:
            has = f"it has {', '.join(turns)}" if turns else "they cannot be divided"
            raise UserError(f"A step of {self.method.name!r} has no turn {turn!r}: {has}.")
        with defer_interrupts():
            began = time.monotonic()
            self._left = 0
            self._set_rates()
            (measured,) = self._numbers([expect_values(self.method.turn(turn, self))])
            values = {**self.partial, **measured}
            if turn == turns[-1]:
                self.record(Event(*self._count(began), values))
                return
            self.turn, self.partial = turn, values
            self._spend(time.monotonic() - began)

    def change(self, **settings: Any) -> dict[str, tuple[Any, Any]]:
        """Change settings in the middle of a run; the next step goes by them.

        Returns:
            Name → (old, new) of each setting that is now another one.

        Raises:
            UserError: no such setting, out of range, or fixed when the run began; nothing changed.
        """
        for name, value in settings.items():
            check_setting(type(self.settings), name, value)
        new = replace(self.settings, **settings)
        self._refuse_fixed(new)
        was = {name: getattr(self.settings, name) for name in settings}
        self._take(new)
        return {name: (was[name], value) for name, value in settings.items() if value != was[name]}

    def _refuse_fixed(self, new: Settings) -> None:
        for name, setting in describe(type(new)).items():
            was = getattr(self.settings, name)
            if setting.fixed and getattr(new, name) != was:
                raise UserError(
                    f"{name} is fixed when a run begins (here to {was!r}): start a new one."
                )

    def _take(self, settings: Settings) -> None:
        self.method.settings = settings
        self.method.apply_settings()

    def _set_rates(self) -> None:
        factor = 1.0
        if self.settings.lr_decay == "cosine":
            factor = 0.5 + 0.5 * math.cos(math.pi * self.progress)
        elif self.settings.lr_decay == "cooldown":
            factor = min(1.0, (1 - self.progress) / COOLDOWN)
        for name, player in self.players.items():
            for group in player.optimizer.param_groups:
                group["lr"] = self.method.rate(name) * factor

    # The loop

    @property
    def steps_per_sync(self) -> int:
        """How many steps are asked for at once: see `train_step`."""
        waits = self.settings.device == "cpu" or not self.method.reads_later
        return 1 if waits else STEPS_PER_SYNC

    @property
    def epoch(self) -> float:
        """Passes over the data so far."""
        return float(self.batches * self.settings.batch_size / len(self.data["samples"]))

    @property
    def progress(self) -> float:
        """Share of the run that is done, from 0 to 1; always 0 for a run without an end."""
        if self.settings.steps is not None:
            return float(min(self.step / self.settings.steps, 1.0))
        if self.settings.seconds is not None:
            return float(min(self.elapsed / self.settings.seconds, 1.0))
        return 0.0

    def run(self, steps: int | None = None) -> Iterator[Event]:
        """Train to the end of the run, or for that many steps more; yield an event after each.

        There is nothing to do for 0 steps or fewer, so that ``run(500 - run.step)`` may come twice.

        On a GPU an event may follow only every `STEPS_PER_SYNC` steps; their history is complete.
        Time spent by the caller between events counts towards ``seconds``. Stop iterating at any
        event, or interrupt: the trainer is whole, and another ``run`` goes on from there.

        Raises:
            UserError: the run has no end and ``steps`` is not given, or it is no whole number.
            Diverged: a loss became NaN or infinite.
        """
        if steps is None and self.settings.steps is None and self.settings.seconds is None:
            raise UserError(
                "This run has no end: give run(steps=…), or set steps or seconds in the settings."
            )
        if steps is not None:
            expect_whole(steps, "steps", -math.inf)
        last = min(
            math.inf if steps is None else self.step + steps,
            math.inf if self.settings.steps is None else self.settings.steps,
        )
        while self.step < last and self.progress < 1:
            event = self.train_step(int(min(self.steps_per_sync, last - self.step)))
            handed_over = time.monotonic()
            yield event
            self._spend(time.monotonic() - handed_over)

    def _spend(self, seconds: float) -> None:
        """Let the clock go on. There is one, that of rank 0: rates and the run's end go by it."""
        self.elapsed = self.ranks.first(self.elapsed + seconds)

    # What is drawn

    def inputs(self, n: int, seed: int = 0) -> Tensor:
        """What n samples are drawn from, such as noise (n, latent_dim).

        Raises:
            UserError: n or seed is no whole number.
        """
        expect_whole(n, "n")
        expect_whole(seed, "seed")
        return self.method.inputs(n, torch.Generator().manual_seed(seed))

    def sample(self, inputs: Tensor, ema: bool = True) -> Tensor:
        """Samples drawn from `inputs`, by the averaged network or the one as it is now.

        Raises:
            UserError: what is given is no tensor.
        """
        expect_tensor(inputs, "inputs", "(N, …), such as run.inputs(N)")
        networks = [player.network for player in self.players.values()]
        training = [network.training for network in networks]
        for network in networks:
            network.eval()
        try:
            return draw(self.method, inputs.to(self.device), ema).cpu()
        finally:
            for network, was in zip(networks, training, strict=True):
                network.train(was)

    # Going back, and going on

    def state(self) -> dict[str, Any]:
        """All that decides what happens next: a snapshot, independent of further training.

        Raises:
            UserError: the method's ``memory`` has what no file could hold.
        """
        parts: dict[str, Any] = {}
        for name, player in self.players.items():
            parts[name] = player.network.state_dict()
            parts[f"optimizer_{name}"] = player.optimizer.state_dict()
            if player.ema is not None:
                parts[f"{name}_ema"] = player.ema.state_dict()
        checkpoint.refuse_unkept(self.method.memory)
        parts["memory"] = self.method.memory
        return copy.deepcopy(parts) | {
            "method": self.method.name,
            "settings": self.settings.asdict(),
            "players": list(self.players),
            "shape": list(self.method.shape),
            "rng": self.rng.get_state(),
            "step": self.step,
            "batches": self.batches,
            "elapsed": self.elapsed,
            "turn": self.turn,
            "partial": dict(self.partial),
            "history": self.history.state(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Return to a state: training goes on from there as if nothing had happened since.

        Raises:
            UserError: it is the state of another run, or does not fit together.
        """
        checkpoint.refuse_unfit(state, self.state(), self.players)
        state = copy.deepcopy(dict(state))  # optimizers keep what they are given
        history = History.restored(state["history"])
        settings = checkpoint.settings_from(type(self.settings), state["settings"])
        self._refuse_fixed(settings)
        self._take(settings)
        for name, player in self.players.items():
            player.network.load_state_dict(state[name])
            player.optimizer.load_state_dict(state[f"optimizer_{name}"])
            if player.ema is not None:
                player.ema.load_state_dict(state[f"{name}_ema"])
        self.method.memory = state["memory"]
        self.method.after_restoring()
        self.rng.set_state(state["rng"])
        self.step, self.batches = state["step"], state["batches"]
        self.elapsed, self.history = state["elapsed"], history
        self.turn, self.partial = state["turn"], state["partial"]

    def branch(self) -> Self:
        """A second run at this very state: the same weights, noise and data order from here on."""
        twin = self._twin({n: copy.deepcopy(p.network) for n, p in self.players.items()})
        twin.restore(self.state())
        return twin

    def _twin(self, networks: Mapping[str, nn.Module]) -> Self:
        """A new run on the same data."""
        data = self.data
        return type(self)(data["samples"], self.settings, networks, data.get("labels"), self.ranks)

    def save(self, path: str | Path, **beside: Any) -> None:
        """Write a checkpoint, whole or not at all; ``beside``: what else the file is to hold.

        Raises:
            UserError: the file cannot be written.
        """
        data = {"data": checkpoint.fingerprint(self.data)}
        checkpoint.write(path, self.state() | data | beside)

    @classmethod
    def load(
        cls,
        path: str | Path,
        samples: Tensor,
        networks: Mapping[str, nn.Module] | None = None,
        labels: Tensor | None = None,
        ranks: Ranks = ALONE,
    ) -> Self:
        """A trainer that goes on from a checkpoint.

        Bit for bit as if it had never stopped, on the same CPU and with as many threads
        (``torch.set_num_threads``) as before: sums over other shares round differently.

        Args:
            path: what :meth:`save` wrote.
            samples: the same real samples as before.
            networks: as before, if you had brought your own.
            labels: as before, for a conditional GAN.
            ranks: as many as you like: they need not be as many as before.

        Raises:
            UserError: no such file, not a checkpoint, one that is damaged, or other data.
        """
        state = checkpoint.read(path)
        trainer = cls(samples, checkpoint.settings_of(state, path), networks, labels, ranks)
        trainer.restore_from(path, state)
        return trainer

    def restore_from(self, path: str | Path, state: Mapping[str, Any]) -> None:
        """`restore` what was read from a file, whose name stands in whatever is wrong with it."""
        checkpoint.refuse_other_data(path, state, self.data)
        with checkpoint.blaming(path):
            self.restore(state)
