"""The motion curve measures the face's motion in pixels, and ignores light and noise."""

from fractions import Fraction

import cv2
import numpy as np
import pytest
from skimage.data import astronaut

from models_ml.face.detect import Box
from models_ml.face.track import FaceTrack
from models_ml.motion.curve import REGIONS, MotionCurve
from models_ml.video.shrunk import Shrunk

FPS = Fraction(100)  # the curve looks 4 frames back


@pytest.fixture(scope="module")
def face() -> np.ndarray:
    return cv2.resize(astronaut()[40:200, 140:300], (192, 192), interpolation=cv2.INTER_CUBIC)


def shifted(image: np.ndarray, x: float) -> np.ndarray:
    matrix = np.array([[1, 0, x], [0, 1, 0.0]])
    return cv2.warpAffine(image, matrix, image.shape[1::-1], borderMode=cv2.BORDER_REPLICATE)


def curve(images: list[np.ndarray], faces: FaceTrack | None = None) -> list[float]:
    motion = MotionCurve(FPS)
    for image in images:
        motion.add(Shrunk(image))
    return motion.values(faces)


def test_it_gives_one_number_per_frame_in_pixels(face: np.ndarray) -> None:
    values = curve([face] * 6 + [shifted(face, 1.0)] * 10)
    assert len(values) == 16
    assert max(values[:6]) == 0
    assert all(0.6 < value < 1.3 for value in values[6:10])
    assert max(values[10:]) == 0


def test_it_grows_with_the_motion(face: np.ndarray) -> None:
    peaks = [max(curve([face] * 4 + [shifted(face, x)] * 4)) for x in (0.25, 0.5, 1.0)]
    assert peaks[0] < peaks[1] < peaks[2]


def test_brighter_light_is_little_motion(face: np.ndarray) -> None:
    brighter = np.clip(face.astype(int) + 12, 0, 255).astype(np.uint8)
    assert max(curve([face] * 4 + [brighter] * 4)) < 0.15


def test_noise_is_little_motion(face: np.ndarray) -> None:
    rng = np.random.default_rng(0)
    noisy = [np.clip(face + rng.normal(0, 3, face.shape), 0, 255).astype(np.uint8) for _ in range(10)]
    assert max(curve(noisy)) < 0.2


def test_only_the_face_counts_if_it_is_known(face: np.ndarray) -> None:
    scene = np.hstack([face, face])
    moved = np.hstack([face, shifted(face, 2)])  # something moves next to the face
    images = [scene] * 4 + [moved] * 4
    inside = curve(images, FaceTrack(8, {0: Box(20, 20, 170, 170), 7: Box(20, 20, 170, 170)}))
    assert max(inside) < 0.1
    assert max(curve(images)) > 0.5


def test_a_cut_does_not_dwarf_everything_else(face: np.ndarray) -> None:
    assert max(curve([np.zeros_like(face)] * 3 + [face] * 3)) <= 8.0


def test_a_blank_clip_does_not_move() -> None:
    assert curve([np.full((64, 64), 128, np.uint8)] * 5) == [0.0] * 5


def test_a_part_of_the_face_that_moves_stands_out_in_its_own_curve(face: np.ndarray) -> None:
    box = Box(16, 16, 176, 176)
    left, top, right, bottom = REGIONS["mouth"]
    moved = face.copy()
    rows = slice(round(16 + 160 * top), round(16 + 160 * bottom))
    columns = slice(round(16 + 160 * left), round(16 + 160 * right))
    moved[rows, columns] = shifted(face, 1.0)[rows, columns]
    motion = MotionCurve(FPS)
    for image in [face] * 4 + [moved] * 4:
        motion.add(Shrunk(image))
    regions = motion.regions(FaceTrack(8, {0: box, 7: box}))
    assert set(regions) == {"brows", "eyes", "nose", "mouth"}
    assert all(len(values) == 8 and max(values[:4]) == 0 for values in regions.values())
    assert regions["mouth"][4] > 0.4
    assert regions["mouth"][4] > 4 * max(regions["brows"][4], regions["eyes"][4])


def test_there_are_no_parts_without_a_face_and_no_motion_in_frames_without_one(face: np.ndarray) -> None:
    motion = MotionCurve(FPS)
    for image in [face] * 4 + [shifted(face, 1.0)] * 4:
        motion.add(Shrunk(image))
    assert motion.regions(FaceTrack(8, {0: None, 7: None})) == {}
    seen = motion.regions(
        FaceTrack(8, {0: Box(16, 16, 176, 176), 4: Box(16, 16, 176, 176), 5: None, 7: None})
    )
    assert seen["brows"][4] > 0.3
    assert seen["brows"][5:] == [0.0] * 3


def test_reduced_frames_give_the_same_curves_in_pixels_of_the_frame(face: np.ndarray) -> None:
    large = cv2.resize(face, (768, 768), interpolation=cv2.INTER_CUBIC)
    frames = [large] * 4 + [shifted(large, 4.0)] * 4
    box = Box(64, 64, 704, 704)
    faces = FaceTrack(8, {0: box, 7: box})
    whole, small = MotionCurve(FPS), MotionCurve(FPS)
    for frame in frames:
        whole.add(Shrunk(frame))
        small.add(Shrunk(cv2.resize(frame, (192, 192), interpolation=cv2.INTER_AREA), (768, 768)))
    assert max(whole.values(faces)) > 2
    assert small.values(faces) == pytest.approx(whole.values(faces), abs=0.1)
    for name, values in whole.regions(faces).items():
        assert small.regions(faces)[name] == pytest.approx(values, abs=0.15)
