"""Networks: shapes and ranges, images of any size and colour, and a summary that adds up."""

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from gan_lessons.errors import UserError
from gan_lessons.networks import (
    NETWORKS,
    ConvDiscriminator,
    ConvGenerator,
    DenseDiscriminator,
    DenseGenerator,
    FineDiscriminator,
    FineGenerator,
    Packed,
    append_one_hot,
    count_parameters,
    pack,
    spectrally_normalised,
    summary,
)

GENERATORS: list[Any] = [DenseGenerator, ConvGenerator, FineGenerator]
DISCRIMINATORS: list[Any] = [DenseDiscriminator, ConvDiscriminator, FineDiscriminator]


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
def test_discriminators_see_each_image_by_itself(discriminator_class) -> None:
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


@pytest.mark.parametrize("network_class", GENERATORS + DISCRIMINATORS)
def test_every_pixel_and_every_parameter_counts(network_class) -> None:
    network = network_class(width=6).train()
    shape = (4, 64) if network_class in GENERATORS else (4, 1, 28, 28)
    x = torch.randn(shape, requires_grad=True)
    network(x).square().sum().backward()
    assert x.grad is not None
    assert (x.grad.abs().sum(dim=0) > 0).all()
    assert all(p.grad.abs().sum() > 0 for p in network.parameters())


def rows(text: str) -> list[tuple[str, str, int]]:
    """(layer, output shape, parameters) of each layer's line, and of the total."""
    found = []
    for line in text.splitlines()[2:]:
        name, shape, count = line[:18].strip(), line[18:36].strip(), line[36:].strip()
        found.append((name, shape, int(count.replace(",", ""))))
    return found


@pytest.mark.parametrize("network_class", GENERATORS + DISCRIMINATORS)
def test_the_summary_says_what_a_forward_pass_shows(network_class) -> None:
    network = network_class().eval()
    seen: list[tuple[int, ...]] = []
    for layer in network:
        layer.register_forward_hook(lambda _, __, output: seen.append(tuple(output.shape)))
    example = torch.randn(2, 64) if network_class in GENERATORS else torch.randn(2, 1, 28, 28)
    network(example)
    shapes = [f"({', '.join(['N', *map(str, shape[1:])])})" for shape in seen]
    *layers, total = rows(summary(network, example))
    assert [shape for _, shape, _ in layers] == shapes
    assert [name for name, _, _ in layers] == [type(layer).__name__ for layer in network]
    assert [count for _, _, count in layers] == [
        sum(p.numel() for p in layer.parameters()) for layer in network
    ]
    assert total == ("total", "", sum(p.numel() for p in network.parameters()))


def test_the_summary_leaves_the_network_as_it_was() -> None:
    network = ConvGenerator(width=6).train()
    before = copy.deepcopy(network.state_dict())
    text = summary(network, torch.randn(1, 64))
    assert network.training
    after: dict[str, Tensor] = network.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert text == summary(network, torch.randn(7, 64))  # whatever the batch


@pytest.mark.parametrize("network_class", GENERATORS + DISCRIMINATORS)
def test_its_first_layers_are_a_network_of_their_own(network_class) -> None:
    network = network_class().eval()
    example = torch.randn(2, 64) if network_class in GENERATORS else torch.randn(2, 1, 28, 28)
    first, rest = network[:3], network[3:]
    assert torch.equal(rest(first(example)), network(example))
    assert first[0] is network[0]
    assert len(first) + len(rest) == len(network)


def test_frozen_parameters_count_too() -> None:
    network = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 1))
    assert count_parameters(network) == (3 * 4 + 4) + (4 + 1)
    network[0].requires_grad_(False)
    assert count_parameters(network) == (3 * 4 + 4) + (4 + 1)


# Size and colour


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [16, 28, 32, 64])
def test_images_have_any_size_and_colour_and_gradients_reach_every_parameter(
    network, channels, size
) -> None:
    generator_class, discriminator_class = NETWORKS[network]
    generator = generator_class(5, 4, channels=channels, size=size)
    discriminator = discriminator_class(4, channels=channels, size=size)
    images = generator(torch.randn(6, 5))
    assert images.shape == (6, channels, size, size)
    logits = discriminator(images)
    assert logits.shape == (6,)
    logits.square().sum().backward()
    for player in (generator, discriminator):
        for name, parameter in player.named_parameters():
            assert parameter.grad is not None, name
            assert parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize("discriminator_class", [ConvDiscriminator, FineDiscriminator])
@pytest.mark.parametrize("size", [8, 12, 20, 36, 256])  # a quarter is even, or odd
def test_a_convolutional_pair_agrees_on_every_multiple_of_four(discriminator_class, size) -> None:
    images = ConvGenerator(3, 1, size=size)(torch.randn(2, 3))
    assert images.shape == (2, 1, size, size)
    assert discriminator_class(1, 10, size=size)(images).shape == (2, 10)


@pytest.mark.parametrize("size", [1, 13])
def test_dense_networks_take_any_size(size) -> None:
    images = DenseGenerator(3, 2, size=size, channels=2)(torch.randn(2, 3))
    assert images.shape == (2, 2, size, size)
    assert DenseDiscriminator(2, size=size, channels=2)(images).shape == (2,)


@pytest.mark.parametrize("network_class", [c for pair in NETWORKS.values() for c in pair])
@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ({"size": 0}, r"size is 0; choose a \w"),
        ({"size": 28.0}, r"size is 28\.0; choose a \w"),
        ({"channels": 0}, "channels is 0; choose 1 for grey"),
        ({"channels": True}, "channels is True; choose 1 for grey"),
        ({"size": True}, r"size is True; choose a \w"),
        ({"width": True}, "width is True; choose a whole number from 1"),
        ({"width": 8.0}, r"width is 8\.0; choose a whole number from 1"),
    ],
)
def test_other_shapes_are_refused(network_class, shape, message) -> None:
    with pytest.raises(UserError, match=message):
        network_class(**shape)


