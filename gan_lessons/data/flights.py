"""Thrown digits: clips of `FRAMES` frames in which a digit flies, turns and falls as a stone does.

A clip is (FRAMES, H, W), its frames in the place of an image's channels. Every digit moves by one
law: no acceleration to the side, `GRAVITY` downwards. What it does not share is where it starts,
how fast, and how it turns.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from gan_lessons.tensors import expect_rng

FRAMES = 8
GRAVITY = 0.5  # pixels / frame², downwards: the acceleration in every clip
SIZE = 0.6  # of a digit beside the one that it was
PLACE, SPEED, TURN = 1.2, 0.7, 0.12  # most pixels from the middle, pixels a frame, radians a frame


def throw(digits: Tensor, rng: torch.Generator) -> Tensor:
    """Each of the digits (N, 1, H, W) thrown once: clips (N, FRAMES, H, W) in [−1, 1]."""
    chance = 2 * torch.rand(len(digits), 1, 6, generator=rng) - 1
    place, speed = PLACE * chance[..., 0:2], SPEED * chance[..., 2:4]
    time = (torch.arange(FRAMES) - (FRAMES - 1) / 2).view(1, FRAMES, 1)
    places = place + speed * time
    places[..., 1:] += GRAVITY / 2 * (time.square() - time.square().mean())
    angles = 2 * TURN * chance[..., 4:5] + TURN * chance[..., 5:6] * time
    return move(digits, torch.cat([places, angles], dim=2).to(digits))


def move(pictures: Tensor, poses: Tensor) -> Tensor:
    """Pictures (N, 1, H, W) at `SIZE`, moved and turned anew in each frame: clips (N, T, H, W).

    Args:
        pictures: in [−1, 1]; whatever comes in from outside is black, −1.
        poses: (N, T, 3): pixels to the right, pixels down, radians clockwise.
    """
    n, frames, _ = poses.shape
    height, width = pictures.shape[-2:]
    x, y, angle = poses.flatten(0, 1).unbind(dim=1)
    cos, sin = angle.cos() / SIZE, angle.sin() / SIZE
    x, y = 2 * x / width, 2 * y / height  # as `affine_grid` counts
    # Where in the picture each pixel of a frame is to be found: moved back, then turned back.
    there = torch.stack([cos, sin, -cos * x - sin * y, -sin, cos, sin * x - cos * y], dim=1).view(
        -1, 2, 3
    )
    grid = F.affine_grid(there, [n * frames, 1, height, width], align_corners=False)
    ink = (pictures + 1).repeat_interleave(frames, dim=0)
    moved: Tensor = F.grid_sample(ink, grid, align_corners=False) - 1
    return moved.view(n, frames, height, width)


def shuffle(clips: Tensor, rng: torch.Generator) -> Tensor:
    """The same frames, in each clip in an order of its own."""
    expect_rng(rng)
    order = torch.rand(clips.shape[:2], generator=rng).argsort(dim=1).to(clips.device)
    return clips.gather(1, order[:, :, None, None].expand_as(clips))


def centres(clips: Tensor) -> Tensor:
    """Centre of the ink of each frame, pixels to the right and down: (N, T, 2)."""
    ink = (clips + 1) / 2
    ink = ink / ink.sum(dim=(2, 3), keepdim=True).clamp(min=1e-6)
    height, width = clips.shape[2:]
    down = (ink.sum(dim=3) * torch.arange(height).to(ink)).sum(dim=2)
    right = (ink.sum(dim=2) * torch.arange(width).to(ink)).sum(dim=2)
    return torch.stack([right, down], dim=2)


def accelerations(clips: Tensor) -> Tensor:
    """Second differences of the centres, pixels / frame², right and down: (N, T − 2, 2)."""
    return centres(clips).diff(n=2, dim=1)


def law_error(clips: Tensor) -> float:
    """How far accelerations are from the law (0, `GRAVITY`): root mean square, pixels / frame²."""
    law = torch.tensor([0.0, GRAVITY]).to(clips)
    return math.sqrt((accelerations(clips) - law).square().sum(dim=2).mean().item())
