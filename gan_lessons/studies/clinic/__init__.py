"""The bug clinic: a small trainer with often published bugs behind switches, and its records.

``clinic.run("noise once", seed=1)`` trains a small pair of networks with one mistake in the code
and returns what can be observed of it.
"""

from gan_lessons.studies.clinic.bugs import BUGS, WARDS, Bug, Ward
from gan_lessons.studies.clinic.records import VITALS, Record, Row, card, good, modes, shows
from gan_lessons.studies.clinic.trainer import (
    PATIENTS,
    Patient,
    batch_penalty,
    discriminator_loss,
    flat,
    generator_loss,
    gradient_norm,
    moved,
    patient,
    run,
    slope,
    spread,
)

__all__ = [
    "BUGS",
    "PATIENTS",
    "VITALS",
    "WARDS",
    "Bug",
    "Patient",
    "Record",
    "Row",
    "Ward",
    "batch_penalty",
    "card",
    "discriminator_loss",
    "flat",
    "generator_loss",
    "good",
    "gradient_norm",
    "modes",
    "moved",
    "patient",
    "run",
    "shows",
    "slope",
    "spread",
]
