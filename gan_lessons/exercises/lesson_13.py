"""Checks of lesson 13: what D is shown, weights as gradients, and sure but wrong readings."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from gan_lessons.data import degradations
from gan_lessons.exercises import (
    Answer,
    Wrong,
    as_number,
    call,
    close,
    exercise,
    expect_close,
    expect_shape,
)


@exercise("13.1")
def shown(answer: Answer) -> str:
    """A whole picture beside the condition, in any order of the channels."""
    rng = torch.Generator().manual_seed(131)
    for n, side, noise in ((5, 28, 0.0), (2, 12, 0.5)):
        truth, restored, other = torch.rand(3, n, 1, side, side, generator=rng) * 2 - 1
        mask = (torch.rand(n, 1, side, side, generator=rng) < 0.4).float()
        given = degradations.hide(truth, mask).pictures + noise * other * mask
        whole = torch.where(mask > 0, restored, given)
        got = call(answer, restored, given, mask)
        _refuse_channels(got, n, side)
        channels = [got[:, i : i + 1] for i in range(3)]
        _refuse_missing(channels, whole, restored, given, mask)
        _refuse_cut(answer, restored, given, mask, whole)
    return (
        "inside the hole what the network drew, outside it what was given: a seam between the two "
        "is in the picture, and D can punish it. And it sees what was asked."
    )


def _refuse_channels(got: object, n: int, side: int) -> None:
    if isinstance(got, tuple | list):
        raise Wrong(
            f"these are {len(got)} things; D takes one tensor. Put them together along the "
            "channels: torch.cat([…], dim=1)."
        )
    if isinstance(got, Tensor) and got.shape == (3 * n, 1, side, side):
        raise Wrong("they are below one another; channels stand side by side: dim=1.")
    if isinstance(got, Tensor) and got.dim() == 4 and got.shape[1:] == (1, side, side):
        raise Wrong(
            "that is one channel; three are wanted: the whole picture, the spoiled one, the mask."
        )
    if isinstance(got, Tensor) and got.dim() == 4 and got.shape[1:] == (2, side, side):
        raise Wrong(
            "these are two channels; three are wanted: the whole picture, the spoiled one, and "
            "the mask, which says which of its greys are ink and which are lost."
        )
    expect_shape(got, (n, 3, side, side))
    if isinstance(got, Tensor) and got.dtype != torch.float32:
        raise Wrong(
            f"the three planes are {got.dtype}; the pictures that were handed in are "
            "torch.float32, and so are D's weights."
        )


def _refuse_missing(
    channels: list[Tensor], whole: Tensor, restored: Tensor, given: Tensor, mask: Tensor
) -> None:
    def has(picture: Tensor) -> bool:
        return any(close(channel, picture) for channel in channels)

    if not has(whole):
        others = (
            (restored * mask, "that is only the patch, with nothing around it: a D that sees it "
             "cannot know whether it fits, and no adversary punishes the seam."),
            (torch.where(mask > 0, given, restored), "the mask is the wrong way round: 1 is where "
             "a pixel is lost, so there the network's pixel is wanted."),
            (restored + given, "where a pixel is kept, that adds what the network drew to it. "
             "Multiply by the mask and by 1 minus the mask first."),
            (restored * mask + given, "under the mask what was given there is added to what was "
             "drawn. In a hole that is 0, in a noisy picture it is not. Multiply by 1 − mask."),
            (restored, "that is all that the network drew, also outside the hole. But the picture "
             "that is handed out keeps the given pixels there, and D has to judge that one."),
        )  # fmt: skip
        for other, why in others:
            if has(other):
                raise Wrong(why)
        raise Wrong(
            "no channel is the whole picture: what was drawn where the mask is 1, what was given "
            "where it is 0."
        )
    if not has(mask):
        inverted = " It is the other way round: 1 where a pixel is lost." if has(1 - mask) else ""
        raise Wrong(f"no channel is the mask.{inverted}")
    if not has(given):
        where = " also under the mask, where a noisy picture is not 0" * has(given * (1 - mask))
        raise Wrong(f"no channel is the spoiled picture: D is to know what was given{where}.")


def _refuse_cut(
    answer: Answer, restored: Tensor, given: Tensor, mask: Tensor, whole: Tensor
) -> None:
    asked = restored.clone().requires_grad_()
    got = call(answer, asked, given, mask)
    slopes = torch.linspace(-1, 1, whole.numel()).view_as(whole)  # of a D, for each pixel
    picture = next((each for each in got.split(1, dim=1) if close(each, whole)), got[:, :1])
    back = None
    if picture.requires_grad:
        (back,) = torch.autograd.grad((picture * slopes).sum(), asked, allow_unused=True)
    if back is None:
        raise Wrong(
            "no gradient comes back through it, so the restorer would learn nothing from D: no "
            "detach(), no .data, no no_grad() here."
        )
    if not close(back, slopes * mask):
        raise Wrong(
            "the picture is right, but not the gradient that comes back through it: under the mask "
            "each drawn pixel has to get D's slope of that pixel, outside it 0."
        )


SPENT = (
    "the graph is gone once a gradient was taken; ask with retain_graph=True, as the training step "
    "needs it again."
)


@exercise("13.2")
def influence(answer: Answer) -> str:
    """Shares of the gradients that weighted losses send back to one picture."""
    rng = torch.Generator().manual_seed(132)
    for n, weights in ((4, [0.999, 0.001]), (3, [200.0, 1.0, 40.0])):
        x = torch.rand(n, 1, 6, 6, generator=rng)
        target = torch.rand(x.shape, generator=rng)
        steep = torch.linspace(0.1, 1.9, n).view(-1, 1, 1, 1)  # one picture more than another
        slope = 5 * steep * torch.randn(x.shape, generator=rng)
        pictures = x.clone().requires_grad_()
        parts = [
            (pictures - target).square().mean(),
            (pictures * slope).sum() / n,
            -(pictures * slope).sin().mean() + 3,
        ][: len(weights)]
        slopes = torch.stack(
            [torch.autograd.grad(part, pictures, retain_graph=True)[0] for part in parts]
        )
        truth = slopes.flatten(1).norm(dim=1) * torch.tensor(weights)
        pictures.grad = torch.full_like(x, 0.25)  # of another step, say
        got = _called(answer, parts, weights, pictures)
        if pictures.grad is None or not torch.equal(pictures.grad, torch.full_like(x, 0.25)):
            raise Wrong(
                "pictures.grad is no longer what it was: backward() adds to it, and who clears it "
                "takes away what stood there. A measurement leaves it alone; torch.autograd.grad "
                "only returns gradients."
            )
        if isinstance(got, list | tuple) and len(got) == len(weights):
            got = _as_tensor(got)
        expect_shape(got, (len(weights),), "One share for each loss.")
        got = got.detach().float()
        values = torch.stack([part.detach() for part in parts])
        _refuse_other_shares(got, slopes, torch.tensor(weights), values)
        expect_close(
            got,
            truth / truth.sum(),
            "The share of a loss is the length of its weighted gradient, over the sum of all",
        )
        _refuse_spent(parts, pictures)
    return "a weight says nothing until it is multiplied by the gradient that it weighs."


def _as_tensor(shares: Sequence[object]) -> Tensor:
    numbers = [as_number(each) for each in shares]
    if None in numbers:
        raise Wrong(f"the share at index {numbers.index(None)} is not a finite number.")
    return torch.tensor(numbers)


def _called(answer: Answer, parts: list[Tensor], weights: list[float], pictures: Tensor) -> Any:
    try:
        return call(answer, parts, weights, pictures)
    except Wrong as wrong:
        if "second time" in str(wrong):
            raise Wrong(SPENT) from None
        raise


def _refuse_spent(parts: list[Tensor], pictures: Tensor) -> None:
    try:
        torch.autograd.grad(torch.stack(parts).sum(), pictures)
    except RuntimeError:
        raise Wrong(SPENT) from None


def _refuse_other_shares(got: Tensor, slopes: Tensor, weights: Tensor, values: Tensor) -> None:
    def share(amounts: Tensor) -> Tensor:
        return amounts / amounts.sum()

    norms = slopes.flatten(1).norm(dim=1)
    single = slopes.flatten(2).norm(dim=2).mean(dim=1)  # of each picture's own gradient
    pull = norms * weights
    others = (
        (share(weights), "these are the weights alone. They say nothing of how steep each loss "
         "is: a steep one needs little weight."),
        (share(weights * values), "these are weighted *values*. A constant added to a loss "
         "changes its value and moves nothing; what moves the network is the gradient."),
        (share(values), "these are the values of the losses; gradients are wanted, weighted."),
        (share(norms), "the weights are missing: each gradient is multiplied by its weight."),
        (pull, "these are the lengths themselves: divide by their sum, to make shares."),
        (share(pull.square()), "these are squares of lengths; a pull is as long as its gradient."),
        (pull / pull.max(), "divide by the sum, not by the largest."),
        (pull / pull.norm(), "shares add up to 1: divide by the sum of the lengths."),
        (share(norms / weights), "a weight multiplies its gradient; here it divides."),
        (share(single * weights), "these are mean lengths of single pictures' gradients; asked is "
         "the length of the gradient with respect to all pictures together."),
    )  # fmt: skip
    for other, why in others:
        if close(got, other):
            raise Wrong(why)


@exercise("13.3")
def sure_and_wrong(answer: Answer) -> str:
    """The share of wrong readings among those that a classifier is sure of."""
    rng = torch.Generator().manual_seed(133)
    for n, level in ((400, 0.875), (300, 0.625)):  # float32 holds both exactly
        chances = (3 * torch.randn(n, 10, generator=rng)).softmax(dim=1)
        chances[:60] = torch.eye(10)[[3, 7] * 30] * level  # at the level, neither above nor below
        chances[:60, 5] = 1 - level
        labels = chances.argmax(dim=1)
        wrong = torch.rand(n, generator=rng) < 0.3
        labels = torch.where(wrong, (labels + 1) % 10, labels)
        best, read = chances.max(dim=1)
        sure, missed = best >= level, read != labels
        got = call(answer, chances, labels, level)
        expect_shape(got, ())
        got = torch.as_tensor(got).detach().double()
        _refuse_other_counts(got, sure, missed, chances, labels, level)
        truth = missed[sure].double().mean()
        expect_close(got, truth, "Of the pictures that it is sure of, the share read wrongly")
    unsure = torch.full((20, 10), 0.1)
    none = call(answer, unsure, labels[:20], 0.9, returns=False)
    if none is None:
        raise Wrong("where it is sure of no picture, it returns nothing; 0 is wanted there.")
    expect_shape(none, (), "That is where it is sure of no picture.")
    if not close(none, 0.0):
        raise Wrong("where it is sure of no picture, the answer is 0: nobody is misled.")
    return (
        "divided by those that it is sure of: that is how often somebody who trusts a sure "
        "reading is misled."
    )


def _refuse_other_counts(
    got: Tensor, sure: Tensor, missed: Tensor, chances: Tensor, labels: Tensor, level: float
) -> None:
    both = (sure & missed).double()
    asked, best = chances.gather(1, labels[:, None])[:, 0], chances.amax(dim=1)
    others = (
        (both.mean(), "that is the share of *all* pictures. Who trusts a sure reading wants to "
         "know how many of the sure ones are wrong: divide by how many it is sure of."),
        (both.sum(), "that is their number; a share is wanted."),
        (both.sum() / missed.sum(), "that is how many of the wrong ones it is sure of; asked is "
         "how many of the sure ones are wrong."),
        (missed.double().mean(), "that is the share of wrong readings among all, sure or not."),
        (1 - missed[sure].double().mean(), "that is the share read *rightly*."),
        (missed[best > level].double().mean(), "that leaves out the pictures whose largest "
         "probability is just the level; \"at least\" counts them."),
        (missed[~sure].double().mean(), "those are the ones that it is *not* sure of."),
        (sure.double().mean(), "that is how often it is sure; whether it is right, is asked."),
        ((asked < level).double().mean(), "that looks at the chance of the true digit. Sure is "
         "the classifier by its largest chance, whichever digit that is."),
    )  # fmt: skip
    for other, why in others:
        if close(got, other):
            raise Wrong(why)
