"""What makes one-pass training fastest on this machine: measured once, then remembered."""

import itertools
import json
import os
import platform
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import platformdirs
import torch

from gan_lessons import onepass, training
from gan_lessons.errors import UserError
from gan_lessons.files import written_aside
from gan_lessons.training import RECIPES, Settings, Trainer

WORTH = 1.05  # a lever has to give so many times the steps, or it is left alone
STEPS, ROUNDS = 8, 3
LEVERS = ("precision", "workers", "cuda_graphs")  # settings
Levers = dict[str, Any]


def cores() -> int:
    """Processor cores that this process may use."""
    allowed = getattr(os, "sched_getaffinity", None)
    return len(allowed(0)) if allowed else os.cpu_count() or 1


def levers(device: str = "cpu", memory: Path | None = None) -> Levers:
    """The settings `LEVERS` of the fastest step here, by a measurement of some seconds.

    Later calls remember it: two runs of the same command must not differ by the machine's mood.

    Args:
        device: one of `training.DEVICES`.
        memory: the file that remembers; the default is in the user's cache.

    Raises:
        UserError: this machine has no such device.
    """
    training.place(device)
    memory = memory or Path(platformdirs.user_cache_dir("gan-lessons")) / f"levers-{device}.json"
    machine = f"{platform.machine()}, {cores()} cores, PyTorch {torch.__version__}"
    try:
        known = json.loads(memory.read_text(encoding="utf-8"))
        if known["machine"] == machine and known["levers"] in candidates(device):
            return dict(known["levers"])
    except (OSError, ValueError, KeyError, TypeError):
        pass  # what is damaged is measured again
    found = fastest(measure(candidates(device), device))
    try:
        with written_aside(memory) as aside:
            aside.write_text(json.dumps({"machine": machine, "levers": found}), encoding="utf-8")
    except (UserError, OSError):
        pass  # a cache that cannot be written costs a measurement, nothing else
    return found


def candidates(device: str = "cpu") -> list[Levers]:
    """What is tried on a device, the plainest first; only a CPU has cores to share out."""
    workers = (1, 2) if device == "cpu" and cores() > 1 else (1,)
    cuda_graphs = ("off", "on") if device == "cuda" else ("off",)
    tried = itertools.product(onepass.PRECISIONS, workers, cuda_graphs)
    return [dict(zip(LEVERS, each, strict=True)) for each in tried]


def fastest(measured: Iterable[tuple[Levers, float]]) -> Levers:
    """The levers with the most steps a second, where they are worth it; else the plainest."""
    (best, rate), *others = measured
    for levers, steps in others:
        if steps > WORTH * rate:
            best, rate = levers, steps
    return best


def measure(candidates: Iterable[Levers], device: str = "cpu") -> list[tuple[Levers, float]]:
    """Steps a second of each that the device can do, the best of some short rounds in turns."""
    digits = torch.rand(64, 1, 28, 28, generator=torch.Generator().manual_seed(0)) * 2 - 1
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    runs = []
    try:
        for levers in candidates:
            try:
                runs.append((levers, _run(digits, levers, device)))
            except RuntimeError:  # an older GPU has no bfloat16, or records nothing
                if not runs:
                    raise
        rounds = [[_rate(run) for _, run in runs] for _ in range(ROUNDS)]
    finally:
        torch.set_num_threads(threads)
    return [(levers, max(rates)) for (levers, _), *rates in zip(runs, *rounds, strict=True)]


def _run(digits: torch.Tensor, levers: Levers, device: str) -> Trainer:
    settings: Settings = replace(RECIPES["fast"], device=device, **levers)
    run = Trainer(digits, settings)
    run.train_step(run.together)  # allocates, and records
    return run


def _rate(run: Trainer) -> float:
    first = run.step
    began = time.perf_counter()
    while run.step < first + STEPS:
        run.train_step(run.together)
    return (run.step - first) / (time.perf_counter() - began)
