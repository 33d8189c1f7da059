"""The GAN of lessons 05 and 07: discriminator and generator move in turn."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

import torch
from torch import Tensor, nn

from gan_lessons import losses
from gan_lessons.errors import UserError
from gan_lessons.networks import NETWORKS
from gan_lessons.training import (
    Batch,
    Chart,
    Method,
    Player,
    Ranks,
    Settings,
    Trainer,
    Values,
    choice,
    number,
)

PENALTIES = ("none", "gradient_penalty", "r1", "r2", "r1_and_r2")
SMOOTHED = ("minimax", "non_saturating")  # objectives with labels
RATE: dict[str, Any] = {"group": "Optimizers", "slider": (1e-6, 0.1), "step": 0.1, "log": True}
CHARTS = (
    Chart("probability", {"d_real": "D(x), real", "d_fake": "D(G(z)), fake"}, (0, 1), 0.5),
    Chart("loss", {"loss_discriminator": "D's loss", "loss_generator": "G's loss"}),
)


@dataclass(frozen=True, kw_only=True)
class AdversarialSettings(Settings):
    """What every game of a generator against a discriminator has.

    The penalty is applied every ``penalty_every`` steps, that many times as strongly (lazy
    regularisation, Karras et al. 2020). Rates and averages are Adam's (Kingma and Ba 2015).
    """

    latent_dim: int = number(64, 1, 1024, label="numbers of noise", fixed=True)
    generator_width: int = number(48, 1, 1024, label="width of G", fixed=True)
    discriminator_width: int = number(24, 1, 1024, label="width of D", fixed=True)
    lr_discriminator: float = number(
        3e-3, 0, 0.1, label="rate of D, η_D", help="How far D's weights move at a step.", **RATE
    )
    lr_generator: float = number(
        3e-3, 0, 0.1, label="rate of G, η_G", help="How far G's weights move at a step.", **RATE
    )
    beta2: float = number(0.99, 0, 0.9999, label="β2 of Adam")
    objective: str = choice(
        "non_saturating",
        tuple(losses.OBJECTIVES),
        label="objective",
        group="Networks and game",
        help="The pair of losses that D and G play with.",
    )
    penalty: str = choice(
        "r1",
        PENALTIES,
        label="penalty on D",
        group="Remedies",
        help="What D pays for a steep slope.",
    )
    penalty_weight: float = number(
        1.0,
        0,
        1000,
        label="penalty strength",
        group="Remedies",
        help="λ of the gradient penalty, γ of R1 and R2.",
        slider=(1e-3, 100),
        step=0.1,
        log=True,
    )
    penalty_every: int = number(4, 1, 64, label="steps from one penalty to the next")
    label_smoothing: float = number(
        0.0,
        0,
        0.49,
        label="label smoothing",
        group="Remedies",
        help="One-sided: the target of real samples becomes 1 minus it.",
        slider=(0, 0.45),
        step=0.05,
    )
    noise_scale: float = number(
        1.0,
        0.01,
        10,
        label="scale of the noise",
        group="Data and noise",
        help="Standard deviation of z.",
        slider=(0.1, 5),
        step=0.1,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.label_smoothing and self.objective not in SMOOTHED:
            raise UserError(
                f"label_smoothing is {self.label_smoothing}, but the objective {self.objective!r} "
                "has no labels to smooth; set it to 0, or choose minimax or non_saturating."
            )


@dataclass(frozen=True, kw_only=True)
class InTurnSettings(AdversarialSettings):
    """What players that move one after the other have besides."""

    discriminator_steps: int = number(
        1,
        1,
        100,
        label="updates of D, k_D",
        group="Networks and game",
        help="How often D moves in a step.",
        slider=(1, 10),
    )
    generator_steps: int = number(
        1,
        1,
        100,
        label="updates of G, k_G",
        group="Networks and game",
        help="How often G moves in a step.",
        slider=(1, 10),
    )
    instance_noise: float = number(
        0.0,
        0,
        10,
        label="instance noise",
        group="Remedies",
        help="Standard deviation of Gaussian noise on all that D sees.",
        slider=(0, 2),
        step=0.05,
    )


@dataclass(frozen=True, kw_only=True)
class GANSettings(InTurnSettings):
    """The settings of `GAN`."""

    network: str = choice("conv", tuple(NETWORKS), label="networks", fixed=True)
    beta1: float = number(
        0.0, 0, 0.999, label="β1 of Adam", group="Optimizers", slider=(0, 0.99), step=0.01
    )


S = TypeVar("S", bound=AdversarialSettings)


class Adversarial(Method[S]):
    """What every generator against a discriminator shares: noise, pictures, checks."""

    averaged = ("generator",)
    turns = ("discriminator", "generator")
    charts = CHARTS

    def inputs(self, n: int, rng: torch.Generator) -> Tensor:
        """n noise vectors (n, latent_dim)."""
        return torch.randn(n, self.settings.latent_dim, generator=rng) * self.settings.noise_scale

    def noise(self, n: int, run: Trainer) -> Tensor:
        """n fresh noise vectors (n, latent_dim) for training."""
        return run.drawn(n, lambda rows: self.inputs(rows, run.rng))

    def share(self, ranks: Ranks) -> None:
        for player in self.players.values():
            player.share(ranks)

    @property
    def objective(self) -> losses.Objective:
        """The pair of losses that the settings name."""
        return losses.OBJECTIVES[self.settings.objective]

    def apply_settings(self) -> None:
        for player in self.players.values():
            player.optimizer.param_groups[0]["betas"] = self.betas

    @property
    def betas(self) -> tuple[float, float]:
        """Adam's."""
        # Adam refuses a whole number beside a float.
        return float(getattr(self.settings, "beta1", 0.0)), float(self.settings.beta2)

    def check(self, data: Batch) -> None:
        """Try networks that somebody brought on a batch."""
        samples = data["samples"][: self.settings.batch_size]
        generator, discriminator = (copy.deepcopy(p.network).eval() for p in self.players.values())
        try:
            with torch.no_grad():
                z = self.inputs(len(samples), torch.Generator().manual_seed(0))
                made = generator(z.to(samples.device))
                discriminator(samples)
        except (RuntimeError, ValueError) as error:
            raise UserError(
                f"These networks cannot take samples of shape {self.shape}: {error}"
            ) from error
        if tuple(made.shape[1:]) != self.shape:
            raise UserError(
                f"The generator makes samples of shape {tuple(made.shape[1:])}; the real ones have "
                f"{self.shape}."
            )


