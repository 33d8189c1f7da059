"""Quizzes: questions in TOML files, shown with ordinary widgets, readable without a kernel."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import ipywidgets

from gan_lessons import progress
from gan_lessons.errors import UserError

FOLDER = Path(__file__).parent / "quizzes"
LETTERS = "ABCDEF"
# Buttons show one line by default, and cut it off; answers are sentences.
_WRAP = (
    "<style>.gan-quiz .jupyter-button {white-space: normal; height: auto; max-width: 60em; "
    "text-align: left; line-height: 1.4; padding: 6px 10px}</style>"
)


@dataclass(frozen=True)
class Option:
    text: str
    why: str  # shown once it is chosen
    right: bool = False


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
            Question(entry["text"].strip(), tuple(Option(**option) for option in entry["option"]))
            for entry in entries
        )
    except (tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise UserError(f"Quiz {lesson} cannot be read: {error}.") from error
    for number, question in enumerate(questions, 1):
        _refuse_unfair(f"Quiz {lesson}, question {number}", question)
    return questions


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


class Quiz(ipywidgets.VBox):  # type: ignore[misc]
    """Questions to click through; saved notebooks show them as text with folded answers.

    Every option is a button: JupyterLab takes the arrow keys that move through radio buttons for
    itself, whereas Tab and Enter reach a button everywhere.
    """

    def __init__(self, lesson: str, questions: Sequence[Question]) -> None:
        self.lesson = lesson
        self.questions = tuple(questions)
        self.chosen: list[int | None] = [None] * len(questions)
        self.buttons = [
            [self._button(number, option) for option in range(len(question.options))]
            for number, question in enumerate(questions, 1)
        ]
        self.feedback = [ipywidgets.HTML() for _ in questions]
        self.score = ipywidgets.HTML()
        rows = [
            ipywidgets.VBox(
                [ipywidgets.HTML(f"<b>{number}. {escape(question.text)}</b>"), *buttons, feedback],
                layout={"margin": "0 0 16px 0"},
            )
            for number, (question, buttons, feedback) in enumerate(
                zip(self.questions, self.buttons, self.feedback, strict=True), 1
            )
        ]
        super().__init__([ipywidgets.HTML(_WRAP), *rows, self.score])
        self.add_class("gan-quiz")

    def _button(self, number: int, option: int) -> ipywidgets.Button:
        button = ipywidgets.Button(
            description=self._label(number, option, "○"), layout={"width": "auto"}
        )
        button.on_click(lambda _: self.answer(number, option))
        return button

    def _label(self, number: int, option: int, sign: str) -> str:
        text = self.questions[number - 1].options[option].text.strip()
        return f"{sign} {LETTERS[option]}. {text}"

    def answer(self, number: int, option: int) -> str:
        """Choose an option (from 0) of question ``number`` (from 1); return what is answered."""
        chosen = self.questions[number - 1].options[option]
        self.chosen[number - 1] = option
        for other, button in enumerate(self.buttons[number - 1]):
            button.description = self._label(number, other, "●" if other == option else "○")
        verdict = "✓ Right" if chosen.right else "✗ Not right"
        sentence = f"{verdict}: {chosen.why.strip()}"
        if complaint := progress.record_question(self.lesson, number, chosen.right):
            sentence += f" {complaint}"
        self.feedback[number - 1].value = _status(sentence)
        if None not in self.chosen:
            self.score.value = _status(f"{self.right()} of {len(self.questions)} right.")
        return sentence

    def right(self) -> int:
        """How many questions are answered rightly so far."""
        return sum(
            option == question.right
            for option, question in zip(self.chosen, self.questions, strict=True)
        )

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        bundle: dict[str, Any] = dict(super()._repr_mimebundle_(**kwargs) or {})
        plain = f"Quiz {self.lesson}: {len(self.questions)} questions."
        return bundle | {"text/plain": plain, "text/html": self._static()}

    def _static(self) -> str:
        items = []
        for question in self.questions:
            options = "".join(
                f"<li>{LETTERS[i]}. {escape(option.text.strip())}</li>"
                for i, option in enumerate(question.options)
            )
            answers = "".join(
                f"<li>{LETTERS[i]}: {'right' if option.right else 'not right'}. "
                f"{escape(option.why.strip())}</li>"
                for i, option in enumerate(question.options)
            )
            items.append(
                f"<li><p>{escape(question.text)}</p>\n"
                f'<ul style="list-style: none">{options}</ul>\n'
                f'<details><summary>Answer</summary><ul style="list-style: none">{answers}</ul>'
                "</details></li>"
            )
        return "<ol>\n" + "\n".join(items) + "\n</ol>"


def _status(sentence: str) -> str:
    return f'<div role="status" aria-live="polite">{escape(sentence)}</div>'
