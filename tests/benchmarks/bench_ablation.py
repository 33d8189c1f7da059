"""The recipe `fast` without one ingredient each, for the same seconds: is each worth its line?

A ratio above 1 says that the digits are farther from real ones without the ingredient.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import torch

from benchmarks.bench_quality import SECONDS, SEEDS, distance
from benchmarks.harness import Row
from browser.harness import Jupyter
from gan_lessons import machine, training
from gan_lessons.data import load_digits
from gan_lessons.training import Diverged, Trainer

WITHOUT: dict[str, dict[str, Any]] = {
    "the moving average": {"ema_decay": 0.0},
    "R1": {"penalty": "none"},
    "constant rates (falling in the last 30 % instead)": {"lr_decay": "cooldown"},
    "constant rates (a cosine instead)": {"lr_decay": "cosine"},
    "β1 = 0 (0.5 instead)": {"beta1": 0.5},
    "high rates (2e-4 instead)": {"lr_generator": 2e-4, "lr_discriminator": 2e-4},
    "D slower than G (3e-3 instead)": {"lr_discriminator": 3e-3},
    "batches of 32 (128 instead)": {"batch_size": 128},
    "one pass": {"update": "in_turn", "precision": "float32", "workers": 1},
    "two workers": {"workers": 1},
    "bfloat16": {"precision": "float32"},
}


def rows(jupyter: Jupyter) -> Iterator[Row]:
    images = load_digits(announce=False).images
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    whole = replace(training.RECIPES["fast"], seconds=SECONDS, **machine.levers())
    found: dict[str, list[float]] = {name: [] for name in ("", *WITHOUT)}
    for seed in SEEDS:
        for name, distances in found.items():
            run = Trainer(images, replace(whole, seed=seed, **WITHOUT.get(name, {})))
            with suppress(Diverged):  # it stays where it is, and counts
                for _ in run.run():
                    pass
            distances.append(distance(run))
            print(
                f"  fast without {name or 'nothing'}, seed {seed}: {distances[-1]:.1f}", flush=True
            )
    torch.set_num_threads(threads)
    for name in WITHOUT:
        what = f"Fréchet distance after {SECONDS:.0f} s: fast, without {name}"
        yield Row(what, found[""], found[name], unit="", target="> 1")
