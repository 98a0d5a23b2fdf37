"""Coders' pages: the queue, the labeler, and the progress of all coders."""

import json
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from mer_platform.annotation.adjudication.decisions import open_cases
from mer_platform.annotation.assignments.completion import may_reopen, reopen_coding
from mer_platform.annotation.assignments.progress import coder_progress
from mer_platform.annotation.blindness import seen_by, sees_others
from mer_platform.annotation.coding.opening import labeler_modules, neighbours, opening
from mer_platform.annotation.coding.queue import coding_queue, why_empty
from mer_platform.annotation.models import Annotation, Assignment, Consensus
from mer_platform.clips.models import Clip
from mer_platform.clips.packindex import clock_of, notes_of
from mer_platform.clips.turning import TURNS, failed_turn, is_turning
from mer_platform.projects.access import get_project, row_id
from mer_platform.projects.models import Role
from models_ml.errors import InputError

MAX_LISTED = 60  # clips of the queue that the page lists


@login_required
@require_GET
def queue(request: HttpRequest, slug: str) -> HttpResponse:
    """Redirect to the next clip to code (after the clip ``?after=``), or to the coding page if there is none."""
    project = get_project(request, slug, Role.ANNOTATOR)
    after = row_id(request.GET.get("after")) if "after" in request.GET else None
    own = coding_queue(project, request.user)
    next_clip = own.next(after)
    if next_clip is None:
        messages.info(request, why_empty(own))
        return redirect("coding", slug)
    return redirect("clip", slug, next_clip)


@login_required
@require_GET
def coding(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the coder's own queue and, to researchers, the progress of all coders."""
    project = get_project(request, slug, Role.ANNOTATOR)
    own = coding_queue(project, request.user)
    researcher = request.role.includes(Role.RESEARCHER)  # type: ignore[attr-defined]
    assignments = Assignment.objects.filter(clip__project=project, coder_id=request.user.pk)
    context: dict[str, Any] = {
        "queue": own,
        "assignments": assignments.select_related("clip__subject__database")[:MAX_LISTED],
        "next_clip": Clip.objects.select_related("subject__database").filter(pk=own.next() or 0).first(),
        "coders": coder_progress(project) if researcher else [],
        "waiting": len(open_cases(project, request.user)) if researcher else 0,
        "has_clips": project.clips.exists(),
    }
    return render(request, "annotation/coding/coding.html", context)


@login_required
@require_GET
def clip_page(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Show the labeler. Users who may see all coders' annotations see them below; researchers also see the consensus."""
    project = get_project(request, slug)
    clip = get_object_or_404(Clip.objects.select_related("subject__database"), pk=pk, project=project)
    annotator = request.role.includes(Role.ANNOTATOR)  # type: ignore[attr-defined]
    sees_marks = sees_others(request.user, clip)
    judges = sees_marks and request.role.includes(Role.RESEARCHER)  # type: ignore[attr-defined]
    consensus = list(clip.consensus.select_related("annotation__coder", "decided_by")) if judges else []
    assignment = Assignment.objects.filter(clip=clip, coder_id=request.user.pk).first()
    context: dict[str, Any] = {
        "clip": clip,
        "sees_marks": sees_marks,
        "judges": judges,
        "assignment": assignment,
        "may_reopen": assignment is not None and may_reopen(assignment, as_researcher=judges),
        "queue": coding_queue(project, request.user),
        "annotations": clip.annotations.select_related("coder") if sees_marks else [],
        "consensus": consensus,
        "notes": notes_of(clip),
        "suggestions": clip.suggestions.all() if annotator else [],
        "turning": is_turning(clip),
        "turn_problem": failed_turn(clip),
        "turns": TURNS,
        "adopted": {agreed.annotation_id for agreed in consensus},
        **neighbours(clip),
    }
    if clip.state == Clip.State.READY:
        frame = max(row_id(request.GET.get("frame")), 0)
        done = assignment is not None and assignment.done_at is not None
        context |= {
            "frame": frame,
            "seconds": _seconds(clip),
            "opening": opening(clip, request.role, frame, locked=done),  # type: ignore[attr-defined]
            "emotions": json.dumps(clip.database.emotions),
            "modules": labeler_modules(),
        }
    return render(request, "annotation/coding/labeler.html", context)


def _seconds(clip: Clip) -> float | None:
    """Return how long a clip lasts; None if the times of its frames are not known."""
    try:
        return clock_of(clip).seconds
    except InputError:
        return None


@login_required
@require_POST
def adopt(request: HttpRequest, slug: str, pk: int, annotation: int) -> HttpResponse:
    """Make one coder's annotation the consensus on its expression."""
    project = get_project(request, slug, Role.RESEARCHER)
    seen = seen_by(request.user, Annotation.objects.filter(clip__project=project))
    chosen = get_object_or_404(seen, pk=annotation, clip_id=pk)
    try:
        Consensus.adopt(chosen, request.user)
    except ValidationError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, f"The annotation of {chosen.coder} is now the consensus.")
    return redirect("clip", slug, pk)


@login_required
@require_POST
def reopen(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Reopen a finished clip for the user or, if a researcher asks, for ``coder``."""
    project = get_project(request, slug, Role.ANNOTATOR)
    researcher = request.role.includes(Role.RESEARCHER)  # type: ignore[attr-defined]
    coder = row_id(request.POST["coder"]) if researcher and "coder" in request.POST else request.user.pk
    assignment = get_object_or_404(Assignment, clip_id=pk, clip__project=project, coder_id=coder)
    try:
        reopen_coding(assignment, request.user, as_researcher=researcher)
    except ValidationError as error:
        messages.error(request, error.message)
    return redirect("clip", slug, pk)
