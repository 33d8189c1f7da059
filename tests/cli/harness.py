"""Commands in this process, where a traceback is the test's own, and in one of their own."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from gan_lessons import pretrained
from gan_lessons.cli import main
from gan_lessons.training import read_checkpoint

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="Unix signals and limits")


def command(
    *arguments: str, environment: dict[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    """Run a command in its own process."""
    return subprocess.run(
        [sys.executable, "-m", "gan_lessons.cli", *arguments],
        capture_output=True,
        text=True,
        check=False,
        encoding="utf-8",
        env=os.environ | {"PYTHONIOENCODING": "utf-8"} | (environment or {}),
    )


def one_sentence(errors: str) -> str:
    """What is on stderr, which has to be one sentence of the command."""
    assert errors.startswith("gan-lessons"), errors
    assert errors.endswith(".\n"), errors
    assert errors.count("\n") == 1, errors
    return errors


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one sentence on stderr with which a command ends, by exit code 2."""
    capsys.readouterr()
    code = main(arguments)
    errors = capsys.readouterr().err
    assert code == 2, errors
    return one_sentence(errors)


def contents(folder: Path) -> dict[str, bytes]:
    """What a run has left; its lock, which is hidden, says nothing."""
    files = (path for path in folder.iterdir() if path.name != ".lock")
    return {path.name: path.read_bytes() for path in files}


# Runs

STEPS = "40"
# The command, saving more often than every five seconds.
EAGER = (
    "import signal, sys\n"
    "from gan_lessons import cli\n"
    "from gan_lessons.cli import train\n"
    "train.SAVE_EVERY = 0.05\n"
    "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a shell's & switches it off
    "sys.exit(cli.main())\n"
)


def start(folder: Path, *arguments: str) -> "subprocess.Popen[str]":
    """Begin to train into the folder's ``run``."""
    return subprocess.Popen(
        [sys.executable, "-c", EAGER, "train", *arguments, "--out", "run"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env=os.environ | {"GAN_LESSONS_DATA": "bundled", "PYTHONIOENCODING": "utf-8"},
    )


def train(folder: Path, *arguments: str) -> tuple[int, str, str]:
    """Train into the folder's ``run``; the exit code, stdout and stderr."""
    with start(folder, *arguments) as process:
        output, errors = process.communicate(timeout=120)
    return process.returncode, output, errors


def wait_for_steps(run: Path, process: "subprocess.Popen[str]") -> None:
    """Return when the run has a checkpoint later than the one that it begins with."""
    checkpoint, first = run / "checkpoint.pt", None
    deadline = time.monotonic() + 60
    while True:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        changed = checkpoint.stat().st_mtime_ns if checkpoint.exists() else None
        first = first or changed
        if changed != first:
            return
        time.sleep(0.005)


def assert_same_run(a: Path, b: Path) -> None:
    """Two runs' folders hold the same weights, to the last bit."""
    one, other = (read_checkpoint(run / "checkpoint.pt") for run in (a, b))
    assert one["step"] == other["step"]
    for part in ("generator", "discriminator", "generator_ema"):
        for name, tensor in one[part].items():
            assert torch.equal(tensor, other[part][name]), (part, name)
    assert pretrained.load_generator(a / "generator.safetensors")
