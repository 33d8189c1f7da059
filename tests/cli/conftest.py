"""Where commands are tested, and one finished run for all tests."""

from pathlib import Path

import pytest

from cli.harness import STEPS, train


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, and the bundled digits."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GAN_LESSONS_DATA", "bundled")
    return tmp_path


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that nothing interrupted."""
    folder = tmp_path_factory.mktemp("finished")
    code, output, errors = train(folder, "--steps", STEPS, "--seed", "3")
    assert code == 0, errors
    assert f"Done: {STEPS} steps" in output
    return folder / "run"
