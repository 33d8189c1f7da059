"""Checks of lesson 09: five diagnoses against the evidence, and two mended pieces of code."""

import math
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any

import torch
from torch import Tensor, nn

from gan_lessons.exercises import Answer, NotYet, Wrong, call, exercise
from gan_lessons.studies import clinic

POISON = 1e3  # a gradient that no healthy step has


@exercise("9.1")
def diagnoses(answer: Answer) -> str:
    """Which of the bugs each of the five patients has."""
    wanted = [f"patient {number}" for number in range(1, 6)]
    if not isinstance(answer, Mapping) or set(answer) != set(wanted):
        raise Wrong("the answer is a dict with the keys from 'patient 1' to 'patient 5'.")
    for number, finding in enumerate((answer[patient] for patient in wanted), start=1):
        if not isinstance(finding, str) or finding not in clinic.BUGS:
            known = ", ".join(clinic.BUGS)
            raise Wrong(f"{finding!r} is none of the diagnoses. There are: {known}.")
        _refute(number, finding)
    return (
        "every diagnosis fits its card, and no other does. You used one sign for each: gradients "
        "left behind, a spread that is too small, old noise against new, a loss that its answers "
        "contradict, and a player who never moves."
    )


def _refute(number: int, finding: str) -> None:
    """Say which vital sign a wrong diagnosis contradicts."""
    record = clinic.patient(number)
    if clinic.shows(record, finding):
        return
    for name, (low, high) in clinic.BUGS[finding].signs.items():
        value = clinic.VITALS[name](record)
        if math.isnan(value):
            raise Wrong(
                f"patient {number}: {finding!r} is told by “{name}”, and a patient of this ward "
                f"({clinic.WARDS[record.ward].about}) does not have it."
            )
        if not low <= value <= high:
            raise Wrong(
                f"patient {number}: with {finding!r}, “{name}” would be {_words(low, high)}; "
                f"this patient's is {value:.3g}. Look for a bug that explains that."
            )


def _words(low: float, high: float) -> str:
    if low == high:
        return f"exactly {low:g}"
    if math.isinf(high):
        return "above 0" if low < 1e-3 else f"above {low:g}"
    if math.isinf(low):
        return f"below {high:g}"
    return f"between {low:g} and {high:g}"


@exercise("9.2")
def mended_step(answer: Answer) -> str:
    """One step of each player: the script's four mistakes are looked for, then it retrains."""
    _examine_losses(answer)
    _examine_noise(answer)
    _examine_gradients(answer)
    subject = clinic.Patient(clinic.WARDS["ring"], seed=5)
    for _ in range(subject.ward.steps):
        _one_step(answer, subject)
    with torch.no_grad():
        fakes = subject.generator(subject.fresh_noise(1000))
    found, share = clinic.modes(fakes), clinic.good(fakes)
    words = f"After {subject.ward.steps} steps with your code: {found} of 8 modes, {share:.0%} good"
    if found < 5 or share < 0.3:
        raise Wrong(f"{words}. A healthy run gets 7 or 8 and about 50 %: something is still ill.")
    return f"{words}, from noise that it never saw. All four patients of the ring are mended."


def _one_step(answer: Answer, subject: clinic.Patient) -> tuple[float, float]:
    """One call of the learner's step; returns its two losses."""
    players = subject.generator, subject.discriminator
    got = call(answer, *players, subject.optimizer_g, subject.optimizer_d, subject.batch())
    if not isinstance(got, tuple) or len(got) != 2:
        raise Wrong("return two numbers, as the script does: loss_d.item(), loss_g.item().")
    if not all(isinstance(loss, int | float) for loss in got):
        raise Wrong("the two losses have to be plain numbers: loss.item().")
    return float(got[0]), float(got[1])


def _examine_losses(answer: Answer) -> None:
    """A D that is sure of one thing, logits near ±20, makes both losses predictable."""
    for logit in (-20.0, 20.0):
        subject = clinic.Patient(clinic.WARDS["ring"], seed=4)
        with torch.no_grad():
            [*subject.discriminator.parameters()][-1].add_(logit)  # the last bias
        loss_d, loss_g = _one_step(answer, subject)
        says = f"to a D with logits near {logit:g}, your L_D is {loss_d:.3g} and L_G {loss_g:.3g}"
        wants = f"{abs(logit):g} and {max(-logit, 0):g} are wanted (about)"
        if 0.3 < loss_d < 3 or (logit < 0 and 0.3 < loss_g < 2):
            raise Wrong(
                f"{says}; {wants}. A loss that cannot get large: sigmoid is applied twice, for "
                "bce with logits contains one. Give it the logits themselves, wherever it is "
                "called (double sigmoid)."
            )
        if not math.isfinite(loss_d + loss_g):
            raise Wrong(f"{says}: a literal log of a sigmoid. bce with logits stays finite.")
        if abs(loss_d - abs(logit)) > 3 or abs(loss_g - max(-logit, 0)) > 3:
            raise Wrong(
                f"{says}; {wants}. L_D has targets 1 for reals and 0 for fakes, L_G has target 1 "
                "for fakes; return them in this order."
            )


def _examine_noise(answer: Answer) -> None:
    subject = clinic.Patient(clinic.WARDS["ring"], seed=4)
    drawn: list[Tensor] = []
    hook = subject.generator.register_forward_pre_hook(
        lambda _, inputs: drawn.append(inputs[0].clone())
    )
    for _ in range(2):
        _one_step(answer, subject)
    hook.remove()
    if len(drawn) < 2:
        raise Wrong("G has to make fakes in every step: call generator(noise).")
    half = len(drawn) // 2
    for one, other in zip(drawn[:half], drawn[half:], strict=False):
        if one.shape == other.shape and torch.equal(one, other):
            raise Wrong(
                "two steps in a row use the same noise: G learns to draw for these few z alone "
                "(noise once). Either the seed is set inside the step, or noise is kept from the "
                "step before: draw it anew each time."
            )


