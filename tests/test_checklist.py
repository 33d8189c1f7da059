"""The checklist is in step with its source and the lessons, and short enough to print."""

from pathlib import Path

import nbformat
import pytest

from authoring import checklist, rules
from authoring.source import sources

LINE = """[[line]]
part = "p"
see = "s"
look = "l"
cause = "c"
cure = "m"
"""


def test_the_checklist_is_in_step() -> None:
    assert checklist.problems() == []
    assert "checklist.ipynb" not in "".join(rules.orphans())


def test_it_is_one_page_of_short_lines() -> None:
    lines = checklist.lines()
    assert 15 <= len(lines) <= 20
    for line in lines:
        for text in (line.see, line.look, line.cause, line.cure):
            assert 0 < len(text) <= 100
            assert "|" not in text  # would end a cell of the table


def test_every_lesson_that_is_named_is_linked() -> None:
    stored = nbformat.read(checklist.NOTEBOOK, as_version=4)
    assert {cell.cell_type for cell in stored.cells} == {"markdown"}
    text = "\n".join(cell.source for cell in stored.cells)
    for path in sources():
        named = [line for line in checklist.lines() if int(path.name[:2]) in line.lessons]
        assert text.count(f"({path.stem}.ipynb)") == len(named)


@pytest.mark.parametrize(
    ("lessons", "said"),
    [
        ("[77]", "Checklist, `s`: there is no lesson 77."),
        ("[]", "Checklist, `s`: no lesson shows it."),
        ("[9]", "run `python -m authoring checklist`"),
    ],
)
def test_each_problem_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lessons: str, said: str
) -> None:
    copy = tmp_path / "checklist.toml"
    copy.write_text(f"{LINE}lessons = {lessons}\n", encoding="utf-8")
    monkeypatch.setattr(checklist, "LINES", copy)
    (problem,) = checklist.problems()
    assert said in problem
