"""Seconds of all lessons under nbval: side by side, and one after the other."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator

from benchmarks.harness import Row
from browser.harness import ROOT, Jupyter

NBVAL = [
    "-p",
    "tests.benchmarks.lesson_seconds",
    "--nbval",
    "--nbval-cell-timeout",
    "300",
    "notebooks",
]


def seconds(*options: str) -> float:
    """Of the whole run; prints what each lesson took."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "GAN_LESSONS_PROGRESS": "off"}
    began = time.monotonic()
    command = [sys.executable, "-m", "pytest", "-q", *options, *NBVAL]
    run = subprocess.run(command, cwd=ROOT, env=environment, text=True, stdout=subprocess.PIPE)
    spent = time.monotonic() - began
    if run.returncode:
        raise RuntimeError(run.stdout)
    print(run.stdout[run.stdout.index("seconds per lesson") :].split("=")[-1])
    return spent


def rows(jupyter: Jupyter) -> Iterator[Row]:
    together = seconds("-n", "logical", "--dist", "loadfile")
    alone = seconds()
    yield Row("all lessons: side by side : one by one", [together], [alone], "s", "≤ 720 s")
