"""Misconceptions of lesson 17, each with a piece of the sentence that must answer it."""

import numpy
import torch

from gan_lessons.studies import families


def _divergence(mean, spread):
    return ((mean.square() + spread.square() - 1) / 2 - spread.log()).sum(dim=1)


def _each(mean, spread):
    return (mean.square() + spread.square() - 1) / 2 - spread.log()


def _reversed(mean, spread):
    return (((mean.square() + 1) / spread.square() - 1) / 2 + spread.log()).sum(dim=1)


def _as_logarithm(mean, spread):
    return ((mean.square() + (2 * spread).exp() - 1) / 2 - spread).sum(dim=1)


def _as_variance(mean, spread):
    return ((mean.square() + spread - 1 - spread.log()) / 2).sum(dim=1)


def _one_log(mean, spread):
    return ((mean.square() + spread.square() - 1 - spread.log()) / 2).sum(dim=1)


def _with_torch(mean, spread):
    one = torch.distributions.Normal(mean, spread)
    return torch.distributions.kl_divergence(one, torch.distributions.Normal(0.0, 1.0)).sum(1)


def _in_a_loop(mean, spread):
    found = torch.zeros(len(mean))
    for m, s in zip(mean.T, spread.T, strict=True):
        found = found + (m**2 + s**2 - 1) / 2 - torch.log(s)
    return found


def _with_variance(mean, spread):
    variance = spread**2
    return 0.5 * (mean**2 + variance - variance.log() - 1).sum(-1)


def _follow(speed, noise, steps, *, times=None, step=None, start=None):
    x = noise if start is None else start(noise)
    for i in range(steps):
        t = i / steps if times is None else times(i, steps)
        x = x + speed(x, t) * (1 / steps if step is None else step(steps))
    return x


def _still(speed, noise, steps):
    total = torch.zeros_like(noise)
    for i in range(steps):
        total = total + speed(noise, i / steps) / steps
    return noise + total


def _heun(speed, noise, steps):
    x = noise
    for i in range(steps):
        one = speed(x, i / steps)
        x = x + (one + speed(x + one / steps, (i + 1) / steps)) / 2 / steps
    return x


def _midpoint(speed, noise, steps):
    x = noise
    for i in range(steps):
        half = x + speed(x, i / steps) / steps / 2
        x = x + speed(half, (i + 0.5) / steps) / steps
    return x


def _asked_twice(speed, noise, steps):
    x = noise
    for i in range(steps):
        if speed(x, i / steps).abs().max() < 1e6:
            x = x + speed(x, i / steps) / steps
    return x


def _one_less(speed, noise, steps):
    x = noise
    for i in range(steps - 1):
        x = x + speed(x, i / steps) / steps
    return x


def _last_forgotten(speed, noise, steps):
    x = noise
    for i in range(steps):
        moved = speed(x, i / steps) / steps
        if i < steps - 1:
            x = x + moved
    return x


def _places(speed, noise, steps):
    places = [noise]
    for i in range(steps):
        places.append(places[-1] + speed(places[-1], i / steps) / steps)
    return places


def _the_speed(speed, noise, steps):
    x = noise
    for i in range(steps):
        moves = speed(x, i / steps)
        x = x + moves / steps
    return moves


def _in_place(speed, noise, steps):
    for i in range(steps):
        noise += speed(noise, i / steps) / steps
    return noise


def _with_tensor_times(speed, noise, steps):
    x = noise.clone()
    for t in torch.arange(steps) / steps:
        x += speed(x, t) / steps
    return x


def _while(speed, noise, steps):
    x, done = noise, 0
    while done < steps:
        x, done = x + speed(x, done / steps) / steps, done + 1
    return x


def _best(measure, sign, allowed):
    groups: dict[tuple[str, str, int], list[float]] = {}
    for row in families.load():
        if row.family != "real" and allowed(row):
            value = getattr(row, measure)
            groups.setdefault((row.family, row.drawing, row.seconds), []).append(value)
    return min(groups, key=lambda key: sign * sum(groups[key]) / len(groups[key]))


def _choices(**changes):
    return {
        "game": (*_best("distance", 1, lambda row: row.drawing_ms <= 1), "distance"),
        "store": (*_best("bits", 1, lambda row: row.bits), "bits"),
        "stamp": (*_best("precision", -1, lambda row: row.seconds == 15), "precision"),
    } | changes