def _examine_gradients(answer: Answer) -> None:
    """Leave gradients behind that nobody could overlook, and watch what the optimizers get."""
    subject = clinic.Patient(clinic.WARDS["ring"], seed=4)
    generator, discriminator = subject.generator, subject.discriminator
    before = clinic.flat(generator), clinic.flat(discriminator)
    _leave(generator)
    _leave(discriminator)
    given: dict[str, float] = {}
    after_d: list[Tensor] = []

    def d_has_moved(*_: Any) -> None:
        after_d.append(clinic.flat(discriminator))
        if clinic.gradient_norm(generator) > 0:  # not detached: then it has to be cleared
            _leave(generator)

    with ExitStack() as stack:
        for optimizer, name, network in (
            (subject.optimizer_d, "D", discriminator),
            (subject.optimizer_g, "G", generator),
        ):
            hook = optimizer.register_step_pre_hook(_note(given, name, network))
            stack.callback(hook.remove)
        stack.callback(subject.optimizer_d.register_step_post_hook(d_has_moved).remove)
        _one_step(answer, subject)
    for name, norm in given.items():
        if norm == 0:
            detached = " And G's own loss needs fakes that are not detached." if name == "G" else ""
            raise Wrong(
                f"optimizer_{name.lower()}.step() is there, but {name} has no gradients at that "
                f"moment: zero_grad() belongs before backward(), not after it.{detached}"
            )
    if "D" not in given or torch.equal(before[1], clinic.flat(discriminator)):
        raise Wrong("D's weights did not move: optimizer_d.step() is missing.")
    if "G" not in given or torch.equal(before[0], clinic.flat(generator)):
        raise Wrong(
            "G's weights did not move at all, although it has gradients: they are computed and "
            "never applied. What turns gradients into a step?"
        )
    for name, norm in given.items():
        if norm > POISON / 2:
            raise Wrong(
                f"{name}'s optimizer was handed what an earlier backward() had left there, on top "
                f"of the new gradients (never cleared). optimizer_{name.lower()}.zero_grad() "
                "belongs just before that loss's backward()."
            )
    if len(after_d) > 1:
        raise Wrong(
            f"optimizer_d.step() is called {len(after_d)} times in one step: D moved once more, "
            "and G's step is not D's business."
        )
    if not torch.equal(after_d[-1], clinic.flat(discriminator)):
        raise Wrong("D moved once more after its own step: G's step is not D's business.")


def _leave(network: nn.Module) -> None:
    for weight in network.parameters():
        weight.grad = torch.full_like(weight, POISON)


def _note(given: dict[str, float], name: str, network: nn.Module) -> Callable[..., None]:
    def note(*_: Any) -> None:
        given[name] = clinic.gradient_norm(network)

    return note


@exercise("9.3")
def mended_initialise(answer: Answer) -> str:
    """The DCGAN's initial weights: N(0, 0.02) for linear layers, N(1, 0.02) for BatchNorm's γ."""
    subject = clinic.Patient(clinic.WARDS["digits"], "tiny gamma", seed=5)
    for layer in subject.generator:
        if isinstance(layer, nn.Linear):
            layer.reset_parameters()  # PyTorch's own, so that a lost line for them shows
    before = clinic.flat(subject.generator)
    for layer in subject.generator:
        call(answer, layer, returns=False)
    if torch.equal(before, clinic.flat(subject.generator)):
        raise NotYet("it changes no layer so far: draw the weights with nn.init.normal_.")
    linear, norm = subject.generator[0].weight.detach(), subject.generator[1].weight.detach()
    if abs(linear.mean().item()) > 0.01 or not 0.018 < linear.std().item() < 0.022:
        raise Wrong(
            f"the linear weights have mean {linear.mean():.3f} and standard deviation "
            f"{linear.std():.3f}; the script's 0 and 0.02 were right, so keep them. Mend γ only."
        )
    scale, shown = norm.mean().item(), clinic.spread(subject.generator, subject.z)
    if abs(scale) < 0.1:
        raise Wrong(
            f"γ still has mean {scale:.3f}: BatchNorm brings the spread to 1, and γ multiplies it "
            f"down to {shown:.3f} at once. Around which number should γ be drawn?"
        )
    if norm.std().item() > 0.04:
        raise Wrong(f"γ has standard deviation {norm.std():.2f}; it is drawn from N(1, 0.02).")
    if abs(scale - 1) > 0.05:
        raise Wrong(f"γ has mean {scale:.2f}, and the spread is {shown:.2f}: both should be 1.")
    if norm.std().item() < 0.005:
        raise Wrong("γ is the same for every channel; draw it from N(1, 0.02), as the DCGAN does.")
    shift = subject.generator[1].bias.detach().abs().max().item()
    if shift > 0.05:
        raise Wrong(f"β, BatchNorm's bias, is up to {shift:.2f}; the script leaves it at 0.")
    rows = [subject.step(number) for number in range(1, 51)]
    late = rows[-1].spread
    if not 0.8 < late < 1.2:
        raise Wrong(f"after 50 steps the spread is {late:.2f}; a healthy run stays near 1.")
    return (
        f"spread {shown:.2f} at the start and {late:.2f} after 50 steps, where the patient had "
        "0.02: from the first step on different noise gives different images."
    )
