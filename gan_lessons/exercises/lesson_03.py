"""Checks of lesson 03: the learner's steps are run on tiny networks, and everything is watched."""

import copy
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gan_lessons.exercises import (
    Answer,
    NotYet,
    Wrong,
    call,
    close,
    exercise,
    expect_close,
    expect_shape,
)

LATENT = 4
N = 24  # samples in a batch
RATE = 0.05
CALLS = 20  # further calls, so that the noise can be looked at


@exercise("3.1")
def alternating_matrix(answer: Answer) -> str:
    """[[1 − η², −η], [η, 1]]: G answers the D that has just moved (Mescheder et al. 2018)."""
    for rate in (0.3, 0.7):
        got = call(answer, rate)
        expect_shape(got, (2, 2), "Two new numbers out of two old ones: 2 × 2.")
        want = torch.tensor([[1 - rate**2, -rate], [rate, 1]])
        for other, why in _other_matrices(rate, want):
            if close(got, other):
                raise Wrong(why)
        expect_close(got, want, "The first row makes the new g, the second the new d")
    return (
        "G sees the d that has just moved, and that is where −η² comes from. It makes the "
        "determinant exactly 1: what is turned is neither blown up nor shrunk."
    )


def _other_matrices(rate: float, want: Tensor) -> Iterable[tuple[Tensor, str]]:
    simultaneous = torch.tensor([[1, -rate], [rate, 1]])
    g_first = torch.tensor([[1, -rate], [rate, 1 - rate**2]])
    return (
        (
            simultaneous,
            "that is simultaneous play: its first row uses the old d. Put the new d, d + η g, into "
            "g − η d.",
        ),
        (
            g_first,
            "here G moves first, and D answers the new g. In a GAN's loop D moves first, and G "
            "answers the new d.",
        ),
        (
            want.T,
            "the two signs are exchanged. D climbs, so d gains + η g; G goes downhill, so g loses "
            "η times the new d. A row holds what makes one new number: first of g, then of d.",
        ),
        (
            want.flip(0),
            "the rows are exchanged: the first one makes the new g.",
        ),
        (
            want.flip(0, 1),
            "this is for the order (d, g); the vector here is (g, d), G's number first.",
        ),
        (
            torch.tensor([[1 + rate**2, rate], [rate, 1]]),
            "here both players climb. G goes downhill: g − η · (new d).",
        ),
        (
            torch.tensor([[1 - rate, -rate], [rate, 1]]),
            "the first corner is 1 − η. The new d is d + η g, and G moves by η times that: η · η.",
        ),
    )


# D's step and G's step

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


def _near(got: Tensor, want: Tensor) -> bool:
    return bool((got - want).norm() < 2e-3 * want.norm() + 1e-5)


@exercise("3.2")
def discriminator_step(answer: Answer) -> str:
    """One update of D on −E log D(x) − E log(1 − D(G(z))) (Goodfellow et al. 2014, algorithm 1)."""
    trial = Trial()
    returned = trial.play(answer, trial.real)
    if trial.log["G stepped"] or trial.used(0).any():
        if not trial.log["D stepped"]:
            raise Wrong(
                "the wrong optimizer stepped: optimizer_g moves G, and D learns nothing. Each "
                "optimizer knows one player's parameters only."
            )
        raise Wrong(
            "G has moved, too: optimizer_g was stepped. In D's step only optimizer_d may step; the "
            "gradients that G would follow here were made for another purpose."
        )
    _refuse_no_noise(trial, "D has to see fakes: make them with generator(z), z fresh noise.")
    generator, discriminator = trial.before
    fake = generator(trial.noise[-1]).detach()
    logits = (discriminator(trial.real), discriminator(fake))
    loss = _discriminator_loss(*logits)
    _expect_movement(trial, 1, loss, _other_discriminator_losses(*logits))
    if trial.log["G reached"]:
        raise Wrong(
            "D moved rightly, but the backward pass ran on into G, whose parameters now hold "
            "gradients that would make fakes easy to recognise. Cut the fakes off: "
            "generator(z).detach()."
        )
    if not all(p.requires_grad for p in trial.generator.parameters()):
        raise Wrong(
            "G is left frozen (requires_grad is off), and its own next step will fail. There is no "
            "need to freeze it: detach() keeps the gradient out of G."
        )
    _refuse_used_noise(answer, trial, trial.real)
    _expect_returned(returned, loss)
    _expect_safe(answer, 1)
    return (
        "fresh fakes, cut off from G; −log D(x) − log(1 − D(G(z))) from logits; clear, backward, "
        "step, with D's optimizer alone. G has neither moved nor received a gradient."
    )


