"""Distances between the distributions of two sets of samples."""

import torch
from torch import Tensor

from gan_lessons.errors import UserError, expect
from gan_lessons.metrics.features import check_finite, check_pair, in_rows
from gan_lessons.tensors import expect_tensor


def statistics(features: Tensor) -> tuple[Tensor, Tensor]:
    """Mean (d,) and covariance (d, d) of features (N, d), in float64.

    Raises:
        UserError: there are no more samples than features, so that the covariance would be
            singular and the distance meaningless; some are NaN or infinite; or the shape is
            another one.
    """
    expect_tensor(features, "features", "(N, d)")
    if features.dim() != 2:
        raise UserError(
            f"features has the shape {tuple(features.shape)}; give (N, d). Images become features "
            "by classifier.load().predict(images)[0], or by flatten(1)."
        )
    n, d = features.shape
    if n <= d:
        raise UserError(
            f"{n} samples are too few for {d} features: their covariance would be singular. "
            f"Take more than {d}; from 2,000 on the distance is steady."
        )
    check_finite(features)
    features = features.double()
    return features.mean(dim=0), features.T.cov().view(d, d)  # a matrix, even for one feature


def frechet_distance(a: tuple[Tensor, Tensor], b: tuple[Tensor, Tensor]) -> float:
    """Squared Fréchet distance of two Gaussians given by their (mean, covariance).

    ‖μ_a − μ_b‖² + tr(Σ_a + Σ_b − 2 (Σ_a Σ_b)^½) (Dowson and Landau 1982, equation 4; Heusel et al.
    2017, equation 6). The trace of the root is the sum of the roots of the eigenvalues of
    Σ_a^½ Σ_b Σ_a^½, which is symmetric.

    Raises:
        UserError: a mean or a covariance is not finite, or these are no such pairs.
    """
    for each in (a, b):
        expect(each, tuple, "Give (mean, covariance) of each, as statistics(features) gives them")
    check_finite(*a, *b)
    if a[0].shape != b[0].shape:
        raise UserError(
            f"One has {len(a[0])} features, the other {len(b[0])}; both come from one extractor."
        )
    (mean_a, covariance_a), (mean_b, covariance_b) = a, b
    values, vectors = torch.linalg.eigh(covariance_a)
    root_a = vectors * values.clamp(min=0).sqrt() @ vectors.T
    shared = torch.linalg.eigvalsh(root_a @ covariance_b @ root_a).clamp(min=0).sqrt().sum()
    distance = (mean_a - mean_b).square().sum() + covariance_a.trace() + covariance_b.trace()
    return float((distance - 2 * shared).clamp(min=0))


def kernel_distance(a: Tensor, b: Tensor) -> float:
    """Kernel distance (KID) of features (N, d) and (M, d): 0 on average if they are alike.

    The unbiased estimate of the squared maximum mean discrepancy, E k(x, x′) + E k(y, y′) −
    2 E k(x, y), with the cubic kernel k(x, y) = (x·y/d + 1)³ (Bińkowski et al. 2018, section 4).
    Its mean does not depend on N and M, and so it can be a little below 0.

    Raises:
        UserError: different widths, fewer than 2 samples of a kind, or features not finite.
    """
    check_pair(a, b, least=2)
    a, b = a.double(), b.double()
    across = _kernel_sum(a, b) / (len(a) * len(b))
    return _mean_within(a) + _mean_within(b) - 2 * across


def _kernel_sum(a: Tensor, b: Tensor) -> float:
    """Sum of k(x, y) over all pairs of rows."""
    return sum(float((rows @ b.T / a.shape[1] + 1).pow(3).sum()) for rows in in_rows(a))


def _mean_within(a: Tensor) -> float:
    """Mean of k(x, x′) over all pairs of different rows: no sample is paired with itself."""
    n, d = a.shape
    own = float((a.square().sum(dim=1) / d + 1).pow(3).sum())
    return (_kernel_sum(a, a) - own) / (n * (n - 1))
