"""Copies of a clip are found by what moves in it; other clips of the same subject are not."""

import tempfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from mer_platform.clips.models import Clip
from mer_platform.composites.duplicates import near_duplicates
from models_ml.synthetic.clip import render
from models_ml.synthetic.demo import demo_clips
from models_ml.synthetic.encode import encode
from models_ml.video.fingerprint import Fingerprint
from models_ml.video.ingest import ingest
from models_ml.video.shrunk import Shrunk

CLIPS = [spec for spec in demo_clips() if spec.subject in ("sub01", "006")][:9]


def clip_of(frames, pk: int, suffix: str, fps: float, subject: int = 1) -> Clip:
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "pack").open("w+b") as pack:
        path = Path(folder) / f"clip{suffix}"
        encode(frames, path, fps)
        result = ingest(path, pack, fps=fps)
    return Clip(
        pk=pk,
        name=str(pk),
        subject_id=subject,
        frame_count=result.frame_count,
        fps=str(result.index.fps),
        frame_steps=result.clock.steps_text(),
        fingerprint=result.fingerprint,
    )


@pytest.fixture(scope="module")
def rendered():
    return [list(render(spec)) for spec in CLIPS]


@pytest.fixture(scope="module")
def originals(rendered):
    return [clip_of(frames, pk, ".zip", 200) for pk, frames in enumerate(rendered)]


def cropped(frame, share=0.08):
    height, width = frame.shape[:2]
    top, left = (int(side * share) // 2 * 2 for side in (height, width))
    return np.ascontiguousarray(frame[top : height - top, left : width - left])


def smaller(frame):
    height, width = frame.shape[:2]
    return cv2.resize(
        frame, (width // 3 * 2 // 2 * 2, height // 3 * 2 // 2 * 2), interpolation=cv2.INTER_AREA
    )


def bad_jpeg(frame):
    return cv2.imdecode(cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, 50])[1], cv2.IMREAD_UNCHANGED)


def brighter(frame):
    return np.clip(frame.astype(np.float32) * 1.2 + 10, 0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    ("copy", "suffix"),
    [(np.copy, ".mp4"), (smaller, ".mp4"), (cropped, ".avi"), (bad_jpeg, ".zip"), (brighter, ".mp4")],
    ids=["encoded", "scaled", "cropped", "jpeg", "brighter"],
)
def test_copies_are_found_and_nothing_else(rendered, originals, copy, suffix):
    copies = [
        clip_of([copy(frame) for frame in frames], 100 + pk, suffix, 200)
        for pk, frames in enumerate(rendered[:4])
    ]
    found = {(pair.first.pk, pair.second.pk) for pair in near_duplicates([*originals, *copies])}
    assert found == {(pk, 100 + pk) for pk in range(4)}


def test_different_clips_of_one_subject_are_not_copies(originals):
    assert len({spec.subject for spec in CLIPS}) < len(CLIPS)
    assert near_duplicates(originals) == []


def test_clips_of_another_length_are_not_copies(originals):
    longer = Clip(
        pk=99,
        frame_count=originals[0].frame_count * 2,
        fps="200/1",
        frame_steps="",
        fingerprint=originals[0].fingerprint,
    )
    assert near_duplicates([originals[0], longer]) == []


def test_a_copy_at_another_frame_rate_is_found(originals):
    slow = Clip(
        pk=99,
        frame_count=originals[0].frame_count,
        fps="30/1",
        frame_steps="",
        fingerprint=originals[0].fingerprint,
    )
    assert [pair.motion for pair in near_duplicates([originals[0], slow])] == [pytest.approx(1)]


def test_a_still_image_and_a_handful_of_frames_have_no_fingerprint():
    still, short = Fingerprint(), Fingerprint()
    for number in range(20):
        still.add(Shrunk(np.full((60, 80), 128, np.uint8)))
        if number < 7:
            short.add(Shrunk(np.random.default_rng(number).integers(0, 256, (60, 80)).astype(np.uint8)))
    assert (still.value(), short.value()) == ("", "")
    assert near_duplicates([Clip(pk=1, frame_count=9), Clip(pk=2, frame_count=9)]) == []


def test_a_long_clip_keeps_few_frames_evenly_spaced():
    fingerprint = Fingerprint()
    for _ in range(1000):
        fingerprint.add(Shrunk(np.zeros((16, 16), np.uint8)))
    assert 64 <= len(fingerprint._small) <= 128
