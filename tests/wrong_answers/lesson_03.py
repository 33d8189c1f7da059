"""Misconceptions of lesson 03, each with a piece of the sentence that must answer it."""

import copy

import torch
import torch.nn.functional as F


def bce(logits, target):
    return F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, target))


def d_loss(real, fake):
    return F.softplus(-real).mean() + F.softplus(fake).mean()


def g_loss(fake):
    return F.softplus(-fake).mean()


def fresh(n):
    return torch.randn(n, 4)


FIXED = torch.randn(24, 4, generator=torch.Generator().manual_seed(0))


def update(loss, *optimizers):
    for optimizer in optimizers:
        optimizer.zero_grad()
    loss.backward()
    for optimizer in optimizers:
        optimizer.step()
    return loss.item()


def d_step(loss=d_loss, noise=fresh):
    """D's step, right but for its loss or its noise."""

    def step(generator, discriminator, optimizer_g, optimizer_d, real):
        fake = generator(noise(len(real))).detach()
        return update(loss(discriminator(real), discriminator(fake)), optimizer_d)

    return step


def g_step(loss=g_loss, noise=fresh):
    """G's step, likewise."""

    def step(generator, discriminator, optimizer_g, optimizer_d, n):
        return update(loss(discriminator(generator(noise(n)))), optimizer_g)

    return step


def left_in_eval(step, player):
    """A right step that leaves one player, 0 for G and 1 for D, in evaluation mode."""

    def stopped(*given):
        given[player].eval()
        return step(*given)

    return stopped


def back_to_train(step):
    def steady(generator, *given):
        generator.eval()
        loss = step(generator, *given)
        generator.train()
        return loss

    return steady


def d_moves(move, cut=True):
    """D's step with the right loss, and ``move(loss, optimizer_g, optimizer_d)`` after it."""

    def step(generator, discriminator, optimizer_g, optimizer_d, real):
        fake = generator(fresh(len(real)))
        if cut:
            fake = fake.detach()
        loss = d_loss(discriminator(real), discriminator(fake))
        got = move(loss, optimizer_g, optimizer_d)
        return loss.item() if got is None else got

    return step


def g_moves(move, cut=False):
    """G's step, likewise."""

    def step(generator, discriminator, optimizer_g, optimizer_d, n):
        fake = generator(fresh(n))
        if cut:
            fake = fake.detach()
        loss = g_loss(discriminator(fake))
        got = move(loss, optimizer_g, optimizer_d)
        return loss.item() if got is None else got

    return step


def generator_step_of(generator, discriminator, optimizer_g, optimizer_d, n):
    """A right step of G, on n fakes."""
    loss = g_loss(discriminator(generator(fresh(n))))
    optimizer_g.zero_grad()
    loss.backward()
    optimizer_g.step()
    return loss.item()


def never_cleared(loss, own):
    loss.backward()
    own.step()


def cleared_afterwards(loss, own):
    loss.backward()
    own.step()
    own.zero_grad()


def cleared_too_late(loss, own):
    loss.backward()
    own.zero_grad()
    own.step()


def stepped_too_soon(loss, own):
    own.step()
    own.zero_grad()
    loss.backward()


def never_applied(loss, own):
    own.zero_grad()
    loss.backward()


def never_computed(loss, own):
    own.step()


def twice(loss, own):
    own.zero_grad()
    loss.backward()
    own.step()
    own.step()


def with_its_graph(loss, own):
    update(loss, own)
    return loss


def other_number(loss, own):
    update(loss, own)
    return loss.item() / 2


def seeded(n):
    torch.manual_seed(0)
    return torch.randn(n, 4)


def no_fakes(generator, discriminator, optimizer_g, optimizer_d, real):
    fake = torch.randn_like(real)
    return update(d_loss(discriminator(real), discriminator(fake)), optimizer_d)


