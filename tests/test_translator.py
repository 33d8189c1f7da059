"""The translator without a browser: a digit there and back, noise on the way, and its style."""

import base64
from typing import Any

import pytest
import torch

from gan_lessons import pretrained
from gan_lessons.errors import UserError
from gan_lessons.studies.style import stylise
from gan_lessons.widgets import Translator, translator

GENERATORS = {
    "stripes": pretrained.load_generators("cycle_stripes"),
    "printed": pretrained.load_generators("cycle_printed"),
}


@pytest.fixture
def panel() -> Translator:
    return Translator(GENERATORS)


def test_an_empty_sheet_gets_a_sentence(panel: Translator) -> None:
    assert panel.sentence == translator.EMPTY
    assert panel.pictures == {}
    panel.load(4)
    assert "Your drawing is read as 4" in panel.sentence
    panel.clear()
    assert panel.sentence == translator.EMPTY
    assert all((view.picture == 0).all() for view in panel.views.values())


@pytest.mark.parametrize("name", list(translator.TRANSLATIONS))
def test_each_translation_is_its_networks_there_and_back(panel: Translator, name: str) -> None:
    panel.set(translation=name)
    panel.load(3)
    assert panel.error is None
    pair, way = translator.TRANSLATIONS[name]
    back = "to_a" if way == "to_b" else "to_b"
    with torch.no_grad():
        there = GENERATORS[pair][way](panel.image[None])
        again = GENERATORS[pair][back](there)
    assert torch.equal(panel.pictures["translated"], there[0])
    assert torch.equal(panel.pictures["back again"], again[0])
    error = (again - panel.image).abs().mean()
    assert f"mean absolute error {error:.3f}" in panel.sentence


def test_noise_stands_between_and_is_drawn_again(panel: Translator) -> None:
    panel.load(5)
    panel.set(noise=0.3)
    noise = panel.pictures["with noise"] - panel.pictures["translated"]
    assert noise.std().item() == pytest.approx(0.3, rel=0.1)
    before = panel.pictures["back again"]
    panel.again()
    assert not torch.equal(before, panel.pictures["back again"])


def test_style_goes_from_the_drawing_on(panel: Translator) -> None:
    panel.load(5)
    moved = []
    for strength in (0.0, 0.5, 1.0):
        panel.set(strength=strength)
        moved.append((panel.pictures["style"] - panel.image).abs().mean().item())
    assert moved[0] < 0.02 < moved[1] < moved[2]


def test_a_style_is_found_anew_only_where_it_changes(
    panel: Translator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes ten times as long as all the rest."""
    panel.load(5)
    taken: list[torch.Tensor] = []

    def noted(image: torch.Tensor, *rest: Any) -> torch.Tensor:
        taken.append(image)
        return stylise(image, *rest)

    monkeypatch.setattr(translator, "stylise", noted)
    before = panel.pictures["style"]
    panel.set(noise=0.3)
    panel.again()
    assert torch.equal(panel.pictures["style"], before)
    assert not taken
    panel.set(strength=0.7)
    panel.set(translation="striped to plain")
    panel.draw(panel.image.roll(2, 2))
    assert len(taken) == 3
    assert torch.equal(taken[-1][0], panel.image)


def test_what_is_out_of_range_is_refused_and_nothing_moves(panel: Translator) -> None:
    panel.load(4)
    with pytest.raises(UserError, match=r"noise = 7 is out of range\. Choose from 0 to 0\.5"):
        panel.set(strength=0.1, noise=7)
    assert panel.controls["strength"].value == 0.5
    with pytest.raises(UserError, match="translation = 'horse to zebra' is no choice"):
        panel.set(translation="horse to zebra")
    with pytest.raises(UserError, match="There is no control 'colour'"):
        panel.set(colour=1)
    with pytest.raises(UserError, match="Choose a digit from 0 to 9"):
        panel.load(10)


def test_still_beside_the_live_view(panel: Translator) -> None:
    panel.load(4)
    data, about = panel._repr_mimebundle_()
    assert base64.b64decode(data["image/png"]).startswith(b"\x89PNG")
    assert about["image/png"]["alt"] == data["text/plain"] == panel.sentence
    panel.set(translation="handwritten to printed")
    assert panel._repr_mimebundle_()[0]["image/png"] != data["image/png"]
    panel.close()
