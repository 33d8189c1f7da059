"""Misconceptions of lesson 14, each with a piece of the sentence that must answer it."""

import math

import torch
import torch.nn.functional as F
from torch import nn


def _measured(cycle, agreement):
    def answer(to_b, to_a, pictures, labels, read):
        made = to_b(pictures)
        back = to_a(made)
        return cycle(pictures, made, back), agreement(
            read(pictures), read(made), read(back), labels
        )

    return answer


def _error(x, made, back):
    return (back - x).abs().mean()


def _share(of_x, of_made, of_back, labels):
    return (of_made == labels).double().mean()


def _swapped(*handed):
    return _measured(_error, _share)(*handed)[::-1]


def _loop(to_b, to_a, pictures, labels, read):
    error, hits = 0.0, 0
    for x, label in zip(pictures, labels, strict=True):
        made = to_b(x[None])
        error += F.l1_loss(to_a(made), x[None]).item()
        hits += int(read(made)[0]) == int(label)
    return error / len(labels), hits / len(labels)


def _in_a_tensor(*handed):
    return torch.stack([torch.as_tensor(n).double() for n in _measured(_error, _share)(*handed)])


def _sum(real, fake):
    return F.softplus(-real).mean() + F.softplus(fake).mean()


def _bce(real, fake):
    loss = nn.BCEWithLogitsLoss()
    return loss(real, torch.ones_like(real)) + loss(fake, torch.zeros_like(fake))


def _measured_level(real, fake):
    return _bce(real, fake), _bce(torch.zeros_like(real), torch.zeros_like(fake))


def _level(level):
    return lambda real, fake: (_sum(real, fake), level)


CHANCE = math.log(4)


def _loss(loss, level=CHANCE):
    return lambda real, fake: (loss(real, fake), level)


def _probabilities(real, fake):
    return -real.sigmoid().log().mean() - (1 - fake.sigmoid()).log().mean()


def _half_literal(real, fake):
    return -real.sigmoid().log().mean() + F.softplus(fake).mean()


def _half_clipped(real, fake):
    reals = F.binary_cross_entropy(real.sigmoid(), torch.ones_like(real))
    return reals + F.softplus(fake).mean()


def _exponentials(real, fake):
    return (1 + (-real).exp()).log().mean() + (1 + fake.exp()).log().mean()


def _weights(*networks):
    return [p for network in networks for p in network.parameters()]


def _adams(generators, discriminators, lr, factor=0.5):
    adam = torch.optim.Adam
    return adam(_weights(*generators), lr), adam(_weights(*discriminators), factor * lr)


def _uneven(networks, *rates):
    groups = [
        {"params": network.parameters(), "lr": rate}
        for network, rate in zip(networks, rates, strict=True)
    ]
    return torch.optim.Adam(groups)


def _groups(generators, discriminators, lr):
    def one(networks, rate):
        groups = [{"params": network.parameters()} for network in networks]
        return torch.optim.Adam(groups, lr=rate, betas=(0.5, 0.999))

    return one(generators, lr), one(discriminators, lr / 2)


def _listed(generators, discriminators, lr):
    g, d = nn.ModuleList(generators), nn.ModuleList(discriminators)
    made = (torch.optim.Adam(n.parameters(), r) for n, r in ((g, lr), (d, lr / 2)))
    return list(made)


def _other_translator(to_b, to_a, pictures, labels, read):
    cycle, _ = _measured(_error, _share)(to_b, to_a, pictures, labels, read)
    return cycle, (read(to_a(pictures)) == labels).double().mean()


def _other_way(to_b, to_a, pictures, labels, read):
    _, agreement = _measured(_error, _share)(to_b, to_a, pictures, labels, read)
    return (to_b(to_a(pictures)) - pictures).abs().mean(), agreement


def _as_read_before(to_b, to_a, pictures, labels, read):
    cycle, _ = _measured(_error, _share)(to_b, to_a, pictures, labels, read)
    return cycle, (read(to_b(pictures)) == read(pictures)).double().mean()


def _in_place(to_b, to_a, pictures, labels, read):
    made = to_b(pictures)
    agreement = (read(made) == labels).double().mean()
    pictures -= to_a(made)
    return pictures.abs().mean(), agreement


def _climbing(generators, discriminators, lr):
    adam = torch.optim.Adam
    return adam(_weights(*generators), lr), adam(_weights(*discriminators), lr / 2, maximize=True)


def _frozen(generators, discriminators, lr):
    for parameter in _weights(*discriminators):
        parameter.requires_grad_(False)
    return _adams(generators, discriminators, lr)


def _zeroed(generators, discriminators, lr):
    with torch.no_grad():
        for parameter in _weights(*discriminators):
            parameter.zero_()
    return _adams(generators, discriminators, lr)


