"""``python -m gan_lessons`` is the command ``gan-lessons``, as torchrun can start it."""

import sys

from gan_lessons.cli import main

sys.exit(main())
