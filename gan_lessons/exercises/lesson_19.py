"""Checks of lesson 19: a rank's share of a batch, and the mean of the ranks' gradients."""

from typing import Any

import torch
from torch import Tensor

from gan_lessons.exercises import Answer, Wrong, call, close, exercise, expect_close, expect_shape


@exercise("19.1")
def share(answer: Answer) -> str:
    """Together the ranks have the batch of a single process, each of them equally many of it."""
    rng = torch.Generator().manual_seed(191)
    for n, batch_size, ranks in ((43, 8, 2), (40, 12, 3)):  # no whole number of batches
        order = torch.randperm(n, generator=rng)
        for step in (0, 1, 2):
            given = [call(answer, order, step, batch_size, rank, ranks) for rank in range(ranks)]
            parts = [_indices(part, ranks) for part in given]
            _refuse_other_sizes(parts, batch_size, ranks)
            _refuse_other_samples(parts, order, step, batch_size, ranks)
    return (
        "together they have the batch of a single process, and over an epoch no sample twice: "
        "the run stays the same run, however many share it."
    )


def _indices(part: Any, ranks: int) -> Tensor:
    """What an answer returned (a tensor, an array, a list, a range) as a tensor of integers."""
    if isinstance(part, list | tuple) and any(getattr(i, "ndim", 0) for i in part):
        if len(part) == ranks:
            raise Wrong("that is all shares; pick this rank's with [rank].")
        raise Wrong("that is a sequence of tensors: return one, this rank's indices.")
    try:
        found = torch.as_tensor(part)
    except (TypeError, ValueError, RuntimeError):
        found = torch.tensor(torch.nan)
    if found.numel() and (found.is_floating_point() or found.dtype == torch.bool):
        raise Wrong("indices are whole numbers: return a part of `order` itself.")
    return found.long()


def _refuse_other_sizes(parts: list[Tensor], batch_size: int, ranks: int) -> None:
    mine = batch_size // ranks
    sizes = [part.numel() for part in parts]
    if any(part.shape == (ranks, mine) for part in parts):
        raise Wrong("these are the shares of all ranks, one in each row: pick row `rank`.")
    if all(part.shape == (batch_size,) for part in parts):
        raise Wrong(
            f"each of the {ranks} ranks gets {batch_size} samples, so the batch of all is "
            f"{batch_size * ranks}. batch_size is that of all of them together."
        )
    if len(set(sizes)) > 1 and sum(sizes) != batch_size:
        raise Wrong(
            f"the ranks get {sizes} samples, which makes {sum(sizes)}; a batch has {batch_size}. "
            "The samples need not fill a whole number of batches: cut off batch_size at each step."
        )
    if len(set(sizes)) > 1:
        raise Wrong(
            f"the ranks get {sizes} samples. With unequal shares the mean of their gradients is "
            "not the gradient of the batch; each is to have equally many."
        )
    for part in parts:
        expect_shape(part, (mine,), "Each rank gets batch_size / ranks of them.")


def _refuse_other_samples(
    parts: list[Tensor], order: Tensor, step: int, batch_size: int, ranks: int
) -> None:
    mine = batch_size // ranks
    found = torch.cat(parts).sort().values
    positions = torch.arange(step * batch_size, (step + 1) * batch_size)
    if torch.equal(found, order[positions].sort().values):
        return
    if all(torch.equal(part.sort().values, parts[0].sort().values) for part in parts[1:]):
        raise Wrong(
            "two ranks get the same samples: they then do one another's work, and the batch has "
            "fewer different samples than it should. `rank` has to decide which."
        )
    if len(found.unique()) < len(found):
        raise Wrong(
            "some samples come twice: the batch has fewer different samples than it should. The "
            "shares must not overlap, nor name a sample twice."
        )
    if torch.equal(found, positions):
        raise Wrong(
            "these are places in `order`, always the same samples one after the other. Look up "
            "which samples stand at those places."
        )
    if step and torch.equal(found, order[:batch_size].sort().values):
        raise Wrong("that is the first batch again: `step` says which one it is.")
    if torch.equal(found, order[step * mine : step * mine + batch_size].sort().values):
        raise Wrong(
            "from one step to the next that moves on by one rank's share, so that samples come "
            "again. All ranks together use up batch_size at a step."
        )
    cut = [part[step * mine : (step + 1) * mine] for part in order.chunk(ranks)]
    if torch.equal(found, torch.cat(cut).sort().values):
        raise Wrong(
            "every rank goes through a part of the data of its own. Each sample comes once, but "
            "together these are not the batch of a single process: with another number of ranks "
            "it would be another run. Cut the batch, not the data."
        )
    raise Wrong(
        f"at step {step} together the ranks have to have order[{step * batch_size} : "
        f"{(step + 1) * batch_size}], in any way of sharing it."
    )


