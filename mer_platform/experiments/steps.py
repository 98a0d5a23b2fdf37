"""The steps of a run: features, then bundles of folds, then for a single run the final model.

The worker that finishes a step queues the next one, in the same transaction, under keys that cannot repeat. Rows are locked
in one order everywhere, so that nothing deadlocks: the experiment, its runs by id, the job.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from mer_platform.experiments.announcing import announce_end
from mer_platform.experiments.curves import curves_of_runs
from mer_platform.experiments.models import Experiment, Fold, Run
from mer_platform.experiments.results import group_by_configuration, results_of
from mer_platform.experiments.sweeps.effects import effects_of
from mer_platform.experiments.sweeps.ranking import ranking_of
from mer_platform.features.models import FeatureRange
from mer_platform.features.services import sample_ranges
from mer_platform.jobs.broker import GPU_QUEUE
from mer_platform.jobs.models import Claim, Job
from models_ml.config.bundles import bundle_key, max_members, split_into_bundles
from models_ml.errors import InputError


def start(experiment: Experiment, runs: list[Run]) -> None:
    """Queue the features of new runs, once for all runs that share them. The experiment's row is locked, or new."""
    ranges = sample_ranges(list(experiment.version.samples.order_by("index")))
    for (config_hash, jitter), run in {(run.features_hash, run.apex_jitter): run for run in runs}.items():
        config = run.settings.features.model_dump(mode="json")
        for begin, end in ranges:
            number = f"{config_hash[:12]}:{jitter}:{experiment.round}:{begin}"
            job = _enqueue(experiment, "features", "features", number, {"experiment": experiment.pk})
            FeatureRange.objects.create(
                version=experiment.version,
                config=config,
                config_hash=config_hash,
                apex_jitter=jitter,
                start=begin,
                end=end,
                job=job,
            )


@contextmanager
def finishing_features(claim: Claim, computed: int = 0) -> Iterator[None]:
    """Finish a job of features, and start training the runs whose features are now complete. Raises LeaseLost.

    ``computed`` is the number of flow images that were not in the cache. Estimates of time use it.
    """
    with transaction.atomic():
        experiment = Experiment.objects.select_for_update().get(pk=claim.job.payload["experiment"])
        runs = list(_locked(_waiting_for(claim.job.feature_range, experiment.runs.all())))
        with claim.commit() as job:
            yield
            claim.finish(job)
            claim.job.feature_range.finish(job, computed)
            if runs and not runs[0].feature_ranges().awaited().exists():
                _begin_training(experiment, runs)


@contextmanager
def finishing_bundle(claim: Claim) -> Iterator[dict[int, Run]]:
    """Commit the results of a bundle, finish the job and queue the next step: all or nothing. Raises LeaseLost.

    Yields the runs, by id, whose results are still wanted.
    """
    with transaction.atomic():
        runs = list(_locked(Run.objects.filter(pk__in=Fold.objects.filter(job=claim.job).values("run"))))
        with claim.commit() as job:
            yield {run.pk: run for run in runs if run.state == Run.State.TRAINING}
            claim.finish(job)
            for run in runs:
                run.refresh_from_db(fields=["state"])
                _after_fold(run)


@contextmanager
def finishing_model(claim: Claim, run_id: int) -> Iterator[None]:
    """Commit a run's final model and finish the job. Raises LeaseLost."""
    with transaction.atomic():
        run = Run.objects.select_for_update().get(pk=run_id)
        with claim.commit() as job:
            yield
            claim.finish(job)
            if run.state == Run.State.FINISHING:
                finish(run)


def fail_features(job: Job, reason: str) -> None:
    """Fail the runs that wait for these features. No run waits for a job that is asked to stop."""
    if FeatureRange.objects.filter(job=job).awaited().exists():
        experiment_id = job.payload["experiment"]
        runs = Run.objects.filter(experiment=experiment_id)
        fail_runs(experiment_id, _waiting_for(job.feature_range, runs), reason)


def hold_if_paused(claim: Claim, experiment_id: int) -> bool:
    """Put back a job that was claimed just before its experiment was paused. Return whether it was."""
    if not Experiment.objects.filter(pk=experiment_id, paused=True).exists():
        return False
    with transaction.atomic():
        experiment = Experiment.objects.select_for_update().filter(pk=experiment_id).first()
        if experiment is None or not experiment.paused:
            return False
        claim.hold()
        return True


def queue_model(run: Run) -> None:
    """Queue the training of the final model. The run's row is locked."""
    experiment = run.experiment
    number = f"{run.pk}:{run.model_job_id or 0}"  # unique: each of its jobs follows a different one
    payload = {"experiment": experiment.pk, "run": run.pk}
    run.model_job = _enqueue(experiment, "model", experiment.queue, number, payload, Job.LAST_STEP)
    run.state, run.finished_at = Run.State.FINISHING, None
    run.save(update_fields=["state", "finished_at", "model_job"])


def finish(run: Run) -> None:
    """Mark a run as finished. Its row is locked."""
    run.state, run.finished_at = Run.State.FINISHED, timezone.now()
    run.save(update_fields=["state", "finished_at"])
    announce_end(run)
    if settings.MLFLOW_TRACKING_URI:
        # In a group of its own, so that neither a pause nor the end of the experiment stops it.
        group, payload = f"mlflow:{run.pk}", {"experiment": run.experiment_id, "run": run.pk}
        Job.enqueue("mlflow", "scoring", run.experiment.project_id, group, group, payload)


def fail_runs(experiment_id: int, runs: "QuerySet[Run]", reason: str) -> None:
    """Fail the active ones among the experiment's runs with a reason, and cancel what is left of their jobs."""
    with transaction.atomic():
        for run in _locked(runs.filter(state__in=Run.ACTIVE)):
            end(run, Run.State.FAILED, reason)
        drop_idle_jobs(experiment_id)


