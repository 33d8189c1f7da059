"""What drives live panels, with no browser: loop, snapshots, rewind, branch, marks, faults."""

import asyncio
import itertools
import os
import signal
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from gan_lessons.errors import UserError
from gan_lessons.methods import GANSettings
from gan_lessons.training import Diverged, Trainer
from gan_lessons.widgets import loop as module
from gan_lessons.widgets.live import Live
from gan_lessons.widgets.loop import Loop
from gan_lessons.widgets.snapshots import Mark, Snapshot, Snapshots

SMALL = GANSettings(
    network="dense",
    latent_dim=4,
    generator_width=4,
    discriminator_width=4,
    batch_size=8,
    lr_decay="none",
)


@pytest.fixture
def trainer() -> Trainer:
    samples = torch.rand(50, 1, 28, 28, generator=torch.Generator().manual_seed(0)) * 2 - 1
    return Trainer(samples, SMALL)


@pytest.fixture
def live(trainer: Trainer) -> Live[Trainer]:
    return Live(trainer, lambda: "A sentence.")


def weights(run: Trainer) -> list[Tensor]:
    return [tensor.clone() for tensor in run.generator.state_dict().values()]


def spoil(run: Trainer) -> None:
    with torch.no_grad():
        next(run.generator.parameters()).fill_(float("nan"))


def same(a: list[Tensor], b: list[Tensor]) -> bool:
    return all(map(torch.equal, a, b))


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not true():
            await asyncio.sleep(0.001)


def drive(work: Coroutine[Any, Any, None]) -> None:
    """Run in a loop, as a kernel does; afterwards no task may be left."""

    async def alone() -> None:
        await work
        await asyncio.sleep(0.01)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(alone())


# Stepping


def test_steps_are_the_trainers(live: Live[Trainer]) -> None:
    other = live.run.branch()
    live.step(30)
    for _ in range(30):
        other.train_step()
    assert same(weights(live.run), weights(other))
    assert live.step_now == 30
    assert live.message == "Paused at step 30."
    assert "Paused at step 30. A sentence." in live.line.value
    assert 'role="status" aria-live="polite"' in live.line.value


def test_half_steps(live: Live[Trainer]) -> None:
    generator = weights(live.run)
    live.half_step("discriminator")
    assert same(generator, weights(live.run))
    assert (live.step_now, live.last) == (0, "discriminator")
    live.half_step("generator")
    assert not same(generator, weights(live.run))
    assert (live.step_now, live.last) == (1, "generator")
    live.step()
    assert (live.step_now, live.last) == (2, "")
    with pytest.raises(UserError, match="has no turn 'critic': it has discriminator, generator"):
        live.half_step("critic")
    assert live.step_now == 2


@pytest.mark.parametrize("n", [0, -1, 2.5, True, "three", 10**9])
def test_nonsense_for_steps_is_refused(live: Live[Trainer], n: Any) -> None:
    with pytest.raises(UserError, match="choose a whole number of steps from 1"):
        live.step(n)
    assert live.step_now == 0


# Playing


def test_play_and_pause(live: Live[Trainer]) -> None:
    async def work() -> None:
        live.play()
        live.play()  # twice is once
        assert len(asyncio.all_tasks()) == 2  # this one and the training
        assert live.message == "Training."
        await until(lambda: live.step_now >= 20)
        live.pause()
        live.play()  # before the task has noticed
        assert len(asyncio.all_tasks()) == 2
        await until(lambda: live.step_now >= 40)
        live.pause()
        paused = live.step_now
        await asyncio.sleep(0.02)
        assert live.step_now == paused
        assert live.message == f"Paused at step {paused}."

    drive(work())


def test_settings_changed_while_playing_count_from_the_next_step(live: Live[Trainer]) -> None:
    async def work() -> None:
        live.play()
        await until(lambda: live.step_now >= 10)
        live.set(lr_discriminator=1e-4, beta1=0.5)
        changed = live.step_now
        await until(lambda: live.step_now > changed)
        group = live.run.optimizer_discriminator.param_groups[0]
        assert group["lr"] == 1e-4
        assert group["betas"][0] == 0.5
        assert live.playing
        live.pause()

    drive(work())
    (first, second) = live.marks
    assert first == Mark("a", first.step, None, "lr_discriminator", 3e-3, 1e-4)
    assert second.letter == "b"
    assert str(first) == f"a: step {first.step}: lr_discriminator 0.003 → 0.0001"
    assert first.step in live.snapshots.steps  # the moment before can be gone back to


