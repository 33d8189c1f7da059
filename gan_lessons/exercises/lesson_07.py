"""Checks of lesson 07: reading curves, what belongs in a checkpoint, and a whole GAN."""

import copy
import operator
import time
from typing import Any

import torch
from torch import Tensor

from gan_lessons.data import load_digits
from gan_lessons.errors import UserError, is_whole
from gan_lessons.exercises import Answer, NotYet, Wrong, call, close, exercise
from gan_lessons.methods import GANSettings
from gan_lessons.studies import examination
from gan_lessons.training import Trainer

CHOICES = ("healthy", "D learns too slowly", "G learns too slowly", "equilibrium reached")
DIAGNOSIS = {"A": "D learns too slowly", "B": "G learns too slowly", "C": "healthy"}
WHY_NOT = {
    ("A", "equilibrium reached"): "in A the answers are near ½, but so they were at step 1, and "
    "the samples are no digits. At the equilibrium D answers ½ because it cannot do better.",
    ("A", "G learns too slowly"): "if G lagged behind in A, D would tell its fakes apart with "
    "ease: D(G(z)) would be near 0. It is near ½.",
    ("A", "healthy"): "in A D never learns to tell: its answer to fakes even ends above that to "
    "reals, and the samples are no digits. What such a D says teaches G nothing about digits.",
    ("B", "D learns too slowly"): "in B, D is nearly always right: D(x) near 1, D(G(z)) near 0. "
    "It is not D that lags behind.",
    ("B", "healthy"): "in B the gap between D(x) and D(G(z)) opens and never closes, and the "
    "generator's loss is many times log 2: G does not answer.",
    ("B", "equilibrium reached"): "in B, D(x) is near 1 and D(G(z)) near 0; at the equilibrium "
    "both are ½.",
    ("C", "equilibrium reached"): "in C, D still tells real from fake somewhat: D(x) is above "
    "D(G(z)). It is on its way, which is different from being there.",
}


@exercise("7.1")
def diagnosis(answer: Answer) -> str:
    """Which curves belong to which fault."""
    if not isinstance(answer, dict) or set(answer) != set(DIAGNOSIS):
        raise Wrong('the answer is a dictionary with the keys "A", "B" and "C".')
    for chosen in answer.values():
        if chosen not in CHOICES:
            raise Wrong(f"{chosen!r} is none of the choices: {', '.join(map(repr, CHOICES))}.")
    for run, right in DIAGNOSIS.items():
        if answer[run] != right:
            default = f"look at {run} again: what would D answer there if {answer[run]}?"
            raise Wrong(WHY_NOT.get((run, answer[run]), default))
    return (
        "a D that hardly learns answers ½ to everything; a G that hardly learns lets D win; and "
        "a healthy pair parts, comes back, and wanders."
    )


FORGOTTEN = {
    "generator": "the generator's weights are the drawing itself.",
    "discriminator": "without D's weights a fresh D would have to learn everything again.",
    "generator_ema": "the averaged generator would start anew, and its memory be lost.",
    "optimizer_generator": "Adam keeps running means of G's gradients and their squares; "
    "without them its next steps have other sizes.",
    "optimizer_discriminator": "Adam keeps running means of D's gradients and their squares; "
    "without them its next steps have other sizes.",
    "rng": "the next noise vectors would be other ones.",
    "step": "the step decides when the penalty is due and how far the rates have fallen.",
    "batches": "the count of batches says which real images come next.",
}


@exercise("7.2")
def checkpoint(answer: Answer) -> str:
    """Everything that decides what a run does next, copied."""
    settings = GANSettings(
        latent_dim=4,
        generator_width=4,
        discriminator_width=4,
        discriminator_steps=2,  # so that batches are not counted by steps
        batch_size=4,
        steps=7,
    )
    images = torch.rand(12, 1, 28, 28, generator=torch.Generator().manual_seed(1)) * 2 - 1
    run = Trainer(images, settings)
    _train(run, 4)
    truth = run.state()
    packed = call(answer, run)
    now = run.state()
    for key in FORGOTTEN:
        if not _equal(now[key], truth[key]):
            raise Wrong(
                f"the run's {key!r} is another than before pack(run): to pack is to look, and "
                "training has to go on as if nothing had been packed."
            )
    if not isinstance(packed, dict):
        raise Wrong(f"pack returns a dictionary; this is a {type(packed).__name__}.")
    if not packed:
        raise NotYet("the dictionary is still empty.")
    for key, consequence in FORGOTTEN.items():
        if key not in packed:
            raise Wrong(f"{key!r} is missing: {consequence}")
    for key in FORGOTTEN:
        if not _equal(packed[key], truth[key]):
            raise Wrong(
                f"{key!r} does not hold the run's state. Networks and optimizers give it by "
                "state_dict(), rng by get_state(), the counters are numbers."
            )
    _train(run)
    for key in FORGOTTEN:
        if not _equal(packed[key], truth[key]):
            raise Wrong(
                f"the run trained on, and {key!r} in your dictionary changed with it: "
                "state_dict() hands out the tensors themselves. Copy them."
            )
    resumed = Trainer(images, settings)
    counters = {"step", "batches"}  # they are equal; the trainer takes no other kind than int
    resumed.restore(truth | {key: copy.deepcopy(packed[key]) for key in {*FORGOTTEN} - counters})
    _train(resumed)
    if not _equal(resumed.generator_ema.state_dict(), run.generator_ema.state_dict()):
        raise Wrong("a run that goes on from your dictionary ends with other weights.")
    return "going on from your dictionary gives, to the last bit, the weights of the run itself."


def _train(run: Trainer, steps: int | None = None) -> None:
    for _ in run.run(steps):
        pass


