from collections import Counter, defaultdict
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods
from django.views.decorators.vary import vary_on_headers

from mer_platform.annotation.blindness import blind_clips
from mer_platform.clips.models import Clip, Database
from mer_platform.composites.labelmaps import LabelMap, suggest
from mer_platform.composites.models import CompositeVersion, Sample
from mer_platform.composites.services import Draft, draft, freeze
from mer_platform.experiments.forms import RunForm
from mer_platform.projects.access import get_project
from mer_platform.projects.models import Project, Role
from models_ml.classes import CLASSES

EXAMPLES = 4
PAGE = 100


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
@vary_on_headers("HX-Request")
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
    built = draft(chosen, label_map)
    context = {
        "name": data.get("name", _name(project)),
        "tables": [_table(database, label_map, database in chosen) for database in available],
        "draft": built,
        "counts": built.counts(),
        "subjects": _by_subject(built.samples),
        "left_out": _by_reason(built),
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
    samples = version.samples.all()
    page = Paginator(samples, PAGE).get_page(request.GET.get("page"))
    versions = CompositeVersion.objects.filter(pk=version.pk)
    context = {
        "version": version,
        "counts": version.counts(),
        "subjects": _by_subject(list(samples)),
        "classes": CLASSES,
        "page": page,
        "pages": page.paginator.get_elided_page_range(page.number, on_each_side=2, on_ends=1),
        "runs": version.runs.select_related("created_by"),
        "blind": set(blind_clips(request.user)),
        "run_form": RunForm(versions=versions, initial={"version": version.pk}),
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


def _by_subject(samples: list[Sample]) -> list[dict[str, Any]]:
    """A row a subject: how many samples of each class it has."""
    counts: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for sample in samples:
        counts[sample.database, sample.subject][sample.label] += 1
    return [
        {"database": database, "subject": subject, "classes": [n[c] for c in CLASSES], "samples": n.total()}
        for (database, subject), n in sorted(counts.items())
    ]


def _by_reason(built: Draft) -> list[dict[str, Any]]:
    """Why clips are left out, the commonest reason first, with a few of the clips."""
    clips: defaultdict[str, list[Clip]] = defaultdict(list)
    for entry in built.left_out:
        clips[entry.reason].append(entry.clip)
    return [
        {
            "reason": reason,
            "count": count,
            "examples": clips[reason][:EXAMPLES],
            "more": max(count - EXAMPLES, 0),
        }
        for reason, count in built.reasons()
    ]
