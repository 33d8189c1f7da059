"""How good are these images? Distances, coverage, copies, and how well classes are recognised.

The numbers mean something only beside others from the same extractor and the same number of
samples. `report` and `class_report` measure images of digits; all other functions take features
(N, d) of whatever extractor you like, one row for each sample. Distances are Euclidean, and
computed some rows at a time, so that memory stays small however many samples there are.
"""

from gan_lessons.metrics.classes import ClassReport, class_report
from gan_lessons.metrics.classification import Scores, classification_scores
from gan_lessons.metrics.coverage import (
    DensityCoverage,
    PrecisionRecall,
    density_coverage,
    precision_recall,
)
from gan_lessons.metrics.digits import Report, report
from gan_lessons.metrics.distribution import frechet_distance, kernel_distance, statistics
from gan_lessons.metrics.neighbours import Memorisation, memorisation, nearest, neighbour_radii

__all__ = [
    "ClassReport",
    "DensityCoverage",
    "Memorisation",
    "PrecisionRecall",
    "Report",
    "Scores",
    "class_report",
    "classification_scores",
    "density_coverage",
    "frechet_distance",
    "kernel_distance",
    "memorisation",
    "nearest",
    "neighbour_radii",
    "precision_recall",
    "report",
    "statistics",
]
