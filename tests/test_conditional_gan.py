"""Ways of conditioning: what D learns of the class, in the method, its measures and its study."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from gan_lessons import metrics, networks, pretrained
from gan_lessons.data import load_digits
from gan_lessons.errors import UserError
from gan_lessons.methods import RECIPES
from gan_lessons.methods.conditional import CONDITIONINGS, ConditionalGAN, ConditionalSettings
from gan_lessons.studies import conditioning
from gan_lessons.training import Trainer

CLASSES = 3
SMALL = ConditionalSettings(
    classes=CLASSES, latent_dim=8, generator_width=8, discriminator_width=8, batch_size=8, steps=12
)
RUNS = conditioning.load()


def data(n: int = 60) -> tuple[Tensor, Tensor]:
    """Grey pictures, whose class is how bright they are."""
    labels = torch.arange(n) % CLASSES
    noise = torch.rand(n, 1, 28, 28, generator=torch.Generator().manual_seed(0)) * 0.2
    return (labels.view(-1, 1, 1, 1) - 1) * 0.7 + noise - 0.1, labels


def run_of(name: str, **changes: object) -> Trainer:
    samples, labels = data()
    return Trainer(samples, replace(SMALL, conditioning=name, **changes), labels=labels)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", CONDITIONINGS)
def test_a_run_resumes_bit_for_bit_and_is_read_again(name: str, tmp_path: Path) -> None:
    whole, half = run_of(name), run_of(name)
    for _ in whole.run():
        pass
    for _ in half.run(5):
        pass
    half.save(tmp_path / "checkpoint.pt")
    samples, labels = data()
    again = Trainer.load(tmp_path / "checkpoint.pt", samples, labels=labels)
    for _ in again.run():
        pass
    inputs = whole.method.inputs(6, torch.Generator().manual_seed(1))
    assert inputs.shape == (6, 8 + CLASSES)
    assert torch.equal(again.sample(inputs), whole.sample(inputs))
    pretrained.save_networks(whole, tmp_path / "run.safetensors")
    read = pretrained.load_method(tmp_path / "run.safetensors")
    assert torch.allclose(read.draw(inputs), whole.sample(inputs), atol=0.02)  # half precision
    one, settings = pretrained.load_generator(tmp_path / "run.safetensors", digit=2)
    z = pretrained.noise(4, settings, seed=3)
    labels = torch.full((4,), 2)
    assert torch.equal(one(z), read.draw(networks.append_one_hot(z, labels, CLASSES)))


def test_planes_are_constant_and_one_of_each_picture_is_lit() -> None:
    images = torch.randn(4, 2, 5, 6)
    labels = torch.tensor([2, 0, 1, 2])
    seen = networks.append_label_planes(images, labels, CLASSES)
    assert torch.equal(seen[:, :2], images)
    planes = seen[:, 2:]
    assert torch.equal(planes.flatten(2).amin(2), planes.flatten(2).amax(2))
    assert torch.equal(planes[:, :, 0, 0], torch.eye(CLASSES)[labels])


def test_each_way_hears_of_the_class_where_it_says() -> None:
    """D's answers depend on the label exactly where the conditioning is one."""
    samples, labels = data(6)
    for name in CONDITIONINGS:
        method = run_of(name).method
        assert isinstance(method, ConditionalGAN)
        logits, classes = method.answers(samples, labels)
        others, _ = method.answers(samples, (labels + 1) % CLASSES)
        assert logits.shape == (6,)
        assert torch.equal(logits, others) == (name not in ("label_planes", "class_logits"))
        classifies = name in ("auxiliary_classifier", "infogan")
        assert classes.shape == ((6, CLASSES) if classifies else (0,))


def test_infogan_never_reads_a_label() -> None:
    samples, labels = data()
    found = []
    for given in (labels, labels.flip(0), None):
        run = Trainer(samples, replace(SMALL, conditioning="infogan"), labels=given)
        for _ in run.run():
            pass
        found.append(run.sample(run.method.inputs(6, torch.Generator().manual_seed(1))))
    assert torch.equal(found[0], found[1])
    assert torch.equal(found[0], found[2])


def test_the_weight_of_the_classification_moves_g_only_where_d_classifies() -> None:
    for name in CONDITIONINGS:
        drawn = []
        for weight in (0.0, 2.0):
            run = run_of(name, class_weight=weight)
            for _ in run.run(3):
                pass
            drawn.append(run.sample(run.method.inputs(3, torch.Generator().manual_seed(1))))
        same = torch.equal(*drawn)
        assert same == (name not in ("auxiliary_classifier", "infogan"))


