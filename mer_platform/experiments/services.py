"""What a researcher does with experiments: launch, pause, resume, cancel, add seeds, clone and run again."""

from collections.abc import Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q, QuerySet

from mer_platform.composites.models import CompositeVersion
from mer_platform.configurations.parsing import parse_sweep
from mer_platform.experiments import steps
from mer_platform.experiments.models import Experiment, Fold, Run
from mer_platform.experiments.planned_runs import (
    PlannedRun,
    keeps_weights,
    plan_runs,
    plan_sweep,
    queue_for,
)
from mer_platform.jobs.models import Job
from mer_platform.projects.models import AuditEvent
from mer_platform.web import actor
from models_ml.config import RunConfig, SweepConfig
from models_ml.errors import InputError


def launch(
    version: CompositeVersion,
    config: RunConfig,
    user: Any,
    name: str = "",
    keep_weights: str = Experiment.KeepWeights.AUTO,
) -> Run:
    """Launch a single run, which trains a final model as well, as an experiment of its own.

    Raises ValidationError by field of the configuration if the version's samples do not allow the protocol.
    """
    plan = plan_runs(version, [config])
    sweep = SweepConfig(base=config.model_dump(mode="json"))
    experiment = _launch(version, sweep, plan, user, name, 0, Experiment.Device.AUTO, keep_weights)
    return experiment.runs.get()


def launch_experiment(
    version: CompositeVersion,
    sweep: SweepConfig,
    user: Any,
    name: str = "",
    priority: int = 0,
    device: str = Experiment.Device.AUTO,
    keep_weights: str = Experiment.KeepWeights.AUTO,
) -> Experiment:
    """Store a sweep's runs and their folds, and queue the first jobs.

    Raises ValidationError if the version's samples do not allow a protocol (``{"base.protocol": …}``), or if ``priority`` or
    ``device`` is out of range.
    """
    Experiment(priority=priority, device=device).clean_fields(
        exclude=["project", "version", "name", "sweep", "queue", "created_by"]
    )
    return _launch(version, sweep, plan_sweep(version, sweep), user, name, priority, device, keep_weights)


def add_seeds(experiment: Experiment, seeds: Sequence[int], user: Any) -> list[Run]:
    """Run every combination with more seeds. Return the new runs. What was deleted does not come back.

    Raises ValidationError if one is not a seed, or if all combinations were run with these seeds before.
    """
    if experiment.is_external:
        raise ValidationError(
            {"seeds": f"{experiment} holds an external run, which the platform cannot run."}
        )
    with transaction.atomic():
        experiment = Experiment.objects.select_for_update().get(pk=experiment.pk)
        runs = experiment.runs.all()
        stored = sorted(set(runs.values_list("seed", flat=True)))
        sweep = parse_sweep(
            {**(experiment.sweep or {}), "seeds": [*stored, *(s for s in seeds if s not in stored)]}
        )
        known = {run.settings.content_hash() for run in runs}  # stored hashes may be of other code
        combinations = {_without_seed(run.settings) for run in runs}
        new = [
            run
            for run in plan_sweep(experiment.version, sweep)
            if run.config.seed in seeds
            and run.config.content_hash() not in known
            and _without_seed(run.config) in combinations
        ]
        if not new:
            raise ValidationError({"seeds": f"Every combination has already been run with {_listed(seeds)}."})
        experiment.sweep = sweep.model_dump(mode="json")
        _start_round(experiment, "sweep")
        added = _store_runs(experiment, sweep, new, user)
        AuditEvent.record(
            experiment.project, user, f"added {_listed(seeds)} to {experiment}: {len(added)} runs"
        )
    return added


def clone(experiment: Experiment) -> SweepConfig:
    """Return the sweep, to launch it again. Raises ValidationError if there is none, or if it is of an older form."""
    if experiment.is_external:
        raise ValidationError("It holds an external run, whose settings the platform does not know.")
    return parse_sweep(experiment.sweep)


def pause(experiment: Experiment, user: Any) -> bool:
    """Start none of its waiting jobs; bundles in training finish. Return False if there is nothing to pause."""
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
    """Continue a paused experiment. Return False if it is not paused."""
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
    """Cancel its active runs. Return False if there are none."""
    with transaction.atomic():
        experiment = Experiment.objects.select_for_update().get(pk=experiment.pk)
        runs = _locked_active(experiment.runs.all())
        for run in runs:
            _stop(run)
        if runs:
            steps.drop_idle_jobs(experiment.pk)
            experiment.paused = False
            experiment.save(update_fields=["paused"])
            # If the worker of a bundle dies while it stops, another one must be able to claim the job and end it.
            Job.release_group(experiment.group)
            AuditEvent.record(experiment.project, user, f"cancelled {experiment}")
    return bool(runs)


