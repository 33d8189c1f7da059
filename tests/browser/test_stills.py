"""What is left of panels whose kernel is gone: pictures, and a sentence that says what to do."""

import re

from playwright.sync_api import expect

from browser.harness import Jupyter, Lesson

MAKE = """
from gan_lessons import plotting, pretrained
from gan_lessons.data import load_digits
from gan_lessons.exercises import quiz
from gan_lessons.methods import RECIPES
from gan_lessons.training import Trainer
from gan_lessons.widgets import LatentExplorer, Sketchpad, TrainingPanel, explore, playground, watch
generator, settings = pretrained.load_generator("dcgan")
discriminator = pretrained.load_discriminator("dcgan")
digits = load_digits()
"""
PANELS = (
    "explore(lambda n: (plotting.digit_grid(digits.images[:n]), f'{n} digits'), n=(1, 8))",
    "LatentExplorer(generator, settings, tray=False)",
    "Sketchpad(generator, discriminator, settings, digits)",
    "playground()",
    "TrainingPanel(digits.images)",
)
QUIZ = 'quiz("01")'
WATCHED = "watch(Trainer(digits.images, RECIPES['dcgan']), steps=200)"  # long enough to be seen


def expect_alive(lesson: Lesson) -> None:
    for panel in (*PANELS, QUIZ):
        out = lesson.output(panel)
        expect(out.locator(".gan-live")).to_be_visible()
        expect(out.locator(".gan-note")).to_be_hidden()
        expect(out.locator(".jp-RenderedImage:visible")).to_have_count(0)


def expect_stills(lesson: Lesson, name: str) -> None:
    for place, panel in enumerate(PANELS):
        out = lesson.output(panel)
        expect(out.locator(".jp-RenderedImage img")).to_be_visible()
        expect(out.locator(".gan-note")).to_have_text(re.compile("run this cell to make it move"))
        expect(out).not_to_have_text(re.compile("Loading widget"))
        lesson.screenshot(f"still_{name}_{place}", out)
    quiz = lesson.output(QUIZ)
    expect(quiz.get_by_text("Answer", exact=True)).to_have_count(5)
    expect(quiz.locator(".gan-note")).to_contain_text("Run this cell to answer here")
    expect(lesson.output(WATCHED).locator(".jp-RenderedImage img")).to_be_visible()
    lost = lesson.page.get_by_text("model not found").filter(visible=True)
    expect(lost).to_have_count(0)
    expect(lesson.page.locator(".gan-live:visible")).to_have_count(0)


def test_panels_leave_their_pictures_when_the_kernel_is_gone(jupyter: Jupyter) -> None:
    with jupyter.cells(MAKE, *PANELS, QUIZ, WATCHED) as lesson:
        lesson.run_all()
        expect_alive(lesson)
        lesson.save()
        lesson.restart()
        expect_stills(lesson, "restarted")
    jupyter.begin_again()
    with jupyter.saved(lesson.name) as lesson:
        lesson.allow("widget model not found")  # on the console, and in a line that is hidden
        lesson.allow("Error displaying widget: model not found")
        expect_stills(lesson, "opened")
        lesson.allow("NameError: name 'explore' is not defined")
        lesson.run(PANELS[0])  # in a new kernel, before what it needs
        out = lesson.output(PANELS[0])
        expect(out).to_contain_text("The cell above that begins “from gan_lessons import plotting")
        lesson.screenshot("out_of_order", out)
        lesson.run(MAKE.strip().splitlines()[0])
        lesson.run(PANELS[0])
        expect(lesson.output(PANELS[0]).locator(".gan-live")).to_be_visible()
