"""What trained networks draw: any number of samples, in batches, without gradients."""

from typing import Any

import torch
from torch import Tensor, nn

from gan_lessons.training.method import Method


def draw(method: Method[Any], inputs: Tensor, ema: bool = True, batch_size: int = 500) -> Tensor:
    """Samples that a method draws from inputs of any number, without gradients, in batches."""
    with torch.no_grad():
        return torch.cat([method.draw(part, ema) for part in inputs.split(batch_size)])


def sample(generator: nn.Module, z: Tensor, batch_size: int = 500) -> Tensor:
    """Images for noise z (N, latent_dim) of any number N, without gradients, batch by batch."""
    with torch.no_grad():
        return torch.cat([generator(part) for part in z.split(batch_size)])