def no_fakes_for_g(generator, discriminator, optimizer_g, optimizer_d, n):
    return update(g_loss(discriminator(torch.randn(n, 1))), optimizer_g)


def d_first_steps(generator, discriminator, optimizer_g, optimizer_d, real):
    optimizer_d.step()
    optimizer_d.zero_grad()
    loss = d_loss(discriminator(real), discriminator(generator(fresh(len(real))).detach()))
    loss.backward()
    return loss.item()


def g_first_steps(generator, discriminator, optimizer_g, optimizer_d, n):
    optimizer_g.step()
    optimizer_g.zero_grad()
    loss = g_loss(discriminator(generator(fresh(n))))
    loss.backward()
    return loss.item()


def without_gradient(generator, discriminator, optimizer_g, optimizer_d, n):
    with torch.no_grad():
        loss = g_loss(discriminator(generator(fresh(n))))
    return update(loss, optimizer_g)


def frozen(generator, discriminator, optimizer_g, optimizer_d, n):
    discriminator.requires_grad_(False)
    return update(g_loss(discriminator(generator(fresh(n)))), optimizer_g)


def both(call):
    """One of the moves above, with D's optimizer, or with G's."""
    return d_moves(lambda loss, g, d: call(loss, d)), g_moves(lambda loss, g, d: call(loss, g))


def clamped(fake):
    return F.binary_cross_entropy(torch.sigmoid(fake), torch.ones_like(fake))


def half_safe(real, fake):
    return F.softplus(-real).mean() - torch.log(1 - torch.sigmoid(fake)).mean()


def g_left_frozen(generator, discriminator, optimizer_g, optimizer_d, real):
    generator.requires_grad_(False)
    fake = generator(fresh(len(real)))
    return update(d_loss(discriminator(real), discriminator(fake)), optimizer_d)


def by_hand(loss, own):
    own.zero_grad()
    loss.backward()
    with torch.no_grad():
        for p in own.param_groups[0]["params"]:
            p -= own.param_groups[0]["lr"] * p.grad


def under_no_grad(generator, discriminator, optimizer_g, optimizer_d, real):
    with torch.no_grad():
        fake = generator(torch.empty(len(real), 4).normal_())
    loss = bce(discriminator(real), 1.0) + bce(discriminator(fake), 0.0)
    return update(loss, optimizer_d)


def in_two_backwards(generator, discriminator, optimizer_g, optimizer_d, real):
    optimizer_d.zero_grad()
    fake = generator(fresh(real.shape[0])).data
    first = -F.logsigmoid(discriminator(real)).mean()
    first.backward()
    second = -F.logsigmoid(-discriminator(fake)).mean()
    second.backward()
    optimizer_d.step()
    return first.item() + second.item()


def frozen_and_freed(generator, discriminator, optimizer_g, optimizer_d, n):
    discriminator.requires_grad_(False)
    loss = -F.logsigmoid(discriminator(generator(fresh(n)))).mean()
    update(loss, optimizer_g)
    discriminator.requires_grad_(True)
    return loss.detach()


def eye(rows):
    return lambda rate: torch.tensor(rows(rate))


def nudged(player):
    """G's step or D's, right, after which the other one is moved by hand."""
    step = (d_step(), g_step())[player]

    def with_nudge(generator, discriminator, optimizer_g, optimizer_d, given):
        got = step(generator, discriminator, optimizer_g, optimizer_d, given)
        with torch.no_grad():
            for p in (generator, discriminator)[player].parameters():
                p += 0.01
        return got

    return with_nudge


def own_optimizer(loss, own):
    update(loss, torch.optim.Adam(own.param_groups[0]["params"]))


def clipped(loss, own):
    own.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(own.param_groups[0]["params"], 0.1)
    own.step()


def noisy_reals(generator, discriminator, optimizer_g, optimizer_d, real):
    shaken = real + 0.1 * torch.randn_like(real)
    fake = generator(fresh(len(real))).detach()
    return update(d_loss(discriminator(shaken), discriminator(fake)), optimizer_d)


