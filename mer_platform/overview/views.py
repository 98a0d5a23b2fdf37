from django.contrib.auth.decorators import login_required
from django.db.models import Count, Exists, OuterRef, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from mer_platform.annotation.blindness import blind_clips
from mer_platform.annotation.coding.queue import coding_queue
from mer_platform.annotation.models import Consensus
from mer_platform.clips.models import Clip, FlowPicture
from mer_platform.composites.models import CompositeVersion
from mer_platform.experiments.models import Run
from mer_platform.jobs.models import Job
from mer_platform.projects.access import get_project


@login_required
@require_GET
def overview(request: HttpRequest, slug: str) -> HttpResponse:
    """Show where the project stands and what comes next."""
    project = get_project(request, slug)
    visible = ~Q(pk__in=blind_clips(request.user))  # of clips to be coded blind, only the own marks count
    clips = Clip.objects.filter(project=project).aggregate(
        total=Count("pk"),
        ready=Count("pk", filter=Q(state=Clip.State.READY)),
        processing=Count("pk", filter=Q(state=Clip.State.PROCESSING)),
        failed=Count("pk", filter=Q(state=Clip.State.FAILED)),
        agreed=Count("pk", filter=Exists(Consensus.objects.filter(clip=OuterRef("pk"))) & visible),
    )
    annotated = Clip.objects.filter(
        (Q(consensus__isnull=False) | Q(annotations__isnull=False)) & visible
        | Q(annotations__coder=request.user.pk),
        project=project,
    )
    runs = Run.objects.filter(project=project)
    versions = CompositeVersion.objects.filter(composite__project=project).select_related("composite")
    finished_runs = runs.filter(state=Run.State.FINISHED).count()
    batch_count = project.scoring_batches.count()
    pictures = FlowPicture.objects.filter(subject__database__project=project).count()
    steps = {
        "upload": bool(clips["ready"] or pictures),
        "code": bool(annotated.exists() or pictures),
        "compose": versions.exists(),
        "train": bool(finished_runs),
        "score": bool(batch_count),
    }
    return render(
        request,
        "overview/overview.html",
        {
            "clips": clips,
            "arriving": Job.open_in(project, "ingest").exists(),
            "annotated": annotated.distinct().count(),
            "pictures": pictures,
            "databases": project.databases.annotate(
                subject_count=Count("subjects", distinct=True), clip_count=Count("subjects__clips")
            ),
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
