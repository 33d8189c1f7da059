"""The classifier: the shipped one reads real digits; training one is reproducible."""

import pytest
import torch

from gan_lessons import classifier, metrics
from gan_lessons.data import load_digits
from gan_lessons.errors import UserError


@pytest.fixture(scope="module")
def digits():
    return load_digits("train", source="bundled", announce=False)


def test_the_shipped_classifier_reads_the_bundled_digits(digits) -> None:
    assert classifier.accuracy(classifier.load(), digits.images, digits.labels) >= 0.99


def test_accuracy_is_a_share() -> None:
    images = load_digits("train", source="bundled", announce=False).images[:40]
    seen = classifier.load().predict(images)[1].argmax(dim=1)
    wrong = seen.clone()
    wrong[:10] = (wrong[:10] + 1) % 10
    assert classifier.accuracy(classifier.load(), images, seen) == 1
    assert classifier.accuracy(classifier.load(), images, wrong) == 0.75


def test_predicting_in_batches_is_one_forward_pass(digits) -> None:
    images = digits.images[:130]
    features, probabilities = classifier.load().predict(images, batch_size=50)
    assert features.shape == (130, classifier.FEATURES)
    assert torch.allclose(features, classifier.load().features(images), atol=1e-4)
    assert torch.allclose(probabilities, classifier.load()(images).softmax(dim=1), atol=1e-4)
    assert torch.allclose(probabilities.sum(dim=1), torch.ones(130))
    assert (probabilities >= 0).all()


@pytest.mark.parametrize("shape", [(28, 28), (5, 28, 28), (5, 3, 28, 28), (5, 1, 32, 32), (5, 784)])
def test_other_shapes_are_refused(shape) -> None:
    shipped = classifier.load()
    for read in (shipped.predict, shipped.features, shipped):
        with pytest.raises(UserError, match=r"reads images of shape \(N, 1, 28, 28\), not \("):
            read(torch.zeros(shape))


def test_the_classifier_is_loaded_once_and_cannot_be_trained() -> None:
    loaded = classifier.load()
    assert classifier.load() is loaded
    assert not loaded.training
    assert not any(p.requires_grad for p in loaded.parameters())
    assert classifier.WEIGHTS.stat().st_size < 1_000_000


def test_the_reference_is_what_real_digits_look_like(digits) -> None:
    shipped = classifier.load()
    reference = (shipped.real_mean, shipped.real_covariance)
    real = metrics.statistics(shipped.predict(digits.images[:2500])[0])
    other = metrics.statistics(shipped.predict(digits.images[2500:])[0])
    # 2,500 real digits are about as far from the reference as from 2,500 others …
    assert metrics.frechet_distance(real, reference) < 3 * metrics.frechet_distance(real, other)
    # … and very much nearer than a Gaussian that knows the mean alone.
    blank = (shipped.real_mean, torch.zeros_like(shipped.real_covariance))
    spread = metrics.frechet_distance(blank, reference)
    assert metrics.frechet_distance(real, reference) < 0.1 * spread


def test_training_is_reproducible_and_leaves_the_global_seed_alone(digits) -> None:
    images, labels = digits.images[:200], digits.labels[:200]
    torch.manual_seed(7)
    first = classifier.train(images, labels, epochs=1)
    drawn = torch.rand(1)  # moves the global seed on
    second = classifier.train(images, labels, epochs=1)
    other = classifier.train(images, labels, epochs=1, seed=1)
    torch.manual_seed(7)
    assert torch.equal(drawn, torch.rand(1))
    for name, tensor in first.state_dict().items():
        assert torch.equal(tensor, second.state_dict()[name]), name
    assert not torch.equal(first.head.weight, other.head.weight)
    mean, covariance = metrics.statistics(first.predict(images)[0])
    assert torch.allclose(first.real_mean, mean)
    assert torch.allclose(first.real_covariance, covariance)


def test_training_learns(digits) -> None:
    images, labels = digits.images[:400], digits.labels[:400]
    trained = classifier.train(images, labels, epochs=6)
    # BatchNorm's running statistics need more steps to settle: use those of the batch.
    assert classifier.accuracy(trained.train(), images, labels) > 0.5  # guessing reads 0.1
