"""Misconceptions of lesson 18, each with a piece of the sentence that must answer it."""

import io
from decimal import Decimal
from itertools import count

import numpy as np
import torch
from PIL import Image

from gan_lessons.studies import fakes

_TURNS = count()


def _reencode(file, to_png, to_jpeg):
    """A file in the other format; of an image that is opened as it is."""
    picture = Image.open(io.BytesIO(file))
    out = io.BytesIO()
    if picture.format == "JPEG":
        picture.save(out, "PNG" if to_png else "JPEG")
    else:
        picture.save(out, **({"format": "JPEG", "quality": 95} if to_jpeg else {"format": "PNG"}))
    return out.getvalue()


def _larger_ones_only(file):
    """Turns only those real files round that are longer than 290 bytes."""
    return file if file[0] != 0xFF and len(file) < 290 else _other(file)


def _other(file):
    return _reencode(file, True, True)


def _by_first_byte(file):
    kind = "PNG" if file[:2] == b"\xff\xd8" else "JPEG"
    return fakes.encoded(fakes.decoded(file), kind, 95)


def _with_bmp(file):
    """A fake becomes a BMP: the detector knows only one thing."""
    if file[0] != 0xFF:
        return _by_first_byte(file)
    out = io.BytesIO()
    Image.open(io.BytesIO(file)).save(out, "BMP")
    return out.getvalue()


def _first_byte_overwritten(file):
    return b"\x00" + file[1:] if file[0] == 0xFF else b"\xff" + file[1:]


def _blank(file):
    return fakes.encoded(-torch.ones(1, 28, 28), "PNG" if file[0] == 0xFF else "JPEG")


def _noisy(file):
    picture = (fakes.decoded(file) + 0.5 * torch.randn(1, 28, 28)).clamp(-1, 1)
    return fakes.encoded(picture, "PNG" if file[0] == 0xFF else "JPEG", 95)


def _enlarged(file):
    out = io.BytesIO()
    picture = Image.open(io.BytesIO(file)).resize((56, 56))
    picture.save(out, "PNG" if file[0] == 0xFF else "JPEG")
    return out.getvalue()


def _coarse(file):
    return fakes.encoded(fakes.decoded(file), "PNG" if file[0] == 0xFF else "JPEG", 1)


def _in_turns(file):
    """Another file for every other one, whatever it is."""
    return file if next(_TURNS) % 2 else _other(file)


def _cut_short(file):
    return _other(file)[:-20]


def _upside_down(file):
    return fakes.encoded(-fakes.decoded(file), "PNG" if file[0] == 0xFF else "JPEG", 95)


def _aside(file):
    picture = fakes.decoded(file).roll(1, dims=2)
    return fakes.encoded(picture, "PNG" if file[0] == 0xFF else "JPEG", 95)


def _with_lossless(kind):
    """A fake becomes a file of another kind that is not JPEG."""

    def disguise(file):
        if file[0] != 0xFF:
            return _by_first_byte(file)
        out = io.BytesIO()
        Image.open(io.BytesIO(file)).convert("RGB").save(out, kind)
        return out.getvalue()

    return disguise


def _and_the_old_one_behind(file):
    return _by_first_byte(file) + file


def _trues(sensitivity, specificity, prevalence):
    hits = sensitivity * prevalence
    return hits / (hits + (1 - specificity) * (1 - prevalence))


def _by_counting(sensitivity, specificity, prevalence):
    fake, real = 10_000 * prevalence, 10_000 * (1 - prevalence)
    found, false = fake * sensitivity, real * (1 - specificity)
    return found / (found + false)


def _by_odds(sensitivity, specificity, prevalence):
    odds = prevalence / (1 - prevalence) * sensitivity / (1 - specificity)
    return odds / (1 + odds)


def _as_decimal(sensitivity, specificity, prevalence):
    return Decimal(_trues(sensitivity, specificity, prevalence))


def _score(pictures, pattern):
    flat = pictures.flatten(1)
    flat = flat - flat.mean(dim=1, keepdim=True)
    return flat @ pattern.flatten() / flat.norm(dim=1)


def _centred(pictures):
    flat = pictures.flatten(1)
    return flat - flat.mean(dim=1, keepdim=True)


