"""Panels under hands that are quick, few, many, or on a small screen."""

from collections.abc import Callable

import numpy as np
from playwright.sync_api import Locator, expect

from browser.harness import Lesson, changed, settled

SETUP = """
import torch
from gan_lessons import plotting, pretrained
from gan_lessons.data import load_digits
from gan_lessons.widgets import Restorer, Sketchpad, explore
torch.set_num_threads(1)
generator, settings = pretrained.load_generator("dcgan")
digits = load_digits()
"""
PAD = """pad = Sketchpad(generator, pretrained.load_discriminator("dcgan"), settings, digits)"""
SHOW = "pad  # on the screen"
RESTORER = """both = [pretrained.load_restorer("restore_regression")] * 2
Restorer(*both, digits)"""
LETTERS = """def lettered(digit, fakes_in_thousand):
    return plotting.digit_grid(digits.images[:8], columns=8, titles="ABCDEFGH")

panel = explore(
    lettered,
    digit=list("abcd"),
    fakes_in_thousand=(0, 9),
    labels={"fakes_in_thousand": "fakes in 1,000 pictures"},
)
panel"""
CURVE = """def curve(steepness):
    x = torch.arange(9.0)
    return plotting.lines(x, {"y": steepness * x}, "x", "y")

panel = explore(curve, steepness=(0.0, 2.0, 0.5))
panel"""
STOPS = """from gan_lessons.widgets import ahead

ahead.QUICK = ahead.FRESH = 60.0  # a busy machine is no fault
drawn = []

def line(slope):
    drawn.append(round(slope, 6))
    x = torch.arange(9.0)
    return plotting.lines(x, {"y": slope * x}, "x", "y"), f"A slope of {slope:g}."

panel = explore(line, slope=(-4.0, 4.0, 0.05), start={"slope": 0.0})
panel"""
GAIN = """import ipywidgets
from gan_lessons.widgets import ahead

ahead.QUICK = ahead.FRESH = 60.0  # a busy machine is no fault
gain = [1]

def gained(x):
    return plotting.bars([x * gain[0], 1.0]), f"{x} times {gain[0]}."

up = ipywidgets.Button(description="gain up")
up.on_click(lambda button: gain.append(gain.pop() + 1))
factor = explore(gained, x=(0, 20))
display(up, factor)"""
SLOW = """import time

def waited(share, number):
    time.sleep(0.3)
    return plotting.bars([share, 1 - share])

panel = explore(waited, share=(0.0, 1.0, 0.05), number=(0, 50))
panel"""
# What the browser writes on canvases from now on: how large it is on the screen, in pixels.
WATCH = """() => {
    window.sizes = [];
    const pen = CanvasRenderingContext2D.prototype, write = pen.fillText;
    pen.fillText = function (...all) {
        const shown = this.canvas.clientWidth / this.canvas.width;
        sizes.push(shown * parseFloat(this.font.match(/[\\d.]+px/)[0]));
        write.apply(this, all);
    };
}"""
# How many pixels a list has left beside the longest of its choices and its arrow.
ROOM = """list => {
    const pen = document.createElement("canvas").getContext("2d");
    pen.font = getComputedStyle(list).font;
    const texts = [...list.options].map(option => pen.measureText(option.text).width);
    return list.clientWidth - 28 - Math.max(...texts);
}"""
LEFT = "() => jupyterapp.commands.execute('application:toggle-left-area')"
THEME = "theme => jupyterapp.commands.execute('apputils:change-theme', {theme})"
MIDDLE = "sum(pad.sheet.drawing[28 * row + column] for row in (13, 14) for column in (13, 14))"


def cut(lesson: Lesson) -> list[str]:
    """Boxes of panels that would have to be scrolled sideways."""
    find = "all => all.filter(box => box.scrollWidth > box.clientWidth).map(box => box.className)"
    boxes: list[str] = lesson.page.locator(".gan-live, .gan-live .widget-box").evaluate_all(find)
    return boxes


def two_fingers(lesson: Lesson, canvas: Locator) -> None:
    """Put down one, then another, on the diagonal of a canvas, and move both towards the middle."""
    box = canvas.bounding_box()
    assert box is not None
    device = lesson.page.context.new_cdp_session(lesson.page)
    for kind, *shares in (
        ("touchStart", 0.1),
        ("touchStart", 0.1, 0.9),
        ("touchMove", 0.15, 0.85),
        ("touchMove", 0.2, 0.8),
        ("touchEnd",),
    ):
        points = [
            {"x": box["x"] + at * box["width"], "y": box["y"] + at * box["height"], "id": finger}
            for finger, at in enumerate(shares)
        ]
        device.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    device.detach()


