"""Generators and discriminators, dense and convolutional.

Every generator turns noise z (N, latent_dim) into images (N, 1, 28, 28) in [−1, 1]; every
discriminator turns images into logits (N,): above 0 it says "real", below 0 "fake". There is no
sigmoid inside a discriminator: `gan_lessons.losses` takes logits.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

IMAGE_SHAPE = (1, 28, 28)


class DenseGenerator(nn.Sequential):
    """Noise (N, latent_dim) → two hidden layers → images (N, 1, 28, 28)."""

    def __init__(self, latent_dim: int = 64, width: int = 256) -> None:
        super().__init__(
            nn.Linear(latent_dim, width),
            nn.LeakyReLU(0.2),
            nn.Linear(width, 2 * width),
            nn.LeakyReLU(0.2),
            nn.Linear(2 * width, 28 * 28),
            nn.Tanh(),
            nn.Unflatten(1, IMAGE_SHAPE),
        )


class DenseDiscriminator(nn.Sequential):
    """Images (N, 1, 28, 28) → two hidden layers → logits (N,)."""

    def __init__(self, width: int = 256) -> None:
        super().__init__(
            nn.Flatten(),
            nn.Linear(28 * 28, 2 * width),
            nn.LeakyReLU(0.2),
            nn.Linear(2 * width, width),
            nn.LeakyReLU(0.2),
            nn.Linear(width, 1),
            nn.Flatten(0),
        )


class ConvGenerator(nn.Sequential):
    """Noise (N, latent_dim) → 7×7 → 14×14 → images (N, 1, 28, 28).

    A DCGAN generator (Radford et al. 2016, fig. 1 and the guidelines of section 3) made for
    28×28: transposed convolutions, BatchNorm and ReLU inside, tanh at the end. The convolution
    at 7×7 is ours: a layer at low resolution costs little and improves the digits a lot.
    """

    def __init__(self, latent_dim: int = 64, width: int = 48) -> None:
        half = max(width // 2, 1)
        super().__init__(
            nn.Linear(latent_dim, width * 7 * 7, bias=False),
            nn.Unflatten(1, (width, 7, 7)),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.ConvTranspose2d(width, half, 4, stride=2, padding=1, bias=False),  # 14 × 14
            nn.BatchNorm2d(half),
            nn.ReLU(),
            nn.ConvTranspose2d(half, 1, 4, stride=2, padding=1),  # 28 × 28
            nn.Tanh(),
        )


class ConvDiscriminator(nn.Sequential):
    """Images (N, 1, 28, 28) → 14×14 → 7×7 → 4×4 → logits (N,).

    Strided convolutions and LeakyReLU as in Radford et al. 2016, but no BatchNorm: it would let
    the images of a batch see one another, and the R1 penalty is about one image at a time.

    With ``classes`` it answers once for each: logits (N, classes) of "a real digit of that class".
    """

    def __init__(self, width: int = 24, classes: int = 0) -> None:
        super().__init__(
            nn.Conv2d(1, width, 4, stride=2, padding=1),  # 14 × 14
            nn.LeakyReLU(0.2),
            nn.Conv2d(width, 2 * width, 4, stride=2, padding=1),  # 7 × 7
            nn.LeakyReLU(0.2),
            nn.Conv2d(2 * width, 4 * width, 3, stride=2, padding=1),  # 4 × 4
            nn.LeakyReLU(0.2),
            nn.Flatten(),
            nn.Linear(4 * width * 4 * 4, classes or 1),
            nn.Identity() if classes else nn.Flatten(0),
        )


class FineGenerator(nn.Sequential):
    """Noise (N, latent_dim) → 7×7 → 14×14 → 28×28 → images (N, 1, 28, 28).

    `ConvGenerator` draws 28×28 pixels with its last transposed convolution; here that one makes
    features, and a convolution at full resolution draws from them.
    """

    def __init__(self, latent_dim: int = 64, width: int = 64) -> None:
        half, quarter = max(width // 2, 1), max(width // 4, 1)
        super().__init__(
            *list(ConvGenerator(latent_dim, width))[:-2],
            nn.ConvTranspose2d(half, quarter, 4, stride=2, padding=1, bias=False),  # 28 × 28
            nn.BatchNorm2d(quarter),
            nn.ReLU(),
            nn.Conv2d(quarter, 1, 3, padding=1),
            nn.Tanh(),
        )


class FineDiscriminator(nn.Sequential):
    """Images (N, 1, 28, 28) → 28×28 → 14×14 → 7×7 → 4×4 → logits (N,) or (N, classes).

    `ConvDiscriminator` after a convolution at full resolution.
    """

    def __init__(self, width: int = 32, classes: int = 0) -> None:
        half = max(width // 2, 1)
        super().__init__(
            nn.Conv2d(1, half, 3, padding=1),  # 28 × 28
            nn.LeakyReLU(0.2),
            nn.Conv2d(half, width, 4, stride=2, padding=1),  # 14 × 14
            *list(ConvDiscriminator(width, classes))[1:],
        )


def with_class(z: Tensor, labels: Tensor, classes: int) -> Tensor:
    """What a conditional generator takes: z (N, latent_dim), and each label as one-hot numbers.

    Returns:
        (N, latent_dim + classes).
    """
    return torch.cat([z, F.one_hot(labels, classes).to(z)], dim=1)


class OneClass(nn.Module):
    """A conditional generator that is asked for one class only: z (N, latent_dim) → images."""

    def __init__(self, generator: nn.Module, label: int, classes: int) -> None:
        super().__init__()
        self.generator, self.label, self.classes = generator, label, classes

    def forward(self, z: Tensor) -> Tensor:
        labels = torch.full((len(z),), self.label, device=z.device)
        images: Tensor = self.generator(with_class(z, labels, self.classes))
        return images


def count_parameters(model: nn.Module) -> int:
    """How many numbers training can change."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


@torch.no_grad()
def summary(model: nn.Sequential, example: Tensor) -> str:
    """A table of layers, output shapes and parameter counts.

    Args:
        model: a network whose layers are called one after the other.
        example: an input with any batch size; the table writes N for it.
    """

    def shape(x: Tensor) -> str:
        return f"({', '.join(['N', *map(str, x.shape[1:])])})"

    rows: list[tuple[str, str, Any]] = [("layer", "output shape", "parameters")]
    rows.append(("input", shape(example), ""))
    was_training = model.training
    model.eval()  # so that looking leaves BatchNorm's statistics alone
    for layer in model:
        example = layer(example)
        rows.append((str(layer).split("(")[0], shape(example), count_parameters(layer)))
    model.train(was_training)
    rows.append(("total", "", count_parameters(model)))
    return "\n".join(
        f"{name:<18}{output:<18}{count:>11{',' if isinstance(count, int) else ''}}".rstrip()
        for name, output, count in rows
    )
