"""Building and checking: a tiny lesson end to end, and every committed lesson in step."""

import base64
import io
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from authoring import rules
from authoring.__main__ import main
from authoring.build import build, reduce_colours
from authoring.source import read, sources, unexecuted
from gan_lessons import plotting
from gan_lessons.errors import UserError
from gan_lessons.exercises import questions

TINY = '''---
title: A tiny lesson
lesson: 98
minutes: 5
seconds: 20
needs: [0]
kernelspec:
  display_name: Python 3
  name: python3
---

# 98 · A tiny lesson

**After this lesson you can**
- double a number.

**You need** nothing. 5 minutes.

**On the way**: nowhere.

```{code-cell}
from pathlib import Path

from gan_lessons.exercises import Wrong, call, check, exercise
from gan_lessons.exercises.questions import Quiz, load
from gan_lessons.widgets import explore


def quiz(lesson):
    return Quiz(lesson, load(lesson, Path("source")))


@exercise("98.1")
def double_check(answer):
    if call(answer, 3) != 6:
        raise Wrong("3 doubled is 6.")
    return "adding a number to itself doubles it."


half_check = exercise("98.2")(lambda answer: "half of two is one.")
```

> **Predict.** What is 1 + 1?

```{code-cell}
:tags: [covered]

1 + 1
```

```{code-cell}
:tags: [nbval-ignore-output]

import random

import ipywidgets

display(ipywidgets.IntSlider())  # only while it runs: no still is saved
display({}, raw=True)  # what a view leaves that has ended
value = random.random()
assert 0 <= value < 1
print(value)
```

```{code-cell}
print("one", flush=True)
print("two")
```

```{code-cell}
from matplotlib.figure import Figure


def line(slope):
    figure = Figure(figsize=(2, 1))
    figure.add_subplot().plot([0, slope])
    return figure, f"slope {slope}"


explore(line, slope=(0, 4))
```

*The line rises with its slope.*

## Exercise 98.1 · Double   (●○○○○, 1 minute)

```{code-cell}
:tags: [exercise, "98.1"]

def double(number):
    """Twice a number."""
    # solution
    return 2 * number
```

```{code-cell}
check("98.1", double)
```

## Exercise 98.2 · Halve   (●○○○○, 1 minute)

```{code-cell}
:tags: [exercise, "98.2"]

half = 1  # solution
```

```{code-cell}
check("98.2", half)
```
SLIDES
## Quiz

```{code-cell}
quiz("98")
```

## Recap
- You can double a number.

**Going on**: lesson 99. **Read**: nothing.
'''.replace(
    "SLIDES", "".join(f'\n+++ {{"tags": ["slide"]}}\n\nSlide {i}.\n' for i in range(7)) + "\n+++\n"
)
NOTES = """# Notes for lesson 98 · A tiny lesson

## Timing

| part | minutes |
|---|---|
| all but the quiz | 3 |
| quiz | 2 |

## What learners get wrong

## What to ask

## If time is short
"""
QUESTION = """[[question]]
text = "What is 1 + 1?"
option = [
  { text = "1", why = "That is one of the two." },
  { text = "2", why = "Count.", right = true },
  { text = "3", why = "One too many." },
  { text = "11", why = "Numbers add, digits stand side by side." },
]
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source of the tiny lesson, built."""
    folder = tmp_path_factory.mktemp("course") / "notebooks" / "source"
    folder.mkdir(parents=True)
    (folder / "98.toml").write_text(QUESTION, encoding="utf-8")
    source = folder / "98_tiny.md"
    source.write_text(TINY, encoding="utf-8")
    notes = folder.parent / "notes" / source.name
    notes.parent.mkdir()
    notes.write_text(NOTES, encoding="utf-8")
    assert main(["build"], folder) == 0
    return source


@pytest.fixture
def copy(built: Path, tmp_path: Path) -> Path:
    """A copy of the tiny lesson, to be spoilt."""
    source = tmp_path / "notebooks" / "source" / built.name
    source.parent.mkdir(parents=True)
    source.write_bytes(built.read_bytes())
    lesson = source.parents[1] / "98_tiny.ipynb"
    lesson.write_bytes((built.parents[1] / lesson.name).read_bytes())
    notes = read(source).notes
    notes.parent.mkdir()
    notes.write_text(NOTES, encoding="utf-8")
    return source


