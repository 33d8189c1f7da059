"""Which cell shows which panel: one that no output shows any more is closed, its memory free.

And whether a cell has begun or ended, or a hand has moved something, since an earlier moment.
"""

from collections.abc import Callable
from typing import Any, Protocol

from IPython.core.getipython import get_ipython


class Shown(Protocol):
    """What a cell can show."""

    def close(self) -> None: ...


class Cells:
    """Closes a panel once the cell that showed it has been run again.

    One that is shown elsewhere, or has a name in the notebook, stays.

    Attributes: ``moment`` (how often a cell has begun or ended, or a view of a widget, whoever
    made it, has said something), ``running`` (whether a cell is).
    """

    def __init__(self) -> None:
        self.shown: dict[str, list[Shown]] = {}
        self.moment = 0
        self.running = False
        self._now: str | None = None  # the cell that is running
        self._before: list[Shown] = []  # what it showed when it ran last
        self._shell: Any = None

    def watch(self, shell: Any) -> None:
        """Hear from this IPython shell which cells it runs; the one that runs now is the first."""
        self._shell = shell
        self.running = True
        if kernel := getattr(shell, "kernel", None):
            self._now = kernel.get_parent("shell").get("metadata", {}).get("cellId")
            handlers = kernel.shell_handlers
            handlers["comm_msg"] = self._counting(handlers["comm_msg"])
        shell.events.register("pre_run_cell", self._begin)
        shell.events.register("post_run_cell", self._end)

    def show(self, panel: Shown) -> None:
        """The running cell shows a panel."""
        if self._now is not None:
            self.shown.setdefault(self._now, []).append(panel)

    def _counting(self, handle: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*message: Any) -> Any:
            self.moment += 1
            return handle(*message)

        return counted

    def _begin(self, info: Any) -> None:
        self.moment += 1
        self.running = True
        self._now = info.cell_id
        self._before = self.shown.pop(self._now, []) if self._now is not None else []

    def _end(self, result: Any) -> None:
        for panel in self._before:
            if not self._is_there(panel):
                panel.close()
                self._forget(panel)
        self._now, self._before = None, []
        self.moment += 1
        self.running = False

    def _is_there(self, panel: Shown) -> bool:
        names = self._shell.user_ns
        named = any(names[name] is panel for name in list(names) if not name.startswith("_"))
        return named or any(each is panel for shown in self.shown.values() for each in shown)

    def _forget(self, panel: Shown) -> None:
        """Drop it from the shell's memory of results: Out, _12 and _, __, ___."""
        names, hook = self._shell.user_ns, self._shell.displayhook
        for there in (names, self._shell.user_ns_hidden, names.get("_oh", {})):
            for name in [name for name, value in there.items() if value is panel]:
                del there[name]
        for name in ("_", "__", "___"):
            if getattr(hook, name, None) is panel:
                setattr(hook, name, "")


CELLS = Cells()
if shell := get_ipython():
    CELLS.watch(shell)
