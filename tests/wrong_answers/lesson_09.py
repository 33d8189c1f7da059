"""Misconceptions of lesson 09, each with a piece of the sentence that must answer it."""

import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits as bce

RIGHT = {
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


WRONG = {
    "9.1": [
        (RIGHT | {"patient 1": "missing detach"}, "“left in G” would be above 0"),
        (RIGHT | {"patient 1": "both in one"}, "“D moves in G's step” would be above 0"),
        (RIGHT | {"patient 2": "swapped eps"}, "“scale γ” would be between 0.5 and 2"),
        (RIGHT | {"patient 2": "data range"}, "“real beyond 1” would be above 0.5"),
        (RIGHT | {"patient 3": "double sigmoid"}, "“L_G + log D(G(z))” would be below -0.5"),
        (RIGHT | {"patient 3": "batch penalty"}, "does not have it"),
        (RIGHT | {"patient 4": "never applied"}, "“G moves in G's step” would be exactly 0"),
        (RIGHT | {"patient 5": "absent generator"}, "“G's gradient” would be exactly 0"),
        (RIGHT | {"patient 5": "wrong sign"}, "“L_G” would be between 0 and 0.1"),
        (RIGHT | {"patient 5": "mode collapse"}, "none of the diagnoses"),
        ({"patient 1": "never cleared"}, "from 'patient 1' to 'patient 5'"),
    ],
    "9.2": [
        (step(sigmoid=True, seeded=True, cleared=False, applied=False), "sigmoid is applied twice"),
        (half_mended("G"), "sigmoid is applied twice"),
        (half_mended("D"), "sigmoid is applied twice"),
        (step(seeded=True), "noise once"),
        (same_noise_for_g(), "kept from the step before"),
        (twice, "is called 2 times in one step"),
        (step(cleared=False), "D's optimizer was handed"),
        (step(detached=False), "G's optimizer was handed"),
        (step(applied=False), "never applied"),
        (step(target=1.2), "targets 1 for reals"),
        (step(sign=-1), "L_G has target 1 for fakes"),
        (literal, "a literal log of a sigmoid"),
        (without_gradients("D"), "D has no gradients"),
        (without_gradients("G"), "G has no gradients"),
        (no_d_step, "optimizer_d.step() is missing"),
        (without_return, "return two numbers"),
    ],
    "9.3": [
        (initialise(0.0), "γ multiplies it down"),
        (initialise(1.0, std=0.0), "the same for every channel"),
        (initialise(1.0, std=1.0), "is drawn from N(1, 0.02)"),
        (initialise(1.0, linear=1.0), "Mend γ only"),
        (halved, "both should be 1"),
        (shifted, "β, BatchNorm's bias, is up to 5.00"),
        (norm_only, "so keep them. Mend γ only"),
    ],
}
