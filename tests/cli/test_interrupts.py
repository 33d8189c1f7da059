"""Ctrl-C: one line and exit code 130, at whatever moment; and a run is saved on the way."""

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cli.harness import POSIX, STEPS, assert_same_run, start, train, wait_for_steps
from gan_lessons.training import read_checkpoint

pytestmark = POSIX

# A shell's & switches Ctrl-C off, and tests may run behind one.
START = """
import atexit, os, signal, sys
def interrupt(*_):
    os.kill(os.getpid(), signal.SIGINT)
signal.signal(signal.SIGINT, signal.default_int_handler)
from gan_lessons.cli import main
"""
END = "\nsys.exit(main())"
AT_AN_IMPORT = """
class Interrupter:
    def find_spec(self, name, path=None, target=None):
        if name == module:
            interrupt()
module = sys.argv.pop(1)
sys.meta_path.insert(0, Interrupter())
"""
AT_WORK = """
from gan_lessons import metrics
metrics.report = interrupt
"""
TWICE = """
from gan_lessons.training import Trainer
class Interrupted(Trainer):
    def train_step(self, *steps):
        if self.step == 3:
            interrupt()
        return super().train_step(*steps)
    def save(self, path):
        if self.step > 0:
            interrupt()
        super().save(path)
from gan_lessons import training
training.Trainer = Interrupted
"""


def interrupted(code: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", START + code + END, *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    "module",
    ["argparse", "gan_lessons.cli.train", "numpy", "torch", "torch.nn", "gan_lessons.training"],
)
def test_while_modules_are_imported(here: Path, module: str) -> None:
    end = interrupted(AT_AN_IMPORT, module, "train", "--steps", "2", "--out", "run")
    assert (end.returncode, end.stderr) == (130, "gan-lessons: interrupted.\n")
    assert not (here / "run").exists()


def test_at_work() -> None:
    end = interrupted(AT_WORK, "evaluate", "dcgan", "-n", "70")
    assert (end.returncode, end.stderr) == (130, "gan-lessons: interrupted.\n")


def test_when_the_work_is_done() -> None:
    end = interrupted("atexit.register(interrupt)", "--version")
    assert (end.returncode, end.stderr) == (0, "")


def test_what_a_shell_started_in_the_background_goes_on() -> None:
    code = "signal.signal(signal.SIGINT, signal.SIG_IGN)" + AT_AN_IMPORT
    end = interrupted(code, "gan_lessons.data", "data", "status")
    assert (end.returncode, end.stderr) == (0, "")
    assert "in use ->" in end.stdout


def test_an_interrupted_run_is_saved_and_says_how_to_go_on(here: Path, finished: Path) -> None:
    with start(here, "--steps", STEPS, "--seed", "3") as process:
        wait_for_steps(here / "run", process)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in errors
    stopped = re.search(
        r"\ngan-lessons: Stopped after step (\d+); to go on: gan-lessons (.*)\n$", errors
    )
    assert stopped, errors
    assert read_checkpoint(here / "run" / "checkpoint.pt")["step"] == int(stopped[1])
    assert 0 < int(stopped[1]) < int(STEPS)
    assert stopped[2] == "train --resume --out run"
    code, _, errors = train(here, "--resume")
    assert code == 0, errors
    assert_same_run(here / "run", finished)


def test_a_second_time_while_the_run_is_saved(here: Path) -> None:
    end = interrupted(TWICE, "train", "--recipe", "dense", "--steps", "9", "--out", "run")
    assert end.returncode == 130
    assert end.stderr.endswith("\ngan-lessons: interrupted.\n")
    assert "Traceback" not in end.stderr
    assert read_checkpoint(here / "run" / "checkpoint.pt")["step"] == 3
