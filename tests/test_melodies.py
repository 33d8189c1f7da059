"""Melodies by rules, tunes, notes and sounds; bars that are written one after another."""

import asyncio
import io
import re
import wave
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from gan_lessons import plotting
from gan_lessons.data import melodies
from gan_lessons.data.melodies import BARS, HOLD, REST, SIGNS, STEPS, Note
from gan_lessons.errors import UserError
from gan_lessons.networks import SentenceGenerator
from gan_lessons.studies import melodies as study
from gan_lessons.widgets import MelodyPlayer, ahead
from gan_lessons.widgets.cells import CELLS

torch.set_num_threads(1)


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


MELODIES = melodies.compose(200, rng())


def test_what_is_composed_keeps_to_every_rule_and_varies() -> None:
    assert MELODIES.shape == (200, BARS, STEPS)
    assert melodies.score(MELODIES) == (1, 1, 1, 1)
    assert len({tuple(each.flatten().tolist()) for each in MELODIES}) == 200
    assert (MELODIES == REST).any()
    assert torch.equal(MELODIES, melodies.compose(200, rng()))


def test_chance_keeps_to_few_rules() -> None:
    found = melodies.score(torch.randint(SIGNS, (200, BARS, STEPS), generator=rng()))
    assert found.scale == pytest.approx(12 / 20, abs=0.03)
    assert max(found.metre, found.leaps, found.cadence) < 0.25


@pytest.mark.parametrize(
    ("rule", "place", "sign"), [("scale", 0, 1), ("metre", 1, 0), ("cadence", 56, 4)]
)
def test_each_rule_is_missed_by_what_breaks_it(rule: str, place: int, sign: int) -> None:
    tune = "C4:4 D4:4 E4:4 D4:4 " * 3 + "E4:8 C4:8"
    good = melodies.encode(tune).view(1, BARS, STEPS)
    assert melodies.score(good) == (1, 1, 1, 1)
    broken = good.clone()
    broken.view(-1)[place] = sign
    assert getattr(melodies.score(broken), rule) < 1


def test_notes_are_read_and_rests_are_none() -> None:
    signs = torch.tensor([HOLD, 0, HOLD, REST, HOLD, 12, 12, HOLD])
    assert melodies.notes(signs) == [Note(1, 2, 60), Note(5, 1, 72), Note(6, 2, 72)]
    assert melodies.notes(torch.full((16,), REST)) == []
    tune = melodies.encode("C4:2 R:3 G5:1")
    assert tune.tolist() == [0, HOLD, REST, HOLD, HOLD, 19]


@pytest.mark.parametrize("name", melodies.TUNES)
def test_tunes_are_four_bars_in_c_major(name: str) -> None:
    tune = melodies.encode(melodies.TUNES[name])
    assert len(tune) == BARS * STEPS
    assert melodies.score(tune.view(1, BARS, STEPS)).scale == 1


def test_what_is_no_note_gets_a_sentence() -> None:
    for wrong in ("H4:4", "C4", "C4:0", "C:4", "C4:x"):
        with pytest.raises(UserError, match="is no note; write it like C4:4"):
            melodies.encode(wrong)
    for wrong in ("B3:4", "A5:4"):
        with pytest.raises(UserError, match="out of range: from C4 to G5"):
            melodies.encode(wrong)
    with pytest.raises(UserError, match="no melody to score"):
        melodies.score(torch.empty(0, BARS, STEPS))


def loudest(sound: melodies.Sound) -> float:
    """Hertz of the highest peak of the spectrum."""
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    return float(spectrum.argmax() * melodies.RATE / len(sound))


