"""Which settings make a method's step fastest on this machine: measured once, then remembered."""

import json
import os
import platform
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import platformdirs
import torch

from gan_lessons.errors import UserError
from gan_lessons.files import atomic_write
from gan_lessons.training.device import resolve_device
from gan_lessons.training.method import method_of
from gan_lessons.training.settings import Settings
from gan_lessons.training.trainer import Trainer

WORTH = 1.05  # a candidate has to give so many times the steps of a plainer one
STEPS, ROUNDS = 8, 3
Changes = dict[str, Any]
S = TypeVar("S", bound=Settings)


def cores() -> int:
    """Processor cores that this process may use."""
    allowed = getattr(os, "sched_getaffinity", None)
    return len(allowed(0)) if allowed else os.cpu_count() or 1


def autotune(settings: S, cache: Path | None = None) -> S:
    """The settings with the candidate of their method that is fastest here (some seconds).

    Later calls remember it, so that the same command does the same sums every time.

    Args:
        settings: of any method; without candidates they come back as they are.
        cache: the file that remembers; the default is in the user's cache.

    Raises:
        UserError: this machine has no such device.
    """
    resolve_device(settings.device)
    method = method_of(settings)
    usual = method.settings_class(device=settings.device)  # small: what is fast for it, is for all
    candidates = [each for each in method.candidates(settings) if each in method.candidates(usual)]
    if not candidates:
        return settings
    folder = Path(platformdirs.user_cache_dir("gan-lessons"))
    cache = cache or folder / f"autotune-{method.name}-{settings.device}.json"
    machine = f"{platform.machine()}, {cores()} cores, PyTorch {torch.__version__}"
    try:
        known = json.loads(cache.read_text(encoding="utf-8"))
        if known["machine"] == machine and known["fastest"] in candidates:
            return replace(settings, **known["fastest"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        pass  # what is damaged is measured again
    found = fastest(measure(usual, candidates))
    try:
        with atomic_write(cache) as aside:
            aside.write_text(json.dumps({"machine": machine, "fastest": found}), encoding="utf-8")
    except (UserError, OSError):
        pass  # a cache that cannot be written costs a measurement, nothing else
    return replace(settings, **found)


def fastest(measured: Iterable[tuple[Changes, float]]) -> Changes:
    """The candidate with the most steps a second, where it is worth it; else the plainest."""
    (best, rate), *others = measured
    for changes, steps in others:
        if steps > WORTH * rate:
            best, rate = changes, steps
    return best


def measure(settings: Settings, candidates: Iterable[Changes]) -> list[tuple[Changes, float]]:
    """Steps a second of each that the device can do, the best of some short rounds in turns."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    runs = []
    try:
        for changes in candidates:
            try:
                runs.append((changes, _run(replace(settings, **changes))))
            except RuntimeError:  # an older GPU has no bfloat16, or records nothing
                if not runs:
                    raise
        rounds = [[_rate(run) for _, run in runs] for _ in range(ROUNDS)]
    finally:
        torch.set_num_threads(threads)
    return [(changes, max(rates)) for (changes, _), *rates in zip(runs, *rounds, strict=True)]


def _run(settings: Settings) -> Trainer:
    rng = torch.Generator().manual_seed(0)
    n = 2 * settings.batch_size
    samples = torch.rand(n, 1, 28, 28, generator=rng) * 2 - 1
    run = Trainer(samples, settings)
    run.train_step(run.steps_per_sync)  # allocates, and records
    return run


def _rate(run: Trainer) -> float:
    first = run.step
    began = time.perf_counter()
    while run.step < first + STEPS:
        run.train_step(run.steps_per_sync)
    return (run.step - first) / (time.perf_counter() - began)
