"""Networks that are already trained: those that ship with the package, and your own runs.

A `.safetensors` file holds an averaged generator in half precision, the discriminator that it was
trained against, and their settings. It is what ``gan-lessons train`` leaves beside its
checkpoint; the shipped ones were made so.
"""

import json
from dataclasses import asdict, replace
from pathlib import Path

import safetensors
import torch
from safetensors.torch import save
from torch import Tensor, nn

from gan_lessons import models
from gan_lessons.errors import UserError
from gan_lessons.files import written_aside
from gan_lessons.training import Settings, Trainer, build, read_checkpoint

FOLDER = Path(__file__).parent / "weights"
CHECKPOINT = "checkpoint.pt"
DISCRIMINATOR = "discriminator."  # begins the names of its tensors in a file


def names() -> list[str]:
    """The generators that ship with the package."""
    return sorted(path.stem for path in FOLDER.glob("*.safetensors") if path.stem != "judge")


def save_generator(trainer: Trainer, path: str | Path) -> None:
    """Write the averaged generator and the discriminator, in half precision, with their settings.

    The discriminator's tensors have names that begin with ``discriminator.``.
    """
    weights = {DISCRIMINATOR + k: v for k, v in trainer.discriminator.state_dict().items()}
    weights |= trainer.average.state_dict()
    halves = {k: v.half() if v.is_floating_point() else v for k, v in weights.items()}
    tensors = {k: v.contiguous() for k, v in halves.items()}  # some lie channels-last in memory
    metadata = {"settings": json.dumps(asdict(trainer.settings))}
    with written_aside(path) as aside:
        aside.write_bytes(save(tensors, metadata))


def load_generator(source: str | Path, digit: int | None = None) -> tuple[nn.Module, Settings]:
    """The averaged generator of a shipped name, a run's folder, or a `.safetensors` file.

    It is in evaluation mode: the same noise gives the same images, whatever the batch.

    Args:
        source: where it is.
        digit: of a conditional generator, the class to draw; it then is like any other. Without
            it, its noise carries a class (see `noise`).

    Raises:
        UserError: there is nothing of that name, the file is damaged, or it knows no such digit.
    """
    path, settings, weights, _ = _find(source)
    generator = _filled(build(settings)[0], weights, path)
    if digit is None:
        return generator, settings
    if digit not in range(settings.classes):
        knows = f"the classes 0 to {settings.classes - 1}" if settings.classes else "no classes"
        raise UserError(f"digit is {digit!r}, but the generator {str(source)!r} knows {knows}.")
    return models.OneClass(generator, digit, settings.classes), replace(settings, classes=0)


def refuse_classes(settings: Settings) -> None:
    """Refuse a conditional generator where the noise alone should decide.

    Raises:
        UserError: it is one; the sentence says how to take one digit of it.
    """
    if settings.classes:
        raise UserError(
            "This generator is conditional: it draws the digit that it is told. Choose one, as in "
            'load_generator("conditional", digit=7).'
        )


def load_discriminator(source: str | Path) -> nn.Module:
    """The discriminator that the generator of that name was trained against: images → logits.

    Raises:
        UserError: there is nothing of that name, the file is damaged, or it holds a generator only.
    """
    path, settings, _, weights = _find(source)
    if not weights:
        raise UserError(f"{path} holds a generator only; load the run's folder instead.")
    _, discriminator = build(settings)
    return _filled(discriminator, weights, path)


def _filled(network: nn.Module, weights: dict[str, Tensor], path: Path) -> nn.Module:
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise UserError(f"{path} holds other layers than its settings say.") from error
    return network.eval().requires_grad_(False)


def _find(source: str | Path) -> tuple[Path, Settings, dict[str, Tensor], dict[str, Tensor]]:
    """The file, its settings, the generator's weights and the discriminator's."""
    path = Path(source)
    if str(source) in names():
        path = FOLDER / f"{source}.safetensors"
    elif path.is_dir():
        path = path / CHECKPOINT
    if not path.is_file():
        raise UserError(
            f"There is no generator {str(source)!r}. Name a shipped one ({', '.join(names())}), "
            "the folder of a run (gan-lessons train --out), or a .safetensors file."
        )
    if path.suffix != ".safetensors":
        state = read_checkpoint(path)
        return path, Settings(**state["settings"]), state["average"], state["discriminator"]
    settings, tensors = _read(path)
    theirs = {name for name in tensors if name.startswith(DISCRIMINATOR)}
    generator = {name: tensors[name] for name in tensors.keys() - theirs}
    discriminator = {name.removeprefix(DISCRIMINATOR): tensors[name] for name in theirs}
    return path, settings, generator, discriminator


def _read(path: Path) -> tuple[Settings, dict[str, Tensor]]:
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            settings = Settings(**json.loads(file.metadata()["settings"]))
            return settings, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (safetensors.SafetensorError, TypeError, KeyError, ValueError, OSError) as error:
        raise UserError(f"{path} is not a generator of this course, or is damaged.") from error


def noise(n: int, settings: Settings, seed: int = 0) -> Tensor:
    """n noise vectors (n, latent_dim) on the scale that the generator was trained with.

    For a conditional generator, with the classes 0, 1, 2, … in turn: (n, latent_dim + classes).
    """
    rng = torch.Generator().manual_seed(seed)
    z = torch.randn(n, settings.latent_dim, generator=rng) * settings.noise_scale
    if settings.classes:
        return models.with_class(z, torch.arange(n) % settings.classes, settings.classes)
    return z
