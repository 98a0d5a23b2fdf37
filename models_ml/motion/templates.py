"""Templates of a movement's course in time: a rise from rest, and a fall back to it, each of its own length."""

import numpy as np
from numpy.typing import NDArray

from models_ml.motion.regions import Matrix

Place = tuple[str, float, float, float]  # shape, onset, apex, offset; in frames


def _minimum_jerk(t: Matrix) -> Matrix:
    return np.asarray(t**3 * (10 - 15 * t + 6 * t**2))


def _smooth(t: Matrix) -> Matrix:
    return np.asarray(t**2 * (3 - 2 * t))


def _sudden(t: Matrix) -> Matrix:
    return np.asarray((1 - np.exp(-3 * t)) / (1 - np.exp(-3)))


def _lingering(t: Matrix) -> Matrix:
    return np.asarray((np.exp(3 * t) - 1) / (np.exp(3) - 1))


# How a movement may rise, and (backwards) fall: soft at both ends, more or less; or at once, and then dying away.
SHAPES = {
    "smooth": (_smooth, _smooth),
    "minimum jerk": (_minimum_jerk, _minimum_jerk),
    "burst": (_sudden, _lingering),
}


def templates(times: Matrix, places: list[Place]) -> Matrix:
    """(times, places): 0 before the onset, 1 at the apex, 0 from the offset on."""
    onset, apex, offset = (np.array([place[k] for place in places], dtype=np.float64) for k in (1, 2, 3))
    rises = times < apex
    end = np.where(rises, onset, offset)
    share = np.clip((times - end) / (apex - end), 0, 1)
    shapes = [place[0] for place in places]
    if len(set(shapes)) == 1:
        return _shaped(share, rises, shapes[0])
    columns = [_shaped(share[:, [k]], rises[:, [k]], shape) for k, shape in enumerate(shapes)]
    return np.concatenate(columns, axis=1)


def _shaped(share: Matrix, rises: NDArray[np.bool_], shape: str) -> Matrix:
    rise, fall = SHAPES[shape]
    return rise(share) if rise is fall else np.where(rises, rise(share), fall(share))
