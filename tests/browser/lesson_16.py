"""The panels of lesson 16, used as a person uses them."""

import re

from playwright.sync_api import expect

from browser.harness import Lesson, changed, settled


def use(lesson: Lesson) -> None:
    """Everything here, in a lesson that has been run to its end."""
    for cell, slider, said in (
        ("writer = explore", "temperature T", "Of 400, .* have form"),
        ("thrower = explore", "motion", "Mean acceleration: right"),
        ("player = MelodyPlayer", "temperature T", r"\d+ notes; \d+% of them in C major"),
    ):
        out = lesson.output(cell)
        line = out.get_by_role("status").last
        expect(line).to_have_text(re.compile(said))
        handle = lesson.slider(slider, out)
        picture = out.locator("canvas, img").last
        before = settled(picture)
        lesson.tab_to(handle)
        for _ in range(10):  # to the least: fewer may leave a melody as it is
            lesson.page.keyboard.press("ArrowLeft")
        changed(picture, before)
        lesson.screenshot(f"lesson_16_{cell.split()[0]}", out)

    out = lesson.output("player = MelodyPlayer")
    sound = out.locator("audio")
    expect(sound).to_have_js_property("paused", value=True)
    lesson.page.wait_for_function("audio => audio.duration > 5", arg=sound.element_handle())
    long = sound.evaluate("audio => audio.duration")
    tempo = lesson.slider("quarters a minute", out)
    lesson.tab_to(tempo)
    lesson.page.keyboard.press("ArrowRight")
    lesson.page.wait_for_function(
        "([audio, long]) => audio.duration < long", arg=[sound.element_handle(), long]
    )
    picture = out.locator("canvas, img").last
    before = settled(picture)
    out.get_by_role("combobox", name="first bar").select_option("Ode to Joy")
    changed(picture, before)
    lesson.screenshot("lesson_16_ode", out)
