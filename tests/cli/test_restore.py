"""Mending a learner's own picture."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread, imsave

from cli.harness import one_sentence
from gan_lessons import data
from gan_lessons.cli import main

DIGIT = data.to_uint8(data.load_digits(source="bundled", announce=False).images[-5:-4])[0]


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    return save(tmp_path / "digit.png", DIGIT)


def save(path: Path, grey: np.ndarray) -> Path:
    imsave(path, grey, cmap="gray", vmin=0, vmax=255)
    return path


def load(path: Path | str) -> np.ndarray:
    pixels: np.ndarray = np.round(255 * imread(path)[..., 0]).astype(int)
    return pixels


@pytest.mark.parametrize("damage", [["--mask", "8,8,12,12"], ["--noise", "0.5"], ["--shrink"]])
def test_each_damage_is_mended(damage: list[str], picture: Path, tmp_path: Path, capsys) -> None:
    out, three = tmp_path / "mended.png", tmp_path / "three.png"
    line = ["restore", str(picture), *damage, "--out", str(out), "--compare", str(three)]
    assert main(line) == 0
    said = capsys.readouterr().out
    assert "mended.png: the classifier reads a " in said
    assert "made up, not found again" in said
    mended = load(out)
    assert mended.shape == (28, 28)
    assert np.abs(mended - DIGIT).mean() < np.abs(DIGIT - DIGIT.mean()).mean() / 2
    assert three.read_bytes().startswith(b"\x89PNG")


def test_outside_the_mask_the_picture_stays(picture: Path, tmp_path: Path) -> None:
    mask = np.zeros((28, 28), np.uint8)
    mask[10:14, 5:20] = 255
    where = save(tmp_path / "mask.png", mask)
    out = str(tmp_path / "mended.png")
    assert main(["restore", str(picture), "--mask", str(where), "--out", out]) == 0
    assert np.abs(load(out) - DIGIT)[mask == 0].max() <= 1
    other = str(tmp_path / "other.png")
    assert main(["restore", str(picture), "--mask", "10,5,4,15", "--out", other]) == 0
    assert np.array_equal(load(out), load(other))


def test_seven_pixels_become_twenty_eight(tmp_path: Path) -> None:
    small = save(tmp_path / "small.png", DIGIT.reshape(7, 4, 7, 4).mean(axis=(1, 3)))
    out = str(tmp_path / "large.png")
    assert main(["restore", str(small), "--shrink", "--out", out]) == 0
    assert load(out).shape == (28, 28)


def test_bad_input_gets_a_sentence(picture: Path, tmp_path: Path, capsys) -> None:
    white = save(tmp_path / "white.png", np.full((28, 28), 255, np.uint8))
    black = save(tmp_path / "black.png", np.zeros((28, 28), np.uint8))
    paper = save(tmp_path / "paper.png", 255 - DIGIT)
    wide = save(tmp_path / "wide.png", np.zeros((28, 30), np.uint8))
    torn = tmp_path / "torn.png"
    torn.write_bytes(picture.read_bytes()[:40])
    for arguments, said in (
        ([str(white), "--noise", "0"], "of one grey"),
        ([str(white), "--shrink"], "of one grey"),
        ([str(picture), "--mask", str(black)], "The mask is empty"),
        ([str(picture), "--mask", str(white)], "hides the whole picture"),
        ([str(picture), "--mask", str(wide)], "wide.png has 28 × 30 pixels; a mask"),
        ([str(picture), "--mask", "8,8,30,2"], "does not lie in a picture"),
        ([str(picture), "--mask", "the middle"], "TOP,LEFT,HEIGHT,WIDTH"),
        ([str(wide), "--shrink"], "28 × 30 pixels; 28 × 28 (or 7 × 7) are wanted"),
        ([str(torn), "--shrink"], "cannot be read as a PNG"),
        ([str(tmp_path / "no.png"), "--shrink"], "There is no file"),
        ([str(picture), "--noise", "3"], "choose a number from 0 to 2"),
        ([str(picture)], "one of the arguments --mask --noise --shrink is required"),
        ([str(picture), "--shrink", "--from", "dcgan"], "restores nothing"),
        ([str(picture), "--shrink", "--from", "pix2pix"], "translates pictures, and restores"),
        ([str(paper), "--mask", "8,8,12,12"], "bright in most places, as ink on paper is"),
        ([str(picture), "--shrink", "--compare", f"{tmp_path}/a/../out.png"], "are both"),
    ):
        assert main(["restore", *arguments, "--out", str(tmp_path / "out.png")]) == 2
        assert said in one_sentence(capsys.readouterr().err)
    assert main(["restore", str(picture), "--shrink", "--out", "mended.jpg"]) == 2
    assert "ends in .png" in one_sentence(capsys.readouterr().err)
    assert not (tmp_path / "out.png").exists()
