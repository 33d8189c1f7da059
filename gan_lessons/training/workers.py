"""Workers: copies of the players' networks, each with its share of every batch.

Each worker computes gradients on one thread. That is faster than several threads inside every
operation, which wait for one another after each of them. Processes that share batches, on one
machine or several, are `gan_lessons.training.ranks`.
"""

import copy
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

import torch
from torch import Tensor, nn

Networks = Mapping[str, nn.Module]


class Workers:
    """Copies of networks, each with a thread of its own.

    BatchNorm sees a worker's share only; its running statistics are averaged.

    Args:
        networks: the first worker's, by name: those that are trained.
        count: how many workers, the first included.
    """

    def __init__(self, networks: Networks, count: int) -> None:
        self.networks: list[Networks] = [networks]
        self.networks += [copy.deepcopy(dict(networks)) for _ in range(count - 1)]
        self._pool = ThreadPoolExecutor(count - 1) if count > 1 else None

    def backward(self, work: Callable[..., Tensor], *tensors: Tensor) -> Tensor:
        """Let each worker do its share; the gradients are then those of the first one's networks.

        Args:
            work: (networks, *shares) → a tensor; adds to the networks' gradients.
            tensors: (N, …), of which each worker gets its part.

        Returns:
            The mean of what ``work`` returns.
        """
        count = len(self.networks)
        shares = list(zip(*(tensor.chunk(count) for tensor in tensors), strict=True))

        def share_of(worker: int) -> Tensor:
            networks = self.networks[worker]
            for network in networks.values():
                network.zero_grad(set_to_none=False)  # in place: the step may be recorded
            return work(networks, *shares[worker])

        if self._pool is None:
            return share_of(0)
        others = [self._pool.submit(share_of, worker) for worker in range(1, count)]
        answers = [share_of(0), *(other.result() for other in others)]
        self.average_gradients()
        return torch.stack(answers).mean(dim=0)

    @torch.no_grad()
    def average_gradients(self) -> None:
        """Average gradients and running statistics into the first worker's networks."""
        for same_network in self._same():
            for same in zip(*(network.parameters() for network in same_network), strict=True):
                for other in same[1:]:
                    same[0].grad.add_(other.grad)
                same[0].grad.div_(len(same))
            for same in zip(*(network.buffers() for network in same_network), strict=True):
                if same[0].is_floating_point():
                    same[0].copy_(torch.stack(same).mean(dim=0))

    @torch.no_grad()
    def broadcast_weights(self) -> None:
        """Give all workers the first one's weights and statistics."""
        for first, *others in self._same():
            tensors = [*first.parameters(), *first.buffers()]
            for other in others:
                for theirs, own in zip(
                    [*other.parameters(), *other.buffers()], tensors, strict=True
                ):
                    theirs.copy_(own)

    def _same(self) -> list[tuple[nn.Module, ...]]:
        """For each network its copies, the first worker's first."""
        return list(zip(*(networks.values() for networks in self.networks), strict=True))
