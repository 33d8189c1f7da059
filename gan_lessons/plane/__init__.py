"""GANs in the plane: small networks on 2-D data whose density is known, and how good they are.

Everything that the playground shows is computed here, as tensors; what it looks like is the
widget's business.
"""

from gan_lessons.plane.coverage import ModeCoverage, Score, cell_centres, histogram
from gan_lessons.plane.fields import (
    OptimalDiscriminator,
    discriminator_shade,
    generator_gradient,
    noise_grid,
    warped_grid,
)
from gan_lessons.plane.network import FlatOptimizer, Network
from gan_lessons.plane.plan import (
    DATA,
    EDGE,
    NOISES,
    OPTIMIZERS,
    Plan,
    Point,
    checked_points,
    data_distribution,
)
from gan_lessons.plane.trainer import EVERY, SAMPLES, PlaneGAN, PlaneTrainer

__all__ = [
    "DATA",
    "EDGE",
    "EVERY",
    "NOISES",
    "OPTIMIZERS",
    "SAMPLES",
    "FlatOptimizer",
    "ModeCoverage",
    "Network",
    "OptimalDiscriminator",
    "Plan",
    "PlaneGAN",
    "PlaneTrainer",
    "Point",
    "Score",
    "cell_centres",
    "checked_points",
    "data_distribution",
    "discriminator_shade",
    "generator_gradient",
    "histogram",
    "noise_grid",
    "warped_grid",
]
