from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import plotly.graph_objects as go
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, Sum
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST
from django.views.decorators.vary import vary_on_headers

from mer_platform.composites.blindness import why_scores_hidden
from mer_platform.configurations.display import network_facts, settings_by_section
from mer_platform.experiments import services
from mer_platform.experiments.comparison import curve_figures
from mer_platform.experiments.models import Run
from mer_platform.experiments.paper.captions import caption_of
from mer_platform.experiments.paper.figures import figure_response
from mer_platform.experiments.results import Results, results_of
from mer_platform.experiments.runs import figures
from mer_platform.experiments.runs.epochs import oracle_of
from mer_platform.projects.access import get_project
from mer_platform.projects.models import Role
from mer_platform.web import is_partial
from models_ml.classes import CLASSES
from models_ml.errors import InputError


def _of_results(draw: Callable[[Results], go.Figure]) -> Callable[[Run], go.Figure]:
    """Return the function that draws the same of a run."""
    return wraps(draw)(lambda run: draw(results_of(run)))


def _of_one(draw: Callable[[Sequence[Run]], go.Figure]) -> Callable[[Run], go.Figure]:
    """Return the function that draws the same of a run alone."""
    return wraps(draw)(lambda run: draw([run]))


OF_TRAINING = ("losses", "epochs")  # figures that an external run does not have
FIGURES = {
    "confusion": _of_results(figures.confusion),
    "per-class": _of_results(figures.per_class),
    "per-subject": _of_results(figures.per_subject),
    "losses": figures.losses,
    "epochs": figures.epochs,
    "roc": _of_one(curve_figures.roc),
    "precision-recall": _of_one(curve_figures.precision_recall),
    "calibration": _of_one(curve_figures.calibration),
}


@login_required
@require_GET
@vary_on_headers("HX-Request")
def run_page(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """The run's progress, then its results. htmx gets only the progress.

    In ``?state=`` the progress says which state the page shows, so that the page reloads when there is more to show.
    """
    run = _get_run(request, slug, pk)
    context: dict[str, Any] = {"run": run, "progress": run.progress(), "classes": CLASSES}
    if is_partial(request):
        response = render(request, "experiments/runs/_progress.html", context)
        if run.state != request.GET.get("state") and (run.scored or not run.active):
            response["HX-Refresh"] = "true"
        return response
    experiment = run.experiment if run.has_siblings else None  # type: ignore[attr-defined]  # from _get_run
    context |= {"experiment": experiment, "tab": "experiments" if experiment else "runs"}
    if not run.is_external:
        context["network"] = network_facts(run.settings)
        context["configuration"] = settings_by_section(run.settings)
    context["hidden"] = why_scores_hidden(request.user, run.version_id) if run.scored else ""
    shown = run.scored and not context["hidden"]
    context["results"] = results_of(run) if shown else None
    context["oracle"] = oracle_of(run) if shown else None
    context["fold_seconds"] = run.folds.aggregate(Sum("seconds"))["seconds__sum"]
    context["model"] = run.ready_model
    return render(request, "experiments/runs/run.html", context)


@login_required
@require_GET
def run_figure(request: HttpRequest, slug: str, pk: int, name: str) -> HttpResponse:
    run = _get_run(request, slug, pk)
    of_training = name in OF_TRAINING
    if name not in FIGURES or (name != "losses" and not run.scored) or (of_training and run.is_external):
        raise Http404("This figure does not exist, or the run is not finished yet.")
    if name != "losses" and (hidden := why_scores_hidden(request.user, run.version_id)):
        raise PermissionDenied(hidden)
    draw, extras = FIGURES[name], curve_figures.extras(name, [run])
    return figure_response(request, draw(run), f"run-{run.pk}-{name}", [run], caption_of(draw), *extras)


@login_required
@require_POST
def run_cancel(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    run = _get_run(request, slug, pk, Role.RESEARCHER)
    if services.cancel(run, request.user):
        messages.success(request, f"{run} cancelled. Its finished folds are kept.")
    else:
        messages.error(request, f"Cannot cancel {run}: it is {run.get_state_display()}.")
    return redirect("run", slug, pk)


@login_required
@require_POST
def run_again(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Run a failed run again, then return to the run, or to its experiment if the form has ``from=experiment``."""
    run = _get_run(request, slug, pk, Role.RESEARCHER)
    if services.rerun(run, request.user):
        after = " It starts when the experiment is resumed." if run.experiment.paused else ""
        messages.success(request, f"{run} will run again. Its finished folds are kept.{after}")
    else:
        run.refresh_from_db()
        messages.error(
            request,
            f"Cannot run {run} again: it is {run.get_state_display()}. Only failed runs can run again.",
        )
    if request.POST.get("from") == "experiment":
        return redirect("experiment", slug, run.experiment_id)
    return redirect("run", slug, pk)


@login_required
@require_POST
def train_model(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Train a finished run's configuration on all samples, for scoring clips."""
    run = _get_run(request, slug, pk, Role.RESEARCHER)
    try:
        if services.train_model(run, request.user):
            messages.success(request, f"Training the final model of {run} on all samples.")
        else:
            messages.error(request, f"{run} already has a model, or is not finished.")
    except InputError as error:  # it is external
        messages.error(request, str(error))
    return redirect("run", slug, pk)


def _get_run(request: HttpRequest, slug: str, pk: int, role: Role = Role.VIEWER) -> Run:
    project = get_project(request, slug, role)
    siblings = Run.objects.filter(experiment=OuterRef("experiment")).exclude(pk=OuterRef("pk"))
    return get_object_or_404(
        Run.objects.annotate(has_siblings=Exists(siblings)).select_related(
            "version__composite", "experiment", "model", "created_by", "stored_results", "project", "external"
        ),
        pk=pk,
        project=project,
    )
