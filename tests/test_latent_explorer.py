"""The latent explorer without a browser: what its controls do to noise, pictures and sentence."""

import asyncio
import base64
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from gan_lessons import latent, plotting, pretrained
from gan_lessons.errors import UserError
from gan_lessons.training import sample
from gan_lessons.widgets import LatentExplorer, ahead
from gan_lessons.widgets.canvas import Canvas, signed, tiles
from gan_lessons.widgets.cells import CELLS

GENERATOR, SETTINGS = pretrained.load_generator("dcgan")
AXES = {"east": torch.eye(64)[0], "far north": torch.eye(64)[1]}


@pytest.fixture
def explorer() -> LatentExplorer:
    return LatentExplorer(GENERATOR, SETTINGS, AXES)


def test_sliders_move_all_64_digits_and_truncation_shrinks_them(explorer) -> None:
    base = pretrained.noise(64, SETTINGS, seed=0)
    assert torch.equal(explorer.z, base)
    explorer.controls["east"].value = 2.0  # as the browser does
    assert torch.allclose(explorer.z, base + 2 * AXES["east"])
    before = explorer.grid.pixels
    explorer.set(east=1.0, far_north=-1.0, truncation=0.5, seed=3)
    wanted = 0.5 * (pretrained.noise(64, SETTINGS, seed=3) + AXES["east"] - AXES["far north"])
    assert torch.allclose(explorer.z, wanted)
    assert torch.allclose(explorer.images, sample(GENERATOR, wanted))
    assert explorer.grid.pixels != before
    assert np.array_equal(explorer.grid.picture, tiles(explorer.images, 8))
    assert "seed 3, east +1.0, far north -1.0, truncation 0.50" in explorer.sentence
    explorer.reset()
    assert torch.equal(explorer.z, pretrained.noise(64, SETTINGS, seed=3))


def test_set_draws_once(explorer, monkeypatch) -> None:
    drawn = []
    monkeypatch.setattr(explorer, "_draw_grid", lambda: drawn.append("grid"))
    explorer.set(east=1.0, truncation=0.9, chosen=5)
    assert drawn == ["grid"]


def test_default_directions_are_the_principal_ones() -> None:
    explorer = LatentExplorer(GENERATOR, SETTINGS)
    z = pretrained.noise(2000, SETTINGS, seed=1)
    found = torch.stack(list(explorer.directions.values()))
    assert torch.allclose(found, latent.principal_directions(GENERATOR, z), atol=1e-3)
    assert list(explorer.controls)[:6] == [f"direction_{n}" for n in range(1, 7)]


def test_tray_keeps_what_is_seen_and_paths_follow(explorer) -> None:
    explorer.set(chosen=9, truncation=0.8)
    path, total = explorer.path_view.pixels, explorer.sum_view.pixels
    explorer.keep("B")
    assert torch.equal(explorer.tray[1], explorer.z[9])
    assert explorer.path_view.pixels != path
    assert explorer.sum_view.pixels != total
    explorer.set(truncation=1.0)  # what is in the tray stays as it was
    assert torch.allclose(explorer.tray[1], 0.8 * explorer.z[9])
    straight, arc = explorer.path
    for way in (straight, arc):
        assert torch.allclose(way[[0, -1]], explorer.tray[:2], atol=1e-5)
    assert straight[5].norm() < arc[5].norm()
    explorer.set(begin="C", end="C")
    assert torch.equal(*explorer.path)
    explorer.tray_view.chosen = 7
    explorer.keep()
    assert torch.equal(explorer.tray[7], explorer.z[9])


def test_sum_is_arithmetic_and_can_be_kept(explorer) -> None:
    explorer.set(first="D", minus="E", plus="F")
    plain, shelled = explorer.sum
    assert torch.allclose(plain, explorer.tray[3] - explorer.tray[4] + explorer.tray[5])
    assert shelled.norm().item() == pytest.approx(8, rel=1e-4)
    assert "D − E + F lies" in explorer.sentence
    explorer.keep_sum("H")
    assert torch.equal(explorer.tray[7], shelled)


def test_choosing_a_digit_says_what_it_is(explorer) -> None:
    explorer.grid.chosen = 19  # as the browser does
    assert "row 3, column 4, looks like a " in explorer.sentence
    assert "row 3, column 4" in explorer.children[1].value
    assert 'role="status"' in explorer.children[1].value


