"""Files written aside: readers see the old file or the new one, whatever goes wrong between."""

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from gan_lessons.errors import UserError
from gan_lessons.files import remove_leftovers, written_aside


def listing(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_old_file_stays_until_the_new_one_is_whole(tmp_path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    with written_aside(path) as aside:
        aside.write_bytes(b"new")
        assert path.read_bytes() == b"old"
        assert aside.parent == tmp_path
        assert aside.suffix == ".bin"
    assert path.read_bytes() == b"new"
    assert listing(tmp_path) == ["a.bin"]


def test_folders_are_made_and_rights_are_those_of_an_ordinary_file(tmp_path) -> None:
    path = tmp_path / "deep" / "down" / "a.txt"
    with written_aside(str(path)) as aside:
        aside.write_text("new")
    ordinary = tmp_path / "b.txt"
    ordinary.write_text("")
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE(ordinary.stat().st_mode)


@pytest.mark.parametrize("error", [UserError("a sentence"), RuntimeError(), KeyboardInterrupt()])
def test_a_failing_block_leaves_everything_as_it_was(tmp_path, error) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")

    def fail() -> None:
        with written_aside(path) as aside:
            aside.write_bytes(b"half of the n")
            raise error

    with pytest.raises(type(error)) as caught:
        fail()
    assert caught.value is error
    assert path.read_bytes() == b"old"
    assert listing(tmp_path) == ["a.bin"]


def test_a_full_disk_is_said_in_a_sentence(tmp_path) -> None:
    with (
        pytest.raises(UserError, match=r"a\.bin: No space left on device\. Choose a folder"),
        written_aside(tmp_path / "a.bin"),
    ):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert listing(tmp_path) == []


def test_where_no_file_can_be_is_said_in_a_sentence(tmp_path) -> None:
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "folder").mkdir()
    for path in (tmp_path / "file" / "a.bin", tmp_path / "folder"):
        with pytest.raises(UserError, match="Cannot write"), written_aside(path) as aside:
            aside.write_bytes(b"new")
    assert listing(tmp_path) == ["file", "folder"]


def test_a_kill_leaves_the_old_file_and_a_leftover_that_can_be_removed(tmp_path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    others = [".a.bin", ".ab.bin.x.bin", ".a.bin.txt", "a.bin.bin"]  # not leftovers of a.bin
    for other in others:
        (tmp_path / other).write_bytes(b"")
    code = (
        "import os, sys\n"
        "from gan_lessons.files import written_aside\n"
        "with written_aside(sys.argv[1]) as aside:\n"
        "    aside.write_bytes(b'half of the n')\n"
        "    os._exit(9)\n"
    )
    assert subprocess.run([sys.executable, "-c", code, str(path)], check=False).returncode == 9
    assert path.read_bytes() == b"old"
    assert len(listing(tmp_path)) == len(others) + 2
    remove_leftovers(path)
    assert listing(tmp_path) == sorted(["a.bin", *others])
