"""Short expressions in the course of a face: movements that rise from rest, come back to it, and are over.

A template (rise and fall of any lengths, in a few shapes) is fitted to the course around each candidate. How well
some direction of movement follows the template and nothing else is the *score*: the squared canonical correlation
(Hotelling, Biometrika 1936) between the template and all displacements, shrunk where these are no larger than
what a face at rest moves. Movement that goes on outside the template, be it head, lips or noise, lowers it.
"""

from dataclasses import dataclass
from fractions import Fraction
from itertools import product

import cv2
import numpy as np

from models_ml.motion.regions import Course, Matrix
from models_ml.motion.templates import SHAPES, Place, templates

_SCALES = (0.08, 0.12, 0.18, 0.25)  # seconds before and after between which candidates stand out
_SMOOTH = 0.02
_APART = 0.1  # seconds between candidates, at least
_WINDOW = 1.0  # seconds before and after a candidate that the template is fitted to
_MARGIN = 0.1  # and before and after a known expression
_SEARCH = 0.12  # how far, in seconds, the apex may lie from the candidate
# Longest rise and fall in seconds: Yan et al., J. Nonverbal Behavior 2013 (onset phase up to 0.26, whole 0.5).
_RISE, _FALL, _SHORTEST = 0.27, 0.33, 0.05
_REST_PX = 0.05  # what a place on a face at rest moves anyway, in pixels of the crop
_RANK = 20  # directions of movement that are told apart in one window
_WORTH = 0.4  # a score below which a candidate is not looked at closer
_UNSURE = 0.7  # score of confidence 0, in a whole window
# Powers of how much of the window is missing, by which larger movements are asked for, and a better fit.
_LARGER, _BETTER = 0.2, 0.75
_AT_REST = 0.02  # seconds before and after a movement in which a clip has to show that it is over
_LONGEST, _TOO_LONG = 0.5, 0.58  # seconds
_BLINK, _BLINK_EDGE = 0.45, 0.12  # of ``Course.shut``: a blink's middle, and its borders


@dataclass(frozen=True)
class Spot:
    """A spotted expression: 0-based frame indices, onset ≤ apex ≤ offset, and how sure the spotter is (0 to 1).

    ``confidence`` falls with all that moves in the same way before and after, and with noise.
    """

    onset: int
    apex: int
    offset: int
    confidence: float

    def overlaps(self, other: "Spot") -> bool:
        return self.onset <= other.offset and other.onset <= self.offset


def find_expressions(course: Course, fps: Fraction, *, confidence: float = 0.5) -> list[Spot]:
    """All expressions of at least this confidence that do not overlap, in order of time.

    Args:
        course: what was followed.
        fps: frames a second.
    """
    kept: list[Spot] = []
    for found in sorted(_spots(course, float(fps)), key=lambda spot: -spot.confidence):
        if found.confidence >= confidence and not any(found.overlaps(other) for other in kept):
            kept.append(found)
    return sorted(kept, key=lambda spot: spot.onset)


def find_expression(course: Course, fps: Fraction) -> Spot:
    """The one that stands out most; with confidence 0 where nothing does."""
    found = _spots(course, float(fps))
    return max(found, key=lambda spot: spot.confidence, default=Spot(0, 0, 0, 0.0))


def find_apex(course: Course, fps: Fraction, onset: int, offset: int) -> Spot:
    """The apex of an expression whose onset and offset are known; these come back as they were given."""
    rate = float(fps)
    if offset - onset < 2:
        return Spot(onset, onset, offset, 0.0)
    margin = round(_MARGIN * rate)
    fit = _Fit(course, onset - margin, offset + margin, rate)
    places = [
        (shape, float(onset), float(apex), float(offset))
        for shape in SHAPES
        for apex in range(onset + 1, offset)
    ]
    scores = fit.scores(places)
    best = int(scores.argmax())
    return Spot(onset, int(places[best][2]), offset, float(scores[best]))


