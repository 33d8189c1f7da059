"""Sources become notebooks: executed in a fresh kernel, or renewed where no code has changed."""

import base64
import io
import os
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from PIL import Image

from authoring.rules import VIEW, output_problems
from authoring.source import IGNORE, Cell, Notebook, read, tags, unexecuted
from gan_lessons.errors import UserError
from gan_lessons.files import atomic_write


def build(path: Path) -> float:
    """Execute a source in a fresh kernel and write its notebook; return the seconds it took.

    The digits are those that come with the install, so that results do not depend on what this
    machine has downloaded.

    Raises:
        UserError: a cell fails, warns, or takes too long.
    """
    lesson = read(path)
    notebook = unexecuted(lesson)
    client = NotebookClient(
        notebook,
        timeout=max(60, 5 * lesson.seconds),
        kernel_name="python3",
        resources={"metadata": {"path": str(lesson.notebook.parent)}},
        record_timing=False,
        store_widget_state=False,
        coalesce_streams=True,
        extra_arguments=["--log-level=ERROR"],
    )
    began = time.perf_counter()
    try:
        client.execute(
            env=os.environ | {"GAN_LESSONS_DATA": "bundled", "GAN_LESSONS_PROGRESS": "off"}
        )
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        raise UserError(f"{path.name} did not run to its end: {error}") from error
    seconds = time.perf_counter() - began
    notebook.metadata = unexecuted(lesson).metadata  # the kernel wrote its Python version there
    for cell in notebook.cells:
        if cell.cell_type == "code":
            _normalise(cell)
    if complaints := [each for cell in notebook.cells for each in output_problems(cell)]:
        raise UserError(f"{path.name} is not fit to be saved:\n  " + "\n  ".join(complaints))
    write(notebook, lesson.notebook)
    return seconds


def refresh(path: Path) -> None:
    """Bring the words and tags of a built notebook in step with its source; run nothing.

    Raises:
        UserError: it is not built yet, or its code is no longer the source's.
    """
    lesson = read(path)
    again = f"run `make notebooks LESSON={lesson.name}`"
    if not lesson.notebook.is_file():
        raise UserError(f"{path.stem} is not built yet: {again}.")
    notebook = unexecuted(lesson)
    old, new = (
        [cell for cell in book.cells if cell.cell_type == "code"]
        for book in (nbformat.read(lesson.notebook, as_version=4), notebook)
    )
    if [cell.source for cell in old] != [cell.source for cell in new]:
        raise UserError(f"{path.stem}: its code has changed, so its outputs cannot stay: {again}.")
    for cell, executed in zip(new, old, strict=True):
        cell.outputs, cell.execution_count = executed.outputs, executed.execution_count
    write(notebook, lesson.notebook)


def write(notebook: Notebook, path: Path) -> None:
    """Write a notebook, whole or not at all."""
    nbformat.validate(notebook)
    with atomic_write(path) as aside:
        aside.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8", newline="\n")


def reduce_colours(picture: str) -> str:
    """A PNG in base64, in 256 colours: whoever clones the course fetches half as much."""
    image = Image.open(io.BytesIO(base64.b64decode(picture)))
    if image.mode == "P":
        return picture
    reduced = image.convert("RGB").quantize(256, kmeans=2, dither=Image.Dither.NONE)
    buffer = io.BytesIO()
    reduced.save(buffer, "png", optimize=True)
    return base64.b64encode(buffer.getvalue()).decode("ascii")


def _normalise(cell: Cell) -> None:
    """Reduce pictures' colours, and drop live views, which nothing answers in a saved notebook.

    A still takes the view's place, and its words. Only a cell whose outputs are not compared may
    show a live view that leaves none; that of a training which has ended is empty already.
    """
    kept = []
    still = None  # the latest that waits for its view's words
    for output in cell.outputs:
        data = output.get("data", {})
        if "image/png" in data:
            data["image/png"] = reduce_colours(data["image/png"])
        if VIEW in data and still is not None:
            still["data"]["text/plain"] = data["text/plain"]
            still = None
            continue
        if (
            data
            and "text/plain" not in data
            and (still is None or "gan-note" not in data.get("text/html", ""))
        ):
            still = output
        gone = VIEW in data and IGNORE in tags(cell)
        if not gone and output.get("data") != {}:
            kept.append(output)
    cell.outputs = kept
