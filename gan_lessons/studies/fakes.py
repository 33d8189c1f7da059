"""Real or fake: a detector, what it can be deceived by, and marks that say where a picture is from.

Lesson 18's tools. Pictures are digits (N, 1, 28, 28) in [−1, 1]; a detector answers with logits
(N,), above 0 for "fake".
"""

import hashlib
import hmac
import io
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

from gan_lessons import pretrained
from gan_lessons.data import from_uint8, to_uint8
from gan_lessons.errors import UserError, expect, expect_number, expect_one_of, expect_whole
from gan_lessons.networks.layers import Stack
from gan_lessons.training import draw

BATCH = 64  # half of it real
STEPS = 250
RATE = 3e-3


# Pictures


def pictures_of(name: str, n: int, seed: int = 0) -> Tensor:
    """Pictures (n, 1, 28, 28) of a shipped generator, in 256 greys as real digits are.

    A VAE's are its means: its pixels, drawn one by one, would be told by their grain.
    """
    method = pretrained.load_method(name)
    if hasattr(method.settings, "pixels"):
        method.settings = replace(method.settings, pixels="means")
    made = draw(method, method.inputs(n, torch.Generator().manual_seed(seed)))
    return in_greys(made)


def in_greys(pictures: Tensor) -> Tensor:
    """Pictures (N, 1, 28, 28) as a file without loss would give them back: in 256 greys."""
    channels, height, width = pictures.shape[1:]
    return from_uint8(to_uint8(pictures), (channels, height, width))


# Detectors


class Detector(Stack):
    """Pictures (N, 1, size, size) → logits (N,), above 0 for "fake".

    It looks at every pixel before it shrinks anything: fakes differ in details.
    """

    def __init__(self, width: int = 16) -> None:
        layers: list[nn.Module] = []
        for inside, out in ((1, width), (width, 2 * width), (2 * width, 4 * width)):
            layers += [
                nn.Conv2d(inside, out, 3, padding=1, bias=False),
                nn.BatchNorm2d(out),
                nn.LeakyReLU(0.2),
                nn.MaxPool2d(2),
            ]
        ending = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4 * width, 1), nn.Flatten(0)]
        super().__init__(*layers[:-1], *ending)


