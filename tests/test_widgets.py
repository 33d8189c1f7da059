"""Widgets, driven without a browser: what a learner's hand would do, and what is saved."""

import base64
import gc
import io
import threading
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import ipywidgets
import matplotlib.image
import numpy as np
import pytest
import torch
from anywidget import AnyWidget
from IPython.core.interactiveshell import InteractiveShell
from ipywidgets.widgets.widget import _instances
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.legend import Legend
from PIL import Image

from gan_lessons import plotting, pretrained
from gan_lessons.errors import UserError
from gan_lessons.exercises import words
from gan_lessons.exercises.questions import Option, Question, Quiz
from gan_lessons.plotting.style import new_axes
from gan_lessons.widgets import LatentExplorer, explore
from gan_lessons.widgets.canvas import Canvas
from gan_lessons.widgets.cells import CELLS, Cells
from gan_lessons.widgets.help import Help
from gan_lessons.widgets.loop import Presence
from gan_lessons.widgets.plane_canvas import PlaneCanvas
from gan_lessons.widgets.sheet import Sheet
from gan_lessons.widgets.slider import Slider
from gan_lessons.widgets.steady import NARROWEST, Steady, narrow
from gan_lessons.widgets.still import Hand, Panel, without_note

PNG = b"\x89PNG\r\n\x1a\n"


def parts(box: Any) -> Iterator[Any]:
    """The widgets that a box shows, and those in them."""
    for child in box.children:
        yield child
        if isinstance(child, ipywidgets.Box):
            yield from parts(child)


def pixels(png: bytes) -> np.ndarray:
    return matplotlib.image.imread(io.BytesIO(png))


def same(one: bytes, other: bytes) -> bool:
    """The same colours, but for rounding: of 255, at most 2."""
    return bool(np.abs(pixels(one)[..., :3] - pixels(other)[..., :3]).max() < 2.5 / 255)


def draw(mean: float, steep: bool) -> tuple[Figure, str]:
    figure = Figure(figsize=(2, 1))
    figure.add_subplot().plot([0, mean * (3 if steep else 1)])
    return figure, f"the line ends at {mean * (3 if steep else 1):.1f}"


def shares(share: float, number: int) -> Figure:
    return plotting.bars([share, number])


def test_panel_follows_its_controls() -> None:
    panel = explore(draw, start={"mean": 1.0}, mean=(-3.0, 3.0, 0.1), steep=False)
    first = panel.png
    assert first.startswith(PNG)
    assert panel.sentence == "the line ends at 1.0"
    panel.controls["mean"].value = 2.0  # as the browser does
    assert panel.sentence == "the line ends at 2.0"
    assert panel.png != first
    panel.set(mean=1.0)
    assert panel.png == first
    assert "the line ends at 1.0" in panel.line.value


def test_set_draws_once() -> None:
    drawn = []

    def count(a: int, b: int) -> bytes:
        drawn.append((a, b))
        return PNG

    panel = explore(count, a=(0, 4), b=(0, 4))
    panel.set(a=1, b=3)
    assert drawn == [(2, 2), (1, 3)]


def test_panel_leaves_a_still_beside_the_live_view() -> None:
    panel = explore(draw, start={"mean": 0.3}, mean=(-3.0, 3.0, 0.1), steep=True)
    data, about = panel._repr_mimebundle_()
    assert set(data) == {"text/plain", "image/png", "application/vnd.jupyter.widget-view+json"}
    assert data["text/plain"] == "mean = 0.3, steep = True: the line ends at 0.9"
    assert base64.b64decode(data["image/png"]) == panel.png
    assert about["image/png"]["alt"] == "the line ends at 0.9"


def test_a_panel_of_ones_own_needs_a_picture_and_a_sentence() -> None:
    class Mine(Panel):
        @property
        def png(self) -> bytes:
            return PNG

        def _alt_text(self) -> str:
            return "A picture."

    data, about = Mine([ipywidgets.Button()])._repr_mimebundle_()
    assert data["text/plain"] == "A picture."
    assert base64.b64decode(data["image/png"]) == PNG
    assert "application/vnd.jupyter.widget-view+json" in data
    assert about == {"image/png": {"alt": "A picture."}}


