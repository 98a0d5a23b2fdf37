"""What the page of runs changes: baselines and saved views."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from mer_platform.experiments.leaderboard.baselines import pin, unpin
from mer_platform.experiments.leaderboard.saved_views import change_view, delete_view, save_view
from mer_platform.experiments.models import Run, SavedView
from mer_platform.projects.access import get_project
from mer_platform.projects.models import Role


@login_required
@require_POST
def pin_run(request: HttpRequest, slug: str, pk: int, pinned: bool) -> HttpResponse:
    """Pin a run as the baseline of its version and protocol, or remove it. Returns to ``next``."""
    project = get_project(request, slug, Role.RESEARCHER)
    run = get_object_or_404(Run.objects.select_related("project", "version"), pk=pk, project=project)
    try:
        if pinned:
            pin(run, request.user)
            messages.success(request, f"{run} is now the baseline of its version and protocol.")
        elif unpin(run, request.user):
            messages.success(request, f"{run} is no longer the baseline.")
        else:
            messages.error(request, f"{run} is not a baseline.")
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    return redirect(_way_back(request, slug))


@login_required
@require_POST
def view_save(request: HttpRequest, slug: str) -> HttpResponse:
    """Save the address in ``query`` under ``name``, and open the view."""
    project = get_project(request, slug, Role.RESEARCHER)
    try:
        view = save_view(project, request.POST.get("name", ""), request.POST.get("query", ""), request.user)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
        return redirect(_way_back(request, slug))
    messages.success(request, f"The view “{view}” was saved.")
    return redirect(address_of(view, slug))


@login_required
@require_POST
def view_change(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Rename a view, overwrite it with ``query``, make it the default (``default=yes`` or ``no``), or delete it."""
    project = get_project(request, slug, Role.RESEARCHER)
    view = get_object_or_404(SavedView.objects.select_related("project"), pk=pk, project=project)
    if "delete" in request.POST:
        delete_view(view, request.user)
        messages.success(request, f"The view “{view}” was deleted. The runs are unchanged.")
        return redirect(f"{reverse('runs', args=[slug])}?{view.query}")
    changes: dict[str, Any] = {name: request.POST[name] for name in ("name", "query") if name in request.POST}
    if "default" in request.POST:
        changes["is_default"] = request.POST["default"] == "yes"
    try:
        change_view(view, request.user, **changes)
        messages.success(request, f"The view “{view}” was saved.")
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
        return redirect(_way_back(request, slug))
    return redirect(address_of(view, slug))


def address_of(view: SavedView, slug: str) -> str:
    """Return the address that opens a view."""
    return f"{reverse('runs', args=[slug])}?{view.query}&view={view.pk}"


def _way_back(request: HttpRequest, slug: str) -> str:
    """Return the page of this platform that the form names, or else the page of runs."""
    page = request.POST.get("next", "")
    known = url_has_allowed_host_and_scheme(page, {request.get_host()}, require_https=request.is_secure())
    return page if known else reverse("runs", args=[slug])
