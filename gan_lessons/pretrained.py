"""Networks that are already trained: those that ship with the package, and your own runs.

A `.safetensors` file holds the players' networks in half precision, of each the moving average
where there is one, with the method, its settings and the shape of a sample. It is what
``gan-lessons train`` leaves beside its checkpoint; the shipped ones were made so.
"""

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import safetensors
import torch
from safetensors.torch import save
from torch import Tensor, nn

from gan_lessons import networks
from gan_lessons.errors import UserError, expect, expect_whole, is_whole
from gan_lessons.files import atomic_write
from gan_lessons.methods.gan import Adversarial, AdversarialSettings
from gan_lessons.training import (
    Method,
    Settings,
    Trainer,
    checkpoint,
    find_method,
    read_checkpoint,
)

FOLDER = Path(__file__).parent / "weights"
CHECKPOINT = "checkpoint.pt"
CLASSIFIER = "classifier"
RESTORERS = ("restore", "restore_regression")  # that ship: against an adversary, and alone
TRANSLATORS = ("cycle_stripes", "cycle_printed", "pix2pix", "pix2pix_regression")
SETTINGS = 'settings have to be a GAN\'s: generator, settings = pretrained.load_generator("dcgan")'
FAMILIES = ("family_gan", "vae", "flow")  # that ship: lesson 17's, of equal seconds


def names() -> list[str]:
    """The generators of noise that ship with the package."""
    others = {CLASSIFIER, *RESTORERS, *TRANSLATORS, *FAMILIES}
    return sorted(path.stem for path in FOLDER.glob("*.safetensors") if path.stem not in others)


def save_networks(trainer: Trainer, path: str | Path) -> None:
    """Write the players' networks, in half precision, with what is needed to build them again.

    The names of a network's tensors begin with its player's. Where a player has a moving average,
    that is what is written.
    """
    weights = {
        f"{name}.{key}": value
        for name in trainer.players
        for key, value in trainer.method.network(name, ema=True).state_dict().items()
    }
    tensors = {k: _halved(v).contiguous() for k, v in weights.items()}  # some lie channels-last
    # In one entry: several would be written in another order each time.
    run = {
        "method": trainer.method.name,
        "settings": trainer.settings.asdict(),
        "shape": trainer.method.shape,
    }
    with atomic_write(path) as temporary:
        temporary.write_bytes(save(tensors, {"run": json.dumps(run)}))


def _halved(tensor: Tensor) -> Tensor:
    """In half precision, where that can hold the numbers (up to 65,504)."""
    half = tensor.half() if tensor.is_floating_point() else tensor
    return half if torch.equal(half.isfinite(), tensor.isfinite()) else tensor


def load_method(source: str | Path, samples: Tensor | None = None) -> Method[Any]:
    """A method with trained networks, of a shipped name, a run's folder or a `.safetensors` file.

    Its ``inputs`` and ``draw`` give samples. Networks are in evaluation mode: the same input gives
    the same sample, whatever the batch.

    Args:
        source: where it is.
        samples: of its data, for a method whose inputs are taken from them.

    Raises:
        UserError: there is nothing of that name, or the file is damaged.
    """
    path = _find(source)
    method, settings, shape, weights = _read(path)
    try:
        data = {"samples": torch.empty(0, *shape) if samples is None else samples}
        loaded = method(settings, data)
        for name, player in loaded.players.items():
            player.ema = None  # its weights are the network's
            player.network.load_state_dict(weights[name])
            player.network.eval().requires_grad_(False).to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
        return loaded
    except (RuntimeError, TypeError, AttributeError, KeyError) as error:
        raise UserError(f"{path} holds other layers than its settings say.") from error


def load_generator(source: str | Path, digit: int | None = None) -> tuple[nn.Module, Any]:
    """The averaged generator of a shipped name, a run's folder, or a `.safetensors` file.

    Args:
        source: where it is.
        digit: of a conditional generator, the class to draw; it then is like any other. Without
            it, its noise carries a class (see `noise`).

    Returns:
        The generator, in evaluation mode, and its settings.

    Raises:
        UserError: there is nothing of that name, the file is damaged, it holds no generator, or it
            knows no such digit.
    """
    method = load_method(source)
    if not isinstance(method, Adversarial):
        raise UserError(
            f"{source} was trained by {method.name!r}, which is no GAN of noise and logits; what "
            "it draws comes by load_method."
        )
    settings, generator = method.settings, method.network("generator")
    # A quarter faster on a CPU, for sliders that redraw 64 digits.
    generator.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    if digit is None:
        return generator, settings
    classes = getattr(settings, "classes", 0)
    if digit not in range(classes):
        knows = f"the classes 0 to {classes - 1}" if classes else "no classes"
        raise UserError(f"digit is {digit!r}, but the generator {str(source)!r} knows {knows}.")
    without = {field.name: getattr(settings, field.name) for field in fields(AdversarialSettings)}
    return networks.OneClass(generator, digit, classes), AdversarialSettings(**without)


