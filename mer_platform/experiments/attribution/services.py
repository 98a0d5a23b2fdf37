"""Requesting attributions of a run's samples, and cancelling them. A worker computes them."""

from typing import Any

from django.db import transaction
from django.utils import timezone

from mer_platform.experiments.models import Attribution, Experiment, Fold, FoldWeights, Run
from mer_platform.jobs.models import Job
from mer_platform.projects.models import AuditEvent
from mer_platform.web import actor
from models_ml.attribution.config import AttributionConfig
from models_ml.attribution.summary import Summary
from models_ml.errors import InputError

QUEUE = "training"  # its workers load PyTorch anyway
LAUNCH_AGAIN = (
    "Launch the run again with “Keep the networks of folds: Yes”: the same seed gives the same networks."
)


def why_not(run: Run) -> str:
    """Return why the samples of a run cannot be attributed by any method; empty if they can."""
    if run.is_external:
        return "The predictions of this run were made by other code, so there are no networks to ask."
    if refusal := run.version.refusal("attribute its samples"):
        return refusal
    if not run.scored:
        return f"The run is {run.get_state_display()}. Attribution needs the predictions of all folds."
    folds = Fold.objects.filter(run=run, predictions__isnull=False).distinct().count()
    kept, _ = FoldWeights.objects.filter(fold__run=run).totals()
    if kept < folds:
        which = f"Of {folds} networks, {kept} are kept" if kept else "The networks of its folds are not kept"
        when = (
            "removed, or made before networks were kept" if run.experiment.keep_weights else "not asked for"
        )
        return f"{which} ({when}). {LAUNCH_AGAIN}"
    return ""


def why_not_by(run: Run, method: str) -> str:
    """Return why a method does not fit the network of a run, which is not external; empty if it does."""
    if method == "gradients" and not run.settings.net.trained_by_gradient:
        return (
            f"{run.settings.net.title} is fitted and has no gradients to integrate. Choose occlusion, which works for "
            "any network."
        )
    return ""


def request(run: Run, config: AttributionConfig, user: Any) -> tuple[Attribution, bool]:
    """Request the attributions of a run's samples. Return them, and whether a job was queued for it.

    The same method with the same settings is computed once; what failed or was cancelled continues where it stopped.
    Raises InputError if it is not possible.
    """
    with transaction.atomic():
        run = Run.objects.select_for_update(of=("self",)).select_related("experiment").get(pk=run.pk)
        found = run.attributions.filter(config_hash=config.content_hash()).first()
        if found is not None and found.state in (Attribution.State.WAITING, Attribution.State.DONE):
            return found, False
        if reason := why_not(run) or why_not_by(run, config.method):
            raise InputError(f"Cannot compute the attribution. {reason}")
        if found is None:
            found = Attribution.objects.create(
                run=run,
                config=config.model_dump(mode="json"),
                config_hash=config.content_hash(),
                created_by=actor(user),
            )
        found.round += 1
        found.state, found.error = Attribution.State.WAITING, ""
        found.job = Job.enqueue(
            "attribution",
            QUEUE,
            run.project_id,
            f"{found.group}:{found.round}",
            found.group,
            {"attribution": found.pk},
            priority=Experiment.HIGHEST + Job.LAST_STEP,  # a person waits for it, for a minute or a few
        )
        found.save(update_fields=["round", "state", "error", "job"])
        AuditEvent.record(run.project, user, f"requested {found}")
    return found, True


def cancel(attribution: Attribution, user: Any) -> bool:
    """Stop computing. What is done is kept for another request. Return False if there is nothing to stop."""
    with transaction.atomic():
        found = Attribution.objects.select_for_update(of=("self",)).get(pk=attribution.pk)
        if not found.waiting:
            return False
        found.state = Attribution.State.CANCELLED
        found.save(update_fields=["state"])
        Job.cancel_group(found.group)
        AuditEvent.record(found.run.project, user, f"cancelled {found}")
    return True


def fail(attribution_id: int, reason: str) -> None:
    """Mark attributions as failed, if someone waits for them."""
    waiting = Attribution.objects.filter(pk=attribution_id, state=Attribution.State.WAITING)
    waiting.update(state=Attribution.State.FAILED, error=reason, finished_at=timezone.now())


def finish(attribution: Attribution, file: str, size: int, summary: Summary) -> None:
    """Save the result. The row is locked."""
    attribution.state, attribution.finished_at = Attribution.State.DONE, timezone.now()
    attribution.file, attribution.size, attribution.summary = file, size, summary.as_json()
    attribution.save(update_fields=["state", "finished_at", "file", "size", "summary"])
    attribution.pieces.all().delete()


def summary_of(attribution: Attribution) -> Summary:
    """Return the summary of attributions that are done."""
    if attribution.summary is None:
        raise InputError(
            f"The {attribution} is {attribution.get_state_display()}: there is nothing to show yet."
        )
    return Summary.from_json(attribution.summary)
