"""Run every ``bench_*.py`` of this folder, or those named, and print one table."""

import importlib
import os
import platform
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.harness import table
from browser.harness import Jupyter


def main(names: list[str]) -> None:
    every = sorted(path.stem for path in Path(__file__).parent.glob("bench_*.py"))
    rows = []
    with tempfile.TemporaryDirectory() as folder, Jupyter(Path(folder)) as jupyter:
        for name in every:
            if not names or name.removeprefix("bench_") in names:
                rows += importlib.import_module(f"benchmarks.{name}").rows(jupyter)
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    print(f"{platform.machine()}, {os.cpu_count()} cores{load}, Python {platform.python_version()}")
    print(table(rows))


if __name__ == "__main__":
    main(sys.argv[1:])
