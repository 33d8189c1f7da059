"""Misconceptions of lesson 06, each with a piece of the sentence that must answer it."""

from collections import OrderedDict
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm


class Reshape(nn.Module):
    """A reshape by hand, as in code that folds space into the batch."""

    def __init__(self, *shape):
        super().__init__()
        self.shape = shape

    def forward(self, x):
        return x.reshape(*self.shape)


def generator(**swap):
    """The right generator with some layers swapped: name=layer, or name=None to leave it out."""
    layers = {
        "linear": nn.Linear(32, 3136, bias=False),
        "unflatten": nn.Unflatten(1, (64, 7, 7)),
        "norm1": nn.BatchNorm2d(64),
        "relu1": nn.ReLU(),
        "up1": nn.ConvTranspose2d(64, 32, 4, stride=2, padding=1, bias=False),
        "norm2": nn.BatchNorm2d(32),
        "relu2": nn.ReLU(),
        "up2": nn.ConvTranspose2d(32, 1, 4, stride=2, padding=1),
        "tanh": nn.Tanh(),
    }
    return lambda: nn.Sequential(*[m for m in (layers | swap).values() if m is not None])


def discriminator(**swap):
    """The right discriminator with some layers swapped, likewise."""
    layers = {
        "down1": nn.Conv2d(1, 32, 4, stride=2, padding=1),
        "leaky1": nn.LeakyReLU(0.2),
        "down2": nn.Conv2d(32, 64, 4, stride=2, padding=1),
        "leaky2": nn.LeakyReLU(0.2),
        "flatten": nn.Flatten(),
        "linear": nn.Linear(3136, 1),
        "last": nn.Flatten(0),
    }
    return lambda: nn.Sequential(*[m for m in (layers | swap).values() if m is not None])


def up(inputs, outputs, kernel, padding=0, output_padding=0, bias=False):
    return nn.ConvTranspose2d(inputs, outputs, kernel, 2, padding, output_padding, bias=bias)


class Generator(nn.Sequential):
    """The right generator as a class of its own."""

    def __init__(self):
        super().__init__(*generator()())


class Clamped(nn.Sequential):
    """The right layers, and something after them."""

    def forward(self, x):
        return super().forward(x).clamp(-0.5, 0.5)


class Inside(nn.Module):
    """The right layers inside a module that is no nn.Sequential."""

    def __init__(self):
        super().__init__()
        self.layers = generator()()

    def forward(self, x):
        return self.layers(x)


class Leaky(nn.ReLU):
    """A ReLU by name only."""

    def forward(self, x):
        return nn.functional.leaky_relu(x, 0.2)


class Up(nn.ConvTranspose2d):
    """The table's transposed convolution; what it does, torch does."""

    def __init__(self, inputs, outputs, bias=False):
        super().__init__(inputs, outputs, 4, stride=2, padding=1, bias=bias)


class Detach(nn.Module):
    """The same numbers, and no way back."""

    def forward(self, x):
        return x.detach()


def hooked(network):
    network[3].register_forward_hook(lambda layer, given, returned: given[0])
    return network


def frozen(network, layer):
    network[layer].requires_grad_(False)
    return network


def zeroed(network):
    network.register_forward_hook(lambda module, given, returned: 0 * returned)
    return network


def drawn_small(network):
    for parameter in network.parameters():
        nn.init.normal_(parameter, 0.0, 0.02)
    return network


def added(layers):
    network = nn.Sequential()
    for place, layer in enumerate(layers):
        network.add_module(f"layer {place}", layer)
    return network


