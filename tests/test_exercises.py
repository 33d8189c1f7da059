"""Every check against its solution, its stub and wrong answers; every quiz; the frame itself."""

import contextlib
import io
import runpy
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from authoring import source
from gan_lessons import exercises
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
from gan_lessons.exercises.puzzles import lesson_05, lesson_07
from gan_lessons.exercises.questions import FOLDER, load

LESSONS = [source.read(path) for path in source.sources()]
EXERCISES = [found for lesson in LESSONS for found in source.exercises(lesson)]
QUIZZES = sorted(path.stem for path in FOLDER.glob("*.toml"))


def answers(number: str, kind: str) -> list[tuple[Any, ...]]:
    """Answers to one exercise: WRONG ones (answer, …, fragment of the sentence), or other RIGHT."""
    lesson = int(number.partition(".")[0])
    path = Path(__file__).parent / "wrong_answers" / f"lesson_{lesson:02d}.py"
    found: list[tuple[Any, ...]] = runpy.run_path(str(path)).get(kind, {}).get(number, [])
    return found


def test_there_is_something_to_test() -> None:
    assert EXERCISES
    assert QUIZZES


def _exits(*_: Any, **__: Any) -> None:
    raise SystemExit


def _closes(*_: Any, **__: Any) -> None:
    raise GeneratorExit


@pytest.mark.parametrize("found", EXERCISES, ids=lambda found: found.number)
class TestEveryExercise:
    def test_solution_is_right(self, found: source.Exercise) -> None:
        verdict = grade(found.number, *found.run(found.solution))
        assert verdict.status == "right", verdict
        assert len(verdict.message) > 20  # it says why

    def test_stub_is_not_yet(self, found: source.Exercise) -> None:
        assert grade(found.number, *found.run(found.stub)).status == "not yet"

    def test_wrong_answers_are_told_what_they_misunderstood(self, found: source.Exercise) -> None:
        said = []
        for *given, fragment in answers(found.number, "WRONG"):
            verdict = grade(found.number, *given)
            assert verdict.status == "wrong", verdict
            assert fragment in verdict.message, verdict
            assert "could not be checked" not in verdict.message, verdict
            assert grade(found.number, *given) == verdict
            said.append(verdict.message)
        assert len(said) >= 8
        assert len(set(said)) >= 3

    def test_other_right_answers_are_right(self, found: source.Exercise) -> None:
        for given in answers(found.number, "RIGHT"):
            verdict = grade(found.number, *given)
            assert verdict.status == "right", verdict

    def test_anything_at_all_gets_a_verdict(self, found: source.Exercise) -> None:
        count = len(found.run(found.solution))
        anything: list[Any] = [None, 3, "text", [], lambda *a, **k: "text", lambda: 1, print]
        for nonsense in anything:
            with contextlib.redirect_stdout(io.StringIO()):
                assert grade(found.number, *[nonsense] * count).status != "right"

    def test_nothing_escapes(self, found: source.Exercise) -> None:
        own: list[Any] = []
        own.append(own)
        count = len(found.run(found.solution))
        for hostile in (own, _exits, _closes):
            assert grade(found.number, *[hostile] * count).status != "right"


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.name)
class TestEveryLesson:
    def test_its_exercises_are_the_ones_that_are_checked(self, lesson: source.Lesson) -> None:
        asked = [found.number for found in source.exercises(lesson)]
        assert asked == sorted(set(asked), key=lambda number: int(number.partition(".")[2]))
        assert sorted(asked) == sorted(exercises.numbers(lesson.number))

    def test_it_has_its_quiz(self, lesson: source.Lesson) -> None:
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
    return f"{other.upper()} goes with tanh, whose range is the data's."


@exercise("96.3")
def _step(answer: exercises.Answer) -> str:
    box: list[int] = []
    call(answer, box, returns=False)
    if not box:
        raise NotYet("nothing was put in the box.")
    return "the box is full."


def _prints(x: torch.Tensor) -> None:
    print(x)


def _raise(error: BaseException) -> None:
    raise error


def _deeper(x: torch.Tensor) -> None:
    _deeper(x)


class Unspeakable(Exception):
    """Fails even when it is asked what it says."""

    def __str__(self) -> str:
        raise ValueError("nothing to say")


class Mocking:
    """An answer that raises when it is compared."""

    def __init__(self, error: BaseException) -> None:
        self.error = error

    def __eq__(self, other: object) -> bool:
        raise self.error

    __hash__ = object.__hash__


def _divides(x: torch.Tensor) -> float:
    return 1 / 0


def _arc_that_overwrites(a: torch.Tensor, b: torch.Tensor, t: float) -> torch.Tensor:
    angle = torch.acos(torch.dot(a, b) / (a.norm() * b.norm()))
    a.mul_(torch.sin((1 - t) * angle) / torch.sin(angle))
    return a + b * torch.sin(t * angle) / torch.sin(angle)


