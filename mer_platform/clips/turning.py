"""Turning a clip whose face is not upright: a job ingests it again, and the clip stays as it is until that is done."""

import uuid
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from mer_platform.clips.models import Clip
from mer_platform.jobs.models import Job
from mer_platform.projects.models import AuditEvent

JOB_KIND = "turn"
TURNS = (90, 180, 270)


class BeingIngested(Exception):
    """A job ingests the clip again: turned, or at a corrected recording rate."""


def request_turn(clip: Clip, degrees: int, user: Any) -> Job:
    """Queue the job that turns the frames of a ready clip clockwise by so many degrees, in addition to earlier turns.

    Marks stay valid, because frames keep their indices. Features of the clip are computed again.

    Raises
    ------
    ValidationError
        If the clip has no frames, or the turn is not one of ``TURNS``.
    BeingIngested
        If an earlier turn, or a correction of the recording rate, has not ended.
    """
    if degrees not in TURNS:
        raise ValidationError(
            {"degrees": f"A clip can be turned by 90, 180 or 270 degrees; {degrees} was given."}
        )
    with transaction.atomic():
        clip = (
            Clip.objects.select_for_update(of=("self",)).select_related("subject__database").get(pk=clip.pk)
        )
        if clip.state != Clip.State.READY:
            raise ValidationError(f"{clip} cannot be turned: its state is {clip.state}.")
        if ingests_again(clip):
            raise BeingIngested(f"{clip} is being ingested again. Wait until it is done.")
        payload = {"clip": clip.pk, "turn": (clip.turn + degrees) % 360}
        AuditEvent.record(clip.project, user, f"turned {clip} by {degrees}° clockwise")
        return Job.enqueue(
            JOB_KIND,
            "ingest",
            clip.project_id,
            f"{JOB_KIND}:{clip.pk}:{uuid.uuid4().hex}",  # the same turn can be wanted again later
            clip.group(),
            payload,
            priority=Job.INTERACTIVE,
        )


def is_turning(clip: Clip) -> bool:
    """Return whether a job turns the clip, or waits to."""
    return Job.objects.filter(group=clip.group(), kind=JOB_KIND, state__in=Job.OPEN).exists()


def ingests_again(clip: Clip) -> bool:
    """Return whether a job ingests the clip, or waits to."""
    kinds = (JOB_KIND, "ingest")
    return Job.objects.filter(group=clip.group(), kind__in=kinds, state__in=Job.OPEN).exists()


def failed_turn(clip: Clip) -> str:
    """Return why the latest turn failed; empty if it did not."""
    last = Job.objects.filter(group=clip.group(), kind=JOB_KIND).order_by("-pk").first()
    return last.error if last is not None and last.state == Job.State.FAILED else ""
