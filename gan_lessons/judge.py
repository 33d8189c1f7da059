"""The judge: a small digit classifier that looks at generated digits for us.

Its opinion (which digit, how sure) and its 64 features are what `gan_lessons.metrics` measures
with. The weights ship with the package; ``python -m gan_lessons.judge`` trained them and, run
again, reproduces them.
"""

import argparse
import time
from functools import cache
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from gan_lessons.data import load_digits
from gan_lessons.errors import UserError
from gan_lessons.files import written_aside

WEIGHTS = Path(__file__).parent / "weights" / "judge.safetensors"
FEATURES = 64


def _block(inputs: int, outputs: int, stride: int) -> nn.Sequential:
    convolution = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.ReLU())


class Judge(nn.Module):
    """Convolutional digit classifier: images (N, 1, 28, 28) in [−1, 1] → logits (N, 10)."""

    # What the real digits look like to the judge: the yardstick of the Fréchet distance.
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
        """Features (N, 64) of images (N, 1, 28, 28) in [−1, 1]."""
        features: Tensor = self.body(images)
        return features

    def forward(self, images: Tensor) -> Tensor:
        """Logits (N, 10) of images (N, 1, 28, 28) in [−1, 1]."""
        logits: Tensor = self.head(F.relu(self.features(images)))
        return logits

    @torch.no_grad()
    def look(self, images: Tensor, batch_size: int = 500) -> tuple[Tensor, Tensor]:
        """Features (N, 64) and class probabilities (N, 10) of images of any number N."""
        features = torch.cat([self.features(batch) for batch in images.split(batch_size)])
        return features, self.head(F.relu(features)).softmax(dim=1)


@cache
def load() -> Judge:
    """The shipped judge, ready to look at digits."""
    judge = Judge()
    judge.load_state_dict(load_file(WEIGHTS))
    return judge.eval().requires_grad_(False)


def _jitter(images: Tensor, rng: torch.Generator) -> Tensor:
    """Shift, turn, scale and shear each digit a little: a judge should not mind where ink is."""

    def uniform(*shape: int) -> Tensor:
        return torch.rand(len(images), *shape, generator=rng) * 2 - 1

    angle = uniform() * 0.2
    matrix = torch.stack([angle.cos(), -angle.sin(), angle.sin(), angle.cos()], dim=1)
    matrix = matrix.view(-1, 2, 2) * (1 + 0.12 * uniform(1, 1)) + 0.08 * uniform(2, 2)
    affine = torch.cat([matrix, 0.15 * uniform(2, 1)], dim=2)
    grid = F.affine_grid(affine, list(images.shape), align_corners=False)
    return F.grid_sample(images + 1, grid, align_corners=False) - 1


def train(images: Tensor, labels: Tensor, epochs: int = 16, seed: int = 0) -> Judge:
    """Train a judge on images (N, 1, 28, 28) in [−1, 1] with labels (N,)."""
    rng = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        judge = Judge()
    batch_size = 100
    optimizer = torch.optim.AdamW(judge.parameters(), weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=5e-3, epochs=epochs, steps_per_epoch=len(images) // batch_size
    )
    start = time.monotonic()
    for epoch in range(epochs):
        # The last epoch sees the digits as they are, so that BatchNorm's statistics are theirs.
        for chosen in torch.randperm(len(images), generator=rng).split(batch_size):
            if len(chosen) < batch_size:
                continue
            batch = images[chosen] if epoch == epochs - 1 else _jitter(images[chosen], rng)
            loss = F.cross_entropy(judge(batch), labels[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        print(f"epoch {epoch + 1}/{epochs}: {time.monotonic() - start:.0f} s", flush=True)
    judge.eval().requires_grad_(False)
    features, _ = judge.look(images)
    judge.real_mean = features.double().mean(dim=0)
    judge.real_covariance = features.double().T.cov()
    return judge


def accuracy(judge: Judge, images: Tensor, labels: Tensor) -> float:
    """Share of images (N, 1, 28, 28) that the judge reads as their labels (N,) say."""
    _, probabilities = judge.look(images)
    return (probabilities.argmax(dim=1) == labels).double().mean().item()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m gan_lessons.judge", description=__doc__)
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    parser.add_argument("--epochs", type=int, default=16)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    torch.set_num_threads(1)  # the order of sums, and so the last bits, depend on it
    try:
        digits, test = load_digits("train"), load_digits("test")
    except UserError as error:
        parser.error(str(error))
    judge = train(digits.images, digits.labels, arguments.epochs, arguments.seed)
    print(f"test accuracy: {accuracy(judge, test.images, test.labels):.2%}")
    with written_aside(arguments.out) as aside:
        save_file(judge.state_dict(), aside)


if __name__ == "__main__":
    main()
