"""A page of the course beside its lessons: a notebook of Markdown cells, made from data."""

from collections.abc import Sequence
from pathlib import Path

import nbformat

from authoring.source import METADATA, Notebook


def notebook(name: str, title: str, texts: Sequence[str]) -> Notebook:
    """A notebook of these Markdown cells; ``name`` is a word for their ids."""
    cells = [nbformat.v4.new_markdown_cell(text) for text in texts]
    for place, cell in enumerate(cells):
        cell.id = f"{name}-{place}"
    return nbformat.v4.new_notebook(cells=cells, metadata=METADATA | {"title": title})


def out_of_step(page: Notebook, path: Path) -> list[str]:
    """Whether the notebook at ``path`` is another than this, in a sentence."""
    stored = nbformat.read(path, as_version=4) if path.is_file() else None
    if stored == page:
        return []
    return [f"{path.name} is not in step: run `python -m authoring {path.stem}`."]
