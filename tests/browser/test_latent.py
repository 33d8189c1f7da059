"""The latent explorer outside of its lesson. What is done in lesson 08 is in lesson_08.py."""

from collections.abc import Callable

import numpy as np

from browser.harness import Lesson, changed, settled


def test_a_reload_shows_the_same(open_cells: Callable[..., Lesson]) -> None:
    lesson = open_cells(
        "from gan_lessons import pretrained\nfrom gan_lessons.widgets import LatentExplorer",
        "explorer = LatentExplorer(*pretrained.load_generator('dcgan'))\nexplorer",
    )
    lesson.run_all()
    grid = lesson.output("explorer = ").locator("canvas").first
    slider = lesson.slider("direction 2", lesson.output("explorer = "))
    start = settled(grid)
    slider.press("ArrowLeft")
    before = changed(grid, start)
    lesson.reload()
    assert np.array_equal(settled(lesson.output("explorer = ").locator("canvas").first), before)
