"""Misconceptions of lesson 10, each with a piece of the sentence that must answer it."""

import itertools
import random
import warnings
from fractions import Fraction
from statistics import median

import numpy as np
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


def uniform(x):
    return torch.rand(len(x), *[1] * (x.ndim - 1))


def right_penalty(d, real, fake):
    return (norms(d, between(real, fake, uniform(real))) - 1).square().mean()


def by_backward(d, real, fake):
    points = between(real, fake, uniform(real))
    with warnings.catch_warnings(action="ignore"):
        d(points).sum().backward(create_graph=True)
    return (points.grad.flatten(1).norm(dim=1) - 1).square().mean()


def d_frozen(d, real, fake):
    d.requires_grad_(False)
    return right_penalty(d, real, fake)


def of_256(d, real, fake):
    weights = torch.rand(256, *[1] * (real.dim() - 1))
    return (norms(d, between(real, fake, weights)) - 1).square().mean()


def by_vmap(d, real, fake):
    slopes = torch.func.vmap(torch.func.grad(lambda x: d(x[None]).sum()))
    gradient = slopes(between(real, fake, uniform(real)))
    return ((gradient.flatten(1).square().sum(dim=1) + 1e-12).sqrt() - 1).square().mean()


def spelled_out(d, real, fake):
    """As in much published code: u for the reals, grad_outputs, retain_graph, norm(2)."""
    u = torch.empty(real.size(0), *[1] * (real.dim() - 1)).uniform_()
    points = (u * real + (1 - u) * fake).detach().requires_grad_(True)
    logits = d(points)
    gradient = torch.autograd.grad(
        outputs=logits,
        inputs=points,
        grad_outputs=torch.ones_like(logits),
        create_graph=True,
        retain_graph=True,
    )[0]
    return ((gradient.reshape(len(real), -1).norm(2, dim=1) - 1) ** 2).mean()


def one_by_one(d, real, fake):
    parts = []
    points = torch.lerp(real, fake, uniform(real)).requires_grad_()
    logits = d(points)
    for i in range(len(real)):
        (gradient,) = torch.autograd.grad(logits[i], points, create_graph=True)
        parts.append(((gradient[i].square().sum() + 1e-10).sqrt() - 1) ** 2)
    return sum(parts) / len(parts)


def each_alone(d, real, fake):
    """D is asked about one sample at a time."""
    parts = []
    for x, y, u in zip(real, fake, uniform(real), strict=True):
        point = torch.lerp(x, y, u)[None].requires_grad_()
        parts.append((norms(d, point) - 1).square())
    return torch.cat(parts).mean()


def shuffled(d, real, fake):
    return right_penalty(d, real[torch.randperm(len(real))], fake)


def partly_detached(x, m):
    return torch.cat([x[::m], *(x[i::m].detach() for i in range(1, m))], dim=1)


