"""Sums as a language, networks that write, the ways of a gradient, and the stored study."""

from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
import torch
from matplotlib.colors import to_rgb
from torch import Tensor

from gan_lessons import plotting
from gan_lessons.data import sums
from gan_lessons.errors import UserError
from gan_lessons.methods.text import GRADIENTS, TextSettings
from gan_lessons.networks import SentenceGenerator, gumbel_noise, straight_through
from gan_lessons.studies import text as study
from gan_lessons.training import Trainer

torch.set_num_threads(1)
SMALL = TextSettings(generator_width=8, discriminator_width=8, batch_size=8)


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def data(n: int = 100) -> Tensor:
    return sums.encode(sums.held_back()[0][:n])


# The language


def test_every_sentence_is_right_there_once_and_read_as_it_was_written() -> None:
    language = sums.sentences()
    assert len(set(language)) == sums.TERMS**2 == 900
    assert all(eval(text.replace("=", "==")) for text in language)
    encoded = sums.encode(language)
    assert encoded.shape == (900, sums.LENGTH, len(sums.LETTERS))
    assert torch.equal(encoded.sum(dim=2), torch.ones(900, sums.LENGTH))
    assert [text.rstrip() for text in sums.decode(encoded)] == language
    assert max(map(len, language)) == sums.LENGTH


def test_a_fifth_is_kept_back_and_nothing_is_in_both() -> None:
    learned, kept = sums.held_back()
    assert (len(learned), len(kept)) == (720, 180)
    assert sorted([*learned, *kept]) == sorted(sums.sentences())


