"""Melodies on a grid of sixteenths: made by rules, so that keeping to the rules can be counted.

A bar has `STEPS` places. At each stands one sign (one-hot, `SIGNS` numbers): a note that begins,
`HOLD` (the note before goes on), or `REST`. The note of sign i has the MIDI pitch `LOWEST` + i;
every semitone has a sign, also those that no melody here uses.

The rules: C major only; notes of 2, 4 or 8 sixteenths that begin on a multiple of their own length
(*metre*), from one note to the next at most `LEAP` steps of the scale; the last of four bars ends
on C, held for half a bar (*cadence*).
"""

import io
import wave
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from gan_lessons.errors import UserError

Sound = np.ndarray[tuple[int], np.dtype[np.float32]]
STEPS, BARS = 16, 4
LOWEST, HIGHEST = 60, 79  # MIDI pitches: middle C to the G above the next C
REST = HIGHEST - LOWEST + 1
HOLD = REST + 1
SIGNS = HOLD + 1
TOLD = SIGNS + BARS  # numbers that each place is told: the bar before, and which bar this is
SCALE = (0, 2, 4, 5, 7, 9, 11)  # of C major, semitones above C
LADDER = [pitch - LOWEST for pitch in range(LOWEST, HIGHEST + 1) if pitch % 12 in SCALE]
LEAP = 2
LENGTHS = (2, 4, 8)  # sixteenths

# Openings of tunes in the public domain, brought to C major and 4/4, as "pitch:sixteenths".
TUNES = {
    # Beethoven, Symphony No. 9 op. 125 (Schott, 1826), finale, bars 92–95, from D to C major.
    "Ode to Joy": "E4:4 E4:4 F4:4 G4:4 G4:4 F4:4 E4:4 D4:4 C4:4 C4:4 D4:4 E4:4 E4:6 D4:2 D4:8",
    # "Ah! vous dirai-je, maman", France, printed by Bouin about 1761.
    "Ah! vous dirai-je": "C4:4 C4:4 G4:4 G4:4 A4:4 A4:4 G4:8 F4:4 F4:4 E4:4 E4:4 D4:4 D4:4 C4:8",
    # "Frère Jacques", France, 18th century; the tune was in print by 1811 (La Clé du Caveau).
    "Frère Jacques": "C4:4 D4:4 E4:4 C4:4 C4:4 D4:4 E4:4 C4:4 E4:4 F4:4 G4:8 E4:4 F4:4 G4:8",
    # "Hänschen klein", Germany, 19th century; words by Franz Wiedemann (1821–1882).
    "Hänschen klein": "G4:4 E4:4 E4:8 F4:4 D4:4 D4:8 C4:4 D4:4 E4:4 F4:4 G4:4 G4:4 G4:8",
    # "Au clair de la lune", France, 18th century.
    "Au clair de la lune": "C4:4 C4:4 C4:4 D4:4 E4:8 D4:8 C4:4 E4:4 D4:4 D4:4 C4:16",
    # "Alle meine Entchen", Germany, 19th century.
    "Alle meine Entchen": "C4:4 D4:4 E4:4 F4:4 G4:8 G4:8 A4:4 A4:4 A4:4 A4:4 G4:16",
    # "London Bridge", England; this tune in print by 1879.
    "London Bridge": "G4:6 A4:2 G4:4 F4:4 E4:4 F4:4 G4:8 D4:4 E4:4 F4:8 E4:4 F4:4 G4:8",
    # "Mary Had a Little Lamb", United States, 19th century; words by Sarah Josepha Hale (1830).
    "Mary Had a Little Lamb": "E4:4 D4:4 C4:4 D4:4 E4:4 E4:4 E4:8 D4:4 D4:4 D4:8 E4:4 G4:4 G4:8",
}
NAMES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}


def compose(n: int, rng: torch.Generator) -> Tensor:
    """n melodies by the rules, as signs: (n, BARS, STEPS)."""
    return torch.stack([_compose(rng) for _ in range(n)])


def _compose(rng: torch.Generator) -> Tensor:
    signs = torch.full((BARS * STEPS,), HOLD)
    rung, place = _draw(8, rng), 0
    while place < BARS * STEPS - 8:
        fitting = [length for length in LENGTHS if place % length == 0]
        length = fitting[_draw(len(fitting), rng)]
        rests = _draw(12, rng) == 0
        signs[place] = REST if rests else LADDER[rung]
        place += length
        if not rests:
            rung = min(max(rung + _draw(2 * LEAP + 1, rng) - LEAP, 0), len(LADDER) - 1)
    signs[place] = 0 if rung <= 5 else 12  # the nearer C
    return signs.view(BARS, STEPS)


def _draw(below: int, rng: torch.Generator) -> int:
    return int(torch.randint(below, (1,), generator=rng))


def encode(tune: str) -> Tensor:
    """Signs of a tune such as ``"C4:4 R:4 G4:8"``, pitch or R for a rest, and sixteenths: (T,).

    Raises:
        UserError: a note that cannot be read, or is too low or too high.
    """
    signs: list[int] = []
    for note in tune.split():
        name, colon, length = note.partition(":")
        octave = name[1:]
        known = name == "R" or (name[:1] in NAMES and octave.isdecimal())
        if not colon or not known or not length.isdecimal() or int(length) < 1:
            raise UserError(f"{note!r} is no note; write it like C4:4, or R:4 for a rest.")
        sign = REST if name == "R" else 12 * (int(octave) + 1) + NAMES[name[0]] - LOWEST
        if not 0 <= sign <= REST:
            raise UserError(f"{note!r} is out of range: from C4 to G5 there are signs.")
        signs += [sign, *[HOLD] * (int(length) - 1)]
    return torch.tensor(signs)


