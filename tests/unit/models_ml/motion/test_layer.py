"""A flow layer shows motion where it is in the frame, in the frame's own pixels."""

import json

import cv2
import numpy as np
import pytest

from models_ml.config import FeatureConfig
from models_ml.errors import InputError
from models_ml.face.detect import Box
from models_ml.motion.layer import flow_layer

CONFIG = FeatureConfig(flow="tvl1", size=32, head_motion="none")


class FixedFace:
    """A face whose landmarks are known: upright, or turned by ``degrees`` around the middle of the frame."""

    def __init__(self, degrees: float = 0) -> None:
        self._turn = cv2.getRotationMatrix2D((160, 160), degrees, 1)

    def detect(self, image):
        return Box(60, 60, 260, 260)

    def landmarks(self, image, box):
        unit = np.full((68, 2), 0.5)
        unit[[36, 39, 42, 45, 27, 28, 29, 30, 33]] = [
            (0.205, 0.345), (0.375, 0.350), (0.625, 0.350), (0.795, 0.345), (0.5, 0.34),
            (0.5, 0.42), (0.5, 0.495), (0.5, 0.57), (0.5, 0.64),
        ]  # fmt: skip
        upright = 60 + 200 * unit  # 200 pixels of the frame are the whole crop
        return (upright @ self._turn[:, :2].T + self._turn[:, 2]).astype(np.float32)


class NoFace(FixedFace):
    def detect(self, image):
        return None


@pytest.fixture(scope="module")
def pair() -> tuple[np.ndarray, np.ndarray]:
    """Return a textured image, and the same with a patch around (200, 120) moved about 3 pixels to the right."""
    noise = np.random.default_rng(0).integers(0, 255, (320, 320)).astype(np.float32)
    still = cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 3), None, 20, 235, cv2.NORM_MINMAX)
    y, x = np.mgrid[0:320, 0:320].astype(np.float32)
    shift = 3 * np.exp(-((x - 200) ** 2 + (y - 120) ** 2) / (2 * 34**2))
    moved = cv2.remap(still, (x - shift).astype(np.float32), y, cv2.INTER_CUBIC)
    return still.astype(np.uint8), moved.astype(np.uint8)


def strongest(layer: dict) -> tuple[np.ndarray, np.ndarray]:
    """Return the position (x, y) of the largest motion in the frame, and the motion (u, v)."""
    u, v = (np.array(layer[name]).reshape(layer["size"], layer["size"]) for name in "uv")
    row, column = np.unravel_index(np.hypot(u, v).argmax(), u.shape)
    position = np.array(layer["to_frame"]) @ (column + 0.5, row + 0.5, 1)
    return position, np.array([u[row, column], v[row, column]])


@pytest.mark.parametrize("degrees", [0, 12])
def test_motion_is_located_in_pixels_of_the_frame(pair, degrees: float) -> None:
    place, motion = strongest(flow_layer(*pair, config=CONFIG, detector=FixedFace(degrees)))
    assert np.abs(place - (200, 120)).max() < 12
    assert motion == pytest.approx((3, 0), abs=0.6)


def test_two_equal_frames_show_no_motion(pair) -> None:
    layer = flow_layer(pair[0], pair[0], config=CONFIG, detector=FixedFace())
    assert max(map(abs, layer["u"] + layer["v"])) < 0.05
    assert max(layer["strain"]) < 0.01


def test_the_layer_is_plain_json(pair) -> None:
    layer = flow_layer(*pair, config=CONFIG, detector=FixedFace())
    assert json.loads(json.dumps(layer, allow_nan=False)) == layer
    assert {len(layer[name]) for name in ("u", "v", "strain")} == {32 * 32}


def test_a_frame_without_a_face_is_named(pair) -> None:
    with pytest.raises(InputError, match=r"no face in frame 7 \(source frame 8\)"):
        flow_layer(*pair, config=CONFIG, name="frame 7 (source frame 8)", detector=NoFace())


def test_frames_of_different_sizes_are_refused(pair) -> None:
    with pytest.raises(InputError, match="same size; they have 320×320 and 320×300"):
        flow_layer(pair[0], pair[1][:300], config=CONFIG, detector=FixedFace())
