"""What trained networks draw: any number of samples, in batches, without gradients."""

from typing import Any

import torch
from torch import Tensor, nn

from gan_lessons.errors import UserError
from gan_lessons.tensors import expect_tensor
from gan_lessons.training.method import Method


def draw(method: Method[Any], inputs: Tensor, ema: bool = True, batch_size: int = 500) -> Tensor:
    """Samples that a method draws from inputs of any number, without gradients, in batches."""
    expect_tensor(inputs, "inputs", "(N, …), such as run.inputs(N)")
    with torch.no_grad():
        return torch.cat([method.draw(part, ema) for part in inputs.split(batch_size)])


def sample(generator: nn.Module, z: Tensor, batch_size: int = 500) -> Tensor:
    """Images for noise z (N, latent_dim) of any number N, without gradients, batch by batch.

    Raises:
        UserError: z is no such tensor, or not one that this generator takes.
    """
    expect_tensor(z, "z", "(N, latent_dim), such as torch.randn(N, latent_dim)")
    if z.dim() < 2:
        raise UserError(f"z has the shape {tuple(z.shape)}; give a row for each picture: z[None].")
    try:
        with torch.no_grad():
            return torch.cat([generator(part) for part in z.split(batch_size)])
    except RuntimeError as error:
        raise UserError(
            f"z of shape {tuple(z.shape)} and {z.dtype} makes this generator stop: {error}. "
            "What a shipped one was trained with is made by pretrained.noise(N, settings)."
        ) from error
