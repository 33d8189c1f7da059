"""Misconceptions of lesson 04, each with a piece of the sentence that must answer it."""

import numpy as np
import torch


def noise(latent_dim, kind, scale):
    return {"latent_dim": latent_dim, "noise": kind, "noise_scale": scale}


CURE = {"lr_discriminator": 8e-3, "lr_generator": 2e-3}

RIGHT = {
    "4.1": [
        ({"lr_discriminator": 8e-3},),
        ({"lr_discriminator": 4e-3, "lr_generator": 1e-3},),
        ({"lr_discriminator": np.float64(8e-3)},),  # known already: it is not trained again
    ],
    "4.2": [
        (noise(2, "normal", 1.0),),
        (noise(4, "uniform", 1.0),),
        (noise(16, "normal", 1),),
        (noise(1, "normal", 3.0),),  # a thread, but with room between its z
        (noise(np.int64(2), "normal", torch.tensor(1.0)),),
    ],
}

WRONG = {
    "4.1": [
        ({"lr_generator": 6e-2}, "G is faster than before"),
        ({"lr_discriminator": 2e-5}, "D is slower than before"),
        ({"beta1_generator": 0.0, "beta1_discriminator": 0.0}, "still learns more slowly than G"),
        ({"lr_generator": 2e-4}, "The pace is even now, but both are so slow"),
        ({"lr_generator": 5e-5, "lr_discriminator": 5e-4}, "D is ahead now, but both are so slow"),
        (
            {"lr_generator": 2e-4, "lr_discriminator": 1.6e-3},
            "but G (rate × updates = 0.0002) has become so slow",
        ),
        ({"lr_generator": 2e-3, "lr_discriminator": 2e-3}, "nearly one pace now"),
        ({"lr_generator": 0.0}, "G stands still"),
        ({"lr_generator": 2e-3, "lr_discriminator": 0.0}, "D stands still"),
        ({"discriminator_steps": 5}, "(rate × updates = 0.001) still learns more slowly"),
        ({"generator_steps": 2}, "G is faster than before"),
        ({"discriminator_steps": 100}, "100 updates in a step take minutes to try"),
        (CURE | {"generator_steps": 11}, "11 updates in a step take minutes to try"),
        ({"lr_generator": 1e-5, "lr_discriminator": 1e-3}, "100 times as fast as G"),
        (CURE | {"beta1_generator": 0.9, "beta1_discriminator": 0.9}, "β1 is 0.9 for G and 0.9"),
        ({"latent_dim": 8}, "what a run is built with"),
        (CURE | {"seed": 3}, "what a run is built with"),
        ({}, "nothing is changed"),
        ({"lr_generator": 4e-3}, "nothing is changed"),
        ({"rate": 1e-3}, "there is no setting 'rate'"),
        ({"lr_generater": 1e-3}, "is 'lr_generator' meant?"),
        ({"lr_discriminator": 3.0}, "lr_discriminator is 3.0; choose a number"),
        ({"lr_generator": float("nan")}, "lr_generator is nan; choose a number"),
        ({"lr_generator": None}, "lr_generator is None; choose a number"),
        ({"lr_generator": "0.001"}, "lr_generator is '0.001'; choose a number"),
        ({1: 2}, "names of settings"),
        (dict, "such as {'lr_generator': 0.001}"),
        ("lr_discriminator", "a dict of settings is wanted"),
    ],
    "4.2": [
        (noise(1, "uniform", 0.1), "Both of the friend's mistakes"),
        (noise(1, "normal", 1.0), "With one number G bends a thread"),
        (noise(4, "normal", 0.05), "all z look alike"),
        (noise(4, "normal", 0.0), "noise_scale is 0.0; choose a number from 0.01 to 10"),
        (noise(True, "normal", 1.0), "latent_dim is True; choose a whole number"),
        (noise(2, "normal", float("nan")), "noise_scale is nan"),
        (noise(2, None, 1.0), "noise is None; choose one of"),
        (noise(32, "normal", 1.0), "latent_dim is 32; choose a whole number from 1 to 16"),
        (noise(2, "gauss", 1.0), "noise is 'gauss'; choose one of"),
        ({"latent_dim": 2, "noise": "normal"}, "three settings are wanted; noise_scale is missing"),
        ([4, "normal", 1.0], "such as {'noise_scale': 2.0}"),
        (noise(2, "normal", 1.0) | {"lr_generator": 0.01}, "not lr_generator"),
    ],
}
