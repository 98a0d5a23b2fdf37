"""Track how the skin of a face moves through a clip: displacements at fixed points, without the head's motion.

One linear model explains how each frame differs from a reference frame: the head as one piece (shift, turn, growth), the
skin as a sum of smooth bumps, and the light. One matrix product per frame solves it by least squares (Lucas & Kanade,
IJCAI 1981, with the parametric motion of Baker & Matthews, IJCV 2004), in a tenth of the time of dense flow. Pixels
around the eyes are left out, so a blink moves nothing.

The constants were tuned together with the constants of ``fitting`` (see there); ``make bench NAME=spotting`` measures both.
"""

from dataclasses import dataclass
from fractions import Fraction

import cv2
import numpy as np
from numpy.typing import NDArray

from models_ml.errors import InputError
from models_ml.face.align import Alignment, similarity
from models_ml.face.detect import get_detector, to_grey
from models_ml.motion.features import LandmarkDetector
from models_ml.video.frames import Image

Floats = NDArray[np.float32]
Matrix = NDArray[np.float64]

CROP = 128  # side of the face crop, in pixels
# Smooths away noise, in pixels of the crop. After it, every second pixel holds all detail, at a quarter of the time.
_BLUR, _STEP = 1.6, 2
# Sigma of a bump and distance of neighbouring bumps, as shares of the crop's side. Finer bumps
# would follow noise, coarser bumps would average small movements away.
_BUMP, _SPACING = 0.075, 0.1
# The ridge of the least squares: expected displacement of the skin in pixels, and expected difference of a pixel without
# motion, in grey levels. More noise per displacement means smoother, smaller displacements.
_SKIN_PX, _NOISE = 0.5, 1.5
# After so many seconds a new reference frame is taken. The linear model holds only while head and light have changed
# little, but each new reference adds its own error.
_REFERENCE_SECONDS = 1.0
_RETRY_SECONDS = 0.1  # interval of the search while there is no face; a search takes tens of milliseconds
_LOST = 0.6  # least correlation with the reference crop; below it, the face has gone or the scene has changed
# Centres of the eyes in the aligned crop (``face.align``), and half axes of what a blink changes around them.
_EYES = ((0.29, 0.345), (0.71, 0.345))
_EYE_AXES = (0.145, 0.085)
_FACE = (0.5, 0.54, 0.40, 0.47)  # the ellipse of the face in the crop: centre, half axes


def _skin_points() -> Matrix:
    """Return the centres of the bumps, (points, 2), x and y in the unit square of the crop, row by row."""
    along = np.arange(0.1, 0.95, _SPACING)
    x, y = (grid.ravel() for grid in np.meshgrid(along, along))
    return np.stack([x, y], axis=1)[_on_skin(x, y, grow=0.6)]


def _on_skin(x: Matrix, y: Matrix, grow: float = 1.0) -> NDArray[np.bool_]:
    """Return whether each point is on the face and not near an eye, whose ellipse is scaled by ``grow``."""
    cx, cy, a, b = _FACE
    inside = ((x - cx) / a) ** 2 + ((y - cy) / b) ** 2 < 1
    for ex, ey in _EYES:
        inside &= ((x - ex) / (grow * _EYE_AXES[0])) ** 2 + ((y - ey) / (grow * _EYE_AXES[1])) ** 2 > 1
    return np.asarray(inside)


SKIN_POINTS = _skin_points()


@dataclass(frozen=True)
class FaceMotion:
    """How a face moved through a clip; nothing moves in frames without a face.

    Attributes
    ----------
    displacements
        (frames, points, 2) in pixels of the crop, right and down; the points are ``SKIN_POINTS``.
    eye_closure
        (frames,) difference of the eyes from their usual appearance: 0 as usual, about 1 in a blink.
    face_seen
        (frames,) whether there was a face.
    """

    displacements: Matrix
    eye_closure: Matrix
    face_seen: NDArray[np.bool_]


