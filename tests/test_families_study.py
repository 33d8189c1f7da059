"""The stored tables of families: whole, of this code, and replayed in their first steps."""

import itertools
import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from gan_lessons import pretrained
from gan_lessons.data import load_digits
from gan_lessons.errors import UserError
from gan_lessons.methods import RECIPES
from gan_lessons.methods.vae import binarised
from gan_lessons.networks import count_parameters
from gan_lessons.studies import families as study
from gan_lessons.training import Trainer, draw

torch.set_num_threads(1)
ROWS, TRIED = study.load(), study.load_tried()
LAST = study.BUDGETS[-1]


def test_digits_that_measure_have_decided_nothing() -> None:
    digits = load_digits(source="bundled", announce=False).images
    for_tries = study.start_try("vae", 0).samples
    for_runs = study.start("vae", 1, 0).samples
    assert torch.equal(for_tries, digits[:3000])
    assert torch.equal(for_runs, digits[:4000])
    choosing, measuring = (study.features_of(part) for part in ("choose", "held out"))
    assert len(choosing) == len(measuring) == 1000
    assert study.measure(digits[3000:4000], "choose") == (0, 1, 1)
    assert study.measure(digits[4000:]) == (0, 1, 1)


def test_every_family_had_as_many_tries_and_the_best_one_was_chosen() -> None:
    assert {len(tries) for tries in study.TRIES.values()} == {4}
    wanted = [(name, which) for name in study.TRIES for which in range(4)]
    assert [(row.family, row.which) for row in TRIED] == wanted
    for row in TRIED:
        assert row.plan == study.checksum(study.start_try(row.family, row.which))
        best = next(r for r in TRIED if (r.family, r.which) == (row.family, study.chosen(r.family)))
        assert best.distance <= row.distance


def test_the_stored_runs_are_all_there_and_those_of_this_code() -> None:
    wanted = [
        (name, seconds, seed, drawing)
        for seconds, seed, name in itertools.product(study.BUDGETS, range(study.SEEDS), study.TRIES)
        for drawing in study.DRAWINGS.get(name, {"": {}})
    ]
    assert ROWS[:2] == study.measure_real()
    assert [(r.family, r.seconds, r.seed, r.drawing) for r in ROWS[2:]] == wanted
    assert study.SEEDS >= 3
    for row in ROWS[2:]:
        plan = study.checksum(study.start(row.family, row.seconds, row.seed))
        assert row.plan == plan, "settings changed: train again"


def test_seconds_are_equal_and_so_is_what_draws() -> None:
    """Of the machine that trained: within what the cost of a step, measured once, varies there."""
    for row in ROWS[2:]:
        assert row.spent == pytest.approx(row.seconds, rel=0.35)
    sizes = []
    for family in study.TRIES:
        players = study.start(family, 1, 0).players
        network = players[next(iter(players))].network
        sizes.append(count_parameters(getattr(network, "decoder", network)))
    assert max(sizes) / min(sizes) < 1.05


@pytest.mark.parametrize("family", study.TRIES)
def test_a_run_begins_as_its_stored_one_on_any_processor(family: str) -> None:
    stored = next(row for row in ROWS if (row.family, row.seconds, row.seed) == (family, LAST, 1))
    run = study.start(family, LAST, 1)
    assert run.settings.steps == stored.steps
    study.computing(run, study.EARLY)
    assert study.early_number(run) == pytest.approx(stored.early, rel=0.02)


@pytest.mark.parametrize("family", study.SHIPPED)
def test_the_shipped_networks_are_those_of_seed_0(family: str) -> None:
    path = pretrained.FOLDER / f"{study.SHIPPED[family]}.safetensors"
    assert path.stat().st_size < 1_000_000
    method = pretrained.load_method(study.SHIPPED[family])
    inputs = method.inputs(study.SAMPLES, torch.Generator().manual_seed(1))
    (row,) = (r for r in study.select(ROWS, family, LAST) if r.seed == 0)
    assert study.measure(draw(method, inputs)).distance == pytest.approx(row.distance, rel=0.03)


def test_a_trained_run_is_left_as_it_ships(monkeypatch: pytest.MonkeyPatch) -> None:
    """Means are measured, too; what is saved draws in its family's usual way all the same."""
    monkeypatch.setattr(study, "likelihood", lambda trainer: (0.0, 0.0))
    trainer, rows = study.train("vae", 0.4, 0)  # type: ignore[arg-type]
    assert [row.drawing for row in rows] == ["sampled", "means"]
    assert trainer.settings.pixels == "sampled"


def test_the_shipped_vae_has_the_likelihood_of_the_table() -> None:
    (row,) = (r for r in study.select(ROWS, "vae", LAST) if r.seed == 0)
    method = pretrained.load_method("vae")
    digits = binarised(study.digits()[-study.HELD_OUT :], torch.Generator().manual_seed(5))
    weights = method.log_weights(digits, 1, torch.Generator().manual_seed(0))  # type: ignore[attr-defined]
    bits = -weights.mean().item() / math.log(2)
    assert row.elbo is not None
    assert row.bits is not None
    assert bits == pytest.approx(row.elbo, rel=0.05)
    assert row.bits < row.elbo


