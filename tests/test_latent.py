"""Paths, directions and the search, against geometry and generators known in closed form."""

import math

import pytest
import torch
from torch import Tensor, nn

from gan_lessons import latent, networks, pretrained
from gan_lessons.errors import UserError
from gan_lessons.methods import GANSettings
from gan_lessons.training import sample

T = torch.linspace(0, 1, 9)


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def linear_generator(dimensions: int = 5) -> tuple[nn.Module, Tensor]:
    """x = A z + b as images: the answers are A's singular vectors."""
    layer = nn.Linear(dimensions, 784)
    with torch.no_grad():
        layer.weight.copy_(normal(784, dimensions, seed=1) * torch.arange(dimensions, 0, -1) / 30)
        layer.bias.fill_(0.3)
    return nn.Sequential(layer, nn.Unflatten(1, (1, 28, 28))), layer.weight.detach()


def test_lerp_is_the_straight_line() -> None:
    a, b = normal(2, 7)
    path = latent.lerp(a, b, T)
    assert path.shape == (9, 7)
    assert torch.allclose(path[[0, -1]], torch.stack([a, b]))
    assert torch.allclose(path.diff(dim=0), ((b - a) / 8).expand(8, 7), atol=1e-6)


def test_slerp_on_a_circle_is_the_angle_itself() -> None:
    a, b = torch.tensor([2.0, 0.0]), torch.tensor([0.0, 2.0])
    angles = T * math.pi / 2
    wanted = 2 * torch.stack([angles.cos(), angles.sin()], dim=1)
    assert torch.allclose(latent.slerp(a, b, T), wanted, atol=1e-6)


def test_slerp_keeps_the_length_and_lerp_does_not() -> None:
    a, b = latent.on_shell(normal(2, 64))
    assert torch.allclose(latent.slerp(a, b, T).norm(dim=1), torch.full((9,), 8.0), atol=1e-4)
    cosine = torch.dot(a, b).item() / 64
    middle = latent.lerp(a, b, torch.tensor([0.5])).norm().item()
    assert middle == pytest.approx(8 * math.sqrt((1 + cosine) / 2), rel=1e-4)


def test_slerp_of_different_lengths_begins_and_ends_where_it_should() -> None:
    a, b = normal(2, 7)
    b = 3 * b
    assert torch.allclose(latent.slerp(a, b, T)[[0, -1]], torch.stack([a, b]), atol=1e-5)


def test_slerp_where_there_is_no_angle() -> None:
    a = normal(7)
    assert torch.allclose(latent.slerp(a, 2 * a, T), latent.lerp(a, 2 * a, T))
    with pytest.raises(UserError, match="opposite each other"):
        latent.slerp(a, -a, T)
    with pytest.raises(UserError, match="points nowhere"):
        latent.slerp(a, 0 * a, T)


def test_slope_of_a_plane_is_exact_and_of_a_curve_is_the_average_gradient() -> None:
    z = normal(400, 3)
    truth = torch.tensor([[1.0, 0.0], [-2.0, 0.5], [0.0, 4.0]])
    assert torch.allclose(latent.slope(z, z @ truth + 7), truth, atol=1e-4)
    many = normal(200_000, 3, seed=2)
    cubes = many[:, :1] ** 3  # gradient 3 z₁², whose mean is 3
    assert torch.allclose(latent.slope(many, cubes)[:, 0], torch.tensor([3.0, 0, 0]), atol=0.1)
    with pytest.raises(UserError, match="3 samples cannot fix a slope in 3 dimensions"):
        latent.slope(z[:3], z[:3])


def test_direction_is_a_unit_vector_up_the_slope() -> None:
    z = normal(400, 4)
    found = latent.direction(z, z @ torch.tensor([3.0, 0.0, -4.0, 0.0]) + 100)
    assert torch.allclose(found, torch.tensor([0.6, 0.0, -0.8, 0.0]), atol=1e-4)


def test_orthogonalise_leaves_only_what_is_across() -> None:
    vector, *others = normal(4, 10)
    left = latent.orthogonalise(vector, torch.stack(others))
    assert left.norm().item() == pytest.approx(1, abs=1e-5)
    assert torch.allclose(torch.stack(others) @ left, torch.zeros(3), atol=1e-5)
    assert torch.dot(left, vector) > 0


def test_principal_directions_of_a_linear_generator_are_its_singular_vectors() -> None:
    generator, weight = linear_generator()
    found = latent.principal_directions(generator, normal(100, 5), count=3)
    assert found.shape == (3, 5)
    _, _, wanted = torch.linalg.svd(weight, full_matrices=False)
    assert torch.allclose((found @ wanted[:3].T).abs(), torch.eye(3), atol=1e-3)
    assert ((found @ weight.T).sum(dim=1) > 0).all()  # + adds ink


def test_saliency_of_a_linear_discriminator_is_its_weights() -> None:
    weights = normal(784)
    linear = nn.Linear(784, 1)
    discriminator = nn.Sequential(nn.Flatten(), linear, nn.Flatten(0))
    with torch.no_grad():
        linear.weight.copy_(weights)
        linear.bias.fill_(2.0)
    image = normal(1, 28, 28, seed=3)
    logit, gradient = latent.saliency(discriminator, image)
    assert logit == pytest.approx(torch.dot(weights, image.flatten()).item() + 2, abs=1e-3)
    assert torch.allclose(gradient.flatten(), weights)
    assert not image.requires_grad


def test_search_ends_at_the_minimum_that_algebra_gives() -> None:
    generator, weight = linear_generator()
    z = normal(5, seed=9)
    search = latent.Search(generator, sample(generator, z[None])[0], GANSettings(latent_dim=5))
    search.step(300)
    assert search.steps == 300
    square = weight.T @ weight / 784  # ridge regression: z* = (AᵀA/784 + λI/d)⁻¹ AᵀA z/784
    wanted = torch.linalg.solve(square + 0.01 / 5 * torch.eye(5), square @ z)
    assert torch.allclose(search.z, wanted, atol=0.01)
    assert not torch.allclose(wanted, z, atol=0.1)  # what keeps z small does pull
    assert torch.allclose(sample(generator, search.z[None])[0], search.image, atol=1e-5)


def test_search_finds_a_digit_of_the_shipped_generator() -> None:
    generator, settings = pretrained.load_generator("dcgan")
    target = sample(generator, pretrained.noise(1, settings, seed=77))[0]
    search = latent.Search(generator, target, settings)
    first = search.distance
    search.step(60)
    assert search.distance < 0.02
    assert search.distance < first / 5
    assert 5 < search.z.norm().item() < 10


def test_search_and_saliency_take_images_of_any_size_and_colour() -> None:
    generator = nn.Sequential(nn.Linear(4, 3 * 16 * 16), nn.Unflatten(1, (3, 16, 16)))
    target = sample(generator, normal(1, 4, seed=9))[0]
    search = latent.Search(generator, target, GANSettings(latent_dim=4))
    first = search.distance
    assert search.step(20) < first / 2
    assert search.image.shape == (3, 16, 16)
    discriminator = networks.ConvDiscriminator(2, channels=3, size=16)
    assert latent.saliency(discriminator, target)[1].shape == (3, 16, 16)
