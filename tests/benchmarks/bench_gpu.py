"""On a CUDA GPU: is `fast` in 3 seconds as good as in a minute here, and `best` in a minute as good
as the shipped weights? And what is a step's rate with each lever? Without such a GPU: nothing.

`best` is for all of MNIST (`gan-lessons data download`).
"""

import json
from collections.abc import Iterator
from dataclasses import replace

import torch

from benchmarks.bench_quality import SAMPLES, SEEDS, STORED, distance
from benchmarks.harness import Row
from browser.harness import Jupyter
from gan_lessons import metrics, pretrained, training
from gan_lessons.data import load_digits
from gan_lessons.methods import RECIPES
from gan_lessons.training import Settings, Trainer, method_of
from gan_lessons.training.autotune import fastest, measure

DEVICE = "cuda"
SECONDS = {"fast": 3.0, "best": 60.0}


def goals() -> dict[str, list[float]]:
    """Fréchet distances to reach: those of `fast` after its minute, that of the shipped weights."""
    runs = json.loads(STORED.read_text(encoding="utf-8"))["fast"]
    generator, settings = pretrained.load_generator("best")
    images = training.sample(generator, pretrained.noise(SAMPLES, settings, seed=1))
    return {"fast": [run[-1][1] for run in runs], "best": [metrics.report(images).frechet]}


def trained(settings: Settings) -> float:
    """The distance that a whole run ends at."""
    run = Trainer(load_digits(announce=False).images, settings)
    for _ in run.run():
        pass
    return distance(run)


def rows(jupyter: Jupyter) -> Iterator[Row]:
    if not getattr(torch, DEVICE).is_available():
        print("  no CUDA GPU here: nothing of it is measured", flush=True)
        return
    fast = replace(RECIPES["fast"], device=DEVICE)
    measured = measure(fast, method_of(fast).candidates(fast))
    (_, plain), *others = measured
    for levers, rate in others:
        yield Row(f"step on {DEVICE}, {levers} : plain", [rate], [plain], "steps/s", "faster: < 1")
    levers = fastest(measured)
    trained(replace(fast, steps=50, **levers))  # warms up
    for name, goal in goals().items():
        settings = replace(RECIPES[name], device=DEVICE, seconds=SECONDS[name], **levers)
        found = [trained(replace(settings, seed=seed)) for seed in SEEDS]
        what = f"Fréchet distance of {name}, {SECONDS[name]:.0f} s on {DEVICE} : goal"
        yield Row(what, found, goal, "", "≥ 1")
