"""Widgets of the lessons. Each leaves a still picture in the saved notebook."""

import gc

from gan_lessons.widgets.explore import Explore, explore
from gan_lessons.widgets.latent_explorer import LatentExplorer
from gan_lessons.widgets.melody_player import MelodyPlayer
from gan_lessons.widgets.playground import Playground, playground
from gan_lessons.widgets.restorer import Restorer
from gan_lessons.widgets.sketchpad import Sketchpad
from gan_lessons.widgets.training_panel import TrainingPanel
from gan_lessons.widgets.translator import Translator
from gan_lessons.widgets.watch import watch

__all__ = [
    "Explore",
    "LatentExplorer",
    "MelodyPlayer",
    "Playground",
    "Restorer",
    "Sketchpad",
    "TrainingPanel",
    "Translator",
    "explore",
    "playground",
    "watch",
]

# What is imported by now stays. To search it all for garbage takes 60 ms, now and then, in which a
# panel stands still.
gc.collect()
gc.freeze()
