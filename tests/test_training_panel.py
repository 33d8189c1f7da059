"""The live training panel, driven without a browser."""

import base64
import io
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import matplotlib.image
import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from gan_lessons.errors import UserError
from gan_lessons.methods import RECIPES, GANSettings, OnePassSettings
from gan_lessons.plane import Plan, PlaneTrainer
from gan_lessons.training import Chart, Diverged, Trainer
from gan_lessons.widgets import TrainingPanel
from gan_lessons.widgets.canvas import tiles
from gan_lessons.widgets.panel_curves import Columns, Curves, RunCurves
from gan_lessons.widgets.snapshots import Mark

SMALL = GANSettings(latent_dim=4, generator_width=4, discriminator_width=4, batch_size=8)
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def samples() -> torch.Tensor:
    return torch.rand(50, 1, 28, 28, generator=torch.Generator().manual_seed(0)) * 2 - 1


@pytest.fixture
def panel(samples: torch.Tensor) -> TrainingPanel:
    return TrainingPanel(samples, SMALL)


def pictures(panel: TrainingPanel) -> list[bytes]:
    digits = [canvas.pixels for canvases in panel._digits for canvas in canvases]
    return [*digits, bytes(panel._curves_image.value), panel._strip_canvas.pixels]


def press(panel: TrainingPanel, text: str) -> None:
    buttons = [w for w in widgets_in(panel) if getattr(w, "description", "") == text]
    (button,) = [w for w in buttons if hasattr(w, "click")]
    button.click()


def widgets_in(box: Any) -> list[Any]:
    return [box, *(found for child in getattr(box, "children", ()) for found in widgets_in(child))]


def test_steps_draw_digits_curves_and_filmstrip(panel: TrainingPanel) -> None:
    first = pictures(panel)
    assert first[4].startswith(PNG)
    assert panel.sentence == "Step 0: nothing is learned yet."
    panel.step(25)
    second = pictures(panel)
    for i in (0, 1, 4, 5):  # as it is, average, curves, filmstrip; run 2 is not there
        assert first[i] != second[i], i
    now, ema = panel._digits[0]
    for canvas, is_ema in ((now, False), (ema, True)):
        shown = tiles(panel.trainer.sample(panel.trainer.inputs(24, seed=1), is_ema), 8)
        assert np.array_equal(canvas.picture, shown)
    assert now.label == "run 1: as it is now"
    assert second[0] != second[1]
    event = panel.trainer.history[-1]
    assert panel.sentence == (
        f"Step 25, epoch 4.0, {event.elapsed:.0f} s: "
        f"D(x) = {event.d_real:.2f}, D(G(z)) = {event.d_fake:.2f}."
    )
    assert panel.sentence in panel.live.line.value


def test_set_moves_controls_and_leaves_a_mark(panel: TrainingPanel) -> None:
    panel.step(3)
    before = panel._curves_image.value
    panel.set(lr_discriminator=1e-3, objective="hinge")
    assert panel.controls["lr_discriminator"].value == 1e-3
    assert panel.controls["objective"].value == "hinge"
    assert panel.trainer.settings.lr_discriminator == 1e-3
    assert "a: step 3: rate of D, η_D 0.003 → 0.001" in panel._marks.value
    assert "b: step 3: objective non-saturating → hinge" in panel._marks.value
    assert panel._curves_image.value != before
    panel.step()
    assert panel.trainer.optimizer_discriminator.param_groups[0]["lr"] == 1e-3


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("lr_generator", 1e-2),
        ("beta1", 0.5),
        ("ema_decay", 0.1),
        ("objective", "least_squares"),
        ("penalty", "gradient_penalty"),
        ("penalty_weight", 10.0),
        ("noise_scale", 2.0),
        ("label_smoothing", 0.1),
        ("instance_noise", 0.5),
        ("discriminator_steps", 3),
        ("generator_steps", 2),
    ],
)
def test_every_control_changes_what_is_learned(samples: Any, name: str, value: Any) -> None:
    learned = []
    for move in (False, True):
        panel = TrainingPanel(samples, SMALL)
        panel.step(2)
        if move:
            panel.controls[name].value = value  # as the browser does
            assert getattr(panel.trainer.settings, name) == value
            assert [mark.name for mark in panel.live.marks] == [name]
        panel.step(6)
        learned.append([p.clone() for p in panel.trainer.generator_ema.parameters()])
    assert not all(map(torch.equal, *learned))


