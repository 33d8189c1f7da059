"""Misconceptions of lesson 11, each with a piece of the sentence that must answer it."""

import math

import scipy.linalg
import torch

from gan_lessons import metrics


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


def with_covariances(covariance):
    """The Fréchet distance with something else in place of the covariances."""

    def answer(real, fake):
        a, b = covariance(real), covariance(fake)
        shared = torch.linalg.eigvals(a @ b).sqrt().real.sum()
        return parts(real, fake)[0] + a.trace() + b.trace() - 2 * shared

    return answer


def overwrites(real, fake):
    real -= real.mean(dim=0)
    return distance(real, fake)


def by_the_package(real, fake):
    return metrics.frechet_distance(metrics.statistics(real), metrics.statistics(fake))


def first_counts_only(real, fake):
    n = min(len(real), len(fake))
    return distance(real[:n], fake[:n])


def absolute_means(real, fake):
    gap = parts(real, fake)[0]
    return distance(real, fake) - gap + (real.mean(dim=0) - fake.mean(dim=0)).abs().sum()


def spreads_of_features(real, fake):
    return parts(real, fake)[0] + (real.std(dim=0) - fake.std(dim=0)).square().sum()


def squared_covariances(real, fake):
    gap, a, b, _ = parts(real, fake)
    return gap + (a - b).square().sum()


def all_entries(real, fake):
    gap, a, b, shared = parts(real, fake)
    return gap + (a + b).sum() - 2 * shared


def schur_root(real, fake):
    """As pytorch-fid does: SciPy's root of the product, its real part."""
    gap, a, b, _ = parts(real, fake)
    shared = scipy.linalg.sqrtm((a @ b).numpy()).real.trace()
    return float(gap + a.trace() + b.trace() - 2 * shared)


def by_loops(real, fake):
    def covariance(x):
        centred = [column - column.mean() for column in x.T]
        return torch.stack([torch.stack([p @ q for q in centred]) for p in centred]) / (len(x) - 1)

    return with_covariances(covariance)(real, fake)


def by_the_data(real, fake):
    """The nuclear norm of centred reals times centred fakes: no covariance is ever made."""
    gap, a, b, _ = parts(real, fake)
    centred, others = real - real.mean(dim=0), fake - fake.mean(dim=0)
    counts = (len(real) - 1) * (len(fake) - 1)
    shared = torch.linalg.svdvals(centred @ others.T).sum() / counts**0.5
    return gap + a.trace() + b.trace() - 2 * shared


def both(fakes, training, held_out):
    return nearest(fakes, training), nearest(fakes, held_out)


def gain(fakes, training, held_out):
    to_training, to_held_out = both(fakes, training, held_out)
    return to_held_out - to_training


def by_index(fakes, training, held_out):
    n = len(fakes)
    return (fakes - held_out[:n]).norm(dim=1).mean() - (fakes - training[:n]).norm(dim=1).mean()


def changes_its_fakes(fakes, training, held_out):
    fakes -= fakes.mean(dim=0)
    return right(fakes, training, held_out)


def one_by_one(fakes, training, held_out):
    nearer = 0
    for fake in fakes:
        nearer += bool((training - fake).norm(dim=1).min() < (held_out - fake).norm(dim=1).min())
    return nearer / len(fakes)