def test_slow_motion_trains_as_full_speed_does(live: Live[Trainer]) -> None:
    other = live.run.branch()
    live.slow = 0.001

    async def work() -> None:
        live.play()
        await until(lambda: live.step_now >= 2 and live.last == "discriminator")
        live.slow = 0
        await until(lambda: live.step_now >= 5)
        live.pause()

    drive(work())
    while other.step < live.step_now:
        other.train_step()
    assert same(weights(live.run), weights(other))


def test_a_speed_is_so_many_steps_a_second(live: Live[Trainer]) -> None:
    live.go(20)

    async def work() -> None:
        live.play()
        began, first = time.perf_counter(), live.step_now
        await asyncio.sleep(1)
        spent = time.perf_counter() - began
        assert live.step_now - first <= 20 * spent + 4  # what a busy machine missed is made up for
        live.go(1)
        await asyncio.sleep(0.1)
        slow = live.step_now
        await asyncio.sleep(0.5)
        assert live.step_now <= slow + 1
        live.go(0)  # counts at once
        await until(lambda: live.step_now >= slow + 20)
        live.pause()

    drive(work())
    assert live.step_now >= 20
    live.go("slow")
    assert (live.slow, live.speed) == (3.0, 0.0)


def test_playing_ends_for_a_reason(live: Live[Trainer]) -> None:
    live.until = lambda: "enough." if live.step_now == 7 else ""

    async def work() -> None:
        live.play()
        await until(lambda: not live.playing)

    drive(work())
    assert live.message == "Paused at step 7: enough."


def test_a_branch_goes_on_playing_if_it_was(live: Live[Trainer]) -> None:
    async def work() -> None:
        live.play()
        await until(lambda: live.step_now >= 3)
        live.branch()
        branched = live.step_now
        await until(lambda: live.step_now > branched)
        live.pause()

    drive(work())
    assert [run.step for run in live.runs] == [live.step_now] * 2


def test_an_error_goes_with_the_next_success(live: Live[Trainer]) -> None:
    live.post(lambda: live.set(lr_generator=5))
    assert 'role="alert"' in live.line.value
    live.post(lambda: None)
    assert live.error is None
    assert 'role="alert"' not in live.line.value


def test_a_closed_panel_lets_go_of_its_runs(live: Live[Trainer]) -> None:
    live.close()
    assert (live.runs, live.snapshots.kept) == ([], [])
    with pytest.raises(UserError, match="This panel is closed"):
        live.run.step  # noqa: B018


class Asked:
    """A run that only keeps what is asked of it."""

    settings = None
    progress = 0.0

    def __init__(self, turns: tuple[str, ...]) -> None:
        self.method = SimpleNamespace(turns=turns)
        self.step = 0
        self.turn = ""
        self.asked: list[str] = []

    def train_step(self) -> None:
        self.asked.append("step")
        self.step += 1
        self.turn = ""

    def half_step(self, turn: str) -> None:
        self.asked.append(turn)
        last = turn == self.method.turns[-1]
        self.step += last
        self.turn = "" if last else turn

    def state(self) -> dict[str, Any]:
        return {"players": [], "step": self.step, "turn": self.turn}

    def restore(self, state: dict[str, Any]) -> None:
        self.step, self.turn = state["step"], state["turn"]

    def change(self, **settings: Any) -> dict[str, tuple[Any, Any]]:
        return {}

    def branch(self) -> "Asked":
        raise NotImplementedError


