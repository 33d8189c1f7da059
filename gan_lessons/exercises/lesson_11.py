"""Checks of lesson 11. Each answers in words and names the misconception that it saw."""

import math
from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor

from gan_lessons import classifier, metrics, pretrained
from gan_lessons.data import load_digits
from gan_lessons.exercises import (
    Answer,
    Wrong,
    call,
    close,
    exercise,
    expect_choice,
    expect_shape,
)
from gan_lessons.exercises.puzzles.lesson_11 import suspects

# 11.1


def _pair(n: int, m: int, d: int = 4) -> tuple[Tensor, Tensor]:
    """Features (n, d) and (m, d), float64, whose covariances do not commute."""
    rng = torch.Generator().manual_seed(11)
    a, b = (torch.randn(count, d, generator=rng, dtype=torch.float64) for count in (n, m))
    mix = torch.eye(d, dtype=torch.float64) + 0.5 * torch.randn(d, d, generator=rng).double()
    return a @ mix, b * torch.linspace(0.5, 2.0, d) + 1.5


@exercise("11.1")
def frechet(answer: Answer) -> str:
    """‖μ_a − μ_b‖² + tr(Σ_a + Σ_b − 2 (Σ_a Σ_b)^½) (Heusel et al. 2017, equation 6)."""
    a, b = _pair(40, 40)
    got = _number(call(answer, a, b))
    if math.isnan(got):
        raise Wrong(
            "the result is NaN, as the root of a negative number is. Covariances and their product "
            "have negative entries, but no negative eigenvalues: the root of a matrix is not the "
            "root of each entry."
        )
    for other, why in _mistakes(a, b):
        if close(got, other, 1e-6):
            raise Wrong(why)
    _expect(got, _truth(a, b), "Check mean, covariance and the trace of the root", 1e-5)
    a, b = _pair(60, 25)
    got = _number(call(answer, a, b))
    _expect(got, _truth(a, b), "This time there were 60 reals and 25 fakes", 1e-5)
    _refuse_few_digits(answer)
    a, b = _pair(3, 3)
    got = _number(call(answer, a, b))
    if math.isnan(got):
        raise Wrong(
            "with 3 samples each, fewer than features, the result is NaN: eigenvalues that are 0 "
            "come out as −1e-17 or so. Take the root of complex numbers, and .real after it, or "
            "clamp at 0 before."
        )
    _expect(got, _truth(a, b), "This time there were 3 of each, fewer than features", 1e-2)
    return (
        "how far the means are apart, squared, plus how different the spreads are: with one "
        "feature the second part is (σ_real − σ_fake)²."
    )


def _number(got: Answer) -> float:
    """The one number that was returned."""
    if isinstance(got, complex) or (isinstance(got, Tensor) and got.is_complex() and got.dim() < 1):
        raise Wrong(
            "the result is a complex number. Eigenvalues and roots of a matrix may be complex; of "
            "these the imaginary parts are 0, so keep .real of the sum."
        )
    expect_shape(got, (), "A distance is one number.")
    return float(got)


def _expect(got: float, want: float, why: str, tolerance: float) -> None:
    if not close(got, want, tolerance):
        raise Wrong(f"the result is {got:.6g}, where {want:.6g} is wanted. {why}.")


def _truth(a: Tensor, b: Tensor) -> float:
    """The distance, for any counts."""
    root = _root(a.T.cov())
    shared = torch.linalg.eigvalsh(root @ b.T.cov() @ root).clamp(min=0).sqrt().sum()
    gap = (a.mean(dim=0) - b.mean(dim=0)).square().sum()
    return float(gap + (a.T.cov() + b.T.cov()).trace() - 2 * shared)