class GAN(Adversarial[Any]):
    """D is updated ``discriminator_steps`` times, then G ``generator_steps`` times.

    Goodfellow et al. 2014, algorithm 1, with other objectives and penalties to choose from.
    """

    name = "gan"
    settings_class: ClassVar[type[Settings]] = GANSettings
    recipes: ClassVar[Mapping[str, Settings]] = {
        "dcgan": GANSettings(),
        "dense": GANSettings(
            network="dense",
            generator_width=128,
            discriminator_width=128,
            batch_size=64,
            lr_generator=2e-3,
            lr_discriminator=2e-3,
            penalty="none",
            ema_decay=0.0,
            lr_decay="none",
        ),
    }

    @classmethod
    def build(cls, settings: Any, shape: tuple[int, ...]) -> dict[str, nn.Module]:
        generator, discriminator = NETWORKS[settings.network]
        size = image_size(shape)
        return {
            "generator": generator(settings.latent_dim, settings.generator_width, **size),
            "discriminator": discriminator(settings.discriminator_width, **size),
        }

    def player(self, name: str, network: nn.Module) -> Player:
        optimizer = torch.optim.Adam(network.parameters(), self.rate(name), self.betas)
        return Player(network, optimizer, self.average_of(name, network))

    def share(self, ranks: Ranks) -> None:
        if self.settings.penalty == "gradient_penalty":
            raise UserError(
                "penalty is 'gradient_penalty', whose points between real and fake are drawn for "
                "one process only; choose r1, r2 or r1_and_r2, or start it without torchrun."
            )
        super().share(ranks)

    def turn(self, name: str, run: Trainer) -> Values:
        values: Values = {}
        if name == "discriminator":
            for _ in range(self.settings.discriminator_steps):
                values = self.discriminator_step(run)
            return values
        for _ in range(self.settings.generator_steps):
            values = self.generator_step(run)
        return values

    def discriminator_step(self, run: Trainer) -> Values:
        """Update D once; return its loss, mean D(x) and mean D(G(z)) from before the update."""
        real = run.next_batch()["samples"]
        with torch.no_grad():  # D's step is not G's business
            fake = self.network("generator")(self.noise(len(real), run))
        real, fake = self.add_instance_noise(real, run), self.add_instance_noise(fake, run)
        real_logits, fake_logits = self.answers(real, fake)
        loss = self.objective.discriminator_loss(
            real_logits, fake_logits, self.settings.label_smoothing
        )
        total = loss
        if self.settings.penalty != "none" and run.step % self.settings.penalty_every == 0:
            weight = self.settings.penalty_every * self.settings.penalty_weight
            total = loss + weight * self.penalty(real, fake, run)
        run.update("discriminator", total)
        return {
            "loss_discriminator": loss.item(),
            "d_real": real_logits.sigmoid().mean().item(),
            "d_fake": fake_logits.sigmoid().mean().item(),
        }

    def generator_step(self, run: Trainer) -> Values:
        """Update G once; return its loss from before the update."""
        discriminator = self.network("discriminator")
        fake = self.network("generator")(self.noise(run.batch_size, run))
        fake_logits = discriminator(self.add_instance_noise(fake, run))
        real_logits = None
        if self.settings.objective == "relativistic":
            with torch.no_grad():
                real = run.next_batch()["samples"]
                real_logits = discriminator(self.add_instance_noise(real, run))
        loss = self.objective.generator_loss(fake_logits, real_logits)
        run.update("generator", loss)
        return {"loss_generator": loss.item()}

    def answers(self, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
        """D's logits for reals and for fakes."""
        discriminator = self.network("discriminator")
        return discriminator(real), discriminator(fake)

    def add_instance_noise(self, samples: Tensor, run: Trainer) -> Tensor:
        """Samples with Gaussian noise, as D sees them."""
        if self.settings.instance_noise == 0:
            return samples
        noisy: Tensor = samples + self.settings.instance_noise * run.normal(*samples.shape)
        return noisy

    def penalty(self, real: Tensor, fake: Tensor, run: Trainer) -> Tensor:
        """The penalty on D that the settings name."""
        discriminator = self.network("discriminator")
        match self.settings.penalty:
            case "gradient_penalty":
                return losses.gradient_penalty(discriminator, real, fake, run.rng)
            case "r1":
                return losses.r1(discriminator, real)
            case "r2":
                return losses.r2(discriminator, fake)
            case _:
                return losses.r1(discriminator, real) + losses.r2(discriminator, fake)


def image_size(shape: tuple[int, ...]) -> dict[str, int]:
    """The networks' ``channels`` and ``size`` for images of shape (channels, size, size).

    Raises:
        UserError: samples of that shape are no square images.
    """
    if len(shape) != 3 or shape[1] != shape[2]:
        raise UserError(
            f"Samples of shape {shape} are no square images (channels, size, size); "
            "bring your own networks for them."
        )
    return {"channels": shape[0], "size": shape[1]}


def refuse_labels(
    labels: Tensor | None, samples: int, classes: int, setting: str = "classes"
) -> None:
    """Refuse labels that a conditional GAN cannot be told.

    Args:
        labels: classes (N,) of the samples, or None.
        samples: how many there are.
        classes: how many the GAN is told.
        setting: the name of the setting that says so.

    Raises:
        UserError: there are none, or one is no class.
    """
    if labels is None:
        raise UserError(
            f"classes is {classes}: a conditional GAN needs labels, one for each of the "
            f"{samples:,} samples."
        )
    if labels.dim() != 1 or labels.dtype != torch.int64:
        raise UserError(
            f"Labels have to be whole numbers (int64) of shape (N,), not {labels.dtype} "
            f"{tuple(labels.shape)}."
        )
    if len(labels) and not 0 <= int(labels.min()) <= int(labels.max()) < classes:
        raise UserError(
            f"Labels go from {int(labels.min())} to {int(labels.max())}; {setting} is {classes}, "
            f"so they have to lie from 0 to {classes - 1}."
        )
