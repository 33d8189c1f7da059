"""The exported pages from disk, in a browser without a network: read, moved, answered, searched."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from playwright.sync_api import BrowserContext, Locator, Page, expect

from authoring import live, site
from authoring.live import networks
from browser.harness import AXE, SHOTS, Jupyter
from gan_lessons import pretrained
from gan_lessons.training import sample

GREY = 2 / 255  # a level of grey, where black is −1 and white is 1
CONTROLS = "input:not([type=file]), select, button, textarea, [tabindex='0']"
KEYS = {"range": "End", "select-one": "ArrowDown", "checkbox": "Space"}  # buttons: Enter
UNREACHED = """(root, controls) => [...root.querySelectorAll(controls)]
    .filter(each => each.checkVisibility() && !each.disabled && each.tabIndex >= 0)
    .filter(each => !("reached" in each.dataset)).map(each => each.outerHTML.slice(0, 120))"""
SEEN = """root => [...root.querySelectorAll("canvas")].map(canvas => canvas.toDataURL()).join()
    + root.querySelector(".live").innerText"""

PHONE = {"viewport": {"width": 400, "height": 800}, "has_touch": True, "is_mobile": True}
# What is written in canvases from now on: how large it is on the screen, in pixels of the page.
WATCH = """() => {
    window.sizes = [];
    const pen = CanvasRenderingContext2D.prototype, write = pen.fillText;
    pen.fillText = function (...all) {
        const shown = this.canvas.clientWidth / this.canvas.width * this.getTransform().d;
        sizes.push(shown * parseFloat(this.font.match(/[\\d.]+px/)[0]));
        write.apply(this, all);
    };
}"""

# Names in tables that go on in a second line.
BROKEN_NAMES = """[...document.querySelectorAll("td code, th code")].filter(code =>
    code.checkVisibility() && /^\\w+$/.test(code.innerText) && code.getClientRects().length > 1)
    .map(code => code.innerText)"""
# Marks that begin or end in the midst of a word.
PARTS_MARKED = """[...document.querySelectorAll("mark")].filter(mark =>
    /[a-z]$/i.test(mark.previousSibling?.data) || /^[a-z]/i.test(mark.nextSibling?.data))
    .map(mark => mark.parentElement.innerText)"""


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {path.stem: path for path in site.build(tmp_path_factory.mktemp("site"))}


@contextmanager
def offline(jupyter: Jupyter, **settings: Any) -> Iterator[BrowserContext]:
    """A browser of a reader's own, without a network; whatever is asked for or goes wrong fails."""
    assert jupyter.browser.browser is not None
    context = jupyter.browser.browser.new_context(**settings)
    context.set_offline(True)
    asked: list[str] = []
    wrong: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    context.on("console", lambda message: wrong.append(message.text))
    context.on("weberror", lambda error: wrong.append(str(error.error)))
    yield context
    context.close()
    assert wrong == []
    extra = [url for url in asked if not url.startswith(("data:", "blob:"))]
    assert all(url.startswith("file:") and ".html" in url for url in extra), extra


def violations(page: Page, code: bool) -> list[str]:
    """What axe finds: its rule and the element. Code takes long: each word has its colour."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found: list[str] = page.evaluate(
        """async code => (await axe.run(code ? document : {exclude: [[".highlight pre"]]},
            {resultTypes: ["violations"]})).violations.flatMap(
            rule => rule.nodes.map(node => `${rule.id}: ${node.html.slice(0, 120)}`))""",
        code,
    )
    return found


@pytest.mark.parametrize(("width", "theme"), [(1200, "light"), (400, "dark")])
def test_pages_read_on_wide_and_narrow_screens(
    jupyter: Jupyter, pages: dict[str, Path], width: int, theme: Any
) -> None:
    screen = {"width": width, "height": 800}
    with offline(jupyter, viewport=screen, color_scheme=theme) as context:
        page = context.new_page()
        for name, path in pages.items():
            page.goto(path.as_uri())
            broken = "[...document.images].filter(image => !image.naturalWidth).length"
            assert page.evaluate(broken) == 0
            assert page.evaluate("document.documentElement.scrollWidth") <= width, name
            assert width < 1000 or page.evaluate(BROKEN_NAMES) == [], name
            if name in list(pages)[width < 1000 :: 2]:  # half of them
                assert violations(page, code=name.startswith(("00", "01"))) == [], name
            if name.startswith(("01", "index")):
                page.screenshot(path=SHOTS / f"site_{name}_{width}.png")


def move_by_keyboard(panel: Locator) -> None:
    """Use a panel's first slider, or else its first choice, box to tick, or button."""
    kinds = ("input[type=range]", "select", "input[type=checkbox]", "button")
    control = next(panel.locator(kind).first for kind in kinds if panel.locator(kind).count())
    key = KEYS.get(str(control.evaluate("control => control.type")), "Enter")
    at_end = "control => control.value === control.max || control.selectedIndex > 0"
    control.press("Home" if control.evaluate(at_end) else key)


