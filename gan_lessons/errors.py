"""The one exception for mistakes that a person can mend, and what counts as a number."""

import math


class UserError(ValueError):
    """Bad input, said in a sentence: what was wrong, with the value, and what would be right.

    The command line prints the sentence and exits with code 2; a notebook shows it.
    """


def is_whole(value: object, low: float, high: float = math.inf) -> bool:
    """Whether it is a whole number from low to high; True and False, Python's 1 and 0, are none."""
    return isinstance(value, int) and is_number(value, low, high)


def is_number(value: object, low: float, high: float = math.inf) -> bool:
    """Whether it is a number from low to high, both included; True, False and NaN are none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high
