"""Checks of lesson 12: label planes, the floor of a loss, a number in one handwriting."""

import math

import torch
from torch import Tensor, nn

from gan_lessons.exercises import Answer, Wrong, as_number, call, close, exercise, expect_shape
from gan_lessons.networks import append_label_planes, append_one_hot


@exercise("12.1")
def label_planes(answer: Answer) -> str:
    """Planes, at several sizes, numbers of classes, and of a batch with labels out of order."""
    for labels, classes, size in (
        (torch.tensor([3, 0, 9, 3]), 10, 28),
        (torch.tensor([1]), 2, 4),
        (torch.tensor([3, 3, 2, 0, 1, 3, 2]), 5, 7),
    ):
        got = call(answer, labels, classes, size)
        _refuse_other_layouts(got, labels, classes, size)
        expect_shape(got, (len(labels), classes, size, size))
        empty = torch.zeros(len(labels), 1, size, size)
        want = append_label_planes(empty, labels, classes)[:, 1:]
        _refuse_unequal_planes(got, want, labels)
    return "each plane is constant, exactly one of each picture's is lit, and it is the right one."


def _refuse_other_layouts(got: object, labels: Tensor, classes: int, size: int) -> None:
    if not isinstance(got, Tensor):
        return
    n, shape = len(labels), tuple(got.shape)
    if shape == (n, size, size, classes):
        raise Wrong("the planes are the last axis there; PyTorch's channels are the second.")
    if shape == (n, classes):
        raise Wrong(
            f"that is one number for each class, {shape}; every pixel of a plane has to get it."
        )
    if shape in {(n, classes, 1, 1), (n, classes, size, 1), (n, classes, 1, size)}:
        raise Wrong(
            f"the result has shape {shape}: torch.cat cannot stretch an axis of 1; expand it to "
            f"{size}."
        )
    if shape == (n, 1, size, size):
        raise Wrong(
            "that is one plane for each picture; one for each class is wanted. (A single plane of "
            "the label's number would say that 7 is more than 3, and near 8.)"
        )
    if shape == (n, int(labels.max()) + 1, size, size) and shape[1] < classes:
        raise Wrong(
            f"there are {shape[1]} planes, where {classes} are wanted: in this batch "
            f"{int(labels.max())} is the highest label, but not the last class. F.one_hot has to "
            "be told how many there are."
        )
    if shape == (n, 1 + classes, size, size):
        raise Wrong("only the planes are wanted, without the picture.")


def _refuse_unequal_planes(got: Tensor, want: Tensor, labels: Tensor) -> None:
    if got.dtype != torch.float32:
        raise Wrong(
            f"the planes are {got.dtype}; pictures and the network's weights are torch.float32, "
            "and the planes stand beside the pictures: .float() makes them that."
        )
    if not got.isfinite().all():
        raise Wrong("some of the numbers are NaN or infinite; 0 and 1 are wanted.")
    low, high = got.amin(dim=(2, 3)), got.amax(dim=(2, 3))
    if not close(low, high):
        picture, plane = (int(i) for i in (high - low > 1e-4).nonzero()[0])
        raise Wrong(
            "a plane has to be constant, and these are not: of the picture with index "
            f"{picture}, labelled {int(labels[picture])}, plane {plane} reaches from "
            f"{low[picture, plane]:.3g} to {high[picture, plane]:.3g}. Expand axes of 1: a reshape "
            "puts numbers where they fit, not where they belong."
        )
    values, wanted = got[:, :, 0, 0].detach(), want[:, :, 0, 0]
    if close(values, wanted):
        return
    if close(values, 1 - wanted):
        raise Wrong("it is inverted: all planes are lit but the right one.")
    picture = int((values - wanted).abs().amax(dim=1).argmax())
    label, row = int(labels[picture]), values[picture]
    if close(row, torch.ones(len(row))):
        raise Wrong("all planes are full of 1s; exactly one should be.")
    if close(row.sort().values, wanted[picture].sort().values):
        raise Wrong(
            f"of the picture with index {picture}, labelled {label}, plane {int(row.argmax())} is "
            "lit."
        )
    raise Wrong(
        f"of the picture with index {picture}, labelled {label}, the planes hold "
        f"{', '.join(f'{value:.3g}' for value in row.tolist())}; a 1 in plane {label} and 0s in "
        "all others are wanted."
    )


@exercise("12.2")
def lowest_loss(answer: Answer) -> str:
    """The least of −s_y + log Σ exp(s_i) over probabilities s."""
    for classes in (10, 2, 1000):
        got = call(answer, classes)
        number = as_number(got)
        if number is None:
            expect_shape(got, ())
            raise Wrong("the result is not a finite number.")
        _refuse_other_floors(number, classes)
    return (
        "with probability 1 on the right class the other numbers are 0, not −∞: each of them still "
        "adds e⁰ = 1 to the sum."
    )


