"""Misconceptions of lesson 08, each with a piece of the sentence that must answer it."""

import math

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


def _short_way(a, b, t):
    """As for quaternions: b and −b are one turn there."""
    b = -b if torch.dot(a, b) < 0 else b
    return _arc(a, b, t, _angle(a, b))


def _short_way_from(a, b, t):
    a = -a if torch.dot(a, b) < 0 else a
    return _arc(a, b, t, _angle(a, b))


def _overwrites(a, b, t):
    angle = _angle(a, b)
    a *= torch.sin((1 - t) * angle) / torch.sin(angle)
    return a + b * torch.sin(t * angle) / torch.sin(angle)


def _turned(a, b, t):
    """Turns a towards b and forgets that b has a length of its own."""
    across = _unit(b - torch.dot(a, b) / torch.dot(a, a) * a) * a.norm()
    return torch.cos(t * _angle(a, b)) * a + torch.sin(t * _angle(a, b)) * across


def _by_hand(a, b, t):
    dot = sum(x * y for x, y in zip(a.tolist(), b.tolist(), strict=True))
    length_a, length_b = (math.sqrt(sum(x * x for x in v.tolist())) for v in (a, b))
    angle = math.acos(dot / (length_a * length_b))
    first, second = math.sin((1 - t) * angle), math.sin(t * angle)
    return first / math.sin(angle) * a + second / math.sin(angle) * b


def _guarded(a, b, t):
    cosine = torch.nn.functional.cosine_similarity(a, b, dim=0).clamp(-1, 1)
    if cosine.abs() > 0.9995:
        return torch.lerp(a, b, t)
    return _arc(a, b, t, cosine.arccos())


def _by_atan(a, b, t):
    ua, ub = _unit(a), _unit(b)
    return _arc(a, b, t, 2 * torch.atan2((ua - ub).norm(), (ua + ub).norm()))


def _halves(z, images):
    """Mean noise of the pictures with more ink than the median, minus that of the others."""
    more = _ink(images) > _ink(images).median()
    return _unit(z[more].mean(dim=0) - z[~more].mean(dim=0))


def _fitted(z, images):
    centred = _ink(images) - _ink(images).mean()
    return _unit(torch.linalg.lstsq(z - z.mean(dim=0), centred[:, None]).solution[:, 0])


def _correlation(z, images):
    return _unit(torch.corrcoef(torch.cat([z.T, _ink(images)[None]]))[-1, :-1])


def _with_positive_ink(z, images):
    light = (images.flatten(1).double() + 1).sum(dim=1)
    return torch.nn.functional.normalize((light - light.mean()) @ z.double(), dim=0)


def _of_part(z, images, rows, columns):
    return _weighted(z, _ink(images[:, :, rows, columns]))


def _extremes(z, images):
    return _unit(z[_ink(images).argmax()] - z[_ink(images).argmin()])


