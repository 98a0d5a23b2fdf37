"""How well coders agree: page, figure, CSV."""

import csv
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from mer_platform.annotation.agreement import comparisons, figures
from mer_platform.annotation.agreement.comparisons import Coded, Compared
from mer_platform.annotation.agreement.statistics import MARKS, Expression, overlap
from mer_platform.clips.models import Database
from mer_platform.projects.access import get_project, row_id
from mer_platform.projects.models import Project, Role
from models_ml.formats.csv_text import guard_formula

COLUMNS = [
    "database", "subject", "clip", "clip_id", "fps", "first_coder", "second_coder", "seen_by", "overlap",
    *(f"{mark}_{who}" for mark in MARKS for who in ("first", "second")),
    *(f"{mark}_difference" for mark in MARKS), "emotion_first", "emotion_second",
    "action_units_first", "action_units_second",
]  # fmt: skip


@dataclass(frozen=True)
class Chosen:
    """What the page is about: all coders or a pair, all databases or one."""

    coded: list[Coded]
    compared: list[Compared]
    database: Database | None
    pair: tuple[str, str] | None

    @property
    def shown(self) -> list[Compared]:
        return [c for c in self.compared if self.pair in (None, (c.first, c.second))]


@login_required
@require_GET
def agreement(request: HttpRequest, slug: str) -> HttpResponse:
    """Numbers for all coders, per pair and per database; below, the differences and the worst clips of what is chosen."""
    project = get_project(request, slug, Role.RESEARCHER)
    chosen = _chosen(request, project)
    pairs = comparisons.by_pair(chosen.compared)
    rows = [(pair, comparisons.pair_report(items)) for pair, items in pairs.items()]
    databases = [
        (name, coded[0].clip.database.pk, comparisons.whole_report(coded, comparisons.compare(coded)))
        for name, coded in comparisons.by_database(chosen.coded).items()
    ]
    if chosen.pair:
        report = comparisons.pair_report(chosen.shown)
    else:
        report = comparisons.whole_report(chosen.coded, chosen.compared)
    context = {
        "chosen": chosen,
        "report": report,
        "pairs": rows,
        "databases": databases,
        "worst": comparisons.worst(chosen.shown),
        "marks": MARKS,
        "all_databases": project.databases.all(),
        "coders": sorted({name for item in chosen.coded for name in item.by}),
    }
    return render(request, "annotation/agreement/agreement.html", context)


@login_required
@require_GET
def figure(request: HttpRequest, slug: str) -> HttpResponse:
    """The differences of onset, apex and offset as bars, in frames or (``?unit=ms``) milliseconds."""
    project = get_project(request, slug, Role.RESEARCHER)
    unit = "ms" if request.GET.get("unit") == "ms" else "frames"
    return JsonResponse(figures.differences(_chosen(request, project).shown, unit))


@login_required
@require_GET
def expressions_csv(request: HttpRequest, slug: str) -> HttpResponse:
    """Every expression of every two coders, a row each: what all the numbers are computed from."""
    project = get_project(request, slug, Role.RESEARCHER)
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="agreement-{project.slug}.csv"'
    writer = csv.DictWriter(response, COLUMNS)
    writer.writeheader()
    for item in _chosen(request, project).shown:
        for a, b in item.matched:
            writer.writerow(_row(item, a, b))
        for who, e in item.alone:
            writer.writerow(_row(item, e, None) if who == item.first else _row(item, None, e))
    return response


def _chosen(request: HttpRequest, project: Project) -> Chosen:
    database = None
    if request.GET.get("database"):
        rows = Database.objects.filter(project=project)
        database = get_object_or_404(rows, pk=row_id(request.GET["database"]))
    coded = comparisons.coded_clips(project, request.user, database.pk if database else None)
    first, second = request.GET.get("first"), request.GET.get("second")
    pair = (first, second) if first and second else None
    return Chosen(coded, comparisons.compare(coded), database, pair)


def _row(item: Compared, a: Expression | None, b: Expression | None) -> dict[str, Any]:
    clip = item.clip
    row: dict[str, Any] = {
        "database": guard_formula(clip.database.name),
        "subject": guard_formula(clip.subject.name),
        "clip": guard_formula(clip.name),
        "clip_id": clip.pk,
        "fps": f"{clip.rate:g}",
        "first_coder": guard_formula(item.first),
        "second_coder": guard_formula(item.second),
        "seen_by": "both" if a and b else "first" if a else "second",
        "overlap": f"{overlap(a, b):.4f}" if a and b else "",
    }
    for who, expression in (("first", a), ("second", b)):
        if expression is None:
            continue
        row |= {f"{mark}_{who}": getattr(expression, mark) for mark in MARKS}
        row[f"emotion_{who}"] = guard_formula(expression.emotion)
        row[f"action_units_{who}"] = guard_formula(expression.source.action_units)
    if a and b:
        row |= {f"{mark}_difference": getattr(b, mark) - getattr(a, mark) for mark in MARKS}
    return row
