"""Misconceptions of lesson 02, each with a piece of the sentence that must answer it."""

import math

import torch
import torch.nn.functional as F


def mean_bce(real, fake, bce):
    return bce(real, torch.ones_like(real)) + bce(fake, torch.zeros_like(fake))


def literal(real, fake):
    return -real.sigmoid().log().mean() - (1 - fake.sigmoid()).log().mean()


def literal_for_fakes(real, fake):
    return F.softplus(-real).mean() - (1 - fake.sigmoid()).log().mean()


def with_epsilon(real, fake):
    d_real, d_fake = real.sigmoid(), fake.sigmoid()
    return -(d_real + 1e-7).log().mean() - (1 - d_fake + 1e-7).log().mean()


def together(real, fake):
    targets = torch.cat([torch.ones_like(real), torch.zeros_like(fake)])
    return F.binary_cross_entropy_with_logits(torch.cat([real, fake]), targets)


def right(real, fake):
    return F.softplus(-real).mean() + F.softplus(fake).mean()


FORMULAS = {"1": ("wrong", 0.5), "2": ("wrong", -0.5), "3": ("wrong", 0.0), "4": ("right", 1.0)}
SENTENCES = {"5": ("wrong", 0.649), "6": ("right", 3.0), "7": ("wrong", -0.99)}
SENTENCES |= {"8": ("right", 1.386)}

