"""Misconceptions of lesson 13, each with a piece of the sentence that must answer it."""

import torch


def _whole(restored, given, mask):
    return mask * restored + (1 - mask) * given


def _beside(*channels):
    return torch.cat(channels, dim=1)


def _in_place(restored, given, mask):
    whole = given.clone()
    whole[mask > 0] = restored[mask > 0]
    return torch.cat([whole, given, mask], 1)


def _cut_off(restored, given, mask):
    whole = torch.where(mask > 0, restored, given).detach() + 0 * restored.mean()
    return torch.cat([whole, given, mask], 1)


def _gradients(losses, pictures):
    return [torch.autograd.grad(loss, pictures, retain_graph=True)[0] for loss in losses]


def _share(amounts):
    return amounts / amounts.sum()


def _norms(losses, pictures):
    return torch.stack([gradient.norm() for gradient in _gradients(losses, pictures)])


def _weighted_first(losses, weights, pictures):
    pairs = zip(losses, weights, strict=True)
    return _share(_norms([weight * loss for loss, weight in pairs], pictures))


def _without_keeping(losses, weights, pictures):
    lengths = [torch.autograd.grad(loss, pictures)[0].norm() for loss in losses]
    lengths += [torch.autograd.grad(loss, pictures)[0].norm() for loss in losses]
    return _share(torch.stack(lengths[: len(losses)]))


def _once(losses, weights, pictures):
    lengths = [torch.autograd.grad(loss, pictures)[0].norm() for loss in losses]
    return _share(torch.stack(lengths) * torch.tensor(weights))


def _mean_of_single(losses, weights, pictures):
    lengths = [each.flatten(1).norm(dim=1).mean() for each in _gradients(losses, pictures)]
    return _share(torch.stack(lengths) * torch.tensor(weights))


def _moves_the_pictures(losses, weights, pictures):
    shares = _weighted_first(losses, weights, pictures)
    pictures.data.mul_(0.9)
    return shares


def _backward(losses, weights, pictures):
    lengths = []
    for loss, weight in zip(losses, weights, strict=True):
        pictures.grad = None
        (weight * loss).backward(retain_graph=True)
        lengths.append(pictures.grad.norm())
    return _share(torch.stack(lengths))


def _backward_and_clear(losses, weights, pictures):
    shares = _backward(losses, weights, pictures)
    pictures.grad = None
    return shares


def _as_list(losses, weights, pictures):
    return _weighted_first(losses, weights, pictures).tolist()


def _of_a_graph_of_its_own(losses, weights, pictures):
    pairs = zip(losses, weights, strict=True)
    return _share(
        torch.stack(
            [w * torch.autograd.grad(a, pictures, create_graph=True)[0].norm() for a, w in pairs]
        )
    )


def _by_hand(losses, weights, pictures):
    pairs = zip(_gradients(losses, pictures), weights, strict=True)
    lengths = [weight * gradient.square().sum().sqrt() for gradient, weight in pairs]
    return torch.stack([length / sum(lengths) for length in lengths])


def _read(chances, labels, level):
    best, read = chances.max(dim=1)
    return best >= level, read != labels


def _guarded(chances, labels, level):
    sure, wrong = _read(chances, labels, level)
    return wrong[sure].double().mean() if sure.any() else torch.tensor(0.0)


def _loop(chances, labels, level):
    sure = wrong = 0
    for row, label in zip(chances.tolist(), labels.tolist(), strict=True):
        if max(row) >= level:
            sure += 1
            wrong += row.index(max(row)) != label
    return wrong / max(sure, 1)


def _no_guard(chances, labels, level):
    sure, wrong = _read(chances, labels, level)
    return wrong[sure].double().mean()


def _only_if_sure(chances, labels, level):
    sure, wrong = _read(chances, labels, level)
    return wrong[sure].double().mean() if sure.any() else None


def _no_list_if_unsure(chances, labels, level):
    sure, wrong = _read(chances, labels, level)
    return wrong[sure].double().mean() if sure.any() else torch.zeros(1)


def _text_if_unsure(chances, labels, level):
    sure, wrong = _read(chances, labels, level)
    return wrong[sure].double().mean() if sure.any() else "0"


def _strictly(chances, labels, level):
    best, read = chances.max(dim=1)
    sure = best > level
    return (sure & (read != labels)).sum() / sure.sum().clamp(min=1)


def _at_true(chances, labels, level):
    return (chances.gather(1, labels[:, None]) < level).double().mean()


def _of(select):
    def answer(chances, labels, level):
        return select(*_read(chances, labels, level))

    return answer


