"""The sketchpad without a browser: drawing, D's opinion, and the search for the nearest digit."""

import asyncio
import base64
import os
import signal

import numpy as np
import pytest
import torch

from gan_lessons import latent, pretrained
from gan_lessons.data import load_digits
from gan_lessons.errors import UserError
from gan_lessons.widgets import Sketchpad, sketchpad

GENERATOR, SETTINGS = pretrained.load_generator("dcgan")
DISCRIMINATOR = pretrained.load_discriminator("dcgan")
DIGITS = load_digits(source="bundled", announce=False)


def make() -> Sketchpad:
    return Sketchpad(GENERATOR, DISCRIMINATOR, SETTINGS, DIGITS)


def steps_of(pad: Sketchpad) -> int:
    """Steps of the search, which has to be there."""
    assert pad.found is not None
    return pad.found.steps


@pytest.fixture
def pad() -> Sketchpad:
    return make()


def test_an_empty_sheet_gets_a_sentence(pad) -> None:
    assert pad.sentence == sketchpad.EMPTY
    assert pad.logit is None
    assert "Nothing is drawn yet" in pad.children[1].value
    for act in (pad.search, pad.centre, pad.play):
        with pytest.raises(UserError):
            act()
    pad.load(3)
    pad.clear()
    assert pad.sentence == sketchpad.EMPTY
    assert (pad.saliency_view.picture == 255).all()


def test_a_drawing_from_the_browser_gets_ds_logit_and_saliency(pad) -> None:
    image = DIGITS.images[7]
    pad.sheet.drawing = memoryview(((image + 1) * 127.5).round().byte().numpy().tobytes())
    assert torch.allclose(pad.image, image, atol=0.005)
    logit, gradient = latent.saliency(DISCRIMINATOR, pad.image)
    assert pad.logit == logit
    assert torch.equal(pad.saliency, gradient)
    digit = DIGITS.labels[7].item()
    assert f"The classifier reads a {digit} " in pad.sentence
    assert f"D's logit is {logit:+.2f}: above " in pad.sentence
    row, column = divmod(int(gradient.argmax()), 28)
    assert f"more ink at row {row + 1}, column {column + 1} (blue)" in pad.sentence
    blue = pad.saliency_view.picture[row, column].astype(int)
    assert blue[2] > blue[0]


def test_saliency_says_what_a_little_ink_does(pad) -> None:
    pad.load(5)
    place = int((pad.saliency * (pad.image < 0)).argmax())
    before = pad.logit
    more = pad.image.flatten().clone()
    more[place] += 0.2
    pad.draw(more.view(28, 28))
    assert pad.logit > before


def test_search_comes_nearer_step_by_step_and_shows_it(pad) -> None:
    pad.load(0)
    first = pad.search(1)
    shown = pad.nearest_view.pixels
    last = pad.search(60)
    assert last < first / 2
    assert pad.nearest_view.pixels != shown
    assert "Search, step 61: the nearest digit is" in pad.sentence
    assert pad.found.z.shape == (64,)
    pad.load(1)  # another drawing: the search is over
    assert pad.found is None
    assert "Search" not in pad.sentence


def test_search_of_a_generated_digit_finds_it(pad) -> None:
    (image,) = GENERATOR(pretrained.noise(1, SETTINGS, seed=5))
    pad.draw(image)
    assert pad.search(100) < 0.02


def test_examples_are_real_ones_and_take_turns(pad) -> None:
    pad.load(4)
    first = pad.image
    pad.load(4)
    assert not torch.equal(pad.image, first)
    of_digit = DIGITS.images[DIGITS.labels == 4]
    assert any(torch.allclose(pad.image, one, atol=0.005) for one in of_digit[:3])
    with pytest.raises(UserError, match=r"no example of 11\. Choose a digit from 0 to 9"):
        pad.load(11)


def test_centre_brings_the_mass_to_the_middle(pad) -> None:
    sheet = torch.full((28, 28), -1.0)
    sheet[2:6, 20:24] = 1
    pad.draw(sheet)
    pad.centre()
    rows, columns = (pad.image[0] > 0).nonzero(as_tuple=True)
    assert rows.double().mean().item() == pytest.approx(13.5, abs=0.5)
    assert columns.double().mean().item() == pytest.approx(13.5, abs=0.5)
    assert len(rows) == 16


def test_what_is_no_drawing_is_refused(pad) -> None:
    for image in (torch.zeros(27, 28), torch.full((28, 28), 2.0), torch.full((28, 28), torch.nan)):
        with pytest.raises(UserError, match="The sheet takes 28 × 28 values"):
            pad.draw(image)
    assert pad.sentence == sketchpad.EMPTY


