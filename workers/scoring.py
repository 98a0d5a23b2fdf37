"""Queue ``scoring``, kind ``score``: apply a model to clips, and record the frames that it used."""

import logging
import time
from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone

from mer_platform.jobs.models import Claim, Job, JobCancelled
from mer_platform.registry.models import ModelVersion
from mer_platform.scoring.models import ScoringBatch, ScoringItem
from mer_platform.scoring.services import fail_items, finish_if_done, locked
from models_ml.errors import InputError
from models_ml.motion.spotting import THRESHOLD
from models_ml.outages import raise_outage
from models_ml.training.model import TrainedModel
from workers.model_facts import ensure_facts
from workers.runner import handles
from workers.scoring_frames import known_frames
from workers.scoring_limits import warnings_for
from workers.scoring_models import MODELS
from workers.scoring_steps import Step, scored

log = logging.getLogger(__name__)
State, Outcome, FramesFrom = ScoringItem.State, ScoringItem.Outcome, ScoringItem.FramesFrom
COMMIT_SECONDS = 1.0  # between two commits of a job's results, so that a page shows progress
RESULT = (
    "state", "waits_for", "onset", "apex", "frames_from", "spotter_confidence", "outcome", "predicted",
    "probabilities", "confidence", "margin", "entropy", "member_disagreement", "warnings", "timings", "error_code",
    "error", "finished_at",
)  # fmt: skip


def items_failed(job: Job, reason: str) -> None:
    """Fail the items of a job that has failed for good."""
    if batch := locked(job.payload["batch"]):
        fail_items(batch, batch.items.filter(pk__in=job.payload["items"]), "job_failed", reason)


@handles("score", failed=items_failed)
def score(claim: Claim) -> None:
    """Score the clips of a job; one that cannot be scored records why, and does not stop the others."""
    batch = ScoringBatch.objects.select_related("model__run").filter(pk=claim.job.payload["batch"]).first()
    if batch is None:
        raise JobCancelled("the batch was deleted")
    found = batch.items.filter(pk__in=claim.job.payload["items"], state=State.WAITING)
    items = list(found.select_related("clip__subject__database"))
    ScoringBatch.objects.filter(pk=batch.pk, state=ScoringBatch.State.WAITING).update(
        state=ScoringBatch.State.RUNNING
    )
    try:
        model = MODELS.get(batch.model.file)
    except InputError as error:
        raise_outage(error)
        reason = InputError(f"The {batch.model} cannot be used. {error}", "model_not_readable")
        _save(claim, batch.pk, [_failed(item, reason) for item in items], is_last=True)
        return
    _complete(batch.model)
    _score(claim, batch, model, items)


def _complete(version: ModelVersion) -> None:
    """Compute the limits and the temperature of a model of an earlier version, which has none."""
    try:
        ensure_facts(version)
    except (InputError, FileNotFoundError) as error:  # its training data cannot be read
        raise_outage(error)
        log.warning("the %s is used without limits: %s", version, error)


def _score(claim: Claim, batch: ScoringBatch, model: TrainedModel, items: Sequence[ScoringItem]) -> None:
    known = zip(items, known_frames(items), strict=True)
    steps = [Step(item, item.clip, frames) for item, frames in known if item.clip is not None]
    temperature = batch.model.temperature if batch.calibrated else None
    unsaved: list[ScoringItem] = []
    committed = time.monotonic()
    for group in scored(steps, model, temperature):
        claim.check()
        unsaved += [_with_result(step, batch.model, model) for step in group]
        if time.monotonic() - committed >= COMMIT_SECONDS:
            _save(claim, batch.pk, unsaved, is_last=False)
            unsaved, committed = [], time.monotonic()
    _save(claim, batch.pk, unsaved, is_last=True)


def _with_result(step: Step, version: ModelVersion, model: TrainedModel) -> ScoringItem:
    item = step.item
    item.timings = {name: round(ms, 2) for name, ms in step.timings.items()}
    if step.frames is not None:
        item.onset, item.apex, item.frames_from = step.frames.onset, step.frames.apex, step.frames.source
        item.spotter_confidence = step.frames.confidence
    if step.certainty is None or step.frames is None or step.features is None:
        return _failed(item, step.error or InputError("The clip could not be scored.", "internal_error"))
    found = step.certainty
    by_class = {name: float(p) for name, p in zip(model.classes, found.probabilities, strict=True)}
    item.probabilities, item.predicted = by_class, max(by_class, key=lambda name: by_class[name])
    item.confidence, item.margin, item.entropy = found.confidence, found.margin, found.entropy
    item.member_disagreement = found.disagreement
    item.outcome = Outcome.EXPRESSION
    least = version.limits.get("no_expression_below")
    if item.spotter_confidence is not None and item.spotter_confidence < (
        THRESHOLD if least is None else least
    ):
        item.outcome = Outcome.NO_EXPRESSION
    item.warnings = warnings_for(step.frames, step.clip, step.features, version.limits)
    item.state, item.waits_for, item.finished_at = State.DONE, "", timezone.now()
    return item


def _failed(item: ScoringItem, reason: InputError) -> ScoringItem:
    item.state, item.waits_for, item.finished_at = State.FAILED, "", timezone.now()
    item.error, item.error_code = str(reason), reason.code or "clip_not_readable"
    return item


def _save(claim: Claim, batch_id: int, items: Sequence[ScoringItem], is_last: bool) -> None:
    """Save results; none of items that were cancelled, or deleted with their clip, since then. Raises LeaseLost."""
    with transaction.atomic():
        batch = locked(batch_id)
        if batch is None:
            raise JobCancelled("the batch was deleted")
        with claim.commit() as job:
            ids = [item.pk for item in items]
            waiting = ScoringItem.objects.select_for_update().filter(pk__in=ids, state=State.WAITING)
            still = set(waiting.values_list("pk", flat=True))
            # One statement. Updates of all columns by id would be one per item.
            ScoringItem.objects.bulk_create(
                [item for item in items if item.pk in still],
                update_conflicts=True,
                unique_fields=["id"],
                update_fields=RESULT,
            )
            if is_last:
                claim.finish(job)
            finish_if_done(batch)
