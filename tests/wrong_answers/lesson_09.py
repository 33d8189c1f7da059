"""Misconceptions of lesson 09, each with a piece of the sentence that must answer it."""

from collections import OrderedDict
from types import MappingProxyType

import numpy as np
import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy, softplus
from torch.nn.functional import binary_cross_entropy_with_logits as bce

DIAGNOSES = {
    "patient 1": "never cleared",
    "patient 2": "tiny gamma",
    "patient 3": "noise once",
    "patient 4": "double sigmoid",
    "patient 5": "never applied",
}


def step(
    sigmoid=False, seeded=False, cleared=True, applied=True, detached=True, target=1.0, sign=1
):
    """A whole step with the mistakes that are asked for."""

    def one_step(generator, discriminator, optimizer_g, optimizer_d, real):
        if seeded:
            torch.manual_seed(0)
        n = len(real)
        one, zero = torch.ones(n), torch.zeros(n)
        answer = (lambda x: discriminator(x).sigmoid()) if sigmoid else discriminator
        fake = generator(torch.randn(n, 4))
        if detached:
            fake = fake.detach()
        loss_d = bce(answer(real), target * one) + bce(answer(fake), zero)
        if cleared:
            optimizer_d.zero_grad()
        loss_d.backward()
        optimizer_d.step()
        loss_g = sign * bce(answer(generator(torch.randn(n, 4))), one)
        if detached:
            optimizer_g.zero_grad()
        loss_g.backward()
        if applied:
            optimizer_g.step()
        return loss_d.item(), loss_g.item()

    return one_step


def step_of_d(generator, discriminator, optimizer_d, real):
    """D's step as it should be; returns its loss."""
    fake = generator(torch.randn(len(real), 4)).detach()
    loss = bce(discriminator(real), torch.ones(len(real)))
    loss = loss + bce(discriminator(fake), torch.zeros(len(real)))
    optimizer_d.zero_grad()
    loss.backward()
    optimizer_d.step()
    return loss


def twice(generator, discriminator, optimizer_g, optimizer_d, real):
    """D is moved once more, by what G's loss leaves in it."""
    loss_d = step_of_d(generator, discriminator, optimizer_d, real)
    fake = generator(torch.randn(len(real), 4))
    loss_g = bce(discriminator(fake), torch.ones(len(real)))
    optimizer_g.zero_grad()
    loss_g.backward()
    optimizer_g.step()
    optimizer_d.step()
    return loss_d.item(), loss_g.item()


def same_noise_for_g():
    """Fresh noise for D, but G learns from one batch of noise for ever."""
    kept: dict[str, torch.Tensor] = {}

    def one_step(generator, discriminator, optimizer_g, optimizer_d, real):
        n = len(real)
        loss_d = step_of_d(generator, discriminator, optimizer_d, real)
        z = kept.setdefault("z", torch.randn(n, 4))
        loss_g = bce(discriminator(generator(z)), torch.ones(n))
        optimizer_g.zero_grad()
        loss_g.backward()
        optimizer_g.step()
        return loss_d.item(), loss_g.item()

    return one_step


def shifted(layer):
    """The right start, but for BatchNorm's bias."""
    initialise(1.0)(layer)
    if isinstance(layer, nn.BatchNorm1d):
        nn.init.constant_(layer.bias, 5.0)


def half_mended(only):
    """A step in which sigmoid is left in one of the two losses."""

    def one_step(generator, discriminator, optimizer_g, optimizer_d, real):
        one, zero = torch.ones(len(real)), torch.zeros(len(real))
        fake = generator(torch.randn(len(real), 4)).detach()
        d_real, d_fake = discriminator(real), discriminator(fake)
        if only == "D":
            d_real, d_fake = d_real.sigmoid(), d_fake.sigmoid()
        loss_d = bce(d_real, one) + bce(d_fake, zero)
        optimizer_d.zero_grad()
        loss_d.backward()
        optimizer_d.step()
        d_fake = discriminator(generator(torch.randn(len(real), 4)))
        loss_g = bce(d_fake.sigmoid() if only == "G" else d_fake, one)
        optimizer_g.zero_grad()
        loss_g.backward()
        optimizer_g.step()
        return loss_d.item(), loss_g.item()

    return one_step


