"""Remedies: the games, the stored ones, and the tables that are made of them."""

import json
from collections.abc import Generator
from pathlib import Path
from typing import Any

import nbformat
import pytest
import torch
from scipy import stats

from gan_lessons.errors import UserError
from gan_lessons.plane import Plan, PlaneGAN, PlaneTrainer
from gan_lessons.studies import remedies
from gan_lessons.studies.remedies import Cell, Run
from gan_lessons.studies.statistics import expected_again
from gan_lessons.training import Diverged

torch.set_num_threads(1)
ROOT = Path(__file__).parents[1]
STORED = remedies.load()


# Players


def test_a_packed_game_never_mixes_reals_and_fakes() -> None:
    run = remedies.start("slow D", "ring", "packs of 2")
    seen: list[torch.Tensor] = []
    run.discriminator.discriminator.register_forward_pre_hook(lambda _, x: seen.append(x[0]))
    with torch.no_grad():
        run.generator.layers[-1].weight.zero_()
        run.generator.layers[-1].bias.fill_(9.0)  # every fake is (9, 9); no real is near it
    run.method.discriminator_step(run)
    far = (seen[0] > 8).view(-1, 2, 2).all(dim=2)
    assert torch.equal(far[:, 0], far[:, 1])
    assert far.float().mean() == 0.5


@pytest.mark.parametrize("network", ["plain", "spectral", "packed"])
def test_the_seed_decides_the_players(network: str) -> None:
    def weights(seed: int) -> torch.Tensor:
        made = remedies.players(Plan(seed=seed), network)
        state = [part for player in made.values() for part in player.state_dict().values()]
        return torch.cat([part.flatten() for part in state])

    torch.manual_seed(1)
    first = weights(3)
    torch.manual_seed(2)
    assert torch.equal(first, weights(3))
    assert not torch.equal(first, weights(4))


@pytest.mark.parametrize("remedy", remedies.REMEDIES)
def test_every_remedy_plays_and_moves_both_players(remedy: str) -> None:
    run = remedies.start("Adam's defaults", "ring", remedy, seed=1)
    before = [p.detach().clone() for p in (*run.generator.parameters(), *_of_d(run))]
    for _ in run.run(3):
        pass
    after = [*run.generator.parameters(), *_of_d(run)]
    assert all(p.isfinite().all() for p in after)
    still = sum(torch.equal(a, b) for a, b in zip(before, after, strict=True))
    # Where only differences of D's answers count, D's last bias has nothing to do.
    assert still <= (1 if run.settings.objective in ("wasserstein", "relativistic") else 0)


def _of_d(run: PlaneTrainer) -> list[torch.Tensor]:
    return list(run.discriminator.parameters())


# Games


def test_a_game_is_decided_by_its_seed() -> None:
    def game(seed: int) -> Run:
        return remedies.play("slow D", "ring", "R1", seed, steps=60)._replace(seconds=0)

    torch.manual_seed(1)
    first = game(0)
    torch.manual_seed(2)
    assert game(0) == first
    assert game(1).early != first.early


def test_instance_noise_falls_to_nothing() -> None:
    seen = []
    run = remedies.start("slow D", "ring", "instance noise", steps=40)
    assert (
        run.settings.instance_noise
        == remedies.REMEDIES["instance noise"].settings["instance_noise"]
    )
    change = PlaneTrainer.change

    def watched(self: PlaneTrainer, **settings: Any) -> Any:
        seen.append(settings["instance_noise"])
        return change(self, **settings)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PlaneTrainer, "change", watched)
        remedies.play("slow D", "ring", "instance noise", 0, steps=40)
    assert seen == sorted(seen, reverse=True)
    assert seen[-1] == 0


def test_a_game_that_diverges_has_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    def diverge(self: PlaneGAN, run: PlaneTrainer) -> dict[str, float]:
        raise Diverged("on purpose")

    monkeypatch.setattr(PlaneGAN, "generator_step", diverge)
    run = remedies.play("slow D", "ring", "plain", 0, steps=60)
    assert (run.modes, run.good, run.averaged_modes, run.averaged_good) == (0, 0, 0, 0)