class RegionTracker:
    """Tracks a face frame by frame, in order. Keeps about 2 kB per frame, never the frames."""

    def __init__(self, fps: Fraction, detector: LandmarkDetector | None = None) -> None:
        self._detector = detector or get_detector()
        self._lifetime = max(2, round(_REFERENCE_SECONDS * fps))
        self._retry = max(1, round(_RETRY_SECONDS * fps))
        self._reference: _Reference | None = None
        self._base = np.zeros((len(SKIN_POINTS), 2))  # displacement of the reference frame itself
        self._displacements: list[Matrix] = []
        self._eyes: list[Floats] = []
        self._face_seen: list[bool] = []
        self._due = 0  # from this frame on, a new reference is needed

    def add(self, image: Image) -> None:
        """Take the next frame: uint8 (H, W) grey or (H, W, 3) RGB."""
        grey, index = to_grey(image), len(self._displacements)
        found = self._reference.compare(grey) if self._reference else None
        if found is not None:
            self._displacements.append(self._base + found[0])
            self._eyes.append(found[1])
        else:  # no face yet, or no longer: everything stays where it was
            self._displacements.append(self._displacements[-1] if self._displacements else self._base)
            self._eyes.append(_NO_EYES)
            if self._reference is not None:
                self._reference, self._due = None, index
        if index >= self._due:
            self._renew(grey, index)
        self._face_seen.append(self._reference is not None)

    def motion(self) -> FaceMotion:
        """Return the motion in all frames so far.

        Raises
        ------
        InputError
            If no frame shows a face.
        """
        if not any(self._face_seen):
            raise InputError("No face was found in the clip, so no expression can be spotted in it.")
        seen = np.array(self._face_seen)
        return FaceMotion(np.stack(self._displacements), _eye_closure(np.stack(self._eyes), seen), seen)

    def _renew(self, grey: Image, index: int) -> None:
        box = self._detector.detect(grey)
        if box is not None:
            alignment = similarity(self._detector.landmarks(grey, box), CROP)
        elif self._reference is not None:  # still tracked, although the detector does not see it here
            alignment = self._reference.alignment
        else:
            self._due = index + self._retry
            return
        self._reference = _Reference(grey, alignment)
        self._base, self._due = self._displacements[-1], index + self._lifetime
        self._eyes[-1] = self._reference.eyes


class _Reference:
    """A frame that later frames are compared with, and the matrix that turns a difference into motion."""

    def __init__(self, grey: Image, alignment: Alignment) -> None:
        self._start = alignment.matrix
        self._rigid = np.eye(3)  # from this crop to the crop of the frame compared last
        crop = self._blurred(grey)
        x, y = _pixels()
        skin = _on_skin(x, y)
        self._skin, self._eye = skin, _eye_pixels(x, y)
        self.eyes = crop[::_STEP, ::_STEP][self._eye]
        self._crop = crop[::_STEP, ::_STEP]
        d_y, d_x = (np.asarray(part)[::_STEP, ::_STEP][skin] for part in np.gradient(crop.astype(np.float64)))
        self._solver = _solver(d_x, d_y, self._crop[skin].astype(np.float64), x[skin], y[skin])

    @property
    def alignment(self) -> Alignment:
        """The transform from the frame compared last to the crop."""
        start = np.vstack([self._start, (0, 0, 1)])
        return Alignment((np.linalg.inv(self._rigid) @ start)[:2], CROP)

    def compare(self, grey: Image) -> tuple[Matrix, Floats] | None:
        """Return the skin's displacement without the head's, (points, 2), and the eyes' pixels.

        None if the frame shows something else than the reference.
        """
        crop = self._blurred(grey)[::_STEP, ::_STEP]
        if _correlation(self._crop, crop) < _LOST:
            return None
        difference = self._crop - crop
        head, skin = self._solve(difference)
        self._rigid = self._rigid @ head
        return skin, crop[self._eye]

    def _solve(self, difference: Floats) -> tuple[Matrix, Matrix]:
        solved = (self._solver @ difference[self._skin]).astype(np.float64)
        (right, down, growth, turn), skin = solved[:4], solved[4:].reshape(2, -1).T
        # Growth and turn are around the crop's middle, in pixels at its border.
        a, b, half = 1 + growth / CROP, turn / CROP, CROP / 2
        head = np.array(
            [
                [a, -b, right + half - a * half + b * half],
                [b, a, down + half - b * half - a * half],
                [0, 0, 1],
            ]
        )
        return head, skin

    def _blurred(self, grey: Image) -> Floats:
        """Return the blurred crop of a frame, from only the part of the frame that it shows."""
        alignment = self.alignment
        corners = np.array([(0, 0, 1), (CROP, 0, 1), (0, CROP, 1), (CROP, CROP, 1)], dtype=np.float64)
        there = corners @ cv2.invertAffineTransform(alignment.matrix).T
        height, width = grey.shape
        left, top = (int(v) for v in np.clip(np.floor(there.min(axis=0)) - 4, 0, (width - 1, height - 1)))
        right, bottom = (int(v) for v in np.ceil(there.max(axis=0)) + 4)
        part = grey[top : max(top + 1, bottom), left : max(left + 1, right)]
        matrix = alignment.matrix.copy()
        matrix[:, 2] += matrix[:, :2] @ (left, top)
        crop = Alignment(matrix, CROP).crop(part)
        return np.asarray(cv2.GaussianBlur(crop, (0, 0), _BLUR), np.float32)