@pytest.mark.parametrize("generator_class", [pair[0] for pair in NETWORKS.values()])
@pytest.mark.parametrize("latent_dim", [True, 0, 2.0, "64"])
def test_noise_is_counted_in_whole_numbers(generator_class, latent_dim) -> None:
    with pytest.raises(UserError, match=f"latent_dim is {latent_dim!r}; choose a whole number"):
        generator_class(latent_dim)


@pytest.mark.parametrize("network", ["conv", "fine"])
@pytest.mark.parametrize("size", [4, 30, 260])
def test_sizes_that_two_doublings_do_not_reach_are_refused(network, size) -> None:
    for network_class in NETWORKS[network]:
        with pytest.raises(
            UserError, match=f"size is {size}; choose a multiple of 4 from 8 to 256"
        ):
            network_class(size=size)


def test_packs_are_made_along_the_channels_whatever_their_number() -> None:
    inner = ConvDiscriminator(2, channels=6, size=16)
    images = torch.randn(4, 3, 16, 16)
    pairs = torch.cat([images[::2], images[1::2]], dim=1)
    assert torch.equal(Packed(inner, 2)(images), inner(pairs))


@pytest.mark.parametrize(
    ("network_class", "arguments", "count", "size_of_all", "weighted"),
    [  # drawn before networks had sizes; recipes and stored runs begin with them
        (DenseGenerator, (), 550416, 14038.201426, 7.770143),
        (DenseDiscriminator, (), 533505, 10087.893668, 7.924894),
        (ConvGenerator, (), 190321, 10539.748437, 120.009098),
        (ConvDiscriminator, (), 61993, 1535.803098, -0.591979),
        (ConvDiscriminator, (24, 10), 75826, 1712.935168, -0.558461),
        (FineGenerator, (), 279025, 14468.658829, 149.823105),
        (FineDiscriminator, (), 117121, 2565.744028, 1.28735),
        (FineDiscriminator, (32, 10), 135562, 2768.838652, 3.276787),
    ],
)
def test_the_first_weights_of_digits_are_what_they_always_were(
    network_class, arguments, count, size_of_all, weighted
) -> None:
    network = network_class(*arguments)
    numbers = torch.cat([p.detach().double().flatten() for p in network.parameters()])
    assert len(numbers) == count
    assert numbers.abs().sum().item() == pytest.approx(size_of_all, abs=2e-5)
    # By its place in the list, each number has another weight: the order is the same, too.
    places = torch.linspace(0, 1, count, dtype=torch.float64)
    assert (numbers * places).sum().item() == pytest.approx(weighted, abs=2e-5)


def test_one_hot_numbers_stand_after_the_noise() -> None:
    z = torch.randn(3, 2)
    appended = append_one_hot(z, torch.tensor([1, 0, 3]), 4)
    assert torch.equal(appended[:, :2], z)
    assert appended[:, 2:].tolist() == [[0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1]]


# Packs and spectral norm


@pytest.mark.parametrize("m", [1, 2, 3])
def test_a_pack_is_whole_samples_side_by_side(m: int) -> None:
    points = torch.randn(12, 2)
    packs = pack(points, m)
    for row, made in zip(points.split(m), packs, strict=True):
        assert torch.equal(torch.cat(list(row)), made)
    images = torch.randn(6, 3, 4, 5)
    for row, made in zip(images.split(m), pack(images, m), strict=True):
        assert torch.equal(torch.cat(list(row)), made)  # along the channels


def test_what_cannot_be_packed_is_refused() -> None:
    with pytest.raises(UserError, match=r"7 samples cannot be dealt into packs of 2"):
        pack(torch.zeros(7, 2), 2)


def test_a_packed_discriminator_answers_once_for_each_pack() -> None:
    inner = nn.Sequential(nn.Linear(4, 8), nn.LeakyReLU(), nn.Linear(8, 1), nn.Flatten(0))
    samples = torch.randn(10, 2)
    found = Packed(inner, 2)(samples)
    assert torch.equal(found, inner(torch.cat([samples[::2], samples[1::2]], dim=1)))


def steepest(network: nn.Module) -> float:
    """The largest slope that is met at 500 points of the plane."""
    x = torch.randn(500, 2, requires_grad=True)
    (gradient,) = torch.autograd.grad(network(x).sum(), x)
    return float(gradient.norm(dim=1).max())


def test_spectral_norm_divides_by_the_largest_singular_value() -> None:
    layers = [nn.Linear(2, 16), nn.Linear(16, 16), nn.Linear(16, 1)]
    for layer in layers:
        layer.weight.data *= 5
    before = [layer.weight.detach().clone() for layer in layers]
    leaky = nn.LeakyReLU(0.2)
    assert steepest(nn.Sequential(layers[0], leaky, layers[1], leaky, layers[2])) > 2
    tame = spectrally_normalised(layers)
    for _ in range(200):
        tame(torch.zeros(1, 2))  # a call in training mode is a round of power iteration
    for weight, layer in zip(before, layers, strict=True):
        oracle = weight / torch.linalg.svdvals(weight)[0]
        torch.testing.assert_close(layer.weight.detach(), oracle, rtol=1e-3, atol=1e-4)
    assert 0 < steepest(tame.eval()) <= 1 + 1e-4
    assert tame(torch.zeros(7, 2)).shape == (7,)
