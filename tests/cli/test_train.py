"""Training: it goes on after anything, and never over another run."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch

from cli.harness import (
    POSIX,
    STEPS,
    assert_same_run,
    contents,
    refused,
    start,
    train,
    wait_for_steps,
)
from gan_lessons import data
from gan_lessons.cli import main
from gan_lessons.methods import RECIPES
from gan_lessons.training import (
    Settings,
    autotune,
    choice,
    describe,
    flag,
    number,
    read_checkpoint,
)


def test_a_run_leaves_what_its_help_promises(finished: Path) -> None:
    assert sorted(contents(finished)) == [
        "checkpoint.pt",
        "generator.safetensors",
        "samples.png",
    ]
    assert (finished / "samples.png").read_bytes().startswith(b"\x89PNG")
    state = read_checkpoint(finished / "checkpoint.pt")
    assert state["step"] == int(STEPS)
    assert state["settings"]["seed"] == 3


def test_a_killed_run_goes_on_by_the_same_command(here: Path, finished: Path) -> None:
    arguments = ("--steps", STEPS, "--seed", "3")
    with start(here, *arguments) as process:
        wait_for_steps(here / "run", process)
        process.kill()
        process.communicate()
    assert process.returncode != 0
    step = read_checkpoint(here / "run" / "checkpoint.pt")["step"]
    assert 0 < step < int(STEPS)
    (here / "run" / ".checkpoint.pt.999999999.x.pt").write_bytes(
        b"what a kill while writing leaves"
    )
    code, output, errors = train(here, *arguments)
    assert code == 0, errors
    assert f"run holds this run, at step {step}: going on." in output
    assert_same_run(here / "run", finished)
    assert len(contents(here / "run")) == 3


@POSIX
def test_a_full_disk_is_one_sentence_and_leaves_nothing_half_written(here: Path) -> None:
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
    assert contents(here / "run") == {}


@pytest.fixture
def run(here: Path, finished: Path) -> Path:
    """A copy of the finished run, to be spoilt."""
    copy = here / "run"
    copy.mkdir()
    for path in finished.iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    return copy


@pytest.mark.parametrize(
    ("line", "fragment"),
    [
        ("--steps 41 --seed 3", "holds a run with other settings, at step 40"),
        (f"--steps {STEPS}", "holds a run with other settings"),
        (f"--steps {STEPS} --seed 3 --recipe dense", "holds a run with other settings"),
        ("--resume --steps 50", "holds a run with other settings"),
    ],
)
def test_a_run_is_not_overwritten(
    run: Path, capsys: pytest.CaptureFixture[str], line: str, fragment: str
) -> None:
    before = contents(run)
    assert fragment in refused(capsys, "train", *line.split(), "--out", "run")
    assert contents(run) == before


@pytest.mark.parametrize("options", [["--resume"], ["--steps", STEPS, "--seed", "3"]])
def test_a_finished_run_only_gets_what_is_missing(
    run: Path, capsys: pytest.CaptureFixture[str], options: list[str]
) -> None:
    expected = contents(run)
    (run / "generator.safetensors").unlink()  # as a kill at the very end leaves it
    assert main(["train", *options, "--out", "run"]) == 0
    assert f"at step {STEPS}: finished." in capsys.readouterr().out
    assert contents(run)["generator.safetensors"] == expected["generator.safetensors"]
    assert read_checkpoint(run / "checkpoint.pt")["step"] == int(STEPS)


@pytest.mark.parametrize("damage", [lambda b: b[: len(b) // 2], lambda b: b"", lambda b: b"<html>"])
def test_a_damaged_checkpoint_is_named_and_kept(
    run: Path, capsys: pytest.CaptureFixture[str], damage: Callable[[bytes], bytes]
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


def test_going_on_with_other_data_is_refused(
    run: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    digits = data.load_digits("train", source="bundled", announce=False)
    fewer = data.Digits(digits.images[:4000], digits.labels[:4000], digits.source)
    monkeypatch.setattr(data, "load_digits", lambda announce=True: fewer)
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


@pytest.mark.parametrize(("given", "wanted"), [([], 1), (["--threads", "2"], 2)])
def test_it_computes_in_as_many_threads_as_it_is_told(
    monkeypatch: pytest.MonkeyPatch, given: list[str], wanted: int
) -> None:
    asked: list[int] = []
    monkeypatch.setattr(torch, "set_num_threads", asked.append)
    assert main(["train", "--recipe", "dense", "--steps", "1", *given]) == 0
    assert asked == [wanted]


@pytest.mark.parametrize("recipe", ["fast", "best"])
def test_recipes_of_one_pass_take_what_is_fastest_on_this_machine(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], recipe: str
) -> None:
    monkeypatch.setattr(autotune, "autotune", lambda asked: replace(asked, workers=2))
    arguments = ["train", "--recipe", recipe, "--steps", "3", "--out", "run"]
    assert main(arguments) == 0
    state = read_checkpoint("run/checkpoint.pt")
    assert state["method"] == "one_pass"
    assert state["settings"]["workers"] == 2
    assert "Done: 3 steps" in capsys.readouterr().out
    assert main(["sample", "--from", "run", "-n", "2", "--out", "a.npy"]) == 0


def test_an_empty_name_is_no_recipe(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "There is no recipe ''; choose one of" in refused(capsys, "train", "--recipe", "")
    assert "device is ''; choose one of" in refused(capsys, "train", "--device", "")
    assert list(here.iterdir()) == []


# Settings


def settings(*arguments: str) -> dict[str, Any]:
    assert main(["train", "--recipe", "dense", "--out", "run", *arguments]) == 0
    found: dict[str, Any] = read_checkpoint("run/checkpoint.pt")["settings"]
    return found


def test_any_setting_can_be_set() -> None:
    changes: dict[str, Any] = {
        "batch_size": 32,
        "lr_generator": 0.001,
        "penalty": "none",
        "lr_decay": "cosine",
    }
    pairs = [word for name, value in changes.items() for word in ("--set", f"{name}={value}")]
    found = settings("--steps", "2", *pairs)
    expected = replace(RECIPES["dense"], **changes, steps=2).asdict()
    assert found == expected
    assert isinstance(found["batch_size"], int)


def test_epochs_count_batches_of_the_size_that_is_set() -> None:
    assert settings("--epochs", "0.01", "--set", "batch_size=10")["steps"] == 5


def test_set_goes_before_what_the_machine_is_good_at(monkeypatch: pytest.MonkeyPatch) -> None:
    fastest = {"precision": "bfloat16", "workers": 2}
    monkeypatch.setattr(autotune, "autotune", lambda asked: replace(asked, **fastest))
    small = ["--set", "generator_width=8", "--set", "discriminator_width=8"]
    line = ["--recipe", "fast", "--steps", "1", "--set", "precision=float32", *small]
    found = settings(*line)
    assert (found["precision"], found["workers"]) == ("float32", 2)


@pytest.mark.parametrize(
    ("pair", "fragment"),
    [
        ("size=4", "There is no setting 'size'; the settings are batch_size, ema_decay, "),
        ("=4", "There is no setting ''; the settings are"),
        ("batch_size", "--set 'batch_size' lacks its value; write NAME=VALUE."),
        ("batch_size=", "batch_size is ''; choose a whole number from 2 to 4,096."),
        ("batch_size=x", "batch_size is 'x'; choose a whole number from 2 to 4,096."),
        ("batch_size=1", "batch_size is 1; choose a whole number from 2 to 4,096."),
        ("batch_size=2.5", "batch_size is '2.5'; choose a whole number from 2 to 4,096."),
        ("beta1=1", "beta1 is 1.0; choose a number from 0 to 0.999."),
        ("beta1=nan", "beta1 is nan; choose a number from 0 to 0.999."),
        ("penalty=r3", "penalty is 'r3'; choose one of none, gradient_penalty, r1,"),
        ("seed=4", "seed has an option of its own; write --seed 4."),
        ("label_smoothing=0.1=2", "label_smoothing is '0.1=2'; choose a number from 0 to 0.49."),
    ],
)
def test_a_setting_that_will_not_do_is_one_sentence(
    here: Path, capsys: pytest.CaptureFixture[str], pair: str, fragment: str
) -> None:
    assert fragment in refused(capsys, "train", "--steps", "2", "--set", pair)
    assert list(here.iterdir()) == []


def test_settings_are_parsed_by_the_types_of_their_fields() -> None:
    @dataclass(frozen=True, kw_only=True)
    class Kinds(Settings):
        switch: bool = flag(False, label="a flag")
        count: int | None = number(None, 0, 9, label="how many")
        rate: float | None = number(0.1, 0, 9, label="how fast")
        name: str = choice("none", ("none", "some"), label="which")

    parsed = [
        describe(Kinds)[name].parse(text)
        for name, text in (
            ("switch", "true"),
            ("switch", "False"),
            ("switch", "maybe"),
            ("count", "none"),
            ("count", "3"),
            ("rate", "3"),
            ("name", "none"),
        )
    ]
    assert parsed == [True, False, "maybe", None, 3, 3.0, "none"]
    assert list(map(type, parsed[-3:])) == [int, float, str]


def test_the_settings_of_a_recipe_are_said(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--recipe", "fast", "--settings"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert (
        "lr_generator = 0.003 (0 to 0.1): rate of G, η_G. How far G's weights move at a step."
        in lines
    )
    assert "workers = 1 (1 to 256): workers. Threads that share each batch." in lines
    assert list(here.iterdir()) == []


def test_a_setting_is_part_of_what_a_run_is(capsys: pytest.CaptureFixture[str]) -> None:
    line = ["train", "--recipe", "dense", "--steps", "2", "--out", "run"]
    assert main([*line, "--set", "batch_size=8"]) == 0
    for other in ([], ["--set", "batch_size=9"], ["--resume", "--set", "batch_size=9"]):
        assert "holds a run with other settings" in refused(capsys, *line, *other)
    for same in (["--set", "batch_size=8"], ["--resume", "--set", "batch_size=8"]):
        assert main([*line, *same]) == 0
    assert main(["train", "--out", "run", "--resume"]) == 0


# Two at a time


def test_a_second_run_into_one_folder_waits_for_nothing(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with start(here, "--steps", "100000", "--seed", "3") as process:
        wait_for_steps(here / "run", process)
        second = refused(capsys, "train", "--steps", "2", "--seed", "9", "--out", "run")
        resumed = refused(capsys, "train", "--resume", "--out", "run")
        assert process.poll() is None
        process.kill()
        process.communicate()
    for said in (second, resumed):
        assert "Another run is at work in run; choose another --out." in said
    state = read_checkpoint(here / "run" / "checkpoint.pt")
    assert (state["settings"]["seed"], state["settings"]["steps"]) == (3, 100_000)


def test_what_a_kill_left_of_any_file_goes(here: Path) -> None:
    (here / "run").mkdir()
    for name in (
        ".checkpoint.pt.999999999.x.pt",
        ".samples.png.999999999.x.png",
        ".generator.safetensors.999999999.x.safetensors",
    ):
        (here / "run" / name).write_bytes(b"half")
    settings("--steps", "2")
    assert sorted(contents(here / "run")) == [
        "checkpoint.pt",
        "generator.safetensors",
        "samples.png",
    ]
