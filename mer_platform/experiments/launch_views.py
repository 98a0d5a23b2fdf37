"""The page on which a run is configured, checked while it is filled in, and launched."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods
from django.views.decorators.vary import vary_on_headers

from mer_platform.composites.models import CompositeVersion
from mer_platform.experiments import services
from mer_platform.experiments.models import Run
from mer_platform.experiments.run_form import RunForm, initial_of, plan_for
from mer_platform.projects.access import get_project, row_id
from mer_platform.projects.models import Role
from models_ml.config import RunConfig
from models_ml.config.nets import multiply_adds, parameter_count


@login_required
@require_http_methods(["GET", "POST"])
@vary_on_headers("HX-Request")
def run_new(request: HttpRequest, slug: str) -> HttpResponse:
    """The configuration form, filled in as the run ``?like=…`` was. Asked by htmx, only the check of it."""
    project = get_project(request, slug, Role.RESEARCHER)
    versions = CompositeVersion.objects.filter(composite__project=project).select_related("composite")
    like = Run.objects.filter(project=project, pk=row_id(request.GET.get("like"))).first()
    asked = {"version": like.version_id if like else request.GET.get("version")}
    initial = initial_of(like.settings if like else RunConfig()) | asked
    form = RunForm(request.POST or None, versions=versions, initial=initial)
    checking = bool(getattr(request, "htmx", False))
    if form.is_bound and form.is_valid() and not checking:
        run = services.launch(
            form.cleaned_data["version"], form.config, request.user, form.cleaned_data["name"]
        )
        return redirect("run", slug, run.pk)
    context = {"form": form, "like": like, **_check(form, like.settings if like else RunConfig())}
    if checking:
        return render(request, "experiments/_check.html", context)
    return render(request, "experiments/new.html", context, status=422 if form.is_bound else 200)


def _check(form: RunForm, initial: RunConfig) -> dict[str, Any]:
    """What comes of the form as it stands: the network's layers and the folds, or where it is wrong."""
    if form.is_bound and not form.is_valid():
        named = [
            (form[name] if name in form.fields else None, errors) for name, errors in form.errors.items()
        ]
        return {"problems": named}
    if not form.is_bound and form.chosen_version is None:
        return {}
    config = form.config if form.is_bound else initial
    size = config.features.size
    return {
        "config": config,
        "layers": config.net.layers_for(size),
        "parameters": parameter_count(config.net, size),
        "multiply_adds": multiply_adds(config.net, size),
        "plan": form.plan if form.is_bound else plan_for(form.chosen_version, config),
    }
