"""IDX files, the three sources of digits, and what is said when something is wrong with them."""

import gzip
import hashlib
import io
import os
import subprocess
import sys
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import platformdirs
import pytest
import torch

from gan_lessons.data import data_folder, digits, from_uint8, idx, load_digits, status, to_uint8
from gan_lessons.errors import UserError

IMAGES, LABELS = idx.FILES["train"]
ASKED = os.environ.get(digits.VARIABLE)  # before the tests change it


def idx_bytes(array):
    return idx.header(array.shape) + array.astype(np.uint8).tobytes()


@pytest.fixture
def arrays():
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (20, 28, 28), np.uint8), rng.integers(0, 10, 20, np.uint8)


@pytest.fixture
def folder(tmp_path, arrays):
    """A folder with a small training split: images plain, labels gzip."""
    place = tmp_path / "mine"
    place.mkdir()
    (place / IMAGES).write_bytes(idx_bytes(arrays[0]))
    (place / f"{LABELS}.gz").write_bytes(gzip.compress(idx_bytes(arrays[1]), mtime=0))
    return place


@pytest.fixture(autouse=True)
def machine(tmp_path, monkeypatch):
    """A machine with an empty data folder, no variable set, and nothing announced yet."""
    place = tmp_path / "cache"
    monkeypatch.setattr(digits, "data_folder", lambda: place)
    monkeypatch.delenv("GAN_LESSONS_DATA", raising=False)
    monkeypatch.setattr(digits, "_announced", set())
    return place


# IDX files


@pytest.mark.parametrize("shape", [(7,), (3, 28, 28), (0, 28, 28), (2, 3, 4, 5)])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_read_idx_gives_back_what_was_written_whatever_the_name(tmp_path, shape, pack):
    array = np.random.default_rng(1).integers(0, 256, shape, np.uint8)
    path = tmp_path / "any.name"
    path.write_bytes(pack(idx_bytes(array)))
    found = idx.read_idx(path)
    np.testing.assert_array_equal(found, array)
    assert found.dtype == np.uint8
    assert found.flags.writeable


GOOD = idx_bytes(np.arange(10))
PACKED = gzip.compress(GOOD, mtime=0)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it is empty"),
        (PACKED[:-9], "its gzip data stop too early"),
        (PACKED[:-1], "its gzip data stop too early"),
        (PACKED[:5], "its gzip data stop too early"),
        (PACKED[:-8] + bytes(8), "its gzip data are corrupt"),
        (PACKED[:12] + b"\xff" * 6 + PACKED[18:], "its gzip data are corrupt"),
        (PACKED + b"junk", "its gzip data are corrupt"),
        (b"<!DOCTYPE html><title>Log in</title>", "it is a web page instead of data"),
        (gzip.compress(b"\n  <html>", mtime=0), "it is a web page instead of data"),
        (b"\xef\xbb\xbf<html>", "it is a web page instead of data"),
        (b"PK\x03\x04zip", "it begins with 50 4b 03 04, but IDX data begin with 00 00 08"),
        (b"\x00\x00\x0d\x01" + GOOD[4:], "it begins with 00 00 0d 01"),
        (gzip.compress(b"", mtime=0), "it begins with nothing"),
        (GOOD[:3], "it stops inside its header"),
        (GOOD[:6], "it stops inside its header"),
        (b"\x00\x00\x08\x00", "it stops inside its header"),
        (GOOD[:-1], "it is cut off: its header says 10 = 10 bytes, and 9 follow"),
        (GOOD + b"x", "it is too long: its header says 10 = 10 bytes, and more follow"),
        (gzip.compress(GOOD + b"x", mtime=0), "it is too long"),
        (b"\x00\x00\x08\x03" + b"\xff" * 12, "it is too large: its header says 4294967295 × 42949"),
        (idx.header((0, 2**32 - 1)), "it is too large: its header says 0 × 4294967295 = 0 bytes"),
        (idx.header((1000, 1000, 1001)), "it is too large: its header says 1000 × 1000 × 1001"),
        (idx.header((1,) * 65) + b"x", "its header says 65 dimensions; digits have 3, labels 1"),
    ],
)
def test_a_damaged_file_is_named_with_the_reason_and_the_way_to_mend_it(tmp_path, content, reason):
    path = tmp_path / "digits.gz"
    path.write_bytes(content)
    with pytest.raises(idx.DamagedFile) as caught:
        idx.read_idx(path)
    said = str(caught.value)
    assert f"{path} is not a usable MNIST file: {reason}" in said
    assert said.endswith("or delete it and run: gan-lessons data download")