def as_sentences(melodies: Tensor) -> Tensor:
    """Every bar of melodies (N, BARS, STEPS) of signs, with what it is told:
    (N · BARS, STEPS, SIGNS + TOLD). Before the first bar there is silence.
    """
    silence = torch.full_like(melodies[:, :1], REST)
    before = torch.cat([silence, melodies[:, :-1]], dim=1)
    which = torch.arange(BARS).view(1, BARS, 1).expand_as(melodies)
    parts = [
        torch.nn.functional.one_hot(numbers, size).float()
        for numbers, size in ((melodies, SIGNS), (before, SIGNS), (which, BARS))
    ]
    return torch.cat(parts, dim=3).flatten(0, 1)


def as_signs(sentences: Tensor) -> Tensor:
    """The signs of bars (N, STEPS, SIGNS + …): (N, STEPS)."""
    return sentences[..., :SIGNS].argmax(dim=2)


class Note(NamedTuple):
    """One note of a melody."""

    start: int  # place, in sixteenths
    length: int  # in sixteenths
    pitch: int  # MIDI; middle C is 60


def notes(signs: Tensor) -> list[Note]:
    """The notes of a melody (…) of signs, bars one after another; rests, held or not, are none."""
    found: list[Note] = []
    sounding = False
    for place, sign in enumerate(signs.flatten().tolist()):
        if sign < REST:
            found.append(Note(place, 1, LOWEST + sign))
        if sign == HOLD and sounding:
            found[-1] = found[-1]._replace(length=found[-1].length + 1)
        sounding = sign < REST or (sign == HOLD and sounding)
    return found


class Score(NamedTuple):
    """Shares in melodies that keep to the rules; those made by `compose` have 1 everywhere."""

    scale: float  # of notes that belong to C major
    metre: float  # of notes whose length is one of `LENGTHS` and divides their place
    leaps: float  # of steps from note to note that are at most `LEAP` rungs, both in the scale
    cadence: float  # of melodies that end on C, on the last half bar


def score(melodies: Tensor) -> Score:
    """Count how melodies (N, BARS, STEPS) of signs keep to the rules.

    The last note of a melody may be reached by any step. A share of nothing is 0.

    Raises:
        UserError: there is no melody, or the shape is another one.
    """
    if melodies.shape[1:] != (BARS, STEPS):
        raise UserError(
            f"Melodies have the shape (N, {BARS}, {STEPS}), not {tuple(melodies.shape)}; "
            f"view(-1, {BARS}, {STEPS}) makes it so."
        )
    if len(melodies) == 0:
        raise UserError("There is no melody to score: give at least one.")
    scale, metre, leaps, cadence = [], [], [], []
    for melody in melodies:
        played = notes(melody)
        scale += [note.pitch - LOWEST in LADDER for note in played]
        metre += [note.length in LENGTHS and note.start % note.length == 0 for note in played]
        rungs = [
            LADDER.index(note.pitch - LOWEST) if note.pitch - LOWEST in LADDER else None
            for note in played[:-1]
        ]
        for one, two in pairwise(rungs):
            leaps.append(one is not None and two is not None and abs(one - two) <= LEAP)
        last = played[-1] if played else Note(0, 0, 0)
        cadence.append(last.pitch % 12 == 0 and last.length == 8 and last.start == STEPS * BARS - 8)
    return Score(*(sum(each) / max(len(each), 1) for each in (scale, metre, leaps, cadence)))


RATE = 8000  # samples a second
BASE = 440.0  # Hz, of the A with the MIDI pitch 69


def render(signs: Tensor, tempo: float = 100) -> Sound:
    """The sound of a melody (…) of signs: samples in [−1, 1], `RATE` a second.

    Args:
        signs: of a melody.
        tempo: quarters a minute, from 20 to 400.

    Raises:
        UserError: a tempo out of range.
    """
    if not 20 <= tempo <= 400:
        raise UserError(f"tempo is {tempo}; choose 20 to 400 quarters a minute.")
    sixteenth = 15 / tempo  # seconds
    sound = np.zeros(int(RATE * sixteenth * signs.numel()) + 1, dtype=np.float32)
    for start, length, pitch in notes(signs):
        time = np.arange(int(RATE * sixteenth * length)) / RATE
        phase = 2 * np.pi * BASE * 2 ** ((pitch - 69) / 12) * time
        tone = np.sin(phase) + 0.3 * np.sin(2 * phase) + 0.1 * np.sin(3 * phase)
        # Struck like a string: 5 ms to begin, fading, 20 ms to end; a click would be heard else.
        left = time[-1] - time
        loudness = np.minimum(time / 0.005, 1) * np.exp(-2 * time) * np.minimum(left / 0.02, 1)
        begin = int(RATE * sixteenth * start)
        sound[begin : begin + len(time)] += (0.6 * tone * loudness).astype(np.float32)
    return sound


def wav(sound: Sound) -> bytes:
    """A sound as a WAV file: one channel of 16 bits, `RATE` samples a second."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((sound.clip(-1, 1) * 32767).astype("<i2").tobytes())
    return buffer.getvalue()
