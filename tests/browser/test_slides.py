"""The decks in a browser without a network: every slide fits, and the keyboard leads through."""

from itertools import combinations
from pathlib import Path

import pytest
from playwright.sync_api import Page, Request

from authoring import slides
from authoring.rules import FEWEST_SLIDES
from authoring.source import sources
from browser.harness import SHOTS, Jupyter

SMALLEST = {"letters": 24, "code": 14}  # pixels of a slide that is 720 high
# What is wrong with the slide that is shown, in words; nothing, if all of it can be read.
FAULTS = """([smallest, width, height]) => {
    const slide = document.querySelector("section.present > .fit");
    const box = slide.getBoundingClientRect(), scale = box.width / slide.offsetWidth;
    const faults = [];
    if (slide.scrollHeight > 720) faults.push(`is ${slide.scrollHeight} high`);
    if (box.left < 0 || box.right > width || box.top < 0 || box.bottom > height)
        faults.push("leaves the screen");
    for (const part of slide.querySelectorAll("*"))
        if (part.getBoundingClientRect().right > box.right + 2 * scale)
            faults.push(`${part.tagName} is too wide`);
    for (const pre of slide.querySelectorAll("pre"))
        if (pre.scrollWidth > pre.clientWidth + 1) faults.push("code is cut off");
    const size = part => parseFloat(getComputedStyle(part).fontSize);
    if (size(slide) < smallest.letters) faults.push(`has letters of ${size(slide)} pixels`);
    for (const pre of slide.querySelectorAll("pre"))
        if (size(pre) < smallest.code) faults.push(`has code of ${size(pre)} pixels`);
    for (const image of slide.querySelectorAll("img")) {
        const { width: w, height: h } = image.getBoundingClientRect();
        if (!image.naturalWidth) faults.push("has a broken picture");
        if (Math.min(w / 200, h / 60) < scale) faults.push(`has a picture of ${w} × ${h}`);
    }
    return faults;
}"""


def opened(jupyter: Jupyter, lesson: str, folder: Path, wrong: list[str]) -> Page:
    """A page with a lesson's deck; requests to anywhere and errors are put into ``wrong``."""
    (path,) = slides.build(folder, [lesson])
    page = jupyter.browser.new_page()

    def asked(request: Request) -> None:
        if not request.url.startswith(("file:", "data:", "about:")):
            wrong.append(request.url)

    page.on("request", asked)
    page.on("console", lambda message: wrong.append(message.text))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.set_viewport_size({"width": 1280, "height": 800})
    page.goto(path.as_uri())
    page.wait_for_function("Reveal.isReady()")
    return page


@pytest.mark.parametrize("source", sources(), ids=lambda path: path.stem)
def test_every_slide_fits_and_the_keyboard_leads_through(
    jupyter: Jupyter, tmp_path: Path, source: Path
) -> None:
    wrong: list[str] = []
    page = opened(jupyter, source.name[:2], tmp_path, wrong)
    seen, pressed = [0], 0
    while True:
        faults = page.evaluate(FAULTS, [SMALLEST, 1280, 800])
        wrong += [f"Slide {seen[-1] + 1} {fault}" for fault in faults]
        if page.evaluate("Reveal.isLastSlide() && !Reveal.availableFragments().next"):
            break
        page.keyboard.press("ArrowRight")
        pressed += 1
        now = page.evaluate("Reveal.getIndices().h")
        if now != seen[-1]:
            seen.append(now)
    assert seen == list(range(page.evaluate("Reveal.getTotalSlides()")))
    assert len(seen) >= FEWEST_SLIDES
    # Each press turned a slide or showed what was held back on it.
    assert pressed == len(seen) - 1 + page.evaluate("document.querySelectorAll('.fragment').length")
    assert page.evaluate("document.querySelectorAll('.fragment:not(.visible)').length") == 0
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    page.screenshot(path=SHOTS / f"slides_{source.stem}.png")
    page.close()
    assert wrong == []


def test_the_corner_of_a_full_screen_covers_nothing(jupyter: Jupyter, tmp_path: Path) -> None:
    page = opened(jupyter, "00", tmp_path, [])
    page.set_viewport_size({"width": 1280, "height": 720})
    page.evaluate("Reveal.slide(10)")  # whose number has two figures
    boxes = page.evaluate("""["slides", "navigate-left", "navigate-right", "slide-number"]
        .map(name => document.querySelector(`.${name}`).getBoundingClientRect().toJSON())""")
    for first, second in combinations(boxes, 2):
        beside = first["right"] <= second["left"] or second["right"] <= first["left"]
        assert beside or first["bottom"] <= second["top"], (first, second)
    page.close()


def test_the_speakers_window_shows_the_notes(jupyter: Jupyter, tmp_path: Path) -> None:
    wrong: list[str] = []
    page = opened(jupyter, "01", tmp_path, wrong)
    with page.expect_popup() as popup:
        page.keyboard.press("s")
    notes = popup.value.locator(".speaker-controls-notes")
    notes.get_by_text("What learners get wrong").wait_for()
    popup.value.locator("iframe").first.wait_for()
    page.keyboard.press("ArrowRight")  # the notes are the lesson's, on every slide
    notes.get_by_text("If time is short").wait_for()
    popup.value.screenshot(path=SHOTS / "slides_speaker.png")
    popup.value.close()
    page.close()
    assert wrong == []


def test_a_slide_that_is_too_full_would_be_seen(jupyter: Jupyter, tmp_path: Path) -> None:
    page = opened(jupyter, "00", tmp_path, [])
    page.evaluate("""() => {
        const slide = document.querySelector("section.present > .fit");
        slide.style.fontSize = "20px";
        slide.innerHTML += "<pre class='highlight' style='white-space: pre'>" + "x".repeat(400)
            + "</pre>" + "<p>line</p>".repeat(60);
    }""")
    faults = " ".join(page.evaluate(FAULTS, [SMALLEST, 1280, 800]))
    for fault in ("high", "leaves the screen", "code is cut off", "letters of 20 pixels"):
        assert fault in faults
    page.close()
