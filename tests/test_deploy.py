"""What deploy/ hands to a class, as far as it can be checked without a hub, a cluster or an image.

tests/deploy/try_hub.py starts the hub, with learners in a browser.
"""

import os
import re
import shlex
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jsonschema
import pytest
import yaml
from traitlets.config.loader import PyFileConfigLoader

from authoring import edition
from authoring.__main__ import main
from authoring.links import links
from authoring.source import read, sources
from gan_lessons.errors import UserError

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
SCHEMA = yaml.safe_load((ROOT / "tests" / "z2jh_schema.yaml").read_text(encoding="utf-8"))
VALUES = yaml.safe_load((DEPLOY / "values.yaml").read_text(encoding="utf-8"))
CONTAINERFILE = (DEPLOY / "Containerfile").read_text(encoding="utf-8")


HOME = "/home/" + 32 * "a"  # of the longest name that an account may have


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Any:
    """deploy/jupyterhub_config.py as JupyterHub reads it; `masks` are those that it sets.

    Accounts are invented, so that this runs on systems that have none of that kind.
    """
    accounts = SimpleNamespace(getpwnam=lambda name: SimpleNamespace(pw_dir=HOME))
    monkeypatch.setitem(sys.modules, "pwd", accounts)
    masks: list[int] = []
    monkeypatch.setattr(os, "umask", masks.append)
    config = PyFileConfigLoader("jupyterhub_config.py", path=str(DEPLOY)).load_config()
    return SimpleNamespace(config=config, masks=masks)


def test_the_hub_lets_in_a_group_and_keeps_learners_apart(hub: Any) -> None:
    c = hub.config
    assert hub.masks == [0o077]
    assert c.PAMAuthenticator.allowed_groups == {"learners"}
    assert "--KernelManager.transport=ipc" in c.Spawner.args
    assert c.Spawner.cmd[0] == "prlimit"
    limits = dict(part.removeprefix("--").split("=") for part in c.Spawner.cmd[1:3])
    assert int(limits["data"]) >= 2_000_000_000
    assert c.Spawner.cmd[3] == str(Path(sys.executable).with_name("jupyterhub-singleuser"))
    assert c.JupyterHub.services[0]["command"][:2] == [sys.executable, "-m"]


def test_a_home_is_closed_before_its_owners_server_starts(
    hub: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: dict[str, int] = {}
    monkeypatch.setattr(Path, "chmod", lambda path, mode: closed.update({path.as_posix(): mode}))
    spawner = SimpleNamespace(user=SimpleNamespace(name="ada"))
    hub.config.Spawner.pre_spawn_hook(spawner)
    assert closed == {HOME: 0o700}


def test_kernels_sockets_have_paths_that_are_short_enough(hub: Any) -> None:
    spawner = SimpleNamespace(user=SimpleNamespace(name="ada"))
    folder = hub.config.Spawner.environment["JUPYTER_RUNTIME_DIR"](spawner)
    assert Path(folder).as_posix().startswith(f"{HOME}/")
    assert len(f"{folder}/kernel-{36 * '0'}-ipc-5") <= 107


def test_values_are_such_as_the_chart_takes() -> None:
    jsonschema.validate(VALUES, SCHEMA)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("singleuser", "memory", "limits"), "2G"),
        (("singleuser", "image"), {"name": "gan-lessons"}),
        (("cull", "timeout"), "1h"),
        (("culling",), {}),
    ],
)
def test_the_schema_refuses_what_the_chart_refuses(place: tuple[str, ...], value: Any) -> None:
    wrong = yaml.safe_load((DEPLOY / "values.yaml").read_text(encoding="utf-8"))
    inner = wrong
    for name in place[:-1]:
        inner = inner[name]
    inner[place[-1]] = value
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, SCHEMA)


def test_the_class_shares_one_volume_that_nobody_writes_to() -> None:
    single = VALUES["singleuser"]
    (volume,), (mount,) = single["storage"]["extraVolumes"], single["storage"]["extraVolumeMounts"]
    assert volume["persistentVolumeClaim"]["readOnly"] is True
    assert mount["readOnly"] is True
    assert mount["name"] == volume["name"]
    assert single["extraEnv"]["GAN_LESSONS_DATA"] == mount["mountPath"]
    assert single["memory"]["limit"] == "2G"
    assert VALUES["cull"]["enabled"] is True


