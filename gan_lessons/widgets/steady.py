"""Figures that follow one another quickly: their layout is computed once for many of them."""

from collections.abc import Hashable

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from gan_lessons import plotting


class Steady:
    """Draws figures whose axes keep their places while the texts around them need as much room.

    Computing a layout takes a third of the time that a figure of two axes takes.
    """

    def __init__(self) -> None:
        self._places: dict[Hashable, list[Bbox]] = {}

    def png(self, figure: Figure) -> bytes:
        """A figure as PNG bytes, quickly compressed."""
        if figure.get_layout_engine() is None or figure.subfigs:
            return plotting.png(figure, compression=1)
        room = _room(figure)
        if known := self._places.get(room):
            figure.set_layout_engine("none")
            for axes, place in zip(figure.axes, known, strict=True):
                axes.set_position(place)
        png = plotting.png(figure, compression=1)
        self._places[room] = [axes.get_position(original=True) for axes in figure.axes]
        return png


def _room(figure: Figure) -> Hashable:
    """What the places of axes depend on; the same for two figures that are laid out alike."""
    around = [_lines(figure.get_suptitle()), *map(_room_around, figure.axes)]
    return (*figure.get_size_inches(), *around)


def _room_around(axes: Axes) -> Hashable:
    room: list[Hashable] = [axes.get_position(original=True).bounds]
    room += map(_lines, (axes.get_title(), axes.get_xlabel(), axes.get_ylabel()))
    for axis in (axes.xaxis, axes.yaxis):
        room.append(max((len(label.get_text()) for label in axis.get_ticklabels()), default=0))
        room.append(_lines(axis.get_major_formatter().get_offset()))  # such as 1e6
    return tuple(room)


def _lines(text: str) -> int:
    return text.count("\n") + 1 if text else 0
