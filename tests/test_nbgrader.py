"""The lessons as nbgrader takes them. tests/deploy/try_nbgrader.py has nbgrader grade them."""

import contextlib
import io
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest

from authoring import edition, nbgrader
from authoring.__main__ import main
from authoring.source import SOURCES, Lesson, exercises, number, read, sources
from gan_lessons import progress
from gan_lessons.errors import UserError
from gan_lessons.exercises import NotRight, grade, require

LESSONS = [read(path) for path in sources()]
REGION = re.compile(r"\n### BEGIN SOLUTION\n(.*)\n### END SOLUTION", re.DOTALL)


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """nbgrader's folder of a course, with all lessons."""
    folder = tmp_path_factory.mktemp("course")
    written = list(nbgrader.write(folder))
    assert len(written) == len(set(written)) == 1 + len(LESSONS) + len(edition.PAGES)
    assert all(path.is_file() for path in written)
    return folder


def cells(course: Path, lesson: Lesson) -> list[Any]:
    path = course / "source" / lesson.path.stem / f"{lesson.path.stem}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    return list(notebook.cells)


def marked(cell: Any) -> dict[str, Any]:
    return dict(cell.metadata.get("nbgrader", {}))


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.name)
class TestEveryLesson:
    def test_an_answer_is_the_stub_and_below_it_the_solution_to_cut_out(
        self, lesson: Lesson, course: Path
    ) -> None:
        asked = [cell for cell in cells(course, lesson) if number(cell)]
        for cell, exercise in zip(asked, exercises(lesson), strict=True):
            assert marked(cell) == {
                "schema_version": 3,
                "grade_id": "exercise-" + exercise.number.replace(".", "-"),
                "solution": True,
                "grade": False,
                "locked": False,
                "task": False,
            }
            assert (found := REGION.search(cell.source))
            assert found[1] == exercise.solution
            assert REGION.sub("", cell.source) == exercise.stub + "\n"
            assert cell.outputs == []

    def test_a_check_is_locked_and_worth_as_much_as_it_is_hard(
        self, lesson: Lesson, course: Path
    ) -> None:
        checks = [cell for cell in cells(course, lesson) if marked(cell).get("grade")]
        for cell, exercise in zip(checks, exercises(lesson), strict=True):
            points = marked(cell).pop("points")
            heading = (
                rf"Exercise {re.escape(exercise.number)} .*[^●]{'●' * points}○{{{5 - points}}},"
            )
            assert re.search(heading, lesson.path.read_text(encoding="utf-8"))
            assert marked(cell) == {
                "schema_version": 3,
                "grade_id": "check-" + exercise.number.replace(".", "-"),
                "points": points,
                "solution": False,
                "grade": True,
                "locked": True,
                "task": False,
            }
            assert cell.source == (
                "from gan_lessons.exercises import require\n\n"
                f'require("{exercise.number}", {exercise.answers.strip("(,)")})'
            )
            assert "raises-exception" in cell.metadata.tags
            assert cell.outputs == []

    def test_nothing_is_given_away_outside_of_what_is_cut_out(
        self, lesson: Lesson, course: Path
    ) -> None:
        whole = cells(course, lesson)
        text = "\n".join(REGION.sub("", cell.source) + str(cell.get("outputs")) for cell in whole)
        assert "<summary>Solution" not in text
        for exercise in exercises(lesson):
            assert exercise.solution not in text
        assert [cell.source for cell in whole if "BEGIN SOLUTION" in cell.source] == [
            cell.source for cell in whole if marked(cell).get("solution")
        ]

    def test_its_links_lead_to_other_assignments(self, lesson: Lesson, course: Path) -> None:
        here = course / "source" / lesson.path.stem
        links = re.findall(
            r"\]\(([^)#\s]+\.ipynb)", "\n".join(c.source for c in cells(course, lesson))
        )
        assert "../pages/glossary.ipynb" in links
        assert all((here / link).is_file() for link in links)


