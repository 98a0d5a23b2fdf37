"""The page that compares runs, and its figures."""

from collections.abc import Callable, Sequence
from typing import Any

import plotly.graph_objects as go
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET
from django.views.decorators.vary import vary_on_headers

from mer_platform.experiments.comparison import (
    configurations,
    curve_figures,
    figures,
    matrices,
    subjects,
)
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
from mer_platform.experiments.paper.tables import TABLES
from mer_platform.experiments.search import search_runs
from mer_platform.projects.access import get_project, row_id
from mer_platform.projects.models import Project, Role
from mer_platform.web import is_partial
from models_ml.classes import CLASSES
from models_ml.errors import InputError

OFFERED = 50  # runs that the picker lists at once
LISTED = 100  # disagreements listed at first
FIGURES: dict[str, Callable[..., go.Figure]] = {
    "scores": figures.scores,
    "differences": figures.differences,
    "configurations": configurations.configurations,
    "databases": figures.databases,
    "classes": figures.classes,
    "confusion-counts": matrices.counts,
    "confusion-shares": matrices.shares,
    "confusion-differences": matrices.differences,
    "subjects": subjects.subjects,
    "roc": curve_figures.roc,
    "precision-recall": curve_figures.precision_recall,
    "calibration": curve_figures.calibration,
}
# Tables of each figure by their names in ``paper.tables``; by default, that of the figure.
TABLES_OF = {
    "confusion-counts": ["confusion"],
    "subjects": ["disagreement"],
    "roc": ["roc-areas"],
    "precision-recall": ["average-precision"],
    "calibration": ["calibration", "reliability"],
}
NOTES: dict[str, Callable[[Sequence[Run]], list[str]]] = {
    "configurations": configurations.notes,
    "confusion-differences": matrices.notes,
    "subjects": subjects.notes,
    "roc": curve_figures.notes,
    "precision-recall": curve_figures.notes,
    "calibration": curve_figures.notes,
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
            "seeds": configurations.compare_seeds(chosen),
            "shown_subjects": subjects.MOST,
            "classes": CLASSES,
        }
    return render(request, "experiments/comparison/compare.html", context, status=422 if problem else 200)


@login_required
@require_GET
def compare_disagreements(request: HttpRequest, slug: str) -> HttpResponse:
    """The samples that the runs in ``?run=1&run=2…`` predict differently, as a fragment: some, or all with ``?all=1``."""
    project = get_project(request, slug, Role.RESEARCHER)
    runs = _asked(request, project)
    if not runs:
        raise Http404("Choose runs to compare.")
    comparison = compare_runs(runs)
    if not comparison.on_same_samples:
        raise Http404("These runs were not tested on the same samples.")
    found = comparison.disagreements()
    listed = found if request.GET.get("all") else found[:LISTED]
    context = {
        "chosen": runs,
        "comparison": comparison,
        "disagreements": listed,
        "total": len(found),
        "query": query_of(runs),
    }
    return render(request, "experiments/comparison/_disagreements.html", context)


@login_required
@require_GET
def compare_figure(request: HttpRequest, slug: str, name: str) -> HttpResponse:
    """One figure of the runs in ``?run=1&run=2…``, with its tables.

    ``?across=`` says how many confusion matrices fit side by side, ``?of=`` which class curves are of, and ``?subjects=all``
    asks for all subjects.
    """
    project = get_project(request, slug)
    runs = _asked(request, project)
    if name not in FIGURES or not runs:
        raise Http404("This figure does not exist, or there are no runs to compare.")
    draw = FIGURES[name]
    return figure_response(
        request,
        draw(runs, **_options(request, name)),
        f"compare-{name}",
        runs,
        caption_of(draw),
        [TABLES[table](runs) for table in TABLES_OF.get(name, [name])],
        NOTES[name](runs) if name in NOTES else [],
    )


def _options(request: HttpRequest, name: str) -> dict[str, Any]:
    """Return what the address asks for beyond the runs."""
    if name.startswith("confusion-"):
        asked = request.GET.get("across")
        if request.GET.get("format") and not asked:
            columns = 2 if request.GET.get("columns") == "2" else 1
            asked = str(matrices.across_on_paper(len(request.GET.getlist("run")), columns))
        across = row_id(asked)
        return {"across": across} if across > 0 else {}
    if name in ("roc", "precision-recall"):
        return {"of": request.GET.get("of", "")}
    if name == "subjects":
        role: Role = request.role  # type: ignore[attr-defined]
        most = None if request.GET.get("subjects") == "all" else subjects.MOST
        return {"most": most, "named": role.includes(Role.RESEARCHER)}
    return {}


def _asked(request: HttpRequest, project: Project) -> list[Run]:
    """Return the runs of a fragment or figure. Raises Http404 with the reason if they cannot be compared."""
    try:
        return choose_runs(Run.objects.filter(project=project), request.GET.getlist("run"), request.user)
    except InputError as error:
        raise Http404(str(error)) from error


def _offered(request: HttpRequest, project: Project, asked: Sequence[str]) -> dict[str, Any]:
    """Return the ticked runs in their order, then the latest others that match the search, each with its scores."""
    heavy = [f"stored_results__{field}" for field in ("evaluation", "intervals", "predicted")]
    runs = comparable_runs(project, request.user).defer(*heavy)
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
