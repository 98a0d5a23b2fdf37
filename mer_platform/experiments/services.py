"""What a researcher does with experiments: launch, pause, resume, cancel, add seeds, clone, run again."""

from collections.abc import Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet

from mer_platform.composites.models import CompositeVersion
from mer_platform.configurations.parsing import parse_sweep
from mer_platform.experiments import steps
from mer_platform.experiments.models import Experiment, Fold, Run
from mer_platform.experiments.planned_runs import (
    PlannedRun,
    planned,
    planned_sweep,
    queue_for,
)
from mer_platform.jobs.models import Job
from mer_platform.projects.models import AuditEvent
from mer_platform.web import actor
from models_ml.config import RunConfig, SweepConfig


def launch(version: CompositeVersion, config: RunConfig, user: Any, name: str = "") -> Run:
    """Launch a single run: an experiment of one, which trains a final model as well.

    Raises ValidationError where the version's samples do not allow the protocol, by the field of the configuration.
    """
    plan = planned(version, [config])
    sweep = SweepConfig(base=config.model_dump(mode="json"))
    experiment = _launch(version, sweep, plan, user, name, 0, Experiment.Device.AUTO)
    return experiment.runs.get()


def launch_experiment(
    version: CompositeVersion,
    sweep: SweepConfig,
    user: Any,
    name: str = "",
    priority: int = 0,
    device: str = Experiment.Device.AUTO,
) -> Experiment:
    """Store a sweep's runs and their folds, and queue the first jobs.

    Raises ValidationError where the version's samples do not allow a protocol: ``{"base.protocol": …}``; or where
    ``priority`` or ``device`` is out of range.
    """
    Experiment(priority=priority, device=device).clean_fields(
        exclude=["project", "version", "name", "sweep", "queue", "created_by"]
    )
    return _launch(version, sweep, planned_sweep(version, sweep), user, name, priority, device)


def add_seeds(experiment: Experiment, seeds: Sequence[int], user: Any) -> list[Run]:
    """Run every combination under more seeds as well. Returns the new runs.

    Raises ValidationError where a seed is none, or all of them were run already.
    """
    with transaction.atomic():
        experiment = Experiment.objects.select_for_update().get(pk=experiment.pk)
        runs = experiment.runs.all()
        there = sorted(set(runs.values_list("seed", flat=True)))
        sweep = parse_sweep({**experiment.sweep, "seeds": [*there, *(s for s in seeds if s not in there)]})
        known = set(runs.values_list("config_hash", flat=True))
        new = [
            run for run in planned_sweep(experiment.version, sweep) if run.config.content_hash() not in known
        ]
        if not new:
            raise ValidationError({"seeds": f"Every combination was run under {_listed(seeds)} already."})
        experiment.sweep = sweep.model_dump(mode="json")
        experiment.round += 1
        experiment.save(update_fields=["sweep", "round"])
        added = _store_runs(experiment, sweep, new, user)
        AuditEvent.record(
            experiment.project, user, f"added {_listed(seeds)} to {experiment}: {len(added)} runs"
        )
    return added


def clone(experiment: Experiment) -> SweepConfig:
    """The sweep, to launch another like it. Raises ValidationError where it is of an older form of settings."""
    return parse_sweep(experiment.sweep)


def pause(experiment: Experiment, user: Any) -> bool:
    """Begin nothing more of it; bundles in training go on to their end. False where there is nothing to pause."""
    with transaction.atomic():
        experiment = Experiment.objects.select_for_update().get(pk=experiment.pk)
        if experiment.paused or not experiment.active:
            return False
        experiment.paused = True
        experiment.save(update_fields=["paused"])
        Job.hold_group(experiment.group)
        AuditEvent.record(experiment.project, user, f"paused {experiment}")
    return True


def resume(experiment: Experiment, user: Any) -> bool:
    """Go on where it was paused. False where it was not."""
    with transaction.atomic():
        experiment = Experiment.objects.select_for_update().get(pk=experiment.pk)
        if not experiment.paused:
            return False
        experiment.paused = False
        experiment.save(update_fields=["paused"])
        Job.release_group(experiment.group)
        AuditEvent.record(experiment.project, user, f"resumed {experiment}")
    return True


def cancel_experiment(experiment: Experiment, user: Any) -> bool:
    """Cancel all of its runs that are active. False where there are none."""
    with transaction.atomic():
        experiment = Experiment.objects.select_for_update().get(pk=experiment.pk)
        runs = _locked_active(experiment.runs.all())
        for run in runs:
            _stop(run)
        if runs:
            steps.drop_idle_jobs(experiment.pk)
            experiment.paused = False
            experiment.save(update_fields=["paused"])
            # A bundle that stops with its worker is taken up once more, to be ended.
            Job.release_group(experiment.group)
            AuditEvent.record(experiment.project, user, f"cancelled {experiment}")
    return bool(runs)


def cancel(run: Run, user: Any) -> bool:
    """Stop a run: what has not begun never will, what runs stops at its next epoch. What is done stays.

    A bundle that trains folds of other runs as well goes on for them. False where there is nothing to stop.
    """
    with transaction.atomic():
        runs = _locked_active(Run.objects.filter(pk=run.pk))
        for found in runs:
            _stop(found)
            steps.drop_idle_jobs(found.experiment_id)
            AuditEvent.record(found.project, user, f"cancelled run {found}")
    return bool(runs)


