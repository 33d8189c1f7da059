"""Remedies: their networks against oracles, the stored games, the statistics, Stacked MNIST."""

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import nbformat
import pytest
import torch
from scipy import stats

from gan_lessons import plane, plotting, remedies
from gan_lessons.data import load_digits
from gan_lessons.errors import UserError
from gan_lessons.plane import Plan, PlaneTrainer
from gan_lessons.remedies import Cell, Run
from gan_lessons.training import RECIPES

torch.set_num_threads(1)
ROOT = Path(__file__).parents[1]
STORED = remedies.load()


# Networks


@pytest.mark.parametrize("m", [1, 2, 3])
def test_a_pack_is_whole_samples_side_by_side(m: int) -> None:
    points = torch.randn(12, 2)
    packs = remedies.pack(points, m)
    for row, pack in zip(points.split(m), packs, strict=True):
        assert torch.equal(torch.cat(list(row)), pack)
    images = torch.randn(6, 3, 4, 5)
    for row, pack in zip(images.split(m), remedies.pack(images, m), strict=True):
        assert torch.equal(torch.cat(list(row)), pack)  # along the channels


def test_what_cannot_be_packed_is_refused() -> None:
    with pytest.raises(UserError, match=r"7 samples cannot be dealt into packs of 2"):
        remedies.pack(torch.zeros(7, 2), 2)


def test_a_packed_discriminator_answers_once_for_each_pack() -> None:
    inner = plane.Network(4, 1, 1, 8)
    samples = torch.randn(10, 2)
    found = remedies.Packed(inner, 2)(samples)
    assert torch.equal(found, inner(torch.cat([samples[::2], samples[1::2]], dim=1)))


def test_a_packed_game_never_mixes_reals_and_fakes() -> None:
    run = remedies.start("slow D", "ring", "packs of 2")
    seen: list[torch.Tensor] = []
    run.discriminator.discriminator.register_forward_pre_hook(lambda _, x: seen.append(x[0]))
    with torch.no_grad():
        run.generator.layers[-1].weight.zero_()
        run.generator.layers[-1].bias.fill_(9.0)  # every fake is (9, 9); no real is near it
    run.discriminator_step()
    far = (seen[0] > 8).view(-1, 2, 2).all(dim=2)
    assert torch.equal(far[:, 0], far[:, 1])
    assert far.float().mean() == 0.5


def test_spectral_norm_divides_by_the_largest_singular_value() -> None:
    network = plane.Network(2, 1, 2, 16)
    before = [layer.weight.detach().clone() for layer in network.layers]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        tame = remedies.normalised(network)
    for _ in range(200):
        tame(torch.zeros(1, 2))  # a call in training mode is a round of power iteration
    for weight, layer in zip(before, network.layers, strict=True):
        oracle = weight / torch.linalg.svdvals(weight)[0]
        torch.testing.assert_close(layer.weight.detach(), oracle, rtol=1e-3, atol=1e-4)
    x = torch.randn(500, 2, requires_grad=True)
    (slope,) = torch.autograd.grad(tame.eval()(x).sum(), x)
    assert 0 < slope.norm(dim=1).max() <= 1 + 1e-4


def test_without_normalising_a_network_of_large_weights_is_steep() -> None:
    network = plane.Network(2, 1, 2, 16)
    for layer in network.layers:
        layer.weight.data *= 5
    x = torch.randn(500, 2, requires_grad=True)
    (slope,) = torch.autograd.grad(network(x).sum(), x)
    assert slope.norm(dim=1).max() > 2


@pytest.mark.parametrize("network", ["plain", "spectral", "packed"])
def test_the_seed_decides_the_players(network: str) -> None:
    def weights(seed: int) -> torch.Tensor:
        made = remedies.players(Plan(seed=seed), network)
        state = [part for player in made for part in player.state_dict().values()]
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
    def diverge(self: PlaneTrainer) -> float:
        raise remedies.Diverged("on purpose")

    monkeypatch.setattr(PlaneTrainer, "generator_step", diverge)
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
        expected = remedies.expected_again(remedies.results(STORED, cell, measure), 3, grain)
        found = sum(remedies.results(again, cell, measure)) / len(again)
        assert expected.low <= found <= expected.high


