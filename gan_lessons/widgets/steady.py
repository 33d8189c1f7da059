"""Figures that follow one another quickly: what they have in common is computed once.

Most of the time a figure of two axes takes goes into its layout, into ticks, their labels and the
grid, and into legends. While texts around axes need as much room, axes keep their places; and while
ticks, titles and legends are the same, they are laid over what is drawn anew.
"""

import gc
import io
import math
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.lines import Line2D
from matplotlib.transforms import Bbox
from PIL import Image

from gan_lessons import plotting

DPI = 100
GRID = 1.5  # zorder of ticks and grid: above areas, below lines
NARROWEST = 320  # pixels: axes in a figure narrower than that have no room for their labels
BEST = 0  # matplotlib's number for a legend that looks for a place itself


Places = tuple[list[Bbox], list[tuple[float, float]]]  # of axes, and of the texts around them


class Overlay(NamedTuple):
    """Pixels that are laid over a picture: where, their colours times alpha, and 1 − alpha."""

    places: np.ndarray[Any, Any]
    colours: np.ndarray[Any, Any]
    rest: np.ndarray[Any, Any]

    def lay_over(self, pixels: np.ndarray[Any, Any]) -> None:
        """Change pixels (N, 4) of a picture."""
        mixed = self.colours + self.rest * pixels[self.places, :3]
        pixels[self.places, :3] = (mixed + 0.5).astype(np.uint8)


class Steady:
    """Draws figures of one kind, one after another."""

    def __init__(self) -> None:
        self._places: dict[Hashable, Places] = {}
        self._before: Hashable = None  # what stands around the axes of the last figure
        self._overlays: tuple[Overlay, Overlay] | None = None  # the same, as pixels; and legends

    def png(self, figure: Figure) -> bytes:
        """A figure as PNG bytes, quickly compressed."""
        if figure.subfigs:
            return plotting.png(figure, DPI, compression=1)
        for axes in figure.axes:
            _widen(axes)
        around = tuple(map(_around, figure.axes))
        if figure.get_layout_engine() and not self._take_places(figure, around):
            png = plotting.png(figure, DPI, compression=1)
            self._places[_room(figure, around)] = _places(figure), _titles(figure)
            return png
        before, self._before = self._before, (tuple(figure.get_size_inches()), around)
        if before != self._before or _tangled(figure):
            self._overlays = None
            return plotting.png(figure, DPI, compression=1)
        figure.dpi = DPI
        if self._overlays is None:
            self._overlays = _draw_around(figure), _draw_legends(figure)
        return _draw_within(figure, *self._overlays)

    def _take_places(self, figure: Figure, around: tuple["Around", ...]) -> bool:
        """Put axes where those of a figure with as much around them were, if there was one."""
        known = self._places.get(_room(figure, around))
        if known is not None:
            figure.set_layout_engine("none")
            for axes, place in zip(figure.axes, known[0], strict=True):
                axes.set_position(place)
            for text, at in zip(figure.texts, known[1], strict=True):
                text.set_position(at)
        return known is not None


@contextmanager
def freed() -> Iterator[None]:
    """Free the figures of this block at its end.

    A figure is full of cycles. Python would look for those of some twenty figures at once, in
    which the panel stands still for 100 ms; as long as they are young it takes 2 ms for each.
    """
    searching = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.collect(0)
        if searching:
            gc.enable()


def narrow(figure: Figure, room: int) -> float:
    """Make a figure as narrow as ``room``, or `NARROWEST`: shrunk, its letters are hard to read.

    ``room`` is in pixels, 0 where nobody knows it. Returns the width that the figure had, in
    pixels; 0 if it is to stay as it is, because it has columns, a legend over all its width, or
    nothing that lays it out anew.
    """
    width, height = figure.get_size_inches()
    specs = [axes.get_subplotspec() for axes in figure.axes]
    one_column = all(spec and spec.get_gridspec().ncols == 1 for spec in specs)
    if not one_column or figure.legends or not figure.get_layout_engine():
        return 0.0
    if 0 < room < width * DPI:
        figure.set_size_inches(max(room, NARROWEST) / DPI, height)
    return float(width * DPI)


