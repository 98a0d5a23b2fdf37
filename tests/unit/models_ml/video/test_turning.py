"""Turned clips: the frames, and how a face that is not upright is found."""

import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from skimage.data import astronaut

from models_ml.errors import InputError
from models_ml.video.decode import open_source
from models_ml.video.ingest import ingest
from models_ml.video.turning import turned
from tests.unit.models_ml.video.made_clips import (
    encoded,
    numbered_frames,
    numbered_members,
    write_video,
    write_zip,
)

COUNTER_CLOCKWISE = {90: 1, 180: 2, 270: 3}  # quarters


def astronaut_clip(path: Path, quarters: int) -> Path:
    """Write a still clip of a face, turned counter-clockwise."""
    face = cv2.resize(astronaut()[:300, 60:400], (340, 300))
    return write_video(path, [np.ascontiguousarray(np.rot90(face, quarters))] * 6, rate=100)


def test_an_image_is_turned_clockwise() -> None:
    assert turned(np.array([[1, 2], [3, 4]], np.uint8), 90).tolist() == [[3, 1], [4, 2]]


@pytest.mark.parametrize("turn", [90, 180, 270])
@pytest.mark.parametrize("name", ["clip.zip", "clip.mkv"])
def test_every_frame_is_turned(tmp_path: Path, name: str, turn: int) -> None:
    path = tmp_path / name
    if name == "clip.zip":
        write_zip(path, numbered_members(4))
    else:
        write_video(path, numbered_frames(4))
    with open_source(path, fps=100) as source:
        size, upright = (source.width, source.height), list(source)
    with open_source(path, fps=100, turn=turn) as source:
        assert (source.width, source.height) == (size if turn == 180 else size[::-1])
        assert source.count == (4 if name == "clip.zip" else None)
        frames = list(source)
        assert source.notes()[-1] == f"The clip was turned by {turn}° clockwise."
    for frame, other in zip(frames, upright, strict=True):
        assert np.array_equal(frame.image, np.rot90(other.image, -turn // 90))
        assert (frame.index, frame.pts, frame.source_number, frame.encoded) == (
            other.index, other.pts, other.source_number, None,
        )  # fmt: skip


def test_lazy_frames_are_turned_at_each_size(tmp_path: Path) -> None:
    members = {f"{n}.jpg": encoded(image, ".jpg") for n, image in enumerate(numbered_frames(2, 640, 480))}
    path = write_zip(tmp_path / "clip.zip", members)
    with open_source(path, fps=100, turn=90) as source:
        lazy = list(source.lazy_frames())
    with open_source(path, fps=100, turn=90) as source:
        for frame, whole in zip(lazy, source, strict=True):
            assert frame.small.shape[:2] == (160, 120)
            assert frame.at_least(300).shape[:2] == (320, 240)
            assert np.array_equal(frame.image, whole.image)


def test_another_angle_is_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "clip.zip", numbered_members(1))
    with pytest.raises(InputError, match="by 90, 180 or 270 degrees; 45 was given"):
        open_source(path, fps=100, turn=45)


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_a_face_that_is_not_upright_is_found_and_turned(tmp_path: Path, turn: int) -> None:
    path = astronaut_clip(tmp_path / "clip.mp4", COUNTER_CLOCKWISE[turn])
    found = ingest(path, io.BytesIO())
    assert (found.faces.coverage(), found.face_turn) == ([], turn)
    result = ingest(path, io.BytesIO(), turn=turn)
    assert (result.faces.coverage(), result.face_turn) == ([(0, 5)], 0)


def test_an_upright_face_and_no_face_need_no_turn(tmp_path: Path) -> None:
    assert ingest(astronaut_clip(tmp_path / "clip.mp4", 0), io.BytesIO()).face_turn == 0
    assert ingest(write_video(tmp_path / "none.mp4", numbered_frames(6)), io.BytesIO()).face_turn == 0