def test_values_and_image_agree() -> None:
    (user,) = re.findall(r"^RUN useradd .* (\w+)$", CONTAINERFILE, re.MULTILINE)
    assert VALUES["singleuser"]["storage"]["homeMountPath"] == f"/home/{user}"
    assert f"WORKDIR /home/{user}\n" in CONTAINERFILE
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert VALUES["singleuser"]["image"]["tag"] == project["version"]
    (python,) = re.findall(r"^FROM python:(\d+\.\d+)-slim$", CONTAINERFILE, re.MULTILINE)
    environment = (ROOT / "environment.yml").read_text(encoding="utf-8")
    assert f"- python={python}\n" in environment


def test_the_image_gets_all_that_the_package_is_made_of() -> None:
    copied = [
        name
        for line in re.findall(r"^COPY (.+) \S+$", CONTAINERFILE, re.MULTILINE)
        for name in shlex.split(line)
    ]
    assert all((ROOT / name).exists() for name in copied)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = ["pyproject.toml", project["readme"], "gan_lessons", *project["license-files"]]
    for name in needed:
        assert name.split("/")[0] in copied


def test_links_open_lessons_in_the_copy_that_they_fetch() -> None:
    hub, repository = "https://hub.example.org/", "https://git.example.org/a/gan.git"
    lines = links(hub, repository, "spring")
    for line, path in zip(lines, sources(), strict=True):
        lesson = read(path)
        title, link = re.fullmatch(r"- \[(.+)\]\((\S+)\)", line).groups()  # type: ignore[union-attr]
        assert title == f"{lesson.name} {lesson.title}"
        parts = urlsplit(link)
        assert link.startswith("https://hub.example.org/hub/user-redirect/git-pull?")
        assert parse_qs(parts.query) == {
            "repo": [repository],
            "branch": ["spring"],
            "targetpath": ["gan"],  # by itself nbgitpuller would call it gan.git
            "urlpath": [f"lab/tree/gan/notebooks/{lesson.notebook.name}"],
        }


@pytest.mark.parametrize(
    ("hub", "repository"),
    [
        ("hub.example.org", "https://git.example.org/gan.git"),
        ("https://hub.example.org", "../gan"),
        ("https://hub.example.org/?a=b", "https://git.example.org/gan.git"),
    ],
)
def test_an_address_that_is_none_is_a_sentence(hub: str, repository: str) -> None:
    with pytest.raises(UserError, match=r"is '.*'; an address such as https"):
        links(hub, repository, "main")


def test_the_command_prints_links(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["links", "https://hub.example.org", "https://git.example.org/gan", "07"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("- [07 Training the DCGAN](https://hub.example.org/hub/")
    assert "&branch=main&" in line
    assert main(["links", "https://hub.example.org"]) == 2


def test_the_editions_that_pages_name_can_be_made_in_the_courses_folder() -> None:
    pages = [DEPLOY / "README.md", ROOT / "README.md"]
    text = "\n".join(page.read_text(encoding="utf-8") for page in pages)
    folders = re.findall(r"authoring edition [^`\n]*--out ([\w./-]+)", text)
    assert len(folders) == 4
    for folder in folders:
        assert edition.chosen(ROOT / folder, [], edition.NOTEBOOKS)


def test_the_page_for_instructors_names_what_there_is() -> None:
    page = (DEPLOY / "README.md").read_text(encoding="utf-8")
    for name in re.findall(r"\]\((?!https?:)([^)#]+)", page):
        assert (DEPLOY / name).exists(), name
    linked = {path.name for path in DEPLOY.iterdir()} - {"README.md"}
    assert linked <= set(re.findall(r"\]\(([^)#/]+)", page))
    for other in ("README.md", "CONTRIBUTING.md"):
        assert "(deploy/README.md)" in (ROOT / other).read_text(encoding="utf-8")
