"""What the training panel says of a run, and what it draws of its history."""

import math
from collections.abc import Mapping
from dataclasses import replace

from gan_lessons.training import Chart, Settings, Trainer, describe
from gan_lessons.widgets.controls import in_words
from gan_lessons.widgets.panel_curves import Columns
from gan_lessons.widgets.snapshots import Mark

GAME = {"loss_discriminator", "loss_generator", "d_real", "d_fake"}  # what a GAN measures


def charts_of(run: Trainer) -> tuple[Chart, ...]:
    """The method's charts; where it has none, all that was measured in one."""
    return run.method.charts or (Chart("measured", {name: name for name in run.history.names}),)


def columns_of(run: Trainer) -> Columns:
    """What the charts show of a run so far."""
    names = ["step", *(name for chart in charts_of(run) for name in chart.lines)]
    return {name: run.history.column(name) for name in names}


def run_sentence(run: Trainer) -> str:
    """Where a run stands."""
    if run.partial:
        return f"Step {run.step:,}, {_half_done(run.turn, run.partial)}"
    if not run.history:
        return "Step 0: nothing is learned yet."
    event = run.history[-1]
    begin = f"Step {event.step:,}, epoch {event.epoch:.1f}, {event.elapsed:.0f} s"
    values = {name: value for name, value in event.values.items() if not math.isnan(value)}
    if values.keys() == {"loss_generator"} and "discriminator" in run.players:
        return f"{begin}: G has moved alone, G's loss {values['loss_generator']:.2f}."
    if not {"d_real", "d_fake"} <= values.keys() <= GAME:
        return f"{begin}: {_listed(values)}."
    return f"{begin}: D(x) = {values['d_real']:.2f}, D(G(z)) = {values['d_fake']:.2f}."


def _half_done(turn: str, values: Mapping[str, float]) -> str:
    if not GAME - {"loss_generator"} <= values.keys() <= GAME:
        return f"{turn} have moved alone: {_listed(values)}."
    return (
        f"D has moved and G has not: D(x) = {values['d_real']:.2f}, "
        f"D(G(z)) = {values['d_fake']:.2f}, D's loss {values['loss_discriminator']:.2f}."
    )


def _listed(values: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:.3g}" for name, value in values.items())


def difference(first: Trainer, second: Trainer) -> str:
    """In which settings two runs differ."""
    one, two = first.settings.asdict(), second.settings.asdict()
    labels = {name: setting.label for name, setting in describe(type(first.settings)).items()}
    parts = [
        f"{labels[name]} {in_words(one[name])} in run 1, {in_words(two[name])} in run 2"
        for name in one
        if one[name] != two[name]
    ]
    return f"They differ in {'; '.join(parts)}." if parts else "They do not differ in any setting."


def mark_text(mark: Mark, settings: type[Settings]) -> str:
    """A mark in words."""
    label = describe(settings)[mark.name].label
    return str(replace(mark, name=label, old=in_words(mark.old), new=in_words(mark.new)))
