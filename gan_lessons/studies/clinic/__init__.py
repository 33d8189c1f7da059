"""The bug clinic: a small trainer with often published bugs behind switches, and its records.

``clinic.run("noise once", seed=1)`` trains a small pair of networks with one mistake in the code
and returns what can be observed of it.
"""

from gan_lessons.studies.clinic.bugs import BUGS, SETUPS, Bug, Setup
from gan_lessons.studies.clinic.records import MEASURES, Record, Row, card, good, modes, shows
from gan_lessons.studies.clinic.trainer import (
    UNLABELLED,
    SmallTrainer,
    batch_penalty,
    discriminator_loss,
    flat,
    generator_loss,
    gradient_norm,
    moved,
    run,
    slope,
    spread,
    unlabelled_run,
)

__all__ = [
    "BUGS",
    "MEASURES",
    "SETUPS",
    "UNLABELLED",
    "Bug",
    "Record",
    "Row",
    "Setup",
    "SmallTrainer",
    "batch_penalty",
    "card",
    "discriminator_loss",
    "flat",
    "generator_loss",
    "good",
    "gradient_norm",
    "modes",
    "moved",
    "run",
    "shows",
    "slope",
    "spread",
    "unlabelled_run",
]
