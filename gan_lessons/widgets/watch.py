"""Watch a training run while its cell is running."""

import time

import ipywidgets
from IPython.display import display
from matplotlib.figure import Figure

from gan_lessons import plotting, pretrained
from gan_lessons.errors import expect
from gan_lessons.training import Event, Trainer

DIGITS, COLUMNS = 32, 8


class _View:
    """Digits from fixed noise beside the curves; artists are updated in place, which is fast."""

    def __init__(self, trainer: Trainer) -> None:
        self.trainer = trainer
        self.z = pretrained.noise(DIGITS, trainer.settings, seed=1)
        self.figure = plotting.Picture(figsize=(8.4, 2.8), layout="constrained")
        left, self.axes = self.figure.subplots(1, 2)
        self.digits = plotting.show_digits(left, trainer.sample(self.z), COLUMNS)
        (self.real,) = self.axes.plot([], [], color=plotting.REAL, label="D(x), real")
        (self.fake,) = self.axes.plot(
            [], [], color=plotting.FAKE, linestyle="--", label="D(G(z)), fake"
        )
        self.axes.axhline(0.5, color=plotting.DISCRIMINATOR, linewidth=0.8, linestyle=":")
        self.axes.set(ylim=(0, 1), xlabel="step", ylabel="probability of “real”")
        self.axes.legend(fontsize=8, loc="upper right")
        plotting.tidy(self.axes)

    def draw(self) -> Figure:
        """The figure as of now."""
        history = self.trainer.history
        self.digits.set_data(plotting.mosaic(self.trainer.sample(self.z), COLUMNS).numpy())
        steps = history.column("step")
        for line, name in ((self.real, "d_real"), (self.fake, "d_fake")):
            line.set_data(steps, plotting.smooth(history.column(name), 25))
        self.axes.set_xlim(0, max(self.trainer.step, 1))
        return self.figure


def sentence(event: Event) -> str:
    """Where a run stands, in words."""
    return (
        f"Step {event.step:,}, epoch {event.epoch:.1f}, {event.elapsed:.0f} s: "
        f"D(x) = {event.d_real:.2f}, D(G(z)) = {event.d_fake:.2f}."
    )


def watch(trainer: Trainer, steps: int | None = None, every: float = 1.0) -> Figure:
    """Train (as ``trainer.run(steps)``) and show digits and curves every so many seconds.

    Interrupt the kernel to pause; running the cell again goes on from there.

    Raises:
        UserError: it is no trainer, or not that of a GAN: `TrainingPanel` shows every method.

    Returns:
        The last picture, which stays in the notebook; the live one is closed.
    """
    expect(trainer, Trainer, "trainer has to be a Trainer(images, settings)")
    view = _View(trainer)
    image = ipywidgets.Image(
        value=plotting.png(view.draw()),
        format="png",
        layout={"max_width": "100%", "align_self": "flex-start"},
    )
    text = ipywidgets.HTML("Training …")
    panel = ipywidgets.VBox([image, text])
    live = display(panel, display_id=True)
    shown = time.monotonic()
    try:
        for event in trainer.run(steps):
            if time.monotonic() - shown >= every:
                image.value = plotting.png(view.draw())
                text.value = sentence(event)
                shown = time.monotonic()
    except KeyboardInterrupt:
        print(f"Paused after step {trainer.step:,}. Run this cell again to go on.")
        raise
    finally:
        panel.close()
        if live is not None:  # nothing is left that a notebook opened again would miss
            live.update({}, raw=True)
    return view.draw()