WRONG = {
    "2.1": [
        (literal, "log 0 = −∞"),
        (literal_for_fakes, "a fake sample with logit 25 the loss is inf"),
        (with_epsilon, "hides the infinity"),
        (
            lambda r, f: mean_bce(r.sigmoid(), f.sigmoid(), F.binary_cross_entropy),
            "logit −1000 the loss is 100.7",
        ),
        (lambda r, f: mean_bce(r, f, F.binary_cross_entropy), "wants probabilities"),
        (
            lambda r, f: mean_bce(r.sigmoid(), f.sigmoid(), F.binary_cross_entropy_with_logits),
            "applied twice",
        ),
        (lambda r, f: right(-r, -f), "the two kinds are exchanged"),
        (lambda r, f: -right(r, f), "that is V"),
        (lambda r, f: F.softplus(-r).mean() - F.softplus(f).mean(), "minus between the terms"),
        (lambda r, f: right(r, -f), "call everything real"),
        (together, "Each kind has its own mean"),
        (lambda r, f: right(r, f) / 2, "not their mean"),
        (lambda r, f: F.softplus(-r).sum() + F.softplus(f).sum(), "sums grow"),
        (lambda r, f: right(r.mean(), f.mean()), "loss of the mean logit"),
        (lambda r, f: -F.logsigmoid(r).mean() - (1 - F.logsigmoid(f)).mean(), "not 1 − log D"),
        (
            lambda r, f: F.softplus(-r).mean() + (1 + f.exp()).log().mean(),
            "a fake sample with logit 100 the loss is inf",
        ),
        (lambda r, f: F.softplus(-r).mean(), "the fakes are missing"),
        (lambda r, f: F.softplus(f).mean(), "the reals are missing"),
        (lambda r, f: f.mean() - r.mean(), "Wasserstein loss"),
        (lambda r, f: F.relu(1 - r).mean() + F.relu(1 + f).mean(), "The mean of −log D(x), plus"),
        (lambda r, f: right(r, f).item(), "without item or detach"),
        (lambda r, f: -r.log().mean() - (1 - f).log().mean(), "it has no logarithm"),
        (lambda r, f: F.softplus(-r), "A loss is one number"),
        (
            lambda r, f: torch.maximum(right(r, f), torch.tensor(0.0)).clamp(max=50),
            "the loss is 50 ",
        ),
    ],
    "2.2": [
        (FORMULAS | {"1": ("right", 0.5)}, "look more fake"),
        (FORMULAS | {"1": ("right", -0.5)}, "slope of −log D(G(z)). Printed is −log(1 −"),
        (FORMULAS | {"1": ("wrong", 0)}, "but the second one has"),
        (FORMULAS | {"2": ("right", -0.5)}, "rewarded for calling fakes real"),
        (FORMULAS | {"2": ("wrong", 0.5)}, "Printed is a plus"),
        (FORMULAS | {"3": ("right", 0.0)}, "x is a real sample. G would never"),
        (FORMULAS | {"3": ("right", -0.5)}, "the formula that is meant"),
        (FORMULAS | {"3": ("wrong", -0.1192)}, "the real's logit r"),
        (FORMULAS | {"4": ("wrong", 1.0)}, "beyond its margin this D rests"),
        (FORMULAS | {"4": ("wrong", 0.0)}, "past their margins"),
        (FORMULAS | {"4": ("right", 0.5)}, "no sigmoid in this formula"),
        (FORMULAS | {"4": ("right", -1)}, "rises with f"),
        (FORMULAS | {"4": ("right", 7.0)}, "3 of 4 are settled. Number 4: the result is 7"),
        (FORMULAS | {"2": "wrong"}, "a pair is wanted"),
        (FORMULAS | {"2": ("false", -0.5)}, "the verdict is 'false'"),
        ({"1": ("wrong", 0.5)}, "the keys '1', '2', '3', '4'"),
    ],
    "2.3": [
        (SENTENCES | {"5": ("right", 0.649)}, "believe your own number"),
        (SENTENCES | {"5": ("right", 0.14)}, "the number as printed"),
        (SENTENCES | {"5": ("wrong", 0.282)}, "base 10; losses"),
        (SENTENCES | {"5": ("wrong", -0.649)}, "minus before the bracket"),
        (SENTENCES | {"5": ("wrong", 0.8498)}, "1 − 0.45 = 0.55"),
        (SENTENCES | {"5": ("wrong", 0.0513)}, "first term alone"),
        (SENTENCES | {"5": ("wrong", 0.3246)}, "that is half"),
        (SENTENCES | {"6": ("wrong", 3)}, "overshoots is pulled back"),
        (SENTENCES | {"6": ("right", -3)}, "minus the slope"),
        (SENTENCES | {"6": ("right", 4.5)}, "value of the loss at f = 4"),
        (SENTENCES | {"6": ("wrong", -1.0)}, "slope at f = 0. The"),
        (SENTENCES | {"6": ("right", 6.0)}, "without the ½"),
        (SENTENCES | {"6": ("right", 4.0)}, "D's term for fakes"),
        (SENTENCES | {"7": ("right", -0.99)}, "at the other end"),
        (SENTENCES | {"7": ("right", -0.01)}, "slope of −log D(G(z)) at 0.99"),
        (SENTENCES | {"7": ("wrong", 0.99)}, "falls as f rises"),
        (SENTENCES | {"7": ("wrong", -0.5)}, "slope at f = 0, where"),
        (SENTENCES | {"7": ("wrong", -1.0)}, "last column asks for"),
        (SENTENCES | {"7": ("wrong", -100)}, "multiplied by D(1 − D)"),
        (SENTENCES | {"7": ("wrong", -0.7291)}, "≈ 4.6"),
        (SENTENCES | {"7": ("wrong", math.log(0.01))}, "value of log(1 − D)"),
        (SENTENCES | {"7": ("right", 0.0)}, "what the sentence claims"),
        (SENTENCES | {"8": ("wrong", 1.386)}, "without any idea"),
        (SENTENCES | {"8": ("right", math.log(2))}, "one term, or L_G"),
        (SENTENCES | {"8": ("wrong", -math.log(4))}, "its loss is −V"),
        (SENTENCES | {"8": ("wrong", math.log10(4))}, "the natural one"),
        (SENTENCES | {"8": ("wrong", 1.0)}, "adds the probabilities"),
        (SENTENCES | {"8": ("wrong", 3 * math.log(2))}, "L_D alone"),
    ],
}