def test_a_canvas_shows_grey_and_coloured_pictures_as_tiles() -> None:
    canvas = Canvas()
    colours = torch.tensor([[1.0, -1, -1], [-1, 1, -1], [-1, -1, 1]])  # red, green, blue
    canvas.show_tiles(colours[:, :, None, None].expand(3, 3, 4, 6), 2, "three colours")
    assert (canvas.tile, canvas.width, canvas.height) == (8, 16, 12)
    assert canvas.label == "three colours"
    picture = canvas.picture
    assert picture.shape == (12, 16, 3)
    assert len(canvas.pixels) == picture.size
    line = picture[0, 0]
    assert line[0] == line[1] == line[2]
    for tile, corner in ((0, (1, 1)), (1, (1, 9)), (2, (7, 1))):
        inside = picture[corner[0] : corner[0] + 4, corner[1] : corner[1] + 6]
        assert (inside == 255 * np.eye(3, dtype=np.uint8)[tile]).all()
    assert (picture[6:, 8:] == 255).all()  # an empty place
    canvas.show_tiles(torch.full((2, 1, 4, 4), 2.0), 2)  # grey again; above 1 is white
    assert canvas.tile == 6
    assert canvas.picture.shape == (6, 12)
    assert (canvas.picture[1:5, 1:5] == 255).all()
    with pytest.raises(UserError, match=r"\(N, 1, h, w\) or \(N, 3, h, w\)"):
        canvas.show_tiles(torch.zeros(2, 2, 4, 4), 2)
    assert canvas.tile == 6  # as before


def test_names_and_descriptions() -> None:
    slider = ipywidgets.FloatLogSlider(value=1, base=10, min=-2, max=2, description="rate of D")
    panel = explore(
        lambda **values: PNG,
        labels={"mean": "generator's mean"},
        alt="a white square",
        mean=(0, 4),
        rate_d=slider,
        first_layer=["dense", "conv"],
        note="free text",
    )
    names = [control.description for control in panel.controls.values()]
    assert names == ["generator's mean", "rate of D", "first layer", "note"]
    assert panel._repr_mimebundle_()[1]["image/png"]["alt"] == "a white square"
    assert "a white square" in panel.line.value


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"mean": 9.0}, r"mean = 9\.0 is out of range\. Choose from -3 to 3"),
        ({"mean": float("nan")}, "mean = nan is no number"),
        ({"mean": "two"}, "mean = 'two' is no number"),
        ({"shape": "cube"}, "shape = 'cube' is no choice. Choose one of: 'line', 'ring'"),
        ({"width": 1}, "no control 'width'. There are: mean, shape"),
    ],
)
def test_nonsense_is_refused_and_changes_nothing(values: dict[str, Any], said: str) -> None:
    panel = explore(lambda mean, shape: PNG, mean=(-3.0, 3.0, 0.1), shape=["line", "ring"])
    before = panel.values
    with pytest.raises(UserError, match=said):
        panel.set(**values)
    assert panel.values == before
    with pytest.raises(UserError, match=said):
        explore(
            lambda mean, shape: PNG, start=values, mean=(-3.0, 3.0, 0.1), shape=["line", "ring"]
        )


@pytest.mark.parametrize("spec", [None, (1, 2, 3, 4), object(), ipywidgets.HBox()])
def test_a_control_that_cannot_be_made_is_refused(spec: Any) -> None:
    with pytest.raises(UserError, match="control 'mean' cannot be made"):
        explore(lambda mean: PNG, mean=spec)


