"""Training: the loop around any method's step, and what every run has.

What is learned is a method, one file each in `gan_lessons.methods`.
"""

from gan_lessons.training.checkpoint import read as read_checkpoint
from gan_lessons.training.device import resolve_device
from gan_lessons.training.history import Event, History
from gan_lessons.training.method import (
    METHODS,
    Batch,
    Chart,
    Method,
    Player,
    Values,
    build_networks,
    find_method,
    method_of,
    update_ema,
)
from gan_lessons.training.ranks import Ranks
from gan_lessons.training.sampling import draw, sample
from gan_lessons.training.settings import (
    Setting,
    Settings,
    check_setting,
    choice,
    describe,
    flag,
    number,
)
from gan_lessons.training.trainer import STEPS_PER_SYNC, Diverged, Trainer

__all__ = [
    "METHODS",
    "STEPS_PER_SYNC",
    "Batch",
    "Chart",
    "Diverged",
    "Event",
    "History",
    "Method",
    "Player",
    "Ranks",
    "Setting",
    "Settings",
    "Trainer",
    "Values",
    "build_networks",
    "check_setting",
    "choice",
    "describe",
    "draw",
    "find_method",
    "flag",
    "method_of",
    "number",
    "read_checkpoint",
    "resolve_device",
    "sample",
    "update_ema",
]
