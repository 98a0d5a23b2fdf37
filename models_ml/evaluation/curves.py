"""ROC and precision-recall curves, one class against the others, with the areas below them. Needs only NumPy."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from models_ml.classes import CLASSES
from models_ml.errors import InputError
from models_ml.evaluation.mean_curves import mean_precision, mean_roc
from models_ml.evaluation.metrics import class_labels
from models_ml.evaluation.probabilities import CURVE_RESAMPLES, checked_probabilities, positions_of
from models_ml.evaluation.uncertainty import Interval, interval_of, resamples

MACRO = "macro"
DIGITS = 6  # decimals of the points of a stored curve


class RocCurve(NamedTuple):
    """Three arrays (K,): from (0, 0) to (1, 1), a sample is called positive if its score is at least the threshold."""

    false_positive_rate: NDArray[np.float64]
    true_positive_rate: NDArray[np.float64]
    thresholds: NDArray[np.float64]


class PrecisionRecall(NamedTuple):
    """Three arrays (K,), one entry per threshold, with recall rising. Precision holds from the recall before to its own."""

    recall: NDArray[np.float64]
    precision: NDArray[np.float64]
    thresholds: NDArray[np.float64]


@dataclass(frozen=True)
class Area:
    """The area below a curve with its 95% interval. Both are None without samples of the class or of the others."""

    value: float | None
    interval: Interval | None


@dataclass(frozen=True)
class Areas:
    """Areas of one class, or their mean (macro). ``samples`` counts those of the class; all samples for the mean."""

    samples: int
    auc: Area
    average_precision: Area


@dataclass(frozen=True)
class Curves:
    """ROC and precision-recall curves of one run.

    Attributes
    ----------
    areas
        By class, and ``macro``: the mean of the classes that have an area.
    per_database
        The same for the samples of each database.
    roc
        By class, and ``macro``: the false positive rates and the true positive rates of the corners of the curve.
        A class without an area has no curve.
    precision_recall
        By class, and ``macro``: recall and precision. Precision holds from the recall before to its own.
    """

    areas: Mapping[str, Areas]
    per_database: Mapping[str, Mapping[str, Areas]]
    roc: Mapping[str, tuple[list[float], list[float]]]
    precision_recall: Mapping[str, tuple[list[float], list[float]]]

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """Return the curves that ``dataclasses.asdict`` and JSON turned into lists."""
        return cls(
            _areas_from(content["areas"]),
            {name: _areas_from(own) for name, own in content["per_database"].items()},
            {name: (x, y) for name, (x, y) in content["roc"].items()},
            {name: (x, y) for name, (x, y) in content["precision_recall"].items()},
        )


def _areas_from(content: Mapping[str, Any]) -> dict[str, Areas]:
    def area(own: Mapping[str, Any]) -> Area:
        ends = own["interval"]
        return Area(own["value"], None if ends is None else (ends[0], ends[1]))

    return {
        name: Areas(own["samples"], area(own["auc"]), area(own["average_precision"]))
        for name, own in content.items()
    }


def roc_curve(positive: ArrayLike, scores: ArrayLike) -> RocCurve:
    """Return the ROC curve of scores that should be higher for positive samples. Equal scores are one step.

    Parameters
    ----------
    positive
        (N,) bool, with both values.
    scores
        (N,) numbers.

    Raises
    ------
    InputError
        Different lengths, or no positive or no negative sample: the curve is then not defined.

    Examples
    --------
    >>> curve = roc_curve([True, True, False], [0.9, 0.2, 0.5])
    >>> curve.false_positive_rate.tolist(), curve.true_positive_rate.tolist()
    ([0.0, 0.0, 1.0, 1.0], [0.0, 0.5, 0.5, 1.0])
    """
    hits, alarms, thresholds = _cumulative(*_checked(positive, scores))
    return RocCurve(
        np.concatenate([[0.0], alarms / alarms[-1]]),
        np.concatenate([[0.0], hits / hits[-1]]),
        np.concatenate([[np.inf], thresholds]),
    )


def precision_recall_curve(positive: ArrayLike, scores: ArrayLike) -> PrecisionRecall:
    """Return precision and recall at each threshold, the highest threshold first.

    Parameters
    ----------
    positive
        (N,) bool, with both values.
    scores
        (N,) numbers.

    Raises
    ------
    InputError
        As ``roc_curve``.

    Examples
    --------
    >>> curve = precision_recall_curve([True, True, False], [0.9, 0.2, 0.5])
    >>> curve.recall.tolist(), curve.precision.round(2).tolist()
    ([0.5, 0.5, 1.0], [1.0, 0.5, 0.67])
    """
    hits, alarms, thresholds = _cumulative(*_checked(positive, scores))
    return PrecisionRecall(hits / hits[-1], hits / (hits + alarms), thresholds)


def roc_auc(positive: ArrayLike, scores: ArrayLike) -> float:
    """Return the area below the ROC curve: the chance that a positive sample scores above a negative one, ties half.

    Hanley & McNeil, Radiology 143, 1982. Raises InputError as ``roc_curve``.

    >>> roc_auc([True, True, False], [0.9, 0.2, 0.5])
    0.5
    """
    curve = roc_curve(positive, scores)
    return float(np.trapezoid(curve.true_positive_rate, curve.false_positive_rate))


def average_precision(positive: ArrayLike, scores: ArrayLike) -> float:
    """Return the mean precision, weighted by the rise of recall at each threshold; nothing is interpolated.

    Interpolating linearly would be too optimistic (Davis & Goadrich, ICML 2006). Raises InputError as ``roc_curve``.

    >>> round(average_precision([True, True, False], [0.9, 0.2, 0.5]), 4)
    0.8333
    """
    curve = precision_recall_curve(positive, scores)
    return float((np.diff(curve.recall, prepend=0.0) * curve.precision).sum())


def curves_of(
    true: ArrayLike,
    probabilities: Sequence[Any] | ArrayLike,
    subjects: Sequence[str],
    databases: Sequence[str],
    n: int = CURVE_RESAMPLES,
    seed: int = 0,
) -> Curves:
    """Return the curves of each class against the others, their areas, and the mean of both over the classes.

    A class without samples, or without samples of other classes, has no curve and is left out of the mean. Intervals are the
    middle 95% of resamples of subjects, as of all scores (``subject_bootstrap``). An interval is None where fewer than two
    subjects show the class, or fewer than two show others.

    *Probabilities of different networks are pooled.* Each fold has a network of its own, and 0.6 of one network may mean
    0.7 of the next. So pooled areas can be lower than those within folds, which subjects with one class do not even have
    (Forman & Scholz, SIGKDD Explorations 12(1), 2010).

    Parameters
    ----------
    true
        (N,) integers, positions in ``CLASSES``.
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
    >>> rows = [[0.8, 0.1, 0.1], [0.3, 0.6, 0.1], [0.5, 0.3, 0.2], [0.2, 0.7, 0.1]]
    >>> curves = curves_of([0, 1, 0, 1], rows, ["a", "a", "b", "b"], ["casme2"] * 4, n=100)
    >>> curves.areas["negative"].auc, curves.areas["surprise"].auc.value, curves.areas["macro"].auc.value
    (Area(value=1.0, interval=(1.0, 1.0)), None, 1.0)
    """
    labels = class_labels(true, "true")
    if not len(labels):
        raise InputError("There are no predictions to draw curves of.")
    if not len(labels) == len(subjects) == len(databases):
        raise InputError(
            f"There are {len(labels)} labels, {len(subjects)} subjects and {len(databases)} databases. "
            "Each sample needs all three."
        )
    table = checked_probabilities(probabilities, len(labels))
    count, people = positions_of(subjects)
    weights = resamples(count, n, seed)
    names = np.asarray(databases)
    roc, precision_recall = {}, {}
    for position, name in enumerate(CLASSES):
        positive = labels == position
        if positive.any() and not positive.all():
            roc[name] = _corners(roc_curve(positive, table[:, position]))
            precision_recall[name] = _steps(precision_recall_curve(positive, table[:, position]))
    if roc:
        roc[MACRO] = mean_roc(list(roc.values()))
        precision_recall[MACRO] = mean_precision(list(precision_recall.values()))
    return Curves(
        _areas(labels, table, people, weights),
        {
            str(name): _areas(labels[rows], table[rows], people[rows], weights)
            for name in np.unique(names)
            for rows in [names == name]
        },
        {name: _rounded(*line) for name, line in roc.items()},
        {name: _rounded(*line) for name, line in precision_recall.items()},
    )


def _checked(positive: ArrayLike, scores: ArrayLike) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    flags, values = np.asarray(positive, dtype=bool), np.asarray(scores, dtype=float)
    if flags.shape != values.shape or flags.ndim != 1:
        raise InputError(f"There are {flags.size} labels and {values.size} scores.")
    if not flags.any() or flags.all():
        raise InputError("A curve needs samples of the class and of other classes.")
    return flags, values


def _cumulative(positive: NDArray[np.bool_], scores: NDArray[np.float64]) -> tuple[NDArray, NDArray, NDArray]:
    """Return numbers of positive and of negative samples with at least each score, and the scores, the highest first."""
    order, ends = _order(scores)
    hits = np.cumsum(positive[order])[ends]
    return hits.astype(float), (1.0 + ends - hits), scores[order][ends]


def _order(scores: NDArray[np.float64]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the order of falling scores, and where in it each group of equal scores ends."""
    order = np.argsort(-scores, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)
    return order, ends


