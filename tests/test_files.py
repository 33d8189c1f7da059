"""Atomic writes (readers see the old file or the new one), locks, and paths that people write."""

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from gan_lessons.errors import UserError
from gan_lessons.files import atomic_write, locked, user_path


def listing(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_old_file_stays_until_the_new_one_is_whole(tmp_path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    with atomic_write(path) as temporary:
        temporary.write_bytes(b"new")
        assert path.read_bytes() == b"old"
        assert temporary.parent == tmp_path
        assert temporary.suffix == ".bin"
    assert path.read_bytes() == b"new"
    assert listing(tmp_path) == ["a.bin"]


def test_folders_are_made_and_rights_are_those_of_an_ordinary_file(tmp_path) -> None:
    path = tmp_path / "deep" / "down" / "a.txt"
    with atomic_write(str(path)) as temporary:
        temporary.write_text("new")
    ordinary = tmp_path / "b.txt"
    ordinary.write_text("")
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE(ordinary.stat().st_mode)


@pytest.mark.parametrize("error", [UserError("a sentence"), RuntimeError(), KeyboardInterrupt()])
def test_a_failing_block_leaves_everything_as_it_was(tmp_path, error) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")

    def fail() -> None:
        with atomic_write(path) as temporary:
            temporary.write_bytes(b"half of the n")
            raise error

    with pytest.raises(type(error)) as caught:
        fail()
    assert caught.value is error
    assert path.read_bytes() == b"old"
    assert listing(tmp_path) == ["a.bin"]


def test_a_full_disk_is_said_in_a_sentence(tmp_path) -> None:
    with (
        pytest.raises(UserError, match=r"a\.bin: No space left on device\. Choose a folder"),
        atomic_write(tmp_path / "a.bin"),
    ):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert listing(tmp_path) == []


def test_where_no_file_can_be_is_said_in_a_sentence(tmp_path) -> None:
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "folder").mkdir()
    for path in (tmp_path / "file" / "a.bin", tmp_path / "folder"):
        with pytest.raises(UserError, match="Cannot write"), atomic_write(path) as temporary:
            temporary.write_bytes(b"new")
    assert listing(tmp_path) == ["file", "folder"]


WRITE = (
    "import sys, time\n"
    "from gan_lessons.files import atomic_write\n"
    "with atomic_write(sys.argv[1]) as temporary:\n"
    "    temporary.write_bytes(b'half of the n')\n"
    "    print('writing', flush=True)\n"
    "    time.sleep(60)\n"
)


def started(code: str, *arguments: object) -> subprocess.Popen[str]:
    """A process that has said its first word."""
    process = subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline()
    return process


@pytest.mark.parametrize("name", ["a.bin", "a", "[a].b.bin", ".a.bin"])
def test_what_a_kill_leaves_is_removed_by_the_next_write(tmp_path, name) -> None:
    path = tmp_path / name
    path.write_bytes(b"old")
    others = [f".{name}", f".{name}.x.bin", f".{name}.999999999.x.txt", f"b{name}", f"{name}.bin"]
    for other in others:  # they look alike
        (tmp_path / other).write_bytes(b"")
    with started(WRITE, path) as process:
        process.kill()
    assert path.read_bytes() == b"old"
    assert len(listing(tmp_path)) == len(others) + 2
    with atomic_write(path) as temporary:
        temporary.write_bytes(b"new")
    assert path.read_bytes() == b"new"
    assert listing(tmp_path) == sorted([name, *others])


def test_a_write_that_is_going_on_is_no_leftover(tmp_path) -> None:
    path = tmp_path / "a.bin"
    with started(WRITE, path) as process:
        with atomic_write(path) as mine, atomic_write(path) as other:
            mine.write_bytes(b"mine")
            other.write_bytes(b"other")
            assert len(listing(tmp_path)) == 3
        assert path.read_bytes() == b"mine"
        assert len(listing(tmp_path)) == 2
        process.kill()


HOLD = (
    "import sys, time\n"
    "from gan_lessons.files import locked\n"
    "with locked(sys.argv[1], 'held'):\n"
    "    print('held', flush=True)\n"
    "    time.sleep(float(sys.argv[2]))\n"
)


def test_one_at_a_time_and_a_killed_process_holds_nothing(tmp_path) -> None:
    path = tmp_path / "run" / ".lock"

    def enter() -> None:
        with locked(path, "Another run is in there."):
            pass

    with started(HOLD, path, 60) as process:
        with pytest.raises(UserError, match=r"^Another run is in there\.$"):
            enter()
        process.kill()
    enter()
    with locked(path, "mine"), pytest.raises(UserError, match="Another run"):
        enter()  # in the same process, too
    with pytest.raises(RuntimeError), locked(path, "mine"):
        raise RuntimeError
    enter()


def test_who_waits_says_so_and_gets_the_lock(tmp_path, capsys) -> None:
    path = tmp_path / ".lock"
    with started(HOLD, path, 1.5), locked(path, "Waiting for the other.", wait=60):
        pass
    assert capsys.readouterr().err == "Waiting for the other.\n"
    with locked(path, "Waiting for the other.", wait=60):
        pass
    assert capsys.readouterr().err == ""
    with locked(path, "mine"), pytest.raises(UserError, match="too long"):  # noqa: SIM117
        with locked(path, "It takes too long.", wait=0.1):
            pass


def test_where_no_lock_can_be_is_said_in_a_sentence(tmp_path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UserError, match="Cannot write"), locked(tmp_path / "file" / "a", "held"):
        pass


def test_paths_as_people_write_them(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert user_path("~/x", "It") == tmp_path / "x"
    assert user_path(Path("a") / "ü", "It") == Path("a/ü")
    with pytest.raises(UserError, match=r"^It is '~no\.body/x', but there is no home folder"):
        user_path("~no.body/x", "It")
    with pytest.raises(UserError, match=r"^It is 'a\\udcff', which is not text in UTF-8\.$"):
        user_path(os.fsdecode(b"a\xff"), "It")