RIGHT = {
    "14.1": [(_measured(_error, _share),), (_loop,), (_in_a_tensor,)],
    "14.2": [
        (_loss(_bce),),
        (_measured_level,),
        (lambda real, fake: (_sum(real, fake).item(), -2 * math.log(0.5)),),
    ],
    "14.3": [(_adams,), (_groups,), (_listed,)],
}
WRONG = {
    "14.1": [
        (_swapped, "in the other order"),
        (_measured(lambda x, m, b: (b - x).square().mean(), _share), "*squared* error"),
        (_measured(lambda x, m, b: (b - x).mean(), _share), "differences of both signs cancel"),
        (_measured(lambda x, m, b: (b - x).abs().sum(), _share), "the sum over all pixels"),
        (_measured(lambda x, m, b: (m - x).abs().mean(), _share), "with its *translation*"),
        (_measured(lambda x, m, b: (b - m).abs().mean(), _share), "the two networks' outputs"),
        (_measured(_error, lambda x, m, b, y: (b == y).double().mean()), "what *came back*"),
        (_measured(_error, lambda x, m, b, y: (x == y).double().mean()), "before anything is"),
        (_measured(_error, lambda x, m, b, y: (m == y).sum()), "that is how many"),
        (_measured(_error, lambda x, m, b, y: (m != y).double().mean()), "as *another* digit"),
        (_measured(_error, lambda x, m, b, y: m == y), "take the mean over all"),
        (lambda *handed: _measured(_error, _share)(*handed)[0], "two numbers are wanted"),
        (_measured(lambda x, m, b: 0.0, _share), "mean of |way there and back"),
        (lambda to_b, to_a, x, y, read: to_b.nothing, "AttributeError"),
        (_other_translator, "what to_a makes of the pictures"),
        (_other_way, "goes through to_a first"),
        (_as_read_before, "what was *read* before"),
        (_in_place, "overwrote its input"),
        (lambda *handed: (None, None), "no number: NoneType"),
        (lambda *handed: (1j, 1.0), "complex"),
    ],
    "14.2": [
        (_level(math.log(2)), "drawn too low by half"),
        (_level(0.5), "½ is D's answer"),
        (_level(1.0), "one of the two terms in bits"),
        (_level("log 4"), "no number: str"),
        (_level(2.0), "that is in bits"),
        (_level(0.0), "always right and certain"),
        (_level(-math.log(4)), "D's loss is −V"),
        (_level(3.0), "the logit 0, to every picture"),
        (_loss(lambda r, f: _sum(r, f) / 2, math.log(2)), "the *mean* of the two terms"),
        (
            _loss(lambda r, f: F.softplus(torch.cat([-r.flatten(), f.flatten()])).mean() * 2),
            "the mean of −log D(real) plus",
        ),
        (_loss(lambda r, f: _sum(-r, -f)), "real and fake are exchanged"),
        (_loss(lambda r, f: _sum(r, -f)), "wants D to call the fakes real"),
        (_loss(lambda r, f: F.softplus(-r).mean()), "the fakes are missing"),
        (_loss(lambda r, f: F.softplus(f).mean()), "the real pictures are missing"),
        (_loss(lambda r, f: -_sum(r, f)), "the sign is wrong"),
        (_loss(lambda r, f: _sum(r, f) / math.log(2)), "in bits"),
        (_loss(lambda r, f: f.mean() - r.mean()), "loss of a critic"),
        (_loss(_probabilities), "infinite or NaN for a confident D"),
        (_loss(_half_literal), "infinite or NaN for a confident D"),
        (_loss(_half_clipped), "is 100, where 120 is wanted"),
        (_loss(_exponentials), "an exp of 110 is too large"),
        (_level(0.602), "to the base 10"),
        (_sum, "return loss, level"),
        (_loss(lambda r, f: F.softplus(-r)), "take the mean over all"),
    ],
    "14.3": [
        (lambda g, d, lr: _adams(g, d, lr, 1), "need"),
        (lambda g, d, lr: _adams(g, d, lr, 2), "*twice* as long"),
        (lambda g, d, lr: _adams(g, d, lr, 0.25), "0.25 times as long"),
        (lambda g, d, lr: _adams(g, d, 2 * lr), "take the rate as it is"),
        (lambda g, d, lr: _adams(g, d, lr)[::-1], "the generators' first"),
        (lambda g, d, lr: _adams(g[:1], d, lr), "2 of 4"),
        (lambda g, d, lr: _adams(g, d[:1], lr), "2 of 4"),
        (lambda g, d, lr: _adams([*g, *d], d, lr), "of the other side"),
        (lambda g, d, lr: _adams(g, d, lr)[0], "two optimizers are wanted"),
        (
            lambda g, d, lr: (
                torch.optim.SGD(_weights(*g), lr),
                torch.optim.SGD(_weights(*d), lr / 2),
            ),
            "do not depend on the size",
        ),
        (lambda g, d, lr: (lr, lr / 2), "no optimizer of torch.optim"),
        (_climbing, "climbs the loss"),
        (_frozen, "would never learn"),
        (_zeroed, "weights of the networks were changed"),
        (lambda g, d, lr: (_adams(g, d, lr)[0], _uneven(d, lr / 2, lr)), "steps of one length"),
        (lambda g, d, lr: (_uneven(g, lr, 2 * lr), _adams(g, d, lr)[1]), "steps of one length"),
    ],
}
