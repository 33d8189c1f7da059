"""Misconceptions of lesson 07, each with a piece of the sentence that must answer it."""

import copy

RIGHT = {"A": "D learns too slowly", "B": "G learns too slowly", "C": "healthy"}
KEYS = (
    "generator",
    "discriminator",
    "generator_ema",
    "optimizer_generator",
    "optimizer_discriminator",
)


def _pack(run, copied=True, without=()):
    state = {key: getattr(run, key).state_dict() for key in KEYS}
    state |= {"rng": run.rng.get_state(), "step": run.step, "batches": run.batches}
    state = {key: value for key, value in state.items() if key not in without}
    return copy.deepcopy(state) if copied else state


WRONG = {
    "7.1": [
        (RIGHT | {"A": "equilibrium reached"}, "so they were at step 1"),
        (RIGHT | {"A": "G learns too slowly"}, "would be near 0. It is near"),
        (RIGHT | {"A": "healthy"}, "never learns to tell"),
        (RIGHT | {"B": "D learns too slowly"}, "not D that lags behind"),
        (RIGHT | {"B": "healthy"}, "never closes"),
        (RIGHT | {"B": "equilibrium reached"}, "both are ½"),
        (RIGHT | {"C": "equilibrium reached"}, "different from being there"),
        (RIGHT | {"C": "G learns too slowly"}, "look at C again"),
        (RIGHT | {"C": "collapsed"}, "none of the choices"),
        ("healthy", "a dictionary with the keys"),
    ],
    "7.2": [
        (lambda run: run.generator.state_dict(), "'generator' is missing"),
        (lambda run: _pack(run, without=("discriminator",)), "fresh D"),
        (lambda run: _pack(run, without=("generator_ema",)), "its memory be lost"),
        (lambda run: _pack(run, without=("optimizer_generator",)), "means of G's gradients"),
        (lambda run: _pack(run, without=("optimizer_discriminator",)), "means of D's gradients"),
        (lambda run: _pack(run, without=("rng",)), "next noise vectors"),
        (lambda run: _pack(run, without=("step",)), "penalty is due"),
        (lambda run: _pack(run, without=("batches",)), "which real images"),
        (lambda run: _pack(run, copied=False), "changed with it"),
        (lambda run: _pack(run) | {"rng": run.rng}, "does not hold the run's state"),
        (lambda run: [_pack(run)], "this is a list"),
    ],
}
