"""Support package of the course GAN Lessons.

Import what you need from its modules, for example ``from gan_lessons import game, plotting``.
Importing the package itself loads nothing else. Methods of learning are in `gan_lessons.methods`,
one file each; what the other folders hold is said in CONTRIBUTING.md.
"""

__version__ = "0.1.0"
