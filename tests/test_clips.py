"""Thrown digits: the law they move by, networks that move and watch them, the stored study."""

import base64
import io
from dataclasses import replace
from typing import Any

import pytest
import torch
from PIL import Image, ImageSequence
from torch import Tensor, nn

from authoring.build import reduce_colours
from gan_lessons import plotting, pretrained
from gan_lessons.data import flights, load_digits
from gan_lessons.data.flights import FRAMES, GRAVITY
from gan_lessons.errors import UserError
from gan_lessons.methods.clips import DISCRIMINATORS, ClipSettings
from gan_lessons.networks.video import MOTION_NOISE, ClipGenerator
from gan_lessons.studies import clips as study
from gan_lessons.training import Trainer

torch.set_num_threads(1)
DIGITS = load_digits(source="bundled", announce=False).images[:60]
SMALL = ClipSettings(
    content_dim=4, content_width=4, generator_width=8, discriminator_width=4, batch_size=8
)


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def dot(side: int = 28) -> Tensor:
    """A soft round dot in the middle."""
    away = torch.arange(side) - (side - 1) / 2
    return (2 * (-(away[:, None] ** 2 + away**2) / 18).exp() - 1)[None, None]


# Clips


def test_poses_are_pixels_to_the_right_pixels_down_and_radians_clockwise() -> None:
    poses = torch.tensor([[[0.0, 0, 0], [3, 0, 0], [0, -2, 0]]])
    places = flights.centres(flights.move(dot(), poses))[0] - 13.5
    assert torch.allclose(places, poses[0, :, :2], atol=0.05)
    line = torch.full((1, 1, 28, 28), -1.0)
    line[..., 4:14, 13:15] = 1.0  # upwards from the middle
    upright, turned = flights.move(line, torch.tensor([[[0.0, 0, 0], [0, 0, torch.pi / 2]]]))[0]
    assert flights.centres(upright[None, None])[0, 0, 1] < 12
    right, down = flights.centres(turned[None, None])[0, 0] - 13.5
    assert right > 2  # what pointed up points to the right
    assert abs(down) < 0.3


def test_turned_and_moved_is_moved_to_the_same_place() -> None:
    poses = torch.tensor([[[2.0, 3, 1.0], [-4, 1, -0.5]]])
    places = flights.centres(flights.move(dot(), poses))[0] - 13.5
    assert torch.allclose(places, poses[0, :, :2], atol=0.05)


def test_every_throw_obeys_one_law_and_stays_in_the_picture() -> None:
    clips = flights.throw(dot().expand(200, -1, -1, -1), rng())
    assert clips.shape == (200, FRAMES, 28, 28)
    assert clips.abs().max() <= 1
    found = flights.accelerations(clips)
    assert torch.allclose(found, torch.tensor([0.0, GRAVITY]).expand_as(found), atol=0.05)
    assert flights.law_error(clips) < 0.02
    starts = flights.centres(clips)[:, 0]
    assert starts.std(dim=0).min() > 1
    assert torch.equal(clips, flights.throw(dot().expand(200, -1, -1, -1), rng()))


def test_real_digits_obey_it_but_for_the_pixels() -> None:
    clips = study.real_clips()[:500]
    assert flights.law_error(clips) < 0.25
    assert flights.accelerations(clips).mean(dim=(0, 1))[1].item() == pytest.approx(
        GRAVITY, abs=0.02
    )


def test_a_shuffle_keeps_the_frames_and_breaks_the_law() -> None:
    clips = flights.throw(DIGITS, rng())
    mixed = flights.shuffle(clips, rng(1))
    assert torch.equal(
        mixed.flatten(2).sum(2).sort(1).values, clips.flatten(2).sum(2).sort(1).values
    )
    assert flights.law_error(mixed) > 10 * flights.law_error(clips)
    orders = [tuple(m.flatten(1).sum(1).argsort().tolist()) for m in mixed]
    assert len(set(orders)) > 50


# Networks


def test_content_is_frozen_and_the_same_in_all_frames() -> None:
    content, _ = pretrained.load_generator("dcgan")
    before = {n: t.clone() for n, t in content.state_dict().items()}
    network = ClipGenerator(content).train()
    noise = torch.randn(3, 64 + FRAMES * MOTION_NOISE, generator=rng())
    clips = network(noise)
    clips.sum().backward()
    assert clips.shape == (3, FRAMES, 28, 28)
    assert not content.training
    assert all(p.grad is None for p in content.parameters())
    assert all(torch.equal(before[n], t) for n, t in content.state_dict().items())
    assert all(p.grad is not None for n, p in network.named_parameters() if "content" not in n)
    # Another content with the same motion is at the same place.
    other = torch.cat([torch.randn(3, 64, generator=rng(1)), noise[:, 64:]], dim=1)
    assert torch.equal(network.poses(noise), network.poses(other))


