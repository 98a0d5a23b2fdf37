"""Queueing the spotter: in which clips it can find something, and how many clips wait for it."""

import hashlib
import json
from collections.abc import Iterable

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from mer_platform.annotation.models import Consensus
from mer_platform.clips.models import Clip
from mer_platform.jobs.models import Job
from mer_platform.projects.models import Project
from models_ml.motion.version import SPOTTER_VERSION

JOB_KIND = "spot"
Interval = tuple[int, int]


def intervals_without_apex(clip: Clip) -> list[Interval]:
    """Return onset and offset of the expressions whose apex is not known (SMIC does not code it)."""
    known = Consensus.objects.filter(clip=clip, apex__isnull=True, onset__isnull=False, offset__isnull=False)
    return sorted(known.values_list("onset", "offset"))  # type: ignore[arg-type]


def clips_to_spot(project: Project) -> QuerySet[Clip]:
    """Return the ready clips with a face that have no consensus, or a consensus without an apex."""
    agreed = Consensus.objects.filter(clip=OuterRef("pk"))
    incomplete = ~Exists(agreed) | Exists(agreed.filter(apex__isnull=True))
    ready = Clip.objects.filter(project=project, state=Clip.State.READY).exclude(face_frames=[])
    return ready.filter(incomplete)


def queue_spotting(clip: Clip, *, again: bool = False) -> Job:
    """Queue the spotter for one clip, unless it has already searched this clip for the same intervals.

    A failed job is queued again; with ``again``, any job is, because the times of the frames have changed.
    """
    key = _key(clip)
    with transaction.atomic():
        ended = Job.objects.filter(kind=JOB_KIND, group=clip.group()).exclude(state__in=Job.OPEN)
        if not again:
            ended = ended.exclude(key=key, state=Job.State.DONE)
        ended.delete()  # for other intervals, another spotter or other times
        # Low priority: runs wait for the features that these workers also compute.
        return Job.enqueue(
            JOB_KIND, "features", clip.project_id, key, clip.group(), {"clip": clip.pk}, priority=Job.LOW
        )


def queue_project(project: Project, clips: Iterable[Clip] | None = None) -> list[Job]:
    """Queue the spotter for these clips (default: ``clips_to_spot``); return the jobs that are not finished."""
    jobs = [queue_spotting(clip) for clip in (clips_to_spot(project) if clips is None else clips)]
    return [job for job in jobs if job.state in Job.OPEN]


def count_waiting(project: Project) -> int:
    """Return how many clips of the project are waiting for the spotter or being searched."""
    return Job.open_in(project, "features").filter(kind=JOB_KIND).count()


def _key(clip: Clip) -> str:
    question = hashlib.sha256(json.dumps(intervals_without_apex(clip)).encode()).hexdigest()[:12]
    return f"{JOB_KIND}:{clip.pk}:{SPOTTER_VERSION}:{question}"
