"""The page that compares runs, and its figures."""

from collections.abc import Sequence
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET
from django.views.decorators.vary import vary_on_headers

from mer_platform.experiments.comparison import figures
from mer_platform.experiments.comparison.comparing import (
    MAX_COMPARED,
    choose_runs,
    comparable_runs,
    compare_runs,
    query_of,
)
from mer_platform.experiments.models import Run
from mer_platform.experiments.paper.captions import caption_of
from mer_platform.experiments.paper.figures import figure_response
from mer_platform.experiments.search import search_runs
from mer_platform.projects.access import get_project, row_id
from mer_platform.projects.models import Project
from mer_platform.web import is_partial
from models_ml.classes import CLASSES
from models_ml.errors import InputError

OFFERED = 50  # runs that the picker lists at once
FIGURES = {
    "scores": figures.scores,
    "databases": figures.databases,
    "classes": figures.classes,
}


@login_required
@require_GET
@vary_on_headers("HX-Request")
def compare_page(request: HttpRequest, slug: str) -> HttpResponse:
    """The runs in ``?run=1&run=2…`` compared with the first of them, and runs to choose from: all that match ``?q=``.

    htmx gets only the runs to choose from.
    """
    project = get_project(request, slug)
    asked = request.GET.getlist("run")
    if is_partial(request):
        return render(request, "experiments/comparison/_offered.html", _offered(request, project, asked))
    problem, chosen = "", []
    try:
        chosen = choose_runs(Run.objects.filter(project=project), asked, request.user)
    except InputError as error:
        problem = str(error)
    context: dict[str, Any] = {
        **_offered(request, project, asked),
        "chosen": chosen,
        "problem": problem,
        "most": MAX_COMPARED,
    }
    if len(chosen) > 1:
        comparison = compare_runs(chosen)
        context |= {
            "comparison": comparison,
            "rows": [
                (run, results, run.protocol, query_of([run, *_others(run, chosen)]))
                for run, results in zip(chosen, comparison.results, strict=True)
            ],
            "query": query_of(chosen),
            "bars": len(chosen) <= figures.MAX_BARS,
            "disagreements": comparison.disagreements() if comparison.on_same_samples else [],
            "classes": CLASSES,
        }
    return render(request, "experiments/comparison/compare.html", context, status=422 if problem else 200)


@login_required
@require_GET
def compare_figure(request: HttpRequest, slug: str, name: str) -> HttpResponse:
    """One figure of the runs in ``?run=1&run=2…``."""
    project = get_project(request, slug)
    try:
        runs = choose_runs(Run.objects.filter(project=project), request.GET.getlist("run"), request.user)
    except InputError as error:
        raise Http404(str(error)) from error
    if name not in FIGURES or not runs:
        raise Http404("This figure does not exist, or there are no runs to compare.")
    draw = FIGURES[name]
    return figure_response(request, draw(runs), f"compare-{name}", runs, caption_of(draw))


def _offered(request: HttpRequest, project: Project, asked: Sequence[str]) -> dict[str, Any]:
    """Return the ticked runs in their order, then the latest others that match the search, each with its scores."""
    runs = comparable_runs(project, request.user)
    ids = list(dict.fromkeys(row_id(text) for text in asked))
    known = runs.in_bulk(ids)
    ticked = [known[pk] for pk in ids if pk in known]
    search = request.GET.get("q", "").strip()
    others = search_runs(runs.filter(archived_at=None), search).exclude(pk__in=ids)
    listed = list(others[:OFFERED])
    return {
        "offered": [(run, getattr(run, "stored_results", None)) for run in [*ticked, *listed]],
        "ticked": set(known),
        "search": search,
        "unlisted": others.count() - len(listed),
        "any_runs": len(ticked) + len(listed) > 1 or bool(search),
    }


def _others(run: Run, runs: list[Run]) -> list[Run]:
    return [other for other in runs if other != run]
