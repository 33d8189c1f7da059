"""What is wrong with a GAN of digits, said by measurements of its two networks.

Each disease is one that lessons 05 to 09 show. They are looked for in an order in which an earlier
one would make the measurement of a later one meaningless.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from gan_lessons import classifier, metrics
from gan_lessons.errors import UserError

COUNT = 1000  # images that are drawn
GOOD = 100.0  # Fréchet distance of a GAN that has learned to draw digits in a minute
UNTRAINED = 800.0  # that of networks that have learned nothing is above
SURE = 0.6  # mean confidence of the classifier in digits; where it is lower, they are blurred
VARIETY = 0.4  # of pairs of fakes in the classifier's features, where pairs of real digits have 1
PRESENT = 0.01  # share from which a digit counts as drawn
ENOUGH = 8  # digits that have to be drawn
REGULAR = 12.0  # times as much of the finest pattern as in real digits; a dense G's specks: 7
AHEAD = 0.999  # share of pairs in which D puts the real image above the fake

Network = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Examination:
    """What was measured, and the disease that the measurements show, if any."""

    report: metrics.Report
    variety: float  # mean distance between features of fakes, divided by that of real digits
    pattern: float  # share of the finest pattern in fakes' spectrum, divided by that of real ones
    order: float | None  # share of pairs that D orders rightly; None if it cannot be asked
    disease: str  # an empty text for a healthy one; else a sentence with its measurement

    def __str__(self) -> str:
        shares = ", ".join(
            f"{digit}: {share:.0%}" for digit, share in enumerate(self.report.shares)
        )
        return (
            f"Fréchet distance {self.report.frechet:.0f}, mean confidence "
            f"{self.report.confidence:.2f}, shares {shares}"
        )


def draw(generator: Network, latent_dim: int, count: int = COUNT) -> Tensor:
    """Images (count, 1, 28, 28) of new noise z ~ N(0, 1); a generator may also give (count, 784).

    Raises:
        UserError: it draws something else, or numbers that are not finite.
    """
    with torch.no_grad():
        fake = generator(torch.randn(count, latent_dim))
    if not isinstance(fake, Tensor) or fake.numel() != count * 784 or len(fake) != count:
        shape = tuple(fake.shape) if isinstance(fake, Tensor) else type(fake).__name__
        raise UserError(
            f"for {count} rows of noise the generator gives {shape}; ({count}, 1, 28, 28) or "
            f"({count}, 784) is wanted."
        )
    if not fake.isfinite().all():
        raise UserError(
            f"{1 - fake.isfinite().float().mean():.0%} of the generator's pixels are NaN or "
            "infinite: a loss was, first. Keep to logits (softplus, or …_with_logits), and lower "
            "the rates."
        )
    return fake.float().reshape(count, 1, 28, 28)


def examine(
    generator: Network, discriminator: Network, latent_dim: int, real: Tensor
) -> Examination:
    """Measure a trained GAN; global random numbers decide the noise.

    Args:
        generator: from z (n, latent_dim) to images (n, 1, 28, 28) or (n, 784) in [−1, 1].
        discriminator: from such images to one number each, higher for "real".
        latent_dim: how many numbers z has.
        real: digits (N, 1, 28, 28) in [−1, 1], N ≥ 1,000.

    Raises:
        UserError: what the generator draws are no such images, or out of range.
    """
    fake, some = draw(generator, latent_dim), real[:COUNT]
    _refuse_range(fake)
    report = metrics.report(fake)
    network = classifier.load()
    spread = [torch.pdist(network.predict(images[:400])[0]).mean() for images in (fake, some)]
    variety = (spread[0] / spread[1]).item()
    pattern = finest_pattern(fake) / finest_pattern(some)
    order = _order(discriminator, fake, some)
    moved = [images.std(dim=0).mean().item() for images in (fake, some)]
    disease = _disease(report, variety, pattern, order, moved)
    return Examination(report, variety, pattern, order, disease)


def _refuse_range(fake: Tensor) -> None:
    low, high = fake.min().item(), fake.max().item()
    if low < -1.05 or high > 1.05:
        raise UserError(
            f"your pixels reach from {low:.2g} to {high:.2g}, those of the digits from −1 to 1: "
            "D tells the two apart by range alone. End the generator with tanh."
        )
    if low > -0.5:
        raise UserError(
            f"your darkest pixel is {low:.2g}, and the paper of the digits is −1: D tells the two "
            "apart by range alone. Tanh reaches from −1 to 1, sigmoid from 0 to 1."
        )


def finest_pattern(images: Tensor) -> float:
    """Share of the spectrum that changes its sign at every row or column (checkerboards do)."""
    power = torch.fft.rfft2(images[:, 0]).abs() ** 2
    whole = power.sum(dim=(1, 2)).mean() - power[:, 0, 0].mean()
    return float((power[:, 14, :].mean() + power[:, :, 14].mean()) / whole.clamp(min=1e-9))


def _order(discriminator: Network, fake: Tensor, real: Tensor) -> float | None:
    """The share of pairs in which D's answer to the real image is above that to the fake."""
    answers = []
    for images in (real, fake):
        for shaped in (images, images.flatten(1)):
            try:
                with torch.no_grad():
                    answer = discriminator(shaped)
            except (RuntimeError, ValueError, TypeError, IndexError):
                continue
            if isinstance(answer, Tensor) and answer.numel() == len(images):
                answers.append(answer.flatten())
                break
    if len(answers) < 2:
        return None
    return float((answers[0][:, None] > answers[1]).float().mean())


