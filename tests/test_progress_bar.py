"""The progress bar: in place on a terminal, lines elsewhere, and never in the way of the work."""

import errno
import io
import os
import subprocess
import sys

import pytest

from gan_lessons.progress_bar import ProgressBar


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, in a list that the test changes."""
    now = [100.0]
    monkeypatch.setattr("gan_lessons.progress_bar.time.monotonic", lambda: now[0])
    return now


def work(clock: list[float], steps: int, seconds: float) -> None:
    """Do steps of a hundredth of a second each."""
    with ProgressBar(steps, prefix="work", unit="B") as bar:
        for step in range(1, steps + 1):
            clock[0] += seconds
            bar.update(step, f"step {step}")


def test_a_log_gets_a_line_now_and_then(
    clock: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    work(clock, 2500, 0.01)
    said = capsys.readouterr()
    assert said.out == ""
    assert "\r" not in said.err
    lines = said.err.splitlines()
    assert len(lines) == 3
    assert all(line.startswith("work: ") for line in lines)
    assert "work:  40%" in lines[0]
    assert "step 1000" in lines[0]
    assert "100%" in lines[2]
    assert "2500/2500 [00:25<00:00" in lines[2]


def test_what_is_over_at_once_gets_one_line(
    clock: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    work(clock, 3, 0.01)
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_terminal_gets_one_line_that_changes(
    clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    work(clock, 100, 0.01)
    text = terminal.getvalue()
    assert text.count("\n") == 1
    assert text.endswith("\n")
    states = text.rstrip("\n").split("\r")[1:]
    assert 8 <= len(states) <= 12  # one in a tenth of a second
    assert "100%" in states[-1]
    assert "\N{FULL BLOCK}" in states[-1]


def test_a_shorter_state_covers_a_longer_one(
    clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with ProgressBar(None, prefix="work") as bar:
        bar.update(1, "a long note about it")
        clock[0] += 1
        bar.update(2)
    first, second, _ = terminal.getvalue().split("\r")[1:]
    assert len(second) == len(first)
    assert second.endswith("     ")


def test_a_plain_terminal_gets_plain_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    terminal.encoding = "ascii"
    monkeypatch.setattr(sys, "stderr", terminal)
    with ProgressBar(10) as bar:
        bar.update(7)
    assert terminal.getvalue().isascii()


def test_nothing_is_shown_where_nothing_is_wanted(capsys: pytest.CaptureFixture[str]) -> None:
    with ProgressBar(10, show=False) as bar:
        bar.update(10)
    assert capsys.readouterr().err == ""


class Full(Terminal):
    def write(self, text: str) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class Closed(Terminal):
    def isatty(self) -> bool:
        raise ValueError("I/O operation on closed file")


@pytest.mark.parametrize("stream", [None, Full(), Closed()])
def test_a_stderr_that_cannot_be_written_is_no_error(
    clock: list[float], monkeypatch: pytest.MonkeyPatch, stream: Terminal | None
) -> None:
    monkeypatch.setattr(sys, "stderr", stream)
    work(clock, 2500, 0.01)


@pytest.mark.parametrize("end", ["2>&-", "2>/dev/full"])
def test_the_work_is_done_whatever_stderr_is(end: str) -> None:
    code = (
        "from gan_lessons.progress_bar import ProgressBar\n"
        "with ProgressBar(3) as bar:\n"
        "    for step in range(4): bar.update(step)\n"
        "print('done')\n"
    )
    run = subprocess.run(
        ["sh", "-c", f'"$0" -c "$1" {end}', sys.executable, code],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert run.stdout == "done\n"
