"""Check of lesson 00: what a generator takes and gives."""

from gan_lessons import pretrained
from gan_lessons.exercises import Answer, Wrong, exercise
from gan_lessons.models import IMAGE_SHAPE


@exercise("0.1")
def in_and_out(answer: Answer) -> str:
    """Numbers into and out of the generator for one image."""
    if not isinstance(answer, dict) or set(answer) != {"in", "out"}:
        raise Wrong('the answer is a dictionary with the keys "in" and "out".')
    _, settings = pretrained.load_generator("dcgan")
    channels, height, width = IMAGE_SHAPE
    given, drawn = answer["in"], answer["out"]
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
