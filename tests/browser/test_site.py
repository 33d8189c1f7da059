"""The exported pages in a browser without a network."""

from pathlib import Path

from authoring import site
from browser.harness import SHOTS, Jupyter


def test_pages_read_offline_on_wide_and_narrow_screens(jupyter: Jupyter, tmp_path: Path) -> None:
    pages = site.build(tmp_path)
    browser_page = jupyter.browser.new_page()
    asked: list[str] = []
    wrong: list[str] = []
    browser_page.on("request", lambda request: asked.append(request.url))
    browser_page.on("console", lambda message: wrong.append(message.text))
    browser_page.on("pageerror", lambda error: wrong.append(str(error)))
    for width in (1200, 400):
        browser_page.set_viewport_size({"width": width, "height": 1000})
        for path in pages:
            browser_page.goto(path.as_uri())
            broken = "[...document.images].filter(image => !image.naturalWidth).length"
            assert browser_page.evaluate(broken) == 0
            assert browser_page.evaluate("document.documentElement.scrollWidth") <= width, path
            if path.stem.startswith("01"):
                shot = SHOTS / f"site_{path.stem}_{width}.png"
                browser_page.screenshot(path=shot, full_page=True)
    assert wrong == []
    assert {url.partition(":")[0] for url in asked} <= {"file", "data"}
    browser_page.close()
