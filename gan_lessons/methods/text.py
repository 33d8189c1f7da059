"""Text, letter by letter: by likelihood, or against a D although a choice has no gradient."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from gan_lessons import losses
from gan_lessons.errors import UserError
from gan_lessons.methods.gan import CHARTS, RATE
from gan_lessons.networks import SentenceDiscriminator, SentenceGenerator, gumbel_noise
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

GRADIENTS = ("likelihood", "straight_through", "reinforce")
PENALTY_EVERY = 4  # steps from one R1 penalty to the next
OBJECTIVE = losses.OBJECTIVES["non_saturating"]


@dataclass(frozen=True, kw_only=True)
class TextSettings(Settings):
    """The settings of `Text`."""

    gradient: str = choice(
        "straight_through", GRADIENTS, label="where G's gradient comes from", fixed=True
    )
    told: int = number(
        0, 0, 4096, label="numbers told besides", fixed=True,
        help="The last of each place: they are given, and not to be written.",
    )  # fmt: skip
    generator_width: int = number(96, 1, 1024, label="width of G", fixed=True)
    discriminator_width: int = number(128, 1, 1024, label="width of D", fixed=True)
    lr_discriminator: float = number(2e-3, 0, 0.1, label="rate of D, η_D", **RATE)
    lr_generator: float = number(2e-3, 0, 0.1, label="rate of G, η_G", **RATE)
    softness: float = number(
        1.0, 0.05, 10, label="softness τ of the choice", group="Game",
        help="Of the mixture whose gradient the straight-through choice takes.", step=0.05,
    )  # fmt: skip
    penalty_weight: float = number(
        0.03, 0, 1000, label="strength of R1", group="Game", slider=(1e-3, 100), step=0.1, log=True
    )
    batch_size: int = 64
    ema_decay: float = 0.99


class Text(Method[TextSettings]):
    """A generator writes sentences (N, T, letters + told), letters one-hot. Its gradient comes from

    - "likelihood": no game; each letter of real sentences is made more likely after those before;
    - "straight_through": a D, through the choices as if they had been mixtures (Jang et al. 2017);
    - "reinforce": a D's verdict as a reward for the letters that were chosen, above the batch's
      mean (Williams 1992; for text SeqGAN, Yu et al. 2017).

    In both games G lowers −log D, and only the way of its gradient differs.
    """

    name = "text"
    settings_class = TextSettings
    averaged = ("generator",)
    inputs_from_data = True
    charts: ClassVar[tuple[Chart, ...]] = CHARTS

    def __init__(
        self, settings: Any, data: Batch, networks: Mapping[str, nn.Module] | None = None
    ) -> None:
        super().__init__(settings, data, networks)
        self.samples = data["samples"]
        if settings.gradient == "likelihood":
            self.charts = (Chart("loss", {"loss_generator": "−log p"}),)  # type: ignore[misc]

    @classmethod
    def check_data(cls, settings: Any, data: Batch) -> None:
        samples = data["samples"]
        found = f"These are {tuple(samples.shape)}"
        if samples.dim() != 3 or samples.shape[2] < settings.told + 2:
            raise UserError(
                f"{found}; sentences are (N, T, letters + told), with 2 letters or more."
            )
        letters = samples[..., : samples.shape[2] - settings.told]
        if not bool(((letters == 1).sum(dim=2) == 1).all() & (letters.sum(dim=2) == 1).all()):
            raise UserError(
                f"{found}, but not one 1 and else 0s at each place, as text has to be (without "
                f"the last numbers, of which told = {settings.told})."
            )

    @classmethod
    def build(cls, settings: Any, shape: tuple[int, ...]) -> dict[str, nn.Module]:
        length, numbers = shape
        told, width = settings.told, settings.generator_width
        built: dict[str, nn.Module] = {"generator": SentenceGenerator(numbers - told, width, told)}
        if settings.gradient != "likelihood":
            width = settings.discriminator_width
            built["discriminator"] = SentenceDiscriminator(numbers, length, width)
        return built

    def player(self, name: str, network: nn.Module) -> Player:
        beta1 = 0.9 if self.settings.gradient == "likelihood" else 0.0
        optimizer = torch.optim.Adam(network.parameters(), self.rate(name), (beta1, 0.99))
        return Player(network, optimizer, self.average_of(name, network))

    def step(self, run: Trainer) -> Values:
        real = run.next_batch()["samples"]
        generator: Any = self.network("generator")
        if self.settings.gradient == "likelihood":
            loss = -generator.log_likelihood(real).mean()
            run.update("generator", loss)
            return {"loss_generator": loss.item()}
        fake = generator(self.with_noise(real, run.rng), self.settings.softness)
        values = self.discriminator_step(run, real, fake.detach())
        verdict = self.network("discriminator")(fake)
        loss = OBJECTIVE.generator_loss(verdict)
        if self.settings.gradient == "reinforce":
            reward = nn.functional.logsigmoid(verdict).detach()
            advantage = reward - reward.mean()
            surrogate = -(advantage * generator.log_likelihood(fake.detach())).mean()
            run.update("generator", surrogate)
        else:
            run.update("generator", loss)
        return values | {"loss_generator": loss.item()}

    def discriminator_step(self, run: Trainer, real: Tensor, fake: Tensor) -> dict[str, float]:
        """Update D once; return its loss and its mean answers from before the update."""
        network = self.network("discriminator")
        real_logits, fake_logits = network(torch.cat([real, fake])).chunk(2)
        loss = OBJECTIVE.discriminator_loss(real_logits, fake_logits)
        total = loss
        if self.settings.penalty_weight and run.step % PENALTY_EVERY == 0:
            total = loss + PENALTY_EVERY * self.settings.penalty_weight * losses.r1(network, real)
        run.update("discriminator", total)
        return {
            "loss_discriminator": loss.item(),
            "d_real": real_logits.sigmoid().mean().item(),
            "d_fake": fake_logits.sigmoid().mean().item(),
        }

    def with_noise(self, sentences: Tensor, rng: torch.Generator) -> Tensor:
        """Gumbel noise in the place of the letters; what is told stays."""
        letters = sentences.shape[2] - self.settings.told
        noise = gumbel_noise(*sentences.shape[:2], letters, rng=rng).to(sentences)
        return torch.cat([noise, sentences[..., letters:]], dim=2)

    def inputs(self, n: int, rng: torch.Generator) -> Tensor:
        """Gumbel noise, and what some of the samples are told: (n, T, letters + told)."""
        chosen = torch.randint(len(self.samples), (n,), generator=rng)
        return self.with_noise(self.samples[chosen.to(self.samples.device)].cpu(), rng)
