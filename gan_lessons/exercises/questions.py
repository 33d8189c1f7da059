"""Quizzes: questions in TOML files, shown as radio buttons, readable without a kernel."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anywidget
import ipywidgets
import traitlets

from gan_lessons import progress
from gan_lessons.errors import UserError
from gan_lessons.exercises.words import html
from gan_lessons.widgets.still import Panel, note

FOLDER = Path(__file__).parent / "quizzes"
LETTERS = "ABCDEF"


@dataclass(frozen=True)
class Option:
    text: str
    why: str  # shown once it is chosen
    right: bool = False

    def __post_init__(self) -> None:
        """Refuse values of another kind, which TOML also knows."""
        if not (isinstance(self.text, str) and isinstance(self.why, str)):
            raise TypeError("the text and the why of an option stand in quotes")
        if not isinstance(self.right, bool):
            raise TypeError("write right = true, without quotes")


@dataclass(frozen=True)
class Question:
    text: str
    options: tuple[Option, ...]

    @property
    def right(self) -> int:
        """Index of the right option."""
        return [option.right for option in self.options].index(True)


def load(lesson: str, folder: Path = FOLDER) -> tuple[Question, ...]:
    """Read and check ``folder/NN.toml``.

    Raises:
        UserError: there is no such quiz, or its file breaks a rule; the sentence says which.
    """
    path = folder / f"{lesson}.toml"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in folder.glob("*.toml")))
        raise UserError(f"There is no quiz {lesson!r}. There are: {known or 'none yet'}.")
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8"))["question"]
        questions = tuple(
            Question(_text(entry["text"]), tuple(Option(**option) for option in entry["option"]))
            for entry in entries
        )
    except (ValueError, KeyError, TypeError) as error:  # not TOML, not UTF-8, other keys
        raise UserError(f"Quiz {lesson} cannot be read: {error}.") from error
    for number, question in enumerate(questions, 1):
        _refuse_unfair(f"Quiz {lesson}, question {number}", question)
    return questions


def _text(found: object) -> str:
    if not isinstance(found, str):
        raise TypeError("the text of a question stands in quotes")
    return found.strip()


def _refuse_unfair(where: str, question: Question) -> None:
    texts = [option.text.strip() for option in question.options]
    if not 4 <= len(texts) <= len(LETTERS):
        raise UserError(f"{where} has {len(texts)} options; four to {len(LETTERS)} are wanted.")
    if sum(option.right for option in question.options) != 1:
        raise UserError(f"{where} must have exactly one option with right = true.")
    if len(set(texts)) < len(texts):
        raise UserError(f"{where} offers the same option twice.")
    if not all([question.text, *texts, *(option.why.strip() for option in question.options)]):
        raise UserError(f"{where} has an empty text or an option without its why.")


class Sheet(anywidget.AnyWidget):
    """The questions as the browser shows them: one group of radio buttons for each.

    An option is chosen by a click, Space or Enter; arrow keys only move the focus, because what
    is chosen is judged at once.
    """

    _esm = Path(__file__).parent / "quiz.js"
    _css = Path(__file__).parent / "quiz.css"
    questions: Any = traitlets.List().tag(sync=True)  # of {text, options}, as HTML
    chosen = traitlets.List(traitlets.Int()).tag(sync=True)  # an option from 0; −1: none yet
    verdicts: Any = traitlets.List().tag(sync=True)  # of {right, words}, words as HTML, "" for none
    score = traitlets.Unicode().tag(sync=True)


class Quiz(Panel):
    """Questions to click through; saved notebooks show them as text with folded answers.

    What was answered in an earlier session is shown as progress has it.

    Attributes: ``chosen`` (an option for each question, or None), ``sheet`` (what is shown).
    """

    def __init__(self, lesson: str, questions: Sequence[Question]) -> None:
        self.lesson = lesson
        self.questions = tuple(questions)
        self.chosen: list[int | None] = [None] * len(questions)
        self._right = [False] * len(questions)
        self.sheet = Sheet(
            questions=[
                {"text": html(question.text), "options": [html(o.text) for o in question.options]}
                for question in questions
            ],
            chosen=[-1] * len(questions),
            verdicts=[{"right": False, "words": ""}] * len(questions),
        )
        super().__init__([self.sheet])
        self._restore()
        self._show_score()
        self.sheet.on_msg(lambda sheet, content, buffers: self.answer(**content))

    def _restore(self) -> None:
        """Show what progress knows: which questions were right, and which were not."""
        try:
            kept = progress.load().quizzes.get(self.lesson, {})
        except UserError:  # `answer` says so
            return
        for number, question in enumerate(self.questions, 1):
            if kept.get(str(number)):
                self._tell(number, question.right, "✓ Right, as answered before", "")
            elif str(number) in kept:
                self._tell(number, None, "✗ Not right when it was answered before: try again.", "")

    def answer(self, number: int, option: int) -> str:
        """Choose an option (from 0) of question ``number`` (from 1); return what is answered."""
        chosen = self.questions[number - 1].options[option]
        complaint = progress.record_question(self.lesson, number, chosen.right)
        return self._tell(number, option, "✓ Right" if chosen.right else "✗ Not right", complaint)

    def _tell(self, number: int, option: int | None, verdict: str, complaint: str) -> str:
        question, place = self.questions[number - 1], number - 1
        self.chosen[place] = option
        self._right[place] = option == question.right
        why = "" if option is None else f": {question.options[option].why.strip()}"
        sentence = verdict + why
        sentence = f"{sentence} {complaint}".strip()
        chosen, verdicts = list(self.sheet.chosen), list(self.sheet.verdicts)
        chosen[place] = -1 if option is None else option
        verdicts[place] = {"right": self._right[place], "words": html(sentence)}
        with self.sheet.hold_sync():
            self.sheet.chosen, self.sheet.verdicts = chosen, verdicts
            self._show_score()
        return sentence

    def _show_score(self) -> None:
        left = self.chosen.count(None)
        more = f", {left} to answer" if left else ""
        self.sheet.score = f"{self.right()} of {len(self.questions)} right{more}."

    def right(self) -> int:
        """How many questions are answered rightly so far."""
        return sum(self._right)

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        view: dict[str, Any] = dict(ipywidgets.VBox._repr_mimebundle_(self, **kwargs) or {})
        plain = f"Quiz {self.lesson}: {len(self.questions)} questions."
        return view | {"text/plain": plain, "text/html": saved_html(self.questions)}, {}

    def _stills(self, data: dict[str, Any]) -> list[dict[str, Any]]:
        run = note("", "Run this cell to answer here, and to keep your answers.")
        return [{"text/html": f"{data['text/html']}\n{run}"}]


def saved_html(questions: Sequence[Question]) -> str:
    """The questions as a saved notebook and a page show them: text, with folded answers."""
    items = []
    for question in questions:
        options = "".join(
            f"<li>{LETTERS[i]}. {html(option.text)}</li>"
            for i, option in enumerate(question.options)
        )
        answers = "".join(
            f"<li>{LETTERS[i]}: {'right' if option.right else 'not right'}. {html(option.why)}</li>"
            for i, option in enumerate(question.options)
        )
        items.append(
            f"<li><p>{html(question.text)}</p>\n"
            f'<ul style="list-style: none">{options}</ul>\n'
            f'<details><summary>Answer</summary><ul style="list-style: none">{answers}</ul>'
            "</details></li>"
        )
    return "<ol>\n" + "\n".join(items) + "\n</ol>"
