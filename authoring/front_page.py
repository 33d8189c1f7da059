"""The first page: a generator at work, both ways through the course, the map, every lesson."""

from collections.abc import Sequence
from html import escape
from itertools import groupby

from authoring import live
from authoring.cells import image, markdown
from authoring.course import rows
from authoring.live import digits, networks
from authoring.live.digits import HEAD
from authoring.source import SOURCES, Lesson
from authoring.webpage import HOME, address, page
from gan_lessons.plotting import course_map, png

THUMBNAILS = SOURCES.parents[1] / "docs" / "lessons"
MAP = "The map: each lesson with its minutes and arrows from what it needs; the list says the same."
LEAD = """# GAN Lessons

A generative adversarial network is a pair of neural networks that train each other: one draws, the
other tells its drawings from real ones. This course takes you from their game to a network of your
own that draws handwritten digits, and on to what such networks are used for.
"""
STILL = """*Sixteen digits that nobody ever wrote: a network draws them from random numbers, here in
your browser. It consists of {parameters:,} numbers, all of them in this page. Ask it for a digit.*
"""
DOING = """## What you will do

- **Read and move, here.** These pages need no kernel, no network and no install: generators draw
  while you move their noise, two networks train in the playground (lesson 04), quizzes answer with
  reasons, and your browser keeps your guesses. Every picture and number came out of the code above
  it. Panels that stand still here move in the notebooks.
- **Run and solve, in Jupyter.** `make lab` opens the same lessons as notebooks: there you train
  networks while you watch, and exercises check themselves. No account, no graphics card, no
  download.

## Two ways through it
"""
ANSWERS = """## Your answers

Your guesses and your answers to quizzes are kept in this browser and sent nowhere. Save them to a
file to take them to another browser.
"""


def front_page(course: Sequence[Lesson]) -> str:
    """The page, for all lessons of the course in order."""
    network, _ = networks.network(HEAD.networks[0])
    parameters = sum(weights.numel() for weights in network.parameters())
    still = image(digits.head_still(), "Sixteen digits, drawn by a generator.")
    parts = [
        markdown(LEAD),
        live.place(HEAD, still),
        markdown(STILL.format(parameters=parameters) + DOING),
        _way("Digits first", "the short way to digits of your own", _short(course)),
        _way("The whole theory", "the lessons in order", course),
        "<h2 id='map'>The map</h2>",
        image(png(course_map(rows(course))), MAP),
        "<h2 id='lessons'>The lessons</h2>",
    ]
    for part, lessons in groupby(course, key=lambda lesson: lesson.part):
        parts.append(f"<h3>{escape(part)}</h3>\n<ul class='lessons'>")
        parts += map(_entry, lessons)
        parts.append("</ul>")
    parts.append(markdown(ANSWERS) + '<div id="answers" class="row"></div>')
    return page(*HOME, "\n".join(parts), living=[HEAD], last=["answers"])


def _short(course: Sequence[Lesson]) -> list[Lesson]:
    return [lesson for lesson in course if lesson.digits_first]


def _way(name: str, what: str, lessons: Sequence[Lesson]) -> str:
    links = " → ".join(f'<a href="{address(lesson)}">{lesson.name}</a>' for lesson in lessons)
    hours = sum(lesson.minutes for lesson in lessons) / 60
    return f'<p><span class="route">{name}</span>, {what}: {links}. {hours:.0f} hours.</p>'


def _entry(lesson: Lesson) -> str:
    """A lesson in the list: its picture, times, what it needs, and what one can do after it."""
    picture = THUMBNAILS / f"{lesson.name}.png"
    shown = image(picture.read_bytes(), "") if picture.is_file() else ""
    title = f"{lesson.name} · {escape(lesson.title)}"
    needs = ", ".join(f"{number:02d}" for number in lesson.needs)
    times = [f"{lesson.minutes} minutes", f"after {needs}" if needs else "to begin with"]
    times += ["on the way “digits first”"] * lesson.digits_first
    first = lesson.cells[0].source
    objectives = first.partition("**After this lesson you can**")[2].partition("\n\n")[0]
    return (
        f'<li>{shown}<h4><a href="{address(lesson)}">{title}</a></h4>'
        f'<p class="times">{" · ".join(times)}<span data-quiz="{lesson.name}"></span></p>'
        f"{markdown(objectives)}</li>"
    )