def _refuse_few_digits(answer: Answer) -> None:
    """Large features, a small distance: what float32 rounds away is larger than the distance."""
    a, _ = _pair(40, 40)
    a = 1e4 * a
    got = _number(call(answer, a, a + 0.1))  # 4 features moved by 0.1
    if abs(got - 0.04) < 1e-3:
        return
    if abs(got - 0.04) < 1e-4 * a.T.cov().trace():
        raise Wrong(
            f"for features of about 10,000, of which the fakes are the reals moved by 0.1, the "
            f"result is {got:.4g}, where 0.04 is wanted. Large numbers cancel here, and seven "
            "digits, as float32 has, are too few. The features come in float64; stay there."
        )
    _expect(got, 0.04, "Fakes were the reals, of about 10,000, each moved by 0.1", 1e-3)


def _mistakes(a: Tensor, b: Tensor) -> list[tuple[Tensor, str]]:
    """What the formula gives when it is misread, and the sentence about it."""
    gap = (a.mean(dim=0) - b.mean(dim=0)).square().sum()
    cov_a, cov_b = a.T.cov(), b.T.cov()
    product, both = cov_a @ cov_b, cov_a.trace() + cov_b.trace()
    shared = torch.linalg.eigvals(product).sqrt().real.sum()
    right = gap + both - 2 * shared
    wide = _spreads(a.cov(), b.cov())
    n = len(a)
    commuting = (_root(cov_a) @ _root(cov_b)).trace()
    triangle = torch.linalg.eigvalsh(product).clamp(min=0).sqrt().sum()
    each = "torch.sqrt takes the root of each entry. The root of a matrix M is the R with R @ R = M"
    return [
        (gap.sqrt() + both - 2 * shared, "the distance of the means has to be squared."),
        (both - 2 * shared, "the means are missing: the first part is ‖μ_real − μ_fake‖²."),
        (gap, "the spreads are missing: sets with equal means would all be at distance 0."),
        (
            gap / a.shape[1] + both - 2 * shared,
            "‖μ_real − μ_fake‖² adds up the squares over the features; this takes their mean.",
        ),
        (
            (a.mean(dim=0) - b.mean(dim=0)).abs().sum() + both - 2 * shared,
            "each difference of means has to be squared; here absolute values are added up.",
        ),
        (
            gap + _spreads(a.T @ a / (n - 1), b.T @ b / (n - 1)),
            "the covariance is not centred: take the mean away before you multiply.",
        ),
        (
            gap + _spreads(a.T @ a / n, b.T @ b / n),
            "the covariance is not centred: take the mean away before you multiply.",
        ),
        (
            gap + _spreads(a.T.corrcoef(), b.T.corrcoef()),
            "these are correlations, whose diagonal is 1: how wide the sets are is lost. "
            "Take covariances.",
        ),
        (
            gap + (cov_a + cov_b).sum() - 2 * shared,
            "tr is the sum of the diagonal; here all entries of the covariances are added up.",
        ),
        (
            gap + (cov_a - cov_b).square().sum(),
            "the second part is not the squared difference of the covariances: that would have the "
            "unit of the features to the power of four.",
        ),
        (gap + both - 2 * product.trace(), "the root is missing: it is (Σ_real Σ_fake)^½."),
        (
            gap + both - 2 * product.diagonal().sqrt().sum(),
            f"{each}; here only the diagonal of the product was used.",
        ),
        (
            gap + both - 2 * (cov_a * cov_b).diagonal().sqrt().sum(),
            "that adds up the distances of single features: all that features have to do with each "
            "other is lost. Multiply the whole covariances, and with @, not entry by entry with *.",
        ),
        (
            gap + both - 2 * product.trace().sqrt(),
            "that is the root of the trace; wanted is the trace of the root.",
        ),
        (
            gap + both - 2 * commuting,
            "that comes to Σ_real^½ Σ_fake^½, which is (Σ_real Σ_fake)^½ only if the two matrices "
            "can be exchanged. Take the eigenvalues of the product.",
        ),
        (
            gap + both - 2 * triangle,
            "eigvalsh looks at one triangle only and supposes the other to be its mirror image; "
            "Σ_real @ Σ_fake is not symmetric. Take eigvals, or Σ_real^½ Σ_fake Σ_real^½.",
        ),
        (gap + both - shared, "the root counts twice: − 2 (Σ_real Σ_fake)^½."),
        (gap + both + 2 * shared, "the root is taken away, not added."),
        (
            gap + (both - 2 * shared) * (n - 1) / n,
            "the covariance divides by N; it should divide by N − 1, as torch.cov does, because "
            "the mean was estimated from the same samples.",
        ),
        (-right, "the sign is turned round: a squared distance is not below 0."),
        (right.sqrt(), "that is the root of it: what everybody reports is the squared distance."),
        (
            gap + wide,
            "the covariance has the wrong axis: torch.cov wants one row for each feature, so "
            f"transpose. Here it is {n} × {n}, samples by samples.",
        ),
        (
            (a.mean(dim=1) - b.mean(dim=1)).square().sum() + both - 2 * shared,
            "the mean has the wrong axis: it should have one number for each feature, dim=0.",
        ),
    ]


