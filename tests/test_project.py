"""The house in order: one list of dependencies, imports that run one way, nothing at import."""

import ast
import importlib.metadata
import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import torch
import yaml
from PIL import Image, ImageSequence

from authoring import course
from authoring.source import read, sources
from gan_lessons.pretrained import FAMILIES, RESTORERS, TRANSLATORS

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "gan_lessons"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

# The house, from the top floor to the cellar: a module imports from its own floor or below.
FLOORS = [
    {"cli", "__main__"},
    {"exercises"},
    {"widgets"},
    {"plotting"},
    {"metrics", "studies"},
    {"classifier", "pretrained", "plane", "latent"},
    {"methods"},
    {"training"},
    {"networks", "losses"},
    {"game"},
    {"data"},
    {"progress"},
    {"files", "progress_bar", "commandline", "tensors"},
    {"interrupts"},
    {"errors"},
    {"__init__", "out_of_order", "prompt_server"},
]
LEVEL = {module: -floor for floor, modules in enumerate(FLOORS) for module in modules}
MODULES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for path in PACKAGE.rglob("*.py")
    if path.name != "__main__.py"
)


def test_environment_yml_installs_what_pyproject_lists() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    python, pip, from_pip = environment["dependencies"]
    assert pip == "pip"
    name, version = python.split("=")  # conda pins with one =
    assert name == "python"
    lowest = PROJECT["project"]["requires-python"].removeprefix(">=")
    assert tuple(map(int, version.split("."))) >= tuple(map(int, lowest.split(".")))
    (course,) = from_pip["pip"]
    extra = re.fullmatch(r"-e \.\[(\w+)\]", course)
    assert extra
    assert extra[1] in PROJECT["project"]["optional-dependencies"]


def requirement_lines() -> list[str]:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    lists = re.findall(r"^(?:dependencies|lab|test) = \[\n(.*?)^\]", text, re.DOTALL | re.MULTILINE)
    return [line.strip() for block in lists for line in block.splitlines()]


def test_every_dependency_is_bounded_and_has_its_reason() -> None:
    lines = requirement_lines()
    listed = PROJECT["project"]["dependencies"] + [
        each for extra in PROJECT["project"]["optional-dependencies"].values() for each in extra
    ]
    assert len(lines) == len(listed) > 15
    for line in lines:
        if '"gan-lessons[lab]"' in line:
            continue
        assert re.fullmatch(r'"[\w-]+(==[\d.]+|>=[\d.]+,<[\d.]+)",\s+# \w.*', line), line


def test_every_import_is_a_listed_dependency() -> None:
    """What the package imports is listed; nothing arrives only because something else brings it."""
    listed = {re.split(r"[<>=\[]", line.strip('", '))[0] for line in requirement_lines()}
    listed |= {"gan-lessons", "authoring"}
    brought = {"IPython": "ipykernel", "traitlets": "ipywidgets", "nbformat": "nbclient"}
    brought |= {"pygments": "nbconvert", "jupyter_server": "jupyterlab"}
    owners = importlib.metadata.packages_distributions()
    for path in [*PACKAGE.rglob("*.py"), *(ROOT / "authoring").glob("*.py")]:
        for name in imported(path):
            top = name.split(".")[0]
            if top in {*sys.stdlib_module_names, "_typeshed"}:  # the latter for types only
                continue
            names = {brought.get(top, owner) for owner in owners.get(top, [top])}
            assert names & listed, f"{path.name} imports {top}"


def imported(path: Path) -> list[str]:
    names = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return names


def test_imports_run_one_way() -> None:
    for path in PACKAGE.rglob("*.py"):
        own = path.relative_to(PACKAGE).with_suffix("").parts[0]
        for name in imported(path):
            parts = name.split(".")
            if parts[0] != "gan_lessons" or len(parts) == 1:
                continue
            other = parts[1] if parts[1] in LEVEL else "__init__"
            assert LEVEL[other] <= LEVEL[own], f"{path.name} imports {name}, a floor above it"


def test_importing_everything_touches_no_network_gpu_or_pyplot() -> None:
    program = f"""
import importlib, json, socket, sys
def refuse(*args, **kwargs):
    raise AssertionError("network at import")
socket.socket.connect = socket.getaddrinfo = refuse
for name in {MODULES!r}:
    importlib.import_module(name)
import torch
print(json.dumps([torch.cuda.is_initialized(), "matplotlib.pyplot" in sys.modules]))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [False, False]


def test_importing_the_package_loads_nothing_else() -> None:
    program = (
        "import sys; before = set(sys.modules); import gan_lessons; "
        "print(*set(sys.modules) - before)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.split() == ["gan_lessons"]


def shipped() -> list[Path]:
    """The course's own files, without git, which a machine may lack."""
    others = {".venv", ".git", "build", "runs", "tests"}
    tops = [path for path in ROOT.iterdir() if path.name not in others]
    files = [path for top in tops for path in ([top] if top.is_file() else top.rglob("*"))]
    hidden = re.compile(r"\.\w+_cache|\.ipynb_checkpoints|__pycache__|runs|[\w.]+\.egg-info")
    return [
        path
        for path in files
        if path.is_file() and not any(map(hidden.fullmatch, path.relative_to(ROOT).parts))
    ]


