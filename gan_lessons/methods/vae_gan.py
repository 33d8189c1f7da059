"""VAE-GAN: an autoencoder whose pictures are compared, and judged, by a discriminator.

Larsen et al. 2016. "Alike" is what has alike features in D, not what has alike pixels; and D asks
for real-looking pictures of codes from N(0, 1). Simpler than theirs, D judges only these.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gan_lessons import losses
from gan_lessons.methods.gan import CHARTS, RATE, image_size
from gan_lessons.methods.vae import (
    Autoencoder,
    AutoencoderSettings,
    Encoding,
    divergence_from_normal,
)
from gan_lessons.networks import ConvDiscriminator
from gan_lessons.training import Chart, Player, Settings, Trainer, Values, number

PENALTY_EVERY = 4  # steps from one R1 penalty to the next


@dataclass(frozen=True, kw_only=True)
class VAEGANSettings(AutoencoderSettings):
    """The settings of `VAEGAN`."""

    discriminator_width: int = number(24, 1, 1024, label="width of D", fixed=True)
    lr_discriminator: float = number(
        2e-3, 0, 0.1, label="rate of D, η_D", help="How far D's weights move at a step.", **RATE
    )
    beta: float = 0.1
    likeness_weight: float = number(
        1.0, 0, 1000, label="weight of the likeness", group="Loss", slider=(0, 10), step=0.1,
        help="Of the squared difference in D's features.",
    )  # fmt: skip
    penalty_weight: float = number(
        1.0, 0, 1000, label="strength of R1", group="Loss", slider=(1e-3, 100), step=0.1, log=True
    )


class VAEGAN(Encoding[VAEGANSettings]):
    """Loss of the autoencoder: γ · likeness + β · KL + the non-saturating loss of a generator."""

    name = "vae_gan"
    settings_class = VAEGANSettings
    recipes: ClassVar[Mapping[str, Settings]] = {"vae_gan": VAEGANSettings()}
    charts = (
        CHARTS[0],
        Chart("in D's features", {"unlikeness": "squared difference"}),
        Chart("divergence of the codes", {"divergence": "nats"}),
    )

    @classmethod
    def build(cls, settings: Any, shape: tuple[int, ...]) -> dict[str, nn.Module]:
        size = image_size(shape)
        return {
            "autoencoder": Autoencoder(settings, logits=False, **size),
            "discriminator": ConvDiscriminator(settings.discriminator_width, **size),
        }

    def player(self, name: str, network: nn.Module) -> Player:
        optimizer = torch.optim.Adam(network.parameters(), self.rate(name), (0.0, 0.99))
        return Player(network, optimizer, self.average_of(name, network))

    def step(self, run: Trainer) -> Values:
        samples = run.next_batch()["samples"]
        mean, spread = self.encode(samples)
        codes = mean + spread.exp() * run.normal(*mean.shape)
        # Each in a batch of its own: BatchNorm would carry D's wishes to the encoder.
        copies, fakes = self.decode(codes), self.decode(run.normal(*mean.shape))
        values = self.discriminator_step(run, samples, fakes.detach())
        layers = list(self.network("discriminator").children())
        features, last = nn.Sequential(*layers[:-2]), nn.Sequential(*layers[-2:])
        with torch.no_grad():
            wanted = features(samples)
        unlikeness = (features(copies) - wanted).square().sum(dim=1).mean() / 2
        divergence = divergence_from_normal(mean, spread).mean()
        fooled = F.softplus(-last(features(fakes))).mean()
        s = self.settings
        run.update("autoencoder", s.likeness_weight * unlikeness + s.beta * divergence + fooled)
        return values | {"unlikeness": unlikeness.item(), "divergence": divergence.item()}

    def discriminator_step(self, run: Trainer, real: Tensor, fake: Tensor) -> dict[str, float]:
        """Update D once; return its mean answers from before the update."""
        discriminator = self.network("discriminator")
        real_logits, fake_logits = discriminator(torch.cat([real, fake])).chunk(2)
        loss = F.softplus(-real_logits).mean() + F.softplus(fake_logits).mean()
        if self.settings.penalty_weight and run.step % PENALTY_EVERY == 0:
            steepness = losses.r1(discriminator, real)
            loss = loss + PENALTY_EVERY * self.settings.penalty_weight * steepness
        run.update("discriminator", loss)
        d_real, d_fake = (logits.sigmoid().mean().item() for logits in (real_logits, fake_logits))
        return {"d_real": d_real, "d_fake": d_fake}

    def inputs(self, n: int, rng: torch.Generator) -> Tensor:
        """Codes (n, latent_dim) from N(0, 1)."""
        return torch.randn(n, self.settings.latent_dim, generator=rng)

    def draw(self, inputs: Tensor, ema: bool = True) -> Tensor:
        return self.decode(inputs, ema)
