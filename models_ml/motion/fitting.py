"""Find short expressions in the motion of a face: movements that rise from rest and fall back to it.

A template (rise and fall of any lengths, in a few shapes) is fitted to the displacements around each candidate. The
*score* is the squared canonical correlation (Hotelling, Biometrika 1936) between the template and all displacements,
shrunk where these are no larger than the motion of a face at rest. Movement outside the template, whether of the head,
the lips or noise, lowers the score.

The constants were tuned on synthetic clips of the seeds 11 and 12 (``demo_clips(seed)``) and are measured on held-out
clips (seed 2101) and a warped photograph by ``make bench NAME=spotting``, which reports the errors of onset, apex and
offset, recall, and false intervals. Change one only with that benchmark, and raise ``SPOTTER_VERSION``.
"""

from dataclasses import dataclass
from fractions import Fraction
from itertools import product

import cv2
import numpy as np

from models_ml.motion.evenly import Stretch, even_stretches, rate_of
from models_ml.motion.regions import FaceMotion, Matrix
from models_ml.motion.templates import SHAPES, Movement, templates
from models_ml.video.clock import Clock

# Candidates stand out from the frames so many seconds before and after. The range covers the time from apex to onset or
# offset in expressions of 0.15 to 0.5 s.
_SCALES = (0.08, 0.12, 0.18, 0.25)
_SMOOTH = 0.02  # sigma in seconds: four frames at 200 fps, against noise of single frames
_APART = 0.1  # least distance of two candidates, in seconds
_SEARCH = 0.12  # greatest distance of the apex from its candidate, in seconds
# A template is fitted to so many seconds before and after its candidate. A longer window shows more of what else the face
# does, which lowers the score of movements that are not expressions, but holds more neighbouring expressions.
_WINDOW = 1.0
_MARGIN = 0.1  # the same for ``find_apex``: before the known onset and after the known offset
# Longest rise and fall in seconds (Yan et al., J. Nonverbal Behavior 2013: onset phase up to 0.26, whole up to 0.5), and
# the shortest of both: ten frames at 200 fps.
_RISE, _FALL, _SHORTEST = 0.27, 0.33, 0.05
# Motion of a point on a face at rest, in pixels of the crop. A larger value misses subtle expressions; a smaller value
# finds expressions in noise.
_REST_PX = 0.05
_RANK = 20  # directions of movement distinguished in one window; more would also follow noise
_WORTH = 0.4  # least score of a candidate that is fitted more closely, which takes most of the time
# Score of confidence 0 in a whole window; confidence rises to 1 at a score of 1. With the threshold of 0.5 about one
# interval per minute of a face at rest is false.
_UNSURE = 0.7
# Exponents by which a clip shorter than the window needs larger movements and a better fit. Without the first, a still
# photograph of 0.3 s, moved only by compression, was listed.
_LARGER, _BETTER = 0.2, 0.75
# Seconds of rest that a clip must show before and after an expression. In neutral clips of 0.4 s (seed 2101) this lowered
# the false intervals per 10 s from 4.0 to 0.6, while recall rose from 0.54 to 0.59, because _BETTER could be smaller.
_AT_REST = 0.02
# Duration in seconds at which confidence starts to fall, and at which it is 0. Micro-expressions last up to 0.5 s; the
# difference allows for errors of onset and offset. Learnt from neutral photographs, where longer movements were listed.
_LONGEST, _TOO_LONG = 0.5, 0.58
# Levels of ``FaceMotion.eye_closure`` that a blink exceeds in its middle, and within its borders.
_BLINK, _BLINK_EDGE = 0.45, 0.12


@dataclass(frozen=True)
class Spot:
    """A spotted expression: 0-based frame indices, onset ≤ apex ≤ offset.

    ``confidence`` is 0 to 1; noise, and similar movement before and after the expression, lower it.
    """

    onset: int
    apex: int
    offset: int
    confidence: float

    def overlaps(self, other: "Spot") -> bool:
        """Return whether both share a frame."""
        return self.onset <= other.offset and other.onset <= self.offset


def find_expressions(motion: FaceMotion, clock: Clock | Fraction, *, confidence: float = 0.5) -> list[Spot]:
    """Return all expressions of at least this confidence, in order of time; none overlap.

    ``clock``: when the frames were recorded, or the frames per second of evenly spaced ones.
    """
    kept: list[Spot] = []
    for found in sorted(_spots_in_time(motion, clock), key=lambda spot: -spot.confidence):
        if found.confidence >= confidence and not any(found.overlaps(other) for other in kept):
            kept.append(found)
    return sorted(kept, key=lambda spot: spot.onset)


def find_expression(motion: FaceMotion, clock: Clock | Fraction) -> Spot:
    """Return the expression that stands out most; its confidence is 0 if nothing stands out."""
    found = _spots_in_time(motion, clock)
    return max(found, key=lambda spot: spot.confidence, default=Spot(0, 0, 0, 0.0))


