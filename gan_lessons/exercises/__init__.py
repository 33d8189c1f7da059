"""Exercises that check themselves, and answer in words.

A lesson module, ``gan_lessons/exercises/lesson_07.py``, registers one function per exercise with
``@exercise("7.1")``. It receives the learner's answer, raises ``Wrong`` or ``NotYet`` with a
sentence, or returns praise that says why the answer is right.
"""

import contextlib
import importlib
import inspect
import io
import math
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch

from gan_lessons import progress
from gan_lessons.errors import UserError
from gan_lessons.exercises.words import html

if TYPE_CHECKING:
    from gan_lessons.exercises.questions import Quiz

Answer = Any  # a learner may hand in anything
Check = Callable[..., str]

_CHECKS: dict[str, Check] = {}
_SIGNS = {"right": "✓", "wrong": "✗", "not yet": "○"}
_WORDS = {"right": "Right", "wrong": "Not right", "not yet": "Not yet"}
_UNTOUCHED = "replace the `...` with your answer, run that cell, then this one again."


class Wrong(Exception):
    """The answer is wrong; the message says what it misunderstood."""


class NotYet(Exception):
    """The answer is not finished; the message says what is missing."""


class NotRight(AssertionError):
    """What `require` raises. A notebook shows its sentence, and no traceback."""

    def _render_traceback_(self) -> list[str]:  # IPython asks for it
        return [str(self)]


@dataclass(frozen=True)
class Verdict:
    """What a check found, and the sentence that says so."""

    number: str
    status: Literal["right", "wrong", "not yet"]
    message: str

    def __str__(self) -> str:
        return f"{self._head} {self.message}"

    @property
    def _head(self) -> str:
        return f"{_SIGNS[self.status]} {self.number} {_WORDS[self.status]}:"

    def bundle(self) -> dict[str, str]:
        """The verdict as a notebook shows it: HTML that wraps, and the same as text."""
        shown = f'<p style="max-width: 60em"><b>{self._head}</b> {html(self.message)}</p>'
        return {"text/plain": str(self), "text/html": shown}


def exercise(number: str) -> Callable[[Check], Check]:
    """Register the decorated function as the check of exercise ``number``, such as "7.1"."""

    def register(function: Check) -> Check:
        _CHECKS[number] = function
        return function

    return register


def check(number: str, *answers: Answer) -> None:
    """Show one verdict on the answers to exercise ``number``; keep in mind that it is right.

    Raises:
        UserError: no such exercise. Whatever the answer does, nothing else is raised, but for the
            interrupt of whoever does not want to wait for it.
    """
    _tell(grade(number, *answers))


def require(number: str, *answers: Answer) -> None:
    """Check the answers to exercise ``number`` for a grader, which counts cells that do not raise.

    What the answers write on stderr is printed instead: nbgrader takes that for an error.

    Raises:
        NotRight: with the verdict, where it is not "right".
        UserError: no such exercise.
    """
    with contextlib.redirect_stderr(sys.stdout):
        verdict = grade(number, *answers)
    if verdict.status != "right":
        raise NotRight(str(verdict))
    _tell(verdict)


def _tell(verdict: Verdict) -> None:
    """Show a verdict, and keep in mind where it is right."""
    _show(verdict)
    if verdict.status == "right" and (complaint := progress.record_exercise(verdict.number)):
        print(complaint)


def _show(verdict: Verdict) -> None:
    """In a notebook as an output of its own, elsewhere as a line."""
    from IPython.core.getipython import get_ipython
    from IPython.display import display

    if get_ipython() is None:
        print(verdict)
    else:
        display(verdict.bundle(), raw=True)


def grade(number: str, *answers: Answer) -> Verdict:
    """Grade the answers to exercise ``number`` without printing.

    Global random numbers are seeded while the check runs and restored afterwards, so the same
    answer always gets the same verdict, and the notebook's own random numbers go on undisturbed.

    Raises:
        UserError: no such exercise.
    """
    function = _find(number)
    try:
        wanted = len(inspect.signature(function).parameters)
        if len(answers) != wanted:
            raise Wrong(
                f"it takes {wanted} answer{'s' if wanted > 1 else ''}, and {len(answers)} came. "
                "The check's cell names them as it stands in the lesson."
            )
        if _unfinished(answers):
            return Verdict(number, "not yet", _UNTOUCHED)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            return Verdict(number, "right", function(*answers))
    except NotYet as error:
        return Verdict(number, "not yet", str(error))
    except Wrong as error:
        return Verdict(number, "wrong", str(error))
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # SystemExit and GeneratorExit, too
        if "ellipsis" in (reason := _reason(error)).lower():
            return Verdict(number, "not yet", _UNTOUCHED)
        return Verdict(number, "wrong", f"this answer could not be checked, because of {reason}")