def test_a_told_class_is_learned_and_an_unchecked_one_is_not() -> None:
    """On pictures whose class is their brightness, some steps are enough to see who obeys."""
    order = {}
    for name in ("none", "label_planes", "auxiliary_classifier", "class_logits"):
        run = run_of(name, steps=250, generator_width=16)
        for _ in run.run():
            pass
        inputs = run.method.inputs(300, torch.Generator().manual_seed(1))
        grey = run.sample(inputs).mean(dim=(1, 2, 3))
        means = torch.stack([grey[torch.arange(300) % CLASSES == c].mean() for c in range(CLASSES)])
        order[name] = (means[2] - means[0]).item()
    assert min(order["label_planes"], order["auxiliary_classifier"], order["class_logits"]) > 0.9
    assert abs(order["none"]) < 0.5


def test_labels_that_are_missing_or_wrong_are_refused() -> None:
    samples, labels = data()
    for given in (None, labels + 1, labels.float()):
        with pytest.raises(UserError, match=r"[lL]abels"):
            Trainer(samples, SMALL, labels=given)


def test_recipes_of_the_command_line() -> None:
    for name in ("cgan", "acgan", "class_logits", "infogan"):
        assert isinstance(RECIPES[name], ConditionalSettings)


# Measures


def test_class_reports_know_obedience_and_variety() -> None:
    digits = load_digits(source="bundled", announce=False)
    real = metrics.class_report(digits.images, digits.labels)
    assert real.mean_agreement() > 0.98
    assert real.variety_beside(real) == pytest.approx((1.0,) * 10)
    shifted = metrics.class_report(digits.images, (digits.labels + 1) % 10)
    assert shifted.mean_agreement() < 0.02
    assert shifted.variety == pytest.approx(real.variety[9:] + real.variety[:9])
    one_each = torch.stack([digits.images[digits.labels == c][0] for c in range(10)])
    copies = metrics.class_report(one_each.repeat(3, 1, 1, 1), torch.arange(30) % 10)
    assert max(copies.variety) == pytest.approx(0, abs=1e-3)


def test_class_reports_refuse_what_they_cannot_measure() -> None:
    images = torch.zeros(20, 1, 28, 28)
    for labels, said in (
        (torch.arange(19) % 10, "one whole number for each"),
        (torch.arange(20) / 10, "one whole number for each"),
        (torch.arange(20) % 11, "digits from 0 to 9"),
        (torch.arange(20) % 9, "Digit 9 has 0 images"),
    ):
        with pytest.raises(UserError, match=said):
            metrics.class_report(images, labels)


# The stored table


def test_the_stored_runs_are_all_there_and_those_of_this_code() -> None:
    wanted = [(name, seed) for seed in range(conditioning.SEEDS) for name in CONDITIONINGS]
    assert [(run.conditioning, run.seed) for run in RUNS] == wanted
    for name in CONDITIONINGS:
        plans = {run.plan for run in RUNS if run.conditioning == name}
        assert plans == {conditioning.checksum(name)}, "settings changed: train again"


@pytest.mark.parametrize("name", CONDITIONINGS)
def test_a_run_begins_as_its_stored_one_on_any_processor(name: str) -> None:
    stored = next(run for run in RUNS if run.conditioning == name and run.seed == 1)
    run = conditioning.start(name, 1)
    inputs = run.method.inputs(conditioning.SAMPLES, torch.Generator().manual_seed(1))[:200]
    for _ in run.run(conditioning.EARLY):
        pass
    early = run.sample(inputs, ema=False).abs().mean().item()
    assert early == pytest.approx(stored.early, rel=0.02)


def test_an_interrupted_table_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stored = {(run.conditioning, run.seed): run for run in RUNS}
    monkeypatch.setattr(conditioning, "train", lambda name, seed: stored[name, seed])
    path = tmp_path / "runs.json"
    first = next(conditioning.train_all(path, seeds=2))
    assert conditioning.load(path) == [first]
    rest = list(conditioning.train_all(path, seeds=2))
    assert len(rest) == 2 * len(CONDITIONINGS) - 1
    assert conditioning.load(path) == [first, *rest]
    assert list(conditioning.train_all(path, seeds=2)) == []
