"""``gan-lessons train``: train a GAN on digits or pictures, and go on after any interruption."""

from argparse import Namespace
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gan_lessons import interrupts
from gan_lessons.commandline import WRONG, Commands, file_path, real_number, whole_number
from gan_lessons.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor

    from gan_lessons.training import Event, Ranks, Settings, Trainer

FEW = 1000  # pictures
SAVE_EVERY = 5.0  # seconds of training between checkpoints: what a power cut may cost
WEIGHTS, SAMPLES = "generator.safetensors", "samples.png"
# What makes another run of it; --out and --resume only say where it is.
OPTIONS = ("recipe", "steps", "epochs", "seconds", "seed", "device", "set")


def add(commands: Commands) -> None:
    text = "Train a GAN on digits, or on pictures of your own."
    more = (
        "The run's folder gets checkpoint.pt (about every five seconds; training goes on from it "
        f"after any interruption), and at the end {SAMPLES} and {WEIGHTS}. Several processes share "
        "a run by: torchrun --standalone --nproc-per-node 2 -m gan_lessons train …; those of "
        "several machines need one folder for it."
    )
    parser = commands.add_parser("train", help=text, description=f"{text} {more}")
    parser.add_argument(
        "--recipe",
        metavar="NAME",
        help="dcgan (default), dense, fast, best; fast_conditional, conditional, cgan, acgan, "
        "class_logits, infogan; restore, restore_regression; vae, vae_gan, flow; "
        "pix2pix, pix2pix_regression, cycle_stripes, cycle_printed; or one of a method of your own",
    )
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--steps", type=whole_number(1, 10_000_000), help="train for so many steps")
    length.add_argument("--epochs", type=real_number(0.001, 10_000), help="… passes over the data")
    length.add_argument(
        "--seconds",
        type=real_number(0.1, 1_000_000),
        help="… seconds (default: 60). What fits depends on the machine: where two runs must "
        "agree to the last bit, give --steps",
    )
    parser.add_argument(
        "--seed", type=whole_number(0, 2**31 - 1), help="decides the run (default: 0)"
    )
    parser.add_argument(
        "--device", metavar="NAME", help="cpu (default), cuda or mps, where there is such a GPU"
    )
    parser.add_argument(
        "--threads",
        type=whole_number(1, 256),
        default=1,
        metavar="N",
        help="threads that compute a step (default: 1; most recipes gain little from a second, and "
        "all lose a lot by it where other programs are at work; restore is half as fast again "
        "with 2 on idle cores)",
    )
    parser.add_argument(
        "--images",
        type=file_path,
        metavar="FOLDER",
        help="learn from the pictures in this folder and below it, instead of digits",
    )
    parser.add_argument(
        "--size",
        type=whole_number(8, 256),
        metavar="N",
        help="cut and scale them to squares of N pixels, a multiple of 4 (default: 32); four times "
        "the pixels take about four times as long",
    )
    parser.add_argument(
        "--set",
        action="append",
        metavar="NAME=VALUE",
        help="change a setting of the recipe, as in --set batch_size=64; may be given several "
        "times",
    )
    parser.add_argument(
        "--settings",
        action="store_true",
        help="say the recipe's settings, their ranges and what they mean, and stop",
    )
    parser.add_argument(
        "--out", type=file_path, metavar="RUN", help="folder (default: runs/RECIPE-SEED)"
    )
    parser.add_argument(
        "--resume", action="store_true", help="go on from the checkpoint in RUN, with its settings"
    )
    parser.set_defaults(run=run)


def run(arguments: Namespace) -> int:
    import torch

    from gan_lessons import methods
    from gan_lessons.training import describe, ranks

    torch.set_num_threads(arguments.threads)
    recipe = "dcgan" if arguments.recipe is None else arguments.recipe
    chosen = methods.find_recipe(recipe)
    if arguments.settings:
        print("\n".join(str(s) for s in describe(type(chosen)).values() if s.label))
        return 0
    out = arguments.out or Path("runs") / f"{recipe}-{arguments.seed or 0}"
    with ranks.joined() as group:
        if group.rank == 0:
            return _lead(arguments, chosen, out, group)
        return _follow(arguments, out, group)


