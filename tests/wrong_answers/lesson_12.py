"""Misconceptions of lesson 12, each with a piece of the sentence that must answer it."""

import math

import numpy as np
import torch
import torch.nn.functional as F

from gan_lessons.networks import append_one_hot
from gan_lessons.training import sample


def _planes(labels, classes, size):
    return F.one_hot(labels, classes).float()[:, :, None, None].expand(-1, -1, size, size)


def _published(labels, classes, size):
    """Each number repeated, then reshaped, as a much copied example does it."""
    one_hot = F.one_hot(labels, classes).float()
    return one_hot.flatten().repeat_interleave(size * size).view(-1, size, size, classes)


def _published_in_torch(labels, classes, size):
    return _published(labels, classes, size).permute(0, 3, 1, 2)


def _tiled(labels, classes, size):
    one_hot = F.one_hot(labels, classes).float()
    return one_hot.repeat(1, size * size).view(-1, classes, size, size)


def _by_index(labels, classes, size):
    planes = torch.zeros(len(labels), classes, size, size)
    planes[torch.arange(len(labels)), labels] = 1
    return planes


def _by_eye(labels, classes, size):
    return torch.eye(classes)[labels].view(-1, classes, 1, 1).repeat(1, 1, size, size)


def _by_numpy(labels, classes, size):
    planes = torch.from_numpy(np.eye(classes)[labels.numpy()])
    return planes[:, :, None, None].expand(-1, -1, size, size)


def _by_comparing(labels, classes, size):
    same = labels.view(-1, 1, 1, 1) == torch.arange(classes).view(1, -1, 1, 1)
    return same.expand(-1, -1, size, size).float()


def _sorted(labels, classes, size):
    return _planes(labels.sort().values, classes, size)


def _one_more(labels, classes, size):
    return _planes((labels + 1) % classes, classes, size)


def _without_classes(labels, classes, size):
    return F.one_hot(labels).float()[:, :, None, None].expand(-1, -1, size, size)


def _by_frequency(labels, classes, size):
    planes = _planes(labels, classes, size)
    return planes / planes.sum(dim=0, keepdim=True).clamp(min=1)


def _write(generator, number, z, noise=None, digits=None):
    labels = torch.tensor([int(digit) for digit in (number if digits is None else digits)])
    noise = z.expand(len(labels), -1) if noise is None else noise
    with torch.no_grad():
        return generator(append_one_hot(noise, labels, 10))


def _other_noise(generator, number, z):
    return _write(generator, number, z, torch.randn(len(number), 64))


def _own_noise(generator, number, z):
    return _write(generator, number, z, torch.zeros(len(number), 64))


def _as_a_number(generator, number, z):
    return _write(generator, number, z, digits=str(int(number)))


def _class_first(generator, number, z):
    labels = torch.tensor([int(digit) for digit in number])
    with torch.no_grad():
        return generator(torch.cat([F.one_hot(labels, 10), z.expand(len(labels), -1)], dim=1))


def _index_not_one_hot(generator, number, z):
    labels = torch.tensor([int(digit) for digit in number])
    told = labels[:, None].float().expand(-1, 10)
    with torch.no_grad():
        return generator(torch.cat([z.expand(len(labels), -1), told], dim=1))


def _only_noise(generator, number, z):
    return generator(z.expand(len(number), -1))


def _trains(generator, number, z):
    generator.train()
    return _write(generator, number, z)


def _once_each(generator, number, z):
    return _write(generator, number, z, digits=dict.fromkeys(number))


def _backwards(generator, number, z):
    return _write(generator, number, z, digits=number[::-1])


def _by_ord(generator, number, z):
    labels = torch.tensor([ord(digit) - ord("1") for digit in number]) % 10
    with torch.no_grad():
        return generator(append_one_hot(z.expand(len(labels), -1), labels, 10))


def _in_octal(generator, number, z):
    return _write(generator, number, z, digits="".join(str(int(digit) % 8) for digit in number))


def _blank(generator, number, z):
    _write(generator, number, z)
    return torch.zeros(len(number), 1, 28, 28)


def _shuffled(generator, number, z):
    return _write(generator, number, z).flip(0)


def _first_repeated(generator, number, z):
    return _write(generator, number, z)[:1].expand(len(number), -1, -1, -1)


def _weakened(generator, number, z):
    generator.strength.data.mul_(0.5)
    return _write(generator, number, z)


def _there_and_back(generator, number, z):
    return _write(generator, number, z, digits=number[::-1]).flip(0)


def _from_a_sheet(generator, number, z):
    sheet = _write(generator, number, z, digits="0123456789")
    return sheet[[int(digit) for digit in number]]


def _one_by_one(generator, number, z):
    with torch.no_grad():
        return torch.cat(
            [generator(append_one_hot(z[None], torch.tensor([int(d)]), 10)) for d in number]
        )


def _by_sample(generator, number, z):
    labels = torch.tensor([int(digit) for digit in number])
    return sample(generator, append_one_hot(z.expand(len(labels), -1), labels, 10))


def _with_a_graph(generator, number, z):
    one_hot = torch.eye(10)[[int(digit) for digit in number]]
    return generator(torch.cat([z.repeat(len(number), 1), one_hot], dim=1))