def without_gradients(of):
    """A step that clears the gradients of one player too late, or shows D detached fakes."""

    def one_step(generator, discriminator, optimizer_g, optimizer_d, real):
        one, zero = torch.ones(len(real)), torch.zeros(len(real))
        fake = generator(torch.randn(len(real), 4)).detach()
        loss_d = bce(discriminator(real), one) + bce(discriminator(fake), zero)
        optimizer_d.zero_grad()
        loss_d.backward()
        if of == "D":
            optimizer_d.zero_grad()
        optimizer_d.step()
        again = fake if of == "G" else generator(torch.randn(len(real), 4))
        loss_g = bce(discriminator(again), one)
        optimizer_g.zero_grad()
        loss_g.backward()
        optimizer_g.step()
        return loss_d.item(), loss_g.item()

    return one_step


def without_return(*players):
    step()(*players)
    return ()


def in_numpy(*players):
    return tuple(map(np.float32, step()(*players)))


def literal(generator, discriminator, optimizer_g, optimizer_d, real):
    fake = generator(torch.randn(len(real), 4)).detach()
    d_real, d_fake = discriminator(real).sigmoid(), discriminator(fake).sigmoid()
    loss_d = -torch.log(d_real).mean() - torch.log(1 - d_fake).mean()
    optimizer_d.zero_grad()
    loss_d.backward()
    optimizer_d.step()
    loss_g = -torch.log(discriminator(generator(torch.randn(len(real), 4))).sigmoid()).mean()
    optimizer_g.zero_grad()
    loss_g.backward()
    optimizer_g.step()
    return loss_d.item(), loss_g.item()


def no_d_step(generator, discriminator, optimizer_g, optimizer_d, real):
    class Idle:
        def zero_grad(self):
            optimizer_d.zero_grad()

        def step(self):
            pass

    return step()(generator, discriminator, optimizer_g, Idle(), real)


def initialise(mean, std=0.02, linear=0.02):
    def on_layer(layer):
        if isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight, 0.0, linear)
        elif isinstance(layer, nn.BatchNorm1d):
            nn.init.normal_(layer.weight, mean, std)

    return on_layer


def norm_only(layer):
    if isinstance(layer, nn.BatchNorm1d):
        nn.init.normal_(layer.weight, 1.0, 0.02)


def halved(layer):
    if isinstance(layer, nn.Linear | nn.BatchNorm1d):
        nn.init.normal_(layer.weight, 0.5 if isinstance(layer, nn.BatchNorm1d) else 0.0, 0.02)


def losses_of(discriminator, real, fake):
    one, zero = torch.ones(len(real)), torch.zeros(len(real))
    return bce(discriminator(real), one) + bce(discriminator(fake), zero)


def written(
    noise=lambda n: torch.randn(n, 4),
    loss_of_d=losses_of,
    loss_of_g=lambda logits: bce(logits, torch.ones_like(logits)),
    clear="before",
    steps=(1, 1),
    returns=lambda d, g: (d.item(), g.item()),
    shared=False,
    g_first=False,
):
    """A step with other ways to write it, right or wrong."""

    def one_step(generator, discriminator, optimizer_g, optimizer_d, real):
        n, optimizers, kept = len(real), (optimizer_g, optimizer_d), noise(len(real))
        if clear == "on top":
            for optimizer in optimizers:
                optimizer.zero_grad()

        def player(optimizer, loss, times):
            if clear == "before":
                optimizer.zero_grad()
            loss.backward()
            for _ in range(times):
                optimizer.step()
            if clear == "own after":
                optimizer.zero_grad()
            if clear == "both after":
                [each.zero_grad() for each in optimizers]
            return loss

        def step_d():
            fake = generator(kept if shared else noise(n)).detach()
            return player(optimizer_d, loss_of_d(discriminator, real, fake), steps[0])

        def step_g():
            logits = discriminator(generator(kept if shared else noise(n)))
            return player(optimizer_g, loss_of_g(logits), steps[1])

        if g_first:
            loss_g, loss_d = step_g(), step_d()
        else:
            loss_d, loss_g = step_d(), step_g()
        return returns(loss_d, loss_g)

    return one_step


