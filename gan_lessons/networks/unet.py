"""Small U-Nets: down to a quarter of the size and up again, with shortcuts at each size."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from gan_lessons.networks.layers import check_image

LEAK = 0.01
SIZES = range(8, 257, 4)


class LeakyBounds(nn.Module):
    """What is beyond [−1, 1] is brought back but for a hundredth, which lets a gradient through."""

    def forward(self, x: Tensor) -> Tensor:
        within = x.clamp(-1, 1)
        return within + LEAK * (x - within)


class OpenTanh(nn.Module):
    """tanh with a way back: its slope is never less than `LEAK`.

    In float32 the slope of tanh is 0 from about 9 on. A network most of whose pixels get there, for
    which some large steps are enough, may learn nothing more.
    """

    def forward(self, x: Tensor) -> Tensor:
        return x.tanh() + LEAK * (x - x.detach())


class UNet(nn.Module):
    """Pictures of ``inputs`` channels → pictures (N, channels, size, size) in [−1, 1].

    Where little is given and the error is absolute, one that ends in tanh can be caught where every
    pixel is black; then ``end`` is to be `LeakyBounds`.

    After Ronneberger et al. 2015. What is found on the way down is *added* on the way up rather
    than put beside it: half the work. No BatchNorm: spoiled pictures of several kinds share a
    batch, and their statistics would be mixed. Comments give the side for digits.

    Raises:
        UserError: no channels, or a size that is not one of `SIZES`.
    """

    def __init__(
        self,
        inputs: int = 3,
        width: int = 24,
        *,
        channels: int = 1,
        size: int = 28,
        end: Callable[[], nn.Module] = nn.Tanh,
    ) -> None:
        check_image(channels, size, SIZES, inputs=inputs, width=width)
        super().__init__()
        twice = 2 * width
        self.full_size = nn.Sequential(nn.Conv2d(inputs, width, 3, padding=1), _bend())  # 28
        self.half_size = nn.Sequential(
            nn.Conv2d(width, twice, 3, stride=2, padding=1), _bend()
        )  # 14
        self.quarter_size = nn.Sequential(
            nn.Conv2d(twice, twice, 3, stride=2, padding=1),  # 7
            _bend(),
            nn.Conv2d(twice, twice, 3, padding=1),
            _bend(),
            nn.Upsample(scale_factor=2),  # 14
        )
        self.up = nn.Sequential(
            nn.Conv2d(twice, twice, 3, padding=1),
            _bend(),
            nn.ConvTranspose2d(twice, width, 4, stride=2, padding=1),  # 28
            _bend(),
        )
        self.last = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1),
            _bend(),
            nn.Conv2d(width, channels, 3, padding=1),
            end(),
        )

    def forward(self, x: Tensor) -> Tensor:
        whole = self.full_size(x)
        half = self.half_size(whole)
        pictures: Tensor = self.last(whole + self.up(half + self.quarter_size(half)))
        return pictures


class ResidualUNet(UNet):
    """Pictures (N, inputs, size, size) → pictures like their first channels: learns what to change.

    It begins close to leaving them alone: what it adds to x is 0 at first, in tanh(2x + added) or
    other ``bounds``; in `LeakyBounds` of x + added.
    """

    def __init__(
        self,
        width: int = 12,
        *,
        inputs: int | None = None,
        channels: int = 1,
        size: int = 28,
        bounds: Callable[[Tensor], Tensor] = torch.tanh,
    ) -> None:
        super().__init__(inputs or channels, width, channels=channels, size=size, end=nn.Identity)
        self.channels, self.bounds = channels, bounds
        self.steepness = 1 if isinstance(bounds, LeakyBounds) else 2
        for parameter in self.last[-2].parameters():
            nn.init.zeros_(parameter)

    def forward(self, x: Tensor) -> Tensor:
        return self.bounds(self.steepness * x[:, : self.channels] + super().forward(x))


class HalfUNet(nn.Module):
    """Pictures of ``inputs`` channels → pictures (N, channels, size, size), without bounds.

    A U-Net that has no level of the full size: most of its numbers work at a quarter of it, where
    they cost least. For what draws pictures anew and need not copy every pixel of its input. It has
    no tanh: trained on digits, one that ends in tanh can be caught where every pixel is black.

    Raises:
        UserError: no channels, or a size that is not one of `SIZES`.
    """

    def __init__(
        self, inputs: int = 2, width: int = 66, *, channels: int = 1, size: int = 28
    ) -> None:
        check_image(channels, size, SIZES, inputs=inputs, width=width)
        super().__init__()
        half = max(width // 2, 1)
        self.half_size = nn.Sequential(nn.Conv2d(inputs, half, 4, 2, padding=1), _bend())  # 14
        self.quarter_size = nn.Sequential(
            nn.Conv2d(half, width, 4, stride=2, padding=1),  # 7
            _bend(),
            *[
                layer
                for _ in range(3)
                for layer in (nn.Conv2d(width, width, 3, padding=1), _bend())
            ],
            nn.ConvTranspose2d(width, half, 4, stride=2, padding=1),  # 14
            _bend(),
        )
        self.last = nn.ConvTranspose2d(half, channels, 4, stride=2, padding=1)  # 28

    def forward(self, x: Tensor) -> Tensor:
        half = self.half_size(x)
        pictures: Tensor = self.last(half + self.quarter_size(half))
        return pictures


def _bend() -> nn.Module:
    return nn.LeakyReLU(0.2)
