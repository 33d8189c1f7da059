"""Every check against its solution, its stub and wrong answers; every quiz; the frame itself."""

import contextlib
import io
import itertools
import runpy
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from gan_lessons import exercises, lessons
from gan_lessons.errors import UserError
from gan_lessons.exercises import (
    NotYet,
    Wrong,
    call,
    check,
    close,
    exercise,
    expect_choice,
    expect_close,
    expect_shape,
    grade,
)
from gan_lessons.exercises.questions import FOLDER, load

LESSONS = [lessons.read(path) for path in lessons.sources()]
EXERCISES = [found for lesson in LESSONS for found in lessons.exercises(lesson)]
QUIZZES = sorted(path.stem for path in FOLDER.glob("*.toml"))


def wrong_answers(number: str) -> list[tuple[Any, ...]]:
    """The wrong answers to one exercise: (answer, …, fragment of the sentence)."""
    lesson = int(number.partition(".")[0])
    path = Path(__file__).parent / "wrong_answers" / f"lesson_{lesson:02d}.py"
    found: list[tuple[Any, ...]] = runpy.run_path(str(path))["WRONG"][number]
    return found


def test_there_is_something_to_test() -> None:
    assert EXERCISES
    assert QUIZZES


@pytest.mark.parametrize("found", EXERCISES, ids=lambda found: found.number)
class TestEveryExercise:
    def test_solution_is_right(self, found: lessons.Exercise) -> None:
        verdict = grade(found.number, *found.run(found.solution))
        assert verdict.status == "right", verdict
        assert len(verdict.message) > 20  # it says why

    def test_stub_is_not_yet(self, found: lessons.Exercise) -> None:
        assert grade(found.number, *found.run(found.stub)).status == "not yet"

    def test_wrong_answers_are_told_what_they_misunderstood(self, found: lessons.Exercise) -> None:
        said = []
        for *answers, fragment in wrong_answers(found.number):
            verdict = grade(found.number, *answers)
            assert verdict.status == "wrong", verdict
            assert fragment in verdict.message, verdict
            assert "could not be checked" not in verdict.message, verdict
            assert grade(found.number, *answers) == verdict
            said.append(verdict.message)
        assert len(said) >= 3
        assert len(set(said)) == len(said), "two wrong answers get one sentence"

    def test_anything_at_all_gets_a_verdict(self, found: lessons.Exercise) -> None:
        count = len(found.run(found.solution))
        for nonsense in (None, 3, "text", [], lambda *a, **k: "text", lambda: 1, print):
            with contextlib.redirect_stdout(io.StringIO()):
                assert grade(found.number, *[nonsense] * count).status != "right"


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.name)
class TestEveryLesson:
    def test_its_exercises_are_the_ones_that_are_checked(self, lesson: lessons.Lesson) -> None:
        asked = [found.number for found in lessons.exercises(lesson)]
        assert asked == sorted(set(asked), key=lambda number: int(number.partition(".")[2]))
        assert sorted(asked) == sorted(exercises.numbers(lesson.number))

    def test_it_has_its_quiz(self, lesson: lessons.Lesson) -> None:
        assert lesson.name in QUIZZES


@pytest.mark.parametrize("lesson", QUIZZES)
def test_quiz_cannot_be_guessed_by_its_look(lesson: str) -> None:
    questions = load(lesson)
    assert len(questions) == 5
    assert max(Counter(question.right for question in questions).values()) <= 3
    lengths = [[len(option.text) for option in question.options] for question in questions]
    longest = sum(
        all(row[question.right] > other for i, other in enumerate(row) if i != question.right)
        for question, row in zip(questions, lengths, strict=True)
    )
    assert longest <= 3
    texts = [option for q in questions for o in q.options for option in (o.text, o.why)]
    texts += [question.text for question in questions]
    assert not [text for text in texts if "$" in text or ("<" in text and ">" in text)]


# The frame


