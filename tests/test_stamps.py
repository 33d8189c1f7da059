"""The stamps of transposed convolutions: counts, pictures, sentences."""

import pytest
import torch

from gan_lessons.errors import UserError
from gan_lessons.plotting.stamps import count_stamps, overlap, stamped, typical_size, upsampled


def test_stamps_are_counted_one_by_one() -> None:
    canvas = torch.zeros(2 * 2 + 3, 2 * 2 + 3)
    for i in range(3):
        for j in range(3):
            canvas[2 * i : 2 * i + 3, 2 * j : 2 * j + 3] += 1
    assert torch.equal(count_stamps(3, 3, 2, 0), canvas)
    assert torch.equal(count_stamps(3, 3, 2, 1), canvas[1:-1, 1:-1])


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ((7, 3, 2, 1), "7 × 7 becomes 13 × 13. Away from the border the count is 1 to 4: uneven"),
        ((7, 4, 2, 1), "7 × 7 becomes 14 × 14. Away from the border the count is 4 everywhere"),
        ((7, 3, 3, 0), "becomes 21 × 21. Away from the border the count is 1 everywhere: even."),
        ((7, 2, 3, 0), "the count is 0 to 1: gaps."),
        ((1, 3, 2, 0), "every output pixel is near a border"),
    ],
)
def test_overlap_says_what_its_picture_shows(settings: tuple[int, ...], said: str) -> None:
    figure, sentence = overlap(*settings)
    assert said in sentence
    assert len(figure.axes) == 1


def test_a_padding_that_leaves_nothing_is_refused() -> None:
    with pytest.raises(UserError, match="padding 2 cuts 4 off each way: nothing is left"):
        overlap(1, 3, 2, 2)


def test_random_terms_add_like_the_root_of_their_number() -> None:
    uneven, even = typical_size(stamped, 3), typical_size(stamped, 4)
    repeated = typical_size(upsampled, 3)
    assert uneven.shape == even.shape == repeated.shape == (14, 14)
    counts = count_stamps(8, 3, 2, 1)[2:-2, 2:-2]
    terms = uneven[2:12, 2:12].square() * 9  # 1, 2 or 4 stamps of nine weights
    assert torch.allclose(terms[:11, :11], counts[:10, :10], rtol=0.25)
    for flat in (even, repeated):
        inside = flat[2:-2, 2:-2]
        assert inside.max() / inside.min() < 1.2
