"""Templates of an expression's rise from rest and fall back to it, each with its own length."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models_ml.motion.regions import Matrix


class Movement(NamedTuple):
    """One instance of a template: its shape (a key of ``SHAPES``) and its marks in frames, which may be fractions."""

    shape: str
    onset: float
    apex: float
    offset: float


def _minimum_jerk(t: Matrix) -> Matrix:
    return np.asarray(t**3 * (10 - 15 * t + 6 * t**2))


def _smooth(t: Matrix) -> Matrix:
    return np.asarray(t**2 * (3 - 2 * t))


def _sudden(t: Matrix) -> Matrix:
    return np.asarray((1 - np.exp(-3 * t)) / (1 - np.exp(-3)))


def _lingering(t: Matrix) -> Matrix:
    return np.asarray((np.exp(3 * t) - 1) / (np.exp(3) - 1))


# Rise, and fall read backwards: two that are soft at both ends, and one that starts at full speed and fades slowly.
SHAPES = {
    "smooth": (_smooth, _smooth),
    "minimum jerk": (_minimum_jerk, _minimum_jerk),
    "burst": (_sudden, _lingering),
}


def templates(times: Matrix, movements: list[Movement]) -> Matrix:
    """Return the level of each movement at each time: 0 before the onset, 1 at the apex, 0 from the offset on.

    Parameters
    ----------
    times
        (T, 1), in frames.

    Returns
    -------
    (T, movements)
    """
    onset, apex, offset = (
        np.array(marks, dtype=np.float64) for marks in list(zip(*movements, strict=True))[1:]
    )
    rises = times < apex
    end = np.where(rises, onset, offset)
    share = np.clip((times - end) / (apex - end), 0, 1)
    shapes = [movement.shape for movement in movements]
    if len(set(shapes)) == 1:
        return _shaped(share, rises, shapes[0])
    columns = [_shaped(share[:, [k]], rises[:, [k]], shape) for k, shape in enumerate(shapes)]
    return np.concatenate(columns, axis=1)


def _shaped(share: Matrix, rises: NDArray[np.bool_], shape: str) -> Matrix:
    rise, fall = SHAPES[shape]
    return rise(share) if rise is fall else np.where(rises, rise(share), fall(share))
