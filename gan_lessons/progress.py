"""What a learner has done: exercises found right and quiz questions answered, in one small file.

The file is in the user's own place, or where ``GAN_LESSONS_PROGRESS`` says; with the value ``off``
nothing is kept. Whatever is wrong with the file is said in a sentence and never stops a lesson.
"""

import json
import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import platformdirs

from gan_lessons.errors import UserError
from gan_lessons.files import atomic_write, locked, user_path

VARIABLE = "GAN_LESSONS_PROGRESS"
_said: set[str] = set()  # complaints are made once in a session, not after every answer


@dataclass
class Progress:
    """What is done so far."""

    exercises: dict[str, str] = field(default_factory=dict)  # "7.1": the day it was first right
    quizzes: dict[str, dict[str, bool]] = field(default_factory=dict)  # "07": {"3": right?}


def file() -> Path | None:
    """Return the file in which progress is kept; None where it is switched off.

    Raises:
        UserError: the variable holds what is no path.
    """
    asked = os.environ.get(VARIABLE)
    if asked == "off":
        return None
    if asked:
        return user_path(asked, VARIABLE)
    return platformdirs.user_data_path("gan-lessons", False) / "done.json"


def load() -> Progress:
    """What is done so far; empty where nothing is kept yet.

    Raises:
        UserError: the file is there, but cannot be read.
    """
    path = file()
    try:
        return _parse(path.read_text(encoding="utf-8")) if path is not None else Progress()
    except FileNotFoundError:
        return Progress()
    except OSError as error:
        raise UserError(f"Progress in {path} cannot be read: {error.strerror}.") from error
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise UserError(
            f"Progress in {path} is damaged. `gan-lessons progress --reset` sets it aside."
        ) from error


def _parse(text: str) -> Progress:
    found = json.loads(text)
    days, answers = found["exercises"].items(), found["quizzes"].items()
    return Progress(
        {number: date.fromisoformat(day).isoformat() for number, day in days},
        {
            lesson: {question: bool(right[question]) for question in right}
            for lesson, right in answers
        },
    )


def record_exercise(number: str) -> str:
    """Keep that exercise ``number``, such as "7.1", is right; return a complaint or ""."""

    def note(progress: Progress) -> None:
        progress.exercises.setdefault(number, date.today().isoformat())

    return _record(note)


def record_question(lesson: str, question: int, right: bool) -> str:
    """Keep how a quiz question (from 1) was last answered; return a complaint or ""."""

    def note(progress: Progress) -> None:
        progress.quizzes.setdefault(lesson, {})[str(question)] = right

    return _record(note)


def _record(note: Callable[[Progress], None]) -> str:
    try:
        path = file()
        if path is None:
            return ""
        with _alone(path):
            progress = load()
            before = _text(progress)
            note(progress)
            if _text(progress) != before:
                _write(path, progress)
    except Exception as error:  # a learner's cell never fails because of bookkeeping
        complaint = f"(This is not kept. {error})"
        if complaint not in _said:
            _said.add(complaint)
            return complaint
    return ""


def reset() -> Path | None:
    """Begin anew; return where the old progress now lies, None where there was none.

    Earlier progress that was set aside stays as it is.

    Raises:
        UserError: the file cannot be renamed, or is a folder.
    """
    path = file()
    if path is None or not path.exists():
        return None
    if path.is_dir():
        raise UserError(f"{VARIABLE} is {path}, which is a folder; name a file in it.")
    with _alone(path):
        if not path.exists():  # another process was faster
            return None
        old, count = path.with_name(f"{path.stem}.old{path.suffix}"), 1
        while old.exists():
            count += 1
            old = path.with_name(f"{path.stem}.old-{count}{path.suffix}")
        try:
            path.rename(old)
        except OSError as error:
            raise UserError(f"{path} cannot be renamed: {error.strerror}.") from error
    return old


def _alone(path: Path) -> AbstractContextManager[None]:
    """Let no other process read, change and write progress at the same time."""
    held = f"Another process is writing {path}; try again."
    return locked(path.with_name(f".{path.name}.lock"), held, wait=10)


def _text(progress: Progress) -> str:
    return json.dumps({"exercises": progress.exercises, "quizzes": progress.quizzes}, indent=1)


def _write(path: Path, progress: Progress) -> None:
    with atomic_write(path) as temporary:
        temporary.write_text(_text(progress) + "\n", encoding="utf-8")
