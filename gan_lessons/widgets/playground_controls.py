"""Which settings of a run in the plane the playground shows, in which order."""

from typing import Any

from gan_lessons.errors import UserError
from gan_lessons.plane import Plan
from gan_lessons.training import Setting, describe

SHOWN = (
    "data",
    "seed",
    "batch_size",
    "latent_dim",
    "noise",
    "noise_scale",
    "layers",
    "generator_width",
    "discriminator_width",
    "objective",
    "discriminator_steps",
    "generator_steps",
    "penalty",
    "penalty_weight",
    "instance_noise",
    "label_smoothing",
    "optimizer_discriminator",
    "lr_discriminator",
    "beta1_discriminator",
    "optimizer_generator",
    "lr_generator",
    "beta1_generator",
)
SETTINGS = {name: describe(Plan)[name] for name in SHOWN}


def setting_groups() -> dict[str, list[Setting]]:
    """The settings that are shown, under their headings."""
    found: dict[str, list[Setting]] = {}
    for setting in SETTINGS.values():
        found.setdefault(setting.group, []).append(setting)
    return found


def refuse_off_slider(name: str, value: Any) -> None:
    """Refuse what a slider would clamp in silence; `plane.Plan` allows some such values.

    Raises:
        UserError: the number is outside its slider's range.
    """
    setting = SETTINGS.get(name)
    if setting is None or setting.kind not in (int, float):
        return
    low, high = setting.slider
    if not isinstance(value, int | float) or not low <= value <= high:
        raise UserError(f"{name} is {value!r}; choose from {low:g} to {high:g}.")
