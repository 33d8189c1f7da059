"""The settings of a run in the plane, and the data that they name.

The plane is the square from −EDGE to EDGE. Points have the shape (N, 2).
"""

from dataclasses import dataclass, field
from typing import Any

from gan_lessons.data import toys
from gan_lessons.errors import UserError
from gan_lessons.methods.gan import InTurnSettings
from gan_lessons.training import choice, number

EDGE = 2.4
DATA = (*toys.TOYS_2D, "drawn")
NOISES = ("normal", "uniform")
OPTIMIZERS = ("adam", "sgd", "rmsprop")
MOST_POINTS = 400
DRAWN_STD = 0.08  # a drawn point is the middle of a small round Gaussian
BUILD: dict[str, Any] = {"group": "Networks and game", "fixed": True}
NOISE: dict[str, Any] = {"group": "Data and noise", "fixed": True}
RULE: dict[str, Any] = {
    "group": "Optimizers",
    "fixed": True,
    "help": "The rule that makes a move of a gradient.",
}
BETA1: dict[str, Any] = {
    "group": "Optimizers",
    "slider": (0, 0.99),
    "step": 0.01,
    "help": "How much of its past gradients a player keeps; RMSprop has none.",
}

Point = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Plan(InTurnSettings):
    """The settings of a run in the plane.

    ``data`` is a name of `DATA`; "drawn" needs ``points``, pairs (x, y) inside the plane.
    ``noise`` is "normal", N(0, 1), or "uniform" on [−1, 1], both times ``noise_scale``.
    ``layers`` counts the hidden layers of each player. ``beta1_*`` are Adam's average and SGD's
    momentum; RMSprop has none.

    Raises:
        UserError: a value is outside its range; the sentence names it.
    """

    data: str = choice("ring", DATA, label="real data", help="Where the real points lie.", **NOISE)
    points: tuple[Point, ...] = field(default=(), metadata={"fixed": True})
    seed: int = number(
        0, 0, 2**31 - 1, label="seed", slider=(0, 99), help="Decides all that is random.", **NOISE
    )
    batch_size: int = number(
        64, 2, 512, label="batch size", help="Real points, and fakes, in each half-step.", **NOISE
    )
    latent_dim: int = number(
        2, 1, 16, label="numbers of noise", help="Of which G makes a point.", **NOISE
    )
    noise: str = choice(
        "normal", NOISES, label="distribution", help="From which the noise is drawn.", **NOISE
    )
    layers: int = number(2, 1, 5, label="hidden layers", help="In each player's network.", **BUILD)
    generator_width: int = number(
        32, 2, 128, label="width of G", help="Units in a hidden layer of G.", **BUILD
    )
    discriminator_width: int = number(
        32, 2, 128, label="width of D", help="Units in a hidden layer of D.", **BUILD
    )
    optimizer_discriminator: str = choice("adam", OPTIMIZERS, label="optimizer of D", **RULE)
    beta1_discriminator: float = number(0.0, 0, 0.999, label="β1 of D", **BETA1)
    optimizer_generator: str = choice("adam", OPTIMIZERS, label="optimizer of G", **RULE)
    beta1_generator: float = number(0.0, 0, 0.999, label="β1 of G", **BETA1)
    beta2: float = 0.9
    lr_generator: float = 2e-3
    lr_discriminator: float = 2e-3
    penalty: str = "none"
    penalty_weight: float = 0.1
    penalty_every: int = 1
    ema_decay: float = number(0.0, 0, 0.99999, label="EMA decay", fixed=True)
    lr_decay: str = "none"
    # Networks as small as these gain nothing from a GPU.
    device: str = choice("cpu", ("cpu",), label="device", fixed=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.data == "drawn" or self.points:
            object.__setattr__(self, "points", checked_points(self.points))


def checked_points(points: Any) -> tuple[Point, ...]:
    """Points that somebody drew or typed, as pairs of floats.

    Raises:
        UserError: none, too many, not pairs of numbers, or outside the plane.
    """
    inside = EDGE - 0.2
    try:
        pairs = tuple((float(x), float(y)) for x, y in points)
    except (TypeError, ValueError):
        raise UserError("points have to be pairs of numbers: [(0, 0), (1, 0.5)].") from None
    if not 1 <= len(pairs) <= MOST_POINTS:
        raise UserError(f"There are {len(pairs)} points; draw 1 to {MOST_POINTS}.")
    for x, y in pairs:
        if not (abs(x) <= inside and abs(y) <= inside):
            raise UserError(
                f"The point ({x:g}, {y:g}) is outside the plane; "
                f"choose both numbers from {-inside:g} to {inside:g}."
            )
    return pairs


def data_distribution(plan: Plan) -> toys.GaussianMixture:
    """The real data's distribution, with its exact density."""
    if plan.data == "drawn":
        return toys.GaussianMixture(plan.points, DRAWN_STD)
    return toys.TOYS_2D[plan.data]()
