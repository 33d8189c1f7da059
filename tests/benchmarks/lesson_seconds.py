"""A plugin for nbval's run: how long each lesson took, in one line each."""

from collections import defaultdict
from pathlib import Path

import pytest

_SECONDS: defaultdict[str, float] = defaultdict(float)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    _SECONDS[Path(report.nodeid.split("::")[0]).stem] += report.duration


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    terminalreporter.section("seconds per lesson")
    for lesson, seconds in sorted(_SECONDS.items()):
        terminalreporter.write_line(f"{seconds:7.1f}  {lesson}")
    terminalreporter.write_line(f"{sum(_SECONDS.values()):7.1f}  together")
