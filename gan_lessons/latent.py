"""The space that noise lives in: paths, directions, and the way back from a picture to its noise.

Noise z has d numbers, independent and normal; its length is near √d almost always. Functions
here take noise (d,) or (N, d) and any generator, and change neither.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gan_lessons.errors import UserError, expect_whole
from gan_lessons.methods import GANSettings
from gan_lessons.tensors import expect_tensor
from gan_lessons.training import sample

PARALLEL = 1e-4  # radians; closer to 0 or π than this an arc has no direction of its own


def lerp(a: Tensor, b: Tensor, t: Tensor) -> Tensor:
    """Points (T, d) of the straight line from a (d,) to b (d,) at t (T,); 0 is a, 1 is b.

    Raises:
        UserError: t is no such tensor.
    """
    _refuse_times(t)
    return a + t[:, None] * (b - a)


def slerp(a: Tensor, b: Tensor, t: Tensor) -> Tensor:
    """Points (T, d) of the arc from a (d,) to b (d,) at t (T,).

    (sin((1 − t)ω) a + sin(tω) b) / sin ω, where ω is the angle between a and b (Shoemake 1985;
    for noise White 2016, section 2.1). Where a and b have one length all points have it, and equal
    steps of t are equal angles.

    Raises:
        UserError: a or b is zero, or they point in opposite ways: no arc is shorter than another;
            one of them is no vector like the other; or t is no such tensor.
    """
    _refuse_times(t)
    if a.dim() != 1 or a.shape != b.shape:
        raise UserError(
            f"An arc goes from one vector (d,) to another, not from {tuple(a.shape)} to "
            f"{tuple(b.shape)}. A row of a batch z is one: z[0]."
        )
    if a.norm() == 0 or b.norm() == 0:
        raise UserError("The zero vector points nowhere, so no arc begins or ends there: use lerp.")
    cosine = torch.dot(a / a.norm(), b / b.norm()).clamp(-1, 1)
    angle = torch.acos(cosine)
    if angle < PARALLEL:
        return lerp(a, b, t)
    if math.pi - angle < PARALLEL:
        raise UserError("The two points lie opposite each other: no arc is shorter than the rest.")
    weights = torch.stack([torch.sin((1 - t) * angle), torch.sin(t * angle)], dim=1)
    path: Tensor = weights @ torch.stack([a, b]) / torch.sin(angle)
    return path


def _refuse_times(t: Tensor) -> None:
    expect_tensor(t, "t", "(T,), such as torch.linspace(0, 1, 9)")
    if t.dim() != 1:
        raise UserError("t has to be (T,), one number for each point: torch.tensor([0.5]) is one.")


def on_shell(z: Tensor) -> Tensor:
    """z (…, d) made as long as noise usually is, √d."""
    return F.normalize(z, dim=-1) * math.sqrt(z.shape[-1])


def slope(z: Tensor, values: Tensor) -> Tensor:
    """Slope (d, k) of the straight-line fit (least squares) of values (N, k) by noise z (N, d).

    For normal noise and many samples it is the average gradient of the values with respect to z
    (Stein 1981, lemma 1), however crooked the values are.

    Raises:
        UserError: there are no more samples than dimensions.
    """
    if len(z) <= z.shape[1]:
        raise UserError(f"{len(z)} samples cannot fix a slope in {z.shape[1]} dimensions.")
    centred = z - z.mean(dim=0)
    fit: Tensor = torch.linalg.lstsq(centred, values - values.mean(dim=0)).solution
    return fit


def direction(z: Tensor, values: Tensor) -> Tensor:
    """The unit vector (d,) along which values (N,) of the pictures of z (N, d) rise fastest."""
    return _unit(slope(z, values[:, None])[:, 0])


def orthogonalise(vector: Tensor, others: Tensor) -> Tensor:
    """The unit vector (d,) that is left of ``vector`` (d,) across all of ``others`` (k, d), k < d.

    Moving along it moves along none of the others (Shen et al. 2020, section 3.2).
    """
    basis, _ = torch.linalg.qr(others.T)
    return _unit(vector - basis @ (basis.T @ vector))


def _unit(vector: Tensor) -> Tensor:
    return F.normalize(vector, dim=0)


def principal_directions(generator: nn.Module, z: Tensor, count: int = 6) -> Tensor:
    """Directions (count, d) with the largest average change of the picture over z (N, d).

    Singular vectors of the generator's average Jacobian, as `slope` estimates it: of length 1, at
    right angles, the strongest first. Their signs are such that + adds ink.

    Raises:
        UserError: ``count`` is no whole number up to d.
    """
    expect_whole(count, "count", 1, z.shape[-1])
    images = sample(generator, z).flatten(1)
    vectors, _, pictures = torch.linalg.svd(slope(z, images), full_matrices=False)
    signs = torch.where(pictures.sum(dim=1) < 0, -1.0, 1.0)
    found: Tensor = (vectors * signs).T[:count]
    return found


def saliency(discriminator: nn.Module, image: Tensor) -> tuple[float, Tensor]:
    """D's logit for an image (c, h, w), and its gradient with respect to the pixels, same shape.

    Where the gradient is positive more ink would make D call the image more real (Simonyan et
    al. 2014, section 3). It says what a small change would do, not what D "looks at".

    Raises:
        UserError: the image has another shape, or D gives more than one logit.
    """
    expect_tensor(image, "image", "(c, h, w)")
    if image.dim() != 3:
        raise UserError(
            f"image has the shape {tuple(image.shape)}; give one, (c, h, w): images[0]."
        )
    pixels = image.detach()[None].clone().requires_grad_()
    logit = discriminator(pixels)
    if logit.numel() != 1:
        raise UserError(
            f"This discriminator gives {logit.numel()} logits. Choose one: lambda x: D(x)[:, 4]."
        )
    (gradient,) = torch.autograd.grad(logit.sum(), pixels)
    return logit.item(), gradient[0]


class Search:
    """Looks for the noise whose picture is nearest to a target, one gradient step at a time.

    Minimises, for several candidates at once, the mean squared difference of pixels plus
    0.01 · mean(z²), which keeps z from growing beyond the shell. The candidates are the nearest of
    256 random ones: gradient descent stays in the valley where it starts.

    Args:
        generator: in evaluation mode.
        target: image (c, h, w) in [−1, 1], of the shape that the generator draws.
        settings: the generator's; they say how large its noise is.
        candidates: how many are followed.
        seed: decides the random ones.
    """

    def __init__(
        self,
        generator: nn.Module,
        target: Tensor,
        settings: GANSettings,
        candidates: int = 8,
        seed: int = 0,
    ) -> None:
        rng = torch.Generator().manual_seed(seed)
        tries = torch.randn(256, settings.latent_dim, generator=rng) * settings.noise_scale
        self._generator, self._target, self._scale = generator, target, settings.noise_scale
        self.images = sample(generator, tries)
        nearest = self._distances(self.images).topk(candidates, largest=False).indices
        self.images = self.images[nearest]  # of all candidates, (candidates, c, h, w)
        self._z = tries[nearest].clone().requires_grad_()
        self._optimizer = torch.optim.Adam([self._z], lr=0.1)
        self.steps = 0

    def _distances(self, images: Tensor) -> Tensor:
        return (images - self._target).square().mean(dim=(1, 2, 3))

    def step(self, n: int = 1) -> float:
        """Take n steps; return the distance of the nearest candidate."""
        for _ in range(n):
            length = (self._z / self._scale).square().mean(dim=1)
            loss = self._distances(self._generator(self._z)) + 0.01 * length
            self._optimizer.zero_grad()
            loss.sum().backward()
            self._optimizer.step()
            self.steps += 1
        self.images = sample(self._generator, self._z.detach())
        return self.distance

    @property
    def best(self) -> int:
        """Which candidate is nearest."""
        return int(self._distances(self.images).argmin())

    @property
    def distance(self) -> float:
        """Mean squared difference of pixels between the target and the nearest candidate."""
        return self._distances(self.images).min().item()

    @property
    def z(self) -> Tensor:
        """Noise (d,) of the nearest candidate."""
        return self._z.detach()[self.best].clone()

    @property
    def image(self) -> Tensor:
        """Picture (c, h, w) of the nearest candidate."""
        return self.images[self.best]