def reach_by_keyboard(panel: Locator, name: str) -> None:
    """Tab leads through all controls of a panel, and out of it again."""
    page = panel.page
    panel.locator(CONTROLS).first.focus()
    inside = """root => {
        if (!root.contains(document.activeElement)) return false;
        document.activeElement.dataset.reached = "";
        return true;
    }"""
    for _ in range(80):
        if not panel.evaluate(inside):
            break
        page.keyboard.press("Tab")
    else:
        raise AssertionError(f"{name}: the keyboard does not come out of a panel")
    assert panel.evaluate(UNREACHED, CONTROLS) == [], name


def test_every_living_panel_moves(jupyter: Jupyter, pages: dict[str, Path]) -> None:
    with offline(jupyter) as context:
        page = context.new_page()
        page.emulate_media(reduced_motion="reduce")  # nothing plays by itself
        for name, path in pages.items():
            if "data-panel" not in path.read_text(encoding="utf-8"):
                continue
            page.goto(path.as_uri())
            page.evaluate("document.querySelectorAll('details').forEach(fold => fold.open = true)")
            for panel in page.locator("[data-panel]").all():
                expect(panel).to_have_class("living alive")
                panel.scroll_into_view_if_needed()
                before = panel.evaluate(SEEN)
                move_by_keyboard(panel)
                page.wait_for_function(
                    f"([root, before]) => ({SEEN})(root) !== before",
                    arg=[panel.element_handle(), before],
                )
                assert panel.locator(".still").is_hidden(), name
                reach_by_keyboard(panel, name)
            page.emulate_media(media="print")
            for still in page.locator("[data-panel] > .still").all():
                assert still.is_visible(), name
            page.emulate_media(media="screen")


@pytest.mark.parametrize("name", [*pretrained.names(), "dcgan.discriminator"])
def test_networks_in_the_page_are_torchs(jupyter: Jupyter, tmp_path: Path, name: str) -> None:
    network, shape = networks.network(name)
    source = name.partition(".")[0]
    noise = pretrained.noise(4, pretrained.load_generator(source)[1], seed=3)
    inputs = noise if shape[1] == 1 else sample(networks.network(source)[0], noise)
    loaded = json.dumps(networks.exported(name))
    scripts = [live.script("shell"), f"GanLessons.networks.it = {loaded};", live.script("network")]
    tags = "".join(f"<script>{script}</script>" for script in scripts)
    (tmp_path / "it.html").write_text(f"<!DOCTYPE html><meta charset=utf-8>{tags}", "utf-8")
    with offline(jupyter) as context:
        page = context.new_page()
        page.goto((tmp_path / "it.html").as_uri())
        draw = "inputs => Array.from(GanLessons.network('it')(Float32Array.from(inputs)))"
        drawn = torch.tensor(page.evaluate(draw, inputs.flatten().tolist()))
    expected = sample(network, inputs).flatten()
    assert drawn.shape == expected.shape
    assert (drawn - expected).abs().max() < 1e-3 * GREY


