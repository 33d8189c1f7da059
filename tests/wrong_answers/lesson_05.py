"""Misconceptions of lesson 05, each with a piece of the sentence that must answer it."""

import math

import torch
import torch.nn.functional as F

RIGHT = {"A": "out of reach", "B": "same range", "C": "room to stray"}


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
        (lambda t: -torch.log(torch.sigmoid(t)).mean(), "log 0 = −∞"),
        (lambda t: -torch.log(torch.sigmoid(t) + 1e-7).mean(), "hides the trouble"),
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
        (RIGHT | {"A": "same range"}, from_two, "highest real pixel"),
        (RIGHT | {"C": "same range"}, from_two, "have negative pixels"),
        (RIGHT | {"C": "out of reach"}, from_two, "both lie within"),
        (RIGHT | {"B": "room to stray"}, from_two, "nothing lies below"),
        (RIGHT, lambda x: x / 255, "patient C's range"),
        (RIGHT, lambda x: x / 127.5, "not moved down by 1"),
        (RIGHT, lambda x: x / 128 - 1, "255 steps between"),
        (RIGHT, lambda x: x * 2 / 255 - 1, "wraps round"),
        (RIGHT, lambda x: (x / 255 - 0.1307) / 0.3081, "suits classifiers"),
        (RIGHT, lambda x: x / 255 - 0.5, "half as wide"),
        (RIGHT, lambda x: 1 - x / 127.5, "are exchanged"),
        (RIGHT, lambda x: x.float() // 127.5 - 1, "grey levels get lost"),
        (RIGHT, lambda x: torch.tanh(x.float()), "not the data's"),
        (RIGHT, lambda x: x.double() / 127.5 - 1, "torch.float64"),
        (RIGHT, lambda x: (x - x.min()) / (x.max() - x.min()) * 2 - 1, "of the batch"),
        (RIGHT, lambda x: x.unsqueeze(1) / 127.5 - 1, "the shape stays"),
    ],
}
