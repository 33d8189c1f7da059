"""`make test` gets a browser on a machine that has none, or says what to do. Nothing is downloaded:
apt-get, sudo and Playwright are stand-ins that write down how they were called."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from browser import get_browser

PROGRAM = """#!/bin/sh
echo "{name} $*" >> "$CALLS"
[ "{name} $*" != "$GIVES" ] || /bin/mv "$READY" "$GIVEN"
"""
PLAYWRIGHT = {
    "__init__.py": "",
    "__main__.py": """
import os, sys
line = " ".join(["playwright", *sys.argv[1:]])
with open(os.environ["CALLS"], "a") as calls:
    print(line, file=calls)
if line == os.environ["GIVES"]:
    os.rename(os.environ["READY"], os.environ["GIVEN"])
""",
    "sync_api.py": """
import contextlib, os, subprocess
from types import SimpleNamespace

Browser = Playwright = object

class Error(Exception):
    pass

def launch(executable_path, **_):
    if subprocess.run([executable_path]).returncode:
        raise Error("a library is missing")
    return SimpleNamespace(version="1.0", close=lambda: None)

@contextlib.contextmanager
def sync_playwright():
    own = os.environ["FOLDER"] + "/own"
    yield SimpleNamespace(chromium=SimpleNamespace(executable_path=own, launch=launch))
""",
}
APT = (
    "apt-get -qq --option=DPkg::Lock::Timeout=300 update",
    "apt-get -qq --option=DPkg::Lock::Timeout=300 install "
    "--yes --no-install-recommends chromium fonts-dejavu-core",
)
SUDO = "sudo -n true"
WITH, WITHOUT = "playwright install --with-deps chromium", "playwright install chromium"


class Machine:
    """A machine whose PATH holds only what a test puts there."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.calls = folder, folder / "calls"
        (folder / "bin").mkdir()
        (folder / "lib" / "playwright").mkdir(parents=True)
        for name, text in PLAYWRIGHT.items():
            (folder / "lib" / "playwright" / name).write_text(text, encoding="utf-8")
        self.program("ready", "#!/bin/sh\n", folder)

    def program(self, name: str, text: str | None = None, folder: Path | None = None) -> None:
        file = (folder or self.folder / "bin") / name
        file.write_text(text or PROGRAM.format(name=name), encoding="utf-8")
        file.chmod(0o755)

    def get(
        self, root: bool, gives: str = "", given: str = "own", asked: str | None = None
    ) -> "subprocess.CompletedProcess[str]":
        """Run get_browser.py; the command ``gives`` makes the browser ``given``."""
        self.calls.write_text("", encoding="utf-8")
        environment = {k: v for k, v in os.environ.items() if k != "GAN_LESSONS_BROWSER"}
        code = (
            f"import os, runpy; os.geteuid = lambda: {0 if root else 1000}; "
            f"runpy.run_path({get_browser.__file__!r}, run_name='__main__')"
        )
        return subprocess.run(
            [sys.executable, "-c", code],
            env=environment
            | {"PATH": str(self.folder / "bin"), "PYTHONPATH": str(self.folder / "lib")}
            | {"FOLDER": str(self.folder), "CALLS": str(self.calls), "GIVES": gives}
            | {"READY": str(self.folder / "ready"), "GIVEN": str(self.folder / given)}
            | ({"GAN_LESSONS_BROWSER": asked} if asked else {}),
            capture_output=True,
            text=True,
        )

    def called(self) -> tuple[str, ...]:
        return tuple(self.calls.read_text(encoding="utf-8").splitlines())


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="stand-ins are shell scripts")


@pytest.mark.parametrize(
    ("root", "programs", "gives", "given", "called"),
    [
        (True, ["apt-get"], APT[1], "bin/chromium", APT),
        (True, ["apt-get"], WITH, "own", (*APT, WITH)),
        (True, ["apt-get"], WITHOUT, "own", (*APT, WITH, WITHOUT)),
        (True, [], WITH, "own", (WITH,)),
        (False, ["apt-get"], WITHOUT, "own", (WITHOUT,)),
        (False, ["apt-get", "sudo"], WITH, "own", (SUDO, WITH)),
        (False, ["sudo"], WITHOUT, "own", (SUDO, WITH, WITHOUT)),
    ],
    ids=[
        "apt's",
        "apt fails",
        "apt and libraries fail",
        "root without apt",
        "neither root nor sudo",
        "sudo",
        "sudo fails",
    ],
)
def test_a_browser_is_got_where_there_is_none(
    machine: Machine,
    root: bool,
    programs: list[str],
    gives: str,
    given: str,
    called: tuple[str, ...],
) -> None:
    for name in programs:
        machine.program(name)
    done = machine.get(root, gives, given)
    assert done.returncode == 0, done.stderr
    assert f"Browser of the tests: {machine.folder / given} 1.0" in done.stdout
    assert machine.called() == called


def test_sudo_that_would_ask_for_a_password_is_left_alone(machine: Machine) -> None:
    machine.program("sudo", PROGRAM.format(name="sudo") + "exit 1\n")
    assert machine.get(False, WITHOUT).returncode == 0
    assert machine.called() == (SUDO, WITHOUT)


@pytest.mark.parametrize("name", get_browser.SYSTEM)
def test_the_systems_browser_is_taken_as_it_is(machine: Machine, name: str) -> None:
    machine.program("apt-get")
    machine.program(name, "#!/bin/sh\n")
    done = machine.get(True)
    assert done.returncode == 0
    assert f"Browser of the tests: {machine.folder / 'bin' / name}" in done.stdout
    assert machine.called() == ()


def test_a_browser_that_does_not_start_is_none(machine: Machine) -> None:
    machine.program("chromium-browser", "#!/bin/sh\nexit 127\n")
    done = machine.get(False, WITHOUT)
    assert done.returncode == 0
    assert f"Browser of the tests: {machine.folder / 'own'}" in done.stdout
    assert "chromium-browser does not start: a library is missing" in done.stderr
    assert machine.called() == (WITHOUT,)


def test_where_nothing_helps_a_sentence_says_what_does(machine: Machine) -> None:
    machine.program("apt-get")
    done = machine.get(True)
    assert done.returncode == 1
    assert done.stderr.strip() == get_browser.NO_BROWSER.format(where="on this machine")
    assert machine.called() == (*APT, WITH, WITHOUT)


def test_a_browser_that_is_asked_for_is_not_replaced(machine: Machine) -> None:
    machine.program("apt-get")
    machine.program("chromium", "#!/bin/sh\n")
    done = machine.get(True, asked="/no/such/browser")
    assert done.returncode == 1
    assert "was found in GAN_LESSONS_BROWSER=/no/such/browser" in done.stderr
    assert machine.called() == ()