def without_d(generator, discriminator, optimizer_g, optimizer_d, n):
    copied = copy.deepcopy(generator)
    return update(g_loss(discriminator(copied(fresh(n)))), optimizer_g)


def laplace(n):
    return torch.distributions.Laplace(0.0, 0.5**0.5).sample((n, 4))


def in_one_batch(generator, discriminator, optimizer_g, optimizer_d, real):
    fake = generator(fresh(len(real))).detach()
    labels = torch.cat([torch.ones_like(real), torch.zeros_like(real)])
    logits = discriminator(torch.cat([real, fake]))
    return update(2 * F.binary_cross_entropy_with_logits(logits, labels), optimizer_d)


def by_autograd(loss, own):
    parameters = own.param_groups[0]["params"]
    for p, gradient in zip(parameters, torch.autograd.grad(loss, parameters), strict=True):
        p.grad = gradient
    own.step()


WRONG = {
    "3.1": [
        (eye(lambda r: [[1, -r], [r, 1]]), "simultaneous play"),
        (eye(lambda r: [[1, -r], [r, 1 - r * r]]), "here G moves first"),
        (eye(lambda r: [[1 - r * r, r], [-r, 1]]), "the two signs are exchanged"),
        (eye(lambda r: [[r, 1], [1 - r * r, -r]]), "the rows are exchanged"),
        (eye(lambda r: [[1, r], [-r, 1 - r * r]]), "for the order (d, g)"),
        (eye(lambda r: [[1 + r * r, r], [r, 1]]), "both players climb"),
        (eye(lambda r: [[1 - r, -r], [r, 1]]), "first corner is 1 − η"),
        (eye(lambda r: [[1 + r * r, -r], [r, 1]]), "is wanted. The first row makes the new g"),
        (eye(lambda r: [1 - r * r, -r, r, 1]), "Two new numbers out of two old ones"),
        (lambda rate: [[1 - rate**2, -rate], [rate, 1]], "a list; a tensor"),
        (eye(lambda r: [[1, -0.2], [0.2, 0.96]]), "is wanted. The first row"),
        (eye(lambda r: [[1 - r * r, -r], [r, 1 - r * r]]), "index (1, 1)"),
        (eye(lambda r: [[1.0, -r], [0, 1]]), "is wanted. The first row"),
        (eye(lambda r: [[-r * r, -r], [r, 0]]), "is wanted. The first row"),
        (lambda rate: torch.eye(2).to(torch.complex64), "numbers are wanted"),
    ],
    "3.2": [
        (left_in_eval(d_step(), 0), "G is left in evaluation mode"),
        (left_in_eval(d_step(), 1), "D is left in evaluation mode"),
        (d_moves(lambda loss, g, d: update(loss, d), cut=False), "ran on into G"),
        (both(never_cleared)[0], "pull it towards calling fakes real"),
        (d_step(lambda r, f: F.softplus(r).mean() + F.softplus(-f).mean()), "taught to call reals"),
        (d_step(lambda r, f: bce(r, 1.0) + bce(f, 1.0)), "both piles were taught as"),
        (d_step(lambda r, f: F.softplus(-r).mean()), "by the reals alone"),
        (d_step(lambda r, f: F.softplus(f).mean()), "by the fakes alone"),
        (d_step(lambda r, f: -d_loss(r, f)), "goes uphill"),
        (d_step(lambda r, f: d_loss(r.sigmoid(), f.sigmoid())), "sigmoid is applied twice"),
        (d_step(lambda r, f: f.mean() - r.mean()), "every logit was pushed equally hard"),
        (d_step(lambda r, f: f.sigmoid().mean() - r.sigmoid().mean()), "probabilities themselves"),
        (d_step(lambda r, f: F.softplus(-r).sum() + F.softplus(f).sum()), "summed over the batch"),
        (d_step(lambda r, f: d_loss(r, f) / 2), "0.5 times as long"),
        (d_step(lambda r, f: d_loss(r, f) + r.square().mean()), "direction differs by"),
        (d_moves(lambda loss, g, d: update(loss, g)), "the wrong optimizer stepped"),
        (d_moves(lambda loss, g, d: update(loss, g, d), cut=False), "G has moved, too"),
        (both(cleared_too_late)[0], "between backward() and step()"),
        (both(stepped_too_soon)[0], "stands between the loss and its backward()"),
        (d_first_steps, "step() comes before backward()"),
        (both(never_applied)[0], "optimizer_d.step() is missing"),
        (both(never_computed)[0], "no backward() has given D"),
        (both(twice)[0], "stepped 2 times"),
        (both(with_its_graph)[0], "whole computation attached"),
        (both(other_number)[0], "return the loss it was made from"),
        (d_step(noise=lambda n: FIXED), "the same noise"),
        (d_step(noise=lambda n: torch.rand(n, 4)), "no number of the noise is negative"),
        (d_step(noise=lambda n: torch.zeros(n, 4)), "rows of the noise are the same"),
        (d_step(noise=lambda n: fresh(64)), "there are 64 fakes"),
        (no_fakes, "the generator was never called"),
        (d_step(half_safe), "of a few hundred it is"),
        (d_step(noise=lambda n: torch.rand(n, 4) * 3.4 - 1.7), "as if drawn evenly"),
        (d_step(noise=lambda n: fresh(n) / 10), "standard deviation 0.1"),
        (d_step(noise=lambda n: fresh(n) + 1), "the noise has mean"),
        (d_step(noise=lambda n: fresh(n // 2).repeat(2, 1)), "rows or columns of the noise repeat"),
        (d_step(noise=lambda n: fresh(n).round()), "made of whole numbers"),
        (g_left_frozen, "G is left frozen"),
        (both(by_hand)[0], "optimizer_d.step() was never called"),
        (both(own_optimizer)[0], "optimizer_d.step() was never called"),
        (both(clipped)[0], "neither scaled nor clipped"),
        (nudged(0), "though no optimizer moved it"),
        (noisy_reals, "of its length. Compare your loss"),
        (d_step(lambda r, f: F.softplus(-r).mean() - F.softplus(f).mean()), "wrong sign"),
        (d_step(lambda r, f: F.relu(1 - r).mean() + F.relu(1 + f).mean()), "pushed equally hard"),
        (d_step(lambda r, f: bce(r, 0.9) + bce(f, 0.0)), "of its length. Compare"),
        (d_step(lambda r, f: d_loss(r.detach(), f)), "by the fakes alone"),
        (d_step(noise=lambda n: fresh(n).abs()), "no number of the noise is negative"),
        (d_step(noise=laplace), "lies between −1 and 1; of a standard"),
        (d_step(noise=lambda n: fresh(n - 1)), "there are 23 fakes"),
        (d_step(noise=lambda n: fresh(24)), "asked for 8 fakes, the step made 24"),
        (d_moves(lambda loss, g, d: (update(loss, d), g.zero_grad())[0], cut=False), "You cleared"),
        (d_step(lambda r, f: F.softplus(-r) + F.softplus(f)), "take the mean before"),
        (d_step(noise=lambda n: torch.randn(n, 1)), "G takes noise of shape (n, 4)"),
    ],
    "3.3": [
        (left_in_eval(g_step(), 1), "D is left in evaluation mode"),
        (
            lambda g, d, og, od, n: generator_step_of(g, d, og, od, 2 * n),
            "there are 48 fakes, where 24 are asked for",
        ),
        (g_step(noise=lambda n: fresh(24)), "asked for 8 fakes, the step made 24"),
        (g_moves(lambda loss, g, d: update(loss, g), cut=True), "detach() belongs in D's step"),
        (both(cleared_afterwards)[1], "gradients from the step before were still there"),
        (g_moves(lambda loss, g, d: update(loss, d)), "the wrong optimizer stepped"),
        (g_moves(lambda loss, g, d: update(loss, g, d)), "D has moved, too"),
        (g_step(lambda f: -F.softplus(f).mean()), "the minimax loss"),
        (g_step(lambda f: bce(f, 0.0)), "D's loss on the fakes"),
        (g_step(lambda f: -g_loss(f)), "goes uphill"),
        (g_step(lambda f: bce(f.sigmoid(), 1.0)), "sigmoid is applied twice"),
        (g_step(lambda f: -f.mean()), "−E[logit]"),
        (g_step(lambda f: -f.sigmoid().mean()), "flat where D is sure"),
        (g_step(lambda f: F.softplus(-f).sum()), "summed over the batch"),
        (g_step(lambda f: g_loss(f) + f.square().mean()), "direction differs by"),
        (both(cleared_too_late)[1], "between backward() and step()"),
        (both(stepped_too_soon)[1], "stands between the loss and its backward()"),
        (g_first_steps, "step() comes before backward()"),
        (without_gradient, "computed under no_grad"),
        (both(never_applied)[1], "optimizer_g.step() is missing"),
        (both(never_computed)[1], "no backward() has given G"),
        (both(twice)[1], "stepped 2 times"),
        (both(with_its_graph)[1], "whole computation attached"),
        (both(other_number)[1], "return the loss it was made from"),
        (g_step(noise=lambda n: FIXED), "the same noise"),
        (g_step(noise=lambda n: torch.rand(n, 4)), "no number of the noise is negative"),
        (g_step(noise=lambda n: fresh(64)), "there are 64 fakes"),
        (no_fakes_for_g, "the generator was never called"),
        (frozen, "left frozen"),
        (g_step(clamped), "of a few hundred it is 0 times"),
        (g_step(noise=lambda n: torch.rand(n, 4) * 3.4 - 1.7), "as if drawn evenly"),
        (g_step(noise=lambda n: fresh(n) * 2), "the noise has mean"),
        (both(by_hand)[1], "optimizer_g.step() was never called"),
        (both(own_optimizer)[1], "optimizer_g.step() was never called"),
        (both(clipped)[1], "neither scaled nor clipped"),
        (nudged(1), "though no optimizer moved it"),
        (without_d, "the very network that you were given"),
        (g_step(lambda f: bce(f, 0.9)), "of its length. Compare"),
        (g_step(lambda f: (f - 1).square().mean() / 2), "of its length. Compare"),
        (g_step(lambda f: F.softplus(-f)), "take the mean before"),
        (g_step(noise=laplace), "lies between −1 and 1; of a standard"),
    ],
}

RIGHT = {
    "3.1": [
        (eye(lambda r: [[1 - r * r, -r], [r, 1.0]]),),
        (
            lambda rate: (
                torch.tensor([[1, -rate], [0, 1]]) @ torch.tensor([[1.0, 0.0], [rate, 1.0]])
            ),
        ),
        (lambda rate: torch.stack([torch.tensor([1 - rate**2, -rate]), torch.tensor([rate, 1])]),),
    ],
    "3.2": [
        (back_to_train(d_step()),),
        (d_step(lambda r, f: bce(r, 1.0) + bce(f, 0.0)),),
        (d_step(lambda r, f: -F.logsigmoid(r).mean() - F.logsigmoid(-f).mean()),),
        (under_no_grad,),
        (in_two_backwards,),
        (in_one_batch,),
        (both(by_autograd)[0],),
    ],
    "3.3": [
        (g_step(lambda f: bce(f, 1.0)),),
        (g_step(lambda f: -F.logsigmoid(f).sum() / len(f)),),
        (frozen_and_freed,),
        (both(by_autograd)[1],),
        (g_step(noise=lambda n: torch.empty(n, 4).normal_()),),
    ],
}
