"""The classifier of digits, whose answers and features `gan_lessons.metrics` measures with.

The weights ship with the package; ``python -m gan_lessons.classifier`` trained them and, run
again, reproduces them.
"""

import sys
import time
from argparse import Namespace
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from gan_lessons.commandline import Parser, file_path, run_command, whole_number
from gan_lessons.data import load_digits
from gan_lessons.errors import UserError
from gan_lessons.files import atomic_write
from gan_lessons.tensors import expect_rng, expect_single, expect_tensor

WEIGHTS = Path(__file__).parent / "weights" / "classifier.safetensors"
FEATURES = 64
IMAGE_SHAPE = (1, 28, 28)


def _block(inputs: int, outputs: int, stride: int) -> nn.Sequential:
    convolution = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.ReLU())


class Classifier(nn.Module):
    """Convolutional digit classifier: images (N, 1, 28, 28) in [−1, 1] → logits (N, 10)."""

    # Of the real digits' features: what the Fréchet distance compares with.
    real_mean: Tensor
    real_covariance: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            _block(1, 24, 1),
            _block(24, 24, 2),  # 14 × 14
            _block(24, 48, 1),
            _block(48, 48, 2),  # 7 × 7
            _block(48, 96, 1),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(96, FEATURES),
        )
        self.head = nn.Linear(FEATURES, 10)
        self.register_buffer("real_mean", torch.zeros(FEATURES, dtype=torch.float64))
        self.register_buffer("real_covariance", torch.eye(FEATURES, dtype=torch.float64))

    def features(self, images: Tensor) -> Tensor:
        """Features (N, 64) of images (N, 1, 28, 28) in [−1, 1].

        Raises:
            UserError: the images have another shape.
        """
        if images.dim() != 4 or images.shape[1:] != IMAGE_SHAPE:
            raise UserError(
                f"The classifier reads images of shape (N, 1, 28, 28), not {tuple(images.shape)}."
            )
        features: Tensor = self.body(images)
        return features

    def forward(self, images: Tensor) -> Tensor:
        """Logits (N, 10) of images (N, 1, 28, 28) in [−1, 1]."""
        logits: Tensor = self.head(F.relu(self.features(images)))
        return logits

    @torch.no_grad()
    def predict(self, images: Tensor, batch_size: int = 50) -> tuple[Tensor, Tensor]:
        """Features (N, 64) and class probabilities (N, 10) of images (N, 1, 28, 28) in [−1, 1].

        Larger batches take up to twice as long: what they need is taken from the system each time.

        Raises:
            UserError: the images have another shape.
        """
        expect_tensor(images, "images", "(N, 1, 28, 28)")
        expect_single(images, "images")
        features = torch.cat([self.features(batch) for batch in images.split(batch_size)])
        return features, self.head(F.relu(features)).softmax(dim=1)


@cache
def load() -> Classifier:
    """The shipped classifier, in evaluation mode; the same object every time."""
    classifier = Classifier()
    classifier.load_state_dict(load_file(WEIGHTS))
    return classifier.eval().requires_grad_(False)


def jitter(images: Tensor, rng: torch.Generator, strength: float = 1.0) -> Tensor:
    """Shift, turn, scale and shear each digit a little: which digit it is does not change.

    Args:
        images: (N, 1, 28, 28) in [−1, 1].
        rng: decides how, anew for each digit.
        strength: 1 for up to 2.1 pixels, 11°, 12 % and a shear of 0.08; 2 for twice as much.
    """
    expect_rng(rng)

    def uniform(*shape: int) -> Tensor:
        return torch.rand(len(images), *shape, generator=rng) * 2 - 1

    angle = uniform() * (0.2 * strength)
    matrix = torch.stack([angle.cos(), -angle.sin(), angle.sin(), angle.cos()], dim=1)
    matrix = matrix.view(-1, 2, 2) * (1 + 0.12 * strength * uniform(1, 1))
    matrix = matrix + 0.08 * strength * uniform(2, 2)
    affine = torch.cat([matrix, 0.15 * strength * uniform(2, 1)], dim=2)
    grid = F.affine_grid(affine, list(images.shape), align_corners=False)
    return F.grid_sample(images + 1, grid, align_corners=False) - 1


def train(images: Tensor, labels: Tensor, epochs: int = 16, seed: int = 0) -> Classifier:
    """Train a classifier on images (N, 1, 28, 28) in [−1, 1] with labels (N,)."""
    rng = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        classifier = Classifier()
    batch_size = 100
    optimizer = torch.optim.AdamW(classifier.parameters(), weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=5e-3, epochs=epochs, steps_per_epoch=len(images) // batch_size
    )
    start = time.monotonic()
    for epoch in range(epochs):
        # The last epoch sees the digits as they are, so that BatchNorm's statistics are theirs.
        for chosen in torch.randperm(len(images), generator=rng).split(batch_size):
            if len(chosen) < batch_size:
                continue
            batch = images[chosen] if epoch == epochs - 1 else jitter(images[chosen], rng)
            loss = F.cross_entropy(classifier(batch), labels[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        print(f"epoch {epoch + 1}/{epochs}: {time.monotonic() - start:.0f} s", flush=True)
    classifier.eval().requires_grad_(False)
    features, _ = classifier.predict(images)
    classifier.real_mean = features.double().mean(dim=0)
    classifier.real_covariance = features.double().T.cov()
    return classifier


def accuracy(classifier: Classifier, images: Tensor, labels: Tensor) -> float:
    """Share of images (N, 1, 28, 28) that are classified as their labels (N,) say."""
    _, probabilities = classifier.predict(images)
    return (probabilities.argmax(dim=1) == labels).double().mean().item()


def main(arguments: Sequence[str] | None = None) -> int:
    """Train the classifier and write its weights; return the exit code."""
    parser = Parser(prog="python -m gan_lessons.classifier", description=__doc__)
    parser.add_argument("--out", type=file_path, default=WEIGHTS)
    parser.add_argument("--epochs", type=whole_number(1, 1000), default=16)
    parser.add_argument("--seed", type=whole_number(0, 2**31 - 1), default=0)
    parser.set_defaults(run=_train_and_write)
    return run_command(parser, arguments)


def _train_and_write(options: Namespace) -> None:
    torch.set_num_threads(1)  # the order of sums, and so the last bits, depend on it
    digits, test = load_digits("train"), load_digits("test")
    classifier = train(digits.images, digits.labels, options.epochs, options.seed)
    print(f"test accuracy: {accuracy(classifier, test.images, test.labels):.2%}")
    with atomic_write(options.out) as temporary:
        save_file(classifier.state_dict(), temporary)


if __name__ == "__main__":
    sys.exit(main())
