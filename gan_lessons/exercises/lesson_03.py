"""Checks of lesson 03: the learner's steps are run on tiny networks, and everything is watched."""

from collections.abc import Iterable

import torch
import torch.nn.functional as F
from torch import Tensor

from gan_lessons.exercises import Answer, Wrong, call, close, exercise, expect_close, expect_shape
from gan_lessons.exercises.watched_trial import (
    N,
    Trial,
    expect_movement,
    near,
    refuse_no_noise,
    refuse_used_noise,
)


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
        "G sees the d that has just moved, and that is where −η² comes from. It makes the factor "
        "per step exactly 1, for every η below 2: the walk neither grows nor shrinks."
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


@exercise("3.2")
def discriminator_step(answer: Answer) -> str:
    """One update of D on −E log D(x) − E log(1 − D(G(z))) (Goodfellow et al. 2014, algorithm 1)."""
    trial = Trial()
    returned = trial.play(answer, trial.real)
    if trial.used(0).any() and not trial.log["G stepped"]:
        raise Wrong("G has moved, too, though no optimizer moved it. In D's step G stands still.")
    if trial.log["G stepped"]:
        if not trial.log["D stepped"]:
            raise Wrong(
                "the wrong optimizer stepped: optimizer_g moves G, and D learns nothing. Each "
                "optimizer knows one player's parameters only."
            )
        raise Wrong(
            "G has moved, too: optimizer_g was stepped. In D's step only optimizer_d may step; the "
            "gradients that G would follow here were made for another purpose."
        )
    refuse_no_noise(trial, "D has to see fakes: make them with generator(z), z fresh noise.")
    generator, discriminator = trial.before
    fake = generator(trial.noise[-1]).detach()
    logits = (discriminator(trial.real), discriminator(fake))
    loss = _discriminator_loss(*logits)
    expect_movement(trial, 1, loss, _other_discriminator_losses(*logits))
    if trial.log["G reached"] and not any(
        p.grad is not None and p.grad.any() for p in trial.generator.parameters()
    ):
        raise Wrong(
            "D moved rightly, but the backward pass ran on into G. You cleared what it left there; "
            "better not compute it at all. Cut the fakes off: generator(z).detach()."
        )
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
    _refuse_evaluation_mode(trial)
    refuse_used_noise(answer, trial, trial.real)
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
            "every logit was pushed equally hard, reals up and fakes down: the logarithm is "
            "missing. −log D(x) pushes harder where D errs.",
        ),
        (
            soft(-real).mean() - soft(fake).mean(),
            "the term of the fakes has the wrong sign: D is rewarded for calling them real.",
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
    if trial.used(1).any() and not trial.log["D stepped"]:
        raise Wrong("D has moved, too, though no optimizer moved it. In G's step D stands still.")
    if trial.log["D stepped"]:
        if not trial.log["G stepped"]:
            raise Wrong(
                "the wrong optimizer stepped: optimizer_d moves D, here towards calling fakes "
                "real, and G learns nothing. Each optimizer knows one player's parameters only."
            )
        raise Wrong(
            "D has moved, too: optimizer_d was stepped in G's step, along G's gradient, which "
            "teaches D to call fakes real. Only optimizer_g may step here."
        )
    refuse_no_noise(trial, "G's step needs new fakes: generator(z), z fresh noise.")
    if trial.log["D reached"] and not trial.log["G reached"]:
        raise Wrong(
            "D received a gradient, but G none. detach() belongs in D's step; in G's step the "
            "gradient has to run through D into G, the very network that you were given."
        )
    if not all(p.requires_grad for p in trial.discriminator.parameters()):
        raise Wrong(
            "D is left frozen (requires_grad is off), and its own next step will fail. There is no "
            "need to freeze it: optimizer_g moves nothing but G."
        )
    generator, discriminator = trial.before
    logits = discriminator(generator(trial.noise[-1]))
    loss = _generator_loss(logits)
    expect_movement(trial, 0, loss, _other_generator_losses(logits))
    _refuse_evaluation_mode(trial)
    refuse_used_noise(answer, trial, N)
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


SIGMOID_TWICE = (
    "sigmoid is applied twice: softplus and binary_cross_entropy_with_logits want the logit "
    "itself, and D returns logits."
)


def _refuse_evaluation_mode(trial: Trial) -> None:
    for name, network in (("G", trial.generator), ("D", trial.discriminator)):
        if not network.training:
            raise Wrong(
                f"{name} is left in evaluation mode: with BatchNorm or dropout it would train "
                "differently from here on. No step needs eval(); whoever calls it calls train() "
                "again."
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
        if not near(used, right):
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
