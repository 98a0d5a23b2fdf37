"""The motion of a face at even steps of time, as the spotter fits it, for clips whose frames are not evenly spaced."""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from models_ml.motion.regions import FaceMotion, Matrix
from models_ml.video.clock import Clock

# Seconds between two frames from which a clip is searched in two parts: half the length of an expression would be unseen.
_APART = 0.25


@dataclass(frozen=True)
class Stretch:
    """A part of a clip at even steps of 1 / rate seconds. ``frames``: the frame nearest to each step, (steps,)."""

    motion: FaceMotion
    frames: NDArray[np.intp]

    def step_of(self, frame: int) -> int:
        """Return the step nearest to a frame of the stretch."""
        steps = np.flatnonzero(self.frames == frame)
        return int(steps[len(steps) // 2])

    def holds(self, *frames: int) -> bool:
        """Return whether the stretch shows all of these frames."""
        return all(frame in self.frames for frame in frames)


def rate_of(clock: Clock | Fraction) -> float:
    """Return the frames per second of a clip, or the given rate of evenly spaced frames."""
    return float(clock.rate if isinstance(clock, Clock) else clock)


def even_stretches(motion: FaceMotion, clock: Clock | Fraction) -> list[Stretch]:
    """Return the whole clip if its frames are evenly spaced; otherwise its parts, interpolated between frames."""
    count = len(motion.displacements)
    if isinstance(clock, Fraction) or clock.is_steady:
        return [Stretch(motion, np.arange(count))]
    rate = rate_of(clock)
    times = np.array([clock.ms(i) / 1000 for i in range(count)])
    starts = [0, *(int(i) + 1 for i in np.flatnonzero(np.diff(times) > _APART))]
    ends = [*starts[1:], count]
    return [_stretch(motion, first, times[first:end], rate) for first, end in zip(starts, ends, strict=True)]


def _stretch(motion: FaceMotion, first: int, times: Matrix, rate: float) -> Stretch:
    steps = round((times[-1] - times[0]) * rate) + 1
    place = np.interp(times[0] + np.arange(steps) / rate, times, np.arange(len(times), dtype=np.float64))
    before = np.floor(place).astype(np.intp)
    after = np.minimum(before + 1, len(times) - 1)
    share = place - before
    frames = first + np.rint(place).astype(np.intp)

    def between(values: Matrix) -> Matrix:
        weight = share.reshape(-1, *[1] * (values.ndim - 1))
        return np.asarray(values[first + before] * (1 - weight) + values[first + after] * weight)

    even = FaceMotion(
        between(motion.displacements), between(motion.eye_closure), np.asarray(motion.face_seen[frames])
    )
    return Stretch(even, frames)
