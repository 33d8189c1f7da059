"""Widgets of the lessons. Each leaves a still picture in the saved notebook."""

from gan_lessons.widgets.explore import Explore, explore
from gan_lessons.widgets.watch import watch

__all__ = ["Explore", "explore", "watch"]
