"""The bug clinic: every bug shows its symptom, for every seed; without it there is none."""

import math
from dataclasses import replace

import pytest
import torch
from torch import nn

from gan_lessons import losses, plotting
from gan_lessons.data import toys
from gan_lessons.errors import UserError
from gan_lessons.studies import clinic
from gan_lessons.studies.clinic import BUGS, MEASURES, SETUPS, SmallTrainer, card, run, shows

pytestmark = pytest.mark.xdist_group("clinic")  # one process: it keeps the runs that tests share
SEEDS = (0, 1, 7)  # 0 and 1 are the lesson's, 7 is its patients'


@pytest.fixture(autouse=True)
def one_thread() -> object:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def distance(value: float, low: float, high: float) -> float:
    """How far outside a range a value lies, as a share of the range's finite end."""
    if low <= value <= high:
        return 0.0
    end = low if value < low else high
    return abs(value - end) / max(abs(end), 1e-6)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("bug", BUGS)
def test_with_the_bug_its_signs_and_no_other_bugs(bug: str, seed: int) -> None:
    record = run(bug, seed)
    assert [other for other in BUGS if shows(record, other)] == [bug]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("bug", BUGS)
def test_without_the_bug_its_sign_is_clearly_absent(bug: str, seed: int) -> None:
    record = run(None, seed, BUGS[bug].setup)
    found = {name: MEASURES[name](record) for name in BUGS[bug].signs}
    margins = [distance(found[name], *BUGS[bug].signs[name]) for name in found]
    assert max(margins) > 0.2, found


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("setup", SETUPS)
def test_a_ward_without_bugs_has_no_finding(setup: str, seed: int) -> None:
    record = run(None, seed, setup)
    assert not [bug for bug in BUGS if shows(record, bug)]
    for name in ("left in D", "left in G", "G moves in D's step", "D moves in G's step"):
        assert MEASURES[name](record) == 0
    for name in ("D moves in D's step", "G moves in G's step"):
        assert MEASURES[name](record) > 1e-4


@pytest.mark.parametrize("seed", SEEDS)
def test_a_healthy_ring_is_covered_and_the_ill_ones_are_worse(seed: int) -> None:
    healthy = run(None, seed)
    assert clinic.modes(healthy.fresh) >= 6
    for bug in ("absent generator", "wrong sign", "fakes rewarded", "never applied"):
        assert clinic.modes(run(bug, seed).fresh) <= 2
    assert clinic.good(run("noise once", seed).fresh) < clinic.good(healthy.fresh) - 0.05


def test_runs_repeat_bit_by_bit() -> None:
    again = run.__wrapped__("both in one", 1)
    assert again is not run("both in one", 1)
    assert again.rows == run("both in one", 1).rows


def test_a_bug_changes_only_what_it_switches() -> None:
    """Up to the moment of resuming, "fresh optimizers" is the same run as without."""
    ill, healthy = run("fresh optimizers", 1), run(None, 1, "resumed")
    middle = len(healthy.rows) // 2
    assert ill.rows[:middle] == healthy.rows[:middle]
    assert ill.rows[middle] != healthy.rows[middle]


def test_right_lines_are_those_of_the_course() -> None:
    real, fake = torch.randn(9), torch.randn(9)
    theirs = losses.OBJECTIVES["non_saturating"]
    torch.testing.assert_close(
        clinic.discriminator_loss(real, fake), theirs.discriminator_loss(real, fake)
    )
    torch.testing.assert_close(clinic.generator_loss(fake), theirs.generator_loss(fake))


def linear(*weights: float) -> nn.Linear:
    """Points (N, d) → their products with the weights, (N, 1)."""
    layer = nn.Linear(len(weights), 1, bias=False)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([weights]))
    return layer


def test_batch_penalty_takes_one_norm_for_all() -> None:
    """A critic of slope s on n points: (√n s − 1)² instead of (s − 1)²."""
    for n, s in ((4, 1.0), (64, 0.5)):
        real, fake, rng = torch.randn(n, 2), torch.randn(n, 2), torch.Generator().manual_seed(0)
        found = clinic.batch_penalty(linear(s, 0.0), real, fake, rng)
        assert found.item() == pytest.approx((math.sqrt(n) * s - 1) ** 2, abs=1e-4)


