"""nbgrader hands lessons out and grades them: ``python tests/deploy/try_nbgrader.py [NN …]``.

Its class has learners who solved everything, whose right answers write on stderr, who touched
nothing, who gave each of the wrong answers of tests/wrong_answers, who rewrote the checks, deleted
them, or gave their names to something else. What its gradebook then holds is compared. A lesson
takes some minutes: it is graded once for each wrong answer.
"""

import json
import os
import runpy
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))
sys.path.insert(0, str(Path(__file__).parents[1]))

import nbformat

from authoring import nbgrader, source
from deploy.environment import BUILD, ROOT, environment

CLASS = BUILD / "class"
GRADES = """
import json
import sys
from nbgrader.api import Gradebook

with Gradebook("sqlite:///gradebook.db") as book:
    print(json.dumps([
        [submission.student.id, grade.name, grade.score, grade.max_score]
        for submission in book.assignment_submissions(sys.argv[1])
        for notebook in submission.notebooks
        for grade in notebook.grades
    ]))
"""
WRONG = """
import runpy
import sys

sys.path.insert(0, {tests!r})
{names} = runpy.run_path({file!r})["WRONG"][{number!r}][{place}][:-1]
"""
LOUD = """
import functools
import sys

def loud(answer):
    @functools.wraps(answer)
    def warning(*args, **kwargs):
        print("a warning", file=sys.stderr)
        return answer(*args, **kwargs)
    return warning if callable(answer) else answer

{names} = map(loud, ({names}))
"""
RENAMED = """

def check(*answers):
    print("✓")

require = check
"""


def main(numbers: list[str]) -> int:
    """Try the lessons that are named, or all; say what is not as it should be."""
    commands = environment("nbgrader", "nbgrader>=0.9.5,<1")
    shutil.rmtree(CLASS, ignore_errors=True)
    list(nbgrader.write(CLASS, numbers))
    grader, quiet = commands / "nbgrader", "--log-level=ERROR"
    run(grader, "generate_assignment", nbgrader.PAGES, quiet)
    faults: list[str] = []
    for path in source.sources(numbers):
        lesson = source.read(path)
        run(grader, "generate_assignment", path.stem, quiet)
        faults += given_away(lesson)
        for learner, notebook in submissions(lesson):
            folder = CLASS / "submitted" / learner / path.stem
            folder.mkdir(parents=True)
            nbformat.write(notebook, folder / f"{path.stem}.ipynb")
        run(grader, "autograde", path.stem, quiet)
        faults += misjudged(commands, lesson)
    print(*faults, sep="\n", file=sys.stderr)
    return 1 if faults else 0


def run(program: Path, *arguments: str) -> str:
    """Run a program of nbgrader's environment in the class; return what it prints."""
    path = f"{program.parent}{os.pathsep}{os.environ['PATH']}"  # nbgrader calls others
    run = subprocess.run(
        [str(program), *arguments],
        cwd=CLASS,
        env=os.environ | {"PATH": path},
        capture_output=True,
        text=True,
    )
    if run.returncode:
        raise RuntimeError(f"{program.name} {' '.join(arguments)} failed:\n{run.stderr}")
    return run.stdout


def released(lesson: source.Lesson) -> Any:
    """The notebook that nbgrader made for learners."""
    name = lesson.path.stem
    return nbformat.read(CLASS / "release" / name / f"{name}.ipynb", as_version=4)


def given_away(lesson: source.Lesson) -> Iterator[str]:
    """What of a lesson's solutions stands in the version for learners."""
    cells = released(lesson).cells
    text = "\n".join(cell.source + str(cell.get("outputs")) for cell in cells)
    for exercise in source.exercises(lesson):
        (asked,) = [cell.source for cell in cells if source.number(cell) == exercise.number]
        if asked.strip() != exercise.stub:
            yield f"{exercise.number}: the learner's cell is not the stub, but\n{asked}"
        if exercise.solution in text or "SOLUTION" in text:
            yield f"{exercise.number}: the solution stands in the learner's notebook"


def submissions(lesson: source.Lesson) -> Iterator[tuple[str, Any]]:
    """What each learner submits: the learner's name, a notebook."""
    yield "solved", answered(lesson, lambda exercise: exercise.solution)
    loud = answered(lesson, lambda e: e.solution + LOUD.format(names=names(e)))
    yield "loud", shortened(loud)
    untouched = answered(lesson, lambda exercise: exercise.stub)
    yield "untouched", shortened(untouched)
    renamed = answered(lesson, lambda exercise: exercise.stub + RENAMED)
    yield "renamed", shortened(renamed)
    rewritten = answered(lesson, lambda exercise: exercise.stub)
    for cell in filter(is_check, rewritten.cells):
        cell.source = "print('✓')"
        cell.metadata.nbgrader |= {"points": 100, "locked": False}
    yield "rewritten", shortened(rewritten)
    deleted = answered(lesson, lambda exercise: exercise.stub)
    deleted.cells = [cell for cell in deleted.cells if not is_check(cell)]
    yield "deleted", shortened(deleted)

    def mistaken(exercise: source.Exercise) -> str:
        given = {"names": names(exercise), "number": exercise.number}
        return WRONG.format(tests=tests, file=file, place=place % wrong[exercise.number], **given)

    tests = str(ROOT / "tests")
    file = f"{tests}/wrong_answers/lesson_{lesson.name}.py"
    wrong = {number: len(given) for number, given in runpy.run_path(file)["WRONG"].items()}
    for place in range(max(wrong.values())):
        yield f"wrong-{place}", shortened(answered(lesson, mistaken))


def answered(lesson: source.Lesson, answer: Callable[[source.Exercise], str]) -> Any:
    """The learner's notebook with an answer to each exercise."""
    notebook = released(lesson)
    known = {exercise.number: exercise for exercise in source.exercises(lesson)}
    for cell in notebook.cells:
        if number := source.number(cell):
            cell.source = answer(known[number])
    return notebook


def shortened(notebook: Any) -> Any:
    """A notebook of what its exercises need alone: nothing is trained when it is graded."""
    kept = []
    for cell in notebook.cells:
        if "nbgrader" in cell.metadata:
            kept.append(cell)
        elif cell.cell_type == "code":
            cell.source = "\n".join(source.definitions(cell.source))
            kept.append(cell)
    notebook.cells = kept
    return notebook


def is_check(cell: Any) -> bool:
    """Whether nbgrader grades by this cell."""
    return bool(cell.metadata.get("nbgrader", {}).get("grade"))


def names(exercise: source.Exercise) -> str:
    """What an exercise's check is given, as the left side of an assignment."""
    return exercise.answers.strip("()")


def misjudged(commands: Path, lesson: source.Lesson) -> Iterator[str]:
    """Grades of a lesson in nbgrader's book that are not what the learner deserves."""
    grades = json.loads(run(commands / "python", "-c", GRADES, lesson.path.stem))
    learners = sorted({learner for learner, *_ in grades})
    handed_in = sorted(path.parent.name for path in CLASS.glob(f"submitted/*/{lesson.path.stem}"))
    if learners != handed_in:
        yield f"{lesson.name}: graded are {learners}, and {handed_in} handed in"
    if len(grades) != len(learners) * len(source.exercises(lesson)):
        yield f"{lesson.name}: not every exercise is graded"
    for learner, name, score, most in grades:
        deserved = most if learner in ("solved", "loud") else 0
        if most == 0 or score != deserved:
            yield f"{name}: {learner} has {score} of {most} points, and deserves {deserved}"
    points = {name: most for _, name, _, most in grades}
    print(f"{lesson.name}: {len(learners)} learners, points {points}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
