"""A learner's own pictures: whatever is in a folder, the readable ones are read, the rest said."""

import io
import os
import struct
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from gan_lessons.data import pictures
from gan_lessons.data.pictures import load_pictures
from gan_lessons.errors import UserError

RED, GREEN, BLUE = (230, 20, 20), (20, 200, 30), (30, 30, 220)


def photo(width: int = 60, height: int = 40) -> Image.Image:
    """Left half red, right half green, a blue line at the top."""
    array = np.zeros((height, width, 3), np.uint8)
    array[:, : width // 2], array[:, width // 2 :] = RED, GREEN
    array[: height // 8] = BLUE
    return Image.fromarray(array)


def colour(images: torch.Tensor, row: int, column: int) -> list[int]:
    """The pixel of the first image, 0 to 255."""
    pixel = (images[0, :, row, column] + 1) * 127.5
    return [round(value) for value in pixel.tolist()]


def near(found: list[int], wanted: tuple[int, ...], by: int = 40) -> bool:
    return all(abs(a - b) <= by for a, b in zip(found, wanted, strict=True))


def test_photographs_become_squares_in_the_order_of_their_names(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    photo().save(tmp_path / "b.png")
    photo(40, 90).save(tmp_path / "sub" / "a.JPG", "JPEG")
    Image.new("RGB", (500, 500), BLUE).save(tmp_path / "a.webp")
    found = load_pictures(tmp_path, 16)
    assert found.images.shape == (3, 3, 16, 16)
    assert found.images.dtype == torch.float32
    assert -1 <= found.images.min() <= found.images.max() <= 1
    assert near(colour(found.images[:1], 8, 8), BLUE)  # a.webp
    assert near(colour(found.images[1:2], 10, 2), RED)  # b.png
    assert near(colour(found.images[2:], 10, 13), GREEN)  # sub/a.JPG
    assert found.left_out == {}
    assert found.source == (
        f"Data: 3 coloured pictures from the folder {tmp_path}, as squares of 16 × 16 pixels."
    )


def test_the_middle_is_kept_and_nothing_is_squeezed(tmp_path: Path) -> None:
    Image.fromarray(np.repeat([[0, 255, 0]], 20, 0).repeat(20, 1).astype(np.uint8)).save(
        tmp_path / "wide.png"  # 60 × 20: black, white, black
    )
    found = load_pictures(tmp_path, 20)
    assert found.images.shape == (1, 1, 20, 20)  # grey, so one channel
    assert found.images.mean() > 0.99
    assert "1 grey pictures" in found.source


def test_small_ones_are_enlarged_and_it_is_said(tmp_path: Path) -> None:
    photo(9, 9).save(tmp_path / "tiny.gif")
    found = load_pictures(tmp_path, 32)
    assert found.images.shape == (1, 3, 32, 32)
    assert "(1 were smaller, and enlarged)" in found.source


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_camera_says_which_side_is_up(tmp_path: Path, orientation: int) -> None:
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = photo(64, 64)
    if orientation in undo:
        stored = stored.transpose(undo[orientation])
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored.save(tmp_path / "turned.jpg", exif=exif, quality=95)
    images = load_pictures(tmp_path, 16).images
    assert near(colour(images, 0, 8), BLUE)
    assert near(colour(images, 10, 2), RED)
    assert near(colour(images, 10, 13), GREEN)


def sixteen(array: np.ndarray) -> Image.Image:
    return Image.fromarray(array.astype(np.uint16))


MODES = {
    "palette.png": photo().quantize(8),
    "cmyk.jpg": photo().convert("CMYK"),
    "cmyk.tif": photo().convert("CMYK"),
    "alpha.png": photo().convert("RGBA"),
    "lab.tif": photo().convert("LAB"),
    "moving.webp": photo(),
}


@pytest.mark.parametrize("name", MODES)
def test_colours_of_every_kind_are_kept(tmp_path: Path, name: str) -> None:
    MODES[name].save(tmp_path / name)
    images = load_pictures(tmp_path, 16).images
    assert near(colour(images, 10, 2), RED)
    assert near(colour(images, 10, 13), GREEN)


def test_sixteen_bits_become_eight_and_are_not_cut_off(tmp_path: Path) -> None:
    steps = np.repeat(np.linspace(0, 65_535, 32)[None], 32, 0)
    sixteen(steps).save(tmp_path / "deep.png")
    Image.fromarray(steps.astype(np.int32)).save(tmp_path / "deep.tif")
    images = load_pictures(tmp_path, 32).images
    assert images.shape == (2, 1, 32, 32)
    for image in images:
        assert torch.allclose(image[0, 16], torch.linspace(-1, 1, 32), atol=0.05)


def test_one_bit_and_grey_with_transparency(tmp_path: Path) -> None:
    Image.new("1", (20, 20), 1).save(tmp_path / "a.png")
    Image.new("LA", (20, 20), (0, 0)).save(tmp_path / "b.png")  # wholly transparent
    images = load_pictures(tmp_path, 8).images
    assert images.shape == (2, 1, 8, 8)
    assert images.min() == 1  # white both


def test_of_a_moving_picture_the_first_frame_is_taken(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (20, 20), each) for each in (RED, GREEN, BLUE)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    assert near(colour(load_pictures(tmp_path, 8).images, 4, 4), RED)


# Folders from bad disks and bad people


def png(width: int, height: int, *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG file that says it is so large, with any other chunks."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + checksum

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = [(b"IHDR", header), *chunks, (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


def encoded(kind: str) -> bytes:
    buffer = io.BytesIO()
    photo(300, 300).save(buffer, kind)
    return buffer.getvalue()


HOSTILE = {
    "empty.jpg": (b"", "no picture"),
    "text.png": (b"hello", "no picture"),
    "cut.jpg": (encoded("JPEG")[:1500], "damaged"),
    "cut.png": (encoded("PNG")[:300], "damaged"),
    "cut.webp": (encoded("WEBP")[:200], "damaged"),
    "bomb.png": (png(60_000, 60_000, (b"IDAT", zlib.compress(bytes(1000)))), "too many"),
    "large.png": (png(7_100, 7_100, (b"IDAT", zlib.compress(bytes(1000)))), "7,100 × 7,100 pixels"),
    "text bomb.png": (
        png(8, 8, (b"zTXt", b"k\0\0" + zlib.compress(bytes(100_000_000)))),
        "damaged",
    ),
    "postscript.jpg": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "no picture"),
    "photo.heic": (b"\0\0\0\x18ftypheic", "save it as JPEG or PNG"),
    "float.tif": (b"", "its numbers are no brightness"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_cannot_be_read_is_left_out_with_its_reason(tmp_path: Path, name: str) -> None:
    content, reason = HOSTILE[name]
    (tmp_path / name).write_bytes(content)
    if name == "float.tif":
        Image.fromarray(np.ones((9, 9), np.float32)).save(tmp_path / name)
    photo().save(tmp_path / "good.png")
    found = load_pictures(tmp_path, 16)
    assert len(found.images) == 1
    assert list(found.left_out) == [name]
    assert reason in found.left_out[name]
    assert f"Left out: {name} ({found.left_out[name]})." in found.source


def test_of_many_that_are_left_out_some_are_named(tmp_path: Path) -> None:
    for i in range(12):
        (tmp_path / f"{i:02}.png").write_bytes(b"nothing")
    photo().save(tmp_path / "good.png")
    found = load_pictures(tmp_path, 16)
    assert len(found.left_out) == 12
    assert found.source.count("(no picture") == pictures.NAMED
    assert found.source.endswith("; and 7 more.")


def test_other_and_hidden_files_are_passed_over(tmp_path: Path) -> None:
    for name in ("notes.txt", "._photo.jpg", ".DS_Store", "Thumbs.db"):
        (tmp_path / name).write_bytes(b"nothing")
    photo().save(tmp_path / "good.png")
    found = load_pictures(tmp_path, 16)
    assert (len(found.images), found.left_out) == (1, {})


@pytest.mark.skipif(sys.platform == "win32", reason="links and pipes")
@pytest.mark.timeout(30)
def test_links_that_lead_in_circles_and_pipes(tmp_path: Path) -> None:
    photo().save(tmp_path / "good.png")
    (tmp_path / "again").symlink_to(tmp_path)
    (tmp_path / "self.png").symlink_to(tmp_path / "self.png")
    (tmp_path / "nowhere.png").symlink_to(tmp_path / "not there.png")
    (tmp_path / "link.png").symlink_to(tmp_path / "good.png")
    os.mkfifo(tmp_path / "pipe.png")
    found = load_pictures(tmp_path, 16)
    assert len(found.images) == 2
    assert sorted(found.left_out) == ["nowhere.png", "pipe.png", "self.png"]


def test_a_folder_without_pictures(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"there is no picture to be read\.$"):
        load_pictures(tmp_path)
    (tmp_path / "a.png").write_bytes(b"x")
    with pytest.raises(UserError, match=r"to be read\. Left out: a\.png \(no picture, whatever"):
        load_pictures(tmp_path)


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"gone does not exist\.$"):
        load_pictures(tmp_path / "gone")
    photo().save(tmp_path / "a.png")
    with pytest.raises(UserError, match=r"a\.png is a file; give a folder"):
        load_pictures(tmp_path / "a.png")


def test_more_than_fit_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "MOST_NUMBERS", 3 * 16 * 16 * 2)
    for i in range(3):
        photo().save(tmp_path / f"{i}.png")
    with pytest.raises(UserError, match="holds 3 pictures; of 16 × 16 pixels 2 are the most"):
        load_pictures(tmp_path, 16)
