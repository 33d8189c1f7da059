"""From an arrow key on a slider to new pixels: our explorers against `interact` and pyplot.

64 digits of the shipped generator. The usual way is measured twice: as tutorials draw digits, one
subplot for each, and with the digits joined into one picture, which is the faster way.
"""

from collections.abc import Iterator

from playwright.sync_api import Locator

from benchmarks.harness import Row
from browser.harness import Jupyter

REPEATS = 15
SETUP = """
%matplotlib inline
import matplotlib.pyplot as plt, torch
from ipywidgets import interact
from gan_lessons import plotting, pretrained
from gan_lessons.training import sample
from gan_lessons.widgets import LatentExplorer, explore
torch.set_num_threads(1)
generator, settings = pretrained.load_generator("dcgan")
z = pretrained.noise(64, settings, seed=0)
"""
EXPLORER = "LatentExplorer(generator, settings, tray=False)"
EXPLORE = "explore(lambda x: plotting.digit_grid(sample(generator, x * z)), x=(0.0, 2.0, 0.01))"
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
PRESS = """async output => {
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
    const key = {key: "ArrowRight", bubbles: true, cancelable: true};
    const began = performance.now();
    handle.dispatchEvent(new KeyboardEvent("keydown", key));
    for (let now = before; now === null || now === before; now = shown()) {
        if (performance.now() > began + 20000) throw new Error("no new picture in 20 s");
        await new Promise(requestAnimationFrame);
    }
    return performance.now() - began;
}"""


def press(output: Locator) -> float:
    """Milliseconds from an arrow key to a new picture on the screen."""
    milliseconds = float(output.evaluate(PRESS))
    output.page.wait_for_timeout(100)
    return milliseconds


def rows(jupyter: Jupyter) -> Iterator[Row]:
    sources = {"explorer": EXPLORER, "explore": EXPLORE, "joined": JOINED, "subplots": SUBPLOTS}
    with jupyter.cells(SETUP, *sources.values()) as lesson:
        lesson.run_all()
        outputs = {name: lesson.output(source) for name, source in sources.items()}
        times: dict[str, list[float]] = {name: [] for name in sources}
        for _ in range(1 + REPEATS):
            for name, output in outputs.items():
                times[name].append(press(output))
    warm = {name: each[1:] for name, each in times.items()}
    for ours, target in (("explorer", "ours ≤ 100 ms, ratio ≥ 4"), ("explore", "")):
        for theirs, words in (("joined", "one picture"), ("subplots", "64 subplots")):
            what = f"slider to pixels, 64 digits: {ours}, interact with {words}"
            yield Row(what, warm[ours], warm[theirs], target=target)