def _areas(
    labels: NDArray[np.int64],
    table: NDArray[np.float64],
    people: NDArray[np.int64],
    weights: NDArray[np.float32],
) -> dict[str, Areas]:
    """Return the areas of each class and their mean. ``weights`` are (resamples, subjects)."""
    present, people = np.unique(people, return_inverse=True)
    weights = weights[:, present]
    found, drawn_auc, drawn_ap = {}, [], []
    for position, name in enumerate(CLASSES):
        positive, scores = labels == position, table[:, position]
        samples = int(positive.sum())
        if not positive.any() or positive.all():
            found[name] = Areas(samples, Area(None, None), Area(None, None))
            continue
        apart = min(len(np.unique(people[positive])), len(np.unique(people[~positive]))) > 1
        drawn_auc.append(_drawn_auc(positive, scores, people, weights))
        drawn_ap.append(_drawn_average_precision(positive, scores, people, weights))
        found[name] = Areas(
            samples,
            Area(roc_auc(positive, scores), interval_of(drawn_auc[-1]) if apart else None),
            Area(average_precision(positive, scores), interval_of(drawn_ap[-1]) if apart else None),
        )
    several = len(np.unique(people)) > 1
    found[MACRO] = Areas(
        len(labels),
        _mean_area([own.auc.value for own in found.values()], drawn_auc, several),
        _mean_area([own.average_precision.value for own in found.values()], drawn_ap, several),
    )
    return found


