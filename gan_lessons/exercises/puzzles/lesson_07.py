"""The three runs of lesson 07."""

from collections.abc import Callable

from gan_lessons.exercises.puzzles import hidden_order
from gan_lessons.training import Trainer


def three_runs(train: Callable[..., Trainer]) -> dict[str, Trainer]:
    """Runs A, B and C of exercise 7.1; which has which settings is for you to find out.

    Args:
        train: takes settings, and returns the run when it is over.
    """
    settings: dict[str, dict[str, float]] = {
        "healthy": {},
        "slow discriminator": {"lr_discriminator": 1e-5},
        "slow generator": {"lr_generator": 1e-5},
    }
    order = hidden_order(settings, 3)
    return {letter: train(**settings[name]) for letter, name in zip("ABC", order, strict=True)}