def through_both(generator, discriminator, optimizer_g, optimizer_d, real):
    """One batch of fakes for both, no detach; G's gradients are cleared before its own loss."""
    fake = generator(torch.randn(len(real), 4))
    loss_d = softplus(-discriminator(real)).mean() + softplus(discriminator(fake)).mean()
    discriminator.zero_grad()
    loss_d.backward(retain_graph=True)
    optimizer_d.step()
    loss_g = softplus(-discriminator(generator(torch.randn(len(real), 4)))).mean()
    generator.zero_grad()
    loss_g.backward()
    optimizer_g.step()
    return [loss_d.item(), loss_g.item()]


def frozen_d(generator, discriminator, optimizer_g, optimizer_d, real):
    """D's weights need no gradient in G's step; each player is cleared after its own step."""
    with torch.no_grad():
        fake = generator(torch.randn(len(real), 4))
    loss_d = losses_of(discriminator, real, fake)
    loss_d.backward()
    optimizer_d.step()
    optimizer_d.zero_grad()
    discriminator.requires_grad_(False)
    loss_g = softplus(-discriminator(generator(torch.randn(len(real), 4)))).mean()
    loss_g.backward()
    discriminator.requires_grad_(True)
    optimizer_g.step()
    optimizer_g.zero_grad()
    return loss_d.item(), loss_g.item()


def by_hand(of):
    """One player moves without its optimizer."""

    def one_step(generator, discriminator, optimizer_g, optimizer_d, real):
        class Own:
            def __init__(self, network):
                self.network = network

            def zero_grad(self):
                self.network.zero_grad()

            def step(self):
                with torch.no_grad():
                    for weight in self.network.parameters():
                        weight -= 0.05 * weight.grad

        optimizer_g = Own(generator) if of == "G" else optimizer_g
        optimizer_d = Own(discriminator) if of == "D" else optimizer_d
        return step()(generator, discriminator, optimizer_g, optimizer_d, real)

    return one_step


def from_probabilities(discriminator, real, fake):
    d_real, d_fake = discriminator(real).sigmoid(), discriminator(fake).sigmoid()
    one, zero = torch.ones(len(real)), torch.zeros(len(real))
    return binary_cross_entropy(d_real, one) + binary_cross_entropy(d_fake, zero)


def smoothed(discriminator, real, fake):
    one, zero = torch.ones(len(real)), torch.zeros(len(real))
    return bce(discriminator(real), 0.9 * one) + bce(discriminator(fake), zero)


def in_two_parts(generator, discriminator, optimizer_g, optimizer_d, real):
    """As in PyTorch's tutorial: backward() for reals, then for fakes; the same fakes for G."""
    one, zero = torch.ones(len(real)), torch.zeros(len(real))
    optimizer_d.zero_grad()
    loss_real = bce(discriminator(real), one)
    loss_real.backward()
    fake = generator(torch.randn(len(real), 4))
    loss_fake = bce(discriminator(fake.detach()), zero)
    loss_fake.backward()
    optimizer_d.step()
    optimizer_g.zero_grad()
    loss_g = bce(discriminator(fake), one)
    loss_g.backward()
    optimizer_g.step()
    return (loss_real + loss_fake).item(), loss_g.item()


def as_one_batch(discriminator, real, fake):
    logits = discriminator(torch.cat([real, fake]))
    return 2 * bce(logits, (torch.arange(len(logits)) < len(real)).float())


def default_norm(layer):
    """Mends it by leaving BatchNorm alone: PyTorch's own γ is 1."""
    if isinstance(layer, nn.Linear):
        nn.init.normal_(layer.weight, 0.0, 0.02)


def default_norm_again(layer):
    default_norm(layer)
    if isinstance(layer, nn.BatchNorm1d):
        layer.reset_parameters()


def by_name(layer):
    name = type(layer).__name__
    if name == "Linear":
        layer.weight.data.normal_(0, 0.02)
    elif name.startswith("BatchNorm"):
        layer.weight.data.normal_(1, 0.02)
        layer.bias.data.zero_()