def test_digits_made_ahead_are_those_made_when_asked_for(explorer, monkeypatch) -> None:
    monkeypatch.setattr(ahead, "SOON", 0.0)
    monkeypatch.setattr(ahead, "QUICK", 60.0)
    monkeypatch.setattr(CELLS, "running", False)
    fresh = LatentExplorer(GENERATOR, SETTINGS, AXES)
    asked: list[float] = []

    def make(values: dict[str, Any]) -> tuple[Tensor, Tensor, str]:
        asked.append(values["east"])
        made: tuple[Tensor, Tensor, str] = explorer._digits(values)
        return made

    monkeypatch.setattr(explorer._ahead, "_make", make)
    moves: list[tuple[str, Any]] = [("east", 0.1), ("east", 0.2), ("chosen", 19), ("east", 0.3)]

    async def go() -> None:
        for name, value in moves * 2:
            CELLS.moment += 1  # the message of a hand
            if name == "chosen":
                explorer.grid.chosen = value
            else:
                explorer.controls[name].value = value
            fresh.set(**{name: value})
            assert torch.equal(explorer.images, fresh.images)
            assert explorer.sentence == fresh.sentence
            await asyncio.sleep(0.02)

    asyncio.run(go())
    assert asked[:3] == [0.1, 0.2, 0.3]  # 0.2 was made once, and 0.3 before it was asked for


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"east": 9.0}, r"east = 9\.0 is out of range. Choose from -4 to 4"),
        ({"truncation": -1.0}, "truncation = -1.0 is out of range"),
        ({"seed": -1}, "seed = -1 is out of range"),
        ({"begin": "Z"}, "begin = 'Z' is no choice"),
        ({"west": 1.0}, "no control 'west'. There are: east, far_north, truncation"),
        ({"chosen": 64}, "chosen = 64 is out of range. Choose from 0 to 63"),
    ],
)
def test_nonsense_is_refused_and_changes_nothing(explorer, values, said) -> None:
    sentence = explorer.sentence
    with pytest.raises(UserError, match=said):
        explorer.set(**values)
    assert explorer.sentence == sentence
    for place in ("Z", "", "AB"):
        with pytest.raises(UserError, match="The tray has no place"):
            explorer.keep(place)


def test_wrong_directions_are_refused() -> None:
    for vector in (torch.ones(3), torch.full((64,), float("nan"))):
        with pytest.raises(UserError, match="'up' must be 64 finite numbers"):
            LatentExplorer(GENERATOR, SETTINGS, {"up": vector})


def test_a_failing_callback_is_shown_and_recovers(explorer, monkeypatch) -> None:
    def fail(*args: object) -> None:
        raise ZeroDivisionError("no noise today")

    with monkeypatch.context() as broken:
        broken.setattr("gan_lessons.widgets.latent_explorer.sample", fail)
        explorer.controls["east"].value = 1.0
        assert isinstance(explorer.error, ZeroDivisionError)
        assert "no noise today" in explorer.children[1].value
        with pytest.raises(ZeroDivisionError):
            explorer.set(east=2.0)
    explorer.set(east=0.5)
    assert explorer.error is None
    assert "east +0.5" in explorer.children[1].value


def test_still_beside_the_live_view(explorer) -> None:
    data, about = explorer._repr_mimebundle_()
    assert set(data) == {"text/plain", "image/png", "application/vnd.jupyter.widget-view+json"}
    first = base64.b64decode(data["image/png"])
    assert first.startswith(b"\x89PNG")
    assert about["image/png"]["alt"] == data["text/plain"] == explorer.sentence
    explorer.set(east=3.0)
    assert base64.b64decode(explorer._repr_mimebundle_()[0]["image/png"]) != first


def test_without_a_tray_there_are_only_digits() -> None:
    explorer = LatentExplorer(GENERATOR, SETTINGS, AXES, tray=False)
    assert explorer.grid in explorer.children[0].children
    assert len(explorer.views) == 1
    assert "Half way" not in explorer.sentence
    explorer.set(east=1.0)
    assert explorer.png.startswith(b"\x89PNG")


def test_canvas_gives_back_what_it_shows() -> None:
    canvas = Canvas()
    grey = np.arange(6, dtype=np.uint8).reshape(2, 3)
    canvas.show(grey, "six greys")
    assert np.array_equal(canvas.picture, grey)
    assert canvas.label == "six greys"
    colour = signed(torch.tensor([[1.0, 0.0, -1.0, 0.5]]))
    canvas.show(colour)
    assert canvas.picture.shape == (1, 4, 3)
    assert colour[0, 1].tolist() == [255, 255, 255]
    assert colour[0, 0].tolist() == [0, 114, 178]  # plotting.REAL
    assert colour[0, 2].tolist() == [213, 94, 0]  # plotting.FAKE
    assert (signed(torch.zeros(2, 2)) == 255).all()


def test_tiles_are_the_mosaic_in_bytes_for_images_of_any_size() -> None:
    images = torch.rand(5, 1, 12, 12) * 2 - 1
    wanted = (plotting.mosaic(images, 2) + 1) * 127.5
    shown = tiles(images, 2)
    assert shown.shape == (3 * 14, 2 * 14)
    assert np.abs(shown - wanted.numpy()).max() < 1
    odd = torch.tensor([torch.nan, -7.0, 7.0]).view(3, 1, 1, 1)
    assert tiles(odd, 3)[1, 1::3].tolist() == [127, 0, 255]
    canvas = Canvas(chosen=0)
    canvas.show_tiles(images, 2, "five images")
    assert (canvas.tile, canvas.width, canvas.height) == (14, 28, 42)
    assert canvas.label == "five images"