def among_all(fakes, training, held_out):
    which = torch.cdist(fakes, torch.cat([training, held_out])).argmin(dim=1)
    return (which < len(training)).double().mean()


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
        (frechet(means=lambda gap: gap / 4), "takes their mean"),
        (absolute_means, "absolute values are added up"),
        (with_covariances(lambda x: x.T @ x / (len(x) - 1)), "not centred"),
        (with_covariances(lambda x: x.T @ x / len(x)), "not centred"),
        (with_covariances(lambda x: x.T.corrcoef()), "correlations"),
        (spreads_of_features, "distances of single features"),
        (squared_covariances, "squared difference of the covariances"),
        (all_entries, "all entries of the covariances"),
        (lambda a, b: -distance(a, b), "sign is turned round"),
        (lambda a, b: distance(a.float(), b.float()), "in float64"),
        (lambda a, b: distance(a.float(), b.float()).item(), "in float64"),
        (frechet(lambda a, b: (a @ b).abs().sqrt().sum()), "is wanted"),
        (overwrites, "overwrote its input"),
        (first_counts_only, "60 reals and 25 fakes"),
        (by_the_package, "3 samples are too few for 4 features"),
        (lambda a, b: complex(distance(a, b)), "complex number"),
        (lambda a, b: math.nan, "is NaN"),
        (lambda a, b: math.inf, "is inf"),
        (lambda a, b: distance(a, b)[None], "a single number is wanted"),
        (lambda a, b: distance(a, b).round(), "is wanted"),
    ],
    "11.2": [
        (lambda f, t, h: -nearest(f, t).mean(), "B", "same when the held-out data are"),
        (lambda f, t, h: nearest(f, h).mean(), "B", "same when the training data are"),
        (lambda f, t, h: 1 - right(f, t, h), "B", "turned round"),
        (
            lambda f, t, h: torch.cdist(f, h).mean() / torch.cdist(f, t).mean(),
            "B",
            "twice as wide",
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
        (lambda f, t, h: gain(f, t, h).max(), "B", "one fake of 300"),
        (lambda f, t, h: (nearest(f, h) / nearest(f, t)).max(), "B", "one fake of 300"),
        (lambda f, t, h: gain(f, t, h)[0], "B", "innocent"),
        (lambda f, t, h: gain(f, t, h).square().mean(), "B", "to the held-out data"),
        (lambda f, t, h: (right(f, t, h) - 0.5).abs(), "B", "to the held-out data"),
        (lambda f, t, h: -gain(f, t, h).mean(), "B", "turned round"),
        (lambda f, t, h: nearest(h, t).mean() - nearest(f, t).mean(), "B", "four times narrower"),
        (lambda f, t, h: (nearest(f, t) < 0.5).double().mean(), "B", "the held-out data are"),
        (lambda f, t, h: torch.cdist(f, h).mean() - torch.cdist(f, t).mean(), "B", "twice as wide"),
        (lambda f, t, h: (f.mean(0) - h.mean(0)).norm() - (f.mean(0) - t.mean(0)).norm(), "B", ""),
        (
            lambda f, t, h: metrics.kernel_distance(f, h) - metrics.kernel_distance(f, t),
            "B",
            "look at single samples",
        ),
        (lambda f, t, h: -f.std(), "B", "training and held-out data are changed"),
        (lambda f, t, h: 0.5, "B", "training and held-out data are changed"),
        (lambda f, t, h: int(right(f, t, h)), "B", "training and held-out data are changed"),
        (lambda f, t, h: torch.rand(()), "B", "innocent"),
        (lambda f, t, h: math.nan, "B", "a finite number"),
        (by_index, "B", "innocent"),
        (lambda f, t, h: ((f - t).norm(dim=1) < (f - h).norm(dim=1)).double().mean(), "B", ""),
        (changes_its_fakes, "B", "overwrote its input"),
        (lambda f, t, h: [right(f, t, h)], "B", "a number is wanted"),
        (lambda f, t, h: gain(f, t, h), "B", "One number for the whole set"),
        (
            lambda f, t, h: (
                metrics.precision_recall(t, f).precision - metrics.precision_recall(h, f).precision
            ),
            "B",
            "twice as wide",
        ),
        (lambda f, t, h: right(f[:20], t, h), "B", "innocent"),
        (lambda f, t, h: right(f[:150], t, h), "B", "innocent"),
        (lambda f, t, h: right(f[150:], t, h), "B", "innocent"),
        (right, "A", "no more than chance"),
        (right, "C", "only blurred"),
        (right, "D", "less variety"),
        (right, "E", "none of the choices"),
    ],
}

RIGHT = {
    "11.1": [
        (schur_root,),
        (by_loops,),
        (by_the_data,),
        (lambda a, b: distance(a, b).item(),),
        (lambda a, b: distance(a, b).clamp(min=0),),
        (frechet(lambda a, b: torch.linalg.eigvalsh(root(a) @ b @ root(a)).relu().sqrt().sum()),),
        (frechet(lambda a, b: torch.linalg.svdvals(root(a) @ root(b)).sum()),),
        (frechet(lambda a, b: torch.linalg.eigvals(b @ a).abs().sqrt().sum()),),
        (frechet(lambda a, b: torch.linalg.eigvals(a @ b).real.clamp(min=0).sqrt().sum()),),
    ],
    "11.2": [
        (one_by_one, "B"),
        (among_all, "B"),
        (lambda f, t, h: gain(f, t, h).mean(), "B"),
        (lambda f, t, h: gain(f, t, h).median(), "B"),
        (lambda f, t, h: gain(f, t, h).sign().mean(), "B"),
        (lambda f, t, h: (nearest(f, h) / nearest(f, t)).log().mean(), "B"),
        (lambda f, t, h: -(nearest(f, t) / nearest(f, h)).mean(), "B"),
        (lambda f, t, h: (nearest(f, h) / nearest(f, t)).mean(), "B"),
        (lambda f, t, h: nearest(f, h).mean() / nearest(f, t).mean(), "B"),
        (lambda f, t, h: 1000 + right(f, t, h), "B"),
        (lambda f, t, h: int((nearest(f, t) < nearest(f, h)).sum()), "B"),
        (lambda f, t, h: (nearest(f, t) < 0.5 * nearest(f, h)).double().mean(), "B"),
        (lambda f, t, h: metrics.memorisation(f, t, h).surprise, "B"),
    ],
}