@pytest.mark.parametrize("wrong", [("fast D", "ring", "R1"), ("slow D", "x", "R1")])
def test_unknown_names_are_refused(wrong: tuple[str, str, str]) -> None:
    with pytest.raises(UserError, match="choose one of"):
        remedies.plan_for(*wrong, 0)


# The stored games


def test_the_stored_games_are_all_there_and_those_of_this_code() -> None:
    found = {(Cell(run.data, run.disease, run.remedy), run.seed) for run in STORED}
    wanted = {(cell, seed) for cell in remedies.cells() for seed in range(remedies.SEEDS)}
    assert found == wanted
    assert len(STORED) == len(wanted)
    assert remedies.SEEDS >= 5
    for run in STORED:
        plan = remedies.plan_for(run.disease, run.data, run.remedy, run.seed)
        assert run.plan == remedies.checksum(plan, remedies.REMEDIES[run.remedy].network), (
            "settings changed: play the tables again"
        )
        assert 0 <= run.modes <= remedies.DATA[run.data]
        assert 0 <= run.good <= 1


@pytest.mark.parametrize("cell", remedies.cells()[::3], ids=lambda cell: "-".join(cell))
def test_a_game_begins_as_its_stored_one_on_any_processor(cell: Cell) -> None:
    """After `EARLY` steps differences of rounding are still small; a changed remedy is not."""
    stored = next(run for run in STORED if Cell(run.data, run.disease, run.remedy) == cell)
    run = remedies.start(cell.disease, cell.data, cell.remedy, stored.seed)
    for _ in run.run(remedies.EARLY):
        if run.settings.instance_noise:
            full = remedies.REMEDIES[cell.remedy].settings["instance_noise"]
            run.change(instance_noise=full * (1 - run.progress))
    assert run.fakes(2000).abs().mean().item() == pytest.approx(stored.early, rel=0.02)


AGAIN = [  # one that is sick, one that is cured, one in between
    Cell("ring", "slow D", "plain"),
    Cell("ring", "slow D", "packs of 2"),
    Cell("ring", "Adam's defaults", "R1 and R2"),
]


@pytest.mark.parametrize("cell", AGAIN, ids=lambda cell: "-".join(cell))
def test_a_cell_played_again_agrees_with_the_stored_one(cell: Cell) -> None:
    """Within the interval for the mean of new games: another processor is another seed."""
    again = [remedies.play(cell.disease, cell.data, cell.remedy, seed) for seed in range(3)]
    for measure, grain in (("modes", 0.25), ("good", 0.03)):
        expected = expected_again(remedies.results(STORED, cell, measure), 3, grain)
        found = sum(remedies.results(again, cell, measure)) / len(again)
        assert expected.low <= found <= expected.high


def test_the_interval_tells_sick_from_cured() -> None:
    sick, cured = (remedies.results(STORED, cell, "modes") for cell in AGAIN[:2])
    expected = expected_again(sick, 3, 0.25)
    assert not expected.low <= sum(cured) / len(cured) <= expected.high


@pytest.mark.parametrize("data", remedies.TABLES)
@pytest.mark.parametrize("measure", remedies.MEASURES)
def test_the_lesson_shows_the_tables_of_the_stored_games(data: str, measure: str) -> None:
    (path,) = (ROOT / "notebooks").glob("10_*.ipynb")
    printed = "".join(
        output.get("text", "")
        for cell in nbformat.read(path, as_version=4).cells
        if cell.cell_type == "code"
        for output in cell.outputs
    )
    assert remedies.table(STORED, data, measure) in printed