def test_no_more_is_unpacked_than_the_header_announces(tmp_path):
    """The gzip data unpack to 64 MB, after a header that says ten bytes."""
    path = tmp_path / "bomb.gz"
    pack = zlib.compressobj(1, wbits=31)
    with path.open("wb") as file:
        file.write(pack.compress(GOOD))
        for _ in range(64):
            file.write(pack.compress(bytes(1 << 20)))
        file.write(pack.flush())
    tracemalloc.start()
    try:
        with pytest.raises(idx.DamagedFile, match="it is too long"):
            idx.read_idx(path)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


def test_a_limit_holds_before_anything_is_unpacked():
    content = gzip.compress(idx_bytes(np.zeros((3, 28, 28))))
    assert idx.parse_idx(io.BytesIO(content), "x", 3 * 784).shape == (3, 28, 28)
    with pytest.raises(idx.DamagedFile, match="= 2,352 bytes, and at most 2,351 make sense"):
        idx.parse_idx(io.BytesIO(content), "x", 3 * 784 - 1)


def test_a_missing_or_unreadable_file_is_named(tmp_path):
    with pytest.raises(UserError, match=r"Cannot read .*nothing: No such file"):
        idx.read_idx(tmp_path / "nothing")
    with pytest.raises(UserError, match=r"Cannot read .* a file that you may read"):
        idx.read_idx(tmp_path)


def test_verify_tells_official_from_other_data(folder, monkeypatch):
    assert not idx.verify(folder, IMAGES)
    assert not idx.verify(folder, "t10k-images-idx3-ubyte")
    checksum = hashlib.sha256((folder / IMAGES).read_bytes()).hexdigest()
    monkeypatch.setitem(idx.SHA256, IMAGES, checksum)
    assert idx.verify(folder, IMAGES)


# uint8 at the edges, float inside


@pytest.mark.parametrize(
    "shape", [(2, 28, 28), (4, 1, 64), (3, 16, 20, 3), (1, 1, 1, 3), (0, 5, 7)]
)
def test_round_trip_is_exact(shape):
    array = np.resize(np.arange(256, dtype=np.uint8), shape)
    array.flags.writeable = False
    images = from_uint8(array)
    channels = shape[3] if len(shape) == 4 else 1
    assert images.shape == (shape[0], channels, *shape[1:3])
    assert images.dtype == torch.float32
    again = to_uint8(images)
    assert again.shape == shape
    np.testing.assert_array_equal(again, array)


def test_every_grey_has_its_place_from_minus_one_to_one():
    images = from_uint8(np.arange(256, dtype=np.uint8).reshape(1, 16, 16))
    torch.testing.assert_close(images.flatten(), torch.linspace(-1, 1, 256))
    assert images.min() == -1
    assert images.max() == 1


def test_colours_stand_in_planes_and_grey_may_have_its_axis():
    array = np.zeros((1, 2, 2, 3), np.uint8)
    array[0, 0, 1] = 255, 0, 51
    assert from_uint8(array)[0, :, 0, 1].tolist() == pytest.approx([1, -1, -0.6])
    grey = np.arange(8, dtype=np.uint8).reshape(2, 2, 2, 1)
    assert torch.equal(from_uint8(grey), from_uint8(grey[..., 0]))


def test_to_uint8_accepts_gradients_other_floats_and_rounding_errors():
    images = torch.full((1, 1, 28, 28), 1.0005, dtype=torch.float64, requires_grad=True)
    assert to_uint8(images).max() == 255
    assert to_uint8(-images).min() == 0
    assert to_uint8(torch.zeros(0, 1, 28, 28)).shape == (0, 28, 28)


@pytest.mark.parametrize(
    ("images", "words"),
    [
        (torch.zeros(2, 28, 28), r"\(N, C, H, W\), with C = 1 .* not \(2, 28, 28\)"),
        (torch.zeros(2, 2, 28, 28), r"not \(2, 2, 28, 28\)"),
        (torch.zeros(2, 1, 28, 0), r"not \(2, 1, 28, 0\)"),
        (torch.zeros(2, 1, 28, 28, dtype=torch.int64), "float tensor .* not torch.int64"),
        (np.zeros((2, 1, 28, 28)), "not ndarray"),
        (torch.full((1, 1, 28, 28), torch.nan), "hold NaN"),
        (torch.full((1, 1, 28, 28), torch.inf), "from inf to inf"),
        (torch.full((1, 3, 8, 8), 1.01), r"from 1.01 to 1.01\. They have to lie in \[−1, 1\]"),
        (torch.full((1, 1, 28, 28), -255.0), "from -255"),
    ],
)
def test_to_uint8_refuses_in_a_sentence(images, words):
    with pytest.raises(UserError, match=words):
        to_uint8(images)


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.zeros((2, 28, 28)), "uint8 .* not float64"),
        (torch.zeros(2, 28, 28, dtype=torch.uint8), "not Tensor"),
        (np.zeros((28, 28), np.uint8), r"\(N, H, W, C\), with C = 1 .* not \(28, 28\)"),
        (np.zeros((2, 1, 28, 28), np.uint8), r"not \(2, 1, 28, 28\)"),
        (np.zeros((2, 0, 28), np.uint8), r"not \(2, 0, 28\)"),
        (np.zeros((1, 2, 3, 3, 3), np.uint8), r"not \(1, 2, 3, 3, 3\)"),
    ],
)
def test_from_uint8_refuses_in_a_sentence(array, words):
    with pytest.raises(UserError, match=words):
        from_uint8(array)


