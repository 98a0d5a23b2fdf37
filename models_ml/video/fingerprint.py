"""A fingerprint of a clip, by which copies of it are found however they were encoded, cropped, scaled or named.

Faces of one person look alike at rest, so hashes of images would call all clips of a subject copies of each other. What no
two recordings share is how the head sways by fractions of a pixel: its shift, zoom and roll over time, estimated from the
gradient (Lucas & Kanade, IJCAI 1981; Bergen et al., "Hierarchical model-based motion estimation", ECCV 1992), as low
frequencies of a discrete cosine transform in time. Scale and lamps cancel out. A coarse picture of the mean face is kept
as well: two people may sway alike by chance.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from models_ml.face.detect import Box, to_grey
from models_ml.face.track import FaceTrack
from models_ml.video.frames import Image

VERSION = 1
CURVES, FREQUENCIES = 4, 6  # in time: 1 to 6 half waves over the clip
LOOKS = 6  # side of the picture of the mean face
_SIDE = 96  # longer side of the small images that are kept, in pixels
_KEPT = 128  # at most so many of them, evenly spaced
_WINDOWS = (
    1.0,
    1.25,
)  # sides of two squares around the face, in sides of its box: detectors differ in the box
_SMALLEST = 8  # frames; of fewer nothing is told

Floats = NDArray[np.float32]


class Fingerprint:
    """Collects frames in order (at most 5 MB, however long the clip), then gives the fingerprint."""

    def __init__(self) -> None:
        self._small: list[Floats] = []
        self._count, self._every = 0, 1
        self._size = (0, 0)

    def add(self, image: Image) -> None:
        """Take the next frame: uint8 (H, W) or (H, W, 3) RGB, all of one size."""
        if len(self._small) == _KEPT and self._count % self._every == 0:
            self._small = self._small[::2]
            self._every *= 2
        if self._count % self._every == 0:
            height, width = image.shape[:2]
            self._size = (width, height)
            self._small.append(_shrink(image))
        self._count += 1

    def value(self, faces: FaceTrack | None = None) -> str:
        """``version:`` and for each window 4 × 6 and 6 × 6 signed bytes, in hexadecimal: motion and looks.

        The windows lie around the face, or are the whole picture where no face was found. Empty for a clip of fewer than
        8 frames and for one in which nothing moves: there is nothing to compare.
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


def _shrink(image: Image) -> Floats:
    """Grey and at most 96 pixels long; in floats at the end, because rounding to 8 bits would hide tenths of a pixel."""
    grey = to_grey(image)
    while max(grey.shape) >= 4 * _SIDE:  # halving is ten times as fast as any other factor
        size = (max(1, grey.shape[1] // 2), max(1, grey.shape[0] // 2))
        grey = np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.uint8)
    scale = min(1.0, _SIDE / max(grey.shape))
    size = (max(_SMALLEST, round(grey.shape[1] * scale)), max(_SMALLEST, round(grey.shape[0] * scale)))
    return np.asarray(cv2.resize(grey.astype(np.float32), size, interpolation=cv2.INTER_AREA), np.float32)


def _span(first: float, end: float, side: int) -> tuple[int, int]:
    start = min(side - _SMALLEST, max(0, round(first)))
    return start, max(start + _SMALLEST, min(side, round(end)))


def _face(faces: FaceTrack) -> Box | None:
    """One box for the whole clip, so that the head moves in it: the median of those found."""
    found = [(b.left, b.top, b.right, b.bottom) for b in faces.boxes.values() if b is not None]
    return Box(*(round(float(v)) for v in np.median(found, axis=0))) if found else None


def _code(video: Floats) -> str:
    """Motion and looks of a window (T, h, w). Every curve, and then every frequency, has equal weight."""
    change = video - video.mean(axis=(1, 2), keepdims=True)  # flicker of the lamps is no motion
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
    """(4, T): shift right and down, zoom and roll that turn the mean frame (h, w) into each of (T, h, w); least squares."""
    down, across = np.gradient(cv2.GaussianBlur(mean, (0, 0), 1))
    height, width = mean.shape
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    y, x = (y - height / 2) / height, (x - width / 2) / width
    fields = np.stack([across, down, across * x + down * y, down * x - across * y]).reshape(CURVES, -1)
    normal = (fields @ fields.T).astype(np.float64)
    return np.linalg.pinv(normal) @ (fields @ change.reshape(len(change), -1).T)


def _bytes(values: NDArray[np.floating]) -> bytes:
    """Values in −1..1 as signed bytes."""
    return np.round(values * 127).astype(np.int8).tobytes()
