"""Streams that do not take what is written cost no result, and no traceback."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from cli.harness import POSIX, STEPS, command, one_sentence
from gan_lessons.cli import main

GAN_LESSONS = [sys.executable, "-m", "gan_lessons.cli"]
TRAIN = ["train", "--recipe", "dense", "--steps", "2", "--out", "run"]


def no_room() -> None:
    """In a child before it starts: no file can grow, as on a full disk."""
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


@POSIX
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("words", [["--help"], ["sample", "--help"], ["data", "status"]])
def test_stdout_on_a_full_disk_is_one_sentence(
    here: Path, words: list[str], unbuffered: str
) -> None:
    with (here / "out").open("wb") as full:
        end = subprocess.run(
            [*GAN_LESSONS, *words],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            env=os.environ | {"PYTHONUNBUFFERED": unbuffered},
            preexec_fn=no_room,
        )
    assert end.returncode == 2
    assert "File too large" in one_sentence(end.stderr)


@POSIX
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("words", [["--help"], ["data", "status"]])
def test_stdout_that_nobody_reads_is_one_sentence(words: list[str], unbuffered: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)  # as `| head` does when it has enough
    environment = os.environ | {"PYTHONUNBUFFERED": unbuffered}
    end = subprocess.run(
        [*GAN_LESSONS, *words],
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        env=environment,
    )
    os.close(writer)
    assert end.returncode == 2
    assert "Broken pipe" in one_sentence(end.stderr)


@POSIX
def test_a_mistake_on_a_full_disk_is_still_the_mistake(here: Path) -> None:
    with (here / "out").open("wb") as full:
        end = subprocess.run(
            [*GAN_LESSONS, "train", "--recipe", "wgan"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            env=os.environ | {"PYTHONUNBUFFERED": ""},
            preexec_fn=no_room,
        )
    assert end.returncode == 2
    assert "There is no recipe 'wgan'" in one_sentence(end.stderr)


@POSIX
@pytest.mark.parametrize("closed", [(2,), (0, 1, 2)], ids=str)
def test_training_with_closed_streams_has_its_result(here: Path, closed: tuple[int, ...]) -> None:
    line = [*GAN_LESSONS, *TRAIN]
    shut = " ".join(f"{number}>&-" for number in closed)
    end = subprocess.run(["sh", "-c", f'exec "$@" {shut}', "sh", *line], check=False)
    assert end.returncode == 0
    assert (here / "run" / "samples.png").read_bytes().startswith(b"\x89PNG")
    assert (here / "run" / "generator.safetensors").stat().st_size > 1000


@POSIX
def test_training_whose_bar_nobody_reads_has_its_result(here: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    end = subprocess.run([*GAN_LESSONS, *TRAIN], stdout=subprocess.PIPE, stderr=writer, check=False)
    os.close(writer)
    assert end.returncode == 0
    assert b"Done: 2 steps" in end.stdout
    assert (here / "run" / "samples.png").exists()


@pytest.mark.parametrize(
    "environment",
    [
        {"PYTHONIOENCODING": "ascii"},
        {"PYTHONIOENCODING": "", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    ],
    ids=["ascii", "C"],
)
def test_a_terminal_of_few_characters_gets_the_numbers(environment: dict[str, str]) -> None:
    digits = np.random.default_rng(0).integers(0, 255, (70, 28, 28), dtype=np.uint8)
    np.save("a.npy", digits)
    end = command("evaluate", "a.npy", environment=environment)
    assert end.returncode == 0, end.stderr
    assert end.stdout.startswith("Fr?chet distance ")


def test_a_name_that_a_terminal_cannot_show(here: Path) -> None:
    cp437 = {"PYTHONIOENCODING": "cp437", "PYTHONUTF8": "1"}
    end = command("sample", "-n", "2", "--out", "–.npy", environment=cp437)
    assert (end.returncode, end.stdout) == (0, "2 pictures are in ?.npy.\n")
    assert [path.name for path in here.iterdir()] == ["–.npy"]


@POSIX
def test_bytes_that_are_no_text(here: Path) -> None:
    """They may name a file; where they cannot be what is asked for, that is one sentence."""
    name = os.fsdecode(b"\xff.npy")
    end = command("sample", "-n", "2", "--out", name)
    assert (end.returncode, end.stderr) == (0, "")
    assert np.load(here / name).shape == (2, 28, 28)
    code = (  # in one process, because each has to import PyTorch
        "import os, sys\n"
        "from gan_lessons.cli import main\n"
        "bad = os.fsdecode(b'\\xff')\n"
        "lines = [['train', '--recipe', bad], ['sample', '--out', bad], ['evaluate', bad],\n"
        "         ['data', 'download', '--mirror', 'http://' + bad + '/']]\n"
        "sys.exit(sum(main(line) == 2 for line in lines))\n"
    )
    end = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert end.returncode == 4
    sentences = end.stderr.splitlines(keepends=True)
    assert len(list(map(one_sentence, sentences))) == 4


def test_pictures_need_no_window_system(here: Path) -> None:
    end = command("sample", "--out", "a.png", environment={"MPLBACKEND": "nonsense"})
    assert end.returncode == 0, end.stderr
    assert (here / "a.png").read_bytes().startswith(b"\x89PNG")


def test_a_line_break_in_an_argument_breaks_no_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    for line in (["evaluate", "a\nb\n.npy"], ["train", "--steps", "1", "a\nb"]):
        assert main(line) == 2
        one_sentence(capsys.readouterr().err)


def test_a_call_from_python_leaves_the_process_alone(
    finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import signal

    monkeypatch.setenv("MPLBACKEND", "agg")
    before = (sys.stdout, sys.stderr, signal.getsignal(signal.SIGINT), dict(os.environ))
    assert main(["train", "--steps", STEPS, "--seed", "3", "--out", str(finished)]) == 0
    after = (sys.stdout, sys.stderr, signal.getsignal(signal.SIGINT), dict(os.environ))
    assert after == before