def _pixels() -> tuple[Matrix, Matrix]:
    """Return x and y of the crop's pixels that are used, in its unit square."""
    along = (np.arange(0, CROP, _STEP) + 0.5) / CROP
    x, y = np.meshgrid(along, along)
    return x, y


def _eye_pixels(x: Matrix, y: Matrix) -> NDArray[np.bool_]:
    near = [((x - ex) / 0.1) ** 2 + ((y - ey) / 0.05) ** 2 < 1 for ex, ey in _EYES]
    return np.asarray(near[0] | near[1])


_NO_EYES = np.zeros(int(_eye_pixels(*_pixels()).sum()), np.float32)


def _eye_closure(eyes: Floats, seen: NDArray[np.bool_]) -> Matrix:
    """Return the mean difference of the eyes' pixels from their median over the clip, in units of its contrast.

    A blink covers dark iris with bright lid, so the difference is about the contrast.
    """
    usual = np.median(eyes[seen], axis=0)
    contrast = max(1.0, float(np.abs(usual - usual.mean()).mean()))
    closure = np.abs(eyes - usual).mean(axis=1) / contrast
    return np.where(seen, closure, 0.0)


def _solver(d_x: Matrix, d_y: Matrix, grey: Matrix, x: Matrix, y: Matrix) -> Floats:
    """Return the matrix (4 + 2 · points, pixels) from a difference to the head's motion and the skin's displacement."""
    across, down, one = x - 0.5, y - 0.5, np.ones_like(x)
    head = [d_x, d_y, d_x * across + d_y * down, d_y * across - d_x * down]
    light = [grey - grey.mean(), one, across, down]
    square = ((np.stack([x, y], axis=1)[:, None] - SKIN_POINTS) ** 2).sum(axis=2)
    bumps = np.exp(-square / (2 * _BUMP**2))
    design = np.column_stack([*head, d_x[:, None] * bumps, d_y[:, None] * bumps, *light])
    count = len(SKIN_POINTS)
    ridge = np.zeros(design.shape[1])
    ridge[4 : 4 + 2 * count] = (_NOISE / _SKIN_PX) ** 2
    ridge[:4] = ridge[-4:] = 1e-3
    solved = np.linalg.solve(design.T @ design + np.diag(ridge), design.T)
    between = ((SKIN_POINTS[:, None] - SKIN_POINTS) ** 2).sum(axis=2)
    mixed = np.exp(-between / (2 * _BUMP**2))
    skin = [mixed @ solved[4 + k * count : 4 + (k + 1) * count] for k in range(2)]
    return np.concatenate([solved[:4], *skin]).astype(np.float32)


def _correlation(a: Floats, b: Floats) -> float:
    """Return Pearson's correlation of all pixels; 0 if one image has no contrast."""
    a, b = a - a.mean(), b - b.mean()
    norm = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float((a * b).sum()) / norm if norm > 0 else 0.0