def images_detached(x, m):
    return (x if x.dim() == 2 else x.detach()).reshape(len(x) // m, -1, *x.shape[2:])


def images_in_pairs(x, m):
    packs = x.reshape(len(x) // m, -1)
    return packs if x.dim() == 2 else torch.cat([x[::2], x[1::2]], dim=1)


def kept_weights():
    kept: dict[tuple[int, ...], torch.Tensor] = {}

    def penalty(d, real, fake):
        u = kept.setdefault(real.shape, uniform(real))
        return (norms(d, between(real, fake, u)) - 1).square().mean()

    return penalty


def half_a_graph(d, real, fake):
    found = norms(d, between(real, fake, uniform(real)))
    return ((found.detach() - 1) * (found - 1)).mean()


def of_gradients(measure):
    """A penalty from the gradients (n, numbers) of each sample."""
    return lambda d, real, fake: measure(
        slope(d, between(real, fake, uniform(real))).flatten(1), real
    )


def fractions(one, other):
    """Exact arithmetic, by place."""
    values = [Fraction(str(x)) for x in [*one, *other]]
    places, m = range(len(values)), len(one)

    def apart(chosen):
        first = [values[i] for i in chosen]
        second = [values[i] for i in places if i not in chosen]
        return abs(sum(first) / len(first) - sum(second) / len(second))

    found = [
        apart(chosen) >= apart(tuple(range(m))) for chosen in itertools.combinations(places, m)
    ]
    return Fraction(sum(found), len(found))


def with_numpy(one, other):
    values = np.array([*one, *other])
    chosen = np.array(list(itertools.combinations(range(len(values)), len(one))))
    first = values[chosen].mean(axis=1)
    second = (values.sum() - values[chosen].sum(axis=1)) / len(other)
    apart = np.abs(first - second).round(9)
    return (apart >= apart[0]).mean()


def with_torch(one, other):
    truth = abs(mean(one) - mean(other))
    found = torch.tensor([abs(d) > truth - 1e-9 for d, _, _ in deals(one, other)])
    return found.double().mean()


def of_the_others(one, other):
    """Chooses the second group instead of the first."""
    return share(lambda d, t: abs(d) >= abs(t) - 1e-9)(other, one)


def sampled(one, other):
    rng, values, m = random.Random(0), [*one, *other], len(one)
    truth, found = abs(mean(one) - mean(other)), []
    for _ in range(500):
        rng.shuffle(values)
        found.append(abs(mean(values[:m]) - mean(values[m:])) >= truth - 1e-9)
    return mean(found)


def of_medians(one, other):
    truth = abs(median(one) - median(other))
    found = [abs(median(a) - median(b)) >= truth - 1e-9 for _, a, b in deals(one, other)]
    return mean(found)


def adding_up(one, other):
    one += other
    return 0.5


RIGHT = {
    "10.1": [
        (right_penalty,),
        (spelled_out,),
        (one_by_one,),
        (each_alone,),
        (by_vmap,),
        (lambda d, x, y: right_penalty(d, x, y) + 0 * d(x).mean(),),
        (penalty_at(lambda x: 1 - uniform(x)),),
        (of_gradients(lambda g, _: (torch.linalg.vector_norm(g, dim=1) - 1).pow(2).mean()),),
    ],
    "10.2": [
        (lambda x, m: torch.cat(x.chunk(m), dim=1),),
        (lambda x, m: torch.stack([torch.cat(tuple(p)) for p in x.split(m)]),),
        (lambda x, m: torch.cat([x[i::m] for i in range(m)], dim=1),),
        (lambda x, m: x.unflatten(0, (-1, m)).flatten(1, 2),),
        (lambda x, m: x[torch.randperm(len(x))].view(len(x) // m, -1, *x.shape[2:]),),
    ],
    "10.3": [
        (fractions,),
        (with_numpy,),
        (with_torch,),
        (of_the_others,),
        (share(lambda d, t: round(abs(d), 9) >= round(abs(t), 9)),),
    ],
}
WRONG = {
    "10.1": [
        (over_the_batch, "whole batch"),
        (shuffled, "the batches were shuffled"),
        (by_backward, "backward() leaves gradients in D"),
        (d_frozen, "D is left frozen"),
        (of_256, "for points of the plane, shape (200, 2)"),
        (penalty_at(lambda x: torch.randn(len(x), 1, 1, 1)), "outside [0, 1]"),
        (penalty_at(lambda x: torch.rand_like(x)), "a weight of its own"),
        (penalty_at(lambda x: torch.zeros(len(x), 1, 1, 1)), "real points only"),
        (
            penalty_at(lambda x: torch.rand(len(x), 1, 1, 1)),
            "for points of the plane, shape (200, 2)",
        ),
        (penalty_at(seeded_weights), "no seed set inside"),
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
        (penalty_at(lambda x: -uniform(x)), "far side of the reals"),
        (penalty_at(lambda x: 1 + uniform(x)), "far side of the fakes"),
        (penalty_at(lambda x: 2 * uniform(x) - 0.5), "outside [0, 1]"),
        (penalty_at(lambda x: 0.1 + 0.8 * uniform(x)), "not uniform"),
        (penalty_at(lambda x: uniform(x).round()), "not uniform"),
        (penalty_at(lambda x: torch.randn(len(x), *[1] * (x.ndim - 1)).sigmoid()), "not uniform"),
        (penalty_at(lambda x: 0.5), "share the weight 0.50"),
        (kept_weights(), "nothing kept from the call before"),
        (lambda d, x, y: 10 * right_penalty(d, x, y), "the weight λ is left out"),
        (lambda d, x, y: right_penalty(d, x, y) / 2, "minus 1, squared, and then the mean"),
        (lambda d, x, y: -right_penalty(d, x, y), "minus 1, squared, and then the mean"),
        (lambda d, x, y: right_penalty(d, x, y).item(), "no gradient to D's parameters"),
        (lambda d, x, y: right_penalty(d, x, y).detach(), "no gradient to D's parameters"),
        (half_a_graph, "but its gradient to D's parameters is not"),
        (of_gradients(lambda g, _: (g.norm(dim=1) - 1).abs().mean()), "is to be squared"),
        (of_gradients(lambda g, _: (g.norm(p=1, dim=1) - 1).square().mean()), "absolute values"),
        (of_gradients(lambda g, _: (g.mean(0).norm() - 1).square()), "Each sample's ‖∇D‖"),
        (of_gradients(lambda g, _: (g.norm(dim=0) - 1).square().mean()), "Each sample's ‖∇D‖"),
        (of_gradients(lambda g, _: (g - 1).square().mean()), "Each sample's ‖∇D‖"),
        (of_gradients(lambda g, _: (g.norm(dim=1) - 1).square().mean()[None]), "a single number"),
        (lambda d, x, y: right_penalty(d, x, y) * float("nan"), "the result is NaN"),
        (lambda d, real, fake: d(torch.cat([real, fake])).mean(), "one point for each pair"),
    ],
    "10.2": [
        (lambda x, m: x.detach().view(len(x) // m, -1, *x.shape[2:]), "cut off from the samples"),
        (
            lambda x, m: torch.tensor(x.tolist()).view(len(x) // m, -1, *x.shape[2:]),
            "cut off from the samples",
        ),
        (partly_detached, "do not come back through them as they are"),
        (images_detached, "cut off from the samples"),
        (images_in_pairs, "Images are packed along their channels"),
        (lambda x, m: (2 * x - x.detach()).reshape(len(x) // m, -1, *x.shape[2:]), "as they are"),
        (lambda x, m: x.view(len(x) // m, m, *x.shape[1:]), "axis of their own"),
        (lambda x, m: x.view(len(x) // m, m, *x.shape[1:]).mean(dim=1), "averaged"),
        (lambda x, m: torch.cat([x] * m, dim=1), "as many packs as samples"),
        (lambda x, m: torch.cat([x[: len(x) // m]] * m, dim=1), "occur twice"),
        (lambda x, m: x.transpose(0, 1).reshape(len(x) // m, -1, *x.shape[2:]), "torn apart"),
        (lambda x, m: x, "where (6, 4) is wanted"),
        (lambda x, m: x.reshape(len(x) // 2, -1, *x.shape[2:]), "where (4, 6) is wanted"),
        (lambda x, m: x.reshape(len(x) // m, -1), "Images are packed along their channels"),
        (lambda x, m: torch.cat(x.chunk(m), dim=-1), "Images are packed along their channels"),
        (lambda x, m: torch.stack(x.chunk(m), dim=2).flatten(1, 2), "torn apart"),
        (lambda x, m: torch.cat([x[:-1], x[1:]], dim=1), "where (6, 4) is wanted"),
        (lambda x, m: torch.cat([x[::m], x[::m]], dim=1)[:, :4], "occur twice"),
        (lambda x, m: 2 * x.reshape(len(x) // m, -1, *x.shape[2:]), "that are in no sample"),
        (lambda x, m: x.long().reshape(len(x) // m, -1, *x.shape[2:]), "that are in no sample"),
        (lambda x, m: x.reshape(len(x) // m, -1, *x.shape[2:]).flip(1), "torn apart"),
        (lambda x, m: x.reshape(len(x) // m, m * x.shape[1]), "stopped"),
        (lambda x, m: x.reshape(len(x) // m, -1, *x.shape[2:]).tolist(), "is a list"),
        (lambda x, m: x.flatten().view(len(x) // m, -1).sort(descending=True)[0], "torn apart"),
    ],
    "10.3": [
        (share(lambda d, t: abs(d) > abs(t) + 1e-9), "further"),
        (share(lambda d, t: d >= t - 1e-9), "one direction only. Before"),
        (share(lambda d, t: d <= t + 1e-9), "one direction only, downwards"),
        (share(lambda d, t: abs(d) < abs(t) - 1e-9), "turn it round"),
        (lambda one, other: abs(mean(one) - mean(other)), "difference of the means"),
        (lambda one, other: max(one) < min(other), "yes or no"),
        (share(lambda d, t: abs(d) >= abs(t)), "and the next ones 0.07 less"),
        (of_sums, "compare sums"),
        (of_a_set, "deal games, not numbers"),
        (
            lambda one, other: sum(
                abs(d) >= abs(mean(one) - mean(other)) - 1e-9 for d, _, _ in deals(one, other)
            ),
            "divide by the number",
        ),
        (lambda one, other: 0.5, "at least as far apart"),
        (share(lambda d, t: abs(d) >= abs(t) - 0.1), "and the next ones 0.07 less"),
        (share(lambda d, t: abs(d) >= abs(t) - 0.05), "and the next ones 0.000007 less"),
        (share(lambda d, t: abs(d) >= abs(t) - 1e-5), "and the next ones 0.000007 less"),
        (sampled, "at least as far apart"),
        (of_medians, "at least as far apart"),
        (lambda one, other: 2 / 252, "at least as far apart"),
        (lambda one, other: np.bool_(True), "yes or no"),
        (lambda one, other: float("nan"), "NaN or infinity"),
        (lambda one, other: 100 * with_numpy(one, other), "at least as far apart"),
        (lambda one, other: 1 - with_numpy(one, other), "turn it round"),
        (lambda one, other: [with_numpy(one, other)], "is a list; a number"),
        (lambda one, other: str(with_numpy(one, other)), "a number is wanted"),
        (lambda one, other: with_numpy(one, other) / 2, "at least as far apart"),
        (adding_up, "overwrote its input, a list"),
    ],
}
