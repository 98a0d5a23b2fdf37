"""The report of one run: its results, settings and methods on pages that print well."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_GET

from mer_platform.composites.blindness import why_scores_hidden
from mer_platform.configurations.display import settings_by_section
from mer_platform.experiments.models import Run
from mer_platform.experiments.paper.captions import caption_of
from mer_platform.experiments.paper.methods import methods_of
from mer_platform.experiments.paper.tables import classes, databases
from mer_platform.experiments.results import results_of
from mer_platform.experiments.runs.views import FIGURES, OF_TRAINING
from mer_platform.experiments.tables import measured, shown
from mer_platform.projects.access import get_project

# Name and width in columns, in the order of the report.
CHARTS = (
    ("confusion", 1), ("per-class", 1), ("per-subject", 2), ("roc", 1), ("precision-recall", 1), ("calibration", 1),
    ("losses", 1), ("epochs", 1),
)  # fmt: skip


@login_required
@require_GET
def run_report(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """The report of a run with scores, to be read on paper: no navigation, and figures as vector graphics."""
    project = get_project(request, slug)
    found = Run.objects.select_related("version__composite", "experiment", "created_by", "stored_results")
    run = get_object_or_404(found, pk=pk, project=project)
    if not run.scored:
        raise Http404(f"This run has no results to report yet; it is {run.get_state_display()}.")
    if hidden := why_scores_hidden(request.user, run.version_id):
        raise PermissionDenied(hidden)
    results = results_of(run)
    context: dict[str, Any] = {
        "run": run,
        "results": results,
        "tables": [_without_run(shown(table([run]))) for table in (databases, classes)],
        "charts": _charts(run),
        "configuration": [] if run.is_external else settings_by_section(run.settings),
        "methods": methods_of([run]).strip().split("\n\n"),
        "provenance": measured([run]),
    }
    return render(request, "experiments/paper/report.html", context)


def _without_run(table: dict[str, Any]) -> dict[str, Any]:
    """Leave out the first column, which names the run."""
    return {**table, "columns": table["columns"][1:], "rows": [row[1:] for row in table["rows"]]}


def _charts(run: Run) -> Sequence[dict[str, Any]]:
    """Return address, width, title and caption of each chart that this run has."""
    charts = []
    for name, columns in CHARTS:
        if name in OF_TRAINING and (run.is_external or not _is_trained(run, name)):
            continue
        if name not in FIGURES or not FIGURES[name](run).data:
            continue
        query = urlencode({"format": "svg", "columns": columns, "inline": 1})
        address = f"{reverse('figure', args=[run.project.slug, run.pk, name])}?{query}"
        charts.append(
            {"name": name, "address": address, "wide": columns == 2, "caption": caption_of(FIGURES[name])}
        )
    return charts


def _is_trained(run: Run, name: str) -> bool:
    """Return whether the run has what a chart of its training shows."""
    train = run.config.get("train", {}) if run.config else {}
    return name != "epochs" or train.get("epoch_choice") == "validation"