def train_detector(real: Tensor, fake: Tensor, steps: int = STEPS, seed: int = 0) -> nn.Module:
    """A `Detector` that has learned to tell real from fake (N, 1, 28, 28), in evaluation mode.

    Every batch holds as many of both; the rate falls to 0.
    """
    rng = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = Detector()
    optimizer = torch.optim.Adam(network.parameters(), lr=RATE)
    wanted = torch.arange(BATCH) % 2
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = RATE * (1 - step / steps)
        chosen = [torch.randint(len(some), (BATCH // 2,), generator=rng) for some in (real, fake)]
        batch = torch.stack([real[chosen[0]], fake[chosen[1]]], dim=1).flatten(0, 1)
        loss = F.binary_cross_entropy_with_logits(network(batch), wanted.float())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return network.eval().requires_grad_(False)


def logits(detector: nn.Module, pictures: Tensor) -> Tensor:
    """A detector's answers (N,), without gradients."""
    with torch.no_grad():
        return torch.cat([detector(part) for part in pictures.split(500)])


def separation(real: Tensor, fake: Tensor) -> float:
    """How often a fake's score is above a real one's, ties counting half: the area under the ROC.

    1 is perfect, ½ is guessing, whatever the threshold (Hanley and McNeil 1982). Scores are (N,)
    and (M,).
    """
    higher = (fake[:, None] > real).double().mean() + (fake[:, None] == real).double().mean() / 2
    return higher.item()


class Reliability(NamedTuple):
    """Of the answers in each bin: how sure they were on average, how often right, how many."""

    said: Tensor
    happened: Tensor
    counts: Tensor

    def error(self) -> float:
        """Expected calibration error: the mean gap between the two, each answer counting alike."""
        gaps = (self.said - self.happened).abs() * self.counts
        return (gaps.sum() / self.counts.sum()).item()


def reliability(chances: Tensor, happened: Tensor, bins: int = 10) -> Reliability:
    """Chances of "fake" (N,) from 0 to 1 beside what was fake (N,), in bins of equal width.

    Empty bins are left out (Guo et al. 2017, section 2).
    """
    which = (chances * bins).long().clamp(max=bins - 1)
    counts = torch.bincount(which, minlength=bins)
    sums = [
        torch.bincount(which, weights=values.double(), minlength=bins)
        for values in (chances, happened)
    ]
    full = counts > 0
    said, seen = (total[full] / counts[full] for total in sums)
    return Reliability(said, seen, counts[full])


def true_alarms(sensitivity: float, specificity: float, prevalence: float) -> float:
    """Share of alarms that are right (Bayes): of all that is called fake, what is fake.

    Args:
        sensitivity: share of fakes that are called fake.
        specificity: share of reals that are not.
        prevalence: share of fakes in all that is tested.

    Raises:
        UserError: one of them is no share, or nothing is called fake.
    """
    for name, share in (
        ("sensitivity", sensitivity),
        ("specificity", specificity),
        ("prevalence", prevalence),
    ):
        expect_number(share, name, 0, 1)
    right = sensitivity * prevalence
    alarms = right + (1 - specificity) * (1 - prevalence)
    if not alarms:
        raise UserError("Nothing is called fake here, so no share of the alarms can be right.")
    return right / alarms


# Files and spectra


def encoded(picture: Tensor, kind: str = "PNG", quality: int = 75) -> bytes:
    """A file of one picture (1, 28, 28): "PNG", without loss, or "JPEG" of a quality 1 to 95.

    Raises:
        UserError: another kind of file, or no such quality.
    """
    expect_one_of(kind, "kind", ("PNG", "JPEG"))
    expect_whole(quality, "quality", 1, 95)
    grey = Image.fromarray(to_uint8(picture[None])[0])
    file = io.BytesIO()
    grey.save(file, kind, **({"quality": quality} if kind == "JPEG" else {}))
    return file.getvalue()


def decoded(file: bytes) -> Tensor:
    """The picture (1, 28, 28) in a file.

    Raises:
        UserError: there is none in it.
    """
    expect(file, bytes, "file has to be the bytes of a picture, as encoded(picture) gives them")
    try:
        opened = Image.open(io.BytesIO(file))
    except OSError as error:
        raise UserError(f"There is no picture in these {len(file):,} bytes.") from error
    with opened as picture:
        return from_uint8(np.asarray(picture.convert("L"))[None])[0]


def recompressed(pictures: Tensor, quality: int) -> Tensor:
    """Pictures (N, 1, 28, 28) after they were JPEG files of a quality from 1 to 95."""
    return torch.stack([decoded(encoded(each, "JPEG", quality)) for each in pictures])


def spectrum(pictures: Tensor) -> Tensor:
    """Mean power at each whole frequency, 0 to 14 waves a picture, of pictures (N, 1, 28, 28).

    The logarithm, base 10, of the mean over a ring of the two-dimensional power spectrum
    (Durall et al. 2020, section 2).
    """
    power = torch.fft.fft2(pictures[:, 0]).abs().square().mean(dim=0)
    side = pictures.shape[-1]
    waves = torch.fft.fftfreq(side, 1 / side)
    ring = (waves[:, None].square() + waves.square()).sqrt().round().long().flatten()
    sums, counts = torch.bincount(ring, power.flatten()), torch.bincount(ring)
    means: Tensor = (sums / counts)[: side // 2 + 1]
    return means.log10()


# Provenance


def signature(file: bytes, key: bytes) -> str:
    """A signature of a file, in hexadecimal: HMAC with SHA-256 (RFC 2104).

    Whoever has the key can make and verify it: a message authentication code. (Provenance
    standards use pairs of keys, of which one is public, so that everybody can verify.)

    Raises:
        UserError: file or key are no bytes.
    """
    expect(file, bytes, "file has to be bytes, as encoded(picture) gives them")
    expect(key, bytes, 'key has to be bytes, such as b"secret"')
    return hmac.new(key, file, hashlib.sha256).hexdigest()


def is_signed(file: bytes, key: bytes, signed: str) -> bool:
    """Whether a file is, to the last bit, the one that was signed."""
    return hmac.compare_digest(signature(file, key), signed)


def pattern(key: int, like: Tensor) -> Tensor:
    """A secret pattern of −1 and 1, of the shape of one of the pictures (N, …)."""
    rng = torch.Generator().manual_seed(key)
    return torch.randint(2, like.shape[1:], generator=rng).float() * 2 - 1


def watermarked(pictures: Tensor, key: int, strength: float = 0.1) -> Tensor:
    """Pictures (N, …) with the key's pattern on top, faint or less so, in [−1, 1]."""
    return (pictures + strength * pattern(key, pictures)).clamp(-1, 1)


def watermark_score(pictures: Tensor, key: int) -> Tensor:
    """How well pictures (N, …) agree with the key's pattern, in standard deviations of chance.

    Over patterns drawn by chance a picture's score has mean 0 and standard deviation 1.
    """
    flat = pictures.flatten(1)
    flat = flat - flat.mean(dim=1, keepdim=True)
    score: Tensor = flat @ pattern(key, pictures).flatten() / flat.norm(dim=1).clamp(min=1e-6)
    return score