def lessons() -> list[int]:
    """Numbers of the lessons that have checks, in order."""
    return sorted(
        int(path.stem[-2:]) for path in Path(__file__).parent.glob("lesson_[0-9][0-9].py")
    )


def numbers(lesson: int) -> list[str]:
    """Numbers of the exercises of one lesson; an empty list if it has no checks."""
    name = f"gan_lessons.exercises.lesson_{lesson:02d}"
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
    return [number for number in _CHECKS if number.partition(".")[0] == str(lesson)]


def quiz(lesson: str) -> "Quiz":
    """The quiz of a lesson, such as ``quiz("07")``: show it by naming it last in a cell."""
    from gan_lessons.exercises.questions import Quiz, load  # ipywidgets: only when it is shown

    return Quiz(lesson, load(lesson))


# What checks are made of


def call(answer: Answer, *args: Any, returns: bool = True, **kwargs: Any) -> Any:
    """Call the learner's function on copies of tensors and lists and return what it returns.

    Args:
        answer: what the learner handed in, expected to be callable.
        *args: handed on.
        returns: whether a result is expected; if so, None counts as "not yet", and tensors and
            lists have to stay as they were. If not, the function may be there to change them.
        **kwargs: handed on.

    Raises:
        Wrong: it cannot be called, or it raised, or it overwrote its input.
        NotYet: it is still the stub, or it returns nothing.
    """
    if not callable(answer):
        raise Wrong(f"a function is wanted, and this is {_kind(answer)}.")
    handed = [_copy(value, returns) for value in args]
    before = [_snapshot(value) for value in handed]
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed):
            got = answer(*handed, **kwargs)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # SystemExit and GeneratorExit, too
        if "ellipsis" in (reason := _reason(error)).lower():
            raise NotYet(_UNTOUCHED) from error
        where = _line(answer, error)
        given = ", ".join([_kind(a) for a in args] + [f"{k} = {_kind(kwargs[k])}" for k in kwargs])
        raise Wrong(
            f"{_name(answer)} stopped{where} with {reason} (called with {given})."
        ) from None
    sys.stdout.write(printed.getvalue())
    if got is ... or (returns and _unfinished(got)):
        raise NotYet(_UNTOUCHED)
    if returns and got is None:
        if printed.getvalue():
            raise NotYet(f"{_name(answer)} prints its result; `return` it instead.")
        raise NotYet(f"{_name(answer)} returns nothing so far; end it with `return`.")
    for value, as_it_was in zip(handed, before, strict=True):
        if returns and _changed(value, as_it_was):
            raise Wrong(
                f"{_name(answer)} overwrote its input, {_kind(as_it_was)}: whoever calls it may "
                "need that again. Make something new (x = x + 1 rather than x += 1)."
            )
    return got


def expect_shape(got: Any, shape: tuple[int, ...], why: str = "") -> None:
    """Raise Wrong unless ``got`` is a tensor of this shape; a plain number passes for ``()``."""
    shape = tuple(shape)
    if isinstance(got, int | float | np.number) and shape == ():
        return
    if isinstance(got, np.ndarray | np.generic):
        number = "" if shape else " or a plain number"
        raise Wrong(f"the result is a NumPy array; a torch tensor{number} is wanted.")
    if not isinstance(got, torch.Tensor):
        wanted = f"a tensor of shape {shape}" if shape else "a number"
        raise Wrong(f"the result is {_kind(got)}; {wanted} is wanted.")
    if tuple(got.shape) != shape:
        wanted = f"{shape}" if shape else "a single number"
        reason = f" {why}" if why else ""
        raise Wrong(f"the result has shape {tuple(got.shape)}, where {wanted} is wanted.{reason}")


