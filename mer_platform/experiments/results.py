"""Metrics of runs, always recomputed from their stored predictions."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from mer_platform.composites.models import Sample
from mer_platform.configurations.display import protocol_in_words
from mer_platform.experiments.models import Prediction, Run
from models_ml.classes import CLASSES
from models_ml.errors import InputError
from models_ml.evaluation.metrics import ClassScore, Evaluation, Scores, evaluate
from models_ml.evaluation.paired import Paired, compare
from models_ml.evaluation.ranking import Ranking, Score, rank
from models_ml.evaluation.uncertainty import Intervals, Named, subject_bootstrap, subject_confusions

Labels = tuple[int, ...]  # positions in CLASSES, in the order of the version's samples


@dataclass(frozen=True)
class Results:
    """The metrics of one run, their intervals, and the predictions that are wrong."""

    evaluation: Evaluation
    all_intervals: Intervals
    wrong: list[Prediction]

    @property
    def intervals(self) -> Named:
        """The intervals of UF1, UAR and accuracy over all samples."""
        return self.all_intervals.overall

    @property
    def databases(self) -> list[tuple[str, Scores, Named]]:
        """Name, scores and intervals of each database."""
        own = self.all_intervals.per_database
        return [(name, scores, own[name]) for name, scores in self.evaluation.per_database.items()]

    @property
    def classes(self) -> list[tuple[str, ClassScore, Named]]:
        """Name, scores and intervals of each class."""
        own = self.all_intervals.per_class
        return [(name, score, own[name]) for name, score in self.evaluation.per_class.items()]

    def as_json(self) -> dict[str, Any]:
        return {
            **self.evaluation.to_dict(),
            "classes": list(CLASSES),
            "intervals_95": self.intervals,
            "intervals_95_per_database": self.all_intervals.per_database,
            "intervals_95_per_class": self.all_intervals.per_class,
        }


def results_of(run: Run) -> Results:
    """Compute a run's metrics, pooled over all folds, with 95% intervals from a bootstrap over subjects.

    UF1 and UAR are defined as in See et al., "MEGC 2019: The Second Facial Micro-Expressions Grand Challenge", FG 2019. The
    intervals resample subjects, not samples, because the samples of one person are not independent.
    """
    predictions = list(run.predictions.select_related("sample").order_by("sample__index"))
    true = tuple(CLASSES.index(p.sample.label) for p in predictions)
    pred = tuple(CLASSES.index(p.predicted) for p in predictions)
    subjects = tuple(p.sample.subject_key for p in predictions)
    databases = tuple(p.sample.database for p in predictions)
    return Results(
        evaluation=evaluate(true, pred, databases, subjects),
        all_intervals=_intervals(true, pred, subjects, databases),
        wrong=[p for p in predictions if not p.correct],
    )


@lru_cache(maxsize=128)
def _intervals(
    true: Labels, pred: Labels, subjects: tuple[str, ...], databases: tuple[str, ...]
) -> Intervals:
    """Cached by content, so never stale: a page and its figures ask for the same intervals."""
    return subject_bootstrap(true, pred, subjects, databases)


@dataclass(frozen=True)
class AlignedPredictions:
    """Predictions of runs on one version with one protocol, sample by sample."""

    true: Labels
    subjects: tuple[str, ...]
    predicted: tuple[Labels, ...]  # one per run


def align_predictions(runs: Sequence[Run]) -> AlignedPredictions:
    """Return the runs' predictions in the order of the version's samples.

    Raises InputError, with the runs and the reason, if there are no runs, if a run has no scores, or if runs differ in
    version or protocol.
    """
    _check_comparable(runs)
    rows = (
        Prediction.objects.filter(run__in=runs)
        .order_by("sample__index")
        .values_list(
            "run", "sample__index", "sample__label", "sample__database", "sample__subject", "predicted"
        )
    )
    samples: dict[int, tuple[str, str]] = {}
    predicted: dict[int, dict[int, int]] = {run.pk: {} for run in runs}
    for run_id, index, label, database, subject, predicted_label in rows.iterator():
        if index not in samples:
            samples[index] = (label, Sample(database=database, subject=subject).subject_key)
        predicted[run_id][index] = CLASSES.index(predicted_label)
    for run in runs:
        if len(predicted[run.pk]) != len(samples):
            raise InputError(
                f"{run} predicted only {len(predicted[run.pk])} of the {len(samples)} samples of the other runs. "
                "Only runs tested on the same samples can be compared."
            )
    return AlignedPredictions(
        true=tuple(CLASSES.index(label) for label, _ in samples.values()),
        subjects=tuple(subject for _, subject in samples.values()),
        predicted=tuple(tuple(predicted[run.pk].values()) for run in runs),
    )


def _check_comparable(runs: Sequence[Run]) -> None:
    if not runs:
        raise InputError("There are no runs to compare.")
    for run in runs:
        if not run.scored:
            raise InputError(f"{run} has no scores to compare; it is {run.get_state_display()}.")
    first, words = runs[0], protocol_in_words(runs[0].settings)
    for run in runs[1:]:
        if run.version_id != first.version_id:
            raise InputError(
                f"{first} is on {first.version}, {run} on {run.version}. Runs are compared sample by sample, "
                "so choose runs on the same version."
            )
        if protocol_in_words(run.settings) != words:
            raise InputError(
                f"{first} is tested by “{words}”, {run} by “{protocol_in_words(run.settings)}”. Their networks were "
                "trained on different samples, so choose runs with the same protocol."
            )


def paired(first: Run, second: Run) -> Paired:
    """Compare the second run with the first, on the same resamples of subjects.

    Raises InputError as ``align_predictions`` does.
    """
    both = align_predictions([first, second])
    return _paired(both.true, *both.predicted, both.subjects)


@lru_cache(maxsize=128)
def _paired(true: Labels, first: Labels, second: Labels, subjects: tuple[str, ...]) -> Paired:
    return compare(true, first, second, subjects)


def group_by_configuration(runs: Sequence[Run]) -> list[list[Run]]:
    """Group runs that differ only in their seed. Groups and runs are ordered by age, the oldest first."""
    groups: dict[str, list[Run]] = {}
    for run in sorted(runs, key=lambda run: run.pk):
        config = {name: value for name, value in run.config.items() if name != "seed"}
        groups.setdefault(json.dumps(config, sort_keys=True), []).append(run)
    return list(groups.values())


def rank_configurations(groups: Sequence[Sequence[Run]], *scores: Score) -> list[Ranking]:
    """Rank configurations, given as groups of runs, by each of the scores. ``index`` is the position of a group.

    ``models_ml.evaluation.ranking`` describes the fields. ``behind_interval`` holds for all pairs at once, so comparing many
    configurations does not make one of them win by chance.
    Raises InputError as ``align_predictions`` does, and if there are fewer than two subjects.
    """
    together, sizes = align_predictions([run for group in groups for run in group]), tuple(map(len, groups))
    return [_rank(together, sizes, score) for score in scores]


@lru_cache(maxsize=16)
def _rank(runs: AlignedPredictions, sizes: tuple[int, ...], score: Score) -> Ranking:
    """Cached by content: an experiment's page asks on every visit."""
    counts = np.stack([subject_confusions(runs.true, pred, runs.subjects) for pred in runs.predicted])
    ends = np.cumsum(sizes)
    return rank([counts[end - size : end] for size, end in zip(sizes, ends, strict=True)], score)
