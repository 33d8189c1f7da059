"""The playground in a real JupyterLab: play, change, branch, rewind, draw, by mouse and keys."""

import re
from collections.abc import Callable

from playwright.sync_api import Locator, expect

from browser.harness import Lesson, changed, pixels

SETUP = (
    "import torch\ntorch.set_num_threads(1)\nfrom gan_lessons.widgets.playground import playground"
)
CELL = "panel = playground(seed=0)\npanel"


def drag(lesson: Lesson, canvas: Locator, stops: list[tuple[float, float]]) -> None:
    """Draw over a canvas; stops are shares of its width and height."""
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box is not None
    places = [(box["x"] + u * box["width"], box["y"] + v * box["height"]) for u, v in stops]
    lesson.page.mouse.move(*places[0])
    lesson.page.mouse.down()
    for place in places[1:]:
        lesson.page.mouse.move(*place, steps=10)
    lesson.page.mouse.up()


def fits(lesson: Lesson, out: Locator, width: int, height: int) -> None:
    """Play, the rate of D and the whole plane are on the screen together, and nothing is cut."""
    lesson.page.set_viewport_size({"width": width, "height": height})
    play = out.get_by_role("button", name="Play", exact=True)
    play.evaluate("element => element.scrollIntoView({block: 'start'})")
    plane = out.locator("canvas[data-part=plane]").first
    expect(plane).to_be_in_viewport(ratio=0.97)
    expect(play).to_be_in_viewport()
    expect(lesson.slider("rate of D, η_D", out)).to_be_in_viewport()
    box = plane.bounding_box()
    assert box is not None
    assert box["width"] > (240 if width < 600 else 400)
    cut = "element => element.scrollWidth > element.clientWidth + 1"
    assert not out.evaluate(cut), (width, height)


