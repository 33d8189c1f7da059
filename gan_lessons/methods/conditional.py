"""Conditional GANs: ways to tell the players which class is meant, and classes found unaided.

G always gets the class beside its noise, as one number 1 among ``classes`` numbers. What D learns
of the class is the setting ``conditioning``:

- "none": nothing;
- "label_planes": it sees the class beside the image, as planes of which one is lit (after Mirza and
  Osindero 2014, who had dense layers);
- "auxiliary_classifier": it also says which class it sees, and both players gain if it is right
  (AC-GAN, Odena et al. 2017);
- "class_logits": it answers for each class by a linear output of its own, and is asked for one (a
  relative of the projection of Miyato and Koyama 2018);
- "infogan": it says which class G was told, of fakes alone; no label is used (Chen et al. 2016).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gan_lessons import losses
from gan_lessons.methods.gan import GAN, GANSettings, image_size, refuse_labels
from gan_lessons.networks import NETWORKS, append_label_planes, append_one_hot
from gan_lessons.training import Batch, Settings, Trainer, Values, choice, number

CONDITIONINGS = ("none", "label_planes", "auxiliary_classifier", "class_logits", "infogan")
CLASSIFYING = ("auxiliary_classifier", "infogan")


@dataclass(frozen=True, kw_only=True)
class ConditionalSettings(GANSettings):
    """The settings of `ConditionalGAN`."""

    network: str = choice("conv", ("conv", "fine"), label="networks", fixed=True)
    objective: str = choice(
        "non_saturating",
        tuple(name for name in losses.OBJECTIVES if name != "relativistic"),
        label="objective",
        group="Networks and game",
        help="The pair of losses that D and G play with.",
    )
    penalty: str = choice("r1", ("none", "r1"), label="penalty on D", group="Remedies")
    classes: int = number(10, 2, 1000, label="classes", fixed=True)
    conditioning: str = choice(
        "class_logits", CONDITIONINGS, label="what D learns of the class", fixed=True
    )
    class_weight: float = number(
        1.0, 0, 100, label="weight of the classification", group="Networks and game",
        help="Of the cross-entropy beside the adversarial loss, where D classifies.",
        slider=(0, 5), step=0.1,
    )  # fmt: skip


class ConditionalGAN(GAN):
    """G draws the class that it is told, as far as D makes it; D and G move in turn."""

    name = "conditional_gan"
    settings_class: ClassVar[type[Settings]] = ConditionalSettings
    recipes: ClassVar[Mapping[str, Settings]] = {
        "cgan": ConditionalSettings(conditioning="label_planes"),
        "acgan": ConditionalSettings(conditioning="auxiliary_classifier"),
        "class_logits": ConditionalSettings(),
        "infogan": ConditionalSettings(conditioning="infogan"),
    }

    @classmethod
    def check_data(cls, settings: Any, data: Batch) -> None:
        if settings.conditioning != "infogan":
            refuse_labels(data.get("labels"), len(data["samples"]), settings.classes)

    @classmethod
    def build(cls, settings: Any, shape: tuple[int, ...]) -> dict[str, nn.Module]:
        generator, discriminator = NETWORKS[settings.network]
        size, classes = image_size(shape), settings.classes
        seen = size | {
            "channels": size["channels"] + classes * (settings.conditioning == "label_planes")
        }
        outputs = {"class_logits": classes} | dict.fromkeys(CLASSIFYING, 1 + classes)
        return {
            "generator": generator(settings.latent_dim + classes, settings.generator_width, **size),
            "discriminator": discriminator(
                settings.discriminator_width, outputs.get(settings.conditioning, 0), **seen
            ),
        }

    def inputs(self, n: int, rng: torch.Generator) -> Tensor:
        """n noise vectors with the classes 0, 1, … in turn: (n, latent_dim + classes)."""
        classes = self.settings.classes
        return append_one_hot(super().inputs(n, rng), torch.arange(n) % classes, classes)

    def generate(self, labels: Tensor, run: Trainer) -> Tensor:
        """Fakes (n, …) of the classes (n,)."""
        z = run.normal(len(labels), self.settings.latent_dim) * self.settings.noise_scale
        fakes: Tensor = self.network("generator")(append_one_hot(z, labels, self.settings.classes))
        return fakes

    def answers(self, samples: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """D's logits (n,) of "real", and of the classes (n, classes) where it classifies."""
        s = self.settings
        if s.conditioning == "label_planes":
            samples = append_label_planes(samples, labels, s.classes)
        answers = self.network("discriminator")(samples)
        if s.conditioning in CLASSIFYING:
            return answers[:, 0], answers[:, 1:]
        if s.conditioning == "class_logits":
            answers = answers.gather(1, labels[:, None])[:, 0]
        return answers, answers.new_zeros(0)

    def discriminator_step(self, run: Trainer) -> Values:
        s = self.settings
        batch = run.next_batch()
        real = batch["samples"]
        labels = self.random_labels(run) if s.conditioning == "infogan" else batch["labels"]
        with torch.no_grad():
            fake = self.generate(labels, run)  # of the real samples' classes
        real, fake = self.add_instance_noise(real, run), self.add_instance_noise(fake, run)
        (real_logits, real_classes), (fake_logits, fake_classes) = (
            self.answers(real, labels), self.answers(fake, labels),
        )  # fmt: skip
        loss = self.objective.discriminator_loss(real_logits, fake_logits, s.label_smoothing)
        total = loss
        if s.conditioning in CLASSIFYING:
            total = total + s.class_weight * F.cross_entropy(fake_classes, labels)
        if s.conditioning == "auxiliary_classifier":
            total = total + s.class_weight * F.cross_entropy(real_classes, labels)
        if s.penalty == "r1" and run.step % s.penalty_every == 0:
            steepness = losses.r1(lambda samples: self.answers(samples, labels)[0], real)
            total = total + s.penalty_every * s.penalty_weight * steepness
        run.update("discriminator", total)
        return {
            "loss_discriminator": loss.item(),
            "d_real": real_logits.sigmoid().mean().item(),
            "d_fake": fake_logits.sigmoid().mean().item(),
        }

    def generator_step(self, run: Trainer) -> Values:
        labels = self.random_labels(run)
        fake = self.add_instance_noise(self.generate(labels, run), run)
        logits, classes = self.answers(fake, labels)
        loss = self.objective.generator_loss(logits)
        total = loss
        if self.settings.conditioning in CLASSIFYING:
            total = total + self.settings.class_weight * F.cross_entropy(classes, labels)
        run.update("generator", total)
        return {"loss_generator": loss.item()}

    def random_labels(self, run: Trainer) -> Tensor:
        """A batch of classes (n,), each as likely as any other."""
        classes = self.settings.classes
        return run.drawn(run.batch_size, lambda n: torch.randint(classes, (n,), generator=run.rng))
