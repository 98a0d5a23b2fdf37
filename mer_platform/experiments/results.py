"""Metrics of runs: computed once from their predictions, then stored."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

import numpy as np
from django.db.models import F
from numpy.typing import NDArray

from mer_platform.composites.models import CompositeVersion, Sample
from mer_platform.experiments.models import Prediction, Run, StoredResults
from models_ml.classes import CLASSES
from models_ml.errors import InputError
from models_ml.evaluation import METRICS_VERSION
from models_ml.evaluation.metrics import ClassScore, Evaluation, Scores, evaluate
from models_ml.evaluation.paired import Paired, compare_with_first
from models_ml.evaluation.ranking import Ranking, Score, rank
from models_ml.evaluation.uncertainty import Intervals, Named, subject_bootstrap, subject_confusions

ABSENT = "-"  # where a run has no prediction of a sample
Labels = tuple[int, ...]  # positions in CLASSES, in the order of the version's samples


@dataclass(frozen=True)
class Results:
    """The metrics of one run, their intervals, and its predictions.

    ``predicted`` has the predicted class of each sample of the version, as ``StoredResults`` does.
    """

    run: Run
    evaluation: Evaluation
    all_intervals: Intervals
    predicted: str
    stored: StoredResults

    @cached_property
    def wrong(self) -> list[Prediction]:
        """The predictions that are wrong, in the order of the version's samples."""
        wrong = self.run.predictions.exclude(predicted=F("sample__label"))
        return list(wrong.select_related("sample").order_by("sample__index"))

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
            **self.stored.evaluation,
            "classes": list(CLASSES),
            "intervals_95": self.intervals,
            "intervals_95_per_database": self.all_intervals.per_database,
            "intervals_95_per_class": self.all_intervals.per_class,
        }


def results_of(run: Run) -> Results:
    """Return a scored run's metrics, pooled over all folds, with 95% intervals from a bootstrap over subjects.

    UF1 and UAR are defined as in See et al., "MEGC 2019: The Second Facial Micro-Expressions Grand Challenge", FG 2019. The
    intervals resample subjects, not samples, because the samples of one person are not independent. They are read from the
    database; if they are missing or were computed by other code, they are computed and stored.
    """
    stored = getattr(run, "stored_results", None)
    if stored is None or stored.code != METRICS_VERSION:
        stored = _store(run)
    evaluation, intervals = Evaluation.from_dict(stored.evaluation), Intervals.from_dict(stored.intervals)
    return Results(run, evaluation, intervals, stored.predicted, stored)


def _store(run: Run) -> StoredResults:
    """Compute and store a run's metrics. Two processes that do so at once store the same."""
    samples = samples_of(run.version)
    predicted = dict(run.predictions.values_list("sample__index", "predicted"))
    digits = "".join(
        str(CLASSES.index(predicted[index])) if index in predicted else ABSENT
        for index in range(len(samples))
    )
    tested = [sample for sample, digit in zip(samples, digits, strict=True) if digit != ABSENT]
    true = [sample.true for sample in tested]
    pred = [int(digit) for digit in digits if digit != ABSENT]
    subjects, databases = [s.subject for s in tested], [s.database for s in tested]
    evaluation = evaluate(true, pred, databases, subjects)
    content = {
        "code": METRICS_VERSION,
        "uf1": evaluation.uf1,
        "uar": evaluation.uar,
        "accuracy": evaluation.accuracy,
        "evaluation": evaluation.to_dict(),
        "intervals": asdict(subject_bootstrap(true, pred, subjects, databases)),
        "predicted": digits,
    }
    run.stored_results = StoredResults.objects.update_or_create(run=run, defaults=content)[0]
    return run.stored_results


class KnownSample(NamedTuple):
    """What metrics need of a sample. ``true`` is a position in ``CLASSES``; ``subject`` includes the database."""

    true: int
    subject: str
    database: str


def samples_of(version: CompositeVersion) -> tuple[KnownSample, ...]:
    """Return the samples of a version in their order."""
    return _samples(version.pk, version.content_hash, version.withdrawn_samples)


@lru_cache(maxsize=32)
def _samples(version_id: int, content_hash: str, withdrawn: int) -> tuple[KnownSample, ...]:
    """Kept, since a version is frozen: only a withdrawal changes it, which replaces names."""
    rows = (
        Sample.objects.filter(version=version_id)
        .order_by("index")
        .values_list("label", "database", "subject")
    )
    return tuple(
        KnownSample(CLASSES.index(label), Sample(database=database, subject=subject).subject_key, database)
        for label, database, subject in rows
    )


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
    return _align(runs, predicted_classes(runs))


def _align(runs: Sequence[Run], predicted: Sequence[str]) -> AlignedPredictions:
    """Align what comparable runs predicted. Raises InputError if they did not predict the same samples."""
    _check_samples(runs, predicted)
    samples = samples_of(runs[0].version)
    tested = [index for index, digit in enumerate(predicted[0]) if digit != ABSENT]
    return AlignedPredictions(
        true=tuple(samples[index].true for index in tested),
        subjects=tuple(samples[index].subject for index in tested),
        predicted=tuple(tuple(int(digits[index]) for index in tested) for digits in predicted),
    )


