"""Misconceptions of lesson 19, each with a piece of the sentence that must answer it."""

import torch


def _batch(order, step, batch_size):
    return order[step * batch_size : (step + 1) * batch_size]


def _slice(order, step, batch_size, rank, ranks):
    mine = batch_size // ranks
    start = step * batch_size + rank * mine
    return order[start : start + mine]


def _every_other(order, step, batch_size, rank, ranks):
    return _batch(order, step, batch_size)[rank::ranks]


def _rows(order, step, batch_size, rank, ranks):
    return _batch(order, step, batch_size).view(ranks, -1)[rank]


def _as_list(order, step, batch_size, rank, ranks):
    return _slice(order, step, batch_size, rank, ranks).tolist()


def _scalars(order, step, batch_size, rank, ranks):
    return list(_slice(order, step, batch_size, rank, ranks))


def _array(order, step, batch_size, rank, ranks):
    return _slice(order, step, batch_size, rank, ranks).numpy()


def _equal_chunks(order, step, batch_size, rank, ranks):
    return order.chunk(len(order) // batch_size)[step].chunk(ranks)[rank]


def _grid(order, step, batch_size, rank, ranks):
    return order.view(-1, ranks, batch_size // ranks)[step, rank]


def _overlapping(order, step, batch_size, rank, ranks):
    start = step * batch_size + rank
    return order[start : start + batch_size // ranks]


def _unequal(order, step, batch_size, rank, ranks):
    batch = _batch(order, step, batch_size)
    return batch[:1] if rank == 0 else batch[1:].chunk(ranks - 1)[rank - 1]


def _own_data_dealt(order, step, batch_size, rank, ranks):
    return _batch(order[rank::ranks], step, batch_size // ranks)


def _own_data_cut(order, step, batch_size, rank, ranks):
    return _batch(order.chunk(ranks)[rank], step, batch_size // ranks)


def _slow(order, step, batch_size, rank, ranks):
    mine = batch_size // ranks
    start = step * mine + rank * mine
    return order[start : start + mine]


def _places(order, step, batch_size, rank, ranks):
    return _slice(torch.arange(len(order)), step, batch_size, rank, ranks)


def _loop(gradients, counts):
    total = torch.zeros_like(gradients[0])
    for gradient, count in zip(gradients, counts, strict=True):
        total = total + count * gradient
    return total / sum(counts)


def _matrix(gradients, counts):
    weights = torch.tensor(counts, dtype=torch.float)
    return (weights / weights.sum()) @ torch.stack(gradients)


def _einsum(gradients, counts):
    return torch.einsum("r,rp->p", torch.tensor(counts) / sum(counts), torch.stack(gradients))


def _weighed(gradients, weights):
    pairs = zip(gradients, weights, strict=True)
    return sum((weight * gradient for gradient, weight in pairs), torch.zeros(6))


def _inverse(gradients, counts):
    weights = [1 / count if count else 0.0 for count in counts]
    return _weighed(gradients, weights) / sum(weights)


def _overwriting(gradients, counts):
    total = gradients[0]
    total *= counts[0]
    for gradient, count in zip(gradients[1:], counts[1:], strict=True):
        total += count * gradient
    return total / sum(counts)


RIGHT = {
    "19.1": [
        (_slice,),
        (_every_other,),
        (_rows,),
        (_as_list,),
        (_own_data_dealt,),
        (_scalars,),
        (_array,),
    ],
    "19.2": [(_loop,), (_matrix,), (_einsum,)],
}
WRONG = {
    "19.1": [
        (lambda order, step, b, rank, ranks: _batch(order, step, b), "together"),
        (lambda order, step, b, rank, ranks: _batch(order, step * ranks + rank, b), "together"),
        (_unequal, "equally many"),
        (lambda order, step, b, rank, ranks: _slice(order, step, b, 0, ranks), "the same samples"),
        (lambda order, step, b, rank, ranks: _slice(order, 0, b, rank, ranks), "the first batch"),
        (_slow, "samples come again"),
        (_equal_chunks, "a whole number of batches"),
        (_grid, "invalid for input of size 43"),
        (_overlapping, "must not overlap"),
        (lambda order, step, b, rank, ranks: _batch(order, step, b).chunk(ranks), "all shares"),
        (
            lambda order, step, b, rank, ranks: _batch(order, step, b).split(2),
            "a sequence of tensors",
        ),
        (lambda order, step, b, rank, ranks: _batch(order, step, b).view(ranks, -1), "row `rank`"),
        (lambda order, step, b, rank, ranks: slice(step * b, step * b + b // ranks), "whole"),
        (
            lambda order, step, b, rank, ranks: range(rank * b // ranks, (rank + 1) * b // ranks),
            "places in `order`",
        ),
        (_own_data_cut, "Cut the batch, not the data"),
        (_places, "places in `order`"),
        (lambda order, step, b, rank, ranks: _slice(order, step + 1, b, rank, ranks), "at step 0"),
        (lambda order, step, b, rank, ranks: order[step + rank], "batch_size / ranks"),
        (lambda order, step, b, rank, ranks: _slice(order, step, b, rank, ranks) / 2, "whole"),
    ],
    "19.2": [
        (lambda g, n: torch.stack(g).mean(dim=0), "the plain mean"),
        (lambda g, n: torch.stack(g).sum(dim=0), "that is the sum"),
        (lambda g, n: _weighed(g, n), "over all samples; divide"),
        (lambda g, n: _weighed(g, n) / len(n), "not by that of ranks"),
        (lambda g, n: _weighed(g, n) / max(n), "the largest share"),
        (lambda g, n: torch.stack(g).sum(dim=0) / sum(n), "takes means for sums"),
        (lambda g, n: g[0], "rank 0's alone"),
        (lambda g, n: g[-1], "the last rank's alone"),
        (lambda g, n: _weighed(g, [c * c for c in n]) / sum(c * c for c in n), "the square"),
        (lambda g, n: g[n.index(max(n))], "of the largest share only"),
        (_inverse, "weighs by 1/count"),
        (_overwriting, "overwrites a gradient"),
        (lambda g, n: _weighed(g, n).sum(), "where (6,) is wanted"),
        (lambda g, n: torch.zeros(6), "as much as it has samples"),
    ],
}
