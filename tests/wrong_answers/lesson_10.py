"""Misconceptions of lesson 10, each with a piece of the sentence that must answer it."""

import itertools

import torch


def between(real, fake, weights=None):
    if weights is None:
        weights = torch.rand(len(real), 1, 1, 1)
    return (real + weights * (fake - real)).requires_grad_()


def slope(discriminator, points, **how):
    graph = {"create_graph": True} | how
    return torch.autograd.grad(discriminator(points).sum(), points, **graph)[0]


def norms(discriminator, points):
    return (slope(discriminator, points).flatten(1).square().sum(dim=1) + 1e-12).sqrt()


def penalty_at(weights):
    return lambda d, real, fake: (norms(d, between(real, fake, weights(real))) - 1).square().mean()


def of_norms(measure):
    return lambda d, real, fake: measure(norms(d, between(real, fake)))


def without_graph(d, real, fake):
    gradient = slope(d, between(real, fake), create_graph=False)
    return (gradient.flatten(1).norm(dim=1) - 1).square().mean()


def of_the_mean(d, real, fake):
    points = between(real, fake)
    (gradient,) = torch.autograd.grad(d(points).mean(), points, create_graph=True)
    return (gradient.flatten(1).norm(dim=1) - 1).square().mean()


def unsafe_root(d, real, fake):
    gradient = slope(d, between(real, fake))
    return (gradient.flatten(1).square().sum(dim=1).sqrt() - 1).square().mean()


def over_channels(d, real, fake):
    return (slope(d, between(real, fake)).norm(dim=1) - 1).square().mean()


def over_the_batch(d, real, fake):
    return (slope(d, between(real, fake)).norm() - 1).square()


def mean(values):
    return sum(values) / len(values)


def seeded_weights(x):
    rng = torch.Generator().manual_seed(1)
    return torch.rand(len(x), *[1] * (x.ndim - 1), generator=rng)


def deals(one, other):
    """Every deal as (difference of means, the two groups)."""
    values = [*one, *other]
    for chosen in itertools.combinations(range(len(values)), len(one)):
        first = [values[i] for i in chosen]
        second = [values[i] for i in range(len(values)) if i not in chosen]
        yield mean(first) - mean(second), first, second


def share(counts):
    """A test that counts a deal's difference d against the true one t where ``counts`` says."""
    return lambda one, other: mean(
        [counts(d, mean(one) - mean(other)) for d, _, _ in deals(one, other)]
    )


def of_sums(one, other):
    truth = abs(sum(one) - sum(other))
    return mean([abs(sum(a) - sum(b)) >= truth - 1e-9 for _, a, b in deals(one, other)])


def of_a_set(one, other):
    truth = abs(mean(one) - mean(other))
    distinct = {(tuple(sorted(first)), d) for d, first, _ in deals(one, other)}
    return mean([abs(d) >= truth - 1e-9 for _, d in distinct])


WRONG = {
    "10.1": [
        (over_the_batch, "whole batch"),
        (penalty_at(lambda x: torch.randn(len(x), 1, 1, 1)), "outside [0, 1]"),
        (penalty_at(lambda x: torch.rand_like(x)), "a weight of its own"),
        (penalty_at(lambda x: torch.zeros(len(x), 1, 1, 1)), "real points only"),
        (
            penalty_at(lambda x: torch.rand(len(x), 1, 1, 1)),
            "for points of the plane, shape (256, 2)",
        ),
        (penalty_at(seeded_weights), "set no seed"),
        (penalty_at(lambda x: torch.ones(len(x), 1, 1, 1)), "fake points only"),
        (penalty_at(lambda x: torch.rand(1).expand(len(x)).view(-1, 1, 1, 1)), "share the weight"),
        (penalty_at(lambda x: torch.rand(len(x), 1, 1, 1) ** 4), "not uniform"),
        (of_norms(lambda n: n.square().mean()), "−1 is missing"),
        (of_norms(lambda n: n.mean()), "mean norm. How far"),
        (of_norms(lambda n: (n.square() - 1).square().mean()), "root is missing"),
        (of_norms(lambda n: (n - 1).mean()), "cancel"),
        (of_norms(lambda n: (n.mean() - 1).square()), "slopes of 0 and 2"),
        (of_norms(lambda n: (n - 1).square().sum()), "that is the sum"),
        (of_norms(lambda n: (n - 1).square()), "one number for each sample"),
        (of_norms(lambda n: (n - 1).relu().square().mean()), "one-sided variant"),
        (over_channels, "channels of each pixel"),
        (of_the_mean, "gradient of the mean"),
        (without_graph, "create_graph=True"),
        (unsafe_root, "√ has no slope at 0"),
        (lambda d, real, fake: (real - fake).square().mean(), "never asked"),
        (lambda d, real, fake: d(torch.cat([real, fake])).mean(), "one point for each pair"),
    ],
    "10.2": [
        (lambda x, m: x.view(len(x) // m, m, *x.shape[1:]), "axis of their own"),
        (lambda x, m: x.view(len(x) // m, m, *x.shape[1:]).mean(dim=1), "averaged"),
        (lambda x, m: torch.cat([x] * m, dim=1), "as many packs as samples"),
        (lambda x, m: torch.cat([x[: len(x) // m]] * m, dim=1), "occur twice"),
        (lambda x, m: x.transpose(0, 1).reshape(len(x) // m, -1, *x.shape[2:]), "torn apart"),
        (lambda x, m: x, "where (6, 4) is wanted"),
    ],
    "10.3": [
        (share(lambda d, t: abs(d) > abs(t) + 1e-9), "further"),
        (share(lambda d, t: d >= t - 1e-9), "one direction only. Before"),
        (share(lambda d, t: d <= t + 1e-9), "one direction only, downwards"),
        (share(lambda d, t: abs(d) < abs(t) - 1e-9), "turn it round"),
        (lambda one, other: abs(mean(one) - mean(other)), "difference of the means"),
        (lambda one, other: max(one) < min(other), "yes or no"),
        (share(lambda d, t: abs(d) >= abs(t)), "rounding makes a few"),
        (of_sums, "compare sums"),
        (of_a_set, "deal games, not numbers"),
        (
            lambda one, other: sum(
                abs(d) >= abs(mean(one) - mean(other)) - 1e-9 for d, _, _ in deals(one, other)
            ),
            "divide by the number",
        ),
        (lambda one, other: 0.5, "at least as far apart"),
    ],
}
