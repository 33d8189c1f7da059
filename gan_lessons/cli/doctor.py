"""``gan-lessons doctor``: is this machine fit for the course?

A notebook asks the same by `examine`.
"""

import os
import platform
import shutil
import sys
from argparse import Namespace
from dataclasses import dataclass
from pathlib import Path

from gan_lessons.commandline import Commands
from gan_lessons.errors import UserError

NEEDED_GB = 1.0  # for runs and downloaded data


def add(commands: Commands) -> None:
    text = "Check this machine, and say what to do about each problem."
    commands.add_parser("doctor", help=text, description=text).set_defaults(run=run)


def run(_: Namespace) -> int:
    checks = examine()
    for check in checks:
        print(check)
    problems = sum(not check.good for check in checks)
    print("All is well." if problems == 0 else f"Problems: {problems}.")
    return 1 if problems else 0


@dataclass(frozen=True)
class Check:
    """One thing looked at; ``advice`` says what to do where it is not good."""

    name: str
    found: str
    good: bool = True
    advice: str = ""

    def __str__(self) -> str:
        if self.good:
            return f"ok      {self.name}: {self.found}"
        return f"PROBLEM {self.name}: {self.found}\n        {self.advice}"


def examine() -> list[Check]:
    """Look at everything that the course needs."""
    return [_python(), *_packages(), _device(), _threads(), _speed(), _data(), _disk(), _weights()]


def _python() -> Check:
    found = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    return Check("Python", found, sys.version_info >= (3, 11), "Install Python 3.11 or newer.")


def _packages() -> list[Check]:
    import importlib.metadata

    checks = []
    for name, reason in (
        ("torch", "training"),
        ("matplotlib", "figures"),
        ("ipywidgets", "controls"),
        ("jupyterlab", "reading the lessons"),
        ("ipykernel", "running the lessons"),
    ):
        try:
            checks.append(Check(name, importlib.metadata.version(name)))
        except importlib.metadata.PackageNotFoundError:
            advice = "Install the course again: make lab, or pip install -e .[lab]"
            checks.append(Check(name, f"missing (for {reason})", False, advice))
    return checks


def _device() -> Check:
    import torch

    if torch.cuda.is_available():
        return Check("device", f"CPU; a GPU is here too ({torch.cuda.get_device_name()})")
    if torch.backends.mps.is_available():
        return Check("device", "CPU; Apple's GPU is here too")
    return Check("device", "CPU, which is all that the course needs")


def _threads() -> Check:
    import torch

    threads, cores = torch.get_num_threads(), os.cpu_count() or 1
    advice = f"More threads than cores slow training down: set OMP_NUM_THREADS={cores}."
    found = f"{threads} for PyTorch, {cores} cores"
    return Check("threads", found, threads <= cores, advice)


def _speed() -> Check:
    from gan_lessons.methods import OnePassSettings
    from gan_lessons.training.autotune import autotune

    found = autotune(OnePassSettings())
    workers = "1 worker" if found.workers == 1 else f"{found.workers} workers"
    return Check("fastest training", f"{found.precision}, {workers} (measured once, kept)")


def _data() -> Check:
    from gan_lessons import data

    try:
        chosen = next(row for row in data.status() if row.in_use)
        data.load_digits(announce=False)
    except UserError as error:
        advice = f"Mend it, or unset {data.digits.VARIABLE} to use the digits of the install."
        return Check("data", str(error), False, advice)
    return Check("data", f"{chosen.text} [{chosen.name}]")


def _disk() -> Check:
    free = shutil.disk_usage(Path.cwd()).free / 1e9
    advice = f"Free some space: runs and data need about {NEEDED_GB:g} GB."
    return Check("disk", f"{free:.1f} GB free here", free >= NEEDED_GB, advice)


def _weights() -> Check:
    from gan_lessons import pretrained

    try:
        for name in pretrained.names():
            pretrained.load_generator(name)
    except UserError as error:
        return Check("weights", str(error), False, "Get a fresh copy of the course.")
    found = ", ".join(pretrained.names())
    return Check("weights", found or "none", bool(found), "Get a fresh copy of the course.")