def test_the_language_is_written_out_once_or_twice_for_a_score(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    written = Mock(side_effect=sums.sentences)
    monkeypatch.setattr(sums, "sentences", written)
    sums.score(["1+1=2"])
    assert 1 <= written.call_count <= 2  # a panel of lesson 16 scores 33 times


@pytest.mark.parametrize(
    ("text", "form", "valid"),
    [
        ("7+18=25", True, True),
        ("7+18=25 ", True, True),
        ("0+0=0", True, True),
        ("7+18=26", True, False),
        ("07+18=25", False, False),
        ("7+18=025", False, False),
        ("7 +18=25", False, False),
        ("7+1 8=25", False, False),
        ("+18=25", False, False),
        ("7+18=", False, False),
        ("7+18", False, False),
        ("30+1=31", True, False),  # right, but no sentence of the language
        ("", False, False),
    ],
)
def test_form_and_arithmetic_apart(text: str, form: bool, valid: bool) -> None:
    found = sums.score([text])
    assert (found.form, found.valid) == (form, valid)
    assert found.arithmetic == (form and eval(text.rstrip().replace("=", "==")))


def test_fair_draws_score_one_and_one_repeated_sentence_next_to_nothing() -> None:
    language = sums.sentences()
    chosen = torch.randint(900, (2500,), generator=rng()).tolist()
    fair = sums.score([language[i] for i in chosen])
    assert (fair.form, fair.arithmetic, fair.valid) == (1, 1, 1)
    assert fair.variety == pytest.approx(1, abs=0.03)
    assert fair.coverage == pytest.approx(1, abs=0.03)
    assert fair.new == pytest.approx(0.2, abs=0.03)
    same = sums.score(["1+1=2"] * 2500)
    assert same.valid == 1
    assert same.variety == same.coverage < 0.002
    learned = sums.score(sums.held_back()[0])
    assert learned.new == 0
    nonsense = sums.score(["1+1=3"] * 10)
    assert (nonsense.arithmetic, nonsense.coverage, nonsense.new) == (0, 0, 0)


def test_fair_draws_by_chance_itself() -> None:
    found = [len(torch.randint(900, (500,), generator=rng(i)).unique()) for i in range(200)]
    assert sum(found) / 200 == pytest.approx(sums.fair_draws(500), abs=3)


def test_what_is_no_sentence_gets_a_sentence() -> None:
    with pytest.raises(UserError, match="'7-3=4' is no sentence here: at most 8"):
        sums.encode(["7-3=4"])
    with pytest.raises(UserError, match="is no sentence here"):
        sums.encode(["29+29=058"])
    with pytest.raises(UserError, match="no sentence to score"):
        sums.score([])


# Networks


def test_gumbel_noise_draws_from_the_softmax_and_times_t_at_a_temperature() -> None:
    logits = torch.tensor([1.0, 0.0, -2.0])
    noise = gumbel_noise(200_000, 3, rng=rng())
    for temperature in (1.0, 0.5, 2.0):
        drawn = (logits + temperature * noise).argmax(dim=1).bincount(minlength=3) / 200_000
        assert torch.allclose(drawn, (logits / temperature).softmax(0), atol=0.005)


def test_a_choice_has_the_gradient_of_the_mixture() -> None:
    logits = torch.randn(4, 5, generator=rng()).requires_grad_()
    weights = torch.randn(4, 5, generator=rng(1))
    for softness in (0.5, 1.0, 3.0):
        chosen = straight_through(logits, softness)
        assert torch.allclose(chosen, torch.eye(5)[logits.argmax(dim=1)], atol=1e-6)
        (found,) = torch.autograd.grad((chosen * weights).sum(), logits)
        (want,) = torch.autograd.grad(((logits / softness).softmax(1) * weights).sum(), logits)
        assert torch.allclose(found, want, atol=1e-6)


def test_what_is_written_depends_on_what_was_written_and_told_before() -> None:
    torch.manual_seed(0)
    network = SentenceGenerator(5, 16, told=2)
    inputs = torch.cat([gumbel_noise(200, 6, 5, rng=rng()), torch.randn(200, 6, 2)], dim=2)
    written = network(inputs)
    assert torch.equal(written[..., 5:], inputs[..., 5:])
    assert torch.allclose(written[..., :5].sum(dim=2), torch.ones(200, 6), atol=1e-6)
    # The same letters come out when what stands before them is read, not written.
    logits = network.logits(written)
    assert torch.equal((logits + inputs[..., :5]).argmax(2), written[..., :5].argmax(2))
    later = written.clone()
    later[:, 3:] = torch.randn(200, 3, 7)
    later[:, 3, 5:] = written[:, 3, 5:]
    assert torch.allclose(network.logits(later)[:, :4], logits[:, :4], atol=1e-5)


def test_probabilities_of_all_sentences_add_up_to_one() -> None:
    torch.manual_seed(0)
    network = SentenceGenerator(3, 8)
    every = torch.cartesian_prod(*[torch.arange(3)] * 4)
    p = network.log_likelihood(torch.eye(3)[every]).exp()
    assert p.sum().item() == pytest.approx(1, abs=1e-5)
    drawn = network(gumbel_noise(50_000, 4, 3, rng=rng())).argmax(dim=2)
    often = (drawn @ torch.tensor([27, 9, 3, 1])).bincount(minlength=81) / 50_000
    assert torch.allclose(often, p.detach(), atol=0.006)


# The method


def test_reinforce_goes_the_way_of_the_exact_gradient() -> None:
    """On short sentences every one can be summed over; the estimate comes out near."""
    torch.manual_seed(0)
    settings = replace(SMALL, gradient="reinforce", batch_size=4096, lr_discriminator=0.0)
    samples = torch.eye(3)[torch.zeros(4096, 2, dtype=torch.long)]
    run = Trainer(samples, settings)
    every = torch.eye(3)[torch.cartesian_prod(torch.arange(3), torch.arange(3))]
    p = run.generator.log_likelihood(every).exp()
    cost = torch.nn.functional.softplus(-run.discriminator(every)).detach()
    exact = torch.autograd.grad((p * cost).sum(), run.generator.last.weight)[0]
    got: list[Tensor] = []
    optimizer = run.players["generator"].optimizer
    optimizer.step = lambda: got.append(run.generator.last.weight.grad.clone())
    run.train_step(12)
    mean = torch.stack(got).mean(dim=0)
    assert torch.nn.functional.cosine_similarity(mean.flatten(), exact.flatten(), dim=0) > 0.95
    assert mean.norm().item() == pytest.approx(exact.norm().item(), rel=0.2)


@pytest.mark.parametrize("gradient", GRADIENTS)
def test_every_way_moves_g_and_only_a_game_has_a_discriminator(gradient: str) -> None:
    run = Trainer(data(), replace(SMALL, gradient=gradient))
    before = {n: p.clone() for n, p in run.generator.named_parameters()}
    run.train_step(2)
    assert all(not torch.equal(before[n], p) for n, p in run.generator.named_parameters())
    assert set(run.players) == {"generator"} | (
        set() if gradient == "likelihood" else {"discriminator"}
    )
    measured = {name for chart in run.method.charts for name in chart.lines}
    assert set(run.history[-1].values) == measured


def test_a_few_steps_by_likelihood_make_real_sentences_likelier() -> None:
    run = Trainer(data(), replace(SMALL, gradient="likelihood", lr_generator=1e-2))
    losses = [event.values["loss_generator"] for event in run.run(60)]
    assert losses[0] == pytest.approx(8 * torch.tensor(13.0).log().item(), rel=0.05)
    assert losses[-1] < 0.85 * losses[0]


def test_what_is_told_is_taken_from_the_data_and_not_written() -> None:
    told = torch.randn(100, 8, 2, generator=rng())
    samples = torch.cat([data(), told], dim=2)
    run = Trainer(samples, replace(SMALL, told=2))
    run.train_step()
    drawn = run.sample(run.inputs(5))
    assert drawn.shape == (5, 8, 15)
    assert all(any(torch.equal(row[:, 13:], each) for each in told) for row in drawn)


def test_samples_that_are_no_text_get_a_sentence() -> None:
    with pytest.raises(UserError, match=r"These are \(40, 1, 8, 8\); sentences are"):
        Trainer(torch.zeros(40, 1, 8, 8), SMALL)
    for wrong in (torch.zeros(40, 8, 5), torch.ones(40, 8, 5), torch.full((40, 8, 5), 0.2)):
        with pytest.raises(UserError, match="not one 1 and else 0s at each place"):
            Trainer(wrong, SMALL)
    with pytest.raises(UserError, match="2 letters or more"):
        Trainer(data(), replace(SMALL, told=12))


# The stored study

STORED = study.load()


def test_the_stored_runs_are_all_there_and_those_of_this_code() -> None:
    wanted = [(arm, seed) for seed in range(study.SEEDS) for arm in study.ARMS]
    assert [(run.arm, run.seed) for run in STORED] == wanted
    assert study.SEEDS >= 3
    for run in STORED:
        assert run.plan == study.checksum(run.arm), "settings changed: train again"
        assert len(run.scores) == len(study.TEMPERATURES)


@pytest.mark.parametrize("arm", ["likelihood", "straight_through", "reinforce"])
def test_a_run_begins_as_its_stored_one_on_any_processor(arm: str) -> None:
    stored = next(run for run in STORED if (run.arm, run.seed) == (arm, 2))
    trainer = study.start(arm, 2)
    trainer.train_step(study.EARLY)
    assert study.early_number(trainer) == pytest.approx(stored.early, rel=0.02)


def test_runs_are_stored_as_they_end_and_gone_on_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small: Any = replace(SMALL, steps=4)
    first = replace(small, gradient="likelihood")
    monkeypatch.setattr(study, "LIKELIHOOD", first)
    monkeypatch.setattr(study, "ARMS", {"likelihood": first, "likelihood, then reinforce": small})
    monkeypatch.setattr(study, "EARLY", 2)
    monkeypatch.setattr(study, "SAMPLES", 40)
    path = tmp_path / "text.json"
    one = next(study.train_all(path, seeds=1))
    assert study.load(path) == [one]
    (other,) = study.train_all(path, seeds=1)
    assert other.arm == "likelihood, then reinforce"
    assert study.train("likelihood", 0)._replace(seconds=0) == one._replace(seconds=0)
    begun = study.start("likelihood, then reinforce", 0)
    trained = study.finish(study.start("likelihood", 0))
    assert all(
        torch.equal(p, q)
        for p, q in zip(
            begun.generator.parameters(), trained.generator_ema.parameters(), strict=True
        )
    )


def test_what_the_lesson_says_of_the_table() -> None:
    """At every temperature of another way likelihood has one that is better in both."""
    means = {arm: study.mean_scores(STORED, arm) for arm in study.ARMS}
    for arm in list(study.ARMS)[1:]:
        for score in means[arm]:
            assert any(
                one.valid >= score.valid and one.variety >= score.variety
                for one in means["likelihood"]
            )
    at_one = study.TEMPERATURES.index(1.0)
    for run in STORED:
        score = sums.Score(*run.scores[at_one])
        assert score.form > 0.8
        assert (score.arithmetic > 0.6) == (run.arm == "likelihood")
        assert (score.arithmetic > 0.18) == run.arm.startswith("likelihood")
    assert study.table(STORED).count("\n") == len(study.ARMS)


# Shown


def test_a_sweep_has_a_line_for_each_way_and_its_temperatures() -> None:
    points = [(0.2, 0.1), (0.4, 0.5)]
    (axes,) = plotting.sweeps({"a": points, "b": points}, (0.0, 1.5), "x", "y").axes
    assert [text.get_text() for text in axes.texts] == ["0", "1.5"]
    legend = axes.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["a", "b", "the language itself"]
    assert all(np.allclose(line.get_xydata(), points) for line in axes.lines[:2])


def test_sentences_stand_with_their_marks() -> None:
    figure = plotting.sentences(["1+1=2", "1+1=3"], ["✓", "≠"])
    assert [text.get_text() for text in figure.texts] == ["✓ 1+1=2", "≠ 1+1=3"]
    assert figure.texts[0].get_color() != figure.texts[1].get_color()


def test_sentences_can_be_read_on_white_and_in_the_dark() -> None:
    figure = plotting.sentences(["1+1=2", "1+1=3"], ["✓", "≠"])
    for text in figure.texts:
        for plate in (1.0, 0.85):  # how bright the ground is, and the letters with it
            light, dark = (
                sum(
                    share * (((plate * value + 0.055) / 1.055) ** 2.4)
                    for share, value in zip((0.2126, 0.7152, 0.0722), to_rgb(colour), strict=True)
                )
                for colour in ("white", text.get_color())
            )
            assert (light + 0.05) / (dark + 0.05) >= 4.5
