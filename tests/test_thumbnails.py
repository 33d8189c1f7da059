"""README's pictures: one for each lesson, small, and the film's frames."""

from pathlib import Path

import nbformat
import numpy as np
import pytest
from PIL import Image, ImageSequence

from authoring import film, thumbnails
from authoring.source import sources
from gan_lessons.errors import UserError


def test_each_lesson_has_a_small_picture(tmp_path: Path) -> None:
    assert sorted(thumbnails.CELLS) == [path.name[:2] for path in sources()]
    for path in thumbnails.write(folder=tmp_path):
        with Image.open(path) as picture:
            assert picture.width <= 320
            assert picture.height <= 200
        assert path.stat().st_size < 30_000
        made, kept = (_colours(each) for each in (path, thumbnails.FOLDER / path.name))
        assert made.shape == kept.shape, f"run `python -m authoring thumbnails` ({path.name})"
        assert np.abs(made - kept).mean() < 1, f"run `python -m authoring thumbnails` ({path.name})"


def _colours(picture: Path) -> np.ndarray:
    with Image.open(picture) as found:
        return np.asarray(found.convert("RGB"), float)


def test_a_lesson_without_that_cell_is_named(tmp_path: Path) -> None:
    notebook = tmp_path / "00_start.ipynb"
    nbformat.write(nbformat.v4.new_notebook(), notebook)
    with pytest.raises(UserError, match=r"00_start.ipynb has no cell with 'plotting"):
        thumbnails.write(notebooks=tmp_path, folder=tmp_path)


def test_the_film_trains_both_from_frame_to_frame(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(film, "POINT_STEPS", 20)
    monkeypatch.setattr(film, "DIGIT_STEPS", 20)
    (path,) = film.write(frames=2, path=tmp_path / "film.gif")
    with Image.open(path) as made:
        assert len(list(ImageSequence.Iterator(made))) == 2
        made.seek(0)
        first = np.asarray(made.convert("RGB"))
        made.seek(1)
        changed = (first != np.asarray(made.convert("RGB"))).any(axis=(0, 2))
    assert changed[: len(changed) // 2].any()  # points
    assert changed[len(changed) // 2 :].any()  # digits
