"""Misconceptions of lesson 05, each with a piece of the sentence that must answer it."""

import math

import numpy as np
import torch
import torch.nn.functional as F

DIAGNOSIS = {"A": "out of reach", "B": "same range", "C": "room to stray"}


def two(discriminator, generator):
    return {"discriminator": discriminator, "generator": generator}


def from_two(pixels):
    return pixels / 127.5 - 1


def by_numpy(pixels):
    return torch.from_numpy(pixels.numpy().astype("float32") / np.float32(127.5) - np.float32(1))


class Loss(torch.nn.Module):
    """The loss as a module."""

    def forward(self, t):
        return F.softplus(-t).mean()


def one_by_one(logits):
    total = torch.zeros(())
    for logit in logits:
        total = total + F.softplus(-logit)
    return total / len(logits)


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
        (lambda t: F.softplus(-t).mean().item(), "without item, detach"),
        (lambda t: -torch.log(torch.sigmoid(t)).mean(), "t = −1000 the loss is inf"),
        (lambda t: -torch.log(torch.sigmoid(t) + 1e-7).mean(), "where 1000 is wanted"),
        (lambda t: (torch.log1p(torch.exp(t)) - t).mean(), "t = 1000 the loss is inf"),
        (lambda t: F.softplus(-t.clamp(min=-50)).mean(), "the loss is 50, where"),
        (lambda t: torch.where(t < -80, -t, torch.log1p(torch.exp(-t))).mean(), "slope is nan"),
        (lambda t: t.mul_(-1).exp().log1p().mean(), "overwrote its input"),
        (lambda t: F.softplus(-t).sum() / 6, "right for six fakes"),
        (lambda t: F.softplus(-t, threshold=5).mean(), "mean of −log D(G(z))"),
        (lambda t: -t.sigmoid().mean().log(), "take the logarithm for each fake"),
        (lambda t: F.softplus(-t.mean()), "loss of the mean logit"),
        (lambda t: F.softplus(-t).mean() / math.log(2), "to base 2"),
        (lambda t: (t - 1).square().mean(), "least-squares"),
        (lambda t: F.relu(1 - t).mean(), "hinge"),
        (lambda t: F.softplus(-t).mean(0, keepdim=True), "shape (1,)"),
        (lambda t: F.softplus(-t).mean().detach(), "without item, detach"),
        (lambda t: np.logaddexp(0, -t.detach().numpy()).mean(), "NumPy"),
        (lambda t: F.binary_cross_entropy(t.sigmoid(), torch.ones_like(t)), "loss is 100, where"),
        (lambda t: torch.full((), float("nan")), "the result is NaN. Is there"),
        (torch.nn.Softplus, "the result is a Softplus"),
        (lambda t: torch.tensor(0.5), "mean of −log D(G(z))"),
        (
            lambda t: torch.tensor(F.softplus(-t).mean().item(), requires_grad=True),
            "no gradient can flow back to the logits",
        ),
        (lambda t: F.softplus(-t.detach().requires_grad_()).mean(), "no gradient can flow back"),
        (
            lambda t: torch.where(t.abs() < 30, F.softplus(-t).detach(), F.softplus(-t)).mean(),
            "slope is 0, where -0.7311 is wanted",
        ),
        (lambda t: F.softplus(-t.half()).mean().float(), "is 1.65527, where 1.6549 is"),
        (lambda t: torch.nan_to_num(-t.sigmoid().log(), posinf=1000.0).mean(), "slope is nan"),
    ],
    "5.2": [
        (two(-math.log(4), math.log(2)), "value V that D earns"),
        (two(math.log(2), math.log(4)), "are exchanged"),
        (two(0.69, 1.39), "are exchanged"),
        (two(math.log(2), math.log(2)), "one of D's two terms"),
        (two(math.log10(4), math.log10(2)), "base 10"),
        (two(2.0, 1.0), "base 2"),
        (two(1.0, math.log(2)), "1 the sum of two"),
        (two(0.5, 0.5), "½ is a probability"),
        (two(0, 0), "certain, and right"),
        (two(math.log(4), math.log(4)), "log 4 is D's loss"),
        (two(2 * math.log(0.5), math.log(0.5)), "value V that D earns"),
        (two(1.4, 0.7), "is 1.4, where 1.386"),
        (two(float("nan"), math.log(2)), "NaN"),
        (two(math.log, math.log), "a number is wanted"),
        (two("log 4", "log 2"), "'log 4'; a number is wanted"),
        ([math.log(4), math.log(2)], "a dict with the keys"),
        (two(math.log(4), 0.0), "fooled for certain"),
        (two(math.log(4), 0.5), "probability D(G(z)) itself"),
        (two(math.log(4), -math.log(2)), "log ½ is negative"),
        (two(1.39, -0.69), "log ½ is negative"),
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
        (DIAGNOSIS, lambda x: x * 2 / 255 - 1, "wrap round"),
        (DIAGNOSIS, lambda x: (x / 255 - 0.1307) / 0.3081, "patient A's illness"),
        (DIAGNOSIS, lambda x: x / 255 - 0.5, "half as wide"),
        (DIAGNOSIS, lambda x: 1 - x / 127.5, "are exchanged"),
        (DIAGNOSIS, lambda x: x.float() // 127.5 - 1, "grey levels stay apart"),
        (DIAGNOSIS, lambda x: torch.tanh(x.float()), "not the data's"),
        (DIAGNOSIS, lambda x: x.sigmoid(), "only"),
        (DIAGNOSIS, lambda x: x, "pixels of the file"),
        (DIAGNOSIS, lambda x: x / 127 - 1, "reaches from -1 to 1.01, no tanh"),
        (DIAGNOSIS, lambda x: (x / 255) ** 2 * 2 - 1, "255 exactly +1"),
        (DIAGNOSIS, lambda x: x.to(torch.int8) / 127.5 - 1, "come out darker somewhere"),
        (DIAGNOSIS, lambda x: x.sub_(3) / 127.5 - 1, "overwrote its input"),
        (DIAGNOSIS, lambda x: (x / 127.5 - 1).tolist(), "a list; a tensor of shape"),
        (DIAGNOSIS, lambda x: torch.linspace(-1, 1, 256).view(1, 16, 16), "of any shape"),
        (DIAGNOSIS, lambda x: (x / x.max()) * 2 - 1, "in another batch"),
        (DIAGNOSIS | {"B": "out of reach"}, from_two, "between the lowest and highest fake"),
        (DIAGNOSIS | {"A": "Out of reach"}, from_two, "none of the choices"),
        (["out of reach"] * 3, from_two, "with the keys 'A', 'B' and 'C'"),
        (DIAGNOSIS, lambda x: x.double() / 127.5 - 1, "torch.float64"),
        (DIAGNOSIS, lambda x: (x - x.min()) / (x.max() - x.min()) * 2 - 1, "in another batch"),
        (DIAGNOSIS, lambda x: x.unsqueeze(1) / 127.5 - 1, "the shape stays"),
        (DIAGNOSIS, lambda x: x[:, :] / 127.5 - 1, "called with a tensor of shape (3,)"),
        (DIAGNOSIS, lambda x: (x / 127.5 - 1) * 0.999, "is -0.999, where -1 is wanted"),
        (DIAGNOSIS, lambda x: (x.half() / 127.5 - 1).float(), "255 exactly +1"),
        (DIAGNOSIS, lambda x: F.normalize(x.float()), "come out darker somewhere"),
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
        (Loss(),),
        (one_by_one,),
        (lambda t: (F.relu(-t) + torch.log1p(torch.exp(-t.abs()))).mean(),),
        (lambda t: -F.log_softmax(torch.stack([t, 0 * t], 1), 1)[:, 0].mean(),),
        (lambda t: F.softplus(-t.double()).mean(),),
        (lambda t: (F.softplus(t) - t).mean(),),
        (lambda t: F.cross_entropy(torch.stack([t, 0 * t], 1), torch.zeros(len(t)).long()),),
    ],
    "5.2": [
        (two(2 * math.log(2), math.log(2)),),
        (two(1.386, 0.693),),
        (two(torch.tensor(4.0).log(), torch.tensor(2.0).log()),),
        (two(np.log(4), -np.log(0.5)),),
        (two(F.softplus(torch.zeros(())) * 2, F.softplus(torch.zeros(()))),),
    ],
    "5.3": [
        (DIAGNOSIS, lambda x: x.to(torch.float32) / 255 * 2 - 1),
        (DIAGNOSIS, lambda x: (x.float() - 127.5) / 127.5),
        (DIAGNOSIS, lambda x: torch.lerp(torch.tensor(-1.0), torch.tensor(1.0), x / 255)),
        (DIAGNOSIS, lambda x: torch.linspace(-1, 1, 256)[x.long()]),
        (DIAGNOSIS, lambda x: x.float().div_(127.5).sub_(1)),
        (DIAGNOSIS, by_numpy),
    ],
}
