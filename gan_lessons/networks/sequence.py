"""Networks for sequences of letters: a generator that writes them, and a discriminator.

A letter is a vector of one 1 and else 0s (one-hot); a batch of sentences is (N, T, letters). What a
place is told besides, such as the bar before, stands behind its letter: (N, T, letters + told).
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gan_lessons.networks.layers import Stack
from gan_lessons.tensors import expect_rng


class SentenceGenerator(nn.Module):
    """A GRU (Cho et al. 2014) that reads what it has written so far, and chooses the next letter.

    Chance comes from outside, as `gumbel_noise`: the letter with the highest logit + noise is a
    draw from the softmax of the logits (the Gumbel-max trick). Noise times T is a draw at the
    temperature T; without noise it is the likeliest letter.

    Args:
        letters: to choose from.
        width: of the GRU.
        told: numbers that it is told besides at each place; they stand behind the letters.
    """

    def __init__(self, letters: int, width: int = 96, told: int = 0) -> None:
        super().__init__()
        self.letters = letters
        self.memory = nn.GRU(letters + told, width, batch_first=True)
        self.last = nn.Linear(width, letters)

    def forward(self, inputs: Tensor, softness: float = 1.0) -> Tensor:
        """Noise and what is told (N, T, letters + told) → letters, one-hot, and what was told.

        The gradient is that of `straight_through`.
        """
        letter, state = torch.zeros_like(inputs[:, :1, : self.letters]), None
        written = []
        for each in inputs.split(1, dim=1):
            chance, told = each[..., : self.letters], each[..., self.letters :]
            found, state = self.memory(torch.cat([letter, told], dim=2), state)
            letter = straight_through(self.last(found) + chance, softness)
            written.append(torch.cat([letter, told], dim=2))
        return torch.cat(written, dim=1)

    def logits(self, sentences: Tensor) -> Tensor:
        """Of every letter, given those before it: (N, T, letters + told) → (N, T, letters)."""
        letters, told = sentences[..., : self.letters], sentences[..., self.letters :]
        before = torch.cat([torch.zeros_like(letters[:, :1]), letters[:, :-1]], dim=1)
        logits: Tensor = self.last(self.memory(torch.cat([before, told], dim=2))[0])
        return logits

    def log_likelihood(self, sentences: Tensor) -> Tensor:
        """log p of each sentence, given what is told: the sum over its letters, (N,)."""
        log_p = self.logits(sentences).log_softmax(dim=-1)
        return (log_p * sentences[..., : self.letters]).sum(dim=(1, 2))


class SentenceDiscriminator(Stack):
    """Sentences (N, T, letters + told) → logits (N,), all places at once by dense layers."""

    def __init__(self, letters: int, length: int, width: int = 128) -> None:
        super().__init__(
            nn.Flatten(),
            nn.Linear(letters * length, width),
            nn.LeakyReLU(0.2),
            nn.Linear(width, width),
            nn.LeakyReLU(0.2),
            nn.Linear(width, 1),
            nn.Flatten(0),
        )


def straight_through(logits: Tensor, softness: float = 1.0) -> Tensor:
    """One-hot at the highest logit, with the gradient of softmax(logits / softness).

    The straight-through Gumbel-softmax of Jang et al. 2017, once there is Gumbel noise in the
    logits: forward a choice, backward as if it had been a mixture. The gradient is biased.
    """
    soft = (logits / softness).softmax(dim=-1)
    hard = F.one_hot(soft.argmax(dim=-1), logits.shape[-1]).to(soft)
    return hard + soft - soft.detach()


def gumbel_noise(*shape: int, rng: torch.Generator) -> Tensor:
    """Draws of −log(−log u), u uniform in (0, 1): the standard Gumbel distribution."""
    expect_rng(rng)
    u = torch.rand(shape, generator=rng).clamp(1e-7, 1 - 1e-7)
    return -(-u.log()).log()
