"""Each lesson as a learner uses it: run, move, tick, answer, all from the keyboard.

Lessons 00, 01 and 06 are run to their end. 05 and 07 train for a minute or more, and nbval already
runs every cell of every lesson: here they run the cells that what can be touched needs.
"""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, expect

from browser.harness import Lesson, changed, pixels, settled
from gan_lessons.exercises import questions

Open = Callable[[str], Lesson]


def move(lesson: Lesson, label: str, panel: Locator) -> None:
    """An arrow key on a slider changes the picture beside it."""
    handle, image = lesson.slider(label, panel), panel.locator("img.widget-image")
    lesson.tab_to(handle)
    before = settled(image)
    lesson.page.keyboard.press("ArrowLeft")
    changed(image, before)


def tick(lesson: Lesson, label: str, panel: Locator) -> None:
    """Space toggles a checkbox, and the picture follows."""
    box, image = panel.get_by_role("checkbox"), panel.locator("img.widget-image")
    expect(panel.locator(".widget-checkbox")).to_contain_text(label)
    lesson.tab_to(box)
    was, before = box.is_checked(), settled(image)
    lesson.page.keyboard.press("Space")
    expect(box).to_be_checked(checked=not was)
    changed(image, before)


def answer_quiz(lesson: Lesson, number: str) -> None:
    """Enter on an option shows its explanation, for a right and for a wrong one."""
    quiz = lesson.output(f'quiz("{number}")')
    question = questions.load(number)[0]
    for choice in (question.right, (question.right + 1) % 4):
        option = question.options[choice]
        button = quiz.get_by_role("button", name=option.text.strip()).first
        lesson.tab_to(button)
        lesson.page.keyboard.press("Enter")
        verdict = "✓ Right" if option.right else "✗ Not right"
        expect(quiz.get_by_role("status").first).to_have_text(f"{verdict}: {option.why.strip()}")
    lesson.screenshot(f"lesson_{number}_quiz", quiz)


def expect_not_yet(lesson: Lesson, exercise: str) -> None:
    shown = lesson.output(f'check("{exercise}"')
    expect(shown).to_have_text(re.compile(rf"^\s*○ {re.escape(exercise)} Not yet"))


def test_lesson_00(open_lesson: Open) -> None:
    lesson = open_lesson("00")
    lesson.run_all()
    move(lesson, "north", lesson.output("x=(-1.5, 1.5, 0.1)"))
    tick(lesson, "show the answer", lesson.output("explore(line_up"))
    lesson.screenshot("lesson_00_line_up", lesson.output("explore(line_up"))
    expect_not_yet(lesson, "0.1")
    answer_quiz(lesson, "00")


@pytest.mark.parametrize(
    ("number", "panel", "labels"),
    [
        ("01", "gap=(0.0, 6.0, 0.1)", ["mean", "width of a bump"]),
        ("06", "explore(\n    overlap", ["input size", "stride"]),
    ],
    ids=["01", "06"],
)
def test_lesson_with_sliders(open_lesson: Open, number: str, panel: str, labels: list[str]) -> None:
    lesson = open_lesson(number)
    lesson.run_all()
    for label in labels:
        move(lesson, label, lesson.output(panel))
    lesson.screenshot(f"lesson_{number}_panel", lesson.output(panel))
    expect_not_yet(lesson, f"{int(number)}.1")
    answer_quiz(lesson, number)


def see_it_train(lesson: Lesson, cell: str) -> None:
    """The picture changes while the cell is running."""
    lesson.start(cell)
    image = lesson.output(cell).locator("img.widget-image")
    image.wait_for()
    changed(image, pixels(image), timeout=30)


def test_lesson_05(open_lesson: Open) -> None:
    lesson = open_lesson("05")
    for cell in ("set_num_threads", "images = load_digits()", "trainer = Trainer("):
        lesson.run(cell)
    see_it_train(lesson, "early = trainer.sample(z)")
    lesson.wait_idle()
    for cell in ("def between(", "    between,\n", 'quiz("05")'):
        lesson.run(cell)
    move(lesson, "t", lesson.output("    between,\n"))
    answer_quiz(lesson, "05")


def test_lesson_07_is_interrupted_and_goes_on(open_lesson: Open) -> None:
    lesson = open_lesson("07")
    for cell in ("set_num_threads", "images = digits.images", "recipe = replace(", "steps=1200"):
        lesson.run(cell)
    training = "half_way = watch("
    see_it_train(lesson, training)
    lesson.screenshot("lesson_07_training", lesson.output(training))
    lesson.allow("KeyboardInterrupt")
    lesson.interrupt()
    lesson.wait_idle()
    expect(lesson.output(training)).to_contain_text("Paused after step")
    paused = int(lesson.python("trainer.step"))
    assert 0 < paused < 500
    for cell in ("explore(\n    drawings", "diagnosis = {", 'check("7.1"', 'quiz("07")'):
        lesson.run(cell)
    panel = lesson.output("explore(\n    drawings")
    move(lesson, "standard deviation of z", panel)
    tick(lesson, "the averaged generator", panel)
    expect_not_yet(lesson, "7.1")
    answer_quiz(lesson, "07")
    assert int(lesson.python("trainer.step")) == paused
    see_it_train(lesson, training)
    lesson.interrupt()
    lesson.wait_idle()
    assert int(lesson.python("trainer.step")) > paused
