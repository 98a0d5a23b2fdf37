"""The page that composes a dataset from databases, a label map and rules, with a preview of the draft."""

from collections import defaultdict
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods
from django.views.decorators.vary import vary_on_headers

from mer_platform.annotation.blindness import blind_clips
from mer_platform.clips.models import Clip, Database, FlowPicture
from mer_platform.composites.blindness import why_not_counted, why_not_frozen
from mer_platform.composites.caveats import caveats
from mer_platform.composites.draft import Draft, draft
from mer_platform.composites.labelmaps import MEGC2019, PRESETS, LabelMap, fixed_by, suggest
from mer_platform.composites.models import CompositeVersion
from mer_platform.composites.names import database_key
from mer_platform.composites.published import TITLES
from mer_platform.composites.rules import Rules, parse_rules
from mer_platform.composites.services import freeze
from mer_platform.composites.tables import by_subject
from mer_platform.projects.access import get_project
from mer_platform.projects.models import Project, Role
from models_ml.classes import CLASSES

EXAMPLES = 4


@login_required
@require_http_methods(["GET", "POST"])
@vary_on_headers("HX-Request", "HX-Target")
def builder(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the builder with a preview of the draft; a POST freezes the version.

    Form fields: ``name``, ``preset``, ``database`` (ids), ``map-<database id>-<number of the emotion>`` with a class or
    nothing, and ``rule-…``. Requests by htmx freeze nothing: they get the preview, or, for the target ``maps``, the page
    with the label maps of another preset.
    """
    project = get_project(request, slug, Role.RESEARCHER)
    data = request.POST if request.method == "POST" else request.GET
    available = list(project.databases.all())
    asked = set(data.getlist("database"))
    chosen = [d for d in available if str(d.pk) in asked] if data else available
    preset = _preset(data, available)
    label_map = _label_map(data, chosen, preset)
    htmx: Any = getattr(request, "htmx", None)
    rules, errors = _rules(data)
    freezing = request.method == "POST" and not htmx and not errors
    if freezing and (why := why_not_frozen(request.user, chosen)):
        errors = {"databases": [why]}
    elif freezing:
        try:
            version = freeze(
                project, data.get("name", ""), chosen, label_map, request.user, preset=preset, rules=rules
            )
        except ValidationError as error:
            errors = error.message_dict
        else:
            return redirect("version", slug, version.pk)
    blind = set(blind_clips(request.user).filter(clip__subject__database__in=chosen))
    built = draft(chosen, label_map, rules, preset).without(blind)
    context = {
        "name": data.get("name", _name(project, preset)),
        "preset": preset,
        "presets": PRESETS,
        "tables": [_table(database, label_map, database in chosen, preset) for database in available],
        "rules": rules,
        "fields": _fields(data, rules),
        "draft": built,
        "check": built.list_check,
        "caveats": caveats(built.samples, rules, _scopes(chosen)),
        "counts": built.counts(),
        "not_counted": why_not_counted(len(blind)),
        "spotted": sum(sample.apex_from == "spotted" for sample in built.samples),
        "pictures": sum(sample.picture_id is not None for sample in built.samples),
        "subjects": by_subject(built.samples),
        "left_out": _by_reason(built),
        "classes": CLASSES,
        "errors": errors,
    }
    part = htmx and htmx.target != "maps"
    template = "composites/_preview.html" if part else "composites/builder.html"
    return render(request, template, context, status=422 if errors and not htmx else 200)


def _preset(data: QueryDict, available: list[Database]) -> str:
    """Return the form's preset; without a form, the preset whose databases are all in the project."""
    if data:
        preset = data.get("preset", "")
        return preset if preset in PRESETS else ""
    return MEGC2019 if {database_key(d.name) for d in available} >= set(TITLES) else ""


def _name(project: Project, preset: str) -> str:
    versions = CompositeVersion.objects.filter(composite__project=project, preset=preset)
    latest = versions.select_related("composite").first()
    return latest.composite.name if latest else PRESETS[preset] if preset else ""


def _label_map(data: QueryDict, databases: list[Database], preset: str) -> LabelMap:
    """Return the form's map. Emotions that the form does not have or the preset decides keep the suggested class."""
    label_map = suggest(databases, preset)
    for database in databases:
        for number, emotion in enumerate(database.emotions):
            key = f"map-{database.pk}-{number}"
            if key in data and not fixed_by(preset, database):
                label_map[database.name][emotion] = str(data[key]) or None
    return label_map


def _table(database: Database, label_map: LabelMap, chosen: bool, preset: str) -> dict[str, Any]:
    words = label_map.get(database.name) or suggest([database], preset)[database.name]
    rows = [
        {"field": f"map-{database.pk}-{number}", "emotion": emotion, "label": words.get(emotion)}
        for number, emotion in enumerate(database.emotions)
    ]
    return {"database": database, "chosen": chosen, "rows": rows, "fixed": fixed_by(preset, database)}


def _fields(data: QueryDict, rules: Rules) -> dict[str, Any]:
    """Return the rules as typed, so that mistakes stay in the form and can be corrected there."""
    texts = ("only", "without", "without_emotions", "shortest", "longest")
    choices = {name: data.get(f"rule-{name}", getattr(rules, name)) for name in ("material", "apex", "unit")}
    kinds = data.getlist("rule-kinds") if "rule-unit" in data else list(rules.kinds)
    return {**choices, **{name: data.get(f"rule-{name}", "") for name in texts}, "kinds": kinds}


def _rules(data: QueryDict) -> tuple[Rules, dict[str, list[str]]]:
    """Return the form's rules, or the default rules and the errors."""
    if "rule-unit" not in data:
        return Rules(), {}
    given: dict[str, Any] = {
        name: data[f"rule-{name}"] for name in ("material", "apex", "unit") if data.get(f"rule-{name}")
    }
    given["kinds"] = data.getlist("rule-kinds")
    for name in ("only", "without"):
        given[name] = [line for line in data.get(f"rule-{name}", "").splitlines() if line.strip()]
    given["without_emotions"] = [
        w.strip() for w in data.get("rule-without_emotions", "").split(",") if w.strip()
    ]
    given.update({name: data[f"rule-{name}"] for name in ("shortest", "longest") if data.get(f"rule-{name}")})
    try:
        return parse_rules(given), {}
    except ValidationError as error:
        return Rules(), error.message_dict


def _scopes(databases: list[Database]) -> list[tuple[str, ...]]:
    """Return everything that a rule can name: databases, subjects and clips."""
    fields = ("subject__database__name", "subject__name", "name")
    scopes: list[tuple[str, ...]] = [(database.name,) for database in databases]
    for model in (Clip, FlowPicture):
        scopes += model.objects.filter(subject__database__in=databases).values_list(*fields)
    return scopes


def _by_reason(built: Draft) -> list[dict[str, Any]]:
    """Return the reasons why items are left out, the commonest first, with a few examples."""
    items: defaultdict[str, list[Clip | FlowPicture]] = defaultdict(list)
    for entry in built.left_out:
        items[entry.reason].append(entry.item)
    return [
        {
            "reason": reason,
            "count": count,
            "examples": items[reason][:EXAMPLES],
            "more": max(count - EXAMPLES, 0),
        }
        for reason, count in built.reasons()
    ]
