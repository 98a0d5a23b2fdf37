"""A cheap curve of how much a face moves over a clip, for the timeline. No optical flow is solved for it."""

from collections import deque
from fractions import Fraction
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from models_ml.face.detect import Box, to_grey
from models_ml.face.track import FaceTrack
from models_ml.video.frames import SMALL, Image

_LAG_SECONDS = 0.04  # at 200 fps one frame's motion drowns in the sensor's noise; over 40 ms it does not
_SIDE = SMALL  # longer side of the small images that are compared, in pixels
_LARGEST = 4.0  # pixels of the small images: more than the linear estimate can tell, a cut for instance
_CELLS = 12  # they are cut into 12 × 12 cells, so that the face can be picked out when its place is known


class MotionCurve:
    """Collects frames in order, then gives one number for each: the mean motion of the face, in pixels.

    In every cell the shift against the frame 40 ms before is estimated from brightness differences along the
    image gradient, ``|Σ I_t ∇I| / Σ |∇I|²`` (the first step of Lucas & Kanade, IJCAI 1981); noise averages
    out within a cell. Holds about a kilobyte per frame, never the frames.
    """

    def __init__(self, fps: Fraction) -> None:
        self._before: deque[NDArray[np.float32]] = deque(maxlen=max(1, round(fps * Fraction(_LAG_SECONDS))))
        self._sums: list[NDArray[np.float32]] = []
        self._size = (0, 0)

    def add(self, image: Image, size: tuple[int, int] | None = None) -> None:
        """Take the next frame: uint8 (H, W) or (H, W, 3) RGB, all of one size.

        ``size``: width and height of the frame in pixels where ``image`` is a smaller picture of it.
        """
        width, height = self._size = size or (image.shape[1], image.shape[0])
        scale = min(1.0, _SIDE / max(width, height))
        small_size = (max(_CELLS, round(width * scale)), max(_CELLS, round(height * scale)))
        small = _shrunk(to_grey(image), small_size).astype(np.float32)
        small -= small.mean()  # flicker of the lamps is no motion
        then = self._before[0] if self._before else small
        self._sums.append(_cell_sums(then, small))
        self._before.append(small)

    def values(self, faces: FaceTrack | None = None) -> list[float]:
        """One number a frame, within the face's box where there is one, else over the whole frame."""
        curve = []
        for index, sums in enumerate(self._sums):
            rows, columns = self._window(faces.box_at(index) if faces else None)
            x, y, gradient = sums[:, rows, columns]
            total = float(gradient.sum())
            shift = float(np.hypot(x, y).sum()) / total if total > 0 else 0.0
            curve.append(round(min(shift, _LARGEST) * max(1.0, max(self._size) / _SIDE), 4))
        return curve

    def _window(self, box: Box | None) -> tuple[slice, slice]:
        if box is None:
            return slice(None), slice(None)
        width, height = self._size
        return _cells(box.top, box.bottom, height), _cells(box.left, box.right, width)


def _shrunk(grey: Image, size: tuple[int, int]) -> Image:
    """Averaged down to ``size``; by halves as far as they go, for which OpenCV is several times quicker."""
    while (
        grey.shape[1] >= 2 * size[0]
        and grey.shape[0] >= 2 * size[1]
        and not (grey.shape[0] | grey.shape[1]) & 1
    ):
        half = (grey.shape[1] // 2, grey.shape[0] // 2)
        grey = np.asarray(cv2.resize(grey, half, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _cells(first: int, end: int, side: int) -> slice:
    start = min(_CELLS - 1, max(0, first * _CELLS // side))
    return slice(start, max(start + 1, min(_CELLS, -(-end * _CELLS // side))))


def _cell_sums(then: NDArray[np.float32], now: NDArray[np.float32]) -> NDArray[np.float32]:
    """(3, 12, 12) float32: Σ I_t I_x, Σ I_t I_y and Σ |∇I|² of each cell."""
    mean = (then + now) / 2
    along_x = np.zeros_like(mean)
    along_y = np.zeros_like(mean)
    along_x[:, 1:-1] = (mean[:, 2:] - mean[:, :-2]) / 2
    along_y[1:-1] = (mean[2:] - mean[:-2]) / 2
    change = now - then
    stack = np.stack([change * along_x, change * along_y, along_x**2 + along_y**2])
    rows, columns = (_starts(side) for side in mean.shape)
    return np.add.reduceat(np.add.reduceat(stack, rows, axis=1), columns, axis=2)


@lru_cache(maxsize=16)
def _starts(side: int) -> NDArray[np.int64]:
    """First row, or column, of each cell."""
    return np.linspace(0, side, _CELLS, endpoint=False).astype(np.int64)
