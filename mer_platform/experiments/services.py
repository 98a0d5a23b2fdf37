"""A run from launch to finish: features, then a job a fold, then the final model.

Each step is queued by whoever finished the one before, in the same transaction, under keys that cannot repeat.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from pydantic import ValidationError as ConfigError

from mer_platform.composites.models import CompositeVersion
from mer_platform.experiments.models import Fold, Run
from mer_platform.features.services import sample_ranges
from mer_platform.jobs.models import Claim, Job
from mer_platform.projects.models import AuditEvent
from models_ml.config import RunConfig, field_path
from models_ml.training.folds import plan


def parse_config(data: Any) -> RunConfig:
    """A validated configuration. Raises ValidationError with one sentence a field: ``{"net.kernels.1": …}``."""
    try:
        return RunConfig.model_validate(data)
    except ConfigError as error:
        raise ValidationError(by_field(error)) from error


def by_field(error: ConfigError) -> dict[str, str]:
    """What is wrong with a configuration: a sentence for each field, by its place in it."""
    return {field_path(e["loc"]): e["msg"] for e in error.errors()}


def launch(version: CompositeVersion, config: RunConfig, user: Any, name: str = "") -> Run:
    """Store the run and its folds, and queue its first jobs."""
    samples = list(version.samples.order_by("index"))
    with transaction.atomic():
        run = Run.objects.create(
            project=version.project,
            version=version,
            name=(name.strip() or config.net.describe())[:120],
            config=config.model_dump(mode="json"),
            config_hash=config.content_hash(),
            created_by=user if user and user.pk else None,
        )
        Fold.objects.bulk_create(
            Fold(run=run, index=i, name=fold.name)
            for i, fold in enumerate(
                plan(config, [s.subject_key for s in samples], [s.database for s in samples])
            )
        )
        for start, end in sample_ranges(samples):
            _enqueue(run, "features", start, {"samples": [start, end]})
        AuditEvent.record(run.project, user, f"launched run {run} on {version}")
    return run


@contextmanager
def finishing(claim: Claim, run_id: int) -> Iterator[None]:
    """Commit the result of one of a run's jobs, end the job, and queue what comes next: all or nothing.

    The run's row is locked before the job's, as in ``cancel`` and ``fail``: another order would deadlock with them.
    Raises LeaseLost.
    """
    with transaction.atomic():
        run = Run.objects.select_for_update().get(pk=run_id)
        with claim.commit() as job:
            yield
            claim.finish(job)
            advance(run)


def advance(run: Run) -> None:
    """Queue what comes next, if all of the present step is done. The run's row is locked."""
    if not run.active or _open_jobs(run).exists():
        return
    if run.state == Run.State.FEATURES:
        run.state, run.training_started_at = Run.State.TRAINING, timezone.now()
        for fold in run.folds.all():
            _enqueue(run, "fold", fold.index, {"fold": fold.index})
    elif run.state == Run.State.TRAINING:
        run.state = Run.State.FINISHING
        _enqueue(run, "model", 0, {})
    else:
        run.state, run.finished_at = Run.State.FINISHED, timezone.now()
    run.save(update_fields=["state", "training_started_at", "finished_at"])


def fail(run_id: int, reason: str) -> None:
    """End the run with a reason, and what is left of its jobs."""
    changed = Run.objects.filter(pk=run_id, state__in=Run.ACTIVE).update(
        state=Run.State.FAILED, error=reason, finished_at=timezone.now()
    )
    if changed:
        Job.cancel_group(f"run:{run_id}")


def cancel(run: Run, user: Any) -> bool:
    """Stop a run: what has not begun never will, what runs stops at its next epoch. What is done stays."""
    with transaction.atomic():
        changed = Run.objects.filter(pk=run.pk, state__in=Run.ACTIVE).update(
            state=Run.State.CANCELLED, finished_at=timezone.now()
        )
        if changed:
            Job.cancel_group(run.group)
            AuditEvent.record(run.project, user, f"cancelled run {run}")
    return bool(changed)


def _enqueue(run: Run, kind: str, number: int, payload: dict[str, Any]) -> None:
    queue = "features" if kind == "features" else "training"
    Job.enqueue(
        kind, queue, run.project_id, f"{run.group}:{kind}:{number}", run.group, {"run": run.pk, **payload}
    )


def _open_jobs(run: Run) -> Any:
    return Job.objects.filter(group=run.group, state__in=Job.OPEN)