def test_controls_start_where_the_settings_are(samples: torch.Tensor) -> None:
    panel = TrainingPanel(samples, replace(SMALL, beta1=0.5, penalty="none"))
    settings = panel.trainer.settings
    for name, control in panel.controls.items():
        assert control.value == getattr(settings, name), name
        assert control.description
    assert panel.live.marks == []


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"lr_generator": 5}, "lr_generator is 5; choose a number from 0 to 0.1"),
        ({"lr_generator": 0}, "lr_generator = 0 is out of range. Choose from 1e-06 to 0.1"),
        ({"beta1": float("nan")}, "beta1 is nan"),
        ({"penalty": "r3"}, "penalty is 'r3'; choose one of"),
        ({"latent_dim": 8}, "latent_dim is fixed when a run begins"),
        ({"rate": 1}, "no setting 'rate'"),
        ({"beta1": 0.5, "noise_scale": 6}, "noise_scale = 6 is out of range. Choose from 0.1 to 5"),
    ],
)
def test_nonsense_is_refused_and_changes_nothing(
    panel: TrainingPanel, settings: dict[str, Any], said: str
) -> None:
    before = panel.trainer.settings
    with pytest.raises(UserError, match=said):
        panel.set(**settings)
    assert panel.trainer.settings == before


def test_a_move_that_settings_refuse_is_said_and_taken_back(panel: TrainingPanel) -> None:
    panel.set(label_smoothing=0.1)
    panel.controls["objective"].value = "hinge"
    assert "has no labels to smooth" in panel.live.line.value
    assert 'role="alert"' in panel.live.line.value
    assert panel.controls["objective"].value == "non_saturating"
    assert isinstance(panel.live.error, UserError)


def test_rewinding_by_slider_and_button(panel: TrainingPanel) -> None:
    panel.step(30)
    panel.set(beta1=0.5)
    panel.step(30)
    assert [step for _, step in panel._strip.options] == [0, 25, 30, 55]
    assert panel._strip.value == 55
    press(panel, "Rewind")
    assert panel.live.step_now == 55
    press(panel, "Rewind")
    assert panel.live.step_now == panel._strip.value == 30
    assert panel.controls["beta1"].value == 0.0  # 30 is the moment before the move
    panel._strip.value = 55  # forth again
    assert panel.live.step_now == 55
    assert panel.controls["beta1"].value == 0.5
    panel.rewind(0)
    press(panel, "Rewind")
    assert panel.live.step_now == 0


def test_the_filmstrip_says_how_much_memory_it_takes(samples: torch.Tensor) -> None:
    panel = TrainingPanel(samples, SMALL, megabytes=0.15)
    panel.step(120)
    kept = panel.live.snapshots
    assert len(kept.steps) > 2
    assert kept.megabytes <= 0.15
    assert f"{kept.megabytes:.3g} MB of at most 0.15 MB" in panel._memory.value
    assert panel._strip_canvas.picture.shape == (3 * 30, len(kept.steps) * 30)


def _file(png: bytes) -> Any:
    return io.BytesIO(png)


def test_branch_shows_two_runs_that_differ_in_one_setting(panel: TrainingPanel) -> None:
    panel.step(5)
    assert panel._rows[1].layout.display == "none"
    press(panel, "Branch")
    assert panel._rows[1].layout.display is None
    assert panel.sentence.endswith("They do not differ in any setting.")
    panel.controls["lr_generator"].value = 1e-4
    assert [run.settings.lr_generator for run in panel.live.runs] == [3e-3, 1e-4]
    panel.step(5)
    assert panel.sentence.endswith("They differ in rate of G, η_G 0.003 in run 1, 0.0001 in run 2.")
    shown = pictures(panel)
    assert shown[0] != shown[2]
    panel._which.value = 0  # controls move run 1 now
    assert panel.controls["lr_generator"].value == 3e-3
    assert panel.trainer is panel.live.runs[0]
    press(panel, "Keep run 2")
    assert panel._rows[1].layout.display == "none"
    assert panel.controls["lr_generator"].value == 1e-4


def test_half_steps_are_put_in_words(panel: TrainingPanel) -> None:
    press(panel, "Step D")
    assert "Step 0, D has moved and G has not" in panel.sentence
    press(panel, "Step G")
    assert panel.sentence.startswith("Step 1, epoch")
    press(panel, "Step G")
    assert "G has moved alone" in panel.sentence
    press(panel, "Step")
    assert panel.sentence.startswith("Step 3, epoch")
    assert panel.live.error is None


