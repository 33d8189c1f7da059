"""Ranks: processes that train one run together, each with its share of every batch.

`Workers` are threads that share a batch; ranks do the same as processes, on one machine or several
(``torchrun`` starts them). Each has all networks, draws all that is drawn by chance, takes its rows
of it, and averages its gradients with the others'. So all ranks make the same step, which is the
one that a single process would have made with the whole batch, but for rounding; and what
they all hold is the whole state of the run.
"""

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor, nn

from gan_lessons.errors import UserError
from gan_lessons.training.settings import Settings

PATIENCE = 120.0  # seconds that a rank waits for the others
T = TypeVar("T")


class LostContact(UserError):
    """Another rank has ended, or does not answer."""


@dataclass(frozen=True)
class Ranks:
    """This process among those that train together: its number, from 0, and how many they are.

    What is said to one another is said by all, in the same order.
    """

    rank: int = 0
    size: int = 1

    def share(self, whole: Tensor) -> Tensor:
        """This rank's rows (n, …) of what is there for all ranks (size · n, …)."""
        n = len(whole) // self.size
        return whole[self.rank * n : (self.rank + 1) * n]

    @torch.no_grad()
    def average(self, tensors: Iterable[Tensor]) -> None:
        """Give all ranks the mean of their tensors, in place, by one message."""
        if self.size == 1:
            return
        own = list(tensors)
        flat = _all_reduce(torch.cat([tensor.reshape(-1) for tensor in own])) / self.size
        for tensor, mean in zip(own, flat.split([t.numel() for t in own]), strict=True):
            tensor.copy_(mean.view(tensor.shape))

    def mean(self, numbers: list[float]) -> list[float]:
        """The mean over ranks of each number."""
        if self.size == 1 or not numbers:
            return numbers
        means: list[float] = (
            _all_reduce(torch.tensor(numbers, dtype=torch.float64)) / self.size
        ).tolist()
        return means

    def first(self, number: float) -> float:
        """The number of rank 0."""
        return self.mean([number * self.size if self.rank == 0 else 0.0])[0]

    def any(self, flag: bool) -> bool:
        """Whether the flag is raised on any rank."""
        return self.mean([float(flag)])[0] > 0

    def broadcast(self, content: bytes = b"") -> bytes:
        """The bytes that rank 0 gives, on every rank."""
        if self.size == 1:
            return content
        length = torch.tensor([len(content)])
        _in_contact(lambda: dist.broadcast(length, 0))
        if length == 0:
            return b""
        given = bytearray(content if self.rank == 0 else int(length))
        buffer = torch.frombuffer(given, dtype=torch.uint8)
        _in_contact(lambda: dist.broadcast(buffer, 0))
        return bytes(given)


ALONE = Ranks()


PARTED: list[int] = []  # this process's ranks, of several that have parted


def end_process(code: int) -> None:
    """End a process that was a rank, with nothing more than its streams flushed.

    Where Python takes PyTorch down as usual, one rank in ten aborts: gloo's threads still run.
    """
    if PARTED:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


@contextmanager
def joined(init_method: str = "env://", rank: int = 0, size: int = 0) -> Iterator[Ranks]:
    """Join the other ranks while the block runs: those that torchrun started, or none.

    They talk by gloo, and about what is on GPUs, of which each takes its own, by NCCL.

    Args:
        init_method: how they find each other, in PyTorch's words.
        rank: with ``size``, in the place of what torchrun says in the environment.
        size: 0: as torchrun says.

    Raises:
        LostContact: the others do not come.
    """
    if not size:
        rank, size = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
    if size == 1:
        yield ALONE
        return
    backend, gpus = "gloo", torch.cuda.device_count()
    if gpus:
        backend = "cpu:gloo,cuda:nccl"
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", rank)) % gpus)
    how: dict[str, Any] = {"timeout": timedelta(seconds=PATIENCE), "rank": rank, "world_size": size}
    _in_contact(lambda: dist.init_process_group(backend, init_method, **how))
    try:
        yield Ranks(rank, size)
    finally:
        dist.destroy_process_group()
        PARTED.append(rank)