@pytest.mark.parametrize(
    ("turns", "asked"),
    [
        (("sleep", "wake", "dream"), ["sleep", "wake", "dream", "sleep", "wake"]),
        (("only",), ["only"] * 5),
        ((), ["step"] * 5),
    ],
)
def test_slow_motion_takes_a_methods_turns_in_their_order_or_whole_steps_where_it_has_none(
    turns: tuple[str, ...], asked: list[str]
) -> None:
    run = Asked(turns)
    seen: list[int] = []

    def show() -> str:
        seen.append(len(run.asked))
        return ""

    live = Live(run, show)
    live.slow = 1e-6

    async def work() -> None:
        live.play()
        await until(lambda: len(run.asked) >= 5)
        live.pause()

    drive(work())
    assert run.asked[:5] == asked
    assert set(range(6)) <= set(seen)  # each of them is shown


def test_slow_motion_goes_on_where_a_step_was_left(live: Live[Trainer]) -> None:
    other = live.run.branch()
    live.half_step("discriminator")
    live.snapshots.kept.clear()
    live.set(lr_generator=1e-3)  # keeps the moment in the middle of a step
    live.rewind(0)
    live.slow = 1e-6

    async def work() -> None:
        live.play()
        await until(lambda: live.step_now >= 2)
        live.pause()

    drive(work())
    live.slow = 0
    while other.step < live.step_now:
        other.train_step()
    if live.run.turn:
        live.step()
        other.train_step()
    assert same(weights(live.run), weights(other))


def test_pictures_take_a_bounded_share_of_the_time(trainer: Trainer) -> None:
    shown = []

    def slow_picture() -> str:
        threading.Event().wait(0.02)
        shown.append(time.monotonic())
        return ""

    live = Live(trainer, slow_picture, share=0.1)

    async def work() -> None:
        live.play()
        await until(lambda: len(shown) >= 9)
        live.pause()

    drive(work())
    assert shown[8] - shown[6] >= 2 * 0.2  # 0.02 s are a tenth of that


def test_playing_needs_a_loop(live: Live[Trainer]) -> None:
    with pytest.raises(UserError, match=r"use step\(n\)"):
        live.play()
    assert not live.playing


def test_a_run_with_an_end_stops_there(trainer: Trainer) -> None:
    trainer.change(steps=7)
    live = Live(trainer, lambda: "")

    async def work() -> None:
        live.play()
        await until(lambda: not live.playing)

    drive(work())
    assert trainer.step == 7
    assert live.message == "The run is done at step 7."


@pytest.fixture
def idle_kernel() -> Iterator[None]:
    """ipykernel ignores interrupts while no cell runs."""
    usual = signal.signal(signal.SIGINT, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGINT, usual)


@pytest.mark.usefixtures("idle_kernel")
def test_an_interrupt_pauses_and_keeps_everything(live: Live[Trainer]) -> None:
    other = live.run.branch()

    async def work() -> None:
        live.play()
        await until(lambda: live.step_now >= 5)
        os.kill(os.getpid(), signal.SIGINT)
        await until(lambda: not live.playing)

    drive(work())
    assert live.message == f"Interrupted at step {live.step_now}: everything is kept."
    assert live.message in live.line.value
    while other.step < live.step_now:
        other.train_step()
    assert same(weights(live.run), weights(other))


def test_closing_leaves_no_task(live: Live[Trainer]) -> None:
    async def work() -> None:
        live.slow = 60
        live.play()
        await asyncio.sleep(0.01)
        live.close()

    drive(work())
    assert not live.playing
    with pytest.raises(UserError, match="closed"):
        live.play()


def test_a_panel_that_nobody_sees_any_more_pauses(live: Live[Trainer], monkeypatch: Any) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.05)
    asked: list[dict[str, Any]] = []
    monkeypatch.setattr(live.presence, "send", asked.append)
    gone: dict[str, Any] = {"gone": True}

    async def work() -> None:
        live.play()
        live.presence._handle_custom_msg({"here": True}, [])
        live.presence._handle_custom_msg(gone, [])
        live.presence._handle_custom_msg({"here": True}, [])  # a second tab
        await asyncio.sleep(0.1)
        assert live.playing
        live.presence._handle_custom_msg(gone, [])
        await until(lambda: not live.playing)

    drive(work())
    assert asked == [{"ask": True}, {"ask": True}]
    assert "no view of this panel was in sight" in live.message


