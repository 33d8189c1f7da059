"""What trained networks draw: any number of samples, in batches, without gradients."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from gan_lessons.errors import UserError
from gan_lessons.tensors import expect_tensor
from gan_lessons.training.method import Method

INPUTS = "Those of a run are made by run.inputs(N)."
LOADED = 'generator, settings = pretrained.load_generator("dcgan") gives both.'
NOISE = "What a shipped one was trained with is made by pretrained.noise(N, settings)."


def draw(method: Method[Any], inputs: Tensor, ema: bool = True, batch_size: int = 500) -> Tensor:
    """Samples that a method draws from inputs of any number, without gradients, in batches.

    Raises:
        UserError: ``inputs`` is no tensor, or none that this method takes.
    """
    expect_tensor(inputs, "inputs", "(N, …), such as run.inputs(N)")
    return _drawn(lambda part: method.draw(part, ema), inputs, "inputs", batch_size, INPUTS)


def sample(generator: nn.Module, z: Tensor, batch_size: int = 500) -> Tensor:
    """Images for noise z (N, latent_dim) of any number N, without gradients, batch by batch.

    Raises:
        UserError: z is no such tensor, or none that this generator takes.
    """
    if not callable(generator):
        raise UserError(
            f"generator has to be a network, not a {type(generator).__name__}. {LOADED}"
        )
    expect_tensor(z, "z", "(N, latent_dim), such as torch.randn(N, latent_dim)")
    if z.dim() < 2:
        raise UserError(f"z has the shape {tuple(z.shape)}; give a row for each picture: z[None].")
    return _drawn(generator, z, "z", batch_size, NOISE)


def _drawn(
    network: Callable[[Tensor], Tensor], inputs: Tensor, name: str, batch_size: int, right: str
) -> Tensor:
    try:
        with torch.no_grad():
            return torch.cat([network(part) for part in inputs.split(batch_size)])
    except RuntimeError as error:
        raise UserError(
            f"{name} of shape {tuple(inputs.shape)} and {inputs.dtype} makes the network stop: "
            f"{error}. {right}"
        ) from error