def test_a_note_sounds_at_its_pitch_and_a_rest_not_at_all() -> None:
    sound = melodies.render(melodies.encode("A4:8 R:8 C5:8"), tempo=60)
    second = melodies.RATE
    assert len(sound) == 6 * second + 1
    assert np.abs(sound).max() <= 1
    assert loudest(sound[: 2 * second]) == pytest.approx(440, abs=1)
    assert not sound[2 * second : 4 * second].any()
    assert loudest(sound[4 * second :]) == pytest.approx(523.25, abs=1)
    faster = melodies.render(melodies.encode("A4:8"), tempo=120)
    assert len(faster) == second + 1
    assert loudest(faster) == pytest.approx(440, abs=1)
    with pytest.raises(UserError, match="tempo is 5; choose 20 to 400"):
        melodies.render(MELODIES[0], tempo=5)


def test_a_sound_is_a_wav_file_that_others_read() -> None:
    sound = melodies.render(melodies.encode("A4:8"), tempo=240)
    with wave.open(io.BytesIO(melodies.wav(sound))) as file:
        assert (file.getnchannels(), file.getframerate()) == (1, melodies.RATE)
        read = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2") / 32767
    assert np.allclose(read, sound, atol=1e-4)


# Bars, one after another


def test_each_bar_is_told_the_one_before_and_its_number() -> None:
    told = melodies.as_sentences(MELODIES[:3])
    assert told.shape == (12, STEPS, SIGNS + melodies.TOLD)
    assert torch.equal(melodies.as_signs(told).view(3, BARS, STEPS), MELODIES[:3])
    before = told[..., SIGNS : 2 * SIGNS].argmax(2).view(3, BARS, STEPS)
    assert torch.equal(before[:, 1:], MELODIES[:3, :-1])
    assert (before[:, 0] == REST).all()
    assert torch.equal(told[..., 2 * SIGNS :].argmax(2)[:, 0], torch.arange(12) % BARS)


def test_melodies_are_written_bar_by_bar_from_an_opening() -> None:
    torch.manual_seed(0)
    seen: list[Tensor] = []

    class Spy(SentenceGenerator):
        def forward(self, inputs: Tensor, softness: float = 1.0) -> Tensor:
            seen.append(inputs)
            return super().forward(inputs, softness)

    generator = Spy(SIGNS, 16, melodies.TOLD)
    opening = melodies.encode("C4:4 D4:4 E4:8")
    written = study.play(generator, 5, seed=3, opening=opening)
    assert written.shape == (5, BARS, STEPS)
    assert (written[:, 0] == opening).all()
    assert len(seen) == BARS - 1
    for bar, inputs in enumerate(seen):
        assert torch.equal(inputs[..., SIGNS : 2 * SIGNS].argmax(2), written[:, bar])
    assert torch.equal(written, study.play(generator, 5, seed=3, opening=opening))
    cold = study.play(generator, 5, temperature=0.0)
    assert (cold == cold[:1]).all()
    assert not torch.equal(study.play(generator, 5, seed=1), study.play(generator, 5, seed=2))


def test_a_game_of_bars_begins() -> None:
    run = study.start()
    run.train_step(2)
    assert run.sample(run.inputs(3)).shape == (3, STEPS, SIGNS + melodies.TOLD)


# The stored study

STORED = study.load()


def test_the_stored_runs_are_all_there_and_those_of_this_code() -> None:
    wanted = [(arm, seed) for seed in range(study.SEEDS) for arm in study.ARMS]
    assert [(run.arm, run.seed) for run in STORED] == wanted
    assert study.SEEDS >= 3
    for run in STORED:
        assert run.plan == study.checksum(run.arm), "settings changed: train again"
        assert len(run.scores) == len(run.bars) == len(study.TEMPERATURES)


@pytest.mark.parametrize("arm", study.ARMS)
def test_a_run_begins_as_its_stored_one_on_any_processor(arm: str) -> None:
    stored = next(run for run in STORED if (run.arm, run.seed) == (arm, 2))
    trainer = study.start(replace(study.ARMS[arm], seed=2))
    trainer.train_step(study.EARLY)
    assert study.early_number(trainer) == pytest.approx(stored.early, rel=0.02)


