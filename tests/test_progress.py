"""What a learner has done is kept, in a file that nothing spoils and that spoils nothing."""

import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from gan_lessons import exercises, progress
from gan_lessons.cli import main
from gan_lessons.errors import UserError
from gan_lessons.exercises import check, exercise, quiz
from gan_lessons.exercises.questions import Option, Question, Quiz

TODAY = date.today().isoformat()


@exercise("94.1")
def _three(answer: exercises.Answer) -> str:
    if answer != 3:
        raise exercises.Wrong("three is wanted.")
    return "three it is."


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file in which this test's learner keeps progress."""
    path = tmp_path / "place" / "done.json"
    monkeypatch.setenv(progress.VARIABLE, str(path))
    monkeypatch.setattr(progress, "_said", set())
    return path


def small_quiz() -> Quiz:
    options = (Option("1", "no"), Option("2", "yes", right=True))
    return Quiz("94", [Question("1 + 1?", options), Question("3 − 1?", options)])


def test_right_answers_are_kept_and_others_are_not(kept: Path) -> None:
    check("94.1", ...)
    check("94.1", 4)
    assert not kept.exists()
    check("94.1", 3)
    assert progress.load().exercises == {"94.1": TODAY}
    check("94.1", 4)  # once right stays right
    assert progress.load().exercises == {"94.1": TODAY}
    assert {path.name for path in kept.parent.iterdir()} <= {"done.json", ".done.json.lock"}


def test_the_first_day_stays(kept: Path) -> None:
    kept.parent.mkdir()
    kept.write_text('{"exercises": {"94.1": "2020-02-29"}, "quizzes": {}}', encoding="utf-8")
    before = kept.read_bytes()
    check("94.1", 3)
    assert kept.read_bytes() == before
    assert progress.load().exercises == {"94.1": "2020-02-29"}


def test_the_last_answer_to_each_question_is_kept(kept: Path) -> None:
    shown = small_quiz()
    assert shown.answer(1, 0) == "✗ Not right: no"
    assert progress.load().quizzes == {"94": {"1": False}}
    shown.answer(1, 1)
    shown.answer(2, 0)
    assert progress.load().quizzes == {"94": {"1": True, "2": False}}
    check("94.1", 3)
    assert progress.load().quizzes == {"94": {"1": True, "2": False}}


def test_grading_keeps_nothing(kept: Path) -> None:
    assert exercises.grade("94.1", 3).status == "right"
    assert not kept.exists()


