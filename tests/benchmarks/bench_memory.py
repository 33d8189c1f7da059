"""Peak memory of training, each in a process of its own."""

import subprocess
import sys
from collections.abc import Iterator

from benchmarks.harness import Row
from browser.harness import ROOT, Jupyter

# Of this process alone: `resource.getrusage` begins with the peak of the process that started it.
PEAK = """
with open("/proc/self/status") as status:
    print(next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM:")))
"""
TRAIN = """
import torch
from benchmarks.bench_quality import start
torch.set_num_threads(1)
run = start("{name}", 0)
for _ in range(20):
    run.train_step()
"""


def peak(code: str) -> float:
    """MiB of a process that runs the code; Linux only."""
    command = [sys.executable, "-c", f"{code}\n{PEAK}"]
    out = subprocess.run(command, cwd=ROOT / "tests", text=True, stdout=subprocess.PIPE, check=True)
    return float(out.stdout.split()[-1])


def rows(jupyter: Jupyter) -> Iterator[Row]:
    bare = [peak("import torch")]
    for name in ("fast", "dcgan", "64 × 64 tutorial DCGAN"):
        yield Row(
            f"peak memory: {name} : import torch", [peak(TRAIN.format(name=name))], bare, "MiB"
        )
