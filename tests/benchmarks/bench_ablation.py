"""The recipe `fast` without one ingredient each, for the same seconds: is each worth its line?

A ratio above 1 says that the digits are farther from real ones without the ingredient.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from benchmarks.bench_quality import SECONDS, SEEDS, distance
from benchmarks.bench_step import IN_TURN
from benchmarks.harness import Row
from browser.harness import Jupyter
from gan_lessons.data import load_digits
from gan_lessons.methods import RECIPES, OnePassSettings
from gan_lessons.training import Diverged, Settings, Trainer, build_networks
from gan_lessons.training.autotune import autotune

Networks = dict[str, nn.Module]


@torch.no_grad()
def dcgan_weights(settings: OnePassSettings) -> Networks:
    """The networks with normal weights of deviation 0.02 (Radford et al. 2016, section 4)."""
    networks = build_networks(settings)
    chance = torch.Generator().manual_seed(settings.seed)
    for layer in (layer for network in networks.values() for layer in network.modules()):
        if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
            layer.weight.normal_(0, 0.02, generator=chance)
        elif isinstance(layer, nn.BatchNorm2d):
            layer.weight.normal_(1, 0.02, generator=chance)
    return networks


def shallow(settings: OnePassSettings) -> Networks:
    """The networks without G's convolution at 7 × 7 and D's from 7 × 7 to 4 × 4."""
    generator, discriminator = (list(each.children()) for each in build_networks(settings).values())
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        last = nn.Linear(2 * settings.discriminator_width * 7 * 7, 1)
    return {
        "generator": nn.Sequential(*generator[:4], *generator[7:]),
        "discriminator": nn.Sequential(*discriminator[:4], nn.Flatten(), last, nn.Flatten(0)),
    }


NETWORKS: dict[str, Callable[[OnePassSettings], Networks]] = {
    "PyTorch's first weights (DCGAN's instead)": dcgan_weights,
    "the layers of low resolution": shallow,
}
WITHOUT: dict[str, dict[str, Any]] = {
    "the moving average": {"ema_decay": 0.0},
    "R1": {"penalty": "none"},
    "lazy R1 (at every step instead)": {"penalty_every": 1},
    "the non-saturating objective (minimax instead)": {"objective": "minimax"},
    "the non-saturating objective (Wasserstein instead)": {"objective": "wasserstein"},
    "constant rates (falling in the last 30 % instead)": {"lr_decay": "cooldown"},
    "constant rates (a cosine instead)": {"lr_decay": "cosine"},
    "β1 = 0 (0.5 instead)": {"beta1": 0.5},
    "β2 = 0.99 (0.999 instead)": {"beta2": 0.999},
    "high rates (2e-4 instead)": {"lr_generator": 2e-4, "lr_discriminator": 2e-4},
    "D slower than G (3e-3 instead)": {"lr_discriminator": 3e-3},
    "batches of 32 (128 instead)": {"batch_size": 128},
    "these widths (half instead)": {"generator_width": 24, "discriminator_width": 12},
    "these widths (twice instead)": {"generator_width": 96, "discriminator_width": 48},
    "two workers": {"workers": 1},
    "bfloat16": {"precision": "float32"},
}


def rows(jupyter: Jupyter) -> Iterator[Row]:
    images = load_digits(announce=False).images
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    whole = autotune(replace(RECIPES["fast"], seconds=SECONDS))
    changed: dict[str, Settings] = {
        **{name: replace(whole, **changes) for name, changes in WITHOUT.items()},
        "one pass": replace(IN_TURN, seconds=SECONDS),
    }
    ingredients = (*changed, *NETWORKS)
    found: dict[str, list[float]] = {name: [] for name in ("", *ingredients)}
    for seed in SEEDS:
        for name, distances in found.items():
            settings = replace(changed.get(name, whole), seed=seed)
            run = Trainer(images, settings, NETWORKS.get(name, build_networks)(settings))
            with suppress(Diverged):  # it stays where it is, and counts
                for _ in run.run():
                    pass
            distances.append(distance(run))
            print(
                f"  fast without {name or 'nothing'}, seed {seed}: {distances[-1]:.1f}", flush=True
            )
    torch.set_num_threads(threads)
    for name in ingredients:
        what = f"Fréchet distance after {SECONDS:.0f} s: fast, without {name}"
        yield Row(what, found[""], found[name], unit="", target="> 1")
