"""Stored results: a JSON list in `gan_lessons/tables`, one result a line."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

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
        return [kind(**row) for row in json.loads(path.read_text(encoding="utf-8"))]
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
    path: Path, done: dict[Key, Run], wanted: Sequence[Key], train: Callable[..., Run]
) -> Iterator[Run]:
    """Train each run that is wanted and not done, write all that are, and yield it.

    Args:
        path: the file; what is done and no longer wanted is left out of it.
        done: runs by their keys; new ones are added.
        wanted: keys in the file's order.
        train: called with a key's parts.
    """
    for key in wanted:
        if key not in done:
            done[key] = train(*key)
            write_rows((done[each] for each in wanted if each in done), path)
            yield done[key]
