"""Pages of experiments: the list, and the live page of one with its parts and actions."""

from collections.abc import Callable, Sequence
from typing import Any

import plotly.graph_objects as go
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST
from django.views.decorators.vary import vary_on_headers

from mer_platform.composites.models import CompositeVersion
from mer_platform.configurations.fields import NumberList
from mer_platform.experiments import services
from mer_platform.experiments.managing.bulk import Bulk
from mer_platform.experiments.managing.tags import project_tags
from mer_platform.experiments.models import Experiment, Fold, Run
from mer_platform.experiments.models.progress import progress_of_experiments
from mer_platform.experiments.paper.captions import caption_of
from mer_platform.experiments.paper.figures import figure_response
from mer_platform.experiments.runs.figures import losses
from mer_platform.experiments.sweeps import effect_figures, figures, live, tables
from mer_platform.experiments.sweeps.answer import Answer
from mer_platform.experiments.sweeps.listing import Listing
from mer_platform.jobs.models import Worker
from mer_platform.projects.access import get_project, row_id
from mer_platform.projects.models import Role
from mer_platform.web import is_partial, page_of
from models_ml.paper.tables import Table

PAGE_SIZE = 20
WITH_REASON, WITHOUT_REASON = 5, 45  # failed runs that the page of an experiment lists
LEGEND = {"d": "done", "r": "training", "w": "waiting", "f": "failed", "c": "not trained"}.items()


@login_required
@require_GET
@vary_on_headers("HX-Request")
def experiment_list(request: HttpRequest, slug: str) -> HttpResponse:
    """The experiments that the address asks for. Single runs are on the page of runs."""
    project = get_project(request, slug)
    listing = Listing.of(project, request.GET)
    found = listing.experiments().select_related("version__composite", "created_by").prefetch_related("tags")
    page = page_of(request, found, PAGE_SIZE)
    progress = progress_of_experiments(list(page))
    context = {
        "rows": [(experiment, progress[experiment.pk]) for experiment in page],
        "page": page,
        "pages": page.paginator.get_elided_page_range(page.number, on_each_side=2, on_ends=1),
        "active": any(experiment.active for experiment in page),
        "listing": listing,
        "bulk": Bulk(
            "experiment", "bulk-experiments", page.paginator.count, listing.address, project_tags(project)
        ),
    }
    if not is_partial(request):
        context |= {
            "any": page.paginator.count > 0 or listing.all().exists(),
            "choices": listing.choices(),
            "has_versions": CompositeVersion.objects.filter(composite__project=project).exists(),
        }
    part = is_partial(request)
    return render(request, f"experiments/sweeps/{'_list' if part else 'list'}.html", context)