def _check_samples(runs: Sequence[Run], predicted: Sequence[str]) -> None:
    tested = [{index for index, digit in enumerate(digits) if digit != ABSENT} for digits in predicted]
    together = set().union(*tested)
    for run, own in zip(runs, tested, strict=True):
        if len(own) != len(together):
            raise InputError(
                f"{run} predicted only {len(own)} of the {len(together)} samples of the other runs. "
                "Only runs tested on the same samples can be compared."
            )


def predicted_classes(runs: Sequence[Run]) -> list[str]:
    """Return ``StoredResults.predicted`` of each run, without its metrics, which are much larger."""
    known = [run._state.fields_cache.get("stored_results") for run in runs]
    if all(row and row.code == METRICS_VERSION and "predicted" in row.__dict__ for row in known):
        return [row.predicted for row in known if row]  # no query: the runs came with them
    stored = dict(
        StoredResults.objects.filter(run__in=runs, code=METRICS_VERSION).values_list("run", "predicted")
    )
    return [stored[run.pk] if run.pk in stored else results_of(run).predicted for run in runs]


def _check_comparable(runs: Sequence[Run]) -> None:
    if not runs:
        raise InputError("There are no runs to compare.")
    for run in runs:
        if not run.scored:
            raise InputError(f"{run} has no scores to compare; it is {run.get_state_display()}.")
    first = runs[0]
    for run in runs[1:]:
        if run.version_id != first.version_id:
            raise InputError(
                f"{first} is on {first.version}, {run} on {run.version}. Runs are compared sample by sample, "
                "so choose runs on the same version."
            )
        if run.protocol != first.protocol:
            raise InputError(
                f"{first} is tested by “{first.protocol}”, {run} by “{run.protocol}”. Their networks were "
                "trained on different samples, so choose runs with the same protocol."
            )


def paired_with_first(runs: Sequence[Run]) -> list[Paired | InputError]:
    """Compare each of the other runs with the first, on one set of resamples of subjects, or say why it cannot be.

    All runs must have scores.
    """
    predicted = dict(zip(runs, predicted_classes(runs), strict=True))
    alike, errors = split_comparable(runs, list(predicted.values()))
    found: dict[int, Paired | InputError] = dict(errors)
    if comparable := alike[1:]:
        together = _align(alike, [predicted[run] for run in alike])
        try:
            pairs: Sequence[Paired | InputError] = _paired(
                together.true, together.predicted, together.subjects
            )
        except InputError as error:  # a single subject
            pairs = [error] * len(comparable)
        found |= {run.pk: pair for run, pair in zip(comparable, pairs, strict=True)}
    return [found[run.pk] for run in runs[1:]]


def split_comparable(
    runs: Sequence[Run], predicted: Sequence[str]
) -> tuple[list[Run], dict[int, InputError]]:
    """Return the runs that can be compared with the first sample by sample (and the first), and why others cannot, by id.

    ``predicted`` is that of each run. All runs must have scores.
    """
    alike, errors = [runs[0]], {}
    for run, own in zip(runs[1:], predicted[1:], strict=True):
        try:
            _check_comparable([runs[0], run])
            _check_samples([runs[0], run], [predicted[0], own])
            alike.append(run)
        except InputError as error:
            errors[run.pk] = error
    return alike, errors


@lru_cache(maxsize=32)
def _paired(true: Labels, predicted: tuple[Labels, ...], subjects: tuple[str, ...]) -> tuple[Paired, ...]:
    return tuple(compare_with_first(true, predicted[0], predicted[1:], subjects))


def group_by_configuration(runs: Sequence[Run]) -> list[list[Run]]:
    """Group runs that differ only in their seed. Groups and runs are ordered by age, the oldest first.

    Each external run is a group of its own: nothing says that two of them are the same method.
    """
    groups: dict[str, list[Run]] = {}
    for run in sorted(runs, key=lambda run: run.pk):
        own = {"external": run.pk} if run.config is None else run.config
        config = {name: value for name, value in own.items() if name != "seed"}
        groups.setdefault(json.dumps(config, sort_keys=True), []).append(run)
    return list(groups.values())


def rank_configurations(groups: Sequence[Sequence[Run]], *scores: Score) -> list[Ranking]:
    """Rank configurations, given as groups of runs, by each of the scores. ``index`` is the position of a group.

    ``models_ml.evaluation.ranking`` describes the fields. ``behind_interval`` holds for all pairs at once, so comparing many
    configurations does not make one of them win by chance.
    Raises InputError as ``align_predictions`` does, and if there are fewer than two subjects.
    """
    counts = configuration_confusions(groups)
    return [rank(counts, score) for score in scores]


def configuration_confusions(groups: Sequence[Sequence[Run]]) -> list[NDArray[np.int64]]:
    """Return the confusion matrices of the runs of each group by subject, (runs, subjects, classes, classes).

    Raises InputError as ``align_predictions`` does.
    """
    together = align_predictions([run for group in groups for run in group])
    counts = np.stack(
        [subject_confusions(together.true, pred, together.subjects) for pred in together.predicted]
    )
    ends = np.cumsum([len(group) for group in groups])
    return [counts[end - len(group) : end] for group, end in zip(groups, ends, strict=True)]
