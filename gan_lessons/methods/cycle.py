"""Translation without pairs: two generators, there and back, each against a discriminator."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gan_lessons import losses
from gan_lessons.data import pairs
from gan_lessons.methods.gan import RATE, image_size
from gan_lessons.networks import ConvDiscriminator, PatchDiscriminator, ResidualUNet
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

PENALTY_EVERY = 4  # steps from one R1 penalty to the next
PAIRS = ("stripes", "printed")
DISCRIMINATORS = {"patches": PatchDiscriminator, "whole": ConvDiscriminator}


@dataclass(frozen=True, kw_only=True)
class CycleSettings(Settings):
    """The settings of `CycleGAN`."""

    pair: str = choice(
        "stripes", PAIRS, label="translated into", help="What the second domain is.", fixed=True
    )
    judged: str = choice(
        "patches", tuple(DISCRIMINATORS), label="what a discriminator sees at once", fixed=True
    )
    batch_size: int = 16
    width: int = number(12, 1, 256, label="width of the generators", fixed=True)
    discriminator_width: int = number(16, 1, 256, label="width of the discriminators", fixed=True)
    cycle_weight: float = number(
        10.0, 0, 1000, label="weight of the way back, λ", group="Game",
        help="Of the mean absolute error of a picture that went there and back.",
        slider=(0.1, 100), log=True, step=0.1,
    )  # fmt: skip
    identity_weight: float = number(
        5.0, 0, 1000, label="weight of leaving alone", group="Game",
        help="Of what a generator changes in pictures that are of its target domain already.",
        slider=(0.1, 100), log=True, step=0.1,
    )  # fmt: skip
    penalty_weight: float = number(
        1.0, 0, 1000, label="strength of R1", group="Game", slider=(1e-3, 100), step=0.1, log=True
    )
    lr_generators: float = number(
        1e-3, 0, 0.1, label="rate of the generators", help="How far their weights move.", **RATE
    )
    lr_discriminators: float = number(
        2e-3, 0, 0.1, label="rate of the discriminators", help="How far theirs move.", **RATE
    )
    beta2: float = number(0.99, 0, 0.9999, label="β2 of Adam", fixed=True)


class CycleGAN(Method[CycleSettings]):
    """From A to B and back without a single pair (Zhu et al. 2017).

    A are the first half of the samples as they are; B are the other half with stripes, or as many
    printed digits. The players are "generators", with ``to_b`` and ``to_a``, and "discriminators",
    with ``of_b`` and ``of_a``: networks of one player share a backward pass.
    """

    name = "cycle_gan"
    settings_class = CycleSettings
    recipes: ClassVar[Mapping[str, Settings]] = {
        "cycle_stripes": CycleSettings(),
        "cycle_printed": CycleSettings(pair="printed"),
    }
    averaged = ("generators",)
    inputs_from_data = True
    charts = (
        Chart("probability", {"d_real": "D, real", "d_fake": "D, translated"}, (0, 1), 0.5),
        Chart("mean absolute error", {"cycle": "there and back"}),
        Chart("loss", {"loss_discriminators": "D's", "loss_generators": "generators'"}),
    )

    def __init__(
        self, settings: Any, data: Batch, networks: Mapping[str, nn.Module] | None = None
    ) -> None:
        super().__init__(settings, data, networks)
        samples = data["samples"]
        half = len(samples) // 2
        self.domain_a, rest = samples[:half], samples[half:]
        self.domain_b = domain_b(settings.pair, rest, torch.Generator().manual_seed(settings.seed))

    @classmethod
    def build(cls, settings: Any, shape: tuple[int, ...]) -> dict[str, nn.Module]:
        size: Any = image_size(shape)
        kind = DISCRIMINATORS[settings.judged]
        generators = {n: ResidualUNet(settings.width, **size) for n in ("to_b", "to_a")}
        discriminators = {n: kind(settings.discriminator_width, **size) for n in ("of_b", "of_a")}
        built: dict[str, nn.Module] = {
            "generators": nn.ModuleDict(generators),
            "discriminators": nn.ModuleDict(discriminators),
        }
        for network in built.values():  # a third faster on a CPU
            network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        return built

    def player(self, name: str, network: nn.Module) -> Player:
        betas = (0.0, float(self.settings.beta2))  # Adam refuses a whole number beside a float
        optimizer = torch.optim.Adam(network.parameters(), self.rate(name), betas)
        return Player(network, optimizer, self.average_of(name, network))

    def batch_of(self, domain: Tensor, run: Trainer) -> Tensor:
        """A batch of a domain, drawn by chance: nothing ties the two domains' together."""
        chosen = torch.randint(len(domain), (self.settings.batch_size,), generator=run.rng)
        return domain[run.send(chosen)]

    def step(self, run: Trainer) -> Values:
        s = self.settings
        a, b = self.batch_of(self.domain_a, run), self.batch_of(self.domain_b, run)
        generators: Any = self.network("generators")
        made_b, same_b = generators["to_b"](torch.cat([a, b])).chunk(2)
        made_a, same_a = generators["to_a"](torch.cat([b, a])).chunk(2)
        values = self.discriminator_step(run, {"of_b": (b, made_b), "of_a": (a, made_a)})
        cycle = (generators["to_a"](made_b) - a).abs().mean()
        cycle = cycle + (generators["to_b"](made_a) - b).abs().mean()
        alone = (same_b - b).abs().mean() + (same_a - a).abs().mean()
        loss = s.cycle_weight * cycle + s.identity_weight * alone
        discriminators: Any = self.network("discriminators")
        fooled = losses.OBJECTIVES["non_saturating"].generator_loss
        loss = (
            loss + fooled(discriminators["of_b"](made_b)) + fooled(discriminators["of_a"](made_a))
        )
        run.update("generators", loss)
        return values | {"cycle": cycle.item() / 2, "loss_generators": loss.item()}

    def discriminator_step(
        self, run: Trainer, seen: Mapping[str, tuple[Tensor, Tensor]]
    ) -> dict[str, float]:
        """Update both discriminators once; return their mean answers from before."""
        discriminators: Any = self.network("discriminators")
        answers = []
        loss = torch.zeros((), device=run.device)
        for name, (real, made) in seen.items():
            pair = discriminators[name](torch.cat([real, made.detach()])).chunk(2)
            answers.append(pair)
            loss = loss + losses.OBJECTIVES["non_saturating"].discriminator_loss(*pair)
        total = loss
        if self.settings.penalty_weight and run.step % PENALTY_EVERY == 0:
            for name, (real, _) in seen.items():
                steepness = losses.r1(partial(_one_answer, discriminators[name]), real)
                total = total + PENALTY_EVERY * self.settings.penalty_weight * steepness
        run.update("discriminators", total)
        d_real, d_fake = (
            torch.stack([logits.sigmoid().mean() for logits in each]).mean().item()
            for each in zip(*answers, strict=True)
        )
        return {"loss_discriminators": loss.item(), "d_real": d_real, "d_fake": d_fake}

    def inputs(self, n: int, rng: torch.Generator) -> Tensor:
        """Pictures of A, (n, …)."""
        chosen = torch.randint(len(self.domain_a), (n,), generator=rng)
        return self.domain_a[chosen.to(self.domain_a.device)].cpu()

    def draw(self, inputs: Tensor, ema: bool = True) -> Tensor:
        """Pictures of A, translated to B."""
        generators: Any = self.network("generators", ema)
        made: Tensor = generators["to_b"](inputs)
        return made


def domain_b(pair: str, images: Tensor, rng: torch.Generator) -> Tensor:
    """The second domain of one of `PAIRS`, of the size and number of images (N, C, H, W)."""
    if pair == "stripes":
        return pairs.stripes(images, rng)
    digits = pairs.printed(torch.randint(10, (len(images),), generator=rng), rng)
    sized = F.interpolate(digits, images.shape[-2:], mode="area")
    return sized.expand(-1, images.shape[1], -1, -1).to(images)


def _one_answer(network: nn.Module, pictures: Tensor) -> Tensor:
    """One logit for each picture (N,): the mean, where the network has one for each place."""
    logits: Tensor = network(pictures)
    return logits.view(len(logits), -1).mean(dim=1)