def test_a_pose_depends_on_its_frame_s_noise_and_on_those_before() -> None:
    torch.manual_seed(0)
    network = ClipGenerator(nn.Identity(), 4)
    noise = torch.randn(2, 4 + FRAMES * MOTION_NOISE, generator=rng())
    later = noise.clone()
    later[:, 4 + 3 * MOTION_NOISE :] += 1
    same = (network.poses(noise) == network.poses(later)).all(dim=2)
    assert same[:, :3].all()
    assert not same[:, 3:].any()


# The method


@pytest.mark.parametrize("discriminators", ["both", *DISCRIMINATORS])
def test_each_discriminator_is_shown_what_it_is_named_after(discriminators: str) -> None:
    run = Trainer(flights.throw(DIGITS, rng()), replace(SMALL, discriminators=discriminators))
    wanted = DISCRIMINATORS if discriminators == "both" else (discriminators,)
    assert set(run.players) == {"generator", *wanted}
    seen: dict[str, set[int]] = {}
    for name in wanted:
        run.players[name].network.register_forward_hook(
            lambda module, args, out, name=name: seen.setdefault(name, set()).add(args[0].shape[1])
        )
    run.train_step(2)
    assert seen == {name: {1} if name == "frames" else {FRAMES} for name in wanted}
    assert set(run.history[-1].values) == {
        "loss_generator", *(f"{what}_{name}" for name in wanted for what in ("loss", "d"))
    }  # fmt: skip


def test_content_stays_through_training_and_comes_back_from_a_file(tmp_path: Any) -> None:
    run = Trainer(flights.throw(DIGITS, rng()), SMALL)
    before = {n: t.clone() for n, t in run.generator.content.state_dict().items()}
    run.train_step(3)
    after = run.generator.content.state_dict()
    assert all(torch.equal(before[name], tensor) for name, tensor in after.items())
    pretrained.save_networks(run, tmp_path / "clips.safetensors")
    again = pretrained.load_method(tmp_path / "clips.safetensors")
    inputs = run.inputs(3)
    assert torch.allclose(again.draw(inputs), run.sample(inputs), atol=0.05)  # half precision


def test_other_samples_than_clips_get_a_sentence() -> None:
    for wrong in (torch.zeros(40, 1, 28, 28), torch.zeros(40, 8, 28, 26), torch.zeros(40, 8)):
        with pytest.raises(UserError, match=r"Clips have to be \(N, 8, side, side\), not"):
            Trainer(wrong, SMALL)


# Shown


def test_an_animation_plays_every_frame_and_survives_the_build() -> None:
    clips = flights.throw(DIGITS[:6], rng())
    shown = plotting.animation(clips, columns=3, seconds=0.1)
    with Image.open(io.BytesIO(shown.png)) as image:
        assert image.info["loop"] == 0
        assert image.size == tuple(3 * side for side in plotting.mosaic(clips[:, :1], 3).T.shape)
        frames, durations = [], []
        for frame in ImageSequence.Iterator(image):
            frames.append(frame.copy().tobytes())
            durations.append(frame.info["duration"])
    assert durations == [100] * (FRAMES - 1) + [300]
    assert len(set(frames)) == FRAMES
    text = base64.b64encode(shown._repr_png_()).decode()
    assert reduce_colours(text) == text
    with pytest.raises(UserError, match=r"Clips have to be \(N, frames, h, w\)"):
        plotting.animation(clips[0])


# The stored study

STORED = study.load()


def test_the_stored_runs_are_all_there_and_those_of_this_code() -> None:
    wanted = [(arm, seed) for seed in range(study.SEEDS) for arm in study.ARMS]
    assert [(run.arm, run.seed) for run in STORED] == wanted
    assert study.SEEDS >= 3
    for run in STORED:
        assert run.plan == study.checksum(run.arm), "settings changed: train again"


@pytest.mark.parametrize("arm", study.ARMS)
def test_a_run_begins_as_its_stored_one_on_any_processor(arm: str) -> None:
    stored = next(run for run in STORED if (run.arm, run.seed) == (arm, 2))
    trainer = study.start(arm, 2)
    for _ in trainer.run(study.EARLY):
        pass
    assert study.early_number(trainer) == pytest.approx(stored.early, rel=0.02)


def test_what_the_lesson_says_of_the_table() -> None:
    for run in STORED:
        sees_order = run.arm != "frames"
        assert (abs(run.down - GRAVITY) < 0.1) == sees_order
        assert abs(run.sideways) < 0.1
        assert (run.law_error < 0.8) == sees_order
    text = study.table(STORED)
    assert text.count("\n") == 5
