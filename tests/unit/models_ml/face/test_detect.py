"""Faces are found in small and large, grey and coloured images; landmarks lie where they should."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from skimage.data import astronaut

from models_ml.face.detect import Box, get_detector
from models_ml.video.decode import read_frames


@pytest.fixture(scope="module")
def face() -> np.ndarray:
    return astronaut()[:256, 96:352]


def scaled(image: np.ndarray, factor: float) -> np.ndarray:
    method = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    return cv2.resize(image, None, fx=factor, fy=factor, interpolation=method)


def centre(box: Box) -> np.ndarray:
    return np.array([box.left + box.right, box.top + box.bottom]) / 2


@pytest.mark.parametrize("factor", [0.4, 1, 4])
def test_a_face_is_found_at_any_scale(face: np.ndarray, factor: float) -> None:
    box = get_detector().detect(scaled(face, factor))
    assert box is not None
    assert np.abs(centre(box) / factor - (127, 115)).max() < 12
    assert 70 < box.width / factor < 130


def test_grey_and_coloured_images_give_the_same_box(face: np.ndarray) -> None:
    assert get_detector().detect(cv2.cvtColor(face, cv2.COLOR_RGB2GRAY)) == get_detector().detect(face)


def test_there_is_no_face_in_noise() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (180, 180), dtype=np.uint8)
    assert get_detector().detect(noise) is None


def test_the_largest_of_two_faces_is_taken(face: np.ndarray) -> None:
    small = scaled(face, 0.6)
    scene = np.full((256, 256 + small.shape[1], 3), 127, np.uint8)
    scene[:256, :256] = face
    scene[: small.shape[0], 256:] = small
    box = get_detector().detect(scene)
    assert box is not None
    assert box.right < 256


@pytest.mark.parametrize("factor", [0.5, 1, 3])
def test_landmarks_lie_on_eyes_and_mouth_at_any_scale(face: np.ndarray, factor: float) -> None:
    image = scaled(face, factor)
    box = get_detector().detect(image)
    assert box is not None
    points = get_detector().landmarks(image, box) / factor
    assert points.shape == (68, 2)
    right_eye, left_eye, mouth = points[36:42].mean(0), points[42:48].mean(0), points[48:68].mean(0)
    assert np.abs(right_eye - (107, 101)).max() < 3
    assert np.abs(left_eye - (150.5, 103)).max() < 3
    assert np.abs(mouth - (127, 146)).max() < 3


def test_landmarks_of_a_small_face_are_finer_than_whole_pixels(face: np.ndarray) -> None:
    image = scaled(face, 0.5)
    box = get_detector().detect(image)
    assert box is not None
    points = get_detector().landmarks(image, box)
    assert points.dtype == np.float32
    assert (points % 1 != 0).mean() > 0.3


def test_the_small_face_in_carphone_is_found(real_clips: Path) -> None:
    frames = read_frames(real_clips / "carphone_pristine.mp4", range(0, 110, 18))
    assert all(get_detector().detect(frame.image) for frame in frames.values())


def test_nothing_is_found_where_there_is_no_face(real_clips: Path) -> None:
    frames = read_frames(real_clips / "no_face.mp4", range(0, 95, 19))
    assert not any(get_detector().detect(frame.image) for frame in frames.values())
