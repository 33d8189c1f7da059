"""Often published bugs: the line as printed, as it should be, and the signs that give it away.

A setup is what runs share, bug or no bug; a sign is a range for one of `records.MEASURES`.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from gan_lessons.errors import ByName


@dataclass(frozen=True)
class Setup:
    """Data, sizes and rates that runs have in common, bug or no bug."""

    about: str
    rate_g: float
    rate_d: float
    betas: tuple[float, float] = (0.5, 0.99)
    batch: int = 64
    latent_dim: int = 2
    steps: int = 500
    discriminator_steps: int = 1  # for each step of G
    critic: bool = False  # Wasserstein losses and the gradient penalty of Gulrajani et al. 2017
    digits: bool = False  # else points of `toys.ring`


SETUPS = ByName(
    "setup",
    {
        "ring": Setup("eight Gaussians on a ring", 2e-3, 4e-3, latent_dim=4),
        "resumed": Setup(
            "the ring, interrupted half-way", 1e-3, 4e-3, betas=(0.9, 0.999), batch=16
        ),
        "critic": Setup(
            "the ring, with a Wasserstein critic and a gradient penalty",
            rate_g=2e-3,
            rate_d=4e-3,
            betas=(0.0, 0.9),
            steps=150,
            discriminator_steps=4,
            critic=True,
        ),
        "digits": Setup("28 × 28 digits", 2e-3, 2e-3, latent_dim=16, steps=150, digits=True),
        "hasty": Setup(
            "digits, and a D that learns 20 times as fast as G",
            rate_g=2e-3,
            rate_d=4e-2,
            latent_dim=16,
            steps=150,
            digits=True,
        ),
    },
)

Range = tuple[float, float]
ZERO, SOME = (0.0, 0.0), (1e-6, math.inf)


class Bug(NamedTuple):
    """A mistake in the code, and what of it can be seen from outside."""

    setup: str
    wrong: str  # the line, as it is often published
    right: str  # as it should be
    signs: Mapping[str, Range]  # measures that all lie in these ranges, both ends included


BUGS: ByName[Bug] = ByName(
    "bug",
    {
        # In the losses
        "absent generator": Bug(
            "ring",
            "loss_g = -log(D(real)).mean()",
            "loss_g = -log(D(G(z))).mean()",
            {"G's gradient": ZERO, "lowest L_D": (0, math.inf)},
        ),
        "wrong sign": Bug(
            "ring",
            "loss_g = -log(1 - D(G(z))).mean()",
            "loss_g = -log(D(G(z))).mean()",
            {"L_G": (0, 0.1), "D(G(z))": (0, 0.1), "G's gradient": SOME},
        ),
        "fakes rewarded": Bug(
            "ring",
            "loss_d = -log(D(real)).mean() + log(1 - D(G(z))).mean()",
            "loss_d = -log(D(real)).mean() - log(1 - D(G(z))).mean()",
            {"lowest L_D": (-math.inf, -1), "D(x)": (0, 0.9), "D(G(z))": (0.9, 1)},
        ),
        "targets above one": Bug(
            "hasty",
            "target_real = 1 + 0.2",
            "target_real = 1 - 0.2  # or 1",
            {"lowest L_D": (-math.inf, -1), "D(x)": (0.95, 1)},  # L_G is chaotic: from 0 to 1e4
        ),
        "double sigmoid": Bug(
            "ring",
            "binary_cross_entropy_with_logits(sigmoid(logit), target)",
            "binary_cross_entropy_with_logits(logit, target)",
            {"L_D": (1, 2.1), "L_G + log D(G(z))": (-math.inf, -0.5)},
        ),
        "log of sigmoid": Bug(
            "hasty",
            "-torch.log(1 - sigmoid(logit))",
            "softplus(logit)",
            {"share of steps done": (0, 0.5)},
        ),
        # In the steps
        "never applied": Bug(
            "ring",
            "loss_g.backward()",
            "loss_g.backward(); optimizer_g.step()",
            {"G's gradient": SOME, "G moves in G's step": ZERO},
        ),
        "never cleared": Bug(
            "ring",
            "loss_d.backward(); optimizer_d.step()",
            "optimizer_d.zero_grad(); loss_d.backward(); optimizer_d.step()",
            {"left in D": SOME},
        ),
        "missing detach": Bug(
            "ring",
            "optimizer_d.zero_grad(); optimizer_g.zero_grad(); fake = G(z)",
            "optimizer_d.zero_grad(); fake = G(z).detach()  # and G's zero_grad() in G's own step",
            {"left in G": SOME},
        ),
        "both in one": Bug(
            "ring",
            "optimizer_g = Adam([*G.parameters(), *D.parameters()])",
            "optimizer_g = Adam(G.parameters())",
            {"D moves in G's step": SOME},
        ),
        "noise once": Bug(
            "ring",
            "z = torch.randn(n, 4)  # before the loop",
            "z = torch.randn(n, 4)  # in every step",
            {"good, old z − new z": (0.3, 1)},
        ),
        "fresh optimizers": Bug(
            "resumed",
            "G.load_state_dict(…); D.load_state_dict(…)",
            "… and the same for optimizer_g, optimizer_d",
            {"jump": (1.7, math.inf)},
        ),
        # In the data and the networks
        "data range": Bug(
            "digits",
            "real = (pixels - 0.1307) / 0.3081",
            "real = 2 * pixels - 1",
            {"real beyond 1": (0.5, math.inf)},
        ),
        "swapped eps": Bug(
            "digits",
            "nn.BatchNorm1d(n, 0.8)",
            "nn.BatchNorm1d(n, momentum=0.2)",
            {"spread": (0, 0.6), "scale γ": (0.5, 2)},
        ),
        "tiny gamma": Bug(
            "digits",
            "nn.init.normal_(norm.weight, 0.0, 0.02)",
            "nn.init.normal_(norm.weight, 1.0, 0.02)",
            {"spread": (0, 0.6), "scale γ": (0, 0.5)},
        ),
        "batch penalty": Bug(
            "critic",
            "gradient.norm()",
            "gradient.norm(dim=1)",
            {"slope": (0, 0.4)},
        ),
    },
)
