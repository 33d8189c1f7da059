"""Flow matching: a network learns the speed with which noise moves to become a digit.

Lipman et al. 2023, Liu et al. 2023. On the straight way x_t = (1 − t) x_0 + t x_1 from noise x_0
to a digit x_1 the speed is x_1 − x_0; many ways cross at x_t, and least squares learns their mean.
Pictures are drawn by following it from t = 0 to 1 in small steps. A diffusion model with Gaussian
noise learns the same thing under other names.

The network answers with the digit that it expects at the end, and the speed is what is left of the
way, divided by the time that is left: a small network then need not copy the noise. So the loss is
the squared error of the ending, which is that of the speed times (1 − t)².
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from gan_lessons.errors import expect_whole
from gan_lessons.methods.gan import RATE, image_size
from gan_lessons.networks import HalfUNet
from gan_lessons.training import Chart, Method, Settings, Trainer, Values, number

LEAST_TIME = 0.01  # that is divided by: at the end nothing is left of the way, nor of the time


@dataclass(frozen=True, kw_only=True)
class FlowSettings(Settings):
    """The settings of `Flow`."""

    width: int = number(66, 1, 256, label="width of the network", fixed=True)
    lr_ending: float = number(
        2e-3, 0, 0.1, label="rate", help="How far the weights move at a step.", **RATE
    )
    sampler_steps: int = number(
        16, 1, 1000, label="steps of the sampler", group="Drawing", slider=(1, 64),
        help="How often the network is called for a picture.",
    )  # fmt: skip


class Flow(Method[FlowSettings]):
    """Loss: (ending(x_t, t) − x_1)², with t from 0 to 1, each as likely as any other."""

    name = "flow"
    settings_class = FlowSettings
    recipes: ClassVar[Mapping[str, Settings]] = {"flow": FlowSettings()}
    averaged = ("ending",)
    charts = (Chart("squared error", {"loss_ending": "of the ending, a pixel"}),)

    @classmethod
    def build(cls, settings: Any, shape: tuple[int, ...]) -> dict[str, nn.Module]:
        return {"ending": HalfUNet(shape[0] + 1, settings.width, **image_size(shape))}

    def step(self, run: Trainer) -> Values:
        digits = run.next_batch()["samples"]
        noise = run.normal(*digits.shape)
        t = run.send(torch.rand(len(digits), 1, 1, 1, generator=run.rng))
        found = ending(self.network("ending"), (1 - t) * noise + t * digits, t)
        loss = (found - digits).square().mean()
        run.update("ending", loss)
        return {"loss_ending": loss.item()}

    def inputs(self, n: int, rng: torch.Generator) -> Tensor:
        """Pictures of noise (n, C, H, W)."""
        return torch.randn(n, *self.shape, generator=rng)

    def draw(self, inputs: Tensor, ema: bool = True) -> Tensor:
        return follow(self.network("ending", ema), inputs, self.settings.sampler_steps)[-1]


def ending(network: nn.Module, x: Tensor, t: Tensor) -> Tensor:
    """Where ways through x (N, C, H, W) at times t, (N, 1, 1, 1) or one for all, end on average."""
    pictures: Tensor = network(torch.cat([x, t.expand(len(x), 1, *x.shape[2:])], dim=1))
    return pictures


def speed(network: nn.Module, x: Tensor, t: Tensor) -> Tensor:
    """The speed (N, C, H, W) at places x (N, C, H, W) and times t, (N, 1, 1, 1) or one for all."""
    return (ending(network, x, t) - x) / (1 - t).clamp(min=LEAST_TIME)


def follow(network: nn.Module, noise: Tensor, steps: int) -> list[Tensor]:
    """The way from noise (N, C, H, W) to pictures: its ``steps`` + 1 places, by Euler's method.

    Raises:
        UserError: ``steps`` is no whole number from 1.
    """
    expect_whole(steps, "steps", 1)
    places = [noise]
    for t in torch.arange(steps, device=noise.device) / steps:
        places.append(places[-1] + speed(network, places[-1], t) / steps)
    return [*places[:-1], places[-1].clamp(-1, 1)]