def test_playing_lets_the_kernel_breathe_and_ends_by_itself(monkeypatch) -> None:
    monkeypatch.setattr(sketchpad, "MOST", 30)
    monkeypatch.setattr(sketchpad, "PAUSE", 1e-6)

    async def learner() -> None:
        pad = make()
        pad.load(2)
        pad.play()
        assert pad.playing
        turns = 0
        while pad.playing:
            await asyncio.sleep(0)
            turns += 1
        assert turns >= 30
        assert steps_of(pad) == 30
        assert "Search, step 30" in pad.children[1].value
        pad.search(1)  # a finished search begins anew
        assert steps_of(pad) == 1

    asyncio.run(learner())


def test_pause_stops_and_play_goes_on(monkeypatch) -> None:
    monkeypatch.setattr(sketchpad, "PAUSE", 1e-6)

    async def learner() -> None:
        pad = make()
        pad.load(2)
        pad.play()
        while steps_of(pad) < 5:
            await asyncio.sleep(0)
        pad.pause()
        steps = steps_of(pad)
        for _ in range(10):
            await asyncio.sleep(0)
        assert steps_of(pad) == steps
        assert not pad.playing
        pad.play()
        while steps_of(pad) == steps:
            await asyncio.sleep(0)
        before = pad.found
        pad.load(3)  # a new drawing: the search starts anew
        assert pad.playing
        assert "starts anew" in pad.loop.message
        assert pad.find.description == "Searching …"
        while pad.found in (None, before) or steps_of(pad) < 3:
            await asyncio.sleep(0)
        assert pad.find.description == "Searching …"
        pad.clear()  # nothing to search for
        assert not pad.playing
        assert pad.found is None
        assert pad.find.description == "Find"

    asyncio.run(learner())


def test_a_callback_on_another_thread_is_done_on_the_kernels_loop() -> None:
    async def learner() -> None:
        pad = make()
        drawing = np.full(784, 200, np.uint8).tobytes()
        await asyncio.to_thread(setattr, pad.sheet, "drawing", drawing)
        await asyncio.sleep(0)
        assert pad.logit is not None
        pad.search(2)
        await asyncio.sleep(0)
        assert steps_of(pad) == 2  # what the drawing had posted came first

    asyncio.run(learner())


def test_a_cell_that_draws_and_searches_keeps_its_search() -> None:
    async def learner() -> None:
        pad = make()
        pad.load(6)
        pad.search(3)
        await asyncio.sleep(0)  # what the new drawing has posted comes now
        assert steps_of(pad) == 3

    asyncio.run(learner())


def test_an_interrupt_pauses_the_search_and_keeps_it() -> None:
    async def learner() -> None:
        pad = make()
        pad.load(6)
        pad.play()
        while steps_of(pad) < 2:
            await asyncio.sleep(0)
        os.kill(os.getpid(), signal.SIGINT)
        while pad.playing:
            await asyncio.sleep(0)
        kept = steps_of(pad)
        assert 2 <= kept < sketchpad.MOST
        await asyncio.sleep(2 * sketchpad.PAUSE)
        assert steps_of(pad) == kept
        assert "Interrupted; Find goes on from here." in pad.children[1].value
        pad.play()
        while steps_of(pad) == kept:
            await asyncio.sleep(0)
        pad.pause()

    usual = signal.signal(signal.SIGINT, signal.SIG_IGN)  # as ipykernel does while no cell runs
    try:
        asyncio.run(learner())
    finally:
        signal.signal(signal.SIGINT, usual)


def test_errors_of_buttons_and_of_the_task_are_shown(pad, monkeypatch) -> None:
    pad.find.click()  # Find, on an empty sheet
    assert isinstance(pad.error, UserError)
    assert 'role="alert"' in pad.children[1].value

    async def learner() -> None:
        pad = make()
        pad.load(1)

        def fail(search: latent.Search) -> float:
            raise ZeroDivisionError("lost")

        monkeypatch.setattr(latent.Search, "step", fail)
        pad.play()
        while pad.playing:
            await asyncio.sleep(0)
        assert isinstance(pad.error, ZeroDivisionError)
        assert 'role="alert"' in pad.children[1].value

    asyncio.run(learner())


def test_still_beside_the_live_view(pad) -> None:
    empty = pad._repr_mimebundle_()[0]["image/png"]
    pad.load(8)
    pad.search(5)
    data, about = pad._repr_mimebundle_()
    assert set(data) == {"text/plain", "image/png", "application/vnd.jupyter.widget-view+json"}
    assert base64.b64decode(data["image/png"]).startswith(b"\x89PNG")
    assert data["image/png"] != empty
    assert about["image/png"]["alt"] == data["text/plain"] == pad.sentence