def _widen(axes: Axes) -> None:
    """Round limits that follow the data outwards: else each picture has a scale of its own."""
    for axis, follows, set_limits in (
        (axes.xaxis, axes.get_autoscalex_on(), axes.set_xlim),
        (axes.yaxis, axes.get_autoscaley_on(), axes.set_ylim),
    ):
        low, high = axis.get_view_interval()
        if follows and axis.get_scale() == "linear" and low < high:
            unit = 10 ** math.floor(math.log10(high - low)) / 5
            edges = [getattr(a.sticky_edges, axis.axis_name) for a in axes.get_children()]
            stay = {edge for each in edges for edge in each}  # of images, feet of bars
            set_limits(
                low if low in stay else math.floor(low / unit) * unit,
                high if high in stay else math.ceil(high / unit) * unit,
            )


# What stands around axes


class Around(NamedTuple):
    """What ticks, grid, titles and a legend that stays depend on."""

    place: tuple[float, ...]
    titles: tuple[str, ...]
    labels: tuple[str, str]
    ticks: tuple[tuple[str, ...], ...]
    offsets: tuple[str, ...]
    rest: tuple[Hashable, ...]  # what needs no room


def _around(axes: Axes) -> Around:
    ticks, offsets = [], []
    rest: list[Hashable] = [_bare(axes), axes.get_aspect()]
    for axis in (axes.xaxis, axes.yaxis):
        numbers, texts = _ticks(axis)
        ticks.append(texts)
        offsets.append(axis.get_major_formatter().get_offset())
        looks = [axis.get_visible(), axis.get_scale(), *axis.get_view_interval()]
        rest += [numbers, tuple(axis.get_minorticklocs()), *looks]
        rest.append(tuple(sorted(map(repr, axis.get_tick_params().items()))))
    rest += [_looks(legend) for legend in _legends(axes)]
    titles = tuple(axes.get_title(where) for where in ("left", "center", "right"))
    labels = axes.get_xlabel(), axes.get_ylabel()
    place = axes.get_position(original=True).bounds
    return Around(place, titles, labels, tuple(ticks), tuple(offsets), tuple(rest))


def _legends(axes: Axes) -> list[Legend]:
    """The legend of axes, if it depends on nothing else: it is of lines, and its place is given."""
    legend = axes.get_legend()
    if legend is None or legend._get_loc() == BEST:  # type: ignore[attr-defined]
        return []
    return [legend] if all(type(each) is Line2D for each in legend.legend_handles) else []


def _looks(legend: Legend) -> Hashable:
    """What a legend of `_legends` shows, and where."""
    frame, title = legend.get_frame(), legend.get_title()
    place = legend._get_loc(), *legend.get_bbox_to_anchor().bounds  # type: ignore[attr-defined]
    looks = [place, legend._ncols, legend.get_frame_on()]  # type: ignore[attr-defined]
    looks += [frame.get_facecolor(), frame.get_edgecolor(), frame.get_alpha()]
    for text in (title, *legend.get_texts()):
        looks.append((text.get_text(), text.get_fontsize(), text.get_color()))
    for line in legend.get_lines():
        looks += [line.get_color(), line.get_linestyle(), line.get_linewidth(), line.get_alpha()]
        looks += [line.get_marker(), line.get_markersize(), line.get_markeredgewidth()]
        looks += [line.get_markerfacecolor(), line.get_markeredgecolor()]
    return tuple(map(str, looks))


def _ticks(axis: Axis) -> tuple[tuple[float, ...], tuple[str, ...]]:
    """Places of ticks and their texts, without making ticks, which takes long."""
    low, high = sorted(axis.get_view_interval())
    places = [place for place in axis.get_majorticklocs() if low <= place <= high]
    return tuple(places), tuple(axis.get_major_formatter().format_ticks(places))


