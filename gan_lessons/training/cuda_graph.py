"""A computation on a CUDA GPU, recorded once and then replayed as one piece: a CUDA graph.

Small networks keep a GPU busy for microseconds an operation, and Python needs longer to ask for
the next one. A replay asks for all of them at once.
"""

from collections.abc import Callable

import torch
from torch import Tensor

PLAIN_CALLS = 3  # before the recording: libraries choose their kernels and get their memory


class GraphedCall:
    """Calls ``work``; from the fourth call on, replays what it does.

    A replay does the same operations on the same memory. So every call brings inputs of the same
    shapes, and ``work`` reads no value of a tensor (no ``item``) and writes its results in place:
    gradients are zeroed, not dropped. See PyTorch's notes on CUDA graphs.

    Args:
        work: tensors → a tensor, all on the GPU.
    """

    def __init__(self, work: Callable[..., Tensor]) -> None:
        self.work = work
        self.calls = 0
        self.graph: torch.cuda.CUDAGraph | None = None
        self.inputs: tuple[Tensor, ...] = ()
        self.answer = torch.empty(0)

    def __call__(self, *inputs: Tensor) -> Tensor:
        self.calls += 1
        if self.calls <= PLAIN_CALLS:
            return self._plain(inputs)
        if self.graph is None:
            self._record(inputs)
        assert self.graph is not None
        for own, given in zip(self.inputs, inputs, strict=True):
            own.copy_(given)
        self.graph.replay()
        return self.answer.clone()  # the next replay writes to the same place

    def _plain(self, inputs: tuple[Tensor, ...]) -> Tensor:
        """On a stream of its own, as what is recorded will be."""
        here, aside = torch.cuda.current_stream(), torch.cuda.Stream()
        aside.wait_stream(here)
        with torch.cuda.stream(aside):
            answer = self.work(*inputs)
        here.wait_stream(aside)
        answer.record_stream(here)
        return answer

    def _record(self, inputs: tuple[Tensor, ...]) -> None:
        self.inputs = tuple(given.clone() for given in inputs)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):  # runs nothing yet
            self.answer = self.work(*self.inputs)
        self.graph = graph
