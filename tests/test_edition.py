"""Editions for a class: nothing is given away in one, everything is right in the other."""

import contextlib
import io
from html import escape
from pathlib import Path
from typing import Any

import nbformat
import pytest

from authoring import edition
from authoring.__main__ import main
from authoring.source import definitions, exercises, quiz_of, read, sources, tags
from gan_lessons import progress
from gan_lessons.errors import UserError
from gan_lessons.exercises import check, grade, words
from gan_lessons.exercises.questions import load

PATHS = [read(path).notebook for path in sources()]
NAMES = ["01", "06"]  # their answer sheets are made and run here; more would take long


def code(notebook: Any) -> list[Any]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


@pytest.fixture(scope="module")
def hand_out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the lessons without solutions."""
    folder = tmp_path_factory.mktemp("class") / "hand-out"
    written = list(edition.write(folder, answers=False))
    assert [path.name for path in written] == [*(path.name for path in PATHS), *edition.PAGES]
    return folder


@pytest.fixture(scope="module")
def sheets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the answers to two"""
    folder = tmp_path_factory.mktemp("answers")
    written = list(edition.write(folder, NAMES, answers=True))
    *sheets, glossary, checklist = written
    assert [path.name[:2] for path in sheets] == NAMES
    assert all(path.name.endswith("_answers.ipynb") for path in sheets)
    assert (glossary.name, checklist.name) == edition.PAGES
    return folder


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_a_hand_out_lacks_solutions_and_answers_and_nothing_else(
    path: Path, hand_out: Path
) -> None:
    lesson = nbformat.read(path, as_version=4)
    handed = nbformat.read(hand_out / path.name, as_version=4)
    nbformat.validate(handed)
    solutions = [cell for cell in lesson.cells if "<summary>Solution" in cell.source]
    assert len(solutions) == sum("exercise" in tags(cell) for cell in lesson.cells)
    assert handed.cells != lesson.cells
    rest = [cell for cell in lesson.cells if cell not in solutions]
    assert [cell.source for cell in handed.cells] == [cell.source for cell in rest]
    for cell, original in zip(code(handed), code(lesson), strict=True):
        if quiz_of(cell):
            (shown,) = cell.outputs
            for question in load(path.name[:2]):
                assert escape(question.options[0].text.strip()) in shown.data["text/html"]
            assert "<details" not in shown.data["text/html"]
        else:
            assert cell.outputs == original.outputs


@pytest.mark.parametrize("name", NAMES)
def test_a_hand_out_contains_no_solution_anywhere(name: str, hand_out: Path) -> None:
    (source,) = sources([name])
    (path,) = hand_out.glob(f"{name}_*.ipynb")
    cells = nbformat.read(path, as_version=4).cells
    text = "\n".join([cell.source + str(cell.get("outputs")) for cell in cells])
    for exercise in exercises(read(source)):
        lines = exercise.solution.splitlines()
        new = [line for line in lines if line not in exercise.stub.splitlines()]
        assert new
        assert "\n".join(new) not in text
    for question in load(name):
        assert question.options[question.right].why.strip() not in text


@pytest.mark.parametrize("name", NAMES)
def test_an_answer_sheet_is_right_and_runs(name: str, sheets: Path) -> None:
    (path,) = sheets.glob(f"{name}_*.ipynb")
    sheet = nbformat.read(path, as_version=4)
    nbformat.validate(sheet)
    scope: dict[str, Any] = {"__name__": "lesson"}
    said = []
    for cell in code(sheet):
        if "exercise" in tags(cell):
            assert "your code here" not in cell.source
            exec(cell.source, scope)
        elif cell.source.startswith("check("):
            (shown,) = cell.outputs
            with contextlib.redirect_stdout(io.StringIO()) as printed:
                exec(cell.source, scope | {"check": check})
            assert printed.getvalue() == shown.data["text/plain"] + "\n"
            said.append(shown.data["text/plain"])
        else:
            for definition in definitions(cell.source):
                exec(definition, scope)
    assert len(said) == 3
    assert all(" Right: " in text for text in said)
    assert not any("<summary>Solution" in cell.source for cell in sheet.cells)


@pytest.mark.parametrize("name", NAMES)
def test_an_answer_sheet_answers_the_quiz_with_reasons(name: str, sheets: Path) -> None:
    (path,) = sheets.glob(f"{name}_*.ipynb")
    cells = nbformat.read(path, as_version=4).cells
    place = next(i for i, cell in enumerate(cells) if quiz_of(cell))
    answers = cells[place + 1].source
    assert answers.startswith("## Answers to the quiz\n")
    assert answers.count("- ✓ ") == 5
    assert answers.count("- ✗ ") == 15
    for question in load(name):
        right = question.options[question.right]
        plain = answers.replace("\\", "")
        assert f"**{words.html(right.text)}**: {words.html(right.why)}" in plain
        assert all(words.html(option.why) in plain for option in question.options)


