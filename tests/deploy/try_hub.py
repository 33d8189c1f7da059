"""JupyterHub for two learners, one of whom attacks: ``python tests/deploy/try_hub.py [NN …]``.

For root on Linux, with npm, git and a browser. Two accounts are made, and removed at the end. Both
sign in by a link to lesson 00, run the lessons that are named (default: 00 04 07), and the memory
that they hold is printed. Then one tries all that `attack.py` lists on the other. That other tries
the same on herself, so that an attack that could never succeed is no proof.
"""

import ast
import gzip
import json
import os
import pwd
import secrets
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))
sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
from playwright.sync_api import Browser, sync_playwright

import gan_lessons
from authoring.links import links
from browser.get_browser import launch
from browser.harness import SETTINGS, SHOTS, Lesson, Tab, free_port
from deploy.environment import BUILD, ROOT, environment, everyones_python
from gan_lessons.data import idx, load_digits

NAMES = {"gan-ada": "ada's secret", "gan-bob": "bob's secret"}
GROUP = "learners"
CONFIG = """
load_subconfig({config!r})
c.JupyterHub.bind_url = {hub!r}
c.JupyterHub.hub_port = {port}
c.JupyterHub.allow_root = True
c.ConfigurableHTTPProxy.api_url = {proxy!r}
c.ConfigurableHTTPProxy.command = {command!r}
c.Spawner.args += ["--LabApp.expose_app_in_browser=True"]
c.Spawner.environment |= {environment!r}
"""


def main(numbers: list[str]) -> int:
    """Try all of it; print what was measured, and what was done that should be refused."""
    python = everyones_python()
    packages = ["--requirement", str(ROOT / "deploy" / "requirements.txt"), "jupyterlab>=4.4,<5"]
    commands = environment("hub", *packages, python=python)
    npm = BUILD / "npm"
    if not (npm / "node_modules").is_dir():
        install = ["npm", "install", "--prefix", str(npm), "--loglevel=error"]
        subprocess.run([*install, "configurable-http-proxy@5"], check=True)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gan-hub-")))
        folder.chmod(0o755)
        passwords = stack.enter_context(accounts())
        repository = stack.enter_context(served_repository(folder))
        place = stack.enter_context(running_hub(folder, commands, npm))
        playwright = stack.enter_context(sync_playwright())
        browser = launch(playwright)
        ada, bob = (Learner(browser, place, name, passwords[name], repository) for name in NAMES)
        faults: list[str] = []
        for number in numbers or ["00", "04", "07"]:
            for learner in (ada, bob):
                learner.run(number)
            for learner in (ada, bob):
                print(f"{number}: {learner.name} holds {learner.memory()}", flush=True)
        for learner in (ada, bob):
            source = learner.python("__import__('gan_lessons.data').data.load_digits().source")
            if "images from the folder" not in source:
                faults.append(f"{learner.name} has other digits than the shared ones: {source}")
        faults += attacks(ada, bob, place)
        for learner in (ada, bob):
            learner.close()
    print(*faults, sep="\n", file=sys.stderr)
    print("Nothing was broken." if not faults else f"{len(faults)} faults.")
    return 1 if faults else 0


@contextmanager
def accounts() -> Iterator[dict[str, str]]:
    """Two accounts of the system in the group of learners; yields their passwords."""
    new = subprocess.run(["groupadd", GROUP], stderr=subprocess.DEVNULL).returncode == 0
    passwords = {name: secrets.token_hex(8) for name in NAMES}
    try:
        for name, password in passwords.items():
            subprocess.run(["useradd", "--create-home", "--groups", GROUP, name], check=True)
            pair = f"{name}:{password}".encode()
            subprocess.run(["chpasswd"], input=pair, check=True)
            home = Path(pwd.getpwnam(name).pw_dir)
            home.chmod(0o755)  # as on systems that do not close it: the hub has to
            secret = home / "secret.txt"
            secret.write_text(NAMES[name], encoding="utf-8")
            shutil.chown(secret, name, name)
        yield passwords
    finally:
        for name in NAMES:
            if shutil.which("pkill"):
                subprocess.run(["pkill", "-9", "-u", name])
            subprocess.run(["userdel", "--remove", "--force", name], stderr=subprocess.DEVNULL)
        if new:
            subprocess.run(["groupdel", GROUP], check=True)


@contextmanager
def served_repository(folder: Path) -> Iterator[str]:
    """The course as it is committed, for git to clone from; yields its address."""
    base = folder / "repositories"
    clone = ["git", "clone", "--quiet", "--bare", str(ROOT), str(base / "gan-lessons.git")]
    subprocess.run(clone, check=True)
    subprocess.run(
        ["git", "-C", str(base / "gan-lessons.git"), "branch", "--force", "main", "HEAD"],
        check=True,
    )
    port = free_port()
    daemon = ["git", "daemon", "--listen=127.0.0.1", f"--port={port}", "--export-all"]
    with ended(subprocess.Popen([*daemon, f"--base-path={base}", str(base)])):
        yield f"git://127.0.0.1:{port}/gan-lessons.git"


