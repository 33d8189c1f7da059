"""Every lesson is opened and run to its end, as *Run all* does it, with no error anywhere."""

from collections.abc import Callable

import pytest

from browser.harness import Lesson
from gan_lessons import lessons


@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", [path.stem[:2] for path in lessons.sources()])
def test_a_lesson_runs_to_its_end(open_lesson: Callable[[str], Lesson], name: str) -> None:
    lesson = open_lesson(name)
    lesson.run_all(timeout=800)
    lesson.check()
    lesson.screenshot(f"lesson_{name}_end")
