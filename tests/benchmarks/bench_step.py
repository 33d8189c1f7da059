"""A training step of the recipe `fast`: what each lever gives, and how near it is to the limit.

The limit is what matrix products of the same processor reach in float32 on one thread.
"""

import time
from collections.abc import Iterator
from dataclasses import replace

import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.harness import Row
from browser.harness import Jupyter
from gan_lessons.data import load_digits
from gan_lessons.methods import RECIPES
from gan_lessons.training import Trainer
from gan_lessons.training.workers import Workers

STEPS, REPEATS, SIDE = 30, 5, 1024
FAST = RECIPES["fast"]
IN_TURN = replace(  # `dcgan` with the rates of `fast`
    RECIPES["dcgan"], lr_discriminator=FAST.lr_discriminator, lr_decay=FAST.lr_decay
)
PLAIN, ALL = "in turn (plain loop)", "one pass, bfloat16, two workers"
THREADS = "one pass, bfloat16, two threads in each operation"
WHOLE = replace(FAST, precision="bfloat16", workers=2)
VARIANTS = {
    PLAIN: IN_TURN,
    "one pass": FAST,
    "one pass, bfloat16": replace(FAST, precision="bfloat16"),
    "one pass, two workers": replace(FAST, workers=2),
    ALL: WHOLE,
    f"{ALL}, not channels-last": WHOLE,
    f"{ALL}, Adam not fused": WHOLE,
    THREADS: replace(WHOLE, workers=1),
}


def start(name: str, images: torch.Tensor) -> Trainer:
    """A run with those settings."""
    run = Trainer(images, VARIANTS[name])
    if name.endswith("not channels-last"):
        workers: Workers = run.method.workers  # type: ignore[attr-defined]
        for network in (each for copy in workers.networks for each in copy.values()):
            network.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    if name.endswith("not fused"):
        for optimizer in (run.optimizer_generator, run.optimizer_discriminator):
            optimizer.param_groups[0]["fused"] = False
    return run


def rate(run: Trainer, threads: int, steps: int = STEPS) -> float:
    """Steps a second."""
    torch.set_num_threads(threads)
    began = time.perf_counter()
    for _ in range(steps):
        run.train_step()
    spent = time.perf_counter() - began
    torch.set_num_threads(1)
    return steps / spent


def product() -> float:
    """Floating-point operations a second of a matrix product."""
    a = torch.randn(SIDE, SIDE)
    a @ a
    began = time.perf_counter()
    for _ in range(4):
        a @ a
    return 4 * 2 * SIDE**3 / (time.perf_counter() - began)


def operations(images: torch.Tensor) -> float:
    """Floating-point operations of a step of both players in turn, its penalty left out."""
    run = Trainer(images, replace(RECIPES["dcgan"], penalty="none"))
    with FlopCounterMode(display=False) as counter:
        run.train_step()
    return float(counter.get_total_flops())


def rows(jupyter: Jupyter) -> Iterator[Row]:
    images = load_digits(announce=False).images
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    runs = {name: start(name, images) for name in VARIANTS}
    rates: dict[str, list[float]] = {name: [] for name in runs}
    limits = []
    for repeat in range(1 + REPEATS):
        limits.append(product())
        for name, run in runs.items():
            rates[name].append(rate(run, 2 if name == THREADS else 1))
        if repeat == 0:  # the first round warms up
            limits.clear()
            for each in rates.values():
                each.clear()
    torch.set_num_threads(threads)
    for name in list(VARIANTS)[1:5]:
        what = f"step, {name} : in turn"
        yield Row(what, rates[name], rates[PLAIN], "steps/s", "ours faster: < 1")
    for name in list(VARIANTS)[5:]:
        yield Row(f"step, {ALL} : {name}", rates[ALL], rates[name], "steps/s", "ours faster: < 1")
    flops = operations(images)
    for name in (PLAIN, "one pass, bfloat16"):
        reached = [flops * steps / 1e9 for steps in rates[name]]
        limit = [each / 1e9 for each in limits]
        what = f"useful operations of a step, {name} : matrix product"
        yield Row(what, reached, limit, "Gflop/s", "usual/ours ≤ 2 (50 %)")