def _spots(course: Course, rate: float) -> list[Spot]:
    """All movements that are worth a look, with their confidence; they may overlap."""
    half = max(8, round(_WINDOW * rate))
    first_look = []
    for frame in _candidates(course.moved, rate):
        fit = _Fit(course, frame - half, frame + half, rate)
        first_look.append((*fit.coarse(frame), fit))
    first_look.sort(key=lambda one: -one[1])
    found = [
        _Found(*fit.refine(place), fit)
        for number, (place, score, fit) in enumerate(first_look)
        if score >= _WORTH or number == 0
    ]
    last = len(course.moved) - 1
    return [
        one.spot(last)
        for one in (_beside_its_neighbour(course, one, found, half, rate) for one in found)
        if one.score > 0
    ]


def _beside_its_neighbour(
    course: Course, one: "_Found", found: "list[_Found]", half: int, rate: float
) -> "_Found":
    """The same movement, judged as if the clearest other one within sight were not there.

    Of two expressions in short order each is what else moves around the other. Only one neighbour is taken out:
    a movement that goes on and on would otherwise be explained away piece by piece.
    """
    near = [
        other
        for other in found
        if min(one.score, other.score) >= _WORTH
        and abs(other.place[2] - one.place[2]) <= half
        and (other.place[3] <= one.place[1] or other.place[1] >= one.place[3])
    ]
    if not near:
        return one
    neighbour = max(near, key=lambda other: other.score)
    apex = round(one.place[2])
    fit = _Fit(course, apex - half, apex + half, rate, neighbour.place)
    again = _Found(*fit.refine(one.place), fit)
    return again if again.score > one.score else one


def _candidates(moved: Matrix, rate: float) -> list[int]:
    """Frames where the face is furthest from its mean place a little before and after.

    As Moilanen et al., ICPR 2014 ("Spotting rapid facial movements"), with motion instead of appearance, at
    several distances.
    """
    count = len(moved)
    smooth = smoothed(moved.reshape(count, -1), max(0.7, _SMOOTH * rate))
    frames = np.arange(count)
    contrast = np.zeros(count)
    for seconds in _SCALES:
        half = max(1, round(seconds * rate))
        around = (smooth[np.maximum(frames - half, 0)] + smooth[np.minimum(frames + half, count - 1)]) / 2
        contrast = np.maximum(contrast, ((smooth - around) ** 2).sum(axis=1))
    apart = max(1, round(_APART * rate))
    highest = cv2.dilate(contrast[:, None], np.ones((2 * apart + 1, 1))).ravel()
    return [int(frame) for frame in np.flatnonzero((contrast >= highest) & (contrast > _REST_PX**2))]


