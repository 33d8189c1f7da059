"""Sets of features, one row for each sample: checked, and dealt out some rows at a time."""

from collections.abc import Iterator

import torch
from torch import Tensor

from gan_lessons.errors import UserError

ROWS = 500  # of a table of distances or kernels, held at one time


def check_finite(*features: Tensor) -> None:
    """Refuse features that no distance can be computed from.

    Raises:
        UserError: there is a NaN or an infinite number among them.
    """
    for some in features:
        if not some.isfinite().all():
            raise UserError(
                "There are features that are NaN or infinite: so are the images, or the weights "
                "of the networks that made them. Go back to weights from before they diverged."
            )


def check_pair(a: Tensor, b: Tensor, least: int) -> None:
    """Refuse what are not two sets of features of one width, with enough samples in each.

    Raises:
        UserError: other shapes, fewer than ``least`` samples, or numbers that are not finite.
    """
    if a.dim() != 2 or b.dim() != 2 or a.shape[1] != b.shape[1]:
        raise UserError(
            f"Features have shapes {tuple(a.shape)} and {tuple(b.shape)}; give (N, d) and (M, d), "
            "both from one extractor. Images become features by a classifier, or by flatten(1)."
        )
    fewest = min(len(a), len(b))
    if fewest < least:
        raise UserError(f"{fewest} samples are too few; give at least {least} of each kind.")
    check_finite(a, b)


def in_rows(features: Tensor) -> tuple[Tensor, ...]:
    """Features (N, d) in float64, `ROWS` of them at a time."""
    rows: tuple[Tensor, ...] = features.double().split(ROWS)
    return rows


def distances(queries: Tensor, points: Tensor) -> Iterator[Tensor]:
    """Distances from all queries to all points, in float64, `ROWS` queries at a time."""
    points = points.double()
    for rows in in_rows(queries):
        yield torch.cdist(rows, points)