def _pack_that_overwrites(x: torch.Tensor, m: int) -> torch.Tensor:
    packed = x.reshape(len(x) // m, m * x.shape[1], *x.shape[2:]).clone()
    x.zero_()
    return packed


@pytest.mark.parametrize(
    ("answer", "status", "fragment"),
    [
        (lambda x: x * x, "right", "element by element"),
        (lambda x: x.mul_(x), "wrong", "overwrote its input, a tensor of shape (4, 2): whoever"),
        (lambda x: x.t_() ** 2, "wrong", "overwrote its input"),
        (lambda x: 2 * x, "wrong", "that doubles"),
        (lambda x: x, "wrong", "is wanted. A square is x times x."),
        (lambda x: (x * x).numpy(), "wrong", "NumPy array"),
        (lambda x: (x * x).sum(), "wrong", "shape (), where (4, 2) is wanted"),
        (lambda x: x / 0, "wrong", "NaN or infinity"),
        (lambda x: "square", "wrong", "'square'; a tensor of shape (4, 2)"),
        (lambda x: [x], "wrong", "a list; a tensor"),
        (lambda: 1, "wrong", "stopped with TypeError"),
        (lambda x: sys.exit(), "wrong", "of its cell with SystemExit (called with a"),
        (lambda x: _raise(GeneratorExit("no")), "wrong", "with GeneratorExit: no (called"),
        (lambda x: _raise(Unspeakable()), "wrong", "with Unspeakable (called"),
        (lambda x: _deeper(x), "wrong", "with RecursionError: maximum"),
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
    assert check("96.1", answer) is None  # type: ignore[func-returns-value]
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


def test_an_answer_that_holds_itself_gets_a_verdict() -> None:
    own: list[Any] = [1]
    own.append(own)
    chain: list[Any] = []
    for _ in range(10_000):
        chain = [chain]
    mapping: dict[str, Any] = {}
    mapping["own"] = mapping
    for answer in (own, chain, mapping):
        assert grade("96.1", answer).status == "wrong"
        assert grade("96.2", answer, "a").status == "wrong"
        assert grade("96.1", [answer, [...]]).status == "not yet"
    assert grade("96.2", Mocking(SystemExit(3)), "a").message.endswith("because of SystemExit: 3")


def test_whoever_does_not_want_to_wait_may_interrupt() -> None:
    with pytest.raises(KeyboardInterrupt):
        grade("96.1", lambda x: _raise(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        grade("96.2", Mocking(KeyboardInterrupt()), "a")


def test_what_a_function_is_given_has_to_stay_as_it_was() -> None:
    rooted = torch.ones(3, requires_grad=True)
    numbers = [1.0, 2.0]

    def overwrites(x: Any) -> Any:
        with torch.no_grad():
            return x.__iadd__([5.0] if isinstance(x, list) else 1.0)

    for value in (rooted, numbers, torch.ones(3)):
        with pytest.raises(Wrong, match=r"`overwrites` overwrote its input, a (tensor|list)"):
            call(overwrites, value)
    assert numbers == [1.0, 2.0]
    assert call(lambda a, b: [*b, a], 3.0, numbers) == [1.0, 2.0, 3.0]
    with pytest.raises(NotYet, match="returns nothing so far"):
        call(lambda x: x.fill_(1) and None, torch.zeros(1))


@pytest.mark.parametrize(
    ("got", "said"),
    [
        ("text", "the result is 'text'; a number is wanted."),
        ([1.0], "the result is a list; a number is wanted."),
        (np.ones(()), "NumPy array; a torch tensor or a plain number is wanted."),
        (torch.ones(2), r"has shape \(2,\), where a single number is wanted\."),
    ],
)
def test_where_a_number_is_wanted_nobody_is_told_to_make_a_tensor(got: Any, said: str) -> None:
    with pytest.raises(Wrong, match=said):
        expect_close(got, 1.0, "One")


def test_a_number_of_numpy_is_a_number() -> None:
    expect_close(np.float32(1), 1.0, "One")
    expect_close(np.int64(1), 1.0, "One")


@pytest.mark.parametrize(
    ("number", "answers"),
    [
        ("1.1", [lambda p, q: p.div_(p + q).nan_to_num_(0.5)]),
        ("8.1", [_arc_that_overwrites]),
        ("10.2", [_pack_that_overwrites]),
    ],
)
def test_exercises_refuse_an_answer_that_overwrites_its_input(
    number: str, answers: list[Any]
) -> None:
    assert "overwrote its input" in grade(number, *answers).message


def test_puzzles_are_what_the_checks_say_they_are() -> None:
    images = 2 * torch.rand(8, 1, 28, 28) - 1
    ranges = {
        name: (bool(x.min() < -0.5), bool(x.max() > 1))
        for name, x in lesson_05.patients(images).items()
    }
    assert ranges == {"A": (False, True), "B": (True, False), "C": (False, False)}
    three_runs: Any = lesson_07.three_runs
    assert three_runs(lambda **settings: settings) == {
        "A": {"lr_discriminator": 1e-5},
        "B": {"lr_generator": 1e-5},
        "C": {},
    }


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
        (QUESTION.format(options=options(*[True, *[False] * 3]).replace('"1"', "1")), "in quotes"),
        (QUESTION.format(options=options(*[True, *[False] * 3]).replace('"w"', "7")), "in quotes"),
        (QUESTION.format(options=options(True).replace("true", '"true"')), "right = true, without"),
        (QUESTION.replace('"Q"', "7").format(options=options(True)), "question stands in quotes"),
        ("[[question", "cannot be read"),
        ("", "cannot be read"),
    ],
)
def test_a_spoilt_quiz_is_refused(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "01.toml").write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=said):
        load("01", tmp_path)


def test_a_quiz_in_another_encoding_is_refused(tmp_path: Path) -> None:
    text = QUESTION.format(options=options(True, False, False, False)).replace("Q", "é")
    (tmp_path / "01.toml").write_text(text, encoding="latin-1")
    with pytest.raises(UserError, match="cannot be read: 'utf-8' codec"):
        load("01", tmp_path)


def test_unknown_quiz_is_an_error_that_lists_what_there_is(tmp_path: Path) -> None:
    (tmp_path / "07.toml").write_text("", encoding="utf-8")
    with pytest.raises(UserError, match=r"no quiz '1'\. There are: 07"):
        load("1", tmp_path)
