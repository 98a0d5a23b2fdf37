"""Compute the motion curve: how much a face moves at each frame, without solving optical flow.

Its cost per frame is a part of ingest, which ``make bench NAME=import`` measures.
"""

from collections import defaultdict, deque
from collections.abc import Mapping
from fractions import Fraction

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from models_ml.face.detect import Box
from models_ml.face.track import FaceTrack
from models_ml.video.frames import SMALL
from models_ml.video.shrunk import Shrunk

_LAG_SECONDS = (
    0.04  # distance of the frames compared: at 200 fps, motion from frame to frame is hidden in noise
)
_SIDE = 96  # longer side of the small images that are compared, in pixels
# Greatest motion in pixels of the small images. The linear estimate cannot measure more; at a cut it is arbitrary.
_LARGEST = 4.0
_CELLS = 12  # the small images are divided into 12 × 12 cells, because the face's position is known only at the end
_FINE_SIDE, _FINE_CELLS = SMALL, 18  # the same for parts of the face, which are smaller

# Parts of the detector's face box, which spans brows to chin: left, top, right and bottom as shares of it. Measured from the
# positions of the 68 landmarks of synthetic faces in their boxes.
REGIONS: dict[str, tuple[float, float, float, float]] = {
    "brows": (0.04, -0.08, 0.94, 0.16),
    "eyes": (0.04, 0.16, 0.94, 0.36),
    "nose": (0.3, 0.38, 0.7, 0.66),
    "mouth": (0.18, 0.66, 0.8, 0.94),
}
_SCALE = np.array([[[1 / 4]], [[1 / 4]], [[1 / 16]]], np.float32)  # see _CellSums
_Window = tuple[int, int, int, int]  # rows of cells from, to, columns from, to


class MotionCurve:
    """Collects frames in order, then computes one number for each: the mean motion of the face, in pixels.

    In each cell, the shift from the frame 40 ms before is estimated from differences of brightness along the image gradient,
    ``|Σ I_t ∇I| / Σ |∇I|²`` (the first step of Lucas & Kanade, IJCAI 1981). Noise averages out within a cell. Keeps about
    three kilobytes per frame, never the frames.
    """

    def __init__(self, fps: Fraction) -> None:
        lag = max(1, round(fps * Fraction(_LAG_SECONDS)))
        self._whole, self._fine = _Grid(_SIDE, _CELLS, lag), _Grid(_FINE_SIDE, _FINE_CELLS, lag)

    def add(self, frame: Shrunk) -> None:
        """Add the next frame; all have one size."""
        small = self._fine.add(frame.below(2 * _FINE_SIDE).astype(np.float32), frame.size)
        self._whole.add(small, frame.size)

    def values(self, faces: FaceTrack | None = None) -> list[float]:
        """Return one number per frame: the motion in the face's box, or in the whole frame if there is no face."""
        return self._whole.shifts({i: faces.box_at(i) if faces else None for i in range(self._whole.count)})

    def regions(self, faces: FaceTrack) -> dict[str, list[float]]:
        """Return the same for brows, eyes, nose and mouth, at their positions in a mean face.

        Empty for a clip without a face; 0 in frames without a face. A turning head moves all parts alike.
        """
        if not faces.coverage():
            return {}
        boxes = [(i, box) for i in range(self._fine.count) if (box := faces.box_at(i))]
        return {
            name: self._fine.shifts({i: _part(box, share) for i, box in boxes})
            for name, share in REGIONS.items()
        }


