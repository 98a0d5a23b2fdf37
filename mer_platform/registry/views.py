"""The pages of models: the list, a model with its card, and what can be done with it."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django.views.decorators.vary import vary_on_headers

from mer_platform.experiments.models import Run
from mer_platform.projects.access import get_project
from mer_platform.projects.models import Project, Role
from mer_platform.registry import files, stages
from mer_platform.registry.api import all_models
from mer_platform.registry.card import card_of
from mer_platform.registry.file_api import OF_EVERYONE, model_file
from mer_platform.registry.forms import CardForm, ImportForm, RegisterForm
from mer_platform.registry.importing import import_model
from mer_platform.registry.models import ModelExport, ModelVersion
from mer_platform.registry.scores import Known, scores_of, why_hidden
from mer_platform.registry.serializers import aliases_of
from mer_platform.web import is_partial, page_of
from models_ml.classes import CLASSES
from models_ml.errors import InputError

PER_PAGE = 50


@login_required
@require_GET
def model_list(request: HttpRequest, slug: str) -> HttpResponse:
    """List the models of a project; ``?archived=1`` lists the archived ones as well."""
    project = get_project(request, slug)
    own = all_models().filter(project=project)
    archived = own.filter(stage=ModelVersion.Stage.ARCHIVED).count()
    if "archived" not in request.GET:
        own = own.exclude(stage=ModelVersion.Stage.ARCHIVED)
    known: Known = {}
    page = page_of(request, own, PER_PAGE)
    rows = [_row(model, request.user, known) for model in page]
    context = {"rows": rows, "page": page, "archived": archived, "with_archived": "archived" in request.GET}
    return render(request, "registry/list.html", context)


@login_required
@require_GET
@vary_on_headers("HX-Request")
def model_page(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Show a model: stage, scores, card, files and history. For htmx, only its state and its files."""
    project = get_project(request, slug)
    model = _get_model(project, pk)
    export = ModelExport.objects.filter(model=model).first()
    context: dict[str, Any] = {"model": model, "export": export, "aliases": aliases_of(model)}
    if is_partial(request):
        response = render(request, "registry/_files.html", context)
        if model.state != request.GET.get("state"):
            response["HX-Refresh"] = "true"
        return response
    card = card_of(model, request.user)
    context |= {
        "card": card,
        "scores": card["scores"],
        "databases": (card["scores"] or {}).get("per_database", {}),
        "confusion": list(zip(CLASSES, card["details"].get("confusion", []), strict=False)),
        "classes": CLASSES,
        "events": model.events.select_related("by"),
        "stages": [stage for stage in ModelVersion.Stage if stage != model.stage],
        "files": files.CONTENT_TYPES,
        "batches": model.batch_count,
    }
    return render(request, "registry/model.html", context)


@login_required
@require_POST
def model_stage(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Move a model to the stage of the form, with its reason."""
    model = _get_model(get_project(request, slug, Role.RESEARCHER), pk)
    stage, reason = request.POST.get("stage", ""), request.POST.get("reason", "").strip()
    if stage not in ModelVersion.Stage.values:
        messages.error(request, "Choose a stage.")
    elif not reason:
        messages.error(request, "Give a reason. The history of the model keeps it.")
    else:
        try:
            stages.set_stage(model, stage, reason[:1000], request.user)
            messages.success(request, f"“{model.name}” is now {_in_words(stage)}.")
        except InputError as error:
            messages.error(request, str(error))
    return redirect("model", slug, pk)


@login_required
@require_POST
def model_alias(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Add the alias of the form, or remove it if the form says so."""
    model = _get_model(get_project(request, slug, Role.RESEARCHER), pk)
    alias = request.POST.get("alias", "").strip().removeprefix("@")
    try:
        if "remove" in request.POST:
            stages.remove_alias(model, alias, request.user)
            messages.success(request, f"@{alias} removed.")
        else:
            stages.set_alias(model, alias, "", request.user)
            messages.success(request, f"@{alias} now means this model.")
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    return redirect("model", slug, pk)


@login_required
@require_http_methods(["GET", "POST"])
def model_edit(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Edit the name and the written parts of the card."""
    model = _get_model(get_project(request, slug, Role.RESEARCHER), pk)
    form = CardForm(model, request.POST or None)
    if request.method == "POST" and form.is_valid():
        stages.rename(model, form.cleaned_data["name"], request.user)
        stages.write_notes(model, form.notes(), request.user)
        messages.success(request, "Card saved.")
        return redirect("model", slug, pk)
    context = {"model": model, "form": form}
    return render(request, "registry/edit.html", context, status=422 if request.method == "POST" else 200)


@login_required
@require_POST
def model_export(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Start the export as ONNX."""
    model = _get_model(get_project(request, slug, Role.RESEARCHER), pk)
    try:
        files.start_export(model, request.user)
    except InputError as error:
        messages.error(request, str(error))
    return redirect("model", slug, pk)


@login_required
@require_GET
def model_download(request: HttpRequest, slug: str, pk: int, name: str) -> HttpResponseBase:
    """Download a file of a model."""
    role = Role.VIEWER if name in OF_EVERYONE else Role.RESEARCHER
    model = _get_model(get_project(request, slug, role), pk)
    try:
        if name not in files.CONTENT_TYPES:
            raise InputError(f"A model has no file “{name}”.")
        return model_file(model, name, request.user)
    except InputError as error:
        messages.error(request, str(error))
        return redirect("model", slug, pk)


@login_required
@require_http_methods(["GET", "POST"])
def model_import(request: HttpRequest, slug: str) -> HttpResponse:
    """Import a model from a file."""
    project = get_project(request, slug, Role.RESEARCHER)
    form = ImportForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        file = data["file"]
        more = {key: data[key] for key in ("name", "origin", "reason")}
        try:
            model = import_model(project, file, file.name, request.user, **more)
            return redirect("model", slug, model.pk)
        except InputError as error:
            form.add_error("file", str(error))
    return render(
        request, "registry/import.html", {"form": form}, status=422 if request.method == "POST" else 200
    )


@login_required
@require_http_methods(["GET", "POST"])
def run_register(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Make a run a model of the project, with a name and a reason."""
    project = get_project(request, slug, Role.RESEARCHER)
    run = get_object_or_404(Run.objects.select_related("project", "experiment"), pk=pk, project=project)
    form = RegisterForm(request.POST or None, initial={"name": run.name})
    if request.method == "POST" and form.is_valid():
        try:
            model, _ = stages.register(
                run, request.user, form.cleaned_data["name"], form.cleaned_data["reason"]
            )
            return redirect("model", slug, model.pk)
        except InputError as error:
            form.add_error(None, str(error))
    context = {"form": form, "run": run, "trained": run.ready_model is not None}
    return render(request, "registry/register.html", context, status=422 if request.method == "POST" else 200)


def _get_model(project: Project, pk: int) -> Any:
    return get_object_or_404(all_models(), pk=pk, project=project)


def _row(model: Any, user: Any, known: Known) -> dict[str, Any]:
    hidden = why_hidden(model, user, known)
    return {
        "model": model,
        "aliases": aliases_of(model),
        "scores": None if hidden else scores_of(model),
        "hidden": hidden,
        "batches": model.batch_count,
    }


def _in_words(stage: str) -> str:
    return {"candidate": "a candidate", "production": "in production"}.get(stage, stage)