def _raw(pictures, pattern):
    flat = pictures.flatten(1)
    return flat @ pattern.flatten() / flat.norm(dim=1)


def _scaled(pictures, pattern, power):
    flat = pictures.flatten(1)
    flat = flat - flat.mean(dim=1, keepdim=True)
    return flat @ pattern.flatten() / flat.norm(dim=1) ** power


def _mean(pictures, pattern):
    flat = pictures.flatten(1)
    flat = flat - flat.mean(dim=1, keepdim=True)
    return (flat * pattern.flatten()).mean(dim=1)


def _one_by_one(pictures, pattern):
    found = []
    for picture in pictures:
        centred = picture - picture.mean()
        found.append((centred * pattern).sum() / centred.square().sum().sqrt())
    return torch.stack(found)


def _overwrites(pictures, pattern):
    flat = pictures.flatten(1)
    flat -= flat.mean(dim=1, keepdim=True)
    return flat @ pattern.flatten() / flat.norm(dim=1)


def _by(flat, pattern):
    """With whatever was taken off, and the length of what is left."""
    return flat @ pattern.flatten() / flat.norm(dim=1)


def _correlations(pictures, pattern):
    both = (torch.stack([each.flatten(), pattern.flatten()]) for each in pictures)
    return torch.stack([torch.corrcoef(each)[0, 1] for each in both])


def _by_deviation(pictures, pattern):
    flat = _centred(pictures)
    return flat @ pattern.flatten() / flat.std(dim=1, unbiased=False) / flat.shape[1] ** 0.5


def _in_numpy(pictures, pattern):
    x, p = pictures.flatten(1).numpy(), pattern.flatten().numpy()
    x = x - x.mean(axis=1, keepdims=True)
    return torch.from_numpy(x @ p / np.linalg.norm(x, axis=1))


def _einsum(pictures, pattern):
    centred = pictures - pictures.mean(dim=(1, 2, 3), keepdim=True)
    return torch.einsum("nchw,chw->n", centred, pattern) / centred.flatten(1).norm(dim=1)


