"""How far a score would move with other subjects."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from models_ml.errors import InputError
from models_ml.evaluation.metrics import CLASSES, confusion_matrix, unweighted


def subject_bootstrap(
    true: ArrayLike, pred: ArrayLike, subjects: Sequence[str], n: int = 10_000, seed: int = 0
) -> dict[str, tuple[float, float]]:
    """95 % intervals of UF1, UAR and accuracy: percentile bootstrap over subjects.

    Samples of one person are alike, so subjects are drawn, not samples (cluster bootstrap; Davison & Hinkley,
    1997, section 3.8), and a drawn subject brings all of its predictions. Counts are pooled over subjects, so
    a resample is the sum of the subjects' confusion matrices, each as often as it was drawn.

    Parameters
    ----------
    true, pred : (N,) integers, positions in ``CLASSES``
    subjects : of each sample
    n : resamples
    seed : same seed, same intervals

    Returns
    -------
    {"uf1": (low, high), "uar": (low, high), "accuracy": (low, high)}

    Raises
    ------
    InputError : no samples, different lengths, or a number that is no class

    >>> subject_bootstrap([0, 1, 2, 0], [0, 1, 2, 0], ["a", "a", "b", "b"], n=100)["uf1"]
    (1.0, 1.0)
    """
    true, pred = np.asarray(true), np.asarray(pred)
    if len(true) != len(subjects) or not len(true):
        raise InputError(f"there are {len(true)} labels and {len(subjects)} subjects; each sample needs both")
    names, position = np.unique(np.asarray(subjects), return_inverse=True)
    counts = np.stack([confusion_matrix(true[position == i], pred[position == i]) for i in range(len(names))])
    drawn = np.random.default_rng(seed).multinomial(len(names), np.full(len(names), 1 / len(names)), size=n)
    resamples = (drawn.astype(float) @ counts.reshape(len(names), -1)).reshape(n, len(CLASSES), len(CLASSES))
    intervals = {}
    for score, values in unweighted(resamples).items():
        low, high = np.percentile(values, [2.5, 97.5])
        intervals[score] = (float(low), float(high))
    return intervals
