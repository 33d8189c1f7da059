"""Restoration: a U-Net mends spoiled digits, by least squares alone or against a discriminator."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from gan_lessons import losses
from gan_lessons.data.degradations import KINDS, Spoiled, spoil
from gan_lessons.errors import UserError, expect
from gan_lessons.methods.gan import RATE, image_size, refuse_labels
from gan_lessons.networks import ConvDiscriminator, LeakyBounds, OpenTanh, ResidualUNet
from gan_lessons.tensors import expect_rng, expect_tensor
from gan_lessons.training import (
    Batch,
    Chart,
    Method,
    Player,
    Settings,
    Trainer,
    Values,
    choice,
    flag,
    number,
)

BOUNDS = ("tanh", "leaky")  # an open one; cut off but for a hundredth
ALONE = (
    Chart("squared error", {"error": "of a pixel"}),
    Chart("loss of the restorer", {"loss_restorer": "loss"}),
)
GAME = (
    Chart("probability", {"d_real": "D(x), real", "d_fake": "D, restored"}, (0, 1), 0.5),
    Chart("loss of D", {"loss_discriminator": "loss"}),
)


@dataclass(frozen=True, kw_only=True)
class RestorationSettings(Settings):
    """The settings of `Restoration`.

    R1 comes every ``penalty_every`` steps, that many times as strongly (lazy regularisation, Karras
    et al. 2020).
    """

    adversary: bool = flag(
        True, label="adversary", help="Whether a discriminator judges what is restored.", fixed=True
    )
    width: int = number(24, 1, 256, label="width of the restorer", fixed=True)
    bounds: str = choice(
        "tanh", BOUNDS, label="what keeps pixels between black and white", fixed=True
    )
    discriminator_width: int = number(20, 1, 256, label="width of D", fixed=True)
    discriminator_classes: int = number(
        0, 0, 1000, label="classes", help="Of the pictures, that D is told; 0: none.", fixed=True
    )
    distortion_weight: float = number(
        10.0,
        0.1,
        10_000,
        label="weight of the squared error, λ",
        group="Game",
        help="Beside the adversary's loss, which has the weight 1.",
        log=True,
        step=0.1,
    )
    penalty_weight: float = number(
        1.0, 0, 1000, label="strength of R1", group="Game", slider=(1e-3, 100), step=0.1, log=True
    )
    penalty_every: int = number(4, 1, 64, label="steps from one penalty to the next")
    lr_restorer: float = number(
        2e-3, 0, 0.1, label="rate of the restorer", help="How far its weights move.", **RATE
    )
    lr_discriminator: float = number(
        2e-3, 0, 0.1, label="rate of D, η_D", help="How far D's weights move.", **RATE
    )
    beta2: float = number(0.99, 0, 0.9999, label="β2 of Adam", fixed=True)


class Restoration(Method[RestorationSettings]):
    """Each batch has all `KINDS` of damage in it; one network mends them all.

    The restorer sees the spoiled picture, the mask and a plane of noise z; outside the mask the
    picture stays. D sees a whole picture, restored or untouched, *and* what was given: the spoiled
    picture and the mask (as in pix2pix, Isola et al. 2017). Context encoders (Pathak et al. 2016)
    were the first to join a squared error and an adversary for holes.

    With ``discriminator_classes`` D is told, too, of which class the picture was, and the restorer
    is not: D's logit is one number for all classes plus one for that class (the projection of
    Miyato and Koyama 2018). Then the trainer needs labels.
    """

    name = "restoration"
    settings_class = RestorationSettings
    recipes: ClassVar[Mapping[str, Settings]] = {
        "restore": RestorationSettings(
            batch_size=16, lr_restorer=3e-3, discriminator_classes=10, penalty_every=8
        ),
        "restore_regression": RestorationSettings(batch_size=16, adversary=False, lr_restorer=3e-3),
    }
    averaged = ("restorer",)
    inputs_from_data = True
    charts: ClassVar[tuple[Chart, ...]] = (*ALONE, *GAME)

    def __init__(
        self, settings: Any, data: Batch, networks: Mapping[str, nn.Module] | None = None
    ) -> None:
        super().__init__(settings, data, networks)
        self.samples = data["samples"]
        if not settings.adversary:
            self.charts = self.charts[: len(ALONE)]  # type: ignore[misc]

    @classmethod
    def check_data(cls, settings: Any, data: Batch) -> None:
        told, labels = settings.discriminator_classes, data.get("labels")
        if not (settings.adversary and told):
            return
        if labels is None:
            raise UserError(
                f"discriminator_classes is {told}: D is told what each picture shows, so labels "
                "are needed, one for each; for pictures without labels set it to 0."
            )
        refuse_labels(labels, len(data["samples"]), told, "discriminator_classes")

    @classmethod
    def build(cls, settings: Any, shape: tuple[int, ...]) -> dict[str, nn.Module]:
        size: Any = image_size(shape)
        built = {"restorer": cls.restorer(settings, size)}
        if settings.adversary:
            seen = size | {"channels": 2 * size["channels"] + 1}
            told = settings.discriminator_classes
            answers = 1 + told if told else 0  # 0: one logit a picture, without a second dimension
            built["discriminator"] = ConvDiscriminator(
                settings.discriminator_width, answers, **seen
            )
        for network in built.values():  # a third faster on a CPU
            network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        return built

    @classmethod
    def restorer(cls, settings: Any, size: Any) -> nn.Module:
        """A new network that restores: it begins with the picture as it is given."""
        bounds = LeakyBounds() if settings.bounds == "leaky" else OpenTanh()
        return ResidualUNet(settings.width, inputs=size["channels"] + 2, bounds=bounds, **size)

    def player(self, name: str, network: nn.Module) -> Player:
        betas = (0.0, float(self.settings.beta2))  # Adam refuses a whole number beside a float
        optimizer = torch.optim.Adam(network.parameters(), self.rate(name), betas)
        return Player(network, optimizer, self.average_of(name, network))

    def step(self, run: Trainer) -> Values:
        batch = run.next_batch()
        images, labels = batch["samples"], batch.get("labels")
        inputs = self.spoiled(images, run.rng)
        restored = restore(self.network("restorer"), inputs)
        error = self.distortion(restored, images, run.step)
        values = {"error": error.item()}
        loss = self.settings.distortion_weight * error
        if self.settings.adversary:
            values |= self.discriminator_step(run, images, restored.detach(), inputs, labels)
            if self.listens(run.step):
                fooled = losses.OBJECTIVES["non_saturating"].generator_loss
                loss = loss + fooled(self.logits(restored, inputs, labels))
        run.update("restorer", loss)
        return values | {"loss_restorer": loss.item()}

    def distortion(self, restored: Tensor, images: Tensor, step: int) -> Tensor:
        """How far what was restored is from what was lost: the mean squared error."""
        return (restored - images).square().mean()

    def listens(self, step: int) -> bool:
        """Whether the restorer is told in this step what D says."""
        return True

    def discriminator_step(
        self,
        run: Trainer,
        images: Tensor,
        restored: Tensor,
        inputs: Tensor,
        labels: Tensor | None,
    ) -> dict[str, float]:
        """Update D once; return its loss and its mean answers from before the update."""
        both, of_both = torch.cat([images, restored]), None if labels is None else labels.repeat(2)
        real, fake = self.logits(both, inputs.repeat(2, 1, 1, 1), of_both).chunk(2)
        loss = losses.OBJECTIVES["non_saturating"].discriminator_loss(real, fake)
        total = loss
        every, weight = self.settings.penalty_every, self.settings.penalty_weight
        if weight and run.step % every == 0:
            penalty = losses.r1(lambda seen: self.logits(seen, inputs, labels), images)
            total = loss + every * weight * penalty
        run.update("discriminator", total)
        d_real, d_fake = (logits.sigmoid().mean().item() for logits in (real, fake))
        return {"loss_discriminator": loss.item(), "d_real": d_real, "d_fake": d_fake}

    def logits(self, pictures: Tensor, inputs: Tensor, labels: Tensor | None = None) -> Tensor:
        """D's logits (N,) for pictures, restored or real, beside what was given.

        Args:
            pictures: (N, C, H, W).
            inputs: (N, C + 2, H, W), of which D does not see z.
            labels: classes (N,), where D is told of them.

        Raises:
            UserError: D is told of them, and they are missing.
        """
        answers: Tensor = self.network("discriminator")(
            torch.cat([pictures, inputs[:, :-1]], dim=1)
        )
        if not self.settings.discriminator_classes:
            return answers
        if labels is None:
            raise UserError("This D is told what each picture shows: give it labels (N,), too.")
        return answers[:, 0] + answers[:, 1:].gather(1, labels[:, None])[:, 0]

    def spoiled(self, images: Tensor, rng: torch.Generator) -> Tensor:
        """Inputs (N, C + 2, H, W) made of images (N, C, H, W), every kind of damage in turn."""
        inputs = torch.empty(len(images), self.shape[0] + 2, *self.shape[1:]).to(images)
        for i, kind in enumerate(KINDS):
            if len(images) > i:
                chosen = images[i :: len(KINDS)]
                inputs[i :: len(KINDS)] = as_inputs(spoil(kind, chosen, rng), rng)
        return inputs

    def inputs(self, n: int, rng: torch.Generator) -> Tensor:
        """Spoiled digits with their masks and noise (n, C + 2, H, W)."""
        chosen = torch.randint(len(self.samples), (n,), generator=rng)
        return self.spoiled(self.samples[chosen.to(self.samples.device)], rng).cpu()

    def draw(self, inputs: Tensor, ema: bool = True) -> Tensor:
        return restore(self.network("restorer", ema), inputs)


def as_inputs(spoiled: Spoiled, rng: torch.Generator) -> Tensor:
    """What a restorer takes: pictures, mask, and fresh noise z, (N, C + 2, H, W)."""
    expect(spoiled, tuple, "spoiled has to be pictures and their mask, as spoil(…) gives them")
    expect_rng(rng)
    pictures, mask = spoiled
    z = torch.randn(mask.shape, generator=rng).to(pictures.device)
    return torch.cat([pictures, mask, z], dim=1)


def restore(network: nn.Module, inputs: Tensor) -> Tensor:
    """Pictures (N, C, H, W): the network's under the mask, those that were given outside it."""
    expect_tensor(inputs, "inputs", "(N, C + 2, H, W), as as_inputs(spoiled, rng) makes them")
    given, mask = inputs[:, :-2], inputs[:, -2:-1]
    pictures: Tensor = torch.where(mask > 0, network(inputs), given)
    return pictures
