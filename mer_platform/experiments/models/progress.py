"""How far runs and experiments are: for any number of them in the same few queries."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.db.models import Count, F, Q, Sum

from mer_platform.features.models import FeatureRange
from mer_platform.jobs.models import Job

if TYPE_CHECKING:
    from mer_platform.experiments.models.experiments import Experiment
    from mer_platform.experiments.models.runs import Run

Progress = dict[str, Any]
_NO_FOLDS = {"folds_total": 0, "folds_done": 0, "folds_running": 0, "folds_failed": 0}


def progress_of_runs(runs: Sequence["Run"]) -> dict[int, Progress]:
    """Count folds and features done and in total, by run. ``seconds_left`` is None while it is unknown."""
    counted = _folds("run", [run.pk for run in runs])
    experiments = {run.experiment_id: run.experiment for run in runs}
    running, ranges = _running_bundles(experiments.values()), _ranges(experiments.values())
    found = {}
    for run in runs:
        own = counted.get(run.pk, _NO_FOLDS)
        left = _seconds_left(own, running, run.experiment) if run.state == run.State.TRAINING else None
        features = [row for row in ranges[run.group] if row[:2] == (run.features_hash, run.apex_jitter)]
        found[run.pk] = {**_counts(own), "seconds_left": left, **FeatureRange.progress_of(features)}
    return found


def progress_of_experiments(experiments: Sequence["Experiment"]) -> dict[int, Progress]:
    """Count runs, folds and features done and in total, by experiment. ``seconds_left`` is None while it is unknown.

    ``round_done`` and ``round_total`` count folds that ended, done or not, since runs were last added or run again: their
    share never decreases and their total does not move until the next time.
    Experiments without the counts of ``with_counts`` cost a query each.
    """
    counted = _folds("run__experiment", [experiment.pk for experiment in experiments])
    running, ranges = _running_bundles(experiments), _ranges(experiments)
    found = {}
    for experiment in experiments:
        runs, own = experiment.run_counts, counted.get(experiment.pk, _NO_FOLDS)
        found[experiment.pk] = {
            "runs_total": runs["total"],
            "runs_done": runs["total"] - runs["active"],
            "runs_failed": runs["failed"],
            **_counts(own),
            "round_done": max(0, own["folds_done"] + own.get("given_up", 0) - experiment.folds_before),
            "round_total": max(0, own["folds_total"] - experiment.folds_before),
            "seconds_left": _seconds_left(own, running, experiment),
            **FeatureRange.progress_of(ranges[experiment.group]),
        }
    return found


def _folds(owner: str, ids: Iterable[int]) -> dict[int, Progress]:
    """Count folds by state, and add up their work and time, by the id of ``owner``: a field, or a field of the run."""
    fold, run = (apps.get_model("experiments", name) for name in ("Fold", "Run"))  # they import this module
    done = Q(state=fold.State.DONE)
    wanted = Q(run__state__in=run.ACTIVE) & ~done
    rows = (
        fold.objects.filter(**{f"{owner}__in": list(ids)})
        .order_by()
        .values(owner)
        .annotate(
            folds_total=Count("pk"),
            folds_done=Count("pk", filter=done),
            folds_running=Count("pk", filter=Q(state=fold.State.RUNNING)),
            folds_failed=Count("pk", filter=Q(state=fold.State.FAILED)),
            given_up=Count("pk", filter=Q(run__state__in=run.ENDED_EARLY) & ~done),
            work_done=Sum(F("multiply_adds"), filter=done),
            work_left=Sum(F("multiply_adds"), filter=wanted),
            spent=Sum("seconds", filter=done),
        )
    )
    return {row[owner]: row for row in rows}


def _counts(folds: Progress) -> Progress:
    return {name: folds[name] for name in _NO_FOLDS}


def _seconds_left(folds: Progress, running: dict[str, int], experiment: "Experiment") -> float | None:
    """Estimate the seconds until all folds are done from the pace of the finished ones."""
    work_done, work_left, spent = (folds.get(name) or 0 for name in ("work_done", "work_left", "spent"))
    bundles = running.get(experiment.group, 0)
    if not work_done or not bundles or experiment.paused:
        return None
    return spent / work_done * work_left / bundles


def _running_bundles(experiments: Iterable["Experiment"]) -> dict[str, int]:
    """Return the number of bundles in training, by the group of the experiment."""
    groups = [experiment.group for experiment in experiments]
    jobs = Job.objects.filter(group__in=groups, kind="bundle", state=Job.State.RUNNING).order_by()
    return dict(jobs.values("group").annotate(number=Count("pk")).values_list("group", "number"))


def _ranges(experiments: Iterable["Experiment"]) -> defaultdict[str, list[Any]]:
    """Return the rows that ``FeatureRange.progress_of`` takes, by the group of the experiment."""
    groups = [experiment.group for experiment in experiments]
    found = defaultdict(list)
    columns = ("job__group", *FeatureRange.PROGRESS_COLUMNS)
    rows = FeatureRange.objects.filter(job__group__in=groups).order_by("pk").values_list(*columns)
    for group, *row in rows:
        found[group].append(tuple(row))
    return found
