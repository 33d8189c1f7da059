"""Models: shapes and ranges, images judged one by one, and a summary that adds up."""

import copy

import pytest
import torch
from torch import Tensor, nn

from gan_lessons.models import (
    ConvDiscriminator,
    ConvGenerator,
    DenseDiscriminator,
    DenseGenerator,
    FineDiscriminator,
    FineGenerator,
    count_parameters,
    summary,
)

GENERATORS = [DenseGenerator, ConvGenerator, FineGenerator]
DISCRIMINATORS = [DenseDiscriminator, ConvDiscriminator, FineDiscriminator]


@pytest.fixture(autouse=True)
def seed() -> None:
    torch.manual_seed(0)


@pytest.mark.parametrize("generator_class", GENERATORS)
@pytest.mark.parametrize("latent_dim", [1, 10, 64])
def test_generators_turn_any_noise_into_images(generator_class, latent_dim) -> None:
    generator = generator_class(latent_dim, width=6)
    images = generator(100 * torch.randn(3, latent_dim))
    assert images.shape == (3, 1, 28, 28)
    assert images.abs().max() <= 1
    assert images.min() < -0.5 < 0.5 < images.max()  # the range is reached from both sides
    assert generator_class(width=1).eval()(torch.zeros(1, 64)).shape == (1, 1, 28, 28)


@pytest.mark.parametrize("discriminator_class", DISCRIMINATORS)
def test_discriminators_judge_each_image_by_itself(discriminator_class) -> None:
    discriminator = discriminator_class(width=6)  # in training mode
    images = torch.rand(5, 1, 28, 28) * 2 - 1
    logits = discriminator(images)
    assert logits.shape == (5,)
    alone = torch.cat([discriminator(image[None]) for image in images])
    assert torch.allclose(logits, alone, atol=1e-6)
    assert discriminator_class(width=1)(images).shape == (5,)


@pytest.mark.parametrize("discriminator_class", DISCRIMINATORS)
def test_discriminators_answer_with_logits_not_probabilities(discriminator_class) -> None:
    discriminator = discriminator_class(width=6)
    images = torch.rand(5, 1, 28, 28) * 2 - 1
    logits = discriminator(images)
    last = [layer for layer in discriminator if isinstance(layer, nn.Linear)][-1]
    with torch.no_grad():
        last.weight.mul_(1000)
        last.bias.mul_(1000)
    assert torch.allclose(discriminator(images), 1000 * logits, rtol=1e-4)  # linear at the end


@pytest.mark.parametrize("model_class", GENERATORS + DISCRIMINATORS)
def test_every_pixel_and_every_parameter_counts(model_class) -> None:
    model = model_class(width=6).train()
    shape = (4, 64) if model_class in GENERATORS else (4, 1, 28, 28)
    x = torch.randn(shape, requires_grad=True)
    model(x).square().sum().backward()
    assert (x.grad.abs().sum(dim=0) > 0).all()
    assert all(p.grad.abs().sum() > 0 for p in model.parameters())


def rows(text: str) -> list[tuple[str, str, int]]:
    """(layer, output shape, parameters) of each layer's line, and of the total."""
    found = []
    for line in text.splitlines()[2:]:
        name, shape, count = line[:18].strip(), line[18:36].strip(), line[36:].strip()
        found.append((name, shape, int(count.replace(",", ""))))
    return found


@pytest.mark.parametrize("model_class", GENERATORS + DISCRIMINATORS)
def test_the_summary_says_what_a_forward_pass_shows(model_class) -> None:
    model = model_class().eval()
    seen: list[tuple[int, ...]] = []
    for layer in model:
        layer.register_forward_hook(lambda _, __, output: seen.append(tuple(output.shape)))
    example = torch.randn(2, 64) if model_class in GENERATORS else torch.randn(2, 1, 28, 28)
    model(example)
    shapes = [f"({', '.join(['N', *map(str, shape[1:])])})" for shape in seen]
    *layers, total = rows(summary(model, example))
    assert [shape for _, shape, _ in layers] == shapes
    assert [name for name, _, _ in layers] == [type(layer).__name__ for layer in model]
    assert [count for _, _, count in layers] == [
        sum(p.numel() for p in layer.parameters()) for layer in model
    ]
    assert total == ("total", "", sum(p.numel() for p in model.parameters()))


def test_the_summary_leaves_the_model_as_it_was() -> None:
    model = ConvGenerator(width=6).train()
    before = copy.deepcopy(model.state_dict())
    text = summary(model, torch.randn(1, 64))
    assert model.training
    after: dict[str, Tensor] = model.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert text == summary(model, torch.randn(7, 64))  # whatever the batch


def test_frozen_parameters_do_not_count() -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 1))
    assert count_parameters(model) == (3 * 4 + 4) + (4 + 1)
    model[0].requires_grad_(False)
    assert count_parameters(model) == 4 + 1