def fail_model(run_id: int, reason: str) -> None:
    """Finish a run without its final model, which could not be trained, and record why."""
    with transaction.atomic():
        run = Run.objects.select_for_update().filter(pk=run_id).first()
        if run is not None and run.state == Run.State.FINISHING:
            run.error = f"The final model could not be trained: {reason}"
            run.save(update_fields=["error"])
            finish(run)


def end(run: Run, state: str, error: str = "") -> None:
    """End an active run early; its results stay. Its row is locked, and the caller calls ``drop_idle_jobs`` next."""
    run.state, run.error, run.finished_at = state, error, timezone.now()
    run.save(update_fields=["state", "error", "finished_at"])
    announce_end(run)
    after = Fold.State.FAILED if state == Run.State.FAILED else Fold.State.WAITING
    run.folds.filter(state=Fold.State.RUNNING).update(state=after)


def drop_idle_jobs(experiment_id: int) -> None:
    """Cancel the experiment's jobs that no active run waits for. A bundle continues for the other runs in it."""
    group = Experiment(pk=experiment_id).group
    runs = Run.objects.filter(experiment=experiment_id)
    training = Fold.objects.filter(run__in=runs.filter(state=Run.State.TRAINING), job__isnull=False)
    finishing = runs.filter(state=Run.State.FINISHING, model_job__isnull=False)
    wanted = Q(pk__in=training.values("job")) | Q(pk__in=finishing.values("model_job"))
    waiting = runs.filter(state=Run.State.FEATURES).order_by()
    for config_hash, jitter in waiting.values_list("features_hash", "apex_jitter").distinct():
        wanted |= Q(feature_range__config_hash=config_hash, feature_range__apex_jitter=jitter)
    Job.cancel(Job.objects.filter(group=group).exclude(wanted))


def _begin_training(experiment: Experiment, runs: list[Run]) -> None:
    now = timezone.now()
    for run in runs:
        run.state, run.training_started_at = Run.State.TRAINING, now
        run.save(update_fields=["state", "training_started_at"])
    _assign_to_bundles(experiment, runs)
    for run in runs:
        _after_fold(run)  # a run that is run again may have all its folds already


def _assign_to_bundles(experiment: Experiment, runs: list[Run]) -> None:
    """Assign the waiting folds to bundles. Folds of runs with the same ``bundle_key`` may share one."""
    by_key: dict[str, list[Run]] = {}
    for run in runs:
        by_key.setdefault(bundle_key(run.settings), []).append(run)
    waiting = Fold.objects.filter(state=Fold.State.WAITING)
    for group in by_key.values():
        folds = list(waiting.filter(run__in=group).values_list("pk", flat=True).order_by("run_id", "index"))
        config = group[0].settings
        most = max_members(config, gpu=experiment.queue == GPU_QUEUE)
        for bundle in split_into_bundles(folds, config.ensemble, most) if folds else []:
            _enqueue_bundle(experiment, f"{experiment.round}:{bundle[0]}", list(bundle))


def _enqueue_bundle(experiment: Experiment, number: str, folds: list[int]) -> None:
    payload = {"experiment": experiment.pk, "folds": folds}
    job = _enqueue(experiment, "bundle", experiment.queue, number, payload)
    Fold.objects.filter(pk__in=folds).update(job=job, state=Fold.State.WAITING)


def _after_fold(run: Run) -> None:
    """Start the next step if that was the run's last fold. Its row is locked."""
    if run.state != Run.State.TRAINING or run.folds.exclude(state=Fold.State.DONE).exists():
        return
    # Not inside the transaction: a bundle can finish dozens of runs. If the worker is killed, the first reader stores them.
    transaction.on_commit(partial(store_results, run), robust=True)
    if run.experiment.runs.count() == 1:
        queue_model(run)
    else:
        finish(run)


def store_results(run: Run) -> None:
    """Store the run's metrics and curves. After the last active run, store the ranking and the effects of its experiment."""
    results_of(run)
    curves_of_runs([run])
    store_ranking(run.experiment_id)


def store_ranking(experiment_id: int) -> None:
    """Store the ranking and the effects of an experiment, unless some of its runs will still get scores."""
    runs = Run.objects.filter(experiment=experiment_id)
    if runs.filter(state__in=(Run.State.FEATURES, Run.State.TRAINING)).exists():
        return
    scored = [run for run in runs.select_related("version") if run.scored]
    if runs.count() > 1:
        with suppress(InputError):  # the page says why these runs cannot be ranked
            experiment, groups = Experiment.objects.get(pk=experiment_id), group_by_configuration(scored)
            ranking_of(experiment, groups)
            if len(groups) > 1:
                effects_of(experiment, groups)


def _enqueue(
    experiment: Experiment, kind: str, queue: str, number: str, payload: dict[str, Any], ahead: int = 0
) -> Job:
    """Enqueue a job with the experiment's priority, plus ``ahead``."""
    return Job.enqueue(
        kind,
        queue,
        experiment.project_id,
        f"{experiment.group}:{kind}:{number}",
        experiment.group,
        payload,
        priority=experiment.priority + ahead,
        held=experiment.paused,
    )


def _waiting_for(features: FeatureRange, runs: "QuerySet[Run]") -> "QuerySet[Run]":
    """The runs that wait for these features."""
    return runs.filter(
        state=Run.State.FEATURES, features_hash=features.config_hash, apex_jitter=features.apex_jitter
    )


def _locked(runs: "QuerySet[Run]") -> "QuerySet[Run]":
    return runs.select_for_update().order_by("pk")
