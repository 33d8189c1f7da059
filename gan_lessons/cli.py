"""The ``gan-lessons`` command.

Each command imports what it needs when it runs, so that ``--help`` answers at once. A user's
mistake ends with one sentence and exit code 2, an interrupt with 130.
"""

import argparse
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from gan_lessons import __version__
from gan_lessons.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor

    from gan_lessons.data import Digits
    from gan_lessons.metrics import Memorisation
    from gan_lessons.training import Settings, Trainer

SAVE_EVERY = 5.0  # seconds of training between checkpoints: what a power cut may cost
GRID_LIMIT = 1024


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    parsed = _parser().parse_args(arguments)
    try:
        code: int = parsed.command(parsed)
    except UserError as error:
        print(f"gan-lessons: {error}", file=sys.stderr)
        return 2
    except OSError as error:  # a file that may not be read, a name that is too long, …
        print(f"gan-lessons: The system refuses: {error}.", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("gan-lessons: interrupted.", file=sys.stderr)
        return 130
    return code


class _TerseParser(argparse.ArgumentParser):
    """Says what is wrong in one sentence, without the usage before it."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help.\n")


def _whole(low: int, high: int) -> Callable[[str], int]:
    """An argument type: a whole number in a range, refused in words."""

    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = low - 1
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(
                f"{text!r} will not do; choose a whole number from {low:,} to {high:,}"
            )
        return value

    return parse


def _real(low: float, high: float) -> Callable[[str], float]:
    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(
                f"{text!r} will not do; choose a number from {low:,} to {high:,}"
            )
        return value

    return parse


def _parser() -> argparse.ArgumentParser:
    parser = _TerseParser(
        prog="gan-lessons",
        description="The command-line side of the course GAN Lessons.",
        epilog="gan-lessons COMMAND --help explains a command.",
    )
    parser.add_argument("--version", action="version", version=f"gan-lessons {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(
        name: str, run: Callable[[argparse.Namespace], int], text: str, more: str = ""
    ) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=f"{text} {more}")
        sub.set_defaults(command=run)
        return sub

    command("doctor", _doctor, "Check this machine, and say what to do about each problem.")

    data = commands.add_parser("data", help="Where the digits come from; fetch all of MNIST.")
    actions = data.add_subparsers(required=True, metavar="ACTION")
    text = "Say which sources of digits are there, and which one is in use."
    actions.add_parser("status", help=text, description=text).set_defaults(command=_data_status)
    text = "Fetch all 70,000 MNIST digits (12 MB); run it again to resume."
    download = actions.add_parser("download", help=text, description=text)
    download.set_defaults(command=_data_download)
    download.add_argument("--to", type=Path, metavar="FOLDER", help="where (default: data folder)")
    download.add_argument(
        "--mirror",
        action="append",
        metavar="URL",
        help="fetch from this address instead of the known mirrors; may be given several times",
    )

    train = command(
        "train",
        _train,
        "Train a GAN on digits.",
        "The run's folder gets checkpoint.pt (about every five seconds; training goes on from it "
        "after any interruption), and at the end samples.png and generator.safetensors.",
    )
    train.add_argument(
        "--recipe", metavar="NAME", help="dcgan (default), fast, best, conditional or dense"
    )
    length = train.add_mutually_exclusive_group()
    length.add_argument("--steps", type=_whole(1, 10_000_000), help="train for so many steps")
    length.add_argument("--epochs", type=_real(0.001, 10_000), help="… passes over the data")
    length.add_argument(
        "--seconds",
        type=_real(0.1, 1_000_000),
        help="… seconds (default: 60). What fits depends on the machine: where two runs must "
        "agree to the last bit, give --steps",
    )
    train.add_argument("--seed", type=_whole(0, 2**31 - 1), help="decides the run (default: 0)")
    train.add_argument(
        "--device", metavar="NAME", help="cpu (default), cuda or mps, where there is such a GPU"
    )
    train.add_argument("--out", type=Path, metavar="RUN", help="folder (default: runs/RECIPE-SEED)")
    train.add_argument(
        "--resume", action="store_true", help="go on from the checkpoint in RUN, with its settings"
    )

    sample = command("sample", _sample, "Draw digits from a trained generator.")
    _add_source(sample, "a run's folder, a shipped name, or a .safetensors file (default: dcgan)")
    sample.add_argument(
        "--digit", type=_whole(0, 9), help="draw this digit only (conditional generators)"
    )
    sample.add_argument("-n", type=_whole(1, 1_000_000), default=64, help="how many (default: 64)")
    sample.add_argument("--seed", type=_whole(0, 2**31 - 1), default=0, help="default: 0")
    sample.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="FILE",
        help=".npy: uint8, shape (N, 28, 28), ink bright; or .png: a picture of them all",
    )

    evaluate = command(
        "evaluate", _evaluate, "Measure digits: Fréchet distance, confidence, share of each digit."
    )
    _add_source(evaluate, "a run's folder, a shipped name, a .safetensors or an .npy of digits")
    evaluate.add_argument("source", nargs="?", metavar="SOURCE", help="the same as --from SOURCE")
    evaluate.add_argument(
        "-n", type=_whole(65, 100_000), default=5000, help="digits to draw (default: 5000)"
    )
    evaluate.add_argument("--seed", type=_whole(0, 2**31 - 1), default=0, help="default: 0")

    evaluate.add_argument(
        "--copies",
        action="store_true",
        help="also look for copies: are they nearer to training digits than to unseen ones?",
    )

    done = command(
        "progress", _progress, "Say which exercises and quizzes are done, and what next."
    )
    done.add_argument(
        "--reset", action="store_true", help="begin anew; the old progress stays beside the new"
    )

    edition = command(
        "edition",
        _edition,
        "Write notebooks for a class: without solutions, or with all answers.",
        "Needs the course's own folder, with its notebooks.",
    )
    kind = edition.add_mutually_exclusive_group(required=True)
    kind.add_argument(
        "--without-solutions",
        action="store_true",
        help="a hand-out: the notebooks without solutions and answers to the quizzes",
    )
    kind.add_argument(
        "--answers",
        action="store_true",
        help="an answer sheet: exercises solved and checked, answers to the quizzes with reasons",
    )
    edition.add_argument(
        "--out", type=Path, required=True, metavar="FOLDER", help="where to write the notebooks"
    )
    edition.add_argument(
        "lessons", nargs="*", metavar="NN", help="two digits, such as 07 (default: all lessons)"
    )
    return parser


def _add_source(parser: argparse.ArgumentParser, text: str) -> None:
    parser.add_argument("--from", dest="origin", metavar="SOURCE", help=text)


# doctor


def _doctor(_: argparse.Namespace) -> int:
    from gan_lessons import doctor

    checks = doctor.examine()
    for check in checks:
        print(check)
    problems = sum(not check.good for check in checks)
    print("All is well." if problems == 0 else f"Problems: {problems}.")
    return 1 if problems else 0


# data


def _data_status(_: argparse.Namespace) -> int:
    from gan_lessons import data

    for row in data.status():
        print(f"{'in use ->' if row.in_use else '         '} {row.name}: {row.text} [{row.where}]")
    return 0


def _data_download(arguments: argparse.Namespace) -> int:
    from gan_lessons import data
    from gan_lessons.data import download

    folder = download.download(arguments.to, arguments.mirror or download.MIRRORS)
    print(f"All of MNIST is in {folder}, its checksums are right.")
    in_use = next(row for row in data.status() if row.in_use)
    if Path(in_use.where) != folder:
        print(f"In use is still {in_use.where}; to use the download, set GAN_LESSONS_DATA={folder}")
    return 0


# train


def _train(arguments: argparse.Namespace) -> int:
    import torch

    from gan_lessons import data, plotting, pretrained
    from gan_lessons.files import written_aside

    # Small networks gain little from a second thread, and lose a lot when the cores are busy.
    torch.set_num_threads(1)
    recipe, seed = arguments.recipe or "dcgan", arguments.seed or 0
    out = arguments.out or Path("runs") / f"{recipe}-{seed}"
    if out.exists() and not out.is_dir():
        raise UserError(f"{out} is a file; --out needs a folder.")
    digits = data.load_digits()
    trainer = _trainer(arguments, out / pretrained.CHECKPOINT, digits)
    _train_to_the_end(trainer, out / pretrained.CHECKPOINT)
    pretrained.save_generator(trainer, out / "generator.safetensors")
    images = trainer.sample(pretrained.noise(64, trainer.settings))
    with written_aside(out / "samples.png") as aside:
        aside.write_bytes(plotting.png(plotting.digit_grid(images)))
    print(f"Done: {trainer.step:,} steps in {trainer.elapsed:.1f} s. Digits: {out / 'samples.png'}")
    return 0


def _settings(arguments: argparse.Namespace, samples: int) -> "Settings":
    """What the command line asks for."""
    from dataclasses import replace

    from gan_lessons import machine
    from gan_lessons.training import RECIPES

    name = arguments.recipe or "dcgan"
    if name not in RECIPES:
        raise UserError(f"There is no recipe {name!r}; choose one of {', '.join(RECIPES)}.")
    recipe = RECIPES[name]
    steps, seconds = arguments.steps, arguments.seconds
    if arguments.epochs is not None:
        steps = max(1, round(arguments.epochs * samples / recipe.batch_size))
    elif steps is None and seconds is None:
        seconds = 60.0
    chosen = replace(
        recipe,
        steps=steps,
        seconds=seconds,
        seed=arguments.seed or 0,
        device=arguments.device or "cpu",
    )
    if recipe.update == "one_pass":
        return replace(chosen, **machine.levers(chosen.device))
    return chosen


def _trainer(arguments: argparse.Namespace, checkpoint: Path, digits: "Digits") -> "Trainer":
    """A fresh trainer, or the one in the run's checkpoint where it is right to go on."""
    from gan_lessons.files import remove_leftovers
    from gan_lessons.training import Trainer

    settings = _settings(arguments, len(digits.images))
    if not checkpoint.exists():
        if arguments.resume:
            raise UserError(
                f"There is nothing to resume in {checkpoint.parent}; leave --resume out to start."
            )
        trainer = Trainer(digits.images, settings, labels=digits.labels)
        trainer.save(checkpoint)  # so that a run can be resumed from its first second on
        return trainer
    trainer = Trainer.load(checkpoint, digits.images, labels=digits.labels)
    remove_leftovers(checkpoint)
    options = ("recipe", "seed", "steps", "epochs", "seconds", "device")
    given = any(getattr(arguments, option) is not None for option in options)
    if (given or not arguments.resume) and settings != trainer.settings:
        raise UserError(
            f"{checkpoint.parent} holds a run with other settings, at step {trainer.step:,}. "
            "Choose another --out; or go on with that run by --resume, without other options."
        )
    done = "finished" if trainer.progress >= 1 else "going on"
    print(f"{checkpoint.parent} holds this run, at step {trainer.step:,}: {done}.")
    return trainer


def _train_to_the_end(trainer: "Trainer", checkpoint: Path) -> None:
    from tqdm import tqdm

    saved = trainer.elapsed
    bar = tqdm(total=100, bar_format="{l_bar}{bar}| {elapsed}<{remaining}{postfix}")
    try:
        for event in trainer.run():
            bar.n = round(100 * trainer.progress, 1)
            bar.set_postfix_str(
                f" step {event.step:,}  D(x) {event.d_real:.2f}  D(G(z)) {event.d_fake:.2f}",
                refresh=False,
            )
            bar.update(0)
            if event.elapsed - saved >= SAVE_EVERY:
                saved = event.elapsed
                trainer.save(checkpoint)
    except KeyboardInterrupt:
        trainer.save(checkpoint)
        print(
            f"\nStopped after step {trainer.step:,}; to go on: "
            f"gan-lessons train --resume --out {checkpoint.parent}",
            file=sys.stderr,
        )
        raise
    finally:
        bar.close()
    trainer.save(checkpoint)


# sample and evaluate


def _draw(source: str, n: int, seed: int, digit: int | None = None) -> "Tensor":
    from gan_lessons import pretrained, training

    generator, settings = pretrained.load_generator(source, digit)
    return training.sample(generator, pretrained.noise(n, settings, seed))


def _sample(arguments: argparse.Namespace) -> int:
    from gan_lessons import data, plotting
    from gan_lessons.files import written_aside

    out, n = arguments.out, arguments.n
    if out.suffix not in (".npy", ".png"):
        raise UserError(f"--out is {str(out)!r}; choose a file name that ends in .npy or .png.")
    if out.suffix == ".png" and n > GRID_LIMIT:
        raise UserError(
            f"A picture of {n:,} digits is too large; take up to {GRID_LIMIT}, or an .npy."
        )
    images = _draw(arguments.origin or "dcgan", n, arguments.seed, arguments.digit)
    with written_aside(out) as aside:
        if out.suffix == ".npy":
            _save_array(aside, data.to_uint8(images))
        else:
            columns = max(8, round(n**0.5))
            aside.write_bytes(plotting.png(plotting.digit_grid(images, columns)))
    print(f"{n:,} digits are in {out}.")
    return 0


def _save_array(path: Path, array: Any) -> None:
    import numpy as np

    np.save(path, array)


def _evaluate(arguments: argparse.Namespace) -> int:
    from gan_lessons import metrics

    if (arguments.source is None) == (arguments.origin is None):
        raise UserError("Name one SOURCE: a run's folder, a shipped name, or an .npy of digits.")
    source = arguments.source or arguments.origin
    if Path(source).suffix == ".npy":
        images = _load_array(Path(source))
    else:
        images = _draw(source, arguments.n, arguments.seed)
    print(metrics.report(images))
    if arguments.copies:
        print(f"pixels: {_copies(images)}")
    return 0


def _copies(images: "Tensor") -> "Memorisation":
    """As many training digits as there are test digits, both against the images, pixel by pixel."""
    import torch

    from gan_lessons import metrics
    from gan_lessons.data import load_digits

    unseen = load_digits("test", announce=False).images
    training = load_digits("train").images
    chosen = torch.randperm(len(training), generator=torch.Generator().manual_seed(0))
    pixels = (x.flatten(1) for x in (images, training[chosen[: len(unseen)]], unseen))
    return metrics.memorisation(*pixels)


def _load_array(path: Path) -> "Tensor":
    import numpy as np

    from gan_lessons import data

    try:
        with path.open("rb") as file:
            array = np.lib.format.read_array(file, allow_pickle=False)
    except FileNotFoundError:
        raise UserError(f"There is no file {path}.") from None
    except Exception as error:  # a damaged header fails in many ways
        raise UserError(f"{path} cannot be read as a whole .npy file of numbers.") from error
    return data.from_uint8(array)


# progress and editions


def _progress(arguments: argparse.Namespace) -> int:
    from gan_lessons import exercises, progress
    from gan_lessons.exercises import questions

    if progress.place() is None:
        raise UserError(f"No progress is kept, because {progress.VARIABLE} is off.")
    if arguments.reset:
        old = progress.reset()
        print(f"All begins anew. What was done is in {old}." if old else "Nothing was done yet.")
        return 0
    done, titles, first = progress.load(), _titles(), ""
    width = max(map(len, titles.values()), default=0)
    for lesson in exercises.lessons():
        name = f"{lesson:02d}"
        asked, count = exercises.numbers(lesson), len(questions.load(name))
        answers = done.quizzes.get(name, {})
        known = sum(answers.get(str(question), False) for question in range(1, count + 1))
        todo = _todo(asked, count, done.exercises, answers)
        right = sum(number in done.exercises for number in asked)
        title = titles.get(name, "")
        print(
            f"{name} {title:{width}}  exercises {right} of {len(asked)}"
            f"  quiz {known} of {count}  {'next: ' + todo if todo else 'done'}"
        )
        if todo and not first:
            first = f"Next: lesson {name}, {todo}."
    print(first or "All is done.")
    print(f"This is kept in {progress.place()}.")
    return 0


def _todo(
    asked: Sequence[str], questions: int, exercises: Mapping[str, str], quiz: Mapping[str, bool]
) -> str:
    """What is next in a lesson; an empty text where all is done."""
    for number in asked:
        if number not in exercises:
            return f"exercise {number}"
    for question in range(1, questions + 1):
        if str(question) not in quiz:
            return f"question {question} of the quiz"
    for question in range(1, questions + 1):
        if not quiz[str(question)]:
            return f"question {question} of the quiz again"
    return ""


def _titles() -> dict[str, str]:
    """Titles of the lessons by their two digits, where the lessons' sources are at hand."""
    sources = Path(__file__).parents[1] / "notebooks" / "source"
    titles = {}
    for path in sources.glob("[0-9][0-9]_*.md"):
        found = re.search("^title: (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
        titles[path.name[:2]] = found[1] if found else path.stem[3:]
    return titles


def _edition(arguments: argparse.Namespace) -> int:
    try:
        from gan_lessons import edition
    except ModuleNotFoundError as error:
        raise UserError(f"Editions need {error.name}, which `make lab` installs.") from error

    # Solving and checking all lessons takes minutes, so each is named when it is done.
    for path in edition.write(arguments.out, arguments.lessons, answers=arguments.answers):
        print(path, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