# A loop of anything


def test_a_loop_does_its_work_until_that_says_pause() -> None:
    done: list[int] = []

    def work() -> None:
        done.append(len(done))
        if len(done) == 5:
            loop.pause("Five.")

    loop = Loop(work, lambda: f"{len(done)} done.", lambda: "Interrupted.", instead="five()")
    with pytest.raises(UserError, match=r"use five\(\) here"):
        loop.play()

    async def play() -> None:
        loop.play("At it.")
        assert "At it. 0 done." in loop.line.value
        await until(lambda: not loop.playing)

    drive(play())
    assert done == [0, 1, 2, 3, 4]
    assert "Five. 5 done." in loop.line.value


def test_each_of_fifty_pieces_a_second_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0

    def spend(seconds: float) -> str:
        nonlocal now
        now += seconds
        return ""

    def work() -> None:
        spend(0.0)

    monkeypatch.setattr("time.perf_counter", lambda: now)
    loop = Loop(work, lambda: spend(0.005), lambda: "", frames=60)
    loop.playing, loop.speed = True, 50.0
    begin = now
    for _ in range(50):
        now = max(now, loop._next())
        loop._slice()
    assert now - begin == pytest.approx(1, abs=0.03)
    assert loop.drawn == 50


def test_slow_work_is_shown_piece_by_piece() -> None:
    done: list[int] = []
    shown: list[int] = []

    def work() -> None:
        done.append(len(done))

    def show() -> str:
        shown.append(len(done))
        return ""

    loop = Loop(work, show, lambda: "", slow=1e-6)

    async def play() -> None:
        loop.play()
        await until(lambda: len(done) >= 6)
        loop.pause()

    drive(play())
    assert set(range(6)) <= set(shown)


@pytest.mark.parametrize("error", [ZeroDivisionError("lost"), UserError("No more.")])
def test_work_that_fails_is_not_tried_again(error: Exception) -> None:
    tried = []

    def work() -> None:
        tried.append(1)
        raise error

    loop = Loop(work, lambda: "", lambda: "")

    async def play() -> None:
        loop.play()
        await until(lambda: bool(tried))

    drive(play())
    assert len(tried) == 1
    assert loop.error is error
    assert str(error) in loop.line.value


# Callbacks


def test_callbacks_of_another_thread_work_on_the_loop(trainer: Trainer) -> None:
    threads = []

    async def work() -> None:
        live = Live(trainer, lambda: "")
        poster = threading.Thread(
            target=live.post, args=(lambda: threads.append(threading.current_thread()),)
        )
        poster.start()
        poster.join()
        assert threads == []  # not there and then
        await until(lambda: bool(threads))

    drive(work())
    assert threads == [threading.main_thread()]


def test_a_refused_value_is_said_and_training_goes_on(live: Live[Trainer]) -> None:
    async def work() -> None:
        live.play()
        live.post(lambda: live.set(lr_generator=5))
        assert "lr_generator is 5; choose a number from 0 to 0.1" in live.message
        assert 'role="alert"' in live.line.value
        await until(lambda: live.step_now >= 5)
        live.pause()

    drive(work())
    assert live.marks == []
    live.set(lr_generator=1e-3)
    assert live.error is None


def test_a_failing_callback_stops_and_is_shown(live: Live[Trainer]) -> None:
    live.post(lambda: 1 / 0)
    assert isinstance(live.error, ZeroDivisionError)
    assert "This failed: ZeroDivisionError: division by zero" in live.line.value
    assert "Traceback" in live.line.value


def test_a_failing_picture_stops_playing_and_is_shown(trainer: Trainer) -> None:
    def fail() -> str:
        raise ValueError("no <ink>")

    live = Live(trainer, fail)

    async def work() -> None:
        live.play()
        await until(lambda: not live.playing)

    drive(work())
    assert isinstance(live.error, ValueError)
    assert "no &lt;ink&gt;" in live.line.value