def test_learner_gets_the_stub_and_the_solution_folded_below_the_check(built: Path) -> None:
    cells = nbformat.read(read(built).notebook, as_version=4).cells
    place = next(i for i, cell in enumerate(cells) if "exercise" in cell.metadata.get("tags", []))
    assert cells[place].source == (
        'def double(number):\n    """Twice a number."""\n    return ...  # your code here'
    )
    assert cells[place + 1].source == 'check("98.1", double)'
    assert cells[place + 1].outputs[0].data["text/plain"].startswith("○ 98.1 Not yet:")
    assert cells[place + 2].source.startswith("<details><summary>Solution 98.1</summary>\n\n```py")
    assert "    return 2 * number\n```\n\n</details>" in cells[place + 2].source


def test_saved_widgets_are_stills(built: Path) -> None:
    cells = nbformat.read(read(built).notebook, as_version=4).cells
    shown = {
        cell.source.splitlines()[-1]: set(cell.outputs[0].data)
        for cell in cells
        if cell.cell_type == "code" and cell.outputs and "data" in cell.outputs[0]
    }
    assert shown["explore(line, slope=(0, 4))"] == {"text/plain", "image/png"}
    assert "widget-view" not in read(built).notebook.read_text(encoding="utf-8")
    assert shown['quiz("98")'] == {"text/plain", "text/html"}
    outputs = [output for cell in cells for output in cell.get("outputs", ())]
    assert all(output.get("data") != {} for output in outputs)


def picture(png: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(png)))


def test_pictures_become_lighter_and_look_alike() -> None:
    figure = Figure(figsize=(4, 3))
    axes = figure.add_subplot()
    axes.imshow(np.random.default_rng(0).random((20, 20)), cmap="viridis")
    for slope in range(10):
        axes.plot([0, 19], [0, 2 * slope])
    before = base64.b64encode(plotting.png(figure)).decode()
    after = reduce_colours(before)
    assert len(after) < 0.75 * len(before)
    assert reduce_colours(after) == after
    pair = (np.asarray(picture(png).convert("RGB"), dtype=int) for png in (before, after))
    apart = np.abs(np.subtract(*pair))
    assert apart.mean() < 2  # of 255
    assert (apart > 24).mean() < 0.001


@pytest.mark.parametrize("source", sources(), ids=lambda path: path.stem)
def test_a_committed_notebook_is_light(source: Path) -> None:
    path = read(source).notebook
    assert path.stat().st_size < 1_000_000
    outputs = [o for c in nbformat.read(path, as_version=4).cells for o in c.get("outputs", [])]
    pictures = [o.data["image/png"] for o in outputs if "image/png" in o.get("data", {})]
    assert pictures
    assert {picture(png).mode for png in pictures} == {"P"}


def test_building_again_changes_only_what_is_random(built: Path, copy: Path) -> None:
    (copy.parent / "98.toml").write_text(QUESTION, encoding="utf-8")
    first = read(built).notebook.read_text(encoding="utf-8").splitlines()
    build(copy)
    again = read(copy).notebook.read_text(encoding="utf-8").splitlines()
    changed = [a for a, b in zip(first, again, strict=True) if a != b]
    assert len(changed) == 1
    assert '"0.' in changed[0]  # the random number that its cell prints


def test_nbval_passes_on_what_the_build_writes_and_sees_a_changed_output(
    built: Path, copy: Path
) -> None:
    (copy.parent / "98.toml").write_text(QUESTION, encoding="utf-8")
    notebook = read(copy).notebook
    spoilt = notebook.with_name("98_spoilt.ipynb")
    text = notebook.read_text(encoding="utf-8")
    assert "two\\n" in text
    spoilt.write_text(text.replace("two\\n", "three\\n", 1), encoding="utf-8")
    settings = Path(__file__).parents[1] / "pyproject.toml"
    command = f"-m pytest --nbval -p no:xdist -p no:cacheprovider -q -c {settings}"
    command += f" --rootdir {notebook.parent}"  # outside it, names of cells clash
    result = subprocess.run(
        [sys.executable, *command.split(), str(notebook), str(spoilt)],
        capture_output=True,
        text=True,
        env=os.environ | {"GAN_LESSONS_DATA": "bundled"},
        check=False,
    )
    assert "1 failed, 19 passed" in result.stdout, result.stdout + result.stderr


