"""The idea in boxes and arrows: the two players, their steps, and one pass for both.

Networks have square corners and data round ones; a gradient is a dashed arrow.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gan_lessons.plotting.boxes import INK, PAD, Point, arrow, box, sheet
from gan_lessons.plotting.style import DISCRIMINATOR, FAKE, REAL

PLAIN = "#777777"  # the border of what belongs to no player
PALE = {REAL: "#dceaf5", FAKE: "#fbe6d9", DISCRIMINATOR: "#e6e6e6"}

CORNER = "angle,angleA=0,angleB=90,rad=6"  # an arrow's way: sideways, then up or down
CORNER_BACK = "angle,angleA=180,angleB=90,rad=6"


@dataclass(frozen=True)
class _Box:
    """Where a box stands, how large it is with its border, and what is in it."""

    x: float
    y: float
    width: float
    height: float
    text: str
    colour: str = PLAIN
    network: bool = False
    thick: bool = False

    @property
    def left(self) -> Point:
        return self.x - self.width / 2, self.y

    @property
    def right(self) -> Point:
        return self.x + self.width / 2, self.y

    @property
    def top(self) -> Point:
        return self.x, self.y + self.height / 2

    @property
    def bottom(self) -> Point:
        return self.x, self.y - self.height / 2

    def draw(self, axes: Axes) -> None:
        box(
            axes,
            (self.x, self.y),
            (self.width - 2 * PAD, self.height - 2 * PAD),
            self.text,
            face=PALE.get(self.colour, "white"),
            edge=self.colour,
            linewidth=3.2 if self.thick else 1.0,
            corners="square" if self.network else "round",
            weight="bold" if self.network else "normal",
        )


def players_diagram() -> Figure:
    """What goes into each player and what comes out: noise → G → a fake; a fake or real → D → loss.

    z (64 numbers) goes into G, which makes an image G(z) of 28 × 28 pixels. D gets such fakes, and
    real images x, and answers each with one number, the logit. Each player has a loss of its own,
    made from these logits.
    """
    figure, axes = sheet(8.6, 3.0)
    noise = _Box(0.7, 0.95, 1.1, 0.8, "z: 64 numbers\n(noise)")
    generator = _Box(2.2, 0.95, 0.95, 0.9, "G\ngenerator", FAKE, network=True)
    fake = _Box(3.75, 0.95, 1.2, 0.8, "G(z), a fake:\nimage 28 × 28", FAKE)
    real = _Box(3.75, 2.25, 1.2, 0.8, "x, real:\nimage 28 × 28", REAL)
    discriminator = _Box(5.27, 1.6, 1.15, 1.0, "D\ndiscriminator", DISCRIMINATOR, network=True)
    logit = _Box(6.57, 1.6, 0.75, 0.8, "logit:\n1 number")
    loss_d = _Box(7.85, 2.25, 1.3, 0.8, "D's loss: small if\nx gets high logits\nand G(z) low ones")
    loss_g = _Box(7.85, 0.95, 1.3, 0.8, "G's loss: small if\nG(z) gets\nhigh logits")
    for each in (noise, generator, fake, real, discriminator, logit, loss_d, loss_g):
        each.draw(axes)
    _forward(axes, noise.right, generator.left, "in")
    _forward(axes, generator.right, fake.left, "out")
    for each in (real, fake):
        sign = 1 if each is real else -1
        _forward(axes, each.right, (discriminator.left[0], discriminator.y + sign * 0.25))
        _write(axes, 4.72, discriminator.y + sign * 0.66, "in")
    _forward(axes, discriminator.right, logit.left, "out")
    for each in (loss_d, loss_g):
        sign = 1 if each is loss_d else -1
        _forward(axes, (logit.right[0], logit.y + sign * 0.2), each.left)
    words = "Square corners: a network, with parameters to learn.  Round corners: numbers."
    _write(axes, 4.3, 0.22, words)
    return figure


def steps_diagram() -> Figure:
    """The two steps of a round: which way the gradients flow, and which player is updated.

    On the left D's step: the gradient of D's loss goes back into D and no further, for the fakes
    were cut off from G with `detach()`. On the right G's step: the gradient of G's loss goes back
    through D, which stays as it is, and through the fakes into G.
    """
    figure, axes = sheet(9.0, 3.1)
    boxes = _step(axes, 0.0, "D's step", updated="D", loss="D's\nloss")
    real = _Box(boxes["fake"].x, 2.3, 0.8, 0.45, "x (real)", REAL)
    real.draw(axes)
    _forward(axes, real.right, boxes["D"].top, path=CORNER)
    cut = (boxes["fake"].right[0] + boxes["D"].left[0]) / 2
    _cut(axes, cut, boxes["D"].y)
    _write(axes, cut - 0.1, 1.0, "no gradient\ngoes to G")
    _back(axes, boxes["loss"], boxes["D"])
    boxes = _step(axes, 4.5, "G's step", updated="G", loss="G's\nloss")
    _write(axes, boxes["D"].x, 2.2, "passes the\ngradient on")
    route = [boxes[name] for name in ("loss", "D", "fake", "G")]
    for after, before in pairwise(route):
        _back(axes, after, before)
    axes.plot([4.5, 4.5], [0.5, 3.0], color="#bbbbbb", linewidth=0.8)
    words = "Solid arrows: forward.  Dashed arrows: gradients, backward.  Thick border: updated."
    _write(axes, 4.5, 0.22, words)
    return figure


def one_pass_diagram() -> Figure:
    """One backward pass for both players, which are updated at the same time.

    At the fakes' logit t the slope of D's loss is σ(t), that of G's loss −σ(−t). Both losses reach
    a fake's pixels through the same D, so D's gradient at the pixels, times −σ(−t)/σ(t) for each
    fake, is G's. G's loss needs no backward pass through D of its own.
    """
    figure, axes = sheet(8.6, 3.4)
    y, below = 2.2, 0.85
    noise = _Box(0.4, y, 0.5, 0.6, "z")
    generator = _Box(1.6, y, 0.95, 0.8, "G\nupdated", FAKE, network=True, thick=True)
    fake = _Box(3.1, y, 0.95, 0.6, "G(z)\nfakes", FAKE)
    real = _Box(3.1, 3.0, 0.95, 0.45, "x (real)", REAL)
    discriminator = _Box(4.75, y, 0.95, 0.8, "D\nupdated", DISCRIMINATOR, network=True, thick=True)
    logit = _Box(6.2, y, 0.85, 0.6, "logit t\nof a fake")
    loss_d = _Box(7.8, y, 0.95, 0.6, "D's loss")
    loss_g = _Box(7.8, below, 0.95, 0.6, "G's loss")
    scale = _Box(3.1, below, 1.5, 0.6, "× −σ(−t) / σ(t)\nfor each fake")
    row = (noise, generator, fake, discriminator, logit, loss_d)
    for each in (*row, real, loss_g, scale):
        each.draw(axes)
    for before, after in pairwise(row):
        _forward(axes, before.right, after.left)
    _forward(axes, real.right, (discriminator.left[0], y + 0.28))
    _forward(axes, (logit.x + 0.2, logit.bottom[1]), loss_g.top)
    _gradient(axes, loss_d.top, (logit.x + 0.15, logit.top[1]), "arc3,rad=0.4")
    _write(axes, 7.05, 3.03, "slope σ(t)")
    _gradient(axes, (logit.x - 0.15, logit.top[1]), discriminator.top, "arc3,rad=0.4")
    _write(axes, 5.5, 3.03, "gradient")
    _gradient(axes, discriminator.bottom, (scale.x + 0.5, scale.top[1]), "arc3,rad=-0.15")
    _write(axes, 5.35, 1.5, "gradient of D's loss\nat the pixels")
    _gradient(axes, loss_g.left, scale.right)
    _write(axes, 5.6, below + 0.14, "slope −σ(−t), without a pass through D")
    _gradient(axes, scale.left, generator.bottom, CORNER_BACK)
    _write(axes, 1.0, 1.2, "gradient of\nG's loss")
    words = "One backward pass (dashed arrows) through D; then both players are updated at once."
    _write(axes, 4.3, 0.22, words)
    return figure


def _step(axes: Axes, left: float, title: str, *, updated: str, loss: str) -> Mapping[str, _Box]:
    """One panel of `steps_diagram`, without its gradients."""
    y = 1.6
    fates = {name: "updated" if name == updated else "stays" for name in "GD"}
    boxes = {
        "z": _Box(left + 0.27, y, 0.34, 0.5, "z"),
        "G": _Box(left + 1.05, y, 0.78, 0.75, f"G\n{fates['G']}", FAKE, True, updated == "G"),
        "fake": _Box(left + 1.93, y, 0.52, 0.5, "G(z)", FAKE),
        "D": _Box(
            left + 3.35, y, 0.78, 0.75, f"D\n{fates['D']}", DISCRIMINATOR, True, updated == "D"
        ),
        "loss": _Box(left + 4.2, y, 0.42, 0.5, loss),
    }
    row = list(boxes.values())
    for each in row:
        each.draw(axes)
    for before, after in pairwise(row):
        _forward(axes, before.right, after.left)
    axes.text(left + 2.2, 2.9, title, ha="center", va="center", weight="bold", fontsize=11)
    return boxes


def _forward(axes: Axes, start: Point, end: Point, label: str = "", path: str = "arc3") -> None:
    arrow(axes, start, end, colour=INK, path=path, linewidth=1.2)
    if label:
        _write(axes, (start[0] + end[0]) / 2, start[1] + 0.13, label)


def _gradient(axes: Axes, start: Point, end: Point, path: str = "arc3") -> None:
    arrow(axes, start, end, colour=INK, path=path, dashed=True, linewidth=1.4)


def _back(axes: Axes, after: _Box, before: _Box) -> None:
    """A gradient from a box to the one on its left, below both."""
    start, end = (after.x - 0.08, after.bottom[1]), (before.x + 0.14, before.bottom[1] - 0.03)
    bend = 0.44 / (start[0] - end[0])  # as deep for boxes far apart as for neighbours
    _gradient(axes, start, end, f"arc3,rad={-bend}")
    _write(axes, (start[0] + end[0]) / 2, 0.9, "gradient")


def _cut(axes: Axes, x: float, y: float) -> None:
    """Two strokes across an arrow, and what makes the cut."""
    for shift in (-0.04, 0.04):
        axes.plot([x + shift - 0.04, x + shift + 0.04], [y - 0.13, y + 0.13], color=INK, lw=1.6)
    axes.text(x, y + 0.25, "detach()", ha="center", va="center", fontsize=9, family="monospace")


def _write(axes: Axes, x: float, y: float, text: str) -> None:
    axes.text(x, y, text, ha="center", va="center", fontsize=9, color=INK)