def test_divergence_stops_and_offers_the_way_back(live: Live[Trainer]) -> None:
    live.step(30)
    good = weights(live.run)

    async def work() -> None:
        spoil(live.run)
        live.play()
        await until(lambda: not live.playing)

    drive(work())
    assert isinstance(live.error, Diverged)
    assert live.message.startswith("The discriminator's loss became nan at step 30")
    assert 'role="alert"' in live.line.value
    assert "You can rewind to step 25." in live.line.value
    live.rewind(25)
    live.step(5)
    assert same(weights(live.run), good)
    assert live.error is None


def test_no_snapshot_is_kept_of_weights_that_are_no_numbers(live: Live[Trainer]) -> None:
    live.step(3)
    spoil(live.run)
    live.set(lr_generator=1e-4)
    assert live.snapshots.steps == [0]
    with pytest.raises(Diverged):
        live.step()
    assert live.message.endswith("You can rewind to step 0.")


# Snapshots


def snapshot(step: int, numbers: int = 250) -> Snapshot:
    return Snapshot(step, [{"generator": {"w": torch.zeros(numbers)}, "rng": [torch.zeros(0)]}], [])


def test_snapshots_are_bounded_and_spread_over_the_run() -> None:
    kept = Snapshots(limit=0.0101, every=10)  # ten snapshots of 1 kB
    for step in range(0, 1001):
        if kept.due(step):
            kept.add(snapshot(step))
            assert kept.megabytes <= kept.limit
    steps = kept.steps
    assert steps[0] == 0
    assert 5 <= len(steps) <= 10
    gaps = [b - a for a, b in itertools.pairwise(steps[:-1])]
    assert max(gaps) <= 2 * min(gaps)
    assert steps[-1] >= 1000 - kept.every


def test_snapshots_are_bounded_in_number_and_keeps_two_whatever_their_size() -> None:
    kept = Snapshots(limit=1, most=6, every=1)
    for step in range(100):
        kept.add(snapshot(step, 1))
    assert len(kept.steps) <= 6
    assert kept.steps[-1] == 99
    kept = Snapshots(limit=1e-9)
    for step in (0, 30, 60):
        kept.add(snapshot(step))
    assert kept.steps == [0, 60]


def test_rewinding_and_going_on_is_as_if_nothing_had_been(live: Live[Trainer]) -> None:
    live.step(60)
    end = weights(live.run)
    assert live.snapshots.steps == [0, 25, 50]
    live.rewind(25)
    assert live.step_now == len(live.run.history) == 25
    assert live.snapshots.steps == [0, 25, 50]  # forth again is possible
    live.rewind(50)
    live.rewind(25)
    live.step(35)
    assert same(weights(live.run), end)


def test_another_way_forgets_the_old_one(live: Live[Trainer]) -> None:
    live.step(30)
    live.set(lr_generator=1e-4)
    live.step(30)
    live.rewind(30)  # kept when the setting was changed: the moment before
    assert live.run.settings.lr_generator == 3e-3
    assert live.marks == []
    live.rewind(55)
    assert live.run.settings.lr_generator == 1e-4
    assert [mark.letter for mark in live.marks] == ["a"]
    live.rewind(25)
    live.step(1)
    assert live.snapshots.steps == [0, 25]


def test_there_is_no_going_back_to_a_step_that_was_not_kept(live: Live[Trainer]) -> None:
    live.step(26)
    with pytest.raises(UserError, match=r"no snapshot of step 7\. Choose one of 0, 25"):
        live.rewind(7)


def test_one_move_in_several_pushes_is_one_mark(live: Live[Trainer]) -> None:
    for rate in (1e-3, 2e-3, 1e-4):
        live.set(lr_generator=rate)
    assert [(mark.old, mark.new) for mark in live.marks] == [(3e-3, 1e-4)]
    live.set(lr_generator=3e-3)  # and back: no move at all
    assert live.marks == []


# Branches