def as_number(value: Any) -> float | None:
    """A finite number of any kind as a float; None for everything else, also text and bool."""
    try:
        value = value.detach() if isinstance(value, torch.Tensor) else value
        number = float("nan" if isinstance(value, bool | str) else value)
    except (TypeError, ValueError, RuntimeError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def close(got: Any, want: Any, tolerance: float = 1e-4) -> bool:
    """Whether numbers or arrays have one shape and agree, relative or absolute; never raises."""
    a, b = _float64(got), _float64(want)
    if a is None or b is None or a.shape != b.shape:
        return False
    return torch.allclose(a, b, rtol=tolerance, atol=tolerance)


def expect_close(got: Any, want: Any, why: str, tolerance: float = 1e-4) -> None:
    """Raise Wrong, with ``why`` and the worst difference, unless ``got`` agrees with ``want``."""
    expected = _float64(want)
    assert expected is not None, "a check compares with numbers"
    expect_shape(got, tuple(expected.shape))
    values = _float64(got)
    if values is None:
        raise Wrong(f"the result is {_kind(got)}; numbers are wanted.")
    if close(values, expected, tolerance):
        return
    why = why.rstrip(".")
    if not values.isfinite().all():
        raise Wrong(f"the result contains NaN or infinity. {why}.")
    worst = int((values - expected).abs().argmax())
    wrong, right = values.flatten()[worst].item(), expected.flatten()[worst].item()
    where = f" at index {_index(worst, expected)}" if expected.ndim else ""
    digits = next(n for n in (4, 6, 17) if f"{wrong:.{n}g}" != f"{right:.{n}g}")
    raise Wrong(
        f"the result{where} is {wrong:.{digits}g}, where {right:.{digits}g} is wanted. {why}."
    )


def expect_choice(answer: Answer, right: str, why_not: Mapping[str, str]) -> None:
    """Raise Wrong unless ``answer`` is ``right``; ``why_not`` answers each wrong choice."""
    if answer == right:
        return
    if isinstance(answer, str) and answer in why_not:
        raise Wrong(why_not[answer])
    choices = ", ".join(repr(choice) for choice in sorted([right, *why_not]))
    raise Wrong(f"{answer!r} is none of the choices: {choices}.")


def _find(number: str) -> Check:
    lesson = str(number).partition(".")[0]
    known = numbers(int(lesson)) if lesson.isdecimal() else []
    if number not in known:
        have = f"Lesson {lesson} has {', '.join(known)}." if known else "Numbers look like '7.1'."
        raise UserError(f"There is no exercise {number!r}. {have}")
    return _CHECKS[number]


def _unfinished(answer: Answer) -> bool:
    """Whether an answer still is, or holds, the ``...`` of the stub. It may contain itself."""
    parts, seen = [answer], set()
    while parts:
        part = parts.pop()
        if part is ...:
            return True
        if isinstance(part, Mapping | list | tuple) and id(part) not in seen:
            seen.add(id(part))
            parts += part.values() if isinstance(part, Mapping) else part
    return False


def _copy(value: Any, with_lists: bool) -> Any:
    """A copy, so that an answer that changes its input in place cannot mislead its own check."""
    if isinstance(value, torch.Tensor):
        return value if value.requires_grad else value.clone()
    return list(value) if with_lists and isinstance(value, list) else value


def _snapshot(value: Any) -> Any:
    """What `_changed` compares with later."""
    return value.detach().clone() if isinstance(value, torch.Tensor) else _copy(value, True)


def _changed(value: Any, as_it_was: Any) -> bool:
    """Whether a tensor has other numbers, or a list other things in it, than before."""
    if isinstance(value, torch.Tensor):
        return not torch.equal(value, as_it_was)
    return isinstance(value, list) and list(map(id, value)) != list(map(id, as_it_was))


def _float64(value: Any) -> torch.Tensor | None:
    try:
        tensor = torch.as_tensor(value).detach()
        return None if tensor.is_complex() else tensor.to("cpu", torch.float64)
    except (TypeError, ValueError, RuntimeError):
        return None


def _index(flat: int, like: torch.Tensor) -> str:
    place = [int(i) for i in np.unravel_index(flat, tuple(like.shape))]
    return str(place[0] if len(place) == 1 else tuple(place))


def _name(answer: Answer) -> str:
    name = getattr(answer, "__name__", type(answer).__name__)
    return "your function" if name == "<lambda>" else f"`{name}`"


def _kind(value: Any) -> str:
    if isinstance(value, torch.Tensor):
        return f"a tensor of shape {tuple(value.shape)}"
    if isinstance(value, bool | int | float | str):
        return repr(value)
    name = type(value).__name__
    return "None" if value is None else f"{'an' if name[0] in 'AEIOUaeiou' else 'a'} {name}"


def _reason(error: BaseException) -> str:
    """What an exception says; one can be made that fails even there."""
    name = type(error).__name__
    try:
        text = str(error)
    except Exception:
        text = ""
    return f"{name}: {text}" if text else name


def _line(answer: Answer, error: BaseException) -> str:
    """Where in the learner's own function the error arose, if it arose there."""
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code is getattr(answer, "__code__", None):
            return f" in line {trace.tb_lineno} of its cell"
        trace = trace.tb_next
    return ""
