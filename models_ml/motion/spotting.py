"""Find the onset, apex and offset of the strongest short expression in a clip.

A thin spotter: it follows how regions of the face move against a reference frame, takes out the motion of the
head, and looks for the strongest movement that comes and goes within half a second.
"""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from models_ml.errors import InputError
from models_ml.face.align import similarity
from models_ml.face.detect import get_detector, to_grey
from models_ml.motion.features import LandmarkDetector
from models_ml.motion.flow import dis
from models_ml.motion.head import without_head_motion
from models_ml.video.decode import open_source
from models_ml.video.frames import Image, Limits

_CROP = 128
_REFERENCE_SECONDS = 1.0  # then a new reference frame is taken, before head and light have changed too much
_HALF_SECONDS = 0.25  # half of the longest micro-expression (Yan et al., J. Nonverbal Behavior 2013: 0.5 s)
_SMOOTH_SECONDS = 0.025
_RISE = 0.06  # share of the peak at which the movement is said to have begun, or ended
_STILL = 0.5  # pixels of the crop that regions of a face at rest move anyway
_LOST = 0.6  # correlation with the reference crop below which the face has gone, or the scene has changed
_DEFAULT_LIMITS = Limits()

# Regions as mean positions of landmarks (68-point scheme): brows, root and wings of the nose, cheeks, mouth
# corners, lips, chin. None touches the eyelids, so that a blink is no expression.
_REGIONS: tuple[tuple[int, ...], ...] = (
    (17, 18, 19),
    (19, 20, 21),
    (22, 23, 24),
    (24, 25, 26),
    (21, 22),
    (31, 40),
    (35, 47),
    (48,),
    (54,),
    (50, 51, 52),
    (56, 57, 58),
    (8, 57),
    (48, 2),
    (54, 14),
)
_BROWS = 5  # the first ones: measured a little above the landmarks, away from the lids
_ABOVE = 0.04  # both as a share of the crop's side
_RADIUS = 0.055


@dataclass(frozen=True)
class Spot:
    """A spotted expression: 0-based frame indices, onset ≤ apex ≤ offset, and how sure the spotter is (0 to 1).

    ``confidence`` compares the movement with what else moves in the clip, and with its noise.
    """

    onset: int
    apex: int
    offset: int
    confidence: float


def spot(
    path: Path,
    *,
    fps: float | None = None,
    limits: Limits = _DEFAULT_LIMITS,
    detector: LandmarkDetector | None = None,
) -> Spot:
    """Spot the strongest short expression in a clip.

    There is always an answer for a clip with a face; a low ``confidence`` says that nothing stands out. Holds
    two face crops and a few numbers per frame, never the frames.

    Args:
        path, fps, limits: as ``open_source``.
        detector: for tests; the process's own by default.

    Raises:
        InputError: as ``open_source``, and if there is no face in the clip.
    """
    with open_source(path, fps=fps, limits=limits) as source:
        tracker = _RegionTracker(source.fps, detector)
        for frame in source:
            tracker.add(frame.image)
        rate = source.fps
    return find_expression(tracker.course(), rate)


def find_expression(course: NDArray[np.float64], fps: Fraction) -> Spot:
    """Spot the strongest short movement in the courses of a face's regions.

    The apex is where the regions differ most from their mean place a quarter of a second before and after
    (Moilanen et al., ICPR 2014, "Spotting rapid facial movements", with motion instead of appearance); onset
    and offset are where the movement along the apex's own direction has begun, and ended.

    Args:
        course: (frames, regions, 2) displacement of each region in pixels of the face crop.
        fps: frames a second.
    """
    count = len(course)
    flat = course.reshape(count, -1)
    smooth = _smoothed(flat, max(1.0, _SMOOTH_SECONDS * float(fps)))
    half = max(1, round(_HALF_SECONDS * float(fps)))
    frames = np.arange(count)
    around = (smooth[np.maximum(frames - half, 0)] + smooth[np.minimum(frames + half, count - 1)]) / 2
    contrast = smooth - around
    apex = int((contrast**2).sum(axis=1).argmax())
    length = float(np.linalg.norm(contrast[apex]))
    if length == 0:  # one frame, or a still image
        return Spot(0, 0, 0, 0.0)
    direction = contrast[apex] / length
    along = smooth @ direction
    first, end = max(0, apex - half), min(count, apex + half + 1)
    apex = first + int(along[first:end].argmax())
    before = first + int(along[first : apex + 1].argmin())
    after = apex + int(along[apex:end].argmin())
    onset, offset = apex, apex
    while onset > before and along[onset] > along[before] + _RISE * (along[apex] - along[before]):
        onset -= 1
    while offset < after and along[offset] > along[after] + _RISE * (along[apex] - along[after]):
        offset += 1
    height = float(along[apex] - max(along[before], along[after]))
    second = max(1, round(fps))
    rest = np.concatenate([along[max(0, onset - second) : onset], along[offset + 1 : offset + 1 + second]])
    others = float(np.ptp(rest)) if len(rest) else 0.0
    noise = float(np.median(np.abs(flat - smooth)))
    ground = _STILL**2 + others**2 + (10 * noise) ** 2
    return Spot(onset, apex, offset, height**2 / (height**2 + ground))


