"""The mean of the curves of several classes, whose area is the mean of their areas."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def mean_roc(lines: Sequence[tuple[NDArray, NDArray]]) -> tuple[NDArray, NDArray]:
    """Return the mean of curves over the true positive rate, so that its area is the mean of their areas.

    Where a curve rises at a rate, the mean has two points: below and above the rise.
    """
    grid = np.unique(np.concatenate([x for x, _ in lines]))
    below, above = np.zeros(len(grid)), np.zeros(len(grid))
    for x, y in lines:
        at, first = np.unique(x, return_index=True)
        last = np.append(first[1:], len(x)) - 1
        low, high = y[first], y[last]
        place = np.searchsorted(
            at, grid
        )  # the first rate of the curve that is not smaller; the last one is 1
        before = np.maximum(place - 1, 0)
        span = np.where(place > before, at[place] - at[before], 1)
        between = high[before] + (low[place] - high[before]) * (grid - at[before]) / span
        known = at[place] == grid
        below += np.where(known, low[place], between)
        above += np.where(known, high[place], between)
    x, y = np.repeat(grid, 2), np.stack([below, above], axis=1).ravel() / len(lines)
    kept = np.concatenate([[True], (np.diff(x) > 0) | (np.diff(y) > 0)])
    return x[kept], y[kept]


def mean_precision(lines: Sequence[tuple[NDArray, NDArray]]) -> tuple[NDArray, NDArray]:
    """Return the mean of stepped curves over recall, so that its area is the mean of their areas."""
    grid = np.unique(np.concatenate([recall for recall, _ in lines]))
    means = np.mean([precision[np.searchsorted(recall, grid)] for recall, precision in lines], axis=0)
    return grid, means
