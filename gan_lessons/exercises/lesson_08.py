"""Checks of lesson 08: the arc between two noise vectors, and a direction to more ink."""

import torch
from torch import Tensor

from gan_lessons import latent
from gan_lessons.exercises import Answer, Wrong, call, close, exercise, expect_close, expect_shape

FORMULA = (
    "The arc is (sin((1 − t)ω) a + sin(tω) b) / sin ω, where ω, in radians, has the cosine "
    "a · b / (‖a‖ ‖b‖)"
)


@exercise("8.1")
def slerp(answer: Answer) -> str:
    """The arc of Shoemake 1985, also for vectors of different lengths, on either side of 90°."""
    rng = torch.Generator().manual_seed(81)
    for dimensions, side in ((16, 1), (5, -1), (64, 1)):
        a, b = torch.randn(2, dimensions, generator=rng)
        b = b - (torch.dot(a, b) / torch.dot(a, a) - 0.7 * side) * a  # less than 90°, or more
        for t in (0.3, 0.8):
            got = call(answer, a, b, t)
            expect_shape(got, a.shape)
            if not got.isfinite().all():
                raise Wrong(
                    "the result is not finite. acos is NaN beyond ±1, which a · b can be; divided "
                    "by both lengths it cannot, but for rounding (clamp(-1, 1) helps). And nothing "
                    "may be divided by 0."
                )
            _refuse_near_misses(got, a, b, t)
            expect_close(got, _point(a, b, t), FORMULA)
        expect_close(call(answer, a, b, 0.0), a, "At t = 0 the arc is at a")
        expect_close(call(answer, a, b, 1.0), b, "At t = 1 the arc is at b")
    return (
        "for a and b of one length: the same share of the angle for each step of t, and that "
        "length all the way."
    )


def _point(a: Tensor, b: Tensor, t: float) -> Tensor:
    return latent.slerp(a, b, torch.tensor([t]))[0]


def _refuse_near_misses(got: Tensor, a: Tensor, b: Tensor, t: float) -> None:
    cosine = torch.dot(a, b) / (a.norm() * b.norm())
    angle = torch.acos(cosine)

    def arc(angle: Tensor) -> Tensor:
        return (torch.sin((1 - t) * angle) * a + torch.sin(t * angle) * b) / torch.sin(angle)

    straight = (1 - t) * a + t * b
    length = (1 - t) * a.norm() + t * b.norm()
    unit = _point(a / a.norm(), b / b.norm(), t)
    others = (
        (straight, "that is the straight line, lerp: it cuts through the inside of the shell."),
        *(
            (
                straight * wanted / straight.norm(),
                "the straight line pushed back onto the shell: for a and b of one length that "
                "stays on the arc, but goes faster in the middle than at the ends, where the "
                "formula takes equal angles for equal steps of t.",
            )
            for wanted in (length, a.norm(), b.norm())
        ),
        *(
            (
                unit * size,
                "that is an arc between vectors of one length: length and direction differ from "
                "the formula's, which takes a and b themselves. Only the cosine needs the lengths "
                "divided out.",
            )
            for size in (torch.tensor(1.0), length, a.norm())
        ),
        (arc(cosine), "the cosine was taken for the angle itself: ω is acos of it."),
        (arc(torch.rad2deg(angle)), "the angle is in degrees there; torch.sin takes radians."),
        (arc(angle) * torch.sin(angle), "divide by sin ω; without it the ends are not a and b."),
        (_point(b, a, t), "that walks from b to a: at t = 0 the point must be a."),
    )
    for other, why in others:
        if close(got, other):
            raise Wrong(why)
    if cosine < 0 and any(close(sign * got, _point(a, -b, t)) for sign in (1, -1)):
        raise Wrong(
            "for a and b more than 90° apart that goes the short way, to −b or from −a. That is "
            "right for quaternions, where b and −b are one turn; noise −b is another picture."
        )


@exercise("8.2")
def thickness_direction(answer: Answer) -> str:
    """Any sound estimate of the direction of most ink, on a made-up generator that has one."""
    z, images, truth = _pictures()
    got = call(answer, z, images)
    if isinstance(got, Tensor) and got.numel() == 784:
        raise Wrong("this has one number for each pixel; a direction of noise has one for each z.")
    expect_shape(got, truth.shape)
    got = got.detach().float()
    _refuse_other_directions(got, z, images, truth)
    if not close(got.norm(), torch.tensor(1.0), tolerance=1e-3):
        raise Wrong(
            f"the way is right, but its length is {got.norm():.3g}. Divide by it: then one unit "
            "on a slider is one unit of noise."
        )
    return (
        "each z weighted by how much more ink than usual its picture has: what has nothing to "
        "do with ink cancels, and what is left points to more of it."
    )


def _pictures() -> tuple[Tensor, Tensor, Tensor]:
    """Noise (600, 12), pictures (600, 1, 28, 28) and the unit direction (12,) to more ink.

    In other directions ink only moves from place to place, or from grey pixels to bright ones: who
    measures it in a part of the pixels, or by another number than the mean, finds another way. And
    in one direction it rises in the first third of the pictures and falls in the rest.
    """
    rng = torch.Generator().manual_seed(82)
    z = torch.randn(600, 12, generator=rng)
    truth, contrast, passing = torch.linalg.qr(torch.randn(12, 3, generator=rng))[0].T
    sign = torch.where(torch.arange(600) < 200, 1.0, -0.5)
    ink = -0.52 + 0.02 * (z @ truth) + 0.02 * sign * (z @ passing)  # the mean of the pixels
    blocks = torch.randn(13, 4, 4, generator=rng).clamp(-1.2, 1.2)
    blocks = blocks.repeat_interleave(7, dim=1).repeat_interleave(7, dim=2).flatten(1)
    blocks = blocks - blocks.mean(dim=1, keepdim=True)  # these move no ink
    base, pattern = 0.15 * blocks[0], 0.016 * blocks[1:]
    pixels = ink[:, None] + (1 + 0.25 * z @ contrast)[:, None] * base + z @ pattern
    return z, pixels.view(600, 1, 28, 28), truth


def _refuse_other_directions(got: Tensor, z: Tensor, images: Tensor, truth: Tensor) -> None:
    ink = images.mean(dim=(1, 2, 3))

    def agree(a: Tensor, b: Tensor) -> float:
        return torch.cosine_similarity(a, b, dim=0).item()

    if got.norm() == 0:
        raise Wrong("this is no direction: all its numbers are zero.")
    if not got.isfinite().all():
        raise Wrong(
            "the result is not finite. Ink is the mean of the pixels; the check's pictures have no "
            "bright pixels to count, and a vector of zeros has no length to divide by."
        )
    if agree(got, truth) < -0.8:
        raise Wrong(
            "along this vector pictures lose ink. Black is −1: a square or an absolute value "
            "counts the background as ink, and a minus turns the way round."
        )
    if agree(got, z.T @ ink) > 0.99:
        raise Wrong(
            "subtract the mean of the ink first. All pictures are mostly black, so without it "
            "every z gets nearly the same weight, and you get the mean of the noise."
        )
    if agree(got, z[ink.argmax()]) > 0.99:
        raise Wrong(
            "that is the noise of the picture with the most ink: one picture, with all that is "
            "special about it. Use all of them."
        )
    if agree(got, truth) < 0.95:
        raise Wrong(
            "along this vector ink does not rise as it should: its cosine with the true direction "
            f"is {agree(got, truth):.2f}. Ink is the mean of all pixels; weight each z by ink "
            "minus mean ink, and add up over all pictures."
        )