def rerun_failed(experiment: Experiment, user: Any) -> list[Run]:
    """Run the failed runs of an experiment again; their finished folds are kept. Returns those runs."""
    with transaction.atomic():
        experiment = Experiment.objects.select_for_update().get(pk=experiment.pk)
        runs = _run_again(experiment, experiment.runs.all())
        if runs:
            AuditEvent.record(experiment.project, user, f"ran {len(runs)} failed runs of {experiment} again")
    return runs


def rerun(run: Run, user: Any) -> bool:
    """Run one failed run again, whatever the others of its experiment do; its finished folds are kept.

    False where it has not failed, or was run again already.
    """
    with transaction.atomic():
        experiment = Experiment.objects.select_for_update().get(pk=run.experiment_id)
        runs = _run_again(experiment, experiment.runs.filter(pk=run.pk))
        if runs:
            AuditEvent.record(experiment.project, user, f"ran run {run} again")
    return bool(runs)


def train_model(run: Run, user: Any) -> bool:
    """Train a finished run's configuration on all samples. False where it is not finished, or has a model."""
    with transaction.atomic():
        run = Run.objects.select_for_update().get(pk=run.pk)
        if run.state != Run.State.FINISHED or getattr(run, "model", None) is not None:
            return False
        run.error = ""
        run.save(update_fields=["error"])
        steps.queue_model(run)
        AuditEvent.record(run.project, user, f"asked for the model of run {run}")
    return True


def _launch(
    version: CompositeVersion,
    sweep: SweepConfig,
    plan: list[PlannedRun],
    user: Any,
    name: str,
    priority: int,
    device: str,
) -> Experiment:
    with transaction.atomic():
        experiment = Experiment.objects.create(
            project=version.project,
            version=version,
            name=(name.strip() or _name(sweep, plan))[:120],
            sweep=sweep.model_dump(mode="json"),
            priority=priority,
            device=device,
            queue=queue_for(device),
            created_by=actor(user),
        )
        runs = _store_runs(experiment, sweep, plan, user)
        what = f"run {runs[0]}" if len(runs) == 1 else str(experiment)
        AuditEvent.record(experiment.project, user, f"launched {what} on {version}")
    return experiment


def _store_runs(experiment: Experiment, sweep: SweepConfig, plan: list[PlannedRun], user: Any) -> list[Run]:
    runs = Run.objects.bulk_create(
        Run(
            project=experiment.project,
            version=experiment.version,
            experiment=experiment,
            name=(experiment.name if len(plan) == 1 else run_name(sweep, item.config))[:120],
            config=item.config.model_dump(mode="json"),
            config_hash=item.config.content_hash(),
            seed=item.config.seed,
            features_hash=item.config.features.content_hash(),
            apex_jitter=item.config.train.apex_jitter,
            created_by=actor(user),
        )
        for item in plan
    )
    Fold.objects.bulk_create(
        Fold(run=run, index=i, name=fold.name, multiply_adds=work)
        for run, item in zip(runs, plan, strict=True)
        for i, (fold, work) in enumerate(zip(item.folds, item.work(), strict=True))
    )
    steps.start(experiment, runs)
    return runs


def _run_again(experiment: Experiment, runs: "QuerySet[Run]") -> list[Run]:
    """Queue those of the runs that failed once more. The experiment's row is locked.

    Their folds leave the bundles that they were in, which go on for the folds of other runs.
    """
    failed = list(runs.select_for_update().filter(state=Run.State.FAILED).order_by("pk"))
    if not failed:
        return []
    experiment.round += 1
    experiment.save(update_fields=["round"])
    for run in failed:
        run.state, run.error = Run.State.FEATURES, ""
        run.training_started_at = run.finished_at = None
        run.features_hash = run.settings.features.content_hash()  # the code may be newer than the run
        run.save(update_fields=["state", "error", "training_started_at", "finished_at", "features_hash"])
        run.folds.exclude(state=Fold.State.DONE).update(
            state=Fold.State.WAITING, job=None, epochs_done=0, started_at=None
        )
    steps.start(experiment, failed)
    return failed


def _stop(run: Run) -> None:
    """Cancel an active run whose row is locked; one that lacks only its final model is finished without it."""
    if run.state == Run.State.FINISHING:
        steps.finish(run)
    else:
        steps.end(run, Run.State.CANCELLED)


def _locked_active(runs: Any) -> list[Run]:
    return list(runs.select_for_update().filter(state__in=Run.ACTIVE).order_by("pk"))


def _name(sweep: SweepConfig, plan: list[PlannedRun]) -> str:
    if len(plan) == 1:
        return plan[0].config.net.describe()
    return f"{' × '.join([*sweep.grid, *(['seed'] if len(sweep.seeds) > 1 else [])])}, {len(plan)} runs"


def run_name(sweep: SweepConfig, config: RunConfig) -> str:
    """The network, and what else is varied."""
    others = [f"{path.rpartition('.')[2]} {value}" for path, value in sweep.varied(config).items() if not (
        path == "net" or path.startswith("net.")
    )]  # fmt: skip
    return ", ".join([config.net.describe(), *others])


def _listed(seeds: Sequence[int]) -> str:
    return f"seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))}"
