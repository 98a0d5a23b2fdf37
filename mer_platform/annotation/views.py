"""Pages of the coders: the queue, who codes what, and how far everybody is."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django.views.decorators.vary import vary_on_headers

from mer_platform.annotation import assignments
from mer_platform.annotation.adjudication import cases
from mer_platform.annotation.forms import AssignForm
from mer_platform.annotation.models import Assignment
from mer_platform.annotation.progress import progress
from mer_platform.annotation.queue import queue_of, why_empty
from mer_platform.clips.models import Clip
from mer_platform.projects.access import get_project, row_id
from mer_platform.projects.models import Project, Role

LISTED = 60  # clips of a queue on the page


@login_required
@require_GET
def queue(request: HttpRequest, slug: str) -> HttpResponse:
    """On to the next clip to code (after the clip ``?after=``); where there is none, to the page that says so."""
    project = get_project(request, slug, Role.ANNOTATOR)
    after = row_id(request.GET.get("after")) if "after" in request.GET else None
    own = queue_of(project, request.user)
    following = own.next(after)
    if following is None:
        messages.info(request, why_empty(own, after))
        return redirect("coding", slug)
    return redirect("clip", slug, following)


@login_required
@require_GET
def coding(request: HttpRequest, slug: str) -> HttpResponse:
    """The coder's own queue; for researchers, also how far every coder is."""
    project = get_project(request, slug, Role.ANNOTATOR)
    own = queue_of(project, request.user)
    researcher = request.role.includes(Role.RESEARCHER)  # type: ignore[attr-defined]
    tasks = Assignment.objects.filter(clip__project=project, coder_id=request.user.pk)
    context: dict[str, Any] = {
        "queue": own,
        "tasks": tasks.select_related("clip__subject__database")[:LISTED],
        "next_clip": Clip.objects.select_related("subject__database").filter(pk=own.next() or 0).first(),
        "coders": progress(project) if researcher else [],
        "waiting": len(cases(project, request.user)) if researcher else 0,
        "has_clips": project.clips.exists(),
    }
    return render(request, "annotation/coding.html", context)


@login_required
@require_http_methods(["GET", "POST"])
@vary_on_headers("HX-Request")
def assign(request: HttpRequest, slug: str) -> HttpResponse:
    """Choose clips and coders, look at the counts, confirm. Asked by htmx, only the counts."""
    project = get_project(request, slug, Role.RESEARCHER)
    data = request.POST if request.method == "POST" else request.GET
    form = AssignForm(data, project=project) if data else _suggested(project)
    plan = None
    if form.is_valid():
        try:
            if request.method == "POST" and not getattr(request, "htmx", False):
                made = assignments.assign(project, form.wish(), request.user, data.get("digest", ""))
                messages.success(
                    request, f"{made.clips} clips were assigned to {len(made.per_coder)} coders."
                )
                return redirect("coding", slug)
            plan = assignments.plan(project, form.wish())
        except ValidationError as error:
            form.add_error(None, error)  # by field, where the error says which
            plan = _planned(project, form)
    context = {
        "form": form,
        "plan": plan,
        "rows": [(c, plan.per_coder[c.pk]) for c in form.cleaned_data["coders"]] if plan else [],
        "subjects_chosen": len(form["subjects"].value() or []),
    }
    if getattr(request, "htmx", False):
        return render(request, "annotation/_plan.html", context)
    status = 422 if request.method == "POST" else 200
    return render(request, "annotation/assign.html", context, status=status)


@login_required
@require_POST
def withdraw(request: HttpRequest, slug: str, coder: int) -> HttpResponse:
    """Take back what a coder has not begun."""
    project = get_project(request, slug, Role.RESEARCHER)
    having = Assignment.objects.filter(clip__project=project).values("coder")
    user = get_object_or_404(User, pk=coder, pk__in=having)
    count = assignments.withdraw(project, user, request.user)
    if count:
        messages.success(request, f"{count} clips were taken back from {user}.")
    else:
        messages.info(request, f"{user} has begun every clip; nothing was taken back.")
    return redirect("coding", slug)


@login_required
@require_POST
def reopen(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Open a clip again that the user was done with (or, for a researcher, that ``coder`` was)."""
    project = get_project(request, slug, Role.ANNOTATOR)
    judge = request.role.includes(Role.RESEARCHER)  # type: ignore[attr-defined]
    coder = row_id(request.POST["coder"]) if judge and "coder" in request.POST else request.user.pk
    assignment = get_object_or_404(Assignment, clip_id=pk, clip__project=project, coder_id=coder)
    try:
        assignments.reopen(assignment, request.user, judge=judge)
    except ValidationError as error:
        messages.error(request, error.message)
    return redirect("clip", slug, pk)


def _suggested(project: Project) -> AssignForm:
    """The form as it first comes, checked like one that was filled in: all coders, all clips."""
    coders = assignments.coders_of(project)
    fields = {name: f.initial for name, f in AssignForm.base_fields.items() if f.initial is not None}
    per_clip = min(2, len(coders)) or 1
    return AssignForm({**fields, "coders": [c.pk for c in coders], "per_clip": per_clip}, project=project)


def _planned(project: Project, form: AssignForm) -> assignments.Plan | None:
    """The plan that is possible now, beside what was wrong with the one asked for."""
    try:
        return assignments.plan(project, form.wish()) if "coders" in form.cleaned_data else None
    except (ValidationError, KeyError):
        return None
