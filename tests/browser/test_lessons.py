"""Each lesson as a learner uses it: run to its end, moved, ticked, answered, all from the keyboard.

One test opens a lesson, does *Run all*, and then whatever is done in that lesson: no lesson is run
again for one click.
"""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, expect

from authoring.source import COVERED, read, sources, tags
from browser import lesson_08, lesson_13, lesson_14, lesson_16
from browser.harness import ROOT, Lesson, changed, pixels, settled
from browser.outputs import differences
from gan_lessons.exercises import questions

# The longest first, so that no worker is left with one at the end.
LONGEST = sorted(sources(), key=lambda path: -read(path).seconds)
Open = Callable[[str], Lesson]
# Whether the picture that is seen has the panel's sentence for a name.
NAMED = """panel => {
    const seen = [...panel.querySelectorAll("img, [role=img]")].filter(each => each.clientWidth);
    const words = [...panel.querySelectorAll("[role=status]")].at(-1).textContent.trim();
    return seen.length === 1 && (seen[0].alt ?? seen[0].ariaLabel) === words;
}"""


def move(lesson: Lesson, label: str, panel: Locator) -> None:
    """An arrow key on a slider changes the picture beside it."""
    handle, image = lesson.slider(label, panel), panel.get_by_role("img")
    lesson.tab_to(handle)
    before = settled(image)
    lesson.page.keyboard.press("ArrowLeft")
    changed(image, before)
    lesson.page.wait_for_function(NAMED, arg=panel.element_handle())


def tick(lesson: Lesson, label: str, panel: Locator) -> None:
    """Space toggles a checkbox, and the picture follows."""
    box, image = panel.get_by_role("checkbox"), panel.get_by_role("img")
    expect(panel.locator(".widget-checkbox")).to_contain_text(label)
    lesson.tab_to(box)
    was, before = box.is_checked(), settled(image)
    lesson.page.keyboard.press("Space")
    expect(box).to_be_checked(checked=not was)
    changed(image, before)


def answer_quiz(lesson: Lesson, number: str) -> None:
    """Enter and the space bar on an option show its explanation, right or wrong, and the score."""
    quiz = lesson.output(f'quiz("{number}")')
    question = questions.load(number)[0]
    for choice in (question.right, (question.right + 1) % 4):
        option = question.options[choice]
        group = quiz.get_by_role("radiogroup").first
        radio = group.get_by_role("radio").nth(choice)
        expect(radio).to_contain_text(option.text.strip().replace("`", ""))
        lesson.tab_to(group.locator("[role=radio][tabindex='0']"))
        focused = group.locator("[role=radio]:focus")
        for _ in question.options:  # arrow keys go round
            if focused.inner_text() != radio.inner_text():
                lesson.page.keyboard.press("ArrowDown")
        expect(radio).to_be_focused()
        lesson.page.keyboard.press("Enter" if option.right else "Space")
        verdict = f"{'✓ Right' if option.right else '✗ Not right'}: {option.why.strip()}"
        expect(group.get_by_role("status")).to_have_text(verdict.replace("`", ""))
        expect(radio).to_be_checked()
        expect(group.locator("[tabindex='0']")).to_have_count(1)  # one stop for Tab
        expect(radio).to_have_attribute("tabindex", "0")
        expect(quiz.get_by_role("status").last).to_have_text(
            re.compile(f"{int(option.right)} of 5 right")
        )
    lesson.screenshot(f"lesson_{number}_quiz", quiz)


def expect_not_yet(lesson: Lesson, exercise: str) -> None:
    shown = lesson.output(f'check("{exercise}"')
    expect(shown).to_have_text(re.compile(rf"^\s*○ {re.escape(exercise)} Not yet"))


def see_it_train(lesson: Lesson, cell: str) -> None:
    """The picture changes while the cell is running."""
    image = lesson.output(cell).locator("img.widget-image")
    image.wait_for(timeout=300_000)  # after all the cells before it
    changed(image, pixels(image))


def lesson_00(lesson: Lesson) -> None:
    move(lesson, "north", lesson.output("x=(-1.5, 1.5, 0.1)"))
    tick(lesson, "show the answer", lesson.output("explore(line_up"))
    lesson.screenshot("lesson_00_line_up", lesson.output("explore(line_up"))


def lesson_01(lesson: Lesson) -> None:
    panel = lesson.output("gap=(0.0, 6.0, 0.1)")
    move(lesson, "mean", panel)
    move(lesson, "width of a bump", panel)
    lesson.screenshot("lesson_01_panel", panel)