def test_a_lesson_in_step_has_no_problems(built: Path) -> None:
    assert rules.problems(built) == []
    assert main(["check", "98"], built.parent) == 0


COMPARED = TINY[TINY.index("1 + 1\n```\n") : TINY.index("```\n\n```{code-cell}\nfrom matplotlib")]
EXERCISE_2 = TINY[TINY.index("## Exercise 98.2") : TINY.index('+++ {"tags"')]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('print("two")', 'print("too")', "differs from the source in its source"),
        (":tags: [nbval-ignore-output]\n", "", "differs from the source in its metadata"),
        ("> **Predict.** What is 1 + 1?\n", "", "cells, the source gives"),
        ("> **Predict.** What is 1 + 1?", "What is 1 + 1?", "asks for a prediction"),
        ("title: A tiny lesson", "title: Another", "metadata is not what the build writes"),
        ("lesson: 98", "lesson: 97", "the front matter says lesson 97"),
        ("seconds: 20\n", "", "the front matter lacks seconds"),
        ("lesson: 98", 'lesson: "98"', "lesson: '98'; a whole number is wanted"),
        ("minutes: 5\n", "minutes: five\n", "minutes: 'five'; a whole number is wanted"),
        ("needs: [0]", "needs: 0", "needs: 0; a list of lessons, such as [1, 4], is wanted"),
        ("needs: [0]", "needs:", "cannot be read: 'needs' (Each key has its value"),
        ("title: A tiny", "title: A: tiny", "a text with a colon stands in quotes"),
        ("import Path\n", "import Path\n%timeit 1\n", "This is no Python (line 2: invalid"),
        ("    # solution\n", "", "No line is marked `# solution`"),
        ('check("98.1", double)', "double(3)", "Exercise 98.1 is not followed by"),
        ('[exercise, "98.1"]', "[exercise]", 'write [exercise, "7.1"]'),
        ('"98.1"]', "98.1]", "Numbers in tags are quoted"),
        ("## Recap", "## Summary", "It lacks the recap"),
        (
            ":tags: [covered]\n",
            "",
            "The prediction `What is 1 + 1?…` has no answer that is covered",
        ),
        (
            "What is 1 + 1?\n",
            "What is 1 + 1?\n\n+++\n\nIt is two.\n\n+++\n\n## A sum\n\nCompute it.\n",
            "The prediction `What is 1 + 1?…` has no answer that is covered",
        ),
        ("minutes: 5\n", "minutes: 45\n", "says 45 minutes; counted are 10"),
        ("nothing. 5 minutes.", "nothing.", "does not say that it takes 5 minutes"),
        ("**After this lesson you can**", "Goals", "It lacks the objectives"),
        ("## Exercise 98.1 ·", "## Exercise 98.1", "It has no heading `## Exercise 98.1 ·"),
        ("# 98 · A tiny lesson", "# 98 A tiny lesson", "It does not begin with"),
        ('quiz("98")\n', 'quiz("97")\n', 'It has no cell `quiz("98")`'),
        ('{"tags": ["slide"]}\n\nSlide 6', "\n\nSlide 6", "It marks 7 slides; 8 is least"),
        ("half = 1  # solution", "half = 1", "No line is marked"),
        (EXERCISE_2, "", "It has 1 exercises; 2 is least"),
    ],
)
def test_check_sees_a_changed_source(copy: Path, old: str, new: str, said: str) -> None:
    text = copy.read_text(encoding="utf-8")
    assert old in text
    copy.write_text(text.replace(old, new), encoding="utf-8")
    assert said in "\n".join(rules.problems(copy))
    assert main(["check"], copy.parent) == 1


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"execution_count": 2,', '"execution_count": null,', "was not executed"),
        ('"one\\n",', '"saved in /home/someone/x\\n",', "a path of one machine"),
        ('"one\\n",', '"<object at 0x7f00aa11bb22>\\n",', "a memory address"),
        ('"name": "stdout"', '"name": "stderr"', "writes warnings"),
        ('"image/png"', '"image/gif"', None),
    ],
)
def test_check_sees_a_changed_notebook(copy: Path, old: str, new: str, said: str | None) -> None:
    notebook = read(copy).notebook
    text = notebook.read_text(encoding="utf-8")
    assert old in text
    notebook.write_text(text.replace(old, new), encoding="utf-8")
    found = rules.problems(copy)
    assert any(said in problem for problem in found) if said else found == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('print("two")', 'print("two")\n' * 20, "lines; 20 are the most"),
        ("*The line rises with its slope.*", "The line rises.", "no caption"),
        ("*The line rises with its slope.*", "**The line rises.**", "no caption"),
        (":tags: [nbval-ignore-output]", ":tags: [nbval-skip]", "unknown tag 'nbval-skip'"),
        ("assert 0 <= value < 1\n", "", "has no assert"),
        ("print(value)", "print(value)  # NBVAL_SKIP", "evades the comparison"),
        ("1 + 1\n```\n", '1 + 1, "/tmp/x"\n```\n', "names a path of one machine"),
        (
            "import ipywidgets\n",
            "from gan_lessons.exercises.lesson_05 import x\n",
            "lesson_05.py, wh",
        ),
        ("98.1", "97.1", "numbers an exercise 97.1 in lesson 98"),
        (":tags: [nbval-ignore-output]", ":tags: [nbval-ignore-output, slides]", "tag 'slides'"),
        (
            ":tags: [nbval-ignore-output]",
            ":tags: [nbval-ignore-output, slide, slide-output]",
            "one.",
        ),
        (
            '{"tags": ["slide"]}\n\nSlide 6',
            '{"tags": ["slide-output"]}\n\nSlide 6',
            "'slide-output'",
        ),
        (COMPARED, "two = 1 + 1\n", "Outputs of only 4 cells are compared"),
    ],
)
def test_check_sees_broken_rules(copy: Path, old: str, new: str, said: str) -> None:
    text = copy.read_text(encoding="utf-8")
    assert old in text
    copy.write_text(text.replace(old, new), encoding="utf-8")
    lesson = read(copy)
    fresh = unexecuted(lesson)
    done = nbformat.read(lesson.notebook, as_version=4)
    outputs = {cell.source: cell.outputs for cell in done.cells if cell.cell_type == "code"}
    for cell in fresh.cells:
        if cell.cell_type == "code":
            cell.execution_count = 1
            cell.outputs = outputs.get(cell.source, [])
    nbformat.write(fresh, lesson.notebook)
    assert said in "\n".join(rules.problems(copy))


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("1 / 0", "ZeroDivisionError"),
        ('import warnings\nwarnings.warn("old", stacklevel=1)', "writes warnings"),
        ("object()", "a memory address"),
        ("from matplotlib.figure import Figure\nFigure()", "needs a PNG form"),
        ("import ipywidgets\nipywidgets.IntSlider()", "leaves no still"),
    ],
)
def test_a_failed_build_leaves_the_notebook_as_it_was(copy: Path, code: str, said: str) -> None:
    notebook = read(copy).notebook
    before = notebook.read_bytes()
    text = TINY[: TINY.index("```{code-cell}")] + f"```{{code-cell}}\n{code}\n```\n"
    copy.write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=said):
        build(copy)
    assert notebook.read_bytes() == before
    assert sorted(path.name for path in notebook.parent.iterdir()) == [
        "98_tiny.ipynb",
        "notes",
        "source",
    ]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("Notes for lesson 98", "Notes for 98", "does not begin with `# Notes for lesson 98 · A t"),
        ("| quiz | 2 |", "| quiz | 3 |", "adds up to 6 minutes, the lesson has 5"),
        ("## What to ask\n", "", "The sections of notes/98_tiny.md are not: Timing, What learners"),
        ("## What to ask", "## Questions", "are not: Timing, What learners get wrong, What to ask"),
    ],
)
def test_check_sees_a_changed_page_of_notes(copy: Path, old: str, new: str, said: str) -> None:
    notes = read(copy).notes
    assert NOTES.count(old) == 1
    notes.write_text(NOTES.replace(old, new), encoding="utf-8")
    assert said in "\n".join(rules.problems(copy))
    notes.unlink()
    assert "notes/98_tiny.md, is missing" in "\n".join(rules.problems(copy))