def test_a_table_is_made_of_its_games() -> None:
    line = next(
        line
        for line in remedies.table(STORED, "ring", "modes").splitlines()
        if line.startswith("packs of 2")
    )
    values = remedies.results(STORED, Cell("ring", "slow D", "packs of 2"), "modes")
    low, high = stats.t.interval(0.95, 4, sum(values) / 5, stats.sem(values))
    assert f"{sum(values) / 5:.1f} [{max(low, 0):.1f}, {min(high, 8):.1f}]" in line
    other = [run._replace(modes=0.0) for run in STORED]
    assert line not in remedies.table(other, "ring", "modes")
    first = remedies.table(STORED, "lattice", "good").splitlines()[0]
    assert first == "lattice: share of good samples, in percent"


def test_the_averaged_generator_is_that_of_the_plain_games() -> None:
    cell = Cell("ring", "slow D", remedies.AVERAGED)
    plain = [run for run in STORED if (run.data, run.disease, run.remedy) == (*cell[:2], "plain")]
    assert remedies.results(STORED, cell, "good") == [run.averaged_good for run in plain]


def test_a_remedy_that_is_the_disease_is_not_played() -> None:
    same = Cell("ring", "starved G", "5 steps of D")
    assert same not in remedies.cells()
    assert remedies.results(STORED, same, "modes") == remedies.results(
        STORED, same._replace(remedy="plain"), "modes"
    )
    with pytest.raises(UserError, match="There are no games"):
        remedies.results([], same, "modes")


# Playing many


def test_an_interrupted_table_goes_on_where_it_stopped(tmp_path: Path) -> None:
    path = tmp_path / "games.json"
    few = [Cell("ring", "slow D", "plain"), Cell("ring", "slow D", "packs of 2")]
    whole = list(remedies.play_all(tmp_path / "whole.json", 2, few, steps=30))
    games = remedies.play_all(path, 2, few, steps=30)
    next(games)
    assert isinstance(games, Generator)
    games.close()
    assert len(remedies.load(path)) == 1
    rest = list(remedies.play_all(path, 2, few, steps=30))
    assert len(rest) == 3
    assert [run._replace(seconds=0) for run in remedies.load(path)] == [
        run._replace(seconds=0) for run in whole
    ]
    assert list(remedies.play_all(path, 2, few, steps=30)) == []
    assert len(list(remedies.play_all(path, 2, few, steps=31))) == 4  # other settings


def test_the_command_says_what_it_plays(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remedies, "TABLES", {"ring": ("slow D",)})
    monkeypatch.setattr(remedies, "STEPS", {"ring": 2})
    monkeypatch.setattr(remedies, "SEEDS", 1)
    monkeypatch.setattr(remedies.play_all, "__defaults__", (1, None, None))
    remedies.main(["--out", str(tmp_path / "games.json")])
    said = capsys.readouterr().out
    assert "ring, slow D, R1 and R2, seed 0:" in said
    assert f"is complete: {len(remedies.cells())} games" in said
    assert len(json.loads((tmp_path / "games.json").read_text())) == len(remedies.cells())


def test_a_file_that_holds_no_games_is_refused(tmp_path: Path) -> None:
    (tmp_path / "games.json").write_text("[{}]", encoding="utf-8")
    with pytest.raises(UserError, match="has no games"):
        remedies.load(tmp_path / "games.json")
    assert remedies.main(["--out", str(tmp_path / "games.json")]) == 2


def test_verdicts() -> None:
    like = STORED[0]

    def games(remedy: str, modes: list[float]) -> list[Run]:
        return [
            like._replace(remedy=remedy, seed=seed, modes=found) for seed, found in enumerate(modes)
        ]

    runs = games("plain", [3, 4, 5, 4, 3]) + games("R1", [6, 7, 8, 6, 7])
    runs += games("R1 and R2", [1, 0, 1, 2, 1]) + games("relativistic", [3, 5, 5, 4, 4])
    cell = Cell(like.data, like.disease, "R1")
    assert remedies.verdict(runs, cell, "modes") == "+"
    assert remedies.verdict(runs, cell._replace(remedy="R1 and R2"), "modes") == "−"
    assert remedies.verdict(runs, cell._replace(remedy="relativistic"), "modes") == "·"
    assert remedies.verdict(runs, cell._replace(remedy="non-saturating loss"), "modes") == "="