def test_from_uint8_insists_on_a_shape_where_one_is_wanted():
    digits = np.zeros((2, 28, 28), np.uint8)
    assert from_uint8(digits, (1, 28, 28)).shape == (2, 1, 28, 28)
    assert from_uint8(digits[..., None], (1, 28, 28)).shape == (2, 1, 28, 28)
    with pytest.raises(UserError, match=r"the shape \(N, 28, 28\), not \(2, 14, 28\)"):
        from_uint8(digits[:, ::2], (1, 28, 28))
    with pytest.raises(UserError, match=r"the shape \(N, 28, 28\), not \(2, 1, 28, 28\)"):
        from_uint8(digits[:, None], (1, 28, 28))
    colours = np.zeros((2, 28, 28, 3), np.uint8)
    with pytest.raises(UserError, match=r"the shape \(N, 28, 28\), not \(2, 28, 28, 3\)"):
        from_uint8(colours, (1, 28, 28))
    with pytest.raises(UserError, match=r"the shape \(N, 16, 24, 3\), not \(2, 28, 28, 3\)"):
        from_uint8(colours, (3, 16, 24))


# the bundled digits


ORIGIN = "2913c6b6527114b7307e1086335a7665e3f94c74aba3d67525e6f116bf5ae20f"  # of their pixels


def full_mnist():
    """MNIST's training images and labels where they are at hand, else None."""
    root = Path(__file__).parents[1]
    for folder in (
        os.environ.get(digits.VARIABLE),
        root / "data",
        root.parent / "shared" / "mnist",
    ):
        if folder and all(idx.find(Path(folder), name) for name in (IMAGES, LABELS)):
            return load_arrays(Path(folder))
    return None


def test_bundled_digits_are_complete_and_shuffled(machine, capsys):
    first = load_digits()
    assert capsys.readouterr().out == "Data: 5,000 MNIST digits that come with the install.\n"
    assert first.images.shape == (5000, 1, 28, 28)
    assert first.images.dtype == torch.float32
    assert first.images.min() == -1
    assert first.images.max() == 1
    assert first.labels.dtype == torch.int64
    assert first.labels.bincount().tolist() == [500] * 10
    # A batch from the front holds every class.
    assert len(first.labels[:100].unique()) == 10
    second = load_digits()
    assert torch.equal(first.images, second.images)
    assert torch.equal(first.labels, second.labels)
    assert capsys.readouterr().out == ""
    assert not machine.exists()  # nothing is cached


