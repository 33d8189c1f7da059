"""Four designs of an experiment, for lesson 15. What is wrong with them stands elsewhere.

All of them stand for "add a GAN's pictures to the training digits, and examine a classifier", with
parts so small that they run at once: `imitate` in the place of the GAN, `mark` with a
nearest-neighbour classifier. Images are (N, 784), labels (N,).
"""

import torch
from torch import Tensor

Digits = tuple[Tensor, Tensor]


def imitate(digits: Digits, n: int, rng: torch.Generator) -> Digits:
    """n pictures like those shown, with labels: in the place of a conditional GAN."""
    images, labels = digits
    chosen = torch.randint(len(labels), (n,), generator=rng)
    return images[chosen] + 0.3 * torch.randn(n, images.shape[1], generator=rng), labels[chosen]


def divide(digits: Digits, n: int, rng: torch.Generator) -> tuple[Digits, Digits]:
    """Two parts that share no row: all but n rows, and n rows."""
    images, labels = digits
    order = torch.randperm(len(labels), generator=rng)
    first, second = order[n:], order[:n]
    return (images[first], labels[first]), (images[second], labels[second])


def join(*parts: Digits) -> Digits:
    """Several sets as one."""
    return torch.cat([images for images, _ in parts]), torch.cat([labels for _, labels in parts])


def mark(learned: Digits, examined: Digits) -> float:
    """Accuracy of a nearest-neighbour classifier: taught with one set, examined with another."""
    nearest = torch.cdist(examined[0], learned[0]).argmin(dim=1)
    return (learned[1][nearest] == examined[1]).double().mean().item()


def design_a(digits: Digits, rng: torch.Generator) -> float:
    training, examined = divide(digits, 150, rng)
    marks = []
    for n in range(20, 420, 20):
        fakes = imitate(training, n, rng)
        marks.append(mark(fakes, examined))
    return max(marks)


def design_b(digits: Digits, rng: torch.Generator) -> float:
    images, labels = digits
    shifted = images.view(-1, 28, 28).roll(1, dims=2).flatten(1), labels
    training, examined = divide(join(digits, shifted), 150, rng)
    fakes = imitate(training, 300, rng)
    return mark(join(training, fakes), examined)


def design_c(digits: Digits, rng: torch.Generator) -> float:
    training, examined = divide(digits, 150, rng)
    learned, trial = divide(training, 150, rng)
    tried = {}
    for n in range(20, 420, 20):
        tried[n] = mark(imitate(learned, n, rng), trial)
    best = max(tried, key=lambda n: tried[n])
    return mark(imitate(training, best, rng), examined)


def design_d(digits: Digits, rng: torch.Generator) -> float:
    fakes = imitate(digits, 600, rng)
    training, examined = divide(digits, 150, rng)
    return mark(join(training, fakes), examined)


DESIGNS = {"A": design_a, "B": design_b, "C": design_c, "D": design_d}
