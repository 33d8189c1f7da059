"""Decks of slides: what is tagged is on them, in one file that asks for nothing else."""

import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from authoring import slides
from authoring.__main__ import main
from authoring.rules import FEWEST_SLIDES, NOTES
from authoring.source import Lesson, read, sources
from gan_lessons.exercises.questions import load
from test_site import Tags

LESSONS = [read(path) for path in sources()]
PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5E"
    "rkJggg=="
)


@pytest.fixture(scope="module")
def decks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    written = slides.build(tmp_path_factory.mktemp("slides"))
    return {path.stem: path.read_text(encoding="utf-8") for path in written}


def made(*cells: Any) -> list[str]:
    return slides.slides(new_notebook(cells=[new_markdown_cell("# 01 · Title"), *cells]))


def text_of(source: str, *tagged: str) -> Any:
    return new_markdown_cell(source, metadata={"tags": list(tagged)})


def code_of(source: str, *tagged: str, picture: bool = False) -> Any:
    outputs = [new_output("stream", text="shown\n")]
    if picture:
        data = {"image/png": PIXEL, "text/plain": "<Figure>"}
        outputs.append(new_output("display_data", data=data))
    return new_code_cell(source, metadata={"tags": list(tagged)}, outputs=outputs)


def test_every_lesson_has_a_deck(decks: dict[str, str]) -> None:
    assert list(decks) == [lesson.path.stem for lesson in LESSONS]
    for text in decks.values():
        assert text.count('<section><div class="fit">') >= FEWEST_SLIDES


def test_a_deck_asks_for_nothing_else(decks: dict[str, str]) -> None:
    for name, text in decks.items():
        for tag, attributes in Tags(text).tags:
            assert tag not in {"link", "iframe", "object", "embed", "base"}, name
            assert attributes.get("src", "data:").startswith("data:"), name
            assert not {"srcset", "background", "poster"} & attributes.keys(), name
        style = text.partition("<style>")[2].partition("</style>")[0]
        for address in re.findall(r"url\(['\"]?([^)]{0,30})|@import", style):
            assert address.startswith("data:"), name


def test_a_deck_links_to_no_page_beside_it(decks: dict[str, str]) -> None:
    shown = made(text_of("## Two\n\n[The list](checklist.ipynb), [here](https://a.org)", "slide"))
    assert "The list, <a href" in shown[1]
    for deck in decks.values():
        assert not re.search(r'<a href="\w+\.(?:html|ipynb)', deck)


def test_a_deck_is_for_reading(decks: dict[str, str]) -> None:
    for name, text in decks.items():
        images = [attributes for tag, attributes in Tags(text).tags if tag == "img"]
        assert images, name
        assert all(image["alt"] and image["width"] for image in images), name
        body = text.partition("<body>")[2].partition("<script>")[0]
        prose = Tags(body).prose
        assert "\\" not in prose, name
        assert "$" not in prose, name
        assert "widget-view" not in body, name
        assert "<details" not in body, name
    assert "<mfrac>" in decks["01_the_minimax_game"]


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.name)
def test_the_speaker_has_the_notes(lesson: Lesson, decks: dict[str, str]) -> None:
    notes = decks[lesson.path.stem].partition('<template><aside class="notes">')[2]
    notes = notes.partition("</aside></template>")[0]
    for heading in NOTES:
        assert heading in notes
    assert "<table>" in notes


def test_the_first_cell_and_what_is_tagged_are_on_slides() -> None:
    first, second = made(
        text_of("left out"),
        code_of("left = out"),
        text_of("## Two\n\nsaid", "slide"),
        code_of("kept = 1", "slide"),
        code_of("hidden = 1", "slide-output"),
        text_of("*a caption*"),
    )
    assert "Title<" in first
    assert ("said" in second, "left" in second, "caption" in second) == (True, False, False)
    code = re.sub("<[^>]+>", "", second)
    assert "kept = 1" in code
    assert "hidden" not in code
    assert code.count("shown") == 2


def test_a_slide_without_a_heading_repeats_its_section() -> None:
    _, one, two, three = made(
        text_of("## Part\n\nwords"),
        text_of("first", "slide"),
        text_of("## Exercise 1.1 · Do   (●○○○○, 1 minute)"),
        text_of("second", "slide"),
        text_of("### Own\n\nthird", "slide"),
    )
    assert ">Part<" in one
    assert ">Part<" in two
    assert "Exercise" not in two
    assert "Part" not in three
    assert ">Own<" in three


def test_answers_wait_for_a_key() -> None:
    fold = "<details><summary>{}</summary>\n\n{}\n\n</details>"
    predict = "> **Predict.** What?\n\n" + fold.format("Hint 1", "Think.") + "\n\n"
    predict += fold.format("Answer", "This.")
    _, asked, told = made(
        text_of(predict, "slide"),
        code_of("1", "slide-output"),
        text_of("plain", "slide"),
        code_of("1", "slide-output"),
        code_of("2", "slide-output", "covered"),
    )
    assert asked.count('class="fragment') == 2
    assert "Think" not in asked
    assert asked.index("What?") < asked.index('class="fragment') < asked.index("This.")
    assert asked.rindex('class="fragment') < asked.index("shown")
    assert told.count("fragment") == 1  # the covered one


def test_narrow_code_stands_beside_its_picture_and_wide_code_above() -> None:
    _, narrow, wide = made(
        text_of("a", "slide"),
        code_of("x = 1", "slide", picture=True),
        text_of("b", "slide"),
        code_of("x = " + "1 + " * 20 + "1", "slide", picture=True),
    )
    assert 'class="cell side"' in narrow
    assert 'class="cell side"' not in wide
    for slide in (narrow, wide):
        assert 'width="1" height="1" style="width: 2px"' in slide


def test_a_quiz_becomes_a_slide_for_each_question() -> None:
    questions = load("01")
    found = made(code_of('quiz("01")', "slide-output"))[1:]
    assert len(found) == len(questions) == 5
    for slide, question in zip(found, questions, strict=True):
        assert slide.count("<li>") == 4
        before, _, answer = slide.partition('class="fragment')
        assert question.options[question.right].why.strip()[:10] not in before
        assert f"<b>{'ABCD'[question.right]}.</b>" in answer


def test_a_missing_notebook_page_of_notes_or_lesson_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "source" / "00_start_here.md"
    source.parent.mkdir()
    source.write_text(sources(["00"])[0].read_text(encoding="utf-8"), encoding="utf-8")
    out = ["slides", "--out", str(tmp_path / "out")]
    assert main(out, source.parent) == 2
    assert "00_start_here.ipynb is missing" in capsys.readouterr().err
    nbformat.write(
        new_notebook(cells=[new_markdown_cell("# 00")]), tmp_path / "00_start_here.ipynb"
    )
    assert main(out, source.parent) == 2
    assert "00_start_here.md is missing in notes/" in capsys.readouterr().err
    assert main([*out, "55"], source.parent) == 2
    assert "no lesson 55" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_reveal_comes_with_its_licence() -> None:
    licence = (slides.REVEAL / "LICENSE").read_text(encoding="utf-8")
    assert "Permission is hereby granted, free of charge" in licence
    assert "reveal.js" in (slides.REVEAL / "reveal.js").read_text(encoding="utf-8")[:200]
