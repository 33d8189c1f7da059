"""The glossary, with the course's signs and the questions people ask, as a notebook without code.

``glossary.toml`` has terms and signs, ``questions.toml`` the questions.
"""

import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from authoring import page
from authoring.build import write as write_notebook
from authoring.source import SOURCES, Lesson, Notebook, read, sources

TERMS = Path(__file__).with_name("glossary.toml")
QUESTIONS = Path(__file__).with_name("questions.toml")
NOTEBOOK = SOURCES.parent / "glossary.ipynb"
TITLE = "Glossary and questions"
FEWEST_TERMS = 60
OPENING = f"""# {TITLE}

What the course's signs and words mean, with the usual Chinese term and the lesson that explains
each; then [questions that people ask](#Questions), answered from what the lessons show. There is
nothing to run on this page."""


@dataclass(frozen=True)
class Term:
    """A word of the course."""

    name: str
    zh: str  # the field's usual Chinese term
    lesson: int  # the first that explains it
    text: str
    symbol: str = ""
    written: str = ""  # how that lesson writes it, where not as the name
    also: tuple[int, ...] = ()  # earlier lessons in which the word occurs and does no harm


@dataclass(frozen=True)
class Sign:
    """A letter or sign of the course's formulas."""

    sign: str
    text: str
    lesson: int


@dataclass(frozen=True)
class Question:
    """A question that people ask."""

    ask: str
    answer: str
    lessons: tuple[str, ...]  # the notebooks that show it


def terms() -> list[Term]:
    """All terms, in alphabetical order."""
    found = [Term(**row | {"also": tuple(row.get("also", ()))}) for row in _rows(TERMS, "term")]
    return sorted(found, key=lambda term: term.name.casefold())


def signs() -> list[Sign]:
    """All signs, in the order of the file."""
    return [Sign(**row) for row in _rows(TERMS, "sign")]


def questions() -> list[Question]:
    """All questions, in the order of the file."""
    return [
        Question(row["ask"], " ".join(row["answer"].split()), tuple(row["lessons"]))
        for row in _rows(QUESTIONS, "question")
    ]


def _rows(path: Path, kind: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = tomllib.loads(path.read_text(encoding="utf-8"))[kind]
    return rows


def notebook() -> Notebook:
    """The page as a notebook of Markdown cells.

    Raises:
        KeyError: a lesson does not exist.
    """
    course = {path.name[:2]: f"{path.stem}.ipynb" for path in sources()}

    def link(number: int) -> str:
        return f"[lesson\N{NO-BREAK SPACE}{number:02d}]({course[f'{number:02d}']})"

    texts = [OPENING, "\n".join(["## Notation", "", "| sign | meaning | from |", "|---|---|---|"])]
    for sign in signs():
        texts[-1] += f"\n| {sign.sign} | {sign.text} | {link(sign.lesson)} |"
    texts.append("## Terms")
    for letter, some in groupby(terms(), key=lambda term: term.name[0].upper()):
        texts.append(f"### {letter}\n")
        for term in some:
            chinese = f'<span lang="zh-Hans">{term.zh}</span>'  # what reads aloud has to know
            names = ", ".join(filter(None, (f"**{term.name}**", term.symbol, chinese)))
            texts[-1] += f"\n- {names}: {term.text} ({link(term.lesson)})"
    texts.append("## Questions")
    for question in questions():
        shown = ", ".join(link(int(name[:2])) for name in question.lessons)
        texts.append(f"### {question.ask}\n\n{question.answer} *Shown in* {shown}.")
    return page.notebook("glossary", TITLE, texts)


def write() -> list[Path]:
    """Write the notebook; return where."""
    write_notebook(notebook(), NOTEBOOK)
    return [NOTEBOOK]


def problems() -> list[str]:
    """What is wrong with the glossary, in sentences."""
    course = {path.stem: read(path) for path in sources()}
    found = list(_lesson_problems(list(course.values())))
    if len(terms()) < FEWEST_TERMS:
        found.append(f"The glossary has {len(terms())} terms; {FEWEST_TERMS} is least.")
    for question in questions():
        unknown = [name for name in question.lessons if name.removesuffix(".ipynb") not in course]
        found += [f"Question `{question.ask}`: there is no lesson {name}." for name in unknown]
    if found:  # a notebook cannot be made with links to lessons that do not exist
        return found
    return page.out_of_step(notebook(), NOTEBOOK)


def _lesson_problems(course: Sequence[Lesson]) -> Iterator[str]:
    """Signs and terms whose lesson is not the one that introduces them."""
    known = {lesson.number: lesson for lesson in course}
    for sign in signs():
        if sign.lesson not in known:
            yield f"Sign `{sign.sign}`: there is no lesson {sign.lesson:02d}."
    for term in terms():
        if term.lesson not in known:
            yield f"Term `{term.name}`: there is no lesson {term.lesson:02d}."
            continue
        name = term.written or term.name
        if not occurs(name, text(known[term.lesson])):
            yield f"Term `{term.name}`: lesson {term.lesson:02d} does not have `{name}`."
        for number, lesson in known.items():
            early = number < term.lesson and number not in term.also
            if early and occurs(term.name, prose(lesson)):
                yield f"Term `{term.name}` is used before its lesson, in lesson {number:02d}."


def occurs(word: str, text: str) -> bool:
    """Whether a word, or its plural, occurs as a whole, in any case."""
    return re.search(rf"(?<!\w){re.escape(word)}s?(?!\w)", text, re.IGNORECASE) is not None


def text(lesson: Lesson) -> str:
    """All that a lesson's source says, on one line and without marks."""
    return _plain("\n".join(cell.source for cell in lesson.cells))


def prose(lesson: Lesson) -> str:
    """What a lesson says in words of its own: no code, no outlook, no titles of papers."""
    cells = [cell.source for cell in lesson.cells if cell.cell_type == "markdown"]
    words = "\n".join(cells).partition("**Going on**")[0]
    return _plain(re.sub(r"`[^`]*`", " ", words))


def _plain(text: str) -> str:
    return " ".join(re.sub(r"[*`]", "", text).split())