def test_keys_choose_in_a_list_and_leave_the_notebook_alone(
    open_cells: Callable[..., Lesson],
) -> None:
    lesson = open_cells(SETUP, LETTERS)
    lesson.run_all()
    choice = lesson.output("panel = ").get_by_role("combobox")
    lesson.tab_to(choice)
    for key, chosen in (("ArrowDown", "b"), ("ArrowDown", "c"), ("a", "a")):
        lesson.page.keyboard.press(key)
        expect(choice).to_be_focused()
        lesson.until(f"panel.values['digit'] == {chosen!r}")
    assert lesson.page.evaluate("() => notebook().content.widgets.length") == 2


def test_a_sheet_takes_one_pen(open_cells: Callable[..., Lesson]) -> None:
    lesson = open_cells(SETUP, PAD, SHOW)
    lesson.run_all()
    out, keyboard = lesson.output(SHOW), lesson.page.keyboard
    sheet = out.locator("canvas").first
    sheet.scroll_into_view_if_needed()

    sheet.click(button="right")
    expect(lesson.page.locator(".lm-Menu")).to_be_visible()
    keyboard.press("Escape")
    sheet.click(position={"x": 20, "y": 20})
    lesson.until("any(pad.sheet.drawing)")
    assert lesson.python(MIDDLE) == "0"

    two_fingers(lesson, sheet)
    lesson.until("pad.sheet.drawing[28 * 5 + 5] > 0")  # where the first one went
    assert lesson.python(MIDDLE) == "0"

    lesson.tab_to(sheet)
    for _ in range(2):
        keyboard.down(" ")  # the second is a repetition, as of a key that is held
    keyboard.up(" ")
    expect(out.get_by_role("status").first).to_have_text("Row 9, column 15, pen down.")


def test_a_search_leaves_the_focus_where_it_is(open_cells: Callable[..., Lesson]) -> None:
    lesson = open_cells(SETUP, PAD, "pad.load(5)", SHOW)
    lesson.run_all()
    out, keyboard = lesson.output(SHOW), lesson.page.keyboard
    find = out.get_by_role("button", name="Find", exact=True)
    lesson.tab_to(find)
    keyboard.press("Enter")
    expect(out.get_by_role("button", name="Searching …")).to_be_focused()
    keyboard.press("Tab")
    keyboard.press("Enter")
    expect(find).to_be_visible()
    expect(out.get_by_role("button", name="Pause")).to_be_focused()


def test_lists_and_sheets_can_be_seen_in_the_dark(open_cells: Callable[..., Lesson]) -> None:
    lesson = open_cells(SETUP, RESTORER)
    lesson.run_all()
    out = lesson.output("Restorer(")
    sheet, damage = out.locator("canvas").first, out.get_by_role("combobox", name="damage")
    assert damage.evaluate(ROOM) > 0
    arrow = "list => getComputedStyle(list).backgroundImage"
    outline = "canvas => getComputedStyle(canvas).outlineStyle"
    light = damage.evaluate(arrow)
    lesson.page.evaluate(THEME, "JupyterLab Dark")
    expect(lesson.page.locator("body[data-jp-theme-light=false]")).to_be_attached()
    assert damage.evaluate(arrow) != light
    assert sheet.evaluate(outline) == "solid"
    lesson.screenshot("restorer_dark", out)
    lesson.page.evaluate(THEME, "JupyterLab Light")
    expect(lesson.page.locator("body[data-jp-theme-light=true]")).to_be_attached()


def test_a_small_screen_has_room_for_sliders_and_letters(
    open_cells: Callable[..., Lesson],
) -> None:
    lesson = open_cells(SETUP, LETTERS)
    lesson.page.evaluate(LEFT)
    lesson.page.set_viewport_size({"width": 400, "height": 800})
    lesson.page.evaluate(WATCH)
    lesson.run_all()
    out = lesson.output("panel = ")
    expect(out.locator("canvas")).to_be_visible()
    name, track, handle, whole = (
        out.locator(part).bounding_box()
        for part in (".widget-slider label", ".noUi-base", ".noUi-handle", ".widget-slider")
    )
    assert name is not None
    assert track is not None
    assert handle is not None
    assert whole is not None
    assert track["width"] > 80
    assert name["y"] + name["height"] < handle["y"] + 1
    assert handle["y"] + handle["height"] < whole["y"] + whole["height"]
    assert cut(lesson) == []
    lesson.page.wait_for_function(
        "sizes.slice(-8).length == 8 && sizes.slice(-8).every(s => s > 12)"
    )
    lesson.screenshot("small_screen", out)
    lesson.page.set_viewport_size({"width": 1000, "height": 800})  # beside one another again
    slider = out.locator(".widget-slider").first.element_handle()
    lesson.page.wait_for_function(
        """slider => {
            const [name, handle] = [...slider.querySelectorAll("label, .noUi-handle")].map(each => {
                const box = each.getBoundingClientRect();
                return box.top + box.height / 2;
            });
            return Math.abs(name - handle) <= 2;
        }""",
        arg=slider,
    )
    lesson.page.evaluate(LEFT)


