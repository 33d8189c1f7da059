"""Several processes train one run: what torchrun starts, and what happens when one of them ends."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from cli.harness import EAGER, POSIX, wait_for_steps
from gan_lessons.cli import main
from gan_lessons.training import read_checkpoint

SMALL = [
    "--set",
    "generator_width=8",
    "--set",
    "discriminator_width=8",
    "--set",
    "batch_size=8",
    "--set",
    "latent_dim=8",
]
NOTHING = "There is nothing to resume in run; leave --resume out to start."
LIMIT = 90  # seconds in which the others notice, on a busy machine
# The command, as one of two processes that meet at a file: a port could be taken.
ONE_OF_TWO = """
import atexit
atexit.register(print, "Python ends as usual", file=sys.stderr)
from gan_lessons.training import ranks
store, rank, joined = "file://" + sys.argv.pop(1), int(sys.argv.pop(1)), ranks.joined
ranks.joined = lambda: joined(store, rank, 2)
ranks.PATIENCE = 20.0
"""


def start(folder: Path, rank: int, *arguments: str) -> "subprocess.Popen[str]":
    """One of two processes that train into the folder's ``run``."""
    code = EAGER.replace("sys.exit", ONE_OF_TWO + "sys.exit")
    meeting = [str(folder / "meeting"), str(rank)]
    return subprocess.Popen(
        [sys.executable, "-c", code, *meeting, "train", *arguments, "--out", "run"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env=os.environ | {"GAN_LESSONS_DATA": "bundled", "PYTHONIOENCODING": "utf-8"},
    )


def ends(*processes: "subprocess.Popen[str]") -> list[tuple[int, str, str]]:
    """Exit code, stdout and stderr of each."""
    deadline = time.monotonic() + LIMIT
    found = []
    for process in processes:
        output, errors = process.communicate(timeout=max(deadline - time.monotonic(), 1))
        assert "ends as usual" not in errors, "gloo's threads abort a rank, now and then"
        found.append((process.returncode, output, errors))
    return found


def test_torchrun_trains_the_run_of_a_single_process(here: Path) -> None:
    arguments = ["train", "--recipe", "fast", "--steps", "8", *SMALL, "--set", "workers=1"]
    arguments += ["--set", "precision=float32"]
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    end = subprocess.run(
        [*torchrun, "--nproc-per-node", "2", "-m", "gan_lessons", *arguments, "--out", "two"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert end.returncode == 0, end.stderr
    assert "Traceback" not in end.stderr
    assert end.stdout.count("Done: 8 steps") == 1  # one of them speaks
    assert sorted(path.name for path in (here / "two").glob("[!.]*")) == [
        "checkpoint.pt",
        "generator.safetensors",
        "samples.png",
    ]
    assert main([*arguments, "--out", "one"]) == 0
    two, one = (read_checkpoint(here / each / "checkpoint.pt") for each in ("two", "one"))
    assert two["settings"] == one["settings"]
    for name, weights in one["generator"].items():
        assert torch.allclose(two["generator"][name], weights, atol=1e-4), name
    assert torch.equal(two["rng"], one["rng"])


@POSIX
def test_a_killed_process_ends_the_job_and_the_run_goes_on_with_one(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--steps", "400", *SMALL]
    with start(here, 0, *arguments) as first, start(here, 1, *arguments) as second:
        wait_for_steps(here / "run", first)
        second.kill()
        (code, _, errors), _ = ends(first, second)
    assert code == 2, errors
    assert "Traceback" not in errors
    sentence = errors.splitlines()[-1]
    assert sentence.startswith("gan-lessons: Contact with another process of this run was lost")
    assert sentence.endswith("to go on: gan-lessons train --resume --out run")
    step = read_checkpoint(here / "run" / "checkpoint.pt")["step"]
    assert 0 < step < 400
    assert main(["train", "--resume", "--out", "run"]) == 0
    assert f"run holds this run, at step {step}: going on." in capsys.readouterr().out
    assert read_checkpoint(here / "run" / "checkpoint.pt")["step"] == 400


@POSIX
def test_one_that_does_not_answer_is_not_waited_for_for_ever(here: Path) -> None:
    arguments = ["--steps", "4000", *SMALL]
    with start(here, 0, *arguments) as first, start(here, 1, *arguments) as second:
        wait_for_steps(here / "run", first)
        second.send_signal(signal.SIGSTOP)
        ((code, _, errors),) = ends(first)
        second.kill()
    assert code == 2, errors
    assert "it has ended, or did not answer for 20 seconds." in errors.splitlines()[-1]
    assert read_checkpoint(here / "run" / "checkpoint.pt")["step"] > 0


@POSIX
@pytest.mark.parametrize(("who", "sign"), [(0, signal.SIGINT), (1, signal.SIGTERM)])
def test_an_interrupt_of_one_stops_all_after_the_same_step(here: Path, who: int, sign: Any) -> None:
    processes = [start(here, rank, "--steps", "4000", *SMALL) for rank in (0, 1)]
    wait_for_steps(here / "run", processes[0])
    processes[who].send_signal(sign)
    (code, _, errors), other = ends(*processes)
    assert (code, other[0]) == (130, 130), errors + other[2]
    stopped = re.search(r"gan-lessons: Stopped after step ([\d,]+); to go on: ", errors)
    assert stopped, errors
    step = int(stopped[1].replace(",", ""))
    assert read_checkpoint(here / "run" / "checkpoint.pt")["step"] == step
    assert "Stopped" not in other[2]  # one of them speaks


def test_what_the_first_refuses_ends_the_other_without_a_word(here: Path) -> None:
    processes = [start(here, rank, "--resume") for rank in (0, 1)]
    (code, _, errors), other = ends(*processes)
    assert (code, other) == (2, (2, "", ""))
    assert (
        errors == "gan-lessons: There is nothing to resume in run; leave --resume out to start.\n"
    )
    assert not (here / "run").exists()
