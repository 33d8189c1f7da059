"""Quality against time: `fast` and `dcgan` beside public recipes, same data, classifier, seconds.

A minute of training each, one after the other, with the Fréchet distance of the shipped classifier
at some moments (measuring does not count). Also writes gan_lessons/tables/quality.json, which
lesson 07 draws, and docs/quality.png. More is seen by
`GAN_LESSONS_BENCH_SECONDS=240 GAN_LESSONS_BENCH_SEEDS=5 make bench`.
"""

import json
import math
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise

import torch
import torch.nn.functional as F

from benchmarks.harness import Row
from benchmarks.public_recipes import RECIPES as PUBLIC
from benchmarks.public_recipes import USUAL
from browser.harness import ROOT, Jupyter
from gan_lessons import metrics, plotting, pretrained
from gan_lessons.data import load_digits
from gan_lessons.methods import RECIPES
from gan_lessons.training import Diverged, Trainer
from gan_lessons.training.autotune import autotune

SECONDS = float(os.environ.get("GAN_LESSONS_BENCH_SECONDS", "60"))
SEEDS = range(int(os.environ.get("GAN_LESSONS_BENCH_SEEDS", "3")))
MOMENTS = 8
GOOD = 50.0  # Fréchet distance that counts as readable
SAMPLES = 2000
STORED = ROOT / "gan_lessons" / "tables" / "quality.json"

Curve = list[tuple[float, float]]  # seconds of training, Fréchet distance


def distance(trainer: Trainer) -> float:
    """Of digits of the average (public recipes: of the generator itself), resized to 28 × 28."""
    s = trainer.settings
    z = pretrained.noise(SAMPLES, s, seed=1)
    images = trainer.sample(z, ema=s.ema_decay > 0)
    images = F.interpolate(images.float(), (28, 28), mode="area").clamp(-1, 1)
    return metrics.report(images.nan_to_num()).frechet


def curve(trainer: Trainer) -> Curve:
    """Train to the end, and measure at moments that lie closer together early on.

    A run that diverges stays where it is: that counts.
    """
    found: Curve = []
    for i in range(1, MOMENTS + 1):
        moment = SECONDS * (i / MOMENTS) ** 2
        with suppress(Diverged):
            while trainer.elapsed < moment:
                trainer.train_step()
        found.append((round(max(trainer.elapsed, moment), 2), round(distance(trainer), 3)))
    return found


def start(name: str, seed: int) -> Trainer:
    """A run of ours or of a public recipe that has not begun."""
    images = load_digits(announce=False).images
    if name in RECIPES:
        settings = replace(RECIPES[name], seconds=SECONDS, seed=seed)
        if name == "fast":
            settings = autotune(settings)
        return Trainer(images, settings)
    recipe = PUBLIC[name]
    settings = replace(
        USUAL,
        seed=seed,
        batch_size=recipe.batch_size,
        lr_generator=recipe.lr,
        lr_discriminator=recipe.lr,
    )
    torch.manual_seed(seed)
    networks = recipe.networks()
    if recipe.side != 28:
        size = (recipe.side, recipe.side)
        images = F.interpolate(images, size, mode="bilinear", align_corners=False)
    return Trainer(images, settings, networks)


def seconds_to(found: Curve, good: float = GOOD) -> float:
    """Seconds until the distance is that small, on straight lines between the moments as drawn on
    logarithmic axes; the whole budget where it never was."""
    for (earlier, worse), (later, better) in pairwise([(found[0][0], math.inf), *found]):
        if better <= good:
            share = math.log(worse / good) / math.log(worse / better) if worse < math.inf else 1
            return float(earlier * (later / earlier) ** share)
    return SECONDS


def rows(jupyter: Jupyter) -> Iterator[Row]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    curves: dict[str, list[Curve]] = {name: [] for name in ("fast", "dcgan", *PUBLIC)}
    for seed in SEEDS:
        for name, runs in curves.items():
            runs.append(curve(start(name, seed)))
            print(f"  {name}, seed {seed}: {runs[-1][-1][1]:.1f}", flush=True)
    torch.set_num_threads(threads)
    STORED.write_text(json.dumps(curves, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    (ROOT / "docs" / "quality.png").write_bytes(plotting.png(plotting.races(curves), dpi=120))

    def last(name: str) -> Sequence[float]:
        return [run[-1][1] for run in curves[name]]

    for name in ("dcgan", *PUBLIC):
        yield Row(
            f"Fréchet distance after {SECONDS:.0f} s: fast, {name}", last("fast"), last(name), ""
        )
        ours, theirs = ([seconds_to(run) for run in curves[each]] for each in ("fast", name))
        what = f"seconds to a distance of {GOOD:.0f} (at most {SECONDS:.0f}): fast, {name}"
        yield Row(what, ours, theirs, unit="s")
