"""The authors' command: ``python -m authoring COMMAND``, and ``--help`` names the commands.

A command imports what it needs when it runs: editions are made where only ``make lab`` was run.
"""

import sys
from argparse import Namespace
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path

from authoring.source import SOURCES, read, sources
from gan_lessons.commandline import Parser, file_path, run_command
from gan_lessons.errors import UserError


def main(arguments: Sequence[str] | None = None, folder: Path = SOURCES) -> int:
    """Run a command on the sources in ``folder``; return 0, 1 for problems, 2 for bad input."""
    return run_command(_parser(folder), arguments)


def _parser(folder: Path) -> Parser:
    parser = Parser(
        prog="python -m authoring",
        description="What makes notebooks, editions, pages and slides of the lessons' sources.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, work: Callable[[Namespace, Path], int], text: str) -> Parser:
        def with_modules(options: Namespace) -> int:
            try:
                return work(options, folder)
            except ModuleNotFoundError as error:
                raise UserError(f"This needs {error.name}, which `make check` installs.") from error

        sub = commands.add_parser(name, help=text, description=text)
        sub.set_defaults(run=with_modules)
        return sub

    build = command("build", _build, "Execute sources, and write their notebooks.")
    text = "Renew words and tags of notebooks whose code has not changed."
    refresh = command("refresh", _refresh, text)
    text = "Say what in a notebook is not as its source or the course's rules want it."
    check = command("check", _check, text)
    command("map", _write("course"), "Draw the map of the course from the lessons' front matter.")
    command("film", _write("film"), "Film points and digits in training, for README.")
    text = "Take README's picture of each lesson from its notebook."
    command("thumbnails", _write("thumbnails"), text)
    command("glossary", _write("glossary"), "Write the page of words, signs and questions.")
    command("checklist", _write("checklist"), "Write the page for a GAN that does not train.")
    text = "Write notebooks for a class: without solutions, with all answers, or for nbgrader."
    edition = command("edition", _edition, text)
    kind = edition.add_mutually_exclusive_group(required=True)
    text = "a hand-out: no solutions, and no answers to the quizzes"
    kind.add_argument("--without-solutions", action="store_true", help=text)
    text = "an answer sheet: exercises solved and checked, quizzes answered with reasons"
    kind.add_argument("--answers", action="store_true", help=text)
    text = "a course of nbgrader: exercises are handed out, collected and graded by their checks"
    kind.add_argument("--nbgrader", action="store_true", help=text)
    edition.add_argument(
        "--out", type=file_path, required=True, metavar="FOLDER", help="where to write"
    )
    text = "Print links that bring lessons to the learners of a JupyterHub, in Markdown."
    links = command("links", _links, text)
    links.add_argument("hub", metavar="HUB", help="its address, such as https://hub.example.org")
    text = "the address of the course's repository, as one would clone it"
    links.add_argument("repository", metavar="REPOSITORY", help=text)
    links.add_argument("--branch", default="main", help="of the repository (default: main)")
    site = command("site", _site, "Write all lessons as web pages, which need no network.")
    slides = command("slides", _slides, "Write lessons as slides, one page for each lesson.")
    for sub, name in ((site, "site"), (slides, "slides")):
        text = f"where to write (default: build/{name})"
        default = SOURCES.parents[1] / "build" / name
        sub.add_argument("--out", type=file_path, default=default, metavar="FOLDER", help=text)
    for sub in (build, refresh, check, edition, slides, links):
        text = "two digits, such as 07 (default: all lessons)"
        sub.add_argument("lessons", nargs="*", metavar="NN", help=text)
    return parser


def _build(options: Namespace, folder: Path) -> int:
    from authoring.build import build

    def build_and_time(path: Path) -> None:
        seconds, allowed = build(path), read(path).seconds
        late = "" if seconds <= allowed else ", which is too long"
        print(f"{path.stem}: {seconds:.1f} s of {allowed} s{late}", flush=True)

    return _each(options, folder, build_and_time)


def _refresh(options: Namespace, folder: Path) -> int:
    from authoring.build import refresh

    return _each(options, folder, refresh)


def _check(options: Namespace, folder: Path) -> int:
    return _each(options, folder, lambda _: None)


def _each(options: Namespace, folder: Path, work: Callable[[Path], None]) -> int:
    """Do something with each lesson that is asked for, and say what is wrong with it then."""
    from authoring import checklist, course, glossary, rules

    paths = sources(options.lessons, folder)
    found = [] if options.lessons else rules.orphans(folder)
    if folder == SOURCES and not options.lessons:
        found += course.problems() + glossary.problems() + checklist.problems()
    for path in paths:
        try:
            work(path)
        except UserError as error:
            found.append(str(error))
        found += [f"{path.stem}: {problem}" for problem in rules.problems(path)]
    for problem in found:
        print(problem, file=sys.stderr)
    if not found:
        print(f"In step with its source: {', '.join(path.stem for path in paths)}.")
    return 1 if found else 0


def _write(module: str) -> Callable[[Namespace, Path], int]:
    """The command that writes what a module makes out of the whole course."""

    def work(options: Namespace, folder: Path) -> int:
        print(*import_module(f"authoring.{module}").write(), sep="\n")
        return 0

    return work


def _edition(options: Namespace, folder: Path) -> int:
    from authoring import edition, nbgrader

    out, names, notebooks = options.out, options.lessons, folder.parent
    if options.nbgrader:
        written = nbgrader.write(out, names, notebooks)
    else:
        written = edition.write(out, names, answers=options.answers, folder=notebooks)
    for path in written:  # solving and checking all lessons takes minutes: each is named when done
        print(path, flush=True)
    return 0


def _links(options: Namespace, folder: Path) -> int:
    from authoring.links import links

    print(
        *links(options.hub, options.repository, options.branch, options.lessons, folder), sep="\n"
    )
    return 0


def _site(options: Namespace, folder: Path) -> int:
    from authoring import site

    written = site.build(options.out, folder)
    print(f"{len(written)} pages: open {written[0]}")
    return 0


def _slides(options: Namespace, folder: Path) -> int:
    from authoring import slides

    written = slides.build(options.out, options.lessons, folder)
    print(f"{len(written)} decks are in {options.out}. Arrow keys turn the slides, S opens notes.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