def test_the_classifier_in_the_page_reads_as_torchs(
    jupyter: Jupyter, pages: dict[str, Path]
) -> None:
    generator, settings = pretrained.load_generator("dcgan")
    images = sample(generator, pretrained.noise(16, settings))
    classifier, _ = networks.network("classifier")
    probabilities = sample(classifier, images).softmax(dim=1)
    with offline(jupyter) as context:
        page = context.new_page()
        page.goto(pages["08_latent_space"].as_uri())
        read = "rows => rows.map(row => GanLessons.read(Float32Array.from(row)))"
        found = page.evaluate(read, images.flatten(1).tolist())
    assert [each["digit"] for each in found] == probabilities.argmax(dim=1).tolist()
    sure = torch.tensor([each["sure"] for each in found])
    assert (sure - probabilities.max(dim=1).values).abs().max() < 0.01  # half precision


def test_a_drawing_is_read_and_scored(jupyter: Jupyter, pages: dict[str, Path]) -> None:
    with offline(jupyter) as context:
        page = context.new_page()
        page.goto(pages["08_latent_space"].as_uri())
        pad = page.locator("[data-panel=sketchpad]")
        line = pad.get_by_role("status").last
        expect(line).to_contain_text("The classifier reads a 5")
        pad.get_by_role("button", name="Clear").click()
        expect(line).to_contain_text("Nothing is drawn yet")
        sheet = pad.get_by_role("application")
        box = sheet.bounding_box()
        assert box is not None
        page.mouse.move(box["x"] + 150, box["y"] + 50)
        page.mouse.down()
        page.mouse.move(box["x"] + 130, box["y"] + 230, steps=6)
        page.mouse.up()
        expect(line).to_contain_text("The classifier reads a 1")
        expect(line).to_contain_text("D's logit is")


def swipe(element: Locator, right: float, down: float) -> None:
    """Put a finger down on an element, and move it so many pixels."""
    box = element.bounding_box()
    assert box is not None
    device = element.page.context.new_cdp_session(element.page)
    for i in range(11):
        share = {"x": box["width"] / 3 + right * i / 10, "y": box["height"] / 2 + down * i / 10}
        place = {"x": box["x"] + share["x"], "y": box["y"] + share["y"]}
        event = {"type": "touchMove" if i else "touchStart", "touchPoints": [place]}
        device.send("Input.dispatchTouchEvent", event)
    device.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    device.detach()


def test_a_finger_that_scrolls_moves_no_slider(jupyter: Jupyter, pages: dict[str, Path]) -> None:
    with offline(jupyter, **PHONE) as context:
        page = context.new_page()
        page.goto(pages["12_conditional_gans"].as_uri())
        panel = page.locator("[data-panel=mixer]")
        panel.scroll_into_view_if_needed()
        sliders, line = panel.get_by_role("slider"), panel.get_by_role("status")
        share, field = sliders.nth(2), panel.get_by_role("textbox").nth(2)
        expect(line).to_contain_text("the classifier reads")
        words = line.inner_text()
        field.fill("0.52")  # between two stops
        field.press("Enter")
        expect(line).not_to_have_text(words)  # which comes with the next picture
        words, before = line.inner_text(), page.evaluate("scrollY")
        swipe(share, 0, -150)
        page.wait_for_function("before => scrollY > before + 50", arg=before)
        expect(share).to_have_attribute("aria-valuetext", "0.52")
        expect(field).to_have_value("0.52")
        expect(line).to_have_text(words)
        for typed, why in (
            ("12", "= 12 is out of range. Choose from 0 to 1."),
            ("x", "= “x” is no number."),
        ):
            field.fill(typed)
            field.press("Enter")
            expect(panel.get_by_role("alert")).to_have_text(f"⚠ share of the other {why}")
            expect(field).to_have_value("0.52")
        swipe(share, 150, 0)
        expect(panel.get_by_role("alert")).to_have_count(0)
        expect(share).to_have_attribute("aria-valuetext", "1")
        expect(line).not_to_have_text(words)


def test_letters_keep_their_size_on_a_phone(jupyter: Jupyter, pages: dict[str, Path]) -> None:
    with offline(jupyter, **PHONE) as context:
        page = context.new_page()
        page.goto(pages["08_latent_space"].as_uri())
        page.evaluate(WATCH)
        page.locator("[data-panel=sketchpad]").get_by_role("button", name="Centre").click()
        page.wait_for_function("sizes.length > 3")
        assert page.evaluate("Math.min(...sizes)") >= 12


