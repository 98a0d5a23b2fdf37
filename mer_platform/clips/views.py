import json
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import Exists, OuterRef, ProtectedError, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django.views.decorators.vary import vary_on_headers

from mer_platform.annotation.models import Annotation, Consensus
from mer_platform.clips.forms import ClipFilter, DatabaseForm, PictureFilter
from mer_platform.clips.models import Clip, Database, FlowPicture, Subject
from mer_platform.jobs.models import Job
from mer_platform.projects.access import get_project
from mer_platform.projects.models import AuditEvent, Project, Role

PAGE = 48


@login_required
@require_GET
@vary_on_headers("HX-Request")
def clip_list(request: HttpRequest, slug: str) -> HttpResponse:
    """Every clip, filtered; asked by htmx, only the list (it refreshes itself while clips arrive)."""
    project = get_project(request, slug)
    form = ClipFilter(request.GET, project=project)
    clips = _filtered(project, form, request.user)
    page = Paginator(clips, PAGE).get_page(request.GET.get("page"))
    everything = Clip.objects.filter(project=project)
    context = {
        "filter": form,
        "page": page,
        "pages": page.paginator.get_elided_page_range(page.number, on_each_side=2, on_ends=1),
        "processing": everything.filter(state=Clip.State.PROCESSING).count(),
        "arriving": Job.open_in(project, "ingest").exists(),
        "total": everything.count(),
        "pictures": FlowPicture.objects.filter(subject__database__project=project).count(),
        "databases": project.databases.all(),
    }
    template = "clips/_list.html" if getattr(request, "htmx", False) else "clips/list.html"
    return render(request, template, context)


@login_required
@require_GET
@vary_on_headers("HX-Request")
def picture_list(request: HttpRequest, slug: str) -> HttpResponse:
    """Every flow picture, filtered; asked by htmx, only the list. They carry labels, so only researchers see them."""
    project = get_project(request, slug, Role.RESEARCHER)
    form = PictureFilter(request.GET, project=project)
    everything = FlowPicture.objects.filter(subject__database__project=project)
    page = Paginator(form.apply(everything.select_related("subject__database")), PAGE).get_page(
        request.GET.get("page")
    )
    context = {
        "filter": form,
        "page": page,
        "pages": page.paginator.get_elided_page_range(page.number, on_each_side=2, on_ends=1),
        "pictures": everything.count(),
        "total": Clip.objects.filter(project=project).count(),
        "databases": project.databases.all(),
    }
    template = "clips/_pictures.html" if getattr(request, "htmx", False) else "clips/pictures.html"
    return render(request, template, context)


@login_required
@require_GET
def upload(request: HttpRequest, slug: str) -> HttpResponse:
    """The upload form; files go to the API, one request each."""
    project = get_project(request, slug, Role.RESEARCHER)
    context = {
        "databases": project.databases.all(),
        "subjects": Subject.objects.filter(database__project=project).select_related("database"),
        "chosen": request.GET.get("database", ""),
        "max_bytes": settings.MAX_CLIP_BYTES,
    }
    return render(request, "clips/upload.html", context)


@login_required
@require_GET
def clip_page(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """The labeler. Researchers also see what every coder marked, and the consensus."""
    project = get_project(request, slug)
    clip = get_object_or_404(Clip.objects.select_related("subject__database"), pk=pk, project=project)
    researcher = request.role.includes(Role.RESEARCHER)  # type: ignore[attr-defined]
    order = list(Clip.objects.filter(project=project, state=Clip.State.READY).values_list("pk", flat=True))
    here = order.index(clip.pk) if clip.pk in order else -1
    mine = set(
        Annotation.objects.filter(clip__in=order, coder_id=request.user.pk).values_list("clip", flat=True)
    )
    consensus = list(clip.consensus.select_related("annotation__coder", "decided_by")) if researcher else []
    context = {
        "clip": clip,
        "emotions": json.dumps(clip.database.emotions),
        "annotations": clip.annotations.select_related("coder") if researcher else [],
        "consensus": consensus,
        "adopted": {agreed.annotation_id for agreed in consensus},
        "previous": order[here - 1] if here > 0 else None,
        "next": order[here + 1] if 0 <= here < len(order) - 1 else None,
        "next_unmarked": next(
            (pk for pk in order[here + 1 :] + order[: max(here, 0)] if pk not in mine), None
        ),
    }
    return render(request, "clips/clip.html", context)


@login_required
@require_POST
def adopt(request: HttpRequest, slug: str, pk: int, annotation: int) -> HttpResponse:
    """Make one coder's marking the consensus of the clip."""
    project = get_project(request, slug, Role.RESEARCHER)
    marking = get_object_or_404(Annotation, pk=annotation, clip_id=pk, clip__project=project)
    try:
        Consensus.adopt(marking, request.user)
    except ValidationError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, f"The marking of {marking.coder} is now the consensus.")
    return redirect("clip", slug, pk)


@login_required
@require_POST
def clip_delete(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    project = get_project(request, slug, Role.RESEARCHER)
    clip = get_object_or_404(Clip, pk=pk, project=project)
    name = str(clip)
    try:
        clip.delete()
    except ProtectedError as error:
        used_by = next(iter(error.protected_objects))
        kind = used_by._meta.verbose_name
        messages.error(request, f"{name} is used by a {kind} and cannot be deleted; results point at it.")
        return redirect("clip", slug, pk)
    AuditEvent.record(project, request.user, f"deleted {name}")
    messages.success(request, f"{name} was deleted.")
    return redirect("clips", slug)


@login_required
@require_http_methods(["GET", "POST"])
def database_edit(request: HttpRequest, slug: str, pk: int | None = None) -> HttpResponse:
    """A new database, or the rate and words of one."""
    project = get_project(request, slug, Role.RESEARCHER)
    database = get_object_or_404(Database, pk=pk, project=project) if pk else Database(project=project)
    form = DatabaseForm(request.POST or None, instance=database)
    if request.method == "POST" and form.is_valid():
        form.save()
        AuditEvent.record(project, request.user, f"{'changed' if pk else 'made'} the database {database}")
        if pk:
            messages.success(request, f"{database} was saved.")
            return redirect("clips", slug)
        return redirect(f"{reverse('upload', args=[slug])}?database={database.pk}")
    return render(request, "clips/database.html", {"form": form, "database": database})


def _filtered(project: Project, form: ClipFilter, user: Any) -> QuerySet[Clip]:
    mine = Annotation.objects.filter(clip=OuterRef("pk"), coder_id=user.pk)
    clips = (
        Clip.objects.filter(project=project)
        .select_related("subject__database")
        .annotate(
            mine=Exists(mine),
            agreed=Exists(Consensus.objects.filter(clip=OuterRef("pk"))),
            labelled=Exists(Annotation.objects.filter(clip=OuterRef("pk"))),
        )
    )
    if not form.is_valid():
        return clips
    chosen = form.cleaned_data
    if words := chosen["q"].split():
        for word in words:
            clips = clips.filter(Q(name__icontains=word) | Q(subject__name__icontains=word))
    if chosen["database"]:
        clips = clips.filter(subject__database=chosen["database"])
    if chosen["state"]:
        clips = clips.filter(state=chosen["state"])
    labels = {"todo": Q(mine=False), "done": Q(agreed=True), "none": Q(agreed=False, labelled=False)}
    return clips.filter(labels[chosen["label"]]) if chosen["label"] else clips