def _equal(a: Any, b: Any) -> bool:
    """Whether two nested states hold the same numbers."""
    if isinstance(b, torch.Tensor):
        return isinstance(a, torch.Tensor) and a.shape == b.shape and torch.equal(a, b)
    if isinstance(b, dict):
        return isinstance(a, dict) and a.keys() == b.keys() and all(_equal(a[k], b[k]) for k in b)
    if isinstance(b, list):
        return isinstance(a, list) and len(a) == len(b) and all(map(_equal, a, b))
    return close(a, b, 0.0) if isinstance(b, int | float) else bool(a == b)


NEAR = 2.5  # between two images; of 200 real digits none is nearer than 3.2 to another
DRAWN = 200  # pictures in which copies are looked for
COPIES = DRAWN // 10  # so many may resemble one digit by chance; of real ones 1 % do
CHANCE = 0.9  # of the difference between pictures of two z; with dropout in G it is about half
TURNED = 0.3  # share of pairs in D's order; of a D that learned it is above a half
PATIENCE = 120  # seconds: a minute, on a machine half as fast


def timed(answer: Answer, images: Tensor) -> tuple[Any, float]:
    """What it returns, and its seconds; where others keep the machine busy, those of computing."""
    began, computing = time.monotonic(), time.process_time()
    got = call(answer, images)
    return got, min(time.monotonic() - began, time.process_time() - computing)


@exercise("7.3")
def whole(answer: Answer) -> str:
    """A GAN of the learner's own, trained and examined."""
    images = load_digits(source="bundled", announce=False).images
    got, seconds = timed(answer, images)
    if not isinstance(got, tuple | list) or len(got) != 3:
        what = f"{len(got)} things" if isinstance(got, tuple | list) else type(got).__name__
        raise Wrong(f"three things are wanted: generator, discriminator, latent_dim; not {what}.")
    generator, discriminator, latent_dim = got
    for name, network in (("generator", generator), ("discriminator", discriminator)):
        if not callable(network):
            raise Wrong(f"the {name} is a {type(network).__name__}; a network is wanted.")
        parts = network.modules() if isinstance(network, torch.nn.Module) else [network]
        if any(type(part).__module__.startswith("gan_lessons") for part in parts):
            raise Wrong(f"the {name} comes from the package; this time build your own.")
    latent_dim = _as_int(latent_dim)
    if not is_whole(latent_dim, 1):
        raise Wrong(f"latent_dim is {latent_dim!r}; it says how many numbers z has, such as 64.")
    if seconds > PATIENCE:
        raise Wrong(f"it took {seconds:.0f} s. A minute is enough: fewer steps, or less width.")
    found = _examined(generator, discriminator, latent_dim, images)
    return f"your GAN draws digits after {seconds:.0f} s. {found}."


def _as_int(value: Any) -> Any:
    """NumPy's and torch's whole numbers as Python's; anything else as it is."""
    try:
        return value if isinstance(value, bool) else operator.index(value)
    except TypeError:
        return value


def _examined(
    generator: Any, discriminator: Any, latent_dim: int, images: Tensor
) -> examination.Examination:
    def draws(z: Tensor) -> Any:
        try:
            return generator(z)
        except Exception as error:
            raise Wrong(
                f"noise of shape {tuple(z.shape)} makes the generator stop: {error}"
            ) from None

    try:
        _refuse_copies(examination.draw(draws, latent_dim, DRAWN), images)
        found = examination.examine(draws, discriminator, latent_dim, images)
        if found.disease:
            raise Wrong(f"{found.disease}\n  All that was measured: {found}.")
        _refuse_lookup(*examination.chance(draws, latent_dim, DRAWN))
    except UserError as error:
        raise Wrong(str(error)) from error
    _refuse_discriminator(found.order)
    return found


def _refuse_copies(fake: Tensor, images: Tensor) -> None:
    distances = torch.cdist(fake.flatten(1), images.flatten(1)).amin(dim=1)
    copies, near = (distances < 1).sum(), (distances < NEAR).sum()
    if copies > 2 or near > COPIES:
        raise Wrong(f"{near} of {DRAWN} pictures are copies of digits that it was given.")
    twins = examination.resembling(fake, images).sum()
    if twins > COPIES:
        raise Wrong(
            f"{twins} of {DRAWN} pictures are copies of digits that it was given, with something "
            "done to them (noise, a move, another digit): each is less than half as far from one "
            "of the 5,000 as from all others. Of other real digits about 1 in 100 is."
        )


def _refuse_lookup(again: float, moved: float, other: float) -> None:
    """Pictures have to come of z, and change with it little by little."""
    if other < 1 - CHANCE:
        raise Wrong(
            "other noise gives the same pictures: within a batch they differ, but not because of z."
        )
    if again > CHANCE * other:
        raise Wrong(
            "the same z gives another picture each time, as different as if z were another: it is "
            "not z that decides what the generator draws."
        )
    if moved > CHANCE * other:
        raise Wrong(
            "z moved by a hundredth gives another picture altogether, as different as if z were "
            "another: digits are looked up by z. A network that learned draws nearly the same."
        )


def _refuse_discriminator(order: float | None) -> None:
    if order is None:
        raise Wrong(
            "the generator is good, but the discriminator does not give one finite number for each "
            f"of {examination.COUNT:,} images, neither of shape ({examination.COUNT}, 1, 28, 28) "
            f"nor of ({examination.COUNT}, 784)."
        )
    if order == 0.5:
        raise Wrong(
            "the generator is good, but the discriminator answers all images alike. Return the one "
            "that was trained."
        )
    if order < TURNED:
        raise Wrong(
            "the generator is good, but the discriminator's number is larger for the fake than for "
            f"the real digit in {1 - order:.0%} of pairs; larger for “real” is wanted."
        )
