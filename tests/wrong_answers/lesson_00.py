"""Misconceptions of lesson 00, each with a piece of the sentence that must answer it."""

import numpy as np
import torch

RIGHT = {
    "0.1": [
        ({"out": 784, "in": 64},),
        ({"in": 8 * 8, "out": 28 * 28.0},),
        ({"in": np.int64(64), "out": torch.tensor(784)},),
    ],
    "0.2": [
        ({"east": -0.2, "north": -0.8},),
        ({"east": -0.3, "north": -0.7},),
        ({"east": np.float32(-0.2), "north": torch.tensor(-0.9)},),
    ],
}
WRONG = {
    "0.1": [
        ({"in": 1024, "out": 784}, "for all sixteen"),
        ({"in": 16, "out": 784}, "how many images were asked for"),
        ({"in": 784, "out": 784}, "come out, as pixels"),
        ({"in": 64, "out": 28}, "one side of the image"),
        ({"in": 1, "out": 784}, "do not go in"),
        ({"in": 64, "out": 10}, "do not come out"),
        ({"in": "64", "out": 784}, "'64' is no number"),
        ({"in": 64, "out": None}, "None is no number"),
        ({"in": 64, "out": (1, 28, 28)}, "(1, 28, 28) is no number"),
        ({"in": float("nan"), "out": 784}, "nan is no number"),
        ({"in": True, "out": 784}, "True is no number"),
        ({"in": torch.ones(2), "out": 784}, "is no number"),
        ({"in": 64, "out": 783}, "783 do not come out"),
        ({"in": 784, "out": 64}, "What goes in is the noise z"),
        ({"in": 64, "out": 16 * 784}, "for all sixteen"),
        (64, "a dictionary with the keys"),
    ],
    "0.2": [
        ({"east": 1.0, "north": 0.0}, "reads a 0 there"),
        ({"east": -1.5, "north": 0.3}, "reads a 1 there"),
        ({"east": -0.6, "north": 0.3}, "sure. Which way"),
        ({"east": -0.9, "north": -1.5}, "nearly: an 8"),
        ({"east": 0.0, "north": 0.0}, "a pattern, no digit"),
        ({"east": -3.0, "north": 0.0}, "this place lies beyond"),
        ({"east": "left", "north": "up"}, "two numbers, one for each"),
        ({"east": 0.1, "north": float("nan")}, "nan is none"),
        ({"east": -0.5, "north": 0.3}, "of its loops closed"),
        ({"east": -1.0, "north": -0.7}, "of its loops closed"),
        ({"east": -0.9, "north": -0.2}, "reads a 1 there"),
        ({"east": 0.2, "north": 0.9}, "reads a 6 there"),
        ({"east": torch.ones(2), "north": 0.0}, "is none"),
        ({"east": 10**400, "north": 0}, "is none"),
        ({"x": -0.3, "y": -0.9}, 'keys "east" and "north"'),
    ],
}
