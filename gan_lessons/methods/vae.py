"""A variational autoencoder: digits are squeezed through a few numbers, and drawn again.

Kingma and Welling 2014. The encoder gives a normal distribution of codes z for each picture, the
decoder a distribution of pictures for each code: every pixel is white with some chance, else black.
A digit's grey is read as the share of white: learning from greys is, on average, learning from
pictures in which each pixel was drawn so (binarised, Salakhutdinov and Murray 2008). Of such a
picture the model knows the probability, by a bound, which is its loss.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gan_lessons.methods.gan import RATE, image_size
from gan_lessons.networks import ConvDiscriminator, ConvGenerator
from gan_lessons.training import Chart, Method, Settings, Trainer, Values, choice, number


@dataclass(frozen=True, kw_only=True)
class AutoencoderSettings(Settings):
    """What every encoder with a decoder has."""

    latent_dim: int = number(64, 1, 1024, label="numbers of the code", fixed=True)
    decoder_width: int = number(48, 1, 1024, label="width of the decoder", fixed=True)
    encoder_width: int = number(24, 1, 1024, label="width of the encoder", fixed=True)
    lr_autoencoder: float = number(
        2e-3, 0, 0.1, label="rate", help="How far the weights move at a step.", **RATE
    )
    beta: float = number(
        1.0, 0, 1000, label="β, weight of the codes' divergence", group="Loss", slider=(0, 10),
        help="At 0 nothing holds the codes together: an autoencoder.", step=0.1,
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class VAESettings(AutoencoderSettings):
    """The settings of `VAE`."""

    pixels: str = choice(
        "sampled", ("sampled", "means"), label="pixels that are drawn",
        help="Drawn from their distributions, or these distributions' means.",
    )  # fmt: skip


class Autoencoder(nn.Module):
    """Encoder: pictures → means and log spreads of codes (N, 2 · latent_dim); decoder: back.

    The decoder is the DCGAN's generator; with ``logits`` without the tanh at its end.
    """

    def __init__(
        self, settings: AutoencoderSettings, logits: bool, channels: int, size: int
    ) -> None:
        super().__init__()
        shape = {"channels": channels, "size": size}
        self.encoder = ConvDiscriminator(settings.encoder_width, 2 * settings.latent_dim, **shape)
        decoder = ConvGenerator(settings.latent_dim, settings.decoder_width, **shape)
        self.decoder = nn.Sequential(*list(decoder)[:-1]) if logits else decoder


S = TypeVar("S", bound=AutoencoderSettings)


class Encoding(Method[S]):
    """What has an encoder, a decoder and codes that shall be like N(0, 1)."""

    averaged = ("autoencoder",)

    def encode(self, samples: Tensor, ema: bool = False) -> tuple[Tensor, Tensor]:
        """Means and log standard deviations of the codes of samples: (N, latent_dim) each."""
        network: Any = self.network("autoencoder", ema)
        mean, spread = network.encoder(samples).chunk(2, dim=1)
        return mean, spread.clamp(-7, 2)

    def decode(self, z: Tensor, ema: bool = False) -> Tensor:
        """What the decoder makes of codes (N, latent_dim)."""
        network: Any = self.network("autoencoder", ema)
        made: Tensor = network.decoder(z)
        return made


class VAE(Encoding[VAESettings]):
    """Loss: −log p(x | z) for a z from the encoder's q(z | x), + β · KL(q(z | x) ‖ N(0, 1)).

    At β = 1 it is the negative evidence lower bound (ELBO) of log p(x), in nats a picture.
    """

    name = "vae"
    settings_class = VAESettings
    recipes: ClassVar[Mapping[str, Settings]] = {"vae": VAESettings()}
    charts = (
        Chart("nats a picture", {"loss_autoencoder": "loss", "misfit": "−log p(x | z)"}),
        Chart("divergence of the codes", {"divergence": "nats"}),
    )

    @classmethod
    def build(cls, settings: Any, shape: tuple[int, ...]) -> dict[str, nn.Module]:
        return {"autoencoder": Autoencoder(settings, **image_size(shape), logits=True)}

    def step(self, run: Trainer) -> Values:
        samples = run.next_batch()["samples"]
        mean, spread = self.encode(samples)
        z = mean + spread.exp() * run.normal(*mean.shape)
        misfit = -log_likelihood(samples, self.decode(z)).mean()
        divergence = divergence_from_normal(mean, spread).mean()
        loss = misfit + self.settings.beta * divergence
        run.update("autoencoder", loss)
        return {
            "loss_autoencoder": loss.item(),
            "misfit": misfit.item(),
            "divergence": divergence.item(),
        }

    def inputs(self, n: int, rng: torch.Generator) -> Tensor:
        """Codes from N(0, 1), and a number from 0 to 1 for each pixel that will be drawn."""
        z = torch.randn(n, self.settings.latent_dim, generator=rng)
        return torch.cat([z, torch.rand(n, torch.Size(self.shape).numel(), generator=rng)], dim=1)

    def draw(self, inputs: Tensor, ema: bool = True) -> Tensor:
        z, chance = inputs.tensor_split([self.settings.latent_dim], dim=1)
        white = self.decode(z, ema).sigmoid()
        if self.settings.pixels == "sampled":
            white = (chance.view_as(white) < white).to(white)
        return 2 * white - 1

    @torch.no_grad()
    def log_weights(self, samples: Tensor, k: int, rng: torch.Generator) -> Tensor:
        """log p(x, z) − log q(z | x) for k codes z from q(z | x): (k, N), in nats.

        A probability for samples of −1 and 1 (see `binarised`).

        Their mean is the ELBO, the logarithm of the mean of their exponentials a bound that is
        nearer to log p(x) (importance-weighted, Burda et al. 2016, equation 8).
        """
        mean, spread = self.encode(samples, ema=True)
        found = []
        for _ in range(k):
            noise = torch.randn(mean.shape, generator=rng)
            z = mean + spread.exp() * noise
            fits = log_likelihood(samples, self.decode(z, ema=True))
            # Both normal densities have the same constant, which cancels.
            ratio = (noise.square() / 2 + spread - z.square() / 2).sum(dim=1)
            found.append(fits + ratio)
        return torch.stack(found)


def log_likelihood(samples: Tensor, logits: Tensor) -> Tensor:
    """log p(x | z) in nats, (N,), of samples in [−1, 1] for the logits of white, (N, C, H, W).

    For greys the mean of it over all ways to binarise them.
    """
    entropy = F.binary_cross_entropy_with_logits(logits, (samples + 1) / 2, reduction="none")
    return -entropy.flatten(1).sum(dim=1)


def binarised(samples: Tensor, rng: torch.Generator) -> Tensor:
    """Samples of −1 and 1: each pixel white with the chance that its grey says."""
    chance = torch.rand(samples.shape, generator=rng).to(samples.device)
    return 2 * (chance < (samples + 1) / 2).to(samples) - 1


def divergence_from_normal(mean: Tensor, spread: Tensor) -> Tensor:
    """KL(N(mean, e^spread) ‖ N(0, 1)) in nats, (N,); arguments are (N, latent_dim)."""
    return (mean.square() + (2 * spread).exp() - 1 - 2 * spread).sum(dim=1) / 2