class _Fit:
    """Displacements around a candidate, ready to be compared with templates."""

    def __init__(
        self, course: Course, first: int, last: int, rate: float, neighbour: Place | None = None
    ) -> None:
        self._first, self._end = max(0, first), min(len(course.moved), last + 1)
        moved = course.moved[self._first : self._end].reshape(self._end - self._first, -1)
        self._rate, count = rate, len(moved)
        self._cut = max(1.0, (2 * _WINDOW * rate + 1) / count)
        t = np.linspace(-1, 1, count)
        nuisance = [np.ones(count), t]
        shut = _blinks(course.shut)[self._first : self._end]
        if shut.any():  # what comes and goes with a blink is the blink's
            nuisance.append(shut)
        if neighbour is not None:
            times = np.arange(self._first, self._end, dtype=np.float64)[:, None]
            nuisance.append(templates(times, [neighbour])[:, 0])
        self._base, _ = np.linalg.qr(np.stack(nuisance, axis=1))
        moved = self._without_base(moved)
        # Left singular vectors, and the mean square of each one's movement.
        squares, right = np.linalg.eigh(moved.T @ moved)
        keep = min(_RANK, max(1, count // 4))
        squares, right = np.maximum(squares[::-1][:keep], 1e-12), right[:, ::-1][:, :keep]
        self._squares, self._directions = squares[:, None] / count, (moved @ right / np.sqrt(squares)).T

    def _without_base(self, columns: Matrix) -> Matrix:
        return np.asarray(columns - self._base @ (self._base.T @ columns))

    def scores(self, places: list[Place], rest: float = _REST_PX) -> Matrix:
        """(places,) 0 to 1: how much of each template some direction follows that moves more than ``rest`` pixels."""
        times = np.arange(self._first, self._end, dtype=np.float64)[:, None]
        wanted = self._without_base(templates(times, places))
        length = (wanted**2).sum(axis=0)
        large = self._squares / (self._squares + rest**2)
        follows = (large * (self._directions @ wanted) ** 2).sum(axis=0)
        return np.asarray(follows / np.maximum(length, 1e-9))

    def confidence(self, place: Place) -> float:
        """0 to 1, of what is not known to be an expression.

        Where only a part of the window is there, little is seen of what else the face does: then a small movement
        says less, and what the template leaves unexplained weighs more. What has begun with the first frame, or ends
        with the last, may be any movement cut short. A movement of more than half a second is no micro-expression.
        """
        rest = _REST_PX * self._cut**_LARGER
        left = (1 - float(self.scores([place], rest)[0])) * self._cut**_BETTER
        seconds = (place[3] - place[1]) / self._rate
        brief = np.clip((_TOO_LONG - seconds) / (_TOO_LONG - _LONGEST), 0, 1)
        at_rest = min(place[1] - self._first, self._end - 1 - place[3]) / self._rate
        whole = np.clip(at_rest / _AT_REST, 0, 1)
        return float(brief * whole * np.clip(1 - left / (1 - _UNSURE), 0, 1))

    def coarse(self, frame: int) -> tuple[Place, float]:
        step = max(1, round(0.015 * self._rate))
        reach = round(_SEARCH * self._rate)
        rises, falls = (np.geomspace(_SHORTEST, longest, 5) * self._rate for longest in (_RISE, _FALL))
        places = [
            ("smooth", apex - rise, float(apex), apex + fall)
            for apex, rise, fall in product(range(frame - reach, frame + reach + 1, step), rises, falls)
        ]
        return self._best(places, ("smooth", float(frame), float(frame), float(frame)))

    def refine(self, start: Place) -> tuple[Place, float]:
        best, best_score = start, 0.0
        for shape in SHAPES:
            place, score = (shape, *start[1:]), 0.0
            step = max(1.0, 0.02 * self._rate)
            while step >= 0.5:
                moves = product((-step, 0.0, step), repeat=3)
                near = [(shape, place[1] + a, place[2] + b, place[3] + c) for a, b, c in moves]
                found, new = self._best(near, place)
                if new > score + 1e-9:
                    place, score = found, new
                else:
                    step /= 2
            if score > best_score:
                best, best_score = place, score
        return best, best_score

    def _best(self, places: list[Place], otherwise: Place) -> tuple[Place, float]:
        allowed = [place for place in places if self._allowed(place)]
        if not allowed:
            return otherwise, 0.0
        scores = self.scores(allowed)
        best = int(scores.argmax())
        return allowed[best], float(scores[best])

    def _allowed(self, place: Place) -> bool:
        _, onset, apex, offset = place
        within = onset >= self._first and offset <= self._end - 1
        shortest = max(1.0, 0.6 * _SHORTEST * self._rate)
        rise, fall = apex - onset, offset - apex
        return within and shortest <= rise <= _RISE * self._rate and shortest <= fall <= _FALL * self._rate


@dataclass(frozen=True)
class _Found:
    place: Place
    score: float
    fit: _Fit

    def spot(self, last: int) -> Spot:
        onset, apex, offset = (min(last, max(0, round(mark))) for mark in self.place[1:])
        return Spot(onset, apex, offset, self.fit.confidence(self.place))


def _blinks(shut: Matrix) -> Matrix:
    """``shut`` within blinks, 0 elsewhere."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], shut > _BLINK_EDGE, [False]]).astype(np.int8)))
    kept = np.zeros_like(shut)
    for first, end in zip(edges[::2], edges[1::2], strict=True):
        if shut[first:end].max() > _BLINK:
            kept[first:end] = shut[first:end]
    return kept


def smoothed(course: Matrix, sigma: float) -> Matrix:
    """Gaussian along time; before the first frame and after the last one everything stands still."""
    kernel = cv2.getGaussianKernel(2 * round(3 * sigma) + 1, sigma)
    border = cv2.BORDER_REPLICATE
    return np.asarray(cv2.sepFilter2D(course, cv2.CV_64F, np.ones(1), kernel, borderType=border))
