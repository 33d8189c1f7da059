"""Translation with pairs: digits out of dots, by the absolute error alone or with an adversary."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from gan_lessons.data import pairs
from gan_lessons.data.degradations import Spoiled
from gan_lessons.methods.restoration import (
    ALONE,
    BOUNDS,
    GAME,
    Restoration,
    RestorationSettings,
    as_inputs,
    restore,
)
from gan_lessons.networks import LeakyBounds, UNet
from gan_lessons.training import Chart, Settings, choice, number

HEAD_START = 100  # steps of the squared error, while D is not listened to
GIVEN = {"dots": pairs.dots, "skeleton": lambda images, rng: pairs.skeleton(images)}


@dataclass(frozen=True, kw_only=True)
class Pix2PixSettings(RestorationSettings):
    """The settings of `Pix2Pix`."""

    bounds: str = choice(
        "leaky", BOUNDS, label="what keeps pixels between black and white", fixed=True
    )
    given: str = choice("dots", tuple(GIVEN), label="what is given of a digit", fixed=True)
    distortion_weight: float = number(
        2.0, 0.1, 10_000, label="weight of the absolute error, λ", group="Game",
        help="Beside the adversary's loss, which has the weight 1.", log=True, step=0.1,
    )  # fmt: skip


class Pix2Pix(Restoration):
    """A restorer (`Restoration`) to which the whole picture is lost but for what is ``given``.

    Isola et al. 2017: the mean absolute error, which blurs less than the squared one, and a
    discriminator that sees the picture beside what was given.

    The best of all constant answers is black, by the absolute error, and a network that ends in
    tanh is caught there. So this one is ``leaky``, and begins with `HEAD_START` steps of the
    squared error, whose best constant is grey; meanwhile D learns, but is not listened to.
    """

    name = "pix2pix"
    settings_class = Pix2PixSettings
    recipes: ClassVar[Mapping[str, Settings]] = {
        "pix2pix": Pix2PixSettings(),
        "pix2pix_regression": Pix2PixSettings(adversary=False),
    }
    charts: ClassVar[tuple[Chart, ...]] = (
        Chart("error of a pixel", {"error": "squared at first, then absolute"}),
        *ALONE[1:],
        *GAME,
    )

    @classmethod
    def restorer(cls, settings: Any, size: Any) -> nn.Module:
        end = LeakyBounds if settings.bounds == "leaky" else nn.Tanh
        return UNet(size["channels"] + 2, settings.width, end=end, **size)

    def spoiled(self, images: Tensor, rng: torch.Generator) -> Tensor:
        settings: Any = self.settings
        return given(settings.given, images, rng)

    def distortion(self, restored: Tensor, images: Tensor, step: int) -> Tensor:
        if step < HEAD_START:
            return super().distortion(restored, images, step)
        return (restored - images).abs().mean()

    def listens(self, step: int) -> bool:
        return step >= HEAD_START

    def draw(self, inputs: Tensor, ema: bool = True) -> Tensor:
        return connect(self.network("restorer", ema), inputs)


def connect(network: nn.Module, inputs: Tensor) -> Tensor:
    """What a network draws of its inputs (N, C + 2, H, W): pictures (N, C, H, W) in [−1, 1]."""
    return restore(network, inputs).clamp(-1, 1)


def given(kind: str, images: Tensor, rng: torch.Generator) -> Tensor:
    """What the network gets (N, C + 2, H, W), of images (N, C, H, W): one of `GIVEN`."""
    return as_inputs(Spoiled(GIVEN[kind](images, rng), torch.ones_like(images[:, :1])), rng)