def _discriminator_loss(real: Tensor, fake: Tensor) -> Tensor:
    return F.softplus(-real).mean() + F.softplus(fake).mean()


def _other_discriminator_losses(real: Tensor, fake: Tensor) -> list[tuple[Tensor, str]]:
    soft, d_real, d_fake = F.softplus, real.sigmoid(), fake.sigmoid()
    return [
        (
            soft(real).mean() + soft(-fake).mean(),
            "the labels are exchanged: D was taught to call reals fake and fakes real. "
            "softplus(−logit) is small where D says “real”: that belongs to the reals.",
        ),
        (
            soft(-real).mean() + soft(-fake).mean(),
            "both piles were taught as “real”. In D's step fakes count as fake: softplus(+logit).",
        ),
        (
            soft(-real).mean(),
            "D was moved by the reals alone, and so learns to say “real” to everything; "
            "−log(1 − D(G(z))) is missing, or its gradient is cut off behind D.",
        ),
        (
            soft(fake).mean(),
            "D was moved by the fakes alone, and so learns to say “fake” to everything; "
            "−log D(x) is missing, or its gradient is cut off.",
        ),
        (soft(-d_real).mean() + soft(d_fake).mean(), SIGMOID_TWICE),
        (
            fake.mean() - real.mean(),
            "the logarithm is missing: that raises the logit of reals and lowers that of fakes "
            "without end, another game's loss.",
        ),
        (
            d_fake.mean() - d_real.mean(),
            "the logarithm is missing: that is D(G(z)) − D(x), made of the probabilities "
            "themselves.",
        ),
    ]


@exercise("3.3")
def generator_step(answer: Answer) -> str:
    """One update of G on −E log D(G(z)) (Goodfellow et al. 2014, end of section 3)."""
    trial = Trial()
    returned = trial.play(answer, N)
    if trial.log["D stepped"] or trial.used(1).any():
        if not trial.log["G stepped"]:
            raise Wrong(
                "the wrong optimizer stepped: optimizer_d moves D, here towards calling fakes "
                "real, and G learns nothing. Each optimizer knows one player's parameters only."
            )
        raise Wrong(
            "D has moved, too: optimizer_d was stepped in G's step, along G's gradient, which "
            "teaches D to call fakes real. Only optimizer_g may step here."
        )
    _refuse_no_noise(trial, "G's step needs new fakes: generator(z), z fresh noise.")
    if trial.log["D reached"] and not trial.log["G reached"]:
        raise Wrong(
            "no gradient reached G: the fakes were cut off from it. detach() belongs in D's step; "
            "in G's step the gradient has to run through D into G."
        )
    if not all(p.requires_grad for p in trial.discriminator.parameters()):
        raise Wrong(
            "D is left frozen (requires_grad is off), and its own next step will fail. There is no "
            "need to freeze it: optimizer_g moves nothing but G."
        )
    generator, discriminator = trial.before
    logits = discriminator(generator(trial.noise[-1]))
    loss = _generator_loss(logits)
    _expect_movement(trial, 0, loss, _other_generator_losses(logits))
    _refuse_used_noise(answer, trial, N)
    _expect_returned(returned, loss)
    _expect_safe(answer, 0)
    return (
        "fresh noise, through G and D without a cut; −log D(G(z)) from logits; clear, backward, "
        "step, with G's optimizer alone. D stands still, though gradients are left in it: D's next "
        "step has to clear them."
    )


def _generator_loss(fake: Tensor) -> Tensor:
    return F.softplus(-fake).mean()


def _other_generator_losses(fake: Tensor) -> list[tuple[Tensor, str]]:
    soft, d_fake = F.softplus, fake.sigmoid()
    return [
        (
            -soft(fake).mean(),
            "that is log(1 − D(G(z))), the minimax loss. Its direction is right, but it is flat "
            "where D(G(z)) ≈ 0, where a bad G needs it most. Take −log D(G(z)), the "
            "non-saturating loss.",
        ),
        (
            soft(fake).mean(),
            "the labels are exchanged: −log(1 − D(G(z))) is D's loss on the fakes, and minimising "
            "it makes them easier to recognise. G wants D to say “real”.",
        ),
        (soft(-d_fake).mean(), SIGMOID_TWICE),
        (
            -fake.mean(),
            "the logarithm is missing: −E[logit] has the right direction, but is another game's "
            "loss.",
        ),
        (
            -d_fake.mean(),
            "the logarithm is missing: −D(G(z)) is flat where D is sure, just where G has most to "
            "learn.",
        ),
    ]


