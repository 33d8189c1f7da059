"""Methods of learning, one file each.

A file in this folder is found by itself: its recipes are offered by ``gan-lessons train``, and
the live panel plays its settings. What such a file holds is said in `gan_lessons.training.method`.
"""

import importlib
import pkgutil
from typing import Any

from gan_lessons.errors import ByName
from gan_lessons.methods.gan import GAN, GANSettings
from gan_lessons.methods.one_pass import OnePassGAN, OnePassSettings
from gan_lessons.methods.restoration import Restoration, RestorationSettings
from gan_lessons.training import METHODS, Settings

__all__ = [
    "GAN",
    "RECIPES",
    "GANSettings",
    "OnePassGAN",
    "OnePassSettings",
    "Restoration",
    "RestorationSettings",
    "find_recipe",
]

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")


def _recipes() -> dict[str, Settings]:
    return {n: settings for method in METHODS.values() for n, settings in method.recipes.items()}


# Good settings, by name.
RECIPES: ByName[Any] = ByName("recipe", _recipes())


def find_recipe(name: str) -> Settings:
    """The settings of a recipe, also of a method of your own that has been imported.

    Raises:
        UserError: there is none of that name; the sentence says which there are.
    """
    return ByName("recipe", _recipes())[name]