def test_runs_are_stored_as_they_end_and_gone_on_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small: Any = replace(study.SETTINGS, steps=4)
    monkeypatch.setattr(study, "ARMS", {"game": small})
    monkeypatch.setattr(study, "EARLY", 2)
    monkeypatch.setattr(study, "PLAYED", 10)
    path = tmp_path / "melodies.json"
    one = next(study.train_all(path, seeds=1))
    assert study.load(path) == [one]
    assert all(0 <= share <= 1 for score in one.scores for share in score)
    (other,) = study.train_all(path, seeds=2)
    assert (other.seed, study.load(path)) == (1, [one, other])


def test_different_bars_are_counted() -> None:
    assert study.different_bars(torch.zeros(3, BARS, STEPS, dtype=torch.long)) == 1
    assert study.different_bars(MELODIES[:2].repeat(2, 1, 1)) <= 2 * BARS


def test_what_the_lesson_says_of_the_table() -> None:
    scores = {
        arm: [[melodies.Score(*score) for score in run.scores] for run in STORED if run.arm == arm]
        for arm in study.ARMS
    }
    at_one = study.TEMPERATURES.index(1.0)
    for game, likelihood in zip(scores["game"], scores["likelihood"], strict=True):
        assert 0.85 < likelihood[at_one].leaps < 0.88
        assert 0.475 < game[at_one].leaps < 0.695
        for one in (game[at_one], likelihood[at_one]):
            assert min(one.scale, one.metre, one.cadence) > 0.85
        for colder, hotter in pairwise(game):
            assert colder.leaps >= hotter.leaps
    for run in STORED:
        assert run.bars == sorted(run.bars)
        assert run.bars[0] <= 4
    assert study.table(STORED).count("\n") == len(study.ARMS) * len(study.TEMPERATURES)


# The panel


def test_the_player_shows_and_sounds_what_is_written() -> None:
    torch.manual_seed(0)
    player = MelodyPlayer(SentenceGenerator(SIGNS, 16, melodies.TOLD))
    assert player.png.startswith(b"\x89PNG")
    assert bytes(player.sound.value).startswith(b"RIFF")
    assert re.match(r"\d+ notes; \d+% of them in C major, \d+% in metre\.", player.sentence)
    before, heard = player.png, len(player.sound.value)
    player.set(tempo=300)
    assert player.png == before
    assert len(player.sound.value) < 0.5 * heard
    player.set(temperature=0.3)
    assert player.png != before
    player.set(opening="Frère Jacques", tempo=140)
    assert player.sound in player.children
    with pytest.raises(UserError, match="There is no control 'pitch'"):
        player.set(pitch=3)
    player.close()


def test_the_next_stop_made_ahead_is_not_heard_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "SOON", 0.0)
    monkeypatch.setattr(ahead, "QUICK", 60.0)
    monkeypatch.setattr(CELLS, "running", False)
    torch.manual_seed(0)
    player, fresh = (MelodyPlayer(SentenceGenerator(SIGNS, 16, melodies.TOLD)) for _ in range(2))
    fresh.generator = player.generator

    async def go() -> None:
        for tempo in (150, 160, 170):
            player.controls["tempo"].value = tempo
            await asyncio.sleep(0.02)
            fresh.set(tempo=tempo)
            assert player.sound.value == fresh.sound.value
            assert player.sentence == fresh.sentence
            assert player._ahead._beside  # the next one is made

    asyncio.run(go())


def test_a_piano_roll_has_a_bar_for_each_note() -> None:
    figure = plotting.piano_roll({"one": [Note(0, 4, 60), Note(8, 2, 72)], "none": []})
    one, none = figure.axes
    boxes = [bar.get_extents().transformed(one.transData.inverted()) for bar in one.patches]
    assert [(round(box.x0), round(box.width)) for box in boxes] == [(0, 4), (8, 2)]
    assert not none.patches
    assert one.get_title(loc="left") == "one"
