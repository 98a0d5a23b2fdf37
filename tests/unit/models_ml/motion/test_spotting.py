"""The spotter finds short expressions among head motion, blinks and noise, and says how sure it is."""

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
from skimage.data import astronaut

from models_ml.errors import InputError
from models_ml.motion.fitting import find_apex, find_expression, find_expressions
from models_ml.motion.regions import SKIN_POINTS, FaceMotion, RegionTracker
from models_ml.motion.spotting import apex_within, spot, spot_intervals, track_face
from models_ml.synthetic.clip import ClipSpec, SyntheticExpression, write_clip
from models_ml.synthetic.demo import demo_clips
from models_ml.video.clock import Clock
from tests import warped_photo
from tests.unit.models_ml.video.made_clips import numbered_frames, write_video

FPS = Fraction(200)
MOUTH = np.flatnonzero(np.abs(SKIN_POINTS - (0.5, 0.8)).sum(axis=1) < 0.25)


def level(frames: int, onset: int, apex: int, offset: int) -> np.ndarray:
    t = np.arange(frames)
    share = np.clip(np.minimum((t - onset) / (apex - onset), (offset - t) / (offset - apex)), 0, 1)
    return share**2 * (3 - 2 * share)


def face_motion(
    frames: int,
    *expressions: tuple[int, int, int, float],
    noise: float = 0.03,
    eye_closure: np.ndarray | None = None,
) -> FaceMotion:
    """Return slow drift and noise, and a mouth that each expression moves by its pixels."""
    rng = np.random.default_rng(0)
    t = np.arange(frames)
    moved = rng.normal(0, noise, (frames, len(SKIN_POINTS), 2))
    moved += 0.3 * np.sin(2 * np.pi * t / 900 + rng.uniform(0, 6, (len(SKIN_POINTS), 2, 1))).transpose(
        2, 0, 1
    )
    for onset, apex, offset, pixels in expressions:
        moved[:, MOUTH, 1] -= pixels * level(frames, onset, apex, offset)[:, None]
    return FaceMotion(moved, np.zeros(frames) if eye_closure is None else eye_closure, np.ones(frames, bool))


def clear(database: str) -> ClipSpec:
    """Return a clip of this database with a smile that is easy to see."""
    spec = next(spec for spec in demo_clips() if spec.database == database)
    return replace(spec, action_units="6+12", intensity_px=2.2)


@pytest.mark.parametrize(("onset", "apex", "offset"), [(20, 50, 90), (300, 330, 380), (950, 970, 990)])
def test_onset_apex_and_offset_are_found(onset: int, apex: int, offset: int) -> None:
    found = find_expression(face_motion(1000, (onset, apex, offset, 1.5)), FPS)
    assert abs(found.apex - apex) <= 2
    assert abs(found.onset - onset) <= 3
    assert abs(found.offset - offset) <= 3
    assert found.confidence > 0.8


def test_the_clearer_of_two_is_taken() -> None:
    both = face_motion(1000, (200, 230, 260, 0.15), (600, 630, 660, 2.0))
    assert abs(find_expression(both, FPS).apex - 630) <= 2


def test_all_expressions_of_a_long_video_are_listed_in_order_and_do_not_overlap() -> None:
    marks = [(150, 180, 220), (500, 520, 560), (565, 600, 640), (1400, 1440, 1480)]
    found = find_expressions(face_motion(1800, *[(*mark, 1.2) for mark in marks]), FPS)
    assert [abs(spot.apex - mark[1]) <= 3 for spot, mark in zip(found, marks, strict=True)] == [True] * 4
    assert all(a.offset < b.onset for a, b in pairwise(found))


def test_nothing_is_listed_without_an_expression() -> None:
    assert find_expressions(face_motion(2000), FPS) == []


def test_a_movement_without_end_is_not_an_expression() -> None:
    lips = face_motion(2000)
    lips.displacements[:, MOUTH, 0] += 0.7 * np.sin(2 * np.pi * 2.2 * np.arange(2000) / 200)[:, None]
    assert find_expressions(lips, FPS) == []


def test_a_movement_longer_than_a_micro_expression_is_not_listed() -> None:
    assert find_expressions(face_motion(1200, (200, 500, 900, 3.0)), FPS) == []


def test_a_movement_that_a_short_clip_cuts_off_is_not_listed() -> None:
    assert len(find_expressions(face_motion(90, (20, 40, 70, 1.5)), FPS)) == 1
    assert find_expressions(face_motion(90, (-1, 20, 50, 1.5)), FPS) == []
    assert find_expressions(face_motion(90, (40, 60, 90, 1.5)), FPS) == []