WRONG = {
    "17.1": [
        (_each, "add up"),
        (lambda mean, spread: _each(mean, spread).mean(dim=1), "that many times too small"),
        (lambda mean, spread: _divergence(mean, spread).mean(), "one for each picture is wanted"),
        (lambda mean, spread: _each(mean, spread).sum(dim=0), "has shape"),
        (lambda mean, spread: 2 * _divergence(mean, spread), "½ is missing"),
        (lambda mean, spread: -_divergence(mean, spread), "never below 0"),
        (_reversed, "the other way round"),
        (_one_log, "half of it stays"),
        (_as_logarithm, "taken for its logarithm"),
        (_as_variance, "taken for a variance"),
        (lambda mean, spread: _divergence(mean, spread) + mean.shape[1] / 2, "−1 is missing"),
        (lambda mean, spread: mean.square().sum(dim=1) / 2, "spread is free"),
        (lambda mean, spread: (_each(mean, spread) + spread.log()).sum(dim=1), "for nothing"),
        (lambda mean, spread: (_each(mean, spread) + 2 * spread.log()).sum(dim=1), "taken away"),
        (lambda mean, spread: _divergence(mean, spread)[:, None], "has shape"),
        (lambda mean, spread: _divergence(mean, spread).numpy(), "NumPy array"),
        (lambda mean, spread: _divergence(mean.square_(), spread), "overwrote its input"),
        (lambda mean, spread: _divergence(mean, spread.clamp(min=0.5)), "For each number it is"),
        (lambda mean, spread: _divergence(0 * mean, spread), "could lie anywhere"),
        (lambda mean, spread: _divergence(mean, spread) + 1, "For each number it is"),
    ],
    "17.2": [
        (lambda s, x, n: _follow(s, x, n, times=lambda i, n: (i + 1) / n), "ends of the steps"),
        (lambda s, x, n: _follow(s, x, n, times=lambda i, n: i), "number of the step"),
        (lambda s, x, n: _follow(s, x, n, times=lambda i, n: 1 - i / n), "runs backwards"),
        (
            lambda s, x, n: _follow(s, x, n, times=lambda i, n: i / max(n - 1, 1)),
            "steps − 1 gaps",
        ),
        (lambda s, x, n: _follow(s, x, n, times=lambda i, n: 0.5), "is wanted, from 0"),
        (lambda s, x, n: _follow(s, x, n, step=lambda n: 1.0), "as far as the whole way"),
        (lambda s, x, n: _follow(s, x, n, step=lambda n: -1 / n), "go backwards"),
        (lambda s, x, n: _follow(s, x, n, start=torch.zeros_like), "unchanged"),
        (lambda s, x, n: _follow(s, x, n).clamp(-1, 1), "clamped"),
        (_still, "never moves"),
        (_heun, "Heun's"),
        (_midpoint, "the midpoint's"),
        (_asked_twice, "twice at each place"),
        (lambda s, x, n: _follow(s, x, 2 * n), "half the length"),
        (lambda s, x, n: _follow(s, x, 4), "4 times; 1 step asks once"),
        (lambda s, x, n: tuple(_places(s, x, n)), "that is a tuple"),
        (lambda s, x, n: torch.stack(_places(s, x, n)), "has shape"),
        (lambda s, x, n: _follow(s, x, n) + 0.1 * torch.randn(x.shape), "Each step adds"),
        (_one_less, "3 times; 4 steps"),
        (_last_forgotten, "last step is missing"),
        (_places, "that is a list"),
        (_the_speed, "that is a speed"),
        (_in_place, "overwrote its input"),
        (lambda s, x, n: x, "never asked for"),
    ],
    "17.3": [
        ("gan", "a dictionary is wanted"),
        ({"game": ("gan", "", 60, "distance")}, "no choice for 'store'"),
        (_choices(game="gan"), "give (family, drawing, seconds, measure)"),
        (_choices(game=("gan", "", "distance")), "give (family, drawing, seconds, measure)"),
        (_choices(game=("gan", "", "60", "distance")), "number without quotes"),
        (_choices(game=("gan", None, 60, "distance")), "words in quotes"),
        (_choices(game=("gan", "", 45, "distance")), "nothing was trained for 45 seconds"),
        (_choices(game=("gan", "sampled", 60, "distance")), "no row of 'gan' drawn 'sampled'"),
        (_choices(game=("diffusion", "", 60, "distance")), "no family 'diffusion'"),
        (_choices(game=("real", "as they are", 0, "distance")), "no network draws them"),
        (_choices(game=("flow", "16 steps", 60, "distance")), "costs 6.0 ms, and 1 ms"),
        (_choices(game=("gan", "", 60, "recall")), "what is reached, not whether"),
        (_choices(game=("vae", "sampled", 60, "precision")), "says nothing of variety"),
        (_choices(game=("gan", "", 60, "fid")), "'fid' is none of the measures' names"),
        (_choices(game=("gan", "", 60, "drawing_ms")), "that is a price"),
        (_choices(game=("vae", "means", 60, "distance")), "another row that is allowed"),
        (_choices(game=("gan", "", 30, "distance")), "another row that is allowed"),
        (_choices(store=("gan", "", 60, "bits")), "gan has no bits"),
        (_choices(store=("vae", "means", 60, "bits")), "not of its means"),
        (_choices(store=("flow", "16 steps", 60, "bits")), "flow 16 steps has no bits"),
        (_choices(game=("gan", "", 60, "ms")), "recall, calls, drawing_ms, bits"),
        (_choices(game=("gan", "", True, "distance")), "number without quotes"),
        (
            _choices(store=("vae", "sampled", 60, "distance")),
            "what the code of a given digit costs",
        ),
        (_choices(store=("vae", "sampled", 15, "bits")), "144.75 against 157.56"),
        (_choices(stamp=("gan", "", 15, "distance")), "does not ask for"),
        (_choices(stamp=("vae", "sampled", 60, "precision")), "15 are all that there is"),
        (_choices(stamp=("vae", "sampled", 15, "precision")), "0.76 against 0.65"),
        (_choices(stamp=("flow", "4 steps", 15, "precision")), "0.76 against 0.38"),
    ],
}
RIGHT = {
    "17.1": [
        (_divergence,),
        (_with_torch,),
        (_in_a_loop,),
        (_with_variance,),
        (lambda mean, spread: _divergence(mean.double(), spread.double()),),
    ],
    "17.2": [
        (_follow,),
        (_with_tensor_times,),
        (_while,),
        (lambda speed, noise, steps: _follow(speed, noise.double(), steps),),
    ],
    "17.3": [
        (_choices(),),
        (_choices(store=("vae", "sampled", 60, "elbo")),),
        (
            {
                "stamp": ("flow", "16 steps", 15, "precision"),
                "store": ("vae", "sampled", 60, "bits"),
                "game": ("gan", "", 60, "distance"),
            },
        ),
        (_choices(game=("gan", "", numpy.int64(60), "distance")),),
        (_choices(game=("gan", "", torch.tensor(60), "distance")),),
        ({name: list(choice) for name, choice in _choices().items()},),
    ],
}
