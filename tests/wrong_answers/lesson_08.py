"""Misconceptions of lesson 08, each with a piece of the sentence that must answer it."""

import torch


def _angle(a, b):
    return torch.acos(torch.dot(a, b) / (a.norm() * b.norm()))


def _arc(a, b, t, angle):
    return (torch.sin((1 - t) * angle) * a + torch.sin(t * angle) * b) / torch.sin(angle)


def _pushed_back(a, b, t):
    straight = (1 - t) * a + t * b
    return straight / straight.norm() * ((1 - t) * a.norm() + t * b.norm())


def _ink(images):
    return images.mean(dim=(1, 2, 3))


def _unit(vector):
    return vector / vector.norm()


def _weighted(z, weights):
    return _unit(z.T @ (weights - weights.mean()))


WRONG = {
    "8.1": [
        (lambda a, b, t: (1 - t) * a + t * b, "straight line, lerp"),
        (_pushed_back, "equal steps of t must be equal angles"),
        (lambda a, b, t: _arc(b, a, t, _angle(a, b)), "from b to a"),
        (lambda a, b, t: _arc(_unit(a), _unit(b), t, _angle(a, b)), "between the unit vectors"),
        (lambda a, b, t: _arc(a, b, t, _angle(a, b)) * torch.sin(_angle(a, b)), "divide by sin"),
        (lambda a, b, t: _arc(a, b, t, torch.acos(torch.dot(a, b))), "alone is no cosine"),
        (lambda a, b, t: _arc(a, b, t, torch.rad2deg(_angle(a, b))), "in radians"),
    ],
    "8.2": [
        (lambda z, images: _unit(z.T @ _ink(images)), "subtract the mean of the ink"),
        (lambda z, images: _weighted(z, -_ink(images)), "lose ink"),
        (lambda z, images: _unit(z[_ink(images).argmax()]), "the most ink: one picture"),
        (lambda z, images: z.T @ (_ink(images) - _ink(images).mean()), "Divide by it"),
        (lambda z, images: _unit(images.mean(dim=0).flatten()), "one number for each pixel"),
        (lambda z, images: _unit(z.std(dim=0)), "ink does not rise as it should"),
        (lambda z, images: 0 * z[0], "all its numbers are zero"),
        (lambda z, images: _weighted(z, _ink((images > 0).float())), "no bright pixels to count"),
    ],
}
