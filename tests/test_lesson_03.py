"""The checks of lesson 03 accept every right way to write a step, not only the lesson's own."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Optimizer

from gan_lessons.exercises import grade

bce = F.binary_cross_entropy_with_logits


def two_backwards(
    generator: nn.Module, discriminator: nn.Module, _: Optimizer, own: Optimizer, real: Tensor
) -> Tensor:
    discriminator.zero_grad()
    logits = discriminator(real)
    on_real = bce(logits, torch.ones_like(logits))
    on_real.backward()
    logits = discriminator(generator(torch.randn(len(real), 4)).detach())
    on_fake = bce(logits, torch.zeros_like(logits))
    on_fake.backward()
    own.step()
    return (on_real + on_fake).detach()


def without_a_graph(
    generator: nn.Module, discriminator: nn.Module, _: Optimizer, own: Optimizer, real: Tensor
) -> float:
    own.zero_grad(set_to_none=False)
    with torch.no_grad():
        fake = generator(torch.randn(len(real), 4))
    logits = discriminator(torch.cat([real, fake]))
    loss = F.softplus(-logits[: len(real)]).mean() + F.softplus(logits[len(real) :]).mean()
    loss.backward()
    own.step()
    return loss.item()


def frozen_for_a_while(
    generator: nn.Module, discriminator: nn.Module, own: Optimizer, _: Optimizer, n: int
) -> float:
    discriminator.requires_grad_(False)
    logits = discriminator(generator(torch.randn(n, 4)))
    loss = bce(logits, torch.ones_like(logits))
    generator.zero_grad()
    loss.backward()
    own.step()
    discriminator.requires_grad_(True)
    return loss.item()


def clears_both(
    generator: nn.Module, discriminator: nn.Module, own: Optimizer, other: Optimizer, n: int
) -> float:
    loss = -F.logsigmoid(discriminator(generator(torch.randn(n, 4)))).mean()
    own.zero_grad()
    other.zero_grad()
    loss.backward()
    own.step()
    other.zero_grad()
    return loss.item()


@pytest.mark.parametrize(
    ("number", "answer"),
    [
        ("3.2", two_backwards),
        ("3.2", without_a_graph),
        ("3.3", frozen_for_a_while),
        ("3.3", clears_both),
        ("3.1", lambda rate: torch.eye(2) + rate * torch.tensor([[-rate, -1.0], [1.0, 0.0]])),
    ],
)
def test_other_right_answers_are_right(number: str, answer: object) -> None:
    verdict = grade(number, answer)
    assert verdict.status == "right", verdict


def test_a_step_that_never_begins_to_learn_is_not_yet() -> None:
    def looks_only(
        generator: nn.Module, discriminator: nn.Module, *_: Optimizer | Tensor | int
    ) -> float:
        loss = F.softplus(-discriminator(generator(torch.randn(24, 4)))).mean()
        return loss.item()

    for number, player in (("3.2", "D"), ("3.3", "G")):
        verdict = grade(number, looks_only)
        assert verdict.status == "not yet"
        assert verdict.message.startswith(f"{player} has not moved")
