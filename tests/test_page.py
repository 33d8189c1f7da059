"""Pages beside the lessons: their commands write what is committed."""

from pathlib import Path
from types import ModuleType

import pytest

from authoring import checklist, glossary
from authoring.__main__ import main


@pytest.mark.parametrize("module", [checklist, glossary], ids=lambda module: module.__name__)
def test_the_command_writes_what_is_committed(
    module: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    committed, written = module.NOTEBOOK, tmp_path / module.NOTEBOOK.name
    monkeypatch.setattr(module, "NOTEBOOK", written)
    command = committed.stem
    assert module.problems() == [
        f"{committed.name} is not in step: run `python -m authoring {command}`."
    ]
    assert main([command]) == 0
    assert capsys.readouterr().out == f"{written}\n"
    assert written.read_bytes() == committed.read_bytes()
    assert module.problems() == []
