"""Starting a scoring batch. The workers score its clips, a few per job."""

from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from mer_platform.clips.models import Clip
from mer_platform.jobs.models import Job
from mer_platform.projects.models import AuditEvent
from mer_platform.registry.models import ModelVersion
from mer_platform.registry.services import why_not_usable
from mer_platform.scoring.models import ScoringBatch, ScoringItem
from mer_platform.web import actor

CLIPS_PER_JOB = 8


@dataclass(frozen=True)
class WantedClip:
    """A clip to score, with the frames to use if the caller gives them."""

    clip: Clip
    onset: int | None = None
    apex: int | None = None


def start_batch(
    model: ModelVersion, wanted: list[WantedClip], user: Any, leave_out_training: bool = False
) -> ScoringBatch:
    """Store the batch and enqueue its jobs. ``leave_out_training`` skips clips that were in the model's training data.

    Raises ValidationError for a model that cannot score clips, or if no clip is left.
    """
    if refusal := why_not_usable(model):
        raise ValidationError({"model": refusal})
    if leave_out_training:
        wanted = [want for want in wanted if want.clip.sha256 not in model.trained_on]
        if not wanted:
            raise ValidationError(
                {
                    "clips": f"All of these clips were in the training data of {model}, so none is left to score. Choose "
                    "other clips, or do not leave these out."
                }
            )
    project = model.project
    with transaction.atomic():
        batch = ScoringBatch.objects.create(project=project, model=model, created_by=actor(user))
        items = ScoringItem.objects.bulk_create(
            ScoringItem(
                batch=batch,
                clip=want.clip,
                onset=want.onset,
                apex=want.apex,
                frames_from=ScoringItem.FramesFrom.GIVEN if want.apex is not None else "",
            )
            for want in wanted
        )
        # Someone who scores a few clips looks at the page until they are scored. A large batch runs in the background.
        priority = Job.INTERACTIVE if len(items) <= CLIPS_PER_JOB else Job.NORMAL
        for start in range(0, len(items), CLIPS_PER_JOB):
            Job.enqueue(
                "score",
                "scoring",
                project.pk,
                f"{batch.group}:score:{start}",
                batch.group,
                {"batch": batch.pk, "items": [item.pk for item in items[start : start + CLIPS_PER_JOB]]},
                priority=priority,
            )
        AuditEvent.record(project, user, f"scored {len(items)} clips with {model}")
    return batch
