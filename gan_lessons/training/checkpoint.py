"""Checkpoints: a run's whole state in a file that loads without running code."""

import io
import warnings
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gan_lessons.errors import UserError, is_number
from gan_lessons.files import atomic_write
from gan_lessons.training.method import Player, find_method
from gan_lessons.training.settings import Settings, describe


def fingerprint(data: Mapping[str, Tensor]) -> dict[str, list[int]]:
    """Length and checksum of each tensor of a run's data."""
    return {
        name: [len(tensor), zlib.crc32(tensor.cpu().contiguous().numpy().data)]
        for name, tensor in data.items()
    }


def write(path: str | Path, state: Mapping[str, Any]) -> None:
    """Write a state, whole or not at all.

    Raises:
        UserError: the file cannot be written.
    """
    buffer = io.BytesIO()  # torch.save into a file hides what the system says of a full disk
    torch.save(dict(state), buffer)
    with atomic_write(path) as aside:
        aside.write_bytes(buffer.getbuffer())


def refuse_unkept(memory: Mapping[str, Any]) -> None:
    """Refuse what would be written into a file, and not read from it.

    Raises:
        UserError: the sentence names the entry.
    """
    for name, value in memory.items():
        if not _is_kept(value):
            raise UserError(
                f"memory[{name!r}] is a {type(value).__name__} that no file can hold; keep plain "
                "numbers and tensors without gradients, as by .item() or .detach()."
            )


def _is_kept(value: Any) -> bool:
    if isinstance(value, Tensor):
        return not value.requires_grad
    if type(value) in (list, tuple, dict):
        return all(map(_is_kept, value.values() if isinstance(value, dict) else value))
    return value is None or type(value) in (bool, int, float, str)  # NumPy's numbers are neither


def read(path: str | Path) -> dict[str, Any]:
    """The state in a checkpoint file; loads without running code.

    Raises:
        UserError: no such file, one that cannot be read, or not a checkpoint.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"There is no checkpoint {path}.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of old pickles, which are refused anyway
            state = torch.load(path, map_location="cpu", weights_only=True)
    except PermissionError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}.") from error
    except Exception as error:  # torch.load fails in many ways on a file that is not its own
        raise UserError(
            f"{path} is not a checkpoint of this course, or is damaged ({type(error).__name__})."
        ) from error
    if not isinstance(state, dict) or not {"method", "settings", "data"} <= state.keys():
        raise UserError(f"{path} is not a checkpoint of this course, or is damaged.")
    return {"memory": {}} | state  # earlier files have none of methods that remember nothing


def settings_of(state: Mapping[str, Any], path: str | Path) -> Settings:
    """The settings in a state that was read.

    Raises:
        UserError: they are no settings of the method that it names.
    """
    with blaming(path):
        return settings_from(find_method(state["method"]).settings_class, state["settings"])


def settings_from(kind: type[Settings], values: Mapping[str, Any]) -> Settings:
    """Settings of a class, of values that were saved.

    Raises:
        UserError: the class has no such setting any more, or a value is out of range.
    """
    if unknown := [name for name in values if name not in describe(kind)]:
        raise UserError(f"{kind.__name__} has no {', '.join(unknown)}, with which this was saved.")
    return kind(**values)


@contextmanager
def blaming(path: str | Path) -> Iterator[None]:
    """Say of whatever goes wrong with a state that its file does not fit together."""
    try:
        yield
    except (UserError, RuntimeError, TypeError, ValueError, LookupError, AttributeError) as error:
        reason = str(error) if isinstance(error, UserError) else type(error).__name__
        raise UserError(
            f"{path} is a damaged checkpoint, or not one of this course: {reason}"
        ) from error


def refuse_other_data(
    path: str | Path, state: Mapping[str, Any], data: Mapping[str, Tensor]
) -> None:
    """Refuse data other than those that a state was saved with.

    Raises:
        UserError: they differ; the sentence says in what.
    """
    with blaming(path):
        known, given = state["data"], fingerprint(data)
        was, now = known["samples"][0], given["samples"][0]
    if known["samples"] != given["samples"]:
        these = f"{now:,}" if now != was else "as many, of other values or another size"
        raise UserError(
            f"{path} belongs to a run on other data ({was:,} samples; these are {these}). "
            "Load the data that it was started with."
        )
    if known != given:
        raise UserError(f"{path} belongs to a run with other labels. Load those of its start.")


def refuse_unfit(
    state: Mapping[str, Any], own: Mapping[str, Any], players: Mapping[str, Player]
) -> None:
    """Refuse a state that does not fit a run, or of which a part is missing or damaged.

    Args:
        state: what is to be restored.
        own: the state of the run as it is now.
        players: of that run.

    Raises:
        UserError: the sentence names the part.
    """
    for key, ours in own.items():
        if key not in state:
            raise UserError(f"{key!r} is missing.")
        theirs = state[key]
        if not isinstance(theirs, type(ours)) and not (
            isinstance(ours, Mapping) and isinstance(theirs, Mapping)
        ):
            raise UserError(f"{key!r} is a {type(theirs).__name__}, no {type(ours).__name__}.")
    for key in ("method", "players", "shape"):
        if state[key] != own[key]:
            raise UserError(f"{key!r} is {state[key]!r}; here it is {own[key]!r}.")
    for key in ("step", "batches", "elapsed"):
        if not is_number(state[key], 0):
            raise UserError(f"{key!r} is {state[key]!r}; it counts from 0.")
    if state["rng"].shape != own["rng"].shape or state["rng"].dtype != own["rng"].dtype:
        raise UserError("'rng' is no state of a random number generator.")
    for name, player in players.items():
        for key in (name, f"{name}_ema"):
            if key in own and _shapes(state[key]) != _shapes(own[key]):
                raise UserError(f"{key!r} holds other weights than this run has.")
        _refuse_optimizer(f"optimizer_{name}", state, own, player.optimizer)


def _shapes(weights: Mapping[str, Any]) -> dict[str, Any]:
    return {name: getattr(tensor, "shape", None) for name, tensor in weights.items()}


def _refuse_optimizer(
    key: str, state: Mapping[str, Any], own: Mapping[str, Any], optimizer: Any
) -> None:
    """What an optimizer remembers of each weight has that weight's shape, or is one number.

    Of a weight that it never moved, such as a frozen one, it remembers nothing.
    """
    wrong = UserError(f"{key!r} holds averages of other weights.")
    theirs, ours = state[key], own[key]
    if "param_groups" not in ours:  # an optimizer of our own: one flat tensor of each kind
        if _shapes(theirs) != _shapes(ours):
            raise wrong
        return
    entries, groups = theirs["state"], theirs["param_groups"]
    if [*map(_fields, groups)] != [*map(_fields, ours["param_groups"])]:
        raise wrong
    weights = [weight for group in optimizer.param_groups for weight in group["params"]]
    if not entries.keys() <= {*range(len(weights))}:
        raise wrong
    adam = {"step", "exp_avg", "exp_avg_sq"}
    if any(group.get("amsgrad") for group in groups):
        adam.add("max_exp_avg_sq")
    for index, entry in entries.items():
        if "amsgrad" in groups[0] and entry.keys() != adam:
            raise wrong
        shapes = [tensor.shape for tensor in entry.values() if isinstance(tensor, Tensor)]
        if any(shape not in ((), weights[index].shape) for shape in shapes):
            raise wrong


def _fields(group: Mapping[str, Any]) -> tuple[set[str], list[int]]:
    """What a group of an optimizer has, and which weights."""
    return {*group}, group["params"]
