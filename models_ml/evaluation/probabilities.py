"""What curves and calibration need: one row of class probabilities per sample."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from models_ml.classes import CLASSES
from models_ml.errors import InputError

# With so many resamples, the ends of an interval vary between seeds by about 1.6% of its width (the standard error of a 2.5%
# quantile of a normal distribution). All areas of a run on 442 samples take about 0.1 s (tests/bench/evaluation.py).
CURVE_RESAMPLES = 2_000


def checked_probabilities(probabilities: Sequence[Any] | ArrayLike, samples: int) -> NDArray[np.float64]:
    """Return probabilities as (samples, classes) float64.

    They need not sum to 1 exactly: networks round, and rows may come from other code.

    Raises
    ------
    InputError
        A number of rows other than ``samples``, a row without one number per class, or a number outside 0 to 1.

    Examples
    --------
    >>> checked_probabilities([[0.2, 0.3, 0.5]], 1).shape
    (1, 3)
    """
    rows = list(probabilities)  # type: ignore[arg-type]
    if len(rows) != samples:
        raise InputError(f"There are {samples} samples and probabilities of {len(rows)}.")
    for number, row in enumerate(rows):
        if not isinstance(row, list | tuple | np.ndarray) or len(row) != len(CLASSES):
            raise InputError(f"Sample {number} has no probabilities of the {len(CLASSES)} classes.")
    try:
        table = np.asarray(rows, dtype=float).reshape(samples, len(CLASSES))
    except (TypeError, ValueError) as error:
        raise InputError("Probabilities must be numbers.") from error
    outside = np.argwhere(~((table >= 0) & (table <= 1)))  # NaN is outside too
    if len(outside):
        number, position = outside[0]
        raise InputError(
            f"The probability of {CLASSES[position]} of sample {number} is {table[number, position]:g}. "
            "It must be from 0 to 1."
        )
    return table


def positions_of(subjects: Sequence[str]) -> tuple[int, NDArray[np.int64]]:
    """Return the number of subjects, and the position of each sample's subject in their alphabetical order."""
    names, positions = np.unique(np.asarray(subjects), return_inverse=True)
    return len(names), positions
