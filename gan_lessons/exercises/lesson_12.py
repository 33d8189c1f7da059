"""Checks of lesson 12: label planes, the floor of a loss, a number in one handwriting."""

import math

import torch
from torch import Tensor, nn

from gan_lessons.exercises import Answer, Wrong, as_number, call, close, exercise, expect_shape
from gan_lessons.networks import append_label_planes


@exercise("12.1")
def label_planes(answer: Answer) -> str:
    """Planes, at several sizes, numbers of classes, and of a batch with labels out of order."""
    for labels, classes, size in (
        (torch.tensor([3, 0, 9, 3]), 10, 28),
        (torch.tensor([1]), 2, 4),
        (torch.tensor([4, 4, 2, 0, 1, 3, 4]), 5, 7),
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
            "that is one plane for each picture. A plane of the label's number would say that 7 "
            "is more than 3, and near 8; one plane for each class says no such thing."
        )
    if shape == (n, 1 + classes, size, size):
        raise Wrong("only the planes are wanted, without the picture.")


def _refuse_unequal_planes(got: Tensor, want: Tensor, labels: Tensor) -> None:
    if not got.is_floating_point():
        raise Wrong(f"the planes are {got.dtype}; torch.cat with pictures wants floats.")
    first, height = labels[0].item(), want.shape[2]
    if (got != got[:, :, :1, :1]).any():
        row = got[0, int(first)].detach()
        rows = [i for i in range(height) if (row[i] != 0).any()]
        where = f"rows {rows[0]} to {rows[-1]}" if rows else "no row"
        raise Wrong(
            f"a plane has to be constant, and these are not: of a picture labelled {first} plane "
            f"{first} is lit in {where}. A reshape puts numbers where they fit, not where they "
            "belong; expand an axis of 1 instead."
        )
    values = got[:, :, 0, 0].detach().double()
    if close(values, 1 - want[:, :, 0, 0]):
        raise Wrong("it is inverted: all planes are lit but the right one.")
    lit = (values != 0).sum(dim=1)
    if (lit != 1).any():
        picture = int((lit != 1).nonzero()[0])
        raise Wrong(
            f"of a picture labelled {labels[picture].item()} {int(lit[picture])} planes are lit; "
            "exactly one should be."
        )
    chosen = values.abs().argmax(dim=1)
    if (chosen != labels).any():
        picture = int((chosen != labels).nonzero()[0])
        raise Wrong(
            f"of the picture with index {picture}, labelled {labels[picture].item()}, plane "
            f"{int(chosen[picture])} is lit."
        )
    if not close(values, want[:, :, 0, 0]):
        raise Wrong(
            f"the right plane is lit, with {values.amax().item():.3g}; 1 is wanted, whatever the "
            "class and the number of pixels."
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
    k = classes
    if close(got, math.log(1 + (k - 1) / math.e)):
        return
    others = (
        (0.0, "0 needs a logit of +∞, or the others at −∞. Probabilities only reach from 0 to 1."),
        (
            math.log(k),
            "log K is the loss of whoever knows nothing: all numbers equal. One can do better.",
        ),
        (
            math.log(k - 1 + math.e),
            "that is the logarithm of the sum; the loss also subtracts the right class's number, "
            "which is 1.",
        ),
        (
            math.log(1 + k / math.e),
            "there are K numbers, but only K − 1 of them belong to wrong classes.",
        ),
        (
            1 / (1 + (k - 1) / math.e),
            "that is the probability of the right class; the loss is minus its logarithm.",
        ),
        (
            -math.log(1 + (k - 1) / math.e),
            "the sign is turned: a cross-entropy is never below 0.",
        ),
        (
            math.log2(1 + (k - 1) / math.e),
            "that is in bits; PyTorch's logarithm is the natural one.",
        ),
        (
            math.log10(1 + (k - 1) / math.e),
            "that is the logarithm to base 10; PyTorch's is the natural one.",
        ),
        (
            math.log(1 + (k - 1) * math.e),
            "that is the *highest* loss: probability 1 on one wrong class, 0 on the right one"
            if k == 2
            else "the exponent's sign is turned: e^(−1) stands beside each wrong class.",
        ),
        (
            math.log(1 + (k - 1) * math.exp(-2)),
            "that would be the floor for numbers from −1 to 1; probabilities reach from 0 to 1.",
        ),
    )
    for other, why in others:
        if close(got, other):
            raise Wrong(f"for {k} classes it gives {got:.4g}: {why.rstrip('.')}.")
    raise Wrong(
        f"for {k} classes it gives {got:.4g}, where {math.log(1 + (k - 1) / math.e):.4g} is the "
        "lowest. Put 1 at the right class and 0 at the others into −s_y + log Σ exp(s_i)."
    )


CLASSES, LATENT_DIM = 10, 64


class _Recorder(nn.Module):
    """Draws nothing, and remembers what it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[Tensor] = []
        self.modes: list[bool] = []
        self.graphs = False
        self.strength = nn.Parameter(torch.tensor(1.0))

    def forward(self, inputs: Tensor) -> Tensor:
        if inputs.dim() != 2 or inputs.shape[1] != LATENT_DIM + CLASSES:
            raise Wrong(
                f"the generator is given {tuple(inputs.shape)}; it takes (n, 74): 64 numbers of "
                "noise, then 10 for the class."
            )
        self.asked += [row.detach() for row in inputs]
        self.modes.append(self.training)
        code = inputs.detach().sum(dim=1) * self.strength
        return code.view(-1, 1, 1, 1).expand(-1, 1, 28, 28).tanh()


@exercise("12.3")
def write_number(answer: Answer) -> str:
    """Digits in order, of one noise, from a generator that remembers what it was asked."""
    rng = torch.Generator().manual_seed(123)
    for number in ("0301234567", "7", "11"):
        z = torch.randn(LATENT_DIM, generator=rng)
        generator = _Recorder().eval()
        got = call(answer, generator, number, z)
        expect_shape(
            got,
            (len(number), 1, 28, 28),
            f"{number!r} has {len(number)} digits; leading zeros and repeated ones count, too."
            if isinstance(got, Tensor) and got.dim() == 4
            else "",
        )
        _refuse_other_requests(generator, number, z)
        if generator.training or any(generator.modes):
            raise Wrong(
                "the generator was put into training mode: BatchNorm would then draw each digit "
                "with a look at its neighbours."
            )
        with torch.no_grad():
            drawn = generator(torch.stack(generator.asked[-len(number) :]))
        if not close(got, drawn):
            raise Wrong("what is returned is not what the generator drew, or in another order.")
    return "the class changes from digit to digit, the noise does not: one hand."


def _refuse_other_requests(generator: _Recorder, number: str, z: Tensor) -> None:
    if not generator.asked:
        raise Wrong("the generator was never called.")
    if len(generator.asked) != len(number):
        raise Wrong(
            f"for {number!r} the generator was asked for {len(generator.asked)} pictures; "
            f"{len(number)} are wanted."
        )
    asked = torch.stack(generator.asked)
    noise, told = asked[:, :LATENT_DIM], asked[:, LATENT_DIM:]
    if close(asked[:, CLASSES:], z.expand(len(number), -1)):
        raise Wrong("the class stands before the noise there; append_one_hot puts it behind.")
    if len(number) > 1 and not close(noise, noise[:1].expand_as(noise)):
        raise Wrong("the digits have different noise: every digit would be in a hand of its own.")
    if not close(noise, z.expand_as(noise)):
        raise Wrong("the noise is not the z that was given: whoever gives the same z again wants "
                    "the same hand.")  # fmt: skip
    if ((told != 0).sum(dim=1) != 1).any() or not close(told.sum(dim=1), torch.ones(len(number))):
        raise Wrong(
            "the ten numbers behind the noise should be one 1 and nine 0s for each digit; the "
            f"first are {[round(each, 2) for each in told[0].tolist()]}."
        )
    wanted, given = [int(each) for each in number], told.argmax(dim=1).tolist()
    if given != wanted:
        order = (
            " They are the right ones in another order." if sorted(given) == sorted(wanted) else ""
        )
        raise Wrong(f"{number!r} was asked for as {''.join(map(str, given))}.{order}")
