"""Bring a face to a square crop of fixed size; the very same transform is meant for several frames.

The transform comes from one frame only (the onset): if each frame were aligned by its own landmarks, their
jitter of a pixel would bury the motion of a micro-expression.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models_ml.face.detect import Box
from models_ml.video.frames import Image

# Eye corners and nose of the 68-point scheme: what expressions move least. Mouth, brows and jaw would let the
# expression itself turn the face.
_STABLE = (36, 39, 42, 45, 27, 28, 29, 30, 33)
# Where they lie in the unit square of the crop: a mean upright face, brows and chin within it.
_TEMPLATE = np.array(
    [
        (0.205, 0.345),
        (0.375, 0.350),
        (0.625, 0.350),
        (0.795, 0.345),
        (0.500, 0.340),
        (0.500, 0.420),
        (0.500, 0.495),
        (0.500, 0.570),
        (0.500, 0.640),
    ]
)


@dataclass(frozen=True)
class Alignment:
    """A transform from a frame to a square crop of ``size`` pixels.

    ``matrix`` is float64 (2, 3): crop (x, y) = matrix · (x, y, 1) of the frame, in pixels from the image's
    upper left corner. ``scale`` is crop pixels per frame pixel.
    """

    matrix: NDArray[np.float64]
    size: int

    @property
    def scale(self) -> float:
        return float(np.sqrt(abs(np.linalg.det(self.matrix[:, :2]))))

    def points(self, points: NDArray[np.float32]) -> NDArray[np.float64]:
        """(n, 2) points of the frame as points of the crop."""
        return points @ self.matrix[:, :2].T + self.matrix[:, 2]

    def crop(self, image: Image) -> NDArray[np.float32]:
        """float32 (size, size) or (size, size, 3) crop of a frame, values 0..255.

        Large frames are averaged down (no aliasing); outside the frame its border is repeated.
        """
        # Warp at about the frame's own resolution, then average blocks of whole pixels.
        factor = max(1, math.floor(1 / self.scale + 0.5))
        # Corners to pixel centres: centre of pixel x is x + ½ from the left border.
        centre = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
        full = np.vstack([self.matrix, (0, 0, 1)])
        enlarge = np.diag([factor, factor, 1.0])
        matrix = (np.linalg.inv(centre) @ enlarge @ full @ centre)[:2]
        side = self.size * factor
        warped = cv2.warpAffine(
            image.astype(np.float32),
            matrix,
            (side, side),
            flags=cv2.INTER_CUBIC if factor == 1 else cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        small = cv2.resize(warped, (self.size, self.size), interpolation=cv2.INTER_AREA)
        return np.asarray(np.clip(small, 0, 255), dtype=np.float32)


def whole_frame(width: int, height: int, size: int) -> Alignment:
    """The whole frame, stretched to a square."""
    return Alignment(np.array([[size / width, 0, 0], [0, size / height, 0]], dtype=np.float64), size)


def box_crop(box: Box, size: int) -> Alignment:
    """The face's box without rotation, widened by a tenth so that brows and chin are in it, as a square."""
    side = max(box.width, box.height) * 1.2
    scale = size / side
    left = (box.left + box.right - side) / 2
    top = (box.top + box.bottom - side) / 2
    return Alignment(np.array([[scale, 0, -left * scale], [0, scale, -top * scale]]), size)


def similarity(landmarks: NDArray[np.float32], size: int) -> Alignment:
    """Shift, rotation and scale that best bring eye corners and nose to their places in the crop.

    Least squares in closed form (Umeyama, IEEE TPAMI 1991, without reflection).

    Parameters
    ----------
    landmarks
        (68, 2) x, y in pixels of the frame.
    """
    source = landmarks[list(_STABLE)].astype(np.float64)
    target = _TEMPLATE * size
    a = source - source.mean(axis=0)
    b = target - target.mean(axis=0)
    norm = (a**2).sum()
    cosine = (a * b).sum() / norm
    sine = (a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum() / norm
    rotation = np.array([[cosine, -sine], [sine, cosine]])
    shift = target.mean(axis=0) - rotation @ source.mean(axis=0)
    return Alignment(np.column_stack([rotation, shift]), size)
