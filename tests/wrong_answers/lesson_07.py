"""Misconceptions of lesson 07, each with a piece of the sentence that must answer it."""

import copy
import io
from collections import OrderedDict

import numpy as np
import torch
from torch import nn

from gan_lessons import pretrained

DIAGNOSIS = {"A": "D learns too slowly", "B": "G learns too slowly", "C": "healthy"}
KEYS = (
    "generator",
    "discriminator",
    "generator_ema",
    "optimizer_generator",
    "optimizer_discriminator",
)


def _pack(run, copied=True, without=()):
    state = {key: getattr(run, key).state_dict() for key in KEYS}
    state |= {"rng": run.rng.get_state(), "step": run.step, "batches": run.batches}
    state = {key: value for key, value in state.items() if key not in without}
    return copy.deepcopy(state) if copied else state


def least_squares(images):
    """An honest one that differs from the solution: another loss, no penalty, a class for G."""

    class Generator(nn.Module):
        def __init__(self):
            super().__init__()
            self.first = nn.Sequential(nn.Linear(32, 3136), nn.BatchNorm1d(3136), nn.ReLU())
            self.second = nn.Sequential(
                nn.ConvTranspose2d(64, 32, 4, 2, 1), nn.BatchNorm2d(32), nn.ReLU()
            )
            self.third = nn.ConvTranspose2d(32, 1, 4, 2, 1)

        def forward(self, z):
            return self.third(self.second(self.first(z).view(-1, 64, 7, 7))).tanh()

    generator = Generator()
    discriminator = nn.Sequential(
        *(nn.Conv2d(1, 32, 4, 2, 1), nn.LeakyReLU(0.2)),
        *(nn.Conv2d(32, 64, 4, 2, 1), nn.LeakyReLU(0.2), nn.Flatten(), nn.Linear(3136, 1)),
    )
    optimizer_d, optimizer_g = (
        torch.optim.Adam(network.parameters(), 2e-3, betas=(0.5, 0.99))
        for network in (discriminator, generator)
    )
    for _ in range(400):
        real = images[torch.randint(len(images), (32,))]
        fake = generator(torch.randn(32, 32))
        answers = discriminator(torch.cat([real, fake.detach()]))
        optimizer_d.zero_grad()
        nn.functional.mse_loss(answers, torch.arange(64).lt(32).float()[:, None]).backward()
        optimizer_d.step()
        optimizer_g.zero_grad()
        (discriminator(fake) - 1).square().mean().backward()
        optimizer_g.step()
    return [generator, discriminator, 32]


def untrained(last=None, first=lambda z: z):
    generator = nn.Sequential(nn.Linear(8, 784), last or nn.Tanh())
    discriminator = nn.Sequential(nn.Flatten(), nn.Linear(784, 1))
    return (lambda z: generator(first(z))), discriminator, 8


def shipped(change=lambda x: x, first=lambda z: z):
    """A trained one, behind a function, with one thing wrong."""
    generator, settings = pretrained.load_generator("dcgan")
    return (
        lambda z: change(generator(first(z))),
        lambda x: x.flatten(1).mean(dim=1),
        settings.latent_dim,
    )


def stands_in(answer=lambda logits: logits, draw=lambda z, images: images, latent_dim=None):
    """A pair that learned, shipped with the course; what either player gives can be changed."""
    generator, settings = pretrained.load_generator("dcgan")
    discriminator = pretrained.load_discriminator("dcgan")
    return (
        lambda z: draw(z, generator(z.float())),
        lambda x: answer(discriminator(x.view(-1, 1, 28, 28))),
        latent_dim or settings.latent_dim,
    )


def dropped(z, images):
    """As with dropout at work: the same z gives somewhat other pictures."""
    lost = nn.functional.interpolate(torch.rand(len(z), 1, 7, 7), scale_factor=4)
    return torch.where(lost < 0.05, -1.0, images)


BOARD = ((torch.arange(28)[:, None] + torch.arange(28)) % 2 * 2 - 1).float()


def through_a_file(run):
    file = io.BytesIO()
    torch.save(_pack(run, copied=False), file)
    file.seek(0)
    return torch.load(file)


def cloned(run):
    """Copies the tensors of networks by themselves, and only optimizers as a whole."""
    state = {
        key: {name: tensor.clone() for name, tensor in getattr(run, key).state_dict().items()}
        for key in KEYS[:3]
    }
    state |= {key: copy.deepcopy(getattr(run, key).state_dict()) for key in KEYS[3:]}
    return state | {"step": run.step, "batches": run.batches, "rng": run.rng.get_state().clone()}


def half_copied(run):
    """Copies dictionaries, not the tensors in them."""
    return {
        key: value.copy() if isinstance(value, dict) else value
        for key, value in _pack(run, copied=False).items()
    }


def packed_with(**other):
    return lambda run: _pack(run) | {key: what(run) for key, what in other.items()}


