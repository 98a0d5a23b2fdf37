"""The page that configures and launches runs, and checks the form while it is filled in."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods
from django.views.decorators.vary import vary_on_headers

from mer_platform.composites.models import CompositeVersion
from mer_platform.experiments import services
from mer_platform.experiments.models import Experiment, Run
from mer_platform.experiments.networks import network_problems
from mer_platform.experiments.sweeps.launch_form import LaunchForm, initial_of_sweep
from mer_platform.experiments.sweeps.run_form import initial_of
from mer_platform.projects.access import get_project, row_id
from mer_platform.projects.models import Project, Role
from mer_platform.web import is_partial
from models_ml.config import SweepConfig
from models_ml.nets.base import MissingNet, multiply_adds, parameter_count

MAX_LISTED = 100  # configurations in the table of a sweep


@login_required
@require_http_methods(["GET", "POST"])
@vary_on_headers("HX-Request")
def run_new(request: HttpRequest, slug: str) -> HttpResponse:
    """The form, with the settings of the run ``?like=…`` or the experiment ``?clone=…``. htmx gets only the check of it."""
    project = get_project(request, slug, Role.RESEARCHER)
    versions = CompositeVersion.objects.filter(composite__project=project).select_related("composite")
    like, initial = _initial(request, project)
    form = LaunchForm(request.POST or None, versions=versions, initial=initial)
    checking = is_partial(request)
    if form.is_bound and form.is_valid() and not checking:
        return _launched(request, form)
    context: dict[str, Any] = {
        "form": form,
        "like": like,
        "tab": "experiments" if form.many else "runs",
        "network_problems": network_problems(),
    }
    if like is not None:
        context["like_url"] = reverse("run" if isinstance(like, Run) else "experiment", args=[slug, like.pk])
    if form.chosen_version is not None:
        context |= _check(form if form.is_bound else form.as_sent())
    if checking:
        return render(request, "experiments/sweeps/_check.html", context)
    return render(request, "experiments/sweeps/new.html", context, status=422 if form.is_bound else 200)


def _initial(request: HttpRequest, project: Project) -> tuple[Run | Experiment | None, dict[str, Any]]:
    """Return the run or experiment that the form starts from, and its initial values."""
    run = project.runs.filter(pk=row_id(request.GET.get("like"))).first()
    if run is not None and run.config is not None:
        if isinstance(run.settings.net, MissingNet):
            messages.error(request, f"{run.settings.net.missing} Or choose another network below.")
        return run, initial_of(run.config) | {"version": run.version_id}
    if run is not None:
        messages.error(
            request, f"{run} has no settings to start from, because other code made its predictions."
        )
    experiment = project.experiments.filter(pk=row_id(request.GET.get("clone"))).first()
    if experiment is not None:
        try:
            sweep = initial_of_sweep(services.clone(experiment))
        except ValidationError as error:
            messages.error(request, f"Cannot clone {experiment}: {' '.join(error.messages)}")
        else:
            own = {name: getattr(experiment, name) for name in ("name", "priority", "device")}
            keep = Experiment.KeepWeights.YES if experiment.keep_weights else Experiment.KeepWeights.NO
            return experiment, sweep | own | {"version": experiment.version_id, "keep_weights": keep}
    given = {"version": request.GET.get("version"), "what": request.GET.get("what")}
    return None, initial_of({}) | {name: value for name, value in given.items() if value}


def _launched(request: HttpRequest, form: LaunchForm) -> HttpResponse:
    cleaned = form.cleaned_data
    experiment = services.launch_experiment(
        cleaned["version"],
        form.sweep,
        request.user,
        form.title(),
        cleaned["priority"] or 0,
        cleaned["device"] or Experiment.Device.AUTO,
        cleaned["keep_weights"] or Experiment.KeepWeights.AUTO,
    )
    slug = experiment.project.slug
    if form.many:
        return redirect("experiment", slug, experiment.pk)
    return redirect("run", slug, experiment.runs.get().pk)


def _check(form: LaunchForm) -> dict[str, Any]:
    """Return what the form would launch (layers, folds and time), or what is wrong with it."""
    if not form.is_valid():
        named = [
            (form[name] if name in form.fields else None, errors) for name, errors in form.errors.items()
        ]
        return {"problems": named, "checked": form}
    shown = {"checked": form, "estimate": form.estimate}
    if form.many:
        rows = _configurations(form.sweep)
        adds = form.estimate.multiply_adds
        return shown | {
            "configurations": rows[:MAX_LISTED],
            "unlisted": max(0, len(rows) - MAX_LISTED),
            "multiply_adds_text": with_si_prefix(adds),
        }
    config, size = form.config, form.config.features.size
    return shown | {
        "config": config,
        "layers": config.net.layers_for(size),
        "parameters": parameter_count(config.net, size),
        "multiply_adds": multiply_adds(config.net, size),
    }


def _configurations(sweep: SweepConfig) -> list[tuple[str, int, int]]:
    """Return the name, parameters and multiply-adds per sample of each combination, without seeds."""
    seedless = sweep.model_copy(update={"seeds": ()})
    return [
        (
            services.run_name(seedless, config),
            parameter_count(config.net, config.features.size),
            multiply_adds(config.net, config.features.size),
        )
        for config in seedless.runs()
    ]


def with_si_prefix(number: int) -> str:
    """Return a large count to two digits, with an SI prefix.

    >>> with_si_prefix(183_000_000_000), with_si_prefix(950)
    ('180 G', '950')
    """
    for power, prefix in ((15, "P"), (12, "T"), (9, "G"), (6, "M")):
        if number >= 10**power:
            return f"{float(f'{number / 10**power:.2g}'):g} {prefix}"
    return f"{number:,}"
