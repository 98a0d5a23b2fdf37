"""Calibration: does a network that is 80% sure predict 80% of such samples correctly? Needs only NumPy."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from models_ml.classes import CLASSES
from models_ml.errors import InputError
from models_ml.evaluation.metrics import class_labels
from models_ml.evaluation.probabilities import CURVE_RESAMPLES, checked_probabilities, positions_of
from models_ml.evaluation.uncertainty import Interval, interval_of, resamples

BINS = 10  # of equal width; each includes its upper end, and the first one includes 0


@dataclass(frozen=True)
class Bin:
    """Samples whose predicted class has a probability in one range.

    Attributes
    ----------
    low
        Lower end; it belongs to the bin before.
    high
        Upper end.
    samples
        Their number.
    confidence
        Mean probability of the predicted classes; None without samples.
    accuracy
        Share of correct predictions; None without samples.
    interval
        95% interval of the accuracy; None where fewer than two subjects have samples in the bin.
    """

    low: float
    high: float
    samples: int
    confidence: float | None
    accuracy: float | None
    interval: Interval | None


@dataclass(frozen=True)
class Reliability:
    """Two numbers on how far probabilities can be trusted; lower is better.

    Attributes
    ----------
    samples
        Their number.
    ece
        Expected calibration error: mean distance between accuracy and confidence of the bins, weighted by their samples.
    brier
        Brier score: mean over the samples of Σ (p_c − y_c)² over all classes, from 0 to 2.
    brier_interval
        95% interval of the Brier score; None with a single subject.
    """

    samples: int
    ece: float
    brier: float
    brier_interval: Interval | None


@dataclass(frozen=True)
class Calibration(Reliability):
    """Calibration of one run: overall, in bins, and of each database."""

    bins: Sequence[Bin]
    per_database: Mapping[str, Reliability]

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """Return the calibration that ``dataclasses.asdict`` and JSON turned into lists."""
        own = {name: content[name] for name in ("samples", "ece", "brier")}
        return cls(
            **own,
            brier_interval=_ends(content["brier_interval"]),
            bins=[Bin(**{**one, "interval": _ends(one["interval"])}) for one in content["bins"]],
            per_database={
                name: Reliability(**{**one, "brier_interval": _ends(one["brier_interval"])})
                for name, one in content["per_database"].items()
            },
        )


def _ends(interval: Sequence[float] | None) -> Interval | None:
    return None if interval is None else (interval[0], interval[1])


def brier_score(true: ArrayLike, probabilities: Sequence[Any] | ArrayLike) -> float:
    """Return the mean over the samples of Σ (p_c − y_c)² over all classes (Brier, Monthly Weather Review 78, 1950).

    >>> round(brier_score([0, 1], [[0.8, 0.1, 0.1], [0.2, 0.6, 0.2]]), 4)
    0.15
    """
    labels = class_labels(true, "true")
    return float(_squared(labels, checked_probabilities(probabilities, len(labels))).mean())


def calibration_of(
    true: ArrayLike,
    pred: ArrayLike,
    probabilities: Sequence[Any] | ArrayLike,
    subjects: Sequence[str],
    databases: Sequence[str],
    n: int = CURVE_RESAMPLES,
    seed: int = 0,
) -> Calibration:
    """Return how well the probability of the predicted class agrees with how often it is correct.

    Confidence is the probability of the predicted class (Guo et al., "On Calibration of Modern Neural Networks", ICML 2017;
    Naeini et al., AAAI 2015). There are ``BINS`` bins of equal width. The expected calibration error has no interval: few
    samples in a bin make it too large, and resampling would add the same again (Roelofs et al., AISTATS 2022). Intervals of
    the others are the middle 95% of resamples of subjects.

    Parameters
    ----------
    true
        (N,) integers, positions in ``CLASSES``.
    pred
        (N,) integers, the predictions.
    probabilities
        (N, classes) numbers from 0 to 1.
    subjects
        Subject of each sample.
    databases
        Database of each sample.
    n
        Number of resamples.
    seed
        The same seed gives the same intervals.

    Raises
    ------
    InputError
        No samples, different lengths, or rows that are not probabilities of the classes.

    Examples
    --------
    >>> rows = [[0.9, 0.1, 0.0], [0.1, 0.9, 0.0], [0.1, 0.9, 0.0], [0.2, 0.2, 0.6]]
    >>> found = calibration_of([0, 1, 0, 2], [0, 1, 1, 2], rows, ["a", "a", "b", "b"], ["casme2"] * 4, n=100)
    >>> [(one.samples, one.confidence, round(one.accuracy, 2)) for one in found.bins if one.samples]
    [(1, 0.6, 1.0), (3, 0.9, 0.67)]
    >>> round(found.ece, 3)  # 1/4 · 0.4 + 3/4 · 0.233
    0.275
    """
    labels, guesses = class_labels(true, "true"), class_labels(pred, "predicted")
    if not len(labels):
        raise InputError("There are no predictions to check.")
    if not len(labels) == len(guesses) == len(subjects) == len(databases):
        raise InputError(
            f"There are {len(labels)} labels, {len(guesses)} predictions, {len(subjects)} subjects and "
            f"{len(databases)} databases. Each sample needs all four."
        )
    table = checked_probabilities(probabilities, len(labels))
    count, people = positions_of(subjects)
    weights = resamples(count, n, seed)
    confidence, right = table[np.arange(len(labels)), guesses], (labels == guesses).astype(float)
    place = bins_of(confidence)
    squared, names = _squared(labels, table), np.asarray(databases)
    whole = _reliability(place, confidence, right, squared, people, weights)
    return Calibration(
        **vars(whole),
        bins=_bins(place, confidence, right, people, weights),
        per_database={
            str(name): _reliability(
                place[rows], confidence[rows], right[rows], squared[rows], people[rows], weights
            )
            for name in np.unique(names)
            for rows in [names == name]
        },
    )


def bins_of(confidence: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return the bin of each probability, (N,) from 0 to ``BINS`` − 1.

    >>> bins_of(np.array([0.0, 0.1, 0.11, 1.0])).tolist()
    [0, 0, 1, 9]
    """
    return np.searchsorted(np.linspace(0, 1, BINS + 1)[1:-1], confidence)


