"""Scores of many configurations over one set of resamples, and intervals that hold for many differences at once."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from models_ml.classes import CLASSES
from models_ml.errors import InputError
from models_ml.evaluation.metrics import unweighted

Score = Literal["uf1", "uar", "accuracy"]
CHUNK = 16  # runs scored together: their 10,000 resampled confusion matrices take 6 MB


def count_subjects(configurations: Sequence[NDArray[np.integer]]) -> int:
    """Return the number of subjects, for configurations as ``ranking.rank`` takes them.

    Raises
    ------
    InputError
        Nothing to rank, different subjects, or fewer than two subjects.
    """
    if not configurations:
        raise InputError("There is no configuration to rank.")
    shapes = {runs.shape[1:] for runs in configurations}
    if len(shapes) > 1 or any(not len(runs) for runs in configurations):
        raise InputError(
            "Configurations can be ranked only on the same subjects, and each needs a run. Their shapes are "
            + ", ".join(str(runs.shape) for runs in configurations)
            + "."
        )
    [(subjects, *_)] = shapes
    if subjects < 2:
        raise InputError("A ranking needs at least two subjects; these predictions are of one.")
    return int(subjects)


def _scores(counts: NDArray[np.integer], weights: NDArray[np.float32], score: Score) -> NDArray[np.float32]:
    """Return the score of each run, (weightings, runs), with subjects weighted by ``weights`` (weightings, subjects)."""
    n, classes = len(weights), len(CLASSES)
    found = np.empty((n, len(counts)), dtype=np.float32)
    for start in range(0, len(counts), CHUNK):
        part = counts[start : start + CHUNK]
        flat = np.moveaxis(part, 0, 1).reshape(part.shape[1], -1).astype(np.float32)
        pooled = (weights @ flat).reshape(n, len(part), classes, classes)
        found[:, start : start + CHUNK] = unweighted(pooled)[score]
    return found


def observed_means(configurations: Sequence[NDArray[np.integer]], score: Score) -> NDArray[np.float64]:
    """Return the score of each configuration on the subjects as they are, the mean over its runs: (configurations,)."""
    return np.array([unweighted(runs.sum(axis=1))[score].mean() for runs in configurations])


def weighted_means(
    configurations: Sequence[NDArray[np.integer]], weights: NDArray[np.float32], score: Score
) -> NDArray[np.float32]:
    """Return the score of each configuration, the mean over its runs, with subjects weighted.

    Parameters
    ----------
    configurations
        For each configuration, the confusion matrices of its runs by subject, (runs, subjects, classes, classes).
    weights
        (weightings, subjects), for example of ``uncertainty.resamples``.
    score
        The score.

    Returns
    -------
    NDArray[np.float32]
        (weightings, configurations).
    """
    sizes = np.array([len(runs) for runs in configurations])
    scores = _scores(np.concatenate(configurations), weights, score)
    sums = np.add.reduceat(scores, np.cumsum(sizes) - sizes, axis=1)
    return (sums / sizes).astype(np.float32)


def pair_errors(scores: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the standard error of each pair's difference: (n, k) resampled scores → (k, k)."""
    covariance = np.atleast_2d(np.cov(scores, rowvar=False))
    variance = np.diag(covariance)
    return np.sqrt(np.maximum(variance[:, None] + variance - 2 * covariance, 0))


def largest_deviations(deviations: NDArray[np.float32], errors: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the largest deviation of any pair's difference in each resample, in standard errors.

    Parameters
    ----------
    deviations
        (n, k) resampled scores minus the observed ones.
    errors
        (k, k) of ``pair_errors``.

    Returns
    -------
    NDArray[np.float32]
        (n,).
    """
    largest = np.zeros(len(deviations), dtype=np.float32)
    for i in range(deviations.shape[1] - 1):
        differ = errors[i, i + 1 :] > 1e-6  # pairs that always agree have no standard error
        if differ.any():
            apart = np.abs(deviations[:, i + 1 :][:, differ] - deviations[:, i : i + 1])
            np.maximum(
                largest, (apart / errors[i, i + 1 :][differ].astype(np.float32)).max(axis=1), out=largest
            )
    return largest


def simultaneous_quantile(largest: NDArray[np.floating], subjects: int) -> float:
    """Return how many standard errors an interval that holds for all differences at once extends to each side (max-t).

    It is the 95% quantile of the largest deviations, widened because the standard errors are estimated from few subjects:
    the quantile of Student's t that corresponds to a normal one (Abramowitz & Stegun, "Handbook of Mathematical Functions",
    26.7.5).

    Parameters
    ----------
    largest
        (n,) the largest deviation in each resample, in standard errors.
    subjects
        Number of subjects.
    """
    z, df = float(np.quantile(largest, 0.95)), subjects - 1
    t = z + (z**3 + z) / (4 * df) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * df**2)
    return t * float(np.sqrt(subjects / df))
