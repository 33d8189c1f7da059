"""Class-conditional GANs: labels reach both players, and one digit can be drawn alone."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from gan_lessons import losses, networks, pretrained
from gan_lessons.cli import main
from gan_lessons.data import load_digits
from gan_lessons.errors import UserError
from gan_lessons.methods import RECIPES, GANSettings, one_pass
from gan_lessons.training import Trainer
from gan_lessons.widgets import LatentExplorer, Sketchpad

CLASSES = 3
SETTINGS = replace(
    RECIPES["fast"],
    **{"latent_dim": 8, "generator_width": 8, "discriminator_width": 8, "batch_size": 8},
    classes=CLASSES,
    steps=40,
)


@pytest.fixture
def digits() -> Tensor:
    return torch.rand(64, 1, 28, 28, generator=torch.Generator().manual_seed(0)) * 2 - 1


def pair_of_networks() -> tuple[nn.Module, nn.Module]:
    torch.manual_seed(1)
    return networks.ConvGenerator(8 + CLASSES, 8), networks.ConvDiscriminator(8, CLASSES)


def gradients(*players: nn.Module) -> list[Tensor]:
    found = [p.grad for player in players for p in player.parameters()]
    return [gradient.clone() for gradient in found if gradient is not None]


def test_the_discriminator_answers_for_each_class(digits: Tensor) -> None:
    assert networks.ConvDiscriminator(8, CLASSES)(digits[:5]).shape == (5, CLASSES)
    assert networks.ConvDiscriminator(8)(digits[:5]).shape == (5,)


def test_gradients_are_those_of_two_passes_about_the_classes_asked(digits: Tensor) -> None:
    generator, discriminator = pair_of_networks()
    pair, real, labels = losses.OBJECTIVES["non_saturating"], digits[:8], torch.arange(8) % CLASSES
    z = networks.append_one_hot(torch.randn(8, 8), labels, CLASSES)
    one_pass.backward(generator, discriminator, pair, real, z, labels, r1=2.0)
    once = gradients(discriminator, generator)

    generator.zero_grad()
    discriminator.zero_grad()

    def answer(images: Tensor) -> Tensor:
        return torch.stack([discriminator(images)[i, label] for i, label in enumerate(labels)])

    fake = generator(z)
    loss = pair.discriminator_loss(answer(real), answer(fake.detach())) + 2.0 * losses.r1(
        answer, real
    )
    loss.backward()
    twice = gradients(discriminator)
    pair.generator_loss(answer(fake)).backward(inputs=list(generator.parameters()))
    twice += gradients(generator)
    for one, two in zip(once, twice, strict=True):
        assert (one - two).norm() <= 1e-5 * two.norm() + 1e-12


@pytest.mark.parametrize("workers", [1, 2])
def test_the_generator_learns_what_a_class_means(workers: int) -> None:
    labels = torch.arange(90) % CLASSES
    greys = (labels - 1).view(-1, 1, 1, 1).float().expand(-1, 1, 28, 28) * 0.8  # −0.8, 0, 0.8
    trainer = Trainer(greys, replace(SETTINGS, workers=workers, steps=300), labels=labels)
    for _ in trainer.run():
        pass
    z = pretrained.noise(300, trainer.settings)
    means = trainer.sample(z).mean(dim=(1, 2, 3)).view(100, CLASSES).mean(dim=0)
    assert means.tolist() == pytest.approx([-0.8, 0.0, 0.8], abs=0.25)


def test_a_run_resumes_to_the_last_bit(digits: Tensor, tmp_path: Path) -> None:
    labels = torch.arange(64) % CLASSES
    whole, half = (Trainer(digits, SETTINGS, labels=labels) for _ in range(2))
    for run, steps in ((whole, 20), (half, 10)):
        for _ in run.run(steps):
            pass
    half.save(tmp_path / "checkpoint.pt")
    for run in (Trainer.load(tmp_path / "checkpoint.pt", digits, labels=labels), half.branch()):
        for _ in run.run(10):
            pass
        for one, other in zip(
            run.generator.parameters(), whole.generator.parameters(), strict=True
        ):
            assert torch.equal(one, other)


def test_noise_carries_the_classes_in_turn() -> None:
    z = pretrained.noise(7, SETTINGS)
    assert z.shape == (7, 8 + CLASSES)
    assert z[:, 8:].argmax(dim=1).tolist() == [0, 1, 2, 0, 1, 2, 0]
    assert z[:, 8:].sum().item() == 7
    assert torch.equal(z[:, :8], pretrained.noise(7, replace(SETTINGS, classes=0)))


def test_one_digit_alone_is_an_ordinary_generator(digits: Tensor, tmp_path: Path) -> None:
    trainer = Trainer(digits, SETTINGS, labels=torch.arange(64) % CLASSES)
    trainer.save(tmp_path / pretrained.CHECKPOINT)
    every, settings = pretrained.load_generator(tmp_path)
    assert settings.classes == CLASSES
    generator, settings = pretrained.load_generator(tmp_path, digit=2)
    z = pretrained.noise(4, settings)
    assert z.shape == (4, 8)
    asked = networks.append_one_hot(z, torch.full((4,), 2), CLASSES)
    assert torch.equal(generator(z), every(asked))
    for digit in (3, -1):
        with pytest.raises(UserError, match="knows the classes 0 to 2"):
            pretrained.load_generator(tmp_path, digit=digit)


def test_the_command_draws_one_digit(digits: Tensor, tmp_path: Path, capsys) -> None:
    trainer = Trainer(digits, SETTINGS, labels=torch.arange(64) % CLASSES)
    trainer.save(tmp_path / pretrained.CHECKPOINT)
    out = tmp_path / "a.npy"
    line = ["sample", "--from", str(tmp_path), "-n", "5", "--out", str(out)]
    assert main([*line, "--digit", "1"]) == 0
    one = np.load(out)
    assert main(line) == 0
    turns = np.load(out)
    assert np.array_equal(one[1], turns[1])  # the second in turn is a 1 as well
    assert not np.array_equal(one[0], turns[0])
    capsys.readouterr()
    assert main(["sample", "--digit", "1", "--out", str(out)]) == 2
    assert "the generator 'dcgan' knows no classes" in capsys.readouterr().err


def test_labels_are_asked_for(digits: Tensor) -> None:
    for labels, said in (
        (None, "needs labels, one for each of the 64 samples"),
        (torch.zeros(5).long(), "one for each of the 64 samples"),
        (torch.full((64,), CLASSES), "go from 3 to 3; classes is 3, so they .* from 0 to 2"),
        (torch.zeros(64), r"whole numbers .*, not torch.float32"),
        (torch.zeros(64, 1).long(), r"not torch.int64 \(64, 1\)"),
    ):
        with pytest.raises(UserError, match=said):
            Trainer(digits, SETTINGS, labels=labels)


def test_half_steps_know_the_classes(digits: Tensor) -> None:
    run = Trainer(digits, SETTINGS, labels=torch.arange(64) % CLASSES)
    run.half_step("discriminator")
    run.half_step("generator")
    assert run.step == 1


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"network": "dense"}, "the network 'dense' knows no classes"),
        ({"classes": -1}, "classes is -1; choose a whole number"),
    ],
)
def test_what_has_no_classes_says_so(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said):
        replace(SETTINGS, **wrong)


def test_a_recipe_without_classes_leaves_labels_alone(digits: Tensor) -> None:
    assert (
        "loss_generator"
        in Trainer(digits, GANSettings(), labels=torch.zeros(64)).train_step().values
    )


def test_widgets_for_noise_alone_ask_for_one_digit(digits: Tensor, tmp_path: Path) -> None:
    trainer = Trainer(digits, SETTINGS, labels=torch.arange(64) % CLASSES)
    trainer.save(tmp_path / pretrained.CHECKPOINT)
    every, settings = pretrained.load_generator(tmp_path)
    told = "conditional: it draws the digit that it is told. Choose one"
    with pytest.raises(UserError, match=told):
        LatentExplorer(every, settings)
    with pytest.raises(UserError, match=told):
        Sketchpad(every, trainer.discriminator, settings, load_digits(source="bundled"))
    one, settings = pretrained.load_generator(tmp_path, digit=1)
    assert LatentExplorer(one, settings, tray=False).images.shape == (64, 1, 28, 28)
