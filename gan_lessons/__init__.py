"""Support package of the course GAN Lessons.

Import what you need from its modules, for example ``from gan_lessons import game, plotting``.
Importing the package itself loads nothing else.
"""

__version__ = "0.1.0"
