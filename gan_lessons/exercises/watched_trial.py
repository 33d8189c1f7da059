"""Two tiny players on which a learner's training step is tried, while everything is watched.

A `Trial` records who stepped, whose parameters a gradient reached, and which noise G was given;
what it finds is compared with the gradient of the loss that was asked for. Lesson 03 uses it.
"""

import copy
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gan_lessons.exercises import Answer, NotYet, Wrong, call, close

LATENT = 4
N = 24  # samples in a batch
RATE = 0.05
CALLS = 20  # further calls, so that the noise can be looked at
NAMES = ("G", "D")

TORCH_SAYS = {
    "modified by an inplace operation": (
        "step() stands between the loss and its backward(): the weights that the loss was computed "
        "with are gone. The order is zero_grad, backward, step."
    ),
    "does not require grad": (
        "the loss carries no gradient: something on its way was computed under no_grad, or cut off "
        "by detach or item."
    ),
    "only for scalar outputs": (
        "the loss still has one number for each sample; take the mean before backward()."
    ),
    "shapes cannot be multiplied": (
        "the shapes do not fit: G takes noise of shape (n, 4), D takes samples of shape (n, 1)."
    ),
}


@dataclass
class Trial:
    """Two tiny players in the middle of a run, and a record of what happens to them.

    Both hold gradients that G's latest step left behind, as in every real loop.
    """

    sharp: float = 1.0  # what D's last layer is multiplied by: ±300 is very sure, and wrong
    noise: list[Tensor] = field(default_factory=list)
    log: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        rng = torch.Generator().manual_seed(3)
        self.generator = nn.Sequential(nn.Linear(LATENT, 8), nn.Tanh(), nn.Linear(8, 1))
        last = nn.Linear(8, 1)
        self.discriminator = nn.Sequential(nn.Linear(1, 8), nn.Tanh(), last)
        with torch.no_grad():
            for p in [*self.generator.parameters(), *self.discriminator.parameters()]:
                p.copy_(0.8 * torch.randn(p.shape, generator=rng))
            last.weight.mul_(self.sharp)
        self.real = 1.5 + 0.5 * torch.randn(N, 1, generator=rng)
        z = torch.randn(N, LATENT, generator=rng)
        F.softplus(-self.discriminator(self.generator(z))).mean().backward()
        self.before = copy.deepcopy((self.generator, self.discriminator))
        self.stale = (_gradient(self.generator), _gradient(self.discriminator))
        self.optimizer_g = torch.optim.SGD(self.generator.parameters(), RATE)
        self.optimizer_d = torch.optim.SGD(self.discriminator.parameters(), RATE)
        self._watch()

    def _watch(self) -> None:
        def count(event: str) -> None:
            self.log[event] += 1

        self.optimizer_g.register_step_pre_hook(lambda *_: count("G stepped"))
        self.optimizer_d.register_step_pre_hook(lambda *_: count("D stepped"))
        for p in self.generator.parameters():
            p.register_hook(lambda _: count("G reached"))
        for p in self.discriminator.parameters():
            p.register_hook(lambda _: count("D reached"))
        self.generator.register_forward_pre_hook(
            lambda _, inputs: self.noise.append(inputs[0].detach().clone())
        )

    def play(self, answer: Answer, given: Tensor | int) -> Answer:
        """Call the learner's step on this table; return what it returns."""
        players = (self.generator, self.discriminator, self.optimizer_g, self.optimizer_d)
        try:
            return call(answer, *players, given)
        except Wrong as error:
            for sign, why in TORCH_SAYS.items():
                if sign in str(error):
                    raise Wrong(why) from None
            raise

    def used(self, player: int) -> Tensor:
        """The gradient that G (0) or D (1) was really moved by."""
        now = (self.generator, self.discriminator)[player]
        return (_flat(self.before[player].parameters()) - _flat(now.parameters())) / RATE

    def gradient(self, loss: Tensor, player: int) -> Tensor:
        """The gradient of a loss that was computed with the networks of before."""
        parameters = [*self.before[player].parameters()]
        parts = torch.autograd.grad(loss, parameters, retain_graph=True, allow_unused=True)
        pairs = zip(parts, parameters, strict=True)
        return _flat(torch.zeros_like(p) if part is None else part for part, p in pairs)


def _flat(tensors: Iterable[Tensor]) -> Tensor:
    return torch.cat([tensor.detach().flatten() for tensor in tensors])


def _gradient(network: nn.Module) -> Tensor:
    return _flat(p.grad for p in network.parameters() if p.grad is not None)


def near(got: Tensor, want: Tensor) -> bool:
    return bool((got - want).norm() < 2e-3 * want.norm() + 1e-5)


def refuse_no_noise(trial: Trial, why: str) -> None:
    if not trial.noise:
        raise Wrong(f"the generator was never called. {why}")
    z = trial.noise[-1]
    if len(z) != N:
        raise Wrong(f"there are {len(z)} fakes, where {N} are asked for in this call.")
    if (z == z[0]).all():
        raise Wrong("all rows of the noise are the same, so all fakes are. Take torch.randn.")
    if (z >= 0).all():
        raise Wrong(
            "no number of the noise is negative. A standard normal density is symmetric around 0: "
            "torch.randn, not torch.rand."
        )


