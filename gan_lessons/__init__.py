"""Support package of the course GAN Lessons.

Import what you need from its modules, for example ``from gan_lessons import game, plotting``.
Importing the package itself loads nothing else. Methods of learning are in `gan_lessons.methods`,
one file each; what the other folders hold is said in CONTRIBUTING.md.
"""

import sys

__version__ = "0.1.0"

if (_ipython := sys.modules.get("IPython")) and (_shell := _ipython.get_ipython()):
    from gan_lessons.out_of_order import load_ipython_extension

    load_ipython_extension(_shell)
