"""Melodies bar by bar: a GAN that is told the bar before, and how it keeps to the rules."""

from functools import cache

import torch
from torch import Tensor, nn

from gan_lessons.data import melodies
from gan_lessons.methods.text import TextSettings
from gan_lessons.networks import gumbel_noise
from gan_lessons.training import Trainer

LEARNED = 2000  # melodies by the rules
SETTINGS = TextSettings(told=melodies.TOLD, steps=1000)


@cache
def learned() -> Tensor:
    """The melodies that a run learns from, as signs: (LEARNED, BARS, STEPS)."""
    return melodies.compose(LEARNED, torch.Generator().manual_seed(0))


def start(settings: TextSettings = SETTINGS) -> Trainer:
    """A run that is ready to be trained."""
    return Trainer(melodies.as_sentences(learned()), settings)


@torch.no_grad()
def play(
    generator: nn.Module,
    n: int,
    temperature: float = 1.0,
    seed: int = 0,
    opening: Tensor | None = None,
) -> Tensor:
    """Melodies bar by bar, each bar told the one before: signs (n, BARS, STEPS).

    Args:
        generator: of a run of `start`.
        n: melodies.
        temperature: 0: always the likeliest sign; 1: as learned.
        seed: decides the noise.
        opening: the first bar (STEPS,) of all, if it is not to be written.
    """  # fmt: skip
    rng = torch.Generator().manual_seed(seed)
    written = torch.full((n, melodies.BARS, melodies.STEPS), melodies.REST)
    first = 0
    if opening is not None:
        written[:, 0], first = opening, 1
    for bar in range(first, melodies.BARS):
        told = melodies.as_sentences(written).unflatten(0, (n, melodies.BARS))[:, bar]
        noise = gumbel_noise(n, melodies.STEPS, melodies.SIGNS, rng=rng)
        inputs = torch.cat([temperature * noise, told[..., melodies.SIGNS :]], dim=2)
        written[:, bar] = melodies.as_signs(generator(inputs))
    return written
