"""The one exception for mistakes that a person can mend, and what counts as a number."""

import math
from collections.abc import Collection, Mapping
from typing import NoReturn, TypeVar

T = TypeVar("T")


class UserError(ValueError):
    """Bad input, said in a sentence: what was wrong, with the value, and what would be right.

    The command line prints the sentence and exits with code 2; a notebook shows it.
    """


class ByName(dict[str, T]):
    """Things by name. Asked for one that is not there, it says which there are.

    Args:
        what: such a thing, in a word.
        things: name → thing.
    """

    def __init__(self, what: str, things: Mapping[str, T]) -> None:
        super().__init__(things)
        self.what = what

    def __missing__(self, name: object) -> NoReturn:
        raise UserError(f"There is no {self.what} {name!r}; choose one of {', '.join(self)}.")


def expect(value: object, kind: type | tuple[type, ...], right: str) -> None:
    """Refuse a thing of another kind.

    Args:
        value: what was given.
        kind: what it has to be.
        right: the same in words; the sentence goes on with "…, not X."
    """
    if not isinstance(value, kind):
        raise UserError(f"{right}, not {type(value).__name__}.")


def expect_whole(value: object, name: str, low: float = 0, high: float = math.inf) -> None:
    """Refuse what is no whole number from low to high."""
    if not is_whole(value, low, high):
        raise UserError(f"{name} is {_shown(value)}; choose a whole number {_range(low, high)}.")


def expect_number(value: object, name: str, low: float, high: float) -> None:
    """Refuse what is no number from low to high."""
    if not is_number(value, low, high):
        raise UserError(f"{name} is {_shown(value)}; choose a number {_range(low, high)}.")


def expect_one_of(value: object, name: str, choices: Collection[object]) -> None:
    """Refuse what is none of the choices."""
    if value not in [*choices]:  # a list, so that it may be anything at all
        raise UserError(f"{name} is {value!r}; choose one of {', '.join(map(str, choices))}.")


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"a {type(value).__name__}"


def _range(low: float, high: float) -> str:
    if low == -math.inf:
        return "of any size"
    return f"from {low:,}" + (f" to {high:,}" if high < math.inf else "")


def is_whole(value: object, low: float, high: float = math.inf) -> bool:
    """Whether it is a whole number from low to high; True and False, Python's 1 and 0, are none."""
    return isinstance(value, int) and is_number(value, low, high)


def is_number(value: object, low: float, high: float = math.inf) -> bool:
    """Whether it is a number from low to high, both included; True, False and NaN are none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high