def find_apex(motion: FaceMotion, clock: Clock | Fraction, onset: int, offset: int) -> Spot:
    """Return the apex of an expression whose onset and offset are known; these two stay as given."""
    if offset - onset < 2:
        return Spot(onset, onset, offset, 0.0)
    rate = rate_of(clock)
    whole = Stretch(motion, np.arange(len(motion.displacements)))  # if no part of the clip shows both
    stretch = next((part for part in even_stretches(motion, clock) if part.holds(onset, offset)), whole)
    first, last = stretch.step_of(onset), stretch.step_of(offset)
    margin = round(_MARGIN * rate)
    window = _Window(stretch.motion, first - margin, last + margin, rate)
    movements = [
        Movement(shape, float(first), float(apex), float(last))
        for shape in SHAPES
        for apex in range(first + 1, last)
    ]
    scores = window.scores(movements)
    best = int(scores.argmax())
    return Spot(onset, int(stretch.frames[int(movements[best].apex)]), offset, float(scores[best]))


def _spots_in_time(motion: FaceMotion, clock: Clock | Fraction) -> list[Spot]:
    """Return the spots of all parts of the clip, at the nearest frames."""
    found = []
    for stretch in even_stretches(motion, clock):
        for spot in _spots(stretch.motion, rate_of(clock)):
            onset, apex, offset = (int(stretch.frames[i]) for i in (spot.onset, spot.apex, spot.offset))
            found.append(Spot(onset, apex, offset, spot.confidence))
    return found


def _spots(motion: FaceMotion, rate: float) -> list[Spot]:
    """Return all movements that score well enough, with their confidence; they may overlap."""
    half = max(8, round(_WINDOW * rate))
    coarse = []
    for frame in _candidates(motion.displacements, rate):
        window = _Window(motion, frame - half, frame + half, rate)
        coarse.append((*window.fit_coarsely(frame), window))
    coarse.sort(key=lambda fit: -fit[1])
    fitted = [
        _Fit(*window.refine(movement), window)
        for number, (movement, score, window) in enumerate(coarse)
        if score >= _WORTH or number == 0
    ]
    last = len(motion.displacements) - 1
    return [
        fit.spot(last)
        for fit in (_without_neighbour(motion, fit, fitted, half, rate) for fit in fitted)
        if fit.score > 0
    ]


def _without_neighbour(
    motion: FaceMotion, fit: "_Fit", fitted: "list[_Fit]", half: int, rate: float
) -> "_Fit":
    """Fit the movement again, as if the clearest other one in its window were not there.

    Two expressions in short order lower each other's score. Only one neighbour is taken out: a movement without end
    would otherwise be explained away piece by piece.
    """
    mine = fit.movement
    near = [
        other
        for other in fitted
        if min(fit.score, other.score) >= _WORTH
        and abs(other.movement.apex - mine.apex) <= half
        and (other.movement.offset <= mine.onset or other.movement.onset >= mine.offset)
    ]
    if not near:
        return fit
    neighbour = max(near, key=lambda other: other.score)
    apex = round(mine.apex)
    window = _Window(motion, apex - half, apex + half, rate, neighbour.movement)
    again = _Fit(*window.refine(mine), window)
    return again if again.score > fit.score else fit


def _candidates(displacements: Matrix, rate: float) -> list[int]:
    """Return the frames where the face is furthest from its mean place a little before and after.

    As Moilanen et al., ICPR 2014 ("Spotting rapid facial movements"), with motion instead of appearance, at
    several distances.
    """
    count = len(displacements)
    smooth = _smoothed(displacements.reshape(count, -1), max(0.7, _SMOOTH * rate))
    frames = np.arange(count)
    contrast = np.zeros(count)
    for seconds in _SCALES:
        half = max(1, round(seconds * rate))
        around = (smooth[np.maximum(frames - half, 0)] + smooth[np.minimum(frames + half, count - 1)]) / 2
        contrast = np.maximum(contrast, ((smooth - around) ** 2).sum(axis=1))
    apart = max(1, round(_APART * rate))
    highest = cv2.dilate(contrast[:, None], np.ones((2 * apart + 1, 1))).ravel()
    return [int(frame) for frame in np.flatnonzero((contrast >= highest) & (contrast > _REST_PX**2))]


