"""A small language in which everything can be counted: sums such as ``7+18=25``.

A sentence is ``LENGTH`` letters, blanks at its end. It has *form* if it reads as number, ``+``,
number, ``=``, number, without leading zeros; it is *valid* if besides the arithmetic is right.
There are `TERMS`² valid sentences, and every one is in the language as often as any other.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from gan_lessons.errors import UserError

LETTERS = "0123456789+= "
TERMS = 30  # numbers that are added: 0 to 29
LENGTH = 8  # of the longest, 29+29=58
FORM = re.compile(r"(0|[1-9]\d?)\+(0|[1-9]\d?)=(0|[1-9]\d{0,2}) *")


def sentences() -> list[str]:
    """Every valid sentence once, 0+0=0 to 29+29=58, in order, without blanks."""
    return [f"{a}+{b}={a + b}" for a in range(TERMS) for b in range(TERMS)]


def encode(texts: Sequence[str]) -> Tensor:
    """Sentences as letters of one 1 and else 0s: (N, LENGTH, letters).

    Raises:
        UserError: a letter that the language does not have, a sentence that is too long, or one
            that is not in a list.
    """
    _refuse_one_text(texts)
    for text in texts:
        if set(text) - set(LETTERS) or len(text) > LENGTH:
            raise UserError(
                f"{text!r} is no sentence here: at most {LENGTH} of the letters {LETTERS!r}."
            )
    indices = [[LETTERS.index(letter) for letter in text.ljust(LENGTH)] for text in texts]
    return torch.eye(len(LETTERS))[torch.tensor(indices, dtype=torch.long).view(-1, LENGTH)]


def decode(letters: Tensor) -> list[str]:
    """The text of sentences (N, T, letters), the highest number deciding; blanks at its end."""
    return ["".join(LETTERS[i] for i in row) for row in letters.argmax(dim=-1).tolist()]


def held_back(share: int = 5) -> tuple[list[str], list[str]]:
    """The valid sentences in two: those to learn from, and one in ``share`` that is kept back."""
    language = sentences()
    order = torch.randperm(len(language), generator=torch.Generator().manual_seed(16)).tolist()
    mixed = [language[i] for i in order]
    kept = len(mixed) // share
    return mixed[kept:], mixed[:kept]


class Score(NamedTuple):
    """What there is to count of N sentences; a perfect speaker has 1 everywhere but in ``new``."""

    form: float  # share that reads as a sum, right or wrong
    arithmetic: float  # share of those that is right (0 where there are none)
    valid: float  # share that is both: their product, but for sums of numbers out of range
    variety: float  # different "a+b" of the language in those with form, by those of fair draws
    coverage: float  # different valid sentences, divided by what N fair draws have
    new: float  # share of the valid that was kept back; a fifth if nothing was learned by heart


def _refuse_one_text(texts: Sequence[str]) -> None:
    if isinstance(texts, str):
        raise UserError(f"Sentences come in a list, such as [{texts!r}].")


def score(texts: Sequence[str]) -> Score:
    """Count form, arithmetic, variety and coverage of sentences, padded or not.

    Raises:
        UserError: there is none, or one that is not in a list.
    """
    _refuse_one_text(texts)
    if not texts:
        raise UserError("There is no sentence to score: give at least one.")
    read = [match for match in map(FORM.fullmatch, texts) if match]
    right = [match for match in read if int(match[1]) + int(match[2]) == int(match[3])]
    language, kept = set(sentences()), set(held_back()[1])
    valid = [match[0].rstrip() for match in right if match[0].rstrip() in language]
    asked = {pair for match in read if max(pair := (int(match[1]), int(match[2]))) < TERMS}
    return Score(
        form=len(read) / len(texts),
        arithmetic=len(right) / max(len(read), 1),
        valid=len(valid) / len(texts),
        variety=len(asked) / max(fair_draws(len(read)), 1.0),
        coverage=len(set(valid)) / fair_draws(len(texts)),
        new=sum(text in kept for text in valid) / max(len(valid), 1),
    )


def fair_draws(n: int) -> float:
    """How many different sentences n draws have on average, if all are equally likely."""
    return float(TERMS**2 * (1 - (1 - TERMS**-2) ** n))
