"""The live panel in JupyterLab: play, change the rate while it trains, pause, rewind, branch."""

import re
from collections.abc import Callable

from playwright.sync_api import Locator, expect

from browser.harness import Jupyter, Lesson, changed, settled

SMALL = """
import torch
from gan_lessons.data import load_digits
from gan_lessons.methods import GANSettings
from gan_lessons.widgets import TrainingPanel
torch.set_num_threads(1)
small = GANSettings(latent_dim=16, generator_width=12, discriminator_width=8)
"""


def steps(lesson: Lesson) -> int:
    return int(lesson.python("panel.live.step_now"))


def until_step(lesson: Lesson, step: int) -> None:
    """Wait until training has come that far; asking is also what a busy kernel must answer."""
    lesson.until(f"panel.live.step_now >= {step}")


def button(out: Locator, name: str) -> Locator:
    return out.get_by_role("button", name=name, exact=True)


def test_a_learner_steers_a_run(open_cells: Callable[..., Lesson]) -> None:
    lesson = open_cells(SMALL, "panel = TrainingPanel(load_digits().images, small)\npanel")
    lesson.run_all()
    out = lesson.output("panel = TrainingPanel")
    digits, curves = out.locator("canvas").nth(0), out.locator("img.widget-image").first
    before = settled(digits), settled(curves)
    lesson.tab_to(button(out, "Resume"))  # the last one: all the others come before it
    button(out, "Play").click()
    expect(button(out, "Pause")).to_be_visible()
    changed(digits, before[0])
    changed(curves, before[1])
    until_step(lesson, 40)

    handle = lesson.slider("rate of D, η_D", out)
    handle.focus()
    for _ in range(3):
        lesson.page.keyboard.press("ArrowLeft")  # while it trains
    mark = out.get_by_text(re.compile(r"step \d+: rate of D, η_D 0\.003 → "))
    expect(mark).to_be_visible()
    assert lesson.python("panel.live.playing") == "True"
    assert float(lesson.python("panel.trainer.settings.lr_discriminator")) < 0.0029
    lesson.screenshot("training_panel_mark")

    lesson.tab_to(button(out, "Pause"))  # from the keyboard
    lesson.page.keyboard.press("Enter")
    expect(out.get_by_role("status").filter(has_text="Paused at step")).to_be_visible()
    paused = steps(lesson)
    assert steps(lesson) == paused
    button(out, "Step").click()
    expect(
        out.get_by_role("status").filter(has_text=f"Paused at step {paused + 1}")
    ).to_be_visible()
    assert steps(lesson) == paused + 1

    button(out, "Step D").click()
    expect(out.get_by_text("D has moved and G has not")).to_be_visible()
    button(out, "Step G").click()
    expect(out.get_by_text("D has moved and G has not")).to_have_count(0)

    strip = lesson.slider("go back to", out)
    here = settled(digits)
    strip.focus()
    lesson.page.keyboard.press("Home")
    expect(out.get_by_text("Back at step 0.")).to_be_visible()
    changed(digits, here)
    assert steps(lesson) == 0
    expect(mark).to_have_count(0)
    lesson.page.keyboard.press("ArrowRight")
    expect(out.get_by_text("Back at step 25.")).to_be_visible()

    button(out, "Branch").click()
    expect(out.get_by_text("Two runs from step 25")).to_be_visible()
    handle = lesson.slider("rate of G, η_G", out)
    handle.focus()
    lesson.page.keyboard.press("PageDown")
    expect(
        out.get_by_text(re.compile("They differ in rate of G, η_G 0.003 in run 1"))
    ).to_be_visible()
    button(out, "Play").click()
    until_step(lesson, 60)
    button(out, "Pause").click()
    expect(out.get_by_role("status").filter(has_text="Paused at step")).to_be_visible()
    lesson.screenshot("training_panel_branch")
    assert (
        lesson.python("[len(run.history) == run.step for run in panel.live.runs]") == "[True, True]"
    )
    lesson.tab_to(button(out, "Keep run 2"))
    lesson.page.keyboard.press("Space")
    expect(out.get_by_text("Run 2 goes on alone.")).to_be_visible()