def test_save_and_resume(samples: torch.Tensor, tmp_path: Path) -> None:
    panel = TrainingPanel(samples, SMALL)
    panel.step(5)
    panel.set(beta1=0.5)
    panel._file.value = str(tmp_path / "run.pt")
    press(panel, "Save")
    assert f"Saved step 5, its marks and its filmstrip as {tmp_path / 'run.pt'}" in (
        panel.live.message
    )
    assert "is new" not in panel.live.message
    panel.step(5)
    other = TrainingPanel(samples, replace(SMALL, seed=1))
    other.resume(tmp_path / "run.pt")
    assert other.live.step_now == 5
    assert other.controls["beta1"].value == 0.5
    assert [mark.name for mark in other.live.marks] == ["beta1"]
    assert other.live.snapshots.steps == [0, 5]  # the filmstrip came along
    other.step(5)
    for mine, theirs in zip(
        panel.trainer.generator.parameters(), other.trainer.generator.parameters(), strict=True
    ):
        assert torch.equal(mine, theirs)
    other._file.value = str(tmp_path / "none.pt")
    press(other, "Resume")
    assert "There is no checkpoint" in other.live.line.value
    other._file.value = str(tmp_path / "new" / "run.pt")
    press(other, "Save")
    assert f"The folder {tmp_path / 'new'} is new." in other.live.message
    assert "There is no checkpoint" not in other.live.line.value
    other.rewind(0)
    assert other.trainer.settings.beta1 == 0.0
    other.step(5)
    panel.rewind(5)
    start = [p.clone() for p in panel.trainer.generator.parameters()]
    assert all(map(torch.equal, start, other.trainer.generator.parameters()))


def test_a_run_beside_another_is_saved_alone(samples: torch.Tensor, tmp_path: Path) -> None:
    panel = TrainingPanel(samples, SMALL)
    panel.step(5)
    panel.branch(beta1=0.5)
    panel.step(30)
    panel.save(tmp_path / "run.pt")
    other = TrainingPanel(samples, SMALL)
    other.resume(tmp_path / "run.pt")
    assert [str(mark) for mark in other.live.marks] == ["a: step 5: beta1 0.0 → 0.5"]
    other.rewind(5)
    assert other.trainer.settings.beta1 == 0.5
    assert len(other.live.runs) == 1
    (tmp_path / "old.pt").unlink(missing_ok=True)
    Trainer(samples, SMALL).save(tmp_path / "old.pt")  # not by a panel
    other.resume(tmp_path / "old.pt")
    assert (other.live.step_now, other.live.marks) == (0, [])


def test_the_panel_has_a_speed_and_folds_what_is_seldom_moved(panel: TrainingPanel) -> None:
    panel.speed.value = 10
    assert (panel.live.speed, panel.live.slow) == (10.0, 0.0)
    panel.speed.value = "slow"
    assert (panel.live.speed, panel.live.slow) == (0.0, 3.0)
    main, more = (box for box in widgets_in(panel) if type(box).__name__ == "GridBox")
    assert {control.description for control in main.children} == {
        "rate of D, η_D",
        "rate of G, η_G",
        "objective",
        "updates of D, k_D",
    }
    assert more.layout.display == "none"
    assert len(main.children) + len(more.children) == len(panel.controls)


def test_a_finished_run_goes_on_in_the_panel(samples: torch.Tensor, tmp_path: Path) -> None:
    trainer = Trainer(samples, replace(SMALL, steps=3))
    for _ in trainer.run():
        pass
    trainer.save(tmp_path / "run.pt")
    panel = TrainingPanel(samples, SMALL)
    panel.resume(tmp_path / "run.pt")
    panel.step(2)
    assert panel.live.step_now == 5
    assert panel.trainer.optimizer_generator.param_groups[0]["lr"] == 3e-3


@pytest.mark.parametrize("kind", ["one_pass", "plane"])
def test_a_run_of_another_method_is_not_resumed(
    panel: TrainingPanel, samples: torch.Tensor, tmp_path: Path, kind: str
) -> None:
    path = tmp_path / "run.pt"
    if kind == "plane":
        PlaneTrainer(Plan(layers=1)).save(path)
    else:
        small = OnePassSettings(latent_dim=4, generator_width=4, discriminator_width=4)
        Trainer(samples, small).save(path)
    panel.step(2)
    trainer = panel.trainer
    with pytest.raises(UserError, match=f"is a run of the method '{kind}'; this panel moves 'gan'"):
        panel.resume(path)
    panel._file.value = str(path)
    press(panel, "Resume")
    assert f"is a run of the method &#x27;{kind}&#x27;" in panel.live.line.value
    assert panel.trainer is trainer
    panel.step()
    assert panel.live.step_now == 3