def test_a_branch_differs_in_one_setting_and_sees_the_same_data(
    live: Live[Trainer], monkeypatch: pytest.MonkeyPatch
) -> None:
    live.step(10)
    live.branch(lr_generator=0.0)
    first, second = live.runs
    before = weights(second)
    seen: dict[int, list[Tensor]] = {0: [], 1: []}
    for i, run in enumerate(live.runs):
        original = run.next_batch

        def spy(i: int = i, original: Callable[[], dict[str, Tensor]] = original) -> Any:
            batch = original()
            seen[i].append(batch["samples"])
            return batch

        monkeypatch.setattr(run, "next_batch", spy)
    live.step(12)  # over the end of an epoch
    assert len(seen[0]) == 12
    assert same(seen[0], seen[1])
    assert first.rng.get_state().equal(second.rng.get_state())
    assert same(weights(second), before)  # a rate of 0
    assert not same(weights(first), before)
    (mark,) = live.marks
    assert (mark.run, mark.step) == (1, 10)
    assert "run 2" in str(mark)


def test_a_branch_without_a_difference_stays_the_same(live: Live[Trainer]) -> None:
    live.step(10)
    live.branch()
    live.step(10)
    assert same(weights(live.runs[0]), weights(live.runs[1]))
    live.set(beta1=0.5)  # moves the second only
    assert [run.settings.beta1 for run in live.runs] == [0.0, 0.5]


@pytest.mark.parametrize("kept", [0, 1])
def test_one_of_two_runs_is_kept(live: Live[Trainer], kept: int) -> None:
    live.step(10)
    live.set(beta1=0.1)
    live.branch(lr_generator=1e-4)
    live.active = 0
    live.set(lr_discriminator=1e-4)
    live.step(30)
    chosen = live.runs[kept]
    end = weights(chosen)
    live.keep(kept)
    assert live.runs == [chosen]
    names = [mark.name for mark in live.marks]
    assert names == ["beta1", ["lr_discriminator", "lr_generator"][kept]]
    assert all(len(each.states) == 1 for each in live.snapshots.kept)
    live.rewind(live.snapshots.steps[-1])
    live.step(40 - live.step_now)
    assert same(weights(live.run), end)
    with pytest.raises(UserError, match="choose from 0 to 0"):
        live.keep(1)


def test_rewinding_behind_the_branch_and_forth_again(live: Live[Trainer]) -> None:
    live.step(30)
    live.branch(lr_generator=1e-4)
    live.step(30)
    ends = [weights(run) for run in live.runs]
    live.rewind(25)
    assert len(live.runs) == 1
    assert live.active == 0
    live.rewind(55)
    assert [run.settings.lr_generator for run in live.runs] == [3e-3, 1e-4]
    live.step(5)
    assert all(same(weights(run), end) for run, end in zip(live.runs, ends, strict=True))


def test_what_a_branch_refuses_changes_nothing(live: Live[Trainer]) -> None:
    with pytest.raises(UserError, match="beta1 is 2"):
        live.branch(beta1=2)
    assert len(live.runs) == 1
    live.branch()
    with pytest.raises(UserError, match="two runs already"):
        live.branch()


def test_the_run_that_diverges_is_named(live: Live[Trainer]) -> None:
    live.branch()
    spoil(live.runs[1])
    with pytest.raises(Diverged, match="Run 2: The discriminator's loss became nan at step 0"):
        live.step()


def test_starting_over(live: Live[Trainer], trainer: Trainer) -> None:
    fresh = trainer.branch()
    live.step(30)
    live.set(beta1=0.5)
    live.reset(fresh)
    assert live.snapshots.steps == [0]
    assert live.marks == []
    assert live.message == "Ready."


def test_letters_go_on_after_z(live: Live[Trainer]) -> None:
    for i in range(27):
        live.step()
        live.set(beta1=0.5 + 0.01 * i)
    assert [mark.letter for mark in live.marks][-2:] == ["z", "za"]


def test_networks_of_your_own_can_branch(trainer: Trainer) -> None:
    networks = {
        "generator": nn.Sequential(nn.Linear(4, 784), nn.Unflatten(1, (1, 28, 28))),
        "discriminator": nn.Sequential(nn.Flatten(), nn.Linear(784, 1), nn.Flatten(0)),
    }
    live = Live(Trainer(trainer.samples, SMALL, networks), lambda: "")
    live.branch()
    live.step(3)
    assert same(weights(live.runs[0]), weights(live.runs[1]))
