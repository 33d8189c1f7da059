"""Widgets of the lessons. Each leaves a still picture in the saved notebook."""

from gan_lessons.widgets.explore import Explore, explore

__all__ = ["Explore", "explore"]
