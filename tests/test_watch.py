"""Watching a run without a browser: it trains to the end, can be paused, and changes nothing."""

import importlib
from dataclasses import replace

import ipywidgets
import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from torch import Tensor

from gan_lessons import plotting
from gan_lessons.methods import GANSettings
from gan_lessons.training import Event, Trainer
from gan_lessons.widgets import watch
from gan_lessons.widgets.watch import sentence

SETTINGS = GANSettings(
    latent_dim=8, generator_width=6, discriminator_width=4, batch_size=8, steps=12, noise_scale=0.5
)


@pytest.fixture(autouse=True)
def shown(monkeypatch) -> list[ipywidgets.VBox]:
    """What was displayed."""
    panels: list[ipywidgets.VBox] = []
    module = importlib.import_module("gan_lessons.widgets.watch")
    monkeypatch.setattr(module, "display", lambda panel, display_id: panels.append(panel))
    return panels


@pytest.fixture
def samples() -> Tensor:
    return torch.rand(50, 1, 28, 28, generator=torch.Generator().manual_seed(0)) * 2 - 1


def same(a: Trainer, b: Trainer) -> bool:
    pairs = zip(a.generator.state_dict().values(), b.generator.state_dict().values(), strict=True)
    return all(torch.equal(x, y) for x, y in pairs)


def unwatched(samples: Tensor) -> Trainer:
    trainer = Trainer(samples, SETTINGS)
    for _ in trainer.run():
        pass
    return trainer


def test_a_watched_run_ends_as_an_unwatched_one_does(samples) -> None:
    trainer = Trainer(samples, SETTINGS)
    figure = watch(trainer, every=0)
    assert trainer.step == 12
    assert same(trainer, unwatched(samples))
    assert isinstance(figure, Figure)
    digits, axes = figure.axes
    rng = torch.Generator().manual_seed(1)
    z = 0.5 * torch.randn(32, 8, generator=rng)
    drawn = np.asarray(digits.images[0].get_array())
    assert np.array_equal(drawn, plotting.mosaic(trainer.sample(z)).numpy())
    real, fake = axes.lines[:2]
    for line, name in ((real, "d_real"), (fake, "d_fake")):
        values = [getattr(event, name) for event in trainer.history]
        assert np.array_equal(line.get_xdata(), np.arange(1, 13))
        assert np.allclose(line.get_ydata(), plotting.smooth(values, 25))
    assert (real.get_color(), fake.get_color()) == (plotting.REAL, plotting.FAKE)


def test_the_picture_moves_as_often_as_asked(samples, shown) -> None:
    pictures: dict[float, list[bytes]] = {0: [], 1000: []}
    for every, seen in pictures.items():
        trainer = Trainer(samples, SETTINGS)
        for _ in range(4):  # one step a time, so that each picture can be looked at
            watch(trainer, steps=1, every=every)
            image, text = shown[-1].children
            seen.append(bytes(image.value))
        assert text.value == (sentence(trainer.history[-1]) if every == 0 else "Training …")
    assert len(set(pictures[0])) == 4
    assert pictures[0][0].startswith(b"\x89PNG")


def test_steps_are_steps_more(samples) -> None:
    trainer = Trainer(samples, replace(SETTINGS, steps=None))
    watch(trainer, steps=2)
    watch(trainer, steps=3)
    assert trainer.step == 5


@pytest.fixture
def closed(monkeypatch) -> list[ipywidgets.VBox]:
    """What was closed; garbage collection may add older panels."""
    panels: list[ipywidgets.VBox] = []
    monkeypatch.setattr(ipywidgets.VBox, "close", lambda panel: panels.append(panel))
    return panels


def test_the_live_panel_is_closed_at_the_end(samples, shown, closed) -> None:
    watch(Trainer(samples, SETTINGS), steps=1)
    assert any(panel is shown[0] for panel in closed)


def test_an_interrupt_pauses_and_the_same_call_goes_on(
    samples, shown, closed, capsys, monkeypatch
) -> None:
    whole = unwatched(samples)
    trainer = Trainer(samples, SETTINGS)
    original = Trainer.train_step

    def interrupted(self: Trainer, *how: int) -> Event:
        event = original(self, *how)
        if self.step == 5:
            raise KeyboardInterrupt  # where a real one arrives, after the step
        return event

    monkeypatch.setattr(Trainer, "train_step", interrupted)
    with pytest.raises(KeyboardInterrupt):
        watch(trainer)
    assert capsys.readouterr().out == "Paused after step 5. Run this cell again to go on.\n"
    assert any(panel is shown[0] for panel in closed)
    watch(trainer)
    assert trainer.step == 12
    assert same(trainer, whole)


def test_the_sentence_says_where_a_run_stands() -> None:
    values = {"loss_discriminator": 1.2, "loss_generator": 0.9, "d_real": 0.61, "d_fake": 0.376}
    event = Event(1200, 3.14, 41.6, values)
    assert sentence(event) == "Step 1,200, epoch 3.1, 42 s: D(x) = 0.61, D(G(z)) = 0.38."
