"""The page that compares runs, and its figures."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from mer_platform.configurations.display import protocol_in_words
from mer_platform.experiments.comparison import figures
from mer_platform.experiments.comparison.comparing import (
    MAX_COMPARED,
    choose_runs,
    comparable_runs,
    compare_runs,
    query_of,
)
from mer_platform.experiments.figures import as_json
from mer_platform.experiments.models import Run
from mer_platform.projects.access import get_project, row_id
from models_ml.classes import CLASSES
from models_ml.errors import InputError

OFFERED_RUNS = 50
FIGURES = {
    "scores": figures.scores,
    "databases": figures.databases,
    "classes": figures.classes,
}


@login_required
@require_GET
def compare_page(request: HttpRequest, slug: str) -> HttpResponse:
    """The runs in ``?run=1&run=2…`` compared with the first of them, and a list of runs to choose from."""
    project = get_project(request, slug)
    asked = request.GET.getlist("run")
    problem, chosen = "", []
    try:
        chosen = choose_runs(Run.objects.filter(project=project), asked, request.user)
    except InputError as error:
        problem = str(error)
    context: dict[str, Any] = {
        "offered": list(dict.fromkeys([*chosen, *comparable_runs(project, request.user)[:OFFERED_RUNS]])),
        "ticked": {row_id(text) for text in asked},
        "chosen": chosen,
        "problem": problem,
        "most": MAX_COMPARED,
    }
    if len(chosen) > 1:
        comparison = compare_runs(chosen)
        context |= {
            "comparison": comparison,
            "rows": [
                (run, results, protocol_in_words(run.settings), query_of([run, *_others(run, chosen)]))
                for run, results in zip(chosen, comparison.results, strict=True)
            ],
            "query": query_of(chosen),
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
    return JsonResponse(as_json(FIGURES[name](runs)))


def _others(run: Run, runs: list[Run]) -> list[Run]:
    return [other for other in runs if other != run]
