"""Both players' gradients from one backward pass, computed by one or two workers.

The usual step asks D about the fakes twice: once to teach D, once to teach G. But both losses
reach a fake's pixels through the same derivative of D's answer to that fake; they differ by a
number for each fake only. So one backward pass is enough, as long as D treats samples one by one
(no BatchNorm): "Training GANs in One Stage", Shen et al. 2021. Both players move at the same time.

Two workers take half a batch each, on one thread each. That is faster than two threads inside
every operation, which wait for one another after each of them.
"""

import copy
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from gan_lessons import losses

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}
LEAST_SLOPE = 1e-12  # of D's loss in a fake's logit


def backward(
    generator: nn.Module,
    discriminator: nn.Module,
    objective: losses.Objective,
    real: Tensor,
    z: Tensor,
    labels: Tensor | None = None,
    *,
    smoothing: float = 0.0,
    r1: float = 0.0,
    precision: str = "float32",
) -> Tensor:
    """Add the gradients of both losses to the parameters' ``grad``; D runs once, and back once.

    Reads no value of a tensor, so nothing waits for a GPU.

    Args:
        generator: z → fakes like ``real``.
        discriminator: samples (N, …) → logits (N,), each sample by itself: no BatchNorm.
        objective: of `losses`, with a D whose loss rises with the logit of every fake.
        real: (N, …).
        z: noise (N, latent_dim).
        labels: classes (N,) of the real samples and of the fakes, for a D that answers with
            logits (N, classes); one of each sample's counts.
        smoothing: one-sided, of the real label.
        r1: weight of the R1 penalty; 0 leaves it out.
        precision: a name of `PRECISIONS`, of the networks' arithmetic; losses are float32.

    Returns:
        (4,): D's and G's loss, and mean D(x) and D(G(z)) as probabilities.
    """

    def judge(samples: Tensor) -> Tensor:
        logits: Tensor = discriminator(samples).float()
        if labels is None:
            return logits
        asked = labels.repeat(len(samples) // len(labels))
        return logits.gather(1, asked.view(-1, 1)).flatten()

    low = _arithmetic(real.device, precision)
    with low:
        fake = generator(z)
        seen = fake.detach().to(real.dtype).requires_grad_()
        logits = judge(torch.cat([real, seen]))
    real_logits, fake_logits = logits.chunk(2)
    loss = objective.discriminator_loss(real_logits, fake_logits, smoothing)
    total = loss
    if r1:
        with low:
            total = loss + r1 * losses.r1(judge, real)
    own, theirs, loss_generator = _slopes(objective, loss, fake_logits)
    # Where D is certain of a fake the slope is 0 in float32, and no number leads from it to G's. It
    # is lifted so little that D does not notice.
    lifted = own.clamp(min=LEAST_SLOPE)
    (total + ((lifted - own) * fake_logits).sum()).backward()
    assert seen.grad is not None
    # What D's loss wrote on each fake, rescaled, is what G's loss would have written.
    ratio = (theirs / lifted).view(-1, *[1] * (fake.dim() - 1))
    fake.backward((seen.grad * ratio).to(fake.dtype))
    d_real, d_fake = logits.sigmoid().view(2, -1).mean(dim=1)
    return torch.stack([loss, loss_generator, d_real, d_fake]).detach()


def _arithmetic(device: torch.device, precision: str) -> AbstractContextManager[object]:
    if precision == "float32":
        return nullcontext()
    return torch.autocast(device.type, PRECISIONS[precision])


def _slopes(
    objective: losses.Objective, loss: Tensor, fake_logits: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Derivatives of D's and of G's loss with respect to each fake's logit, and G's loss."""
    (own,) = torch.autograd.grad(loss, fake_logits, retain_graph=True)
    alone = fake_logits.detach().requires_grad_()
    loss_generator = objective.generator_loss(alone)
    (theirs,) = torch.autograd.grad(loss_generator, alone)
    return own, theirs, loss_generator


class Workers:
    """Copies of both networks, each with a thread of its own and its share of every batch.

    BatchNorm in G sees a worker's share only; its running statistics are averaged.
    """

    def __init__(self, generator: nn.Module, discriminator: nn.Module, count: int) -> None:
        own = (generator, discriminator)
        self.pairs = [own, *(copy.deepcopy(own) for _ in range(count - 1))]
        self._pool = ThreadPoolExecutor(count - 1) if count > 1 else None

    def backward(
        self,
        objective: losses.Objective,
        real: Tensor,
        z: Tensor,
        labels: Tensor | None = None,
        **how: Any,
    ) -> Tensor:
        """As `backward`, for the whole batch; the gradients are those of the first pair."""
        count = len(self.pairs)

        def work(worker: int) -> Tensor:
            generator, discriminator = self.pairs[worker]
            generator.zero_grad(set_to_none=False)  # in place: the step may be recorded
            discriminator.zero_grad(set_to_none=False)
            some, noise = real.chunk(count)[worker], z.chunk(count)[worker]
            theirs = None if labels is None else labels.chunk(count)[worker]
            return backward(generator, discriminator, objective, some, noise, theirs, **how)

        if self._pool is None:
            return work(0)
        others = [self._pool.submit(work, worker) for worker in range(1, count)]
        answers = [work(0), *(other.result() for other in others)]
        self._gather()
        return torch.stack(answers).mean(dim=0)

    @torch.no_grad()
    def _gather(self) -> None:
        """Average gradients and running statistics into the first pair."""
        for networks in zip(*self.pairs, strict=True):
            for same in zip(*(network.parameters() for network in networks), strict=True):
                for other in same[1:]:
                    same[0].grad.add_(other.grad)
                same[0].grad.div_(len(same))
            for same in zip(*(network.buffers() for network in networks), strict=True):
                if same[0].is_floating_point():
                    same[0].copy_(torch.stack(same).mean(dim=0))

    @torch.no_grad()
    def share(self) -> None:
        """Give all pairs the first one's weights and statistics."""
        for networks in zip(*self.pairs, strict=True):
            first = [*networks[0].parameters(), *networks[0].buffers()]
            for other in networks[1:]:
                for theirs, own in zip([*other.parameters(), *other.buffers()], first, strict=True):
                    theirs.copy_(own)
