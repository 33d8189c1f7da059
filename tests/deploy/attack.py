"""What one learner tries on another, in the kernel of a lesson: `try_hub.py` runs it there."""

import os
import pwd
import urllib.request
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

TOKEN = os.environ.get("JUPYTERHUB_API_TOKEN", "")  # the attacker's own
Attempts = dict[str, Callable[[], Any]]


def ask(url: str, method: str = "GET", token: str = TOKEN) -> str:
    """The status of an answer; an exception for all that is none of 200 to 299."""
    headers = {"Authorization": f"token {token}"} if token else {}
    request = urllib.request.Request(url, method=method, headers=headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return str(answer.status)


def the_victims(victim: str, server: int, port: int, kernel: int) -> Attempts:
    """What only the victim may do, whose server (at this port) and kernel are these processes."""
    home = Path(pwd.getpwnam(victim).pw_dir)
    loose = Path("/tmp") / f"of-{victim}"

    def environment(process: int) -> str:
        text = Path(f"/proc/{process}/environ").read_text(encoding="utf-8")
        return "a token" if "JUPYTERHUB_API_TOKEN" in text else "no token"

    def past_the_proxy() -> str:
        return ask(f"http://127.0.0.1:{port}/user/{victim}/api/contents/secret.txt")

    return {
        "read a file": (home / "secret.txt").read_bytes,
        "list the home folder": lambda: os.listdir(home),
        "write into the home folder": (home / "planted").touch,
        "change a notebook": partial(append, home / "gan-lessons" / "README.md"),
        "read a file in /tmp": loose.read_bytes,
        "change a file in /tmp": partial(append, loose),
        "find the kernel's sockets": lambda: os.listdir(home / ".run"),
        "signal the server": lambda: os.kill(server, 0),
        "signal the kernel": lambda: os.kill(kernel, 0),
        "slow the kernel": lambda: os.setpriority(os.PRIO_PROCESS, kernel, 15),
        "read the server's environment": lambda: environment(server),
        "read the kernel's environment": lambda: environment(kernel),
        "look where the kernel is": lambda: os.readlink(f"/proc/{kernel}/cwd"),
        "list the kernel's open files": lambda: len(os.listdir(f"/proc/{kernel}/fd")),
        "open the kernel's memory": lambda: Path(f"/proc/{kernel}/mem").open("rb").close(),
        "ask the server, past the proxy": past_the_proxy,
        "delete a file in /tmp": loose.unlink,
    }


def nobodys(
    victim: str, hub: str, proxy: str, secrets: Sequence[str], shared: Sequence[str]
) -> Attempts:
    """What no learner may do: with the hub, its proxy and its files, and with shared folders."""
    api = f"{hub}/hub/api/users/{victim}"
    return {
        "ask the hub about the victim": partial(ask, api),
        "stop the server": partial(ask, f"{api}/server", "DELETE"),
        "give oneself a token": partial(ask, f"{api}/tokens", "POST"),
        "ask the proxy for its routes": partial(ask, f"{proxy}/api/routes"),
        "take eight gigabytes": lambda: len(bytes(8_000_000_000)),
        **{f"read {path}": Path(path).read_bytes for path in secrets},
        **{f"write into {path}": (Path(path) / "planted").touch for path in shared},
        **{
            f"change {file}": partial(append, file)
            for path in shared
            for file in sorted(Path(path).iterdir())
            if file.is_file()
        },
    }


def append(path: Path) -> None:
    """Change a file."""
    with path.open("ab") as file:
        file.write(b"!")


def outcomes(attempts: Attempts) -> dict[str, str]:
    """What each attempt brought: "done", or "refused" and why."""
    found = {}
    for name, action in attempts.items():
        try:
            found[name] = f"done: {action()}"[:80]
        except (OSError, MemoryError) as error:
            found[name] = f"refused: {type(error).__name__} {error}"[:80]
    return found