def one_plus(layer):
    if isinstance(layer, nn.Linear | nn.BatchNorm1d):
        nn.init.normal_(layer.weight, 0.0, 0.02)
    if isinstance(layer, nn.BatchNorm1d):
        with torch.no_grad():
            layer.weight.add_(1)


def on_linear(change):
    def on_layer(layer):
        initialise(1.0)(layer)
        if isinstance(layer, nn.Linear):
            change(layer)

    return on_layer


def triangular(layer):
    """A sum of two uniform draws: mean and standard deviation are right."""
    with torch.no_grad():
        layer.weight.copy_((torch.rand_like(layer.weight) - torch.rand_like(layer.weight)) * 0.049)


def repeated_rows(layer):
    """One row for all units, from the second layer on."""
    if layer.in_features == 64:
        with torch.no_grad():
            layer.weight.copy_(layer.weight[:1].clone().expand_as(layer.weight))


def first_only(layer):
    initialise(1.0 if getattr(layer, "num_features", 64) == 64 else 0.0)(layer)


def weight_and_bias(layer):
    default_norm(layer)
    if isinstance(layer, nn.BatchNorm1d):
        nn.init.normal_(layer.weight, 0.0, 0.02)
        nn.init.normal_(layer.bias, 1.0, 0.02)


RIGHT = {
    "9.1": [
        (dict(reversed(DIAGNOSES.items())),),
        (OrderedDict(DIAGNOSES),),
        (MappingProxyType(DIAGNOSES),),
    ],
    "9.2": [
        (written(),),
        (in_numpy,),
        (written(clear="on top"),),
        (written(clear="both after"),),
        (written(g_first=True),),
        (written(shared=True),),
        (written(loss_of_d=as_one_batch),),
        (written(loss_of_g=lambda logits: -nn.functional.logsigmoid(logits).mean()),),
        (through_both,),
        (frozen_d,),
        (in_two_parts,),
    ],
    "9.3": [
        (initialise(1.0, std=0.0),),
        (default_norm,),
        (default_norm_again,),
        (by_name,),
        (one_plus,),
        (on_linear(lambda layer: nn.init.trunc_normal_(layer.weight, 0.0, 0.02)),),
    ],
}
WRONG = {
    "9.1": [
        (DIAGNOSES | {"patient 1": "missing detach"}, "“left in G” would be above 0"),
        (DIAGNOSES | {"patient 1": "both in one"}, "“D moves in G's step” would be above 0"),
        (DIAGNOSES | {"patient 2": "swapped eps"}, "“scale γ” would be between 0.5 and 2"),
        (DIAGNOSES | {"patient 2": "data range"}, "“real beyond 1” would be above 0.5"),
        (DIAGNOSES | {"patient 3": "double sigmoid"}, "“L_G + log D(G(z))” would be below -0.5"),
        (DIAGNOSES | {"patient 3": "batch penalty"}, "does not have it"),
        (DIAGNOSES | {"patient 4": "never applied"}, "“G moves in G's step” would be exactly 0"),
        (DIAGNOSES | {"patient 5": "absent generator"}, "“G's gradient” would be exactly 0"),
        (DIAGNOSES | {"patient 5": "wrong sign"}, "“L_G” would be between 0 and 0.1"),
        (DIAGNOSES | {"patient 5": "mode collapse"}, "none of the diagnoses"),
        ({"patient 1": "never cleared"}, "from 'patient 1' to 'patient 5'"),
    ],
    "9.2": [
        (step(sigmoid=True, seeded=True, cleared=False, applied=False), "sigmoid is applied twice"),
        (half_mended("G"), "sigmoid is applied twice"),
        (half_mended("D"), "sigmoid is applied twice"),
        (step(seeded=True), "noise once"),
        (same_noise_for_g(), "kept from a step before"),
        (twice, "optimizer_d.step() is called 2 times"),
        (step(cleared=False), "D's optimizer was handed"),
        (step(detached=False), "G's optimizer was handed"),
        (step(applied=False), "never applied"),
        (step(target=1.2), "target 1 for reals"),
        (step(sign=-1), "L_G has target 1 for fakes"),
        (literal, "A literal log of a sigmoid"),
        (without_gradients("D"), "D has no gradients"),
        (without_gradients("G"), "G has no gradients"),
        (no_d_step, "What turns gradients into a step? (optimizer_d)"),
        (without_return, "return two numbers"),
        (written(clear="own after"), "D's optimizer was handed"),
        (written(clear="never"), "was handed"),
        (written(steps=(2, 1)), "optimizer_d.step() is called 2 times"),
        (written(steps=(1, 2)), "optimizer_g.step() is called 2 times"),
        (written(noise=lambda n: torch.rand(n, 4)), "mean 0.50 and standard deviation 0.29"),
        (written(noise=lambda n: (torch.rand(n, 4) - 0.5) * 12**0.5), "between −1 and 1"),
        (written(loss_of_d=lambda d, x, y: losses_of(d, x[:9], y[:9])), "left out, or changed"),
        (written(loss_of_d=lambda d, x, y: losses_of(d, 1.1 * x, y)), "left out, or changed"),
        (written(loss_of_d=smoothed), "target 1 for reals"),
        (written(noise=lambda n: 3 * torch.randn(n, 4)), "and standard deviation 3.0"),
        (written(noise=lambda n: torch.randn(1, 4).expand(n, 4)), "of a batch of noise repeat"),
        (written(noise=lambda n: torch.randn(n, 1).expand(n, 4)), "of a batch of noise repeat"),
        (written(noise=lambda n: torch.randn(2 * n, 4)), "stopped"),
        (written(loss_of_d=from_probabilities), "the sigmoid of 20 is rounded to 1"),
        (written(loss_of_d=lambda *x: losses_of(*x) / 2), "is the sum of two means"),
        (written(loss_of_d=lambda d, x, y: losses_of(d, y, x)), "near 20 for every real"),
        (written(loss_of_d=lambda d, x, y: losses_of(d, y, y)), "near 20 for every real"),
        (written(loss_of_g=lambda t: -softplus(t).mean()), "L_G has target 1 for fakes"),
        (written(returns=lambda d, g: (g.item(), d.item())), "return them in this order"),
        (written(returns=lambda d, g: (d, g)), "plain numbers"),
        (written(returns=lambda d, g: d.item() + g.item()), "return two numbers"),
        (by_hand("G"), "not by optimizer_g.step()"),
        (by_hand("D"), "not by optimizer_d.step()"),
        (nn.Linear, "stopped with TypeError"),
    ],
    "9.3": [
        (initialise(0.0), "γ multiplies it down"),
        (first_only, "γ multiplies it down"),
        (weight_and_bias, "γ multiplies it down"),
        (initialise(-1.0), "γ has mean -1.00"),
        (initialise(2.0), "γ has mean 2.00"),
        (initialise(1.0, std=0.2), "γ has standard deviation 0.2"),
        (on_linear(lambda layer: nn.init.zeros_(layer.weight)), "Mend γ only"),
        (on_linear(lambda layer: nn.init.xavier_normal_(layer.weight)), "Mend γ only"),
        (on_linear(lambda layer: nn.init.normal_(layer.weight, 1.0, 0.02)), "Mend γ only"),
        (
            on_linear(lambda layer: layer.bias is None or nn.init.constant_(layer.bias, 3.0)),
            "a linear layer's bias is up to 3.00",
        ),
        (
            on_linear(lambda layer: nn.init.uniform_(layer.weight, -0.0346, 0.0346)),
            "of a linear layer's weights, (64, 16)",
        ),
        (on_linear(lambda layer: layer.weight.data.sign_().mul_(0.02)), "are different"),
        (on_linear(triangular), "lie between −0.02 and 0.02"),
        (on_linear(repeated_rows), "8,192 weights of a linear layer, (128, 64), 64 are"),
        (initialise(float("nan")), "γ has standard deviation nan"),
        (initialise(1.0, std=1.0), "0.02 is wanted, or γ = 1 for all"),
        (initialise(1.0, linear=1.0), "Mend γ only"),
        (halved, "γ has mean 0.50"),
        (shifted, "β, BatchNorm's bias, is up to 5.00"),
        (norm_only, "so keep them. Mend γ only"),
    ],
}
