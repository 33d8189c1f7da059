"""From an arrow key on a slider to new pixels: our explorers against `interact` and pyplot.

64 digits of the shipped generator. The usual way is measured twice: as tutorials draw digits, one
subplot for each, and with the digits joined into one picture, which is the faster way. Then 16
digits, and a panel that trains nothing: two densities above the best discriminator's answers. A
key is pressed again and again, one panel after the other, three times over; so our pictures are
made ahead (`gan_lessons.widgets.ahead`). In the last row a key jumps, which nobody foresees.
"""

from collections.abc import Iterator

from playwright.sync_api import Locator

from benchmarks.harness import Row
from browser.harness import Jupyter

ROUNDS, REPEATS = 3, 5
SETUP = """
%matplotlib inline
import os
import matplotlib.pyplot as plt, torch
from ipywidgets import interact
from gan_lessons import game, plotting, pretrained
from gan_lessons.data import toys
from gan_lessons.training import sample
from gan_lessons.widgets import LatentExplorer, explore
torch.set_num_threads(os.cpu_count())  # as a learner's kernel has them
generator, settings = pretrained.load_generator("dcgan")
z = pretrained.noise(64, settings, seed=0)
grid = toys.grid(-6, 6, 601)
real = toys.mixture(grid, [-1.5, 1.5], 0.6)
"""
EXPLORER = "LatentExplorer(generator, settings, tray=False)"
EXPLORE = "explore(lambda x: plotting.digit_grid(sample(generator, x * z)), x=(0.0, 2.0, 0.01))"
FEW = EXPLORE.replace("x * z", "x * z[:16]")
PLOT = """
def plot(x):
    fake = toys.normal(grid, x, 1.0)
    best = {"D*, the best discriminator": game.optimal_discriminator(real, fake)}
    return plotting.densities(grid, real, fake, best)
explore(plot, x=(-4.0, 4.0, 0.05))
"""
USUAL_PLOT = """
def usual_plot(x):
    fake = toys.normal(grid, x, 1.0)
    figure, (above, below) = plt.subplots(2, 1, sharex=True, figsize=(6.4, 4.2))
    above.plot(grid, real, label="p, real")
    above.plot(grid, fake, label="q, generator")
    below.plot(grid, game.optimal_discriminator(real, fake), label="D*, the best discriminator")
    for axes in (above, below):
        axes.grid(alpha=0.25)
        axes.legend(loc="upper right")
    plt.tight_layout()
    plt.show()
interact(usual_plot, x=(-4.0, 4.0, 0.05));
"""
JOINED = """
def joined(x):
    images = sample(generator, x * z)[:, 0].unflatten(0, (8, 8))
    plt.figure(figsize=(5, 5))
    plt.imshow(images.permute(0, 2, 1, 3).reshape(224, 224), cmap="gray")
    plt.axis("off")
    plt.show()
interact(joined, x=(0.0, 2.0, 0.01));
"""
SUBPLOTS = """
def subplots(x):
    figure, axes = plt.subplots(8, 8, figsize=(5, 5))
    for image, ax in zip(sample(generator, x * z), axes.flat):
        ax.imshow(image[0], cmap="gray")
        ax.axis("off")
    plt.show()
interact(subplots, x=(0.0, 2.0, 0.01));
"""
PRESS = """async (output, key) => {
    const shown = () => {
        const canvas = output.querySelector("canvas"),
            image = [...output.querySelectorAll("img")].find(each => each.checkVisibility());
        if (canvas) {
            const pen = canvas.getContext("2d", {willReadFrequently: true});
            const {data} = pen.getImageData(0, 0, canvas.width, canvas.height);
            let sum = 0;
            for (let i = 0; i < data.length; i += 52) sum = (sum * 31 + data[i]) | 0;
            return sum;
        }
        return image && image.complete && image.naturalWidth ? image.src : null;
    };
    const before = shown(), handle = output.querySelector(".noUi-handle");
    const began = performance.now();
    handle.dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true, cancelable: true}));
    for (let now = before; now === null || now === before; now = shown()) {
        if (performance.now() > began + 20000) throw new Error("no new picture in 20 s");
        await new Promise(requestAnimationFrame);
    }
    return performance.now() - began;
}"""


def press(output: Locator, key: str = "ArrowRight") -> float:
    """Milliseconds from an arrow key to a new picture on the screen."""
    milliseconds = float(output.evaluate(PRESS, key))
    output.page.wait_for_timeout(100)
    return milliseconds


def rows(jupyter: Jupyter) -> Iterator[Row]:
    sources = {"explorer": EXPLORER, "explore": EXPLORE, "joined": JOINED, "subplots": SUBPLOTS}
    sources |= {"few": FEW, "plot": PLOT, "usual plot": USUAL_PLOT}
    with jupyter.cells(SETUP, *sources.values()) as lesson:
        for source in (SETUP, *sources.values()):
            lesson.run(source)
        outputs = {name: lesson.output(source) for name, source in sources.items()}
        times: dict[str, list[float]] = {name: [] for name in sources}
        for _ in range(ROUNDS):
            for name, output in outputs.items():
                press(output)  # the first after another panel is made when it is asked for
                times[name] += [press(output) for _ in range(REPEATS)]
        jumps = [press(outputs["plot"], "PageDown") for _ in range(ROUNDS * REPEATS)]
    target = "ours ≤ 33 ms, ratio ≥ 4"
    for ours in ("explorer", "explore"):
        for theirs, words in (("joined", "one picture"), ("subplots", "64 subplots")):
            what = f"slider to pixels, 64 digits: {ours}, interact with {words}"
            yield Row(what, times[ours], times[theirs], target=target)
    yield Row("slider to pixels, 16 digits: explore", times["few"], target="≤ 33 ms")
    what = "slider to pixels, two densities and D*: explore, interact"
    yield Row(what, times["plot"], times["usual plot"], target="ours ≤ 33 ms")
    yield Row("the same, five stops at once: explore", jumps)
