"""One run in the plane as pictures: raw arrays for the canvas, and a still without one."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import torch
import traitlets
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch import Tensor

from gan_lessons import plane, plotting
from gan_lessons.methods.gan import SMOOTHED
from gan_lessons.plane import EDGE, PlaneTrainer, Score

CELLS = 40  # the field has CELLS × CELLS shades
SHOWN = 256  # real and fake points in the picture
ARROWS = 64
LINES = 17  # of the warped noise grid, each way
LONGEST = 0.6  # an arrow in the picture, for a gradient without end
HALFWAY = 0.4  # the gradient whose arrow is half as long as that
BINS = 200  # points of a curve, at most
CURVES = ("step", "loss_discriminator", "loss_generator", "d_real", "d_fake")
VIEWS = {
    "real": "real points",
    "fake": "fake points",
    "arrows": "arrows: gradient of G's loss",
    "grid": "warped noise grid",
    "curves": "curves",
}
FIELDS = {"D's answers": "D", "best discriminator D*": "best", "nothing": "nothing"}
SHADES = LinearSegmentedColormap.from_list("fake_to_real", ["#e59c69", "white", "#61a9d0"])

Array = NDArray[np.float32]


class PlaneCanvas(anywidget.AnyWidget):
    """The canvas of one run. Arrays are float32, coordinates those of the plane.

    ``real``, ``fake``: x, y of each point. ``arrows``: x, y, dx, dy. ``field``: uint8 shades from
    0, fake, to 255, real, rows from the lowest y up. ``grid``: x, y of the corners, ``lines`` in
    a row (0: one curve). ``curves``: see `curve_data`. Empty arrays are not drawn. ``chosen``: the
    point that is looked at, fakes first, then reals (-1: none); ``note`` says what it is, and
    ``arrow`` is its own. ``told`` says what just moved, where no point is looked at.
    """

    _esm = (Path(__file__).parent / "playground.js").read_text(encoding="utf-8")
    _css = (Path(__file__).parent / "playground.css").read_text(encoding="utf-8")
    edge = traitlets.Float(EDGE).tag(sync=True)
    real = traitlets.Bytes().tag(sync=True)
    fake = traitlets.Bytes().tag(sync=True)
    arrows = traitlets.Bytes().tag(sync=True)
    field = traitlets.Bytes().tag(sync=True)
    grid = traitlets.Bytes().tag(sync=True)
    lines = traitlets.Int(0).tag(sync=True)
    dense = traitlets.Bool(True).tag(sync=True)
    curves = traitlets.Bytes().tag(sync=True)
    charts = traitlets.Bool(True).tag(sync=True)
    floor = traitlets.Float(0.0).tag(sync=True)
    covers = traitlets.Unicode("modes covered").tag(sync=True)
    marks: Any = traitlets.List().tag(sync=True)  # [letter, step]
    title = traitlets.Unicode().tag(sync=True)
    label = traitlets.Unicode().tag(sync=True)
    curves_label = traitlets.Unicode().tag(sync=True)
    chosen = traitlets.Int(-1).tag(sync=True)
    note = traitlets.Unicode().tag(sync=True)
    arrow = traitlets.Bytes().tag(sync=True)
    told = traitlets.Unicode().tag(sync=True)
    look = traitlets.Unicode().tag(sync=True)  # the part, plane or curves, that a guide points at
    narrow = traitlets.Bool(False).tag(sync=True)  # curves below the plane, not beside it
    drawing = traitlets.Bool(False).tag(sync=True)

    def show(
        self, view: "View", views: dict[str, bool], field: str, score: Score, marks: list[Any]
    ) -> None:
        """Send what is to be seen of a run, measured as ``score``; ``marks``: [letter, step]."""
        run = view.trainer
        with self.hold_sync():
            for name, value in array_bytes(view.arrays(views, field)).items():
                setattr(self, name, value)
            if views["curves"]:
                self.curves = packed(*curve_data(run, score))
            self.charts = views["curves"]
            self.marks = marks
            self.lines = 0 if run.settings.latent_dim == 1 else LINES
            self.dense = run.settings.latent_dim == 2
            self.floor = run.coverage.floor[0]
            self.covers = covers(run)
            if self.chosen >= 0 or self.note:
                self.note, arrow = view.about(self.chosen)
                self.arrow = arrow.tobytes()


class View:
    """What is to be seen of one run, as arrays; those that are switched off are empty."""

    def __init__(self, trainer: PlaneTrainer) -> None:
        self.trainer = trainer
        self.best = plane.OptimalDiscriminator(trainer.coverage.mixture, CELLS)
        self._cells = plane.cell_centres(CELLS)
        self._noise = plane.noise_grid(trainer.settings, LINES)

    def arrays(self, views: dict[str, bool], field: str) -> dict[str, Array]:
        """The arrays of `PlaneCanvas` but for the curves; ``field`` is a value of `FIELDS`."""
        fakes = self.trainer.fakes(SHOWN)
        nothing = torch.empty(0)
        return {
            "real": _numpy(self.trainer.samples[:SHOWN] if views["real"] else nothing),
            "fake": _numpy(fakes if views["fake"] else nothing),
            "arrows": _numpy(self._arrows(fakes[:ARROWS]) if views["arrows"] else nothing),
            "grid": _numpy(plane.warped_grid(self.trainer, LINES) if views["grid"] else nothing),
            "field": _numpy(self._field(field)),
        }

    def about(self, index: int) -> tuple[str, Array]:
        """What the point of an index is, as in `PlaneCanvas`, and its arrow; none for a real."""
        run = self.trainer
        fakes = run.fakes(SHOWN)
        if index < 0 or index >= len(fakes) + min(SHOWN, len(run.samples)):
            return "", np.zeros((0, 4), np.float32)
        if index >= len(fakes):
            point = run.samples[index - len(fakes)]
            words = f"Real point {_numbers(point)}: {self._answer(point)}."
            return words, np.zeros((0, 4), np.float32)
        point = fakes[index]
        pull = plane.generator_gradient(run, fakes)[index].norm().item()
        words = (
            f"Fake {index + 1}: z = {_numbers(run.noise(index + 1)[index])} → "
            f"G(z) = {_numbers(point)} → {self._answer(point)}. "
            f"Its arrow, the pull of G's loss, has the length {pull:.2g}."
        )
        return words, _numpy(self._arrows(fakes)[index : index + 1])

    @torch.no_grad()
    def _answer(self, point: Tensor) -> str:
        logit = self.trainer.discriminator(point[None])[0]
        if self.trainer.settings.objective in SMOOTHED:
            return f"D = {logit.sigmoid().item():.2g}"
        return f"D's score {logit.item():.2f}".replace("-", "−")

    def _field(self, which: str) -> Tensor:
        if which == "nothing":
            return torch.empty(0)
        if which == "best":
            return self.best(self.trainer.fakes(2000))
        return plane.discriminator_shade(self.trainer, self._cells).view(CELLS, CELLS)

    def _arrows(self, fakes: Tensor) -> Tensor:
        # Compressed, so that a gradient of 0.1 and one of 10 can both be seen.
        pull = plane.generator_gradient(self.trainer, fakes)
        length = pull.norm(dim=1, keepdim=True)
        return torch.cat([fakes, LONGEST * pull / (length + HALFWAY)], dim=1)


def _numbers(values: Tensor) -> str:
    text = ", ".join(f"{value:.2f}" for value in values[:3].tolist())
    return f"({text}{', …' if len(values) > 3 else ''})".replace("-", "−")


def _numpy(values: Tensor) -> Array:
    # A run that diverges may still be looked at: what is not finite is drawn nowhere.
    found: Array = values.detach().float().nan_to_num(1e9, 1e9, -1e9).numpy()
    return found


def shades(field: Array) -> bytes:
    """Answers from 0 to 1 as bytes."""
    return (255 * field.clip(0, 1) + 0.5).astype(np.uint8).tobytes()


def curve_data(trainer: PlaneTrainer, now: Score) -> tuple[Array, Array]:
    """The run's curves, thinned: events (m, 5) and scores (k, 4), the last of them ``now``.

    Columns: step, D's loss, G's loss, D(x), D(G(z)); and step, share of parts covered, share of
    good samples, JSD. An event is the mean of up to 5 neighbours.
    """
    history = trainer.history
    scores = [score for score in trainer.scores if score.step != now.step] + [now]
    stride = max(1, -(-len(history) // BINS))
    near = min(stride, 5)
    columns = np.stack([np.asarray(history.column(name), np.float32) for name in CURVES], axis=1)
    ends = np.arange(len(history), near - 1, -stride)[::-1]
    events = _means(columns[ends[:, None] - near + np.arange(near)])
    thin = scores[::-1][:: max(1, -(-len(scores) // BINS))][::-1]
    rows = [(s.step, s.covered / s.parts, s.good, s.jsd) for s in thin]
    return events, np.array(rows, dtype=np.float32)


def _means(neighbours: Array) -> Array:
    """Means (m, c) of neighbours (m, near, c), without those that are NaN."""
    known = np.isfinite(neighbours)
    total, count = np.where(known, neighbours, 0).sum(axis=1), known.sum(axis=1)
    means: Array = np.where(count > 0, total / np.maximum(count, 1), np.nan).astype(np.float32)
    return means


def packed(events: Array, scores: Array) -> bytes:
    """Both counts, then every column of the events, then every column of the scores."""
    counts = np.array([len(events), len(scores)], dtype=np.float32)
    return b"".join(part.tobytes() for part in (counts, events.T, scores.T))


def still(
    runs: Sequence[PlaneTrainer], views: dict[str, bool], field: str, titles: Sequence[str]
) -> Figure:
    """The same picture by matplotlib, for the saved notebook."""
    wide = 2 if views["curves"] else 1
    figure = plotting.Picture(figsize=(4.2 * wide, 4.2 * len(runs)), layout="constrained")
    panels = figure.subplots(len(runs), wide, squeeze=False)
    for row, trainer, title in zip(panels, runs, titles, strict=True):
        _plane(row[0], trainer, views, field)
        row[0].set_title(title, fontsize=9)
        if views["curves"]:
            _curves(row[1], trainer)
    return figure


def _plane(axes: Axes, trainer: PlaneTrainer, views: dict[str, bool], field: str) -> None:
    arrays = View(trainer).arrays(views, field)
    box = (-EDGE, EDGE, -EDGE, EDGE)
    if arrays["field"].size:
        answers = arrays["field"]
        axes.imshow(
            answers, SHADES, extent=box, origin="lower", vmin=0, vmax=1, interpolation="bilinear"
        )
    if views["grid"]:
        _grid(axes, arrays["grid"], trainer.settings.latent_dim)
    if views["real"]:
        axes.plot(*arrays["real"].T, "o", color=plotting.REAL, markersize=2.5, label="real")
    if views["fake"]:
        axes.plot(*arrays["fake"].T, "x", color=plotting.FAKE, markersize=4, label="fake")
    if views["arrows"]:
        axes.quiver(*arrays["arrows"].T, angles="xy", scale_units="xy", scale=1, width=0.004)
    if views["real"] or views["fake"]:
        axes.legend(fontsize=8, loc="upper right")
    axes.set(xlim=box[:2], ylim=box[2:], aspect="equal")


def _grid(axes: Axes, corners: Array, latent_dim: int) -> None:
    if latent_dim == 1:
        axes.plot(*corners.T, color="#503000", linewidth=2, alpha=0.6)
        return
    square = corners.reshape(LINES, LINES, 2)
    cells = np.stack([square[:-1, :-1], square[:-1, 1:], square[1:, 1:], square[1:, :-1]], axis=2)
    cells = cells.reshape(-1, 4, 2)
    x, y = cells[..., 0], cells[..., 1]
    area = np.abs((x * np.roll(y, -1, 1) - np.roll(x, -1, 1) * y).sum(axis=1)) / 2
    density = 1 / len(cells) / np.maximum(area, 1e-6)
    opaque = 0.75 * np.minimum(1, density / 1.5) if latent_dim == 2 else np.zeros(len(cells))
    faces = [(213 / 255, 94 / 255, 0, alpha) for alpha in opaque]
    axes.add_collection(
        PolyCollection(list(cells), facecolors=faces, edgecolors="#50300088", linewidths=0.5)
    )


def _curves(axes: Axes, trainer: PlaneTrainer) -> None:
    _, scores = curve_data(trainer, trainer.score())
    step, covered, good, jsd = scores.T
    axes.plot(step, covered, color="#009e73", label=covers(trainer))
    axes.plot(step, good, color="#cc79a7", linestyle="--", label="share of good samples")
    axes.plot(step, jsd, color=plotting.DISCRIMINATOR, linestyle="-.", label="JSD (nats)")
    floor = trainer.coverage.floor[0]
    axes.axhline(
        floor,
        color=plotting.DISCRIMINATOR,
        linewidth=0.8,
        linestyle=":",
        label="floor: the JSD of real samples",
    )
    axes.set(xlabel="step", ylim=(0, 1.02))
    axes.legend(fontsize=8)
    plotting.tidy(axes)


def covers(trainer: PlaneTrainer) -> str:
    """What the curve of covered parts is called."""
    return "modes covered" if trainer.coverage.modes else "stretches covered"


def array_bytes(arrays: dict[str, Array]) -> dict[str, Any]:
    """Arrays as `PlaneCanvas` takes them."""
    return {
        name: shades(values) if name == "field" else values.astype(np.float32).tobytes()
        for name, values in arrays.items()
    }