def values(what: str, seconds: int) -> dict[str, list[float]]:
    """What the lesson's four kinds of rows have, by seed."""
    kinds = {"gan": ("gan", ""), "sampled": ("vae", "sampled"), "means": ("vae", "means")}
    kinds["flow"] = ("flow", "16 steps")
    return {
        name: [getattr(row, what) for row in study.select(ROWS, family, seconds, drawing)]
        for name, (family, drawing) in kinds.items()
    }


def ahead(better: list[float], worse: list[float]) -> bool:
    """Whether every seed of one has less than every seed of the other."""
    return max(better) < min(worse)


def test_after_a_minute_the_gan_is_ahead_but_not_in_precision_or_bits() -> None:
    for row in ROWS:
        if row.seconds == LAST and row.family != "gan":
            assert row.distance > max(values("distance", LAST)["gan"])
            assert row.recall < min(values("recall", LAST)["gan"])
            assert row.drawing_ms > max(values("drawing_ms", LAST)["gan"])
    precision = values("precision", LAST)
    assert max(precision["sampled"]) > max(precision["gan"]) > min(precision["sampled"])
    assert {row.family for row in ROWS if row.bits is not None} == {"vae"}
    assert max(values("distance", LAST)["flow"]) < min(values("distance", LAST)["sampled"])
    assert ROWS[1].distance == pytest.approx(12, abs=0.5)


def test_after_fifteen_seconds_the_order_is_another() -> None:
    distance, precision, recall = (values(w, 15) for w in ("distance", "precision", "recall"))
    for name in ("gan", "sampled", "means"):
        assert ahead(precision[name], precision["flow"])
        assert ahead(recall["flow"], recall[name])
    assert not ahead(distance["gan"], distance["means"])  # level
    assert not ahead(distance["sampled"], distance["flow"])
    reached = [values("recall", seconds)["flow"] for seconds in study.BUDGETS]
    assert sum(reached[0]) < sum(reached[1]) < sum(reached[2])
    assert ahead(values("precision", LAST)["flow"], precision["flow"])
    spreads = {name: max(seeds) - min(seeds) for name, seeds in distance.items()}
    assert max(spreads, key=lambda name: spreads[name]) == "gan"
    bits = [values("bits", seconds)["sampled"] for seconds in study.BUDGETS]
    assert ahead(bits[1], bits[0])
    assert ahead(bits[2], bits[1])


def test_the_lesson_tells_the_steps_and_the_seconds_of_its_runs() -> None:
    steps = {row.family: row.steps for row in ROWS if row.seconds == LAST}
    assert steps == {"gan": 1554, "vae": 1935, "flow": 3030}
    for row in ROWS[2:]:
        assert 0.835 <= row.spent / row.seconds <= 1.02


def test_to_draw_in_another_way_leaves_the_method_as_it_was() -> None:
    method = pretrained.load_method("vae")
    inputs = method.inputs(3, torch.Generator().manual_seed(1))
    means = study.draw_as(method, inputs, pixels="means")
    assert method.settings.pixels == "sampled"
    assert set(draw(method, inputs).unique().tolist()) == {-1, 1}
    assert len(means.unique()) > 100


def test_an_autoencoder_without_divergence_has_no_spread_to_learn() -> None:
    settings = replace(RECIPES["vae"], beta=0.0, steps=1, decoder_width=4, encoder_width=4)
    run = Trainer(study.learned()[:64], settings)
    last = run.method.network("autoencoder").encoder[-2].weight  # type: ignore[union-attr,index]
    before = last.detach().clone()
    study.computing(run)
    moved = (last != before).flatten(1).any(dim=1)
    assert moved[:64].all()
    assert not moved[64:].any()


def test_rows_that_are_not_there_get_a_sentence() -> None:
    with pytest.raises(UserError, match="no family 'diffusion'; choose one of gan, vae"):
        study.start("diffusion", 15, 0)
    with pytest.raises(UserError, match="no rows of 'gan' with 15 seconds, drawn '4 steps'"):
        study.select(ROWS, "gan", 15, "4 steps")


def test_an_interrupted_table_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stored: dict[tuple[str, int, int], list[study.Row]] = {}
    for row in ROWS[2:]:
        stored.setdefault((row.family, row.seconds, row.seed), []).append(row)
    monkeypatch.setattr(study, "TRIES", {name: study.TRIES[name] for name in ("vae", "gan")})
    monkeypatch.setattr(study, "BUDGETS", (15,))
    monkeypatch.setattr(study, "train", lambda *key: (study.start(*key), stored[key]))
    path = tmp_path / "families.json"
    first = next(study.train_all(path))
    assert study.load(path) == [*ROWS[:2], *first]
    rest = list(study.train_all(path, tmp_path))
    assert [rows[0].seed for rows in rest] == [0, 1, 1, 2, 2]
    assert (tmp_path / "family_gan.safetensors").exists()
    assert list(study.train_all(path)) == []