RIGHT: dict[str, list[tuple[Any, ...]]] = {
    "6.1": [
        (lambda n, k, s, p=0, e=0: s * (n - 1) - 2 * p + (k - 1) + e + 1,),
        (
            lambda size, kernel, stride, pad=0, extra=0: (
                size * stride - stride + kernel - 2 * pad + extra
            ),
        ),
        (lambda n, k, s, p=0, e=0: np.int64((n - 1) * s + k - 2 * p + e),),
        (lambda n, k, s, p=0, e=0: torch.tensor((n - 1) * s + k - 2 * p + e),),
        (lambda n, k, s, p=0, e=0: len(range(p, (n - 1) * s + k - p)) + e,),
        (lambda n, k, s, p=0, e=0: n * s + (k - s) - 2 * p + e,),
        (
            lambda n, k, s, p=0, e=0: nn.ConvTranspose2d(1, 1, k, s, p, e)(
                torch.zeros(1, 1, n, n)
            ).shape[-1],
        ),
    ],
    "6.2": [
        (lambda: nn.Sequential(*generator()()[:4], nn.Sequential(*generator()()[4:])),),
        (
            generator(
                relu1=nn.ReLU(inplace=True),
                up1=nn.ConvTranspose2d(64, 32, (4, 4), (2, 2), 1, bias=False),
            ),
        ),
        (Generator,),  # a class that is an nn.Sequential
        (lambda: nn.Sequential(OrderedDict(zip("abcdefghi", generator()(), strict=True))),),
        (lambda: generator()().eval(),),
        (lambda: drawn_small(generator()()),),
        (generator(unflatten=Reshape(-1, 64, 7, 7), tanh=nn.Sequential(nn.Tanh(), nn.Identity())),),
        (generator(linear=nn.LazyLinear(3136, bias=False), norm1=nn.LazyBatchNorm2d()),),
        (generator(up1=Up(64, 32), up2=Up(32, 1, bias=True)),),
        (generator(unflatten=nn.Sequential(nn.Unflatten(1, (64, 49)), nn.Unflatten(2, (7, 7)))),),
    ],
    "6.3": [
        (lambda: nn.Sequential(nn.Sequential(*discriminator()()[:4]), *discriminator()()[4:]),),
        (discriminator(leaky1=nn.LeakyReLU(0.2, inplace=True), flatten=nn.Flatten(1, -1)),),
        (discriminator(last=Reshape(-1), flatten=Reshape(-1, 3136)),),
        (discriminator(last=nn.Flatten(0, 1), leaky1=nn.LeakyReLU(negative_slope=0.2)),),
        (lambda: added(discriminator()()),),
        (lambda: discriminator()().eval(),),
        (discriminator(leaky1=nn.LeakyReLU(float(np.float32(0.2)))),),
    ],
}
WRONG: dict[str, list[tuple[Any, ...]]] = {
    "6.1": [
        (lambda n, k, s, p=0, e=0: (n + 2 * p - k) // s + 1, "the way down"),
        (lambda n, k, s, p=0, e=0: n * s, "not for every kernel"),
        (lambda n, k, s, p=0, e=0: n * s + k - 2 * p + e, "only size − 1 steps"),
        (lambda n, k, s, p=0, e=0: (n - 1) * s + k + 2 * p + e, "makes the result smaller"),
        (lambda n, k, s, p=0, e=0: (n - 1) * s + k - p + e, "on both sides"),
        (lambda n, k, s, p=0, e=0: (n - 1) * s + k - 2 * p, "right without output_padding"),
        (lambda n, k, s, p=0, e=0: (n - 1) * s + k - 2 * p + 2 * e, "on one side only"),
        (lambda n, k, s, p=0, e=0: (n - 1) * s - 2 * p + e, "it is one kernel long"),
        (lambda n, k, s, p=0, e=0: (n - 1) * s + k - 1 - 2 * p + e, "one pixel short"),
        (lambda n, k, s, p=0, e=0: (n - 1) * s + k, "are left out"),
        (lambda n, k, s, p=0, e=0: ((n - 1) * s + k - 2 * p + e) / 1, "whole numbers"),
        (lambda n, k, s, p=0, e=0: (n - 1) * k + s - 2 * p + e, "where torch gives"),
        (lambda n, k, s: (n - 1) * s + k, "stopped"),
        (lambda n, k, s, p=0, e=0: (n - 1) * s + k - 2 * p - e, "output_padding 1 the result is 4"),
        (lambda n, k, s, p=0, e=0: (n - 1) * 2 + k - 2 * p + e, "where torch gives"),
        (lambda n, k, s, p=0, e=0: (n - 1) * s + 3 - 2 * p + e, "where torch gives"),
        (lambda n, k, s, p=1, e=0: (n - 1) * s + k - 2 * p + e, "what is left out is 0"),
        (lambda n, k, s, p=0, e=1: (n - 1) * s + k - 2 * p + e, "what is left out is 0"),
        (lambda n, k, s, p, e: (n - 1) * s + k - 2 * p + e, "stopped"),
        (lambda n, k, s, p=0, e=0: float("nan"), "the float nan"),
        (lambda n, k, s, p=0, e=0: str((n - 1) * s + k - 2 * p + e), "the result is str"),
        (lambda n, k, s, p=0, e=0: (n - 1) * s + max(k, s) - 2 * p + e, "kernel 1, stride 2"),
        (lambda n, k, s, p=0, e=0: (n - 1) * s + k - 2 * bool(p) + e, "padding 2, output_"),
        (lambda n, k, s, p=0, e=0: (n - 1) * s + k - 2 * p + bool(e), "output_padding 2 the"),
    ],
    "6.2": [
        (generator(tanh=nn.Sequential(nn.Tanh(), nn.Tanh())), "there are 2 Tanh layers"),
        (
            generator(unflatten=nn.Unflatten(1, (7, 7, 64)), norm1=nn.BatchNorm2d(7)),
            "channels last",
        ),
        (generator(unflatten=Reshape(-1, 64, 1, 1)), "folds space into the batch"),
        (generator(up2=up(32, 1, 3, padding=1, bias=True)), "into 27 × 27"),
        (generator(up2=up(32, 1, 5, padding=1, bias=True)), "into 29 × 29"),
        (generator(up1=up(64, 32, 4)), "into 16 × 16"),
        (generator(up2=up(32, 1, 3, padding=1, output_padding=1, bias=True)), "checkerboard"),
        (generator(up1=up(64, 32, 2)), "kernel 2, stride 2, padding 0 give the right sizes"),
        (generator(tanh=nn.Sigmoid()), "not with sigmoid"),
        (generator(tanh=None), "tanh is missing"),
        (generator(tanh=nn.Hardtanh()), "there is Hardtanh at the end, where"),
        (generator(norm1=None, norm2=None), "no BatchNorm"),
        (generator(norm1=nn.BatchNorm2d(64, 0.8)), "is eps, not momentum"),
        (
            generator(unflatten=nn.BatchNorm1d(3136), norm1=nn.Unflatten(1, (64, 7, 7))),
            "BatchNorm1d",
        ),
        (generator(norm2=None), "BatchNorm2d acts on (N, 64, 7, 7);"),
        (generator(tanh=nn.Sequential(nn.BatchNorm2d(1), nn.Tanh())), "BatchNorm before tanh"),
        (generator(relu1=None), "one linear map"),
        (
            generator(norm1=nn.ReLU(), relu1=nn.BatchNorm2d(64)),
            "no ReLU follows a BatchNorm2d, ConvTranspose2d is next",
        ),
        (generator(tanh=nn.Sequential(nn.ReLU(), nn.Tanh())), "ReLU stands before tanh"),
        (generator(relu1=nn.LeakyReLU(0.2), relu2=nn.LeakyReLU(0.2)), "there is LeakyReLU"),
        (generator(linear=nn.Linear(32, 3136)), "3,136 parameters do nothing"),
        (generator(up2=up(32, 1, 4, padding=1)), "that no BatchNorm follows"),
        (generator(linear=nn.Linear(64, 3136, bias=False)), "layer 1, Linear, cannot take (N, 32)"),
        (
            generator(up1=up(64, 48, 4, padding=1), norm2=nn.BatchNorm2d(48)),
            "returns 48 maps; the table has 32",
        ),
        (generator(unflatten=None), "BatchNorm2d, cannot take (N, 3136)"),
        (generator(tanh=nn.Sequential(nn.Tanh(), nn.Flatten())), "(N, 784)"),
        (
            generator(
                up1=nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(64, 32, 3, padding=1))
            ),
            "repeating pixels",
        ),
        (
            lambda: nn.Sequential(
                nn.Linear(32, 3136), nn.Unflatten(1, (64, 7, 7)), up(64, 1, 4, padding=1)
            ),
            "returns 1 maps; the table has 32",
        ),
        (
            generator(up2=nn.Sequential(nn.Conv2d(32, 1, 3, padding=1), nn.Flatten(2))),
            "it has 1 transposed convolutions",
        ),
        (generator()(), "this is a network already"),
        (lambda: Clamped(*generator()()), "a forward of its own, or a hook"),
        (lambda: zeroed(generator()()), "a forward of its own, or a hook"),
        (lambda: generator()().requires_grad_(False), "the weight of a Linear is frozen"),
        (lambda: generator()().double(), "layer 1, Linear, cannot take (N, 32): expected"),
        (lambda: list(generator()()), "returns a list"),
        (lambda: nn.Sequential(Inside()), "layer 1, Inside, is a module of your own"),
        (lambda: Inside(), "returns a Inside; an nn.Sequential"),
        (
            generator(up1=nn.ConvTranspose2d(64, 32, 2, 2, dilation=2, bias=False)),
            "has dilation (2, 2)",
        ),
        (
            generator(up1=nn.ConvTranspose2d(64, 32, (4, 2), 2, (1, 0), bias=False)),
            "kernel_size (4, 2)",
        ),
        (generator(up1=nn.ConvTranspose2d(64, 32, 4, 2, 1, groups=2, bias=False)), "2 groups"),
        (generator(up1=up(64, 32, 6, padding=2)), "kernel 6, stride 2, padding 2 give the right"),
        (generator(up1=spectral_norm(up(64, 32, 4, padding=1))), "weights normalised"),
        (generator(norm1=nn.BatchNorm2d(64, affine=False)), "affine=False"),
        (generator(norm1=nn.GroupNorm(8, 64)), "BatchNorm2d acts on (N, 32, 14, 14);"),
        (generator(relu1=nn.Sequential(nn.ReLU(), nn.Dropout(0.2))), "there is Dropout, and none"),
        (generator(relu1=nn.GELU(), relu2=nn.GELU()), "there is GELU, and none"),
        (generator(tanh=nn.Softsign()), "there is Softsign at the end"),
        (generator(tanh=nn.Sequential(nn.Sigmoid(), nn.Tanh())), "Sigmoid stands before tanh"),
        (
            generator(
                linear=nn.Sequential(nn.Linear(32, 32, bias=False), nn.Linear(32, 3136, bias=False))
            ),
            "there are 2 Linear layers",
        ),
        (generator(relu1=Leaky()), "layer 4, Leaky, is a module of your own"),
        (generator(relu2=nn.Sequential(nn.ReLU(), Detach())), "no gradient reaches"),
        (lambda: hooked(generator()()), "layer 4, ReLU, has a hook"),
        (lambda: frozen(generator()(), 2), "the weight of a BatchNorm2d is frozen"),
        (generator(relu1=nn.Sequential(nn.ReLU(), nn.ReLU())), "ReLU stands in 3 places"),
        (generator(norm1=nn.BatchNorm2d(64, eps=0.5)), "a BatchNorm2d has eps 0.5"),
        (lambda: nn.ReLU, "returns ReLU; an nn.Sequential"),
        (lambda: nn.Sequential(), "no layers"),
    ],
    "6.3": [
        (discriminator(last=nn.Sequential(nn.Softmax(0), nn.Flatten(0))), "Softmax at the end"),
        (discriminator(flatten=nn.Sequential(nn.Sigmoid(), nn.Flatten())), "there is Sigmoid, and"),
        (
            discriminator(leaky1=nn.Sequential(nn.LeakyReLU(0.2), nn.InstanceNorm2d(32))),
            "there is InstanceNorm2d",
        ),
        (discriminator(down2=spectral_norm(nn.Conv2d(32, 64, 4, 2, 1))), "weights normalised"),
        (discriminator(last=None), "end with Flatten(0)"),
        (
            discriminator(linear=nn.Linear(3136, 2)),
            "puts the 2 numbers of each image, (N, 2), into",
        ),
        (discriminator(flatten=nn.Sequential(nn.Flatten(), nn.Flatten(0))), "the 3136 numbers of"),
        (discriminator(linear=nn.Linear(3136, 2), last=None), "the result has shape (N, 2)"),
        (discriminator(last=nn.Sequential(nn.Softplus(), nn.Flatten(0))), "Softplus at the end"),
        (discriminator(linear=spectral_norm(nn.Linear(3136, 1))), "a Linear has its weights"),
        (discriminator(down1=nn.Conv2d(1, 32, 3, 1, "same")), "has padding 'same'"),
        (
            discriminator(down1=nn.Conv2d(1, 32, 4, 2, 1, padding_mode="reflect")),
            "has padding 'reflect'",
        ),
        (discriminator(down2=nn.Conv2d(32, 64, 4, 2, 1, groups=2)), "has 2 groups"),
        (discriminator(leaky1=nn.PReLU()), "there is PReLU, and none"),
        (discriminator(leaky1=nn.LeakyReLU(-0.2)), "slope -0.2 and 0.2"),
        (discriminator(leaky1=None, leaky2=None), "stands in 0 places"),
        (
            discriminator(flatten=nn.Sequential(nn.LeakyReLU(0.2), nn.Flatten())),
            "stands in 3 places; the table has it after each convolution, and nowhere else",
        ),
        (
            discriminator(linear=nn.Sequential(nn.BatchNorm1d(3136), nn.Linear(3136, 1))),
            "BatchNorm in",
        ),
        (discriminator(flatten=None, linear=nn.Conv2d(64, 1, 7)), "it has 3 convolutions"),
        (lambda: zeroed(discriminator()()), "a forward of its own, or a hook"),
        (discriminator()(), "without brackets"),
        (generator(), "cannot take (N, 1, 28, 28)"),
        (discriminator(last=nn.Sequential(nn.Flatten(0), nn.Sigmoid())), "Sigmoid at the end"),
        (discriminator(last=nn.Sequential(nn.Tanh(), nn.Flatten(0))), "Tanh at the end"),
        (
            discriminator(last=nn.Sequential(nn.LeakyReLU(0.2), nn.Flatten(0))),
            "LeakyReLU at the end",
        ),
        (
            discriminator(leaky2=nn.Sequential(nn.BatchNorm2d(64), nn.LeakyReLU(0.2))),
            "BatchNorm in",
        ),
        (
            discriminator(flatten=Reshape(-1, 64), linear=nn.Linear(64, 1)),
            "makes 245 rows of 5 images: it folds space into the batch",
        ),
        (discriminator(flatten=None), "Linear, cannot take (N, 64, 7, 7)"),
        (discriminator(down1=nn.Conv2d(28, 32, 4, stride=2, padding=1)), "layer 1, Conv2d, cannot"),
        (
            discriminator(
                down1=nn.Sequential(Reshape(-1, 28, 28, 1), nn.Conv2d(28, 32, 4, 2, padding=1))
            ),
            "with the channels last",
        ),
        (discriminator(down1=nn.Conv2d(1, 32, 4, stride=2)), "⌊(28 + 2 · 0 − 4) / 2⌋ + 1 = 13"),
        (discriminator(down1=nn.Conv2d(1, 32, 3, stride=2, padding=1)), "checkerboard"),
        (
            discriminator(
                down1=nn.Sequential(nn.Conv2d(1, 32, 5, padding=2), nn.MaxPool2d(2)),
            ),
            "it pools",
        ),
        (discriminator(leaky1=nn.ReLU(), leaky2=nn.ReLU()), "there is ReLU"),
        (discriminator(leaky1=nn.LeakyReLU(), leaky2=nn.LeakyReLU()), "slope 0.01"),
        (discriminator(leaky2=None), "LeakyReLU stands in 1 places"),
        (
            discriminator(
                down1=nn.Sequential(nn.LeakyReLU(0.2), nn.Conv2d(1, 32, 4, stride=2, padding=1)),
                leaky2=None,
            ),
            "no LeakyReLU follows a Conv2d, Linear is next",
        ),
        (
            discriminator(leaky1=nn.Sequential(nn.LeakyReLU(0.2), nn.Dropout(0.3))),
            "there is Dropout",
        ),
        (
            discriminator(down2=nn.Conv2d(32, 64, 4, stride=2, padding=1, bias=False)),
            "needs its bias",
        ),
        (
            discriminator(
                linear=nn.Sequential(nn.Linear(3136, 10), nn.LeakyReLU(0.2), nn.Linear(10, 1))
            ),
            "there are 2 Linear layers",
        ),
        (discriminator(down2=nn.Conv2d(32, 48, 4, stride=2, padding=1)), "returns 48 maps"),
    ],
}
