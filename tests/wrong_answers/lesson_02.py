"""Misconceptions of lesson 02, each with a piece of the sentence that must answer it."""

import math

import numpy as np
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


def targets(of_real, of_fake):
    def loss(real, fake):
        on_real = F.binary_cross_entropy_with_logits(real, torch.full_like(real, of_real))
        return on_real + F.binary_cross_entropy_with_logits(fake, torch.full_like(fake, of_fake))

    return loss


def in_place(real, fake):
    return right(real.neg_().neg(), fake)


def by_hand(real, fake):
    def softplus(t):
        return t.clamp(min=0) + torch.log1p(torch.exp(-t.abs()))

    return softplus(-real).mean() + softplus(fake).mean()


def in_a_loop(real, fake):
    return sum(F.softplus(-t) for t in real) / len(real) + sum(map(F.softplus, fake)) / len(fake)


def margin(real, fake):
    on_fake = F.soft_margin_loss(fake, -torch.ones_like(fake))
    return F.soft_margin_loss(real, torch.ones_like(real)) + on_fake


WRONG = {
    "2.1": [
        (literal, "a real sample with logit −1000 the loss is inf and its slope nan"),
        (literal_for_fakes, "a fake sample with logit 25 the loss is inf"),
        (with_epsilon, "its slope 0, where 1000.7 and -1 are right"),
        (
            lambda r, f: mean_bce(r.sigmoid(), f.sigmoid(), F.binary_cross_entropy),
            "logit −1000 the loss is 100.69",
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
        (lambda r, f: right(r, f).item(), "no gradient flows back to the real logits"),
        (
            lambda r, f: torch.tensor(right(r, f).item(), requires_grad=True),
            "made anew, by torch.tensor or detach",
        ),
        (lambda r, f: -r.log().mean() - (1 - f).log().mean(), "its logarithm is NaN"),
        (lambda r, f: F.softplus(-r), "A loss is one number"),
        (
            lambda r, f: torch.maximum(right(r, f), torch.tensor(0.0)).clamp(max=50),
            "the loss is 50 ",
        ),
        (targets(0.9, 0.0), "the target 0.9 and the fakes 0:"),
        (targets(0.8, 0.0), "the target 0.8 and the fakes 0:"),
        (targets(1.0, 0.1), "the target 1 and the fakes 0.1"),
        (targets(0.7, 0.3), "the target 0.7 and the fakes 0.3"),
        (lambda r, f: F.softplus(-r).mean() + F.softplus(f.detach()).mean(), "to the fake logits"),
        (lambda r, f: right(r.detach(), f), "to the real logits"),
        (lambda r, f: right(r[:3], f[:3]), "The mean of −log D(x), plus"),
        (lambda r, f: F.softplus(-r).mean() + F.softplus(f).sum(), "The mean of −log D(x), plus"),
        (lambda r, f: right(r, f) / math.log(2), "The mean of −log D(x), plus"),
        (lambda r, f: F.softplus(-r).sum() / 3 + F.softplus(f).sum() / 5, "but for 2 and 3"),
        (lambda r, f: right(r.clamp(-50, 50), f.clamp(-50, 50)), "−1000 the loss is 50.693"),
        (
            lambda r, f: F.softplus(-r, threshold=5).mean() + F.softplus(f, threshold=5).mean(),
            "with logit −6 ",
        ),
        (margin, "the loss is inf and its slope nan"),
        (in_place, "overwrote its input"),
        (lambda r, f: torch.tensor(torch.inf), "NaN or infinity"),
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
        (FORMULAS | {"1": ("wrong", math.nan)}, "the slope is nan, where a finite number"),
        (FORMULAS | {"1": ("wrong", math.inf)}, "the slope is inf, where a finite number"),
        (FORMULAS | {"1": ("wrong", "0.5")}, "the slope is '0.5', where a finite number"),
        (FORMULAS | {"1": ("wrong", None)}, "the slope is None, where a finite number"),
        (FORMULAS | {"4": ("right", True)}, "the slope is True, where a finite number"),
        (FORMULAS | {"1": ("wrong", torch.ones(2))}, "where a finite number"),
        (FORMULAS | {"1": (torch.ones(2), 0.5)}, "the verdict is tensor"),
        (FORMULAS | {"1": (0.5, "wrong")}, "the slope is 'wrong'"),
        (FORMULAS | {"1": ("right", -0.5), "2": ("right", 0.5)}, "2 of 4 are settled"),
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
        (SENTENCES | {"8": ("right", 2)}, "the result is 2, where 1.386"),
        (SENTENCES | {"8": ("right", math.nan)}, "the number is nan"),
        (SENTENCES | {"5": ("wrong", 0.598)}, "the result is 0.598"),
        (SENTENCES | {"8": ("wrong", 3 * math.log(2))}, "L_D alone"),
    ],
}

RIGHT = {
    "2.1": [
        (targets(1.0, 0.0),),
        (by_hand,),
        (in_a_loop,),
        (lambda r, f: right(r, f).double(),),
        (lambda r, f: -F.logsigmoid(r).mean() - F.logsigmoid(-f).sum() / f.numel(),),
    ],
    "2.2": [
        (FORMULAS,),
        ({name: list(pair) for name, pair in FORMULAS.items()},),
        (
            FORMULAS
            | {
                "1": ("wrong", torch.tensor(0.5, requires_grad=True)),
                "2": ("wrong", np.float32(-0.5)),
            },
        ),
        (FORMULAS | {"3": ("wrong", -0.0), "4": ("right", 1)},),
    ],
    "2.3": [
        (SENTENCES,),
        (SENTENCES | {"5": ["wrong", 0.65], "8": ("right", 2 * math.log(2))},),
        (SENTENCES | {"6": ("right", torch.tensor(3.0)), "7": ("wrong", np.float64(-0.99))},),
    ],
}