def test_a_draw_that_fails_at_first_raises() -> None:
    def divide(mean: int) -> bytes:
        return bytes(1 // 0)

    with pytest.raises(ZeroDivisionError):
        explore(divide, mean=(0, 2))


def test_a_draw_that_fails_later_says_so_and_recovers() -> None:
    def inverse(x: int) -> tuple[bytes, str]:
        if x == 4:
            raise UserError("Four is taken.")
        return PNG, f"{1 / x} <of one>"

    panel = explore(inverse, start={"x": 1}, x=(0, 4))
    line = panel.line
    panel.controls["x"].value = 0  # from the browser: nothing is raised, the panel shows it
    assert isinstance(panel.error, ZeroDivisionError)
    assert "This failed: ZeroDivisionError" in line.value
    assert "Traceback" in line.value
    panel.controls["x"].value = 4
    assert "Four is taken." in line.value
    assert "Traceback" not in line.value
    with pytest.raises(ZeroDivisionError):
        panel.set(x=0)
    panel.set(x=2)
    assert panel.error is None
    assert "0.5 &lt;of one&gt;" in line.value


def test_a_slow_picture_waits_until_the_slider_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("time.perf_counter", lambda: now)

    def draw(x: int) -> bytes:
        nonlocal now
        now += 0.3 if x > 2 else 0.1
        return PNG

    panel = explore(draw, x=(0, 4))
    assert panel.controls["x"].continuous_update is True
    panel.set(x=3)
    assert panel.controls["x"].continuous_update is False
    panel.set(x=1)
    assert panel.controls["x"].continuous_update is True


@pytest.mark.parametrize(
    ("make", "slider", "number"),
    [
        (lambda: explore(shares, share=(0.0, 1.0), number=(0, 50)), "share", "number"),
        (lambda: LatentExplorer(*pretrained.load_generator("dcgan")), "truncation", "seed"),
    ],
    ids=["explore", "LatentExplorer"],
)
def test_a_number_refused_while_a_picture_is_made_stays_refused(
    make: Callable[[], Any], slider: str, number: str
) -> None:
    panel, began, may_end = make(), threading.Event(), threading.Event()
    make_picture = panel._ahead._make

    def made_slowly(values: dict[str, Any]) -> Any:
        began.set()
        assert may_end.wait(60)
        return make_picture(values)

    panel._ahead._make = made_slowly
    fields = [part for part in parts(panel) if isinstance(part, ipywidgets.FloatText)]
    (field,) = [part for part in fields if part.description.startswith(number)]
    before = field.value
    # JupyterLab delivers what widgets say on two threads.
    moved = threading.Thread(target=setattr, args=(panel.controls[slider], "value", 0.33))
    typed = threading.Thread(target=setattr, args=(field, "value", 1.7))
    moved.start()
    assert began.wait(60)
    typed.start()
    typed.join(0.3)  # it would be refused by now, if it did not wait
    may_end.set()
    for thread in (moved, typed):
        thread.join()
    said = [part.value for part in parts(panel) if type(part) is ipywidgets.HTML]
    assert any(f"{number} = 1.7 is no whole number." in each for each in said)
    assert field.value == before


def test_digits_are_sent_as_pixels_and_not_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    def digits(scale: float) -> tuple[plotting.DigitGrid, str]:
        images = torch.full((3, 1, 28, 28), scale)
        return plotting.digit_grid(images, 2, titles=["a", "b", "c"], inches=0.6), f"{scale:.1f}"

    monkeypatch.setattr(Figure, "draw", lambda *args: pytest.fail("a figure is drawn"))
    panel = explore(digits, start={"scale": 0.0}, scale=(-1.0, 1.0, 0.1))
    (canvas,) = (part for part in parts(panel) if isinstance(part, Canvas))
    assert not any(isinstance(part, ipywidgets.Image) for part in parts(panel))
    assert (canvas.zoom, canvas.labels, canvas.label) == (2.0, ["a", "b", "c"], "0.0")
    assert canvas.picture.shape == (60, 60)
    assert canvas.picture[1, 1] == 127
    panel.controls["scale"].value = 1.0
    assert (canvas.picture[1, 1], canvas.label) == (255, "1.0")
    monkeypatch.undo()
    assert panel.png == plotting.png(digits(1.0)[0])


def test_a_figure_is_drawn_for_the_room_that_it_has() -> None:
    drawn: list[int] = []

    def draw(columns: int) -> Figure:
        drawn.append(columns)
        figure = Figure(figsize=(6, 3), layout="constrained")
        figure.subplots(2 // columns, columns)
        return figure

    def width() -> int:
        with Image.open(io.BytesIO(panel.png)) as picture:
            return picture.width

    panel = explore(draw, columns=[1, 2])
    assert width() == 600  # until a browser says how much room there is
    for room, wide in ((900, 600), (400, 400), (500, 500), (120, NARROWEST), (700, 600)):
        panel.hand.room = room
        assert width() == wide
    assert len(drawn) == 5  # and not for 900, which changes nothing
    panel.set(columns=2)
    panel.hand.room = 400
    assert width() == 600  # two columns have no room in a narrow one
    assert len(drawn) == 6
    plane = plotting.balls(torch.zeros(2, 2), torch.ones(2), torch.zeros(2, 2), torch.ones(2) > 0)
    assert narrow(plane, 320) == 0  # nor has its legend


def test_a_figure_is_free_as_soon_as_it_is_shown() -> None:
    drawn: list[weakref.ref[Figure]] = []

    def draw(x: float) -> Figure:
        figure, axes = new_axes()
        axes.plot([0, 1], [0, x], label="line")
        axes.legend(loc="upper left")
        drawn.append(weakref.ref(figure))
        return figure

    panel = explore(draw, x=(0.0, 1.0))
    for x in (0.1, 0.2, 0.3):
        panel.set(x=x)
        assert gc.isenabled()
    assert [figure() for figure in drawn[1:]] == [None, None, None]


def test_a_draw_may_return_one_kind_of_picture_after_the_other() -> None:
    kinds: dict[str, Figure | bytes] = {
        "digits": plotting.digit_grid(torch.zeros(2, 1, 28, 28)),
        "titled digits": plotting.digit_grid(torch.zeros(2, 1, 28, 28), title="two"),
        "a line": draw(1.0, False)[0],
        "png": PNG,
    }

    def choose(kind: str) -> Figure | bytes:
        return kinds[kind]

    panel = explore(choose, kind=list(kinds))
    for kind, picture in kinds.items():
        panel.set(kind=kind)
        (seen,) = (part for part in parts(panel) if isinstance(part, Canvas | ipywidgets.Image))
        assert isinstance(seen, Canvas) == (kind == "digits")
        png = picture if isinstance(picture, bytes) else plotting.png(picture)
        assert kind == "png" or np.array_equal(pixels(panel.png), pixels(png))


def test_axes_keep_their_places_while_their_texts_need_as_much_room(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def figure(high: float, ylabel: str) -> Figure:
        made = plotting.Picture(figsize=(3, 2), layout="constrained")
        made.add_subplot(ylabel=ylabel, xlim=(0, 1), ylim=(0, high)).plot([0, high])
        return made

    laid_out: list[Figure] = []
    execute = ConstrainedLayoutEngine.execute

    def count(engine: ConstrainedLayoutEngine, figure: Figure) -> None:
        laid_out.append(figure)
        execute(engine, figure)

    monkeypatch.setattr(ConstrainedLayoutEngine, "execute", count)
    steady = Steady()
    for high, ylabel, computed in (
        (4, "", True),
        (5, "", False),
        (4e6, "", True),
        (400, "", True),
        (4, "high", True),
        (5, "low", False),
    ):
        laid_out.clear()
        found = steady.png(figure(high, ylabel))
        assert bool(laid_out) is computed, (high, ylabel)
        if computed:  # the same as with a layout of its own
            assert np.array_equal(pixels(found), pixels(plotting.png(figure(high, ylabel))))


def lines(x: float) -> Figure:
    made = plotting.Picture(figsize=(3, 2), layout="constrained")
    made.suptitle("a title")
    left, right = made.subplots(1, 2)
    left.fill_between([0, 1], [x, 2])
    left.plot([0, 1], [x, 1], label="a line")
    left.legend()
    left.set(xlim=(0, 1), ylim=(0, 4), title="areas below the grid")
    plotting.tidy(left)
    right.semilogy([1, 10, 100 + x])
    right.set(xlim=(0, 2), ylim=(1, 1000), ylabel="logarithmic")
    return made


def pictures(x: float) -> Figure:
    made = plotting.Picture(figsize=(3, 2))
    bare, square = made.subplots(1, 2)
    bare.imshow([[x, 1], [2, 3]])
    bare.set_axis_off()
    bare.set_title("without a frame")
    square.set(aspect="equal", xlim=(0, 2), ylim=(0, 1))
    square.grid()
    square.plot([x, 2], "o")
    made.text(0.5, 0.02, f"x = {x}")
    return made


def twins(x: float) -> Figure:
    figure, left = new_axes(3, 2)
    left.bar([0, 1], [1 + x, 2])
    left.set(xlim=(-1, 2), ylim=(0, 3))
    left.twinx().plot([0, 1], [x, 2])
    figure.axes[1].set(ylim=(0, 4), ylabel="another")
    return figure


def tangled(x: float) -> Figure:
    figure = twins(x)
    figure.axes[1].fill_between([0, 1], [x, 2])
    figure.axes[0].set_axisbelow(False)
    return figure


@pytest.mark.parametrize("draw", [lines, pictures, twins, tangled])
def test_figures_that_follow_quickly_are_the_same_as_drawn_whole(
    draw: Callable[[float], Figure],
) -> None:
    steady = Steady()
    for x in (0.0, 0.1, 0.2, 0.3, 0.4):
        assert same(steady.png(draw(x)), plotting.png(draw(x))), x
    assert (steady._overlays is None) == (draw is tangled)


def test_a_legend_that_stays_is_drawn_once_and_never_that_of_the_figure_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def figure(x: float, *looks: Any, place: Any = "upper right") -> Figure:
        made, axes = new_axes(3, 2)
        for i, (label, colour, style) in enumerate(looks):
            axes.plot([0, 1], [i, x], color=colour, linestyle=style, label=label)
        axes.set(xlim=(0, 1), ylim=(0, 2))
        axes.legend(loc=place)
        return made

    drawn: list[Legend] = []
    draw = Legend.draw

    def count(legend: Legend, renderer: Any) -> None:
        drawn.append(legend)
        draw(legend, renderer)

    monkeypatch.setattr(Legend, "draw", count)
    steady, one, other = Steady(), ("a line", "C0", "-"), ("another", "C1", ":")
    for looks, place, stays in (
        ((one,), "upper right", True),
        ((one, other), "upper right", True),
        ((one, (other[0], "C2", ":")), "upper right", True),
        ((one, (other[0], "C2", "--")), "lower left", True),
        ((one, (other[0], "C2", "--")), "best", False),
    ):
        for x in (0.1, 0.5, 0.9, 1.3, 1.7):
            drawn.clear()
            found = steady.png(figure(x, *looks, place=place))
            assert x < 1 or bool(drawn) != stays, (looks, place, x)
            assert same(found, plotting.png(figure(x, *looks, place=place))), (looks, place, x)


def test_words_around_axes_are_never_those_of_the_figure_before() -> None:
    def titled(number: float, title: str) -> Figure:
        figure = lines(number)
        figure.axes[0].set_title(title)
        return figure

    steady = Steady()
    for title in ("one", "one", "one", "two", "two", "two"):
        assert same(steady.png(titled(0.5, title)), plotting.png(titled(0.5, title)))


def test_a_scale_that_follows_the_data_stays_for_small_changes() -> None:
    scales = set()
    for high in (3.85, 3.9, 3.95, 3.98):
        figure, axes = new_axes()
        axes.plot([0, 1], [0, high])
        Steady().png(figure)
        low, top = axes.get_ylim()
        assert low < 0 < high < top < 1.3 * high
        scales.add((low, top))
    assert len(scales) == 1


QUESTIONS = tuple(
    Question(
        f"Which is {n} < 9?",
        tuple(Option(f"option {i}", f"because {n}.{i}", i == n) for i in range(4)),
    )
    for n in range(2)
)


def test_quiz_answers_in_words() -> None:
    quiz = Quiz("01", QUESTIONS)
    sheet = quiz.sheet
    assert sheet.score == "0 of 2 right, 2 to answer."
    sheet._handle_custom_msg({"number": 1, "option": 2}, [])  # as the browser does
    assert sheet.verdicts[0] == {"right": False, "words": "✗ Not right: because 0.2"}
    assert sheet.chosen == [2, -1]
    assert sheet.score == "0 of 2 right, 1 to answer."
    assert quiz.answer(2, 1) == "✓ Right: because 1.1"
    assert sheet.score == "1 of 2 right."
    sheet._handle_custom_msg({"number": 1, "option": 0}, [])
    assert sheet.chosen == [0, 1]
    assert sheet.verdicts[0]["right"]
    assert sheet.score == "2 of 2 right."


def test_quiz_shows_backticks_as_code_and_hides_its_reasons() -> None:
    options = tuple(Option(f"`a < {i}`", "`why` *not*", i == 0) for i in range(4))
    quiz = Quiz("01", [Question("Is `x` <b>?", options)])
    (asked,) = quiz.sheet.questions
    assert asked["text"] == "Is <code>x</code> &lt;b&gt;?"
    assert asked["options"][1] == "<code>a &lt; 1</code>"
    assert "why" not in str(quiz.sheet.questions)
    quiz.answer(1, 1)
    assert quiz.sheet.verdicts[0]["words"] == "✗ Not right: <code>why</code> <em>not</em>"


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("the *mean absolute* error", "the <em>mean absolute</em> error"),
        ("*all*: <b>", "<em>all</em>: &lt;b&gt;"),
        ("2 * 3 * 4", "2 * 3 * 4"),
        ("w*h*c", "w*h*c"),
        ("`f(*a)` and `g(*b)`", "<code>f(*a)</code> and <code>g(*b)</code>"),
    ],
)
def test_words_with_stress_are_shown_so(said: str, shown: str) -> None:
    assert words.html(said) == shown


def test_quiz_can_be_read_without_a_kernel() -> None:
    data, _ = Quiz("01", QUESTIONS)._repr_mimebundle_()
    assert data["text/plain"] == "Quiz 01: 2 questions."
    html = data["text/html"]
    assert html.count("<details>") == 2
    assert "Which is 1 &lt; 9?" in html
    assert "B: right. because 1.1" in html
    (still,) = Quiz("01", QUESTIONS)._stills({"text/html": html})
    assert without_note(still["text/html"]).strip() == html
    assert data == data | Quiz("01", QUESTIONS)._repr_mimebundle_()[0] | {
        key: data[key] for key in data if "widget-view" in key
    }


def test_quiz_of_a_lesson_shows_its_five_questions() -> None:
    from gan_lessons.exercises import quiz
    from gan_lessons.exercises.questions import FOLDER

    stem = min(Path(FOLDER).glob("*.toml")).stem
    assert len(quiz(stem).sheet.questions) == 5


def test_a_displayed_panel_is_a_picture_a_note_and_a_view(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[tuple[dict[str, Any], dict[str, Any]]] = []
    monkeypatch.setattr(
        "gan_lessons.widgets.still.display",
        lambda data, raw, metadata=None: shown.append((data, metadata or {})),
    )
    panel = explore(draw, start={"mean": 0.3}, mean=(-3.0, 3.0, 0.1), steep=True)
    panel._ipython_display_()
    (picture, about), (note, _), (live, _) = shown
    assert set(picture) == {"image/png"}
    assert about["image/png"]["alt"] == "the line ends at 0.9"
    assert "the line ends at 0.9" in note["text/html"]
    assert "run this cell to make it move" in note["text/html"]
    assert without_note(note["text/html"]) == ""
    assert set(live) == {"text/plain", "application/vnd.jupyter.widget-view+json"}


@pytest.mark.parametrize("kind", [Canvas, Hand, Help, PlaneCanvas, Presence, Sheet, Slider])
def test_a_part_that_is_closed_keeps_nothing_alive(kind: Any) -> None:
    assert kind in AnyWidget.__subclasses__()  # which listens for ever to a script given as a path
    part = kind(0.5) if kind is Slider else kind()
    gone = weakref.ref(part)
    part.close()
    del part
    gc.collect()
    assert gone() is None


def test_a_panel_is_closed_with_all_its_parts_once_its_cell_is_run_again() -> None:
    shell = InteractiveShell()
    CELLS.watch(shell)
    shell.user_ns["explore"], shell.user_ns["draw"] = explore, draw
    make = "explore(draw, mean=(-3.0, 3.0, 0.1), steep=True)"

    def run(code: str, cell: str) -> Any:
        return shell.run_cell(code, store_history=True, cell_id=cell).result

    def alive() -> int:
        gc.collect()
        return len(_instances)

    before = alive()
    gone = [weakref.ref(run(make, "a")) for _ in range(3)]
    assert alive() > before
    named = run(f"named = {make}\nnamed", "b")
    run("named.sentence", "b")  # no output shows it, but it has a name
    assert named.comm is not None
    run("named = 1", "b")
    named.close()
    run("2", "a")
    assert alive() == before
    assert [each() for each in gone] == [None, None, None]


def test_it_is_known_whether_a_cell_runs_and_whether_anything_has_changed() -> None:
    shell = InteractiveShell()
    CELLS.watch(shell)
    shell.user_ns["CELLS"] = CELLS
    for code in ("inside = CELLS.running, CELLS.moment", "1 / 0"):
        before = CELLS.moment
        shell.run_cell(code)
        assert not CELLS.running
        assert CELLS.moment == before + 2
    assert shell.user_ns["inside"] == (True, before - 1)


def test_what_views_say_is_counted_and_handled() -> None:
    heard: list[tuple[Any, ...]] = []
    kernel = SimpleNamespace(
        get_parent=lambda channel: {"metadata": {"cellId": "a"}},
        shell_handlers={"comm_msg": lambda *message: heard.append(message)},
    )
    cells = Cells()
    shell = InteractiveShell()
    shell.kernel = kernel  # type: ignore[attr-defined]
    cells.watch(shell)
    kernel.shell_handlers["comm_msg"]("stream", "idents", "message")
    assert heard == [("stream", "idents", "message")]
    assert cells.moment == 1