def _disease(
    report: metrics.Report,
    variety: float,
    pattern: float,
    order: float | None,
    moved: list[float],
) -> str:
    present = sum(share >= PRESENT for share in report.shares)
    if moved[0] < 0.05 * moved[1]:
        return (
            f"the pictures hardly depend on z: a pixel varies by {moved[0]:.3f} (of real digits "
            f"by {moved[1]:.2f}). "
            "G draws one thing; it has collapsed, or its last layer is saturated."
        )
    if report.frechet > UNTRAINED:
        won = f" D puts the real digit first in {order:.1%} of pairs." if order is not None else ""
        return (
            f"a distance of {report.frechet:.0f} is that of networks that have learned nothing "
            f"(a trained one: below {GOOD:.0f}).{won} Do both optimizers step, each with its own "
            "parameters, and does G's loss reach G?"
        )
    if variety < VARIETY:
        return (
            f"collapse: pairs of your pictures are {variety:.0%} as far apart as pairs of real "
            f"digits, and {present} of 10 digits have a share of 1 % or more."
        )
    if pattern > REGULAR:
        return (
            f"a checkerboard: the finest pattern, from pixel to pixel, is {pattern:.0f} times as "
            "strong as in real digits. A kernel that the stride divides, or nearest-neighbour "
            "enlargement before a convolution, has none by construction (lesson 06)."
        )
    if report.frechet <= GOOD and report.confidence >= SURE and present >= ENOUGH:
        return ""
    if order is not None and order > AHEAD:
        return (
            f"D is ahead: it puts the real digit first in {order:.2%} of all pairs, and the "
            f"distance is {report.frechet:.0f}, where {GOOD:.0f} is wanted. Slow D down, or "
            "flatten it (R1), or give G a loss that does not fade."
        )
    if present < ENOUGH:
        missing = ", ".join(str(n) for n, share in enumerate(report.shares) if share < PRESENT)
        return (
            f"{10 - present} digits hardly occur ({missing}: less than 1 % each), and the distance "
            f"is {report.frechet:.0f}. Train longer, or flatten D (R1)."
        )
    return (
        f"on the way, but not there: a distance of {report.frechet:.0f} where {GOOD:.0f} is "
        f"wanted, a confidence of {report.confidence:.2f} where {SURE} is. Train longer, or with "
        "better rates."
    )