class _RegionTracker:
    """Follows the regions of a face from frame to frame, by flow against a reference frame."""

    def __init__(self, fps: Fraction, detector: LandmarkDetector | None) -> None:
        self._detector = detector or get_detector()
        self._lifetime = max(2, round(_REFERENCE_SECONDS * fps))
        self._retry = max(1, round(fps / 10))
        self._reference: _Reference | None = None
        self._base = np.zeros((len(_REGIONS), 2))  # displacement of the reference frame itself
        self._course: list[NDArray[np.float64]] = []
        self._due = 0  # the frame from which on a new reference is wanted
        self._found = False

    def add(self, image: Image) -> None:
        grey, index = to_grey(image), len(self._course)
        shift = self._reference.displacement(grey) if self._reference else None
        if shift is not None:
            self._course.append(self._base + shift)
        else:  # no face yet, or it has gone: the regions stay where they were
            self._course.append(self._course[-1] if self._course else self._base)
            if self._reference is not None:
                self._reference, self._due = None, index
        if index >= self._due:
            self._renew(grey, index)

    def course(self) -> NDArray[np.float64]:
        """(frames, regions, 2) in pixels of the crop; InputError if no face was found."""
        if not self._found:
            raise InputError("There is no face in the clip, so no expression can be spotted in it.")
        return np.stack(self._course)

    def _renew(self, grey: Image, index: int) -> None:
        box = self._detector.detect(grey)
        if box is None:
            self._reference, self._due = None, index + self._retry
            return
        self._reference = _Reference(grey, self._detector.landmarks(grey, box))
        self._base, self._found, self._due = self._course[-1], True, index + self._lifetime


class _Reference:
    """A frame that others are compared with: its face crop, and where the regions are in it."""

    def __init__(self, grey: Image, landmarks: NDArray[np.float32]) -> None:
        self._alignment = similarity(landmarks, _CROP)
        self._crop = self._alignment.crop(grey)
        points = self._alignment.points(landmarks)
        centres = np.array([points[list(region)].mean(axis=0) for region in _REGIONS])
        centres[:_BROWS, 1] -= _ABOVE * _CROP
        y, x = np.mgrid[0:_CROP, 0:_CROP]
        near = [(x - cx) ** 2 + (y - cy) ** 2 < (_RADIUS * _CROP) ** 2 for cx, cy in centres]
        weights = np.stack(near).reshape(len(_REGIONS), -1).astype(np.float64)
        self._weights = weights / np.maximum(1, weights.sum(axis=1, keepdims=True))

    def displacement(self, grey: Image) -> NDArray[np.float64] | None:
        """(regions, 2) mean flow of the regions, less the head's; None if this is not the same face."""
        crop = self._alignment.crop(grey)
        if _correlation(self._crop, crop) < _LOST:
            return None
        flow = without_head_motion(dis(self._crop, crop))
        return np.asarray(self._weights @ flow.reshape(2, -1).T, dtype=np.float64)


def _correlation(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    """Pearson's, of all pixels; 0 if one image has no contrast."""
    a, b = a - a.mean(), b - b.mean()
    norm = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float((a * b).sum()) / norm if norm > 0 else 0.0


def _smoothed(course: NDArray[np.float64], sigma: float) -> NDArray[np.float64]:
    """Gaussian along time; before the first frame and after the last one everything stands still."""
    kernel = cv2.getGaussianKernel(2 * round(3 * sigma) + 1, sigma)
    border = cv2.BORDER_REPLICATE
    return np.asarray(cv2.sepFilter2D(course, cv2.CV_64F, np.ones(1), kernel, borderType=border))