def _mean_area(values: Sequence[float | None], drawn: list[NDArray], several: bool) -> Area:
    known = [value for value in values if value is not None]
    if not known:
        return Area(None, None)
    together = np.stack(drawn)
    defined = ~np.isnan(together)
    with np.errstate(invalid="ignore"):
        means = np.where(defined, together, 0).sum(axis=0) / defined.sum(axis=0)
    return Area(float(np.mean(known)), interval_of(means) if several else None)


def _drawn_auc(
    positive: NDArray[np.bool_],
    scores: NDArray[np.float64],
    people: NDArray[np.int64],
    weights: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Return the area of each resample; NaN without samples of both kinds.

    The area is a mean over pairs of samples. Summed by pairs of subjects (s, t) once, it is a quadratic form in how often
    each subject is drawn.
    """
    subjects = weights.shape[1]
    above = np.zeros((subjects, subjects), dtype=np.float32)
    own, owners = scores[positive], people[positive]
    for other in np.unique(people[~positive]):
        below = np.sort(scores[~positive & (people == other)])
        wins = (np.searchsorted(below, own, "left") + np.searchsorted(below, own, "right")) / 2
        above[:, other] = np.bincount(owners, wins, subjects)
    hits = weights @ np.bincount(owners, minlength=subjects).astype(np.float32)
    alarms = weights @ np.bincount(people[~positive], minlength=subjects).astype(np.float32)
    with np.errstate(invalid="ignore", divide="ignore"):
        return ((weights @ above) * weights).sum(axis=1) / (hits * alarms)


def _drawn_average_precision(
    positive: NDArray[np.bool_],
    scores: NDArray[np.float64],
    people: NDArray[np.int64],
    weights: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Return the average precision of each resample; NaN without positive samples."""
    order, ends = _order(scores)
    ends = ends[
        np.diff(np.cumsum(positive[order])[ends], prepend=0) > 0
    ]  # precision counts where recall rises
    belongs = people[order] == np.arange(weights.shape[1])[:, None]  # (subjects, samples)
    called = weights @ np.cumsum(belongs, axis=1)[:, ends].astype(np.float32)
    hits = weights @ np.cumsum(belongs & positive[order], axis=1)[:, ends].astype(np.float32)
    precision = hits / np.maximum(called, 1)
    precision[:, 1:] *= np.diff(hits, axis=1)
    precision[:, 0] *= hits[:, 0]
    with np.errstate(invalid="ignore"):
        return precision.sum(axis=1) / hits[:, -1]


def _corners(curve: RocCurve) -> tuple[NDArray, NDArray]:
    """Return the curve without the points that lie on a line between their neighbours."""
    x, y = curve.false_positive_rate, curve.true_positive_rate
    bends = np.abs(np.diff(x)[:-1] * np.diff(y)[1:] - np.diff(x)[1:] * np.diff(y)[:-1]) > 1e-15
    kept = np.concatenate([[True], bends, [True]])
    return x[kept], y[kept]


def _steps(curve: PrecisionRecall) -> tuple[NDArray, NDArray]:
    """Return each recall above 0 once, with the precision of the first threshold that reaches it."""
    recall, first = np.unique(curve.recall, return_index=True)
    above = recall > 0
    return recall[above], curve.precision[first][above]


def _rounded(x: NDArray, y: NDArray) -> tuple[list[float], list[float]]:
    return x.round(DIGITS).tolist(), y.round(DIGITS).tolist()
