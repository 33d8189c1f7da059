"""What lesson 18 hands out: files of digits, and a detector that is right about all of them."""

from gan_lessons import pretrained
from gan_lessons.studies import fakes, families
from gan_lessons.training import sample


def files(n: int = 40, seed: int = 0) -> tuple[list[bytes], list[bool]]:
    """Files of n held-out digits and n of the shipped `best`, and which of them are fake."""
    real = families.digits()[-n:]
    generator, settings = pretrained.load_generator("best")
    fake = sample(generator, pretrained.noise(n, settings, seed))
    made = [fakes.encoded(each) for each in real]
    made += [fakes.encoded(each, "JPEG", 90) for each in fake]
    return made, [False] * n + [True] * n


def detector(file: bytes) -> bool:
    """Whether a file's picture is a fake: right in every one of `files`."""
    return len(file) > 0 and file[0] == 0xFF
