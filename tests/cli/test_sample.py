"""Drawing digits from a generator."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from cli.harness import POSIX, one_sentence, refused
from gan_lessons import data, pretrained, training
from gan_lessons.cli import draw, main
from gan_lessons.methods import GANSettings
from gan_lessons.training import Trainer


def sample(source: str | Path, out: str, *options: str) -> np.ndarray:
    assert main(["sample", "--from", str(source), "--out", out, *options]) == 0
    drawn: np.ndarray = np.load(out)
    return drawn


def test_samples_are_the_runs_averaged_generator_as_uint8(finished: Path) -> None:
    drawn = sample(finished, "a.npy", "-n", "70", "--seed", "4")
    assert drawn.dtype == np.uint8
    assert drawn.shape == (70, 28, 28)
    generator, settings = pretrained.load_generator(finished)
    images = training.sample(generator, pretrained.noise(70, settings, seed=4))
    assert np.array_equal(drawn, ((images.squeeze(1) + 1) * 127.5).round().numpy())
    half = sample(finished / "generator.safetensors", "b.npy", "-n", "70", "--seed", "4")
    assert np.abs(drawn.astype(int) - half).max() <= 2  # it is kept in half precision


def test_one_seed_decides_the_samples(finished: Path) -> None:
    first = sample(finished, "a.npy", "-n", "9")
    assert np.array_equal(first, sample(finished, "b.npy", "-n", "9", "--seed", "0"))
    assert not np.array_equal(first, sample(finished, "c.npy", "-n", "9", "--seed", "1"))
    assert len(sample(finished, "d.npy")) == 64


@pytest.mark.parametrize("n", ["1", "10", "1024"])
def test_samples_as_a_picture(here: Path, finished: Path, n: str) -> None:
    assert main(["sample", "--from", str(finished), "-n", n, "--out", "deep/a.png"]) == 0
    assert (here / "deep" / "a.png").read_bytes().startswith(b"\x89PNG")


def test_samples_replace_an_older_file_whole(here: Path, finished: Path) -> None:
    (here / "a.npy").write_bytes(b"old")
    assert len(sample(finished, "a.npy", "-n", "2")) == 2
    assert [path.name for path in here.iterdir()] == ["a.npy"]


def test_the_shipped_dcgan_is_what_sample_draws_from(here: Path) -> None:
    assert main(["sample", "-n", "100", "--out", "a.npy"]) == 0
    digits = np.load("a.npy")
    assert np.array_equal(digits, sample("dcgan", "b.npy", "-n", "100"))
    real = data.to_uint8(data.load_digits("train", announce=False).images[:1000])
    assert digits[:, 0, :].mean() < 5  # paper is dark,
    assert digits.max(axis=(1, 2)).min() > 200  # ink is bright,
    assert digits.mean() == pytest.approx(real.mean(), rel=0.3)  # and about as much as in MNIST


@pytest.mark.parametrize("source", ["dcgan", "conditional"])
def test_pieces_are_what_is_drawn_at_once(source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    at_once = sample(source, "a.npy", "-n", "100", "--seed", "4")
    monkeypatch.setattr(draw, "PIECE", 32)
    pieces = sample(source, "b.npy", "-n", "100", "--seed", "4")
    assert np.abs(at_once.astype(int) - pieces).max() <= 1  # the last bit of a float
    generator, settings = pretrained.load_generator(source)
    images = training.sample(generator, pretrained.noise(100, settings, seed=4))
    assert np.abs(data.to_uint8(images).astype(int) - pieces).max() <= 1


@pytest.fixture
def tiny(here: Path) -> Trainer:
    """A run in ``tiny`` with a generator that draws fast."""
    settings = GANSettings(network="dense", latent_dim=16, generator_width=4, discriminator_width=4)
    trainer = Trainer(torch.zeros(32, 1, 28, 28), settings)
    trainer.save(here / "tiny" / pretrained.CHECKPOINT)
    return trainer


MEMORY = """
import resource
from gan_lessons.cli import main
for n in ("4000", "200000"):
    assert main(["sample", "--from", "tiny", "-n", n, "--out", "a.npy"]) == 0
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@POSIX
@pytest.mark.usefixtures("tiny")
def test_memory_does_not_grow_with_the_number() -> None:
    done = subprocess.run(
        [sys.executable, "-c", MEMORY], capture_output=True, text=True, check=True
    )
    few, many = map(int, re.findall(r"^\d+$", done.stdout, re.MULTILINE))
    unit = 1 if sys.platform == "darwin" else 1024
    assert (many - few) * unit < 50e6  # their pixels alone are 157 MB, as floats 627 MB
    drawn = np.load("a.npy", mmap_mode="r")
    assert drawn.shape == (200_000, 28, 28)
    assert drawn[-1].any()


@POSIX
@pytest.mark.usefixtures("tiny")
def test_a_disk_that_fills_up_on_the_way_is_one_sentence(here: Path) -> None:
    code = (
        "import resource, sys\n"
        "from gan_lessons.cli import main\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, 2_000_000))\n"
        "sys.exit(main())\n"
    )
    line = ["sample", "--from", "tiny", "-n", "4000", "--out", "a.npy"]
    end = subprocess.run([sys.executable, "-c", code, *line], capture_output=True, text=True)
    assert end.returncode == 2
    assert one_sentence(end.stderr).startswith("gan-lessons: Cannot write a.npy")
    assert [path.name for path in here.iterdir()] == ["tiny"]


def test_a_generator_that_draws_nan_is_one_sentence(
    here: Path, tiny: Trainer, capsys: pytest.CaptureFixture[str]
) -> None:
    with torch.no_grad():
        next(tiny.generator_ema.parameters()).fill_(float("nan"))
    tiny.save(here / "tiny" / pretrained.CHECKPOINT)
    for line in (
        ["evaluate", "tiny", "-n", "70"],
        ["sample", "--from", "tiny", "--out", "a.npy"],
        ["sample", "--from", "tiny", "--out", "a.png"],
    ):
        assert "The generator 'tiny' draws NaN" in refused(capsys, *line)
    assert [path.name for path in here.iterdir()] == ["tiny"]


@pytest.mark.parametrize("line", [["sample", "--out", "a.npy", "--from"], ["evaluate"]])
@pytest.mark.parametrize("name", ["", "~no-such-user/run"])
def test_a_name_that_cannot_be_one_is_one_sentence(
    here: Path, capsys: pytest.CaptureFixture[str], line: list[str], name: str
) -> None:
    assert f"{name!r} will not do" in refused(capsys, *line, name)
    assert list(here.iterdir()) == []


def test_a_home_folder_has_its_sign(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(here))
    monkeypatch.setenv("USERPROFILE", str(here))
    assert main(["sample", "-n", "2", "--out=~/a.npy"]) == 0
    assert [path.name for path in here.iterdir()] == ["a.npy"]


def test_a_digit_that_no_label_named_is_said_to_be_none(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for recipe in ("infogan", "cgan"):
        assert main(["train", "--recipe", recipe, "--steps", "1", "--out", recipe]) == 0
        line = ["sample", "--from", recipe, "--digit", "3", "-n", "2", "--out", "a.npy"]
        assert main(line) == 0
        assert ("never saw a label: its class 3" in capsys.readouterr().out) == (
            recipe == "infogan"
        )
