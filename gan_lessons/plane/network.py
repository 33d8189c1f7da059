"""The players of a run in the plane, and their optimizer: small, so written for few calls."""

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gan_lessons.training import Player


class Network(nn.Module):
    """Fully connected layers with LeakyReLU(0.2) between them; (N, inputs) → (N, outputs).

    With one output the result has the shape (N,). Written with functions rather than a module
    for each layer: for layers this small the calls cost more than the numbers.
    """

    def __init__(self, inputs: int, outputs: int, layers: int, width: int) -> None:
        super().__init__()
        self._shape = (inputs, outputs, layers, width)
        sizes = [inputs, *[width] * layers, outputs]
        made = [nn.Linear(a, b) for a, b in itertools.pairwise(sizes)]
        self.layers = nn.ModuleList(made)
        self._hidden = [(layer.weight, layer.bias) for layer in made[:-1]]
        self._last = (made[-1].weight, made[-1].bias)

    def forward(self, x: Tensor) -> Tensor:
        for weight, bias in self._hidden:
            x = F.leaky_relu_(F.linear(x, weight, bias), 0.2)
        x = F.linear(x, *self._last)
        return x.squeeze(1) if x.shape[1] == 1 else x

    def __deepcopy__(self, memo: dict[int, Any]) -> "Network":
        # The layers' parameters, kept outside the modules for speed, have to stay the same ones.
        twin = Network(*self._shape)
        twin.load_state_dict(self.state_dict())
        return twin.train(self.training)


class FlatOptimizer:
    """Adam, SGD or RMSprop, as in `torch.optim`, over all parameters as one flat vector.

    Six small tensors cost six times as many calls as one; here that is most of the time. SGD has
    the momentum ``betas[0]``; RMSprop has none, and forgets at the rate of 0.99.
    """

    def __init__(self, parameters: Iterable[nn.Parameter], rule: str) -> None:
        owners = list(parameters)
        self.rule = rule
        self.weights = torch.cat([owner.detach().flatten() for owner in owners])
        parts = self.weights.split([owner.numel() for owner in owners])
        for owner, part in zip(owners, parts, strict=True):
            owner.data = part.view_as(owner)  # from now on each is a piece of the vector
        self.mean, self.square = torch.zeros_like(self.weights), torch.zeros_like(self.weights)
        self.steps = 0
        self.param_groups: list[dict[str, Any]] = [
            {"params": owners, "lr": 1e-3, "betas": (0.0, 0.9)}
        ]

    def step(self, gradients: Sequence[Tensor]) -> None:
        """Move the weights against the gradients, one for each parameter."""
        gradient = torch.cat([part.reshape(-1) for part in gradients])
        rate, (beta1, beta2) = self.param_groups[0]["lr"], self.param_groups[0]["betas"]
        self.steps += 1
        match self.rule:
            case "sgd":
                self.mean.mul_(beta1).add_(gradient)
                self.weights.sub_(self.mean, alpha=rate)
            case "rmsprop":
                self.square.mul_(0.99).addcmul_(gradient, gradient, value=0.01)
                self.weights.addcdiv_(gradient, self.square.sqrt().add_(1e-8), value=-rate)
            case _:  # Kingma and Ba 2015, algorithm 1
                self.mean.lerp_(gradient, 1 - beta1)
                self.square.mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
                spread = self.square.sqrt().div_(math.sqrt(1 - beta2**self.steps)).add_(1e-8)
                rate /= 1 - beta1**self.steps
                self.weights.addcdiv_(self.mean, spread, value=-rate)

    def state_dict(self) -> dict[str, Any]:
        """All but the weights, which are the network's."""
        group = {name: self.param_groups[0][name] for name in ("lr", "betas")}
        return group | {"mean": self.mean, "square": self.square, "steps": self.steps}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state_dict`."""
        self.param_groups[0].update(lr=state["lr"], betas=state["betas"])
        self.mean, self.square = state["mean"].clone(), state["square"].clone()
        self.steps = state["steps"]


class FlatPlayer(Player):
    """A player with a `FlatOptimizer`."""

    def descend(self, loss: Tensor) -> None:
        parameters = self.optimizer.param_groups[0]["params"]
        self.optimizer.step(torch.autograd.grad(loss, parameters))