def expect_movement(
    trial: Trial, player: int, loss: Tensor, others: Sequence[tuple[Tensor, str]]
) -> None:
    """Raise Wrong or NotYet unless the player was moved once, by the gradient of ``loss``."""
    name, used = NAMES[player], trial.used(player)
    right = trial.gradient(loss, player)
    if near(used, right) and trial.log[f"{name} stepped"] == 1:
        return
    if used.any() and not trial.log[f"{name} stepped"]:
        raise Wrong(
            f"{name} moved, but optimizer_{name.lower()}.step() was never called. It belongs to "
            "the player: in the course it is Adam, which remembers earlier gradients."
        )
    _refuse_wrong_order(trial, player)
    stale = trial.stale[player]
    gradients = [(trial.gradient(other, player), why) for other, why in others]
    for gradient, _ in [(right, ""), *gradients]:
        if near(used, gradient + stale):
            raise Wrong(_stale(name))
    for gradient, why in gradients:
        if near(used, gradient):
            raise Wrong(why)
    times = float(used @ right / (right @ right))
    if near(used, times * right):
        raise Wrong(_scaled(times))
    off, turned = float((used - right).norm() / right.norm()), angle(used, right)
    raise Wrong(
        f"{name} moved, but not by the gradient of its loss: the direction differs by "
        f"{turned:.1f} degrees, and what is too much or missing is {off:.1%} of its length. "
        "Compare your loss with the formula, term by term."
    )


def _refuse_wrong_order(trial: Trial, player: int) -> None:
    name, used = NAMES[player], trial.used(player)
    optimizer, steps = f"optimizer_{name.lower()}", trial.log[f"{name} stepped"]
    if steps > 1:
        raise Wrong(f"{optimizer} stepped {steps} times; one update is asked for.")
    if not steps and not used.any():
        if trial.log[f"{name} reached"]:
            raise Wrong(
                f"the gradient was computed and never applied: {optimizer}.step() is missing, and "
                f"{name} stays as it is."
            )
        raise NotYet(f"{name} has not moved: its loss still needs backward(), then a step.")
    if not trial.log[f"{name} reached"]:
        raise Wrong(
            f"{optimizer} stepped, but no backward() has given {name} a gradient of this loss."
        )
    if not used.any():
        raise Wrong(
            "zero_grad() stands between backward() and step(): it throws away the gradient that "
            "was just computed. The order is zero_grad, backward, step."
        )
    if near(used, trial.stale[player]):
        raise Wrong(
            "step() comes before backward(): it followed the gradient left from last time. The "
            "order is zero_grad, backward, step."
        )


def _stale(name: str) -> str:
    left = {
        "D": "G's step had left gradients in D that pull it towards calling fakes real",
        "G": "G's gradients from the step before were still there",
    }[name]
    return (
        f"{left}, and backward() added to them: {name} followed the sum. Call "
        f"optimizer_{name.lower()}.zero_grad() before backward(), not only after the step."
    )


def _scaled(times: float) -> str:
    if times < 0:
        return (
            "the sign is turned round: the step goes uphill on the loss. Optimizers minimise, so a "
            "loss is −log of what should become large."
        )
    if close(times, N, 1e-2):
        return "the losses are summed over the batch; with the mean any batch pulls equally hard."
    return (
        f"the direction is right, but the step is {times:.3g} times as long as the loss asked for. "
        "Wanted are the plain means, added up, and their gradient neither scaled nor clipped."
    )


def angle(a: Tensor, b: Tensor) -> float:
    return float(torch.rad2deg(torch.acos(F.cosine_similarity(a, b, dim=0).clamp(-1, 1))))


def refuse_used_noise(answer: Answer, trial: Trial, given: Tensor | int) -> None:
    """Raise Wrong unless many calls draw new noise each, and all of it is standard normal."""
    batches = [trial.noise[-1]]
    for _ in range(CALLS):
        again = Trial()
        again.play(answer, given)
        if not again.noise:
            raise Wrong(
                "a later call did not ask the generator: its fakes are kept from an earlier one. "
                "Make new fakes inside the function, at every call."
            )
        if any(torch.equal(again.noise[-1], batch) for batch in batches):
            raise Wrong(
                "two calls used the same noise: G would learn to draw one batch, and be asked "
                "about nothing else. Draw z inside the function, without a seed."
            )
        batches.append(again.noise[-1])
    _refuse_fixed_count(answer, given)
    _expect_normal(torch.cat(batches))


def _refuse_fixed_count(answer: Answer, given: Tensor | int) -> None:
    """Raise Wrong if as many fakes are made when fewer are asked for."""
    few = N // 3
    again = Trial()
    again.play(answer, few if isinstance(given, int) else given[:few])
    if again.noise and len(again.noise[-1]) != few:
        raise Wrong(
            f"asked for {few} fakes, the step made {len(again.noise[-1])}: their number is written "
            "into it. Take it from what the function is given."
        )


def _expect_normal(z: Tensor) -> None:
    mean, spread = z.mean().item(), z.std().item()
    if torch.equal(z, z.round()):
        raise Wrong("the noise is made of whole numbers. Draw it from a normal density.")
    if len(z.unique(dim=0)) < len(z) or len(z.unique(dim=1).T) < z.shape[1]:
        raise Wrong("rows or columns of the noise repeat. Draw every number anew: torch.randn.")
    if abs(mean) > 0.2 or not 0.85 < spread < 1.15:
        raise Wrong(
            f"the noise has mean {mean:.2f} and standard deviation {spread:.2f}; a standard normal "
            "density has 0 and 1: torch.randn."
        )
    within = (z.abs() < 1).float().mean().item()
    if z.abs().max() < 2.2:
        raise Wrong(
            f"no noise lies beyond ±{z.abs().max():.2f}, as if drawn evenly from an interval. "
            "A normal density goes on: torch.randn."
        )
    if abs(within - 0.683) > 0.05:
        raise Wrong(
            f"{within:.0%} of the noise lies between −1 and 1; of a standard normal density 68 % "
            "do: torch.randn."
        )
