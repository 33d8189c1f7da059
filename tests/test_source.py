"""Reading a source: the learner's stub, the solution, and where an exercise runs."""

import itertools
from pathlib import Path

import pytest

from authoring import source
from gan_lessons.errors import UserError


@pytest.mark.parametrize(
    ("code", "wanted"),
    [
        ("x = 1\ny = 2  # solution", "x = 1\ny = ...  # your code here"),
        ("a, b = f(1), 2  # solution", "a, b = ...  # your code here"),
        ("a['k'] = 2  # solution", "a['k'] = ...  # your code here"),
        ("x: float = 2.0  # solution", "x: float = ...  # your code here"),
        ("    return x == 1  # solution", "    return ...  # your code here"),
        ('d = {\n    "a": 1,  # solution\n}', 'd = {\n    "a": ...,  # your code here\n}'),
        ("f(\n    rate=0.1,  # solution\n)", "f(\n    rate=...,  # your code here\n)"),
        (
            "def f():\n    # solution\n    a = 1\n    # end of solution\n    return 2",
            "def f():\n    ...  # your code here\n    return 2",
        ),
        (
            "def f():\n    # solution\n    if a:\n        return 1\n\n    b = 1\n\n\ng = 2",
            "def f():\n    ...  # your code here\n\n\ng = 2",
        ),
        (
            "def f():\n    # solution\n    return (\n        1\n    )",
            "def f():\n    return ...  # your code here",
        ),
    ],
)
def test_stub(code: str, wanted: str) -> None:
    assert source.stub(code) == wanted
    assert "solution" not in source.solved(code)


def test_a_mark_that_cannot_be_cut_out_is_refused() -> None:
    with pytest.raises(UserError, match="cannot be cut out"):
        source.stub("x = 1  # solution\nprint(x)  # solution")


def test_stub_and_solution_run_where_the_exercise_stands(tmp_path: Path) -> None:
    path = tmp_path / "96_own.md"
    cells = itertools.chain.from_iterable(
        (f"```{{code-cell}}\n{cell}\n```", "")
        for cell in (
            "import math\n\n\ndef helper():\n    return math.e\n\n\nslow = 1 / 0",
            ':tags: [exercise, "96.1"]\n\ndef one():\n    # solution\n    return helper()',
            'check("96.1", one)',
            ':tags: [exercise, "96.2"]\n\ntwo = 2 * one()  # solution',
            'check("96.2", two, one)',
        )
    )
    front = "---\ntitle: Own\nlesson: 96\nminutes: 1\nseconds: 1\nneeds: []\n---\n\n"
    path.write_text(front + "\n".join(cells), encoding="utf-8")
    first, second = source.exercises(source.read(path))
    assert first.run(first.solution)[0]() == pytest.approx(2.71828, abs=1e-5)
    assert first.run(first.stub)[0]() is ...
    assert second.run(second.solution)[0] == pytest.approx(2 * 2.71828, abs=2e-5)
    assert second.run(second.stub)[0] is ...


def test_what_answers_a_prediction_is_covered(tmp_path: Path) -> None:
    path = tmp_path / "97_own.md"
    front = "---\ntitle: Own\nlesson: 97\nminutes: 1\nseconds: 1\nneeds: []\n---\n\n"
    cells = (
        "> **Predict.** How much?\n\n```{code-cell}\n:tags: [covered]\n1 + 1\n```\n\n*Two.*\n\n"
        "It is.\n\n## More\n\nOpen.\n\n```{code-cell}\n2\n```\n\n*Not covered.*\n\n"
        "```{code-cell}\n:tags: [covered]\n3\n```\n\n> **Predict.** Next?\n"
    )
    path.write_text(front + cells, encoding="utf-8")
    _, one, said, two, plain, three, after = source.learner_cells(source.read(path))
    assert [cell.metadata.get("jupyter") for cell in (one, two, three)] == [
        {"outputs_hidden": True},
        None,
        {"outputs_hidden": True},
    ]
    assert said.source == f"{source.FOLDED}*Two.*\n\nIt is.\n\n</details>\n\n## More\n\nOpen."
    assert plain.source == "*Not covered.*"
    assert after.source == "> **Predict.** Next?"


def test_a_notebook_ends_with_links_to_the_lessons_beside_it(tmp_path: Path) -> None:
    front = "---\ntitle: {}\nlesson: {}\nminutes: 1\nseconds: 1\nneeds: []\n---\n\nText\n"
    for number, title in ((7, "One"), (8, "'Two: b'"), (10, "Three")):
        text = front.format(title, number)
        (tmp_path / f"{number:02d}_x.md").write_text(text, encoding="utf-8")
    ends = [
        source.unexecuted(source.read(path)).cells[-1].source
        for path in source.sources(folder=tmp_path)
    ]
    assert ends == [
        "[08 Two: b →](08_x.ipynb)",
        "[← 07 One](07_x.ipynb) · [10 Three →](10_x.ipynb)",
        "[← 08 Two: b](08_x.ipynb)",
    ]