@pytest.mark.parametrize("shape", [(64, 2), (64, 28, 28), (64, 2, 28, 28), (64, 1, 1, 28, 28)])
def test_what_is_no_picture_is_refused(shape: tuple[int, ...]) -> None:
    said = r"The panel shows pictures: give images of shape \(N, 1, h, w\) or \(N, 3, h, w\), not "
    with pytest.raises(UserError, match=said + re.escape(str(shape))):
        TrainingPanel(torch.zeros(shape), SMALL)
    with pytest.raises(UserError, match=said + "list"):
        TrainingPanel([0.0], SMALL)  # type: ignore[arg-type]


def test_pictures_may_be_coloured_and_of_another_size() -> None:
    samples = torch.rand(50, 3, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1
    panel = TrainingPanel(samples, SMALL)
    panel.step(3)
    now, ema = panel._digits[0]
    for canvas, is_ema in ((now, False), (ema, True)):
        made = panel.trainer.sample(panel.trainer.inputs(24, seed=1), is_ema)
        assert made.shape == (24, 3, 16, 16)
        assert np.array_equal(canvas.picture, tiles(made, 8))
        assert canvas.picture.shape == (3 * 18, 8 * 18, 3)
    assert panel._strip_canvas.picture.shape == (3 * 18, 18, 3)
    still = matplotlib.image.imread(_file(panel.png))
    assert len(np.unique(still.reshape(-1, 4), axis=0)) > 500
    assert panel.live.error is None


def test_divergence_is_shown_with_the_way_back(panel: TrainingPanel) -> None:
    panel.step(26)
    with torch.no_grad():
        next(panel.trainer.generator.parameters()).fill_(float("nan"))
    with pytest.raises(Diverged):
        panel.step()
    assert "became nan at step 26" in panel.live.message
    assert "You can rewind to step 25." in panel.live.line.value
    press(panel, "Rewind")
    assert panel.live.step_now == 25
    panel.step()
    assert panel.live.error is None


def test_the_still_shows_digits_curves_and_marks(panel: TrainingPanel) -> None:
    panel.step(4)
    panel.set(lr_generator=1e-3)
    data, about = panel._repr_mimebundle_()
    assert set(data) == {"text/plain", "image/png", "application/vnd.jupyter.widget-view+json"}
    assert "a: step 4: rate of G, η_G 0.003 → 0.001." in data["text/plain"]
    assert about["image/png"]["alt"] == data["text/plain"]
    one = matplotlib.image.imread(_file(base64.b64decode(data["image/png"])))
    panel.branch()
    two = matplotlib.image.imread(_file(panel.png))
    assert two.shape[0] == 2 * one.shape[0]
    assert len(np.unique(one)) > 50


def test_curves_are_of_whatever_columns_there_are() -> None:
    charts = (Chart("one", {"reconstruction": "per pixel"}), Chart("", {"a": "A", "b": "B"}))
    figure = Figure()
    axes = list(figure.subplots(1, 2))
    curves = RunCurves(charts, axes)
    columns: Columns = {
        "step": [1, 2, 3],
        "reconstruction": [3.0, 2.0, 1.0],
        "a": [0.0] * 3,
        "b": [9.0] * 3,
    }
    for marks in ([Mark("a", 2, None, "lr", 1, 2), Mark("b", 2, None, "beta", 1, 2)], []):
        curves.update(columns, 3, marks)
        assert [text.get_text() for text in axes[0].texts] == (["a,b"] if marks else [])
    near = [Mark(letter, 100 + i, None, "lr", 1, 2) for i, letter in enumerate("abcd")]
    curves.update(columns, 1000, [*near, Mark("e", 500, None, "lr", 1, 2)])
    assert [text.get_text() for text in axes[0].texts] == ["a–d", "e"]
    curves.update(columns, 3, [])
    (line,) = axes[0].lines
    assert list(line.get_xdata()) == [1, 2, 3]
    assert list(line.get_ydata()) == [3.0, 2.5, 2.0]  # the running mean
    assert axes[0].get_ylabel() == "one"
    assert [line.get_label() for line in axes[1].lines] == ["A", "B"]
    low, high = axes[1].get_ylim()
    assert low < 0 < 9 < high
    drawn = Curves()
    one = matplotlib.image.imread(_file(drawn.draw(charts, [(columns, 3, [])])))
    two = matplotlib.image.imread(_file(drawn.draw(charts, [(columns, 3, [])] * 2)))
    assert two.shape[0] == 2 * one.shape[0]


def test_default_is_the_recipe_of_the_lessons() -> None:
    panel = TrainingPanel(torch.zeros(64, 1, 28, 28))
    assert replace(panel.trainer.settings, lr_decay="cosine") == RECIPES["dcgan"]


def test_closing(panel: TrainingPanel) -> None:
    panel.close()
    assert panel.comm is None
    with pytest.raises(UserError, match="closed"):
        panel.live.play()
