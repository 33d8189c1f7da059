"""Matplotlib figures from arrays: one look, colours that colour-blind people can tell apart.

Every function returns a new `matplotlib.figure.Figure` and touches no pyplot state; a notebook
shows a figure that ends a cell. Real is always blue and solid, fake always orange and dashed;
in diagrams the dashes are gradients.
"""

from gan_lessons.plotting.animation import Animation, animation
from gan_lessons.plotting.course import course_map
from gan_lessons.plotting.curves import chart, curves, estimates, lines, marks, races, smooth
from gan_lessons.plotting.detection import counts, reliability
from gan_lessons.plotting.diagrams import one_pass_diagram, players_diagram, steps_diagram
from gan_lessons.plotting.digits import (
    DigitGrid,
    bars,
    digit_grid,
    digit_rows,
    matrices,
    mosaic,
    show_digits,
)
from gan_lessons.plotting.distributions import densities, groups, histograms, pairs, strips
from gan_lessons.plotting.objectives import pushed_batch, pushes
from gan_lessons.plotting.plane import balls, clouds, contours, paths, sidestep
from gan_lessons.plotting.scores import scores
from gan_lessons.plotting.sequences import piano_roll, sentences, sweeps
from gan_lessons.plotting.style import DISCRIMINATOR, FAKE, REAL, Picture, png, tidy

__all__ = [
    "DISCRIMINATOR",
    "FAKE",
    "REAL",
    "Animation",
    "DigitGrid",
    "Picture",
    "animation",
    "balls",
    "bars",
    "chart",
    "clouds",
    "contours",
    "counts",
    "course_map",
    "curves",
    "densities",
    "digit_grid",
    "digit_rows",
    "estimates",
    "groups",
    "histograms",
    "lines",
    "marks",
    "matrices",
    "mosaic",
    "one_pass_diagram",
    "pairs",
    "paths",
    "piano_roll",
    "players_diagram",
    "png",
    "pushed_batch",
    "pushes",
    "races",
    "reliability",
    "scores",
    "sentences",
    "show_digits",
    "sidestep",
    "smooth",
    "steps_diagram",
    "strips",
    "sweeps",
    "tidy",
]
