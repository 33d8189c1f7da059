"""The restorer of lesson 13, used as a person uses it."""

import re

from playwright.sync_api import expect

from browser.harness import Lesson, changed, settled


def use(lesson: Lesson) -> None:
    """Everything here, in a lesson that has been run to its end."""
    out = lesson.output("panel = Restorer")
    digit, scratches = out.locator("canvas").nth(0), out.locator("canvas").nth(1)
    spoiled, adversarial, blend = (out.locator("canvas").nth(i) for i in (2, 5, 6))
    line = out.get_by_role("status").last
    expect(line).to_have_text(re.compile("Your drawing is read as 4. spoiled .* adversarial"))
    lesson.screenshot("restorer_start", out)

    before = settled(blend)
    slider = lesson.slider("blend α", out)
    lesson.tab_to(slider)
    for _ in range(10):
        lesson.page.keyboard.press("ArrowRight")
    changed(blend, before)

    before = settled(adversarial)
    scratches.scroll_into_view_if_needed()
    box = scratches.bounding_box()
    assert box is not None
    mouse = lesson.page.mouse
    mouse.move(box["x"] + 60, box["y"] + 60)
    mouse.down()
    mouse.move(box["x"] + 200, box["y"] + 200, steps=8)
    mouse.up()
    changed(adversarial, before)

    before = settled(spoiled)
    out.get_by_role("combobox", name="damage").select_option("noise")
    before = changed(spoiled, before)
    expect(scratches).to_be_hidden()
    out.get_by_role("button", name="Draw noise again").click()
    before = changed(spoiled, before)
    out.get_by_role("combobox", name="damage").select_option("4 × smaller")
    changed(spoiled, before)
    lesson.screenshot("restorer_small", out)

    lesson.tab_to(out.get_by_role("button", name="Clear", exact=True))
    lesson.page.keyboard.press("Enter")
    expect(line).to_have_text(re.compile("Nothing is drawn yet"))
    lesson.tab_to(digit)
    lesson.page.keyboard.press("Space")
    for _ in range(12):
        lesson.page.keyboard.press("ArrowDown")
    expect(line).to_have_text(re.compile(r"Your drawing is read as \d"))
    lesson.screenshot("restorer_keyboard", out)
