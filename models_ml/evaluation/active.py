"""How many labels an order saves: a simulation of labelling doubtful predictions first. Needs only NumPy.

It takes predictions whose labels are known and asks how many of them a person has to look at, one after the other, until a
share of the wrong ones has been found. An order by doubt is compared with an order at random.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from models_ml.errors import InputError
from models_ml.evaluation.uncertainty import Interval, interval_of, resamples

SHARE = 0.8  # of the wrong predictions that are to be found
_CELLS = 4_000_000  # of the largest array; with many samples, there are fewer resamples
_LEAST_RESAMPLES, _MOST_RESAMPLES = 200, 2000


@dataclass(frozen=True)
class Saving:
    """What one order saves. Numbers of labels are means over seeds.

    Attributes
    ----------
    by_doubt
        Labels until the share of the wrong predictions is found, in order of doubt.
    at_random
        The same in a random order, as an expected value.
    per_seed
        ``by_doubt`` of each seed.
    by_doubt_interval
        95% interval of ``by_doubt`` over subjects; None with fewer than two subjects.
    saved_interval
        95% interval of ``saved`` over subjects. If it contains 0, the simulation does not show that the order saves labels.
    """

    by_doubt: float
    at_random: float
    per_seed: tuple[float, ...]
    by_doubt_interval: Interval | None
    saved_interval: Interval | None

    @property
    def saved(self) -> float:
        """The share of labels that the order saves; negative if it costs labels."""
        return 1 - self.by_doubt / self.at_random


@dataclass(frozen=True)
class Simulation:
    """What orders save on the predictions of one configuration.

    Attributes
    ----------
    samples
        Number of samples, each predicted once per seed.
    wrong
        Number of wrong predictions, as a mean over seeds.
    share
        Of the wrong predictions that are to be found.
    savings
        By the name of the order.
    """

    samples: int
    wrong: float
    share: float
    savings: Mapping[str, Saving]


def doubt(probabilities: ArrayLike) -> dict[str, NDArray[np.float64]]:
    """Return two measures of doubt for each prediction; the larger, the more doubtful.

    Entropy and margin as in Settles, "Active Learning Literature Survey", University of Wisconsin–Madison, Computer Sciences
    Technical Report 1648, 2009, section 3.1.

    Parameters
    ----------
    probabilities
        (N, classes), rows of which sum to 1.

    Examples
    --------
    >>> {name: [float(round(v, 2)) for v in values] for name, values in doubt([[0.8, 0.1, 0.1], [0.4, 0.3, 0.3]]).items()}
    {'entropy': [0.58, 0.99], 'margin': [0.3, 0.9]}
    """
    given = np.asarray(probabilities, dtype=np.float64)
    logarithms = np.log(np.where(given > 0, given, 1.0))
    ordered = np.sort(given, axis=1)
    return {
        "entropy": -(given * logarithms).sum(axis=1) / np.log(given.shape[1]),
        "margin": 1 - (ordered[:, -1] - ordered[:, -2]),
    }


def labels_needed(doubts: ArrayLike, wrong: ArrayLike, share: float = SHARE) -> float:
    """Return how many labels find a share of the wrong predictions, the most doubtful first.

    Equal doubts are in random order, so this is an expected value. NaN if no prediction is wrong.

    Examples
    --------
    >>> labels_needed([0.9, 0.8, 0.2, 0.1], [True, True, False, False], share=1)
    2.0
    >>> labels_needed([0, 0, 0, 0], [True, False, False, False], share=1)  # at random: the middle
    2.5
    """
    weights = np.ones((1, len(np.asarray(wrong))))
    return float(_needed(np.asarray(doubts, float), np.asarray(wrong, bool), weights, share)[0])


def simulate(
    seeds: Sequence[tuple[ArrayLike, ArrayLike]], subjects: Sequence[str], share: float = SHARE
) -> Simulation | None:
    """Simulate each measure of doubt on held-out predictions, and compare it with a random order.

    Intervals resample subjects, as ``subject_bootstrap`` does, with the same subjects for all seeds.

    Parameters
    ----------
    seeds
        For each seed of one configuration, probabilities (N, classes) and whether each prediction is wrong (N,).
    subjects
        (N,) the subject of each sample.
    share
        Of the wrong predictions that are to be found, in (0, 1].

    Returns
    -------
    Simulation or None
        None if a seed has no wrong prediction: there is nothing to find.

    Raises
    ------
    InputError
        No seeds, or different numbers of samples.
    """
    if not seeds:
        raise InputError("There are no predictions to simulate with.")
    errors = [np.asarray(wrong, dtype=bool) for _, wrong in seeds]
    if any(len(wrong) != len(subjects) for wrong in errors):
        raise InputError("Each seed needs a prediction for each sample.")
    if not all(wrong.any() for wrong in errors):
        return None
    measures = [doubt(probabilities) for probabilities, _ in seeds]
    names, position = np.unique(np.asarray(subjects), return_inverse=True)
    count = int(np.clip(_CELLS // len(subjects), _LEAST_RESAMPLES, _MOST_RESAMPLES))
    drawn = resamples(len(names), count).astype(np.float64)[:, position]
    weights = np.vstack([np.ones((1, len(subjects))), drawn])
    # A constant doubt is a random order.
    random = np.stack([_needed(np.zeros(len(subjects)), wrong, weights, share) for wrong in errors])
    savings = {}
    for name in measures[0]:
        needed = np.stack(
            [_needed(own[name], wrong, weights, share) for own, wrong in zip(measures, errors, strict=True)]
        )
        savings[name] = _saving(needed, random, len(names) > 1)
    return Simulation(len(subjects), float(np.mean([e.sum() for e in errors])), share, savings)


def _saving(needed: NDArray[np.float64], random: NDArray[np.float64], intervals: bool) -> Saving:
    """Summarise (seeds, 1 + resamples) numbers of labels, the first of which are those of the samples themselves."""
    by_doubt, at_random = needed.mean(axis=0), random.mean(axis=0)
    saved = 1 - by_doubt / at_random
    return Saving(
        float(by_doubt[0]),
        float(at_random[0]),
        tuple(float(value) for value in needed[:, 0]),
        interval_of(by_doubt[1:]) if intervals else None,
        interval_of(saved[1:]) if intervals else None,
    )


def _needed(
    doubts: NDArray[np.float64], wrong: NDArray[np.bool_], weights: NDArray[np.float64], share: float
) -> NDArray[np.float64]:
    """Return the expected number of labels for each row of weights, which say how often each sample occurs.

    Within a block of equal doubts with n samples, e of them wrong, the r-th wrong one is expected at r (n + 1) / (e + 1)
    (negative hypergeometric distribution).
    """
    _, block = np.unique(-doubts, return_inverse=True)  # the largest doubt is block 0
    order = np.argsort(block, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(block[order]) > 0])
    ordered = weights[:, order]
    sizes = np.add.reduceat(ordered, starts, axis=1)
    errors = np.add.reduceat(ordered * wrong[order], starts, axis=1)
    found, seen = np.cumsum(errors, axis=1), np.cumsum(sizes, axis=1)
    total = found[:, -1]
    target = np.ceil(share * total - 1e-9)
    at = np.argmax(found >= target[:, None], axis=1)
    rows = np.arange(len(weights))
    before, labelled = found[rows, at] - errors[rows, at], seen[rows, at] - sizes[rows, at]
    inside = (target - before) * (sizes[rows, at] + 1) / (errors[rows, at] + 1)
    return np.where(total > 0, labelled + inside, np.nan)
