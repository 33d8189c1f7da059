"""What networks are built of and wrapped in: conditions, packs, spectral norm; and their size."""

from collections import OrderedDict
from collections.abc import Iterable

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from gan_lessons.errors import UserError, expect, is_whole
from gan_lessons.tensors import expect_tensor


def check_image(channels: int, size: int, sizes: range, **counts: int) -> None:
    """Refuse a shape of images (channels, size, size) that a network cannot have.

    Args:
        channels: of the images.
        size: their side.
        sizes: which the network can have.
        counts: what else it counts, by name, such as its width.

    Raises:
        UserError: there are no channels, the size is not one of ``sizes``, or another count is no
            whole number from 1.
    """
    for name, count in counts.items():
        if not is_whole(count, 1):
            raise UserError(f"{name} is {count!r}; choose a whole number from 1.")
    if not is_whole(channels, 1):
        raise UserError(f"channels is {channels!r}; choose 1 for grey pictures, 3 for colour.")
    if not is_whole(size, sizes[0], sizes[-1]) or size not in sizes:
        kind = "a whole number" if sizes.step == 1 else f"a multiple of {sizes.step}"
        raise UserError(f"size is {size!r}; choose {kind} from {sizes[0]} to {sizes[-1]:,}.")


class Stack(nn.Sequential):
    """Layers one after another, as `nn.Sequential`; a slice, such as ``network[:4]``, is one, too.

    (A slice of `nn.Sequential` is made by the class of the whole, here by arguments such as width.)
    """

    def __getitem__(self, idx: slice | int) -> nn.Sequential | nn.Module:
        if isinstance(idx, slice):
            return nn.Sequential(OrderedDict(list(self._modules.items())[idx]))
        return super().__getitem__(idx)


def append_one_hot(z: Tensor, labels: Tensor, classes: int) -> Tensor:
    """What a conditional generator takes: z (N, latent_dim), and each label as one-hot numbers.

    Returns:
        (N, latent_dim + classes).

    Raises:
        UserError: the labels are no tensor of whole numbers, one for each z.
    """
    _refuse_labels(labels, len(z))
    return torch.cat([z, F.one_hot(labels, classes).to(z)], dim=1)


def _refuse_labels(labels: Tensor, n: int) -> None:
    """By type and shape only, so that nothing waits for a GPU."""
    expect(labels, Tensor, "labels has to be a tensor, such as torch.tensor([3, 7])")
    if labels.shape != (n,) or labels.dtype != torch.int64:
        found = f"{labels.dtype} {tuple(labels.shape)}"
        raise UserError(f"labels has to be {n} whole numbers (int64), one for each, not {found}.")


def append_label_planes(images: Tensor, labels: Tensor, classes: int) -> Tensor:
    """What a discriminator takes that sees the class: each label as one plane of 1s among 0s.

    Args:
        images: (N, channels, height, width).
        labels: (N,).
        classes: how many there are.

    Returns:
        (N, channels + classes, height, width).

    Raises:
        UserError: the labels are no tensor of whole numbers, one for each image.
    """
    _refuse_labels(labels, len(images))
    one_hot = F.one_hot(labels, classes).to(images)[:, :, None, None]
    return torch.cat([images, one_hot.expand(-1, -1, *images.shape[2:])], dim=1)


class OneClass(nn.Module):
    """A conditional generator that is asked for one class only: z (N, latent_dim) → images."""

    def __init__(self, generator: nn.Module, label: int, classes: int) -> None:
        super().__init__()
        self.generator, self.label, self.classes = generator, label, classes

    def forward(self, z: Tensor) -> Tensor:
        labels = torch.full((len(z),), self.label, device=z.device)
        images: Tensor = self.generator(append_one_hot(z, labels, self.classes))
        return images


def pack(samples: Tensor, m: int) -> Tensor:
    """Samples (n, c, …) → packs of m neighbours (n/m, m·c, …) (Lin et al. 2018, section 2).

    Raises:
        UserError: n is no multiple of m.
    """
    n, channels, *rest = samples.shape
    if m < 1 or n % m:
        raise UserError(f"{n} samples cannot be dealt into packs of {m}.")
    return samples.reshape(n // m, m * channels, *rest)


class Packed(nn.Module):
    """A discriminator that answers once for m samples; (n, c, …) → logits (n/m,).

    Args:
        discriminator: takes m·c numbers or channels instead of c.
        m: samples in a pack.
    """

    def __init__(self, discriminator: nn.Module, m: int) -> None:
        super().__init__()
        self.discriminator, self.m = discriminator, m

    def forward(self, samples: Tensor) -> Tensor:
        logits: Tensor = self.discriminator(pack(samples, self.m))
        return logits


def spectrally_normalised(layers: Iterable[nn.Module]) -> nn.Sequential:
    """The same layers, each weight matrix divided by its largest singular value; → logits (N,).

    Miyato et al. 2018: one step of power iteration at every call in training mode. With
    LeakyReLU(0.2) between them the whole network is then 1-Lipschitz.

    Args:
        layers: linear layers, the last with one output; they are changed, not copied.
    """
    parts: list[nn.Module] = []
    for layer in layers:
        parts += [spectral_norm(layer), nn.LeakyReLU(0.2)]
    return nn.Sequential(*parts[:-1], nn.Flatten(0))


def count_parameters(network: nn.Module) -> int:
    """How many numbers training changes, or has changed: a network that ships is frozen."""
    return sum(p.numel() for p in network.parameters())


@torch.no_grad()
def summary(network: nn.Sequential, example: Tensor) -> str:
    """A table of layers, output shapes and parameter counts.

    Args:
        network: its layers are called one after the other.
        example: an input with any batch size; the table writes N for it.

    Raises:
        UserError: these are no layers in a row, or the example is no tensor.
    """

    expect(network, nn.Sequential, "network has to be layers in a row")
    expect_tensor(example, "example", "(N, …), as the network takes it")

    def shape(x: Tensor) -> str:
        return f"({', '.join(['N', *map(str, x.shape[1:])])})"

    rows = [("layer", "output shape", "parameters"), ("input", shape(example), "")]
    was_training = network.training
    network.eval()  # so that looking leaves BatchNorm's statistics alone
    for layer in network:
        example = layer(example)
        rows.append((str(layer).split("(")[0], shape(example), f"{count_parameters(layer):,}"))
    network.train(was_training)
    rows.append(("total", "", f"{count_parameters(network):,}"))
    return "\n".join(f"{name:<18}{output:<18}{count:>11}".rstrip() for name, output, count in rows)
