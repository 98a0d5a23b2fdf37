"""Bring a face to a square crop of fixed size, with one transform for several frames.

The transform comes from one frame only, the onset. If each frame were aligned by its own landmarks, their jitter of a pixel
would hide the motion of a micro-expression.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models_ml.face.detect import Box
from models_ml.video.frames import Image

# Eye corners and nose of the 68-point scheme, which expressions move least. With mouth, brows or jaw, the expression itself
# would move the crop.
_STABLE = (36, 39, 42, 45, 27, 28, 29, 30, 33)
# Their positions in the unit square of the crop: a mean upright face, with brows and chin inside.
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
    """A transform from a frame to a square crop.

    Attributes
    ----------
    matrix
        float64 (2, 3): crop (x, y) = matrix · (x, y, 1) of the frame, in pixels from the image's upper left corner.
    size
        Side of the crop, in pixels.
    """

    matrix: NDArray[np.float64]
    size: int

    @property
    def scale(self) -> float:
        """Crop pixels per frame pixel."""
        return float(np.sqrt(abs(np.linalg.det(self.matrix[:, :2]))))

    def points(self, points: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return points of the frame, (n, 2), as points of the crop."""
        return points @ self.matrix[:, :2].T + self.matrix[:, 2]

    def crop(self, image: Image) -> NDArray[np.float32]:
        """Return the crop of a frame: float32 (size, size) or (size, size, 3), values 0..255.

        Large frames are averaged down without aliasing; outside the frame its border is repeated.
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
    """Return the transform that stretches the whole frame to a square."""
    return Alignment(np.array([[size / width, 0, 0], [0, size / height, 0]], dtype=np.float64), size)


def box_crop(box: Box, size: int) -> Alignment:
    """Return the transform to a square around the face's box, without rotation.

    The square is a tenth wider than the box on each side, so that brows and chin are inside.
    """
    side = max(box.width, box.height) * 1.2
    scale = size / side
    left = (box.left + box.right - side) / 2
    top = (box.top + box.bottom - side) / 2
    return Alignment(np.array([[scale, 0, -left * scale], [0, scale, -top * scale]]), size)


def similarity(landmarks: NDArray[np.float32], size: int) -> Alignment:
    """Return the shift, rotation and scale that best bring eye corners and nose to their positions in the crop.

    Least squares in closed form (Umeyama, IEEE TPAMI 1991, without reflection).

    Parameters
    ----------
    landmarks
        (68, 2) x and y in pixels of the frame.
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
