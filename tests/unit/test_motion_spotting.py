"""The spotter finds a short expression among head motion, blinks and noise, and says how sure it is."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from made_clips import numbered_frames, write_video
from skimage.data import astronaut

from models_ml.errors import InputError
from models_ml.motion.spotting import find_expression, spot
from models_ml.synthetic.clip import ClipSpec, write_clip
from models_ml.synthetic.demo import demo_clips

FPS = Fraction(200)


def course(frames: int, onset: int, apex: int, offset: int, pixels: float, noise: float = 0.03) -> np.ndarray:
    """Courses of 14 regions of which two move by ``pixels``, on top of slow drift and noise."""
    rng = np.random.default_rng(0)
    t = np.arange(frames)
    up = np.clip((t - onset) / (apex - onset), 0, 1)
    down = np.clip((offset - t) / (offset - apex), 0, 1)
    level = np.minimum(up, down)
    level = level**2 * (3 - 2 * level)
    moved = rng.normal(0, noise, (frames, 14, 2))
    moved += 0.3 * np.sin(2 * np.pi * t / 900 + rng.uniform(0, 6, (14, 2, 1))).transpose(2, 0, 1)
    moved[:, 7, 1] -= pixels * level
    moved[:, 8, 1] -= pixels * level
    return moved


def clear(database: str) -> ClipSpec:
    """A clip of this database with a smile that is easy to see."""
    spec = next(spec for spec in demo_clips() if spec.database == database)
    return replace(spec, action_units="6+12", intensity_px=2.2)


@pytest.mark.parametrize(("onset", "apex", "offset"), [(20, 50, 90), (300, 330, 380), (950, 970, 990)])
def test_onset_apex_and_offset_are_found(onset: int, apex: int, offset: int) -> None:
    found = find_expression(course(1000, onset, apex, offset, 1.5), FPS)
    assert abs(found.apex - apex) <= 4
    assert abs(found.onset - onset) <= 6
    assert abs(found.offset - offset) <= 6
    assert found.confidence > 0.8


def test_the_stronger_of_two_is_taken() -> None:
    both = course(1000, 200, 230, 260, 1.0) + course(1000, 600, 630, 660, 2.0)
    assert abs(find_expression(both, FPS).apex - 630) <= 4


def test_confidence_grows_with_the_movement_and_falls_with_noise() -> None:
    confidence = [
        find_expression(course(400, 100, 130, 170, p), FPS).confidence for p in (0.0, 0.5, 1.0, 3.0)
    ]
    assert confidence == sorted(confidence)
    assert confidence[0] < 0.3
    assert confidence[-1] > 0.9
    noisy = find_expression(course(400, 100, 130, 170, 1.0, noise=0.3), FPS).confidence
    assert noisy < confidence[2]


@pytest.mark.parametrize("frames", [1, 2, 3, 10])
def test_the_order_holds_in_the_shortest_clips(frames: int) -> None:
    rng = np.random.default_rng(frames)
    found = find_expression(rng.normal(0, 1, (frames, 14, 2)), FPS)
    assert 0 <= found.onset <= found.apex <= found.offset < frames
    assert 0 <= found.confidence <= 1


def test_a_still_clip_has_no_expression() -> None:
    found = find_expression(np.zeros((50, 14, 2)), FPS)
    assert (found.onset, found.apex, found.offset, found.confidence) == (0, 0, 0, 0.0)


@pytest.mark.parametrize(("database", "tolerance"), [("Demo CASME", 5), ("Demo SMIC", 4), ("Demo SAMM", 5)])
def test_a_clear_expression_in_a_clip_is_spotted(tmp_path: Path, database: str, tolerance: int) -> None:
    spec = clear(database)
    found = spot(write_clip(spec, tmp_path), fps=spec.fps)
    assert abs(found.apex - spec.apex) <= tolerance
    assert found.onset < spec.apex < found.offset
    assert found.confidence > 0.6


def test_a_long_clip_is_followed_over_several_references(tmp_path: Path) -> None:
    spec = clear("Demo SMIC")
    times = {name: getattr(spec, name) + 130 for name in ("onset", "apex", "offset", "frame_count")}
    spec = replace(spec, **times)
    found = spot(write_clip(spec, tmp_path))
    assert abs(found.apex - spec.apex) <= 5


def test_a_clip_without_a_face_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="There is no face in the clip"):
        spot(write_video(tmp_path / "clip.mp4", numbered_frames(8)))


def test_a_face_that_goes_is_no_expression(tmp_path: Path) -> None:
    face = cv2.resize(astronaut()[:230, 110:340], (160, 160), interpolation=cv2.INTER_AREA)
    wall = cv2.resize(astronaut()[300:460, 300:460], (160, 160))
    found = spot(write_video(tmp_path / "clip.mp4", [face] * 30 + [wall] * 20, rate=100))
    assert found.confidence < 0.1
    assert found.offset < 30
