"""Misconceptions of lesson 16, each with a piece of the sentence that must answer it."""

import torch
import torch.nn.functional as F

from gan_lessons.data import flights, melodies
from gan_lessons.networks import straight_through

HOLD, REST = melodies.HOLD, melodies.REST


def _parts(logits):
    soft = logits.softmax(dim=-1)
    hard = F.one_hot(soft.argmax(dim=-1), logits.shape[-1]).float()
    return hard, soft


def _other_detached(logits):
    hard, soft = _parts(logits)
    return hard + soft.detach() - soft


def _none_detached(logits):
    hard, soft = _parts(logits)
    return hard + soft - soft


def _all_detached(logits):
    hard, soft = _parts(logits)
    return (hard + soft - soft).detach()


def _no_soft_away(logits):
    hard, soft = _parts(logits)
    return hard + soft


def _signs_turned(logits):
    hard, soft = _parts(logits)
    return soft + soft - hard


def _difference(logits):
    hard, soft = _parts(logits)
    return hard - soft.detach()


def _twice(logits):
    hard, soft = _parts(logits)
    return hard + 2 * (soft - soft.detach())


def _of_logits(logits):
    hard, _ = _parts(logits)
    return hard + logits - logits.detach()


def _of_log_softmax(logits):
    hard, _ = _parts(logits)
    log_p = logits.log_softmax(dim=-1)
    return hard + log_p - log_p.detach()


def _of_sigmoid(logits):
    hard, _ = _parts(logits)
    return hard + logits.sigmoid() - logits.sigmoid().detach()


def _first_axis(logits):
    soft = logits.softmax(dim=0)
    hard = F.one_hot(logits.argmax(dim=-1), logits.shape[-1]).float()
    return hard + soft - soft.detach()


def _at_random(logits):
    return F.gumbel_softmax(logits, hard=True)


def _lowest(logits):
    soft = logits.softmax(dim=-1)
    return F.one_hot(logits.argmin(dim=-1), logits.shape[-1]) + soft - soft.detach()


def _with_brackets(logits):
    hard, soft = _parts(logits)
    return (hard - soft).detach() + soft


class _Choice(torch.autograd.Function):
    @staticmethod
    def forward(ctx, soft):
        return F.one_hot(soft.argmax(dim=-1), soft.shape[-1]).float()

    @staticmethod
    def backward(ctx, gradient):
        return gradient


def _by_a_function(logits):
    return _Choice.apply(logits.softmax(dim=-1))


# Frames


def _each(clips):
    return torch.stack([clip[torch.randperm(len(clip))] for clip in clips])


def _one_order(clips):
    return clips[:, torch.randperm(clips.shape[1])]


def _clips_shuffled(clips):
    return clips[torch.randperm(len(clips))]


def _all_frames(clips):
    flat = clips.flatten(0, 1)
    return flat[torch.randperm(len(flat))].view_as(clips)


def _rows(clips):
    return clips[:, :, torch.randperm(clips.shape[2])]


def _pixels(clips):
    flat = clips.flatten(1)
    order = torch.rand(flat.shape).argsort(dim=1)
    return flat.gather(1, order).view_as(clips)


def _with_repeats(clips):
    n, frames = clips.shape[:2]
    return clips[torch.arange(n)[:, None], torch.randint(frames, (n, frames))]


def _moved_along(clips):
    shifts = torch.randint(clips.shape[1], (len(clips),)).tolist()
    return torch.stack([clip.roll(by, 0) for clip, by in zip(clips, shifts, strict=True)])


def _first_stays(clips):
    return torch.cat([clips[:, :1], _each(clips[:, 1:])], dim=1)


def _two_orders(clips):
    half = len(clips) // 2
    return torch.cat([_one_order(clips[:half]), _one_order(clips[half:])])


def _some_left(clips):
    return torch.where((torch.rand(len(clips)) < 0.72).view(-1, 1, 1, 1), _each(clips), clips)


def _by_sorting(clips):
    return flights.shuffle(clips, torch.Generator().manual_seed(3))


def _by_index(clips):
    n, frames = clips.shape[:2]
    order = torch.rand(n, frames).argsort(dim=1)
    return clips[torch.arange(n)[:, None], order]


# Sounds


def _sound(signs, rest=0.0, hold=None, base=60, stop=True):
    found, sounding = [], 0.0
    for sign in signs.tolist():
        if sign == HOLD and hold is not None:
            sounding = hold
        elif sign == REST:
            found.append(rest)
            sounding = rest if stop else sounding
            continue
        elif sign != HOLD:
            sounding = 440 * 2 ** ((base + sign - 69) / 12)
        found.append(sounding)
    return torch.tensor(found)


