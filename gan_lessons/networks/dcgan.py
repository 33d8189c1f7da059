"""Convolutional networks after the DCGAN (Radford et al. 2016), plain and at full resolution.

Comments at the layers give the side of what they put out, for digits of 28 × 28 pixels.
"""

from torch import nn

from gan_lessons.networks.layers import Stack, check_image

SIZES = range(8, 257, 4)  # two doublings lead from a quarter of the size to it


class ConvGenerator(Stack):
    """Noise (N, latent_dim) → size/4 → size/2 → images (N, channels, size, size).

    A DCGAN generator (Radford et al. 2016, fig. 1 and the guidelines of section 3) for small
    images: transposed convolutions, BatchNorm and ReLU inside, tanh at the end. The convolution
    at the lowest resolution is ours: it costs little and improves the digits a lot.

    Raises:
        UserError: no channels, a size that is not one of `SIZES`, or no whole number where one is.
    """

    def __init__(
        self, latent_dim: int = 64, width: int = 48, *, channels: int = 1, size: int = 28
    ) -> None:
        check_image(channels, size, SIZES, latent_dim=latent_dim, width=width)
        half, quarter_size = max(width // 2, 1), size // 4
        super().__init__(
            nn.Linear(latent_dim, width * quarter_size * quarter_size, bias=False),
            nn.Unflatten(1, (width, quarter_size, quarter_size)),  # 7
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.ConvTranspose2d(width, half, 4, stride=2, padding=1, bias=False),  # 14
            nn.BatchNorm2d(half),
            nn.ReLU(),
            nn.ConvTranspose2d(half, channels, 4, stride=2, padding=1),  # 28
            nn.Tanh(),
        )


class ConvDiscriminator(Stack):
    """Images (N, channels, size, size) → size/2 → size/4 → size/8, rounded up → logits (N,).

    Strided convolutions and LeakyReLU as in Radford et al. 2016, but no BatchNorm: it would let
    the images of a batch see one another, and the R1 penalty is about one image at a time.

    With ``classes`` it answers once for each: logits (N, classes) of "a real digit of that class".

    Raises:
        UserError: no channels, a size that is not one of `SIZES`, or no whole number where one is.
    """

    def __init__(
        self, width: int = 24, classes: int = 0, *, channels: int = 1, size: int = 28
    ) -> None:
        check_image(channels, size, SIZES, width=width)
        last_size = (size // 4 + 1) // 2
        super().__init__(
            nn.Conv2d(channels, width, 4, stride=2, padding=1),  # 14
            nn.LeakyReLU(0.2),
            nn.Conv2d(width, 2 * width, 4, stride=2, padding=1),  # 7
            nn.LeakyReLU(0.2),
            nn.Conv2d(2 * width, 4 * width, 3, stride=2, padding=1),  # 4
            nn.LeakyReLU(0.2),
            nn.Flatten(),
            nn.Linear(4 * width * last_size * last_size, classes or 1),
            nn.Identity() if classes else nn.Flatten(0),
        )


class PatchDiscriminator(Stack):
    """Images (N, channels, size, size) → logits (N, (size/4)²), one for each place.

    Each answer sees 18 × 18 pixels, most of them a piece of a digit, so that strokes and texture
    count for more than which digit it is (a small PatchGAN, Isola et al. 2017).

    Raises:
        UserError: as for `ConvDiscriminator`.
    """

    def __init__(self, width: int = 24, *, channels: int = 1, size: int = 28) -> None:
        check_image(channels, size, SIZES, width=width)
        super().__init__(
            nn.Conv2d(channels, width, 4, stride=2, padding=1),  # 14
            nn.LeakyReLU(0.2),
            nn.Conv2d(width, 2 * width, 4, stride=2, padding=1),  # 7
            nn.LeakyReLU(0.2),
            nn.Conv2d(2 * width, 1, 3, padding=1),
            nn.Flatten(),
        )


class FineGenerator(Stack):
    """Noise (N, latent_dim) → size/4 → size/2 → size → images (N, channels, size, size).

    `ConvGenerator` draws all pixels with its last transposed convolution; here that one makes
    features, and a convolution at full resolution draws from them.

    Raises:
        UserError: as for `ConvGenerator`.
    """

    def __init__(
        self, latent_dim: int = 64, width: int = 64, *, channels: int = 1, size: int = 28
    ) -> None:
        half, quarter = max(width // 2, 1), max(width // 4, 1)
        super().__init__(
            *list(ConvGenerator(latent_dim, width, channels=channels, size=size))[:-2],
            nn.ConvTranspose2d(half, quarter, 4, stride=2, padding=1, bias=False),  # 28
            nn.BatchNorm2d(quarter),
            nn.ReLU(),
            nn.Conv2d(quarter, channels, 3, padding=1),
            nn.Tanh(),
        )


class FineDiscriminator(Stack):
    """Images (N, channels, size, size) → size → size/2 → … → logits (N,) or (N, classes).

    `ConvDiscriminator` after a convolution at full resolution.

    Raises:
        UserError: as for `ConvDiscriminator`.
    """

    def __init__(
        self, width: int = 32, classes: int = 0, *, channels: int = 1, size: int = 28
    ) -> None:
        check_image(channels, size, SIZES, width=width)
        half = max(width // 2, 1)
        super().__init__(
            nn.Conv2d(channels, half, 3, padding=1),  # 28
            nn.LeakyReLU(0.2),
            nn.Conv2d(half, width, 4, stride=2, padding=1),  # 14
            *list(ConvDiscriminator(width, classes, channels=channels, size=size))[1:],
        )
