"""Environments of their own for what only a class needs, with this one's packages in reach."""

import os
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
BUILD = ROOT / "build" / "deploy"


def environment(name: str, *packages: str, python: str = sys.executable) -> Path:
    """Install packages into ``build/deploy/NAME``, once; return its folder of commands.

    nbgrader and JupyterHub add to every JupyterLab beside which they are installed, so they stay
    out of the environment in which lessons are tested. Its packages are found by a path file.
    """
    folder = BUILD / name
    if not (folder / "done").exists():
        began = time.perf_counter()
        subprocess.run([python, "-m", "venv", "--clear", "--without-pip", folder], check=True)
        pip = [sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python")]
        quiet = ["--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "install", *quiet, *packages], check=True)
        (site,) = folder.glob("lib/python*/site-packages")
        paths = f"{ROOT}\n{sysconfig.get_path('purelib')}\n"
        (site / "course.pth").write_text(paths, encoding="utf-8")
        (folder / "done").touch()
        print(f"{' '.join(packages)}: installed in {time.perf_counter() - began:.0f} s")
    return folder / "bin"


def everyones_python() -> str:
    """A Python of this one's version that every account of the system may start.

    Raises:
        FileNotFoundError: there is none.
    """
    wanted = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for path in (
        os.path.realpath(sys.executable),
        f"/usr/bin/{wanted}",
        f"/usr/local/bin/{wanted}",
    ):
        if os.path.exists(path) and all(map(_open, _above(Path(path)))):
            return path
    raise FileNotFoundError(f"No {wanted} on this machine can be started by every account.")


def _above(path: Path) -> Iterator[Path]:
    yield from (path.resolve(), *path.resolve().parents)


def _open(path: Path) -> bool:
    return bool(path.stat().st_mode & 0o001)
