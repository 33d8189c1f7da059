"""Settings: small frozen dataclasses whose fields say their own range, label, group and meaning.

A field is written once::

    lr_generator: float = number(3e-3, 0, 0.1, label="rate of G, η_G", slider=(1e-6, 0.1), log=True)

and validation, sliders, the command line's ``--set`` and the lists of settings come from there. A
subclass that only wants another default writes ``lr_generator: float = 1e-3``.
"""

import dataclasses
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from types import NoneType
from typing import Any, cast, get_args

from gan_lessons.errors import UserError, is_number, is_whole

DEVICES = ("cpu", "cuda", "mps")


def number(
    default: float | None,
    low: float,
    high: float,
    *,
    label: str,
    group: str = "",
    help: str = "",
    slider: tuple[float, float] | None = None,
    step: float | None = None,
    log: bool = False,
    fixed: bool = False,
) -> Any:
    """A number from ``low`` to ``high``, both included; whole where the field's type is int.

    Args:
        default: None where the field's type allows it.
        low: the least.
        high: the most.
        label: its name for people, with its symbol.
        group: the heading under which a panel shows it; without one, no panel does.
        help: what it does, in a sentence.
        slider: the part of the range that a slider has; default: all of it.
        step: of the slider, in its unit; on a logarithmic one a power of ten.
        log: whether the slider is logarithmic.
        fixed: whether it decides how a run is built, so that another value is another run.
    """
    shown = {"label": label, "group": group, "help": help, "fixed": fixed}
    return field(
        default=default,
        metadata=shown
        | {"range": (low, high), "slider": slider or (low, high), "step": step, "log": log},
    )


def choice(
    default: str,
    options: tuple[str, ...],
    *,
    label: str,
    group: str = "",
    help: str = "",
    fixed: bool = False,
) -> Any:
    """One of some words; the other arguments are those of `number`."""
    shown = {"label": label, "group": group, "help": help, "fixed": fixed}
    return field(default=default, metadata=shown | {"options": options})


def flag(default: bool, *, label: str, group: str = "", help: str = "", fixed: bool = False) -> Any:
    """True or False; the other arguments are those of `number`."""
    shown = {"label": label, "group": group, "help": help, "fixed": fixed}
    return field(default=default, metadata=shown)


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What there is to know about one field of a settings class; see `number`."""

    name: str
    kind: type  # int, float, str, bool; tuple for what has its own check
    default: Any
    optional: bool
    label: str = ""
    group: str = ""
    help: str = ""
    fixed: bool = False
    range: tuple[float, float] = (0, 0)
    slider: tuple[float, float] = (0, 0)
    step: float | None = None
    log: bool = False
    options: tuple[str, ...] = ()

    def check(self, value: Any) -> None:
        """Refuse a value of the wrong kind or outside the range.

        Raises:
            UserError: the sentence says what is right.
        """
        if value is None and self.optional:
            return
        if self.options and value not in self.options:
            raise UserError(f"{self.name} is {value!r}; choose one of {', '.join(self.options)}.")
        if self.kind is bool and not isinstance(value, bool):
            raise UserError(f"{self.name} is {value!r}; choose True or False.")
        if self.kind not in (int, float):
            return
        low, high = self.range
        if not (is_whole if self.kind is int else is_number)(value, low, high):
            kind = "a whole number" if self.kind is int else "a number"
            raise UserError(f"{self.name} is {value!r}; choose {kind} from {low:,} to {high:,}.")

    def parse(self, text: str) -> Any:
        """The value that a text means, such as one typed on a command line; not yet checked."""
        if self.optional and text == "none":
            return None
        if self.kind is bool:
            return {"true": True, "false": False}.get(text.lower(), text)
        try:
            return self.kind(text) if self.kind in (int, float) else text
        except ValueError:
            return text

    def __str__(self) -> str:
        values = ", ".join(self.options) or f"{self.range[0]:,} to {self.range[1]:,}"
        if self.kind is bool:
            values = "true or false"
        meaning = f" {self.help}" if self.help else ""
        return f"{self.name} = {self.default} ({values}): {self.label}.{meaning}"


def describe(settings: type["Settings"]) -> Mapping[str, Setting]:
    """Every setting of a class, by name.

    A field that a subclass gives another default keeps the description of the class above.
    """
    return _describe(cast(Hashable, settings))


@cache
def _describe(settings: Any) -> Mapping[str, Setting]:
    described = {}
    for own in fields(settings):
        metadata: Mapping[str, Any] = next(
            (
                above.metadata
                for base in settings.__mro__
                if (above := getattr(base, "__dataclass_fields__", {}).get(own.name))
                and above.metadata
            ),
            {},
        )
        kinds = set(get_args(own.type)) or {own.type}
        optional = NoneType in kinds
        if kinds & {int, float} and "range" not in metadata and "options" not in metadata:
            raise UserError(
                f"{settings.__name__}.{own.name} has no range; give it one: {own.name}: float = "
                "number(0.5, 0, 1, label=…)."
            )
        (kind,) = kinds - {NoneType} if kinds <= {int, float, str, bool, NoneType} else {tuple}
        described[own.name] = Setting(
            name=own.name,
            kind=kind,
            default=own.default,
            optional=optional,
            **metadata,
        )
    return described


def check_setting(settings: type["Settings"], name: str, value: Any) -> None:
    """Refuse a value that a settings class could not use.

    Raises:
        UserError: unknown name, wrong kind, or out of range; the sentence says what is right.
    """
    described = describe(settings)
    if name not in described:
        known = ", ".join(described)
        raise UserError(f"There is no setting {name!r}; the settings are {known}.")
    described[name].check(value)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What every run has, whatever is learned; a method's settings are a subclass.

    With ``steps`` or ``seconds`` the run has an end, and the rates may fall towards it: along a
    cosine to 0, or (``lr_decay="cooldown"``) in a line over the last 30 % only. With "none" they
    stay.

    Raises:
        UserError: a value is outside its range; the sentence names it.
    """

    batch_size: int = number(
        32, 2, 4096, label="batch size", help="Samples in a batch.", fixed=True
    )
    ema_decay: float = number(
        0.998,
        0,
        0.99999,
        label="EMA decay",
        group="Optimizers",
        help="How much the moving average of a network's weights keeps at each step; 0: nothing.",
        slider=(0, 0.999),
        step=0.001,
    )
    lr_decay: str = choice(
        "cosine", ("none", "cosine", "cooldown"), label="how rates fall towards the end"
    )
    steps: int | None = number(None, 1, 10_000_000, label="steps of the run")
    seconds: float | None = number(None, 0.1, 1_000_000, label="seconds of the run")
    seed: int = number(0, 0, 2**31 - 1, label="seed", help="Decides the run.", fixed=True)
    device: str = choice(
        "cpu",
        DEVICES,
        label="device",
        help="Where networks and data live: cpu, cuda (NVIDIA, AMD) or mps (Apple).",
        fixed=True,
    )

    def __post_init__(self) -> None:
        for name, setting in describe(type(self)).items():
            setting.check(getattr(self, name))
        if self.steps is not None and self.seconds is not None:
            raise UserError("Both steps and seconds are set; a run ends by one of them: drop one.")

    def asdict(self) -> dict[str, Any]:
        """Name → value."""
        return dataclasses.asdict(self)
