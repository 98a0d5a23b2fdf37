"""Queueing the spotter: which clips it has something to find in, and how far it is."""

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

KIND = "spot"
Interval = tuple[int, int]


def without_apex(clip: Clip) -> list[Interval]:
    """Onset and offset of the expressions that are known in a clip, but for their apex (SMIC codes none)."""
    known = Consensus.objects.filter(clip=clip, apex__isnull=True, onset__isnull=False, offset__isnull=False)
    return sorted(known.values_list("onset", "offset"))  # type: ignore[arg-type]


def to_spot(project: Project) -> QuerySet[Clip]:
    """Ready clips with a face in which nobody knows the expression yet, or only its onset and offset."""
    agreed = Consensus.objects.filter(clip=OuterRef("pk"))
    open_question = ~Exists(agreed) | Exists(agreed.filter(apex__isnull=True))
    ready = Clip.objects.filter(project=project, state=Clip.State.READY).exclude(face_frames=[])
    return ready.filter(open_question)


def queue_spotting(clip: Clip) -> Job:
    """Queue the spotter for one clip; the same question to the same spotter is asked once, unless it failed."""
    key = _key(clip)
    with transaction.atomic():
        ended = Job.objects.filter(kind=KIND, group=clip.group()).exclude(state__in=Job.OPEN)
        ended.exclude(key=key, state=Job.State.DONE).delete()  # answers to other questions were replaced
        # Nobody waits for suggestions as they do for the features of their runs.
        return Job.enqueue(
            KIND, "features", clip.project_id, key, clip.group(), {"clip": clip.pk}, priority=Job.LOW
        )


def queue_project(project: Project, clips: Iterable[Clip] | None = None) -> list[Job]:
    """Queue what is to be spotted in a project; the jobs that are now waiting or at work for it."""
    jobs = [queue_spotting(clip) for clip in (to_spot(project) if clips is None else clips)]
    return [job for job in jobs if job.state in Job.OPEN]


def waiting(project: Project) -> int:
    """How many clips of the project are waiting for the spotter, or with it."""
    return Job.open_in(project, "features").filter(kind=KIND).count()


def _key(clip: Clip) -> str:
    question = hashlib.sha256(json.dumps(without_apex(clip)).encode()).hexdigest()[:12]
    return f"{KIND}:{clip.pk}:{SPOTTER_VERSION}:{question}"
