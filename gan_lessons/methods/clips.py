"""Moving digits: one discriminator for single frames, one for their order."""

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from gan_lessons import losses
from gan_lessons.data.flights import FRAMES
from gan_lessons.errors import UserError
from gan_lessons.methods.gan import RATE
from gan_lessons.networks import ConvDiscriminator, ConvGenerator
from gan_lessons.networks.video import MOTION_NOISE, ClipGenerator
from gan_lessons.training import (
    Batch,
    Chart,
    Method,
    Player,
    Settings,
    Trainer,
    Values,
    choice,
    number,
)

DISCRIMINATORS = ("frames", "order")
PENALTY_EVERY = 4  # steps from one R1 penalty to the next
OBJECTIVE = losses.OBJECTIVES["non_saturating"]


@dataclass(frozen=True, kw_only=True)
class ClipSettings(Settings):
    """The settings of `ClipGAN`."""

    discriminators: str = choice(
        "both", ("both", *DISCRIMINATORS), label="which discriminators", fixed=True
    )
    content_dim: int = number(64, 1, 1024, label="numbers of noise of the content", fixed=True)
    content_width: int = number(48, 1, 1024, label="width of the content network", fixed=True)
    generator_width: int = number(64, 1, 1024, label="width of the GRU", fixed=True)
    discriminator_width: int = number(16, 1, 1024, label="width of each D", fixed=True)
    lr_discriminator: float = number(2e-3, 0, 0.1, label="rate of both D, η_D", **RATE)
    lr_generator: float = number(2e-3, 0, 0.1, label="rate of G, η_G", **RATE)
    penalty_weight: float = number(
        1.0, 0, 1000, label="strength of R1", group="Game", slider=(1e-3, 100), step=0.1, log=True
    )
    ema_decay: float = 0.99


class ClipGAN(Method[ClipSettings]):
    """G moves pictures; D "frames" sees one frame of each clip, D "order" all of them.

    Two of them as in MoCoGAN (Tulyakov et al. 2018). G's content network is never trained:
    bring one that is, as `players` does.
    """

    name = "clips"
    settings_class = ClipSettings
    averaged = ("generator",)
    charts: ClassVar[tuple[Chart, ...]] = (
        Chart(
            "probability",
            {f"d_{name}": f"D of {name}, fake" for name in DISCRIMINATORS},
            (0, 1),
            0.5,
        ),
        Chart("loss", {f"loss_{name}": name for name in ("generator", *DISCRIMINATORS)}),
    )

    @classmethod
    def check_data(cls, settings: Any, data: Batch) -> None:
        shape = tuple(data["samples"].shape[1:])
        if len(shape) != 3 or shape[0] != FRAMES or shape[1] != shape[2]:
            raise UserError(
                f"Clips have to be (N, {FRAMES}, side, side), not (N, {', '.join(map(str, shape))})"
                ": `flights.throw` makes them."
            )

    @classmethod
    def build(cls, settings: Any, shape: tuple[int, ...]) -> dict[str, nn.Module]:
        content = ConvGenerator(settings.content_dim, settings.content_width, size=shape[-1])
        return players(settings, content, shape[-1])

    def rate(self, name: str) -> float:
        return super().rate(name if name == "generator" else "discriminator")

    def player(self, name: str, network: nn.Module) -> Player:
        learns = [p for p in network.parameters() if p.requires_grad]
        optimizer = torch.optim.Adam(learns, self.rate(name), (0.0, 0.99))
        return Player(network, optimizer, self.average_of(name, network))

    def step(self, run: Trainer) -> Values:
        real = run.next_batch()["samples"]
        noise = run.send(self.inputs(len(real), run.rng))
        fake = self.network("generator")(noise)
        which = int(torch.randint(FRAMES, (1,), generator=run.rng))
        values: dict[str, float] = {}
        loss = fake.new_zeros(())
        for name in self.players:
            if name != "generator":
                shown = [
                    clips[:, which, None] if name == "frames" else clips for clips in (real, fake)
                ]
                values |= self.discriminator_step(name, run, shown[0], shown[1].detach())
                loss = loss + OBJECTIVE.generator_loss(self.network(name)(shown[1]))
        run.update("generator", loss)
        return values | {"loss_generator": loss.item()}

    def discriminator_step(
        self, name: str, run: Trainer, real: Tensor, fake: Tensor
    ) -> dict[str, float]:
        """Update one; return its loss and its mean answer to fakes from before the update."""
        network = self.network(name)
        real_logits, fake_logits = network(torch.cat([real, fake])).chunk(2)
        loss = OBJECTIVE.discriminator_loss(real_logits, fake_logits)
        total = loss
        if self.settings.penalty_weight and run.step % PENALTY_EVERY == 0:
            total = loss + PENALTY_EVERY * self.settings.penalty_weight * losses.r1(network, real)
        run.update(name, total)
        return {f"loss_{name}": loss.item(), f"d_{name}": fake_logits.sigmoid().mean().item()}

    def inputs(self, n: int, rng: torch.Generator) -> Tensor:
        """Noise of content and motion (n, content_dim + FRAMES · MOTION_NOISE)."""
        return torch.randn(n, self.settings.content_dim + FRAMES * MOTION_NOISE, generator=rng)


def players(settings: ClipSettings, content: nn.Module, size: int = 28) -> dict[str, nn.Module]:
    """The players' networks around a content network, such as `pretrained.load_generator` gives."""
    built: dict[str, nn.Module] = {
        "generator": ClipGenerator(content, settings.content_dim, settings.generator_width)
    }
    for name, channels in zip(DISCRIMINATORS, (1, FRAMES), strict=True):
        if settings.discriminators in ("both", name):
            built[name] = ConvDiscriminator(
                settings.discriminator_width, channels=channels, size=size
            )
    return built