def test_tags_of_slides_reach_the_notebook(built: Path) -> None:
    cells = nbformat.read(read(built).notebook, as_version=4).cells
    tagged = [cell.source for cell in cells if "slide" in cell.metadata.get("tags", [])]
    assert tagged == [f"Slide {i}." for i in range(7)]


def test_refresh_brings_words_and_tags_and_keeps_outputs(copy: Path) -> None:
    before = nbformat.read(read(copy).notebook, as_version=4)
    text = copy.read_text(encoding="utf-8")
    text = text.replace("What is 1 + 1?", "What is one and one?")
    text = text.replace(":tags: [nbval-ignore-output]", ":tags: [nbval-ignore-output, slide]")
    copy.write_text(text + "\nOne more sentence.\n", encoding="utf-8")
    assert main(["check"], copy.parent) == 1
    assert main(["refresh"], copy.parent) == 0
    after = nbformat.read(read(copy).notebook, as_version=4)
    old, new = ([c for c in book.cells if c.cell_type == "code"] for book in (before, after))
    assert [cell.outputs for cell in old] == [cell.outputs for cell in new]
    assert [cell.execution_count for cell in old] == [cell.execution_count for cell in new]
    assert new[2].metadata.tags == ["nbval-ignore-output", "slide"]
    assert "One more sentence." in after.cells[-1].source


