from collections.abc import Iterable
from typing import Any

from django.contrib.auth.decorators import login_required
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from mer_platform.annotation.blindness import blind_clips
from mer_platform.annotation.coding.queue import coding_queue
from mer_platform.annotation.models import Annotation, Consensus
from mer_platform.clips.models import Clip, FlowPicture
from mer_platform.composites.models import CompositeVersion
from mer_platform.experiments.models import Run
from mer_platform.jobs.models import Job
from mer_platform.projects.access import get_project
from mer_platform.projects.counts import count_of
from mer_platform.projects.models import Project


@login_required
@require_GET
def overview(request: HttpRequest, slug: str) -> HttpResponse:
    """Show where the project stands and what comes next."""
    project = get_project(request, slug)
    clips = _clip_counts(project)
    marked = _marked(project, request.user)
    runs = Run.objects.filter(project=project)
    versions = CompositeVersion.objects.filter(composite__project=project).select_related("composite")
    finished_runs = runs.filter(state=Run.State.FINISHED).count()
    batch_count = project.scoring_batches.count()
    pictures = FlowPicture.objects.filter(subject__database__project=project).count()
    steps = {
        "upload": bool(clips["ready"] or pictures),
        "code": bool(marked["annotated"] or pictures),
        "compose": versions.exists(),
        "train": bool(finished_runs),
        "score": bool(batch_count),
    }
    return render(
        request,
        "overview/overview.html",
        {
            "clips": {**clips, "agreed": marked["agreed"]},
            "arriving": Job.open_in(project, "ingest").exists(),
            "annotated": marked["annotated"],
            "pictures": pictures,
            "databases": _databases(project),
            "versions": versions[:5],
            "version_count": versions.count(),
            "runs": runs,
            "finished_runs": finished_runs,
            "active_runs": runs.filter(state__in=Run.ACTIVE).count(),
            "batch_count": batch_count,
            "steps": steps,
            "next_step": next((name for name, done in steps.items() if not done), None),
            "queue": coding_queue(project, request.user),
            "events": project.events.select_related("user")[:8],
        },
    )


def _clip_counts(project: Project) -> dict[str, int]:
    """Return the numbers of clips: in total and by state."""
    states = dict(
        Clip.objects.filter(project=project).order_by().values_list("state").annotate(count=Count("pk"))
    )
    return {"total": sum(states.values()), **{state: states.get(state, 0) for state in Clip.State.values}}


def _marked(project: Project, user: Any) -> dict[str, int]:
    """Return how many clips have a consensus, and how many have any marks.

    Of clips that the user still has to code blind, only the user's own marks count.
    """
    clips = Clip.objects.filter(project=project).order_by()
    visible = ~Q(pk__in=blind_clips(user).filter(clip__project=project))
    agreed = Q(pk__in=Consensus.objects.filter(clip__project=project).order_by().values("clip"))
    annotations = Annotation.objects.filter(clip__project=project).order_by()
    annotated = Q(pk__in=annotations.values("clip"))
    own = Q(pk__in=annotations.filter(coder_id=user.pk).values("clip"))
    return clips.aggregate(
        agreed=Count("pk", filter=agreed & visible),
        annotated=Count("pk", filter=((agreed | annotated) & visible) | own),
    )


def _databases(project: Project) -> Iterable[Any]:
    """Return the databases with the numbers of their subjects and clips."""
    of_database = Clip.objects.filter(project=project).order_by().values_list("subject__database")
    clips = dict(of_database.annotate(count=Count("pk")))
    found = list(project.databases.annotate(subject_count=count_of("clips.Subject", "database")))
    for database in found:
        database.clip_count = clips.get(database.pk, 0)  # type: ignore[attr-defined]
    return found