def test_pages_link_to_assignments_too(course: Path) -> None:
    here = course / "source" / "pages"
    for name in edition.PAGES:
        page = nbformat.read(here / name, as_version=4)
        links = re.findall(r"\]\(([^)#\s]+\.ipynb)", "\n".join(cell.source for cell in page.cells))
        assert links
        assert all((here / link).is_file() for link in links)


def run(course: Path, answer: str) -> None:
    """Execute exercise 1.1 of the course with an answer in its cell, and then its check."""
    lesson = LESSONS[1]
    exercise = exercises(lesson)[0]
    (check,) = [c for c in cells(course, lesson) if marked(c).get("grade_id") == "check-1-1"]
    scope: dict[str, Any] = {"__name__": "lesson"}
    for code in (exercise.setup, answer, check.source):
        exec(code, scope)


def test_a_check_raises_for_all_but_the_right_answer(
    course: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    exercise = exercises(LESSONS[1])[0]
    with pytest.raises(NotRight, match=r"^○ 1.1 Not yet: replace the `...`"):
        run(course, exercise.stub)
    wrong = exercise.solution.replace("p / (p + q)", "q / (p + q)")
    with pytest.raises(NotRight, match=r"^✗ 1.1 Not right: .* share of the fakes"):
        run(course, wrong)
    with pytest.raises(NotRight):
        run(course, wrong + "\ncheck = require = print")
    assert capsys.readouterr().out == ""
    run(course, exercise.solution)
    assert capsys.readouterr().out.startswith("✓ 1.1 Right: ")


def test_what_an_answer_says_on_stderr_is_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    def loud(p: Any, q: Any) -> Any:
        import sys

        print("a warning", file=sys.stderr)
        return (p / (p + q)).nan_to_num(0.5)

    require("1.1", loud)
    said, wrong = capsys.readouterr()
    assert "a warning\n" in said
    assert "✓ 1.1 Right: " in said
    assert wrong == ""


def test_a_notebook_shows_the_sentence_without_a_traceback() -> None:
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell()
    with contextlib.redirect_stdout(io.StringIO()) as shown:
        shell.run_cell('from gan_lessons.exercises import require\nrequire("1.1", ...)')
    assert shown.getvalue().strip() == str(grade("1.1", ...))


def test_required_answers_are_the_learners_progress(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(progress.VARIABLE, str(tmp_path / "done.json"))
    with pytest.raises(NotRight):
        require("0.1", {"in": 16, "out": 784})
    assert progress.load().exercises == {}
    require("0.1", {"in": 64, "out": 784})
    assert list(progress.load().exercises) == ["0.1"]


def test_an_instructors_settings_stay(tmp_path: Path) -> None:
    (tmp_path / "nbgrader_config.py").write_text("# mine\n", encoding="utf-8")
    written = [path.name for path in nbgrader.write(tmp_path, ["00"])]
    assert written == ["00_start_here.ipynb", *edition.PAGES]
    assert (tmp_path / "nbgrader_config.py").read_text(encoding="utf-8") == "# mine\n"


def test_an_exercise_without_points_is_a_sentence() -> None:
    notebook = nbformat.read(LESSONS[1].notebook, as_version=4)
    for cell in notebook.cells:
        cell.source = cell.source.replace("Exercise 1.2 · ", "Number 1.2 · ")
    with pytest.raises(UserError, match=r"how hard exercise 1\.2 is"):
        nbgrader.assignment(notebook)


def test_the_command_writes_a_course(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["edition", "--nbgrader", "--out", str(tmp_path), "00"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == [
        str(tmp_path / "nbgrader_config.py"),
        str(tmp_path / "source" / "00_start_here" / "00_start_here.ipynb"),
    ]
    (tmp_path / "source" / "00_start_here" / "00_start_here.ipynb").write_text("{}")
    assert main(["edition", "--nbgrader", "--out", str(tmp_path), "00"]) == 2
    assert "left as they are" in capsys.readouterr().err
    assert main(["edition", "--nbgrader", "--out", str(SOURCES.parent), "00"]) == 2
    assert "choose another folder" in capsys.readouterr().err