RIGHT = {
    "8.1": [
        (_by_hand,),
        (_guarded,),
        (_by_atan,),
        (lambda a, b, t: _arc(a.double(), b.double(), t, _angle(a.double(), b.double())),),
        (lambda a, b, t: _arc(a, b, torch.as_tensor(t), _angle(a, b)),),
    ],
    "8.2": [
        (_halves,),
        (_fitted,),
        (_correlation,),
        (_with_positive_ink,),
        (lambda z, images: _weighted(z, images.flatten(1).sum(dim=1)),),
        (lambda z, images: _weighted(z, _ink(images).argsort().argsort().float()),),
    ],
}
WRONG = {
    "8.1": [
        (lambda a, b, t: (1 - t) * a + t * b, "straight line, lerp"),
        (_pushed_back, "equal angles for equal steps of t"),
        (lambda a, b, t: _arc(b, a, t, _angle(a, b)), "from b to a"),
        (lambda a, b, t: _arc(_unit(a), _unit(b), t, _angle(a, b)), "vectors of one length"),
        (lambda a, b, t: _arc(a, b, t, _angle(a, b)) * torch.sin(_angle(a, b)), "divide by sin"),
        (lambda a, b, t: _arc(a, b, t, torch.acos(torch.dot(a, b))), "is NaN beyond ±1"),
        (lambda a, b, t: _arc(a, b, t, torch.rad2deg(_angle(a, b))), "in degrees there"),
        (lambda a, b, t: _arc(a, b, t, torch.cos(_angle(a, b))), "for the angle itself"),
        (lambda a, b, t: _arc(a, b, t, torch.asin(torch.cos(_angle(a, b)))), "ω, in radians"),
        (lambda a, b, t: _arc(a, b, t, torch.acos(torch.dot(a, b) / len(a))), "is not finite"),
        (lambda a, b, t: _arc(a, b, t, _angle(a, b) / 2), "where ω, in radians"),
        (_short_way, "goes the short way"),
        (_short_way_from, "goes the short way"),
        (_turned, "vectors of one length"),
        (_overwrites, "overwrote its input"),
        (lambda a, b, t: _arc(a, b, t, _angle(a, b)) + 0.1, "sin(tω) b"),
        (lambda a, b, t: _arc(a, b, 0.3, _angle(a, b)), "at index"),
        (
            lambda a, b, t: _arc(a, b, t, _angle(a, b)) if t else torch.zeros_like(a),
            "At t = 0",
        ),
        (lambda a, b, t: _arc(a, b, t, _angle(a, b))[None], "(1, 16), where (16,) is wanted"),
        (lambda a, b, t: _arc(a, b, t, _angle(a, b)).numpy(), "NumPy array"),
        (lambda a, b, t: _arc(a, b, t, _angle(a, b)).tolist(), "is a list"),
        (lambda a, b, t: a * float("nan"), "is not finite"),
        (lambda a, b, t: a.norm(), "shape (), where (16,)"),
        (lambda a, b, t: (_arc(a, b, t, _angle(a, b)),), "is a tuple"),
    ],
    "8.2": [
        (lambda z, images: _unit(z.T @ _ink(images)), "subtract the mean of the ink first"),
        (lambda z, images: _weighted(z, -_ink(images)), "lose ink"),
        (lambda z, images: _unit(z[_ink(images).argmax()]), "the most ink: one picture"),
        (lambda z, images: z.T @ (_ink(images) - _ink(images).mean()), "Divide by it"),
        (lambda z, images: _unit(images.mean(dim=0).flatten()), "one number for each pixel"),
        (lambda z, images: _unit(z.std(dim=0)), "ink does not rise as it should"),
        (lambda z, images: 0 * z[0], "all its numbers are zero"),
        (lambda z, images: _weighted(z, _ink((images > 0).float())), "no bright pixels to count"),
        (lambda z, images: _unit(z.mean(dim=0)), "its cosine with the true direction"),
        (lambda z, images: _weighted(z, _ink(images.abs())), "lose ink"),
        (lambda z, images: _weighted(z, _ink(images**2)), "lose ink"),
        (lambda z, images: -_weighted(z, _ink(images)), "lose ink"),
        (_extremes, "its cosine with the true direction"),
        (lambda z, images: torch.eye(z.shape[1])[0], "its cosine with the true direction"),
        (lambda z, images: _weighted(z, images.flatten(1).std(dim=1)), "its cosine with the true"),
        (lambda z, images: _weighted(z, images[:, 0, 14, 14]), "its cosine with the true"),
        (lambda z, images: _of_part(z, images, slice(14), slice(28)), "the mean of all pixels"),
        (lambda z, images: _of_part(z, images, slice(28), slice(5)), "the mean of all pixels"),
        (lambda z, images: _of_part(z, images, slice(7, 21), slice(7, 21)), "of all pixels"),
        (lambda z, images: _weighted(z, images.flatten(1).median(1).values), "the mean of all"),
        (lambda z, images: _weighted(z, _ink((images + 1) ** 2)), "the mean of all pixels"),
        (lambda z, images: _weighted(z[:200], _ink(images[:200])), "over all pictures"),
        (lambda z, images: _weighted(z, _ink(images))[None], "(1, 12), where (12,) is wanted"),
        (lambda z, images: _weighted(z, _ink(images)).tolist(), "is a list"),
        (lambda z, images: 2 * _weighted(z, _ink(images)), "its length is 2"),
        (lambda z, images: torch.zeros(z.shape[1], dtype=torch.long), "all its numbers are zero"),
        (lambda z, images: z * _ink(images)[:, None], "(600, 12), where (12,) is wanted"),
        (lambda z, images: _ink(images) - _ink(images).mean(), "(600,), where (12,) is wanted"),
    ],
}
