"""The stranger and the four suspects of lesson 11. (No peeking before they are unmasked.)"""

import torch
import torch.nn.functional as F
from torch import Tensor

from gan_lessons.exercises.puzzles import hidden_order


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


def suspects(training: Tensor, honest: Tensor, narrow: Tensor) -> dict[str, Tensor]:
    """Sets of images "A" to "D", one of which is partly memorised; which is for you to find out.

    Args:
        training: images (N, 1, 28, 28) in [−1, 1].
        honest: three times as many images, or more, as each set shall have, of a generator that
            memorised nothing.
        narrow: as many as each set shall have, of one with less variety.
    """
    n = len(narrow)
    others = honest[n : 2 * n - n // 2]
    mixed = torch.cat([stranger(training, n // 2, seed=5), others])
    rng = torch.Generator().manual_seed(6)
    sets = {
        "blurred": F.avg_pool2d(honest[2 * n : 3 * n] + 1, 3, stride=1, padding=1) - 1,
        "half stolen": mixed[torch.randperm(n, generator=rng)],
        "honest": honest[:n],
        "narrow": narrow,
    }
    return dict(zip("ABCD", (sets[name] for name in hidden_order(sets, 9)), strict=True))
