"""Networks without convolutions: every pixel is joined to every hidden number."""

from torch import nn

from gan_lessons.networks.layers import Stack, check_image

SIZES = range(1, 1025)


class DenseGenerator(Stack):
    """Noise (N, latent_dim) → two hidden layers → images (N, channels, size, size).

    Raises:
        UserError: no channels, or a size beyond `SIZES`.
    """

    def __init__(
        self, latent_dim: int = 64, width: int = 256, *, channels: int = 1, size: int = 28
    ) -> None:
        check_image(channels, size, SIZES, latent_dim=latent_dim, width=width)
        super().__init__(
            nn.Linear(latent_dim, width),
            nn.LeakyReLU(0.2),
            nn.Linear(width, 2 * width),
            nn.LeakyReLU(0.2),
            nn.Linear(2 * width, channels * size * size),
            nn.Tanh(),
            nn.Unflatten(1, (channels, size, size)),
        )


class DenseDiscriminator(Stack):
    """Images (N, channels, size, size) → two hidden layers → logits (N,).

    Raises:
        UserError: no channels, or a size beyond `SIZES`.
    """

    def __init__(self, width: int = 256, *, channels: int = 1, size: int = 28) -> None:
        check_image(channels, size, SIZES, width=width)
        super().__init__(
            nn.Flatten(),
            nn.Linear(channels * size * size, 2 * width),
            nn.LeakyReLU(0.2),
            nn.Linear(2 * width, width),
            nn.LeakyReLU(0.2),
            nn.Linear(width, 1),
            nn.Flatten(0),
        )