@exercise("19.2")
def average_gradients(answer: Answer) -> str:
    """The gradient of the mean over all samples, out of those of means over shares."""
    rng = torch.Generator().manual_seed(192)
    for counts in ([1, 7, 4], [3, 5], [4, 0, 2]):
        slopes = [torch.randn(count, 6, generator=rng) for count in counts]
        zeros = torch.zeros(6)
        means = [slope.mean(dim=0) if len(slope) else zeros for slope in slopes]
        truth = torch.cat(slopes).mean(dim=0)
        got = call(answer, [mean.clone() for mean in means], counts)
        expect_shape(got, (6,))
        _refuse_other_means(got.detach().float(), means, counts)
        expect_close(got, truth, "Each rank counts as much as it has samples")
        given = [mean.clone() for mean in means]
        call(answer, given, counts)
        if not all(torch.equal(a, b) for a, b in zip(given, means, strict=True)):
            raise Wrong(
                "it overwrites a gradient that it was given, and the optimizer may need that one: "
                "make something new (total = total + … rather than total += …)."
            )
    return (
        "weighted by their samples the means of shares are the mean of all; with equal shares "
        "that is the plain mean."
    )


def _refuse_other_means(got: Tensor, means: list[Tensor], counts: list[int]) -> None:
    total, ranks = sum(counts), len(counts)
    weighted = sum((c * g for c, g in zip(counts, means, strict=True)), torch.zeros(6))
    stacked = torch.stack(means)
    least = [1 / c if c else 0.0 for c in counts]
    twice = [c * c for c in counts]
    others = (
        (stacked.mean(dim=0), "that is the plain mean of the ranks. A sample of a small share then "
         "counts for more than one of a large share: weigh by the counts."),
        (stacked.sum(dim=0), "that is the sum. The step would grow with the number of ranks."),
        (weighted, "that is the sum over all samples; divide by how many they are."),
        (weighted / ranks, "divide by the number of samples, not by that of ranks."),
        (weighted / max(counts), "divide by all samples, not by the largest share."),
        (stacked.sum(dim=0) / total, "that takes means for sums: a rank's mean stands for as many "
         "samples as it had. Multiply by its count first."),
        (means[0], "that is rank 0's alone: what the others have learned is lost."),
        (means[-1], "that is the last rank's alone: what the others have learned is lost."),
        (means[max(range(ranks), key=counts.__getitem__)], "that is the gradient of the largest "
         "share only."),
        (sum((w * g for w, g in zip(least, means, strict=True)), torch.zeros(6)) / sum(least),
         "that weighs by 1/count: the smaller a share, the more it says. It is the other way."),
        (sum((w * g for w, g in zip(twice, means, strict=True)), torch.zeros(6)) / sum(twice),
         "that weighs by the square of the count: count each sample once, not twice."),
        (stacked.median(dim=0).values, "that is the median of each number; a gradient of means is "
         "a mean."),
    )  # fmt: skip
    for other, why in others:
        if close(got, other):
            raise Wrong(why)
