"""What lessons hand out to be diagnosed, apart from the files in which the answers stand."""

import hashlib
from collections.abc import Iterable


def hidden_order(names: Iterable[str], salt: int) -> list[str]:
    """The names in an order that nobody can read from here."""
    return sorted(names, key=lambda name: hashlib.sha256(f"{salt} {name}".encode()).digest())
