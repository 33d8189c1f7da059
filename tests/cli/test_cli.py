"""The command line: its help, and one sentence for each mistake."""

import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from cli.harness import POSIX, command, refused
from gan_lessons.cli import main
from gan_lessons.methods import RECIPES

COMMANDS = [
    [],
    ["doctor"],
    ["data"],
    ["data", "status"],
    ["data", "download"],
    ["train"],
    ["sample"],
    ["evaluate"],
    ["restore"],
    ["progress"],
]


def test_importing_the_package_and_the_command_loads_nothing_heavy() -> None:
    code = (
        "import sys, gan_lessons, gan_lessons.cli\n"
        "heavy = {'torch', 'numpy', 'matplotlib', 'requests', 'urllib.request', 'IPython'}\n"
        "print(*(heavy & set(sys.modules)))\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "\n"


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_help_explains_every_command_and_option(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*words, "--help"]) == 0
    text = capsys.readouterr().out
    assert text.startswith(f"usage: {' '.join(['gan-lessons', *words])}")
    options = re.findall(r"^  (--?\w.*)$", text, flags=re.MULTILINE)
    assert options
    # Each option has words beside it, or below it where its name is long.
    for line in options:
        after = text.split(line, 1)[1].splitlines()[1:2]
        assert re.search(r"\S {2,}\S", line) or re.match(r" {10,}\S", after[0]), line


def test_help_names_every_recipe(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--help"]) == 0
    assert RECIPES.keys() <= {*re.findall(r"\w+", capsys.readouterr().out)}


@pytest.mark.parametrize(
    ("line", "fragment"),
    [
        ("", "COMMAND"),
        ("tarin", "invalid choice: 'tarin'"),
        ("data", "ACTION"),
        ("train --steps 0", "'0' will not do; choose a whole number from 1 to 10,000,000"),
        ("train --steps 1.5", "'1.5' will not do; choose a whole number"),
        ("train --steps ten", "'ten' will not do; choose a whole number"),
        ("train --lr 5", "train: there is no argument --lr 5; see gan-lessons train --help."),
        ("data status now", "there is no argument now; see gan-lessons data status --help."),
        ("train --seconds x", "'x' will not do; choose a number from 0.1 to 1,000,000"),
        ("train --seconds nan", "'nan' will not do"),
        ("train --seconds inf", "'inf' will not do"),
        ("train --epochs 0", "'0' will not do; choose a number from 0.001 to 10,000"),
        ("train --seed -1", "'-1' will not do; choose a whole number from 0 to 2,147,483,647"),
        ("train --steps 5 --seconds 5", "not allowed with"),
        ("train --recipe", "--recipe: expected one argument"),
        ("sample", "required: --out"),
        ("sample -n 0 --out a.npy", "'0' will not do; choose a whole number from 1 to 1,000,000"),
        ("evaluate RUN -n 64", "'64' will not do; choose a whole number from 65 to 100,000"),
    ],
)
def test_a_mistyped_command_is_one_sentence(line: str, fragment: str) -> None:
    end = command(*line.split())
    assert end.returncode == 2
    assert end.stdout == ""
    assert end.stderr.startswith("gan-lessons")
    assert end.stderr.count("\n") == 1
    assert fragment in end.stderr


@pytest.mark.parametrize(
    ("line", "fragment"),
    [
        (
            "train --recipe wgan",
            "There is no recipe 'wgan'; choose one of dcgan, dense, fast, best, ",
        ),
        ("train --out file", "file is a file; --out needs a folder."),
        ("train --steps 2 --out file/run", "Cannot write file"),
        ("train --resume --out nothing", "There is nothing to resume in nothing;"),
        ("sample --from nobody --out a.npy", "There is no generator 'nobody'. Name a shipped one"),
        ("sample --out a.txt", "--out is 'a.txt'; choose a file name that ends in .npy or .png."),
        ("sample --out folder", "--out is 'folder'"),
        ("sample -n 5000 --out a.png", "A picture of 5,000 samples is too large; take up to 1024"),
        ("sample --from broken.safetensors --out a.npy", "is not a generator of this course"),
        ("sample --from file --out a.npy", "file is not a checkpoint of this course"),
        ("evaluate", "Name one SOURCE"),
        ("evaluate a --from b", "Name one SOURCE"),
        ("evaluate nobody", "There is no generator 'nobody'."),
        ("evaluate none.npy", "There is no file none.npy."),
        ("data download --mirror ftp://example.org", "begins with http:// or https://"),
        ("data download --mirror http://", "begins with http:// or https://"),
        ("data download --to file/folder", "Cannot write"),
    ],
)
def test_a_mistake_is_one_sentence_and_leaves_nothing(
    here: Path, capsys: pytest.CaptureFixture[str], line: str, fragment: str
) -> None:
    (here / "file").write_text("just text")
    (here / "broken.safetensors").write_bytes(b"\x10\0\0\0\0\0\0\0{")
    assert fragment in refused(capsys, *line.split())
    assert sorted(path.name for path in here.iterdir()) == ["broken.safetensors", "file"]


@POSIX
def test_a_name_that_is_too_long_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert "File name too long" in refused(capsys, "train", "--out", "a" * 300)


def test_a_mirror_that_cannot_be_reached_is_one_sentence(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as reserved:  # bound, but nobody listens
        reserved.bind(("127.0.0.1", 0))
        mirror = f"http://127.0.0.1:{reserved.getsockname()[1]}/"
        said = refused(capsys, "data", "download", "--to", "mnist", "--mirror", mirror)
    assert f"{mirror} cannot be reached" in said
    assert "GAN_LESSONS_DATA" in said  # another way to get the data
    assert not list(here.glob("mnist/*ubyte*"))


def test_data_that_are_not_where_the_variable_says(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GAN_LESSONS_DATA", "nowhere")
    end = command("train", "--steps", "1")
    assert end.returncode == 2
    assert end.stderr.startswith("gan-lessons: The data folder nowhere does not exist")
    assert end.stderr.count("\n") == 1
    assert not Path("runs").exists()
    assert main(["data", "status"]) == 0  # explains instead of failing
    in_use = [line for line in capsys.readouterr().out.splitlines() if "in use ->" in line]
    assert len(in_use) == 1
    assert "folder: Missing: train-images" in in_use[0]


def test_a_download_is_named_in_full(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gan_lessons.data.download.download", lambda folder, mirrors: folder)
    monkeypatch.setenv("GAN_LESSONS_DATA", "bundled")
    monkeypatch.chdir(tmp_path)
    assert main(["data", "download", "--to", "mnist"]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.endswith(f"set GAN_LESSONS_DATA={tmp_path.resolve() / 'mnist'}")
    monkeypatch.setenv("GAN_LESSONS_DATA", str(tmp_path / "mnist"))
    assert main(["data", "download", "--to", "mnist"]) == 0
    assert "In use is still" not in capsys.readouterr().out


def test_data_status_names_the_source_in_use(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "status"]) == 0
    assert "in use -> bundled: 5,000 training digits" in capsys.readouterr().out
