"""The pages of paper bundles: making one of the compared runs, and its progress and content."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST
from django.views.decorators.vary import vary_on_headers
from rest_framework.exceptions import ValidationError

from mer_platform.experiments.models import Run
from mer_platform.experiments.paper.methods import methods_of
from mer_platform.exports.bundles import start_bundle
from mer_platform.exports.models import PaperBundle
from mer_platform.exports.predictions import runs_to_export
from mer_platform.projects.access import get_project, row_id
from mer_platform.projects.models import Role
from mer_platform.web import is_partial


@login_required
@require_POST
def bundle_new(request: HttpRequest, slug: str) -> HttpResponse:
    """Make a bundle of the runs in ``run`` and show it."""
    project = get_project(request, slug, Role.RESEARCHER)
    own = set(Run.objects.filter(project=project).values_list("pk", flat=True))
    ids = [text for text in request.POST.getlist("run") if row_id(text) in own]
    try:
        runs = runs_to_export(request.user, ids)
    except ValidationError as error:
        messages.error(request, in_words(error))
        return redirect("compare-runs", slug)
    return redirect("paper-bundle", slug, start_bundle(runs, request.user).pk)


@login_required
@require_GET
@vary_on_headers("HX-Request")
def bundle_page(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Show how far a bundle is, its file, and the methods in words; for htmx, only how far it is."""
    project = get_project(request, slug, Role.RESEARCHER)
    bundle = get_object_or_404(PaperBundle.objects.select_related("created_by"), pk=pk, project=project)
    if is_partial(request):
        return render(request, "exports/_bundle.html", {"bundle": bundle})
    context: dict[str, object] = {"bundle": bundle, "problem": "", "methods": [], "runs": []}
    try:
        runs = runs_to_export(request.user, [str(run) for run in bundle.runs])
    except ValidationError as error:
        context["problem"] = in_words(error)
    else:
        context |= {"runs": runs, "methods": methods_of(runs).strip().split("\n\n")}
        context["query"] = "&".join(f"run={run.pk}" for run in runs)
    return render(request, "exports/bundle.html", context)


def in_words(error: ValidationError) -> str:
    """Return the sentences of an error about runs."""
    detail: Any = error.detail
    found = detail.values() if isinstance(detail, dict) else detail
    return " ".join(str(text) for text in found)
