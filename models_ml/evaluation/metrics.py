"""UF1, UAR, accuracy and the confusion matrix, from predictions pooled over all folds. Needs only NumPy."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from models_ml.classes import CLASSES
from models_ml.errors import InputError


@dataclass(frozen=True)
class ClassScore:
    """Scores of one class. A ratio with denominator 0 is 0."""

    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True)
class Scores:
    """Scores of a set of predictions.

    Attributes
    ----------
    samples
        Number of predictions.
    uf1
        Unweighted F1: mean F1 of the classes.
    uar
        Unweighted average recall: mean recall of the classes.
    accuracy
        Share of correct predictions.
    confusion
        Counts, with true classes as rows and predicted classes as columns, in the order of ``CLASSES``.
    per_class
        Scores of each class.
    """

    samples: int
    uf1: float
    uar: float
    accuracy: float
    confusion: list[list[int]]
    per_class: dict[str, ClassScore]


@dataclass(frozen=True)
class SubjectScore:
    """Counts of one subject, who has too few samples for UF1."""

    samples: int
    correct: int
    confusion: list[list[int]]


@dataclass(frozen=True)
class Evaluation(Scores):
    """Scores of a run, and of each database and subject on their samples of the same run."""

    per_database: dict[str, Scores]
    per_subject: dict[str, SubjectScore]

    def to_dict(self) -> dict[str, Any]:
        """Return plain dicts, lists and numbers, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """Return the evaluation that ``to_dict`` wrote."""
        return cls(
            **_scores_from(content),
            per_database={name: Scores(**_scores_from(own)) for name, own in content["per_database"].items()},
            per_subject={name: SubjectScore(**own) for name, own in content["per_subject"].items()},
        )


def _scores_from(content: Mapping[str, Any]) -> dict[str, Any]:
    own = {name: content[name] for name in Scores.__dataclass_fields__}
    return {**own, "per_class": {name: ClassScore(**score) for name, score in content["per_class"].items()}}


def confusion_matrix(true: ArrayLike, pred: ArrayLike) -> NDArray[np.int64]:
    """Return counts (classes, classes) int64, with true classes as rows and predicted classes as columns.

    Parameters
    ----------
    true
        (N,) integers, positions in ``CLASSES``.
    pred
        (N,) integers, the predictions.

    Raises
    ------
    InputError
        Different lengths, or a number that is not a class.

    Examples
    --------
    >>> confusion_matrix([0, 0, 1, 2], [0, 1, 1, 0]).tolist()
    [[1, 1, 0], [0, 1, 0], [1, 0, 0]]
    """
    true, pred = class_labels(true, "true"), class_labels(pred, "predicted")
    if len(true) != len(pred):
        raise InputError(f"There are {len(true)} true labels and {len(pred)} predictions.")
    n = len(CLASSES)
    return np.bincount(true * n + pred, minlength=n * n).reshape(n, n)


def class_ratios(confusion: NDArray[np.number]) -> tuple[NDArray, NDArray, NDArray]:
    """Return F1, recall and precision of each class; NaN for 0/0.

    ``F1_c = 2 TP / (2 TP + FP + FN)``, ``recall_c = TP / N_c``, ``precision_c = TP / (TP + FP)``.

    Parameters
    ----------
    confusion
        (…, classes, classes) counts, true classes as rows.

    Returns
    -------
    tuple[NDArray, NDArray, NDArray]
        Three arrays (…, classes) float64.
    """
    hits = np.diagonal(confusion, axis1=-2, axis2=-1).astype(float)
    actual, predicted = confusion.sum(axis=-1), confusion.sum(axis=-2)
    with np.errstate(invalid="ignore"):
        return 2 * hits / (actual + predicted), hits / actual, hits / predicted


def unweighted(confusion: NDArray[np.number]) -> dict[str, NDArray[np.float64]]:
    """Return UF1, UAR and accuracy of confusion matrices (…, classes, classes), each (…).

    UF1 is the mean F1 of the classes, UAR their mean recall (See et al., MEGC 2019, FG 2019, section III). If a class does
    not occur, its 0/0 is left out of the mean instead of counting as 0, so that perfect predictions of a database without
    surprise score 1. A class that does not occur but is predicted has F1 = 0 and counts. Without samples, all three are
    NaN.

    >>> {name: float(value) for name, value in unweighted(np.diag([3, 2, 0])).items()}
    {'uf1': 1.0, 'uar': 1.0, 'accuracy': 1.0}
    """
    f1, recall, _ = class_ratios(confusion)
    hits = np.trace(confusion, axis1=-2, axis2=-1).astype(float)
    with np.errstate(invalid="ignore"):
        accuracy = hits / confusion.sum(axis=(-2, -1))
    return {"uf1": _mean_of_defined(f1), "uar": _mean_of_defined(recall), "accuracy": accuracy}