def test_every_command_that_a_text_names_is_there() -> None:
    named: dict[str, Path] = {}
    for suffix in ("md", "py", "toml"):
        for folder in ("notebooks", "gan_lessons", "authoring", "docs"):
            for path in (ROOT / folder).rglob(f"*.{suffix}"):
                text = path.read_text(encoding="utf-8")
                for name in re.findall(r"python -m ((?:gan_lessons|authoring)(?:\.\w+)*)", text):
                    named[name] = path
    assert len(named) >= 5
    for name, path in named.items():
        file = ROOT.joinpath(*name.split("."))
        main = file / "__main__.py" if file.is_dir() else file.with_suffix(".py")
        text = main.read_text(encoding="utf-8") if main.exists() else ""
        assert "__main__" in (main.stem, *re.findall("__main__", text)), f"{path} names {name}"


def test_no_path_of_one_machine_in_what_is_shipped() -> None:
    files = shipped()
    assert len(files) > 100
    path = re.compile(r"(?<![\w.~-])/(?:home|root|work|Users)/\w")
    for file in files:
        if file.suffix in {".py", ".md", ".toml", ".yml", ".ipynb"}:
            assert not path.search(file.read_text(encoding="utf-8")), file


def test_the_readme_lists_every_lesson_with_its_times() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    sources = sorted((ROOT / "notebooks" / "source").glob("*.md"))
    assert sources
    for source in sources:
        front = yaml.safe_load(source.read_text(encoding="utf-8").split("---")[1])
        link = f"[{front['lesson']:02d} {front['title']}](notebooks/{source.stem}.ipynb)"
        row = re.search(rf"^\| {re.escape(link)}(.*)\| (\d+) min \| (\d+) s \|$", readme, re.M)
        assert row, f"README.md has no row for {link}"
        picture = re.match(r'<br><img src="(\S+)" width="160" alt="[^"]{20,}"> \|', row[1])
        assert picture, f"{link} has no picture, or one without words"
        assert picture[1] == f"docs/lessons/{front['lesson']:02d}.png"
        assert (ROOT / picture[1]).is_file()
        assert int(row[2]) == front["minutes"]
        assert int(row[3]) <= front["seconds"]


def test_pages_name_a_folder_of_data_in_full() -> None:
    pages = [ROOT / "README.md", ROOT / "data" / "README.md"]
    text = "\n".join(page.read_text(encoding="utf-8") for page in pages)
    named = set(re.findall(r"GAN_LESSONS_DATA=(\S+?)[`\s]", text)) - {"bundled"}
    assert named == {"/path/to/folder"}  # lessons run in notebooks/, where a shorter one is another


def test_the_guide_names_all_that_a_lesson_is_made_of() -> None:
    guide = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    (table,) = re.findall(r"## What a lesson is made of\n\n((?:\|.*\n)+)", guide)
    for source in (ROOT / "notebooks" / "source").glob("*.md"):
        front = yaml.safe_load(source.read_text(encoding="utf-8").split("---")[1])
        for key in front.keys() - {"kernelspec"}:
            assert re.search(rf"[(\s]{key}[,:;]", table), key
    for file in ("`README.md`", "`authoring/thumbnails.py`", "`tests/wrong_answers/lesson_NN.py`"):
        assert file in table


def test_the_readme_opens_with_a_small_picture_that_moves() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    picture = re.match(r"# GAN Lessons\n\n!\[[^]]{40,}\]\((\S+)\)", readme)
    assert picture
    with Image.open(ROOT / picture[1]) as film:
        assert len(list(ImageSequence.Iterator(film))) > 20
    assert (ROOT / picture[1]).stat().st_size <= 1_500_000


def test_the_map_is_what_the_front_matter_says(monkeypatch: pytest.MonkeyPatch) -> None:
    assert course.problems() == []
    changed = [row | {"minutes": 1} for row in course.rows([read(path) for path in sources()])]
    monkeypatch.setattr(course, "rows", lambda _: changed)
    assert "run `python -m authoring map`" in course.problems()[0]


def test_shipped_weights_are_small_and_safe() -> None:
    weights = {path.name: path.stat().st_size for path in (PACKAGE / "weights").iterdir()}
    card = weights.pop("README.md")
    assert card < 10_000
    names = ("classifier", "dcgan", "best", "conditional", *RESTORERS, *TRANSLATORS, *FAMILIES)
    assert weights.keys() == {f"{name}.safetensors" for name in names}
    assert max(weights.values()) < 1_000_000


@pytest.mark.parametrize(
    "target", ["help", "lab", "test", "check", "notebooks", "site", "slides", "bench", "clean"]
)
def test_make_lists_its_commands(target: str) -> None:
    done = subprocess.run(["make", "-s"], cwd=ROOT, capture_output=True, text=True, env=os.environ)
    assert re.search(rf"^  make {target} +\w", done.stdout, re.MULTILINE)


@pytest.mark.parametrize("time", ["once", "once more"])
def test_every_test_begins_with_the_same_random_numbers(time: str) -> None:
    rng = torch.Generator().manual_seed(0)
    assert torch.equal(torch.randn(3), torch.randn(3, generator=rng)), time


def test_no_list_is_a_list_of_lists_unpacked_for_the_formatter() -> None:
    kinds = ast.Tuple, ast.List, ast.Set
    found = []
    for path in [
        *PACKAGE.rglob("*.py"),
        *(ROOT / "authoring").rglob("*.py"),
        *(ROOT / "tests").rglob("*.py"),
    ]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, kinds):
                parts = [each.value for each in node.elts if isinstance(each, ast.Starred)]
            elif isinstance(node, ast.Dict):
                parts = [v for k, v in zip(node.keys, node.values, strict=True) if k is None]
            else:
                continue
            found += [(path, p.lineno) for p in parts if isinstance(p, (*kinds, ast.Dict))]
    assert found == []
