"""Misconceptions of lesson 00, each with a piece of the sentence that must answer it."""

WRONG = {
    "0.1": [
        ({"in": 1024, "out": 784}, "for all sixteen"),
        ({"in": 16, "out": 784}, "how many images were asked for"),
        ({"in": 784, "out": 784}, "come out, as pixels"),
        ({"in": 64, "out": 28}, "one side of the image"),
        ({"in": 1, "out": 784}, "do not go in"),
        ({"in": 64, "out": 10}, "do not come out"),
        (64, "a dictionary with the keys"),
    ],
}
