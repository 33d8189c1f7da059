"""Checks of lesson 00: what a generator takes and gives, and what lies between its digits."""

from scipy.ndimage import label

from gan_lessons import classifier, pretrained
from gan_lessons.exercises import Answer, Wrong, as_number, exercise
from gan_lessons.networks import IMAGE_SHAPE
from gan_lessons.training import sample

REACH = 1.5  # of the lesson's two sliders
SURE = 0.9
GREY = 0.12  # share of half-grey pixels; no real digit that comes with the install has more


@exercise("0.1")
def in_and_out(answer: Answer) -> str:
    """Numbers into and out of the generator for one image."""
    if not isinstance(answer, dict) or set(answer) != {"in", "out"}:
        raise Wrong('the answer is a dictionary with the keys "in" and "out".')
    _, settings = pretrained.load_generator("dcgan")
    channels, height, width = IMAGE_SHAPE
    given, drawn = answer["in"], answer["out"]
    for number in (given, drawn):
        if as_number(number) is None:
            raise Wrong(f"{number!r} is no number; two plain numbers are wanted, such as 16.")
    if given == 16 * settings.latent_dim or drawn == 16 * height * width:
        raise Wrong("that is for all sixteen; how many are they for one image?")
    if given == 16 or drawn == 16:
        raise Wrong("16 is how many images were asked for. Look at what follows it in the shape.")
    if given == height * width:
        raise Wrong("that many numbers come out, as pixels. What goes in is the noise z.")
    if drawn in (height, width):
        raise Wrong("28 is one side of the image. How many pixels has the whole?")
    if given != settings.latent_dim:
        raise Wrong(f"{given!r} do not go in. The noise has the shape (16, …): what is the …?")
    if drawn != channels * height * width:
        raise Wrong(f"{drawn!r} do not come out. An image is 1 × 28 × 28: multiply.")
    return (
        "64 numbers go in and 784 come out. The 784 are not free: G has learned which belong "
        "together."
    )


@exercise("0.2")
def find_the_eight(answer: Answer) -> str:
    """A place on the plane of the two sliders at which the classifier reads an 8."""
    if not isinstance(answer, dict) or set(answer) != {"east", "north"}:
        raise Wrong('the answer is a dictionary with the keys "east" and "north".')
    east, north = answer["east"], answer["north"]
    for number in (east, north):
        if as_number(number) is None:
            raise Wrong(f"a place is two numbers, one for each slider; {number!r} is none.")
    east, north = float(east), float(north)
    if not max(abs(east), abs(north)) <= REACH:
        raise Wrong(f"the sliders end at −{REACH} and {REACH}, and this place lies beyond.")
    generator, settings = pretrained.load_generator("dcgan")
    to_east, to_north = pretrained.noise(2, settings, seed=5)
    image = sample(generator, (east * to_east + north * to_north)[None])
    if (image.abs() < 0.6).float().mean() > GREY:
        raise Wrong(
            "look again: that is a pattern, no digit. So close to the middle the generator was "
            "never trained, and the classifier has no word for “none of the ten”. Go further out."
        )
    _, opinion = classifier.load().predict(image)
    sure, digit = opinion[0].max(dim=0)
    if digit != 8:
        more = "" if sure > SURE else f", but is only {sure:.0%} sure"
        raise Wrong(
            f"the classifier reads a {digit:d} there{more}. Which way does it turn into an 8?"
        )
    if sure < SURE:
        raise Wrong(f"nearly: an 8, but the classifier is only {sure:.0%} sure. Go on a little.")
    holes = label(image[0, 0].numpy() < 0)[1] - 1  # pieces of paper, but for the one outside
    if holes < 2:
        raise Wrong(
            f"the classifier reads an 8, but look: {holes} of its loops closed, and an 8 has two. "
            "Go on a little."
        )
    return (
        "the classifier reads a clear 8. Nobody put it there: it lies between other digits because "
        "neighbours in the noise look alike."
    )