def _squared(labels: NDArray[np.int64], table: NDArray[np.float64]) -> NDArray[np.float64]:
    return ((table - np.eye(len(CLASSES))[labels]) ** 2).sum(axis=1)


def _reliability(
    place: NDArray[np.intp],
    confidence: NDArray[np.float64],
    right: NDArray[np.float64],
    squared: NDArray[np.float64],
    people: NDArray[np.int64],
    weights: NDArray[np.float32],
) -> Reliability:
    gaps = np.bincount(place, right - confidence, BINS)
    drawn = _drawn_mean(squared, people, weights)
    several = len(np.unique(people)) > 1
    return Reliability(
        len(place),
        float(np.abs(gaps).sum() / len(place)),
        float(squared.mean()),
        interval_of(drawn) if several else None,
    )


def _bins(
    place: NDArray[np.intp],
    confidence: NDArray[np.float64],
    right: NDArray[np.float64],
    people: NDArray[np.int64],
    weights: NDArray[np.float32],
) -> list[Bin]:
    found = []
    for number in range(BINS):
        rows, low, high = place == number, number / BINS, (number + 1) / BINS
        if not rows.any():
            found.append(Bin(low, high, 0, None, None, None))
            continue
        several = len(np.unique(people[rows])) > 1
        interval = interval_of(_drawn_mean(right[rows], people[rows], weights)) if several else None
        found.append(
            Bin(
                low,
                high,
                int(rows.sum()),
                float(confidence[rows].mean()),
                float(right[rows].mean()),
                interval,
            )
        )
    return found


def _drawn_mean(
    values: NDArray[np.float64], people: NDArray[np.int64], weights: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return the mean of each resample; NaN where no sample is drawn."""
    subjects = weights.shape[1]
    sums = weights @ np.bincount(people, values, subjects).astype(np.float32)
    counts = weights @ np.bincount(people, minlength=subjects).astype(np.float32)
    with np.errstate(invalid="ignore"):
        return sums / counts
