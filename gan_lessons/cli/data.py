"""``gan-lessons data``: where the digits come from; fetch all of MNIST."""

from argparse import Namespace
from pathlib import Path

from gan_lessons.commandline import Commands, file_path


def add(commands: Commands) -> None:
    data = commands.add_parser("data", help="Where the digits come from; fetch all of MNIST.")
    actions = data.add_subparsers(required=True, metavar="ACTION")

    text = "Say which sources of digits are there, and which one is in use."
    status = actions.add_parser("status", help=text, description=text)
    status.set_defaults(run=run_status)

    text = "Fetch all 70,000 MNIST digits (12 MB); run it again to resume."
    download = actions.add_parser("download", help=text, description=text)
    download.add_argument(
        "--to", type=file_path, metavar="FOLDER", help="where (default: data folder)"
    )
    download.add_argument(
        "--mirror",
        action="append",
        metavar="URL",
        help="fetch from this address instead of the known mirrors; may be given several times",
    )
    download.set_defaults(run=run_download)


def run_status(_: Namespace) -> int:
    from gan_lessons import data

    for row in data.status():
        print(f"{'in use ->' if row.in_use else '         '} {row.name}: {row.text} [{row.where}]")
    return 0


def run_download(arguments: Namespace) -> int:
    from gan_lessons import data
    from gan_lessons.data import download

    folder = download.download(arguments.to, arguments.mirror or download.MIRRORS).resolve()
    print(f"All of MNIST is in {folder}, its checksums are right.")
    in_use = next(row for row in data.status() if row.in_use)
    if Path(in_use.where).resolve() != folder:
        print(f"In use is still {in_use.where}; to use the download, set GAN_LESSONS_DATA={folder}")
    return 0
