"""Checks of lesson 14: cycle error and meaning, the loss of chance, and two learning rates."""

import copy
import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from gan_lessons.exercises import Answer, Wrong, call, close, exercise, expect_close
from gan_lessons.exercises.puzzles.lesson_14 import shuffles


@exercise("14.1")
def there_and_back(answer: Answer) -> str:
    """Cycle error and agreement: of a permuting bijection, and of translations with errors."""
    rng = torch.Generator().manual_seed(141)
    pictures = torch.rand(60, 1, 6, 6, generator=rng) * 2 - 1
    labels = torch.arange(60) % 10
    pictures[torch.arange(60), 0, labels // 4, labels % 4] = 3.0  # so that `read` can read it

    def read(x: Tensor) -> Tensor:
        return x[:, 0, :4, :4].flatten(1)[:, :10].argmax(dim=1)

    told = torch.where(torch.arange(60) % 7 == 0, (labels + 1) % 10, labels)  # `read` errs here
    cases: dict[str, tuple[Any, Any]] = {
        "darker": (lambda x: 0.5 * x - 0.1, lambda x: 1.6 * torch.where(x > 2, -x, x) + 0.3),
        "mirrored": (lambda x: 0.9 * x.flip(3), lambda x: x.roll(1, dims=3)),
        "permuted": shuffles(pictures, labels),
    }
    for name, (to_b, to_a) in cases.items():
        wanted = labels if name == "permuted" else told
        got = _pair(call(answer, to_b, to_a, pictures, wanted, read), "cycle, agreement")
        made = to_b(pictures)
        back = to_a(made)
        _refuse_other_measures(got, (to_b, to_a), pictures, wanted, read)
        cycle, agreement = (back - pictures).abs().mean(), (read(made) == wanted).double().mean()
        expect_close(got[0], cycle, "The cycle error is the mean of |way there and back − picture|")
        expect_close(got[1], agreement, "The agreement is the share of translations read as label")
        if name == "permuted":
            found = f"{got[0]:.2f} and {got[1]:.0%}"
    return (
        f"one of the translations tried here turns every 1 into a 2, every 2 into a 3 … and knows "
        f"the way back: cycle error and agreement {found}. The way back says nothing of meaning."
    )


def _pair(got: Any, names: str) -> tuple[Tensor, Tensor]:
    """Two numbers, as tensors; ``names`` says which they are."""
    if isinstance(got, Tensor) and got.shape == (2,):
        got = tuple(got)
    if not isinstance(got, tuple | list) or len(got) != 2:
        raise Wrong(f"two numbers are wanted, in this order: return {names}.")
    made = []
    for value in got:
        try:
            tensor = torch.as_tensor(value).detach()
        except (TypeError, ValueError, RuntimeError) as error:
            raise Wrong(f"one of the two is no number: {type(value).__name__}.") from error
        if tensor.is_complex():
            raise Wrong("one of the two is a complex number; both are real.")
        if tensor.numel() != 1:
            raise Wrong(
                f"one of the two has the shape {tuple(tensor.shape)}; take the mean over all "
                "pictures, so that a number is left."
            )
        made.append(tensor.double().reshape(()))
    return made[0], made[1]


def _refuse_other_measures(
    got: tuple[Tensor, Tensor],
    ways: tuple[Any, Any],
    pictures: Tensor,
    labels: Tensor,
    read: Any,
) -> None:
    to_b, to_a = ways
    made, first = to_b(pictures), to_a(pictures)
    back = to_a(made)
    cycle, agreement = (back - pictures).abs().mean(), (read(made) == labels).double().mean()
    if close(got[0], agreement) and close(got[1], cycle) and not close(cycle, agreement):
        raise Wrong("the two are in the other order: the cycle error first.")
    cycles = (
        ((back - pictures).square().mean(), "that is the *squared* error; CycleGAN takes the "
         "absolute one."),
        ((back - pictures).mean(), "differences of both signs cancel: take abs() before the mean."),
        ((back - pictures).abs().sum(), "that is the sum over all pixels; the mean is wanted."),
        ((made - pictures).abs().mean(), "that compares the picture with its *translation*; the "
         "cycle goes back first: to_a(to_b(x))."),
        ((back - made).abs().mean(), "that compares the two networks' outputs; the way back has "
         "to end where it began: at the picture."),
        ((to_b(first) - pictures).abs().mean(), "that goes through to_a first; pictures of A are "
         "translated by to_b, and to_a brings them back."),
    )  # fmt: skip
    for other, why in cycles:
        if close(got[0], other) and not close(other, cycle):
            raise Wrong(f"of the cycle error: {why}")
    reads = (
        ((read(back) == labels).double().mean(), "that reads what *came back*. Whoever knows the "
         "way back gets that right, whatever stands in between: read the translation."),
        ((read(pictures) == labels).double().mean(), "that reads the pictures themselves, before "
         "anything is translated."),
        ((read(made) == labels).double().sum(), "that is how many; the share is wanted."),
        (1 - agreement, "that is the share read as *another* digit."),
        ((read(first) == labels).double().mean(), "that reads what to_a makes of the pictures; "
         "pictures of A are translated by to_b."),
        ((read(made) == read(pictures)).double().mean(), "that compares with what was "
         "*read* before; readers err: compare with the labels."),
    )  # fmt: skip
    for other, why in reads:
        if close(got[1], other) and not close(other, agreement):
            raise Wrong(f"of the agreement: {why}")


@exercise("14.2")
def chance(answer: Answer) -> str:
    """D's loss as a sum of two cross-entropies, and what it is where D cannot tell."""
    rng = torch.Generator().manual_seed(142)
    for real, fake in ((torch.randn(9, generator=rng), 2 * torch.randn(9, generator=rng)),
                       (torch.randn(4, 49, generator=rng), torch.randn(7, 49, generator=rng) - 1),
                       (torch.full((3,), 120.0), torch.full((3,), 110.0)),
                       (torch.full((3,), -120.0), torch.full((3,), -110.0))):  # fmt: skip
        got = _pair(call(answer, real, fake), "loss, level")
        ours = nn.functional.softplus(-real).mean()
        theirs = nn.functional.softplus(fake).mean()
        _refuse_other_losses(got, ours, theirs, real, fake)
        expect_close(
            got[0],
            ours + theirs,
            "The loss is the mean of −log D(real) plus the mean of −log(1 − D(fake)), of logits",
        )
        _refuse_other_levels(got[1])
    return (
        "1.386 = 2 log 2 for a sum of two cross-entropies, 0.693 for their mean. At 0.69 this D "
        "is far from lost: it tells the two apart."
    )


def _refuse_other_losses(
    got: tuple[Tensor, Tensor], ours: Tensor, theirs: Tensor, real: Tensor, fake: Tensor
) -> None:
    both = nn.functional.softplus(torch.cat([-real.flatten(), fake.flatten()])).mean()
    want = ours + theirs
    if not got[0].isfinite():
        raise Wrong(
            "the loss is infinite or NaN for a confident D: of logits beyond ±100 the sigmoid is "
            "rounded to 1 or 0, and log 0 is −∞; an exp of 110 is too large for float32. Compute "
            "it from the logits: softplus, or a cross-entropy with logits."
        )
    others = (
        (want / 2, "that is the *mean* of the two terms; this program adds them. (Its level would "
         "be another one, too: that is what the exercise is about.)"),
        (both, "that is one mean over all answers together; this program takes a mean of the real "
         "ones and a mean of the fake ones, and adds them."),
        (nn.functional.softplus(real).mean() + nn.functional.softplus(-fake).mean(),
         "real and fake are exchanged: D is to answer 1 to real pictures and 0 to fakes."),
        (nn.functional.softplus(-real).mean() + nn.functional.softplus(-fake).mean(),
         "that wants D to call the fakes real, too: their target is 0."),
        (ours, "the fakes are missing."),
        (theirs, "the real pictures are missing."),
        (-want, "the sign is wrong: a loss is the *negative* log of the right answer."),
        (want / math.log(2), "that is in bits, by a logarithm to the base 2; losses take the "
         "natural one."),
        (real.mean() * -1 + fake.mean(), "that is the loss of a critic (lesson 10); here a "
         "cross-entropy is wanted."),
    )  # fmt: skip
    for other, why in others:
        if close(got[0], other) and not close(other, want):
            raise Wrong(f"of the loss: {why}")


def _refuse_other_levels(level: Tensor) -> None:
    others = (
        (math.log(2), "0.693 is one cross-entropy of a D that answers ½. Here two are added, and "
         "each is 0.693: that line was drawn too low by half."),
        (0.5, "½ is D's answer where it cannot tell; asked is what its *loss* is then."),
        (1.0, "1 would be two halves, or one of the two terms in bits; asked is −log ½ − log ½, "
         "by the natural logarithm."),
        (2.0, "that is in bits: −log₂ ½ is 1. The loss takes the natural logarithm."),
        (math.log10(4), "that is a logarithm to the base 10; the loss takes the natural one."),
        (0.0, "0 is the loss of a D that is always right and certain."),
        (-2 * math.log(2), "that is the value V of the game; D's loss is −V."),
    )  # fmt: skip
    for other, why in others:
        if close(level, other, 2e-3):
            raise Wrong(f"of the level: {why}")
    expect_close(
        level,
        2 * math.log(2),
        "The level is the loss of a D that answers ½, the logit 0, to every picture",
        2e-3,
    )


@exercise("14.3")
def rates(answer: Answer) -> str:
    """Two Adams, of which the discriminators' really takes steps of half the length."""
    for lr in (1e-2, 3e-4):
        generators, discriminators = _networks(3, 0), _networks(2, 10)
        both = [list(generators), list(discriminators)]
        everywhere = [p for networks in both for network in networks for p in network.parameters()]
        before = [p.detach().clone() for p in everywhere]
        optimizers = _optimizers(call(answer, generators, discriminators, lr))
        _refuse_touched(everywhere, before)
        _refuse_missing(optimizers, both, everywhere)
        for scale in (1.0, 0.5):
            moved = [
                _moved(o, networks, scale) for o, networks in zip(optimizers, both, strict=True)
            ]
            _refuse_unequal(moved)
            _refuse_other_steps([min(each) for each in moved], lr)
    return (
        "half the rate is half the step. Half the *loss* changes nothing: Adam divides by the size "
        "of the gradient, and a half cancels."
    )


def _networks(width: int, seed: int) -> tuple[nn.Module, nn.Module]:
    torch.manual_seed(seed)
    return nn.Linear(width, width), nn.Linear(width, width)


def _optimizers(handed: Any) -> list[Any]:
    if not isinstance(handed, tuple | list) or len(handed) != 2:
        raise Wrong("two optimizers are wanted: return adam_generators, adam_discriminators.")
    for optimizer in handed:
        if not isinstance(optimizer, torch.optim.Optimizer):
            raise Wrong(f"{type(optimizer).__name__} is no optimizer of torch.optim.")
        if not isinstance(optimizer, torch.optim.Adam | torch.optim.AdamW):
            raise Wrong(
                f"that is {type(optimizer).__name__}. CycleGAN, and this exercise, take Adam, "
                "whose steps do not depend on the size of the gradient."
            )
        if any(group["maximize"] for group in optimizer.param_groups):
            raise Wrong("maximize=True climbs the loss; both sides go *down* theirs.")
    return list(handed)


def _refuse_touched(parameters: Sequence[nn.Parameter], before: Sequence[Tensor]) -> None:
    if not all(p.requires_grad for p in parameters):
        raise Wrong("requires_grad was switched off for some weights: these would never learn.")
    if not all(torch.equal(p, was) for p, was in zip(parameters, before, strict=True)):
        raise Wrong("weights of the networks were changed: only optimizers are to be made.")


def _refuse_missing(
    optimizers: Sequence[Any], both: Sequence[Sequence[nn.Module]], everywhere: list[nn.Parameter]
) -> None:
    names = ("generators", "discriminators")
    for i, (optimizer, networks) in enumerate(zip(optimizers, both, strict=True)):
        has = {id(p) for group in optimizer.param_groups for p in group["params"]}
        own = {id(p) for network in networks for p in network.parameters()}
        others = {id(p) for p in everywhere} - own
        if has == others:
            raise Wrong("the two optimizers are in the other order: the generators' first.")
        if has & others:
            raise Wrong(
                f"the {names[i]}' optimizer also moves networks of the other side: each side moves "
                "its own only."
            )
        if has != own:
            raise Wrong(
                f"the {names[i]}' optimizer has {len(has & own)} of {len(own)} weights and biases: "
                "both networks belong in it, [*one.parameters(), *other.parameters()]."
            )


def _moved(optimizer: Any, networks: Sequence[nn.Module], scale: float) -> list[float]:
    """Size of each network's first step down a loss; weights and optimizer are put back."""
    before = [p.detach().clone() for network in networks for p in network.parameters()]
    state = copy.deepcopy(optimizer.state_dict())
    optimizer.zero_grad()
    loss = sum((p * (1 + p.detach())).sum() for n in networks for p in n.parameters()) * scale
    torch.as_tensor(loss).backward()
    optimizer.step()
    steps, were = [], iter(before)
    with torch.no_grad():
        for network in networks:
            moved = []
            for parameter, was in zip(network.parameters(), were, strict=False):
                moved.append((parameter - was).abs().flatten())
                parameter.copy_(was)
            steps.append(torch.cat(moved).median().item())
    optimizer.load_state_dict(state)
    return steps


def _refuse_unequal(moved: list[list[float]]) -> None:
    for side, (one, other) in zip(("generators", "discriminators"), moved, strict=True):
        if not math.isclose(one, other, rel_tol=0.02):
            raise Wrong(
                f"the first of the two {side} takes steps of {one:.2g}, the second of {other:.2g}: "
                "networks of one side take steps of one length."
            )


def _refuse_other_steps(moved: list[float], lr: float) -> None:
    generators, discriminators = moved
    share = discriminators / generators if generators else 0.0
    if not math.isclose(generators, lr, rel_tol=0.02):
        raise Wrong(
            f"the generators' first step is {generators:.2g} long, where the rate is {lr:g}: they "
            "take the rate as it is."
        )
    if math.isclose(share, 1, rel_tol=0.02):
        raise Wrong(
            "the discriminators take steps as long as the generators': their optimizer needs half "
            "the rate. (Dividing a loss by two is no way to it, whatever is often published.)"
        )
    if math.isclose(share, 2, rel_tol=0.02):
        raise Wrong("the discriminators take steps *twice* as long; half as long is wanted.")
    if not math.isclose(share, 0.5, rel_tol=0.02):
        raise Wrong(
            f"the discriminators' first step is {share:.3g} times as long as the generators'; half "
            "as long is wanted."
        )
