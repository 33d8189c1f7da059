"""Authors' tools stay out of the package that learners install, and say what is wrong."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from setuptools import find_packages  # type: ignore[import-untyped]

from authoring import __main__ as authoring

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_nothing_of_the_authors_tools_is_installed() -> None:
    settings = PROJECT["tool"]["setuptools"]
    packages = find_packages(str(ROOT), **settings["packages"]["find"])
    assert {"gan_lessons", "gan_lessons.exercises"} <= set(packages)
    assert [name for name in packages if not name.startswith("gan_lessons")] == []
    assert (ROOT / "authoring" / "__init__.py").is_file()
    assert "reveal" not in str(settings["package-data"])


def test_the_package_does_not_import_the_authors_tools() -> None:
    imports = re.compile(r"^\s*(?:from|import) authoring\b", re.MULTILINE)
    assert imports.search((ROOT / "authoring" / "__main__.py").read_text(encoding="utf-8"))
    for path in (ROOT / "gan_lessons").rglob("*.py"):
        assert not imports.search(path.read_text(encoding="utf-8")), path


def test_the_command_runs_from_the_courses_folder(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "authoring", "edition", "--without-solutions"]
    done = subprocess.run(
        [*command, "--out", str(tmp_path), "00"], cwd=ROOT, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    written = sorted(path.name for path in tmp_path.iterdir())
    assert written == ["00_start_here.ipynb", "checklist.ipynb", "glossary.ipynb"]


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (ModuleNotFoundError("No module", name="jupytext"), 2, "needs jupytext, which `make check"),
        (PermissionError(13, "Permission denied", "build"), 2, "refuses: [Errno 13] Permission d"),
        (KeyboardInterrupt(), 130, "interrupted."),
    ],
)
def test_what_goes_wrong_is_one_sentence(
    error: BaseException,
    code: int,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(*_: object) -> int:
        raise error

    monkeypatch.setattr(authoring, "_check", fail)
    assert authoring.main(["check"]) == code
    printed = capsys.readouterr().err
    assert said in printed
    assert printed.count("\n") == 1


@pytest.mark.parametrize("folder", [[], ["nowhere"]])
def test_the_bundled_digits_are_not_made_of_nothing(folder: list[str]) -> None:
    script = ROOT / "authoring" / "bundle_digits.py"
    done = subprocess.run([sys.executable, script, *folder], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith("bundle_digits.py: ")
    assert done.stderr.count("\n") == 1