def cancel(run: Run, user: Any) -> bool:
    """Stop a run: waiting folds do not start, folds in training stop at their next epoch, finished folds stay.

    A bundle that also trains folds of other runs continues for them. Return False if there is nothing to stop.
    """
    with transaction.atomic():
        runs = _locked_active(Run.objects.filter(pk=run.pk))
        for found in runs:
            _stop(found)
            steps.drop_idle_jobs(found.experiment_id)
            AuditEvent.record(found.project, user, f"cancelled run {found}")
    return bool(runs)


def rerun_failed(experiment: Experiment, user: Any) -> list[Run]:
    """Run the failed runs of an experiment again, keeping their finished folds. Return these runs."""
    with transaction.atomic():
        experiment = Experiment.objects.select_for_update().get(pk=experiment.pk)
        runs = _run_again(experiment, experiment.runs.all())
        if runs:
            AuditEvent.record(experiment.project, user, f"ran {len(runs)} failed runs of {experiment} again")
    return runs


def rerun(run: Run, user: Any) -> bool:
    """Run one failed run again, keeping its finished folds. The other runs of its experiment are not affected.

    Return False if it has not failed, or has been run again since.
    """
    with transaction.atomic():
        experiment = Experiment.objects.select_for_update().get(pk=run.experiment_id)
        runs = _run_again(experiment, experiment.runs.filter(pk=run.pk))
        if runs:
            AuditEvent.record(experiment.project, user, f"ran run {run} again")
    return bool(runs)


def train_model(run: Run, user: Any) -> bool:
    """Train a finished run's configuration on all samples. Return False if it is not finished, or has a model.

    Raises InputError for an external run, and if a sample was withdrawn.
    """
    if run.is_external:
        raise InputError(f"Cannot train a model of {run}: its network is not part of the platform.")
    if refusal := run.version.refusal(f"train a model of {run}"):
        raise InputError(refusal)
    with transaction.atomic():
        run = Run.objects.select_for_update().get(pk=run.pk)
        if run.state != Run.State.FINISHED or run.ready_model is not None:
            return False
        run.error = ""
        run.save(update_fields=["error"])
        steps.queue_model(run)
        AuditEvent.record(run.project, user, f"requested the model of run {run}")
    return True


def _launch(
    version: CompositeVersion,
    sweep: SweepConfig,
    plan: list[PlannedRun],
    user: Any,
    name: str,
    priority: int,
    device: str,
    keep_weights: str,
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
            keep_weights=keeps_weights(keep_weights, plan),
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
    """Queue the failed ones among the runs again. The experiment's row is locked.

    Their folds leave their bundles, which continue for the folds of other runs.
    """
    failed = list(runs.select_for_update().filter(state=Run.State.FAILED).order_by("pk"))
    if not failed:
        return []
    for run in failed:
        run.state, run.error = Run.State.FEATURES, ""
        run.training_started_at = run.finished_at = None
        run.features_hash = run.settings.features.content_hash()  # the code may be newer than the run
        run.save(update_fields=["state", "error", "training_started_at", "finished_at", "features_hash"])
        run.folds.exclude(state=Fold.State.DONE).update(
            state=Fold.State.WAITING, job=None, epochs_done=0, started_at=None
        )
    _start_round(experiment)
    steps.start(experiment, failed)
    return failed


def _start_round(experiment: Experiment, *changed: str) -> None:
    """Count the folds that have ended, so that progress starts again, and save this and the changed fields."""
    folds = Fold.objects.filter(run__experiment=experiment)
    ended = Q(state=Fold.State.DONE) | Q(run__state__in=Run.ENDED_EARLY)
    experiment.round += 1
    experiment.folds_before = folds.filter(ended).count()
    experiment.save(update_fields=[*changed, "round", "folds_before"])


def _stop(run: Run) -> None:
    """Cancel an active run whose row is locked. If only its final model is missing, it finishes without it."""
    if run.state == Run.State.FINISHING:
        steps.finish(run)
    else:
        steps.end(run, Run.State.CANCELLED)


def _locked_active(runs: Any) -> list[Run]:
    return list(runs.select_for_update().filter(state__in=Run.ACTIVE).order_by("pk"))


def _name(sweep: SweepConfig, plan: list[PlannedRun]) -> str:
    if len(plan) == 1:
        return plan[0].config.net.describe()
    varied = [_setting(path) for path in sweep.grid] + (["seed"] if len(sweep.seeds) > 1 else [])
    return f"{' × '.join(varied)}, {len(plan)} runs"


def _setting(path: str) -> str:
    """Return a setting as it is called in a name: “learning rate” for train.learning_rate."""
    return path.rpartition(".")[2].replace("_", " ")


def run_name(sweep: SweepConfig, config: RunConfig) -> str:
    """Return the network and the values of the other settings that vary."""
    others = [
        f"{_setting(path)} {value}"
        for path, value in sweep.varied(config).items()
        if path != "net" and not path.startswith("net.")
    ]
    return ", ".join([config.net.describe(), *others])


def _without_seed(config: RunConfig) -> str:
    return config.model_copy(update={"seed": 0}).content_hash()


def _listed(seeds: Sequence[int]) -> str:
    return f"seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))}"
