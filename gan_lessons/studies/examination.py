"""What is wrong with a GAN of digits, said by measurements of its two networks.

Each disease is one that lessons 05 to 09 show. They are looked for in an order in which an earlier
one would make the measurement of a later one meaningless. Besides: whether pictures are digits that
were handed out (`resembling`), and whether it is z that decides what is drawn (`chance`).
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
REACH = 2  # pixels by which a copy may be moved
TWIN = 0.5  # of the distance to the second-nearest digit; of real digits 1 % have a nearer one
STEP = 0.01  # of z, for what hardly differs

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
    return pictures(generator, torch.randn(count, latent_dim))


def pictures(generator: Network, z: Tensor) -> Tensor:
    """Images (N, 1, 28, 28) of noise z (N, latent_dim). Errors: those of `draw`."""
    count = len(z)
    with torch.no_grad():
        fake = generator(z)
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


def resembling(fake: Tensor, known: Tensor) -> Tensor:
    """Which fakes (N, 1, 28, 28) are a known digit (M, 1, 28, 28) under something; truths (N,).

    Such a fake is less than half as far from one of the known digits as from any other: 1 minus the
    correlation of their pixels, wherever a move of the fake by up to `REACH` pixels makes it
    least. So a copy is found under noise, a little moved, faded or mixed with another. Known digits
    are rarely each other's: 1 in 100; fakes of a generator that learned, 2 in 100 at the most.
    """
    against = _centred(known)
    nearest = torch.full((len(fake), len(known)), 2.0)
    wider = torch.nn.functional.pad(fake, (REACH,) * 4, value=-1.0)
    for top in range(2 * REACH + 1):
        for left in range(2 * REACH + 1):
            moved = _centred(wider[:, :, top : top + 28, left : left + 28])
            nearest = torch.minimum(nearest, 1 - moved @ against.T)
    first, second = nearest.topk(2, dim=1, largest=False).values.unbind(dim=1)
    found: Tensor = first < TWIN * second
    return found


def _centred(images: Tensor) -> Tensor:
    """Rows of pixels with mean 0 and length 1, whose products are correlations."""
    pixels = images.flatten(1) - images.flatten(1).mean(dim=1, keepdim=True)
    rows: Tensor = pixels / pixels.norm(dim=1, keepdim=True).clamp(min=1e-6)
    return rows


def chance(generator: Network, latent_dim: int, count: int = 200) -> tuple[float, float, float]:
    """How much a picture changes if z stays, if it moves by 1 %, and if it is another.

    Distances of pictures, in that order, divided by the mean distance of two different pictures of
    one batch. A network gives 0, about 0.01, and 1; dropout at work makes the first two larger.
    """
    z = torch.randn(count, latent_dim)
    near, other = z + STEP * torch.randn_like(z), torch.randn_like(z)
    first, *others = (pictures(generator, each).flatten(1) for each in (z, z, near, other))
    usual = (first - first.roll(1, 0)).norm(dim=1).mean().clamp(min=1e-9)
    again, moved, new = ((first - x).norm(dim=1).mean().div(usual).item() for x in others)
    return again, moved, new


def finest_pattern(images: Tensor) -> float:
    """Share of the spectrum that changes its sign at every row or column (checkerboards do)."""
    power = torch.fft.rfft2(images[:, 0]).abs() ** 2
    whole = power.sum(dim=(1, 2)).mean() - power[:, 0, 0].mean()
    return float((power[:, 14, :].mean() + power[:, :, 14].mean()) / whole.clamp(min=1e-9))


def _order(discriminator: Network, fake: Tensor, real: Tensor) -> float | None:
    """The share of pairs in which D's answer to the real image is above that to the fake.

    Equal answers count half; None where D does not give one finite number for each image.
    """
    answers = []
    for images in (real, fake):
        for shaped in (images, images.flatten(1)):
            try:
                with torch.no_grad():
                    answer = discriminator(shaped)
            except Exception:  # somebody's own network may stop with anything
                continue
            if not isinstance(answer, Tensor) or answer.numel() != len(images):
                continue
            if answer.isfinite().all():
                answers.append(answer.flatten().double())
                break
    if len(answers) < 2:
        return None
    real_ones, fakes = answers
    above, equal = real_ones[:, None] > fakes, real_ones[:, None] == fakes
    return float(above.double().mean() + equal.double().mean() / 2)


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