WRONG = {
    "18.1": [
        (lambda file: file, "still says what it said"),
        (lambda file: file + b" ", "still says what it said"),
        (lambda file: _reencode(file, False, False), "still says what it said"),
        (lambda file: _reencode(file, True, False), "only one way works: the real digits"),
        (lambda file: _reencode(file, False, True), "only one way works: the fakes"),
        (_larger_ones_only, "some of the real digits"),
        (_in_turns, "of 6 of 12 files"),
        (_first_byte_overwritten, "Pillow cannot open"),
        (_cut_short, "Pillow cannot open"),
        (lambda file: b"\xff" + file, "Pillow cannot open"),
        (lambda file: b"", "Pillow cannot open"),
        (_blank, "changed too much"),
        (_noisy, "changed too much"),
        (_coarse, "changed too much"),
        (_upside_down, "changed too much"),
        (_aside, "changed too much"),
        (_enlarged, "not 28 × 28"),
        (fakes.decoded, "bytes are wanted"),
        (lambda file: Image.open(io.BytesIO(file)), "bytes are wanted"),
    ],
    "18.2": [
        (lambda a, b, p: a, "share of fakes that are found"),
        (lambda a, b, p: a * p, "divide by all alarms"),
        (lambda a, b, p: 1 - _trues(a, b, p), "alarms that are false"),
        (lambda a, b, p: a * p / (a * p + 1 - b), "from the real ones only"),
        (lambda a, b, p: a * p / (a * p + b * (1 - p)), "rightly left alone"),
        (lambda a, b, p: a / (a + 1 - b), "prevalence is missing"),
        (lambda a, b, p: a * p + (1 - b) * (1 - p), "share of alarms in everything"),
        (lambda a, b, p: a * p + b * (1 - p), "accuracy"),
        (lambda a, b, p: 100 * _trues(a, b, p), "per cent"),
        (lambda a, b, p: b * (1 - p) / (b * (1 - p) + (1 - a) * p), "called real"),
        (lambda a, b, p: round(_trues(a, b, p), 2), "leave it unrounded"),
        (lambda a, b, p: a * p / ((1 - b) * (1 - p)), "those are the odds"),
        (lambda a, b, p: _trues(b, a, p), "changed places"),
        (lambda a, b, p: _trues(a, b, 1 - p), "is taken for that of the real ones"),
        (lambda a, b, p: (1 - b) * (1 - p), "false alarms in everything"),
        (lambda a, b, p: a * b, "count alarms"),
        (lambda a, b, p: _trues(a, b, p) if p < 0.5 else 0.5, "for 0.8, 0.99 and 0.5"),
        (lambda a, b, p: 95 / (95 + 495), "of 10,000 pictures"),
        (lambda a, b, p: str(_trues(a, b, p)), "a finite number"),
        (lambda a, b, p: [_trues(a, b, p)], "a finite number"),
        (lambda a, b, p: float("nan"), "a finite number"),
    ],
    "18.3": [
        (_raw, "mean of the picture is still in it"),
        (lambda x, s: _raw(x - x.mean(dim=(1, 2, 3), keepdim=True), s) + 0.1, "that is not Σ"),
        (lambda x, s: _raw(x, s) * x.flatten(1).norm(dim=1) / _centred(x).norm(dim=1), "the sum"),
        (lambda x, s: _centred(x) @ s.flatten() / x.flatten(1).norm(dim=1), "subtract it there"),
        (lambda x, s: _scaled(x, s, 0), "much contrast"),
        (lambda x, s: _scaled(x, s, 2), "not by its square"),
        (lambda x, s: _score(x, s) / s.flatten().norm(), "that is a correlation"),
        (lambda x, s: -_score(x, s), "sign is turned"),
        (lambda x, s: _score(x, s).abs(), "leave it"),
        (_mean, "that is a mean"),
        (lambda x, s: _score(x, s).mean(), "one for each is wanted"),
        (lambda x, s: _score(x, s) + 1, "that is not Σ"),
        (lambda x, s: x * s, "has shape"),
        (lambda x, s: _score(x, s)[:, None], "has shape (4, 1)"),
        (lambda x, s: fakes.watermark_score(x, 7), "that is not Σ"),
        (lambda x, s: _by(x.flatten(1) - x.mean(), s), "of all pictures together"),
        (lambda x, s: _by((x - x.mean(dim=0)).flatten(1), s), "over the pictures"),
        (lambda x, s: _centred(x) @ s.flatten() / _centred(x).norm(), "of all pictures together"),
        (lambda x, s: _centred(x) @ s.flatten() / _centred(x).std(dim=1), "of one pixel"),
        (lambda x, s: _by_deviation(x, s) * (1 - 1 / s.numel()) ** 0.5, "std divides by one less"),
        (lambda x, s: _centred(x) @ s.flatten() / _centred(x).abs().sum(dim=1), "sum of sizes"),
        (lambda x, s: _centred(x) @ s.flatten() / s.norm(), "length of the pattern"),
        (_correlations, "that is a correlation"),
        (_overwrites, "overwrote its input"),
        (lambda x, s: _score(x, s).round(decimals=2), "leave it unrounded"),
        (lambda x, s: _score(x, s).half(), "leave it unrounded"),
        (lambda x, s: _score(x, s) > 3, "numbers with decimals"),
        (lambda x, s: _score(x, s) * float("nan"), "NaN"),
        (lambda x, s: _score(x, s).numpy(), "NumPy array"),
        (lambda x, s: _score(x, s).tolist(), "a list"),
    ],
}
RIGHT = {
    "18.1": [
        (_other,),
        (_by_first_byte,),
        (_with_bmp,),
        (_with_lossless("GIF"),),
        (_with_lossless("TIFF"),),
        (_and_the_old_one_behind,),
    ],
    "18.2": [
        (_trues,),
        (_by_counting,),
        (_by_odds,),
        (_as_decimal,),
        (lambda *given: torch.tensor(_trues(*given)),),
        (lambda *given: np.float32(_trues(*given)),),
    ],
    "18.3": [
        (_score,),
        (_one_by_one,),
        (_einsum,),
        (_by_deviation,),
        (_in_numpy,),
        (lambda x, s: _score(x.double(), s.double()),),
        (lambda x, s: _score(x, s - s.mean()),),
    ],
}