def test_the_interval_tells_sick_from_cured() -> None:
    sick, cured = (remedies.results(STORED, cell, "modes") for cell in AGAIN[:2])
    expected = remedies.expected_again(sick, 3, 0.25)
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
    with pytest.raises(SystemExit):
        remedies.main(["--out", str(tmp_path / "games.json")])


# Statistics


@pytest.mark.parametrize("n", range(2, 11))
def test_intervals_are_students(n: int) -> None:
    values = torch.rand(n, generator=torch.Generator().manual_seed(n)).double().tolist()
    mean, low, high = remedies.interval(values)
    oracle = stats.t.interval(0.95, n - 1, mean, stats.sem(values))
    assert (low, high) == pytest.approx((max(oracle[0], 0), oracle[1]), rel=1e-3)
    again = remedies.expected_again(values, 3, 0.0)
    half = stats.t.ppf(0.995, n - 1) * stats.tstd(values) * math.sqrt(1 / n + 1 / 3)
    assert again.high - again.mean == pytest.approx(half, rel=1e-3)


def test_an_interval_is_cut_at_what_is_possible() -> None:
    assert remedies.interval([8.0, 8.0, 7.0], 8) == pytest.approx((23 / 3, 6.232, 8.0), abs=1e-3)
    assert remedies.expected_again([8.0, 8.0, 8.0], 3, 0.25).low < 8
    with pytest.raises(UserError, match="2 to 10 games, not 1"):
        remedies.interval([1.0])


def test_chance_is_the_exact_permutation_test() -> None:
    rng = torch.Generator().manual_seed(0)
    for m, n in ((5, 5), (3, 4), (2, 6)):
        one = torch.rand(m, generator=rng).tolist()
        other = (torch.rand(n, generator=rng) + 0.3).tolist()
        oracle = stats.permutation_test(
            (one, other), lambda a, b: sum(a) / len(a) - sum(b) / len(b), n_resamples=math.inf
        )
        mean = abs(sum(one) / m - sum(other) / n)
        both = sum(abs(oracle.null_distribution) >= mean - 1e-12) / math.comb(m + n, m)
        assert remedies.chance(one, other) == pytest.approx(both)
    assert remedies.chance([1, 2, 3, 4, 5], [6, 7, 8, 9, 10]) == pytest.approx(2 / 252)
    assert remedies.chance([4.0] * 5, [4.0] * 5) == 1


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


# Pictures


def test_clouds_draw_reals_and_fakes_in_every_panel() -> None:
    real, fakes = torch.randn(30, 2), {"a": torch.randn(7, 2), "b": torch.randn(9, 2)}
    figure = plotting.clouds(fakes, real)
    for axes, (title, points) in zip(figure.axes, fakes.items(), strict=True):
        assert axes.get_title() == title
        drawn = [torch.tensor(line.get_xydata()).float() for line in axes.lines]
        assert torch.equal(drawn[0], real)
        assert torch.equal(drawn[1], points)
    assert plotting.png(figure).startswith(b"\x89PNG")


def test_groups_draw_every_game_and_its_interval() -> None:
    values = {"plain": [1.0, 2.0, 4.0], "R1": [5.0, 6.0, 7.0]}
    intervals = {name: remedies.interval(found, 8) for name, found in values.items()}
    (axes,) = plotting.groups(values, intervals, "modes covered", 8).axes
    heights = [list(line.get_ydata()) for line in axes.lines]
    assert [found for found in heights if len(found) == 3] == list(values.values())
    bars = [collection.get_segments()[0][:, 1].tolist() for collection in axes.collections]
    assert bars == [pytest.approx([low, high]) for _, low, high in intervals.values()]
    assert [label.get_text() for label in axes.get_xticklabels()] == list(values)