def test_answers_are_judged_kept_and_taken_along(
    jupyter: Jupyter, pages: dict[str, Path], tmp_path: Path
) -> None:
    with offline(jupyter) as context:
        page = context.new_page()
        page.goto(pages["00_start_here"].as_uri())
        quiz = page.locator("[data-panel=quiz]")
        first = quiz.get_by_role("radiogroup").first
        first.get_by_role("radio").nth(1).focus()
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        expect(first.get_by_role("status")).to_contain_text("✓ Right: Noise in, image out.")
        first.get_by_role("radio").nth(0).click()
        expect(first.get_by_role("status")).to_contain_text("✗ Not right")
        expect(quiz.get_by_text("0 of 5 right, 4 to answer.")).to_be_visible()
        guess = page.get_by_label("Your guess").first
        guess.fill("the same digits")
        covered = page.get_by_text("Show the output").first
        shown = page.get_by_text("same z, same images: True")
        assert not shown.is_visible()
        covered.press("Enter")
        expect(shown).to_be_visible()
        page.reload()
        expect(first.get_by_role("radio").nth(0)).to_have_attribute("aria-checked", "true")
        assert guess.input_value() == "the same digits"
        assert not shown.is_visible()

        page.goto(pages["index"].as_uri())
        expect(page.get_by_text("quiz: 1 answered")).to_be_visible()
        with page.expect_download() as download:
            page.get_by_role("button", name="Save to a file").click()
        saved = tmp_path / "answers.json"
        download.value.save_as(saved)
        page.once("dialog", lambda dialog: dialog.accept())
        page.get_by_role("button", name="Forget them").click()
        expect(page.get_by_text("quiz: 1 answered")).to_have_count(0)
        picker = page.get_by_label("A file of answers")
        for other in ("[1]", '{"name": "a package"}'):
            (tmp_path / "other.json").write_text(other, "utf-8")
            picker.set_input_files(tmp_path / "other.json")
            expect(page.get_by_text("This file holds no answers")).to_be_visible()
            picker.set_input_files(saved)
            expect(page.get_by_text("The answers of the file are here now")).to_be_visible()
        expect(page.get_by_text("quiz: 1 answered")).to_be_visible()


def test_contents_follow_colours_stay_and_words_are_found(
    jupyter: Jupyter, pages: dict[str, Path]
) -> None:
    with offline(jupyter, viewport={"width": 1280, "height": 720}) as context:
        page = context.new_page()
        page.goto(pages["08_latent_space"].as_uri())
        page.get_by_role("heading", name="Truncation").scroll_into_view_if_needed()
        page.mouse.wheel(0, 500)
        current = page.locator(".contents a[aria-current]")
        expect(current).to_have_text("Truncation")
        background = "getComputedStyle(document.body).backgroundColor"
        light = page.evaluate(background)
        page.get_by_role("button", name="Dark colours").click()
        assert page.evaluate(background) != light
        page.reload()
        assert page.evaluate(background) != light
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        page.locator(".highlight").first.hover()
        page.get_by_role("button", name="Copy this code").first.click()
        expect(page.get_by_text("Copied").first).to_be_visible()
        assert page.evaluate("navigator.clipboard.readText()").startswith("import torch")

        page.get_by_role("searchbox").fill("checkerboard")
        page.get_by_role("searchbox").press("Enter")
        expect(page.get_by_role("status")).to_contain_text("sections")
        assert violations(page, code=True) == []  # marked words, too, in the dark
        page.get_by_role("searchbox").fill("D")
        expect(page.locator("mark").first).to_be_visible()
        assert page.evaluate(PARTS_MARKED) == []
        page.get_by_role("searchbox").fill("checkerboard")
        expect(page.locator("#found a")).not_to_have_count(30)
        page.locator("#found a").first.click()
        expect(page).to_have_url(re.compile("06_building_the_dcgan.html#"))
