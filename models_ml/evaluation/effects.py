"""What the settings of a grid do: the effect of each with the others averaged, and where it depends on another."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from models_ml.errors import InputError
from models_ml.evaluation.design import Contrast, Part, interaction_contrasts, main_effect_parts
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

# Increase it when a number that ``effects`` returns changes: stored effects are then computed again.
EFFECTS_VERSION = "1"
_CHUNK = 256  # contrasts resampled together: 10,000 resamples of them take 10 MB


@dataclass(frozen=True)
class ValueEffect:
    """One value of a setting.

    Attributes
    ----------
    value
        The value.
    score
        Mean over the combinations of the other settings, each with equal weight, and over seeds.
    interval
        95% interval of the score, of this value alone.
    behind
        Score of the setting's best value minus its own.
    behind_interval
        95% interval of ``behind`` that holds at once for all pairs of values of all settings; None for the best value.
    """

    value: str
    score: float
    interval: Interval
    behind: float
    behind_interval: Interval | None


@dataclass(frozen=True)
class SettingEffect:
    """The effect of one setting.

    Attributes
    ----------
    setting
        Its title.
    values
        Its values, in order of size if they are numbers, otherwise as given.
    combinations
        Number of combinations of the other settings that were averaged: those that were run with every one of ``values``.
    combinations_left_out
        Number of combinations that were run with some of ``values`` only, and are not averaged.
    values_left_out
        Values that share no such combination with the others.
    with_own
        Other settings that belong to the values of this one, for example the kernels of one network among several. Each
        value is averaged over what it was run with, so its effect includes theirs.
    """

    setting: str
    values: list[ValueEffect]
    combinations: int
    combinations_left_out: int
    values_left_out: list[str]
    with_own: list[str]

    @property
    def best(self) -> ValueEffect:
        """The value with the highest score; the first of several."""
        return max(self.values, key=lambda one: one.score)

    @property
    def worst(self) -> ValueEffect:
        """The value with the lowest score; the last of several."""
        return min(reversed(self.values), key=lambda one: one.score)

    @property
    def range(self) -> float:
        """Score of the best value minus that of the worst."""
        return self.worst.behind

    @property
    def significant(self) -> bool:
        """Whether the best value is distinguished from any other."""
        return _lower_end(self.contrast) > 0

    @property
    def contrast(self) -> ValueEffect:
        """The value to name next to the best: the worst, or another if only that one is distinguished from the best."""
        clearest = max(self.values, key=_lower_end)
        return self.worst if _lower_end(self.worst) > 0 or _lower_end(clearest) <= 0 else clearest


def _lower_end(one: ValueEffect) -> float:
    return -np.inf if one.behind_interval is None else one.behind_interval[0]


@dataclass(frozen=True)
class Interaction:
    """Two settings of which the effect of one depends on the other: the clearest example of a significant dependence.

    Attributes
    ----------
    setting
        The setting that changes.
    values
        Its value before and after.
    other
        The setting on which the effect depends.
    other_values
        Two of its values.
    changes
        Change of the score from the first to the second of ``values``, at each of ``other_values``.
    difference
        The second change minus the first.
    interval
        95% interval of ``difference`` that holds at once for all such differences of all pairs of settings.
    """

    setting: str
    values: tuple[str, str]
    other: str
    other_values: tuple[str, str]
    changes: tuple[float, float]
    difference: float
    interval: Interval


@dataclass(frozen=True)
class Effects:
    """Effects of all settings of a grid.

    Attributes
    ----------
    settings
        The settings, the one with the largest range first.
    unseparated
        Settings whose effect cannot be separated from the others': no two values were run with equal other settings.
    interactions
        For each pair of settings with a significant dependence, the clearest example; the clearest first.
    interactions_tested
        How many differences of differences were tested; None if there were too many to test.
    """

    settings: list[SettingEffect]
    unseparated: list[str]
    interactions: list[Interaction]
    interactions_tested: int | None

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """Return the effects that ``dataclasses.asdict`` and JSON turned into lists."""
        settings = [
            SettingEffect(**{**one, "values": [_value_from(value) for value in one["values"]]})
            for one in content["settings"]
        ]
        pairs = ("values", "other_values", "changes", "interval")
        interactions = [
            Interaction(**{**one, **{name: tuple(one[name]) for name in pairs}})
            for one in content["interactions"]
        ]
        return cls(settings, content["unseparated"], interactions, content["interactions_tested"])


def _value_from(content: Mapping[str, Any]) -> ValueEffect:
    behind = content["behind_interval"]
    ends = {
        "interval": tuple(content["interval"]),
        "behind_interval": None if behind is None else tuple(behind),
    }
    return ValueEffect(**{**content, **ends})


def effects(
    settings: Mapping[str, Sequence[str | None]],
    configurations: Sequence[NDArray[np.integer]],
    score: Score = "uf1",
    belonging: Mapping[str, Collection[str]] | None = None,
    n: int = RESAMPLES,
    seed: int = 0,
) -> Effects:
    """Return the effect of each setting on the score, with the other settings averaged (main effects of a factorial design).

    A value's score is the mean over the combinations of the other settings, each with equal weight; a combination's score
    is the mean over its seeds. Values of a setting are compared like with like: if runs are missing, only those
    combinations of the other settings are averaged that were run with all of its values. Where these are fewer than half,
    values that share the fewest are left out. So no model of the scores is assumed, and for a complete grid the results are
    its marginal means (Montgomery, "Design and Analysis of Experiments", 8th edition, 2013, chapter 5).

    Intervals resample subjects, the same in each resample for all configurations, as ``ranking.rank`` does: differences
    are paired. Intervals of differences hold for all pairs of values of all settings at once (max-t), so the largest
    difference can be picked after looking at all.

    *An average can mislead where the effect of one setting depends on another.* So for each two values of a setting and
    each two of another, the changes of the score are compared, over all of them at once (max-t).

    The intervals describe other subjects. They do not describe other seeds, other databases or values that were not tried.

    Parameters
    ----------
    settings
        For each setting that varies, its value in each configuration; None where a configuration does not use it.
    configurations
        For each configuration, the confusion matrices of its runs by subject, (runs, subjects, classes, classes), with at
        least one run. All have the same subjects in the same order.
    score
        The score.
    belonging
        Settings that belong to a setting and may differ between its values, for example the settings of a network to the
        network. They are averaged within each of its values if it cannot be separated from them otherwise.
    n
        Number of resamples.
    seed
        The same seed gives the same result.

    Raises
    ------
    InputError
        As ``ranking.rank``, or values for another number of configurations.

    Examples
    --------
    >>> good = np.tile(np.diag([2, 2, 2]), (1, 4, 1, 1))
    >>> bad = np.tile([[2, 0, 0], [2, 0, 0], [2, 0, 0]], (1, 4, 1, 1))
    >>> settings = {"Rate": ["1", "1", "2", "2"], "Size": ["a", "b", "a", "b"]}
    >>> [rate, size] = effects(settings, [bad, bad, good, good], n=100).settings
    >>> [(one.value, round(one.score, 3)) for one in rate.values], round(rate.range, 3), size.range
    ([('1', 0.167), ('2', 1.0)], 0.833, 0.0)
    """
    subjects = count_subjects(configurations)
    for title, values in settings.items():
        if len(values) != len(configurations):
            raise InputError(
                f"“{title}” has {len(values)} values, but there are {len(configurations)} configurations. "
                "Give one value per configuration."
            )
    observed = observed_means(configurations, score)
    inside = weighted_means(configurations, resamples(subjects, n, seed), score)
    parts, unseparated = main_effect_parts(settings, belonging or {})
    found = sorted(_effects_of(parts, observed, inside, subjects), key=lambda one: -one.range)
    contrasts = interaction_contrasts(settings)
    if contrasts is None:
        return Effects(found, unseparated, [], None)
    return Effects(found, unseparated, _interactions(contrasts, observed, inside, subjects), len(contrasts))


def _effects_of(
    parts: Sequence[Part], observed: NDArray[np.float64], inside: NDArray[np.float32], subjects: int
) -> list[SettingEffect]:
    """Return the effects of settings. ``observed`` is (configurations,), ``inside`` (resamples, configurations)."""
    scores = [part.weights @ observed for part in parts]
    drawn = [inside @ part.weights.T.astype(np.float32) for part in parts]
    errors = [pair_errors(own) for own in drawn]
    largest = [
        largest_deviations((own - score).astype(np.float32), error)
        for own, score, error in zip(drawn, scores, errors, strict=True)
    ]
    if not parts:
        return []
    factor = simultaneous_quantile(np.maximum.reduce(largest), subjects)
    found = []
    for part, score, own, error in zip(parts, scores, drawn, errors, strict=True):
        best = int(score.argmax())
        values = []
        for i, value in enumerate(part.values):
            interval, behind, margin = (
                interval_of(own[:, i]),
                float(score[best] - score[i]),
                factor * error[best, i],
            )
            assert interval is not None  # noqa: S101  each subject has samples, so each resample has a score
            apart = None if i == best else (behind - float(margin), behind + float(margin))
            values.append(ValueEffect(value, float(score[i]), interval, behind, apart))
        found.append(
            SettingEffect(
                part.setting, values, part.combinations, part.left_out, part.values_left_out, part.with_own
            )
        )
    return found


def _interactions(
    contrasts: Sequence[Contrast], observed: NDArray[np.float64], inside: NDArray[np.float32], subjects: int
) -> list[Interaction]:
    """Return the clearest significant example of each pair of settings, the clearest first."""
    if not contrasts:
        return []
    covariance = np.atleast_2d(np.cov(inside, rowvar=False))
    deviations = (inside - observed).astype(np.float32)
    largest = np.zeros(len(inside), dtype=np.float32)
    values, errors = np.empty(len(contrasts)), np.empty(len(contrasts))
    for start in range(0, len(contrasts), _CHUNK):
        weights = np.stack([one.weights for one in contrasts[start : start + _CHUNK]])
        own = slice(start, start + len(weights))
        values[own] = weights @ observed
        errors[own] = np.sqrt(
            np.maximum(np.einsum("ij,jk,ik->i", weights, covariance, weights, optimize=True), 0)
        )
        differ = errors[own] > 1e-6  # contrasts that are always alike have no standard error
        if differ.any():
            scaled = (weights[differ] / errors[own][differ, None]).astype(np.float32)
            np.maximum(largest, np.abs(deviations @ scaled.T).max(axis=1), out=largest)
    factor = simultaneous_quantile(largest, subjects)
    clearest: dict[tuple[str, str], tuple[float, int]] = {}
    for i, one in enumerate(contrasts):
        margin = factor * errors[i]
        if errors[i] > 1e-6 and abs(values[i]) > margin:
            pair = (one.setting, one.other)
            clearest[pair] = max(clearest.get(pair, (0.0, i)), (abs(values[i]) / errors[i], i))
    found = []
    for _, i in sorted(clearest.values(), reverse=True):
        one, margin = contrasts[i], float(factor * errors[i])
        first, second = (float(weights @ observed) for weights in one.changes)
        difference = second - first
        interval = (difference - margin, difference + margin)
        found.append(
            Interaction(
                one.setting, one.values, one.other, one.other_values, (first, second), difference, interval
            )
        )
    return found