def test_a_learner_plays(open_cells: Callable[..., Lesson]) -> None:
    lesson = open_cells(SETUP, CELL)
    lesson.run_all()
    out = lesson.output("panel = playground")
    keyboard = lesson.page.keyboard

    def button(name: str) -> Locator:
        return out.get_by_role("button", name=name, exact=True)

    plane = out.locator("canvas[data-part=plane]").first
    expect(plane).to_be_visible()

    # Play, change a rate while it trains, pause: by keyboard
    before = pixels(plane)
    lesson.tab_to(button("Play"))
    keyboard.press("Enter")
    changed(plane, before)
    expect(plane).to_have_attribute("aria-label", re.compile("^The run goes on"))
    handle = lesson.slider("rate of D, η_D", out)
    for _ in range(10):  # from Play to any main control
        keyboard.press("Tab")
        if handle.evaluate("element => element === document.activeElement"):
            break
    expect(handle).to_be_focused()
    expect(handle).to_have_attribute("aria-valuetext", "0.002")
    expect(out).to_contain_text("How far D's weights move at a step. Lesson 04.")
    keyboard.press("ArrowRight")
    lesson.until("[m.name for m in panel.live.marks] == ['lr_discriminator']")
    button("Pause").focus()
    keyboard.press("Enter")
    expect(button("Play")).to_be_visible()
    expect(out.get_by_role("status")).to_contain_text(re.compile(r"Paused at step .* modes"))
    step = int(lesson.python("panel.trainer.step"))
    assert step > 0
    expect(plane).to_have_attribute("aria-label", re.compile(f"^Step {step:,}:"))
    rewind, kept = lesson.slider("rewind to step", out), lesson.python("panel.rewinder.value")
    expect(rewind).to_have_attribute("aria-valuetext", kept)  # not which of the stops it is
    expect(out.locator("[data-part=title]")).to_have_text(f"Step {step:,}")

    # A small number is shown as such, a point is told, and a tab that is hidden does not play on
    field = out.get_by_label(re.compile("^rate of D, η_D, a number from 1e-6 to 0.1"))
    field.fill("0.00001")
    field.press("Enter")
    expect(field).to_have_value("1e-5")
    lesson.until("panel.settings.lr_discriminator == 1e-5")
    field.fill("0.002")  # with a D that sleeps, G would soon leave the plane
    field.press("Enter")
    lesson.until("panel.settings.lr_discriminator == 0.002")
    plane.focus()
    keyboard.press("ArrowRight")
    expect(out.locator("[data-part=note]")).to_contain_text(re.compile(r"z = \(.*G\(z\) = .*D = "))
    out.get_by_label("play until").select_option("500 steps later")
    out.get_by_label("speed", exact=True).select_option("10 steps a second")
    button("Play").click()
    hide = (
        "hidden => Object.defineProperty(document, 'hidden', {value: hidden, configurable: true})"
    )
    lesson.page.evaluate(hide, True)
    expect(out.get_by_role("status")).to_contain_text("no view of this panel was in sight")
    lesson.page.evaluate(hide, False)
    step = int(lesson.python("panel.trainer.step"))

    # Half-steps, in words
    button("Step D").click()
    expect(out).to_contain_text("D's half-step.")
    button("Step G").click()
    expect(out).to_contain_text("G's half-step.")
    lesson.until(f"panel.trainer.step == {step + 1}")

    # Views
    button("▸ What is shown").click()
    before = pixels(plane)
    out.get_by_label("warped noise grid").check()
    before = changed(plane, before)
    out.get_by_label("background").select_option("best discriminator D*")
    changed(plane, before)
    lesson.screenshot("playground_one", out)

    button("▾ What is shown").click()
    size = lesson.page.viewport_size
    assert size is not None
    for width, height in ((1440, 900), (1280, 720)):
        fits(lesson, out, width, height)
    lesson.page.evaluate("() => jupyterapp.commands.execute('application:toggle-left-area')")
    fits(lesson, out, 400, 800)
    lesson.page.set_viewport_size(size)

    # Two runs side by side, and one again
    button("Branch").click()
    expect(out.locator("canvas[data-part=plane]")).to_have_count(2)
    out.get_by_label("objective").select_option("minimax")
    expect(out).to_contain_text(re.compile("Run 2, step .*objective = minimax"))
    button("Step").click()
    lesson.until(f"[r.step for r in panel.runs] == [{step + 2}] * 2")
    lesson.screenshot("playground_two", out)
    button("Keep run 1").click()
    expect(out.locator("canvas[data-part=plane]")).to_have_count(1)
    assert lesson.python("panel.settings.objective") == "'non_saturating'"

    # Back to the start
    lesson.slider("rewind to step", out).focus()
    keyboard.press("Home")
    lesson.until("panel.trainer.step == 0")

    # One's own data: drawn, then typed
    button("▸ Own data").click()
    expect(button("Draw your own data")).to_have_attribute("aria-pressed", "false")
    button("Draw your own data").click()
    expect(button("Draw your own data")).to_have_attribute("aria-pressed", "true")
    drag(lesson, plane, [(0.3, 0.3), (0.7, 0.3), (0.7, 0.7)])
    lesson.until("panel.settings.data == 'drawn'")
    assert int(lesson.python("len(panel.settings.points)")) > 10
    lesson.screenshot("playground_drawn", out)
    drawn = int(lesson.python("len(panel.settings.points)"))
    lesson.finger(plane, [(0.3, 0.3 + 0.04 * i) for i in range(11)])
    lesson.until(f"len(panel.settings.points) > {drawn}")
    button("Draw your own data").click()
    typed = out.get_by_label("or type points x, y;")
    typed.fill("0, 0; 9, 9")
    typed.press("Enter")
    expect(out.get_by_role("alert")).to_contain_text("The point (9, 9) is outside the plane")
    typed.fill("0, 0; 1, 1")
    typed.press("Enter")
    lesson.until("panel.settings.points == ((0, 0), (1, 1))")

    # The page is loaded again: the same state; another cell run leaves no task behind
    lesson.reload()
    plane = lesson.output("panel = playground").locator("canvas[data-part=plane]").first
    expect(plane).to_be_visible()
    assert lesson.python("panel.settings.data") == "'drawn'"