def test_movement_during_a_blink_is_not_listed() -> None:
    shut = level(1000, 480, 500, 530)
    assert find_expressions(face_motion(1000, (480, 500, 530, 0.8), eye_closure=shut), FPS) == []
    assert len(find_expressions(face_motion(1000, (480, 500, 530, 0.8)), FPS)) == 1


def test_an_expression_with_narrowed_eyes_is_listed() -> None:
    narrowed = 0.3 * level(1000, 480, 510, 560)
    assert len(find_expressions(face_motion(1000, (480, 510, 560, 0.8), eye_closure=narrowed), FPS)) == 1


def test_confidence_grows_with_the_movement_and_falls_with_noise() -> None:
    confidence = [
        find_expression(face_motion(1000, (500, 530, 570, p)), FPS).confidence for p in (0.0, 0.1, 0.3, 3.0)
    ]
    assert confidence == sorted(confidence)
    assert confidence[0] < 0.3
    assert confidence[-1] > 0.9
    noisy = find_expression(face_motion(1000, (500, 530, 570, 0.3), noise=0.5), FPS).confidence
    assert noisy < confidence[2]


@pytest.mark.parametrize("frames", [1, 2, 3, 10, 40])
@pytest.mark.parametrize("fps", [Fraction(25), FPS])
def test_the_marks_are_in_order_in_the_shortest_clips(frames: int, fps: Fraction) -> None:
    rng = np.random.default_rng(frames)
    moved = rng.normal(0, 1, (frames, len(SKIN_POINTS), 2))
    found = find_expression(FaceMotion(moved, np.zeros(frames), np.ones(frames, bool)), fps)
    assert 0 <= found.onset <= found.apex <= found.offset < frames
    assert 0 <= found.confidence <= 1


def test_an_expression_at_25_fps_is_found() -> None:
    found = find_expression(face_motion(100, (40, 44, 49, 1.5)), Fraction(25))
    assert abs(found.apex - 44) <= 1
    assert found.confidence > 0.5


def test_a_still_clip_has_no_expression() -> None:
    still = FaceMotion(np.zeros((50, len(SKIN_POINTS), 2)), np.zeros(50), np.ones(50, bool))
    assert find_expression(still, FPS).confidence == 0.0
    assert find_expressions(still, FPS) == []


def test_the_apex_is_found_between_a_known_onset_and_offset() -> None:
    two = face_motion(600, (100, 140, 180, 0.6), (300, 320, 380, 2.0))
    found = find_apex(two, FPS, 100, 180)
    assert (found.onset, found.offset) == (100, 180)
    assert abs(found.apex - 140) <= 2


@pytest.mark.parametrize(("onset", "offset"), [(5, 5), (5, 6), (5, 7), (0, 49)])
def test_the_apex_lies_between_any_onset_and_offset(onset: int, offset: int) -> None:
    assert onset <= find_apex(face_motion(50), FPS, onset, offset).apex <= offset


@pytest.mark.parametrize(("database", "tolerance"), [("Demo CASME", 3), ("Demo SMIC", 3), ("Demo SAMM", 3)])
def test_a_clear_expression_in_a_clip_is_spotted(tmp_path: Path, database: str, tolerance: int) -> None:
    spec = clear(database)
    path = write_clip(spec, tmp_path)
    found = spot(path, fps=spec.fps)
    assert abs(found.apex - spec.apex) <= tolerance
    assert abs(found.onset - spec.onset) <= 2 * tolerance
    assert found.confidence > 0.5
    known = apex_within(path, spec.onset, spec.offset, fps=spec.fps)
    assert abs(known.apex - spec.apex) <= tolerance


def test_a_long_video_is_tracked_over_several_references_and_blinks(tmp_path: Path) -> None:
    spec = clear("Demo SMIC")
    second = SyntheticExpression(330, 345, 370, "1+2", 2.0)
    spec = replace(spec, onset=150, apex=170, offset=190, frame_count=450, more=(second,))
    found = spot_intervals(write_clip(spec, tmp_path))
    assert [abs(s.apex - apex) <= 4 for s, apex in zip(found, (170, 345), strict=True)] == [True, True]


def test_a_neutral_clip_with_a_blink_and_a_moving_head_has_no_intervals(tmp_path: Path) -> None:
    spec = replace(clear("Demo SMIC"), intensity_px=0, frame_count=420)
    assert spot_intervals(write_clip(spec, tmp_path)) == []


