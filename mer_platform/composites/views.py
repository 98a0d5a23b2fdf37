from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from mer_platform.clips.models import Database
from mer_platform.composites.labelmaps import LabelMap, suggest
from mer_platform.composites.models import CompositeVersion
from mer_platform.composites.services import draft, freeze
from mer_platform.projects.access import get_project
from mer_platform.projects.models import Project, Role
from models_ml.classes import CLASSES


@login_required
@require_GET
def version_list(request: HttpRequest, slug: str) -> HttpResponse:
    project = get_project(request, slug)
    versions = CompositeVersion.objects.filter(composite__project=project).select_related(
        "composite", "frozen_by"
    )
    rows = [(version, version.counts()) for version in versions]
    return render(request, "composites/list.html", {"rows": rows, "classes": CLASSES})


@login_required
@require_http_methods(["GET", "POST"])
def builder(request: HttpRequest, slug: str) -> HttpResponse:
    """Choose databases, map their words to classes, see the counts, freeze.

    Form fields: ``name``, ``database`` (ids), and ``map-<database id>-<number of the emotion>`` with a class or nothing.
    Asked by htmx, only the preview of what freezing would give.
    """
    project = get_project(request, slug, Role.RESEARCHER)
    data = request.POST if request.method == "POST" else request.GET
    available = list(project.databases.all())
    asked = set(data.getlist("database"))
    chosen = [d for d in available if str(d.pk) in asked] if data else available
    label_map = _label_map(data, chosen)
    errors: dict[str, list[str]] = {}
    if request.method == "POST":
        try:
            version = freeze(project, data.get("name", ""), chosen, label_map, request.user)
        except ValidationError as error:
            errors = error.message_dict
        else:
            return redirect("version", slug, version.pk)
    context = {
        "name": data.get("name", _name(project)),
        "tables": [_table(database, label_map, database in chosen) for database in available],
        "draft": draft(chosen, label_map),
        "classes": CLASSES,
        "errors": errors,
    }
    template = "composites/_preview.html" if getattr(request, "htmx", False) else "composites/builder.html"
    return render(request, template, context, status=422 if errors else 200)


@login_required
@require_GET
def version_page(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    project = get_project(request, slug)
    version = get_object_or_404(
        CompositeVersion.objects.select_related("composite"), pk=pk, composite__project=project
    )
    context = {
        "version": version,
        "counts": version.counts(),
        "classes": CLASSES,
        "samples": version.samples.select_related("clip"),
        "runs": version.runs.all(),
    }
    return render(request, "composites/version.html", context)


def _name(project: Project) -> str:
    latest = CompositeVersion.objects.filter(composite__project=project).select_related("composite").first()
    return latest.composite.name if latest else ""


def _label_map(data: QueryDict, databases: list[Database]) -> LabelMap:
    """The map in the form; words that the form does not have keep the suggestion."""
    label_map = suggest(databases)
    for database in databases:
        for number, emotion in enumerate(database.emotions):
            key = f"map-{database.pk}-{number}"
            if key in data:
                label_map[database.name][emotion] = str(data[key]) or None
    return label_map


def _table(database: Database, label_map: LabelMap, chosen: bool) -> dict[str, Any]:
    words = label_map.get(database.name) or suggest([database])[database.name]
    rows = [
        {"field": f"map-{database.pk}-{number}", "emotion": emotion, "label": words.get(emotion)}
        for number, emotion in enumerate(database.emotions)
    ]
    return {"database": database, "chosen": chosen, "rows": rows}
