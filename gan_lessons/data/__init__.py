"""Data: MNIST digits, and toy distributions in one and two dimensions.

Fetching the full MNIST is apart, ``gan_lessons.data.download.download``: nothing here needs a
network.
"""

from gan_lessons.data import toys
from gan_lessons.data.digits import (
    Digits,
    Status,
    data_folder,
    from_uint8,
    load_digits,
    status,
    to_uint8,
)

__all__ = [
    "Digits",
    "Status",
    "data_folder",
    "from_uint8",
    "load_digits",
    "status",
    "to_uint8",
    "toys",
]