def test_bundled_digits_are_those_of_their_origin():
    """The first 500 of each class of MNIST, by a checksum; and by MNIST itself where it is."""
    found = load_digits(source="bundled", announce=False)
    # The file's order was drawn once; here it is undone.
    order = torch.randperm(5000, generator=torch.Generator().manual_seed(0))
    pixels = to_uint8(found.images)[order.argsort()]
    labels = found.labels.numpy()[order.argsort()]
    np.testing.assert_array_equal(labels, np.arange(5000) // 500)
    assert hashlib.sha256(pixels.tobytes()).hexdigest() == ORIGIN
    full = full_mnist()
    if full is not None:
        images, classes = full
        chosen = np.concatenate([np.flatnonzero(classes == digit)[:500] for digit in range(10)])
        np.testing.assert_array_equal(pixels, images[chosen])
        np.testing.assert_array_equal(labels, classes[chosen])


def test_the_bundled_file_comes_with_its_credit_and_is_installed():
    credit = digits.BUNDLED.with_suffix(".md").read_text(encoding="utf-8")
    assert "LeCun" in credit
    assert "licenses/by-sa/3.0" in credit
    settings = (Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8")
    assert f'"data/{digits.BUNDLED.stem}.*"' in settings


@pytest.mark.parametrize("spoil", ["missing", "empty", "cut", "flipped", "text"])
def test_a_spoilt_bundled_file_is_refused_in_a_sentence(tmp_path, monkeypatch, spoil):
    content = digits.BUNDLED.read_bytes()
    flipped = bytearray(content)
    flipped[400_000] ^= 1
    path = tmp_path / "digits.npz"
    if spoil != "missing":
        path.write_bytes(
            {"empty": b"", "cut": content[:2000], "flipped": flipped, "text": b"hello"}[spoil]
        )
    monkeypatch.setattr(digits, "BUNDLED", path)
    with pytest.raises(UserError, match=r"digits\.npz.* Reinstall the course\."):
        load_digits(announce=False)
    bundled = status()[0]
    assert (bundled.present, bundled.verified) == (spoil != "missing", False)
    assert "Reinstall" in bundled.text


def test_the_bundled_digits_have_no_test_split():
    with pytest.raises(UserError, match=r"no test split.*gan-lessons data download.*GAN_LESSONS"):
        load_digits("test")


# a folder, the downloaded set, and the choice between them


def test_a_folder_is_read_plain_or_gzip_and_announced_once(folder, arrays, capsys):
    found = load_digits(source=folder)
    np.testing.assert_array_equal(to_uint8(found.images), arrays[0])
    np.testing.assert_array_equal(found.labels, arrays[1])
    sentence = (
        f"Data: 20 training images from the folder {folder}, which was asked for "
        "(not the official MNIST files)."
    )
    assert found.source == sentence
    assert capsys.readouterr().out == f"{sentence}\n"
    load_digits(source=str(folder))
    assert capsys.readouterr().out == ""


def test_official_files_are_announced_as_mnist(folder, monkeypatch):
    for name, array in zip((IMAGES, LABELS), load_arrays(folder), strict=True):
        monkeypatch.setitem(idx.SHA256, name, hashlib.sha256(idx_bytes(array)).hexdigest())
    monkeypatch.setenv("GAN_LESSONS_DATA", str(folder))
    assert load_digits(announce=False).source == (
        f"Data: 20 MNIST training digits from the folder {folder}, which GAN_LESSONS_DATA names."
    )


def load_arrays(place):
    found = [idx.find(place, name) for name in (IMAGES, LABELS)]
    return [idx.read_idx(path) for path in found if path]


def test_nothing_is_printed_when_not_asked(folder, capsys):
    load_digits(source=folder, announce=False)
    assert capsys.readouterr().out == ""
    load_digits(source=folder)
    assert capsys.readouterr().out != ""


def put_full_set(place, arrays, monkeypatch=None):
    place.mkdir(exist_ok=True)
    for image_name, label_name in idx.FILES.values():
        for name, array in zip((image_name, label_name), arrays, strict=True):
            (place / f"{name}.gz").write_bytes(gzip.compress(idx_bytes(array), mtime=0))
            if monkeypatch is not None:
                checksum = hashlib.sha256(idx_bytes(array)).hexdigest()
                monkeypatch.setitem(idx.SHA256, name, checksum)


def test_argument_then_variable_then_download_then_bundled(machine, folder, arrays, monkeypatch):
    assert digits.choose().name == "bundled"
    put_full_set(machine, arrays, monkeypatch)
    assert load_digits(announce=False).source == (
        "Data: 20 MNIST training digits that were downloaded to this machine."
    )
    assert load_digits("test", announce=False).source == (
        "Data: 20 MNIST test digits that were downloaded to this machine."
    )
    monkeypatch.setenv("GAN_LESSONS_DATA", str(folder))
    assert digits.choose().folder == folder
    assert digits.choose("full").folder == machine
    monkeypatch.setenv("GAN_LESSONS_DATA", "bundled")
    assert len(load_digits(announce=False).images) == 5000
    assert digits.choose(folder).folder == folder
    monkeypatch.setenv("GAN_LESSONS_DATA", "")
    assert digits.choose().name == "full"
    (machine / f"{LABELS}.gz").unlink()
    assert digits.choose().name == "bundled"


def test_a_downloaded_set_has_to_be_mnist(machine, arrays):
    put_full_set(machine, arrays)
    with pytest.raises(UserError, match=r"do not have MNIST's checksums\. Delete them and run"):
        load_digits()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda f: (f / IMAGES).unlink(), f"lacks {IMAGES} \\(with or without .gz\\)"),
        (lambda f: (f / IMAGES).write_bytes(b"<html>"), f"{IMAGES} is not a usable .* web page"),
        (lambda f: (f / f"{LABELS}.gz").write_bytes(b""), f"{LABELS}.gz .* it is empty"),
        (
            lambda f: (f / LABELS).write_bytes(idx_bytes(np.zeros(19))),
            f"{IMAGES} holds 20 images, but .*{LABELS} holds 19 labels",
        ),
        (
            lambda f: (f / LABELS).write_bytes(idx_bytes(np.full(20, 10))),
            "holds the label 10; labels of digits go from 0 to 9",
        ),
        (
            lambda f: (f / LABELS).write_bytes(idx_bytes(np.zeros((20, 1)))),
            r"of shape \(20, 1\); labels have the shape \(N,\)",
        ),
        (
            lambda f: (f / IMAGES).write_bytes(idx_bytes(np.zeros((20, 32, 32)))),
            r"of shape \(20, 32, 32\); images of digits have the shape \(N, 28, 28\)",
        ),
        (
            lambda f: (f / IMAGES).write_bytes(idx_bytes(np.zeros((0, 28, 28)))),
            r"of shape \(0, 28, 28\).*N at least 1",
        ),
    ],
)
def test_a_folder_with_a_fault_is_refused_in_a_sentence(folder, change, words):
    change(folder)
    before = sorted(folder.iterdir())
    with pytest.raises(UserError, match=words):
        load_digits(source=folder)
    assert sorted(folder.iterdir()) == before