RIGHT = {
    "13.1": [
        (_in_place,),
        (lambda r, g, m: _beside(g, m, _whole(r, g, m)),),
        (lambda r, g, m: torch.hstack([m, torch.where(m > 0, r, g), g]),),
        (lambda r, g, m: _beside(torch.lerp(g, r, m), g, m),),
    ],
    "13.2": [(_weighted_first,), (_as_list,), (_by_hand,), (_of_a_graph_of_its_own,)],
    "13.3": [
        (_guarded,),
        (_loop,),
        (_of(lambda sure, wrong: (sure & wrong).sum() / sure.sum().clamp(min=1)),),
        (_of(lambda sure, wrong: ((sure & wrong).sum() / sure.sum()).nan_to_num()),),
    ],
}
WRONG = {
    "13.1": [
        (lambda r, g, m: r * m, "one channel"),
        (lambda r, g, m: _whole(r, g, m), "one channel"),
        (lambda r, g, m: _beside(_whole(r, g, m), m), "two channels"),
        (lambda r, g, m: _beside(_whole(r, g, m), g), "two channels"),
        (lambda r, g, m: (_whole(r, g, m), g, m), "these are 3 things"),
        (lambda r, g, m: torch.cat([_whole(r, g, m), g, m]), "dim=1"),
        (lambda r, g, m: g, "one channel"),
        (lambda r, g, m: _beside(r * m, g, m), "no adversary punishes the seam"),
        (lambda r, g, m: _beside(r * m + g, g, m), "what was given there is added"),
        (
            lambda r, g, m: _beside(_whole(r, g, m), _whole(r, g, m) * (1 - m), m),
            "a noisy picture is not 0",
        ),
        (lambda r, g, m: _beside(_whole(r, g, m), g * (1 - m), m), "a noisy picture is not 0"),
        (lambda r, g, m: _beside(torch.where(g == 0, r, g), g, m), "is the whole picture"),
        (lambda r, g, m: _beside(_whole(r, g, m), g, (g == 0).float()), "no channel is the mask"),
        (_cut_off, "not the gradient that comes back"),
        (
            lambda r, g, m: _beside(_whole(r, g, m), g, m).detach().requires_grad_(),
            "no gradient comes back",
        ),
        (lambda r, g, m: _beside(r, g, m), "outside the hole"),
        (lambda r, g, m: _beside(_whole(r, g, 1 - m), g, m), "the wrong way round"),
        (lambda r, g, m: _beside(_whole(r, g, m), g, 1 - m), "the other way round"),
        (lambda r, g, m: _beside(r + g, g, m), "adds what the network drew"),
        (lambda r, g, m: _beside(_whole(r, g, m), m, m), "no channel is the spoiled"),
        (lambda r, g, m: _beside(_whole(r, g, m), g, g), "no channel is the mask"),
        (lambda r, g, m: _beside(g, g, m), "no channel is the whole picture"),
        (lambda r, g, m: _beside(_whole(r.detach(), g, m), g, m), "no gradient comes back"),
        (lambda r, g, m: _beside(_whole(r, g, m), g, m).numpy(), "NumPy array"),
        (lambda r, g, m: _beside(_whole(r, g, m), g, m).double(), "planes are torch.float64"),
        (lambda r, g, m: torch.stack([_whole(r, g, m), g, m], 1), "(5, 3, 1, 28, 28)"),
        (lambda r, g, m: _beside(_whole(r, g, m), g, m, r), "(5, 4, 28, 28)"),
    ],
    "13.2": [
        (lambda losses, weights, x: _share(torch.tensor(weights)), "the weights alone"),
        (
            lambda losses, weights, x: _share(torch.stack(losses) * torch.tensor(weights)),
            "weighted *values*",
        ),
        (lambda losses, weights, x: _share(torch.stack(losses)), "the values of the losses"),
        (lambda losses, weights, x: _share(_norms(losses, x)), "the weights are missing"),
        (lambda losses, weights, x: _norms(losses, x) * torch.tensor(weights), "their sum"),
        (
            lambda losses, weights, x: _share((_norms(losses, x) * torch.tensor(weights)).square()),
            "squares of lengths",
        ),
        (
            lambda losses, weights, x: _share(_norms(losses, x) / torch.tensor(weights)),
            "here it divides",
        ),
        (_without_keeping, "the graph is gone"),
        (_once, "the graph is gone"),
        (_mean_of_single, "lengths of single pictures"),
        (_moves_the_pictures, "overwrote its input"),
        (_backward, "pictures.grad is no longer what it was"),
        (_backward_and_clear, "takes away what stood there"),
        (lambda losses, weights, x: ["a"] * len(losses), "index 0 is not a finite number"),
        (lambda losses, weights, x: [0.5] + [None] * (len(losses) - 1), "index 1 is not a finite"),
        (lambda losses, weights, x: [torch.ones(2)] * len(losses), "index 0 is not a finite"),
        (lambda losses, weights, x: _norms(losses, x)[0], "where (2,) is wanted"),
        (lambda losses, weights, x: losses.nothing, "AttributeError"),
        (lambda losses, weights, x: torch.ones(len(losses)) / len(losses), "over the sum of all"),
    ],
    "13.3": [
        (_of(lambda sure, wrong: (sure & wrong).double().mean()), "of *all* pictures"),
        (_of(lambda sure, wrong: (sure & wrong).sum()), "that is their number"),
        (_of(lambda sure, wrong: (sure & wrong).sum() / wrong.sum()), "of the wrong ones"),
        (_of(lambda sure, wrong: wrong.double().mean()), "among all, sure or not"),
        (_of(lambda sure, wrong: (~wrong)[sure].double().mean()), "read *rightly*"),
        (_of(lambda sure, wrong: wrong[~sure].double().mean()), "*not* sure of"),
        (_of(lambda sure, wrong: sure.double().mean()), "that is how often it is sure"),
        (_strictly, "counts them"),
        (_at_true, "the chance of the true digit"),
        (_no_guard, "the answer is 0"),
        (_only_if_sure, "it returns nothing; 0 is wanted there"),
        (_no_list_if_unsure, "where a single number is wanted. That is where it is sure of no"),
        (_text_if_unsure, "a number is wanted"),
        (_of(lambda sure, wrong: wrong[sure]), "a single number"),
        (lambda chances, labels, level: 0.5, "the share read wrongly"),
    ],
}
