"""The glossary is in step with its sources and the lessons, and says what is wrong if not."""

import re
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest

from authoring import glossary, rules
from authoring.source import SOURCES, read, sources

LINK = re.compile(r"\]\(([\w.]+\.ipynb)\)")


@pytest.fixture
def broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str, str], list[str]]:
    """A function that replaces a text in a copy of one of the two files: the problems then."""

    def problems(file: str, old: str, new: str) -> list[str]:
        path: Path = getattr(glossary, file)
        text = path.read_text(encoding="utf-8")
        assert old in text
        copy = tmp_path / path.name
        copy.write_text(text.replace(old, new, 1), encoding="utf-8")
        monkeypatch.setattr(glossary, file, copy)
        return glossary.problems()

    return problems


def test_the_glossary_is_in_step() -> None:
    assert glossary.problems() == []
    assert "glossary.ipynb" not in "".join(rules.orphans())


def test_there_are_enough_terms_each_with_a_chinese_one() -> None:
    terms = glossary.terms()
    assert len(terms) >= 60
    names = [term.name.casefold() for term in terms]
    assert len(set(names)) == len(names)
    for term in terms:
        assert re.search("[\u4e00-\u9fff]", term.zh), term.name
        assert term.text.endswith("."), term.name
        assert "\n" not in term.text, term.name


def test_chinese_terms_say_that_they_are_chinese() -> None:
    stored = nbformat.read(glossary.NOTEBOOK, as_version=4)
    text = "\n".join(cell.source for cell in stored.cells)
    assert not re.search("[\u4e00-\u9fff]", re.sub('<span lang="zh-Hans">.*?</span>', "", text))


def test_links_lead_to_notebooks() -> None:
    stored = nbformat.read(glossary.NOTEBOOK, as_version=4)
    assert {cell.cell_type for cell in stored.cells} == {"markdown"}
    text = "\n".join(cell.source for cell in stored.cells)
    links = LINK.findall(text)
    signs, terms, questions = glossary.signs(), glossary.terms(), glossary.questions()
    assert len(links) == len(signs) + len(terms) + sum(len(each.lessons) for each in questions)
    assert all(each.lessons for each in questions)
    for link in set(links):
        assert (SOURCES.parent / link).is_file(), link


def test_it_is_the_same_each_time_it_is_made() -> None:
    first, second = glossary.notebook(), glossary.notebook()
    assert first == second
    ids = [cell.id for cell in first.cells]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("Kept away from training", "Held back", "run `python -m authoring glossary`"),
        (
            'name = "Adam"\nzh = "Adam 优化器"\nlesson = 2',
            'name = "Adam"\nzh = "Adam 优化器"\nlesson = 77',
            "Term `Adam`: there is no lesson 77.",
        ),
        (
            'name = "padding"',
            'name = "upholstery"',
            "Term `upholstery`: lesson 06 does not have `upholstery`.",
        ),
        ("also = [2]\n", "", "Term `gradient penalty` is used before its lesson, in lesson 02."),
        ("lesson = 1\n", "lesson = 78\n", "Sign `$x$, $\\;p(x)$`: there is no lesson 78."),
    ],
)
def test_each_problem_of_a_term_is_said(
    broken: Callable[[str, str, str], list[str]], old: str, new: str, said: str
) -> None:
    (problem,) = broken("TERMS", old, new)
    assert said in problem


def test_a_question_names_lessons_that_exist(
    broken: Callable[[str, str, str], list[str]],
) -> None:
    (problem,) = broken("QUESTIONS", '"05_a_dense_gan.ipynb"', '"05_a_thin_gan.ipynb"')
    assert problem.startswith("Question `How can a generator")
    assert problem.endswith("there is no lesson 05_a_thin_gan.ipynb.")


def test_too_few_terms_are_too_few(monkeypatch: pytest.MonkeyPatch) -> None:
    few = glossary.terms()[:59]
    monkeypatch.setattr(glossary, "terms", lambda: few)
    assert glossary.problems() == ["The glossary has 59 terms; 60 is least."]


def test_a_mention_that_is_allowed_is_needed() -> None:
    course = {lesson.number: lesson for lesson in map(read, sources())}
    for term in glossary.terms():
        for number in term.also:
            assert number < term.lesson, term.name
            assert glossary.occurs(term.name, glossary.prose(course[number])), term.name


@pytest.mark.parametrize(
    ("word", "text", "found"),
    [
        ("mode", "Modes are many", True),
        ("mode", "a model", False),
        ("β", "with β₁", False),
        ("95 % interval", "the 95 % interval for", True),
    ],
)
def test_words_are_found_whole(word: str, text: str, found: bool) -> None:
    assert glossary.occurs(word, text) == found
