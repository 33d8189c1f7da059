"""The one table of the panels that live in the pages: whose cell becomes which."""

from typing import Any

from authoring.live import Panel, digits, plane, theory
from authoring.source import quiz_of
from gan_lessons.errors import UserError
from gan_lessons.exercises.questions import load
from gan_lessons.exercises.words import html

PANELS: tuple[Panel, ...] = (*digits.PANELS, *theory.PANELS, *plane.PANELS)


def of_cell(lesson: str, cell: Any) -> Panel | None:
    """The panel of a code cell in the lesson of these two digits, if it has one.

    Raises:
        UserError: the cell could be two panels.
    """
    if cell.cell_type != "code":
        return None
    if quiz := quiz_of(cell):
        return Panel(lesson, cell.source, "quiz", lambda: _quiz(quiz), ("quiz", "quiz_panel"))
    found = [panel for panel in PANELS if panel.lesson == lesson and panel.call in cell.source]
    if len(found) > 1:
        raise UserError(
            f"Lesson {lesson}: the calls of two panels stand in one cell:\n{cell.source}"
        )
    return found[0] if found else None


def _quiz(lesson: str) -> dict[str, Any]:
    """A quiz's questions as HTML, each option with what is said once it is chosen."""
    return {
        "lesson": lesson,
        "questions": [
            {
                "text": html(question.text),
                "options": [
                    {"text": html(option.text), "why": html(option.why), "right": option.right}
                    for option in question.options
                ],
            }
            for question in load(lesson)
        ],
    }