def evaluate(true: ArrayLike, pred: ArrayLike, database: Sequence[str], subject: Sequence[str]) -> Evaluation:
    """Score the predictions of a run, all folds together.

    TP, FP and FN are summed over all folds before a ratio is taken. A database is scored on its samples among the same
    predictions (See et al., MEGC 2019), not in a run of its own. ``unweighted`` describes classes that do not occur.

    Parameters
    ----------
    true
        (N,) integers, positions in ``CLASSES``, N ≥ 1.
    pred
        (N,) integers, the predictions.
    database
        Database of each sample.
    subject
        Subject of each sample. People of different databases must have different names.

    Raises
    ------
    InputError
        No samples, different lengths, or a number that is not a class.

    Examples
    --------
    Ten samples calculated by hand. TP, FP, FN are 4, 1, 1 for negative, 2, 0, 1 for positive and 2, 1, 0 for surprise.
    So UF1 = (8/10 + 4/5 + 4/5) / 3 = 0.8 and UAR = (4/5 + 2/3 + 2/2) / 3 = 0.8222.

    >>> true = [0, 0, 0, 0, 0, 1, 1, 1, 2, 2]
    >>> pred = [0, 0, 0, 0, 2, 1, 1, 0, 2, 2]
    >>> result = evaluate(true, pred, ["casme2"] * 5 + ["smic"] * 5, list("aabbbccdde"))
    >>> f"{result.uf1:.4f} {result.uar:.4f} {result.accuracy:.4f}"
    '0.8000 0.8222 0.8000'
    >>> result.per_class["negative"]
    ClassScore(precision=0.8, recall=0.8, f1=0.8, support=5)
    >>> result.per_database["smic"].confusion
    [[0, 0, 0], [1, 2, 0], [0, 0, 2]]
    """
    true, pred = np.asarray(true), np.asarray(pred)
    if not len(true) == len(pred) == len(database) == len(subject):
        raise InputError(
            "Each sample needs a true label, a prediction, a database and a subject. There are "
            f"{len(true)}, {len(pred)}, {len(database)} and {len(subject)} of them."
        )
    if not len(true):
        raise InputError("There are no predictions to score.")
    databases, subjects = np.asarray(database), np.asarray(subject)
    whole = scores_of(confusion_matrix(true, pred))
    return Evaluation(
        **vars(whole),
        per_database={
            str(name): scores_of(confusion_matrix(true[databases == name], pred[databases == name]))
            for name in np.unique(databases)
        },
        per_subject={
            str(name): _subject_score(confusion_matrix(true[subjects == name], pred[subjects == name]))
            for name in np.unique(subjects)
        },
    )


def scores_of(confusion: NDArray[np.int64]) -> Scores:
    """Return all scores of one confusion matrix (classes, classes)."""
    f1, recall, precision = (np.nan_to_num(ratio) for ratio in class_ratios(confusion))
    support = confusion.sum(axis=1)
    summary = {name: float(value) for name, value in unweighted(confusion).items()}
    return Scores(
        samples=int(support.sum()),
        **summary,
        confusion=confusion.tolist(),
        per_class={
            name: ClassScore(float(precision[i]), float(recall[i]), float(f1[i]), int(support[i]))
            for i, name in enumerate(CLASSES)
        },
    )


def _subject_score(confusion: NDArray[np.int64]) -> SubjectScore:
    return SubjectScore(int(confusion.sum()), int(np.trace(confusion)), confusion.tolist())


def _mean_of_defined(ratios: NDArray[np.float64]) -> NDArray[np.float64]:
    defined = ~np.isnan(ratios)
    with np.errstate(invalid="ignore"):
        return np.where(defined, ratios, 0).sum(axis=-1) / defined.sum(axis=-1)


def class_labels(values: ArrayLike, which: str) -> NDArray[np.int64]:
    """Return the values as int64. Raise InputError that names the first value that is not a position in ``CLASSES``."""
    labels = np.asarray(values)
    if labels.ndim != 1 or (labels.size and not np.issubdtype(labels.dtype, np.integer)):
        raise InputError(
            f"The {which} labels must be a list of integers, not {labels.dtype} of shape {labels.shape}."
        )
    wrong = np.flatnonzero((labels < 0) | (labels >= len(CLASSES)))
    if wrong.size:
        raise InputError(
            f"The {which} label {labels[wrong[0]]} of sample {wrong[0]} must be 0 to {len(CLASSES) - 1} "
            f"({', '.join(CLASSES)})."
        )
    return labels.astype(np.int64)