# Stacked MNIST

TINY = {"generator_width": 4, "discriminator_width": 2, "batch_size": 4, "latent_dim": 4}


def test_stacks_are_three_digits_of_the_data() -> None:
    digits = load_digits().images[:50]
    made = remedies.stacks(digits, 20, torch.Generator().manual_seed(0))
    assert made.shape == (20, 3, 28, 28)
    known = {digit.numpy().tobytes() for digit in digits}
    assert {channel.numpy().tobytes() for stack in made for channel in stack} <= known
    assert len({stack.numpy().tobytes() for stack in made}) == 20


def test_the_judge_reads_a_stack_channel_by_channel() -> None:
    data = load_digits()
    rng = torch.Generator().manual_seed(0)
    chosen = torch.randint(len(data.images), (200, 3), generator=rng)
    found = remedies.read_stacks(data.images[chosen, 0])
    wanted = data.labels[chosen] @ torch.tensor([100, 10, 1])
    assert (found == wanted).double().mean() > 0.95
    assert wanted.max() > 900 > 99 > wanted.min()


def test_modes_are_counted() -> None:
    assert remedies.count_modes(torch.arange(1000)) == (1000, pytest.approx(0, abs=1e-9))
    assert remedies.count_modes(torch.zeros(50, dtype=torch.long)) == (
        1,
        pytest.approx(math.log(1000)),
    )
    numbers = torch.tensor([7, 7, 7, 999])
    share = [0.0] * 1000
    share[7], share[999] = 0.75, 0.25
    assert remedies.count_modes(numbers) == (2, pytest.approx(stats.entropy(share, [1e-3] * 1000)))


@pytest.mark.parametrize("remedy", remedies.STACKED)
def test_stacked_networks_fit(remedy: str) -> None:
    m = remedies.STACKED[remedy][1]
    generator, discriminator = remedies.stacked_players(RECIPES["dcgan"], m)
    images = generator(torch.randn(4, 64))
    assert images.shape == (4, 3, 28, 28)
    assert images.abs().max() <= 1
    assert discriminator(images).shape == (4 // m,)


def test_stacked_training_goes_on_from_its_checkpoint(tmp_path: Path) -> None:
    tiny = replace(RECIPES["dcgan"], **TINY)
    path = tmp_path / "stacked.pt"
    first = remedies.train_stacked("packs of 2", 0.2, path, tiny)
    assert first.step > 0
    more = remedies.train_stacked("packs of 2", first.elapsed + 0.2, path, tiny)
    assert more.step > first.step
    assert more.history[: first.step] == first.history
    with pytest.raises(UserError, match="other settings"):
        remedies.train_stacked("R1", 1, path, tiny)
    with pytest.raises(UserError, match="choose one of plain"):
        remedies.train_stacked("R3", 1, path, tiny)


def test_the_stacked_command_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--remedy", "R1", "--seconds", "0.5", "--samples", "100"]
    remedies.main(["stacked", *arguments, "--out", str(tmp_path)])
    *_, real, fake = capsys.readouterr().out.splitlines()  # before them, maybe: which data
    assert real.startswith("real stacks")
    assert "of 1000 modes" in fake
    assert (tmp_path / "stacked-R1.pt").exists()
    counts = remedies.load_counts(tmp_path / "stacked.json")
    assert [count.name for count in counts] == ["real stacks", "R1"]
    assert counts[1].steps > 0
    assert f"{counts[1].modes} of 1000" in fake


def test_the_shipped_counts_are_of_every_stacked_remedy() -> None:
    real, *counts = remedies.load_counts()
    assert [count.name for count in counts] == list(remedies.STACKED)
    assert real.modes >= 999
    assert real.kl < 0.1
    assert all(count.samples == real.samples for count in counts)
    with pytest.raises(UserError, match="has no counts"):
        remedies.load_counts(Path("nowhere.json"))
