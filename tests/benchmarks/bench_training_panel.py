"""Training a DCGAN with its live view on, against the same steps with no view at all."""

from ast import literal_eval
from collections.abc import Iterator

from benchmarks.harness import Row
from browser.harness import Jupyter

SECONDS, REPEATS = 6, 3

PANEL = """
import asyncio, time, torch
from gan_lessons.data import load_digits
from gan_lessons.widgets import TrainingPanel
torch.set_num_threads(1)
panel = TrainingPanel(load_digits().images)
panel.step(20)
off = panel.trainer.branch()
panel
"""
MEASURE = f"""
rates = dict(on=[], off=[], frames=[])
for _ in range({REPEATS}):
    steps, frames, began = panel.live.step_now, panel.live.drawn, time.perf_counter()
    panel.live.play()
    await asyncio.sleep({SECONDS})
    spent = time.perf_counter() - began
    rates["on"].append((panel.live.step_now - steps) / spent)
    rates["frames"].append((panel.live.drawn - frames) / spent)
    panel.live.pause()
    steps, began = off.step, time.perf_counter()
    while (spent := time.perf_counter() - began) < {SECONDS}:
        off.train_step()
    rates["off"].append((off.step - steps) / spent)
"""


def rows(jupyter: Jupyter) -> Iterator[Row]:
    """Steps a second on and off, measured in turn; pictures a second while training."""
    with jupyter.cells(PANEL, MEASURE) as lesson:
        lesson.run_all(timeout=120)
        rates = literal_eval(lesson.python("rates"))
    yield Row("DCGAN steps, view on : off", rates["on"], rates["off"], "steps/s", "≥ 0.8")
    yield Row("DCGAN pictures while training", rates["frames"], [], "1/s", "≥ 3")
