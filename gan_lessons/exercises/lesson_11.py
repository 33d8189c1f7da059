"""Checks of lesson 11. Each answers in words and names the misconception that it saw."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from gan_lessons import metrics
from gan_lessons.exercises import (
    Answer,
    Wrong,
    call,
    close,
    exercise,
    expect_choice,
    expect_close,
    expect_shape,
)

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
    got = call(answer, a, b)
    if isinstance(got, complex) or (isinstance(got, Tensor) and got.is_complex()):
        raise Wrong(
            "the result is a complex number: eigvals cannot know that these eigenvalues are real. "
            "The imaginary parts are 0; keep .real of the sum."
        )
    expect_shape(got, (), "A distance is one number.")
    if not math.isfinite(float(got)):
        raise Wrong(
            "the result is NaN: somewhere the root of a negative number was taken. Covariances and "
            "the product of two have negative entries, but no negative eigenvalues: the root of a "
            "matrix is not the root of each entry."
        )
    for other, why in _mistakes(a, b):
        if close(got, other, 1e-6):
            raise Wrong(why)
    want = metrics.frechet_distance(metrics.statistics(a), metrics.statistics(b))
    expect_close(got, want, "Check mean, covariance and the trace of the root one by one", 1e-3)
    a, b = _pair(60, 25)
    want = metrics.frechet_distance(metrics.statistics(a), metrics.statistics(b))
    expect_close(call(answer, a, b), want, "This time there were 60 reals and 25 fakes", 1e-3)
    a, b = _pair(3, 3)
    gap, both = (a.mean(dim=0) - b.mean(dim=0)).square().sum(), (a.T.cov() + b.T.cov()).trace()
    shared = torch.linalg.eigvals(a.T.cov() @ b.T.cov()).real.clamp(min=0).sqrt().sum()
    want, got = gap + both - 2 * shared, call(answer, a, b)
    if not math.isfinite(float(got)):
        raise Wrong(
            "with 3 samples each, fewer than features, the result is NaN: eigenvalues that are 0 "
            "come out as −1e-17 or so. Take the root of complex numbers, and .real after it, or "
            "clamp at 0 before."
        )
    expect_close(got, want, "This time there were 3 of each, fewer than features", 1e-2)
    return (
        "how far the means are apart, squared, plus how different the spreads are: with one "
        "feature the second part is (σ_real − σ_fake)²."
    )


def _mistakes(a: Tensor, b: Tensor) -> list[tuple[Tensor, str]]:
    """What the formula gives when it is misread, and the sentence about it."""
    gap = (a.mean(dim=0) - b.mean(dim=0)).square().sum()
    cov_a, cov_b = a.T.cov(), b.T.cov()
    product, both = cov_a @ cov_b, cov_a.trace() + cov_b.trace()
    shared = torch.linalg.eigvals(product).sqrt().real.sum()
    right = gap + both - 2 * shared
    wide_a, wide_b = a.cov(), b.cov()
    wide_shared = torch.linalg.eigvals(wide_a @ wide_b).sqrt().real.sum()
    wide = wide_a.trace() + wide_b.trace() - 2 * wide_shared
    n = len(a)
    commuting = (_root(cov_a) @ _root(cov_b)).trace()
    triangle = torch.linalg.eigvalsh(product).clamp(min=0).sqrt().sum()
    each = "torch.sqrt takes the root of each entry. The root of a matrix M is the R with R @ R = M"
    return [
        (gap.sqrt() + both - 2 * shared, "the distance of the means has to be squared."),
        (both - 2 * shared, "the means are missing: the first part is ‖μ_real − μ_fake‖²."),
        (gap, "the spreads are missing: sets with equal means would all be at distance 0."),
        (gap + both - 2 * product.trace(), "the root is missing: it is (Σ_real Σ_fake)^½."),
        (
            gap + both - 2 * product.diagonal().sqrt().sum(),
            f"{each}; here only the diagonal of the product was used.",
        ),
        (
            gap + both - 2 * (cov_a * cov_b).diagonal().sqrt().sum(),
            "that adds up the distances of single features: * multiplies entry by entry, and all "
            "that features have to do with each other is lost. A product of matrices is @.",
        ),
        (
            gap + both - 2 * product.trace().sqrt(),
            "that is the root of the trace; wanted is the trace of the root.",
        ),
        (
            gap + both - 2 * commuting,
            "that is Σ_real^½ Σ_fake^½, which is (Σ_real Σ_fake)^½ only if the two matrices can be "
            "exchanged. Take the eigenvalues of the product.",
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
        (right.sqrt(), "that is the root of it: what everybody reports is the squared distance."),
        (
            gap + wide,
            "the covariance has the wrong axis: torch.cov wants one row for each feature, so "
            f"transpose. Yours is {n} × {n}, samples by samples.",
        ),
        (
            (a.mean(dim=1) - b.mean(dim=1)).square().sum() + both - 2 * shared,
            "the mean has the wrong axis: it should have one number for each feature, dim=0.",
        ),
    ]


def _root(covariance: Tensor) -> Tensor:
    values, vectors = torch.linalg.eigh(covariance)
    root: Tensor = vectors * values.clamp(min=0).sqrt() @ vectors.T
    return root


# 11.2


def _cases() -> tuple[Tensor, Tensor, dict[str, Tensor]]:
    """Features (300, 6) of training and held-out data, and fakes, guilty and innocent."""
    rng = torch.Generator().manual_seed(3)
    training, held_out, honest, other, jitter = (
        torch.randn(300, 6, generator=rng, dtype=torch.float64) for _ in range(5)
    )
    copies = training + 0.15 * jitter
    white = torch.linalg.solve(_root(other.T.cov()), (other - other.mean(dim=0)).T).T
    lucky = honest.clone()
    lucky[0] = training[0] + 1e-3
    twin = white @ _root(training.T.cov()) + training.mean(dim=0)
    fakes = {
        "copies": copies,
        "half": torch.cat([copies[:150], honest[:150]]),
        "honest": honest,
        "narrow": honest / 4,
        "wide": honest * 2,
        "twin": twin,
        "lucky": lucky,
        "mirror": held_out + 0.15 * jitter,
    }
    return training, held_out, fakes


@exercise("11.2")
def memoriser(suspicion: Answer, culprit: Answer) -> str:
    """A score that is higher for every memorised set than for every other; and who did it."""
    training, held_out, fakes = _cases()
    score = {}
    for name, features in fakes.items():
        got = call(suspicion, features, training, held_out)
        expect_shape(got, (), "One number for the whole set is wanted.")
        if not math.isfinite(float(got)):
            raise Wrong(f"the score is {float(got)}; a finite number is wanted.")
        score[name] = float(got)
    _refuse_half_the_evidence(suspicion, training, held_out, [fakes["honest"], fakes["half"]])
    if score["copies"] < score["honest"] and score["half"] < score["honest"]:
        raise Wrong(
            "the score is turned round: copies of the training data get a lower one than honest "
            "fakes. Higher should mean more suspicious."
        )
    innocents = ("honest", "narrow", "wide", "twin", "lucky", "mirror")
    if min(score["copies"], score["half"]) - score["honest"] < 1e-9:
        raise Wrong("copies of the training data get the same score as honest fakes.")
    _refuse_false_accusations(score, innocents)
    why_not = {
        "A": "A is no nearer to the training data than to the held-out data.",
        "C": "C is only blurred: bad, but as far from the held-out data as from the training data.",
        "D": "D has less variety, but is no nearer to the training data than to held-out data.",
    }
    expect_choice(culprit, "B", why_not)
    return (
        "whoever has not memorised is as near to data that were never shown as to the training "
        "data. Half of B is stolen; its Fréchet distance would never have told."
    )


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

    if unmoved(training, held_out + 0.3 * held_out.sin()):
        raise Wrong(
            "the score does not look at the held-out data. Near to the training data may simply "
            "mean near to real digits: how near are real data that were never shown?"
        )
    if unmoved(training + 0.3 * training.sin(), held_out):
        raise Wrong(
            "the score does not look at the training data, so that copying cannot show: far from "
            "the held-out data is any bad generator, too."
        )


def _refuse_false_accusations(score: dict[str, float], innocents: tuple[str, ...]) -> None:
    guilty = min(score["copies"], score["half"])
    if score["twin"] >= guilty:
        raise Wrong(
            "an innocent set with the mean and the covariance of the training data scores as high "
            "as one that is half copied. The Fréchet distance sees nothing but these two; look at "
            "single samples."
        )
    if guilty - score["honest"] < 0.02 * max(abs(score["honest"]), 1e-9):
        raise Wrong(
            "copies score hardly higher than honest fakes. A mean over all distances does not "
            "notice the one that is nearly 0: of each fake keep the nearest neighbour only."
        )
    for name in innocents:
        if score[name] >= guilty:
            raise Wrong(
                f"an innocent set (as the real data, but {_LOOKS[name]}) scores {score[name]:.3g}, "
                f"and one that is half copied {score['half']:.3g}. Compare, fake by fake, the "
                "nearest training neighbour with the nearest held-out one."
            )


_LOOKS = {
    "honest": "freshly drawn",
    "narrow": "four times narrower",
    "wide": "twice as wide",
    "lucky": "with one fake of 300 on top of a training sample",
    "mirror": "as near to the held-out data as copies are to the training data",
    "twin": "with the training data's mean and covariance",
}
