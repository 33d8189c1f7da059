"""Checks of lesson 04: the learner's settings are tried in a short run, and the modes counted."""

from collections.abc import Mapping
from dataclasses import replace
from difflib import get_close_matches
from functools import cache
from typing import Any

import numpy as np
import torch

from gan_lessons.errors import UserError
from gan_lessons.exercises import Answer, NotYet, Wrong, exercise
from gan_lessons.plane import Plan, PlaneTrainer, Score
from gan_lessons.training import check_setting, describe

PATIENT = {
    "lr_generator": 4e-3,
    "lr_discriminator": 2e-4,
    "beta1_generator": 0.5,
    "beta1_discriminator": 0.5,
}
ILL, TREATED, TRIED = 300, 1000, 1200  # steps
MOST_UPDATES = 10  # of a player in a step: the check takes half a minute then


def train(run: PlaneTrainer, steps: int) -> Score:
    """Train on one thread, so that the same settings get the same verdict."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for _ in range(steps):
            run.train_step()
    except UserError as error:
        raise Wrong(f"the run did not survive. {error}") from None
    finally:
        torch.set_num_threads(threads)
    return run.score()


@cache
def collapsed() -> PlaneTrainer:
    """The patient of exercise 4.1; whoever trains it takes a branch."""
    run = PlaneTrainer(Plan(**PATIENT))  # type: ignore[arg-type]
    train(run, ILL)
    return run


def is_well(score: Score) -> bool:
    """Whether a treatment has helped."""
    return score.covered >= 6 and score.good >= 0.4


@cache
def treated(plan: Plan) -> Score:
    """How the patient is after it has gone on with these settings: the worse of two runs.

    The runs differ in their noise, so that a lucky one does not pass. Where the first fails there
    is no second.
    """
    scores: list[Score] = []
    for seed in (1, 2):
        run = collapsed().branch()
        run.rng.manual_seed(seed)
        settings = describe(Plan).values()
        run.change(**{s.name: getattr(plan, s.name) for s in settings if not s.fixed})
        scores.append(train(run, TREATED))
        if not is_well(scores[-1]):
            break
    return min(scores, key=lambda score: (score.covered, score.good))


@cache
def tried(plan: Plan) -> Score:
    """How a run with these settings does on the spiral."""
    return train(PlaneTrainer(plan), TRIED)


@exercise("4.1")
def treatment(answer: Answer) -> str:
    """Changes that bring a collapsed run back to at least 6 of 8 modes."""
    changes = _settings(answer, {"lr_generator": 0.001})
    settings = describe(Plan)
    for name in changes.keys() - settings.keys():
        like = get_close_matches(name, settings, n=1, cutoff=0.4)
        meant = f"; is {like[0]!r} meant?" if like else "."
        raise Wrong(f"there is no setting {name!r}{meant} `clinic.settings` shows them all.")
    fixed = [name for name in changes if settings[name].fixed]
    if fixed:
        raise Wrong(
            f"{fixed[0]} is what a run is built with: changing it starts a new run, and the "
            "patient is left as it is. Change what can change while it trains."
        )
    ill = Plan(**PATIENT)  # type: ignore[arg-type]
    try:
        for name, value in changes.items():
            check_setting(Plan, name, value)
        plan = replace(ill, **changes)
    except UserError as error:
        raise Wrong(str(error)) from None
    updates = max(plan.discriminator_steps, plan.generator_steps)
    if updates > MOST_UPDATES:
        raise Wrong(
            f"{updates} updates in a step take minutes to try. At most {MOST_UPDATES}, as on the "
            "panel's sliders; a higher rate does as much."
        )
    if plan == ill:
        raise Wrong("nothing is changed: these are the patient's own settings.")
    score = treated(plan)
    found = f"{score.covered} of 8 modes, {score.good:.0%} good."
    if is_well(score):
        found = f"After {TREATED:,} steps, in the worse of two runs: {found}"
        return f"{found} D sees a crowd soon enough to scatter it, before G has settled in it."
    raise Wrong(f"After {TREATED:,} steps: {found} {_why_still_ill(plan)}")


def _why_still_ill(plan: Plan) -> str:
    pace_d = plan.lr_discriminator * plan.discriminator_steps
    pace_g = plan.lr_generator * plan.generator_steps
    if pace_g == 0 or pace_d == 0:
        return f"{'G' if pace_g == 0 else 'D'} stands still: a rate of 0 learns nothing."
    if pace_g > PATIENT["lr_generator"]:
        return "G is faster than before (rate × updates), and it was ahead of D already."
    if pace_d < PATIENT["lr_discriminator"]:
        return "D is slower than before: it notices the crowd even later."
    if pace_d < pace_g:
        return (
            f"D (rate × updates = {pace_d:g}) still learns more slowly than G ({pace_g:g}): it "
            "notices each crowd too late."
        )
    if max(pace_g, pace_d) < 1e-3:
        pace = "The pace is even now" if pace_d < 2 * pace_g else "D is ahead now"
        return f"{pace}, but both are so slow that a thousand steps do not get far."
    if pace_d < 2 * pace_g:
        return (
            "Both learn at nearly one pace now. That would keep a healthy run healthy, but this "
            "crowd has settled: let D learn a few times as fast as G."
        )
    if pace_d > 12 * pace_g:
        return (
            f"D (rate × updates = {pace_d:g}) now learns {pace_d / pace_g:.0f} times as fast as G "
            f"({pace_g:g}). A few times is enough; G has to keep up."
        )
    if pace_g < 1e-3:
        return (
            f"D is ahead now; but G (rate × updates = {pace_g:g}) has become so slow that a "
            "thousand steps do not get it far."
        )
    if max(plan.beta1_generator, plan.beta1_discriminator) >= 0.5:
        return (
            f"The rates are in order; but β1 is {plan.beta1_generator:g} for G and "
            f"{plan.beta1_discriminator:g} for D, and healthy runs here have 0."
        )
    rates = dict.fromkeys(PATIENT, 0.0) | {"discriminator_steps": 1, "generator_steps": 1}
    if replace(plan, **rates) == replace(Plan(), **rates):  # type: ignore[arg-type]
        return "That is near what helps, and not enough: let D learn about four times as fast as G."
    return "Rates and β1 look healthy; go back to the rest of what you changed."


@exercise("4.2")
def fitting_noise(answer: Answer) -> str:
    """Noise from which G reaches the whole spiral: what counts is what a run finds."""
    noise = _settings(answer, {"noise_scale": 2.0})
    wanted = {"latent_dim", "noise", "noise_scale"}
    if missing := wanted - set(noise):
        raise Wrong(f"three settings are wanted; {sorted(missing)[0]} is missing.")
    if other := set(noise) - wanted:
        raise Wrong(
            f"only latent_dim, noise and noise_scale may change, not {sorted(other)[0]}: the same "
            "networks have to do it."
        )
    try:
        plan = Plan(data="spiral", **noise)
    except UserError as error:
        raise Wrong(str(error)) from None
    score = tried(plan)
    found = f"After {TRIED:,} steps: {score.covered} of 10 stretches, {score.good:.0%} good."
    if score.covered >= 8 and score.good >= 0.7:
        if noise["latent_dim"] == 1:
            return f"{found} Even a thread can find the spiral, if its scale lets G tell z apart."
        return f"{found} A sheet with room to fold finds the spiral; its scale lets G tell z apart."
    small, thin = noise["noise_scale"] < 0.5, noise["latent_dim"] == 1
    if small and thin:
        raise Wrong(f"{found} Both of the friend's mistakes are still there: thread and scale.")
    if thin:
        raise Wrong(
            f"{found} With one number G bends a thread. A spiral is a curve, too, but this thread "
            "has not found its way there. Try more numbers, or another scale."
        )
    if small:
        raise Wrong(
            f"{found} There are numbers enough, but so small that all z look alike to G's first "
            "layer: it has to learn huge weights first."
        )
    raise Wrong(f"{found} Enough numbers; bring their scale nearer to 1.")


def _settings(answer: Answer, example: dict[str, float]) -> dict[str, Any]:
    """The dict of settings, with plain numbers for those of NumPy and torch."""
    if isinstance(answer, set) and ... in answer:  # the stub: {...}
        raise NotYet('write settings in the place of `...`: "lr_generator": 0.001, for example.')
    if not isinstance(answer, Mapping):
        raise Wrong(f"a dict of settings is wanted, such as {example}.")
    if not all(isinstance(name, str) for name in answer):
        raise Wrong("the keys of the dict have to be names of settings.")
    return {name: _plain(value) for name, value in answer.items()}


def _plain(value: Any) -> Any:
    single = isinstance(value, np.generic | torch.Tensor) and value.ndim == 0
    return value.item() if single else value
