"""Importing the whole package against importing torch alone, in fresh interpreters."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.harness import Row
from browser.harness import ROOT, Jupyter

PACKAGE = ROOT / "gan_lessons"
LEARNERS = [path for path in PACKAGE.rglob("*.py") if path.stem not in {"lessons", "site"}]
REPEATS = 5


def name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def seconds(program: str) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", program], check=True)
    return time.perf_counter() - began


def rows(jupyter: Jupyter) -> Iterator[Row]:
    ours = "import " + ", ".join(sorted(map(name, LEARNERS)))
    seconds(ours)  # from here on, files are in memory
    pairs = [(seconds(ours), seconds("import torch")) for _ in range(REPEATS)]
    here, alone = zip(*pairs, strict=True)
    yield Row("import all of gan_lessons, or torch alone", here, alone, unit="s")
