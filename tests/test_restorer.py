"""The restorer without a browser: drawing, damage, four remedies at once, and the blend."""

import base64

import pytest
import torch

from gan_lessons import pretrained
from gan_lessons.data import degradations, load_digits
from gan_lessons.errors import UserError
from gan_lessons.studies.restoration import psnr
from gan_lessons.widgets import Restorer, restorer

DIGITS = load_digits(source="bundled", announce=False)
ADVERSARIAL = pretrained.load_restorer("restore")
REGRESSION = pretrained.load_restorer("restore_regression")
MASK = degradations.brush_masks(1, 28, torch.Generator().manual_seed(5))[0]


@pytest.fixture
def panel() -> Restorer:
    return Restorer(REGRESSION, ADVERSARIAL, DIGITS)


@pytest.fixture
def scratched(panel: Restorer) -> Restorer:
    panel.load(4)
    panel.scratch(MASK)
    return panel


def test_what_cannot_be_restored_gets_a_sentence(panel: Restorer) -> None:
    assert panel.sentence == restorer.EMPTY
    assert "Nothing is drawn yet" in panel.loop.line.value
    panel.load(4)
    assert panel.sentence == restorer.UNSCRATCHED
    assert panel.pictures == {}
    panel.scratch(torch.ones(28, 28))
    assert "hides the whole picture" in panel.sentence
    panel.draw(torch.ones(28, 28))
    panel.scratch(MASK)
    panel.set(damage="noise")
    assert "of one grey" in panel.sentence
    panel.load(3)
    assert "Your drawing is read as 3" in panel.sentence
    panel.clear()
    assert panel.sentence == restorer.EMPTY
    assert all((view.picture == 0).all() for view in panel.views.values())


def test_scratches_from_the_browser_are_filled_by_each_remedy(panel) -> None:
    panel.load(4)
    panel.scratches.drawing = memoryview((255 * MASK).byte().numpy().tobytes())
    assert torch.equal(panel.mask, MASK)
    assert list(panel.pictures) == list(restorer.VIEWS)
    kept = MASK == 0
    for picture in panel.pictures.values():
        assert torch.allclose(picture[kept], panel.image[kept])
    assert (panel.pictures["spoiled"][MASK > 0] == degradations.LOST).all()
    errors = {name: psnr(picture, panel.image) for name, picture in panel.pictures.items()}
    assert f"regression {errors['regression']:.1f} dB, read as" in panel.sentence
    panel.mend()
    assert panel.sentence == restorer.UNSCRATCHED


@pytest.mark.parametrize("damage", list(restorer.DAMAGES))
def test_each_damage_is_mended_better_by_what_has_learned(scratched: Restorer, damage: str) -> None:
    scratched.set(damage=damage)
    assert scratched.error is None
    errors = {name: psnr(made, scratched.image) for name, made in scratched.pictures.items()}
    assert errors["regression"] > errors["spoiled"]
    assert errors["regression"] > errors["classic"]
    assert scratched._own.layout.display == ("" if damage == "scratches" else "none")


def test_the_blend_goes_from_one_end_to_the_other(scratched: Restorer) -> None:
    for share, end in ((0.0, "regression"), (1.0, "adversarial")):
        scratched.set(blend=share)
        assert torch.equal(scratched.pictures["blend"], scratched.pictures[end])
    scratched.set(blend=0.5)
    one, other = (scratched.pictures[name] for name in ("regression", "adversarial"))
    assert torch.allclose(scratched.pictures["blend"], (one + other) / 2)


def test_more_noise_and_another_draw_of_it(scratched: Restorer) -> None:
    scratched.set(damage="noise", noise=0.2)
    little = psnr(scratched.pictures["spoiled"], scratched.image)
    scratched.set(noise=0.9)
    assert psnr(scratched.pictures["spoiled"], scratched.image) < little - 6
    before = scratched.pictures["spoiled"]
    scratched.again()
    assert not torch.equal(before, scratched.pictures["spoiled"])


def test_what_is_out_of_range_is_refused_and_nothing_moves(scratched: Restorer) -> None:
    with pytest.raises(UserError, match=r"noise = 7 is out of range\. Choose from 0\.1 to 1"):
        scratched.set(blend=0.1, noise=7)
    assert scratched.controls["blend"].value == 0.5
    with pytest.raises(UserError, match="damage = 'rain' is no choice"):
        scratched.set(damage="rain")
    with pytest.raises(UserError, match="There is no control 'colour'"):
        scratched.set(colour=1)
    with pytest.raises(UserError, match="The sheet takes 28 × 28 values"):
        scratched.draw(torch.zeros(27, 28))
    with pytest.raises(UserError, match="A mask has 28 × 28 values"):
        scratched.scratch(torch.zeros(27, 28))
    with pytest.raises(UserError, match="Choose a digit from 0 to 9"):
        scratched.load(10)
    scratched.controls["blend"].typed("many")
    assert "is no number" in scratched.loop.line.value


def test_still_beside_the_live_view(scratched: Restorer) -> None:
    data, about = scratched._repr_mimebundle_()
    assert base64.b64decode(data["image/png"]).startswith(b"\x89PNG")
    assert about["image/png"]["alt"] == data["text/plain"] == scratched.sentence
    before = data["image/png"]
    scratched.set(damage="4 × smaller")
    assert scratched._repr_mimebundle_()[0]["image/png"] != before
    scratched.close()
