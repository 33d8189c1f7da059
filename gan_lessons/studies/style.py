"""Style as statistics of features: which filters of the course's classifier answer together.

Gatys et al. 2016: content is what deep layers answer and where; style is the Gram matrices of early
layers, which say how strongly, and with which others, each filter answers, anywhere in the picture.
Pixels are moved until they have the content of one picture and the style of others. The channels of
a coloured picture are read one by one, and their filters are counted together.
"""

import torch
from torch import Tensor

from gan_lessons import classifier
from gan_lessons.errors import UserError, is_number
from gan_lessons.tensors import expect_rng

STYLE_BLOCKS = (0, 1, 2)  # of the classifier's convolutional blocks
CONTENT_BLOCK = 3  # 7 × 7 places of a digit
STEPS, RATE = 60, 0.1  # of Adam, on pixels


def features(pictures: Tensor) -> list[Tensor]:
    """Answers of the classifier's first four blocks to pictures (N, C, H, W) in [−1, 1].

    Returns:
        (N, C · filters, h, w) each, at H, H/2, H/2 and H/4.
    """
    blocks = list(classifier.load().body)[: CONTENT_BLOCK + 1]
    n, channels = pictures.shape[:2]
    answers = pictures.flatten(0, 1)[:, None]
    found = []
    for block in blocks:
        answers = block(answers)
        found.append(answers.unflatten(0, (n, channels)).flatten(1, 2))
    return found


def gram(answers: Tensor) -> Tensor:
    """Gram matrices (N, filters, filters) of answers (N, filters, h, w): means over all places."""
    flat = answers.flatten(2)
    return flat @ flat.transpose(1, 2) / flat.shape[2]


def style_of(answers: list[Tensor]) -> list[Tensor]:
    """The Gram matrices of `STYLE_BLOCKS`, averaged over the pictures: (filters, filters) each."""
    return [gram(answers[block]).mean(dim=0) for block in STYLE_BLOCKS]


def style_distance(answers: list[Tensor], style: list[Tensor]) -> Tensor:
    """How far each picture's Gram matrices are from a style's (N,), each layer in its own unit."""
    parts = [
        (gram(answers[block]) - wanted).square().sum(dim=(1, 2)) / wanted.square().sum()
        for block, wanted in zip(STYLE_BLOCKS, style, strict=True)
    ]
    return torch.stack(parts).mean(dim=0)


def colour_waves(
    n: int, light: tuple[float, ...], dark: tuple[float, ...], rng: torch.Generator, side: int = 28
) -> Tensor:
    """Patches (n, 3, side, side) of waves between two colours, each 3 numbers from −1 to 1.

    Length, direction and place of the waves are drawn by chance, about 5 pixels and 30 degrees.
    """
    expect_rng(rng)
    length, turn, place = torch.rand(3, n, 1, 1, generator=rng)
    angle = 0.4 + 0.3 * turn
    row, column = (torch.arange(side)[:, None], torch.arange(side)[None])
    along = (row * angle.cos() + column * angle.sin()) / (4 + 2 * length) + place
    share = 0.5 + 0.5 * (2 * torch.pi * along).sin()
    first, second = _colour(light), _colour(dark)
    return torch.lerp(second, first, share[:, None])


def _colour(numbers: tuple[float, ...]) -> Tensor:
    """A colour as a picture of one pixel (1, 3, 1, 1)."""
    three = isinstance(numbers, tuple | list) and len(numbers) == 3
    if not three or not all(is_number(each, -1, 1) for each in numbers):
        raise UserError(f"A colour is three numbers from −1 to 1, not {numbers!r}.")
    return torch.tensor(numbers, dtype=torch.float32).view(1, 3, 1, 1)


def coloured(images: Tensor, ink: tuple[float, ...], paper: tuple[float, ...]) -> Tensor:
    """Grey images (N, 1, H, W) in [−1, 1] in two colours (N, 3, H, W)."""
    first, second = _colour(ink), _colour(paper)
    return torch.lerp(second, first, (images + 1) / 2)


def stylise(content: Tensor, examples: Tensor, strength: float, steps: int = STEPS) -> Tensor:
    """Pictures with the content of some and the style of others, in [−1, 1].

    Args:
        content: (N, C, H, W) in [−1, 1], where the pixels start.
        examples: of the style, (M, C, h, w) in [−1, 1].
        strength: 0, content alone, to 1, style alone. Both are measured as shares of what they
            would be if the other were all that counts, so that ½ means what it says.
        steps: of Adam.

    Raises:
        UserError: strength out of range, or channels that differ.
    """
    if not 0 <= strength <= 1:
        raise UserError(f"strength is {strength!r}; choose a number from 0 to 1.")
    if content.shape[1] != examples.shape[1]:
        raise UserError(
            f"The content has {content.shape[1]} channels, the style {examples.shape[1]}: "
            "one for grey pictures, three for coloured ones."
        )
    with torch.no_grad():
        style = style_of(features(examples))
        start = features(content)
        far = style_distance(start, style).clamp(min=1e-8)
        scale = start[CONTENT_BLOCK].square().sum(dim=(1, 2, 3)).clamp(min=1e-8)
    pixels = content.clamp(-0.99, 0.99).atanh().requires_grad_()
    optimizer = torch.optim.Adam([pixels], RATE)
    for _ in range(steps):
        now = features(pixels.tanh())
        moved = (now[CONTENT_BLOCK] - start[CONTENT_BLOCK]).square().sum(dim=(1, 2, 3)) / scale
        loss = (1 - strength) * moved + strength * style_distance(now, style) / far
        optimizer.zero_grad()
        loss.sum().backward()
        optimizer.step()
    return pixels.detach().tanh()
