"""The web pages read without a network, and hold what the notebooks hold."""

import re
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pytest

from authoring import site
from authoring.__main__ import main
from authoring.source import read, sources, tags

NOTEBOOKS = [read(path).notebook for path in sources()]


class Tags(HTMLParser):
    """Tags with their attributes, and the text outside code."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.prose, self.code = "", 0
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attributes}))
        self.code += tag in {"pre", "code", "style"}

    def handle_endtag(self, tag: str) -> None:
        self.code -= tag in {"pre", "code", "style"}

    def handle_data(self, data: str) -> None:
        self.prose += "" if self.code else data


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    written = site.build(tmp_path_factory.mktemp("site"))
    return {path.name: path.read_text(encoding="utf-8") for path in written}


def test_every_lesson_has_a_page_and_the_index_leads_to_it(pages: dict[str, str]) -> None:
    assert list(pages) == [
        "index.html",
        *(f"{path.stem}.html" for path in NOTEBOOKS),
        "glossary.html",
        "checklist.html",
    ]
    for name in list(pages)[1:]:
        assert f'href="{name}"' in pages["index.html"]
    assert 'alt="The map: ' in pages["index.html"]


def test_the_glossary_is_a_page_that_every_page_leads_to(pages: dict[str, str]) -> None:
    for name, text in pages.items():
        assert ('<a href="glossary.html">' in text) == (name != "glossary.html"), name
    assert "模式崩溃" in pages["glossary.html"]
    assert 'href="04_the_playground.html"' in pages["glossary.html"]
    assert 'href="glossary.html#Terms"' in site.markdown("[words](glossary.ipynb#Terms)")
    assert "other_glossary.ipynb" in site.markdown("[x](other_glossary.ipynb)")


def test_the_checklist_is_a_page_to_print(pages: dict[str, str]) -> None:
    for name, text in pages.items():
        assert ('<a href="checklist.html">' in text) == (name != "checklist.html"), name
        assert "@media print" in text
    assert 'href="09_the_bug_clinic.html"' in pages["checklist.html"]
    assert 'href="checklist.html"' in site.markdown("[one page](checklist.ipynb)")


def test_nothing_is_loaded_from_elsewhere(pages: dict[str, str]) -> None:
    for name, text in pages.items():
        for tag, attributes in Tags(text).tags:
            assert tag not in {"script", "link", "iframe", "object", "embed", "base"}, name
            assert attributes.get("src", "data:").startswith("data:"), name
            assert not {"srcset", "background", "poster"} & attributes.keys(), name
        assert not re.search(r"url\(|@import", text), name


def test_links_lead_somewhere(pages: dict[str, str]) -> None:
    for name, text in pages.items():
        tags = Tags(text).tags
        ids = {attributes.get("id") for _, attributes in tags}
        for tag, attributes in tags:
            address = attributes.get("href", "") if tag == "a" else ""
            if address.startswith("#"):
                assert address[1:] in ids, (name, address)
            elif address and not address.startswith("https://"):
                assert address in pages, (name, address)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_pages_hold_what_notebooks_hold(pages: dict[str, str], path: Path) -> None:
    text = pages[f"{path.stem}.html"]
    parsed = Tags(text)
    cells = nbformat.read(path, as_version=4).cells
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    stills = [
        output.data["image/png"] for output in outputs if "image/png" in output.get("data", {})
    ]
    assert stills
    for still in stills:
        assert still.replace("\n", "") in text
    images = [attributes for tag, attributes in parsed.tags if tag == "img"]
    assert len(images) == len(stills)
    assert all(image["alt"] for image in images)
    answers = sum(
        output.get("data", {}).get("text/html", "").count("<details") for output in outputs
    )
    assert answers >= 5
    folded = sum(cell.source.count("<details") for cell in cells if cell.cell_type == "markdown")
    covered = sum("covered" in tags(cell) and bool(cell.outputs) for cell in cells)
    assert text.count("<details") == answers + folded + covered
    assert "widget-view" not in text


def test_formulas_are_mathml(pages: dict[str, str]) -> None:
    assert "<mfrac>" in pages["01_the_minimax_game.html"]
    for name, text in pages.items():
        prose = Tags(text).prose
        assert "\\" not in prose, name
        assert "$" not in prose, name


def test_a_missing_notebook_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "source" / "00_start_here.md"
    source.parent.mkdir()
    source.write_text(sources(["00"])[0].read_text(encoding="utf-8"), encoding="utf-8")
    assert main(["site", "--out", str(tmp_path / "out")], source.parent) == 2
    assert "00_start_here.ipynb is missing" in capsys.readouterr().err
