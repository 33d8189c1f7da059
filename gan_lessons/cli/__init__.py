"""The ``gan-lessons`` command, one file a command.

Each file has ``add``, its options, and ``run``, which imports what it needs when it runs, so that
``--help`` answers at once.
"""

import sys
from collections.abc import Sequence

from gan_lessons import interrupts


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; see `commandline.run_command`."""
    if arguments is None:
        interrupts.end_at_once("gan-lessons")  # before any other import
    from gan_lessons import __version__, commandline
    from gan_lessons.cli import data, doctor, evaluate, progress, restore, sample, train

    parser = commandline.Parser(
        prog="gan-lessons",
        description="The command-line side of the course GAN Lessons.",
        epilog="gan-lessons COMMAND --help explains a command.",
    )
    parser.add_argument("--version", action="version", version=f"gan-lessons {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in (doctor, data, train, sample, evaluate, restore, progress):
        command.add(commands)
    code = commandline.run_command(parser, arguments)
    if arguments is None and (ranks := sys.modules.get("gan_lessons.training.ranks")):
        ranks.end_process(code)
    return code