def test_off_keeps_nothing(
    kept: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(progress.VARIABLE, "off")
    monkeypatch.chdir(kept.parents[1])
    check("94.1", 3)
    small_quiz().answer(1, 1)
    assert list(kept.parents[1].iterdir()) == []
    assert capsys.readouterr().out == "✓ 94.1 Right: three it is.\n"
    assert main(["progress"]) == 2
    assert "GAN_LESSONS_PROGRESS is off" in capsys.readouterr().err


def test_without_the_variable_it_is_in_the_users_own_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(progress.VARIABLE)
    path = progress.file()
    assert path is not None
    assert path.is_relative_to(Path.home())
    assert path.parent.name == "gan-lessons"


DAMAGED = [
    b"",
    b"{",
    b"\xff\xfe",
    b"[]",
    b"{}",
    b"3",
    b'{"exercises": [], "quizzes": {}}',
    b'{"exercises": {"1.1": "yesterday"}, "quizzes": {}}',
    b'{"exercises": {"1.1": 3}, "quizzes": {}}',
    b'{"exercises": {}, "quizzes": {"01": 3}}',
    b'{"exercises": {}, "quizzes": null}',
    b"[" * 200_000 + b"]" * 200_000,
    b'{"exercises": ' + b'{"a":' * 200_000 + b"1" + b"}" * 200_001,
]


@pytest.mark.parametrize("text", DAMAGED, ids=range(len(DAMAGED)))
def test_a_damaged_file_is_a_sentence_and_is_left_as_it_is(
    kept: Path, text: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    kept.parent.mkdir()
    kept.write_bytes(text)
    check("94.1", 3)
    said = capsys.readouterr().out
    assert said.startswith("✓ 94.1 Right: three it is.\n(This is not kept. Progress in ")
    assert "is damaged" in said
    check("94.1", 3)  # the complaint is made once
    assert capsys.readouterr().out == "✓ 94.1 Right: three it is.\n"
    assert kept.read_bytes() == text
    with pytest.raises(UserError, match="is damaged"):
        progress.load()
    assert main(["progress"]) == 2
    assert "--reset" in capsys.readouterr().err
    assert main(["progress", "--reset"]) == 0
    assert (kept.parent / "done.old.json").read_bytes() == text
    check("94.1", 3)
    assert progress.load().exercises == {"94.1": TODAY}


def test_a_quiz_shows_what_was_answered_before(kept: Path) -> None:
    small_quiz().answer(1, 1)
    small_quiz().answer(2, 0)
    again = small_quiz()
    assert again.sheet.chosen == [1, -1]
    assert [verdict["right"] for verdict in again.sheet.verdicts] == [True, False]
    assert again.sheet.verdicts[0]["words"] == "✓ Right, as answered before: yes"
    assert again.sheet.verdicts[1]["words"].startswith("✗ Not right when it was answered before")
    assert again.sheet.score == "1 of 2 right, 1 to answer."


def test_a_quiz_says_that_its_answer_is_not_kept(kept: Path) -> None:
    kept.parent.mkdir()
    kept.write_text("{", encoding="utf-8")
    shown = small_quiz()
    assert shown.answer(1, 1).startswith("✓ Right: yes (This is not kept. Progress in ")
    assert shown.answer(1, 1) == "✓ Right: yes"


@pytest.mark.parametrize("place", ["a file/done.json", "a folder"])
def test_a_place_that_cannot_be_written_is_a_sentence(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    place: str,
) -> None:
    (tmp_path / "a file").touch()
    (tmp_path / "a folder").mkdir()
    monkeypatch.setenv(progress.VARIABLE, str(tmp_path / place))
    monkeypatch.setattr(progress, "_said", set())
    check("94.1", 3)
    said = capsys.readouterr().out
    assert said.startswith("✓ 94.1 Right: three it is.\n(This is not kept. ")
    assert said.count("\n") == 2
    assert (tmp_path / "a file").read_bytes() == b""


def test_the_command_says_what_is_done_and_what_next(
    kept: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exercises, "lessons", lambda: [0, 1])
    assert main(["progress"]) == 0
    first, second, following, where = capsys.readouterr().out.splitlines()
    assert first.split("  ") == [
        "00 Start here",
        *[""] * (first.split("  ").index("exercises 0 of 2") - 1),
        "exercises 0 of 2",
        "quiz 0 of 5",
        "next: exercise 0.1",
    ]
    assert second.startswith("01 The minimax game ")
    assert following == "Next: lesson 00, exercise 0.1."
    assert where == f"This is kept in {kept}."

    for number in (*exercises.numbers(0), "99.9"):  # the last is no longer in the course
        progress.record_exercise(number)
    for question in range(1, 6):
        progress.record_question("00", question, question != 3)
    progress.record_exercise("1.1")
    assert main(["progress"]) == 0
    first, second, following, _ = capsys.readouterr().out.splitlines()
    assert first.endswith("exercises 2 of 2  quiz 4 of 5  next: question 3 of the quiz again")
    assert second.endswith("exercises 1 of 3  quiz 0 of 5  next: exercise 1.2")
    assert following == "Next: lesson 00, question 3 of the quiz again."

    shown = quiz("00")
    shown.answer(3, shown.questions[2].right)
    assert main(["progress"]) == 0
    first, _, following, _ = capsys.readouterr().out.splitlines()
    assert first.endswith("quiz 5 of 5  done")
    assert following == "Next: lesson 01, exercise 1.2."
    progress.record_exercise("1.2")
    progress.record_exercise("1.3")
    progress.record_question("01", 1, True)
    main(["progress"])
    assert "Next: lesson 01, question 2 of the quiz." in capsys.readouterr().out
    for question in range(2, 6):
        progress.record_question("01", question, True)
    main(["progress"])
    assert capsys.readouterr().out.splitlines()[2] == "All is done."


def test_the_command_lists_every_lesson(kept: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["progress"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line[:2] for line in lines[:-2]] == [f"{n:02d}" for n in exercises.lessons()]
    assert len(lines) > 8


def test_programs_get_all_of_it_as_json(
    kept: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exercises, "lessons", lambda: [0, 1])
    progress.record_exercise("1.2")
    progress.record_exercise("99.9")  # no longer in the course
    progress.record_question("00", 2, False)
    progress.record_question("00", 3, True)
    assert main(["progress", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "schema": 1,
        "lessons": [
            {
                "lesson": "00",
                "title": "Start here",
                "exercises": {"0.1": None, "0.2": None},
                "quiz": {"1": None, "2": False, "3": True, "4": None, "5": None},
            },
            {
                "lesson": "01",
                "title": "The minimax game",
                "exercises": {"1.1": None, "1.2": TODAY, "1.3": None},
                "quiz": {str(question): None for question in range(1, 6)},
            },
        ],
    }
    page = (Path(__file__).parents[1] / "deploy" / "README.md").read_text(encoding="utf-8")
    for field in ("`schema`", "`lessons`", "`lessons[].lesson`", "`.title`", "`lessons[].quiz`"):
        assert field in page
    assert main(["progress", "--json", "--reset"]) == 2
    assert kept.exists()


def test_a_title_is_shown_without_the_quotes_of_its_front_matter(
    kept: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "00_x.md").write_text('---\ntitle: "GANs: a start"\n---\n', encoding="utf-8")
    monkeypatch.setattr("gan_lessons.cli.progress.SOURCES", tmp_path)
    assert main(["progress"]) == 0
    assert capsys.readouterr().out.startswith("00 GANs: a start  exercises")


def test_reset_leaves_a_folder_where_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(progress.VARIABLE, str(tmp_path / "course"))
    (tmp_path / "course").mkdir()
    assert main(["progress", "--reset"]) == 2
    assert "is a folder; name a file in it" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["course"]


def test_reset_begins_anew_and_says_where_the_old_is(
    kept: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["progress", "--reset"]) == 0
    assert capsys.readouterr().out == "Nothing was done yet.\n"
    progress.record_exercise("94.1")
    assert main(["progress", "--reset"]) == 0
    old = kept.with_name("done.old.json")
    assert capsys.readouterr().out == f"All begins anew. What was done is in {old}.\n"
    assert "94.1" in old.read_text(encoding="utf-8")
    assert progress.load() == progress.Progress()


def test_no_reset_overwrites_what_an_earlier_one_set_aside(kept: Path) -> None:
    for number in ("94.1", "94.2", "94.3"):
        progress.record_exercise(number)
        progress.reset()
    names = ("done.old.json", "done.old-2.json", "done.old-3.json")
    for number, name in zip(("94.1", "94.2", "94.3"), names, strict=True):
        assert number in kept.with_name(name).read_text(encoding="utf-8")


RACE = """
import sys
from gan_lessons import progress
print("ready", flush=True)
sys.stdin.readline()
for number in range(20):
    if sys.argv[1] == "reset":
        progress.reset()
    else:
        assert progress.record_exercise(f"{sys.argv[1]}.{number}") == ""
"""


def race(*roles: str) -> None:
    """Let several processes work on the same progress at once."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", RACE, role],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for role in roles
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    for process in processes:
        assert process.communicate(timeout=60)[1] == ""
        assert process.returncode == 0


def test_processes_at_once_lose_nothing(kept: Path) -> None:
    race("7", "8", "reset", "reset")
    done: set[str] = set()
    for path in kept.parent.glob("done*.json"):
        found = json.loads(path.read_text(encoding="utf-8"))["exercises"]
        assert not done & set(found)
        done |= set(found)
    assert done == {f"{lesson}.{number}" for lesson in "78" for number in range(20)}


@pytest.mark.parametrize("value", ["~nobody-of-that-name/x", os.fsdecode(b"/tmp/\xff/x")])
def test_a_variable_that_is_no_path_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], value: str
) -> None:
    monkeypatch.setenv(progress.VARIABLE, value)
    monkeypatch.setattr(progress, "_said", set())
    check("94.1", 3)
    said = capsys.readouterr().out
    assert said.startswith(
        "✓ 94.1 Right: three it is.\n(This is not kept. GAN_LESSONS_PROGRESS is "
    )
    for arguments in (["progress"], ["progress", "--reset"]):
        assert main(arguments) == 2
        assert "GAN_LESSONS_PROGRESS is " in capsys.readouterr().err


def test_importing_it_loads_nothing_heavy() -> None:
    code = (
        "import sys, gan_lessons.progress\n"
        "print(*({'torch', 'numpy', 'ipywidgets', 'matplotlib'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "\n"


def test_what_make_runs_is_not_the_learners_progress() -> None:
    makefile = (Path(__file__).parents[1] / "Makefile").read_text(encoding="utf-8")
    (quiet,) = [line for line in makefile.splitlines() if line.startswith("QUIET :=")]
    assert "GAN_LESSONS_PROGRESS=off" in quiet.split()
    for line in makefile.splitlines():
        if "-m pytest" in line or "lessons build" in line:
            assert "$(QUIET)" in line
