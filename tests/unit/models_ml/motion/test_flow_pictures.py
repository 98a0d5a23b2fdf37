"""Flow pictures: what is decoded, and what is refused before it is."""

import cv2
import numpy as np
import pytest

from models_ml.errors import InputError
from models_ml.motion.flow_pictures import picture_features


def png(height: int, width: int) -> bytes:
    return cv2.imencode(".png", np.full((height, width, 3), 128, np.uint8))[1].tobytes()


def test_mid_grey_is_no_motion():
    u, v, strain = picture_features(png(28, 28), 28)
    assert not u.any()
    assert not v.any()
    assert strain == pytest.approx(128 / 255)


def test_a_picture_larger_than_a_frame_is_not_decoded():
    with pytest.raises(InputError, match="8×4097 pixels; each side must be at most 4096"):
        picture_features(png(4097, 8), 28)