def _everything(signs):
    return 440 * 2 ** ((60 + signs - 69) / 12)


def _pitches(signs):
    hertz = _sound(signs)
    return torch.where(hertz > 0, 69 + 12 * (hertz / 440).log2(), hertz)


def _starts_sounding(signs):
    first = int(signs[0])
    return _sound(torch.cat([torch.tensor([0]), signs]))[1:] if first == HOLD else _sound(signs)


def _listed(signs):
    return _sound(signs).tolist()


def _none_for_silence(signs):
    return [hertz or None for hertz in _listed(signs)]


def _as_text(signs):
    return [f"{hertz:.2f}" for hertz in _listed(signs)]


def _by_notes(signs):
    found = torch.zeros(len(signs))
    for start, length, pitch in melodies.notes(signs):
        found[start : start + length] = 440 * 2 ** ((pitch - 69) / 12)
    return found


WRONG = {
    "16.1": [
        (_other_detached, "wrong sign"),
        (_none_detached, "gradient is 0"),
        (_all_detached, "a choice alone has none"),
        (lambda logits: _parts(logits)[0], "a choice alone has none"),
        (lambda logits: _parts(logits)[1], "that is the mixture itself"),
        (lambda logits: logits.argmax(dim=-1), "numbers of the letters"),
        (_no_soft_away, "hard + soft comes out"),
        (_signs_turned, "signs are turned"),
        (_difference, "nothing puts the mixture back"),
        (_twice, "2 times softmax's"),
        (_of_logits, "that of the logits"),
        (_of_log_softmax, "not that of softmax(logits)"),
        (_of_sigmoid, "not that of softmax(logits)"),
        (_first_axis, "not that of softmax(logits)"),
        (_at_random, "not at the highest logit"),
        (_lowest, "not at the highest logit"),
        (lambda logits: logits * 0.5, "forward one 1 and else 0s"),
    ],
    "16.2": [
        (_one_order, "order", "one and the same new order"),
        (_clips_shuffled, "order", "other clips"),
        (_all_frames, "order", "other clips"),
        (_rows, "order", "rows or pixels"),
        (_pixels, "order", "rows or pixels"),
        (_with_repeats, "order", "there twice"),
        (_moved_along, "order", "moved along"),
        (lambda clips: clips.flip(1), "order", "one and the same"),
        (lambda clips: clips, "order", "nothing is moved"),
        (_first_stays, "order", "never comes to some place"),
        (_some_left, "order", "are in their old order"),
        (_two_orders, "order", "to some place"),
        (lambda clips: _each(clips)[:, :3], "order", "has shape"),
        (_each, "frames", "one frame at a time"),
        (_each, "both", "each is real"),
        (_each, "neither", "another picture to it"),
        (_each, "time", "none of the choices"),
    ],
    "16.3": [
        (_everything, "played as a note"),
        (lambda signs: _sound(signs, rest=830.61), "one above the highest note"),
        (lambda signs: _sound(signs, rest=523.25), "a rest ends the note"),
        (lambda signs: _sound(signs, rest=0.0009), "a rest ends the note"),
        (lambda signs: 1.0009 * torch.as_tensor(_sound(signs)), "Hz is wanted"),
        (lambda signs: _sound(signs, rest=float("nan")), "stands a rest"),
        (lambda signs: _sound(signs, rest=-1.0), "stands a rest"),
        (lambda signs: _sound(signs, hold=440 * 2 ** ((60 + HOLD - 69) / 12)), "played as a note"),
        (lambda signs: _sound(signs, hold=0.0), "is held, and 0 Hz"),
        (lambda signs: _sound(signs, stop=False), "a rest is held"),
        (_starts_sounding, "nothing is held"),
        (lambda signs: _sound(signs, base=0), "sign 0 is pitch 60"),
        (_pitches, "is the MIDI pitch"),
        (lambda signs: _sound(signs, base=69), "Hz is wanted"),
        (lambda signs: _sound(signs)[:3], "has shape"),
        (lambda signs: [], "has shape"),
        (_none_for_silence, "None stands at place 3"),
        (_as_text, "'523.25' stands at place 0"),
        (lambda signs: (_sound(signs),), "stands at place 0"),
    ],
}
RIGHT = {
    "16.1": [(straight_through,), (_with_brackets,), (_by_a_function,)],
    "16.2": [(_each, "order"), (_by_sorting, "order"), (_by_index, "order")],
    "16.3": [(_sound,), (_listed,), (_by_notes,)],
}
