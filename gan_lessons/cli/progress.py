"""``gan-lessons progress``: which exercises and quizzes are done, and what next."""

import json
import re
from argparse import Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gan_lessons.commandline import Commands
from gan_lessons.errors import UserError

SOURCES = Path(__file__).parents[2] / "notebooks" / "source"
TITLE = re.compile("^title: [\"']?(.+?)[\"']?$", re.MULTILINE)


def add(commands: Commands) -> None:
    text = "Say which exercises and quizzes are done, and what next."
    parser = commands.add_parser("progress", help=text, description=text)
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument(
        "--reset", action="store_true", help="begin anew; the old progress stays beside the new"
    )
    text = "print all of it as JSON, for whoever collects it from a class"
    kind.add_argument("--json", action="store_true", help=text)
    parser.set_defaults(run=run)


def run(arguments: Namespace) -> int:
    from gan_lessons import exercises, progress
    from gan_lessons.exercises import questions

    if progress.file() is None:
        raise UserError(f"No progress is kept, because {progress.VARIABLE} is off.")
    if arguments.reset:
        old = progress.reset()
        print(f"All begins anew. What was done is in {old}." if old else "Nothing was done yet.")
        return 0
    if arguments.json:
        print(json.dumps(_report(), indent=1, ensure_ascii=False))
        return 0
    done, titles, first = progress.load(), _titles(), ""
    width = max(map(len, titles.values()), default=0)
    for lesson in exercises.lessons():
        name = f"{lesson:02d}"
        asked, count = exercises.numbers(lesson), len(questions.load(name))
        answers = done.quizzes.get(name, {})
        known = sum(answers.get(str(question), False) for question in range(1, count + 1))
        todo = _todo(asked, count, done.exercises, answers)
        right = sum(number in done.exercises for number in asked)
        title = titles.get(name, "")
        print(
            f"{name} {title:{width}}  exercises {right} of {len(asked)}"
            f"  quiz {known} of {count}  {'next: ' + todo if todo else 'done'}"
        )
        if todo and not first:
            first = f"Next: lesson {name}, {todo}."
    print(first or "All is done.")
    print(f"This is kept in {progress.file()}.")
    return 0


def _report() -> dict[str, Any]:
    """What is done, for programs; deploy/README.md says what each field means.

    Fields keep their names and meanings. Where one has to change, ``schema`` counts up.
    """
    from gan_lessons import exercises, progress
    from gan_lessons.exercises import questions

    done, titles = progress.load(), _titles()
    lessons = []
    for lesson in exercises.lessons():
        name = f"{lesson:02d}"
        answers = done.quizzes.get(name, {})
        asked = range(1, len(questions.load(name)) + 1)
        lessons.append(
            {
                "lesson": name,
                "title": titles.get(name, ""),
                "exercises": {
                    number: done.exercises.get(number) for number in exercises.numbers(lesson)
                },
                "quiz": {str(question): answers.get(str(question)) for question in asked},
            }
        )
    return {"schema": 1, "lessons": lessons}


def _todo(
    asked: Sequence[str], questions: int, exercises: Mapping[str, str], quiz: Mapping[str, bool]
) -> str:
    """What is next in a lesson; an empty text where all is done."""
    for number in asked:
        if number not in exercises:
            return f"exercise {number}"
    for question in range(1, questions + 1):
        if str(question) not in quiz:
            return f"question {question} of the quiz"
    for question in range(1, questions + 1):
        if not quiz[str(question)]:
            return f"question {question} of the quiz again"
    return ""


def _titles() -> dict[str, str]:
    """Titles of the lessons by their two digits, where the lessons' sources are at hand."""
    titles = {}
    for source in SOURCES.glob("[0-9][0-9]_*.md"):
        found = TITLE.search(source.read_text(encoding="utf-8"))
        titles[source.name[:2]] = found[1] if found else source.stem[3:]
    return titles
