"""Misconceptions of lesson 01, each with a piece of the sentence that must answer it."""

import math

import numpy as np
import torch
import torch.nn.functional as F

from gan_lessons import game


def best_value(p, q, dx):
    return game.value(p, q, game.optimal_discriminator(p, q), dx)


def with_loop(p, q):
    pairs = zip(p.tolist(), q.tolist(), strict=True)
    return torch.tensor([a / (a + b) if a + b else 0.5 for a, b in pairs])


def in_place(p, q):
    p /= p + q
    return p.nan_to_num(0.5)


def in_numpy(r, f):
    return np.log(r.numpy()).mean() + np.log(1 - f.numpy()).mean()


def clamped(low):
    return lambda r, f: r.clamp(low).log().mean() + (1 - f).clamp(low).log().mean()


def own_value(p, q, dx):
    d = p / (p + q)
    return ((p * d.log() + q * (1 - d).log()).nan_to_num().sum() * dx + math.log(4)) / 2


def not_a_number_without_overlap(p, q, dx):
    d = p / (p + q)
    return ((p * d.log() + q * (1 - d).log()).sum() * dx + math.log(4)) / 2


def two_kls(p, q, dx):
    return (game.kl(p, (p + q) / 2, dx) + game.kl(q, (p + q) / 2, dx)) / 2


