"""A generator of clips: content from a network that stays as it is, motion from a GRU."""

from typing import Self

import torch
from torch import Tensor, nn

from gan_lessons.data.flights import FRAMES, move

MOTION_NOISE = 4  # numbers for each frame
STEP = (4.0, 4.0, 0.5)  # pixels, pixels, radians: what 1 means in a pose


class ClipGenerator(nn.Module):
    """Noise (N, content_dim + FRAMES · MOTION_NOISE) → clips (N, FRAMES, H, W) in [−1, 1].

    As in MoCoGAN (Tulyakov et al. 2018) the content's noise is drawn once for a clip, the motion's
    anew for each frame, and a GRU makes a course of it. What it puts out is a place and an angle;
    the content network draws the digit, and learns nothing.

    Args:
        content: a generator of pictures (N, 1, H, W); its weights are frozen.
        content_dim: numbers of noise that it takes.
        width: of the GRU.
    """

    def __init__(self, content: nn.Module, content_dim: int = 64, width: int = 64) -> None:
        super().__init__()
        self.content = content.eval().requires_grad_(False)
        self.content_dim = content_dim
        self.memory = nn.GRU(MOTION_NOISE, width, batch_first=True)
        self.last = nn.Linear(width, 3)

    def train(self, mode: bool = True) -> Self:
        """The content network stays in evaluation mode: its BatchNorm, too, is frozen."""
        super().train(mode)
        self.content.eval()
        return self

    def forward(self, noise: Tensor) -> Tensor:
        with torch.no_grad():
            pictures = self.content(noise[:, : self.content_dim])
        return move(pictures, self.poses(noise))

    def poses(self, noise: Tensor) -> Tensor:
        """Pixels to the right, pixels down, radians, in each frame: (N, FRAMES, 3)."""
        motion = noise[:, self.content_dim :].view(-1, FRAMES, MOTION_NOISE)
        found: Tensor = self.last(self.memory(motion)[0])
        return found * torch.tensor(STEP).to(found)