@contextmanager
def ended(process: "subprocess.Popen[bytes]") -> Iterator[None]:
    """End a process that was started, when the block ends."""
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()


def write_data(folder: Path) -> None:
    """The digits of the install as a class shares them: IDX files of root, that all may read."""
    digits = load_digits(source="bundled", announce=False)
    images = ((digits.images[:, 0].numpy() + 1) * 127.5).round().astype(np.uint8)
    labels = digits.labels.numpy().astype(np.uint8)
    folder.mkdir()
    for names in idx.FILES.values():
        for name, array in zip(names, (images, labels), strict=True):
            header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
            with gzip.open(folder / f"{name}.gz", "wb", compresslevel=1) as file:
                file.write(header + array.tobytes())


@contextmanager
def running_hub(folder: Path, commands: Path, npm: Path) -> Iterator[SimpleNamespace]:
    """A JupyterHub with deploy/jupyterhub_config.py; yields its addresses and its data."""
    data = folder / "data"
    write_data(data)
    settings = folder / "settings"
    for name, values in SETTINGS.items():
        file = settings / "@jupyterlab" / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(values), encoding="utf-8")
    state = folder / "hub"
    state.mkdir(mode=0o755)  # open, so that what is in it has to be closed
    place = SimpleNamespace(
        hub=f"http://127.0.0.1:{free_port()}",
        proxy=f"http://127.0.0.1:{free_port()}",
        data=data,
        state=state,
    )
    config = state / "config.py"
    values = {
        "config": str(ROOT / "deploy" / "jupyterhub_config.py"),
        "hub": place.hub,
        "proxy": place.proxy,
        "port": free_port(),
        "command": [str(npm / "node_modules" / ".bin" / "configurable-http-proxy")],
        "environment": {
            "GAN_LESSONS_DATA": str(data),
            "JUPYTERLAB_SETTINGS_DIR": str(settings),
            "JUPYTER_PATH": f"{sysconfig.get_path('data')}/share/jupyter",  # the widgets' scripts
            "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        },
    }
    config.write_text(CONFIG.format(**values), encoding="utf-8")
    clean = {name: os.environ[name] for name in ("PATH", "LANG", "HOME") if name in os.environ}
    clean["PATH"] = f"{commands}:{clean['PATH']}"
    SHOTS.mkdir(parents=True, exist_ok=True)
    with (SHOTS / "hub.log").open("wb") as log:
        command = [str(commands / "jupyterhub"), f"--config={config}"]
        hub = subprocess.Popen(command, cwd=state, env=clean, stdout=log, stderr=log)
        with ended(hub):
            wait_for(f"{place.hub}/hub/health", hub)
            yield place


def wait_for(url: str, process: "subprocess.Popen[bytes]", timeout: float = 120) -> None:
    """Wait until an address answers."""
    end = time.monotonic() + timeout
    while True:
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except OSError as error:
            if process.poll() is not None or time.monotonic() > end:
                said = (SHOTS / "hub.log").read_text(encoding="utf-8")
                raise RuntimeError(f"{url} does not answer:\n{said}") from error
            time.sleep(0.5)


class Learner:
    """A learner who signed in and followed a link to lesson 00; what `Tab` and `Lesson` need."""

    token = ""

    def __init__(
        self, browser: Browser, place: Any, name: str, password: str, repository: str
    ) -> None:
        self.name, self.url = name, f"{place.hub}/user/{name}"
        self.uid = pwd.getpwnam(name).pw_uid
        self.browser = browser.new_context(viewport={"width": 1280, "height": 720})
        self.browser.set_default_timeout(120_000)
        self.lessons: list[Lesson] = []
        page = self.browser.new_page()
        page.goto(f"{place.hub}/hub/login")
        page.fill("#username_input", name)
        page.fill("#password_input", password)
        page.screenshot(path=SHOTS / f"{name}_sign_in.png")
        page.click("#login_submit")
        page.wait_for_url("**/lab**", timeout=120_000)
        (line,) = links(place.hub, repository, "main", ["00"])
        page.goto(line.partition("](")[2].rstrip(")"))
        page.wait_for_url("**/lab/**00_start_here.ipynb**", timeout=120_000)
        page.locator(".jp-Notebook .jp-Cell").first.wait_for()
        page.screenshot(path=SHOTS / f"{name}_arrived.png")
        page.close()

    def tracebacks(self) -> list[str]:
        """`Lesson` asks for the faults of its server; the hub's log has those of both."""
        return []

    def run(self, number: str) -> None:
        """Open a lesson and run all of it; it stays open."""
        (path,) = (ROOT / "notebooks").glob(f"{number}_*.ipynb")
        tab = Tab(self)  # type: ignore[arg-type]
        lesson = Lesson(self, tab, f"gan-lessons/notebooks/{path.name}")  # type: ignore[arg-type]
        lesson.run_all(timeout=400)
        lesson.screenshot(f"{self.name}_{number}")
        self.lessons.append(lesson)

    def python(self, expression: str) -> Any:
        """The value of a Python expression in the kernel of the first lesson."""
        return ast.literal_eval(self.lessons[0].python(expression))

    def processes(self, part: str) -> list[int]:
        """The learner's processes whose command line contains a text."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                command = (folder / "cmdline").read_bytes().decode(errors="replace")
                if folder.stat().st_uid == self.uid and part in command:
                    found.append(int(folder.name))
            except OSError:  # it ended
                continue
        return sorted(found)

    def ports(self) -> list[int]:
        """TCP ports at which the learner's processes listen."""
        rows = [
            line.split()
            for table in ("tcp", "tcp6")
            for line in Path(f"/proc/net/{table}").read_text(encoding="ascii").splitlines()[1:]
        ]
        listening = [row[1] for row in rows if row[3] == "0A" and int(row[7]) == self.uid]
        return [int(address.rpartition(":")[2], 16) for address in listening]

    def memory(self) -> str:
        """What the server and the kernels hold: shared in proportion (PSS), and for themselves."""
        said = []
        for name, part in (("server", "jupyterhub-singleuser"), ("kernels", "ipykernel_launcher")):
            found = self.processes(part)
            pss, own = (sum(megabytes(each, keys) for each in found) for keys in ROLLUP)
            said.append(f"{len(found)} {name}: PSS {pss:.0f} MB, private {own:.0f} MB")
        return "; ".join(said)

    def attempt(self, kind: str, **given: Any) -> dict[str, str]:
        """What attempts of `attack.py` bring in this learner's kernel."""
        module = f"__import__('runpy').run_path({str(Path(__file__).with_name('attack.py'))!r})"
        run = f"(lambda found: found['outcomes'](found[{kind!r}](**{given!r})))({module})"
        brought: dict[str, str] = self.python(run)
        return brought

    def close(self) -> None:
        """Close the lessons, and raise what went wrong in them."""
        for lesson in self.lessons:
            lesson.check()
            lesson.page.close()


ROLLUP = (("Pss:",), ("Private_Clean:", "Private_Dirty:"))


def megabytes(process: int, keys: tuple[str, ...]) -> float:
    """The sum of some lines of what Linux knows of a process's memory."""
    lines = Path(f"/proc/{process}/smaps_rollup").read_text(encoding="ascii").splitlines()
    return sum(int(line.split()[1]) for line in lines if line.split()[0] in keys) / 1000


def attacks(ada: Learner, bob: Learner, place: Any) -> Iterator[str]:
    """Let bob attack ada, and ada herself; yield what is not as it should be."""
    loose = f"/tmp/of-{ada.name}"
    ada.python(f"open({loose!r}, 'w').write('of ada')")
    server, kernels = ada.processes("jupyterhub-singleuser")[0], ada.processes("ipykernel_launcher")
    known = Path(f"/proc/{server}/environ").read_text(encoding="utf-8")
    port = int(known.partition("JUPYTERHUB_SERVICE_URL=http://127.0.0.1:")[2].partition("/")[0])
    hers = {"victim": ada.name, "server": server, "port": port, "kernel": kernels[0]}
    files = [str(path) for path in sorted(place.state.iterdir()) if path.name != "config.py"]
    shared = [str(place.data), str(Path(gan_lessons.__file__).parent)]
    everyones = {"hub": place.hub, "proxy": place.proxy, "secrets": files, "shared": shared}
    tried = bob.attempt("the_victims", **hers)
    owner = ada.attempt("the_victims", **hers)
    for name, brought in tried.items():
        print(f"  {name}: {brought[:30]}; the owner: {owner[name][:30]}")
        if not owner[name].startswith("done"):
            yield f"the owner could not {name}, so that the attack proves nothing"
    tried |= bob.attempt("nobodys", victim=ada.name, **everyones)
    for name, brought in tried.items():
        if not brought.startswith("refused"):
            yield f"{bob.name} could {name}: {brought}"
        if name not in owner:
            print(f"  {name}: {brought[:30]}")
    # A server has one, and a kernel one for what its subprocesses print, which takes and gives
    # nothing without a secret. Over TCP a kernel has five more, and one of them tells all.
    if len(ada.ports()) > 1 + len(kernels):
        yield f"{ada.name} listens at {ada.ports()}: whoever is there can hear her kernels"
    for path in ("lab", "api/contents/secret.txt", "files/secret.txt", "api/terminals"):
        theirs, own = (
            learner.browser.request.get(f"{ada.url}/{path}").status for learner in (bob, ada)
        )
        print(f"  the browser asks for {path}: {theirs}; the owner's: {own}")
        if theirs not in (403, 404) or own != 200:
            yield f"{path}: {bob.name} gets {theirs}, {ada.name} {own}"
    if ada.python("6 * 7") != 42 or ada.python("open('/proc/self/stat').read() != ''") is not True:
        yield f"the kernel of {ada.name} did not outlive the attack"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
