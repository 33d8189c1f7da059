"""Checks of lesson 09: five diagnoses against the evidence, and two mended pieces of code."""

import math
import numbers
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any

import torch
from torch import Tensor, nn

from gan_lessons.exercises import Answer, NotYet, Wrong, call, exercise
from gan_lessons.studies import clinic

POISON = 1e3  # a gradient that no healthy step has
LOG_2, AFTER_1 = math.log(2), math.log1p(math.exp(-1))  # −log σ(σ(−∞)) and −log σ(σ(∞))
# Losses from sigmoids of sigmoids, at logits far below and far above 0: of D for both, and for one.
TWICE = {-20.0: (2 * LOG_2, LOG_2), 20.0: (1 + 2 * AFTER_1, 1 + AFTER_1)}


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
        "every diagnosis fits its card, and no other does. What tells each one: gradients left "
        "behind, a γ that is too small, old noise against new, a loss that its answers "
        "contradict, and a player who never moves."
    )


def _refute(number: int, finding: str) -> None:
    """Say which measure a wrong diagnosis contradicts."""
    record = clinic.unlabelled_run(number)
    if clinic.shows(record, finding):
        return
    for name, (low, high) in clinic.BUGS[finding].signs.items():
        value = clinic.MEASURES[name](record)
        if math.isnan(value):
            raise Wrong(
                f"patient {number}: {finding!r} is told by “{name}”, and a patient of this kind "
                f"({clinic.SETUPS[record.setup].about}) does not have it."
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
    subject = clinic.SmallTrainer(clinic.SETUPS["ring"], seed=5)
    for _ in range(subject.setup.steps):
        _one_step(answer, subject)
    with torch.no_grad():
        fakes = subject.generator(subject.fresh_noise(1000))
    found, share = clinic.modes(fakes), clinic.good(fakes)
    words = (
        f"After {subject.setup.steps} steps with your code: {found} of 8 modes, {share:.0%} good"
    )
    if found < 5 or share < 0.3:
        raise Wrong(f"{words}. A healthy run gets 7 or 8 and about 50 %: something is still ill.")
    return f"{words}, from noise that it never saw. All four patients of the ring are mended."


def _one_step(
    answer: Answer,
    subject: clinic.SmallTrainer,
    discriminator: nn.Module | None = None,
    real: Tensor | None = None,
) -> tuple[float, float]:
    """One call of the learner's step; returns its two losses."""
    players = subject.generator, discriminator or subject.discriminator
    real = subject.batch() if real is None else real
    got = call(answer, *players, subject.optimizer_g, subject.optimizer_d, real)
    if not isinstance(got, tuple | list) or len(got) != 2:
        raise Wrong("return two numbers, as the script does: loss_d.item(), loss_g.item().")
    if not all(isinstance(loss, numbers.Real) for loss in got):  # NumPy's, too
        raise Wrong("the two losses have to be plain numbers: loss.item().")
    return float(got[0]), float(got[1])


def _examine_losses(answer: Answer) -> None:
    """A D that is sure of one thing, logits near ±20, makes both losses predictable."""
    for logit in (-20.0, 20.0):
        subject = clinic.SmallTrainer(clinic.SETUPS["ring"], seed=4)
        with torch.no_grad():
            [*subject.discriminator.parameters()][-1].add_(logit)  # the last bias
        loss_d, loss_g = _one_step(answer, subject)
        says = f"to a D with logits near {logit:g}, your L_D is {loss_d:.3g} and L_G {loss_g:.3g}"
        wants = f"{abs(logit):g} and {max(-logit, 0):g} are wanted (about)"
        if any(
            abs(loss - value) < 0.03
            for loss, values in ((loss_d, TWICE[logit]), (loss_g, TWICE[logit][1:]))
            for value in values
        ):
            raise Wrong(
                f"{says}; {wants}. A loss that cannot get large: sigmoid is applied twice, for "
                "bce with logits contains one. Give it the logits themselves, wherever it is "
                "called (double sigmoid)."
            )
        if not math.isfinite(loss_d + loss_g):
            raise Wrong(
                f"{says}; {wants}. A literal log of a sigmoid becomes infinite where D is sure and "
                "wrong; bce with logits stays finite."
            )
        if max(loss_d, loss_g) > 90:
            raise Wrong(
                f"{says}; {wants}. From probabilities such a loss cannot be computed, since the "
                "sigmoid of 20 is rounded to 1: take bce with logits, of the logits themselves."
            )
        if abs(loss_d - abs(logit)) > 0.8 or abs(loss_g - max(-logit, 0)) > 0.8:
            raise Wrong(
                f"{says}; {wants}. L_D is the sum of two means, with target 1 for reals and 0 for "
                "fakes; L_G has target 1 for fakes; return them in this order."
            )

    subject = clinic.SmallTrainer(clinic.SETUPS["ring"], seed=4)
    real = torch.full((subject.setup.batch, 2), 6.4)  # far from what a new G draws
    loss_d, loss_g = _one_step(answer, subject, _AllKnowing(), real)
    if loss_d > 0.5 or abs(loss_g - 20) > 6:
        raise Wrong(
            "to a D with logits near 20 for every real and near −20 for every fake, your L_D is "
            f"{loss_d:.3g} and L_G {loss_g:.3g}; 0 and 20 are wanted (about). L_D has target 1 for "
            "reals and 0 for fakes, L_G target 1 for fakes."
        )


class _AllKnowing(nn.Module):
    """Tells points near 0, which a new G draws, from those 9 away."""

    def __init__(self) -> None:
        super().__init__()
        self.slope = nn.Parameter(torch.tensor(4.5))

    def forward(self, points: Tensor) -> Tensor:
        logits: Tensor = self.slope * (points.norm(dim=1) - 4.5)
        return logits


def _examine_noise(answer: Answer) -> None:
    subject = clinic.SmallTrainer(clinic.SETUPS["ring"], seed=4)
    drawn: list[Tensor] = []
    hook = subject.generator.register_forward_pre_hook(
        lambda _, inputs: drawn.append(inputs[0].detach().clone())
    )
    shown: list[Tensor] = []
    watch = subject.discriminator.register_forward_pre_hook(
        lambda _, inputs: shown.append(inputs[0].detach().clone())
    )
    for _ in range(8):
        shown.clear()
        real = subject.batch()
        _one_step(answer, subject, real=real)
        _refuse_other_reals(shown, real)
    hook.remove()
    watch.remove()
    if not drawn:
        raise Wrong("G has to make fakes in every step: call generator(noise).")
    _refuse_same_noise(drawn)
    n = subject.setup.batch
    for z in drawn:
        if tuple(z.shape) != (n, 4):
            raise Wrong(f"G was given {tuple(z.shape)}, where noise of shape ({n}, 4) is wanted.")
        if len(z.unique(dim=0)) < n or (z == z[:, :1]).all():
            raise Wrong(f"the numbers of a batch of noise repeat: draw ({n}, 4) different ones.")
    z = torch.cat(drawn)
    mean, spread = z.mean().item(), z.std().item()
    if abs(mean) > 0.15 or abs(spread - 1) > 0.15:
        raise Wrong(
            f"your noise has mean {mean:.2f} and standard deviation {spread:.2f}. The script's has "
            "0 and 1, torch.randn, and was right."
        )
    within = (z.abs() < 1).float().mean().item()
    if abs(within - 0.683) > 0.05:
        raise Wrong(
            f"{within:.0%} of your noise lies between −1 and 1; of the script's, torch.randn, 68 % "
            "do, and it was right."
        )


def _refuse_other_reals(shown: list[Tensor], real: Tensor) -> None:
    points = {tuple(row) for some in shown for row in some.tolist()}
    left_out = sum(tuple(row) not in points for row in real.tolist())
    if left_out:
        raise Wrong(
            f"{left_out} of the {len(real)} reals were not shown to D as they are: left out, or "
            "changed. The script shows it all of them, and was right."
        )


def _refuse_same_noise(drawn: list[Tensor]) -> None:
    """Noise may be used twice within a step, once for each player, and never in the next."""
    calls = len(drawn) // 8
    steps = [drawn[i : i + calls] for i in range(0, len(drawn), calls)]
    for i, one in enumerate(steps):
        for other in steps[:i]:
            if any(a.shape == b.shape and torch.equal(a, b) for a in one for b in other):
                raise Wrong(
                    "two steps use the same noise: G learns to draw for these few z alone (noise "
                    "once). Either the seed is set inside the step, or noise is kept from a step "
                    "before: draw it anew each time."
                )


def _examine_gradients(answer: Answer) -> None:
    """Where a step leaves gradients behind, make them huge; watch what the next one hands on."""
    subject = clinic.SmallTrainer(clinic.SETUPS["ring"], seed=4)
    players = {"G": subject.generator, "D": subject.discriminator}
    optimizers = {"G": subject.optimizer_g, "D": subject.optimizer_d}
    _one_step(answer, subject)
    before = {name: clinic.flat(network) for name, network in players.items()}
    for network in players.values():
        if clinic.gradient_norm(network) > 0:
            _leave(network)
    given: dict[str, list[float]] = {"G": [], "D": []}

    def d_has_moved(*_: Any) -> None:
        if clinic.gradient_norm(subject.generator) > 0:  # not detached: then it has to be cleared
            _leave(subject.generator)

    with ExitStack() as stack:
        for name, optimizer in optimizers.items():
            hook = optimizer.register_step_pre_hook(_note(given[name], players[name]))
            stack.callback(hook.remove)
        stack.callback(subject.optimizer_d.register_step_post_hook(d_has_moved).remove)
        _one_step(answer, subject)
    for name, network in players.items():
        moves = not torch.equal(before[name], clinic.flat(network))
        _refuse_no_step(name, given[name], moves, clinic.gradient_norm(network) > 0)
    for name, norms in given.items():
        if max(norms) > POISON / 2:
            raise Wrong(
                f"{name}'s optimizer was handed what an earlier backward() had left there, on top "
                f"of the new gradients (never cleared). optimizer_{name.lower()}.zero_grad() "
                "belongs just before that loss's backward()."
            )
        if len(norms) > 1:
            raise Wrong(
                f"optimizer_{name.lower()}.step() is called {len(norms)} times in one step of the "
                "script: each player moves once."
            )


def _refuse_no_step(name: str, norms: list[float], moves: bool, has_gradient: bool) -> None:
    """Say why a player did not move, or how it moved without its optimizer."""
    optimizer = f"optimizer_{name.lower()}"
    if not norms and moves:
        raise Wrong(f"{name}'s weights changed, but not by {optimizer}.step(): keep to it.")
    if not norms and has_gradient:
        raise Wrong(
            f"{name}'s weights did not move at all, although it has gradients: they are computed "
            f"and never applied. What turns gradients into a step? ({optimizer})"
        )
    if not norms:
        raise Wrong(f"{name}'s weights did not move: {optimizer}.step() is missing.")
    if min(norms) == 0:
        raise Wrong(
            f"{optimizer}.step() is there, but {name} has no gradients at that moment. Either "
            "zero_grad() stands between backward() and step(), or the loss does not reach "
            f"{name}{', because its fakes are detached' if name == 'G' else ''}."
        )
    if not moves:
        raise Wrong(f"{optimizer}.step() was called, and {name}'s weights are as before.")


def _leave(network: nn.Module) -> None:
    for weight in network.parameters():
        weight.grad = torch.full_like(weight, POISON)


def _note(norms: list[float], network: nn.Module) -> Callable[..., None]:
    def note(*_: Any) -> None:
        norms.append(clinic.gradient_norm(network))

    return note


@exercise("9.3")
def mended_initialise(answer: Answer) -> str:
    """The DCGAN's first weights, N(0, 0.02) and for γ N(1, 0.02), or PyTorch's own γ = 1."""
    subject = clinic.SmallTrainer(clinic.SETUPS["digits"], "tiny gamma", seed=5)
    layers = [x for x in subject.generator if isinstance(x, nn.Linear | nn.BatchNorm1d)]
    for layer in layers:
        layer.reset_parameters()  # PyTorch's own, so that a lost line for linear layers shows
    before = clinic.flat(subject.generator)
    for layer in subject.generator:
        call(answer, layer, returns=False)
    if torch.equal(before, clinic.flat(subject.generator)):
        raise NotYet("it changes no layer so far: draw the weights with nn.init.normal_.")
    for layer in layers:
        if isinstance(layer, nn.Linear):
            _refuse_linear(layer)
        else:
            _refuse_norm(layer)
    shown = clinic.spread(subject.generator, subject.z)
    rows = [subject.step(number) for number in range(1, 51)]
    late = rows[-1].spread
    if not 0.8 < late < 1.2:
        raise Wrong(f"after 50 steps the spread is {late:.2f}; a healthy run stays near 1.")
    return (
        f"spread {shown:.2f} at the start and {late:.2f} after 50 steps, where the patient had "
        "0.02 and 0.05: from the first step on different noise gives different images."
    )


def _refuse_linear(layer: nn.Linear) -> None:
    weight, shape = layer.weight.detach(), tuple(layer.weight.shape)
    if not abs(weight.mean().item()) < 0.01 or not 0.018 < weight.std().item() < 0.022:
        raise Wrong(
            f"the weights of a linear layer, {shape}, have mean {weight.mean():.3f} and standard "
            f"deviation {weight.std():.3f}; the script's 0 and 0.02 were right, so keep them. Mend "
            "γ only."
        )
    within, count = (weight.abs() < 0.02).float().mean().item(), weight.numel()
    error = math.sqrt(0.683 * 0.317 / count)  # of a share of so many draws
    if weight.unique().numel() < count / 2:
        raise Wrong(
            f"of the {count:,} weights of a linear layer, {shape}, {weight.unique().numel():,} are "
            "different. The script draws each by itself, nn.init.normal_, and was right. Mend γ "
            "only."
        )
    if abs(within - 0.683) > 4.5 * error + 0.002:
        raise Wrong(
            f"{within:.1%} of a linear layer's weights, {shape}, lie between −0.02 and 0.02; of "
            "the script's, nn.init.normal_, 68.3% do, and it was right. Mend γ only."
        )
    if layer.bias is not None and not layer.bias.detach().abs().max().item() < 0.2:
        raise Wrong(
            f"a linear layer's bias is up to {layer.bias.detach().abs().max():.2f}; the script "
            "leaves it alone."
        )


def _refuse_norm(layer: nn.BatchNorm1d) -> None:
    scale, shift = layer.weight.detach(), layer.bias.detach().abs().max().item()
    mean, deviation = scale.mean().item(), scale.std().item()
    if abs(mean) < 0.1:
        raise Wrong(
            f"γ has mean {mean:.3f}: BatchNorm brings each channel's spread to 1, and γ multiplies "
            "it down at once. Around which number should γ be drawn?"
        )
    if not deviation < 0.04:
        raise Wrong(f"γ has standard deviation {deviation:.2f}; 0.02 is wanted, or γ = 1 for all.")
    if not abs(mean - 1) < 0.05:
        raise Wrong(f"γ has mean {mean:.2f}, and it is what the spread is multiplied by: 1 wanted.")
    if not shift < 0.1:
        raise Wrong(f"β, BatchNorm's bias, is up to {shift:.2f}; the script leaves it at 0.")
