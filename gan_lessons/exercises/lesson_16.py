"""Checks of lesson 16: a choice with a gradient, who sees a shuffle, a rest that is none."""

from collections.abc import Sequence

import torch
from torch import Tensor

from gan_lessons.data import melodies
from gan_lessons.exercises import (
    Answer,
    Wrong,
    as_number,
    call,
    close,
    exercise,
    expect_choice,
    expect_shape,
)

HOLD, REST = melodies.HOLD, melodies.REST


@exercise("16.1")
def choose(answer: Answer) -> str:
    """Forward one-hot, backward the softmax; several shapes, logits of any size."""
    rng = torch.Generator().manual_seed(161)
    for shape, size in (((4, 3, 5), 1.0), ((2, 7), 3.0), ((6, 1, 2), 0.3)):
        logits = (size * torch.randn(shape, generator=rng)).requires_grad_()
        got = call(answer, logits)
        hard = _one_hot(logits)
        if isinstance(got, Tensor) and got.shape == logits.shape[:-1]:
            raise Wrong(
                f"the result has shape {tuple(got.shape)}: those are the numbers of the letters. "
                "A vector of one 1 and else 0s is wanted for each."
            )
        expect_shape(got, shape)
        _refuse_other_choices(got, logits, hard)
        weights = torch.randn(shape, generator=rng)
        _refuse_other_gradients(got, logits, weights)
    return (
        "D sees a choice, and G gets the gradient of the mixture. The two disagree, so the "
        "gradient is biased; it is one all the same."
    )


def _one_hot(logits: Tensor) -> Tensor:
    return torch.eye(logits.shape[-1])[logits.detach().argmax(dim=-1)]


def _refuse_other_choices(got: Tensor, logits: Tensor, hard: Tensor) -> None:
    soft = logits.detach().softmax(dim=-1)
    if close(got, hard):
        return
    if close(got, soft):
        raise Wrong(
            "that is the mixture itself. D would know a fake by its first letter: real ones are "
            "0 or 1."
        )
    if close(got, 2 * soft - hard):
        raise Wrong("the signs are turned: soft + soft − hard comes out.")
    if close(got, hard + soft):
        raise Wrong(
            "hard + soft comes out: subtract soft again, without its gradient, so that the value "
            "is a choice."
        )
    if close(got, hard - soft) or close(got, soft - hard):
        raise Wrong("hard and soft are subtracted there, and nothing puts the mixture back.")
    if close(got.sum(dim=-1), torch.ones(got.shape[:-1])) and close(got * (1 - got), 0 * got):
        raise Wrong(
            "each vector is one 1 and else 0s, but not at the highest logit. No noise is wanted "
            "in here, and the letters are the last axis."
        )
    row = ", ".join(f"{value:.3g}" for value in got.detach().flatten(0, -2)[0].tolist())
    raise Wrong(f"the first vector is {row}; forward one 1 and else 0s is wanted.")


def _refuse_other_gradients(got: Tensor, logits: Tensor, weights: Tensor) -> None:
    if not got.requires_grad:
        raise Wrong(
            "the value is right, but no gradient leads back to the logits: a choice alone has none."
        )
    (found,) = torch.autograd.grad((got * weights).sum(), logits, allow_unused=True)
    if found is None or close(found, torch.zeros_like(logits), 1e-7):
        raise Wrong(
            "the value is right, but the gradient is 0: soft is added and taken away again with "
            "its gradient. One of the two has to be detached."
        )
    (want,) = torch.autograd.grad((logits.softmax(dim=-1) * weights).sum(), logits)
    if close(found, want, 1e-5):
        return
    if close(found, -want, 1e-5):
        raise Wrong(
            "the value is right, but the gradient has the wrong sign: the other soft is detached. "
            "G would climb where it should descend."
        )
    if close(found, weights, 1e-5):
        raise Wrong(
            "the value is right, but the gradient is that of the logits, not that of softmax: the "
            "letters no longer compete for one 1."
        )
    ratio = (found * want).sum() / want.square().sum()
    if close(found, ratio * want, 1e-4):
        raise Wrong(f"the value is right, but the gradient is {ratio:.3g} times softmax's.")
    raise Wrong(
        "the value is right, but the gradient is not that of softmax(logits) over the last axis."
    )


@exercise("16.2")
def who_sees_the_shuffle(answer: Answer, discriminator: Answer) -> str:
    """Frames, each clip's in an order of its own; then the discriminator that can tell."""
    rng = torch.Generator().manual_seed(162)
    torch.manual_seed(162)
    for shape in ((200, 8, 3, 3), (100, 5, 2, 4)):
        clips = torch.rand(shape, generator=rng)
        got = call(answer, clips)
        expect_shape(got, shape)
        _refuse_other_shuffles(got, clips)
    expect_choice(
        discriminator,
        "order",
        {
            "frames": "the D of frames sees one frame at a time, and every frame of a shuffled "
            "clip is one of the real clip.",
            "both": "of the two, the D of frames cannot: it gets one frame, and each is real.",
            "neither": "the D of order gets all frames at once, in channels that have places: "
            "another order is another picture to it.",
        },
    )
    return "no frame is changed, so what tells is their order, and only one D is shown that."