class _Grid:
    """The sums of each cell in each frame, from which the mean shift of the cells in a box follows."""

    def __init__(self, side: int, cells: int, lag: int) -> None:
        self._side, self._cells = side, cells
        self._before: deque[NDArray[np.float32]] = deque(maxlen=lag)
        self._sums: list[NDArray[np.float16]] = []
        self._size = (0, 0)
        self._cell_sums: _CellSums | None = None

    @property
    def count(self) -> int:
        return len(self._sums)

    def add(self, image: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
        """Add an image (h, w) of a frame of ``size`` (width, height), and return the small image that is compared."""
        width, height = self._size = size
        scale = min(1.0, self._side / max(width, height))
        small_size = (max(self._cells, round(width * scale)), max(self._cells, round(height * scale)))
        # Down to one half, linear interpolation uses every pixel too, in a fifth of the time of averaging areas.
        method = cv2.INTER_LINEAR if max(image.shape) <= 2 * self._side else cv2.INTER_AREA
        small = np.asarray(cv2.resize(image, small_size, interpolation=method), np.float32)
        level = small - np.float32(cv2.mean(small)[0])  # flickering light is not motion
        then = self._before[0] if self._before else level
        if self._cell_sums is None:
            self._cell_sums = _CellSums(small.shape, self._cells)
        self._sums.append(self._cell_sums(then, level))
        self._before.append(level)
        return small

    def shifts(self, boxes: Mapping[int, Box | None]) -> list[float]:
        """Return the mean motion in each frame's box (None: the whole frame), in the clip's pixels; 0 in other frames."""
        alike: defaultdict[_Window, list[int]] = defaultdict(list)
        for frame, box in boxes.items():
            alike[self._window(box)].append(frame)
        values = np.zeros(self.count)
        for (top, bottom, left, right), frames in alike.items():
            sums = [self._sums[frame][:, top:bottom, left:right] for frame in frames]
            x, y, gradient = np.stack(sums, axis=1).astype(np.float32)
            total = gradient.sum(axis=(1, 2))
            moved = np.hypot(x, y).sum(axis=(1, 2))
            values[frames] = np.divide(moved, total, out=np.zeros_like(total), where=total > 0)
        scale = max(1.0, max(self._size) / self._side)
        return np.round(np.minimum(values, _LARGEST) * scale, 4).tolist()

    def _window(self, box: Box | None) -> _Window:
        if box is None:
            return 0, self._cells, 0, self._cells
        width, height = self._size
        return *self._span(box.top, box.bottom, height), *self._span(box.left, box.right, width)

    def _span(self, first: int, end: int, side: int) -> tuple[int, int]:
        start = min(self._cells - 1, max(0, first * self._cells // side))
        return start, max(start + 1, min(self._cells, -(-end * self._cells // side)))


def _part(box: Box, share: tuple[float, float, float, float]) -> Box:
    left, top, right, bottom = share
    return Box(
        round(box.left + left * box.width),
        round(box.top + top * box.height),
        round(box.left + right * box.width),
        round(box.top + bottom * box.height),
    )


class _CellSums:
    """Computes means over the cells of two images (height, width). Images in between are reused: new ones cost more."""

    def __init__(self, shape: tuple[int, ...], cells: int) -> None:
        self._change, self._along_x, self._along_y, self._spare = np.zeros((4, *shape), np.float32)
        self._sums = np.zeros((3, cells, cells), np.float32)

    def __call__(self, then: NDArray[np.float32], now: NDArray[np.float32]) -> NDArray[np.float16]:
        """Return the means of I_t I_x, I_t I_y and |∇I|² of each cell, (3, cells, cells); none is above 2 · 128²."""
        change, along_x, along_y = self._change, self._along_x, self._along_y
        cv2.subtract(now, then, dst=change)
        both = cv2.add(then, now, dst=self._spare)
        # Four times the gradient of the mean of both images; 0 along the border, as with cv2.Sobel, in a third of the time.
        cv2.subtract(both[:, 2:], both[:, :-2], dst=along_x[:, 1:-1])
        cv2.subtract(both[2:], both[:-2], dst=along_y[1:-1])
        product = self._spare
        self._sum(cv2.multiply(change, along_x, dst=product), 0)
        self._sum(cv2.multiply(change, along_y, dst=product), 1)
        self._sum(cv2.accumulateSquare(along_y, cv2.multiply(along_x, along_x, dst=product)), 2)
        return (self._sums * _SCALE).astype(np.float16)

    def _sum(self, product: MatLike, row: int) -> None:
        sums = self._sums[row]
        cv2.resize(product, sums.shape, dst=sums, interpolation=cv2.INTER_AREA)
