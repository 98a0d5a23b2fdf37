from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from mer_platform.clips.models import Clip
from mer_platform.projects.access import get_project
from mer_platform.projects.models import Role
from mer_platform.scoring.models import ModelVersion, ScoringBatch
from mer_platform.scoring.services import Wanted, start_batch
from models_ml.classes import CLASSES


@login_required
@require_GET
def batch_list(request: HttpRequest, slug: str) -> HttpResponse:
    project = get_project(request, slug)
    batches = project.scoring_batches.select_related("model__run", "created_by").prefetch_related("items")[
        :100
    ]
    models = ModelVersion.objects.filter(run__project=project).select_related("run")
    return render(request, "scoring/list.html", {"batches": batches, "models": models})


@login_required
@require_http_methods(["GET", "POST"])
def batch_new(request: HttpRequest, slug: str) -> HttpResponse:
    """Choose a model and clips; the frames are the clips' labels, or spotted."""
    project = get_project(request, slug, Role.RESEARCHER)
    models = ModelVersion.objects.filter(run__project=project).select_related("run")
    clips = Clip.objects.filter(project=project, state=Clip.State.READY).select_related("subject__database")
    chosen: list[str] = []
    if request.method == "POST":
        chosen = request.POST.getlist("clip")
        model = models.filter(pk=_number(request.POST.get("model"))).first()
        wanted = [Wanted(clip) for clip in clips.filter(pk__in=[_number(pk) for pk in chosen])]
        if model is not None and wanted:
            return redirect("batch", slug, start_batch(model, wanted, request.user).pk)
        messages.error(request, "Choose a model." if model is None else "Choose at least one clip.")
    context = {"models": models, "clips": clips, "chosen": chosen, "model": request.GET.get("model")}
    return render(request, "scoring/new.html", context, status=422 if request.method == "POST" else 200)


@login_required
@require_GET
def batch_page(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    project = get_project(request, slug)
    batch = get_object_or_404(ScoringBatch.objects.select_related("model__run"), pk=pk, project=project)
    context = {
        "batch": batch,
        "progress": batch.progress(),
        "items": batch.items.select_related("clip__subject__database"),
        "classes": CLASSES,
    }
    template = "scoring/_items.html" if getattr(request, "htmx", False) else "scoring/batch.html"
    return render(request, template, context)


def _number(text: str | None) -> int:
    """An id from a form; -1, which no row has, for anything else."""
    return int(text) if text and text.isdigit() else -1