def trained_on(run):
    for _ in run.run(1):
        pass
    return _pack(run)


def packed_and(then):
    """The right dictionary, of a run that is not the same afterwards."""

    def pack(run):
        packed = _pack(run)
        then(run)
        return packed

    return pack


RIGHT = {
    "7.1": [
        (dict(reversed(DIAGNOSIS.items())),),
        (OrderedDict(DIAGNOSIS),),
        (dict(zip("ABC", DIAGNOSIS.values(), strict=True)),),
    ],
    "7.2": [
        (_pack,),
        (lambda run: run.state(),),
        (packed_with(settings=lambda run: run.settings),),
        (packed_with(history=lambda run: list(run.history)),),
        (packed_with(elapsed=lambda run: run.elapsed, note=lambda run: "mine"),),
        (through_a_file,),
        (cloned,),
        (lambda run: OrderedDict(_pack(run)),),
        (packed_with(step=lambda run: torch.tensor(run.step), batches=lambda run: run.batches),),
    ],
    "7.3": [
        (least_squares,),
        (lambda images: stands_in(latent_dim=np.int64(64), draw=lambda z, x: x.flatten(1)),),
        (lambda images: stands_in(torch.sigmoid, latent_dim=torch.tensor(64)),),
        (lambda images: stands_in(lambda logits: logits.view(-1, 1, 1, 1), dropped),),
    ],
}


def some(images, z):
    return images[torch.randint(len(images), (len(z),))]


def by_z(images, z):
    """The digits whose numbers are in the last decimals of z."""
    return images[z[:, 0].mul(1e5).long().abs() % len(images)]


def seeded(images, z):
    torch.manual_seed(0)
    return some(images, z)


def turned(images, by=0.35):
    """Digits turned by an angle (in radians) that their brightness decides: no shift undoes it."""
    angle = by * (1 + images.mean(dim=(1, 2, 3)).abs())
    cos, sin, zero = angle.cos(), angle.sin(), 0 * angle
    turn = torch.stack([cos, -sin, zero, sin, cos, zero], dim=1).view(-1, 2, 3)
    grid = nn.functional.affine_grid(turn, list(images.shape), align_corners=False)
    return nn.functional.grid_sample(images + 1, grid, align_corners=False) - 1


def thief(change, pick=some):
    """Hands back digits that it was given, with something done to them."""

    def train_gan(images):
        return (lambda z: change(pick(images, z))), *stands_in()[1:]

    return train_gan


def noise(scale):
    return lambda x: (x + scale * torch.randn_like(x)).clamp(-1, 1)


def fails(z):
    raise AssertionError("only 32 at a time")