RIGHT = {
    "1.1": [
        (lambda p, q: torch.where(p + q > 0, p / (p + q), 0.5),),
        (lambda p, q: torch.nan_to_num(p / (p + q), nan=0.5),),
        (lambda p, q: torch.nan_to_num(1 / (1 + q / p), nan=0.5),),
        (with_loop,),
    ],
    "1.2": [
        (lambda r, f: torch.log(r).mean() + torch.log(1 - f).mean(),),
        (lambda r, f: r.log().mean().item() + torch.log1p(-f).mean().item(),),
        (lambda r, f: sum(r.log()) / len(r) + sum((1 - f).log()) / len(f),),
        (in_numpy,),
        (lambda r, f: game.value_from_samples(r, f).mean,),
        (
            lambda r, f: (
                -F.binary_cross_entropy(r, torch.ones_like(r))
                - F.binary_cross_entropy(f, torch.zeros_like(f))
            ),
        ),
    ],
    "1.3": [
        (lambda p, q, dx: best_value(p, q, dx) / 2 + math.log(2),),
        (lambda p, q, dx: (best_value(p, q, dx).item() + 2 * math.log(2)) / 2,),
        (lambda p, q, dx: (best_value(p, q, dx) - game.value(p, q, 0.5, dx)) / 2,),
        (own_value,),
    ],
}
WRONG = {
    "1.1": [
        (lambda p, q: p - q, "can be negative"),
        (lambda p, q: p / q, "can exceed 1"),
        (lambda p, q: q / (p + q), "share of the fakes"),
        (lambda p, q: p, "density of real samples alone"),
        (lambda p, q: (p > q).float(), "0 or 1 is a verdict"),
        (lambda p, q: p / (p + q), "0/0 gives NaN"),
        (lambda p, q: torch.where(p * q > 0, p / (p + q), 0.5), "Where both are 0 it is ½"),
        (lambda p, q: p / (p + q + 1e-8), "Where both are 0 it is ½"),
        (lambda p, q: torch.where(p + q > 0, p / (p + q) + 1e-4, 0.5), "set the derivative"),
        (lambda p, q: torch.where(p + q < 1e-7, 0.5, p / (p + q)), "small, but not 0"),
        (lambda p, q: p**2 / (p**2 + q**2), "set the derivative"),
        (lambda p, q: (p / (p + q)).mean(), "shape"),
        (in_place, "overwrote its input"),
        (lambda p, q: (p / (p + q)).nan_to_num(0), "Where both are 0 it is ½"),
        (lambda p, q: (p / (p + q)).clamp(0.01, 0.99).nan_to_num(0.5), "elsewhere p / (p + q)"),
        (lambda p, q: torch.sigmoid(p - q), "set the derivative"),
        (lambda p, q: (p - q) / (p + q), "set the derivative"),
        (lambda p, q: (p / (p + q)).numpy(), "a NumPy array; a torch tensor"),
        (lambda p, q: (p / (p + q)).tolist(), "a list; a tensor of shape"),
    ],
    "1.2": [
        (lambda r, f: -r.log().mean() - (1 - f).log().mean(), "sign is turned"),
        (lambda r, f: r.log().mean() + f.log().mean(), "log(1 − D), not log D"),
        (lambda r, f: r.log().mean() - (1 - f).log().mean(), "minus between the terms"),
        (lambda r, f: r.mean().log() + (1 - f.mean()).log(), "logarithm of the mean"),
        (lambda r, f: r.log().sum() + (1 - f).log().sum(), "sums grow"),
        (lambda r, f: torch.cat([r.log(), (1 - f).log()]).mean(), "one mean over all"),
        (lambda r, f: (r.log().mean() + (1 - f).log().mean()) / 2, "not half of it"),
        (lambda r, f: r.log().mean(), "second term is missing"),
        (lambda r, f: r.log2().mean() + (1 - f).log2().mean(), "to base 2;"),
        (lambda r, f: r.log10().mean() + (1 - f).log10().mean(), "to base 10;"),
        (lambda r, f: F.logsigmoid(r).mean() + F.logsigmoid(-f).mean(), "probabilities already"),
        (lambda r, f: r.log().mean() + 1 - f.log().mean(), "Mean of log D(x) over real"),
        (lambda r, f: (r.log() + (1 - f).log()).mean(), "stopped"),
        (lambda r, f: r.log(), "V is one number"),
        (clamped(1e-2), "nothing has to be added or cut off"),
        (clamped(1e-8), "at D(x) = 1e-10"),
        (
            lambda r, f: r.log().mean() + (1 - f).clamp(1e-3).log().mean(),
            "at D(G(z)) = 0.999999",
        ),
        (lambda r, f: (r + 1e-8).log().mean() + (1 - f + 1e-8).log().mean(), "at D(x) = 1e-10"),
        (lambda r, f: (r.log().sum() + (1 - f).log().sum()) / len(r), "Mean of log D(x) over"),
        (lambda r, f: r.log_().mean() + (1 - f).log().mean(), "overwrote its input"),
        (lambda r, f: game.value_from_samples(r, f), "the result is an Estimate"),
        (lambda r, f: r[:5].log().mean() + (1 - f[:5]).log().mean(), "Mean of log D(x) over"),
        (
            lambda r, f: r.log().sum() / 5 + (1 - f).log().sum() / 8,
            "but for 2 and 3",
        ),
    ],
    "1.3": [
        (best_value, "V(D*, G) itself"),
        (lambda p, q, dx: best_value(p, q, dx) + math.log(4), "twice the JSD"),
        (lambda p, q, dx: (best_value(p, q, dx) - math.log(4)) / 2, "sign of log 4"),
        (lambda p, q, dx: best_value(p, q, dx) + math.log(4) / 2, "halve the sum"),
        (lambda p, q, dx: (-math.log(4) - best_value(p, q, dx)) / 2, "never negative"),
        (lambda p, q, dx: (best_value(p, q, dx) + math.log(2)) / 2, "log 2 is too little"),
        (lambda p, q, dx: game.jsd(p, q, dx) / math.log(2), "in bits"),
        (lambda p, q, dx: (game.value(p, q, 0.5, dx) + math.log(4)) / 2, "sees no distance"),
        (lambda p, q, dx: game.kl(p, q, dx), "not symmetric"),
        (lambda p, q, dx: game.total_variation(p, q, dx), "Solve V(D*, G)"),
        (game.jsd, "it comes from game.jsd"),
        (two_kls, "it comes from game.kl"),
        (
            lambda p, q, dx: (
                game.value(p, q, game.optimal_discriminator(q, p), dx) / 2 + math.log(2)
            ),
            "Solve V(D*, G)",
        ),
        (lambda p, q, dx: ((best_value(p, q, dx) + math.log(4)) / 2).sqrt(), "Solve V(D*, G)"),
        (lambda p, q, dx: best_value(p, q, 0.01) / 2 + math.log(2), "This time the grid's step"),
        (not_a_number_without_overlap, "Where one density is 0 and the other is not"),
        (game.optimal_discriminator, "stopped with TypeError"),
        (lambda p, q, dx: game.optimal_discriminator(p, q), "a single number is wanted"),
        (lambda p, q, dx: game.jsd(p, q, 0.01), "This time the grid's step is 0.02"),
    ],
}