def _spreads(a: Tensor, b: Tensor) -> Tensor:
    """tr(a + b − 2 (a b)^½), with whatever was taken for covariances."""
    shared: Tensor = torch.linalg.eigvals(a @ b).sqrt().real.sum()
    return a.trace() + b.trace() - 2 * shared


def _root(covariance: Tensor) -> Tensor:
    values, vectors = torch.linalg.eigh(covariance)
    root: Tensor = vectors * values.clamp(min=0).sqrt() @ vectors.T
    return root


# 11.2

CULPRIT = "B"


def _cases(seed: int) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
    """Features (300, 6) of training and held-out data, and fakes, guilty and innocent."""
    rng = torch.Generator().manual_seed(seed)
    training, held_out, honest, other, jitter = (
        torch.randn(300, 6, generator=rng, dtype=torch.float64) for _ in range(5)
    )
    order, other_order = (torch.randperm(300, generator=rng) for _ in range(2))
    copies = training[order] + 0.15 * jitter
    white = torch.linalg.solve(_root(other.T.cov()), (other - other.mean(dim=0)).T).T
    lucky = honest.clone()
    loneliest = torch.cdist(training, held_out).min(dim=1).values.argmax()
    lucky[0] = training[loneliest] + 0.03
    twin = white @ _root(training.T.cov()) + training.mean(dim=0)
    fakes = {
        "copies": copies,
        "half": torch.cat([copies[:150], honest[:150]]),
        "second half": torch.cat([honest[:150], copies[150:]]),
        "honest": honest,
        "narrow": honest / 4,
        "wide": honest * 2,
        "twin": twin,
        "lucky": lucky,
        "mirror": held_out[other_order] + 0.15 * jitter,
    }
    return training, held_out, fakes


@cache
def _line_up() -> tuple[Tensor, Tensor, dict[str, Tensor]]:
    """The lesson's own: features (N, 64) of both halves and of the four suspects."""
    images = load_digits(source="bundled", announce=False).images
    training, held_out = images[:2500], images[2500:]
    generator, settings = pretrained.load_generator("dcgan")
    groups = suspects(training, generator, pretrained.noise(2500, settings, seed=1))
    features = [
        classifier.load().predict(some, batch_size=100)[0]
        for some in (training, held_out, *groups.values())
    ]
    return features[0], features[1], dict(zip(groups, features[2:], strict=True))