def _repeated_z(generator, number, z):
    labels = torch.tensor(list(map(int, number)))
    return generator(append_one_hot(torch.stack([z] * len(number)), labels, 10)).detach()


def _numerically(classes):
    perfect = torch.zeros(1, classes)
    perfect[0, 0] = 1
    return F.cross_entropy(perfect, torch.tensor([0])).item()


WRONG = {
    "12.1": [
        (_published, "planes are the last axis"),
        (_published_in_torch, "has to be constant"),
        (_tiled, "has to be constant"),
        (
            lambda labels, classes, size: F.one_hot(labels, classes).float(),
            "every pixel of a plane",
        ),
        (
            lambda labels, classes, size: F.one_hot(labels, classes).float()[:, :, None, None],
            "cannot stretch an axis of 1",
        ),
        (
            lambda labels, classes, size: labels.view(-1, 1, 1, 1).expand(-1, 1, size, size) / 9,
            "one plane for each picture",
        ),
        (
            lambda labels, classes, size: torch.cat(
                [torch.zeros(len(labels), 1, size, size), _planes(labels, classes, size)], dim=1
            ),
            "without the picture",
        ),
        (lambda labels, classes, size: 1 - _planes(labels, classes, size), "inverted"),
        (
            lambda labels, classes, size: _planes(labels, classes, size).long(),
            "the planes are torch.int64",
        ),
        (_by_numpy, "the planes are torch.float64"),
        (
            lambda labels, classes, size: _planes(labels, classes, size).half(),
            "the planes are torch.float16",
        ),
        (_without_classes, "has to be told how many there are"),
        (_by_frequency, "planes hold"),
        (lambda labels, classes, size: 2 * _planes(labels, classes, size) - 1, "planes hold"),
        (lambda labels, classes, size: -_planes(labels, classes, size), "planes hold"),
        (lambda labels, classes, size: _planes(labels, classes, size) / 0, "NaN or infinite"),
        (_sorted, "is lit"),
        (_one_more, "is lit"),
        (
            lambda labels, classes, size: torch.ones(len(labels), classes, size, size),
            "exactly one should be",
        ),
        (
            lambda labels, classes, size: _planes(labels, classes, size) / size**2,
            "are wanted",
        ),
        (lambda labels, classes, size: _planes(labels, classes, 28), "has shape"),
    ],
    "12.2": [
        (lambda classes: 0.0, "Probabilities only reach from 0 to 1"),
        (lambda classes: math.log(classes), "knows nothing"),
        (lambda classes: math.log(classes - 1 + math.e), "still to be subtracted"),
        (lambda classes: math.log(1 + classes / math.e), "only K − 1"),
        (lambda classes: 1 / (1 + (classes - 1) / math.e), "−log of it"),
        (lambda classes: -math.log(1 + (classes - 1) / math.e), "sign is turned"),
        (lambda classes: math.log2(1 + (classes - 1) / math.e), "bits"),
        (lambda classes: -1 / (1 + (classes - 1) / math.e), "logarithm is missing"),
        (lambda classes: round(math.log(1 + (classes - 1) / math.e), 4), "do not round"),
        (lambda classes: 1.461, "do not round"),
        (lambda classes: math.log(1 + 9 / math.e), "it gives 1.461"),
        (lambda classes: math.log10(1 + (classes - 1) / math.e), "base 10"),
        (lambda classes: math.log(1 + (classes - 1) * math.exp(-2)), "from −1 to 1"),
        (lambda classes: math.log(1 + (classes - 1) * math.e), "sign is turned"),
        (lambda classes: float("nan"), "not a finite number"),
        (lambda classes: torch.full((classes,), 1.461), "a single number is wanted"),
    ],
    "12.3": [
        (_other_noise, "a hand of its own"),
        (_own_noise, "not the z that was given"),
        (_as_a_number, "leading zeros"),
        (_class_first, "before the noise"),
        (_index_not_one_hot, "one 1 and nine 0s"),
        (_only_noise, "it takes (n, 74)"),
        (_trains, "training mode"),
        (_once_each, "leading zeros and repeated ones"),
        (_backwards, "another order"),
        (_shuffled, "or in another order"),
        (_first_repeated, "not what it drew"),
        (_weakened, "no longer what it was"),
        (lambda generator, number, z: torch.zeros(len(number), 1, 28, 28), "was never called"),
        (_by_ord, "was asked for as"),
        (_in_octal, "'98811' was asked for as 10011"),
        (_blank, "not what it drew"),
        (lambda generator, number, z: _write(generator, number, z).flatten(1), "has shape"),
    ],
}
RIGHT = {
    "12.1": [(_by_index,), (_by_eye,), (_by_comparing,), (_planes,)],
    "12.2": [
        (lambda classes: math.log(1 + (classes - 1) / math.e),),
        (lambda classes: math.log(math.e + classes - 1) - 1,),
        (_numerically,),
        (lambda classes: -math.log(math.e / (math.e + classes - 1)),),
        (lambda classes: torch.tensor(1 + (classes - 1) / math.e).log(),),
    ],
    "12.3": [
        (_write,),
        (_one_by_one,),
        (_with_a_graph,),
        (_repeated_z,),
        (_there_and_back,),
        (_from_a_sheet,),
        (_by_sample,),
    ],
}
