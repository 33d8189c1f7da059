"""A learner's own pictures on the command line: train, stop, go on, draw, and what is refused."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cli.harness import refused
from gan_lessons import pretrained
from gan_lessons.cli import main
from gan_lessons.training import read_checkpoint

SMALL = [
    "--set",
    "generator_width=8",
    "--set",
    "discriminator_width=8",
    "--set",
    "batch_size=8",
    "--size",
    "16",
]


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two hundred photographs, as far as a GAN can tell, and one that is cut off."""
    folder = tmp_path_factory.mktemp("photos")
    rng = np.random.default_rng(0)
    for i in range(200):
        coarse = Image.fromarray(rng.integers(0, 255, (3, 4, 3), np.uint8))
        coarse.resize((40, 30)).save(folder / f"{i:03}.jpg")
    (folder / "cut.jpg").write_bytes((folder / "000.jpg").read_bytes()[:200])
    return folder


@pytest.fixture(scope="module")
def trained(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on them."""
    out = tmp_path_factory.mktemp("runs") / "run"
    assert main(["train", "--images", str(photos), *SMALL, "--steps", "4", "--out", str(out)]) == 0
    return out


def test_two_hundred_photographs_train_and_the_limits_are_told(
    here: Path, photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", "--images", str(photos), *SMALL, "--steps", "2", "--out", "run"]) == 0
    said = capsys.readouterr().out
    assert "Data: 200 coloured pictures from the folder" in said
    assert "as squares of 16 × 16 pixels. Left out: cut.jpg (damaged)." in said
    assert "200 pictures are few: expect variations of these, and the longer you train, co" in said
    assert "Pictures: run/samples.png" in said
    assert "digits" not in said
    assert (here / "run" / "samples.png").read_bytes().startswith(b"\x89PNG")
    assert pretrained.load_method(here / "run").shape == (3, 16, 16)


def test_it_draws_in_colour(here: Path, trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sample", "--from", str(trained), "-n", "9", "--out", "a.npy"]) == 0
    assert np.load(here / "a.npy").shape == (9, 16, 16, 3)
    assert main(["sample", "--from", str(trained), "-n", "9", "--out", "a.png"]) == 0
    assert capsys.readouterr().out == "9 pictures are in a.npy.\n9 pictures are in a.png.\n"
    assert main(["sample", "--from", str(trained), "-n", "1", "--out", "b.png"]) == 0
    assert capsys.readouterr().out == "One picture is in b.png.\n"
    with Image.open(here / "a.png") as picture:
        colours = np.asarray(picture.convert("RGB")).reshape(-1, 3)
    assert np.ptp(colours.astype(int), axis=1).max() > 20


def test_they_cannot_be_measured_as_digits(
    trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sentence = refused(capsys, "evaluate", str(trained))
    assert "draws pictures of shape (3, 16, 16). They cannot be measured here" in sentence


def test_it_goes_on_without_being_told_the_folder_again(
    here: Path, trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(trained, here / "run")
    assert main(["train", "--resume", "--out", "run"]) == 0
    said = capsys.readouterr().out
    assert "run holds this run, at step 4: finished." in said
    assert "Data: 200 coloured pictures" in said
    assert read_checkpoint(here / "run" / "checkpoint.pt")["images"]["size"] == 16


def test_the_folder_may_move_but_not_change(
    here: Path, photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(photos, here / "before")
    run = ["train", "--images", "before", *SMALL, "--steps", "2", "--out", "run"]
    assert main(run) == 0
    (here / "before").rename(here / "after")
    said = refused(capsys, "train", "--resume", "--out", "run")
    assert "which is not there. If they have moved, say where they are: --resume --images" in said
    assert main(["train", "--resume", "--images", "after", "--out", "run"]) == 0
    assert main(["train", "--resume", "--images", "after", "--size", "32", "--out", "run"]) == 2
    said = capsys.readouterr().err
    assert "(200 samples; these are as many, of other values or another size)" in said
    shutil.copy(here / "after" / "000.jpg", here / "after" / "new.jpg")
    assert main(["train", "--resume", "--images", "after", "--out", "run"]) == 2
    said = capsys.readouterr().err
    assert "belongs to a run on other data (200 samples; these are 201)" in said
    said = refused(capsys, "train", *SMALL[:-2], "--steps", "2", "--out", "run")  # on digits
    assert "belongs to a run on other data (200 samples; these are 5,000)" in said


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("--images nowhere", "The folder nowhere does not exist."),
        ("--size 16", "--size is 16, but digits have one size; it goes with --images."),
        ("--images PHOTOS --size 18", "size is 18; choose a multiple of 4 from 8 to 256."),
        (
            "--images PHOTOS --recipe restore",
            "The recipe 'restore' is for digits; leave",
        ),
        ("--images PHOTOS --recipe conditional", "a conditional GAN needs labels"),
        ("--images PHOTOS --set batch_size=512", "There are 200 samples for batches of 512"),
    ],
)
def test_what_is_refused(
    here: Path, photos: Path, capsys: pytest.CaptureFixture[str], arguments: str, sentence: str
) -> None:
    line = [str(photos) if word == "PHOTOS" else word for word in arguments.split()]
    capsys.readouterr()
    assert main(["train", *line, "--steps", "1", "--out", "run"]) == 2
    assert sentence in capsys.readouterr().err
    assert not (here / "run" / "checkpoint.pt").exists()