@exercise("11.2")
def memoriser(suspicion: Answer, culprit: Answer) -> str:
    """A score that is higher for every memorised set than for every other; and who did it."""
    for seed in (3, 4, 5):
        training, held_out, fakes = _cases(seed)
        score = _scores(suspicion, fakes, training, held_out)
        _refuse_half_the_evidence(suspicion, training, held_out, [fakes["honest"], fakes["half"]])
        if score["copies"] < score["honest"] and score["half"] < score["honest"]:
            raise Wrong(
                "the score is turned round: copies of the training data get a lower one than "
                "honest fakes. Higher should mean more suspicious."
            )
        _refuse_false_accusations(score)
    training, held_out, groups = _line_up()
    score = _scores(suspicion, groups, training, held_out)
    accused = max((name for name in groups if name != CULPRIT), key=lambda name: score[name])
    if score[accused] >= score[CULPRIT]:
        raise Wrong(
            f"in the lesson's own line-up no set scores higher than {accused}, with "
            f"{score[accused]:.3g}, and {accused} is innocent. Compare, for each single fake, its "
            "nearest training neighbour with its nearest held-out one, and let all fakes count."
        )
    found = {name: metrics.memorisation(some, training, held_out) for name, some in groups.items()}
    chance = "no more than chance does; beyond four, look for another explanation"
    expect_choice(
        culprit,
        CULPRIT,
        {
            "A": f"A: {found['A']}, {chance}.",
            "C": f"C is only blurred: {found['C']}, {chance}.",
            "D": f"D has less variety, but: {found['D']}, {chance}.",
        },
    )
    return (
        "whoever has not memorised is about as near to data that were never shown as to the "
        f"training data. Half of {CULPRIT} is stolen: {found[CULPRIT]}. Its Fréchet distance would "
        "never have told."
    )


def _scores(
    suspicion: Answer, sets: dict[str, Tensor], training: Tensor, held_out: Tensor
) -> dict[str, float]:
    score = {}
    for name, features in sets.items():
        got = call(suspicion, features, training, held_out)
        expect_shape(got, (), "One number for the whole set is wanted.")
        score[name] = float(got)
        if not math.isfinite(score[name]):
            raise Wrong(f"the score is {score[name]}; a finite number is wanted.")
    return score


def _refuse_half_the_evidence(
    suspicion: Callable[..., Answer], training: Tensor, held_out: Tensor, sets: list[Tensor]
) -> None:
    def unmoved(training_now: Tensor, held_out_now: Tensor) -> bool:
        return all(
            close(
                call(suspicion, fakes, training, held_out),
                call(suspicion, fakes, training_now, held_out_now),
                1e-9,
            )
            for fakes in sets
        )

    def moved(data: Tensor) -> Tensor:
        return data + 0.3 * data.sin()

    if unmoved(moved(training), moved(held_out)):
        raise Wrong("the score stays the same when training and held-out data are changed.")
    if unmoved(training, moved(held_out)):
        raise Wrong(
            "the score stays the same when the held-out data are changed. Near to the training "
            "data may simply mean near to real digits: how near are data that were never shown?"
        )
    if unmoved(moved(training), held_out):
        raise Wrong(
            "the score stays the same when the training data are changed, so that copying cannot "
            "show: far from the held-out data is any bad generator, too."
        )


def _refuse_false_accusations(score: dict[str, float]) -> None:
    half = min(score["half"], score["second half"])
    guilty = min(score["copies"], half)
    if score["twin"] >= guilty:
        raise Wrong(
            "an innocent set with the mean and the covariance of the training data scores "
            f"{score['twin']:.3g}, and one that is half copied {half:.3g}. The Fréchet "
            "distance, for one, sees nothing but these two; look at single samples."
        )
    for name, looks in _LOOKS.items():
        if score[name] >= guilty:
            raise Wrong(
                f"an innocent set (as the real data, but {looks}) scores {score[name]:.3g}, one "
                f"that is half copied {half:.3g}, one that is all copied "
                f"{score['copies']:.3g}. Compare, fake by fake, the nearest training neighbour "
                "with the nearest held-out one."
            )


_LOOKS = {
    "honest": "freshly drawn",
    "narrow": "four times narrower",
    "wide": "twice as wide",
    "lucky": "with one fake of 300 very near to a training sample",
    "mirror": "as near to the held-out data as copies are to the training data",
}