NAMES = ("G", "D")
SIGMOID_TWICE = (
    "sigmoid is applied twice: softplus and binary_cross_entropy_with_logits want the logit "
    "itself, and D returns logits."
)


def _refuse_no_noise(trial: Trial, why: str) -> None:
    if not trial.noise:
        raise Wrong(f"the generator was never called. {why}")
    z = trial.noise[-1]
    if len(z) != N:
        raise Wrong(f"there are {len(z)} fakes, where {N} are wanted: as many as real samples.")
    if (z == z[0]).all():
        raise Wrong("all rows of the noise are the same, so all fakes are. Take torch.randn.")
    if (z >= 0).all():
        raise Wrong(
            "the noise is never negative: torch.rand draws evenly from 0 to 1. G's noise here is "
            "normal: torch.randn."
        )


def _expect_movement(
    trial: Trial, player: int, loss: Tensor, others: list[tuple[Tensor, str]]
) -> None:
    """Raise Wrong or NotYet unless the player was moved once, by the gradient of ``loss``."""
    name, used = NAMES[player], trial.used(player)
    right = trial.gradient(loss, player)
    if _near(used, right) and trial.log[f"{name} stepped"] == 1:
        return
    if used.any() and not trial.log[f"{name} stepped"]:
        raise Wrong(
            f"{name} moved, but optimizer_{name.lower()}.step() was never called. Here it would be "
            "plain descent; in the course it is Adam, which remembers earlier gradients."
        )
    _refuse_wrong_order(trial, player)
    stale = trial.stale[player]
    gradients = [(trial.gradient(other, player), why) for other, why in others]
    for gradient, _ in [(right, ""), *gradients]:
        if _near(used, gradient + stale):
            raise Wrong(_stale(name))
    for gradient, why in gradients:
        if _near(used, gradient):
            raise Wrong(why)
    times = float(used @ right / (right @ right))
    if _near(used, times * right):
        raise Wrong(_scaled(times))
    raise Wrong(
        f"{name} moved, but not along the gradient of its loss: the direction differs by "
        f"{_angle(used, right):.0f} degrees. Compare your loss with the formula, term by term."
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
    if _near(used, trial.stale[player]):
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


def _angle(a: Tensor, b: Tensor) -> float:
    return float(torch.rad2deg(torch.acos(F.cosine_similarity(a, b, dim=0).clamp(-1, 1))))


def _refuse_used_noise(answer: Answer, trial: Trial, given: Tensor | int) -> None:
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
    _expect_normal(torch.cat(batches))


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
    if z.abs().max() < 2.2:
        raise Wrong(
            f"no noise lies beyond ±{z.abs().max():.2f}, as if drawn evenly from an interval. "
            "A normal density goes on: torch.randn."
        )


def _expect_returned(returned: Answer, loss: Tensor) -> None:
    if isinstance(returned, Tensor) and returned.requires_grad:
        raise Wrong(
            "the step is right, but it returns the loss with its whole computation attached; kept "
            "in a list, that fills the memory. Return loss.item()."
        )
    expect_close(returned, loss.item(), "The step is right; return the loss it was made from", 1e-3)


def _expect_safe(answer: Answer, player: int) -> None:
    """Raise Wrong unless the gradient survives a D that is very sure, and wrong, on either pile."""
    for sharp in (300.0, -300.0):
        trial = Trial(sharp=sharp)
        trial.play(answer, trial.real if player else N)
        generator, discriminator = trial.before
        fake = discriminator(generator(trial.noise[-1]))
        real = discriminator(trial.real)
        loss = _discriminator_loss(real, fake) if player else _generator_loss(fake)
        used, right = trial.used(player), trial.gradient(loss, player)
        if not _near(used, right):
            found = (
                "NaN"
                if used.isnan().any()
                else f"{float(used.norm() / right.norm()):.2g} times the right length"
            )
            raise Wrong(
                f"for small logits the step is right; with logits of a few hundred it is "
                f"{found}: a sigmoid that rounds to 0 or 1, or an exp that overflows, loses the "
                "gradient. Stay with logits: softplus, or binary_cross_entropy_with_logits."
            )
