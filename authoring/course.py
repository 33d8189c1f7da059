"""The map of the course, made from the lessons' front matter."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from authoring.source import SOURCES, Lesson, read, sources
from gan_lessons.files import atomic_write
from gan_lessons.plotting.course import COURSE, course_map
from gan_lessons.plotting.style import png

PICTURE = SOURCES.parents[1] / "docs" / "map.png"


def rows(course: Sequence[Lesson]) -> list[dict[str, Any]]:
    """What the map shows of each lesson."""
    names = ("title", "part", "minutes", "needs", "digits_first")
    rows = [
        {"lesson": lesson.number} | {name: getattr(lesson, name) for name in names}
        for lesson in course
    ]
    loaded: list[dict[str, Any]] = json.loads(json.dumps(rows))  # as they are read back
    return loaded


def write() -> list[Path]:
    """Write the table that lesson 00 draws the map from, and README's picture of it."""
    lines = ",\n".join(map(json.dumps, rows([read(path) for path in sources()])))
    with atomic_write(COURSE) as aside:
        aside.write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    with atomic_write(PICTURE) as aside:
        aside.write_bytes(png(course_map()))
    return [COURSE, PICTURE]


def problems() -> list[str]:
    """Whether the table is no longer what the front matter says, in sentences."""
    stored = json.loads(COURSE.read_text(encoding="utf-8")) if COURSE.is_file() else None
    if stored == rows([read(path) for path in sources()]):
        return []
    return [
        "The map of the course is not what the front matter says: run `python -m authoring map`."
    ]
