"""Misconceptions of lesson 05, each with a piece of the sentence that must answer it."""

import math

import torch
import torch.nn.functional as F

DIAGNOSIS = {"A": "out of reach", "B": "same range", "C": "room to stray"}


def two(discriminator, generator):
    return {"discriminator": discriminator, "generator": generator}


def from_two(pixels):
    return pixels / 127.5 - 1


WRONG = {
    "5.1": [
        (lambda t: -torch.log(t).mean(), "not yet a probability"),
        (lambda t: F.softplus(-t), "one loss per fake"),
        (lambda t: F.softplus(-t).sum(), "that is the sum"),
        (lambda t: F.logsigmoid(t).mean(), "makes D(G(z)) fall"),
        (lambda t: torch.log(1 - torch.sigmoid(t)).mean(), "the minimax loss"),
        (
            lambda t: F.binary_cross_entropy_with_logits(t, torch.zeros_like(t)),
            "G would help D",
        ),
        (
            lambda t: F.binary_cross_entropy_with_logits(t.sigmoid(), torch.ones_like(t)),
            "applied twice",
        ),
        (lambda t: -t.mean(), "another game's loss"),
        (lambda t: -t.sigmoid().mean(), "logarithm is missing"),
        (lambda t: F.softplus(-t).mean().item(), "without item or detach"),
        (lambda t: -torch.log(torch.sigmoid(t)).mean(), "t = −1000 the loss is inf"),
        (lambda t: -torch.log(torch.sigmoid(t) + 1e-7).mean(), "where 1000 is wanted"),
        (lambda t: (torch.log1p(torch.exp(t)) - t).mean(), "t = 1000 the loss is inf"),
        (lambda t: F.softplus(-t.clamp(min=-50)).mean(), "the loss is 50, where"),
        (lambda t: torch.where(t < -80, -t, torch.log1p(torch.exp(-t))).mean(), "slope is nan"),
        (lambda t: torch.tensor(0.5), "mean of −log D(G(z))"),
    ],
    "5.2": [
        (two(-math.log(4), math.log(2)), "value V that D earns"),
        (two(math.log(2), math.log(4)), "are exchanged"),
        (two(math.log(2), math.log(2)), "one of D's two terms"),
        (two(math.log10(4), math.log10(2)), "base 10"),
        (two(2.0, 1.0), "base 2"),
        (two(1.0, math.log(2)), "adds probabilities"),
        (two(math.log(4), 0.0), "fooled for certain"),
        (two(math.log(4), 0.5), "probability D(G(z)) itself"),
        (two(math.log(4), -math.log(2)), "log ½ is negative"),
        ({"discriminator": math.log(4)}, "lacks generator"),
    ],
    "5.3": [
        (DIAGNOSIS | {"A": "same range"}, from_two, "highest real pixel"),
        (DIAGNOSIS | {"C": "same range"}, from_two, "have negative pixels"),
        (DIAGNOSIS | {"C": "out of reach"}, from_two, "both lie within"),
        (DIAGNOSIS | {"B": "room to stray"}, from_two, "nothing lies below"),
        (DIAGNOSIS, lambda x: x / 255, "patient C's range"),
        (DIAGNOSIS, lambda x: x / 127.5, "not moved down by 1"),
        (DIAGNOSIS, lambda x: x / 128 - 1, "255 steps between"),
        (DIAGNOSIS, lambda x: x * 2 / 255 - 1, "wraps round"),
        (DIAGNOSIS, lambda x: (x / 255 - 0.1307) / 0.3081, "suits classifiers"),
        (DIAGNOSIS, lambda x: x / 255 - 0.5, "half as wide"),
        (DIAGNOSIS, lambda x: 1 - x / 127.5, "are exchanged"),
        (DIAGNOSIS, lambda x: x.float() // 127.5 - 1, "grey levels get lost"),
        (DIAGNOSIS, lambda x: torch.tanh(x.float()), "not the data's"),
        (DIAGNOSIS, lambda x: x.double() / 127.5 - 1, "torch.float64"),
        (DIAGNOSIS, lambda x: (x - x.min()) / (x.max() - x.min()) * 2 - 1, "of the batch"),
        (DIAGNOSIS, lambda x: x.unsqueeze(1) / 127.5 - 1, "the shape stays"),
    ],
}

RIGHT = {
    "5.1": [
        (lambda t: F.softplus(-t).mean(),),
        (lambda t: -F.logsigmoid(t).mean(),),
        (lambda t: F.binary_cross_entropy_with_logits(t, torch.ones_like(t)),),
        (lambda t: torch.nn.BCEWithLogitsLoss()(t, torch.ones(len(t))),),
        (lambda t: torch.logaddexp(torch.zeros_like(t), -t).sum() / len(t),),
        (lambda t: torch.nn.Softplus()(-t).mean(dim=0),),
    ],
    "5.2": [
        (two(2 * math.log(2), math.log(2)),),
        (two(1.386, 0.693),),
        (two(torch.tensor(4.0).log(), torch.tensor(2.0).log()),),
    ],
    "5.3": [
        (DIAGNOSIS, lambda x: x.to(torch.float32) / 255 * 2 - 1),
        (DIAGNOSIS, lambda x: (x.float() - 127.5) / 127.5),
        (DIAGNOSIS, lambda x: torch.lerp(torch.tensor(-1.0), torch.tensor(1.0), x / 255)),
    ],
}
