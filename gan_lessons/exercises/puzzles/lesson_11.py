"""The stranger and the four suspects of lesson 11. (No peeking before they are unmasked.)"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gan_lessons.exercises.puzzles import hidden_order
from gan_lessons.training import sample


def stranger(training: Tensor, n: int, seed: int = 0) -> Tensor:
    """n "fakes" of the lesson's stranger.

    Args:
        training: images (N, 1, 28, 28) in [−1, 1], N ≥ n.
        n: how many.
        seed: of its random numbers.
    """
    rng = torch.Generator().manual_seed(seed)
    stolen = training[torch.randperm(len(training), generator=rng)[:n]]
    shifts = torch.randint(-1, 2, (n, 2), generator=rng).tolist()
    moved = [image.roll(shift, (1, 2)) for image, shift in zip(stolen, shifts, strict=True)]
    noise = 0.03 * torch.randn(stolen.shape, generator=rng)
    return (torch.stack(moved) + noise).clamp(-1, 1)


def suspects(training: Tensor, generator: nn.Module, z: Tensor) -> dict[str, Tensor]:
    """Sets of 600 images, "A" to "D", one of which is partly memorised; find out which.

    Args:
        training: images (N, 1, 28, 28) in [−1, 1], N ≥ 300.
        generator: one that memorised nothing.
        z: its noise, (2500, latent_dim) or more.
    """
    honest, rng = sample(generator, z[:1800]), torch.Generator().manual_seed(6)
    mixed = torch.cat([stranger(training, 300, seed=5), honest[600:900]])
    sets = {
        "blurred": F.avg_pool2d(honest[1200:] + 1, 3, stride=1, padding=1) - 1,
        "half stolen": mixed[torch.randperm(600, generator=rng)],
        "honest": honest[:600],
        "narrow": sample(generator, 0.75 * z[-600:]),
    }
    return dict(zip("ABCD", (sets[name] for name in hidden_order(sets, 9)), strict=True))
