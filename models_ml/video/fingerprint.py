"""The fingerprint of a clip: it finds copies that were encoded, cropped, scaled or named differently.

One person's face looks alike in all clips, so hashes of images would take all clips of a subject for copies. No two
recordings share how the head sways by fractions of a pixel: its shift, zoom and roll over time, estimated from the gradient
(Lucas & Kanade, IJCAI 1981; Bergen et al., "Hierarchical model-based motion estimation", ECCV 1992), as low frequencies of
a discrete cosine transform in time. Scale and lighting cancel out. Since two people may sway alike by chance, the
fingerprint also holds a coarse image of the mean face.

``mer_platform.composites.duplicates`` compares fingerprints; tests/unit/models_ml/video/test_fingerprint.py measures how
alike copies and different recordings are.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from models_ml.face.detect import Box
from models_ml.face.track import FaceTrack
from models_ml.video.shrunk import Shrunk

VERSION = 1
CURVES, FREQUENCIES = 4, 6  # shift right and down, zoom, roll; 1 to 6 half waves over the clip
LOOKS = 6  # side of the image of the mean face
_SIDE = 96  # longer side of the small images that are kept, in pixels
_KEPT = 128  # most of them, evenly spaced: ten per half wave of the highest frequency, in at most 5 MB
# Sides of two squares around the face, in sides of its box. Two, because the detector's box of a copy can be another one.
_WINDOWS = (1.0, 1.25)
_SMALLEST = 8  # least number of frames, and least side of a window in pixels

Floats = NDArray[np.float32]


class Fingerprint:
    """Collects frames in order, in at most 5 MB for a clip of any length, then computes the fingerprint."""

    def __init__(self) -> None:
        self._small: list[Floats] = []
        self._count, self._every = 0, 1
        self._size = (0, 0)

    def add(self, frame: Shrunk) -> None:
        """Add the next frame; all have one size."""
        if len(self._small) == _KEPT and self._count % self._every == 0:
            self._small = self._small[::2]
            self._every *= 2
        if self._count % self._every == 0:
            self._size = frame.size
            self._small.append(_shrink(frame))
        self._count += 1

    def value(self, faces: FaceTrack | None = None) -> str:
        """Return the fingerprint: ``version:``, then for each window motion and looks, in hexadecimal.

        Motion is 4 × 6 signed bytes, looks 6 × 6. The windows are around the face, or the whole frame if no face was found.
        Empty for a clip of fewer than 8 frames or without motion, which has nothing to compare.
        """
        if len(self._small) < _SMALLEST:
            return ""
        video = np.stack(self._small)
        box = _face(faces) if faces else None
        windows = [video] if box is None else [self._around(video, box, side) for side in _WINDOWS]
        parts = [_code(window) for window in windows]
        return f"{VERSION}:" + "".join(parts) if all(parts) else ""

    def _around(self, video: Floats, box: Box, side: float) -> Floats:
        rows, columns = video.shape[1:]
        x, y = columns / self._size[0], rows / self._size[1]
        half = max(box.width, box.height) * side / 2
        across, down = (box.left + box.right) / 2, (box.top + box.bottom) / 2
        top, bottom = _span((down - half) * y, (down + half) * y, rows)
        left, right = _span((across - half) * x, (across + half) * x, columns)
        return video[:, top:bottom, left:right]


def _shrink(frame: Shrunk) -> Floats:
    """Return the frame in grey and at most 96 pixels long, as floats: rounding to 8 bits would hide tenths of a pixel."""
    grey = frame.below(4 * _SIDE)
    while max(grey.shape) >= 4 * _SIDE:  # a side is odd
        size = (max(1, grey.shape[1] // 2), max(1, grey.shape[0] // 2))
        grey = np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.uint8)
    scale = min(1.0, _SIDE / max(grey.shape))
    size = (max(_SMALLEST, round(grey.shape[1] * scale)), max(_SMALLEST, round(grey.shape[0] * scale)))
    return np.asarray(cv2.resize(grey.astype(np.float32), size, interpolation=cv2.INTER_AREA), np.float32)


def _span(first: float, end: float, side: int) -> tuple[int, int]:
    start = min(side - _SMALLEST, max(0, round(first)))
    return start, max(start + _SMALLEST, min(side, round(end)))


def _face(faces: FaceTrack) -> Box | None:
    """Return one box for the whole clip, in which the head moves: the median of the boxes found."""
    found = [(b.left, b.top, b.right, b.bottom) for b in faces.boxes.values() if b is not None]
    return Box(*(round(float(v)) for v in np.median(found, axis=0))) if found else None


def _code(video: Floats) -> str:
    """Encode motion and looks of a window (T, h, w). Every curve, and then every frequency, has equal weight."""
    change = video - video.mean(axis=(1, 2), keepdims=True)  # flickering light is not motion
    mean = change.mean(axis=0)
    change -= mean
    curves = _sway(mean, change)
    places = (np.arange(curves.shape[1]) + 0.5) / curves.shape[1]
    waves = np.cos(np.pi * np.arange(1, FREQUENCIES + 1)[:, None] * places)
    low = curves @ waves.T
    size = np.linalg.norm(low, axis=1, keepdims=True)
    if not size.all():
        return ""
    low = low / size
    low = low / np.maximum(np.linalg.norm(low, axis=0, keepdims=True), 1e-9)
    looks = cv2.resize(mean, (LOOKS, LOOKS), interpolation=cv2.INTER_AREA)
    return _bytes(low).hex() + _bytes(looks / max(float(np.abs(looks).max()), 1e-9)).hex()


def _sway(mean: Floats, change: Floats) -> NDArray[np.float64]:
    """Return shift right and down, zoom and roll, (4, T), from the mean frame (h, w) to each frame (T, h, w).

    A least-squares fit.
    """
    down, across = np.gradient(cv2.GaussianBlur(mean, (0, 0), 1))
    height, width = mean.shape
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    y, x = (y - height / 2) / height, (x - width / 2) / width
    fields = np.stack([across, down, across * x + down * y, down * x - across * y]).reshape(CURVES, -1)
    normal = (fields @ fields.T).astype(np.float64)
    return np.linalg.pinv(normal) @ (fields @ change.reshape(len(change), -1).T)


def _bytes(values: NDArray[np.floating]) -> bytes:
    """Return values in −1..1 as signed bytes."""
    return np.round(values * 127).astype(np.int8).tobytes()