def test_what_is_measured_in_every_step() -> None:
    layer = nn.Linear(2, 1)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[3.0, 0.0]]))
        layer.bias.fill_(4.0)
    assert clinic.flat(layer).tolist() == [3, 0, 4]
    assert clinic.gradient_norm(layer) == 0
    layer(torch.tensor([[3.0, 4.0]])).sum().backward()
    assert clinic.gradient_norm(layer) == pytest.approx(math.sqrt(9 + 16 + 1))
    assert clinic.moved(torch.tensor([3.0, 4.0]), torch.tensor([3.0, 3.0])) == pytest.approx(0.2)
    assert clinic.slope(linear(3.0, 4.0), torch.randn(5, 2), torch.randn(5, 2)) == pytest.approx(5)
    norm = nn.BatchNorm1d(50)
    generator = nn.Sequential(nn.Linear(3, 50), norm)
    nn.init.constant_(norm.weight, 0.25)
    assert norm.running_mean is not None
    before = norm.running_mean.clone()
    assert clinic.spread(generator, torch.randn(400, 3)) == pytest.approx(0.25, rel=0.02)
    assert torch.equal(norm.running_mean, before)  # looking changes nothing


def test_good_and_modes_count_points_of_the_ring() -> None:
    centres = toys.ring().centres
    assert clinic.good(centres) == 1
    assert clinic.good(torch.cat([centres, torch.zeros(8, 2)])) == 0.5
    assert clinic.modes(centres) == 8
    assert clinic.modes(centres[:3].repeat(5, 1)) == 3


def test_patients_are_five_different_bugs_and_not_in_the_order_of_the_list() -> None:
    assert len(set(clinic.UNLABELLED)) == 5
    assert sorted(clinic.UNLABELLED, key=list(BUGS).index) != clinic.UNLABELLED
    setups = {BUGS[bug].setup for bug in clinic.UNLABELLED}
    assert setups == {"ring", "digits"}  # those that the lesson's cards compare with
    assert clinic.unlabelled_run(3) is run(clinic.UNLABELLED[2], 7)


def test_card_shows_what_a_ward_has() -> None:
    text = card({"healthy": run(), "ill": run("never applied")})
    assert text.splitlines()[0].split() == ["healthy", "ill"]
    assert "spread" not in text
    line = next(row for row in text.splitlines() if row.startswith("G moves in G's step"))
    assert line.split()[-1] == "0"
    mixed = card({"ring": run(), "digits": run(setup="digits")})
    line = next(row for row in mixed.splitlines() if row.startswith("spread"))
    assert line.split()[1] == "–"


@pytest.mark.parametrize(
    ("bug", "setup", "digits"),
    [(None, "ring", False), ("batch penalty", "", False), ("log of sigmoid", "", True)],
)
def test_chart_has_four_panels(bug: str | None, setup: str, digits: bool) -> None:
    record = run(bug, 0, setup)
    figure = plotting.chart(record, "a title")
    samples, loss, answers, gradients = figure.axes
    assert bool(samples.images) is digits
    assert [line.get_label() for line in loss.lines] == ["L_D", "L_G"]
    assert [line.get_label() for line in gradients.lines] == ["D's", "G's"]
    assert (answers.get_ylim() == (-0.03, 1.03)) is not record.critic
    assert plotting.png(figure).startswith(b"\x89PNG")


def test_other_settings_make_another_patient() -> None:
    setup = replace(SETUPS["ring"], rate_g=0.0)
    row = SmallTrainer(setup, seed=1).step(1)
    assert row.g_in_g == 0 < row.gradient_g


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(("typo",), "no bug 'typo'.*never cleared"), ((None, 0, "attic"), "no setup 'attic'.*critic")],
)
def test_unknown_names_are_refused(arguments: tuple[object, ...], said: str) -> None:
    with pytest.raises(UserError, match=said):
        run(*arguments)
    with pytest.raises(UserError, match="no patient 6"):
        clinic.unlabelled_run(6)
