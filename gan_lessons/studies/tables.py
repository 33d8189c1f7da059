"""Stored results: a JSON list in `gan_lessons/tables`, one result a line; and how they are made."""

import json
from argparse import Namespace
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import torch

from gan_lessons.commandline import Parser, file_path, run_command
from gan_lessons.errors import UserError
from gan_lessons.files import atomic_write

FOLDER = Path(__file__).parents[1] / "tables"

Row = TypeVar("Row")


def read_rows(path: Path, kind: Callable[..., Row], what: str) -> list[Row]:
    """The rows of a file, in its order; ``what`` they are is said if they cannot be read.

    Raises:
        UserError: no such file, or other rows.
    """
    try:
        return [kind(**row) for row in json.loads(Path(path).read_text(encoding="utf-8"))]
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise UserError(f"{path} has no {what} that could be read: {error}.") from error


def write_rows(rows: Iterable[NamedTuple], path: Path) -> None:
    """Write rows, one a line; the file is there whole, or as it was."""
    lines = ",\n".join(json.dumps(row._asdict()) for row in rows)
    with atomic_write(path) as aside:
        aside.write_text(f"[\n{lines}\n]\n", encoding="utf-8")


Run = TypeVar("Run", bound=NamedTuple)
Key = tuple[Any, ...]


def train_missing(
    path: Path,
    kind: Callable[..., Run],
    names: Sequence[str],
    wanted: Sequence[Key],
    train: Callable[..., Run],
    plan: Callable[..., int],
) -> Iterator[Run]:
    """Train each run that is wanted and not in a file, write all that are, and yield it.

    Args:
        path: the file; what is in it and not wanted, or has another plan, is left out of it.
        kind: of its rows, which have a field ``plan``.
        names: of the fields that make a row's key.
        wanted: keys in the file's order.
        train: called with a key's parts.
        plan: called with a key's parts: the checksum of what decides its run.
    """
    stored = read_rows(path, kind, "runs") if path.exists() else []
    plans = {key: plan(*key) for key in wanted}
    by_key = {tuple(getattr(run, name) for name in names): run for run in stored}
    done = {key: run for key, run in by_key.items() if getattr(run, "plan", None) == plans.get(key)}
    for key in wanted:
        if key not in done:
            done[key] = train(*key)
            write_rows((done[each] for each in wanted if each in done), path)
            yield done[key]


def study_command(
    name: str,
    description: str | None,
    stored: Path,
    train: Callable[[Path], Iterator[str]],
    arguments: Sequence[str] | None,
    ship: Callable[[Path], Iterator[Path]] | None = None,
) -> int:
    """The command of a study: train what a file of runs lacks, on one thread.

    Args:
        name: of the study.
        description: of it.
        stored: the file, where ``--out`` names no other one.
        train: the runs that a file lacks; yields what is to be said.
        arguments: of the command; None: those it was called with.
        ship: for a study whose networks ship: trains them into a folder; yields each file.

    Returns:
        The exit code.
    """

    def run(options: Namespace) -> None:
        torch.set_num_threads(1)
        folder = options.ship if ship else None
        for said in ship(folder) if ship and folder else train(options.out):
            print(said, flush=True)

    parser = Parser(prog=f"python -m gan_lessons.studies.{name}", description=description)
    parser.add_argument("--out", type=file_path, default=stored, help="file of the table's runs")
    if ship:
        about = "train the networks that ship into FOLDER"
        parser.add_argument("--ship", type=file_path, metavar="FOLDER", help=about)
    parser.set_defaults(run=run)
    return run_command(parser, arguments)