def refuse_classes(settings: AdversarialSettings) -> None:
    """Refuse a conditional generator where the noise alone should decide.

    Raises:
        UserError: it is one; the sentence says how to take one digit of it.
    """
    expect(settings, AdversarialSettings, SETTINGS)
    if getattr(settings, "classes", 0):
        raise UserError(
            "This generator is conditional: it draws the digit that it is told. Choose one, as in "
            'load_generator("conditional", digit=7).'
        )


def load_discriminator(source: str | Path) -> nn.Module:
    """The discriminator that the generator of that name was trained against: images → logits.

    Raises:
        UserError: there is nothing of that name, the file is damaged, or it holds none.
    """
    method = load_method(source)
    if "discriminator" not in method.players:
        raise UserError(f"{source} was trained by {method.name!r}, which has no discriminator.")
    return method.network("discriminator")


def load_restorer(source: str | Path = "restore") -> nn.Module:
    """A network that mends pictures: spoiled pictures, mask and noise (N, 3, 28, 28) → pictures.

    `methods.restoration` has what it takes (``as_inputs``) and how its pictures are put in place
    (``restore``).

    Args:
        source: one of `RESTORERS` or `TRANSLATORS`, a run's folder, or a `.safetensors` file.

    Raises:
        UserError: there is nothing of that name, the file is damaged, or it holds no restorer.
    """
    method = load_method(source)
    if "restorer" not in method.players:
        raise UserError(f"{source} was trained by {method.name!r}, which restores nothing.")
    return method.network("restorer")


def load_generators(source: str | Path) -> Any:
    """The two generators of a translation without pairs, ``["to_b"]`` and ``["to_a"]``.

    Args:
        source: one of `TRANSLATORS`, a run's folder, or a `.safetensors` file.

    Raises:
        UserError: there is nothing of that name, the file is damaged, or it holds none.
    """
    method = load_method(source)
    if "generators" not in method.players:
        raise UserError(f"{source} was trained by {method.name!r}, which goes no way back.")
    return method.network("generators")


def noise(n: int, settings: AdversarialSettings, seed: int = 0) -> Tensor:
    """n noise vectors (n, latent_dim) on the scale that the generator was trained with.

    For a conditional generator, with the classes 0, 1, 2, … in turn: (n, latent_dim + classes).

    Raises:
        UserError: n or seed is no whole number, or the settings are not those of a GAN.
    """
    expect(settings, AdversarialSettings, SETTINGS)
    expect_whole(n, "n")
    expect_whole(seed, "seed")
    rng = torch.Generator().manual_seed(seed)
    z = torch.randn(n, settings.latent_dim, generator=rng) * settings.noise_scale
    classes = getattr(settings, "classes", 0)
    return networks.append_one_hot(z, torch.arange(n) % classes, classes) if classes else z


def _find(source: str | Path) -> Path:
    path = Path(source)
    shipped = (*names(), *RESTORERS, *TRANSLATORS, *FAMILIES)
    if str(source) in shipped:
        path = FOLDER / f"{source}.safetensors"
    elif path.is_dir():
        path = path / CHECKPOINT
    if not path.is_file():
        raise UserError(
            f"There is no generator {str(source)!r}. Name a shipped one ({', '.join(shipped)}), "
            "the folder of a run (gan-lessons train --out), or a .safetensors file."
        )
    return path


UNREADABLE = (safetensors.SafetensorError, TypeError, KeyError, ValueError, OSError, RecursionError)
Weights = dict[str, dict[str, Tensor]]  # the tensors of each player


def _read(path: Path) -> tuple[type[Method[Any]], Settings, tuple[int, ...], Weights]:
    """Method, settings, shape of a sample, and weights."""
    if path.suffix != ".safetensors":
        run = read_checkpoint(path)
    try:
        if path.suffix == ".safetensors":
            run, weights = _read_safetensors(path)
        else:
            weights = {name: run.get(f"{name}_ema", run[name]) for name in run["players"]}
        kind = find_method(run["method"])
        settings = checkpoint.settings_from(kind.settings_class, run["settings"])
        return kind, settings, _shape(run["shape"]), weights
    except UNREADABLE as error:
        reason = f": {error}" if isinstance(error, UserError) else "."
        raise UserError(
            f"{path} is not a generator of this course, or is damaged{reason}"
        ) from error


def _read_safetensors(path: Path) -> tuple[dict[str, Any], Weights]:
    weights: Weights = {}
    with safetensors.safe_open(path, framework="pt") as file:
        run: dict[str, Any] = json.loads(file.metadata()["run"])
        for name in file.keys():  # noqa: SIM118
            player, _, key = name.partition(".")
            weights.setdefault(player, {})[key] = file.get_tensor(name)
    return run, weights


def _shape(found: Any) -> tuple[int, ...]:
    shape = tuple(found)
    if not 1 <= len(shape) <= 4 or not all(is_whole(side, 1, 4096) for side in shape):
        raise ValueError(f"no shape of a sample: {shape}")
    return shape