def _refuse_other_shuffles(got: Tensor, clips: Tensor) -> None:
    n, frames = clips.shape[:2]
    if close(got, clips):
        raise Wrong("nothing is moved: every frame stands where it stood.")
    same = (got[:, :, None] - clips[:, None]).abs().flatten(3).amax(dim=3) < 1e-6  # n × to × from
    if not bool(same.any(dim=2).all()):
        anywhere = (got.flatten(0, 1)[:, None] - clips.flatten(0, 1)).abs().flatten(2).amax(dim=2)
        if bool((anywhere < 1e-6).any(dim=1).all()):
            raise Wrong("frames have come into other clips: each clip is to keep its own.")
        raise Wrong("some frames are in none of the clips: rows or pixels were moved, not frames.")
    if not bool((same.sum(dim=1) == 1).all()):
        raise Wrong("some frames are there twice, and others are lost: draw a permutation.")
    orders = same.float().argmax(dim=2)
    if bool((orders == orders[:1]).all()):
        raise Wrong(
            "all clips have one and the same new order: to a D that is another film, played "
            "always alike. Draw an order for each clip."
        )
    steps = orders.diff(dim=1) % frames
    if bool((steps == steps[:, :1]).all()):
        raise Wrong("the frames are only turned round or moved along: most neighbours stay so.")
    places = torch.stack([(orders == frame).float().argmax(dim=1) for frame in range(frames)], 1)
    often = torch.stack([(places == place).float().mean(dim=0) for place in range(frames)])
    if often.min() == 0:
        raise Wrong("some frame never comes to some place, in any clip: not all orders are drawn.")
    left = (orders == torch.arange(frames)).all(dim=1).double().mean().item()
    if left > 0.05:
        raise Wrong(f"{left:.0%} of the clips are in their old order; shuffle each of them.")
    if len(orders.unique(dim=0)) < n / 2:
        raise Wrong("there are only a few different orders: draw one for each clip.")


@exercise("16.3")
def frequencies(answer: Answer) -> str:
    """Hertz of each place: of notes, rests, what holds them, and of a hold at the start."""
    signs = {
        "C5, held; a rest, held; A4": [12, HOLD, HOLD, REST, HOLD, 9, HOLD],
        "a hold at the start": [HOLD, HOLD, 0, REST, REST, 19],
        "a note that is struck again": [4, 4, HOLD, 5, REST, 4],
    }
    for what, row in signs.items():
        given = torch.tensor(row)
        got = call(answer, given)
        if isinstance(got, list | tuple):
            got = _as_tensor(got)
        expect_shape(got, (len(row),))
        _refuse_other_sounds(got.double(), row, what)
    return "a rest sounds as nothing, and so does whatever holds it."


def _as_tensor(sounds: Sequence[object]) -> Tensor:
    numbers = [as_number(each) for each in sounds]
    if None in numbers:
        place = numbers.index(None)
        raise Wrong(
            f"{sounds[place]!r} stands at place {place}, where a number of Hertz is wanted, 0 for "
            "silence."
        )
    return torch.tensor(numbers)


def _hertz(pitch: float) -> float:
    return float(440 * 2 ** ((pitch - 69) / 12))


def _refuse_other_sounds(got: Tensor, row: list[int], what: str) -> None:
    sounding, want = 0.0, []
    for sign in row:
        if sign != HOLD:
            sounding = 0.0 if sign == REST else _hertz(melodies.LOWEST + sign)
        want.append(sounding)
    for place, (value, right, sign) in enumerate(zip(got.tolist(), want, row, strict=True)):
        here = f"{what}: at place {place} "
        if abs(value - right) <= 1e-4 * right:
            continue
        if sign == REST:
            raise Wrong(
                f"{here}stands a rest, and {value:.4g} Hz sounds. (As a number the rest is one "
                "above the highest note; whoever does not ask plays it.)"
                if abs(value - _hertz(melodies.LOWEST + REST)) < 0.1
                else f"{here}stands a rest, and {value:.4g} Hz sounds: a rest ends the note."
                if value > 0
                else f"{here}stands a rest; 0 is wanted, not {value}."
            )
        if sign == HOLD and abs(value - _hertz(melodies.LOWEST + HOLD)) < 0.1:
            raise Wrong(f"{here}stands a hold, and it is played as a note of {value:.4g} Hz.")
        if sign == HOLD and right == 0:
            before = "a rest" if REST in row[:place] else "nothing"
            raise Wrong(f"{here}{before} is held, and {value:.4g} Hz sounds there.")
        if sign == HOLD:
            raise Wrong(f"{here}a note of {right:.4g} Hz is held, and {value:.4g} Hz sounds there.")
        if abs(value - (melodies.LOWEST + sign)) < 1e-3:
            raise Wrong(f"{here}{value:.4g} is the MIDI pitch; Hertz are wanted.")
        if abs(value - _hertz(sign)) < 1e-2:
            raise Wrong(f"{here}sign {sign} was taken for a MIDI pitch: sign 0 is pitch 60.")
        raise Wrong(
            f"{here}stands sign {sign}, pitch {melodies.LOWEST + sign}: {right:.4g} Hz is wanted, "
            f"not {value:.4g}."
        )
