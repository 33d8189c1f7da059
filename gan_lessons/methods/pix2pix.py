"""Translation with pairs: digits out of dots, by the absolute error alone or with an adversary."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from gan_lessons.data import pairs
from gan_lessons.data.degradations import Spoiled
from gan_lessons.methods.restoration import Restoration, RestorationSettings, as_inputs
from gan_lessons.training import Settings, choice

GIVEN = {"dots": pairs.dots, "skeleton": lambda images, rng: pairs.skeleton(images)}


@dataclass(frozen=True, kw_only=True)
class Pix2PixSettings(RestorationSettings):
    """The settings of `Pix2Pix`."""

    given: str = choice("dots", tuple(GIVEN), label="what is given of a digit", fixed=True)


class Pix2Pix(Restoration):
    """A restorer (`Restoration`) to which the whole picture is lost but for what is ``given``.

    Isola et al. 2017: the mean absolute error, which blurs less than the squared one, and a
    discriminator that sees the picture beside what was given.
    """

    name = "pix2pix"
    settings_class = Pix2PixSettings
    recipes: ClassVar[Mapping[str, Settings]] = {
        "pix2pix": Pix2PixSettings(),
        "pix2pix_regression": Pix2PixSettings(adversary=False),
    }

    def spoiled(self, images: Tensor, rng: torch.Generator) -> Tensor:
        settings: Any = self.settings
        return given(settings.given, images, rng)

    def distortion(self, restored: Tensor, images: Tensor) -> Tensor:
        return (restored - images).abs().mean()


def given(kind: str, images: Tensor, rng: torch.Generator) -> Tensor:
    """What the network gets (N, C + 2, H, W), of images (N, C, H, W): one of `GIVEN`."""
    return as_inputs(Spoiled(GIVEN[kind](images, rng), torch.ones_like(images[:, :1])), rng)