def _lead(arguments: Namespace, chosen: "Settings", out: Path, ranks: "Ranks") -> int:
    """The only process, or the first of several: it alone writes and speaks."""
    from gan_lessons import plotting, pretrained
    from gan_lessons.files import atomic_write, locked
    from gan_lessons.training import method_of

    checkpoint = out / pretrained.CHECKPOINT
    begun = False
    try:
        if out.exists() and not out.is_dir():
            raise UserError(f"{out} is a file; --out needs a folder.")
        if arguments.resume and not checkpoint.exists():
            raise UserError(f"There is nothing to resume in {out}; leave --resume out to start.")
        if arguments.images is not None and method_of(chosen).inputs_from_data:
            raise UserError(f"The recipe {arguments.recipe!r} is for digits; leave --images out.")
        images, labels, kept = _data(arguments, checkpoint)
        settings = _settings(arguments, chosen, len(images))
        with locked(out / ".lock", f"Another run is at work in {out}; choose another --out."):
            trainer = _trainer(arguments, settings, checkpoint, images, labels, kept, ranks)
            ranks.broadcast(b"begin")
            begun = True
            _train_to_the_end(trainer, checkpoint, kept)
            pretrained.save_networks(trainer, out / WEIGHTS)
            drawn = trainer.sample(trainer.inputs(64))
            with atomic_write(out / SAMPLES) as temporary:
                temporary.write_bytes(plotting.png(plotting.digit_grid(drawn)))
    finally:
        if not begun:
            ranks.broadcast()  # the others end, too
    what = "Pictures" if kept else "Digits"
    print(f"Done: {trainer.step:,} steps in {trainer.elapsed:.1f} s. {what}: {out / SAMPLES}")
    return 0


def _follow(arguments: Namespace, out: Path, ranks: "Ranks") -> int:
    """Another of several processes: it trains along, and says nothing."""
    from gan_lessons import pretrained
    from gan_lessons.training import Trainer

    checkpoint = out / pretrained.CHECKPOINT
    problem = None
    try:
        images, labels, kept = _data(arguments, checkpoint, announce=False)
    except UserError as error:
        problem = error
    if not ranks.broadcast():
        return WRONG  # the first one says why
    if problem:
        raise problem
    trainer = Trainer.load(checkpoint, images, labels=labels, ranks=ranks)
    try:
        _train_to_the_end(trainer, checkpoint, kept)
    except KeyboardInterrupt:
        return interrupts.INTERRUPTED
    return 0


Kept = dict[str, Any]  # what a checkpoint holds besides the trainer's state


def _data(
    arguments: Namespace, checkpoint: Path, announce: bool = True
) -> tuple["Tensor", "Tensor | None", Kept]:
    """Images, their labels where they have any, and what the checkpoint is to say of them."""
    from gan_lessons.data import load_digits
    from gan_lessons.data.pictures import SIZE, load_pictures
    from gan_lessons.training import read_checkpoint

    folder, size = arguments.images, arguments.size
    if arguments.resume:
        kept = read_checkpoint(checkpoint).get("images")
        if isinstance(kept, dict):
            folder, size = folder or Path(str(kept.get("folder"))), size or kept.get("size")
    if folder is None:
        if size is not None:
            raise UserError(f"--size is {size}, but digits have one size; it goes with --images.")
        digits = load_digits(announce=announce)
        return digits.images, digits.labels, {}
    if arguments.resume and not folder.is_dir():
        raise UserError(
            f"The run's pictures were in {folder}, which is not there. If they have moved, say "
            "where they are: --resume --images FOLDER."
        )
    pictures = load_pictures(folder, size or SIZE, announce)
    if announce:
        print(pictures.source)
        if len(pictures.images) < FEW:
            print(
                f"{len(pictures.images):,} pictures are few: expect variations of these, and the "
                "longer you train, copies; some thousand of one kind give new ones."
            )
    kept = {"folder": str(folder.resolve()), "size": size or SIZE}
    return pictures.images, None, {"images": kept}


