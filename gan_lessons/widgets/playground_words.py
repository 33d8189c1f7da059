"""What the playground says of a run in the plane: where it stands, and what just moved."""

import math
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from torch import Tensor

from gan_lessons import plane
from gan_lessons.plane import Plan, PlaneTrainer, Score
from gan_lessons.training import describe
from gan_lessons.widgets.controls import in_words
from gan_lessons.widgets.plane_canvas import SHOWN, covers


def run_sentence(run: PlaneTrainer, score: Score, playing: bool = False) -> str:
    """Where a run stands; while it plays the step, which the title names, would soon be old."""
    floor = run.coverage.floor[0]
    what = covers(run).split()[0]
    begin = "" if playing else f"Step {score.step:,}: "
    text = (
        f"{begin}G covers {score.covered} of {score.parts} {what}; "
        f"{score.good:.0%} of its samples are good; JSD {score.jsd:.2f} nats "
        f"(as many real samples: {floor:.2f})."
    )
    known = [event for event in run.history[-1:] if not math.isnan(event.d_real)]
    if known:
        text += f" D(x) {known[0].d_real:.2f}, D(G(z)) {known[0].d_fake:.2f}."
    return text


def run_titles(runs: Sequence[PlaneTrainer]) -> list[str]:
    """What stands above the picture of each run: its step, and in what two runs differ."""
    if len(runs) == 1:
        return [f"Step {runs[0].step:,}"]
    first, second = (run.settings for run in runs)
    names = {
        name: setting.label
        for name, setting in describe(Plan).items()
        if getattr(first, name) != getattr(second, name)
    }
    titles = []
    for i, run in enumerate(runs):
        own = [f"{label} = {in_words(getattr(run.settings, n))}" for n, label in names.items()]
        titles.append(f"Run {i + 1}, step {run.step:,}: {', '.join(own) or 'no difference yet'}")
    return titles


def plan_words(plan: Plan) -> str:
    """The settings that are not the default ones; drawn points would fill a page."""
    default = Plan()
    special = [
        f"{field.name} = {value}"
        for field in fields(Plan)
        if field.name != "points"
        and (value := getattr(plan, field.name)) != getattr(default, field.name)
    ]
    return ", ".join(special) or "the defaults"


class LatestMove:
    """What the latest half-step did; measured on fakes from noise that stays the same."""

    def __init__(self) -> None:
        self._moment: tuple[Any, ...] = ()
        self._before: tuple[Tensor, Tensor] | None = None  # fakes, and D's answers to them
        self._words = ""

    def words(self, run: PlaneTrainer, last: str) -> str:
        """The move in words, none after a whole step; ``last``: who moved, as `Live.last`."""
        moment = (run, run.step, tuple(run.partial.values()), last)
        if moment != self._moment:
            self._moment = moment
            self._words = self._describe(run, last)
        return self._words

    def _describe(self, run: PlaneTrainer, last: str) -> str:
        fakes = run.fakes(SHOWN)
        answers = plane.discriminator_shade(run, fakes)
        before = self._before
        self._before = (fakes, answers)
        if before is None or last not in ("discriminator", "generator"):
            return ""
        old_fakes, old_answers = before
        rose = f"{old_answers.mean():.3f} → {answers.mean():.3f}"
        if last == "discriminator":
            d_real, d_fake = (run.partial.get(name, math.nan) for name in ("d_real", "d_fake"))
            return (
                f"D's half-step. D looked at {run.settings.batch_size} reals (mean D(x) "
                f"{d_real:.3f}) and as many fakes (mean D(G(z)) {d_fake:.3f}), then moved its "
                "weights: blue should grow where reals lie, orange where fakes lie. G stood still. "
                f"On the fakes shown, D's mean answer went {rose}."
            )
        moved = (fakes - old_fakes).norm(dim=1).mean()
        gradient = plane.generator_gradient(run, old_fakes).norm(dim=1).mean()
        return (
            "G's half-step. D stood still. G moved its weights so that its fakes follow the "
            f"arrows, the gradient of the {in_words(run.settings.objective)} loss (mean length "
            f"{gradient:.3f}). The fakes shown moved by {moved:.3f} on average; D's mean answer on "
            f"them went {rose}."
        )
