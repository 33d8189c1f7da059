"""A GAN in the plane, and the trainer that measures it on the way."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor, nn

from gan_lessons.errors import expect, expect_whole
from gan_lessons.methods.gan import GAN
from gan_lessons.plane.coverage import ModeCoverage, Score
from gan_lessons.plane.network import FlatOptimizer, FlatPlayer, Network
from gan_lessons.plane.plan import Plan, data_distribution
from gan_lessons.training import Trainer, checkpoint

SAMPLES = 10_000  # real points to train on
EVERY = 50  # steps between two measurements


class PlaneGAN(GAN):
    """`GAN` with small networks, for points (N, 2)."""

    name = "plane"
    settings_class = Plan
    recipes = {}  # noqa: RUF012  (the command line trains pictures)

    @classmethod
    def build(cls, settings: Plan, shape: tuple[int, ...] = (2,)) -> dict[str, nn.Module]:
        layers = settings.layers
        return {
            "generator": Network(settings.latent_dim, 2, layers, settings.generator_width),
            "discriminator": Network(2, 1, layers, settings.discriminator_width),
        }

    def player(self, name: str, network: nn.Module) -> FlatPlayer:
        rule = getattr(self.settings, f"optimizer_{name}")
        ema = self.average_of(name, network) if self.settings.ema_decay else None
        return FlatPlayer(network, FlatOptimizer(network.parameters(), rule), ema)

    def apply_settings(self) -> None:
        for name, player in self.players.items():
            beta1 = getattr(self.settings, f"beta1_{name}")
            player.optimizer.param_groups[0]["betas"] = (beta1, self.settings.beta2)

    def inputs(self, n: int, rng: torch.Generator) -> Tensor:
        noise: Tensor = self.standard_noise(n, rng) * self.settings.noise_scale
        return noise

    def standard_noise(self, n: int, rng: torch.Generator) -> Tensor:
        """n noise vectors (n, latent_dim) on the scale 1."""
        shape = (n, self.settings.latent_dim)
        if self.settings.noise == "uniform":
            return 2 * torch.rand(shape, generator=rng) - 1
        return torch.randn(shape, generator=rng)

    def answers(self, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
        # One call for both: in networks as small as these calls cost more than numbers.
        logits = self.network("discriminator")(torch.cat([real, fake]))
        real_logits, fake_logits = logits.chunk(2)  # halves, also where D answers for packs
        return real_logits, fake_logits


class PlaneTrainer(Trainer):
    """A `Trainer` in the plane. ``scores`` has one measurement every `EVERY` steps.

    Args:
        plan: what to do.
        networks: your own, by name, instead of those that the plan names.
        coverage: how fakes are measured, if it is made already.
    """

    method: PlaneGAN

    def __init__(
        self,
        plan: Plan,
        networks: Mapping[str, nn.Module] | None = None,
        coverage: ModeCoverage | None = None,
    ) -> None:
        expect(plan, Plan, 'plan has to be a Plan, such as Plan(data="ring")')
        self.coverage = coverage or ModeCoverage(data_distribution(plan))
        rng = torch.Generator().manual_seed(0)
        super().__init__(self.coverage.mixture.sample(SAMPLES, rng), plan, networks)
        rng = torch.Generator().manual_seed(1)
        self._probe = self.method.standard_noise(self.coverage.samples, rng)
        self.scores = [self.score()]

    @torch.no_grad()
    def fakes(self, n: int) -> Tensor:
        """The first n fakes (n, 2) from noise that stays the same all through the run.

        Raises:
            UserError: n is no whole number, or larger than there is noise.
        """
        expect_whole(n, "n", 0, len(self._probe))
        made: Tensor = self.generator(self.noise(n))
        return made

    def noise(self, n: int) -> Tensor:
        """The noise (n, latent_dim) of which `fakes` are made."""
        noise: Tensor = self._probe[:n] * self.settings.noise_scale
        return noise

    def score(self) -> Score:
        """Measure the generator as it is now."""
        return self.coverage.score(self.step, self.fakes(self.coverage.samples))

    def _count(self, began: float) -> tuple[int, float, float]:
        """As `Trainer._count`; every `EVERY` steps the generator is measured, as it is then."""
        moment = super()._count(began)
        if self.step % EVERY == 0:
            self.scores.append(self.score())
        return moment

    def state(self) -> dict[str, Any]:
        """As `Trainer.state`."""
        return super().state() | {"scores": [list(score) for score in self.scores]}

    def restore(self, state: Mapping[str, Any]) -> None:
        """As `Trainer.restore`."""
        super().restore(state)
        self.scores = [Score(*score) for score in state["scores"]]

    def _twin(self, networks: Mapping[str, nn.Module]) -> Self:
        return type(self)(self.settings, networks, self.coverage)

    @classmethod
    def load(  # type: ignore[override]
        cls, path: str | Path, networks: Mapping[str, nn.Module] | None = None
    ) -> Self:
        """A trainer that goes on from a checkpoint; see `Trainer.load`. It knows its own data."""
        state = checkpoint.read(path)
        trainer = cls(checkpoint.settings_of(state, path), networks)  # type: ignore[arg-type]
        trainer.restore_from(path, state)
        return trainer
