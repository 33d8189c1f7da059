"""Misconceptions of lesson 04, each with a piece of the sentence that must answer it."""


def noise(latent_dim, kind, scale):
    return {"latent_dim": latent_dim, "noise": kind, "noise_scale": scale}


WRONG = {
    "4.1": [
        ({"lr_generator": 6e-2}, "G is faster than before"),
        ({"lr_discriminator": 2e-5}, "D is slower than before"),
        ({"beta1_generator": 0.0, "beta1_discriminator": 0.0}, "still learns more slowly than G"),
        ({"lr_generator": 2e-4}, "do not get far"),
        ({"lr_generator": 2e-3, "lr_discriminator": 2e-3}, "nearly one pace now"),
        ({"latent_dim": 8}, "what a run is built with"),
        ({"lr_generator": 4e-3}, "nothing is changed"),
        ({"rate": 1e-3}, "There is no setting 'rate'"),
        ({"lr_discriminator": 3.0}, "lr_discriminator is 3.0; choose a number"),
        ("lr_discriminator", "a dict of settings is wanted"),
    ],
    "4.2": [
        (noise(1, "uniform", 0.1), "Both of the friend's mistakes"),
        (noise(1, "normal", 1.0), "With one number G bends a thread"),
        (noise(4, "normal", 0.05), "all z look alike"),
        (noise(32, "normal", 1.0), "latent_dim is 32; choose a whole number from 1 to 16"),
        (noise(2, "gauss", 1.0), "noise is 'gauss'; choose one of"),
        ({"latent_dim": 2, "noise": "normal"}, "three settings are wanted"),
        (noise(2, "normal", 1.0) | {"lr_generator": 0.01}, "see lr_generator"),
    ],
}