@exercise("96.1")
def _square(answer: exercises.Answer) -> str:
    x = torch.rand(4, 2)
    got = call(answer, x)
    if close(got, 2 * x):
        raise Wrong("that doubles; a square is x times x.")
    expect_close(got, x * x, "A square is x times x")
    return "x times x, element by element."


@exercise("96.2")
def _pair(answer: exercises.Answer, other: exercises.Answer) -> str:
    expect_choice(answer, "tanh", {"sigmoid": "sigmoid ends at 0, the data at −1."})
    return other.upper() + " goes with tanh, whose range is the data's."


@exercise("96.3")
def _step(answer: exercises.Answer) -> str:
    box: list[int] = []
    call(answer, box, returns=False)
    if not box:
        raise NotYet("nothing was put in the box.")
    return "the box is full."


def _prints(x: torch.Tensor) -> None:
    print(x)


def _divides(x: torch.Tensor) -> float:
    return 1 / 0


@pytest.mark.parametrize(
    ("answer", "status", "fragment"),
    [
        (lambda x: x * x, "right", "element by element"),
        (lambda x: x.mul_(x), "right", "element by element"),
        (lambda x: 2 * x, "wrong", "that doubles"),
        (lambda x: x, "wrong", "is wanted. A square is x times x."),
        (lambda x: (x * x).numpy(), "wrong", "NumPy array"),
        (lambda x: (x * x).sum(), "wrong", "shape (), where (4, 2) is wanted"),
        (lambda x: x / 0, "wrong", "NaN or infinity"),
        (lambda x: "square", "wrong", "'square'; a tensor of shape (4, 2)"),
        (lambda x: [x], "wrong", "a list; a tensor"),
        (lambda: 1, "wrong", "stopped with TypeError"),
        (_divides, "wrong", "of its cell with ZeroDivisionError: division by zero (called with a"),
        (7, "wrong", "a function is wanted, and this is 7"),
        (_prints, "not yet", "`_prints` prints its result; `return` it"),
        (lambda x: None, "not yet", "returns nothing so far"),
        (lambda x: ..., "not yet", "replace the `...`"),
        (lambda x: x * ..., "not yet", "replace the `...`"),
        (lambda x: (x, ...), "not yet", "replace the `...`"),
        (..., "not yet", "replace the `...`"),
    ],
)
def test_verdict_on_a_function(
    answer: Any, status: str, fragment: str, capsys: pytest.CaptureFixture[str]
) -> None:
    verdict = grade("96.1", answer)
    assert (verdict.status, fragment in verdict.message) == (status, True), verdict
    assert "Traceback" not in str(verdict)
    capsys.readouterr()
    assert check("96.1", answer) is None
    assert capsys.readouterr().out.endswith(f"{verdict}\n")


def test_verdict_on_values() -> None:
    assert str(grade("96.2", "tanh", "a")) == (
        "✓ 96.2 Right: A goes with tanh, whose range is the data's."
    )
    assert str(grade("96.2", "sigmoid", "a")) == (
        "✗ 96.2 Not right: sigmoid ends at 0, the data at −1."
    )
    assert "'relu' is none of the choices: 'sigmoid', 'tanh'" in grade("96.2", "relu", "a").message
    assert grade("96.2", "tanh", {"a": ...}).status == "not yet"
    assert grade("96.2", "tanh", 3).status == "wrong"
    assert grade("96.2", "tanh").status == "wrong"  # an answer is missing


def test_a_step_that_does_nothing_is_not_yet() -> None:
    assert grade("96.3", lambda box: None).status == "not yet"
    assert grade("96.3", lambda box: box.append(1)).status == "right"


def test_checks_leave_the_random_numbers_alone() -> None:
    torch.manual_seed(5)
    wanted = torch.rand(3)
    torch.manual_seed(5)
    grade("96.1", lambda x: torch.rand_like(x))
    assert torch.equal(torch.rand(3), wanted)


@pytest.mark.parametrize("number", ["96.9", "95.1", "96", "a.b", "", "../1"])
def test_unknown_exercise_is_an_error_that_lists_what_there_is(number: str) -> None:
    with pytest.raises(UserError, match=r"There is no exercise .*(96\.1, 96\.2|look like)"):
        check(number, 1)


