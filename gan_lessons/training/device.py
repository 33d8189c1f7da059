"""Where networks and data live."""

import torch

from gan_lessons.errors import UserError


def resolve_device(name: str) -> torch.device:
    """The device of a name: "cpu", "cuda" or "mps".

    Raises:
        UserError: this machine has no such device, or PyTorch was built without it.
    """
    missing = {
        "cuda": not torch.cuda.is_available(),
        "mps": not torch.backends.mps.is_available(),
    }
    if missing.get(name):
        raise UserError(
            f"device is {name!r}, but PyTorch {torch.__version__} finds no such GPU here; "
            "choose 'cpu', or install the PyTorch that fits your GPU (see pytorch.org)."
        )
    return torch.device(name)
