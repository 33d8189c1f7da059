"""Measuring digits."""

import io
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from cli.harness import refused
from gan_lessons import data
from gan_lessons.cli import main


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
def test_an_array_that_is_not_digits_is_one_sentence(
    here: Path, capsys: pytest.CaptureFixture[str], content: bytes, fragment: str
) -> None:
    (here / "a.npy").write_bytes(content)
    assert fragment in refused(capsys, "evaluate", "a.npy")


def numbers(text: str) -> Iterator[float]:
    return map(float, re.findall(r"\d+\.\d+", text.replace("%", "")))


@pytest.mark.parametrize("shipped", [True, False], ids=["name", "run"])
def test_evaluating_a_source_agrees_with_its_array(
    capsys: pytest.CaptureFixture[str], finished: Path, shipped: bool
) -> None:
    source = "dcgan" if shipped else str(finished)
    line = ["sample", "--from", source, "--out", "a.npy", "-n", "300", "--seed", "2"]
    assert main(line) == 0
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


def test_copies_of_training_digits_are_noticed(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
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
        shares += re.findall(r"pixels: ([\d.]+)% nearer to training", capsys.readouterr().out)
    assert shares == ["100.0", "0.0"]


def test_copies_need_digits_that_were_not_trained_on(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GAN_LESSONS_DATA", "bundled")
    assert "have no test split" in refused(capsys, "evaluate", "dcgan", "-n", "100", "--copies")


def test_a_conditional_generator_is_asked_for_each_digit(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["evaluate", "conditional", "-n", "300"]) == 0
    (told,) = (line for line in capsys.readouterr().out.splitlines() if "asked for a digit" in line)
    read, least, variety = numbers(told)
    assert 95 < least <= read <= 100
    assert 0.8 < variety < 1.1
    assert main(["evaluate", "dcgan", "-n", "300"]) == 0
    assert "asked for a digit" not in capsys.readouterr().out
