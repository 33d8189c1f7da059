"""The command line: what it makes, that it goes on after anything, and one sentence for mistakes.

Commands run in this process, where a traceback would be the test's own; those that end a process,
or begin one, run in a process of their own.
"""

import io
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from gan_lessons import data, machine, pretrained, training
from gan_lessons.cli import main
from gan_lessons.training import read_checkpoint

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="Unix signals and limits")
COMMANDS = [
    [],
    ["doctor"],
    ["data"],
    ["data", "status"],
    ["data", "download"],
    ["train"],
    ["sample"],
    ["evaluate"],
    ["progress"],
    ["edition"],
]


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch) -> Path:
    """An empty folder to work in, and the bundled digits."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GAN_LESSONS_DATA", "bundled")
    return tmp_path


# Without a run


def command(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "gan_lessons.cli", *arguments],
        capture_output=True,
        text=True,
        check=False,
        encoding="utf-8",
        env=os.environ | {"PYTHONIOENCODING": "utf-8"},
    )


def test_importing_the_package_and_the_command_loads_nothing_heavy() -> None:
    code = (
        "import sys, gan_lessons, gan_lessons.cli\n"
        "heavy = {'torch', 'numpy', 'matplotlib', 'requests', 'urllib.request', 'IPython'}\n"
        "print(*(heavy & set(sys.modules)))\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "\n"


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_help_explains_every_command_and_option(words, capsys) -> None:
    with pytest.raises(SystemExit) as end:
        main([*words, "--help"])
    assert end.value.code == 0
    text = capsys.readouterr().out
    assert text.startswith(f"usage: {' '.join(['gan-lessons', *words])}")
    options = re.findall(r"^  (--?\w.*)$", text, flags=re.MULTILINE)
    assert options
    # Each option has words beside it, or below it where its name is long.
    for line in options:
        after = text.split(line, 1)[1].splitlines()[1:2]
        assert re.search(r"\S {2,}\S", line) or re.match(r" {10,}\S", after[0]), line


def refused(capsys, *arguments: str) -> str:
    """The one sentence on stderr with which a command ends, by exit code 2."""
    capsys.readouterr()
    try:
        code = main(arguments)
    except SystemExit as end:
        code = end.code
    errors = capsys.readouterr().err
    assert code == 2, errors
    assert errors.startswith("gan-lessons")
    assert errors.endswith(".\n")
    assert errors.count("\n") == 1, errors
    return errors


@pytest.mark.parametrize(
    ("line", "fragment"),
    [
        ("", "COMMAND"),
        ("tarin", "invalid choice: 'tarin'"),
        ("data", "ACTION"),
        ("train --steps 0", "'0' will not do; choose a whole number from 1 to 10,000,000"),
        ("train --steps 1.5", "'1.5' will not do; choose a whole number"),
        ("train --steps ten", "'ten' will not do; choose a whole number"),
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
def test_a_mistyped_command_is_one_sentence(line, fragment) -> None:
    end = command(*line.split())
    assert end.returncode == 2
    assert end.stdout == ""
    assert end.stderr.startswith("gan-lessons")
    assert end.stderr.count("\n") == 1
    assert fragment in end.stderr


@pytest.mark.parametrize(
    ("line", "fragment"),
    [
        ("train --recipe wgan", "There is no recipe 'wgan'; choose one of dcgan, fast, best, "),
        ("train --out file", "file is a file; --out needs a folder."),
        ("train --steps 2 --out file/run", "Cannot write file"),
        ("train --resume --out nothing", "There is nothing to resume in nothing;"),
        ("sample --from nobody --out a.npy", "There is no generator 'nobody'. Name a shipped one"),
        ("sample --out a.txt", "--out is 'a.txt'; choose a file name that ends in .npy or .png."),
        ("sample --out folder", "--out is 'folder'"),
        ("sample -n 5000 --out a.png", "A picture of 5,000 digits is too large; take up to 1024"),
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
def test_a_mistake_is_one_sentence_and_leaves_nothing(here, capsys, line, fragment) -> None:
    (here / "file").write_text("just text")
    (here / "broken.safetensors").write_bytes(b"\x10\0\0\0\0\0\0\0{")
    assert fragment in refused(capsys, *line.split())
    assert sorted(path.name for path in here.iterdir()) == ["broken.safetensors", "file"]


@POSIX
def test_a_name_that_is_too_long_is_one_sentence(capsys) -> None:
    assert "File name too long" in refused(capsys, "train", "--out", "a" * 300)


def npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


WHOLE = npy(np.zeros((70, 28, 28), np.uint8))


@pytest.mark.parametrize(
    ("content", "fragment"),
    [
        (npy(np.zeros((70, 28, 28))), "uint8 (0 to 255), not float64"),
        (npy(np.zeros((70, 28, 28), np.int64)), "uint8 (0 to 255), not int64"),
        (npy(np.zeros((70, 14, 14), np.uint8)), "(N, 28, 28), not (70, 14, 14)"),
        (npy(np.zeros((70, 1, 28, 28), np.uint8)), "(N, 28, 28), not (70, 1, 28, 28)"),
        (npy(np.zeros((64, 28, 28), np.uint8)), "64 samples are too few"),
        (npy(np.zeros((0, 28, 28), np.uint8)), "0 samples are too few"),
        (npy(np.array([{}, None])), "cannot be read as a whole .npy file of numbers"),
        (WHOLE[:-1], "cannot be read as a whole .npy file of numbers"),
        (WHOLE[:40], "cannot be read as a whole .npy file of numbers"),
        (WHOLE.replace(b"(70,", b"(7" + 12 * b"0" + b",").replace(12 * b" ", b"", 1), "cannot be"),
        (WHOLE.replace(b"(70,", b"(7" + 24 * b"0" + b",").replace(24 * b" ", b"", 1), "cannot be"),
        (b"", "cannot be read as a whole .npy file of numbers"),
        (b"<html>not here</html>", "cannot be read as a whole .npy file of numbers"),
    ],
)
def test_an_array_that_is_not_digits_is_one_sentence(here, capsys, content, fragment) -> None:
    (here / "a.npy").write_bytes(content)
    assert fragment in refused(capsys, "evaluate", "a.npy")


def test_a_mirror_that_cannot_be_reached_is_one_sentence(here, capsys) -> None:
    with socket.socket() as reserved:  # bound, but nobody listens
        reserved.bind(("127.0.0.1", 0))
        mirror = f"http://127.0.0.1:{reserved.getsockname()[1]}/"
        said = refused(capsys, "data", "download", "--to", "mnist", "--mirror", mirror)
    assert f"{mirror} cannot be reached" in said
    assert "GAN_LESSONS_DATA" in said  # another way to get the data
    assert not list(here.glob("mnist/*ubyte*"))


def test_data_that_are_not_where_the_variable_says(capsys, monkeypatch) -> None:
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


def test_data_status_names_the_source_in_use(capsys) -> None:
    assert main(["data", "status"]) == 0
    assert "in use -> bundled: 5,000 training digits" in capsys.readouterr().out


# Runs: one uninterrupted, and what happens to others on the way

STEPS = "40"
# The command, saving more often than every five seconds.
EAGER = (
    "import signal, sys\n"
    "from gan_lessons import cli\n"
    "cli.SAVE_EVERY = 0.05\n"
    "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a shell's & switches it off
    "sys.exit(cli.main())\n"
)


def start(folder: Path, *arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", EAGER, "train", *arguments, "--out", "run"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env=os.environ | {"GAN_LESSONS_DATA": "bundled", "PYTHONIOENCODING": "utf-8"},
    )


def train(folder: Path, *arguments: str) -> tuple[int, str, str]:
    with start(folder, *arguments) as process:
        output, errors = process.communicate(timeout=120)
    return process.returncode, output, errors


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    """The folder of a run that nothing interrupted."""
    folder = tmp_path_factory.mktemp("finished")
    code, output, errors = train(folder, "--steps", STEPS, "--seed", "3")
    assert code == 0, errors
    assert f"Done: {STEPS} steps" in output
    return folder / "run"


def wait_for_steps(run: Path, process: "subprocess.Popen[str]") -> None:
    """Return when the run has a checkpoint later than the one that it begins with."""
    checkpoint, first = run / "checkpoint.pt", None
    deadline = time.monotonic() + 60
    while True:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        changed = checkpoint.stat().st_mtime_ns if checkpoint.exists() else None
        first = first or changed
        if changed != first:
            return
        time.sleep(0.005)


def assert_same_run(a: Path, b: Path) -> None:
    one, other = (read_checkpoint(run / "checkpoint.pt") for run in (a, b))
    assert one["step"] == other["step"]
    for part in ("generator", "discriminator", "average"):
        for name, tensor in one[part].items():
            assert torch.equal(tensor, other[part][name]), (part, name)
    assert pretrained.load_generator(a / "generator.safetensors")


def test_a_run_leaves_what_its_help_promises(finished) -> None:
    assert sorted(path.name for path in finished.iterdir()) == [
        "checkpoint.pt",
        "generator.safetensors",
        "samples.png",
    ]
    assert (finished / "samples.png").read_bytes().startswith(b"\x89PNG")
    state = read_checkpoint(finished / "checkpoint.pt")
    assert state["step"] == int(STEPS)
    assert state["settings"]["seed"] == 3


def test_a_killed_run_goes_on_by_the_same_command(here, finished) -> None:
    arguments = ("--steps", STEPS, "--seed", "3")
    with start(here, *arguments) as process:
        wait_for_steps(here / "run", process)
        process.kill()
        process.communicate()
    assert process.returncode != 0
    step = read_checkpoint(here / "run" / "checkpoint.pt")["step"]
    assert 0 < step < int(STEPS)
    (here / "run" / ".checkpoint.pt.x.pt").write_bytes(b"what a kill while writing leaves")
    code, output, errors = train(here, *arguments)
    assert code == 0, errors
    assert f"run holds this run, at step {step}: going on." in output
    assert_same_run(here / "run", finished)
    assert len(list((here / "run").iterdir())) == 3


@POSIX
def test_an_interrupted_run_is_saved_and_says_how_to_go_on(here, finished) -> None:
    with start(here, "--steps", STEPS, "--seed", "3") as process:
        wait_for_steps(here / "run", process)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in errors
    stopped = re.search(r"Stopped after step (\d+); to go on: gan-lessons (.*)\n", errors)
    assert stopped, errors
    assert read_checkpoint(here / "run" / "checkpoint.pt")["step"] == int(stopped[1])
    assert 0 < int(stopped[1]) < int(STEPS)
    assert stopped[2] == "train --resume --out run"
    code, _, errors = train(here, "--resume")
    assert code == 0, errors
    assert_same_run(here / "run", finished)


@POSIX
def test_a_full_disk_is_one_sentence_and_leaves_nothing_half_written(here) -> None:
    code = (
        "import resource, sys\n"
        "from gan_lessons.cli import main\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "sys.exit(main(['train', '--steps', '1', '--out', 'run']))\n"
    )
    end = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=here
    )
    assert end.returncode == 2, end.stderr
    assert end.stderr.count("\n") == 1
    assert end.stderr.startswith("gan-lessons: Cannot write")
    assert list((here / "run").iterdir()) == []


@pytest.fixture
def run(here, finished) -> Path:
    """A copy of the finished run, to be spoilt."""
    copy = here / "run"
    copy.mkdir()
    for path in finished.iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    return copy


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize(
    ("line", "fragment"),
    [
        ("--steps 41 --seed 3", "holds a run with other settings, at step 40"),
        (f"--steps {STEPS}", "holds a run with other settings"),
        (f"--steps {STEPS} --seed 3 --recipe dense", "holds a run with other settings"),
        ("--resume --steps 50", "holds a run with other settings"),
    ],
)
def test_a_run_is_not_overwritten(run, capsys, line, fragment) -> None:
    before = contents(run)
    assert fragment in refused(capsys, "train", *line.split(), "--out", "run")
    assert contents(run) == before


@pytest.mark.parametrize("options", [["--resume"], ["--steps", STEPS, "--seed", "3"]])
def test_a_finished_run_only_gets_what_is_missing(run, capsys, options) -> None:
    expected = contents(run)
    (run / "generator.safetensors").unlink()  # as a kill at the very end leaves it
    assert main(["train", *options, "--out", "run"]) == 0
    assert f"at step {STEPS}: finished." in capsys.readouterr().out
    assert contents(run)["generator.safetensors"] == expected["generator.safetensors"]
    assert read_checkpoint(run / "checkpoint.pt")["step"] == int(STEPS)


@pytest.mark.parametrize("damage", [lambda b: b[: len(b) // 2], lambda b: b"", lambda b: b"<html>"])
def test_a_damaged_checkpoint_is_named_and_kept(
    run, capsys, damage: Callable[[bytes], bytes]
) -> None:
    path = run / "checkpoint.pt"
    path.write_bytes(damage(path.read_bytes()))
    before = contents(run)
    for arguments in (
        ("train", "--resume", "--out", "run"),
        ("train", "--steps", STEPS, "--seed", "3", "--out", "run"),
        ("sample", "--from", "run", "--out", "a.npy"),
        ("evaluate", "run"),
    ):
        assert f"{Path('run') / 'checkpoint.pt'} is not a checkpoint" in refused(capsys, *arguments)
    assert contents(run) == before
    assert not Path("a.npy").exists()


def test_going_on_with_other_data_is_refused(run, capsys, monkeypatch) -> None:
    digits = data.load_digits("train", source="bundled", announce=False)
    fewer = data.Digits(digits.images[:4000], digits.labels[:4000], digits.source)
    monkeypatch.setattr(data, "load_digits", lambda: fewer)
    said = refused(capsys, "train", "--resume", "--out", "run")
    assert "other data (5,000 samples; these are 4,000)" in said


def test_the_options_become_settings() -> None:
    # 150 of 5,000 digits, in batches of 64
    assert main(["train", "--recipe", "dense", "--epochs", "0.03", "--seed", "5"]) == 0
    state = read_checkpoint(Path("runs") / "dense-5" / "checkpoint.pt")
    assert (state["step"], state["settings"]["network"]) == (2, "dense")
    assert main(["train", "--recipe", "dense", "--seconds", "0.3", "--out", "timed"]) == 0
    state = read_checkpoint(Path("timed") / "checkpoint.pt")
    assert state["elapsed"] >= 0.3
    assert (state["settings"]["seconds"], state["settings"]["seed"]) == (0.3, 0)


# Drawing and measuring


def sample(source: str | Path, out: str, *options: str) -> np.ndarray:
    assert main(["sample", "--from", str(source), "--out", out, *options]) == 0
    return np.load(out)


def test_samples_are_the_runs_averaged_generator_as_uint8(finished) -> None:
    drawn = sample(finished, "a.npy", "-n", "70", "--seed", "4")
    assert drawn.dtype == np.uint8
    assert drawn.shape == (70, 28, 28)
    generator, settings = pretrained.load_generator(finished)
    images = training.sample(generator, pretrained.noise(70, settings, seed=4))
    assert np.array_equal(drawn, ((images.squeeze(1) + 1) * 127.5).round().numpy())
    half = sample(finished / "generator.safetensors", "b.npy", "-n", "70", "--seed", "4")
    assert np.abs(drawn.astype(int) - half).max() <= 2  # it is kept in half precision


def test_one_seed_decides_the_samples(finished) -> None:
    first = sample(finished, "a.npy", "-n", "9")
    assert np.array_equal(first, sample(finished, "b.npy", "-n", "9", "--seed", "0"))
    assert not np.array_equal(first, sample(finished, "c.npy", "-n", "9", "--seed", "1"))
    assert len(sample(finished, "d.npy")) == 64


@pytest.mark.parametrize("n", ["1", "10", "1024"])
def test_samples_as_a_picture(here, finished, n) -> None:
    assert main(["sample", "--from", str(finished), "-n", n, "--out", "deep/a.png"]) == 0
    assert (here / "deep" / "a.png").read_bytes().startswith(b"\x89PNG")


def test_samples_replace_an_older_file_whole(here, finished) -> None:
    (here / "a.npy").write_bytes(b"old")
    assert len(sample(finished, "a.npy", "-n", "2")) == 2
    assert [path.name for path in here.iterdir()] == ["a.npy"]


def test_the_shipped_dcgan_is_what_sample_draws_from(here) -> None:
    assert main(["sample", "-n", "100", "--out", "a.npy"]) == 0
    digits = np.load("a.npy")
    assert np.array_equal(digits, sample("dcgan", "b.npy", "-n", "100"))
    real = data.to_uint8(data.load_digits("train", announce=False).images[:1000])
    assert digits[:, 0, :].mean() < 5  # paper is dark,
    assert digits.max(axis=(1, 2)).min() > 200  # ink is bright,
    assert digits.mean() == pytest.approx(real.mean(), rel=0.3)  # and about as much as in MNIST


def numbers(text: str) -> Iterator[float]:
    return map(float, re.findall(r"\d+\.\d+", text.replace("%", "")))


@pytest.mark.parametrize("shipped", [True, False], ids=["name", "run"])
def test_evaluating_a_source_agrees_with_its_array(capsys, finished, shipped) -> None:
    source = "dcgan" if shipped else str(finished)
    sample(source, "a.npy", "-n", "300", "--seed", "2")
    reports = []
    for arguments in (
        [source, "-n", "300", "--seed", "2"],
        ["--from", source, "-n", "300", "--seed", "2"],
        ["a.npy"],
        ["--from", "a.npy"],
    ):
        capsys.readouterr()
        assert main(["evaluate", *arguments]) == 0
        reports.append(capsys.readouterr().out)
    assert reports[0] == reports[1]
    assert reports[2] == reports[3]
    assert "(300 images; lower is better)" in reports[0]
    # Rounding to 256 greys moves a number a little.
    one, other = (list(numbers(report)) for report in reports[1:3])
    assert len(one) == 12  # distance, confidence, ten shares
    assert one == pytest.approx(other, rel=0.02, abs=0.7)


@pytest.mark.parametrize("recipe", ["fast", "best"])
def test_recipes_of_one_pass_take_the_levers_of_this_machine(
    here, monkeypatch, capsys, recipe
) -> None:
    levers = {"precision": "float32", "workers": 2}
    monkeypatch.setattr(machine, "levers", lambda _: levers)
    arguments = ["train", "--recipe", recipe, "--steps", "3", "--out", "run"]
    assert main(arguments) == 0
    state = read_checkpoint("run/checkpoint.pt")
    assert state["settings"]["update"] == "one_pass"
    assert state["settings"]["workers"] == 2
    assert "Done: 3 steps" in capsys.readouterr().out
    assert main(["sample", "--from", "run", "-n", "2", "--out", "a.npy"]) == 0


def test_copies_of_training_digits_are_noticed(here, monkeypatch, capsys) -> None:
    real = data.load_digits(source="bundled", announce=False)
    halves = {
        "train": data.Digits(real.images[:300], real.labels[:300], ""),
        "test": data.Digits(real.images[300:600], real.labels[300:600], ""),
    }
    monkeypatch.setattr(data, "load_digits", lambda split, **_: halves[split])
    shares = []
    for half in halves.values():
        np.save("a.npy", data.to_uint8(half.images))
        assert main(["evaluate", "a.npy", "--copies"]) == 0
        shares.append(
            re.search(r"pixels: ([\d.]+)% nearer to training", capsys.readouterr().out)[1]
        )
    assert shares == ["100.0", "0.0"]


def test_copies_need_digits_that_were_not_trained_on(here, monkeypatch, capsys) -> None:
    monkeypatch.setenv("GAN_LESSONS_DATA", "bundled")
    assert "have no test split" in refused(capsys, "evaluate", "dcgan", "-n", "100", "--copies")
