"""Ranking of configurations: which is best, and how certain is that after looking at all of them?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from models_ml.evaluation.resampled import (
    Score,
    count_subjects,
    largest_deviations,
    observed_means,
    pair_errors,
    simultaneous_quantile,
    weighted_means,
)
from models_ml.evaluation.uncertainty import RESAMPLES, Interval, interval_of, resamples


@dataclass(frozen=True)
class RankedConfiguration:
    """One of the ranked configurations.

    Attributes
    ----------
    index
        Its position in the argument of ``rank``.
    score
        Mean over its runs (seeds).
    interval
        95% interval of the score, of this configuration alone.
    best
        Share of the resamples in which it is the best; ties are divided.
    behind
        Score of the leading configuration minus its own.
    behind_interval
        95% interval of ``behind`` that holds for all pairs of configurations at once; None for the leader.
    """

    index: int
    score: float
    interval: Interval
    best: float
    behind: float
    behind_interval: Interval | None

    @property
    def may_be_best(self) -> bool:
        """Whether it leads, or its gap to the leader is not significant."""
        return self.behind_interval is None or self.behind_interval[0] <= 0


@dataclass(frozen=True)
class Ranking:
    """Configurations with the best first, and the score to expect from choosing the best.

    Attributes
    ----------
    ranked
        The configurations, best first.
    chosen
        Score of the chosen configuration on subjects that it was not chosen on. It is lower than the leader's own score,
        which was selected for being high on these subjects. None for a single configuration.
    chosen_interval
        95% interval of ``chosen``.
    """

    ranked: list[RankedConfiguration]
    chosen: float | None
    chosen_interval: Interval | None

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """Return the ranking that ``dataclasses.asdict`` and JSON turned into lists."""
        ranked = [
            RankedConfiguration(
                **{
                    **one,
                    "interval": tuple(one["interval"]),
                    "behind_interval": _ends(one["behind_interval"]),
                }
            )
            for one in content["ranked"]
        ]
        return cls(ranked, content["chosen"], _ends(content["chosen_interval"]))


def _ends(interval: Sequence[float] | None) -> Interval | None:
    return None if interval is None else (interval[0], interval[1])


def rank(
    configurations: Sequence[NDArray[np.integer]],
    score: Score = "uf1",
    n: int = RESAMPLES,
    seed: int = 0,
) -> Ranking:
    """Rank configurations that predicted the same samples by a score, over the same resamples of subjects.

    *The best of k looks better than it is.* Three results show by how much:

    - ``best`` is how often each configuration would lead on other subjects.
    - ``behind_interval`` is simultaneous: d ± q·s, where s is the bootstrap standard error of a pair's difference, and q the
      95% quantile of the largest difference over *all* pairs, in units of s and widened for few subjects (max-t; Davison &
      Hinkley, 1997, section 4.4; Hothorn, Bretz & Westfall, Biometrical Journal 50, 2008). So it holds for any leader.
    - ``chosen`` repeats the choice in each resample and scores it on the subjects that were not drawn (BBC-CV; Tsamardinos,
      Greasidou & Borboudakis, Machine Learning 107, 2018).

    `make bench NAME=evaluation` measures it: one second for 60 runs of 68 subjects. The time for the pairs grows with the
    square of the number of configurations.

    Parameters
    ----------
    configurations
        For each configuration, the confusion matrices of its runs by subject, (runs, subjects, classes, classes), with at
        least one run. All have the same subjects in the same order.
    score
        The score to rank by.
    n
        Number of resamples.
    seed
        The same seed gives the same result.

    Raises
    ------
    InputError
        Nothing to rank, different subjects, or fewer than two subjects.

    Examples
    --------
    >>> good = np.tile(np.diag([2, 2, 2]), (1, 4, 1, 1))
    >>> bad = np.tile([[2, 0, 0], [2, 0, 0], [2, 0, 0]], (1, 4, 1, 1))
    >>> [(one.index, one.score, one.best) for one in rank([bad, good], n=100).ranked]
    [(1, 1.0, 1.0), (0, 0.16666666666666666, 0.0)]
    """
    subjects = count_subjects(configurations)
    drawn = resamples(subjects, n, seed)
    observed = observed_means(configurations, score)
    inside = weighted_means(configurations, drawn, score)
    order = np.argsort(-observed, kind="stable")
    leading = inside == inside.max(axis=1, keepdims=True)
    best = (leading / leading.sum(axis=1, keepdims=True)).mean(axis=0)
    errors = pair_errors(inside)
    largest = largest_deviations((inside - observed).astype(np.float32), errors)
    margin = simultaneous_quantile(largest, subjects) * errors[order[0]]
    ranked = []
    for i in order:
        interval, behind = interval_of(inside[:, i]), float(observed[order[0]] - observed[i])
        assert interval is not None  # noqa: S101  each subject has samples, so each resample has a score
        apart = None if i == order[0] else (behind - float(margin[i]), behind + float(margin[i]))
        ranked.append(
            RankedConfiguration(int(i), float(observed[i]), interval, float(best[i]), behind, apart)
        )
    if len(configurations) == 1:
        return Ranking(ranked, None, None)
    outside = weighted_means(configurations, (drawn == 0).astype(np.float32), score)
    chosen = outside[np.arange(n), inside.argmax(axis=1)]
    return Ranking(ranked, float(np.nanmean(chosen)), interval_of(chosen))