def test_interrupt_reload_second_tab_and_deletion(open_cells: Callable[..., Lesson]) -> None:
    lesson = open_cells(
        SMALL,
        "import asyncio",
        "panel = TrainingPanel(load_digits().images, small)\npanel",
    )
    lesson.run_all()
    out = lesson.output("panel = TrainingPanel")
    button(out, "Play").click()
    until_step(lesson, 10)
    lesson.interrupt()
    expect(out.get_by_text(re.compile("Interrupted at step .* everything is kept"))).to_be_visible()
    stopped = steps(lesson)
    assert steps(lesson) == stopped > 0

    lesson.reload()
    out = lesson.output("panel = TrainingPanel")
    expect(out.get_by_text(f"Interrupted at step {stopped}")).to_be_visible()
    button(out, "Play").click()
    until_step(lesson, stopped + 5)
    with lesson.again() as second:
        other = second.output("panel = TrainingPanel")
        expect(button(other, "Pause")).to_be_visible()
        button(other, "Pause").click()
        expect(button(out, "Play")).to_be_visible()
    button(out, "Play").click()
    first = "__import__('builtins').first"
    lesson.python("setattr(__import__('builtins'), 'first', panel)")
    lesson.run("panel = TrainingPanel")  # again: a new panel, and the old one must not go on
    expect(button(lesson.output("panel = TrainingPanel"), "Play")).to_be_visible()
    lesson.until(f"not {first}.live.playing and {first}.live._task.done()")
    button(lesson.output("panel = TrainingPanel"), "Play").click()
    until_step(lesson, 5)
    lesson.delete("panel = TrainingPanel")
    lesson.until("not panel.live.playing and panel.live._task.done()")


def test_typed_numbers_files_and_divergence(jupyter: Jupyter) -> None:
    """A number out of range, a run saved and resumed in a new kernel, and one that blows up."""
    cells = (SMALL, "panel = TrainingPanel(load_digits().images, small)\npanel")
    with jupyter.cells(*cells) as first:
        first.run_all()
        out = first.output("panel = TrainingPanel")
        field = out.get_by_label(re.compile("^rate of D, η_D, a number from"))
        first.screenshot("training_panel_typed", out)
        first.tab_to(field)
        first.page.keyboard.press("Control+a")
        first.page.keyboard.type("7")
        first.page.keyboard.press("Enter")
        expect(out.get_by_role("alert")).to_contain_text(
            "rate of D, η_D = 7 is out of range. Choose from"
        )
        expect(field).to_have_value("0.003")
        field.fill("0.001")
        field.press("Enter")
        expect(out.get_by_text("step 0: rate of D, η_D 0.003 → 0.001")).to_be_visible()
        expect(out.get_by_role("alert")).to_have_count(0)
        first.python("panel.step(3)")
        button(out, "Save").click()
        expect(out.get_by_text("runs/panel.pt").first).to_be_visible()
        expect(out.get_by_role("status").filter(has_text="panel.pt")).to_be_visible()

    with jupyter.cells(*cells) as second:
        second.run_all()
        out = second.output("panel = TrainingPanel")
        button(out, "Resume").click()
        expect(out.get_by_role("status").filter(has_text="tep 3")).to_be_visible()
        assert float(second.python("panel.trainer.settings.lr_discriminator")) == 0.001

        second.allow("training diverged")
        second.python("[w.data.fill_(torch.nan) for w in panel.trainer.discriminator.parameters()]")
        button(out, "Play").click()
        alert = out.get_by_role("alert")
        expect(alert).to_contain_text("The discriminator's loss became nan at step 3")
        expect(alert).to_contain_text("You can rewind to step 3")
        button(out, "Rewind").click()
        expect(alert).to_have_count(0)
        second.python("panel.step(2)")
        assert steps(second) > 0
