"""The web pages read without a network, and hold what the notebooks hold."""

import base64
import itertools
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import numpy as np
import pytest
from torch import nn

from authoring import live, search_page, site
from authoring.__main__ import main
from authoring.cells import markdown
from authoring.live import networks, panels
from authoring.source import read, sources, tags
from gan_lessons import pretrained
from gan_lessons.errors import UserError
from gan_lessons.exercises.questions import load
from gan_lessons.exercises.words import html

NOTEBOOKS = [read(path).notebook for path in sources()]


UNREAD = {"pre", "code", "style", "script"}


class Tags(HTMLParser):
    """Tags with their attributes, and the text outside code."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.prose, self.code = "", 0
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attributes}))
        self.code += tag in UNREAD

    def handle_endtag(self, tag: str) -> None:
        self.code -= tag in UNREAD

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
        "search.html",
    ]
    for name in list(pages)[1:-1]:
        assert f'href="{name}"' in pages["index.html"]
    assert 'alt="The map: ' in pages["index.html"]


def test_the_glossary_is_a_page_that_every_page_leads_to(pages: dict[str, str]) -> None:
    for name, text in pages.items():
        assert ('<a href="glossary.html">' in text) == (name != "glossary.html"), name
    assert "模式崩溃" in pages["glossary.html"]
    assert 'href="04_the_playground.html"' in pages["glossary.html"]
    assert 'href="glossary.html#Terms"' in markdown("[words](glossary.ipynb#Terms)")
    assert "other_glossary.ipynb" in markdown("[x](other_glossary.ipynb)")


def test_the_checklist_is_a_page_to_print(pages: dict[str, str]) -> None:
    for name, text in pages.items():
        assert ('<a href="checklist.html">' in text) == (name != "checklist.html"), name
        assert "@media print" in text
    assert 'href="09_the_bug_clinic.html"' in pages["checklist.html"]
    assert 'href="checklist.html"' in markdown("[one page](checklist.ipynb)")


def test_nothing_is_loaded_from_elsewhere(pages: dict[str, str]) -> None:
    for name, text in pages.items():
        for tag, attributes in Tags(text).tags:
            assert tag not in {"link", "iframe", "object", "embed", "base"}, name
            assert attributes.get("src", "data:").startswith("data:"), name
            assert not {"srcset", "background", "poster"} & attributes.keys(), name
        styles = "".join(re.findall(r"<style>(.*?)</style>", text, re.DOTALL))
        assert not re.search(r"url\(|@import", styles), name


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
    body = text.partition("<main")[2].partition("</main>")[0]
    assert body.count("<details") == answers + folded + covered
    assert "widget-view" not in text


def test_formulas_are_mathml(pages: dict[str, str]) -> None:
    assert "<mfrac>" in pages["01_the_minimax_game.html"]
    for name, text in pages.items():
        prose = Tags(text).prose
        assert "\\" not in prose, name
        assert "$" not in prose, name


def test_pages_are_light_enough(pages: dict[str, str]) -> None:
    for name, text in pages.items():
        assert len(text.encode()) <= 1_500_000, name


def test_every_panel_of_the_table_stands_in_its_page(pages: dict[str, str]) -> None:
    cells = {path.stem[:2]: nbformat.read(path, as_version=4).cells for path in NOTEBOOKS}
    for panel in panels.PANELS:
        calls = [
            cell for cell in cells[panel.lesson] if panels.of_cell(panel.lesson, cell) == panel
        ]
        assert len(calls) == 1, panel.call
        (page,) = (text for name, text in pages.items() if name.startswith(panel.lesson))
        assert f'data-panel="{panel.name}"' in page
    for name, text in pages.items():
        tags = Tags(text).tags
        places = sum("data-panel" in attributes for _, attributes in tags)
        data = sum(attributes.get("type") == "application/json" for _, attributes in tags)
        assert data == places + (name == "search.html")


def test_two_panels_in_one_cell_are_refused() -> None:
    calls = [panel.call for panel in panels.PANELS if panel.lesson == "08"]
    cell = nbformat.v4.new_code_cell("\n".join(calls))
    with pytest.raises(UserError, match="two panels"):
        panels.of_cell("08", cell)


def test_every_quiz_answers_in_its_page(pages: dict[str, str]) -> None:
    for path in NOTEBOOKS:
        text = pages[f"{path.stem}.html"]
        assert text.count('data-panel="quiz"') == 1, path
        for question in load(path.stem[:2]):
            for option in question.options:
                assert json.dumps(html(option.why)).replace("</", r"<\/") in text


def test_headings_are_in_order(pages: dict[str, str]) -> None:
    for name, text in pages.items():
        levels = [int(tag[1]) for tag, _ in Tags(text).tags if re.fullmatch("h[1-6]", tag)]
        assert levels.count(1) == 1, name
        assert levels[0] == 1, name
        assert all(b <= a + 1 for a, b in itertools.pairwise(levels)), name


def test_the_search_page_finds_sections_and_no_answers(pages: dict[str, str]) -> None:
    body = "<h1 id='a'>One</h1><p>seen &amp; read</p><details>folded</details><h2 id='b'>Two</h2>"
    one, two = search_page.documents("x.html", "One", body + "<math><mi>y</mi></math> end")
    assert one == {"id": "x.html#a", "title": "One", "heading": "", "text": "seen & read"}
    assert two == {"id": "x.html#b", "title": "One", "heading": "Two", "text": "end"}
    data = re.search(r'id="documents">(.*?)</script>', pages["search.html"], re.DOTALL)
    assert data is not None
    found = json.loads(data[1])
    for document in found:
        name, _, anchor = document["id"].partition("#")
        assert f'id="{anchor}"' in pages[name]
    assert {document["id"].partition("#")[0] for document in found} == set(pages) - {
        "index.html",
        "search.html",
    }


def test_half_precision_loses_nothing_of_a_shipped_generator() -> None:
    for name in pretrained.names():
        network, _ = networks.network(name)
        exact = [weight for weight in network.parameters() if weight.dim() > 1]
        layers = networks.exported(name)["layers"]
        for layer, weight in zip(layers, exact, strict=True):
            kept = np.frombuffer(base64.b64decode(layer["weights"]), "<f2").astype(np.float32)
            drawn = weight.T if weight.dim() == 2 else weight  # a linear layer draws pixels
            assert np.array_equal(kept, drawn.numpy().ravel()), name


def test_an_unknown_layer_is_refused() -> None:
    with pytest.raises(UserError, match="no layer Dropout"):
        list(networks.layers(nn.Sequential(nn.Linear(2, 2), nn.Dropout()), (2, 1, 1)))


def test_minisearch_comes_with_its_licence() -> None:
    folder = live.FOLDER / "minisearch"
    assert "Permission is hereby granted, free of charge" in (folder / "LICENSE").read_text("utf-8")
    assert "MiniSearch" in (folder / "minisearch.js").read_text("utf-8")[:300]


def test_a_missing_notebook_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "source" / "00_start_here.md"
    source.parent.mkdir()
    source.write_text(sources(["00"])[0].read_text(encoding="utf-8"), encoding="utf-8")
    assert main(["site", "--out", str(tmp_path / "out")], source.parent) == 2
    assert "00_start_here.ipynb is missing" in capsys.readouterr().err
