"""One transform from the onset frame: upright, of fixed size, the same for every frame it is used on."""

import cv2
import numpy as np
import pytest
from skimage.data import astronaut

from models_ml.face.align import box_crop, similarity, whole_frame
from models_ml.face.detect import Box, get_detector

EYES = [36, 39, 42, 45]


@pytest.fixture(scope="module")
def face() -> np.ndarray:
    return astronaut()[:256, 96:352]


@pytest.fixture(scope="module")
def landmarks(face: np.ndarray) -> np.ndarray:
    box = get_detector().detect(face)
    assert box is not None
    return get_detector().landmarks(face, box)


def test_eyes_are_level_and_at_their_position(landmarks: np.ndarray) -> None:
    points = similarity(landmarks, 128).points(landmarks)
    right, left = points[36:42].mean(0), points[42:48].mean(0)
    assert abs(right[1] - left[1]) < 4
    assert abs((right[0] + left[0]) / 2 - 64) < 5
    assert abs((right[1] + left[1]) / 2 - 0.345 * 128) < 6


def test_brows_and_chin_are_in_the_crop(landmarks: np.ndarray) -> None:
    points = similarity(landmarks, 128).points(landmarks)
    assert points[17:27].min() > 5
    assert points[8, 1] < 140


@pytest.mark.parametrize("degrees", [-25, 10, 180])
def test_a_turned_face_gives_the_same_crop(face: np.ndarray, landmarks: np.ndarray, degrees: float) -> None:
    turn = cv2.getRotationMatrix2D((128, 128), degrees, 0.8)
    turned = cv2.warpAffine(face, turn, (256, 256), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    points = ((landmarks - 0.5) @ turn[:, :2].T + turn[:, 2] + 0.5).astype(np.float32)
    upright = similarity(landmarks, 96).crop(face)[10:-10, 10:-10]
    again = similarity(points, 96).crop(turned)[10:-10, 10:-10]
    assert np.abs(upright - again).mean() < 6
    assert np.corrcoef(upright.ravel(), again.ravel())[0, 1] > 0.98


@pytest.mark.parametrize(("size", "scale"), [(64, 0.25), (64, 0.5), (64, 1), (64, 2), (64, 1.3)])
def test_a_point_of_the_frame_is_where_points_says(size: int, scale: float) -> None:
    side = round(size / scale)
    image = np.zeros((side, side), np.uint8)
    at = np.array([[side * 0.3, side * 0.6]], np.float32)
    y, x = np.mgrid[0:side, 0:side]
    spread = max(2.0, 2 / scale)
    image[:] = 255 * np.exp(-((x + 0.5 - at[0, 0]) ** 2 + (y + 0.5 - at[0, 1]) ** 2) / (2 * spread**2))
    alignment = whole_frame(side, side, size)
    crop = alignment.crop(image)
    rows, columns = np.mgrid[0:size, 0:size] + 0.5
    seen = np.array([(crop * columns).sum(), (crop * rows).sum()]) / crop.sum()
    assert np.abs(seen - alignment.points(at)[0]).max() < 0.05


def test_a_large_frame_is_averaged_down() -> None:
    stripes = np.zeros((512, 512), np.uint8)
    stripes[:, ::2] = 200
    crop = whole_frame(512, 512, 64).crop(stripes)
    assert np.abs(crop - 100).max() < 1


def test_a_box_at_the_border_repeats_the_border(face: np.ndarray) -> None:
    crop = box_crop(Box(-30, -20, 70, 80), 48).crop(face)
    assert crop.shape == (48, 48, 3)
    assert np.abs(crop[:, 0] - crop[:, 1]).max() < 1


def test_the_same_frame_gives_the_same_bits_with_any_number_of_threads(
    face: np.ndarray, landmarks: np.ndarray
) -> None:
    before = cv2.getNumThreads()
    crops = []
    for threads in (1, 4):
        cv2.setNumThreads(threads)
        crops.append(similarity(landmarks, 128).crop(face))
    cv2.setNumThreads(before)
    assert np.array_equal(*crops)
