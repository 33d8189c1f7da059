"""Several processes: how much faster they train one run together, and runs of their own at once.

On as many cores as there are, one thread each. The same processes do all of it in turns: one of
them alone, each its own run, all one run. Where other programs use the cores, too, seconds of
computing (CPU) still say what a step costs each process.
"""

import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace

import torch
from torch.multiprocessing.spawn import spawn

from benchmarks.bench_step import rate
from benchmarks.harness import Row
from browser.harness import Jupyter
from gan_lessons.data import load_digits
from gan_lessons.methods import RECIPES
from gan_lessons.training import Trainer, ranks
from gan_lessons.training.autotune import cores

REPEATS = 7
WIDE = replace(RECIPES["best"], generator_width=128, discriminator_width=64)
SETTINGS = {"fast, batch 32": RECIPES["fast"], "best, batch 128": RECIPES["best"]}
SETTINGS |= {"best, twice as wide": WIDE}
Measured = dict[str, dict[str, list[tuple[float, float]]]]


def timed(run: Trainer, steps: int) -> tuple[float, float]:
    """Steps a second, and milliseconds of computing for each."""
    began = time.process_time()
    speed = rate(run, 1, steps)
    return speed, 1e3 * (time.process_time() - began) / steps


def measure(rank: int, size: int, folder: str, steps: dict[str, int]) -> None:
    """One of the processes; leaves steps a second of each way in a file."""
    torch.set_num_threads(1)
    images = load_digits(announce=False).images
    found: Measured = {}
    with ranks.joined(f"file://{folder}/meeting", rank, size) as group:
        for name, settings in SETTINGS.items():
            own, shared = Trainer(images, settings), Trainer(images, settings, ranks=group)
            ways: dict[str, list[tuple[float, float]]] = {"alone": [], "own": [], "shared": []}
            for _ in range(1 + REPEATS):
                group.any(False)  # all begin together
                if rank == 0:
                    ways["alone"].append(timed(own, steps[name]))
                group.any(False)
                ways["own"].append(timed(own, steps[name]))
                group.any(False)
                ways["shared"].append(timed(shared, steps[name]))
            found[name] = {way: measured[1:] for way, measured in ways.items()}
    torch.save(found, f"{folder}/{rank}")


def rows(jupyter: Jupyter) -> Iterator[Row]:
    size = cores()
    if size == 1:
        return
    steps = dict(zip(SETTINGS, (40, 8, 4), strict=True))
    with tempfile.TemporaryDirectory() as folder:
        spawn(measure, (size, folder, steps), nprocs=size)
        found = [torch.load(f"{folder}/{rank}", weights_only=True) for rank in range(size)]
    for name in SETTINGS:
        alone, alone_cpu = zip(*found[0][name]["alone"], strict=True)
        shared, shared_cpu = zip(*found[0][name]["shared"], strict=True)
        every = zip(*(one[name]["own"] for one in found), strict=True)
        own = [sum(speed for speed, _ in runs) for runs in every]
        yield Row(f"{name}: {size} ranks of one run : 1 process", shared, alone, "steps/s", "< 1")
        what = f"{name}: {size} runs at once, steps of all : 1 process"
        yield Row(what, own, alone, "steps/s", f"≈ {1 / size:.2f}")
        what = f"{name}: computing of a step, each of {size} ranks : 1 process"
        yield Row(what, shared_cpu, alone_cpu, "ms", f"towards {size}")