def test_a_broken_lesson_module_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ModuleNotFoundError("no scipy", name="scipy")

    monkeypatch.setattr("importlib.import_module", missing)
    with pytest.raises(ModuleNotFoundError, match="no scipy"):
        exercises.numbers(96)


@pytest.mark.parametrize(
    ("got", "want", "agree"),
    [
        (0.5, 0.5, True),
        (0.5, 0.50004, True),
        (0.5, 0.501, False),
        (torch.ones(2), torch.ones(3), False),
        (torch.ones(2, requires_grad=True), np.ones(2), True),
        (float("nan"), float("nan"), False),
        ("0.5", 0.5, False),
        (None, 0.5, False),
        ([1.0, 2.0], [1.0, 2.0], True),
    ],
)
def test_close(got: Any, want: Any, agree: bool) -> None:
    assert close(got, want) is agree


def test_difference_is_located() -> None:
    want = torch.zeros(2, 3)
    got = want.clone()
    got[1, 2] = 0.25
    with pytest.raises(Wrong, match=r"at index \(1, 2\) is 0.25, where 0 is wanted\. Why\."):
        expect_close(got, want, "Why.")
    with pytest.raises(Wrong, match=r"shape \(2,\), where \(3,\) is wanted\. Rows\."):
        expect_shape(torch.ones(2), (3,), "Rows.")
    expect_close(1, 1.0, "a number passes as it is")


QUESTION = '[[question]]\ntext = "Q"\noption = [{options}]\n'


def options(*rights: bool) -> str:
    return ", ".join(
        f'{{text = "{i}", why = "w", right = {str(right).lower()}}}'
        for i, right in enumerate(rights)
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (QUESTION.format(options=options(True, False, False)), "has 3 options"),
        (QUESTION.format(options=options(*[False] * 4)), "exactly one option"),
        (QUESTION.format(options=options(True, True, False, False)), "exactly one option"),
        (QUESTION.format(options=options(*[True, *[False] * 3]).replace('"w"', '" "')), "its why"),
        (QUESTION.format(options=options(*[True, *[False] * 3]).replace('"1"', '"0"')), "twice"),
        (QUESTION.format(options='{text = "a"}'), "cannot be read"),
        ("[[question", "cannot be read"),
        ("", "cannot be read"),
    ],
)
def test_a_spoilt_quiz_is_refused(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "01.toml").write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=said):
        load("01", tmp_path)


def test_unknown_quiz_is_an_error_that_lists_what_there_is(tmp_path: Path) -> None:
    (tmp_path / "07.toml").write_text("", encoding="utf-8")
    with pytest.raises(UserError, match=r"no quiz '1'\. There are: 07"):
        load("1", tmp_path)


def test_stub_and_solution_run_where_the_exercise_stands(tmp_path: Path) -> None:
    path = tmp_path / "96_own.md"
    cells = itertools.chain.from_iterable(
        (f"```{{code-cell}}\n{cell}\n```", "")
        for cell in (
            "import math\n\n\ndef helper():\n    return math.e\n\n\nslow = 1 / 0",
            ':tags: [exercise, "96.1"]\n\ndef one():\n    # solution\n    return helper()',
            'check("96.1", one)',
            ':tags: [exercise, "96.2"]\n\ntwo = 2 * one()  # solution',
            'check("96.2", two, one)',
        )
    )
    front = "---\ntitle: Own\nlesson: 96\nminutes: 1\nseconds: 1\nneeds: []\n---\n\n"
    path.write_text(front + "\n".join(cells), encoding="utf-8")
    first, second = lessons.exercises(lessons.read(path))
    assert first.run(first.solution)[0]() == pytest.approx(2.71828, abs=1e-5)
    assert first.run(first.stub)[0]() is ...
    assert second.run(second.solution)[0] == pytest.approx(2 * 2.71828, abs=2e-5)
    assert second.run(second.stub)[0] is ...