def test_impossible_requests_are_refused_in_a_sentence(tmp_path, folder, monkeypatch):
    with pytest.raises(UserError, match='split has to be "train" or "test", not \'valid\''):
        load_digits("valid")
    with pytest.raises(UserError, match='"bundled", "full" or a folder, not 7'):
        load_digits(source=7)  # type: ignore[arg-type]
    with pytest.raises(UserError, match="lacks t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte"):
        load_digits("test", source=folder)
    with pytest.raises(UserError, match="does not exist or is no folder"):
        load_digits(source="full")
    monkeypatch.setenv("GAN_LESSONS_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(UserError, match="nowhere does not exist or is no folder"):
        load_digits()


@pytest.mark.parametrize("variable", [None, digits.VARIABLE])
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("~nobody-of-that-name/x", "'~nobody-of-that-name/x', but there is no home folder of that"),
        (os.fsdecode(b"/tmp/\xff\xfe"), r"'/tmp/\\udcff\\udcfe', which is not text in UTF-8"),
    ],
)
def test_a_path_that_is_none_is_refused_in_a_sentence(monkeypatch, variable, text, words):
    if variable:
        monkeypatch.setenv(variable, text)
    with pytest.raises(UserError, match=words) as caught:
        load_digits(source=None if variable else text)
    assert str(caught.value).startswith(f"{variable or 'The folder of the data'} is ")
    str(caught.value).encode()  # can be printed anywhere


# the state of things


def test_status_tells_each_source_and_the_one_in_use(machine, folder, arrays, monkeypatch):
    bundled, full = status()
    assert (bundled.name, bundled.present, bundled.in_use) == ("bundled", True, True)
    assert (full.name, full.present, full.verified, full.in_use) == ("full", False, False, False)
    assert "run: gan-lessons data download" in full.text

    monkeypatch.setenv("GAN_LESSONS_DATA", str(folder))
    mine = status()[2]
    assert (mine.name, mine.where, mine.in_use) == ("folder", str(folder), True)
    assert not mine.present
    assert f"Not the official MNIST files: {IMAGES}, {LABELS}. Missing: t10k" in mine.text
    (folder / IMAGES).write_bytes(b"<html>")
    assert "web page" in status()[2].text

    monkeypatch.delenv("GAN_LESSONS_DATA")
    put_full_set(machine, arrays, monkeypatch)
    bundled, full = status()
    assert not bundled.in_use
    assert (full.present, full.verified, full.in_use) == (True, True, True)
    assert full.text == "60,000 training and 10,000 test digits, checksums right"


def test_import_brings_in_no_network():
    code = (
        "import sys, gan_lessons.data\n"
        "late = {'gan_lessons.data.download', 'matplotlib'}\n"
        "print(sorted(late & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"


def test_data_folder_is_the_checkout_s_or_the_user_s_cache(tmp_path, monkeypatch):
    assert (data_folder() / "README.md").read_text("utf-8").startswith("# Data")
    monkeypatch.setattr(digits, "__file__", str(tmp_path / "site" / "package" / "data" / "x.py"))
    assert data_folder() == platformdirs.user_cache_path("gan-lessons", appauthor=False)
