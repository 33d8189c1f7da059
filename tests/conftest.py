"""A check that could not run is a failure: a skip counts as one, but for Windows (no signals)."""

import os
import signal
import sys

import pytest
import torch

os.environ["GAN_LESSONS_PROGRESS"] = "off"  # what tests get right is not the learner's progress
# A shell lets what it starts in the background, as `make test` does, ignore Ctrl-C; and so would
# all that is started here, some of which is interrupted on purpose.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

_SKIPPED: list[str] = []


def pytest_runtest_setup() -> None:
    torch.manual_seed(0)  # what a test draws does not depend on those that this process ran before


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.skipped and sys.platform != "win32":
        _SKIPPED.append(report.nodeid)


def pytest_sessionfinish(session: pytest.Session) -> None:
    if _SKIPPED:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for nodeid in _SKIPPED:
        terminalreporter.write_line(f"Could not run, so it failed: {nodeid}")