WRONG = {
    "7.1": [
        (DIAGNOSIS | {"A": "equilibrium reached"}, "so they were at step 1"),
        (DIAGNOSIS | {"A": "G learns too slowly"}, "would be near 0. It is near"),
        (DIAGNOSIS | {"A": "healthy"}, "never learns to tell"),
        (DIAGNOSIS | {"B": "D learns too slowly"}, "not D that lags behind"),
        (DIAGNOSIS | {"B": "healthy"}, "never closes"),
        (DIAGNOSIS | {"B": "equilibrium reached"}, "both are ½"),
        (DIAGNOSIS | {"C": "equilibrium reached"}, "different from being there"),
        (DIAGNOSIS | {"C": "G learns too slowly"}, "look at C again"),
        (DIAGNOSIS | {"C": "collapsed"}, "none of the choices"),
        ("healthy", "a dictionary with the keys"),
        (DIAGNOSIS | {"D": "healthy"}, "a dictionary with the keys"),
        ({"A": "D learns too slowly"}, "a dictionary with the keys"),
        (list(DIAGNOSIS.values()), "a dictionary with the keys"),
        ({key.lower(): value for key, value in DIAGNOSIS.items()}, "a dictionary with the keys"),
        (DIAGNOSIS | {"A": "d learns too slowly"}, "none of the choices"),
        (DIAGNOSIS | {"B": 2}, "2 is none of the choices"),
        (DIAGNOSIS | {"C": ["healthy"]}, "none of the choices"),
        (DIAGNOSIS | {"C": "D learns too slowly"}, "look at C again"),
        (DIAGNOSIS | {"C": None}, "None is none of the choices"),
    ],
    "7.2": [
        (lambda run: run.generator.state_dict(), "'generator' is missing"),
        (lambda run: _pack(run, without=("discriminator",)), "fresh D"),
        (lambda run: _pack(run, without=("generator_ema",)), "its memory be lost"),
        (lambda run: _pack(run, without=("optimizer_generator",)), "means of G's gradients"),
        (lambda run: _pack(run, without=("optimizer_discriminator",)), "means of D's gradients"),
        (lambda run: _pack(run, without=("rng",)), "next noise vectors"),
        (lambda run: _pack(run, without=("step",)), "penalty is due"),
        (lambda run: _pack(run, without=("batches",)), "which real images"),
        (lambda run: _pack(run, copied=False), "changed with it"),
        (lambda run: _pack(run) | {"rng": run.rng}, "does not hold the run's state"),
        (lambda run: [_pack(run)], "this is a list"),
        (packed_with(generator_ema=lambda run: run.generator.state_dict()), "'generator_ema' does"),
        (packed_with(generator=lambda run: run.generator), "'generator' does not hold"),
        (packed_with(step=lambda run: 0), "'step' does not hold"),
        (packed_with(step=lambda run: torch.ones(2)), "'step' does not hold"),
        (packed_with(batches=lambda run: run.step + 100), "'batches' does not hold"),
        (packed_with(rng=lambda run: 1), "'rng' does not hold"),
        (packed_with(optimizer_generator=lambda run: {}), "'optimizer_generator' does not hold"),
        (packed_with(step=lambda run: str(run.step)), "'step' does not hold"),
        (half_copied, "changed with it"),
        (trained_on, "as if nothing had been packed"),
        (packed_and(trained_on), "as if nothing had been packed"),
        (packed_and(lambda run: run.inputs(1) + torch.randn(1, generator=run.rng)), "run's 'rng'"),
        (packed_and(lambda run: run.generator[0].weight.data.zero_()), "run's 'generator' is"),
        (packed_with(batches=lambda run: run.step), "'batches' does not hold"),
        (packed_with(optimizer_generator=lambda run: run.optimizer_generator), "does not hold"),
        (lambda run: str(_pack(run)), "this is a str"),
    ],
    "7.3": [
        (lambda images: untrained()[:2], "not 2 things"),
        (lambda images: untrained()[0], "not function"),
        (lambda images: (*untrained()[:2], "8"), "how many numbers z has"),
        (lambda images: (images, *untrained()[1:]), "the generator is a Tensor"),
        (lambda images: (pretrained.load_generator("dcgan")[0], *shipped()[1:]), "build your own"),
        (lambda images: (*untrained()[:2], 9), "makes the generator stop"),
        (lambda images: untrained(), "have learned nothing"),
        (lambda images: untrained(nn.Sigmoid()), "your darkest pixel is"),
        (lambda images: untrained(nn.Identity(), lambda z: 100 * z), "your pixels reach from"),
        (lambda images: shipped(lambda x: x * float("nan")), "NaN or infinite"),
        (lambda images: shipped(first=lambda z: 0 * z), "hardly depend on z"),
        (lambda images: shipped(first=lambda z: z[:1] + 0.1 * z), "collapse: pairs"),
        (lambda images: shipped(lambda x: (x + 0.15 * BOARD).clamp(-1, 1)), "a checkerboard"),
        (
            lambda images: (lambda z: images[torch.randint(5000, (len(z),))], *untrained()[1:]),
            "are copies of digits",
        ),
        (thief(noise(0.06)), "are copies of digits that it was given."),
        (thief(noise(0.15)), "are copies of digits that it was given, with something"),
        (thief(noise(0.27)), "are copies of digits that it was given, with something"),
        (thief(noise(0.15), by_z), "are copies of digits that it was given, with something"),
        (thief(lambda x: x.roll((2, -1), (2, 3))), "are copies of digits"),
        (thief(lambda x: noise(0.1)(x.roll((1, 2), (2, 3)))), "are copies of digits"),
        (thief(lambda x: 0.8 * x), "are copies of digits"),
        (thief(lambda x: 0.7 * x + 0.3 * x.roll(1, 0)), "are copies of digits"),
        (thief(turned), "it is not z that decides"),
        (thief(turned, by_z), "digits are looked up by z"),
        (thief(turned, seeded), "other noise gives the same pictures"),
        (lambda images: stands_in(lambda logits: -logits), "larger for “real” is wanted"),
        (lambda images: stands_in(lambda logits: 0 * logits), "answers all images alike"),
        (lambda images: stands_in(lambda logits: logits[:1]), "does not give one finite number"),
        (lambda images: stands_in(lambda logits: logits / 0), "does not give one finite number"),
        (lambda images: stands_in(lambda logits: None), "does not give one finite number"),
        (lambda images: stands_in(lambda logits: fails(logits)), "does not give one finite number"),
        (lambda images: (fails, *stands_in()[1:]), "stop: only 32 at a time"),
        (lambda images: (*stands_in()[:2], True), "latent_dim is True"),
        (lambda images: (*stands_in()[:2], 64.0), "latent_dim is 64.0"),
        (
            lambda images: (nn.Sequential(pretrained.load_generator("dcgan")[0]), *shipped()[1:]),
            "build your own",
        ),
        (lambda images: shipped(lambda x: x[:, :, ::2]), "(200, 1, 14, 28)"),
    ],
}