def _settings(arguments: Namespace, recipe: "Settings", samples: int) -> "Settings":
    """What the command line asks for, as fast as this machine does it."""
    from dataclasses import replace

    from gan_lessons.training.autotune import autotune

    changes = parse_settings(type(recipe), arguments.set or ())
    steps, seconds = arguments.steps, arguments.seconds
    if arguments.epochs is not None:
        batch_size = changes.get("batch_size", recipe.batch_size)
        steps = max(1, round(arguments.epochs * samples / batch_size))
    elif steps is None and seconds is None:
        seconds = 60.0
    device = "cpu" if arguments.device is None else arguments.device
    length = {"steps": steps, "seconds": seconds}
    asked = replace(recipe, **length, seed=arguments.seed or 0, device=device, **changes)
    return replace(autotune(asked), **changes)


def parse_settings(kind: type["Settings"], pairs: Sequence[str]) -> dict[str, Any]:
    """The settings of that class in NAME=VALUE.

    Raises:
        UserError: no such setting, out of range, no "=", or the setting has its own option.
    """
    from gan_lessons.training import check_setting, describe

    settings = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals:
            raise UserError(f"--set {pair!r} lacks its value; write NAME=VALUE.")
        known = describe(kind).get(name)
        if known and name in OPTIONS:
            raise UserError(f"{name} has an option of its own; write --{name} {text}.")
        settings[name] = known.parse(text) if known else text
        check_setting(kind, name, settings[name])
    return settings


def _trainer(
    arguments: Namespace,
    settings: "Settings",
    checkpoint: Path,
    images: "Tensor",
    labels: "Tensor | None",
    kept: Kept,
    ranks: "Ranks",
) -> "Trainer":
    """A fresh trainer, or the one in the run's checkpoint where it is right to go on."""
    from gan_lessons.training import Trainer

    if not checkpoint.exists():
        trainer = Trainer(images, settings, labels=labels, ranks=ranks)
        trainer.save(checkpoint, **kept)  # so that a run can be resumed from its first second on
        return trainer
    trainer = Trainer.load(checkpoint, images, labels=labels, ranks=ranks)
    given = any(getattr(arguments, option) is not None for option in OPTIONS)
    if (given or not arguments.resume) and settings != trainer.settings:
        raise UserError(
            f"{checkpoint.parent} holds a run with other settings, at step {trainer.step:,}. "
            "Choose another --out; or go on with that run by --resume, without other options."
        )
    done = "finished" if trainer.progress >= 1 else "going on"
    print(f"{checkpoint.parent} holds this run, at step {trainer.step:,}: {done}.")
    return trainer


def _train_to_the_end(trainer: "Trainer", checkpoint: Path, kept: Kept) -> None:
    from gan_lessons.interrupts import defer_interrupts
    from gan_lessons.progress_bar import ProgressBar
    from gan_lessons.training.ranks import LostContact

    ranks, saved = trainer.ranks, trainer.elapsed
    leads = ranks.rank == 0
    go_on = f"to go on: gan-lessons train --resume --out {checkpoint.parent}"
    form = "{l_bar}{bar}| {elapsed}<{remaining}{postfix}"
    # A process that stopped alone would leave the others waiting: they ask each other after a step.
    asking = interrupts.noted() if ranks.size > 1 else nullcontext(lambda: False)
    try:
        ranks.any(False)  # when all are there, the clock starts
        with asking as asked, ProgressBar(100, leads, bar_format=form) as bar:
            for event in trainer.run():
                bar.update(round(100 * trainer.progress, 1), _measured(trainer, event))
                if event.elapsed - saved >= SAVE_EVERY:
                    saved = event.elapsed
                    if leads:
                        trainer.save(checkpoint, **kept)
                if ranks.any(asked()):
                    raise KeyboardInterrupt
    except KeyboardInterrupt:
        if leads:
            with defer_interrupts():
                trainer.save(checkpoint, **kept)
        raise KeyboardInterrupt(f"Stopped after step {trainer.step:,}; {go_on}") from None
    except LostContact as error:
        raise LostContact(
            f"{error} The run is saved up to about {SAVE_EVERY:g} seconds before; {go_on}"
        ) from error
    if leads:
        trainer.save(checkpoint, **kept)


def _measured(trainer: "Trainer", event: "Event") -> str:
    """The step, and what it measured of the method's first chart."""
    charts = trainer.method.charts
    labels = charts[0].lines if charts else {name: name for name in event.values}
    values = (
        f"{label.split(',')[0]} {event.values[name]:.2f}"
        for name, label in labels.items()
        if name in event.values
    )
    return "  ".join([f" step {event.step:,}", *values])