def test_refresh_refuses_changed_code_and_what_was_never_built(
    copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    notebook = read(copy).notebook
    before, text = notebook.read_bytes(), copy.read_text(encoding="utf-8")
    copy.write_text(text.replace('print("two")', 'print("three")'), encoding="utf-8")
    assert main(["refresh"], copy.parent) == 1
    assert "its code has changed, so its outputs cannot stay" in capsys.readouterr().err
    assert notebook.read_bytes() == before
    notebook.unlink()
    assert main(["refresh"], copy.parent) == 1
    assert "98_tiny is not built yet" in capsys.readouterr().err


def test_a_build_is_not_the_learners_progress(
    copy: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GAN_LESSONS_PROGRESS", str(tmp_path / "done.json"))
    text = copy.read_text(encoding="utf-8")
    right = text.replace("half = 1  # solution", "half = 1\nhole = 2  # solution")
    copy.write_text(right.replace('quiz("98")\n', "2\n"), encoding="utf-8")
    build(copy)
    said = read(copy).notebook.read_text(encoding="utf-8")
    assert "98.2 Right: half of two" in said
    assert not (tmp_path / "done.json").exists()


def test_stray_notebooks_and_unknown_lessons_are_named(
    copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (copy.parents[1] / "97_gone.ipynb").write_text("{}", encoding="utf-8")
    assert main(["check"], copy.parent) == 1
    assert "97_gone.ipynb has no source" in capsys.readouterr().err
    assert main(["check", "55"], copy.parent) == 2
    assert "There is no lesson 55" in capsys.readouterr().err


@pytest.mark.parametrize("path", sources(), ids=lambda path: path.stem)
def test_committed_notebook_is_in_step(path: Path) -> None:
    assert rules.problems(path) == []


def test_every_notebook_has_its_source() -> None:
    assert rules.orphans() == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("What does a trained", "What does any", "Its quiz is not that of 00.toml: run"),
        ("right = true", "right = 1", "Quiz 00 cannot be read"),
    ],
)
def test_check_sees_a_changed_quiz(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: str, new: str, said: str
) -> None:
    (path,) = sources(["00"])
    text = (questions.FOLDER / "00.toml").read_text(encoding="utf-8")
    assert old in text
    (tmp_path / "00.toml").write_text(text.replace(old, new), encoding="utf-8")
    monkeypatch.setattr(questions, "FOLDER", tmp_path)
    (problem,) = rules.problems(path)
    assert said in problem
