"""Latent explorer and sketchpad of lesson 08, moved as a person moves them."""

import re

import numpy as np
from playwright.sync_api import expect

from browser.harness import Lesson, changed, settled


def use(lesson: Lesson) -> None:
    """Everything here, in a lesson that has been run to its end."""
    explore(lesson)
    draw(lesson)
    draw_by_finger(lesson)


def explore(lesson: Lesson) -> None:
    out = lesson.output("explorer = LatentExplorer")
    grid, tray, path, total = (out.locator("canvas").nth(i) for i in range(4))
    start = settled(grid)
    slider = lesson.slider("direction 1", out)
    lesson.tab_to(slider)
    for _ in range(5):
        lesson.page.keyboard.press("ArrowRight")
    moved = changed(grid, start)
    expect(out.get_by_role("status")).to_have_text(re.compile(r"direction 1 \+2\.0"))
    assert abs(float(lesson.python("explorer.controls['direction_1'].value")) - 2) < 1e-6

    lesson.tab_to(grid)
    lesson.page.keyboard.press("ArrowDown")
    lesson.page.keyboard.press("ArrowRight")
    changed(grid, moved)
    expect(out.get_by_role("status")).to_have_text(re.compile("row 2, column 2"))
    assert lesson.python("explorer.chosen") == "9"

    kept = settled(tray)
    along, summed = settled(path), settled(total)
    out.get_by_role("combobox", name="from", exact=True).select_option("A")
    along = changed(path, along)
    keep = out.get_by_role("button", name="Keep in tray")
    lesson.tab_to(keep)
    lesson.page.keyboard.press("Enter")
    changed(tray, kept)
    changed(path, along)
    changed(total, summed)
    assert lesson.python("bool((explorer.tray[0] == explorer.z[9]).all())") == "True"

    along = settled(path)
    out.get_by_role("combobox", name="to", exact=True).select_option("F")
    changed(path, along)
    expect(out.get_by_role("status")).to_have_text(re.compile("from A to F", re.IGNORECASE))
    grid.click(position={"x": 7.5 * 60, "y": 0.5 * 60})
    expect(out.get_by_role("status")).to_have_text(re.compile("row 1, column 8"))
    lesson.screenshot("explorer", out)


def draw(lesson: Lesson) -> None:
    out = lesson.output("pad = Sketchpad")
    sheet, wishes, nearest = (out.locator("canvas").nth(i) for i in range(3))
    line = out.get_by_role("status").last
    expect(line).to_have_text(re.compile("The classifier reads a 5 .* Search, step 81"))
    lesson.screenshot("sketchpad_start", out)
    out.get_by_role("button", name="Clear").click()
    expect(line).to_have_text(re.compile("Nothing is drawn yet"))
    sheet.scroll_into_view_if_needed()
    blank = settled(wishes)
    box = sheet.bounding_box()
    assert box is not None
    mouse = lesson.page.mouse
    mouse.move(box["x"] + 150, box["y"] + 50)
    mouse.down()
    mouse.move(box["x"] + 130, box["y"] + 230, steps=12)
    mouse.up()
    changed(wishes, blank)
    expect(line).to_have_text(re.compile(r"The classifier reads a 1 .* D's logit is"))

    empty = settled(nearest)
    lesson.tab_to(out.get_by_role("button", name="Find"))
    lesson.page.keyboard.press("Enter")
    changed(nearest, empty)
    expect(out.get_by_role("button", name="Searching …")).to_be_focused()
    mouse.move(box["x"] + 150, box["y"] + 60)
    mouse.down()
    mouse.move(box["x"] + 155, box["y"] + 60, steps=2)
    mouse.up()
    expect(line).to_have_text(re.compile("starts anew"))
    expect(line).to_have_text(re.compile("Search, step 200"))
    expect(out.get_by_role("button", name="Find")).to_be_enabled()
    assert float(lesson.python("pad.found.distance")) < 0.1
    lesson.screenshot("sketchpad", out)

    lesson.tab_to(out.get_by_role("button", name="Clear"))
    lesson.page.keyboard.press("Enter")
    expect(line).to_have_text(re.compile("Nothing is drawn yet"))
    lesson.tab_to(sheet)
    lesson.page.keyboard.press("Space")
    for _ in range(12):
        lesson.page.keyboard.press("ArrowDown")
    expect(out.get_by_role("status").first).to_have_text("Row 21, column 15, pen down.")
    expect(line).to_have_text(re.compile("The classifier reads"))
    column = "[row * 28 + 14 for row in range(9, 21)]"  # the last strokes may still be on their way
    lesson.until(f"all(pad.sheet.drawing[i] > 200 for i in {column})")
    ink = np.array(eval(lesson.python("list(pad.sheet.drawing)"))).reshape(28, 28)
    assert ink[:, :11].sum() == 0
    lesson.screenshot("sketchpad_keyboard", out)


def draw_by_finger(lesson: Lesson) -> None:
    out = lesson.output("pad = Sketchpad")
    out.get_by_role("button", name="Clear").click()
    line = out.get_by_role("status").last
    expect(line).to_have_text(re.compile("Nothing is drawn yet"))
    lesson.finger(out.locator("canvas").first, [(0.5, 0.2 + 0.05 * i) for i in range(13)])
    expect(line).to_have_text(re.compile(r"The classifier reads a 1 .* D's logit is"))