@login_required
@require_GET
@vary_on_headers("HX-Request")
def experiment_page(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """The experiment. htmx gets only the progress; ``?state=`` is the state that the page shows, to detect a change."""
    experiment = _get_experiment(request, slug, pk)
    if experiment.is_external:  # all that there is to see is on the page of its run
        return redirect("run", slug, experiment.runs.get().pk)
    context: dict[str, Any] = {"experiment": experiment, "progress": experiment.progress()}
    if is_partial(request):
        response = render(request, "experiments/sweeps/_progress.html", context)
        if experiment.state != request.GET.get("state"):
            response["HX-Refresh"] = "true"
        return response
    answer = Answer(experiment, request.user)
    several_seeds = len({run.seed for run in answer.runs}) > 1
    context |= {
        "legend": LEGEND,
        "rows": [
            (run, answer.labels[run.pk] + (f", seed {run.seed}" if several_seeds else ""))
            for run in answer.runs
        ],
        **_failed([run for run in answer.runs if run.state == Run.State.FAILED]),
        "answer": answer,
        "heat": answer.widest,
        "most_shown": figures.MAX_CONFIGURATIONS,
        "workers": _workers(experiment) if experiment.active else [],
    }
    return render(request, "experiments/sweeps/experiment.html", context)


@login_required
@require_GET
def experiment_folds(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """The runs that have changed since ``?seen=``, as JSON for the matrix."""
    return JsonResponse(live.changes(_get_experiment(request, slug, pk), request.GET.get("seen", "")))


@login_required
@require_GET
def experiment_fold(request: HttpRequest, slug: str, pk: int, run: int, index: int) -> HttpResponse:
    experiment = _get_experiment(request, slug, pk)
    fold = get_object_or_404(
        Fold.objects.select_related("run"), run__experiment=experiment, run=run, index=index
    )
    return JsonResponse({"text": live.describe_fold(fold)})


@login_required
@require_GET
def experiment_answer(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    experiment = _get_experiment(request, slug, pk)
    context = {"experiment": experiment, "answer": Answer(experiment, request.user)}
    return render(request, "experiments/sweeps/_answer.html", context)


@login_required
@require_GET
def experiment_effects(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    experiment = _get_experiment(request, slug, pk)
    context = {"experiment": experiment, "answer": Answer(experiment, request.user)}
    return render(request, "experiments/sweeps/_effects.html", context)


@login_required
@require_GET
def experiment_runs(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """The first lines of the leaderboard of its runs."""
    context = {"experiment": _get_experiment(request, slug, pk)}
    return render(request, "experiments/sweeps/_runs.html", context)


@login_required
@require_GET
def experiment_failed(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    experiment = _get_experiment(request, slug, pk)
    failed = list(experiment.runs.filter(state=Run.State.FAILED).order_by("pk"))
    return render(request, "experiments/sweeps/_failed.html", {"experiment": experiment, **_failed(failed)})


@login_required
@require_GET
def experiment_workers(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    experiment = _get_experiment(request, slug, pk)
    context = {"experiment": experiment, "workers": _workers(experiment)}
    return render(request, "experiments/sweeps/_workers.html", context)


@login_required
@require_GET
def experiment_figure(request: HttpRequest, slug: str, pk: int, name: str) -> HttpResponse:
    """``losses`` of ``?run=``, or one of ``FIGURES``; empty without scores."""
    experiment = _get_experiment(request, slug, pk)
    if name == "losses":
        run = get_object_or_404(experiment.runs, pk=row_id(request.GET.get("run")))
        return figure_response(request, losses(run), f"run-{run.pk}-losses", [run], caption_of(losses))
    if name not in FIGURES:
        raise Http404("This figure does not exist.")
    answer = Answer(experiment, request.user)
    drawn = FIGURES[name](answer, request.GET)
    figure, table = drawn if drawn else (go.Figure(), None)
    caption, drawn_tables = caption_of(DRAWN_BY[name]), [table] if table else []
    return figure_response(request, figure, f"experiment-{pk}-{name}", answer.scored, caption, drawn_tables)


Drawn = tuple[go.Figure, Table]


def _ranking(answer: Answer, asked: QueryDict) -> Drawn | None:
    return (figures.ranked(answer), tables.ranking_table(answer)) if answer.standings else None


def _heat_map(answer: Answer, asked: QueryDict) -> Drawn | None:
    """The heat map over the settings ``?x=`` and ``?y=``."""
    x, y = asked.get("x", ""), asked.get("y", "")
    if not {x, y} <= set(answer.varied):
        raise Http404("A heat map needs two of the settings that vary.")
    return (figures.heat_map(answer, x, y), tables.pairs(answer, x, y)) if answer.standings else None


def _parallel(answer: Answer, asked: QueryDict) -> Drawn | None:
    """The lines from settings to UF1. Those of the configurations of ``?runs=1,2`` are highlighted; without it, all are."""
    if not answer.standings:
        return None
    chosen = {row_id(text) for text in asked.get("runs", "").split(",") if text}
    return effect_figures.parallel(answer, chosen or None), tables.ranking_table(answer)


def _averaged(answer: Answer, asked: QueryDict) -> Drawn | None:
    effects = answer.effects
    if not effects or not effects.settings:
        return None
    return effect_figures.averaged(effects), tables.effects(answer, effects)


# By name; each takes the answer and what was asked for, and returns None if there is nothing to show.
FIGURES: dict[str, Callable[[Answer, QueryDict], Drawn | None]] = {
    "ranking": _ranking,
    "heat-map": _heat_map,
    "parallel": _parallel,
    "effects": _averaged,
}
DRAWN_BY: dict[str, Callable[..., go.Figure]] = {  # their docstrings are captions
    "ranking": figures.ranked,
    "heat-map": figures.heat_map,
    "parallel": effect_figures.parallel,
    "effects": effect_figures.averaged,
}


@login_required
@require_POST
def experiment_do(request: HttpRequest, slug: str, pk: int, action: str) -> HttpResponse:
    """Pause, resume or cancel an experiment, or run its failed runs again."""
    experiment = _get_experiment(request, slug, pk, Role.RESEARCHER)
    act, done = {
        "pause": (services.pause, "Paused. Folds in training will finish; no new ones will start."),
        "resume": (services.resume, "Resumed."),
        "cancel": (services.cancel_experiment, "Cancelled. Finished folds are kept."),
        "rerun-failed": (
            services.rerun_failed,
            "The failed runs will run again. Their finished folds are kept.",
        ),
    }[action]
    if act(experiment, request.user):
        held = action == "rerun-failed" and experiment.paused
        messages.success(request, f"{done} They start when the experiment is resumed." if held else done)
    else:
        messages.error(request, f"Nothing to do: {experiment} is {experiment.get_state_display()}.")
    return redirect("experiment", slug, pk)


@login_required
@require_POST
def experiment_seeds(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    experiment = _get_experiment(request, slug, pk, Role.RESEARCHER)
    try:
        seeds = NumberList().clean(request.POST.get("seeds", ""))
        added = services.add_seeds(experiment, seeds, request.user)
        messages.success(request, f"{len(added)} runs added.")
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    return redirect("experiment", slug, pk)


def _get_experiment(request: HttpRequest, slug: str, pk: int, role: Role = Role.VIEWER) -> Experiment:
    project = get_project(request, slug, role)
    experiments = (
        Experiment.objects.with_counts()
        .select_related("version__composite", "created_by", "project")
        .prefetch_related("tags")
    )
    return get_object_or_404(experiments, pk=pk, project=project)


def _failed(runs: Sequence[Run]) -> dict[str, Any]:
    """Return the first failed runs, to be listed with their reasons, more to be listed without, and all their numbers."""
    listed = WITH_REASON + WITHOUT_REASON
    return {
        "failed": runs[:WITH_REASON],
        "failed_others": runs[WITH_REASON:listed],
        "failed_count": len(runs),
        "failed_other_count": len(runs) - WITH_REASON,
        "failed_unlisted": len(runs) - len(runs[:listed]),
    }


def _workers(experiment: Experiment) -> list[tuple[Worker, str]]:
    """Return the workers that compute features or train on the experiment's device, and what each does, in words."""
    wanted = {"features", experiment.queue}
    workers = [worker for worker in Worker.alive().select_related("job") if wanted & set(worker.queues)]
    return [(worker, _doing(worker, experiment)) for worker in workers]


def _doing(worker: Worker, experiment: Experiment) -> str:
    job = worker.job
    if job is None:
        return "idle"
    if job.project_id != experiment.project_id:
        return "working for another project"
    what = {
        "features": "motion features",
        "bundle": f"{len(job.payload.get('folds', []))} folds",
        "model": "a final model",
    }
    here = " of this experiment" if job.group == experiment.group else ""
    return what.get(job.kind, job.kind) + here
