"""Toy distributions whose density is known exactly: densities on a line, mixtures in any dimension.

Samples are drawn with an explicit ``torch.Generator`` on the CPU, so that a seed fixes them.
"""

import math
from collections.abc import Callable, Sequence
from typing import Final

import torch
from torch import Tensor

from gan_lessons.errors import ByName, UserError, is_whole

Values = Tensor | Sequence[float] | float


class GaussianMixture:
    """A weighted sum of round Gaussians: p(x) = Σₖ wₖ · N(x; cₖ, σₖ² I).

    Args:
        centres: (K, d), any d ≥ 1; its float type is that of samples (lists become float32).
        std: σ > 0, one number or one per centre, (K,).
        weights: (K,), none negative; they are divided by their sum. None: all equal.

    Raises:
        UserError: a wrong shape, a value that is not finite, σ ≤ 0, or impossible weights.
    """

    def __init__(
        self,
        centres: Tensor | Sequence[Sequence[float]],
        std: Values,
        weights: Values | None = None,
    ) -> None:
        self.centres = _floats("centres", centres)
        if self.centres.ndim != 2 or 0 in self.centres.shape:
            raise UserError(
                f"centres have to have the shape (K, d), not {tuple(self.centres.shape)}."
            )
        self.std = self._one_per_centre("std", std)
        if (self.std <= 0).any():
            raise UserError(f"std has to be greater than 0, not {self.std.min().item():g}.")
        weights = self._one_per_centre("weights", 1.0 if weights is None else weights)
        if (weights < 0).any() or weights.sum() <= 0:
            raise UserError(
                "weights have to be 0 or more, and not all 0; "
                f"the smallest is {weights.min().item():g}."
            )
        self.weights = weights / weights.sum()

    def _one_per_centre(self, name: str, values: Values) -> Tensor:
        tensor = _floats(name, values, self.centres.dtype)
        count = len(self.centres)
        if tensor.shape not in {(), (count,)}:
            raise UserError(
                f"{name} has to be one number or one per centre, ({count},), "
                f"not of shape {tuple(tensor.shape)}."
            )
        return tensor.expand(count)

    def sample(self, n: int, rng: torch.Generator) -> Tensor:
        """Return n points, (n, d), drawn with ``rng``."""
        _check_count("n", n, 1)
        if not isinstance(rng, torch.Generator):
            raise UserError(
                f"rng has to be a torch.Generator, not {type(rng).__name__}: "
                "torch.Generator().manual_seed(0), for example."
            )
        chosen = torch.multinomial(self.weights, n, replacement=True, generator=rng)
        noise = torch.randn(n, self.centres.shape[1], generator=rng, dtype=self.centres.dtype)
        return self.centres[chosen] + self.std[chosen, None] * noise

    def log_density(self, x: Tensor) -> Tensor:
        """Return log p at points x, (…, d) → (…); differentiable in x, finite far away too."""
        dimension = self.centres.shape[1]
        if not isinstance(x, Tensor) or x.ndim == 0 or x.shape[-1] != dimension:
            got = tuple(x.shape) if isinstance(x, Tensor) else type(x).__name__
            raise UserError(f"x has to be a tensor of shape (…, {dimension}), not {got}.")
        squared = (x[..., None, :] - self.centres).square().sum(-1)  # (…, K)
        log_normal = -squared / (2 * self.std**2) - dimension * (
            self.std.log() + 0.5 * math.log(2 * math.pi)
        )
        return torch.logsumexp(self.weights.log() + log_normal, dim=-1)

    def density(self, x: Tensor) -> Tensor:
        """Return p at points x, (…, d) → (…)."""
        return self.log_density(x).exp()


def ring(modes: int = 8, radius: float = 1.4, std: float = 0.1) -> GaussianMixture:
    """Return Gaussians evenly spaced on a circle, the classic test for mode collapse."""
    _check_count("modes", modes, 1)
    angles = torch.arange(modes) * (2 * math.pi / modes)
    return GaussianMixture(radius * _on_circle(angles), std)


def lattice(side: int = 5, spacing: float = 0.7, std: float = 0.07) -> GaussianMixture:
    """Return side × side Gaussians on a square lattice around the origin."""
    _check_count("side", side, 1)
    ticks = (torch.arange(side) - (side - 1) / 2) * spacing
    return GaussianMixture(torch.cartesian_prod(ticks, ticks), std)


