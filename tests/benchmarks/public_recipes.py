"""DCGANs for MNIST as widely read tutorials describe them, rebuilt from those descriptions.

Each is both players' networks, the size of its images, and the settings of its training:
alternating steps of the non-saturating loss by Adam, no average, no penalty, no decay.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from torch import nn

from gan_lessons.methods import GANSettings

Networks = dict[str, nn.Module]
USUAL = GANSettings(
    penalty="none", ema_decay=0, lr_decay="none", beta1=0.5, beta2=0.999, latent_dim=100
)


@dataclass(frozen=True)
class Recipe:
    """What a tutorial says."""

    networks: Callable[[], Networks]
    side: int  # of the images, in pixels
    lr: float
    batch_size: int


def small_weights(network: nn.Module) -> nn.Module:
    """N(0, 0.02) for convolutions, N(1, 0.02) for BatchNorm's scale."""
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(layer.weight, 0, 0.02)
        elif isinstance(layer, nn.BatchNorm2d):
            nn.init.normal_(layer.weight, 1, 0.02)
    return network


def tutorial_64() -> Networks:
    """64 × 64 pixels, 4 × 4 kernels, 64 to 512 channels, BatchNorm in both players."""
    g: list[nn.Module] = [nn.Unflatten(1, (100, 1, 1))]
    widths = [100, 512, 256, 128, 64]
    for i, (inputs, outputs) in enumerate(pairwise(widths)):
        stride, padding = (1, 0) if i == 0 else (2, 1)
        g += [nn.ConvTranspose2d(inputs, outputs, 4, stride, padding, bias=False)]
        g += [nn.BatchNorm2d(outputs), nn.ReLU()]
    g += [nn.ConvTranspose2d(64, 1, 4, 2, 1, bias=False), nn.Tanh()]
    d: list[nn.Module] = [nn.Conv2d(1, 64, 4, 2, 1, bias=False), nn.LeakyReLU(0.2)]
    for width in (64, 128, 256):
        d += [nn.Conv2d(width, 2 * width, 4, 2, 1, bias=False), nn.BatchNorm2d(2 * width)]
        d += [nn.LeakyReLU(0.2)]
    d += [nn.Conv2d(512, 1, 4, bias=False), nn.Flatten(0)]
    return {
        "generator": small_weights(nn.Sequential(*g)),
        "discriminator": small_weights(nn.Sequential(*d)),
    }


def keras_5x5() -> Networks:
    """28 × 28 pixels, 5 × 5 kernels, 256 to 64 channels, dropout in D."""

    def grow(inputs: int, outputs: int, stride: int) -> nn.Module:
        extra = stride - 1
        return nn.ConvTranspose2d(inputs, outputs, 5, stride, 2, extra, bias=False)

    generator = nn.Sequential(
        nn.Linear(100, 256 * 49, bias=False),
        nn.BatchNorm1d(256 * 49),
        nn.LeakyReLU(0.3),
        nn.Unflatten(1, (256, 7, 7)),
        *(grow(256, 128, 1), nn.BatchNorm2d(128), nn.LeakyReLU(0.3)),
        *(grow(128, 64, 2), nn.BatchNorm2d(64), nn.LeakyReLU(0.3)),
        *(grow(64, 1, 2), nn.Tanh()),
    )
    discriminator = nn.Sequential(
        *(nn.Conv2d(1, 64, 5, 2, 2), nn.LeakyReLU(0.3), nn.Dropout(0.3)),
        *(nn.Conv2d(64, 128, 5, 2, 2), nn.LeakyReLU(0.3), nn.Dropout(0.3)),
        *(nn.Flatten(), nn.Linear(128 * 49, 1), nn.Flatten(0)),
    )
    return {"generator": generator, "discriminator": discriminator}


def upsampling_32() -> Networks:
    """32 × 32 pixels, nearest-neighbour upsampling, dropout in D, BatchNorm's ε at 0.8."""
    generator = nn.Sequential(
        *(nn.Linear(100, 128 * 64), nn.Unflatten(1, (128, 8, 8)), nn.BatchNorm2d(128)),
        *(nn.Upsample(scale_factor=2), nn.Conv2d(128, 128, 3, 1, 1), nn.BatchNorm2d(128, 0.8)),
        *(nn.LeakyReLU(0.2), nn.Upsample(scale_factor=2), nn.Conv2d(128, 64, 3, 1, 1)),
        *(nn.BatchNorm2d(64, 0.8), nn.LeakyReLU(0.2), nn.Conv2d(64, 1, 3, 1, 1), nn.Tanh()),
    )
    d: list[nn.Module] = []
    for i, (inputs, outputs) in enumerate(((1, 16), (16, 32), (32, 64), (64, 128))):
        d += [nn.Conv2d(inputs, outputs, 3, 2, 1), nn.LeakyReLU(0.2), nn.Dropout2d(0.25)]
        d += [nn.BatchNorm2d(outputs, 0.8)] if i else []
    d += [nn.Flatten(), nn.Linear(128 * 4, 1), nn.Flatten(0)]
    return {
        "generator": small_weights(generator),
        "discriminator": small_weights(nn.Sequential(*d)),
    }


def dense_128() -> Networks:
    """28 × 28 pixels, one hidden layer of 128 units in each player."""
    generator = nn.Sequential(
        *(nn.Linear(100, 128), nn.LeakyReLU(0.01)),
        *(nn.Linear(128, 784), nn.Tanh(), nn.Unflatten(1, (1, 28, 28))),
    )
    discriminator = nn.Sequential(
        *(nn.Flatten(), nn.Linear(784, 128), nn.LeakyReLU(0.01)),
        *(nn.Linear(128, 1), nn.Flatten(0)),
    )
    return {"generator": generator, "discriminator": discriminator}


RECIPES = {
    "64 × 64 tutorial DCGAN": Recipe(tutorial_64, 64, 2e-4, 128),
    "5 × 5 Keras-style DCGAN": Recipe(keras_5x5, 28, 1e-4, 256),
    "32 × 32 upsampling DCGAN": Recipe(upsampling_32, 32, 2e-4, 64),
    "dense, 128 units": Recipe(dense_128, 28, 2e-4, 64),
}