def _refuse_other_floors(got: float, classes: int) -> None:
    k, right = classes, math.log(1 + (classes - 1) / math.e)
    if close(got, right, tolerance=1e-6):
        return
    others = (
        (0.0, "0 needs a logit of +∞, or the others at −∞. Probabilities only reach from 0 to 1."),
        (
            math.log(k),
            "log K is the loss of whoever knows nothing: all numbers equal. One can do better.",
        ),
        (
            math.log(k - 1 + math.e),
            "that is log Σ alone: of the perfect answer the right class's number, 1, is still to "
            "be subtracted. (With the 1 on a wrong class it is the whole loss, and the highest.)",
        ),
        (
            math.log(1 + k / math.e),
            "there are K numbers, but only K − 1 of them belong to wrong classes.",
        ),
        (math.exp(-right), "that is the probability of the right class; the loss is −log of it."),
        (-math.exp(-right), "the logarithm is missing: the loss is −log of the probability."),
        (-right, "the sign is turned: a cross-entropy is never below 0."),
        (right / math.log(2), "that is in bits; PyTorch's logarithm is the natural one."),
        (right / math.log(10), "that logarithm has the base 10; PyTorch's is the natural one."),
        (
            math.log(1 + (k - 1) * math.e),
            "the exponent's sign is turned: e^(−1) stands beside each wrong class.",
        ),
        (
            math.log(1 + (k - 1) * math.exp(-2)),
            "that would be the floor for numbers from −1 to 1; probabilities reach from 0 to 1.",
        ),
    )
    for other, why in others:
        if close(got, other):
            raise Wrong(f"for {k} classes it gives {got:.4g}: {why}")
    raise Wrong(
        f"for {k} classes it gives {got:.7g}, where {right:.7g} is the lowest. Put 1 at the right "
        "class and 0 at the others into −s_y + log Σ exp(s_i), and do not round."
    )


CLASSES, LATENT_DIM = 10, 64


class _Painter(nn.Module):
    """Paints another picture for every request, and remembers what it was asked for."""

    paint: Tensor

    def __init__(self) -> None:
        super().__init__()
        rng = torch.Generator().manual_seed(74)
        self.register_buffer("paint", torch.randn(LATENT_DIM + CLASSES, 784, generator=rng) / 9)
        self.strength = nn.Parameter(torch.tensor(1.0))
        self.asked: list[Tensor] = []
        self.modes: list[bool] = []
        self.eval()

    def forward(self, inputs: Tensor) -> Tensor:
        if inputs.dim() != 2 or inputs.shape[1] != LATENT_DIM + CLASSES:
            raise ValueError(
                f"the generator was given {tuple(inputs.shape)}; it takes (n, 74): 64 numbers of "
                "noise, then 10 for the class"
            )
        self.asked += [row.detach() for row in inputs]
        self.modes.append(self.training)
        return (inputs @ self.paint * self.strength).tanh().view(-1, 1, 28, 28)


@exercise("12.3")
def write_number(answer: Answer) -> str:
    """Digits in order, of one noise; where they are not, the requests explain it."""
    rng = torch.Generator().manual_seed(123)
    for number in ("0301234567", "7", "98811"):
        z = torch.randn(LATENT_DIM, generator=rng)
        generator = _Painter()
        got = call(answer, generator, number, z)
        if not generator.asked:
            raise Wrong("the generator that was handed in was never called.")
        expect_shape(
            got,
            (len(number), 1, 28, 28),
            f"{number!r} has {len(number)} digits; leading zeros and repeated ones count, too."
            if isinstance(got, Tensor) and got.dim() == 4
            else "",
        )
        if generator.training or any(generator.modes):
            raise Wrong(
                "the generator was put into training mode: BatchNorm would then draw each digit "
                "with a look at its neighbours."
            )
        if generator.strength != 1 or not generator.strength.requires_grad:
            raise Wrong("the generator that was handed in is no longer what it was.")
        labels = torch.tensor([int(digit) for digit in number])
        want = _Painter()(append_one_hot(z.expand(len(labels), -1), labels, CLASSES))
        if not close(got, want):
            _explain_other_pictures(generator, number, z)
            raise Wrong(
                "the generator was asked for the right digits, but what is returned is not what "
                "it drew, or in another order."
            )
    return "the class changes from digit to digit, the noise does not: one hand."


def _explain_other_pictures(generator: _Painter, number: str, z: Tensor) -> None:
    if len(generator.asked) != len(number):
        raise Wrong(
            "these are not the pictures of this number, in its order; the generator was asked for "
            f"{len(generator.asked)} pictures, for {number!r} {len(number)} are wanted."
        )
    asked = torch.stack(generator.asked)
    noise, told = asked[:, :LATENT_DIM], asked[:, LATENT_DIM:]
    if close(asked[:, CLASSES:], z.expand(len(number), -1)):
        raise Wrong("the class stands before the noise there; append_one_hot puts it behind.")
    if len(number) > 1 and not close(noise, noise[:1].expand_as(noise)):
        raise Wrong("the digits have different noise: every digit would be in a hand of its own.")
    if not close(noise, z.expand_as(noise)):
        raise Wrong(
            "the noise is not the z that was given: whoever gives the same z again wants the same "
            "hand."
        )
    chosen = told.argmax(dim=1)
    if not close(told, torch.eye(CLASSES)[chosen]):
        raise Wrong(
            "the ten numbers behind the noise should be one 1 and nine 0s for each digit; the "
            f"first are {', '.join(f'{each:.3g}' for each in told[0].tolist())}."
        )
    given = "".join(map(str, chosen.tolist()))
    if given != number:
        order = (
            " They are the right ones in another order." if sorted(given) == sorted(number) else ""
        )
        raise Wrong(f"{number!r} was asked for as {given}.{order}")
