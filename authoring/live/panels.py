"""The one table of the panels that live in the pages."""

from authoring.live import Panel
from gan_lessons.errors import UserError

PANELS: tuple[Panel, ...] = ()


def of_cell(lesson: str, source: str) -> Panel | None:
    """The panel of the cell with this source, in the lesson of these two digits, if it has one.

    Raises:
        UserError: the cell could be two panels.
    """
    found = [panel for panel in PANELS if panel.lesson == lesson and panel.call in source]
    if len(found) > 1:
        raise UserError(f"Lesson {lesson}: the calls of two panels stand in one cell:\n{source}")
    return found[0] if found else None