def two_moons(std: float = 0.1) -> GaussianMixture:
    """Return two interleaved half circles: two curved classes that no straight line separates."""
    angles = torch.linspace(0, math.pi, 50)
    upper = _on_circle(angles) + torch.tensor([-0.5, -0.25])
    return GaussianMixture(torch.cat([upper, -upper]), std)


def spiral(turns: float = 1.5, radius: float = 1.5, std: float = 0.07) -> GaussianMixture:
    """Return a spiral r ∝ angle that unwinds from the origin over ``turns`` rounds."""
    if not turns > 0:
        raise UserError(f"turns has to be greater than 0, not {turns!r}.")
    part = torch.linspace(0.02, 1, 200).sqrt()  # the root spaces the centres about evenly
    return GaussianMixture(radius * part[:, None] * _on_circle(2 * math.pi * turns * part), std)


def line(length: float = 3.0, std: float = 0.1) -> GaussianMixture:
    """Return a thick line segment from lower left to upper right, through the origin."""
    along = torch.linspace(-0.5, 0.5, 50) * (length / math.sqrt(2))
    return GaussianMixture(torch.stack([along, along], dim=1), std)


def two_gaussians(distance: float = 2.0, std: float = 0.25) -> GaussianMixture:
    """Return two equal Gaussians, left and right of the origin: the smallest mode collapse."""
    return GaussianMixture([[-distance / 2, 0.0], [distance / 2, 0.0]], std)


# With their defaults all of them lie in the square from −2 to 2.
TOYS_2D: Final[ByName[Callable[[], GaussianMixture]]] = ByName(
    "toy",
    {
        "ring": ring,
        "lattice": lattice,
        "two_moons": two_moons,
        "spiral": spiral,
        "line": line,
        "two_gaussians": two_gaussians,
    },
)


def grid(lo: float, hi: float, n: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """Return n evenly spaced points from lo to hi, both included, (n,)."""
    _check_count("n", n, 2)
    if not (math.isfinite(lo) and math.isfinite(hi) and lo < hi):
        raise UserError(f"A grid needs finite lo < hi, not lo = {lo!r}, hi = {hi!r}.")
    return torch.linspace(lo, hi, n, dtype=dtype)


def normal(x: Tensor, mean: float, std: float) -> Tensor:
    """Return the density of N(mean, std²) at points x, of x's shape."""
    return mixture(x, [mean], [std])


def mixture(x: Tensor, means: Values, stds: Values, weights: Values | None = None) -> Tensor:
    """Return the density Σₖ wₖ · N(meanₖ, stdₖ²) at points x, of x's shape.

    ``means``, ``stds`` and ``weights`` as the centres, std and weights of GaussianMixture.
    """
    if not isinstance(x, Tensor) or not x.is_floating_point():
        got = x.dtype if isinstance(x, Tensor) else type(x).__name__
        raise UserError(f"x has to be a float tensor, as grid() returns, not {got}.")
    centres = _floats("means", means, x.dtype).reshape(-1, 1)
    return GaussianMixture(centres, stds, weights).density(x[..., None])


def _on_circle(angles: Tensor) -> Tensor:
    """Return the points of the unit circle at angles (K,) in radians, (K, 2)."""
    return torch.stack([angles.cos(), angles.sin()], dim=1)


def _floats(name: str, values: object, dtype: torch.dtype | None = None) -> Tensor:
    """Return a finite float tensor, of ``dtype``, else of its own type, else of torch's default."""
    given = isinstance(values, Tensor)
    try:
        tensor = torch.as_tensor(values, dtype=None if given else torch.float64)
    except (TypeError, ValueError, RuntimeError):
        raise UserError(f"{name} has to be made of numbers, not {values!r}.") from None
    if not tensor.isfinite().all():
        raise UserError(f"{name} must not hold NaN or infinity.")
    if dtype is None:
        dtype = tensor.dtype if given and tensor.is_floating_point() else torch.get_default_dtype()
    return tensor.to(dtype)


def _check_count(name: str, value: int, least: int) -> None:
    if not is_whole(value, least):
        raise UserError(f"{name} has to be a whole number, {least} or more, not {value!r}.")
