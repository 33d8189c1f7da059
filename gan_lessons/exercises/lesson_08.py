"""Checks of lesson 08: the arc between two noise vectors, and a direction to more ink."""

import torch
from torch import Tensor

from gan_lessons import latent
from gan_lessons.exercises import Answer, Wrong, call, close, exercise, expect_close, expect_shape


@exercise("8.1")
def slerp(answer: Answer) -> str:
    """The arc of Shoemake 1985, also for vectors of different lengths."""
    rng = torch.Generator().manual_seed(81)
    a, b = torch.randn(2, 16, generator=rng)
    t = 0.3

    def point(a: Tensor, b: Tensor, t: float) -> Tensor:
        return latent.slerp(a, b, torch.tensor([t]))[0]

    got = call(answer, a, b, t)
    expect_shape(got, a.shape)
    if not got.isfinite().all():
        raise Wrong(
            "the result is not finite. a · b alone is no cosine: it can be larger than 1. Divide "
            "it by both lengths before acos."
        )
    _refuse_near_misses(got, a, b, t)
    expect_close(got, point(a, b, t), "The angle is acos(a · b / (‖a‖ ‖b‖)), in radians")
    expect_close(call(answer, a, b, 0.0), a, "At t = 0 the arc is at a")
    expect_close(call(answer, a, b, 1.0), b, "At t = 1 the arc is at b")
    return (
        "the same share of the angle for each step of t, and, for a and b of one length, "
        "that length all the way."
    )


def _refuse_near_misses(got: Tensor, a: Tensor, b: Tensor, t: float) -> None:
    cosine = torch.dot(a, b) / (a.norm() * b.norm())
    angle = torch.acos(cosine)
    straight = (1 - t) * a + t * b
    arc = torch.sin((1 - t) * angle) * a + torch.sin(t * angle) * b
    length = (1 - t) * a.norm() + t * b.norm()
    reverse = latent.slerp(b, a, torch.tensor([t]))[0]
    if close(got, straight):
        raise Wrong("that is the straight line, lerp: it cuts through the inside of the shell.")
    if close(got, straight * length / straight.norm()) or close(
        got, straight * a.norm() / straight.norm()
    ):
        raise Wrong(
            "the straight line pushed back onto the shell stays on the arc, but goes faster in "
            "the middle than at the ends: equal steps of t must be equal angles."
        )
    unit = latent.slerp(a / a.norm(), b / b.norm(), torch.tensor([t]))[0]
    if close(got, unit) or close(got, unit * length):
        raise Wrong(
            "the angle is right, but the arc is that between the unit vectors. Only the cosine "
            "needs the lengths divided out; the formula takes a and b themselves."
        )
    if close(got, reverse):
        raise Wrong("that walks from b to a: at t = 0 the point must be a.")
    if close(got, arc):
        raise Wrong("divide by sin ω; without it the ends are not a and b.")


@exercise("8.2")
def thickness_direction(answer: Answer) -> str:
    """Any sound estimate of the direction of most ink, on a made-up generator that has one."""
    rng = torch.Generator().manual_seed(82)
    z = torch.randn(600, 12, generator=rng)
    truth = torch.nn.functional.normalize(torch.randn(12, generator=rng), dim=0)
    ink = -0.7 + 0.02 * (z @ truth)  # the mean of an image's pixels; black is −1
    pattern = torch.randn(12, 784, generator=rng) * 0.02
    pattern = pattern - pattern.mean(dim=1, keepdim=True)  # other changes, which move no ink
    images = (ink[:, None] + z @ pattern).clamp(-1, 1).view(600, 1, 28, 28)
    got = call(answer, z, images)
    if isinstance(got, Tensor) and got.numel() == 784:
        raise Wrong("this has one number for each pixel; a direction of noise has one for each z.")
    expect_shape(got, truth.shape)
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
    if agree(got, truth) < -0.9:
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
            f"is {agree(got, truth):.2f}. Weight each z by ink minus mean ink, and add up."
        )
