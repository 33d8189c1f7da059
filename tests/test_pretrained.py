"""Networks from files: what is saved comes back, and what is not one is named."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from gan_lessons import classifier, metrics, pretrained, training
from gan_lessons.data import load_digits
from gan_lessons.errors import UserError
from gan_lessons.methods import GAN, GANSettings
from gan_lessons.training import Trainer

SETTINGS = GANSettings(
    latent_dim=8,
    generator_width=6,
    discriminator_width=4,
    batch_size=8,
    steps=6,
    noise_scale=0.5,
)


@pytest.fixture(scope="module")
def trainer() -> Trainer:
    samples = torch.rand(50, 1, 28, 28, generator=torch.Generator().manual_seed(0)) * 2 - 1
    trainer = Trainer(samples, SETTINGS)
    for _ in trainer.run():
        pass
    return trainer


def images_of(source: str | Path) -> Tensor:
    generator, settings = pretrained.load_generator(source)
    return training.sample(generator, pretrained.noise(20, settings))


def test_a_saved_generator_comes_back_within_half_precision(trainer, tmp_path) -> None:
    path = tmp_path / "g.safetensors"
    pretrained.save_networks(trainer, path)
    generator, settings = pretrained.load_generator(path)
    assert settings == SETTINGS
    assert not generator.training
    for name, tensor in trainer.generator_ema.state_dict().items():
        loaded = generator.state_dict()[name]
        assert loaded.dtype == tensor.dtype, name
        # A half has 11 binary digits, and steps of 2⁻²⁴ near 0.
        assert torch.allclose(loaded.double(), tensor.double(), rtol=2**-11, atol=2**-25), name
    exact = trainer.sample(pretrained.noise(20, SETTINGS))
    assert torch.allclose(images_of(path), exact, atol=0.02)
    assert all(t.dtype == torch.half for t in load_file(path).values() if t.is_floating_point())


def test_the_discriminator_is_saved_with_its_generator(trainer, tmp_path) -> None:
    path = tmp_path / "g.safetensors"
    pretrained.save_networks(trainer, path)
    trainer.save(tmp_path / pretrained.CHECKPOINT)
    wanted = trainer.discriminator(trainer.samples).detach()
    exact = pretrained.load_discriminator(tmp_path)
    assert torch.equal(exact(trainer.samples), wanted)
    halved = pretrained.load_discriminator(path)
    assert not halved.training
    assert not halved(trainer.samples).requires_grad
    assert torch.allclose(halved(trainer.samples), wanted, atol=0.01)
    assert wanted.std() > 0.001  # not all the same, so that the comparison says something


def header(**changes: Any) -> dict[str, str]:
    """What stands in a file beside its tensors."""
    run = {"method": "gan", "settings": SETTINGS.asdict(), "shape": [1, 28, 28]}
    return {"run": json.dumps(run | changes)}


def test_a_method_without_noise_or_discriminator_says_so(trainer, tmp_path, monkeypatch) -> None:
    pretrained.save_networks(trainer, tmp_path / "g.safetensors")
    monkeypatch.setattr(pretrained, "Adversarial", int)
    with pytest.raises(
        UserError, match="was trained by 'gan', which is no GAN of noise and logits"
    ):
        pretrained.load_generator(tmp_path / "g.safetensors")
    monkeypatch.setattr(GAN, "build", lambda *_: {"generator": nn.Linear(1, 1)})
    save_file(
        {"generator.weight": torch.ones(1, 1), "generator.bias": torch.ones(1)},
        tmp_path / "one.safetensors",
        header(),
    )
    with pytest.raises(UserError, match="was trained by 'gan', which has no discriminator"):
        pretrained.load_discriminator(tmp_path / "one.safetensors")


def test_a_run_is_its_checkpoint_exactly(trainer, tmp_path) -> None:
    trainer.save(tmp_path / pretrained.CHECKPOINT)
    exact = trainer.sample(pretrained.noise(20, SETTINGS))
    assert torch.equal(images_of(tmp_path), exact)
    assert torch.equal(images_of(str(tmp_path)), exact)
    assert torch.equal(images_of(tmp_path / pretrained.CHECKPOINT), exact)


def test_a_loaded_generator_does_not_mind_the_batch(trainer, tmp_path) -> None:
    trainer.save(tmp_path / pretrained.CHECKPOINT)
    generator, settings = pretrained.load_generator(tmp_path)
    z = pretrained.noise(7, settings)
    alone = torch.cat([generator(one[None]) for one in z])
    assert torch.allclose(generator(z), alone, atol=1e-5)
    assert not generator(z).requires_grad


def test_noise_has_the_scale_of_training_and_follows_its_seed() -> None:
    z = pretrained.noise(2000, SETTINGS)
    assert z.shape == (2000, 8)
    assert z.std().item() == pytest.approx(0.5, rel=0.05)
    assert z.mean().item() == pytest.approx(0, abs=0.02)
    assert torch.equal(z, pretrained.noise(2000, SETTINGS, seed=0))
    assert not torch.equal(z, pretrained.noise(2000, SETTINGS, seed=1))


def test_a_number_too_large_for_half_precision_stays_what_it_is(trainer, tmp_path) -> None:
    run = trainer.branch()
    with torch.no_grad():
        run.generator_ema[0].weight[0, 0] = 1e6
    pretrained.save_networks(run, tmp_path / "g.safetensors")
    generator, _ = pretrained.load_generator(tmp_path / "g.safetensors")
    assert generator.get_parameter("0.weight")[0, 0] == 1e6


def test_a_file_is_the_same_every_time(trainer, tmp_path) -> None:
    contents = set()
    for name in "abcdefgh":
        pretrained.save_networks(trainer, tmp_path / name)
        contents.add((tmp_path / name).read_bytes())
    assert len(contents) == 1


def test_names_are_the_files_that_ship_but_not_the_classifier(
    trainer, tmp_path, monkeypatch
) -> None:
    monkeypatch.setattr(pretrained, "FOLDER", tmp_path)
    assert pretrained.names() == []
    for name in ("b", "a", "classifier"):
        pretrained.save_networks(trainer, tmp_path / f"{name}.safetensors")
    assert pretrained.names() == ["a", "b"]
    assert torch.equal(images_of("a"), images_of(tmp_path / "a.safetensors"))
    with pytest.raises(
        UserError, match=r"no generator 'classifier'. Name a shipped one \(a, b, restore"
    ):
        pretrained.load_generator("classifier")


def test_what_is_not_there_is_said(tmp_path) -> None:
    for source in (tmp_path, tmp_path / "none.safetensors", "dcgann", ""):
        with pytest.raises(UserError, match="There is no generator"):
            pretrained.load_generator(source)


@pytest.mark.parametrize("kept", [0, 4, 100, 5000])
def test_a_truncated_file_is_named(trainer, tmp_path, kept) -> None:
    path = tmp_path / "g.safetensors"
    pretrained.save_networks(trainer, path)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(UserError, match=r"g\.safetensors is not a generator .* or is damaged"):
        pretrained.load_generator(path)


@pytest.mark.parametrize(
    "metadata",
    [
        None,
        {},
        {"run": "{"},
        {"run": "[" * 200_000},
        header(settings=7),
        header(settings={"latent": 8}),
        header(settings={"latent_dim": 0}),
        header(method="other"),
        header(shape=[1, 28, -28]),
        header(shape=7),
        header(shape=["a"]),
    ],
    ids=range(11),
)
def test_other_safetensors_files_are_named(tmp_path, metadata) -> None:
    path = tmp_path / "g.safetensors"
    save_file({"x": torch.zeros(3)}, path, metadata)
    with pytest.raises(UserError, match=r"g\.safetensors is not a generator of this course"):
        pretrained.load_generator(path)


def test_layers_that_contradict_the_settings_are_named(trainer, tmp_path) -> None:
    path = tmp_path / "g.safetensors"
    pretrained.save_networks(trainer, path)
    tensors = load_file(path)
    wider = header(settings=SETTINGS.asdict() | {"latent_dim": 9})
    few = {name: tensor for name, tensor in tensors.items() if name.startswith("generator")}
    for kept, metadata in ((tensors, wider), (few, header())):
        save_file(kept, path, metadata)
        with pytest.raises(UserError, match="other layers than its settings say"):
            pretrained.load_generator(path)


def test_the_shipped_dcgan_draws_digits() -> None:
    assert "dcgan" in pretrained.names()
    for name in pretrained.names():
        generator, settings = pretrained.load_generator(name)
        found = metrics.report(training.sample(generator, pretrained.noise(1000, settings)))
        assert found.confidence >= 0.85, name
        assert min(found.shares) >= 0.04, name
        assert pretrained.FOLDER.joinpath(f"{name}.safetensors").stat().st_size < 1_000_000


def test_the_shipped_discriminators_tell_digits_from_noise_and_from_nothing() -> None:
    real = load_digits(source="bundled", announce=False).images[:500]
    noise = torch.rand(500, 1, 28, 28, generator=torch.Generator().manual_seed(0)) * 2 - 1
    mistaken = {}
    for name in ("dcgan", "best"):
        discriminator = pretrained.load_discriminator(name)
        logits = discriminator(real)
        assert logits.median() > 0, name
        mistaken[name] = (discriminator(noise)[:, None] > logits).float().mean()
        assert discriminator(torch.full((1, 1, 28, 28), -1.0)) < logits.quantile(0.05), name
    assert mistaken["dcgan"] == 0
    assert mistaken["best"] < 0.03  # good fakes are all that it has seen for long


def test_the_conditional_one_draws_the_digit_that_is_asked_for() -> None:
    generator, settings = pretrained.load_generator("conditional")
    _, seen = classifier.load().predict(
        training.sample(generator, pretrained.noise(1000, settings))
    )
    right = (seen.argmax(dim=1) == torch.arange(1000) % 10).float().mean()
    assert right > 0.97
    seven, settings = pretrained.load_generator("conditional", digit=7)
    _, seen = classifier.load().predict(seven(pretrained.noise(100, settings)))
    assert (seen.argmax(dim=1) == 7).float().mean() > 0.9


def test_the_conditional_discriminator_believes_in_real_digits_of_their_class() -> None:
    real = load_digits(source="bundled", announce=False)
    logits = pretrained.load_discriminator("conditional")(real.images[:500])
    assert logits.shape == (500, 10)
    assert logits.gather(1, real.labels[:500, None]).median() > 0


CARD = (pretrained.FOLDER / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", pretrained.names())
def test_the_model_card_says_what_is_measured(name: str) -> None:
    row = next(line for line in CARD.splitlines() if line.startswith(f"| `{name}`"))
    distance, confidence, shares, size = (cell.strip() for cell in row.split("|")[3:7])
    generator, settings = pretrained.load_generator(name)
    found = metrics.report(training.sample(generator, pretrained.noise(10_000, settings)))
    assert float(distance) == pytest.approx(found.frechet, abs=0.02)
    assert float(confidence) == pytest.approx(found.confidence, abs=0.002)
    told = [float(share) for share in re.findall(r"[\d.]+", shares)]
    assert told == pytest.approx([100 * f(found.shares) for f in (min, max)], abs=0.15)
    file = pretrained.FOLDER / f"{name}.safetensors"
    assert size == f"{round(file.stat().st_size / 1000)} kB"
    assert f"gan-lessons train --recipe {name} " in CARD
