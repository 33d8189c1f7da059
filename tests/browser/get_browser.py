"""The browser of the tests, a Chromium or Chrome that starts. `make test` gets one by this file.

The system's comes first; then apt's, where that may be installed; then Playwright's. That a file
is there is not enough: Ubuntu's `chromium-browser` may only be a note that asks for a snap, and
Playwright's lacks libraries on a bare system.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator

from playwright.sync_api import Browser, Error, Playwright, sync_playwright

SYSTEM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
]
NO_BROWSER = (
    "No browser that starts was found {where}. Install chromium with the system's package manager "
    "(Debian: apt install chromium), or run "
    "`.venv/bin/python -m playwright install --with-deps chromium`, "
    "or set GAN_LESSONS_BROWSER to the path of a Chromium or Chrome."
)


def launch(playwright: Playwright) -> Browser:
    """Start the browser that is asked for, or the first that starts: the system's, Playwright's.

    Raises:
        FileNotFoundError: there is none; the sentence says how to get one.
    """
    asked = os.environ.get("GAN_LESSONS_BROWSER")
    for name in [asked] if asked else [*SYSTEM, playwright.chromium.executable_path]:
        if path := shutil.which(name):
            try:
                browser = playwright.chromium.launch(
                    executable_path=path, args=FLAGS, timeout=120_000
                )
            except Error as error:
                print(f"{path} does not start: {error}", file=sys.stderr)
            else:
                print("Browser of the tests:", path, browser.version)
                return browser
    where = f"in GAN_LESSONS_BROWSER={asked}" if asked else "on this machine"
    raise FileNotFoundError(NO_BROWSER.format(where=where))


def ways() -> Iterator[list[list[str]]]:
    """What to try where there is none, best first: commands to run one after the other."""
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    if root and shutil.which("apt-get"):
        apt = ["apt-get", "-qq", "--option=DPkg::Lock::Timeout=300"]
        packages = ["--yes", "--no-install-recommends", "chromium", "fonts-dejavu-core"]
        yield [[*apt, "update"], [*apt, "install", *packages]]
    install = [sys.executable, "-m", "playwright", "install"]
    sudo = shutil.which("sudo")
    if root or (sudo and subprocess.run([sudo, "-n", "true"], capture_output=True).returncode == 0):
        yield [[*install, "--with-deps", "chromium"]]
    yield [[*install, "chromium"]]


def get(playwright: Playwright) -> Browser:
    """Start the browser, after getting one if there is none.

    Raises:
        FileNotFoundError: none is to be had; the sentence says what to do.
    """
    left = iter(()) if os.environ.get("GAN_LESSONS_BROWSER") else ways()
    while True:
        try:
            return launch(playwright)
        except FileNotFoundError:
            way = next(left, None)
            if way is None:
                raise
        for command in way:
            print("No browser yet:", *command, flush=True)
            subprocess.run(command, env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"})


if __name__ == "__main__":
    with sync_playwright() as started:
        try:
            get(started).close()
        except FileNotFoundError as missing:
            sys.exit(str(missing))