def test_links_between_answer_sheets_lead_to_answer_sheets(sheets: Path) -> None:
    for path in sheets.glob("*.ipynb"):
        cells = nbformat.read(path, as_version=4).cells
        names = edition.LINK.findall("\n".join(cell.source for cell in cells))
        assert names
        lessons = [name for name in names if f"{name}.ipynb" not in edition.PAGES]
        assert all((edition.NOTEBOOKS / f"{name[:-8]}.ipynb").is_file() for name in lessons)
        assert all(name.endswith("_answers") for name in lessons)


def test_an_answer_sheet_is_not_the_learners_progress(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(progress.VARIABLE, str(tmp_path / "done.json"))
    list(edition.write(tmp_path / "answers", ["01"], answers=True))
    assert not (tmp_path / "done.json").exists()


def test_stress_and_code_in_an_answer_are_shown_and_other_marks_as_they_are() -> None:
    said = edition.plain("a_1 * b_2 is *not* `c < d_1`")
    assert said == r"a\_1 \* b\_2 is <em>not</em> <code>c &lt; d\_1</code>"


def test_the_command_writes_both_editions_side_by_side(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for kind, name in (("--without-solutions", "start_here"), ("--answers", "start_here_answers")):
        assert main(["edition", kind, "--out", str(tmp_path), "00"]) == 0
        written = [str(tmp_path / file) for file in (f"00_{name}.ipynb", *edition.PAGES)]
        assert capsys.readouterr().out.splitlines() == written
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == sorted(["00_start_here.ipynb", "00_start_here_answers.ipynb", *edition.PAGES])


def test_what_an_instructor_has_edited_stays(tmp_path: Path) -> None:
    handed, page, notes = (tmp_path / name for name in ("00_start_here.ipynb", *edition.PAGES))
    for _ in range(2):  # what nobody touched is written anew
        list(edition.write(tmp_path, ["00"], answers=False))
    notebook = nbformat.read(handed, as_version=4)
    code(notebook)[0].outputs = []
    nbformat.write(notebook, handed)
    list(edition.write(tmp_path, ["00"], answers=False))  # it was run, no more
    notebook.cells[0].source += "\n\nWe meet on Monday."
    nbformat.write(notebook, handed)
    page.write_text("not a notebook", encoding="utf-8")
    notes.unlink()
    with pytest.raises(UserError, match=rf"left as they are: \S+{handed.name}, \S+{page.name}\."):
        list(edition.write(tmp_path, ["00"], answers=False))
    assert "on Monday" in handed.read_text(encoding="utf-8")
    assert page.read_text(encoding="utf-8") == "not a notebook"
    assert notes.is_file()  # the others are written


def test_what_cannot_be_done_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UserError, match=r"no lesson '55'\. There are: 00, 01"):
        list(edition.write(tmp_path, ["55"], answers=False))
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="file is a file; --out needs a folder"):
        list(edition.write(tmp_path / "file", answers=False))
    with pytest.raises(UserError, match="holds the lessons themselves"):
        list(edition.write(edition.NOTEBOOKS, answers=False))
    with pytest.raises(UserError, match=r"no notebooks in .*nowhere\. `make notebooks` writes"):
        list(edition.write(tmp_path, answers=False, folder=tmp_path / "nowhere"))
    assert main(["edition", "--answers", "--out", str(tmp_path / "file"), "01"]) == 2
    assert capsys.readouterr().err.endswith("needs a folder.\n")
    for wrong in (
        ["--out", "x"],
        ["--answers"],
        ["--answers", "--without-solutions", "--out", "x"],
    ):
        assert main(["edition", *wrong]) == 2
        assert capsys.readouterr().err.endswith("see python -m authoring edition --help.\n")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_solution_that_is_wrong_would_be_seen(tmp_path: Path) -> None:
    """The sheet's verdicts are computed, not assumed."""
    notebook = nbformat.read(next(p for p in PATHS if p.name.startswith("01")), as_version=4)
    for cell in notebook.cells:
        if "<summary>Solution 1.1" in cell.source:
            cell.source = cell.source.replace("p / (p + q)", "q / (p + q)")
    sheet = edition.solved(notebook)
    said = [
        cell.outputs[0].data["text/plain"]
        for cell in code(sheet)
        if cell.source.startswith("check(")
    ]
    assert "1.1 Not right: " in said[0]
    assert "1.2 Right: " in said[1]
    assert grade("1.1", lambda p, q: q / (p + q)).message in said[0]
