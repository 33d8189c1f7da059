"""The playground against the plain loop of a tutorial, and with its view on and off."""

import time
from ast import literal_eval
from collections.abc import Iterator

import torch
from torch import nn
from torch.nn import functional as F

from benchmarks.harness import Row
from browser.harness import Jupyter
from gan_lessons.data import toys
from gan_lessons.plane import Plan, PlaneTrainer

STEPS, REPEATS, SECONDS = 400, 5, 5

PANEL = """
import asyncio, time, torch
from gan_lessons.widgets import playground
torch.set_num_threads(1)
panel = playground(arrows=True, grid=True, speed=0)
panel.step(20)
off = panel.trainer.branch()
panel
"""
MEASURE = f"""
rates = dict(on=[], off=[], frames=[])
for _ in range(3):
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


def network(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        *(nn.Linear(inputs, 32), nn.LeakyReLU(0.2)),
        *(nn.Linear(32, 32), nn.LeakyReLU(0.2), nn.Linear(32, outputs)),
    )


def plain(steps: int) -> float:
    """Steps a second of the usual loop: the same networks, data and numbers to report."""
    data = toys.ring().sample(10_000, torch.Generator().manual_seed(0))
    g, d = network(2, 2), network(2, 1)
    optimizer_g = torch.optim.Adam(g.parameters(), 2e-3, (0.0, 0.9))
    optimizer_d = torch.optim.Adam(d.parameters(), 2e-3, (0.0, 0.9))
    ones, zeros, history = torch.ones(64, 1), torch.zeros(64, 1), []
    began = time.perf_counter()
    for _ in range(steps):
        real = data[torch.randint(len(data), (64,))]
        fake = g(torch.randn(64, 2)).detach()
        real_logits, fake_logits = d(real), d(fake)
        loss_d = F.binary_cross_entropy_with_logits(real_logits, ones)
        loss_d = loss_d + F.binary_cross_entropy_with_logits(fake_logits, zeros)
        optimizer_d.zero_grad()
        loss_d.backward()
        optimizer_d.step()
        loss_g = F.binary_cross_entropy_with_logits(d(g(torch.randn(64, 2))), ones)
        optimizer_g.zero_grad()
        loss_g.backward()
        optimizer_g.step()
        answers = [logits.sigmoid().mean().item() for logits in (real_logits, fake_logits)]
        history.append((loss_d.item(), loss_g.item(), *answers))
    return steps / (time.perf_counter() - began)


def ours(steps: int) -> float:
    """Steps a second of the playground's trainer, which also measures modes and JSD."""
    run = PlaneTrainer(Plan())
    began = time.perf_counter()
    for _ in range(steps):
        run.train_step()
    return steps / (time.perf_counter() - began)


def rows(jupyter: Jupyter) -> Iterator[Row]:
    """Steps a second, taken in turns; then pictures a second in a real browser."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    pairs = [(ours(STEPS), plain(STEPS)) for _ in range(REPEATS)]
    torch.set_num_threads(threads)
    here, there = zip(*pairs, strict=True)
    yield Row("playground steps : plain loop", here, there, "steps/s", "usual/ours ≤ 0.71 (1.4 ×)")
    with jupyter.cells(PANEL, MEASURE) as lesson:
        lesson.run_all(timeout=120)
        rates = literal_eval(lesson.python("rates"))
    yield Row("playground steps, view on : off", rates["on"], rates["off"], "steps/s", "≥ 0.8")
    yield Row("playground pictures while training", rates["frames"], [], "1/s", "≥ 15")