def lesson_04(lesson: Lesson) -> None:
    names = ("clinic", "pair")
    outs = {name: lesson.output(f"{name} = playground") for name in names}
    steps = {name: int(lesson.python(f"{name}.trainer.step")) for name in names}
    said = "[each.trainer.step for each in (panel, clinic, pair, drawing)]"
    assert lesson.python(said) == "[120, 300, 800, 700]"  # as their captions say
    for out in outs.values():  # two panels train side by side
        out.get_by_role("button", name="Play", exact=True).click()
    for name in names:
        lesson.until(f"{name}.trainer.step > {steps[name] + 20}")
    canvas = outs["pair"].locator("canvas[data-part=plane]").last
    changed(canvas, pixels(canvas))
    for out in outs.values():
        out.get_by_role("button", name="Pause", exact=True).click()
    lesson.until("not clinic.live.playing and not pair.live.playing")
    for name in names:
        lesson.screenshot(f"lesson_04_{name}", outs[name])


def lesson_05(lesson: Lesson) -> None:
    move(lesson, "t", lesson.output("    between,\n"))


def lesson_06(lesson: Lesson) -> None:
    panel = lesson.output("explore(\n    overlap")
    move(lesson, "input size", panel)
    move(lesson, "stride", panel)
    lesson.screenshot("lesson_06_panel", panel)


def lesson_07(lesson: Lesson) -> None:
    panel = lesson.output("explore(\n    drawings")
    move(lesson, "standard deviation of z", panel)
    tick(lesson, "the averaged generator", panel)


def lesson_17(lesson: Lesson) -> None:
    betas = lesson.output("def new_digits")
    move(lesson, "factor for the codes", betas)
    lesson.screenshot("lesson_17_beta", betas)
    panel = lesson.output("panel = explore(\n    shown")
    move(lesson, "temperature", panel)
    move(lesson, "steps of the flow's sampler", panel)
    lesson.screenshot("lesson_17_panel", panel)
    lesson.screenshot("lesson_17_budget", lesson.output("def by_budget"))


def lesson_18(lesson: Lesson) -> None:
    panel = lesson.output("panel = explore(\n    at_threshold")
    move(lesson, "threshold", panel)
    lesson.screenshot("lesson_18_threshold", panel)
    move(lesson, "specificity", lesson.output("explore(\n    of_ten_thousand"))
    move(lesson, "strength", lesson.output("explore(marked"))
    lesson.screenshot("lesson_18_mark", lesson.output("explore(marked"))


# What is seen while a lesson runs: the cells that draw their training.
TRAINING = {"05": "early = trainer.sample(z)", "07": "half_way = watch("}
USES = {
    "00": lesson_00,
    "01": lesson_01,
    "04": lesson_04,
    "05": lesson_05,
    "06": lesson_06,
    "07": lesson_07,
    "08": lesson_08.use,
    "13": lesson_13.use,
    "14": lesson_14.use,
    "16": lesson_16.use,
    "17": lesson_17,
    "18": lesson_18,
}


@pytest.mark.timeout(900)
@pytest.mark.parametrize("number", [path.name[:2] for path in LONGEST])
def test_a_lesson_is_run_to_its_end_and_used(
    open_lesson: Open, number: str, request: pytest.FixtureRequest
) -> None:
    lesson = open_lesson(number)
    covered = [cell for cell in read(sources([number])[0]).cells if COVERED in tags(cell)]
    assert lesson.hidden() == len(covered)
    lesson.start(command="notebook:run-all-cells")
    if number in TRAINING:
        see_it_train(lesson, TRAINING[number])
    lesson.wait_idle(timeout=800)
    lesson.save()
    committed = ROOT / "notebooks" / lesson.name
    assert differences(request.session, committed, lesson.jupyter.folder / lesson.name) == []
    assert lesson.hidden() == 0
    if number in USES:
        USES[number](lesson)
    expect_not_yet(lesson, f"{int(number)}.1")
    answer_quiz(lesson, number)
    assert lesson.inaccessible() == []
    for name, value in lesson.slider_texts().items():
        assert name not in ("None", "")
        assert len(value) <= 8, f"{name}: {value}"
    lesson.check()


def test_lesson_07_is_interrupted_and_goes_on(open_lesson: Open) -> None:
    """Only the cells that this needs are run."""
    lesson = open_lesson("07")
    for cell in ("set_num_threads", "images = digits.images", "recipe = replace(", "steps=1200"):
        lesson.run(cell)
    training = "half_way = watch("
    lesson.start(training)
    see_it_train(lesson, training)
    lesson.screenshot("lesson_07_training", lesson.output(training))
    lesson.allow("KeyboardInterrupt")
    lesson.interrupt()
    lesson.wait_idle()
    expect(lesson.output(training)).to_contain_text("Paused after step")
    paused = int(lesson.python("trainer.step"))
    assert 0 < paused < 500
    lesson.run("explore(\n    drawings")  # what has been trained so far is there to be used
    lesson_07(lesson)
    assert int(lesson.python("trainer.step")) == paused
    lesson.start(training)
    see_it_train(lesson, training)
    lesson.interrupt()
    lesson.wait_idle()
    assert int(lesson.python("trainer.step")) > paused
