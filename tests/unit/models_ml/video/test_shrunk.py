"""A frame is turned grey and halved once, in any order of the sizes."""

import cv2
import numpy as np
import pytest

from models_ml.face.detect import to_grey
from models_ml.video.shrunk import Shrunk


def frame(width: int, height: int) -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    ("size", "side", "expected"),
    [
        ((640, 480), 384, (320, 240)),
        ((640, 480), 288, (160, 120)),
        ((640, 480), 641, (640, 480)),
        ((642, 480), 288, (321, 240)),  # 321 is odd
        ((90, 120), 288, (90, 120)),
    ],
)
def test_it_is_halved_while_it_is_large_and_even(
    size: tuple[int, int], side: int, expected: tuple[int, int]
) -> None:
    small = Shrunk(frame(*size)).below(side)
    assert small.shape == expected[::-1]
    assert small.dtype == np.uint8


@pytest.mark.parametrize("sides", [(384, 288, 700), (288, 384, 288)])
def test_each_size_is_computed_once(sides: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    image = frame(640, 480)
    expected = {side: Shrunk(image).below(side) for side in sides}
    resize, calls = cv2.resize, list[tuple[int, int]]()

    def counted(source: np.ndarray, size: tuple[int, int], **options: int) -> np.ndarray:
        calls.append(size)
        return np.asarray(resize(source, size, **options))

    monkeypatch.setattr(cv2, "resize", counted)
    shrunk = Shrunk(image)
    for side in sides:
        assert np.array_equal(shrunk.below(side), expected[side])
    assert calls == [(320, 240), (160, 120)]


def test_it_knows_the_size_of_the_frame_it_was_reduced_from() -> None:
    image = frame(160, 120)
    assert Shrunk(image).size == (160, 120)
    reduced = Shrunk(image, (640, 480))
    assert reduced.size == (640, 480)
    assert np.array_equal(reduced.grey, to_grey(image))