class _Window:
    """The displacements around a candidate, prepared for comparison with templates."""

    def __init__(
        self, motion: FaceMotion, first: int, last: int, rate: float, neighbour: Movement | None = None
    ) -> None:
        self._first, self._end = max(0, first), min(len(motion.displacements), last + 1)
        moved = motion.displacements[self._first : self._end].reshape(self._end - self._first, -1)
        self._rate, count = rate, len(moved)
        self._cut = max(1.0, (2 * _WINDOW * rate + 1) / count)
        t = np.linspace(-1, 1, count)
        nuisance = [np.ones(count), t]
        closure = _blinks(motion.eye_closure)[self._first : self._end]
        if closure.any():  # a movement that comes and goes with a blink is the blink
            nuisance.append(closure)
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

    def scores(self, movements: list[Movement], rest: float = _REST_PX) -> Matrix:
        """Return how well each template is followed by directions that move more than ``rest`` pixels.

        Returns
        -------
        (movements,), 0 to 1
        """
        times = np.arange(self._first, self._end, dtype=np.float64)[:, None]
        wanted = self._without_base(templates(times, movements))
        length = (wanted**2).sum(axis=0)
        large = self._squares / (self._squares + rest**2)
        follows = (large * (self._directions @ wanted) ** 2).sum(axis=0)
        return np.asarray(follows / np.maximum(length, 1e-9))

    def confidence(self, movement: Movement) -> float:
        """Return 0 to 1 for a movement that is not known to be an expression.

        A clip that shows only a part of the window shows little of what else the face does: a small movement then means
        less, and what the template leaves unexplained weighs more. A movement that starts with the first frame or ends
        with the last may be any movement cut short, and one of more than half a second is not a micro-expression.
        """
        rest = _REST_PX * self._cut**_LARGER
        unexplained = (1 - float(self.scores([movement], rest)[0])) * self._cut**_BETTER
        seconds = (movement.offset - movement.onset) / self._rate
        brief = np.clip((_TOO_LONG - seconds) / (_TOO_LONG - _LONGEST), 0, 1)
        at_rest = min(movement.onset - self._first, self._end - 1 - movement.offset) / self._rate
        whole = np.clip(at_rest / _AT_REST, 0, 1)
        return float(brief * whole * np.clip(1 - unexplained / (1 - _UNSURE), 0, 1))

    def fit_coarsely(self, frame: int) -> tuple[Movement, float]:
        """Return the best smooth template near a candidate, from a coarse grid, and its score."""
        step = max(1, round(0.015 * self._rate))
        reach = round(_SEARCH * self._rate)
        rises, falls = (np.geomspace(_SHORTEST, longest, 5) * self._rate for longest in (_RISE, _FALL))
        movements = [
            Movement("smooth", apex - rise, float(apex), apex + fall)
            for apex, rise, fall in product(range(frame - reach, frame + reach + 1, step), rises, falls)
        ]
        return self._best(movements, Movement("smooth", float(frame), float(frame), float(frame)))

    def refine(self, start: Movement) -> tuple[Movement, float]:
        """Return the best template of any shape, by descent from ``start`` in halving steps, and its score."""
        best, best_score = start, 0.0
        for shape in SHAPES:
            movement, score = start._replace(shape=shape), 0.0
            step = max(1.0, 0.02 * self._rate)
            while step >= 0.5:
                near = [
                    Movement(shape, movement.onset + a, movement.apex + b, movement.offset + c)
                    for a, b, c in product((-step, 0.0, step), repeat=3)
                ]
                found, new = self._best(near, movement)
                if new > score + 1e-9:
                    movement, score = found, new
                else:
                    step /= 2
            if score > best_score:
                best, best_score = movement, score
        return best, best_score

    def _best(self, movements: list[Movement], otherwise: Movement) -> tuple[Movement, float]:
        allowed = [movement for movement in movements if self._allows(movement)]
        if not allowed:
            return otherwise, 0.0
        scores = self.scores(allowed)
        best = int(scores.argmax())
        return allowed[best], float(scores[best])

    def _allows(self, movement: Movement) -> bool:
        _, onset, apex, offset = movement
        within = onset >= self._first and offset <= self._end - 1
        shortest = max(1.0, 0.6 * _SHORTEST * self._rate)
        rise, fall = apex - onset, offset - apex
        return within and shortest <= rise <= _RISE * self._rate and shortest <= fall <= _FALL * self._rate


@dataclass(frozen=True)
class _Fit:
    """A movement that was fitted in a window, and its score there."""

    movement: Movement
    score: float
    window: _Window

    def spot(self, last: int) -> Spot:
        onset, apex, offset = (min(last, max(0, round(mark))) for mark in self.movement[1:])
        return Spot(onset, apex, offset, self.window.confidence(self.movement))


def _blinks(eye_closure: Matrix) -> Matrix:
    """Return ``eye_closure`` within blinks, and 0 elsewhere."""
    edges = np.flatnonzero(
        np.diff(np.concatenate([[False], eye_closure > _BLINK_EDGE, [False]]).astype(np.int8))
    )
    kept = np.zeros_like(eye_closure)
    for first, end in zip(edges[::2], edges[1::2], strict=True):
        if eye_closure[first:end].max() > _BLINK:
            kept[first:end] = eye_closure[first:end]
    return kept


def _smoothed(curves: Matrix, sigma: float) -> Matrix:
    """Smooth each column along time with a Gaussian; everything rests before the first and after the last frame."""
    kernel = cv2.getGaussianKernel(2 * round(3 * sigma) + 1, sigma)
    border = cv2.BORDER_REPLICATE
    return np.asarray(cv2.sepFilter2D(curves, cv2.CV_64F, np.ones(1), kernel, borderType=border))
