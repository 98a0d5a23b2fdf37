"""Queues ``training`` and ``gpu``, kind ``bundle``: folds of an experiment, trained side by side."""

import time
from collections.abc import Sequence

import numpy as np
from django.utils import timezone

from mer_platform.composites.models import Sample
from mer_platform.configurations.display import network_in_words
from mer_platform.experiments import steps
from mer_platform.experiments.models import Experiment, Fold, Prediction, Run
from mer_platform.jobs.broker import GPU_QUEUE
from mer_platform.jobs.models import Claim, Job, JobCancelled
from models_ml.classes import CLASSES
from models_ml.errors import InputError
from models_ml.training.engine import Cancelled, EpochReport, FoldResult, FoldTask, train_bundle
from models_ml.training.folds import FoldSpec, plan
from workers.environment import environment
from workers.fold_weights import FoldNetwork, refer, serialise
from workers.runner import handles
from workers.training_data import run_data

PROGRESS_INTERVAL_SECONDS = 1.0  # epochs can take milliseconds; pages poll every few seconds


def bundle_failed(job: Job, reason: str) -> None:
    """Fail all runs of the bundle: their networks have one shape, so what fails for one fails for all."""
    runs = Run.objects.filter(pk__in=job.folds.values("run"))
    steps.fail_runs(job.payload["experiment"], runs, reason)


def bundle_subject(job: Job) -> str:
    """Describe the bundle by the network of its first run: all have one shape."""
    fold = job.folds.select_related("run").first()
    return (
        f"Training {network_in_words(fold.run.settings)}"
        if fold
        else "Training a bundle that no run waits for"
    )


@handles("bundle", failed=bundle_failed, subject=bundle_subject)
def train(claim: Claim) -> None:
    """Train a bundle's folds without their test samples, predict these samples, and commit all results at once.

    A fold whose training diverges fails only its own run.
    """
    if steps.hold_if_paused(claim, claim.job.payload["experiment"]):
        return
    folds = _start(claim)
    configs = {fold.run_id: fold.run.settings for fold in folds}
    run = folds[0].run
    samples, data = run_data(run)
    # The plan is equal for all runs of a bundle.
    specs = plan(run.settings, data.subjects, [sample.database for sample in samples])
    tasks = [FoldTask(configs[fold.run_id], specs[fold.index]) for fold in folds]
    started = time.monotonic()
    device = "auto" if claim.job.queue == GPU_QUEUE else "cpu"
    try:
        results = train_bundle(
            data,
            specs,
            tasks,
            on_epoch=ProgressReporter(claim, folds),
            should_stop=claim.should_stop,
            device=device,
        )
    except Cancelled as stop:
        raise JobCancelled(str(stop)) from stop
    seconds = (time.monotonic() - started) / len(folds)
    networks = _serialised(claim.job.payload["experiment"], results)
    where = environment(device)
    predictions: list[Prediction] = []
    saved: dict[int, FoldNetwork] = {}
    with steps.finishing_bundle(claim) as wanted:
        for fold, task, result, network in zip(folds, tasks, results, networks, strict=True):
            if fold.run_id not in wanted:
                continue
            if isinstance(result, InputError) or network is None:
                steps.end(wanted.pop(fold.run_id), Run.State.FAILED, str(result))
                steps.drop_idle_jobs(claim.job.payload["experiment"])
                continue
            fold.seconds, fold.weights_sha256 = seconds, network.sha256
            saved[fold.pk] = network
            _save(fold, result)
            predictions += _predictions(fold, task.fold, samples, result)
        Prediction.objects.filter(fold__in={p.fold_id for p in predictions}).delete()
        Prediction.objects.bulk_create(predictions)
        refer(saved)
        Run.objects.filter(pk__in=wanted).update(environment=where)


def _start(claim: Claim) -> list[Fold]:
    """Mark the folds that a run still waits for as running. Raises JobCancelled if there are none."""
    with claim.commit() as job:
        wanted = job.folds.filter(run__state=Run.State.TRAINING).exclude(state=Fold.State.DONE)
        folds = list(wanted.select_related("run__version").order_by("run_id", "index"))
        # Only if they still belong to this job: a run that failed and runs again has moved its folds to other jobs.
        job.folds.filter(pk__in=[fold.pk for fold in folds]).update(
            state=Fold.State.RUNNING, attempt=claim.attempt, started_at=timezone.now(), epochs_done=0
        )
        for fold in folds:
            fold.attempt = claim.attempt
    if not folds:
        raise JobCancelled("No run waits for these folds.")
    return folds


def _serialised(experiment: int, results: Sequence[FoldResult | InputError]) -> list[FoldNetwork | None]:
    """Return the network of each fold, stored if the experiment keeps them; None for one that diverged."""
    keep = Experiment.objects.filter(pk=experiment, keep_weights=True).exists()
    return [None if isinstance(result, InputError) else serialise(result.model, keep) for result in results]


def _predictions(
    fold: Fold, spec: FoldSpec, samples: Sequence[Sample], result: FoldResult
) -> list[Prediction]:
    """Return the predictions of the fold's network for the samples that it has not seen."""
    return [
        Prediction(
            run_id=fold.run_id,
            fold=fold,
            sample=samples[position],
            probabilities=[float(p) for p in probabilities],
            predicted=CLASSES[int(np.argmax(probabilities))],
        )
        for position, probabilities in zip(spec.test, result.probabilities, strict=True)
    ]


def _save(fold: Fold, result: FoldResult) -> None:
    fold.state, fold.epochs_done = Fold.State.DONE, len(result.losses)
    fold.losses = [float(loss) for loss in result.losses]
    fold.validation_losses = [float(loss) for loss in result.validation_losses]
    fold.epoch = result.epoch
    fold.oracle = None if result.oracle is None else result.oracle.tolist()
    fold.save()


class ProgressReporter:
    """Stores which epoch the folds of a bundle have finished, at most once per interval."""

    def __init__(self, claim: Claim, folds: Sequence[Fold]) -> None:
        self._claim, self._folds = claim, folds
        self._last = time.monotonic()

    def __call__(self, epoch: EpochReport) -> None:
        if time.monotonic() - self._last < PROGRESS_INTERVAL_SECONDS:
            return
        self._last = time.monotonic()
        self._claim.progress(epoch.number, self._folds[0].run.settings.train.epochs)
        mine = {"job": self._claim.job, "attempt": self._claim.attempt, "state": Fold.State.RUNNING}
        Fold.objects.filter(**mine).update(epochs_done=epoch.number)
