import sys

from gan_lessons.cli import main

sys.exit(main())
