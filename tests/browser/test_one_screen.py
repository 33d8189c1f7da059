"""The playground on small screens: what is pointed at, what is said of it, and nothing cut off."""

import json
import re
from collections.abc import Callable

from playwright.sync_api import Locator, expect

from browser.harness import Lesson
from browser.test_panels import ROOM
from browser.test_playground import CELL, SETUP
from gan_lessons.widgets.playground_stories import MINUTE

# What the browser writes with a halo from now on.
HALOES = """() => {
    window.haloes = [];
    const pen = CanvasRenderingContext2D.prototype, stroke = pen.strokeText;
    pen.strokeText = function (text, ...at) { haloes.push(text); stroke.call(this, text, ...at); };
}"""
FILES = "() => jupyterapp.commands.execute('application:toggle-left-area')"


def at_the_top(lesson: Lesson, width: int, height: int) -> Locator:
    """The panel in a window of this size, its first button at the window's upper end."""
    lesson.page.set_viewport_size({"width": width, "height": height})
    out = lesson.output("panel = playground")
    play = out.get_by_role("button", name="Play", exact=True)
    play.evaluate("element => element.scrollIntoView({block: 'start'})")
    return out


def is_told_beside_what_it_is_about(lesson: Lesson, out: Locator) -> None:
    plane, note = (out.locator(f"[data-part={part}]").first for part in ("plane", "note"))
    plane.evaluate("element => element.focus({preventScroll: true})")
    lesson.page.keyboard.press("ArrowRight")
    expect(note).to_contain_text("G(z) = ")
    expect(note).to_be_in_viewport(ratio=0.97)
    expect(plane).to_be_in_viewport(ratio=0.97)
    rate = lesson.slider("rate of D, η_D", out)
    rate.evaluate("element => element.focus({preventScroll: true})")
    told = out.locator(".gan-help").first
    expect(told).to_contain_text("How far D's weights move at a step. Lesson 04.")
    expect(told).to_be_in_viewport(ratio=0.97)
    expect(rate).to_be_in_viewport()
    expect(plane).to_be_in_viewport(ratio=0.97)


def test_what_is_told_is_on_the_screen_with_what_it_is_about(
    open_cells: Callable[..., Lesson],
) -> None:
    lesson = open_cells(SETUP, CELL)
    lesson.run_all()

    # Beside JupyterLab's list of files there is no room for charts beside the plane
    out = at_the_top(lesson, 1280, 720)
    plane, curves = (out.locator(f"[data-part={part}]").first for part in ("plane", "curves"))
    place, charts = plane.bounding_box(), curves.bounding_box()
    assert place is not None
    assert charts is not None
    assert charts["y"] > place["y"] + place["height"]
    # No list cuts its choices off
    for choices in out.locator("select:visible").all():
        assert choices.evaluate(ROOM) >= 0, choices.evaluate("list => list.innerText")

    is_told_beside_what_it_is_about(lesson, out)
    expect(out.get_by_role("status")).to_be_in_viewport()
    step = out.get_by_role("button", name="Step D", exact=True)
    step.click()
    note = out.locator("[data-part=note]").first
    expect(note).to_contain_text("D's half-step.")
    expect(note).to_be_in_viewport(ratio=0.97)
    expect(plane).to_be_in_viewport(ratio=0.97)

    lesson.page.evaluate(FILES)
    out = at_the_top(lesson, 400, 800)
    is_told_beside_what_it_is_about(lesson, out)

    # A finger reads a point
    out.get_by_role("button", name="Play", exact=True).focus()
    expect(note).to_contain_text("D's half-step.")
    x, y = json.loads(lesson.python("(panel.trainer.samples[0] / panel.canvases[0].edge).tolist()"))
    box = plane.bounding_box()
    assert box is not None
    margin = 26 / box["width"]
    lesson.finger(plane, [(margin + (x + 1) / 2 * (1 - margin), (1 - y) / 2 * (1 - margin))])
    expect(note).to_contain_text("Real point (")

    # Whatever a hand or the focus is on is told: a chart, a layer, going back
    curves.focus()
    lesson.page.keyboard.press("ArrowDown")
    expect(note).to_contain_text("D's mean answers, from 0 for fake to 1 for real")
    told = out.locator(".gan-help")
    out.get_by_role("button", name="▸ What is shown", exact=True).click()
    for label in ("warped noise grid", "real points", "rewind to step"):
        told.evaluate("element => { element.textContent = '' }")
        out.get_by_text(label, exact=True).hover()
        expect(told).to_contain_text("Lesson 04.")
    out.get_by_role("button", name="▾ What is shown", exact=True).click()

    # Each sentence of the guide outlines what it speaks of, and is seen with the plane
    at_the_top(lesson, 400, 800)
    out.get_by_role("button", name="A guided minute", exact=True).click()
    for sentence, _ in MINUTE:
        expect(out.get_by_text(sentence)).to_be_in_viewport(ratio=0.97)
        expect(out.locator(".gan-look")).to_have_count(1)
        expect(plane).to_be_in_viewport(ratio=0.8)  # the ring, if not all of it
        out.get_by_role("button", name=re.compile("^(Next|Done)$")).click()
    expect(out.locator(".gan-look")).to_have_count(0)

    # The legend names what is shown, and a letter is read over the curves that it lies on
    pull = out.get_by_text("where G's loss pulls a fake")
    expect(pull).to_be_hidden()
    lesson.page.evaluate(HALOES)
    lesson.python("panel.set(arrows=True, lr_generator=0.001)")
    expect(pull).to_be_visible()
    lesson.page.wait_for_function("haloes.includes('a')")

    # Two runs have room below one another
    out.get_by_role("button", name="Branch", exact=True).click()
    planes = out.locator("[data-part=plane]")
    expect(planes).to_have_count(2)
    room = out.bounding_box()
    assert room is not None
    for each in planes.all():
        place = each.bounding_box()
        assert place is not None
        assert place["x"] + place["width"] <= room["x"] + room["width"] + 1
    lesson.page.evaluate(FILES)