def test_an_expression_on_a_photograph_is_spotted() -> None:
    clip = warped_photo.PhotoClip(1, 200, ((70, 95, 130),), "12", 2.0)
    tracker = RegionTracker(FPS)
    for frame in warped_photo.render(clip):
        tracker.add(frame)
    found = find_expression(tracker.motion(), FPS)
    assert abs(found.apex - 95) <= 6
    assert abs(found.onset - 70) <= 12


def test_a_moving_head_moves_no_skin() -> None:
    face = cv2.resize(astronaut()[:256, 96:352], (224, 224), interpolation=cv2.INTER_AREA)
    tracker = RegionTracker(Fraction(100))
    for i in range(40):
        turn = cv2.getRotationMatrix2D((112, 112), 0.05 * i, 1 + 0.0005 * i)
        turn[:, 2] += (0.1 * i, -0.06 * i)
        turned = cv2.warpAffine(
            face, turn, (224, 224), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
        )
        tracker.add(np.asarray(turned, np.uint8))
    assert np.hypot(*tracker.motion().displacements.transpose(2, 0, 1)).max() < 0.25


def test_a_clip_without_a_face_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No face was found in the clip"):
        spot(write_video(tmp_path / "clip.mp4", numbered_frames(8)))


def test_marks_outside_the_clip_are_refused(tmp_path: Path) -> None:
    face = cv2.resize(astronaut()[:230, 110:340], (160, 160), interpolation=cv2.INTER_AREA)
    path = write_video(tmp_path / "clip.mp4", [face] * 10)
    with pytest.raises(
        InputError, match=r"Onset 3 and offset 10 must be in this order and lie within .* \(0 to 9\)"
    ):
        apex_within(path, 3, 10)


def test_a_face_that_disappears_is_not_an_expression(tmp_path: Path) -> None:
    face = cv2.resize(astronaut()[:230, 110:340], (160, 160), interpolation=cv2.INTER_AREA)
    wall = cv2.resize(astronaut()[300:460, 300:460], (160, 160))
    path = write_video(tmp_path / "clip.mp4", [face] * 30 + [wall] * 20 + [face] * 30, rate=100)
    found, _ = track_face(path)
    assert not found.face_seen[30:50].any()
    assert found.face_seen[:30].all()
    assert spot_intervals(path) == []


def test_progress_is_reported_and_can_stop_the_work(tmp_path: Path) -> None:
    face = cv2.resize(astronaut()[:230, 110:340], (160, 160), interpolation=cv2.INTER_AREA)
    path = write_video(tmp_path / "clip.mp4", [face] * 10)
    reported: list[int] = []

    def stop(frames: int) -> None:
        reported.append(frames)
        if frames == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        track_face(path, on_progress=stop)
    assert reported == [1, 2, 3]


def test_an_expression_is_found_by_time_where_frames_are_missing() -> None:
    steady = face_motion(1000, (300, 330, 380, 1.5))
    kept = np.array([i for i in range(1000) if not 310 <= i < 320 and not 600 <= i < 700])
    shown = FaceMotion(steady.displacements[kept], steady.eye_closure[kept], steady.face_seen[kept])
    found = find_expression(shown, Clock.of_numbers(kept.tolist(), FPS))
    marks = [int(kept[i]) for i in (found.onset, found.apex, found.offset)]
    assert [abs(mark - true) <= 3 for mark, true in zip(marks, (300, 330, 380), strict=True)] == [True] * 3
    apex = find_apex(shown, Clock.of_numbers(kept.tolist(), FPS), *np.searchsorted(kept, (300, 380)).tolist())
    assert abs(int(kept[apex.apex]) - 330) <= 3


def test_a_variable_rate_is_seen_through() -> None:
    """Frames that are shown for twice as long in the middle: by frame number, the expression would be too short."""
    steady = face_motion(1000, (300, 330, 380, 1.5))
    kept = np.array([i for i in range(1000) if i < 250 or i >= 450 or i % 3 == 0])
    shown = FaceMotion(steady.displacements[kept], steady.eye_closure[kept], steady.face_seen[kept])
    clock = Clock.of_stamps((kept * 5).tolist(), Fraction(1, 1000), FPS)
    found = find_expression(shown, clock)
    assert found.confidence > 0.5
    assert abs(clock.duration_ms(found.onset, found.offset) - 400) <= 45