def refuse_unfit(settings: Settings, ranks: Ranks) -> None:
    """Refuse settings with which these ranks cannot train together.

    Raises:
        UserError: the sentence says what is right.
    """
    if settings.batch_size % ranks.size:
        raise UserError(
            f"batch_size is {settings.batch_size}, which {ranks.size} processes cannot share; "
            f"choose a multiple of {ranks.size}, or another number of processes."
        )
    if settings.device == "mps":
        raise UserError("device is 'mps', which several processes cannot share; choose 'cpu'.")
    local, gpus = int(os.environ.get("LOCAL_WORLD_SIZE", ranks.size)), torch.cuda.device_count()
    if settings.device == "cuda" and local > gpus:
        raise UserError(
            f"{local} processes on this machine need a GPU each, and there are {gpus}; start as "
            "many processes as there are GPUs, or choose the device 'cpu'."
        )


def _all_reduce(tensor: Tensor) -> Tensor:
    """Sum over ranks, in place."""
    _in_contact(lambda: dist.all_reduce(tensor))
    return tensor


def _in_contact(talk: Callable[[], T]) -> T:
    try:
        return talk()
    except RuntimeError as error:  # what gloo and NCCL say of a peer that is gone
        raise LostContact(
            "Contact with another process of this run was lost: it has ended, or did not answer "
            f"for {PATIENCE:g} seconds."
        ) from error


# BatchNorm


def share_statistics(network: nn.Module, ranks: Ranks) -> None:
    """Let every BatchNorm of a network normalise by the whole batch, not by this rank's share.

    PyTorch's own `SyncBatchNorm` does so on GPUs only.
    """
    for module in network.modules():
        for name, layer in module.named_children():
            if isinstance(layer, nn.BatchNorm2d):
                setattr(module, name, _SharedBatchNorm(layer, ranks))


class _SharedBatchNorm(nn.BatchNorm2d):
    """A BatchNorm layer with the weights and statistics of another one, which it replaces."""

    def __init__(self, layer: nn.BatchNorm2d, ranks: Ranks) -> None:
        super().__init__(layer.num_features, layer.eps, layer.momentum)
        self._ranks = ranks
        self.weight, self.bias = layer.weight, layer.bias
        for name, statistic in layer.named_buffers():
            setattr(self, name, statistic)

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return super().forward(x)
        mean, variance = self._moments(x.float() if x.dtype == torch.bfloat16 else x)
        n = self._ranks.size * x.numel() / x.shape[1]
        with torch.no_grad():
            _follow(self.running_mean, mean, self.momentum)
            _follow(self.running_var, variance * n / (n - 1), self.momentum)
            assert self.num_batches_tracked is not None
            self.num_batches_tracked += 1
        scale = self.weight * (variance + self.eps).rsqrt()
        shift = self.bias - mean * scale
        return (x * scale.view(-1, 1, 1) + shift.view(-1, 1, 1)).to(x.dtype)

    def _moments(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and variance (channels,) over all ranks, out of the ranks' own, each in its row."""
        variance, mean = torch.var_mean(x, dim=(0, 2, 3), unbiased=False)
        rows = F.pad(
            torch.stack([mean, variance])[None],
            (0, 0, 0, 0, self._ranks.rank, self._ranks.size - 1 - self._ranks.rank),
        )
        means, variances = _Sum.apply(rows).unbind(dim=1)
        return means.mean(dim=0), variances.mean(dim=0) + means.var(dim=0, unbiased=False)


def _follow(running: Tensor | None, now: Tensor, momentum: float | None) -> None:
    if running is not None and momentum is not None:
        running.lerp_(now, momentum)


class _Sum(torch.autograd.Function):
    """Sum of a tensor over ranks; what each rank's loss writes on it is summed, too."""

    @staticmethod
    def forward(_: Any, tensor: Tensor) -> Tensor:
        return _all_reduce(tensor.clone(memory_format=torch.contiguous_format))

    @staticmethod
    def backward(_: Any, slope: Tensor) -> Tensor:
        return _all_reduce(slope.clone(memory_format=torch.contiguous_format))
