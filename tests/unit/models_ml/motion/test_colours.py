"""The colour wheel is Middlebury's, and values that are not numbers are never shown as motion."""

import cv2
import numpy as np
import pytest

from models_ml.motion.colours import flow_colours, png, signed_colours, strain_colours, wheel


def colour(u: float, v: float) -> tuple[int, ...]:
    return tuple(flow_colours(np.array([[[u]], [[v]]], np.float32), 1.0)[0, 0])


def test_no_motion_is_white_and_more_motion_is_more_saturated() -> None:
    assert colour(0, 0) == (255, 255, 255)
    assert min(colour(0.2, 0)) > min(colour(0.9, 0))


@pytest.mark.parametrize(
    ("u", "v", "strongest"),
    [(1, 0, 0), (-0.7, 0.7, 1), (0, -1, 2)],
    ids=["right is red", "left and down is green", "up is blue"],
)
def test_directions_have_the_wheels_hues(u: float, v: float, strongest: int) -> None:
    assert int(np.argmax(colour(u, v))) == strongest


def test_more_than_full_colour_is_darker() -> None:
    assert max(colour(2, 0)) < max(colour(1, 0))


def test_opposite_signs_have_opposite_colours_and_zero_is_white() -> None:
    left, still, right = signed_colours(np.array([[-1, 0, 1]], np.float32), 1.0)[0].astype(int)
    assert left[2] > left[0]
    assert right[0] > right[2]
    assert np.ptp(still) == 0
    assert still[0] > 240


def test_strain_gets_brighter() -> None:
    shown = strain_colours(np.array([[0, 0.5, 1]], np.float32), 1.0)[0].astype(int).sum(axis=1)
    assert shown[0] < shown[1] < shown[2]


def test_not_a_number_is_black_or_grey() -> None:
    field = np.array([[np.nan]], np.float32)
    assert signed_colours(field, 1.0).max() == 0
    assert flow_colours(np.stack([field, field]), 1.0).max() == 0
    assert (strain_colours(field, 1.0) == 128).all()


def test_the_legend_and_a_png_can_be_read_back() -> None:
    legend = wheel(32)
    read = cv2.imdecode(np.frombuffer(png(legend), np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
    assert np.array_equal(read, legend)
    assert (legend[0, 0] == 255).all()
