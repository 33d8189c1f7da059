"""Misconceptions of lesson 11, each with a piece of the sentence that must answer it."""

import torch


def root(matrix):
    values, vectors = torch.linalg.eigh(matrix)
    return vectors * values.clamp(min=0).sqrt() @ vectors.T


def parts(real, fake):
    """‖μ − μ‖², the two covariances and the trace of the root of their product."""
    gap = (real.mean(dim=0) - fake.mean(dim=0)).square().sum()
    a, b = real.T.cov(), fake.T.cov()
    return gap, a, b, torch.linalg.eigvals(a @ b).sqrt().real.sum()


def frechet(shared=None, means=None):
    """The Fréchet distance with another shared part (of a, b) or another part for the means."""

    def answer(real, fake):
        gap, a, b, right = parts(real, fake)
        middle = right if shared is None else shared(a, b)
        return (gap if means is None else means(gap)) + a.trace() + b.trace() - 2 * middle

    return answer


def wrong_axis(real, fake):
    gap, *_ = parts(real, fake)
    a, b = real.cov(), fake.cov()
    return gap + a.trace() + b.trace() - 2 * torch.linalg.eigvals(a @ b).sqrt().real.sum()


def mean_over_features(real, fake):
    gap, *_ = parts(real, fake)
    return frechet()(real, fake) - gap + (real.mean(dim=1) - fake.mean(dim=1)).square().sum()


def biased(real, fake):
    gap, a, b, _ = parts(real, fake)
    a, b = real.T.cov(correction=0), fake.T.cov(correction=0)
    return gap + a.trace() + b.trace() - 2 * torch.linalg.eigvals(a @ b).sqrt().real.sum()


def only_equal_counts(real, fake):
    return frechet()(real, fake) * (1 + len(real) - len(fake))


def nearest(fakes, points):
    return torch.cdist(fakes, points).min(dim=1).values


def right(fakes, training, held_out):
    return (nearest(fakes, training) < nearest(fakes, held_out)).double().mean()


def distance(a, b):
    return frechet()(a, b)


WRONG = {
    "11.1": [
        (frechet(means=torch.sqrt), "has to be squared"),
        (frechet(means=lambda gap: 0), "the means are missing"),
        (lambda a, b: parts(a, b)[0], "the spreads are missing"),
        (frechet(lambda a, b: (a @ b).trace()), "the root is missing"),
        (frechet(lambda a, b: torch.sqrt(a @ b).trace()), "root of each entry"),
        (frechet(lambda a, b: torch.sqrt(a @ b).sum()), "is NaN"),
        (frechet(lambda a, b: (a * b).diagonal().sqrt().sum()), "distances of single features"),
        (frechet(lambda a, b: (a @ b).trace().sqrt()), "trace of the root"),
        (frechet(lambda a, b: (root(a) @ root(b)).trace()), "can be exchanged"),
        (
            frechet(lambda a, b: torch.linalg.eigvalsh(a @ b).clamp(min=0).sqrt().sum()),
            "one triangle only",
        ),
        (frechet(lambda a, b: torch.linalg.eigvals(a @ b).sqrt().sum()), "complex number"),
        (frechet(lambda a, b: torch.linalg.eigvals(a @ b).sqrt().real.sum() / 2), "counts twice"),
        (frechet(lambda a, b: -torch.linalg.eigvals(a @ b).sqrt().real.sum()), "not added"),
        (
            frechet(lambda a, b: torch.linalg.eigvals(a @ b).real.sqrt().sum()),
            "fewer than features, the result is NaN",
        ),
        (biased, "divide by N − 1"),
        (lambda a, b: frechet()(a, b).sqrt(), "squared distance"),
        (wrong_axis, "samples by samples"),
        (mean_over_features, "one number for each feature"),
        (only_equal_counts, "60 reals and 25 fakes"),
        (lambda a, b: a.T.cov() + b.T.cov(), "one number"),
    ],
    "11.2": [
        (lambda f, t, h: -nearest(f, t).mean(), "B", "does not look at the held-out data"),
        (lambda f, t, h: nearest(f, h).mean(), "B", "does not look at the training data"),
        (lambda f, t, h: 1 - right(f, t, h), "B", "turned round"),
        (
            lambda f, t, h: torch.cdist(f, h).mean() / torch.cdist(f, t).mean(),
            "B",
            "keep the nearest neighbour only",
        ),
        (lambda f, t, h: distance(f, h) - distance(f, t), "B", "look at single samples"),
        (
            lambda f, t, h: -nearest(f, t).mean() + 1e-3 * nearest(f, h).mean(),
            "B",
            "four times narrower",
        ),
        (lambda f, t, h: nearest(f, t) < nearest(f, h), "B", "One number for the whole set"),
        (lambda f, t, h: nearest(f, h).min() - nearest(f, t).min(), "B", "one fake of 300"),
        (lambda f, t, h: (nearest(f, h) - nearest(f, t)).abs().mean(), "B", "to the held-out data"),
        (right, "A", "no nearer to the training data"),
        (right, "C", "only blurred"),
        (right, "D", "less variety"),
        (right, "E", "none of the choices"),
    ],
}
