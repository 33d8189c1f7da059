"""The doctor: a healthy machine is well, and each ailment comes with what to do about it."""

import importlib.metadata
import os
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from gan_lessons import pretrained
from gan_lessons.cli import doctor, main
from gan_lessons.cli.doctor import Check
from gan_lessons.training import autotune


@pytest.fixture(autouse=True)
def healthy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GAN_LESSONS_DATA", "bundled")
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    # A test leaves the user's cache alone.
    fastest = {"precision": "bfloat16", "workers": 2}
    monkeypatch.setattr(autotune, "autotune", lambda settings: replace(settings, **fastest))


def found(name: str) -> Check:
    (check,) = [check for check in doctor.examine() if check.name == name]
    return check


def test_a_healthy_machine_is_well(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 0
    text = capsys.readouterr().out
    assert text.splitlines()[-1] == "All is well."
    assert "PROBLEM" not in text
    for part in (
        f"ok      torch: {torch.__version__.split('+')[0]}",
        "ok      Python: 3.",
        "ok      data: 5,000 training digits",
        "ok      weights: best, conditional, dcgan",
        f"{os.cpu_count()} cores",
        "GB free here",
        "ok      fastest training: bfloat16, 2 workers",
    ):
        assert part in text


def test_a_data_folder_that_is_not_there(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GAN_LESSONS_DATA", str(tmp_path / "nowhere"))
    check = found("data")
    assert not check.good
    assert "nowhere does not exist" in check.found
    assert "unset GAN_LESSONS_DATA" in check.advice
    assert main(["doctor"]) == 1
    lines = capsys.readouterr().out.splitlines()
    problem = next(i for i, line in enumerate(lines) if line.startswith("PROBLEM data:"))
    assert lines[problem + 1].strip() == check.advice
    assert lines[-1] == f"Problems: {sum(line.startswith('PROBLEM') for line in lines)}."


def test_a_damaged_data_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"):
        (tmp_path / name).write_bytes(b"<html>please log in</html>")
    monkeypatch.setenv("GAN_LESSONS_DATA", str(tmp_path))
    check = found("data")
    assert not check.good
    assert "train-images-idx3-ubyte" in check.found


def test_damaged_and_missing_weights(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(pretrained, "FOLDER", tmp_path)
    assert found("weights") == Check("weights", "none", False, "Get a fresh copy of the course.")
    (tmp_path / "dcgan.safetensors").write_bytes(b"version https://git-lfs.github.com/spec/v1")
    check = found("weights")
    assert not check.good
    assert "dcgan.safetensors is not a generator" in check.found


def test_a_missing_package(monkeypatch: pytest.MonkeyPatch) -> None:
    version = importlib.metadata.version

    def without_jupyterlab(name: str) -> str:
        if name == "jupyterlab":
            raise importlib.metadata.PackageNotFoundError(name)
        return version(name)

    monkeypatch.setattr(importlib.metadata, "version", without_jupyterlab)
    check = found("jupyterlab")
    assert not check.good
    assert check.found == "missing (for reading the lessons)"
    assert "make lab" in check.advice
    assert found("torch").good


def test_an_old_python_a_full_disk_and_too_many_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 10, 9, "final", 0))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=2e8))
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1000)
    bad = {
        check.name: check
        for check in (doctor._python(), doctor._disk(), doctor._threads())
        if not check.good
    }
    assert set(bad) == {"Python", "disk", "threads"}
    assert bad["disk"].found == "0.2 GB free here"
    assert f"OMP_NUM_THREADS={os.cpu_count()}" in bad["threads"].advice
    assert all(check.advice.endswith(".") for check in bad.values())
