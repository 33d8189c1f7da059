"""What can be learned from: samples and labels are looked at before anything is trained."""

from typing import Any

from torch import Tensor

from gan_lessons.errors import UserError
from gan_lessons.tensors import expect_tensor


def refuse_unfit_data(samples: Any, labels: Any, batch_size: int) -> None:
    """Refuse what no method can learn from.

    Args:
        samples: float (N, …), N at least ``batch_size``, all of them finite.
        labels: one for each sample, or None.
        batch_size: samples in a batch.

    Raises:
        UserError: the sentence says what is right.
    """
    expect_tensor(samples, "samples", "(N, …)")
    if samples.dim() < 2:
        raise UserError(f"samples has the shape {tuple(samples.shape)}; give (N, …).")
    if len(samples) < batch_size:
        raise UserError(
            f"There are {len(samples)} samples for batches of {batch_size}; "
            "choose a smaller batch_size or bring more samples."
        )
    if not bool(samples.isfinite().all()):
        raise UserError("The samples hold NaN or infinite numbers, from which nothing is learned.")
    if labels is not None and (not isinstance(labels, Tensor) or len(labels) != len(samples)):
        raise UserError(
            f"Labels have to be a tensor, one for each of the {len(samples):,} samples."
        )
