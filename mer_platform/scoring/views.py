from itertools import groupby

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods
from django.views.decorators.vary import vary_on_headers

from mer_platform.annotation.blindness import blind_clips
from mer_platform.annotation.models import Annotation, Consensus
from mer_platform.clips.models import Clip, Database
from mer_platform.projects.access import get_project, row_id
from mer_platform.projects.models import Project, Role
from mer_platform.registry.models import ModelVersion
from mer_platform.scoring.models import ScoringBatch, count_items
from mer_platform.scoring.services import WantedClip, start_batch
from mer_platform.web import is_partial
from models_ml.classes import CLASSES

SHOWN = 500  # items on the page of a batch


@login_required
@require_GET
def batch_list(request: HttpRequest, slug: str) -> HttpResponse:
    project = get_project(request, slug)
    batches = list(project.scoring_batches.select_related("model__run", "created_by")[:100])
    count_items(batches)
    models = ModelVersion.objects.filter(project=project).select_related("run__version")
    return render(request, "scoring/list.html", {"batches": batches, "models": models})


@login_required
@require_http_methods(["GET", "POST"])
@vary_on_headers("HX-Request")
def batch_new(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the form that chooses a model and clips; a POST starts the batch.

    For htmx, show only the clips of one database, and select those that ``?tick=`` names: all, unlabelled or none.
    """
    project = get_project(request, slug, Role.RESEARCHER)
    models = ModelVersion.objects.filter(project=project).select_related("run__version")
    clips = _clips(project)
    chosen: list[str] = []
    if is_partial(request):
        asked = clips.filter(subject__database=row_id(request.GET.get("database")))
        for database, members in _by_database(asked):
            group = {"database": database, "clips": members, "tick": request.GET.get("tick")}
            return render(request, "scoring/_clips.html", group)
    if request.method == "POST":
        chosen = request.POST.getlist("clip")
        model = models.filter(pk=row_id(request.POST.get("model"))).first()
        wanted = [WantedClip(clip) for clip in clips.filter(pk__in=[row_id(pk) for pk in chosen])]
        if model is not None and wanted:
            try:
                leave_out = "leave_out_training" in request.POST
                return redirect("batch", slug, start_batch(model, wanted, request.user, leave_out).pk)
            except ValidationError as error:
                messages.error(request, " ".join(error.messages))
        else:
            messages.error(request, "Choose a model." if model is None else "Choose at least one clip.")
    context = {
        "models": models,
        "groups": _by_database(clips),
        "leave_out": "leave_out_training" in request.POST,
        "chosen": {row_id(pk) for pk in [*chosen, request.GET.get("clip")]},
        "model": row_id(request.POST.get("model") or request.GET.get("model")),
    }
    return render(request, "scoring/new.html", context, status=422 if request.method == "POST" else 200)


@login_required
@require_GET
@vary_on_headers("HX-Request")
def batch_page(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    project = get_project(request, slug)
    batch = get_object_or_404(
        ScoringBatch.objects.select_related("model__run__version"), pk=pk, project=project
    )
    items = list(batch.items.select_related("clip__subject__database").order_by("pk")[:SHOWN])
    context = {
        "batch": batch,
        "progress": batch.progress(),
        "blind": set(blind_clips(request.user)),
        "items": items,
        "in_training": sum(item.in_training for item in items),
        "clip_ids": ", ".join(str(item.clip_id) for item in items[:20] if item.clip_id),
        "classes": CLASSES,
    }
    template = "scoring/_items.html" if is_partial(request) else "scoring/batch.html"
    return render(request, template, context)


def _clips(project: Project) -> QuerySet[Clip]:
    """Return the clips that can be scored, each with whether onset and apex are annotated."""
    marked = {"clip": OuterRef("pk"), "onset__isnull": False, "apex__isnull": False}
    return (
        Clip.objects.filter(project=project, state=Clip.State.READY)
        .select_related("subject__database")
        .annotate(
            marked=Exists(Consensus.objects.filter(**marked)) | Exists(Annotation.objects.filter(**marked))
        )
    )


def _by_database(clips: QuerySet[Clip]) -> list[tuple[Database, list[Clip]]]:
    return [(database, list(group)) for database, group in groupby(clips, key=lambda clip: clip.database)]
