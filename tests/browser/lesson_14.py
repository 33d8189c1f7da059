"""The translator of lesson 14, used as a person uses it."""

import re

from playwright.sync_api import expect

from browser.harness import Lesson, changed, settled


def use(lesson: Lesson) -> None:
    """Everything here, in a lesson that has been run to its end."""
    out = lesson.output("panel = Translator")
    digit, translated, noisy, back, style = (out.locator("canvas").nth(i) for i in range(5))
    line = out.get_by_role("status").last
    expect(line).to_have_text(re.compile("Your drawing is read as 4 .* There and back"))
    lesson.screenshot("translator_start", out)

    before = settled(noisy), settled(back)
    lesson.tab_to(lesson.slider("noise σ", out))
    for _ in range(8):
        lesson.page.keyboard.press("ArrowRight")
    changed(noisy, before[0])
    changed(back, before[1])

    before_style = settled(style)
    lesson.tab_to(lesson.slider("style", out))
    for _ in range(8):
        lesson.page.keyboard.press("ArrowRight")
    changed(style, before_style)

    before_translated = settled(translated)
    out.get_by_role("combobox", name="from").select_option("handwritten to printed")
    changed(translated, before_translated)
    out.get_by_role("button", name="Draw noise again").click()
    lesson.screenshot("translator_printed", out)

    lesson.tab_to(out.get_by_role("button", name="Clear", exact=True))
    lesson.page.keyboard.press("Enter")
    expect(line).to_have_text(re.compile("Nothing is drawn yet"))
    lesson.tab_to(digit)
    lesson.page.keyboard.press("Space")
    for _ in range(12):
        lesson.page.keyboard.press("ArrowDown")
    expect(line).to_have_text(re.compile(r"Your drawing is read as \d"))
    lesson.screenshot("translator_keyboard", out)
