"""Misconceptions of lesson 06, each with a piece of the sentence that must answer it."""

from typing import Any

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


RIGHT: dict[str, list[tuple[Any, ...]]] = {
    "6.1": [
        (lambda n, k, s, p=0, e=0: s * (n - 1) - 2 * p + (k - 1) + e + 1,),
        (
            lambda size, kernel, stride, pad=0, extra=0: (
                size * stride - stride + kernel - 2 * pad + extra
            ),
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
    ],
    "6.3": [
        (lambda: nn.Sequential(nn.Sequential(*discriminator()()[:4]), *discriminator()()[4:]),),
        (discriminator(leaky1=nn.LeakyReLU(0.2, inplace=True), flatten=nn.Flatten(1, -1)),),
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
        (generator(tanh=nn.Hardtanh()), "which has a slope"),
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
            "BatchNorm2d is followed by ConvTranspose2d",
        ),
        (generator(tanh=nn.Sequential(nn.ReLU(), nn.Tanh())), "although tanh is at the end"),
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
        (discriminator(last=nn.Sequential(nn.Flatten(0), nn.Sigmoid())), "Sigmoid at the end"),
        (discriminator(last=nn.Sequential(nn.Tanh(), nn.Flatten(0))), "Tanh at the end"),
        (
            discriminator(last=nn.Sequential(nn.LeakyReLU(0.2), nn.Flatten(0))),
            "is LeakyReLU; logits",
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
            "Conv2d is followed by Flatten",
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
