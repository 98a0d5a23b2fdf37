"""What happens to scoring batches: they are started, cancelled, tried again and ended. The workers score their clips.

Rows are locked in one order, so that nothing deadlocks: clips, the batch, its jobs, its items.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from mer_platform.clips.models import Clip
from mer_platform.jobs.models import Job
from mer_platform.projects.models import AuditEvent
from mer_platform.registry.models import ModelVersion
from mer_platform.registry.services import why_not_usable
from mer_platform.scoring.models import FEW, ScoringBatch, ScoringItem, count_items, reset
from mer_platform.web import actor
from mer_platform.webhooks import services as webhooks

State, WaitsFor, FramesFrom = ScoringItem.State, ScoringItem.WaitsFor, ScoringItem.FramesFrom
QUEUE = "scoring"
EVENT = "scoring_batch.finished"
# Items of one job: as few as keep all workers busy to the end of a batch, but full groups of those whose flow a CPU solves
# together (``AT_ONCE`` of workers/feature_cache.py), and at most as many as a GPU takes at once.
LARGEST_JOB, JOBS_OF_A_BATCH, GROUP = 128, 16, 8


@dataclass(frozen=True)
class WantedClip:
    """A clip to score, with the frames to use if the caller gives them.

    Without a clip, ``source`` is the path, or the entry of the batch's archive, that a worker makes a clip of.
    """

    clip: Clip | None = None
    onset: int | None = None
    apex: int | None = None
    name: str = ""
    source: str = ""
    subject: str = ""
    fps: float | None = None

    def item(self, batch: ScoringBatch) -> ScoringItem:
        waits_for = WaitsFor.WORKER
        if self.clip is None:
            waits_for = WaitsFor.FILE
        elif self.clip.state == Clip.State.PROCESSING:
            waits_for = WaitsFor.CLIP
        return ScoringItem(
            batch=batch,
            clip=self.clip,
            onset=self.onset,
            apex=self.apex,
            frames_from=FramesFrom.GIVEN if self.apex is not None else "",
            name=self.name,
            source=self.source,
            subject=self.subject,
            fps=self.fps,
            in_training=self.clip is not None and self.clip.sha256 in batch.model.trained_on,
            waits_for=waits_for,
        )


def items_per_job(count: int) -> int:
    """Return how many of so many items one job scores.

    >>> [items_per_job(count) for count in (1, 4, 8, 100, 500, 1000, 10_000)]
    [1, 1, 2, 8, 32, 64, 128]
    """
    if count <= FEW:
        return max(1, count // 4)
    each = -(-count // JOBS_OF_A_BATCH)
    return min(LARGEST_JOB, -(-each // GROUP) * GROUP)


def start_batch(
    model: ModelVersion,
    wanted: Sequence[WantedClip],
    user: Any,
    leave_out_training: bool = False,
    **fields: Any,
) -> ScoringBatch:
    """Store a batch and queue its jobs.

    Parameters
    ----------
    leave_out_training
        Do not score clips that were in the model's training data.
    fields
        Further fields of the batch: ``name``, ``priority``, ``calibrated``, ``database``, ``archive``.

    Raises
    ------
    ValidationError
        The model cannot score clips, has no temperature although ``calibrated`` asks for it, or no clip is left.
    """
    check_model(model, bool(fields.get("calibrated")))
    if leave_out_training:
        wanted = [want for want in wanted if want.clip is None or want.clip.sha256 not in model.trained_on]
        if not wanted:
            raise ValidationError(
                {
                    "clips": f"All of these clips were in the training data of {model}, so none is left to score. Choose "
                    "other clips, or do not leave these out."
                }
            )
    with transaction.atomic():
        # A deletion of the model, its run or its experiment waits until the batch is there, or is seen here.
        rows = ModelVersion.objects.select_for_update(of=("self",), no_key=True).filter(pk=model.pk)
        if rows.values_list("pk").first() is None:
            raise ValidationError({"model": "The model was deleted in the meantime. Choose another one."})
        _lock_unread(want.clip for want in wanted if want.clip is not None)
        batch = ScoringBatch.objects.create(
            project_id=model.project_id, model=model, created_by=actor(user), **fields
        )
        items = ScoringItem.objects.bulk_create([want.item(batch) for want in wanted], batch_size=1000)
        queue_items(batch, items)
        count = f"{len(items):,} clips" if len(items) > 1 else "1 clip"
        AuditEvent.record(model.project, user, f"scored {count} with {model}")
    return batch


def check_model(model: ModelVersion, calibrated: bool) -> None:
    """Raise ValidationError for a model that cannot score clips, or not as asked."""
    if refusal := why_not_usable(model):
        raise ValidationError({"model": refusal})
    if calibrated and model.temperature is None:
        raise ValidationError(
            {
                "calibrated": f"The {model} has no temperature, because it has no held-out predictions to fit one on. Leave "
                "out “calibrated”, or choose a model of a run with predictions."
            }
        )


def queue_items(batch: ScoringBatch, items: Sequence[ScoringItem]) -> None:
    """Queue the jobs that fetch or score these waiting items. ``clip_ready`` queues those whose clips are being read."""
    priority = batch.job_priority(len(items))
    due = [item for item in items if item.waits_for == WaitsFor.WORKER]
    size = items_per_job(len(due))
    jobs = [
        _job(batch, "score", QUEUE, due[start : start + size], priority) for start in range(0, len(due), size)
    ]
    jobs += [
        _job(batch, "score-fetch", "ingest", [item], priority)
        for item in items
        if item.waits_for == WaitsFor.FILE
    ]
    Job.enqueue_many(jobs)


def _job(batch: ScoringBatch, kind: str, queue: str, items: Sequence[ScoringItem], priority: int) -> Job:
    # No two jobs of a round contain the same item.
    return Job(
        kind=kind,
        queue=queue,
        project_id=batch.project_id,
        key=f"{batch.group}:{kind}:{batch.round}:{items[0].pk}",
        group=batch.group,
        payload={"batch": batch.pk, "items": [item.pk for item in items]},
        priority=priority,
    )


def _lock_unread(clips: Iterable[Clip]) -> None:
    """Lock the clips whose frames were not read when they were looked up, and note how they are now.

    Otherwise their ingest could end before the items that wait for it are visible, which then would wait for ever.
    """
    unread = {clip.pk: clip for clip in clips if clip.state == Clip.State.PROCESSING}
    if unread:
        now = Clip.objects.select_for_update().filter(pk__in=unread).order_by("pk")
        for pk, state in now.values_list("pk", "state"):
            unread[pk].state = state


def clip_ready(clip: Clip) -> None:
    """Queue the items that wait for this clip. Call it in the transaction that makes the clip ready."""
    waiting = ScoringItem.objects.filter(clip=clip, waits_for=WaitsFor.CLIP, state=State.WAITING)
    for item in waiting.select_related("batch"):
        ScoringItem.objects.filter(pk=item.pk, state=State.WAITING).update(waits_for=WaitsFor.WORKER)
        Job.enqueue_many([_job(item.batch, "score", QUEUE, [item], item.batch.job_priority(1))])


def clip_failed(clip: Clip, reason: str) -> None:
    """Fail the items that wait for this clip. Call it in the transaction that fails the clip."""
    waiting = ScoringItem.objects.filter(clip=clip, waits_for=WaitsFor.CLIP, state=State.WAITING)
    for batch_id in sorted(set(waiting.values_list("batch", flat=True))):
        if batch := locked(batch_id):
            fail_items(batch, waiting.filter(batch=batch), "clip_not_readable", reason)


def item_has_clip(batch: ScoringBatch, items: "QuerySet[ScoringItem]", clip: Clip) -> None:
    """Note the clip that was made for an item, and queue what comes next. Clip and batch are locked by the caller."""
    trained = clip.sha256 in batch.model.trained_on
    items = items.filter(state=State.WAITING)
    if clip.state == Clip.State.FAILED:
        items.update(clip=clip, in_training=trained)
        fail_items(batch, items, "clip_not_readable", clip.problem)
        return
    next_step = WaitsFor.CLIP if clip.state == Clip.State.PROCESSING else WaitsFor.WORKER
    items.update(clip=clip, in_training=trained, waits_for=next_step)
    if next_step == WaitsFor.WORKER and (ready := list(items)):
        Job.enqueue_many([_job(batch, "score", QUEUE, ready, batch.job_priority(1))])


def locked(batch_id: int) -> ScoringBatch | None:
    """Lock a batch and return it; None if it was deleted."""
    return ScoringBatch.objects.select_for_update().filter(pk=batch_id).first()


def fail_items(batch: ScoringBatch, items: "QuerySet[ScoringItem]", code: str, reason: str) -> None:
    """Fail the waiting items among a queryset. The batch is locked by the caller."""
    items.filter(state=State.WAITING).update(
        state=State.FAILED, waits_for="", error_code=code, error=reason, finished_at=timezone.now()
    )
    finish_if_done(batch)


def finish_if_done(batch: ScoringBatch) -> bool:
    """End an open batch that has no waiting items, and return whether it ended now. The caller has locked it."""
    if not batch.is_open or batch.items.filter(state=State.WAITING).exists():
        return False
    _end(batch, ScoringBatch.State.DONE)
    return True


def _end(batch: ScoringBatch, state: str) -> None:
    batch.state, batch.finished_at = state, timezone.now()
    batch.save(update_fields=["state", "finished_at"])
    _announce(batch)


def _announce(batch: ScoringBatch) -> None:
    """Send the event that the batch has ended, in the transaction that ends it, which happens once per round."""
    if not webhooks.wanted(batch.project_id, EVENT):  # counting the items takes time
        return
    count_items([batch])
    address = f"/api/v1/scoring-batches/{batch.pk}/"
    data = {
        "scoring_batch": batch.pk, "project": batch.project_id, "model": batch.model_id, "state": batch.state,
        "progress": batch.progress(), "round": batch.round, "url": webhooks.public_url(address),
        "items_url": webhooks.public_url(f"{address}items/"),
    }  # fmt: skip
    webhooks.announce(batch.project_id, EVENT, data, key=f"scoring-batch:{batch.pk}:{batch.round}")


def cancel(batch: ScoringBatch, user: Any) -> ScoringBatch:
    """Cancel the items that wait; those scored already keep their results.

    Raises ValidationError if the batch has ended.
    """
    with transaction.atomic():
        batch = locked(batch.pk) or batch
        if not batch.is_open:
            raise ValidationError(f"This batch has ended: it is {batch.state}. There is nothing to cancel.")
        Job.cancel_group(batch.group)
        batch.items.filter(state=State.WAITING).update(
            state=State.CANCELLED, waits_for="", finished_at=timezone.now()
        )
        _end(batch, ScoringBatch.State.CANCELLED)
        AuditEvent.record(batch.project, user, f"cancelled {batch}")
    return batch


def retry(batch: ScoringBatch, user: Any) -> ScoringBatch:
    """Try the failed and cancelled items again. Raises ValidationError if there are none, or while the batch runs."""
    with transaction.atomic():
        _lock_unread(Clip.objects.filter(scoring_items__batch=batch, state=Clip.State.PROCESSING).distinct())
        batch = locked(batch.pk) or batch
        if batch.is_open:
            raise ValidationError(
                "This batch has not ended. Wait until it has, or cancel it, before you try clips again."
            )
        ended = batch.items.filter(state__in=[State.FAILED, State.CANCELLED])
        if not ended.exists():
            raise ValidationError(
                "No clip of this batch failed or was cancelled. There is nothing to try again."
            )
        batch.round += 1
        batch.state, batch.finished_at = ScoringBatch.State.WAITING, None
        batch.save(update_fields=["round", "state", "finished_at"])
        # Onset and apex stay only if the request gave them.
        ended.exclude(frames_from=FramesFrom.GIVEN).update(onset=None, apex=None, frames_from="")
        unread = Q(clip__state=Clip.State.PROCESSING)
        ended.filter(clip=None).update(**reset(WaitsFor.FILE))
        ended.filter(unread).update(**reset(WaitsFor.CLIP))
        ended.update(**reset(WaitsFor.WORKER))
        items = list(batch.items.filter(state=State.WAITING))
        queue_items(batch, items)
        AuditEvent.record(batch.project, user, f"tried {len(items):,} clips of {batch} again")
    return batch


def change(batch: ScoringBatch, user: Any, **fields: Any) -> ScoringBatch:
    """Change the name or the priority, also of jobs that have not started."""
    with transaction.atomic():
        for name, value in fields.items():
            setattr(batch, name, value)
        batch.save(update_fields=list(fields))
        if "priority" in fields:
            queued = Job.objects.filter(group=batch.group, state=Job.State.QUEUED)
            queued.update(priority=batch.job_priority(batch.items.count()))
        AuditEvent.record(batch.project, user, f"changed {' and '.join(fields)} of {batch}")
    return batch