def test_a_small_screen_gets_a_narrow_figure(open_cells: Callable[..., Lesson]) -> None:
    lesson = open_cells(SETUP, CURVE)
    lesson.page.evaluate(LEFT)
    lesson.run_all()
    picture = lesson.output("panel = ").locator("img.widget-image")
    wide = int(picture.evaluate("image => image.naturalWidth"))
    for width, own in ((400, f"< {wide}"), (1200, f"== {wide}")):
        lesson.page.set_viewport_size({"width": width, "height": 800})
        lesson.page.wait_for_function(
            f"image => image.naturalWidth {own}", arg=picture.element_handle()
        )
        shrunk = picture.evaluate("image => image.clientWidth / image.naturalWidth")
        assert shrunk > 0.85  # letters of 14 pixels have 12
    lesson.page.evaluate(LEFT)


def test_a_field_shows_the_whole_number(open_cells: Callable[..., Lesson]) -> None:
    lesson = open_cells(
        "import torch\nfrom gan_lessons.widgets import playground\ntorch.set_num_threads(1)",
        "panel = playground(seed=0)\npanel",
    )
    lesson.run_all()
    field = lesson.output("panel = ").get_by_label("rate of D, η_D, a number from 1e-6 to 0.1")
    for number in ("0.001234", "1.23e-5"):
        field.fill(number)
        field.press("Enter")
        lesson.until(f"panel.settings.lr_discriminator == {number}")
        expect(field).to_have_value(number)
        assert field.evaluate("field => field.scrollWidth <= field.clientWidth")


def test_the_field_beside_a_slider_goes_its_steps_and_takes_other_numbers(
    open_cells: Callable[..., Lesson],
) -> None:
    lesson = open_cells(SETUP, SLOW)
    lesson.run_all()
    out = lesson.output("panel = ")
    share, number = (out.get_by_role("spinbutton").nth(i) for i in (0, 1))
    share.press("ArrowUp")
    lesson.until("panel.values['share'] == 0.55")
    share.fill("0.33")
    share.press("Enter")
    lesson.until("panel.values['share'] == 0.33")
    expect(share).to_have_attribute("aria-invalid", "false")
    number.fill("")
    number.press_sequentially("1.7")
    lesson.allow("number = 1.7 is no whole number.")
    number.press("Enter")
    lesson.until("'1.7' in str(panel.error)")
    expect(out.get_by_role("alert")).to_contain_text("number = 1.7 is no whole number.")
    expect(number).to_have_value("25")


def test_the_number_of_a_slow_picture_follows_the_hand(open_cells: Callable[..., Lesson]) -> None:
    lesson = open_cells(SETUP, SLOW)
    lesson.run_all()
    out, mouse = lesson.output("panel = "), lesson.page.mouse
    share = out.get_by_role("spinbutton").first
    box = lesson.slider("share", out).bounding_box()
    assert box is not None
    mouse.move(box["x"] + 5, box["y"] + 5)
    mouse.down()
    mouse.move(box["x"] + 500, box["y"] + 5, steps=5)
    expect(share).to_have_value("1")
    assert lesson.python("panel.values['share']") == "0.5"
    mouse.up()
    lesson.until("panel.values['share'] == 1")
    expect(share).to_have_value("1")


def test_the_picture_of_the_next_key_is_there_before_it(open_cells: Callable[..., Lesson]) -> None:
    lesson = open_cells(SETUP, STOPS)
    lesson.run_all()
    out = lesson.output("panel = ")
    slider = lesson.slider("slope", out)
    slider.press("ArrowRight")
    lesson.until("drawn[-1] == 0.05")
    lesson.python("drawn.clear()")
    for stop in (2, 3, 4):
        slider.press("ArrowRight")
        lesson.until(f"drawn[-1] == {0.05 * (stop + 1):.2f}")  # one stop further than it is
        expect(out.get_by_role("status")).to_contain_text(f"A slope of {0.05 * stop:g}.")
    assert lesson.python("drawn") == "[0.1, 0.15, 0.2, 0.25]"
    ahead = settled(out.locator("img:visible"))
    lesson.python("panel.set(slope=3.0)")
    changed(out.locator("img:visible"), ahead)
    lesson.python("panel.set(slope=0.2)")
    lesson.until("drawn[-1] == 0.2")
    fresh = settled(out.locator("img:visible"))
    assert np.abs(fresh.astype(int) - ahead).max() <= 2  # of 255, but for rounding


def test_what_another_button_changes_is_seen_at_the_next_key(
    open_cells: Callable[..., Lesson],
) -> None:
    lesson = open_cells(SETUP, GAIN)
    lesson.run_all()
    out = lesson.output("gain = ")
    slider, seen = lesson.slider("x", out), out.get_by_role("status")
    for key, x, gain in (("ArrowRight", 11, 1), ("ArrowRight", 12, 2), ("ArrowLeft", 11, 3)):
        slider.press(key)
        expect(seen).to_contain_text(f"{x} times {gain}.")
        lesson.page.wait_for_timeout(200)  # the next one is made
        out.get_by_role("button", name="gain up").click()
        lesson.until(f"gain == [{gain + 1}]")