def _room(figure: Figure, around: tuple[Around, ...]) -> Hashable:
    """What the places of axes depend on; the same for two figures that are laid out alike."""
    room: list[Hashable] = [*figure.get_size_inches()]
    room += [_lines(text.get_text()) for text in figure.texts]
    for each in around:
        longest = [max(map(len, texts), default=0) for texts in each.ticks]
        room += [each.place, *map(_lines, (*each.titles, *each.labels, *each.offsets)), *longest]
    return tuple(room)


def _places(figure: Figure) -> list[Bbox]:
    return [axes.get_position(original=True) for axes in figure.axes]


def _titles(figure: Figure) -> list[tuple[float, float]]:
    """Places of the texts around all axes, which a layout moves, too."""
    return [text.get_position() for text in figure.texts]


def _lines(text: str) -> int:
    return text.count("\n") + 1 if text else 0


def _tangled(figure: Figure) -> bool:
    """Whether ticks of axes stand above what later axes in the same place draw."""
    places: set[Hashable] = set()
    for axes, box in zip(figure.axes, _places(figure), strict=True):
        place = box.bounds
        low = [artist for artist in _within(axes) if artist.get_zorder() < GRID]
        if place in places and low:
            return True
        places.add(place)
    return False


# Drawing


def _bare(axes: Axes) -> bool:
    """Whether axes have neither ground nor frame."""
    return not (axes.axison and axes.get_frame_on())


def _within(axes: Axes) -> list[Artist]:
    """What is drawn anew each time, from the lowest: not ticks, grid, titles, ground, nor a legend
    that stays."""
    titles = {axes.title, axes._left_title, axes._right_title}  # type: ignore[attr-defined]
    fixed = {axes.patch, axes.xaxis, axes.yaxis, *titles, *_legends(axes)}
    if _bare(axes):
        fixed |= {*axes.spines.values()}
    return sorted((a for a in axes.get_children() if a not in fixed), key=Artist.get_zorder)


def _draw_around(figure: Figure) -> Overlay:
    drawn = [artist for axes in figure.axes for artist in (*_within(axes), axes.patch)]
    drawn += [legend for axes in figure.axes for legend in _legends(axes)]
    drawn += [*figure.texts, *figure.legends, *figure.lines, figure.patch]
    with _hidden([artist for artist in drawn if artist.get_visible()]):
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
    return _overlay(canvas.get_renderer())


def _draw_legends(figure: Figure) -> Overlay:
    renderer = FigureCanvasAgg(figure).get_renderer()
    for axes in figure.axes:
        for legend in _legends(axes):
            legend.draw(renderer)
    return _overlay(renderer)


def _overlay(renderer: RendererAgg) -> Overlay:
    """What was drawn on nothing."""
    pixels = np.asarray(renderer.buffer_rgba()).reshape(-1, 4)
    places = pixels[:, 3].nonzero()[0]
    alpha = pixels[places, 3:].astype(np.float32) / 255
    return Overlay(places, pixels[places, :3] * alpha, 1 - alpha)


@contextmanager
def _hidden(artists: list[Artist]) -> Iterator[None]:
    for artist in artists:
        artist.set_visible(False)
    try:
        yield
    finally:
        for artist in artists:
            artist.set_visible(True)


def _draw_within(figure: Figure, around: Overlay, legends: Overlay) -> bytes:
    renderer = FigureCanvasAgg(figure).get_renderer()
    above: list[Artist] = []
    figure.patch.draw(renderer)
    for axes in figure.axes:
        axes.apply_aspect()
        if not _bare(axes):
            axes.patch.draw(renderer)
        for artist in _within(axes):
            if artist.get_zorder() < GRID:
                artist.draw(renderer)
            else:
                above.append(artist)
    pixels = np.asarray(renderer.buffer_rgba())
    around.lay_over(pixels.reshape(-1, 4))
    for artist in above:
        artist.draw(renderer)
    legends.lay_over(pixels.reshape(-1, 4))
    for artist in (*figure.texts, *figure.legends, *figure.lines):
        artist.draw(renderer)
    buffer = io.BytesIO()
    Image.fromarray(pixels[..., :3]).save(buffer, "png", compress_level=1, dpi=(DPI, DPI))
    return buffer.getvalue()
