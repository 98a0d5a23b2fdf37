"""Temperature scaling: probabilities that are as sure as they are right (Guo et al., ICML 2017)."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from models_ml.evaluation.metrics import class_labels
from models_ml.evaluation.probabilities import checked_probabilities

LEAST_PREDICTIONS = 20  # fewer say too little about one number
LOWEST, HIGHEST = (
    0.1,
    10.0,
)  # where the search ends: if all predictions are right, the likelihood rises without end
SMALLEST = 1e-12  # a probability of zero has no logarithm


def fit_temperature(true: ArrayLike, probabilities: Sequence[Any] | ArrayLike) -> float | None:
    """Return the temperature that minimises the negative log likelihood of held-out predictions.

    Guo et al., "On Calibration of Modern Neural Networks", ICML 2017, section 4.2. The logarithms of the probabilities take
    the place of the logits: for one network they differ by a constant, which softmax removes. Of an ensemble, the mean
    probabilities are calibrated, as they are reported.

    Parameters
    ----------
    true
        (N,) integers, positions in ``CLASSES``.
    probabilities
        (N, classes) numbers from 0 to 1, each row predicted by a network that was not trained on the sample's subject.

    Returns
    -------
    float | None
        From ``LOWEST`` to ``HIGHEST``; None with fewer than ``LEAST_PREDICTIONS`` predictions.

    Raises
    ------
    InputError
        Rows that are not probabilities of the classes.

    Examples
    --------
    A network that is always 95% sure and right in 80% of the cases is too sure, so its temperature is above 1:

    >>> sure = [[0.95, 0.03, 0.02]] * 100
    >>> found = fit_temperature([0] * 80 + [1] * 20, sure)
    >>> found > 1, round(float(calibrated(sure[:1], found)[0, 0]), 2)
    (True, 0.81)
    """
    from scipy.optimize import minimize_scalar  # slow to load, and needed only here

    labels = class_labels(true, "true")
    table = checked_probabilities(probabilities, len(labels))
    if len(labels) < LEAST_PREDICTIONS:
        return None
    logs = np.log(np.maximum(table, SMALLEST))
    rows = np.arange(len(labels))

    def loss(inverse: float) -> float:
        """The negative log likelihood, which is convex in the inverse of the temperature."""
        scaled = logs * inverse
        largest = scaled.max(axis=1)
        total = largest + np.log(np.exp(scaled - largest[:, None]).sum(axis=1))
        return float((total - scaled[rows, labels]).mean())

    found = minimize_scalar(loss, bounds=(1 / HIGHEST, 1 / LOWEST), method="bounded", options={"xatol": 1e-6})
    return float(1 / found.x)


def calibrated(probabilities: Sequence[Any] | ArrayLike, temperature: float) -> NDArray[np.float64]:
    """Return probabilities (N, classes) whose logits are divided by the temperature. The largest stays the largest.

    >>> calibrated([[0.9, 0.1, 0.0]], 1.0).round(3).tolist()
    [[0.9, 0.1, 0.0]]
    >>> calibrated([[0.8, 0.1, 0.1]], 2.0).round(3).tolist()
    [[0.586, 0.207, 0.207]]
    """
    logs = np.log(np.maximum(np.asarray(probabilities, dtype=float), SMALLEST)) / temperature
    scaled = np.exp(logs - logs.max(axis=-1, keepdims=True))
    return np.asarray(scaled / scaled.sum(axis=-1, keepdims=True))
