"""Generators and discriminators, dense and convolutional, for images of any size and colour.

Every generator turns noise z (N, latent_dim) into images (N, channels, size, size) in [−1, 1];
every discriminator turns images into logits (N,): above 0 it says "real", below 0 "fake". There
is no sigmoid inside a discriminator: `gan_lessons.losses` takes logits. `UNet` turns pictures into
pictures; `SentenceGenerator` writes letters. Without ``channels`` and
``size`` images are those of the digits, `IMAGE_SHAPE`.
"""

from torch import nn

from gan_lessons.networks.dcgan import (
    ConvDiscriminator,
    ConvGenerator,
    FineDiscriminator,
    FineGenerator,
    PatchDiscriminator,
)
from gan_lessons.networks.dense import DenseDiscriminator, DenseGenerator
from gan_lessons.networks.layers import (
    OneClass,
    Packed,
    append_label_planes,
    append_one_hot,
    count_parameters,
    pack,
    spectrally_normalised,
    summary,
)
from gan_lessons.networks.sequence import (
    SentenceDiscriminator,
    SentenceGenerator,
    gumbel_noise,
    straight_through,
)
from gan_lessons.networks.unet import HalfUNet, LeakyBounds, OpenTanh, ResidualUNet, UNet

__all__ = [
    "IMAGE_SHAPE",
    "NETWORKS",
    "ConvDiscriminator",
    "ConvGenerator",
    "DenseDiscriminator",
    "DenseGenerator",
    "FineDiscriminator",
    "FineGenerator",
    "HalfUNet",
    "LeakyBounds",
    "OneClass",
    "OpenTanh",
    "Packed",
    "PatchDiscriminator",
    "ResidualUNet",
    "SentenceDiscriminator",
    "SentenceGenerator",
    "UNet",
    "append_label_planes",
    "append_one_hot",
    "count_parameters",
    "gumbel_noise",
    "pack",
    "spectrally_normalised",
    "straight_through",
    "summary",
]

IMAGE_SHAPE = (1, 28, 28)
# What settings call a network → its generator and its discriminator.
NETWORKS: dict[str, tuple[type[nn.Module], type[nn.Module]]] = {
    "dense": (DenseGenerator, DenseDiscriminator),
    "conv": (ConvGenerator, ConvDiscriminator),
    "fine": (FineGenerator, FineDiscriminator),
}
