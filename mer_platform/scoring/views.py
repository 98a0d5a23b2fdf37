"""The list of batches, and the page of one: progress, results, and what can be done with it."""

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST
from django.views.decorators.vary import vary_on_headers

from mer_platform.projects.access import get_project
from mer_platform.projects.models import Role
from mer_platform.registry.models import ModelVersion
from mer_platform.scoring import services
from mer_platform.scoring.blindness import Blindness
from mer_platform.scoring.forms import RenameForm
from mer_platform.scoring.item_list import FLAGS, SORTS, ItemList, counted
from mer_platform.scoring.models import ScoringBatch, ScoringItem, count_items
from mer_platform.web import is_partial, page_of

DOWNLOADS = {"csv": "CSV", "parquet": "Parquet", "ndjson": "NDJSON, one object per line"}
BATCHES = 50
ITEMS = 50
RATE_SECONDS = 60  # over which the pace of a batch is measured


@login_required
@require_GET
def batch_list(request: HttpRequest, slug: str) -> HttpResponse:
    project = get_project(request, slug)
    page = page_of(request, project.scoring_batches.select_related("model__run", "created_by"), BATCHES)
    count_items(page.object_list)
    context = {
        "page": page,
        "pages": page.paginator.get_elided_page_range(page.number, on_each_side=2, on_ends=1),
        "model": ModelVersion.objects.filter(project=project).offered().first(),
    }
    return render(request, "scoring/list.html", context)


@login_required
@require_GET
@vary_on_headers("HX-Request")
def batch_page(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Show the batch with one page of its items. An htmx request gets progress and items only."""
    project = get_project(request, slug)
    found = ScoringBatch.objects.select_related("model__run", "created_by", "project")
    batch = get_object_or_404(found, pk=pk, project=project)
    classes = list(batch.model.classes)
    shown = ItemList.of(request.GET, classes)
    blindness = Blindness(request.user)
    page = page_of(request, shown.items(batch, blindness), ITEMS)
    for item in page.object_list:
        item.batch = batch  # which blindness asks for its project
    context = {
        "batch": batch,
        "progress": batch.progress(),
        "pace": _pace(batch) if batch.is_open else None,
        "shown": shown,
        "rows": [_row(item, classes, blindness) for item in page.object_list],
        "page": page,
        "pages": page.paginator.get_elided_page_range(page.number, on_each_side=2, on_ends=1),
        "counted": counted(batch, blindness),
        "classes": classes,
        "retryable": batch.progress()["failed"] + batch.progress()["cancelled"],
        "downloads": [
            (name, reverse(f"scoring-results-{kind}", args=[pk])) for kind, name in DOWNLOADS.items()
        ],
        "states": ScoringItem.State.values,
        "sorts": SORTS.items(),
        "flags": FLAGS.items(),
        "clip_ids": ", ".join(str(item.clip_id) for item in page.object_list[:20] if item.clip_id),
    }
    template = "scoring/_items.html" if is_partial(request) else "scoring/batch.html"
    return render(request, template, context)


@login_required
@require_POST
def batch_action(request: HttpRequest, slug: str, pk: int, action: str) -> HttpResponse:
    """Cancel what waits, or try failed and cancelled clips again."""
    project = get_project(request, slug, Role.RESEARCHER)
    batch = get_object_or_404(ScoringBatch, pk=pk, project=project)
    try:
        if action == "cancel":
            services.cancel(batch, request.user)
            messages.success(request, "Batch cancelled. Clips that were scored keep their results.")
        else:
            services.retry(batch, request.user)
            messages.success(request, "Failed and cancelled clips are queued again.")
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    return redirect("batch", slug, pk)


@login_required
@require_POST
def batch_change(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Change the name, and of an open batch the priority."""
    project = get_project(request, slug, Role.RESEARCHER)
    batch = get_object_or_404(ScoringBatch, pk=pk, project=project)
    form = RenameForm(request.POST)
    if form.is_valid():
        given = form.cleaned_data
        changes: dict[str, Any] = {"name": given["name"].strip()}
        if given["priority"] is not None:
            changes["priority"] = given["priority"]
        services.change(batch, request.user, **changes)
        messages.success(request, "Batch saved.")
    else:
        for errors in form.errors.values():
            messages.error(request, " ".join(str(error) for error in errors))
    return redirect("batch", slug, pk)


def _pace(batch: ScoringBatch) -> dict[str, float] | None:
    """Return the clips per minute of the last minute, and the seconds left at that pace; None while it is unknown."""
    since = timezone.now() - timedelta(seconds=RATE_SECONDS)
    start = max(since, batch.created_at)
    ended = batch.items.filter(finished_at__gte=since, state__in=["done", "failed"]).count()
    seconds = (timezone.now() - start).total_seconds()
    if not ended or seconds < 2:
        return None
    return {
        "per_minute": ended / seconds * 60,
        "seconds_left": batch.progress()["waiting"] * seconds / ended,
    }


def _row(item: ScoringItem, classes: list[str], blindness: Blindness) -> dict[str, Any]:
    """Return what the table shows of an item to this user."""
    hidden = blindness.hides(item)
    unseen = blindness.hides_result(item)
    if unseen:
        item.warnings = []  # they depend on the frames; the item is not saved
    probabilities = (not unseen and item.probabilities) or {}
    return {
        "item": item,
        "unseen": unseen,
        "probabilities": [(name, probabilities.get(name)) for name in classes],
        "hidden": hidden,
        "frame": None if hidden or item.apex is None else item.apex,
    }
