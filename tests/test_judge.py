"""The judge: the shipped one reads real digits; training one is reproducible."""

import pytest
import torch

from gan_lessons import judge, metrics
from gan_lessons.data import load_digits


@pytest.fixture(scope="module")
def digits():
    return load_digits("train", source="bundled", announce=False)


def test_the_shipped_judge_reads_the_bundled_digits(digits) -> None:
    assert judge.accuracy(judge.load(), digits.images, digits.labels) >= 0.99


def test_accuracy_is_a_share() -> None:
    images = load_digits("train", source="bundled", announce=False).images[:40]
    seen = judge.load().look(images)[1].argmax(dim=1)
    wrong = seen.clone()
    wrong[:10] = (wrong[:10] + 1) % 10
    assert judge.accuracy(judge.load(), images, seen) == 1
    assert judge.accuracy(judge.load(), images, wrong) == 0.75


def test_looking_in_batches_is_one_forward_pass(digits) -> None:
    images = digits.images[:130]
    features, probabilities = judge.load().look(images, batch_size=50)
    assert features.shape == (130, judge.FEATURES)
    assert torch.allclose(features, judge.load().features(images), atol=1e-4)
    assert torch.allclose(probabilities, judge.load()(images).softmax(dim=1), atol=1e-4)
    assert torch.allclose(probabilities.sum(dim=1), torch.ones(130))
    assert (probabilities >= 0).all()


def test_the_judge_is_loaded_once_and_cannot_be_trained() -> None:
    loaded = judge.load()
    assert judge.load() is loaded
    assert not loaded.training
    assert not any(p.requires_grad for p in loaded.parameters())
    assert judge.WEIGHTS.stat().st_size < 1_000_000


def test_the_yardstick_is_what_real_digits_look_like(digits) -> None:
    critic = judge.load()
    yardstick = (critic.real_mean, critic.real_covariance)
    real = metrics.statistics(critic.look(digits.images[:2500])[0])
    other = metrics.statistics(critic.look(digits.images[2500:])[0])
    # 2,500 real digits are about as far from the yardstick as from 2,500 others …
    assert metrics.frechet_distance(real, yardstick) < 3 * metrics.frechet_distance(real, other)
    # … and very much nearer than a Gaussian that knows the mean alone.
    blank = (critic.real_mean, torch.zeros_like(critic.real_covariance))
    spread = metrics.frechet_distance(blank, yardstick)
    assert metrics.frechet_distance(real, yardstick) < 0.1 * spread


def test_training_is_reproducible_and_leaves_the_global_seed_alone(digits) -> None:
    images, labels = digits.images[:200], digits.labels[:200]
    torch.manual_seed(7)
    first = judge.train(images, labels, epochs=1)
    drawn = torch.rand(1)  # moves the global seed on
    second = judge.train(images, labels, epochs=1)
    other = judge.train(images, labels, epochs=1, seed=1)
    torch.manual_seed(7)
    assert torch.equal(drawn, torch.rand(1))
    for name, tensor in first.state_dict().items():
        assert torch.equal(tensor, second.state_dict()[name]), name
    assert not torch.equal(first.head.weight, other.head.weight)
    mean, covariance = metrics.statistics(first.look(images)[0])
    assert torch.allclose(first.real_mean, mean)
    assert torch.allclose(first.real_covariance, covariance)


def test_training_learns(digits) -> None:
    images, labels = digits.images[:400], digits.labels[:400]
    trained = judge.train(images, labels, epochs=6)
    # BatchNorm's running statistics need more steps to settle: use those of the batch.
    assert judge.accuracy(trained.train(), images, labels) > 0.5  # guessing reads 0.1
